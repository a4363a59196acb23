//! The heading of a table, wherever it stands in a text and whatever separates its cells.

use std::collections::BTreeMap;

use rtmm_workload::input::suggestion;

use super::super::text::Rows;
use super::super::{MeasurementError, Unit};
use super::columns::{Column, Columns, Key};

/// Separators of cells, in the order in which they are tried.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// A heading that was found.
pub(super) struct Header {
    /// Position of each column that is read.
    pub places: BTreeMap<Key, usize>,
    /// Units of the columns of times.
    pub units: BTreeMap<Key, Unit>,
    /// Cells of the heading; none where all columns are known by their positions.
    pub cells: Vec<String>,
    pub separator: char,
    /// The text behind it, and the line from 1 that this begins in.
    pub rest: (usize, usize),
}

/// Finds the first line that has all headings, under any separator.
pub(super) fn find(text: &str, columns: &Columns) -> Result<Header, MeasurementError> {
    let named: Vec<&str> = columns.of.values().filter_map(name).collect();
    let mut nearest: Option<(usize, Vec<String>)> = None;
    let mut is_open = columns.after.is_none();
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let begin = at;
        at += line.len();
        if !is_open {
            is_open = columns.after.as_deref().is_some_and(|after| line.contains(after));
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        for separator in SEPARATORS {
            // Text before the heading is no table, so that its quotes mean nothing.
            let Ok(Some(row)) = Rows::new(line, index + 1, separator).next() else { continue };
            let cells: Vec<String> = row.cells.iter().map(|cell| cell.to_string()).collect();
            let found = if named.is_empty() {
                line.contains(separator).then(|| (Vec::new(), (begin, index + 1)))
            } else {
                (shared(&named, &cells) == named.len()).then(|| (cells.clone(), (at, index + 2)))
            };
            if let Some((heading, rest)) = found {
                return header(columns, heading, separator, rest)
                    .map_err(|(problem, help)| MeasurementError::at(index + 1, 1, problem, help));
            }
            let best = nearest.as_ref().map_or(0, |(_, cells)| shared(&named, cells));
            if shared(&named, &cells) > best || (nearest.is_none() && cells.len() > 1) {
                nearest = Some((index + 1, cells));
            }
        }
    }
    Err(missing(columns, &named, nearest, is_open))
}

fn name(column: &Column) -> Option<&str> {
    match column {
        Column::Named(name) => Some(name),
        Column::Numbered(_) => None,
    }
}

fn shared(named: &[&str], cells: &[String]) -> usize {
    named.iter().filter(|name| cells.iter().any(|cell| cell == *name)).count()
}

fn header(
    columns: &Columns,
    cells: Vec<String>,
    separator: char,
    rest: (usize, usize),
) -> Result<Header, (String, String)> {
    let mut header = Header { places: BTreeMap::new(), units: BTreeMap::new(), cells, separator, rest };
    for (key, column) in &columns.of {
        let place = match column {
            Column::Numbered(place) => *place,
            Column::Named(name) => {
                let mut places = header.cells.iter().enumerate().filter(|(_, cell)| *cell == name);
                let place = places.next().map_or(0, |(place, _)| place);
                if let Some((second, _)) = places.next() {
                    return Err((
                        format!("the heading `{name}` stands twice"),
                        format!("name the column by its position: #{} or #{}", place + 1, second + 1),
                    ));
                }
                place
            }
        };
        header.places.insert(*key, place);
        if key.is_time() {
            let heading = header.cells.get(place).map_or("", String::as_str);
            header.units.insert(*key, unit(heading, columns.unit)?);
        }
    }
    Ok(header)
}

/// The unit of a column: that of its heading, else the stated one, else microseconds.
fn unit(heading: &str, stated: Option<Unit>) -> Result<Unit, (String, String)> {
    if heading.contains('%') {
        let problem = format!("the column `{heading}` has shares, and no times");
        return Err((problem, "name a column of times".to_owned()));
    }
    let of_heading = Unit::of_heading(heading);
    match (of_heading, stated) {
        (Some(of_heading), Some(stated)) if of_heading != stated => Err((
            format!(
                "the heading `{heading}` says {}, and unit={} is stated",
                of_heading.name(),
                stated.name()
            ),
            "leave `unit` out: columns that name their unit have it".to_owned(),
        )),
        (of_heading, stated) => Ok(of_heading.or(stated).unwrap_or(Unit::Microseconds)),
    }
}

fn missing(
    columns: &Columns,
    named: &[&str],
    nearest: Option<(usize, Vec<String>)>,
    is_open: bool,
) -> MeasurementError {
    if let Some(after) = columns.after.as_deref().filter(|_| !is_open) {
        return MeasurementError::new(
            format!("no line has the text `{after}`"),
            "correct `after`, or leave it out",
        );
    }
    let Some((line, cells)) = nearest else {
        return MeasurementError::new(
            "no line has cells between commas, semicolons, tabs or bars",
            "name a table with a heading for each column",
        );
    };
    let known: Vec<&str> = cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
    let lacking = named.iter().find(|name| !known.contains(*name)).copied().unwrap_or_default();
    let problem = format!("no line has all headings; this one is nearest and has no `{lacking}`");
    MeasurementError::at(line, 1, problem, suggestion(lacking, "heading", &known))
}
