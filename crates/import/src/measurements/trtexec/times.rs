//! Times of runs, as `--exportTimes` writes them (JSON), or as a table of the same columns.
//!
//! The time of a run is that of its kernels: from the first to the last, without the copies to and from the device.

use std::collections::BTreeMap;

use rtmm_workload::Duration;
use serde_json::Value;

use super::super::numbers::{Unit, time};
use super::super::text::Rows;
use super::super::{MeasurementError, MeasurementOptions, json};
use super::json_time;

const HELP: &str = "name a file that trtexec wrote with --exportTimes";
const COMPUTE: &str = "computeMs";
const START: &str = "startComputeMs";
const END: &str = "endComputeMs";

/// Times of the runs behind the warm-up.
pub(super) fn read(text: &str, options: &MeasurementOptions) -> Result<Vec<Duration>, MeasurementError> {
    let times = if text.trim_start().starts_with(['[', '{']) { of_json(text)? } else { of_table(text)? };
    if times.is_empty() {
        return Err(MeasurementError::new("the file has no runs", HELP));
    }
    let warm_up = options.warm_up_of(times.len())?;
    Ok(times[warm_up..].to_vec())
}

fn of_json(text: &str) -> Result<Vec<Duration>, MeasurementError> {
    let runs: Vec<BTreeMap<String, Value>> = json::read(text, HELP)?;
    let of_run = |(index, run): (usize, &BTreeMap<String, Value>)| {
        compute(|key| run.get(key).map(json_time))
            .map_err(|problem| MeasurementError::new(format!("run {}: {problem}", index + 1), HELP))
    };
    runs.iter().enumerate().map(of_run).collect()
}

fn of_table(text: &str) -> Result<Vec<Duration>, MeasurementError> {
    let mut rows = Rows::new(text, 1, ',');
    let Some(heading) = rows.next()? else { return Ok(Vec::new()) };
    let heading: Vec<String> = heading.cells.iter().map(|cell| cell.to_string()).collect();
    let mut times = Vec::new();
    while let Some(row) = rows.next()? {
        let cell = |key: &str| {
            let place = heading.iter().position(|cell| cell == key)?;
            Some(time(row.cell(place), Unit::Milliseconds))
        };
        times.push(compute(cell).map_err(|problem| row.error(0, problem, HELP))?);
    }
    Ok(times)
}

/// The time of the kernels of a run: as stated, or from their start and end.
fn compute(value: impl Fn(&str) -> Option<Result<Duration, String>>) -> Result<Duration, String> {
    let of =
        |key: &str| value(key).map(|time| time.map_err(|reason| format!("`{key}` {reason}"))).transpose();
    if let Some(compute) = of(COMPUTE)? {
        return Ok(compute);
    }
    let (Some(start), Some(end)) = (of(START)?, of(END)?) else {
        return Err(format!("there is neither `{COMPUTE}` nor `{START}` and `{END}`"));
    };
    let length = end.picoseconds().checked_sub(start.picoseconds());
    length.map(Duration::from_picoseconds).ok_or_else(|| format!("`{END}` is before `{START}`"))
}
