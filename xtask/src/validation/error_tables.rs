//! Tables of errors: by load, by sensitivity, by task, and of the order of policies; and all values as a table of data.

use super::Problem;
use super::compare::{Beside, Compared, Comparison, Quantity, repeats};
use super::predict::MAIN;
use super::session::ALL;
use super::statistics::{median, quantile};
use super::verdict::Band;
use crate::markdown::{MISSING, number, table};

/// Mean and largest, or median and 90th percentile.
fn two(values: &[f64], of: [Option<f64>; 2], decimals: usize) -> String {
    if values.is_empty() {
        return MISSING.to_owned();
    }
    format!("{} / {}", number(of[0], decimals), number(of[1], decimals))
}

/// Errors of a set of cells: mean and largest of the miss rates of all jobs, and over tasks the median and the 90th percentile of
/// each percentile.
fn summary(misses: &[f64], percentiles: impl Iterator<Item = Vec<f64>>) -> Vec<String> {
    let mean = (!misses.is_empty()).then(|| misses.iter().sum::<f64>() / misses.len() as f64);
    let mut cells = vec![two(misses, [mean, quantile(misses, 1.0)], 2)];
    cells.extend(percentiles.map(|errors| two(&errors, [median(&errors), quantile(&errors, 0.9)], 1)));
    cells
}

pub(super) fn errors(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let mut rows = Vec::new();
    for load in comparison.loads() {
        let cells: Vec<&Compared<'_>> =
            comparison.cells.iter().filter(|compared| compared.cell.load == load).collect();
        for (place, predictor) in comparison.predictors.iter().enumerate() {
            let misses: Vec<f64> =
                cells.iter().filter_map(|cell| cell.overall(place)).map(|beside| beside.error).collect();
            let percentiles = Quantity::PERCENTILES.into_iter().map(|quantity| {
                let tasks = cells.iter().flat_map(|cell| cell.tasks(place, quantity));
                tasks.map(|beside| beside.error).collect()
            });
            let mut row = vec![load.to_owned(), (*predictor).to_owned()];
            row.extend(summary(&misses, percentiles));
            rows.push(row);
        }
        let of = |task: &str, cell: &Compared<'_>, quantity| repeats(cell.cell, task, quantity);
        let misses: Vec<f64> = cells.iter().flat_map(|cell| of(ALL, cell, Quantity::Misses)).collect();
        let percentiles = Quantity::PERCENTILES.into_iter().map(|quantity| {
            let tasks = cells.iter().flat_map(|cell| cell.cell.tasks().map(move |task| (*cell, task)));
            tasks.flat_map(|(cell, task)| of(task, cell, quantity)).collect()
        });
        let mut row = vec![load.to_owned(), "*one repeat for another*".to_owned()];
        row.extend(summary(&misses, percentiles));
        rows.push(row);
    }
    let header = ["load", "simulated with", "misses, points", "p50, %", "p95, %", "p99, %"];
    Ok(table(&header, &rows))
}

pub(super) fn bands(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let main = comparison.place(MAIN);
    let mut rows = Vec::new();
    for band in Band::ALL {
        let cells: Vec<&Compared<'_>> =
            comparison.cells.iter().filter(|compared| Band::of(compared) == band).collect();
        let all: Vec<Beside<'_>> = cells.iter().filter_map(|cell| cell.overall(main)).collect();
        let largest: Vec<f64> = all.iter().map(|beside| beside.widest).collect();
        let mut row = vec![
            band.name().to_owned(),
            cells.len().to_string(),
            two(&largest, [median(&largest), quantile(&largest, 1.0)], 2),
        ];
        for place in 0..comparison.predictors.len() {
            let errors: Vec<f64> =
                cells.iter().filter_map(|cell| cell.overall(place)).map(|beside| beside.error).collect();
            row.push(two(&errors, [median(&errors), quantile(&errors, 1.0)], 2));
        }
        rows.push(row);
    }
    let mut header = vec!["sensitivity, points", "cells", "spread of repeats"];
    header.extend(&comparison.predictors);
    Ok(table(&header, &rows))
}

/// Models and tasks over all cells below one point of sensitivity.
pub(super) fn tasks(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let main = comparison.place(MAIN);
    let cells: Vec<&Compared<'_>> =
        comparison.cells.iter().filter(|compared| Band::of(compared) == Band::Calm).collect();
    let mut names: Vec<(&str, &str)> = Vec::new();
    for compared in &cells {
        for task in compared.cell.tasks() {
            let key = (compared.cell.scenario.as_str(), task);
            if !names.contains(&key) {
                names.push(key);
            }
        }
    }
    let mut rows = Vec::new();
    for (scenario, task) in names {
        let of_task: Vec<&&Compared<'_>> =
            cells.iter().filter(|compared| compared.cell.scenario == scenario).collect();
        let mut row = vec![scenario.to_owned(), format!("`{task}`")];
        for quantity in std::iter::once(Quantity::Misses).chain(Quantity::PERCENTILES) {
            let errors: Vec<f64> = of_task
                .iter()
                .filter_map(|compared| compared.beside(main, task, quantity))
                .map(|beside| beside.error)
                .collect();
            let floor: Vec<f64> =
                of_task.iter().flat_map(|compared| repeats(compared.cell, task, quantity)).collect();
            let decimals = if quantity == Quantity::Misses { 2 } else { 1 };
            let both = [median(&errors), quantile(&errors, 1.0)];
            row.push(format!(
                "{} ({})",
                two(&errors, both, decimals),
                two(&floor, [median(&floor), quantile(&floor, 1.0)], decimals)
            ));
        }
        rows.push(row);
    }
    let header = ["scenario", "task", "misses, points", "p50, %", "p95, %", "p99, %"];
    Ok(table(&header, &rows))
}

pub(super) fn orders(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let mut rows = Vec::new();
    let mut details = String::new();
    for (place, predictor) in comparison.predictors.iter().enumerate() {
        let (count, wrong) = comparison.orderings(place);
        rows.push(vec![(*predictor).to_owned(), format!("{} of {count}", count - wrong.len())]);
        for line in wrong {
            details.push_str(&format!("- {predictor}: {line}\n"));
        }
    }
    let mut text = table(&["simulated with", "pairs of policies in the right order"], &rows);
    if !details.is_empty() {
        text.push_str(&format!("\nIn the other order:\n\n{details}"));
    }
    Ok(text)
}

/// Every task of every cell, as a table of data: what was measured, and what was simulated with all that is known.
pub(super) fn data(comparison: &Comparison<'_>) -> String {
    let main = comparison.place(MAIN);
    let mut text = String::from(
        "scenario,load,policy,sensitivity_points,sensitivity_before_points,task,quantity,measured,measured_min,measured_max,simulated,error,repeat_error\n",
    );
    for compared in &comparison.cells {
        let cell = compared.cell;
        for task in cell.tasks().chain([ALL]) {
            for quantity in std::iter::once(Quantity::Misses).chain(Quantity::PERCENTILES) {
                let Some(beside) = compared.beside(main, task, quantity) else { continue };
                let unit = if quantity == Quantity::Misses { "percent" } else { "ms" };
                text.push_str(&format!(
                    "{},{},{},{:.3},{},{task},{}_{unit},{:.4},{:.4},{:.4},{:.4},{:.3},{}\n",
                    cell.scenario,
                    cell.load,
                    cell.policy,
                    compared.sensitivity,
                    cell.sensitivity,
                    quantity.name(),
                    beside.measured,
                    beside.range.0,
                    beside.range.1,
                    beside.simulated,
                    beside.error,
                    beside.floor.map_or_else(String::new, |floor| format!("{floor:.3}")),
                ));
            }
        }
    }
    text
}
