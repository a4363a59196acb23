//! CSV tables of measurements: cells by the heading of their column, and errors that name file, line and column.

#![expect(clippy::disallowed_methods, reason = "reads measurements, of the repository or of a user")]

use std::path::Path;

use super::Problem;

/// A table in memory.
pub(super) struct Table {
    /// The file, as messages name it.
    name: String,
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'t> {
    table: &'t Table,
    record: &'t csv::StringRecord,
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// A problem that names the file where it cannot be read, or is no CSV.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let name = path.display().to_string();
        let problem = |reason: String| -> Problem {
            format!("{name}: {reason}; see validation/README.md for what a folder of measurements holds")
                .into()
        };
        let bytes = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().map_err(|error| problem(error.to_string()))?.clone();
        let rows = reader.records().collect::<Result<_, _>>().map_err(|error| problem(error.to_string()))?;
        Ok(Self { name, header, rows })
    }

    /// The rows, from top to bottom.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|record| Row { table: self, record })
    }
}

impl<'t> Row<'t> {
    /// A cell as text.
    ///
    /// # Errors
    /// A problem where the table has no such column.
    pub(super) fn text(self, column: &str) -> Result<&'t str, Problem> {
        let place = self.table.header.iter().position(|known| known == column);
        place.and_then(|place| self.record.get(place)).ok_or_else(|| {
            let known: Vec<&str> = self.table.header.iter().collect();
            format!("{}: there is no column `{column}`: it has {}", self.table.name, known.join(", ")).into()
        })
    }

    /// True if the table has a column.
    pub(super) fn has(self, column: &str) -> bool {
        self.table.header.iter().any(|known| known == column)
    }

    /// A cell as a finite number.
    ///
    /// # Errors
    /// A problem where it is none.
    pub(super) fn number(self, column: &str) -> Result<f64, Problem> {
        self.optional(column)?.ok_or_else(|| self.refused(column, "blank"))
    }

    /// A cell as a finite number; none where it is blank.
    ///
    /// # Errors
    /// A problem where it is neither.
    pub(super) fn optional(self, column: &str) -> Result<Option<f64>, Problem> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.refused(column, "no finite number"))
    }

    fn refused(self, column: &str, reason: &str) -> Problem {
        let line = self.record.position().map_or(0, csv::Position::line);
        format!(
            "{}:{line}: the cell in column `{column}` is {reason}: write a decimal number",
            self.table.name
        )
        .into()
    }
}
