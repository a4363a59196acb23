//! Result tables: what is a run's own, what is a task's, what is an accelerator's, and series over time.
//!
//! Each value stands once. Rows of tasks, accelerators and series name their run by `cell`, the position in the order of
//! the sweep; the table of cells says what that run was. A table gives its rows cell by cell; the forms in which they are
//! written know nothing of sweeps.

use std::io;

use super::field::Field;
use super::parameters::ParameterColumn;
use crate::axes::COLUMNS;
use crate::columns::{ColumnKind, Datum, Value};
use crate::plan::{Cell, Plan};
use crate::results::{ACCELERATOR, Results, SERIES, TASK, axis_values};
use crate::runner::CellResult;

/// A table of results.
pub(super) struct Table {
    /// Stem of its files.
    pub name: &'static str,
    /// Part of results that a row is about, for readers.
    pub row: &'static str,
    /// The columns that tell its rows apart.
    pub key: &'static [&'static str],
    pub fields: Vec<Field>,
    /// True if it is written as JSON, too: not where rows are many.
    pub in_json: bool,
    content: Content,
}

enum Content {
    /// With the typed values of parameters, a list a policy of the plan.
    Cells(Vec<Vec<Value>>),
    Tasks,
    Accelerators,
    Series,
}

/// A taker of rows.
pub(super) type Emit<'e> = dyn FnMut(&[Datum<'_>]) -> io::Result<()> + 'e;

impl Table {
    /// The tables of a plan's results: cells, then tasks and accelerators, where the runner has columns for them.
    pub(super) fn of(plan: &Plan<'_>) -> Vec<Self> {
        let spec = plan.spec();
        let rest = [
            (!spec.task_columns.is_empty()).then(|| Self::tasks(plan)),
            (!spec.accelerator_columns.is_empty()).then(|| Self::accelerators(plan)),
        ];
        std::iter::once(Self::cells(plan)).chain(rest.into_iter().flatten()).collect()
    }

    fn cells(plan: &Plan<'_>) -> Self {
        let parameters = ParameterColumn::of(plan);
        let identity = "BLAKE3 of all that determines the results of the run, in hexadecimal";
        let mut fields = vec![cell_key(), Field::key("identity", ColumnKind::Text, identity)];
        fields.extend(COLUMNS.iter().map(|column| Field::new("axis", column)));
        fields.extend(parameters.iter().map(ParameterColumn::field));
        fields.extend(plan.spec().cell_columns.iter().map(|column| Field::new("cell", column)));
        let policies = plan.axes().policies.iter();
        let values = policies.map(|policy| parameters.iter().map(|column| column.value(policy)).collect());
        let content = Content::Cells(values.collect());
        Self { name: "cells", row: "a run", key: &["cell"], fields, in_json: true, content }
    }

    fn tasks(plan: &Plan<'_>) -> Self {
        let mut fields = vec![cell_key(), Field::new("key", &TASK)];
        fields.extend(plan.spec().task_columns.iter().map(|column| Field::new("task", column)));
        let (row, key) = ("a task of a run", &["cell", "task"]);
        Self { name: "tasks", row, key, fields, in_json: true, content: Content::Tasks }
    }

    fn accelerators(plan: &Plan<'_>) -> Self {
        let columns = &plan.spec().accelerator_columns;
        let mut fields = vec![cell_key(), Field::new("key", &ACCELERATOR)];
        fields.extend(columns.iter().map(|column| Field::new("accelerator", column)));
        let (row, key) = ("an accelerator of a run", &["cell", "accelerator"]);
        Self { name: "accelerators", row, key, fields, in_json: true, content: Content::Accelerators }
    }

    /// The points of series over simulated time.
    pub(super) fn series() -> Self {
        let mut fields = vec![cell_key()];
        fields.extend(SERIES.iter().map(|column| Field::new("series", column)));
        let (row, key) = ("a point of a series of a run", &["cell", "series", "time_s"]);
        Self { name: "series", row, key, fields, in_json: false, content: Content::Series }
    }

    /// Hands out every row, in the order of the plan; cells that failed have none.
    pub(super) fn rows(&self, results: &Results<'_>, emit: &mut Emit<'_>) -> io::Result<()> {
        results.iter().try_for_each(|(cell, result)| self.rows_of(results.plan(), cell, result, emit))
    }

    /// Hands out the rows of one cell.
    fn rows_of(
        &self,
        plan: &Plan<'_>,
        cell: &Cell,
        result: &CellResult,
        emit: &mut Emit<'_>,
    ) -> io::Result<()> {
        // A plan has far fewer cells than that.
        let number = Datum::Integer(i64::try_from(cell.index).unwrap_or(i64::MAX));
        match &self.content {
            Content::Cells(parameters) => {
                let identity = plan.identities()[cell.index].to_string();
                let axes = axis_values(plan, cell);
                let parameters = &parameters[cell.policy.index()];
                let values = axes.iter().chain(parameters).chain(&result.cell).map(Value::datum);
                emit(&[number, Datum::Text(&identity)].into_iter().chain(values).collect::<Vec<_>>())
            }
            Content::Tasks => {
                let names = plan.scenario(cell).tasks.iter().map(|task| task.name.as_str());
                rows_of_parts(number, names, &result.tasks, plan.spec().task_columns.len(), emit)
            }
            Content::Accelerators => {
                let names = plan.platform(cell).accelerators.iter().map(|one| one.name.as_str());
                let columns = plan.spec().accelerator_columns.len();
                rows_of_parts(number, names, &result.accelerators, columns, emit)
            }
            Content::Series => {
                let series = plan.spec().series_columns.iter().zip(&result.series);
                for (column, points) in series {
                    for point in points {
                        let value = point.value.map_or(Datum::Missing, Datum::Real);
                        emit(&[number, Datum::Text(column.name), Datum::Real(point.time_s), value])?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// The column by which rows of all tables name their run.
fn cell_key() -> Field {
    Field::key("cell", ColumnKind::Integer, "position of the run in the order of the sweep, from 0")
}

/// A row of so many values for each part of a cell.
fn rows_of_parts<'n>(
    cell: Datum<'_>,
    names: impl Iterator<Item = &'n str>,
    values: &[Value],
    columns: usize,
    emit: &mut Emit<'_>,
) -> io::Result<()> {
    let mut row = Vec::with_capacity(2 + columns);
    for (name, values) in names.zip(values.chunks_exact(columns.max(1))) {
        row.clear();
        row.extend([cell, Datum::Text(name)]);
        row.extend(values.iter().map(Value::datum));
        emit(&row)?;
    }
    Ok(())
}
