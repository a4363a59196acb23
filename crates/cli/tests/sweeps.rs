//! Sweeps of shapes that newcomers try: copied platforms, grids of parameters, a varied probability,
//! a platform that cannot run the scenario.

#![expect(clippy::disallowed_methods, reason = "tests read what the program wrote")]

use std::collections::BTreeMap;

use crate::common;

use common::Workspace;

const WS: &str = include_str!("../../../scenarios/platforms/xrbench/single_4k_ws.toml");

fn sweep(axes: &str) -> String {
    format!("description = \"a test\"\nsource = \"a test\"\nrunner = \"xrbench\"\n{axes}")
}

fn read(workspace: &Workspace, file: &str) -> String {
    std::fs::read_to_string(workspace.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn a_copied_platform_is_told_apart_by_its_name() {
    let workspace = Workspace::new();
    workspace.write("mine.toml", WS.replace("noc_bandwidth = 256", "noc_bandwidth = 64"));
    workspace.write(
        "s.toml",
        sweep(
            "scenarios = [\"xrbench/vr_gaming\"]\nplatforms = [\"xrbench/single_4k_ws\", \"mine.toml\"]\nseeds = [1]\n",
        ),
    );
    workspace.rtmm(&["sweep", "s.toml", "--output", "out"]).success();
    let tables = read(&workspace, "out/tables.md");
    assert!(tables.contains("| mine |") && tables.contains("single_4k_ws"), "{tables}");
}

#[test]
fn policies_are_told_apart_by_what_varies() {
    let workspace = Workspace::new();
    let policy = "[[policy]]\nname = \"latency-greedy\"\nset = { k_per_ms = [5.0, 15.0] }\n";
    workspace.write(
        "s.toml",
        sweep(&format!(
            "scenarios = [\"xrbench/vr_gaming\"]\nplatforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\n{policy}"
        )),
    );
    workspace.rtmm(&["sweep", "s.toml", "--output", "out"]).success();
    let tables = read(&workspace, "out/tables.md");
    assert!(tables.contains("k_per_ms=5") && tables.contains("k_per_ms=15"), "{tables}");
    assert!(!tables.contains("energy_max_mj"), "what does not vary is no name: {tables}");
}

/// Policies compete on each platform; the platforms' labels are not in the way.
#[test]
fn several_policies_are_compared() {
    let workspace = Workspace::new();
    let policy = "[[policy]]\nname = \"latency-greedy\"\nset = { k_per_ms = [5.0, 15.0] }\n";
    let axes = "scenarios = [\"xrbench/vr_gaming\", \"xrbench/ar_assistant\"]\n\
                platforms = [\"xrbench/single_4k_ws\", \"xrbench/single_4k_os\"]\nseeds = { first = 1, count = 12 }\n\
                baseline = { policy = \"latency-greedy\", set = { k_per_ms = 15 } }\n";
    workspace.write("s.toml", sweep(&format!("{axes}{policy}")));
    let printed = workspace.rtmm(&["sweep", "s.toml", "--output", "out"]).success();
    let tables = printed.split("Written to").next().expect("tables");
    insta::assert_snapshot!("several_policies", tables);
    let page = read(&workspace, "out/index.html");
    for heading in ["by scenario and policy, single_4k_os", "by platform and policy", "Difference in"] {
        assert!(page.contains(heading), "{heading}");
    }
    assert!(read(&workspace, "out/figures/policies.svg").contains("k_per_ms=5"));
}

/// A mean over trigger probabilities would average over what the sweep varies on purpose.
/// Combinations that are not planned are missing: nothing is averaged over them, and nothing else fails.
#[test]
fn pairs_are_shown_one_by_one() {
    let workspace = Workspace::new();
    let axes = "description = \"a test\"\nsource = \"a test\"\nrunner = \"engine\"\n\
                pairs = [[\"xrbench/vr_gaming\", \"xrbench/single_4k_ws\"], \
                [\"xrbench/ar_assistant\", \"xrbench/dual_4k_ws_os\"]]\n\
                load_factors = [1, 4]\nseeds = [1, 2]\nduration = \"500ms\"\n\
                baseline = { policy = \"fcfs\" }\n[[policy]]\nname = \"fcfs\"\n[[policy]]\nname = \"edf\"\n";
    workspace.write("s.toml", axes);
    let outcome = workspace.rtmm(&["sweep", "s.toml", "--output", "out"]);
    outcome.success();
    let tables = read(&workspace, "out/tables.md");
    let of_pairs = tables.split("**Deadline violation rate by platform").next().expect("tables of pairs");
    insta::assert_snapshot!("pairs", of_pairs);
    let summary = read(&workspace, "out/summary.csv");
    assert!(!summary.contains("across_scenarios"), "each platform has one scenario: {summary}");
    assert!(tables.contains('—'), "{tables}");
    let manifest = read(&workspace, "out/manifest.json");
    assert!(manifest.contains("\"pairs\"") && manifest.contains("\"cells\": 12"), "{manifest}");
    for figure in
        ["load_factor_4_trade_off_vr_gaming_on_single_4k_ws", "lines_antt_ar_assistant_on_dual_4k_ws_os"]
    {
        assert!(read(&workspace, &format!("out/figures/{figure}.svg")).starts_with("<svg"));
    }
}

#[test]
fn every_trigger_probability_has_a_report_of_its_own() {
    let workspace = Workspace::new();
    let axis = "[trigger_probability]\ntask = \"GE_FBNet_C\"\nvalues = [0.25, 1.0]\n";
    workspace.write(
        "s.toml",
        sweep(&format!(
            "scenarios = [\"xrbench/vr_gaming\"]\nplatforms = [\"xrbench/single_4k_os\"]\nseeds = [1, 2]\n{axis}"
        )),
    );
    workspace.rtmm(&["sweep", "s.toml", "--output", "out"]).success();
    let tables = read(&workspace, "out/tables.md");
    for value in ["0.25", "1"] {
        assert!(tables.contains(&format!("trigger probability of GE_FBNet_C {value}")), "{tables}");
        let drawn = read(&workspace, &format!("out/figures/trigger_probability_{value}_heat_map.svg"));
        assert!(drawn.contains(&format!("trigger probability of GE_FBNet_C {value}.")));
    }
    let lines = read(&workspace, "out/figures/lines.svg");
    assert!(lines.contains("trigger probability"), "the figure over the varied axis");
}

/// At a probability of 1 every completed frame of the upstream task brings a job, at 0 none does.
#[test]
fn probabilities_of_all_cascades_are_varied() {
    let workspace = Workspace::new();
    workspace.write(
        "s.toml",
        "runner = \"engine\"\nscenarios = [\"dream/ar_call\", \"dream/vr_gaming\"]\n\
         platforms = [\"dream/dual_4k_ws_os\"]\nseeds = [1, 2]\nduration = \"1s\"\n\
         policy = [{ name = \"fcfs\" }, { name = \"dream-full\" }]\n\
         [trigger_probability]\ncascades = true\nvalues = [0, 0.5, 1]\n",
    );
    workspace.rtmm(&["sweep", "s.toml", "--output", "out"]).success();
    let table = |name: &str| -> Vec<BTreeMap<String, String>> {
        let text = read(&workspace, &format!("out/{name}.csv"));
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.expect("a row")).collect()
    };
    let (cells, tasks) = (table("cells"), table("tasks"));
    let mut seen = 0;
    for (upstream, downstream) in [("keyword", "translation"), ("hand_detection", "hand_pose")] {
        for row in tasks.iter().filter(|row| row["task"] == downstream) {
            let is_of_cell = |other: &&BTreeMap<String, String>| other["cell"] == row["cell"];
            let first = tasks.iter().filter(is_of_cell).find(|other| other["task"] == upstream);
            let number = |text: &str| text.parse::<u64>().expect("a number");
            let finished = number(&first.expect("its trigger")["completed"]);
            let triggered = number(&row["released"]);
            assert!(finished > 10, "{upstream}: {finished}");
            let cell = cells.iter().find(is_of_cell).expect("its run");
            match cell["trigger_probability"].as_str() {
                "0.0" => assert_eq!(triggered, 0, "{row:?}"),
                "1.0" => assert_eq!(triggered, finished, "{row:?}"),
                _ => assert!(0 < triggered && triggered < finished, "{row:?}"),
            }
            seen += 1;
        }
    }
    // Under two policies: translations of a scenario that is random in any case, at three probabilities and two
    // seeds; translations and poses of one that is random at 0.5 only, and else runs for the first seed.
    assert_eq!(seen, 2 * (3 * 2 + 2 * (1 + 2 + 1)));
    let manifest = read(&workspace, "out/manifest.json");
    assert!(manifest.contains("\"cascades\": true"), "{manifest}");
    let tables = read(&workspace, "out/tables.md");
    assert!(
        tables.contains("trigger probability of cascades 0.5") && tables.contains("dream-full"),
        "{tables}"
    );
}

#[test]
fn a_platform_that_cannot_run_is_named() {
    let workspace = Workspace::new();
    workspace.write(
        "systolic.toml",
        "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"systolic\"\ndataflow = \"os\"\nrows = 8\ncols = 8\n",
    );
    workspace.write(
        "s.toml",
        sweep(
            "scenarios = [\"xrbench/vr_gaming\"]\nplatforms = [\"xrbench/single_4k_ws\", \"systolic.toml\"]\nseeds = [1]\n",
        ),
    );
    let outcome = workspace.rtmm(&["sweep", "s.toml", "--output", "out"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("systolic.toml"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("single_4k_ws"), "{}", outcome.stderr);
    // The other platform has its results, and the failed cell is tried again.
    assert!(read(&workspace, "out/cells.csv").contains("xrbench/single_4k_ws"));
    assert!(read(&workspace, "out/failures.csv").contains("systolic.toml"));
    assert!(read(&workspace, "out/index.html").contains("Cells that failed"));
    let again = workspace.rtmm(&["sweep", "s.toml", "--output", "out"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("2 cells, 0 run, 1 reused"), "{}", again.stderr);
    // In shards, the failure is known to whoever merges them.
    for shard in ["1/2", "2/2"] {
        let outcome = workspace.rtmm(&["sweep", "s.toml", "--output", "shards", "--shard", shard]);
        assert_eq!(outcome.code, i32::from(shard == "2/2"), "{}", outcome.stderr);
    }
    let merged = workspace.rtmm(&["merge", "s.toml", "--output", "shards"]);
    assert_eq!(merged.code, 1);
    assert!(merged.stderr.contains("1 of 2 cells failed"), "{}", merged.stderr);
    assert_eq!(read(&workspace, "shards/cells.csv"), read(&workspace, "out/cells.csv"));
    assert_eq!(read(&workspace, "shards/failures.csv"), read(&workspace, "out/failures.csv"));
    // Without the platform nothing fails, and no list of failures stays behind.
    let text = read(&workspace, "s.toml").replace(", \"systolic.toml\"", "");
    workspace.write("s.toml", text);
    workspace.rtmm(&["sweep", "s.toml", "--output", "out"]).success();
    assert!(!workspace.path("out/failures.csv").exists());
}

/// A random scenario with three phases and a fixed one, under one policy with two parameters.
const FIGURES: &str = r#"
description = "Which weight, and does dropping help?"
source = "a test"
runner = "engine"
scenarios = ["examples/hub", "xrbench/vr_gaming"]
platforms = ["xrbench/single_4k_ws"]
load_factors = [3]
seeds = { first = 1, count = 10 }
duration = "1500ms"

[settings]
window = "100ms"

[[policy]]
name = "sdrm3"
set = { alpha = [0.0, 1.0, 2.0], drop = ["never", "infeasible"] }

[[policy]]
name = "fcfs"

[[figure]]
name = "cost_by_scenario"
title = "UXCost relative to FCFS"
kind = "bars"
metric = "ux_cost"
groups = "scenario"
series = "policy+parameters"
across = "geometric-mean"
overall = true
relative_to = { policy = "fcfs" }
where = { alpha = 1 }
labels = { fcfs = "FCFS", "sdrm3 drop=never" = "SDRM3", "sdrm3 drop=infeasible" = "SDRM3, dropping", ux_cost = "UXCost" }

[[figure]]
name = "misses_by_weight"
kind = "lines"
metric = "deadline_violation_rate"
x = "alpha"
series = "drop"
where = { policy = "sdrm3", scenario = "*/hub" }
labels = { alpha = "weight of fairness" }

[[figure]]
name = "cost_map"
kind = "heat-map"
metric = "ux_cost"
x = "alpha"
y = "drop"
facets = "scenario"
where = { policy = "sdrm3" }

[[figure]]
name = "misses_over_time"
caption = "Windows of a tenth of a second."
kind = "time-series"
series_name = "deadline_violation_rate"
series = "drop"
where = { alpha = 1, policy = "sdrm3", scenario = "examples/hub" }
"#;

#[test]
fn declared_figures_come_with_tables_and_files() {
    let workspace = Workspace::new();
    workspace.write("s.toml", FIGURES);
    let printed = workspace.rtmm(&["sweep", "s.toml", "--output", "one", "--threads", "1"]).success();
    let tables = printed.split("Written to").next().expect("tables");
    insta::assert_snapshot!("declared_figures", tables);
    for figure in
        ["cost_by_scenario", "misses_by_weight", "cost_map_hub", "cost_map_vr_gaming", "misses_over_time"]
    {
        assert!(read(&workspace, &format!("one/figures/{figure}.svg")).starts_with("<svg"), "{figure}");
    }
    insta::assert_snapshot!("declared_bars", read(&workspace, "one/figures/cost_by_scenario.csv"));
    insta::assert_snapshot!("declared_map", read(&workspace, "one/figures/cost_map.csv"));
    let over_time = read(&workspace, "one/figures/misses_over_time.csv");
    assert_eq!(over_time.lines().count(), 1 + 15 * 2, "{over_time}");
    let drawn = read(&workspace, "one/figures/misses_over_time.svg");
    assert!(drawn.contains(">resting<") && drawn.contains(">playing<"), "phases are named");
    // The report has what is declared first, and all that it had before behind it.
    let page = read(&workspace, "one/index.html");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(place("UXCost relative to FCFS") < place("Windows of a tenth of a second."));
    assert!(
        place("Windows of a tenth of a second.")
            < place("<h3>Deadline violation rate (%) by scenario and policy")
    );
    assert!(page.contains("geometric mean") && page.contains("95 % bootstrap intervals"));
    assert!(read(&workspace, "one/tables.md").starts_with("# "));

    // The same bytes on several threads, and from shards.
    workspace.rtmm(&["sweep", "s.toml", "--output", "many", "--threads", "3"]).success();
    for shard in ["1/2", "2/2"] {
        workspace.rtmm(&["sweep", "s.toml", "--output", "shards", "--shard", shard]).success();
    }
    workspace.rtmm(&["merge", "s.toml", "--output", "shards"]).success();
    let mut compared = 0;
    for (name, bytes) in common::final_files(&workspace.path("one")) {
        let other =
            |folder: &str| std::fs::read(workspace.path(&format!("{folder}/{name}"))).expect("a file");
        assert!(bytes == other("many") && bytes == other("shards"), "{name}");
        compared += 1;
    }
    assert!(compared > 15, "{compared} files");

    // Without windows there are no series, and none stay behind.
    assert!(read(&workspace, "one/series.csv").contains(",deadline_violation_rate,0.1,"));
    workspace.write("s.toml", FIGURES.replace("window = \"100ms\"", "window = \"0us\""));
    workspace.rtmm(&["sweep", "s.toml", "--output", "one"]).success();
    assert!(!workspace.path("one/series.csv").exists());
    assert_eq!(read(&workspace, "one/figures/misses_over_time.csv").lines().count(), 1, "no points");
}

#[test]
fn windows_that_are_far_too_short_fail_their_cells() {
    let workspace = Workspace::new();
    workspace.write("s.toml", FIGURES.replace("window = \"100ms\"", "window = \"1ns\""));
    let outcome = workspace.rtmm(&["sweep", "s.toml", "--output", "out"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("windows of 1ns make 1500000"), "{}", outcome.stderr);
}

#[test]
fn bad_figures_are_told_before_anything_is_run() {
    let workspace = Workspace::new();
    workspace.write("s.toml", FIGURES.replace("metric = \"ux_cost\"", "metric = \"uxcost\""));
    let outcome = workspace.rtmm(&["sweep", "s.toml", "--output", "out"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("did you mean `ux_cost`?"), "{}", outcome.stderr);
    assert!(!workspace.path("out").exists());
}

#[test]
fn a_run_writes_its_series() {
    let workspace = Workspace::new();
    let run = ["run", "--scenario", "examples/hub", "--platform", "xrbench/single_4k_ws", "--duration", "2s"];
    let series = ["--window", "500ms", "--series", "series.csv"];
    let with = workspace.rtmm(&[&run[..], &series[..]].concat()).success();
    insta::assert_snapshot!("run_series", read(&workspace, "series.csv"));
    // What is printed does not change.
    assert_eq!(with, workspace.rtmm(&run).success());
    let alone = workspace.rtmm(&[&run[..], &["--window", "500ms"]].concat());
    assert_eq!(alone.code, 2);
}

/// A parameter of a part that another one switches off changes nothing, and is named with what would give it an effect.
#[test]
fn parameters_without_effect_are_named() {
    let workspace = Workspace::new();
    let said = "policy `edf`: `block_layers=8` has no effect; it has one with `granularity=block`\n";
    let run = ["run", "--scenario", "xrbench/vr_gaming", "--platform", "xrbench/dual_4k_ws_os"];
    let warned = workspace.rtmm(&[&run[..], &["--set", "block_layers=8"]].concat());
    assert_eq!((warned.code, warned.stderr), (0, format!("warning: --set: {said}")));
    let more = ["--set", "block_layers=8", "--set", "granularity=block"];
    assert_eq!(workspace.rtmm(&[&run[..], &more].concat()).stderr, "");

    let axes = "runner = \"engine\"\nscenarios = [\"xrbench/vr_gaming\"]\nplatforms = [\"xrbench/dual_4k_ws_os\"]\n\
                seeds = [1]\n";
    let sweep = |set: &str| {
        workspace.write("s.toml", format!("{axes}[[policy]]\nname = \"edf\"\nset = {{ {set} }}\n"));
        let checked = workspace.rtmm(&["check", "s.toml"]);
        assert_eq!(checked.code, 0, "{}", checked.stderr);
        let run = workspace.rtmm(&["sweep", "s.toml", "--output", "out", "--quiet"]);
        assert!(run.stderr.starts_with(&checked.stderr), "{} {}", run.stderr, checked.stderr);
        checked.stderr
    };
    assert_eq!(sweep("block_layers = [8, 4]"), format!("warning: s.toml: {said}"));
    // Some of a grid may be without effect; what has one somewhere was meant.
    assert_eq!(sweep("block_layers = [8, 4], granularity = [\"layer\", \"block\"]"), "");
    assert_eq!(sweep("drop = \"late\""), "");
}
