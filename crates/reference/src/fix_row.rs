//! Rows of the tables of quirks: what a published program does, and what its loop does with the fix.

/// A quirk of a program and its fix, one of the switches of `F`.
#[derive(Debug)]
pub struct FixRow<F> {
    /// Name of the fix, in kebab case.
    pub name: &'static str,
    /// Number of the quirk on the program's page under `docs/models`.
    pub quirk: u32,
    /// Behaviour of the program.
    pub artifact: &'static str,
    /// Behaviour of the loop with the fix.
    pub fixed: &'static str,
    /// Turns the fix on.
    pub set: fn(&mut F),
}

/// The switches of some rows turned on, and no other.
pub(crate) fn with<F: Default>(rows: &[FixRow<F>]) -> F {
    let mut fixes = F::default();
    rows.iter().for_each(|row| (row.set)(&mut fixes));
    fixes
}

/// Holds a table to its switches: every row turns on the one of its name alone, and none is without a row.
#[cfg(test)]
pub(crate) fn check<F: Default + std::fmt::Debug>(rows: &[FixRow<F>]) {
    for row in rows {
        let text = format!("{:?}", with(std::slice::from_ref(row)));
        assert!(text.contains(&format!("{}: true", row.name.replace('-', "_"))), "{text}");
        assert_eq!(text.matches("true").count(), 1, "{text}");
    }
    let text = format!("{:?}", with(rows));
    assert!(!text.contains("false"), "{text}");
    assert_eq!(text.matches("true").count(), rows.len(), "each row has a switch of its own");
    assert!(rows.is_sorted_by_key(|row| row.quirk));
}
