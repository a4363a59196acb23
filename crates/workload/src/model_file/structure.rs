//! Runs of layers in a model file: blocks, which an inference may skip, and exits,
//! where it may end.

use std::ops::Range;

use crate::ids::LayerId;
use crate::input::{At, Table, Value, suggestion};
use crate::layer::Shape;
use crate::model::{Block, Exit};
use crate::realisation::MAX_BLOCKS;

/// A layer as blocks and exits see it.
pub(super) struct Place {
    pub name: String,
    /// The shape of the first input; none where it is not known, or not held to its neighbours'.
    pub input: Option<Shape>,
    /// The shape of the output; none as for `input`.
    pub output: Option<Shape>,
    /// The layers that it reads, by position; of a table, none: each row reads the row before.
    pub reads: Vec<usize>,
}

/// A block or an exit, and where it says where it ends.
type Placed<T> = (T, Range<usize>);

/// Decodes all `[[block]]` tables; records every problem.
pub(super) fn decode_blocks(root: &Table<'_>, places: &[Place]) -> Vec<Block> {
    let mut blocks: Vec<Placed<Block>> = Vec::new();
    let tables = tables(root, "block", "a block");
    for table in &tables {
        table.only(&["name", "first", "last", "skip_probability"]);
        let name = name_of(table, "block", |name| blocks.iter().any(|(block, _)| block.name == name));
        let first = table.required("first", |value| layer_of(value, places));
        let last = table.required("last", |value| layer_of(value, places));
        let skip_probability = table.or("skip_probability", 0.0, Value::probability);
        let (Some(name), Some(first), Some(last)) = (name, first, last) else { continue };
        if first.value > last.value {
            table.report(
                table
                    .problem_at(&last.range, format!("block `{name}` ends before it begins"))
                    .see(table.document().source(), first.range, "it begins here")
                    .help("exchange `first` and `last`"),
            );
            continue;
        }
        let block = Block {
            name,
            first: LayerId::new(first.value),
            last: LayerId::new(last.value),
            skip_probability,
        };
        if let Some((before, range)) = blocks.last()
            && before.last >= block.first
        {
            let (message, help) = if before.first > block.last {
                let message = format!("block `{}` stands before block `{}`", block.name, before.name);
                (message, "list blocks in the order of their layers")
            } else {
                let message = format!("blocks `{}` and `{}` share layers", before.name, block.name);
                (message, "let each block begin after the one before has ended")
            };
            table.report(
                table
                    .problem_at(&first.range, message)
                    .see(table.document().source(), range.clone(), "this one")
                    .help(help),
            );
        } else if block.skip_probability > 0.0 {
            check_skip(table, &block, places);
        }
        blocks.push((block, last.range));
    }
    blocks.into_iter().map(|(block, _)| block).collect()
}

/// Reports a block that can be skipped but whose absence would make no sense.
fn check_skip(table: &Table<'_>, block: &Block, places: &[Place]) {
    let (first, last) = (block.first.index(), block.last.index());
    let (Some(begins), Some(ends)) = (places.get(first), places.get(last)) else { return };
    if last + 1 == places.len() {
        table.report(
            table
                .problem(format!("block `{}` may be skipped and holds the last layer", block.name))
                .help("end it earlier: an inference ends with the last layer, or with an exit"),
        );
    }
    if let (Some(input), Some(output)) = (begins.input, ends.output)
        && input != output
    {
        table.report(
            table
                .problem(format!(
                    "block `{}` may be skipped but turns {input} into {output}",
                    block.name
                ))
                .help("what follows takes the block's input in its place: leave out layers that change the shape"),
        );
    }
    // The last layer's output is replaced by the block's input; that of others would be missing.
    let behind = places.get(last + 1..).unwrap_or_default();
    for reader in behind {
        let inside = reader.reads.iter().copied().find(|read| (first..last).contains(read));
        if let Some(read) = inside.and_then(|read| places.get(read)) {
            table.report(
                table
                    .problem(format!(
                        "block `{}` may be skipped but layer `{}` reads its inner layer `{}`",
                        block.name, reader.name, read.name
                    ))
                    .help(format!("only its last layer, `{}`, may be read from outside", ends.name)),
            );
        }
    }
}

/// Decodes all `[[exit]]` tables; records every problem.
pub(super) fn decode_exits(root: &Table<'_>, places: &[Place]) -> Vec<Exit> {
    let mut exits: Vec<Placed<Exit>> = Vec::new();
    let tables = tables(root, "exit", "an exit");
    for table in &tables {
        table.only(&["name", "after", "probability", "accuracy"]);
        let name = name_of(table, "exit", |name| exits.iter().any(|(exit, _)| exit.name == name));
        let after = table.required("after", |value| layer_of(value, places));
        let probability = table.required("probability", Value::probability);
        let accuracy = table.optional("accuracy", Value::probability);
        let (Some(name), Some(after)) = (name, after) else { continue };
        if after.value + 1 == places.len() {
            table.report(
                table
                    .problem_at(&after.range, format!("exit `{name}` stands after the last layer"))
                    .help("remove it: every inference that gets there ends there"),
            );
        }
        let after_layer = LayerId::new(after.value);
        if let Some((before, range)) = exits.last()
            && before.after >= after_layer
        {
            let (message, help) = if before.after == after_layer {
                let message = format!("exits `{}` and `{name}` stand after one layer", before.name);
                (message, "keep one of the two")
            } else {
                let message = format!("exit `{name}` stands before exit `{}`", before.name);
                (message, "list exits in the order of their layers")
            };
            table.report(
                table
                    .problem_at(&after.range, message)
                    .see(table.document().source(), range.clone(), "this one")
                    .help(help),
            );
        }
        // Without a probability the file is refused; names and order are checked all the same.
        let probability = probability.unwrap_or(0.0);
        exits.push((Exit { name, after: after_layer, probability, accuracy }, after.range));
    }
    exits.into_iter().map(|(exit, _)| exit).collect()
}

/// The tables of a key, at most as many as realisations have draws for.
fn tables<'d>(root: &Table<'d>, key: &str, what: &str) -> Vec<Table<'d>> {
    let mut tables = root.tables(key, what);
    if let Some(surplus) = tables.get(MAX_BLOCKS) {
        surplus.report(
            surplus
                .problem(format!(
                    "there are {} tables `[[{key}]]`; at most {MAX_BLOCKS} are allowed",
                    tables.len()
                ))
                .help("leave out those that matter least"),
        );
        tables.truncate(MAX_BLOCKS);
    }
    tables
}

/// The name of a block, exit or variant, if no other of its kind has it.
pub(super) fn name_of(table: &Table<'_>, kind: &str, is_taken: impl Fn(&str) -> bool) -> Option<String> {
    table.required("name", |value| {
        let name = value.string()?;
        if is_taken(name) {
            value.reject::<()>(
                format!("there are two {kind}s named `{name}`"),
                format!("give every {kind} a name of its own"),
            );
        }
        Some(name.to_owned())
    })
}

/// The position of the layer that a value names.
fn layer_of(value: &Value<'_>, places: &[Place]) -> Option<At<usize>> {
    let name = value.string()?;
    let mut found = places.iter().enumerate().filter(|(_, place)| place.name == name);
    match (found.next(), found.next()) {
        (Some((position, _)), None) => Some(At { value: position, range: value.range() }),
        // Rows of tables only: tables [[layer]] that are named alike have a problem of their own.
        (Some(_), Some(_)) => value.reject(
            format!("several layers are named `{name}`"),
            "give the rows names of their own in the column `layer_name`",
        ),
        (None, _) => {
            let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
            value.reject(format!("there is no layer `{name}`"), suggestion(name, "layer", &names))
        }
    }
}
