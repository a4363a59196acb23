//! Layers as the program has them, and how one is split over cores.

use std::ops::RangeInclusive;

use super::error::MocaError;

/// Cores of the system-on-chip.
pub const CORES: u32 = 8;
/// Lengths, channels and batches of convolutions and poolings.
pub const DIMENSIONS: RangeInclusive<u32> = 1..=65_535;
/// Kernels, strides, dilations and pooling windows.
pub const WINDOWS: RangeInclusive<u32> = 1..=255;
/// Paddings, and pooling strides of convolutions (0: no pooling).
pub const PADDINGS: RangeInclusive<u32> = 0..=255;
/// Rows and columns of matrices.
pub const MATRIX_DIMENSIONS: RangeInclusive<u32> = 1..=1_000_000;

/// A convolution of square images, with the pooling that follows in the same call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Images.
    pub batch: u32,
    /// Rows of the input, and columns.
    pub in_dim: u32,
    /// Channels of the input.
    pub in_channels: u32,
    /// Channels of the output.
    pub out_channels: u32,
    /// Rows of the output before pooling, and columns.
    pub out_dim: u32,
    /// Stride.
    pub stride: u32,
    /// Distance of the taps of the kernel.
    pub dilation: u32,
    /// Padding at each side.
    pub padding: u32,
    /// Rows of the kernel, and columns.
    pub kernel: u32,
    /// Size of the pooling window; 1 without pooling.
    pub pool_size: u32,
    /// Stride of the pooling window; 0 stands for no pooling, whatever its size.
    pub pool_stride: u32,
    /// Padding of the pooling window.
    pub pool_padding: u32,
    /// Rounding up: a window that is cut off by the border counts.
    pub pool_ceil: bool,
}

/// The product of a matrix of `i` x `k` by one of `k` x `j`: fully connected layers and 1 x 1 convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Rows of the output.
    pub i: u32,
    /// Columns of the output.
    pub j: u32,
    /// Columns of the left matrix.
    pub k: u32,
}

/// The sum of two matrices of `i` x `j`, as residual connections make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Rows.
    pub i: u32,
    /// Columns.
    pub j: u32,
}

/// A pooling that is a call of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Images.
    pub batch: u32,
    /// Rows of the input, and columns.
    pub in_dim: u32,
    /// Channels.
    pub channels: u32,
    /// Rows of the output, and columns.
    pub out_dim: u32,
    /// Size of the window.
    pub size: u32,
    /// Stride of the window.
    pub stride: u32,
    /// Padding of the window.
    pub padding: u32,
}

/// A layer of a net: one call of the program's library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// A convolution.
    Convolution(Convolution),
    /// A matrix product.
    Product(Product),
    /// A residual addition.
    Addition(Addition),
    /// A pooling.
    Pooling(Pooling),
}

/// Split of a call over cores, and the core that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Cores that share rows, channels or columns.
    pub tiles: u32,
    /// Cores that share the images of a batch.
    pub batch_divide: u32,
    /// The core; 0 leads.
    pub tile_index: u32,
}

impl Split {
    /// A layer on one core.
    pub const WHOLE: Self = Self { tiles: 1, batch_divide: 1, tile_index: 0 };

    /// True of the leader: it alone publishes the demand of its group.
    #[must_use]
    pub fn is_leader(self) -> bool {
        self.tile_index == 0
    }

    /// The number by which the program divides traffic: the larger of both, or their sum if both split.
    pub(super) fn sharers(self) -> i64 {
        let (tiles, batch_divide) = (i64::from(self.tiles), i64::from(self.batch_divide));
        if tiles > 1 && batch_divide > 1 { tiles + batch_divide } else { tiles.max(batch_divide) }
    }

    fn check(self) -> Result<(), MocaError> {
        within("tiles", self.tiles, &(1..=CORES))?;
        within("batch_divide", self.batch_divide, &(1..=CORES / self.tiles))?;
        within("tile_index", self.tile_index, &(0..=self.tiles * self.batch_divide - 1))
    }
}

pub(super) fn within(name: &'static str, value: u32, allowed: &RangeInclusive<u32>) -> Result<(), MocaError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let (least, most) = ((*allowed.start()).into(), (*allowed.end()).into());
    Err(MocaError::OutOfRange { name, value: value.into(), least, most })
}

impl Layer {
    /// The name of the kind in tables.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Convolution(_) => "conv",
            Self::Product(_) => "fc",
            Self::Addition(_) => "resadd",
            Self::Pooling(_) => "pool",
        }
    }

    /// Refuses numbers that no estimate can be computed for.
    pub(super) fn check(&self, split: Split) -> Result<(), MocaError> {
        split.check()?;
        let numbers: &[(&'static str, u32, RangeInclusive<u32>)] = &match *self {
            Self::Convolution(layer) => vec![
                ("batch", layer.batch, DIMENSIONS),
                ("in_dim", layer.in_dim, DIMENSIONS),
                ("in_channels", layer.in_channels, DIMENSIONS),
                ("out_channels", layer.out_channels, DIMENSIONS),
                ("out_dim", layer.out_dim, DIMENSIONS),
                ("stride", layer.stride, WINDOWS),
                ("dilation", layer.dilation, WINDOWS),
                ("padding", layer.padding, PADDINGS),
                ("kernel", layer.kernel, WINDOWS),
                ("pool_size", layer.pool_size, WINDOWS),
                ("pool_stride", layer.pool_stride, PADDINGS),
                ("pool_padding", layer.pool_padding, PADDINGS),
            ],
            Self::Product(layer) => vec![
                ("dim_i", layer.i, MATRIX_DIMENSIONS),
                ("dim_j", layer.j, MATRIX_DIMENSIONS),
                ("dim_k", layer.k, MATRIX_DIMENSIONS),
            ],
            Self::Addition(layer) => {
                vec![("dim_i", layer.i, MATRIX_DIMENSIONS), ("dim_j", layer.j, MATRIX_DIMENSIONS)]
            }
            Self::Pooling(layer) => vec![
                ("batch", layer.batch, DIMENSIONS),
                ("in_dim", layer.in_dim, DIMENSIONS),
                ("in_channels", layer.channels, DIMENSIONS),
                ("out_dim", layer.out_dim, DIMENSIONS),
                ("pool_size", layer.size, WINDOWS),
                ("pool_stride", layer.stride, WINDOWS),
                ("pool_padding", layer.padding, PADDINGS),
            ],
        };
        numbers.iter().try_for_each(|(name, value, allowed)| within(name, *value, allowed))
    }
}
