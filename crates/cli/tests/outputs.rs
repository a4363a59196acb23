//! Outputs take the place of nothing that a command reads, and of no results of another kind.

#![expect(clippy::disallowed_methods, reason = "tests read what the program wrote")]

use std::fs;

use crate::common;

use common::Workspace;

const SCENARIO: &str = "source = \"a test\"\nduration = \"20ms\"\n[[task]]\nname = \"a\"\nmodel = \"net.toml\"\nrate_hz = 100\n\
    [[task]]\nname = \"b\"\nmodel = \"rows.toml\"\nrate_hz = 50\n";
const NET: &str = "source = \"a test\"\ninput = [4, 8, 8]\n\
    layer = [{ name = \"conv\", operator = \"convolution\", channels = 4, kernel = 3 }]\n";
const ROWS_MODEL: &str = "source = \"a test\"\nlayer_table = \"rows.csv\"\n";
const ROWS: &str = "model,layer_index,layer_name,type,N,K,C,R,S,Y,X,stride_y,stride_x,pad,groups\n\
    rows,0,conv,CONV,1,4,1,3,3,8,8,1,1,0,1\n";
const PLATFORM: &str = "source = \"a test\"\n[[accelerator]]\nname = \"npu\"\nmodel = \"table\"\n\
    file = \"cells.csv\"\n";
const COSTS: &str = "model,layer,latency_us\nnet,conv,100\nrows,conv,200\n";
const RUN: [&str; 5] = ["run", "--scenario", "scenario.toml", "--platform", "platform.toml"];
const SWEEP: &str = "runner = \"engine\"\nscenarios = [\"scenario.toml\"]\nplatforms = [\"platform.toml\"]\nseeds = [1]\n\
    policy = [{ name = \"edf\" }]\n";
const FILES: [(&str, &str); 7] = [
    ("scenario.toml", SCENARIO),
    ("net.toml", NET),
    ("rows.toml", ROWS_MODEL),
    ("rows.csv", ROWS),
    ("platform.toml", PLATFORM),
    ("cells.csv", COSTS),
    ("sweep.toml", SWEEP),
];

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    FILES.iter().for_each(|(name, text)| workspace.write(name, text));
    workspace
}

fn read(workspace: &Workspace, file: &str) -> String {
    fs::read_to_string(workspace.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[track_caller]
fn refused(workspace: &Workspace, arguments: &[&str], message: &str) {
    let outcome = workspace.rtmm(arguments);
    assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
    assert!(outcome.stderr.contains(message), "{arguments:?}: {}", outcome.stderr);
    assert!(outcome.stderr.contains("help: "), "{arguments:?}: {}", outcome.stderr);
}

/// Asserts that all inputs are as they were.
#[track_caller]
fn assert_untouched(workspace: &Workspace) {
    FILES.iter().for_each(|(name, text)| assert_eq!(read(workspace, name), *text, "{name}"));
}

#[test]
fn inputs_that_inputs_name_are_spared() {
    let workspace = workspace();
    workspace.rtmm(&[&RUN[..], &["--jobs", "jobs.csv"]].concat()).success();
    for (name, _) in FILES.iter().filter(|(name, _)| *name != "sweep.toml") {
        refused(&workspace, &[&RUN[..], &["--jobs", name]].concat(), "an input of this command");
        refused(
            &workspace,
            &[&RUN[..], &["--series", name, "--window", "1ms"]].concat(),
            "an input of this command",
        );
    }
    refused(&workspace, &[&RUN[..], &["--report", "."]].concat(), "cells.csv: cannot be written");
    refused(&workspace, &["sweep", "sweep.toml", "--output", "."], "cells.csv: cannot be written");
    refused(&workspace, &["merge", "sweep.toml", "--output", ".", "a"], "cells.csv: cannot be written");
    let cell = ["run", "--sweep", "sweep.toml", "--cell", "0", "--jobs", "net.toml"];
    refused(&workspace, &cell, "an input of this command");
    let requests = ["requests", "--scenario", "scenario.toml", "--output", "rows.csv"];
    refused(&workspace, &requests, "an input of this command");
    assert_untouched(&workspace);
    workspace.rtmm(&["sweep", "sweep.toml", "--output", "out"]).success();
}

#[test]
fn a_folder_has_results_of_one_kind() {
    let workspace = workspace();
    workspace.rtmm(&["sweep", "sweep.toml", "--output", "sweep"]).success();
    let before = read(&workspace, "sweep/manifest.json");
    let into_sweep = [&RUN[..], &["--report", "sweep"]].concat();
    refused(&workspace, &into_sweep, "this folder has the results of a sweep");
    assert_eq!(read(&workspace, "sweep/manifest.json"), before);
    workspace.rtmm(&["sweep", "sweep.toml", "--output", "sweep"]).success();

    let report = [&RUN[..], &["--report", "run"]].concat();
    workspace.rtmm(&report).success();
    let into_run = ["sweep", "sweep.toml", "--output", "run"];
    refused(&workspace, &into_run, "this folder has the report of a single run");
    workspace.rtmm(&report).success();
}

#[test]
fn files_of_other_programs_are_spared() {
    let workspace = workspace();
    let foreign = "<html><title>my site</title></html>";
    fs::create_dir(workspace.path("site")).unwrap();
    for name in ["index.html", "manifest.json", "tasks.csv", "tables.md"] {
        let path = format!("site/{name}");
        workspace.write(&path, foreign);
        let report = [&RUN[..], &["--report", "site"]].concat();
        let robust = ["robust", "--scenario", "scenario.toml", "--platform", "platform.toml", "--policies"];
        let robust = [&robust[..], &["edf,fcfs", "--draws", "1", "--report", "site"]].concat();
        for arguments in [&report[..], &["sweep", "sweep.toml", "--output", "site"], &robust] {
            refused(&workspace, arguments, &format!("{path}: cannot be written"));
            assert_eq!(read(&workspace, &path), foreign, "{arguments:?}");
        }
        fs::remove_file(workspace.path(&path)).unwrap();
    }
    // Its own files are written anew, also where the store was deleted to run all again.
    workspace.write("site/notes.txt", foreign);
    for _ in 0..2 {
        workspace.rtmm(&["sweep", "sweep.toml", "--output", "site"]).success();
        fs::remove_file(workspace.path("site/store.sqlite")).unwrap();
    }
    for _ in 0..2 {
        let robust = ["robust", "--scenario", "scenario.toml", "--platform", "platform.toml", "--policies"];
        workspace
            .rtmm(&[&robust[..], &["edf,fcfs", "--draws", "1", "--report", "robust"]].concat())
            .success();
    }
    assert_eq!(read(&workspace, "site/notes.txt"), foreign);
}

#[test]
fn an_output_is_no_file_of_a_report() {
    let workspace = workspace();
    for name in ["tasks.csv", "manifest.json", "index.html", "figures/timeline.svg"] {
        fs::create_dir_all(workspace.path("report/figures")).unwrap();
        let path = format!("report/{name}");
        let both = [&RUN[..], &["--jobs", &path, "--report", "report"]].concat();
        refused(&workspace, &both, "another output of this command");
        assert!(!workspace.path(&path).exists());
    }
    let beside = [&RUN[..], &["--jobs", "report/jobs.csv", "--report", "report"]].concat();
    workspace.rtmm(&beside).success();
    assert!(read(&workspace, "report/jobs.csv").starts_with("task,"));
    // All that a report has is known.
    let files = common::final_files(&workspace.path("report"));
    assert!(files.len() > 5);
    for (name, _) in files.iter().filter(|(name, _)| name != "jobs.csv") {
        let path = format!("report/{name}");
        let both = [&RUN[..], &["--jobs", &path, "--report", "report"]].concat();
        refused(&workspace, &both, "another output of this command");
    }
}

#[cfg(unix)]
#[test]
fn timelines_follow_links_and_keep_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let workspace = workspace();
    symlink("target.svg", workspace.path("link.svg")).unwrap();
    let run = [&RUN[..], &["--timeline", "link.svg"]].concat();
    // A link that leads nowhere, then one to a file.
    for mode in [0o600, 0o640] {
        workspace.rtmm(&run).success();
        assert!(workspace.path("link.svg").is_symlink());
        assert!(read(&workspace, "target.svg").starts_with("<svg"));
        fs::set_permissions(workspace.path("target.svg"), fs::Permissions::from_mode(mode)).unwrap();
        workspace.rtmm(&run).success();
        let kept = fs::metadata(workspace.path("target.svg")).unwrap().permissions().mode();
        assert_eq!(kept & 0o777, mode);
    }
    fs::remove_file(workspace.path("target.svg")).unwrap();
    // A run that fails leaves the link, and nothing behind it.
    let failing = [&run[..], &["--duration", "0s"]].concat();
    refused(&workspace, &failing, "it is zero");
    assert!(workspace.path("link.svg").is_symlink());
    assert!(!workspace.path("target.svg").exists());
}

#[cfg(unix)]
#[test]
fn what_is_no_folder_takes_no_files() {
    let workspace = workspace();
    std::os::unix::fs::symlink("nowhere", workspace.path("link")).unwrap();
    workspace
        .write("net.m", "Network a { Layer b { Type: CONV Dimensions { K 1, C 1, R 1, S 1, Y 4, X 4 } } }");
    for path in ["cells.csv", "link", "/dev/stdout"] {
        refused(&workspace, &["import", "net.m", "--output", path], "this is no folder");
        refused(&workspace, &[&RUN[..], &["--report", path]].concat(), "this is no folder");
        refused(&workspace, &["sweep", "sweep.toml", "--output", path], "this is no folder");
    }
    assert_untouched(&workspace);
}
