//! The page "The policy horizon": tables from the data that `cargo xtask evaluation horizon` wrote.

mod ablation;
mod bound;
mod workloads;

use std::path::Path;

use super::Problem;
use crate::evaluation::DATA;
use crate::evaluation::horizon::POLICY;

pub(super) use ablation::{built_up, completed, energy, misses, setup, ux_cost};
pub(super) use bound::over_bound;
pub(super) use workloads::{dysta_antt, dysta_violations, xrbench};

/// Rows of a table of a sweep, by the names of columns.
struct Rows {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    fn of(root: &Path, sweep: &str) -> Result<Self, Problem> {
        let mut reader = csv::Reader::from_path(root.join(DATA).join(format!("{sweep}.csv")))?;
        let header = reader.headers()?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            rows.push(record?.iter().map(str::to_owned).collect());
        }
        Ok(Self { header, rows })
    }

    fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { header: &self.header, values })
    }

    /// Different values of columns, in their order.
    fn all<const COLUMNS: usize>(&self, names: [&str; COLUMNS]) -> Vec<[&str; COLUMNS]> {
        let mut found: Vec<[&str; COLUMNS]> = Vec::new();
        for row in self.iter() {
            let values = names.map(|name| row.text(name));
            if !found.contains(&values) {
                found.push(values);
            }
        }
        found
    }
}

/// A row with the names of its columns.
#[derive(Clone, Copy)]
struct Row<'r> {
    header: &'r [String],
    values: &'r [String],
}

impl<'r> Row<'r> {
    /// The text of a column; empty where there is none.
    fn text(&self, name: &str) -> &'r str {
        let at = self.header.iter().position(|known| known == name);
        at.and_then(|at| self.values.get(at)).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.text(name).parse().ok()
    }

    fn is(&self, wanted: &[(&str, &str)]) -> bool {
        wanted.iter().all(|(name, value)| self.text(name) == *value)
    }
}

/// A policy without its own name, where it is the one of the page.
fn short(policy: &str) -> String {
    match policy.strip_prefix(POLICY).map(str::trim) {
        Some("") | None => format!("`{policy}`"),
        Some(settings) => format!("`{settings}`"),
    }
}

/// A value that rounds to zero has no sign.
fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}");
    let is_zero = text.chars().all(|of| matches!(of, '+' | '-' | '0' | '.'));
    if is_zero { format!("{:.decimals$}", 0.0) } else { text.replace('-', "−") }
}
