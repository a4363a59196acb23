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
        if nowhere.is_empty() {
            return Ok(());
        }
        let mut message = format!("layers that cannot run: {}", nowhere.len());
        for (layer, refusals) in nowhere.iter().take(NAMED) {
            let TableRow { model, index, layer, .. } = &layers[**layer];
            let name = &layer.name;
            message.push_str(&format!("\n  {model} layer {index} `{name}`: {}", reasons(refusals, targets)));
        }
        if nowhere.len() > NAMED {
            message.push_str(&format!("\n  ... and {} more", nowhere.len() - NAMED));
        }
        Err(Failure::Run(message))
    }
}

/// The reasons of accelerators, with the names of those that have each where they have names.
fn reasons(refusals: &[(usize, CostError)], targets: &[Target]) -> String {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for (target, error) in refusals {
        let (name, reason) = (format!("`{}`", targets[*target].name), error.to_string());
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let is_named = targets.iter().any(|target| !target.name.is_empty());
    let told = reasons.into_iter().map(|(reason, names)| match is_named {
        true => format!("{}: {reason}", names.join(", ")),
        false => reason,
    });
    told.collect::<Vec<String>>().join("; ")
}

/// Names a layer that could not be costed, and why.
fn sentence(row: &TableRow, error: &CostError) -> String {
    let TableRow { model, index, layer, .. } = row;
    format!("{model} layer {index} `{}`: {error}", layer.name)
}
