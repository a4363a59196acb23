//! Selections: the cells of a sweep that a reading or a side of a comparison is about.

use std::fmt;

use rtmm_sweep::axes;
use rtmm_sweep::figures::LABELS;
use rtmm_sweep::file::matches;
use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::runner::ParameterValue;
use rtmm_workload::input::{Table, Value};

/// Values that cells may have, key by key. A key is an axis, a label of platforms, or a parameter of policies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    parts: Vec<(String, Vec<Wanted>)>,
}

/// A value that a cell may have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// A name, or a pattern in which `*` stands for any characters but `/`.
    Name(String),
    Number(f64),
    Boolean(bool),
}

/// Something by which cells differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension<'k> {
    Scenario,
    Platform,
    Label(&'k str),
    Policy,
    /// An axis that changes scenarios, by its position among them.
    Change(usize),
    Parameter(&'k str),
}

impl<'k> Dimension<'k> {
    pub(crate) fn of(key: &'k str) -> Self {
        let change = axes::changes().position(|(axis, _)| axis.name == key);
        match (key, change) {
            ("scenario", _) => Self::Scenario,
            ("platform", _) => Self::Platform,
            ("policy", _) => Self::Policy,
            (_, Some(position)) => Self::Change(position),
            _ if LABELS.contains(&key) => Self::Label(key),
            _ => Self::Parameter(key),
        }
    }
}

/// A value that a cell has.
enum Had<'p> {
    Name(&'p str),
    Number(f64),
    Parameter(&'p ParameterValue),
}

impl Wanted {
    fn decode(value: &Value<'_>) -> Option<Self> {
        if value.is_string() {
            return value.string().map(|text| Self::Name(text.to_owned()));
        }
        if value.is_boolean() {
            return value.boolean().map(Self::Boolean);
        }
        value.number(f64::MIN..=f64::MAX).map(Self::Number)
    }

    fn holds(&self, had: &Had<'_>) -> bool {
        match (self, had) {
            (Self::Name(pattern), Had::Name(name)) => matches(pattern, name),
            (Self::Number(wanted), Had::Number(number)) => wanted == number,
            (Self::Boolean(wanted), Had::Parameter(value)) => value.boolean() == Some(*wanted),
            // The text of a number reads back equal.
            (Self::Number(wanted), Had::Parameter(value)) => {
                value.boolean().is_none() && value.to_string().parse() == Ok(*wanted)
            }
            (Self::Name(wanted), Had::Parameter(value)) => value.to_string() == *wanted,
            _ => false,
        }
    }
}

/// As a claim file has it.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
        }
    }
}

impl Selection {
    /// Reads a table of keys with a value, or a list of values, each; `reserved` are keys that say something else.
    pub(crate) fn decode(table: &Table<'_>, reserved: &[&str]) -> Option<Self> {
        let mut parts = Vec::new();
        let mut is_complete = true;
        for key in table.keys().filter(|key| !reserved.contains(&key.value)) {
            let Some(value) = table.get(key.value) else { continue };
            let items = if value.is_array() { value.items() } else { Some(vec![value.clone()]) };
            if items.as_ref().is_some_and(Vec::is_empty) {
                value.document().report(
                    value
                        .problem(format!("`{}` has no values", key.value))
                        .help("list one at least, or remove it"),
                );
            }
            let wanted: Option<Vec<Wanted>> =
                items.and_then(|items| items.iter().map(Wanted::decode).collect());
            match wanted {
                Some(wanted) => parts.push((key.value.to_owned(), wanted)),
                None => is_complete = false,
            }
        }
        is_complete.then_some(Self { parts })
    }

    /// True if it selects by something that holds for `is_of`.
    pub(crate) fn has(&self, mut is_of: impl FnMut(Dimension<'_>) -> bool) -> bool {
        self.parts.iter().any(|(key, _)| is_of(Dimension::of(key)))
    }

    /// True if the cell has a wanted value for every key. A policy without a parameter is not told apart by it.
    pub(crate) fn holds(&self, plan: &Plan<'_>, cell: &Cell) -> bool {
        self.parts.iter().all(|(key, wanted)| match had(plan, cell, key) {
            Some(had) => wanted.iter().any(|wanted| wanted.holds(&had)),
            None => matches!(Dimension::of(key), Dimension::Parameter(_)),
        })
    }

    /// The first key or value that no cell of the plan has, in words.
    pub(crate) fn fault(&self, plan: &Plan<'_>) -> Option<String> {
        let has = |key: &str, wanted: Option<&Wanted>| {
            let mut groups = plan.groups();
            groups.any(|cells| {
                let had = had(plan, &cells[0], key);
                had.is_some_and(|had| wanted.is_none_or(|wanted| wanted.holds(&had)))
            })
        };
        let sweep = &plan.axes().name;
        for (key, wanted) in &self.parts {
            if !has(key, None) {
                return Some(format!("no cell of the sweep `{sweep}` has a `{key}`"));
            }
            if let Some(value) = wanted.iter().find(|value| !has(key, Some(value))) {
                return Some(format!("no cell of the sweep `{sweep}` has the `{key}` `{value}`"));
            }
        }
        None
    }

    /// Adds it to a digest.
    pub(crate) fn describe(&self) -> String {
        let part = |(key, wanted): &(String, Vec<Wanted>)| {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            format!("{key}={}", wanted.join("|"))
        };
        self.parts.iter().map(part).collect::<Vec<_>>().join(" ")
    }
}

fn had<'p>(plan: &'p Plan<'_>, cell: &Cell, key: &str) -> Option<Had<'p>> {
    match Dimension::of(key) {
        Dimension::Scenario => Some(Had::Name(&plan.scenario(cell).name)),
        Dimension::Platform => Some(Had::Name(&plan.platform(cell).name)),
        Dimension::Label(label) => plan.platform(cell).labels.get(label).map(|label| Had::Name(label)),
        Dimension::Policy => Some(Had::Name(&plan.policy(cell).name)),
        Dimension::Change(_) => plan.varied_scenario(cell).number(key).map(Had::Number),
        Dimension::Parameter(name) => plan.policy(cell).parameter(name).map(Had::Parameter),
    }
}
