//! Multiply-accumulates, parameters, free nodes and memory, worked out by hand.

use crate::builder::{FLOAT16, Graph, INT8, INT64, UINT8, int, ints, text};

/// MACs, parameters, layers, free nodes.
#[track_caller]
fn check(graph: Graph, expected: [u64; 4]) {
    let model = graph.import();
    let found = [model.macs, model.parameters, model.layers.len() as u64, model.free];
    assert_eq!(found, expected, "MACs, parameters, layers, free");
}

#[test]
fn a_convolution_is_outputs_times_weights_of_a_channel() {
    let graph = || {
        Graph::default().image("x", &[1, 3, 32, 32]).weight("w", &[8, 3, 3, 3]).weight("b", &[8]).with(
            "Conv",
            &["x", "w", "b"],
            &["y"],
            &[ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1])],
        )
    };
    // 8 x 16 x 16 outputs of 27 taps; weights and biases.
    check(graph().output("y"), [55_296, 216 + 8, 1, 0]);
    // The input and the output are live together.
    assert_eq!(graph().output("y").import().peak_activation_bytes, 4 * (3 * 32 * 32 + 8 * 16 * 16));
    let depthwise = Graph::default().image("x", &[2, 6, 10]).weight("w", &[12, 1, 3]).output("y").with(
        "Conv",
        &["x", "w"],
        &["y"],
        &[int("group", 6), ints("dilations", &[2]), ints("kernel_shape", &[3])],
    );
    // Two inputs, twelve channels, six outputs of one channel of three taps.
    check(depthwise, [2 * 12 * 6 * 3, 36, 1, 0]);
}

#[test]
fn automatic_padding_gives_the_outputs_of_the_runtime() {
    let shape = |auto: &str| {
        let attributes = [text("auto_pad", auto), ints("strides", &[2])];
        Graph::default()
            .image("x", &[1, 1, 5])
            .weight("w", &[1, 1, 2])
            .output("y")
            .with("Conv", &["x", "w"], &["y"], &attributes)
            .shape()
    };
    let shapes = ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"].map(shape);
    assert_eq!(shapes, ["[1, 1, 3]", "[1, 1, 3]", "[1, 1, 2]", "[1, 1, 2]"]);
}

#[test]
fn a_transposed_convolution_is_inputs_times_weights_of_a_channel() {
    let graph = Graph::default().image("x", &[1, 16, 8, 8]).weight("w", &[16, 8, 2, 2]).output("y").with(
        "ConvTranspose",
        &["x", "w"],
        &["y"],
        &[ints("strides", &[2, 2])],
    );
    check(graph, [32_768, 512, 1, 0]);
    let shape = |attributes: &[_]| {
        let attributes = [&[ints("strides", &[2])], attributes].concat();
        Graph::default()
            .image("x", &[1, 1, 3])
            .weight("w", &[1, 1, 3])
            .output("y")
            .with("ConvTranspose", &["x", "w"], &["y"], &attributes)
            .shape()
    };
    assert_eq!(shape(&[]), "[1, 1, 7]");
    assert_eq!(shape(&[ints("output_shape", &[6])]), "[1, 1, 6]");
    assert_eq!(shape(&[ints("output_shape", &[8]), ints("pads", &[1, 1])]), "[1, 1, 8]");
    assert_eq!(shape(&[ints("output_padding", &[1])]), "[1, 1, 8]");
    assert_eq!(shape(&[text("auto_pad", "SAME_UPPER")]), "[1, 1, 6]");
}

#[test]
fn products_are_outputs_times_the_summed_extent() {
    let by_weights = Graph::default().image("x", &[2, 5, 7]).weight("w", &[7, 11]).output("y").node(
        "MatMul",
        &["x", "w"],
        &["y"],
    );
    check(by_weights, [2 * 5 * 11 * 7, 77, 1, 0]);
    let scores = Graph::default().image("q", &[1, 4, 10, 16]).image("k", &[1, 4, 16, 12]).output("s").node(
        "MatMul",
        &["q", "k"],
        &["s"],
    );
    check(scores, [4 * 10 * 12 * 16, 0, 1, 0]);
    let gemm = Graph::default().image("x", &[7, 3]).weight("w", &[5, 7]).weight("c", &[5]).output("y").with(
        "Gemm",
        &["x", "w", "c"],
        &["y"],
        &[int("transA", 1), int("transB", 1)],
    );
    check(gemm, [3 * 5 * 7, 35 + 5, 1, 0]);
    let einsum = Graph::default().image("q", &[2, 10, 4, 16]).image("k", &[2, 12, 4, 16]).output("s").with(
        "Einsum",
        &["q", "k"],
        &["s"],
        &[text("equation", "bqhd, bkhd -> bhqk")],
    );
    check(einsum.clone(), [2 * 4 * 10 * 12 * 16, 0, 1, 0]);
    assert_eq!(einsum.shape(), "[2, 4, 10, 12]");
    let ellipsis = Graph::default().image("a", &[3, 2, 5]).weight("b", &[5, 6]).output("c").with(
        "Einsum",
        &["a", "b"],
        &["c"],
        &[text("equation", "...i,ij->...j")],
    );
    assert_eq!(ellipsis.shape(), "[3, 2, 6]");
}

#[test]
fn recurrent_layers_are_steps_times_batch_times_weights() {
    let lstm = |direction: &str, directions: i64| {
        Graph::default()
            .image("x", &[5, 2, 3])
            .weight("w", &[directions, 16, 3])
            .weight("r", &[directions, 16, 4])
            .weight("b", &[directions, 32])
            .output("y")
            .with(
                "LSTM",
                &["x", "w", "r", "b"],
                &["y"],
                &[int("hidden_size", 4), text("direction", direction)],
            )
    };
    check(lstm("forward", 1), [5 * 2 * (48 + 64), 48 + 64 + 32, 1, 0]);
    check(lstm("bidirectional", 2), [2 * 5 * 2 * (48 + 64), 2 * (48 + 64 + 32), 1, 0]);
    assert_eq!(lstm("bidirectional", 2).shape(), "[5, 2, 2, 4]");
    let quantised = Graph::default()
        .image("x", &[5, 1, 3])
        .weight_of("w", INT8, &[1, 3, 16])
        .weight_of("r", INT8, &[1, 4, 16])
        .weight("scale", &[1])
        .weight_of("zero", INT8, &[1])
        .output("y")
        .with(
            "com.microsoft:DynamicQuantizeLSTM",
            &["x", "w", "r", "", "", "", "", "", "scale", "zero", "scale", "zero"],
            &["y"],
            &[int("hidden_size", 4)],
        );
    check(quantised, [5 * (48 + 64), 48 + 64, 1, 0]);
}

#[test]
fn quantised_weights_count_once_and_without_scales() {
    let graph = Graph::default()
        .image("x", &[1, 4, 8, 8])
        .weight("sx", &[])
        .weight_of("zx", UINT8, &[])
        .weight_of("w", INT8, &[4, 4, 3, 3])
        .weight("sw", &[4])
        .weight_of("zw", INT8, &[4])
        .output("y")
        .node("QuantizeLinear", &["x", "sx", "zx"], &["xq"])
        .node("DequantizeLinear", &["xq", "sx", "zx"], &["xd"])
        .with("DequantizeLinear", &["w", "sw", "zw"], &["wd"], &[int("axis", 0)])
        .node("Conv", &["xd", "wd"], &["y"]);
    check(graph.clone(), [4 * 36 * 36, 144, 1, 3]);
    // The weights that are made real are weights still: the most is the quantised and the real input.
    let (input, output) = (4 * 64, 4 * 36);
    assert_eq!(graph.import().peak_activation_bytes, (input * (4 + 1)).max(input * 4 + output * 4));
    let integer = Graph::default()
        .image("x", &[6, 8])
        .weight_of("w", INT8, &[8, 5])
        .weight_of("zw", INT8, &[])
        .output("y")
        .node("DynamicQuantizeLinear", &["x"], &["xq", "sx", "zx"])
        .node("MatMulInteger", &["xq", "w", "zx", "zw"], &["y"]);
    check(integer, [6 * 5 * 8, 40, 2, 0]);
    let packed = Graph::default()
        .input("x", FLOAT16, &["2", "64"])
        .weight_of("w", UINT8, &[10, 2, 16])
        .weight_of("s", FLOAT16, &[20])
        .output("y")
        .with(
            "com.microsoft:MatMulNBits",
            &["x", "w", "s"],
            &["y"],
            &[int("K", 64), int("N", 10), int("bits", 4)],
        );
    check(packed, [2 * 64 * 10, 640, 1, 0]);
}

#[test]
fn attention_in_one_node_is_its_products() {
    let fused = Graph::default()
        .image("x", &[2, 10, 24])
        .weight("w", &[24, 72])
        .weight("b", &[72])
        .output("y")
        .with("com.microsoft:Attention", &["x", "w", "b"], &["y"], &[int("num_heads", 4)]);
    let products = 2 * 4 * (10 * 6 * 10 + 10 * 10 * 6);
    check(fused, [2 * 10 * 24 * 72 + products, 24 * 72 + 72, 1, 0]);
    let grouped = Graph::default()
        .image("q", &[1, 1, 64])
        .image("k", &[1, 1, 16])
        .image("v", &[1, 1, 16])
        .image("past_k", &[1, 2, 31, 8])
        .image("past_v", &[1, 2, 31, 8])
        .output("y")
        .output("present_k")
        .with(
            "com.microsoft:GroupQueryAttention",
            &["q", "k", "v", "past_k", "past_v"],
            &["y", "present_k", "present_v"],
            &[int("num_heads", 8), int("kv_num_heads", 2)],
        );
    check(grouped.clone(), [8 * 32 * 8 * 2, 0, 1, 0]);
    assert_eq!(grouped.import().outputs, ["y [1, 1, 64]", "present_k [1, 2, 32, 8]"]);
}

#[test]
fn a_fourier_transform_has_no_multiply_accumulates_and_is_one_sided() {
    let graph = Graph::default()
        .image("x", &[1, 32])
        .number("step", 4)
        .weight("window", &[8])
        .output("y")
        .node("STFT", &["x", "step", "window"], &["y"]);
    check(graph.clone(), [0, 8, 1, 0]);
    assert_eq!(graph.shape(), "[1, 7, 5, 2]");
}

#[test]
fn constants_count_where_executed_nodes_read_them_as_weights() {
    let graph = Graph::default()
        .image("x", &[1, 6])
        .weight("w", &[6, 6])
        .weight("never_read", &[100])
        .list("shape", &[2, 3])
        .output("y")
        .node("MatMul", &["x", "w"], &["a"])
        .node("MatMul", &["a", "w"], &["b"])
        .node("Reshape", &["b", "shape"], &["y"]);
    // The weights are shared, the shape is none, and a reshape takes no work.
    check(graph, [72, 36, 2, 1]);
    let older = Graph::default()
        .image("x", &[1, 6])
        .image("w", &[6, 6])
        .weight("w", &[6, 6])
        .output("y")
        .node("MatMul", &["x", "w"], &["y"]);
    check(older, [36, 36, 1, 0]);
    let indices = Graph::default()
        .input("ids", INT64, &["1", "9"])
        .weight("table", &[50, 8])
        .output("y")
        .node("Gather", &["table", "ids"], &["y"]);
    check(indices, [0, 400, 1, 0]);
}

#[test]
fn memory_is_that_of_all_that_is_read_later() {
    // x (40 B) is read by the first and the last node; a and b are 40 B each.
    let graph = Graph::default()
        .image("x", &[10])
        .output("y")
        .node("Relu", &["x"], &["a"])
        .node("Sigmoid", &["a"], &["b"])
        .node("Add", &["x", "b"], &["y"]);
    let model = graph.import();
    assert_eq!(model.peak_activation_bytes, 120);
    let live: Vec<u64> = model.layers.iter().map(|layer| layer.live_bytes).collect();
    assert_eq!(live, [80, 80, 40]);
    // An output stays to the end; an input that is never read is nowhere.
    let graph = Graph::default()
        .image("x", &[10])
        .image("unread", &[1_000])
        .output("a")
        .output("c")
        .node("Relu", &["x"], &["a"])
        .node("Relu", &["x"], &["b"])
        .node("Relu", &["b"], &["c"]);
    assert_eq!(graph.import().peak_activation_bytes, 120);
}

#[test]
fn a_layer_is_named_by_its_output() {
    let graph = Graph::default().image("x", &[4]).output("y").with("Relu", &["x"], &["first"], &[]).with(
        "Relu",
        &["first"],
        &["y"],
        &[],
    );
    let names: Vec<String> = graph.import().layers.into_iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["first", "y"]);
}
