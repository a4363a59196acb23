//! Precisions: the number format that a layer is computed in, by the words of model files, and that accelerators list.

use serde::Serialize;

use crate::input::{Table, Value, suggestion};

/// The number format of a layer's operands, by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Precision(&'static str);

impl Precision {
    /// All words, from the widest format to the narrowest.
    pub const WORDS: [&'static str; 9] =
        ["fp32", "tf32", "fp16", "bf16", "fp8", "int16", "int8", "int4", "binary"];

    /// The precision of this word; none where there is none.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|known| *known == word).map(Self)
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.0
    }

    /// Reads a word.
    #[must_use]
    pub fn decode(value: &Value<'_>) -> Option<Self> {
        let word = value.string()?;
        let known = Self::named(word);
        if known.is_none() {
            return value.reject(
                format!("there is no precision `{word}`"),
                suggestion(word, "precision", &Self::WORDS),
            );
        }
        known
    }

    /// Reads the key `precision` of a model or a layer.
    pub(crate) fn of(table: &Table<'_>) -> Option<Self> {
        table.optional("precision", Self::decode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_precisions() {
        assert!(
            Precision::WORDS.iter().all(|word| Precision::named(word).map(Precision::word) == Some(word))
        );
        assert_eq!(Precision::named("INT8"), None);
    }
}
