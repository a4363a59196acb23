//! Estimates of matrix products: fully connected layers, and convolutions of 1 x 1.
//!
//! The tile has, in this order: blocks of rows, of output columns and of the dimension that is summed over; then the
//! rows, output columns and summed elements of this core, and 1 where rows are split.

use super::error::MocaError;
use super::layer::{Product, Split};
use super::numbers::{
    CACHE_ROWS, DIM, HALF_ACCUMULATOR_ROWS, HALF_SCRATCHPAD_ROWS, Piece, blocks, cdiv, in_range, rows, sum,
};
use super::parts::{Estimate, Passes, Terms, cycles, percent};

/// The largest square tile of outputs, in blocks: the root of 512 rows by 16.
const SIDE: i64 = 5;
/// The longest sum of the first tile, in blocks.
const FIRST_DEPTH: i64 = 25;
/// Rows, or columns, up to which a matrix is thin: nothing of it is read twice.
const THIN: i64 = DIM;
/// Columns from which a matrix of few rows is split by columns.
const WIDE: i64 = 1_024;

/// The part of a product that one core computes.
struct Share {
    i: i64,
    j: i64,
    k: i64,
    is_split_by_rows: bool,
}

impl Share {
    fn of(layer: &Product, split: Split) -> Result<Self, MocaError> {
        let [i, j, k] = [layer.i, layer.j, layer.k].map(i64::from);
        let [tiles, batch_divide] = [split.tiles, split.batch_divide].map(i64::from);
        let cores = tiles * batch_divide;
        let keeps_rows = i <= THIN && i % tiles == 0 && batch_divide == 1 && j >= WIDE;
        let share = if cores > 1 && i % cores == 0 && !keeps_rows {
            Self { i: i / cores, j, k, is_split_by_rows: true }
        } else if cores > 1 && (j < 2 * DIM * cores || i > 8 * cores) {
            let rest = i - i / cores * (cores - 1);
            Self { i: if split.is_leader() { rest } else { i / cores }, j, k, is_split_by_rows: true }
        } else {
            Self { i, j: j / cores, k, is_split_by_rows: false }
        };
        for (what, count) in [("rows", share.i), ("columns", share.j)] {
            if count == 0 {
                return Err(MocaError::EmptyShare { what });
            }
        }
        Ok(share)
    }

    /// Blocks of the tile along each dimension.
    fn tile(&self) -> [i64; 3] {
        let most = [self.i, self.j, self.k].map(blocks);
        let mut tile = [most[0].min(SIDE), most[1].min(SIDE), most[2].min(FIRST_DEPTH)];
        let fits = |[i, j, k]: [i64; 3]| (i * k + k * j) * DIM <= HALF_SCRATCHPAD_ROWS;
        loop {
            let before = tile;
            for dimension in [1, 0, 2] {
                let mut grown = tile;
                grown[dimension] += 1;
                let is_depth = dimension == 2;
                let holds_outputs = is_depth || grown[0] * grown[1] * DIM <= HALF_ACCUMULATOR_ROWS;
                if grown[dimension] <= most[dimension] && holds_outputs && fits(grown) {
                    tile = grown;
                }
            }
            if tile == before {
                return tile;
            }
        }
    }

    /// Rows that the core loads by its loop over tiles: left matrix, right matrix, bias.
    fn loads(&self, tile: [i64; 3]) -> Result<[i64; 3], MocaError> {
        let [i, j, k] = tile.map(|count| count * DIM);
        let in_blocks = |piece: Piece| cdiv(piece.length, piece.length.min(DIM));
        let length = |piece: Piece| piece.length;
        let one = |_: Piece| 1;
        let bias = |piece: Piece| cdiv(4 * piece.length, piece.length.min(DIM));
        Ok([
            rows("input", &[sum(self.j, j, one), sum(self.i, i, length), sum(self.k, k, in_blocks)])?,
            rows("weights", &[sum(self.i, i, one), sum(self.j, j, in_blocks), sum(self.k, k, length)])?,
            rows("bias", &[sum(self.j, j, bias), sum(self.i, i, in_blocks)])?,
        ])
    }
}

pub(super) fn estimate(layer: &Product, split: Split) -> Result<Estimate, MocaError> {
    let share = Share::of(layer, split)?;
    let tile = share.tile();
    let [i, j, k] = [layer.i, layer.j, layer.k].map(i64::from);
    let in_rows = |what, count: i64, width: i64| rows(what, &[count.into(), cdiv(width, DIM).into()]);
    let (input, weights, output) =
        (in_rows("input", i, k)?, in_rows("weights", k, j)?, in_rows("output", i, j)?);

    let mut from_dram = i128::from(weights + output);
    if input > CACHE_ROWS || from_dram + i128::from(input) > CACHE_ROWS.into() {
        from_dram += i128::from(input);
    }
    let tile_rows = DIM * blocks(i).min(SIDE);
    let outer = cdiv(i, tile_rows);
    let inner_input = tile_rows * cdiv(k, DIM);
    if inner_input + weights + output / outer > CACHE_ROWS {
        from_dram += i128::from(outer - 1) * i128::from(weights) / 2;
    }
    let bias = rows("bias", &[cdiv(j, DIM).into(), 4, outer.into()])? / split.sharers();
    let from_dram = in_range("traffic", from_dram + i128::from(bias))?;

    let [load_a, load_b, load_d] = if i <= THIN || j <= THIN {
        [
            in_rows("input", share.i, share.k)?,
            in_rows("weights", share.k, share.j)?,
            rows("bias", &[4, share.i.into(), cdiv(share.j, DIM).into()])?,
        ]
    } else {
        share.loads(tile)?
    };
    let loads = in_range("traffic", [load_a, load_b, load_d].into_iter().map(i128::from).sum())?;
    let compute = match i <= THIN || j <= THIN {
        true => loads,
        false => share.i * share.j * share.k / (DIM * DIM),
    };
    let total_mem =
        in_range("traffic", i128::from(loads) + i128::from(in_rows("output", share.i, share.j)?))?;
    let compute = compute.unsigned_abs();
    let (mem, prediction) = cycles(total_mem, from_dram, compute, split);
    let [tiles_i, tiles_j, tiles_k] = tile;
    let counts = [(share.i, tiles_i), (share.j, tiles_j), (share.k, tiles_k)];
    let inner_tiles = rows(
        "a list of tiles",
        &counts.map(|(whole, tile)| (blocks(whole) + tile - 1) as i128 / tile as i128),
    )?;
    Ok(Estimate {
        tile: vec![tiles_i, tiles_j, tiles_k, share.i, share.j, share.k, share.is_split_by_rows.into()],
        inner_tiles_raw: inner_tiles,
        inner_tiles,
        load_a,
        load_b: Some(load_b),
        load_d: Some(load_d),
        total_mem: Some(total_mem),
        from_dram: Some(from_dram),
        compute: Some(compute),
        mem: Some(mem),
        prediction,
        bw_percent: Some(percent(from_dram, prediction)),
        terms: Some(Terms {
            input,
            weights,
            output,
            bias,
            inner_input,
            inner_weights: weights,
            passes: Passes::Rows(outer),
        }),
    })
}
