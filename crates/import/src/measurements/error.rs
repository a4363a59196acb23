//! Errors of measurements.

use thiserror::Error;

/// A place in a text, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in bytes.
    pub column: usize,
}

/// Why measurements cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{problem}")]
pub struct MeasurementError {
    /// The file at fault, where it is one that stands beside the profile.
    pub file: Option<String>,
    /// Place of the problem, where it has one.
    pub place: Option<Place>,
    /// The problem.
    pub problem: String,
    /// One way out.
    pub help: String,
}

impl MeasurementError {
    /// A problem of a file as a whole.
    pub(crate) fn new(problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: None, place: None, problem: problem.into(), help: help.into() }
    }

    /// A problem of a line.
    pub(crate) fn at(
        line: usize,
        column: usize,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { place: Some(Place { line, column }), ..Self::new(problem, help) }
    }

    /// The same problem of a file beside the profile.
    pub(crate) fn of_file(self, file: &str) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }
}
