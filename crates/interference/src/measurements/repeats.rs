//! Rows that measure the same thing twice, in one table or in several.

use std::collections::BTreeMap;

use rtmm_workload::input::CsvRow;

use crate::{ModelKey, Segment, Share};

/// The largest difference of two measurements of the same thing, as a part of the smaller one: beyond it they contradict
/// each other.
const NOISE: f64 = 0.2;

/// True if two measurements of the same thing differ by more than noise.
pub(super) fn contradict(one: f64, other: f64) -> bool {
    differ(one, other, NOISE)
}

fn differ(one: f64, other: f64, noise: f64) -> bool {
    (one - other).abs() > noise * one.abs().min(other.abs())
}

/// An inference alone, as rows name it.
pub(super) type Place = (ModelKey, u32, Share);

/// A number as messages have it: to six digits.
pub(super) fn written(value: f64) -> String {
    format!("{value:.5e}").parse::<f64>().unwrap_or(value).to_string()
}

/// Rows of some tables by what they measure.
#[derive(Debug)]
pub(super) struct Repeats<K> {
    noise: f64,
    /// The names of the tables.
    tables: Vec<String>,
    /// By what is measured: the table and the line of the first row, and its values.
    rows: BTreeMap<K, (usize, usize, Vec<f64>)>,
}

impl<K> Repeats<K> {
    /// Repeated measurements, which may differ by noise.
    const fn measured() -> Self {
        Self { noise: NOISE, tables: Vec::new(), rows: BTreeMap::new() }
    }

    /// Repeated statements, which may not differ.
    const fn stated() -> Self {
        Self { noise: 0.0, tables: Vec::new(), rows: BTreeMap::new() }
    }
}

impl<K: Ord> Repeats<K> {
    /// Records a row of a table: one whose values differ by more than noise from those of an earlier row that measures
    /// the same is rejected, with the place of that one.
    pub(super) fn note(&mut self, row: &mut CsvRow<'_>, key: K, values: &[f64]) {
        let here = row.table();
        if self.tables.last().is_none_or(|last| last != here) {
            self.tables.push(here.to_owned());
        }
        let table = self.tables.len() - 1;
        let Some((of, line, known)) = self.rows.get(&key) else {
            self.rows.insert(key, (table, row.line(), values.to_vec()));
            return;
        };
        let differing = values.iter().zip(known).find(|(one, other)| differ(**one, **other, self.noise));
        let Some((value, other)) = differing else { return };
        let (value, other) = (written(*value), written(*other));
        let (place, help) = if *of == table {
            (format!("line {line}"), "keep the right one, or write both as one row with their mean")
        } else {
            let help =
                "fit to one of the two tables, or keep the right row: all are taken to be of one device";
            (format!("{}:{line}", self.tables[*of]), help)
        };
        let message =
            format!("this row contradicts {place}, which measures the same: {value}, and there {other}");
        row.reject_row(message, help);
    }
}

/// Everything that tables which are read together have measured so far.
#[derive(Debug)]
pub(super) struct Seen {
    pub solos: Repeats<Place>,
    pub pairs: Repeats<[Place; 2]>,
    pub groups: Repeats<Vec<Segment>>,
    pub powers: Repeats<Place>,
    pub coefficients: Repeats<(String, String)>,
    pub linear: Repeats<(String, &'static str)>,
    pub utilisations: Repeats<(String, ModelKey, u32)>,
    /// The GPU that solo latencies are of, and the table and the line that say so first.
    pub gpu: Option<(String, String)>,
}

impl Seen {
    pub(super) const fn new() -> Self {
        Self {
            solos: Repeats::measured(),
            pairs: Repeats::measured(),
            groups: Repeats::measured(),
            powers: Repeats::measured(),
            coefficients: Repeats::measured(),
            linear: Repeats::stated(),
            utilisations: Repeats::measured(),
            gpu: None,
        }
    }
}
