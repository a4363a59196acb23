//! The formulas that look-up tables and predictors are made of, against recorded values.

use crate::dysta_cases;

use dysta_cases::text;
use rtmm_reference::dysta::Predictor;
use rtmm_reference::dysta::predictor::Ratios;
use rtmm_reference::dysta::sanger::latency_s;
use serde::Deserialize;

#[derive(Deserialize)]
struct Latencies {
    /// Density, balance, sequence length, seconds.
    rows: Vec<(f64, f64, u32, f64)>,
}

#[test]
fn attention_layers_take_what_the_program_says() {
    let golden = text(include_bytes!("golden/dysta/sanger_latency.json.gz"));
    let golden: Latencies = serde_json::from_str(&golden).expect("JSON");
    assert_eq!(golden.rows.len(), 624);
    for (density, balance, length, seconds) in golden.rows {
        assert_eq!(latency_s(density, balance, length), seconds, "{density} {balance} {length}");
    }
}

#[derive(Deserialize)]
struct Predictions {
    cases: Vec<Prediction>,
}

#[derive(Deserialize)]
struct Prediction {
    avg: Vec<f64>,
    measured: Vec<f64>,
    average_all: f64,
    last_3: f64,
    last_one: f64,
}

#[test]
fn predictors_make_of_measurements_what_the_program_does() {
    let golden = text(include_bytes!("golden/dysta/predictors.json.gz"));
    let golden: Predictions = serde_json::from_str(&golden).expect("JSON");
    assert_eq!(golden.cases.len(), 60);
    for case in golden.cases {
        let mut ratios = Ratios::default();
        case.measured
            .iter()
            .zip(&case.avg)
            .for_each(|(measured, average)| ratios.measure(*measured, *average));
        let gamma = |predictor| ratios.gamma(predictor, false);
        assert_eq!(gamma(Predictor::AverageAll), case.average_all);
        assert_eq!(gamma(Predictor::LastN), case.last_3);
        assert_eq!(gamma(Predictor::LastOne), case.last_one);
    }
}

/// Quirk 5: two ratios of 1.5 are 1 on average over three.
#[test]
fn few_ratios_are_biased_unless_fixed() {
    let mut ratios = Ratios::default();
    assert_eq!(ratios.gamma(Predictor::LastN, false), 1.0);
    for expected in [[0.5, 1.5], [1.0, 1.5], [1.5, 1.5], [1.5, 1.5]] {
        ratios.measure(0.25, 0.5);
        assert_eq!([false, true].map(|fixed| ratios.gamma(Predictor::LastN, fixed)), expected);
    }
}
