//! Errors of predictions: how far off, how often too low, how often within the upper bound.

use crate::replay::Answer;

/// Under-prediction by more than this fraction of the observed latency breaks deadlines.
const UNDER: f64 = 0.1;

/// Errors over some answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Mean absolute error, in percent of what was observed.
    pub mape: f64,
    /// 90th percentile of the absolute errors, in percent.
    pub p90: f64,
    /// 99th percentile of the absolute errors, in percent.
    pub p99: f64,
    /// Share of answers that are more than 10 % below what was observed, in percent.
    pub under: f64,
    /// Share of answers whose upper bound holds, in percent.
    pub coverage: f64,
    /// The number of answers.
    pub answers: usize,
}

impl Score {
    /// The errors of all answers that were observed; none where there are none.
    #[must_use]
    pub fn of(answers: impl IntoIterator<Item = Answer>) -> Option<Self> {
        let mut errors = Vec::new();
        let (mut under, mut covered) = (0_usize, 0_usize);
        for Answer { prediction, observed_us } in answers {
            let Some(observed) = observed_us else { continue };
            errors.push(100.0 * (prediction.mean_us() - observed).abs() / observed);
            under += usize::from(prediction.mean_us() < (1.0 - UNDER) * observed);
            covered += usize::from(prediction.upper_us() >= observed);
        }
        let answers = errors.len();
        if answers == 0 {
            return None;
        }
        let percent = |count: usize| 100.0 * count as f64 / answers as f64;
        let mape = errors.iter().sum::<f64>() / answers as f64;
        errors.sort_by(f64::total_cmp);
        let (p90, p99) = (quantile(&errors, 0.9), quantile(&errors, 0.99));
        Some(Self { mape, p90, p99, under: percent(under), coverage: percent(covered), answers })
    }
}

/// A quantile of sorted values, by linear interpolation between the two that are nearest; 0 where there are none.
#[must_use]
pub fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = probability.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let (low, high) = (sorted[below.min(last)], sorted[(below + 1).min(last)]);
    low + (high - low) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prediction;

    #[test]
    fn errors_are_of_what_was_observed() {
        let answer = |mean, upper, observed| Answer {
            prediction: Prediction::new(mean, upper),
            observed_us: Some(observed),
        };
        let score = Score::of([answer(80.0, 90.0, 100.0), answer(110.0, 120.0, 100.0)]).unwrap();
        assert_eq!((score.mape, score.p90), (15.0, 19.0));
        assert_eq!((score.under, score.coverage, score.answers), (50.0, 50.0, 2));
        assert_eq!(Score::of([Answer { prediction: Prediction::exactly(1.0), observed_us: None }]), None);
    }

    #[test]
    fn quantiles_lie_between_the_nearest_values() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0], 0.9), 1.0);
        assert_eq!(quantile(&[], 0.9), 0.0);
    }
}
