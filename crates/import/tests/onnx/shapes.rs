//! Inference of shapes, with the arithmetic that exporters do on them.

use rtmm_import::onnx::Options;

use crate::builder::{FLOAT, Graph, INT64, import, info, int, ints, text};

#[test]
fn shapes_that_are_computed_are_followed() {
    // View of a batch: the first extent is taken from the input, the last one is open.
    let graph = Graph::default()
        .image("x", &[3, 4, 6])
        .number("zero", 0)
        .list("axis", &[0])
        .list("rest", &[-1])
        .output("y")
        .node("Shape", &["x"], &["shape"])
        .node("Gather", &["shape", "zero"], &["batch"])
        .node("Unsqueeze", &["batch", "axis"], &["list"])
        .with("Concat", &["list", "rest"], &["wanted"], &[int("axis", 0)])
        .node("Reshape", &["x", "wanted"], &["y"]);
    let model = graph.clone().import();
    assert_eq!((model.layers.len(), model.free), (0, 5));
    assert_eq!(graph.shape(), "[3, 24]");
}

#[test]
fn grids_of_ranges_are_followed() {
    // The anchors of a detector: a range by the height, spread over the width.
    let graph = Graph::default()
        .image("x", &[1, 8, 5, 7])
        .number("zero", 0)
        .number("one", 1)
        .list("column", &[-1, 1])
        .list("width_axis", &[3])
        .list("height_axis", &[2])
        .output("y")
        .node("Shape", &["x"], &["shape"])
        .node("Gather", &["shape", "height_axis"], &["height"])
        .node("Gather", &["shape", "width_axis"], &["width"])
        .node("Squeeze", &["height"], &["height_number"])
        .node("Range", &["zero", "height_number", "one"], &["rows"])
        .node("Reshape", &["rows", "column"], &["rows_column"])
        .with("Concat", &["height", "width"], &["plane"], &[int("axis", 0)])
        .node("Expand", &["rows_column", "plane"], &["y"]);
    assert_eq!(graph.shape(), "[5, 7]");
}

#[test]
fn sizes_of_a_resize_may_be_scaled_in_real_numbers() {
    let graph = Graph::default()
        .image("x", &[1, 8, 5, 7])
        .reals("scale", &[1.0, 1.0, 2.5, 2.0])
        .output("y")
        .node("Shape", &["x"], &["shape"])
        .with("Cast", &["shape"], &["real"], &[int("to", 1)])
        .node("Mul", &["real", "scale"], &["scaled"])
        .node("Floor", &["scaled"], &["floor"])
        .with("Cast", &["floor"], &["sizes"], &[int("to", 7)])
        .node("Resize", &["x", "", "", "sizes"], &["y"]);
    assert_eq!(graph.shape(), "[1, 8, 12, 14]");
    let scales = Graph::default()
        .image("x", &[1, 8, 5, 7])
        .reals("scales", &[1.0, 1.0, 2.5, 2.0])
        .output("y")
        .node("Resize", &["x", "", "scales"], &["y"]);
    assert_eq!(scales.shape(), "[1, 8, 12, 14]");
}

#[test]
fn slices_count_from_either_end() {
    let slice = |starts: &[i64], ends: &[i64], steps: &[i64]| {
        Graph::default()
            .image("x", &[10])
            .list("starts", starts)
            .list("ends", ends)
            .list("axes", &[0])
            .list("steps", steps)
            .output("y")
            .node("Slice", &["x", "starts", "ends", "axes", "steps"], &["y"])
            .shape()
    };
    assert_eq!(slice(&[2], &[-1], &[3]), "[3]");
    assert_eq!(slice(&[-1], &[i64::MIN], &[-4]), "[3]");
    assert_eq!(slice(&[5], &[i64::MAX], &[1]), "[5]");
    assert_eq!(slice(&[7], &[3], &[1]), "[0]");
}

#[test]
fn windows_hang_over_where_they_are_to_be_rounded_up() {
    let pool = |ceil: i64, pads: &[i64]| {
        let attributes = [
            ints("kernel_shape", &[2, 2]),
            ints("strides", &[2, 2]),
            ints("pads", pads),
            int("ceil_mode", ceil),
        ];
        Graph::default()
            .image("x", &[1, 1, 5, 4])
            .output("y")
            .with("MaxPool", &["x"], &["y"], &attributes)
            .shape()
    };
    assert_eq!(pool(0, &[0, 0, 0, 0]), "[1, 1, 2, 2]");
    assert_eq!(pool(1, &[0, 0, 0, 0]), "[1, 1, 3, 2]");
    // A window that would begin behind the input is none.
    assert_eq!(pool(1, &[0, 0, 1, 1]), "[1, 1, 3, 2]");
}

#[test]
fn images_are_put_together_again() {
    let unpool = Graph::default()
        .image("x", &[1, 1, 2, 2])
        .input("at", INT64, &["1", "1", "2", "2"])
        .output("y")
        .with("MaxUnpool", &["x", "at"], &["y"], &[ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]);
    assert_eq!(unpool.shape(), "[1, 1, 4, 4]");
    let blocks = Graph::default()
        .image("x", &[1, 10, 9])
        .list("image", &[5, 5])
        .list("block", &[1, 5])
        .output("y")
        .node("Col2Im", &["x", "image", "block"], &["y"]);
    assert_eq!(blocks.shape(), "[1, 2, 5, 5]");
    let centre = Graph::default().image("x", &[20, 8, 3]).list("wanted", &[10, 9]).output("y").with(
        "CenterCropPad",
        &["x", "wanted"],
        &["y"],
        &[ints("axes", &[0, -2])],
    );
    assert_eq!(centre.shape(), "[10, 9, 3]");
}

#[test]
fn older_operator_sets_state_axes_as_attributes() {
    let graph = || {
        Graph::default()
            .image("x", &[1, 3, 1, 5])
            .output("y")
            .with("Squeeze", &["x"], &["a"], &[ints("axes", &[0, 2])])
            .with("Unsqueeze", &["a"], &["b"], &[ints("axes", &[0])])
            .with("ReduceMean", &["b"], &["c"], &[ints("axes", &[-1]), int("keepdims", 0)])
            .with("Slice", &["c"], &["y"], &[ints("starts", &[1]), ints("ends", &[3]), ints("axes", &[1])])
    };
    let model = import(&graph().model_of(9), &Options::default()).expect("an older model");
    assert_eq!(model.outputs, ["y [1, 2]"]);
}

#[test]
fn parts_of_a_split_may_be_stated_or_equal() {
    let graph = Graph::default().image("x", &[2, 7]).output("a").output("c").with(
        "Split",
        &["x"],
        &["a", "b", "c"],
        &[int("axis", 1), int("num_outputs", 3)],
    );
    assert_eq!(graph.import().outputs, ["a [2, 3]", "c [2, 1]"]);
    let graph = Graph::default().image("x", &[2, 7]).list("sizes", &[6, 1]).output("a").output("b").with(
        "Split",
        &["x", "sizes"],
        &["a", "b"],
        &[int("axis", 1)],
    );
    assert_eq!(graph.import().outputs, ["a [2, 6]", "b [2, 1]"]);
}

#[test]
fn a_scatter_into_a_shape_is_followed() {
    let graph = Graph::default()
        .image("x", &[2, 12])
        .list("place", &[0])
        .list("update", &[4])
        .list("axis", &[1])
        .output("y")
        .node("Shape", &["x"], &["shape"])
        .node("Unsqueeze", &["place", "axis"], &["places"])
        .node("ScatterND", &["shape", "places", "update"], &["changed"])
        .list("half", &[1, 2])
        .node("Div", &["changed", "half"], &["wanted"])
        .node("Reshape", &["x", "wanted"], &["y"]);
    assert_eq!(graph.shape(), "[4, 6]");
}

#[test]
fn an_unknown_operator_is_named_and_may_be_left_out() {
    let graph = || {
        Graph::default()
            .image("x", &[1, 4])
            .weight("w", &[4, 4])
            .output("y")
            .node("MatMul", &["x", "w"], &["a"])
            .node("far.away:Mystery", &["a"], &["b"])
            .node("Relu", &["b"], &["c"])
            .node("MatMul", &["a", "w"], &["y"])
    };
    assert_eq!(graph().refusal(), "node `b` (far.away:Mystery): the operator is not supported");
    let options = Options { skips_unsupported: true, ..Options::default() };
    let model = import(&graph().model(), &options).expect("a model without one operator");
    assert_eq!((model.macs, model.lost, model.unsupported.len()), (32, 2, 1));
    assert_eq!(model.summary().lost_share, Some(0.5));
    // Where the file declares the type of what is left out, the rest goes on.
    let mut declared = graph();
    declared.0.value_info.push(info("b", FLOAT, &["1", "4"]));
    let model = import(&declared.model(), &options).expect("a model without one operator");
    assert_eq!((model.lost, model.layers.len()), (1, 3));
}

#[test]
fn all_operators_without_a_rule_are_listed_at_once() {
    let graph = Graph::default()
        .image("x", &[4])
        .output("c")
        .node("Mystery", &["x"], &["a"])
        .node("Riddle", &["a"], &["b"])
        .node("Enigma", &["x"], &["c"]);
    // What reads an unknown tensor is not known to lack a rule.
    assert_eq!(
        graph.refusal(),
        "node `a` (Mystery): the operator is not supported; node `c` (Enigma): the operator is not supported"
    );
}

#[test]
fn what_depends_on_data_is_refused_by_name() {
    let graph = Graph::default().image("x", &[4]).input("n", INT64, &["1"]).output("y").node(
        "Reshape",
        &["x", "n"],
        &["y"],
    );
    let message =
        "node `y` (Reshape): the shape of its output depends on the data of input 1, which is not known";
    assert_eq!(graph.refusal(), message);
}

#[test]
fn fused_products_take_their_factors_turned() {
    let graph = Graph::default().image("a", &[2, 7, 3]).image("b", &[2, 5, 7]).output("y").with(
        "com.microsoft:FusedMatMul",
        &["a", "b"],
        &["y"],
        &[int("transA", 1), int("transB", 1)],
    );
    assert_eq!(graph.shape(), "[2, 3, 5]");
    let pool = Graph::default().image("x", &[1, 1, 3]).output("y").with(
        "AveragePool",
        &["x"],
        &["y"],
        &[ints("kernel_shape", &[2]), text("auto_pad", "SAME_UPPER")],
    );
    assert_eq!(pool.shape(), "[1, 1, 3]");
}
