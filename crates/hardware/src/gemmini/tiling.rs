//! Tiles of convolutions and of matrix products: what scratchpad and accumulator of a tile hold at a time.
//!
//! Half of each memory is filled while the other half is worked on. Both searches are those of MoCA's runtime: a
//! convolution starts from the whole share, is shrunk one axis after the other until it fits, and grows again while it
//! fits; a product starts from a square of outputs and grows. Where the rules of the runtime have no axis to shrink, the
//! longest is halved here, so that every layer ends with a tile.

use crate::decode::Mode;

/// Memories of a tile, and the array between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memories {
    /// Rows and columns of the array, and elements of a row of the scratchpad.
    pub dim: u64,
    /// Rows of half a scratchpad.
    pub scratchpad_rows: u64,
    /// Rows of half an accumulator.
    pub accumulator_rows: u64,
}

impl Memories {
    /// Rows of [`Memories::dim`] that hold `elements`.
    pub fn blocks(&self, elements: u64) -> u64 {
        elements.div_ceil(self.dim.max(1))
    }

    /// Elements of the longest block that the array takes in one go.
    fn longest_block(&self) -> u64 {
        4 * self.dim
    }
}

/// An axis of a convolution's tile, in the order in which tables have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Batch,
    Rows,
    Cols,
    OutChannels,
    KernelRows,
    KernelCols,
    InChannels,
}
use Axis::{Batch, Cols, InChannels, KernelCols, KernelRows, OutChannels, Rows};

/// Outputs, and the part of kernel and input channels that they are computed from. Lengths are above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConvolutionTile(pub [u64; 7]);

impl ConvolutionTile {
    pub const fn get(&self, axis: Axis) -> u64 {
        self.0[axis as usize]
    }

    const fn set(&mut self, axis: Axis, length: u64) {
        self.0[axis as usize] = length;
    }

    const fn with(mut self, axis: Axis, length: u64) -> Self {
        self.set(axis, length);
        self
    }
}

/// Rows that a tile takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub input: u64,
    pub weights: u64,
    pub outputs: u64,
}

/// Movement of a kernel over its input: rows, then columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub kernel: [u64; 2],
    pub stride: [u64; 2],
    pub dilation: [u64; 2],
    pub padding: [u64; 2],
    pub in_channels: u64,
    pub mode: Mode,
}

/// A product beyond 64 bits fits nowhere either.
fn product(factors: [u64; 4]) -> u64 {
    factors.into_iter().fold(1, u64::saturating_mul)
}

impl Window {
    /// Input under `outputs` positions of `taps`, along rows (0) or columns (1).
    pub fn covered(&self, direction: usize, outputs: u64, taps: u64) -> u64 {
        let (stride, dilation) = (self.stride[direction], self.dilation[direction]);
        let dilated = (taps - 1).saturating_mul(dilation).saturating_add(1);
        match self.mode {
            Mode::Corrected => (outputs - 1).saturating_mul(stride).saturating_add(dilated),
            // The runtime counts a whole stride for the last output, too.
            Mode::Reference => outputs.saturating_mul(stride).saturating_add(dilated - 1),
        }
    }

    /// Rows of the memories that a tile takes.
    pub fn held(&self, memories: &Memories, tile: &ConvolutionTile) -> Held {
        let input = [
            memories.blocks(tile.get(InChannels)),
            tile.get(Batch),
            self.covered(0, tile.get(Rows), tile.get(KernelRows)),
            self.covered(1, tile.get(Cols), tile.get(KernelCols)),
        ];
        let out_blocks = memories.blocks(tile.get(OutChannels));
        let weights = [out_blocks, tile.get(KernelCols), tile.get(KernelRows), tile.get(InChannels)];
        let outputs = [out_blocks, tile.get(Batch), tile.get(Rows), tile.get(Cols)];
        Held { input: product(input), weights: product(weights), outputs: product(outputs) }
    }

    fn fits(&self, memories: &Memories, tile: &ConvolutionTile) -> bool {
        let held = self.held(memories, tile);
        held.input.saturating_add(held.weights) <= memories.scratchpad_rows
            && held.outputs <= memories.accumulator_rows
    }

    /// The tile of a whole share of these lengths, or the smallest tile where not even that fits.
    pub fn tile(
        &self,
        memories: &Memories,
        share: ConvolutionTile,
    ) -> Result<ConvolutionTile, ConvolutionTile> {
        let mut tile = share;
        for axis in [Batch, Rows, Cols] {
            // No tile has more of them; the search need not walk down from there.
            tile.set(axis, share.get(axis).min(memories.accumulator_rows));
        }
        while !self.fits(memories, &tile) {
            let Some(smaller) = self.shrunk(memories, tile, &share) else { return Err(tile) };
            tile = smaller;
        }
        Ok(self.grown(memories, tile, &share))
    }

    /// A tile that is shorter along one axis; none of a tile of one element.
    fn shrunk(
        &self,
        memories: &Memories,
        tile: ConvolutionTile,
        share: &ConvolutionTile,
    ) -> Option<ConvolutionTile> {
        let chosen = longest_axis(memories, &tile);
        let by_rule = chosen.map(|axis| reduced(memories, tile, axis)).filter(|smaller| *smaller != tile);
        let mut smaller = match by_rule {
            Some(smaller) => smaller,
            None => halved(tile)?,
        };
        let is_first_of_a_net = self.in_channels == 3 && self.padding == [0, 0] && self.kernel == [3, 3];
        if self.mode == Mode::Reference && is_first_of_a_net {
            let out_channels = share.get(OutChannels);
            let passes = out_channels.div_ceil(smaller.get(OutChannels));
            let cols = smaller.get(Cols) / passes;
            // Fewer columns each time, so that the search ends.
            if passes > 1 && cols > 0 {
                smaller.set(Cols, cols);
                smaller.set(OutChannels, out_channels);
            }
        }
        Some(smaller)
    }

    fn grown(
        &self,
        memories: &Memories,
        mut tile: ConvolutionTile,
        share: &ConvolutionTile,
    ) -> ConvolutionTile {
        let mut has_grown = false;
        loop {
            let before = tile;
            for axis in [KernelCols, InChannels, KernelRows, OutChannels, Cols, Rows, Batch] {
                let length = tile.get(axis);
                let more = match axis {
                    OutChannels | InChannels => length,
                    Cols if length.is_multiple_of(memories.dim) => memories.dim,
                    KernelRows | KernelCols if !has_grown => 2,
                    _ => 1,
                };
                let longer = tile.with(axis, length.saturating_add(more));
                if longer.get(axis) <= share.get(axis) && self.fits(memories, &longer) {
                    tile = longer;
                    has_grown = true;
                }
            }
            if tile == before {
                return tile;
            }
        }
    }
}

/// The axis that the runtime shrinks.
fn longest_axis(memories: &Memories, tile: &ConvolutionTile) -> Option<Axis> {
    let (dim, longest_block) = (memories.dim, memories.longest_block());
    if tile.get(Batch) > 1 {
        return Some(Batch);
    }
    let has_few_cols = tile.get(Cols) <= dim;
    // Channels that the array takes in one go are kept whole.
    if tile.get(InChannels) == longest_block && tile.get(OutChannels) <= longest_block {
        return [Cols, KernelRows, KernelCols, Rows]
            .into_iter()
            .find(|axis| tile.get(*axis) > if *axis == Cols { dim } else { 1 });
    }
    let mut longest = (1, None);
    for axis in [Cols, KernelRows, KernelCols, Rows, OutChannels, InChannels] {
        let is_kept = match axis {
            Cols => has_few_cols && tile.get(Rows) > 1,
            OutChannels | InChannels => tile.get(axis) <= dim,
            _ => false,
        };
        if !is_kept && tile.get(axis) > longest.0 {
            longest = (tile.get(axis), Some(axis));
        }
    }
    longest.1
}

/// The tile with a shorter axis, as the runtime has it; the same where its rule changes nothing, or leaves nothing.
fn reduced(memories: &Memories, tile: ConvolutionTile, axis: Axis) -> ConvolutionTile {
    let (dim, longest_block) = (memories.dim, memories.longest_block());
    let length = tile.get(axis);
    let (axis, shorter) = match axis {
        OutChannels | InChannels if length > longest_block && !length.is_multiple_of(longest_block) => {
            (axis, length / longest_block * longest_block)
        }
        OutChannels | InChannels if length > longest_block => (axis, length / 2),
        OutChannels | InChannels if tile.get(KernelRows) > 1 => (KernelRows, 1),
        OutChannels | InChannels if tile.get(KernelCols) > 1 => (KernelCols, tile.get(KernelCols) - 1),
        OutChannels | InChannels if tile.get(InChannels) < dim => (axis, length / 2),
        OutChannels | InChannels if tile.get(Rows) > 4 => (Rows, tile.get(Rows) / 2),
        OutChannels | InChannels if tile.get(Cols) > dim => (Cols, dim),
        OutChannels | InChannels => (axis, length),
        Cols if !length.is_multiple_of(dim) => (axis, length / dim * dim),
        Cols => (axis, length - dim),
        KernelRows | KernelCols => (axis, 1),
        Batch | Rows => (axis, length - 1),
    };
    if shorter == 0 { tile } else { tile.with(axis, shorter) }
}

/// The tile with half of its longest axis, kernels and channels last.
fn halved(tile: ConvolutionTile) -> Option<ConvolutionTile> {
    let mut longest = (1, None);
    for axis in [Cols, Rows, Batch, KernelRows, KernelCols, OutChannels, InChannels] {
        if tile.get(axis) > longest.0 {
            longest = (tile.get(axis), Some(axis));
        }
    }
    longest.1.map(|axis| tile.with(axis, longest.0 / 2))
}

/// Blocks of a product's tile: rows, columns, depth.
pub(super) fn product_tile(memories: &Memories, lengths: [u64; 3]) -> [u64; 3] {
    let most = lengths.map(|length| memories.blocks(length));
    let (scratchpad, accumulator) =
        (memories.scratchpad_rows / memories.dim, memories.accumulator_rows / memories.dim);
    let side = side(memories);
    let depth = scratchpad / (2 * side);
    let mut tile = [most[0].min(side), most[1].min(side), most[2].min(depth.max(1))];
    let fits = |[rows, cols, depth]: [u64; 3]| rows * depth + depth * cols <= scratchpad;
    loop {
        let before = tile;
        for axis in [1, 0, 2] {
            let mut longer = tile;
            longer[axis] += 1;
            let holds_outputs = axis == 2 || longer[0] * longer[1] <= accumulator;
            if longer[axis] <= most[axis] && holds_outputs && fits(longer) {
                tile = longer;
            }
        }
        if tile == before {
            return tile;
        }
    }
}

/// Blocks along either side of the largest square of outputs that half an accumulator holds; at least 1.
///
/// No longer than a square of inputs and weights would be that half a scratchpad holds.
pub(super) fn side(memories: &Memories) -> u64 {
    let outputs = (memories.accumulator_rows / memories.dim).isqrt();
    outputs.min(memories.scratchpad_rows / memories.dim / 2).max(1)
}
