//! The account of the model: rows of costs, and the terms of a layer's cycles and energy.

use rtmm_workload::Operator;

use super::latency::{AttentionExtents, Sanger};
use super::parameters::SangerParameters;
use crate::cost::{Condition, CostError, DRAM, LayerOf};
use crate::explain::{Explain, Explanation, Quantity, Section};

/// Columns of [`Explain::report`].
const COLUMNS: &[&str] = &[
    "linear_ps",
    "attention_ps",
    "projection_ps",
    "vector_cycles",
    "valid_macs",
    "dram_bytes",
    "latency_ps",
    "energy_pj_mac",
    "energy_pj_dram",
    "energy_pj_static",
    "energy_pj_total",
];

impl Explain for Sanger {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let SangerParameters { attention_sparsity, load_balance, rows, cols, .. } = self.parameters;
        vec![
            ("rows", rows.to_string()),
            ("cols", cols.to_string()),
            ("attention_sparsity", attention_sparsity.to_string()),
            ("load_balance", load_balance.to_string()),
        ]
    }

    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        let totals = self.totals(layer, Condition::Profile)?;
        let work = self.work_of(&totals)?;
        row.extend(self.parts(&totals)?.map(|part| Quantity::Integer(part.picoseconds())));
        row.extend([
            Quantity::Integer(totals.vector.cycles),
            Quantity::Real(totals.macs),
            Quantity::Integer(work.traffic[DRAM]),
            Quantity::Integer(work.latency().picoseconds()),
            Quantity::Real(work.energy.mac),
            Quantity::Real(work.energy.dram),
            Quantity::Real(work.energy.static_energy),
            Quantity::Real(work.energy.total()),
        ]);
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let totals = self.totals(layer, Condition::Profile)?;
        let work = self.work_of(&totals)?;
        let mut sections = Vec::new();
        let [linear, attended, projection] = self.parts(&totals)?;
        let vector = self.duration(totals.vector.cycles)?;
        if let (Some(attention), Operator::Attention(operator)) = (&totals.attention, layer.layer.operator) {
            let (density, balance) = self.condition(Condition::Profile);
            let AttentionExtents { embedding, queries, keys } = self.extents(operator);
            sections.push(Section::new(
                "Map: sub-rows = density / balance / 0.25 x queries",
                &["queries", "keys", "features", "density", "balance", "sub-rows"],
                vec![Section::row(&[&queries, &keys, &embedding, &density, &balance, &attention.sub_rows])],
            ));
            sections.push(Section::new(
                "What no sparsity changes",
                &["term", "time"],
                vec![Section::row(&[&"projections to queries, keys and values", &linear])],
            ));
            sections.push(Section::new(
                "What density and balance change",
                &["term", "cycles", "slowed by memory", "time"],
                vec![
                    Section::row(&[
                        &"scores and weighted sum",
                        &attention.array_cycles,
                        &self.coefficient(),
                        &attended,
                    ]),
                    Section::row(&[&"projection of the result", &"", &"", &projection]),
                ],
            ));
        } else {
            sections.push(Section::new(
                "Dense products, then vector unit",
                &["term", "cycles", "time"],
                vec![
                    Section::row(&[&"dense products", &totals.linear_cycles, &linear]),
                    Section::row(&[&"vector unit", &totals.vector.cycles, &vector]),
                ],
            ));
        }
        sections.push(Section::time(&work));
        let energies = self.parameters.energies();
        let mut rows = Section::operations(totals.macs, totals.vector.operations, &energies);
        rows.extend([
            Section::row(&[&"off-chip bytes", &work.traffic[DRAM], &energies.dram, &work.energy.dram]),
            Section::row(&[&"static", &"", &"", &work.energy.static_energy]),
        ]);
        sections.push(Section::energy(rows, &work.energy));
        Ok(Explanation { sections })
    }
}
