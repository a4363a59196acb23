//! The `table` cost model: reading measured costs strictly, and looking them up by name.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_hardware::table::MeasuredTable;
use rtmm_hardware::{
    Condition, CostError, CostModel, DRAM, Explainer, LayerOf, Mode, Quantity, Unmatched, load,
};
use rtmm_workload::input::Source;
use rtmm_workload::{Duration, Gemm, Layer, Model, Operator, Shapes};

fn layer(name: &str) -> Layer {
    let operator = Operator::Gemm(Gemm { rows: 1, inner: 1, columns: 1 });
    Layer::new(name, operator)
}

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What is wrong with a table of `tests/data`: line, column and message of each problem.
fn problems(name: &str) -> String {
    let text = format!("{{ model = \"table\", file = '{}' }}", data(name));
    let problems = load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect_err("problems");
    let place = |problem: &rtmm_workload::input::Diagnostic| {
        problem.place().map_or_else(String::new, |(_, line, column)| format!("{line}:{column} "))
    };
    problems
        .iter()
        .map(|problem| format!("{}{}", place(problem), problem.message()))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn costs_are_looked_up_by_model_and_layer() {
    let text = format!("{{ model = \"table\", file = '{}' }}", data("costs.csv"));
    let decoded = load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let model = decoded.cost_model.as_ref();
    assert!(!model.depends_on_shape_only());
    let work =
        |name: &str, of: &str| model.work(LayerOf { model: name, layer: &layer(of) }, Condition::Profile);
    let down = work("xrbench/es_ritnet", "down1").expect("a cost");
    assert_eq!(down.latency(), Duration::from_picoseconds(128_250_001));
    assert_eq!(down.energy.total(), 310.5e6);
    assert_eq!(down.traffic[DRAM], 1_048_576);
    assert_eq!(down.quanta, 8);
    assert_eq!(work("xrbench/es_ritnet", "down2").expect("a cost").latency(), Duration::ZERO);
    assert_eq!(work("own/model", "last, at all").expect("a cost").quanta, u32::MAX);
    for (name, of) in [("own/model", "down1"), ("xrbench/es_ritnet", "Down1"), ("", "down1")] {
        let missing = CostError::NotMeasured { model: name.to_owned(), layer: of.to_owned() };
        assert_eq!(work(name, of), Err(missing));
    }

    let down = layer("down1");
    let down = LayerOf { model: "xrbench/es_ritnet", layer: &down };
    let mut row = Vec::new();
    Explainer::of(model).report(down, &mut row).expect("a cost");
    assert_eq!(Explainer::of(model).columns(), ["latency_ps", "energy_pj", "dram_bytes", "quanta"]);
    assert_eq!(
        row,
        [
            Quantity::Integer(128_250_001),
            Quantity::Real(310.5e6),
            Quantity::Integer(1_048_576),
            Quantity::Integer(8)
        ]
    );
    let explanation = Explainer::of(model).explanation(down).expect("an explanation");
    assert_eq!(explanation.sections[0].title, "As measured: line 2 of the table");
}

#[test]
fn optional_columns_may_be_absent() {
    let source = Source::new("costs", "layer,latency_us,model\nl,12,m\n");
    let table = MeasuredTable::parse(&source).unwrap_or_else(|problems| panic!("{problems}"));
    let work = table.work(LayerOf { model: "m", layer: &layer("l") }, Condition::Profile).expect("a cost");
    assert_eq!(work.latency(), Duration::from_picoseconds(12_000_000));
    assert_eq!((work.energy.total(), work.traffic[DRAM], work.quanta), (0.0, 0, 1));
}

#[test]
fn a_platform_names_tables_beside_it_and_shares_equal_ones() {
    let platform = load::platform(&data("measured_platform.toml"), None, Mode::Corrected)
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(platform.accelerators.len(), 3);
    assert_eq!(platform.configurations.len(), 2);
    assert_eq!(platform.configurations[0].label, "table costs.csv");
}

#[test]
fn the_identity_is_the_content() {
    let identity = |text: &str| {
        MeasuredTable::parse(&Source::new("costs", text))
            .unwrap_or_else(|problems| panic!("{problems}"))
            .identity()
    };
    let one = identity("model,layer,latency_us\nm,a,1\nm,b,2.5\n");
    assert_eq!(
        one,
        r#"{"model":"table","rows":{"m":{"a":{"latency":1000000,"energy_pj":0.0,"dram_bytes":0,"quanta":1},"b":{"latency":2500000,"energy_pj":0.0,"dram_bytes":0,"quanta":1}}}}"#
    );
    assert_eq!(one, identity("layer,model,latency_us,note\nb,m,2.50,x\n\na,m,1,y\n"));
    assert_ne!(one, identity("model,layer,latency_us\nm,a,1\nm,b,2.500001\n"));
    assert_ne!(one, identity("model,layer,latency_us\nm,a,1\nn,b,2.5\n"));
}

#[test]
fn every_bad_cell_is_reported_with_its_place() {
    insta::assert_snapshot!(problems("costs_with_problems.csv"), @r##"
    3:12 `0.0000001` in column `latency_us` is no latency: finer than a picosecond
    4:3 the cell in column `layer` is empty
    5:9 `NaN` in column `energy_uj` is out of range
    6:14 `inf` in column `energy_uj` is out of range
    7:12 `-1` in column `latency_us` is no number of microseconds
    7:17 `-3` in column `dram_bytes` is out of range
    7:20 `0` in column `quanta` is out of range
    8:11 the cell in column `energy_uj` is empty
    9:1 layer `good` has a cost in line 2 already
    10:1 this row has 4 cells and the header 6
    11:18 `3.5` in column `dram_bytes` is no whole number
    "##);
}

#[test]
fn missing_columns_rows_and_files_are_reported() {
    insta::assert_snapshot!(problems("costs_without_columns.csv"), @r##"
    1:1 the table has no column `layer`
    1:1 the table has no column `latency_us`
    "##);
    insta::assert_snapshot!(problems("costs_without_rows.csv"), @r##"
    1:1 the cost table has no rows
    "##);
    let missing = problems("nowhere.csv");
    assert!(missing.contains("nowhere.csv: cannot be read"), "{missing}");
    let error = load::accelerator("{ model = \"table\" }", load::DEFAULT_CLOCK_HZ, Mode::Corrected)
        .expect_err("no file");
    insta::assert_snapshot!(error.render(false), @r##"
    error: `accelerator` has no `file`
     --> --accelerator:1:15
      |
    1 | accelerator = { model = "table" }
      |               ^^^^^^^^^^^^^^^^^^^
      |
      = help: add `file = ...`
    "##);
}

#[test]
fn a_bad_cell_is_shown_in_its_row() {
    let source = Source::new("costs.csv", "model,layer,latency_us\nm,l,fast\n");
    let problems = MeasuredTable::parse(&source).expect_err("a problem");
    insta::assert_snapshot!(problems.render(false), @r##"
    error: `fast` in column `latency_us` is no number of microseconds
     --> costs.csv:2:5
      |
    2 | m,l,fast
      |     ^^^^
      |
      = help: write microseconds as a decimal number from 0, such as 12.5 or 1.25e1
    "##);
}

#[test]
fn costs_under_other_names_are_refused_and_notes_are_not() {
    let read = |more: &str| {
        let text = format!("model,layer,latency_us,{more}\nm,l,5,1\n");
        MeasuredTable::parse(&Source::new("costs.csv", text)).map_err(|problems| problems.to_string())
    };
    for column in
        ["time", "time_us", "Time (ms)", "cycles", "Cycles", "traffic", "traffic_kb", "bytes", "duration_ms"]
            .into_iter()
            .chain([
                "p75_us",
                "p75",
                "median_us",
                "median",
                "avg_us",
                "std_us",
                "std",
                "power_mw",
                "avg latency (s)",
            ])
    {
        let problems = read(column).expect_err(column);
        let message = format!("column `{column}` is not read, and would change what the rows say");
        assert!(problems.contains(&message), "{problems}");
    }
    for column in [
        "note",
        "mode",
        "sram_ifmap_kb",
        "_time",
        "timestamp",
        "time_of_day",
        "compute_cycles",
        "macs",
        "mean_of",
        "power_mode",
        "ms",
        "device",
    ] {
        assert!(read(column).is_ok(), "{column}");
    }
    let controlled =
        MeasuredTable::parse(&Source::new("costs.csv", "model,layer,latency_us\nm,\u{1b}[2Jl,5\n"));
    let problems = controlled.expect_err("a control character").to_string();
    assert!(problems.contains("the cell in column `layer` has a control character"), "{problems}");
    assert!(!problems.contains('\u{1b}'), "{problems:?}");
}

#[test]
fn rows_that_match_no_layer_are_counted() {
    let text = "model,layer,latency_us\nm,a,1\nm,ab,1\nm,c,1\nother,a,1\nother,b,1\n";
    let table =
        MeasuredTable::parse(&Source::new("costs", text)).unwrap_or_else(|problems| panic!("{problems}"));
    let model = |name: &str, layers: &[&str]| {
        let layers = layers.iter().map(|name| layer(name)).collect();
        Model::of_layers(name.to_owned(), "a test".to_owned(), Shapes::Independent, layers)
    };
    let counts = |models: &[Model]| {
        let Unmatched { rows, of_other_models, of_no_layer, first } = table.unmatched(models);
        (
            rows,
            of_other_models,
            of_no_layer,
            first.map(|(model, layer, line)| format!("{model} {layer} {line}")),
        )
    };
    let m = model("m", &["a", "b"]);
    assert_eq!(counts(std::slice::from_ref(&m)), (5, 2, 2, Some("m ab 3".to_owned())));
    assert_eq!(counts(&[m, model("other", &["b", "a", "z"])]), (5, 0, 2, Some("m ab 3".to_owned())));
    // Two networks may have one name: a row is of either.
    let both = [model("m", &["a", "ab"]), model("m", &["c"]), model("other", &["a", "b"])];
    assert_eq!(counts(&both), (5, 0, 0, None));
    assert_eq!(counts(&[]), (5, 5, 0, None));
}
