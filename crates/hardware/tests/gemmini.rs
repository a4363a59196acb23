//! The gemmini cost model against sums by hand, its properties over tiles, platforms that divide it, and bad input.
//!
//! What the published program predicts is compared in `crates/reference/tests/moca_gemmini.rs`.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use rtmm_hardware::gemmini::{Gemmini, GemminiParameters, MemoryTime, Split};
use rtmm_hardware::{
    Condition, CostError, CostModel, CostTable, DRAM, Decoded, Explainer, Indivisible, LayerOf, Mode,
    Platform, Quantity, SHARED_CACHE, Surroundings, Work, load,
};
use rtmm_workload::input::{Diagnostics, Source};
use rtmm_workload::load::{Kind, built_in_names, model};
use rtmm_workload::{
    Attention, Convolution, Duration, Elementwise, Gemm, Layer, Legality, Model, Operator, Shape,
};

/// A cycle of 1000 picoseconds.
const CLOCK_HZ: u64 = 1_000_000_000;

fn gemmini(keys: &str) -> Decoded {
    let text = format!("{{ model = \"gemmini\", {keys} }}");
    load::accelerator(&text, CLOCK_HZ, Mode::Corrected).unwrap_or_else(|problems| panic!("{problems}"))
}

fn tiles(parameters: GemminiParameters, mode: Mode) -> Gemmini {
    Gemmini::new(parameters, Surroundings::new(CLOCK_HZ, mode)).expect("tiles")
}

fn layer(operator: Operator) -> Layer {
    Layer::new("layer", operator)
}

fn gemm(rows: u32, inner: u32, columns: u32) -> Layer {
    layer(Operator::Gemm(Gemm { rows, inner, columns }))
}

/// A convolution of 3 x 3 with padding 1.
fn convolution(channels: u32, output_channels: u32, plane: u32, stride: u32, groups: u32) -> Layer {
    layer(Operator::Convolution(Convolution {
        input: Shape { channels, height: plane, width: plane },
        output_channels,
        kernel: [3, 3],
        stride: [stride, stride],
        padding: [1, 1].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups,
        transposed: false,
    }))
}

fn work(model: &dyn CostModel, layer: &Layer) -> Work {
    model.work(LayerOf::from(layer), Condition::Profile).expect("a cost")
}

fn cost(keys: &str, layer: &Layer) -> Work {
    work(gemmini(keys).cost_model.as_ref(), layer)
}

fn cycles(cycles: u64) -> Duration {
    Duration::from_picoseconds(cycles * 1_000)
}

/// Rows at the cache and at DRAM.
fn rows(work: &Work) -> [u64; 2] {
    [work.traffic[SHARED_CACHE] / 16, work.traffic[DRAM] / 16]
}

/// One tile holds all of it: 324 + 288 rows of scratchpad, 512 of accumulator. It loads 16 x 16 rows of input, 2 x 9 x 16 of
/// weights, 8 x 16 of bias, and stores 512. From DRAM come 288 + 512, and 8 of bias.
#[test]
fn a_convolution_worked_out_by_hand() {
    let hand = convolution(16, 32, 16, 1, 1);
    let one = cost("tiles = 1", &hand);
    assert_eq!(rows(&one), [256 + 288 + 128 + 512, 288 + 512 + 8]);
    assert_eq!((one.compute, one.transfer, one.exposed), (cycles(4_608), cycles(1_184), cycles(592)));
    assert_eq!(one.quanta, 1);
    // The input comes from DRAM where nothing is left in the cache, or the cache does not hold all of it twice.
    assert_eq!(rows(&cost("tiles = 1, input = \"dram\"", &hand))[1], 808 + 256);
    let twice = (2 * 808 + 256) * 16;
    assert_eq!(rows(&cost(&format!("tiles = 1, cache_bytes = {twice}"), &hand))[1], 808);
    assert_eq!(rows(&cost(&format!("tiles = 1, cache_bytes = {}", twice - 16), &hand))[1], 1_064);
    // Two tiles with a half each: 592 cycles at the cache are fewer than 808 at DRAM.
    let two = cost("tiles = 2, overlap_factor = 0.25", &hand);
    assert_eq!((two.compute, two.transfer, two.exposed), (cycles(2_304), cycles(808), cycles(202)));
    // One after the other: 808 cycles at DRAM, and half of the other 376 rows.
    assert_eq!(cost("tiles = 2, memory = \"sum\"", &hand).transfer, cycles(808 + 188));
    assert_eq!(cost("tiles = 2, tile_bandwidth = 4", &hand).transfer, cycles(4 * 592));
    assert_eq!(cost("tiles = 2, dram_bandwidth = 1.6", &hand).transfer, cycles(8_080));
    // Each tile has 8 rows of outputs, and loads 10 of input: 160 + 288 + 64, and stores 256.
    let shares = cost("tiles = 2, split = \"shares\"", &hand);
    assert_eq!((rows(&shares)[0], shares.compute), (2 * (160 + 288 + 64 + 256), cycles(2_304)));
    // Sixteen rows for three tiles: output channels are divided instead, 11 each.
    let three = cost("tiles = 3, split = \"shares\"", &hand);
    assert_eq!((rows(&three)[0], three.compute), (3 * (256 + 11 * 9 + 64 + 256), cycles(256 * 9)));
}

/// Four blocks in each direction. Inputs, weights and outputs are 256 rows each; bias 16 x 4 that are loaded, 4 x 4 from DRAM.
#[test]
fn products_worked_out_by_hand() {
    let one = cost("tiles = 1", &gemm(64, 64, 64));
    assert_eq!(rows(&one), [3 * 256 + 64, 2 * 256 + 16]);
    assert_eq!((one.compute, one.transfer, one.exposed), (cycles(1_024), cycles(832), cycles(416)));
    let shares = cost("tiles = 4, split = \"shares\"", &gemm(64, 64, 64));
    assert_eq!((rows(&shares)[0], shares.compute), (4 * (64 + 256 + 16 + 64), cycles(256)));
    // One row: as many cycles as rows of input, weights and bias.
    let thin = cost("tiles = 1", &gemm(1, 64, 64));
    assert_eq!((thin.compute, rows(&thin)), (cycles(4 + 256 + 16), [4 + 256 + 16 + 4, 256 + 4 + 16]));
    // Fewer channels than the array has columns take as long.
    assert_eq!(cost("tiles = 1", &gemm(64, 64, 32)).compute, cycles(512));
    assert_eq!(cost("tiles = 1, dim = 32", &gemm(64, 64, 33)).compute, cycles(64 * 64 * 33 / 1_024));
    assert_eq!(cost("tiles = 1", &gemm(64, 8, 64)).compute, cycles(256));
}

/// Weights of 4096 x 4096 do not fit the cache: half of them are read again for each group of 80 rows.
#[test]
fn what_the_cache_does_not_hold_is_read_again() {
    let large = gemm(160, 4_096, 4_096);
    let (input, weights, output) = (160 * 256, 4_096 * 256, 160 * 256);
    let bias = 256 * 4 * 2;
    assert_eq!(rows(&cost("tiles = 1", &large))[1], bias + weights + output + input + weights / 2);
    assert_eq!(rows(&cost("tiles = 1, cache_bytes = 100_000_000", &large))[1], bias + weights + output);
}

#[test]
fn groups_run_in_turn_and_tensors_lie_side_by_side() {
    let (depthwise, single) = (convolution(32, 32, 16, 1, 32), convolution(1, 1, 16, 1, 1));
    let (all, one) = (cost("tiles = 1", &depthwise), cost("tiles = 1", &single));
    assert_eq!((all.compute, one.compute), (cycles(32 * 2_304), cycles(2_304)));
    assert_eq!((rows(&all)[0], all.quanta), (32 * rows(&one)[0], 32));
    // Off chip the channels of 16 groups share a row.
    assert_eq!(rows(&all)[1], 2 * rows(&one)[1]);
    // Whole groups are shares.
    let shares = cost("tiles = 3, split = \"shares\"", &depthwise);
    assert_eq!((shares.compute, shares.quanta), (cycles(11 * 2_304), 11));
}

/// The sum of two tensors of 3136 x 256: their 50,176 rows, three times at DRAM and once more by each tile for its part.
#[test]
fn a_sum_of_residuals_is_memory_alone() {
    let output = Shape { channels: 256, height: 56, width: 56 };
    let sum = layer(Operator::Elementwise(Elementwise {
        output,
        elements_in: 2 * output.elements(),
        operations: 1,
    }));
    let two = cost("tiles = 2", &sum);
    assert_eq!(two.latency(), cycles(3 * 50_176 + 3 * 50_176 / 2));
    assert_eq!(rows(&two), [3 * 50_176, 3 * 50_176]);
}

#[test]
fn energy_is_counts_times_keys() {
    let hand = convolution(16, 32, 16, 1, 1);
    let keys =
        "tiles = 1, mac_pj = 1, scratchpad_pj = 10, cache_pj = 100, dram_pj = 1000, static_pj_per_cycle = 2";
    let energy = cost(keys, &hand).energy;
    let macs = 1_179_648.0;
    assert_eq!((energy.mac, energy.l1), (macs, 10.0 * (macs / 16.0 * 5.0 + 288.0 * 16.0)));
    assert_eq!((energy.l2, energy.dram, energy.static_energy), (1_894_400.0, 12_928_000.0, 10_400.0));
}

#[test]
fn the_account_adds_up() {
    let attention = layer(Operator::Attention(Attention { embedding: 64, heads: 4, queries: 40, keys: 50 }));
    let model = gemmini("tiles = 2").cost_model;
    let explainer = Explainer::of(model.as_ref());
    let mut values = Vec::new();
    explainer.report((&attention).into(), &mut values).expect("a cost");
    let values: BTreeMap<&str, Quantity> = explainer.columns().iter().copied().zip(values).collect();
    let cost = work(model.as_ref(), &attention);
    assert_eq!(values["latency_ps"], Quantity::Integer(cost.latency().picoseconds()));
    assert_eq!(values["cache_bytes"], Quantity::Integer(cost.traffic[SHARED_CACHE]));
    assert_eq!(values["energy_pj_total"], Quantity::Real(cost.energy.total()));
    let sections = explainer.explanation((&attention).into()).expect("an account").sections;
    let dram: u64 = sections[1].rows.iter().map(|row| row[5].parse::<u64>().expect("rows")).sum();
    let vector: u64 = sections[4].rows.iter().map(|row| row[3].parse::<u64>().expect("elements")).sum();
    assert_eq!(16 * dram + vector, cost.traffic[DRAM]);
}

fn shapes() -> impl Strategy<Value = Layer> {
    let conv = (1_u32..300, 1_u32..300, 4_u32..60, 1_u32..4, any::<bool>()).prop_map(
        |(channels, outputs, plane, stride, is_depthwise)| match is_depthwise {
            true => convolution(channels, channels, plane, stride, channels),
            false => convolution(channels, outputs, plane, stride, 1),
        },
    );
    let product = (1_u32..2_000, 1_u32..2_000, 1_u32..2_000)
        .prop_map(|(rows, inner, columns)| gemm(rows, inner, columns));
    prop_oneof![conv, product]
}

proptest! {
    #![proptest_config(rtmm_testkit::cases::config(200))]

    /// An even division never takes longer on more tiles, moves the same, and is bounded by its parts.
    #[test]
    fn more_tiles_never_take_longer(layer in shapes(), fewer in 1_u32..16, more in 0_u32..16) {
        let on = |count| {
            let parameters = GemminiParameters { tiles: count, ..GemminiParameters::default() };
            work(&tiles(parameters, Mode::Corrected), &layer)
        };
        let (few, many) = (on(fewer), on(fewer + more));
        prop_assert!(many.latency() <= few.latency() && many.quanta <= few.quanta);
        prop_assert_eq!(few.traffic, many.traffic);
        let (one, sum) = (on(1), few.compute.saturating_add(few.transfer));
        prop_assert!(few.latency() <= sum && few.compute <= one.compute);
    }

    /// What each tile tiles by itself is at least as much traffic as whole tensors, whatever the memories.
    #[test]
    fn every_layer_fits_any_memories(
        layer in shapes(), count in 1_u32..9, dim in 4_u32..40, scratchpad in 4_u64..200, accumulator in 8_u64..100,
    ) {
        let square = u64::from(dim * dim);
        for split in [Split::Even, Split::Shares] {
            let parameters = GemminiParameters {
                dim,
                tiles: count,
                split,
                memory: MemoryTime::Sum,
                scratchpad_bytes: scratchpad * square,
                accumulator_bytes: accumulator * square,
                ..GemminiParameters::default()
            };
            let cost = work(&tiles(parameters, Mode::Corrected), &layer);
            prop_assert!(cost.traffic[SHARED_CACHE] > 0 && cost.traffic[DRAM] > 0 && cost.quanta > 0);
            prop_assert!(!cost.compute.is_zero() && cost.latency() >= cost.compute);
        }
    }
}

#[test]
fn a_part_is_a_chip_of_fewer_tiles_with_the_same_memory() {
    let whole = gemmini("tiles = 8, static_pj_per_cycle = 80");
    let part = whole.cost_model.part(2, 8).expect("a part");
    let stated = gemmini("tiles = 2, static_pj_per_cycle = 20");
    assert_eq!(
        (part.label.as_str(), part.cost_model.identity()),
        ("gemmini 2x16x16", stated.cost_model.identity())
    );
    assert_eq!(whole.cost_model.part(3, 4).expect("a part").label, "gemmini 6x16x16");
    assert_eq!(whole.cost_model.part(8, 8).expect("all").cost_model.identity(), whole.cost_model.identity());
    let indivisible = |units, of| whole.cost_model.part(units, of).expect_err("no part");
    assert_eq!(indivisible(1, 5), Indivisible::Uneven { what: "tiles", count: 8, units: 5 });
    assert_eq!(indivisible(1, 0), Indivisible::Uneven { what: "tiles", count: 8, units: 0 });
    assert_eq!(indivisible(0, 8), Indivisible::Nothing { key: "tiles", units: 0, of: 8 });
    let few_lanes = gemmini("tiles = 8, vector_lanes = 4").cost_model;
    let nothing = Indivisible::Nothing { key: "vector_lanes", units: 1, of: 8 };
    assert_eq!(few_lanes.part(1, 8).expect_err("no part"), nothing);
}

fn problem(keys: &str) -> String {
    let text = format!("{{ model = \"gemmini\", {keys} }}");
    let problems = load::accelerator(&text, CLOCK_HZ, Mode::Corrected).expect_err("a problem");
    problems.render(false)
}

#[test]
fn bad_keys_are_reported() {
    for (keys, message, help) in [
        ("tiles = 0", "`tiles` is out of range", "1 to 64"),
        ("tiles = 65", "`tiles` is out of range", "1 to 64"),
        ("dim = 0", "`dim` is out of range", "4 to 256"),
        ("dram_bandwidth = 0", "`dram_bandwidth`", "0.000001"),
        ("tile_bandwidth = 0", "`tile_bandwidth`", "0.000001"),
        ("overlap_factor = 1.5", "`overlap_factor`", "0 to 1"),
        ("split = \"odd\"", "`odd`", "even"),
        ("scratchpad_bytes = 1023", "16 x 16 needs 1024 bytes", "a larger `scratchpad_bytes`"),
        ("accumulator_bytes = 2047", "16 x 16 needs 2048 bytes", "a larger `accumulator_bytes`"),
        ("dim = 256", "256 x 256 needs 262144 bytes", "or a smaller `dim`"),
    ] {
        let found = problem(keys);
        assert!(found.contains(message) && found.contains(help), "{keys}: {found}");
        assert_eq!(found.matches("error").count(), 1, "{keys}: {found}");
    }
    insta::assert_snapshot!(problem("scratchpad_bytes = 512"), @r#"
    error: `scratchpad_bytes` is 512, but an array of 16 x 16 needs 1024 bytes
     --> --accelerator:1:55
      |
    1 | accelerator = { model = "gemmini", scratchpad_bytes = 512 }
      |                                                       ^^^
      |
      = help: state a larger `scratchpad_bytes`, or a smaller `dim`
    "#);
}

fn platform_of(keys: &str) -> Result<Platform, Diagnostics> {
    let text = format!(
        "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"gemmini\"\ntiles = 8\n{keys}\n"
    );
    load::platform_of(&Source::new("test.toml", text), Mode::Corrected)
}

#[test]
fn more_groups_than_tiles_are_refused() {
    let found = platform_of("division = { units = 16 }").expect_err("a problem").render(false);
    assert!(
        found.contains("8 tiles cannot be divided into 16 equal units") && found.contains("2, 4, 8"),
        "{found}"
    );
    let pairs = platform_of("division = { units = 4 }").expect("a platform");
    let labels: Vec<&str> = pairs.configurations.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["gemmini 8x16x16", "gemmini 2x16x16", "gemmini 4x16x16", "gemmini 6x16x16"]);
}

#[test]
fn what_has_no_cost_says_why() {
    let default = || tiles(GemminiParameters::default(), Mode::Corrected);
    let refused =
        |model: &Gemmini, layer: &Layer| model.work(layer.into(), Condition::Profile).expect_err("no cost");
    assert!(matches!(refused(&default(), &gemm(0, 1, 1)), CostError::Shape(_)));
    assert!(matches!(refused(&default(), &convolution(16, 16, 16, 0, 1)), CostError::Shape(_)));
    // The runtime reserves a whole stride for each output, which no tile of a hundred has.
    let strided = convolution(16, 16, 200, 100, 1);
    assert!(default().work((&strided).into(), Condition::Profile).is_ok());
    let error = refused(&tiles(GemminiParameters::default(), Mode::Reference), &strided).to_string();
    assert!(error.starts_with("the scratchpad buffer of 131072 bytes is too small"), "{error}");
    // The rule of the runtime for three channels ends where memories are small.
    let small = GemminiParameters {
        scratchpad_bytes: 1_024,
        accumulator_bytes: 2_048,
        ..GemminiParameters::default()
    };
    let first = layer(Operator::Convolution(Convolution {
        input: Shape { channels: 3, height: 40, width: 40 },
        output_channels: 200,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [0, 0].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        transposed: false,
    }));
    assert!(tiles(small, Mode::Reference).work((&first).into(), Condition::Profile).is_ok());
    // The largest layers stay within 64 bits, or say so.
    for large in [gemm(1 << 24, 1 << 24, 4), gemm(4, 1 << 24, 1 << 24), gemm(1 << 24, 4, 1 << 24)] {
        assert!(default().work((&large).into(), Condition::Profile).is_ok());
    }
    let surroundings = Surroundings::new(1_000, Mode::Corrected);
    let slow = Gemmini::new(GemminiParameters::default(), surroundings.clone()).expect("tiles");
    let error = refused(&slow, &gemm(1 << 24, 1 << 24, 4)).to_string();
    assert!(error.ends_with("leave the range of 64 bits"), "{error}");
    for parameters in [
        GemminiParameters { dim: 0, ..GemminiParameters::default() },
        GemminiParameters { tiles: 0, ..GemminiParameters::default() },
        GemminiParameters { dram_bandwidth_millionths: 0, ..GemminiParameters::default() },
        GemminiParameters { scratchpad_bytes: 1_023, ..GemminiParameters::default() },
    ] {
        assert!(Gemmini::new(parameters, surroundings.clone()).is_none());
    }
}

#[test]
fn built_in_chips_run_every_layer_on_any_number_of_tiles() {
    let models: Vec<Model> = built_in_names(Kind::Model)
        .into_iter()
        .filter(|name| name.starts_with("xrbench/") || name.starts_with("dream/"))
        .map(|name| model(&name, None, Legality::Strict).expect("built in"))
        .collect();
    for (name, sharing) in [
        ("soc_8_tiles", "max-min"),
        ("soc_8_tiles_static", "static"),
        ("soc_8_tiles_capped", "capped"),
        ("soc_8_tiles_throttled", "throttle"),
    ] {
        let platform = load::platform(&format!("moca/{name}"), None, Mode::Corrected).expect("built in");
        assert_eq!((platform.accelerators[0].units(), platform.configurations.len()), (8, 8));
        assert_eq!(platform.shared_dram.map(|dram| dram.sharing.name()), Some(sharing));
        let defaults = gemmini("tiles = 8").cost_model.identity();
        assert_eq!(platform.configurations[0].cost_model.identity(), defaults);
        assert!(CostTable::new(&platform, &models).is_ok(), "{name}");
    }
}
