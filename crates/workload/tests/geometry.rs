//! Padding by side, output padding, dilation and batches: worked examples, and a walk over all taps.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rtmm_workload::input::Source;
use rtmm_workload::{
    Convolution, Kernel, Layer, Legality, Model, Nest, Operator, Padding, Pool, Repeated, Shape, ShapeError,
    load,
};

fn model(text: &str) -> Model {
    load::model_of(&Source::new("model.toml", text), Legality::Strict).expect("a sound model")
}

fn problems(text: &str) -> Vec<String> {
    let problems =
        load::model_of(&Source::new("model.toml", text), Legality::Strict).expect_err("a bad model");
    problems.iter().map(|problem| problem.message().to_owned()).collect()
}

/// The only layer of a model with this input.
fn only(input: [u32; 3], layer: &str) -> Layer {
    let model =
        model(&format!("source = \"a test\"\ninput = {input:?}\nlayer = [{{ name = \"l\", {layer} }}]"));
    model.layers.into_iter().next().expect("a layer")
}

fn nests(layer: &Layer) -> Vec<Nest> {
    let nest = |Repeated { kernel, .. }: &Repeated| *kernel.nest().expect("a nest");
    layer.kernels().expect("a sound layer").iter().map(nest).collect()
}

fn shape(layer: &Layer) -> String {
    layer.output().expect("a shape").to_string()
}

/// The last layer of networks that pad a 1 x 1 filter: whole windows of padding, which count as taps do.
#[test]
fn padding_may_reach_beyond_the_filter() {
    let wide = only([512, 13, 13], r#"operator = "convolution", channels = 1000, kernel = 1, padding = 1"#);
    assert_eq!((shape(&wide), wide.macs()), ("1000 x 15 x 15".to_owned(), Ok(115_200_000)));
    let nest = nests(&wide)[0];
    assert_eq!((nest.touched(0), nest.touched(1), nest.touched_input()), (13, 13, 86_528));
    let flat =
        only([1, 13, 13], r#"operator = "convolution", channels = 1, kernel = [1, 5], padding = [2, 0]"#);
    assert_eq!(shape(&flat), "1 x 17 x 9");
    let pool = only([8, 4, 4], r#"operator = "max-pool", kernel = 1, stride = 1, padding = 2"#);
    assert_eq!(shape(&pool), "8 x 8 x 8");
}

/// "Same" padding of stride 2, and of an even filter.
#[test]
fn sides_may_have_padding_of_their_own() {
    let same =
        r#"operator = "convolution", channels = 8, kernel = 3, stride = 2, padding = [[0, 1], [0, 1]]"#;
    let strided = only([3, 224, 224], same);
    assert_eq!(shape(&strided), "8 x 112 x 112");
    assert_eq!(nests(&strided)[0].padding, [0, 0]);
    assert_eq!([0, 1].map(|axis| nests(&strided)[0].touched(axis)), [224, 224]);
    let even = r#"operator = "convolution", channels = 8, kernel = 4, padding = [[1, 2], [1, 2]]"#;
    assert_eq!(shape(&only([3, 224, 224], even)), "8 x 224 x 224");
    let pool = r#"operator = "max-pool", kernel = 2, stride = 2, padding = [[0, 1], 0]"#;
    assert_eq!(shape(&only([8, 7, 8], pool)), "8 x 4 x 4");
}

#[test]
fn padding_is_written_in_three_ways() {
    let padding = |text: &str| {
        let layer = format!("operator = \"convolution\", channels = 1, kernel = 3, padding = {text}");
        match only([1, 9, 9], &layer).operator {
            Operator::Convolution(convolution) => convolution.padding,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(padding("2"), Padding::same([2, 2]));
    assert_eq!(padding("[2, 1]"), Padding::same([2, 1]));
    assert_eq!(padding("[[2, 2], [1, 1]]"), Padding::same([2, 1]));
    assert_eq!(padding("[[0, 1], 2]"), Padding { before: [0, 2], after: [1, 2] });
    assert_eq!(padding("[[3, 1], [0, 2]]"), Padding { before: [3, 0], after: [1, 2] });
}

/// Rows 2i + r - 1 for r in 0..3: an even one has one tap, an odd one two.
#[test]
fn output_padding_appends_rows_that_taps_reach() {
    let layer = r#"operator = "transposed-convolution", channels = 32, kernel = 3, stride = 2, padding = 1"#;
    assert_eq!(shape(&only([64, 16, 16], layer)), "32 x 31 x 31");
    let doubled = only([64, 16, 16], &format!("{layer}, output_padding = 1, output = [32, 32, 32]"));
    assert_eq!(shape(&doubled), "32 x 32 x 32");
    assert_eq!(doubled.macs(), Ok((16 + 2 * 16) * (16 + 2 * 16) * 64 * 32));
    // The same, said as less that is cropped off.
    let cropped = only([64, 16, 16], &layer.replace("padding = 1", "padding = [[1, 0], [1, 0]]"));
    assert_eq!(nests(&cropped), nests(&doubled));
}

/// Columns 0, 2, 4, 6 and 8.
#[test]
fn dilated_filters_touch_what_their_taps_meet() {
    let dilated =
        r#"operator = "convolution", channels = 1, kernel = [1, 3], stride = [1, 2], dilation = [1, 2]"#;
    let nest = nests(&only([1, 1, 9], dilated))[0];
    assert_eq!((nest.touched(0), nest.touched(1), nest.touched_input()), (1, 5, 5));
}

const OPERATORS: [&str; 11] = [
    r#"operator = "convolution", channels = 8, kernel = 3, padding = 1, groups = 2"#,
    r#"operator = "transposed-convolution", channels = 8, kernel = 3, stride = 2"#,
    r#"operator = "fully-connected", features = 7, flatten = true"#,
    r#"operator = "max-pool", kernel = 2"#,
    r#"operator = "global-pool""#,
    r#"operator = "activation""#,
    r#"operator = "softmax""#,
    r#"operator = "resize", factor = 2"#,
    r#"operator = "layer-norm""#,
    r#"operator = "attention", heads = 2"#,
    r#"operator = "lstm", hidden = 6, bidirectional = true"#,
];

/// A batch does the work of so many inputs with the weights of one.
#[test]
fn a_batch_repeats_work_and_not_weights() {
    for operator in OPERATORS {
        let input =
            if operator.contains("attention") || operator.contains("lstm") { [4, 9, 1] } else { [4, 6, 6] };
        let one = only(input, operator);
        let many = only(input, &format!("{operator}, batch = 5"));
        assert_eq!((one.batch, many.batch), (1, 5), "{operator}");
        assert_eq!(many.output(), one.output(), "{operator}");
        assert_eq!(many.parameters(), one.parameters(), "{operator}");
        assert_eq!(many.macs().ok(), one.macs().ok().map(|macs| 5 * macs), "{operator}");
        assert_eq!(many.input_elements(), 5 * one.input_elements(), "{operator}");
        assert_eq!(many.output_elements().ok(), one.output_elements().ok().map(|out| 5 * out), "{operator}");
        let (one, many) = (one.kernels().expect("sound"), many.kernels().expect("sound"));
        assert_eq!(one.len(), many.len());
        for (one, many) in one.iter().zip(&many) {
            assert_eq!((one.times, 5 * one.kernel.macs()), (many.times, many.kernel.macs()), "{operator}");
            match (one.kernel, many.kernel) {
                (Kernel::Nest(one), Kernel::Nest(many)) => {
                    assert_eq!(5 * one.input_elements(), many.input_elements(), "{operator}");
                    assert_eq!(5 * one.output_elements(), many.output_elements(), "{operator}");
                    // Keys and values are of each input.
                    let is_of_inputs = many.groups == 5 * one.groups;
                    let weights = one.weight_elements() * if is_of_inputs { 5 } else { 1 };
                    assert_eq!(weights, many.weight_elements(), "{operator}");
                }
                (Kernel::Vector(one), Kernel::Vector(many)) => {
                    let of = |work: rtmm_workload::VectorWork| {
                        [work.elements_in, work.elements_out, work.operations]
                    };
                    assert_eq!(of(one).map(|amount| 5 * amount), of(many), "{operator}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn layers_have_the_batch_of_what_they_read() {
    let text = r#"
        source = "a test"
        input = [8, 6, 6]
        batch = "images"
        layer = [
          { name = "a", operator = "convolution", channels = 8, kernel = 1 },
          { name = "crops", operator = "convolution", channels = 8, kernel = 1, batch = 20 },
          { name = "b", operator = "activation" },
          { name = "sum", operator = "add", input = ["input", "a"] },
          { name = "both", operator = "add", input = ["a", "b"], batch = 20 },
        ]
        [parameters.images]
        default = 3
    "#;
    let batches: Vec<u32> = model(text).layers.iter().map(|layer| layer.batch).collect();
    assert_eq!(batches, [3, 20, 20, 3, 20]);
    let unequal = text.replace(r#"["a", "b"], batch = 20"#, r#"["a", "b"]"#);
    assert_eq!(problems(&unequal), ["the layer reads layers of different batches, 3 and 20"]);
    let alone = model(
        r#"
        source = "a test"
        shapes = "independent"
        batch = 2
        layer = [
          { name = "a", operator = "activation", input = [8, 6, 6] },
          { name = "b", operator = "activation", input = [8, 6, 6], batch = 7 },
        ]
        "#,
    );
    let stated: Vec<(u32, u64)> =
        alone.layers.iter().map(|layer| (layer.batch, layer.input_elements())).collect();
    assert_eq!(stated, [(2, 2 * 288), (7, 7 * 288)]);
}

/// What layers did not always have is not written where it says nothing, so that identities last.
#[test]
fn plain_layers_are_serialized_as_they_were() {
    let json = |layer: &Layer| serde_json::to_string(layer).expect("it has no maps");
    let layer = r#"operator = "convolution", channels = 1, kernel = 1, padding = [1, 2]"#;
    assert_eq!(
        json(&only([1, 2, 2], layer)),
        "{\"name\":\"l\",\"operator\":{\"convolution\":{\"input\":{\"channels\":1,\"height\":2,\"width\":2},\
         \"output_channels\":1,\"kernel\":[1,1],\"stride\":[1,1],\"padding\":[1,2],\"dilation\":[1,1],\
         \"groups\":1,\"transposed\":false}},\"published\":null}"
    );
    let said = format!("{}, batch = 2, live_bytes = 0", layer.replace("[1, 2]", "[[1, 2], [0, 3]]"));
    let said = json(&only([1, 2, 2], &said));
    for part in ["\"padding\":[[1,2],[0,3]]", "\"batch\":2,\"live_bytes\":0"] {
        assert!(said.contains(part), "{said}");
    }
}

/// Zero of what a program, not a file, may say.
#[test]
fn batches_and_output_padding_of_programs_are_checked() {
    let plain = convolution([3, 3], [1, 1], [1, 1], Padding::NONE, [0, 0], false);
    let refused = |layer: Layer| layer.kernels().expect_err("no such layer");
    let none = Layer { batch: 0, ..Layer::new("l", Operator::Convolution(plain)) };
    assert_eq!(refused(none), ShapeError::Dimension { name: "batch", value: 0 });
    for (transposed, stride) in [(true, 2), (false, 3)] {
        let added = Convolution { stride: [stride; 2], output_padding: [0, 2], transposed, ..plain };
        let expected = ShapeError::OutputPadding { added: 2, stride, transposed };
        assert_eq!(refused(Layer::new("l", Operator::Convolution(added))), expected);
    }
}

fn convolution(
    input: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    padding: Padding,
    output_padding: [u32; 2],
    transposed: bool,
) -> Convolution {
    Convolution {
        input: Shape { channels: 4, height: input[0], width: input[1] },
        output_channels: 6,
        kernel,
        stride,
        padding,
        output_padding,
        dilation: [1, 1],
        groups: 2,
        transposed,
    }
}

/// Positions of one axis, before padding is taken off, at which outputs begin.
fn starts(input: u32, kernel: u32, stride: u32, dilation: u32, padding: u32) -> Vec<u32> {
    let span = dilation * (kernel - 1) + 1;
    (0..).map(|output| output * stride).take_while(|start| start + span <= input + padding).collect()
}

/// For each output of an axis of a transposed convolution, taps of its phase and those of them that have an input.
fn written(
    input: u32,
    kernel: u32,
    stride: u32,
    [before, after]: [u32; 2],
    added: u32,
) -> Vec<(u64, Vec<u32>)> {
    let full = (input - 1) * stride + kernel + added;
    (before..full.saturating_sub(after))
        .map(|at| {
            let taps = (0..kernel).filter(|tap| at % stride == tap % stride).count() as u64;
            let inputs = (0..kernel)
                .filter_map(|tap| at.checked_sub(tap))
                .filter(|from| from % stride == 0 && from / stride < input)
                .map(|from| from / stride);
            (taps, inputs.collect())
        })
        .collect()
}

/// Taps of the outputs of an axis, without those of phases of which no output has an input.
fn worked(written: &[(u64, Vec<u32>)], stride: u32) -> u64 {
    let of_phase = |phase: usize| written.iter().skip(phase).step_by(stride as usize);
    (0..stride as usize)
        .filter(|phase| of_phase(*phase).any(|(_, inputs)| !inputs.is_empty()))
        .flat_map(of_phase)
        .map(|(taps, _)| taps)
        .sum()
}

fn pair(range: std::ops::Range<u32>) -> impl Strategy<Value = [u32; 2]> {
    [range.clone(), range]
}

fn padding() -> impl Strategy<Value = Padding> {
    (pair(0..5), pair(0..5)).prop_map(|(before, after)| Padding { before, after })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, rng_seed: RngSeed::Fixed(3), ..ProptestConfig::default() })]

    /// Extents, multiply-accumulates and touched inputs of convolutions and pools are those of a walk over all taps.
    #[test]
    fn windows_are_those_of_a_walk(
        input in pair(1..9), kernel in pair(1..5), stride in pair(1..4), dilation in pair(1..4),
        padding in padding(), batch in 1_u32..4,
    ) {
        let convolution = Convolution { dilation, ..convolution(input, kernel, stride, padding, [0, 0], false) };
        let layer = Layer { batch, ..Layer::new("l", Operator::Convolution(convolution)) };
        let rows: [Vec<u32>; 2] = [0, 1].map(|axis| {
            let around = padding.before[axis] + padding.after[axis];
            starts(input[axis], kernel[axis], stride[axis], dilation[axis], around)
        });
        let outputs = [rows[0].len() as u64, rows[1].len() as u64];
        if outputs.contains(&0) {
            let is_larger = matches!(layer.output(), Err(ShapeError::WindowLargerThanInput { .. }));
            prop_assert!(is_larger);
            return Ok(());
        }
        let touched: [BTreeSet<u32>; 2] = [0, 1].map(|axis| {
            let taps = |start: &u32| {
                let start = *start;
                (0..kernel[axis]).map(move |tap| start + tap * dilation[axis])
            };
            rows[axis]
                .iter()
                .flat_map(taps)
                .filter_map(|at| at.checked_sub(padding.before[axis]))
                .filter(|at| *at < input[axis])
                .collect()
        });
        let output = layer.output().expect("a shape");
        prop_assert_eq!([output.height, output.width].map(u64::from), outputs);
        let taps = u64::from(kernel[0] * kernel[1]);
        prop_assert_eq!(layer.macs(), Ok(u64::from(batch) * 6 * 2 * taps * outputs[0] * outputs[1]));
        let nest = nests(&layer)[0];
        let touched = [touched[0].len() as u64, touched[1].len() as u64];
        prop_assert_eq!([nest.touched(0), nest.touched(1)], touched);
        prop_assert_eq!(nest.touched_input(), u64::from(batch) * 2 * touched[0] * touched[1]);
        if dilation == [1, 1] {
            let input = Shape { channels: 4, height: input[0], width: input[1] };
            let pool = Layer::new("p", Operator::Pool(Pool { input, kernel, stride, padding }));
            prop_assert_eq!(pool.output(), Ok(Shape { channels: 4, ..output }));
        }
    }

    /// Phases of transposed convolutions have the outputs, the taps and the inputs of the definition.
    #[test]
    fn phases_are_those_of_a_walk(
        input in pair(1..7), kernel in pair(1..6), stride in pair(1..4), padding in padding(),
        added in pair(0..3), batch in 1_u32..4,
    ) {
        let added = [0, 1].map(|axis| added[axis].min(stride[axis] - 1));
        let layer = Layer {
            batch,
            ..Layer::new("l", Operator::Convolution(convolution(input, kernel, stride, padding, added, true)))
        };
        let [rows, columns] = [0, 1].map(|axis| {
            let sides = [padding.before[axis], padding.after[axis]];
            written(input[axis], kernel[axis], stride[axis], sides, added[axis])
        });
        if rows.is_empty() || columns.is_empty() {
            prop_assert_eq!(layer.output(), Err(ShapeError::Dimension { name: "output extent", value: 0 }));
            return Ok(());
        }
        let output = layer.output().expect("a shape");
        prop_assert_eq!([output.height as usize, output.width as usize], [rows.len(), columns.len()]);
        let taps = worked(&rows, stride[0]) * worked(&columns, stride[1]);
        prop_assert_eq!(layer.macs(), Ok(u64::from(batch) * 6 * 2 * taps));
        // Inputs that each output reads, whatever the order of outputs.
        let mut defined: Vec<u64> = rows
            .iter()
            .flat_map(|(_, of_row)| columns.iter().map(move |(_, of_column)| of_row.len() * of_column.len()))
            .map(|reads| reads as u64)
            .filter(|reads| *reads > 0)
            .collect();
        let mut phased = Vec::new();
        for nest in nests(&layer) {
            let reads = |axis: usize, output: u32| {
                let at = (0..nest.filter[axis]).filter_map(|tap| (output + tap).checked_sub(nest.padding[axis]));
                at.filter(|at| *at < nest.input[axis]).count() as u64
            };
            for row in 0..nest.output[0] {
                phased.extend((0..nest.output[1]).map(|column| reads(0, row) * reads(1, column)));
            }
        }
        phased.retain(|reads| *reads > 0);
        defined.sort_unstable();
        phased.sort_unstable();
        prop_assert_eq!(phased, defined);
    }
}
