//! Rows that measure the same thing twice.

use std::collections::BTreeMap;

use rtmm_workload::input::CsvRow;

/// The largest difference of two measurements of the same thing, as a part of the smaller one: beyond it they contradict
/// each other.
const NOISE: f64 = 0.2;

/// True if two measurements of the same thing differ by more than noise.
pub(super) fn contradict(one: f64, other: f64) -> bool {
    (one - other).abs() > NOISE * one.abs().min(other.abs())
}

/// Rows of one table by what they measure.
pub(super) struct Repeats<K>(BTreeMap<K, (usize, Vec<f64>)>);

impl<K: Ord> Repeats<K> {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Records a row of a table: one whose values differ by more than noise from those of an earlier row that measures
    /// the same is rejected.
    pub(super) fn note(&mut self, row: &mut CsvRow<'_>, key: K, values: &[f64]) {
        let Some((line, known)) = self.0.get(&key) else {
            self.0.insert(key, (row.line(), values.to_vec()));
            return;
        };
        if let Some((value, other)) = values.iter().zip(known).find(|(one, other)| contradict(**one, **other))
        {
            let message = format!(
                "this row contradicts line {line}, which measures the same: {value}, and there {other}"
            );
            row.reject_row(message, "keep the right one, or write both as one row with their mean");
        }
    }
}
