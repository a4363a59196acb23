//! `maestro`: a spatial array of processing elements under dataflow directives.
//!
//! - [`dataflow`]: the directives and how they are read;
//! - [`mod@reference`]: the published tool (XRBench's fork of MAESTRO), to the integer;
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
mod corrected_model;
mod explain;
mod reference_model;
mod slide;
mod tiles;

use rtmm_workload::input::{Table, Value};
use rtmm_workload::load::{Kind, open};
use serde::Serialize;

use crate::blocks::{EnergyTable, VectorUnit, picojoules};
use crate::decode::{Decoded, Mode, Parameter, Surroundings};
use corrected::Memory;
use corrected_model::Corrected;
use dataflow::Dataflow;
use mapping::flatten;
use reference::ReferenceArray;
use reference_model::Reference;

/// The keys of a `maestro` accelerator.
pub const PARAMETERS: &[Parameter] = &[
    Parameter { name: "dataflow", meaning: "WS, OS or RS, or the path of a dataflow file" },
    Parameter { name: "pes", meaning: "processing elements, one multiply-accumulate a cycle each" },
    Parameter {
        name: "noc_bandwidth",
        meaning: "elements a cycle between the shared buffer and the array, in each direction",
    },
    Parameter { name: "l1_bytes", meaning: "buffer of a processing element; unbounded if absent" },
    Parameter { name: "l2_bytes", meaning: "shared buffer; unbounded if absent" },
    Parameter { name: "dram_bandwidth", meaning: "off-chip bytes a cycle; unlimited if absent" },
    Parameter { name: "element_bytes", meaning: "bytes of an element; default 1" },
    Parameter { name: "mac_pj", meaning: "energy of a multiply-accumulate; default 2.88 pJ" },
    Parameter { name: "l1_pj", meaning: "energy of an L1 access of an element; default 0.55 x mac_pj" },
    Parameter { name: "l2_pj", meaning: "energy of an L2 access of an element; default 6 x mac_pj" },
    Parameter { name: "dram_pj", meaning: "energy of moving an element off or on chip; default 75 x mac_pj" },
    Parameter { name: "static_pj_per_cycle", meaning: "energy that flows every cycle; default 0" },
    Parameter { name: "vector_lanes", meaning: "vector operations a cycle; default `pes`" },
];

const MAC_PJ: f64 = 2.88;
const DRAM_MACS: f64 = 75.0;

/// Reads a `maestro` accelerator.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let count = |value: &Value<'_>| value.integer(1..=1_u64 << 40);
    let mode = surroundings.mode;
    let dataflow = table.required("dataflow", |value| value.at(|value| decode_dataflow(value, mode)));
    let pes = table.required("pes", |value| value.at(|value| value.integer(1..=1_u32 << 20)));
    let noc_bandwidth = table.required("noc_bandwidth", count);
    let (l1_bytes, l2_bytes) = (table.optional("l1_bytes", count), table.optional("l2_bytes", count));
    let dram_bandwidth = table.optional("dram_bandwidth", count);
    let element_bytes = table.or("element_bytes", 1, |value| value.integer(1..=64_u64));
    let mac = picojoules(table, "mac_pj", MAC_PJ);
    let energy = EnergyTable {
        mac,
        l1: picojoules(table, "l1_pj", reference::L1_MACS * mac),
        l2: picojoules(table, "l2_pj", reference::L2_MACS * mac),
        dram: picojoules(table, "dram_pj", DRAM_MACS * mac),
        static_per_cycle: picojoules(table, "static_pj_per_cycle", 0.0),
    };
    let vector_lanes = table.optional("vector_lanes", count);
    let (dataflow_at, pes_at, noc_bandwidth) = (dataflow?, pes?, noc_bandwidth?);
    let (dataflow, pes) = (dataflow_at.value, pes_at.value);
    if u64::from(pes) < dataflow.cluster_elements() {
        table.report(
            table
                .problem_at(
                    &pes_at.range,
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
        let cost_model = Box::new(Reference { dataflow, pes, noc_bandwidth, array, clock_hz });
        return Some(Decoded { label, cost_model });
    }
    let loops = match flatten(&dataflow, pes) {
        Ok(loops) => loops,
        Err(error) => {
            table.report(table.problem_at(&dataflow_at.range, error.to_string()).help(error.reason.help()));
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
