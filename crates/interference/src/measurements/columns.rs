//! Cells of measurements, checked.

use std::ops::RangeInclusive;

use rtmm_workload::input::{CsvRow, CsvTable};

use crate::{ModelKey, Names, Share};

/// The longest latency in milliseconds, and the shortest: a year, a picosecond.
pub(super) const LATENCY_MS: RangeInclusive<f64> = 1e-9..=3.2e10;
/// Latencies in microseconds.
pub(super) const LATENCY_US: RangeInclusive<f64> = 1e-6..=3.2e13;
/// Deviations, which may be nothing.
pub(super) const DEVIATION: RangeInclusive<f64> = 0.0..=3.2e13;
/// Percent of a whole.
pub(super) const PERCENT: RangeInclusive<f64> = 0.0..=100.0;
/// Sizes of batches.
pub(super) const BATCH: RangeInclusive<u32> = 1..=1_000_000;

/// Column of a name. Where a table lacks one that it must have, none of its rows is read.
pub(super) fn required(table: &CsvTable<'_>, name: &str) -> usize {
    table.column(name).unwrap_or(0)
}

/// A number in a column that may be absent, and whose cells may be blank; the outer none for a cell that is rejected.
pub(super) fn optional(
    row: &mut CsvRow<'_>,
    column: Option<usize>,
    allowed: RangeInclusive<f64>,
) -> Option<Option<f64>> {
    match column.filter(|column| !row.is_blank(*column)) {
        Some(column) => row.number(column, allowed).map(Some),
        None => Some(None),
    }
}

/// The model that a cell names.
pub(super) fn model(row: &mut CsvRow<'_>, column: usize, names: &mut Names) -> Option<ModelKey> {
    let name = row.text(column);
    if name.is_empty() || name.contains('+') {
        let message = if name.is_empty() {
            format!("column `{}` names no model", row.header(column))
        } else {
            format!("`{name}` names several models")
        };
        row.reject(column, message, "write the name of one model, without `+`");
        return None;
    }
    Some(names.key(name))
}

/// The share of the SMs that a cell states in percent; all of them without a column.
pub(super) fn share(row: &mut CsvRow<'_>, column: Option<usize>) -> Option<Share> {
    let Some(column) = column else { return Some(Share::WHOLE) };
    let percent = row.number(column, 0.0001..=100.0)?;
    Share::percent(percent)
}
