//! The systolic cost model against SCALE-Sim, against its own oracle, and against bad input.
//!
//! `golden/scalesim.csv.gz`: what SCALE-Sim v3.0.0 (dense, batch 1, one byte an element) reports for
//! layers of its own topology files. Modes `calc` and `user` are full simulations; `compute_only` ran
//! the tool's demand generation without its memory.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use proptest::prelude::*;
use rtmm_hardware::systolic::{
    Array, Bandwidth, Buffers, Dataflow, DramWords, ExactTime, FoldTraffic, MatrixProduct,
};
use rtmm_hardware::{Condition, CostModel, DRAM, Decoded, Explainer, LayerOf, Mode, Quantity, Work, load};
use rtmm_workload::input::Source;
use rtmm_workload::{
    Attention, Convolution, Duration, Elementwise, Gemm, Kernel, Layer, Legality, Nest, Operator, Recurrent,
    Shape, read_layer_table,
};

const GOLDEN: &[u8] = include_bytes!("golden/scalesim.csv.gz");
const LAYER_COLUMNS: [&str; 11] = [
    "topology",
    "layer",
    "layer_index",
    "ifmap_h",
    "ifmap_w",
    "filter_h",
    "filter_w",
    "channels",
    "num_filters",
    "stride_h",
    "stride_w",
];
/// The tool prints utilisations with ten significant digits.
const UTILISATION_TOLERANCE: f64 = 1e-9;

type Row = BTreeMap<String, String>;

fn golden() -> Vec<(Layer, Row)> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(GOLDEN).read_to_string(&mut text).expect("the golden decompresses");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<Row> = reader.deserialize().map(|row| row.expect("a row")).collect();
    // The columns that say what a layer is; a table of layers has no others.
    let table = rows.iter().fold(LAYER_COLUMNS.join(","), |table, row| {
        format!("{table}\n{}", LAYER_COLUMNS.map(|column| row[column].as_str()).join(","))
    });
    let source = Source::new("golden", table);
    let mut layers = Vec::new();
    let problems = read_layer_table(&source, Legality::Strict, |row| layers.push(row.layer));
    assert!(problems.is_empty(), "{problems}");
    assert_eq!((layers.len(), rows.len()), (1_590, 1_590));
    layers.into_iter().zip(rows).collect()
}

/// The first layer of AlexNet in the form of SCALE-Sim: 95 x 3 folds of 425 cycles, and 1,513 x 3 of a batch of 16.
#[test]
fn topologies_have_strides_and_batches() {
    let decoded = systolic("dataflow = \"os\", rows = 32, cols = 32", Mode::Corrected);
    for (names, cells, cycles) in [
        ("stride", "4", 121_125),
        ("Strides,Batch Size", "4,16", 1_929_075),
        ("stride_h,stride_w", "4,4", 121_125),
    ] {
        let header = "layer_name,ifmap_h,ifmap_w,filter_h,filter_w,channels,num_filters";
        let text = format!("{header},{names}\nConv1,224,224,11,11,3,96,{cells}\n");
        let mut layers = Vec::new();
        let problems =
            read_layer_table(&Source::new("table.csv", text), Legality::Strict, |row| layers.push(row.layer));
        assert!(problems.is_empty(), "{problems}");
        let found = &report(decoded.cost_model.as_ref(), &layers[0])["total_cycles"];
        assert_eq!(*found, Quantity::Integer(cycles), "{names}");
    }
}

fn integer(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

fn real(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

#[track_caller]
fn assert_near(value: f64, expected: f64, row: &Row) {
    assert!((value - expected).abs() <= UTILISATION_TOLERANCE * expected, "{value} {expected} {row:?}");
}

fn only_nest(layer: &Layer) -> Nest {
    match layer.kernels().expect("a legal layer").as_slice() {
        [only] => match only.kernel {
            Kernel::Nest(nest) => nest,
            Kernel::Vector(_) => panic!("no nest"),
        },
        _ => panic!("one kernel"),
    }
}

fn array_of(row: &Row) -> Array {
    let dataflow = Dataflow::from_name(&row["dataflow"]).expect("a dataflow");
    let extent = |column| u32::try_from(integer(row, column)).expect("an extent");
    Array::new(extent("rows"), extent("cols"), dataflow).expect("an array")
}

fn systolic(keys: &str, mode: Mode) -> Decoded {
    let text = format!("{{ model = \"systolic\", {keys} }}");
    load::accelerator(&text, load::DEFAULT_CLOCK_HZ, mode).unwrap_or_else(|problems| panic!("{problems}"))
}

fn report(model: &dyn CostModel, layer: &Layer) -> BTreeMap<&'static str, Quantity> {
    let mut values = Vec::new();
    let explainer = Explainer::of(model);
    explainer.report(layer.into(), &mut values).expect("a cost");
    assert_eq!(values.len(), explainer.columns().len());
    explainer.columns().iter().copied().zip(values).collect()
}

fn work(model: &dyn CostModel, layer: &Layer) -> Work {
    model.work(LayerOf::from(layer), Condition::Profile).expect("a cost")
}

fn layer(operator: Operator) -> Layer {
    Layer::new("layer", operator)
}

fn gemm(rows: u32, inner: u32, columns: u32) -> Layer {
    layer(Operator::Gemm(Gemm { rows, inner, columns }))
}

fn depthwise(channels: u32) -> Layer {
    layer(Operator::Convolution(Convolution {
        input: Shape { channels, height: 16, width: 16 },
        output_channels: channels,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups: channels,
        transposed: false,
    }))
}

#[test]
fn every_recorded_layer_is_reproduced() {
    for (layer, row) in golden() {
        let product = MatrixProduct::of_nest(&only_nest(&layer)).expect("a product");
        let cost = array_of(&row).cost(product);
        assert_eq!(cost.scalesim_report_cycles(), integer(&row, "compute_cycles"), "{row:?}");
        assert_eq!(cost.sram_ifmap_reads, integer(&row, "sram_ifmap_reads"), "{row:?}");
        assert_eq!(cost.sram_filter_reads, integer(&row, "sram_filter_reads"), "{row:?}");
        assert_eq!(cost.scalesim_ofmap_writes(), integer(&row, "sram_ofmap_writes"), "{row:?}");
        // The tool's overall utilisation has its stalls in it.
        let total = integer(&row, "total_cycles");
        assert_near(cost.utilisation_percent(total), real(&row, "util_pct"), &row);
        assert_near(cost.mapping_efficiency_percent(), real(&row, "mapping_eff_pct"), &row);
        assert_near(cost.scalesim_compute_utilisation_percent(), real(&row, "compute_util_pct"), &row);
    }
}

#[test]
fn the_report_has_the_tools_columns_in_both_modes() {
    let mut models: BTreeMap<String, Decoded> = BTreeMap::new();
    for (layer, row) in golden() {
        for mode in [Mode::Corrected, Mode::Reference] {
            let (dataflow, rows, cols) = (&row["dataflow"], &row["rows"], &row["cols"]);
            let keys = format!("dataflow = \"{dataflow}\", rows = {rows}, cols = {cols}");
            let model = models.entry(format!("{keys} {mode:?}")).or_insert_with(|| systolic(&keys, mode));
            let values = report(model.cost_model.as_ref(), &layer);
            for column in ["compute_cycles", "sram_ifmap_reads", "sram_filter_reads", "sram_ofmap_writes"] {
                assert_eq!(values[column], Quantity::Integer(integer(&row, column)), "{column} {row:?}");
            }
            assert_eq!(values["lines"], Quantity::Integer(integer(&row, "compute_cycles") + 1));
            assert_eq!(values["total_cycles"], values["lines"]);
            if mode == Mode::Reference && row["stall_cycles"] == "0" {
                for (column, expected) in [
                    ("utilisation_pct", "util_pct"),
                    ("mapping_efficiency_pct", "mapping_eff_pct"),
                    ("compute_utilisation_pct", "compute_util_pct"),
                ] {
                    let Quantity::Real(value) = values[column] else { panic!("{column}") };
                    assert_near(value, real(&row, expected), &row);
                }
            }
        }
    }
}

/// The tool's own counts, so far as they follow a rule; the rows that follow none are counted, so
/// that a change of the rules shows.
#[test]
fn off_chip_words_follow_the_tools_rules() {
    let mut checked = 0;
    let mut exceptions = [0; 4];
    for (layer, row) in golden() {
        if row["mode"] != "calc" {
            continue;
        }
        checked += 1;
        let extent = |column| u32::try_from(integer(&row, column)).expect("an extent");
        // Addresses beyond the input's edge are never fetched.
        let nest = Nest { input: [extent("ifmap_h"), extent("ifmap_w")], ..only_nest(&layer) };
        let cost = array_of(&row).cost(MatrixProduct::of_nest(&nest).expect("a product"));
        let half = |column| Some(integer(&row, column) * 1024 / 2);
        let buffers = Buffers {
            ifmap_half: half("sram_ifmap_kb"),
            filter_half: half("sram_filter_kb"),
            ofmap_half: half("sram_ofmap_kb"),
        };
        let input = nest.touched_input();
        let words = FoldTraffic::new(&cost, input, &buffers, Mode::Reference).words();
        let (ifmap, filter, ofmap) = (
            integer(&row, "dram_ifmap_reads"),
            integer(&row, "dram_filter_reads"),
            integer(&row, "dram_ofmap_writes"),
        );
        if Some(input) <= buffers.ifmap_half {
            assert_eq!(words.ifmap, ifmap, "{row:?}");
        } else {
            exceptions[0] += u32::from(words.ifmap != ifmap);
        }
        let weights = u64::from(nest.output_channels)
            * u64::from(nest.input_channels)
            * u64::from(nest.filter[0])
            * u64::from(nest.filter[1]);
        let filter_fits = Some(weights) <= buffers.filter_half;
        exceptions[if filter_fits { 1 } else { 2 }] += u32::from(words.filter != filter);
        exceptions[3] += u32::from(words.ofmap != ofmap);
        // The tool writes partial lines in full.
        assert!(words.ofmap <= ofmap && ofmap as f64 <= words.ofmap as f64 * 1.0035, "{row:?}");
    }
    assert_eq!(checked, 233);
    assert_eq!(exceptions, [1, 3, 3, 38]);
}

/// The bound as the module states it, one fold after the other.
fn walk(traffic: &FoldTraffic, bandwidth: Bandwidth, element_bytes: u64, copies: u64) -> ExactTime {
    let (rows, columns) = traffic.folds();
    let mut folds = Vec::new();
    for _ in 0..copies {
        for column in 0..columns {
            for row in 0..rows {
                folds.push((traffic.words_in(row, column), traffic.words_out(row, column)));
            }
        }
    }
    let occupied = |words: u64| bandwidth.transfer(words * element_bytes);
    let mut time = occupied(folds[0].0);
    for fold in 0..folds.len() {
        let next_in = folds.get(fold + 1).map_or(0, |next| next.0);
        let previous_out = fold.checked_sub(1).map_or(0, |previous| folds[previous].1);
        time = time.plus(bandwidth.cycles(traffic.fold_cycles()).max(occupied(next_in + previous_out)));
    }
    time.plus(occupied(folds[folds.len() - 1].1))
}

fn dataflows() -> impl Strategy<Value = Dataflow> {
    prop::sample::select(Dataflow::ALL.as_slice())
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select([Mode::Corrected, Mode::Reference].as_slice())
}

fn halves() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(1..400_u64)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        max_global_rejects: 20_000,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_closed_form_equals_the_walk_over_all_folds(
        (rows, columns, dataflow) in (1..9_u32, 1..9_u32, dataflows()),
        (m, k, n) in (1..40_u64, 1..40_u64, 1..40_u64),
        input_percent in 1..=100_u64,
        (ifmap_half, filter_half, ofmap_half) in (halves(), halves(), halves()),
        mode in modes(),
        millionths in 1_000..200_000_000_u64,
        (element_bytes, copies) in (1..=4_u64, 1..5_u64),
    ) {
        let array = Array::new(rows, columns, dataflow).unwrap();
        let cost = array.cost(MatrixProduct::new(m, k, n).unwrap());
        let input_words = (m * k * input_percent / 100).max(1);
        let buffers = Buffers { ifmap_half, filter_half, ofmap_half };
        let traffic = FoldTraffic::new(&cost, input_words, &buffers, mode);
        let bandwidth = Bandwidth::from_millionths(millionths).unwrap();

        let time = traffic.time(bandwidth, element_bytes, copies);
        prop_assert_eq!(time, walk(&traffic, bandwidth, element_bytes, copies));

        // Every word of the totals crosses in some fold.
        let (row_folds, column_folds) = traffic.folds();
        let (mut fetched, mut written) = (0, 0);
        for column in 0..column_folds {
            for row in 0..row_folds {
                fetched += traffic.words_in(row, column);
                written += traffic.words_out(row, column);
            }
        }
        let words = traffic.words();
        prop_assert_eq!(fetched, words.ifmap + words.filter + words.partial_sums);
        prop_assert_eq!(written, words.ofmap);

        // Neither the array nor the channel is ever faster than by itself, and the bound is never
        // worse than one after the other.
        let compute = bandwidth.cycles(cost.lines).times(copies);
        let channel = bandwidth.transfer(words.total() * element_bytes).times(copies);
        prop_assert!(time >= compute.max(channel));
        prop_assert!(time <= compute.plus(channel));
    }

    #[test]
    fn words_follow_from_what_fits(
        (rows, columns, dataflow) in (1..9_u32, 1..9_u32, dataflows()),
        (m, k, n) in (1..60_u64, 1..60_u64, 1..60_u64),
        (ifmap_half, filter_half, ofmap_half) in (halves(), halves(), halves()),
        mode in modes(),
    ) {
        let cost = Array::new(rows, columns, dataflow).unwrap().cost(MatrixProduct::new(m, k, n).unwrap());
        let buffers = Buffers { ifmap_half, filter_half, ofmap_half };
        let traffic = FoldTraffic::new(&cost, m * k, &buffers, mode);
        let fits = |words: u64, half: Option<u64>| half.is_none_or(|half| words <= half);
        let again = |fits: bool, sweeps: u64| if fits { 1 } else { sweeps };
        let (row_folds, column_folds) = traffic.folds();
        let (input_fits, weights_fit) = (fits(m * k, ifmap_half), fits(k * n, filter_half));
        let corrected = mode == Mode::Corrected;
        let tile = |extent: u64, array: u32| extent.min(array.into());
        let (ifmap, filter, sums) = match dataflow {
            Dataflow::OutputStationary => {
                let kept = weights_fit || (corrected && fits(k * tile(n, columns), filter_half));
                (m * k * again(input_fits, column_folds), k * n * again(kept, row_folds), None)
            }
            Dataflow::WeightStationary =>
                (m * k * again(input_fits, column_folds), k * n, Some(m * tile(n, columns))),
            Dataflow::InputStationary =>
                (m * k, k * n * again(weights_fit, column_folds), Some(n * tile(m, columns))),
        };
        let spilled = match sums {
            Some(_) if !corrected => (row_folds, 0),
            Some(sums) if !fits(sums, ofmap_half) => (row_folds, row_folds - 1),
            _ => (1, 0),
        };
        prop_assert_eq!(
            traffic.words(),
            DramWords { ifmap, filter, ofmap: m * n * spilled.0, partial_sums: m * n * spilled.1 }
        );
    }

    #[test]
    fn touched_input_is_what_the_windows_cover(
        filter in 1..6_u32, stride in 1..8_u32, dilation in 1..5_u32, padding in 0..9_u32, behind in 0..9_u32,
        input in 1..40_u32, hanging in any::<bool>(),
    ) {
        let extent = (filter - 1) * dilation + 1;
        prop_assume!(input + padding + behind >= extent);
        let room = input + padding + behind - extent;
        let outputs = if hanging && padding == 0 { room.div_ceil(stride) } else { room / stride } + 1;
        let mut nest = Nest::gemm(1, outputs, 3, 5);
        nest.filter[0] = filter;
        nest.stride[0] = stride;
        nest.dilation[0] = dilation;
        nest.padding[0] = padding;
        nest.input[0] = input;
        let touched: BTreeSet<u32> = (0..outputs)
            .flat_map(|output| (0..filter).map(move |tap| output * stride + tap * dilation))
            .filter_map(|position| position.checked_sub(padding))
            .filter(|position| *position < input)
            .collect();
        prop_assert_eq!(nest.touched_input(), touched.len() as u64 * 3);
    }
}

/// 3 x 3 by 3 x 3 on 2 x 2 cells, weight stationary: four folds of 7 cycles, that fetch 10, 5, 2 and
/// 1 words and write 0, 6, 0 and 3.
#[test]
fn a_product_worked_out_by_hand() {
    let product = gemm(3, 3, 3);
    let total = |keys: &str| {
        let model = systolic(&format!("dataflow = \"ws\", rows = 2, cols = 2{keys}"), Mode::Corrected);
        let values = report(model.cost_model.as_ref(), &product);
        assert_eq!(values["lines"], Quantity::Integer(28));
        values["total_cycles"]
    };
    assert_eq!(total(""), Quantity::Integer(28));
    // 10 + (7 + 7 + 7 + 7) + 3.
    assert_eq!(total(", dram_bandwidth = 1"), Quantity::Integer(41));
    // 20 + (10 + 7 + 14 + 7) + 6.
    assert_eq!(total(", dram_bandwidth = 0.5"), Quantity::Integer(64));
    // Elements of two bytes at twice the bandwidth are the same.
    assert_eq!(total(", dram_bandwidth = 1, element_bytes = 2"), Quantity::Integer(64));

    let keys = "dataflow = \"WS\", rows = 2, cols = 2, dram_bandwidth = 0.5, mac_pj = 1, sram_pj = 10, \
                dram_pj = 100, static_pj_per_cycle = 1000";
    let work = |mode| work(systolic(keys, mode).cost_model.as_ref(), &product);
    let corrected = work(Mode::Corrected);
    assert_eq!(corrected.compute, Duration::from_picoseconds(28_000));
    assert_eq!(corrected.traffic[DRAM], 27);
    assert_eq!(corrected.transfer, Duration::from_picoseconds(54_000));
    assert_eq!(corrected.exposed, Duration::from_picoseconds(10_000));
    assert_eq!(corrected.latency(), Duration::from_picoseconds(64_000));
    assert_eq!(corrected.quanta, 4);
    assert_eq!(corrected.energy.mac, 27.0);
    // 18 input and 9 weight reads, 18 writes, 9 partial sums, 27 words to and from off-chip memory.
    assert_eq!(corrected.energy.l2, 810.0);
    assert_eq!(corrected.energy.dram, 2_700.0);
    assert_eq!(corrected.energy.static_energy, 64_000.0);
    // The tool writes every partial sum off chip and reads none.
    let reference = work(Mode::Reference);
    assert_eq!(reference.traffic[DRAM], 36);
    assert_eq!(reference.energy.l2, 450.0);
}

#[test]
fn a_wide_channel_leaves_only_first_fill_and_last_drain() {
    let layers = [gemm(100, 50, 70), gemm(1, 1, 1), depthwise(8)];
    for dataflow in ["os", "ws", "is"] {
        for layer in &layers {
            let at = |bandwidth: &str| {
                let keys = format!("dataflow = \"{dataflow}\", rows = 16, cols = 8{bandwidth}");
                let model = systolic(&keys, Mode::Corrected);
                (report(model.cost_model.as_ref(), layer), work(model.cost_model.as_ref(), layer))
            };
            let integer = |quantity| match quantity {
                Quantity::Integer(value) => value,
                Quantity::Real(value) => panic!("{value} is no count"),
            };
            let (unlimited, alone) = at("");
            assert_eq!(unlimited["total_cycles"], unlimited["lines"]);
            assert_eq!(unlimited["stall_cycles"], Quantity::Integer(0));
            assert_eq!((alone.latency(), alone.transfer, alone.exposed), {
                (alone.compute, Duration::ZERO, Duration::ZERO)
            });
            let (wide, _) = at(", dram_bandwidth = 1000000");
            assert_eq!(integer(wide["total_cycles"]), integer(wide["lines"]) + 1);
            let (narrow, bound) = at(", dram_bandwidth = 0.001");
            let (total, transfer) = (integer(narrow["total_cycles"]), 1_000 * integer(narrow["dram_bytes"]));
            assert!((transfer..=transfer + integer(narrow["lines"])).contains(&total));
            assert_eq!(bound.latency().picoseconds(), 1_000 * total);
        }
    }
}

#[test]
fn edge_folds_pay_for_the_whole_array() {
    let array = Array::new(16, 16, Dataflow::OutputStationary).expect("an array");
    let cost = |m, n| array.cost(MatrixProduct::new(m, 32, n).expect("a product"));
    let (full, corner) = (cost(16, 16), cost(17, 17));
    assert_eq!((full.folds(), full.lines, full.mapping_efficiency_percent()), (1, 62, 100.0));
    assert_eq!((corner.folds(), corner.lines), (4, 4 * 62));
    assert_eq!(corner.mapping_efficiency_percent(), 100.0 * 289.0 / 1024.0);
    // A 4 x 4 product on 4 x 4 cells: ten cycles, of which the tool reports the last one's index.
    let small = Array::new(4, 4, Dataflow::OutputStationary).expect("an array");
    let small = small.cost(MatrixProduct::new(4, 4, 4).expect("a product"));
    assert_eq!((small.lines, small.scalesim_report_cycles()), (10, 9));
}

#[test]
fn a_depthwise_layer_is_a_product_for_each_channel() {
    let model = systolic("dataflow = \"ws\", rows = 16, cols = 16", Mode::Corrected);
    let (one, many) = (depthwise(1), depthwise(24));
    let (one, many) = (report(model.cost_model.as_ref(), &one), report(model.cost_model.as_ref(), &many));
    for column in ["compute_cycles", "lines", "folds", "sram_ifmap_reads", "dram_ifmap_words"] {
        let (Quantity::Integer(one), Quantity::Integer(many)) = (one[column], many[column]) else {
            panic!("{column}")
        };
        assert_eq!(24 * one, many, "{column}");
    }
}

#[test]
fn layers_of_several_kernels_add_up() {
    let model = systolic("dataflow = \"os\", rows = 8, cols = 8, dram_bandwidth = 4", Mode::Corrected);
    let model = model.cost_model.as_ref();
    let attention = layer(Operator::Attention(Attention { embedding: 64, heads: 4, queries: 10, keys: 12 }));
    let values = report(model, &attention);
    // Softmax over 4 x 10 x 12 scores: 2400 operations on 8 lanes.
    assert_eq!(values["vector_cycles"], Quantity::Integer(300));
    assert_eq!(values["dram_vector_words"], Quantity::Integer(960));
    // 2 x 8, 2 x 2 x 8, 4 x 2 x 2, 4 x 2 x 2 and 2 x 8 folds.
    assert_eq!(values["folds"], Quantity::Integer(16 + 32 + 16 + 16 + 16));
    let cost = work(model, &attention);
    assert_eq!(cost.quanta, 97);
    assert_eq!(Quantity::Integer(cost.latency().picoseconds()), values["latency_ps"]);

    let add = layer(Operator::Elementwise(Elementwise {
        output: Shape { channels: 8, height: 10, width: 10 },
        elements_in: 1_600,
        operations: 1,
    }));
    let values = report(model, &add);
    // 800 operations on 8 lanes; 2400 elements at 16 a cycle; 2400 bytes at 4 a cycle.
    assert_eq!((values["lines"], values["compute_cycles"]), (Quantity::Integer(0), Quantity::Integer(0)));
    assert_eq!(values["vector_cycles"], Quantity::Integer(150));
    assert_eq!(values["total_cycles"], Quantity::Integer(600));
    assert_eq!(values["mapping_efficiency_pct"], Quantity::Real(0.0));

    let lstm = layer(Operator::Recurrent(Recurrent {
        cell: rtmm_workload::RecurrentCell::Lstm,
        features: 16,
        hidden: 16,
        steps: 5,
        bidirectional: false,
    }));
    // 5 x 64 outputs in one go, then 1 x 64 for each step, each with a vector operation.
    assert_eq!(work(model, &lstm).quanta, 8 + 5 * 8 + 5);
}

#[test]
fn explanations_show_every_term() {
    let model = systolic("dataflow = \"is\", rows = 8, cols = 8, dram_bandwidth = 4", Mode::Corrected);
    let attention = layer(Operator::Attention(Attention { embedding: 64, heads: 4, queries: 10, keys: 12 }));
    let explanation = Explainer::of(model.cost_model.as_ref())
        .explanation(LayerOf::from(&attention))
        .expect("an explanation");
    let titles: Vec<&str> = explanation.sections.iter().map(|section| section.title.as_str()).collect();
    assert_eq!(titles.len(), 8);
    assert!(titles[1].contains("Sr = K, Sc = M, T = N"), "{titles:?}");
    for section in &explanation.sections {
        assert!(!section.rows.is_empty(), "{}", section.title);
        assert!(section.rows.iter().all(|row| row.len() == section.header.len()), "{}", section.title);
    }
    let time = &explanation.sections[6].rows;
    let values = report(model.cost_model.as_ref(), &attention);
    assert_eq!(time[3][1], values["total_cycles"].to_string());
}

#[test]
fn the_identity_states_every_parameter_and_the_mode() {
    let identity = |keys: &str, mode| systolic(keys, mode).cost_model.identity();
    let plain = identity("dataflow = \"ws\", rows = 8, cols = 16", Mode::Corrected);
    assert_eq!(
        plain,
        r#"{"model":"systolic","mode":"corrected","clock_hz":1000000000,"parameters":{"dataflow":"weight-stationary","rows":8,"cols":16,"vector_lanes":16,"vector_bandwidth":32,"element_bytes":1,"sram_ifmap_bytes":null,"sram_filter_bytes":null,"sram_ofmap_bytes":null,"dram_bandwidth_millionths":null,"mac_pj":0.3,"sram_pj":12.5,"dram_pj":325.0,"static_pj_per_cycle":0.0}}"#
    );
    let spelled = "cols = 16, vector_lanes = 16, rows = 8, element_bytes = 1, dataflow = \"Ws\"";
    assert_eq!(plain, identity(spelled, Mode::Corrected));
    assert_ne!(plain, identity("dataflow = \"ws\", rows = 8, cols = 16", Mode::Reference));
    assert_ne!(
        plain,
        identity("dataflow = \"ws\", rows = 8, cols = 16, sram_ifmap_bytes = 2", Mode::Corrected)
    );
    let decoded = systolic(spelled, Mode::Corrected);
    assert_eq!(decoded.label, "systolic WS 8x16");
    let settings = Explainer::of(decoded.cost_model.as_ref()).settings();
    assert_eq!(settings.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["dataflow", "rows", "cols"]);
    assert_eq!(settings.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["ws", "8", "16"]);
}

#[test]
fn bad_parameters_are_reported_together() {
    let text = r#"{ model = "systolic", dataflow = "rs", rows = 0, cols = 5000, element_bytes = 2,
  sram_ifmap_bytes = 3, dram_bandwidth = 0, mac_pj = nan, sram_pj = -1, vector_lane = 8 }"#;
    let problems =
        load::accelerator(text, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect_err("bad parameters");
    insta::assert_snapshot!(problems.render(false), @r##"
    error: unknown key `vector_lane` in `accelerator`
     --> --accelerator:2:73
      |
    2 |   sram_ifmap_bytes = 3, dram_bandwidth = 0, mac_pj = nan, sram_pj = -1, vector_lane = 8 }
      |                                                                         ^^^^^^^^^^^
      |
      = help: did you mean `vector_lanes`?

    error: there is no systolic dataflow `rs`
     --> --accelerator:1:48
      |
    1 | accelerator = { model = "systolic", dataflow = "rs", rows = 0, cols = 5000, element_bytes = 2,
      |                                                ^^^^
      |
      = help: did you mean `is`?

    error: `rows` is out of range
     --> --accelerator:1:61
      |
    1 | accelerator = { model = "systolic", dataflow = "rs", rows = 0, cols = 5000, element_bytes = 2,
      |                                                             ^
      |
      = help: allowed: 1 to 4096

    error: `cols` is out of range
     --> --accelerator:1:71
      |
    1 | accelerator = { model = "systolic", dataflow = "rs", rows = 0, cols = 5000, element_bytes = 2,
      |                                                                       ^^^^
      |
      = help: allowed: 1 to 4096

    error: `sram_ifmap_bytes` is out of range
     --> --accelerator:2:22
      |
    2 |   sram_ifmap_bytes = 3, dram_bandwidth = 0, mac_pj = nan, sram_pj = -1, vector_lane = 8 }
      |                      ^
      |
      = help: allowed: 4 to 1125899906842624

    error: `dram_bandwidth` is out of range
     --> --accelerator:2:42
      |
    2 |   sram_ifmap_bytes = 3, dram_bandwidth = 0, mac_pj = nan, sram_pj = -1, vector_lane = 8 }
      |                                          ^
      |
      = help: allowed: 0.000001 to 1000000, with at most six decimals and no exponent

    error: `mac_pj` is out of range
     --> --accelerator:2:54
      |
    2 |   sram_ifmap_bytes = 3, dram_bandwidth = 0, mac_pj = nan, sram_pj = -1, vector_lane = 8 }
      |                                                      ^^^
      |
      = help: allowed: finite numbers from 0 to 1000000000

    error: `sram_pj` is out of range
     --> --accelerator:2:69
      |
    2 |   sram_ifmap_bytes = 3, dram_bandwidth = 0, mac_pj = nan, sram_pj = -1, vector_lane = 8 }
      |                                                                     ^^
      |
      = help: allowed: finite numbers from 0 to 1000000000
    "##);
    let problems = load::accelerator("{ model = \"systolic\" }", load::DEFAULT_CLOCK_HZ, Mode::Corrected)
        .expect_err("missing parameters");
    insta::assert_snapshot!(problems.render(false), @r##"
    error: `accelerator` has no `dataflow`
     --> --accelerator:1:15
      |
    1 | accelerator = { model = "systolic" }
      |               ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `dataflow = ...`

    error: `accelerator` has no `rows`
     --> --accelerator:1:15
      |
    1 | accelerator = { model = "systolic" }
      |               ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `rows = ...`

    error: `accelerator` has no `cols`
     --> --accelerator:1:15
      |
    1 | accelerator = { model = "systolic" }
      |               ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `cols = ...`
    "##);
}

#[test]
fn a_layer_that_makes_no_sense_has_no_cost() {
    let model = systolic("dataflow = \"os\", rows = 8, cols = 8", Mode::Corrected);
    let cost = |layer: &Layer| model.cost_model.work(layer.into(), Condition::Profile);
    assert!(cost(&gemm(0, 1, 1)).is_err());
    assert!(cost(&gemm(1 << 24, 1 << 24, 1 << 24)).is_err());
    // 2^50 multiply-accumulates are legal; on one cell they take longer than a clock of picoseconds holds
    // only if it is slow.
    let large = gemm(1 << 24, 1 << 24, 4);
    assert!(cost(&large).is_ok());
    let text = "{ model = \"systolic\", dataflow = \"os\", rows = 1, cols = 1 }";
    let slow = load::accelerator(text, 1_000, Mode::Corrected).expect("an accelerator");
    let error = slow.cost_model.work((&large).into(), Condition::Profile).expect_err("too long");
    assert_eq!(error.to_string(), "the layer's cycles leave the range of 64 bits");
}
