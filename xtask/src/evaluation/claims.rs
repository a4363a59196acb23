//! `cargo xtask evaluation claims [PUBLICATION]`: the ledger of claims, measured.
//!
//! Stores are those of `rtmm sweep` and `rtmm reproduce`, below `results/`. Values are written to
//! `docs/evaluation/data/claims.csv`; those of publications that are not asked for stay as they are.

use std::path::Path;

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
pub(crate) fn run(only: Option<&str>) -> Result<(), Problem> {
    let root = project_root();
    let publications = match only {
        Some(name) => vec![built_in::open(name)?],
        None => built_in::all()?,
    };
    let mut records = records(&root)?;
    for publication in &publications {
        measure(&root, publication, &mut records)?;
    }
    Ok(())
}

/// The measured values that are kept; none where there are none yet.
pub(crate) fn records(root: &Path) -> Result<Vec<Record>, Problem> {
    let path = root.join(DATA).join(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let source = read(&path).map_err(rtmm_workload::input::Diagnostics::from)?;
    Ok(record::read(&source)?)
}

/// Measures claims that are not known yet. Values that were measured with the same inputs are left as they are, and others of the
/// publication are removed.
fn measure(root: &Path, publication: &Publication, known: &mut Vec<Record>) -> Result<(), Problem> {
    let runners = Runners::built_in();
    let runners = runners.list();
    let asked = Asked::all(publication);
    let resolution = Resolution::of(&asked, &runners)?;
    let digests: Vec<(Asked<'_>, &str)> = resolution.digests().collect();
    let is_of = |record: &Record, (asked, digest): &(Asked<'_>, &str)| {
        (record.claim, record.reading.as_str(), record.digest.as_str())
            == (asked.claim.number, asked.reading.name.as_str(), *digest)
    };
    known.retain(|record| {
        record.publication != publication.name || digests.iter().any(|asked| is_of(record, asked))
    });
    let is_known = |asked: &(Asked<'_>, &str)| {
        known.iter().any(|record| record.publication == publication.name && is_of(record, asked))
    };
    let missing = digests.iter().filter(|asked| !is_known(asked));
    let missing: Vec<Asked<'_>> = missing.map(|(asked, _)| *asked).collect();
    println!("{}: {} of {} values are not known", publication.name, missing.len(), digests.len());
    let resolution = Resolution::of(&missing, &runners)?;
    for (index, needed) in resolution.sweeps().into_iter().enumerate() {
        println!("{}: {} of {} cells of `{}`", publication.name, needed.cells, needed.of, needed.name);
        let directory = root.join("results").join(needed.name);
        let measured = resolution.measure(index, &directory, &Options::default(), &Silent)?;
        if let Some(failure) = measured.failure {
            return Err(failure.into());
        }
        for measurement in &measured.measurements {
            known.push(Record::of(measurement).ok_or_else(|| without_value(measurement))?);
        }
        // After each sweep, so that what was measured is kept whatever comes.
        write(root, known)?;
    }
    write(root, known)
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
