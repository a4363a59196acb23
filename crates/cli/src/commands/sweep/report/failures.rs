//! Cells that failed, for the terminal and for the report.

use std::collections::BTreeMap;

use rtmm_report::{Cell, Column, ReportTable, Row, TextTable};
use rtmm_sweep::plan::Plan;
use rtmm_sweep::results::Failure;

/// Cells of one scenario and platform that failed for one reason.
pub(in crate::commands::sweep) struct Alike<'f> {
    pub scenario: &'f str,
    pub platform: &'f str,
    pub reason: &'f str,
    pub cells: usize,
}

/// The failures by scenario, platform and reason, in the order of the first cell of each.
pub(in crate::commands::sweep) fn alike<'f>(plan: &'f Plan<'_>, failures: &'f [Failure]) -> Vec<Alike<'f>> {
    let mut alike: Vec<Alike<'f>> = Vec::new();
    let mut positions: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for failure in failures {
        let cell = &plan.cells()[failure.cell];
        let (scenario, platform) = (plan.scenario(cell).name.as_str(), plan.platform(cell).name.as_str());
        let position = *positions.entry((scenario, platform, &*failure.reason)).or_insert_with(|| {
            alike.push(Alike { scenario, platform, reason: &failure.reason, cells: 0 });
            alike.len() - 1
        });
        alike[position].cells += 1;
    }
    alike
}

/// The most kinds of failures on a page.
const MOST_ROWS: usize = 100;

/// What failed; `None` where nothing did.
pub(super) fn table(plan: &Plan<'_>, failures: &[Failure]) -> Option<ReportTable> {
    let alike = alike(plan, failures);
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
    for kind in alike.iter().take(MOST_ROWS) {
        let cells = kind.cells.to_string();
        let texts = [kind.scenario, kind.platform, &cells, kind.reason];
        table.rows.push(Row::new(texts.map(Cell::text).into()));
    }
    if alike.len() > MOST_ROWS {
        table.notes.push(format!("{} more kinds are in failures.csv.", alike.len() - MOST_ROWS));
    }
    Some(ReportTable { name: "failures".to_owned(), table })
}
