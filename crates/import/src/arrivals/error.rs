//! Errors of arrival traces.

use std::io;

use thiserror::Error;

/// Why an arrival trace cannot be read, or makes no requests.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{problem}")]
pub struct ArrivalError {
    /// Line of the problem, from 1, where it has one.
    pub line: Option<u64>,
    /// The problem.
    pub problem: String,
    /// One way out.
    pub help: String,
}

impl ArrivalError {
    /// A problem of a trace as a whole.
    pub(crate) fn new(problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self { line: None, problem: problem.into(), help: help.into() }
    }

    /// A problem of a line.
    pub(crate) fn at(line: u64, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::new(problem, help) }
    }

    pub(crate) fn unreadable(error: &io::Error) -> Self {
        Self::new(format!("cannot be read: {error}"), "name an arrival trace")
    }
}
