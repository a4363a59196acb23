//! Utilisation of a device by models that have it to themselves, as profilers measure it.
//!
//! ```csv
//! model,batch,sm_pct,l2_util_pct,dram_util_pct
//! resnet50,8,50,16.4,9.0
//! ```
//!
//! `sm_pct` is optional: without it the numbers hold for any share. Between measured batches they are linear, beyond them those
//! of the nearest; of a share that was not measured those of the nearest one hold.

use std::collections::BTreeMap;

use rtmm_workload::input::{CsvTable, Diagnostics, Source, problem_with};

use super::grid::between;
use super::pairs::{named, percent_of, share_of};
use super::resident::Resident;
use crate::platform::MAX_BATCH;

/// Columns that every table has.
const COLUMNS: [&str; 4] = ["model", "batch", "l2_util_pct", "dram_util_pct"];
/// The column of shares.
const SHARE: &str = "sm_pct";

/// Utilisation of the L2 cache and of DRAM by model, share and batch, as parts of the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Utilisation {
    /// By model, then by share in millionths, 0 where the table states none, then by batch.
    models: BTreeMap<String, BTreeMap<u32, BTreeMap<u32, [f64; 2]>>>,
}

impl Utilisation {
    /// Reads a table.
    ///
    /// # Errors
    /// Every problem of the text: missing columns, numbers out of range, two rows for one batch, no rows at all.
    pub fn parse(source: &Source) -> Result<Self, Diagnostics> {
        let has_shares = CsvTable::parse(source, &[]).column(SHARE).is_some();
        let mut csv = CsvTable::parse(source, &COLUMNS);
        csv.only(&[&COLUMNS[..], &[SHARE]].concat());
        let columns = COLUMNS.map(|name| csv.column(name));
        let ([Some(model), Some(batch), Some(cache), Some(memory)], share) = (columns, csv.column(SHARE))
        else {
            return csv.each_row(|_| {}).into_result(None);
        };
        let mut models: BTreeMap<String, BTreeMap<u32, BTreeMap<u32, [f64; 2]>>> = BTreeMap::new();
        let problems = csv.each_row(|row| {
            let name = named(row, model);
            let batch = row.integer(batch, 1..=MAX_BATCH);
            let share = match share.filter(|_| has_shares) {
                Some(column) => share_of(row, column),
                None => Some(0),
            };
            let parts = [cache, memory].map(|column| row.number(column, 0.0..=100.0));
            let (Some(name), Some(batch), Some(share), [Some(cache), Some(memory)]) =
                (name, batch, share, parts)
            else {
                return;
            };
            let of_model = models.entry(name).or_default().entry(share).or_default();
            if of_model.insert(batch, [cache / 100.0, memory / 100.0]).is_some() {
                row.reject_row(
                    format!("there are two rows for a batch of {batch} of this model"),
                    "remove one of the two rows",
                );
            }
        });
        if problems.is_empty() && models.is_empty() {
            let problem = problem_with(source, "the table of utilisations has no rows");
            return Err(problem.help("add a row for each model and batch").into());
        }
        problems.into_result(Some(Self { models }))
    }

    pub(super) fn identity(&self) -> String {
        let mut text = String::new();
        for (model, shares) in &self.models {
            text.push_str(&format!("{model:?}"));
            for (share, batches) in shares {
                let share = percent_of(*share);
                for (batch, [cache, memory]) in batches {
                    text.push_str(&format!(" {share}:{batch}:{cache}:{memory}"));
                }
            }
        }
        text
    }

    /// True if there is a row of a model.
    pub(super) fn knows(&self, model: &str) -> bool {
        self.models.contains_key(model)
    }

    /// The table for models of these names.
    pub(super) fn resolve(&self, models: &[&str], units: u32) -> Utilisations {
        let of_model = |name: &&str| {
            let shares = self.models.get(*name).into_iter().flatten();
            let of_share = |(share, batches): (&u32, &BTreeMap<u32, [f64; 2]>)| OfShare {
                millionths: u64::from(*share) * u64::from(units),
                batches: batches.keys().copied().collect(),
                parts: batches.values().copied().collect(),
            };
            shares.map(of_share).collect()
        };
        Utilisations { models: models.iter().map(of_model).collect() }
    }
}

/// Utilisations of models by index.
#[derive(Clone, Debug, Default)]
pub(super) struct Utilisations {
    models: Vec<Vec<OfShare>>,
}

#[derive(Clone, Debug)]
struct OfShare {
    /// The share, in millionths of a unit.
    millionths: u64,
    batches: Vec<u32>,
    parts: Vec<[f64; 2]>,
}

impl Utilisations {
    /// The parts of the L2 cache and of DRAM that a run uses; nothing of a model that was not measured.
    pub(super) fn of(&self, resident: &Resident) -> [f64; 2] {
        let shares = self.models.get(resident.model.index()).into_iter().flatten();
        let held = u64::from(resident.units) * 1_000_000;
        let Some(of_share) = shares.min_by_key(|share| share.millionths.abs_diff(held)) else {
            return [0.0; 2];
        };
        let Some([(below, part), (above, other_part)]) = between(&of_share.batches, resident.batch) else {
            return [0.0; 2];
        };
        let (below, above) = (of_share.parts[below], of_share.parts[above]);
        [0, 1].map(|level| below[level] * part + above[level] * other_part)
    }
}
