//! `cargo xtask evaluation interference`: the sweeps behind the part of docs/evaluation/interference.md on schedulers.
//!
//! What is written to `docs/evaluation/data/interference_loop.csv` is a row for each scenario, load, scheduler and predictor: means
//! over seeds with their 95 % intervals, and the part of the oracle's gain that the predictor keeps. To `interference_drift.csv`, a
//! row for each predictor, change of slowdowns and span of time around it.

use std::path::Path;

use rtmm_report::Report;
use rtmm_sweep::figures::Figure;
use rtmm_sweep::plan::Cell;
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{CellResult, SeriesPoint};
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
/// The file of its means around changes.
pub(crate) const DRIFT_FILE: &str = "interference_drift.csv";
/// Columns of results that are written, each with its interval.
const COLUMNS: [&str; 7] = [
    "deadline_violation_rate",
    "sla_satisfaction_high",
    "sla_satisfaction_low",
    "utilisation_mean",
    "prediction_error",
    "under_predicted",
    "within_bound",
];
/// Series of the sweep over time that are written, each with its interval.
const SERIES: [&str; 4] = ["deadline_violation_rate", "prediction_error", "under_predicted", "within_bound"];
/// Instants at which slowdowns change, and spans around them, in milliseconds: multiples of the windows of the sweep.
const CHANGES_MS: [i64; 2] = [3_000, 6_000];
/// See `CHANGES_MS`.
const SPANS_MS: [(i64, i64); 5] = [(-1_000, 0), (0, 500), (500, 1_000), (1_000, 2_000), (2_000, 3_000)];
/// The end of the names of policies that are told the truth.
const ORACLE: &str = "-oracle";

/// Runs that differ in the seed only.
struct Group {
    scenario: String,
    load: String,
    scheduler: String,
    predictor: String,
    /// By column, then by seed.
    values: Vec<Vec<f64>>,
}

/// Runs the sweep, and writes what the page needs.
pub(crate) fn run() -> Result<(), Problem> {
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
        let mut writer = csv::Writer::from_path(root.join(DATA).join(DRIFT_FILE))?;
        writer.write_record(drift_header())?;
        for row in drift_rows(&finished.results) {
            writer.write_record(row)?;
        }
        writer.flush()?;
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

/// The scheduler of a cell and its predictor.
fn policy_of(results: &Results<'_>, cell: &Cell) -> (String, String) {
    let policy = results.plan().policy(cell);
    let name = policy.name.as_ref();
    match name.strip_suffix(ORACLE) {
        Some(scheduler) => (scheduler.to_owned(), "oracle".to_owned()),
        None => {
            let stated = policy.parameter("predictor").map(ToString::to_string);
            (name.to_owned(), stated.unwrap_or_default())
        }
    }
}

fn drift_header() -> Vec<String> {
    let mut header = ["scheduler", "predictor", "change_ms", "from_ms", "to_ms"].map(str::to_owned).to_vec();
    for name in SERIES {
        header.extend([name.to_owned(), format!("{name}_from"), format!("{name}_to")]);
    }
    header
}

/// Means over seeds of the windows in each span around each change.
fn drift_rows(results: &Results<'_>) -> Vec<Vec<String>> {
    let plan = results.plan();
    let mut rows = Vec::new();
    for cells in plan.groups() {
        let Some(first) = cells.first() else { continue };
        let (scheduler, predictor) = policy_of(results, first);
        for change in CHANGES_MS {
            for (from, to) in SPANS_MS {
                let times = [change, from, to].map(|ms| ms.to_string());
                let mut row = [scheduler.clone(), predictor.clone()].to_vec();
                row.extend(times);
                for name in SERIES {
                    let at = plan.spec().series_columns.iter().position(|column| column.name == name);
                    let in_span = |point: &&SeriesPoint| {
                        let ms = (point.time_s * 1e3).round() as i64 - change;
                        from <= ms && ms < to
                    };
                    let of_run = |result: &CellResult| {
                        let points = result.series.get(at?)?.iter();
                        mean(&points.filter(in_span).filter_map(|point| point.value).collect::<Vec<f64>>())
                    };
                    let by_seed: Vec<f64> = results.of(cells).iter().flatten().filter_map(of_run).collect();
                    row.extend(with_interval(by_seed.len(), |drawn| {
                        mean(
                            &drawn
                                .iter()
                                .filter_map(|seed| by_seed.get(*seed).copied())
                                .collect::<Vec<f64>>(),
                        )
                    }));
                }
                rows.push(row);
            }
        }
    }
    rows
}

fn groups(results: &Results<'_>) -> Vec<Group> {
    let plan = results.plan();
    let of = |cells: &[Cell]| {
        let first = cells.first()?;
        let (scheduler, predictor) = policy_of(results, first);
        let by_seed = |column: &&str| {
            cells.iter().filter_map(|cell| results.cell_value(cell, column)?.number()).collect()
        };
        Some(Group {
            scenario: plan.scenario(first).name.clone(),
            load: plan.varied_scenario(first).number("load_factor").unwrap_or(1.0).to_string(),
            scheduler,
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
