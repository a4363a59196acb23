//! The operators by domain and name.

use super::call::{Domain, Row};
use super::operators::FAMILIES;

/// Operators of sequences of tensors, which have no rows: they see more than tensors.
pub(crate) const SEQUENCES: [&str; 8] = [
    "ConcatFromSequence",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "SplitToSequence",
];
/// Operators that hold graphs or state a value.
const OTHERS: [&str; 4] = ["Constant", "If", "Loop", "Scan"];

/// The row of an operator.
pub(crate) fn row(domain: Domain, name: &str) -> Option<&'static Row> {
    FAMILIES.iter().copied().flatten().find(|row| row.domain == domain && row.name == name)
}

/// Names of the operators that have a rule, with their domain before a colon where it is not that of ONNX, sorted.
#[must_use]
pub fn operators() -> Vec<String> {
    let shown = |row: &Row| match row.domain {
        Domain::Onnx => row.name.to_owned(),
        Domain::Microsoft => format!("com.microsoft:{}", row.name),
    };
    let mut names: Vec<String> = FAMILIES.iter().copied().flatten().map(shown).collect();
    names.extend(SEQUENCES.iter().chain(&OTHERS).map(|name| (*name).to_owned()));
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operator_has_two_rows() {
        let names = operators();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(names.len() > 190, "{}", names.len());
    }
}
