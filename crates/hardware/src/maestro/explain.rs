//! Accounts of both modes: rows of costs, and the terms of a layer's cycles and energy.

use rtmm_workload::{Kernel, Layer, PublishedShape, Repeated};

use super::corrected::{Case, analyse};
use super::corrected_model::Corrected;
use super::dataflow::Dataflow;
use super::mapping::instantiate;
use super::reference::{self, ReferenceCost};
use super::reference_model::{Reference, published_shape};
use crate::cost::{CostError, LayerOf};
use crate::explain::{Explain, Explanation, Quantity, Section};

/// Number of kinds of step that an explanation lists.
const LISTED_CASES: usize = 12;

fn section<const N: usize>(title: impl Into<String>, header: [&str; N]) -> Section {
    Section::new(title, &header, Vec::new())
}

fn row<const N: usize>(cells: [String; N]) -> Vec<String> {
    cells.into()
}

impl Explain for Reference {
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

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let shape = published_shape(layer.layer)?;
        Ok(reference(&self.dataflow, self.pes, &shape, &self.array.cost(&shape)?))
    }
}

impl Explain for Corrected {
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
                nests.compute_cycles + total.vector.cycles,
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
            [energy.total(), energy.mac, energy.l1, energy.l2, energy.dram, energy.static_energy]
                .map(Quantity::Real),
        );
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        corrected(self, layer.layer)
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

fn reference(dataflow: &Dataflow, pes: u32, shape: &PublishedShape, cost: &ReferenceCost) -> Explanation {
    let mut mapping = section(
        format!("Published tool: dataflow {} on {pes} processing elements", dataflow.name),
        ["level", "directives"],
    );
    for (index, level) in dataflow.levels.iter().enumerate() {
        let directives: Vec<String> = level.directives.iter().map(ToString::to_string).collect();
        mapping.rows.push(row([(dataflow.levels.len() - 1 - index).to_string(), directives.join("  ")]));
    }
    let true_macs = if shape.y >= shape.r && shape.x >= shape.s {
        [shape.k, shape.c, shape.r, shape.s, shape.y - shape.r + 1, shape.x - shape.s + 1]
            .iter()
            .fold(1_u64, |product, extent| product.saturating_mul(u64::from(*extent)))
    } else {
        0
    };
    let mut terms = section(
        "Cycles and work (multiply-accumulates without padding and stride, as published)",
        ["term", "value"],
    );
    terms.rows.push(row(["latency, cycles".to_owned(), cost.latency_cycles.to_string()]));
    terms.rows.push(row(["multiply-accumulates charged".to_owned(), cost.computations.to_string()]));
    terms.rows.push(row(["multiply-accumulates of the shape".to_owned(), true_macs.to_string()]));
    terms.rows.push(row(["L2 capacity asked for, elements".to_owned(), cost.l2_requirement.to_string()]));
    let mut energy = section(
        "Energy = 0.00288 nJ x (computations + 6 x L2 accesses + 0.55 x L1 accesses)",
        ["part", "events", "nJ"],
    );
    for (part, events, factor) in [
        ("multiply-accumulate", cost.computations, 1.0),
        ("L2", cost.l2_accesses(), reference::L2_MACS),
        ("L1", cost.l1_accesses(), reference::L1_MACS),
    ] {
        let nanojoules = reference::MAC_NJ * factor * events as f64;
        energy.rows.push(row([part.to_owned(), events.to_string(), format!("{nanojoules:.6}")]));
    }
    energy.rows.push(row(["total".to_owned(), String::new(), format!("{:.6}", cost.energy_nj())]));
    Explanation { sections: vec![mapping, terms, energy] }
}

fn corrected(model: &Corrected, layer: &Layer) -> Result<Explanation, CostError> {
    let mut sections = Vec::new();
    for Repeated { kernel, times } in layer.kernels()? {
        match kernel {
            Kernel::Nest(nest) => {
                let loops = instantiate(&model.loops, &nest);
                let mut cases: Vec<Case> = Vec::new();
                let cost = analyse(&model.loops, &nest, &model.memory, |case| cases.push(*case))?;
                let mut nest_section = section(
                    format!(
                        "Loop nest, run {times} time(s): dataflow {} on {} processing elements, {} \
                         multiply-accumulates",
                        model.dataflow.name, model.pes, cost.macs
                    ),
                    ["loop", "over", "tile", "units", "held in L2"],
                );
                for (index, one) in loops.iter().enumerate() {
                    nest_section.rows.push(row([
                        index.to_string(),
                        format!("{:?}", one.extent),
                        one.size.to_string(),
                        one.units.to_string(),
                        if index < cost.l2_boundary { "no" } else { "yes" }.to_owned(),
                    ]));
                }
                sections.push(nest_section);
                cases.sort_by_key(|case| std::cmp::Reverse(case.steps * case.cycles));
                let mut steps = section(
                    format!(
                        "Steps: max(compute, ceil(in / {bandwidth}), ceil(out / {bandwidth})) cycles each; {} \
                         steps and the drain make {} cycles ({} if operands were always there)",
                        cost.steps,
                        cost.cycles,
                        cost.compute_cycles,
                        bandwidth = model.memory.noc_bandwidth
                    ),
                    ["moving loop", "steps", "compute", "in", "out", "cycles", "total cycles"],
                );
                for case in cases.iter().take(LISTED_CASES) {
                    steps.rows.push(row([
                        case.prime.map_or_else(
                            || "first step".to_owned(),
                            |prime| format!("{prime} {:?}", loops[prime].extent),
                        ),
                        case.steps.to_string(),
                        case.compute.to_string(),
                        case.ingress.to_string(),
                        case.egress.to_string(),
                        case.cycles.to_string(),
                        (case.steps * case.cycles).to_string(),
                    ]));
                }
                if cases.len() > LISTED_CASES {
                    let rest: u64 = cases[LISTED_CASES..].iter().map(|case| case.steps * case.cycles).sum();
                    let mut cells = vec![format!("{} more kinds", cases.len() - LISTED_CASES)];
                    cells.extend(std::iter::repeat_n(String::new(), 5));
                    cells.push(rest.to_string());
                    steps.rows.push(cells);
                }
                sections.push(steps);
                let mut volumes = section(
                    "Elements moved",
                    ["tensor", "to L1", "from L2", "to L2", "from DRAM", "to DRAM"],
                );
                for (index, tensor) in ["input", "weight", "output"].into_iter().enumerate() {
                    let output = index == 2;
                    let only = |value: u64| if output { value.to_string() } else { "-".to_owned() };
                    volumes.rows.push(row([
                        tensor.to_owned(),
                        cost.l1_fills.get(index).map_or_else(|| "-".to_owned(), ToString::to_string),
                        cost.l2_reads[index].to_string(),
                        only(cost.l2_writes),
                        cost.dram_reads[index].to_string(),
                        only(cost.dram_writes),
                    ]));
                }
                sections.push(volumes);
            }
            Kernel::Vector(work) => {
                let mut vector = section(
                    format!(
                        "Vector unit, run {times} time(s): max(ceil(operations / {}), ceil(elements / {})) cycles",
                        model.vector_unit.lanes, model.vector_unit.bandwidth
                    ),
                    ["operations", "elements in", "elements out", "cycles"],
                );
                vector.rows.push(row([
                    work.operations.to_string(),
                    work.elements_in.to_string(),
                    work.elements_out.to_string(),
                    model.vector_unit.cycles(&work).to_string(),
                ]));
                sections.push(vector);
            }
        }
    }
    let total = model.total(layer)?;
    let cycles = model.cycles(&total);
    let mut latency = section(
        "Latency = max(array and vector cycles, DRAM cycles)",
        ["array and vector", "DRAM bytes", "DRAM cycles", "latency"],
    );
    latency.rows.push(row([
        cycles.to_string(),
        model.dram_bytes(&total).to_string(),
        model.dram_cycles(&total).to_string(),
        cycles.max(model.dram_cycles(&total)).to_string(),
    ]));
    sections.push(latency);
    let (table, parts) = (&model.energy, model.energy(&total));
    let mut energy = section("Energy", ["part", "events", "pJ each", "pJ"]);
    let (macs, vector) = (total.nests.macs, total.vector.operations);
    let operations = match table.vector {
        None => vec![("multiply-accumulate, vector", macs + vector, table.mac, parts.mac)],
        Some(each) => vec![
            ("multiply-accumulate", macs, table.mac, table.mac * macs as f64),
            ("vector", vector, each, each * vector as f64),
        ],
    };
    let memories = [
        ("L1", model.l1_accesses(&total), table.l1, parts.l1),
        ("L2", model.l2_accesses(&total), table.l2, parts.l2),
        ("DRAM", model.dram_elements(&total), table.dram, parts.dram),
        (
            "static, cycles",
            cycles.max(model.dram_cycles(&total)),
            table.static_per_cycle,
            parts.static_energy,
        ),
    ];
    for (part, events, each, sum) in operations.into_iter().chain(memories) {
        energy.rows.push(row([part.to_owned(), events.to_string(), each.to_string(), format!("{sum:.3}")]));
    }
    energy.rows.push(row([
        "total".to_owned(),
        String::new(),
        String::new(),
        format!("{:.3}", parts.total()),
    ]));
    sections.push(energy);
    Ok(Explanation { sections })
}
