//! Parameters of a systolic array, as files state them.

use rtmm_workload::input::{Table, suggestion};
use rtmm_workload::parameters::{Decimal, Declared, Integer, Real, Schema, Typed, Written};
use serde::Serialize;

use super::array::{Array, Dataflow, MAX_ARRAY_EXTENT};
use super::memory::{Bandwidth, Buffers};
use crate::blocks::{
    EnergyTable, MAX_LANES, STATIC, VECTOR, VectorUnit, derived_energy_key, energy_key, horowitz, picojoules,
    vector_pj,
};
use crate::decode::Surroundings;
use crate::explain::Section;
use crate::technology::{Place, Price, PriceOf};

/// The largest buffer, in bytes.
const MAX_BUFFER_BYTES: u64 = 1 << 50;
/// The largest bandwidth, in millionths of a byte a cycle.
const MAX_BANDWIDTH_MILLIONTHS: u64 = 1_000_000_000_000;

pub(crate) const DATAFLOW: Written =
    Written::required("dataflow", "what stays in the cells", "os (outputs), ws (weights), is (inputs)");
const ROWS: Integer<u32> = Integer::required("rows", "rows of the array", 1..=MAX_ARRAY_EXTENT);
const COLS: Integer<u32> = Integer::required("cols", "columns of the array", 1..=MAX_ARRAY_EXTENT);
const VECTOR_LANES: Integer<u64> = VectorUnit::lanes_key("vector operations a cycle", "cols");
pub(crate) const ELEMENT_BYTES: Integer<u64> =
    Integer::new("element_bytes", "size of an element", 1, 1..=4).in_unit("bytes");
pub(crate) const IFMAP_BYTES: Integer<u64> = buffer("sram_ifmap_bytes", "input buffer, both halves");
pub(crate) const FILTER_BYTES: Integer<u64> = buffer("sram_filter_bytes", "weight buffer, both halves");
pub(crate) const OFMAP_BYTES: Integer<u64> = buffer("sram_ofmap_bytes", "output buffer, both halves");
pub(crate) const DRAM_BANDWIDTH: Decimal = Decimal::derived(
    "dram_bandwidth",
    "bandwidth to and from off-chip memory",
    "unlimited",
    1..=MAX_BANDWIDTH_MILLIONTHS,
)
.in_unit("bytes a cycle");
pub(crate) const MAC_PJ: Real = derived_energy_key(
    "mac_pj",
    "energy of a multiply-accumulate and of a vector operation",
    "0.3, 2.0, 4.6 for elements of 1, 2, more bytes (Horowitz 2014)",
);
pub(crate) const SRAM_PJ: Real = derived_energy_key(
    "sram_pj",
    "energy of reading or writing an element in a buffer",
    "12.5 x element_bytes (Horowitz 2014)",
);
pub(crate) const DRAM_PJ: Real = energy_key(
    "dram_pj",
    "energy of a byte to or from off-chip memory (Horowitz 2014)",
    horowitz::DRAM_BYTE_PJ,
);

/// A buffer; that it holds an element in each half is checked where the size of elements is known.
const fn buffer(name: &'static str, meaning: &'static str) -> Integer<u64> {
    Integer::derived(name, meaning, "holds everything", 2..=MAX_BUFFER_BYTES).in_unit("bytes")
}

/// The keys of the `systolic` cost model.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[
        &DATAFLOW,
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
        &DRAM_PJ,
        &STATIC,
    ]])
}

/// Energies of an element in the buffers, where each has a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BufferEnergies {
    /// Picojoules of an access to the input buffer.
    pub ifmap_pj: f64,
    /// Picojoules of an access to the weight buffer.
    pub filter_pj: f64,
    /// Picojoules of an access to the output buffer.
    pub ofmap_pj: f64,
}

impl BufferEnergies {
    /// The energy of accesses to the input, the weight and the output buffer, in picojoules.
    pub(crate) fn of(&self, [ifmap, filter, ofmap]: [f64; 3]) -> f64 {
        self.ifmap_pj * ifmap + self.filter_pj * filter + self.ofmap_pj * ofmap
    }

    /// Rows of an account: accesses, energy of one and energy of all.
    pub(crate) fn rows(&self, [ifmap, filter, ofmap]: [f64; 3]) -> Vec<Vec<String>> {
        [
            ("input buffer accesses", ifmap, self.ifmap_pj),
            ("weight buffer accesses", filter, self.filter_pj),
            ("output buffer accesses", ofmap, self.ofmap_pj),
        ]
        .map(|(part, accesses, one)| Section::row(&[&part, &accesses, &one, &(one * accesses)]))
        .into()
    }
}

/// All parameters of the `systolic` cost model, defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SystolicParameters {
    /// Operand that stays in the cells.
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
    /// Picojoules of a multiply-accumulate.
    pub mac_pj: f64,
    /// Picojoules of a vector operation; `None` is those of a multiply-accumulate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector_pj: Option<f64>,
    /// Picojoules of reading or writing one element of a buffer.
    pub sram_pj: f64,
    /// The same by buffer, in place of `sram_pj`; `None` where all are alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffers_pj: Option<BufferEnergies>,
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
            vector_pj: None,
            sram_pj: horowitz::SRAM_1MB_BYTE_PJ,
            buffers_pj: None,
            dram_pj: horowitz::DRAM_BYTE_PJ,
            static_pj_per_cycle: 0.0,
        }
    }

    /// The array, or `None` where an extent is out of range.
    #[must_use]
    pub fn array(&self) -> Option<Array> {
        Array::new(self.rows, self.cols, self.dataflow)
    }

    pub(crate) fn buffers(&self) -> Buffers {
        let half = |bytes: Option<u64>| bytes.map(|bytes| bytes / 2 / self.element_bytes.max(1));
        Buffers {
            ifmap_half: half(self.sram_ifmap_bytes),
            filter_half: half(self.sram_filter_bytes),
            ofmap_half: half(self.sram_ofmap_bytes),
        }
    }

    pub(crate) fn bandwidth(&self) -> Option<Bandwidth> {
        self.dram_bandwidth_millionths.and_then(Bandwidth::from_millionths)
    }

    /// Buffers are shared: their accesses count as those of L2.
    pub(crate) fn energies(&self) -> EnergyTable {
        let Self { mac_pj, vector_pj, sram_pj, dram_pj, static_pj_per_cycle, .. } = *self;
        EnergyTable {
            mac: mac_pj,
            vector: vector_pj,
            l1: 0.0,
            l2: sram_pj,
            dram: dram_pj,
            static_per_cycle: static_pj_per_cycle,
        }
    }

    /// The energy of an element in each buffer.
    pub(crate) fn buffer_energies(&self) -> BufferEnergies {
        let all = self.sram_pj;
        self.buffers_pj.unwrap_or(BufferEnergies { ifmap_pj: all, filter_pj: all, ofmap_pj: all })
    }

    pub(crate) fn prices(&self) -> Vec<Price> {
        let BufferEnergies { ifmap_pj, filter_pj, ofmap_pj } = self.buffer_energies();
        let mac = PriceOf::Mac { element_bytes: self.element_bytes };
        vec![
            Price::new(mac, self.mac_pj, "operation"),
            Price::new(PriceOf::Vector, self.vector_pj.unwrap_or(self.mac_pj), "operation"),
            Price::buffer("input buffer", ifmap_pj, "element", self.sram_ifmap_bytes),
            Price::buffer("weight buffer", filter_pj, "element", self.sram_filter_bytes),
            Price::buffer("output buffer", ofmap_pj, "element", self.sram_ofmap_bytes),
            Price::new(PriceOf::Dram, self.dram_pj, "byte"),
            Price::new(PriceOf::Static, self.static_pj_per_cycle, "cycle"),
        ]
    }
}

/// Reads the parameters from an accelerator's table.
pub(super) fn read(table: &Table<'_>, surroundings: &Surroundings) -> Option<SystolicParameters> {
    read_arrays(table, surroundings, [&ROWS, &COLS], &VECTOR_LANES, 1)
}

/// Reads the parameters of `arrays` equal arrays, whose extents are keys of their own; a vector unit without a
/// stated number of lanes has one for each column of each array. Buffers are of all arrays; each array's part of one is a
/// memory of its own, whose capacity a technology prices.
pub(crate) fn read_arrays(
    table: &Table<'_>,
    surroundings: &Surroundings,
    [rows, cols]: [&Integer<u32>; 2],
    lanes: &Integer<u64>,
    arrays: u32,
) -> Option<SystolicParameters> {
    let dataflow = table.required(DATAFLOW.name(), |value| {
        let name = value.string()?;
        Dataflow::from_name(name).or_else(|| {
            let names = Dataflow::ALL.map(Dataflow::name);
            value.reject(
                format!("there is no systolic dataflow `{name}`"),
                suggestion(name, "dataflow", &names),
            )
        })
    });
    // Read before the first early return, so that all problems come out together.
    let (rows, cols) = (rows.stated(table), cols.stated(table));
    let usual_lanes = cols.map_or(1, |cols| u64::from(cols) * u64::from(arrays));
    let vector_unit = VectorUnit::decode(table, lanes, usual_lanes, 2 * MAX_LANES);
    let element_bytes = ELEMENT_BYTES.stated_or_default(table);
    let [sram_ifmap_bytes, sram_filter_bytes, sram_ofmap_bytes] = [IFMAP_BYTES, FILTER_BYTES, OFMAP_BYTES]
        .map(|buffer| {
            table.optional(buffer.name(), |value| value.integer(2 * element_bytes..=MAX_BUFFER_BYTES))
        });
    let dram_bandwidth_millionths = DRAM_BANDWIDTH.stated(table);
    let mac_pj = picojoules(
        table,
        &MAC_PJ,
        surroundings.price(horowitz::mac_pj(element_bytes), |prices| prices.mac(element_bytes)),
    );
    let vector_pj = vector_pj(table, surroundings, element_bytes);
    let own = horowitz::SRAM_1MB_BYTE_PJ * element_bytes as f64;
    let buffer_pj = |bytes: Option<u64>| {
        let of_array = bytes.map(|bytes| bytes / u64::from(arrays.max(1)));
        surroundings.price(own, |prices| prices.memory(Place::Shared, of_array, element_bytes))
    };
    let of_buffers = BufferEnergies {
        ifmap_pj: buffer_pj(sram_ifmap_bytes),
        filter_pj: buffer_pj(sram_filter_bytes),
        ofmap_pj: buffer_pj(sram_ofmap_bytes),
    };
    // All alike are one price, as without a technology.
    let are_alike =
        of_buffers.ifmap_pj == of_buffers.filter_pj && of_buffers.filter_pj == of_buffers.ofmap_pj;
    let buffers_pj = Some(of_buffers).filter(|_| !are_alike && !table.has(SRAM_PJ.name()));
    let sram_pj = picojoules(table, &SRAM_PJ, of_buffers.ifmap_pj);
    let dram_pj = picojoules(
        table,
        &DRAM_PJ,
        surroundings.price(horowitz::DRAM_BYTE_PJ, |prices| prices.dram_byte(element_bytes)),
    );
    let leakage = surroundings.price(0.0, |prices| {
        let cells = u64::from(rows.unwrap_or(0)) * u64::from(cols.unwrap_or(0)) * u64::from(arrays);
        let buffers = [sram_ifmap_bytes, sram_filter_bytes, sram_ofmap_bytes];
        let bytes = buffers.into_iter().flatten().fold(0, u64::saturating_add);
        prices.leakage(cells, bytes, surroundings.clock_hz)
    });
    let static_pj_per_cycle = picojoules(table, &STATIC, leakage);
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
        vector_pj,
        sram_pj,
        buffers_pj,
        dram_pj,
        static_pj_per_cycle,
    })
}
