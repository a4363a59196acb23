//! Overlap rules on an inference that has a co-runner for part of its time, computed by hand.
//!
//! The inference has 10 ms of work and its co-runner 4; both start together, and slow each other down to 1.3 and 1.5 times.
//! The co-runner ends at 6 ms, the inference at 11.3846 ms: its true slowdown is 1.13846.

use rtmm_interference::{
    CoRun, Inference, Interval, Measurements, Overlap, Parameters, PredictorRegistry, Query, Running, Share,
    Training,
};
use rtmm_workload::input::Source;

const SOLO: &str = "model,batch,latency_ms,l2_util_pct,dram_util_pct\ni,1,10,20,30\nj,1,4,35,10\n";
const PAIRS: &str = "model_a,model_b,batch_a,batch_b,lat_a_ms,lat_b_ms\n\
    i,j,1,1,13,6\ni,j,1,1,13,6\ni,j,1,1,13,6\n";

/// The slowdown that a predictor says of the inference.
fn slowdown(predictor: &str, settings: &[(&str, &str)]) -> f64 {
    let sources = [Source::new("solo.csv", SOLO), Source::new("pairs.csv", PAIRS)];
    let measurements = Measurements::read(&sources).unwrap();
    let model = |name: &str| measurements.names.find(name).unwrap();
    let inference =
        |name: &str, solo_us: f64| Inference { model: model(name), batch: 1, share: Share::WHOLE, solo_us };
    let row = PredictorRegistry::built_in().find(predictor).unwrap();
    let mut parameters = Parameters::defaults(row.schema());
    for (key, value) in settings {
        parameters.set_text(key, value).unwrap();
    }
    let predictor = row.fit(&parameters, &Training::of(&measurements)).unwrap();
    let beside = Interval { wall_us: 6_000.0, running: Running::first(1) };
    let alone = Interval { wall_us: 5_384.615_384_6, running: Running::NONE };
    let intervals = [beside, alone];
    let query = CoRun {
        own: inference("i", 10_000.0),
        others: &[inference("j", 4_000.0)],
        overlap: Overlap::Intervals(&intervals),
    };
    predictor.predict(&Query::from(query)).unwrap().mean_us() / 10_000.0
}

#[test]
fn work_weighted_overlap_is_exact_and_others_are_not() {
    for (predictor, settings, expected) in [
        ("strait-reading", [("overlap", "full"), ("update", "static")], 1.3),
        ("strait-reading", [("overlap", "wall"), ("update", "static")], 1.158_11),
        ("strait-reading", [("overlap", "work"), ("update", "static")], 1.138_46),
        ("strait-reading", [("overlap", "work"), ("gated", "true")], 1.138_46),
        // One step of the running average: 0.7 of the co-runner is left.
        ("strait-reading", [("overlap", "ewma"), ("update", "static")], 1.21),
        // 5,384.6 us alone are 0.897 steps: 0.7 to that power is left.
        ("strait-reading", [("overlap", "ewma"), ("ewma_tick_us", "6000")], 1.217_834),
        ("rate", [("granularity", "fine"), ("update", "static")], 1.138_46),
        ("rate", [("granularity", "coarse"), ("update", "static")], 1.3),
    ] {
        let found = slowdown(predictor, &settings);
        assert!((found - expected).abs() < 1e-5, "{predictor} {settings:?}: {found}, not {expected}");
    }
    let found = slowdown("gpulet", &[]);
    assert!((found - 1.3).abs() < 1e-5, "gpulet: {found}");
    assert_eq!(slowdown("none", &[]), 1.0);
}

/// gpulet's published weights on its published utilisations: a batch of 4 of `bert` on 40 % of a 2080 Ti beside a batch of 16
/// of `vgg16` on the rest.
#[test]
fn published_weights_take_utilisations_in_proportion_to_the_share() {
    let measurements = rtmm_interference::load::measurements(&["gpulet/utilisation"]).unwrap();
    let of = |name: &str, batch, percent: f64| Inference {
        model: measurements.names.find(name).unwrap(),
        batch,
        share: Share::percent(percent).unwrap(),
        solo_us: 1_000.0,
    };
    let row = PredictorRegistry::built_in().find("gpulet").unwrap();
    let mut parameters = Parameters::defaults(row.schema());
    parameters.set_text("coefficients", "2080ti").unwrap();
    let predictor = row.fit(&parameters, &Training::of(&measurements)).unwrap();
    let (own, others) = (of("bert", 4, 40.0), [of("vgg16", 16, 60.0)]);
    let query = CoRun { own, others: &others, overlap: Overlap::Whole };
    let expected = 0.112_908_39 * 0.4 * 0.140_061_92
        + 0.715_959_87 * 0.6 * 0.305_208_14
        + 0.354_865_92 * 0.4 * 0.303_156_19
        + 0.088_203_83 * 0.6 * 0.608_393_8
        + 0.895_369_39;
    let found = predictor.predict(&query.into()).unwrap().mean_us() / 1_000.0;
    assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
}
