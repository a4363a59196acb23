//! Measurements of devices, printed.

use std::path::Path;

use rtmm_import::load;
use rtmm_import::measurements::{
    Format, MeasurementError, MeasurementOptions, Measurements, NodeSummary, microseconds,
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
    let measured = read(&arguments.file, format, arguments.warmup)?;
    match arguments.format {
        PlainFormat::Json => print_json(&mut stdout(), &measured.summary()),
        PlainFormat::Table => table(&arguments.file, &measured).print(args::Format::Table),
    }
}

/// Reads a file of measurements and says what of it does not count.
pub(super) fn read(file: &Path, format: &Format, warm_up: u64) -> Result<Measurements, Failure> {
    let options = MeasurementOptions { warm_up };
    let measured = load::measurements(file, format, options).map_err(|error| failure(file, &error))?;
    if measured.outside_runs > 0 {
        let nodes = measured.outside_runs;
        say!("warning: {nodes} executions of nodes lie outside every run and do not count");
    }
    Ok(measured)
}

pub(super) fn failure(file: &Path, error: &MeasurementError) -> Failure {
    let place = error.place.map(|place| format!(":{}:{}", place.line, place.column)).unwrap_or_default();
    Failure::usage(format!("{}{place}: {error}", file.display()), error.help.as_str())
}

fn table(file: &Path, measured: &Measurements) -> Rows {
    let row = |node: &NodeSummary<'_>| {
        vec![
            format!("{}{}", "  ".repeat(node.depth as usize), node.node),
            node.calls.to_string(),
            format!("{:.3}", node.p50_us),
            format!("{:.3}", node.p99_us),
            format!("{:.3}", node.self_mean_us),
        ]
    };
    let counted = measured.run_times.len() as u64;
    let total: f64 = measured.run_times.iter().copied().map(microseconds).sum();
    Rows {
        title: format!(
            "{}: {counted} of {} runs, {:.3} us in the mean",
            file.display(),
            measured.runs,
            total / counted.max(1) as f64
        ),
        header: vec!["node", "calls", "p50 (us)", "p99 (us)", "self mean (us)"],
        numbers: vec![false, true, true, true, true],
        rows: measured.summary().layers.iter().map(row).collect(),
    }
}
