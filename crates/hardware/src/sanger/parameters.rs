//! Parameters of a Sanger, as files state them.

use rtmm_workload::input::Table;
use rtmm_workload::parameters::{Decimal, Integer, Real, Schema, Typed};
use serde::Serialize;

use crate::blocks::{
    EnergyTable, MAX_LANES, STATIC, VECTOR, VectorUnit, energy_key, horowitz, picojoules, vector_pj,
};
use crate::decode::Surroundings;
use crate::technology::{Price, PriceOf};

/// The most rows, columns and multipliers a row.
const MAX_EXTENT: u32 = 4096;
/// The longest sequence.
const MAX_TOKENS: u32 = 1 << 24;
/// The largest bandwidth, in millionths of a byte a cycle.
const MAX_BANDWIDTH_MILLIONTHS: u64 = 1_000_000_000_000;
/// The least load balance; sample traces have no less.
const MIN_BALANCE: f64 = 1e-6;

const USUAL: SangerParameters = SangerParameters::PUBLISHED;
const ATTENTION_SPARSITY: Real = Real::new(
    "attention_sparsity",
    "share of zeros in the attention map of the profile",
    USUAL.attention_sparsity,
    0.0..=1.0,
);
const LOAD_BALANCE: Real = Real::new(
    "load_balance",
    "how evenly the packed rows of the profile are filled",
    USUAL.load_balance,
    MIN_BALANCE..=1.0,
);
const SEQUENCE_LENGTH: Integer<u32> = Integer::derived(
    "sequence_length",
    "tokens of every attention layer",
    "the layer's own; 512 in reference mode",
    1..=MAX_TOKENS,
);
const ROWS: Integer<u32> = extent("rows", "rows of the array", USUAL.rows);
const COLS: Integer<u32> = extent("cols", "columns of the array", USUAL.cols);
const LINEAR_PES: Integer<u32> =
    extent("linear_pes", "multipliers a row that dense products use", USUAL.linear_pes);
const ELEMENT_BYTES: Integer<u32> =
    Integer::new("element_bytes", "size of an element", USUAL.element_bytes, 1..=8).in_unit("bytes");
const DRAM_BANDWIDTH: Decimal = Decimal::new(
    "dram_bandwidth",
    "bandwidth to and from off-chip memory; the default is 128 GB/s at 1 GHz",
    USUAL.dram_bandwidth_millionths,
    1..=MAX_BANDWIDTH_MILLIONTHS,
)
.in_unit("bytes a cycle");
const VECTOR_LANES: Integer<u64> =
    VectorUnit::lanes_key("vector operations a cycle, corrected mode only", "cols");
const MAC_PJ: Real = energy_key(
    "mac_pj",
    "energy of a multiply-accumulate and of a vector operation (Horowitz 2014)",
    USUAL.mac_pj,
);
const DRAM_PJ: Real =
    energy_key("dram_pj", "energy of a byte to or from off-chip memory (Horowitz 2014)", USUAL.dram_pj);

const fn extent(name: &'static str, meaning: &'static str, default: u32) -> Integer<u32> {
    Integer::new(name, meaning, default, 1..=MAX_EXTENT)
}

/// The keys of the `sanger` cost model.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[
        &ATTENTION_SPARSITY,
        &LOAD_BALANCE,
        &SEQUENCE_LENGTH,
        &ROWS,
        &COLS,
        &LINEAR_PES,
        &ELEMENT_BYTES,
        &DRAM_BANDWIDTH,
        &VECTOR_LANES,
        &VectorUnit::BANDWIDTH,
        &MAC_PJ,
        &VECTOR,
        &DRAM_PJ,
        &STATIC,
    ]])
}

/// All parameters of the `sanger` cost model, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SangerParameters {
    /// Share of zeros in the attention map of the profile.
    pub attention_sparsity: f64,
    /// Balance of the packed rows of the profile.
    pub load_balance: f64,
    /// Tokens of every attention layer, whatever its own.
    pub sequence_length: Option<u32>,
    /// Rows of the array.
    pub rows: u32,
    /// Columns of the array.
    pub cols: u32,
    /// Multipliers a row that dense products use.
    pub linear_pes: u32,
    /// Bytes of an element.
    pub element_bytes: u32,
    /// Off-chip bandwidth in millionths of a byte a cycle.
    pub dram_bandwidth_millionths: u64,
    /// The vector unit.
    #[serde(flatten)]
    pub vector_unit: VectorUnit,
    /// Picojoules of a multiply-accumulate.
    pub mac_pj: f64,
    /// Picojoules of a vector operation; `None` is those of a multiply-accumulate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector_pj: Option<f64>,
    /// Picojoules of a byte to or from off-chip memory.
    pub dram_pj: f64,
    /// Picojoules of every cycle.
    pub static_pj_per_cycle: f64,
}

impl SangerParameters {
    /// The array of the Dysta artifact, dense.
    pub const PUBLISHED: Self = Self {
        attention_sparsity: 0.0,
        load_balance: 1.0,
        sequence_length: None,
        rows: 64,
        cols: 64,
        linear_pes: 16,
        element_bytes: 2,
        dram_bandwidth_millionths: 128_000_000,
        vector_unit: VectorUnit::with_lanes(64),
        // 16-bit floating point.
        mac_pj: horowitz::mac_pj(2),
        vector_pj: None,
        dram_pj: horowitz::DRAM_BYTE_PJ,
        static_pj_per_cycle: 0.0,
    };

    /// The published array with the prices of a technology, where there is one.
    pub(crate) fn usual(surroundings: &Surroundings) -> Self {
        priced(Self::PUBLISHED, surroundings)
    }

    /// No memory on chip is counted.
    pub(super) const fn energies(&self) -> EnergyTable {
        let Self { mac_pj, vector_pj, dram_pj, static_pj_per_cycle, .. } = *self;
        EnergyTable {
            mac: mac_pj,
            vector: vector_pj,
            l1: 0.0,
            l2: 0.0,
            dram: dram_pj,
            static_per_cycle: static_pj_per_cycle,
        }
    }

    pub(super) fn prices(&self) -> Vec<Price> {
        let mac = PriceOf::Mac { element_bytes: self.element_bytes.into() };
        vec![
            Price::new(mac, self.mac_pj, "operation"),
            Price::new(PriceOf::Vector, self.vector_pj.unwrap_or(self.mac_pj), "operation"),
            Price::new(PriceOf::Dram, self.dram_pj, "byte"),
            Price::new(PriceOf::Static, self.static_pj_per_cycle, "cycle"),
        ]
    }
}

/// The parameters with a technology's prices for elements and an array as large; as they are without one.
fn priced(parameters: SangerParameters, surroundings: &Surroundings) -> SangerParameters {
    let Some(prices) = surroundings.prices.as_deref() else { return parameters };
    let element_bytes = parameters.element_bytes.into();
    let cells = u64::from(parameters.rows) * u64::from(parameters.cols);
    SangerParameters {
        mac_pj: prices.mac(element_bytes),
        vector_pj: prices.vector(element_bytes),
        dram_pj: prices.dram_byte(element_bytes),
        static_pj_per_cycle: prices.leakage(cells, 0, surroundings.clock_hz),
        ..parameters
    }
}

impl Default for SangerParameters {
    fn default() -> Self {
        Self::PUBLISHED
    }
}

/// Reads the parameters from a table whose keys are known to be [`keys`].
pub(crate) fn read_parameters(table: &Table<'_>, surroundings: &Surroundings) -> SangerParameters {
    let cols = COLS.stated_or_default(table);
    let (rows, element_bytes) = (ROWS.stated_or_default(table), ELEMENT_BYTES.stated_or_default(table));
    let usual = priced(SangerParameters { rows, cols, element_bytes, ..USUAL }, surroundings);
    SangerParameters {
        // A zero with a sign would be another text in the identity.
        attention_sparsity: ATTENTION_SPARSITY.stated_or_default(table).abs(),
        load_balance: LOAD_BALANCE.stated_or_default(table),
        sequence_length: SEQUENCE_LENGTH.stated(table),
        rows,
        cols,
        linear_pes: LINEAR_PES.stated_or_default(table),
        element_bytes,
        dram_bandwidth_millionths: DRAM_BANDWIDTH.stated_or_default(table),
        vector_unit: VectorUnit::decode(table, &VECTOR_LANES, cols.into(), MAX_LANES),
        mac_pj: picojoules(table, &MAC_PJ, usual.mac_pj),
        vector_pj: vector_pj(table, surroundings, element_bytes.into()),
        dram_pj: picojoules(table, &DRAM_PJ, usual.dram_pj),
        static_pj_per_cycle: picojoules(table, &STATIC, usual.static_pj_per_cycle),
    }
}
