//! Coefficients that publications ship: iGniter's (`scope, name, value`) and gpulet's (`gpu, coefficient, value`).

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source};

use super::Measurements;
use super::columns::required;
use super::repeats::Seen;
use crate::ModelKey;

/// Coefficient of iGniter's model of a GPU.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficient {
    /// The model that it is of; none for one of the GPU.
    pub model: Option<ModelKey>,
    /// Its name, as iGniter's configuration files have it.
    pub name: String,
    /// Its values: one, or a list.
    pub values: Vec<f64>,
}

/// The scope of coefficients of the GPU.
const HARDWARE: &str = "hardware";
/// Coefficients beyond this are no measured quantities.
const LARGEST: f64 = 1e15;

pub(super) fn read(source: &Source, seen: &mut Seen, into: &mut Measurements) -> Diagnostics {
    let needed = ["scope", "name", "value"];
    let mut table = CsvTable::parse(source, &needed);
    table.only(&needed);
    let [scope, name, value] = needed.map(|column| required(&table, column));
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let Some(values) = values(row, value) else { return };
        let of = row.text(scope).to_owned();
        if of.is_empty() || row.text(name).is_empty() {
            row.reject_row(
                "this row names no coefficient",
                "write `hardware` or a model as scope, and a name",
            );
            return;
        }
        let name = row.text(name).to_owned();
        seen.coefficients.note(row, (of.clone(), name.clone()), &values);
        let model = (of != HARDWARE).then(|| into.names.key(&of));
        into.coefficients.push(Coefficient { model, name, values });
    });
    super::rows::none(source, rows, &mut problems);
    problems
}

/// A number, or numbers between brackets and commas.
fn values(row: &mut CsvRow<'_>, column: usize) -> Option<Vec<f64>> {
    let text = row.text(column);
    let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let parsed: Option<Vec<f64>> =
        list.unwrap_or(text).split(',').map(|part| part.trim().parse::<f64>().ok()).collect();
    let sound = parsed.filter(|values| values.iter().all(|value| value.abs() <= LARGEST));
    if sound.is_none() {
        let message = format!("`{text}` in column `value` is no number and no list of numbers");
        row.reject(column, message, "write a finite number, or numbers such as \"[1.5, 2]\"");
    }
    sound
}

/// Coefficients of gpulet's linear model of slowdowns, for one GPU.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearCoefficients {
    /// The GPU.
    pub gpu: String,
    /// Weights of the inference's own L2 utilisation, its co-runner's, its own DRAM utilisation, its co-runner's, and the
    /// constant.
    pub weights: [f64; 5],
}

/// The names of the weights, in their order.
const WEIGHTS: [&str; 5] = ["l2_util_m1", "l2_util_m2", "dram_util_m1", "dram_util_m2", "constant"];

pub(super) fn read_linear(source: &Source, seen: &mut Seen, into: &mut Measurements) -> Diagnostics {
    let needed = ["gpu", "coefficient", "value"];
    let mut table = CsvTable::parse(source, &needed);
    table.only(&needed);
    let [gpu, coefficient, value] = needed.map(|column| required(&table, column));
    let mut found: Vec<(String, [Option<f64>; 5])> = Vec::new();
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let Some(number) = row.number(value, -LARGEST..=LARGEST) else { return };
        let text = row.text(coefficient).to_owned();
        let Some(position) = WEIGHTS.iter().position(|name| *name == text) else {
            let help = rtmm_workload::input::suggestion(&text, "coefficient", &WEIGHTS);
            row.reject(coefficient, format!("unknown coefficient `{text}`"), help);
            return;
        };
        let gpu = row.text(gpu).to_owned();
        let known = found.iter().position(|(known, _)| *known == gpu);
        let known = known.unwrap_or_else(|| {
            found.push((gpu, [None; 5]));
            found.len() - 1
        });
        let weights = &mut found[known].1;
        weights[position] = Some(number);
        let key = (found[known].0.clone(), WEIGHTS[position]);
        seen.linear.note(row, key, &[number]);
    });
    super::rows::none(source, rows, &mut problems);
    // What a rejected row lacks was told.
    let is_whole = problems.is_empty();
    for (gpu, weights) in found.into_iter().filter(|_| is_whole) {
        match weights {
            [Some(a), Some(b), Some(c), Some(d), Some(e)] => {
                into.linear.push(LinearCoefficients { gpu, weights: [a, b, c, d, e] });
            }
            _ => {
                let missing = WEIGHTS
                    .iter()
                    .zip(weights)
                    .filter_map(|(name, weight)| weight.is_none().then_some(*name));
                let message = format!("GPU `{gpu}` lacks {}", missing.collect::<Vec<_>>().join(", "));
                let problem = rtmm_workload::input::problem_with(source, message);
                problems.push(problem.help("state all five coefficients of a GPU"));
            }
        }
    }
    problems
}
