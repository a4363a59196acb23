//! Records: measured values of claims as a table that is kept, so that a page can be made without a run.

use rtmm_sweep::statistics::Interval;
use rtmm_workload::input::{CsvTable, Diagnostics, Source};

use crate::quantity::Measured;
use crate::resolution::Measurement;

/// A value of a claim under a reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Name of the publication.
    pub publication: String,
    /// Number of the claim.
    pub claim: u32,
    /// Name of the reading.
    pub reading: String,
    /// The value.
    pub measured: Measured,
    /// Digest of all that determined it.
    pub digest: String,
}

const HEADER: [&str; 9] =
    ["publication", "claim", "reading", "value", "low", "high", "seeds", "places", "digest"];

/// Largest magnitude of a value.
const LARGEST: f64 = 1e300;

impl Record {
    /// The record of a measurement; `None` where there is no value.
    #[must_use]
    pub fn of(measurement: &Measurement<'_>) -> Option<Self> {
        Some(Self {
            publication: measurement.asked.publication.name.clone(),
            claim: measurement.asked.claim.number,
            reading: measurement.asked.reading.name.clone(),
            measured: *measurement.measured.as_ref().ok()?,
            digest: measurement.digest.clone(),
        })
    }
}

/// Reads records from CSV.
///
/// # Errors
/// Every problem of the table, each with its place.
pub fn read(source: &Source) -> Result<Vec<Record>, Diagnostics> {
    let mut table = CsvTable::parse(source, &HEADER);
    table.only(&HEADER);
    let columns = HEADER.map(|name| table.column(name));
    let mut records = Vec::new();
    let problems = table.each_row(|row| {
        let [
            Some(publication),
            Some(claim),
            Some(reading),
            Some(value),
            Some(low),
            Some(high),
            Some(seeds),
            Some(places),
            Some(digest),
        ] = columns
        else {
            return;
        };
        let bound = |row: &mut rtmm_workload::input::CsvRow<'_>, column: usize| {
            if row.is_blank(column) { None } else { row.number(column, -LARGEST..=LARGEST) }
        };
        let (lower, upper) = (bound(row, low), bound(row, high));
        let number = row.integer(claim, 1..=u32::MAX);
        let value = row.number(value, -LARGEST..=LARGEST);
        let seeds = row.integer(seeds, 1..=1_000_000_usize);
        let places = row.integer(places, 1..=10_000_000_usize);
        if let (Some(claim), Some(value), Some(seeds), Some(places)) = (number, value, seeds, places) {
            let interval = lower.zip(upper).map(|(low, high)| Interval { low, high });
            records.push(Record {
                publication: row.text(publication).to_owned(),
                claim,
                reading: row.text(reading).to_owned(),
                measured: Measured { value, interval, seeds, places },
                digest: row.text(digest).to_owned(),
            });
        }
    });
    problems.into_result(Some(records))
}

/// Records as CSV. Names of publications, readings and digests have neither commas nor quotes.
#[must_use]
pub fn write(records: &[Record]) -> String {
    let mut text = format!("{}\n", HEADER.join(","));
    for Record { publication, claim, reading, measured, digest } in records {
        let Measured { value, interval, seeds, places } = measured;
        let (low, high) = interval
            .map_or_else(Default::default, |Interval { low, high }| (low.to_string(), high.to_string()));
        text.push_str(&format!(
            "{publication},{claim},{reading},{value},{low},{high},{seeds},{places},{digest}\n"
        ));
    }
    text
}
