//! Summaries: what a sweep says once seeds are averaged.
//!
//! A group is all cells that differ in nothing but the seed. For every summarised column it has
//! the mean with its confidence interval and the spread, and for every summarised column of tasks
//! the same task by task. Cells that failed count as missing. Across scenarios there is the arithmetic
//! and the geometric mean of the groups' means, as papers report; against a baseline there are
//! paired differences, seed by seed.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::plan::{Baseline, Cell, Plan, PlatformId, PolicyId, VariedScenarioId};
use crate::results::Results;
use crate::runner::Column;
use crate::statistics::{
    Bootstrap, Interval, MINIMUM_SAMPLES, PairedDifference, geometric_mean, mean, paired_difference,
    population_deviation, sample_deviation,
};

/// A column of numbers that the summary gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// The column.
    pub column: Column,
    /// Its position among the cell columns, or among the task columns.
    pub position: usize,
}

/// Means over seeds, across scenarios, and against the baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The summarised cell columns.
    pub metrics: Vec<Metric>,
    /// The summarised task columns.
    pub task_metrics: Vec<Metric>,
    /// One entry for all cells that differ in the seed only, in the order of the plan.
    pub groups: Vec<Group>,
    /// One entry for all groups that differ in the scenario only, where there are several, in the order of
    /// the plan.
    pub across: Vec<Across>,
    /// One entry for each group that has a baseline; empty where the sweep names none.
    pub comparisons: Vec<Comparison>,
}

/// All cells that differ in nothing but the seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Indices of its cells in the plan.
    pub cells: Range<usize>,
    /// The scenario as it was run.
    pub scenario: VariedScenarioId,
    /// The platform.
    pub platform: PlatformId,
    /// The policy with its parameters.
    pub policy: PolicyId,
    /// One entry a metric; `None` where every value is missing.
    pub statistics: Vec<Option<Statistics>>,
    /// One entry a task metric for the first task of the scenario, then for the second, ...
    pub tasks: Vec<Option<Statistics>>,
}

/// A column over the seeds of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Values that are not missing.
    pub samples: usize,
    /// Their arithmetic mean.
    pub mean: f64,
    /// Bootstrap confidence interval of the mean; `None` for fewer than [`MINIMUM_SAMPLES`] values.
    pub interval: Option<Interval>,
    /// The smallest.
    pub minimum: f64,
    /// The largest.
    pub maximum: f64,
    /// Standard deviation of the values themselves.
    pub population_deviation: f64,
    /// Standard deviation estimated from the sample; `None` for a single value.
    pub sample_deviation: Option<f64>,
}

/// The groups that differ in nothing but the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Across {
    /// A cell with the axes that the groups share: all but scenario and seed.
    pub cell: Cell,
    /// One entry a metric.
    pub statistics: Vec<AcrossStatistics>,
}

/// A column across scenarios.
#[derive(Clone, Debug, PartialEq)]
pub struct AcrossStatistics {
    /// Scenarios that have a mean.
    pub scenarios: usize,
    /// The arithmetic mean of the scenarios' means.
    pub mean: Option<f64>,
    /// The smallest mean of a scenario.
    pub minimum: Option<f64>,
    /// The largest mean of a scenario.
    pub maximum: Option<f64>,
    /// The geometric mean of the scenarios' means, or why there is none.
    pub geometric_mean: Result<f64, String>,
}

/// A group against its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Index of the group in [`Summary::groups`].
    pub group: usize,
    /// Index of the group that it is compared with.
    pub baseline: usize,
    /// One entry a metric; `None` where no seed has both values.
    pub differences: Vec<Option<PairedDifference>>,
}

impl Summary {
    /// Summarises results.
    #[must_use]
    pub fn of(results: &Results<'_>) -> Self {
        let plan = results.plan();
        let metrics = metrics_of(&plan.spec().cell_columns);
        let task_metrics = metrics_of(&plan.spec().task_columns);
        let mut bootstraps = Bootstraps::default();
        let groups = groups(results, &metrics, &task_metrics, &mut bootstraps);
        let across =
            if plan.axes().workloads.len() > 1 { across(plan, &metrics, &groups) } else { Vec::new() };
        let comparisons = comparisons(results, &metrics, &groups, &mut bootstraps);
        Self { metrics, task_metrics, groups, across, comparisons }
    }
}

/// The summarised ones of some columns.
fn metrics_of(columns: &[Column]) -> Vec<Metric> {
    let columns = columns.iter().enumerate();
    columns
        .filter(|(_, column)| column.summarised && column.kind.is_number())
        .map(|(position, column)| Metric { column: *column, position })
        .collect()
}

/// A bootstrap for every sample size that occurs.
#[derive(Default)]
struct Bootstraps(BTreeMap<usize, Bootstrap>);

impl Bootstraps {
    fn of_size(&mut self, size: usize) -> &Bootstrap {
        self.0.entry(size).or_insert_with(|| Bootstrap::new(size))
    }
}

fn groups(
    results: &Results<'_>,
    metrics: &[Metric],
    task_metrics: &[Metric],
    bootstraps: &mut Bootstraps,
) -> Vec<Group> {
    let plan = results.plan();
    let columns = plan.spec().task_columns.len();
    // The values of all groups and metrics, those of a group side by side: cells, then tasks.
    let mut series: Vec<Vec<f64>> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for cells in plan.groups() {
        let range = cells[0].index..cells[0].index + cells.len();
        let found = || results.cells()[range.clone()].iter().flatten();
        for metric in metrics {
            series.push(found().filter_map(|cell| cell.cell.get(metric.position)?.number()).collect());
        }
        let tasks = if task_metrics.is_empty() { 0 } else { plan.scenario(&cells[0]).tasks.len() };
        for task in 0..tasks {
            for metric in task_metrics {
                let position = task * columns + metric.position;
                series.push(found().filter_map(|cell| cell.tasks.get(position)?.number()).collect());
            }
        }
        groups.push(Group {
            cells: range.clone(),
            scenario: cells[0].scenario,
            platform: cells[0].platform,
            policy: cells[0].policy,
            statistics: Vec::with_capacity(metrics.len()),
            tasks: Vec::with_capacity(tasks * task_metrics.len()),
        });
    }
    let mut by_size: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, values) in series.iter().enumerate().filter(|(_, values)| values.len() >= MINIMUM_SAMPLES) {
        by_size.entry(values.len()).or_default().push(index);
    }
    let mut intervals = vec![None; series.len()];
    for (size, indices) in by_size {
        let views: Vec<&[f64]> = indices.iter().map(|index| series[*index].as_slice()).collect();
        for (index, interval) in indices.iter().zip(bootstraps.of_size(size).intervals(&views)) {
            intervals[*index] = interval;
        }
    }
    let mut described = series.iter().zip(intervals).map(|(values, interval)| statistics(values, interval));
    for group in &mut groups {
        group.statistics.extend(described.by_ref().take(metrics.len()));
        let tasks = group.tasks.capacity();
        group.tasks.extend(described.by_ref().take(tasks));
    }
    groups
}

fn statistics(values: &[f64], interval: Option<Interval>) -> Option<Statistics> {
    Some(Statistics {
        samples: values.len(),
        mean: mean(values)?,
        interval,
        minimum: values.iter().copied().min_by(f64::total_cmp)?,
        maximum: values.iter().copied().max_by(f64::total_cmp)?,
        population_deviation: population_deviation(values)?,
        sample_deviation: sample_deviation(values),
    })
}

fn across(plan: &Plan<'_>, metrics: &[Metric], groups: &[Group]) -> Vec<Across> {
    // Scenarios all have the same variants, but not all need run on the same platforms.
    let of_one_scenario = (plan.varied_scenarios().len() / plan.axes().workloads.len()).max(1);
    let mut alike: BTreeMap<(usize, PlatformId, PolicyId), Vec<&Group>> = BTreeMap::new();
    for group in groups {
        let variation = group.scenario.index() % of_one_scenario;
        alike.entry((variation, group.platform, group.policy)).or_default().push(group);
    }
    alike
        .values()
        .filter(|same| same.len() > 1)
        .map(|same| {
            let statistics = (0..metrics.len()).map(|metric| across_statistics(plan, same, metric)).collect();
            Across { cell: plan.cells()[same[0].cells.start], statistics }
        })
        .collect()
}

fn across_statistics(plan: &Plan<'_>, groups: &[&Group], metric: usize) -> AcrossStatistics {
    let name = |group: &Group| plan.varied_scenarios()[group.scenario.index()].scenario.name.as_str();
    let found: Vec<(&str, f64)> =
        groups.iter().filter_map(|group| Some((name(group), group.statistics[metric]?.mean))).collect();
    let means: Vec<f64> = found.iter().map(|(_, mean)| *mean).collect();
    let missing = groups.iter().find(|group| group.statistics[metric].is_none());
    let geometric_mean = match (missing, found.iter().find(|(_, mean)| *mean <= 0.0)) {
        (Some(group), _) => Err(format!("undefined: `{}` has no value", name(group))),
        (None, Some((scenario, mean))) => {
            Err(format!("undefined: the mean of `{scenario}` is {mean}, not above zero"))
        }
        (None, None) => geometric_mean(&means).map_err(|error| format!("undefined: {error}")),
    };
    AcrossStatistics {
        scenarios: means.len(),
        mean: mean(&means),
        minimum: means.iter().copied().min_by(f64::total_cmp),
        maximum: means.iter().copied().max_by(f64::total_cmp),
        geometric_mean,
    }
}

fn comparisons(
    results: &Results<'_>,
    metrics: &[Metric],
    groups: &[Group],
    bootstraps: &mut Bootstraps,
) -> Vec<Comparison> {
    let axes = results.plan().axes();
    let Some(baseline) = &axes.baseline else { return Vec::new() };
    let places: BTreeMap<(VariedScenarioId, PlatformId, PolicyId), usize> = groups
        .iter()
        .enumerate()
        .map(|(index, group)| ((group.scenario, group.platform, group.policy), index))
        .collect();
    let mut comparisons = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let (platform, policy) = match baseline {
            Baseline::Platform(platform) => (*platform, group.policy),
            Baseline::Policy(policy) => (group.platform, *policy),
        };
        if (platform, policy) == (group.platform, group.policy) {
            continue;
        }
        // A scenario that does not run on the baseline's platform is compared with nothing.
        let Some(&base) = places.get(&(group.scenario, platform, policy)) else { continue };
        let differences = metrics
            .iter()
            .map(|metric| {
                let values = |group: &Group| {
                    let cells = results.cells()[group.cells.clone()].iter();
                    cells.map(|cell| cell.as_ref()?.cell.get(metric.position)?.number()).collect::<Vec<_>>()
                };
                let (values, base): (Vec<f64>, Vec<f64>) = values(group)
                    .into_iter()
                    .zip(values(&groups[base]))
                    .filter_map(|(value, base)| value.zip(base))
                    .unzip();
                paired_difference(&values, &base, bootstraps.of_size(values.len()))
            })
            .collect();
        comparisons.push(Comparison { group: index, baseline: base, differences });
    }
    comparisons
}
