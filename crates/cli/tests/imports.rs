//! `rtmm import MODEL PROFILE`: files of a measured board, which grow with each import, every format, and profiles that
//! make no sense.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests write their inputs and read what was written")]

use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::common::{self, Workspace};

/// A profile of the product `y = x w`, whose node is named by its output.
const PROFILE: &str = "name,time\ny,12.5\n";

/// A network of this project's own, and its profile by ONNX Runtime.
fn with_control_flow() -> Workspace {
    let workspace = Workspace::new();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../import/tests");
    let model = fs::read(tests.join("models/tiny_control_flow.onnx")).expect("a model");
    let profile = fs::File::open(tests.join("profiles/tiny_control_flow.json.gz")).expect("a profile");
    let mut text = Vec::new();
    GzDecoder::new(profile).read_to_end(&mut text).expect("a text");
    workspace.write("net.onnx", model);
    workspace.write("net.json", text);
    workspace
}

fn read(workspace: &Workspace, name: &str) -> String {
    fs::read_to_string(workspace.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A table of one layer of the product, for an accelerator.
fn import(workspace: &Workspace, more: &[&str]) -> common::Outcome {
    let columns = ["--kind", "csv", "--columns", "name=name,p50_us=time"];
    workspace.rtmm(&[&["import"], more, &columns, &["--dim", "N=2"]].concat())
}

#[test]
fn a_model_and_a_profile_become_files_that_run() {
    let workspace = with_control_flow();
    let import =
        ["import", "net.onnx", "net.json", "--dim", "N=1", "--branch", "y=then", "--device", "board"];
    let outcome =
        workspace.rtmm(&[&import[..], &["--warmup", "5", "-o", "mine", "--format", "json"]].concat());
    assert_eq!(
        outcome.stderr,
        "warning: the mean of the quantiles is more than 5 % off the measured mean in 2 of 14 layers, furthest in `f`: \
         3.460 us by the quantiles, 2.938 us measured\n\
         written: mine/net.toml, mine/board.csv, mine/board.toml, mine/scenario.toml\n"
    );
    let report: Value = serde_json::from_str(&outcome.success()).expect("JSON");
    let count = |key: &str| report[key].as_u64().expect("a count");
    let time = |key: &str| report[key].as_f64().expect("a time");
    assert_eq!((report["kind"].as_str(), count("layers")), (Some("ort"), count("by_name") + count("fused")));
    let parts = time("layers_us") + time("other_nodes_us") + time("outside_us");
    assert!((parts - time("run_us")).abs() < 1e-3, "{parts} of {report}");
    let checked =
        workspace.rtmm(&["check", "mine/net.toml", "mine/board.toml", "mine/scenario.toml"]).success();
    assert!(checked.ends_with("every layer has a cost\n"), "{checked}");
    let run =
        ["run", "--scenario", "mine/scenario.toml", "--platform", "mine/board.toml", "--format", "json"];
    let result: Value = serde_json::from_str(&workspace.rtmm(&run).success()).expect("JSON");
    assert!(result.to_string().contains("net"), "{result}");
    // Every execution is in the profile, so that the table has the quantiles of each layer.
    let table = read(&workspace, "mine/board.csv");
    let mut rows = table.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let quantiles =
        ["latency_min_us", "latency_p50_us", "latency_p90_us", "latency_p99_us", "latency_max_us"];
    assert_eq!(rows.next().expect("a header")[2..], quantiles);
    let number = |cell: &&str| cell.parse::<f64>().expect("a time");
    let times: Vec<Vec<f64>> = rows.map(|row| row[2..].iter().map(number).collect()).collect();
    assert!(times.iter().all(|times| times.is_sorted()) && times.len() as u64 == count("layers"), "{table}");
    let sum = |at: usize| times.iter().map(|times| times[at]).sum::<f64>();
    let in_nodes = time("layers_us") + time("other_nodes_us");
    assert!(sum(0) < in_nodes && in_nodes < sum(4), "{} to {} of {in_nodes}", sum(0), sum(4));
}

#[test]
fn times_are_scaled_to_a_run_without_the_profiler() {
    let workspace = with_control_flow();
    let import = ["import", "net.onnx", "net.json", "--dim", "N=1", "--branch", "y=then", "--total-us", "50"];
    let report: Value =
        serde_json::from_str(&workspace.rtmm(&[&import[..], &["--format", "json"]].concat()).success())
            .expect("JSON");
    let number = |key: &str| report[key].as_f64().expect("a number");
    assert_eq!(number("run_us"), 50.0);
    assert!((number("scale") * number("profiled_us") - 50.0).abs() < 1e-6, "{report}");
    insta::assert_snapshot!("joined", workspace.rtmm(&import).success());
}

#[test]
fn a_second_accelerator_and_a_second_model_extend_the_files_of_a_board() {
    let workspace = Workspace::new();
    workspace.write("first.onnx", common::onnx_product());
    workspace.write("second.onnx", common::onnx_product());
    workspace.write("gpu.csv", PROFILE);
    workspace.write("npu.csv", "name,time\ny,3\n");
    let board = ["--device", "board", "-o", "mine"];
    let gpu = [&["first.onnx", "gpu.csv", "--accelerator", "gpu"], &board[..]].concat();
    let outcome = import(&workspace, &gpu);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    // A user's own lines stay.
    let mut platform = read(&workspace, "mine/board.toml");
    platform.push_str("# mine\n");
    workspace.write("mine/board.toml", &platform);
    let npu = [&["first.onnx", "npu.csv", "--accelerator", "npu"], &board[..]].concat();
    let outcome = import(&workspace, &npu);
    assert_eq!(
        outcome.stderr,
        "written: mine/first.toml, mine/board.npu.csv, mine/board.toml, mine/scenario.toml (as it was)\n"
    );
    let second = [&["second.onnx", "npu.csv", "--accelerator", "npu"], &board[..]].concat();
    let outcome = import(&workspace, &second);
    assert_eq!(
        outcome.stderr,
        "written: mine/second.toml, mine/board.npu.csv, mine/board.toml (as it was), mine/scenario.toml\n"
    );
    // A new measurement takes the place of the old one.
    workspace.write("npu.csv", "name,time\ny,4\n");
    assert_eq!(import(&workspace, &npu).code, 0);
    let text = ["mine/board.toml", "mine/scenario.toml", "mine/board.gpu.csv", "mine/board.npu.csv"]
        .map(|name| format!("# {name}\n{}", read(&workspace, name)))
        .join("\n");
    insta::assert_snapshot!("board", text);
    let run = ["run", "--scenario", "mine/scenario.toml", "--platform", "mine/board.toml"];
    // The GPU has no costs of the second model, which the NPU runs alone.
    let alone = workspace.rtmm(&run).success();
    let second = [&["second.onnx", "gpu.csv", "--accelerator", "gpu"], &board[..]].concat();
    assert_eq!(import(&workspace, &second).code, 0);
    assert_ne!(workspace.rtmm(&run).success(), alone);
}

/// A profile by ONNX Runtime of runs of the product `y = x w`, which takes these microseconds.
fn runs_of_product(times: impl IntoIterator<Item = u64>) -> String {
    let mut start = 0;
    let mut event = |(run, time): (usize, u64)| {
        start += 2 * time;
        let at = |cat: &str, name: &str, args: &str| {
            format!(
                r#"{{"cat":"{cat}","ts":{start},"dur":{time},"ph":"X","name":"{name}","args":{{{args}}}}}"#
            )
        };
        let node = at("Node", "y_kernel_time", r#""op_name":"MatMul","node_index":"0""#);
        let comma = if run == 0 { "" } else { "," };
        format!("{comma}{},{node}\n", at("Session", "model_run", ""))
    };
    let events: String = times.into_iter().enumerate().map(&mut event).collect();
    format!("[{events}]")
}

#[test]
fn means_may_take_the_place_of_quantiles() {
    let workspace = Workspace::new();
    workspace.write("net.onnx", common::onnx_product());
    workspace.write("ort.json", runs_of_product([10, 11, 12, 13]));
    workspace.write("trt.json", r#"[{"count":2},{"name":"y","timeMs":0.04,"averageMs":0.02}]"#);
    let import = |profile: &str, kind: &str| {
        let arguments = ["import", "net.onnx", profile, "--kind", kind, "--dim", "N=2", "-o", "mine"];
        workspace.rtmm(&[&arguments[..], &["--device", "board"]].concat()).success();
        read(&workspace, "mine/board.csv")
    };
    let varying = import("ort.json", "ort");
    assert!(varying.starts_with("model,layer,latency_min_us,latency_p50_us,"), "{varying}");
    assert_eq!(import("trt.json", "trtexec"), "model,layer,latency_us\nnet,y,20.000000\n");
    workspace.rtmm(&["check", "mine/board.toml", "mine/scenario.toml"]).success();
    assert_eq!(import("ort.json", "ort"), varying);
}

#[test]
fn quantiles_with_another_mean_than_the_runs_are_told() {
    let workspace = Workspace::new();
    workspace.write("net.onnx", common::onnx_product());
    let import = |times: Vec<u64>| {
        workspace.write("ort.json", runs_of_product(times));
        let outcome = workspace.rtmm(&["import", "net.onnx", "ort.json", "--dim", "N=2", "--format", "json"]);
        let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
        let number = |key: &str| report[key].as_f64();
        (number("layers_us"), number("quantiles_mean_us"), outcome.stderr)
    };
    let with_tail = |of: usize, tail: usize, slow: u64| {
        let short = std::iter::repeat_n(100, of - tail);
        short.chain(std::iter::repeat_n(slow, tail)).collect::<Vec<u64>>()
    };
    let told = |by_quantiles: &str, measured: &str| {
        format!(
            "warning: the mean of the quantiles is more than 5 % off the measured mean in 1 of 1 layers, furthest in `y`: \
             {by_quantiles} us by the quantiles, {measured} us measured\n"
        )
    };
    let tenth = import(with_tail(100, 11, 1_000));
    assert_eq!(tenth, (Some(199.0), Some(370.0), told("370.000", "199.000")));
    let hundredth = import(with_tail(1_000, 10, 100_000));
    assert_eq!(hundredth, (Some(1_099.0), Some(599.5), told("599.500", "1099.000")));
    let (measured, by_quantiles, stderr) = import((100..=200).collect());
    assert_eq!((measured, stderr.as_str()), (Some(150.0), ""));
    assert!(by_quantiles.is_some_and(|mean| (mean - 150.0).abs() < 1.0), "{by_quantiles:?}");
}

#[test]
fn what_a_second_import_does_not_measure_is_told() {
    let workspace = Workspace::new();
    workspace.write("net.onnx", common::onnx_product());
    workspace.write("all.csv", "name,time,bytes,energy\ny,12.5,4096,0.5\n");
    workspace.write("time.csv", "name,time,bytes\ny,13,2048\n");
    let import = |profile: &str, columns: &str| {
        let arguments = ["import", "net.onnx", profile, "--kind", "csv", "--dim", "N=2", "-o", "mine"];
        workspace.rtmm(&[&arguments[..], &["--device", "board", "--columns", columns]].concat())
    };
    let again = "written: mine/net.toml, mine/board.csv, mine/board.toml (as it was), mine/scenario.toml (as it was)\n";
    let all = "name=name,p50=time,bytes=bytes,energy_uj=energy";
    import("all.csv", all).success();
    assert_eq!(import("all.csv", all).stderr, again);
    let lost = "warning: mine/board.csv: 1 rows of `net` had `energy_uj`, which these measurements do not state: it becomes 0\n";
    let outcome = import("time.csv", "name=name,p50=time,bytes=bytes");
    assert_eq!(outcome.stderr, format!("{lost}{again}"));
    assert_eq!(
        read(&workspace, "mine/board.csv"),
        "model,layer,latency_us,energy_uj,dram_bytes\nnet,y,13.000000,0,2048\n"
    );
    assert_eq!(import("time.csv", "name=name,p50=time,bytes=bytes").stderr, again);
}

#[test]
fn model_files_have_layers_and_are_not_replaced_in_silence() {
    let workspace = Workspace::new();
    workspace.write("net.onnx", common::onnx_product());
    workspace.write("empty.onnx", common::onnx_of("Identity", &["x"]));
    let import =
        |model: &str, more: &[&str]| workspace.rtmm(&[&["import", model, "--dim", "N=2"], more].concat());
    let outcome = import("empty.onnx", &["-o", "mine"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert_eq!(
        outcome.stderr,
        "error: empty.onnx: no node of the model is a layer with work, and a model file has one at least\n \
         |\n = help: leave --output out: all counts are printed all the same\n"
    );
    assert!(!workspace.path("mine").exists());
    import("empty.onnx", &[]).success();
    let written = "1 layers in mine/net.toml\n";
    for _ in 0..2 {
        assert_eq!(import("net.onnx", &["-o", "mine"]).stderr, written);
    }
    workspace.write("mine/net.toml", read(&workspace, "mine/net.toml") + "# mine\n");
    assert_eq!(
        import("net.onnx", &["-o", "mine"]).stderr,
        format!("warning: mine/net.toml was another form of the model, which is gone\n{written}")
    );
}

#[test]
fn totals_that_contradict_their_rows_are_told_with_and_without_a_model() {
    let workspace = Workspace::new();
    workspace.write("net.onnx", common::onnx_product());
    workspace.write(
        "rknn.txt",
        "ID  OpType  Target  InputShape  OutputShape  Time(us)  RW(KB)  FullName\n\
         1   MatMul  NPU     (2,4)       (2,3)        7         2       MatMul:y\n\
         Total Operator Elapsed Per Frame Time(us): 9\n",
    );
    let told = "warning: rknn.txt: the layers take 7us together, and the total says 9us\n";
    for arguments in [&["rknn.txt"][..], &["net.onnx", "rknn.txt", "--dim", "N=2"]] {
        let outcome = workspace.rtmm(&[&["import"], arguments, &["--kind", "rknn"]].concat());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, told), "{arguments:?}");
    }
}

#[test]
fn every_format_joins_with_the_files_beside_it() {
    let workspace = Workspace::new();
    workspace.write("net.onnx", common::onnx_product());
    workspace.write("trt.json", r#"[{"count":2},{"name":"y","averageMs":0.02}]"#);
    workspace.write("layers.json", r#"{"Layers":[{"Name":"y","LayerType":"gemm"}]}"#);
    workspace.write("times.json", r#"[{"computeMs":9},{"computeMs":0.012},{"computeMs":0.008}]"#);
    workspace.write("vela.csv", "TFLite_operator,Op Cycles,Name\nFULLY_CONNECTED,500,y\n");
    workspace.write("summary.csv", "core_clock,cycles_total\n500000000.0,600\n");
    workspace.write(
        "rknn.txt",
        "ID  OpType  Target  InputShape  OutputShape  Time(us)  RW(KB)  FullName\n\
         1   MatMul  NPU     (2,4)       (2,3)        7         2       MatMul:y\n\
         Total Operator Elapsed Per Frame Time(us): 7\n",
    );
    workspace.write(
        "tflite.txt",
        "Operator-wise Profiling Info for Regular Benchmark Runs:\n===== Run Order =====\n\
         node type, avg_ms, times called, name\nFULLY_CONNECTED, 0.5, 1, [y]:0\n\n\
         Timings (microseconds): count=3 curr=500\n",
    );
    workspace.write("table.csv", "name;time\ny;4\n");
    let report = |arguments: &[&str]| -> Value {
        let beside = ["import", "net.onnx", arguments[0], "--dim", "N=2", "--format", "json", "--kind"];
        serde_json::from_str(&workspace.rtmm(&[&beside, &arguments[1..]].concat()).success()).expect("JSON")
    };
    let trtexec =
        ["trt.json", "trtexec", "--layer-info", "layers.json", "--times", "times.json", "--warmup", "1"];
    for (arguments, run_us, scale) in [
        (&trtexec[..], 10.0, Some(0.5)),
        (&["vela.csv", "vela", "--summary", "summary.csv"], 1.2, None),
        (&["vela.csv", "vela", "--clock-mhz", "100"], 5.0, None),
        (&["rknn.txt", "rknn"], 7.0, None),
        (&["tflite.txt", "tflite"], 500.0, None),
        (&["table.csv", "csv", "--columns", "name=name", "--columns", "p50=time,unit=ms"], 4000.0, None),
    ] {
        let report = report(arguments);
        assert_eq!(report["by_name"], 1, "{arguments:?} {report}");
        assert_eq!(report["run_us"].as_f64(), Some(run_us), "{arguments:?} {report}");
        assert_eq!(report["scale"].as_f64(), scale, "{arguments:?} {report}");
    }
}

#[test]
fn joins_that_make_no_sense() {
    let workspace = Workspace::new();
    workspace.write("net.onnx", common::onnx_product());
    workspace.write("good.csv", PROFILE);
    workspace.write("negative.csv", "name,time\ny,-1\n");
    workspace.write("other.csv", "name,time\nz,1\n");
    workspace.write("half.json", "[{\"cat\":\"Session\",\"name\":\"model_run\",\"ts\":1,");
    workspace.write("table.txt", "ID OpType Target InputShape OutputShape RW(KB) FullName\n");
    workspace.write("layers.json", "[]");
    fs::create_dir(workspace.path("taken")).expect("a folder");
    workspace.write("taken/board.csv", "a,b\n1,2\n");
    fs::create_dir(workspace.path("listed")).expect("a folder");
    workspace.write(
        "listed/board.toml",
        "source = \"a test\"\naccelerator = [{ name = \"cpu\", model = \"systolic\", dataflow = \"os\", rows = 4, cols = 4 }]\n",
    );
    let mut transcript = String::new();
    let mut refused = |arguments: &[&str]| {
        let outcome = workspace.rtmm(&[&["import"], arguments].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}");
        transcript.push_str(&format!("$ rtmm import {}\n{}\n", arguments.join(" "), outcome.stderr));
    };
    let model = ["net.onnx", "--dim", "N=2"];
    let columns = ["--kind", "csv", "--columns", "name=name,p50_us=time"];
    for profile in ["negative.csv", "other.csv", "missing.csv", "."] {
        refused(&[&model[..1], &[profile], &model[1..], &columns].concat());
    }
    for (profile, kind) in [
        ("half.json", "ort"),
        ("good.csv", "ort"),
        ("good.csv", "trtexec"),
        ("table.txt", "rknn"),
        ("good.csv", "tflite"),
        ("good.csv", "vela"),
        ("good.csv", "csv"),
        ("good.csv", "tensorflow"),
    ] {
        refused(&[&model[..1], &[profile], &model[1..], &["--kind", kind]].concat());
    }
    let good = [&model[..1], &["good.csv"], &model[1..], &columns].concat();
    for more in [
        &["--columns", "p50=other"][..],
        &["--columns", "p52=other"],
        &["--columns", "unit=min"],
        &["--total-us", "0"],
        &["--total-us", "-3"],
        &["--times", "layers.json"],
        &["--clock-mhz", "0"],
        &["--warmup", "1"],
        &["--device", "net", "-o", "mine"],
        &["--device", "a b", "-o", "mine"],
        &["--device", "board.x", "-o", "mine"],
        &["--accelerator", "a/b", "-o", "mine"],
        &["--times", "layers.json", "--total-us", "3"],
        &["--device", "board", "-o", "taken"],
        &["--device", "board", "-o", "listed"],
        &["--device", "good", "-o", "."],
        &["--map", "*=net.toml"],
    ] {
        refused(&[&good[..], more].concat());
    }
    let trtexec = ["good.csv", "--kind", "trtexec", "--layer-info", "missing.json"];
    refused(&trtexec);
    refused(&["net.onnx", "--dim", "N=2", "--times", "layers.json"]);
    insta::assert_snapshot!("joins", transcript);
    assert!(!workspace.path("mine").exists());
}
