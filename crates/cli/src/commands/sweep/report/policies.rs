//! The heat map of policies by platforms.

use rtmm_report::{Better, ColorScale, HeatColumn, HeatMap, HeatRow, Metric, ReportFigure};

use super::Shown;

/// The mean over scenarios of each policy (rows) on each platform (columns); `None` where there is
/// just one of either.
pub(super) fn heat_map(shown: &Shown<'_>, position: usize, metric: &Metric) -> Option<ReportFigure> {
    let (policies, platforms) = (&shown.naming.policies, &shown.naming.platforms);
    if policies.is_empty() || platforms.len() < 2 {
        return None;
    }
    let scenarios = shown.plan.axes().workloads.len();
    let mut sums = vec![vec![(0.0, 0_usize); platforms.len()]; policies.len()];
    for group in shown.summary.groups.iter().filter(|group| shown.holds(group)) {
        if let Some(statistics) = group.statistics.get(position).copied().flatten() {
            let (sum, count) = &mut sums[group.policy.index()][group.platform.index()];
            *sum += statistics.mean;
            *count += 1;
        }
    }
    // A mean over fewer scenarios would not compare.
    let mean = |(sum, count): &(f64, usize)| (*count == scenarios).then(|| sum / scenarios as f64);
    let label = match &metric.unit {
        Some(unit) => format!("{} ({unit})", metric.name),
        None => metric.name.clone(),
    };
    let map = HeatMap {
        description: format!("Heat map of the mean {label} by policy and platform"),
        rows: policies.iter().map(|name| HeatRow { group: String::new(), label: name.clone() }).collect(),
        columns: platforms.iter().map(|name| HeatColumn { label: name.clone(), gap_before: false }).collect(),
        values: sums.iter().map(|row| row.iter().map(mean).collect()).collect(),
        value_label: format!("mean {label}"),
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
            "Arithmetic mean of the {label} over all {scenarios} scenarios, by policy and platform. Brighter is \
             better{}.",
            if metric.better == Better::Lower { ": less" } else { "" }
        ),
        svg: map.to_svg(),
    })
}
