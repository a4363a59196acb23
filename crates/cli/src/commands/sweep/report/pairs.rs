//! A sweep of pairs: for each scenario on its platform, policies against what varies.
//!
//! Scenarios of such a sweep have little in common but the policies, so that nothing is averaged over them.

use rtmm_report::{
    Cell, Column, Interval, LinePoint, LineSeries, Lines, ReportFigure, ReportTable, Row, Scatter,
    ScatterPoint, TWO_COLUMNS_PT, TextTable, short_labels,
};
use rtmm_sweep::plan::{Plan, PlatformId, WorkloadId};
use rtmm_sweep::runner::Better;
use rtmm_sweep::summary::{Group, Statistics, Summary};

use super::{MOST_LINES, Variation, name_of, short_policies, unit_of, variations};

/// How many metrics are shown: the first that have a better and a worse.
const METRICS: usize = 2;

/// Tables and figures of all pairs.
pub(in super::super) struct Overview {
    pub tables: Vec<ReportTable>,
    pub figures: Vec<ReportFigure>,
}

/// The overview of a sweep of pairs under several policies; `None` for other sweeps.
pub(in super::super) fn overview(plan: &Plan<'_>, summary: &Summary) -> Option<Overview> {
    let axes = plan.axes();
    if axes.pairs.is_empty() || axes.policies.len() < 2 {
        return None;
    }
    let metrics: Vec<usize> = summary
        .metrics
        .iter()
        .enumerate()
        .filter(|(_, metric)| metric.column.better.is_some())
        .map(|(position, _)| position)
        .take(METRICS)
        .collect();
    let scenarios: Vec<&str> = axes.workloads.iter().map(|one| one.scenario.name.as_str()).collect();
    let platforms: Vec<&str> = axes.platforms.iter().map(|one| one.name.as_str()).collect();
    let (scenarios, platforms) = (short_labels(&scenarios), short_labels(&platforms));
    let shown =
        Shown { plan, summary, policies: short_policies(&axes.policies), variations: variations(plan) };
    let (mut tables, mut figures) = (Vec::new(), Vec::new());
    for workload in (0..axes.workloads.len()).map(WorkloadId::new) {
        for platform in axes.platforms_of(workload) {
            let name = format!("{} on {}", scenarios[workload.index()], platforms[platform.index()]);
            let pair = PairOf { shown: &shown, workload, platform, name: &name };
            if shown.variations.len() > 1 {
                tables.extend(metrics.iter().filter_map(|metric| pair.over_variations(*metric)));
                figures.extend(metrics.iter().filter_map(|metric| pair.lines(*metric)));
            } else {
                tables.push(pair.over_metrics(&metrics));
            }
            if let [across, up] = metrics.as_slice() {
                let charts = (0..shown.variations.len()).filter_map(|at| pair.trade_off(at, *across, *up));
                figures.extend(charts);
            }
        }
    }
    Some(Overview { tables, figures })
}

struct Shown<'s> {
    plan: &'s Plan<'s>,
    summary: &'s Summary,
    policies: Vec<String>,
    variations: Vec<Variation>,
}

/// A scenario on a platform.
struct PairOf<'s> {
    shown: &'s Shown<'s>,
    workload: WorkloadId,
    platform: PlatformId,
    name: &'s str,
}

impl PairOf<'_> {
    fn group(&self, variation: usize, policy: usize) -> Option<&Group> {
        let Shown { plan, summary, variations, .. } = self.shown;
        summary.groups.iter().find(|group| {
            let cell = &plan.cells()[group.cells.start];
            (cell.workload, cell.platform) == (self.workload, self.platform)
                && group.policy.index() == policy
                && variations[variation].holds(plan, cell)
        })
    }

    fn statistics(&self, variation: usize, policy: usize, metric: usize) -> Option<Statistics> {
        self.group(variation, policy)?.statistics.get(metric).copied().flatten()
    }

    /// The values of some columns for each policy, the best of each column marked.
    fn table(
        &self,
        title: String,
        columns: Vec<Column>,
        name: String,
        of: &dyn Fn(usize, usize) -> (Option<Statistics>, usize),
    ) -> ReportTable {
        let count = columns.len();
        let columns = std::iter::once(Column::text("policy")).chain(columns).collect();
        let mut table = TextTable::new(title, columns);
        let policies = 0..self.shown.policies.len();
        let best: Vec<Option<f64>> = (0..count)
            .map(|column| {
                let found: Vec<(f64, usize)> = policies
                    .clone()
                    .filter_map(|policy| of(policy, column).0.map(|one| (one.mean, of(policy, column).1)))
                    .collect();
                let values = found.iter().map(|(mean, _)| *mean);
                match found.first().and_then(|(_, metric)| self.better(*metric)) {
                    Some(Better::Lower) => values.min_by(f64::total_cmp),
                    _ => values.max_by(f64::total_cmp),
                }
            })
            .collect();
        for policy in policies {
            let mut cells = vec![Cell::text(&self.shown.policies[policy])];
            for (column, best) in best.iter().enumerate() {
                cells.push(of(policy, column).0.map_or_else(Cell::missing, |statistics| {
                    let strong = Some(statistics.mean) == *best;
                    let cell = match statistics.interval {
                        Some(interval) => {
                            let half = Interval { lower: interval.low, upper: interval.high }.half_width();
                            Cell::estimate(statistics.mean, 3, half)
                        }
                        None => Cell::number(statistics.mean, 3),
                    };
                    cell.with_strong(strong)
                }));
            }
            table.rows.push(Row { cells, starts_group: false });
        }
        table.notes.push("Means over seeds; the best of each column is starred or bold.".to_owned());
        ReportTable { name, table }
    }

    fn better(&self, metric: usize) -> Option<Better> {
        self.shown.summary.metrics.get(metric)?.column.better
    }

    /// A metric: policies down, what varies across.
    fn over_variations(&self, metric: usize) -> Option<ReportTable> {
        let column = self.shown.summary.metrics.get(metric)?.column;
        let columns = self.shown.variations.iter().map(|one| Column::number(one.label())).collect();
        let title = format!("{}: {}", self.name, name_of(&column).replace('_', " "));
        let name = format!("{}_{}", column.name, self.stem());
        Some(self.table(title, columns, name, &|policy, at| (self.statistics(at, policy, metric), metric)))
    }

    /// All metrics across, where nothing varies.
    fn over_metrics(&self, metrics: &[usize]) -> ReportTable {
        let columns = metrics.iter().filter_map(|metric| self.shown.summary.metrics.get(*metric));
        let columns = columns.map(|metric| Column::number(name_of(&metric.column))).collect();
        self.table(self.name.to_owned(), columns, self.stem(), &|policy, at| {
            (self.statistics(0, policy, metrics[at]), metrics[at])
        })
    }

    /// A metric over what varies, a line a policy, where one axis varies.
    fn lines(&self, metric: usize) -> Option<ReportFigure> {
        let Shown { summary, policies, variations, .. } = self.shown;
        let column = summary.metrics.get(metric)?.column;
        let axis = variations.first()?.only()?.label.as_str();
        if policies.len() > MOST_LINES {
            return None;
        }
        let series = policies.iter().enumerate().map(|(policy, name)| LineSeries {
            name: name.clone(),
            points: (0..variations.len())
                .filter_map(|at| {
                    let statistics = self.statistics(at, policy, metric);
                    Some(LinePoint {
                        x: variations[at].only()?.value,
                        y: statistics.map(|statistics| statistics.mean),
                        interval: statistics
                            .and_then(|statistics| statistics.interval)
                            .map(|interval| Interval { lower: interval.low, upper: interval.high }),
                    })
                })
                .collect(),
        });
        let name = name_of(&column);
        let unit = unit_of(&column).map_or_else(String::new, |unit| format!(" ({unit})"));
        let lines = Lines {
            description: format!("{name} of {} by {axis}", self.name),
            x_label: axis.to_owned(),
            y_label: format!("{name}{unit}"),
            series: series.collect(),
            y_range: Some((0.0, 0.0)),
            width_pt: TWO_COLUMNS_PT / 1.5,
            ..Lines::default()
        };
        Some(ReportFigure {
            name: format!("lines_{}_{}", column.name, self.stem()),
            title: format!("{}: {name} by {axis}", self.name),
            caption: String::new(),
            svg: lines.to_svg(),
        })
    }

    /// Two metrics against each other, a point a policy.
    fn trade_off(&self, variation: usize, across: usize, up: usize) -> Option<ReportFigure> {
        let Shown { summary, policies, variations, .. } = self.shown;
        let (x, y) = (summary.metrics.get(across)?.column, summary.metrics.get(up)?.column);
        let points: Vec<ScatterPoint> = policies
            .iter()
            .enumerate()
            .filter_map(|(policy, label)| {
                let mean = |metric| self.statistics(variation, policy, metric).map(|one| one.mean);
                Some(ScatterPoint { label: label.clone(), x: mean(across)?, y: mean(up)?, strong: false })
            })
            .collect();
        if points.is_empty() {
            return None;
        }
        let (x_label, y_label) = (name_of(&x), name_of(&y));
        let title = format!("{}: {y_label} against {x_label}{}", self.name, variations[variation].title());
        // A few policies that collapse would press all others together.
        let largest = points.iter().map(|point| point.y).fold(0.0, f64::max);
        let middle = median(points.iter().map(|point| point.y).collect());
        let scatter = Scatter {
            description: title.clone(),
            x_label,
            y_label,
            y_log: middle > 0.0 && largest > 5.0 * middle,
            points,
            width_pt: TWO_COLUMNS_PT / 1.5,
            ..Scatter::default()
        };
        Some(ReportFigure {
            name: format!("{}trade_off_{}", variations[variation].prefix(), self.stem()),
            title,
            caption: String::new(),
            svg: scatter.to_svg(),
        })
    }

    /// The pair as part of a file name.
    fn stem(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        self.name.chars().map(plain).collect()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
