//! Counts of the quirks that fire in a run.

use serde::Serialize;

/// Counts of quirks, each taken where the quirk acts. A quirk that is fixed does not fire.
///
/// Quirks that end a run (11, 12, 14 and 16) have no count, nor has the barrier (17), which is in every step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// Quirk 1: jobs that end later than with their last tile.
    pub late_ends: u64,
    /// Quirk 2: finished jobs that stay, one for each step.
    pub waiting_finished: u64,
    /// Quirk 3: arrivals that are not in the future when they are the next event.
    pub past_arrivals: u64,
    /// Quirk 4: jobs whose tiles are undone, and steps that turn the clock back.
    pub undone: u64,
    /// Quirk 5: jobs at decisions whose tiles left are not those of an exact fraction.
    pub inexact: u64,
    /// Quirk 6: jobs in steps that have fewer than no tiles left of their layer.
    pub excess: u64,
    /// Quirk 7: finished jobs that have a score where not all jobs fit.
    pub finished_scores: u64,
    /// Quirk 8: decisions that leave subarrays idle.
    pub idle_rests: u64,
    /// Quirk 9: unfinished jobs that get no subarray where not all jobs fit.
    pub starved: u64,
    /// Quirk 9: jobs that could be in time and get less than that takes.
    pub short: u64,
    /// Quirk 10: late or finished jobs that get spare subarrays for their priority.
    pub spare_to_late: u64,
    /// Quirk 10: draws.
    pub draws: u64,
    /// Quirk 13: jobs that all fit, and are late by their estimate on what they get.
    pub slowed: u64,
    /// Quirk 15: decisions without a job.
    pub empty_queues: u64,
    /// Decisions whose rounded shares are too large, so that jobs give subarrays back.
    pub taken_back: u64,
    /// Decisions that hand what rounding leaves over to the highest priority.
    pub topped_up: u64,
}

impl Fired {
    /// Counts by the number of the quirk; one that is counted in two ways has the sum.
    #[must_use]
    pub fn by_quirk(&self) -> [(u32, u64); 12] {
        [
            (1, self.late_ends),
            (2, self.waiting_finished),
            (3, self.past_arrivals),
            (4, self.undone),
            (5, self.inexact),
            (6, self.excess),
            (7, self.finished_scores),
            (8, self.idle_rests),
            (9, self.starved + self.short),
            (10, self.spare_to_late + self.draws),
            (13, self.slowed),
            (15, self.empty_queues),
        ]
    }

    /// True where the run differs by no defect from one with all fixes but, by quirk 1, in the ends of jobs. The
    /// rounding of quirk 5 counts, the choices that are part of the policy (9, 13, spare subarrays by priority) do not.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let defects = [
            self.waiting_finished,
            self.past_arrivals,
            self.undone,
            self.inexact,
            self.excess,
            self.finished_scores,
            self.idle_rests,
            self.draws,
            self.empty_queues,
        ];
        defects.iter().all(|count| *count == 0)
    }
}
