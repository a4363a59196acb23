//! Files to import; the only module of this crate that opens any.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use crate::error::ImportError;
use crate::measurements::{Format, MeasurementError, MeasurementOptions, Measurements};
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
    options: MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    let file = open(path).map_err(|problem| {
        MeasurementError::new(format!("cannot be read: {problem}"), "name a file of measurements")
    })?;
    format.read(&mut BufReader::new(file), options)
}

#[expect(clippy::disallowed_methods, reason = "this is the `load` module of the crate")]
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    Ok(file)
}
