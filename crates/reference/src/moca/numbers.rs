//! The number rules of the program: its two rounding divisions, blocks, and the overlap of memory and computation.
//!
//! The program is written in C. Counts of rows are of 32 bits there, and so are shares, scores and weights; cycles are
//! of 64 bits. Sums of rows are exact here: a layer whose rows do not fit is refused by `rows`. Scores and weights
//! wrap as they do in the program, where late tasks make them.

use super::error::MocaError;

/// Width of the systolic array, and elements of one row of its memories.
pub const DIM: i64 = 16;
/// Rows of half a scratchpad: the other half is filled meanwhile.
pub const HALF_SCRATCHPAD_ROWS: i64 = 4_096;
/// Rows of half an accumulator.
pub const HALF_ACCUMULATOR_ROWS: i64 = 512;
/// Rows of a whole accumulator.
pub const ACCUMULATOR_ROWS: i64 = 1_024;
/// Rows that the shared cache holds.
pub const CACHE_ROWS: i64 = 125_000;
/// Elements of the longest block that the array takes in one go.
pub const LONGEST_BLOCK: i64 = 4 * DIM;

/// `dividend / divisor` rounded up, but 1 wherever the dividend is the smaller, also for none at all.
pub(super) fn cdiv(dividend: i64, divisor: i64) -> i64 {
    if dividend < divisor { 1 } else { dividend / divisor + i64::from(dividend % divisor != 0) }
}

/// `dividend / divisor` rounded to the nearest, halves up, but at least 1.
pub(super) fn rdiv(dividend: i64, divisor: i64) -> i64 {
    match (dividend.checked_div(divisor), dividend.checked_rem(divisor)) {
        _ if dividend < divisor => 1,
        (Some(quotient), Some(rest)) => quotient + i64::from(rest >= divisor - rest),
        // The device answers with all ones, to which the rest is added.
        _ => 0,
    }
}

/// Blocks of [`DIM`] that hold `elements`.
pub(super) fn blocks(elements: i64) -> i64 {
    (elements + DIM - 1) / DIM
}

/// Cycles of a layer of which half the shorter part does not overlap with the longer, in whole cycles.
pub(super) fn mix(memory: u64, compute: u64) -> u64 {
    (memory.max(compute) as f64 + 0.5 * memory.min(compute) as f64) as u64
}

/// A product that counts rows or elements of `what`.
///
/// # Errors
/// A product that 32 bits do not hold.
pub(super) fn rows(what: &'static str, factors: &[i128]) -> Result<i64, MocaError> {
    let product = factors.iter().try_fold(1_i128, |product, factor| product.checked_mul(*factor));
    in_range(what, product.unwrap_or(i128::MAX))
}

/// A sum of rows of `what`.
///
/// # Errors
/// A sum that 32 bits do not hold.
pub(super) fn in_range(what: &'static str, sum: i128) -> Result<i64, MocaError> {
    i32::try_from(sum).map(i64::from).map_err(|_| MocaError::TooManyRows { what })
}

/// The pieces into which `step` cuts `whole`; the last may be shorter.
pub(super) fn pieces(whole: i64, step: i64) -> impl Iterator<Item = Piece> {
    let step = step.max(1);
    let count = (whole.max(0) + step - 1) / step;
    (0..count).map(move |index| {
        let start = index * step;
        Piece { start, length: step.min(whole - start) }
    })
}

/// One of the [`pieces`] of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub start: i64,
    pub length: i64,
}

/// The sum of `value` over the pieces.
pub(super) fn sum(whole: i64, step: i64, value: impl Fn(Piece) -> i64) -> i128 {
    pieces(whole, step).map(|piece| i128::from(value(piece))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisions_are_at_least_one() {
        assert_eq!([0, 1, 15, 16, 17, 32].map(|rows| cdiv(rows, 16)), [1, 1, 1, 1, 2, 2]);
        assert_eq!([-9, 0, 15, 16, 23, 24, 40].map(|rows| rdiv(rows, 16)), [1, 1, 1, 1, 1, 2, 3]);
        assert_eq!((rdiv(5, 0), rdiv(-5, 0), rdiv(i64::MAX, 2)), (0, 1, 1 << 62));
        assert_eq!([0, 1, 16, 17].map(blocks), [0, 1, 1, 2]);
        assert_eq!((mix(10, 5), mix(5, 10), mix(7, 7)), (12, 12, 10));
    }

    #[test]
    fn the_last_piece_is_short() {
        let lengths: Vec<i64> = pieces(10, 4).map(|piece| piece.length).collect();
        assert_eq!(lengths, [4, 4, 2]);
        assert_eq!(pieces(0, 4).count(), 0);
        assert_eq!(sum(10, 4, |piece| piece.start), 12);
    }

    #[test]
    fn rows_that_32_bits_do_not_hold_are_refused() {
        assert_eq!(rows("input", &[65_535, 32_767]), Ok(2_147_385_345));
        let refused = Err(MocaError::TooManyRows { what: "input" });
        assert_eq!(rows("input", &[65_536, 32_768]), refused);
        assert_eq!(rows("input", &[i128::MAX, 2]), refused);
    }
}
