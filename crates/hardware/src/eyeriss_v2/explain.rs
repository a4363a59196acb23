//! The account of the model: rows of costs, and the terms of a layer's cycles and energy.

use super::model::{EyerissV2, Step, Totals};
use super::parameters::EyerissParameters;
use crate::cost::{Condition, CostError, LayerOf};
use crate::explain::{Explain, Explanation, Quantity, Section};

/// Columns of [`Explain::report`].
const COLUMNS: &[&str] = &[
    "dense_macs",
    "valid_macs",
    "rows",
    "activation_checks",
    "row_cycles",
    "array_cycles",
    "vector_cycles",
    "total_cycles",
    "latency_ps",
    "energy_pj_mac",
    "energy_pj_l1",
    "energy_pj_static",
    "energy_pj_total",
];

impl Explain for EyerissV2 {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let EyerissParameters { weight_sparsity, activation_sparsity, .. } = self.parameters;
        vec![
            ("pes", self.parameters.organisation.pes().to_string()),
            ("weight_sparsity", weight_sparsity.to_string()),
            ("activation_sparsity", activation_sparsity.to_string()),
        ]
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let totals = self.totals(layer, Condition::Profile)?;
        let cycles = totals.cycles()?;
        let energy = self.energy(&totals, cycles);
        row.extend([
            Quantity::Integer(totals.dense_macs),
            Quantity::Integer(totals.valid_macs),
            Quantity::Integer(totals.rows),
            Quantity::Integer(totals.activation_checks),
            Quantity::Integer(totals.row_cycles),
            Quantity::Integer(totals.array_cycles),
            Quantity::Integer(totals.vector.cycles),
            Quantity::Integer(cycles),
            Quantity::Integer(self.duration(cycles)?.picoseconds()),
            Quantity::Real(energy.mac),
            Quantity::Real(energy.l1),
            Quantity::Real(energy.static_energy),
            Quantity::Real(energy.total()),
        ]);
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let (mut tiles, mut counts, mut cycles, mut vector) = (vec![], vec![], vec![], vec![]);
        let mut totals = Totals::default();
        let mut index = 0_usize;
        self.each_step(layer, Condition::Profile, |step| {
            match &step {
                Step::Nest { cost, times, weights, activations, .. } => {
                    let m = cost.mapping;
                    let extents = [
                        m.r, m.c0, m.e, m.f0, m.m0, m.c1, m.f1, m.s1, m.m1, m.m2, m.f2, m.c2, m.s2, m.passes,
                    ];
                    let extents = extents.iter().map(u64::to_string);
                    tiles.push([index.to_string()].into_iter().chain(extents).collect());
                    counts.push(Section::row(&[
                        &index,
                        times,
                        &cost.dense_macs,
                        weights,
                        activations,
                        &cost.valid_macs,
                        &cost.rows,
                    ]));
                    let mac_cycles =
                        cost.valid_macs.saturating_mul(self.parameters.organisation.cycles_per_mac.into());
                    let (checks, rows) = (cost.activation_checks, cost.row_cycles);
                    cycles.push(Section::row(&[&index, times, &mac_cycles, &checks, &rows, &cost.cycles]));
                }
                Step::Vector { work, cycles, times } => {
                    let elements = work.elements_in.saturating_add(work.elements_out);
                    vector.push(Section::row(&[&index, times, &work.operations, &elements, cycles]));
                }
            }
            index += 1;
            totals.add(&step)
        })?;
        let organisation = &self.parameters.organisation;
        let total = totals.cycles()?;
        let energy = self.energy(&totals, total);
        let mut sections = Vec::new();
        if !tiles.is_empty() {
            sections.push(Section::new(
                "Tiles: 0 within a processing element, 1 across the array, 2 one after the other",
                &[
                    "kernel", "R", "C0", "E", "F0", "M0", "C1", "F1", "S1", "M1", "M2", "F2", "C2", "S2",
                    "passes",
                ],
                tiles,
            ));
            sections.push(Section::new(
                "Nonzeros of one copy: valid = dense x nonzero weights x nonzero activations",
                &[
                    "kernel",
                    "times",
                    "dense MACs",
                    "nonzero weights",
                    "nonzero activations",
                    "valid",
                    "rows N",
                ],
                counts,
            ));
            let (mac, row, pes) =
                (organisation.cycles_per_mac, organisation.cycles_per_row, organisation.pes());
            sections.push(Section::new(
                format!(
                    "Array cycles of one copy: ({mac} valid + A + B) / {pes}, A = M1 F1 C1 S1 M2 F2 C2 S2 E \
                     F0 passes, B = {row} M1 S1 M2 S2 N passes"
                ),
                &["kernel", "times", "MAC cycles", "A", "B", "cycles"],
                cycles,
            ));
        }
        if !vector.is_empty() {
            sections.push(Section::vector_unit(vector));
        }
        sections.push(Section::new(
            "Time: array, then vector unit",
            &["term", "cycles", "time"],
            vec![
                Section::row(&[&"array", &totals.array_cycles, &self.duration(totals.array_cycles)?]),
                Section::row(&[&"vector unit", &totals.vector.cycles, &self.duration(totals.vector.cycles)?]),
                Section::row(&[&"total", &total, &self.duration(total)?]),
            ],
        ));
        let EyerissParameters { activation_pj, row_pj, static_pj_per_cycle, .. } = self.parameters;
        let (checks, rows) = (totals.activation_checks, totals.rows);
        let operations = totals.valid_macs as f64;
        let mut events =
            Section::operations(operations, totals.vector.operations, &self.parameters.energies());
        events.extend([
            Section::row(&[&"activation checks", &checks, &activation_pj, &(activation_pj * checks as f64)]),
            Section::row(&[&"row accesses", &rows, &row_pj, &(row_pj * rows as f64)]),
            Section::row(&[&"cycles", &total, &static_pj_per_cycle, &energy.static_energy]),
        ]);
        sections.push(Section::energy(events, &energy));
        Ok(Explanation { sections })
    }
}
