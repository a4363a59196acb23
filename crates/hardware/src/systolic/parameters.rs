//! What a file says of a systolic array.

use rtmm_workload::input::{Table, Value, suggestion};
use serde::Serialize;

use super::array::{Array, Dataflow, MAX_ARRAY_EXTENT};
use super::memory::{Bandwidth, Buffers};
use crate::blocks::{EnergyTable, MAX_LANES, VectorUnit, horowitz, picojoules};
use crate::decode::Parameter;

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
/// The largest bandwidth, in millionths of a byte a cycle.
const MAX_BANDWIDTH_MILLIONTHS: u64 = 1_000_000_000_000;

/// All parameters of the `systolic` cost model, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SystolicParameters {
    /// What stays in the cells.
    pub dataflow: Dataflow,
    /// Rows of the array.
    pub rows: u32,
    /// Columns of the array.
    pub cols: u32,
    /// The vector unit.
    #[serde(flatten)]
    pub vector_unit: VectorUnit,
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
        Self {
            dataflow,
            rows,
            cols,
            vector_unit: VectorUnit::with_lanes(cols.into()),
            element_bytes: 1,
            sram_ifmap_bytes: None,
            sram_filter_bytes: None,
            sram_ofmap_bytes: None,
            dram_bandwidth_millionths: None,
            mac_pj: horowitz::mac_pj(1),
            sram_pj: horowitz::SRAM_1MB_BYTE_PJ,
            dram_pj: horowitz::DRAM_BYTE_PJ,
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

    /// Buffers are shared: their accesses count as those of L2.
    pub(super) fn energies(&self) -> EnergyTable {
        let Self { mac_pj, sram_pj, dram_pj, static_pj_per_cycle, .. } = *self;
        EnergyTable {
            mac: mac_pj,
            l1: 0.0,
            l2: sram_pj,
            dram: dram_pj,
            static_per_cycle: static_pj_per_cycle,
        }
    }
}

/// Reads the parameters from an accelerator's table.
pub(super) fn read(table: &Table<'_>) -> Option<SystolicParameters> {
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
    let vector_unit = VectorUnit::decode(table, cols.map_or(1, u64::from), 2 * MAX_LANES);
    let element_bytes = table.or("element_bytes", 1, |value| value.integer(1..=4_u64));
    // A buffer holds at least an element in each half.
    let buffer = |value: &Value<'_>| value.integer(2 * element_bytes..=MAX_BUFFER_BYTES);
    let sram_ifmap_bytes = table.optional("sram_ifmap_bytes", buffer);
    let sram_filter_bytes = table.optional("sram_filter_bytes", buffer);
    let sram_ofmap_bytes = table.optional("sram_ofmap_bytes", buffer);
    let dram_bandwidth_millionths =
        table.optional("dram_bandwidth", |value| value.millionths(1..=MAX_BANDWIDTH_MILLIONTHS));
    // Read before the first early return, so that all problems come out together.
    let mac_pj = picojoules(table, "mac_pj", horowitz::mac_pj(element_bytes));
    let sram_pj = picojoules(table, "sram_pj", horowitz::SRAM_1MB_BYTE_PJ * element_bytes as f64);
    let dram_pj = picojoules(table, "dram_pj", horowitz::DRAM_BYTE_PJ);
    let static_pj_per_cycle = picojoules(table, "static_pj_per_cycle", 0.0);
    let (dataflow, rows, cols) = (dataflow?, rows?, cols?);
    Some(SystolicParameters {
        dataflow,
        rows,
        cols,
        vector_unit,
        element_bytes,
        sram_ifmap_bytes,
        sram_filter_bytes,
        sram_ofmap_bytes,
        dram_bandwidth_millionths,
        mac_pj,
        sram_pj,
        dram_pj,
        static_pj_per_cycle,
    })
}
