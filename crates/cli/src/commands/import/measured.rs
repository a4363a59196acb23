//! Measurements of devices, printed.

use std::path::{Path, PathBuf};

use rtmm_import::load;
use rtmm_import::measurements::{
    Columns, Format, MeasurementError, MeasurementOptions, Measurements, NodeSummary,
};

use crate::args::{self, Import, PlainFormat};
use crate::failure::{Failure, say};
use crate::output::{Rows, print_json, stdout};

/// Prints the times of a file of measurements.
pub(super) fn show(arguments: &Import, format: &Format) -> Result<(), Failure> {
    if arguments.of_a_model().is_some() || arguments.output.is_some() {
        return Err(Failure::usage(
            "--kind reads measurements, which have no options of models",
            "leave these options out, or name the model before the measurements",
        ));
    }
    let measured = read(&arguments.file, format, arguments)?;
    match arguments.format {
        PlainFormat::Json => print_json(&mut stdout(), &measured.summary()),
        PlainFormat::Table => table(&arguments.file, &measured).print(args::Format::Table),
    }
}

/// Reads a file of measurements and says what of it does not count.
pub(super) fn read(file: &Path, format: &Format, arguments: &Import) -> Result<Measurements, Failure> {
    let options = options(arguments)?;
    let measured = load::measurements(file, format, &options).map_err(|error| failure(file, &error))?;
    if measured.outside_runs > 0 {
        let nodes = measured.outside_runs;
        say!("warning: {nodes} executions of nodes lie outside every run and do not count");
    }
    for note in &measured.notes {
        say!("warning: {}: {note}", file.display());
    }
    Ok(measured)
}

fn options(arguments: &Import) -> Result<MeasurementOptions, Failure> {
    let columns = match arguments.columns.as_slice() {
        [] => None,
        texts => Some(Columns::parse(texts).map_err(|problem| {
            Failure::usage(format!("--columns: {problem}"), "write it as name=Kernel,p50_us=Med (ns)")
        })?),
    };
    let attachment = |path: &Option<PathBuf>| {
        let path = path.as_deref();
        path.map(|path| load::attachment(path).map_err(|error| failure(path, &error))).transpose()
    };
    let stated = &arguments.measured;
    Ok(MeasurementOptions {
        warm_up: stated.warmup,
        columns,
        layer_info: attachment(&stated.layer_info)?,
        times: attachment(&stated.times)?,
        summary: attachment(&stated.summary)?,
        clock_hz: stated.clock_mhz.map(|clock| clock.hz),
    })
}

pub(super) fn failure(file: &Path, error: &MeasurementError) -> Failure {
    let place = error.place.map(|place| format!(":{}:{}", place.line, place.column)).unwrap_or_default();
    let file = error.file.clone().unwrap_or_else(|| file.display().to_string());
    Failure::usage(format!("{file}{place}: {error}"), error.help.as_str())
}

fn table(file: &Path, measured: &Measurements) -> Rows {
    let summary = measured.summary();
    let time = |time: Option<f64>| time.map(|time| format!("{time:.3}")).unwrap_or_default();
    let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let row = |node: &NodeSummary<'_>| {
        vec![
            format!("{}{}", "  ".repeat(node.depth as usize), node.node),
            node.calls.to_string(),
            time(node.p50_us),
            time(node.p99_us),
            time(node.self_mean_us),
            count(node.cycles),
            count(node.bytes),
        ]
    };
    let mut rows: Vec<Vec<String>> = summary.layers.iter().map(row).collect();
    let mut header = vec!["node", "calls", "p50 (us)", "p99 (us)", "self mean (us)", "cycles", "bytes"];
    // Columns of quantities that the file does not state say nothing.
    for column in (2..header.len()).rev() {
        if rows.iter().all(|row| row[column].is_empty()) {
            header.remove(column);
            rows.iter_mut().for_each(|row| drop(row.remove(column)));
        }
    }
    let counted = measured.run_times.len() as u64;
    let total: f64 = summary.runs_us.iter().sum();
    let runs = match counted {
        0 => format!("{} runs", measured.runs),
        _ => format!("{counted} of {} runs, {:.3} us in the mean", measured.runs, total / counted as f64),
    };
    let numbers = (0..header.len()).map(|column| column > 0).collect();
    Rows { title: format!("{}: {runs}", file.display()), header, numbers, rows }
}
