//! What every command prints on good input.
//!
//! People's output is kept as snapshots; programs' output (JSON, CSV, files) is parsed and its
//! meaning checked.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests write their inputs and read what was written")]

use crate::common;

use std::fs;

use common::{Outcome, Workspace, final_files};
use serde_json::Value;

const COMMANDS: [&str; 13] = [
    "run",
    "sweep",
    "merge",
    "robust",
    "list",
    "cost",
    "explain",
    "check",
    "requests",
    "traces",
    "import",
    "calibrate",
    "completions",
];

/// The widest line of help and tables.
const WIDTH: usize = 100;

const XRBENCH_ROWS: &str = "\
model,layer_index,layer_name,type,N,K,C,R,S,Y,X,stride_y,stride_x,pad,groups,note
KD_res8_narrow,1,conv2,CONV,1,19,19,3,3,24,13,1,1,0,1,the second stands first
KD_res8_narrow,0,conv1,CONV,1,19,1,3,3,98,40,1,1,0,1,\"a comma, ignored\"
";

const SCALE_SIM_ROWS: &str = "\
model,layer_index,layer_name,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters,stride,comment
alexnet,0,Conv1,224,224,11,11,3,96,4,ignored
";

const OS_1024: &str = "{ model = \"maestro\", dataflow = \"OS\", pes = 1024, noc_bandwidth = 128 }";

const MODEL: &str = r#"
source = "a test"
input = [3, 32, 32]
[[layer]]
name = "conv"
operator = "convolution"
channels = 8
kernel = 3
padding = 1
[[layer]]
name = "tokens"
operator = "tokens"
[[layer]]
name = "attention"
operator = "attention"
heads = 2
"#;

const SCENARIO: &str = r#"
source = "a test"
duration = "100ms"
[[task]]
name = "first"
model = "model.toml"
rate_hz = 30
[[task]]
name = "second"
model = "xrbench/kd_res8_narrow"
period = "10ms"
deadline = "20ms"
depends_on = ["first"]
trigger_probability = 0.5
"#;

const PLATFORM: &str = r#"
source = "a test"
clock_mhz = 700
[[accelerator]]
name = "array"
model = "systolic"
dataflow = "os"
rows = 16
cols = 16
[[accelerator]]
name = "mesh"
model = "maestro"
dataflow = "dataflow.toml"
pes = 64
noc_bandwidth = 16
"#;

const DATAFLOW: &str = r#"
source = "a test"
[[level]]
map = ["T(16,16) C", "S(1,1) X'"]
cluster = 16
[[level]]
map = ["S(1,1) K"]
"#;

const SWEEP: &str = r#"
runner = "xrbench"
scenarios = ["xrbench/vr_gaming"]
platforms = ["xrbench/single_*"]
seeds = [1, 2, 3]
"#;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("this is JSON")
}

/// A CSV text as its header and its rows; every row has a cell for each column.
fn csv_rows(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let row = |row: Result<csv::StringRecord, csv::Error>| {
        row.expect("a row as long as the header").iter().map(str::to_owned).collect()
    };
    (header, reader.records().map(row).collect())
}

/// Holds a cell and a value of JSON to the same, to the last bit. A number that a row does not have is null.
#[track_caller]
fn assert_same_value(cell: &str, value: &Value, name: &str) {
    match value.as_f64() {
        Some(number) => {
            let cell: f64 = cell.parse().expect("a number");
            assert_eq!(cell, number, "{name}");
        }
        None if value.is_null() => assert_eq!(cell, "", "{name}"),
        None => assert_eq!(value.as_str(), Some(cell), "{name}"),
    }
}

#[track_caller]
fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "a line is wider than {WIDTH} columns:\n{line}");
    }
}

#[track_caller]
fn assert_plain(outcome: &Outcome) {
    assert!(!outcome.stdout.contains('\u{1b}'), "standard output has an escape code:\n{}", outcome.stdout);
    assert!(!outcome.stderr.contains('\u{1b}'), "standard error has an escape code:\n{}", outcome.stderr);
}

fn reference_run(extra: &[&str]) -> Vec<String> {
    let fixed = ["run", "--scenario", "xrbench/vr_gaming", "--platform", "xrbench/single_4k_ws"];
    fixed.iter().chain(&["--compat", "xrbench"]).chain(extra).map(|&text| text.to_owned()).collect()
}

#[track_caller]
fn run(workspace: &Workspace, extra: &[&str]) -> Outcome {
    let arguments = reference_run(extra);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    workspace.rtmm(&arguments)
}

#[test]
fn help_fits_the_terminal_and_says_how() {
    let workspace = Workspace::new();
    let general = workspace.rtmm(&["--help"]).success();
    insta::assert_snapshot!("help", general);
    assert_narrow(&general);
    for command in COMMANDS {
        assert!(general.contains(&format!("\n  {command} ")), "`rtmm --help` does not list {command}");
        for flag in ["--help", "-h"] {
            let outcome = workspace.rtmm(&[command, flag]);
            assert_plain(&outcome);
            let help = outcome.success();
            assert_narrow(&help);
            assert!(help.contains(&format!("Usage: rtmm {command}")), "{help}");
        }
    }
    assert!(workspace.rtmm(&["--version"]).success().starts_with("rtmm "));
}

#[test]
fn no_command_or_an_unknown_one_is_bad_usage() {
    let workspace = Workspace::new();
    for arguments in
        [&[][..], &["swep"], &["list"], &["list", "scenario"], &["run"], &["cost", "--layers", "x.csv"]]
    {
        let outcome = workspace.rtmm(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "rtmm {arguments:?}");
        assert_plain(&outcome);
    }
    let nearest = workspace.rtmm(&["swep"]).stderr;
    assert!(nearest.contains("sweep"), "{nearest}");
}

#[test]
fn list_names_all_that_is_built_in_in_every_format() {
    let workspace = Workspace::new();
    for (what, least, example) in [
        ("scenarios", 7, "xrbench/vr_gaming"),
        ("models", 18, "examples/supernet"),
        ("platforms", 40, "xrbench/quad_8k_ws_os_ws_os"),
        ("policies", 1, "latency-greedy"),
        ("cost-models", 3, "systolic"),
        ("dataflows", 3, "ws"),
        ("sweeps", 4, "smoke"),
    ] {
        let table = workspace.rtmm(&["list", what]);
        assert_plain(&table);
        let table = table.success();
        assert_narrow(&table);
        assert!(table.contains(example), "{table}");
        let (header, rows) = csv_rows(&workspace.rtmm(&["list", what, "--format", "csv"]).success());
        assert!(rows.len() >= least && rows.iter().any(|row| row[0] == example), "{rows:?}");
        let mut names: Vec<&String> = rows.iter().map(|row| &row[0]).collect();
        names.dedup();
        assert_eq!(names.len(), rows.len(), "{what} has a name twice");
        let listed = json(&workspace.rtmm(&["list", what, "--format", "json"]).success());
        assert_eq!(listed["version"], 1);
        let listed = listed["rows"].as_array().expect("a list");
        assert_eq!(listed.len(), rows.len());
        for (object, row) in listed.iter().zip(&rows) {
            for (key, cell) in header.iter().zip(row) {
                let value = &object[key];
                let text = match value {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert_eq!(&text, cell, "{what}: {key}");
            }
        }
    }
}

#[test]
fn run_prints_a_table() {
    let workspace = Workspace::new();
    let outcome = run(&workspace, &[]);
    assert_plain(&outcome);
    assert_eq!(outcome.stderr, "");
    let table = outcome.success();
    assert_narrow(&table);
    insta::assert_snapshot!("run", table);
}

#[test]
fn run_prints_json_and_csv_that_agree() {
    let workspace = Workspace::new();
    let report = json(&run(&workspace, &["--format", "json"]).success());
    let score = report["overall_score"].as_f64().expect("a number");
    assert_eq!(format!("{score:.6}"), "86.466141");
    assert_eq!(report["version"], 1);
    let (header, rows) = csv_rows(&run(&workspace, &["--format", "csv"]).success());
    let tasks = report["tasks"].as_array().expect("a list");
    assert_eq!(tasks.len(), rows.len());
    for (task, row) in tasks.iter().zip(&rows) {
        let wanted = [
            "task",
            "requested",
            "completed",
            "dropped",
            "real_time_score",
            "energy_score",
            "qoe_score",
            "score",
        ];
        for name in wanted {
            assert!(task.get(name).is_some(), "a task has no {name}");
        }
        for (name, cell) in header.iter().zip(row) {
            assert_same_value(cell, &task[name], name);
        }
    }
    let eyes = &tasks[0];
    assert_eq!((&eyes["task"], &eyes["requested"]), (&Value::from("ES_RITNet"), &Value::from(43)));
    assert_eq!((&eyes["completed"], &eyes["dropped"]), (&Value::from(42), &Value::from(0)));
    assert_eq!(format!("{:.6}", eyes["score"].as_f64().expect("a number")), "0.976447");
}

#[test]
fn run_writes_a_row_for_every_logged_job() {
    let workspace = Workspace::new();
    let report = json(&run(&workspace, &["--format", "json", "--jobs", "jobs.csv"]).success());
    let text = fs::read_to_string(workspace.path("jobs.csv")).expect("the jobs");
    let (header, rows) = csv_rows(&text);
    assert_eq!(
        header.join(","),
        "task,frame,status,injected_ms,deadline_ms,accelerator,dispatched_ms,completed_ms,dropped_ms,\
         real_time_score,energy_mj"
    );
    for task in report["tasks"].as_array().expect("a list") {
        let name = task["task"].as_str().expect("a name");
        let count = |status: &str| rows.iter().filter(|row| row[0] == name && row[2] == status).count();
        assert_eq!(task["completed"], count("completed"), "{name}");
        assert_eq!(task["dropped"], count("dropped"), "{name}");
    }
    assert_eq!(
        text.lines().nth(1),
        Some("ES_RITNet,0,completed,0.0,16.0,Acc0_4K,0.0,1.503136,,1.0,35.329716")
    );
}

#[test]
fn run_takes_policy_parameters_seed_and_duration() {
    let workspace = Workspace::new();
    let plain = run(&workspace, &["--format", "json"]).success();
    let spelled = run(
        &workspace,
        &[
            "--format",
            "json",
            "--policy",
            "latency-greedy",
            "--set",
            "k_per_ms=15",
            "--set",
            "energy_max_mj = 1500",
        ],
    );
    assert_eq!(spelled.success(), plain);
    let gentle = json(&run(&workspace, &["--format", "json", "--set", "k_per_ms=0.5"]).success());
    assert_ne!(gentle["overall_score"], json(&plain)["overall_score"]);
    assert_eq!(gentle["parameters"]["k_per_ms"], 0.5);
    let short =
        json(&run(&workspace, &["--format", "json", "--duration", "0.1s", "--seed", "4294967295"]).success());
    assert_eq!(
        (&short["duration_ms"], &short["seed"]),
        (&Value::from(100.0), &Value::from(4_294_967_295_u64))
    );
    assert_eq!(short["tasks"][0]["requested"], 6);
}

#[test]
fn cost_in_reference_mode_has_the_published_columns_and_values() {
    let workspace = Workspace::new();
    workspace.write("layers.csv", XRBENCH_ROWS);
    let costs =
        workspace.rtmm(&["cost", "--layers", "layers.csv", "--accelerator", OS_1024, "--compat", "xrbench"]);
    assert_eq!(costs.stderr, "");
    assert_eq!(
        costs.success(),
        "\
model,layer_index,layer_name,dataflow,num_pes,noc_bw,latency_cycles,energy_nj,num_computations,l2_rd_in,\
l2_rd_wt,l2_wr_in,l2_wr_wt,l2_wr_out,l1_rd_in,l1_rd_wt,l1_rd_out,l1_wr_in,l1_wr_wt,l1_wr_out,l2_buffer_req
KD_res8_narrow,1,conv2,OS,1024,128,8208,17708.10336,1572516,306432,19152,5928,3249,4598,1572516,1572516,\
142728,963072,224352,142956,4564
KD_res8_narrow,0,conv1,OS,1024,128,41040,12813.415488,1510272,93138,171,3920,171,69312,1510272,1510272,\
93252,313728,2736,94392,304
"
    );
}

#[test]
fn cost_in_corrected_mode_charges_the_true_multiply_accumulates() {
    let workspace = Workspace::new();
    workspace.write("layers.csv", XRBENCH_ROWS);
    let (header, rows) =
        csv_rows(&workspace.rtmm(&["cost", "--layers", "layers.csv", "--accelerator", OS_1024]).success());
    let macs = header.iter().position(|name| name == "macs").expect("a column for multiply-accumulates");
    let found: Vec<&str> = rows.iter().map(|row| row[macs].as_str()).collect();
    assert_eq!(found, [(19 * 19 * 9 * 22 * 11).to_string(), (19 * 9 * 96 * 38).to_string()]);
}

#[test]
fn cost_sets_the_parameters_of_a_model() {
    let workspace = Workspace::new();
    let rows = |flags: &[&str]| {
        let arguments = [&["cost", "--model", "dream/gnmt", "--accelerator", OS_1024], flags].concat();
        csv_rows(&workspace.rtmm(&arguments).success())
    };
    let (header, default) = rows(&[]);
    let (_, same) = rows(&["--model-parameter", "sequence_length=20"]);
    let (_, twice) = rows(&["--model-parameter", "sequence_length=40"]);
    assert_eq!(default, same);
    assert!(twice.iter().all(|row| row[0] == "dream/gnmt(sequence_length=40)"), "{twice:?}");
    let macs = header.iter().position(|name| name == "macs").expect("a column for multiply-accumulates");
    let of_encoder = |rows: &[Vec<String>]| rows[0][macs].parse::<u64>().expect("a number");
    assert_eq!(of_encoder(&twice), 2 * of_encoder(&default));
}

#[test]
fn cost_reads_the_columns_of_scale_sim() {
    let workspace = Workspace::new();
    workspace.write("topology.csv", SCALE_SIM_ROWS);
    let two_strides =
        SCALE_SIM_ROWS.replace("stride,comment", "stride_h,stride_w").replace("4,ignored", "4,4");
    workspace.write("strides.csv", two_strides);
    for (dataflow, golden) in [
        ("ws", ["112283", "3294225", "34848", "3484800"]),
        ("os", ["121124", "3294225", "3310560", "308640"]),
        ("is", ["216599", "1098075", "3310560", "3484800"]),
    ] {
        let array = format!("{{ model = \"systolic\", dataflow = \"{dataflow}\", rows = 32, cols = 32 }}");
        let arguments = ["cost", "--layers", "topology.csv", "--accelerator", &array, "--compat", "xrbench"];
        let text = workspace.rtmm(&arguments).success();
        let (header, rows) = csv_rows(&text);
        assert_eq!(rows.len(), 1);
        let wanted = ["compute_cycles", "sram_ifmap_reads", "sram_filter_reads", "sram_ofmap_writes"];
        for (name, golden) in wanted.iter().zip(golden) {
            let column = header.iter().position(|known| known == name).expect("a column of SCALE-Sim");
            assert_eq!(rows[0][column], golden, "{dataflow} {name}");
        }
        let arguments = ["cost", "--layers", "strides.csv", "--accelerator", &array, "--compat", "xrbench"];
        assert_eq!(workspace.rtmm(&arguments).success(), text, "one stride for both axes or one each");
    }
}

#[test]
fn cost_of_thousands_of_layers_keeps_their_order_on_any_number_of_threads() {
    let workspace = Workspace::new();
    let count = 9_000;
    let mut text = XRBENCH_ROWS.lines().next().expect("a header").to_owned();
    for index in (0..count).rev() {
        let (k, c, y) = (1 + index % 61, 1 + index % 53, 8 + index % 47);
        text.push_str(&format!("\nm,{index},\"layer, {index}\",CONV,1,{k},{c},3,3,{y},{y},1,1,1,1,"));
    }
    workspace.write("layers.csv", text);
    let cost = |threads: &str, extra: &[&str]| {
        let fixed = ["cost", "--layers", "layers.csv", "--accelerator", OS_1024, "--threads", threads];
        workspace.rtmm(&[&fixed[..], extra].concat()).success()
    };
    for mode in [&[][..], &["--compat", "xrbench"]] {
        let one = cost("1", mode);
        assert!(one == cost("2", mode), "two threads print something else");
        let (_, rows) = csv_rows(&one);
        let indices: Vec<usize> = rows.iter().map(|row| row[1].parse().expect("an index")).collect();
        assert!(indices.iter().copied().eq((0..count).rev()), "rows are out of order");
        assert_eq!(rows[0][2], format!("layer, {}", count - 1));
    }
}

#[test]
fn cost_of_a_model_on_a_platform_names_each_accelerator_in_every_format() {
    let workspace = Workspace::new();
    let arguments =
        ["cost", "--model", "xrbench/kd_res8_narrow", "--platform", "xrbench/dual_4k_ws_os", "--format"];
    let format = |format: &'static str| workspace.rtmm(&[&arguments[..], &[format]].concat()).success();
    let (header, rows) = csv_rows(&format("csv"));
    assert_eq!(header[3], "accelerator");
    let mut accelerators: Vec<&str> = rows.iter().map(|row| row[3].as_str()).collect();
    accelerators.dedup();
    assert_eq!(accelerators.len(), 2, "one block a configuration: {accelerators:?}");
    let listed = json(&format("json"));
    assert_eq!(listed["version"], 1);
    let listed = listed["rows"].as_array().expect("a list");
    assert_eq!(listed.len(), rows.len());
    for (object, row) in listed.iter().zip(&rows) {
        for (name, cell) in header.iter().zip(row) {
            assert_same_value(cell, &object[name], name);
        }
    }
    assert_narrow(&format("table"));
}

/// Three cost models on one platform.
const MIXED: &str = "source = \"my own\"\nclock_mhz = 500\n\
     [[accelerator]]\nname = \"npu\"\nmodel = \"maestro\"\ndataflow = \"OS\"\npes = 1024\nnoc_bandwidth = 128\n\
     [[accelerator]]\nname = \"array\"\nmodel = \"systolic\"\ndataflow = \"os\"\nrows = 8\ncols = 16\n\
     [[accelerator]]\nname = \"board\"\nmodel = \"table\"\nfile = \"board.csv\"\n";
const NET: &str = "source = \"my own\"\ninput = [64, 32, 1]\nlayer = [\n\
     { name = \"in\", operator = \"fully-connected\", features = 48 },\n\
     { name = \"act\", operator = \"activation\" },\n\
     { name = \"out\", operator = \"fully-connected\", features = 10 } ]\n";
const BOARD: &str = "model,layer,latency_us,energy_uj,dram_bytes\n\
     net.toml,in,12.5,3,5000\nnet.toml,act,0.25,0,64\nnet.toml,out,4,1.5,900\n";

fn mixed() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("mixed.toml", MIXED);
    workspace.write("net.toml", NET);
    workspace.write("board.csv", BOARD);
    workspace
}

#[test]
fn cost_on_accelerators_of_different_models_has_columns_in_common_and_details_beside() {
    let workspace = mixed();
    let arguments = ["cost", "--model", "net.toml", "--platform", "mixed.toml", "--format"];
    let (header, rows) = csv_rows(&workspace.rtmm(&[&arguments[..], &["csv"]].concat()).success());
    let common = ["latency_us", "energy_uj", "utilisation", "macs", "dram_bytes"];
    assert_eq!(header[..4], ["model", "layer_index", "layer_name", "accelerator"]);
    assert_eq!(header[4..9], common);
    let mut names: Vec<&String> = header.iter().collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), header.len(), "no name stands twice: {header:?}");
    let cell = |row: &[String], name: &str| -> String {
        row[header.iter().position(|head| head == name).expect("a column")].clone()
    };
    let number = |row: &[String], name: &str| cell(row, name).parse::<f64>().expect("a number");
    assert_eq!(rows.len(), 9);
    for (index, row) in rows.iter().enumerate() {
        let (layer, accelerator) = (index % 3, ["npu", "array", "board"][index / 3]);
        assert_eq!((row[2].as_str(), row[3].as_str()), (["in", "act", "out"][layer], accelerator));
        assert_eq!(cell(row, "macs"), (32 * [64 * 48, 0, 48 * 10][layer]).to_string());
        let near = |one: f64, other: f64| assert!((one - other).abs() <= 1e-9 * other.abs(), "{one} {other}");
        match accelerator {
            "npu" => {
                near(number(row, "latency_us"), number(row, "latency_cycles") / 500.0);
                near(number(row, "utilisation"), number(row, "utilisation_pct") / 100.0);
                near(number(row, "energy_uj"), number(row, "energy_pj_total") / 1e6);
                assert_eq!((cell(row, "rows"), cell(row, "quanta")), (String::new(), String::new()));
            }
            "array" => {
                near(number(row, "latency_us"), number(row, "latency_ps") / 1e6);
                let cycles = number(row, "total_cycles") * 8.0 * 16.0;
                near(number(row, "utilisation"), number(row, "macs") / cycles);
                assert_eq!((cell(row, "rows"), cell(row, "array_cycles")), ("8".to_owned(), String::new()));
            }
            _ => {
                let stated = [["12.5", "3", "5000"], ["0.25", "0", "64"], ["4", "1.5", "900"]][layer];
                let told = ["latency_us", "energy_uj", "dram_bytes"].map(|name| cell(row, name));
                assert_eq!(told, stated);
                assert_eq!((cell(row, "utilisation"), cell(row, "quanta")), (String::new(), "1".to_owned()));
            }
        }
    }
    let listed = json(&workspace.rtmm(&[&arguments[..], &["json"]].concat()).success());
    for (object, row) in listed["rows"].as_array().expect("a list").iter().zip(&rows) {
        for (name, cell) in header.iter().zip(row) {
            assert_same_value(cell, &object[name], name);
        }
    }
}

#[test]
fn layers_that_another_accelerator_runs_are_no_failure_of_cost() {
    let workspace = mixed();
    workspace.write("board.csv", BOARD.replace("net.toml,act,0.25,0,64\n", ""));
    let arguments = ["cost", "--model", "net.toml", "--platform", "mixed.toml", "--format"];
    for format in ["csv", "json", "table"] {
        let outcome = workspace.rtmm(&[&arguments[..], &[format]].concat());
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert!(
            outcome.stderr.starts_with(
                "note: `board` does not run 1 of 3 layers, which others run; the first: net layer 1 `act`: "
            ),
            "{}",
            outcome.stderr
        );
    }
    let (_, rows) = csv_rows(&workspace.rtmm(&[&arguments[..], &["csv"]].concat()).stdout);
    let of_board: Vec<&str> =
        rows.iter().filter(|row| row[3] == "board").map(|row| row[2].as_str()).collect();
    assert_eq!((rows.len(), of_board), (8, vec!["in", "out"]));
    // By itself the board has nothing to leave it to.
    workspace.write(
        "alone.toml",
        "source = \"my own\"\n[[accelerator]]\nname = \"board\"\nmodel = \"table\"\nfile = \"board.csv\"\n",
    );
    let outcome = workspace.rtmm(&["cost", "--model", "net.toml", "--platform", "alone.toml"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("layers that cannot run: 1"), "{}", outcome.stderr);
}

#[test]
fn cost_of_a_batch_is_that_of_so_many_inferences_at_once() {
    let workspace = mixed();
    workspace.write(
        "board.csv",
        "model,layer,batch,latency_us,energy_uj,dram_bytes\n\
         net.toml,in,1,12.5,3,5000\nnet.toml,in,4,20,9,6000\nnet.toml,act,4,1,0,64\nnet.toml,out,4,8,2,900\n",
    );
    let arguments = ["cost", "--model", "net.toml", "--platform", "mixed.toml", "--batch"];
    let of = |batch: &'static str| csv_rows(&workspace.rtmm(&[&arguments[..], &[batch]].concat()).success());
    let ((one, alone), (two, pairs)) = (of("1"), of("2"));
    assert!(!one.contains(&"batch".to_owned()));
    assert_eq!(two[..4], ["model", "layer_index", "layer_name", "batch"]);
    let cell = |header: &[String], row: &[String], name: &str| -> f64 {
        row[header.iter().position(|head| head == name).expect("a column")].parse().expect("a number")
    };
    for (alone, pair) in alone.iter().zip(&pairs) {
        let (alone, pair) = (|name| cell(&one, alone, name), |name| cell(&two, pair, name));
        assert_eq!((pair("batch"), pair("macs")), (2.0, 2.0 * alone("macs")));
        assert!(pair("latency_us") >= alone("latency_us"));
    }
    // Of two the table has the next larger batch; of eight it has none, and the others have.
    let latencies: Vec<f64> = pairs[6..].iter().map(|row| cell(&two, row, "latency_us")).collect();
    assert_eq!(latencies, [20.0, 1.0, 8.0]);
    let outcome = workspace.rtmm(&[&arguments[..], &["8"]].concat());
    assert!(outcome.stderr.starts_with("note: `board` does not run 3 of 3 layers"), "{}", outcome.stderr);
    assert_eq!(outcome.code, 0);
    let table = workspace.rtmm(&[&arguments[..], &["2", "--format", "table"]].concat()).success();
    assert!(table.starts_with("Layer costs of net, 2 at once\n"), "{table}");
}

#[test]
fn a_table_of_costs_has_a_line_a_layer() {
    let workspace = mixed();
    let arguments = ["cost", "--model", "net.toml", "--platform", "mixed.toml", "--format", "table"];
    insta::assert_snapshot!(workspace.rtmm(&arguments).success(), @"
    Layer costs of net
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
    layer  accelerator  latency_us  energy_uj  utilisation   macs  dram_bytes
    ─────────────────────────────────────────────────────────────────────────
    in     npu               2.308      4.602      0.08319  98304        6656
    act    npu             0.04800     0.7741            0      0        3072
    out    npu              0.3640      1.023      0.08242  15360        2336
    in     array             2.064      2.525       0.7442  98304        6656
    act    array            0.1920      1.076            0      0        3072
    out    array            0.5600     0.8402       0.4286  15360        2336
    in     board             12.50      3.000               98304        5000
    act    board            0.2500          0                   0          64
    out    board             4.000      1.500               15360         900
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

    Prices of npu
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
    event                   pJ  of one     bytes of the memory
    ──────────────────────────────────────────────────────────
    multiply-accumulate   2.88  operation
    vector operation      2.88  operation
    L1                   1.584  element    -
    L2                   17.28  element    -
    off-chip memory        216  element
    static                   0  cycle
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

    Prices of array
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
    event                  pJ  of one     bytes of the memory
    ─────────────────────────────────────────────────────────
    multiply-accumulate   0.3  operation
    vector operation      0.3  operation
    input buffer         12.5  element    -
    weight buffer        12.5  element    -
    output buffer        12.5  element    -
    off-chip memory       325  byte
    static                  0  cycle
    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
    ");
    let arguments = ["cost", "--model", "xrbench/es_ritnet", "--platform", "xrbench/dual_4k_ws_os"];
    let text = workspace.rtmm(&[&arguments[..], &["--format", "table"]].concat()).success();
    let (_, rows) = csv_rows(&workspace.rtmm(&arguments).success());
    // A title, three rules and the heads; prices stand behind a blank line.
    let (layers, _) = text.split_once("\n\n").expect("prices");
    assert_eq!(layers.lines().count(), rows.len() + 5, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

/// A warning of the platform with three cost models, of which two price events.
const APART: &str = "warning: mixed.toml: energies do not compare: a multiply-accumulate is 0.3 pJ on systolic OS 8x16 and 2.88 pJ \
                     on maestro OS 1024; name a `technology`\n";

#[test]
fn rows_of_a_cost_table_that_match_nothing_are_counted() {
    let workspace = mixed();
    let scenario = "source = \"my own\"\nduration = \"10ms\"\n\
         [[task]]\nname = \"a\"\nmodel = \"net.toml\"\nperiod = \"1ms\"\n";
    workspace.write("load.toml", scenario);
    let run = ["run", "--scenario", "load.toml", "--platform", "mixed.toml", "--format", "json"];
    let check = ["check", "load.toml", "mixed.toml"];
    for arguments in [&run[..], &check] {
        let outcome = workspace.rtmm(arguments);
        let warning = if arguments == check { APART } else { "" };
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, warning));
    }
    workspace
        .write("board.csv", format!("{BOARD}net.toml,ouy,4,1,1\nelse.toml,in,1,1,1\nelse.toml,out,1,1,1\n"));
    for arguments in [&run[..], &check] {
        let outcome = workspace.rtmm(arguments);
        assert_eq!(outcome.code, 0);
        let warning = if arguments == check { APART } else { "" };
        let unmatched = "warning: table board.csv: 3 of 6 rows match no layer that runs: 2 of models that do not run here; 1 of \
                         layers that their model does not have, such as `ouy` of `net` in line 5\n";
        assert_eq!(outcome.stderr, format!("{warning}{unmatched}"));
    }
}

#[test]
fn cost_of_a_divided_accelerator_has_each_number_of_units_with_its_shape() {
    let workspace = Workspace::new();
    let arguments = ["cost", "--model", "xrbench/kd_res8_narrow", "--platform", "planaria/16x32x32"];
    let (header, rows) = csv_rows(&workspace.rtmm(&arguments).success());
    let column = |name: &str| header.iter().position(|head| head == name).expect("a column");
    let (name, subarrays) = (column("accelerator"), column("subarrays"));
    let mut parts: Vec<(&str, &str)> =
        rows.iter().map(|row| (row[name].as_str(), row[subarrays].as_str())).collect();
    parts.dedup();
    assert_eq!(parts.len(), 16);
    assert_eq!(
        parts[..3],
        [("planaria", "16"), ("planaria (1 of 16 units)", "1"), ("planaria (2 of 16 units)", "2")]
    );
    let shape = ["clusters", "cluster_rows", "cluster_cols"].map(column);
    for row in &rows {
        let number = |column: usize| row[column].parse::<u64>().expect("a whole number");
        let used: u64 = shape.iter().map(|column| number(*column)).product();
        assert!((1..=number(subarrays)).contains(&used), "{row:?}");
    }
}

#[test]
fn explain_shows_where_cycles_and_energy_come_from() {
    let workspace = Workspace::new();
    workspace.write("layers.csv", XRBENCH_ROWS);
    let fixed = ["explain", "--layers", "layers.csv", "--layer", "conv1", "--accelerator"];
    let systolic = "{ model = \"systolic\", dataflow = \"ws\", rows = 16, cols = 16, dram_bandwidth = 8 }";
    let fission = "{ model = \"fission\", dataflow = \"ws\", subarrays = 4, rows = 16, cols = 16, \
                   dram_bandwidth = 8, bus_pj = 5 }";
    for (name, accelerator, mode) in [
        ("explain_maestro_reference", OS_1024, &["--compat", "xrbench"][..]),
        ("explain_maestro", OS_1024, &[]),
        ("explain_systolic", systolic, &[]),
        ("explain_fission", fission, &[]),
        ("explain_gemmini", "{ model = \"gemmini\", tiles = 2, split = \"shares\" }", &[]),
    ] {
        let explain = |extra: &[&str]| {
            let outcome = workspace.rtmm(&[&fixed[..], &[accelerator], mode, extra].concat());
            assert_plain(&outcome);
            outcome.success()
        };
        let table = explain(&[]);
        assert_narrow(&table);
        insta::assert_snapshot!(name, table);
        let explanation = json(&explain(&["--format", "json"]));
        assert_eq!(explanation[0]["layer"], "conv1");
        let sections = explanation[0]["explanation"]["sections"].as_array().expect("sections");
        assert!(sections.len() > 2);
        assert!(explain(&["--format", "csv"]).lines().count() > sections.len());
    }
    // A layer is also found by its position, and each accelerator of a platform explains itself.
    let by_position = ["explain", "--layers", "layers.csv", "--layer", "1", "--accelerator", OS_1024];
    assert_eq!(
        workspace.rtmm(&by_position).success(),
        workspace.rtmm(&[&fixed[..], &[OS_1024]].concat()).success()
    );
    let arguments = ["explain", "--model", "xrbench/es_ritnet", "--layer", "conv1", "--platform"];
    let both = workspace.rtmm(&[&arguments[..], &["xrbench/dual_4k_ws_os", "--format", "json"]].concat());
    assert_eq!(json(&both.success()).as_array().map(Vec::len), Some(2));
}

#[test]
fn check_says_what_good_files_are() {
    let workspace = Workspace::new();
    for (name, text) in [
        ("model.toml", MODEL),
        ("scenario.toml", SCENARIO),
        ("platform.toml", PLATFORM),
        ("dataflow.toml", DATAFLOW),
        ("sweep.toml", SWEEP),
        ("layers.csv", XRBENCH_ROWS),
        ("topology.csv", SCALE_SIM_ROWS),
    ] {
        workspace.write(name, text);
    }
    let files = [
        "check",
        "model.toml",
        "scenario.toml",
        "platform.toml",
        "dataflow.toml",
        "sweep.toml",
        "layers.csv",
        "topology.csv",
    ];
    let outcome = workspace.rtmm(&files);
    assert_eq!(
        outcome.stderr,
        "warning: platform.toml: energies do not compare: a multiply-accumulate is 0.3 pJ on systolic OS 16x16 and 2.88 pJ on \
         maestro dataflow.toml 64; name a `technology`\n"
    );
    insta::assert_snapshot!(outcome.success(), @r"
    model.toml: model, 3 layers, 17260544 multiply-accumulates, 472 parameters
    scenario.toml: scenario, 2 tasks of 2 models over 100ms
    platform.toml: platform, 2 accelerators of 2 configurations
    dataflow.toml: dataflow, 2 levels, clusters of 16
    sweep.toml: sweep, 6 cells
    layers.csv: layer table, 2 layers
    topology.csv: layer table, 1 layer
    scenario.toml on platform.toml: every layer has a cost
    ");
}

#[test]
fn built_in_files_are_checked_by_their_names_and_in_pairs() {
    let workspace = Workspace::new();
    let outcome = workspace.rtmm(&["check", "phone/filming", "phone/four_unlike"]);
    insta::assert_snapshot!("checked_pair", outcome.success());
    // One name, of a scenario and of a platform.
    let both = workspace.rtmm(&["check", "examples/server"]).success();
    assert!(
        both.contains("examples/server: scenario, ") && both.contains("examples/server: platform, "),
        "{both}"
    );
    let unknown = workspace.rtmm(&["check", "phone/filmin"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean `phone/filming`?"), "{}", unknown.stderr);
    let absent = workspace.rtmm(&["check", "nothing-of-the-kind-anywhere"]);
    assert!(absent.stderr.contains("nothing-of-the-kind-anywhere: cannot be read"), "{}", absent.stderr);
}

#[test]
fn a_run_says_what_the_whole_platform_takes() {
    let workspace = Workspace::new();
    let run =
        ["run", "--scenario", "phone/filming", "--platform", "phone/four_unlike", "--duration", "100ms"];
    let text = workspace.rtmm(&run).success();
    let number = |name: &str| -> f64 {
        let rest = text.split(&format!("{name}: ")).nth(1).unwrap_or_else(|| panic!("{name} in {text}"));
        rest.split(' ')
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("{name} in {text}"))
    };
    let parts = ["work", "static", "idle", "gated", "switches", "background"].map(number);
    let rest = number("energy of the platform") - parts.iter().sum::<f64>();
    assert!(rest.abs() < 0.004 && parts[2] > 0.0, "{text}");
    // A platform that states no power has no such line.
    let plain = [
        "run",
        "--scenario",
        "xrbench/vr_gaming",
        "--platform",
        "xrbench/dual_4k_ws_os",
        "--duration",
        "100ms",
    ];
    assert!(!workspace.rtmm(&plain).success().contains("energy of the platform"));
}

#[test]
fn one_bad_file_does_not_keep_check_from_the_others() {
    let workspace = Workspace::new();
    workspace.write("model.toml", MODEL);
    workspace.write("bad.toml", SCENARIO.replace("rate_hz", "rate"));
    workspace.write("worse.csv", "K,C\n1,1\n");
    let outcome = workspace.rtmm(&["check", "bad.toml", "model.toml", "worse.csv"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stdout.starts_with("model.toml: model, 3 layers"), "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("bad.toml:") && outcome.stderr.contains("worse.csv:"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn imported_models_are_counted_and_written() {
    let workspace = Workspace::new();
    workspace.write("product.onnx", common::onnx_product());
    let import =
        |more: &[&str]| workspace.rtmm(&[&["import", "product.onnx", "--dim", "N=2"], more].concat());
    let outcome = import(&["--output", "mine", "--format", "json"]);
    assert_eq!(outcome.stderr, "1 layers in mine/product.toml\n");
    let counts = json(&outcome.success());
    let expected = serde_json::json!({
        "kind": "onnx",
        "macs": 24,
        "parameters": 12,
        "layers": 1,
        "free": 0,
        "peak_activation_bytes": 4 * (8 + 6),
        "unsupported": [],
    });
    assert_eq!(counts, expected);
    let table = import(&[]).success();
    assert_narrow(&table);
    insta::assert_snapshot!("import", table);
    let file = fs::read_to_string(workspace.path("mine/product.toml")).expect("a model file");
    insta::assert_snapshot!("import_file", file);
    let checked = workspace.rtmm(&["check", "mine/product.toml"]).success();
    assert_eq!(checked, "mine/product.toml: model, 1 layer, 24 multiply-accumulates, 12 parameters\n");
}

/// A trace of 0, 4, 1.5 and 1.5 ms.
const ARRIVALS: &str = "\u{feff}TIMESTAMP,ContextTokens,GeneratedTokens\r
2023-11-16 18:17:03.0000000,4808,10\r
2023-11-16 18:17:03.0040000,31,8\r
2023-11-16 18:17:03.0015000,31,8\r
2023-11-16 18:17:03.0015000,1024,27";

#[test]
fn imported_arrivals_run() {
    let workspace = Workspace::new();
    workspace.write("trace.csv", ARRIVALS);
    for (name, channels) in [("short.toml", 4), ("long.toml", 16)] {
        let layer =
            format!("{{ name = \"conv\", operator = \"convolution\", channels = {channels}, kernel = 3 }}");
        workspace.write(name, format!("source = \"a test\"\ninput = [4, 8, 8]\nlayer = [{layer}]\n"));
    }
    workspace.write("rules.csv", "when,model,deadline\nContextTokens<1024,short.toml,2ms\n*,long.toml,\n");
    let import = |more: &[&str]| {
        let common =
            ["import", "trace.csv", "--kind", "azure-llm", "--map-file", "rules.csv", "--scale", "2"];
        workspace.rtmm(&[&common, more].concat())
    };
    let outcome = import(&["--deadline", "20ms", "-o", "requests.csv", "--format", "json"]);
    assert_eq!(outcome.stderr, "4 requests in requests.csv\n");
    let mut report = json(&outcome.success());
    // Distances of 0.75, 0 and 1.25 ms: mean 2/3 ms, mean square 2.125/3.
    let variation = report["gap_cv"].take().as_f64().expect("a number");
    assert!((variation - ((2.125 / 3.0) / (4.0 / 9.0) - 1.0_f64).sqrt()).abs() < 1e-12);
    let expected = serde_json::json!({
        "kind": "azure-llm",
        "rows": 4,
        "requests": 4,
        "unmapped": 0,
        "outside_window": 0,
        "inversions": 1,
        "ties": 1,
        "rounded": 0,
        "span_s": 0.002,
        "mean_rate_hz": 1500.0,
        "gap_cv": null,
        "models": [{"model": "short.toml", "requests": 2}, {"model": "long.toml", "requests": 2}],
    });
    assert_eq!(report, expected);
    let table = import(&[]).success();
    assert_narrow(&table);
    insta::assert_snapshot!("import_arrivals", table);
    let written = fs::read_to_string(workspace.path("requests.csv")).expect("a request file");
    let rows =
        ["0,long.toml,0.02", "0.00075,short.toml,0.002", "0.00075,long.toml,0.02", "0.002,short.toml,0.002"];
    assert_eq!(written.lines().skip(1).collect::<Vec<_>>(), rows);
    assert!(written.starts_with("arrival_s,model,relative_deadline_s\n"));

    let run = |more: &[&str]| {
        let common = ["run", "--platform", "xrbench/single_4k_ws", "--policy", "edf", "--format", "json"];
        let outcome = json(&workspace.rtmm(&[&common, more].concat()).success());
        (outcome["released"].clone(), outcome["completed"].clone(), outcome["duration_ms"].clone())
    };
    // The last requests are due 20 ms after 0.75 ms.
    assert_eq!(run(&["--requests", "requests.csv"]), (4.into(), 4.into(), 20.75.into()));
    // A file without deadlines takes those of a scenario whose tasks it names.
    let task =
        |name: &str| format!("[[task]]\nname = \"{name}\"\nmodel = \"{name}.toml\"\nperiod = \"10ms\"\n");
    let scenario = format!("source = \"a test\"\nduration = \"1s\"\n{}{}", task("short"), task("long"));
    workspace.write("scenario.toml", scenario);
    let bare = ["import", "trace.csv", "--kind", "azure-llm", "--map", "*=long", "-o", "bare.csv"];
    workspace.rtmm(&bare).success();
    let found = run(&["--requests", "bare.csv", "--scenario", "scenario.toml"]);
    assert_eq!(found, (4.into(), 4.into(), 14.0.into()));
}

#[test]
fn imported_networks_of_maestro_have_costs() {
    let workspace = Workspace::new();
    let layers = "Layer up { Type: TRCONV Dimensions { K: 4, C: 8, R: 2, S: 2, Y: 5, X: 5 } }
        Layer qkv { Type: GEMM Dimensions { M: 7, N: 13, K: 11 } Dataflow { SpatialMap(1,1) M; } }";
    workspace.write("net.m", format!("Network small {{ {layers} }}"));
    let outcome = workspace.rtmm(&["import", "net.m", "-o", "mine", "--format", "json"]);
    assert_eq!(outcome.stderr, "note: the mappings of 1 layers are left out\n2 layers in mine/net.toml\n");
    let expected = serde_json::json!({
        "kind": "maestro",
        "network": "small",
        "macs": 25 * 4 * 8 * 4 + 7 * 13 * 11,
        "parameters": 4 * 8 * 4 + 13 * 11,
        "layers": 2,
        "dataflows": 1,
    });
    assert_eq!(json(&outcome.success()), expected);
    assert_narrow(&workspace.rtmm(&["import", "net.m"]).success());
    let array = "{ model = \"systolic\", dataflow = \"os\", rows = 8, cols = 8 }";
    let costs =
        workspace.rtmm(&["cost", "--model", "mine/net.toml", "--accelerator", array, "--format", "csv"]);
    assert_eq!(costs.success().lines().count(), 3);
    let refused = workspace.rtmm(&["import", "net.m", "--trips", "2"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--trips is of no use"), "{}", refused.stderr);
}

#[test]
fn calibrations_print_errors_and_coefficients() {
    let workspace = Workspace::new();
    let profile =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../hardware/tests/data/rk3588/int8_yolo.csv");
    let profile = profile.to_str().expect("a path in UTF-8");
    let printed = workspace.rtmm(&["calibrate", "--table", profile, "--format", "json"]).success();
    let keys: Vec<&str> = printed.lines().filter_map(|line| line.split('"').nth(1)).collect();
    let errors = ["in_sample_mean_error", "leave_one_out_mean_error", "leave_one_out_median_error"];
    let coefficients = ["coefficients", "a_us_per_kb", "b_us_per_kcycle", "c_us"];
    assert_eq!(keys, [&errors[..], &coefficients].concat());
    let mean = json(&printed)["leave_one_out_mean_error"].as_f64().expect("a number");
    assert!((mean - 0.184_180_967_354_888).abs() < 1e-9, "{mean}");
}

#[test]
fn completions_know_every_command() {
    let workspace = Workspace::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = workspace.rtmm(&["completions", shell]).success();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} does not complete {command}");
        }
        assert!(script.contains("noc_bandwidth") || script.contains("accelerator"), "{shell} has no options");
    }
}

#[test]
fn sweep_prints_tables_and_writes_results_that_parse() {
    let workspace = Workspace::new();
    let outcome = workspace.rtmm(&["sweep", "smoke", "--output", "results"]);
    assert_plain(&outcome);
    assert_eq!(outcome.stderr, "smoke: 6 cells, 6 run, 0 reused from results\n");
    let tables = outcome.success();
    assert_narrow(&tables);
    let (tables, written) = tables.split_once("\nWritten to ").expect("the last line names the files");
    assert!(written.contains("3 figures"), "{written}");
    insta::assert_snapshot!("sweep_smoke", tables);
    for (name, _) in final_files(&workspace.path("results")) {
        let is_figure = name.ends_with(".svg");
        assert!(is_figure || written.contains(&name), "{name} is not named: {written}");
    }

    let file = |name: &str| fs::read(workspace.path("results").join(name)).expect("a results file");
    let text = |name: &str| String::from_utf8(file(name)).expect("text");
    // One deterministic scenario of 3 tasks on 2 platforms; a random one of 6 tasks, over 2 seeds too.
    let manifest = json(&text("manifest.json"));
    assert_eq!(manifest["reproduce"], "rtmm sweep smoke");
    assert_eq!(manifest["cells"], 6);
    assert_eq!(manifest["seeds"], Value::from(vec![1, 2]));
    for (position, (table, rows)) in [("cells", 6), ("tasks", 2 * 3 + 2 * 2 * 6)].into_iter().enumerate() {
        let (header, found) = csv_rows(&text(&format!("{table}.csv")));
        assert_eq!(found.len(), rows);
        let results = json(&text(&format!("{table}.json")));
        assert_eq!((&results["version"], &results["sweep"]), (&Value::from(2), &Value::from("smoke")));
        assert_eq!(results["columns"].as_array().map(Vec::len), Some(header.len()));
        assert_eq!(results["rows"].as_array().map(Vec::len), Some(rows));
        let told = &manifest["tables"][position];
        assert_eq!(told["name"], table);
        assert_eq!(told["columns"].as_array().map(Vec::len), Some(header.len()));
        if cfg!(feature = "parquet") {
            let parquet = file(&format!("{table}.parquet"));
            assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"), "{table}.parquet");
        }
    }
    let (_, summary) = csv_rows(&text("summary.csv"));
    assert!(!summary.is_empty());
    for (name, content) in final_files(&workspace.path("results")) {
        assert!(!content.is_empty(), "{name} is empty");
        if name.ends_with(".svg") {
            let svg = String::from_utf8(content).expect("text");
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
        }
    }
    let page = text("index.html");
    assert!(page.starts_with("<!DOCTYPE html>") || page.starts_with("<!doctype html>"), "{page}");
    assert!(
        page.trim_end().ends_with("</html>") && page.contains("<svg"),
        "the page is whole and has figures"
    );
    assert!(text("tables.md").contains("| single_4k_ws |"), "tables in Markdown");

    // The store is one plain file at rest.
    let stores = fs::read_dir(workspace.path("results")).expect("a directory");
    let stores = stores.filter(|entry| {
        entry.as_ref().expect("an entry").file_name().to_string_lossy().contains("store.sqlite")
    });
    assert_eq!(stores.count(), 1);
}

#[test]
fn sweep_prints_its_files_for_programs() {
    let workspace = Workspace::new();
    for (format, file) in [("csv", "summary.csv"), ("json", "cells.json")] {
        let printed =
            workspace.rtmm(&["sweep", "smoke", "--output", "results", "--format", format]).success();
        let written = fs::read_to_string(workspace.path("results").join(file)).expect("a results file");
        assert_eq!(printed, written);
    }
}

#[test]
fn sweeps_of_files_go_to_a_directory_of_their_name_unless_told_otherwise() {
    let workspace = Workspace::new();
    workspace.write("mine.toml", SWEEP);
    let outcome = workspace.rtmm(&["sweep", "mine.toml", "--threads", "1", "--quiet"]);
    assert_eq!(outcome.stderr, "mine.toml: 6 cells, 6 run, 0 reused from results/mine.toml\n");
    assert!(workspace.path("results/mine.toml/cells.csv").exists());
}

#[test]
fn merge_brings_shards_together_and_says_what_is_missing() {
    let workspace = Workspace::new();
    let shard = workspace.rtmm(&["sweep", "smoke", "--output", "shards", "--shard", "1/2"]);
    insta::assert_snapshot!(shard.stderr, @r"
    smoke: 3 cells, 3 run, 0 reused from shards
    shard 1 of 2 is done; when all are: rtmm merge smoke --output shards
    ");
    assert_eq!(shard.success(), "");
    let early = workspace.rtmm(&["merge", "smoke", "--output", "shards"]);
    assert_eq!(early.code, 1);
    assert!(early.stderr.contains("3 cells are missing"), "{}", early.stderr);
    assert!(early.stderr.contains("--shard 2/2"), "{}", early.stderr);
    workspace.rtmm(&["sweep", "smoke", "--output", "elsewhere", "--shard", "2/2"]).success();
    let stores = ["shards/store-1-of-2.sqlite", "elsewhere/store-2-of-2.sqlite"];
    let merged = workspace.rtmm(&[&["merge", "smoke", "--output", "all"], &stores[..]].concat());
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    let whole = workspace.rtmm(&["sweep", "smoke", "--output", "all"]);
    assert_eq!(whole.stderr, "smoke: 6 cells, 0 run, 6 reused from all\n");
    assert_eq!(whole.success(), merged.stdout);
}

#[test]
fn colours_stay_off_where_nobody_asked_for_them() {
    let workspace = Workspace::new();
    for arguments in [&["list", "platforms"][..], &["--help"], &["check", "missing.toml"]] {
        assert_plain(&workspace.rtmm(arguments));
    }
    let coloured = workspace.rtmm(&["check", "missing.toml", "--color", "always"]);
    assert!(coloured.stderr.contains('\u{1b}'), "--color always has no effect");
    let mut command = workspace.command(&["check", "missing.toml"]);
    let output = command.env("NO_COLOR", "1").output().expect("rtmm starts");
    assert_plain(&Outcome::of(&output, &["check", "missing.toml"]));
}

#[test]
fn logs_are_plain_where_standard_error_is_no_terminal() {
    assert_plain(&Workspace::new().rtmm(&["-v", "sweep", "smoke", "--output", "results"]));
}

#[test]
fn logs_go_to_standard_error_and_only_on_request() {
    let workspace = Workspace::new();
    let sweep = |output: &str, extra: &[&str]| {
        let arguments = [&["sweep", "smoke", "--format", "csv", "--output", output], extra].concat();
        workspace.rtmm(&arguments)
    };
    let quiet = sweep("quiet", &[]);
    assert_eq!(quiet.stderr, "smoke: 6 cells, 6 run, 0 reused from quiet\n");
    let verbose = sweep("verbose", &["-vv"]);
    for edge in ["sweep planned", "store open", "cells planned", "cells run", "committed", "outputs written"]
    {
        assert!(verbose.stderr.contains(edge), "{edge}: {}", verbose.stderr);
    }
    assert_eq!(verbose.stdout, quiet.stdout);
}

#[test]
fn outputs_are_opened_before_anything_runs() {
    let workspace = Workspace::new();
    let run = |jobs: &str, duration: &str| {
        let fixed = ["run", "--scenario", "xrbench/vr_gaming", "--platform", "xrbench/single_4k_ws"];
        workspace.rtmm(&[&fixed[..], &["--duration", duration, "--jobs", jobs]].concat())
    };
    // A run of so long a time would not end within that of a test.
    let outcome = run("nowhere/jobs.csv", "200000s");
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("nowhere/jobs.csv: cannot be written"), "{}", outcome.stderr);
    // A run that fails leaves no empty file, and one that was there as it was.
    assert_eq!(run("new.csv", "0s").code, 2);
    assert!(!workspace.path("new.csv").exists());
    workspace.write("old.csv", "kept");
    assert_eq!(run("old.csv", "0s").code, 2);
    assert_eq!(fs::read_to_string(workspace.path("old.csv")).expect("a file"), "kept");
    assert_eq!(run("old.csv", "50ms").code, 0);
    assert!(fs::read_to_string(workspace.path("old.csv")).expect("a file").starts_with("task,"));
}

#[test]
fn outputs_take_the_place_of_no_input_and_of_no_other_output() {
    let workspace = Workspace::new();
    let scenario = SCENARIO.replace("model.toml", "xrbench/es_ritnet");
    workspace.write("scenario.toml", &scenario);
    workspace.write("model.toml", MODEL);
    workspace.write("platform.toml", PLATFORM);
    let fixed = ["run", "--scenario", "scenario.toml", "--platform", "platform.toml"];
    let refused = |arguments: &[&str], message: &str| {
        let outcome = workspace.rtmm(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{}", outcome.stderr);
    };
    for input in ["scenario.toml", "platform.toml", "./scenario.toml"] {
        refused(&[&fixed[..], &["--jobs", input]].concat(), "an input of this command");
    }
    let twice = ["--jobs", "a.csv", "--series", "a.csv", "--window", "1ms"];
    refused(&[&fixed[..], &twice].concat(), "another output of this command");
    assert!(!workspace.path("a.csv").exists());
    refused(
        &["requests", "--scenario", "scenario.toml", "--output", "scenario.toml"],
        "an input of this command",
    );
    refused(
        &["requests", "--scenario", "scenario.toml", "--output", "no/r.csv"],
        "no/r.csv: cannot be written",
    );
    assert_eq!(fs::read_to_string(workspace.path("scenario.toml")).expect("a file"), scenario);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_to_what_is_written() {
    let workspace = Workspace::new();
    workspace.write("target.csv", "old");
    std::os::unix::fs::symlink("target.csv", workspace.path("link.csv")).expect("a link");
    workspace.rtmm(&["requests", "--scenario", "moca/set_a", "--output", "link.csv"]).success();
    assert!(workspace.path("link.csv").is_symlink());
    let written = fs::read_to_string(workspace.path("target.csv")).expect("a file");
    assert!(written.starts_with("arrival_s,"), "{written}");
}

#[test]
fn a_platform_of_accelerators_that_run_some_layers_is_checked_and_run() {
    let workspace = Workspace::new();
    workspace.write(
        "a.toml",
        "source = \"x\"\ninput = [1, 4, 4]\nlayer = [\n\
         { name = \"one\", operator = \"convolution\", channels = 1, kernel = 1 },\n\
         { name = \"two\", operator = \"softmax\" } ]\n",
    );
    let task = "[[task]]\nmodel = \"a.toml\"\nperiod = \"1ms\"\nname = ";
    workspace.write(
        "s.toml",
        format!("source = \"x\"\nduration = \"1ms\"\n{task}\"A\"\n{task}\"B\"\navoid = [\"npu0\"]\n"),
    );
    let table = |name: &str| {
        format!("[[accelerator]]\nname = \"{name}\"\nmodel = \"table\"\nfile = \"{name}.csv\"\n")
    };
    let accelerators = ["npu0", "gpu", "cpu"].map(table).concat();
    workspace.write("p.toml", format!("source = \"x\"\n{accelerators}"));
    // The first one has no row of one layer; the others run both.
    workspace.write("npu0.csv", "model,layer,latency_us\na,one,1\n");
    workspace.write("gpu.csv", "model,layer,latency_us\na,one,10\na,two,10\n");
    workspace.write("cpu.csv", "model,layer,latency_us\na,one,100\na,two,100\n");
    let outcome = workspace.rtmm(&["check", "s.toml", "p.toml"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let told: Vec<&str> = outcome.stdout.lines().skip(2).collect();
    assert_eq!(
        told,
        [
            "s.toml on p.toml: every layer has an accelerator that runs it",
            "s.toml on p.toml: `npu0` runs 1 of 2 layers of `a`, not `two`: the cost table has no row for layer `two` \
             of model `a`",
            "s.toml on p.toml: task `B` may run on `gpu`, `cpu`",
        ]
    );
    let outcome = workspace.rtmm(&[
        "run",
        "--scenario",
        "s.toml",
        "--platform",
        "p.toml",
        "--policy",
        "edf",
        "--format",
        "csv",
    ]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    // Costs are shown where there are any, and who lacks one.
    let explain = |layer: &str, form: &str| {
        workspace.rtmm(&[
            "explain",
            "--model",
            "a.toml",
            "--layer",
            layer,
            "--platform",
            "p.toml",
            "--format",
            form,
        ])
    };
    let table = explain("two", "table").success();
    let lack = "the cost table has no row for layer `two` of model `a`";
    assert!(
        table.contains(&format!("Layer two of a on npu0\n\nThe accelerator does not run this layer: {lack}")),
        "{table}"
    );
    assert!(table.contains("Layer two of a on gpu\n\nAs measured"), "{table}");
    let all = json(&explain("two", "json").success());
    assert_eq!(all[0]["unsupported"], lack);
    assert!(all[0]["explanation"].is_null() && all[1]["explanation"]["sections"].is_array(), "{all}");
    let csv = explain("two", "csv").success();
    assert!(csv.starts_with(&format!("npu0,The accelerator does not run this layer,reason\nnpu0,The accelerator does not run this layer,{lack}\n")), "{csv}");
    for name in ["npu0", "gpu", "cpu"] {
        workspace.write(&format!("{name}.csv"), "model,layer,latency_us\na,one,1\n");
    }
    let outcome = explain("two", "table");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    assert_eq!(outcome.stderr, format!("error: layer `two`: `npu0`: {lack}\n"));
    // A layer without support counts once, with all that lack it.
    let outcome = workspace.rtmm(&["cost", "--model", "a.toml", "--platform", "p.toml", "--format", "csv"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("layers that cannot run: 1\n")
            && outcome.stderr.contains(" a layer 1 `two`: `npu0`: "),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_platform_at_a_level_is_named_wherever_a_platform_is() {
    let workspace = Workspace::new();
    let phone = "phone/four_unlike@high";
    let layer = ["--model", "dream/kws_res8", "--layer", "conv1"];
    workspace.rtmm(&["check", phone, "phone/filming"]).success();
    workspace.rtmm(&["cost", "--model", "dream/kws_res8", "--platform", phone]).success();
    let high = workspace.rtmm(&[&["explain"], &layer[..], &["--platform", phone]].concat()).success();
    assert!(high.contains("LPDDR5X, high"), "{high}");
    workspace
        .rtmm(&["run", "--scenario", "phone/filming", "--platform", phone, "--duration", "10ms"])
        .success();
    let sweep = |lines: &str| {
        let text = format!(
            "runner = \"engine\"\nscenarios = [\"phone/filming\"]\nseeds = [1]\npolicy = [{{ name = \"edf\" }}]\n{lines}"
        );
        workspace.write("sweep.toml", text);
        workspace.rtmm(&["check", "sweep.toml"])
    };
    assert!(
        sweep("platforms = [\"phone/*@low\", \"phone/four_unlike@high\"]\n").success().contains("2 cells")
    );
    let outcome = sweep("platforms = [\"phone/four_unlike@low\"]\ntechnology_levels = [\"low\", \"high\"]\n");
    assert_eq!(outcome.code, 2);
    let told = [
        "sweep.toml:5:14",
        "names its choice of costs already",
        "write `phone/four_unlike`, or remove `technology_levels`",
    ];
    assert!(told.iter().all(|told| outcome.stderr.contains(told)), "{}", outcome.stderr);
    let outcome = workspace.rtmm(&["check", "xrbench/single_4k_ws@high"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("names no technology that has a level `high`"), "{}", outcome.stderr);
}

#[test]
fn parameters_that_a_platform_has_no_use_for_are_told() {
    let workspace = Workspace::new();
    let told = |arguments: &[&str]| workspace.rtmm(arguments).stderr;
    let run = ["run", "--scenario", "xrbench/vr_gaming", "--platform", "xrbench/dual_4k_ws_os"];
    let governed = told(&[&run[..], &["--set", "governor=max"]].concat());
    assert!(governed.contains("`governor=max` asks for what the platform does not have"), "{governed}");
    assert_eq!(told(&run), "");
    let sweep = |platforms: &str| {
        workspace.write(
            "sweep.toml",
            format!(
                "runner = \"engine\"\nscenarios = [\"xrbench/vr_gaming\"]\nseeds = [1]\nplatforms = [{platforms}]\n\
                 policy = [{{ name = \"edf\", set = {{ batching = \"up-to-n\" }} }}]\n"
            ),
        );
        told(&["check", "sweep.toml"])
    };
    let nowhere = sweep("\"xrbench/dual_4k_ws_os\"");
    assert!(nowhere.contains("warning: sweep.toml: policy `edf`: `batching=up-to-n` asks for"), "{nowhere}");
    assert_eq!(sweep("\"xrbench/dual_4k_ws_os\", \"examples/server\""), "");
}

#[test]
fn a_scenario_and_a_platform_are_checked_as_a_pair() {
    let workspace = Workspace::new();
    workspace.write("a.toml", MODEL_OF_ONE_LAYER);
    workspace.write(
        "s.toml",
        "source = \"x\"\nduration = \"1ms\"\n[[task]]\nname = \"A\"\nmodel = \"a.toml\"\nperiod = \"1ms\"\n",
    );
    workspace.write(
        "p.toml",
        "source = \"x\"\n[[accelerator]]\nname = \"n\"\nmodel = \"table\"\nfile = \"t.csv\"\n",
    );
    workspace.write("t.csv", "model,layer,latency_us\na,l,1\n");
    let outcome = workspace.rtmm(&["check", "s.toml", "p.toml", "t.csv"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("s.toml on p.toml: every layer has a cost"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("t.csv: cost table, 1 layer of 1 model"), "{}", outcome.stdout);
    workspace.write("t.csv", "model,layer,latency_us\na,other,1\n");
    let outcome = workspace.rtmm(&["check", "s.toml", "p.toml"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("no row for layer `l` of model `a`"), "{}", outcome.stderr);
    workspace.write("jobs.csv", "task,frame\nA,1\n");
    assert!(workspace.rtmm(&["check", "jobs.csv"]).stderr.contains("no table that rtmm knows"));
}

#[test]
fn one_clock_is_one_number_everywhere() {
    let workspace = Workspace::new();
    workspace.write("a.toml", MODEL_OF_ONE_LAYER);
    let accelerator = "{ model = \"systolic\", dataflow = \"os\", rows = 4, cols = 4 }";
    let cost = |clock: &str| {
        workspace.rtmm(&["cost", "--model", "a.toml", "--accelerator", accelerator, "--clock-mhz", clock])
    };
    for (clock, code) in
        [("933.3", 0), ("0.001", 0), ("1000000", 0), ("0", 2), ("-1", 2), ("0.0000001", 2), ("1e3", 2)]
    {
        assert_eq!(cost(clock).code, code, "{clock}: {}", cost(clock).stderr);
    }
    for arguments in [&["cost"][..], &["cost", "--model", "a.toml"]] {
        let outcome = workspace.rtmm(arguments);
        assert_eq!(outcome.code, 2);
        let all = ["--platform", "--accelerator"];
        assert!(all.iter().all(|way| outcome.stderr.contains(way)), "{}", outcome.stderr);
    }
    let outcome = workspace.rtmm(&["run", "--scenario", "a", "--platform", "b", "--seed", "-1"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("invalid value '-1' for '--seed"), "{}", outcome.stderr);
}

#[test]
fn completions_have_built_in_names() {
    let script = Workspace::new().rtmm(&["completions", "bash"]).success();
    for name in
        ["xrbench/vr_gaming", "xrbench/dual_4k_ws_os", "xrbench/es_ritnet", "least-slack", "dysta_breakdown"]
    {
        assert!(script.contains(name), "{name}");
    }
}

const MODEL_OF_ONE_LAYER: &str = "source = \"x\"\ninput = [1, 4, 4]\n\
    layer = [{ name = \"l\", operator = \"convolution\", channels = 1, kernel = 1 }]\n";
