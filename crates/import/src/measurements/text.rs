//! Texts as a whole, and tables in them: cells between separators, with or without quotes.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use super::MeasurementError;

/// The most bytes of a profile that is read as a whole.
pub const MAX_TEXT_BYTES: u64 = 64 << 20;

/// The text of a profile, without a mark of byte order.
pub(super) fn read(reader: &mut dyn BufRead) -> Result<String, MeasurementError> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_TEXT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|problem| MeasurementError::new(format!("cannot be read: {problem}"), "name a file"))?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(MeasurementError::new(
            format!("the file has more than {} MiB", MAX_TEXT_BYTES >> 20),
            "name a file of measurements, or cut it",
        ));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(MeasurementError::new("the text is UTF-16", "save it as UTF-8"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        MeasurementError::at(line, column, "this is no text in UTF-8", "save the file as UTF-8")
    })?;
    if text.trim().is_empty() {
        return Err(MeasurementError::new("the file is empty", "name a file of measurements"));
    }
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<'t> {
    /// Line that it begins in, from 1.
    pub line: usize,
    /// Cells without quotes and without blanks around them.
    pub cells: Vec<Cow<'t, str>>,
    /// Columns that the cells begin at, in bytes from 1.
    places: Vec<usize>,
    /// True if a blank line stands before it.
    pub is_after_blank: bool,
}

impl Row<'_> {
    /// The text of a cell; empty beyond the last one.
    pub(super) fn cell(&self, index: usize) -> &str {
        self.cells.get(index).map_or("", |cell| cell.as_ref())
    }

    /// An error at a cell, or at the row where it has no such cell.
    pub(super) fn error(
        &self,
        index: usize,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> MeasurementError {
        MeasurementError::at(self.line, self.places.get(index).copied().unwrap_or(1), problem, help)
    }

    /// True if all cells are empty.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.is_empty())
    }
}

/// Rows of a text from a line on. A cell in quotes may hold separators, line ends and quotes, which stand twice.
pub(super) struct Rows<'t> {
    rest: &'t str,
    line: usize,
    separator: char,
}

impl<'t> Rows<'t> {
    /// Rows of a text that begins at a line of its file, from 1.
    pub(super) const fn new(text: &'t str, line: usize, separator: char) -> Self {
        Self { rest: text, line, separator }
    }

    /// The lines that are left.
    pub(super) fn lines_left(&self) -> usize {
        self.rest.lines().filter(|line| !line.trim().is_empty()).count()
    }

    /// The next row that is not blank; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row<'t>>, MeasurementError> {
        let mut is_after_blank = false;
        while !self.rest.is_empty() {
            let mut row = self.row()?;
            if row.is_blank() {
                is_after_blank = true;
                continue;
            }
            row.is_after_blank = is_after_blank;
            return Ok(Some(row));
        }
        Ok(None)
    }

    fn row(&mut self) -> Result<Row<'t>, MeasurementError> {
        let text = self.rest;
        let mut row = Row { line: self.line, cells: Vec::new(), places: Vec::new(), is_after_blank: false };
        let mut at = 0;
        let mut line_start = 0;
        loop {
            let blanks = text[at..].find(|c: char| !matches!(c, ' ' | '\t') || c == self.separator);
            at += blanks.unwrap_or(text.len() - at);
            row.places.push(at - line_start + 1);
            let cell = if text[at..].starts_with('"') {
                let begin = (self.line, at - line_start + 1);
                let (cell, length) = quoted(&text[at..]).ok_or_else(|| {
                    let help = "close the quote, or write quotes within a cell twice";
                    MeasurementError::at(begin.0, begin.1, "this cell's quote is not closed", help)
                })?;
                let inside = &text[at..at + length];
                self.line += inside.matches('\n').count();
                if let Some(last) = inside.rfind('\n') {
                    line_start = at + last + 1;
                }
                at += length;
                let behind = text[at..].find([self.separator, '\n']).unwrap_or(text.len() - at);
                if !text[at..at + behind].trim().is_empty() {
                    let help = "write quotes around the whole cell, and those within it twice";
                    let column = at - line_start + 1;
                    return Err(MeasurementError::at(self.line, column, "text stands behind a quote", help));
                }
                at += behind;
                cell
            } else {
                let length = text[at..].find([self.separator, '\n']).unwrap_or(text.len() - at);
                let cell = text[at..at + length].trim();
                at += length;
                Cow::Borrowed(cell)
            };
            row.cells.push(cell);
            match text[at..].chars().next() {
                Some(next) if next == self.separator => at += next.len_utf8(),
                next => {
                    self.rest = &text[(at + usize::from(next.is_some())).min(text.len())..];
                    self.line += 1;
                    return Ok(row);
                }
            }
        }
    }
}

/// The text of a cell that begins with a quote, and its length with the quotes; none if it is not closed.
fn quoted(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let mut has_quotes = false;
    let mut at = 1;
    loop {
        at += text[at..].find('"')?;
        if text[at + 1..].starts_with('"') {
            has_quotes = true;
            at += 2;
            continue;
        }
        let inside = text[1..at].trim();
        let cell = if has_quotes { Cow::Owned(inside.replace("\"\"", "\"")) } else { Cow::Borrowed(inside) };
        return Some((cell, at + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>, bool)>, MeasurementError> {
        let mut rows = Rows::new(text, 1, separator);
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push((row.line, row.cells.iter().map(|cell| cell.to_string()).collect(), row.is_after_blank));
        }
        Ok(all)
    }

    #[track_caller]
    fn check(text: &str, separator: char, expected: &[(usize, &[&str], bool)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, cells, blank)| {
                (*line, cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>(), *blank)
            })
            .collect();
        assert_eq!(cells(text, separator), Ok(expected));
    }

    #[test]
    fn cells_stand_between_separators_with_or_without_quotes() {
        check("a,b\r\n\r\n 1 , \"2, 3\" \n", ',', &[(1, &["a", "b"], false), (3, &["1", "2, 3"], true)]);
        check("a;b;\n;;\n1;2;", ';', &[(1, &["a", "b", ""], false), (3, &["1", "2", ""], true)]);
        check(
            "\"x \"\"y\"\"\",\"two\nlines\"\nlast",
            ',',
            &[(1, &["x \"y\"", "two\nlines"], false), (3, &["last"], false)],
        );
        check("a\t\tb", '\t', &[(1, &["a", "", "b"], false)]);
        check("say \"so\",1", ',', &[(1, &["say \"so\"", "1"], false)]);
        check("", ',', &[]);
    }

    #[test]
    fn quotes_that_are_not_closed_are_refused_where_they_begin() {
        let error = cells("a,b\n1,\"2\n3", ',').unwrap_err();
        assert_eq!(error, MeasurementError::at(2, 3, "this cell's quote is not closed", error.help.as_str()));
        let error = cells("\"a\nb\"c,d", ',').unwrap_err();
        assert_eq!((error.problem.as_str(), error.place.unwrap().line), ("text stands behind a quote", 2));
    }

    #[test]
    fn texts_are_utf_8_without_a_mark() {
        assert_eq!(read(&mut "\u{feff}a".as_bytes()).as_deref(), Ok("a"));
        assert_eq!(read(&mut " \n".as_bytes()).unwrap_err().problem, "the file is empty");
        assert_eq!(read(&mut &b"\xff\xfea\0"[..]).unwrap_err().problem, "the text is UTF-16");
        let error = read(&mut &b"a\nb\xffc"[..]).unwrap_err();
        assert_eq!(error, MeasurementError::at(2, 2, "this is no text in UTF-8", "save the file as UTF-8"));
    }
}
