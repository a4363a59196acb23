//! Declared figures: what good ones mean, and what bad ones are told.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these are tests, and the helpers of tests"
)]

use rtmm_sweep::execute::{Options, Silent};
use rtmm_sweep::figures::data::{Panel, panels};
use rtmm_sweep::figures::{Across, Content, Dimension};
use rtmm_sweep::file::{SweepFile, read_source};
use rtmm_sweep::statistics::mean;
use rtmm_sweep::sweep::run;
use rtmm_testkit::synthetic_runner::Synthetic;
use rtmm_workload::input::Source;

const SWEEP: &str = r#"
runner = "synthetic"
scenarios = ["xrbench/ar_assistant", "xrbench/vr_gaming"]
platforms = ["xrbench/single_4k_ws", "xrbench/single_4k_os"]
load_factors = [1, 2]
seeds = { first = 1, count = 12 }
duration = "100ms"

[[policy]]
name = "first"
set = { depth = [1, 2, 3], k_per_ms = [5.0, 15.0] }

[[policy]]
name = "second"

"#;

fn runner() -> Synthetic {
    Synthetic { records: true, ..Synthetic::default() }
}

#[track_caller]
fn good<'r>(runner: &'r [&'r dyn rtmm_sweep::runner::CellRunner], figures: &str) -> SweepFile<'r> {
    match read_source(&Source::new("sweep.toml", format!("{SWEEP}{figures}")), runner) {
        Ok(sweep) => sweep,
        Err(problems) => panic!("{problems}"),
    }
}

/// What bad figures are told; line numbers are those behind the sweep.
#[track_caller]
fn bad(figures: &str) -> String {
    let runner = runner();
    read_source(&Source::new("sweep.toml", format!("{SWEEP}{figures}")), &[&runner]).unwrap_err().to_string()
}

/// What a sweep with these figures shows, on as many threads as the machine has.
fn shown(figures: &str, threads: Option<usize>) -> Vec<Vec<Panel>> {
    let runner = runner();
    let runners: &[&dyn rtmm_sweep::runner::CellRunner] = &[&runner];
    let SweepFile { plan, figures } = good(runners, figures);
    let directory = tempfile::tempdir().unwrap();
    let options = Options { threads, shard: None };
    let finished = run(&plan, directory.path(), &options, &Silent).unwrap().finished.unwrap();
    figures.iter().map(|figure| panels(&finished.results, figure)).collect()
}

const FIGURES: &str = r#"
[[figure]]
name = "bars"
title = "Scores"
kind = "bars"
metric = "score_percent"
groups = "scenario"
series = "policy+parameters"
across = "geometric-mean"
overall = true
relative_to = { policy = "second" }
where = { depth = [1, 2], platform = "xrbench/single_*", load_factor = 2 }
labels = { second = "2nd", score_percent = "score" }

[[figure]]
name = "lines"
kind = "lines"
metric = "score_percent"
x = "load_factor"
series = "platform"
where = { policy = "second" }
facets = "scenario"

[[figure]]
name = "map"
kind = "heat-map"
metric = "late_jobs"
x = "k_per_ms"
y = "depth"
facets = "platform"
where = { policy = "first", scenario = "xrbench/ar_*", load_factor = 1 }
path = { policy = "first", depth = 2, k_per_ms = 15, seed = 3 }

[[figure]]
name = "over_time"
kind = "time-series"
series_name = "score"
series = "depth"
where = { k_per_ms = 5, scenario = "xrbench/ar_assistant" }
"#;

#[test]
fn figures_are_resolved() {
    let runner = runner();
    let runners: &[&dyn rtmm_sweep::runner::CellRunner] = &[&runner];
    let SweepFile { plan, figures } = good(runners, FIGURES);
    let [bars, lines, map, over_time] = figures.as_slice() else { panic!("four figures") };
    assert_eq!((bars.name.as_str(), bars.label("second"), bars.label("first")), ("bars", Some("2nd"), None));
    assert_eq!(
        bars.selection.0[0],
        (Dimension::Parameter("depth".into()), vec!["1".to_owned(), "2".to_owned()])
    );
    assert_eq!(bars.selection.0[2].1, ["xrbench/single_4k_ws", "xrbench/single_4k_os"]);
    assert_eq!(lines.facets, Some(Dimension::Scenario));
    let Content::HeatMap { metric: 1, path: Some(path), .. } = &map.content else { panic!("{map:?}") };
    assert_eq!((path.policy.index(), path.seed, path.series), (4, 3, [1, 2]));
    assert_eq!(
        over_time.content,
        Content::TimeSeries { column: 0, series: Dimension::Parameter("depth".into()) }
    );
    // Figures do not change what is run.
    let plain = good(runners, "");
    assert_eq!(plain.plan.identities(), plan.identities());
}

#[test]
fn values_are_those_of_the_results() {
    let runner = runner();
    let runners: &[&dyn rtmm_sweep::runner::CellRunner] = &[&runner];
    let SweepFile { plan, figures } = good(runners, FIGURES);
    let directory = tempfile::tempdir().unwrap();
    let finished = run(&plan, directory.path(), &Options::default(), &Silent).unwrap().finished.unwrap();
    let results = &finished.results;
    // The mean over seeds of a group of cells, by hand.
    let mean_of = |scenario: &str, platform: &str, load: f64, policy: &str| {
        let values: Vec<f64> = results
            .iter()
            .filter(|(cell, _)| {
                let varied = plan.varied_scenario(cell);
                varied.scenario.name.ends_with(scenario)
                    && plan.platform(cell).name.ends_with(platform)
                    && varied.number("load_factor") == Some(load)
                    && plan.policy(cell).to_string().starts_with(policy)
            })
            .filter_map(|(_, result)| result.cell[0].number())
            .collect();
        mean(&values).unwrap()
    };
    let near =
        |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");

    let [bars] = &panels(results, &figures[0])[..] else { panic!("one panel") };
    let texts = |members: &[rtmm_sweep::figures::Member]| {
        members.iter().map(|member| member.text.clone()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(texts(&bars.across), "xrbench/ar_assistant; xrbench/vr_gaming");
    assert_eq!(
        texts(&bars.series),
        "first k_per_ms=5 depth=1; first k_per_ms=5 depth=2; first k_per_ms=15 depth=1; \
         first k_per_ms=15 depth=2; second"
    );
    let estimate = bars.values[0][1].unwrap();
    let ratio = |platform: &str, scenario: &str| {
        mean_of(scenario, platform, 2.0, "first k_per_ms=5 depth=2")
            / mean_of(scenario, platform, 2.0, "second")
    };
    let (ws, os) = (ratio("_ws", "ar_assistant"), ratio("_os", "ar_assistant"));
    near(estimate.value, (ws * os).sqrt());
    let interval = estimate.interval.unwrap();
    assert!(interval.low < estimate.value && estimate.value < interval.high);
    assert_eq!((estimate.seeds, estimate.joined), (12, 2));
    // What everything is relative to is 1, without doubt.
    let own = bars.values[0][4].unwrap();
    assert_eq!((own.value, own.interval.unwrap().low, own.interval.unwrap().high), (1.0, 1.0, 1.0));
    // A scenario without randomness has no interval.
    assert_eq!(bars.values[1][1].unwrap().interval, None);
    let all = bars.overall[0].values[1].unwrap();
    near(all.value, (ws * os * ratio("_ws", "vr_gaming") * ratio("_os", "vr_gaming")).powf(0.25));

    let lines = &panels(results, &figures[1])[..];
    assert_eq!(lines.len(), 2);
    assert_eq!((texts(&lines[0].across), texts(&lines[0].series).len()), ("1; 2".to_owned(), 42));
    near(lines[0].values[1][0].unwrap().value, mean_of("ar_assistant", "_ws", 2.0, "second"));
    // One value alone has the interval that the summary gives it.
    let group = finished.summary.groups.iter().find(|group| {
        let cell = &plan.cells()[group.cells.start];
        plan.varied_scenario(cell).number("load_factor") == Some(2.0) && plan.policy(cell).name == "second"
    });
    let expected = group.unwrap().statistics[0].unwrap().interval.unwrap();
    near(lines[0].values[1][0].unwrap().interval.unwrap().low, expected.low);

    let map = &panels(results, &figures[2])[0];
    assert_eq!((texts(&map.across), texts(&map.series)), ("5; 15".to_owned(), "1; 2; 3".to_owned()));
}

#[test]
fn cells_that_failed_leave_gaps() {
    let runner = Synthetic { unfit_platform: Some(1), ..runner() };
    let runners: &[&dyn rtmm_sweep::runner::CellRunner] = &[&runner];
    let SweepFile { plan, figures } = good(runners, FIGURES);
    let directory = tempfile::tempdir().unwrap();
    let finished = run(&plan, directory.path(), &Options::default(), &Silent).unwrap().finished.unwrap();
    let of = |figure: usize| panels(&finished.results, &figures[figure]);
    // What is joined over platforms lacks a part; the other platform has its own values.
    let bars = &of(0)[0];
    assert!(bars.values.iter().flatten().chain(&bars.overall[0].values).all(Option::is_none));
    assert!(of(1)[0].values.iter().all(|line| line[0].is_some() && line[1].is_none()));
    assert!(of(2)[1].values.iter().flatten().all(Option::is_none) && of(2)[1].path.is_empty());
    assert!(of(3)[0].values.iter().flatten().all(Option::is_none));
}

/// The best of platforms, aggregates of maps, two metrics against each other, and labels of platforms.
const MORE_FIGURES: &str = r#"
[[figure]]
name = "best"
kind = "bars"
metric = "score_percent"
groups = "scenario"
series = "policy"
overall = true
best_of = "platform"
where = { depth = 2, k_per_ms = 15, load_factor = 1 }

[[figure]]
name = "map"
kind = "heat-map"
metric = "score_percent"
x = "scenario"
y = "dataflow"
overall = true
where = { policy = "second", load_factor = 1, hardware = "Single 4K" }

[[figure]]
name = "two"
kind = "scatter"
metric = "late_jobs"
x_metric = "score_percent"
series = "policy+parameters"
where = { scenario = "xrbench/vr_gaming", platform = "xrbench/single_4k_ws", load_factor = 1 }
"#;

#[test]
fn the_best_is_chosen_once_the_rest_is_joined() {
    let shown = shown(MORE_FIGURES, None);
    let ([best], [map], [two]) = (&shown[0][..], &shown[1][..], &shown[2][..]) else {
        panic!("three panels")
    };
    // The map has the values of the second policy on both platforms: the best of each scenario, and of the means.
    let value = |estimate: Option<rtmm_sweep::figures::data::Estimate>| estimate.unwrap().value;
    let largest = |row: &[Option<rtmm_sweep::figures::data::Estimate>]| {
        row.iter().map(|one| value(*one)).fold(f64::NEG_INFINITY, f64::max)
    };
    assert_eq!(map.series.iter().map(|member| member.text.as_str()).collect::<Vec<_>>(), ["WS", "OS"]);
    for scenario in 0..2 {
        assert_eq!(value(best.values[scenario][1]), largest(&map.values[scenario]));
    }
    let [mean, geometric] = &map.overall[..] else { panic!("two aggregates") };
    assert_eq!((mean.across, geometric.across), (Across::Mean, Across::GeometricMean));
    assert_eq!(value(best.overall[0].values[1]), largest(&mean.values));
    let products = (0..2).map(|row| value(map.values[0][row]) * value(map.values[1][row]));
    for (row, product) in products.enumerate() {
        assert!((value(geometric.values[row]).powi(2) / product - 1.0).abs() < 1e-12);
    }
    let metrics: Vec<&str> = two.across.iter().map(|member| member.text.as_str()).collect();
    assert_eq!((metrics, two.series.len()), (vec!["score_percent", "late_jobs"], 7));
    assert!(two.values.iter().all(|metric| metric.iter().all(Option::is_some)));
}

#[test]
fn bad_choices_and_labels_are_told() {
    let text = r#"
[[figure]]
name = "a"
kind = "bars"
metric = "score_percent"
groups = "scenario"
series = "policy+parameters"
best_of = "policy"

[[figure]]
name = "b"
kind = "scatter"
metric = "score_percent"
x_metric = "score"
series = "policy+parameters"
relative_to = { dataflow = "WS" }
where = { dataflow = "RS" }
"#;
    insta::assert_snapshot!(bad(text));
    let unlabelled = SWEEP
        .replace("xrbench/single_4k_ws", "dysta/sanger")
        .replace("xrbench/single_4k_os", "dysta/eyeriss_v2");
    let figure = "[[figure]]\nname = \"a\"\nkind = \"bars\"\nmetric = \"score_percent\"\ngroups = \"budget\"\n\
                  series = \"policy+parameters\"\n";
    let runner = runner();
    let problems = read_source(&Source::new("sweep.toml", format!("{unlabelled}{figure}")), &[&runner]);
    let told = problems.unwrap_err().to_string();
    assert!(told.contains("no platform of this sweep has the label `budget`"), "{told}");
}

#[test]
fn series_and_paths_follow_time() {
    let shown = shown(FIGURES, None);
    let [over_time] = &shown[3][..] else { panic!("one panel") };
    let times: Vec<f64> = over_time.across.iter().map(|member| member.number.unwrap()).collect();
    assert_eq!(times, [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]);
    assert_eq!(over_time.series.len(), 3);
    // Seeds 5 and 10 have no series.
    assert_eq!(over_time.values[1][0].unwrap().seeds, 10);
    assert!(over_time.values[1][0].unwrap().interval.is_some());
    assert_eq!(over_time.values[2], [None, None, None]);
    assert_eq!(over_time.end_s, 0.1);
    let map = &shown[2][0];
    // Three points across, of which the third has no value.
    assert_eq!(map.path.len(), 2);
}

#[test]
fn any_number_of_threads_shows_the_same() {
    assert_eq!(shown(FIGURES, Some(1)), shown(FIGURES, Some(3)));
}

#[test]
fn bad_figures_are_told_all_at_once() {
    let text = r#"
[[figure]]
name = "Bad name"
kind = "bars"
metric = "score"
groups = "scenaro"
series = "polcy"

[[figure]]
name = "results"
kind = "pie"
colour = "red"

[[figure]]
name = "verdicts"
kind = "lines"
metric = "verdict"
x = "scenario"
series = "policy"
groups = "platform"

[[figure]]
name = "unknown_members"
kind = "bars"
metric = "score_percent"
groups = "trigger_probability"
series = "deadline_factor"
where = { policy = ["frst", 3], load_factor = 3, depth = "deep", drop = 1 }
labels = { a = "b" }

[[figure]]
kind = "time-series"
series_name = "scores"
series = "policy"

[[figure]]
name = "no_values"
kind = "heat-map"
"#;
    insta::assert_snapshot!("bad_figures", bad(text));
}

#[test]
fn figures_do_not_mix_policies() {
    let figure = |rest: &str| {
        bad(&format!(
            "[[figure]]\nname = \"mixed\"\nkind = \"bars\"\nmetric = \"score_percent\"\ngroups = \"scenario\"\n{rest}\n"
        ))
    };
    let all = [
        figure("series = \"policy\""),
        figure("series = \"drop\"\nwhere = { policy = \"first\" }"),
        figure("series = \"policy+parameters\"\nrelative_to = { policy = \"first\" }"),
        figure("series = \"policy+parameters\"\nrelative_to = { depth = 1 }"),
        figure("series = \"policy\"\nwhere = { depth = 1, k_per_ms = 5 }\nlabels = { secnd = \"2nd\" }"),
    ];
    insta::assert_snapshot!("mixed_figures", all.join("\n---\n"));
}

#[test]
fn paths_are_of_one_run() {
    let figure = |rest: &str| {
        bad(&format!("[[figure]]\nname = \"map\"\nkind = \"heat-map\"\nmetric = \"score_percent\"\n{rest}\n"))
    };
    let axes = "x = \"k_per_ms\"\ny = \"depth\"\n";
    let one = "where = { scenario = \"xrbench/ar_assistant\", platform = \"xrbench/single_4k_ws\", load_factor = 1 }\n";
    let all = [
        figure(&format!("{axes}path = {{ policy = \"first\", depth = 1, k_per_ms = 5 }}")),
        figure(&format!("{axes}{one}path = {{ policy = \"first\" }}")),
        figure(&format!("{axes}{one}path = {{ policy = \"second\", seed = 99 }}")),
        figure(&format!("{axes}{one}path = {{ scenario = \"xrbench/ar_assistant\" }}")),
        figure(&format!("x = \"scenario\"\ny = \"depth\"\n{one}path = {{ policy = \"second\" }}")),
    ];
    insta::assert_snapshot!("bad_paths", all.join("\n---\n"));
}

#[test]
fn files_of_figures_do_not_collide() {
    let figure = |name: &str, rest: &str| {
        format!(
            "[[figure]]\nname = \"{name}\"\nkind = \"bars\"\nmetric = \"score_percent\"\ngroups = \"scenario\"\n\
             series = \"policy+parameters\"\n{rest}\n"
        )
    };
    let text = bad(&format!(
        "{}{}{}",
        figure("a", "facets = \"platform\""),
        figure("a_single_4k_os", ""),
        figure("b", "facets = \"load_factor\"")
    ));
    assert!(text.contains("two figures have files of the name `a_single_4k_os`"), "{text}");
}
