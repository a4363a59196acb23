//! Counts of a nest: valid multiply-accumulates, accesses of rows, cycles.

use rtmm_workload::Nest;
use serde::Serialize;

use super::mapping::{Mapping, Organisation, unsupported};
use crate::cost::CostError;
use crate::decode::Mode;

/// Zeros of the operands, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operands<'m> {
    /// Shares of nonzeros, in 0..=1; zeros fall anywhere, independently.
    Density {
        /// Of the weights.
        weights: f64,
        /// Of the activations.
        activations: f64,
    },
    /// Which elements are nonzero.
    Masks {
        /// Of the weights: by output channels of all groups, input channels of a group, filter rows,
        /// filter columns.
        weights: &'m [bool],
        /// Of the activations: by batch, channels of all groups, rows, columns.
        activations: &'m [bool],
    },
}

impl Operands<'_> {
    /// Nothing is zero.
    pub const DENSE: Self = Self::Density { weights: 1.0, activations: 1.0 };
}

/// Counts of one nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LayerCost {
    /// The tiles.
    pub mapping: Mapping,
    /// (Output, tap) pairs inside the input.
    pub dense_macs: u64,
    /// Those of them whose weight and activation are both nonzero.
    pub valid_macs: u64,
    /// Image rows, counted once for each output row that reads them, that are not all zero (N).
    pub rows: u64,
    /// Checks of activations (A), a cycle each.
    pub activation_checks: u64,
    /// Cycles for accesses of rows (B).
    pub row_cycles: u64,
    /// (MAC cycles + A + B) over all processing elements.
    pub cycles: u64,
}

/// One axis of a nest.
#[derive(Clone, Copy)]
struct Axis {
    outputs: u64,
    taps: u64,
    stride: u64,
    dilation: u64,
    padding: u64,
    input: u64,
}

impl Axis {
    fn of(nest: &Nest, axis: usize) -> Self {
        Self {
            outputs: nest.output[axis].into(),
            taps: nest.filter[axis].into(),
            stride: u64::from(nest.stride[axis]).max(1),
            dilation: u64::from(nest.dilation[axis]).max(1),
            padding: nest.padding[axis].into(),
            input: nest.input[axis].into(),
        }
    }

    /// The inputs that an output reads, less those on padding.
    fn inputs_of(self, output: u64) -> impl Iterator<Item = u64> {
        (0..self.taps).filter_map(move |tap| self.input_of(output, tap))
    }

    fn input_of(self, output: u64, tap: u64) -> Option<u64> {
        let padded = output * self.stride + tap * self.dilation;
        padded.checked_sub(self.padding).filter(|&input| input < self.input)
    }

    /// The number of [`Axis::inputs_of`].
    fn taps_inside(self, output: u64) -> u64 {
        let start = output * self.stride;
        let before = self.padding.saturating_sub(start).div_ceil(self.dilation);
        let end = (self.input + self.padding).saturating_sub(start).div_ceil(self.dilation);
        end.min(self.taps).saturating_sub(before)
    }

    /// Calls `each` with a number of taps and how many outputs have as many inside, for all outputs.
    /// Only those at the edges are walked.
    fn each(self, mut each: impl FnMut(u64, u64)) {
        let first = self.padding.div_ceil(self.stride).min(self.outputs);
        let span = self.taps.saturating_sub(1) * self.dilation;
        let end = match (self.input + self.padding).checked_sub(span + 1) {
            Some(last) => (last / self.stride + 1).min(self.outputs),
            None => 0,
        };
        let end = end.max(first);
        for output in (0..first).chain(end..self.outputs) {
            each(self.taps_inside(output), 1);
        }
        if end > first {
            each(self.taps, end - first);
        }
    }

    /// (Output, tap) pairs inside the input.
    fn pairs(self) -> u64 {
        let mut pairs: u64 = 0;
        self.each(|taps, outputs| pairs = pairs.saturating_add(taps.saturating_mul(outputs)));
        pairs
    }
}

/// `base` to the power of `exponent`, in multiplications only: the same on every machine, and never
/// larger for a smaller base.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    result
}

fn product(factors: &[u64], what: &'static str) -> Result<u64, CostError> {
    factors
        .iter()
        .try_fold(1_u64, |product, &factor| product.checked_mul(factor))
        .ok_or(CostError::Overflow { what })
}

/// As the published simulator sees a nest: an output as large as its input, a stride and dilation of 1,
/// and padding to fit.
fn same_size(nest: &Nest) -> Nest {
    Nest {
        output: nest.input,
        stride: [1, 1],
        dilation: [1, 1],
        padding: nest.filter.map(|extent| extent.saturating_sub(1) / 2),
        ..*nest
    }
}

/// Counts of a nest, as [`rtmm_workload::Layer::kernels`] has it.
///
/// # Errors
/// [`CostError`] where a count leaves 64 bits, where masks are not as large as their tensors, and in
/// reference mode for whatever the published simulator refuses.
pub fn cost(
    organisation: &Organisation,
    nest: &Nest,
    operands: Operands<'_>,
    mode: Mode,
) -> Result<LayerCost, CostError> {
    let nest = match mode {
        Mode::Corrected => *nest,
        Mode::Reference => same_size(nest),
    };
    let mapping = Mapping::new(organisation, &nest, mode)?;
    let dense_macs = product(
        &[
            nest.batch.into(),
            nest.groups.into(),
            nest.output_channels.into(),
            nest.input_channels.into(),
            Axis::of(&nest, 0).pairs(),
            Axis::of(&nest, 1).pairs(),
        ],
        "multiply-accumulates",
    )?;
    let (valid_macs, rows) = match operands {
        Operands::Density { weights, activations } => (
            // A dense nest is exact up to 2^53, which is beyond what a layer may have.
            if weights >= 1.0 && activations >= 1.0 {
                dense_macs
            } else {
                (dense_macs as f64 * weights * activations).round() as u64
            },
            expected_rows(&nest, &mapping, activations, mode)?,
        ),
        Operands::Masks { weights, activations } => {
            let masks = Masks::new(&nest, weights, activations)?;
            (masks.valid_macs(), masks.rows(&mapping, mode))
        }
    };
    let Mapping { e, f0, c1, f1, s1, m1, m2, f2, c2, s2, passes, .. } = mapping;
    let batch = u64::from(nest.batch);
    let activation_checks =
        product(&[m1, f1, c1, s1, m2, f2, c2, s2, e, f0, passes, batch], "checks of activations")?;
    let row_cycles =
        product(&[organisation.cycles_per_row.into(), m1, s1, m2, s2, passes, rows], "row cycles")?;
    let mac_cycles = product(&[organisation.cycles_per_mac.into(), valid_macs], "cycles")?;
    let all = mac_cycles
        .checked_add(activation_checks)
        .and_then(|sum| sum.checked_add(row_cycles))
        .ok_or(CostError::Overflow { what: "cycles" })?;
    let pes = organisation.pes().max(1);
    let cycles = match mode {
        Mode::Corrected => all.div_ceil(pes),
        Mode::Reference => all / pes,
    };
    Ok(LayerCost { mapping, dense_macs, valid_macs, rows, activation_checks, row_cycles, cycles })
}

/// The mean of N where each activation is nonzero with probability `density`: a window of `t` rows of
/// `W` columns has something in it with probability `1 - (1 - density)^(W t)`.
fn expected_rows(nest: &Nest, mapping: &Mapping, density: f64, mode: Mode) -> Result<u64, CostError> {
    let zero = 1.0 - density;
    let columns = u64::from(nest.input[1]);
    let mut windows = 0.0;
    let mut add = |taps: u64, outputs: u64| {
        windows += outputs as f64 * (1.0 - power(zero, taps.saturating_mul(columns)));
    };
    match mode {
        Mode::Corrected => Axis::of(nest, 0).each(add),
        Mode::Reference => {
            // Windows stop at the edge of their tile of F0 rows; whole tiles are alike.
            let rows = u64::from(nest.input[0]);
            for (tiles, extent) in [(rows / mapping.f0, mapping.f0), (1, rows % mapping.f0)] {
                let whole = (extent + 1).saturating_sub(mapping.r);
                add(mapping.r, tiles * whole);
                for taps in 1..=(extent - whole) {
                    add(taps, tiles);
                }
            }
        }
    }
    let channels = u64::from(nest.groups) * u64::from(nest.input_channels);
    let rows = (channels as f64 * f64::from(nest.batch) * windows).round();
    if rows < u64::MAX as f64 { Ok(rows as u64) } else { Err(CostError::Overflow { what: "rows" }) }
}

/// Masks that fit a nest.
struct Masks<'m> {
    nest: Nest,
    weights: &'m [bool],
    activations: &'m [bool],
}

impl<'m> Masks<'m> {
    fn new(nest: &Nest, weights: &'m [bool], activations: &'m [bool]) -> Result<Self, CostError> {
        for (what, mask, elements) in [
            ("weights", weights, nest.weight_elements()),
            ("activations", activations, nest.input_elements()),
        ] {
            if u64::try_from(mask.len()) != Ok(elements) {
                return Err(unsupported(format!(
                    "a mask of {} {what} for a layer of {elements}",
                    mask.len()
                )));
            }
        }
        Ok(Self { nest: *nest, weights, activations })
    }

    /// The planes of all inputs and channels, in order.
    fn planes(&self) -> impl Iterator<Item = &'m [bool]> {
        let plane = self.nest.input[0] as usize * self.nest.input[1] as usize;
        self.activations.chunks(plane.max(1))
    }

    /// For each channel and tap: the filters that have it times the outputs that read a nonzero there.
    fn valid_macs(&self) -> u64 {
        let nest = &self.nest;
        let [vertical, horizontal] = [Axis::of(nest, 0), Axis::of(nest, 1)];
        let [filter_rows, filter_columns] = nest.filter.map(|extent| extent as usize);
        let taps = filter_rows * filter_columns;
        let (inputs, outputs) = (nest.input_channels as usize, nest.output_channels as usize);
        let columns = nest.input[1] as usize;
        // Filters with a nonzero weight, by group, input channel and tap.
        let mut filters = vec![0_u64; nest.groups as usize * inputs * taps];
        for (filter, weights) in self.weights.chunks((inputs * taps).max(1)).enumerate() {
            let group = &mut filters[filter / outputs.max(1) * inputs * taps..][..weights.len()];
            for (count, &weight) in group.iter_mut().zip(weights) {
                *count += u64::from(weight);
            }
        }
        let mut valid = 0;
        for (plane, activations) in self.planes().enumerate() {
            let channel = plane % (nest.groups as usize * inputs);
            let filters = &filters[channel * taps..][..taps];
            for (tap, &filters) in filters.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (row, column) = ((tap / filter_columns) as u64, (tap % filter_columns) as u64);
                let mut reads = 0;
                for y in (0..vertical.outputs).filter_map(|output| vertical.input_of(output, row)) {
                    let line = &activations[y as usize * columns..][..columns];
                    reads += (0..horizontal.outputs)
                        .filter_map(|output| horizontal.input_of(output, column))
                        .filter(|&x| line[x as usize])
                        .count() as u64;
                }
                valid += filters * reads;
            }
        }
        valid
    }

    /// N.
    fn rows(&self, mapping: &Mapping, mode: Mode) -> u64 {
        let vertical = Axis::of(&self.nest, 0);
        let mut rows = 0;
        for plane in self.planes() {
            let live: Vec<bool> =
                plane.chunks((self.nest.input[1] as usize).max(1)).map(|line| line.contains(&true)).collect();
            rows += match mode {
                Mode::Corrected => (0..vertical.outputs)
                    .filter(|&output| vertical.inputs_of(output).any(|row| live[row as usize]))
                    .count(),
                Mode::Reference => live
                    .chunks(mapping.f0 as usize)
                    .map(|tile| {
                        let window = |row| &tile[row..tile.len().min(row + mapping.r as usize)];
                        (0..tile.len()).filter(|&row| window(row).contains(&true)).count()
                    })
                    .sum(),
            } as u64;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_walked_and_the_middle_is_counted() {
        for outputs in 1..9 {
            for (taps, stride, dilation, padding, input) in [
                (1, 1, 1, 0, 9),
                (3, 1, 1, 1, 5),
                (3, 2, 1, 1, 7),
                (3, 1, 2, 2, 5),
                (5, 3, 2, 4, 3),
                (9, 1, 1, 8, 2),
                (2, 4, 1, 0, 20),
                (1, 3, 1, 0, 2),
            ] {
                let axis = Axis { outputs, taps, stride, dilation, padding, input };
                let mut walked: Vec<u64> = (0..outputs).map(|at| axis.inputs_of(at).count() as u64).collect();
                let counted: Vec<u64> = (0..outputs).map(|at| axis.taps_inside(at)).collect();
                assert_eq!(walked, counted);
                let mut counted = Vec::new();
                axis.each(|taps, outputs| counted.extend((0..outputs).map(|_| taps)));
                walked.sort_unstable();
                counted.sort_unstable();
                assert_eq!(walked, counted);
            }
        }
    }
}
