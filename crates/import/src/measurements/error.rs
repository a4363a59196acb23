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
        Self { place: None, problem: problem.into(), help: help.into() }
    }
}
