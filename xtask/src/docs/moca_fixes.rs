//! The fixes of the MoCA reference loop.

use rtmm_reference::moca::{FIXES, FixRow};

use super::table;

/// The fixes, one by one, in words.
pub(super) fn list() -> String {
    let row = |row: &FixRow| {
        vec![format!("`{}`", row.name), row.quirk.to_string(), row.artifact.to_owned(), row.fixed.to_owned()]
    };
    let rows: Vec<Vec<String>> = FIXES.iter().map(row).collect();
    table(&["fix", "quirk", "the program", "with the fix"], &rows)
}
