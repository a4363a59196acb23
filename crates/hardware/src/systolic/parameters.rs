//! What a file says of a systolic array.

use rtmm_workload::input::{Table, Value, suggestion};
use serde::Serialize;

use super::array::{Array, Dataflow, MAX_ARRAY_EXTENT};
use super::memory::{Bandwidth, Buffers};
use super::model::Systolic;
use crate::decode::{Decoded, Parameter, Surroundings};
use crate::vector_unit::VectorUnit;

/// The keys of the `systolic` cost model.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "dataflow",
        meaning: "what stays in the cells: os (outputs), ws (weights), is (inputs)",
    },
    Parameter { name: "rows", meaning: "rows of the array, 1 to 4096" },
    Parameter { name: "cols", meaning: "columns of the array, 1 to 4096" },
    Parameter { name: "vector_lanes", meaning: "vector operations a cycle; default: cols" },
    Parameter {
        name: "vector_bandwidth",
        meaning: "elements a cycle to and from the vector unit; default: 2 x vector_lanes",
    },
    Parameter { name: "element_bytes", meaning: "bytes of an element, 1 to 4; default: 1" },
    Parameter { name: "sram_ifmap_bytes", meaning: "input buffer, both halves; default: holds everything" },
    Parameter { name: "sram_filter_bytes", meaning: "weight buffer, both halves; default: holds everything" },
    Parameter { name: "sram_ofmap_bytes", meaning: "output buffer, both halves; default: holds everything" },
    Parameter {
        name: "dram_bandwidth",
        meaning: "bytes a cycle to and from off-chip memory, at most six decimals; default: unlimited",
    },
    Parameter {
        name: "mac_pj",
        meaning: "pJ of a multiply-accumulate and of a vector operation; default: 0.3, 2.0, 4.6 for elements \
                  of 1, 2, more bytes (Horowitz 2014)",
    },
    Parameter {
        name: "sram_pj",
        meaning: "pJ of reading or writing an element in a buffer; default: 12.5 x element_bytes \
                  (Horowitz 2014)",
    },
    Parameter {
        name: "dram_pj",
        meaning: "pJ of a byte to or from off-chip memory; default: 325 (Horowitz 2014)",
    },
    Parameter { name: "static_pj_per_cycle", meaning: "pJ that every cycle costs; default: 0" },
];

/// The largest buffer, in bytes.
const MAX_BUFFER_BYTES: u64 = 1 << 50;
/// The most vector lanes, and elements a cycle to and from them.
const MAX_LANES: u64 = 1 << 24;
/// The largest bandwidth, in millionths of a byte a cycle.
const MAX_BANDWIDTH_MILLIONTHS: u64 = 1_000_000_000_000;
/// The largest energy of one event, in picojoules.
const MAX_PICOJOULES: f64 = 1e9;

/// Energy of a 64-bit access to an on-chip memory of 1 MB, in picojoules (Horowitz 2014).
const HOROWITZ_SRAM_1MB_64BIT_PJ: f64 = 100.0;
/// Energy of 64 bits from off-chip memory, in picojoules (Horowitz 2014: 1.3 to 2.6 nJ).
const HOROWITZ_DRAM_64BIT_PJ: f64 = 2_600.0;

/// All parameters of the `systolic` cost model, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SystolicParameters {
    /// What stays in the cells.
    pub dataflow: Dataflow,
    /// Rows of the array.
    pub rows: u32,
    /// Columns of the array.
    pub cols: u32,
    /// Vector operations a cycle.
    pub vector_lanes: u64,
    /// Elements a cycle to and from the vector unit.
    pub vector_bandwidth: u64,
    /// Bytes of an element.
    pub element_bytes: u64,
    /// Bytes of the input buffer, both halves; `None` holds everything.
    pub sram_ifmap_bytes: Option<u64>,
    /// Bytes of the weight buffer.
    pub sram_filter_bytes: Option<u64>,
    /// Bytes of the output buffer.
    pub sram_ofmap_bytes: Option<u64>,
    /// Off-chip bandwidth in millionths of a byte a cycle; `None` is unlimited.
    pub dram_bandwidth_millionths: Option<u64>,
    /// Picojoules of a multiply-accumulate and of a vector operation.
    pub mac_pj: f64,
    /// Picojoules of reading or writing one element of a buffer.
    pub sram_pj: f64,
    /// Picojoules of a byte to or from off-chip memory.
    pub dram_pj: f64,
    /// Picojoules of every cycle.
    pub static_pj_per_cycle: f64,
}

impl SystolicParameters {
    /// An array with every other parameter at its default, which is a memory that holds everything
    /// and never makes the array wait.
    #[must_use]
    pub fn new(dataflow: Dataflow, rows: u32, cols: u32) -> Self {
        Self::with_elements(dataflow, rows, cols, 1)
    }

    fn with_elements(dataflow: Dataflow, rows: u32, cols: u32, element_bytes: u64) -> Self {
        Self {
            dataflow,
            rows,
            cols,
            vector_lanes: cols.into(),
            vector_bandwidth: 2 * u64::from(cols),
            element_bytes,
            sram_ifmap_bytes: None,
            sram_filter_bytes: None,
            sram_ofmap_bytes: None,
            dram_bandwidth_millionths: None,
            mac_pj: horowitz_mac_pj(element_bytes),
            sram_pj: HOROWITZ_SRAM_1MB_64BIT_PJ / 8.0 * element_bytes as f64,
            dram_pj: HOROWITZ_DRAM_64BIT_PJ / 8.0,
            static_pj_per_cycle: 0.0,
        }
    }

    /// The array, or `None` where an extent is out of range.
    #[must_use]
    pub fn array(&self) -> Option<Array> {
        Array::new(self.rows, self.cols, self.dataflow)
    }

    pub(super) fn buffers(&self) -> Buffers {
        let half = |bytes: Option<u64>| bytes.map(|bytes| bytes / 2 / self.element_bytes.max(1));
        Buffers {
            ifmap_half: half(self.sram_ifmap_bytes),
            filter_half: half(self.sram_filter_bytes),
            ofmap_half: half(self.sram_ofmap_bytes),
        }
    }

    pub(super) fn bandwidth(&self) -> Option<Bandwidth> {
        self.dram_bandwidth_millionths.and_then(Bandwidth::from_millionths)
    }

    pub(super) fn vector_unit(&self) -> VectorUnit {
        VectorUnit { lanes: self.vector_lanes, bandwidth: self.vector_bandwidth }
    }
}

/// A multiplication and an addition of Horowitz's table, in picojoules: 8-bit integers added up in
/// 32 bits (0.2 + 0.1), 16-bit floats added up in 32 bits (1.1 + 0.9), 32-bit floats (3.7 + 0.9).
fn horowitz_mac_pj(element_bytes: u64) -> f64 {
    match element_bytes {
        0 | 1 => 0.3,
        2 => 2.0,
        _ => 4.6,
    }
}

/// Reads a systolic array from an accelerator's table.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let dataflow = table.required("dataflow", |value| {
        let name = value.string()?;
        Dataflow::from_name(name).or_else(|| {
            let names = Dataflow::ALL.map(Dataflow::name);
            value.reject(
                format!("there is no systolic dataflow `{name}`"),
                suggestion(name, "dataflow", &names),
            )
        })
    });
    let extent = |value: &Value<'_>| value.integer(1..=MAX_ARRAY_EXTENT);
    let (rows, cols) = (table.required("rows", extent), table.required("cols", extent));
    let lanes = |value: &Value<'_>| value.integer(1..=MAX_LANES);
    let vector_lanes = table.optional("vector_lanes", lanes);
    let vector_bandwidth = table.optional("vector_bandwidth", lanes);
    let element_bytes = table.or("element_bytes", 1, |value| value.integer(1..=4_u64));
    // A buffer holds at least an element in each half.
    let buffer = |value: &Value<'_>| value.integer(2 * element_bytes..=MAX_BUFFER_BYTES);
    let sram_ifmap_bytes = table.optional("sram_ifmap_bytes", buffer);
    let sram_filter_bytes = table.optional("sram_filter_bytes", buffer);
    let sram_ofmap_bytes = table.optional("sram_ofmap_bytes", buffer);
    let dram_bandwidth_millionths =
        table.optional("dram_bandwidth", |value| value.millionths(1..=MAX_BANDWIDTH_MILLIONTHS));
    // Read before the first early return, so that all problems come out together.
    let [mac_pj, sram_pj, dram_pj, static_pj_per_cycle] =
        ["mac_pj", "sram_pj", "dram_pj", "static_pj_per_cycle"]
            .map(|key| table.optional(key, |value| value.number(0.0..=MAX_PICOJOULES)));
    let (dataflow, rows, cols) = (dataflow?, rows?, cols?);
    let default = SystolicParameters::with_elements(dataflow, rows, cols, element_bytes);
    let vector_lanes = vector_lanes.unwrap_or(default.vector_lanes);
    let parameters = SystolicParameters {
        vector_lanes,
        vector_bandwidth: vector_bandwidth.unwrap_or(2 * vector_lanes),
        sram_ifmap_bytes,
        sram_filter_bytes,
        sram_ofmap_bytes,
        dram_bandwidth_millionths,
        mac_pj: mac_pj.unwrap_or(default.mac_pj),
        sram_pj: sram_pj.unwrap_or(default.sram_pj),
        dram_pj: dram_pj.unwrap_or(default.dram_pj),
        static_pj_per_cycle: static_pj_per_cycle.unwrap_or(default.static_pj_per_cycle),
        ..default
    };
    let cost_model = Systolic::new(parameters, surroundings)?;
    let label = format!("systolic {} {rows}x{cols}", dataflow.name().to_uppercase());
    Some(Decoded { label, cost_model: Box::new(cost_model) })
}
