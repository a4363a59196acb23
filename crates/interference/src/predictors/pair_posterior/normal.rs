//! Normal distributions of the weights of a linear model, and the prior that several such models share.

use crate::linear::{MAX_UNKNOWNS, dot};

/// Standard deviation that a weight has between pairs before any pair is seen, in the logarithm of the slowdown.
const DEVIATION: f64 = 0.01;
/// Number of pairs that this counts as much as.
const WEIGHT: f64 = 2.0;
/// Steps of the expectation and the maximisation; each one raises the likelihood.
const STEPS: usize = 60;
/// Standard deviation of an observation at the start, and the least one.
const NOISE: (f64, f64) = (0.02, 1e-3);

/// Normal distribution of weights.
#[derive(Clone, Debug)]
pub(super) struct Normal {
    pub mean: Vec<f64>,
    /// The covariance, by rows.
    pub covariance: Vec<f64>,
}

impl Normal {
    /// The variance of what the weights say of features.
    pub(super) fn variance(&self, features: &[f64]) -> f64 {
        let rows = self.covariance.chunks_exact(self.mean.len());
        rows.zip(features).map(|(row, feature)| feature * dot(row, features)).sum()
    }

    /// The distribution after an observation of the error of its mean, with the variance of that observation.
    pub(super) fn observe(&mut self, features: &[f64], error: f64, noise: f64) {
        let count = self.mean.len();
        let mut spread = [0.0; MAX_UNKNOWNS];
        let spread = &mut spread[..count.min(MAX_UNKNOWNS)];
        for (spread, row) in spread.iter_mut().zip(self.covariance.chunks_exact(count)) {
            *spread = dot(row, features);
        }
        let variance = noise + dot(spread, features);
        if !(error.is_finite() && variance.is_finite() && variance > 0.0) {
            return;
        }
        for (one, half) in spread.iter().enumerate() {
            let gain = half / variance;
            self.mean[one] += gain * error;
            for (other, spread) in spread[..=one].iter().enumerate() {
                // Both halves from one product, so that it stays symmetric to the last bit.
                let cell = self.covariance[one * count + other] - gain * spread;
                self.covariance[one * count + other] = cell;
                self.covariance[other * count + one] = cell;
            }
        }
    }
}

/// Observations of one pair, as sums.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// Products of features, by rows.
    products: Vec<f64>,
    /// Products of features and what was observed.
    targets: Vec<f64>,
    /// Squares of what was observed.
    squares: f64,
    count: f64,
}

impl Sums {
    pub(super) fn new(features: usize) -> Self {
        Self {
            products: vec![0.0; features * features],
            targets: vec![0.0; features],
            squares: 0.0,
            count: 0.0,
        }
    }

    pub(super) fn add(&mut self, features: &[f64], observed: f64) {
        let count = self.targets.len();
        for (one, feature) in features.iter().enumerate() {
            self.targets[one] += feature * observed;
            for (product, other) in self.products[one * count..].iter_mut().zip(features) {
                *product += feature * other;
            }
        }
        self.squares += observed * observed;
        self.count += 1.0;
    }
}

/// The prior of the weights of a pair, and the variance of an observation.
#[derive(Clone, Debug)]
pub(super) struct Prior {
    pub mean: Vec<f64>,
    /// Variances of the weights, which are independent of each other in the prior.
    pub variances: Vec<f64>,
    pub noise: f64,
}

impl Prior {
    /// The prior under which the observations of all pairs are most likely, by expectation and maximisation
    /// (Lindley and Smith, *Bayes estimates for the linear model*, 1972).
    pub(super) fn of(pairs: &[&Sums], features: usize) -> Self {
        let mut prior = Self {
            mean: vec![0.0; features],
            variances: vec![DEVIATION * DEVIATION; features],
            noise: NOISE.0 * NOISE.0,
        };
        // Wide at first, so that the first means are those of the pairs alone.
        prior.variances.iter_mut().for_each(|variance| *variance *= 1e4);
        for _ in 0..STEPS {
            let posteriors: Vec<Normal> = pairs.iter().map(|sums| prior.posterior(sums)).collect();
            let count = posteriors.len().max(1) as f64;
            let (mut squares, mut observations) = (0.0, 0.0);
            for (sums, posterior) in pairs.iter().zip(&posteriors) {
                squares += sums.squares - 2.0 * dot(&posterior.mean, &sums.targets);
                for (row, products) in sums.products.chunks_exact(features).enumerate() {
                    squares += posterior.mean[row] * dot(products, &posterior.mean);
                    squares += dot(products, &posterior.covariance[row * features..]);
                }
                observations += sums.count;
            }
            for weight in 0..features {
                let means = posteriors.iter().map(|posterior| posterior.mean[weight]);
                let mean = means.clone().sum::<f64>() / count;
                let between: f64 = means.map(|value| (value - mean) * (value - mean)).sum();
                let within: f64 =
                    posteriors.iter().map(|posterior| posterior.covariance[weight * features + weight]).sum();
                prior.mean[weight] = mean;
                prior.variances[weight] =
                    (between + within + WEIGHT * DEVIATION * DEVIATION) / (posteriors.len() as f64 + WEIGHT);
            }
            prior.noise = (squares / f64::max(observations, 1.0)).max(NOISE.1 * NOISE.1);
        }
        prior
    }

    /// The weights of a pair of which nothing was observed.
    pub(super) fn normal(&self) -> Normal {
        let count = self.mean.len();
        let mut covariance = vec![0.0; count * count];
        for (cell, variance) in covariance.iter_mut().step_by(count + 1).zip(&self.variances) {
            *cell = *variance;
        }
        Normal { mean: self.mean.clone(), covariance }
    }

    /// The weights of a pair with its observations.
    pub(super) fn posterior(&self, sums: &Sums) -> Normal {
        let count = self.mean.len();
        // With D the standard deviations of the prior and A the products, the covariance is D (I + D A D / noise)^-1 D:
        // the matrix between is at least the unit matrix, so that its factorisation is safe.
        let deviations: Vec<f64> = self.variances.iter().map(|variance| variance.sqrt()).collect();
        let mut factor = vec![0.0; count * count];
        for row in 0..count {
            for column in 0..=row {
                let scaled = sums.products[row * count + column] * deviations[row] * deviations[column];
                let mut cell = scaled / self.noise + f64::from(u8::from(row == column));
                for before in 0..column {
                    cell -= factor[row * count + before] * factor[column * count + before];
                }
                factor[row * count + column] = if row == column {
                    cell.max(1e-12).sqrt()
                } else {
                    cell / factor[column * count + column]
                };
            }
        }
        // The inverse, a column at a time.
        let mut covariance = vec![0.0; count * count];
        for column in 0..count {
            let mut solution = vec![0.0; count];
            for row in column..count {
                let mut cell = f64::from(u8::from(row == column));
                for before in column..row {
                    cell -= factor[row * count + before] * solution[before];
                }
                solution[row] = cell / factor[row * count + row];
            }
            for row in (0..count).rev() {
                for behind in row + 1..count {
                    solution[row] -= factor[behind * count + row] * solution[behind];
                }
                solution[row] /= factor[row * count + row];
            }
            for row in 0..count {
                covariance[row * count + column] = deviations[row] * solution[row] * deviations[column];
            }
        }
        let residual: Vec<f64> = sums
            .products
            .chunks_exact(count)
            .zip(&sums.targets)
            .map(|(products, target)| (target - dot(products, &self.mean)) / self.noise)
            .collect();
        let mean = covariance
            .chunks_exact(count)
            .zip(&self.mean)
            .map(|(row, mean)| mean + dot(row, &residual))
            .collect();
        Normal { mean, covariance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_observation_after_the_other_is_the_same_as_all_at_once() {
        let prior = Prior { mean: vec![0.1, -0.2], variances: vec![0.5, 2.0], noise: 0.3 };
        let rows = [([1.0, 0.5], 0.4), ([1.0, -1.5], 0.9), ([1.0, 2.5], -0.7)];
        let (mut sums, mut normal) = (Sums::new(2), prior.normal());
        for (features, observed) in rows {
            sums.add(&features, observed);
            normal.observe(&features, observed - dot(&normal.mean, &features), prior.noise);
        }
        let posterior = prior.posterior(&sums);
        let pairs = posterior
            .mean
            .iter()
            .zip(&normal.mean)
            .chain(posterior.covariance.iter().zip(&normal.covariance));
        for (at_once, one_by_one) in pairs {
            assert!((at_once - one_by_one).abs() < 1e-12, "{posterior:?} {normal:?}");
        }
    }

    #[test]
    fn the_prior_has_the_mean_and_the_spread_of_the_pairs() {
        let pairs: Vec<Sums> = (0..40)
            .map(|pair| {
                let mut sums = Sums::new(1);
                let level = 1.0 + 0.1 * f64::from(pair % 5 - 2);
                for repeat in 0..50 {
                    sums.add(&[1.0], level + 0.01 * f64::from(repeat % 3 - 1));
                }
                sums
            })
            .collect();
        let prior = Prior::of(&pairs.iter().collect::<Vec<_>>(), 1);
        assert!((prior.mean[0] - 1.0).abs() < 1e-3, "{prior:?}");
        assert!((prior.variances[0].sqrt() - 0.138).abs() < 0.01, "{prior:?}");
        assert!((prior.noise.sqrt() - 0.008).abs() < 0.001, "{prior:?}");
    }
}
