//! `rtmm cost`: a row a layer.

mod moca;

use std::io::Write;
use std::iter;
use std::sync::Arc;

use rayon::prelude::*;
use rtmm_hardware::{CostModel, Decoded, Explainer, LayerOf, Mode, Quantity, load as hardware};
use rtmm_workload::input::{Diagnostic, Source};
use rtmm_workload::{Layer, Legality, Model, TableRow, load, read_layer_table};

use crate::args::{Cost, CostCompat, Format, Hardware, Layers};
use crate::failure::Failure;
use crate::output::{Rows, stdout};

/// Rows that one task computes and formats.
const CHUNK: usize = 4_096;
/// Layers that cannot run and are named; the rest is counted.
const NAMED_FAILURES: usize = 20;

/// One accelerator to cost layers on.
pub(crate) struct Target {
    /// Its name on its platform; empty for `--accelerator`.
    pub name: String,
    pub cost_model: Arc<dyn CostModel>,
}

impl Target {
    /// The account of its costs.
    pub(crate) fn explainer(&self) -> Explainer<'_> {
        Explainer::of(self.cost_model.as_ref())
    }
}

/// The layers that the arguments name; of a supernet, those of its default variant and then those of
/// the others.
pub(crate) fn layers(arguments: &Layers, legality: Legality) -> Result<Vec<TableRow>, Failure> {
    if let Some(reference) = &arguments.model {
        let model = load::model_with(reference, None, &arguments.model_parameter, legality)?;
        let row = |name: &str, index: usize, layer: &Layer| TableRow {
            model: name.to_owned(),
            index: u32::try_from(index).unwrap_or(u32::MAX),
            layer: layer.clone(),
            range: 0..0,
        };
        let rows_of = |network: &Model| -> Vec<TableRow> {
            let layers = network.layers.iter().enumerate();
            layers.map(|(index, layer)| row(&network.name, index, layer)).collect()
        };
        return Ok(iter::once(&model).chain(&model.variants).flat_map(rows_of).collect());
    }
    let Some(path) = &arguments.layers else {
        let help = "give --model NAME or --layers FILE, and --platform NAME or --accelerator TABLE";
        return Err(Failure::usage("there are no layers to cost", help));
    };
    let source = load::read(path)?;
    let mut rows = Vec::new();
    let problems = read_layer_table(&source, legality, |row| rows.push(row));
    if rows.is_empty() && problems.is_empty() {
        return Err(no_rows(&source).into());
    }
    problems.into_result(Some(rows)).map_err(Failure::from)
}

/// The accelerators that the arguments name: each distinct configuration of a platform once.
pub(crate) fn targets(arguments: &Hardware, mode: Mode) -> Result<Vec<Target>, Failure> {
    if let Some(text) = &arguments.accelerator {
        let clock_hz = arguments.clock_mhz.map_or(hardware::DEFAULT_CLOCK_HZ, |clock| clock.hz);
        let Decoded { cost_model, .. } = hardware::accelerator(text, clock_hz, mode)?;
        return Ok(vec![Target { name: String::new(), cost_model: cost_model.into() }]);
    }
    let Some(reference) = &arguments.platform else {
        let help = "give --platform NAME, or --accelerator TABLE such as '{ model = \"systolic\", rows = 32, cols = 32 }'";
        return Err(Failure::usage("there is no accelerator", help));
    };
    let platform = hardware::platform(reference, None, mode)?;
    // An accelerator with all its units goes before a part of another that is like it.
    let name = |index: usize| {
        let mut accelerators = platform.accelerators.iter();
        let whole = accelerators.find(|one| one.configuration.index() == index).map(|one| one.name.clone());
        let part = || {
            platform.accelerators.iter().find_map(|one| {
                let (units, _) = one.configurations().find(|(_, id)| id.index() == index)?;
                Some(format!("{} ({units} of {} units)", one.name, one.units()))
            })
        };
        whole.or_else(part)
    };
    let names: Vec<String> =
        (0..platform.configurations.len()).map(|index| name(index).unwrap_or_default()).collect();
    let models = platform.configurations.into_iter().map(|configuration| configuration.cost_model);
    Ok(names.into_iter().zip(models).map(|(name, cost_model)| Target { name, cost_model }).collect())
}

pub(crate) fn cost(arguments: &Cost) -> Result<(), Failure> {
    match arguments.compat {
        Some(CostCompat::Moca) => moca::cost(arguments),
        Some(CostCompat::Xrbench) => on_accelerators(arguments, Legality::Published, Mode::Reference),
        None => on_accelerators(arguments, Legality::Strict, Mode::Corrected),
    }
}

/// The costs of layers on the accelerators that the arguments name.
fn on_accelerators(arguments: &Cost, legality: Legality, mode: Mode) -> Result<(), Failure> {
    let layers = layers(&arguments.layers, legality)?;
    let targets = targets(&arguments.hardware, mode)?;
    let columns = |target: &Target| target.explainer().columns();
    if targets.iter().any(|target| columns(target) != columns(&targets[0])) {
        return Err(Failure::usage(
            "the platform's accelerators have different cost models, whose costs have different columns",
            "cost them one at a time with --accelerator",
        ));
    }
    match arguments.threads {
        None => print(arguments, &layers, &targets),
        Some(threads) => rayon::ThreadPoolBuilder::new()
            .num_threads(threads.into())
            .build()
            .map_err(|error| Failure::Run(format!("the threads could not be started: {error}")))?
            .install(|| print(arguments, &layers, &targets)),
    }
}

/// Rows of a chunk of layers, and what could not be costed.
struct Chunk {
    rows: Vec<Vec<String>>,
    text: Vec<u8>,
    failures: Vec<String>,
}

fn print(arguments: &Cost, layers: &[TableRow], targets: &[Target]) -> Result<(), Failure> {
    let named = targets.iter().any(|target| !target.name.is_empty());
    let mut header = vec!["model", "layer_index", "layer_name"];
    let mut numbers = vec![false, true, false];
    if named {
        header.push("accelerator");
        numbers.push(false);
    }
    let explainer = targets[0].explainer();
    for (setting, value) in explainer.settings() {
        header.push(setting);
        numbers.push(value.parse::<f64>().is_ok());
    }
    header.extend(explainer.columns());
    numbers.resize(header.len(), true);

    let as_text = arguments.format == Format::Csv;
    let mut out = stdout();
    if as_text {
        writeln!(out, "{}", header.join(","))?;
    }
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for target in targets {
        // Formatted in parallel and printed in order, a bounded number of rows at a time.
        for block in layers.chunks(CHUNK * 64) {
            let chunks: Vec<Chunk> =
                block.par_chunks(CHUNK).map(|rows| cost_chunk(rows, target, named, as_text)).collect();
            for chunk in chunks {
                out.write_all(&chunk.text)?;
                rows.extend(chunk.rows);
                failures.extend(chunk.failures);
            }
        }
    }
    out.flush()?;
    if !as_text {
        Rows { title: "Layer costs".to_owned(), header, numbers, rows }.print(arguments.format)?;
    }
    if failures.is_empty() {
        return Ok(());
    }
    let mut message = format!("layers that cannot run: {}", failures.len());
    for failure in failures.iter().take(NAMED_FAILURES) {
        message.push_str("\n  ");
        message.push_str(failure);
    }
    if failures.len() > NAMED_FAILURES {
        message.push_str(&format!("\n  ... and {} more", failures.len() - NAMED_FAILURES));
    }
    Err(Failure::Run(message))
}

fn cost_chunk(layers: &[TableRow], target: &Target, named: bool, as_text: bool) -> Chunk {
    let mut chunk = Chunk { rows: Vec::new(), text: Vec::new(), failures: Vec::new() };
    let explainer = target.explainer();
    let settings: Vec<String> = explainer.settings().into_iter().map(|(_, value)| value).collect();
    let mut values: Vec<Quantity> = Vec::new();
    for TableRow { model, index, layer, .. } in layers {
        values.clear();
        if let Err(error) = explainer.report(LayerOf { model, layer }, &mut values) {
            chunk.failures.push(format!("{model} layer {index} `{}`: {error}", layer.name));
            continue;
        }
        if as_text {
            // Writing to memory does not fail.
            let _ = write!(chunk.text, "{},{index},{}", quoted(model), quoted(&layer.name));
            if named {
                let _ = write!(chunk.text, ",{}", quoted(&target.name));
            }
            for setting in &settings {
                let _ = write!(chunk.text, ",{}", quoted(setting));
            }
            for value in &values {
                let _ = write!(chunk.text, ",{value}");
            }
            chunk.text.push(b'\n');
            continue;
        }
        let mut row = vec![model.clone(), index.to_string(), layer.name.clone()];
        if named {
            row.push(target.name.clone());
        }
        row.extend(settings.iter().cloned());
        row.extend(values.iter().map(ToString::to_string));
        chunk.rows.push(row);
    }
    chunk
}

/// A CSV cell, in quotes where it needs them.
fn quoted(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

/// A problem with a layer table that has a header only.
pub(crate) fn no_rows(source: &Source) -> Diagnostic {
    rtmm_workload::input::problem_with(source, "the layer table has no rows").help("add a row for each layer")
}

/// A problem with `--layer`.
pub(crate) fn no_such_layer(wanted: &str, rows: &[TableRow]) -> Diagnostic {
    let names: Vec<&str> = rows.iter().map(|row| row.layer.name.as_str()).collect();
    Diagnostic::without_place(format!("there is no layer `{wanted}`"))
        .help(rtmm_workload::input::suggestion(wanted, "layer", &names))
}
