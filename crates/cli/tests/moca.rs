//! `rtmm cost --compat moca` and `rtmm run --compat moca`: output on good input, and refusals of bad input.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "these tests write their inputs, and bound the time of the largest"
)]

use crate::common;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use common::Workspace;
use serde_json::{Value, json};

const HEADER: &str = "case,kind,batch,in_dim,in_channels,out_channels,out_dim,stride,dilation,padding,kernel,pool_size,\
                      pool_stride,pool_padding,pool_ceil,dim_i,dim_j,dim_k,tiles,batch_divide,tile_index";
const CONV: &str = "c,conv,1,224,3,64,112,2,1,3,7,3,2,1,0,,,,2,1,0";
const FC: &str = "f,fc,,,,,,,,,,,,,,3136,64,64,2,1,1";
const RESADD: &str = "r,resadd,,,,,,,,,,,,,,3136,256,,2,1,0";
const POOL: &str = "p,pool,1,55,64,64,27,,,,,3,2,0,,,,,1,1,0";
const QUERY: &str = ",group,mode,table_from_dram,table_prediction,u0,u1,u2,u3,s0,s1,s2,s3,priority,dispatch,target,togo,elapsed";
const COST: [&str; 5] = ["cost", "--compat", "moca", "--layers", "calls.csv"];
const RUN: [&str; 5] = ["run", "--compat", "moca", "--case", "case.json"];

const PLANS: &str = r#"{"case": "three", "scheduler": "multi", "source": "by hand",
 "tasks": [{"task": 0, "model": "resnet50", "priority": 4, "dispatch_cycle": 0},
           {"task": 1, "model": "squeezenet", "priority": 9, "dispatch_cycle": 80000},
           {"task": 2, "model": "yolo-lite", "priority": 0, "dispatch_cycle": 90000},
           {"task": 3, "model": "kws", "priority": 0, "dispatch_cycle": 100000},
           {"task": 4, "model": "kws", "priority": 0, "dispatch_cycle": 100000},
           {"task": 5, "model": "resnet50", "priority": 0, "dispatch_cycle": 6000000}],
 "calls": [{"now_cycle": 0, "set_status": [], "expect": {"rounds": 9}},
           {"now_cycle": 20000000, "set_status": [[0, -1], [1, -1], [2, 100]]},
           {"now_cycle": 40000000}]}
"#;
const TRACE: &str = r#"{"trace": "full_rate", "cycles": 300,
 "stream": [["one", 0, 1, 64, 32, 1], ["repeat", 1400, 1, 1, 1, 64, 32]]}
"#;

fn table(header: &str, rows: &[&str]) -> String {
    format!("{header}\n{}\n", rows.join("\n"))
}

/// A row with another value in one of its cells.
fn with(row: &str, column: &str, value: &str) -> String {
    let header = format!("{HEADER}{QUERY}");
    let index = header.split(',').position(|name| name == column).expect("a column");
    let mut cells: Vec<&str> = row.split(',').collect();
    cells[index] = value;
    cells.join(",")
}

#[test]
fn estimates_and_settings() {
    let workspace = Workspace::new();
    workspace.write("calls.csv", table(HEADER, &[CONV, FC, RESADD, POOL]));
    let mut text = String::new();
    for more in [&["--format", "csv"][..], &["--format", "json"], &["--format", "table"]] {
        let arguments = [&COST[..], more].concat();
        let _ = write!(text, "$ rtmm {}\n{}\n", arguments.join(" "), workspace.rtmm(&arguments).success());
    }
    let query = |layer: &str, query: &str| format!("{layer},{query}");
    let rows = [
        query(FC, "1,0,13440,30280,47,4,54,60,17,14,50,54,1,1152242,10000000,11107021,1245241"),
        query(
            &with(FC, "tile_index", "0"),
            "1,0,13440,30280,47,4,54,60,17,14,50,54,1,1152242,10000000,11107021,1245241",
        ),
        query(RESADD, "0,0,,,0,90,54,60,17,14,50,54,1,1152242,10000000,11107021,1245241"),
        query(CONV, "0,30,13440,30280,9,90,54,60,17,14,50,54,1,1152242,10000000,11107021,1245241"),
    ];
    workspace.write("calls.csv", table(&format!("{HEADER}{QUERY}"), &rows.each_ref().map(String::as_str)));
    let _ = write!(text, "$ rtmm {}\n{}\n", COST.join(" "), workspace.rtmm(&COST).success());
    insta::assert_snapshot!("costs", text);
}

/// A table that has its results already is read as it is.
#[test]
fn results_can_be_costed_again() {
    let workspace = Workspace::new();
    workspace.write("calls.csv", table(HEADER, &[CONV, FC, RESADD, POOL]));
    let first = workspace.rtmm(&COST).success();
    let columns = |line: &str| line.split_once(',').map(|(_, rest)| rest.to_owned()).expect("a row");
    let layers = [HEADER, CONV, FC, RESADD, POOL];
    let joined: Vec<String> = layers
        .iter()
        .zip(first.lines())
        .map(|(layer, result)| format!("{layer},{}", columns(result)))
        .collect();
    workspace.write("calls.csv", joined.join("\n"));
    assert_eq!(workspace.rtmm(&COST).success(), first);
}

#[test]
fn plans_and_traces() {
    let workspace = Workspace::new();
    let mut text = String::new();
    for case in [PLANS, &PLANS.replace("multi", "single"), TRACE] {
        workspace.write("case.json", case);
        for more in [&["--format", "json"][..], &["--format", "csv"], &[]] {
            let arguments = [&RUN[..], more].concat();
            let _ =
                write!(text, "$ rtmm {}\n{}\n", arguments.join(" "), workspace.rtmm(&arguments).success());
        }
    }
    insta::assert_snapshot!("cases", text);
}

/// The forms have the fields of recorded cases, and no others.
#[test]
fn fields_are_those_of_recordings() {
    let workspace = Workspace::new();
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().expect("an object").keys().cloned().collect() };
    let run = |case: &str| -> Value {
        workspace.write("case.json", case);
        let text = workspace.rtmm(&[&RUN[..], &["--format", "json"]].concat()).success();
        serde_json::from_str(&text).expect("this is JSON")
    };
    let multi = run(PLANS);
    assert_eq!(keys(&multi), ["calls", "case"]);
    assert_eq!(keys(&multi["calls"][0]), ["iterations", "pairs", "queues", "rounds", "status"]);
    assert_eq!(
        keys(&multi["calls"][0]["iterations"][0]),
        ["candidates", "frontier_cycle", "horizon", "predicted_finish"]
    );
    let single = run(&PLANS.replace("multi", "single"));
    assert_eq!(keys(&single["calls"][0]), ["queue", "rounds", "status"]);
    assert_eq!(single["calls"][2], json!({ "rounds": -1, "queue": [], "status": [0, 0, 100, 0, 0, 0] }));
    let trace = run(TRACE);
    assert_eq!(keys(&trace), ["accepted", "final", "pauses", "stalls"]);
    assert_eq!(trace["pauses"], json!([[67, 31, 48, 7], [180, 35, 64, 3]]));
}

/// Commands that must be refused with exit code 2, and their messages.
struct Refusals {
    workspace: Workspace,
    text: String,
}

impl Refusals {
    fn new() -> Self {
        Self { workspace: Workspace::new(), text: String::new() }
    }

    #[track_caller]
    fn refused(&mut self, arguments: &[&str]) {
        let outcome = self.workspace.rtmm(arguments);
        let end = (outcome.code, outcome.stdout.as_str());
        assert_eq!(end, (2, ""), "rtmm {arguments:?}\n{}", outcome.stderr);
        let _ = write!(self.text, "$ rtmm {}\n{}\n", arguments.join(" "), outcome.stderr);
    }

    #[track_caller]
    fn bad_calls(&mut self, text: &str) {
        self.workspace.write("calls.csv", text);
        self.refused(&COST);
    }

    #[track_caller]
    fn bad_case(&mut self, text: &str) {
        self.workspace.write("case.json", text);
        self.refused(&RUN);
    }
}

#[test]
fn calls_that_make_no_sense() {
    let mut refusals = Refusals::new();
    refusals.bad_calls("");
    refusals.bad_calls(&table(HEADER, &[]));
    refusals.bad_calls("case,kind,batch\nc,conv,1\n");
    refusals.bad_calls("source\nx\n");
    refusals.bad_calls(&table(&format!("{HEADER},colour"), &[&format!("{CONV},red")]));
    refusals.bad_calls(&table(&format!("{HEADER},group,mode"), &[&format!("{CONV},0,0")]));
    refusals.bad_calls(&table(HEADER, &["c,conv,1,224,3"]));
    let changed = [
        with(CONV, "case", ""),
        with(CONV, "kind", "cnv"),
        with(CONV, "kind", ""),
        with(CONV, "batch", "0"),
        with(CONV, "in_dim", "-224"),
        with(CONV, "in_channels", "65536"),
        with(CONV, "out_channels", "64.5"),
        with(CONV, "out_dim", ""),
        with(CONV, "stride", "0"),
        with(CONV, "kernel", "99999999999999999999"),
        with(CONV, "pool_ceil", "2"),
        with(CONV, "dim_i", "7"),
        with(CONV, "tiles", "9"),
        with(CONV, "tiles", "0"),
        with(CONV, "tile_index", "2"),
        with(&with(CONV, "tiles", "4"), "batch_divide", "3"),
        with(FC, "batch", "1"),
        with(FC, "dim_j", "1000001"),
        with(RESADD, "dim_k", "3"),
        with(POOL, "kernel", "3"),
        with(POOL, "out_channels", "63"),
        with(POOL, "pool_stride", "0"),
    ];
    refusals.bad_calls(&table(HEADER, &changed.each_ref().map(String::as_str)));
    let impossible = [
        with(CONV, "pool_size", "200"),
        with(CONV, "batch_divide", "2"),
        with(&with(CONV, "kernel", "255"), "dilation", "255"),
        with(&with(&with(CONV, "in_dim", "65535"), "in_channels", "65535"), "batch", "65535"),
        with(&with(FC, "dim_i", "1000000"), "dim_j", "1000000"),
        with(&with(RESADD, "dim_i", "1"), "dim_j", "1"),
        with(POOL, "in_dim", "20"),
    ];
    refusals.bad_calls(&table(HEADER, &impossible.each_ref().map(String::as_str)));
    let header = format!("{HEADER}{QUERY}");
    let query = "1,0,13440,30280,47,4,54,60,17,14,50,54,1,1152242,10000000,11107021,1245241";
    let good = format!("{FC},{query}");
    let changed = [
        with(&good, "group", "4"),
        with(&good, "mode", "-2"),
        with(&good, "table_from_dram", "-1"),
        with(&good, "table_prediction", "0"),
        with(&good, "u0", "2147483648"),
        with(&good, "s3", ""),
        with(&good, "priority", "high"),
        with(&good, "target", "2147483648"),
        with(&good, "togo", "9223372036854775808"),
        with(&good, "elapsed", "18446744073709551615"),
        format!("{RESADD},{query}"),
        format!("{POOL},{query}"),
    ];
    refusals.bad_calls(&table(&header, &changed.each_ref().map(String::as_str)));
    insta::assert_snapshot!("bad_calls", refusals.text);
}

#[test]
fn cases_that_make_no_sense() {
    let mut refusals = Refusals::new();
    refusals.bad_case("");
    refusals.bad_case("[]");
    refusals.bad_case("{}");
    refusals.bad_case(&PLANS[..PLANS.len() - 20]);
    refusals.bad_case(&PLANS.replace("multi", "both"));
    refusals.bad_case(&PLANS.replace("\"now_cycle\": 0", "\"now\": 0"));
    refusals.bad_case(&PLANS.replace("\"task\": 2", "\"task\": 1"));
    refusals.bad_case(&PLANS.replace("\"task\": 1", "\"task\": 2"));
    refusals
        .bad_case(&PLANS.replace("squeezenet", "squeezent").replace("\"priority\": 4", "\"priority\": 12"));
    refusals.bad_case(&PLANS.replace("80000", "8000000"));
    refusals.bad_case(&PLANS.replace("80000", "-1").replace("20000000", "99999999999"));
    refusals.bad_case(
        &PLANS.replace("[0, -1]", "[6, -1]").replace("[1, -1]", "[1, 4]").replace("[2, 100]", "[2]"),
    );
    refusals.bad_case(r#"{"case": "none", "scheduler": "multi", "tasks": [], "calls": []}"#);
    refusals.bad_case(&TRACE.replace("300", "0"));
    refusals.bad_case(&TRACE.replace("300", "10000000000").replace("1400", "99999999"));
    refusals.bad_case(&TRACE.replace("\"one\", 0", "\"one\", 2"));
    refusals.bad_case(&TRACE.replace("\"one\", 0, 1", "\"one\", 0, 3"));
    refusals.bad_case(&TRACE.replace("64, 32, 1]", "65536, -1, 2]"));
    refusals.bad_case(&TRACE.replace("\"repeat\", 1400", "\"repeat\""));
    refusals.bad_case(&TRACE.replace("\"one\", 0", "\"two\", 0"));
    refusals.bad_case(r#"{"trace": "odd", "cycles": 3, "stream": [[], 7, ["one"]], "colour": "red"}"#);
    let most = r#"["repeat", 10000000, 0, 0, 1, 4, 4]"#;
    refusals.bad_case(&format!(r#"{{"trace": "long", "cycles": 9, "stream": [{most}, {most}]}}"#));
    insta::assert_snapshot!("bad_cases", refusals.text);
}

#[test]
fn arguments_that_make_no_sense() {
    let mut refusals = Refusals::new();
    refusals.workspace.write("calls.csv", table(HEADER, &[CONV]));
    refusals.workspace.write("case.json", PLANS);
    refusals.refused(&["cost", "--compat", "moca", "--model", "xrbench/es_ritnet"]);
    refusals.refused(&["cost", "--compat", "moca", "--layers", "nowhere.csv"]);
    refusals.refused(&["cost", "--compat", "xrbench", "--layers", "calls.csv"]);
    refusals.refused(&[&COST[..], &["--platform", "xrbench/single_4k_ws"]].concat());
    refusals.refused(&[&COST[..], &["--threads", "2"]].concat());
    refusals.refused(&["explain", "--layers", "calls.csv", "--layer", "c", "--compat", "moca"]);
    refusals.refused(&[&RUN[..], &["--policy", "edf"]].concat());
    refusals.refused(&[&RUN[..], &["--platform", "xrbench/single_4k_ws"]].concat());
    refusals.refused(&[&RUN[..], &["--scenario", "xrbench/vr_gaming"]].concat());
    refusals.refused(&["run", "--compat", "moca", "--scenario", "xrbench/vr_gaming"]);
    refusals.refused(&["run", "--compat", "xrbench", "--case", "case.json"]);
    refusals.refused(&["run", "--case", "case.json"]);
    refusals.refused(&["run", "--compat", "moca", "--case", "nowhere.json"]);
    insta::assert_snapshot!("bad_arguments", refusals.text);
}

/// The largest inputs that are taken end soon.
#[test]
fn the_largest_inputs_end() {
    let workspace = Workspace::new();
    let most = |row: &str, columns: &[&str], value: &str| {
        columns.iter().fold(row.to_owned(), |row, column| with(&row, column, value))
    };
    let long = most(CONV, &["in_dim", "out_dim"], "65535");
    let deep = most(&most(CONV, &["in_channels", "out_channels"], "65535"), &["in_dim", "out_dim"], "8");
    let rows = [
        long,
        deep,
        most(CONV, &["kernel", "stride", "dilation"], "255"),
        most(FC, &["dim_i"], "1000000"),
        most(RESADD, &["dim_i"], "1000000"),
        most(POOL, &["in_dim", "out_dim"], "65535"),
    ];
    let start = Instant::now();
    for row in rows {
        workspace.write("calls.csv", table(HEADER, &[&row]));
        workspace.rtmm(&COST);
    }
    workspace.write(
        "case.json",
        r#"{"trace": "long", "cycles": 1000000, "stream": [["one", 0, 1, 2, 1, 1], ["repeat", 9999999, 1, 1, 4, 2, 0]]}"#,
    );
    workspace.rtmm(&RUN).success();
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
