//! The table of what is summarised task by task.

use rtmm_sweep::plan::Plan;
use rtmm_sweep::runner::short_names;
use rtmm_sweep::summary::Summary;

use super::item::Under;
use super::reading::{decimals, factor_of, name_of, unit_of};
use crate::table::{Column, Row, TableCell, TextTable};
use crate::text::{Interval, short_labels};

/// More rows than this are for `summary_tasks.csv` alone.
const MAX_ROWS: usize = 400;

/// A row a scenario, platform, policy and task; `None` where nothing is summarised, or too much.
pub(super) fn table(plan: &Plan<'_>, summary: &Summary, under: &Under) -> Option<TextTable> {
    let metrics = &summary.task_metrics;
    let groups = || {
        summary.groups.iter().filter(|group| under.holds(&plan.varied_scenarios()[group.scenario.index()]))
    };
    let count: usize = groups().map(|group| group.tasks.len()).sum();
    if metrics.is_empty() || count == 0 || count / metrics.len() > MAX_ROWS {
        return None;
    }
    let axes = plan.axes();
    let scenarios: Vec<&str> = axes.workloads.iter().map(|one| one.scenario.name.as_str()).collect();
    let platforms: Vec<&str> = axes.platforms.iter().map(|one| one.name.as_str()).collect();
    let (scenarios, platforms) = (short_labels(&scenarios), short_labels(&platforms));
    let policies = short_names(&axes.policies);
    let has_policies = policies.len() > 1;
    let mut columns = vec![Column::text("scenario"), Column::text("platform")];
    if has_policies {
        columns.push(Column::text("policy"));
    }
    columns.push(Column::text("task"));
    let label_columns = columns.len();
    columns.extend(metrics.iter().map(|metric| {
        let column = Column::number(name_of(&metric.column));
        match unit_of(&metric.column) {
            Some(unit) => column.with_unit(unit),
            None => column,
        }
    }));
    let mut table = TextTable::new(format!("Tasks{}", under.title()), columns);
    table.label_columns = label_columns;
    let places: Vec<u8> = metrics
        .iter()
        .enumerate()
        .map(|(position, metric)| {
            let values = groups().flat_map(|group| group.tasks.iter().skip(position).step_by(metrics.len()));
            let factor = factor_of(&metric.column);
            decimals(metric.column.unit, values.flatten().map(|statistics| factor * statistics.mean))
        })
        .collect();
    for group in groups() {
        let varied = &plan.varied_scenarios()[group.scenario.index()];
        let rows = varied.scenario.tasks.iter().zip(group.tasks.chunks(metrics.len()));
        for (position, (task, statistics)) in rows.enumerate() {
            let mut cells = vec![
                TableCell::text(&scenarios[varied.workload.index()]),
                TableCell::text(&platforms[group.platform.index()]),
            ];
            cells.extend(policies.get(group.policy.index()).filter(|_| has_policies).map(TableCell::text));
            cells.push(TableCell::text(&task.name));
            let shown = statistics.iter().zip(metrics).zip(&places);
            cells.extend(shown.map(|((statistics, metric), decimals)| {
                let Some(statistics) = statistics else { return TableCell::missing() };
                let factor = factor_of(&metric.column);
                match statistics.interval {
                    None => TableCell::number(factor * statistics.mean, *decimals),
                    Some(interval) => {
                        let interval =
                            Interval { lower: factor * interval.low, upper: factor * interval.high };
                        TableCell::estimate(factor * statistics.mean, *decimals, interval.half_width())
                    }
                }
            }));
            table.rows.push(Row { cells, starts_group: position == 0 && !table.rows.is_empty() });
        }
    }
    Some(table)
}
