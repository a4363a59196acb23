//! Branches, loops, scans and functions: what runs is counted, and nothing else.

use std::collections::BTreeMap;
use std::io::Cursor;

use rtmm_import::onnx::{Branch, Options, read};
use rtmm_import::{Choice, ImportError};

use crate::builder::{
    BOOL, FLOAT, Graph, INT64, function, graph_attribute, import, int, ints, node, reference,
};

/// An `If` on the sample rate, whose branches are products by weights of the graph around them.
fn by_rate() -> Graph {
    let product = |weights: &str, output: &str| {
        Graph::default().node("MatMul", &["x", weights], &[output]).output(output)
    };
    Graph::default()
        .image("x", &[1, 8])
        .input("rate", INT64, &[])
        .number("high", 16_000)
        .weight("wide", &[8, 32])
        .weight("narrow", &[8, 4])
        .output("y")
        .node("Equal", &["rate", "high"], &["is_high"])
        .with(
            "If",
            &["is_high"],
            &["y"],
            &[
                graph_attribute("then_branch", product("wide", "t")),
                graph_attribute("else_branch", product("narrow", "e")),
            ],
        )
}

#[test]
fn the_branch_that_runs_is_chosen_by_an_input_or_by_name() {
    let of_rate = |rate: f64| Options {
        inputs: BTreeMap::from([("rate".to_owned(), vec![rate])]),
        ..Options::default()
    };
    let counts = |options: &Options| {
        let model = import(&by_rate().model(), options).expect("a branch");
        (model.macs, model.parameters, model.layers.len(), model.free)
    };
    // The comparison is folded; the `If` itself is no layer.
    assert_eq!(counts(&of_rate(16_000.0)), (256, 256, 1, 2));
    assert_eq!(counts(&of_rate(8_000.0)), (32, 32, 1, 2));
    let branches = BTreeMap::from([("y".to_owned(), Branch::Else)]);
    // Without the rate the comparison is work.
    assert_eq!(counts(&Options { branches, ..Options::default() }), (32, 32, 2, 1));
}

#[test]
fn a_branch_that_is_not_known_is_asked_for() {
    let error = import(&by_rate().model(), &Options::default()).expect_err("no choice");
    assert_eq!(
        error.to_string(),
        "node `y` (If): the condition `is_high` depends on data, so that the branch that runs is not known"
    );
    assert_eq!(
        error.help(),
        "state the inputs that it depends on with --input NAME=VALUE, or the branch with --branch 'y=then' or \
         --branch 'y=else'"
    );
    let branches = BTreeMap::from([("y".to_owned(), Branch::Then), ("z".to_owned(), Branch::Then)]);
    let error =
        import(&by_rate().model(), &Options { branches, ..Options::default() }).expect_err("no branch `z`");
    assert_eq!(
        error,
        ImportError::UnknownChoice {
            choice: Choice::Branch,
            name: "z".to_owned(),
            known: vec!["y".to_owned()]
        }
    );
}

/// A loop that appends a row to a table and multiplies it by weights.
fn growing() -> Graph {
    let body = Graph::default()
        .input("i", INT64, &[])
        .input("goes_on", BOOL, &[])
        .input("table", FLOAT, &[])
        .node("Identity", &["goes_on"], &["still"])
        .with("Concat", &["table", "row"], &["longer"], &[int("axis", 0)])
        .node("MatMul", &["longer", "w"], &["result"])
        .node("ReduceMean", &["result"], &["mean"])
        .output("still")
        .output("longer")
        .output("mean");
    Graph::default()
        .image("row", &[1, 4])
        .input("trips", INT64, &[])
        .weight("w", &[4, 4])
        .output("last")
        .output("means")
        .with("Loop", &["trips", "", "row"], &["last", "means"], &[graph_attribute("body", body)])
}

#[test]
fn a_loop_is_counted_iteration_by_iteration() {
    let trips = BTreeMap::from([("means".to_owned(), 3)]);
    let model =
        import(&growing().model(), &Options { trips, ..Options::default() }).expect("three iterations");
    // Products of 2, 3 and 4 rows by one matrix, which counts once.
    assert_eq!((model.macs, model.parameters), ((2 + 3 + 4) * 16, 16));
    assert_eq!(model.outputs, ["last [4, 4]", "means [3, 1, 1]"]);
    let names: Vec<&str> = model.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names[..3], ["longer", "result", "mean"]);
    assert_eq!(names[3..6], ["longer#2", "result#2", "mean#2"]);
    // A number that is known stands against one for all loops.
    let inputs = BTreeMap::from([("trips".to_owned(), vec![3.0])]);
    let options = Options { inputs, trips_of_all: Some(9), ..Options::default() };
    let stated = import(&growing().model(), &options).expect("three iterations");
    assert_eq!((stated.macs, stated.peak_activation_bytes), (model.macs, model.peak_activation_bytes));
    let error = import(&growing().model(), &Options::default()).expect_err("no count");
    assert_eq!(error.to_string(), "node `last` (Loop): the number of iterations depends on data");
    assert_eq!(error.help(), "state it with --trips 'last=N'");
}

#[test]
fn a_loop_without_end_is_refused() {
    let error = import(&growing().model(), &Options { trips_of_all: Some(u64::MAX), ..Options::default() });
    let message = error.expect_err("too long").to_string();
    assert!(message.contains("nodes would be executed"), "{message}");
    let idle = Graph::default().input("i", INT64, &[]).input("goes_on", BOOL, &[]).output("goes_on");
    let graph = Graph::default().image("x", &[1]).output("x").with(
        "Loop",
        &["", ""],
        &[],
        &[graph_attribute("body", idle)],
    );
    assert!(graph.refusal().contains("nodes would be executed"));
}

#[test]
fn loops_and_functions_that_execute_nothing_end_too() {
    // Loops of loops without a node, and functions that each call the next one twice.
    let mut body = Graph::default().input("i", INT64, &[]).input("goes_on", BOOL, &[]).output("goes_on");
    for _ in 0..4 {
        let around = Graph::default().input("i", INT64, &[]).input("goes_on", BOOL, &[]);
        body = around.with("Loop", &["many", ""], &[], &[graph_attribute("body", body)]).output("goes_on");
    }
    let graph = Graph::default().image("x", &[1]).number("many", 200_000).output("x");
    let graph = graph.with("Loop", &["many", ""], &[], &[graph_attribute("body", body)]);
    assert!(graph.refusal().contains("nodes would be executed"));
    // A body of one node that gives many numbers each time.
    let body = Graph::default().input("i", INT64, &[]).input("goes_on", BOOL, &[]).output("goes_on");
    let body = body.node("Range", &["zero", "thousand", "one"], &["all"]);
    let graph = Graph::default().image("x", &[1]).number("many", 200_000).number("zero", 0).number("one", 1);
    let graph = graph.number("thousand", 1_000).output("x");
    let graph = graph.with("Loop", &["many", ""], &[], &[graph_attribute("body", body)]);
    assert!(graph.refusal().contains("nodes would be executed"));
    let mut model = Graph::default().image("x", &[1]).output("y").node("own:F0", &["x"], &["y"]).model();
    for depth in 0..22 {
        let next = format!("own:F{}", depth + 1);
        let calls = ["a", "b"].map(|output| node(&next, &["x"], &[output], &[]));
        model.functions.push(function(&format!("F{depth}"), &["x"], &["x"], calls.to_vec()));
    }
    model.functions.push(function("F22", &["x"], &["x"], Vec::new()));
    let message = import(&model, &Options::default()).expect_err("too many calls").to_string();
    assert!(message.contains("nodes would be executed"), "{message}");
}

#[test]
fn a_scan_runs_once_for_every_slice() {
    let body = Graph::default()
        .input("state", FLOAT, &[])
        .input("slice", FLOAT, &[])
        .node("Add", &["state", "slice"], &["next"])
        .node("Identity", &["next"], &["copy"])
        .output("next")
        .output("copy");
    let graph = Graph::default().image("start", &[4]).image("x", &[6, 4]).output("end").output("all").with(
        "Scan",
        &["start", "x"],
        &["end", "all"],
        &[graph_attribute("body", body), int("num_scan_inputs", 1)],
    );
    let model = graph.import();
    assert_eq!(model.outputs, ["end [4]", "all [6, 4]"]);
    assert_eq!((model.layers.len(), model.free), (6, 7));
}

#[test]
fn functions_are_executed_where_they_are_called() {
    let scaled = function(
        "Scaled",
        &["a", "b"],
        &["c"],
        vec![
            node("Gemm", &["a", "b"], &["product"], &[reference("transB", "turned")]),
            node("Relu", &["product"], &["c"], &[]),
        ],
    );
    let mut model = Graph::default()
        .image("x", &[2, 3])
        .weight("w", &[5, 3])
        .output("y")
        .with("own:Scaled", &["x", "w"], &["y"], &[int("turned", 1)])
        .model();
    model.functions.push(scaled);
    let found = import(&model, &Options::default()).expect("a function");
    // The call itself is no node that is executed.
    assert_eq!((found.macs, found.layers.len(), found.free), (30, 2, 0));
    assert_eq!(found.outputs, ["y [2, 5]"]);
}

#[test]
fn constants_of_a_function_may_differ_from_call_to_call() {
    let viewed = function(
        "Viewed",
        &["a"],
        &["b"],
        vec![
            node("Constant", &[], &["shape"], &[reference("value_ints", "to")]),
            node("Reshape", &["a", "shape"], &["b"], &[]),
        ],
    );
    let mut model = Graph::default()
        .image("x", &[2, 6])
        .output("y")
        .output("z")
        .with("own:Viewed", &["x"], &["y"], &[ints("to", &[3, 4])])
        .with("own:Viewed", &["x"], &["z"], &[ints("to", &[12])])
        .model();
    model.functions.push(viewed);
    let found = import(&model, &Options::default()).expect("a function");
    assert_eq!(found.outputs, ["y [3, 4]", "z [12]"]);
}

#[test]
fn a_function_that_calls_itself_is_refused() {
    let mut model = Graph::default().image("x", &[2]).output("y").node("own:Again", &["x"], &["y"]).model();
    model.functions.push(function("Again", &["a"], &["b"], vec![node("own:Again", &["a"], &["b"], &[])]));
    let message = import(&model, &Options::default()).expect_err("a circle").to_string();
    assert!(message.contains("nest too deep"), "{message}");
}

#[test]
fn an_unread_branch_counts_nothing_of_its_own() {
    // A branch with constants of its own; the other one is not even legal.
    let mut good = Graph::default().weight("own", &[8, 2]).node("MatMul", &["x", "own"], &["g"]).output("g");
    good.0.name = "good".to_owned();
    let bad = Graph::default().node("Nonsense", &["nowhere"], &["b"]).output("b");
    let mut graph =
        Graph::default().image("x", &[1, 8]).output("y").node("Size", &["x"], &["size"]).number("eight", 8);
    graph = graph.node("Equal", &["size", "eight"], &["is"]).with(
        "If",
        &["is"],
        &["y"],
        &[graph_attribute("then_branch", good), graph_attribute("else_branch", bad)],
    );
    let model = graph.import();
    assert_eq!((model.macs, model.parameters), (16, 16));
}

#[test]
fn sequences_are_taken_apart_and_joined() {
    let graph = Graph::default()
        .image("x", &[5, 4])
        .number("two", 2)
        .number("last", -1)
        .output("part")
        .output("length")
        .output("stack")
        .with("SplitToSequence", &["x", "two"], &["parts"], &[int("axis", 0)])
        .node("SequenceAt", &["parts", "last"], &["part"])
        .node("SequenceLength", &["parts"], &["length"])
        .with("SplitToSequence", &["x"], &["rows"], &[int("axis", 0), int("keepdims", 0)])
        .with("ConcatFromSequence", &["rows"], &["stack"], &[int("axis", 1), int("new_axis", 1)]);
    let model = graph.import();
    assert_eq!(model.outputs, ["part [1, 4]", "length []", "stack [4, 5]"]);
    assert_eq!((model.layers.len(), model.free), (1, 4));
    // A loop that collects rows.
    let body = Graph::default()
        .input("i", INT64, &[])
        .input("goes_on", BOOL, &[])
        .input("list", FLOAT, &[])
        .node("Relu", &["row"], &["new"])
        .node("SequenceInsert", &["list", "new"], &["longer"])
        .output("goes_on")
        .output("longer");
    let graph = Graph::default()
        .image("row", &[1, 4])
        .number("three", 3)
        .output("y")
        .node("SequenceEmpty", &[], &["empty"])
        .with("Loop", &["three", "", "empty"], &["all"], &[graph_attribute("body", body)])
        .with("ConcatFromSequence", &["all"], &["y"], &[int("axis", 0)]);
    let model = graph.import();
    assert_eq!(model.outputs, ["y [3, 4]"]);
    // Three rows, and all of them together: each lives until it is joined.
    assert_eq!(model.peak_activation_bytes, 4 * (4 * 3 + 4 * 3));
    let graph = Graph::default()
        .image("x", &[4])
        .output("y")
        .node("SequenceConstruct", &["x", "x"], &["both"])
        .node("Relu", &["both"], &["y"]);
    assert_eq!(
        graph.refusal(),
        "node `y` (Relu): an operator on a sequence of tensors, which is not supported"
    );
}

/// A model of this project's own with an `If` around a `Loop`. A profile of ONNX Runtime without optimisation has 20
/// events of nodes for each of its inferences.
#[test]
fn what_runs_is_what_a_runtime_executes() {
    let bytes = include_bytes!("../models/tiny_control_flow.onnx");
    let of = |branch| {
        let options = Options {
            dims: BTreeMap::from([("N".to_owned(), 1)]),
            branches: BTreeMap::from([("y".to_owned(), branch)]),
            ..Options::default()
        };
        read(Cursor::new(bytes), &options).expect("a legal model")
    };
    let then = of(Branch::Then);
    assert_eq!(then.nodes(), 20);
    let macs: Vec<u64> = then.layers.iter().map(|layer| layer.macs).filter(|macs| *macs > 0).collect();
    assert_eq!(macs, [55_296, 18_432, 32_768, 512, 1_024, 1_024, 1_024]);
    // Filters and biases, the matrix of the loop, and the threshold.
    assert_eq!(then.parameters, (216 + 8) + 72 + 128 + (512 + 32) + 1_024 + 1);
    let otherwise = of(Branch::Else);
    assert_eq!((otherwise.nodes(), otherwise.macs), (11, then.macs - 3 * 1_024));
}
