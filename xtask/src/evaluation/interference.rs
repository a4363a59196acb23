//! `cargo xtask evaluation interference`: the sweeps behind the part of docs/evaluation/interference.md on schedulers.
//!
//! What is written to `docs/evaluation/data/interference_loop.csv` is a row for each scenario, load, scheduler and predictor: means
//! over seeds with their 95 % intervals, and the part of the oracle's gain that the predictor keeps.

use std::path::Path;
use std::process::ExitCode;

use rtmm_report::Report;
use rtmm_sweep::figures::Figure;
use rtmm_sweep::results::Results;
use rtmm_sweep::statistics::{Bootstrap, Interval, mean};
use rtmm_sweep::sweep::Finished;

use super::{DATA, FIGURES, Problem, with_sweep, write_figure};
use crate::project_root;

/// The sweep.
pub(crate) const SWEEP: &str = "interference";
/// The sweep over time.
const DRIFT: &str = "interference_drift";
/// The file of its means.
pub(crate) const FILE: &str = "interference_loop.csv";
/// Columns of results that are written, each with its interval.
const COLUMNS: [&str; 4] =
    ["deadline_violation_rate", "sla_satisfaction_high", "sla_satisfaction_low", "utilisation_mean"];
/// The end of the names of policies that are told the truth.
const ORACLE: &str = "-oracle";

/// Runs the sweep, and writes what the page needs.
pub(crate) fn run() -> ExitCode {
    match evaluate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs that differ in the seed only.
struct Group {
    scenario: String,
    load: String,
    scheduler: String,
    predictor: String,
    /// By column, then by seed.
    values: Vec<Vec<f64>>,
}

fn evaluate() -> Result<(), Problem> {
    let root = project_root();
    with_sweep(SWEEP, &root.join("results/interference_evaluation"), |finished, figures| {
        let groups = groups(&finished.results);
        std::fs::create_dir_all(root.join(DATA))?;
        let mut writer = csv::Writer::from_path(root.join(DATA).join(FILE))?;
        writer.write_record(header())?;
        for group in &groups {
            writer.write_record(row(group, &groups))?;
        }
        writer.flush()?;
        write_figures(&root, finished, figures)
    })?;
    with_sweep(DRIFT, &root.join("results/interference_drift"), |finished, figures| {
        write_figures(&root, finished, figures)
    })
}

/// Writes the declared figures of a sweep, or one a facet.
fn write_figures(root: &Path, finished: &Finished<'_>, figures: &[Figure]) -> Result<(), Problem> {
    let report = Report::new(&finished.results, &finished.summary, figures);
    let is_declared = |drawn: &str| figures.iter().any(|figure| drawn.starts_with(figure.name.as_str()));
    for figure in report.figures.iter().filter(|figure| is_declared(&figure.name)) {
        write_figure(&root.join(FIGURES), &format!("{}.svg", figure.name), figure.svg.as_str())?;
    }
    Ok(())
}

fn groups(results: &Results<'_>) -> Vec<Group> {
    let plan = results.plan();
    let of = |cells: &[rtmm_sweep::plan::Cell]| {
        let first = cells.first()?;
        let policy = plan.policy(first);
        let name = policy.name.as_ref();
        let stated = policy.parameter("predictor").map(ToString::to_string);
        let (scheduler, predictor) = match name.strip_suffix(ORACLE) {
            Some(scheduler) => (scheduler, "oracle".to_owned()),
            None => (name, stated.unwrap_or_default()),
        };
        let by_seed = |column: &&str| {
            cells.iter().filter_map(|cell| results.cell_value(cell, column)?.number()).collect()
        };
        Some(Group {
            scenario: plan.scenario(first).name.clone(),
            load: plan.varied_scenario(first).number("load_factor").unwrap_or(1.0).to_string(),
            scheduler: scheduler.to_owned(),
            predictor,
            values: COLUMNS.iter().map(by_seed).collect(),
        })
    };
    plan.groups().filter_map(of).collect()
}

fn header() -> Vec<String> {
    let mut header = ["scenario", "load_factor", "scheduler", "predictor"].map(str::to_owned).to_vec();
    for column in COLUMNS.iter().chain([&"gain_kept"]) {
        header.extend([(*column).to_owned(), format!("{column}_from"), format!("{column}_to")]);
    }
    header
}

fn row(group: &Group, groups: &[Group]) -> Vec<String> {
    let Group { scenario, load, scheduler, predictor, .. } = group;
    let mut row = vec![scenario.clone(), load.clone(), scheduler.clone(), predictor.clone()];
    for values in &group.values {
        let of = |drawn: &[usize]| {
            mean(&drawn.iter().filter_map(|seed| values.get(*seed).copied()).collect::<Vec<f64>>())
        };
        row.extend(with_interval(values.len(), of));
    }
    let beside = |word: &str| {
        let is_it = |other: &&Group| {
            (&other.scenario, &other.load, &other.scheduler) == (scenario, load, scheduler)
                && other.predictor == word
        };
        groups.iter().find(is_it).and_then(|other| other.values.first())
    };
    let misses = group.values.first();
    let kept = misses.zip(beside("none")).zip(beside("oracle"));
    row.extend(match kept {
        Some(((own, none), oracle)) => with_interval(own.len(), |drawn| {
            let sum = |values: &[f64]| drawn.iter().filter_map(|seed| values.get(*seed)).sum::<f64>();
            let gain = sum(none) - sum(oracle);
            // Where the oracle gains less than one miss in ten thousand there is nothing to keep.
            (gain / drawn.len() as f64 > 1e-4).then(|| (sum(none) - sum(own)) / gain)
        }),
        None => vec![String::new(); 3],
    });
    row
}

/// A statistic of all seeds with its 95 % interval over drawn ones; nothing where it has no value.
fn with_interval(seeds: usize, of: impl Fn(&[usize]) -> Option<f64>) -> Vec<String> {
    let all: Vec<usize> = (0..seeds).collect();
    let Some(value) = of(&all).filter(|_| seeds > 0) else { return vec![String::new(); 3] };
    let drawn = |drawn: &[u32]| of(&drawn.iter().map(|seed| *seed as usize).collect::<Vec<usize>>());
    let text = |value: f64| format!("{value:.5}");
    match Bootstrap::new(seeds).interval_of(drawn) {
        Some(Interval { low, high, .. }) => vec![text(value), text(low), text(high)],
        None => vec![text(value), String::new(), String::new()],
    }
}
