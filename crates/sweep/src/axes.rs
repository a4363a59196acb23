//! Axes: what the cells of a sweep differ in.
//!
//! [`AXES`] has one row for each axis: its name, unit and meaning, the key of a sweep file that gives its
//! values, and its role. An axis is either a [`Part`] of the cell, such as its platform, or a [`Change`] of the
//! scenario that the cell runs, such as a load factor. Sweep files, plans with their identities, result tables,
//! stores, manifests, figures, reports and the page on sweeps go by this table.
//!
//! To add a change, write a module below this one and add its row. Rows of changes apply in the order of the table,
//! and the last one varies fastest.

mod deadline_factor;
mod load_factor;
mod trigger_probability;

use std::fmt;

use rtmm_workload::Scenario;
use rtmm_workload::input::{Table, Value as Input};
use thiserror::Error;

use crate::columns::{Column, ColumnKind};
use crate::file::lists::items;

pub use deadline_factor::variation as deadline_factors;
pub use load_factor::{Duration as DurationUnderLoad, variation as load_factors};
pub use trigger_probability::variation as trigger_probabilities;

/// An axis.
#[derive(Clone, Copy)]
pub struct AxisRow {
    /// Name in results, stores, figures and messages: lower-case letters, digits and underscores.
    pub name: &'static str,
    /// Unit in words; empty for names, counts and factors.
    pub unit: &'static str,
    /// Kind of its values.
    pub kind: ColumnKind,
    /// One line for a reader who knows the field.
    pub meaning: &'static str,
    /// Key of a sweep file that gives the values.
    pub key: &'static str,
    /// Cells of a summary that have one value of it.
    pub shared: Shared,
    /// Source of the value of a cell.
    pub role: Role,
}

/// Cells that are summarised together and share the value of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Cells that differ in seed and scenario.
    AcrossScenarios,
    /// Cells that differ in the seed only.
    AcrossSeeds,
    /// None: it tells apart the cells of a group.
    Never,
}

/// Source of the value that a cell has on an axis.
#[derive(Clone, Copy)]
pub enum Role {
    /// A part of the cell.
    Part(Part),
    /// A change of the scenario that the cell runs.
    Change(&'static Change),
}

/// A part of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Name of the scenario.
    Scenario,
    /// Name of the platform.
    Platform,
    /// Name of the policy.
    Policy,
    /// Parameters of the policy.
    Parameters,
    /// Seed of every random draw.
    Seed,
    /// Simulated duration.
    Duration,
}

/// Change of scenarios by an axis.
pub struct Change {
    /// Further keys of a sweep file that say how values are applied.
    pub options: &'static [&'static str],
    /// Values where a sweep file has no such key; empty where each scenario then keeps its own.
    pub default: &'static [Amount],
    /// Reads the values from a sweep file. `None` where there are problems, which are recorded.
    pub decode: fn(&Table<'_>) -> Option<Variation>,
    /// The scenario under a value.
    pub apply: fn(&Subject, Amount, Scenario) -> Result<Scenario, Unfit>,
    /// Name of the axis for readers of tables and figures.
    pub label: fn(&Subject) -> String,
    /// Words that messages add to the name of a cell; empty where the value changes nothing.
    pub describe: fn(&Subject, Amount) -> String,
    /// Entries of a manifest, by key.
    pub manifest: fn(&Variation) -> Vec<(&'static str, serde_json::Value)>,
}

/// A value by which an axis changes scenarios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// A factor in millionths, so that scaling is exact.
    Millionths(u64),
    /// A probability, 0 to 1.
    Probability(f64),
}

impl Amount {
    /// The value as a number.
    #[must_use]
    pub fn number(self) -> f64 {
        match self {
            Self::Millionths(millionths) => millionths as f64 / 1e6,
            Self::Probability(probability) => probability,
        }
    }

    /// The value as a factor in millionths, rounded to the nearest one.
    #[must_use]
    pub fn millionths(self) -> u64 {
        match self {
            Self::Millionths(millionths) => millionths,
            Self::Probability(probability) => (probability * 1e6).round() as u64,
        }
    }
}

/// Part of a scenario that an axis changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All that the axis can change.
    Scenario,
    /// All that the axis can change, and the duration such that the number of jobs stays.
    ScenarioAndDuration,
    /// A task of this name.
    Task(String),
    /// Every control dependency.
    Cascades,
}

/// The values that a sweep gives an axis of changes.
#[derive(Clone, Debug)]
pub struct Variation {
    /// The axis.
    pub axis: &'static AxisRow,
    /// Its change.
    pub change: &'static Change,
    /// Part of each scenario that is changed.
    pub subject: Subject,
    /// The values, in the order of the sweep; empty where each scenario keeps its own.
    pub values: Vec<Amount>,
}

impl Variation {
    /// The values, or the one that leaves scenarios as they are.
    pub(crate) fn amounts(&self) -> Vec<Option<Amount>> {
        match self.values.as_slice() {
            [] => vec![None],
            values => values.iter().copied().map(Some).collect(),
        }
    }

    /// Name of the axis for readers of tables and figures.
    #[must_use]
    pub fn label(&self) -> String {
        (self.change.label)(&self.subject)
    }
}

/// Refusal of a scenario that an axis cannot change.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("scenario `{scenario}` {reason}")]
pub struct Unfit {
    /// Name of the scenario.
    pub scenario: String,
    /// Predicate of a sentence on what the scenario lacks or cannot be.
    pub reason: String,
    /// A way out.
    pub help: String,
}

/// Axes are told apart by their names.
impl PartialEq for AxisRow {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for AxisRow {}

impl fmt::Debug for AxisRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AxisRow").field(&self.name).finish()
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("default", &self.default).finish_non_exhaustive()
    }
}

const ROWS: [AxisRow; 9] = [
    AxisRow {
        name: "scenario",
        unit: "",
        kind: ColumnKind::Text,
        meaning: "name of the scenario",
        key: "scenarios",
        shared: Shared::AcrossSeeds,
        role: Role::Part(Part::Scenario),
    },
    AxisRow {
        name: "platform",
        unit: "",
        kind: ColumnKind::Text,
        meaning: "name of the platform",
        key: "platforms",
        shared: Shared::AcrossScenarios,
        role: Role::Part(Part::Platform),
    },
    AxisRow {
        name: "policy",
        unit: "",
        kind: ColumnKind::Text,
        meaning: "name of the policy",
        key: "policy",
        shared: Shared::AcrossScenarios,
        role: Role::Part(Part::Policy),
    },
    AxisRow {
        name: "parameters",
        unit: "",
        kind: ColumnKind::Text,
        meaning: "every parameter of the policy as key=value",
        key: "policy",
        shared: Shared::AcrossScenarios,
        role: Role::Part(Part::Parameters),
    },
    load_factor::ROW,
    trigger_probability::ROW,
    deadline_factor::ROW,
    AxisRow {
        name: "seed",
        unit: "",
        kind: ColumnKind::Integer,
        meaning: "seed of every random draw of the cell",
        key: "seeds",
        shared: Shared::Never,
        role: Role::Part(Part::Seed),
    },
    AxisRow {
        name: "duration_ms",
        unit: "milliseconds",
        kind: ColumnKind::Real,
        meaning: "simulated duration",
        key: "duration",
        shared: Shared::AcrossSeeds,
        role: Role::Part(Part::Duration),
    },
];

/// Every axis, in the order of its columns in results.
pub static AXES: [AxisRow; ROWS.len()] = ROWS;

/// The columns that say which cell a row is of, in order; every result table starts with them.
pub const COLUMNS: &[Column] = &columns();

const fn columns() -> [Column; ROWS.len()] {
    let mut columns = [ROWS[0].column(); ROWS.len()];
    let mut index = 0;
    while index < ROWS.len() {
        columns[index] = ROWS[index].column();
        index += 1;
    }
    columns
}

impl AxisRow {
    /// The axis as a column of results.
    const fn column(&self) -> Column {
        let Self { name, unit, kind, meaning, .. } = *self;
        Column { unit, ..Column::new(name, kind, meaning) }
    }
}

/// The axes that change scenarios, in order.
pub fn changes() -> impl Iterator<Item = (&'static AxisRow, &'static Change)> {
    AXES.iter().filter_map(|axis| match axis.role {
        Role::Change(change) => Some((axis, change)),
        Role::Part(_) => None,
    })
}

/// A variation for each axis of changes, in their order; those that are not given have their defaults.
pub(crate) fn complete(given: &[Variation]) -> Vec<Variation> {
    let of = |(axis, change): (&'static AxisRow, &'static Change)| {
        let found = given.iter().find(|variation| variation.axis == axis);
        found.cloned().unwrap_or_else(|| Variation {
            axis,
            change,
            subject: Subject::Scenario,
            values: change.default.to_vec(),
        })
    };
    changes().map(of).collect()
}

/// The factors under a key, or the default where it is absent.
fn factors(root: &Table<'_>, axis: &AxisRow, default: &[Amount]) -> Option<Vec<Amount>> {
    if !root.has(axis.key) {
        return Some(default.to_vec());
    }
    let factor = |value: &Input<'_>| value.millionths(1..=1_000_000_000_000).map(Amount::Millionths);
    let found = root.optional(axis.key, |value| items(value, axis.key, factor))?;
    Some(found.into_iter().map(|factor| factor.value).collect())
}

/// Numbers of a manifest.
fn numbers(values: &[Amount]) -> serde_json::Value {
    values.iter().map(|amount| amount.number()).collect::<Vec<f64>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_names_of_their_own() {
        for (index, axis) in AXES.iter().enumerate() {
            assert!(!AXES[..index].contains(axis), "{axis:?}");
            assert!(!axis.meaning.is_empty() && !axis.key.is_empty(), "{axis:?}");
        }
    }

    #[test]
    fn factors_are_exact_as_numbers() {
        for millionths in [1, 1_500_000, 999_999_999_999] {
            let amount = Amount::Millionths(millionths);
            assert_eq!(Amount::Probability(amount.number()).millionths(), millionths);
        }
    }
}
