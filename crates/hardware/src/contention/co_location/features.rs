//! Features by which slowdowns are predicted, and their weights.

/// The number of weights.
pub const WEIGHTS: usize = 5;

/// Weights of the own and the others' utilisation of the L2 cache, of the own and the others' of DRAM, and a constant.
pub type Weights = [f64; WEIGHTS];

/// The features that weights are of: the own and the others' utilisation of the L2 cache, of DRAM, and 1.
pub(super) fn features(own: [f64; 2], others: [f64; 2]) -> Weights {
    [own[0], others[0], own[1], others[1], 1.0]
}

/// The sum of products.
pub(super) fn product(weights: &Weights, features: &Weights) -> f64 {
    weights.iter().zip(features).map(|(weight, feature)| weight * feature).sum()
}
