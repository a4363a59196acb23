//! `rtmm cost`: a row a layer.

mod columns;
mod moca;
mod overview;
mod refusals;

use std::io::Write;
use std::iter;
use std::sync::Arc;

use rayon::prelude::*;
use rtmm_hardware::{
    Accelerator, Configuration, CostError, CostModel, Decoded, Explainer, LayerOf, Mode, Prices, Section,
    load as hardware,
};
use rtmm_workload::input::{Diagnostic, Source};
use rtmm_workload::{Layer, Legality, Model, TableRow, load, read_layer_table};

use crate::args::{Cost, CostCompat, Format, Hardware, Layers};
use crate::failure::Failure;
use crate::output::{Rows, stdout};
use columns::{Cell, Columns, Costing};
use refusals::Refusals;

/// Title of tables of costs.
const TITLE: &str = "Layer costs";
/// Rows that one task computes and formats.
const CHUNK: usize = 4_096;

/// One accelerator to cost layers on.
pub(crate) struct Target {
    /// Its name on its platform; empty for `--accelerator`.
    pub name: String,
    pub cost_model: Arc<dyn CostModel>,
    pub clock_hz: u64,
    /// That of its platform.
    pub technology: Option<Arc<Prices>>,
}

impl Target {
    /// The account of its costs.
    pub(crate) fn explainer(&self) -> Explainer<'_> {
        Explainer::of(self.cost_model.as_ref())
    }

    /// The energies of its events; none where they are measured.
    pub(crate) fn prices(&self) -> Option<Section> {
        Section::prices(&self.cost_model.prices(), self.technology.as_deref())
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
        let (name, cost_model) = (String::new(), cost_model.into());
        return Ok(vec![Target { name, cost_model, clock_hz, technology: None }]);
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
    let clock_hz = |index: usize| {
        let is_of = |one: &&Accelerator| one.configurations().any(|(_, id)| id.index() == index);
        platform.accelerators.iter().find(is_of).map_or(platform.clock_hz, |one| one.clock_hz)
    };
    let configurations = platform.configurations.iter().zip(names).enumerate();
    let target = |(index, (configuration, name)): (usize, (&Configuration, String))| Target {
        name,
        cost_model: configuration.cost_model.clone(),
        clock_hz: clock_hz(index),
        technology: platform.technology.clone(),
    };
    Ok(configurations.map(target).collect())
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
    let batch = arguments.batch;
    // In reference mode the columns are those of the published tool, and no others.
    let columns = Columns::of(&targets, mode == Mode::Corrected);
    let print = || match arguments.format {
        Format::Table if columns.has_common => overview::print(&layers, &targets, batch),
        _ => print(arguments.format, &layers, &targets, batch, &columns),
    };
    match arguments.threads {
        None => print(),
        Some(threads) => rayon::ThreadPoolBuilder::new()
            .num_threads(threads.into())
            .build()
            .map_err(|error| Failure::Run(format!("the threads could not be started: {error}")))?
            .install(print),
    }
}

/// Rows of a chunk of layers, and which of them could not be costed.
struct Chunk {
    rows: Vec<Vec<String>>,
    text: Vec<u8>,
    refused: Vec<(usize, CostError)>,
}

fn print(
    format: Format,
    layers: &[TableRow],
    targets: &[Target],
    batch: u32,
    columns: &Columns,
) -> Result<(), Failure> {
    let named = targets.iter().any(|target| !target.name.is_empty());
    let mut header = vec!["model", "layer_index", "layer_name"];
    let mut numbers = vec![false, true, false];
    if batch > 1 {
        header.push("batch");
        numbers.push(true);
    }
    if named {
        header.push("accelerator");
        numbers.push(false);
    }
    header.extend(columns.heads());
    numbers.resize(header.len() - columns.details.len(), true);
    numbers.extend(&columns.is_number);

    let as_text = format == Format::Csv;
    let mut out = stdout();
    if as_text {
        writeln!(out, "{}", header.join(","))?;
    }
    let mut rows = Vec::new();
    let mut refusals = Refusals::default();
    for (at, target) in targets.iter().enumerate() {
        // Formatted in parallel and printed in order, a bounded number of rows at a time.
        for (block, first) in layers.chunks(CHUNK * 64).zip((0..).step_by(CHUNK * 64)) {
            let chunks: Vec<Chunk> = block
                .par_chunks(CHUNK)
                .map(|rows| cost_chunk(rows, target, batch, named, as_text, columns))
                .collect();
            for (chunk, begin) in chunks.into_iter().zip((first..).step_by(CHUNK)) {
                out.write_all(&chunk.text)?;
                rows.extend(chunk.rows);
                for (row, error) in chunk.refused {
                    refusals.add(begin + row, at, error);
                }
            }
        }
    }
    out.flush()?;
    if !as_text {
        Rows { title: TITLE.to_owned(), header, numbers, rows }.print(format)?;
    }
    refusals.report(layers, targets)
}

fn cost_chunk(
    layers: &[TableRow],
    target: &Target,
    batch: u32,
    named: bool,
    as_text: bool,
    columns: &Columns,
) -> Chunk {
    let mut chunk = Chunk { rows: Vec::new(), text: Vec::new(), refused: Vec::new() };
    let mut costing = Costing::new(target, batch, columns);
    for (place, row) in layers.iter().enumerate() {
        let TableRow { model, index, layer, .. } = row;
        let of = LayerOf { model, layer };
        if as_text {
            let start = chunk.text.len();
            // Writing to memory does not fail.
            let _ = write!(chunk.text, "{},{index},{}", quoted(model), quoted(&layer.name));
            if batch > 1 {
                let _ = write!(chunk.text, ",{batch}");
            }
            if named {
                let _ = write!(chunk.text, ",{}", quoted(&target.name));
            }
            let text = &mut chunk.text;
            let told = costing.row(of, |cell| {
                let _ = match cell {
                    Cell::Text(text_of) => write!(text, ",{}", quoted(text_of)),
                    Cell::Number(number) => write!(text, ",{number}"),
                };
            });
            match told {
                Ok(()) => chunk.text.push(b'\n'),
                Err(error) => {
                    chunk.text.truncate(start);
                    chunk.refused.push((place, error));
                }
            }
            continue;
        }
        let mut cells = vec![model.clone(), index.to_string(), layer.name.clone()];
        cells.extend((batch > 1).then(|| batch.to_string()));
        cells.extend(named.then(|| target.name.clone()));
        match costing.row(of, |cell| cells.push(cell.to_string())) {
            Ok(()) => chunk.rows.push(cells),
            Err(error) => chunk.refused.push((place, error)),
        }
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
