//! Convolutions on tiles: shares, rows loaded by the loop over tiles, tensors of the whole group.

use rtmm_workload::Nest;

use super::tiling::Axis::{Batch, Cols, InChannels, KernelCols, KernelRows, OutChannels, Rows};
use super::tiling::{Axis, ConvolutionTile, Memories, Window};
use super::volumes::{
    Loads, Passes, Volumes, Whole, array_cycles, bias_rows, count, over, rounded_tiles, total,
};
use crate::cost::CostError;
use crate::decode::Mode;

/// A convolution with a kernel or a stride.
pub(super) struct Convolution<'m> {
    memories: &'m Memories,
    window: Window,
    input: [u64; 2],
    /// All of it: one tile of everything.
    lengths: ConvolutionTile,
}

impl<'m> Convolution<'m> {
    pub fn of(nest: &Nest, memories: &'m Memories, mode: Mode) -> Self {
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

    pub fn volumes(&self, tiles: u64) -> Result<Volumes, CostError> {
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
