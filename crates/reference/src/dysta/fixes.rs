//! The quirks of the program that the loop can do without, one by one.
//!
//! With no fix the loop is the program's. Each fix changes one rule and leaves the others as they are,
//! so that its effect can be measured alone. Each stands beside the quirk that it fixes.

use serde::Serialize;

use crate::fix_row;

/// Which quirks are fixed; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fixes {
    /// Quirk 1: requests draw from all samples of their trace. It acts where requests are drawn.
    pub all_samples: bool,
    /// Quirk 2: the clock never moves back, and whatever has arrived by now is admitted.
    pub monotonic_clock: bool,
    /// Quirk 3: `prema-sparse` ranks every candidate by its own gamma.
    pub own_gamma: bool,
    /// Quirk 4: `planaria` and `sdrm3` take the first largest score, also of negative ones.
    pub plain_maximum: bool,
    /// Quirk 5: the predictor `last-n` divides by the ratios that there are.
    pub divide_by_count: bool,
}

/// A row of [`FIXES`]; quirks are numbered in `docs/models/dysta-reference.md`.
pub type FixRow = fix_row::FixRow<Fixes>;

/// All fixes, by number of their quirks.
pub const FIXES: &[FixRow] = &[
    FixRow {
        name: "all-samples",
        quirk: 1,
        artifact: "samples are drawn below 7, the number of keys of a record, so that all others are never used",
        fixed: "they are drawn from all samples of the trace",
        set: |fixes| fixes.all_samples = true,
    },
    FixRow {
        name: "monotonic-clock",
        quirk: 2,
        artifact: "an idle accelerator sets the clock to the next arrival, even if that is past, and admits \
                   only that request",
        fixed: "the clock never moves back, and every request that has arrived by now is admitted, idle or not",
        set: |fixes| fixes.monotonic_clock = true,
    },
    FixRow {
        name: "own-gamma",
        quirk: 3,
        artifact: "`prema-sparse` multiplies every candidate's estimate by the gamma of the task admitted last",
        fixed: "each by its own",
        set: |fixes| fixes.own_gamma = true,
    },
    FixRow {
        name: "plain-maximum",
        quirk: 4,
        artifact: "`planaria` and `sdrm3` take the last task where scores are negative, instead of the best",
        fixed: "the first of the largest score",
        set: |fixes| fixes.plain_maximum = true,
    },
    FixRow {
        name: "divide-by-count",
        quirk: 5,
        artifact: "the predictor `last-n` divides by three also after one layer or two",
        fixed: "it divides by the ratios that there are",
        set: |fixes| fixes.divide_by_count = true,
    },
];

impl Fixes {
    /// Every fix of [`FIXES`].
    #[must_use]
    pub fn all() -> Self {
        fix_row::with(FIXES)
    }

    /// One fix and no other.
    #[must_use]
    pub fn only(row: &FixRow) -> Self {
        fix_row::with(std::slice::from_ref(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_turns_on_the_fix_of_its_name() {
        fix_row::check(FIXES);
    }
}
