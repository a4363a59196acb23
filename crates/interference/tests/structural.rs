//! The structural predictor on groups that are of its form.

use rtmm_interference::protocols::{leave_one_combination_out, predict_left_out};
use rtmm_interference::score::Score;
use rtmm_interference::{
    FitError, Group, Measurements, ModelKey, Parameters, PredictorRegistry, Query, Segment, Training,
};

/// Groups whose modules cost `100 (m + 1)` us for the model `m` and each input, of which a quarter does not overlap, after 50 us.
fn hand_made() -> (Measurements, Vec<ModelKey>) {
    let mut measurements = Measurements::default();
    let models: Vec<ModelKey> = ["a", "b", "c"].map(|name| measurements.names.key(name)).into();
    let time = |of: &Segment| {
        let cost = 100.0 * (of.model.index() + 1) as f64;
        cost * f64::from(of.batch) * f64::from(of.end - of.start)
    };
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        for place in 0..64_u32 {
            let segment = |model: usize, at: u32| Segment {
                model: models[model],
                start: at % 4,
                end: 4,
                batch: 1 << (at / 4 % 2),
                sequence: 0,
            };
            let segments = [segment(one, place % 8), segment(other, place / 8)];
            let [first, second] = [time(&segments[0]), time(&segments[1])];
            let observed_us = Some(50.0 + first.max(second) + 0.25 * first.min(second));
            measurements.groups.push(Group { segments: segments.into(), observed_us, deviation_us: None });
        }
    }
    (measurements, models)
}

#[test]
fn costs_of_modules_and_the_part_that_does_not_overlap_are_found() {
    let (measurements, models) = hand_made();
    let row = PredictorRegistry::built_in().find("structural").unwrap();
    let parameters = Parameters::defaults(row.schema());
    // Each pair is predicted from the others.
    let left_out = predict_left_out(&leave_one_combination_out(&measurements), row, &parameters).unwrap();
    let score = Score::of(left_out.into_iter().flatten()).unwrap();
    assert!(score.mape < 2.0, "{score:?}");
    let predictor = row.fit(&parameters, &Training::of(&measurements)).unwrap();
    let segment =
        |model: usize, batch: u32| Segment { model: models[model], start: 0, end: 4, batch, sequence: 0 };
    let of = |segments: &[Segment]| predictor.predict(&Query::Group(segments)).unwrap().mean_us();
    let near = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 0.03, "{found}, not {expected}");
    };
    // Three members, of which two are one model; and a batch that was not measured, which is in proportion.
    near(of(&[segment(0, 1), segment(2, 1), segment(2, 1)]), 50.0 + 1_200.0 + 0.25 * 1_600.0);
    near(of(&[segment(1, 8)]), 50.0 + 6_400.0);
    assert_eq!(of(&[segment(0, 1), segment(2, 2)]).to_bits(), of(&[segment(2, 2), segment(0, 1)]).to_bits());
}

#[test]
fn more_modules_than_a_fit_ends_with_are_refused() {
    let (mut measurements, models) = hand_made();
    for (batch, model) in (1..=90).flat_map(|batch| models.iter().map(move |model| (batch, *model))) {
        let deep = Segment { model, start: 0, end: 4_096, batch, sequence: 0 };
        measurements.groups.push(Group {
            segments: [deep].into(),
            observed_us: Some(1e3),
            deviation_us: None,
        });
    }
    let row = PredictorRegistry::built_in().find("structural").unwrap();
    let refused = row.fit(&Parameters::defaults(row.schema()), &Training::of(&measurements)).unwrap_err();
    assert!(matches!(refused, FitError::TooManyModules { has, .. } if has > 1_000_000), "{refused}");
    assert!(!refused.help().is_empty());
}
