//! Kinds of operators: the words by which model files name them, and accelerators say which they run.
//!
//! A kind tells operators apart whose dimensions are alike: a softmax from an activation. It says nothing of costs.

use serde::Serialize;

/// The kind of a layer's operator, by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct OperatorKind(&'static str);

impl OperatorKind {
    /// The words that a layer of a model file can name.
    pub const WRITTEN: [&'static str; 21] = [
        "convolution",
        "transposed-convolution",
        "fully-connected",
        "attention",
        "lstm",
        "gru",
        "rnn",
        "max-pool",
        "average-pool",
        "global-pool",
        "add",
        "multiply",
        "activation",
        "concatenate",
        "resize",
        "batch-norm",
        "layer-norm",
        "group-norm",
        "softmax",
        "tokens",
        "plane",
    ];
    /// The kind of layers of which only recordings are known.
    pub const OPAQUE: Self = Self("opaque");

    /// The kind of this word; none where there is none.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::words().find(|known| *known == word).map(Self)
    }

    /// All words.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::WRITTEN.into_iter().chain([Self::OPAQUE.0])
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.0
    }

    /// The kind of a word that is known to be one.
    pub(crate) const fn known(word: &'static str) -> Self {
        Self(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_their_words() {
        for word in OperatorKind::words() {
            assert_eq!(OperatorKind::named(word).map(OperatorKind::word), Some(word));
        }
        assert_eq!(OperatorKind::named("soft-max"), None);
    }
}
