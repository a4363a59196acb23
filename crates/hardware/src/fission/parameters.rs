//! Parameters of a fissionable array, as files state them, and of a part of it.

use rtmm_workload::input::Table;
use rtmm_workload::parameters::{Declared, Integer, Real, Schema, Typed};
use serde::Serialize;

use crate::blocks::{STATIC, VECTOR, VectorUnit, derived_energy_key, picojoules};
use crate::decode::{Indivisible, Surroundings};
use crate::systolic::parameters::{
    DATAFLOW, DRAM_BANDWIDTH, DRAM_PJ, ELEMENT_BYTES, FILTER_BYTES, IFMAP_BYTES, MAC_PJ, OFMAP_BYTES,
    SRAM_PJ, read_arrays,
};
use crate::systolic::{MAX_ARRAY_EXTENT, SystolicParameters};
use crate::units::MAX_UNITS;

/// The longest way between clusters, in millimetres.
const MAX_BUS_MM: f64 = 1_000.0;

const SUBARRAYS: Integer<u32> =
    Integer::required("subarrays", "equal subarrays of the accelerator", 1..=MAX_UNITS);
const ROWS: Integer<u32> = Integer::required("rows", "rows of a subarray", 1..=MAX_ARRAY_EXTENT);
const COLS: Integer<u32> = Integer::required("cols", "columns of a subarray", 1..=MAX_ARRAY_EXTENT);
const VECTOR_LANES: Integer<u64> =
    VectorUnit::lanes_key("vector operations a cycle of all subarrays", "cols x subarrays");
const BUS_PJ: Real = derived_energy_key(
    "bus_pj",
    "energy of a byte that the bus takes to one more cluster",
    "0; the technology's of one hop and bus_mm of wire",
);
const BUS_MM: Real = Real::new(
    "bus_mm",
    "length of the bus from one cluster to the next, which a technology prices",
    0.0,
    0.0..=MAX_BUS_MM,
)
.in_unit("mm");

/// The keys of the `fission` cost model.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[
        &DATAFLOW,
        &SUBARRAYS,
        &ROWS,
        &COLS,
        &VECTOR_LANES,
        &VectorUnit::BANDWIDTH,
        &ELEMENT_BYTES,
        &IFMAP_BYTES,
        &FILTER_BYTES,
        &OFMAP_BYTES,
        &DRAM_BANDWIDTH,
        &MAC_PJ,
        &VECTOR,
        &SRAM_PJ,
        &BUS_PJ,
        &BUS_MM,
        &DRAM_PJ,
        &STATIC,
    ]])
}

/// All parameters of the `fission` cost model, defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FissionParameters {
    /// Subarrays.
    pub subarrays: u32,
    /// Picojoules of a byte that the bus takes to one more cluster.
    pub bus_pj: f64,
    /// Rows and columns are those of a subarray, all else is of the subarrays together.
    #[serde(flatten)]
    pub arrays: SystolicParameters,
}

impl FissionParameters {
    /// The parameters of `units` of `of` equal units: their part of the subarrays, of each buffer, of bandwidth, vector
    /// lanes and static energy, rounded down.
    pub(super) fn part(&self, units: u32, of: u32) -> Result<Self, Indivisible> {
        if of == 0 || !self.subarrays.is_multiple_of(of) {
            return Err(Indivisible::Uneven { what: "subarrays", count: self.subarrays, units: of });
        }
        let share = |whole: u64, key: &'static str| {
            let part = u128::from(whole) * u128::from(units.min(of)) / u128::from(of);
            // Never above the whole, so the conversion holds.
            match u64::try_from(part).unwrap_or(whole) {
                0 => Err(Indivisible::Nothing { key, units, of }),
                part => Ok(part),
            }
        };
        let if_stated = |whole: Option<u64>, key| whole.map(|whole| share(whole, key)).transpose();
        // Each half of a buffer holds an element.
        let buffer = |whole: Option<u64>, key: &'static str| match if_stated(whole, key)? {
            Some(part) if part < 2 * self.arrays.element_bytes => {
                Err(Indivisible::Nothing { key, units, of })
            }
            part => Ok(part),
        };
        let SystolicParameters { vector_unit: VectorUnit { lanes, bandwidth }, .. } = self.arrays;
        let arrays = SystolicParameters {
            vector_unit: VectorUnit {
                lanes: share(lanes, "vector_lanes")?,
                bandwidth: share(bandwidth, "vector_bandwidth")?,
            },
            sram_ifmap_bytes: buffer(self.arrays.sram_ifmap_bytes, "sram_ifmap_bytes")?,
            sram_filter_bytes: buffer(self.arrays.sram_filter_bytes, "sram_filter_bytes")?,
            sram_ofmap_bytes: buffer(self.arrays.sram_ofmap_bytes, "sram_ofmap_bytes")?,
            dram_bandwidth_millionths: if_stated(self.arrays.dram_bandwidth_millionths, "dram_bandwidth")?,
            static_pj_per_cycle: self.arrays.static_pj_per_cycle * f64::from(units.min(of)) / f64::from(of),
            ..self.arrays
        };
        Ok(Self { subarrays: self.subarrays / of * units.min(of), arrays, ..*self })
    }
}

/// Reads the parameters from an accelerator's table.
pub(super) fn read(table: &Table<'_>, surroundings: &Surroundings) -> Option<FissionParameters> {
    let subarrays = SUBARRAYS.stated(table);
    let lanes = &VECTOR_LANES;
    let arrays = read_arrays(table, surroundings, [&ROWS, &COLS], lanes, subarrays.unwrap_or(1));
    let millimetres = BUS_MM.stated_or_default(table).abs();
    let element_bytes = arrays.map_or(1, |arrays| arrays.element_bytes);
    let bus = surroundings.price(0.0, |prices| prices.bus_byte(millimetres, element_bytes));
    let bus_pj = picojoules(table, &BUS_PJ, bus);
    if surroundings.prices.is_none() && !table.has(BUS_PJ.name()) && millimetres > 0.0 {
        table.optional(BUS_MM.name(), |value| {
            value.reject::<()>("no wire has a price here", "state `bus_pj`, or name a `technology`")
        });
    }
    let (subarrays, arrays) = (subarrays?, arrays?);
    for (extent, key) in [(arrays.rows, &ROWS), (arrays.cols, &COLS)] {
        let joined = u64::from(extent) * u64::from(subarrays);
        if joined > u64::from(MAX_ARRAY_EXTENT) {
            let message = format!("`subarrays` x `{}` is {joined}", key.name());
            let help = format!(
                "an array has at most {MAX_ARRAY_EXTENT} rows and columns: state fewer or smaller subarrays"
            );
            return table.required(key.name(), |value| value.reject(message, help));
        }
    }
    Some(FissionParameters { subarrays, bus_pj, arrays })
}
