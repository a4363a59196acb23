//! Request files of the loop: 64-bit floats as they are written, and traces as models.
//!
//! The event engine reads the same columns as whole picoseconds, and needs fewer of them.

use std::collections::BTreeMap;

use rtmm_workload::input::problem_with;
use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source, suggestion};
use rtmm_workload::{ModelId, SampleTrace};

use super::requests::Request;

const COLUMNS: [&str; 5] = ["arrival_s", "model", "sample", "priority", "relative_deadline_s"];
/// The latest arrival and the longest deadline.
const MAX_S: f64 = 1e9;
const MAX_PRIORITY: f64 = 1e6;

/// Reads requests to traces; all columns must be there, and rows sorted by arrival.
///
/// # Errors
/// Every problem of the table, with its place.
pub fn read(source: &Source, traces: &[&SampleTrace]) -> Result<Vec<Request>, Diagnostics> {
    let mut table = CsvTable::parse(source, &COLUMNS);
    table.only(&COLUMNS);
    let columns = COLUMNS.map(|name| table.column(name).unwrap_or(0));
    let mut rows = Rows { traces, columns, models: BTreeMap::new(), last_s: 0.0, is_broken: false };
    let (mut requests, mut is_empty) = (Vec::new(), true);
    let mut problems = table.each_row(|row| {
        is_empty = false;
        requests.extend(rows.read(row));
    });
    if is_empty && problems.is_empty() {
        problems.push(problem_with(source, "the table has no requests").help("add a row for each request"));
    }
    problems.into_result(Some(requests))
}

struct Rows<'t> {
    traces: &'t [&'t SampleTrace],
    columns: [usize; 5],
    /// Trace of each name; none where that was reported already.
    models: BTreeMap<String, Option<usize>>,
    last_s: f64,
    /// True if an earlier request came after a later one: said once, since sorting mends all of them.
    is_broken: bool,
}

impl Rows<'_> {
    /// The request of a row; every bad cell is recorded.
    fn read(&mut self, row: &mut CsvRow<'_>) -> Option<Request> {
        let [arrival, model, sample, priority, deadline] = self.columns;
        // A negative zero is a zero.
        let arrival_s = row.number(arrival, 0.0..=MAX_S).map(|seconds| seconds + 0.0);
        if let Some(arrival_s) = arrival_s {
            self.check_order(row, arrival, arrival_s);
        }
        let model = self.model(row, model);
        let sample = row.integer(sample, 0..=u64::MAX).and_then(|id| self.sample(row, sample, model?, id));
        let priority = row.number(priority, 1.0..=MAX_PRIORITY);
        let relative_deadline_s = row.number(deadline, 0.0..=MAX_S);
        if relative_deadline_s == Some(0.0) {
            row.reject(
                deadline,
                "a deadline is above zero",
                "write how many seconds after its arrival it is due",
            );
        }
        Some(Request {
            arrival_s: arrival_s?,
            model: ModelId::new(model?),
            sample: sample?,
            priority: priority?,
            relative_deadline_s: relative_deadline_s?,
        })
    }

    fn check_order(&mut self, row: &mut CsvRow<'_>, column: usize, arrival_s: f64) {
        if arrival_s < self.last_s && !self.is_broken {
            self.is_broken = true;
            let message = format!(
                "this request arrives at {arrival_s} s, before the one in the row above it, at {} s",
                self.last_s
            );
            row.reject(column, message, "sort the rows by `arrival_s`");
        }
        self.last_s = arrival_s;
    }

    /// The position of the trace that a row names; a name that stands for nothing is recorded, once.
    fn model(&mut self, row: &mut CsvRow<'_>, column: usize) -> Option<usize> {
        if row.is_blank(column) {
            row.reject(
                column,
                "this request names no model",
                "write the name of a trace, up to its first dot",
            );
            return None;
        }
        let name = row.text(column);
        if let Some(known) = self.models.get(name) {
            return *known;
        }
        let name = name.to_owned();
        let position = self.traces.iter().position(|trace| trace.name == name);
        if position.is_none() {
            let known: Vec<&str> = self.traces.iter().map(|trace| trace.name.as_str()).collect();
            let help = suggestion(&name, "trace", &known);
            row.reject(column, format!("there is no trace of a model `{name}`"), help);
        }
        self.models.insert(name, position);
        position
    }

    fn sample(&self, row: &mut CsvRow<'_>, column: usize, model: usize, id: u64) -> Option<usize> {
        let trace = self.traces[model];
        let position = trace.position(id);
        if position.is_none() {
            let ids = || (0..trace.len()).map(|sample| trace.id(sample));
            let (first, last) = (ids().min().unwrap_or(0), ids().max().unwrap_or(0));
            row.reject(
                column,
                format!("`{}` has no sample {id}", trace.name),
                format!("it has {} samples, from {first} to {last}", trace.len()),
            );
        }
        position
    }
}
