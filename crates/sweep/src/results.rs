//! Results: the values of every cell of a plan, in the plan's order.
//!
//! Results are always read back from the store, also right after they were computed, so that
//! outputs are the same bytes whether a sweep ran in one go, was resumed, or was sharded.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::axes::{AXES, COLUMNS, Part, Role};
use crate::plan::{Cell, Plan};
use crate::runner::{CellResult, Column, ColumnKind, Value};

const fn column(name: &'static str, unit: &'static str, kind: ColumnKind, meaning: &'static str) -> Column {
    Column { unit, ..Column::new(name, kind, meaning) }
}

/// The column that names the task of a row.
pub const TASK: Column = column("task", "", ColumnKind::Text, "name of the task within the scenario");

/// The column that names the accelerator of a row.
pub const ACCELERATOR: Column =
    column("accelerator", "", ColumnKind::Text, "name of the accelerator within the platform");

/// Beginning of the names of columns that hold parameters of policies.
pub const PARAMETER_PREFIX: &str = "parameter_";

/// Columns of a table of series: which one, when, and what.
pub const SERIES: &[Column] = &[
    column("series", "", ColumnKind::Text, "name of the series"),
    column("time_s", "seconds", ColumnKind::Real, "simulated time from which on the value holds"),
    column("value", "", ColumnKind::Real, "the value, in the unit of the series"),
];

/// The value of each axis for a cell, in the order of [`AXES`].
#[must_use]
pub fn axis_values(plan: &Plan<'_>, cell: &Cell) -> [Value; COLUMNS.len()] {
    let mut changes = plan.varied_scenario(cell).values.iter();
    std::array::from_fn(|index| match AXES[index].role {
        Role::Part(part) => part_value(plan, cell, part),
        Role::Change(_) => match changes.next() {
            Some(Some(amount)) => Value::Real(amount.number()),
            _ => Value::Missing,
        },
    })
}

fn part_value(plan: &Plan<'_>, cell: &Cell, part: Part) -> Value {
    let text = |text: &str| Value::Text(text.into());
    match part {
        Part::Scenario => text(&plan.scenario(cell).name),
        Part::Platform => text(&plan.platform(cell).name),
        Part::Policy => text(&plan.policy(cell).name),
        Part::Parameters => text(&plan.policy(cell).parameters_text()),
        // Sweep files and plans keep seeds within the range of a signed integer.
        Part::Seed => Value::Integer(i64::try_from(cell.seed).unwrap_or(i64::MAX)),
        Part::Duration => Value::Real(plan.scenario(cell).duration.milliseconds()),
    }
}

/// A cell that was run and has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its index in the plan.
    pub cell: usize,
    /// Reason; cells that failed alike share the text.
    pub reason: Arc<str>,
}

/// Cells of one scenario and platform that failed for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alike<'f> {
    /// Name of the scenario.
    pub scenario: &'f str,
    /// Name of the platform.
    pub platform: &'f str,
    /// Reason of the failure.
    pub reason: &'f str,
    /// Number of them.
    pub cells: usize,
}

/// Failures by scenario, platform and reason, in the order of the first cell of each.
#[must_use]
pub fn alike<'f>(plan: &'f Plan<'_>, failures: &'f [Failure]) -> Vec<Alike<'f>> {
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

/// The values of every cell of a plan, but of those that failed.
#[derive(Debug)]
pub struct Results<'p> {
    plan: &'p Plan<'p>,
    cells: Vec<Option<CellResult>>,
    failures: Vec<Failure>,
}

impl<'p> Results<'p> {
    /// The results of `plan`, one entry for each of its cells and in their order, and why the
    /// others have none, in the same order.
    pub(crate) fn new(plan: &'p Plan<'p>, cells: Vec<Option<CellResult>>, failures: Vec<Failure>) -> Self {
        Self { plan, cells, failures }
    }

    /// The result of the first cell of `plan`, which was simulated elsewhere: of a single run.
    ///
    /// # Errors
    /// Difference from the columns of the runner, as a lower-case fragment.
    pub fn of_one_run(plan: &'p Plan<'p>, mut result: CellResult) -> Result<Self, String> {
        let cell = plan.cells().first().ok_or("the plan has no cell")?;
        result.check(plan.spec(), plan.scenario(cell).tasks.len(), plan.platform(cell).accelerators.len())?;
        let mut cells = vec![None; plan.len()];
        cells[0] = Some(result);
        Ok(Self::new(plan, cells, Vec::new()))
    }

    /// The plan whose results these are.
    #[must_use]
    pub fn plan(&self) -> &'p Plan<'p> {
        self.plan
    }

    /// Results of each cell, in the order of the plan; `None` where it failed.
    #[must_use]
    pub fn cells(&self) -> &[Option<CellResult>] {
        &self.cells
    }

    /// The position of the cell column of what runs spend: of the runner's [`expenses`] the first that every result has a
    /// value of, so that no competitor is judged by another one than the rest.
    ///
    /// [`expenses`]: crate::runner::RunnerSpec::expenses
    #[must_use]
    pub fn expense(&self) -> Option<usize> {
        let spec = self.plan.spec();
        let columns = || spec.cell_columns.iter();
        let positions =
            spec.expenses.iter().filter_map(|name| columns().position(|column| column.name == *name));
        let is_whole = |position: &usize| {
            let values = self.cells.iter().flatten().map(|result| result.cell.get(*position));
            values.into_iter().all(|value| value.is_some_and(|value| *value != Value::Missing))
        };
        positions.into_iter().find(is_whole)
    }

    /// The position of the cell column of [completions]; `None` where the runner has none.
    ///
    /// [completions]: crate::runner::RunnerSpec::completions
    #[must_use]
    pub fn completions(&self) -> Option<usize> {
        let spec = self.plan.spec();
        let name = spec.completions?;
        spec.cell_columns.iter().position(|column| column.name == name)
    }

    /// The cells that failed, in the order of the plan.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Each cell that has a result, with it, in the order of the plan.
    pub fn iter(&self) -> impl Iterator<Item = (&'p Cell, &CellResult)> {
        let cells = self.plan.cells().iter().zip(&self.cells);
        cells.filter_map(|(cell, result)| Some((cell, result.as_ref()?)))
    }

    /// Results of cells that stand side by side in the plan; `None` where one failed.
    #[must_use]
    pub fn of(&self, cells: &[Cell]) -> &[Option<CellResult>] {
        let first = cells.first().map_or(0, |cell| cell.index);
        self.cells.get(first..first + cells.len()).unwrap_or_default()
    }

    /// True if any cell recorded a series.
    #[must_use]
    pub fn has_series(&self) -> bool {
        self.cells.iter().flatten().any(|cell| !cell.series.is_empty())
    }

    /// The value of a cell column; `None` where the runner has no such column, or the cell failed.
    #[must_use]
    pub fn cell_value(&self, cell: &Cell, column: &str) -> Option<&Value> {
        let position = self.plan.spec().cell_columns.iter().position(|known| known.name == column)?;
        self.cells.get(cell.index)?.as_ref()?.cell.get(position)
    }

    /// The values of the accelerator columns of each accelerator of a cell's platform, with its name; nothing where the
    /// runner has no such columns, or the cell failed.
    pub fn accelerators(&self, cell: &Cell) -> impl Iterator<Item = (&'p str, &[Value])> {
        let values = self.cells.get(cell.index).and_then(Option::as_ref).map(|cell| &cell.accelerators);
        let columns = self.plan.spec().accelerator_columns.len().max(1);
        let rows = values.into_iter().flat_map(move |values| values.chunks_exact(columns));
        self.plan.platform(cell).accelerators.iter().map(|one| one.name.as_str()).zip(rows)
    }

    /// The value of a task column; `None` where the scenario has no such task or the runner no
    /// such column, or the cell failed.
    #[must_use]
    pub fn task_value(&self, cell: &Cell, task: &str, column: &str) -> Option<&Value> {
        let columns = &self.plan.spec().task_columns;
        let position = columns.iter().position(|known| known.name == column)?;
        let task = self.plan.scenario(cell).tasks.iter().position(|known| known.name == task)?;
        self.cells.get(cell.index)?.as_ref()?.tasks.get(task * columns.len() + position)
    }
}
