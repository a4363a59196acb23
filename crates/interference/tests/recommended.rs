//! Errors of the predictors that are recommended, on what they were not fitted to.

use rtmm_interference::protocols::{
    after, leave_one_combination_out, of_combination, predict_left_out, shuffled_labels,
};
use rtmm_interference::replay::Answer;
use rtmm_interference::score::Score;
use rtmm_interference::{
    Device, Group, Measurements, ModelKey, Parameters, PredictorRegistry, PredictorRow, Query, Segment,
    Training, load,
};

fn row(name: &str) -> (&'static PredictorRow, Parameters) {
    let row = PredictorRegistry::built_in().find(name).unwrap();
    (row, Parameters::defaults(row.schema()))
}

fn mape(answers: impl IntoIterator<Item = Answer>) -> f64 {
    Score::of(answers).unwrap().mape
}

/// Segment of a model of four modules.
fn segment(model: ModelKey, start: u32, batch: u32) -> Segment {
    Segment { model, start, end: 4, batch, sequence: 0 }
}

/// Models of which two keep a GPU busy, 100 us an input and module, and two wait for launches, 300 us a module: busy ones
/// take turns, and whoever waits hides behind another. `slow` is the time of the work on a device.
fn hand_made(slow: f64) -> (Measurements, [ModelKey; 4]) {
    let mut measurements = Measurements::default();
    let models = ["busy-1", "busy-2", "waits-1", "waits-2"].map(|name| measurements.names.key(name));
    let time = |segment: &Segment| {
        let modules = f64::from(segment.end - segment.start);
        let busy = segment.model == models[0] || segment.model == models[1];
        let work = if busy { 100.0 * slow * f64::from(segment.batch) * modules } else { 0.0 };
        (if busy { work } else { 300.0 * modules }, work)
    };
    for (one, other) in (0..4).flat_map(|one| (one..4).map(move |other| (models[one], models[other]))) {
        for start in 0..16 {
            for batches in 0..9 {
                let segments = [
                    segment(one, start % 4, 1 << (batches % 3)),
                    segment(other, start / 4, 1 << (batches / 3)),
                ];
                let [(first, first_work), (second, second_work)] = [time(&segments[0]), time(&segments[1])];
                let observed_us = Some(50.0 + first.max(second).max(first_work + second_work));
                measurements.groups.push(Group {
                    segments: segments.into(),
                    observed_us,
                    deviation_us: None,
                });
            }
        }
    }
    (measurements, models)
}

#[test]
fn an_unseen_mix_is_predicted_from_what_its_members_do_in_others() {
    let (measurements, [one, other, waits, _]) = hand_made(1.0);
    let (row, parameters) = row("module-rate");
    for mix in [[one, other], [one, waits]] {
        let split = of_combination(&measurements, &mix);
        let answers = predict_left_out(&[split], row, &parameters).unwrap();
        let error = mape(answers.into_iter().flatten());
        assert!(error < 6.0, "{mix:?}: {error}");
    }
}

#[test]
fn a_group_is_predicted_without_an_allocation() {
    let (measurements, [busy, other, waits, _]) = hand_made(1.0);
    let (row, parameters) = row("boosted-residual");
    let predictor = row.fit(&parameters, &Training::of(&measurements)).unwrap();
    let members: Vec<Segment> = [busy, other, waits, busy, other].map(|model| segment(model, 0, 3)).into();
    let predict = || {
        (1..=members.len()).rev().all(|count| predictor.predict(&Query::Group(&members[..count])).is_some())
    };
    // The first prediction of a thread makes its buffers.
    assert!(predict());
    let again = allocation_counter::measure(|| assert!(predict()));
    assert_eq!(again.count_total, 0);
}

#[test]
fn another_device_is_learnt_from_few_observations() {
    let (measurements, _) = hand_made(1.0);
    let (slower, _) = hand_made(3.0);
    let (row, parameters) = row("module-rate");
    let predictor =
        row.fit(&parameters, &Training { measurements: &measurements, device: Device::New }).unwrap();
    let before = mape(after(predictor.as_ref(), &slower, 1, 0));
    let later = mape(after(predictor.as_ref(), &slower, 1, 40));
    assert!(later < 6.0 && later < before, "{before} before, {later} after 40 observations");
}

/// What was never seen has a prediction all the same: larger inputs, more modules, more members, another model.
#[test]
fn predictions_reach_beyond_what_was_seen() {
    let (mut measurements, [busy, other, waits, _]) = hand_made(1.0);
    let unseen = measurements.names.key("unseen");
    let (row, parameters) = row("module-rate");
    let predictor = row.fit(&parameters, &Training::of(&measurements)).unwrap();
    let mean = |segments: &[Segment]| predictor.predict(&Query::Group(segments)).unwrap().mean_us();
    let alone = mean(&[segment(busy, 0, 4)]);
    let between = mean(&[segment(busy, 0, 3)]);
    assert!(mean(&[segment(busy, 0, 2)]) < between && between < alone);
    let larger = mean(&[segment(busy, 0, 64)]) / alone;
    assert!((12.0..18.0).contains(&larger), "{larger}");
    let longer = mean(&[Segment { end: 8, ..segment(busy, 0, 4) }]) / alone;
    assert!((1.7..2.2).contains(&longer), "{longer}");
    let both = mean(&[segment(busy, 0, 4), segment(other, 0, 4)]);
    let four = mean(&[segment(busy, 0, 4), segment(other, 0, 4), segment(busy, 0, 4), segment(waits, 0, 4)]);
    assert!(alone < both && both < four);
    assert!(mean(&[segment(unseen, 0, 1)]) < mean(&[segment(unseen, 0, 1), segment(busy, 0, 4)]));
    assert!(mean(&[Segment { end: 0, ..segment(busy, 0, 4) }]) < 100.0);
}

/// Segment groups of the slice of a GPU: a table that is fitted in a moment.
#[test]
fn groups_of_an_unseen_pair_are_predicted_and_shuffled_labels_are_not() {
    let measurements = load::measurements(&["abacus/a100-mig-pairs"]).unwrap();
    let pair = ["vgg19", "bert"].map(|name| measurements.names.find(name).unwrap());
    let split = of_combination(&measurements, &pair);
    let (row, parameters) = row("best");
    let fit = |measurements: &Measurements| row.fit(&parameters, &Training::of(measurements)).unwrap();
    let score = Score::of(after(fit(&split.fit).as_ref(), &split.left_out, 0, 0)).unwrap();
    assert!(score.mape < 8.0 && score.coverage > 80.0, "{score:?}");
    let shuffled = mape(after(fit(&shuffled_labels(&split.fit, 1)).as_ref(), &split.left_out, 0, 0));
    assert!(shuffled > 30.0, "{shuffled}");
}

#[test]
fn an_unseen_pair_of_models_is_known_after_thirty_rows() {
    let measurements = load::measurements(&["igniter/v100-pairs"]).unwrap();
    let (row, parameters) = row("best");
    let (mut at_once, mut later) = (Vec::new(), Vec::new());
    for split in leave_one_combination_out(&measurements) {
        let predictor = row.fit(&parameters, &Training::of(&split.fit)).unwrap();
        // File order, and five random ones.
        for order in 0..=5 {
            at_once.extend(after(predictor.as_ref(), &split.left_out, order, 0));
            later.extend(after(predictor.as_ref(), &split.left_out, order, 30));
        }
    }
    let (at_once, later) = (Score::of(at_once).unwrap(), Score::of(later).unwrap());
    assert!(at_once.mape < 3.5 && at_once.coverage > 85.0, "{at_once:?}");
    assert!(later.mape < 1.0 && later.coverage > 85.0, "{later:?}");
}
