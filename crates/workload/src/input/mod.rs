//! The input layer: texts, problems with their places, and checked decoding.
//!
//! A file is decoded in two steps. [`Document`] parses TOML or JSON into a tree that keeps the span of
//! every value (or [`CsvTable`] parses CSV into cells that know their place); then a decoder
//! reads domain values out of it, and every problem is recorded, so that all errors of a file
//! come out together, each with file, line, column, reason and remedy.
//!
//! This module reads no files; [`crate::load`] does.

mod csv_table;
mod diagnostic;
mod document;
mod json;
mod source;

pub use csv_table::{CsvRow, CsvTable};
pub use diagnostic::{Diagnostic, Diagnostics, has_controls, nearest, problem_with, suggestion, visible};
pub use document::{Document, Table, Value, parse_millionths, show_millionths};
pub use source::{At, Origin, Source};
