//! Times that vary: quantiles of the time of a layer, and the draws of jobs from them.
//!
//! A device takes longer for the same layer at one time than at another. A cost model that knows how much states
//! [`Quantiles`] of the time ([`crate::CostModel::variation`]); the profile has their mean. Each job draws a [`Rank`] for
//! each of its layers, and the engine runs the time at that rank.
//!
//! The ranks of a job are joined by a Gaussian copula: with the correlation `r`, a normal number `z` of the job and one of
//! each layer,
//!
//! ```text
//! rank of a layer = Phi(sqrt(r) z of the job + sqrt(1 - r) z of the layer)
//! ```
//!
//! so that ranks are uniform whatever the correlation: 0 lets every layer vary by itself, 1 has all layers of a job stand
//! at one rank. Draws are addressed by seed, task, frame and layer, and by nothing else, so that a job has the same ranks
//! on every accelerator of one correlation, and under every policy.

mod quantiles;
mod ranks;

use crate::cost::LayerOf;

pub use quantiles::{Descending, Quantiles};
pub use ranks::{Copula, Correlation, JobRanks, Rank};

/// A cost model's knowledge of how times vary.
pub trait Variation {
    /// The quantiles of [`crate::Work::compute`] of a layer in a batch of so many inferences; none where every job takes the
    /// same. The profile's compute time is their mean.
    fn quantiles(&self, layer: LayerOf<'_>, batch: u32) -> Option<Quantiles>;

    /// The correlation of the layers of a job.
    fn correlation(&self) -> Correlation;
}
