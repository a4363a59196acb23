//! `rtmm interference`: predictions of measured co-locations, and their scores.

use std::path::Path;

use rtmm_interference::kernel_summary::{KernelSummary, summaries};
use rtmm_interference::load::{self, BUILT_IN, Written};
use rtmm_interference::replay::{self, Answer};
use rtmm_interference::score::Score;
use rtmm_interference::{
    Device, FitError, Parameters, Predictor, PredictorRegistry, PredictorRow, Purpose, QueryKind, Training,
};
use rtmm_workload::parameters::assign;

use crate::args::{Fitting, Format, Interference, InterferenceVerb, Kernels, OnDevice, Predict};
use crate::failure::Failure;
use crate::output::Rows;

pub(crate) fn interference(arguments: &Interference) -> Result<(), Failure> {
    match &arguments.verb {
        InterferenceVerb::Predict(arguments) => predict(arguments),
        InterferenceVerb::Score(arguments) => score(arguments),
        InterferenceVerb::Kernels(arguments) => kernels(arguments),
        InterferenceVerb::List(arguments) => list(arguments.format),
    }
}

/// Rows with what a fitted predictor says of them.
struct Predicted {
    written: Written,
    answers: Vec<Answer>,
    parameters: Parameters,
}

impl Predicted {
    fn of(arguments: &Predict, purpose: Purpose) -> Result<Self, Failure> {
        let fitting = &arguments.fitting;
        let device = match fitting.on_device {
            OnDevice::Same => Device::Same,
            OnDevice::New => Device::New,
        };
        let mut tables = vec![(arguments.on.as_str(), purpose)];
        tables.extend(fitting.observe.as_deref().map(|observed| (observed, Purpose::Observe)));
        let (measurements, read) = load::all(&fitting.fit, &tables, device)?;
        let mut read = read.into_iter();
        let written = read.next().ok_or_else(|| Failure::Run("no rows were read".to_owned()))?;
        let observed = read.next().map(|observed| observed.rows);
        if let Some(observed) = observed.as_ref().filter(|observed| observed.kind() != written.rows.kind()) {
            let (seen, asked) = (observed.kind().rows(), written.rows.kind().rows());
            let message = format!("--observe has {seen}, and --on has {asked}");
            return Err(Failure::usage(message, "observe rows of the kind that is predicted"));
        }
        let training = Training { measurements: &measurements, device };
        let (mut predictor, parameters) = fitted(fitting, &training, written.rows.kind())?;
        if let Some(observed) = observed {
            replay::observe(predictor.as_mut(), &observed);
        }
        let answers = replay::predict(predictor.as_ref(), &written.rows)
            .ok_or_else(|| nothing_fitted(&fitting.predictor, written.rows.kind()))?;
        Ok(Self { written, answers, parameters })
    }
}

/// The predictor that is asked for, fitted to measurements.
fn fitted(
    fitting: &Fitting,
    training: &Training<'_>,
    kind: QueryKind,
) -> Result<(Box<dyn Predictor>, Parameters), Failure> {
    let row = PredictorRegistry::built_in()
        .find(&fitting.predictor)
        .map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    if !row.kinds.contains(&kind) {
        return Err(refused(&not_this(&row.name, kind)));
    }
    let mut parameters = Parameters::defaults(row.schema());
    assign(&format!("predictor `{}`", row.name), &mut [&mut parameters], &fitting.set)
        .map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    let predictor = row.fit(&parameters, training).map_err(|error| refused(&error))?;
    Ok((predictor, parameters))
}

/// The failure of a predictor that had no rows of the kind that is asked for.
fn nothing_fitted(predictor: &str, kind: QueryKind) -> Failure {
    let rows = kind.rows();
    let message = format!("--on has {rows}, and predictor `{predictor}` was fitted to none");
    Failure::usage(message, format!("give a table of {rows} to --fit"))
}

fn not_this(predictor: &str, kind: QueryKind) -> FitError {
    let others = PredictorRegistry::built_in().iter().filter(|row| row.kinds.contains(&kind));
    let others = others.map(|row| row.name.to_string()).collect();
    FitError::NotThis { predictor: predictor.to_owned(), kind, others }
}

fn refused(error: &FitError) -> Failure {
    Failure::usage(error.to_string(), error.help())
}

fn predict(arguments: &Predict) -> Result<(), Failure> {
    let Predicted { written, answers, .. } = Predicted::of(arguments, Purpose::Predict)?;
    let (columns, unit_us, members): (&[&str], f64, usize) = match written.rows.kind() {
        QueryKind::CoRun => {
            (&["predicted_a_ms", "predicted_b_ms", "predicted_a_ms_upper", "predicted_b_ms_upper"], 1e3, 2)
        }
        QueryKind::Group => (&["predicted_us", "predicted_us_upper"], 1.0, 1),
    };
    let mut rows = Vec::with_capacity(written.cells.len());
    for (mut cells, answers) in written.cells.into_iter().zip(answers.chunks(members)) {
        let time = |us: f64| format!("{:.6}", us / unit_us);
        cells.extend(answers.iter().map(|answer| time(answer.prediction.mean_us())));
        cells.extend(answers.iter().map(|answer| time(answer.prediction.upper_us())));
        rows.push(cells);
    }
    let numeric = |column: usize| {
        rows.iter()
            .all(|row| row.get(column).is_some_and(|cell| cell.is_empty() || cell.parse::<f64>().is_ok()))
    };
    let header: Vec<String> =
        written.header.into_iter().chain(columns.iter().map(|name| (*name).to_owned())).collect();
    let numbers = (0..header.len()).map(numeric).collect();
    let rows = Rows { title: title(arguments), header, numbers, rows };
    rows.print(arguments.format.unwrap_or(Format::Csv))
}

/// The rows and the predictor, as titles of tables have them.
fn title(arguments: &Predict) -> String {
    let on = Path::new(&arguments.on);
    format!("{} by {}", on.display(), arguments.fitting.predictor)
}

fn score(arguments: &Predict) -> Result<(), Failure> {
    let Predicted { written, answers, parameters } = Predicted::of(arguments, Purpose::Observe)?;
    let rows = written.rows.len();
    let score = Score::of(answers).ok_or_else(|| Failure::Run("no row has a measured time".to_owned()))?;
    let percent = |value: f64| format!("{value:.3}");
    let cells = vec![
        arguments.on.clone(),
        arguments.fitting.predictor.clone(),
        parameters.to_string(),
        rows.to_string(),
        score.answers.to_string(),
        percent(score.mape),
        percent(score.p90),
        percent(score.p99),
        percent(score.under),
        percent(score.coverage),
    ];
    let header = vec![
        "on",
        "predictor",
        "parameters",
        "rows",
        "predictions",
        "mape_pct",
        "p90_pct",
        "p99_pct",
        "under_by_10_pct",
        "coverage_pct",
    ];
    let numbers = [false, false, false, true, true, true, true, true, true, true].into();
    Rows { title: "Scores".to_owned(), header, numbers, rows: vec![cells] }
        .print(arguments.format.unwrap_or(Format::Table))
}

fn kernels(arguments: &Kernels) -> Result<(), Failure> {
    let measurements = load::measurements(&arguments.tables)?;
    let found = summaries(&measurements.kernels, arguments.sms);
    if found.is_empty() {
        let message = format!("there are no kernels in {}", arguments.tables.join(", "));
        let help = "give a table of kernels, such as orion/v100-kernels or what `nsys stats` writes";
        return Err(Failure::usage(message, help));
    }
    let share = |part: Option<f64>| part.map_or_else(String::new, |part| format!("{part:.4}"));
    let row = |of: &KernelSummary| {
        vec![
            measurements.names.name(of.model).to_owned(),
            of.batch.map_or_else(String::new, |batch| batch.to_string()),
            if of.training { "training" } else { "inference" }.to_owned(),
            of.launches.to_string(),
            format!("{:.4}", of.total_ms),
            share(of.bound.map(|(compute, _)| compute)),
            share(of.bound.map(|(_, memory)| memory)),
            share(of.sms),
            share(of.leaves_room),
        ]
    };
    let header = vec![
        "model",
        "batch",
        "mode",
        "kernels",
        "total_ms",
        "time_compute_bound",
        "time_memory_bound",
        "sms_used",
        "time_leaving_sms",
    ];
    let numbers = [false, true, false, true, true, true, true, true, true].into();
    let rows = found.iter().map(row).collect();
    Rows { title: "Kernels".to_owned(), header, numbers, rows }.print(arguments.format)
}

fn list(format: Format) -> Result<(), Failure> {
    let kinds = |row: &PredictorRow| row.kinds.iter().map(|kind| kind.rows()).collect::<Vec<_>>().join(", ");
    let mut rows = Vec::new();
    for row in PredictorRegistry::built_in() {
        let one = |parameter: &rtmm_workload::parameters::Parameter| {
            format!("{}={}", parameter.name, parameter.default)
        };
        let parameters: Vec<String> = row.schema().iter().map(one).collect();
        let cells = ["predictor", &row.name, &row.summary, &kinds(row), &parameters.join(" "), &row.source];
        rows.push(cells.map(str::to_owned).into());
    }
    for built_in in BUILT_IN {
        let cells = ["measurements", built_in.name, built_in.summary, "", "", ""];
        rows.push(cells.map(str::to_owned).into());
    }
    let header = vec!["kind", "name", "summary", "predicts", "parameters", "source"];
    Rows { title: "Interference".to_owned(), header, numbers: vec![false; 6], rows }.print(format)
}
