//! Imported models as model files of the project.

use rtmm_workload::Model;
use rtmm_workload::input::Source;
use rtmm_workload::{Legality, load};

use crate::builder::{Graph, import, int, ints, text};
use rtmm_import::onnx::Options;

/// Reads the model file of a graph.
#[track_caller]
fn read_back(graph: Graph) -> (String, Model) {
    let imported = graph.import();
    let text = imported.to_toml("net.onnx").expect("a model file can say all of it");
    let source = Source::new("net.toml", text.clone());
    let model = load::model_of(&source, Legality::Strict)
        .unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false)));
    assert_eq!(model.macs(), imported.macs);
    let layers = imported.to_layers().expect("the same layers");
    assert_eq!(model.layers, layers);
    (text, model)
}

#[test]
fn a_network_is_written_and_read_again() {
    let graph = Graph::default()
        .image("x", &[1, 3, 16, 16])
        .weight("w1", &[8, 3, 3, 3])
        .weight("w2", &[8, 1, 3, 3])
        .weight("w3", &[8, 4, 2, 2])
        .weight("w4", &[1024, 10])
        .reals("scales", &[1.0, 1.0, 2.0, 2.0])
        .output("scores")
        .with("Conv", &["x", "w1"], &["a"], &[ints("pads", &[1, 1, 1, 1])])
        .with(
            "Conv",
            &["a", "w2"],
            &["b"],
            &[int("group", 8), ints("pads", &[1, 1, 1, 1]), ints("strides", &[2, 1])],
        )
        .with("ConvTranspose", &["b", "w3"], &["c"], &[ints("strides", &[2, 2])])
        .node("Relu", &["c"], &["d"])
        .with("AveragePool", &["d"], &["e"], &[ints("kernel_shape", &[2, 4]), ints("strides", &[2, 4])])
        .node("Resize", &["e", "", "scales"], &["f"])
        .with("Concat", &["f", "f"], &["g"], &[int("axis", 1)])
        .node("Add", &["g", "g"], &["h"])
        .node("GlobalAveragePool", &["h"], &["pooled"])
        .with("Flatten", &["f"], &["flat"], &[])
        .node("MatMul", &["flat", "w4"], &["logits"])
        .node("Softmax", &["logits"], &["scores"]);
    let (text, _) = read_back(graph);
    let expected = "\
# Imported from net.onnx, written by a test.
# Operator set 17 of ONNX. Inputs:
#   x [1, 3, 16, 16]
# 91136 multiply-accumulates, 10656 parameters,
# at most 20480 bytes of activations at a time.
source = \"net.onnx, written by a test\"
shapes = \"independent\"
layer = [
  { name = \"a\", operator = \"convolution\", input = [3, 16, 16], channels = 8, kernel = 3, padding = 1 },
  { name = \"b\", operator = \"convolution\", input = [8, 16, 16], channels = 8, groups = 8, kernel = 3, stride = [2, 1], padding = 1 },
  { name = \"c\", operator = \"transposed-convolution\", input = [8, 8, 16], channels = 4, kernel = 2, stride = 2 },
  { name = \"d\", operator = \"activation\", input = [4, 16, 32] },
  { name = \"e\", operator = \"average-pool\", input = [4, 16, 32], kernel = [2, 4], stride = [2, 4] },
  { name = \"f\", operator = \"resize\", input = [4, 8, 8], factor = 2 },
  { name = \"g\", operator = \"concatenate\", input = [[4, 256, 1], [4, 256, 1]] },
  { name = \"h\", operator = \"add\", input = [[8, 16, 16], [8, 16, 16]] },
  { name = \"pooled\", operator = \"global-pool\", input = [8, 256, 1] },
  { name = \"logits\", operator = \"fully-connected\", input = [1024, 1, 1], features = 10 },
  { name = \"scores\", operator = \"softmax\", input = [10, 1, 1] },
]
";
    assert_eq!(text, expected);
}

#[test]
fn products_of_activations_and_attention_keep_their_work() {
    let graph = Graph::default()
        .image("q", &[1, 4, 10, 16])
        .image("k", &[1, 4, 16, 12])
        .image("x", &[2, 10, 24])
        .weight("w", &[24, 72])
        .output("s")
        .output("y")
        .node("MatMul", &["q", "k"], &["s"])
        .with("com.microsoft:Attention", &["x", "w"], &["y"], &[int("num_heads", 4)]);
    let (_, model) = read_back(graph);
    let names: Vec<&str> = model.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["s", "y.projection", "y.scores", "y.softmax", "y.context"]);
}

#[test]
fn recurrent_layers_and_sequences_keep_their_work() {
    let graph = Graph::default()
        .image("x", &[5, 1, 3])
        .weight("w", &[2, 12, 3])
        .weight("r", &[2, 12, 4])
        .image("signal", &[1, 4, 50])
        .weight("taps", &[6, 4, 5])
        .output("y")
        .output("z")
        .with("GRU", &["x", "w", "r"], &["y"], &[int("hidden_size", 4), text("direction", "bidirectional")])
        .with("Conv", &["signal", "taps"], &["z"], &[ints("dilations", &[3]), ints("pads", &[6, 6])]);
    read_back(graph);
}

#[test]
fn names_are_escaped_and_told_apart() {
    let graph = Graph::default()
        .image("x", &[4])
        .output("input")
        .node("Relu", &["x"], &["say \"a\\b\"\n"])
        .node("Relu", &["say \"a\\b\"\n"], &["input"]);
    let (_, model) = read_back(graph);
    let names: Vec<&str> = model.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["say \"a\\b\"\n", "input'"]);
}

#[test]
fn layers_that_no_model_file_can_say_are_named() {
    let message = |graph: Graph| {
        let model = import(&graph.model(), &Options::default()).expect("an import");
        model.to_toml("net.onnx").expect_err("a layer that cannot be said").to_string()
    };
    let conv = |dims: &[u64], attributes: &[_]| {
        let graph = Graph::default().image("x", dims).weight("w", &[4, 3, 3, 3]).output("y");
        message(graph.with("Conv", &["x", "w"], &["y"], attributes))
    };
    assert_eq!(conv(&[2, 3, 8, 8], &[]), "node `y` (Conv) has a batch of 2, which a model file cannot say");
    assert_eq!(
        conv(&[1, 3, 8, 8], &[text("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])]),
        "node `y` (Conv) has a padding of [0, 0] before and [1, 1] behind, which a model file cannot say"
    );
    let transposed = Graph::default().image("x", &[1, 2, 4, 4]).weight("w", &[2, 2, 3, 3]).output("y");
    let attributes = [ints("strides", &[2, 2]), ints("output_padding", &[1, 1])];
    assert_eq!(
        message(transposed.with("ConvTranspose", &["x", "w"], &["y"], &attributes)),
        "node `y` (ConvTranspose) has an output padding of [1, 1], which a model file cannot say"
    );
}
