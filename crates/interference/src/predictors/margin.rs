//! Upper bounds of predictions that state their own uncertainty, by conformal prediction.

use libm::{ceil, exp, log};

/// Probability that an upper bound holds.
const COVERAGE: f64 = 0.9;
/// Step of the multiple after an observation.
const STEP: f64 = 0.05;
/// The largest multiple, and the largest exponent of a bound: what keeps bounds finite.
const MAX: f64 = 20.0;

/// Multiple of the standard deviation of a prediction's logarithm by which its upper bound exceeds it.
///
/// It is the quantile of the errors of predictions that were not fitted to. With observations it follows the rate at which
/// bounds fail (Gibbs and Candes, *Adaptive conformal inference under distribution shift*, NeurIPS 2021), so that it needs
/// no memory of errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Margin(f64);

impl Margin {
    /// The margin that covers errors, as multiples of their expected standard deviations.
    pub(super) fn of_scores(mut scores: Vec<f64>) -> Self {
        scores.retain(|score| score.is_finite());
        scores.sort_by(f64::total_cmp);
        // The rank among one more than there are: that of what is yet to come.
        let rank = ceil(COVERAGE * (scores.len() + 1) as f64) as usize;
        Self(scores.get(rank.saturating_sub(1)).or(scores.last()).copied().unwrap_or(1.0).clamp(0.0, MAX))
    }

    /// The upper bound of a prediction with a standard deviation of its logarithm.
    pub(super) fn upper(self, mean: f64, deviation: f64) -> f64 {
        mean * exp((self.0 * deviation).min(MAX))
    }

    /// Learns if the bound of a prediction held.
    pub(super) fn observe(&mut self, mean: f64, deviation: f64, observed: f64) {
        let failed = f64::from(u8::from(observed > self.upper(mean, deviation)));
        self.0 = (self.0 + STEP * (failed - (1.0 - COVERAGE))).clamp(0.0, MAX);
    }
}

/// The error of a prediction as a multiple of its standard deviation.
pub(super) fn score(mean: f64, deviation: f64, observed: f64) -> f64 {
    log(observed / mean) / deviation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_cover_what_they_were_made_of() {
        let margin = Margin::of_scores((1..=99).map(|score| f64::from(score) / 50.0).collect());
        assert_eq!(margin, Margin(1.8));
        assert!((margin.upper(100.0, 0.1) - 119.72).abs() < 0.01);
        assert_eq!(Margin::of_scores(vec![f64::NAN]), Margin(1.0));
    }

    #[test]
    fn bounds_follow_the_rate_at_which_they_fail() {
        let mut margin = Margin(1.0);
        for _ in 0..10_000 {
            margin.observe(100.0, 0.1, 150.0);
        }
        assert!(margin.upper(100.0, 0.1) > 140.0 && margin.upper(100.0, 0.1) < 160.0);
        for _ in 0..10_000 {
            margin.observe(100.0, 0.1, 50.0);
        }
        assert_eq!(margin, Margin(0.0));
    }
}
