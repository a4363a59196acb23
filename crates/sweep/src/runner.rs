//! The seam between sweeps and whatever simulates: a [`CellRunner`] runs cells, a sweep plans,
//! stores and summarises them.
//!
//! The engine and the reference loops implement [`CellRunner`]; a binary registers them as
//! [`Runners`]. Nothing here knows how a cell is simulated.
//!
//! What must stay true: [`Prepared::run`] is pure. The same cell gives the same values, on any
//! thread, in any order, on any machine. [`CellRunner::result_version`] rises whenever that value
//! changes, so that stored results of older programs are never mistaken for today's.

use std::borrow::Cow;
use std::fmt;

use rtmm_hardware::{Mode, NoCost};
use rtmm_workload::{Legality, Scenario};
use serde::Serialize;
use thiserror::Error;

use crate::plan::{Cell, Plan};

/// The runners that a program offers, found by name in sweep files.
pub type Runners<'r> = &'r [&'r dyn CellRunner];

/// Something that runs the cells of a sweep.
pub trait CellRunner: Sync {
    /// The name that sweep files use, such as `xrbench`.
    fn name(&self) -> &'static str;

    /// One line on what it simulates, for listings.
    fn summary(&self) -> &'static str;

    /// Part of every cell's identity: raise it when any result changes.
    fn result_version(&self) -> u32;

    /// Which layer shapes are legal in the scenarios' models.
    fn legality(&self) -> Legality;

    /// In which mode platforms are read.
    fn mode(&self) -> Mode;

    /// The policies that cells can ask for; at least one.
    fn policies(&self) -> &[PolicySchema];

    /// The largest seed that the runner can take.
    fn largest_seed(&self) -> u64 {
        i64::MAX as u64
    }

    /// Checks what the schema cannot say, such as one parameter's bound on another.
    ///
    /// # Errors
    /// What is wrong, as a lower-case fragment.
    fn validate(&self, _policy: &Policy) -> Result<(), String> {
        Ok(())
    }

    /// The values of a cell, in order.
    fn cell_columns(&self) -> &[Column];

    /// The values of each task of a cell, in order.
    fn task_columns(&self) -> &[Column];

    /// Whether the seed changes anything. If not, the scenario is run for the first seed only.
    fn is_random(&self, scenario: &Scenario) -> bool {
        scenario.is_random()
    }

    /// Does once what many cells share, such as cost tables, for the cells that `pending` indexes
    /// (ascending, at least one). Runs inside the sweep's thread pool.
    ///
    /// # Errors
    /// [`RunError`] says what the plan asks for that cannot be.
    fn prepare<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        pending: &[usize],
    ) -> Result<Box<dyn Prepared + 'p>, RunError>;
}

/// A runner that is ready to run the cells of one plan.
pub trait Prepared: Sync {
    /// Runs one cell. Must be pure.
    ///
    /// # Errors
    /// [`RunError`] stops the sweep.
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError>;
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Whole numbers of 64 bits.
    Integer,
    /// Finite double-precision numbers.
    Real,
    /// Texts.
    Text,
}

/// A column of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Lower-case letters, digits and underscores; ends in the unit where there is one.
    pub name: &'static str,
    /// The unit in words, such as `percent`; empty for counts and texts.
    pub unit: &'static str,
    /// What the values are.
    pub kind: ColumnKind,
    /// One line for a reader who knows the field.
    pub meaning: &'static str,
    /// Whether the summary gives its mean over seeds (cell columns of numbers only).
    pub summarised: bool,
    /// Which values are the better ones; `None` where neither is.
    pub better: Option<Better>,
}

/// Which values of a column are the better ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Larger ones, such as scores.
    Higher,
    /// Smaller ones, such as energies and miss rates.
    Lower,
}

/// One value of a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// There is none, such as the mean latency of a task that completed nothing.
    Missing,
    /// Of an integer column.
    Integer(i64),
    /// Of a real column; finite. Minus zero is stored as zero.
    Real(f64),
    /// Of a text column.
    Text(Box<str>),
}

impl Value {
    /// The value as a number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Real(value) => Some(*value),
            Self::Missing | Self::Text(_) => None,
        }
    }

    /// Whether a column of `kind` can hold the value.
    fn fits(&self, kind: ColumnKind) -> bool {
        match self {
            Self::Missing => true,
            Self::Integer(_) => kind == ColumnKind::Integer,
            Self::Real(value) => kind == ColumnKind::Real && value.is_finite(),
            Self::Text(_) => kind == ColumnKind::Text,
        }
    }
}

/// What a cell gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellResult {
    /// One value a cell column.
    pub cell: Vec<Value>,
    /// One value a task column for the first task of the scenario, then for the second, ...
    pub tasks: Vec<Value>,
}

impl CellResult {
    /// Says what is wrong with the shape or the kinds of the result, and makes minus zero zero.
    pub(crate) fn check(&mut self, runner: &dyn CellRunner, tasks: usize) -> Result<(), String> {
        let (cell_columns, task_columns) = (runner.cell_columns(), runner.task_columns());
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
        check_values(&mut self.cell, cell_columns)?;
        if task_columns.is_empty() {
            return Ok(());
        }
        self.tasks.chunks_exact_mut(task_columns.len()).try_for_each(|row| check_values(row, task_columns))
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

/// A policy that a runner knows, for sweep files, listings and documentation.
#[derive(Clone, Copy, Debug)]
pub struct PolicySchema {
    /// The name that sweep files use.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
}

/// A parameter of a policy.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The key in sweep files; ends in the unit where there is one.
    pub name: &'static str,
    /// One line for a reader who knows the field.
    pub meaning: &'static str,
    /// What it is where a sweep does not say.
    pub default: ParameterValue,
    /// What it can be.
    pub allowed: Allowed,
}

/// What a parameter can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowed {
    /// Finite numbers from the first to the second.
    Real(f64, f64),
    /// Whole numbers from the first to the second.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// Of [`Allowed::Real`].
    Real(f64),
    /// Of [`Allowed::Integer`].
    Integer(i64),
    /// Of [`Allowed::Boolean`].
    Boolean(bool),
    /// Of [`Allowed::Choice`].
    Choice(Cow<'static, str>),
}

/// The shortest text that reads back equal.
impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Boolean(value) => value.fmt(f),
            Self::Choice(value) => value.fmt(f),
        }
    }
}

/// A policy with a value for each of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The policy's name.
    pub name: &'static str,
    /// Every parameter of the schema, in its order.
    pub parameters: Vec<(&'static str, ParameterValue)>,
}

impl Policy {
    /// A policy of the schema with every parameter at its default.
    #[must_use]
    pub fn with_defaults(schema: &PolicySchema) -> Self {
        let parameters =
            schema.parameters.iter().map(|parameter| (parameter.name, parameter.default.clone())).collect();
        Self { name: schema.name, parameters }
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&ParameterValue> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All parameters as `key=value`, separated by spaces; empty where there are none.
    #[must_use]
    pub fn parameters_text(&self) -> String {
        let pairs: Vec<String> =
            self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(" ")
    }
}

/// Name, then parameters.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.parameters.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// Why cells could not be run.
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
    /// A cell failed.
    #[error("cell {cell} failed: {reason}")]
    Failed {
        /// The cell, as [`Plan::describe`] names it.
        cell: String,
        /// Why.
        reason: String,
    },
    /// A runner broke its own promise: wrong number or kind of values, or a value that is not
    /// finite.
    #[error("the runner `{runner}` gave an impossible result for cell {cell}: {reason}")]
    BadResult {
        /// Name of the runner.
        runner: &'static str,
        /// The cell, as [`Plan::describe`] names it.
        cell: String,
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
pub fn find<'r>(runners: Runners<'r>, name: &str) -> Option<&'r dyn CellRunner> {
    runners.iter().find(|runner| runner.name() == name).copied()
}

/// What is wrong with a runner's tables; empty for a sound one. Registered runners are held to it
/// by a test.
#[must_use]
pub fn faults(runner: &dyn CellRunner) -> Vec<String> {
    let mut faults = Vec::new();
    let mut names: Vec<&str> = crate::results::AXES.iter().map(|axis| axis.name).collect();
    names.extend(["cell", "identity", "task", "task_index"]);
    let columns = runner.cell_columns().iter().chain(runner.task_columns());
    for Column { name, .. } in runner.task_columns().iter().filter(|column| column.summarised) {
        faults.push(format!("column `{name}`: summaries are over cell columns only"));
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
    if runner.policies().is_empty() {
        faults.push("there is no policy".to_owned());
    }
    for policy in runner.policies() {
        for parameter in policy.parameters {
            if !parameter.allowed.admits(&parameter.default) {
                faults.push(format!(
                    "policy `{}`: the default of `{}` is not allowed",
                    policy.name, parameter.name
                ));
            }
        }
        if let Err(reason) = runner.validate(&Policy::with_defaults(policy)) {
            faults.push(format!("policy `{}`: its defaults are refused: {reason}", policy.name));
        }
    }
    faults
}

impl Allowed {
    /// Whether the parameter can have this value.
    #[must_use]
    pub fn admits(&self, value: &ParameterValue) -> bool {
        match (self, value) {
            (Self::Real(low, high), ParameterValue::Real(value)) => (low..=high).contains(&value),
            (Self::Integer(low, high), ParameterValue::Integer(value)) => (low..=high).contains(&value),
            (Self::Boolean, ParameterValue::Boolean(_)) => true,
            (Self::Choice(words), ParameterValue::Choice(word)) => words.contains(&word.as_ref()),
            _ => false,
        }
    }
}
