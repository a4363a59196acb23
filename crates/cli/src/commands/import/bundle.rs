//! A model with its measured costs: the files of a run that needs no further writing.

mod board;
mod costs;
mod means;

use std::path::{Path, PathBuf};

use rtmm_import::measurements::{self, Format, JoinReport, Joined};
use rtmm_import::{ImportedModel, load};
use rtmm_workload::load as load_text;
use serde::Serialize;

use super::{failure, is_other, measured, model_path, model_text, options};
use crate::args::{self, Import, PlainFormat};
use crate::failure::{Failure, say};
use crate::folders::create;
use crate::output::{Rows, print_json, replace_file, reserve, stdout};

/// Counts and times that are printed of a model with its measurements.
#[derive(Serialize)]
struct Summary<'j> {
    kind: &'static str,
    runs: u64,
    #[serde(flatten)]
    report: &'j JoinReport,
    /// Mean of a run in microseconds as the quantiles of the table have it; none where no layer varies.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantiles_mean_us: Option<f64>,
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
    let quantiles_mean_us = means::of_quantiles(&joined.costs);
    let summary = Summary { kind: format.name, runs: times.runs, report: &joined.report, quantiles_mean_us };
    means::say_other_means(&model.layers, &joined.costs);
    if let Some(folder) = &arguments.output {
        files(arguments, profile, folder, &model, &joined)?;
    }
    match arguments.format {
        PlainFormat::Json => print_json(&mut stdout(), &summary),
        PlainFormat::Table => table(profile, &summary).print(args::Format::Table),
    }
}

/// The files of a bundle, which stand in one folder.
fn files(
    arguments: &Import,
    profile: &Path,
    folder: &Path,
    model: &ImportedModel,
    joined: &Joined,
) -> Result<(), Failure> {
    let stated = &arguments.measured;
    let device = stated.device.as_deref().unwrap_or("device");
    let accelerator = stated.accelerator.as_deref().unwrap_or(device);
    let stem = arguments.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if device == stem || device == "scenario" || stem == "scenario" {
        return Err(Failure::usage(
            format!("model `{stem}`, device `{device}` and `scenario` would share a file"),
            "name the device otherwise with --device, or rename the model",
        ));
    }
    let names = model.written_names().map_err(|error| {
        let message = format!("{}: {error}", arguments.file.display());
        Failure::usage(message, "leave --output out: the join is printed all the same")
    })?;
    let table = match accelerator == device {
        true => format!("{device}.csv"),
        false => format!("{device}.{accelerator}.csv"),
    };
    let model_text = model_text(&arguments.file, model)?;
    let model_path = model_path(&arguments.file, folder);
    let paths = [&table, &format!("{device}.toml"), "scenario.toml"].map(|name| folder.join(name));
    let [table_path, platform_path, scenario_path] = &paths;
    let outputs: Vec<&Path> = std::iter::once(&model_path).chain(&paths).map(PathBuf::as_path).collect();
    let beside = [&stated.layer_info, &stated.times, &stated.summary];
    let beside = beside.into_iter().flatten().map(PathBuf::as_path);
    let inputs: Vec<&Path> = [arguments.file.as_path(), profile].into_iter().chain(beside).collect();
    // All that is there is read before anything is written.
    let existing = table_path.exists().then(|| load_text::read(table_path)).transpose()?;
    let existing = existing.as_ref().map(|source| (table_path.as_path(), source.text()));
    let costs = costs::table(existing, &stem, &names, &joined.costs)?;
    let platform = board::platform(platform_path, device, accelerator, &table)?;
    // A start: half of the time of a run is free.
    let period = (joined.report.run_us * 2.0).ceil().max(1.0) as u64;
    let scenario = board::scenario(scenario_path, &stem, &format!("{stem}.toml"), period)?;
    let was_other = is_other(&model_path, &model_text)?;
    create(folder)?;
    let reserved = reserve(&outputs, &inputs)?;
    replace_file(&model_path, model_text.as_bytes())?;
    replace_file(table_path, &costs)?;
    for (path, text) in [(platform_path, &platform), (scenario_path, &scenario)] {
        if let Some(text) = text {
            replace_file(path, text.as_bytes())?;
        }
    }
    drop(reserved);
    let kept = |path: &Path, text: &Option<String>| {
        let state = if text.is_some() { "" } else { " (as it was)" };
        format!("{}{state}", path.display())
    };
    say!(
        "written: {}, {}, {}, {}",
        model_path.display(),
        table_path.display(),
        kept(platform_path, &platform),
        kept(scenario_path, &scenario)
    );
    if was_other {
        let model = model_path.display();
        say!("warning: {model} was another form of the model, which tables of other accelerators may be of");
    }
    Ok(())
}

fn table(profile: &Path, summary: &Summary<'_>) -> Rows {
    let report = summary.report;
    let counts = [
        ("layers", report.layers),
        ("joined by name", report.by_name),
        ("joined by operator and size", report.by_shape),
        ("joined by operator and order", report.by_order),
        ("fused into another layer", report.fused),
        ("layers that others are fused into", report.fused_groups),
    ];
    let times = [
        Some(("mean of a run", report.run_us)),
        Some(("in layers", report.layers_us)),
        Some(("in other nodes", report.other_nodes_us)),
        summary.quantiles_mean_us.map(|mean| ("in both, by the mean of the quantiles", mean)),
        Some(("outside nodes", report.outside_us)),
    ];
    let count = |(what, value): (&str, u64)| vec![what.to_owned(), value.to_string(), String::new()];
    let time = |(what, value): (&str, f64)| vec![what.to_owned(), format!("{value:.3}"), "us".to_owned()];
    let mut rows: Vec<Vec<String>> =
        counts.into_iter().map(count).chain(times.into_iter().flatten().map(time)).collect();
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
