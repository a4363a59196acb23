//! The page "Interference on a GPU, measured": errors of every predictor under every protocol.

use rtmm_interference::protocols::{
    Split, after, at_batches_from, leave_one_combination_out, leave_one_model_out, predict_left_out,
    random_folds, shuffled_labels, stream,
};
use rtmm_interference::replay::{self, Answer};
use rtmm_interference::score::Score;
use rtmm_interference::{
    Device, Measurements, Parameters, PredictorRegistry, PredictorRow, Purpose, QueryKind, Rows, Training,
    load,
};

use super::{Problem, table};

/// Random orders of streams.
const ORDERS: u64 = 5;
/// Numbers of observations that errors are stated after.
const SEEN: [usize; 4] = [0, 10, 30, 100];
/// Batches from which a shift is tested.
const LARGE_BATCH: u32 = 16;
/// Tables of iGniter that predictors of pairs are fitted to.
const IGNITER: [&str; 4] =
    ["igniter/v100-solo", "igniter/v100-pairs", "igniter/v100-power", "igniter/v100-coefficients"];
const ABACUS: &str = "abacus/a100-pairs";
const TRIPLETS: &str = "abacus/a100-triplets";
const SLICE: &str = "abacus/a100-mig-pairs";

/// Predictors that `best` is made of, by the kind of rows: tables show them as that.
const RECOMMENDED: [(QueryKind, &str); 2] =
    [(QueryKind::CoRun, "pair-posterior"), (QueryKind::Group, "boosted-residual")];

/// A predictor as a row of tables: its registry row, and parameters that differ from their defaults.
struct Candidate {
    row: &'static PredictorRow,
    parameters: Parameters,
    label: String,
}

/// Predictors of a kind at their defaults, and settings of some that tables compare.
fn candidates(kind: QueryKind) -> Result<Vec<Candidate>, Problem> {
    const SETTINGS: [(&str, &str, &str); 4] = [
        ("gpulet-rls", "indicators", "true"),
        ("strait-reading", "update", "static"),
        ("group-linear", "form", "abacus"),
        ("group-table", "detail", "models"),
    ];
    let mut found = Vec::new();
    for row in PredictorRegistry::built_in().iter().filter(|row| row.kinds.contains(&kind)) {
        if RECOMMENDED.iter().any(|(_, name)| *name == row.name) {
            continue;
        }
        let recommended = RECOMMENDED.iter().find(|(of, _)| *of == kind && row.name == "best");
        let label = match recommended {
            Some((_, name)) => format!("`{}` (`{name}`)", row.name),
            None => format!("`{}`", row.name),
        };
        let defaults = Parameters::defaults(row.schema());
        found.push(Candidate { row, label, parameters: defaults.clone() });
        for (_, key, value) in SETTINGS.iter().filter(|(name, ..)| *name == row.name) {
            let mut parameters = defaults.clone();
            parameters.set_text(key, value)?;
            found.push(Candidate { row, label: format!("`{}`, `{key}={value}`", row.name), parameters });
        }
    }
    Ok(found)
}

/// First cells of the rows of tables of predictors of segment groups.
pub(super) fn rows_of_groups() -> Result<Vec<String>, Problem> {
    Ok(candidates(QueryKind::Group)?.into_iter().map(|candidate| candidate.label).collect())
}

fn score(answers: impl IntoIterator<Item = Answer>) -> Result<Score, Problem> {
    Score::of(answers).ok_or_else(|| "no answer was observed".into())
}

/// Mean and 90th percentile of absolute errors.
fn errors(score: &Score) -> String {
    format!("{:.2} / {:.1}", score.mape, score.p90)
}

/// Means over parts of the errors of each.
fn mean_of_parts(parts: Vec<Vec<Answer>>) -> Result<String, Problem> {
    let count = parts.len() as f64;
    let (mut mape, mut p90) = (0.0, 0.0);
    for part in parts {
        let score = score(part)?;
        (mape, p90) = (mape + score.mape / count, p90 + score.p90 / count);
    }
    Ok(format!("{mape:.2} / {p90:.1}"))
}

/// Predictors of pairs under random folds, left-out pairs and larger batches.
pub(super) fn pairs() -> Result<String, Problem> {
    let measurements = load::measurements(&IGNITER)?;
    let folds = random_folds(&measurements, 5, 1);
    let left_out = leave_one_combination_out(&measurements);
    let without_model = leave_one_model_out(&measurements);
    let larger = [at_batches_from(&measurements, LARGE_BATCH)];
    let mut rows = Vec::new();
    for Candidate { row, parameters, label } in candidates(QueryKind::CoRun)? {
        let random = score(predict_left_out(&folds, row, &parameters)?.into_iter().flatten())?;
        let unseen = predict_left_out(&left_out, row, &parameters)?;
        let all = score(unseen.iter().flatten().copied())?;
        let shifted = score(predict_left_out(&larger, row, &parameters)?.into_iter().flatten())?;
        rows.push(vec![
            label,
            errors(&random),
            mean_of_parts(unseen)?,
            mean_of_parts(predict_left_out(&without_model, row, &parameters)?)?,
            errors(&shifted),
            format!("{:.1}", all.under),
            format!("{:.1}", all.coverage),
        ]);
    }
    let header = [
        "predictor",
        "random fifth",
        "unseen pair",
        "unseen model",
        "batches from 16",
        "unseen: under by 10 %",
        "unseen: within the bound",
    ];
    Ok(table(&header, &rows))
}

/// Predictors of pairs on streams of a pair that they were not fitted to.
pub(super) fn streams() -> Result<String, Problem> {
    let measurements = load::measurements(&IGNITER)?;
    let left_out = leave_one_combination_out(&measurements);
    let mut rows = Vec::new();
    for Candidate { row, parameters, label } in candidates(QueryKind::CoRun)? {
        let (mut whole, mut behind) = (Vec::new(), SEEN.map(|_| Vec::new()));
        for split in &left_out {
            let predictor = row.fit(&parameters, &Training::of(&split.fit))?;
            for order in 1..=ORDERS {
                whole.extend(stream(predictor.clone().as_mut(), &split.left_out, order).answers());
                for (seen, answers) in SEEN.iter().zip(&mut behind) {
                    answers.extend(after(predictor.as_ref(), &split.left_out, order, *seen));
                }
            }
        }
        let mut cells = vec![label];
        for answers in behind {
            cells.push(errors(&score(answers)?));
        }
        let whole = score(whole)?;
        cells.extend([errors(&whole), format!("{:.1}", whole.under), format!("{:.1}", whole.coverage)]);
        rows.push(cells);
    }
    let header = ["predictor", "0", "10", "30", "100 rows", "stream", "under by 10 %", "within the bound"];
    Ok(table(&header, &rows))
}

/// Predictors of groups under random folds, left-out pairs, triplets, and labels in disorder.
pub(super) fn groups() -> Result<String, Problem> {
    let measurements = load::measurements(&[ABACUS])?;
    let folds = random_folds(&measurements, 5, 1);
    let left_out = leave_one_combination_out(&measurements);
    let without_model = leave_one_model_out(&measurements);
    let mut rows = Vec::new();
    for Candidate { row, parameters, label } in candidates(QueryKind::Group)? {
        let random = score(predict_left_out(&folds, row, &parameters)?.into_iter().flatten())?;
        let unseen = score(predict_left_out(&left_out, row, &parameters)?.into_iter().flatten())?;
        let strange = score(predict_left_out(&without_model, row, &parameters)?.into_iter().flatten())?;
        let mut known = measurements.clone();
        let triplets = load::rows(TRIPLETS, Purpose::Observe, &mut known)?.rows;
        let triplets = score(answers(row, &parameters, &Training::of(&known), &triplets)?)?;
        let disorder = Split { fit: shuffled_labels(&measurements, 1), ..folds[0].clone() };
        let disorder = score(predict_left_out(&[disorder], row, &parameters)?.into_iter().flatten())?;
        rows.push(vec![
            label,
            errors(&random),
            errors(&unseen),
            errors(&strange),
            errors(&triplets),
            format!("{:.1}", unseen.under),
            format!("{:.1}", unseen.coverage),
            errors(&disorder),
        ]);
    }
    let header = [
        "predictor",
        "random fifth",
        "unseen pair",
        "unseen model",
        "triplets",
        "unseen: under by 10 %",
        "unseen: within the bound",
        "fitted to shuffled labels",
    ];
    Ok(table(&header, &rows))
}

fn answers(
    row: &PredictorRow,
    parameters: &Parameters,
    training: &Training<'_>,
    rows: &Rows,
) -> Result<Vec<Answer>, Problem> {
    let predictor = row.fit(parameters, training)?;
    replay::predict(predictor.as_ref(), rows).ok_or_else(|| "another kind of rows".into())
}

/// Predictors of groups on a slice of the GPU, after so many rows of it in the order of the file.
pub(super) fn slice() -> Result<String, Problem> {
    let mut measurements: Measurements = load::measurements(&[ABACUS])?;
    let Rows::Groups(groups) = load::rows(SLICE, Purpose::Observe, &mut measurements)?.rows else {
        return Err("the slice has segment groups".into());
    };
    let slice = Measurements { groups, ..measurements.without_rows() };
    let training = Training { measurements: &measurements, device: Device::New };
    let mut rows = Vec::new();
    for Candidate { row, parameters, label } in candidates(QueryKind::Group)? {
        let predictor = row.fit(&parameters, &training)?;
        let mut cells = vec![label];
        for seen in SEEN {
            cells.push(errors(&score(after(predictor.as_ref(), &slice, 0, seen))?));
        }
        let whole = score(stream(predictor.clone().as_mut(), &slice, 0).answers())?;
        cells.extend([errors(&whole), format!("{:.1}", whole.coverage)]);
        rows.push(cells);
    }
    let header = ["predictor", "0", "10", "30", "100 rows", "stream", "stream: within the bound"];
    Ok(table(&header, &rows))
}
