//! Arrival traces, written as request files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rtmm_import::arrivals::{
    ArrivalError, ArrivalFormat, ArrivalOptions, ArrivalReport, Columns, ImportedRequests,
};
use rtmm_import::load;

use super::super::requests::seconds;
use crate::args::{self, Import, PlainFormat};
use crate::failure::{Failure, say};
use crate::output::{Rows, Streamed, print_json, reserve, stdout};

/// Reads an arrival trace, says what is in it, and writes it as a request file where one is stated.
pub(super) fn import(arguments: &Import, format: &'static ArrivalFormat) -> Result<(), Failure> {
    if let Some(option) = arguments.of_a_model().or(arguments.measured.stated()) {
        return Err(Failure::usage(
            format!("--kind {} reads arrivals, of which {option} says nothing", format.name),
            "leave the option out",
        ));
    }
    let columns = columns(arguments)?;
    if columns.is_some() && !format.needs_columns {
        return Err(Failure::usage(
            format!("--kind {} has columns of its own", format.name),
            "leave --columns out, or read the trace with --kind csv",
        ));
    }
    let outputs: Vec<&Path> = arguments.output.iter().map(PathBuf::as_path).collect();
    let inputs: Vec<&Path> =
        std::iter::once(&arguments.file).chain(&arguments.arrivals.map_file).map(PathBuf::as_path).collect();
    let reserved = reserve(&outputs, &inputs)?;
    let requests = read(arguments, format, columns.as_ref())?;
    for output in outputs {
        write(output, &requests)?;
    }
    drop(reserved);
    match arguments.format {
        PlainFormat::Json => print_json(&mut stdout(), &requests.report)?,
        PlainFormat::Table => table(&arguments.file, &requests.report).print(args::Format::Table)?,
    }
    if let Some(path) = &arguments.output {
        say!("{} requests in {}", requests.report.requests, path.display());
    }
    Ok(())
}

/// The columns of a table, by their roles.
fn columns(arguments: &Import) -> Result<Option<Columns>, Failure> {
    if arguments.columns.is_empty() {
        return Ok(None);
    }
    Columns::parse(&arguments.columns.join(",")).map(Some).map_err(|problem| {
        Failure::usage(format!("--columns: {problem}"), "write it as arrival=time,model=name,unit=ms")
    })
}

fn read(
    arguments: &Import,
    format: &ArrivalFormat,
    columns: Option<&Columns>,
) -> Result<ImportedRequests, Failure> {
    let stated = &arguments.arrivals;
    let mut options = ArrivalOptions {
        rules: stated.rules.clone(),
        unmapped: stated.unmapped.map(Into::into).unwrap_or_default(),
        window: stated.window.unwrap_or_default(),
        keeps_start: stated.keep_start,
        deadline: stated.deadline,
        ..ArrivalOptions::default()
    };
    if let Some(speed) = stated.scale {
        options.speed_millionths = speed;
    }
    if let Some(path) = &stated.map_file {
        options.rules.extend(load::rules(path)?);
    }
    load::arrivals(&arguments.file, format, columns, &options)
        .map_err(|error| failure(&arguments.file, &error))
}

fn failure(file: &Path, error: &ArrivalError) -> Failure {
    let place = error.line.map(|line| format!(":{line}")).unwrap_or_default();
    Failure::usage(format!("{}{place}: {error}", file.display()), error.help.as_str())
}

/// Writes a request file, whose models are relative to it.
fn write(path: &Path, requests: &ImportedRequests) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    for model in &requests.report.models {
        if model.requests > 0 && model.model.ends_with(".toml") && !folder.join(&model.model).is_file() {
            let missing = folder.join(&model.model);
            say!("warning: there is no {} yet, which requests in {} name", missing.display(), path.display());
        }
    }
    let (streamed, file) = Streamed::create(path)?;
    let written = rows(file, requests);
    streamed.finish(written)
}

fn rows(file: File, requests: &ImportedRequests) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(BufWriter::new(file));
    let has_deadlines = requests.have_deadlines();
    let columns = ["arrival_s", "model", "relative_deadline_s"];
    let shown = if has_deadlines { columns.len() } else { columns.len() - 1 };
    writer.write_record(&columns[..shown])?;
    for request in requests.iter() {
        let deadline = request.deadline.map(seconds).unwrap_or_default();
        let cells = [seconds(request.arrival), request.model.to_owned(), deadline];
        writer.write_record(&cells[..shown])?;
    }
    writer.into_inner().map_err(|error| error.into_error())?.flush()
}

fn table(file: &Path, report: &ArrivalReport) -> Rows {
    let counts = [
        ("rows", report.rows),
        ("requests", report.requests),
        ("rows without a rule", report.unmapped),
        ("rows outside the window", report.outside_window),
        ("rows before the row above", report.inversions),
        ("requests at one instant with the one before", report.ties),
        ("arrivals rounded to a picosecond", report.rounded),
    ];
    let or_dash = |value: Option<f64>, decimals: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
    };
    let rates = [
        ("from the first to the last", format!("{:.6}", report.span_s), "s"),
        ("mean rate", or_dash(report.mean_rate_hz, 6), "1/s"),
        ("variation of distances", or_dash(report.gap_cv, 3), ""),
    ];
    let count = |(what, value): (&str, u64)| vec![what.to_owned(), value.to_string(), String::new()];
    let rate = |(what, value, unit): (&str, String, &str)| vec![what.to_owned(), value, unit.to_owned()];
    let of_model = report.models.iter().map(|model| count((&format!("of {}", model.model), model.requests)));
    Rows {
        title: format!("{}: {}", file.display(), report.kind),
        header: vec!["quantity", "value", "unit"],
        numbers: vec![false, true, false],
        rows: counts.into_iter().map(count).chain(rates.into_iter().map(rate)).chain(of_model).collect(),
    }
}
