//! Rows that measure the same thing twice.

use std::collections::BTreeMap;

use rtmm_workload::input::CsvRow;

/// The largest ratio of two measurements of the same thing in one table: beyond it they contradict each other.
const MAX_RATIO: f64 = 1.2;

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
        let differs = |(one, other): (&f64, &f64)| one.max(*other) > MAX_RATIO * one.min(*other);
        if let Some((value, other)) = values.iter().zip(known).find(|(one, other)| differs((one, other))) {
            let message = format!(
                "this row contradicts line {line}, which measures the same: {value}, and there {other}"
            );
            row.reject_row(message, "keep the right one, or write both as one row with their mean");
        }
    }
}
