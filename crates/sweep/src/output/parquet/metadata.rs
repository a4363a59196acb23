//! Metadata of a Parquet file: where the table comes from, and what each column means.

use std::io;

use parquet::file::metadata::KeyValue;
use serde_json::{Map, Value, json};

use super::arrow_schema;
use crate::output::field::OUTPUT_VERSION;
use crate::output::tables::Table;
use crate::plan::Plan;

/// The keys of a table's file; `manifest` is the hash of the manifest beside it.
pub(super) fn of(table: &Table, plan: &Plan<'_>, manifest: &str) -> io::Result<Vec<KeyValue>> {
    let spec = plan.spec();
    let origin = [
        ("rtmm.table", table.name.to_owned()),
        ("rtmm.key", table.key.join(",")),
        ("rtmm.output_version", OUTPUT_VERSION.to_string()),
        ("rtmm.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("rtmm.sweep", plan.axes().name.clone()),
        ("rtmm.runner", spec.name.to_string()),
        ("rtmm.result_version", spec.result_version.to_string()),
        ("rtmm.manifest_blake3", manifest.to_owned()),
    ];
    let columns: Map<String, Value> = table
        .fields
        .iter()
        .map(|field| (field.name.to_string(), json!({ "unit": field.unit, "meaning": field.meaning })))
        .collect();
    let columns = Value::Object(columns);
    let mut attributes: Map<String, Value> =
        origin.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))).collect();
    attributes.insert("rtmm.columns".to_owned(), columns.clone());
    let mut entries: Vec<KeyValue> =
        origin.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect();
    entries.push(KeyValue::new("rtmm.columns".to_owned(), serde_json::to_string(&columns)?));
    entries.push(KeyValue::new("PANDAS_ATTRS".to_owned(), serde_json::to_string(&attributes)?));
    let said = entries.iter().filter_map(|entry| Some((entry.key.as_str(), entry.value.as_deref()?)));
    let schema = arrow_schema::of(&table.fields, said);
    entries.push(KeyValue::new("ARROW:schema".to_owned(), schema));
    Ok(entries)
}
