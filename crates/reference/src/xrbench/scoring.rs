//! The scores of the artifact: real-time, energy and user experience.
//!
//! The published program mixes 32-bit and 64-bit floats, and its sixth decimal depends on where.
//! Every operation here is rounded where the program rounds it, and in its order; other orders show
//! in the fifth decimal of the percentage. Scores of a frame are `f32`, and so are their product,
//! its sum, the score of a model and the overall mean. The quotient in the energy score is `f64`,
//! and so are the two means that a summary shows beside the score.
//!
//! With `L` logged frames of a model (completed and dropped ones):
//!
//! ```text
//! real_time = 1 / (1 + exp(k * (completion - deadline)))      each completed frame
//! energy    = 1 - E / E_max                                   each completed frame
//! qoe       = 1 - dropped / L                                 each model
//! score     = (sum over completed of real_time * energy) / L * qoe
//! overall   = 100 * mean of score over the models with L > 0
//! ```
//!
//! The paper's accuracy factor is not implemented in the artifact: it is 1.

use serde::{Deserialize, Serialize};

use crate::error::ReferenceError;

/// Constants that the artifact fixes at build time; the defaults are its values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Length of the run, in milliseconds; none for the scenario's duration (700 ms in the
    /// published ones).
    pub run_length_ms: Option<u32>,
    /// Steepness with which the real-time score falls with lateness, in 1/ms.
    ///
    /// Quirk 13 (step-like scores): at 15, a frame 0.3 ms late scores 0.011 whatever its deadline
    /// was; exactly on time is 0.5.
    pub k_per_ms: f32,
    /// The energy that scores 0, in millijoules. More scores below zero: nothing is clamped.
    pub energy_max_mj: f32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { run_length_ms: None, k_per_ms: 15.0, energy_max_mj: 1500.0 }
    }
}

impl Parameters {
    /// Checks the parameters by themselves. [`crate::xrbench::Runtime::new`] does it too, and
    /// checks the run length once the scenario has had its say.
    ///
    /// # Errors
    /// [`ReferenceError::Parameter`] for a slope or an energy that is not finite and above zero.
    pub fn validate(&self) -> Result<(), ReferenceError> {
        for (name, value) in [("k_per_ms", self.k_per_ms), ("energy_max_mj", self.energy_max_mj)] {
            if !value.is_finite() || value <= 0.0 {
                return Err(ReferenceError::Parameter { name, value });
            }
        }
        Ok(())
    }

    /// The real-time score of a frame: 1 if early, 0.5 on time, 0 if late.
    #[must_use]
    pub fn real_time_score(&self, completed_ms: f32, deadline_ms: f32) -> f32 {
        logistic(self.k_per_ms * (completed_ms - deadline_ms))
    }

    /// The energy score of a frame: 1 for none at all, 0 at [`Parameters::energy_max_mj`].
    #[must_use]
    pub fn energy_score(&self, energy_mj: f32) -> f32 {
        (1.0 - f64::from(energy_mj) / f64::from(self.energy_max_mj)) as f32
    }
}

/// 1 / (1 + e^x), each step rounded to 32 bits.
///
/// Nearly all frames are so early or so late that the exponential vanishes beside 1 or leaves 32
/// bits; their result is known without it.
fn logistic(x: f32) -> f32 {
    if x < VANISHING {
        return 1.0;
    }
    if x > OVERFLOWING {
        return 0.0;
    }
    1.0 / (1.0 + exponential(x))
}

/// Below this, e^x is less than half a step of a 32-bit 1: 2^-25 is e^-17.3.
const VANISHING: f32 = -18.0;
/// Above this, e^x is infinite in 32 bits: 2^128 is e^88.7.
const OVERFLOWING: f32 = 89.0;

/// e to the `x`, correctly rounded but for one argument in millions: as near to the C library's
/// `expf` as a portable function comes. Computed in 64 bits, since `libm::expf` is off by up to
/// one place.
fn exponential(x: f32) -> f32 {
    libm::exp(f64::from(x)) as f32
}

/// The scores of one task, all at most 1, and at least 0 but for the energy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TaskScores {
    /// Mean over completed frames; 0 without any.
    pub real_time: f64,
    /// Mean over completed frames; 0 without any.
    pub energy: f64,
    /// User experience: the share of logged frames that were not dropped.
    ///
    /// Quirk 11 (what counts): frames whose trigger failed, and frames that were queued or running
    /// when the run ended, are no part of it.
    pub qoe: f32,
    /// The score that the overall mean is over, as a fraction.
    pub score: f32,
}

/// The running sums of one task.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) completed: u32,
    pub(crate) dropped: u32,
    real_time: f64,
    energy: f64,
    product: f32,
}

impl Tally {
    /// Counts a completed frame.
    pub(crate) fn complete(&mut self, real_time: f32, energy: f32) {
        self.completed += 1;
        self.real_time += f64::from(real_time);
        self.energy += f64::from(energy);
        // The score of one inference.
        self.product += real_time * energy;
    }

    /// Counts a dropped frame.
    pub(crate) fn drop_one(&mut self) {
        self.dropped += 1;
    }

    /// Completed and dropped frames.
    pub(crate) fn logged(&self) -> u32 {
        self.completed + self.dropped
    }

    /// The scores; none for a task that logged nothing.
    ///
    /// Quirk 11 (dropped frames count twice): they lengthen the mean, and lower its factor. With
    /// `single_penalty` there is no factor.
    pub(crate) fn scores(&self, single_penalty: bool) -> Option<TaskScores> {
        if self.logged() == 0 {
            return None;
        }
        let logged = self.logged() as f32;
        let mean = |sum: f64| if self.completed == 0 { 0.0 } else { sum / f64::from(self.completed) };
        let qoe = 1.0 - self.dropped as f32 / logged;
        let factor = if single_penalty { 1.0 } else { qoe };
        Some(TaskScores {
            real_time: mean(self.real_time),
            energy: mean(self.energy),
            qoe,
            score: self.product / logged * factor,
        })
    }
}

/// The overall score in percent, from the scores of the tasks in the order in which they first
/// logged a frame.
///
/// `zeros` more tasks count 0: none in the artifact, which leaves tasks without a logged frame out
/// of the mean. Without any logged task it divides by zero; here the score is then 0.
pub(crate) fn overall_percent(scores: impl Iterator<Item = TaskScores>, zeros: usize) -> f32 {
    let (mut sum, mut count) = (0.0_f32, zeros);
    for task in scores {
        sum += task.score;
        count += 1;
    }
    if count == 0 {
        return 0.0;
    }
    // Scaled after the mean was taken, not before.
    sum / count as f32 * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_score_is_nearly_a_step() {
        let parameters = Parameters::default();
        let cases = [
            (0.0, 33.0, "1.0000"),
            (32.5, 33.0, "0.9994"),
            (33.0, 33.0, "0.5000"),
            (33.3, 33.0, "0.0110"),
            (40.0, 33.0, "0.0000"),
        ];
        for (completed, deadline, expected) in cases {
            assert_eq!(
                format!("{:.4}", parameters.real_time_score(completed, deadline)),
                expected,
                "completed at {completed}"
            );
        }
    }

    #[test]
    fn early_and_late_frames_need_no_exponential() {
        for step in -4_000..4_000_i16 {
            let x = f32::from(step) / 16.0;
            assert_eq!(logistic(x), 1.0 / (1.0 + exponential(x)), "at {x}");
        }
        assert!(logistic(f32::NAN).is_nan());
    }

    #[test]
    fn energy_score_is_not_clamped() {
        let parameters = Parameters::default();
        assert_eq!([0.0, 750.0, 1500.0, 3000.0].map(|mj| parameters.energy_score(mj)), [1.0, 0.5, 0.0, -1.0]);
    }

    #[test]
    fn a_dropped_frame_counts_twice() {
        let mut tally = Tally::default();
        assert_eq!(tally.scores(false), None);
        tally.complete(1.0, 0.5);
        tally.drop_one();
        // Half the frames, each worth half: 0.5 / 2 in the mean, times 0.5.
        let scores = TaskScores { real_time: 1.0, energy: 0.5, qoe: 0.5, score: 0.125 };
        assert_eq!(tally.scores(false), Some(scores));
        assert_eq!(tally.scores(true), Some(TaskScores { score: 0.25, ..scores }));
        // The task that logged nothing is left out of the mean.
        let both = [Tally::default().scores(false), tally.scores(false)];
        assert_eq!(overall_percent(both.into_iter().flatten(), 0), 12.5);
        assert_eq!(overall_percent(both.into_iter().flatten(), 1), 6.25);
        assert_eq!(overall_percent(std::iter::empty(), 0), 0.0);
        assert_eq!(overall_percent(std::iter::empty(), 1), 0.0);
    }

    #[test]
    fn parameters_outside_their_range_are_refused() {
        assert_eq!(Parameters::default().validate(), Ok(()));
        for bad in [0.0, -1.0, f32::INFINITY, f32::NAN] {
            assert!(Parameters { k_per_ms: bad, ..Parameters::default() }.validate().is_err());
            assert!(Parameters { energy_max_mj: bad, ..Parameters::default() }.validate().is_err());
        }
    }
}
