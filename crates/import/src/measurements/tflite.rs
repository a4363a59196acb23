//! Operators of TensorFlow Lite, as `benchmark_model --enable_op_profiling=true` prints them.
//!
//! The text has blocks; the one that counts is the run order of the regular runs, after that of the initialisation. It
//! is a table with commas (`--profiling_output_csv_file`) or, on a terminal, one with headings in brackets and cells
//! between tabs or blanks. Types and names of operators may hold commas, which nothing marks: the numbers between the
//! two tell where they end. A mean is that of a call, and an operator may be called several times in a run.
//!
//! Names are those of the tensors that an operator writes, with its index behind a colon. A delegate is one operator,
//! whatever it runs.

use std::io::BufRead;

use rtmm_workload::Duration;

use super::numbers::{Unit, time, whole};
use super::{MeasuredNode, MeasurementError, MeasurementOptions, Measurements, Part, text};

const REGULAR: &str = "Operator-wise Profiling Info for Regular Benchmark Runs";
const RUN_ORDER: &str = "= Run Order =";
const HELP: &str = "name what benchmark_model wrote with --enable_op_profiling=true";

/// Headings of a table, and what lies between its cells.
struct Headings {
    names: Vec<String>,
    form: Form,
    mean: usize,
    calls: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Commas,
    Tabs,
    /// Two blanks or more.
    Blanks,
}

/// Reads the run order of the regular runs.
pub(super) fn read(
    reader: &mut dyn BufRead,
    _: &MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    let text = text::read(reader)?;
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines
        .find(|(_, line)| line.contains(REGULAR))
        .ok_or_else(|| MeasurementError::new(format!("no line has the words `{REGULAR}`"), HELP))?;
    lines.find(|(_, line)| line.contains(RUN_ORDER)).ok_or_else(|| {
        MeasurementError::new("the text ends before the run order of the regular runs", HELP)
    })?;
    let Some((number, line)) = lines.next() else {
        return Err(MeasurementError::new("the text ends before the headings of the run order", HELP));
    };
    let headings = headings(line).map_err(|problem| MeasurementError::at(number, 1, problem, HELP))?;
    let mut rows: Vec<(usize, MeasuredNode, Duration, u64)> = Vec::new();
    let mut is_whole = false;
    for (number, line) in lines.by_ref() {
        if line.trim().is_empty() {
            is_whole = true;
            break;
        }
        let (node, mean, calls) = node(&headings, line, rows.len() as u64)
            .map_err(|problem| MeasurementError::at(number, 1, problem, HELP))?;
        rows.push((number, node, mean, calls));
    }
    if rows.is_empty() {
        return Err(MeasurementError::new("the run order has no operators", HELP));
    }
    let runs = lines.find_map(|(number, line)| runs(line).map(|runs| (number, runs)));
    let Some((number, runs)) = runs.filter(|_| is_whole) else {
        return Err(MeasurementError::new(
            "the text ends before the line `Timings (microseconds): count=`, which has the number of runs",
            "save all that benchmark_model prints",
        ));
    };
    let runs = runs.map_err(|problem| MeasurementError::at(number, 1, problem, HELP))?;
    let mut nodes = Vec::with_capacity(rows.len());
    for (number, node, mean, in_a_run) in rows {
        let calls = in_a_run.checked_mul(runs);
        let total = calls.and_then(|calls| mean.picoseconds().checked_mul(calls));
        let (Some(calls), Some(total)) = (calls, total) else {
            let problem = format!("`{}` takes more than 213 days in {runs} runs", node.name);
            return Err(MeasurementError::at(number, 1, problem, HELP));
        };
        nodes.push(MeasuredNode { calls, self_total: Some(Duration::from_picoseconds(total)), ..node });
    }
    Ok(Measurements { kind: "tflite", runs, node_runs: runs, nodes, ..Measurements::default() })
}

/// The headings of a table, of which those of type and name are the first and the last.
fn headings(line: &str) -> Result<Headings, String> {
    let in_brackets = line.contains("[node type]");
    let form = match (in_brackets, line.contains('\t')) {
        (false, _) => Form::Commas,
        (true, true) => Form::Tabs,
        (true, false) => Form::Blanks,
    };
    let plain = |cell: &str| cell.trim_matches(['[', ']']).replace(' ', "_").to_ascii_lowercase();
    let names: Vec<String> = cells(line, form).into_iter().map(plain).collect();
    let place = |name: &str| names.iter().position(|heading| heading == name);
    let (Some(mean), Some(calls)) = (place("avg_ms"), place("times_called")) else {
        return Err("the headings of the run order have no `avg_ms` or no `times called`".to_owned());
    };
    if place("node_type") != Some(0) || place("name") != Some(names.len() - 1) {
        return Err(
            "the headings of the run order do not begin with `node type` and end with `name`".to_owned()
        );
    }
    Ok(Headings { names, form, mean, calls })
}

fn cells(line: &str, form: Form) -> Vec<&str> {
    match form {
        Form::Commas => line.split(',').map(str::trim).collect(),
        Form::Tabs => line.split('\t').map(str::trim).filter(|cell| !cell.is_empty()).collect(),
        Form::Blanks => line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect(),
    }
}

/// An operator with the mean time of a call, and its calls in a run.
fn node(headings: &Headings, line: &str, index: u64) -> Result<(MeasuredNode, Duration, u64), String> {
    let cells = cells(line, headings.form);
    let wants = headings.names.len();
    if cells.len() < wants {
        return Err(format!("this row has {} cells, and the headings {wants}", cells.len()));
    }
    // Type and name have the cells that are too many; the numbers between them begin where so many stand in a row.
    let numbers = wants - 2;
    let is_number = |cell: &str| cell.trim_end_matches('%').parse::<f64>().is_ok();
    let begin = (1..=cells.len() - numbers - 1)
        .find(|begin| cells[*begin..begin + numbers].iter().all(|cell| is_number(cell)))
        .unwrap_or(1);
    let cell = |place: usize| cells[begin + place - 1];
    let separator = if headings.form == Form::Commas { ", " } else { " " };
    let operator = cells[..begin].join(separator);
    let name = cells[begin + numbers..].join(separator);
    let refused = |place: usize, reason: String| {
        format!("`{}` in column `{}` {reason}", cell(place), headings.names[place])
    };
    let mean =
        time(cell(headings.mean), Unit::Milliseconds).map_err(|reason| refused(headings.mean, reason))?;
    let calls = whole(cell(headings.calls)).map_err(|reason| refused(headings.calls, reason))?;
    if calls == 0 {
        return Err(refused(headings.calls, "is no number of calls".to_owned()));
    }
    let node = MeasuredNode { parts: parts(&name), name, index, operator, ..MeasuredNode::default() };
    Ok((node, mean, calls))
}

/// Tensors in a name such as `[a/Relu, a/Conv2D;b]:7`.
fn parts(name: &str) -> Vec<Part> {
    let tensors = name.rsplit_once("]:").and_then(|(tensors, _)| tensors.strip_prefix('['));
    let Some(tensors) = tensors else { return Vec::new() };
    let mut parts = vec![Part::Node(tensors.to_owned())];
    let names =
        tensors.split([',', ';', '\t']).map(str::trim).filter(|name| !name.is_empty() && *name != tensors);
    parts.extend(names.map(|name| Part::Node(name.to_owned())));
    parts
}

/// The number of runs in a line such as `Timings (microseconds): count=50 first=1 curr=1`.
fn runs(line: &str) -> Option<Result<u64, String>> {
    let (_, rest) = line.split_once("Timings (microseconds): count=")?;
    let count = rest.split_whitespace().next().unwrap_or_default();
    let count_of = whole(count).map_err(|reason| format!("the number of runs `{count}` {reason}"));
    Some(count_of.and_then(|runs| if runs > 0 { Ok(runs) } else { Err("there are no runs".to_owned()) }))
}
