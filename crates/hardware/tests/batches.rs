//! Batches: what several inferences at once cost, by models and by tables, and the classes of platforms that run them.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::sync::Arc;

use rtmm_hardware::{
    AcceleratorId, Condition, CostError, CostModel, CostTable, DRAM, IsolatedCosts, LayerOf, MeasuredTable,
    Mode, Platform, Work, load,
};
use rtmm_workload::input::{Diagnostics, Source};
use rtmm_workload::{
    Convolution, Gemm, Layer, Legality, Model, ModelId, Operator, Shape, Shapes, load as workload,
};

fn table(text: &str) -> Result<MeasuredTable, Diagnostics> {
    MeasuredTable::parse(&Source::new("costs.csv", text))
}

/// Messages of problems, each with its line and column.
fn problems(problems: &Diagnostics) -> Vec<String> {
    let of = |problem: &rtmm_workload::input::Diagnostic| {
        let (_, line, column) = problem.place().expect("a place");
        format!("{line}:{column} {}", problem.message())
    };
    problems.iter().map(of).collect()
}

fn platform(accelerators: &[&str]) -> Result<Platform, Diagnostics> {
    let tables = accelerators
        .iter()
        .enumerate()
        .map(|(index, keys)| format!("[[accelerator]]\nname = \"a{index}\"\n{keys}\n"));
    let text = format!("source = \"a test\"\n{}", tables.collect::<String>());
    load::platform_of(&Source::new("test.toml", text), Mode::Corrected)
}

const SYSTOLIC: &str = "model = \"systolic\"\ndataflow = \"ws\"\nrows = 16\ncols = 16\ndram_bandwidth = 16";

/// A row of a batch between measured ones is that of the next larger: the device pads it.
#[test]
fn a_batch_without_a_row_costs_what_the_next_larger_one_does() {
    let text = "model,layer,batch,latency_us,energy_uj,dram_bytes,quanta\n\
                m,a,8,40,9,800,3\nm,a,1,10,2,100,1\nm,a,2,12,3,200,2\nm,b,4,7,1,50,1\n";
    let table = table(text).unwrap_or_else(|problems| panic!("{problems}"));
    let (a, b) = (Layer::new("a", Operator::Opaque), Layer::new("b", Operator::Opaque));
    let work = |layer, batch| table.work_of_batch(LayerOf { model: "m", layer }, batch, Condition::Profile);
    let numbers = |work: Work| {
        let microseconds = work.latency().picoseconds() / 1_000_000;
        (microseconds, work.energy.total() / 1e6, work.traffic[DRAM], work.quanta)
    };
    for (batch, expected) in
        [(1, (10, 2.0, 100, 1)), (2, (12, 3.0, 200, 2)), (3, (40, 9.0, 800, 3)), (8, (40, 9.0, 800, 3))]
    {
        assert_eq!(work(&a, batch).map(numbers), Ok(expected), "a batch of {batch}");
    }
    let missing = |layer: &str, batch| CostError::BatchNotMeasured {
        model: "m".to_owned(),
        layer: layer.to_owned(),
        batch,
    };
    assert_eq!(work(&a, 9), Err(missing("a", 9)));
    // One inference alone is padded, too.
    assert_eq!(work(&b, 1).map(numbers), Ok((7, 1.0, 50, 1)));
    assert_eq!(work(&b, 5), Err(missing("b", 5)));
    let of_one = table.work(LayerOf { model: "m", layer: &a }, Condition::Profile);
    assert_eq!(of_one.map(numbers), Ok((10, 2.0, 100, 1)));
}

#[test]
fn rows_of_batches_are_part_of_the_identity_and_rows_of_one_change_nothing() {
    let identity = |text: &str| table(text).unwrap_or_else(|problems| panic!("{problems}")).identity();
    let plain = identity("model,layer,latency_us\nm,a,1\n");
    assert_eq!(plain, identity("model,layer,batch,latency_us\nm,a,1,1\n"));
    let batched = identity("model,layer,batch,latency_us\nm,a,1,1\nm,a,4,2\n");
    assert_ne!(plain, batched);
    assert_eq!(batched, identity("model,layer,batch,latency_us\nm,a,4,2\nm,a,1,1\n"));
    assert_ne!(batched, identity("model,layer,batch,latency_us\nm,a,1,1\nm,a,3,2\n"));
}

#[test]
fn bad_batches_of_tables_are_reported_with_their_places() {
    let text =
        "model,layer,batch,latency_us\nm,a,1,5\nm,a,0,5\nm,a,129,5\nm,a,,5\nm,a,two,5\nm,a,4,5\nm,a,4,6\n";
    let found = problems(&table(text).expect_err("problems"));
    assert_eq!(
        found,
        [
            "3:5 `0` in column `batch` is out of range",
            "4:5 `129` in column `batch` is out of range",
            "5:5 the cell in column `batch` is empty",
            "6:5 `two` in column `batch` is no whole number",
            "8:1 layer `a` has a cost in a batch of 4 in line 7 already",
        ]
    );
    let found = problems(&table("model,layer,batch_size,latency_us\nm,a,1,5\n").expect_err("problems"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("batch_size"), "{found:?}");
}

#[test]
fn a_platform_states_how_large_a_batch_may_be() {
    let found = platform(&[&format!("{SYSTOLIC}\nmax_batch = 8"), SYSTOLIC]).expect("a platform");
    let sizes: Vec<u32> = found.accelerators.iter().map(|one| one.max_batch).collect();
    assert_eq!(sizes, [8, 1]);
    assert!(found.identity().ends_with("|max_batch=8,1"), "{}", found.identity());
    assert!(!platform(&[SYSTOLIC]).expect("a platform").identity().contains("batch"));
    let stated = platform(&[&format!("{SYSTOLIC}\nmax_batch = 1")]).expect("a platform");
    assert_eq!(stated.identity(), platform(&[SYSTOLIC]).expect("a platform").identity());
    for (value, message) in [
        ("0", "`max_batch` is out of range"),
        ("129", "`max_batch` is out of range"),
        ("-1", "`max_batch` is out of range"),
        ("2.5", "`max_batch` must be a whole number"),
        ("\"4\"", "`max_batch` must be a whole number"),
    ] {
        let found = platform(&[&format!("{SYSTOLIC}\nmax_batch = {value}")]).expect_err("a problem");
        assert_eq!(problems(&found), [format!("9:13 {message}")]);
    }
}

/// Weights are fetched once for a batch: its traffic and its time are less than those of its inferences one after the other,
/// and no less than those of one.
#[test]
fn cost_models_fetch_weights_once_for_a_batch() {
    let convolution = Operator::Convolution(Convolution {
        input: Shape { channels: 64, height: 14, width: 14 },
        output_channels: 64,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1].into(),
        output_padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
        transposed: false,
    });
    let layers = [
        Layer::new("gemm", Operator::Gemm(Gemm { rows: 1, inner: 512, columns: 1024 })),
        Layer::new("convolution", convolution),
    ];
    for text in [
        "{ model = \"systolic\", dataflow = \"ws\", rows = 32, cols = 32, dram_bandwidth = 16 }",
        "{ model = \"systolic\", dataflow = \"os\", rows = 32, cols = 32, dram_bandwidth = 16 }",
        "{ model = \"maestro\", dataflow = \"WS\", pes = 256, noc_bandwidth = 16, dram_bandwidth = 16 }",
        "{ model = \"gemmini\" }",
        "{ model = \"fission\", subarrays = 4, dataflow = \"ws\", rows = 16, cols = 16, dram_bandwidth = 16 }",
    ] {
        let decoded = load::accelerator(text, load::DEFAULT_CLOCK_HZ, Mode::Corrected)
            .unwrap_or_else(|problems| panic!("{problems}"));
        for layer in &layers {
            let of = LayerOf { model: "m", layer };
            let work =
                |batch| decoded.cost_model.work_of_batch(of, batch, Condition::Profile).expect("a cost");
            let one = work(1);
            assert_eq!(decoded.cost_model.work(of, Condition::Profile), Ok(one));
            let mut before = one;
            for batch in [2, 4, 8] {
                let all = work(batch);
                let name = format!("{} {batch} on {text}", layer.name);
                assert!(all.latency() >= before.latency(), "{name}");
                assert!(
                    all.latency().picoseconds() <= one.latency().picoseconds() * u64::from(batch),
                    "{name}: {all:?} {one:?}"
                );
                assert!(all.traffic[DRAM] < u64::from(batch) * one.traffic[DRAM], "{name}");
                assert!(all.energy.total() < f64::from(batch) * one.energy.total(), "{name}");
                before = all;
            }
        }
    }
}

#[test]
fn classes_of_batches_stand_behind_those_of_one_inference() {
    let accelerators =
        [&format!("{SYSTOLIC}\nmax_batch = 4"), SYSTOLIC, &format!("{SYSTOLIC}\nmax_batch = 2")];
    let model = workload::model("xrbench/kd_res8_narrow", None, Legality::Strict).expect("built in");
    let models = [model];
    let costs = |accelerators: &[&str]| {
        let platform = platform(accelerators).expect("a platform");
        let table = CostTable::new(&platform, &models).expect("every layer fits");
        IsolatedCosts::new(&models, &platform, Arc::new(table))
    };
    let (batched, plain) = (costs(&accelerators), costs(&[SYSTOLIC; 3]));
    assert!(batched.has_batches() && !plain.has_batches());
    assert_eq!((batched.class_count(), plain.class_count()), (4, 1));
    let id = ModelId::new(0);
    let whole = |index| batched.whole(AcceleratorId::new(index));
    // All three have one class of one inference in common, and what compares them does not change.
    assert_eq!([whole(0), whole(1), whole(2)].map(|class| class.index()), [0; 3]);
    for layer in 0..plain.layers(id) {
        assert_eq!(batched.latency(id, layer, whole(0)), plain.latency(id, layer, whole(0)));
        assert_eq!(batched.energy(id, layer, whole(0)), plain.energy(id, layer, whole(0)));
    }
    let largest = |index| batched.largest_batch(id, AcceleratorId::new(index), whole(index));
    assert_eq!([largest(0), largest(1), largest(2)], [4, 1, 2]);
    for batch in 1..=4 {
        let class = batched.in_batch(whole(0), batch).expect("a class");
        assert_eq!((batched.class(class).batch, batched.class(class).units), (batch, 1));
        assert_eq!(batched.in_batch(class, 1), Some(whole(0)));
        assert_eq!(batched.in_batch(class, 3), batched.in_batch(whole(0), 3));
        for layer in 0..batched.layers(id) {
            let of_all = models[0].layers[layer as usize].in_batch(batch);
            let platform = platform(&[SYSTOLIC]).expect("a platform");
            let cost_model = &platform.configurations[0].cost_model;
            let work = cost_model
                .work(LayerOf { model: &models[0].name, layer: &of_all }, Condition::Profile)
                .expect("a cost");
            assert_eq!(batched.latency(id, layer, class), work.latency());
            assert_eq!(batched.traffic(id, layer, class), work.traffic);
        }
    }
    assert_eq!(batched.in_batch(whole(0), 0), None);
    assert_eq!(batched.in_batch(whole(0), 5), None);
}

/// A model has batches up to the largest that all of its layers have a cost for.
#[test]
fn batches_are_as_large_as_every_layer_has_a_cost_for() {
    let file = format!("{}/tests/data/costs_of_batches.csv", env!("CARGO_MANIFEST_DIR"));
    let accelerator = format!("model = \"table\"\nfile = '{file}'\nmax_batch = 6");
    let platform = platform(&[&accelerator]).unwrap_or_else(|problems| panic!("{problems}"));
    let layers = |names: &[&str]| names.iter().map(|name| Layer::new(*name, Operator::Opaque)).collect();
    let model = |name: &str, names: &[&str]| {
        Model::of_layers(name.to_owned(), "a test".to_owned(), Shapes::Independent, layers(names))
    };
    let models = [model("m", &["a", "b"]), model("n", &["a"])];
    let table = CostTable::new(&platform, &models).expect("every layer has a row");
    let costs = IsolatedCosts::new(&models, &platform, Arc::new(table));
    let accelerator = AcceleratorId::new(0);
    let whole = costs.whole(accelerator);
    let largest = |model| costs.largest_batch(ModelId::new(model), accelerator, whole);
    assert_eq!([largest(0), largest(1)], [3, 1]);
    let latency = |batch, layer| {
        let class = costs.in_batch(whole, batch).expect("a class");
        costs.latency(ModelId::new(0), layer, class).picoseconds() / 1_000_000
    };
    assert_eq!([latency(1, 0), latency(2, 0), latency(2, 1), latency(3, 1)], [5, 9, 7, 7]);
}

/// Recordings are of one input each: their models have no batches where it matters what the input is.
#[test]
fn recorded_inputs_have_no_batches() {
    let decoded = load::accelerator("{ model = \"traced\" }", load::DEFAULT_CLOCK_HZ, Mode::Corrected)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let layer = Layer::new("a", Operator::Opaque);
    let of = LayerOf { model: "m", layer: &layer };
    let error = decoded.cost_model.work_of_batch(of, 2, Condition::Profile).expect_err("no cost");
    assert_eq!(
        error.to_string(),
        "the `traced` cost model has no rule for a batch: a recording is of one input"
    );
}
