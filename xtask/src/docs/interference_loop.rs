//! The part of the page "Interference on a GPU, measured" on schedulers: tables from the data that
//! `cargo xtask evaluation interference` wrote.

use super::{Problem, table};
use crate::evaluation::DATA;
use crate::evaluation::interference::{DRIFT_FILE, FILE};
use crate::project_root;

/// Predictors, in the order of the page.
const PREDICTORS: [&str; 6] =
    ["none", "coarse-static", "coarse-online", "fine-static", "fine-online", "oracle"];
/// Scheduler with all predictors.
const SCHEDULERS: [&str; 3] = ["deadline-batching", "abacus-reading", "strait-reading"];
/// Scenarios with words for where their slowdowns are from.
const SCENARIOS: [(&str, &str); 3] = [
    ("gpu/v100_three", "V100, measured pairs"),
    ("gpu/a100_three", "A100, composed of measured segments"),
    ("gpu/l4_six", "L4, synthetic, slowdowns change after 3 s and 6 s"),
];

/// Rows of the data: columns by name.
struct Data {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

impl Data {
    fn read(file: &str) -> Result<Self, Problem> {
        let mut reader = csv::Reader::from_path(project_root().join(DATA).join(file))?;
        let header = reader.headers()?.clone();
        Ok(Self { rows: reader.records().collect::<Result<_, _>>()?, header })
    }

    fn cell<'r>(&self, row: &'r csv::StringRecord, column: &str) -> &'r str {
        let position = self.header.iter().position(|known| known == column);
        position.and_then(|at| row.get(at)).unwrap_or("")
    }

    fn loads(&self) -> Vec<String> {
        let mut loads: Vec<String> = Vec::new();
        for row in &self.rows {
            let load = self.cell(row, "load_factor").to_owned();
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        loads
    }

    fn find(
        &self,
        scenario: &str,
        load: &str,
        scheduler: &str,
        predictor: &str,
    ) -> Option<&csv::StringRecord> {
        self.rows.iter().find(|row| {
            let is = |column: &str, value: &str| self.cell(row, column) == value;
            is("scenario", scenario)
                && is("load_factor", load)
                && is("scheduler", scheduler)
                && is("predictor", predictor)
        })
    }

    /// A column in percent with half of its interval; `from_whole` for what is missing of the whole.
    fn percent(&self, row: &csv::StringRecord, column: &str, from_whole: bool) -> String {
        let number = |name: &str| self.cell(row, name).parse::<f64>().ok();
        let Some(value) = number(column) else { return "—".to_owned() };
        let value = if from_whole { 1.0 - value } else { value };
        let (low, high) = (number(&format!("{column}_from")), number(&format!("{column}_to")));
        match low.zip(high) {
            Some((low, high)) if high > low => {
                format!("{:.2} ± {:.2}", 100.0 * value, 50.0 * (high - low))
            }
            _ => format!("{:.2}", 100.0 * value),
        }
    }
}

/// Schedulers and predictors down, loads across, a table a scenario.
fn by_load(column: &str, from_whole: bool, schedulers: &[(&str, &str)]) -> Result<String, Problem> {
    let data = Data::read(FILE)?;
    let loads = data.loads();
    let mut text = String::new();
    for (scenario, words) in SCENARIOS {
        let mut rows = Vec::new();
        for (scheduler, predictor) in schedulers {
            let mut row = vec![format!("`{scheduler}`"), (*predictor).to_owned()];
            row.extend(loads.iter().map(|load| {
                data.find(scenario, load, scheduler, predictor)
                    .map_or_else(|| "—".to_owned(), |row| data.percent(row, column, from_whole))
            }));
            rows.push(row);
        }
        let mut header = vec!["scheduler".to_owned(), "predictor".to_owned()];
        header.extend(loads.iter().map(|load| format!("load {load}")));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        text.push_str(&format!("{words} (`{scenario}`):\n\n{}\n", table(&header, &rows)));
    }
    Ok(text)
}

fn all() -> Vec<(&'static str, &'static str)> {
    let with = |scheduler: &'static str| PREDICTORS.map(|predictor| (scheduler, predictor));
    [("edf", ""), ("time-sharing", "none")].into_iter().chain(SCHEDULERS.into_iter().flat_map(with)).collect()
}

/// Missed deadlines.
pub(super) fn misses() -> Result<String, Problem> {
    by_load("deadline_violation_rate", false, &all())
}

/// The part of the oracle's gain over no prediction that each predictor keeps.
pub(super) fn kept() -> Result<String, Problem> {
    let without_ends: Vec<(&str, &str)> = all()
        .into_iter()
        .filter(|(scheduler, predictor)| {
            SCHEDULERS.contains(scheduler) && !["none", "oracle"].contains(predictor)
        })
        .collect();
    by_load("gain_kept", false, &without_ends)
}

/// Deadlines of high priority that are missed.
pub(super) fn high() -> Result<String, Problem> {
    by_load("sla_satisfaction_high", true, &all())
}

/// Part of the time in which the device runs something.
pub(super) fn utilisation() -> Result<String, Problem> {
    by_load("utilisation_mean", false, &all())
}

/// Schedulers that predict, with all that they predict by.
fn predicting() -> Vec<(&'static str, &'static str)> {
    all().into_iter().filter(|(scheduler, _)| *scheduler != "edf").collect()
}

/// Error of predicted times of runs.
pub(super) fn prediction_error() -> Result<String, Problem> {
    by_load("prediction_error", false, &predicting())
}

/// Runs that took longer than predicted by more than what breaks deadlines.
pub(super) fn under() -> Result<String, Problem> {
    by_load("under_predicted", false, &predicting())
}

/// Runs within their upper bound, of the predictors that state one.
pub(super) fn bound() -> Result<String, Problem> {
    let has_bound = |(_, predictor): &(&str, &str)| !["none", "oracle"].contains(predictor);
    by_load("within_bound", false, &predicting().into_iter().filter(has_bound).collect::<Vec<_>>())
}

/// Predictions before and after each change of slowdowns.
pub(super) fn recovery() -> Result<String, Problem> {
    const SERIES: [(&str, &str); 3] = [
        ("prediction_error", "Error of predicted times"),
        ("under_predicted", "Runs predicted more than 10 % too short"),
        ("deadline_violation_rate", "Missed deadlines"),
    ];
    let data = Data::read(DRIFT_FILE)?;
    let mut spans: Vec<[&str; 2]> = Vec::new();
    let mut rows: Vec<[&str; 2]> = Vec::new();
    for row in &data.rows {
        let span = ["from_ms", "to_ms"].map(|column| data.cell(row, column));
        let of = ["change_ms", "predictor"].map(|column| data.cell(row, column));
        if !spans.contains(&span) {
            spans.push(span);
        }
        if !rows.contains(&of) {
            rows.push(of);
        }
    }
    let place = |predictor: &str| PREDICTORS.iter().position(|known| *known == predictor);
    rows.sort_by_key(|[change, predictor]| (change.parse::<i64>().unwrap_or(i64::MAX), place(predictor)));
    let seconds = |ms: &str| ms.parse::<f64>().map_or_else(|_| ms.to_owned(), |ms| format!("{}", ms / 1e3));
    let mut header = vec!["change".to_owned(), "predictor".to_owned()];
    header.extend(spans.iter().map(|[from, to]| match from.starts_with('-') {
        true => "last second before".to_owned(),
        false => format!("{} to {} s after", seconds(from), seconds(to)),
    }));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut text = String::new();
    for (column, words) in SERIES {
        let table_row = |[change, predictor]: &[&str; 2]| {
            let mut cells = vec![format!("{} s", seconds(change)), (*predictor).to_owned()];
            cells.extend(spans.iter().map(|span| {
                let is_it = |row: &&csv::StringRecord| {
                    let of = |column: &str| data.cell(row, column);
                    [of("from_ms"), of("to_ms")] == *span
                        && [of("change_ms"), of("predictor")] == [*change, *predictor]
                };
                let row = data.rows.iter().find(is_it);
                row.map_or_else(|| "—".to_owned(), |row| data.percent(row, column, false))
            }));
            cells
        };
        let rows: Vec<Vec<String>> = rows.iter().map(table_row).collect();
        text.push_str(&format!("{words}, in percent:\n\n{}\n", table(&header, &rows)));
    }
    Ok(text)
}

/// High priority under `strait-reading` against the best scheduler that predicts nothing, by scenario and load.
pub(super) fn strait() -> Result<String, Problem> {
    let data = Data::read(FILE)?;
    let missed = |scenario: &str, load: &str, scheduler: &str, predictor: &str| {
        let row = data.find(scenario, load, scheduler, predictor)?;
        data.cell(row, "sla_satisfaction_high").parse::<f64>().ok().map(|kept| 100.0 * (1.0 - kept))
    };
    let mut rows = Vec::new();
    for (scenario, words) in SCENARIOS {
        for load in data.loads() {
            let baselines = [
                ("edf", ""),
                ("time-sharing", "none"),
                ("deadline-batching", "none"),
                ("strait-reading", "none"),
            ];
            let of = baselines.map(|(scheduler, predictor)| {
                missed(scenario, &load, scheduler, predictor).map(|missed| (missed, scheduler))
            });
            let best = of.into_iter().flatten().min_by(|(one, _), (other, _)| one.total_cmp(other));
            let own = missed(scenario, &load, "strait-reading", "fine-online");
            let (Some((best, name)), Some(own)) = (best, own) else { continue };
            rows.push(vec![
                words.to_owned(),
                load,
                format!("{best:.2} (`{name}`)"),
                format!("{own:.2}"),
                format!("{:.2}", best - own),
            ]);
        }
    }
    let header =
        ["device", "load", "best without predictions", "`strait-reading`, `fine-online`", "fewer, in points"];
    Ok(table(&header, &rows))
}
