//! Files of measurements, built-in ones by name and others by path. The only module of this crate that reads any.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use rtmm_workload::input::{Diagnostic, Diagnostics, Source, suggestion};
use tracing::debug;

use crate::measurements::{Measurements, Purpose, Rows, cells};

/// Built-in table of measurements.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Contents and origin, in one line.
    pub summary: &'static str,
    compressed: &'static [u8],
}

/// A row of the table of built-in files, whose bytes lie in `data/`.
macro_rules! built_in {
    ($name:literal, $file:literal, $summary:literal) => {
        BuiltIn {
            name: $name,
            summary: $summary,
            compressed: include_bytes!(concat!("../data/", $file, ".csv.gz")),
        }
    };
}

/// All built-in tables, in the order of their names.
pub const BUILT_IN: &[BuiltIn] = &[
    built_in!(
        "abacus/a100-mig-pairs",
        "abacus_a100_mig_pairs",
        "groups of two segments on a MIG 2g.10gb slice of an A100: Abacus, SC 2021"
    ),
    built_in!("abacus/a100-pairs", "abacus_a100_pairs", "groups of two segments on an A100: Abacus, SC 2021"),
    built_in!(
        "abacus/a100-triplets",
        "abacus_a100_triplets",
        "groups of three segments on an A100: Abacus, SC 2021"
    ),
    built_in!(
        "gpulet/coefficients",
        "gpulet_coefficients",
        "coefficients of the linear model on two GPUs: gpulet, ATC 2022"
    ),
    built_in!(
        "gpulet/utilisation",
        "gpulet_utilisation",
        "utilisation of two GPUs by nine models alone: gpulet, ATC 2022"
    ),
    built_in!(
        "igniter/v100-coefficients",
        "igniter_v100_coefficients",
        "coefficients of a V100 and four models: iGniter, TPDS 2022"
    ),
    built_in!(
        "igniter/v100-pairs",
        "igniter_v100_pairs",
        "latencies of two models on parts of a V100: iGniter, TPDS 2022"
    ),
    built_in!("igniter/v100-power", "igniter_v100_power", "power and clock of a V100: iGniter, TPDS 2022"),
    built_in!(
        "igniter/v100-solo",
        "igniter_v100_solo",
        "latencies and utilisation of four models alone on a V100: iGniter, TPDS 2022"
    ),
    built_in!(
        "orion/v100-kernels",
        "orion_v100_kernels",
        "kernels of inferences and of training on a V100: Orion, EuroSys 2024"
    ),
];

/// The most bytes of a built-in table.
const MAX_BYTES: u64 = 64 << 20;

/// Opens a table by its built-in name, or by a path, which ends in `.csv`.
///
/// # Errors
/// A problem that says what there is instead.
pub fn open(reference: &str) -> Result<Source, Diagnostic> {
    if Path::new(reference).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        return rtmm_workload::load::read(Path::new(reference));
    }
    let Some(built_in) = BUILT_IN.iter().find(|built_in| built_in.name == reference) else {
        let names: Vec<&str> = BUILT_IN.iter().map(|built_in| built_in.name).collect();
        let help = suggestion(reference, "table", &names);
        let problem = Diagnostic::without_place(format!("there are no built-in measurements `{reference}`"));
        return Err(problem.help(format!("{help} (a path ends in .csv)")));
    };
    debug!(name = built_in.name, "reading built-in measurements");
    let mut text = String::new();
    match GzDecoder::new(built_in.compressed).take(MAX_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(Source::new(built_in.name, text)),
        Err(error) => Err(Diagnostic::without_place(format!("{}: cannot be read: {error}", built_in.name))),
    }
}

/// Opens tables.
fn open_all<R: AsRef<str>>(references: &[R]) -> Result<Vec<Source>, Diagnostics> {
    let mut problems = Diagnostics::default();
    let mut sources = Vec::with_capacity(references.len());
    for reference in references {
        match open(reference.as_ref()) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    problems.into_result(Some(sources))
}

/// Reads measurements to fit to: built-in names or paths, in any order and of any kinds.
///
/// # Errors
/// Every problem of every table.
pub fn measurements<R: AsRef<str>>(references: &[R]) -> Result<Measurements, Diagnostics> {
    Measurements::read(&open_all(references)?)
}

/// Rows to predict with the cells that they were written with.
#[derive(Clone, Debug)]
pub struct Written {
    /// The rows.
    pub rows: Rows,
    /// The header of the table.
    pub header: Vec<String>,
    /// The cells of each row.
    pub cells: Vec<Vec<String>>,
}

/// Reads the rows of a table: see [`Rows::read`].
///
/// # Errors
/// Every problem of the table.
pub fn rows(
    reference: &str,
    purpose: Purpose,
    measurements: &mut Measurements,
) -> Result<Written, Diagnostics> {
    let source = open(reference)?;
    let rows = Rows::read(&source, purpose, measurements)?;
    let (header, cells) = cells(&source);
    Ok(Written { rows, header, cells })
}
