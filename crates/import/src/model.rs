//! Imported models: layers, counts, choices.

use serde::Serialize;

use crate::layer::ImportedLayer;

/// A node without a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unsupported {
    /// First output of the node, by which it is known.
    pub node: String,
    /// Operator.
    pub operator: String,
    /// The reason.
    pub reason: String,
}

/// A model that was read from a file of another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedModel {
    /// The program that wrote the file, with its version.
    pub producer: String,
    /// Version of the operator set that the model is written in.
    pub operator_set: i64,
    /// Inputs with their extents, such as `image [1, 3, 224, 224]`.
    pub inputs: Vec<String>,
    /// Outputs with their extents.
    pub outputs: Vec<String>,
    /// Choices of the user, as options of the command line.
    pub choices: Vec<String>,
    /// Those of the choices without which the model would be the same.
    pub idle_choices: Vec<String>,
    /// Layers, in the order of execution.
    pub layers: Vec<ImportedLayer>,
    /// Multiply-accumulates of an inference: of a convolution the elements of the output times the weights of an output
    /// channel, of a transposed one the elements of the input times the weights of an input channel, of a product the
    /// elements of the output times the summed extent, of a recurrent layer steps times batch times weights. Fourier
    /// transforms have none.
    pub macs: u64,
    /// Elements of the weights that executed nodes read, of any precision, without scales, zero points and shapes.
    pub parameters: u64,
    /// Executed nodes that are no layer.
    pub free: u64,
    /// Nodes that were left out: those without a rule, and those that read what they give.
    pub lost: u64,
    /// The most bytes of activations that are live while a node runs: its inputs, its outputs and what later nodes
    /// read. Nothing is computed in place; weights do not count; inputs of the model live until they are last read,
    /// outputs to the end.
    pub peak_activation_bytes: u64,
    /// Nodes without a rule.
    pub unsupported: Vec<Unsupported>,
}

/// Counts of an imported model, as the command line prints them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportSummary<'m> {
    /// The format that the model was read from.
    pub kind: &'static str,
    /// Multiply-accumulates of an inference.
    pub macs: u64,
    /// Elements of the weights.
    pub parameters: u64,
    /// Number of layers.
    pub layers: u64,
    /// Executed nodes that are no layer.
    pub free: u64,
    /// The most bytes of live activations.
    pub peak_activation_bytes: u64,
    /// Nodes that were left out for want of a rule.
    pub unsupported: &'m [Unsupported],
    /// Share of nodes that were left out, those included that depend on them; absent where none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_share: Option<f64>,
}

impl ImportedModel {
    /// Nodes of an inference, those that were left out included.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        self.layers.len() as u64 + self.free + self.lost
    }

    /// Counts of the model.
    #[must_use]
    pub fn summary(&self) -> ImportSummary<'_> {
        ImportSummary {
            kind: "onnx",
            macs: self.macs,
            parameters: self.parameters,
            layers: self.layers.len() as u64,
            free: self.free,
            peak_activation_bytes: self.peak_activation_bytes,
            unsupported: &self.unsupported,
            lost_share: (self.lost > 0).then(|| self.lost as f64 / self.nodes() as f64),
        }
    }
}
