//! Operators of layers: their keys, and what they make of the shapes that they are given.

use crate::input::{Table, Value};
use crate::layer::{
    Attention, Convolution, Elementwise, Gemm, Normalisation, Operator, Pool, Recurrent, RecurrentCell, Shape,
};
use crate::model_file::parameters::ModelParameters;
use crate::shape_error::MAX_DIMENSION;
use crate::window::Padding;

/// Decodes the keys of an operator that reads `inputs`; records every problem.
pub(super) fn decode_operator(
    table: &Table<'_>,
    operator: &str,
    inputs: &[Shape],
    parameters: &ModelParameters,
) -> Option<Operator> {
    let only = |extra: &[&str]| {
        let mut keys = vec!["name", "operator", "input", "output", "batch", "live_bytes", "precision"];
        keys.extend(extra);
        table.only(&keys);
    };
    let extent = |value: &Value<'_>| parameters.integer(value, 1..=MAX_DIMENSION);
    let window = |value: &Value<'_>| parameters.pair(value, 1..=MAX_DIMENSION);
    let padding = |value: &Value<'_>| parameters.padding(value);
    let added = |value: &Value<'_>| parameters.pair(value, 0..=MAX_DIMENSION);
    let operations = |value: &Value<'_>| parameters.integer(value, 0..=1_000);
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
            let transposed = operator == "transposed-convolution";
            let keys = ["channels", "kernel", "stride", "padding", "dilation", "groups", "output_padding"];
            only(if transposed { &keys } else { &keys[..6] });
            let channels = table.required("channels", extent);
            let kernel = table.required("kernel", window);
            let input = single();
            let groups = table.or("groups", 1, |value| {
                if value.is_string() && !parameters.has(value) {
                    value.choice(&[("depthwise", ())])?;
                    input.map(|input| input.channels)
                } else {
                    extent(value)
                }
            });
            Some(Operator::Convolution(Convolution {
                stride: table.or("stride", [1, 1], window),
                padding: table.or("padding", Padding::NONE, padding),
                output_padding: if transposed { table.or("output_padding", [0, 0], added) } else { [0, 0] },
                dilation: table.or("dilation", [1, 1], window),
                groups,
                transposed,
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
                "lstm" => RecurrentCell::Lstm,
                "gru" => RecurrentCell::Gru,
                _ => RecurrentCell::Rnn,
            };
            let hidden = table.required("hidden", |value| parameters.integer(value, 1..=MAX_DIMENSION / 8));
            let bidirectional = table.or("bidirectional", false, Value::boolean);
            let input = sequence(table, single()?)?;
            let (features, steps) = (input.channels, input.height);
            Some(Operator::Recurrent(Recurrent { cell, features, hidden: hidden?, steps, bidirectional }))
        }
        "max-pool" | "average-pool" => {
            only(&["kernel", "stride", "padding"]);
            let kernel = table.required("kernel", window);
            let stride = table.optional("stride", window);
            let padding = table.or("padding", Padding::NONE, padding);
            let (input, kernel) = (single()?, kernel?);
            Some(Operator::Pool(Pool { input, kernel, stride: stride.unwrap_or(kernel), padding }))
        }
        "global-pool" => {
            only(&[]);
            let input = single()?;
            let kernel = [input.height, input.width];
            Some(Operator::Pool(Pool { input, kernel, stride: [1, 1], padding: Padding::NONE }))
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
            let operations = table.or("operations", default, operations);
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
            let factor = table.required("factor", |value| parameters.pair(value, 1..=1_024));
            // Nearest neighbour by default; bilinear takes about 8.
            let operations = table.or("operations", 1, operations);
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
        // The last of `OperatorKind::WRITTEN`: tokens back to a plane.
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
    let items = table.get("input").filter(Value::is_array).and_then(|value| value.items());
    // The three extents of a layer that stands alone are one input.
    let is_extent = |item: &Value<'_>| !item.is_string() && !item.is_array();
    let is_shape = inputs.len() == 1 && items.iter().flatten().all(is_extent);
    let named = items.map_or(1, |items| if is_shape { 1 } else { items.len() });
    if named < 2 {
        let help = if is_shape && table.has("input") {
            "list a shape for each: `input = [[64, 56, 56], [64, 56, 56]]`"
        } else {
            "name them: `input = [\"one\", \"other\"]`"
        };
        let message = format!("`{operator}` joins several inputs and is given {named}");
        table.report(table.problem(message).help(help));
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
