//! The account of the model: rows of costs, and the terms of a layer's cycles, accesses and energy.

use rtmm_workload::{Kernel, Repeated};

use super::array::{Dataflow, percent};
use super::model::Systolic;
use super::parameters::SystolicParameters;
use crate::cost::{CostError, LayerOf};
use crate::decode::Mode;
use crate::explain::{Explain, Explanation, Quantity, Section};

/// Columns of [`Explain::report`].
const COLUMNS: &[&str] = &[
    "compute_cycles",
    "sram_ifmap_reads",
    "sram_filter_reads",
    "sram_ofmap_writes",
    "lines",
    "vector_cycles",
    "folds",
    "utilisation_pct",
    "mapping_efficiency_pct",
    "compute_utilisation_pct",
    "ofmap_writes_true",
    "partial_sum_reads",
    "dram_ifmap_words",
    "dram_filter_words",
    "dram_ofmap_words",
    "dram_partial_sum_words",
    "dram_vector_words",
    "dram_bytes",
    "stall_cycles",
    "total_cycles",
    "latency_ps",
    "energy_pj_mac",
    "energy_pj_l2",
    "energy_pj_dram",
    "energy_pj_static",
    "energy_pj_total",
];

impl Explain for Systolic {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let SystolicParameters { dataflow, rows, cols, .. } = self.parameters;
        vec![("dataflow", dataflow.name().to_owned()), ("rows", rows.to_string()), ("cols", cols.to_string())]
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let totals = self.totals(layer)?;
        let cycles = self.cycles(&totals)?;
        let energy = self.energy(&totals, &cycles);
        let (overall, compute) = self.utilisation_percent(&totals, &cycles);
        row.extend([
            // SCALE-Sim gives the index of the last cycle of every product.
            Quantity::Integer(totals.lines - totals.products),
            Quantity::Integer(totals.sram_ifmap_reads),
            Quantity::Integer(totals.sram_filter_reads),
            Quantity::Integer(totals.scalesim_ofmap_writes),
            Quantity::Integer(totals.lines),
            Quantity::Integer(totals.vector.cycles),
            Quantity::Integer(totals.folds),
            Quantity::Real(overall),
            Quantity::Real(percent(totals.used_cells as f64, totals.cells as f64)),
            Quantity::Real(compute),
            Quantity::Integer(totals.sram_ofmap_writes),
            Quantity::Integer(totals.partial_sum_reads),
            Quantity::Integer(totals.dram.ifmap),
            Quantity::Integer(totals.dram.filter),
            Quantity::Integer(totals.dram.ofmap),
            Quantity::Integer(totals.dram.partial_sums),
            Quantity::Integer(totals.vector.elements),
            Quantity::Integer(cycles.dram_bytes),
            Quantity::Integer(cycles.total - cycles.compute),
            Quantity::Integer(cycles.total),
            Quantity::Integer(self.duration(cycles.total)?.picoseconds()),
            Quantity::Real(energy.mac),
            Quantity::Real(energy.l2),
            Quantity::Real(energy.dram),
            Quantity::Real(energy.static_energy),
            Quantity::Real(energy.total()),
        ]);
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        explanation(self, layer)
    }
}

/// Explains the cost of `layer` in the order in which it is computed.
fn explanation(model: &Systolic, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
    let (mut mapping, mut folds, mut cycles) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sram, mut dram, mut vector) = (Vec::new(), Vec::new(), Vec::new());
    for (index, Repeated { kernel, times }) in layer.layer.kernels()?.into_iter().enumerate() {
        let nest = match kernel {
            Kernel::Nest(nest) => nest,
            Kernel::Vector(work) => {
                let cycles = model.parameters.vector_unit.cycles(&work);
                let words = work.elements_in.saturating_add(work.elements_out);
                vector.push(Section::row(&[&index, &times, &work.operations, &words, &cycles]));
                continue;
            }
        };
        let mapped = model.map(&nest, times)?;
        let (product, cost, copies) = (mapped.product, &mapped.cost, mapped.copies);
        let (m, k, n) = (product.m(), product.k(), product.n());
        mapping.push(Section::row(&[&index, &copies, &m, &k, &n, &cost.macs]));
        let efficiency = format!("{:.2}", cost.mapping_efficiency_percent());
        folds.push(Section::row(&[
            &index,
            &cost.spatial_rows,
            &cost.spatial_columns,
            &cost.steps,
            &cost.row_folds,
            &cost.column_folds,
            &cost.folds(),
            &efficiency,
        ]));
        cycles.push(Section::row(&[&index, &copies, &cost.folds(), &cost.fold_cycles, &cost.lines]));
        let written = match model.mode {
            Mode::Corrected => cost.sram_ofmap_writes,
            Mode::Reference => cost.scalesim_ofmap_writes(),
        };
        sram.push(Section::row(&[
            &index,
            &copies,
            &cost.sram_ifmap_reads,
            &cost.sram_filter_reads,
            &written,
            &cost.partial_sum_reads,
        ]));
        let words = mapped.traffic.words();
        dram.push(Section::row(&[
            &index,
            &copies,
            &words.ifmap,
            &words.filter,
            &words.ofmap,
            &words.partial_sums,
        ]));
    }
    let mut sections = Vec::new();
    if !mapping.is_empty() {
        let (rows, columns) = (model.array.rows(), model.array.columns());
        let (mapped, fold) = match model.array.dataflow() {
            Dataflow::OutputStationary => ("Sr = M, Sc = N, T = K", "T + R + C - 2"),
            Dataflow::WeightStationary => ("Sr = K, Sc = N, T = M", "T + 2R + C - 2"),
            Dataflow::InputStationary => ("Sr = K, Sc = M, T = N", "T + 2R + C - 2"),
        };
        sections.push(Section::new(
            "Matrix products: M = batch x output plane, K = filter x input channels, N = output channels",
            &["kernel", "copies", "M", "K", "N", "MACs"],
            mapping,
        ));
        sections.push(Section::new(
            format!("Folds on {rows} x {columns} cells: {mapped}, Fr = ceil(Sr / R), Fc = ceil(Sc / C)"),
            &["kernel", "Sr", "Sc", "T", "Fr", "Fc", "folds", "mapping efficiency (%)"],
            folds,
        ));
        sections.push(Section::new(
            format!("Array cycles of one copy: lines = folds x ({fold})"),
            &["kernel", "copies", "folds", "cycles a fold", "lines"],
            cycles,
        ));
        sections.push(Section::new(
            "Buffer accesses of one copy, in elements",
            &["kernel", "copies", "input reads", "weight reads", "output writes", "partial sums read back"],
            sram,
        ));
        sections.push(Section::new(
            "Off-chip traffic of one copy, in elements",
            &["kernel", "copies", "inputs", "weights", "outputs", "partial sums read back"],
            dram,
        ));
    }
    if !vector.is_empty() {
        sections.push(Section::vector_unit(vector));
    }
    let totals = model.totals(layer)?;
    let whole = model.cycles(&totals)?;
    let bound = whole.compute.max(whole.transfer);
    sections.push(Section::new(
        "Time: total = first fill + sum over folds of max(compute, next in + previous out) + last drain",
        &["term", "cycles", "time"],
        [
            ("array and vector unit", whole.compute),
            ("off-chip transfer", whole.transfer),
            ("exposed", whole.total - bound),
            ("total", whole.total),
        ]
        .into_iter()
        .map(|(term, cycles)| Ok(Section::row(&[&term, &cycles, &model.duration(cycles)?])))
        .collect::<Result<_, CostError>>()?,
    ));
    let energy = model.energy(&totals, &whole);
    let parameters = &model.parameters;
    let mut rows = Section::operations(totals.macs as f64, totals.vector.operations, &parameters.energies());
    match &parameters.buffers_pj {
        None => rows.push(Section::row(&[
            &"buffer accesses",
            &model.sram_accesses(&totals),
            &parameters.sram_pj,
            &energy.l2,
        ])),
        Some(buffers) => rows.extend(buffers.rows(Systolic::accesses_by_buffer(&totals))),
    }
    rows.extend([
        Section::row(&[&"off-chip bytes", &whole.dram_bytes, &parameters.dram_pj, &energy.dram]),
        Section::row(&[&"cycles", &whole.total, &parameters.static_pj_per_cycle, &energy.static_energy]),
    ]);
    sections.push(Section::energy(rows, &energy));
    Ok(Explanation { sections })
}
