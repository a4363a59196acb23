//! The account of the model: rows of costs, and the tiles, volumes, cycles and energy of a layer.

use rtmm_workload::{Kernel, Repeated};

use super::model::{Gemmini, Mapped, Totals, in_cycles};
use super::parameters::MemoryTime;
use crate::cost::{CostError, DRAM, LayerOf, SHARED_CACHE, SHARED_LEVELS};
use crate::explain::{Explain, Explanation, Quantity, Section};
use crate::systolic::percent;

/// Columns of [`Explain::report`].
const COLUMNS: &[&str] = &[
    "inner_tiles",
    "compute_cycles",
    "memory_cycles",
    "total_cycles",
    "utilisation_pct",
    "cache_bytes",
    "dram_bytes",
    "latency_ps",
    "energy_pj_mac",
    "energy_pj_l1",
    "energy_pj_l2",
    "energy_pj_dram",
    "energy_pj_static",
    "energy_pj_total",
];

impl Explain for Gemmini {
    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("tiles", self.parameters().tiles.to_string()), ("dim", self.parameters().dim.to_string())]
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let totals = self.totals(layer)?;
        let traffic = self.traffic(&totals)?;
        let energy = self.energy(&totals, &traffic);
        let cycles = totals.cycles;
        let dim = f64::from(self.parameters().dim);
        let capacity = dim * dim * f64::from(self.parameters().tiles) * in_cycles(cycles.total);
        row.push(Quantity::Integer(totals.steps));
        row.extend(
            [cycles.compute, cycles.memory, cycles.total].map(|cycles| Quantity::Real(in_cycles(cycles))),
        );
        row.push(Quantity::Real(percent(totals.macs as f64, capacity)));
        row.extend([traffic[SHARED_CACHE], traffic[DRAM]].map(Quantity::Integer));
        row.push(Quantity::Integer(self.duration(cycles.total)?.picoseconds()));
        row.extend(
            [energy.mac, energy.l1, energy.l2, energy.dram, energy.static_energy, energy.total()]
                .map(Quantity::Real),
        );
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let kernels = layer.layer.kernels()?;
        let totals = self.totals(layer)?;
        let traffic = self.traffic(&totals)?;
        let mut sections = self.kernels(&kernels)?;
        sections.push(self.time(&totals)?);
        sections.push(self.energies(&totals, &traffic));
        Ok(Explanation { sections })
    }
}

impl Gemmini {
    /// Tiles, volumes and cycles of each nest, then the vector unit.
    fn kernels(&self, kernels: &[Repeated]) -> Result<Vec<Section>, CostError> {
        let (mut tiles, mut tensors, mut loads, mut cycles) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut vector = Vec::new();
        for (index, Repeated { kernel, times }) in kernels.iter().enumerate() {
            let nest = match kernel {
                Kernel::Nest(nest) => nest,
                Kernel::Vector(work) => {
                    let words = work.elements_in.saturating_add(work.elements_out);
                    let unit = self.parameters().vector_unit.cycles(work);
                    vector.push(Section::row(&[&index, times, &work.operations, &words, &unit]));
                    continue;
                }
            };
            let Mapped {
                volumes, copies, steps, cache_rows, dram_rows, overlap_factor, cycles: of_nest, ..
            } = self.map(nest, (*times).into())?;
            let lengths: Vec<String> = volumes.tile.iter().map(u64::to_string).collect();
            tiles.push(Section::row(&[&index, &lengths.join(" x "), &volumes.steps, &copies, &steps]));
            let whole = &volumes.whole;
            tensors.push(Section::row(&[
                &index,
                &whole.input,
                &whole.weights,
                &whole.output,
                &whole.passes.count(),
                &dram_rows,
            ]));
            let loaded = &volumes.loads;
            loads.push(Section::row(&[
                &index,
                &loaded.input,
                &loaded.weights,
                &loaded.bias,
                &volumes.rows,
                &volumes.sharers,
                &cache_rows,
            ]));
            cycles.push(Section::row(&[
                &index,
                &in_cycles(of_nest.compute),
                &in_cycles(of_nest.memory),
                &(overlap_factor as f64 / 1e6),
                &in_cycles(of_nest.total),
            ]));
        }
        let mut sections = Vec::new();
        if !tiles.is_empty() {
            let header = ["kernel", "lengths", "of a share", "groups x times", "one after the other"];
            sections.push(Section::new(
                "Tiles: images x rows x columns x output channels x kernel rows x kernel columns x input channels, or \
                 blocks of rows x columns x depth",
                &header,
                tiles,
            ));
            sections.push(Section::new(
                "Rows of a group's tensors, and between cache and DRAM for all groups",
                &["kernel", "input", "weights", "output", "passes", "DRAM rows"],
                tensors,
            ));
            sections.push(Section::new(
                "Rows between tiles and cache: loads of a share, with its output, and of all shares of all groups",
                &["kernel", "input", "weights", "bias", "and output", "shares", "cache rows"],
                loads,
            ));
            sections.push(Section::new(
                "Cycles: total = max(compute, memory) + overlap factor x min(compute, memory)",
                &["kernel", "compute", "memory", "overlap factor", "total"],
                cycles,
            ));
        }
        if !vector.is_empty() {
            sections.push(Section::vector_unit(vector));
        }
        Ok(sections)
    }

    fn time(&self, totals: &Totals) -> Result<Section, CostError> {
        let cycles = totals.cycles;
        let exposed = cycles.total.saturating_sub(cycles.compute.max(cycles.memory));
        let rows = [
            ("arrays and vector unit", cycles.compute),
            ("memory", cycles.memory),
            ("exposed", exposed),
            ("total", cycles.total),
        ]
        .into_iter()
        .map(|(term, cycles)| Ok(Section::row(&[&term, &in_cycles(cycles), &self.duration(cycles)?])))
        .collect::<Result<_, CostError>>()?;
        let memory = match self.parameters().memory {
            MemoryTime::Longer => "memory = the longer of cache and DRAM",
            MemoryTime::Sum => "memory = DRAM, then what the cache has",
        };
        Ok(Section::new(
            format!("Time of the layer: {memory}; exposed = what does not overlap"),
            &["term", "cycles", "time"],
            rows,
        ))
    }

    fn energies(&self, totals: &Totals, traffic: &[u64; SHARED_LEVELS]) -> Section {
        let energies = self.parameters().energies();
        let energy = self.energy(totals, traffic);
        let cycles = in_cycles(totals.cycles.total);
        let mut rows = Section::operations(totals.macs as f64, totals.vector.operations, &energies);
        match self.parameters().accumulator_pj {
            None => rows.push(Section::row(&[
                &"scratchpad and accumulator bytes",
                &self.scratchpad_bytes(totals),
                &energies.l1,
                &energy.l1,
            ])),
            Some(one) => {
                let sums = self.accumulator_bytes(totals);
                let others = self.scratchpad_bytes(totals) - sums;
                rows.push(Section::row(&[
                    &"scratchpad bytes",
                    &others,
                    &energies.l1,
                    &(energies.l1 * others),
                ]));
                rows.push(Section::row(&[&"accumulator bytes", &sums, &one, &(one * sums)]));
            }
        }
        rows.extend([
            Section::row(&[&"cache bytes", &traffic[SHARED_CACHE], &energies.l2, &energy.l2]),
            Section::row(&[&"off-chip bytes", &traffic[DRAM], &energies.dram, &energy.dram]),
            Section::row(&[&"cycles", &cycles, &energies.static_per_cycle, &energy.static_energy]),
        ]);
        Section::energy(rows, &energy)
    }
}
