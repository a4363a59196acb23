//! Choices among the costs of a platform, as its file and the end of its name have them.

use rtmm_workload::input::{Table, Value};

use crate::decode::Mode;
use crate::technology::{Level, split_level};

/// The mode with the costs of published tools, as files and names of platforms have it.
pub(crate) const REFERENCE: &str = "reference";

/// The choice that the name of a platform ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// A level of its technology.
    Level(Level),
    /// The costs of published tools.
    Reference,
}

impl Chosen {
    /// The word of the name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Level(level) => level.name(),
            Self::Reference => REFERENCE,
        }
    }

    /// The level of the technology, if that is the choice.
    pub(crate) fn level(self) -> Option<Level> {
        match self {
            Self::Level(level) => Some(level),
            Self::Reference => None,
        }
    }
}

/// Splits the choice off the reference of a platform, such as `boards/phone@high`.
pub(crate) fn split_choice(reference: &str) -> (&str, Option<Chosen>) {
    match reference.strip_suffix(REFERENCE).and_then(|rest| rest.strip_suffix('@')) {
        Some(platform) => (platform, Some(Chosen::Reference)),
        None => {
            let (platform, level) = split_level(reference);
            (platform, level.map(Chosen::Level))
        }
    }
}

/// True if the costs are to be those of published tools, by the name of the platform or by `mode` in its file.
pub(crate) fn asks_for_reference(root: &Table<'_>, chosen: Option<Chosen>) -> bool {
    let stated = root.or("mode", Mode::Corrected, decode_mode);
    let asks = stated == Mode::Reference || chosen == Some(Chosen::Reference);
    if asks && root.has("technology") {
        let message = "published tools have prices of their own, and this platform names a technology";
        root.report(root.problem(message).help("leave one of both out"));
    }
    asks
}

fn decode_mode(value: &Value<'_>) -> Option<Mode> {
    match value.string()? {
        "corrected" => Some(Mode::Corrected),
        REFERENCE => Some(Mode::Reference),
        other => value.reject(format!("`{other}` is no mode"), "allowed: corrected, reference"),
    }
}
