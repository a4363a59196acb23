//! What every command says to bad input, and how it ends.
//!
//! Each case is a command with the files that it is given; its exit code and all that it prints are
//! kept as a snapshot, one for each group of cases. No input may make a command panic.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests write their inputs and damage stores")]

use crate::common;

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use common::{Outcome, Workspace, assert_same_files, final_files, runner};
use rtmm_scheduler::PolicyRegistry;
use rtmm_sweep::store::Store;

const WS: &str = "{ model = \"maestro\", dataflow = \"WS\", pes = 4096, noc_bandwidth = 256 }";
const RUN: [&str; 7] =
    ["run", "--scenario", "xrbench/vr_gaming", "--platform", "xrbench/single_4k_ws", "--compat", "xrbench"];
const HEADER: &str = "model,layer_index,layer_name,type,N,K,C,R,S,Y,X,stride_y,stride_x,pad,groups\n";

/// Commands and what they printed, for a snapshot.
struct Transcript {
    workspace: Workspace,
    text: String,
}

impl Transcript {
    fn new() -> Self {
        Self { workspace: Workspace::new(), text: String::new() }
    }

    /// Runs a command that must be refused with exit code 2, saying nothing on standard output.
    #[track_caller]
    fn refused(&mut self, arguments: &[&str]) {
        self.ends(2, arguments);
    }

    /// Runs a command that must fail with exit code 1.
    #[track_caller]
    fn fails(&mut self, arguments: &[&str]) {
        self.ends(1, arguments);
    }

    #[track_caller]
    fn ends(&mut self, code: i32, arguments: &[&str]) {
        let outcome = self.workspace.rtmm(arguments);
        assert_eq!(outcome.code, code, "rtmm {arguments:?}\n{}", outcome.stderr);
        if code == 2 {
            assert_eq!(outcome.stdout, "", "rtmm {arguments:?}");
        }
        assert!(outcome.stderr.contains("error: "), "rtmm {arguments:?} does not say what is wrong");
        self.add(arguments, &outcome);
    }

    fn add(&mut self, arguments: &[&str], outcome: &Outcome) {
        let shown: Vec<String> = arguments
            .iter()
            .map(|text| if text.contains([' ', '{']) { format!("'{text}'") } else { (*text).to_owned() })
            .collect();
        let _ =
            write!(self.text, "$ rtmm {}\n{}[exit {}]\n\n", shown.join(" "), outcome.stderr, outcome.code);
    }

    /// Checks a file of this content, which must be refused.
    #[track_caller]
    fn bad_file(&mut self, name: &str, content: impl AsRef<[u8]>) {
        self.workspace.write(name, content);
        self.refused(&["check", name]);
    }

    /// Costs a model on an accelerator that must be refused.
    #[track_caller]
    fn bad_accelerator(&mut self, accelerator: &str) {
        self.refused(&["cost", "--model", "xrbench/kd_res8_narrow", "--accelerator", accelerator]);
    }
}

/// A scenario of one task; `task` replaces its lines.
fn scenario(task: &str) -> String {
    format!("source = \"a test\"\nduration = \"700ms\"\n\n[[task]]\n{task}")
}

/// A model of one `[[layer]]` of 3 x 8 x 8.
fn model(layer: &str) -> String {
    format!("source = \"a test\"\ninput = [3, 8, 8]\n\n[[layer]]\nname = \"a\"\n{layer}")
}

fn dataflow(levels: &str) -> String {
    format!("source = \"a test\"\n\n[[level]]\n{levels}")
}

fn sweep(lines: &str) -> String {
    format!("runner = \"xrbench\"\n{lines}")
}

/// A transcript without the names and the number of the policies, so that a new policy leaves it as it is.
fn without_policies(text: &str) -> String {
    let names: Vec<&str> = PolicyRegistry::built_in().iter().map(|row| &*row.name).collect();
    let hint = format!("there are {} of them, such as `{}`", names.len(), names[0]);
    text.replace(&names.join(", "), "[all policies]")
        .replace(&hint, "there are [number] of them, such as [one]")
}

#[test]
fn files_that_cannot_be_read_as_text() {
    let mut transcript = Transcript::new();
    transcript.refused(&["check", "missing.toml"]);
    transcript.refused(&["check", "missing.csv"]);
    transcript.refused(&["run", "--scenario", "no.toml", "--platform", "none.toml", "--compat", "xrbench"]);
    fs::create_dir(transcript.workspace.path("directory.toml")).expect("a directory");
    transcript.refused(&["check", "directory.toml"]);
    transcript.bad_file("latin1.toml", b"source = \"caf\xe9\"\n");
    #[cfg(target_os = "linux")]
    transcript.refused(&["check", "/dev/zero"]);
    transcript.bad_file("empty.toml", "");
    transcript.bad_file("empty.csv", "");
    transcript.bad_file("unknown.toml", "colour = \"blue\"\n");
    insta::assert_snapshot!("unreadable", transcript.text);
}

#[test]
fn broken_toml() {
    let mut transcript = Transcript::new();
    transcript.bad_file("string.toml", "source = \"a test\nduration = \"700ms\"\n");
    transcript.bad_file("bracket.toml", "[[task\nname = \"a\"\n");
    transcript.bad_file("twice.toml", "[[task]]\nname = \"a\"\nname = \"b\"\n");
    transcript
        .bad_file("number.toml", scenario("name = \"a\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 3o\n"));
    transcript.bad_file("deep.toml", format!("task = {}{}\n", "[".repeat(200), "]".repeat(200)));
    insta::assert_snapshot!("broken_toml", transcript.text);
}

#[test]
fn unknown_keys_and_names_suggest_the_nearest() {
    let mut transcript = Transcript::new();
    transcript.bad_file("key.toml", scenario("nam = \"a\"\nmodle = \"xrbench/es_ritnet\"\nrate = 30\n"));
    transcript.bad_file("model.toml", scenario("name = \"a\"\nmodel = \"xrbench/es_ritne\"\nrate_hz = 30\n"));
    transcript.bad_file(
        "task.toml",
        scenario("name = \"eyes\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 30\ndepends_on = [\"eye\"]\n"),
    );
    transcript.refused(&[
        "run",
        "--scenario",
        "xrbench/vr_gamin",
        "--platform",
        "single_4k",
        "--compat",
        "xrbench",
    ]);
    transcript.refused(&[&RUN[..], &["--policy", "edf"]].concat());
    transcript.refused(&[&RUN[..], &["--set", "k_per_m=3"]].concat());
    transcript.refused(&["sweep", "xrbench_onc"]);
    transcript.refused(&["explain", "--model", "xrbench/es_ritnet", "--layer", "convl", "--accelerator", WS]);
    transcript.bad_accelerator("{ model = \"maestr\", dataflow = \"WS\" }");
    transcript.bad_accelerator("{ model = \"maestro\", dataflow = \"WX\", pes = 1024, noc_bandwith = 16 }");
    transcript.bad_accelerator("{ model = \"systolic\", dataflow = \"rs\", row = 16, cols = 16 }");
    insta::assert_snapshot!("unknown_names", transcript.text);
}

#[test]
fn scenarios_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let task = |lines: &str| scenario(&format!("name = \"a\"\nmodel = \"xrbench/es_ritnet\"\n{lines}"));
    transcript.bad_file("none.toml", "source = \"a test\"\nduration = \"700ms\"\ntask = []\n");
    transcript.bad_file("cycle.toml", {
        let second =
            "[[task]]\nname = \"b\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 30\ndepends_on = [\"a\"]\n";
        task(&format!("rate_hz = 30\ndepends_on = [\"b\"]\n{second}"))
    });
    transcript.bad_file("itself.toml", task("rate_hz = 30\ndepends_on = [\"a\"]\n"));
    transcript.bad_file("twice.toml", {
        let second = "[[task]]\nname = \"a\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 30\n";
        task(&format!("rate_hz = 30\n{second}"))
    });
    for (name, lines) in [
        ("zero_rate", "rate_hz = 0"),
        ("negative_rate", "rate_hz = -30.0"),
        ("huge_rate", "rate_hz = 1000001"),
        ("enormous_rate", "rate_hz = 99999999999999999999999999"),
        ("fine_rate", "rate_hz = 0.0000001"),
        ("nan_rate", "rate_hz = nan"),
        ("infinite_rate", "rate_hz = inf"),
        ("zero_period", "period = \"0ms\""),
        ("negative_period", "period = \"-5ms\""),
        ("long_period", "period = \"18446745s\""),
        ("fine_period", "period = \"0.1ps\""),
        ("unit_of_period", "period = \"3 days\""),
        ("both", "rate_hz = 30\nperiod = \"5ms\""),
        ("neither", "deadline = \"5ms\""),
        ("zero_deadline", "rate_hz = 30\ndeadline = \"0ps\""),
        ("probability", "rate_hz = 30\ntrigger_probability = 1.5"),
        ("nan_probability", "rate_hz = 30\ntrigger_probability = nan"),
        ("type", "rate_hz = \"thirty\""),
        ("list", "rate_hz = 30\ndepends_on = \"a\""),
    ] {
        transcript.bad_file(&format!("{name}.toml"), task(lines));
    }
    transcript.bad_file("duration.toml", "source = \"a test\"\nduration = \"0s\"\n[[task]]\n");
    insta::assert_snapshot!("scenarios", transcript.text);
}

#[test]
fn arrivals_and_dependencies_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let task = |lines: &str| {
        let second = "[[task]]\nname = \"b\"\nmodel = \"xrbench/es_ritnet\"\n";
        scenario(&format!("name = \"a\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 30\n\n{second}{lines}\n"))
    };
    let of = |process: &str| format!("deadline = \"5ms\"\narrivals = {{ {process} }}");
    for (name, lines) in [
        ("jitter", "period = \"10ms\"\njitter = \"10.1ms\""),
        ("negative_offset", "period = \"10ms\"\noffset = \"-1ms\""),
        ("offset_of_poisson", &format!("offset = \"1ms\"\n{}", of("process = \"poisson\", rate_hz = 3"))),
        ("jitter_of_follower", "jitter = \"1ms\"\ndepends_on = [\"a\"]"),
        ("no_one_to_follow", "depends_on = []"),
        ("priority", "rate_hz = 30\npriority = 2147483648"),
        ("rate_and_arrivals", &format!("rate_hz = 3\n{}", of("process = \"poisson\", rate_hz = 3"))),
        ("process", &of("process = \"poison\", rate_hz = 3")),
        ("no_process", &of("rate_hz = 3")),
        ("text", "deadline = \"5ms\"\narrivals = \"poisson\""),
        ("poisson", &of("process = \"poisson\", rate_hz = 0, mean = \"1s\"")),
        ("bursty", &of("process = \"bursty\", calm_rate_hz = nan, burst_rate_hz = 0, mean_calm = \"0s\"")),
        ("no_trace", &of("process = \"trace\", file = \"absent.csv\"")),
        ("no_file", &of("process = \"trace\"")),
        ("no_deadline", "arrivals = { process = \"poisson\", rate_hz = 3 }"),
        ("dependency_twice", "depends_on = [\"a\", { task = \"a\" }]"),
        ("dependency_number", "depends_on = [3]"),
        ("dependency_keys", "depends_on = [{ tsk = \"a\", kind = \"contrl\" }]"),
        (
            "data_probability",
            "depends_on = [{ task = \"a\", probability = 0.5, probability_after_exit = {} }]",
        ),
        (
            "probabilities",
            "depends_on = [{ task = \"a\", kind = \"control\", probability = nan, \
             probability_after_exit = { early = 1.5, late = \"often\" } }]",
        ),
        (
            "exit",
            "depends_on = [{ task = \"a\", kind = \"control\", probability_after_exit = { early = 0.5 } }]",
        ),
    ] {
        transcript.bad_file(&format!("{name}.toml"), task(lines));
    }
    transcript.bad_file("follower_without_deadline.toml", {
        let first = "name = \"a\"\nmodel = \"xrbench/es_ritnet\"\ndeadline = \"5ms\"\n";
        let arrivals = "arrivals = { process = \"poisson\", rate_hz = 3 }\n";
        let second = "[[task]]\nname = \"b\"\nmodel = \"xrbench/es_ritnet\"\ndepends_on = [\"a\"]\n";
        scenario(&format!("{first}{arrivals}\n{second}"))
    });
    transcript.workspace.write("unsorted.csv", "arrival_s\n0.5\n0.25\n");
    transcript.bad_file("unsorted.toml", task(&of("process = \"trace\", file = \"unsorted.csv\"")));
    insta::assert_snapshot!("arrivals", transcript.text);
}

#[test]
fn phases_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let tasks = "name = \"a\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 30\njitter = \"5ms\"\n\n\
        [[task]]\nname = \"b\"\nmodel = \"xrbench/es_ritnet\"\ndepends_on = [\"a\"]\n\n\
        [[task]]\nname = \"c\"\nmodel = \"xrbench/es_ritnet\"\ndeadline = \"5ms\"\narrivals = { process = \
        \"bursty\", calm_rate_hz = 1, burst_rate_hz = 2, mean_calm = \"1s\", mean_burst = \"1s\" }\n";
    let phases = |lines: &str| scenario(&format!("{tasks}\n[[phase]]\n{lines}\n"));
    for (name, lines) in [
        ("no_start", "name = \"p\""),
        ("at_once", "start = \"0s\""),
        ("too_late", "start = \"700ms\""),
        ("order", "start = \"300ms\"\n[[phase]]\nname = \"p\"\nstart = \"200ms\""),
        ("equal", "start = \"300ms\"\n[[phase]]\nstart = \"300ms\""),
        ("names", "start = \"300ms\"\n[[phase]]\nname = \"phase 1\"\nstart = \"400ms\""),
        ("keys", "start = \"300ms\"\ntask = [\"a\"]\nrates = {}"),
        ("tasks", "start = \"300ms\"\ntasks = [\"a\", \"d\", \"a\"]"),
        ("rates", "start = \"300ms\"\ntasks = [\"b\", \"c\"]\nrate_hz = { a = 60, b = 3, c = 3, d = 3 }"),
        ("zero_rate", "start = \"300ms\"\nrate_hz = { a = 0 }"),
        ("jitter", "start = \"300ms\"\nrate_hz = { a = 240 }"),
        ("number", "start = \"300ms\"\nrate_hz = 60"),
    ] {
        transcript.bad_file(&format!("{name}.toml"), phases(lines));
    }
    insta::assert_snapshot!("phases", transcript.text);
}

#[test]
fn requests_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let model = "xrbench/es_ritnet";
    transcript.bad_file("none.csv", "arrival_s\n");
    transcript.bad_file("columns.csv", "arrival_s,,smple,relative_deadline_s,sample,sample\n");
    transcript.bad_file(
        "cells.csv",
        "arrival_s,sample,priority,relative_deadline_s\n\
         -1,-1,2147483648,0\n1e-3,1.5,high,-1\nnan,,,nan\n0.0000000000001,,,0.0000000000001\n\
         ,,,\n18446745,,,18446745\n1,\n",
    );
    transcript.bad_file("order.csv", "arrival_s\n0.25\n0.25\n0.125\n0.1\n1\n");
    transcript.bad_file(
        "models.csv",
        format!("arrival_s,model,relative_deadline_s\n0,{model}t,1\n0,,1\n1,no.toml,1\n"),
    );
    transcript.bad_file("no_deadline.csv", format!("arrival_s,model\n0,{model}\n1,{model}\n"));
    transcript.bad_file(
        "blank_deadline.csv",
        format!("arrival_s,model,relative_deadline_s\n0,{model},0.1\n1,{model},\n2,{model},\n"),
    );
    transcript.bad_file(
        "over.csv",
        format!("arrival_s,model,relative_deadline_s\n18446744,{model},0.1\n18446744,{model},1\n"),
    );
    transcript
        .workspace
        .write("scenario.csv", "arrival_s,model\n0,ES_RITNet\n0,xrbench/es_ritnet\n0,ES_RITNett\n");
    transcript.refused(&["check", "scenario.csv", "--scenario", "xrbench/vr_gaming"]);
    transcript.refused(&["check", "scenario.csv", "--scenario", "xrbench/vr_gamin"]);
    // What the trace of a task must not have is what makes a table a request file.
    transcript.workspace.write("trace.csv", format!("arrival_s,model\n0,{model}\n"));
    transcript.bad_file("trace.toml", {
        let arrivals = "arrivals = { process = \"trace\", file = \"trace.csv\" }\ndeadline = \"5ms\"\n";
        scenario(&format!("name = \"a\"\nmodel = \"{model}\"\n{arrivals}"))
    });
    insta::assert_snapshot!("requests", transcript.text);
}

#[test]
fn models_whose_layers_do_not_fit() {
    let mut transcript = Transcript::new();
    transcript.bad_file("none.toml", "source = \"a test\"\ninput = [3, 8, 8]\nlayer = []\n");
    transcript.bad_file("filter.toml", model("operator = \"convolution\"\nchannels = 4\nkernel = 11\n"));
    transcript.bad_file("plane.toml", model("operator = \"fully-connected\"\nfeatures = 4\n"));
    transcript
        .bad_file("groups.toml", model("operator = \"convolution\"\nchannels = 4\nkernel = 3\ngroups = 2\n"));
    transcript.bad_file("heads.toml", {
        let tokens = "operator = \"tokens\"\n[[layer]]\nname = \"b\"\noperator = \"attention\"\nheads = 2\n";
        model(tokens)
    });
    transcript.bad_file("stated.toml", {
        model("operator = \"convolution\"\nchannels = 4\nkernel = 3\noutput = [4, 8, 8]\n")
    });
    transcript.bad_file("unequal.toml", {
        let add = "[[layer]]\nname = \"b\"\noperator = \"add\"\ninput = [\"a\", \"input\"]\n";
        model(&format!("operator = \"max-pool\"\nkernel = 2\n{add}"))
    });
    transcript.bad_file("unknown.toml", model("operator = \"convolutional\"\n"));
    transcript.bad_file("twice.toml", {
        model("operator = \"activation\"\n[[layer]]\nname = \"a\"\noperator = \"softmax\"\ninput = \"b\"\n")
    });
    transcript.bad_file(
        "zero.toml",
        model("operator = \"convolution\"\nchannels = 0\nkernel = [0, 3]\nstride = 0\n"),
    );
    transcript.bad_file("both.toml", "source = \"a test\"\nlayer_table = \"layers.csv\"\n[[layer]]\n");
    transcript.bad_file("absent.toml", "source = \"a test\"\nlayer_table = \"layers.csv\"\n");
    insta::assert_snapshot!("models", transcript.text);
}

#[test]
fn padding_and_batches_of_layers() {
    let mut transcript = Transcript::new();
    let convolution =
        |keys: &str| model(&format!("operator = \"convolution\"\nchannels = 4\nkernel = 3\n{keys}\n"));
    for (name, keys) in [
        ("four", "padding = [0, 1, 0, 1]"),
        ("sides", "padding = [[0, 1], [1]]"),
        ("nested", "padding = [[0, [1]], 0]"),
        ("below", "padding = [[0, -1], 0]"),
        ("text", "padding = \"same\""),
        ("wide", "padding = 9_000_000"),
        ("plain", "output_padding = 1"),
        ("none", "batch = 0"),
        ("many", "batch = 16_777_217"),
        ("part", "batch = 1.5"),
        ("live", "live_bytes = -1"),
        ("text_live", "live_bytes = \"1 MB\""),
    ] {
        transcript.bad_file(&format!("{name}.toml"), convolution(keys));
    }
    let transposed = "operator = \"transposed-convolution\"\nchannels = 4\nkernel = 3\nstride = 2\n";
    transcript.bad_file("added.toml", model(&format!("{transposed}output_padding = [1, 2]\n")));
    transcript.bad_file("cropped.toml", model(&format!("{transposed}padding = [[9, 9], 0]\n")));
    transcript.bad_file("work.toml", {
        let keys =
            "operator = \"fully-connected\"\nfeatures = 16_000_000\nflatten = true\nbatch = 16_000_000\n";
        model(keys)
    });
    transcript.bad_file("maps.toml", {
        let tokens = "operator = \"tokens\"\n[[layer]]\nname = \"b\"\noperator = \"attention\"\nheads = 3\n";
        model(&format!("{tokens}batch = 16_777_216\n"))
    });
    transcript.bad_file("joined.toml", {
        let add = "[[layer]]\nname = \"b\"\noperator = \"add\"\ninput = [\"a\", \"input\"]\n";
        model(&format!("operator = \"activation\"\nbatch = 2\n{add}"))
    });
    let table = "source = \"a test\"\nlayer_table = \"layers.csv\"\nbatch = 2\n";
    transcript.workspace.write("layers.csv", format!("{HEADER}m,0,a,CONV,1,4,4,1,1,8,8,1,1,0,1\n"));
    transcript.bad_file("table.toml", table);
    insta::assert_snapshot!("layer_keys", transcript.text);
}

/// Costs that published programs do not have.
#[test]
fn padding_and_batches_that_published_tools_lack() {
    let mut transcript = Transcript::new();
    let layer =
        "operator = \"convolution\"\nchannels = 4\nkernel = 3\npadding = [[0, 1], [0, 1]]\nbatch = 2\n";
    transcript.workspace.write("model.toml", model(layer));
    for accelerator in [
        "{ model = \"maestro\", dataflow = \"WS\", pes = 256, noc_bandwidth = 16 }",
        "{ model = \"gemmini\" }",
        "{ model = \"eyeriss_v2\" }",
    ] {
        let cost = ["cost", "--model", "model.toml", "--accelerator", accelerator];
        transcript.fails(&[cost.as_slice(), &["--compat", "xrbench"]].concat());
        let outcome = transcript.workspace.rtmm(&cost);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    }
    insta::assert_snapshot!("published_tools", transcript.text);
}

#[test]
fn parameters_of_models() {
    let mut transcript = Transcript::new();
    let features = |key: &str| model(&format!("operator = \"convolution\"\nchannels = {key}\nkernel = 1\n"));
    transcript.bad_file("unstated.toml", features("\"width\""));
    transcript.bad_file("range.toml", {
        format!("{}[parameters.width]\ndefault = 8\nmaximum = 4\n", features("\"width\""))
    });
    transcript.bad_file("unused.toml", format!("{}[parameters.width]\ndefault = 8\n", features("4")));
    let task = |parameters: &str| {
        scenario(&format!(
            "name = \"a\"\nmodel = \"dream/gnmt\"\nrate_hz = 1\nmodel_parameters = {parameters}\n"
        ))
    };
    transcript.bad_file("unknown.toml", task("{ sequence_lenght = 40 }"));
    transcript.bad_file("large.toml", task("{ sequence_length = 4000 }"));
    let mut cost = |model: &str, parameters: &[&str]| {
        let flags = parameters.iter().flat_map(|parameter| ["--model-parameter", parameter]);
        let mut arguments = vec!["cost", "--model", model, "--accelerator", WS];
        arguments.extend(flags);
        transcript.refused(&arguments);
    };
    cost("dream/gnmt", &["sequence_length"]);
    cost("dream/gnmt", &["sequence_length=long"]);
    cost("dream/gnmt", &["sequence_length=0"]);
    cost("dream/gnmt", &["sequence=40"]);
    cost("dream/gnmt", &["sequence_length=30", "sequence_length=40"]);
    cost("xrbench/es_ritnet", &["sequence_length=40"]);
    let flag = ["--model-parameter", "sequence_length=40"];
    transcript.refused(&[&["cost", "--layers", "layers.csv", "--accelerator", WS][..], &flag].concat());
    insta::assert_snapshot!("parameters", transcript.text);
}

#[test]
fn tables_whose_layers_do_not_chain() {
    let mut transcript = Transcript::new();
    let rows = "m,0,first,CONV,1,8,3,3,3,8,8,1,1,1,1\nm,1,second,CONV,1,8,16,3,3,8,8,1,1,1,1\n";
    transcript.workspace.write("layers.csv", format!("{HEADER}{rows}"));
    transcript.bad_file("chained.toml", "source = \"a test\"\nlayer_table = \"layers.csv\"\n");
    // On its own, or where the model says that rows stand alone, the table is sound.
    transcript.workspace.rtmm(&["check", "layers.csv"]).success();
    let independent = "source = \"a test\"\nlayer_table = \"layers.csv\"\nshapes = \"independent\"\n";
    transcript.workspace.write("independent.toml", independent);
    transcript.workspace.rtmm(&["check", "independent.toml"]).success();
    insta::assert_snapshot!("chains", transcript.text);
}

#[test]
fn a_filter_larger_than_its_input_is_legal_in_reference_mode_only() {
    let mut transcript = Transcript::new();
    transcript.workspace.write("layers.csv", format!("{HEADER}m,0,large,CONV,1,8,3,9,9,5,5,1,1,0,1\n"));
    let cost = ["cost", "--layers", "layers.csv", "--accelerator", WS];
    transcript.refused(&cost);
    transcript.refused(&["check", "layers.csv"]);
    let reference = transcript.workspace.rtmm(&[&cost[..], &["--compat", "xrbench"]].concat());
    assert_eq!(reference.success().lines().count(), 2);
    transcript.workspace.rtmm(&["check", "layers.csv", "--compat", "xrbench"]).success();
    insta::assert_snapshot!("large_filter", transcript.text);
}

#[test]
fn tables_with_bad_cells() {
    let mut transcript = Transcript::new();
    let good = "m,0,a,CONV,1,8,3,3,3,8,8,1,1,1,1\n";
    transcript.bad_file(
        "cells.csv",
        format!("{HEADER}{good}m,1,b,CONV,1,8\n{good}m,2,c,CONV,1,8,3,3,3,8,8,1,1,1,1,9\n"),
    );
    transcript
        .bad_file("numbers.csv", format!("{HEADER}m,0,a,CONV,1,eight,-3,0,3.5,nan,99999999,1,0,1e3,\n"));
    transcript.bad_file("type.csv", format!("{HEADER}m,0,a,CONV2D,1,8,3,3,3,8,8,1,1,1,1\n"));
    transcript.bad_file("columns.csv", "model,layer_name,K,C,R,S\nm,a,8,3,3,3\n");
    transcript.bad_file("topology.csv", "layer_name,ifmap_h,ifmap_w,filter_h\na,8,8,3\n");
    transcript.bad_file("twice.csv", "K,C,R,S,Y,X,K\n8,3,3,3,8,8,8\n");
    transcript.bad_file("batch.csv", format!("{HEADER}m,0,a,CONV,0,8,3,3,3,8,8,1,1,1,1\n"));
    transcript.bad_file("groups.csv", format!("{HEADER}m,0,a,CONV,1,8,3,3,3,8,8,1,1,1,2\n"));
    transcript.bad_file("quote.csv", format!("{HEADER}m,0,\"a,CONV,1,8,3,3,3,8,8,1,1,1,1\n"));
    transcript
        .bad_file("windows.csv", format!("{HEADER}m,0,a,CONV,1,x,3,3,3,8,8,1,1,1,1\n").replace('\n', "\r\n"));
    transcript.workspace.write("header.csv", HEADER);
    transcript.refused(&["cost", "--layers", "header.csv", "--accelerator", WS]);
    insta::assert_snapshot!("tables", transcript.text);
}

#[test]
fn many_problems_of_one_file_are_counted() {
    let workspace = Workspace::new();
    let rows: String = (0..60).map(|index| format!("m,{index},a,CONV,1,zero,3,3,3,8,8,1,1,1,1\n")).collect();
    workspace.write("layers.csv", format!("{HEADER}{rows}"));
    let outcome = workspace.rtmm(&["check", "layers.csv"]);
    assert_eq!(outcome.code, 2);
    assert_eq!(outcome.stderr.matches("`zero` in column `K` is no whole number").count(), 40);
    assert!(outcome.stderr.trim_end().ends_with("... and 20 more errors"), "{}", outcome.stderr);
}

#[test]
fn enormous_layers_are_refused_before_they_overflow() {
    let mut transcript = Transcript::new();
    let most = 1 << 24;
    transcript.bad_file(
        "volume.csv",
        format!("{HEADER}m,0,a,CONV,1,{most},{most},{most},{most},{most},{most},1,1,0,1\n"),
    );
    let plane = format!("source = \"a test\"\ninput = [{most}, {most}, {most}]\n\n[[layer]]\nname = \"a\"\n");
    for (name, operator) in [
        ("activation", "operator = \"activation\""),
        ("pool", "operator = \"global-pool\""),
        ("resize", "operator = \"resize\"\nfactor = 1024"),
        ("tokens", "operator = \"tokens\""),
        ("flatten", "operator = \"fully-connected\"\nfeatures = 10\nflatten = true"),
        ("concatenate", "operator = \"concatenate\"\ninput = [\"input\", \"input\"]"),
        (
            "convolution",
            "operator = \"convolution\"\nchannels = 16777216\nkernel = 16777216\ndilation = 16777216",
        ),
        ("padding", "operator = \"convolution\"\nchannels = 1\nkernel = 3\npadding = 16777216"),
    ] {
        transcript.bad_file(&format!("{name}.toml"), format!("{plane}{operator}\n"));
    }
    transcript.bad_file(
        "number.toml",
        model("operator = \"convolution\"\nchannels = 99999999999999999999\nkernel = 1\n"),
    );
    insta::assert_snapshot!("enormous", transcript.text);
}

#[test]
fn enormous_inputs_of_an_addition_are_refused() {
    let workspace = Workspace::new();
    let shape = "input = [16777216, 16777216, 16777216]";
    let add = "[[layer]]\nname = \"a\"\noperator = \"add\"\ninput = [\"input\", \"input\"]\n";
    workspace.write("add.toml", format!("source = \"a test\"\n{shape}\n{add}"));
    assert_eq!(workspace.rtmm(&["check", "add.toml"]).code, 2);
}

#[test]
fn enormous_depthwise_rows_are_refused_and_not_left_out() {
    let workspace = Workspace::new();
    workspace.write("layers.csv", format!("{HEADER}m,0,a,DSCONV,1,100000,100000,1,1,1,1,1,1,0,1\n"));
    let outcome = workspace.rtmm(&["check", "layers.csv"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "the row is lost in silence");
    assert!(outcome.stderr.contains("layers.csv:2:"), "{}", outcome.stderr);
}

#[test]
fn models_of_enormous_total_work_are_summed_without_overflow() {
    let workspace = Workspace::new();
    let row = "CONV,1,16777216,16777216,1,1,2,2,1,1,0,1\n";
    let rows: String = (0..20_000).map(|index| format!("m,{index},l{index},{row}")).collect();
    workspace.write("layers.csv", format!("{HEADER}{rows}"));
    let independent = "source = \"a test\"\nlayer_table = \"layers.csv\"\nshapes = \"independent\"\n";
    workspace.write("model.toml", independent);
    workspace.rtmm(&["check", "model.toml"]);
    workspace.rtmm(&["cost", "--layers", "layers.csv", "--accelerator", WS]);
    workspace.rtmm(&["cost", "--layers", "layers.csv", "--accelerator", WS, "--compat", "xrbench"]);
}

#[test]
fn accelerators_that_cannot_be() {
    let mut transcript = Transcript::new();
    transcript.bad_accelerator("{ model = \"maestro\", dataflow = \"WS\", pes = 0, noc_bandwidth = 256 }");
    transcript.bad_accelerator("{ model = \"maestro\", dataflow = \"WS\", pes = 100, noc_bandwidth = 256 }");
    transcript.bad_accelerator(
        "{ model = \"maestro\", dataflow = \"OS\", pes = -1, noc_bandwidth = 0, l1_bytes = 0 }",
    );
    transcript.bad_accelerator(
        "{ model = \"maestro\", dataflow = \"OS\", pes = 64, noc_bandwidth = 99999999999999 }",
    );
    let energies = "mac_pj = nan, l1_pj = inf, l2_pj = -1, dram_pj = 1e300, static_pj_per_cycle = \"0\"";
    transcript.bad_accelerator(&format!(
        "{{ model = \"maestro\", dataflow = \"OS\", pes = 64, noc_bandwidth = 1, {energies} }}"
    ));
    transcript.bad_accelerator(
        "{ model = \"systolic\", dataflow = \"os\", rows = 0, cols = 5000, sram_ifmap_bytes = 1 }",
    );
    transcript.bad_accelerator("{ model = \"table\", file = \"costs.csv\" }");
    transcript.bad_accelerator("{ dataflow = \"WS\" }");
    transcript.bad_accelerator("{ model = \"maestro\", dataflow = ");
    transcript.bad_accelerator("3");
    insta::assert_snapshot!("accelerators", transcript.text);
}

#[test]
fn platforms_that_cannot_be() {
    let mut transcript = Transcript::new();
    let one = "[[accelerator]]\nname = \"a\"\nmodel = \"systolic\"\ndataflow = \"os\"\nrows = 4\ncols = 4\n";
    transcript.bad_file("none.toml", "source = \"a test\"\naccelerator = []\n");
    transcript.bad_file("twice.toml", format!("source = \"a test\"\n{one}{one}"));
    transcript.bad_file("clock.toml", format!("source = \"a test\"\nclock_mhz = 0\n{one}"));
    transcript.bad_file("labels.toml", format!("labels = {{ budget = 4 }}\nclok_mhz = 1\n{one}"));
    transcript.workspace.write("cycles.csv", "model,layer,latency_us\nm,a,-1\nm,b,nan\nm,c\nm,d,1\nm,d,2\n");
    transcript.bad_file(
        "table.toml",
        "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"table\"\nfile = \"cycles.csv\"\n",
    );
    insta::assert_snapshot!("platforms", transcript.text);
}

#[test]
fn technologies_that_cannot_be() {
    let mut transcript = Transcript::new();
    let whole = "source = \"a test\"\n\
        [[mac]]\nprecision = \"int8\"\nelement_bytes = 1\nsource = \"a test\"\npj = 1\n\
        [register_file]\nsource = \"a test\"\npj = [{ node_nm = 7, typical = 0.1 }, { node_nm = 28, typical = 0.3 }]\n\
        [sram]\nsource = \"a test\"\nnodes = [{ node_nm = 7, laws = [{ a = 0.2, b = 0.3 }] }, { node_nm = 28, laws = [{ a = 0.4, b = 0.3 }] }]\n\
        [[dram]]\nkind = \"LPDDR5\"\nsource = \"a test\"\npj = { low = 30, typical = 40, high = 60 }\n";
    for (name, this, that) in [
        ("negative", "pj = 1\n", "pj = -1\n"),
        ("order", "low = 30", "low = 45"),
        ("no_typical", "low = 30, typical = 40", "low = 30"),
        ("twice", "node_nm = 28, typical", "node_nm = 7, typical"),
        ("nothing", "typical = 0.3", "low = 0, typical = 0.3"),
        ("no_laws", "laws = [{ a = 0.4, b = 0.3 }]", "laws = []"),
        (
            "other_laws",
            "laws = [{ a = 0.4, b = 0.3 }]",
            "laws = [{ a = 0.4, b = 0.3 }, { a = 0.5, b = 0.3 }]",
        ),
        ("law", "a = 0.2, b", "a = 0, c"),
        ("no_source", "element_bytes = 1\nsource = \"a test\"", "elements = 1"),
        ("unit", "[[mac]]", "unit = \"nJ\"\nper = \"bit\"\n[[mac]]"),
    ] {
        transcript.bad_file(&format!("{name}.toml"), whole.replacen(this, that, 1));
    }
    transcript.bad_file(
        "parts.toml",
        "source = \"a test\"\n[[dram]]\nkind = \"A\"\nsource = \"a test\"\npj = []\n",
    );
    let accelerator = |keys: &str| {
        format!("{{ model = \"systolic\", dataflow = \"os\", rows = 4, cols = 4, technology = {keys} }}")
    };
    transcript.bad_accelerator(&accelerator("\"horowitz\""));
    transcript.bad_accelerator(&accelerator("{ name = \"published\", node_nm = 65, dram = \"LPDR5\" }"));
    transcript.bad_accelerator(&accelerator("{ name = \"negative.toml\" }"));
    transcript.refused(&[
        "cost",
        "--model",
        "xrbench/kd_res8_narrow",
        "--platform",
        "xrbench/single_4k_ws@low",
    ]);
    transcript.bad_file(
        "levels.toml",
        "runner = \"engine\"\nscenarios = [\"xrbench/vr_gaming\"]\nplatforms = [\"xrbench/single_4k_ws\"]\n\
         technology_levels = [\"low\", \"middling\"]\nseeds = [1]\n[[policy]]\nname = \"edf\"\n",
    );
    let array = "model = \"systolic\"\ndataflow = \"os\"\nrows = 4\ncols = 4\n";
    let of = |technology: &str, keys: &str| {
        format!(
            "source = \"a test\"\ntechnology = {technology}\n[[accelerator]]\nname = \"a\"\n{array}{keys}"
        )
    };
    // A precision of operands that nothing has.
    let precision = "{ name = \"published\", node_nm = 7, dram = \"LPDDR5\", precision = [\"int8_int32\", \"bf16_fp32\"] }";
    transcript.bad_file("precision.toml", of(precision, ""));
    transcript.bad_accelerator(&accelerator(
        &precision.replace("[\"int8_int32\", \"bf16_fp32\"]", "\"bf16_fp32\""),
    ));
    // Static power of one point alone, beside leakage.
    let plain = "{ name = \"published\", node_nm = 7, dram = \"LPDDR5\" }";
    let points = "[accelerator.power]\npoints = [\n  { frequency_mhz = 500, voltage_v = 1, idle_mw = 1 },\n  \
                  { frequency_mhz = 1000, voltage_v = 1, static_mw = 3, idle_mw = 1 },\n]\n";
    transcript.bad_file("some_static.toml", of(plain, points));
    insta::assert_snapshot!("technologies", transcript.text);
}

#[test]
fn accelerators_and_tasks_that_do_not_fit_together() {
    let mut transcript = Transcript::new();
    let task =
        |keys: &str| scenario(&format!("name = \"a\"\nmodel = \"m.toml\"\nperiod = \"1ms\"\n{keys}\n"));
    let convolution = "operator = \"convolution\"\nchannels = 3\nkernel = 1\n";
    transcript.workspace.write(
        "m.toml",
        format!("{}[[layer]]\nname = \"soft\"\noperator = \"softmax\"\n", model(convolution)),
    );
    // What a scenario says by itself.
    transcript.bad_file("empty.toml", task("run_on = []\navoid = []"));
    transcript.bad_file("types.toml", task("run_on = \"npu\"\navoid = [1]"));
    transcript.bad_file("twice.toml", task("run_on = [\"npu\", \"npu\"]"));
    transcript.bad_file("contradiction.toml", task("run_on = [\"npu\", \"gpu\"]\navoid = [\"gpu\"]"));
    // What a platform says by itself.
    let array = "model = \"systolic\"\ndataflow = \"os\"\nrows = 4\ncols = 4\n";
    let platform = |keys: &str| {
        let npu = format!("[[accelerator]]\nname = \"npu0\"\nkind = \"npu\"\n{array}{keys}\n");
        format!("source = \"a test\"\n{npu}[[accelerator]]\nname = \"big\"\nkind = \"gpu\"\n{array}{keys}\n")
    };
    transcript.bad_file("none.toml", platform("operators = []"));
    transcript
        .bad_file("unknown.toml", platform("operators = [\"convolution\", \"soft-max\", \"convolution\"]"));
    transcript.bad_file("no_precisions.toml", platform("precisions = []"));
    transcript.bad_file("precisions.toml", platform("precisions = [\"int8\", \"INT4\", \"int8\"]"));
    transcript.bad_file("precision.toml", format!("precision = \"int9\"\n{}", model(convolution)));
    transcript.bad_file("kind.toml", platform("").replace("\"npu\"", "7"));
    transcript.bad_file("kind_of_name.toml", platform("").replace("\"npu\"", "\"big\""));
    // What they say together.
    transcript.workspace.write("p.toml", platform(""));
    for (name, keys) in [
        ("name.toml", "run_on = [\"npu1\"]"),
        ("both.toml", "run_on = [\"npu\", \"tpu\"]\navoid = [\"npu0\"]"),
        ("nothing.toml", "run_on = [\"npu\"]\navoid = [\"npu0\"]"),
    ] {
        transcript.workspace.write(name, task(keys));
        let outcome = transcript.workspace.rtmm(&["check", name, "p.toml"]);
        assert_eq!(outcome.code, 2, "{name}: {}", outcome.stderr);
        transcript.add(&["check", name, "p.toml"], &outcome);
    }
    transcript.workspace.write("partial.toml", platform("operators = [\"convolution\"]"));
    transcript.workspace.write(
        "mixed.toml",
        platform("").replacen("cols = 4\n", "cols = 4\noperators = [\"convolution\"]\n", 1),
    );
    for (name, keys, on) in
        [("free.toml", "", "partial.toml"), ("pinned.toml", "run_on = [\"npu\"]", "mixed.toml")]
    {
        transcript.workspace.write(name, task(keys));
        let outcome = transcript.workspace.rtmm(&["check", name, on]);
        assert_eq!(outcome.code, 2, "{name}: {}", outcome.stderr);
        transcript.add(&["check", name, on], &outcome);
    }
    transcript.refused(&["run", "--scenario", "name.toml", "--platform", "p.toml", "--policy", "edf"]);
    // One wrong pin, whatever number of layers.
    transcript.refused(&["run", "--scenario", "pinned.toml", "--platform", "mixed.toml", "--policy", "edf"]);
    let pairs = |name: &str| {
        format!(
            "runner = \"engine\"\npairs = [[\"{name}\", \"mixed.toml\"]]\nseeds = [1]\npolicy = [{{ name = \"edf\" }}]\n"
        )
    };
    transcript.bad_file("pinned_sweep.toml", pairs("pinned.toml"));
    transcript.workspace.write("sweep.toml", pairs("pinned.toml"));
    transcript.refused(&["run", "--sweep", "sweep.toml", "--cell", "0"]);
    transcript.refused(&["run", "--scenario", "free.toml", "--platform", "partial.toml", "--policy", "edf"]);
    // A precision that no accelerator has.
    transcript.workspace.write("m.toml", format!("precision = \"fp16\"\n{}", model(convolution)));
    transcript.workspace.write("integers.toml", platform("precisions = [\"int8\"]"));
    transcript.refused(&["run", "--scenario", "free.toml", "--platform", "integers.toml", "--policy", "edf"]);
    insta::assert_snapshot!("partial_and_pinned", transcript.text);
}

#[test]
fn links_that_cannot_be() {
    let mut transcript = Transcript::new();
    let array = "model = \"systolic\"\ndataflow = \"os\"\nrows = 4\ncols = 4\n";
    let accelerators: String =
        ["a", "b", "c"].map(|name| format!("[[accelerator]]\nname = \"{name}\"\n{array}")).concat();
    for (name, keys) in [
        ("empty", ""),
        ("missing", "link = [{ between = [\"a\", \"b\"], bandwidth = 8 }]"),
        ("names", "link = [{ between = [\"a\", \"bb\"], bandwidth = 8 }]"),
        (
            "ends",
            "link = [{ between = [\"a\"], bandwidth = 8 }, { between = [\"c\", \"c\"], bandwidth = 8 }]",
        ),
        (
            "twice",
            "default = { bandwidth = 8 }\n\
             link = [{ between = [\"a\", \"b\"], bandwidth = 8 }, { between = [\"b\", \"a\"], bandwidth = 9 }]",
        ),
        ("zero", "default = { bandwidth = 0 }"),
        ("negative", "default = { bandwidth = 1, latency = \"-1ns\", pj_per_byte = -1 }"),
        ("nothing", "default = { latency = \"1us\" }\nelement_bytes = 65"),
        ("memory", "memory = { pj_per_byte = 1 }"),
        ("both", "default = { bandwidth = 8 }\nmemory = { pj_per_byte = 1 }"),
        ("keys", "links = []\ndefault = { bandwith = 8 }"),
    ] {
        transcript.bad_file(
            &format!("{name}.toml"),
            format!("source = \"a test\"\n{accelerators}[transfers]\n{keys}\n"),
        );
    }
    insta::assert_snapshot!("links", transcript.text);
}

#[test]
fn dataflows_without_a_rule() {
    let mut transcript = Transcript::new();
    for (name, levels) in [
        ("no_spatial", "map = [\"T(1,1) K\"]"),
        ("both_coordinates", "map = [\"T(1,1) X\", \"S(1,1) X'\"]"),
        ("gaps", "map = [\"S(1,1) C\", \"T(1,3) K\"]"),
        ("zero", "map = [\"S(1,1) C\", \"T(0,0) K\"]"),
        ("forms", "map = [\"S(1,1) Q\", \"T(1) K\", \"nonsense\", 3, \"\"]"),
        ("inner_cluster", "map = [\"S(1,1) K\"]\ncluster = 4"),
        ("no_cluster", "map = [\"S(1,1) K\"]\n[[level]]\nmap = [\"S(1,1) C\"]"),
        ("zero_cluster", "map = [\"S(1,1) K\"]\ncluster = 0\n[[level]]\nmap = [\"S(1,1) C\"]"),
        ("empty", "map = []"),
        (
            "large",
            "map = [\"S(1,1) K\"]\ncluster = 1048576\n[[level]]\nmap = [\"S(1,1) C\"]\ncluster = 2\n[[level]]\nmap = [\"S(1,1) X'\"]",
        ),
    ] {
        transcript.bad_file(&format!("{name}.toml"), dataflow(levels));
    }
    transcript.bad_file("many.toml", dataflow(&"map = [\"S(1,1) K\"]\n[[level]]\n".repeat(7)));
    // These are dataflows, but only the reference mode has a rule for them.
    for (name, levels) in [
        ("overlap", "map = [\"T(3,1) Y'\", \"S(1,1) K\"]"),
        ("two_spatial", "map = [\"S(1,1) C\", \"S(1,1) K\"]"),
        ("input_rows", "map = [\"T(1,1) Y\", \"S(1,1) K\"]"),
        ("spread_twice", "map = [\"S(1,1) K\"]\ncluster = 4\n[[level]]\nmap = [\"S(1,1) K\"]"),
    ] {
        transcript.workspace.write("mine.toml", dataflow(levels));
        let _ = writeln!(transcript.text, "# mine.toml: {name}");
        transcript.bad_accelerator(
            "{ model = \"maestro\", dataflow = \"mine.toml\", pes = 64, noc_bandwidth = 16 }",
        );
    }
    insta::assert_snapshot!("dataflows", transcript.text);
}

#[test]
fn enormous_clusters_are_refused_before_they_overflow() {
    let workspace = Workspace::new();
    let outer: String = ["K", "C", "X'", "Y'"]
        .map(|name| format!("map = [\"S(1,1) {name}\"]\ncluster = 1048576\n[[level]]\n"))
        .concat();
    workspace.write("dataflow.toml", dataflow(&format!("{outer}map = [\"S(1,1) R\"]\n")));
    assert_eq!(workspace.rtmm(&["check", "dataflow.toml"]).code, 2);
    let accelerator = "{ model = \"maestro\", dataflow = \"dataflow.toml\", pes = 64, noc_bandwidth = 16 }";
    let cost = ["cost", "--model", "xrbench/es_ritnet", "--accelerator", accelerator];
    assert_eq!(workspace.rtmm(&cost).code, 2);
}

#[test]
fn layers_that_a_buffer_cannot_hold_are_named_with_their_numbers() {
    let mut transcript = Transcript::new();
    let layers =
        format!("{HEADER}m,0,small,CONV,1,8,3,1,1,8,8,1,1,0,1\nm,1,large,CONV,1,256,256,3,3,32,32,1,1,1,1\n");
    transcript.workspace.write("layers.csv", layers);
    for buffer in ["l1_bytes = 16", "l2_bytes = 4000"] {
        let accelerator = WS.replace(" }", &format!(", {buffer} }}"));
        let arguments = ["cost", "--layers", "layers.csv", "--accelerator", &accelerator];
        let outcome = transcript.workspace.rtmm(&arguments);
        assert_eq!(outcome.stdout.lines().count(), 2, "layers that can run are costed: {}", outcome.stdout);
        transcript.fails(&arguments);
        transcript.fails(&[
            "explain",
            "--layers",
            "layers.csv",
            "--layer",
            "large",
            "--accelerator",
            &accelerator,
        ]);
    }
    transcript.workspace.write("costs.csv", "model,layer,latency_us\nm,small,1\n");
    let table = "{ model = \"table\", file = \"costs.csv\" }";
    transcript.fails(&["cost", "--layers", "layers.csv", "--accelerator", table]);
    insta::assert_snapshot!("buffers", transcript.text);
}

/// What accelerators share and how runs divide them, where it cannot be; and groups that a platform has not.
#[test]
fn shared_hardware_that_cannot_be() {
    let mut transcript = Transcript::new();
    let platform = |head: &str, more: &[&str]| {
        let accelerator = |(index, more): (usize, &&str)| {
            format!(
                "[[accelerator]]\nname = \"a{index}\"\nmodel = \"systolic\"\ndataflow = \"os\"\nrows = 4\ncols = 4\n{more}\n"
            )
        };
        let accelerators: Vec<String> = more.iter().enumerate().map(accelerator).collect();
        format!("source = \"a test\"\n{head}\n{}", accelerators.concat())
    };
    let dram = |lines: &str| format!("[shared_dram]\nbandwidth = 16\n{lines}\n");
    for (name, head, accelerators) in [
        ("sum", dram("sharing = \"static\""), ["dram_share = 0.75", "dram_share = 0.5"]),
        ("rest", dram("sharing = \"static\""), ["dram_share = 1", ""]),
        ("zero_share", dram("sharing = \"capped\""), ["dram_share = 0", ""]),
        ("zero_dram", "[shared_dram]\nbandwidth = 0".to_owned(), ["", ""]),
        ("zero_cache", "[shared_cache]\nbandwidth = 0.0".to_owned(), ["", ""]),
        (
            "zero_window",
            dram("sharing = \"throttle\"\nthrottle = { window = \"0us\", threshold = 0 }"),
            ["", ""],
        ),
        ("no_settings", dram("sharing = \"throttle\""), ["", ""]),
        ("absent", dram("sharing = \"throttle\"\nthrottle = { windw = \"1us\" }"), ["", ""]),
        ("no_throttle", dram("throttle = { window = \"1us\", threshold = 1 }"), ["", ""]),
        ("no_batch", String::new(), ["max_batch = 0", ""]),
        ("huge_batch", String::new(), ["max_batch = 1000", ""]),
        ("one_unit", String::new(), ["division = { units = 1 }", ""]),
        ("whole", String::new(), ["division = { units = 4 }", ""]),
        (
            "no_part",
            String::new(),
            ["division = { units = 4, part = [{ units = 4, rows = 2 }, { units = 9, rows = 2 }] }", ""],
        ),
    ] {
        transcript.bad_file(&format!("{name}.toml"), platform(&head, &accelerators));
    }
    // Four subarrays have no three equal parts, and one tile has no halves.
    let joined = "[[accelerator]]\nname = \"a\"\nmodel = \"fission\"\ndataflow = \"ws\"\nrows = 8\ncols = 8\nsubarrays = 4\n";
    transcript
        .bad_file("subarrays.toml", format!("source = \"a test\"\n{joined}division = {{ units = 3 }}\n"));
    let tile = "[[accelerator]]\nname = \"a\"\nmodel = \"gemmini\"\ntiles = 1\n";
    transcript.bad_file("tile.toml", format!("source = \"a test\"\n{tile}division = {{ units = 2 }}\n"));
    let part = "division = { units = 4, part = [{ units = 2, rows = 2 }] }";
    transcript.workspace.write("parts.toml", platform("", &[part]));
    let run = ["run", "--scenario", "xrbench/vr_gaming", "--duration", "50ms"];
    for policy in ["moca", "static-partition"] {
        for (platform, tiles) in [("parts.toml", "3"), ("parts.toml", "5"), ("moca/soc_8_tiles", "9")] {
            let group = format!("tiles={tiles}");
            let on = ["--platform", platform, "--policy", policy, "--set", &group];
            transcript.fails(&[&run[..], &on].concat());
        }
    }
    insta::assert_snapshot!("shared_hardware", transcript.text);
}

/// A mix whose requests a run would be drawing for ever, also by a duration that is asked for.
#[test]
fn mixes_that_never_end() {
    let mut transcript = Transcript::new();
    let mix = |duration: &str| {
        format!(
            "source = \"a test\"\nduration = \"{duration}\"\n[[mix]]\nname = \"storm\"\n\n\
             [[task]]\nname = \"a\"\nmodel = \"xrbench/es_ritnet\"\ndeadline = \"1ms\"\n\
             arrivals = {{ process = \"mix\", mix = \"storm\", weight = 1, spacing = \"1us\" }}\n"
        )
    };
    transcript.bad_file("months.toml", mix("5000000s"));
    transcript.workspace.write("second.toml", mix("1s"));
    let platform = ["--platform", "xrbench/single_4k_ws"];
    let long = ["run", "--scenario", "second.toml", "--duration", "5000000s"];
    transcript.refused(&[&long[..], &platform].concat());
    insta::assert_snapshot!("endless_mixes", transcript.text);
}

#[test]
fn bad_arguments() {
    let mut transcript = Transcript::new();
    let mut run = |extra: &[&str]| transcript.refused(&[&RUN[..], extra].concat());
    run(&["--set", "k_per_ms"]);
    run(&["--set", "k_per_ms=fast"]);
    run(&["--set", "k_per_ms=nan"]);
    run(&["--set", "k_per_ms=inf"]);
    run(&["--set", "energy_max_mj=-1"]);
    run(&["--seed", "4294967296"]);
    run(&["--seed", "99999999999999999999"]);
    run(&["--seed=-1"]);
    run(&["--duration", "0"]);
    run(&["--duration", "0ms"]);
    run(&["--duration=-1ms"]);
    run(&["--duration", "1e3ms"]);
    run(&["--duration", "-1s"]);
    run(&["--duration", "99999999999s"]);
    run(&["--format", "xml"]);
    run(&["--compat", "scalesim"]);
    for shard in ["4/3", "0/3", "0/0", "1", "a/b", "1/3/5", "-1/3", "1/99999999999"] {
        transcript.refused(&["sweep", "smoke", &format!("--shard={shard}")]);
    }
    for threads in ["0", "1025", "two"] {
        transcript.refused(&["sweep", "smoke", "--threads", threads]);
        transcript.refused(&[
            "cost",
            "--model",
            "xrbench/es_ritnet",
            "--accelerator",
            WS,
            "--threads",
            threads,
        ]);
    }
    transcript.refused(&["cost", "--model", "xrbench/es_ritnet"]);
    transcript.refused(&[
        "cost",
        "--model",
        "xrbench/es_ritnet",
        "--accelerator",
        WS,
        "--platform",
        "xrbench/single_4k_ws",
    ]);
    transcript.refused(&["cost", "--model", "xrbench/es_ritnet", "--accelerator", WS, "--clock-mhz", "0"]);
    transcript.refused(&["check"]);
    transcript.refused(&["completions", "tcsh"]);
    insta::assert_snapshot!("arguments", transcript.text);
}

/// Options that a command would take without a word, and do nothing with: each is refused, as its siblings are.
#[test]
fn options_without_an_effect() {
    let mut transcript = Transcript::new();
    transcript.workspace.write("case.json", "{}");
    let of_the_engine = &RUN[..5];
    // A cell is one of a sweep.
    transcript.refused(&[of_the_engine, &["--cell", "999"]].concat());
    transcript.refused(&[&RUN[..], &["--cell", "0"]].concat());
    transcript.refused(&["run", "--requests", "a.csv", "--platform", "xrbench/single_4k_ws", "--cell", "0"]);
    transcript.refused(&["run", "--sweep", "policies", "--cell", "-1"]);
    transcript.refused(&["run", "--sweep", "policies"]);
    // Windows are those of a series, and cases those of a published tool.
    transcript.refused(&[&RUN[..], &["--window", "10ms"]].concat());
    transcript.refused(&["run", "--requests", "a.csv", "--traces", "b.csv", "--window", "10ms"]);
    transcript.refused(&["run", "--case", "case.json", "--timeline", "a.svg"]);
    transcript.refused(&["run", "--case", "case.json", "--report", "out"]);
    transcript.refused(&["run", "--case", "case.json", "--series", "a.csv", "--window", "10ms"]);
    let window = ["--set", "window=10ms"];
    transcript.refused(&[of_the_engine, &window].concat());
    let pair = &RUN[1..5];
    transcript.refused(&[&["analyse", "--policy", "edf"], pair, &window].concat());
    transcript.refused(&[&["bound", "--policies", "edf"], pair, &window].concat());
    transcript.refused(&[&["robust", "--policies", "edf,fcfs"], pair, &window].concat());
    // Published tools that draw nothing have no seed.
    transcript.refused(&["run", "--compat", "moca", "--case", "case.json", "--seed", "2"]);
    transcript.refused(&[
        "run",
        "--compat",
        "dysta",
        "--requests",
        "a.csv",
        "--traces",
        "b.csv",
        "--seed",
        "2",
    ]);
    // Shards have no tables, sweeps no request files, and name their runner.
    transcript.refused(&["sweep", "smoke", "--shard", "1/2", "--format", "json"]);
    transcript.workspace.write("costs.csv", "model,layer,latency_us\nnet,conv,1\n");
    let check = transcript.workspace.rtmm(&[
        "check",
        "smoke",
        "costs.csv",
        "--scenario",
        "xrbench/vr_gaming",
        "--compat",
        "xrbench",
    ]);
    assert_eq!(check.code, 2, "{}", check.stderr);
    transcript.add(&["check", "smoke", "costs.csv", "--scenario", "...", "--compat", "xrbench"], &check);
    insta::assert_snapshot!("idle_options", transcript.text);
}

/// A usage error is one even where nobody reads it.
#[cfg(unix)]
#[test]
fn a_closed_standard_error_changes_no_exit_code() {
    let workspace = Workspace::new();
    let mut child =
        workspace.command(&["run", "--cell"]).stderr(Stdio::piped()).spawn().expect("rtmm starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("rtmm ends").code(), Some(2));
}

#[test]
fn calibrations_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let header = "op,ddr_cycles,npu_cycles,time_us,rw_kb\n";
    let rows = "Conv,1,1000,10,1\nConv,1,3000,20,2\nConv,1,9000,30,9\n";
    let write = |name: &str, rows: &str| transcript.workspace.write(name, format!("{header}{rows}"));
    write("cells.csv", "Conv,1,1000,0,1\nConv,1,1000,-3,1\nConv,x,NaN,inf,\nConv,1,1000,10\n");
    write("empty.csv", "");
    write("few.csv", rows);
    write("same.csv", &"Conv,1,1000,10,1\n".repeat(5));
    write("alone.csv", "Add,1,0,10,1\nAdd,1,0,20,2\nAdd,1,0,30,9\nConv,1,5,40,3\nAdd,1,0,50,4\n");
    transcript.workspace.write("columns.csv", "op,npu_cycles,time_ms,rw_kb\nConv,1,1,1\n");
    transcript.workspace.write(
        "costs.csv",
        "model,layer,latency_us\nxrbench/es_ritnet,conv1,0\nxrbench/es_ritnet,none,1\nnone,conv1,1\nmine.toml,conv1,1\n",
    );
    for file in ["cells", "empty", "few", "same", "alone", "columns", "costs", "missing"] {
        transcript.refused(&["calibrate", "--table", &format!("{file}.csv")]);
    }
    let against = ["calibrate", "--table", "costs.csv", "--against"];
    for more in [
        &["xrbench/single_4k_ws"][..],
        &["xrbench/dual_4k_ws_os"],
        &["xrbench/dual_4k_ws_os", "--on", "npu"],
        &["none"],
    ] {
        transcript.refused(&[&against, more].concat());
    }
    transcript.refused(&["calibrate", "--table", "few.csv", "--on", "npu"]);
    transcript.workspace.write(
        "corrected.toml",
        "source = \"a test\"\n[[accelerator]]\nname = \"npu\"\nmodel = \"maestro\"\ndataflow = \"WS\"\npes = 256\n\
         noc_bandwidth = 16\ncalibration = { a_us_per_kb = 1, b_us_per_us = 1, c_us = 1 }\n",
    );
    transcript.refused(&[&against[..], &["corrected.toml"]].concat());
    insta::assert_snapshot!("calibrations", transcript.text);
}

#[test]
fn imports_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let product = common::onnx_product();
    transcript.workspace.write("product.onnx", &product);
    transcript.workspace.write("half.onnx", &product[..product.len() / 2]);
    transcript.workspace.write("text.onnx", "no model at all");
    let control_flow = "../import/tests/models/tiny_control_flow.onnx";
    let control_flow = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(control_flow)).expect("a model");
    transcript.workspace.write("branch.onnx", control_flow);
    for file in ["product.onnx", "half.onnx", "text.onnx", "missing.onnx", "."] {
        transcript.refused(&["import", file]);
    }
    for more in [
        &["--dim", "M=2"][..],
        &["--dim", "N"],
        &["--dim", "N=-1"],
        &["--dim", "N=2", "--dim", "N=3"],
        &["--dim", "N=2000000000000000"],
        &["--dim", "N=2", "--input", "x=1"],
        &["--dim", "N=2", "--input", "z=1"],
        &["--dim", "N=2", "--input", "x=one"],
        &["--dim", "N=2", "--branch", "y=then"],
        &["--dim", "N=2", "--branch", "y=both"],
        &["--dim", "N=2", "--trips", "y=2"],
        &["--dim", "N=2", "--trips", "y=-1"],
    ] {
        transcript.refused(&[&["import", "product.onnx"], more].concat());
    }
    transcript.refused(&["import", "branch.onnx", "--dim", "N=1"]);
    insta::assert_snapshot!("imports", transcript.text);
}

#[test]
fn imported_arrivals_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let workspace = &transcript.workspace;
    workspace.write("code.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,48,10\n");
    workspace
        .write("cut.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,48,10\n2023-1");
    workspace.write("negative.csv", "Timestamp,Model\n-5,GPT-4\n");
    workspace.write("empty.csv", "");
    workspace.write("packed.csv.gz", [0x1f, 0x8b, 8, 0]);
    workspace.write("rules.csv", "when,model,deadline\nContextTokens<many,a.toml,\n*,b.toml,soon\n");
    let all = ["--map", "*=m"];
    for (file, kind) in [
        ("code.csv", "azure-llm"),
        ("cut.csv", "azure-llm"),
        ("code.csv", "burstgpt"),
        ("negative.csv", "burstgpt"),
        ("empty.csv", "azure-functions"),
        ("packed.csv.gz", "azure-llm"),
        ("missing.csv", "mooncake"),
        (".", "mooncake"),
        ("code.csv", "constant-stream"),
        ("code.csv", "csv"),
        ("code.csv", "azure"),
    ] {
        let more = if (file, kind) == ("code.csv", "azure-llm") { &[][..] } else { &all };
        transcript.refused(&[&["import", file, "--kind", kind], more].concat());
    }
    for more in [
        &["--map", "ContextTokens<10=m"][..],
        &["--map", "Tokens<10=m"],
        &["--map", "m"],
        &["--map-file", "rules.csv"],
        &["--map", "*=m", "--scale", "0"],
        &["--map", "*=m", "--window", "5s..1s"],
        &["--map", "*=m", "--window", "5s..9s"],
        &["--map", "*=m", "--deadline", "0s"],
        &["--map", "*=m", "--columns", "arrival=TIMESTAMP"],
        &["--map", "*=m", "--dim", "N=2"],
        &["--map", "*=m", "--warmup", "2"],
        &["--map", "*=m", "--output", "code.csv"],
        &["--map", "*=m", "--output", "no/folder.csv"],
    ] {
        transcript.refused(&[&["import", "code.csv", "--kind", "azure-llm"], more].concat());
    }
    transcript.refused(&["import", "code.csv", "--map", "*=m"]);
    transcript.refused(&["import", "model.onnx", "code.csv", "--kind", "azure-llm", "--map", "*=m"]);
    insta::assert_snapshot!("imported_arrivals", transcript.text);
}

#[test]
fn runs_on_the_engine_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let mut run = |extra: &[&str]| transcript.refused(&[&RUN[..5], extra].concat());
    for policy in ["edff", "mocca", "EDF", ""] {
        run(&["--policy", policy]);
    }
    for set in [
        "granularity=layers",
        "block_layers=0",
        "block_layers=4.5",
        "drop",
        "warm_up=1",
        "warm_up=700ms",
        "warm_upp=1ms",
        "order=release",
        "end_of_run=stop",
        "accuracy_target=1.5",
        "k_per_ms=nan",
        "decision_base=2s",
        "decision_per_job=-1ms",
        "=3",
    ] {
        run(&["--set", set]);
    }
    run(&["--set", "drop=late", "--set", "drop=never"]);
    run(&["--set", "warm_up=1s", "--duration", "500ms"]);
    run(&["--duration", "0ms"]);
    run(&["--seed", "18446744073709551616"]);
    transcript.refused(&["run", "--platform", "xrbench/single_4k_ws"]);
    transcript.refused(&["run", "--scenario", "xrbench/vr_gaming"]);
    transcript.refused(&["run", "--scenario", "absent.toml", "--platform", "missing.toml"]);
    transcript.refused(&["run", "--scenario", "xrbench/vr_gamin", "--platform", "xrbench/single_4k"]);
    transcript.refused(&[&RUN[..5], &["--jobs", "no/jobs.csv"]].concat());
    insta::assert_snapshot!("engine", without_policies(&transcript.text));
}

#[test]
fn recorded_requests_that_cannot_be_replayed() {
    let mut transcript = Transcript::new();
    let header = "arrival_s,model,relative_deadline_s\n";
    let rows = "0.5,xrbench/es_ritnet,0.1\n0.25,xrbench/es_ritnet,0.1\n";
    transcript.workspace.write("unsorted.csv", format!("{header}{rows}"));
    transcript.workspace.write("other.csv", format!("{header}0.1,xrbench/kd_res8_narrow,0.1\n"));
    transcript.workspace.write("no_deadline.csv", "arrival_s,model\n0.1,xrbench/kd_res8_narrow\n");
    transcript.workspace.write("empty.csv", "");
    let platform = ["--platform", "xrbench/single_4k_ws"];
    for requests in ["unsorted.csv", "no_deadline.csv", "empty.csv", "absent.csv", "."] {
        transcript.refused(&[&["run", "--requests", requests], &platform[..]].concat());
    }
    let arguments = [&RUN[..5], &["--requests", "other.csv"]].concat();
    transcript.refused(&arguments);
    transcript.refused(&[&arguments[..], &["--compat", "xrbench"]].concat());
    // Problems of the requests and of the platform come out together.
    transcript.refused(&["run", "--requests", "unsorted.csv", "--platform", "none.toml"]);
    insta::assert_snapshot!("replays", transcript.text);
}

#[test]
fn layers_without_a_cost_are_bad_input_of_every_command() {
    let mut transcript = Transcript::new();
    transcript.workspace.write("costs.csv", "model,layer,latency_us\nxrbench/es_ritnet,conv1,1\n");
    transcript.workspace.write(
        "measured.toml",
        "source = \"a test\"\n[[accelerator]]\nname = \"gpu\"\nmodel = \"table\"\nfile = \"costs.csv\"\n",
    );
    let pair = ["--scenario", "xrbench/vr_gaming", "--platform", "measured.toml"];
    transcript.refused(&[&["run"], &pair[..]].concat());
    transcript.refused(&[&["bound"], &pair[..]].concat());
    transcript.refused(&[&["analyse", "--policy", "edf"], &pair[..]].concat());
    transcript.refused(&[&["robust", "--policies", "edf,fcfs"], &pair[..]].concat());
    // Layers that are times alone, and an accelerator that runs one kind of them.
    transcript.refused(&["run", "--scenario", "gpu/l4_six", "--platform", "dream/dual_4k_ws_os"]);
    transcript.refused(&[
        "run",
        "--scenario",
        "gpu/l4_six",
        "--platform",
        "xrbench/single_4k_ws",
        "--compat",
        "xrbench",
    ]);
    transcript.workspace.write(
        "softmax.toml",
        "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"systolic\"\ndataflow = \"os\"\nrows = 8\n\
         cols = 8\noperators = [\"softmax\"]\n",
    );
    transcript
        .workspace
        .write("one.toml", scenario("name = \"a\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 30\n"));
    transcript.refused(&["run", "--scenario", "one.toml", "--platform", "softmax.toml"]);
    let check = transcript.workspace.rtmm(&["check", "one.toml", "softmax.toml"]);
    assert_eq!(check.code, 2, "{}", check.stderr);
    transcript.add(&["check", "one.toml", "softmax.toml"], &check);
    transcript.workspace.write("sweep.toml", {
        let axes = "scenarios = [\"xrbench/vr_gaming\"]\nplatforms = [\"measured.toml\"]\nseeds = [1]\n";
        format!("runner = \"engine\"\n{axes}policy = [{{ name = \"edf\" }}]\n")
    });
    transcript.fails(&["sweep", "sweep.toml", "--output", "results"]);
    insta::assert_snapshot!("no_cost", transcript.text);
}

/// Parameters of DREAM's policies out of their ranges.
#[test]
fn parameters_of_dream_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let start = ["run", "--scenario", "dream/ar_social", "--platform", "dream/dual_4k_ws_os", "--policy"];
    for (policy, set) in [
        ("dream-full", "alpha=-1"),
        ("dream-full", "alpha=inf"),
        ("dream-full", "beta=nan"),
        ("dream-full", "urgency_cap=nan"),
        ("dream-full", "variants=tiny"),
        ("dream-full", "variant_queue=some"),
        ("dream-full", "drop_cap=-1"),
        ("dream-full", "drop_window=0"),
        ("dream-full", "search_window=1ms"),
        ("dream-adaptive", "search_window=0us"),
        ("dream-adaptive", "search_radius=-0.5"),
        ("dream-halving", "search_steps=1.5"),
    ] {
        transcript.refused(&[&start[..], &[policy, "--set", set]].concat());
    }
    insta::assert_snapshot!("dream_parameters", transcript.text);
}

/// Cascades and supernets: scenarios, and sweeps over the probabilities of cascades.
#[test]
fn cascades_and_variants_that_make_no_sense() {
    let mut transcript = Transcript::new();
    let cascade = |probability: &str| {
        let second = "[[task]]\nname = \"b\"\nmodel = \"dream/gnmt\"\n";
        let depends =
            format!("depends_on = [{{ task = \"a\", kind = \"control\", probability = {probability} }}]\n");
        scenario(&format!("name = \"a\"\nmodel = \"dream/kws_res8\"\nrate_hz = 15\n\n{second}{depends}"))
    };
    transcript.bad_file("likely.toml", cascade("1.5"));
    transcript.bad_file("negative.toml", cascade("-0.5"));
    let of = |model: &str, lines: &str| {
        scenario(&format!("name = \"a\"\nmodel = \"dream/{model}\"\nrate_hz = 30\n{lines}\n"))
    };
    transcript.bad_file("variant.toml", of("once_for_all", "variant = \"note8_48ms\""));
    transcript.refused(&["run", "--scenario", "variant.toml", "--platform", "dream/dual_4k_ws_os"]);
    transcript.bad_file("variants.toml", of("once_for_all", "variants = [\"fulll\"]"));
    transcript
        .bad_file("excluded.toml", of("once_for_all", "variant = \"full\"\nvariants = [\"note8_49ms\"]"));
    transcript.bad_file("none.toml", of("once_for_all", "variants = []"));
    transcript.bad_file("no_supernet.toml", of("skip_net", "variant = \"full\""));
    let sweep = |scenarios: &str, axis: &str| {
        format!(
            "runner = \"engine\"\nscenarios = [{scenarios}]\nplatforms = [\"dream/dual_4k_ws_os\"]\nseeds = [1]\n\
             policy = [{{ name = \"edf\" }}]\n\n[trigger_probability]\n{axis}\n"
        )
    };
    let (cascading, plain) = ("\"dream/ar_call\"", "\"dream/drone_indoor\", \"dream/ar_call\"");
    transcript.bad_file("range.toml", sweep(cascading, "cascades = true\nvalues = [1.2]"));
    transcript.bad_file("unsaid.toml", sweep(cascading, "values = [1.2]"));
    transcript.bad_file("both.toml", sweep(cascading, "task = \"keyword\"\ncascades = true\nvalues = [0.5]"));
    transcript.bad_file("plain.toml", sweep(plain, "cascades = true\nvalues = [0.5, 1]"));
    transcript.refused(&["sweep", "plain.toml", "--output", "results"]);
    insta::assert_snapshot!("cascades", transcript.text);
}

#[test]
fn engine_sweeps_that_cannot_be_planned() {
    let mut transcript = Transcript::new();
    let axes = "runner = \"engine\"\nscenarios = [\"xrbench/vr_gaming\"]\n\
                platforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\n";
    for (name, lines) in [
        ("no_policy", ""),
        ("policies", "policy = [{ name = \"fcsf\" }, { name = \"edf\" }, { name = \"edf\" }]"),
        (
            "parameters",
            "policy = [{ name = \"edf\", set = { drop = [\"late\", \"soon\"], order = \"release\" } }]",
        ),
        (
            "settings",
            "policy = [{ name = \"edf\" }]\nsettings = { warm_upp = \"1ms\", end_of_run = \"stop\" }",
        ),
        ("baseline", "policy = [{ name = \"edf\" }]\nbaseline = { policy = \"fcfs\" }"),
    ] {
        transcript.bad_file(&format!("{name}.toml"), format!("{axes}{lines}\n"));
    }
    insta::assert_snapshot!("engine_sweeps", without_policies(&transcript.text));
}

#[test]
fn a_sweep_whose_warm_up_leaves_nothing_fails() {
    let mut transcript = Transcript::new();
    let axes = "runner = \"engine\"\nscenarios = [\"xrbench/vr_gaming\"]\n\
                platforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\npolicy = [{ name = \"edf\" }]\n";
    transcript.workspace.write("sweep.toml", format!("{axes}settings = {{ warm_up = \"700ms\" }}\n"));
    transcript.fails(&["sweep", "sweep.toml", "--output", "results"]);
    let reason = "a warm-up of 700ms leaves nothing of a run of 700ms";
    assert!(transcript.text.contains(reason), "{}", transcript.text);
    // Which is found before it is run.
    let check = transcript.workspace.rtmm(&["check", "sweep.toml"]);
    assert_eq!(check.code, 2, "{}", check.stderr);
    assert!(check.stderr.contains(&format!("1 of 1 cells cannot run: {reason}")), "{}", check.stderr);
    assert!(check.stderr.contains("sweep.toml:6:"), "{}", check.stderr);
}

#[test]
fn durations_and_rates_beyond_the_reference_loop() {
    let mut transcript = Transcript::new();
    for duration in ["99999s", "1ps"] {
        transcript.refused(&[&RUN[..], &["--duration", duration]].concat());
    }
    transcript
        .workspace
        .write("fast.toml", scenario("name = \"a\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 2000\n"));
    let platform = ["--platform", "xrbench/single_4k_ws", "--compat", "xrbench"];
    transcript.refused(&[&["run", "--scenario", "fast.toml"], &platform[..]].concat());
    transcript.workspace.write(
        "skipping.toml",
        "source = \"a test\"\ninput = [8, 8, 8]\n[[layer]]\nname = \"a\"\noperator = \"convolution\"\n\
         channels = 8\nkernel = 1\n[[layer]]\nname = \"b\"\noperator = \"convolution\"\nchannels = 8\n\
         kernel = 1\n[[block]]\nname = \"a\"\nfirst = \"a\"\nlast = \"a\"\nskip_probability = 0.5\n",
    );
    transcript
        .workspace
        .write("dynamic.toml", scenario("name = \"a\"\nmodel = \"skipping.toml\"\nrate_hz = 20\n"));
    transcript.refused(&[&["run", "--scenario", "dynamic.toml"], &platform[..]].concat());
    transcript.workspace.write(
        "slow_clock.toml",
        "source = \"a test\"\nclock_mhz = 700\n[[accelerator]]\nname = \"a\"\nmodel = \"maestro\"\n\
         dataflow = \"WS\"\npes = 256\nnoc_bandwidth = 64\n",
    );
    let arguments =
        ["run", "--scenario", "xrbench/vr_gaming", "--platform", "slow_clock.toml", "--compat", "xrbench"];
    transcript.refused(&arguments);
    // What the loop would pass over in silence.
    let array = "[[accelerator]]\nname = \"a\"\nmodel = \"maestro\"\ndataflow = \"WS\"\npes = 256\nnoc_bandwidth = 64\n";
    for (name, of_platform, of_accelerator) in [
        ("shared", "[shared_dram]\nbandwidth = 8\n", ""),
        ("switches", "context_switch = { time = \"1us\" }\n", ""),
        ("batches", "", "max_batch = 4\n"),
        ("points", "", "[accelerator.power]\npoints = [{ frequency_mhz = 1000, voltage_v = 1 }]\n"),
    ] {
        transcript.workspace.write(
            &format!("{name}.toml"),
            format!("source = \"a test\"\n{of_platform}{array}{of_accelerator}"),
        );
        let on = format!("{name}.toml");
        transcript.refused(&[
            "run",
            "--scenario",
            "xrbench/vr_gaming",
            "--platform",
            &on,
            "--compat",
            "xrbench",
        ]);
    }
    let task = |keys: &str| {
        scenario(&format!("name = \"a\"\nmodel = \"xrbench/es_ritnet\"\nrate_hz = 20\n{keys}\n"))
    };
    for (name, keys) in [
        ("pinned", "run_on = [\"maestro\"]"),
        ("avoids", "avoid = [\"dsp\"]"),
        ("isolated", "deadline = { isolated = 10 }"),
        ("jitter", "jitter = \"1ms\""),
    ] {
        transcript.workspace.write(&format!("{name}.toml"), task(keys));
        let file = format!("{name}.toml");
        transcript.refused(&[&["run", "--scenario", &file], &platform[..]].concat());
    }
    let checked = ["check", "pinned.toml", "xrbench/single_4k_ws", "--compat", "xrbench"];
    let outcome = transcript.workspace.rtmm(&checked);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    transcript.add(&checked, &outcome);
    transcript.bad_file(
        "sweep.toml",
        sweep("scenarios = [\"pinned.toml\"]\nplatforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\n"),
    );
    insta::assert_snapshot!("beyond_the_loop", transcript.text);
}

#[test]
fn sweeps_that_cannot_be_planned() {
    let mut transcript = Transcript::new();
    let axes = "platforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\n";
    transcript.bad_file(
        "runner.toml",
        "runner = \"xrbenc\"\nscenarios = [\"xrbench/*\"]\nplatforms = [\"xrbench/*\"]\nseeds = [1]\n",
    );
    transcript.bad_file("names.toml", {
        sweep("scenarios = [\"xrbench/vr_gamin\"]\nplatforms = [\"xrbench/single_4k_w\", \"own.toml\"]\nseeds = [1]\n")
    });
    transcript.bad_file(
        "empty.toml",
        sweep("scenarios = []\nplatforms = []\nseeds = []\nload_factors = []\npolicy = []\n"),
    );
    transcript.bad_file(
        "patterns.toml",
        sweep("scenarios = [\"other/*\"]\nplatforms = [\"*.toml\"]\nseeds = [1]\n"),
    );
    transcript.bad_file("missing.toml", "scenarios = [\"xrbench/*\"]\n");
    transcript.bad_file("values.toml", {
        sweep(&format!("scenarios = [\"xrbench/vr_gaming\", \"xrbench/vr_gaming\"]\n{axes}load_factors = [0, -1.0, nan, 1]\n"))
    });
    transcript.bad_file("seeds.toml", {
        let axes = axes.replace("[1]", "{ first = 4294967295, step = 2, count = 2 }");
        sweep(&format!("scenarios = [\"xrbench/vr_gaming\"]\n{axes}"))
    });
    transcript.bad_file("policy.toml", {
        let policy =
            "policy = [{ name = \"latency-greedy\", set = { k_per_m = 3, energy_max_mj = [0, 5, 5] } }]\n";
        sweep(&format!("scenarios = [\"xrbench/vr_gaming\"]\n{axes}{policy}"))
    });
    transcript.bad_file("trigger.toml", {
        let axis = "trigger_probability = { task = \"GE_FBNet\", values = [0.5] }\n";
        sweep(&format!("scenarios = [\"xrbench/vr_gaming\", \"xrbench/ar_assistant\"]\n{axes}{axis}"))
    });
    transcript.bad_file("baseline.toml", {
        let baseline = "baseline = { platform = \"xrbench/single_4k_os\" }\n";
        sweep(&format!("scenarios = [\"xrbench/vr_gaming\"]\n{axes}{baseline}"))
    });
    insta::assert_snapshot!("sweeps", transcript.text);
}

#[test]
fn a_sweep_that_fails_says_which_cell() {
    let mut transcript = Transcript::new();
    let axes = "scenarios = [\"xrbench/vr_gaming\"]\nplatforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\n";
    transcript.workspace.write("fast.toml", sweep(&format!("{axes}load_factors = [100]\n")));
    transcript.fails(&["sweep", "fast.toml", "--output", "results"]);
    insta::assert_snapshot!("failing_sweep", transcript.text);
}

#[test]
fn several_problems_of_a_scenario_and_its_model_come_out_together() {
    let mut transcript = Transcript::new();
    transcript.workspace.write("model.toml", {
        let second = "[[layer]]\nname = \"b\"\noperator = \"pool\"\n";
        model(&format!("operator = \"convolution\"\nchannels = 4\nkernel = 11\nstrid = 2\n{second}"))
    });
    let tasks = "\
name = \"a\"
model = \"model.toml\"
rate_hz = 0
deadlin = \"5ms\"

[[task]]
name = \"b\"
model = \"xrbench/es_ritne\"
period = \"-5ms\"
depends_on = [\"a\", \"c\"]

[[task]]
name = \"b\"
model = \"model.toml\"
rate_hz = 30
trigger_probability = nan
";
    transcript.workspace.write("scenario.toml", scenario(tasks).replace("700ms", "0s"));
    let platform = "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"maestro\"\ndataflow = \"WS\"\npes = 0\n";
    transcript.workspace.write("platform.toml", platform);
    let arguments =
        ["run", "--scenario", "scenario.toml", "--platform", "platform.toml", "--compat", "xrbench"];
    transcript.refused(&arguments);
    for problem in [
        "unknown key `deadlin`",
        "`duration` is zero",
        "`rate_hz` is out of range",
        "there is no built-in model `xrbench/es_ritne`",
        "`period` is negative",
        "there is no task `c`",
        "there are two tasks named `b`",
        "`trigger_probability` is out of range",
        "unknown key `strid`",
        "larger than its input",
        "`operator` cannot be `pool`",
        "`pes` is out of range",
        "no `noc_bandwidth`",
    ] {
        assert_eq!(transcript.text.matches(problem).count(), 1, "{problem}\n{}", transcript.text);
    }
    insta::assert_snapshot!("several", transcript.text);
}

/// A finished smoke sweep in `results`, whose store the tests below damage.
fn finished_smoke() -> (Transcript, Vec<u8>) {
    let transcript = Transcript::new();
    transcript.workspace.rtmm(&["sweep", "smoke", "--output", "results"]).success();
    let store = fs::read(transcript.workspace.path("results/store.sqlite")).expect("the store");
    (transcript, store)
}

#[test]
fn stores_that_are_damaged_or_foreign_are_refused_and_left_alone() {
    let (mut transcript, store) = finished_smoke();
    let mut version = store.clone();
    // SQLite keeps `user_version` in bytes 60 to 63 of the file.
    version[60..64].copy_from_slice(&7_u32.to_be_bytes());
    let other = replaced(&store, b"xrbench", b"another");
    let mut flipped = store.clone();
    let middle = store.len() / 2;
    flipped[middle..middle + 3_000].iter_mut().for_each(|byte| *byte ^= 0x55);
    let half = &store[..store.len() / 2];
    for (what, bytes) in [
        ("half of a store", half),
        ("the first bytes of a store", &store[..50]),
        ("nothing of a store", &[]),
        ("a text", b"these are not the cells that you look for\n"),
        ("a store of another version", &version),
        ("a store of another runner", &other),
        ("a store with flipped bits", &flipped),
    ] {
        transcript.workspace.write("results/store.sqlite", bytes);
        let _ = writeln!(transcript.text, "# {what}");
        transcript.fails(&["sweep", "smoke", "--output", "results"]);
        let left = fs::read(transcript.workspace.path("results/store.sqlite")).expect("the store");
        assert!(left == bytes, "{what} was changed");
        let _ = writeln!(transcript.text, "# {what}, merged");
        transcript.workspace.write("results/store-1-of-1.sqlite", bytes);
        transcript.fails(&["merge", "smoke", "--output", "merged", "results/store-1-of-1.sqlite"]);
    }
    insta::assert_snapshot!("stores", transcript.text);
}

/// All occurrences of some bytes replaced by as many others.
fn replaced(bytes: &[u8], old: &[u8; 7], new: &[u8; 7]) -> Vec<u8> {
    let mut result = bytes.to_vec();
    for start in 0..result.len() - old.len() {
        if result[start..].starts_with(old) {
            result[start..start + old.len()].copy_from_slice(new);
        }
    }
    result
}

#[test]
fn stores_that_cannot_be_used_now() {
    let (mut transcript, _) = finished_smoke();
    let held = Store::open_existing(&transcript.workspace.path("results/store.sqlite"), runner("xrbench"))
        .expect("the store opens");
    transcript.fails(&["sweep", "smoke", "--output", "results"]);
    transcript.fails(&["merge", "smoke", "--output", "merged", "results/store.sqlite"]);
    held.close().expect("the store closes");
    transcript.workspace.rtmm(&["sweep", "smoke", "--output", "results"]).success();

    // Stores and shards that are not there, or are of another sweep.
    transcript.refused(&["merge", "smoke", "--output", "merged", "missing.sqlite"]);
    transcript.refused(&["merge", "smoke", "--output", "nowhere"]);
    let axes = "scenarios = [\"xrbench/ar_gaming\"]\nplatforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\n";
    transcript.workspace.write("other.toml", sweep(axes));
    transcript.workspace.rtmm(&["sweep", "other.toml", "--output", "other", "--shard", "1/1"]).success();
    transcript.fails(&["merge", "smoke", "--output", "merged", "other/store-1-of-1.sqlite"]);
    transcript.workspace.rtmm(&["sweep", "smoke", "--output", "part", "--shard", "2/3"]).success();
    transcript.fails(&["merge", "smoke", "--output", "part"]);
    insta::assert_snapshot!("unusable_stores", transcript.text);
}

#[test]
fn outputs_that_cannot_be_written() {
    let mut transcript = Transcript::new();
    // Permissions do not bind every user; a path below a regular file binds all.
    transcript.workspace.write("file", "");
    transcript.refused(&["sweep", "smoke", "--output", "file"]);
    transcript.refused(&["sweep", "smoke", "--output", "file/below"]);
    transcript.refused(&[&RUN[..], &["--jobs", "file/below"]].concat());
    transcript.refused(&[&RUN[..], &["--jobs", "."]].concat());
    let of_the_engine = &RUN[..5];
    transcript.refused(&[of_the_engine, &["--timeline", "file/below.svg"]].concat());
    for timeline in ["run.pdf", "run"] {
        transcript.refused(&[of_the_engine, &["--timeline", timeline]].concat());
        assert!(!transcript.workspace.path(timeline).exists());
    }
    fs::create_dir_all(transcript.workspace.path("blocked/cells.csv")).expect("a directory");
    transcript.refused(&["sweep", "smoke", "--output", "blocked"]);
    assert!(!transcript.workspace.path("blocked/store.sqlite").exists(), "no cell is run for nothing");
    // What fails only when it is written leaves the tables, and the cells.
    fs::create_dir_all(transcript.workspace.path("late/tasks.csv.partial")).expect("a directory");
    let late = transcript.workspace.rtmm(&["sweep", "smoke", "--output", "late"]);
    assert_eq!(late.code, 1, "{}", late.stderr);
    assert!(late.stdout.contains("has the highest overall score"), "{}", late.stdout);
    transcript.add(&["sweep", "smoke", "--output", "late"], &late);
    fs::remove_dir(transcript.workspace.path("late/tasks.csv.partial")).expect("the directory is empty");
    let again = transcript.workspace.rtmm(&["sweep", "smoke", "--output", "late"]);
    assert_eq!(again.stderr, "smoke: 6 cells, 0 run, 6 reused from late\n", "finished cells are kept");
    fs::create_dir(transcript.workspace.path("flat")).expect("a directory");
    transcript.workspace.write("flat/figures", "");
    transcript.refused(&["sweep", "smoke", "--output", "flat"]);
    // Folders that are there and take no files, and those that cannot be made, end alike.
    #[cfg(target_os = "linux")]
    for folder in ["/proc", "/proc/new"] {
        let onnx = "net.m";
        transcript
            .workspace
            .write(onnx, "Network a { Layer b { Type: CONV Dimensions { K 1, C 1, R 1, S 1, Y 4, X 4 } } }");
        let synthesize = ["traces", "synthesize", "--model", "dysta/bert_squad_384", "--samples", "1"];
        for arguments in [
            &["sweep", "smoke"][..],
            &[of_the_engine, &["--duration", "20ms"]].concat(),
            &["import", onnx],
            &synthesize,
            &["reproduce", "xrbench", "--claim", "1"],
        ] {
            let option = if arguments[0] == "run" { "--report" } else { "--output" };
            let outcome = transcript.workspace.rtmm(&[arguments, &[option, folder]].concat());
            assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}: {}", outcome.stderr);
            assert!(outcome.stderr.contains("help: name a folder"), "{arguments:?}: {}", outcome.stderr);
        }
        for option in ["--jobs", "--timeline"] {
            let file = format!("{folder}/run.svg");
            let outcome = transcript.workspace.rtmm(&[of_the_engine, &[option, &file]].concat());
            assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{option}: {}", outcome.stderr);
        }
    }
    fs::create_dir_all(transcript.workspace.path("store/store.sqlite")).expect("a directory");
    transcript.fails(&["sweep", "smoke", "--output", "store"]);
    insta::assert_snapshot!("unwritable", transcript.text);
}

#[cfg(target_os = "linux")]
#[test]
fn full_disks_fail_the_run_with_a_message() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let mut transcript = Transcript::new();
    // What could not be written beside it takes nothing from the result.
    for of_what in [&RUN[..], &RUN[..5]] {
        for format in ["table", "json"] {
            let asked = [of_what, &["--format", format]].concat();
            let expected = transcript.workspace.rtmm(&asked).success();
            let outcome = transcript.workspace.rtmm(&[&asked[..], &["--jobs", "/dev/full"]].concat());
            assert_eq!((outcome.code, &outcome.stdout), (1, &expected), "{}", outcome.stderr);
        }
    }
    let series = ["--series", "/dev/full", "--window", "10ms", "--jobs", "/dev/full"];
    let outcome = transcript.workspace.rtmm(&[&RUN[..5], &series].concat());
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.stderr.matches("/dev/full: cannot be written").count(), 2, "{}", outcome.stderr);
    transcript.fails(&[&RUN[..], &["--jobs", "/dev/full"]].concat());
    for arguments in [
        &RUN[..],
        &[&RUN[..], &["--format", "json"]].concat(),
        &[&RUN[..], &["--format", "csv"]].concat(),
        &["list", "models"],
        &["list", "models", "--format", "json"],
        &["cost", "--model", "xrbench/es_ritnet", "--accelerator", WS],
        &["explain", "--model", "xrbench/es_ritnet", "--layer", "0", "--accelerator", WS],
        &["completions", "bash"],
        &["sweep", "smoke", "--output", "results"],
        &["sweep", "smoke", "--output", "results", "--format", "json"],
    ] {
        let device = fs::OpenOptions::new().write(true).open(full).expect("the device opens");
        let output = transcript.workspace.command(arguments).stdout(device).output().expect("rtmm starts");
        let outcome = Outcome::of(&output, arguments);
        assert_eq!(outcome.code, 1, "rtmm {arguments:?} > /dev/full");
        assert!(outcome.stderr.contains("standard output cannot be written"), "{}", outcome.stderr);
        let _ = writeln!(transcript.text, "# standard output on a full disk");
        transcript.add(arguments, &outcome);
    }
    insta::assert_snapshot!("full_disks", transcript.text);
}

/// A limit on the size of files makes writes fail in the middle, as a full disk does.
#[cfg(unix)]
#[test]
fn a_sweep_that_runs_out_of_space_goes_on_later() {
    let workspace = Workspace::new();
    let axes = "scenarios = [\"xrbench/ar_assistant\"]\nplatforms = [\"xrbench/single_*\"]\nseeds = { first = 1, count = 200 }\n";
    workspace.write("sweep.toml", sweep(axes));
    workspace.rtmm(&["sweep", "sweep.toml", "--output", "expected"]).success();
    // In blocks of 512 bytes: too little for the store, for its log, for the results.
    for (output, blocks) in [("a", 8), ("b", 100), ("c", 400), ("d", 700), ("e", 1_200)] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let binary = env!("CARGO_BIN_EXE_rtmm");
        let arguments = ["-c", &script, "sh", binary, "sweep", "sweep.toml", "--output", output];
        let limited = std::process::Command::new("sh")
            .args(arguments)
            .current_dir(workspace.path("."))
            .output()
            .expect("a shell starts");
        let limited = Outcome::of(&limited, &arguments);
        assert_eq!(limited.code, 1, "{blocks} blocks are enough: {}", limited.stderr);
        assert!(limited.stderr.contains("error: "), "{}", limited.stderr);
        workspace.rtmm(&["sweep", "sweep.toml", "--output", output]).success();
        assert_same_files(
            &final_files(&workspace.path("expected")),
            &final_files(&workspace.path(output)),
            output,
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let workspace = Workspace::new();
    let rows: String = (0..4_000).map(|index| format!("m,{index},a,CONV,1,8,3,3,3,8,8,1,1,1,1\n")).collect();
    workspace.write("layers.csv", format!("{HEADER}{rows}"));
    for format in ["csv", "json", "table"] {
        let arguments = ["cost", "--layers", "layers.csv", "--accelerator", WS, "--format", format];
        let mut child = workspace
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("rtmm starts");
        let mut pipe = child.stdout.take().expect("a pipe");
        pipe.read_exact(&mut [0; 20]).expect("the first bytes");
        drop(pipe);
        let outcome = Outcome::of(&child.wait_with_output().expect("rtmm ends"), &arguments);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{format}");
    }
    // Nobody reads at all.
    for arguments in
        [&RUN[..], &["list", "platforms"], &["--help"], &["completions", "zsh"], &["sweep", "smoke"]]
    {
        let mut child = workspace
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("rtmm starts");
        drop(child.stdout.take());
        let outcome = Outcome::of(&child.wait_with_output().expect("rtmm ends"), arguments);
        assert_eq!(outcome.code, 0, "rtmm {arguments:?}: {}", outcome.stderr);
    }
}
