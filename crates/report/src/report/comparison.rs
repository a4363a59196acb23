//! The table of paired comparisons against the baseline of a sweep.

use rtmm_sweep::plan::{Baseline, Plan};
use rtmm_sweep::runner::{Better, short_names};
use rtmm_sweep::statistics::{CONFIDENCE, PairedDifference};
use rtmm_sweep::summary::{Comparison, Summary};

use super::item::Under;
use super::reading::{decimals, factor_of, name_of, unit_of};
use crate::table::{Column, Row, TableCell, TextTable};
use crate::text::{Interval, short_labels};

/// Mean differences by platform and policy (rows) and scenario (columns); `None` where the sweep
/// names no baseline, or nothing but it.
pub(super) fn table(plan: &Plan<'_>, summary: &Summary, under: &Under, metric: usize) -> Option<TextTable> {
    let baseline = plan.axes().baseline.as_ref()?;
    let column = summary.metrics.get(metric)?.column;
    let holds = |group: usize| {
        summary
            .groups
            .get(group)
            .is_some_and(|group| under.holds(&plan.varied_scenarios()[group.scenario.index()]))
    };
    let compared: Vec<&Comparison> =
        summary.comparisons.iter().filter(|comparison| holds(comparison.group)).collect();
    let axes = plan.axes();
    let scenarios: Vec<&str> = axes.workloads.iter().map(|one| one.scenario.name.as_str()).collect();
    let platforms: Vec<&str> = axes.platforms.iter().map(|one| one.name.as_str()).collect();
    let platforms = short_labels(&platforms);
    let policies = short_names(&axes.policies);
    let has_policies = policies.len() > 1;
    let mut labels = vec![Column::text("platform")];
    if has_policies {
        labels.push(Column::text("policy"));
    }
    let label_columns = labels.len();
    let number = |name: String| {
        let head = Column::number(name);
        match unit_of(&column) {
            Some(unit) => head.with_unit(unit),
            None => head,
        }
    };
    // Differences are smaller than what they are between.
    let factor = factor_of(&column);
    let means = summary.groups.iter().filter_map(|group| Some(factor * group.statistics[metric]?.mean));
    let decimals = decimals(column.unit, means).saturating_add(1);
    let columns = labels
        .into_iter()
        .chain(short_labels(&scenarios).into_iter().chain(["mean".to_owned()]).map(number))
        .chain(["above", "below"].map(Column::number));
    let from = match baseline {
        Baseline::Platform(platform) => platforms[platform.index()].clone(),
        Baseline::Policy(policy) if has_policies => policies[policy.index()].clone(),
        Baseline::Policy(policy) => axes.policies[policy.index()].to_string(),
    };
    let title = format!("Difference in {} from {from}{}", name_of(&column), under.title());
    let mut table = TextTable::new(title, columns.collect());
    table.label_columns = label_columns;

    // A row a platform and policy, in the order of the plan.
    let place = |comparison: &Comparison| {
        let group = &summary.groups[comparison.group];
        (group.platform.index(), group.policy.index())
    };
    let mut keys: Vec<(usize, usize)> = compared.iter().map(|comparison| place(comparison)).collect();
    keys.sort_unstable();
    keys.dedup();
    for (index, key) in keys.iter().enumerate() {
        let (platform, policy) = *key;
        let mut found: Vec<Option<PairedDifference>> = vec![None; scenarios.len()];
        for comparison in compared.iter().filter(|comparison| place(comparison) == *key) {
            let scenario = summary.groups[comparison.group].scenario;
            let workload = plan.varied_scenarios()[scenario.index()].workload;
            found[workload.index()] = comparison.differences.get(metric).copied().flatten();
        }
        let mut cells = vec![TableCell::text(&platforms[platform])];
        cells.extend(policies.get(policy).filter(|_| has_policies).map(TableCell::text));
        cells.extend(found.iter().map(|difference| difference_cell(difference.as_ref(), factor, decimals)));
        let complete: Option<Vec<f64>> = found.iter().map(|difference| Some((*difference)?.mean)).collect();
        cells.push(complete.map_or_else(TableCell::missing, |means| {
            TableCell::number(factor * means.iter().sum::<f64>() / means.len() as f64, decimals)
        }));
        let pairs = |of: fn(&PairedDifference) -> usize| found.iter().flatten().map(of).sum::<usize>();
        let counts = [pairs(|difference| difference.above), pairs(|difference| difference.below)];
        cells.extend(counts.map(|count| TableCell::text(count.to_string())));
        let starts_group = label_columns > 1 && index > 0 && keys[index - 1].0 != platform;
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
    let better = match column.better {
        Some(Better::Higher) => "; more is better",
        Some(Better::Lower) => "; less is better",
        None => "",
    };
    table.notes.push(format!("“above” and “below” count the seeds of all scenarios{better}."));
    Some(table)
}

fn difference_cell(difference: Option<&PairedDifference>, factor: f64, decimals: u8) -> TableCell {
    let Some(difference) = difference else { return TableCell::missing() };
    match difference.interval {
        None => TableCell::number(factor * difference.mean, decimals),
        Some(interval) => {
            let half_width = Interval { lower: interval.low, upper: interval.high }.half_width();
            let differs = interval.low > 0.0 || interval.high < 0.0;
            TableCell::estimate(factor * difference.mean, decimals, factor * half_width).with_strong(differs)
        }
    }
}
