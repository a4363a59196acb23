//! Kernels, which hardware executes: loop nests of multiply-accumulates, and vector operations.
//!
//! A layer lowers to a short list of kernels ([`crate::Layer::kernels`]); cost models know
//! kernels only, so that an operator added later needs no change in any of them.

use crate::shape_error::{MAX_LAYER_WORK, ShapeError};
use crate::window::Windows;

/// A perfect nest of loops around one multiply-accumulate:
///
/// ```text
/// for n in batch, g in groups, k in output_channels, c in input_channels,
///     y in output[0], x in output[1], r in filter[0], s in filter[1]:
///   out[n][g][k][y][x] += weight[g][k][c][r][s]
///                         * in[n][g][c][y*stride[0] + r*dilation[0] - padding[0]][..]
/// ```
///
/// Pairs are vertical, then horizontal. Taps outside the input's extents read zeros: `padding` is
/// what precedes the input; what follows it is whatever the last window needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nest {
    /// Independent inputs that share the weights.
    pub batch: u32,
    /// Independent groups of channels.
    pub groups: u32,
    /// Output channels of a group.
    pub output_channels: u32,
    /// Input channels of a group.
    pub input_channels: u32,
    /// Extents of the output plane.
    pub output: [u32; 2],
    /// Filter extents.
    pub filter: [u32; 2],
    /// Stride.
    pub stride: [u32; 2],
    /// Dilation.
    pub dilation: [u32; 2],
    /// Zeros before the first row and column of the input.
    pub padding: [u32; 2],
    /// Extents of the input plane.
    pub input: [u32; 2],
}

/// Work that is no multiply-accumulate nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VectorWork {
    /// Elements read.
    pub elements_in: u64,
    /// Elements written.
    pub elements_out: u64,
    /// Scalar operations.
    pub operations: u64,
}

impl VectorWork {
    /// True if this only renames data, such as a concatenation of neighbours: nothing runs, nothing
    /// moves.
    #[must_use]
    pub const fn moves_nothing(&self) -> bool {
        self.operations == 0 && self.elements_in == 0
    }
}

/// One piece of work for hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Multiply-accumulates.
    Nest(Nest),
    /// Anything else.
    Vector(VectorWork),
}

/// A kernel that runs several times in sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repeated {
    /// The kernel.
    pub kernel: Kernel,
    /// Number of times that it runs.
    pub times: u32,
}

impl Repeated {
    pub(crate) const fn once(kernel: Kernel) -> Self {
        Self { kernel, times: 1 }
    }
}

impl Nest {
    /// `groups` products of `rows` x `inner` by `inner` x `columns`.
    #[must_use]
    pub const fn gemm(groups: u32, rows: u32, inner: u32, columns: u32) -> Self {
        Self {
            batch: 1,
            groups,
            output_channels: columns,
            input_channels: inner,
            output: [rows, 1],
            filter: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            padding: [0, 0],
            input: [rows, 1],
        }
    }

    /// Multiply-accumulates; taps on padding count.
    #[must_use]
    pub fn macs(&self) -> u64 {
        [
            self.batch,
            self.groups,
            self.output_channels,
            self.input_channels,
            self.output[0],
            self.output[1],
            self.filter[0],
            self.filter[1],
        ]
        .iter()
        .fold(1, |product: u64, &extent| product.saturating_mul(extent.into()))
    }

    /// Weights.
    #[must_use]
    pub fn weight_elements(&self) -> u64 {
        [self.groups, self.output_channels, self.input_channels, self.filter[0], self.filter[1]]
            .iter()
            .fold(1, |product: u64, &extent| product.saturating_mul(extent.into()))
    }

    /// Elements of the input tensor.
    #[must_use]
    pub fn input_elements(&self) -> u64 {
        [self.batch, self.groups, self.input_channels, self.input[0], self.input[1]]
            .iter()
            .fold(1, |product: u64, &extent| product.saturating_mul(extent.into()))
    }

    /// Rows (axis 0) or columns (1) of the input that some tap of some output touches.
    #[must_use]
    pub fn touched(&self, axis: usize) -> u64 {
        let [outputs, taps, stride, dilation, padding, input] =
            [self.output, self.filter, self.stride, self.dilation, self.padding, self.input]
                .map(|pair| u64::from(pair[axis]));
        Windows { outputs, taps, stride, dilation, padding, input }.touched()
    }

    /// Elements of one group's input that are touched: those between the taps of a dilated filter, and between the windows
    /// of a large stride, are not; saturating.
    #[must_use]
    pub fn touched_input(&self) -> u64 {
        self.touched(0)
            .saturating_mul(self.touched(1))
            .saturating_mul(self.batch.into())
            .saturating_mul(self.input_channels.into())
    }

    /// Elements of the output tensor.
    #[must_use]
    pub fn output_elements(&self) -> u64 {
        [self.batch, self.groups, self.output_channels, self.output[0], self.output[1]]
            .iter()
            .fold(1, |product: u64, &extent| product.saturating_mul(extent.into()))
    }
}

impl Kernel {
    /// The nest, if it is one.
    #[must_use]
    pub const fn nest(&self) -> Option<&Nest> {
        match self {
            Self::Nest(nest) => Some(nest),
            Self::Vector(_) => None,
        }
    }

    /// Multiply-accumulates, zero for vector work.
    #[must_use]
    pub fn macs(&self) -> u64 {
        match self {
            Self::Nest(nest) => nest.macs(),
            Self::Vector(_) => 0,
        }
    }
}

/// Refuses kernels whose sums are beyond [`MAX_LAYER_WORK`]: what a layer does stays far from the
/// ends of 64 bits, however many kernels it has.
pub(crate) fn check_totals(kernels: &[Repeated]) -> Result<(), ShapeError> {
    let within = |what, amount: &dyn Fn(&Kernel) -> u64| {
        let total = kernels
            .iter()
            .try_fold(0_u64, |sum, one| sum.checked_add(amount(&one.kernel).checked_mul(one.times.into())?));
        match total {
            Some(total) if total <= MAX_LAYER_WORK => Ok(()),
            _ => Err(ShapeError::TooLarge { what }),
        }
    };
    within("multiply-accumulates", &Kernel::macs)?;
    within("weights", &|kernel| kernel.nest().map_or(0, Nest::weight_elements))?;
    within("input elements", &|kernel| match kernel {
        Kernel::Nest(nest) => nest.input_elements(),
        Kernel::Vector(work) => work.elements_in,
    })?;
    within("output elements", &|kernel| match kernel {
        Kernel::Nest(nest) => nest.output_elements(),
        Kernel::Vector(work) => work.elements_out,
    })?;
    within("operations", &|kernel| match kernel {
        Kernel::Nest(_) => 0,
        Kernel::Vector(work) => work.operations,
    })
}
