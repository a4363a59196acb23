//! Summaries as tables: means over seeds and across scenarios, of runs and of tasks; paired differences from the baseline.

use std::io::{self, Write};

use super::text::CsvRow;
use crate::axes::{AXES, Shared};
use crate::plan::Plan;
use crate::results::{Results, axis_values};
use crate::runner::Value;
use crate::summary::{Metric, Summary};

/// The axes that a group has: all that its cells share. Across scenarios, what is a scenario's own stays empty.
fn group_axes(row: &mut CsvRow, plan: &Plan<'_>, cell: usize, across: bool) -> io::Result<()> {
    for (axis, value) in AXES.iter().zip(&axis_values(plan, &plan.cells()[cell])) {
        match axis.shared {
            Shared::Never => {}
            Shared::AcrossSeeds if across => {
                row.text("");
            }
            Shared::AcrossSeeds | Shared::AcrossScenarios => row.datum(value.datum())?,
        }
    }
    Ok(())
}

/// The names of the axes that a group has.
fn group_columns() -> impl Iterator<Item = &'static str> {
    AXES.iter().filter(|axis| axis.shared != Shared::Never).map(|axis| axis.name)
}

fn group_header() -> String {
    group_columns().collect::<Vec<&str>>().join(",")
}

pub(super) fn summary_csv(results: &Results<'_>, summary: &Summary, to: &mut impl Write) -> io::Result<()> {
    writeln!(
        to,
        "scope,{},metric,samples,mean,mean_ci_low,mean_ci_high,minimum,maximum,population_deviation,\
         sample_deviation,geometric_mean,note",
        group_header()
    )?;
    let plan = results.plan();
    let mut row = CsvRow::default();
    for group in &summary.groups {
        for (Metric { column, .. }, statistics) in summary.metrics.iter().zip(&group.statistics) {
            row.text("scenario");
            group_axes(&mut row, plan, group.cells.start, false)?;
            row.text(column.name).count(statistics.map_or(0, |statistics| statistics.samples));
            let interval = statistics.and_then(|statistics| statistics.interval);
            row.real(statistics.map(|statistics| statistics.mean))?
                .real(interval.map(|interval| interval.low))?
                .real(interval.map(|interval| interval.high))?
                .real(statistics.map(|statistics| statistics.minimum))?
                .real(statistics.map(|statistics| statistics.maximum))?
                .real(statistics.map(|statistics| statistics.population_deviation))?
                .real(statistics.and_then(|statistics| statistics.sample_deviation))?
                .text("")
                .text(if statistics.is_none() { "no value" } else { "" })
                .end(to)?;
        }
    }
    for across in &summary.across {
        for (Metric { column, .. }, statistics) in summary.metrics.iter().zip(&across.statistics) {
            row.text("across_scenarios");
            group_axes(&mut row, plan, across.cell.index, true)?;
            row.text(column.name).count(statistics.scenarios);
            let geometric = statistics.geometric_mean.as_ref();
            row.real(statistics.mean)?
                .real(None)?
                .real(None)?
                .real(statistics.minimum)?
                .real(statistics.maximum)?
                .real(None)?
                .real(None)?
                .real(geometric.ok().copied())?
                .text(geometric.err().map_or("", |reason| reason))
                .end(to)?;
        }
    }
    Ok(())
}

/// The columns of the summary of tasks.
pub(super) fn summary_tasks_columns() -> Vec<&'static str> {
    group_columns()
        .chain(["task", "metric", "unit", "samples", "mean", "mean_ci_low", "mean_ci_high"])
        .collect()
}

/// A row a group, task and summarised task column, in the order of [`summary_tasks_columns`].
pub(super) fn summary_tasks_rows<'s>(
    plan: &'s Plan<'_>,
    summary: &'s Summary,
) -> impl Iterator<Item = Vec<Value>> + 's {
    summary.groups.iter().flat_map(move |group| {
        let axes = axis_values(plan, &plan.cells()[group.cells.start]);
        let tasks = &plan.varied_scenarios()[group.scenario.index()].scenario.tasks;
        let metrics = &summary.task_metrics;
        let entries = tasks.iter().flat_map(move |task| metrics.iter().map(move |metric| (task, metric)));
        entries.zip(&group.tasks).map(move |((task, Metric { column, .. }), statistics)| {
            let axes = AXES.iter().zip(&axes).filter(|(axis, _)| axis.shared != Shared::Never);
            let real = |value: Option<f64>| value.map_or(Value::Missing, Value::Real);
            let interval = statistics.and_then(|statistics| statistics.interval);
            let mut row: Vec<Value> = axes.map(|(_, value)| value.clone()).collect();
            row.extend([task.name.as_str(), column.name, column.unit].map(|text| Value::Text(text.into())));
            row.push(Value::Integer(statistics.map_or(0, |statistics| statistics.samples as i64)));
            row.push(real(statistics.map(|statistics| statistics.mean)));
            row.push(real(interval.map(|interval| interval.low)));
            row.push(real(interval.map(|interval| interval.high)));
            row
        })
    })
}

pub(super) fn comparison_csv(
    results: &Results<'_>,
    summary: &Summary,
    to: &mut impl Write,
) -> io::Result<()> {
    writeln!(
        to,
        "{},baseline_platform,baseline_policy,baseline_parameters,metric,pairs,baseline_mean,mean_difference,\
         difference_ci_low,difference_ci_high,relative_difference,above,below",
        group_header()
    )?;
    let plan = results.plan();
    let mut row = CsvRow::default();
    for comparison in &summary.comparisons {
        let (group, baseline) = (&summary.groups[comparison.group], &summary.groups[comparison.baseline]);
        let base = &plan.cells()[baseline.cells.start];
        for (Metric { column, .. }, difference) in summary.metrics.iter().zip(&comparison.differences) {
            group_axes(&mut row, plan, group.cells.start, false)?;
            row.text(&plan.platform(base).name)
                .text(&plan.policy(base).name)
                .text(&plan.policy(base).parameters_text())
                .text(column.name)
                .count(difference.map_or(0, |difference| difference.pairs));
            // Over the same pairs as the difference, which missing values may make fewer.
            let base_mean = difference.map(|difference| difference.baseline_mean);
            let relative = difference
                .zip(base_mean.filter(|mean| *mean != 0.0))
                .map(|(difference, mean)| difference.mean / mean.abs());
            let interval = difference.and_then(|difference| difference.interval);
            row.real(base_mean)?
                .real(difference.map(|difference| difference.mean))?
                .real(interval.map(|interval| interval.low))?
                .real(interval.map(|interval| interval.high))?
                .real(relative)?
                .count(difference.map_or(0, |difference| difference.above))
                .count(difference.map_or(0, |difference| difference.below))
                .end(to)?;
        }
    }
    Ok(())
}
