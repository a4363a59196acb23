//! Where a layer's cycles, accesses and energy come from, for people to read.

use rtmm_workload::{Kernel, Repeated};

use super::array::Dataflow;
use super::model::Systolic;
use crate::cost::{CostError, Explanation, LayerOf, Section};
use crate::decode::Mode;

fn section(title: impl Into<String>, header: &[&str], rows: Vec<Vec<String>>) -> Section {
    Section { title: title.into(), header: header.iter().map(|&head| head.to_owned()).collect(), rows }
}

fn row(cells: &[&dyn ToString]) -> Vec<String> {
    cells.iter().map(|cell| cell.to_string()).collect()
}

/// Explains the cost of `layer` in the order in which it is computed.
pub(super) fn explain(model: &Systolic, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
    let (mut mapping, mut folds, mut cycles) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sram, mut dram, mut vector) = (Vec::new(), Vec::new(), Vec::new());
    for (index, Repeated { kernel, times }) in layer.layer.kernels()?.into_iter().enumerate() {
        let nest = match kernel {
            Kernel::Nest(nest) => nest,
            Kernel::Vector(work) => {
                let cycles = model.vector_unit.cycles(&work);
                let words = work.elements_in.saturating_add(work.elements_out);
                vector.push(row(&[&index, &times, &work.operations, &words, &cycles]));
                continue;
            }
        };
        let mapped = model.map(&nest, times)?;
        let (product, cost, copies) = (mapped.product, &mapped.cost, mapped.copies);
        let (m, k, n) = (product.m(), product.k(), product.n());
        mapping.push(row(&[&index, &copies, &m, &k, &n, &cost.macs]));
        let efficiency = format!("{:.2}", cost.mapping_efficiency_percent());
        folds.push(row(&[
            &index,
            &cost.spatial_rows,
            &cost.spatial_columns,
            &cost.steps,
            &cost.row_folds,
            &cost.column_folds,
            &cost.folds(),
            &efficiency,
        ]));
        cycles.push(row(&[&index, &copies, &cost.folds(), &cost.fold_cycles, &cost.lines]));
        let written = match model.mode {
            Mode::Corrected => cost.sram_ofmap_writes,
            Mode::Reference => cost.scalesim_ofmap_writes(),
        };
        sram.push(row(&[
            &index,
            &copies,
            &cost.sram_ifmap_reads,
            &cost.sram_filter_reads,
            &written,
            &cost.partial_sum_reads,
        ]));
        let words = mapped.traffic.words();
        dram.push(row(&[&index, &copies, &words.ifmap, &words.filter, &words.ofmap, &words.partial_sums]));
    }
    let mut sections = Vec::new();
    if !mapping.is_empty() {
        let (rows, columns) = (model.array.rows(), model.array.columns());
        let (mapped, fold) = match model.array.dataflow() {
            Dataflow::OutputStationary => ("Sr = M, Sc = N, T = K", "T + R + C - 2"),
            Dataflow::WeightStationary => ("Sr = K, Sc = N, T = M", "T + 2R + C - 2"),
            Dataflow::InputStationary => ("Sr = K, Sc = M, T = N", "T + 2R + C - 2"),
        };
        sections.push(section(
            "Matrix products: M = batch x output plane, K = filter x input channels, N = output channels",
            &["kernel", "copies", "M", "K", "N", "MACs"],
            mapping,
        ));
        sections.push(section(
            format!("Folds on {rows} x {columns} cells: {mapped}, Fr = ceil(Sr / R), Fc = ceil(Sc / C)"),
            &["kernel", "Sr", "Sc", "T", "Fr", "Fc", "folds", "mapping efficiency (%)"],
            folds,
        ));
        sections.push(section(
            format!("Array cycles of one copy: lines = folds x ({fold})"),
            &["kernel", "copies", "folds", "cycles a fold", "lines"],
            cycles,
        ));
        sections.push(section(
            "Buffer accesses of one copy, in elements",
            &["kernel", "copies", "input reads", "weight reads", "output writes", "partial sums read back"],
            sram,
        ));
        sections.push(section(
            "Off-chip traffic of one copy, in elements",
            &["kernel", "copies", "inputs", "weights", "outputs", "partial sums read back"],
            dram,
        ));
    }
    if !vector.is_empty() {
        sections.push(section(
            "Vector unit: cycles = max(ceil(operations / lanes), ceil(elements / bandwidth))",
            &["kernel", "times", "operations", "elements in and out", "cycles"],
            vector,
        ));
    }
    let totals = model.totals(layer)?;
    let whole = model.cycles(&totals)?;
    let bound = whole.compute.max(whole.transfer);
    sections.push(section(
        "Time: total = first fill + sum over folds of max(compute, next in + previous out) + last drain",
        &["term", "cycles", "time"],
        [
            ("array and vector unit", whole.compute),
            ("off-chip transfer", whole.transfer),
            ("exposed", whole.total - bound),
            ("total", whole.total),
        ]
        .into_iter()
        .map(|(term, cycles)| Ok(row(&[&term, &cycles, &model.duration(cycles)?])))
        .collect::<Result<_, CostError>>()?,
    ));
    let energy = model.energy(&totals, &whole);
    let parameters = &model.parameters;
    let operations = totals.macs as f64 + totals.vector_operations as f64;
    sections.push(section(
        "Energy: events x energy of one",
        &["part", "events", "pJ of one", "pJ"],
        vec![
            row(&[&"operations", &operations, &parameters.mac_pj, &energy.mac]),
            row(&[&"buffer accesses", &model.sram_accesses(&totals), &parameters.sram_pj, &energy.l2]),
            row(&[&"off-chip bytes", &whole.dram_bytes, &parameters.dram_pj, &energy.dram]),
            row(&[&"cycles", &whole.total, &parameters.static_pj_per_cycle, &energy.r#static]),
            row(&[&"total", &"", &"", &energy.total()]),
        ],
    ));
    Ok(Explanation { sections })
}
