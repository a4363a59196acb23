//! The page "Claims of publications": the ledger from the values that `cargo xtask evaluation claims` wrote.
//!
//! A value whose program or inputs have changed since is shown as such: digests tell, without a run.

use std::path::Path;

use rtmm_claims::built_in;
use rtmm_claims::ledger::{Line, State, totals_text};
use rtmm_claims::markdown;
use rtmm_claims::publication::Publication;
use rtmm_claims::record::Record;
use rtmm_claims::resolution::{Asked, Resolution};
use rtmm_runners::Runners;

use super::Problem;
use crate::evaluation::claims::records;

/// Verdicts by publication.
pub(super) fn verdicts(root: &Path) -> Result<String, Problem> {
    let publications = built_in::all().map_err(|problems| problems.render(false))?;
    let records = records(root)?;
    let mut all = Vec::new();
    for publication in &publications {
        all.extend(lines(publication, &records)?);
    }
    let table = markdown::verdicts(&all);
    Ok(format!("{} claims: {}.\n\n{table}", all.len(), totals_text(&all)))
}

/// The claims of every publication, with their readings.
pub(super) fn ledger(root: &Path) -> Result<String, Problem> {
    let publications = built_in::all().map_err(|problems| problems.render(false))?;
    let records = records(root)?;
    let mut text = String::new();
    for publication in &publications {
        let lines = lines(publication, &records)?;
        let Publication { name, title, source, .. } = publication;
        text.push_str(&format!(
            "## {name}\n\n{title} ({source}): {}.\n\n{}\n{}\n",
            totals_text(&lines),
            markdown::claims(&lines),
            markdown::readings(publication)
        ));
    }
    Ok(text)
}

fn lines<'p>(publication: &'p Publication, records: &[Record]) -> Result<Vec<Line<'p>>, Problem> {
    let asked = Asked::all(publication);
    let resolution = Resolution::of(&asked, &Runners::built_in().list());
    let resolution = resolution.map_err(|problems| problems.render(false))?;
    let digests: Vec<(u32, &str, &str)> = resolution
        .digests()
        .map(|(asked, digest)| (asked.claim.number, asked.reading.name.as_str(), digest))
        .collect();
    let state = |claim: u32, reading: &str| {
        let record = records.iter().find(|record| {
            record.publication == publication.name && record.claim == claim && record.reading == reading
        });
        let Some(record) = record else { return State::Missing };
        let is_current = digests.contains(&(claim, reading, record.digest.as_str()));
        State::Measured { measured: record.measured, is_current }
    };
    let lines = publication
        .claims
        .iter()
        .map(|claim| Line::new(publication, claim, |reading| Some(state(claim.number, &reading.name))));
    Ok(lines.collect())
}
