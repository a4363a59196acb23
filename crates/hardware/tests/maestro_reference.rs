//! The reference mode of `maestro` against the published tool: every row of the golden, every
//! integer, and energy to all printed digits.
//!
//! `golden/xrbench_layer_costs.csv.gz`: per (layer, dataflow, processing elements, bandwidth) what
//! the XRBench artifact's tool (MLSys 2023) prints; energies have at most 10 significant digits.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::io::Read;

use rtmm_hardware::{Explainer, LayerOf, Mode, Quantity, load};
use rtmm_workload::{Layer, Legality, Model, Operator, PublishedShape, load as workload};

const GOLDEN: &[u8] = include_bytes!("golden/xrbench_layer_costs.csv.gz");
/// Energies are printed with at most ten significant digits.
const ENERGY_TOLERANCE: f64 = 1e-9;

fn golden() -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(GOLDEN).read_to_string(&mut text).expect("the golden decompresses");
    text
}

#[test]
fn every_published_layer_cost_is_reproduced() {
    let text = golden();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let mut models: BTreeMap<String, Model> = BTreeMap::new();
    let mut accelerators = BTreeMap::new();
    let mut rows = 0;
    for record in reader.records() {
        let record = record.expect("a row");
        let model = models.entry(record[0].to_owned()).or_insert_with(|| {
            let name = format!("xrbench/{}", record[0].to_lowercase());
            workload::model(&name, None, Legality::Published).expect("a built-in model")
        });
        let key = (record[3].to_owned(), record[4].to_owned(), record[5].to_owned());
        let accelerator = accelerators.entry(key.clone()).or_insert_with(|| {
            let text = format!(
                "{{ model = \"maestro\", dataflow = \"{}\", pes = {}, noc_bandwidth = {} }}",
                key.0, key.1, key.2
            );
            load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Reference).expect("an accelerator")
        });
        let layer = &model.layers[record[1].parse::<usize>().expect("an index")];
        assert_eq!(layer.name, &record[2]);
        let mut values = Vec::new();
        Explainer::of(accelerator.cost_model.as_ref())
            .report(LayerOf { model: &model.name, layer }, &mut values)
            .expect("a cost");
        assert_eq!(
            Explainer::of(accelerator.cost_model.as_ref()).columns(),
            header.iter().skip(6).collect::<Vec<_>>()
        );
        for (column, (value, expected)) in values.iter().zip(record.iter().skip(6)).enumerate() {
            let place = || format!("{:?} {}", &record, &header[column + 6]);
            match value {
                Quantity::Integer(value) => assert_eq!(value.to_string(), expected, "{}", place()),
                Quantity::Real(value) => {
                    let expected: f64 = expected.parse().expect("a number");
                    assert!(
                        (value - expected).abs() <= ENERGY_TOLERANCE * expected.abs(),
                        "{value} {expected} {}",
                        place()
                    );
                }
            }
        }
        rows += 1;
    }
    assert_eq!(rows, 22_785);
}

/// Depthwise rows (`DSCONV`) do not occur in the published tables; the tool was run on this one.
#[test]
fn a_depthwise_row_costs_what_the_tool_says() {
    let shape = PublishedShape { k: 1, c: 64, r: 3, s: 3, y: 58, x: 58, depthwise: true };
    let mut layer = workload::model("xrbench/kd_res8_narrow", None, Legality::Published)
        .expect("a built-in model")
        .layers
        .swap_remove(0);
    layer.published = Some(shape);
    let values = report(&layer, "WS");
    assert_eq!([&values[0], &values[2]], ["32256", "7225344"]);
    let energy: f64 = values[1].parse().expect("a number");
    assert!((energy - 69_949.863936).abs() < ENERGY_TOLERANCE * energy);
}

/// A convolution written in the project's own format is given to the tool as the row it would be.
#[test]
fn own_depthwise_layers_become_published_rows() {
    let mut layer = workload::model("xrbench/ge_fbnet_c", None, Legality::Strict)
        .expect("a built-in model")
        .layers
        .swap_remove(1);
    let Operator::Convolution(convolution) = layer.operator else { panic!("a convolution") };
    assert!(convolution.is_depthwise());
    let dense = report(&layer, "WS");
    layer.published = None;
    let depthwise = report(&layer, "WS");
    assert_ne!(dense, depthwise, "the published table enters depthwise layers as dense ones");
}

fn report(layer: &Layer, dataflow: &str) -> Vec<String> {
    let text =
        format!("{{ model = \"maestro\", dataflow = \"{dataflow}\", pes = 4096, noc_bandwidth = 256 }}");
    let accelerator =
        load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Reference).expect("an accelerator");
    let mut values = Vec::new();
    Explainer::of(accelerator.cost_model.as_ref()).report(layer.into(), &mut values).expect("a cost");
    values.iter().map(ToString::to_string).collect()
}
