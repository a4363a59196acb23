//! Windows that slide along an axis: padding, how many windows fit, which inputs they touch.

use std::ops::Range;

use serde::{Serialize, Serializer};

use crate::shape_error::{MAX_DIMENSION, ShapeError};

/// Rows and columns of zeros around a plane; pairs are vertical, then horizontal.
///
/// Serialized as one pair where both sides are alike, and as `[[top, bottom], [left, right]]` elsewhere, as model files have
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Padding {
    /// Above the first row, and left of the first column.
    pub before: [u32; 2],
    /// Below the last row, and right of the last column.
    pub after: [u32; 2],
}

impl Padding {
    /// No padding.
    pub const NONE: Self = Self::same([0, 0]);

    /// As much on either side.
    #[must_use]
    pub const fn same(on_either_side: [u32; 2]) -> Self {
        Self { before: on_either_side, after: on_either_side }
    }

    /// True if either side has as much.
    #[must_use]
    pub fn is_same(self) -> bool {
        self.before == self.after
    }

    /// Both sides of an axis together: rows (0) or columns (1).
    fn both(self, axis: usize) -> u64 {
        u64::from(self.before[axis]) + u64::from(self.after[axis])
    }
}

impl From<[u32; 2]> for Padding {
    fn from(on_either_side: [u32; 2]) -> Self {
        Self::same(on_either_side)
    }
}

impl Serialize for Padding {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.is_same() {
            return self.before.serialize(to);
        }
        [0, 1].map(|axis| [self.before[axis], self.after[axis]]).serialize(to)
    }
}

/// The inputs that one window spans, those between its taps included.
fn span(kernel: u32, dilation: u32) -> u64 {
    u64::from(dilation) * u64::from(kernel.saturating_sub(1)) + 1
}

/// A number of outputs, which may be beyond what a layer can have.
fn extent(outputs: u64) -> Result<u32, ShapeError> {
    match u32::try_from(outputs) {
        Ok(outputs) if (1..=MAX_DIMENSION).contains(&outputs) => Ok(outputs),
        _ => Err(ShapeError::Dimension { name: "output extent", value: outputs }),
    }
}

/// Rows and columns that go out where whole windows of `what` fit a padded input.
pub(crate) fn outputs(
    what: &'static str,
    input: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: Padding,
    dilation: [u32; 2],
) -> Result<[u32; 2], ShapeError> {
    let mut outputs = [0; 2];
    for (axis, name) in [(0, "rows"), (1, "columns")] {
        let extent_of_one = span(kernel[axis], dilation[axis]);
        let padded = u64::from(input[axis]) + padding.both(axis);
        let Some(beyond_the_first) = padded.checked_sub(extent_of_one) else {
            return Err(ShapeError::WindowLargerThanInput {
                what,
                axis: name,
                extent: extent_of_one,
                input: padded,
            });
        };
        outputs[axis] = extent(beyond_the_first / u64::from(stride[axis]) + 1)?;
    }
    Ok(outputs)
}

/// Rows and columns that go out where every input writes a whole window: `padding` is cropped off, `added` is appended.
pub(crate) fn transposed_outputs(
    input: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: Padding,
    dilation: [u32; 2],
    added: [u32; 2],
) -> Result<[u32; 2], ShapeError> {
    let mut outputs = [0; 2];
    for axis in 0..2 {
        let steps = u64::from(input[axis].saturating_sub(1)) * u64::from(stride[axis]);
        let full = steps + span(kernel[axis], dilation[axis]) + u64::from(added[axis]);
        outputs[axis] = extent(full.saturating_sub(padding.both(axis)))?;
    }
    Ok(outputs)
}

/// The distinct positions `y * stride + r * dilation` for `y` below `outputs` and `r` below `taps`, all above zero: how many
/// inputs windows touch where there are no edges.
///
/// With `g` the greatest common divisor of stride and dilation, two pairs meet at one position if they are a number of
/// steps `(dilation / g, -stride / g)` apart. So as many pairs as have a successor are counted again by it.
#[must_use]
pub fn touched_positions(outputs: u64, taps: u64, stride: u64, dilation: u64) -> u64 {
    let (outputs_apart, taps_apart) = meeting_distance(stride, dilation);
    let again = outputs.saturating_sub(outputs_apart).saturating_mul(taps.saturating_sub(taps_apart));
    outputs.saturating_mul(taps) - again
}

/// Outputs and taps between two pairs that meet at one position, the nearest ones.
fn meeting_distance(stride: u64, dilation: u64) -> (u64, u64) {
    let (mut divisor, mut rest) = (stride, dilation);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (dilation / divisor.max(1), stride / divisor.max(1))
}

/// One axis of a loop nest: windows over an input that begins behind the padding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub outputs: u64,
    pub taps: u64,
    pub stride: u64,
    pub dilation: u64,
    pub padding: u64,
    pub input: u64,
}

impl Windows {
    /// The inputs that some window touches.
    pub(crate) fn touched(&self) -> u64 {
        let Self { outputs, taps, stride, dilation, padding, input } = *self;
        if outputs == 0 || taps == 0 {
            return 0;
        }
        let inside = padding..padding + input;
        let reach = (outputs - 1) * stride + (taps - 1) * dilation + 1;
        // The taps of one output are next to each other and the next output's follow, or the outputs of one tap are.
        let of_one = (taps - 1) * dilation + 1;
        let is_gapless = (taps == 1 || dilation == 1) && (outputs == 1 || stride <= of_one)
            || stride == 1 && outputs >= dilation;
        if is_gapless {
            return reach.min(inside.end).saturating_sub(inside.start);
        }
        if padding == 0 && reach <= input {
            return touched_positions(outputs, taps, stride, dilation);
        }
        // As `touched_positions`, within the input alone: those that have a successor begin `taps_apart` taps later.
        let (outputs_apart, taps_apart) = meeting_distance(stride, dilation);
        let later = taps_apart.saturating_mul(dilation);
        let pairs = |outputs: u64, taps: u64, inside: Range<u64>| {
            // The sum is over the shorter side; the two may change places.
            let (many, few, of_many, of_few) = if taps <= outputs {
                (outputs, taps, stride, dilation)
            } else {
                (taps, outputs, dilation, stride)
            };
            let below = |end: u64| end.div_ceil(of_many).min(many);
            (0..few)
                .map(|one| {
                    let shift = one * of_few;
                    below(inside.end.saturating_sub(shift)) - below(inside.start.saturating_sub(shift))
                })
                .sum::<u64>()
        };
        let again = pairs(
            outputs.saturating_sub(outputs_apart),
            taps.saturating_sub(taps_apart),
            inside.start.saturating_sub(later)..inside.end.saturating_sub(later),
        );
        pairs(outputs, taps, inside) - again
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn touched_inputs_are_those_that_a_walk_over_all_taps_meets() {
        for (outputs, taps) in (1..7).flat_map(|outputs| (1..6).map(move |taps| (outputs, taps))) {
            for (stride, dilation) in (1..5).flat_map(|stride| (1..5).map(move |dilation| (stride, dilation)))
            {
                let walked: BTreeSet<u64> = (0..outputs)
                    .flat_map(|output| (0..taps).map(move |tap| output * stride + tap * dilation))
                    .collect();
                assert_eq!(touched_positions(outputs, taps, stride, dilation), walked.len() as u64);
                for (padding, input) in [(0, 40), (0, 7), (1, 9), (2, 5), (5, 4), (9, 1), (60, 3)] {
                    let windows = Windows { outputs, taps, stride, dilation, padding, input };
                    let inside = walked.range(padding..padding + input).count() as u64;
                    assert_eq!(windows.touched(), inside, "{windows:?}");
                }
            }
        }
    }

    #[test]
    fn enormous_windows_are_counted_without_a_walk_over_them() {
        let windows =
            Windows { outputs: 3, taps: 1 << 24, stride: 1 << 24, dilation: 3, padding: 7, input: 1 << 24 };
        // Output 0 touches every third input, and the others begin behind them.
        assert_eq!(windows.touched(), ((1_u64 << 24) + 7).div_ceil(3) - 7_u64.div_ceil(3) + 3);
    }
}
