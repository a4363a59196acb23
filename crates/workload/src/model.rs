//! Models: named lists of layers in execution order.

use std::sync::Arc;

use serde::Serialize;

use crate::ids::{LayerId, ModelId};
use crate::layer::Layer;
use crate::layer_variants::LayerVariants;
use crate::sample_trace::SampleTrace;

/// State of the check of the shapes of consecutive layers against each other.
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
    /// State of the check of layer shapes against each other.
    pub shapes: Shapes,
    /// The layers in execution order; at least one.
    pub layers: Vec<Layer>,
    /// Runs of layers that belong together, in order, none overlapping another.
    pub blocks: Vec<Block>,
    /// Places where an inference may end early, in order.
    pub exits: Vec<Exit>,
    /// Accuracy of a complete inference, as a fraction; none where it is not stated.
    pub accuracy: Option<f64>,
    /// The other variants of a supernet: each can run in place of this one. Their own `variants`
    /// are empty. A workload lists them as models of their own.
    pub variants: Vec<Model>,
    /// The name of this variant in its supernet, such as `large`; none where the model is of no supernet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Layers that others can run in place of, with the accuracy of every set of them; none where there are no such layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_variants: Option<Arc<LayerVariants>>,
    /// Sparsity of the weights.
    pub sparsity: Sparsity,
    /// Recorded inferences, layer by layer: each job is one of them. None where every
    /// inference costs the same.
    pub samples: Option<Arc<SampleTrace>>,
}

/// The name of the model that a cell of a table speaks of: a name, or a path as a scenario has it.
#[must_use]
pub fn model_name(cell: &str) -> &str {
    match cell.strip_suffix(".toml") {
        Some(path) => path.rsplit(['/', '\\']).next().unwrap_or(path),
        None => cell,
    }
}

/// Sparsity of a model, and the architecture that it shares with models of other sparsity patterns.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sparsity {
    /// The model without its pattern, such as `resnet50`: models of one architecture are the same to
    /// a scheduler that is told of no patterns. None for a model that is an architecture of its own.
    pub architecture: Option<String>,
    /// Where the zeros among the weights are.
    pub pattern: Pattern,
    /// The share of weights that are zero, in 0..1, in every layer with weights.
    pub weights: f64,
}

/// Where the zeros among the weights of a pruned model are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// There are none.
    #[default]
    Dense,
    /// Anywhere.
    Unstructured,
    /// In blocks of neighbouring weights.
    Block,
    /// In whole filters, so that output channels are missing.
    Filter,
}

impl Pattern {
    /// All patterns.
    pub const ALL: [Self; 4] = [Self::Dense, Self::Unstructured, Self::Block, Self::Filter];

    /// Its name in model files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Unstructured => "unstructured",
            Self::Block => "block",
            Self::Filter => "filter",
        }
    }
}

/// A run of consecutive layers: what block-wise scheduling dispatches at once, and what a dynamic
/// model may skip.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Block {
    /// Unique within the model.
    pub name: String,
    /// Its first layer.
    pub first: LayerId,
    /// Its last layer.
    pub last: LayerId,
    /// The probability that an inference skips it, drawn for each sample; known when the block is
    /// reached.
    pub skip_probability: f64,
}

/// A place where an inference may end early; known when its layer is complete.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exit {
    /// Unique within the model.
    pub name: String,
    /// The layer after which it stands; not the last one.
    pub after: LayerId,
    /// The probability that an inference that gets here ends here, drawn for each sample.
    pub probability: f64,
    /// Accuracy of inferences that end here, as a fraction; none for the model's accuracy.
    pub accuracy: Option<f64>,
}

impl Model {
    /// A model of `layers` alone: no blocks, exits or variants.
    #[must_use]
    pub fn of_layers(name: String, source: String, shapes: Shapes, layers: Vec<Layer>) -> Self {
        let (blocks, exits, variants) = (Vec::new(), Vec::new(), Vec::new());
        let (accuracy, variant, layer_variants, samples) = (None, None, None, None);
        Self {
            name,
            source,
            shapes,
            layers,
            blocks,
            exits,
            accuracy,
            variants,
            variant,
            layer_variants,
            sparsity: Sparsity::default(),
            samples,
        }
    }

    /// True if what runs depends on the input: blocks that may be skipped, exits that may be taken.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.blocks.iter().any(|block| block.skip_probability > 0.0)
            || self.exits.iter().any(|exit| exit.probability > 0.0)
    }

    /// True if inferences of it differ by what was recorded of them.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.samples.is_some()
    }

    /// The name of the supernet that the variant is of, such as `examples/supernet`.
    #[must_use]
    pub fn supernet(&self) -> Option<&str> {
        self.name.strip_suffix(self.variant.as_deref()?)?.strip_suffix('/')
    }

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

/// By model: the one without layer variants that it was read with; itself where it has none. None where no model has any.
#[must_use]
pub fn originals(models: &[Model]) -> Option<Vec<ModelId>> {
    let of = |model: &Model| model.layer_variants.as_ref().map(|of| of.runs_all);
    models.iter().any(|model| model.layer_variants.is_some()).then(|| {
        let original = |index: usize| {
            let model = &models[index];
            let is_of = |other: &usize| {
                of(&models[*other]) == Some(false) && models[*other].supernet() == model.supernet()
            };
            let found = (0..index).rev().find(is_of).filter(|_| of(model) == Some(true));
            ModelId::new(found.unwrap_or(index))
        };
        (0..models.len()).map(original).collect()
    })
}
