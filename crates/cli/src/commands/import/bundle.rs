//! A model with its measured costs: the files of a run that needs no further writing.

use std::path::Path;

use rtmm_import::measurements::{self, Format, JoinReport, Joined, LayerCost};
use rtmm_import::{ImportedModel, load};
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
    super::say_idle(&model);
    let times = measured::read(profile, format, arguments)?;
    let joined = measurements::join(&model.layers, &times, arguments.measured.total_us)
        .map_err(|error| measured::failure(profile, &error))?;
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
    let device = arguments.measured.device.as_deref().unwrap_or("device");
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
    replace_file(&folder.join(&table), &costs(&stem, &names, &joined.costs)?)?;
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

/// The rows of a cost table. A layer that is written as several has its cost in the first of them; the cost of one
/// that is not written goes to the layer before it, or to the first one.
fn costs(model: &str, names: &[Vec<String>], costs: &[LayerCost]) -> Result<Vec<u8>, Failure> {
    let mut rows: Vec<(&str, Cost)> = Vec::new();
    let mut carried = Cost::default();
    for (names, cost) in names.iter().zip(costs) {
        let cost = Cost::of(cost);
        match names.split_first() {
            Some((first, others)) => {
                rows.push((first, std::mem::take(&mut carried).and(&cost)));
                rows.extend(others.iter().map(|name| (name.as_str(), Cost::default())));
            }
            None => {
                let place = rows.last_mut().map_or(&mut carried, |(_, before)| before);
                *place = place.and(&cost);
            }
        }
    }
    let has_bytes = costs.iter().any(|cost| cost.bytes.is_some());
    let has_energy = costs.iter().any(|cost| cost.energy_uj.is_some());
    let row = |names: [&str; 2], latency: &str, energy: &str, bytes: &str| {
        let mut row: Vec<String> = names.iter().chain([&latency]).map(|cell| (*cell).to_owned()).collect();
        row.extend(has_energy.then(|| energy.to_owned()));
        row.extend(has_bytes.then(|| bytes.to_owned()));
        row
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(row(["model", "layer"], "latency_us", "energy_uj", "dram_bytes"))?;
    for (layer, cost) in rows {
        let latency = format!("{}.{:06}", cost.time / 1_000_000, cost.time % 1_000_000);
        writer.write_record(row(
            [model, layer],
            &latency,
            &cost.energy_uj.to_string(),
            &cost.bytes.to_string(),
        ))?;
    }
    writer.into_inner().map_err(|error| Failure::Output(error.into_error()))
}

/// Cost of a written layer; quantities that are not known are 0.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// Picoseconds.
    time: u64,
    bytes: u64,
    energy_uj: f64,
}

impl Cost {
    fn of(cost: &LayerCost) -> Self {
        Self {
            time: cost.time.picoseconds(),
            bytes: cost.bytes.unwrap_or_default(),
            energy_uj: cost.energy_uj.unwrap_or_default(),
        }
    }

    fn and(self, other: &Self) -> Self {
        Self {
            time: self.time.saturating_add(other.time),
            bytes: self.bytes.saturating_add(other.bytes),
            energy_uj: self.energy_uj + other.energy_uj,
        }
    }
}

fn table(profile: &Path, report: &JoinReport) -> Rows {
    let counts = [
        ("layers", report.layers),
        ("joined by name", report.by_name),
        ("joined by operator and size", report.by_shape),
        ("joined by operator and order", report.by_order),
        ("fused into another layer", report.fused),
        ("layers that others are fused into", report.fused_groups),
    ];
    let times = [
        ("mean of a run", report.run_us),
        ("in layers", report.layers_us),
        ("in other nodes", report.other_nodes_us),
        ("outside nodes", report.outside_us),
    ];
    let count = |(what, value): (&str, u64)| vec![what.to_owned(), value.to_string(), String::new()];
    let time = |(what, value): (&str, f64)| vec![what.to_owned(), format!("{value:.3}"), "us".to_owned()];
    let mut rows: Vec<Vec<String>> =
        counts.into_iter().map(count).chain(times.into_iter().map(time)).collect();
    if let Some((profiled, scale)) = report.profiled_us.zip(report.scale) {
        rows.push(time(("under the profiler, before scaling", profiled)));
        rows.push(vec!["factor to the run without it".to_owned(), format!("{scale:.4}"), String::new()]);
    }
    Rows {
        title: profile.display().to_string(),
        header: vec!["quantity", "value", "unit"],
        numbers: vec![false, true, false],
        rows,
    }
}
