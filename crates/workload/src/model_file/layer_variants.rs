//! The table `[layer_variants]` of a model file: rows of layers that run in place of those of the same name, and the accuracy of
//! every set of them.
//!
//! ```toml
//! [layer_variants]
//! layers = "net_variants.csv"        # a layer table
//! accuracies = "net_accuracy.csv"    # layers,accuracy: `none`, `conv1`, `conv1+conv2`
//! ```

use std::sync::Arc;

use crate::ids::LayerId;
use crate::input::{CsvRow, CsvTable, Source, Table, Value, suggestion};
use crate::layer::Layer;
use crate::layer_table::{Legality, TableRow, read_layer_table};
use crate::layer_variants::{LayerVariants, VariantSet};
use crate::model::Model;
use crate::model_file::OpenTable;

/// The name of the variant that runs no layer variant.
const ORIGINAL: &str = "original";
/// The name of the one that runs all of them.
const VERSIONED: &str = "versioned";

/// Makes a model of a file that has layer variants the pair that it stands for; records every problem. The same model where it has
/// none.
pub(super) fn decode_layer_variants(
    root: &Table<'_>,
    model: Model,
    legality: Legality,
    open: &OpenTable<'_>,
) -> Option<Model> {
    let Some(value) = root.get("layer_variants") else { return Some(model) };
    let table = value.table()?.named("`[layer_variants]`");
    table.only(&["layers", "accuracies"]);
    if model.is_dynamic() || model.is_sampled() {
        return value.reject(
            "only a model of which all inferences are alike has layer variants",
            "remove what it skips, its exits and its samples, or `layer_variants`",
        );
    }
    if let Some(accuracy) = root.get("accuracy") {
        accuracy
            .reject::<()>("the accuracies of a model with layer variants stand in their table", "remove it");
    }
    let rows = table.required("layers", |value| variants_of_table(value, &model, legality, open))?;
    let layers: Vec<LayerId> = rows.iter().map(|(layer, _)| *layer).collect();
    let accuracies =
        table.required("accuracies", |value| accuracies_of_table(value, &model, &layers, open))?;
    let of = |runs_all| {
        let (layers, accuracies) = (layers.clone(), accuracies.clone());
        Arc::new(LayerVariants { layers, accuracies, runs_all })
    };
    let (none, all) = (of(false), of(true));
    let everything = (0..rows.len()).fold(VariantSet::EMPTY, VariantSet::with);
    let named = |variant: &str| (format!("{}/{variant}", model.name), Some(variant.to_owned()));
    let mut versioned = Model { accuracy: all.accuracy(everything), ..model.clone() };
    (versioned.name, versioned.variant) = named(VERSIONED);
    versioned.layer_variants = Some(all);
    for (layer, version) in rows {
        versioned.layers[layer.index()] = version;
    }
    let (name, variant) = named(ORIGINAL);
    let accuracy = none.accuracy(VariantSet::EMPTY);
    let layer_variants = Some(none);
    Some(Model { name, variant, accuracy, layer_variants, variants: vec![versioned], ..model })
}

/// Opens a table that a value names; the problem is recorded.
fn opened(value: &Value<'_>, open: &OpenTable<'_>) -> Option<Source> {
    match open(value.string()?) {
        Ok(table) => Some(table),
        Err(problem) => {
            value.document().report(problem.see(value.document().source(), value.range(), "named here"));
            None
        }
    }
}

/// The position of a layer of a name.
fn layer_of(model: &Model, name: &str) -> Option<usize> {
    model.layers.iter().position(|layer| layer.name == name)
}

/// Why there is no such layer.
fn no_such_layer(model: &Model, name: &str) -> (String, String) {
    let names: Vec<&str> = model.layers.iter().map(|layer| layer.name.as_str()).collect();
    (format!("the model has no layer `{name}`"), suggestion(name, "layer", &names))
}

/// The variants of a layer table, ascending by the layer that each runs in place of.
fn variants_of_table(
    value: &Value<'_>,
    model: &Model,
    legality: Legality,
    open: &OpenTable<'_>,
) -> Option<Vec<(LayerId, Layer)>> {
    let table = opened(value, open)?;
    let mut rows: Vec<TableRow> = Vec::new();
    let problems = read_layer_table(&table, legality, |row| rows.push(row));
    let is_complete = problems.is_empty();
    value.document().report_all(problems);
    let mut variants: Vec<(LayerId, Layer)> = Vec::new();
    let mut are_right = is_complete;
    for TableRow { layer, range, .. } in rows {
        let mut reject = |message: String, help: String| {
            let problem = crate::input::Diagnostic::new(message, &table, range.clone());
            let named = problem.see(value.document().source(), value.range(), "named here");
            value.document().report(named.help(help));
            are_right = false;
        };
        let Some(at) = layer_of(model, &layer.name) else {
            let (message, help) = no_such_layer(model, &layer.name);
            reject(message, help);
            continue;
        };
        let (own, of_layer) = (layer.input_elements(), model.layers[at].input_elements());
        if variants.iter().any(|(known, _)| known.index() == at) {
            reject(format!("layer `{}` has two variants", layer.name), "keep one of the two".to_owned());
        } else if own != of_layer {
            reject(
                format!(
                    "the variant of layer `{}` reads {own} elements, and the layer {of_layer}",
                    layer.name
                ),
                "a variant rearranges its layer's input: correct the row".to_owned(),
            );
        } else {
            variants.push((LayerId::new(at), layer));
        }
    }
    if is_complete && variants.len() > VariantSet::MAX_LAYERS {
        let most = VariantSet::MAX_LAYERS;
        return value.reject(format!("more than {most} layers have variants"), "keep fewer of them");
    }
    if is_complete && are_right && variants.is_empty() {
        return value
            .reject("the table has no rows", "add a row for each variant, or remove `layer_variants`");
    }
    variants.sort_by_key(|(layer, _)| *layer);
    are_right.then_some(variants)
}

/// The accuracies of a table, ascending by set.
fn accuracies_of_table(
    value: &Value<'_>,
    model: &Model,
    layers: &[LayerId],
    open: &OpenTable<'_>,
) -> Option<Vec<(VariantSet, f64)>> {
    let table = opened(value, open)?;
    let mut csv = CsvTable::parse(&table, &["layers", "accuracy"]);
    csv.only(&["layers", "accuracy"]);
    let columns = csv.column("layers").zip(csv.column("accuracy"));
    let mut accuracies: Vec<(VariantSet, f64)> = Vec::new();
    let problems = csv.each_row(|row| {
        let Some((of_layers, of_accuracy)) = columns else { return };
        let set = set_of(row, of_layers, model, layers);
        let accuracy = row.number(of_accuracy, 0.0..=1.0);
        let (Some(set), Some(accuracy)) = (set, accuracy) else { return };
        if accuracies.iter().any(|(known, _)| *known == set) {
            row.reject(of_layers, "this set has two accuracies", "keep one of the two rows");
        } else {
            accuracies.push((set, accuracy));
        }
    });
    if !problems.is_empty() {
        value.document().report_all(problems);
        return None;
    }
    accuracies.sort_by_key(|(set, _)| *set);
    if accuracies.first().is_none_or(|(set, _)| *set != VariantSet::EMPTY) {
        let message = "the table does not say how accurate the model is without variants";
        return value.reject(message, "add a row `none`");
    }
    Some(accuracies)
}

/// The set that a row names.
fn set_of(row: &mut CsvRow<'_>, column: usize, model: &Model, layers: &[LayerId]) -> Option<VariantSet> {
    let text = row.text(column).to_owned();
    let mut set = VariantSet::EMPTY;
    for name in text.split('+').filter(|name| *name != "none" || text != "none") {
        let Some(at) = layer_of(model, name) else {
            let (message, help) = no_such_layer(model, name);
            row.reject(column, message, help);
            return None;
        };
        let Ok(position) = layers.binary_search(&LayerId::new(at)) else {
            let message = format!("layer `{name}` has no variant");
            row.reject(column, message, "add its row to the table of `layers`, or remove it here");
            return None;
        };
        set = set.with(position);
    }
    Some(set)
}
