//! The fission cost model against sums by hand, the systolic model, a second enumeration of shapes, and bad input.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use rtmm_hardware::fission::{Fission, FissionParameters, Shape};
use rtmm_hardware::systolic::{
    Array, Bandwidth, Buffers, Dataflow, FoldTraffic, MatrixProduct, Operand, Systolic, SystolicParameters,
};
use rtmm_hardware::{
    Condition, CostModel, CostTable, DRAM, Decoded, Explainer, Indivisible, LayerOf, Mode, Platform,
    Quantity, Surroundings, Work, load,
};
use rtmm_workload::input::{Diagnostics, Source};
use rtmm_workload::load::{Kind, built_in_names, model};
use rtmm_workload::{
    Attention, Convolution, Duration, Gemm, Kernel, Layer, Legality, Model, Operator, Shape as Plane,
};

/// A cycle of 1000 picoseconds.
const CLOCK_HZ: u64 = 1_000_000_000;

/// Four subarrays of 4 x 4 cells that keep their weights.
const FOUR: &str = "dataflow = \"ws\", subarrays = 4, rows = 4, cols = 4";

fn fission(keys: &str) -> Decoded {
    let text = format!("{{ model = \"fission\", {keys} }}");
    load::accelerator(&text, CLOCK_HZ, Mode::Corrected).unwrap_or_else(|problems| panic!("{problems}"))
}

fn parameters(dataflow: Dataflow, subarrays: u32, rows: u32, cols: u32) -> FissionParameters {
    FissionParameters { subarrays, bus_pj: 0.0, arrays: SystolicParameters::new(dataflow, rows, cols) }
}

fn array(parameters: FissionParameters) -> Fission {
    Fission::new(parameters, CLOCK_HZ).expect("subarrays within range")
}

fn layer(operator: Operator) -> Layer {
    Layer::new("layer", operator)
}

fn gemm(rows: u32, inner: u32, columns: u32) -> Layer {
    layer(Operator::Gemm(Gemm { rows, inner, columns }))
}

fn convolution(channels: u32, output_channels: u32, plane: u32, groups: u32) -> Layer {
    layer(Operator::Convolution(Convolution {
        input: Plane { channels, height: plane, width: plane },
        output_channels,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups,
        transposed: false,
    }))
}

fn attention() -> Layer {
    layer(Operator::Attention(Attention { embedding: 64, heads: 4, queries: 10, keys: 12 }))
}

fn report(model: &dyn CostModel, layer: &Layer) -> BTreeMap<&'static str, Quantity> {
    let mut values = Vec::new();
    let explainer = Explainer::of(model);
    explainer.report(layer.into(), &mut values).expect("a cost");
    assert_eq!(values.len(), explainer.columns().len());
    explainer.columns().iter().copied().zip(values).collect()
}

fn integer(values: &BTreeMap<&'static str, Quantity>, column: &str) -> u64 {
    match values[column] {
        Quantity::Integer(value) => value,
        Quantity::Real(value) => panic!("{column}: {value} is no count"),
    }
}

fn work(model: &dyn CostModel, layer: &Layer) -> Work {
    model.work(LayerOf::from(layer), Condition::Profile).expect("a cost")
}

fn ps(picoseconds: u64) -> Duration {
    Duration::from_picoseconds(picoseconds)
}

/// 16 x 8 by 8 x 8. Two clusters of 8 x 4 cells, each with four of the eight output channels, take one fold of
/// 16 + 2 x 8 + 4 - 2 cycles. One cluster of 8 x 8 cells takes 38; four of 4 x 4 take 2 x 26 if they divide the channels,
/// and 4 x 14 if they divide the positions.
#[test]
fn a_product_worked_out_by_hand() {
    let product = gemm(16, 8, 8);
    let keys = "mac_pj = 1, sram_pj = 10, bus_pj = 3, dram_pj = 100, static_pj_per_cycle = 1000";
    let values = report(fission(&format!("{FOUR}, {keys}")).cost_model.as_ref(), &product);
    let shape = ["clusters", "cluster_rows", "cluster_cols"].map(|column| integer(&values, column));
    assert_eq!(shape, [2, 2, 1]);
    assert_eq!((integer(&values, "folds"), integer(&values, "total_cycles")), (1, 34));
    // The inputs are read once for both clusters, and go over the bus to the other one; weights are a cluster's own.
    assert_eq!((integer(&values, "sram_reads"), integer(&values, "bus_reads")), (128 + 64, 128));
    assert_eq!((integer(&values, "sram_writes"), integer(&values, "partial_sum_reads")), (128, 0));
    assert_eq!(integer(&values, "dram_bytes"), 128 + 64 + 128);
    assert_eq!(values["energy_pj_mac"], Quantity::Real(1_024.0));
    assert_eq!(values["energy_pj_l2"], Quantity::Real(10.0 * (192.0 + 128.0 + 320.0) + 3.0 * 128.0));
    assert_eq!(values["energy_pj_dram"], Quantity::Real(32_000.0));
    assert_eq!(values["energy_pj_static"], Quantity::Real(34_000.0));
    assert_eq!(values["utilisation_pct"], Quantity::Real(100.0 * 1_024.0 / (64.0 * 34.0)));

    let model = array(parameters(Dataflow::WeightStationary, 4, 4, 4));
    let in_shape = |clusters, rows, columns| {
        let work = model.work_in((&product).into(), Shape { clusters, rows, columns }).expect("a cost");
        (work.compute.picoseconds() / 1_000, work.quanta)
    };
    assert_eq!(in_shape(1, 2, 2), (38, 1));
    assert_eq!(in_shape(4, 1, 1), (52, 2));
    assert_eq!(in_shape(2, 1, 2), (44, 2));
    assert_eq!(in_shape(3, 1, 1), (52, 2));
    assert_eq!(in_shape(1, 4, 1), (100, 2));
    assert_eq!(in_shape(1, 1, 1), (4 * 26, 4));

    // 192 bytes before the fold, 128 after it; 16 bytes a cycle.
    let cost = work(fission(&format!("{FOUR}, dram_bandwidth = 16")).cost_model.as_ref(), &product);
    assert_eq!(cost.latency(), ps(1_000 * (12 + 34 + 8)));
    assert_eq!((cost.compute, cost.transfer, cost.exposed), (ps(34_000), ps(20_000), ps(20_000)));
    assert_eq!((cost.traffic[DRAM], cost.quanta), (320, 1));
}

#[test]
fn a_last_slice_may_be_smaller() {
    let mut four = parameters(Dataflow::OutputStationary, 4, 2, 2);
    four.arrays.dram_bandwidth_millionths = Some(10_000_000);
    let model = array(four);
    // Nine rows in slices of 3, 3 and 3: the fourth cluster has none. Ten in slices of 3, 3, 3 and 1.
    let of = |rows| {
        let product = gemm(rows, 5, 2);
        model.work_in((&product).into(), Shape { clusters: 4, rows: 1, columns: 1 }).expect("a cost")
    };
    // Two folds of 5 + 2 + 2 - 2 cycles each.
    assert_eq!((of(9).compute, of(9).quanta), (ps(14_000), 2));
    assert_eq!((of(10).compute, of(10).quanta), (ps(14_000), 2));
    assert_eq!(of(9).traffic[DRAM], 9 * 5 + 5 * 2 + 9 * 2);
    assert_eq!(of(10).traffic[DRAM], 10 * 5 + 5 * 2 + 10 * 2);
    // As if each of four clusters had three rows, at 10 bytes a cycle: 50 before the first fold, 8 after the last.
    assert_eq!(of(10).latency(), ps(1_000 * 20));
    assert_eq!(of(9).latency(), ps(1_000 * 19));
}

/// Of eight channels that are products of their own, each of eight clusters takes one.
#[test]
fn groups_are_divided_among_clusters() {
    let depthwise = convolution(8, 8, 4, 8);
    let model = fission("dataflow = \"ws\", subarrays = 8, rows = 9, cols = 1");
    let values = report(model.cost_model.as_ref(), &depthwise);
    let shape = ["clusters", "cluster_rows", "cluster_cols"].map(|column| integer(&values, column));
    assert_eq!((shape, integer(&values, "folds")), ([8, 1, 1], 1));
    assert_eq!(integer(&values, "lines"), 16 + 18 + 1 - 2);
    assert_eq!(integer(&values, "bus_reads"), 0);
    // The counts are those of eight products one after the other.
    let one = report(
        fission("dataflow = \"ws\", subarrays = 1, rows = 9, cols = 1").cost_model.as_ref(),
        &depthwise,
    );
    assert_eq!(integer(&one, "folds"), 8);
    for column in ["sram_reads", "sram_writes", "dram_bytes"] {
        assert_eq!(values[column], one[column], "{column}");
    }
}

#[test]
fn every_shape_is_listed_once() {
    for subarrays in 1..=24 {
        let shapes: Vec<Shape> = Shape::all(subarrays).collect();
        let mut wanted = 0;
        for clusters in 1..=subarrays {
            for rows in 1..=subarrays {
                for columns in 1..=subarrays {
                    if clusters * rows * columns <= subarrays {
                        wanted += 1;
                        assert!(shapes.contains(&Shape { clusters, rows, columns }));
                    }
                }
            }
        }
        assert_eq!(shapes.len(), wanted);
    }
}

fn dataflows() -> impl Strategy<Value = Dataflow> {
    prop::sample::select(Dataflow::ALL.to_vec())
}

fn layers() -> impl Strategy<Value = Layer> {
    prop_oneof![
        (1..60_u32, 1..60_u32, 1..60_u32).prop_map(|(m, k, n)| gemm(m, k, n)),
        (1..12_u32, 1..12_u32, 1..9_u32)
            .prop_map(|(channels, outputs, plane)| convolution(channels, outputs, plane, 1)),
        (1..12_u32, 1..9_u32).prop_map(|(channels, plane)| convolution(channels, channels, plane, channels)),
        Just(attention()),
    ]
}

prop_compose! {
    fn memories()(
        bytes in 1..3_u64,
        ifmap in prop::option::of(64..4_000_u64),
        filter in prop::option::of(64..4_000_u64),
        ofmap in prop::option::of(64..4_000_u64),
        bandwidth in prop::option::of(100_000..80_000_000_u64),
    ) -> SystolicParameters {
        SystolicParameters {
            element_bytes: bytes,
            sram_ifmap_bytes: ifmap,
            sram_filter_bytes: filter,
            sram_ofmap_bytes: ofmap,
            dram_bandwidth_millionths: bandwidth,
            static_pj_per_cycle: 7.0,
            ..SystolicParameters::new(Dataflow::WeightStationary, 1, 1)
        }
    }
}

/// Cycles of the fastest shape without a limit of memory, from the equations alone.
fn fewest_cycles(layer: &Layer, dataflow: Dataflow, subarrays: u64, rows: u64, columns: u64) -> u64 {
    let cycles_in = |p: u64, a: u64, b: u64| -> u64 {
        let (r, c) = (a * rows, b * columns);
        let product = |m: u64, k: u64, n: u64| match dataflow {
            Dataflow::OutputStationary => m.div_ceil(r) * n.div_ceil(c) * (k + r + c - 2),
            Dataflow::WeightStationary => k.div_ceil(r) * n.div_ceil(c) * (m + 2 * r + c - 2),
            Dataflow::InputStationary => k.div_ceil(r) * m.div_ceil(c) * (n + 2 * r + c - 2),
        };
        let kernels = layer.kernels().expect("a legal layer").into_iter();
        kernels
            .map(|repeated| match repeated.kernel {
                Kernel::Vector(work) => {
                    // A lane for each column of a subarray, with two operands.
                    let operands = (work.elements_in + work.elements_out).div_ceil(2 * columns);
                    u64::from(repeated.times) * work.operations.div_ceil(columns).max(operands)
                }
                Kernel::Nest(nest) => {
                    let whole = MatrixProduct::of_nest(&nest).expect("a product");
                    let (m, k, n, groups) = (whole.m(), whole.k(), whole.n(), u64::from(nest.groups));
                    let by_positions = groups * product(m.div_ceil(p), k, n);
                    let by_channels = groups * product(m, k, n.div_ceil(p));
                    let by_groups = groups.div_ceil(p) * product(m, k, n);
                    u64::from(repeated.times) * by_positions.min(by_channels).min(by_groups)
                }
            })
            .sum()
    };
    let mut fewest = u64::MAX;
    for a in 1..=subarrays {
        for b in 1..=subarrays {
            for p in (1..=subarrays).filter(|p| a * b * p <= subarrays) {
                fewest = fewest.min(cycles_in(p, a, b));
            }
        }
    }
    fewest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn without_a_limit_of_memory_cycles_are_the_fewest_of_a_second_enumeration(
        layer in layers(), dataflow in dataflows(), subarrays in 1..13_u32, rows in 1..9_u32, cols in 1..9_u32,
    ) {
        let model = array(parameters(dataflow, subarrays, rows, cols));
        let fewest = fewest_cycles(&layer, dataflow, subarrays.into(), rows.into(), cols.into());
        prop_assert_eq!(work(&model, &layer).latency(), ps(1_000 * fewest));
    }

    #[test]
    fn the_shape_chosen_has_the_least_latency_then_the_least_energy(
        layer in layers(), dataflow in dataflows(), subarrays in 1..13_u32, rows in 1..9_u32, memory in memories(),
        bus_pj in 0.0..50.0,
    ) {
        let arrays = SystolicParameters { dataflow, rows, cols: 3, ..memory };
        let model = array(FissionParameters { subarrays, bus_pj, arrays });
        let chosen = model.shape_of((&layer).into()).expect("a shape");
        let best = work(&model, &layer);
        prop_assert_eq!(&best, &model.work_in((&layer).into(), chosen).expect("a cost"));
        let order = |shape: Shape| [shape.clusters, shape.subarrays(), shape.rows];
        for shape in Shape::all(subarrays) {
            let work = model.work_in((&layer).into(), shape).expect("a cost");
            let key = |work: &Work| (work.latency(), work.energy.total());
            prop_assert!(key(&best) <= key(&work), "{:?} {:?}", chosen, shape);
            prop_assert!(key(&best) < key(&work) || order(chosen) <= order(shape), "{:?} {:?}", chosen, shape);
            // No shape beats its compute or its traffic, nor all cells of all subarrays.
            prop_assert!(work.latency() >= work.compute.max(work.transfer));
        }
    }

    #[test]
    fn one_cluster_is_the_systolic_array_to_the_bit(
        layer in layers(), dataflow in dataflows(), rows in 1..9_u32, cols in 1..9_u32, high in 1..5_u32,
        wide in 1..5_u32, memory in memories(), bus_pj in 0.0..50.0,
    ) {
        let arrays = SystolicParameters { dataflow, rows, cols, ..memory };
        let model = array(FissionParameters { subarrays: high * wide, bus_pj, arrays });
        let whole = Shape { clusters: 1, rows: high, columns: wide };
        let joined = SystolicParameters { rows: high * rows, cols: wide * cols, ..arrays };
        let surroundings = Surroundings::new(CLOCK_HZ, Mode::Corrected);
        let joined = Systolic::new(joined, surroundings).expect("an array");
        prop_assert_eq!(model.work_in((&layer).into(), whole).expect("a cost"), work(&joined, &layer));
    }

    #[test]
    fn more_subarrays_never_take_longer(
        layer in layers(), dataflow in dataflows(), rows in 1..9_u32, cols in 1..9_u32, memory in memories(),
    ) {
        // Buffers and bandwidth divide evenly.
        let times = |value: Option<u64>| value.map(|value| 8 * value);
        let arrays = SystolicParameters {
            dataflow,
            rows,
            cols,
            sram_ifmap_bytes: times(memory.sram_ifmap_bytes),
            sram_filter_bytes: times(memory.sram_filter_bytes),
            sram_ofmap_bytes: times(memory.sram_ofmap_bytes),
            dram_bandwidth_millionths: times(memory.dram_bandwidth_millionths),
            vector_unit: rtmm_hardware::VectorUnit::with_lanes(8),
            ..memory
        };
        let all = array(FissionParameters { subarrays: 8, bus_pj: 0.0, arrays });
        let mut before = Duration::MAX;
        for units in 1..=8 {
            let part = all.part(units, 8).expect("a part").cost_model;
            let (latency, values) = (work(part.as_ref(), &layer).latency(), report(part.as_ref(), &layer));
            prop_assert!(latency <= before, "{} subarrays", units);
            before = latency;
            let Quantity::Real(utilisation) = values["utilisation_pct"] else { panic!("a percentage") };
            prop_assert!(utilisation <= 100.0);
        }
        prop_assert_eq!(before, work(&all, &layer).latency());
    }

    /// Fold by fold, in bytes: what clusters have in common once, what is their own as often as there are clusters.
    #[test]
    fn clusters_move_what_they_share_once(
        m in 1..40_u64, k in 1..40_u64, n in 1..40_u64, rows in 1..9_u32, cols in 1..9_u32, dataflow in dataflows(),
        clusters in 1..9_u64,
    ) {
        let product = MatrixProduct::new(m, k, n).expect("a product");
        let array = Array::new(rows, cols, dataflow).expect("an array");
        let buffers = Buffers { ifmap_half: None, filter_half: None, ofmap_half: None };
        let one = FoldTraffic::new(&array.cost(product), m * k, &buffers, Mode::Corrected);
        for (shared, inputs, weights) in [
            (None, clusters, clusters),
            (Some(Operand::Inputs), 1, clusters),
            (Some(Operand::Weights), clusters, 1),
        ] {
            let all = one.side_by_side(dataflow, clusters, shared);
            prop_assert_eq!(all.words().ifmap, inputs * one.words().ifmap);
            prop_assert_eq!(all.words().filter, weights * one.words().filter);
            prop_assert_eq!(all.words().ofmap, clusters * one.words().ofmap);
            let (row_folds, column_folds) = all.folds();
            let folds = (0..column_folds).flat_map(|column| (0..row_folds).map(move |row| (row, column)));
            let moved: u64 = folds.map(|(row, column)| all.words_in(row, column) + all.words_out(row, column)).sum();
            prop_assert_eq!(moved, all.words().total());
            // In step with one cluster where memory is fast.
            let fast = Bandwidth::from_millionths(1_000_000_000_000).expect("above zero");
            let cycles = |traffic: &FoldTraffic| fast.whole_cycles(traffic.time(fast, 1, 3));
            prop_assert_eq!(cycles(&all), cycles(&one));
        }
    }
}

#[test]
fn quanta_are_folds_in_sequence_and_vector_operations() {
    for layer in [attention(), gemm(100, 60, 70), convolution(6, 6, 9, 6)] {
        let model = fission("dataflow = \"os\", subarrays = 6, rows = 8, cols = 8, dram_bandwidth = 4");
        let values = report(model.cost_model.as_ref(), &layer);
        let work = work(model.cost_model.as_ref(), &layer);
        let vector = u64::from(matches!(layer.operator, Operator::Attention(_)));
        assert_eq!(u64::from(work.quanta), integer(&values, "folds") + vector);
        assert_eq!(work.latency().picoseconds(), integer(&values, "latency_ps"));
        assert_eq!(
            work.energy.total(),
            match values["energy_pj_total"] {
                Quantity::Real(total) => total,
                Quantity::Integer(_) => panic!("a measure"),
            }
        );
    }
}

#[test]
fn explanations_name_the_shape_and_the_split() {
    let model = fission(FOUR);
    let explainer = Explainer::of(model.cost_model.as_ref());
    let sections = explainer.explanation((&gemm(16, 8, 8)).into()).expect("an account").sections;
    assert_eq!(sections[0].title, "Shapes of 4 subarrays, fewest cycles first (13 in all)");
    assert_eq!(sections[0].rows[0][..5], ["2", "2 x 1", "8 x 4", "4", "34"]);
    assert_eq!(sections[0].rows[0][6], "chosen");
    assert!(sections[0].rows[1..].iter().all(|row| row[6].is_empty()));
    assert_eq!(sections[1].rows, [["0", "channels", "2", "1", "16", "8", "4", "1024"]]);
    assert_eq!(sections[2].rows, [["0", "1", "1", "1", "34", "34"]]);
    for section in &sections {
        assert!(section.rows.iter().all(|row| row.len() == section.header.len()), "{}", section.title);
    }
    let sections = explainer.explanation((&attention()).into()).expect("an account").sections;
    assert!(sections.iter().any(|section| section.title.starts_with("Vector unit")));
    let settings = explainer.settings();
    assert_eq!(
        settings.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["dataflow", "subarrays", "rows", "cols"]
    );
}

#[test]
fn a_part_has_its_part_of_everything() {
    let whole = fission(
        "dataflow = \"ws\", subarrays = 16, rows = 32, cols = 32, sram_ifmap_bytes = 1600, sram_filter_bytes = 3200, \
         dram_bandwidth = 358, static_pj_per_cycle = 32",
    );
    assert_eq!(whole.label, "fission WS 16x32x32");
    assert_eq!(
        whole.cost_model.identity(),
        r#"{"model":"fission","mode":"corrected","clock_hz":1000000000,"parameters":{"subarrays":16,"bus_pj":0.0,"dataflow":"weight-stationary","rows":32,"cols":32,"vector_lanes":512,"vector_bandwidth":1024,"element_bytes":1,"sram_ifmap_bytes":1600,"sram_filter_bytes":3200,"sram_ofmap_bytes":null,"dram_bandwidth_millionths":358000000,"mac_pj":0.3,"sram_pj":12.5,"dram_pj":325.0,"static_pj_per_cycle":32.0}}"#
    );
    let three = whole.cost_model.part(3, 16).expect("a part");
    let stated = fission(
        "dataflow = \"ws\", subarrays = 3, rows = 32, cols = 32, sram_ifmap_bytes = 300, sram_filter_bytes = 600, \
         dram_bandwidth = 67.125, static_pj_per_cycle = 6",
    );
    assert_eq!(
        (three.label.as_str(), three.cost_model.identity()),
        ("fission WS 3x32x32", stated.cost_model.identity())
    );
    // Units of four subarrays.
    assert_eq!(whole.cost_model.part(3, 4).expect("a part").label, "fission WS 12x32x32");
    assert_eq!(
        whole.cost_model.part(16, 16).expect("all").cost_model.identity(),
        whole.cost_model.identity()
    );
    let indivisible = |units, of| whole.cost_model.part(units, of).expect_err("no part");
    assert_eq!(indivisible(1, 5), Indivisible::Uneven { what: "subarrays", count: 16, units: 5 });
    assert_eq!(indivisible(1, 0), Indivisible::Uneven { what: "subarrays", count: 16, units: 0 });
    assert_eq!(indivisible(0, 16), Indivisible::Nothing { key: "vector_lanes", units: 0, of: 16 });
    let systolic = "{ model = \"systolic\", dataflow = \"ws\", rows = 8, cols = 8 }";
    let systolic = load::accelerator(systolic, CLOCK_HZ, Mode::Corrected).expect("an array").cost_model;
    assert_eq!(systolic.part(1, 2).expect_err("no part"), Indivisible::Unsupported);
}

fn parse(keys: &str) -> Result<Platform, Diagnostics> {
    let text = format!(
        "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"fission\"\ndataflow = \"ws\"\nrows = 8\n\
         cols = 8\n{keys}\n"
    );
    load::platform_of(&Source::new("test.toml", text), Mode::Corrected)
}

#[track_caller]
fn parts(keys: &str) -> Vec<(u32, String)> {
    let platform = parse(keys).unwrap_or_else(|problems| panic!("{problems}"));
    let label = |(units, id): (u32, rtmm_hardware::ConfigurationId)| {
        (units, platform.configurations[id.index()].label.clone())
    };
    platform.accelerators[0].configurations().map(label).collect()
}

#[test]
fn a_platform_need_not_state_what_fewer_units_are() {
    let label = |subarrays: u32| format!("fission WS {subarrays}x8x8");
    let all: Vec<(u32, String)> = (1..=16).map(|units| (units, label(units))).collect();
    assert_eq!(parts("subarrays = 16\ndivision = { units = 16 }"), all);
    let pods: Vec<(u32, String)> = (1..=4).map(|units| (units, label(4 * units))).collect();
    assert_eq!(parts("subarrays = 16\ndivision = { units = 4 }"), pods);
    // A list says which numbers a run may hold, and keys that it states are taken as they are.
    assert_eq!(
        parts(
            "subarrays = 16\ndivision = { units = 16, part = [{ units = 4 }, { units = 2, subarrays = 3 }] }"
        ),
        [(2, label(3)), (4, label(4)), (16, label(16))]
    );
    assert_eq!(parts("subarrays = 16\ndivision = { units = 16, part = [] }"), [(16, label(16))]);
}

#[test]
fn bad_divisions_are_reported() {
    for (keys, message, help) in [
        (
            "subarrays = 16\ndivision = { units = 5 }",
            "16 subarrays cannot be divided into 5 equal units",
            "2, 4, 8, 16",
        ),
        (
            "subarrays = 16\ndivision = { units = 32 }",
            "16 subarrays cannot be divided into 32 equal units",
            "2, 4, 8, 16",
        ),
        (
            "subarrays = 1\ndivision = { units = 2 }",
            "1 subarrays cannot be divided into 2 equal units",
            "state more subarrays",
        ),
        ("subarrays = 16\ndivision = { units = 0 }", "`units` is out of range", "2 to 64"),
        ("subarrays = 16\ndivision = { units = 5, part = [{ units = 2 }] }", "into 5 equal", "one of: 2"),
        (
            "subarrays = 16\nsram_ofmap_bytes = 31\ndivision = { units = 16 }",
            "1 of 16 units",
            "raise `sram_ofmap_bytes`",
        ),
        (
            "subarrays = 16\nvector_lanes = 15\ndivision = { units = 16 }",
            "too little of `vector_lanes`",
            "in `part`",
        ),
        (
            "subarrays = 16\ndram_bandwidth = 0.00001\ndivision = { units = 16 }",
            "too little of `dram_bandwidth`",
            "raise",
        ),
        ("subarrays = 0", "`subarrays` is out of range", "1 to 64"),
        ("subarrays = 65", "`subarrays` is out of range", "1 to 64"),
        ("", "no `subarrays`", "add `subarrays"),
    ] {
        let found = parse(keys).expect_err("a problem").render(false);
        assert!(found.contains(message) && found.contains(help), "{keys}: {found}");
        assert_eq!(found.matches("error").count(), 1, "{keys}: {found}");
    }
    let found = load::accelerator(
        "{ model = \"fission\", dataflow = \"ws\", subarrays = 64, rows = 64, cols = 65 }",
        CLOCK_HZ,
        Mode::Corrected,
    );
    insta::assert_snapshot!(found.expect_err("too wide").render(false), @r#"
    error: `subarrays` x `cols` is 4160
     --> --accelerator:1:87
      |
    1 | accelerator = { model = "fission", dataflow = "ws", subarrays = 64, rows = 64, cols = 65 }
      |                                                                                       ^^
      |
      = help: an array has at most 4096 rows and columns: state fewer or smaller subarrays
    "#);
}

#[test]
fn a_shape_that_does_not_fit_has_no_cost() {
    let model = array(parameters(Dataflow::WeightStationary, 4, 4, 4));
    let product = gemm(3, 3, 3);
    for shape in [[3, 1, 2], [0, 1, 1], [1, 0, 1], [u32::MAX, u32::MAX, u32::MAX]] {
        let [clusters, rows, columns] = shape;
        let error =
            model.work_in((&product).into(), Shape { clusters, rows, columns }).expect_err("no shape");
        assert!(error.to_string().contains("subarrays on an array of 4"), "{error}");
    }
    assert!(Fission::new(parameters(Dataflow::WeightStationary, 0, 4, 4), CLOCK_HZ).is_none());
    assert!(Fission::new(parameters(Dataflow::WeightStationary, 64, 65, 4), CLOCK_HZ).is_none());
    assert!(Fission::new(parameters(Dataflow::WeightStationary, u32::MAX, 4, 4), CLOCK_HZ).is_none());
    // The largest layers stay within 64 bits, or say so.
    for large in [gemm(1 << 24, 1 << 24, 4), gemm(4, 1 << 24, 1 << 24), gemm(1 << 24, 4, 1 << 24)] {
        assert!(model.work((&large).into(), Condition::Profile).is_ok());
    }
    let slow = Fission::new(parameters(Dataflow::OutputStationary, 1, 1, 1), 1_000).expect("a subarray");
    let error = slow.work((&gemm(1 << 24, 1 << 24, 4)).into(), Condition::Profile).expect_err("too long");
    assert_eq!(error.to_string(), "the layer's cycles leave the range of 64 bits");
}

#[test]
fn built_in_machines_are_equal_in_sum_and_run_every_layer() {
    let platform = |name: &str| load::platform(name, None, Mode::Corrected).expect("built in");
    let (planaria, single) = (platform("planaria/16x32x32"), platform("planaria/128x128"));
    assert_eq!((planaria.accelerators[0].units(), single.accelerators[0].units()), (16, 1));
    assert_eq!(planaria.configurations.len(), 16);
    // One cluster of 4 x 4 subarrays is the single array.
    let source = |name: &str| {
        let identity = platform(name).configurations[0].cost_model.identity();
        let (_, parameters) = identity.split_once("\"vector_lanes\"").expect("parameters");
        parameters.trim_end_matches('}').to_owned()
    };
    assert_eq!(source("planaria/16x32x32"), source("planaria/128x128"));
    let models: Vec<Model> = built_in_names(Kind::Model)
        .into_iter()
        .filter(|name| name.starts_with("xrbench/") || name.starts_with("dream/"))
        .map(|name| model(&name, None, Legality::Strict).expect("built in"))
        .collect();
    for name in built_in_names(Kind::Platform).into_iter().filter(|name| name.starts_with("planaria/")) {
        assert!(CostTable::new(&platform(&name), &models).is_ok(), "{name}");
    }
}
