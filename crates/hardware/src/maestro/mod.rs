//! `maestro`: a spatial array of processing elements under dataflow directives.
//!
//! - [`dataflow`]: the directives and how they are read;
//! - [`mod@reference`]: the published tool (XRBench's fork of MAESTRO), to the integer; `completed_model` has rules for the
//!   layers that it lacks, for platforms that ask for its costs;
//! - [`mapping`] and [`corrected`]: the default, exact volumes of the same tiling with the layer's
//!   real filter, stride, padding and groups, an off-chip model and buffer capacities.
//!
//! Source: Kwon et al., *Understanding Reuse, Performance, and Hardware Cost of DNN Dataflows*,
//! MICRO 2019; XRBench, MLSys 2023. Equations and measured differences: `docs/models/maestro.md`.

pub mod corrected;
pub mod dataflow;
pub mod mapping;
pub mod reference;

mod axis;
mod completed_model;
mod corrected_model;
mod explain;
mod off_chip;
mod reference_model;
mod slide;
mod tiles;

use rtmm_workload::input::{At, Table, Value};
use rtmm_workload::load::{Kind, open};
use rtmm_workload::parameters::{Decimal, Declared, Integer, Real, Schema, Typed, Written};
use serde::Serialize;

use crate::blocks::{
    EnergyTable, STATIC, VECTOR, VectorUnit, derived_energy_key, energy_key, picojoules, vector_pj,
};
use crate::cost_model::Decoded;
use crate::decode::{Mode, Surroundings};
use crate::technology::Place;
use completed_model::Completed;
use corrected::Memory;
use corrected_model::Corrected;
use dataflow::Dataflow;
use mapping::flatten;
use off_chip::OffChipBandwidth;
use reference::ReferenceArray;
use reference_model::Reference;

/// The most of a count: bytes, and elements or bytes a cycle.
const MAX_COUNT: u64 = 1 << 40;

const DATAFLOW: Written =
    Written::required("dataflow", "what is mapped where", "WS, OS or RS, or the path of a dataflow file");
const PES: Integer<u32> =
    Integer::required("pes", "processing elements, one multiply-accumulate a cycle each", 1..=1 << 20);
const NOC_BANDWIDTH: Integer<u64> = Integer::required(
    "noc_bandwidth",
    "bandwidth between the shared buffer and the array, in each direction",
    1..=MAX_COUNT,
)
.in_unit("elements a cycle");
const L1_BYTES: Integer<u64> =
    Integer::derived("l1_bytes", "buffer of a processing element", "unbounded", 1..=MAX_COUNT)
        .in_unit("bytes");
const L2_BYTES: Integer<u64> =
    Integer::derived("l2_bytes", "shared buffer", "unbounded", 1..=MAX_COUNT).in_unit("bytes");
const DRAM_BANDWIDTH: Decimal =
    Decimal::derived("dram_bandwidth", "off-chip bandwidth", "unlimited", 1..=MAX_COUNT * 1_000_000)
        .in_unit("bytes a cycle");
const ELEMENT_BYTES: Integer<u64> =
    Integer::new("element_bytes", "size of an element", 1, 1..=64).in_unit("bytes");
const MAC: Real = energy_key("mac_pj", "energy of a multiply-accumulate", MAC_PJ);
const L1: Real = derived_energy_key("l1_pj", "energy of an L1 access of an element", "0.55 x mac_pj");
const L2: Real = derived_energy_key("l2_pj", "energy of an L2 access of an element", "6 x mac_pj");
const DRAM: Real = derived_energy_key("dram_pj", "energy of moving an element off or on chip", "75 x mac_pj");
const VECTOR_LANES: Integer<u64> =
    Integer::derived("vector_lanes", "vector operations a cycle", "pes", 1..=MAX_COUNT);

/// The keys of a `maestro` accelerator.
#[must_use]
pub fn keys() -> Schema {
    Schema::of(&[&[
        &DATAFLOW,
        &PES,
        &NOC_BANDWIDTH,
        &L1_BYTES,
        &L2_BYTES,
        &DRAM_BANDWIDTH,
        &ELEMENT_BYTES,
        &MAC,
        &L1,
        &L2,
        &VECTOR,
        &DRAM,
        &STATIC,
        &VECTOR_LANES,
    ]])
}

const MAC_PJ: f64 = 2.88;
const DRAM_MACS: f64 = 75.0;

/// Reads a `maestro` accelerator.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let mode = surroundings.mode;
    let dataflow = table.required(DATAFLOW.name(), |value| value.at(|value| decode_dataflow(value, mode)));
    let (pes, noc_bandwidth) = (PES.stated(table), NOC_BANDWIDTH.stated(table));
    let (l1_bytes, l2_bytes) = (L1_BYTES.stated(table), L2_BYTES.stated(table));
    let dram_bandwidth = DRAM_BANDWIDTH.stated(table).and_then(OffChipBandwidth::from_millionths);
    let element_bytes = ELEMENT_BYTES.stated_or_default(table);
    let energy = decode_energies(table, &surroundings, pes.unwrap_or(0), [l1_bytes, l2_bytes], element_bytes);
    let vector_lanes = VECTOR_LANES.stated(table);
    let (At { value: dataflow, range: dataflow_range }, pes, noc_bandwidth) =
        (dataflow?, pes?, noc_bandwidth?);
    if u64::from(pes) < dataflow.cluster_elements() {
        table.report(
            table
                .problem_at(
                    &table.get(PES.name()).map_or(0..0, |value| value.range()),
                    format!(
                        "{pes} processing elements are fewer than the {} of one cluster of dataflow {}",
                        dataflow.cluster_elements(),
                        dataflow.name
                    ),
                )
                .help("give the accelerator more processing elements, or the dataflow smaller clusters"),
        );
        return None;
    }
    let label = format!("maestro {} {pes}", dataflow.name);
    let clock_hz = surroundings.clock_hz;
    if mode == Mode::Reference {
        let array = ReferenceArray::new(&dataflow, pes.into(), noc_bandwidth);
        let reference = Reference { dataflow, pes, noc_bandwidth, array, clock_hz };
        return Some(match surroundings.completed {
            true => Decoded {
                label: format!("{label}, reference costs"),
                cost_model: Box::new(Completed(reference)),
            },
            false => Decoded { label, cost_model: Box::new(reference) },
        });
    }
    let loops = match flatten(&dataflow, pes) {
        Ok(loops) => loops,
        Err(error) => {
            table.report(table.problem_at(&dataflow_range, error.to_string()).help(error.reason.help()));
            return None;
        }
    };
    let cost_model = Box::new(Corrected {
        loops,
        dataflow,
        pes,
        memory: Memory { noc_bandwidth, l1_bytes, l2_bytes, element_bytes },
        dram_bandwidth,
        energy,
        vector_unit: VectorUnit { lanes: vector_lanes.unwrap_or(pes.into()), bandwidth: noc_bandwidth },
        clock_hz,
    });
    Some(Decoded { label, cost_model })
}

/// Energies of events: as stated, or else the technology's of an element in buffers of these sizes (L1, L2), or else the
/// model's own.
fn decode_energies(
    table: &Table<'_>,
    surroundings: &Surroundings,
    pes: u32,
    [l1_bytes, l2_bytes]: [Option<u64>; 2],
    element_bytes: u64,
) -> EnergyTable {
    let mac = picojoules(table, &MAC, surroundings.price(MAC_PJ, |prices| prices.mac(element_bytes)));
    let memory =
        |own: f64, place, bytes| surroundings.price(own, |prices| prices.memory(place, bytes, element_bytes));
    let dram = surroundings.price(DRAM_MACS * mac, |prices| prices.dram(element_bytes));
    let leakage = surroundings.price(0.0, |prices| {
        let memories = l1_bytes.unwrap_or(0).saturating_mul(pes.into()).saturating_add(l2_bytes.unwrap_or(0));
        prices.leakage(pes.into(), memories, surroundings.clock_hz)
    });
    EnergyTable {
        mac,
        vector: vector_pj(table, surroundings, element_bytes),
        l1: picojoules(table, &L1, memory(reference::L1_MACS * mac, Place::Element, l1_bytes)),
        l2: picojoules(table, &L2, memory(reference::L2_MACS * mac, Place::Shared, l2_bytes)),
        dram: picojoules(table, &DRAM, dram),
        static_per_cycle: picojoules(table, &STATIC, leakage),
    }
}

fn decode_dataflow(value: &Value<'_>, mode: Mode) -> Option<Dataflow> {
    let text = value.string()?;
    // Built-in names are written as papers write them: WS, OS, RS.
    let reference = if text.ends_with(".toml") { text.to_owned() } else { text.to_lowercase() };
    let source = match open(Kind::Dataflow, &reference, Some(value.document().source())) {
        Ok(source) => source,
        Err(problem) => {
            value.document().report(problem.see(value.document().source(), value.range(), "named here"));
            return None;
        }
    };
    match Dataflow::parse(if text.ends_with(".toml") { text } else { &reference }, &source, mode) {
        Ok(mut dataflow) => {
            if !text.ends_with(".toml") {
                dataflow.name = text.to_uppercase();
            }
            Some(dataflow)
        }
        Err(problems) => {
            value.document().report_all(problems);
            None
        }
    }
}

fn canonical(kind: &str, parameters: &impl Serialize) -> String {
    // The parameters are numbers, strings and lists, which JSON always holds.
    format!("{kind} {}", serde_json::to_string(parameters).unwrap_or_default())
}
