//! Scores and frame counts against the published program, to the sixth decimal that it prints.
//!
//! `golden/scores.csv` holds what the XRBench artifact prints for two deterministic scenarios on
//! every published system. `golden/scores_random.csv` holds statistics of the overall score of two
//! random scenarios over 60 seeds, from a replica that equals the artifact on every run compared.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rtmm_hardware::Mode;
use rtmm_reference::xrbench::{JobEnd, Outcome, Parameters, Runtime, TaskCosts};
use rtmm_workload::{Legality, Workload};

const SCORES: &str = include_str!("golden/scores.csv");
const SCORES_RANDOM: &str = include_str!("golden/scores_random.csv");

type Row = BTreeMap<String, String>;

/// The rows of a golden file, by scenario and platform.
fn golden(text: &str) -> BTreeMap<(String, String), Vec<Row>> {
    let mut rows: BTreeMap<_, Vec<Row>> = BTreeMap::new();
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let row: Row = row.expect("a row of text cells");
        rows.entry((row["scenario"].clone(), row["platform"].clone())).or_default().push(row);
    }
    rows
}

fn load(scenario: &str, platform: &str) -> (Workload, Runtime) {
    let workload = rtmm_workload::load::workload(scenario, None, Legality::Published).expect("a scenario");
    let platform = rtmm_hardware::load::platform(platform, None, Mode::Reference).expect("a platform");
    let costs = TaskCosts::of(&workload, &platform).expect("costs");
    let runtime = Runtime::new(&workload.scenario, &costs, &Parameters::default()).expect("a runtime");
    (workload, runtime)
}

/// The rows that a run would print, in the form of `golden/scores.csv`.
fn printed(scenario: &str, platform: &str, workload: &Workload, outcome: &Outcome) -> Vec<Row> {
    let rows = outcome.tasks.iter().map(|task| {
        let scores = task.scores.expect("every task of these scenarios logs a frame");
        let score = |value: f64| format!("{value:.6}");
        [
            ("scenario", scenario.to_owned()),
            ("platform", platform.to_owned()),
            ("model", workload.scenario.tasks[task.task.index()].name.clone()),
            ("real_time_score", score(scores.real_time)),
            ("energy_score", score(scores.energy)),
            ("qoe_score", score(scores.qoe.into())),
            ("model_score", score(scores.score.into())),
            ("overall_score_pct", score(outcome.overall_score.into())),
            ("frames_total", task.generated.to_string()),
            ("frames_requested", task.requested.to_string()),
            ("frames_completed", task.completed.to_string()),
            ("frames_dropped", task.dropped.to_string()),
            ("frames_logged", task.logged.to_string()),
        ]
        .into_iter()
        .map(|(column, value)| (column.to_owned(), value))
        .collect()
    });
    rows.collect()
}

/// What differs between the rows of a run and the published ones, cell by cell, as texts.
fn differences(actual: &[Row], expected: &[Row]) -> Vec<String> {
    assert_eq!(actual.len(), expected.len());
    let mut differences = Vec::new();
    for (actual, expected) in actual.iter().zip(expected) {
        assert!(actual.keys().eq(expected.keys()));
        for (column, value) in expected.iter().filter(|(column, value)| actual[*column] != **value) {
            let place =
                ["scenario", "platform", "model"].map(|key| expected.get(key).map_or("", |text| text));
            differences.push(format!("{}: {column} is {}, not {value}", place.join(" "), actual[column]));
        }
    }
    differences
}

#[test]
fn every_deterministic_score_and_frame_count_is_the_artifacts() {
    let golden = golden(SCORES);
    assert_eq!((golden.len(), golden.values().map(Vec::len).sum::<usize>()), (76, 228));
    let differences: Vec<String> = golden
        .par_iter()
        .flat_map(|((scenario, platform), expected)| {
            let (workload, runtime) = load(scenario, platform);
            let outcome = runtime.run(1, |_| {});
            assert_eq!(runtime.run(2, |_| {}), outcome, "no draw decides anything in {scenario}");
            differences(&printed(scenario, platform, &workload, &outcome), expected)
        })
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn random_scenarios_have_the_published_statistics_over_sixty_seeds() {
    let golden = golden(SCORES_RANDOM);
    assert_eq!(golden.len(), 76);
    let differences: Vec<String> = golden
        .par_iter()
        .flat_map(|((scenario, platform), expected)| {
            let (_, runtime) = load(scenario, platform);
            let score = |i: u32| runtime.run(1000 + 7919 * i, |_| {}).overall_score;
            let scores: Vec<f32> = (0..60).map(score).collect();
            differences(&[statistics(scenario, platform, &scores)], expected)
        })
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
}

/// The statistics of overall scores, in the form of `golden/scores_random.csv`.
fn statistics(scenario: &str, platform: &str, scores: &[f32]) -> Row {
    let wide = || scores.iter().map(|score| f64::from(*score));
    let count = scores.len() as f64;
    let mean = wide().sum::<f64>() / count;
    let variance = wide().map(|score| (score - mean).powi(2)).sum::<f64>() / count;
    let distinct: BTreeSet<u32> = scores.iter().map(|score| score.to_bits()).collect();
    [
        ("scenario", scenario.to_owned()),
        ("platform", platform.to_owned()),
        ("seeds", scores.len().to_string()),
        ("overall_mean", format!("{mean:.6}")),
        ("overall_stdev", format!("{:.6}", variance.sqrt())),
        ("overall_min", format!("{:.6}", wide().fold(f64::INFINITY, f64::min))),
        ("overall_max", format!("{:.6}", wide().fold(f64::NEG_INFINITY, f64::max))),
        ("distinct_values", distinct.len().to_string()),
    ]
    .into_iter()
    .map(|(column, value)| (column.to_owned(), value))
    .collect()
}

#[test]
fn two_hand_tracking_frames_are_late_in_vr_gaming_on_one_ws_array() {
    let (workload, runtime) = load("xrbench/vr_gaming", "xrbench/single_4k_ws");
    let hands = workload.scenario.tasks.iter().position(|task| task.name.starts_with("HT_")).expect("hands");
    let mut late = BTreeSet::new();
    let outcome = runtime.run(1, |row| {
        if let JobEnd::Completed { completed_ms, real_time_score, .. } = row.end
            && row.task.index() == hands
            && completed_ms > row.deadline_ms
        {
            late.insert(format!("{:.3} ms late: {real_time_score:.3}", completed_ms - row.deadline_ms));
        }
    });
    assert_eq!(late, BTreeSet::from(["0.287 ms late: 0.013".to_owned(), "2.287 ms late: 0.000".to_owned()]));
    assert_eq!(format!("{:.6}", outcome.overall_score), "86.466141");
}

#[test]
fn one_upstream_drop_starves_the_frames_that_depend() {
    let (_, runtime) = load("xrbench/vr_gaming", "xrbench/single_4k_os");
    let outcome = runtime.run(1, |_| {});
    let counts: Vec<[u32; 3]> =
        outcome.tasks.iter().map(|task| [task.completed, task.dropped, task.logged]).collect();
    // Quirk 6: 7 of 42 upstream frames are dropped, and 40 of 41 downstream frames with them.
    assert_eq!(counts, [[35, 7, 42], [1, 40, 41], [30, 0, 30]]);
}
