//! A sweep that is killed again and again loses nothing that it had committed.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "the test writes its input, copies stores and takes the time")]

use crate::common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Outcome, Workspace, assert_same_files, final_files, runner};
use rtmm_sweep::store::Store;

const SWEEP: &str = r#"
description = "two random scenarios on six platforms"
runner = "xrbench"
scenarios = ["xrbench/ar_assistant", "xrbench/outdoor_activity_b"]
platforms = ["xrbench/single_*"]
seeds = { first = 1, count = 1000 }
"#;
const CELLS: usize = 12_000;
const KILLS: usize = 20;
/// The longest that a run is left alone, as a part of the whole sweep's time.
const LONGEST: f64 = 0.4;

/// SplitMix64: the moments are random, and the same in every run of the test.
struct Random(u64);

impl Random {
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The committed cells of a store that a killed process left, seen through a copy, so that the
/// store itself is recovered by the next run and not by this test.
fn committed(directory: &Path, copy: &Path) -> usize {
    let _ = fs::remove_dir_all(copy);
    fs::create_dir(copy).expect("a directory for the copy");
    for suffix in ["", "-wal"] {
        let name = format!("store.sqlite{suffix}");
        if directory.join(&name).exists() {
            fs::copy(directory.join(&name), copy.join(&name)).expect("the store can be copied");
        }
    }
    let path = copy.join("store.sqlite");
    if !path.exists() {
        return 0;
    }
    Store::open_existing(&path, runner("xrbench")).expect("a killed sweep leaves a sound store").len()
}

/// How many cells the run said it would reuse, if it came so far; `-v` says it before the first cell.
fn reused(stderr: &str) -> Option<usize> {
    let line = stderr.lines().find(|line| line.contains("cells planned"))?;
    let (_, after) = line.split_once("reused")?;
    // Logs may be coloured: the number is the last one of the line.
    let after = after.replace("\u{1b}[0m", "").replace("\u{1b}[2m", "");
    after.trim_start_matches('=').trim().parse().ok()
}

#[test]
fn a_sweep_that_is_killed_at_any_moment_goes_on_where_it_was() {
    let workspace = Workspace::new();
    workspace.write("sweep.toml", SWEEP);
    let arguments = ["-v", "sweep", "sweep.toml", "--threads", "2", "--output"];
    let start = Instant::now();
    let undisturbed = workspace.rtmm(&[&arguments[..], &["undisturbed"]].concat());
    let whole = start.elapsed();
    assert!(undisturbed.stderr.ends_with("sweep.toml: 12000 cells, 12000 run, 0 reused from undisturbed\n"));
    assert_eq!(reused(&undisturbed.stderr), Some(0), "{}", undisturbed.stderr);
    let expected = final_files(&workspace.path("undisturbed"));

    let mut random = Random(20_261_121);
    // Kills that left some cells but not all of them show the most.
    let (mut kills, mut partial, mut finished) = (0, 0, 0);
    let mut round = 0;
    // Where the sweep comes to its end before all kills are done, a new one begins.
    while kills < KILLS || finished == 0 {
        round += 1;
        let output = format!("killed{round}");
        let directory = workspace.path(&output);
        let arguments = [&arguments[..], &[output.as_str()]].concat();
        let mut before = 0;
        let mut killed_while_writing = false;
        loop {
            let kept = committed(&directory, &workspace.path("copy"));
            assert!(kept >= before, "{kept} cells are committed, after {before}");
            partial += usize::from(before < kept && kept < CELLS);
            before = kept;
            // Once all cells are there, only outputs are written: one kill of that is enough.
            let leave_alone = kills == KILLS || (kept == CELLS && killed_while_writing);
            let mut child = workspace
                .command(&arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("rtmm starts");
            if !leave_alone {
                std::thread::sleep(Duration::from_secs_f64(
                    whole.as_secs_f64() * LONGEST * random.fraction(),
                ));
                child.kill().expect("the child can be killed");
            }
            let output = child.wait_with_output().expect("the child ends");
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            if let Some(reused) = reused(&stderr) {
                assert_eq!(reused, kept, "committed cells are run again\n{stderr}");
            }
            if output.status.code().is_none() {
                kills += 1;
                killed_while_writing = kept == CELLS;
                continue;
            }
            let outcome = Outcome::of(&output, &arguments);
            assert_eq!(outcome.code, 0, "{stderr}");
            let line = format!("{CELLS} cells, {} run, {kept} reused", CELLS - kept);
            assert!(stderr.contains(&line), "expected {line}\n{stderr}");
            break;
        }
        assert_eq!(committed(&directory, &workspace.path("copy")), CELLS);
        assert_same_files(&expected, &final_files(&directory), &output);
        finished += 1;
    }
    assert_eq!(kills, KILLS);
    assert!(partial > 1, "only {partial} kills met a sweep in the middle: the test shows little");
}
