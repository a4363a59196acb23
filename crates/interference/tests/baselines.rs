//! Errors of closed-form predictors, against those that were computed of the same measurements with other programs.

use rtmm_interference::protocols::{
    Split, at_batches_from, leave_one_combination_out, predict_left_out, random_folds, stream,
};
use rtmm_interference::replay::Answer;
use rtmm_interference::score::Score;
use rtmm_interference::{Measurements, Parameters, PredictorRegistry, PredictorRow, Training, load};

/// The largest difference to a published error, in percentage points.
const TOLERANCE: f64 = 0.3;

fn igniter() -> Measurements {
    let tables =
        ["igniter/v100-solo", "igniter/v100-pairs", "igniter/v100-power", "igniter/v100-coefficients"];
    load::measurements(&tables).unwrap()
}

fn row(name: &str) -> (&'static PredictorRow, Parameters) {
    let row = PredictorRegistry::built_in().find(name).unwrap();
    (row, Parameters::defaults(row.schema()))
}

/// Mean and 90th percentile of the errors over all answers together.
fn pooled(answers: Vec<Vec<Answer>>) -> [f64; 2] {
    let score = Score::of(answers.into_iter().flatten()).unwrap();
    [score.mape, score.p90]
}

/// Means over the parts of the mean and the 90th percentile of each.
fn by_part(answers: Vec<Vec<Answer>>) -> [f64; 2] {
    let parts = answers.len() as f64;
    let scores = answers.into_iter().map(|part| Score::of(part).unwrap());
    let sum = scores.fold([0.0; 2], |sum, score| [sum[0] + score.mape, sum[1] + score.p90]);
    sum.map(|sum| sum / parts)
}

#[track_caller]
fn check(what: &str, found: [f64; 2], expected: [f64; 2]) {
    println!("{what}: {found:.3?}, expected {expected:?}");
    let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= TOLERANCE);
    assert!(near, "{what}: {found:.3?}, expected {expected:?}");
}

/// Predictor, then mean and 90th percentile under random folds, left-out pairs and larger batches.
const ERRORS: [(&str, [[f64; 2]; 3]); 4] = [
    ("none", [[8.65, 13.3], [8.65, 11.7], [8.9, 13.3]]),
    ("constant", [[3.05, 5.84], [3.37, 6.07], [2.86, 5.91]]),
    ("gpulet", [[2.77, 5.72], [3.47, 6.53], [2.78, 5.79]]),
    ("pair-table", [[1.88, 3.64], [4.03, 7.04], [2.32, 4.45]]),
];

#[test]
fn closed_forms_have_the_errors_of_other_fits_on_the_same_pairs() {
    let measurements = igniter();
    let folds = random_folds(&measurements, 5, 1);
    let left_out = leave_one_combination_out(&measurements);
    let shift = [at_batches_from(&measurements, 16)];
    for (name, [random, unseen, larger]) in ERRORS {
        let (row, parameters) = row(name);
        let answers = |splits: &[Split]| predict_left_out(splits, row, &parameters).unwrap();
        check(&format!("{name}, random folds"), pooled(answers(&folds)), random);
        check(&format!("{name}, left-out pair"), by_part(answers(&left_out)), unseen);
        check(&format!("{name}, larger batches"), pooled(answers(&shift)), larger);
    }
}

#[test]
fn the_analytic_model_has_the_error_of_another_fit_of_it() {
    let measurements = igniter();
    let (row, parameters) = row("igniter");
    let whole = Split { name: String::new(), fit: measurements.clone(), left_out: measurements };
    check("igniter", pooled(predict_left_out(&[whole], row, &parameters).unwrap()), [3.7, 8.5]);
}

/// Errors over the whole stream of each left-out pair, five random orders, against those of other programs on other orders.
#[test]
fn streams_of_unseen_pairs_have_no_larger_errors_than_those_of_other_programs() {
    let measurements = igniter();
    for (name, indicators, expected) in [
        ("gpulet", "", [3.47, 6.78]),
        ("gpulet-bias", "", [1.96, 4.14]),
        ("gpulet-rls", "", [2.04, 4.56]),
        ("gpulet-rls", "true", [1.74, 3.63]),
    ] {
        let (row, mut parameters) = row(name);
        if !indicators.is_empty() {
            parameters.set_text("indicators", indicators).unwrap();
        }
        let mut answers = Vec::new();
        for split in leave_one_combination_out(&measurements) {
            let predictor = row.fit(&parameters, &Training::of(&split.fit)).unwrap();
            for order in 1..=5 {
                let streamed = stream(predictor.clone().as_mut(), &split.left_out, order);
                answers.push(streamed.answers().collect());
            }
        }
        let found = pooled(answers);
        println!("{name} {indicators}: {found:.3?}, expected {expected:?}");
        let no_worse = found.iter().zip(expected).all(|(found, expected)| *found <= expected + TOLERANCE);
        assert!(no_worse, "{name} {indicators}: {found:.3?}, expected {expected:?}");
    }
}

/// Orders of magnitude that coarse predictors of segment groups are known to have.
#[test]
fn coarse_predictors_of_groups_are_far_off() {
    let measurements = load::measurements(&["abacus/a100-pairs"]).unwrap();
    let folds = random_folds(&measurements, 5, 1);
    for (name, setting, from, to) in [
        ("group-table", ("detail", "models"), 41.0, 70.0),
        ("group-table", ("detail", "batches"), 40.0, 67.0),
        ("group-linear", ("form", "abacus"), 20.0, 36.0),
        ("group-linear", ("form", "work"), 10.0, 20.0),
    ] {
        let (row, mut parameters) = row(name);
        parameters.set_text(setting.0, setting.1).unwrap();
        let [mape, p90] = pooled(predict_left_out(&folds, row, &parameters).unwrap());
        println!("{name} {}: {mape:.2} {p90:.2}", setting.1);
        assert!((from..to).contains(&mape), "{name}: {mape} {p90}");
    }
}
