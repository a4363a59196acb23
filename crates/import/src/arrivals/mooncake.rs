//! Mooncake's traces: an object on each line, with `timestamp` in milliseconds, `input_length` and `output_length`.
//!
//! Other keys, such as `hash_ids`, are ignored. Source: kvcache-ai/Mooncake, `FAST25-release/traces`.

use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::Number;

use super::assembly::no_time;
use super::instant::{Instant, TimeUnit};
use super::{ArrivalError, Assembly, Columns, MAX_ROW_BYTES};

const COLUMNS: [&str; 3] = ["timestamp", "input_length", "output_length"];

#[derive(Deserialize)]
#[serde(expecting = "an object with a `timestamp`")]
struct Row {
    timestamp: Number,
    input_length: Option<Number>,
    output_length: Option<Number>,
}

pub(super) fn read(
    text: &mut dyn BufRead,
    _: Option<&Columns>,
    assembly: &mut Assembly<'_>,
) -> Result<(), ArrivalError> {
    assembly.begin(&COLUMNS.map(str::to_owned), None, false)?;
    let mut row = Vec::new();
    let mut line = 0;
    loop {
        line += 1;
        row.clear();
        let read = text.take(MAX_ROW_BYTES + 1).read_until(b'\n', &mut row);
        if read.map_err(|error| ArrivalError::unreadable(&error))? == 0 {
            return Ok(());
        }
        if row.len() as u64 > MAX_ROW_BYTES {
            let problem = format!("a row has more than {MAX_ROW_BYTES} bytes");
            return Err(ArrivalError::at(line, problem, "name a file with an object on each line"));
        }
        let object = row.strip_prefix("\u{feff}".as_bytes()).filter(|_| line == 1).unwrap_or(&row);
        if object.trim_ascii().is_empty() {
            continue;
        }
        // A list would be read by position.
        if !object.trim_ascii().starts_with(b"{") {
            let help = "name a file with an object on each line, such as {\"timestamp\": 0}";
            return Err(ArrivalError::at(line, "this row is no object", help));
        }
        let row: Row = serde_json::from_slice(object).map_err(|error| {
            let text = error.to_string();
            let problem = text.split(" at line ").next().unwrap_or_default();
            let help =
                "name a file with an object on each line; the last one of a file may have been cut off";
            ArrivalError::at(line, format!("this row is no request: {problem}"), help)
        })?;
        let timestamp = row.timestamp.to_string();
        let arrival = Instant::parse(&timestamp, TimeUnit::Number(3))
            .map_err(|error| no_time(line, &timestamp, COLUMNS[0], error))?;
        let count = |number: Option<Number>| number.map(|number| number.to_string()).unwrap_or_default();
        let cells = [timestamp, count(row.input_length), count(row.output_length)];
        assembly.row(line, arrival, |column| cells.get(column).map_or("", String::as_str))?;
    }
}
