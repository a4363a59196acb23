//! The account of the model: rows of costs with the shape chosen, and the terms of a layer's cycles, traffic and energy.

use rtmm_workload::{Kernel, Repeated};

use super::mapping::Shape;
use super::model::{Fission, Shaped};
use super::parameters::FissionParameters;
use crate::cost::{CostError, LayerOf};
use crate::explain::{Explain, Explanation, Quantity, Section};
use crate::systolic::percent;

/// Shapes that an explanation shows beside the one chosen.
const RUNNERS_UP: usize = 7;

/// Columns of [`Explain::report`].
const COLUMNS: &[&str] = &[
    "clusters",
    "cluster_rows",
    "cluster_cols",
    "folds",
    "lines",
    "vector_cycles",
    "utilisation_pct",
    "sram_reads",
    "sram_writes",
    "partial_sum_reads",
    "bus_reads",
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

impl Fission {
    /// Multiply-accumulates over what the cells of all subarrays could do, in percent.
    fn utilisation_percent(&self, shaped: &Shaped) -> f64 {
        let FissionParameters { subarrays, arrays, .. } = self.parameters();
        let cells = f64::from(*subarrays) * f64::from(arrays.rows) * f64::from(arrays.cols);
        percent(shaped.counts.macs as f64, cells * shaped.total as f64)
    }
}

impl Explain for Fission {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let FissionParameters { subarrays, arrays, .. } = self.parameters();
        vec![
            ("dataflow", arrays.dataflow.name().to_owned()),
            ("subarrays", subarrays.to_string()),
            ("rows", arrays.rows.to_string()),
            ("cols", arrays.cols.to_string()),
        ]
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let shaped = self.best(layer)?;
        let Shaped { shape: Shape { clusters, rows, columns }, counts, energy, .. } = &shaped;
        row.extend([*clusters, *rows, *columns].map(|extent| Quantity::Integer(extent.into())));
        row.extend([
            Quantity::Integer(counts.folds),
            Quantity::Integer(counts.lines),
            Quantity::Integer(counts.vector.cycles),
            Quantity::Real(self.utilisation_percent(&shaped)),
            Quantity::Integer(counts.sram_reads),
            Quantity::Integer(counts.sram_writes),
            Quantity::Integer(counts.partial_sum_reads),
            Quantity::Integer(counts.bus_reads),
            Quantity::Integer(counts.dram.ifmap),
            Quantity::Integer(counts.dram.filter),
            Quantity::Integer(counts.dram.ofmap),
            Quantity::Integer(counts.dram.partial_sums),
            Quantity::Integer(counts.vector.elements),
            Quantity::Integer(shaped.dram_bytes),
            Quantity::Integer(shaped.total - shaped.compute),
            Quantity::Integer(shaped.total),
            Quantity::Integer(self.duration(shaped.total)?.picoseconds()),
            Quantity::Real(energy.mac),
            Quantity::Real(energy.l2),
            Quantity::Real(energy.dram),
            Quantity::Real(energy.static_energy),
            Quantity::Real(energy.total()),
        ]);
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let kernels = layer.layer.kernels()?;
        let best = self.best(layer)?;
        let mut sections = vec![self.shapes(&kernels, &best)?];
        sections.extend(self.products(&kernels, &best)?);
        sections.push(self.time(&best)?);
        sections.push(self.energies(&best));
        Ok(Explanation { sections })
    }
}

impl Fission {
    /// The shapes that come closest to the one chosen, fastest first.
    fn shapes(&self, kernels: &[Repeated], best: &Shaped) -> Result<Section, CostError> {
        let mut shapes = Shape::all(self.parameters().subarrays)
            .map(|shape| self.shaped(kernels, shape))
            .collect::<Result<Vec<Shaped>, CostError>>()?;
        // Stable, so that of equals the one chosen comes first.
        shapes.sort_by(Shaped::compare);
        let arrays = &self.parameters().arrays;
        let rows = shapes.iter().take(1 + RUNNERS_UP).map(|shaped| {
            let Shape { clusters, rows, columns } = shaped.shape;
            let cells = format!("{} x {}", rows * arrays.rows, columns * arrays.cols);
            let chosen = if shaped.shape == best.shape { "chosen" } else { "" };
            Section::row(&[
                &clusters,
                &format!("{rows} x {columns}"),
                &cells,
                &shaped.shape.subarrays(),
                &shaped.total,
                &shaped.energy.total(),
                &chosen,
            ])
        });
        Ok(Section::new(
            format!(
                "Shapes of {} subarrays, fewest cycles first ({} in all)",
                self.parameters().subarrays,
                shapes.len()
            ),
            &["clusters", "subarrays of one", "cells of one", "subarrays in use", "cycles", "pJ", ""],
            rows.collect(),
        ))
    }

    /// Slices, cycles and traffic of each product, then the vector unit.
    fn products(&self, kernels: &[Repeated], best: &Shaped) -> Result<Vec<Section>, CostError> {
        let (mut slices, mut cycles) = (Vec::new(), Vec::new());
        let (mut sram, mut dram, mut vector) = (Vec::new(), Vec::new(), Vec::new());
        let Some(array) = self.array(best.shape) else { return Ok(Vec::new()) };
        for (index, Repeated { kernel, times }) in kernels.iter().enumerate() {
            let nest = match kernel {
                Kernel::Nest(nest) => nest,
                Kernel::Vector(work) => {
                    let cycles = self.parameters().arrays.vector_unit.cycles(work);
                    let words = work.elements_in.saturating_add(work.elements_out);
                    vector.push(Section::row(&[&index, times, &work.operations, &words, &cycles]));
                    continue;
                }
            };
            let (division, counts) = self.divide(nest, *times, array, best.shape.clusters)?;
            let (product, cost) = (division.largest.product, &division.largest.cost);
            slices.push(Section::row(&[
                &index,
                &division.split.name(),
                &division.clusters,
                &division.rounds,
                &product.m(),
                &product.k(),
                &product.n(),
                &counts.macs,
            ]));
            cycles.push(Section::row(&[
                &index,
                &division.rounds,
                &cost.row_folds,
                &cost.column_folds,
                &cost.fold_cycles,
                &counts.lines,
            ]));
            sram.push(Section::row(&[
                &index,
                &counts.sram_reads,
                &counts.bus_reads,
                &counts.sram_writes,
                &counts.partial_sum_reads,
            ]));
            let words = &counts.dram;
            dram.push(Section::row(&[
                &index,
                &words.ifmap,
                &words.filter,
                &words.ofmap,
                &words.partial_sums,
            ]));
        }
        let mut sections = Vec::new();
        if !slices.is_empty() {
            let (rows, columns) = (array.rows(), array.columns());
            sections.push(Section::new(
                "Slices: the largest one, clusters that have one at a time, and rounds of them",
                &["kernel", "split by", "clusters", "rounds", "M", "K", "N", "MACs of all"],
                slices,
            ));
            sections.push(Section::new(
                format!("Array cycles on {rows} x {columns} cells: lines = rounds x Fr x Fc x cycles a fold"),
                &["kernel", "rounds", "Fr", "Fc", "cycles a fold", "lines"],
                cycles,
            ));
            sections.push(Section::new(
                "Buffer accesses of all copies, in elements; an operand in common is read once",
                &["kernel", "reads", "to other clusters", "writes", "partial sums read back"],
                sram,
            ));
            sections.push(Section::new(
                "Off-chip traffic of all copies, in elements",
                &["kernel", "inputs", "weights", "outputs", "partial sums read back"],
                dram,
            ));
        }
        if !vector.is_empty() {
            sections.push(Section::vector_unit(vector));
        }
        Ok(sections)
    }

    fn time(&self, best: &Shaped) -> Result<Section, CostError> {
        let bound = best.compute.max(best.transfer);
        let rows = [
            ("arrays and vector unit", best.compute),
            ("off-chip transfer", best.transfer),
            ("exposed", best.total - bound),
            ("total", best.total),
        ]
        .into_iter()
        .map(|(term, cycles)| Ok(Section::row(&[&term, &cycles, &self.duration(cycles)?])))
        .collect::<Result<_, CostError>>()?;
        Ok(Section::new(
            "Time: total = first fill + sum over folds of max(compute, next in + previous out) + last drain",
            &["term", "cycles", "time"],
            rows,
        ))
    }

    fn energies(&self, best: &Shaped) -> Section {
        let FissionParameters { arrays, bus_pj, .. } = self.parameters();
        let (counts, energy) = (&best.counts, &best.energy);
        let (accesses, bus) = (Self::sram_accesses(counts), self.bus_bytes(counts));
        let mut rows = Section::operations(counts.macs as f64, counts.vector.operations, &arrays.energies());
        match &arrays.buffers_pj {
            None => rows.push(Section::row(&[
                &"buffer accesses",
                &accesses,
                &arrays.sram_pj,
                &(arrays.sram_pj * accesses),
            ])),
            Some(buffers) => rows.extend(buffers.rows(Self::accesses_by_buffer(counts))),
        }
        rows.extend([
            Section::row(&[&"bytes over the bus", &bus, bus_pj, &(bus_pj * bus)]),
            Section::row(&[&"off-chip bytes", &best.dram_bytes, &arrays.dram_pj, &energy.dram]),
            Section::row(&[&"cycles", &best.total, &arrays.static_pj_per_cycle, &energy.static_energy]),
        ]);
        Section::energy(rows, energy)
    }
}
