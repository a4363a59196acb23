//! Tables as CSV and JSON. Numbers stand in the shortest form that reads back equal.

use std::io::{self, Write};

use super::field::OUTPUT_VERSION;
use super::tables::Table;
use crate::columns::{Datum, Value};
use crate::plan::Plan;
use crate::results::Results;

/// Head of a JSON table: all that it says of itself before its rows.
pub(super) struct Head<'h> {
    /// Name of the form.
    pub format: &'h str,
    /// The plan whose results the table has.
    pub plan: &'h Plan<'h>,
    /// BLAKE3 of the manifest beside it, in hexadecimal.
    pub manifest: &'h str,
}

/// Writes a table of results as CSV.
pub(super) fn table_csv(table: &Table, results: &Results<'_>, to: &mut impl Write) -> io::Result<()> {
    let names: Vec<&str> = table.fields.iter().map(|field| &*field.name).collect();
    writeln!(to, "{}", names.join(","))?;
    let mut row = CsvRow::default();
    table.rows(results, &mut |values| {
        values.iter().try_for_each(|value| row.datum(*value))?;
        row.end(to)
    })
}

/// Writes a table of results as JSON.
pub(super) fn table_json(
    head: &Head<'_>,
    table: &Table,
    results: &Results<'_>,
    to: &mut impl Write,
) -> io::Result<()> {
    let names: Vec<&str> = table.fields.iter().map(|field| &*field.name).collect();
    head.write(&names, to)?;
    let mut rows = JsonRows::default();
    table.rows(results, &mut |values| rows.add(values.iter().copied(), to))?;
    rows.end(to)
}

/// Writes rows of values as CSV.
pub(super) fn rows_csv(
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>>,
    to: &mut impl Write,
) -> io::Result<()> {
    writeln!(to, "{}", columns.join(","))?;
    let mut row = CsvRow::default();
    for values in rows {
        values.iter().try_for_each(|value| row.datum(value.datum()))?;
        row.end(to)?;
    }
    Ok(())
}

/// Writes rows of values as JSON, in the form of the results.
pub(super) fn rows_json(
    head: &Head<'_>,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>>,
    to: &mut impl Write,
) -> io::Result<()> {
    head.write(columns, to)?;
    let mut written = JsonRows::default();
    for values in rows {
        written.add(values.iter().map(Value::datum), to)?;
    }
    written.end(to)
}

impl Head<'_> {
    /// Everything up to the rows.
    fn write(&self, columns: &[&str], to: &mut impl Write) -> io::Result<()> {
        let Self { format, plan, manifest } = self;
        let (name, columns) = (serde_json::to_string(&plan.axes().name)?, serde_json::to_string(columns)?);
        writeln!(to, "{{\"format\":\"{format}\",\"version\":{OUTPUT_VERSION},\n\"sweep\":{name},")?;
        if !plan.axes().settings.is_empty() {
            // Sorted by name.
            let settings = serde_json::to_value(&plan.axes().settings)?;
            writeln!(to, "\"settings\":{},", serde_json::to_string(&settings)?)?;
        }
        writeln!(to, "\"manifest_blake3\":\"{manifest}\",\n\"columns\":{columns},\n\"rows\":[")
    }
}

/// The rows of a JSON table, a line each.
#[derive(Default)]
struct JsonRows {
    row: Vec<u8>,
    has_rows: bool,
}

impl JsonRows {
    fn add<'v>(&mut self, values: impl Iterator<Item = Datum<'v>>, to: &mut impl Write) -> io::Result<()> {
        self.row.clear();
        self.row.extend_from_slice(if self.has_rows { b",\n[" } else { b"[" });
        self.has_rows = true;
        for (position, value) in values.enumerate() {
            if position > 0 {
                self.row.push(b',');
            }
            json_value(&mut self.row, value)?;
        }
        self.row.push(b']');
        to.write_all(&self.row)
    }

    fn end(self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(if self.has_rows { b"\n]}\n" } else { b"]}\n" })
    }
}

fn csv_value(to: &mut Vec<u8>, value: Datum<'_>) -> io::Result<()> {
    match value {
        Datum::Missing => Ok(()),
        Datum::Text(text) => {
            csv_text(to, text);
            Ok(())
        }
        Datum::Integer(_) | Datum::Real(_) | Datum::Boolean(_) => json_value(to, value),
    }
}

/// A text, in quotes where a comma, a quote or a line break asks for them.
fn csv_text(to: &mut Vec<u8>, text: &str) {
    if !text.contains([',', '"', '\n', '\r']) {
        to.extend_from_slice(text.as_bytes());
        return;
    }
    to.push(b'"');
    to.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    to.push(b'"');
}

fn json_value(to: &mut Vec<u8>, value: Datum<'_>) -> io::Result<()> {
    match value {
        Datum::Missing => {
            to.extend_from_slice(b"null");
            Ok(())
        }
        Datum::Integer(value) => Ok(serde_json::to_writer(to, &value)?),
        Datum::Real(value) => Ok(serde_json::to_writer(to, &value)?),
        Datum::Boolean(value) => Ok(serde_json::to_writer(to, &value)?),
        Datum::Text(value) => Ok(serde_json::to_writer(to, value)?),
    }
}

/// A row of CSV, built field by field.
#[derive(Default)]
pub(super) struct CsvRow(Vec<u8>);

impl CsvRow {
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        csv_text(&mut self.0, text);
        self.0.push(b',');
        self
    }

    pub(super) fn count(&mut self, value: usize) -> &mut Self {
        self.text(&value.to_string())
    }

    pub(super) fn datum(&mut self, value: Datum<'_>) -> io::Result<()> {
        csv_value(&mut self.0, value)?;
        self.0.push(b',');
        Ok(())
    }

    pub(super) fn real(&mut self, value: impl Into<Option<f64>>) -> io::Result<&mut Self> {
        self.datum(value.into().map_or(Datum::Missing, Datum::Real))?;
        Ok(self)
    }

    pub(super) fn end(&mut self, to: &mut impl Write) -> io::Result<()> {
        self.0.pop();
        self.0.push(b'\n');
        to.write_all(&self.0)?;
        self.0.clear();
        Ok(())
    }
}
