//! Rows that tiles move and cycles that their arrays take, for one group of a nest.
//!
//! A row is [`Memories::dim`] bytes. All numbers are of a *share*: the whole group, or the largest part of it that one of
//! several tiles computes. [`Whole`] says what memory beyond the tiles sees, and is of the whole group in either case.

use rtmm_workload::Nest;

use super::tiling::Axis::{Batch, Cols, InChannels, KernelCols, KernelRows, OutChannels, Rows};
use super::tiling::{Axis, ConvolutionTile, Memories, Window, product_tile, side};
use crate::cost::CostError;
use crate::decode::Mode;

/// A millionth of a cycle is the unit in which cycles are counted.
pub(super) const MILLIONTHS: u128 = 1_000_000;
/// Columns, in blocks, from which a product of few rows is divided by columns.
const WIDE_BLOCKS: u64 = 64;

/// Rows that are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loads {
    pub input: u64,
    pub weights: u64,
    pub bias: u64,
}

/// Passes over the outputs, with their number, and the operand that each reads again if the cache does not hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passes {
    /// The input of a convolution, for each group of output channels.
    OfInput(u64),
    /// Half of the weights of a product, for each group of rows.
    OfWeights(u64),
}

impl Passes {
    pub const fn count(self) -> u64 {
        match self {
            Self::OfInput(count) | Self::OfWeights(count) => count,
        }
    }
}

/// Rows of the tensors of a whole group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub input: u64,
    pub weights: u64,
    pub output: u64,
    /// Rows of bias for a block of output channels, all output tiles together.
    pub bias_of_a_block: u64,
    /// Input that a pass keeps in the cache.
    pub inner_input: u64,
    /// Weights that it keeps.
    pub inner_weights: u64,
    pub passes: Passes,
}

/// A group of a nest on the tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Volumes {
    /// Lengths of the tile: those of [`Axis`], or rows, columns and depth in blocks.
    pub tile: Vec<u64>,
    /// Tiles that follow each other.
    pub steps: u64,
    /// Shares that the group has, each counted as large as this one.
    pub sharers: u64,
    pub loads: Loads,
    /// Rows between tile and cache, outputs included.
    pub rows: u64,
    /// Array cycles, in millionths.
    pub compute: u128,
    pub whole: Whole,
}

/// The product of some counts of `what`.
fn count(what: &'static str, factors: &[u64]) -> Result<u64, CostError> {
    let product = factors.iter().try_fold(1_u64, |product, factor| product.checked_mul(*factor));
    product.ok_or(CostError::Overflow { what })
}

/// The sum of some counts of `what`.
fn total(what: &'static str, terms: &[u64]) -> Result<u64, CostError> {
    let sum = terms.iter().try_fold(0_u64, |sum, term| sum.checked_add(*term));
    sum.ok_or(CostError::Overflow { what })
}

/// The sum of `value` over the pieces into which `step` cuts `length`; the last may be shorter.
fn over(length: u64, step: u64, value: impl Fn(u64) -> u64) -> u64 {
    let (whole, rest) = (length / step, length % step);
    let last = if rest > 0 { value(rest) } else { 0 };
    whole.saturating_mul(value(step)).saturating_add(last)
}

/// Rows of bias, four bytes for each of `length` output channels.
fn bias_rows(memories: &Memories, length: u64) -> u64 {
    (4 * length).div_ceil(length.min(memories.dim))
}

/// `length / step` to the nearest, halves up, at least 1: how the runtime counts tiles.
const fn rounded_tiles(length: u64, step: u64) -> u64 {
    let (quotient, rest) = (length / step, length % step);
    if quotient == 0 { 1 } else { quotient + (2 * rest >= step) as u64 }
}

/// The volumes of a group of `nest`, of which one of `tiles` equal shares is computed here; one share is all of it.
///
/// # Errors
/// [`CostError`] where the group's numbers leave 64 bits, or not even the smallest tile fits.
pub(super) fn of_group(
    nest: &Nest,
    tiles: u64,
    memories: &Memories,
    mode: Mode,
) -> Result<Volumes, CostError> {
    let is_product = nest.filter == [1, 1] && nest.stride == [1, 1] && nest.padding == [0, 0];
    if is_product {
        Product::of(nest)?.volumes(tiles, memories, mode)
    } else {
        Convolution::of(nest, memories, mode).volumes(tiles)
    }
}

/// A convolution with a kernel or a stride.
struct Convolution<'m> {
    memories: &'m Memories,
    window: Window,
    input: [u64; 2],
    /// All of it: one tile of everything.
    lengths: ConvolutionTile,
}

impl<'m> Convolution<'m> {
    fn of(nest: &Nest, memories: &'m Memories, mode: Mode) -> Self {
        let wide = |pair: [u32; 2]| pair.map(u64::from);
        let window = Window {
            kernel: wide(nest.filter),
            stride: wide(nest.stride),
            dilation: wide(nest.dilation),
            padding: wide(nest.padding),
            in_channels: nest.input_channels.into(),
            mode,
        };
        let [rows, cols] = wide(nest.output);
        let ([kernel_rows, kernel_cols], in_channels) = (window.kernel, window.in_channels);
        let lengths = [
            nest.batch.into(),
            rows,
            cols,
            nest.output_channels.into(),
            kernel_rows,
            kernel_cols,
            in_channels,
        ];
        Self { memories, window, input: wide(nest.input), lengths: ConvolutionTile(lengths) }
    }

    /// The share of one tile, and true if it has a part of the rows rather than of the output channels; and their number.
    fn share(&self, tiles: u64) -> (ConvolutionTile, bool, u64) {
        let mut share = self.lengths;
        let rows = share.get(Rows);
        let overlaps_little = self.window.dilation[0] <= 2 && rows.is_multiple_of(tiles);
        let by_rows = tiles > 1 && (self.window.padding == [0, 0] || overlaps_little);
        let axis = if by_rows { Rows } else { OutChannels };
        share.0[axis as usize] = share.get(axis).div_ceil(tiles);
        (share, by_rows, self.lengths.get(axis).div_ceil(share.get(axis)))
    }

    fn volumes(&self, tiles: u64) -> Result<Volumes, CostError> {
        let (share, by_rows, sharers) = self.share(tiles);
        let memories = self.memories;
        let tile = self.window.tile(memories, share).map_err(|tile| self.no_tile(&tile))?;
        let loads = self.loads(&share, &tile, by_rows)?;
        let output = self.output_rows(&share)?;
        let (steps, loaded) = match self.window.mode {
            Mode::Corrected => {
                let counts: Vec<u64> =
                    share.0.iter().zip(tile.0).map(|(whole, step)| whole.div_ceil(step)).collect();
                (count("tiles", &counts)?, loads.total()?)
            }
            Mode::Reference => {
                let counts: Vec<u64> =
                    share.0.iter().zip(tile.0).map(|(whole, step)| rounded_tiles(*whole, step)).collect();
                let steps = count("tiles", &counts)?;
                (steps, loads.total()? / steps * steps)
            }
        };
        Ok(Volumes {
            tile: tile.0.to_vec(),
            steps,
            sharers,
            loads,
            rows: total("rows", &[loaded, output])?,
            compute: self.compute(&share)?,
            whole: self.whole(&tile)?,
        })
    }

    fn no_tile(&self, tile: &ConvolutionTile) -> CostError {
        let (held, dim) = (self.window.held(self.memories, tile), self.memories.dim);
        let bytes = |rows: u64| rows.saturating_mul(dim);
        CostError::BufferTooSmall {
            buffer: "scratchpad",
            capacity: bytes(2 * self.memories.scratchpad_rows),
            demand: bytes(held.input.saturating_add(held.weights)).saturating_mul(2),
            input: bytes(held.input),
            weight: bytes(held.weights),
            output: 0,
            copies: 2,
        }
    }

    fn output_rows(&self, share: &ConvolutionTile) -> Result<u64, CostError> {
        let out_blocks = self.memories.blocks(share.get(OutChannels));
        count("outputs", &[out_blocks, share.get(Rows), share.get(Cols), share.get(Batch)])
    }

    /// Rows that a share loads. Tiles of the loop over all seven axes differ in length alone, so that sums are products
    /// of one factor for each axis.
    fn loads(
        &self,
        share: &ConvolutionTile,
        tile: &ConvolutionTile,
        by_rows: bool,
    ) -> Result<Loads, CostError> {
        let memories = self.memories;
        let pieces = |axis: Axis| over(share.get(axis), tile.get(axis), |_| 1);
        let channel_blocks =
            over(share.get(InChannels), tile.get(InChannels), |length| memories.blocks(length));
        let reach = |direction: usize, outputs: Axis, taps: Axis| {
            over(share.get(outputs), tile.get(outputs), |outputs| {
                over(share.get(taps), tile.get(taps), |taps| self.loaded(direction, outputs, taps))
            })
        };
        let input_rows = match self.window.mode {
            Mode::Reference if !by_rows => self.offset_rows(share, tile)?,
            _ => reach(0, Rows, KernelRows),
        };
        let input_cols = reach(1, Cols, KernelCols);
        let [batch, out_channels] = [Batch, OutChannels].map(|axis| share.get(axis));
        Ok(Loads {
            input: count("inputs", &[pieces(OutChannels), batch, input_rows, input_cols, channel_blocks])?,
            weights: count(
                "weights",
                &[
                    out_channels,
                    pieces(Batch),
                    pieces(Rows),
                    pieces(Cols),
                    share.get(KernelRows),
                    share.get(KernelCols),
                    channel_blocks,
                ],
            )?,
            bias: count(
                "bias",
                &[
                    batch,
                    share.get(Rows),
                    over(share.get(Cols), tile.get(Cols), |cols| memories.blocks(cols)),
                    over(out_channels, tile.get(OutChannels), |channels| bias_rows(memories, channels)),
                ],
            )?,
        })
    }

    /// Input rows or columns that a tile loads.
    fn loaded(&self, direction: usize, outputs: u64, taps: u64) -> u64 {
        let covered = self.window.covered(direction, outputs, taps);
        match self.window.mode {
            // What lies outside of the input is not loaded.
            Mode::Corrected => covered.min(self.input[direction]),
            Mode::Reference => covered,
        }
    }

    /// Input rows of all tiles as the runtime counts them where rows are not divided: by the offset of the kernel, not by
    /// its extent.
    fn offset_rows(&self, share: &ConvolutionTile, tile: &ConvolutionTile) -> Result<u64, CostError> {
        let Window { stride: [stride, _], dilation: [dilation, _], padding: [padding, _], .. } = self.window;
        let (taps, step) = (share.get(KernelRows), tile.get(KernelRows));
        let (row_pieces, tap_pieces) = (share.get(Rows).div_ceil(tile.get(Rows)), taps.div_ceil(step));
        let [stride, dilation, padding, rows, row_pieces, tap_pieces, step] =
            [stride, dilation, padding, share.get(Rows), row_pieces, tap_pieces, step].map(i128::from);
        let offsets = dilation * step * (tap_pieces * (tap_pieces - 1) / 2) - padding * tap_pieces;
        let sum = rows * stride * tap_pieces + row_pieces * offsets;
        u64::try_from(sum.max(0)).map_err(|_| CostError::Overflow { what: "inputs" })
    }

    /// Array cycles of a share.
    fn compute(&self, share: &ConvolutionTile) -> Result<u128, CostError> {
        let [outputs, inputs] = [OutChannels, InChannels].map(|axis| share.get(axis));
        let taps = [Batch, Rows, Cols, KernelRows, KernelCols].map(|axis| share.get(axis));
        array_cycles(self.memories, self.window.mode, count("cycles", &taps)?, inputs, outputs)
    }

    fn whole(&self, tile: &ConvolutionTile) -> Result<Whole, CostError> {
        let (memories, all) = (self.memories, &self.lengths);
        let in_channels = all.get(InChannels);
        let [height, width] = self.input;
        let taps = count("weights", &[all.get(KernelRows), all.get(KernelCols), in_channels])?;
        let input = count("inputs", &[memories.blocks(in_channels), height, width, all.get(Batch)])?;
        let of_outputs = |axis: Axis| all.get(axis).div_ceil(tile.get(axis));
        Ok(Whole {
            input,
            weights: count("weights", &[taps, memories.blocks(all.get(OutChannels))])?,
            output: self.output_rows(all)?,
            bias_of_a_block: count("bias", &[4, of_outputs(Batch), of_outputs(Rows), of_outputs(Cols)])?,
            inner_input: input,
            inner_weights: count("weights", &[taps, memories.blocks(tile.get(OutChannels))])?,
            passes: Passes::OfInput(of_outputs(OutChannels)),
        })
    }
}

impl Loads {
    fn total(&self) -> Result<u64, CostError> {
        total("rows", &[self.input, self.weights, self.bias])
    }
}

/// Cycles of the array, in millionths: `each` products of `inputs` by `inputs x outputs`.
fn array_cycles(
    memories: &Memories,
    mode: Mode,
    each: u64,
    inputs: u64,
    outputs: u64,
) -> Result<u128, CostError> {
    let dim = memories.dim;
    let overflow = CostError::Overflow { what: "cycles" };
    let times = |factors: [u64; 3]| {
        let product = factors.into_iter().try_fold(1_u128, |product, one| product.checked_mul(one.into()));
        product.filter(|product| *product < u128::MAX / MILLIONTHS)
    };
    match mode {
        Mode::Corrected => {
            // A block of the array that channels do not fill takes as long.
            let macs = times([each, inputs.max(dim), outputs.max(dim)]).ok_or(overflow)?;
            Ok(macs * MILLIONTHS / u128::from(dim * dim))
        }
        Mode::Reference => {
            let macs = times([each, inputs, outputs]).ok_or(overflow)?;
            let cycles = macs / u128::from(dim * dim);
            let cycles =
                if inputs < dim { cycles * u128::from(dim) / u128::from(inputs.max(1)) } else { cycles };
            Ok(cycles * MILLIONTHS)
        }
    }
}

/// A product of `rows x depth` by `depth x cols`.
#[derive(Clone, Copy, Debug)]
struct Product {
    rows: u64,
    cols: u64,
    depth: u64,
}

impl Product {
    fn of(nest: &Nest) -> Result<Self, CostError> {
        let [height, width] = nest.output.map(u64::from);
        Ok(Self {
            rows: count("rows", &[nest.batch.into(), height, width])?,
            cols: nest.output_channels.into(),
            depth: nest.input_channels.into(),
        })
    }

    /// The share of one tile, and the number of shares.
    fn share(self, tiles: u64, memories: &Memories) -> (Self, u64) {
        let Self { rows, cols, .. } = self;
        let dim = memories.dim;
        let is_flat = rows <= dim && cols >= WIDE_BLOCKS * dim;
        let divides_rows = rows.is_multiple_of(tiles) && !is_flat;
        let has_few_cols = cols < 2 * dim * tiles || rows > dim / 2 * tiles;
        if tiles > 1 && (divides_rows || has_few_cols) {
            let part = rows.div_ceil(tiles);
            (Self { rows: part, ..self }, rows.div_ceil(part))
        } else {
            let part = cols.div_ceil(tiles);
            (Self { cols: part, ..self }, cols.div_ceil(part))
        }
    }

    fn volumes(self, tiles: u64, memories: &Memories, mode: Mode) -> Result<Volumes, CostError> {
        let (share, sharers) = self.share(tiles, memories);
        let tile = product_tile(memories, [share.rows, share.cols, share.depth]);
        // Nothing of a matrix of few rows or columns is read twice, and its loads take longer than its products.
        let is_thin = self.rows.min(self.cols) <= memories.dim;
        let loads = if is_thin { share.thin_loads(memories)? } else { share.loads(tile, memories)? };
        let loaded = loads.total()?;
        let blocks = [share.rows, share.cols, share.depth].map(|length| memories.blocks(length));
        let counts: Vec<u64> = blocks.iter().zip(tile).map(|(whole, step)| whole.div_ceil(step)).collect();
        let steps = count("tiles", &counts)?;
        let counted = match mode {
            Mode::Corrected => loaded,
            Mode::Reference => loaded / steps * steps,
        };
        let compute = if is_thin {
            u128::from(loaded) * MILLIONTHS
        } else {
            array_cycles(memories, mode, share.rows, share.depth, share.cols)?
        };
        let output = count("outputs", &[share.rows, memories.blocks(share.cols)])?;
        Ok(Volumes {
            tile: tile.to_vec(),
            steps,
            sharers,
            loads,
            rows: total("rows", &[counted, output])?,
            compute,
            whole: self.whole(memories)?,
        })
    }

    fn thin_loads(self, memories: &Memories) -> Result<Loads, CostError> {
        let Self { rows, cols, depth } = self;
        Ok(Loads {
            input: count("inputs", &[rows, memories.blocks(depth)])?,
            weights: count("weights", &[depth, memories.blocks(cols)])?,
            bias: count("bias", &[4, rows, memories.blocks(cols)])?,
        })
    }

    fn loads(self, tile: [u64; 3], memories: &Memories) -> Result<Loads, CostError> {
        let Self { rows, cols, depth } = self;
        let [of_rows, of_cols, of_depth] = tile.map(|blocks| blocks.saturating_mul(memories.dim));
        let blocks = |length: u64| memories.blocks(length);
        Ok(Loads {
            input: count("inputs", &[cols.div_ceil(of_cols), rows, over(depth, of_depth, blocks)])?,
            weights: count("weights", &[rows.div_ceil(of_rows), over(cols, of_cols, blocks), depth])?,
            bias: count(
                "bias",
                &[
                    over(cols, of_cols, |length| bias_rows(memories, length)),
                    over(rows, of_rows, |length| memories.blocks(length)),
                ],
            )?,
        })
    }

    fn whole(self, memories: &Memories) -> Result<Whole, CostError> {
        let Self { rows, cols, depth } = self;
        let tile_rows = memories.dim * memories.blocks(rows).min(side(memories));
        let (depth_blocks, col_blocks) = (memories.blocks(depth), memories.blocks(cols));
        let (weights, outer) = (count("weights", &[depth, col_blocks])?, rows.div_ceil(tile_rows));
        Ok(Whole {
            input: count("inputs", &[rows, depth_blocks])?,
            weights,
            output: count("outputs", &[rows, col_blocks])?,
            bias_of_a_block: count("bias", &[4, outer])?,
            inner_input: count("inputs", &[tile_rows, depth_blocks])?,
            inner_weights: weights,
            passes: Passes::OfWeights(outer),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_summed_with_a_shorter_last_one() {
        assert_eq!(over(10, 4, |length| length * length), 16 + 16 + 4);
        assert_eq!(over(8, 4, |_| 1), 2);
        assert_eq!(over(3, 4, |length| length), 3);
    }

    #[test]
    fn the_runtime_counts_tiles_to_the_nearest() {
        assert_eq!([7, 8, 11, 12, 13].map(|length| rounded_tiles(length, 8)), [1, 1, 1, 2, 2]);
    }
}
