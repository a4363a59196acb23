//! Sides of a comparison: which cells a side is, and which of several candidates stands for it.

use std::fmt;

use rtmm_workload::input::Value;

use crate::selection::Selection;

/// One side of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Cells of the side.
    pub selection: Selection,
    /// The one of several at a place that stands for the side; where absent there is one alone.
    pub choice: Option<Choice>,
}

/// Choice among several candidates of a side at one place, by their means over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The best one in the direction of the column.
    Best,
    /// The worst one.
    Worst,
    /// The one with the least value, of columns without a direction.
    Least,
    /// The one with the greatest value.
    Greatest,
}

const CHOICES: [(&str, Choice); 4] = [
    ("best", Choice::Best),
    ("worst", Choice::Worst),
    ("least", Choice::Least),
    ("greatest", Choice::Greatest),
];

/// The key of a side that chooses among several candidates.
const CHOOSE: &str = "choose";

impl Side {
    /// Reads a selection with a choice, both of which may be absent.
    pub(crate) fn decode(value: &Value<'_>, name: &str) -> Option<Self> {
        let table = value.table()?.named(format!("`{name}`"));
        let choice = table.optional(CHOOSE, |value| value.choice(&CHOICES));
        let selection = Selection::decode(&table, &[CHOOSE])?;
        if table.has(CHOOSE) && choice.is_none() {
            return None;
        }
        Some(Self { selection, choice })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.selection.describe())?;
        if let Some(choice) = self.choice {
            write!(f, " {CHOOSE}={}", choice.name())?;
        }
        Ok(())
    }
}

impl Choice {
    fn name(self) -> &'static str {
        CHOICES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// True if the direction of the column decides.
    pub(crate) fn needs_direction(self) -> bool {
        matches!(self, Self::Best | Self::Worst)
    }
}
