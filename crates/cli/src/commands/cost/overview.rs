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
use crate::output::{section_table, stdout, style, text_row};

/// Digits of a number that matter.
const DIGITS: i32 = 4;
/// The most decimals.
const MAX_DECIMALS: i32 = 6;

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

/// A number with the digits that matter.
fn rounded(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    // Digits before the point; below one, less the zeros behind it.
    let mut whole = 0;
    let mut rest = number.abs();
    while rest >= 1.0 {
        (whole, rest) = (whole + 1, rest / 10.0);
    }
    while rest < 0.1 && whole > -MAX_DECIMALS {
        (whole, rest) = (whole - 1, rest * 10.0);
    }
    let decimals = (DIGITS - whole).clamp(0, MAX_DECIMALS);
    format!("{number:.*}", decimals as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let shown = [0.0, 0.000_001_26, 0.012_345_6, 1.0, 127.475, 9_999.6, 123_456.7].map(rounded);
        assert_eq!(shown, ["0", "0.000001", "0.01235", "1.000", "127.5", "10000", "123457"]);
    }
}
