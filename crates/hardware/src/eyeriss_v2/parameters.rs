//! What a file says of an Eyeriss v2.

use rtmm_workload::input::Table;
use serde::Serialize;

use super::mapping::Organisation;
use crate::blocks::{MAX_LANES, VectorUnit, horowitz, picojoules};
use crate::decode::Parameter;

/// The keys of the `eyeriss_v2` cost model.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "weight_sparsity",
        meaning: "share of zero weights of the profile, 0 to 1; default: 0",
    },
    Parameter {
        name: "activation_sparsity",
        meaning: "share of zero activations of the profile, 0 to 1; default: 0",
    },
    Parameter {
        name: "pes_filter_columns",
        meaning: "processing elements across filter columns; default: 3, which makes 192 with the other three",
    },
    Parameter { name: "pes_output_rows", meaning: "processing elements across output rows; default: 4" },
    Parameter {
        name: "pes_input_channels",
        meaning: "processing elements across input channels; default: 8",
    },
    Parameter {
        name: "pes_output_channels",
        meaning: "processing elements across output channels; default: 2",
    },
    Parameter {
        name: "output_channels_per_pe",
        meaning: "output channels that one processing element sums; default: 32",
    },
    Parameter {
        name: "spad_height",
        meaning: "activations in the scratch pad of a processing element; default: 16",
    },
    Parameter {
        name: "activation_glb_bits",
        meaning: "global buffer for activations, in bits; default: 96000",
    },
    Parameter { name: "activation_bits", meaning: "bits of an activation, 1 to 64; default: 8" },
    Parameter {
        name: "cycles_per_mac",
        meaning: "cycles of a multiply-accumulate of two nonzeros; default: 4",
    },
    Parameter { name: "cycles_per_row", meaning: "cycles of an access to an image row; default: 2" },
    Parameter {
        name: "vector_lanes",
        meaning: "vector operations a cycle, corrected mode only; default: as many as processing elements",
    },
    Parameter {
        name: "vector_bandwidth",
        meaning: "elements a cycle to and from the vector unit; default: 2 x vector_lanes",
    },
    Parameter {
        name: "mac_pj",
        meaning: "pJ of a multiply-accumulate of two nonzeros and of a vector operation; default: 0.3 \
                  (Horowitz 2014)",
    },
    Parameter {
        name: "activation_pj",
        meaning: "pJ of checking an activation; default: 0.15625 x activation_bits (Horowitz 2014)",
    },
    Parameter {
        name: "row_pj",
        meaning: "pJ of an access to an image row; default: 0.15625 x activation_bits (Horowitz 2014)",
    },
    Parameter { name: "static_pj_per_cycle", meaning: "pJ that every cycle costs; default: 0" },
];

/// The most of a count: it leaves room for products of several.
const MAX_COUNT: u32 = 1 << 16;
/// The largest buffer, in bits.
const MAX_BITS: u64 = 1 << 53;

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
    /// Picojoules of a multiply-accumulate of two nonzeros, and of a vector operation.
    pub mac_pj: f64,
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
            activation_pj: access_pj,
            row_pj: access_pj,
            static_pj_per_cycle: 0.0,
        }
    }
}

/// Reads the parameters from an accelerator's table.
pub(super) fn read(table: &Table<'_>) -> EyerissParameters {
    let count = |key: &str, default: u32| table.or(key, default, |value| value.integer(1..=MAX_COUNT));
    let usual = Organisation::default();
    let organisation = Organisation {
        pes_filter_columns: count("pes_filter_columns", usual.pes_filter_columns),
        pes_output_rows: count("pes_output_rows", usual.pes_output_rows),
        pes_input_channels: count("pes_input_channels", usual.pes_input_channels),
        pes_output_channels: count("pes_output_channels", usual.pes_output_channels),
        output_channels_per_pe: count("output_channels_per_pe", usual.output_channels_per_pe),
        spad_height: count("spad_height", usual.spad_height),
        activation_glb_bits: table
            .or("activation_glb_bits", usual.activation_glb_bits, |value| value.integer(1..=MAX_BITS)),
        activation_bits: table.or("activation_bits", usual.activation_bits, |value| value.integer(1..=64)),
        cycles_per_mac: count("cycles_per_mac", usual.cycles_per_mac),
        cycles_per_row: table
            .or("cycles_per_row", usual.cycles_per_row, |value| value.integer(0..=MAX_COUNT)),
    };
    let default = EyerissParameters::with(organisation);
    // A zero with a sign would be another text in the identity.
    let share = |key: &str| table.or(key, 0.0, |value| value.probability().map(f64::abs));
    EyerissParameters {
        organisation,
        weight_sparsity: share("weight_sparsity"),
        activation_sparsity: share("activation_sparsity"),
        vector_unit: VectorUnit::decode(table, default.vector_unit.lanes, MAX_LANES),
        mac_pj: picojoules(table, "mac_pj", default.mac_pj),
        activation_pj: picojoules(table, "activation_pj", default.activation_pj),
        row_pj: picojoules(table, "row_pj", default.row_pj),
        static_pj_per_cycle: picojoules(table, "static_pj_per_cycle", default.static_pj_per_cycle),
    }
}
