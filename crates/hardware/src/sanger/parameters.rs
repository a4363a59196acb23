//! What a file says of a Sanger.

use rtmm_workload::input::Table;
use serde::Serialize;

use crate::blocks::{MAX_LANES, VectorUnit, horowitz, picojoules};
use crate::decode::Parameter;

/// The keys of the `sanger` cost model.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "attention_sparsity",
        meaning: "share of zeros in the attention map of the profile, 0 to 1; default: 0",
    },
    Parameter {
        name: "load_balance",
        meaning: "how evenly the packed rows of the profile are filled, above 0 and up to 1; default: 1",
    },
    Parameter {
        name: "sequence_length",
        meaning: "tokens of every attention layer; default: the layer's own, 512 in reference mode",
    },
    Parameter { name: "rows", meaning: "rows of the array; default: 64" },
    Parameter { name: "cols", meaning: "columns of the array; default: 64" },
    Parameter { name: "linear_pes", meaning: "multipliers a row that dense products use; default: 16" },
    Parameter { name: "element_bytes", meaning: "bytes of an element, 1 to 8; default: 2" },
    Parameter {
        name: "dram_bandwidth",
        meaning: "bytes a cycle to and from off-chip memory, at most six decimals; default: 128, which is \
                  128 GB/s at 1 GHz",
    },
    Parameter {
        name: "vector_lanes",
        meaning: "vector operations a cycle, corrected mode only; default: cols",
    },
    Parameter {
        name: "vector_bandwidth",
        meaning: "elements a cycle to and from the vector unit; default: 2 x vector_lanes",
    },
    Parameter {
        name: "mac_pj",
        meaning: "pJ of a multiply-accumulate and of a vector operation; default: 2.0 (Horowitz 2014)",
    },
    Parameter {
        name: "dram_pj",
        meaning: "pJ of a byte to or from off-chip memory; default: 325 (Horowitz 2014)",
    },
    Parameter { name: "static_pj_per_cycle", meaning: "pJ that every cycle costs; default: 0" },
];

/// The most rows, columns and multipliers a row.
const MAX_EXTENT: u32 = 4096;
/// The longest sequence.
const MAX_TOKENS: u32 = 1 << 24;
/// The largest bandwidth, in millionths of a byte a cycle.
const MAX_BANDWIDTH_MILLIONTHS: u64 = 1_000_000_000_000;
/// The least load balance; sample traces have no less.
const MIN_BALANCE: f64 = 1e-6;

/// All parameters of the `sanger` cost model, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SangerParameters {
    /// Share of zeros in the attention map of the profile.
    pub attention_sparsity: f64,
    /// How evenly the packed rows of the profile are filled.
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
    /// Picojoules of a multiply-accumulate and of a vector operation.
    pub mac_pj: f64,
    /// Picojoules of a byte to or from off-chip memory.
    pub dram_pj: f64,
    /// Picojoules of every cycle.
    pub static_pj_per_cycle: f64,
}

/// The array of the Dysta artifact, dense.
impl Default for SangerParameters {
    fn default() -> Self {
        Self {
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
            dram_pj: horowitz::DRAM_BYTE_PJ,
            static_pj_per_cycle: 0.0,
        }
    }
}

/// Reads the parameters from a table whose keys are known to be [`PARAMETERS`].
pub(crate) fn read_parameters(table: &Table<'_>) -> SangerParameters {
    let default = SangerParameters::default();
    let extent = |key: &str, default| table.or(key, default, |value| value.integer(1..=MAX_EXTENT));
    let cols = extent("cols", default.cols);
    SangerParameters {
        attention_sparsity: table
            .or("attention_sparsity", default.attention_sparsity, |value| value.probability().map(f64::abs)),
        load_balance: table.or("load_balance", default.load_balance, |value| value.number(MIN_BALANCE..=1.0)),
        sequence_length: table.optional("sequence_length", |value| value.integer(1..=MAX_TOKENS)),
        rows: extent("rows", default.rows),
        cols,
        linear_pes: extent("linear_pes", default.linear_pes),
        element_bytes: table.or("element_bytes", default.element_bytes, |value| value.integer(1..=8)),
        dram_bandwidth_millionths: table.or("dram_bandwidth", default.dram_bandwidth_millionths, |value| {
            value.millionths(1..=MAX_BANDWIDTH_MILLIONTHS)
        }),
        vector_unit: VectorUnit::decode(table, cols.into(), MAX_LANES),
        mac_pj: picojoules(table, "mac_pj", default.mac_pj),
        dram_pj: picojoules(table, "dram_pj", default.dram_pj),
        static_pj_per_cycle: picojoules(table, "static_pj_per_cycle", default.static_pj_per_cycle),
    }
}
