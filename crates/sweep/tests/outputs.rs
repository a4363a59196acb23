//! Outputs are the same bytes however the work was divided, and nothing is run twice.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these are tests, and the helpers of tests"
)]

use std::path::Path;

use rtmm_sweep::axes::{DurationUnderLoad, Subject, deadline_factors, load_factors, trigger_probabilities};
use rtmm_sweep::execute::{Options, Silent, execute};
use rtmm_sweep::plan::{Axes, Baseline, Plan, PlatformId, PolicyId};
use rtmm_sweep::runner::{CellRunner, ParameterValue, Parameters, Policy};
use rtmm_sweep::shard::{MergeError, Shard, merge};
use rtmm_sweep::store::{Store, StoreError};
use rtmm_sweep::sweep::{SweepError, finish, run};
use rtmm_testkit::synthetic_runner::{Synthetic, axes};
use rtmm_workload::Deadline;

/// Name and content of every output file, in alphabetical order.
fn outputs(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "sqlite"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Every axis with more than one value.
fn rich_axes(runner: &Synthetic) -> Axes {
    let mut axes = axes(3, 3, 7);
    axes.policies = runner.spec().policies.iter().map(Policy::with_defaults).collect();
    axes.variations = vec![
        load_factors(&[1_000_000, 1_500_000], DurationUnderLoad::Fixed),
        trigger_probabilities(Subject::Task("task_0".to_owned()), &[0.25, 1.0]),
        deadline_factors(&[10_000_000, 2_500_000]),
    ];
    for workload in &mut axes.workloads {
        workload.scenario.tasks[0].deadline = Deadline::Isolated { factor_millionths: 5_000_000 };
    }
    axes.baseline = Some(Baseline::Policy(PolicyId::new(0)));
    axes
}

fn threads(threads: usize) -> Options {
    Options { threads: Some(threads), shard: None }
}

/// The outputs of a sweep in one go on one thread.
fn expected(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let runner = Synthetic::default();
    let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
    let outcome = run(&plan, directory, &threads(1), &Silent).unwrap();
    assert_eq!((outcome.executed.reused, outcome.executed.run), (0, plan.len()));
    assert_eq!(runner.runs(), plan.len());
    outputs(directory)
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let expected = expected(&directory.path().join("one"));
    let names: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    let tables = ["accelerators", "cells", "tasks"]
        .into_iter()
        .flat_map(|table| ["csv", "json", "parquet"].map(|form| format!("{table}.{form}")));
    let mut known: Vec<String> = tables
        .filter(|name| cfg!(feature = "parquet") || !name.ends_with(".parquet"))
        .chain(["comparison.csv", "manifest.json", "summary.csv"].map(str::to_owned))
        .collect();
    known.sort();
    assert_eq!(names, known);
    for (name, options) in [("two", threads(2)), ("many", threads(7)), ("default", Options::default())] {
        let directory = directory.path().join(name);
        let runner = Synthetic::default();
        let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
        run(&plan, &directory, &options, &Silent).unwrap();
        assert!(outputs(&directory) == expected, "{name}");
        assert_eq!(runner.runs(), plan.len());
    }
}

#[test]
fn a_finished_sweep_runs_nothing_and_writes_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let expected = expected(directory.path());
    let runner = Synthetic::default();
    let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
    let outcome = run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
    assert_eq!((outcome.executed.reused, outcome.executed.run), (plan.len(), 0));
    assert_eq!(runner.runs(), 0);
    assert!(outputs(directory.path()) == expected);
}

#[test]
fn a_sweep_that_failed_goes_on_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let expected = expected(&directory.path().join("whole"));
    for count in [1, 2, 4] {
        let directory = directory.path().join(format!("threads_{count}"));
        let mut stored = 0;
        // Fails again and again, later each time.
        for fail_after in [1, 40, 90] {
            let runner = Synthetic { fail_after, ..Synthetic::default() };
            let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
            let outcome = run(&plan, &directory, &threads(count), &Silent).unwrap();
            let failures = outcome.executed.failures;
            assert_eq!(failures.len(), plan.len() - stored - fail_after);
            assert!(failures.is_sorted_by_key(|failure| failure.cell));
            assert!(failures.iter().all(|failure| &*failure.reason == "it was to fail"));
            assert!(directory.join("failures.csv").exists());
            let store = Store::open(&directory.join("store.sqlite"), runner.spec()).unwrap();
            // All that was finished is there.
            assert_eq!(store.len(), stored + fail_after);
            stored = store.len();
        }
        let runner = Synthetic::default();
        let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
        let outcome = run(&plan, &directory, &threads(count), &Silent).unwrap();
        assert_eq!(outcome.executed.reused, stored);
        assert_eq!(runner.runs(), plan.len() - stored);
        assert!(outputs(&directory) == expected, "{count} threads");
    }
}

#[test]
fn an_extended_sweep_runs_what_is_new() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic::default();
    let small = Plan::new(&runner, axes(2, 2, 3)).unwrap();
    run(&small, directory.path(), &Options::default(), &Silent).unwrap();
    let large = Plan::new(&runner, axes(3, 2, 5)).unwrap();
    let outcome = run(&large, directory.path(), &Options::default(), &Silent).unwrap();
    assert_eq!(outcome.executed.reused, small.len());
    assert_eq!(runner.runs(), large.len());
    let extended = outputs(directory.path());
    let fresh = tempfile::tempdir().unwrap();
    run(&large, fresh.path(), &Options::default(), &Silent).unwrap();
    assert!(outputs(fresh.path()) == extended);
}

#[test]
fn another_result_version_runs_everything_again() {
    let directory = tempfile::tempdir().unwrap();
    for version in [1, 2] {
        let runner = Synthetic { version, ..Synthetic::default() };
        let plan = Plan::new(&runner, axes(2, 2, 3)).unwrap();
        run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
        assert_eq!(runner.runs(), plan.len());
    }
}

#[test]
fn shards_merge_into_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let expected = expected(&directory.path().join("whole"));
    let runner = Synthetic::default();
    let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
    let sharded = directory.path().join("sharded");
    let shards: Vec<Shard> = (1..=3).map(|number| Shard::new(number, 3).unwrap()).collect();
    let paths: Vec<_> = shards.iter().map(|shard| sharded.join(shard.store_name())).collect();
    for shard in &shards {
        let outcome =
            run(&plan, &sharded, &Options { threads: Some(2), shard: Some(*shard) }, &Silent).unwrap();
        assert!(outcome.finished.is_none());
    }
    assert_eq!(runner.runs(), plan.len());

    let mut store = Store::open(&directory.path().join("merged/store.sqlite"), runner.spec())
        .unwrap_err_then(
            || std::fs::create_dir_all(directory.path().join("merged")).unwrap(),
            || Store::open(&directory.path().join("merged/store.sqlite"), runner.spec()),
        );
    // Two of three: what is missing is told by shard, and outputs are refused.
    let merged = merge(&plan, &mut store, &paths[..2]).unwrap();
    assert_eq!(merged.copied + merged.missing, plan.len());
    assert_eq!(merged.missing_by_shard, [(shards[2], merged.missing)]);
    let error = finish(&plan, &store, &directory.path().join("merged")).unwrap_err();
    assert!(matches!(error, SweepError::Store(StoreError::Incomplete { .. })), "{error}");

    let merged = merge(&plan, &mut store, &paths).unwrap();
    assert_eq!((merged.missing, merged.total), (0, plan.len()));
    assert!(merged.missing_by_shard.is_empty());
    finish(&plan, &store, &directory.path().join("merged")).unwrap();
    store.close().unwrap();
    assert!(outputs(&directory.path().join("merged")) == expected);
    assert_eq!(runner.runs(), plan.len());
}

/// First the error of a missing directory, then the store.
trait UnwrapErrThen {
    fn unwrap_err_then(self, repair: impl FnOnce(), again: impl FnOnce() -> Self) -> Store;
}

impl UnwrapErrThen for Result<Store, StoreError> {
    fn unwrap_err_then(self, repair: impl FnOnce(), again: impl FnOnce() -> Self) -> Store {
        assert!(matches!(self.unwrap_err(), StoreError::CannotOpen { .. }));
        repair();
        again().unwrap()
    }
}

#[test]
fn stores_of_other_sweeps_are_not_merged() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic::default();
    let path = directory.path().join("other.sqlite");
    let other = Plan::new(&runner, axes(1, 1, 3)).unwrap();
    let mut store = Store::open(&path, runner.spec()).unwrap();
    execute(&other, &mut store, &Options::default(), &Silent).unwrap();
    store.close().unwrap();

    let mut changed = axes(1, 1, 3);
    changed.variations = vec![load_factors(&[2_000_000], DurationUnderLoad::Fixed)];
    let plan = Plan::new(&runner, changed).unwrap();
    let mut target = Store::open(&directory.path().join("store.sqlite"), runner.spec()).unwrap();
    let error = merge(&plan, &mut target, &[path]).unwrap_err();
    assert!(matches!(error, MergeError::Foreign { cells: 3, .. }), "{error}");
    let error = merge(&plan, &mut target, &[directory.path().join("none.sqlite")]).unwrap_err();
    assert!(matches!(error, MergeError::Store(StoreError::CannotOpen { .. })), "{error}");
}

#[test]
fn impossible_values_are_refused() {
    let runner = Synthetic { impossible: true, ..Synthetic::default() };
    let plan = Plan::new(&runner, axes(1, 1, 3)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let outcome = run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
    assert_eq!((outcome.executed.run, outcome.executed.failures.len()), (0, 3));
    insta::assert_snapshot!(outcome.executed.failures[0].reason, @"the runner `synthetic` gave an impossible result: column `score_percent` of kind Real cannot hold Real(NaN)");
}

/// A runner that cannot use the second of three platforms.
fn unfit() -> Synthetic {
    Synthetic { unfit_platform: Some(1), ..Synthetic::default() }
}

#[test]
fn a_platform_that_cannot_run_does_not_stop_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let whole = expected(&directory.path().join("whole"));
    let mut first = None;
    for count in [1, 2, 5] {
        let directory = directory.path().join(format!("threads_{count}"));
        let runner = unfit();
        let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
        let outcome = run(&plan, &directory, &threads(count), &Silent).unwrap();
        let failed: Vec<usize> = outcome.executed.failures.iter().map(|failure| failure.cell).collect();
        let unfit = |index: &usize| plan.cells()[*index].platform.index() == 1;
        assert_eq!(failed, (0..plan.len()).filter(unfit).collect::<Vec<_>>());
        assert_eq!(outcome.executed.run, plan.len() - failed.len());
        let finished = outcome.finished.unwrap();
        assert_eq!(finished.results.failures(), outcome.executed.failures);
        assert!(finished.results.iter().all(|(cell, _)| cell.platform.index() != 1));
        let group = finished.summary.groups.iter().find(|group| group.platform.index() == 1).unwrap();
        assert_eq!(group.statistics, [None, None]);
        // The same bytes on any number of threads, and when it fails again.
        let found = outputs(&directory);
        assert!(found == *first.get_or_insert(found.clone()), "{count} threads");
        let outcome = run(&plan, &directory, &threads(count), &Silent).unwrap();
        assert_eq!(
            (outcome.executed.reused, outcome.executed.failures.len()),
            (plan.len() - failed.len(), failed.len())
        );
        assert!(outputs(&directory) == found);
        // Once the platform can be used, the failed cells alone are run, and their list goes away.
        let runner = Synthetic::default();
        let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
        run(&plan, &directory, &threads(count), &Silent).unwrap();
        assert_eq!(runner.runs(), failed.len());
        assert!(outputs(&directory) == whole);
    }
    let text = |name: &str| std::fs::read_to_string(directory.path().join("threads_1").join(name));
    assert!(text("failures.csv").is_err());
    let first = first.unwrap();
    let first_json = first.iter().find(|(name, _)| name == "failures.json").map(|(_, bytes)| bytes.clone());
    let csv = &first.iter().find(|(name, _)| name == "failures.csv").unwrap().1;
    let csv = String::from_utf8(csv.clone()).unwrap();
    let json = first_json.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["rows"].as_array().unwrap().len(), csv.lines().count() - 1);
    insta::assert_snapshot!(csv.lines().take(3).collect::<Vec<_>>().join("\n"), @r#"
cell,scenario,platform,policy,parameters,load_factor,trigger_probability,deadline_factor,seed,duration_ms,reason
14,scenario_0,platform_1,first,k_per_ms=15 depth=2,1.0,0.25,10.0,1000,700.0,1
15,scenario_0,platform_1,first,k_per_ms=15 depth=2,1.0,0.25,10.0,8919,700.0,1
"#);
    let reasons = first.iter().find(|(name, _)| name == "failure_reasons.csv").unwrap();
    let failed = csv.lines().count() - 1;
    let expected = format!("reason,cells,text\n1,{failed},\"`platform_1`, of all platforms\"\n");
    assert_eq!(String::from_utf8(reasons.1.clone()).unwrap(), expected);
}

#[test]
fn stores_keep_a_reason_once_those_of_older_programs_too() {
    let directory = tempfile::tempdir().unwrap();
    let runner = unfit();
    let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
    run(&plan, directory.path(), &threads(1), &Silent).unwrap();
    let path = directory.path().join("store.sqlite");
    let count = |of: &str| -> i64 {
        let store = rusqlite::Connection::open(&path).unwrap();
        store.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
    };
    let failed = count("failures");
    assert!(failed > 10);
    assert_eq!((count("failed_cells"), count("failure_reasons")), (failed, 1));
    // As it was when each cell had its own copy.
    let store = rusqlite::Connection::open(&path).unwrap();
    store
        .execute_batch(
            "CREATE TABLE old AS SELECT identity, 'in words' AS cell, reason FROM failures;
             DROP VIEW failures; DROP TABLE failed_cells; DROP TABLE failure_reasons;
             CREATE TABLE failures (
                 identity BLOB PRIMARY KEY, cell TEXT NOT NULL, reason TEXT NOT NULL) STRICT, WITHOUT ROWID;
             INSERT INTO failures SELECT * FROM old; DROP TABLE old",
        )
        .unwrap();
    drop(store);
    let store = Store::open(&path, runner.spec()).unwrap();
    assert_eq!(store.failures(&plan).unwrap().len() as i64, failed);
    store.close().unwrap();
    assert_eq!((count("failures"), count("failed_cells"), count("failure_reasons")), (failed, failed, 1));
}

#[test]
fn failures_are_merged() {
    let directory = tempfile::tempdir().unwrap();
    let runner = unfit();
    let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
    let whole = directory.path().join("whole");
    run(&plan, &whole, &threads(2), &Silent).unwrap();
    let sharded = directory.path().join("sharded");
    let shards: Vec<Shard> = (1..=2).map(|number| Shard::new(number, 2).unwrap()).collect();
    let paths: Vec<_> = shards.iter().map(|shard| sharded.join(shard.store_name())).collect();
    let mut failed = 0;
    for shard in &shards {
        let outcome = run(&plan, &sharded, &Options { threads: None, shard: Some(*shard) }, &Silent).unwrap();
        failed += outcome.executed.failures.len();
    }
    let mut store = Store::open(&sharded.join("store.sqlite"), runner.spec()).unwrap();
    let merged = merge(&plan, &mut store, &paths[1..]).unwrap();
    assert_eq!(merged.missing_by_shard, [(shards[0], merged.missing)]);
    let merged = merge(&plan, &mut store, &paths).unwrap();
    assert_eq!((merged.failed, merged.missing), (failed, 0));
    let finished = finish(&plan, &store, &sharded).unwrap();
    assert_eq!(finished.results.failures().len(), failed);
    store.close().unwrap();
    assert!(outputs(&sharded) == outputs(&whole));
}

#[test]
fn tasks_are_summarised() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic { task_means: true, ..Synthetic::default() };
    let mut axes = axes(2, 1, 12);
    for workload in &mut axes.workloads {
        workload.scenario.tasks.truncate(2);
    }
    let plan = Plan::new(&runner, axes).unwrap();
    let finished = run(&plan, directory.path(), &Options::default(), &Silent).unwrap().finished.unwrap();
    let (results, summary) = (&finished.results, &finished.summary);
    let names: Vec<&str> = summary.task_metrics.iter().map(|metric| metric.column.name).collect();
    assert_eq!(names, ["completed_jobs", "latency_mean_ms"]);
    // The second task's first metric, by hand.
    let values: Vec<f64> = plan.cells()[..12]
        .iter()
        .map(|cell| results.task_value(cell, "task_1", "completed_jobs").unwrap().number().unwrap())
        .collect();
    let statistics = summary.groups[0].tasks[2].unwrap();
    assert_eq!(statistics.samples, 12);
    assert!((statistics.mean - values.iter().sum::<f64>() / 12.0).abs() < 1e-12);
    assert!(statistics.interval.is_some());
    let json = std::fs::read_to_string(directory.path().join("summary_tasks.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rows"][2][12].as_f64(), Some(statistics.mean));
    assert_eq!(json["rows"].as_array().unwrap().len(), 2 * 2 * 2);
    let text = std::fs::read_to_string(directory.path().join("summary_tasks.csv")).unwrap();
    insta::assert_snapshot!(text, @r#"
scenario,platform,policy,parameters,load_factor,trigger_probability,deadline_factor,duration_ms,task,metric,unit,samples,mean,mean_ci_low,mean_ci_high
scenario_0,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,task_0,completed_jobs,,12,30.75,21.0,38.91874999999999
scenario_0,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,task_0,latency_mean_ms,milliseconds,11,9.841506475480573,7.091137599314475,12.599222638695718
scenario_0,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,task_1,completed_jobs,,12,40.91666666666667,35.66458333333334,45.91666666666667
scenario_0,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,task_1,latency_mean_ms,milliseconds,12,9.103023357596594,6.311274966175103,11.793036587556903
scenario_1,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,task_0,completed_jobs,,1,26.0,,
scenario_1,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,task_0,latency_mean_ms,milliseconds,1,15.143650569048292,,
scenario_1,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,task_1,completed_jobs,,1,31.0,,
scenario_1,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,task_1,latency_mean_ms,milliseconds,1,4.345442963671109,,
"#);
}

#[test]
fn settings_are_part_of_a_cell() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic { settings: true, ..Synthetic::default() };
    let plain = Plan::new(&runner, axes(1, 1, 2)).unwrap();
    assert_eq!(plain.axes().settings.to_string(), "warm_up=0ps at_end=drain bonus=0");
    let mut changed = axes(1, 1, 2);
    let given = [
        ("bonus", ParameterValue::Real(5.0)),
        ("warm_up", ParameterValue::Duration(rtmm_testkit::synthetic_runner::milliseconds(100))),
    ];
    changed.settings = Parameters::with(&runner.spec().settings, &given).unwrap();
    let changed = Plan::new(&runner, changed).unwrap();
    assert_ne!(plain.identities(), changed.identities());
    // A runner without settings has the identities that it always had.
    let without = Synthetic::default();
    assert_ne!(Plan::new(&without, axes(1, 1, 2)).unwrap().identities(), plain.identities());

    run(&plain, directory.path(), &Options::default(), &Silent).unwrap();
    let outcome = run(&changed, directory.path(), &Options::default(), &Silent).unwrap();
    assert_eq!((outcome.executed.reused, outcome.executed.run), (0, 2));
    let text = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    insta::assert_snapshot!(text("cells.json").lines().nth(2).unwrap(), @r#""settings":{"at_end":"drain","bonus":5.0,"warm_up":"100ms"},"#);
    let manifest = text("manifest.json");
    let (_, settings) = manifest.split_once("\"settings\":").unwrap();
    insta::assert_snapshot!(settings.split_once(']').unwrap().0, @r#"
[
   {
     "name": "warm_up",
     "value": "100ms"
   },
   {
     "name": "at_end",
     "value": "drain"
   },
   {
     "name": "bonus",
     "value": 5.0
   }
"#);

    let bad = [("bonus", ParameterValue::Real(50.0)), ("cold_down", ParameterValue::Boolean(true))];
    let told = bad.map(|given| Parameters::with(&runner.spec().settings, &[given]).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"), @r#"
parameter `bonus` cannot be `50`
the schema has no parameter `cold_down`
"#);
    let mut bad = axes(1, 1, 2);
    bad.settings = Parameters::defaults(&runner.spec().policies[0].parameters);
    let problems = Plan::new(&runner, bad).unwrap_err();
    assert_eq!(problems[0].to_string(), "the settings are those of another runner than `synthetic`");
}

#[test]
fn results_are_found_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic::default();
    let plan = Plan::new(&runner, axes(2, 1, 2)).unwrap();
    let outcome = run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
    let results = outcome.finished.unwrap().results;
    let cell = &plan.cells()[1];
    assert_eq!(results.cell_value(cell, "score_percent"), results.cells()[1].as_ref().unwrap().cell.first());
    assert_eq!(
        results.task_value(cell, "task_1", "completed_jobs"),
        results.cells()[1].as_ref().unwrap().tasks.get(8)
    );
    assert_eq!(results.task_value(cell, "task_9", "completed_jobs"), None);
    assert_eq!(results.cell_value(cell, "no_such_column"), None);
}

/// The whole outputs of a small sweep, to see what they look like.
#[test]
fn outputs_look_like_this() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic::default();
    let mut axes = axes(2, 2, 2);
    for workload in &mut axes.workloads {
        workload.scenario.tasks.truncate(2);
    }
    axes.baseline = Some(Baseline::Platform(PlatformId::new(0)));
    let plan = Plan::new(&runner, axes).unwrap();
    run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
    let text = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    for table in ["cells", "tasks", "accelerators"] {
        insta::assert_snapshot!(format!("{table}_csv"), text(&format!("{table}.csv")));
        insta::assert_snapshot!(format!("{table}_json"), text(&format!("{table}.json")));
    }
    insta::assert_snapshot!(text("summary.csv"), @"
    scope,scenario,platform,policy,parameters,load_factor,trigger_probability,deadline_factor,duration_ms,metric,samples,mean,mean_ci_low,mean_ci_high,minimum,maximum,population_deviation,sample_deviation,geometric_mean,note
    scenario,scenario_0,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,score_percent,2,13.285860142419573,,,9.955670132989601,16.616050151849546,3.3301900094299723,4.709599876615252,,
    scenario,scenario_0,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,late_jobs,2,92.5,,,69.0,116.0,23.5,33.23401871576773,,
    scenario,scenario_0,platform_1,first,k_per_ms=15 depth=2,1.0,,,700.0,score_percent,2,32.57630227109318,,,26.07212178363465,39.080482758551724,6.504180487458537,9.198300257486313,,
    scenario,scenario_0,platform_1,first,k_per_ms=15 depth=2,1.0,,,700.0,late_jobs,2,227.5,,,182.0,273.0,45.5,64.34671708797582,,
    scenario,scenario_1,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,score_percent,1,13.215460353618939,,,13.215460353618939,13.215460353618939,0.0,,,
    scenario,scenario_1,platform_0,first,k_per_ms=15 depth=2,1.0,,,700.0,late_jobs,1,92.0,,,92.0,92.0,0.0,,,
    scenario,scenario_1,platform_1,first,k_per_ms=15 depth=2,1.0,,,700.0,score_percent,1,8.729373811878565,,,8.729373811878565,8.729373811878565,0.0,,,
    scenario,scenario_1,platform_1,first,k_per_ms=15 depth=2,1.0,,,700.0,late_jobs,1,61.0,,,61.0,61.0,0.0,,,
    across_scenarios,,platform_0,first,k_per_ms=15 depth=2,1.0,,,,score_percent,2,13.250660248019255,,,13.215460353618939,13.285860142419573,,,13.250613494320625,
    across_scenarios,,platform_0,first,k_per_ms=15 depth=2,1.0,,,,late_jobs,2,92.25,,,92.0,92.5,,,92.24966124599052,
    across_scenarios,,platform_1,first,k_per_ms=15 depth=2,1.0,,,,score_percent,2,20.652838041485875,,,8.729373811878565,32.57630227109318,,,16.863295049696575,
    across_scenarios,,platform_1,first,k_per_ms=15 depth=2,1.0,,,,late_jobs,2,144.25,,,61.0,227.5,,,117.80280132492605,
    ");
    insta::assert_snapshot!(text("comparison.csv"), @"
    scenario,platform,policy,parameters,load_factor,trigger_probability,deadline_factor,duration_ms,baseline_platform,baseline_policy,baseline_parameters,metric,pairs,baseline_mean,mean_difference,difference_ci_low,difference_ci_high,relative_difference,above,below
    scenario_0,platform_1,first,k_per_ms=15 depth=2,1.0,,,700.0,platform_0,first,k_per_ms=15 depth=2,score_percent,2,13.285860142419573,19.29044212867361,,,1.4519528221648512,2,0
    scenario_0,platform_1,first,k_per_ms=15 depth=2,1.0,,,700.0,platform_0,first,k_per_ms=15 depth=2,late_jobs,2,92.5,135.0,,,1.4594594594594594,2,0
    scenario_1,platform_1,first,k_per_ms=15 depth=2,1.0,,,700.0,platform_0,first,k_per_ms=15 depth=2,score_percent,1,13.215460353618939,-4.486086541740374,,,-0.33945745526086785,0,1
    scenario_1,platform_1,first,k_per_ms=15 depth=2,1.0,,,700.0,platform_0,first,k_per_ms=15 depth=2,late_jobs,1,92.0,-31.0,,,-0.33695652173913043,0,1
    ");
    let manifest = text("manifest.json");
    let (beginning, columns) = manifest.split_once("  \"tables\": [\n").unwrap();
    insta::assert_snapshot!(beginning, @r#"
{
  "format": "rtmm-sweep-manifest",
  "version": 2,
  "program": {
    "name": "rtmm",
    "version": "0.1.0"
  },
  "reproduce": "rtmm sweep synthetic",
  "sweep": {
    "name": "synthetic",
    "description": "",
    "blake3": ""
  },
  "runner": {
    "name": "synthetic",
    "result_version": 0
  },
  "scenarios": [
    {
      "name": "scenario_0",
      "source": "synthetic",
      "blake3": [
        "767ed29a8c1a26abe3dea55b58ec0fefbad7c26825b1859c4bd03fa410067790"
      ]
    },
    {
      "name": "scenario_1",
      "source": "synthetic",
      "blake3": [
        "6ca0459bad080b885510a9dc542001066350d17a0b0c2d19957003b9cc3c1b30"
      ]
    }
  ],
  "platforms": [
    {
      "name": "platform_0",
      "source": "synthetic",
      "blake3": [
        "d44ac50e95e4a713efdacc832a4961cc3a2e85e3f0d92a7b1d08f7535897d736"
      ]
    },
    {
      "name": "platform_1",
      "source": "synthetic",
      "blake3": [
        "378ba565e7ba1aa0d4c841c99326228cb7417c5baa33a49cb0d0779349ef2db0"
      ]
    }
  ],
  "policies": [
    {
      "name": "first",
      "parameters": [
        {
          "name": "k_per_ms",
          "value": 15.0
        },
        {
          "name": "depth",
          "value": 2
        }
      ]
    }
  ],
  "load_factors": [
    1.0
  ],
  "load_scales_duration": false,
  "trigger_probability": null,
  "deadline_factors": [],
  "seeds": [
    1000,
    8919
  ],
  "duration": null,
  "settings": [],
  "baseline": "platform platform_0",
  "cells": 6,
  "failed_cells": 0,
  "order": "scenario, load factor, trigger probability, deadline factor, platform, policy, seed; tasks in the order of their scenario; scenarios without randomness run with the first seed only",
  "statistics": {
    "interval": "percentile bootstrap of the mean",
    "confidence": 0.95,
    "resamples": 2000,
    "minimum_samples": 10
  },
"#);
    insta::assert_snapshot!("manifest_tables", columns);
}

#[test]
fn deadlines_of_several_factors_have_a_column_and_stay_apart() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic::default();
    let mut axes = axes(2, 1, 1);
    for workload in &mut axes.workloads {
        workload.scenario.tasks.truncate(1);
        workload.scenario.tasks[0].deadline = Deadline::Isolated { factor_millionths: 5_000_000 };
    }
    axes.variations = vec![
        load_factors(&[2_000_000], DurationUnderLoad::Divided),
        deadline_factors(&[10_000_000, 2_500_000]),
    ];
    let plan = Plan::new(&runner, axes).unwrap();
    run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
    let text = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let column = |name: &str, wanted: &str| -> Vec<String> {
        let text = text(name);
        let mut lines = text.lines();
        let position = lines.next().unwrap().split(',').position(|head| head == wanted).unwrap();
        lines.map(|line| line.split(',').nth(position).unwrap().to_owned()).collect()
    };
    assert_eq!(column("cells.csv", "deadline_factor"), ["10.0", "2.5", "10.0", "2.5"]);
    // 700 ms at twice the load.
    assert_eq!(column("cells.csv", "duration_ms"), ["350.0"; 4]);
    // Two metrics each: of each scenario, and across both under one factor.
    let scopes = column("summary.csv", "scope");
    let factors = column("summary.csv", "deadline_factor");
    let across: Vec<&str> = scopes
        .iter()
        .zip(&factors)
        .filter(|(scope, _)| *scope == "across_scenarios")
        .map(|(_, factor)| factor.as_str())
        .collect();
    assert_eq!(across, ["10.0", "10.0", "2.5", "2.5"]);
    let samples = column("summary.csv", "samples");
    assert!(
        scopes
            .iter()
            .zip(&samples)
            .all(|(scope, count)| { *count == if scope == "across_scenarios" { "2" } else { "1" } })
    );
    let manifest: serde_json::Value = serde_json::from_str(&text("manifest.json")).unwrap();
    assert_eq!(manifest["deadline_factors"], serde_json::json!([10.0, 2.5]));
    assert_eq!(manifest["load_scales_duration"], serde_json::json!(true));
    // A scenario under two factors is two, each with a hash of its own.
    assert_eq!(manifest["scenarios"][0]["blake3"].as_array().unwrap().len(), 2);
}

#[test]
fn geometric_means_say_why_they_are_undefined() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic { worthless: true, ..Synthetic::default() };
    let plan = Plan::new(&runner, axes(2, 1, 2)).unwrap();
    run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
    let summary = std::fs::read_to_string(directory.path().join("summary.csv")).unwrap();
    let across: Vec<&str> = summary.lines().filter(|line| line.starts_with("across")).collect();
    insta::assert_snapshot!(across.join("\n"), @r#"
across_scenarios,,platform_0,first,k_per_ms=15 depth=2,1.0,,,,score_percent,2,0.0,,,0.0,0.0,,,,"undefined: the mean of `scenario_0` is 0, not above zero"
across_scenarios,,platform_0,first,k_per_ms=15 depth=2,1.0,,,,late_jobs,2,0.0,,,0.0,0.0,,,,"undefined: the mean of `scenario_0` is 0, not above zero"
"#);
}

/// Values of each kind as a table in Parquet has them, in the form of the CSV.
#[cfg(feature = "parquet")]
#[test]
fn parquet_has_the_rows_of_the_csv() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic { records: true, ..Synthetic::default() };
    let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
    run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
    let manifest = std::fs::read(directory.path().join("manifest.json")).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for table in ["cells", "tasks", "accelerators", "series"] {
        let csv = std::fs::read_to_string(directory.path().join(format!("{table}.csv"))).unwrap();
        let file = std::fs::File::open(directory.path().join(format!("{table}.parquet"))).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let metadata = reader.metadata().file_metadata();
        assert_eq!(metadata.created_by(), Some("rtmm 0.1.0"));
        let value = |key: &str| {
            let mut entries = metadata.key_value_metadata().unwrap().iter();
            entries.find(|entry| entry.key == key).unwrap().value.clone().unwrap()
        };
        assert_eq!(value("rtmm.manifest_blake3"), blake3::hash(&manifest).to_hex().to_string());
        assert_eq!([value("rtmm.table"), value("rtmm.version")], [table, "0.1.0"]);
        assert_eq!([value("rtmm.runner"), value("rtmm.result_version")], ["synthetic", "0"]);
        let columns: serde_json::Value = serde_json::from_str(&value("rtmm.columns")).unwrap();
        let attributes: serde_json::Value = serde_json::from_str(&value("PANDAS_ATTRS")).unwrap();
        assert_eq!(attributes["rtmm.columns"], columns);

        let mut lines = csv::Reader::from_reader(csv.as_bytes());
        let header: Vec<String> = lines.headers().unwrap().iter().map(str::to_owned).collect();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        let names: Vec<&String> = rows[0].get_column_iter().map(|(name, _)| name).collect();
        assert_eq!(names, header.iter().collect::<Vec<_>>());
        assert!(header.iter().all(|name| columns.get(name).is_some()), "{columns}");
        let mut count = 0;
        for (line, row) in lines.records().map(Result::unwrap).zip(&rows) {
            count += 1;
            for ((name, field), text) in row.get_column_iter().zip(&line) {
                let (kind, same) = match field {
                    Field::Null => ("null", text.is_empty()),
                    Field::Long(value) => ("long", *text == value.to_string()),
                    Field::Double(value) => ("double", text.parse() == Ok(*value)),
                    Field::Bool(value) => ("bool", *text == value.to_string()),
                    Field::Str(value) => ("str", text == value),
                    _ => ("other", false),
                };
                assert!(same, "{table}, {name}: {field:?} and {text}");
                kinds.insert(kind);
            }
        }
        assert_eq!((count, lines.records().count()), (rows.len(), 0));
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["bool", "double", "long", "null", "str"]);
}

/// What stands once: joined by their keys, the tables are the view of the store.
#[test]
fn tables_join_by_their_keys() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic { fail_after: 150, ..Synthetic::default() };
    let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
    let outcome = run(&plan, directory.path(), &threads(3), &Silent).unwrap();
    let results = outcome.finished.unwrap().results;
    assert!(!results.failures().is_empty(), "cells that failed have no rows and leave gaps");
    let read = |name: &str| -> Vec<std::collections::BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(directory.path().join(name)).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    };
    let (cells, tasks, accelerators) = (read("cells.csv"), read("tasks.csv"), read("accelerators.csv"));
    let place = |row: &std::collections::BTreeMap<String, String>| row["cell"].parse::<usize>().unwrap();
    assert_eq!(cells.len(), results.iter().count());
    for row in &cells {
        let cell = &plan.cells()[place(row)];
        assert_eq!(row["identity"], plan.identities()[cell.index].to_string());
        assert_eq!(row["scenario"], plan.scenario(cell).name);
        assert_eq!(row["seed"], cell.seed.to_string());
        let score = results.cell_value(cell, "score_percent").unwrap().number();
        assert_eq!(row["score_percent"].parse().ok(), score);
        for (name, value) in plan.policy(cell).parameters.assignments() {
            let found = row.get(&format!("parameter_{name}")).or(row.get(&format!("parameter_{name}_ms")));
            assert!(found.is_some_and(|found| !found.is_empty()), "{name}={value}: {row:?}");
        }
    }
    for row in &tasks {
        let cell = &plan.cells()[place(row)];
        let value = results.task_value(cell, &row["task"], "task_score").unwrap().number();
        assert_eq!(row["task_score"].parse().ok(), value);
        assert!(!row.contains_key("score_percent"), "a value of the run on the row of a task");
    }
    for row in &accelerators {
        assert!(cells.iter().any(|cell| cell["cell"] == row["cell"]) && row["accelerator"] == "one");
    }
    let count = |of: fn(&Plan<'_>, &rtmm_sweep::plan::Cell) -> usize| -> usize {
        results.iter().map(|(cell, _)| of(&plan, cell)).sum()
    };
    assert_eq!(tasks.len(), count(|plan, cell| plan.scenario(cell).tasks.len()));
    assert_eq!(accelerators.len(), count(|plan, cell| plan.platform(cell).accelerators.len()));
    let failures = read("failures.csv");
    assert_eq!(failures.len() + cells.len(), plan.len());
    assert!(failures.iter().all(|row| cells.iter().all(|cell| cell["cell"] != row["cell"])));
}

/// Series survive threads, shards and merging, and their files hold them all.
#[test]
fn series_come_out_as_they_went_in() {
    let directory = tempfile::tempdir().unwrap();
    let runner = Synthetic { records: true, ..Synthetic::default() };
    let plan = Plan::new(&runner, rich_axes(&runner)).unwrap();
    let at = |name: &str| directory.path().join(name);
    run(&plan, &at("one"), &threads(1), &Silent).unwrap();
    run(&plan, &at("many"), &threads(4), &Silent).unwrap();
    let mut stores = Vec::new();
    for number in 1..=3 {
        let shard = Shard::new(number, 3).unwrap();
        run(&plan, &at("shards"), &Options { threads: Some(2), shard: Some(shard) }, &Silent).unwrap();
        stores.push(at("shards").join(shard.store_name()));
    }
    let mut target = Store::open(&at("shards").join("store.sqlite"), runner.spec()).unwrap();
    assert_eq!(merge(&plan, &mut target, &stores).unwrap().missing, 0);
    let finished = finish(&plan, &target, &at("shards")).unwrap();
    target.close().unwrap();
    assert!(outputs(&at("one")) == outputs(&at("many")) && outputs(&at("one")) == outputs(&at("shards")));

    // Every point has a row.
    let points: usize = finished.results.iter().flat_map(|(_, result)| &result.series).map(Vec::len).sum();
    let csv = std::fs::read_to_string(at("one").join("series.csv")).unwrap();
    assert!(points > 1_000 && csv.lines().count() == points + 1);
    assert_eq!(csv.lines().next(), Some("cell,series,time_s,value"));
    assert!(csv.contains(",score,0.5,\n"), "a point without a value");
    #[cfg(feature = "parquet")]
    {
        use parquet::file::reader::{FileReader, SerializedFileReader};
        let file = std::fs::File::open(at("one").join("series.parquet")).unwrap();
        let rows = SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows();
        assert_eq!(rows, points as i64);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", directory.path().join("cells.json.partial")).unwrap();
    let runner = Synthetic::default();
    let plan = Plan::new(&runner, axes(2, 2, 2)).unwrap();
    let error = run(&plan, directory.path(), &Options::default(), &Silent).unwrap_err();
    let message = error.to_string().replace(&directory.path().display().to_string(), "DIRECTORY");
    insta::assert_snapshot!(message, @"no space is left to write DIRECTORY/cells.json; free some");
    // The cells are kept.
    let outcome = run(&plan, directory.path(), &Options::default(), &Silent).unwrap();
    assert_eq!(outcome.executed.run, 0);
}

#[test]
fn an_unwritable_place_is_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let runner = Synthetic::default();
    let plan = Plan::new(&runner, axes(1, 1, 1)).unwrap();
    let error = run(&plan, &file, &Options::default(), &Silent).unwrap_err();
    let message = error.to_string();
    assert!(
        matches!(error, SweepError::Output(_)) && message.contains("file cannot be written"),
        "{message}"
    );
}
