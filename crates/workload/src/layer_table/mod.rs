//! Layer tables in CSV: one row a layer, in the columns of the published XRBench tables or of
//! SCALE-Sim's topologies.

mod forms;
mod row;

use std::ops::Range;

use crate::input::{Diagnostics, Source};
use crate::layer::Layer;
use forms::Columns;

/// The rule for legal layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legality {
    /// Every shape must make sense.
    Strict,
    /// Rows of a published table are taken as they are, even where a filter is larger than its
    /// input: for reference modes, which read the published columns only.
    Published,
}

/// One row of a layer table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The model that the row says it belongs to; empty where the table has no such column.
    pub model: String,
    /// The row's own index, or its position from 0.
    pub index: u32,
    /// The layer.
    pub layer: Layer,
    /// The row's bytes in the table.
    pub range: Range<usize>,
}

/// True if a CSV text has columns of a layer table, whether it has all that it needs or not.
#[must_use]
pub fn is_layer_table(source: &Source) -> bool {
    forms::is_layer_table(source)
}

/// Reads a layer table, calling `each` for every row that makes sense.
///
/// Which of the forms it has follows from its columns. All problems are returned.
pub fn read_layer_table(source: &Source, legality: Legality, mut each: impl FnMut(TableRow)) -> Diagnostics {
    let (form, table) = forms::open(source);
    let Some(columns) = Columns::find(&table, form) else {
        return table.each_row(|_| {});
    };
    let mut position = 0;
    table.each_row(|row| {
        if let Some(row) = row::read(row, form, &columns, position, legality) {
            each(row);
        }
        position += 1;
    })
}
