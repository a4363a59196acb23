//! Models: named lists of layers in execution order.

use serde::Serialize;

use crate::layer::Layer;

/// Whether the shapes of consecutive layers were checked against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shapes {
    /// Every layer's input is the output of the layers that it names, or of the previous one.
    Chained,
    /// Layers stand alone: a published table of kernels without the graph between them.
    Independent,
}

/// A DNN.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// The name that scenarios use, such as `xrbench/es_ritnet`.
    pub name: String,
    /// Publication or repository that the layers were taken from.
    pub source: String,
    /// Whether layer shapes were checked against each other.
    pub shapes: Shapes,
    /// The layers in execution order; at least one.
    pub layers: Vec<Layer>,
}

impl Model {
    /// Weights of all layers; saturating.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        saturating_sum(self.layers.iter().map(Layer::parameters))
    }

    /// Multiply-accumulates of one inference; layers without a legal shape count nothing;
    /// saturating.
    #[must_use]
    pub fn macs(&self) -> u64 {
        saturating_sum(self.layers.iter().map(|layer| layer.macs().unwrap_or(0)))
    }

    /// The largest activation of any layer, in elements.
    #[must_use]
    pub fn largest_activation(&self) -> u64 {
        self.layers
            .iter()
            .map(|layer| layer.input_elements().max(layer.output_elements().unwrap_or(0)))
            .max()
            .unwrap_or(0)
    }
}

/// A sum that stays at the largest number rather than wrapping: some inputs are enormous.
fn saturating_sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}
