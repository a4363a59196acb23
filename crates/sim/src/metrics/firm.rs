//! Deadlines missed in a row, and kept among consecutive jobs.
//!
//! A task is (m, k)-firm if of any k consecutive jobs at least m keep their deadline. Source: M. Hamdaoui and P.
//! Ramanathan, "A Dynamic Priority Assignment Technique for Streams with (m, k)-Firm Deadlines", *IEEE Transactions on
//! Computers* 44(12), 1995. The least number over all such windows says for which m the run kept that.
//!
//! Memory: 16 bytes a decided job, where it is asked for; none where it is not.

use std::num::NonZeroU32;

use serde::Serialize;

/// Deadlines of the consecutive jobs of a task, or of the task that fares worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FirmSummary {
    /// The most decided jobs in a row, in the order of their frames, that violated their deadline.
    pub longest_miss_run: u64,
    /// Of any `firm_window` consecutive decided jobs so many kept their deadline at the least; missing where fewer jobs
    /// were decided.
    pub firm_met_min: Option<u64>,
}

impl FirmSummary {
    /// The worse of both.
    pub(crate) fn worse(self, other: Self) -> Self {
        let both = self.firm_met_min.zip(other.firm_met_min).map(|(one, other)| one.min(other));
        Self {
            longest_miss_run: self.longest_miss_run.max(other.longest_miss_run),
            firm_met_min: both.or(self.firm_met_min).or(other.firm_met_min),
        }
    }
}

/// Decided jobs of a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirmTally {
    /// None where this is not asked for.
    window: Option<NonZeroU32>,
    /// Frame of each job, and whether it kept its deadline.
    outcomes: Vec<(u64, bool)>,
}

impl FirmTally {
    pub(crate) fn new(window: Option<NonZeroU32>) -> Self {
        Self { window, outcomes: Vec::new() }
    }

    /// Notes a job that is decided.
    #[inline]
    pub(crate) fn decide(&mut self, frame: u64, is_met: bool) {
        if self.window.is_some() {
            self.outcomes.push((frame, is_met));
        }
    }

    pub(crate) fn summary(&self) -> Option<FirmSummary> {
        let window = self.window?.get() as usize;
        let mut outcomes = self.outcomes.clone();
        outcomes.sort_unstable();
        let (mut run, mut longest) = (0, 0);
        for (_, is_met) in &outcomes {
            run = if *is_met { 0 } else { run + 1 };
            longest = longest.max(run);
        }
        let mut met = outcomes.iter().take(window).filter(|(_, is_met)| *is_met).count() as u64;
        let mut least = met;
        for (left, entered) in outcomes.iter().zip(outcomes.iter().skip(window)) {
            met = met + u64::from(entered.1) - u64::from(left.1);
            least = least.min(met);
        }
        let firm_met_min = (outcomes.len() >= window).then_some(least);
        Some(FirmSummary { longest_miss_run: longest, firm_met_min })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outcomes as a word: `+` for a deadline that was kept.
    fn summary(window: u32, outcomes: &str) -> Option<(u64, Option<u64>)> {
        let mut tally = FirmTally::new(NonZeroU32::new(window));
        // Jobs may be over in another order than that of their frames.
        for (frame, outcome) in outcomes.bytes().enumerate().rev() {
            tally.decide(frame as u64, outcome == b'+');
        }
        tally.summary().map(|of| (of.longest_miss_run, of.firm_met_min))
    }

    #[test]
    fn runs_and_windows_go_by_frames() {
        assert_eq!(summary(0, "+-+"), None);
        assert_eq!(summary(2, ""), Some((0, None)));
        assert_eq!(summary(2, "-"), Some((1, None)));
        assert_eq!(summary(2, "+-+--+"), Some((2, Some(0))));
        assert_eq!(summary(3, "+-+--+"), Some((2, Some(1))));
        assert_eq!(summary(6, "+-+--+"), Some((2, Some(3))));
        assert_eq!(summary(3, "++++"), Some((0, Some(3))));
        assert_eq!(summary(2, "----"), Some((4, Some(0))));
    }

    #[test]
    fn the_worse_of_two_tasks_has_the_longer_run_and_the_emptier_window() {
        let of = |longest_miss_run, firm_met_min| FirmSummary { longest_miss_run, firm_met_min };
        assert_eq!(of(2, Some(5)).worse(of(4, Some(3))), of(4, Some(3)));
        assert_eq!(of(2, None).worse(of(1, Some(3))), of(2, Some(3)));
        assert_eq!(of(0, None).worse(of(0, None)), of(0, None));
    }
}
