//! `rtmm run` on the event engine: what it prints and writes on good input.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests read what was written")]

use crate::common;

use std::collections::BTreeSet;
use std::fs;

use common::Workspace;
use serde_json::Value;

/// The widest line of tables.
const WIDTH: usize = 100;
const VR: [&str; 5] = ["run", "--scenario", "xrbench/vr_gaming", "--platform", "xrbench/dual_4k_ws_os"];
const REQUESTS: &str = "\
arrival_s,model,relative_deadline_s
0.05,xrbench/es_ritnet,0.01
0.25,xrbench/kd_res8_narrow,0.1
0.25,xrbench/es_ritnet,0.0001
";
const TASK_REQUESTS: &str = "arrival_s,model\n0.05,ES_RITNet\n0.05,GE_FBNet_C\n0.25,xrbench/es_ritnet\n";

/// Standard output of a run of `fixed` with more arguments.
#[track_caller]
fn run(workspace: &Workspace, fixed: &[&str], extra: &[&str]) -> String {
    workspace.rtmm(&[fixed, extra].concat()).success()
}

#[track_caller]
fn json(workspace: &Workspace, fixed: &[&str], extra: &[&str]) -> Value {
    let text = run(workspace, fixed, &[extra, &["--format", "json"]].concat());
    serde_json::from_str(&text).expect("this is JSON")
}

/// The jobs of a run, as rows of cells under their columns.
#[track_caller]
fn jobs(workspace: &Workspace, fixed: &[&str], extra: &[&str]) -> Vec<Vec<String>> {
    run(workspace, fixed, &[extra, &["--jobs", "jobs.csv"]].concat());
    let text = fs::read_to_string(workspace.path("jobs.csv")).expect("the jobs were written");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let cells = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
    reader.records().map(|row| cells(row.expect("a row as long as the header"))).collect()
}

#[track_caller]
fn assert_narrow(text: &str, width: usize) {
    for line in text.lines() {
        assert!(line.chars().count() <= width, "a line is wider than {width} columns:\n{line}");
    }
}

/// All that is released is over, or in flight: no job is lost.
#[track_caller]
fn assert_accounted_for(report: &Value) {
    let tasks = report["tasks"].as_array().expect("tasks");
    for task in tasks.iter().chain([report]) {
        let count = |name: &str| task[name].as_u64().unwrap_or_else(|| panic!("{name}: {task}"));
        let over = count("on_time") + count("late") + count("dropped") + count("in_flight");
        assert_eq!(count("released"), over, "{task}");
    }
}

#[test]
fn runs_of_every_kind() {
    let workspace = Workspace::new();
    workspace.write("log.csv", REQUESTS);
    workspace.write("tasks.csv", TASK_REQUESTS);
    let mut text = String::new();
    for arguments in [
        // The default policy.
        &VR[..],
        // One accelerator has too much to do; late jobs are given up, or wait.
        &[&VR[..4], &["examples/../one.toml", "--policy", "fcfs", "--set", "drop=infeasible"]].concat(),
        // Phases, random arrivals and outcomes, on accelerators that share their memory.
        &["run", "--scenario", "examples/hub", "--platform", "shared/quad_4k_ws_os_ws_os", "--policy", "sjf"],
        // Models that skip, exit and come in several sizes.
        &[
            "run",
            "--scenario",
            "examples/dynamic",
            "--platform",
            "xrbench/dual_4k_ws_os",
            "--policy",
            "sjf-oracle",
        ],
        &["run", "--requests", "log.csv", "--platform", "xrbench/single_4k_ws"],
        &[&["run", "--requests", "tasks.csv"], &VR[1..]].concat(),
    ] {
        let one = "source = \"a test\"\n[[accelerator]]\nname = \"array\"\nmodel = \"systolic\"\n\
                   dataflow = \"os\"\nrows = 16\ncols = 16\n";
        workspace.write("one.toml", one);
        let arguments: Vec<&str> =
            arguments.iter().map(|text| text.trim_start_matches("examples/../")).collect();
        let printed = workspace.rtmm(&arguments).success();
        assert_narrow(&printed, WIDTH);
        text.push_str(&format!("$ rtmm {}\n{printed}\n", arguments.join(" ")));
    }
    insta::assert_snapshot!("runs", text);
}

/// Jobs that take as few of Planaria's subarrays as keep their deadlines run beside each other, and are in time.
#[test]
fn jobs_divide_an_array_that_says_nothing_of_parts() {
    let workspace = Workspace::new();
    let planaria =
        ["run", "--scenario", "xrbench/vr_gaming", "--platform", "planaria/16x32x32", "--policy", "edf"];
    let [all, least] = ["units=all", "units=least-that-fits"].map(|units| {
        let report = json(&workspace, &planaria, &["--set", units, "--set", "granularity=model"]);
        assert_accounted_for(&report);
        assert_eq!((&report["late"], &report["dropped"]), (&0.into(), &0.into()), "{units}");
        report
    });
    let response = |report: &Value| report["tasks"][0]["response_mean_ms"].as_f64().expect("a time");
    assert!(response(&least) > 2.0 * response(&all), "{} {}", response(&least), response(&all));
}

/// The example of the page on timelines gives the figure of the page. It is written anew by that command.
#[test]
fn the_figure_of_the_page_on_timelines_is_current() {
    let workspace = Workspace::new();
    let (scenario, platform) = ("dream/ar_social", "dream/dual_4k_littlebig_ws_os");
    let example = ["run", "--scenario", scenario, "--platform", platform, "--policy", "fcfs"];
    run(&workspace, &example, &["--duration", "300ms", "--timeline", "timeline.svg"]);
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/timeline.svg");
    let [drawn, shown] =
        [workspace.path("timeline.svg"), page].map(|path| fs::read_to_string(path).expect("a figure"));
    assert!(drawn == shown, "docs/timeline.svg is out of date");
}

#[test]
fn timelines_change_nothing_that_is_printed_and_are_whole_or_not_there() {
    let workspace = Workspace::new();
    let all = ["--jobs", "jobs.csv", "--window", "100ms", "--series", "series.csv"];
    let written =
        || ["jobs.csv", "series.csv"].map(|name| fs::read(workspace.path(name)).expect("it was written"));
    let printed = run(&workspace, &VR, &all);
    let before = written();
    assert_eq!(run(&workspace, &VR, &[&all[..], &["--timeline", "run.pftrace"]].concat()), printed);
    assert!(before == written());
    let trace = fs::read(workspace.path("run.pftrace")).expect("it was written");
    // A run that is refused leaves what was there.
    let refused = [&VR[..], &["--set", "warm_up=10s", "--timeline"]].concat();
    for name in ["run.pftrace", "other.json"] {
        assert_eq!(workspace.rtmm(&[&refused[..], &[name]].concat()).code, 2);
        assert!(!workspace.path(&format!("{name}.partial")).exists());
    }
    assert!(fs::read(workspace.path("run.pftrace")).expect("it is still there") == trace);
    assert!(!workspace.path("other.json").exists());
}

#[test]
fn tables_fit_narrow_terminals() {
    let workspace = Workspace::new();
    let printed = workspace.command(&VR).env("COLUMNS", "80").output().expect("rtmm starts");
    let printed = String::from_utf8(printed.stdout).expect("UTF-8");
    assert_narrow(&printed, 80);
    insta::assert_snapshot!("narrow", printed);
}

#[test]
fn policies_parameters_and_settings_are_listed_once_each() {
    let workspace = Workspace::new();
    let printed = workspace.rtmm(&["list", "policies"]).success();
    assert_narrow(&printed, WIDTH);
    insta::assert_snapshot!("policies", printed);
    let help = workspace.rtmm(&["run", "--help"]).success();
    assert_narrow(&help, WIDTH);
    insta::assert_snapshot!("help_run", help);
}

#[test]
fn json_and_csv_say_what_the_table_says() {
    let workspace = Workspace::new();
    let settings = ["--policy", "least-slack", "--set", "drop=late", "--set", "warm_up=100ms", "--seed", "7"];
    let report = json(&workspace, &VR, &settings);
    assert_eq!((&report["format"], &report["version"]), (&"rtmm-run".into(), &1.into()));
    assert_eq!((&report["policy"], &report["seed"]), (&"least-slack".into(), &7.into()));
    assert_eq!(report["parameters"]["drop"], "late");
    assert_eq!(report["settings"]["warm_up"], "100ms");
    assert_eq!(report["duration_ms"], 700.0);
    assert_accounted_for(&report);
    let csv = run(&workspace, &VR, &[&settings[..], &["--format", "csv"]].concat());
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let tasks = report["tasks"].as_array().expect("tasks");
    assert_eq!(rows.len(), tasks.len());
    let column = |name: &str| header.iter().position(|known| known == name).expect("a column");
    for (row, task) in rows.iter().zip(tasks) {
        assert_eq!(Some(&row[0]), task["task"].as_str());
        for count in ["released", "on_time", "late", "dropped", "in_flight"] {
            assert_eq!(row[column(count)], task[count].to_string(), "{count}");
        }
        let mean: f64 = row[column("response_mean_ms")].parse().expect("a number");
        assert!((mean - task["response_mean_ms"].as_f64().expect("a number")).abs() < 1e-9);
    }
}

#[test]
fn the_default_policy_is_edf() {
    let workspace = Workspace::new();
    assert_eq!(run(&workspace, &VR, &[]), run(&workspace, &VR, &["--policy", "edf"]));
    assert_ne!(run(&workspace, &VR, &[]), run(&workspace, &VR, &["--policy", "fcfs"]));
}

/// What a policy does changes who is late, and not what arrives.
#[test]
fn policies_see_the_same_world() {
    let workspace = Workspace::new();
    let hub = ["run", "--scenario", "examples/hub", "--platform", "shared/quad_4k_ws_os_ws_os"];
    let arrivals = |policy: &str| {
        let mut rows = jobs(&workspace, &hub, &["--policy", policy, "--set", "end_of_run=drain"]);
        // Task, frame and arrival.
        rows.iter_mut().for_each(|row| drop(row.drain(2..4)));
        rows.iter_mut().for_each(|row| row.truncate(3));
        rows.sort();
        rows
    };
    let edf = arrivals("edf");
    assert!(edf.len() > 200);
    assert_eq!(edf, arrivals("sjf"));
    assert_eq!(edf, arrivals("round-robin"));
}

#[test]
fn jobs_are_written_one_a_row() {
    let workspace = Workspace::new();
    let rows = jobs(&workspace, &VR, &[]);
    assert_eq!(rows.len(), 42 + 42 + 32);
    let report = json(&workspace, &VR, &[]);
    let completed = rows.iter().filter(|row| matches!(row[2].as_str(), "completed")).count();
    assert_eq!(Some(completed as u64), report["completed"].as_u64(), "{:?}", rows[0]);
    let energy: f64 = rows.iter().map(|row| row[12].parse::<f64>().expect("a number")).sum();
    // A job that ran began by itself.
    assert!(rows.iter().all(|row| row[13] == if row[7].is_empty() { "" } else { "1" }), "{:?}", rows[0]);
    let stated = report["energy_pj"].as_f64().expect("a number");
    assert!((energy - stated).abs() < 1e-6 * stated, "{energy} and {stated}");
}

#[test]
fn a_longer_run_has_more_jobs_and_a_warm_up_judges_fewer() {
    let workspace = Workspace::new();
    let released = |extra: &[&str]| json(&workspace, &VR, extra)["released"].as_u64().expect("a count");
    assert_eq!(released(&[]), 116);
    assert_eq!(released(&["--duration", "1400ms"]), 84 + 84 + 63);
    assert_eq!(released(&["--set", "warm_up=350ms"]), 58);
}

#[test]
fn a_drained_run_leaves_nothing_in_flight() {
    let workspace = Workspace::new();
    workspace.write(
        "slow.toml",
        "source = \"a test\"\n[[accelerator]]\nname = \"array\"\nmodel = \"systolic\"\ndataflow = \"os\"\n\
         rows = 16\ncols = 16\n",
    );
    let slow = ["run", "--scenario", "xrbench/vr_gaming", "--platform", "slow.toml"];
    let cut = json(&workspace, &slow, &[]);
    assert_accounted_for(&cut);
    assert!(cut["in_flight"].as_u64() > Some(0));
    let drained = json(&workspace, &slow, &["--set", "end_of_run=drain"]);
    assert_accounted_for(&drained);
    assert_eq!(drained["in_flight"], 0);
    assert_eq!(drained["released"], cut["released"]);
}

#[test]
fn requests_are_replayed_as_recorded() {
    let workspace = Workspace::new();
    workspace.write("log.csv", REQUESTS);
    workspace.write("tasks.csv", TASK_REQUESTS);
    let alone = ["run", "--requests", "log.csv", "--platform", "xrbench/single_4k_ws"];
    let mut rows = jobs(&workspace, &alone, &[]);
    rows.sort_by(|one, other| (&one[4], &one[6]).cmp(&(&other[4], &other[6])));
    let seen: Vec<[&str; 3]> = rows.iter().map(|row| [&row[3][..], &row[4], &row[6]]).collect();
    assert_eq!(
        seen,
        [
            ["xrbench/es_ritnet", "250.0", "250.1"],
            ["xrbench/kd_res8_narrow", "250.0", "350.0"],
            ["xrbench/es_ritnet", "50.0", "60.0"],
        ]
    );
    // Requests to the tasks of a scenario have their deadlines; one to a model is a task of its own.
    let of_tasks = json(&workspace, &[&VR[..], &["--requests", "tasks.csv"]].concat(), &[]);
    let released: Vec<(&str, u64)> = of_tasks["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .map(|task| (task["task"].as_str().expect("a name"), task["released"].as_u64().expect("a count")))
        .collect();
    assert_eq!(released, [("ES_RITNet", 1), ("GE_FBNet_C", 1), ("xrbench/es_ritnet", 1)]);
}

#[test]
fn the_names_of_the_page_on_metrics_are_those_of_results() {
    let workspace = Workspace::new();
    let on = |scenario: &str, platform: &str| {
        let fixed = ["run", "--scenario", scenario, "--platform", platform];
        json(&workspace, &fixed, &["--set", "firm_window=2"])
    };
    // Between them they have power, moves and batches.
    let mut values = vec![on("phone/filming", "phone/four_unlike"), on("examples/server", "examples/server")];
    let mut names = BTreeSet::new();
    while let Some(value) = values.pop() {
        match value {
            Value::Object(fields) => {
                names.extend(fields.keys().cloned());
                values.extend(fields.into_iter().map(|(_, value)| value));
            }
            Value::Array(items) => values.extend(items),
            _ => {}
        }
    }
    let page = include_str!("../../../docs/metrics.md");
    let of_runs = page.split("## Over time").next().expect("what stands before it");
    let rows = of_runs.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let stated: Vec<&str> =
        rows.flat_map(|cell| cell.split('`').step_by(2)).filter(|name| !name.is_empty()).collect();
    assert!(stated.len() > 80, "{stated:?}");
    // Columns of the tables of sweeps alone.
    let columns = &common::runner("engine").cell_columns;
    let is_column = |name: &str| columns.iter().any(|column| column.name == name);
    let missing: Vec<&&str> =
        stated.iter().filter(|name| !names.contains(**name) && !is_column(name)).collect();
    assert_eq!(missing, Vec::<&&str>::new(), "the page has names that no run prints");
    // Columns of accelerators are these fields, some of them with the prefix that the page gives.
    let columns = &common::runner("engine").accelerator_columns;
    let is_field = |column: &str| {
        let bare = column.strip_prefix("accelerator_").unwrap_or(column);
        stated.contains(&column) || stated.contains(&bare)
    };
    let unknown: Vec<&str> =
        columns.iter().map(|column| column.name).filter(|name| !is_field(name)).collect();
    assert_eq!(unknown, Vec::<&str>::new(), "columns of accelerators that the page lacks");
}

#[test]
fn parameters_at_their_defaults_are_stated_and_moves_are_told() {
    let workspace = Workspace::new();
    let phone = ["run", "--scenario", "phone/filming", "--platform", "phone/four_unlike"];
    let report = json(&workspace, &phone, &["--jobs", "jobs.csv"]);
    for (name, value) in
        [("batching", "none"), ("count_switches", "where-linked"), ("governor", "none"), ("units", "all")]
    {
        assert_eq!(report["parameters"][name], value, "{name}");
    }
    assert_eq!(report["parameters"]["batch_limit"], 8);
    let moves = report["moves"].as_u64().expect("a number");
    assert!(moves > 0, "{report}");
    let text = fs::read_to_string(workspace.path("jobs.csv")).expect("the jobs were written");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().expect("a header").clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let sum = |name: &str| -> f64 {
        let column = head.iter().position(|known| known == name).expect("the column");
        rows.iter().map(|row| row[column].parse::<f64>().expect("a number")).sum()
    };
    assert_eq!(sum("moves"), moves as f64);
    for (column, field) in [("move_ms", "move_ms"), ("energy_move_pj", "energy_move_pj")] {
        let all = report[field].as_f64().expect("a number");
        assert!((sum(column) / all - 1.0).abs() < 1e-9, "{column}: {} {all}", sum(column));
    }
    let table = run(&workspace, &phone, &[]);
    for told in [format!("moves: {moves} "), "time of moves: ".to_owned(), "energy of moves: ".to_owned()] {
        assert!(table.contains(&told), "{told}: {table}");
    }
    assert!(!run(&workspace, &VR, &[]).contains("moves"), "nothing is said of links that are not stated");
}

/// A trace with another run in it holds the trace of the run itself.
#[test]
fn another_run_is_shown_in_the_same_trace() {
    let workspace = Workspace::new();
    let whole = ["--set", "granularity=model", "--timeline"];
    let read = |name: &str| fs::read(workspace.path(name)).expect("it was written");
    let printed = run(&workspace, &VR, &[&whole[..], &["alone.pftrace", "--jobs", "jobs.csv"]].concat());
    let beside = [&whole[..], &["both.pftrace", "--beside", "jobs.csv"]].concat();
    assert_eq!(run(&workspace, &VR, &beside), printed);
    let (alone, both) = (read("alone.pftrace"), read("both.pftrace"));
    assert!(both.ends_with(&alone) && both.len() > alone.len());
    for (arguments, wanted) in [
        (
            &["--timeline", "both.svg", "--beside", "jobs.csv"][..],
            "a Gantt chart has no room for another run",
        ),
        (&["--timeline", "new.pftrace", "--beside", "none.csv"], "none.csv: cannot be read"),
        (&["--beside", "jobs.csv"], "--timeline"),
        (&["--timeline", "jobs.csv", "--beside", "jobs.csv"], "this is none of them"),
    ] {
        let refused = workspace.rtmm(&[&VR[..], arguments].concat());
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains(wanted), "{}", refused.stderr);
    }
    // Jobs that others stopped overlap on an accelerator.
    run(&workspace, &VR, &["--set", "granularity=layer", "--jobs", "layers.csv"]);
    let refused =
        workspace.rtmm(&[&VR[..], &["--timeline", "new.pftrace", "--beside", "layers.csv"]].concat());
    assert!(refused.code == 2 && refused.stderr.contains("granularity=model"), "{}", refused.stderr);
    assert!(!workspace.path("new.pftrace").exists());
}
