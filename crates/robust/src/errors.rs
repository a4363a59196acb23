//! Draws of errors: which layers, operators, accelerators and tasks are wrong, and in what they are wrong together.
//!
//! Every draw is addressed by what it is an error of, and by nothing else: all policies see the same wrong world, errors of two
//! sizes differ by their size alone, and what is added to a system changes no error of the rest.

use rtmm_workload::random::{Draws, Stream};
use serde::Serialize;

/// Parts of an error of layer costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// A third of the variance each: of the layer, of its operator, of the accelerator.
    #[default]
    Mixed,
    /// Each layer by itself.
    Layer,
    /// All layers of an operator alike.
    Operator,
    /// All layers on an accelerator alike.
    Accelerator,
}

impl Spread {
    /// All spreads, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("mixed", Self::Mixed),
        ("layer", Self::Layer),
        ("operator", Self::Operator),
        ("accelerator", Self::Accelerator),
    ];

    /// The parts of the variance: of the layer, of the operator, of the accelerator. They add up to 1.
    #[must_use]
    pub(crate) const fn variances(self) -> [f64; 3] {
        const THIRD: f64 = 1.0 / 3.0;
        match self {
            Self::Mixed => [THIRD; 3],
            Self::Layer => [1.0, 0.0, 0.0],
            Self::Operator => [0.0, 1.0, 0.0],
            Self::Accelerator => [0.0, 0.0, 1.0],
        }
    }
}

/// The draws of an axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errors {
    /// Seed of all draws.
    pub seed: u64,
    /// Parts of the errors of layer costs.
    pub spread: Spread,
    /// The correlation of errors that are alike in kind and of different accelerators, tasks or prices: 0 to 1.
    pub correlation: f64,
}

/// A standard normal number of each draw, of which a part is shared with others of its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Normal {
    shared: Draws,
    own: Draws,
    weights: [f64; 2],
}

impl Errors {
    /// The normal numbers of `own`, which share a part with all of `shared`.
    pub(crate) fn normal(&self, shared: &str, own: &str) -> Normal {
        let draws = |name: &str| Draws::new(self.seed, Stream::Error, name);
        let weights = [self.correlation.sqrt(), (1.0 - self.correlation).sqrt()];
        Normal { shared: draws(shared), own: draws(&format!("{shared}/{own}")), weights }
    }
}

impl Normal {
    /// The number of a draw.
    pub(crate) fn at(&self, draw: u32) -> f64 {
        let [shared, own] = self.weights;
        let mut sum = 0.0;
        if shared > 0.0 {
            sum += shared * self.shared.normal(u64::from(draw), 0);
        }
        if own > 0.0 {
            sum += own * self.own.normal(u64::from(draw), 0);
        }
        sum
    }
}

/// The factor of a log-normal error: one standard deviation is a factor of `1 + share`, up or down. Exactly 1 where the share
/// is zero.
pub(crate) fn factor(share: f64, normal: f64) -> f64 {
    libm::exp(libm::log(1.0 + share) * normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(correlation: f64) -> Errors {
        Errors { seed: 1, spread: Spread::Mixed, correlation }
    }

    #[test]
    fn parts_of_the_variance_add_up() {
        for (name, spread) in Spread::ALL {
            assert!((spread.variances().iter().sum::<f64>() - 1.0).abs() < 1e-15, "{name}");
        }
    }

    #[test]
    fn numbers_are_standard_normal_and_as_correlated_as_asked_for() {
        for correlation in [0.0, 0.5, 1.0] {
            let [one, other] = ["one", "other"].map(|own| errors(correlation).normal("kind", own));
            let count = 20_000_u32;
            let (mut squares, mut products) = (0.0, 0.0);
            for draw in 0..count {
                squares += one.at(draw) * one.at(draw);
                products += one.at(draw) * other.at(draw);
            }
            let of = |sum: f64| sum / f64::from(count);
            // Five standard errors.
            assert!((of(squares) - 1.0).abs() < 0.05, "{correlation}: {}", of(squares));
            assert!((of(products) - correlation).abs() < 0.05, "{correlation}: {}", of(products));
        }
        let [one, other] = ["one", "other"].map(|own| errors(1.0).normal("kind", own));
        assert_eq!(one.at(7), other.at(7));
    }

    #[test]
    fn factors_are_of_the_size() {
        assert_eq!(factor(0.0, 5.0), 1.0);
        assert!((factor(0.2, 1.0) - 1.2).abs() < 1e-15);
        assert!((factor(0.2, -1.0) - 1.0 / 1.2).abs() < 1e-15);
    }
}
