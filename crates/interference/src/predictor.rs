//! The interface of predictors.

use std::fmt;

use crate::Query;

/// Predicted latency: its mean and an upper quantile, both finite and above 0, the second at least the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    mean_us: f64,
    upper_us: f64,
}

impl Prediction {
    /// The shortest and the longest latency that is predicted, in microseconds: a picosecond and 31 years.
    const BOUNDS_US: (f64, f64) = (1e-6, 1e15);

    /// A prediction in microseconds. What is no finite number above 0 becomes the nearest bound, and an upper quantile
    /// below the mean becomes the mean: no NaN and no infinity leaves a predictor.
    #[must_use]
    pub fn new(mean_us: f64, upper_us: f64) -> Self {
        let (least, greatest) = Self::BOUNDS_US;
        let bounded = |us: f64| if us.is_nan() { greatest } else { us.clamp(least, greatest) };
        let mean_us = bounded(mean_us);
        let upper_us = if upper_us.is_nan() { mean_us } else { bounded(upper_us).max(mean_us) };
        Self { mean_us, upper_us }
    }

    /// A prediction whose upper quantile is the mean.
    #[must_use]
    pub fn exactly(mean_us: f64) -> Self {
        Self::new(mean_us, mean_us)
    }

    /// The mean, in microseconds.
    #[must_use]
    pub const fn mean_us(self) -> f64 {
        self.mean_us
    }

    /// The upper quantile, in microseconds.
    #[must_use]
    pub const fn upper_us(self) -> f64 {
        self.upper_us
    }
}

/// Predictor of latencies under interference.
///
/// It sees what a query holds and what it was told by [`Predictor::observe`], and nothing else: no clock, no file, no
/// random number, and never the truth of a simulation. Equal fits that are told the same predict the same bits. Its memory
/// does not grow with observations. The order of co-runners, or of the segments of a group, changes nothing; an inference
/// without co-runners takes exactly its solo latency.
pub trait Predictor: fmt::Debug + Send + Sync {
    /// The predicted latency; none for a kind of query that the predictor was not fitted to.
    fn predict(&self, query: &Query<'_>) -> Option<Prediction>;

    /// Learns from the latency that was observed of a query, in microseconds; one that is no finite number above 0 is
    /// passed over. Predictors that are static ignore it.
    fn observe(&mut self, query: &Query<'_>, observed_us: f64);

    /// A copy with the same state.
    fn boxed_clone(&self) -> Box<dyn Predictor>;
}

impl Clone for Box<dyn Predictor> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_are_finite_and_in_order() {
        let parts = |mean, upper| {
            let prediction = Prediction::new(mean, upper);
            (prediction.mean_us(), prediction.upper_us())
        };
        assert_eq!(parts(10.0, 12.0), (10.0, 12.0));
        assert_eq!(parts(10.0, 9.0), (10.0, 10.0));
        assert_eq!(parts(10.0, f64::NAN), (10.0, 10.0));
        assert_eq!(parts(f64::NAN, 1.0), (1e15, 1e15));
        assert_eq!(parts(-3.0, f64::INFINITY), (1e-6, 1e15));
    }
}
