//! The worst run of a sweep: the one whose timeline is worth a look.

use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::ranking::worst;
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{Better, short_names};

use super::reading::{decimals, factor_of, name_of, unit_of};
use crate::text::fixed;

/// The worst run by the metric that reports rank by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorstRun<'p> {
    /// Its cell.
    pub cell: &'p Cell,
    /// Sentence on which run it is, and how bad.
    pub sentence: String,
}

/// The worst run of some results; `None` where no column has a better and a worse, or no run a value of it.
#[must_use]
pub fn worst_run<'p>(results: &Results<'p>) -> Option<WorstRun<'p>> {
    let plan = results.plan();
    let columns = &plan.spec().cell_columns;
    let metric = columns.iter().position(|column| column.summarised && column.better.is_some())?;
    let (cell, value) = worst(results, metric)?;
    let column = &columns[metric];
    let value = value * factor_of(column);
    let text = fixed(value, decimals(column.unit, std::iter::once(value)));
    let unit = unit_of(column).map_or_else(String::new, |unit| format!(" {unit}"));
    let extreme = match column.better {
        Some(Better::Higher) => "lowest",
        Some(Better::Lower) | None => "highest",
    };
    let of = if plan.len() > 1 {
        format!(", the {extreme} of {} runs", results.iter().count())
    } else {
        String::new()
    };
    let name = name_of(column);
    Some(WorstRun { cell, sentence: format!("{}: {name} {text}{unit}{of}.", described(plan, cell)) })
}

/// A run in words: what it is of each axis, the policy by what tells it from the others.
fn described(plan: &Plan<'_>, cell: &Cell) -> String {
    let varied = plan.varied_scenario(cell);
    let policies = short_names(&plan.axes().policies);
    let policy = policies.get(cell.policy.index()).map_or("", String::as_str);
    let (scenario, platform) = (&varied.scenario.name, &plan.platform(cell).name);
    let mut text = format!("`{scenario}` on `{platform}` under `{policy}`");
    let changes = plan.axes().variations.iter().zip(&varied.values);
    for (variation, value) in changes.filter(|(variation, _)| variation.values.len() > 1) {
        let value = value.map(|value| format!(", {} {}", variation.label(), value.number()));
        text.push_str(&value.unwrap_or_default());
    }
    if varied.random {
        text.push_str(&format!(", seed {}", cell.seed));
    }
    text
}
