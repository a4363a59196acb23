//! The page "How far the conclusions carry": tables from the data that `cargo xtask evaluation robustness` wrote.

mod data;
mod published;

use std::path::Path;

use rtmm_report::{LinePoint, LineSeries, Lines, TWO_COLUMNS_PT};
use rtmm_runners::engine::Engine;
use rtmm_sweep::runner::CellRunner;

use super::{Problem, table};
use crate::evaluation::robustness::{SETS, digest};
use crate::markdown::{MISSING, number};
use data::{Contests, OverPlaces};

pub(super) use published::published;

/// Sizes of errors, in percent, at which conclusions are counted.
const COUNTED: [f64; 3] = [10.0, 20.0, 50.0];
/// Axes with their names for readers.
const AXES: [(&str, &str); 2] = [("costs", "layer costs"), ("estimates", "estimates")];
/// The error in percent of costs that were calibrated, on layers that the calibration had not seen: the only one of a cost model
/// that this project has measured.
const CALIBRATED: f64 = 21.2;

/// Name of a metric for readers.
fn label(metric: &str) -> String {
    let columns = &Engine::built_in().spec().cell_columns;
    let column = columns.iter().find(|column| column.name == metric);
    match column.map(|column| column.label) {
        Some(label) if !label.is_empty() => label.to_owned(),
        _ => metric.replace('_', " "),
    }
}

/// Percent of so many, without decimals; a dash where there are none.
fn percent(count: usize, of: usize) -> String {
    if of == 0 { MISSING.to_owned() } else { format!("{:.0}", 100.0 * count as f64 / of as f64) }
}

/// Runs of the sets, and the time that they took.
pub(super) fn setup(root: &Path) -> Result<String, Problem> {
    let runs = data::runs(root)?;
    let mut rows = Vec::new();
    for set in &SETS {
        let row = set.with(|plan, request| {
            let axes = plan.axes();
            let study = &request.study;
            let mut rows = Vec::new();
            for axis in &request.axes {
                let run = runs.iter().find(|run| run.set == set.name && run.axis == axis.name);
                let run = run.ok_or_else(|| format!("`{}` was not run along `{}`", set.name, axis.name))?;
                let is_current = run.inputs == digest(plan, study, axis);
                rows.push(vec![
                    format!("{}{}", set.title, if is_current { "" } else { ", before a change of inputs" }),
                    format!("`{}`", axis.name),
                    axes.workloads.len().to_string(),
                    axes.platforms.len().to_string(),
                    study.places.len().to_string(),
                    axes.policies.len().to_string(),
                    run.draws.to_string(),
                    run.sizes.iter().map(f64::to_string).collect::<Vec<_>>().join(", "),
                    run.runs_per_policy.to_string(),
                    run.runs.to_string(),
                    number(run.seconds, 0),
                    number(run.seconds.map(|seconds| 1000.0 * seconds / run.runs as f64), 1),
                ]);
            }
            Ok(rows)
        })?;
        rows.extend(row);
    }
    let header = [
        "set",
        "errors of",
        "scenarios",
        "platforms",
        "systems",
        "policies",
        "worlds of a size",
        "sizes, %",
        "runs of a policy on a system",
        "runs",
        "processor time, s",
        "of a run, ms",
    ];
    Ok(table(&header, &rows))
}

/// Pairs that are told apart without errors, and how many of them survive.
pub(super) fn survivors(root: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    for (axis, subject) in AXES {
        let mut rows = Vec::new();
        for set in &SETS {
            let contests = Contests::read(root, set)?;
            for metric in contests.metrics() {
                let means: Vec<f64> =
                    contests.in_means(axis, metric).filter_map(|contest| contest.holds).collect();
                let places: Vec<f64> =
                    contests.at_places(axis, metric).filter_map(|contest| contest.holds).collect();
                if means.is_empty() {
                    continue;
                }
                let survive =
                    |margins: &[f64], size: f64| margins.iter().filter(|holds| **holds >= size).count();
                let mut row = vec![set.title.to_owned(), label(metric), means.len().to_string()];
                row.extend(COUNTED.map(|size| percent(survive(&means, size), means.len())));
                row.push(
                    data::median(&means).map_or_else(|| MISSING.to_owned(), |median| median.to_string()),
                );
                row.push(places.len().to_string());
                row.extend(COUNTED.map(|size| percent(survive(&places, size), places.len())));
                rows.push(row);
            }
        }
        let header = [
            "set",
            "metric",
            "pairs in means",
            "10 %",
            "20 %",
            "50 %",
            "median margin",
            "pairs on single systems",
            "10 %",
            "20 %",
            "50 %",
        ];
        text.push_str(&format!("Errors of {subject}:\n\n{}\n", table(&header, &rows)));
    }
    Ok(text)
}

/// Every pair of policies of every set and metric, where layer costs are wrong.
pub(super) fn pairs(root: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    for set in &SETS {
        let contests = Contests::read(root, set)?;
        for metric in contests.metrics() {
            text.push_str(&format!(
                "### {}: {}\n\n{}\n",
                set.title,
                label(metric),
                matrix(&contests, metric)
            ));
        }
    }
    Ok(text)
}

/// The best policy first: margins above the diagonal, shares of systems below it.
fn matrix(contests: &Contests, metric: &str) -> String {
    let axis = AXES[0].0;
    let policies = contests.ranking(axis, metric);
    let numbers: Vec<String> = (1..=policies.len()).map(|place| place.to_string()).collect();
    let header: Vec<&str> = std::iter::once("policy").chain(numbers.iter().map(String::as_str)).collect();
    let cell = |row: usize, column: usize| {
        if row == column {
            return String::new();
        }
        let (better, than) = (policies[row.min(column)], policies[row.max(column)]);
        let Some(contest) = contests.pair(axis, data::MEAN, metric, better, than) else {
            return MISSING.to_owned();
        };
        let over = OverPlaces::of(contests, axis, metric, better, than);
        match contest.holds {
            None if row < column => "=".to_owned(),
            Some(holds) if row < column => format!("{holds} ({})", over.margins()),
            _ => over.shares(),
        }
    };
    let row = |row: usize| {
        let name = format!("{} `{}`", row + 1, policies[row]);
        std::iter::once(name).chain((0..policies.len()).map(|column| cell(row, column))).collect()
    };
    table(&header, &(0..policies.len()).map(row).collect::<Vec<_>>())
}

/// The figures of the page: file name and SVG.
pub(super) fn figures(root: &Path) -> Result<Vec<(String, String)>, Problem> {
    AXES.iter().map(|(axis, subject)| figure(root, axis, subject)).collect()
}

/// Shares of pairs that survive, over the size of errors, in the sets of evaluations that were published.
fn figure(root: &Path, axis: &str, subject: &str) -> Result<(String, String), Problem> {
    let mut series = Vec::new();
    for set in SETS.iter().filter(|set| published::has(set)) {
        let contests = Contests::read(root, set)?;
        for metric in contests.metrics() {
            let margins: Vec<f64> =
                contests.in_means(axis, metric).filter_map(|contest| contest.holds).collect();
            if margins.is_empty() {
                continue;
            }
            let share = |size: f64| {
                let surviving = margins.iter().filter(|holds| **holds >= size).count();
                100.0 * surviving as f64 / margins.len() as f64
            };
            let sizes = std::iter::once(0.0).chain(contests.sizes.iter().copied());
            series.push(LineSeries {
                name: format!("{}: {}", set.title, label(metric)),
                points: sizes
                    .map(|size| LinePoint { x: size, y: Some(share(size)), interval: None })
                    .collect(),
            });
        }
    }
    let lines = Lines {
        description: format!("Pairs of policies whose order survives, where {subject} are wrong"),
        x_label: format!("size of errors of {subject} (%)"),
        y_label: "pairs whose order survives (%)".to_owned(),
        series,
        y_range: Some((0.0, 100.0)),
        marks: vec![(CALIBRATED, "calibrated costs".to_owned())],
        width_pt: TWO_COLUMNS_PT,
        ..Lines::default()
    };
    Ok((format!("robustness_{axis}.svg"), lines.to_svg().as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rtmm_robust::Stated;
    use rtmm_sweep::runner::short_names;

    use super::*;
    use crate::project_root;

    /// The data has all that the sets ask for: every pair of policies in every metric, on every system and in means.
    #[test]
    fn the_data_has_every_pair() {
        for set in &SETS {
            let contests = Contests::read(&project_root(), set).unwrap();
            set.with(|plan, request| {
                let policies = short_names(&plan.axes().policies);
                let places: Vec<String> = request.study.places.iter().map(rtmm_robust::Place::name).collect();
                assert_eq!(contests.places(), places, "{}", set.name);
                assert_eq!(contests.metrics(), request.study.metrics, "{}", set.name);
                let sizes: Vec<f64> = request.study.sizes.iter().map(|size| size.percent()).collect();
                assert_eq!(contests.sizes, sizes, "{}", set.name);
                let places: Vec<&str> =
                    std::iter::once(data::MEAN).chain(places.iter().map(String::as_str)).collect();
                let mut expected = 0;
                for axis in &request.axes {
                    for (place, metric) in places
                        .iter()
                        .flat_map(|place| contests.metrics().into_iter().map(move |of| (place, of)))
                    {
                        let mut found = BTreeSet::new();
                        for (index, one) in policies.iter().enumerate() {
                            for other in &policies[index + 1..] {
                                let pair = contests.pair(axis.name, place, metric, one, other);
                                assert!(
                                    pair.is_some(),
                                    "{}: {one}, {other} at {place} in {metric}",
                                    axis.name
                                );
                                found.insert((one, other));
                            }
                        }
                        expected += found.len();
                    }
                }
                assert_eq!(contests.len(), expected, "{}: nothing twice, nothing else", set.name);
                Ok(())
            })
            .unwrap();
        }
    }

    #[test]
    fn margins_and_shares_count_a_reversed_order_as_none() {
        let contests = Contests::by_hand(
            &[10.0, 20.0, 50.0],
            &[
                ("one", "a", "b", Some(50.0)),
                ("two", "a", "b", Some(10.0)),
                ("three", "b", "a", Some(20.0)),
                ("four", "a", "b", None),
                ("mean", "a", "b", Some(20.0)),
            ],
        );
        let over = OverPlaces::of(&contests, "costs", "antt", "a", "b");
        assert_eq!(
            (over.count(), over.margins().as_str(), over.shares().as_str()),
            (3, "0, 10", "67, 33, 33")
        );
        let reversed = OverPlaces::of(&contests, "costs", "antt", "b", "a");
        assert_eq!((reversed.margins().as_str(), reversed.shares().as_str()), ("0, 0", "33, 33, 0"));
        assert_eq!(contests.ranking("costs", "antt"), ["a", "b"]);
        let matrix = matrix(&contests, "antt");
        assert!(matrix.contains("| 1 `a` |  | 20 (0, 10) |"), "{matrix}");
        assert!(matrix.contains("| 2 `b` | 67, 33, 33 |  |"), "{matrix}");
    }

    #[test]
    fn the_error_of_a_calibrated_model_is_that_which_it_states() {
        let platform = r#"
        source = "a test"
        [[accelerator]]
        name = "npu"
        model = "maestro"
        dataflow = "WS"
        pes = 256
        noc_bandwidth = 16
        calibration = { a_us_per_kb = 0.1, b_us_per_us = 1, c_us = 10 }
        "#;
        let source = rtmm_workload::input::Source::new("platform.toml", platform);
        let platform = rtmm_hardware::load::platform_of(&source, rtmm_hardware::Mode::Corrected).unwrap();
        let scenario = "source = \"a test\"\nduration = \"10ms\"\n[[task]]\nname = \"a\"\nmodel = \"xrbench/kd_res8_narrow\"\nperiod = \"5ms\"\n";
        let source = rtmm_workload::input::Source::new("scenario.toml", scenario);
        let workload = rtmm_workload::load::workload_of(&source, rtmm_workload::Legality::Strict).unwrap();
        let stated = Stated::of(&[rtmm_robust::Place::new(workload, platform)]);
        assert_eq!(stated.error.map(rtmm_robust::Size::percent), Some(CALIBRATED));
    }
}
