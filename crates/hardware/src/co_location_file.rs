//! Reading how runs slow each other down on an accelerator: the `co_location` table of a platform file.
//!
//! ```toml
//! [accelerator.co_location]
//! rule = "pairs"
//! file = "v100_pairs.csv"
//! unmeasured = 1.09
//! utilisation = "v100_utilisation.csv"
//! copies = { to_device = "copy_in", from_device = "copy_out", order = "fifo" }
//! ```

use std::sync::Arc;

use rtmm_workload::input::{Table, Value};

use crate::contention::{
    CoLocation, CoLocationRow, Copies, CopyOrder, Decoding, Utilisation, WEIGHTS, decode_file, decode_weights,
};

/// Reads a `co_location` table.
pub(crate) fn decode_co_location(value: &Value<'_>) -> Option<CoLocation> {
    let table = value.table()?.named("`co_location`");
    let row = table.required("rule", |value| {
        let rows = CoLocationRow::built_in().iter().map(|row| (row.name, row));
        value.choice(&rows.collect::<Vec<(&str, &CoLocationRow)>>())
    })?;
    table.only(&[&["rule", "utilisation", "prior", "copies"], row.keys].concat());
    let utilisation =
        table.optional("utilisation", |value| decode_file(value, Utilisation::parse).map(Arc::new));
    let prior = table.or("prior", [0.0; WEIGHTS], decode_weights);
    let copies = table.optional("copies", decode_copies);
    let rule = (row.decode)(&Decoding { table: &table, utilisation: utilisation.clone() })?;
    Some(CoLocation { rule, utilisation, prior, copies })
}

fn decode_copies(value: &Value<'_>) -> Option<Copies> {
    let table = value.table()?;
    table.only(&["to_device", "from_device", "order"]);
    let name = |table: &Table<'_>, key| table.required(key, |value| value.string().map(str::to_owned));
    let to_device = name(&table, "to_device");
    let from_device = name(&table, "from_device");
    let order = table.or("order", CopyOrder::default(), |value| value.choice(&CopyOrder::NAMED));
    let (to_device, from_device) = (to_device?, from_device?);
    if to_device == from_device {
        return value.reject("both directions have copies of one name", "name the layers of each direction");
    }
    Some(Copies { to_device, from_device, order })
}
