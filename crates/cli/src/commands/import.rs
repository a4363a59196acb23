//! `rtmm import`: models of other programs, counted and written as model files; measurements of devices; arrival
//! traces, written as request files.

mod arrivals;
mod bundle;
mod maestro;
mod measured;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rtmm_import::onnx::Options;
use rtmm_import::{ImportError, ImportedModel, load};
use rtmm_workload::load as load_text;

use crate::args::{Format, Import, ImportKind, PlainFormat};
use crate::failure::{Failure, say};
use crate::folders::create;
use crate::output::{Rows, print_json, replace_file, reserve, stdout};

pub(crate) fn import(arguments: &Import) -> Result<(), Failure> {
    let of_arrivals = || match arguments.arrivals.stated() {
        None => Ok(()),
        Some(option) => Err(Failure::usage(
            format!("{option} speaks of an arrival trace"),
            "state its format with --kind, or leave the option out",
        )),
    };
    match (&arguments.profile, arguments.kind()) {
        (None, Some(ImportKind::Arrivals(format))) => arrivals::import(arguments, format),
        (Some(_), Some(ImportKind::Arrivals(format))) => Err(Failure::usage(
            format!("--kind {} reads an arrival trace, which joins no model", format.name),
            "name the trace alone",
        )),
        (Some(profile), Some(ImportKind::Measurements(format))) => {
            of_arrivals().and_then(|()| bundle::bundle(arguments, profile, Some(format)))
        }
        (Some(profile), None) => of_arrivals().and_then(|()| bundle::bundle(arguments, profile, None)),
        (None, Some(ImportKind::Measurements(format))) => {
            of_arrivals().and_then(|()| measured::show(arguments, format))
        }
        (None, None) if maestro::is_network(&arguments.file) => {
            of_arrivals().and_then(|()| maestro::import(arguments))
        }
        (None, None) => of_arrivals().and_then(|()| model(arguments)),
    }
}

fn model(arguments: &Import) -> Result<(), Failure> {
    let of_others = arguments.measured.stated().or((!arguments.columns.is_empty()).then_some("--columns"));
    if let Some(option) = of_others {
        return Err(Failure::usage(
            format!("{option} says nothing of a model"),
            "name measurements behind the model, or leave the option out",
        ));
    }
    let options = options(arguments)?;
    let model = load::onnx(&arguments.file, &options).map_err(|error| failure(&arguments.file, &error))?;
    let written =
        arguments.output.as_deref().map(|folder| write(&arguments.file, folder, &model)).transpose()?;
    match arguments.format {
        PlainFormat::Json => print_json(&mut stdout(), &model.summary())?,
        PlainFormat::Table => table(&arguments.file, &model).print(Format::Table)?,
    }
    say_idle(&model);
    for node in &model.unsupported {
        say!("warning: node `{}` ({}) is left out: {}", node.node, node.operator, node.reason);
    }
    if let Some(share) = model.summary().lost_share {
        let percent = 100.0 * share;
        say!("warning: {} of {} nodes are left out, {percent:.1} %", model.lost, model.nodes());
    }
    if let Some(path) = written {
        say!("{} layers in {}", model.layers.len(), path.display());
    }
    Ok(())
}

/// Says which choices might as well be left out.
fn say_idle(model: &ImportedModel) {
    for choice in &model.idle_choices {
        say!("warning: {choice} changes nothing of this model");
    }
}

/// The choices of the user; each name may stand once.
fn options(arguments: &Import) -> Result<Options, Failure> {
    let of_loops = arguments.trips.iter().filter_map(|(name, trips)| Some((name.clone()?, *trips)));
    let of_all: Vec<(String, u64)> = arguments
        .trips
        .iter()
        .filter(|(name, _)| name.is_none())
        .map(|(_, trips)| (String::new(), *trips))
        .collect();
    Ok(Options {
        dims: once("--dim", arguments.dims.iter().cloned())?,
        inputs: once("--input", arguments.inputs.iter().cloned())?,
        branches: once("--branch", arguments.branches.iter().cloned())?,
        trips: once("--trips", of_loops)?,
        trips_of_all: once("--trips", of_all.into_iter())?.into_values().next(),
        skips_unsupported: arguments.skip_unsupported,
    })
}

fn once<T>(option: &str, pairs: impl Iterator<Item = (String, T)>) -> Result<BTreeMap<String, T>, Failure> {
    let mut all = BTreeMap::new();
    for (name, value) in pairs {
        let message = format!("{option} is given twice for `{name}`");
        if all.insert(name, value).is_some() {
            return Err(Failure::usage(message, "keep one of them"));
        }
    }
    Ok(all)
}

fn failure(path: &Path, error: &ImportError) -> Failure {
    let message = match error {
        ImportError::Unreadable { .. } => error.to_string(),
        _ => format!("{}: {error}", path.display()),
    };
    Failure::usage(message, error.help())
}

/// Writes the model file of an ONNX file.
fn write(file: &Path, folder: &Path, model: &ImportedModel) -> Result<PathBuf, Failure> {
    write_text(file, folder, &model_text(file, model)?)
}

fn model_text(file: &Path, model: &ImportedModel) -> Result<String, Failure> {
    let refused = |problem: &str| {
        let message = format!("{}: {problem}", file.display());
        Failure::usage(message, "leave --output out: all counts are printed all the same")
    };
    let names = model.written_names().map_err(|error| refused(&error.to_string()))?;
    if names.iter().all(Vec::is_empty) {
        return Err(refused("no node of the model is a layer with work, and a model file has one at least"));
    }
    model.to_toml(&name_of(file)).map_err(|error| refused(&error.to_string()))
}

fn name_of(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The path of the model file in a folder, under the name of the imported file.
fn model_path(file: &Path, folder: &Path) -> PathBuf {
    folder.join(Path::new(&name_of(file)).with_extension("toml"))
}

/// Writes a model file beside others in a folder. That one with another text was there is said.
fn write_text(file: &Path, folder: &Path, text: &str) -> Result<PathBuf, Failure> {
    create(folder)?;
    let path = model_path(file, folder);
    let was_other = is_other(&path, text)?;
    let reserved = reserve(&[&path], &[file])?;
    replace_file(&path, text.as_bytes())?;
    drop(reserved);
    if was_other {
        say!("warning: {} was another form of the model, which is gone", path.display());
    }
    Ok(path)
}

/// True if a file is there with another text than this one.
fn is_other(path: &Path, text: &str) -> Result<bool, Failure> {
    Ok(path.exists() && load_text::read(path)?.text() != text)
}

fn table(file: &Path, model: &ImportedModel) -> Rows {
    let rows = [
        ("layers", model.layers.len() as u64, ""),
        ("free nodes", model.free, ""),
        ("multiply-accumulates", model.macs, ""),
        ("parameters", model.parameters, ""),
        ("peak of activations", model.peak_activation_bytes, "bytes"),
    ];
    let row = |(quantity, value, unit): (&str, u64, &str)| {
        vec![quantity.to_owned(), value.to_string(), unit.to_owned()]
    };
    Rows {
        title: file.display().to_string(),
        header: vec!["quantity", "value", "unit"],
        numbers: vec![false, true, false],
        rows: rows.map(row).into(),
    }
}
