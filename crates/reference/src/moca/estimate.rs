//! Estimates of the device: one layer on one core.

use super::addition;
use super::convolution;
use super::error::MocaError;
use super::fixes::Fixes;
use super::layer::{Layer, Split};
use super::parts::Estimate;
use super::pooling;
use super::product;

impl Estimate {
    /// Estimates a layer.
    ///
    /// # Errors
    /// Numbers outside of what the loop takes, layers that have no output or whose rows 32 bits do not count, and
    /// cores without work.
    pub fn of(layer: &Layer, split: Split, fixes: &Fixes) -> Result<Self, MocaError> {
        layer.check(split)?;
        match layer {
            Layer::Convolution(layer) => convolution::estimate(layer, split),
            Layer::Product(layer) => product::estimate(layer, split),
            Layer::Addition(layer) => addition::estimate(layer, split),
            Layer::Pooling(layer) => pooling::estimate(layer, split, fixes),
        }
    }
}
