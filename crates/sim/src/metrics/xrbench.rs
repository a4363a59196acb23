//! The scores of XRBench (Kwon et al., MLSys 2023), in 64-bit floats.
//!
//! With `L` counted jobs of a task (completed, dropped, and overdue where they count):
//!
//! ```text
//! real_time = 1 / (1 + exp(k * (completion - deadline)))      each completed job
//! energy    = 1 - E / E_max                                   each completed job
//! accuracy  = min(1, accuracy / target)                       each completed job
//! qoe       = 1 - dropped / L                                 each task
//! score     = (sum over completed of real_time * energy * accuracy) / L * qoe
//! overall   = 100 * mean of score over the tasks with L > 0
//! ```
//!
//! The published program has the same formulas without the accuracy, in 32-bit floats and with
//! peculiarities in what it counts; `rtmm-reference` repeats it to the last printed digit.

use rtmm_workload::Time;
use serde::Serialize;

/// Picojoules in a millijoule.
const PJ_PER_MJ: f64 = 1e9;

/// Constants that the scores leave open. The defaults are those of the published program but for
/// `count_overdue`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct XrbenchConstants {
    /// Steepness with which the real-time score falls with lateness, in 1/ms. At 15, a job 0.3 ms late scores
    /// 0.011, whatever its deadline was.
    pub k_per_ms: f64,
    /// The energy of a job that scores 0, in millijoules.
    pub energy_max_mj: f64,
    /// True if more energy than that scores 0 as well. If not, it scores below.
    pub clamp_energy: bool,
    /// The accuracy from which on the accuracy score is 1, as a fraction; none for an accuracy score
    /// of 1 whatever the accuracy.
    pub accuracy_target: Option<f64>,
    /// True if the mean over all counted jobs, to which a dropped one adds 0, is multiplied with the
    /// share of jobs that were not dropped. If not, a dropped job counts once.
    pub drops_count_twice: bool,
    /// True if jobs that were overdue when the run ended are counted, with a score of 0. The
    /// published program forgets them.
    pub count_overdue: bool,
}

impl Default for XrbenchConstants {
    fn default() -> Self {
        Self {
            k_per_ms: 15.0,
            energy_max_mj: 1500.0,
            clamp_energy: false,
            accuracy_target: None,
            drops_count_twice: true,
            count_overdue: true,
        }
    }
}

impl XrbenchConstants {
    /// Real-time score of a completed job: 1 if early, 0.5 if exactly on time, 0 if late.
    #[must_use]
    pub fn real_time_score(&self, completion: Time, deadline: Time) -> f64 {
        let lateness_ps = i128::from(completion.picoseconds()) - i128::from(deadline.picoseconds());
        1.0 / (1.0 + libm::exp(self.k_per_ms * (lateness_ps as f64 / 1e9)))
    }

    /// Energy score of a job that spent `energy_pj` picojoules: 1 for none at all.
    #[must_use]
    pub fn energy_score(&self, energy_pj: f64) -> f64 {
        let score = 1.0 - energy_pj / PJ_PER_MJ / self.energy_max_mj;
        if self.clamp_energy { score.max(0.0) } else { score }
    }

    /// Accuracy score of a job whose answer has this accuracy; 1 where that is unknown or no target
    /// is stated.
    #[must_use]
    pub fn accuracy_score(&self, accuracy: Option<f64>) -> f64 {
        match (accuracy, self.accuracy_target) {
            (Some(accuracy), Some(target)) => (accuracy / target).min(1.0),
            _ => 1.0,
        }
    }
}

/// The scores of a task. Of its jobs, those count that completed, were dropped, or were overdue at the
/// end (see [`XrbenchConstants::count_overdue`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct XrbenchScores {
    /// Mean over completed jobs; missing without any.
    pub real_time_score: Option<f64>,
    /// Mean over completed jobs; missing without any.
    pub energy_score: Option<f64>,
    /// Mean over completed jobs; missing without any.
    pub accuracy_score: Option<f64>,
    /// Quality of experience: the share of counted jobs that were not dropped.
    pub qoe_score: f64,
    /// The task's score, as a fraction.
    pub task_score: f64,
}

/// The running sums of one task.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    completed: u64,
    real_time: f64,
    energy: f64,
    accuracy: f64,
    product: f64,
}

impl Tally {
    /// Counts a completed job.
    pub(crate) fn complete(&mut self, real_time: f64, energy: f64, accuracy: f64) {
        self.completed += 1;
        self.real_time += real_time;
        self.energy += energy;
        self.accuracy += accuracy;
        self.product += real_time * energy * accuracy;
    }

    /// The scores with so many dropped and overdue jobs; none for a task of which nothing counts.
    pub(crate) fn scores(
        &self,
        constants: &XrbenchConstants,
        dropped: u64,
        overdue: u64,
    ) -> Option<XrbenchScores> {
        let overdue = if constants.count_overdue { overdue } else { 0 };
        let counted = self.completed + dropped + overdue;
        if counted == 0 {
            return None;
        }
        let counted = counted as f64;
        let mean = |sum: f64| (self.completed > 0).then(|| sum / self.completed as f64);
        let qoe_score = 1.0 - dropped as f64 / counted;
        let factor = if constants.drops_count_twice { qoe_score } else { 1.0 };
        Some(XrbenchScores {
            real_time_score: mean(self.real_time),
            energy_score: mean(self.energy),
            accuracy_score: mean(self.accuracy),
            qoe_score,
            task_score: self.product / counted * factor,
        })
    }
}

/// The overall score in percent, of tasks with their scores: the mean over those that have any, since
/// the published program leaves out a task that was never triggered. Missing where none has.
pub fn overall_percent(tasks: impl IntoIterator<Item = Option<XrbenchScores>>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u64);
    for scores in tasks.into_iter().flatten() {
        sum += scores.task_score;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: f64) -> Time {
        Time::from_picoseconds((ms * 1e9) as u64)
    }

    #[test]
    fn real_time_score_is_nearly_a_step() {
        let constants = XrbenchConstants::default();
        let cases = [(0.0, "1.0000"), (32.5, "0.9994"), (33.0, "0.5000"), (33.3, "0.0110"), (40.0, "0.0000")];
        for (completion, expected) in cases {
            let score = constants.real_time_score(at(completion), at(33.0));
            assert_eq!(format!("{score:.4}"), expected, "completed at {completion} ms");
        }
        // An exponential beyond all numbers is no lateness score but 0.
        assert_eq!(constants.real_time_score(Time::MAX, Time::ZERO), 0.0);
        assert_eq!(constants.real_time_score(Time::ZERO, Time::MAX), 1.0);
    }

    #[test]
    fn energy_score_is_clamped_on_demand() {
        let plain = XrbenchConstants::default();
        let clamped = XrbenchConstants { clamp_energy: true, ..plain };
        let mj = [0.0, 750.0, 1500.0, 3000.0].map(|mj| mj * PJ_PER_MJ);
        assert_eq!(mj.map(|pj| plain.energy_score(pj)), [1.0, 0.5, 0.0, -1.0]);
        assert_eq!(mj.map(|pj| clamped.energy_score(pj)), [1.0, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn accuracy_counts_up_to_the_target() {
        let none = XrbenchConstants::default();
        let target = XrbenchConstants { accuracy_target: Some(0.8), ..none };
        assert_eq!(
            [Some(0.4), Some(0.9), None].map(|accuracy| target.accuracy_score(accuracy)),
            [0.5, 1.0, 1.0]
        );
        assert_eq!(none.accuracy_score(Some(0.4)), 1.0);
    }

    #[test]
    fn dropped_jobs_count_twice_or_once() {
        let twice = XrbenchConstants::default();
        let once = XrbenchConstants { drops_count_twice: false, ..twice };
        let mut tally = Tally::default();
        assert_eq!(tally.scores(&twice, 0, 0), None);
        tally.complete(1.0, 0.5, 1.0);
        // Half the jobs, each worth half: 0.5 / 2 in the mean, times 0.5.
        let scores = tally.scores(&twice, 1, 0).expect("two jobs");
        assert_eq!((scores.qoe_score, scores.task_score), (0.5, 0.125));
        assert_eq!(tally.scores(&once, 1, 0).map(|scores| scores.task_score), Some(0.25));
        // The task of which nothing counts is left out of the mean.
        assert_eq!(overall_percent([None, Some(scores)]), Some(12.5));
        assert_eq!(overall_percent([None]), None);
    }

    #[test]
    fn overdue_jobs_count_unless_told_otherwise() {
        let counted = XrbenchConstants::default();
        let forgotten = XrbenchConstants { count_overdue: false, ..counted };
        let mut tally = Tally::default();
        tally.complete(1.0, 1.0, 1.0);
        assert_eq!(tally.scores(&counted, 0, 3).map(|scores| scores.task_score), Some(0.25));
        assert_eq!(tally.scores(&forgotten, 0, 3).map(|scores| scores.task_score), Some(1.0));
        // Nothing was completed: the means are missing, the score is not.
        let nothing = Tally::default().scores(&counted, 0, 2).expect("two overdue jobs");
        assert_eq!((nothing.real_time_score, nothing.task_score), (None, 0.0));
        assert_eq!(Tally::default().scores(&forgotten, 0, 2), None);
    }
}
