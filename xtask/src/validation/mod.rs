//! Simulations beside measurements of a real machine: folders of measurements under `validation/measurements`, or a user's own.
//!
//! `validation/measure.py` measures: the profile of models, pairs of them, and scenarios under a dispatcher of whole models
//! on two cores. What it writes is a [`Session`]. [`Comparison`] simulates each of its cells with execution times of several
//! kinds, on the releases of the measured runs, and has the errors beside those of one measurement against another. The page
//! docs/evaluation/validation.md is made of it.

mod compare;
mod contention;
mod error_tables;
mod figures;
mod haxconn;
mod page;
mod predict;
mod session;
mod statistics;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

pub(crate) use page::Part;

use self::compare::Comparison;
use self::session::Session;
use crate::project_root;

/// Reason why there is no comparison.
type Problem = Box<dyn std::error::Error>;

/// Folder of the sessions that the page shows.
const MEASUREMENTS: &str = "validation/measurements";
/// The page that shows them, below docs/.
pub(crate) const PAGE: &str = "evaluation/validation.md";

/// Compares a folder of measurements, prints tables and writes figures into it.
pub(crate) fn run(folder: &Path) -> ExitCode {
    match compare(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Prints the tables of a folder of measurements, and writes its figures into it.
fn compare(folder: &Path) -> Result<(), Problem> {
    let session = Session::read(folder)?;
    let comparison = Comparison::new(&session)?;
    for part in Part::ALL {
        println!("{}\n", page::of_session(&comparison, part)?.trim());
    }
    let figures_folder = folder.join("figures");
    for (name, svg) in figures::of_session(&comparison) {
        let path = figures::write(&figures_folder, &name, &svg)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// The sessions of the repository by name, each with its simulations, which are run once.
fn comparisons() -> Result<&'static [Comparison<'static>], Problem> {
    static SESSIONS: OnceLock<Result<Vec<Session>, String>> = OnceLock::new();
    static COMPARISONS: OnceLock<Result<Vec<Comparison<'static>>, String>> = OnceLock::new();
    let sessions = SESSIONS.get_or_init(|| {
        let folders = folders().map_err(|problem| problem.to_string())?;
        let sessions = folders.iter().map(|folder| Session::read(folder));
        sessions.collect::<Result<_, _>>().map_err(|problem| problem.to_string())
    });
    let compare = || {
        let sessions = sessions.as_ref().map_err(String::clone)?;
        let comparisons = sessions.iter().map(Comparison::new);
        comparisons.collect::<Result<_, _>>().map_err(|problem| problem.to_string())
    };
    match COMPARISONS.get_or_init(compare) {
        Ok(comparisons) => Ok(comparisons),
        Err(problem) => Err(problem.clone().into()),
    }
}

/// The folders of measurements of the repository, by name.
fn folders() -> Result<Vec<PathBuf>, Problem> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(project_root().join(MEASUREMENTS))? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// A part of the page: of every session of the repository.
pub(crate) fn part(part: Part) -> Result<String, Problem> {
    let texts: Result<Vec<String>, Problem> =
        comparisons()?.iter().map(|comparison| page::of_session(comparison, part)).collect();
    Ok(texts?.join("\n"))
}

/// The published schedules of HaX-CoNN.
pub(crate) fn published_schedules() -> String {
    haxconn::published()
}

/// One of them, simulated from public inputs.
pub(crate) fn simulated_schedule() -> Result<String, Problem> {
    haxconn::simulated()
}

/// The figures of the page: file name and SVG.
pub(crate) fn figures() -> Result<Vec<(String, String)>, Problem> {
    Ok(comparisons()?.iter().flat_map(figures::of_session).collect())
}

/// The data behind the page: file name and table.
pub(crate) fn data() -> Result<Vec<(String, String)>, Problem> {
    let of = |comparison: &Comparison<'_>| {
        (format!("validation_{}.csv", comparison.session.name), error_tables::data(comparison))
    };
    Ok(comparisons()?.iter().map(of).collect())
}
