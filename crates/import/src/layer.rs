//! Layers of imported models: operators with all that a file says of them, and the multiply-accumulates that follow.
//!
//! They are neutral: batches, unequal padding and products of two activations stand here as the file has them, whether
//! or not a model file can say them. [`crate::ImportedModel::to_toml`] writes those that it can.

use rtmm_workload::{MAX_LAYER_WORK, RecurrentCell};

/// A convolution in any number of dimensions, or its transpose. Lists have an item for each spatial dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedConvolution {
    /// Inputs that are computed together.
    pub batch: u64,
    /// Channels that come in.
    pub input_channels: u64,
    /// Channels that go out.
    pub output_channels: u64,
    /// Independent groups of channels.
    pub groups: u64,
    /// Extents of the input.
    pub input: Vec<u64>,
    /// Extents of the output.
    pub output: Vec<u64>,
    /// Extents of the filter.
    pub kernel: Vec<u64>,
    /// Strides.
    pub stride: Vec<u64>,
    /// Dilations.
    pub dilation: Vec<u64>,
    /// Padding before the input; of a transpose: cropped off the output. A negative one crops the input.
    pub padding_begin: Vec<i64>,
    /// Padding behind it.
    pub padding_end: Vec<i64>,
    /// Of a transpose: what is added behind the output.
    pub output_padding: Vec<u64>,
    /// True for the transpose of a convolution.
    pub transposed: bool,
}

/// Products of matrices: `rows` x `inner` by `inner` x `columns`, several of them. Where one factor is a weight, it is the
/// second: a product of weights by activations stands here turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportedProduct {
    /// Independent products.
    pub products: u64,
    /// Rows of each result.
    pub rows: u64,
    /// The summed extent.
    pub inner: u64,
    /// Columns of each result.
    pub columns: u64,
    /// True if one of the factors is a weight, false if both are activations.
    pub has_weights: bool,
}

/// A recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportedRecurrent {
    /// The cell.
    pub cell: RecurrentCell,
    /// Directions: 2 if it is bidirectional.
    pub directions: u64,
    /// Sequences that are computed together.
    pub batch: u64,
    /// Tokens of a sequence.
    pub steps: u64,
    /// Features of a token.
    pub features: u64,
    /// Features of the hidden state.
    pub hidden: u64,
}

/// Attention in one node: scores, softmax and context, and the projections of its inputs where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedAttention {
    /// Products by weights before the scores, such as those of queries, keys and values.
    pub projections: Vec<ImportedProduct>,
    /// Products of queries and keys.
    pub scores: ImportedProduct,
    /// Products of scores and values.
    pub context: ImportedProduct,
}

/// A pooling layer. Lists have an item for each spatial dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedPool {
    /// Inputs that are computed together.
    pub batch: u64,
    /// Channels.
    pub channels: u64,
    /// Extents of the input.
    pub input: Vec<u64>,
    /// Extents of the output.
    pub output: Vec<u64>,
    /// Extents of the window.
    pub kernel: Vec<u64>,
    /// Strides.
    pub stride: Vec<u64>,
    /// Dilations.
    pub dilation: Vec<u64>,
    /// Padding before the input.
    pub padding_begin: Vec<i64>,
    /// Padding behind it, with what rounding the output up adds.
    pub padding_end: Vec<i64>,
    /// True for the largest element of a window, false for the mean and the like.
    pub is_maximum: bool,
}

/// The kinds of normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormalisationKind {
    /// By channel, with recorded statistics.
    Batch,
    /// By token.
    Layer,
    /// By groups of channels, or by channel and instance.
    Group,
}

/// The operator of an imported layer. Extents are those of the file, the batch among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportedOperator {
    /// A convolution of any kind.
    Convolution(ImportedConvolution),
    /// Matrix products.
    Product(ImportedProduct),
    /// A recurrent layer.
    Recurrent(ImportedRecurrent),
    /// Attention in one node.
    Attention(ImportedAttention),
    /// Pooling.
    Pool(ImportedPool),
    /// An operation on every element of the output.
    Elementwise {
        /// Extents of the output.
        output: Vec<u64>,
        /// Inputs of as many elements as the output; smaller ones, which are broadcast, are not counted.
        operands: u64,
        /// Operations for an element; none for data that only move.
        operations: u32,
    },
    /// Softmax along an axis.
    Softmax {
        /// Extents of input and output.
        output: Vec<u64>,
    },
    /// Normalisation.
    Normalisation {
        /// The kind.
        kind: NormalisationKind,
        /// Extents of input and output.
        output: Vec<u64>,
    },
    /// A sum, mean, maximum or the like along axes.
    Reduction {
        /// Elements read.
        inputs: u64,
        /// Elements of the result.
        outputs: u64,
    },
    /// A change of the resolution.
    Resize {
        /// Extents of the input.
        input: Vec<u64>,
        /// Extents of the output.
        output: Vec<u64>,
        /// Operations for an element of the output: 1 takes the nearest.
        operations: u32,
    },
    /// Tensors next to each other.
    Concatenation {
        /// The axis along which they stand.
        axis: usize,
        /// Extents of the inputs.
        inputs: Vec<Vec<u64>>,
    },
}

/// A layer of an imported model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedLayer {
    /// Name of its first output, by which the node is known; unique within the model.
    pub name: String,
    /// Name of the node, which may be empty or stand several times: what profiles call it.
    pub node_name: String,
    /// Operator of the node, such as `Conv`.
    pub node_operator: String,
    /// The work.
    pub operator: ImportedOperator,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes of the activations that are read after the layer, or are outputs of the model: what must move if the
    /// inference goes on elsewhere.
    pub live_bytes: u64,
}

fn product(extents: &[u64]) -> Option<u64> {
    extents.iter().try_fold(1_u64, |product, extent| product.checked_mul(*extent))
}

impl ImportedConvolution {
    /// Multiply-accumulates, taps on padding included; none beyond 64 bits.
    #[must_use]
    pub fn macs(&self) -> Option<u64> {
        let taps = product(&self.kernel)?;
        let (channels, plane) = if self.transposed {
            (self.output_channels, product(&self.input)?)
        } else {
            (self.input_channels, product(&self.output)?)
        };
        let others = if self.transposed { self.input_channels } else { self.output_channels };
        product(&[self.batch, others, plane, channels / self.groups.max(1), taps])
    }
}

impl ImportedProduct {
    /// Multiply-accumulates; none beyond 64 bits.
    #[must_use]
    pub fn macs(&self) -> Option<u64> {
        product(&[self.products, self.rows, self.inner, self.columns])
    }
}

impl ImportedRecurrent {
    /// Multiply-accumulates; none beyond 64 bits.
    #[must_use]
    pub fn macs(&self) -> Option<u64> {
        let gates = product(&[self.cell.gates().into(), self.hidden])?;
        product(&[self.steps, self.batch, self.directions, gates, self.features.checked_add(self.hidden)?])
    }
}

impl ImportedAttention {
    /// Multiply-accumulates; none beyond 64 bits.
    #[must_use]
    pub fn macs(&self) -> Option<u64> {
        let all = self.projections.iter().chain([&self.scores, &self.context]);
        all.map(ImportedProduct::macs).try_fold(0_u64, |sum, macs| sum.checked_add(macs?))
    }
}

impl ImportedOperator {
    /// Multiply-accumulates of the matrix work; none beyond what a layer may have.
    #[must_use]
    pub fn macs(&self) -> Option<u64> {
        let macs = match self {
            Self::Convolution(convolution) => convolution.macs(),
            Self::Product(product) => product.macs(),
            Self::Recurrent(recurrent) => recurrent.macs(),
            Self::Attention(attention) => attention.macs(),
            Self::Pool(_)
            | Self::Elementwise { .. }
            | Self::Softmax { .. }
            | Self::Normalisation { .. }
            | Self::Reduction { .. }
            | Self::Resize { .. }
            | Self::Concatenation { .. } => Some(0),
        };
        macs.filter(|macs| *macs <= MAX_LAYER_WORK)
    }

    /// True for work in multiply-accumulates.
    #[must_use]
    pub fn is_matrix_work(&self) -> bool {
        matches!(self, Self::Convolution(_) | Self::Product(_) | Self::Recurrent(_) | Self::Attention(_))
    }
}
