//! Bounds of layers, and the errors of dimensions that make no sense.

use thiserror::Error;

/// The largest extent of one dimension.
pub const MAX_DIMENSION: u32 = 1 << 24;
/// The most multiply-accumulates, or elements of one tensor, of one layer.
pub const MAX_LAYER_WORK: u64 = 1 << 50;
/// The largest stride of a transposed convolution.
pub const MAX_TRANSPOSED_STRIDE: u32 = 64;

/// Why the dimensions of a layer make no sense.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// A filter or window extends beyond the padded input.
    #[error(
        "a {what} of {extent} {axis} (dilation included) is larger than its input of {input} \
         (padding included)"
    )]
    WindowLargerThanInput {
        /// Filter or window.
        what: &'static str,
        /// Rows or columns.
        axis: &'static str,
        /// Extent of the window with dilation.
        extent: u64,
        /// Extent of the input with padding.
        input: u64,
    },
    /// Groups must divide both channel counts.
    #[error("{groups} groups do not divide {input} input and {output} output channels")]
    Groups {
        /// Groups.
        groups: u32,
        /// Input channels.
        input: u32,
        /// Output channels.
        output: u32,
    },
    /// Heads must divide the embedding.
    #[error("{heads} heads do not divide an embedding of {embedding}")]
    Heads {
        /// Heads.
        heads: u32,
        /// Features of a token.
        embedding: u32,
    },
    /// Rows or columns that follow from no input: as many as the stride, or of a convolution that is not transposed.
    #[error("an output padding of {added} {}", why_not(*transposed, *stride))]
    OutputPadding {
        /// Rows or columns.
        added: u32,
        /// The stride of that axis.
        stride: u32,
        /// True if the convolution is transposed.
        transposed: bool,
    },
    /// A transposed convolution with holes in its filter.
    #[error("a transposed convolution with dilation is not supported")]
    DilatedTranspose,
    /// A transposed convolution that upsamples more than any network does.
    #[error(
        "a transposed convolution has a stride of {stride}; at most {MAX_TRANSPOSED_STRIDE} is supported"
    )]
    TransposedStride {
        /// The stride.
        stride: u32,
    },
    /// Zero, or beyond [`MAX_DIMENSION`].
    #[error("{name} is {value}, which is outside 1 to {MAX_DIMENSION}")]
    Dimension {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: u64,
    },
    /// Nothing is known of the layer but its name: times of it are measured, in traces or in cost tables.
    #[error(
        "the layer's dimensions are not known: only measured times say what it does, of a sample \
         trace or of a cost table"
    )]
    Opaque,
    /// More work or elements than [`MAX_LAYER_WORK`].
    #[error("the layer's {what} exceed {MAX_LAYER_WORK}")]
    TooLarge {
        /// Multiply-accumulates or elements.
        what: &'static str,
    },
}

fn why_not(transposed: bool, stride: u32) -> String {
    if transposed {
        format!("is not below the stride of {stride}")
    } else {
        "is one of a convolution that is not transposed".to_owned()
    }
}
