//! Batches: the inputs that a layer takes at once, stated by it, by what it reads, or by the model.

use crate::input::{Table, Value};
use crate::model_file::parameters::ModelParameters;
use crate::shape_error::MAX_DIMENSION;

/// The batch that a table states, of the model or of a layer.
pub(super) fn stated_batch(table: &Table<'_>, parameters: &ModelParameters) -> Option<u32> {
    table.optional("batch", |value: &Value<'_>| parameters.integer(value, 1..=MAX_DIMENSION))
}

/// The batch of a layer that reads layers of the batches `given`: what it states, or what they have in common; `default` of
/// one that reads none.
pub(super) fn batch_of(table: &Table<'_>, parameters: &ModelParameters, given: &[u32], default: u32) -> u32 {
    if let Some(stated) = stated_batch(table, parameters) {
        return stated;
    }
    let Some((first, rest)) = given.split_first() else { return default };
    if let Some(other) = rest.iter().find(|other| *other != first).filter(|_| !table.has("batch")) {
        table.report(
            table
                .problem(format!("the layer reads layers of different batches, {first} and {other}"))
                .help("state its own, such as `batch = 8`"),
        );
    }
    *first
}
