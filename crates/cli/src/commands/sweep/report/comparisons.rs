//! The table of paired comparisons against the baseline of a sweep.

use rtmm_report::{Cell, Column, Interval, Metric, ReportTable, Row, TextTable, short_labels};
use rtmm_sweep::plan::Baseline;
use rtmm_sweep::runner::Better;
use rtmm_sweep::statistics::{CONFIDENCE, PairedDifference};
use rtmm_sweep::summary::Comparison;

use super::Shown;

/// Mean differences by platform and policy (rows) and scenario (columns); `None` where the sweep
/// names no baseline, or nothing but it.
pub(super) fn table(shown: &Shown<'_>, position: usize, metric: &Metric) -> Option<ReportTable> {
    let (plan, summary) = (shown.plan, shown.summary);
    let baseline = plan.axes().baseline.as_ref()?;
    let compared: Vec<&Comparison> = summary
        .comparisons
        .iter()
        .filter(|comparison| shown.holds(&summary.groups[comparison.group]))
        .collect();
    let scenarios: Vec<&str> =
        plan.axes().workloads.iter().map(|workload| workload.scenario.name.as_str()).collect();
    let mut labels = vec![Column::text("platform")];
    if !shown.naming.policies.is_empty() {
        labels.push(Column::text("policy"));
    }
    let label_columns = labels.len();
    let number = |name: String| {
        let column = Column::number(name);
        match &metric.unit {
            Some(unit) => column.with_unit(unit),
            None => column,
        }
    };
    // Differences are smaller than what they are between.
    let decimals = metric.decimals.saturating_add(1);
    let columns = labels
        .into_iter()
        .chain(short_labels(&scenarios).into_iter().chain(["mean".to_owned()]).map(number))
        .chain(["above", "below"].map(Column::number));
    let mut table = TextTable::new(
        format!("Difference in {} from {}", metric.name, name(shown, baseline)),
        columns.collect(),
    );
    table.label_columns = label_columns;

    // A row a platform and policy, in the order of the plan.
    let mut keys: Vec<(usize, usize)> = compared
        .iter()
        .map(|comparison| &summary.groups[comparison.group])
        .map(|group| (group.platform.index(), group.policy.index()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    for (index, (platform, policy)) in keys.iter().enumerate() {
        let mut found: Vec<Option<PairedDifference>> = vec![None; scenarios.len()];
        for comparison in &compared {
            let group = &summary.groups[comparison.group];
            if (group.platform.index(), group.policy.index()) == (*platform, *policy) {
                let workload = plan.variants()[group.variant.index()].workload;
                found[workload.index()] = comparison.differences.get(position).copied().flatten();
            }
        }
        let mut cells = vec![Cell::text(&shown.naming.platforms[*platform])];
        cells.extend(shown.naming.policies.get(*policy).map(Cell::text));
        cells.extend(found.iter().map(|difference| difference_cell(difference.as_ref(), decimals)));
        let complete: Option<Vec<f64>> = found.iter().map(|difference| Some((*difference)?.mean)).collect();
        cells.push(complete.map_or_else(Cell::missing, |means| {
            Cell::number(means.iter().sum::<f64>() / means.len() as f64, decimals)
        }));
        let pairs = |of: fn(&PairedDifference) -> usize| found.iter().flatten().map(of).sum::<usize>();
        let counts = [pairs(|difference| difference.above), pairs(|difference| difference.below)];
        cells.extend(counts.map(|count| Cell::text(count.to_string())));
        let starts_group = label_columns > 1 && index > 0 && keys[index - 1].0 != *platform;
        table.rows.push(Row { cells, starts_group });
    }
    if table.rows.is_empty() {
        return None;
    }
    let level = 100.0 * CONFIDENCE;
    table.notes.push(format!(
        "Mean over seeds of the value minus that of the baseline under the same seed. Behind ± is half the \
         length of its {level} % bootstrap interval, where there are seeds enough for one; starred or bold \
         where the interval excludes zero."
    ));
    let better = match summary.metrics.get(position).and_then(|metric| metric.column.better) {
        Some(Better::Higher) => "; more is better",
        Some(Better::Lower) => "; less is better",
        None => "",
    };
    table.notes.push(format!("“above” and “below” count the seeds of all scenarios{better}."));
    Some(ReportTable { name: "comparison".to_owned(), table })
}

fn name(shown: &Shown<'_>, baseline: &Baseline) -> String {
    match baseline {
        Baseline::Platform(platform) => shown.naming.platforms[platform.index()].clone(),
        Baseline::Policy(policy) => match shown.naming.policies.get(policy.index()) {
            Some(short) => short.clone(),
            None => shown.plan.axes().policies[policy.index()].to_string(),
        },
    }
}

fn difference_cell(difference: Option<&PairedDifference>, decimals: u8) -> Cell {
    let Some(difference) = difference else { return Cell::missing() };
    match difference.interval {
        None => Cell::number(difference.mean, decimals),
        Some(interval) => {
            let half_width = Interval { lower: interval.low, upper: interval.high }.half_width();
            let differs = interval.low > 0.0 || interval.high < 0.0;
            Cell::estimate(difference.mean, decimals, half_width).with_strong(differs)
        }
    }
}
