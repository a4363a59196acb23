//! Model files: TOML to [`Model`], with shapes inferred from layer to layer and checked.
//!
//! The keys of a layer's table are in [`operators`], how many inputs it takes at once in [`batch`], numbers that a user of
//! the model may set in [`parameters`], what joins layers to blocks and exits in [`structure`], files that name other models
//! instead of layers in [`variants`], layers that run in place of others in [`layer_variants`], and sparsity with the samples of
//! inferences in [`samples`].
//!
//! ```toml
//! source = "an example, after LeNet-5"
//! input = [1, 28, 28]                # channels, height, width
//!
//! [[layer]]
//! name = "conv1"
//! operator = "convolution"
//! channels = 6
//! kernel = 5
//! padding = 2
//!
//! [[layer]]
//! name = "fc1"
//! operator = "fully-connected"
//! features = 10
//! flatten = true
//! ```

mod batch;
mod layer_variants;
mod operators;
mod parameters;
mod samples;
mod structure;
mod variants;

use crate::input::{At, Diagnostic, Diagnostics, Document, Source, Table, Value, suggestion};
use crate::layer::{Layer, Operator, Shape};
use crate::layer_table::{Legality, TableRow, read_layer_table};
use crate::model::{Model, Shapes, Sparsity};
use crate::model_file::batch::{batch_of, stated_batch};
use crate::model_file::layer_variants::decode_layer_variants;
use crate::model_file::operators::decode_operator;
use crate::model_file::parameters::ModelParameters;
pub use crate::model_file::parameters::ParameterSetting;
pub(crate) use crate::model_file::samples::OpenSamples;
use crate::model_file::samples::{decode_model_of_trace, decode_samples, decode_sparsity};
use crate::model_file::structure::{Place, decode_blocks, decode_exits};
pub(crate) use crate::model_file::variants::OpenVariant;
use crate::model_file::variants::{decode_supernet, is_supernet, open_model};
use crate::operator_kind::OperatorKind;
use crate::precision::Precision;
use crate::shape_error::{MAX_DIMENSION, MAX_LAYER_WORK, ShapeError};

/// A model file's reference to a layer table: found by the loader of files.
pub(crate) type OpenTable<'o> = dyn Fn(&str) -> Result<Source, Diagnostic> + 'o;

/// The files that a model file may name, found by the loader of files.
pub(crate) struct Files<'o> {
    /// A layer table.
    pub table: &'o OpenTable<'o>,
    /// A sample trace.
    pub samples: &'o OpenSamples<'o>,
    /// A model whose layers this one has, too.
    pub layers: &'o OpenVariant<'o>,
    /// A variant of a supernet; absent for a model that is itself one of them.
    pub variant: Option<&'o OpenVariant<'o>>,
}

/// Decodes a model, with its parameters as `settings` say; records every problem in `document`.
pub(crate) fn decode_model(
    name: &str,
    document: &Document<'_>,
    legality: Legality,
    settings: &[ParameterSetting],
    files: &Files<'_>,
) -> Option<Model> {
    let root = document.root().named("this model");
    let stated = stated_name(&root);
    let name = stated.as_deref().unwrap_or(name);
    let parameters = ModelParameters::decode(&root, name, settings);
    if is_supernet(&root) {
        return decode_supernet(name, document, files.variant);
    }
    root.only(&[
        "name",
        "source",
        "shapes",
        "layer_table",
        "layers_of",
        "measured_layers",
        "input",
        "batch",
        "layer",
        "description",
        "accuracy",
        "block",
        "exit",
        "sparsity",
        "samples",
        "parameters",
        "precision",
        "layer_variants",
    ]);
    let source = root.required("source", Value::string);
    let _description = root.optional("description", Value::string);
    let accuracy = root.optional("accuracy", Value::probability);
    let sparsity = decode_sparsity(&root);
    let is_of_trace = root.has("samples") && !LAYERS.iter().any(|key| root.has(key));
    let model = if is_of_trace {
        reject_all(&root, &OF_OWN_LAYERS, "a model of which only a trace is known has no");
        decode_model_of_trace(&root, files.samples)
    } else {
        decode_layers(&root, legality, &parameters, files)
    };
    let precision = Precision::of(&root);
    let mut model = model?;
    for layer in &mut model.layers {
        layer.precision = layer.precision.or(precision);
    }
    let sparsity = Sparsity {
        architecture: sparsity
            .as_ref()
            .and_then(|sparsity| sparsity.architecture.clone())
            .or(model.sparsity.architecture),
        ..sparsity.unwrap_or_default()
    };
    let model = Model { name: format!("{name}{}", parameters.suffix()), accuracy, sparsity, ..model };
    let samples = if is_of_trace { model.samples } else { decode_samples(&root, &model, files.samples) };
    let model = Model { source: source?.to_owned(), samples, ..model };
    decode_layer_variants(&root, model, legality, files.table)
}

/// The name that a file states for itself, in place of its own file's.
fn stated_name(root: &Table<'_>) -> Option<String> {
    root.optional("name", |value| {
        let name = value.string()?;
        let is_name = |part: char| part.is_ascii_alphanumeric() || matches!(part, '_' | '-' | '.' | '+');
        if name.is_empty() || !name.chars().all(is_name) || name.ends_with(".toml") {
            let message = format!("`{name}` cannot be the name of a model");
            return value.reject(message, "write letters, digits, `_`, `-`, `.` and `+`; no path");
        }
        Some(name.to_owned())
    })
}

/// The keys that give a model its layers; one of them at a time.
const LAYERS: [&str; 4] = ["layer", "layer_table", "layers_of", "measured_layers"];
/// Keys that go with layers that stand in the file itself or in its table.
const OF_OWN_LAYERS: [&str; 6] = ["input", "batch", "shapes", "block", "exit", "parameters"];

/// The layers of a model with their blocks and exits; records every problem. The model has neither its
/// own name nor its own source yet.
fn decode_layers(
    root: &Table<'_>,
    legality: Legality,
    parameters: &ModelParameters,
    files: &Files<'_>,
) -> Option<Model> {
    let stated: Vec<Value<'_>> = LAYERS.iter().filter_map(|key| root.get(key)).collect();
    if let [_, second, ..] = stated.as_slice() {
        let keys: Vec<String> =
            LAYERS.iter().filter(|key| root.has(key)).map(|key| format!("`{key}`")).collect();
        return second.reject(
            format!(
                "a model has one of `layer`, `layer_table`, `layers_of` and `measured_layers`, not {}",
                keys.join(" and ")
            ),
            "keep one of them",
        );
    }
    if let Some(value) = root.get("layers_of") {
        reject_all(root, &OF_OWN_LAYERS, "the layers are another model's, and so is");
        let other = open_model(&value, files.layers)?;
        let model = Model::of_layers(String::new(), String::new(), other.shapes, other.layers);
        return Some(Model { blocks: other.blocks, exits: other.exits, ..model });
    }
    if let Some(value) = root.get("measured_layers") {
        reject_all(root, &OF_OWN_LAYERS, "layers of which only measurements are known have no");
        return measured_layers(&value);
    }
    let shapes = root.or("shapes", Shapes::Chained, |value| {
        value.choice(&[("chained", Shapes::Chained), ("independent", Shapes::Independent)])
    });
    if let Some(batch) = root.get("batch").filter(|_| root.has("layer_table")) {
        batch.reject::<()>("the rows of a layer table have no common `batch`", "remove it");
    }
    let layers = match root.get("layer_table") {
        Some(value) => layers_of_table(&value, shapes, legality, files.table),
        None if root.has("layer") => layers_of_graph(root, shapes, parameters),
        None => {
            root.report(
                root.problem("the model has no layers")
                    .help("add [[layer]] tables, or `layer_table = \"FILE.csv\"`"),
            );
            None
        }
    };
    let (layers, places) = layers?;
    if layers.is_empty() && !root.document().has_problems() {
        root.report(root.problem("the model has no layers").help("add at least one"));
    }
    parameters.report_unused(root);
    let blocks = decode_blocks(root, &places);
    let exits = decode_exits(root, &places);
    let model = Model::of_layers(String::new(), String::new(), shapes, layers);
    Some(Model { blocks, exits, ..model })
}

/// A model of layers of which nothing is known but their names: only measured latencies can cost them.
fn measured_layers(value: &Value<'_>) -> Option<Model> {
    let items = value.items()?;
    if items.is_empty() {
        return value.reject("the model has no layers", "name at least one");
    }
    let mut layers: Vec<Layer> = Vec::new();
    for item in &items {
        let name = item.string()?;
        if layers.iter().any(|known| known.name == name) {
            return item.reject(
                format!("there are two layers named `{name}`"),
                "give every layer a name of its own",
            );
        }
        layers.push(Layer::new(name, Operator::Opaque));
    }
    Some(Model::of_layers(String::new(), String::new(), Shapes::Independent, layers))
}

/// Records every key of a list that a model of some kind cannot have.
fn reject_all(root: &Table<'_>, keys: &[&str], why: &str) {
    for key in keys {
        if let Some(value) = root.get(key) {
            value.reject::<()>(format!("{why} `{key}`"), "remove it");
        }
    }
}

/// Records the problems of a file where this one names it.
fn located<T>(value: &Value<'_>, problems: &Diagnostics) -> Option<T> {
    let document = value.document();
    let mut located = Diagnostics::default();
    for problem in problems.iter() {
        located.push(problem.clone().see(document.source(), value.range(), "named here"));
    }
    document.report_all(located);
    None
}

fn layers_of_table(
    value: &Value<'_>,
    shapes: Shapes,
    legality: Legality,
    open_table: &OpenTable<'_>,
) -> Option<(Vec<Layer>, Vec<Place>)> {
    let table = match open_table(value.string()?) {
        Ok(table) => table,
        Err(problem) => {
            value.document().report(problem.see(value.document().source(), value.range(), "named here"));
            return None;
        }
    };
    let mut rows: Vec<TableRow> = Vec::new();
    let problems = read_layer_table(&table, legality, |row| rows.push(row));
    let complete = problems.is_empty();
    value.document().report_all(problems);
    if complete && rows.is_empty() {
        return value.reject("the layer table has no rows", "add a row for each layer");
    }
    let is_chained = shapes == Shapes::Chained && legality == Legality::Strict;
    if is_chained {
        check_chain(value, &table, &rows);
    }
    if !complete {
        // Blocks and exits may name rows that could not be read.
        return None;
    }
    let place = |TableRow { layer, .. }: &TableRow| Place {
        name: layer.name.clone(),
        input: match layer.operator {
            Operator::Convolution(convolution) if is_chained => Some(convolution.input),
            _ => None,
        },
        output: layer.output().ok().filter(|_| is_chained),
        reads: Vec::new(),
    };
    let places = rows.iter().map(place).collect();
    Some((rows.into_iter().map(|row| row.layer).collect(), places))
}

/// Reports every row of a table whose input is not the previous row's output.
fn check_chain(value: &Value<'_>, table: &Source, rows: &[TableRow]) {
    for pair in rows.windows(2) {
        let [TableRow { layer: before, .. }, TableRow { layer: after, range, .. }] = pair else { continue };
        let (Ok(output), Operator::Convolution(convolution)) = (before.output(), after.operator) else {
            continue;
        };
        if output != convolution.input {
            let message = format!(
                "layer `{}` takes {} but the layer before it, `{}`, gives {output}",
                after.name, convolution.input, before.name
            );
            value.document().report(
                Diagnostic::new(message, table, range.clone())
                    .see(value.document().source(), value.range(), "named here")
                    .help("correct the table, or say `shapes = \"independent\"` where rows stand alone"),
            );
        }
    }
}

/// Facts of a layer, or of the model's input, that later layers may name.
struct Known {
    name: String,
    output: Option<Shape>,
    batch: u32,
}

fn layers_of_graph(
    root: &Table<'_>,
    shapes: Shapes,
    parameters: &ModelParameters,
) -> Option<(Vec<Layer>, Vec<Place>)> {
    let input = match shapes {
        Shapes::Chained => root.required("input", |value| shape_of(value, parameters)),
        Shapes::Independent => root.get("input").and_then(|value| {
            let help = "remove it: each layer states what it takes, as `input = [channels, height, width]`";
            value.reject("layers that stand alone have no common `input`", help)
        }),
    };
    let batch = stated_batch(root, parameters).unwrap_or(1);
    let mut known = vec![Known { name: "input".to_owned(), output: input, batch }];
    let mut layers = Vec::new();
    let mut places = Vec::new();
    for table in root.tables("layer", "a layer") {
        let Decoded { name, inputs, batch, layer } = decode_layer(&table, &known, batch, shapes, parameters);
        let mut output = None;
        if let Some(layer) = layer {
            match layer.kernels().and_then(|_| layer.output()) {
                Ok(shape) => {
                    output = Some(shape);
                    check_output(&table, shape, parameters);
                }
                Err(error) => table.report(table.problem(format!("layer `{}`: {error}", layer.name)).help(
                    match error {
                        ShapeError::WindowLargerThanInput { .. } => {
                            "lower the kernel, or give the layer padding"
                        }
                        _ => "correct its dimensions",
                    },
                )),
            }
            layers.push(layer);
        }
        if let Some(At { value: name, range }) = name {
            if known.iter().any(|known| known.name == name) {
                table.report(
                    table
                        .problem_at(&range, format!("there are two layers named `{name}`"))
                        .help("give every layer a name of its own"),
                );
            } else {
                places.push(Place {
                    name: name.clone(),
                    input: inputs.first().and_then(|input| known[*input].output),
                    output,
                    // The first that is known is the model's input.
                    reads: inputs.iter().filter_map(|input| input.checked_sub(1)).collect(),
                });
            }
            known.push(Known { name, output, batch });
        }
    }
    Some((layers, places))
}

fn shape_of(value: &Value<'_>, parameters: &ModelParameters) -> Option<Shape> {
    let items = value.items()?;
    let [channels, height, width] = items.as_slice() else {
        return value.reject("a shape has three extents", "write `[channels, height, width]`");
    };
    let extent = |value: &Value<'_>| parameters.integer(value, 1..=MAX_DIMENSION);
    Some(Shape { channels: extent(channels)?, height: extent(height)?, width: extent(width)? })
}

/// Compares a stated `output` with the inferred one.
fn check_output(table: &Table<'_>, inferred: Shape, parameters: &ModelParameters) {
    let stated = table.optional("output", |value| value.at(|value| shape_of(value, parameters)));
    let Some(stated) = stated else { return };
    if stated.value != inferred {
        table.report(
            table
                .problem_at(&stated.range, format!("the layer gives {inferred}, not {}", stated.value))
                .help("correct the layer's dimensions, or the stated output"),
        );
    }
}

/// A layer, and what is known of it even where the rest could not be read.
struct Decoded {
    name: Option<At<String>>,
    /// Its input, by position among the layers that are known; none of a layer that stands alone.
    inputs: Vec<usize>,
    batch: u32,
    layer: Option<Layer>,
}

/// Decodes a layer behind those that are `known`, of a model that takes `batch` inputs at once.
fn decode_layer(
    table: &Table<'_>,
    known: &[Known],
    batch: u32,
    shapes: Shapes,
    parameters: &ModelParameters,
) -> Decoded {
    let name = table.required("name", |value| value.at(|value| value.string().map(str::to_owned)));
    let table = match &name {
        Some(name) => table.clone().named(format!("layer `{}`", name.value)),
        None => table.clone(),
    };
    let operator = table.required("operator", |value| {
        let choices = OperatorKind::WRITTEN.map(|word| (word, word));
        value.choice(&choices)
    });
    let is_chained = shapes == Shapes::Chained;
    let inputs = if is_chained && operator.is_some() { inputs_of(&table, known) } else { Vec::new() };
    let shapes: Vec<Shape> = if is_chained {
        // A shape that is not known because its layer has a problem of its own is left out without a
        // further message.
        inputs.iter().filter_map(|input| known[*input].output).collect()
    } else {
        stated_shapes(&table, parameters)
    };
    let given: Vec<u32> = inputs.iter().map(|input| known[*input].batch).collect();
    let batch = batch_of(&table, parameters, &given, batch);
    let live_bytes = table.optional("live_bytes", |value| value.integer(0..=MAX_LAYER_WORK));
    let precision = Precision::of(&table);
    let kind = operator.and_then(OperatorKind::named);
    let operator = operator.and_then(|operator| decode_operator(&table, operator, &shapes, parameters));
    let layer = name.as_ref().zip(operator.zip(kind)).map(|(name, (operator, kind))| Layer {
        kind,
        precision,
        batch,
        live_bytes,
        ..Layer::new(name.value.clone(), operator)
    });
    Decoded { name, inputs, batch, layer }
}

/// The layer that `input` names, or the previous one, by position among those that are known.
fn inputs_of(table: &Table<'_>, known: &[Known]) -> Vec<usize> {
    let find = |value: &Value<'_>| {
        let name = value.string()?;
        let found = known.iter().position(|known| known.name == name);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
            return value.reject(
                format!("there is no layer `{name}` before this one"),
                suggestion(name, "layer", &names),
            );
        }
        found
    };
    match table.get("input") {
        None => known.len().checked_sub(1).into_iter().collect(),
        Some(value) if value.is_array() => {
            if value.items().is_some_and(|items| items.is_empty()) {
                value.reject::<()>("the list of inputs is empty", "name a layer, or remove `input`");
            }
            table.list("input", find)
        }
        Some(value) => find(&value).into_iter().collect(),
    }
}

/// The shapes that a layer states which stands alone: one, or a list of them. None where it states none,
/// or a bad one, which is recorded.
fn stated_shapes(table: &Table<'_>, parameters: &ModelParameters) -> Vec<Shape> {
    let shape = |value: &Value<'_>| {
        if value.is_string() {
            let help = "write the shape that it takes, as `[channels, height, width]`";
            return value.reject("a layer that stands alone reads no other layer", help);
        }
        shape_of(value, parameters)
    };
    let Some(value) = table.required("input", |value| Some(value.clone())) else { return Vec::new() };
    let is_list = value.is_array() && value.items().is_some_and(|items| items.iter().any(Value::is_array));
    if is_list { table.list("input", shape) } else { shape(&value).into_iter().collect() }
}
