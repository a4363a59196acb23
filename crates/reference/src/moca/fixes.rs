//! The quirks of the program that the loop can do without, one by one.
//!
//! With no fix the loop is the program's. Each fix changes one rule and leaves the others as they are, so that its
//! effect can be measured alone. Each stands beside the quirk that it fixes.

use serde::Serialize;

use crate::fix_row;

/// Which quirks are fixed; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fixes {
    /// Quirk 1: demands of the other groups are weighed by the scores of their own tasks.
    pub scores_of_others: bool,
    /// Quirk 2: groups publish what their throttled layer demands.
    pub throttled_demand: bool,
    /// Quirk 3: a layer whose throttle is off publishes its demand.
    pub demand_of_disabled: bool,
    /// Quirk 4: scores, weights and shares are not cut to 32 bits.
    pub wide_scores: bool,
    /// Quirk 5: a pooling takes what is cut off its rows from its rows.
    pub own_cuts: bool,
    /// Quirk 6: AlexNet's table has an entry for each of its calls, in all columns.
    pub split_entries: bool,
    /// Quirk 7: the blocks of a task are compared with those of its own net.
    pub own_blocks: bool,
    /// Quirk 8: rows that go out in the last cycle of a window are counted.
    pub counted_last_cycle: bool,
    /// Quirk 9: quiet windows buy nothing.
    pub no_credit: bool,
}

/// A row of [`FIXES`]; quirks are numbered in `docs/models/moca-reference.md`.
pub type FixRow = fix_row::FixRow<Fixes>;

/// All fixes, by number of their quirks.
pub const FIXES: &[FixRow] = &[
    FixRow {
        name: "scores-of-others",
        quirk: 1,
        artifact: "convolutions and matrix products weigh the demands of all groups by the score of their own task, \
                   so that scores cancel",
        fixed: "each demand is weighed by the score that its group published",
        set: |fixes| fixes.scores_of_others = true,
    },
    FixRow {
        name: "throttled-demand",
        quirk: 2,
        artifact: "a group publishes the demand of its layer without the throttle",
        fixed: "with it",
        set: |fixes| fixes.throttled_demand = true,
    },
    FixRow {
        name: "demand-of-disabled",
        quirk: 3,
        artifact: "a layer whose throttle is off publishes a demand of 0",
        fixed: "it publishes its demand",
        set: |fixes| fixes.demand_of_disabled = true,
    },
    FixRow {
        name: "wide-scores",
        quirk: 4,
        artifact: "ten times the cycles that are left, weights and excess are cut to 32 bits; late tasks make them wrap",
        fixed: "they are exact",
        set: |fixes| fixes.wide_scores = true,
    },
    FixRow {
        name: "own-cuts",
        quirk: 5,
        artifact: "a pooling takes the rows outside of its input from its columns, and the columns from its rows",
        fixed: "each from its own",
        set: |fixes| fixes.own_cuts = true,
    },
    FixRow {
        name: "split-entries",
        quirk: 6,
        artifact: "AlexNet's first two matrix products run as two calls each, for which only the predictions of the \
                   table were halved: traffic and rows belong to other calls from the second call on, and to none at \
                   the end",
        fixed: "all columns are halved",
        set: |fixes| fixes.split_entries = true,
    },
    FixRow {
        name: "own-blocks",
        quirk: 7,
        artifact: "the progress of a task is compared with the blocks of the next net in the list",
        fixed: "with that of its own",
        set: |fixes| fixes.own_blocks = true,
    },
    FixRow {
        name: "counted-last-cycle",
        quirk: 8,
        artifact: "rows that go out in the last cycle of a window are never counted; a window of one cycle counts \
                   nothing",
        fixed: "they count for their window",
        set: |fixes| fixes.counted_last_cycle = true,
    },
    FixRow {
        name: "no-credit",
        quirk: 9,
        artifact: "the overflow of the throttle falls below zero without bound: a quiet phase buys a long burst",
        fixed: "it stays at zero",
        set: |fixes| fixes.no_credit = true,
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
