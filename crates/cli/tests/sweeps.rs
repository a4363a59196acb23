//! Sweeps of shapes that newcomers try: copied platforms, grids of parameters, a varied probability,
//! a platform that cannot run the scenario.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests read what the program wrote")]

mod common;

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
    assert!(tables.contains("mine.toml") && tables.contains("single_4k_ws"), "{tables}");
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
    let page = read(&workspace, "out/report.html");
    for heading in ["Policies by scenario, platform single_4k_os", "Policies by platform", "Difference in"] {
        assert!(page.contains(heading), "{heading}");
    }
    assert!(read(&workspace, "out/policies.svg").contains("k_per_ms=5"));
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
    insta::assert_snapshot!("pairs", read(&workspace, "out/overview.md"));
    let summary = read(&workspace, "out/summary.csv");
    assert!(!summary.contains("across_scenarios"), "each platform has one scenario: {summary}");
    let tables = read(&workspace, "out/load_4_tables.md");
    assert!(tables.contains('—'), "{tables}");
    let manifest = read(&workspace, "out/manifest.json");
    assert!(manifest.contains("\"pairs\"") && manifest.contains("\"cells\": 12"), "{manifest}");
    for figure in ["load_4_trade_off_vr_gaming_on_single_4k_ws", "lines_antt_ar_assistant_on_dual_4k_ws_os"] {
        assert!(read(&workspace, &format!("out/{figure}.svg")).starts_with("<svg"));
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
    let low = read(&workspace, "out/probability_0.25_tables.md");
    let high = read(&workspace, "out/probability_1_tables.md");
    assert_ne!(low, high);
    let lines = read(&workspace, "out/lines.svg");
    assert!(lines.contains("trigger probability"), "the figure over the varied axis");
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
    assert!(read(&workspace, "out/results.csv").contains("xrbench/single_4k_ws"));
    assert!(read(&workspace, "out/failures.csv").contains("systolic.toml"));
    assert!(read(&workspace, "out/report.html").contains("Cells that failed"));
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
    assert_eq!(read(&workspace, "shards/results.csv"), read(&workspace, "out/results.csv"));
    assert_eq!(read(&workspace, "shards/failures.csv"), read(&workspace, "out/failures.csv"));
    // Without the platform nothing fails, and no list of failures stays behind.
    let text = read(&workspace, "s.toml").replace(", \"systolic.toml\"", "");
    workspace.write("s.toml", text);
    workspace.rtmm(&["sweep", "s.toml", "--output", "out"]).success();
    assert!(!workspace.path("out/failures.csv").exists());
}
