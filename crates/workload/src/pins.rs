//! Pins: the accelerators that the jobs of a task may run on.
//!
//! A word is the name of an accelerator or the kind of several. What there is of them is the platform's to say, so that one
//! scenario can be pinned on many platforms.

use serde::Serialize;

/// The accelerators that the jobs of a task may run on, by names and kinds. By default all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pins {
    /// The only ones that they may run on; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run_on: Vec<String>,
    /// Those of them that they may not run on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<String>,
}

impl Pins {
    /// True if jobs may run anywhere.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.run_on.is_empty() && self.avoid.is_empty()
    }

    /// True if jobs may run on an accelerator of this name and this kind.
    #[must_use]
    pub fn allow(&self, name: &str, kind: &str) -> bool {
        let is_named = |words: &[String]| words.iter().any(|word| word == name || word == kind);
        (self.run_on.is_empty() || is_named(&self.run_on)) && !is_named(&self.avoid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_go_by_name_or_by_kind_and_what_is_avoided_is_not_allowed() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let pins = |run_on: &[&str], avoid: &[&str]| Pins { run_on: words(run_on), avoid: words(avoid) };
        for (pins, allowed) in [
            (pins(&[], &[]), [true, true, true]),
            (pins(&["npu"], &[]), [true, true, false]),
            (pins(&["npu1"], &[]), [false, true, false]),
            (pins(&["npu0", "gpu"], &[]), [true, false, true]),
            (pins(&[], &["npu"]), [false, false, true]),
            (pins(&["npu"], &["npu0"]), [false, true, false]),
        ] {
            let found =
                [("npu0", "npu"), ("npu1", "npu"), ("big", "gpu")].map(|(name, kind)| pins.allow(name, kind));
            assert_eq!(found, allowed, "{pins:?}");
        }
        assert!(pins(&[], &[]).is_empty() && !pins(&[], &["npu"]).is_empty());
    }
}
