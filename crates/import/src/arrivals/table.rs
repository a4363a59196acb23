//! CSV traces, row by row: columns are found by name, others are ignored.

use std::cell::Cell;
use std::io::BufRead;

use csv::{ReaderBuilder, StringRecord};
use rtmm_workload::input::suggestion;

use crate::bounded::Bounded;

use super::assembly::no_time;
use super::instant::{Instant, TimeUnit, states_zone};
use super::{ArrivalError, Assembly, Columns};

/// The most bytes of a row.
pub const MAX_ROW_BYTES: u64 = 1 << 20;
/// Beginnings of files that are no text, and what they are.
const ARCHIVES: [(&[u8], &str); 7] = [
    (&[0x1f, 0x8b], "compressed by gzip"),
    (b"Rar!", "a RAR archive"),
    (b"PK\x03\x04", "a ZIP archive"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "compressed by Zstandard"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "compressed by XZ"),
    (&[0xff, 0xfe], "UTF-16 text"),
    (&[0xfe, 0xff], "UTF-16 text"),
];

/// Refuses a file that is no text yet.
pub(super) fn refuse_archives(text: &mut dyn BufRead) -> Result<(), ArrivalError> {
    let head = text.fill_buf().map_err(|error| ArrivalError::unreadable(&error))?;
    match ARCHIVES.iter().find(|(magic, _)| head.starts_with(magic)) {
        Some((_, what)) => Err(ArrivalError::new(
            format!("the trace is {what}"),
            "unpack it, and name the text that was in it, as UTF-8",
        )),
        None => Ok(()),
    }
}

/// Where the columns of a trace stand.
struct Places {
    header: Vec<String>,
    time: usize,
    duration: Option<usize>,
    names: Vec<usize>,
}

impl Places {
    fn find(header: &StringRecord, columns: &Columns) -> Result<Self, ArrivalError> {
        let mut header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        while header.last().is_some_and(String::is_empty) {
            header.pop();
        }
        if header.is_empty() {
            return Err(ArrivalError::new("the trace is empty", "name a trace with a header and rows"));
        }
        let twice = header.iter().enumerate().find(|(index, name)| header[..*index].contains(name));
        if let Some((_, name)) = twice.filter(|(_, name)| !name.is_empty()) {
            let problem = format!("column `{name}` stands twice in the header");
            return Err(ArrivalError::at(1, problem, "remove or rename one of the two"));
        }
        let find = |name: &str| {
            header.iter().position(|known| known == name).ok_or_else(|| {
                let known: Vec<&str> = header.iter().map(String::as_str).collect();
                let problem = format!("the trace has no column `{name}`");
                ArrivalError::at(1, problem, suggestion(name, "column", &known))
            })
        };
        let time = find(&columns.time)?;
        let duration = columns.duration.as_deref().map(find).transpose()?;
        let names = match columns.names.as_deref() {
            None => Vec::new(),
            // A name of a column may have a stroke of its own.
            Some(names) if header.iter().any(|known| known == names) => vec![find(names)?],
            Some(names) => names.split('/').map(find).collect::<Result<_, _>>()?,
        };
        Ok(Self { header, time, duration, names })
    }
}

/// Reads a trace with these columns.
pub(super) fn read(
    text: &mut dyn BufRead,
    columns: &Columns,
    assembly: &mut Assembly<'_>,
) -> Result<(), ArrivalError> {
    let (left, problem) = (Cell::new(MAX_ROW_BYTES), format!("a row has more than {MAX_ROW_BYTES} bytes"));
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(Bounded { text, left: &left, problem });
    let header = reader.headers().map_err(|error| broken(&error, 1))?.clone();
    let places = Places::find(&header, columns)?;
    let width = places.header.len();
    // Names of several columns are one more of them.
    let mut known = places.header.clone();
    let names = match (places.names.as_slice(), &columns.names) {
        ([one], _) => Some(*one),
        ([_, _, ..], Some(names)) => {
            known.push(names.clone());
            Some(width)
        }
        _ => None,
    };
    assembly.begin(&known, names, columns.unit == TimeUnit::Date)?;
    let mut name = String::new();
    let mut zone = None;
    let mut record = StringRecord::new();
    loop {
        left.set(MAX_ROW_BYTES);
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(broken(&error, line)),
        }
        let line = record.position().map_or(line, csv::Position::line);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let cells = record.len();
        if cells < width || record.iter().skip(width).any(|cell| !cell.trim().is_empty()) {
            let problem = format!("this row has {cells} cells and the header {width}");
            let help =
                "give every row one cell for each column; the last row of a file may have been cut off";
            return Err(ArrivalError::at(line, problem, help));
        }
        let cell = |column: usize| record.get(column).unwrap_or_default().trim();
        let arrival = arrival(&places, columns.unit, &mut zone, line, &cell)?;
        if names == Some(width) {
            name.clear();
            for (index, column) in places.names.iter().enumerate() {
                name.push_str(if index > 0 { "/" } else { "" });
                name.push_str(cell(*column));
            }
        }
        assembly.row(line, arrival, |column| if column < width { cell(column) } else { name.as_str() })?;
    }
}

/// When a row arrives; `zone` is whether the rows before it state a zone.
fn arrival<'c>(
    places: &Places,
    unit: TimeUnit,
    zone: &mut Option<bool>,
    line: u64,
    cell: &impl Fn(usize) -> &'c str,
) -> Result<Instant, ArrivalError> {
    let time = |column: usize, unit| {
        let text = cell(column);
        Instant::parse(text, unit).map_err(|error| no_time(line, text, &places.header[column], error))
    };
    let stated = time(places.time, unit)?;
    if unit == TimeUnit::Date {
        let states = states_zone(cell(places.time));
        if *zone.get_or_insert(states.unwrap_or_default()) != states.unwrap_or_default() {
            let text = cell(places.time);
            let problem =
                format!("`{text}` has a zone where rows before it have none, or none where they have one");
            return Err(ArrivalError::at(
                line,
                problem,
                "write all dates with their zones, or all in one zone",
            ));
        }
    }
    let Some(duration) = places.duration else { return Ok(stated) };
    // Durations beside dates are seconds.
    let unit = if unit == TimeUnit::Date { TimeUnit::Number(0) } else { unit };
    let span = time(duration, unit)?;
    stated.before(span).ok_or_else(|| {
        ArrivalError::at(line, "the row begins beyond what a clock can hold", "write a shorter duration")
    })
}

/// The error of a row that is no CSV, or cannot be read.
fn broken(error: &csv::Error, line: u64) -> ArrivalError {
    let line = error.position().map_or(line, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Io(error) => {
            ArrivalError::at(line, error.to_string(), "name a table with a row for each request")
        }
        csv::ErrorKind::Utf8 { .. } => {
            ArrivalError::at(line, "this row is no UTF-8 text", "save the file as UTF-8")
        }
        _ => ArrivalError::at(line, format!("this row is no CSV: {error}"), "name a table of CSV"),
    }
}
