//! Extents that files leave open, and the choices of users.

use std::collections::BTreeMap;

use rtmm_import::onnx::Options;
use rtmm_import::{Choice, ImportError, OpenDimension};

use crate::builder::{FLOAT, Graph, INT64, import, int};

fn open() -> Graph {
    Graph::default()
        .input("x", FLOAT, &["batch", "3", "", "-1"])
        .input("mask", FLOAT, &["batch", "0"])
        .output("y")
        .node("Relu", &["x"], &["y"])
}

fn dims(pairs: &[(&str, u64)]) -> Options {
    let dims = pairs.iter().map(|(name, extent)| ((*name).to_owned(), *extent)).collect();
    Options { dims, ..Options::default() }
}

#[test]
fn all_open_extents_are_listed_at_once() {
    let error = import(&open().model(), &dims(&[("x[3]", 9)])).expect_err("open extents");
    let open_of = |name: &str, input: &str, axis| OpenDimension {
        name: name.to_owned(),
        input: input.to_owned(),
        axis,
    };
    let expected = vec![open_of("batch", "x", 0), open_of("x[2]", "x", 2), open_of("mask[1]", "mask", 1)];
    assert_eq!(error, ImportError::Open(expected));
    assert_eq!(
        error.to_string(),
        "the extents of inputs are open: `batch` (axis 0 of `x`), `x[2]` (axis 2 of `x`), `mask[1]` (axis 1 of `mask`)"
    );
    assert_eq!(error.help(), "state them, such as --dim 'batch=1' --dim 'x[2]=1' --dim 'mask[1]=1'");
}

#[test]
fn stated_extents_are_used_wherever_their_name_stands() {
    let options = dims(&[("batch", 2), ("x[2]", 4), ("x[3]", 5), ("mask[1]", 6)]);
    let model = import(&open().model(), &options).expect("no extent is open");
    assert_eq!(model.inputs, ["x [2, 3, 4, 5]", "mask [2, 6]"]);
    assert_eq!(model.outputs, ["y [2, 3, 4, 5]"]);
    assert_eq!(model.choices, ["--dim batch=2", "--dim mask[1]=6", "--dim x[2]=4", "--dim x[3]=5"]);
}

#[test]
fn choices_that_change_nothing_are_named() {
    let graph = || Graph::default().input("n", INT64, &["2"]).output("y").node("Identity", &["n"], &["y"]);
    let options = Options {
        inputs: BTreeMap::from([("n".to_owned(), vec![1.0, 2.0])]),
        trips_of_all: Some(5),
        skips_unsupported: true,
        ..Options::default()
    };
    let model = import(&graph().model(), &options).expect("a model");
    assert_eq!(model.idle_choices, ["--input n=1,2", "--trips 5", "--skip-unsupported"]);
    // A shape that follows from the input is another one without it, or none.
    let shaped =
        Graph::default().input("n", INT64, &["2"]).output("y").node("ConstantOfShape", &["n"], &["y"]);
    let inputs = BTreeMap::from([("n".to_owned(), vec![3.0, 4.0])]);
    let model = import(&shaped.model(), &Options { inputs, ..Options::default() }).expect("a model");
    assert!(model.idle_choices.is_empty(), "{:?}", model.idle_choices);
}

#[test]
fn choices_that_a_model_does_not_have_are_refused() {
    let error = import(&open().model(), &dims(&[("height", 2)])).expect_err("no such extent");
    let known = ["batch", "mask[1]", "x[2]", "x[3]"].map(str::to_owned).to_vec();
    assert_eq!(
        error,
        ImportError::UnknownChoice { choice: Choice::Dimension, name: "height".to_owned(), known }
    );
    let graph = || Graph::default().input("n", INT64, &["2"]).output("y").node("Identity", &["n"], &["y"]);
    let of = |name: &str, values: &[f64]| Options {
        inputs: BTreeMap::from([(name.to_owned(), values.to_vec())]),
        ..Options::default()
    };
    let message = |options: &Options| import(&graph().model(), options).expect_err("a bad value").to_string();
    assert_eq!(message(&of("m", &[1.0])), "`m` is no input of the model");
    assert_eq!(message(&of("n", &[1.0])), "input `n` has 2 elements, and 1 are stated");
    assert_eq!(message(&of("n", &[1.0, 0.5])), "input `n` takes whole numbers");
}

#[test]
fn a_cache_may_be_empty() {
    // The first step of a decoder: nothing is cached yet.
    let graph = Graph::default()
        .input("past", FLOAT, &["1", "2", "past", "8"])
        .image("new", &[1, 2, 1, 8])
        .output("present")
        .with("Concat", &["past", "new"], &["present"], &[int("axis", 2)]);
    let model = import(&graph.model(), &dims(&[("past", 0)])).expect("an empty cache");
    assert_eq!(model.outputs, ["present [1, 2, 1, 8]"]);
    assert!(model.to_layers().expect("nothing to say").is_empty());
}

#[test]
fn operator_sets_beyond_the_supported_ones_are_refused() {
    let graph = || Graph::default().image("x", &[1]).output("y").node("Relu", &["x"], &["y"]);
    for version in [0, 6, 25] {
        let error = import(&graph().model_of(version), &Options::default()).expect_err("a version");
        assert_eq!(error, ImportError::OperatorSet { version });
    }
    for version in [7, 24] {
        assert!(import(&graph().model_of(version), &Options::default()).is_ok());
    }
}
