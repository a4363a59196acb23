//! Results of cells, and whether they are what their runner's columns promise.

use super::spec::RunnerSpec;
use crate::columns::{Column, SeriesColumn, Value};

/// The result of a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellResult {
    /// A value for each cell column.
    pub cell: Vec<Value>,
    /// A value for each task column of the first task of the scenario, then of the second, and so on.
    pub tasks: Vec<Value>,
    /// A value for each accelerator column of the first accelerator of the platform, then of the second, and so on.
    pub accelerators: Vec<Value>,
    /// The points of each series column, ascending in time; no list at all where the run recorded none.
    pub series: Vec<Vec<SeriesPoint>>,
}

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesPoint {
    /// Simulated time in seconds.
    pub time_s: f64,
    /// The value from then on; `None` where there is none.
    pub value: Option<f64>,
}

impl CellResult {
    /// Holds the result of a run of so many tasks on so many accelerators to the columns of its runner, and makes minus
    /// zero zero.
    ///
    /// # Errors
    /// The first difference, as a lower-case fragment.
    pub(crate) fn check(
        &mut self,
        spec: &RunnerSpec,
        tasks: usize,
        accelerators: usize,
    ) -> Result<(), String> {
        self.check_series(&spec.series_columns)?;
        check_rows("cell", &mut self.cell, &spec.cell_columns, 1)?;
        check_rows("task", &mut self.tasks, &spec.task_columns, tasks)?;
        check_rows("accelerator", &mut self.accelerators, &spec.accelerator_columns, accelerators)
    }

    fn check_series(&mut self, columns: &[SeriesColumn]) -> Result<(), String> {
        if self.series.iter().all(Vec::is_empty) {
            self.series.clear();
            return Ok(());
        }
        if self.series.len() != columns.len() {
            return Err(format!("it gave {} series for {} columns", self.series.len(), columns.len()));
        }
        for (points, column) in self.series.iter_mut().zip(columns) {
            for point in points.iter_mut() {
                let is_number = point.time_s.is_finite() && point.value.is_none_or(f64::is_finite);
                if !is_number || point.time_s < 0.0 {
                    return Err(format!("series `{}` cannot hold {point:?}", column.name));
                }
                // The store does not keep the sign of zero.
                point.time_s += 0.0;
                point.value = point.value.map(|value| value + 0.0);
            }
            if points.windows(2).any(|pair| pair[1].time_s <= pair[0].time_s) {
                return Err(format!("the points of series `{}` do not ascend in time", column.name));
            }
        }
        Ok(())
    }
}

/// Holds so many rows of values, one behind the other, to their columns.
fn check_rows(what: &str, values: &mut [Value], columns: &[Column], rows: usize) -> Result<(), String> {
    if values.len() != rows * columns.len() {
        return Err(format!(
            "it gave {} values for {rows} {what} rows of {} columns",
            values.len(),
            columns.len()
        ));
    }
    if columns.is_empty() {
        return Ok(());
    }
    values.chunks_exact_mut(columns.len()).try_for_each(|row| check_values(row, columns))
}

fn check_values(values: &mut [Value], columns: &[Column]) -> Result<(), String> {
    for (value, column) in values.iter_mut().zip(columns) {
        if !value.fits(column.kind) {
            return Err(format!("column `{}` of kind {:?} cannot hold {value:?}", column.name, column.kind));
        }
        // The store does not keep the sign of zero.
        if let Value::Real(number) = value {
            *number += 0.0;
        }
    }
    Ok(())
}
