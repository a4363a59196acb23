//! Columns of tables as they are written, wherever their names come from.

use std::borrow::Cow;

use crate::columns::{Better, Column, ColumnKind};

/// The version of the output files: rises when a column or key changes its name or meaning.
pub const OUTPUT_VERSION: u32 = 2;

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// Part of a result that it describes, such as `task`.
    pub of: &'static str,
    pub name: Cow<'static, str>,
    /// In words; empty where there is none.
    pub unit: Cow<'static, str>,
    pub kind: ColumnKind,
    pub meaning: Cow<'static, str>,
    pub better: Option<Better>,
}

impl Field {
    pub(super) fn new(of: &'static str, column: &Column) -> Self {
        let Column { name, unit, kind, meaning, better, .. } = *column;
        Self { of, name: name.into(), unit: unit.into(), kind, meaning: meaning.into(), better }
    }

    pub(super) fn key(name: &'static str, kind: ColumnKind, meaning: &'static str) -> Self {
        Self { of: "key", name: name.into(), unit: "".into(), kind, meaning: meaning.into(), better: None }
    }
}
