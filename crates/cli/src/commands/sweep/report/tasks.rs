//! The table of what is summarised task by task.

use rtmm_report::{Cell, Column, Interval, ReportTable, Row, TextTable, short_labels};

use super::{Shown, decimals, name_of, unit_of};

/// More rows than this are for `summary_tasks.csv` alone.
const MOST_ROWS: usize = 400;

/// A row a scenario, platform, policy and task; `None` where nothing is summarised, or too much.
pub(super) fn table(shown: &Shown<'_>) -> Option<ReportTable> {
    let (plan, metrics) = (shown.plan, &shown.summary.task_metrics);
    let groups = || shown.summary.groups.iter().filter(|group| shown.holds(group));
    let count: usize = groups().map(|group| group.tasks.len()).sum();
    if metrics.is_empty() || count == 0 || count / metrics.len() > MOST_ROWS {
        return None;
    }
    let scenarios: Vec<&str> =
        plan.axes().workloads.iter().map(|workload| workload.scenario.name.as_str()).collect();
    let scenarios = short_labels(&scenarios);
    let mut columns = vec![Column::text("scenario"), Column::text("platform")];
    if !shown.naming.policies.is_empty() {
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
    let mut table = TextTable::new("Tasks", columns);
    table.label_columns = label_columns;
    let places: Vec<u8> = (0..metrics.len())
        .map(|metric| {
            let values = groups().flat_map(|group| group.tasks.iter().skip(metric).step_by(metrics.len()));
            decimals(values.flatten().map(|statistics| statistics.mean))
        })
        .collect();
    for group in groups() {
        let variant = &plan.variants()[group.variant.index()];
        let rows = variant.scenario.tasks.iter().zip(group.tasks.chunks(metrics.len()));
        for (position, (task, statistics)) in rows.enumerate() {
            let mut cells = vec![
                Cell::text(&scenarios[variant.workload.index()]),
                Cell::text(&shown.naming.platforms[group.platform.index()]),
            ];
            cells.extend(shown.naming.policies.get(group.policy.index()).map(Cell::text));
            cells.push(Cell::text(&task.name));
            cells.extend(statistics.iter().zip(&places).map(|(statistics, decimals)| match statistics {
                None => Cell::missing(),
                Some(statistics) => match statistics.interval {
                    None => Cell::number(statistics.mean, *decimals),
                    Some(interval) => {
                        let interval = Interval { lower: interval.low, upper: interval.high };
                        Cell::estimate(statistics.mean, *decimals, interval.half_width())
                    }
                },
            }));
            table.rows.push(Row { cells, starts_group: position == 0 && !table.rows.is_empty() });
        }
    }
    Some(ReportTable { name: "tasks".to_owned(), table })
}
