//! Files of measurements, built-in ones by name and others by path. The only module of this crate that reads any.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use rtmm_workload::input::{Diagnostic, Diagnostics, Source, suggestion};
use tracing::debug;

use crate::Device;
use crate::measurements::{Measurements, Purpose, Rows, SoloLatencies, cells};

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

/// Opens a table by its built-in name, or by a path: one that ends in `.csv`, or that of a file that is there.
///
/// # Errors
/// A problem that says what there is instead.
pub fn open(reference: &str) -> Result<Source, Diagnostic> {
    let path = Path::new(reference);
    let Some(built_in) = BUILT_IN.iter().find(|built_in| built_in.name == reference) else {
        let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_table || path.exists() {
            return rtmm_workload::load::read(path);
        }
        let names: Vec<&str> = BUILT_IN.iter().map(|built_in| built_in.name).collect();
        let help = suggestion(reference, "table", &names);
        let message = format!("there is no file and there are no built-in measurements `{reference}`");
        return Err(Diagnostic::without_place(message).help(help));
    };
    debug!(name = built_in.name, "reading built-in measurements");
    let mut text = String::new();
    match GzDecoder::new(built_in.compressed).take(MAX_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(Source::new(built_in.name, text)),
        Err(error) => Err(Diagnostic::without_place(format!("{}: cannot be read: {error}", built_in.name))),
    }
}

/// Opens tables, as many as can be opened.
fn open_all<R: AsRef<str>>(references: &[R], problems: &mut Diagnostics) -> Vec<Source> {
    let mut sources = Vec::with_capacity(references.len());
    for reference in references {
        match open(reference.as_ref()) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    sources
}

/// Reads measurements to fit to: built-in names or paths, in any order and of any kinds.
///
/// # Errors
/// Every problem of every table.
pub fn measurements<R: AsRef<str>>(references: &[R]) -> Result<Measurements, Diagnostics> {
    all(references, &[], Device::Same).map(|(measurements, _)| measurements)
}

/// Rows to predict with the cells that they were written with.
#[derive(Clone, Debug)]
pub struct Written {
    /// The rows.
    pub rows: Rows,
    /// The header of the table, without columns of earlier predictions.
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
    written(&open(reference)?, purpose, measurements, SoloLatencies::Measured)
}

fn written(
    source: &Source,
    purpose: Purpose,
    measurements: &mut Measurements,
    solos: SoloLatencies,
) -> Result<Written, Diagnostics> {
    let rows = Rows::read_with(source, purpose, measurements, solos)?;
    let (header, cells) = cells(source);
    Ok(Written { rows, header, cells })
}

/// Reads all that a prediction needs: measurements to fit to, and tables of rows of a device, each for a purpose.
///
/// # Errors
/// Every problem of every table, each once, and none that follows from another.
pub fn all<R: AsRef<str>>(
    fit: &[R],
    tables: &[(&str, Purpose)],
    device: Device,
) -> Result<(Measurements, Vec<Written>), Diagnostics> {
    let mut problems = Diagnostics::default();
    let sources = open_all(fit, &mut problems);
    let (mut measurements, found) = Measurements::read_partly(&sources);
    let bad: Vec<String> =
        found.iter().filter_map(|problem| problem.place().map(|(name, ..)| name.to_owned())).collect();
    problems.extend(found);
    let solos = match device {
        Device::New => SoloLatencies::OwnAlone,
        Device::Same if problems.is_empty() => SoloLatencies::Measured,
        Device::Same => SoloLatencies::Partly,
    };
    let mut read = Vec::with_capacity(tables.len());
    for (reference, purpose) in tables {
        match open(reference) {
            // It is one of those to fit to: what is wrong with it is told.
            Ok(source) if bad.iter().any(|name| name == source.name()) => {}
            Ok(source) => match written(&source, *purpose, &mut measurements, solos) {
                Ok(one) => read.push(one),
                Err(found) => problems.extend(found),
            },
            Err(_) if fit.iter().any(|other| other.as_ref() == *reference) => {}
            Err(problem) => problems.push(problem),
        }
    }
    problems.into_result(Some((measurements, read)))
}
