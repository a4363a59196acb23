//! The table of cells that failed.

use rtmm_sweep::results::{Results, alike};

use crate::table::{Column, Row, TableCell, TextTable};

/// The most kinds of failures on a page.
const MAX_ROWS: usize = 100;

/// Cells that failed, by scenario, platform and reason; `None` where none did.
pub(super) fn table(results: &Results<'_>) -> Option<TextTable> {
    let alike = alike(results.plan(), results.failures());
    if alike.is_empty() {
        return None;
    }
    let columns = vec![
        Column::text("scenario"),
        Column::text("platform"),
        Column::number("cells"),
        Column::text("reason"),
    ];
    let mut table = TextTable::new("Cells that failed", columns);
    table.label_columns = 2;
    for kind in alike.iter().take(MAX_ROWS) {
        let cells = kind.cells.to_string();
        let texts = [kind.scenario, kind.platform, &cells, kind.reason];
        table.rows.push(Row::new(texts.map(TableCell::text).into()));
    }
    if alike.len() > MAX_ROWS {
        table.notes.push(format!("{} more kinds are in failures.csv.", alike.len() - MAX_ROWS));
    }
    Some(table)
}
