//! From arguments to a command and back to an exit code.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use crate::args::{Arguments, Verb};
use crate::commands;
use crate::failure::{Failure, say};

/// Runs the command that `arguments` (with the program's name first) ask for.
///
/// Exit codes: 0 done, 1 a run failed, 2 bad usage or bad input.
pub fn main<I, T>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to standard output and are no failure. A reader that went away
            // is none either.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let is_failure = error.use_stderr();
            return match error.print() {
                Err(error) if !is_failure => Failure::Output(error).report(),
                _ => ExitCode::from(code),
            };
        }
    };
    arguments.color.write_global();
    start_logging(arguments.verbose);
    // Outputs take the place of nothing that the command reads.
    rtmm_workload::load::record_opened();
    match dispatch(&arguments.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The command line's definition, for completions and documentation.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

fn dispatch(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Run(arguments) => commands::run::run(arguments),
        Verb::Sweep(arguments) => commands::sweep::sweep(arguments),
        Verb::Merge(arguments) => commands::sweep::merge(arguments),
        Verb::Robust(arguments) => commands::robust::robust(arguments),
        Verb::Reproduce(arguments) => commands::reproduce::reproduce(arguments),
        Verb::List(arguments) => commands::list::list(arguments),
        Verb::Cost(arguments) => commands::cost::cost(arguments),
        Verb::Explain(arguments) => commands::explain::explain(arguments),
        Verb::Check(arguments) => commands::check::check(arguments),
        Verb::Requests(arguments) => commands::requests::requests(arguments),
        Verb::Traces(arguments) => commands::traces::traces(arguments),
        Verb::Import(arguments) => commands::import::import(arguments),
        Verb::Calibrate(arguments) => commands::calibrate::calibrate(arguments),
        Verb::Interference(arguments) => commands::interference::interference(arguments),
        Verb::Analyse(arguments) => commands::analyse::analyse(arguments),
        Verb::Bound(arguments) => commands::bound::bound(arguments),
        Verb::Completions(arguments) => commands::completions::completions(arguments),
    }
}

/// Logs go to standard error: warnings by default, more with `-v`, or as `RUST_LOG` says.
fn start_logging(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let stated = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty());
    let filter = match stated.as_deref().map(EnvFilter::try_new) {
        Some(Ok(filter)) => filter,
        Some(Err(error)) => {
            say!("warning: RUST_LOG is ignored: {error}");
            EnvFilter::new(default)
        }
        None => EnvFilter::new(default),
    };
    // A second call in one process keeps the first one's subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never)
        .with_target(false)
        .without_time()
        .try_init();
}
