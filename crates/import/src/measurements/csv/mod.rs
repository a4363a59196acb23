//! Tables of any program: a row for each node, or for each execution of one.
//!
//! A user names the columns. Text may stand before the heading, and behind a blank line after the rows. With `time_us`
//! each row is an execution: rows of one name are gathered, and quantiles are nearest ranks. With other times each row
//! is a node, and two rows of one name are two nodes.

mod columns;
mod executions;
mod header;

use std::collections::BTreeSet;
use std::io::BufRead;

use super::numbers::{real, time, whole};
use super::text::{self, Row, Rows};
use super::{MeasuredNode, MeasurementError, MeasurementOptions, Measurements, Quantiles};
use columns::Key;
use executions::Executions;
use header::Header;

pub use columns::Columns;

use rtmm_workload::Duration;

/// The most rows of a table.
pub const MAX_ROWS: usize = 4_000_000;

/// Reads a table.
pub(super) fn read(
    reader: &mut dyn BufRead,
    options: &MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    let columns = options.columns.as_ref().ok_or_else(|| {
        let help = "add --columns name=HEADING,p50_us=HEADING";
        MeasurementError::new("nothing says what the columns of the table are", help)
    })?;
    let text = text::read(reader)?;
    let header = header::find(&text, columns)?;
    if columns.of.contains_key(&Key::Time) {
        let mut executions = Executions::default();
        let notes = each_row(&text, &header, columns, |row| executions.add(row, &header))?;
        return Ok(Measurements { notes, ..executions.measured(columns.runs, options)? });
    }
    if options.warm_up > 0 {
        return Err(MeasurementError::new(
            "each row stands for all runs, so that none can be left out",
            "leave --warmup out, or name a table with a row for each execution by time_us",
        ));
    }
    let mut nodes = Vec::new();
    let node_runs = columns.runs.unwrap_or(1);
    let mut notes = each_row(&text, &header, columns, |row| {
        nodes.push(node(row, &header, nodes.len() as u64, node_runs)?);
        Ok(())
    })?;
    notes.extend(uneven(&nodes, node_runs));
    Ok(Measurements { kind: "csv", runs: node_runs, node_runs, nodes, notes, ..Measurements::default() })
}

/// Says that nodes do not run as often in one run as in another, which is a sign of a wrong number of runs.
fn uneven(nodes: &[MeasuredNode], runs: u64) -> Option<String> {
    let mut uneven = nodes.iter().filter(|node| !node.calls.is_multiple_of(runs));
    let first = uneven.next()?;
    Some(format!(
        "the calls of {} of {} rows are no multiple of {runs} runs; the first is `{}` with {} calls",
        uneven.count() + 1,
        nodes.len(),
        first.name,
        first.calls
    ))
}

/// Calls `read` for each row of the table, up to text behind a blank line; says how much of the file is left, and which
/// names of rows to leave out there are none of.
fn each_row(
    text: &str,
    header: &Header,
    columns: &Columns,
    mut read: impl FnMut(&Row<'_>) -> Result<(), MeasurementError>,
) -> Result<Vec<String>, MeasurementError> {
    let wants = header.places.values().max().map_or(0, |last| last + 1);
    let (begin, line) = header.rest;
    let mut rows = Rows::new(&text[begin..], line, header.separator);
    let mut read_rows = 0_usize;
    let mut notes = Vec::new();
    let mut unmet: BTreeSet<&str> = columns.except.iter().map(String::as_str).collect();
    while let Some(row) = rows.next()? {
        if row.cells.iter().map(|cell| cell.as_ref()).eq(header.cells.iter().map(String::as_str)) {
            continue;
        }
        if row.cells.len() < wants {
            if row.is_after_blank && read_rows > 0 {
                let lines = rows.lines_left() + 1;
                notes.push(format!("the table ends before line {}; {lines} lines are not read", row.line));
                break;
            }
            let problem = format!("this row has {} cells, and {wants} are needed", row.cells.len());
            return Err(row.error(0, problem, "write a cell for each column"));
        }
        let more = header.cells.len().max(wants);
        let beyond = (more..row.cells.len()).find(|index| !row.cell(*index).is_empty());
        if let Some(beyond) = beyond.filter(|_| !header.cells.is_empty()) {
            let problem = format!("this row has {} cells, and the heading {more}", row.cells.len());
            return Err(row.error(beyond, problem, "write quotes around cells that hold a separator"));
        }
        let name = row.cell(header.places[&Key::Name]);
        if columns.except.iter().any(|except| except == name) {
            unmet.remove(name);
            continue;
        }
        read_rows += 1;
        if read_rows > MAX_ROWS {
            return Err(row.error(0, format!("the table has more than {MAX_ROWS} rows"), "cut the table"));
        }
        read(&row)?;
    }
    if read_rows == 0 {
        return Err(MeasurementError::new("the table has no rows", "name a table with a row for each layer"));
    }
    notes
        .extend(unmet.into_iter().map(|except| format!("no row is called `{except}`, which `except` names")));
    Ok(notes)
}

/// An error at a cell.
fn refused(row: &Row<'_>, header: &Header, key: Key, reason: &str) -> MeasurementError {
    let place = header.places.get(&key).copied().unwrap_or_default();
    let heading = header.cells.get(place).cloned().unwrap_or_else(|| format!("#{}", place + 1));
    let problem = format!("`{}` in column `{heading}` {reason}", row.cell(place));
    let help = match key {
        Key::Name => "write the name of the layer",
        Key::Output => "write extents such as 1x64x112x112",
        key if key.is_time() => "write times as decimal numbers from 0, such as 12.5 or 1.25e1",
        _ => "write a number from 0",
    };
    row.error(place, problem, help)
}

/// The cell of a column, if the table has it, through a function that says why a text is none.
fn cell<T>(
    row: &Row<'_>,
    header: &Header,
    key: Key,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, MeasurementError> {
    let Some(place) = header.places.get(&key) else { return Ok(None) };
    read(row.cell(*place)).map(Some).map_err(|reason| refused(row, header, key, &reason))
}

fn time_of(row: &Row<'_>, header: &Header, key: Key) -> Result<Option<Duration>, MeasurementError> {
    let Some(unit) = header.units.get(&key) else { return Ok(None) };
    cell(row, header, key, |text| time(text, *unit))
}

/// The name of the layer of a row.
fn name_of(row: &Row<'_>, header: &Header) -> Result<String, MeasurementError> {
    let name = row.cell(header.places[&Key::Name]);
    if name.is_empty() {
        return Err(refused(row, header, Key::Name, "is no name"));
    }
    Ok(name.to_owned())
}

/// Quantities of a row that are not times, in a node that has no times yet.
fn quantities(row: &Row<'_>, header: &Header, index: u64) -> Result<MeasuredNode, MeasurementError> {
    Ok(MeasuredNode {
        name: name_of(row, header)?,
        index,
        operator: cell(row, header, Key::Operator, |text| Ok(text.to_owned()))?.unwrap_or_default(),
        output: cell(row, header, Key::Output, extents)?.flatten(),
        macs: cell(row, header, Key::Macs, whole)?,
        cycles: cell(row, header, Key::Cycles, whole)?,
        bytes: cell(row, header, Key::Bytes, whole)?,
        ..MeasuredNode::default()
    })
}

/// The energy of an execution in microjoules: as stated, or that of a stated power in its time.
fn energy_of(row: &Row<'_>, header: &Header, time: Duration) -> Result<Option<f64>, MeasurementError> {
    let power = cell(row, header, Key::Power, real)?;
    // A microwatt in a microsecond is a millionth of a microjoule.
    let of_power = power.map(|power| power * time.picoseconds() as f64 / 1e12);
    Ok(cell(row, header, Key::Energy, real)?.or(of_power))
}

/// The node of a row that stands for all its executions.
fn node(
    row: &Row<'_>,
    header: &Header,
    index: u64,
    node_runs: u64,
) -> Result<MeasuredNode, MeasurementError> {
    let quantiles = Quantiles {
        min: time_of(row, header, Key::Min)?,
        p50: time_of(row, header, Key::P50)?,
        p90: time_of(row, header, Key::P90)?,
        p99: time_of(row, header, Key::P99)?,
        max: time_of(row, header, Key::Max)?,
    };
    if let Some((small, large)) = quantiles.contradiction() {
        let problem = format!("the {small} of this row is above its {large}");
        return Err(row.error(0, problem, "correct the row, or the columns that --columns names"));
    }
    let calls = cell(row, header, Key::Calls, whole)?.unwrap_or(node_runs);
    if calls == 0 {
        return Err(refused(row, header, Key::Calls, "is no number of executions"));
    }
    let of_mean =
        match time_of(row, header, Key::Mean)? {
            None => None,
            Some(mean) => {
                let total = mean.picoseconds().checked_mul(calls).map(Duration::from_picoseconds);
                Some(total.ok_or_else(|| {
                    refused(row, header, Key::Mean, "is beyond 213 days with all executions")
                })?)
            }
        };
    let self_total = time_of(row, header, Key::Total)?.or(of_mean);
    let node = MeasuredNode { calls, quantiles, self_total, ..quantities(row, header, index)? };
    let mean = u64::try_from(node.total() / u128::from(calls)).unwrap_or(u64::MAX);
    let energy_uj = energy_of(row, header, Duration::from_picoseconds(mean))?;
    Ok(MeasuredNode { energy_uj, ..node })
}

/// Extents such as `(1,64,112,112)` and `1x64x112x112`; none where the cell is blank.
fn extents(text: &str) -> Result<Option<Vec<u64>>, String> {
    let digits = |piece: &&str| !piece.is_empty();
    let pieces = text.split(|c: char| !c.is_ascii_alphanumeric() || c == 'x').filter(digits);
    let extents: Result<Vec<u64>, _> = pieces.map(str::parse).collect();
    let extents = extents.map_err(|_| "is no list of extents".to_owned())?;
    Ok(Some(extents).filter(|extents| !extents.is_empty()))
}
