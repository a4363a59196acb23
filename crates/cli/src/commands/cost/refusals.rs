//! Layers that accelerators do not run: no failure where another accelerator of the platform does.

use std::collections::BTreeMap;

use rtmm_hardware::CostError;
use rtmm_workload::TableRow;

use super::Target;
use crate::failure::{Failure, say};

/// Layers that cannot run and are named; the rest is counted.
const NAMED: usize = 20;

/// Layers without a cost, by their place among the layers that were asked for, each with the accelerators that refused it, by
/// theirs.
#[derive(Default)]
pub(super) struct Refusals(BTreeMap<usize, Vec<(usize, CostError)>>);

impl Refusals {
    pub(super) fn add(&mut self, layer: usize, target: usize, error: CostError) {
        self.0.entry(layer).or_default().push((target, error));
    }

    /// Fails where layers run on none of the accelerators, and names the first ones. Says of each accelerator how many layers
    /// it lacks that another one runs.
    pub(super) fn report(&self, layers: &[TableRow], targets: &[Target]) -> Result<(), Failure> {
        let (nowhere, elsewhere): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|(_, refusals)| refusals.len() == targets.len());
        for (index, target) in targets.iter().enumerate() {
            let own = |(layer, refusals): &(&usize, &Vec<(usize, CostError)>)| {
                let (_, error) = refusals.iter().find(|(of, _)| *of == index)?;
                Some(sentence(&layers[**layer], error))
            };
            let mut lacks = elsewhere.iter().filter_map(own);
            if let Some(first) = lacks.next() {
                let count = 1 + lacks.count();
                let (name, all) = (&target.name, layers.len());
                say!(
                    "note: `{name}` does not run {count} of {all} layers, which others run; the first: {first}"
                );
            }
        }
        let failures: Vec<String> = nowhere
            .iter()
            .flat_map(|(layer, refusals)| refusals.iter().map(|(_, error)| sentence(&layers[**layer], error)))
            .collect();
        if failures.is_empty() {
            return Ok(());
        }
        let mut message = format!("layers that cannot run: {}", failures.len());
        for failure in failures.iter().take(NAMED) {
            message.push_str("\n  ");
            message.push_str(failure);
        }
        if failures.len() > NAMED {
            message.push_str(&format!("\n  ... and {} more", failures.len() - NAMED));
        }
        Err(Failure::Run(message))
    }
}

/// Names a layer that could not be costed, and why.
fn sentence(row: &TableRow, error: &CostError) -> String {
    let TableRow { model, index, layer, .. } = row;
    format!("{model} layer {index} `{}`: {error}", layer.name)
}
