//! CSV with a header, as rows of cells that know their place.
//!
//! Spreadsheets end rows with commas, and add rows of nothing but commas: blank cells beyond the last named column
//! say nothing, and neither do rows of blank cells.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use csv::{ByteRecord, ReaderBuilder};

use super::diagnostic::{Diagnostic, Diagnostics, has_controls, suggestion};
use super::source::Source;

/// The shortest name of a column of which a misspelling is seen as one.
const SHORTEST_MISSPELT: usize = 6;

/// Reads the rows of a CSV text one by one, by column name.
///
/// Rows of the wrong length and cells that cannot be read are recorded with line and column; the
/// reader goes on with the next row. The header may name more columns than are asked for; see [`CsvTable::only`].
#[derive(Debug)]
pub struct CsvTable<'s> {
    source: &'s Source,
    reader: csv::Reader<&'s [u8]>,
    /// Names of the columns, up to the last one that has a name.
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
        Self::parse_as(source, required, |written| written)
    }

    /// Opens a text whose columns are known by other names than those that its header spells: `named` makes the
    /// names of the columns from the spelled ones.
    #[must_use]
    pub fn parse_as(
        source: &'s Source,
        required: &[&str],
        named: impl FnOnce(Vec<String>) -> Vec<String>,
    ) -> Self {
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(source.text().as_bytes());
        let mut problems = Diagnostics::default();
        let mut header: Vec<String> = match reader.byte_headers() {
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
        while header.last().is_some_and(String::is_empty) {
            header.pop();
        }
        let line = header_line(source);
        if header.iter().any(|name| has_controls(name)) {
            let problem = Diagnostic::new("the header has a control character", source, line.clone());
            problems.push(problem.help("name columns with letters, digits and signs"));
        }
        let separator = (header.len() == 1)
            .then(|| [';', '\t', '|'].into_iter().find(|separator| header[0].contains(*separator)))
            .flatten();
        if let Some(separator) = separator {
            let message =
                format!("the header has no comma, and its columns seem to be separated by {separator:?}");
            problems.push(Diagnostic::new(message, source, line).help("separate cells with commas"));
            return Self { source, reader, header: Vec::new(), problems };
        }
        let written = header.clone();
        let header = named(header);
        for name in required {
            if !header.iter().any(|known| known == name) {
                let known: Vec<&str> = written.iter().map(String::as_str).collect();
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

    /// The names of the columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Records every column that is not in `known`. A name that begins with `_` is one of the file's own: notes.
    pub fn only(&mut self, known: &[&str]) {
        let is_unknown =
            |name: &&String| !(name.is_empty() || name.starts_with('_') || known.contains(&name.as_str()));
        let unknown: Vec<String> = self.header.iter().filter(is_unknown).cloned().collect();
        for name in unknown {
            let help = suggestion(&name, "column", known);
            self.reject_header(format!("unknown column `{name}`"), help);
        }
    }

    /// Records every column that is not in `known` and that would change what a row says if it were read: its name
    /// begins with one of `beginnings`, is a single letter, or is one letter away from a known one. Other columns are
    /// notes, and are left alone.
    pub fn only_notes_beside(&mut self, known: &[&str], beginnings: &[&str]) {
        // A table that lacks what it must have is one of something else.
        if !self.problems.is_empty() {
            return;
        }
        let is_alike = |name: &&String| {
            let lower = name.to_lowercase();
            let is_near = |known: &&str| {
                known.len() >= SHORTEST_MISSPELT && strsim::damerau_levenshtein(&lower, known) == 1
            };
            !name.starts_with('_')
                && !known.contains(&name.as_str())
                && (beginnings.iter().any(|beginning| lower.starts_with(beginning))
                    || lower.chars().count() == 1
                    || known.iter().any(is_near))
        };
        let alike: Vec<String> = self.header.iter().filter(is_alike).cloned().collect();
        for name in alike {
            let help = suggestion(&name, "column", known);
            let help = format!("{help}; if it is a note, let its name begin with `_`");
            self.reject_header(
                format!("column `{name}` is not read, and would change what the rows say"),
                help,
            );
        }
    }

    /// Records a problem with the header.
    pub fn reject_header(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Diagnostic::new(message, self.source, header_line(self.source)).help(help));
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
            if record.iter().all(is_blank) {
                continue;
            }
            let mut row = CsvRow {
                source: self.source,
                header: &self.header,
                record: &record,
                problems: &mut self.problems,
            };
            let wants = row.header.len();
            if let Some(column) = (0..wants).find(|&column| row.is_nameless(column)) {
                let message = format!("the cell `{}` stands in a column without a name", row.text(column));
                row.reject(column, message, "name the column in the header, or remove the cell");
            } else if let Some(column) = row.controlled() {
                let message = format!("the cell in column `{}` has a control character", row.header(column));
                row.reject(column, message, "write letters, digits and signs");
            } else if record.len() >= wants && record.iter().skip(wants).all(is_blank) {
                read(&mut row);
            } else {
                let has = record.len();
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

/// True for a cell that says nothing.
fn is_blank(cell: &[u8]) -> bool {
    cell.trim_ascii().is_empty()
}

/// The bytes of the header.
fn header_line(source: &Source) -> Range<usize> {
    0..source.text().lines().next().map_or(0, str::len)
}

impl CsvRow<'_> {
    /// The text of the cell in `column`.
    #[must_use]
    pub fn text(&self, column: usize) -> &str {
        self.record.get(column).and_then(|cell| std::str::from_utf8(cell).ok()).map_or("", str::trim)
    }

    /// The name of a column; empty where there is none.
    #[must_use]
    pub fn header(&self, column: usize) -> &str {
        self.header.get(column).map_or("", String::as_str)
    }

    /// The column of a cell with a control character, if there is one.
    fn controlled(&self) -> Option<usize> {
        // Few rows have any byte of one; only those pay for reading letters.
        let has_any = self.record.as_slice().iter().any(|byte| byte.is_ascii_control() || *byte == 0xc2);
        has_any.then(|| (0..self.header.len()).find(|&column| has_controls(self.text(column)))).flatten()
    }

    /// True if the cell in `column` says something, and the column has no name.
    fn is_nameless(&self, column: usize) -> bool {
        self.header.get(column).is_some_and(String::is_empty) && !self.is_blank(column)
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

    /// The name of the table.
    #[must_use]
    pub fn table(&self) -> &str {
        self.source.name()
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
