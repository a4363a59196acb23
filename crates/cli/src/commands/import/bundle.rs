//! A model with its measured costs: the files of a run that needs no further writing.

use std::path::Path;

use rtmm_import::measurements::{self, Format, JoinReport, Joined};
use rtmm_import::{ImportedModel, load};
use rtmm_workload::Duration;
use serde::Serialize;

use super::{failure, measured, options, write};
use crate::args::{self, Import, PlainFormat};
use crate::failure::{Failure, say};
use crate::output::{Rows, print_json, replace_file, stdout};

/// Counts and times that are printed of a model with its measurements.
#[derive(Serialize)]
struct Summary<'j> {
    kind: &'static str,
    runs: u64,
    #[serde(flatten)]
    report: &'j JoinReport,
}

/// Joins a model and measurements, and writes model, cost table, platform and scenario where a folder is stated.
pub(super) fn bundle(
    arguments: &Import,
    profile: &Path,
    stated: Option<&'static Format>,
) -> Result<(), Failure> {
    let format = stated.or_else(|| measurements::format("ort"));
    let format = format.ok_or_else(|| Failure::usage("no format is stated", "state --kind"))?;
    let model = load::onnx(&arguments.file, &options(arguments)?)
        .map_err(|error| failure(&arguments.file, &error))?;
    let times = measured::read(profile, format, arguments.warmup)?;
    let joined =
        measurements::join(&model.layers, &times).map_err(|error| measured::failure(profile, &error))?;
    let summary = Summary { kind: format.name, runs: times.runs, report: &joined.report };
    if let Some(folder) = &arguments.output {
        files(arguments, folder, &model, &joined)?;
    }
    match arguments.format {
        PlainFormat::Json => print_json(&mut stdout(), &summary),
        PlainFormat::Table => table(profile, &joined.report).print(args::Format::Table),
    }
}

fn files(arguments: &Import, folder: &Path, model: &ImportedModel, joined: &Joined) -> Result<(), Failure> {
    let device = arguments.device.as_deref().unwrap_or("device");
    let unwritable = |error| {
        let message = format!("{}: {error}", arguments.file.display());
        Failure::usage(message, "leave --output out: the join is printed all the same")
    };
    let stem = arguments.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if device == stem || device == "scenario" || stem == "scenario" {
        return Err(Failure::usage(
            format!("model `{stem}`, device `{device}` and `scenario` would share a file"),
            "name the device otherwise with --device, or rename the model",
        ));
    }
    let names = model.written_names().map_err(unwritable)?;
    let written = write(&arguments.file, folder, model)?;
    let table = format!("{device}.csv");
    replace_file(&folder.join(&table), &costs(&stem, &names, &joined.times)?)?;
    let quoted = |text: &str| rtmm_import::quoted(text);
    let platform = format!(
        "# Measured costs: the mean of each layer in a run.\nsource = {}\n\n[[accelerator]]\nname = {}\nmodel = \"table\"\nfile = {}\n",
        quoted(&format!("measured on {device}")),
        quoted(device),
        quoted(&table),
    );
    replace_file(&folder.join(format!("{device}.toml")), platform.as_bytes())?;
    // A start: half of the time of a run is free.
    let run = (joined.report.run_us * 2.0).ceil().max(1.0) as u64;
    let scenario = format!(
        "# A start: one task a model, of twice the period that a measured run takes.\nsource = \"rtmm import\"\nduration = \"{}us\"\n\n[[task]]\nname = {}\nmodel = {}\nperiod = \"{run}us\"\n",
        run.saturating_mul(100),
        quoted(&stem),
        quoted(&format!("{stem}.toml")),
    );
    replace_file(&folder.join("scenario.toml"), scenario.as_bytes())?;
    let shown = folder.display();
    say!("written: {}, {shown}/{table}, {shown}/{device}.toml, {shown}/scenario.toml", written.display());
    Ok(())
}

/// The rows of a cost table. A layer that is written as several has its time in the first of them; the time of one
/// that is not written goes to the layer before it, or to the first one.
fn costs(model: &str, names: &[Vec<String>], times: &[Duration]) -> Result<Vec<u8>, Failure> {
    let mut rows: Vec<(&str, u64)> = Vec::new();
    let mut carried = 0_u64;
    for (names, time) in names.iter().zip(times) {
        let time = time.picoseconds();
        match names.split_first() {
            Some((first, others)) => {
                rows.push((first, time.saturating_add(std::mem::take(&mut carried))));
                rows.extend(others.iter().map(|name| (name.as_str(), 0)));
            }
            None => match rows.last_mut() {
                Some((_, before)) => *before = before.saturating_add(time),
                None => carried = carried.saturating_add(time),
            },
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["model", "layer", "latency_us"])?;
    for (layer, time) in rows {
        let latency = format!("{}.{:06}", time / 1_000_000, time % 1_000_000);
        writer.write_record([model, layer, latency.as_str()])?;
    }
    writer.into_inner().map_err(|error| Failure::Output(error.into_error()))
}

fn table(profile: &Path, report: &JoinReport) -> Rows {
    let counts = [
        ("layers", report.layers),
        ("joined by name", report.by_name),
        ("joined by operator and size", report.by_shape),
        ("fused into the layer before", report.fused),
        ("groups of fused layers", report.fused_groups),
    ];
    let times = [
        ("mean of a run", report.run_us),
        ("in layers", report.layers_us),
        ("in other nodes", report.other_nodes_us),
        ("outside nodes", report.outside_us),
    ];
    let count = |(what, value): (&str, u64)| vec![what.to_owned(), value.to_string(), String::new()];
    let time = |(what, value): (&str, f64)| vec![what.to_owned(), format!("{value:.3}"), "us".to_owned()];
    Rows {
        title: profile.display().to_string(),
        header: vec!["quantity", "value", "unit"],
        numbers: vec![false, true, false],
        rows: counts.into_iter().map(count).chain(times.into_iter().map(time)).collect(),
    }
}
