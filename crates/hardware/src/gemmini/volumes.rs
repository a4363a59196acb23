//! Rows that tiles move and cycles that their arrays take, for one group of a nest.
//!
//! A row is [`Memories::dim`] bytes. All numbers are of a *share*: the whole group, or the largest part of it that one of
//! several tiles computes. [`Whole`] says what memory beyond the tiles sees, and is of the whole group in either case.

use super::tiling::Memories;
use crate::cost::CostError;
use crate::decode::Mode;

/// A millionth of a cycle is the unit in which cycles are counted.
pub(super) const MILLIONTHS: u128 = 1_000_000;

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
    /// Lengths of the tile: those of [`super::tiling::Axis`], or rows, columns and depth in blocks.
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
pub(super) fn count(what: &'static str, factors: &[u64]) -> Result<u64, CostError> {
    let product = factors.iter().try_fold(1_u64, |product, factor| product.checked_mul(*factor));
    product.ok_or(CostError::Overflow { what })
}

/// The sum of some counts of `what`.
pub(super) fn total(what: &'static str, terms: &[u64]) -> Result<u64, CostError> {
    let sum = terms.iter().try_fold(0_u64, |sum, term| sum.checked_add(*term));
    sum.ok_or(CostError::Overflow { what })
}

/// The sum of `value` over the pieces into which `step` cuts `length`; the last may be shorter.
pub(super) fn over(length: u64, step: u64, value: impl Fn(u64) -> u64) -> u64 {
    let (whole, rest) = (length / step, length % step);
    let last = if rest > 0 { value(rest) } else { 0 };
    whole.saturating_mul(value(step)).saturating_add(last)
}

/// Rows of bias, four bytes for each of `length` output channels.
pub(super) fn bias_rows(memories: &Memories, length: u64) -> u64 {
    (4 * length).div_ceil(length.min(memories.dim))
}

/// `length / step` to the nearest, halves up, at least 1: how the runtime counts tiles.
pub(super) const fn rounded_tiles(length: u64, step: u64) -> u64 {
    let (quotient, rest) = (length / step, length % step);
    if quotient == 0 { 1 } else { quotient + (2 * rest >= step) as u64 }
}

impl Loads {
    pub fn total(&self) -> Result<u64, CostError> {
        total("rows", &[self.input, self.weights, self.bias])
    }
}

/// Cycles of the array, in millionths: `each` products of `inputs` by `inputs x outputs`.
pub(super) fn array_cycles(
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
