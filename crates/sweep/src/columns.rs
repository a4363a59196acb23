//! Columns of results, and their values.

use serde::Serialize;

/// Kind of the values of a column.
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
    /// Whether the summary gives its mean over seeds; numbers only. Of a task column, task by task.
    pub summarised: bool,
    /// Which values are the better ones; `None` where neither is.
    pub better: Option<Better>,
}

/// A series of results over simulated time. A value holds from its point on until the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesColumn {
    /// Lower-case letters, digits and underscores.
    pub name: &'static str,
    /// The unit in words; empty for counts and ratios.
    pub unit: &'static str,
    /// One line for a reader who knows the field.
    pub meaning: &'static str,
}

impl SeriesColumn {
    /// The values of the series as a column.
    pub(crate) fn column(&self) -> Column {
        let Self { name, unit, meaning } = *self;
        Column { name, unit, kind: ColumnKind::Real, meaning, summarised: false, better: None }
    }
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
    pub(crate) fn fits(&self, kind: ColumnKind) -> bool {
        match self {
            Self::Missing => true,
            Self::Integer(_) => kind == ColumnKind::Integer,
            Self::Real(value) => kind == ColumnKind::Real && value.is_finite(),
            Self::Text(_) => kind == ColumnKind::Text,
        }
    }
}
