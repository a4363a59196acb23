//! Files to import; the only module of this crate that opens any.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use rtmm_workload::Duration;
use rtmm_workload::input::{CsvTable, Diagnostics};

use crate::arrivals::{ArrivalError, ArrivalFormat, ArrivalOptions, Columns, ImportedRequests, Rule};
use crate::error::ImportError;
use crate::maestro::{self, MaestroNetwork};
use crate::measurements::{Attachment, Format, MeasurementError, MeasurementOptions, Measurements};
use crate::model::ImportedModel;
use crate::onnx::{self, Options};

/// Imports the model of an ONNX file. Only its structure is read, however large the weights are; files of external
/// data are not needed.
///
/// # Errors
/// [`ImportError`] where the file cannot be read, or its model cannot be imported.
pub fn onnx(path: &Path, options: &Options) -> Result<ImportedModel, ImportError> {
    let file = open(path).map_err(|problem| ImportError::Unreadable {
        file: path.display().to_string(),
        problem: problem.to_string(),
    })?;
    onnx::read(file, options)
}

/// Reads measurements of a format; the file is read once, and not held.
///
/// # Errors
/// [`MeasurementError`] where the file cannot be read, or is not of the format.
pub fn measurements(
    path: &Path,
    format: &Format,
    options: &MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    format.read(&mut BufReader::new(measured(path)?), options)
}

/// Reads a file that stands beside measurements.
///
/// # Errors
/// [`MeasurementError`] where the file cannot be read, is no text or is too long.
pub fn attachment(path: &Path) -> Result<Attachment, MeasurementError> {
    let name = path.display().to_string();
    let file = measured(path).map_err(|error| error.of_file(&name))?;
    Attachment::read(&name, &mut BufReader::new(file))
}

fn measured(path: &Path) -> Result<File, MeasurementError> {
    open(path).map_err(|problem| {
        MeasurementError::new(format!("cannot be read: {problem}"), "name a file of measurements")
    })
}

/// Reads a network of MAESTRO.
///
/// # Errors
/// The file cannot be read, or every layer that makes no sense.
pub fn maestro(path: &Path) -> Result<MaestroNetwork, Diagnostics> {
    maestro::read(&rtmm_workload::load::read(path)?)
}

/// Reads an arrival trace of a format as requests; the file is read once, and not held.
///
/// # Errors
/// [`ArrivalError`] where the file cannot be read, is not of the format, or gives no requests.
pub fn arrivals(
    path: &Path,
    format: &ArrivalFormat,
    columns: Option<&Columns>,
    options: &ArrivalOptions,
) -> Result<ImportedRequests, ArrivalError> {
    let file = open(path).map_err(|problem| ArrivalError::unreadable(&problem))?;
    format.read(&mut BufReader::new(file), columns, options)
}

/// Reads rules of an arrival trace: a CSV table of `when`, the tests, `model` and, optional, `deadline`.
///
/// # Errors
/// Every problem of the table.
pub fn rules(path: &Path) -> Result<Vec<Rule>, Diagnostics> {
    let source = rtmm_workload::load::read(path)?;
    let mut table = CsvTable::parse(&source, &["when", "model"]);
    table.only(&["when", "model", "deadline"]);
    // Where the header lacks one, no row is read.
    let (when, model) = (table.column("when").unwrap_or(0), table.column("model").unwrap_or(0));
    let deadline_column = table.column("deadline");
    let mut rules = Vec::new();
    let problems = table.each_row(|row| {
        let deadline = deadline_column.filter(|column| !row.is_blank(*column)).map(|column| {
            let parsed = Duration::parse(row.text(column)).ok().filter(|deadline| !deadline.is_zero());
            parsed.ok_or(column)
        });
        if let Some(Err(column)) = deadline {
            row.reject(
                column,
                "a deadline is a time above zero",
                "write it as 100ms, or leave the cell empty",
            );
            return;
        }
        match Rule::new(row.text(when), row.text(model), deadline.and_then(Result::ok)) {
            Ok(rule) => rules.push(rule),
            Err(error) => row.reject(
                when,
                error.to_string(),
                "write tests such as ContextTokens<1024, with & between them, or * for all rows",
            ),
        }
    });
    problems.into_result(Some(rules))
}

#[expect(clippy::disallowed_methods, reason = "this is the `load` module of the crate")]
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    Ok(file)
}
