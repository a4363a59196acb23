//! Estimates of poolings that are calls of their own. The program uses them for nothing.
//!
//! The tile has images, rows, columns and channels of the output.

use std::collections::BTreeMap;

use super::error::MocaError;
use super::fixes::Fixes;
use super::layer::{Pooling, Split};
use super::numbers::{DIM, HALF_ACCUMULATOR_ROWS, LONGEST_BLOCK, Piece, blocks, in_range, pieces, rows};
use super::parts::Estimate;

/// Lengths of a tile along rows or columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Side {
    /// Outputs.
    pooled: i64,
    /// Inputs under their windows.
    covered: i64,
    /// Of which lie outside of the input.
    cut: i64,
}

pub(super) fn estimate(layer: &Pooling, split: Split, fixes: &Fixes) -> Result<Estimate, MocaError> {
    let tiles = i64::from(split.tiles);
    let [channels, out_dim] = [layer.channels, layer.out_dim].map(i64::from);
    let last_start = (out_dim - 1) * i64::from(layer.stride) - i64::from(layer.padding);
    if last_start >= layer.in_dim.into() {
        return Err(MocaError::NoInput);
    }
    let is_split_by_rows = tiles > 1 && channels < LONGEST_BLOCK;
    let batch = i64::from(layer.batch / split.batch_divide);
    let (row_share, channels) =
        if is_split_by_rows { (out_dim / tiles, channels) } else { (out_dim, channels / tiles) };
    for (what, count) in [("images", batch), ("rows", row_share), ("channels", channels)] {
        if count == 0 {
            return Err(MocaError::EmptyShare { what });
        }
    }
    let first_row = if is_split_by_rows { row_share * (i64::from(split.tile_index) % tiles) } else { 0 };
    let tile = tile(layer, [batch, row_share, out_dim, channels])?;
    let [tile_batch, tile_rows, tile_cols, tile_channels] = tile;
    let sides = |whole, step, first| {
        let mut sides: BTreeMap<Side, i64> = BTreeMap::new();
        for piece in pieces(whole, step) {
            let piece = Piece { start: piece.start + first, length: piece.length };
            *sides.entry(side(layer, piece)).or_default() += 1;
        }
        sides
    };
    let lengths = |whole, step| {
        let mut lengths: BTreeMap<i64, i64> = BTreeMap::new();
        for piece in pieces(whole, step) {
            *lengths.entry(piece.length).or_default() += 1;
        }
        lengths
    };
    let of_rows = sides(row_share, tile_rows, first_row);
    let of_cols = sides(out_dim, tile_cols, 0);
    let of_batch = lengths(batch, tile_batch);
    let of_channels = lengths(channels, tile_channels);
    let window = i64::from(layer.size) * i64::from(layer.size) + 1;
    let (mut loads, mut operations) = (0_i128, 0_i128);
    for (images, image_tiles) in &of_batch {
        for (channels, channel_tiles) in &of_channels {
            for (row, row_tiles) in &of_rows {
                for (col, col_tiles) in &of_cols {
                    let tiles = [image_tiles, channel_tiles, row_tiles, col_tiles];
                    let tiles: i128 = tiles.into_iter().copied().map(i128::from).product();
                    // Quirk 5: what is cut off the rows is taken from the columns, and the other way round.
                    let (off_rows, off_cols) =
                        if fixes.own_cuts { (row.cut, col.cut) } else { (col.cut, row.cut) };
                    let load = images * (col.covered - off_cols) * (row.covered - off_rows) * channels / DIM;
                    let outputs = images * row.pooled * col.pooled * channels / DIM;
                    loads += tiles * i128::from(load);
                    operations += tiles * i128::from(outputs * window);
                }
            }
        }
    }
    let prediction = in_range("pooling", loads + operations)?.max(0).unsigned_abs();
    let count = |whole: i64, step: i64| i128::from((whole + step - 1) / step);
    let inner_tiles = rows(
        "a list of tiles",
        &[
            count(batch, tile_batch),
            count(row_share, tile_rows),
            count(out_dim, tile_cols),
            count(channels, tile_channels),
        ],
    )?;
    Ok(Estimate {
        tile: tile.to_vec(),
        inner_tiles_raw: inner_tiles,
        inner_tiles,
        load_a: in_range("input", loads)?,
        load_b: None,
        load_d: None,
        total_mem: None,
        from_dram: None,
        compute: None,
        mem: None,
        prediction,
        bw_percent: None,
        terms: None,
    })
}

/// Length of the input under `pooled` windows, as the program has it for tiles.
fn covered(layer: &Pooling, pooled: i64) -> i64 {
    pooled * i64::from(layer.stride) + i64::from(layer.size) - 1
}

fn side(layer: &Pooling, piece: Piece) -> Side {
    let covered = covered(layer, piece.length);
    let start = piece.start * i64::from(layer.stride) - i64::from(layer.padding);
    let cut = (-start).max(0) + (start + covered - i64::from(layer.in_dim)).max(0);
    Side { pooled: piece.length, covered, cut }
}

/// The whole share of the core, shrunk until its input fits half of the accumulator.
fn tile(layer: &Pooling, share: [i64; 4]) -> Result<[i64; 4], MocaError> {
    let mut tile = share;
    loop {
        let [batch, rows, cols, channels] = tile;
        let held = [blocks(channels), batch, covered(layer, rows), covered(layer, cols)];
        if held.into_iter().fold(1, i64::saturating_mul) <= HALF_ACCUMULATOR_ROWS {
            break;
        }
        if batch > 1 {
            tile[0] = 1;
            continue;
        }
        if channels > LONGEST_BLOCK {
            tile[3] = (channels - 1) / LONGEST_BLOCK * DIM;
        }
        let largest = if batch >= rows && batch >= cols {
            0
        } else if rows >= cols {
            1
        } else {
            2
        };
        tile[largest] -= 1;
    }
    if tile.iter().any(|length| *length < 1) { Err(MocaError::NoTile) } else { Ok(tile) }
}
