//! `rtmm run --compat dysta`: what it prints and writes on good input, and what it says to bad input.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests read what was written")]

use crate::common;

use std::fmt::Write as _;
use std::fs;

use common::Workspace;
use rtmm_reference::dysta::{
    DEFAULT_SEQUENCE_LENGTH, Generator, LookUpTables, Parameters, Policy, Predictor, RequestPlan,
};
use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_workload::{SampleTrace, Schema};
use serde_json::Value;

const DENSE: &str = "\
sim_lat,overall-sparsity,batch-indx,layer-indx
0.010,0.5,0,0
0.020,0.4,0,1
0.030,0.3,1,0
0.020,0.2,1,1
";
const SPARSE: &str = "\
sim_lat,overall-sparsity,batch-indx,layer-indx
0.004,0.8,0,0
0.006,0.7,0,1
";
const REQUESTS: &str = "\
arrival_s,model,sample,priority,relative_deadline_s
0.0,net_dense,1,1,0.06
0.005,net_sparse,0,9,0.03
0.07,net_dense,0,3,0.1
";
const RUN: [&str; 7] = ["run", "--compat", "dysta", "--requests", "log.csv", "--traces", "traces"];
const HEADER: &str = "arrival_s,model,sample,priority,relative_deadline_s\n";

/// Two traces in a folder, and requests to them.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    fs::create_dir(workspace.path("traces")).expect("a folder");
    workspace.write("traces/net_dense.eyerissv2.csv", DENSE);
    workspace.write("traces/net_sparse.eyerissv2.csv", SPARSE);
    workspace.write("traces/notes.txt", "no trace");
    workspace.write("log.csv", REQUESTS);
    workspace
}

fn json(workspace: &Workspace, arguments: &[&str]) -> Value {
    let text = workspace.rtmm(&[arguments, &["--format", "json"]].concat()).success();
    serde_json::from_str(&text).expect("this is JSON")
}

#[test]
fn runs() {
    let workspace = workspace();
    let mut text = String::new();
    for more in [
        &[][..],
        &["--policy", "dysta_oracle", "--set", "beta=0.1"],
        &["--policy", "planaria", "--format", "csv"],
        &["--policy", "sdrm3", "--set", "alpha=0.5", "--set", "seq_len=128", "--format", "json"],
    ] {
        let arguments = [&RUN[..], more].concat();
        let printed = workspace.rtmm(&arguments).success();
        let _ = write!(text, "$ rtmm {}\n{printed}\n", arguments.join(" "));
    }
    workspace.rtmm(&[&RUN[..], &["--policy", "fcfs", "--jobs", "jobs.csv"]].concat()).success();
    let jobs = fs::read_to_string(workspace.path("jobs.csv")).expect("the jobs were written");
    let _ = write!(text, "$ cat jobs.csv\n{jobs}");
    insta::assert_snapshot!("runs", text);
}

/// A folder is its files in the order of their names.
#[test]
fn a_folder_is_its_files() {
    let workspace = workspace();
    let files = "traces/net_dense.eyerissv2.csv,traces/net_sparse.eyerissv2.csv";
    let listed = json(&workspace, &[&RUN[..6], &[files]].concat());
    assert_eq!(json(&workspace, &RUN), listed);
    assert_eq!(listed["traces"], serde_json::json!(["net_dense", "net_sparse"]));
    let twice = ["--traces", "traces/net_sparse.eyerissv2.csv", "--traces", "traces/net_dense.eyerissv2.csv"];
    let reversed = json(&workspace, &[&RUN[..5], &twice].concat());
    assert_eq!(reversed["traces"], serde_json::json!(["net_sparse", "net_dense"]));
    assert_eq!(reversed["decision_fnv1a64"], listed["decision_fnv1a64"]);
}

/// Files written with the shortest decimals come back as the loop's own doubles.
#[test]
fn times_are_the_loops_to_the_last_bit() {
    let random = &mut MersenneTwister::new(5);
    let mut values = |low: f64, high: f64, count: usize| -> Vec<f64> {
        (0..count).map(|_| low + (high - low) * random.unit()).collect()
    };
    let traces = [
        SampleTrace::of_values(
            "bert_a".to_owned(),
            Schema::Sanger,
            12,
            values(0.05, 0.6, 120),
            values(0.4, 0.9, 120),
        ),
        SampleTrace::of_values(
            "net_b".to_owned(),
            Schema::EyerissV2,
            7,
            values(0.1, 0.9, 70),
            values(1e-4, 9e-3, 70),
        ),
    ];
    let tables = LookUpTables::of(&traces, DEFAULT_SEQUENCE_LENGTH).expect("tables");
    let plan = RequestPlan { requests: 300, rate_per_s: 60.0, deadline_multiplier: 3.0, all_samples: false };
    let requests = Generator::new(11).requests(&tables, &plan);
    let workspace = Workspace::new();
    workspace.write("bert_a.sanger.csv", traces[0].to_csv());
    workspace.write("net_b.eyerissv2.csv", traces[1].to_csv());
    let mut text = HEADER.to_owned();
    for request in &requests {
        let name = &traces[request.model.index()].name;
        let (arrival, sample) = (request.arrival_s, request.sample);
        let _ =
            writeln!(text, "{arrival},{name},{sample},{},{}", request.priority, request.relative_deadline_s);
    }
    workspace.write("log.csv", text);
    for policy in Policy::ALL {
        let parameters = Parameters { beta: 0.02, predictor: Predictor::LastN, ..Parameters::of(policy) };
        let outcome = rtmm_reference::dysta::run(&tables, &requests, &parameters).expect("a run");
        let arguments = [
            &RUN[..6],
            &["bert_a.sanger.csv,net_b.eyerissv2.csv", "--policy", policy.name(), "--jobs", "jobs.csv"],
            &["--set", "beta=0.02", "--set", "predictor=last-n"],
        ]
        .concat();
        let report = json(&workspace, &arguments);
        assert_eq!(report["decision_fnv1a64"], format!("{:016x}", outcome.decision_fnv1a64));
        let jobs = fs::read_to_string(workspace.path("jobs.csv")).expect("the jobs were written");
        let mut reader = csv::Reader::from_reader(jobs.as_bytes());
        let rows: Vec<(usize, String, [f64; 4])> =
            reader.deserialize().map(|row| row.expect("a row")).collect();
        assert_eq!(rows.len(), outcome.jobs.len());
        for (index, ((request, model, times), job)) in rows.iter().zip(&outcome.jobs).enumerate() {
            assert_eq!((*request, model), (index, &traces[requests[index].model.index()].name));
            assert_eq!(*times, [job.arrival_s, job.deadline_s, job.start_s, job.finish_s], "{policy:?}");
        }
    }
}

/// Commands that must be refused with exit code 2, and what they say.
struct Refusals {
    workspace: Workspace,
    text: String,
}

impl Refusals {
    #[track_caller]
    fn refused(&mut self, arguments: &[&str]) {
        let outcome = self.workspace.rtmm(arguments);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (2, ""),
            "rtmm {arguments:?}\n{}",
            outcome.stderr
        );
        let _ = write!(self.text, "$ rtmm {}\n{}\n", arguments.join(" "), outcome.stderr);
    }

    /// Runs requests of these rows.
    #[track_caller]
    fn bad_requests(&mut self, text: &str) {
        self.workspace.write("bad.csv", text);
        self.refused(&["run", "--compat", "dysta", "--requests", "bad.csv", "--traces", "traces"]);
    }

    /// Runs with these traces beside the good ones.
    #[track_caller]
    fn bad_trace(&mut self, name: &str, text: &str) {
        self.workspace.write(name, text);
        let traces = format!("traces/net_dense.eyerissv2.csv,{name}");
        self.refused(&["run", "--compat", "dysta", "--requests", "log.csv", "--traces", &traces]);
    }
}

#[test]
fn bad_requests() {
    let mut refusals = Refusals { workspace: workspace(), text: String::new() };
    refusals.bad_requests("");
    refusals.bad_requests("arrival_s,model,sample\n0.1,net_dense,0\n");
    refusals.bad_requests(HEADER);
    // Cut off in the middle of a row.
    refusals.bad_requests(&format!("{HEADER}0.1,net_dense,0,1,0.5\n0.2,net_den"));
    let rows = "0.1,net_dens,0,1,0.5\n0.1,net_dens,0,1,0.5\n0.2,,0,1,0.5\n0.3,net_sparse,7,1,0.5\n\
                0.25,net_dense,0,0.5,0.5\n0.4,net_dense,0,1,0\n0.5,net_dense,0,1,-1\n\
                nan,net_dense,-1,high,inf\n0.45,net_dense,0,1,1e300\n";
    refusals.bad_requests(&format!("{HEADER}{rows}"));
    refusals.bad_requests(&format!("{}0.1,net_dense,0,1,0.5,red\n", HEADER.replace('\n', ",colour\n")));
    insta::assert_snapshot!("bad_requests", refusals.text);
}

#[test]
fn bad_traces() {
    let mut refusals = Refusals { workspace: workspace(), text: String::new() };
    refusals.bad_trace("cut.csv", &SPARSE[..SPARSE.len() - 10]);
    refusals.bad_trace("row.csv", "sim_lat,overall-sparsity,batch-indx,layer-indx\n0.1,0.5,0,1\n");
    refusals.bad_trace("mixed.csv", "sim_lat,50%-skip,overall-sparsity,batch-indx,layer-indx\n");
    refusals.bad_trace("zeros.csv", &SPARSE.replace(",0.8,", ",1,"));
    refusals.bad_trace("net_short.csv", "sim_lat,overall-sparsity,batch-indx,layer-indx\n0.1,0.5,0,0\n");
    refusals.bad_trace("net_dense.csv", SPARSE);
    refusals.bad_trace("blank.csv", "");
    fs::create_dir(refusals.workspace.path("empty")).expect("a folder");
    refusals.refused(&[&RUN[..6], &["empty"]].concat());
    refusals.refused(&[&RUN[..6], &["empty,nowhere.csv,traces"]].concat());
    insta::assert_snapshot!("bad_traces", refusals.text);
}

#[test]
fn bad_arguments() {
    let mut refusals = Refusals { workspace: workspace(), text: String::new() };
    for more in [
        &["--policy", "dysta_orcale"][..],
        &["--policy", "edf"],
        &["--set", "betta=1"],
        &["--set", "beta"],
        &["--set", "beta=much"],
        &["--set", "beta=1", "--set", "beta=2"],
        &["--set", "seq_len=0"],
        &["--set", "predictor=best"],
        &["--platform", "xrbench/single_4k_ws"],
        &["--scenario", "xrbench/vr_gaming"],
        &["--duration", "1s"],
    ] {
        refusals.refused(&[&RUN[..], more].concat());
    }
    refusals.refused(&RUN[..5]);
    refusals.refused(&["run", "--compat", "dysta", "--scenario", "xrbench/vr_gaming", "--traces", "traces"]);
    refusals.refused(&["run", "--compat", "xrbench", "--requests", "log.csv", "--traces", "traces"]);
    refusals.refused(&["run", "--compat", "xrbench", "--scenario", "xrbench/vr_gaming"]);
    insta::assert_snapshot!("bad_arguments", refusals.text);
}

/// The same call without `--compat` runs on the engine: no quirk fires on these requests, so that both do the
/// same, and say so under the same names.
#[test]
fn the_engine_runs_the_same_call() {
    let workspace = workspace();
    let call = &RUN[3..];
    let shared = ["violation_rate", "decisions", "switches", "decision_fnv1a64"];
    for policy in ["fcfs", "sjf", "sjf_sparse", "prema", "sdrm3", "dysta-naive", "dysta", "dysta_oracle"] {
        let of = |run: &[&str], jobs: &str| {
            let more = ["--policy", policy, "--set", "alpha=1", "--set", "beta=0.01", "--set", "seq_len=512"];
            json(&workspace, &[run, call, &more, &["--jobs", jobs]].concat())
        };
        let (of_loop, of_engine) = (of(&RUN[..3], "loop.csv"), of(&RUN[..1], "engine.csv"));
        for key in shared {
            assert_eq!(of_loop[key], of_engine[key], "{key} of {policy}");
        }
        for key in ["antt", "stp"] {
            let (one, other) = (of_loop[key].as_f64(), of_engine[key].as_f64());
            let distance = one.zip(other).map(|(one, other)| (one - other).abs());
            assert!(
                distance.is_some_and(|distance| distance < 1e-9),
                "{key} of {policy}: {one:?}, {other:?}"
            );
        }
        let rows = |file: &str| -> Vec<Vec<String>> {
            let text = fs::read_to_string(workspace.path(file)).expect("the jobs were written");
            text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
        };
        let (of_loop, of_engine) = (rows("loop.csv"), rows("engine.csv"));
        assert_eq!(of_loop.len(), of_engine.len());
        for (one, other) in of_loop.iter().zip(&of_engine) {
            assert_eq!(one[..2], other[..2], "{policy}");
            for (one, other) in one[2..].iter().zip(&other[2..]) {
                match (one.parse::<f64>(), other.parse::<f64>()) {
                    (Ok(one), Ok(other)) => assert!((one - other).abs() < 1e-9, "{policy}: {one} {other}"),
                    _ => assert_eq!(one, other, "{policy}"),
                }
            }
        }
    }
}

#[test]
fn calls_of_the_engine_that_make_no_sense() {
    let mut refusals = Refusals { workspace: workspace(), text: String::new() };
    for more in [
        &["--policy", "dista"][..],
        &["--set", "seq_len=0"],
        &["--set", "betta=1"],
        &["--set", "predictor=best"],
        &["--scenario", "xrbench/vr_gaming"],
        &["--duration", "1s"],
    ] {
        refusals.refused(&[&["run"], &RUN[3..], more].concat());
    }
    refusals.refused(&["run", "--scenario", "xrbench/vr_gaming", "--traces", "traces"]);
    for row in ["0,net_dens,0,1,1", "0,net_dense,2,1,1", "0,net_dense,0,0,1", "0,net_dense,0,1,0"] {
        refusals.workspace.write("log.csv", format!("{HEADER}{row}\n"));
        refusals.refused(&[&["run"], &RUN[3..]].concat());
    }
    insta::assert_snapshot!("bad_calls_of_the_engine", refusals.text);
}
