//! The sample traces that `--traces` names.

use std::path::{Path, PathBuf};

use rtmm_workload::SampleTrace;
use rtmm_workload::input::{Diagnostic, Diagnostics, Source};
use rtmm_workload::load;
use tracing::info;

use crate::failure::Failure;

/// A trace and the file that it was read from.
pub(super) struct TraceFile {
    pub source: Source,
    pub trace: SampleTrace,
}

/// Reads traces in the order given; a folder stands for its `.csv` files in the order of their names.
/// Problems of all files come out together.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<TraceFile>, Failure> {
    let mut problems = Diagnostics::default();
    let mut found = Vec::new();
    for path in paths {
        match files(path) {
            Ok(files) => found.extend(files),
            Err(problem) => problems.push(problem),
        }
    }
    let mut traces = Vec::with_capacity(found.len());
    for path in &found {
        let read = load::read(path).map_err(Diagnostics::from);
        match read.and_then(|source| Ok(TraceFile { trace: load::sample_trace_of(&source)?, source })) {
            Ok(trace) => traces.push(trace),
            Err(more) => problems.extend(more),
        }
    }
    info!(traces = traces.len(), "read");
    Ok(problems.into_result(Some(traces))?)
}

/// The files that a path stands for.
fn files(path: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let shown = path.display();
    let unreadable =
        |error: std::io::Error| Diagnostic::without_place(format!("{shown}: cannot be read: {error}"));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "csv") {
            files.push(file);
        }
    }
    if files.is_empty() {
        let problem = Diagnostic::without_place(format!("{shown}: there are no traces in this folder"));
        return Err(problem.help("name a folder with .csv files, or the files themselves"));
    }
    files.sort();
    Ok(files)
}
