//! Measurements of inferences that share a GPU.

use std::path::PathBuf;

use rtmm_interference::{FileKind, Measurements, Purpose, Rows, SoloLatencies};
use rtmm_workload::input::{CsvTable, Diagnostics, Source};
use rtmm_workload::load;

use super::count_of;

/// Kind of a table of such measurements; none for any other file. Costs of layers have latencies, too.
fn kind_of(source: &Source) -> Option<FileKind> {
    let is_table = source.name().to_lowercase().ends_with(".csv");
    let is_other = || CsvTable::parse(source, &[]).header().iter().any(|name| name == "layer");
    FileKind::of(source).ok().filter(|_| is_table && !is_other())
}

/// The sound tables of solo latencies among some files: pairs may take theirs from them.
pub(super) fn solos(files: &[PathBuf]) -> Vec<Source> {
    // A pipe can be read once.
    let tables =
        files.iter().filter(|path| path.is_file() && path.extension().is_some_and(|found| found == "csv"));
    let sources = tables.filter_map(|path| load::read(path).ok());
    sources
        .filter(|source| kind_of(source) == Some(FileKind::Solo))
        .filter(|source| Measurements::read(std::slice::from_ref(source)).is_ok())
        .collect()
}

/// Kind of a sound table of measurements, with its rows; none for a file that is no such table.
pub(super) fn check(source: &Source, solos: &[Source]) -> Option<Result<String, Diagnostics>> {
    let kind = kind_of(source)?;
    let said = |rows: usize| format!("{}, {}", kind.rows(), count_of(rows, "row"));
    Some(match kind {
        // Rows to predict are sound without labels.
        FileKind::Pairs | FileKind::Groups => {
            // Solo latencies that stand in a table which is not among the files are not missing.
            let known = if solos.is_empty() { SoloLatencies::Partly } else { SoloLatencies::Measured };
            let (mut measurements, _) = Measurements::read_partly(solos);
            let read = Rows::read_with(source, Purpose::Predict, &mut measurements, known);
            read.map(|_| {
                let said = said(rows_of(source));
                let states_solos = CsvTable::parse(source, &[]).column("solo_a_ms").is_some();
                if kind == FileKind::Pairs && solos.is_empty() && !states_solos {
                    format!("{said}; their solo latencies are not among the files")
                } else {
                    said
                }
            })
        }
        _ => Measurements::read(std::slice::from_ref(source)).map(|measurements| said(measurements.rows())),
    })
}

/// The number of rows of a sound table, those included that lack a solo latency.
fn rows_of(source: &Source) -> usize {
    let mut rows = 0;
    let _ = CsvTable::parse(source, &[]).each_row(|_| rows += 1);
    rows
}
