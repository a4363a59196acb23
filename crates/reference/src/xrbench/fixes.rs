//! The quirks of the artifact's runtime that the loop can do without, one by one.
//!
//! With no fix the loop is the artifact's. Each fix changes one rule and leaves the others as they
//! are, so that its effect can be measured alone. Each stands in [`super::runtime`] or
//! [`super::scoring`] beside the quirk that it fixes.

use serde::Serialize;

use crate::fix_row;

/// Which quirks of the runtime are fixed; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fixes {
    /// Quirk 6: a frame depends on the upstream frame of its own index.
    pub frame_dependency: bool,
    /// Quirk 7: a dropped frame takes the frames that depend on it along.
    pub drop_cascade: bool,
    /// Quirk 9: there is an event at each frame's own nominal release.
    pub own_releases: bool,
    /// Quirk 10: intervals are exact, and every frame that arrives within the run is part of it.
    pub exact_rates: bool,
    /// Quirk 11, end of the run: the run ends at its length, and frames due by then count.
    pub whole_run: bool,
    /// Quirk 11, dropped frames: they lengthen the mean and have no factor beside that.
    pub single_penalty: bool,
    /// Quirk 11, silent tasks: one that had a frame due within the run and logged none counts 0.
    pub silent_tasks: bool,
    /// Quirk 12: service is by release, oldest first, instead of by name.
    pub oldest_first: bool,
    /// Quirk 17: no job is over before it completes.
    pub exact_retirement: bool,
}

/// A row of [`FIXES`]; quirks are numbered in `docs/models/xrbench-reference.md`.
pub type FixRow = fix_row::FixRow<Fixes>;

/// All fixes, by number of their quirks.
pub const FIXES: &[FixRow] = &[
    FixRow {
        name: "frame-dependency",
        quirk: 6,
        artifact: "frame i may start once i + 1 upstream frames have completed, whichever they were",
        fixed: "frame i may start once upstream frame i has completed",
        set: |fixes| fixes.frame_dependency = true,
    },
    FixRow {
        name: "drop-cascade",
        quirk: 7,
        artifact: "a frame whose upstream frame was dropped stays queued until it is overdue itself",
        fixed: "it is dropped in the same event",
        set: |fixes| fixes.drop_cascade = true,
    },
    FixRow {
        name: "own-releases",
        quirk: 9,
        artifact: "frames are noticed at ticks of the fastest task and at completions",
        fixed: "there is an event at each frame's nominal release, and no ticks",
        set: |fixes| fixes.own_releases = true,
    },
    FixRow {
        name: "exact-rates",
        quirk: 10,
        artifact: "intervals are rounded down to whole milliseconds, and as many frames are generated as \
                   intervals fit the run",
        fixed: "intervals are exact, and every frame is generated that arrives before the end of the run",
        set: |fixes| fixes.exact_rates = true,
    },
    FixRow {
        name: "whole-run",
        quirk: 11,
        artifact: "the run ends with the event that generates the last frame; what is unfinished then counts \
                   nowhere",
        fixed: "the run ends at its length; a frame that is unfinished then counts as dropped if it was due by \
                then, and nowhere otherwise",
        set: |fixes| fixes.whole_run = true,
    },
    FixRow {
        name: "single-penalty",
        quirk: 11,
        artifact: "a dropped frame adds a zero to the mean over frames and lowers the factor `qoe` as well",
        fixed: "the score of a task is the mean alone: sum / L",
        set: |fixes| fixes.single_penalty = true,
    },
    FixRow {
        name: "silent-tasks",
        quirk: 11,
        artifact: "a task that logged no frame is left out of the overall mean",
        fixed: "it counts 0 if it had a frame that was due within the run",
        set: |fixes| fixes.silent_tasks = true,
    },
    FixRow {
        name: "oldest-first",
        quirk: 12,
        artifact: "queues are served in the alphabetical order of the tasks",
        fixed: "queues are served by the nominal release of their heads, oldest first; of equals, in the order \
                of declaration",
        set: |fixes| fixes.oldest_first = true,
    },
    FixRow {
        name: "exact-retirement",
        quirk: 17,
        artifact: "an event retires jobs that complete up to 0.01 ms after it, so that what follows them starts \
                   before they are complete",
        fixed: "an event retires jobs that are complete",
        set: |fixes| fixes.exact_retirement = true,
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
    fn every_row_turns_on_a_fix_of_its_own() {
        fix_row::check(FIXES);
    }
}
