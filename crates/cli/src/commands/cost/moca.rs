//! `rtmm cost --compat moca`: the MoCA runtime's estimates of layers, and the settings of its throttle.

use std::iter;

use rtmm_reference::moca::contention::Setting;
use rtmm_reference::moca::layer_file::{self, COST_COLUMNS, LayerRow, LayerTable, SETTING_COLUMNS};
use rtmm_reference::moca::{Estimate, Fixes, MocaError};
use rtmm_workload::input::{Diagnostic, Diagnostics, Source};
use rtmm_workload::load;

use crate::args::Cost;
use crate::failure::Failure;
use crate::output::Rows;

pub(super) fn cost(arguments: &Cost) -> Result<(), Failure> {
    let unused = [
        ("--model", arguments.layers.model.is_some()),
        ("--accelerator", arguments.hardware.accelerator.is_some()),
        ("--platform", arguments.hardware.platform.is_some()),
        ("--clock-mhz", arguments.hardware.clock_mhz.is_some()),
        ("--batch", arguments.batch > 1),
        ("--threads", arguments.threads.is_some()),
    ];
    if let Some((name, _)) = unused.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::usage(
            format!("the MoCA runtime has no use for `{name}`: a table of calls says all"),
            format!("leave `{name}` out"),
        ));
    }
    let Some(path) = &arguments.layers.layers else {
        return Err(Failure::usage("the MoCA runtime estimates layers", "name a table with --layers FILE"));
    };
    let source = load::read(path)?;
    let LayerTable { rows, sets_throttles } = layer_file::read(&source)?;
    let columns: &[&'static str] = if sets_throttles { &SETTING_COLUMNS } else { &COST_COLUMNS };
    let mut problems = Diagnostics::default();
    let mut printed = Vec::with_capacity(rows.len());
    for row in &rows {
        match cells(row) {
            Ok(cells) => printed.push(iter::once(row.case.clone()).chain(cells).collect()),
            Err(error) => problems.push(refused(&source, row, &error)),
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let title = if sets_throttles { "Throttles, MoCA reference mode" } else { "Layers, MoCA reference mode" };
    let header: Vec<&'static str> = iter::once("case").chain(columns.iter().copied()).collect();
    let numbers = iter::once(false).chain(columns.iter().map(|_| true)).collect();
    Rows { title: title.to_owned(), header, numbers, rows: printed }.print(arguments.format)
}

/// The cells of a row behind its name.
fn cells(row: &LayerRow) -> Result<Vec<String>, MocaError> {
    let fixes = Fixes::default();
    let estimate = Estimate::of(&row.layer, row.split, &fixes)?;
    Ok(match &row.query {
        None => layer_file::cost_cells(&estimate),
        Some(query) => {
            let setting = Setting::of(&row.layer, row.split, &estimate, query, &fixes);
            layer_file::setting_cells(&setting, query.group)
        }
    })
}

/// A layer that cannot be estimated, with its place.
fn refused(source: &Source, row: &LayerRow, error: &MocaError) -> Diagnostic {
    let message = format!("layer `{}` cannot be estimated: {error}", row.case);
    Diagnostic::new(message, source, row.range.clone()).help(error.help())
}
