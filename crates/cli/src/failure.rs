//! Failures of commands, and the exit code that follows.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done; also where the reader of standard output went away |
//! | 1 | a run failed: a policy that cannot go on, cells of a sweep that fail, a store that cannot be used, an output that fails while it is written |
//! | 2 | bad usage or bad input: also a layer that no accelerator runs, and an output that cannot be made before the work begins |

use std::io;
use std::process::ExitCode;

use rtmm_sweep::runner::RunError;
use rtmm_workload::input::{Diagnostic, Diagnostics};

/// Prints a line on standard error. A full or closed standard error is no reason to fail: the
/// line has no other place to go.
macro_rules! say {
    ($($part:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(anstream::stderr(), $($part)*);
    }};
}
pub(crate) use say;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Input files or arguments with problems, each with its place.
    Input(Diagnostics),
    /// An argument that makes no sense, and a way out.
    Usage { message: String, help: String },
    /// The run itself failed.
    Run(String),
    /// Standard output could not be written.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    /// Says what went wrong on standard error and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Input(diagnostics) => {
                say!("{}", diagnostics.render(true));
                ExitCode::from(2)
            }
            Self::Usage { message, help } => {
                let problem = Diagnostic::without_place(message.as_str()).help(help.as_str());
                say!("{}", Diagnostics::from(problem).render(true));
                ExitCode::from(2)
            }
            Self::Run(message) => {
                say!("{}", Diagnostics::from(Diagnostic::without_place(message.as_str())).render(true));
                ExitCode::from(1)
            }
            // The reader of the output has seen enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::Output(error) => {
                let message = format!("standard output cannot be written: {error}");
                say!("{}", Diagnostics::from(Diagnostic::without_place(message)).render(true));
                ExitCode::from(1)
            }
        }
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Input(diagnostics)
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Input(diagnostic.into())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::Run(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<csv::Error> for Failure {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Output(error),
            other => Self::Run(format!("{other:?}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}
