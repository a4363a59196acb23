//! Damaged, foreign and busy stores are refused with a remedy; killed sweeps go on.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these are tests, and the helpers of tests"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rtmm_sweep::execute::{Options, Progress, Silent, execute};
use rtmm_sweep::plan::Plan;
use rtmm_sweep::runner::{CellRunner, Column, ColumnKind, RunnerSpec};
use rtmm_sweep::store::{Store, StoreError};
use rtmm_sweep::sweep::run;
use rtmm_testkit::synthetic_runner::{Synthetic, axes};

/// A directory with a store of a few hundred cells.
fn filled(runner: &Synthetic) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    let plan = Plan::new(runner, axes(3, 5, 40)).unwrap();
    let mut store = Store::open(&path, runner.spec()).unwrap();
    execute(&plan, &mut store, &Options::default(), &Silent).unwrap();
    store.close().unwrap();
    (directory, path)
}

/// The message of an error without the place of the store.
fn message(error: &StoreError, path: &Path) -> String {
    error.to_string().replace(&path.parent().unwrap().display().to_string(), "DIRECTORY")
}

#[test]
fn a_store_at_rest_is_one_plain_file() {
    let (directory, _) = filled(&Synthetic::default());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_truncated_store_is_refused() {
    let runner = Synthetic::default();
    let (_directory, path) = filled(&runner);
    let bytes = std::fs::read(&path).unwrap();
    for length in [bytes.len() - 1, bytes.len() / 2, 4096, 100, 20, 0] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = Store::open(&path, runner.spec()).unwrap_err();
        assert!(
            matches!(error, StoreError::Corrupt { .. } | StoreError::NotAStore { .. }),
            "{length}: {error}"
        );
        if length == bytes.len() / 2 {
            insta::assert_snapshot!(message(&error, &path), @"the store DIRECTORY/store.sqlite is damaged (database disk image is malformed); restore it from a backup, or delete it to run everything again");
        }
        assert_eq!(std::fs::read(&path).unwrap(), &bytes[..length], "it is left as it was");
    }
    // A new one is made only where there is none, and leaves nothing of its making behind.
    std::fs::remove_file(&path).unwrap();
    assert!(Store::open_existing(&path, runner.spec()).is_err());
    assert!(Store::open(&path, runner.spec()).unwrap().is_empty());
    let folder = path.parent().unwrap();
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn an_overwritten_page_is_noticed() {
    let runner = Synthetic::default();
    let (_directory, path) = filled(&runner);
    let bytes = std::fs::read(&path).unwrap();
    for page in 1..bytes.len() / 4096 {
        let mut damaged = bytes.clone();
        damaged[page * 4096..][..64].fill(0xA5);
        std::fs::write(&path, damaged).unwrap();
        let error = Store::open(&path, runner.spec()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "page {page}: {error}");
    }
}

#[test]
fn a_changed_point_of_a_series_is_noticed() {
    for change in [
        "UPDATE series SET value = 61 WHERE cell = 7 AND position = 1",
        "UPDATE series SET value = 61 WHERE cell = 7 AND position = 2",
        "UPDATE series SET time_s = 0.01 WHERE cell = 7 AND position = 0",
        "UPDATE series SET series = 'depth' WHERE cell = 7 AND position = 5",
        "UPDATE series SET series = 'unknown' WHERE cell = 7 AND position = 5",
        "DELETE FROM series WHERE cell = 7 AND position = 12",
        "DELETE FROM series WHERE cell = 7",
    ] {
        let runner = Synthetic { records: true, ..Synthetic::default() };
        let (_directory, path) = filled(&runner);
        let plan = Plan::new(&runner, axes(3, 5, 40)).unwrap();
        let store = Store::open(&path, runner.spec()).unwrap();
        assert!(store.results(&plan).unwrap().has_series());
        store.close().unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        assert!(connection.execute(change, []).unwrap() > 0, "{change}");
        drop(connection);
        let error = Store::open(&path, runner.spec()).unwrap().results(&plan).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{change}: {error}");
    }
}

#[test]
fn a_changed_value_is_noticed() {
    let runner = Synthetic::default();
    let (_directory, path) = filled(&runner);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE tasks SET completed_jobs = 61 WHERE cell = 7 AND task_index = 1", []).unwrap();
    drop(connection);
    let plan = Plan::new(&runner, axes(3, 5, 40)).unwrap();
    let error = Store::open(&path, runner.spec()).unwrap().results(&plan).unwrap_err();
    insta::assert_snapshot!(message(&error, &path), @"the store DIRECTORY/store.sqlite is damaged (the values of a cell are not those that were written); restore it from a backup, or delete it to run everything again");
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let runner = Synthetic::default();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    let text = "this is a text that somebody wrote, long enough to be taken for a file header ".repeat(20);
    std::fs::write(&path, &text).unwrap();
    let error = Store::open(&path, runner.spec()).unwrap_err();
    insta::assert_snapshot!(message(&error, &path), @"DIRECTORY/store.sqlite is not a result store, or its beginning is damaged; choose another output directory, or move the file away");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    let path = directory.path().join("other.sqlite");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE mine (a)").unwrap();
    drop(other);
    let error = Store::open(&path, runner.spec()).unwrap_err();
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
}

#[test]
fn a_store_of_another_version_is_refused() {
    let runner = Synthetic::default();
    let (_directory, path) = filled(&runner);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Store::open(&path, runner.spec()).unwrap_err();
    insta::assert_snapshot!(message(&error, &path), @"the store DIRECTORY/store.sqlite is of version 99, this program reads version 3; use the program that wrote it, or choose another output directory and run again");
}

/// A runner that differs from the synthetic one in its columns or its name.
fn changed(name: &'static str, columns: &[Column]) -> RunnerSpec {
    RunnerSpec::new(name, Vec::new(), columns.to_vec())
}

#[test]
fn a_store_of_another_sweep_is_refused() {
    let (_directory, path) = filled(&Synthetic::default());
    const NEW: &[Column] = &[Column::new("new_ms", ColumnKind::Real, "")];
    let error = Store::open(&path, &changed("synthetic", NEW)).unwrap_err();
    insta::assert_snapshot!(message(&error, &path), @"the store DIRECTORY/store.sqlite belongs to another sweep: it has no column `new_ms`; choose another output directory, or delete the store to run everything again");
    let error = Store::open(&path, &changed("synthetic", &[])).unwrap_err();
    insta::assert_snapshot!(message(&error, &path), @"the store DIRECTORY/store.sqlite belongs to another sweep: it has a column `score_percent` that the runner no longer gives; choose another output directory, or delete the store to run everything again");
    let error = Store::open(&path, &changed("another", NEW)).unwrap_err();
    insta::assert_snapshot!(message(&error, &path), @"the store DIRECTORY/store.sqlite belongs to another sweep: its results are of the runner `synthetic`, this sweep's runner is `another`; choose another output directory, or delete the store to run everything again");
}

#[test]
fn a_store_in_use_is_refused() {
    let runner = Synthetic::default();
    let (_directory, path) = filled(&runner);
    let first = Store::open(&path, runner.spec()).unwrap();
    let error = Store::open(&path, runner.spec()).unwrap_err();
    insta::assert_snapshot!(message(&error, &path), @"the store DIRECTORY/store.sqlite is in use by another process; wait for it, or choose another output directory");
    first.close().unwrap();
    Store::open(&path, runner.spec()).unwrap();
}

#[test]
fn any_sqlite_tool_reads_the_store() {
    let (_directory, path) = filled(&Synthetic::default());
    let connection = rusqlite::Connection::open(&path).unwrap();
    let (rows, seeds): (i64, i64) = connection
        .query_row(
            "SELECT count(latency_mean_ms), count(DISTINCT seed) FROM results WHERE scenario = 'scenario_0'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert!(rows > 500);
    assert_eq!(seeds, 40);
    let meaning: String = connection
        .query_row("SELECT meaning FROM columns WHERE name = 'latency_mean_ms'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(meaning, "synthetic, for tests");
}

/// Tells the parent process of every batch.
struct Tell;

impl Progress for Tell {
    fn begin(&self, _total: usize, _reused: usize) {}
    fn advance(&self, cells: usize) {
        println!("advanced {cells}");
        let _ = std::io::stdout().flush();
    }
}

const CHILD: &str = "RTMM_SWEEP_TEST_DIRECTORY";

/// Makes a cell last some tenth of a millisecond.
const SPIN: u64 = 100_000;

fn kill_plan(runner: &Synthetic) -> Plan<'_> {
    Plan::new(runner, axes(3, 24, 60)).unwrap()
}

/// Runs as the child of the next test; does nothing by itself.
#[test]
fn child_that_sweeps() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let runner = Synthetic { spin: SPIN, ..Synthetic::default() };
    let options = Options { threads: Some(2), shard: None };
    run(&kill_plan(&runner), Path::new(&directory), &options, &Tell).unwrap();
}

#[test]
fn killed_sweeps_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let killed = directory.path().join("killed");
    let store_path = killed.join("store.sqlite");
    let rows = || -> Vec<(i64, Vec<u8>)> {
        let connection = rusqlite::Connection::open(&store_path).unwrap();
        let Ok(mut statement) = connection.prepare("SELECT cell, identity FROM cells ORDER BY cell") else {
            return Vec::new();
        };
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let mut committed: Vec<(i64, Vec<u8>)> = Vec::new();
    for moment in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_sweeps", "--nocapture"])
            .env(CHILD, &killed)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let advances = lines.map_while(Result::ok).filter(|line| line.contains("advanced"));
        let _ = advances.take(moment * 3 % 17).count();
        child.kill().unwrap();
        child.wait().unwrap();
        if !store_path.exists() {
            continue;
        }
        // What was committed is there, in its place: never lost, never run again.
        let now = rows();
        assert_eq!(now[..committed.len()], committed, "kill {moment}");
        committed = now;
    }
    assert!(!committed.is_empty(), "no kill came after a commit");
    let runner = Synthetic { spin: SPIN, ..Synthetic::default() };
    let plan = kill_plan(&runner);
    let outcome = run(&plan, &killed, &Options::default(), &Silent).unwrap();
    assert_eq!(outcome.executed.reused, committed.len());
    assert_eq!(runner.runs(), plan.len() - committed.len());
    let mut identities: Vec<Vec<u8>> = rows().into_iter().map(|(_, identity)| identity).collect();
    identities.sort();
    identities.dedup();
    assert_eq!(identities.len(), plan.len());

    let whole = directory.path().join("whole");
    run(&plan, &whole, &Options::default(), &Silent).unwrap();
    for name in outcome.finished.unwrap().files {
        let read = |directory: &Path| std::fs::read(directory.join(&name)).unwrap();
        assert!(read(&killed) == read(&whole), "{name}");
    }
}
