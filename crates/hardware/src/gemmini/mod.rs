//! The `gemmini` cost model: tiles with arrays that keep their weights, scratchpads and accumulators of their own, and a
//! cache and DRAM that they share, as the runtime of MoCA predicts them.
//!
//! A tile is an array of `dim x dim` 8-bit multiply-accumulators. A *row* is `dim` bytes. For each group of a nest, a
//! tile of the loop nest is searched that half of the scratchpad and half of the accumulator hold; the loops over such
//! tiles give the rows that are loaded, to which the output comes:
//!
//! ```text
//! compute = multiply-accumulates / dim^2 / tiles
//! rows    = loads of inputs, weights, bias + output rows
//! cache   = rows * dim / (tiles * tile_bandwidth)
//! dram    = (weights + output + bias [+ input] [+ what is read again]) * dim / dram_bandwidth
//! memory  = max(cache, dram), or dram + the rest of cache
//! total   = max(compute, memory) + overlap_factor * min(compute, memory)
//! ```
//!
//! Products of few rows or columns take as long as their loads. The input comes from DRAM if the cache does not hold the
//! layer; it is read again (of a product half of the weights) in each pass over outputs if the cache does not hold what
//! a pass uses. [`GemminiParameters`] has the choices. Each is documented in `docs/models/gemmini.md`.
//!
//! Other operators run on a [`crate::VectorUnit`] of all tiles, in turn, with their operands from DRAM and back: a
//! residual addition is the sum of both times.
//!
//! [`Mode::Reference`](crate::Mode::Reference) counts as the published program does: rows of a kernel's part by its offset,
//! a stride too many for each tile, whole tiles to the nearest. The table of predictions that it ships is reproduced in
//! that mode.
//!
//! Source: Kim et al., "MoCA: Memory-Centric, Adaptive Execution for Multi-Tenant Deep Neural Networks", HPCA 2023,
//! algorithm 1, and the artifact's library and tables (ucb-bar/gemmini-rocc-tests, branch MOCA). The arrays are those of
//! Genc et al., "Gemmini", DAC 2021.

mod convolution;
mod explain;
mod group;
mod model;
mod parameters;
mod product;
mod tiling;
mod volumes;

pub use model::Gemmini;
pub use parameters::{GemminiParameters, InputFrom, MemoryTime, Split, keys};

use rtmm_workload::input::Table;

use crate::cost_model::Decoded;
use crate::decode::Surroundings;

/// Reads tiles from an accelerator's table.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    Gemmini::new(parameters::read(table, &surroundings)?, surroundings).map(Gemmini::decoded)
}
