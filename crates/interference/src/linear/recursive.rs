//! Recursive least squares with forgetting.
//!
//! With `k = P x / (λ + xᵀ P x)` and the error `e` of a prediction, `θ += k e` and `P = (P - k xᵀ P) / λ`. Three guards keep
//! it sound on streams that excite few directions: `P` is made symmetric, its trace is capped, and errors are clipped.

use super::dot;

/// Parameters of recursive least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecursiveOptions {
    /// Forgetting factor λ, above 0 and at most 1: the weight of an observation against that before.
    pub forgetting: f64,
    /// The first value of the diagonal of P, and the cap of its mean.
    pub covariance: f64,
    /// The largest error that counts.
    pub clip: f64,
}

/// Weights of a linear model that follow observations by recursive least squares with forgetting.
#[derive(Clone, Debug)]
pub struct Recursive {
    options: RecursiveOptions,
    weights: Vec<f64>,
    /// P, row by row.
    covariance: Vec<f64>,
    /// P x of the last observation.
    product: Vec<f64>,
}

impl Recursive {
    /// The model before its first observation, with these weights.
    #[must_use]
    pub fn new(weights: Vec<f64>, options: RecursiveOptions) -> Self {
        let n = weights.len();
        let mut covariance = vec![0.0; n * n];
        covariance.iter_mut().step_by(n + 1).for_each(|cell| *cell = options.covariance);
        Self { options, product: vec![0.0; n], covariance, weights }
    }

    /// The weights.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Learns from the error of what the weights say of `row`, which has as many cells as there are weights. An error that is no
    /// finite number is passed over.
    pub fn update(&mut self, row: &[f64], error: f64) {
        let n = self.weights.len();
        let RecursiveOptions { forgetting, covariance, clip } = self.options;
        for (product, line) in self.product.iter_mut().zip(self.covariance.chunks(n)) {
            *product = dot(line, row);
        }
        let gain = 1.0 / (forgetting + dot(row, &self.product));
        if !gain.is_finite() || !error.is_finite() {
            return;
        }
        let error = error.clamp(-clip, clip);
        for (weight, product) in self.weights.iter_mut().zip(&self.product) {
            *weight += gain * product * error;
        }
        let mut trace = 0.0;
        for one in 0..n {
            for other in 0..=one {
                // P is symmetric before, and stays so to the last bit.
                let cell = self.covariance[one * n + other] - gain * self.product[one] * self.product[other];
                self.covariance[one * n + other] = cell / forgetting;
                self.covariance[other * n + one] = cell / forgetting;
            }
            trace += self.covariance[one * n + one];
        }
        let cap = covariance * n as f64;
        if trace > cap {
            self.covariance.iter_mut().for_each(|cell| *cell *= cap / trace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(values: &[f64], expected: &[f64]) -> bool {
        values.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6)
    }

    /// Two updates by hand.
    #[test]
    fn updates_are_those_of_a_computation_by_hand() {
        let options = RecursiveOptions { forgetting: 0.995, covariance: 100.0, clip: 1.0 };
        let mut model = Recursive::new(vec![0.0, 1.0], options);
        let mut observe = |row: [f64; 2], observed: f64| {
            let error = observed - dot(model.weights(), &row);
            model.update(&row, error);
            (error, model.weights().to_vec(), model.covariance.clone())
        };
        let (_, weights, _) = observe([0.5, 1.0], 1.3);
        assert!(near(&weights, &[0.119_052_34, 1.238_104_69]), "{weights:?}");
        let (error, weights, covariance) = observe([0.2, 1.0], 1.1);
        assert!((error + 0.161_915_16).abs() < 1e-8, "{error}");
        assert!(near(&weights, &[0.546_738_54, 1.008_553_97]), "{weights:?}");
        assert!(
            near(&covariance, &[17.859_799_9, -6.213_381_6, -6.213_381_6, 2.660_398_5]),
            "{covariance:?}"
        );
    }

    #[test]
    fn a_stream_in_one_direction_stays_bounded() {
        let options = RecursiveOptions { forgetting: 0.9, covariance: 100.0, clip: 1.0 };
        let mut model = Recursive::new(vec![0.0, 0.0], options);
        for _ in 0..10_000 {
            let error = 2.0 - dot(model.weights(), &[1.0, 0.0]);
            model.update(&[1.0, 0.0], error);
        }
        assert!((model.weights()[0] - 2.0).abs() < 1e-3, "{:?}", model.weights());
        assert!(model.covariance.iter().all(|cell| cell.abs() <= 200.0), "{:?}", model.covariance);
    }
}
