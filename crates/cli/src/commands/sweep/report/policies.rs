//! Policies by platforms: a heat map and a table.

use rtmm_report::{
    Better, Cell, ColorScale, Column, HeatColumn, HeatMap, HeatRow, Metric, ReportFigure, ReportTable, Row,
    TextTable,
};

use rtmm_sweep::plan::PlatformId;

use super::Shown;

/// The mean over the scenarios that run on a platform (columns) of each policy (rows); `None` where one is
/// missing: a mean over fewer scenarios would not compare.
fn means(shown: &Shown<'_>, position: usize) -> Vec<Vec<Option<f64>>> {
    let (policies, platforms) = (&shown.naming.policies, &shown.naming.platforms);
    let axes = shown.plan.axes();
    let scenarios: Vec<usize> =
        (0..platforms.len()).map(|index| axes.workloads_of(PlatformId::new(index)).count()).collect();
    let mut sums = vec![vec![(0.0, 0_usize); platforms.len()]; policies.len()];
    for group in shown.summary.groups.iter().filter(|group| shown.holds(group)) {
        if let Some(statistics) = group.statistics.get(position).copied().flatten() {
            let (sum, count) = &mut sums[group.policy.index()][group.platform.index()];
            *sum += statistics.mean;
            *count += 1;
        }
    }
    let mean = |((sum, count), scenarios): (&(f64, usize), &usize)| {
        (count == scenarios && *count > 0).then(|| sum / *scenarios as f64)
    };
    sums.iter().map(|row| row.iter().zip(&scenarios).map(mean).collect()).collect()
}

/// The means as a table, the best of each platform marked; `None` for a single policy.
pub(super) fn table(shown: &Shown<'_>, position: usize, metric: &Metric) -> Option<ReportTable> {
    let (policies, platforms) = (&shown.naming.policies, &shown.naming.platforms);
    if policies.is_empty() {
        return None;
    }
    let number = |name: &String| {
        let column = Column::number(name);
        match &metric.unit {
            Some(unit) => column.with_unit(unit),
            None => column,
        }
    };
    let columns = std::iter::once(Column::text("policy")).chain(platforms.iter().map(number)).collect();
    let title = format!("Mean {} by policy and platform{}", metric.name, shown.variation.title());
    let mut table = TextTable::new(title, columns);
    let means = means(shown, position);
    let best = |platform: usize| {
        let values = means.iter().filter_map(|row| row[platform]);
        match metric.better {
            Better::Higher => values.max_by(f64::total_cmp),
            Better::Lower => values.min_by(f64::total_cmp),
        }
    };
    for (name, row) in policies.iter().zip(&means) {
        let cell = |(platform, value): (usize, &Option<f64>)| {
            value.map_or_else(Cell::missing, |value| {
                Cell::number(value, metric.decimals.saturating_add(1))
                    .with_strong(Some(value) == best(platform))
            })
        };
        let cells = std::iter::once(Cell::text(name)).chain(row.iter().enumerate().map(cell)).collect();
        table.rows.push(Row { cells, starts_group: false });
    }
    let over =
        if shown.plan.axes().pairs.is_empty() { "all scenarios" } else { "the scenarios of each platform" };
    table.notes.push(format!("Means over {over}; the best of each column is starred or bold."));
    Some(ReportTable { name: "policies".to_owned(), table })
}

/// The mean over scenarios of each policy (rows) on each platform (columns); `None` where there is
/// just one of either.
pub(super) fn heat_map(shown: &Shown<'_>, position: usize, metric: &Metric) -> Option<ReportFigure> {
    let (policies, platforms) = (&shown.naming.policies, &shown.naming.platforms);
    if policies.is_empty() || platforms.len() < 2 {
        return None;
    }
    let scenarios = shown.plan.axes().workloads.len();
    let over = if shown.plan.axes().pairs.is_empty() {
        format!("all {scenarios} scenarios")
    } else {
        "the scenarios of each platform".to_owned()
    };
    let label = match &metric.unit {
        Some(unit) => format!("{} ({unit})", metric.name),
        None => metric.name.clone(),
    };
    let map = HeatMap {
        description: format!("Heat map of the mean {label} by policy and platform"),
        rows: policies.iter().map(|name| HeatRow { group: String::new(), label: name.clone() }).collect(),
        columns: platforms.iter().map(|name| HeatColumn { label: name.clone(), gap_before: false }).collect(),
        values: means(shown, position),
        value_label: label.clone(),
        decimals: metric.decimals,
        scale: match metric.better {
            Better::Higher => ColorScale::Amount,
            Better::Lower => ColorScale::AmountReversed,
        },
        range: metric.range,
        ..HeatMap::default()
    };
    Some(ReportFigure {
        name: "policies".to_owned(),
        title: "Policies by platform".to_owned(),
        caption: format!(
            "Arithmetic mean of the {label} over {over}, by policy and platform. Brighter is \
             better{}.",
            if metric.better == Better::Lower { ": less" } else { "" }
        ),
        svg: map.to_svg(),
    })
}
