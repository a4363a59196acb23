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

mod explain;

use rtmm_workload::input::{Table, Value};
use rtmm_workload::load::{Kind, open};
use rtmm_workload::{Duration, Kernel, Layer, Operator, PublishedShape, Repeated};
use serde::Serialize;

use crate::cost::{
    Condition, CostError, CostModel, DRAM, EnergyParts, Explanation, LayerOf, Quantity, SHARED_LEVELS, Work,
};
use crate::registry::{Decoded, Mode, Parameter, Surroundings};
use crate::vector_unit::VectorUnit;
use corrected::{CorrectedCost, Memory, analyse};
use dataflow::Dataflow;
use mapping::{Loop, flatten};
use reference::{ReferenceArray, ReferenceCost};

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
const PICOJOULES_PER_NANOJOULE: f64 = 1e3;

/// Energy of each kind of event, in picojoules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct EnergyTable {
    mac: f64,
    l1: f64,
    l2: f64,
    dram: f64,
    static_per_cycle: f64,
}

#[derive(Debug)]
struct Corrected {
    dataflow: Dataflow,
    pes: u32,
    loops: Vec<Loop>,
    memory: Memory,
    dram_bandwidth: Option<u64>,
    energy: EnergyTable,
    vector_unit: VectorUnit,
    clock_hz: u64,
}

#[derive(Debug)]
struct Reference {
    dataflow: Dataflow,
    pes: u32,
    noc_bandwidth: u64,
    array: ReferenceArray,
    clock_hz: u64,
}

/// Reads a `maestro` accelerator.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let count = |value: &Value<'_>| value.integer(1..=1_u64 << 40);
    let picojoules = |value: &Value<'_>| value.number(0.0..=1e9);
    let dataflow = table.required("dataflow", |value| value.at(decode_dataflow));
    let pes = table.required("pes", |value| value.at(|value| value.integer(1..=1_u32 << 20)));
    let noc_bandwidth = table.required("noc_bandwidth", count);
    let (l1_bytes, l2_bytes) = (table.optional("l1_bytes", count), table.optional("l2_bytes", count));
    let dram_bandwidth = table.optional("dram_bandwidth", count);
    let element_bytes = table.or("element_bytes", 1, |value| value.integer(1..=64_u64));
    let mac = table.or("mac_pj", MAC_PJ, picojoules);
    let energy = EnergyTable {
        mac,
        l1: table.or("l1_pj", reference::L1_MACS * mac, picojoules),
        l2: table.or("l2_pj", reference::L2_MACS * mac, picojoules),
        dram: table.or("dram_pj", DRAM_MACS * mac, picojoules),
        static_per_cycle: table.or("static_pj_per_cycle", 0.0, picojoules),
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
    if surroundings.mode == Mode::Reference {
        let array = ReferenceArray::new(&dataflow, pes.into(), noc_bandwidth);
        let cost_model = Box::new(Reference { dataflow, pes, noc_bandwidth, array, clock_hz });
        return Some(Decoded { label, cost_model });
    }
    let loops = match flatten(&dataflow, pes) {
        Ok(loops) => loops,
        Err(error) => {
            table.report(table.problem_at(&dataflow_at.range, error.to_string()).help(error.help()));
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

fn decode_dataflow(value: &Value<'_>) -> Option<Dataflow> {
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
    match Dataflow::parse(if text.ends_with(".toml") { text } else { &reference }, &source) {
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

/// The row that the published tool would be given for a layer.
///
/// # Errors
/// [`CostError::Unsupported`] for operators that the tool cannot express.
fn published_shape(layer: &Layer) -> Result<PublishedShape, CostError> {
    if let Some(published) = layer.published {
        return Ok(published);
    }
    match layer.operator {
        Operator::Convolution(c) if c.groups == 1 || c.is_depthwise() => Ok(PublishedShape {
            k: c.output_channels / c.groups,
            c: c.input.channels,
            r: c.kernel[0],
            s: c.kernel[1],
            y: c.input.height,
            x: c.input.width,
            depthwise: c.is_depthwise(),
        }),
        Operator::Gemm(gemm) => Ok(PublishedShape {
            k: gemm.columns,
            c: gemm.inner,
            r: 1,
            s: 1,
            y: gemm.rows,
            x: 1,
            depthwise: false,
        }),
        _ => Err(CostError::Unsupported {
            model: "maestro",
            what: format!(
                "layer `{}` in reference mode: the published tool knows convolutions and matrix products only",
                layer.name
            ),
        }),
    }
}

impl Reference {
    fn cost(&self, layer: &Layer) -> Result<ReferenceCost, CostError> {
        self.array.cost(&published_shape(layer)?)
    }
}

impl CostModel for Reference {
    fn work(&self, layer: LayerOf<'_>, _condition: Condition) -> Result<Work, CostError> {
        let cost = self.cost(layer.layer)?;
        let mac = reference::MAC_NJ * PICOJOULES_PER_NANOJOULE;
        let cycles = u64::try_from(cost.latency_cycles).unwrap_or(0);
        Ok(Work {
            compute: time(cycles, self.clock_hz)?,
            traffic: [0; SHARED_LEVELS],
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: EnergyParts {
                mac: mac * cost.computations as f64,
                l1: mac * reference::L1_MACS * cost.l1_accesses() as f64,
                l2: mac * reference::L2_MACS * cost.l2_accesses() as f64,
                ..EnergyParts::default()
            },
            quanta: 1,
        })
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        settings(&self.dataflow, self.pes, self.noc_bandwidth)
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
            "latency_cycles",
            "energy_nj",
            "num_computations",
            "l2_rd_in",
            "l2_rd_wt",
            "l2_wr_in",
            "l2_wr_wt",
            "l2_wr_out",
            "l1_rd_in",
            "l1_rd_wt",
            "l1_rd_out",
            "l1_wr_in",
            "l1_wr_wt",
            "l1_wr_out",
            "l2_buffer_req",
        ]
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let cost = self.cost(layer.layer)?;
        let integer = |value: i64| match u64::try_from(value) {
            Ok(value) => Quantity::Integer(value),
            // Quirk 5: some counts of degenerate layers are negative.
            Err(_) => Quantity::Real(value as f64),
        };
        row.push(integer(cost.latency_cycles));
        row.push(Quantity::Real(cost.energy_nj()));
        row.push(integer(cost.computations));
        for counts in [&cost.l2_reads[..], &cost.l2_writes, &cost.l1_reads, &cost.l1_writes] {
            row.extend(counts.iter().map(|count| integer(*count)));
        }
        row.push(integer(cost.l2_requirement));
        Ok(())
    }

    fn explain(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let shape = published_shape(layer.layer)?;
        Ok(explain::reference(&self.dataflow, self.pes, &shape, &self.array.cost(&shape)?))
    }

    fn identity(&self) -> String {
        let Dataflow { levels, clusters, .. } = &self.dataflow;
        canonical("maestro reference", &(levels, clusters, self.pes, self.noc_bandwidth, self.clock_hz))
    }
}

/// A layer's cost in the corrected mode, summed over its kernels.
#[derive(Clone, Debug, Default)]
struct Total {
    nests: CorrectedCost,
    vector_cycles: u64,
    vector_operations: u64,
    /// Elements that vector kernels read and write.
    vector_elements: [u64; 2],
}

impl Corrected {
    fn total(&self, layer: &Layer) -> Result<Total, CostError> {
        let mut total = Total::default();
        for Repeated { kernel, times } in layer.kernels()? {
            let times = u64::from(times);
            match kernel {
                Kernel::Nest(nest) => {
                    add_nest(&mut total.nests, &analyse(&self.loops, &nest, &self.memory, |_| {})?, times);
                }
                Kernel::Vector(work) => {
                    total.vector_cycles += times * self.vector_unit.cycles(&work);
                    total.vector_operations += times * work.operations;
                    total.vector_elements[0] += times * work.elements_in;
                    total.vector_elements[1] += times * work.elements_out;
                }
            }
        }
        Ok(total)
    }

    fn cycles(&self, total: &Total) -> u64 {
        total.nests.cycles + total.vector_cycles
    }

    fn dram_elements(&self, total: &Total) -> u64 {
        total.nests.dram_reads.iter().sum::<u64>()
            + total.nests.dram_writes
            + total.vector_elements.iter().sum::<u64>()
    }

    fn dram_bytes(&self, total: &Total) -> u64 {
        self.dram_elements(total).saturating_mul(self.memory.element_bytes)
    }

    fn dram_cycles(&self, total: &Total) -> u64 {
        self.dram_bandwidth.map_or(0, |bandwidth| self.dram_bytes(total).div_ceil(bandwidth))
    }

    /// L1 accesses: operands and partial sums of every multiply-accumulate, and fills.
    fn l1_accesses(&self, total: &Total) -> u64 {
        4 * total.nests.macs + total.nests.l1_fills.iter().sum::<u64>()
    }

    /// L2 accesses: by the array, and from and to DRAM; vector operands pass through as well.
    fn l2_accesses(&self, total: &Total) -> u64 {
        let nests = &total.nests;
        nests.l2_reads.iter().sum::<u64>()
            + nests.l2_writes
            + nests.dram_reads.iter().sum::<u64>()
            + nests.dram_writes
            + 2 * total.vector_elements.iter().sum::<u64>()
    }

    fn energy(&self, total: &Total) -> EnergyParts {
        let table = &self.energy;
        let cycles = self.cycles(total).max(self.dram_cycles(total));
        EnergyParts {
            mac: table.mac * (total.nests.macs + total.vector_operations) as f64,
            l1: table.l1 * self.l1_accesses(total) as f64,
            l2: table.l2 * self.l2_accesses(total) as f64,
            dram: table.dram * self.dram_elements(total) as f64,
            r#static: table.static_per_cycle * cycles as f64,
        }
    }
}

fn add_nest(total: &mut CorrectedCost, one: &CorrectedCost, times: u64) {
    total.macs += times * one.macs;
    total.steps += times * one.steps;
    total.cycles += times * one.cycles;
    total.compute_cycles += times * one.compute_cycles;
    for index in 0..2 {
        total.l1_fills[index] += times * one.l1_fills[index];
    }
    for index in 0..3 {
        total.l2_reads[index] += times * one.l2_reads[index];
        total.dram_reads[index] += times * one.dram_reads[index];
        total.l2_tile[index] = total.l2_tile[index].max(one.l2_tile[index]);
        total.l1_tile[index] = total.l1_tile[index].max(one.l1_tile[index]);
    }
    total.l2_writes += times * one.l2_writes;
    total.dram_writes += times * one.dram_writes;
    total.l2_boundary = total.l2_boundary.max(one.l2_boundary);
}

impl CostModel for Corrected {
    fn work(&self, layer: LayerOf<'_>, _condition: Condition) -> Result<Work, CostError> {
        let total = self.total(layer.layer)?;
        let mut traffic = [0; SHARED_LEVELS];
        traffic[DRAM] = self.dram_bytes(&total);
        Ok(Work {
            compute: time(self.cycles(&total), self.clock_hz)?,
            traffic,
            transfer: time(self.dram_cycles(&total), self.clock_hz)?,
            exposed: Duration::ZERO,
            energy: self.energy(&total),
            quanta: u32::try_from(total.nests.steps).unwrap_or(u32::MAX).max(1),
        })
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        settings(&self.dataflow, self.pes, self.memory.noc_bandwidth)
    }

    fn columns(&self) -> &'static [&'static str] {
        &[
            "latency_cycles",
            "array_cycles",
            "compute_cycles",
            "dram_cycles",
            "macs",
            "utilisation_pct",
            "l1_fills_input",
            "l1_fills_weight",
            "l2_reads_input",
            "l2_reads_weight",
            "l2_reads_output",
            "l2_writes_output",
            "dram_reads_input",
            "dram_reads_weight",
            "dram_reads_output",
            "dram_writes_output",
            "l2_tile_bytes",
            "l1_tile_bytes",
            "energy_pj_total",
            "energy_pj_mac",
            "energy_pj_l1",
            "energy_pj_l2",
            "energy_pj_dram",
            "energy_pj_static",
        ]
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let total = self.total(layer.layer)?;
        let nests = &total.nests;
        let cycles = self.cycles(&total);
        let latency = cycles.max(self.dram_cycles(&total));
        let energy = self.energy(&total);
        let bytes = |tile: [u64; 3]| tile.iter().sum::<u64>().saturating_mul(self.memory.element_bytes);
        let peak = latency as f64 * f64::from(self.pes);
        let utilisation = if latency == 0 { 0.0 } else { 100.0 * nests.macs as f64 / peak };
        row.extend(
            [
                latency,
                cycles,
                nests.compute_cycles + total.vector_cycles,
                self.dram_cycles(&total),
                nests.macs,
            ]
            .map(Quantity::Integer),
        );
        row.push(Quantity::Real(utilisation));
        row.extend(nests.l1_fills.map(Quantity::Integer));
        row.extend(nests.l2_reads.map(Quantity::Integer));
        row.push(Quantity::Integer(nests.l2_writes));
        row.extend(nests.dram_reads.map(Quantity::Integer));
        row.extend([nests.dram_writes, bytes(nests.l2_tile), bytes(nests.l1_tile)].map(Quantity::Integer));
        row.extend(
            [energy.total(), energy.mac, energy.l1, energy.l2, energy.dram, energy.r#static]
                .map(Quantity::Real),
        );
        Ok(())
    }

    fn explain(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        explain::corrected(self, layer.layer)
    }

    fn identity(&self) -> String {
        let Dataflow { levels, clusters, .. } = &self.dataflow;
        let Memory { noc_bandwidth, l1_bytes, l2_bytes, element_bytes } = self.memory;
        canonical(
            "maestro corrected",
            &(
                (levels, clusters, self.pes, noc_bandwidth, l1_bytes, l2_bytes, element_bytes),
                (self.dram_bandwidth, self.energy, self.vector_unit.lanes, self.clock_hz),
            ),
        )
    }
}

/// Columns as the published tool's cost tables name them.
fn settings(dataflow: &Dataflow, pes: u32, noc_bandwidth: u64) -> Vec<(&'static str, String)> {
    vec![
        ("dataflow", dataflow.name.clone()),
        ("num_pes", pes.to_string()),
        ("noc_bw", noc_bandwidth.to_string()),
    ]
}

fn time(cycles: u64, clock_hz: u64) -> Result<Duration, CostError> {
    Duration::from_cycles(cycles, clock_hz).ok_or(CostError::Overflow { what: "cycles" })
}

fn canonical(kind: &str, parameters: &impl Serialize) -> String {
    // The parameters are numbers, strings and lists, which JSON always holds.
    format!("{kind} {}", serde_json::to_string(parameters).unwrap_or_default())
}
