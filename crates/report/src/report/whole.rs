//! Tables of all values of one run, or of the means of runs that differ in the seed only.

use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{CellResult, Column as Measured, ColumnKind, Value};
use rtmm_sweep::statistics::mean;

use super::item::Whole;
use super::reading::{decimals, factor_of, name_of, unit_of};
use crate::table::{Column, Row, TableCell, TextTable};

/// The most parts that stand side by side.
const MAX_COLUMNS: usize = 12;

/// The table of a part with its name; nothing where the runner has no such values.
pub(super) fn table(results: &Results<'_>, whole: Whole) -> (&'static str, Option<TextTable>) {
    let plan = results.plan();
    let (spec, cells) = (plan.spec(), results.cells());
    let Some(cell) = plan.cells().first() else { return ("run", None) };
    match whole {
        Whole::Tasks => {
            let names: Vec<&str> = plan.scenario(cell).tasks.iter().map(|task| task.name.as_str()).collect();
            ("tasks", of_parts("Tasks", &names, &spec.task_columns, cells, |cell| &cell.tasks))
        }
        Whole::Accelerators => {
            let accelerators = &plan.platform(cell).accelerators;
            let names: Vec<&str> = accelerators.iter().map(|one| one.name.as_str()).collect();
            let columns = &spec.accelerator_columns;
            ("accelerators", of_parts("Accelerators", &names, columns, cells, |cell| &cell.accelerators))
        }
        Whole::Run => {
            ("run", of_parts("All values", &["value"], &spec.cell_columns, cells, |cell| &cell.cell))
        }
    }
}

/// A row a column of the results and a column a part, or the other way where parts are many.
fn of_parts(
    title: &str,
    names: &[&str],
    columns: &[Measured],
    cells: &[Option<CellResult>],
    values: fn(&CellResult) -> &[Value],
) -> Option<TextTable> {
    let found: Vec<&[Value]> =
        cells.iter().flatten().map(values).filter(|values| !values.is_empty()).collect();
    if found.is_empty() || columns.is_empty() {
        return None;
    }
    let shown: Vec<Shown> = columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            Shown::of(column, names.len(), |part| {
                let at = part * columns.len() + position;
                found.iter().filter_map(|values| values.get(at).cloned()).collect()
            })
        })
        .filter(|shown| shown.cells.iter().any(|cell| *cell != TableCell::missing()))
        .collect();
    let mut table = if names.len() > MAX_COLUMNS {
        let heads =
            shown.iter().map(|shown| Column { unit: shown.unit.clone(), ..Column::number(&shown.name) });
        let mut table = TextTable::new(title, std::iter::once(Column::text("name")).chain(heads).collect());
        table.rows.extend(names.iter().enumerate().map(|(part, name)| {
            let cells = shown.iter().map(|shown| shown.cells[part].clone());
            Row::new(std::iter::once(TableCell::text(*name)).chain(cells).collect())
        }));
        table
    } else {
        let heads = names.iter().map(|name| Column::number(*name));
        let heads = [Column::text("quantity"), Column::text("unit")].into_iter().chain(heads);
        let mut table = TextTable::new(title, heads.collect());
        table.rows.extend(shown.into_iter().map(|shown| {
            let head = [TableCell::text(shown.name), TableCell::text(shown.unit.unwrap_or_default())];
            Row::new(head.into_iter().chain(shown.cells).collect())
        }));
        table
    };
    if found.len() > 1 {
        table.notes.push(format!("Means over {} seeds.", found.len()));
    }
    Some(table)
}

/// A column of results with its values for readers, one a part.
struct Shown {
    name: String,
    unit: Option<String>,
    cells: Vec<TableCell>,
}

impl Shown {
    fn of(column: &Measured, parts: usize, values: impl Fn(usize) -> Vec<Value>) -> Self {
        let factor = factor_of(column);
        let all: Vec<Vec<Value>> = (0..parts).map(values).collect();
        let numbers = |values: &[Value]| -> Vec<f64> { values.iter().filter_map(Value::number).collect() };
        let means: Vec<Option<f64>> =
            all.iter().map(|values| mean(&numbers(values)).map(|mean| mean * factor)).collect();
        let is_count = column.kind == ColumnKind::Integer && all.iter().all(|values| values.len() == 1);
        let digits = if is_count { 0 } else { decimals(column.unit, means.iter().flatten().copied()) };
        let cell = |(values, mean): (&Vec<Value>, &Option<f64>)| match (mean, values.as_slice()) {
            (Some(mean), _) => TableCell::number(*mean, digits),
            (None, [Value::Text(text)]) => TableCell::text(text.to_string()),
            (None, [Value::Boolean(value)]) => TableCell::text(value.to_string()),
            _ => TableCell::missing(),
        };
        let cells = all.iter().zip(&means).map(cell).collect();
        Self { name: name_of(column), unit: unit_of(column), cells }
    }
}
