//! Choices among the costs of a platform, as its file and the end of its name have them.

use rtmm_workload::input::{Diagnostic, Table, Value};
use rtmm_workload::load::{Kind, open};

use crate::decode::Mode;
use crate::technology::{Level, split_level};

/// The modes, as files and names of platforms have them.
const MODES: [(&str, Mode); 2] = [("corrected", Mode::Corrected), ("reference", Mode::Reference)];
/// The label of platforms whose mode is stated.
pub(crate) const COSTS_LABEL: &str = "costs";

/// The choice that the name of a platform ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// A level of its technology.
    Level(Level),
    /// Corrected costs, or those of published tools.
    Costs(Mode),
}

impl Chosen {
    /// The word of the name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Level(level) => level.name(),
            Self::Costs(mode) => word_of(mode),
        }
    }

    /// The level of the technology, if that is the choice.
    pub(crate) fn level(self) -> Option<Level> {
        match self {
            Self::Level(level) => Some(level),
            Self::Costs(_) => None,
        }
    }
}

/// Splits the choice off the reference of a platform, such as `boards/phone@high`.
pub(crate) fn split_choice(reference: &str) -> (&str, Option<Chosen>) {
    let named = |(word, mode): (&'static str, Mode)| {
        let platform = reference.strip_suffix(word)?.strip_suffix('@')?;
        Some((platform, Some(Chosen::Costs(mode))))
    };
    MODES.into_iter().find_map(named).unwrap_or_else(|| {
        let (platform, level) = split_level(reference);
        (platform, level.map(Chosen::Level))
    })
}

/// The problem with a platform that cannot be opened: where its name goes on behind an `@`, with the choices that there are.
pub(crate) fn told_of_choices(reference: &str, problem: Diagnostic) -> Diagnostic {
    let Some((platform, word)) = reference.rsplit_once('@') else { return problem };
    if open(Kind::Platform, platform, None).is_err() {
        return problem;
    }
    let levels = Level::ALL.iter().map(|(word, _)| *word);
    let words: Vec<&str> = levels.chain(MODES.iter().map(|(word, _)| *word)).collect();
    Diagnostic::without_place(format!("there is no choice `{word}` of the costs of `{platform}`"))
        .help(format!("allowed behind `@`: {}", words.join(", ")))
}

/// The word of a mode.
pub(crate) fn word_of(mode: Mode) -> &'static str {
    MODES.iter().find(|(_, known)| *known == mode).map_or("", |(word, _)| word)
}

/// The mode that the name of the platform asks for, or else `mode` in its file; none where neither does.
pub(crate) fn stated_mode(root: &Table<'_>, chosen: Option<Chosen>) -> Option<Mode> {
    let in_file = root.optional("mode", decode_mode);
    let mode = match chosen {
        Some(Chosen::Costs(mode)) => Some(mode),
        Some(Chosen::Level(_)) | None => in_file,
    };
    if mode == Some(Mode::Reference) && root.has("technology") {
        let message = "published tools have prices of their own, and this platform names a technology";
        root.report(root.problem(message).help("leave one of both out"));
    }
    mode
}

fn decode_mode(value: &Value<'_>) -> Option<Mode> {
    let stated = value.string()?;
    match MODES.iter().find(|(word, _)| *word == stated) {
        Some((_, mode)) => Some(*mode),
        None => value.reject(format!("`{stated}` is no mode"), "allowed: corrected, reference"),
    }
}
