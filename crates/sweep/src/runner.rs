//! The seam between sweeps and whatever simulates: a [`CellRunner`] runs cells, a sweep plans,
//! stores and summarises them.
//!
//! A runner is a description and an act. The [`RunnerSpec`] is data: sweep files, plans, stores, listings and
//! documentation read it. The act is [`CellRunner::prepare`] and [`Prepared::run`]; nothing here knows how a cell
//! is simulated.
//!
//! What must stay true: [`Prepared::run`] is pure. The same cell gives the same values, on any
//! thread, in any order, on any machine. [`RunnerSpec::result_version`] rises whenever that value
//! changes, so that stored results of older programs are never mistaken for today's.

use std::borrow::Cow;

use rtmm_hardware::{CostModelRegistry, Mode, NoCost};
use rtmm_workload::Legality;
use thiserror::Error;

pub use rtmm_workload::parameters::{
    Allowed, Assignment, Parameter, ParameterError, ParameterValue, Parameters, Schema,
};

pub use crate::columns::{Better, Column, ColumnKind, SeriesColumn, Value};
pub use crate::parameters::{Chosen, Policy, PolicySchema, Rule, short_names};
use crate::plan::{Cell, Plan};

/// What a runner is, apart from how it simulates. Built once, with the runner.
#[derive(Clone, Debug)]
pub struct RunnerSpec {
    /// Name that sweep files use, such as `xrbench`.
    pub name: Cow<'static, str>,
    /// One line on what is simulated, for listings.
    pub summary: Cow<'static, str>,
    /// Part of every cell's identity: raise it when any result changes.
    pub result_version: u32,
    /// Which layer shapes are legal in the scenarios' models.
    pub legality: Legality,
    /// Mode in which platforms are read.
    pub mode: Mode,
    /// Cost models that platforms can name.
    pub cost_models: CostModelRegistry,
    /// Largest seed that the runner can take.
    pub largest_seed: u64,
    /// Policies that cells can ask for; at least one.
    pub policies: Vec<PolicySchema>,
    /// Parameters of a run that are no policy's own, such as a warm-up; one value each a sweep.
    pub settings: Schema,
    /// Rule on several settings at once.
    pub settings_rule: Rule,
    /// Values of a cell, in order.
    pub cell_columns: Vec<Column>,
    /// Values of each task of a cell, in order.
    pub task_columns: Vec<Column>,
    /// Series over simulated time that a cell may give, in order.
    pub series_columns: Vec<SeriesColumn>,
}

impl RunnerSpec {
    /// A runner of version 1 that takes sound models, corrected costs of built-in cost models and any seed that a
    /// store can keep, and has neither settings nor columns of tasks nor series.
    #[must_use]
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        policies: Vec<PolicySchema>,
        cell_columns: Vec<Column>,
    ) -> Self {
        Self {
            name: name.into(),
            summary: Cow::Borrowed(""),
            result_version: 1,
            legality: Legality::Strict,
            mode: Mode::Corrected,
            cost_models: CostModelRegistry::built_in().clone(),
            largest_seed: i64::MAX as u64,
            policies,
            settings: Schema::default(),
            settings_rule: Rule::NONE,
            cell_columns,
            task_columns: Vec::new(),
            series_columns: Vec::new(),
        }
    }

    /// The policy of a name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&PolicySchema> {
        self.policies.iter().find(|schema| schema.name == name)
    }
}

/// Something that runs the cells of a sweep.
pub trait CellRunner: Send + Sync {
    /// What the runner is. Always the same.
    fn spec(&self) -> &RunnerSpec;

    /// Does once what many cells share, such as cost tables, for the cells that `pending` indexes
    /// (ascending, at least one). Runs inside the sweep's thread pool.
    ///
    /// What cannot be prepared for some of the cells must not fail here, but in their own run: the
    /// others still have results.
    ///
    /// # Errors
    /// [`RunError`] where no cell at all can be run; it stops the sweep.
    fn prepare<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        pending: &[usize],
    ) -> Result<Box<dyn Prepared + 'p>, RunError>;
}

/// A runner that is ready to run the cells of one plan.
pub trait Prepared: Sync {
    /// Runs one cell. Must be pure, in its errors too: they are part of the outputs.
    ///
    /// # Errors
    /// [`RunError`] leaves the cell without a result; the others are run nevertheless.
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError>;
}

/// What a cell gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellResult {
    /// One value a cell column.
    pub cell: Vec<Value>,
    /// One value a task column for the first task of the scenario, then for the second, ...
    pub tasks: Vec<Value>,
    /// The points of each series column, ascending in time; no list at all where nothing was recorded.
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
    /// Says what is wrong with the shape or the kinds of the result, and makes minus zero zero.
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
}

impl CellResult {
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

/// Why a cell has no result. The cell itself is named by whoever tells of it.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// Layers of a scenario cannot run on a platform at all.
    #[error("scenario `{scenario}` cannot run on platform `{platform}`: {}", summarise(.layers))]
    NoCost {
        /// Name of the scenario.
        scenario: String,
        /// Name of the platform.
        platform: String,
        /// Every layer and configuration without a cost.
        layers: Vec<NoCost>,
    },
    /// The cell failed.
    #[error("{reason}")]
    Failed {
        /// Why.
        reason: String,
    },
    /// A runner broke its own promise: wrong number or kind of values, or a value that is not
    /// finite.
    #[error("the runner `{runner}` gave an impossible result: {reason}")]
    BadResult {
        /// Name of the runner.
        runner: String,
        /// What is wrong.
        reason: String,
    },
}

fn summarise(layers: &[NoCost]) -> String {
    const SHOWN: usize = 5;
    let mut lines: Vec<String> = layers.iter().take(SHOWN).map(ToString::to_string).collect();
    if layers.len() > SHOWN {
        lines.push(format!("... and {} more layers", layers.len() - SHOWN));
    }
    lines.join("; ")
}

/// The runner of a name.
#[must_use]
pub fn find<'r>(runners: &[&'r dyn CellRunner], name: &str) -> Option<&'r dyn CellRunner> {
    runners.iter().find(|runner| runner.spec().name == name).copied()
}

impl RunnerSpec {
    /// What is wrong with the tables; empty for a sound runner. Built-in runners are held to it by a test.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut names: Vec<&str> = crate::axes::AXES.iter().map(|axis| axis.name).collect();
        names.extend(["cell", "identity", "task", "task_index"]);
        let columns = self.cell_columns.iter().chain(&self.task_columns);
        for Column { name, .. } in
            columns.clone().filter(|column| column.summarised && column.kind == ColumnKind::Text)
        {
            faults.push(format!("column `{name}`: a text has no mean"));
        }
        for Column { name, .. } in columns {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || !name.chars().all(legal) {
                faults.push(format!("column `{name}`: use lower-case letters, digits and underscores"));
            }
            if names.contains(name) {
                faults.push(format!("column `{name}`: the name is taken"));
            }
            names.push(name);
        }
        let mut series: Vec<&str> = Vec::new();
        for SeriesColumn { name, .. } in &self.series_columns {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || !name.chars().all(legal) {
                faults.push(format!("series `{name}`: use lower-case letters, digits and underscores"));
            }
            if series.contains(name) {
                faults.push(format!("series `{name}`: the name is taken"));
            }
            series.push(name);
        }
        if self.policies.is_empty() {
            faults.push("there is no policy".to_owned());
        }
        let settings = &self.settings;
        faults.extend(settings.value_fault().map(|fault| format!("settings: {fault}")));
        for policy in &self.policies {
            let fault_of = |fault| format!("policy `{}`: {fault}", policy.name);
            faults.extend(policy.parameters.value_fault().map(fault_of));
            // `--set` and identities know a value by its name alone.
            for name in policy.parameters.names().filter(|name| settings.get(name).is_some()) {
                faults.push(fault_of(format!("`{name}` is the name of a setting, too")));
            }
            if let Err(reason) = policy.rule.check(&Parameters::defaults(&policy.parameters)) {
                faults.push(fault_of(format!("its defaults are refused: {reason}")));
            }
        }
        if let Err(reason) = self.settings_rule.check(&Parameters::defaults(settings)) {
            faults.push(format!("settings: the defaults are refused: {reason}"));
        }
        faults
    }
}
