//! Printing to standard output and writing files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rtmm_hardware::Section;
use rtmm_report::{Column, Row, TableCell, TerminalStyle, TextTable};
use serde::Serialize;

use crate::args::Format;
use crate::failure::Failure;

/// Width of tables where standard output is no terminal, or its width is not known.
const DEFAULT_WIDTH: usize = 100;
/// Spaces between columns.
const GAP: usize = 2;
/// Digits of a number that matter.
const DIGITS: i32 = 4;
/// The most decimals.
const MAX_DECIMALS: i32 = 6;

/// Standard output, with colours where it is a terminal.
pub(crate) fn stdout() -> anstream::AutoStream<io::StdoutLock<'static>> {
    anstream::AutoStream::auto(io::stdout().lock())
}

/// Columns of the terminal; `COLUMNS` overrides.
pub(crate) fn width() -> usize {
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into());
    stated.or_else(terminal).unwrap_or(DEFAULT_WIDTH)
}

/// Style of tables on standard output.
pub(crate) fn style() -> TerminalStyle {
    TerminalStyle {
        width: width(),
        colour: anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        ..TerminalStyle::default()
    }
}

/// The form of JSON rows; raised when a field changes its meaning or goes away.
const JSON_VERSION: u32 = 1;

/// JSON rows with their version.
#[derive(Serialize)]
struct Listing {
    format: &'static str,
    version: u32,
    rows: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// A table of texts in whichever format is asked for; all columns are text.
pub(crate) struct Rows<H = &'static str> {
    pub title: String,
    pub header: Vec<H>,
    /// True if each column holds numbers.
    pub numbers: Vec<bool>,
    pub rows: Vec<Vec<String>>,
}

impl<H: AsRef<str>> Rows<H> {
    pub(crate) fn print(&self, format: Format) -> Result<(), Failure> {
        let mut out = stdout();
        match format {
            Format::Table if self.fits(width()) => write!(out, "{}", self.table().to_terminal(&style()))?,
            Format::Table => self.print_blocks(&mut out)?,
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(&mut out);
                writer.write_record(self.header.iter().map(AsRef::as_ref))?;
                for row in &self.rows {
                    writer.write_record(row)?;
                }
                writer.flush()?;
            }
            Format::Json => {
                let rows: Vec<serde_json::Map<String, serde_json::Value>> = self
                    .rows
                    .iter()
                    .map(|row| {
                        let value =
                            |(cell, number): (&String, &bool)| match cell.parse::<serde_json::Number>() {
                                Ok(parsed) if *number => serde_json::Value::Number(parsed),
                                // A number that a row does not have.
                                Err(_) if *number && cell.is_empty() => serde_json::Value::Null,
                                _ => serde_json::Value::String(cell.clone()),
                            };
                        let values = row.iter().zip(&self.numbers).map(value);
                        self.header.iter().map(|name| name.as_ref().to_owned()).zip(values).collect()
                    })
                    .collect();
                print_json(&mut out, &Listing { format: "rtmm-rows", version: JSON_VERSION, rows })?;
            }
        }
        out.flush()?;
        Ok(())
    }
}

impl<H: AsRef<str>> Rows<H> {
    fn table(&self) -> TextTable {
        let columns = self.header.iter().zip(&self.numbers).map(|(name, number)| {
            if *number { Column::number(name.as_ref()) } else { Column::text(name.as_ref()) }
        });
        let mut table = TextTable::new(self.title.as_str(), columns.collect());
        table.rows.extend(self.rows.iter().map(|cells| text_row(cells)));
        table
    }

    /// True if the whole table fits side by side.
    fn fits(&self, width: usize) -> bool {
        let widest = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.header[column].as_ref().len()]).max().unwrap_or(0)
        };
        let columns = self.header.len();
        (0..columns).map(widest).sum::<usize>() + GAP * columns.saturating_sub(1) <= width
    }

    /// One block a row, for long texts: the first cell, then every other under its head, wrapped.
    fn print_blocks(&self, out: &mut impl Write) -> Result<(), Failure> {
        let indent = self.header.iter().skip(1).map(|head| head.as_ref().len()).max().unwrap_or(0) + 2 * GAP;
        let room = width().saturating_sub(indent).max(20);
        for row in &self.rows {
            writeln!(out, "{}", row[0])?;
            for (head, cell) in self.header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()) {
                for (number, line) in wrap(cell, room).into_iter().enumerate() {
                    let head = if number == 0 { head.as_ref() } else { "" };
                    writeln!(out, "{:indent$}{line}", format!("{:GAP$}{head}", ""))?;
                }
            }
        }
        Ok(())
    }
}

/// Lines of at most `width` characters, broken at spaces; a longer word stands alone.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A section of an account; columns in which some cell is a number are numbers.
pub(crate) fn section_table(section: &Section) -> TextTable {
    let numeric = |column: usize| section.rows.iter().any(|row| row[column].parse::<f64>().is_ok());
    let heads = section.header.iter().enumerate().map(|(column, name)| {
        if numeric(column) { Column::number(name.as_str()) } else { Column::text(name.as_str()) }
    });
    let mut table = TextTable::new(section.title.as_str(), heads.collect());
    let shown =
        |cells: &Vec<String>| text_row(&cells.iter().map(|cell| shown(cell)).collect::<Vec<String>>());
    table.rows.extend(section.rows.iter().map(shown));
    table
}

/// A cell of an account: numbers of more decimals than any table has are rounded.
fn shown(cell: &str) -> String {
    let decimals = cell.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    match cell.parse::<f64>() {
        Ok(number) if decimals > MAX_DECIMALS as usize => rounded(number),
        _ => cell.to_owned(),
    }
}

/// A number with the digits that matter.
pub(crate) fn rounded(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    // Digits before the point; below one, less the zeros behind it.
    let mut whole = 0;
    let mut rest = number.abs();
    while rest >= 1.0 {
        (whole, rest) = (whole + 1, rest / 10.0);
    }
    while rest < 0.1 && whole > -MAX_DECIMALS {
        (whole, rest) = (whole - 1, rest * 10.0);
    }
    let decimals = (DIGITS - whole).clamp(0, MAX_DECIMALS);
    format!("{number:.*}", decimals as usize)
}

/// A row of texts.
pub(crate) fn text_row(cells: &[String]) -> Row {
    Row { cells: cells.iter().map(|cell| TableCell::text(cell.as_str())).collect(), starts_group: false }
}

/// Prints a value as indented JSON with a line end.
pub(crate) fn print_json(out: &mut impl Write, value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Writes a file under a temporary name and renames it, so that no reader ever sees half of it. What is no regular
/// file, such as a device or a pipe, is written as it is, and a link stays one.
#[expect(clippy::disallowed_methods, reason = "the command line writes the files that its user asks for")]
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let target = behind_links(path);
    if target.exists() && !target.is_file() {
        return write_file(path, bytes);
    }
    let partial = target.with_added_extension("partial");
    let renamed = std::fs::write(&partial, bytes).and_then(|()| rename(&partial, &target));
    renamed.map_err(|error| {
        // Only a part of it is there, if anything.
        let _ = std::fs::remove_file(&partial);
        unwritten(path, &error)
    })
}

/// The failure of a file that could not be written.
fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let way_out = "make room for it, or name another file";
    Failure::Run(format!("{}: cannot be written: {error}; {way_out}", path.display()))
}

/// The file that a path leads to; the path itself where it leads nowhere yet.
fn behind_links(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Gives a file that is whole the name of another, and its permissions if that is there.
fn rename(partial: &Path, target: &Path) -> io::Result<()> {
    if let Ok(before) = std::fs::metadata(target) {
        std::fs::set_permissions(partial, before.permissions())?;
    }
    std::fs::rename(partial, target)
}

/// A file that a command will write, opened before the work begins: a path that cannot be written costs no run.
pub(crate) struct Reserved<'p> {
    path: &'p Path,
    is_new: bool,
}

impl<'p> Reserved<'p> {
    /// Opens a file as it will be written; what it holds stays until then.
    pub(crate) fn open(path: &'p Path) -> Result<Self, Failure> {
        let is_new = !path.exists();
        // A pipe would wait for its reader here, and end for it when this is closed.
        if !is_new && !path.is_file() && !path.is_dir() {
            return Ok(Self { path, is_new });
        }
        match std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path) {
            Ok(_) => Ok(Self { path, is_new }),
            Err(error) => Err(Failure::usage(
                format!("{}: cannot be written: {error}", path.display()),
                "name a file in a folder that is there and may be written",
            )),
        }
    }
}

/// Opens the outputs of a command, none of which may be one of its inputs, or another output.
pub(crate) fn reserve<'p>(outputs: &[&'p Path], inputs: &[&Path]) -> Result<Vec<Reserved<'p>>, Failure> {
    let file = |path: &Path| path.canonicalize().ok().filter(|path| path.is_file());
    let mut reserved: Vec<Reserved<'p>> = Vec::new();
    for path in outputs {
        let is_same = |other: &Path| file(path).is_some_and(|path| Some(path) == file(other));
        if inputs.iter().any(|input| is_same(input)) {
            return Err(refused(path, INPUT));
        }
        let next = Reserved::open(path)?;
        if reserved.iter().any(|before| is_same(before.path)) {
            return Err(refused(path, OTHER_OUTPUT));
        }
        reserved.push(next);
    }
    Ok(reserved)
}

/// Reasons against an output.
pub(crate) const INPUT: &str = "an input of this command";
pub(crate) const OTHER_OUTPUT: &str = "another output of this command";

/// The failure of an output that would take the place of something else.
pub(crate) fn refused(path: &Path, what: &str) -> Failure {
    let message = format!("{}: cannot be written, since it is {what}", path.display());
    Failure::usage(message, "name another file")
}

impl Drop for Reserved<'_> {
    /// Leaves no empty file behind where the command failed before it wrote.
    fn drop(&mut self) {
        let is_empty = || std::fs::metadata(self.path).is_ok_and(|file| file.is_file() && file.len() == 0);
        if self.is_new && is_empty() {
            // The next command says what is wrong with the folder, if anything is.
            let _ = std::fs::remove_file(behind_links(self.path));
        }
    }
}

/// A file that is written while a command runs: under a temporary name, until it is whole. What is no regular file, such
/// as a pipe, is written as it is, and a link stays one.
pub(crate) struct Streamed<'p> {
    path: &'p Path,
    /// The file that the path leads to.
    target: PathBuf,
    /// The temporary name; none where there is none, or where it is gone.
    partial: Option<PathBuf>,
}

impl<'p> Streamed<'p> {
    /// Opens a file, and gives what is to be written to.
    #[expect(clippy::disallowed_methods, reason = "the command line writes the files that its user asks for")]
    pub(crate) fn create(path: &'p Path) -> Result<(Self, std::fs::File), Failure> {
        let is_regular = std::fs::metadata(path).map_or(true, |file| file.is_file());
        let target = behind_links(path);
        let partial = is_regular.then(|| target.with_added_extension("partial"));
        let file = std::fs::File::create(partial.as_deref().unwrap_or(path));
        let streamed = Self { path, target, partial };
        let file = file.map_err(|error| streamed.failed(&error))?;
        Ok((streamed, file))
    }

    /// Gives the file its name, if it was `written`.
    pub(crate) fn finish(mut self, written: io::Result<()>) -> Result<(), Failure> {
        written.map_err(|error| self.failed(&error))?;
        let Some(partial) = &self.partial else { return Ok(()) };
        rename(partial, &self.target).map_err(|error| self.failed(&error))?;
        self.partial = None;
        Ok(())
    }

    /// The failure of a file that cannot be written.
    pub(crate) fn failed(&self, error: &io::Error) -> Failure {
        unwritten(self.path, error)
    }
}

impl Drop for Streamed<'_> {
    /// Leaves no part of a file behind where the command failed.
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // The failure that is reported is the one before.
            let _ = std::fs::remove_file(partial);
        }
    }
}

/// Writes a whole file, or says which and why not.
#[expect(clippy::disallowed_methods, reason = "the command line writes the files that its user asks for")]
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| unwritten(path, &error))
}

/// Files of a run that could not be written. They are told of once its result is printed, which would be lost else.
#[derive(Debug, Default)]
pub(crate) struct Unwritten(Vec<Failure>);

impl Unwritten {
    pub(crate) fn note(&mut self, written: Result<(), Failure>) {
        self.0.extend(written.err());
    }

    /// Tells of all of them; the last failure is that of the command, before them that of the `printed` result.
    pub(crate) fn told_after(self, printed: Result<(), Failure>) -> Result<(), Failure> {
        let mut failures: Vec<Failure> = printed.err().into_iter().chain(self.0).collect();
        let last = failures.pop();
        for failure in &failures {
            failure.report();
        }
        last.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let shown = [0.0, 0.000_001_26, 0.012_345_6, 1.0, 127.475, 9_999.6, 123_456.7].map(rounded);
        assert_eq!(shown, ["0", "0.000001", "0.01235", "1.000", "127.5", "10000", "123457"]);
    }

    #[test]
    fn cells_of_accounts_have_no_endless_decimals() {
        let cells = ["1.0611666104010975", "2.8800000000000003", "0.0845", "34", "12.5 %", "a.bcdefghi"];
        assert_eq!(cells.map(shown), ["1.061", "2.880", "0.0845", "34", "12.5 %", "a.bcdefghi"]);
    }
}
