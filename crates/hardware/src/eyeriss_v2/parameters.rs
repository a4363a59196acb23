//! Parameters of an Eyeriss v2, as files state them.

use rtmm_workload::input::Table;
use rtmm_workload::parameters::{Integer, Real, Schema, Typed};
use serde::Serialize;

use super::mapping::Organisation;
use crate::blocks::{
    EnergyTable, MAX_LANES, STATIC, VECTOR, VectorUnit, derived_energy_key, energy_key, horowitz, picojoules,
    vector_pj,
};
use crate::decode::Surroundings;
use crate::technology::{Place, Price, PriceOf, Prices};

/// The most of a count: it leaves room for products of several.
const MAX_COUNT: u32 = 1 << 16;
/// The largest buffer, in bits.
const MAX_BITS: u64 = 1 << 53;

const USUAL: Organisation = Organisation::PUBLISHED;
const WEIGHT_SPARSITY: Real = share("weight_sparsity", "share of zero weights of the profile");
const ACTIVATION_SPARSITY: Real = share("activation_sparsity", "share of zero activations of the profile");
const PES_FILTER_COLUMNS: Integer<u32> =
    count("pes_filter_columns", "processing elements across filter columns", USUAL.pes_filter_columns);
const PES_OUTPUT_ROWS: Integer<u32> =
    count("pes_output_rows", "processing elements across output rows", USUAL.pes_output_rows);
const PES_INPUT_CHANNELS: Integer<u32> =
    count("pes_input_channels", "processing elements across input channels", USUAL.pes_input_channels);
const PES_OUTPUT_CHANNELS: Integer<u32> =
    count("pes_output_channels", "processing elements across output channels", USUAL.pes_output_channels);
const OUTPUT_CHANNELS_PER_PE: Integer<u32> = count(
    "output_channels_per_pe",
    "output channels that one processing element sums",
    USUAL.output_channels_per_pe,
);
const SPAD_HEIGHT: Integer<u32> =
    count("spad_height", "activations in the scratch pad of a processing element", USUAL.spad_height);
const ACTIVATION_GLB_BITS: Integer<u64> = Integer::new(
    "activation_glb_bits",
    "global buffer for activations",
    USUAL.activation_glb_bits,
    1..=MAX_BITS,
)
.in_unit("bits");
const ACTIVATION_BITS: Integer<u32> =
    Integer::new("activation_bits", "size of an activation", USUAL.activation_bits, 1..=64).in_unit("bits");
const CYCLES_PER_MAC: Integer<u32> =
    count("cycles_per_mac", "cycles of a multiply-accumulate of two nonzeros", USUAL.cycles_per_mac);
const CYCLES_PER_ROW: Integer<u32> = Integer::new(
    "cycles_per_row",
    "cycles of an access to an image row",
    USUAL.cycles_per_row,
    0..=MAX_COUNT,
);
const VECTOR_LANES: Integer<u64> =
    VectorUnit::lanes_key("vector operations a cycle, corrected mode only", "as many as processing elements");
const MAC_PJ: Real = energy_key(
    "mac_pj",
    "energy of a multiply-accumulate of two nonzeros and of a vector operation (Horowitz 2014)",
    horowitz::mac_pj(1),
);
const ACTIVATION_PJ: Real = derived_energy_key(
    "activation_pj",
    "energy of checking an activation",
    "0.15625 x activation_bits (Horowitz 2014)",
);
const ROW_PJ: Real = derived_energy_key(
    "row_pj",
    "energy of an access to an image row",
    "0.15625 x activation_bits (Horowitz 2014)",
);

const fn count(name: &'static str, meaning: &'static str, default: u32) -> Integer<u32> {
    Integer::new(name, meaning, default, 1..=MAX_COUNT)
}

const fn share(name: &'static str, meaning: &'static str) -> Real {
    Real::new(name, meaning, 0.0, 0.0..=1.0)
}

/// The keys of the `eyeriss_v2` cost model.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[
        &WEIGHT_SPARSITY,
        &ACTIVATION_SPARSITY,
        &PES_FILTER_COLUMNS,
        &PES_OUTPUT_ROWS,
        &PES_INPUT_CHANNELS,
        &PES_OUTPUT_CHANNELS,
        &OUTPUT_CHANNELS_PER_PE,
        &SPAD_HEIGHT,
        &ACTIVATION_GLB_BITS,
        &ACTIVATION_BITS,
        &CYCLES_PER_MAC,
        &CYCLES_PER_ROW,
        &VECTOR_LANES,
        &VectorUnit::BANDWIDTH,
        &MAC_PJ,
        &VECTOR,
        &ACTIVATION_PJ,
        &ROW_PJ,
        &STATIC,
    ]])
}

/// All parameters of the `eyeriss_v2` cost model, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EyerissParameters {
    /// The processing elements and what is beside them.
    pub organisation: Organisation,
    /// Share of zero weights of the profile.
    pub weight_sparsity: f64,
    /// Share of zero activations of the profile.
    pub activation_sparsity: f64,
    /// The vector unit.
    #[serde(flatten)]
    pub vector_unit: VectorUnit,
    /// Picojoules of a multiply-accumulate of two nonzeros.
    pub mac_pj: f64,
    /// Picojoules of a vector operation; `None` is those of a multiply-accumulate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector_pj: Option<f64>,
    /// Picojoules of checking an activation.
    pub activation_pj: f64,
    /// Picojoules of an access to an image row.
    pub row_pj: f64,
    /// Picojoules of every cycle.
    pub static_pj_per_cycle: f64,
}

impl Default for EyerissParameters {
    fn default() -> Self {
        Self::with(Organisation::default())
    }
}

impl EyerissParameters {
    /// An organisation with every other parameter at its default, which is dense.
    #[must_use]
    pub fn with(organisation: Organisation) -> Self {
        let access_pj = horowitz::SRAM_8KB_BIT_PJ * f64::from(organisation.activation_bits);
        Self {
            organisation,
            weight_sparsity: 0.0,
            activation_sparsity: 0.0,
            vector_unit: VectorUnit::with_lanes(organisation.pes().min(MAX_LANES)),
            mac_pj: horowitz::mac_pj(1),
            vector_pj: None,
            activation_pj: access_pj,
            row_pj: access_pj,
            static_pj_per_cycle: 0.0,
        }
    }
}

impl EyerissParameters {
    /// The same with a technology's prices: scratch pads and the global buffer by their capacities.
    fn priced(self, prices: &Prices, clock_hz: u64) -> Self {
        let organisation = &self.organisation;
        let (element_bytes, bytes) = (self.element_bytes(), self.activation_bytes());
        let (spad, buffer) = (self.spad_bytes(), self.buffer_bytes());
        let access = |capacity| prices.memory_byte(Place::Element, Some(capacity), element_bytes) * bytes;
        let memories = organisation.pes().saturating_mul(spad).saturating_add(buffer);
        Self {
            mac_pj: prices.mac(element_bytes),
            vector_pj: prices.vector(element_bytes),
            activation_pj: access(spad),
            row_pj: access(buffer),
            static_pj_per_cycle: prices.leakage(organisation.pes(), memories, clock_hz),
            ..self
        }
    }

    /// Bytes of an activation, to the nearest that are whole.
    fn element_bytes(&self) -> u64 {
        u64::from(self.organisation.activation_bits).div_ceil(8)
    }

    fn activation_bytes(&self) -> f64 {
        f64::from(self.organisation.activation_bits) / 8.0
    }

    /// Bytes of the scratch pad of a processing element.
    fn spad_bytes(&self) -> u64 {
        let Organisation { spad_height, activation_bits, .. } = self.organisation;
        (u64::from(spad_height) * u64::from(activation_bits)).div_ceil(8)
    }

    /// Bytes of the global buffer.
    fn buffer_bytes(&self) -> u64 {
        self.organisation.activation_glb_bits.div_ceil(8)
    }

    /// Accesses of both kinds have energies of their own, and no memory off chip is counted.
    pub(super) fn energies(&self) -> EnergyTable {
        EnergyTable {
            mac: self.mac_pj,
            vector: self.vector_pj,
            static_per_cycle: self.static_pj_per_cycle,
            ..EnergyTable::default()
        }
    }

    pub(super) fn prices(&self) -> Vec<Price> {
        let mac = PriceOf::Mac { element_bytes: self.element_bytes() };
        vec![
            Price::new(mac, self.mac_pj, "operation"),
            Price::new(PriceOf::Vector, self.vector_pj.unwrap_or(self.mac_pj), "operation"),
            Price::buffer("scratch pad", self.activation_pj, "element", Some(self.spad_bytes())),
            Price::buffer("global buffer", self.row_pj, "element", Some(self.buffer_bytes())),
            Price::new(PriceOf::Static, self.static_pj_per_cycle, "cycle"),
        ]
    }
}

/// Reads the parameters from an accelerator's table.
pub(super) fn read(table: &Table<'_>, surroundings: &Surroundings) -> EyerissParameters {
    let organisation = Organisation {
        pes_filter_columns: PES_FILTER_COLUMNS.stated_or_default(table),
        pes_output_rows: PES_OUTPUT_ROWS.stated_or_default(table),
        pes_input_channels: PES_INPUT_CHANNELS.stated_or_default(table),
        pes_output_channels: PES_OUTPUT_CHANNELS.stated_or_default(table),
        output_channels_per_pe: OUTPUT_CHANNELS_PER_PE.stated_or_default(table),
        spad_height: SPAD_HEIGHT.stated_or_default(table),
        activation_glb_bits: ACTIVATION_GLB_BITS.stated_or_default(table),
        activation_bits: ACTIVATION_BITS.stated_or_default(table),
        cycles_per_mac: CYCLES_PER_MAC.stated_or_default(table),
        cycles_per_row: CYCLES_PER_ROW.stated_or_default(table),
    };
    let own = EyerissParameters::with(organisation);
    let default = match surroundings.prices.as_deref() {
        None => own,
        Some(prices) => own.priced(prices, surroundings.clock_hz),
    };
    // A zero with a sign would be another text in the identity.
    let share = |share: Real| share.stated_or_default(table).abs();
    EyerissParameters {
        organisation,
        weight_sparsity: share(WEIGHT_SPARSITY),
        activation_sparsity: share(ACTIVATION_SPARSITY),
        vector_unit: VectorUnit::decode(table, &VECTOR_LANES, default.vector_unit.lanes, MAX_LANES),
        mac_pj: picojoules(table, &MAC_PJ, default.mac_pj),
        vector_pj: vector_pj(table, surroundings, default.element_bytes()),
        activation_pj: picojoules(table, &ACTIVATION_PJ, default.activation_pj),
        row_pj: picojoules(table, &ROW_PJ, default.row_pj),
        static_pj_per_cycle: picojoules(table, &STATIC, default.static_pj_per_cycle),
    }
}
