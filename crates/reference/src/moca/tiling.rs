//! Tiles of convolutions, which a core takes at once: the program's search for one.
//!
//! The whole share of the core is shrunk, one dimension after the other, until input and weights fit half of the
//! scratchpad and outputs half of the accumulator; then dimensions grow again while all of it still fits.

use std::ops::{Index, IndexMut};

use super::error::MocaError;
use super::layer::Convolution;
use super::numbers::{DIM, HALF_ACCUMULATOR_ROWS, HALF_SCRATCHPAD_ROWS, LONGEST_BLOCK, blocks, cdiv};

/// Steps after which the search is not going to end.
const MAX_STEPS: u32 = 2_000_000;

/// A dimension of a tile, in the order in which tables have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Batch,
    Rows,
    Cols,
    OutChannels,
    KernelRows,
    KernelCols,
    InChannels,
}
use Dimension::{Batch, Cols, InChannels, KernelCols, KernelRows, OutChannels, Rows};

/// A tile of pooled output, and the part of kernel and input channels that it is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile(pub [i64; 7]);

impl Index<Dimension> for Tile {
    type Output = i64;

    fn index(&self, dimension: Dimension) -> &i64 {
        &self.0[dimension as usize]
    }
}

impl IndexMut<Dimension> for Tile {
    fn index_mut(&mut self, dimension: Dimension) -> &mut i64 {
        &mut self.0[dimension as usize]
    }
}

/// Rows beyond the range do not fit either.
fn product(factors: [i64; 4]) -> i64 {
    factors.into_iter().fold(1, i64::saturating_mul)
}

/// Numbers of a convolution that decide its tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub stride: i64,
    pub dilation: i64,
    pub padding: i64,
    pub kernel: i64,
    pub in_channels: i64,
    /// Size and stride of the pooling window: 1 and 1 without pooling.
    pub pool: i64,
    pub pool_stride: i64,
}

impl Geometry {
    pub(super) fn of(layer: &Convolution) -> Self {
        let (pool, pool_stride) = match layer.pool_stride {
            0 => (1, 1),
            stride => (layer.pool_size, stride),
        };
        Self {
            stride: layer.stride.into(),
            dilation: layer.dilation.into(),
            padding: layer.padding.into(),
            kernel: layer.kernel.into(),
            in_channels: layer.in_channels.into(),
            pool: pool.into(),
            pool_stride: pool_stride.into(),
        }
    }

    /// Length of the output, before pooling, that `pooled` outputs are taken from.
    pub(super) fn unpooled(&self, pooled: i64) -> i64 {
        pooled * self.pool_stride + self.pool - 1
    }

    /// Length that a kernel of `taps` covers.
    pub(super) fn dilated(&self, taps: i64) -> i64 {
        taps + (self.dilation - 1) * (taps - 1)
    }

    /// Rows of the scratchpad that a tile takes: input, then weights.
    pub(super) fn scratchpad_rows(&self, tile: &Tile) -> i64 {
        let side = |pooled, taps| self.unpooled(tile[pooled]) * self.stride + self.dilated(tile[taps]) - 1;
        let input = [blocks(tile[InChannels]), tile[Batch], side(Rows, KernelRows), side(Cols, KernelCols)];
        let weights = [blocks(tile[OutChannels]), tile[KernelCols], tile[KernelRows], tile[InChannels]];
        product(input).saturating_add(product(weights))
    }

    /// Rows of the accumulator that a tile takes.
    pub(super) fn accumulator_rows(&self, tile: &Tile) -> i64 {
        product([
            blocks(tile[OutChannels]),
            tile[Batch],
            self.unpooled(tile[Rows]),
            self.unpooled(tile[Cols]),
        ])
    }

    fn fits(&self, tile: &Tile) -> bool {
        self.scratchpad_rows(tile) <= HALF_SCRATCHPAD_ROWS
            && self.accumulator_rows(tile) <= HALF_ACCUMULATOR_ROWS
    }

    /// The tile of a core whose whole share is `share`.
    ///
    /// # Errors
    /// A share for which the search does not end, or ends with a tile of nothing.
    pub(super) fn tile(&self, share: Tile) -> Result<Tile, MocaError> {
        let mut tile = share;
        let mut steps = 0;
        while !self.fits(&tile) {
            let before = tile;
            self.shrink(&mut tile, &share);
            steps += 1;
            if tile == before || steps == MAX_STEPS {
                return Err(MocaError::NoTile);
            }
        }
        self.grow(&mut tile, &share);
        if tile.0.iter().any(|length| *length < 1) { Err(MocaError::NoTile) } else { Ok(tile) }
    }

    fn shrink(&self, tile: &mut Tile, share: &Tile) {
        let Some((best, chosen)) = self.choice(tile) else { return };
        self.reduce(tile, best, chosen);
        if self.in_channels == 3 && self.padding == 0 && self.kernel == 3 {
            tile[Cols] /= cdiv(share[OutChannels], tile[OutChannels]);
            tile[OutChannels] = share[OutChannels];
        }
    }

    /// The dimension to shrink, and the value that was kept with it.
    fn choice(&self, tile: &Tile) -> Option<(i64, Dimension)> {
        let is_pooled = self.pool_stride > 1;
        let is_deep = ((is_pooled && tile[InChannels] >= DIM) || tile[InChannels] == LONGEST_BLOCK)
            && tile[OutChannels] <= LONGEST_BLOCK;
        let has_few_cols = tile[Cols] <= DIM;
        let mut noted = None;
        for dimension in [Batch, Cols, KernelRows, KernelCols, Rows, OutChannels, InChannels] {
            let value = tile[dimension];
            let is_channels = matches!(dimension, OutChannels | InChannels);
            if dimension == Batch && value > 1 {
                return Some((value, dimension));
            }
            if is_deep {
                let is_taken = match dimension {
                    Batch | OutChannels | InChannels => false,
                    Rows => {
                        let is_shallow =
                            tile[InChannels] <= LONGEST_BLOCK && tile[OutChannels] == LONGEST_BLOCK;
                        value > 1 && (has_few_cols || is_shallow)
                    }
                    Cols => value > DIM,
                    KernelRows | KernelCols => value > 1,
                };
                if is_taken {
                    return Some((value, dimension));
                }
                if is_channels && value > DIM && is_pooled {
                    noted = Some((value, dimension));
                }
                continue;
            }
            let is_skipped =
                (dimension == Cols && has_few_cols && tile[Rows] > 1) || (is_channels && value <= DIM);
            if !is_skipped && noted.is_none_or(|(best, _)| value > best) {
                noted = Some((value, dimension));
            }
        }
        noted
    }

    fn reduce(&self, tile: &mut Tile, best: i64, chosen: Dimension) {
        match chosen {
            OutChannels | InChannels => self.reduce_channels(tile, best, chosen),
            Cols if tile[Cols] % DIM != 0 => tile[Cols] = tile[Cols] / DIM * DIM,
            Cols => tile[Cols] -= DIM / self.pool_stride,
            KernelRows | KernelCols => tile[chosen] = 1,
            Batch | Rows => tile[chosen] -= 1,
        }
    }

    fn reduce_channels(&self, tile: &mut Tile, best: i64, chosen: Dimension) {
        let value = tile[chosen];
        if best > LONGEST_BLOCK || self.pool_stride > 1 {
            let reduced = if value > LONGEST_BLOCK && value % LONGEST_BLOCK != 0 {
                value / LONGEST_BLOCK * LONGEST_BLOCK
            } else if value % (2 * DIM) == 0 {
                value / 2
            } else {
                (value - 1) / DIM * DIM
            };
            tile[chosen] = reduced.max(1);
        } else if tile[KernelRows] > 1 {
            tile[KernelRows] = 1;
        } else if tile[KernelCols] > 1 {
            tile[KernelCols] -= 1;
        } else if tile[InChannels] < DIM {
            tile[chosen] /= 2;
        } else if tile[Rows] > 4 {
            tile[Rows] /= 2;
        } else if tile[Cols] > DIM {
            tile[Cols] = DIM;
        }
    }

    fn grow(&self, tile: &mut Tile, share: &Tile) {
        let mut has_grown = false;
        loop {
            let before = *tile;
            for dimension in [KernelCols, InChannels, KernelRows, OutChannels, Cols, Rows, Batch] {
                let mut grown = *tile;
                grown[dimension] += match dimension {
                    OutChannels | InChannels => tile[dimension],
                    Cols if tile[Cols] % DIM == 0 => DIM,
                    KernelRows | KernelCols if !has_grown => 2,
                    _ => 1,
                };
                if grown[dimension] <= share[dimension] && self.fits(&grown) {
                    *tile = grown;
                    has_grown = true;
                }
            }
            if *tile == before {
                return;
            }
        }
    }
}
