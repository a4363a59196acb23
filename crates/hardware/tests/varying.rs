//! Times that vary: tables with quantiles, and what estimates and jobs have of them.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::sync::Arc;

use rtmm_hardware::table::MeasuredTable;
use rtmm_hardware::{
    ClassId, Condition, CostModel, CostTable, Explainer, IsolatedCosts, LayerOf, Mode, Outcome, Platform,
    Quantity, load,
};
use rtmm_workload::input::Source;
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Duration, Gemm, Layer, Model, ModelId, Operator, Shapes};

const HEADER: &str = "model,layer,latency_min_us,latency_p50_us,latency_p90_us,latency_p99_us,latency_max_us,energy_uj,dram_bytes";

fn layer(name: &str) -> Layer {
    Layer::new(name, Operator::Gemm(Gemm { rows: 1, inner: 1, columns: 1 }))
}

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn accelerator(keys: &str) -> Result<Box<dyn CostModel>, String> {
    let text = format!("{{ model = \"table\", file = '{}'{keys} }}", data("varying_costs.csv"));
    load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected)
        .map(|decoded| decoded.cost_model)
        .map_err(|problems| problems.render(false))
}

fn parse(text: &str) -> MeasuredTable {
    MeasuredTable::parse(&Source::new("costs", text)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(text: &str) -> String {
    let problems = MeasuredTable::parse(&Source::new("costs.csv", text)).expect_err("a problem");
    let shown = problems.iter().map(|problem| {
        let (_, line, column) = problem.place().expect("a place");
        format!("{line}:{column} {}", problem.message())
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// Picoseconds of microseconds.
fn us(microseconds: f64) -> u64 {
    (microseconds * 1e6).round() as u64
}

#[test]
fn the_profile_has_the_mean_of_a_table_with_quantiles() {
    let model = accelerator("").expect("a table");
    let work = |name: &str, of: &str| {
        model.work(LayerOf { model: name, layer: &layer(of) }, Condition::Profile).expect("a cost")
    };
    // (50 * 100 + 90 * 120.5 + 49 * 150 + 10 * 190.000001 + 400) / 200 = 127.475 and 5e-8.
    let down = work("xrbench/es_ritnet", "down1");
    assert_eq!(down.latency().picoseconds(), us(127.475));
    assert_eq!((down.energy.total(), down.quanta), (310.5e6, 8));
    // (90 * 10 + 49 * 12 + 10 * 30 + 100) / 200 = 9.44.
    assert_eq!(work("own", "head").latency().picoseconds(), us(9.44));
    assert_eq!(work("xrbench/es_ritnet", "down2").latency().picoseconds(), us(7.0));

    let variation = model.variation().expect("times vary");
    assert_eq!(variation.correlation().value(), 0.5);
    let head = layer("head");
    let head = LayerOf { model: "own", layer: &head };
    let quantiles = variation.quantiles(head, 1).expect("it varies").values();
    assert_eq!(quantiles.map(Duration::picoseconds), [0.0, 10.0, 12.0, 30.0, 100.0].map(us));
    let same = layer("down2");
    assert_eq!(variation.quantiles(LayerOf { model: "xrbench/es_ritnet", layer: &same }, 1), None);

    let explainer = Explainer::of(model.as_ref());
    let mut row = Vec::new();
    explainer.report(head, &mut row).expect("a cost");
    let shown: Vec<String> =
        explainer.columns().iter().zip(&row).map(|(column, value)| format!("{column}={value}")).collect();
    assert_eq!(
        shown.join(" "),
        "latency_ps=9440000 latency_min_ps=0 latency_p50_ps=10000000 latency_p90_ps=12000000 \
         latency_p99_ps=30000000 latency_max_ps=100000000 energy_pj=250000 dram_bytes=64 quanta=4"
    );
    let sections = explainer.explanation(head).expect("an account").sections;
    assert_eq!(sections[0].rows[0], ["mean latency", "9.44us"]);
    assert_eq!(sections[1].rows[3], ["p99", "30us"]);
    row.clear();
    explainer.report(LayerOf { model: "xrbench/es_ritnet", layer: &same }, &mut row).expect("a cost");
    assert_eq!(row[..6], [Quantity::Integer(us(7.0)); 6]);
}

#[test]
fn keys_of_the_platform_choose_the_correlation_or_the_mean() {
    let identity = |keys: &str| accelerator(keys).expect("a table").identity();
    assert_eq!(identity(""), identity(", correlation = 0.5, varying = true"));
    assert_ne!(identity(""), identity(", correlation = 0.25"));
    assert_eq!(
        accelerator(", correlation = 1").expect("a table").variation().expect("varies").correlation().value(),
        1.0
    );
    // Without variation it is the table of its means.
    let constant = accelerator(", varying = false").expect("a table");
    assert!(constant.variation().is_none());
    let means = "model,layer,latency_us,energy_uj,dram_bytes,quanta\n\
                 xrbench/es_ritnet,down1,127.475,310.5,1048576,8\nxrbench/es_ritnet,down2,7,1,0,1\nown,head,9.44,0.25,64,4\n";
    assert_eq!(constant.identity(), parse(means).identity());
    let error = accelerator(", correlation = 1.5").expect_err("out of range");
    assert!(error.contains("`correlation` is out of range"), "{error}");
}

#[test]
fn equal_quantiles_are_a_constant_table_to_the_byte() {
    let varying = parse(&format!("{HEADER}\nm,a,2.5,2.5,2.5,2.5,2.5,3,64\nm,b,1,1,1,1,1,0,0\n"));
    let constant = parse("model,layer,latency_us,energy_uj,dram_bytes\nm,a,2.5,3,64\nm,b,1,0,0\n");
    assert_eq!(varying.identity(), constant.identity());
    assert!(varying.variation().is_none());
}

#[test]
fn quantiles_are_read_strictly() {
    let row = |cells: &str| problems(&format!("{HEADER}\nm,a,1,2,3,4,5,0,0\n{cells}\n"));
    assert_eq!(
        row("m,b,1,2,3,2.5,5,0,0"),
        "3:11 `2.5` in column `latency_p99_us` is below that in column `latency_p90_us`"
    );
    assert_eq!(
        row("m,b,1,,3,x,5,0,0"),
        "3:7 the cell in column `latency_p50_us` is empty\n3:10 `x` in column `latency_p99_us` is no number of microseconds"
    );
    assert_eq!(
        problems("model,layer,latency_min_us,latency_p50_us,latency_max_us\nm,a,1,2,3\n"),
        "1:1 the table has no column `latency_p90_us`\n1:1 the table has no column `latency_p99_us`"
    );
    assert_eq!(
        problems(&format!("{HEADER},latency_us\nm,a,1,2,3,4,5,0,0,2\n")),
        "1:1 the table has `latency_us` beside quantiles, whose mean says the same in another way"
    );
    for other in ["p50_us", "p95", "min_us", "max_us", "latency_p95_us", "mean_us"] {
        let said = problems(&format!("model,layer,latency_us,{other}\nm,a,1,2\n"));
        assert_eq!(said, format!("1:1 column `{other}` is not read, and would change what the rows say"));
    }
    parse(&format!("{HEADER},_latency_us,notes\nm,a,1,2,3,4,5,0,0,2.3,warm\n"));
}

#[test]
fn what_has_nothing_to_correlate_is_refused() {
    let text = format!(
        "{{ model = \"table\", file = '{}', correlation = 0.3 }}",
        data("costs_of_latency_alone.csv")
    );
    let error = load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect_err("no quantiles");
    let said = error.render(false);
    assert!(said.contains("varies, so that there is nothing to correlate"), "{said}");
}

#[test]
fn a_calibration_corrects_each_quantile() {
    let plain = accelerator("").expect("a table");
    let corrected = accelerator(", calibration = { a_us_per_kb = 8, b_us_per_us = 2, c_us = 1 }")
        .expect("a calibrated table");
    let head = layer("head");
    let head = LayerOf { model: "own", layer: &head };
    let quantiles = corrected.variation().expect("varies").quantiles(head, 1).expect("varies");
    // 64 bytes are half a microsecond.
    assert_eq!(quantiles.values().map(Duration::picoseconds), [1.5, 21.5, 25.5, 61.5, 201.5].map(us));
    let mean =
        |model: &dyn CostModel| model.work(head, Condition::Profile).expect("a cost").compute.picoseconds();
    assert_eq!(mean(corrected.as_ref()), 2 * mean(plain.as_ref()) + us(1.5));
    assert_eq!(corrected.variation().expect("varies").correlation().value(), 0.5);
}

/// Two layers of a model on a platform of two accelerators with one table, at 4 and 1 bytes a nanosecond.
fn costs(keys: &str) -> (IsolatedCosts, Platform) {
    let text = format!(
        "source = \"a test\"\nclock_mhz = 1000\nshared_dram = {{ bandwidth = 4, sharing = \"static\" }}\n\
         [[accelerator]]\nname = \"a\"\nmodel = \"table\"\nfile = '{0}'\ndram_share = 0.75\n{keys}\n\
         [[accelerator]]\nname = \"b\"\nmodel = \"table\"\nfile = '{0}'\ndram_share = 0.25\n{keys}\n",
        data("varying_costs.csv")
    );
    let platform = load::platform_of(&Source::new("platform", text), Mode::Corrected)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let names = ["down1", "down2"].map(layer).to_vec();
    let model =
        Model::of_layers("xrbench/es_ritnet".to_owned(), "a test".to_owned(), Shapes::Independent, names);
    let models = [model];
    let table = CostTable::new(&platform, &models).expect("costs");
    (IsolatedCosts::new(&models, &platform, Arc::new(table)), platform)
}

#[test]
fn estimates_are_means_and_the_truth_is_at_the_ranks() {
    let (costs, platform) = costs("");
    assert!(platform.varies());
    let model = ModelId::new(0);
    assert!(costs.varies(model));
    let [fast, slow] = [0, 1].map(ClassId::new);
    // 1 MiB takes about 1049 us at 1 byte a nanosecond, above all quantiles, and 350 at 3 bytes, above all but one.
    let [transfer, alone] = [fast, slow].map(|class| costs.parts(model, 0, class).transfer.picoseconds());
    assert!(transfer.abs_diff(us(349.525)) < 1_000 && alone.abs_diff(us(1_048.576)) < 1_000);
    let latency = |class| costs.latency(model, 0, class).picoseconds();
    assert_eq!(latency(slow), alone);
    // In the last of 100 cases the part above counts, half of it in the mean over the way there.
    let above = us(400.0) as f64 - transfer as f64;
    let extra = 0.01 * above * above / (2.0 * us(209.999_999) as f64);
    assert_eq!(latency(fast), transfer + extra.round() as u64);
    let draws = Draws::new(1, Stream::Latency, "a");
    let mut ranks = costs.ranks();
    let (mut longest, mut sum) = (0, 0.0);
    let jobs = 20_000;
    for frame in 0..jobs {
        costs.draw(model, draws, frame, ranks.of_mut(0));
        let outcome = Outcome { row: 0, ranks: ranks.of(0) };
        let of = |layer, class| costs.true_latency(model, outcome, layer, class);
        assert_eq!([of(0, slow), of(1, slow), of(1, fast)], [alone, us(7.0), us(7.0)]);
        assert_eq!(costs.true_latency_between(model, outcome, 0, 2, fast), of(0, fast) + of(1, fast));
        let parts = costs.true_parts(model, outcome, 0, fast, platform.accelerators[0].dram_share);
        assert_eq!(parts.latency().picoseconds(), of(0, fast));
        assert_eq!(parts.demand, costs.parts(model, 0, fast).demand);
        // The same work is done, however long it takes.
        assert_eq!(costs.true_energy(model, outcome, 0, fast).total().picojoules(), 310.5e6);
        longest = longest.max(of(0, fast));
        sum += of(0, fast) as f64;
    }
    assert!((us(390.0)..=us(400.0)).contains(&longest), "{longest}");
    let mean = sum / jobs as f64;
    assert!((mean - latency(fast) as f64).abs() < 60_000.0, "{mean} is not {}", latency(fast));
    // Who knows nothing of the draw has the mean.
    assert_eq!(costs.true_latency(model, Outcome::default(), 0, fast), latency(fast));
}

#[test]
fn jobs_have_the_same_ranks_wherever_they_run() {
    let (costs, _) = costs("correlation = 0.3");
    let (other, _) = self::costs("correlation = 0.9");
    let model = ModelId::new(0);
    let draws = Draws::new(1, Stream::Latency, "a");
    let ranks = |costs: &IsolatedCosts, frame| {
        let mut ranks = costs.ranks();
        costs.draw(model, draws, frame, ranks.of_mut(0));
        ranks.of(0).to_vec()
    };
    // One rank a layer for both accelerators, whose correlation is one.
    assert_eq!(ranks(&costs, 7).len(), 2);
    assert_eq!(ranks(&costs, 7), ranks(&costs, 7));
    assert_ne!(ranks(&costs, 7), ranks(&costs, 8));
    assert_ne!(ranks(&costs, 7), ranks(&other, 7));
}
