//! CSV with a header, as rows of cells that know their place.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use csv::{ByteRecord, ReaderBuilder};

use super::diagnostic::{Diagnostic, Diagnostics, suggestion};
use super::source::Source;

/// Reads the rows of a CSV text one by one, by column name.
///
/// Rows of the wrong length and cells that cannot be read are recorded with line and column; the
/// reader goes on with the next row. The header may name more columns than are asked for.
#[derive(Debug)]
pub struct CsvTable<'s> {
    source: &'s Source,
    reader: csv::Reader<&'s [u8]>,
    header: Vec<String>,
    problems: Diagnostics,
}

/// One row of a [`CsvTable`].
#[derive(Debug)]
pub struct CsvRow<'r> {
    source: &'r Source,
    header: &'r [String],
    record: &'r ByteRecord,
    problems: &'r mut Diagnostics,
}

impl<'s> CsvTable<'s> {
    /// Opens a text; `required` columns that the header lacks are recorded.
    #[must_use]
    pub fn parse(source: &'s Source, required: &[&str]) -> Self {
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(source.text().as_bytes());
        let mut problems = Diagnostics::default();
        let header: Vec<String> = match reader.byte_headers() {
            Ok(header) => header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect(),
            Err(error) => {
                problems.push(Diagnostic::new(format!("unreadable CSV header: {error}"), source, 0..0));
                Vec::new()
            }
        };
        if header.iter().all(String::is_empty) {
            let problem = Diagnostic::new("the table is empty", source, 0..0);
            problems.push(problem.help("write a header with the names of the columns, then the rows"));
            return Self { source, reader, header, problems };
        }
        let line = 0..source.text().lines().next().map_or(0, str::len);
        for name in required {
            if !header.iter().any(|known| known == name) {
                let known: Vec<&str> = header.iter().map(String::as_str).collect();
                problems.push(
                    Diagnostic::new(format!("the table has no column `{name}`"), source, line.clone())
                        .help(suggestion(name, "column", &known)),
                );
            }
        }
        for (index, name) in header.iter().enumerate() {
            if !name.is_empty() && header[..index].contains(name) {
                problems.push(
                    Diagnostic::new(
                        format!("column `{name}` stands twice in the header"),
                        source,
                        line.clone(),
                    )
                    .help("remove or rename one of the two"),
                );
            }
        }
        Self { source, reader, header, problems }
    }

    /// The position of a column, if the header has it.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|known| known == name)
    }

    /// Records every column that is not in `known`.
    pub fn only(&mut self, known: &[&str]) {
        if self.header.iter().all(String::is_empty) {
            return;
        }
        let unknown = self.header.iter().filter(|name| !known.contains(&name.as_str()));
        let unknown: Vec<String> = unknown.cloned().collect();
        for name in unknown {
            if name.is_empty() {
                self.reject_header("a column has no name", "name it, or remove it from every row");
            } else {
                let help = suggestion(&name, "column", known);
                self.reject_header(format!("unknown column `{name}`"), help);
            }
        }
    }

    /// Records a problem with the header.
    pub fn reject_header(&mut self, message: impl Into<String>, help: impl Into<String>) {
        let line = 0..self.source.text().lines().next().map_or(0, str::len);
        self.problems.push(Diagnostic::new(message, self.source, line).help(help));
    }

    /// Calls `read` for every row. Nothing is read where the header already has problems.
    pub fn each_row(mut self, mut read: impl FnMut(&mut CsvRow<'_>)) -> Diagnostics {
        if !self.problems.is_empty() {
            return self.problems;
        }
        let mut record = ByteRecord::new();
        loop {
            match self.reader.read_byte_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {}
                Err(error) => {
                    let start = error.position().map_or(0, |position| position.byte() as usize);
                    self.problems.push(Diagnostic::new(
                        format!("unreadable CSV row: {error}"),
                        self.source,
                        start..start + 1,
                    ));
                    break;
                }
            }
            let mut row = CsvRow {
                source: self.source,
                header: &self.header,
                record: &record,
                problems: &mut self.problems,
            };
            if record.len() == row.header.len() {
                read(&mut row);
            } else {
                let (has, wants) = (record.len(), row.header.len());
                let problem = Diagnostic::new(
                    format!("this row has {has} cells and the header {wants}"),
                    row.source,
                    row.range(),
                );
                row.problems.push(problem.help("give every row one cell for each column"));
            }
        }
        self.problems
    }
}

impl CsvRow<'_> {
    /// The text of the cell in `column`.
    #[must_use]
    pub fn text(&self, column: usize) -> &str {
        self.record.get(column).and_then(|cell| std::str::from_utf8(cell).ok()).map_or("", str::trim)
    }

    /// True if the cell in `column` says nothing.
    #[must_use]
    pub fn is_blank(&self, column: usize) -> bool {
        self.text(column).is_empty()
    }

    /// A whole number within `allowed`; anything else is recorded.
    pub fn integer<T>(&mut self, column: usize, allowed: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + PartialOrd + Display + TryFrom<i128>,
    {
        let text = self.text(column);
        // Few cells leave 64 bits; only those pay for wider arithmetic.
        let number = text.parse::<i64>().map(i128::from).or_else(|_| text.parse::<i128>()).ok();
        match number.and_then(|number| T::try_from(number).ok()).filter(|number| allowed.contains(number)) {
            Some(number) => Some(number),
            None => {
                let why = if number.is_some() { "is out of range" } else { "is no whole number" };
                let message = format!("`{text}` in column `{}` {why}", self.header[column]);
                let help = format!("allowed: {} to {}", allowed.start(), allowed.end());
                self.reject(column, message, help);
                None
            }
        }
    }

    /// A finite number within `allowed`; anything else is recorded.
    pub fn number(&mut self, column: usize, allowed: RangeInclusive<f64>) -> Option<f64> {
        let text = self.text(column);
        let number = text.parse::<f64>().ok();
        match number.filter(|number| allowed.contains(number)) {
            Some(number) => Some(number),
            None => {
                let why = if number.is_some() { "is out of range" } else { "is no number" };
                let message = format!("`{text}` in column `{}` {why}", self.header[column]);
                let help = format!("allowed: finite numbers from {} to {}", allowed.start(), allowed.end());
                self.reject(column, message, help);
                None
            }
        }
    }

    /// Records a problem with the cell in `column`.
    pub fn reject(&mut self, column: usize, message: impl Into<String>, help: impl Into<String>) {
        let problem = Diagnostic::new(message, self.source, self.cell_range(column)).help(help);
        self.problems.push(problem);
    }

    /// Records a problem with the row as a whole.
    pub fn reject_row(&mut self, message: impl Into<String>, help: impl Into<String>) {
        let problem = Diagnostic::new(message, self.source, self.range()).help(help);
        self.problems.push(problem);
    }

    /// Records the problems of a file that the cell in `column` names.
    pub fn report_from(&mut self, column: usize, problems: &Diagnostics) {
        for problem in problems.iter() {
            let located = problem.clone().see(self.source, self.cell_range(column), "named here");
            self.problems.push(located);
        }
    }

    /// The line of the row, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.record.position().map_or(1, |position| position.line() as usize)
    }

    /// The bytes of the row, without its line end.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        let start = self.start();
        let rest = &self.source.text()[start..];
        start..start + rest.find(['\r', '\n']).unwrap_or(rest.len())
    }

    fn start(&self) -> usize {
        let mut start = self.record.position().map_or(0, |position| position.byte() as usize);
        // The reader counts the line ends that precede a row as part of it.
        while self.source.text()[start..].starts_with(['\r', '\n']) {
            start += 1;
        }
        start
    }

    /// The bytes of one cell. Cells are found by counting commas; a row with quotes is shown whole.
    fn cell_range(&self, column: usize) -> Range<usize> {
        let row = self.range();
        let text = &self.source.text()[row.clone()];
        if text.contains('"') {
            return row;
        }
        let mut start = row.start;
        for (index, cell) in text.split(',').enumerate() {
            if index == column {
                return start..start + cell.len();
            }
            start += cell.len() + 1;
        }
        row
    }
}
