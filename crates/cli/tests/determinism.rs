//! The same sweep gives the same bytes, however its work is divided and however often it is run.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests write their inputs and read what was written")]

use crate::common;

use common::{Outcome, Workspace, assert_same_files, final_files};

/// Two random scenarios on six platforms over a hundred seeds.
const MIDDLE: &str = r#"
description = "two random scenarios on six platforms"
runner = "xrbench"
scenarios = ["xrbench/ar_assistant", "xrbench/outdoor_activity_b"]
platforms = ["xrbench/single_*"]
seeds = { first = 1, step = 13, count = 100 }
baseline = { platform = "xrbench/single_4k_ws" }
"#;

/// What a sweep prints before the names of the files that it wrote.
fn tables(outcome: &Outcome) -> &str {
    outcome.stdout.split_once("\nWritten to ").expect("the last line names the files").0
}

/// Runs the sweep in many ways and compares the results.
fn check(sweep: &str, cells: usize, expected_files: &[&str]) {
    let workspace = Workspace::new();
    workspace.write("middle.toml", MIDDLE);
    let run = |output: &str, options: &[&str]| {
        let arguments = [&["sweep", sweep, "--output", output], options].concat();
        let outcome = workspace.rtmm(&arguments);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome
    };
    let first = run("one", &["--threads", "1"]);
    assert_eq!(first.stderr, format!("{sweep}: {cells} cells, {cells} run, 0 reused from one\n"));
    let whole = final_files(&workspace.path("one"));
    let names: Vec<&str> = whole.iter().map(|(name, _)| name.as_str()).collect();
    let has_parquet = cfg!(feature = "parquet");
    let expected_files = expected_files.iter().filter(|name| has_parquet || !name.ends_with(".parquet"));
    assert!(names.iter().eq(expected_files), "{names:?}");

    for (output, threads) in [("two", "2"), ("eight", "8")] {
        let outcome = run(output, &["--threads", threads]);
        assert!(tables(&outcome) == tables(&first), "{threads} threads print other tables");
        assert_same_files(&whole, &final_files(&workspace.path(output)), output);
    }

    for shard in ["2/3", "1/3", "3/3"] {
        let outcome = run("shards", &["--shard", shard]);
        assert_eq!(outcome.stdout, "", "a shard has no results of its own");
        assert!(final_files(&workspace.path("shards")).is_empty(), "a shard writes no results");
    }
    let merged = workspace.rtmm(&["merge", sweep, "--output", "shards"]);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert!(tables(&merged) == tables(&first), "merging prints other tables");
    assert_same_files(&whole, &final_files(&workspace.path("shards")), "shards");

    for (name, _) in &whole {
        std::fs::remove_file(workspace.path("one").join(name)).expect("results can be removed");
    }
    let again = run("one", &[]);
    assert_eq!(again.stderr, format!("{sweep}: {cells} cells, 0 run, {cells} reused from one\n"));
    assert!(again.stdout == first.stdout, "running again prints something else");
    assert_same_files(&whole, &final_files(&workspace.path("one")), "again");
}

#[test]
fn the_smoke_sweep_is_the_same_on_any_number_of_threads_and_shards() {
    check(
        "smoke",
        6,
        &[
            "cells.csv",
            "cells.json",
            "cells.parquet",
            "figures/best_bars.svg",
            "figures/heat_map.svg",
            "figures/mean_bars.svg",
            "index.html",
            "manifest.json",
            "summary.csv",
            "tables.md",
            "tasks.csv",
            "tasks.json",
            "tasks.parquet",
        ],
    );
}

#[test]
fn a_random_sweep_is_the_same_on_any_number_of_threads_and_shards() {
    check(
        "middle.toml",
        1_200,
        &[
            "cells.csv",
            "cells.json",
            "cells.parquet",
            "comparison.csv",
            "figures/best_bars_4k.svg",
            "figures/best_bars_8k.svg",
            "figures/heat_map_4k.svg",
            "figures/heat_map_8k.svg",
            "figures/mean_bars.svg",
            "index.html",
            "manifest.json",
            "summary.csv",
            "tables.md",
            "tasks.csv",
            "tasks.json",
            "tasks.parquet",
        ],
    );
}

/// Random arrivals, phases, outcomes, models that skip, shared memory, a grid of parameters.
#[test]
fn an_engine_sweep_is_the_same_on_any_number_of_threads_and_shards() {
    check(
        "smoke_engine",
        42,
        &[
            "accelerators.csv",
            "accelerators.json",
            "accelerators.parquet",
            "cells.csv",
            "cells.json",
            "cells.parquet",
            "comparison.csv",
            "figures/antt_policies.svg",
            "figures/best_bars_dual_4k_ws_os.svg",
            "figures/best_bars_quad_4k_ws_os_ws_os.svg",
            "figures/normalised_energy_policies.svg",
            "figures/policies.svg",
            "figures/trade_off.svg",
            "figures/ux_cost_policies.svg",
            "figures/worst_run.svg",
            "figures/xrbench_score_percent_policies.svg",
            "index.html",
            "manifest.json",
            "summary.csv",
            "summary_tasks.csv",
            "summary_tasks.json",
            "tables.md",
            "tasks.csv",
            "tasks.json",
            "tasks.parquet",
        ],
    );
}

#[test]
fn a_run_on_the_engine_and_its_jobs_are_the_same_every_time() {
    let workspace = Workspace::new();
    let run = |jobs: &str, seed: &str| {
        let fixed = ["run", "--scenario", "examples/hub", "--platform", "shared/quad_4k_ws_os_ws_os"];
        let extra = ["--policy", "least-slack", "--format", "json", "--seed", seed, "--jobs", jobs];
        let report = workspace.rtmm(&[&fixed[..], &extra].concat()).success();
        (report, std::fs::read(workspace.path(jobs)).expect("the jobs were written"))
    };
    assert_eq!(run("a.csv", "1"), run("b.csv", "1"));
    assert!(run("a.csv", "1").1 != run("c.csv", "2").1, "another seed is another world");
}

#[test]
fn a_grown_sweep_runs_only_its_new_cells_and_equals_one_from_scratch() {
    let workspace = Workspace::new();
    workspace.write("sweep.toml", MIDDLE.replace("count = 100", "count = 40"));
    assert_eq!(workspace.rtmm(&["sweep", "sweep.toml", "--output", "grown"]).code, 0);
    workspace.write("sweep.toml", MIDDLE.replace("count = 100", "count = 60"));
    let grown = workspace.rtmm(&["sweep", "sweep.toml", "--output", "grown"]);
    assert_eq!(grown.stderr, "sweep.toml: 720 cells, 240 run, 480 reused from grown\n");
    workspace.rtmm(&["sweep", "sweep.toml", "--output", "scratch"]).success();
    let scratch = final_files(&workspace.path("scratch"));
    assert_same_files(&scratch, &final_files(&workspace.path("grown")), "grown");
}

#[test]
fn a_run_and_its_jobs_are_the_same_every_time() {
    let workspace = Workspace::new();
    let run = |jobs: &str, seed: &str| {
        let platform = "xrbench/single_4k_ws";
        let arguments =
            ["run", "--scenario", "xrbench/ar_assistant", "--platform", platform, "--compat", "xrbench"];
        let arguments = [&arguments[..], &["--format", "json", "--seed", seed, "--jobs", jobs]].concat();
        let report = workspace.rtmm(&arguments).success();
        (report, std::fs::read(workspace.path(jobs)).expect("the jobs were written"))
    };
    assert_eq!(run("a.csv", "1"), run("b.csv", "1"));
    assert!(run("a.csv", "1").1 != run("c.csv", "2").1, "another seed triggers other frames");
}

/// Nothing is random but what layers take on one of two platforms.
const VARYING: [(&str, &str); 5] = [
    (
        "net.toml",
        "source = \"my own\"\ninput = [8, 16, 1]\nlayer = [\n\
         { name = \"in\", operator = \"fully-connected\", features = 8 },\n\
         { name = \"out\", operator = \"fully-connected\", features = 4 } ]\n",
    ),
    (
        "board.csv",
        "model,layer,latency_min_us,latency_p50_us,latency_p90_us,latency_p99_us,latency_max_us,energy_uj\n\
         net.toml,in,800,1000,1400,2500,9000,5\nnet.toml,out,90,100,120,300,1000,1\n",
    ),
    (
        "board.toml",
        "source = \"my own\"\n[[accelerator]]\nname = \"npu\"\nmodel = \"table\"\nfile = \"board.csv\"\n",
    ),
    (
        "steady.toml",
        "source = \"my own\"\n[[accelerator]]\nname = \"npu\"\nmodel = \"table\"\nfile = \"board.csv\"\nvarying = false\n",
    ),
    (
        "load.toml",
        "source = \"my own\"\nduration = \"300ms\"\n\
         [[task]]\nname = \"a\"\nmodel = \"net.toml\"\nperiod = \"3ms\"\ndeadline = \"2ms\"\n\
         [[task]]\nname = \"b\"\nmodel = \"net.toml\"\nperiod = \"5ms\"\n",
    ),
];

#[test]
fn a_sweep_over_times_that_vary_is_the_same_on_any_number_of_threads() {
    let workspace = Workspace::new();
    for (name, text) in VARYING {
        workspace.write(name, text);
    }
    workspace.write(
        "sweep.toml",
        "description = \"a board\"\nrunner = \"engine\"\nscenarios = [\"load.toml\"]\n\
         platforms = [\"board.toml\", \"steady.toml\"]\nseeds = { first = 1, step = 1, count = 6 }\n\
         [[policy]]\nname = \"edf\"\n[[policy]]\nname = \"sjf-oracle\"\n",
    );
    let run = |output: &str, threads: &str| {
        let outcome = workspace.rtmm(&["sweep", "sweep.toml", "--output", output, "--threads", threads]);
        // Six seeds of what varies, one of what does not.
        assert_eq!(outcome.stderr, format!("sweep.toml: 14 cells, 14 run, 0 reused from {output}\n"));
        final_files(&workspace.path(output))
    };
    let whole = run("one", "1");
    for (output, threads) in [("two", "2"), ("eight", "8")] {
        assert_same_files(&whole, &run(output, threads), output);
    }
}

#[test]
fn equal_quantiles_give_the_files_of_a_constant_table() {
    let workspace = Workspace::new();
    for (name, text) in VARYING {
        workspace.write(name, text);
    }
    let run = |table: &str, threads: &str| {
        workspace.write("board.csv", table);
        let jobs = format!("{threads}.csv");
        let arguments = ["run", "--scenario", "load.toml", "--platform", "board.toml", "--policy", "edf"];
        let more = ["--format", "json", "--seed", "4", "--jobs", &jobs];
        let report = workspace.rtmm(&[&arguments[..], &more].concat()).success();
        (report, std::fs::read(workspace.path(&jobs)).expect("the jobs were written"))
    };
    let constant =
        run("model,layer,latency_us,energy_uj\nnet.toml,in,1000.5,5\nnet.toml,out,100,1\n", "constant");
    let equal = "model,layer,latency_min_us,latency_p50_us,latency_p90_us,latency_p99_us,latency_max_us,energy_uj\n\
                 net.toml,in,1000.5,1000.5,1000.5,1000.5,1000.5,5\nnet.toml,out,100,100,100,100,100,1\n";
    assert_eq!(run(equal, "equal"), constant);
    assert!(run(VARYING[1].1, "varying") != constant);
}
