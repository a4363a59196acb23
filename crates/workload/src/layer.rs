//! Layers: one operator each, with its dimensions, and the sizes that follow from them.
//!
//! Activations are planes of channels ([`Shape`]); a sequence of `T` tokens with `F` features is
//! a shape of `F` channels, height `T` and width 1, as the XRBench tables write it. Element
//! counts are exact; an element's size in bytes is the hardware's to say.

use serde::Serialize;

use crate::kernel::{Kernel, Repeated};
use crate::operator_kind::OperatorKind;
use crate::precision::Precision;
use crate::shape_error::{MAX_DIMENSION, ShapeError};
use crate::window::{self, Padding};

/// The extents of an activation tensor of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Shape {
    /// Channels, or features of a token.
    pub channels: u32,
    /// Rows, or tokens of a sequence.
    pub height: u32,
    /// Columns; 1 for sequences.
    pub width: u32,
}

/// A convolution, dense, grouped, depthwise, dilated or transposed.
///
/// Pairs are vertical, then horizontal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Convolution {
    /// Shape of the input.
    pub input: Shape,
    /// Channels that go out.
    pub output_channels: u32,
    /// Filter extents (R, S).
    pub kernel: [u32; 2],
    /// Distance between two outputs, counted in inputs (for a transposed convolution the other
    /// way round).
    pub stride: [u32; 2],
    /// Rows and columns of zeros around the input (for a transposed convolution: cropped off the output).
    pub padding: Padding,
    /// Rows and columns that a transposed convolution has more, below and on the right; below its stride.
    #[serde(skip_serializing_if = "is_nothing")]
    pub output_padding: [u32; 2],
    /// Distance between two filter taps; 1 for a plain filter.
    pub dilation: [u32; 2],
    /// Independent groups of channels; as many as channels for a depthwise convolution.
    pub groups: u32,
    /// True if this is the transpose of a convolution (upsampling).
    pub transposed: bool,
}

/// A matrix product of `rows` x `inner` by `inner` x `columns` (weights), as in a fully
/// connected layer over `rows` positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Gemm {
    /// M: rows of the activations and of the result.
    pub rows: u32,
    /// K: the summed extent.
    pub inner: u32,
    /// N: columns of the weights and of the result.
    pub columns: u32,
}

/// Multi-head attention with its four projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Attention {
    /// Features of a token.
    pub embedding: u32,
    /// Heads; they divide the embedding.
    pub heads: u32,
    /// Tokens that ask.
    pub queries: u32,
    /// Tokens that are asked; as many as `queries` in self-attention.
    pub keys: u32,
}

/// The kinds of recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecurrentCell {
    /// Long short-term memory: four gates.
    Lstm,
    /// Gated recurrent unit: three gates.
    Gru,
    /// Elman network: one gate.
    Rnn,
}

/// A recurrent layer over a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Recurrent {
    /// The cell.
    pub cell: RecurrentCell,
    /// Features of an input token.
    pub features: u32,
    /// Features of the hidden state.
    pub hidden: u32,
    /// Tokens of the sequence.
    pub steps: u32,
    /// True if a second cell runs over the sequence backwards.
    pub bidirectional: bool,
}

/// A pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Pool {
    /// Shape of the input.
    pub input: Shape,
    /// Window extents.
    pub kernel: [u32; 2],
    /// Distance between two windows.
    pub stride: [u32; 2],
    /// Rows and columns of padding around the input.
    pub padding: Padding,
}

/// An operation on every element: addition, multiplication, activation, resizing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Elementwise {
    /// Shape of the output.
    pub output: Shape,
    /// Elements read.
    pub elements_in: u64,
    /// Operations for one output element.
    pub operations: u32,
}

/// Batch, layer, group or instance normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Normalisation {
    /// Shape of input and output.
    pub shape: Shape,
}

/// The operator of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operator {
    /// A convolution of any kind.
    Convolution(Convolution),
    /// A matrix product, or a fully connected layer.
    Gemm(Gemm),
    /// Multi-head attention.
    Attention(Attention),
    /// A recurrent layer.
    Recurrent(Recurrent),
    /// Pooling.
    Pool(Pool),
    /// An element by element operation.
    Elementwise(Elementwise),
    /// Normalisation.
    Normalisation(Normalisation),
    /// An operator of which only recordings are known: it has no dimensions.
    Opaque,
}

/// A row as a published layer table states it: kernels without stride, padding or groups.
///
/// Reference modes read this and nothing else; see `docs/` on the XRBench tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PublishedShape {
    /// K: output channels.
    pub k: u32,
    /// C: input channels.
    pub c: u32,
    /// R: filter height.
    pub r: u32,
    /// S: filter width.
    pub s: u32,
    /// Y: input height.
    pub y: u32,
    /// X: input width.
    pub x: u32,
    /// True if the table types the row as depthwise (`DSCONV`).
    pub depthwise: bool,
}

/// One operator of a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Layer {
    /// Unique within the model.
    pub name: String,
    /// Operator, with the extents of one input.
    pub operator: Operator,
    /// Word for the operator, by which accelerators say that they run it. No part of the layer's own identity: it counts
    /// where an accelerator lists operators.
    #[serde(skip)]
    pub kind: OperatorKind,
    /// Number format that it is computed in; none where any will do. It counts where an accelerator lists precisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Independent inputs that it takes at once, which share its weights.
    #[serde(skip_serializing_if = "is_single")]
    pub batch: u32,
    /// Bytes that must move if a job goes on elsewhere after the layer; none for those of its output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_bytes: Option<u64>,
    /// The row of a published table that it was read from, if any.
    pub published: Option<PublishedShape>,
}

// The names of what layers did not always have, left out where they say nothing: such layers keep their identities.

fn is_nothing(pair: &[u32; 2]) -> bool {
    *pair == [0, 0]
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_single(batch: &u32) -> bool {
    *batch == 1
}

impl Shape {
    /// Elements of the tensor.
    #[must_use]
    pub fn elements(self) -> u64 {
        u64::from(self.channels).saturating_mul(u64::from(self.height)).saturating_mul(u64::from(self.width))
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} x {} x {}", self.channels, self.height, self.width)
    }
}

pub(crate) fn dimensions(values: &[(&'static str, u32)]) -> Result<(), ShapeError> {
    for &(name, value) in values {
        if value == 0 || value > MAX_DIMENSION {
            return Err(ShapeError::Dimension { name, value: value.into() });
        }
    }
    Ok(())
}

impl Convolution {
    /// The shape that goes out.
    ///
    /// # Errors
    /// [`ShapeError`] where the filter does not fit, groups do not divide the channels, or an
    /// extent is out of range.
    pub fn output(&self) -> Result<Shape, ShapeError> {
        let Shape { channels, height, width } = self.input;
        dimensions(&[
            ("input channels", channels),
            ("input height", height),
            ("input width", width),
            ("output channels", self.output_channels),
            ("filter height", self.kernel[0]),
            ("filter width", self.kernel[1]),
            ("vertical stride", self.stride[0]),
            ("horizontal stride", self.stride[1]),
            ("vertical dilation", self.dilation[0]),
            ("horizontal dilation", self.dilation[1]),
            ("groups", self.groups),
        ])?;
        if !channels.is_multiple_of(self.groups) || !self.output_channels.is_multiple_of(self.groups) {
            return Err(ShapeError::Groups {
                groups: self.groups,
                input: channels,
                output: self.output_channels,
            });
        }
        let (kernel, stride, dilation) = (self.kernel, self.stride, self.dilation);
        for (added, stride) in self.output_padding.into_iter().zip(stride) {
            if added > 0 && !(self.transposed && added < stride) {
                return Err(ShapeError::OutputPadding { added, stride, transposed: self.transposed });
            }
        }
        let input = [height, width];
        let plane = if self.transposed {
            let added = self.output_padding;
            window::transposed_outputs(input, kernel, stride, self.padding, dilation, added)?
        } else {
            window::outputs("filter", input, kernel, stride, self.padding, dilation)?
        };
        Ok(Shape { channels: self.output_channels, height: plane[0], width: plane[1] })
    }

    /// True if every group has one input channel and there are several.
    #[must_use]
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.input.channels
    }
}

impl Pool {
    /// The shape that goes out.
    ///
    /// # Errors
    /// [`ShapeError`] where the window does not fit or an extent is out of range.
    pub fn output(&self) -> Result<Shape, ShapeError> {
        let Shape { channels, height, width } = self.input;
        dimensions(&[
            ("channels", channels),
            ("input height", height),
            ("input width", width),
            ("window height", self.kernel[0]),
            ("window width", self.kernel[1]),
            ("vertical stride", self.stride[0]),
            ("horizontal stride", self.stride[1]),
        ])?;
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding);
        let [height, width] = window::outputs("window", [height, width], kernel, stride, padding, [1, 1])?;
        Ok(Shape { channels, height, width })
    }
}

impl RecurrentCell {
    /// Gates, each with its own weights.
    #[must_use]
    pub const fn gates(self) -> u32 {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Rnn => 1,
        }
    }
}

impl Operator {
    /// The kind of the operator where no word is written for it: of a layer of a table, or of a program. Of kinds whose
    /// dimensions are alike the plainest.
    #[must_use]
    pub const fn kind(&self) -> OperatorKind {
        OperatorKind::known(match self {
            Self::Convolution(convolution) if convolution.transposed => "transposed-convolution",
            Self::Convolution(_) => "convolution",
            Self::Gemm(_) => "fully-connected",
            Self::Attention(_) => "attention",
            Self::Recurrent(recurrent) => match recurrent.cell {
                RecurrentCell::Lstm => "lstm",
                RecurrentCell::Gru => "gru",
                RecurrentCell::Rnn => "rnn",
            },
            Self::Pool(_) => "max-pool",
            Self::Elementwise(_) => "activation",
            Self::Normalisation(_) => "batch-norm",
            Self::Opaque => return OperatorKind::OPAQUE,
        })
    }
}

impl Layer {
    /// A layer of one input, of no published table.
    #[must_use]
    pub fn new(name: impl Into<String>, operator: Operator) -> Self {
        let kind = operator.kind();
        let name = name.into();
        Self { name, operator, kind, precision: None, batch: 1, live_bytes: None, published: None }
    }

    /// The layer as it is for `batch` inferences at once, which share its weights. Beyond what an integer holds it takes more
    /// inputs than any layer may.
    #[must_use]
    pub fn in_batch(&self, batch: u32) -> Self {
        Self { batch: self.batch.saturating_mul(batch), ..self.clone() }
    }

    /// The shape that goes out, for each input.
    ///
    /// # Errors
    /// [`ShapeError`] where the operator's dimensions make no sense.
    pub fn output(&self) -> Result<Shape, ShapeError> {
        match self.operator {
            Operator::Convolution(convolution) => convolution.output(),
            Operator::Gemm(Gemm { rows, columns, .. }) => {
                Ok(Shape { channels: columns, height: rows, width: 1 })
            }
            Operator::Attention(attention) => {
                Ok(Shape { channels: attention.embedding, height: attention.queries, width: 1 })
            }
            Operator::Recurrent(recurrent) => Ok(Shape {
                channels: recurrent.hidden * (1 + u32::from(recurrent.bidirectional)),
                height: recurrent.steps,
                width: 1,
            }),
            Operator::Pool(pool) => pool.output(),
            Operator::Elementwise(elementwise) => Ok(elementwise.output),
            Operator::Normalisation(normalisation) => Ok(normalisation.shape),
            Operator::Opaque => Err(ShapeError::Opaque),
        }
    }

    /// Elements read as activations, of all inputs; saturating.
    #[must_use]
    pub fn input_elements(&self) -> u64 {
        let of_one = match self.operator {
            Operator::Convolution(convolution) => convolution.input.elements(),
            Operator::Gemm(gemm) => u64::from(gemm.rows) * u64::from(gemm.inner),
            Operator::Attention(Attention { embedding, queries, keys, .. }) => {
                u64::from(embedding) * (u64::from(queries) + u64::from(keys))
            }
            Operator::Recurrent(recurrent) => u64::from(recurrent.features) * u64::from(recurrent.steps),
            Operator::Pool(pool) => pool.input.elements(),
            Operator::Elementwise(elementwise) => elementwise.elements_in,
            Operator::Normalisation(normalisation) => normalisation.shape.elements(),
            Operator::Opaque => 0,
        };
        of_one.saturating_mul(self.batch.into())
    }

    /// Elements of the result, for all inputs; saturating.
    ///
    /// # Errors
    /// [`ShapeError`] where the operator's dimensions make no sense.
    pub fn output_elements(&self) -> Result<u64, ShapeError> {
        self.output().map(|output| output.elements().saturating_mul(self.batch.into()))
    }

    /// Weights of the layer, without biases.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        match self.operator {
            Operator::Convolution(c) => {
                u64::from(c.output_channels)
                    * u64::from(c.input.channels / c.groups.max(1))
                    * u64::from(c.kernel[0])
                    * u64::from(c.kernel[1])
            }
            Operator::Gemm(gemm) => u64::from(gemm.inner) * u64::from(gemm.columns),
            Operator::Attention(attention) => 4 * u64::from(attention.embedding).pow(2),
            Operator::Recurrent(r) => {
                let gates = u64::from(r.cell.gates()) * u64::from(r.hidden);
                gates * (u64::from(r.features) + u64::from(r.hidden)) * (1 + u64::from(r.bidirectional))
            }
            Operator::Normalisation(normalisation) => 2 * u64::from(normalisation.shape.channels),
            Operator::Pool(_) | Operator::Elementwise(_) | Operator::Opaque => 0,
        }
    }

    /// Multiply-accumulates of the layer's matrix work; taps on padding count.
    ///
    /// # Errors
    /// [`ShapeError`] where the operator's dimensions make no sense.
    pub fn macs(&self) -> Result<u64, ShapeError> {
        Ok(self
            .kernels()?
            .iter()
            .map(|Repeated { kernel, times }| match kernel {
                Kernel::Nest(nest) => nest.macs() * u64::from(*times),
                Kernel::Vector(_) => 0,
            })
            .sum())
    }
}
