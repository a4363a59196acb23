//! Rows that are one execution each, gathered by node and by run.

use std::collections::BTreeMap;

use rtmm_workload::Duration;

use super::super::text::Row;
use super::super::{MeasuredNode, MeasurementError, MeasurementOptions, Measurements, Quantiles};
use super::columns::Key;
use super::header::Header;
use super::{cell, energy_of, name_of, quantities, refused, time_of};

/// Executions in the order of the rows.
#[derive(Default)]
pub(super) struct Executions {
    nodes: Vec<MeasuredNode>,
    known: BTreeMap<(String, String), usize>,
    runs: BTreeMap<String, usize>,
    all: Vec<Execution>,
}

/// One execution.
struct Execution {
    run: usize,
    node: usize,
    picoseconds: u64,
    energy_uj: Option<f64>,
}

impl Executions {
    pub(super) fn add(&mut self, row: &Row<'_>, header: &Header) -> Result<(), MeasurementError> {
        let operator = cell(row, header, Key::Operator, |text| Ok(text.to_owned()))?.unwrap_or_default();
        let key = (name_of(row, header)?, operator);
        let node = match self.known.get(&key) {
            Some(node) => *node,
            None => {
                self.nodes.push(quantities(row, header, self.nodes.len() as u64)?);
                self.known.insert(key, self.nodes.len() - 1);
                self.nodes.len() - 1
            }
        };
        let run = cell(row, header, Key::Run, |text| Ok(text.to_owned()))?.unwrap_or_default();
        if run.is_empty() && header.places.contains_key(&Key::Run) {
            return Err(refused(row, header, Key::Run, "names no run"));
        }
        let next = self.runs.len();
        let run = *self.runs.entry(run).or_insert(next);
        let time = time_of(row, header, Key::Time)?.unwrap_or_default();
        let energy_uj = energy_of(row, header, time)?;
        self.all.push(Execution { run, node, picoseconds: time.picoseconds(), energy_uj });
        Ok(())
    }

    /// Nodes with the quantiles of their executions, those of the warm-up left out.
    pub(super) fn measured(
        self,
        stated_runs: Option<u64>,
        options: &MeasurementOptions,
    ) -> Result<Measurements, MeasurementError> {
        let runs = self.runs.len();
        let warm_up = options.warm_up_of(runs)?;
        let mut of_runs = vec![0_u64; runs - warm_up];
        let mut of_nodes: Vec<(Vec<u64>, Option<f64>)> = vec![(Vec::new(), None); self.nodes.len()];
        for one in self.all.into_iter().filter(|one| one.run >= warm_up) {
            let run = &mut of_runs[one.run - warm_up];
            *run = run.saturating_add(one.picoseconds);
            let (times, energy) = &mut of_nodes[one.node];
            times.push(one.picoseconds);
            if let Some(more) = one.energy_uj {
                *energy = Some(energy.unwrap_or_default() + more);
            }
        }
        let measured = |(node, (mut times, energy)): (MeasuredNode, (Vec<u64>, Option<f64>))| {
            times.sort_unstable();
            let total = times.iter().fold(0_u64, |sum, time| sum.saturating_add(*time));
            MeasuredNode {
                calls: times.len() as u64,
                quantiles: Quantiles::of_sorted(&times, Duration::from_picoseconds),
                self_total: Some(Duration::from_picoseconds(total)),
                energy_uj: energy.map(|energy| energy / times.len() as f64),
                ..node
            }
        };
        let nodes = self.nodes.into_iter().zip(of_nodes).filter(|(_, (times, _))| !times.is_empty());
        let run_times = of_runs.iter().copied().map(Duration::from_picoseconds).collect();
        Ok(Measurements {
            kind: "csv",
            runs: stated_runs.unwrap_or(runs as u64),
            node_runs: stated_runs.unwrap_or(of_runs.len() as u64),
            // Rows of several runs that nothing tells apart have no times of runs.
            run_times: if stated_runs.is_some() { Vec::new() } else { run_times },
            has_executions: true,
            nodes: nodes.map(measured).collect(),
            ..Measurements::default()
        })
    }
}
