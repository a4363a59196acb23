//! Shapes, counts and lowering of layers, against published counts and brute force.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rtmm_workload::input::Source;
use rtmm_workload::{
    Convolution, Kernel, Layer, Legality, Model, Nest, Operator, Repeated, Shape, ShapeError, load,
    read_layer_table,
};

fn model(text: &str) -> Model {
    load::model_of(&Source::new("model.toml", text), Legality::Strict).expect("a sound model")
}

fn problems(text: &str) -> Vec<String> {
    let problems =
        load::model_of(&Source::new("model.toml", text), Legality::Strict).expect_err("a bad model");
    problems.iter().map(|problem| problem.message().to_owned()).collect()
}

/// LeNet-5 as torchvision-style tutorials build it: 61,470 weights without biases, 416,520
/// multiply-accumulates.
#[test]
fn lenet_has_its_known_counts() {
    let lenet = model(
        r#"
        source = "LeCun et al., 1998"
        input = [1, 32, 32]
        layer = [
          { name = "c1", operator = "convolution", channels = 6, kernel = 5 },
          { name = "s2", operator = "average-pool", kernel = 2 },
          { name = "c3", operator = "convolution", channels = 16, kernel = 5 },
          { name = "s4", operator = "average-pool", kernel = 2 },
          { name = "c5", operator = "fully-connected", features = 120, flatten = true },
          { name = "f6", operator = "fully-connected", features = 84 },
          { name = "out", operator = "fully-connected", features = 10 },
        ]
        "#,
    );
    assert_eq!(lenet.parameters(), 150 + 2_400 + 48_000 + 10_080 + 840);
    assert_eq!(lenet.macs(), 117_600 + 240_000 + 48_000 + 10_080 + 840);
    let shapes: Vec<String> =
        lenet.layers.iter().map(|layer| layer.output().expect("a shape").to_string()).collect();
    let expected = [
        "6 x 28 x 28",
        "6 x 14 x 14",
        "16 x 10 x 10",
        "16 x 5 x 5",
        "120 x 1 x 1",
        "84 x 1 x 1",
        "10 x 1 x 1",
    ];
    assert_eq!(shapes, expected);
}

/// A bottleneck with a shortcut, depthwise and strided: shapes follow the named inputs.
#[test]
fn graphs_follow_their_named_inputs() {
    let block = model(
        r#"
        source = "an inverted residual after MobileNetV2"
        input = [24, 56, 56]
        layer = [
          { name = "expand", operator = "convolution", channels = 144, kernel = 1 },
          { name = "depthwise", operator = "convolution", channels = 144, kernel = 3, padding = 1, groups = "depthwise" },
          { name = "project", operator = "convolution", channels = 24, kernel = 1 },
          { name = "sum", operator = "add", input = ["input", "project"], output = [24, 56, 56] },
          { name = "down", operator = "convolution", channels = 32, kernel = [3, 1], stride = [2, 1], padding = [1, 0] },
          { name = "both", operator = "concatenate", input = ["down", "down"] },
          { name = "up", operator = "resize", factor = [2, 1] },
        ]
        "#,
    );
    let plane = 56 * 56;
    assert_eq!(block.macs(), plane * (24 * 144 + 144 * 9 + 144 * 24) + 28 * 56 * 24 * 32 * 3);
    assert_eq!(block.parameters(), 24 * 144 + 144 * 9 + 144 * 24 + 24 * 32 * 3);
    let last = block.layers.last().expect("a layer").output().expect("a shape");
    assert_eq!(last, Shape { channels: 64, height: 56, width: 56 });
}

/// One encoder layer and an LSTM: products and parameters as textbooks count them.
#[test]
fn sequences_have_their_textbook_counts() {
    let sequence = model(
        r#"
        source = "textbook"
        input = [64, 10, 1]
        layer = [
          { name = "attention", operator = "attention", heads = 4 },
          { name = "norm", operator = "layer-norm" },
          { name = "lstm", operator = "lstm", hidden = 32 },
          { name = "gru", operator = "gru", hidden = 16, bidirectional = true },
        ]
        "#,
    );
    let attention = 4 * 10 * 64 * 64 + 2 * 10 * 10 * 64;
    let lstm = 10 * 4 * 32 * (64 + 32);
    let gru = 2 * 10 * 3 * 16 * (32 + 16);
    assert_eq!(sequence.macs(), attention + lstm + gru);
    assert_eq!(sequence.parameters(), 4 * 64 * 64 + 2 * 64 + 4 * 32 * (64 + 32) + 2 * 3 * 16 * (32 + 16));
    assert_eq!(sequence.layers[3].output().expect("a shape").channels, 32);
}

#[test]
fn shapes_that_do_not_chain_are_all_reported() {
    let found = problems(
        r#"
        source = "a test"
        input = [3, 8, 8]
        layer = [
          { name = "a", operator = "convolution", channels = 8, kernel = 9 },
          { name = "b", operator = "convolution", input = "input", channels = 8, kernel = 3, groups = 2 },
          { name = "c", operator = "convolution", input = "input", channels = 8, kernel = 3, output = [8, 8, 8] },
          { name = "d", operator = "add", input = ["input", "c"] },
          { name = "e", operator = "fully-connected", input = "c", features = 10 },
          { name = "f", operator = "max-pool", input = "cc", kernel = 2 },
        ]
        "#,
    );
    assert_eq!(found.len(), 6, "{found:#?}");
}

/// Slips that once gave a smaller model, or another one, without a word.
#[test]
fn inputs_that_name_too_little_are_refused() {
    let graph = |layer: &str| format!("source = \"a test\"\ninput = [8, 4, 4]\nlayer = [ {layer} ]\n");
    for layer in [
        r#"{ name = "a", operator = "activation", input = [] }"#,
        r#"{ name = "a", operator = "add" }"#,
        r#"{ name = "a", operator = "concatenate", input = ["input"] }"#,
        r#"{ name = "a", operator = "resize", factor = 1024 }, { name = "b", operator = "resize", factor = 2 },
           { name = "c", operator = "tokens" }"#,
    ] {
        assert_eq!(problems(&graph(layer)).len(), 1, "{layer}");
    }
}

/// The limit of a layer holds for all its kernels together: every phase of this one is within it.
#[test]
fn phases_together_stay_within_the_limit() {
    let convolution = Convolution {
        input: Shape { channels: 256, height: 131_072, width: 131_072 },
        output_channels: 256,
        kernel: [64, 64],
        stride: [64, 64],
        padding: [0, 0].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        transposed: true,
    };
    assert!(matches!(nests(convolution), Err(ShapeError::TooLarge { .. })));
}

fn table(text: &str) -> (Vec<Layer>, Vec<String>) {
    let mut layers = Vec::new();
    let problems =
        read_layer_table(&Source::new("t.csv", text), Legality::Strict, |row| layers.push(row.layer));
    (layers, problems.iter().map(|problem| problem.message().to_owned()).collect())
}

#[test]
fn blank_cells_and_heads_of_a_table_have_their_defaults() {
    let (layers, found) = table("K,C,R,S,Y,X,type,layer_name,,\n2,3,1,1,4,4,,,,\n");
    assert_eq!(found, Vec::<String>::new());
    assert_eq!((layers[0].name.as_str(), layers[0].macs()), ("layer0", Ok(96)));
    let (layers, found) = table("K,C,R,S,Y,X,type,groups\n1,8,3,3,5,5,DSCONV,4\n");
    assert_eq!((layers.len(), found.len()), (0, 1), "groups contradict the type");
}

/// The reference mode reads Y, every other mode the extent of the source network.
#[test]
fn real_extents_replace_published_ones() {
    let (layers, found) = table("K,C,R,S,Y,X,real_y\n10,64,1,1,64,1,1\n10,64,1,1,64,1,\n");
    assert_eq!(found, Vec::<String>::new());
    assert_eq!((layers[0].macs(), layers[1].macs()), (Ok(640), Ok(640 * 64)));
    assert!(layers.iter().all(|layer| layer.published.is_some_and(|row| row.y == 64)));
}

fn convolution(axis: (u32, u32, u32, u32), transposed: bool) -> Convolution {
    let (input, kernel, stride, padding) = axis;
    Convolution {
        input: Shape { channels: 1, height: input, width: 1 },
        output_channels: 1,
        kernel: [kernel, 1],
        stride: [stride, 1],
        padding: [padding, 0].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        transposed,
    }
}

fn nests(convolution: Convolution) -> Result<Vec<Nest>, ShapeError> {
    let layer = Layer::new("t", Operator::Convolution(convolution));
    let nest = |Repeated { kernel, .. }| match kernel {
        Kernel::Nest(nest) => nest,
        Kernel::Vector(_) => panic!("a convolution lowers to nests"),
    };
    Ok(layer.kernels()?.into_iter().map(nest).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// The phases of a transposed convolution together read, for every output, exactly the inputs
    /// that its definition `out[i * stride + r - padding] += in[i] * w[r]` does.
    #[test]
    fn phases_of_a_transposed_convolution_cover_its_definition(
        input in 1_u32..12, kernel in 1_u32..8, stride in 1_u32..5, padding in 0_u32..7,
    ) {
        let convolution = convolution((input, kernel, stride, padding), true);
        let (Ok(nests), Ok(output)) = (nests(convolution), convolution.output()) else { return Ok(()) };
        // How many inputs each output reads, by definition and phase by phase; outputs that read
        // none are no work.
        let mut defined = vec![0; output.height as usize];
        for i in 0..input {
            for r in 0..kernel {
                let y = (i * stride + r).checked_sub(padding).map(|y| y as usize);
                if let Some(reads) = y.and_then(|y| defined.get_mut(y)) {
                    *reads += 1;
                }
            }
        }
        let mut phased = Vec::new();
        for nest in &nests {
            prop_assert_eq!(nest.stride, [1, 1]);
            for y in 0..nest.output[0] {
                let inside = |r: &u32| {
                    let at = i64::from(y + r) - i64::from(nest.padding[0]);
                    (0..i64::from(nest.input[0])).contains(&at)
                };
                phased.push((0..nest.filter[0]).filter(inside).count());
            }
        }
        for reads in [&mut defined, &mut phased] {
            reads.retain(|reads| *reads > 0);
            reads.sort_unstable();
        }
        prop_assert_eq!(phased, defined);
    }

    /// Output extents equal what sliding the window by hand gives.
    #[test]
    fn windows_fit_as_often_as_they_can(
        input in 1_u32..20, kernel in 1_u32..8, stride in 1_u32..5, padding in 0_u32..4,
    ) {
        let convolution = convolution((input, kernel, stride, padding), false);
        let positions = (0..).map(|y| y * stride).take_while(|start| start + kernel <= input + 2 * padding);
        let count = positions.count();
        match convolution.output() {
            Ok(output) => prop_assert_eq!(output.height as usize, count),
            Err(_) => prop_assert_eq!(count, 0),
        }
    }
}
