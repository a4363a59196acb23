//! Model files: TOML to [`Model`], with shapes inferred from layer to layer and checked.
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

use std::ops::Range;

use crate::input::{At, Diagnostic, Document, Source, Table, Value, suggestion};
use crate::layer::{
    Attention, Cell, Convolution, Elementwise, Gemm, Layer, MAX_DIMENSION, Normalisation, Operator, Pool,
    Recurrent, Shape, ShapeError,
};
use crate::layer_table::{Legality, TableRow, read_layer_table};
use crate::model::{Model, Shapes};

/// How a model file refers to a layer table: found by whoever reads files.
pub(crate) type OpenTable<'o> = dyn Fn(&str) -> Result<Source, Diagnostic> + 'o;

const OPERATORS: [&str; 21] = [
    "convolution",
    "transposed-convolution",
    "fully-connected",
    "attention",
    "lstm",
    "gru",
    "rnn",
    "max-pool",
    "average-pool",
    "global-pool",
    "add",
    "multiply",
    "activation",
    "concatenate",
    "resize",
    "batch-norm",
    "layer-norm",
    "group-norm",
    "softmax",
    "tokens",
    "plane",
];

/// Decodes a model; records every problem in `document`.
pub(crate) fn decode_model(
    name: &str,
    document: &Document<'_>,
    legality: Legality,
    open_table: &OpenTable<'_>,
) -> Option<Model> {
    let root = document.root().named("this model");
    root.only(&["source", "shapes", "layer_table", "input", "layer", "description"]);
    let source = root.required("source", Value::string);
    let _description = root.optional("description", Value::string);
    let shapes = root.or("shapes", Shapes::Chained, |value| {
        value.choice(&[("chained", Shapes::Chained), ("independent", Shapes::Independent)])
    });
    let layers = match (root.get("layer_table"), root.has("layer")) {
        (Some(value), true) => {
            value.reject("a model has `layer_table` or `layer`, not both", "remove one of the two")
        }
        (Some(value), false) => layers_of_table(&value, shapes, legality, open_table),
        (None, true) => layers_of_graph(&root, shapes),
        (None, false) => {
            root.report(
                root.problem("the model has no layers")
                    .help("add [[layer]] tables, or `layer_table = \"FILE.csv\"`"),
            );
            None
        }
    };
    let layers = layers?;
    if layers.is_empty() && !document.has_problems() {
        root.report(root.problem("the model has no layers").help("add at least one"));
    }
    Some(Model::of_layers(name.to_owned(), source?.to_owned(), shapes, layers))
}

fn layers_of_table(
    value: &Value<'_>,
    shapes: Shapes,
    legality: Legality,
    open_table: &OpenTable<'_>,
) -> Option<Vec<Layer>> {
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
    if shapes == Shapes::Chained && legality == Legality::Strict {
        check_chain(value, &table, &rows);
    }
    Some(rows.into_iter().map(|row| row.layer).collect())
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

/// What is known of a layer, or of the model's input, that later layers may name.
struct Known {
    name: String,
    output: Option<Shape>,
}

fn layers_of_graph(root: &Table<'_>, shapes: Shapes) -> Option<Vec<Layer>> {
    if shapes == Shapes::Independent {
        root.report(
            root.problem("`shapes = \"independent\"` goes with a layer table only")
                .help("remove it: [[layer]] tables are always chained"),
        );
    }
    let input = root.required("input", shape_of);
    let mut known = vec![Known { name: "input".to_owned(), output: input }];
    let mut layers = Vec::new();
    for table in root.tables("layer", "a layer") {
        let (layer, name) = decode_layer(&table, &known);
        let mut output = None;
        if let Some(layer) = layer {
            match layer.kernels().and_then(|_| layer.output()) {
                Ok(shape) => {
                    output = Some(shape);
                    check_output(&table, shape);
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
            }
            known.push(Known { name, output });
        }
    }
    Some(layers)
}

fn shape_of(value: &Value<'_>) -> Option<Shape> {
    let items = value.items()?;
    let [channels, height, width] = items.as_slice() else {
        return value.reject("a shape has three extents", "write `[channels, height, width]`");
    };
    let extent = |value: &Value<'_>| value.integer(1..=MAX_DIMENSION);
    Some(Shape { channels: extent(channels)?, height: extent(height)?, width: extent(width)? })
}

/// Compares a stated `output` with the inferred one.
fn check_output(table: &Table<'_>, inferred: Shape) {
    let Some(stated) = table.optional("output", |value| value.at(shape_of)) else { return };
    if stated.value != inferred {
        table.report(
            table
                .problem_at(&stated.range, format!("the layer gives {inferred}, not {}", stated.value))
                .help("correct the layer's dimensions, or the stated output"),
        );
    }
}

/// The layer, and its name even where the rest could not be read.
fn decode_layer(table: &Table<'_>, known: &[Known]) -> (Option<Layer>, Option<At<String>>) {
    let name = table.required("name", |value| value.at(|value| value.string().map(str::to_owned)));
    let table = match &name {
        Some(name) => table.clone().named(format!("layer `{}`", name.value)),
        None => table.clone(),
    };
    let operator = table
        .required("operator", |value| {
            let choices: Vec<(&str, &str)> = OPERATORS.iter().map(|name| (*name, *name)).collect();
            value.choice(&choices)
        })
        .and_then(|operator| decode_operator(&table, operator, &inputs_of(&table, known)));
    let layer = name.as_ref().zip(operator).map(|(name, operator)| Layer {
        name: name.value.clone(),
        operator,
        published: None,
    });
    (layer, name)
}

/// The shapes of the layers that `input` names, or of the previous layer. A shape that is not
/// known because its layer has a problem of its own is left out without a further message.
fn inputs_of(table: &Table<'_>, known: &[Known]) -> Vec<Shape> {
    let find = |value: &Value<'_>| {
        let name = value.string()?;
        let found = known.iter().find(|known| known.name == name);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
            return value.reject(
                format!("there is no layer `{name}` before this one"),
                suggestion(name, "layer", &names),
            );
        }
        found.and_then(|known| known.output)
    };
    match table.get("input") {
        None => known.last().and_then(|known| known.output).into_iter().collect(),
        Some(value) if value.is_array() => {
            if value.items().is_some_and(|items| items.is_empty()) {
                value.reject::<()>("the list of inputs is empty", "name a layer, or remove `input`");
            }
            table.list("input", find)
        }
        Some(value) => find(&value).into_iter().collect(),
    }
}

fn decode_operator(table: &Table<'_>, operator: &str, inputs: &[Shape]) -> Option<Operator> {
    let only = |extra: &[&str]| {
        let mut keys = vec!["name", "operator", "input", "output"];
        keys.extend(extra);
        table.only(&keys);
    };
    let extent = |value: &Value<'_>| value.integer(1..=MAX_DIMENSION);
    let window = |value: &Value<'_>| value.pair(1..=MAX_DIMENSION);
    let padding = |value: &Value<'_>| value.pair(0..=MAX_DIMENSION);
    let single = || match inputs {
        [single] => Some(*single),
        // Zero: its own problem was reported where the shape was lost.
        [] => None,
        _ => {
            table.report(
                table
                    .problem(format!("`{operator}` takes one input and is given {}", inputs.len()))
                    .help("name one layer, or put a `concatenate` or `add` before it"),
            );
            None
        }
    };
    match operator {
        "convolution" | "transposed-convolution" => {
            only(&["channels", "kernel", "stride", "padding", "dilation", "groups"]);
            let channels = table.required("channels", extent);
            let kernel = table.required("kernel", window);
            let input = single();
            let groups = table.or("groups", 1, |value| {
                if value.is_string() {
                    value.choice(&[("depthwise", ())])?;
                    input.map(|input| input.channels)
                } else {
                    value.integer(1..=MAX_DIMENSION)
                }
            });
            Some(Operator::Convolution(Convolution {
                stride: table.or("stride", [1, 1], window),
                padding: table.or("padding", [0, 0], padding),
                dilation: table.or("dilation", [1, 1], window),
                groups,
                transposed: operator == "transposed-convolution",
                input: input?,
                output_channels: channels?,
                kernel: kernel?,
            }))
        }
        "fully-connected" => {
            only(&["features", "flatten"]);
            let columns = table.required("features", extent);
            let flatten = table.or("flatten", false, Value::boolean);
            let input = single()?;
            let (rows, inner) = if flatten {
                (1, extent_of(table, "the flattened input", input.elements())?)
            } else if input.width == 1 {
                (input.height, input.channels)
            } else {
                table.report(
                    table
                        .problem(format!(
                            "a fully connected layer takes tokens, and is given a plane of {input}"
                        ))
                        .help("add `flatten = true`, or a `global-pool` or `tokens` layer before it"),
                );
                return None;
            };
            Some(Operator::Gemm(Gemm { rows, inner, columns: columns? }))
        }
        "attention" => {
            only(&["heads", "keys"]);
            let heads = table.required("heads", extent);
            let keys = table.optional("keys", extent);
            let input = sequence(table, single()?)?;
            let queries = input.height;
            let (embedding, keys) = (input.channels, keys.unwrap_or(queries));
            Some(Operator::Attention(Attention { embedding, heads: heads?, queries, keys }))
        }
        "lstm" | "gru" | "rnn" => {
            only(&["hidden", "bidirectional"]);
            let cell = match operator {
                "lstm" => Cell::Lstm,
                "gru" => Cell::Gru,
                _ => Cell::Rnn,
            };
            let hidden = table.required("hidden", |value| value.integer(1..=MAX_DIMENSION / 8));
            let bidirectional = table.or("bidirectional", false, Value::boolean);
            let input = sequence(table, single()?)?;
            let (features, steps) = (input.channels, input.height);
            Some(Operator::Recurrent(Recurrent { cell, features, hidden: hidden?, steps, bidirectional }))
        }
        "max-pool" | "average-pool" => {
            only(&["kernel", "stride", "padding"]);
            let kernel = table.required("kernel", window);
            let stride = table.optional("stride", window);
            let padding = table.or("padding", [0, 0], padding);
            let (input, kernel) = (single()?, kernel?);
            Some(Operator::Pool(Pool { input, kernel, stride: stride.unwrap_or(kernel), padding }))
        }
        "global-pool" => {
            only(&[]);
            let input = single()?;
            let kernel = [input.height, input.width];
            Some(Operator::Pool(Pool { input, kernel, stride: [1, 1], padding: [0, 0] }))
        }
        "add" | "multiply" => {
            only(&[]);
            let (first, rest) = several(table, operator, inputs)?;
            for other in rest.iter().filter(|other| *other != first) {
                table.report(
                    table
                        .problem(format!("`{operator}` of unequal shapes: {first} and {other}"))
                        .help("the inputs must have the same channels, height and width"),
                );
            }
            let operations = u32::try_from(rest.len()).unwrap_or(u32::MAX).max(1);
            let elements_in = inputs.iter().fold(0_u64, |sum, input| sum.saturating_add(input.elements()));
            Some(Operator::Elementwise(Elementwise { output: *first, elements_in, operations }))
        }
        "activation" | "softmax" => {
            only(&["operations"]);
            let default = if operator == "softmax" { 5 } else { 1 };
            let operations = table.or("operations", default, |value| value.integer(0..=1_000));
            let output = single()?;
            let elements_in = output.elements();
            Some(Operator::Elementwise(Elementwise { output, elements_in, operations }))
        }
        "concatenate" => {
            only(&[]);
            let (first, rest) = several(table, operator, inputs)?;
            for other in
                rest.iter().filter(|other| (other.height, other.width) != (first.height, first.width))
            {
                table.report(
                    table
                        .problem(format!("`concatenate` of unequal planes: {first} and {other}"))
                        .help("the inputs must have the same height and width"),
                );
            }
            let channels = inputs.iter().map(|input| u64::from(input.channels)).sum();
            let channels = extent_of(table, "the number of channels", channels)?;
            let output = Shape { channels, ..*first };
            // Producers write next to each other: nothing moves.
            Some(Operator::Elementwise(Elementwise { output, elements_in: 0, operations: 0 }))
        }
        "resize" => {
            only(&["factor", "operations"]);
            let factor = table.required("factor", |value| value.pair(1..=1_024));
            // Nearest neighbour by default; bilinear takes about 8.
            let operations = table.or("operations", 1, |value| value.integer(0..=1_000));
            let (input, [vertical, horizontal]) = (single()?, factor?);
            let output = Shape {
                channels: input.channels,
                height: extent_of(table, "the height", u64::from(input.height) * u64::from(vertical))?,
                width: extent_of(table, "the width", u64::from(input.width) * u64::from(horizontal))?,
            };
            Some(Operator::Elementwise(Elementwise { output, elements_in: input.elements(), operations }))
        }
        "batch-norm" | "layer-norm" | "group-norm" => {
            only(&[]);
            Some(Operator::Normalisation(Normalisation { shape: single()? }))
        }
        "tokens" => {
            only(&[]);
            let input = single()?;
            let tokens = u64::from(input.height) * u64::from(input.width);
            let height = extent_of(table, "the number of tokens", tokens)?;
            let output = Shape { channels: input.channels, height, width: 1 };
            Some(Operator::Elementwise(Elementwise { output, elements_in: 0, operations: 0 }))
        }
        // The last of OPERATORS: tokens back to a plane.
        _ => {
            only(&["height", "width"]);
            let height = table.required("height", |value| value.at(extent));
            let width = table.required("width", extent);
            let (input, height, width) = (single()?, height?, width?);
            let output = Shape { channels: input.channels, height: height.value, width };
            if output.elements() != input.elements() {
                table.report(
                    table
                        .problem_at(&height.range, format!("{input} has no plane of {output}"))
                        .help("height x width must equal the number of tokens"),
                );
            }
            Some(Operator::Elementwise(Elementwise { output, elements_in: 0, operations: 0 }))
        }
    }
}

/// An extent that follows from others, which may be more than any layer has.
fn extent_of(table: &Table<'_>, what: &str, extent: u64) -> Option<u32> {
    let allowed = u32::try_from(extent).ok().filter(|extent| *extent <= MAX_DIMENSION);
    if allowed.is_none() {
        table.report(
            table
                .problem(format!("{what} is {extent}, beyond {MAX_DIMENSION}"))
                .help("lower the extents of its inputs"),
        );
    }
    allowed
}

/// The inputs of an operator that joins several. Fewer may be known where some have problems of
/// their own; a list that names fewer is a slip.
fn several<'i>(table: &Table<'_>, operator: &str, inputs: &'i [Shape]) -> Option<(&'i Shape, &'i [Shape])> {
    let named = table
        .get("input")
        .filter(Value::is_array)
        .and_then(|value| value.items())
        .map_or(1, |items| items.len());
    if named < 2 {
        table.report(
            table
                .problem(format!("`{operator}` joins several inputs and is given {named}"))
                .help("name them: `input = [\"one\", \"other\"]`"),
        );
        return None;
    }
    inputs.split_first()
}

fn sequence(table: &Table<'_>, input: Shape) -> Option<Shape> {
    if input.width == 1 {
        return Some(input);
    }
    table.report(
        table
            .problem(format!("this layer takes tokens, and is given a plane of {input}"))
            .help("put a `tokens` layer before it"),
    );
    None
}

/// The bytes of the file's first line, for problems with the file as a whole.
pub(crate) fn first_line(source: &Source) -> Range<usize> {
    0..source.text().lines().next().map_or(0, str::len)
}
