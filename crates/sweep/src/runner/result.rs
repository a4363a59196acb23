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
    /// Holds the result to the columns of its runner, and makes minus zero zero.
    ///
    /// # Errors
    /// The first difference, as a lower-case fragment.
    pub(crate) fn check(&mut self, spec: &RunnerSpec, tasks: usize) -> Result<(), String> {
        let (cell_columns, task_columns) = (&spec.cell_columns, &spec.task_columns);
        if self.cell.len() != cell_columns.len() || self.tasks.len() != tasks * task_columns.len() {
            return Err(format!(
                "it gave {} values for {} cell columns and {} for {} tasks of {} columns",
                self.cell.len(),
                cell_columns.len(),
                self.tasks.len(),
                tasks,
                task_columns.len()
            ));
        }
        self.check_series(&spec.series_columns)?;
        check_values(&mut self.cell, cell_columns)?;
        if task_columns.is_empty() {
            return Ok(());
        }
        self.tasks.chunks_exact_mut(task_columns.len()).try_for_each(|row| check_values(row, task_columns))
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
