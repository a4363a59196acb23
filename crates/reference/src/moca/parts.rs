//! Parts of an estimate, and the arithmetic that all kinds of layers share.

use super::layer::Split;
use super::numbers::mix;

/// The program's estimate of one layer on one core. Rows have 16 bytes; one row a cycle comes from DRAM.
///
/// Numbers that the program does not compute for a kind of layer are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Sizes of the tile. Of a convolution: images, rows and columns of pooled output, output channels, rows and columns
    /// of the kernel, input channels. Of a product, in blocks of 16: rows, columns, depth; then rows, columns and depth of
    /// the core, and 1 where rows are split. Of an addition: rows, columns. Of a pooling: images, rows, columns, channels.
    pub tile: Vec<i64>,
    /// Tiles of this core, by rounded divisions.
    pub inner_tiles_raw: i64,
    /// The same, corrected by how full scratchpad and accumulator are.
    pub inner_tiles: i64,
    /// Rows of input that are loaded; of additions and poolings, all rows.
    pub load_a: i64,
    /// Rows of weights that are loaded.
    pub load_b: Option<i64>,
    /// Rows of bias that are loaded.
    pub load_d: Option<i64>,
    /// Rows between core and shared cache, outputs included.
    pub total_mem: Option<i64>,
    /// Rows that come from DRAM or go there, for all cores.
    pub from_dram: Option<i64>,
    /// Cycles of the array.
    pub compute: Option<u64>,
    /// Cycles of memory.
    pub mem: Option<u64>,
    /// Cycles of the layer.
    pub prediction: u64,
    /// Demand of the layer: rows from DRAM in 100 cycles.
    pub bw_percent: Option<u64>,
    /// Parts that the offline script makes its table of.
    pub terms: Option<Terms>,
}

impl Estimate {
    /// Rows that the core loads in all.
    #[must_use]
    pub fn loads(&self) -> i64 {
        self.load_a + self.load_b.unwrap_or(0) + self.load_d.unwrap_or(0)
    }
}

/// Parts of an estimate that the offline script reads: of the whole layer, in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Input.
    pub input: i64,
    /// Weights.
    pub weights: i64,
    /// Output.
    pub output: i64,
    /// Bias that comes from DRAM.
    pub bias: i64,
    /// Input that one pass over the output keeps in the cache.
    pub inner_input: i64,
    /// Weights that it keeps.
    pub inner_weights: i64,
    /// Passes, in each of which the input, or half of the weights, is read again.
    pub passes: Passes,
}

/// Passes over the output, with their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// The input of a convolution, for each group of output channels.
    OutputChannels(i64),
    /// The weights of a matrix product, for each group of rows.
    Rows(i64),
}

impl Passes {
    /// Their number.
    #[must_use]
    pub const fn count(self) -> i64 {
        match self {
            Self::OutputChannels(count) | Self::Rows(count) => count,
        }
    }
}

/// Cycles of memory, and of the whole layer.
pub(super) fn cycles(total_mem: i64, from_dram: i64, compute: u64, split: Split) -> (u64, u64) {
    // What a core loads itself may be less than its part of what comes from DRAM, never less by more than all of it.
    let mem = (from_dram + (total_mem - from_dram / split.sharers())).max(0).unsigned_abs();
    (mem, mix(mem, compute))
}

/// Rows from DRAM in 100 cycles.
pub(super) fn percent(from_dram: i64, prediction: u64) -> u64 {
    (100 * from_dram.unsigned_abs()).checked_div(prediction).unwrap_or(u64::MAX)
}
