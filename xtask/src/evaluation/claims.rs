//! `cargo xtask evaluation claims [PUBLICATION]`: the ledger of claims, measured.
//!
//! Stores are those of `rtmm sweep` and `rtmm reproduce`, below `results/`. Values are written to
//! `docs/evaluation/data/claims.csv`; those of publications that are not asked for stay as they are.

use std::path::Path;
use std::process::ExitCode;

use rtmm_claims::built_in;
use rtmm_claims::publication::Publication;
use rtmm_claims::record::{self, Record};
use rtmm_claims::resolution::{Asked, Measurement, Resolution};
use rtmm_runners::Runners;
use rtmm_sweep::execute::{Options, Silent};
use rtmm_workload::load::read;

use super::{DATA, Problem};
use crate::project_root;

/// The file of measured values.
const FILE: &str = "claims.csv";

/// Measures the claims of one publication, or of all.
pub(crate) fn run(only: Option<&str>) -> ExitCode {
    match evaluate(only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn evaluate(only: Option<&str>) -> Result<(), Problem> {
    let root = project_root();
    let publications = match only {
        Some(name) => vec![built_in::open(name).map_err(|problems| problems.render(false))?],
        None => built_in::all().map_err(|problems| problems.render(false))?,
    };
    let mut records = records(&root)?;
    for publication in &publications {
        let measured = measure(&root, publication)?;
        records.retain(|record| record.publication != publication.name);
        records.extend(measured);
        // After each, so that what was measured is kept whatever comes.
        write(&root, &mut records)?;
    }
    Ok(())
}

/// The measured values that are kept; none where there are none yet.
pub(crate) fn records(root: &Path) -> Result<Vec<Record>, Problem> {
    let path = root.join(DATA).join(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let source =
        read(&path).map_err(|problem| rtmm_workload::input::Diagnostics::from(problem).render(false))?;
    Ok(record::read(&source).map_err(|problems| problems.render(false))?)
}

fn measure(root: &Path, publication: &Publication) -> Result<Vec<Record>, Problem> {
    let asked = Asked::all(publication);
    let resolution = Resolution::of(&asked, &Runners::built_in().list());
    let resolution = resolution.map_err(|problems| problems.render(false))?;
    let mut records = Vec::new();
    for (index, needed) in resolution.sweeps().into_iter().enumerate() {
        println!("{}: {} of {} cells of `{}`", publication.name, needed.cells, needed.of, needed.name);
        let directory = root.join("results").join(needed.name);
        let measured = resolution.measure(index, &directory, &Options::default(), &Silent)?;
        if let Some(failure) = measured.failure {
            return Err(failure.into());
        }
        for measurement in &measured.measurements {
            records.push(Record::of(measurement).ok_or_else(|| without_value(measurement))?);
        }
    }
    Ok(records)
}

fn without_value(measurement: &Measurement<'_>) -> String {
    let Measurement { asked, measured, .. } = measurement;
    let reason = measured.as_ref().err().map_or("it has none", String::as_str);
    format!("claim {} under `{}` has no value: {reason}", asked.claim.number, asked.reading.name)
}

/// Writes the values, in the order of publications, claims and readings' names.
fn write(root: &Path, records: &mut [Record]) -> Result<(), Problem> {
    let names = built_in::names();
    let place = |name: &str| names.iter().position(|known| *known == name);
    records.sort_by(|left, right| {
        let key = |record: &Record| (place(&record.publication), record.claim);
        key(left).cmp(&key(right)).then_with(|| left.reading.cmp(&right.reading))
    });
    std::fs::write(root.join(DATA).join(FILE), record::write(records))?;
    Ok(())
}
