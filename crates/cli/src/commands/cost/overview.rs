//! Costs for a terminal: a line a layer, with the columns that all cost models have in common.
//!
//! Numbers have four digits that matter. Every digit and the details of cost models are in CSV and JSON; the terms of one
//! layer are what `rtmm explain` shows.

use std::io::Write;

use rayon::prelude::*;
use rtmm_hardware::{CostError, LayerOf};
use rtmm_report::{Column, TextTable};
use rtmm_workload::TableRow;

use super::columns::{COMMON, Common};
use super::refusals::Refusals;
use super::{TITLE, Target};
use crate::failure::Failure;
use crate::output::{rounded, section_table, stdout, style, text_row};

pub(super) fn print(layers: &[TableRow], targets: &[Target], batch: u32) -> Result<(), Failure> {
    let names_model = layers.iter().any(|row| row.model != layers[0].model);
    let names_accelerator = targets.iter().any(|target| !target.name.is_empty());
    let mut columns = vec![Column::text("layer")];
    columns.extend(names_model.then(|| Column::text("model")));
    columns.extend(names_accelerator.then(|| Column::text("accelerator")));
    let labels = columns.len();
    columns.extend(COMMON.map(Column::number));
    let mut title = if names_model { TITLE.to_owned() } else { format!("{TITLE} of {}", layers[0].model) };
    if batch > 1 {
        title += &format!(", {batch} at once");
    }
    let mut table = TextTable::new(title, columns);
    table.label_columns = labels;
    let mut refusals = Refusals::default();
    for (at, target) in targets.iter().enumerate() {
        let row = |row: &TableRow| {
            let common = Common::of(target, LayerOf { model: &row.model, layer: &row.layer }, batch)?;
            let mut cells = vec![row.layer.name.clone()];
            cells.extend(names_model.then(|| row.model.clone()));
            cells.extend(names_accelerator.then(|| target.name.clone()));
            cells.push(rounded(common.latency_us()));
            cells.push(rounded(common.energy_uj()));
            cells.push(common.utilisation.map(rounded).unwrap_or_default());
            cells.push(common.macs.map(|macs| macs.to_string()).unwrap_or_default());
            cells.push(common.dram_bytes().to_string());
            Ok(cells)
        };
        let rows: Vec<Result<Vec<String>, CostError>> = layers.par_iter().map(row).collect();
        for (place, row) in rows.into_iter().enumerate() {
            match row {
                Ok(cells) => table.rows.push(text_row(&cells)),
                Err(error) => refusals.add(place, at, error),
            }
        }
    }
    let mut out = stdout();
    write!(out, "{}", table.to_terminal(&style()))?;
    for target in targets {
        if let Some(mut prices) = target.prices() {
            if !target.name.is_empty() {
                prices.title = format!("{} of {}", prices.title, target.name);
            }
            write!(out, "\n{}", section_table(&prices).to_terminal(&style()))?;
        }
    }
    out.flush()?;
    refusals.report(layers, targets)
}
