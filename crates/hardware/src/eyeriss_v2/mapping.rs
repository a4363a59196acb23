//! Tiling of a nest onto the processing elements.

use rtmm_workload::Nest;
use serde::Serialize;

use crate::cost::CostError;
use crate::decode::Mode;

pub(super) const NAME: &str = "eyeriss_v2";

/// Channels of images: as many stay together whatever the scratch pad holds.
const IMAGE_CHANNELS: u64 = 3;

/// The processing elements and what is beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Organisation {
    /// Processing elements across filter columns; those across the other three multiply with it.
    pub pes_filter_columns: u32,
    /// Processing elements across output rows.
    pub pes_output_rows: u32,
    /// Processing elements across input channels.
    pub pes_input_channels: u32,
    /// Processing elements across output channels.
    pub pes_output_channels: u32,
    /// Output channels that one processing element sums.
    pub output_channels_per_pe: u32,
    /// Activations that a processing element's scratch pad holds.
    pub spad_height: u32,
    /// The global buffer for activations, in bits.
    pub activation_glb_bits: u64,
    /// Bits of an activation.
    pub activation_bits: u32,
    /// Cycles of a multiply-accumulate whose operands are both nonzero.
    pub cycles_per_mac: u32,
    /// Cycles of an access to an image row.
    pub cycles_per_row: u32,
}

impl Default for Organisation {
    fn default() -> Self {
        Self::PUBLISHED
    }
}

impl Organisation {
    /// The organisation of the Dysta artifact: 192 processing elements, and a buffer enlarged to fit SSD.
    pub const PUBLISHED: Self = Self {
        pes_filter_columns: 3,
        pes_output_rows: 4,
        pes_input_channels: 8,
        pes_output_channels: 2,
        output_channels_per_pe: 32,
        spad_height: 16,
        activation_glb_bits: 96_000,
        activation_bits: 8,
        cycles_per_mac: 4,
        cycles_per_row: 2,
    };

    /// All processing elements.
    #[must_use]
    pub fn pes(&self) -> u64 {
        [self.pes_filter_columns, self.pes_output_rows, self.pes_input_channels, self.pes_output_channels]
            .iter()
            .fold(1, |product: u64, &count| product.saturating_mul(count.into()))
    }
}

/// Extents of the tiles: those that end in 0 within a processing element, in 1 across the array, in 2
/// one after the other.
///
/// R and S are filter rows and columns, C input channels of all groups, M output channels of one group,
/// E output columns, F output rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the equations' own; their meaning is above")]
pub struct Mapping {
    pub r: u64,
    pub c0: u64,
    pub e: u64,
    pub f0: u64,
    pub m0: u64,
    pub c1: u64,
    pub f1: u64,
    pub s1: u64,
    pub m1: u64,
    pub m2: u64,
    pub f2: u64,
    pub c2: u64,
    pub s2: u64,
    /// Passes over filters with more rows than the scratch pad; 1 for all others.
    pub passes: u64,
}

/// The largest power of two up to `value`; 0 of 0.
fn power_of_two_within(value: u64) -> u64 {
    value.checked_ilog2().map_or(0, |log| 1 << log)
}

/// `across` tiles of `tile` if there are as many, else all whole ones; at least 1.
fn tiles_across(across: u32, tile: u64, extent: u64) -> u64 {
    let across = u64::from(across);
    if across.saturating_mul(tile) <= extent { across } else { (extent / tile).max(1) }
}

pub(super) fn unsupported(what: impl Into<String>) -> CostError {
    CostError::Unsupported { model: NAME, what: what.into() }
}

impl Mapping {
    /// The tiles of a nest as [`rtmm_workload::Layer::kernels`] has them; in reference mode of one
    /// whose output is as large as its input.
    pub(super) fn new(organisation: &Organisation, nest: &Nest, mode: Mode) -> Result<Self, CostError> {
        let [filter_rows, filter_columns] = nest.filter.map(u64::from);
        let [output_rows, output_columns] = nest.output.map(|extent| u64::from(extent).max(1));
        let input_columns = u64::from(nest.input[1]).max(1);
        let channels = (u64::from(nest.groups) * u64::from(nest.input_channels)).max(1);
        let output_channels = u64::from(nest.output_channels).max(1);
        let r = filter_rows.max(1);
        let spad = u64::from(organisation.spad_height);
        let c0 = if channels <= IMAGE_CHANNELS {
            channels
        } else {
            power_of_two_within(spad / r).max(1).min(channels)
        };
        let row_bits = u128::from(input_columns)
            * u128::from(r)
            * u128::from(c0)
            * u128::from(organisation.activation_bits.max(1));
        // No more than the buffer has bits, so that the quotient fits.
        let resident_rows = (u128::from(organisation.activation_glb_bits) / row_bits) as u64;
        let f0 = power_of_two_within(resident_rows).max(1).min(output_rows);
        let m0 = u64::from(organisation.output_channels_per_pe).max(1).min(output_channels);
        let c1 = tiles_across(organisation.pes_input_channels, c0, channels);
        let f1 = tiles_across(organisation.pes_output_rows, f0, output_rows);
        let s1 = u64::from(organisation.pes_filter_columns).max(1).min(filter_columns.max(1));
        let m1 = tiles_across(organisation.pes_output_channels, m0, output_channels);
        let mapping = Self {
            r,
            c0,
            e: output_columns,
            f0,
            m0,
            c1,
            f1,
            s1,
            m1,
            m2: output_channels.div_ceil(m0 * m1),
            f2: output_rows.div_ceil(f0 * f1),
            c2: channels.div_ceil(c0 * c1),
            s2: filter_columns.div_ceil(s1).max(1),
            passes: r.div_ceil(spad.max(1)),
        };
        if mode == Mode::Reference {
            mapping.assert_as_the_tool(nest, channels, resident_rows)?;
        }
        Ok(mapping)
    }

    /// Assertions of the published simulator, as errors.
    fn assert_as_the_tool(&self, nest: &Nest, channels: u64, resident_rows: u64) -> Result<(), CostError> {
        let Self { r, c0, c1, c2, passes, .. } = *self;
        if nest.batch != 1 {
            return Err(unsupported(format!("a batch of {} in reference mode", nest.batch)));
        }
        if nest.input[0] != nest.input[1] {
            let [rows, columns] = nest.input;
            return Err(unsupported(format!("a map of {rows} x {columns} in reference mode: not square")));
        }
        if passes > 1 {
            return Err(unsupported(format!(
                "a filter of {r} rows in reference mode: more than the scratch pad has"
            )));
        }
        if resident_rows == 0 {
            return Err(unsupported("rows in reference mode that do not fit the activation buffer"));
        }
        if c0 * c1 * c2 != channels {
            return Err(unsupported(format!(
                "{channels} input channels in reference mode: not a multiple of its tile of {}",
                c0 * c1
            )));
        }
        Ok(())
    }

    /// Steps from which the array goes on to another tile.
    #[must_use]
    pub fn steps(&self) -> u64 {
        [self.f2, self.c2, self.s2, self.passes]
            .iter()
            .fold(self.m2, |product, &count| product.saturating_mul(count))
    }
}
