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
    /// True or false.
    Boolean,
    /// Texts.
    Text,
}

impl ColumnKind {
    /// True if the values are numbers, which have means.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Real)
    }
}

/// A column of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name, of lower-case letters, digits and underscores; ends in the unit where there is one.
    pub name: &'static str,
    /// Name for readers of tables and figures, such as `ANTT`; empty where it is that of the column with spaces.
    pub label: &'static str,
    /// Unit in words, such as `percent`, or `share` for a part of one; empty for counts and texts.
    pub unit: &'static str,
    /// Kind of the values.
    pub kind: ColumnKind,
    /// Meaning, in one line for a reader of the field.
    pub meaning: &'static str,
    /// True if the summary gives its mean over seeds; numbers only. Of a task column, task by task.
    pub summarised: bool,
    /// Direction in which values are better; `None` where neither is.
    pub better: Option<Better>,
    /// Sentence on what values must not be compared with, for readers of a sweep in which that differs; empty where
    /// there is no such thing.
    pub caveat: &'static str,
}

impl Column {
    /// A column without a unit that is not summarised and of which neither more nor less is better.
    #[must_use]
    pub const fn new(name: &'static str, kind: ColumnKind, meaning: &'static str) -> Self {
        Self { name, label: "", unit: "", kind, meaning, summarised: false, better: None, caveat: "" }
    }
}

/// A series of results over simulated time. A value holds from its point on until the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesColumn {
    /// Name, of lower-case letters, digits and underscores.
    pub name: &'static str,
    /// Unit in words; empty for counts and ratios.
    pub unit: &'static str,
    /// Meaning, in one line for a reader of the field.
    pub meaning: &'static str,
}

impl SeriesColumn {
    /// The values of the series as a column.
    pub(crate) fn column(&self) -> Column {
        let Self { name, unit, meaning } = *self;
        Column { unit, ..Column::new(name, ColumnKind::Real, meaning) }
    }
}

/// Direction in which values of a column are better.
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
    /// No value, such as the mean latency of a task without a completed job.
    Missing,
    /// Value of an integer column.
    Integer(i64),
    /// Value of a real column; finite. Minus zero is stored as zero.
    Real(f64),
    /// Value of a boolean column.
    Boolean(bool),
    /// Value of a text column.
    Text(Box<str>),
}

impl Value {
    /// The value as a number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Real(value) => Some(*value),
            Self::Missing | Self::Boolean(_) | Self::Text(_) => None,
        }
    }

    /// The same without owning its text.
    pub(crate) fn datum(&self) -> Datum<'_> {
        match self {
            Self::Missing => Datum::Missing,
            Self::Integer(value) => Datum::Integer(*value),
            Self::Real(value) => Datum::Real(*value),
            Self::Boolean(value) => Datum::Boolean(*value),
            Self::Text(text) => Datum::Text(text),
        }
    }

    /// True if a column of `kind` can hold the value.
    pub(crate) fn fits(&self, kind: ColumnKind) -> bool {
        match self {
            Self::Missing => true,
            Self::Integer(_) => kind == ColumnKind::Integer,
            Self::Real(value) => kind == ColumnKind::Real && value.is_finite(),
            Self::Boolean(_) => kind == ColumnKind::Boolean,
            Self::Text(_) => kind == ColumnKind::Text,
        }
    }
}

/// One value of a table that is written; its text is borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Datum<'v> {
    Missing,
    Integer(i64),
    Real(f64),
    Boolean(bool),
    Text(&'v str),
}
