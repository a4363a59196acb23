//! The operators by domain and name.

use super::call::{Domain, Row};
use super::operators::FAMILIES;

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
    names.extend(["Constant", "If", "Loop", "Scan"].map(str::to_owned));
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
