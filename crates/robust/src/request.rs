//! The table `[robust]` of sweep files: a sweep whose report says how far its ranking carries.
//!
//! ```toml
//! [robust]
//! axes = ["costs", "estimates"]
//! metrics = ["deadline_violation_rate", "energy_pj"]
//! draws = 16
//! sizes = [10, 20, 50]
//! rounds = 3
//! seeds = 2
//! spread = "mixed"
//! correlation = 0.5
//! cost_error = 15
//! ```
//!
//! All but `axes` may be left out. Systems, policies, parameters and settings are those of the sweep, and values are means over
//! its systems; `seeds` is how many of its seeds are run, from the first on.

use rtmm_runners::engine::Engine;
use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::runner::{CellRunner, Chosen};
use rtmm_workload::Workload;
use rtmm_workload::input::{Diagnostics, Document, Source, Value};

use crate::axes::AxisRow;
use crate::errors::Spread;
use crate::place::Place;
use crate::size::Size;
use crate::stated::Stated;
use crate::study::{Study, StudyError};

/// The key of a sweep file.
const KEY: &str = "robust";
const KEYS: [&str; 9] =
    ["axes", "metrics", "draws", "sizes", "rounds", "seeds", "spread", "correlation", "cost_error"];

/// A study that a sweep asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The study, sound.
    pub study: Study,
    /// Its axes.
    pub axes: Vec<AxisRow>,
}

/// The study that a sweep file asks for, of a plan that was made from it; none where it has no table `[robust]`.
///
/// # Errors
/// Every problem of the table.
pub fn of(source: &Source, plan: &Plan<'_>) -> Result<Option<Request>, Diagnostics> {
    let document = Document::parse(source);
    let root = document.root();
    let Some(value) = root.get(KEY) else { return Ok(None) };
    let request = decode(&value, plan);
    document.finish(request).map(Some)
}

/// The study of all systems and policies of a plan, under so many of its seeds, with all else at its default.
#[must_use]
pub fn study(plan: &Plan<'_>, seeds: usize) -> Study {
    let seeds = plan.axes().seeds.iter().copied().take(seeds).collect();
    Study { seeds, ..Study::new(places(plan), policies(plan)) }
}

fn decode(value: &Value<'_>, plan: &Plan<'_>) -> Option<Request> {
    let table = value.table()?.named("`robust`");
    table.only(&KEYS);
    let runner = &plan.spec().name;
    if *runner != Engine::built_in().spec().name {
        return value.reject(
            format!("the runner `{runner}` runs no wrong worlds"),
            "remove the table, or use the runner `engine`",
        );
    }
    let axes = table.required("axes", |value| strings(value));
    let metrics = table.optional("metrics", |value| strings(value));
    let draws = table.optional("draws", |value| value.integer(1..=10_000_u32));
    let rounds = table.optional("rounds", |value| value.integer(0..=32_u32));
    let seeds = table.or("seeds", 1, |value| value.integer(1..=1_000_usize));
    let sizes =
        table.optional("sizes", |value| value.items()?.iter().map(size).collect::<Option<Vec<Size>>>());
    let spread = table.optional("spread", |value| value.choice(&Spread::ALL));
    let correlation = table.optional("correlation", |value| value.number(0.0..=1.0));
    let cost_error = table.optional("cost_error", size);
    let mut study = study(plan, seeds);
    study.metrics = metrics.unwrap_or_default();
    study.sizes = sizes.unwrap_or_default();
    study.draws = draws.unwrap_or(study.draws);
    study.rounds = rounds.unwrap_or(study.rounds);
    study.spread = spread.unwrap_or_default();
    study.correlation = correlation.unwrap_or(study.correlation);
    if let Some(error) = cost_error {
        study.stated = Stated::by_user(error);
    }
    let axes = axes?;
    let refuse = |error: StudyError| table.report(table.problem(error.to_string()).help(error.help()));
    if axes.iter().any(|axis| axis == AxisRow::TECHNOLOGY.name) {
        let help = "remove it, and list `technology_levels` in the sweep";
        return value
            .reject("a sweep has the levels of a technology as platforms, and no axis of them here", help);
    }
    let axes = Study::axes(&axes).map_err(refuse).ok()?;
    let stated = |key: &'static str, is_stated: bool| is_stated.then_some(key);
    Study::check_stated(
        &axes,
        stated("spread", spread.is_some()),
        stated("cost_error", cost_error.is_some()),
    )
    .map_err(refuse)
    .ok()?;
    study.check(plan.spec(), &axes).map_err(refuse).ok()?;
    Some(Request { study, axes })
}

fn strings(value: &Value<'_>) -> Option<Vec<String>> {
    value.items()?.iter().map(|item| item.string().map(str::to_owned)).collect()
}

/// A size in percent, as a number.
fn size(value: &Value<'_>) -> Option<Size> {
    let percent = value.number(0.01..=Size::MAX.percent())?;
    match Size::parse(&percent.to_string()) {
        Ok(size) => Some(size),
        Err(error) => value.reject(error.to_string(), error.help()),
    }
}

/// The systems of a plan, in the order of its cells.
fn places(plan: &Plan<'_>) -> Vec<Place> {
    let mut seen = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    for cell in plan.groups().filter_map(<[Cell]>::first) {
        if seen.contains(&(cell.scenario, cell.platform)) {
            continue;
        }
        seen.push((cell.scenario, cell.platform));
        let workload = Workload { scenario: plan.scenario(cell).clone(), models: plan.models(cell).to_vec() };
        let mut place = Place::new(workload, plan.platform(cell).clone());
        let values = plan.axes().variations.iter().filter(|variation| variation.values.len() > 1);
        for variation in values {
            if let Some(value) = plan.varied_scenario(cell).number(variation.axis.name) {
                place.suffix.push_str(&format!(", {} {value}", variation.label()));
            }
        }
        places.push(place);
    }
    places
}

fn policies(plan: &Plan<'_>) -> Vec<Chosen> {
    let settings = &plan.axes().settings;
    let chosen =
        |policy: &rtmm_sweep::runner::Policy| Chosen { policy: policy.clone(), settings: settings.clone() };
    plan.axes().policies.iter().map(chosen).collect()
}
