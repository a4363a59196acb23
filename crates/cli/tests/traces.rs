//! `rtmm traces`, and what `rtmm check` says of traces and of models with samples.
#![expect(clippy::disallowed_methods, reason = "these tests read what was written")]

use crate::common;

use std::fs;

use common::Workspace;

const SYSTOLIC: &str = "{ model = \"systolic\", dataflow = \"os\", rows = 32, cols = 32 }";
const CNN: &str = r#"
source = "a test"
input = [3, 16, 16]
layer = [
  { name = "conv1", operator = "convolution", channels = 8, kernel = 3 },
  { name = "conv2", operator = "convolution", channels = 8, kernel = 3 },
]
"#;
const RECORDED: &str = "\
sim_lat,overall-sparsity,batch-indx,layer-indx
0.002,0.25,0,0
0.001,0.75,0,1
0.004,0.25,1,0
0.001,0.25,1,1
";

fn synthesize(space: &Workspace, folder: &str, more: &[&str]) {
    let mut arguments = vec!["traces", "synthesize", "--accelerator", SYSTOLIC, "--output", folder];
    arguments.extend(["--model", "dysta/bert_squad_384", "dysta/mobilenet_filter_sparse20", "cnn.toml"]);
    arguments.extend(more);
    let outcome = space.rtmm(&arguments);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", outcome.stderr);
    assert_eq!(
        outcome.stderr,
        format!("3 synthetic traces in {folder}; {folder}/SYNTHETIC.md says what they are\n")
    );
}

#[test]
fn traces_are_written_in_the_public_schemas_and_called_synthetic() {
    let space = Workspace::new();
    space.write("cnn.toml", CNN);
    synthesize(&space, "a/b", &["--samples", "5", "--seed", "7"]);
    let read = |name: &str| fs::read_to_string(space.path(name)).expect("a file");
    let trace = read("a/b/mobilenet_filter_sparse20.eyerissv2.csv");
    assert!(trace.starts_with("sim_lat,overall-sparsity,batch-indx,layer-indx\n"));
    assert_eq!(trace.lines().count(), 1 + 5 * 28);
    assert!(trace.lines().skip(1).all(|line| line.split(',').all(|cell| cell.parse::<f64>().is_ok())));
    let notice = read("a/b/SYNTHETIC.md");
    for text in
        ["SYNTHETIC", "dysta/bert_squad_384", "seed 7", "filter, 0.2 of them zero", "at 200 MHz", "systolic"]
    {
        assert!(notice.contains(text), "{text}: {notice}");
    }
    assert_eq!(fs::read_dir(space.path("a/b")).expect("a folder").count(), 4);

    let files = ["a/b/bert_squad_384.sanger.csv", "a/b/cnn.eyerissv2.csv"];
    let outcome = space.rtmm(&["check", files[0], files[1]]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(
        outcome.stdout,
        "a/b/bert_squad_384.sanger.csv: sample trace (sanger), 5 samples of 12 layers\n\
         a/b/cnn.eyerissv2.csv: sample trace (eyerissv2), 5 samples of 2 layers\n"
    );
    let outcome = space.rtmm(&["traces", "describe", "a/b", "--format", "csv"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "trace,schema,layers,samples,mean_ms,min_ms,max_ms,sparsity,spread");
    assert!(lines[1].starts_with("bert_squad_384,sanger,12,5,,,,0."), "{}", lines[1]);
    assert!(lines[2].starts_with("cnn,eyerissv2,2,5,0."), "{}", lines[2]);
    assert!(lines[3].starts_with("mobilenet_filter_sparse20,eyerissv2,28,5,"), "{}", lines[3]);
    assert_eq!(lines.len(), 4);
}

#[test]
fn traces_are_the_same_bytes_every_time_and_more_samples_come_behind() {
    let space = Workspace::new();
    space.write("cnn.toml", CNN);
    for (folder, samples) in [("one", "3"), ("two", "3"), ("more", "4")] {
        synthesize(&space, folder, &["--samples", samples]);
    }
    for file in ["SYNTHETIC.md", "bert_squad_384.sanger.csv", "cnn.eyerissv2.csv"] {
        let read = |folder: &str| fs::read_to_string(space.path(folder).join(file)).expect("a file");
        assert_eq!(read("one"), read("two"));
        assert!(file == "SYNTHETIC.md" || read("more").starts_with(&read("one")));
    }
}

#[test]
fn traces_and_models_with_samples_are_summarised() {
    let space = Workspace::new();
    space.write("net_dense.eyerissv2.csv", RECORDED);
    space.write("of_trace.toml", "source = \"s\"\n[samples]\nfile = \"net_dense.eyerissv2.csv\"\n");
    space.write(
        "made_up.toml",
        "source = \"s\"\nlayers_of = \"dysta/bert\"\nsamples.synthesize = { count = 9 }\n",
    );
    let outcome = space.rtmm(&["check", "of_trace.toml", "made_up.toml"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(
        outcome.stdout,
        "of_trace.toml: model, 2 layers, 0 multiply-accumulates, 0 parameters, 2 samples\n\
         made_up.toml: model, 12 layers, 19327352832 multiply-accumulates, 28311552 parameters, 9 synthetic samples\n"
    );
    let outcome = space.rtmm(&["traces", "describe", "net_dense.eyerissv2.csv"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    insta::assert_snapshot!("describe", outcome.stdout);
}

#[test]
fn help_of_traces() {
    let space = Workspace::new();
    let mut help = String::new();
    for verb in ["synthesize", "describe"] {
        let outcome = space.rtmm(&["traces", verb, "--help"]);
        assert_eq!(outcome.code, 0);
        help.push_str(&outcome.stdout);
    }
    insta::assert_snapshot!("help_traces", help);
}

#[test]
fn bad_input_is_refused() {
    let space = Workspace::new();
    space.write("cnn.toml", CNN);
    space.write(
        "other.toml",
        CNN.replace(
            "\"conv2\", operator = \"convolution\", channels = 8, kernel = 3",
            "\"soft\", operator = \"softmax\"",
        ),
    );
    space.write("net.csv", RECORDED);
    space.write("gap.csv", RECORDED.trim_end().rsplit_once('\n').expect("lines").0);
    space.write("of_trace.toml", "source = \"s\"\n[samples]\nfile = \"net.csv\"\n");
    fs::create_dir_all(space.path("empty")).expect("a folder");
    fs::create_dir_all(space.path("copy")).expect("a folder");
    space.write("copy/cnn.toml", CNN);
    let make = |models: &[&str], more: &[&str]| {
        let mut arguments = vec!["traces", "synthesize", "--output", "out", "--model"];
        arguments.extend(models);
        arguments.extend(["--accelerator", SYSTOLIC]);
        arguments.extend(more);
        space.rtmm(&arguments)
    };
    let mut transcript = String::new();
    let mut record = |what: &str, outcome: common::Outcome| {
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{what}: {}", outcome.stderr);
        transcript.push_str(&format!("# {what}\n{}\n", outcome.stderr));
    };
    record("unknown models, both of them", make(&["dysta/brt", "none.toml"], &[]));
    record("a supernet", make(&["examples/supernet"], &[]));
    record("other layers", make(&["other.toml"], &[]));
    record("recorded samples", make(&["of_trace.toml"], &[]));
    record("one name for two", make(&["cnn.toml", "copy/cnn.toml"], &[]));
    record("no samples", make(&["cnn.toml"], &["--samples", "0"]));
    record("too many samples", make(&["cnn.toml"], &["--samples", "4000000000"]));
    let arguments =
        ["traces", "synthesize", "--model", "cnn.toml", "--output", "out", "--accelerator", "{ model = 3 }"];
    record("a bad accelerator", space.rtmm(&arguments));
    record("nothing to do", space.rtmm(&["traces", "synthesize", "--output", "out"]));
    record("no such file", space.rtmm(&["traces", "describe", "none.csv", "gap.csv"]));
    record("no trace", space.rtmm(&["traces", "describe", "cnn.toml"]));
    record("a folder without traces", space.rtmm(&["traces", "describe", "empty"]));
    record("a gap", space.rtmm(&["check", "gap.csv"]));
    assert!(!space.path("out").exists());
    insta::assert_snapshot!("bad_traces", transcript);
}
