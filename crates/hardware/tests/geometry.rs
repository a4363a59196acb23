//! What every cost model makes of padding by side, output padding, dilation and batches.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use rtmm_hardware::eyeriss_v2::{Operands, Organisation, cost};
use rtmm_hardware::{
    Condition, CostError, CostModel, CostTable, DRAM, Decoded, Explainer, LayerOf, Mode, Quantity, Work, load,
};
use rtmm_workload::input::Source;
use rtmm_workload::{Duration, Layer, Legality, Model, ModelId, Padding};
use rtmm_workload::{Operator, load as workload};

/// An accelerator of each cost model that knows shapes.
const ACCELERATORS: [&str; 8] = [
    r#"{ model = "systolic", dataflow = "os", rows = 8, cols = 8, dram_bandwidth = 4 }"#,
    r#"{ model = "systolic", dataflow = "is", rows = 8, cols = 8, dram_bandwidth = 4 }"#,
    r#"{ model = "fission", dataflow = "ws", subarrays = 4, rows = 8, cols = 8, dram_bandwidth = 4 }"#,
    r#"{ model = "maestro", dataflow = "WS", pes = 256, noc_bandwidth = 16 }"#,
    r#"{ model = "maestro", dataflow = "OS", pes = 256, noc_bandwidth = 16 }"#,
    r#"{ model = "gemmini" }"#,
    r#"{ model = "eyeriss_v2" }"#,
    r#"{ model = "sanger" }"#,
];

fn accelerator(text: &str, mode: Mode) -> Decoded {
    load::accelerator(text, load::DEFAULT_CLOCK_HZ, mode).unwrap_or_else(|problems| panic!("{problems}"))
}

fn model(input: [u32; 3], layers: &str) -> Model {
    let text = format!("source = \"a test\"\ninput = {input:?}\nlayer = [{layers}]");
    workload::model_of(&Source::new("model.toml", text), Legality::Strict).expect("a sound model")
}

fn only(input: [u32; 3], layer: &str) -> Layer {
    model(input, &format!("{{ name = \"l\", {layer} }}")).layers.remove(0)
}

fn work(model: &dyn CostModel, layer: &Layer) -> Result<Work, CostError> {
    model.work(LayerOf::from(layer), Condition::Profile)
}

fn report(text: &str, layer: &Layer) -> BTreeMap<&'static str, f64> {
    let model = accelerator(text, Mode::Corrected).cost_model;
    let explainer = Explainer::of(model.as_ref());
    let mut values = Vec::new();
    explainer.report(layer.into(), &mut values).expect("a cost");
    let number = |value| match value {
        Quantity::Integer(value) => value as f64,
        Quantity::Real(value) => value,
    };
    explainer.columns().iter().copied().zip(values.into_iter().map(number)).collect()
}

/// Columns 0, 2, 4, 6 and 8 of 9: 5 inputs, 3 weights and 3 outputs; the first fold waits for 8 bytes and takes 9 cycles, and
/// 3 bytes leave.
#[test]
fn what_lies_between_the_taps_of_a_dilated_filter_is_not_fetched() {
    let layer = only(
        [1, 1, 9],
        r#"operator = "convolution", channels = 1, kernel = [1, 3], stride = [1, 2], dilation = [1, 2]"#,
    );
    let systolic =
        report(r#"{ model = "systolic", dataflow = "os", rows = 4, cols = 4, dram_bandwidth = 1 }"#, &layer);
    let counts = ["dram_ifmap_words", "dram_bytes", "total_cycles"].map(|column| systolic[column]);
    assert_eq!(counts, [5.0, 11.0, 8.0 + 9.0 + 3.0]);
    let fission =
        r#"{ model = "fission", dataflow = "os", subarrays = 1, rows = 4, cols = 4, dram_bandwidth = 1 }"#;
    assert_eq!(report(fission, &layer)["total_cycles"], 20.0);
    // As the tiled nest of the maestro model counts them.
    let maestro = accelerator(
        r#"{ model = "maestro", dataflow = "WS", pes = 256, noc_bandwidth = 1 }"#,
        Mode::Corrected,
    );
    assert_eq!(work(maestro.cost_model.as_ref(), &layer).expect("a cost").traffic[DRAM], 5 + 3 + 3);
}

/// 11 bytes at 0.3 bytes a cycle are 36.7 cycles.
#[test]
fn every_model_takes_parts_of_a_byte_a_cycle() {
    let layer = only(
        [1, 1, 9],
        r#"operator = "convolution", channels = 1, kernel = [1, 3], stride = [1, 2], dilation = [1, 2]"#,
    );
    let maestro = |bandwidth: &str| {
        format!(
            r#"{{ model = "maestro", dataflow = "WS", pes = 256, noc_bandwidth = 16, dram_bandwidth = {bandwidth} }}"#
        )
    };
    let cycles = |bandwidth: &str| report(&maestro(bandwidth), &layer)["dram_cycles"];
    assert_eq!(["11", "1", "0.3", "12.8", "0.000001"].map(cycles), [1.0, 11.0, 37.0, 1.0, 11e6]);
    // A whole number is the same however it is written, and has the identity that it always had.
    let identity = |bandwidth: &str| accelerator(&maestro(bandwidth), Mode::Corrected).cost_model.identity();
    assert_eq!(identity("12.0"), identity("12"));
    assert!(
        identity("12").contains("[12,") && identity("12.8").contains("[\"12.8\","),
        "{}",
        identity("12.8")
    );
    // A quarter of 10 bytes a cycle is 2.5: 11 bytes take 5 cycles.
    let whole = accelerator(&maestro("10").replace("256,", "1024,"), Mode::Corrected);
    let quarter = whole.cost_model.part(1, 4).expect("a part");
    assert_eq!(
        work(quarter.cost_model.as_ref(), &layer).expect("a cost").transfer,
        Duration::from_picoseconds(5_000)
    );
}

/// SCALE-Sim's AlexNet, first layer, sixteen images: 48,400 rows in 1,513 folds, 3 columns of folds, 425 cycles a fold.
#[test]
fn a_batch_on_a_systolic_array_is_rows_of_its_products() {
    let layer = only(
        [3, 227, 227],
        r#"operator = "convolution", channels = 96, kernel = 11, stride = 4, output = [96, 55, 55], batch = 16"#,
    );
    let counts = report(r#"{ model = "systolic", dataflow = "os", rows = 32, cols = 32 }"#, &layer);
    assert_eq!(counts["total_cycles"], 1_929_075.0);
}

/// Of a matrix product, a batch of `n` is `n` times the rows, on whatever multiplies matrices.
#[test]
fn a_batch_of_a_product_is_more_of_its_rows() {
    let keys = r#"operator = "fully-connected", features = 40"#;
    let (batch, rows) = (only([70, 6, 1], &format!("{keys}, batch = 5")), only([70, 30, 1], keys));
    for text in ACCELERATORS.iter().filter(|text| !text.contains("maestro") && !text.contains("eyeriss")) {
        let model = accelerator(text, Mode::Corrected).cost_model;
        assert_eq!(work(model.as_ref(), &batch), work(model.as_ref(), &rows), "{text}");
    }
}

/// The sparse models know no reuse between inputs: all that they count is once more for each.
#[test]
fn a_batch_of_the_sparse_models_is_one_input_after_the_other() {
    let keys = r#"operator = "convolution", channels = 12, kernel = 3, padding = [[2, 0], [0, 5]]"#;
    let (one, many) = (only([6, 9, 7], keys), only([6, 9, 7], &format!("{keys}, batch = 4")));
    let counts = |layer: &Layer| {
        let kernels = layer.kernels().expect("sound");
        let nest = kernels[0].kernel.nest().expect("a nest");
        let operands = Operands::Density { weights: 0.5, activations: 1.0 };
        let cost = cost(&Organisation::default(), nest, operands, Mode::Corrected).expect("a cost");
        [cost.dense_macs, cost.valid_macs, cost.rows, cost.activation_checks, cost.row_cycles]
    };
    assert_eq!(counts(&one).map(|count| 4 * count), counts(&many));
    let attention = r#"operator = "attention", heads = 4"#;
    let layers = [
        (r#"{ model = "eyeriss_v2" }"#, one, many),
        (
            r#"{ model = "sanger", attention_sparsity = 0.7 }"#,
            only([64, 50, 1], attention),
            only([64, 50, 1], &format!("{attention}, batch = 4")),
        ),
    ];
    for (text, one, many) in layers {
        let model = accelerator(text, Mode::Corrected).cost_model;
        let [one, many] = [one, many].map(|layer| work(model.as_ref(), &layer).expect("a cost"));
        assert_eq!(4 * one.quanta, many.quanta, "{text}");
        assert!((4.0 * one.energy.mac / many.energy.mac - 1.0).abs() < 1e-12, "{text}");
        let (one, many) = (4 * one.compute.picoseconds(), many.compute.picoseconds());
        // Rounded once more for each input: to a cycle, or to a picosecond.
        assert!(many <= one + 2 && one < many + 4_000, "{text}: {one} {many}");
    }
}

/// A stack of shapes that no file could state before has a cost everywhere, and more inputs cost more.
#[test]
fn every_cost_model_takes_every_shape() {
    for layer in [
        r#"operator = "convolution", channels = 12, kernel = 1, padding = 1"#,
        r#"operator = "convolution", channels = 12, kernel = 1, padding = [[0, 1], 0]"#,
        r#"operator = "convolution", channels = 12, kernel = 4, padding = [[1, 2], [1, 2]]"#,
        r#"operator = "convolution", channels = 12, kernel = 3, stride = 2, padding = [[0, 1], [0, 9]], dilation = 2"#,
        // No output sees the input.
        r#"operator = "convolution", channels = 12, kernel = 1, stride = 40, padding = [[20, 19], 20]"#,
        r#"operator = "transposed-convolution", channels = 12, kernel = 3, stride = 2, padding = 1, output_padding = 1"#,
        r#"operator = "transposed-convolution", channels = 12, kernel = 1, stride = 3, padding = [[1, 17], [1, 17]]"#,
        r#"operator = "max-pool", kernel = 2, padding = [[2, 3], [0, 5]]"#,
    ] {
        let layers = [1, 3].map(|batch| only([6, 7, 7], &format!("{layer}, batch = {batch}")));
        for text in ACCELERATORS {
            let model = accelerator(text, Mode::Corrected).cost_model;
            let [one, many] = layers.each_ref().map(|layer| work(model.as_ref(), layer).expect("a cost"));
            assert!(one.latency() <= many.latency(), "{text} {layer}");
            assert!(one.energy.total() <= many.energy.total(), "{text} {layer}");
            let explainer = Explainer::of(model.as_ref());
            let mut values = Vec::new();
            explainer.report(LayerOf::from(&layers[1]), &mut values).expect("a row");
            for value in values {
                assert!(!matches!(value, Quantity::Real(value) if !value.is_finite()), "{text} {layer}");
            }
        }
    }
}

/// Padding that is written into the input costs as many cycles: taps on padding count.
#[test]
fn padding_costs_what_a_larger_input_does() {
    let keys = r#"operator = "convolution", channels = 12, kernel = 3, stride = 2"#;
    let padded = only([6, 7, 7], &format!("{keys}, padding = [[0, 4], [3, 1]]"));
    let larger = only([6, 11, 11], keys);
    for text in &ACCELERATORS[..2] {
        let [padded, larger] = [&padded, &larger].map(|layer| report(text, layer));
        assert_eq!(padded["lines"], larger["lines"], "{text}");
        assert!(padded["dram_bytes"] < larger["dram_bytes"], "{text}");
    }
}

/// Layers that differ in their batch alone are different layers to a table of costs.
#[test]
fn tables_of_costs_know_batches() {
    let model = model(
        [6, 7, 7],
        r#"{ name = "a", operator = "convolution", channels = 6, kernel = 1, batch = 1 },
           { name = "b", operator = "convolution", channels = 6, kernel = 1, batch = 9 }"#,
    );
    let text = "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"systolic\"\ndataflow = \"os\"\n\
                rows = 8\ncols = 8\n";
    let platform = load::platform_of(&Source::new("test", text), Mode::Corrected).expect("a platform");
    let table = CostTable::new(&platform, &[model]).expect("costs");
    let compute = |layer| {
        let configuration = rtmm_hardware::ConfigurationId::new(0);
        table.work(ModelId::new(0), rtmm_workload::LayerId::new(layer), configuration).compute.picoseconds()
    };
    // 7 folds of 20 cycles, and 56.
    assert_eq!((compute(0), compute(1)), (7 * 20_000, 56 * 20_000));
}

/// What a published tool cannot be given has no cost in its mode.
#[test]
fn reference_modes_refuse_what_the_tools_lack() {
    let keys = r#"operator = "convolution", channels = 8, kernel = 3, padding = 1"#;
    let batch = only([8, 8, 8], &format!("{keys}, batch = 2"));
    let mut sided = only([8, 8, 8], keys);
    if let Operator::Convolution(convolution) = &mut sided.operator {
        convolution.padding = Padding { before: [0, 0], after: [2, 2] };
    }
    let attention = only([8, 8, 1], r#"operator = "attention", heads = 2, batch = 2"#);
    for (text, layer, expected) in [
        (ACCELERATORS[3], &batch, "maestro: a batch of 2 in reference mode"),
        (ACCELERATORS[5], &sided, "gemmini: padding that differs from side to side in reference mode"),
        (ACCELERATORS[6], &batch, "eyeriss_v2: a batch of 2 in reference mode"),
        (ACCELERATORS[7], &attention, "sanger: a batch in reference mode"),
    ] {
        let model = accelerator(text, Mode::Reference).cost_model;
        let Err(CostError::Unsupported { model: name, what }) = work(model.as_ref(), layer) else {
            panic!("{text}")
        };
        assert!(format!("{name}: {what}").starts_with(expected), "{name}: {what}");
    }
}
