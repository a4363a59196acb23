//! Imported models as model files of the project.

use rtmm_workload::Model;
use rtmm_workload::input::Source;
use rtmm_workload::{Legality, load};

use crate::builder::{Graph, import, int, ints, text};
use rtmm_import::onnx::Options;

/// Reads the model file of a graph, which has the graph's multiply-accumulates.
#[track_caller]
fn read_back(graph: Graph) -> (String, Model) {
    read_back_less(graph, 0)
}

/// Reads the model file of a graph, which has so many multiply-accumulates less than the graph.
#[track_caller]
fn read_back_less(graph: Graph, macs: u64) -> (String, Model) {
    let imported = graph.import();
    let text = imported.to_toml("net.onnx").expect("a model file can say all of it");
    let source = Source::new("net.toml", text.clone());
    let model = load::model_of(&source, Legality::Strict)
        .unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false)));
    assert_eq!(model.macs() + macs, imported.macs);
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
fn weights_on_the_left_of_a_product_are_weights_still() {
    let quantised = ["w", "s", "z", "x", "s", "z", "s", "z"];
    let of = |operator: &'static str, inputs: &'static [&'static str]| (operator, inputs.to_vec());
    let matrices = (&[4, 5][..], &[5, 6][..]);
    let one = "operator = \"fully-connected\", input = [5, 6, 1], features = 4 }";
    for ((operator, inputs), (weights, image), attributes, expected, parameters) in [
        (of("MatMul", &["w", "x"]), matrices, vec![], one, 20),
        (of("MatMulInteger", &["w", "x"]), matrices, vec![], one, 20),
        (("QLinearMatMul", quantised.to_vec()), matrices, vec![], one, 20),
        (of("Gemm", &["w", "x"]), matrices, vec![], one, 20),
        (of("Gemm", &["w", "x"]), (&[5, 4], &[6, 5]), vec![int("transA", 1), int("transB", 1)], one, 20),
        (of("com.microsoft:FusedMatMul", &["w", "x"]), (&[5, 4], &[5, 6]), vec![int("transA", 1)], one, 20),
        (of("Einsum", &["w", "x"]), matrices, vec![text("equation", "ij,jk->ik")], one, 20),
        (
            of("MatMul", &["w", "x"]),
            (&[4, 5], &[2, 3, 5, 6]),
            vec![],
            "operator = \"fully-connected\", input = [5, 36, 1], features = 4 }",
            20,
        ),
        (
            of("MatMul", &["w", "x"]),
            (&[3, 4, 5], &[5, 6]),
            vec![],
            "operator = \"convolution\", input = [15, 6, 1], channels = 12, groups = 3, kernel = 1 }",
            60,
        ),
        (
            of("MatMul", &["w", "x"]),
            (&[4, 5], &[5]),
            vec![],
            "operator = \"fully-connected\", input = [5, 1, 1], features = 4 }",
            20,
        ),
    ] {
        let graph = Graph::default()
            .weight("w", weights)
            .reals("s", &[1.0])
            .number("z", 0)
            .image("x", image)
            .output("y")
            .with(operator, &inputs, &["y"], &attributes);
        let counted = graph.clone().import().parameters;
        let (text, model) = read_back(graph);
        assert!(text.contains(expected), "{operator} of {weights:?}: {text}");
        assert_eq!((model.parameters(), counted), (parameters, parameters), "{operator} of {weights:?}");
    }
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
fn padding_by_side_output_padding_and_batches_are_written() {
    let graph = Graph::default()
        .image("x", &[2, 3, 8, 9])
        .weight("w", &[4, 3, 3, 3])
        .weight("up", &[4, 2, 3, 3])
        .image("signal", &[1, 4, 50])
        .weight("taps", &[6, 4, 4])
        .image("steps", &[5, 7, 3])
        .weight("wr", &[1, 16, 3])
        .weight("rr", &[1, 16, 4])
        .output("pooled")
        .output("audio")
        .output("state")
        .with("Conv", &["x", "w"], &["a"], &[text("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])])
        .with(
            "ConvTranspose",
            &["a", "up"],
            &["b"],
            &[ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1]), ints("output_padding", &[1, 0])],
        )
        .with(
            "MaxPool",
            &["b"],
            &["pooled"],
            &[ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2]), ints("pads", &[0, 1, 1, 1])],
        )
        .with("Conv", &["signal", "taps"], &["audio"], &[ints("pads", &[1, 2])])
        .with("LSTM", &["steps", "wr", "rr"], &["state"], &[int("hidden_size", 4)]);
    // Outputs of the transpose that are cropped off are not computed: 12 x 13 products of rows and columns are left of
    // 4 x 3 for each row and 5 x 3 for each column of inputs.
    let (text, _) = read_back_less(graph, 2 * 4 * 2 * (12 * 15 - 12 * 13));
    let layers: Vec<&str> = text.lines().filter(|line| line.starts_with("  {")).collect();
    assert_eq!(
        layers,
        [
            "  { name = \"a\", operator = \"convolution\", input = [3, 8, 9], channels = 4, kernel = 3, stride = 2, padding = [[0, 1], [1, 1]], batch = 2 },",
            "  { name = \"b\", operator = \"transposed-convolution\", input = [4, 4, 5], channels = 2, kernel = 3, stride = 2, padding = 1, output_padding = [1, 0], batch = 2 },",
            "  { name = \"pooled\", operator = \"max-pool\", input = [4, 8, 9], kernel = 3, stride = 2, padding = [[0, 1], [1, 1]] },",
            "  { name = \"audio\", operator = \"convolution\", input = [4, 50, 1], channels = 6, kernel = [4, 1], padding = [[1, 2], [0, 0]] },",
            "  { name = \"state\", operator = \"lstm\", input = [3, 5, 1], hidden = 4, batch = 7 },",
        ]
    );
}

#[test]
fn loops_and_branches_of_a_real_file_are_written() {
    let bytes: &[u8] = include_bytes!("../models/tiny_control_flow.onnx");
    let options = Options {
        dims: [("N".to_owned(), 1)].into(),
        branches: [("y".to_owned(), rtmm_import::onnx::Branch::Then)].into(),
        ..Options::default()
    };
    let imported = rtmm_import::onnx::read(std::io::Cursor::new(bytes), &options).expect("an import");
    let text = imported.to_toml("tiny_control_flow.onnx").expect("a model file can say all of it");
    let source = Source::new("net.toml", text);
    let model = load::model_of(&source, Legality::Strict).expect("a model");
    assert_eq!(model.macs(), imported.macs);
}

#[test]
fn layers_that_no_model_file_can_say_are_named() {
    let message = |dims: &[u64], kernel: &[i64], attributes: &[_]| {
        let graph = Graph::default().image("x", dims).weight("w", kernel).output("y");
        let graph = graph.with("Conv", &["x", "w"], &["y"], attributes);
        let model = import(&graph.model(), &Options::default()).expect("an import");
        model.to_toml("net.onnx").expect_err("a layer that cannot be said").to_string()
    };
    assert_eq!(
        message(&[1, 3, 8, 8], &[4, 3, 3, 3], &[ints("pads", &[-1, 0, 0, 0])]),
        "node `y` (Conv) has a padding of [-1, 0] before and [0, 0] behind, which a model file cannot say"
    );
    assert_eq!(
        message(&[1, 3, 8, 8, 8], &[4, 3, 3, 3, 3], &[]),
        "node `y` (Conv) has 3 spatial dimensions, which a model file cannot say"
    );
}
