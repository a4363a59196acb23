//! Estimates of residual additions: memory alone, and always computed on the device.
//!
//! The tile has rows and columns, in elements.

use super::error::MocaError;
use super::layer::{Addition, Split};
use super::numbers::{ACCUMULATOR_ROWS, DIM, LONGEST_BLOCK, blocks, cdiv, in_range, rows};
use super::parts::{Estimate, percent};

pub(super) fn estimate(layer: &Addition, split: Split) -> Result<Estimate, MocaError> {
    let [whole_i, whole_j] = [layer.i, layer.j].map(i64::from);
    let tiles = i64::from(split.tiles);
    let from_dram = rows("traffic", &[3, whole_i.into(), cdiv(whole_j, DIM).into()])?;

    let (mut i, mut j) = (whole_i / i64::from(split.batch_divide), whole_j);
    if tiles > 1 && i % tiles == 0 {
        i /= tiles;
    } else {
        j /= tiles;
    }
    for (what, count) in [("rows", i), ("columns", j)] {
        if count == 0 {
            return Err(MocaError::EmptyShare { what });
        }
    }
    let tile_i = i.min(LONGEST_BLOCK);
    // The columns are shrunk one by one until the tile fits.
    let most_blocks = ACCUMULATOR_ROWS / (DIM * blocks(tile_i));
    let tile_j = j.min(most_blocks * DIM);
    let inner_tiles = cdiv(i, tile_i) * cdiv(j, tile_j);
    let elements = rows("addition", &[3, i.into(), j.into()])?;
    let prediction = from_dram + cdiv(elements, DIM);
    let prediction = in_range("traffic", prediction.into())?.unsigned_abs();
    Ok(Estimate {
        tile: vec![tile_i, tile_j],
        inner_tiles_raw: inner_tiles,
        inner_tiles,
        load_a: 2 * i * j / DIM,
        load_b: None,
        load_d: None,
        total_mem: Some(elements),
        from_dram: Some(from_dram),
        compute: None,
        mem: None,
        prediction,
        bw_percent: Some(percent(from_dram, prediction)),
        terms: None,
    })
}
