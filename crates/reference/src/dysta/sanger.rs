//! The latency of an attention layer on Sanger (Lu et al., MICRO 2021), as the program computes it.
//!
//! Sanger prunes the attention map, then packs what is left of its rows into sub-rows that fill a
//! 64 x 64 array. A density `d` with a load balance `b` gives `d / b / 0.25` sub-rows per row. The three
//! projections before the map do not depend on either. At a sequence length of 512 and `x = d / b`, a
//! layer takes about 0.8847 + 0.2949 x + 0.2294 x + 0.5243 x^2 milliseconds.

/// Rows and columns of the array.
const ARRAY: f64 = 64.0;
/// Elements of a row that work on the linear layers.
const LINEAR_ELEMENTS: f64 = 16.0;
const CLOCK_GHZ: f64 = 1.0;
const HIDDEN_WIDTH: f64 = 768.0;
/// The share of a row that fits a sub-row.
const SUB_ROW_SHARE: f64 = 0.25;
const GIGA: f64 = 1e9;
/// Loading a tile needs 128 GB/s (64 values of 2 bytes a cycle) of 128 GB/s: nothing waits.
const BANDWIDTH_STRETCH: f64 = 1.0;

/// The latency of a layer, in seconds. `density` is the share of the attention map that is kept,
/// `balance` how evenly its rows are packed (above 0), `sequence_length` in tokens.
///
/// Operations stand in the program's order.
#[must_use]
pub fn latency_s(density: f64, balance: f64, sequence_length: u32) -> f64 {
    let tokens = f64::from(sequence_length);
    let sub_rows = density / balance / SUB_ROW_SHARE * tokens;
    let dense_gops = ARRAY * LINEAR_ELEMENTS * CLOCK_GHZ * 2.0;
    // Whole numbers up to here: exact in any order.
    let projection_operations = tokens * HIDDEN_WIDTH * HIDDEN_WIDTH * 2.0;
    let linear_s = projection_operations * 3.0 / GIGA / dense_gops;
    let output_s = projection_operations / GIGA / (dense_gops / density * balance);
    let tile_cycles = (HIDDEN_WIDTH + ARRAY) + (sub_rows + ARRAY);
    let row_cycles = tile_cycles * (tokens / ARRAY);
    let attention_cycles = (sub_rows / ARRAY) * (row_cycles * BANDWIDTH_STRETCH);
    linear_s + attention_cycles / GIGA + output_s
}
