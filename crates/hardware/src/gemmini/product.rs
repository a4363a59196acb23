//! Matrix products on tiles: shares, rows loaded by the loop over tiles, matrices of the whole group.

use rtmm_workload::Nest;

use super::tiling::{Memories, product_tile, side};
use super::volumes::{
    Loads, MILLIONTHS, Passes, Volumes, Whole, array_cycles, bias_rows, count, over, total,
};
use crate::cost::CostError;
use crate::decode::Mode;

/// Columns, in blocks, from which a product of few rows is divided by columns.
const WIDE_BLOCKS: u64 = 64;

/// A product of `rows x depth` by `depth x cols`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    rows: u64,
    cols: u64,
    depth: u64,
}

impl Product {
    pub fn of(nest: &Nest) -> Result<Self, CostError> {
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

    pub fn volumes(self, tiles: u64, memories: &Memories, mode: Mode) -> Result<Volumes, CostError> {
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
