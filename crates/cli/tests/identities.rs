//! Names of models: the same files mean the same wherever the program is started, and however their paths are spelled.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests write their inputs and read what was written")]

use crate::common;

use std::fs;

use common::{Outcome, Workspace};
use serde_json::Value;

fn model(channels: u32) -> String {
    format!(
        "source = \"made up\"\ninput = [1, 4, 4]\nlayer = [{{ name = \"l\", operator = \"convolution\", \
         channels = {channels}, kernel = 1 }}]\n"
    )
}

fn task(name: &str, model: &str, deadline: &str) -> String {
    format!("[[task]]\nname = \"{name}\"\nmodel = \"{model}\"\nperiod = \"4ms\"\n{deadline}\n")
}

fn scenario(tasks: &[String]) -> String {
    format!("source = \"made up\"\nduration = \"12ms\"\n{}", tasks.concat())
}

/// A folder `cw` with a model, its measured costs, a platform, a scenario, requests and a sweep.
fn folder() -> Workspace {
    let workspace = Workspace::new();
    fs::create_dir_all(workspace.path("cw/sub")).expect("folders");
    workspace.write("cw/a.toml", model(1));
    workspace.write("cw/t.csv", "model,layer,latency_us\na.toml,l,1000\n");
    let platform =
        "source = \"made up\"\n[[accelerator]]\nname = \"npu\"\nmodel = \"table\"\nfile = \"t.csv\"\n";
    workspace.write("cw/p.toml", platform);
    workspace.write("cw/s.toml", scenario(&[task("A", "a.toml", "")]));
    workspace.write("cw/r.csv", "arrival_s,model\n0.001,a.toml\n");
    workspace.write("cw/sub/r.csv", "arrival_s,model,relative_deadline_s\n0.001,../a.toml,0.1\n");
    let sweep = "runner = \"engine\"\nscenarios = [\"s.toml\"]\nplatforms = [\"p.toml\"]\n\
                 seeds = { first = 1, count = 1 }\n[[policy]]\nname = \"edf\"\n";
    workspace.write("cw/w.toml", sweep);
    workspace
}

/// What the program does when it is started in `inside`, a folder of the workspace.
#[track_caller]
fn rtmm_in(workspace: &Workspace, inside: &str, arguments: &[&str]) -> String {
    let output =
        workspace.command(arguments).current_dir(workspace.path(inside)).output().expect("rtmm starts");
    Outcome::of(&output, arguments).success()
}

#[test]
fn the_working_directory_changes_nothing() {
    let workspace = folder();
    let absolute = |name: &str| workspace.path(&format!("cw/{name}")).display().to_string();
    let run = |inside: &str, scenario: &str, platform: &str, requests: &[&str]| {
        let fixed = ["run", "--policy", "edf", "--jobs", "-", "--scenario", scenario, "--platform", platform];
        let jobs = workspace.path("jobs.csv").display().to_string();
        let arguments: Vec<&str> = fixed
            .iter()
            .map(|text| if *text == "-" { jobs.as_str() } else { text })
            .chain(requests.iter().copied())
            .collect();
        let report = rtmm_in(&workspace, inside, &arguments);
        (report, fs::read_to_string(workspace.path("jobs.csv")).expect("jobs"))
    };
    let expected = run("cw", "s.toml", "p.toml", &[]);
    assert_eq!(expected.1.lines().count(), 4, "three jobs of a millisecond\n{}", expected.1);
    assert_eq!(run(".", "cw/s.toml", "cw/p.toml", &[]), expected);
    assert_eq!(run(".", "./cw/../cw/s.toml", "cw/p.toml", &[]), expected);
    assert_eq!(run("cw/sub", &absolute("s.toml"), &absolute("p.toml"), &[]), expected);
    let expected = run("cw", "s.toml", "p.toml", &["--requests", "r.csv"]);
    assert_eq!(run(".", "cw/s.toml", "cw/p.toml", &["--requests", "cw/r.csv"]), expected);
    // Alone, names of a request file are relative to it.
    for (inside, requests) in [("cw", "sub/r.csv"), (".", "cw/sub/r.csv"), ("cw/sub", "r.csv")] {
        let platform = absolute("p.toml");
        rtmm_in(
            &workspace,
            inside,
            &["run", "--policy", "edf", "--requests", requests, "--platform", &platform],
        );
    }
    for (inside, sweep, output) in [("cw", "w.toml", "../one"), (".", "cw/w.toml", "two")] {
        rtmm_in(&workspace, inside, &["sweep", sweep, "--output", output]);
    }
    let results =
        |name: &str, table: &str| fs::read_to_string(workspace.path(name).join(table)).expect("results");
    for table in ["cells.csv", "tasks.csv", "accelerators.csv"] {
        assert_eq!(results("one", table), results("two", table));
    }
    let cost = |inside: &str, model: &str, platform: &str| {
        rtmm_in(&workspace, inside, &["cost", "--model", model, "--platform", platform, "--format", "csv"])
    };
    assert_eq!(cost(".", "cw/a.toml", "cw/p.toml"), cost("cw", "a.toml", "p.toml"));
}

#[test]
fn one_file_is_one_model_however_it_is_spelled() {
    let workspace = Workspace::new();
    workspace.write("a.toml", model(1));
    workspace.write("copy.toml", format!("name = \"a\"\n{}", model(1)));
    let platform = "source = \"made up\"\n[context_switch]\ntime = \"1ms\"\nenergy_nj = 5\n[[accelerator]]\n\
                    name = \"npu\"\nmodel = \"systolic\"\ndataflow = \"os\"\nrows = 8\ncols = 8\n";
    workspace.write("p.toml", platform);
    let switches = |other: &str| {
        let tasks = [task("A", "a.toml", "deadline = \"2ms\""), task("B", other, "deadline = \"3ms\"")];
        workspace.write("s.toml", scenario(&tasks));
        let fixed = ["run", "--scenario", "s.toml", "--platform", "p.toml", "--policy", "edf"];
        let text = workspace.rtmm(&[&fixed[..], &["--format", "json"]].concat()).success();
        let report: Value = serde_json::from_str(&text).expect("JSON");
        report["accelerators"][0]["context_switches"].as_u64().unwrap_or_else(|| panic!("{text}"))
    };
    for other in ["a.toml", "./a.toml", "copy.toml"] {
        assert_eq!(switches(other), 0, "{other}");
    }
    workspace.write("b.toml", model(1));
    assert!(switches("b.toml") > 0, "a model of another name is another model");
}

#[test]
fn two_models_of_one_name_are_an_error() {
    let workspace = folder();
    workspace.write("cw/sub/a.toml", model(2));
    workspace.write("cw/s.toml", scenario(&[task("A", "a.toml", ""), task("B", "sub/a.toml", "")]));
    let outcome = workspace.rtmm(&["check", "cw/s.toml"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("`sub/a.toml` and `a.toml` are different models named `a`"),
        "{}",
        outcome.stderr
    );
    workspace.write("cw/sub/a.toml", format!("name = \"wider\"\n{}", model(2)));
    assert_eq!(workspace.rtmm(&["check", "cw/s.toml"]).code, 0);
    workspace.write("cw/sub/a.toml", format!("name = \"sub/a\"\n{}", model(2)));
    let outcome = workspace.rtmm(&["check", "cw/s.toml"]);
    assert!(outcome.stderr.contains("`sub/a` cannot be the name of a model"), "{}", outcome.stderr);
}

#[test]
fn the_name_that_results_give_a_variant_is_one_that_commands_take() {
    let workspace = Workspace::new();
    let accelerator = "{ model = \"systolic\", dataflow = \"os\", rows = 32, cols = 32 }";
    let cost = |model: &str| {
        workspace.rtmm(&["cost", "--model", model, "--accelerator", accelerator, "--format", "csv"]).success()
    };
    let rows = |text: &str, start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    let small = "examples/supernet/small";
    assert_eq!(rows(&cost(small), small), rows(&cost("examples/supernet"), small));
    assert_eq!(rows(&cost(small), "examples/supernet/large"), 0);
}
