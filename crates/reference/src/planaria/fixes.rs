//! The defects of the program that the loop can do without, one by one.
//!
//! With no fix the loop is the program's, with all of them it is the policy as it is meant. Each fix changes one
//! rule and leaves the others as they are. Each stands beside the quirk that it fixes.

use serde::Serialize;

use crate::fix_row;

/// Quirks that are fixed; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fixes {
    /// Quirk 1: a job ends with its own last tile.
    pub own_ends: bool,
    /// Quirk 2: every job whose last tile has ended by a decision ends before it.
    pub all_ends: bool,
    /// Quirk 3: every job that has arrived by a decision takes part in it.
    pub all_arrivals: bool,
    /// Quirk 4: no step undoes tiles or turns the clock back.
    pub no_undoing: bool,
    /// Quirk 5: progress in a layer is an exact fraction.
    pub exact_progress: bool,
    /// Quirk 6: progress in a layer ends at the whole layer.
    pub capped_progress: bool,
    /// Quirk 7: a finished job has no score where not all jobs fit.
    pub finished_scores: bool,
    /// Quirk 8: where all jobs are late, what rounding leaves over is handed out.
    pub shared_rest: bool,
    /// Quirk 10: what the jobs of the highest priority cannot share equally is handed out in order.
    pub ordered_rest: bool,
    /// Quirk 11: jobs may arrive or end while others go on to the end of their tiles.
    pub overlapping_events: bool,
    /// Quirk 12: jobs without a score get no share.
    pub zero_scores: bool,
    /// Quirk 14: jobs arrive when the case says, and are told apart.
    pub stated_tasks: bool,
    /// Quirk 15: all jobs have one clock, which goes on to the next arrival when no job is there.
    pub one_clock: bool,
    /// Quirk 16: no share is negative or larger than what is shared.
    pub bounded_shares: bool,
}

/// A row of [`FIXES`]; quirks are numbered in `docs/models/planaria-reference.md`.
pub type FixRow = fix_row::FixRow<Fixes>;

/// All fixes, by number of their quirks.
pub const FIXES: &[FixRow] = &[
    FixRow {
        name: "own-ends",
        quirk: 1,
        artifact: "a job ends at the barrier, when the last of the others has ended its tile",
        fixed: "it ends with its own last tile",
        set: |fixes| fixes.own_ends = true,
    },
    FixRow {
        name: "all-ends",
        quirk: 2,
        artifact: "one job ends in a step; others whose last tile has ended, too, stay and take subarrays",
        fixed: "every job ends whose last tile has ended by the barrier",
        set: |fixes| fixes.all_ends = true,
    },
    FixRow {
        name: "all-arrivals",
        quirk: 3,
        artifact: "one job arrives in a step; others that have arrived by the barrier come at further decisions, at the \
                   same cycle",
        fixed: "every job that has arrived by the barrier takes part in the decision",
        set: |fixes| fixes.all_arrivals = true,
    },
    FixRow {
        name: "no-undoing",
        quirk: 4,
        artifact: "a step back to an arrival that is past undoes tiles, and may turn the clock back",
        fixed: "such a step takes no time and moves no job",
        set: |fixes| fixes.no_undoing = true,
    },
    FixRow {
        name: "exact-progress",
        quirk: 5,
        artifact: "the part of a layer that is done is a rounded double, which may cost a tile more",
        fixed: "it is an exact fraction",
        set: |fixes| fixes.exact_progress = true,
    },
    FixRow {
        name: "capped-progress",
        quirk: 6,
        artifact: "the part of a layer that is done may pass 1 where another number of subarrays has other tiles, and \
                   the excess is taken off later layers",
        fixed: "it is 1 at most",
        set: |fixes| fixes.capped_progress = true,
    },
    FixRow {
        name: "finished-scores",
        quirk: 7,
        artifact: "where not all jobs fit, a finished job that is not late has a score, and a share of spare subarrays",
        fixed: "its score is 0, as where all jobs fit",
        set: |fixes| fixes.finished_scores = true,
    },
    FixRow {
        name: "shared-rest",
        quirk: 8,
        artifact: "where all jobs are late, subarrays that rounding leaves over are idle",
        fixed: "they go to the first jobs of the order, one each",
        set: |fixes| fixes.shared_rest = true,
    },
    FixRow {
        name: "ordered-rest",
        quirk: 10,
        artifact: "of the subarrays that go to the highest priority, those that its jobs cannot share equally go to one of \
                   them, drawn at random",
        fixed: "they go to the first of these jobs, one each",
        set: |fixes| fixes.ordered_rest = true,
    },
    FixRow {
        name: "overlapping-events",
        quirk: 11,
        artifact: "it stops where the barrier of an end reaches the next arrival, or that of an arrival the next end",
        fixed: "it goes on: such an arrival or end is seen at the next decision",
        set: |fixes| fixes.overlapping_events = true,
    },
    FixRow {
        name: "zero-scores",
        quirk: 12,
        artifact: "it divides by zero, and stops, where all scores are 0 or a finished job has no slack left",
        fixed: "jobs without a score get no share",
        set: |fixes| fixes.zero_scores = true,
    },
    FixRow {
        name: "stated-tasks",
        quirk: 14,
        artifact: "the first job arrives at cycle 0 whatever is stated, and jobs are keyed by the name of their network \
                   and their number, run together: of two with one key, one is lost",
        fixed: "every job arrives when the case says, and none is lost",
        set: |fixes| fixes.stated_tasks = true,
    },
    FixRow {
        name: "one-clock",
        quirk: 15,
        artifact: "when no job is left, the next one takes its arrival plus the clock for its arrival, and the clock \
                   goes on by the length of the last step",
        fixed: "the clock goes on to the next arrival, without a decision",
        set: |fixes| fixes.one_clock = true,
    },
    FixRow {
        name: "bounded-shares",
        quirk: 16,
        artifact: "negative scores lead to shares of more than all subarrays, at which it stops, or of less than none",
        fixed: "a share is at least 0 and at most what is shared",
        set: |fixes| fixes.bounded_shares = true,
    },
];

impl Fixes {
    /// Every fix of [`FIXES`]: the policy as it is meant.
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
