//! Record of the files that were read: a program that writes files asks it what it must not write over.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

thread_local! {
    /// Paths as they were opened; nothing is kept where no record is wanted.
    static OPENED: RefCell<Option<BTreeSet<PathBuf>>> = const { RefCell::new(None) };
}

/// Starts a new record of the files that this thread reads by the functions of this module, also of those that other
/// files name.
pub fn record_opened() {
    OPENED.with_borrow_mut(|opened| *opened = Some(BTreeSet::new()));
}

/// Paths that this thread opened since its record began, in their order; none without [`record_opened`].
#[must_use]
pub fn opened() -> Vec<PathBuf> {
    OPENED.with_borrow(|opened| opened.iter().flatten().cloned().collect())
}

/// Adds a path to the record, if there is one.
pub(super) fn note(path: &Path) {
    OPENED.with_borrow_mut(|opened| {
        if let Some(opened) = opened
            && !opened.contains(path)
        {
            opened.insert(path.to_owned());
        }
    });
}
