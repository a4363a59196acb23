//! Score rows as a grid of platforms and scenarios, and the aggregates over it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Better, Layout, Metric, ScoreData, ScoreRow};
use crate::error::ReportError;
use crate::text::{Interval, short_labels};

/// A platform: a row of the grid.
pub(super) struct Platform {
    /// Short values of the platform axes, outermost first.
    pub(super) names: Vec<String>,
    /// Index into [`Grid::budgets`].
    pub(super) budget: usize,
    /// Index into [`Grid::series`].
    pub(super) series: usize,
}

impl Platform {
    /// The group the platform stands in: its outermost name.
    pub(super) fn group(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// The names on one line.
    pub(super) fn full_name(&self) -> String {
        self.names.join(" ")
    }
}

/// A number and its confidence interval.
#[derive(Clone, Copy)]
pub(super) struct Score {
    pub(super) mean: f64,
    pub(super) interval: Option<Interval>,
    pub(super) n: u64,
}

/// The scores by platform and scenario.
pub(super) struct Grid<'a> {
    pub(super) metric: &'a Metric,
    pub(super) confidence_percent: f64,
    /// Name of the scenario axis.
    pub(super) scenario_axis: &'a str,
    /// Names of the platform axes.
    pub(super) platform_axes: &'a [String],
    /// Name of the budget axis.
    pub(super) budget_axis: Option<&'a str>,
    /// Which of the platform axes the bars by scenario compare.
    pub(super) compared: usize,
    /// Short names of the scenarios, in order of appearance.
    pub(super) scenarios: Vec<String>,
    /// The platforms, grouped by their outermost name, otherwise in order of appearance.
    pub(super) platforms: Vec<Platform>,
    /// Short names of the budgets; one empty name without a budget axis.
    pub(super) budgets: Vec<String>,
    /// Short names of the series.
    pub(super) series: Vec<String>,
    cells: BTreeMap<(usize, usize), Score>,
}

impl<'a> Grid<'a> {
    pub(super) fn new(data: &'a ScoreData, layout: &'a Layout) -> Result<Grid<'a>, ReportError> {
        let axes = Axes::find(data, layout)?;
        for (index, row) in data.rows.iter().enumerate() {
            check_row(index, row, data.axes.len())?;
        }
        if data.rows.is_empty() {
            return Err(ReportError::NoRows);
        }
        let scenarios = Names::of(data, axes.scenario);
        let names: Vec<Names<'_>> = axes.platform.iter().map(|&axis| Names::of(data, axis)).collect();
        let budget_names = axes.budget.map(|axis| (axis, Names::of(data, axis)));
        let series_names = Names::of(data, axes.series);

        // Platforms sorted by their outermost name, then by appearance.
        let mut first_rows: Vec<(Vec<usize>, &ScoreRow)> = Vec::new();
        let mut seen = BTreeSet::new();
        for row in &data.rows {
            let key = axes.platform_key(row, &names);
            if seen.insert(key.clone()) {
                first_rows.push((key, row));
            }
        }
        first_rows.sort_by_key(|(key, _)| key.first().copied());
        let indices: BTreeMap<&[usize], usize> =
            first_rows.iter().enumerate().map(|(index, (key, _))| (key.as_slice(), index)).collect();

        let short: Vec<Vec<String>> = names.iter().map(Names::short).collect();
        let platforms = first_rows
            .iter()
            .map(|(key, row)| Platform {
                names: key.iter().zip(&short).map(|(&name, short)| short[name].clone()).collect(),
                budget: budget_names.as_ref().map_or(0, |(axis, names)| names.index(&row.values[*axis])),
                series: series_names.index(&row.values[axes.series]),
            })
            .collect();

        let mut cells = BTreeMap::new();
        for row in &data.rows {
            let key = axes.platform_key(row, &names);
            let platform = indices.get(key.as_slice()).copied().unwrap_or(0);
            let (_, first) = first_rows[platform];
            for axis in axes.budget.into_iter().chain([axes.series]) {
                if row.values[axis] != first.values[axis] {
                    return Err(ReportError::MixedGroup {
                        platform: axes.platform_label(row),
                        axis: data.axes[axis].clone(),
                        first: first.values[axis].clone(),
                        second: row.values[axis].clone(),
                    });
                }
            }
            let scenario = scenarios.index(&row.values[axes.scenario]);
            let score = Score { mean: row.mean, interval: row.interval, n: row.n };
            if cells.insert((platform, scenario), score).is_some() {
                let label = format!("{} on {}", row.values[axes.scenario], axes.platform_label(row));
                return Err(ReportError::DuplicateCell { label });
            }
        }
        Ok(Grid {
            metric: &data.metric,
            confidence_percent: data.confidence_percent,
            scenario_axis: &layout.scenario,
            platform_axes: &layout.platform,
            budget_axis: layout.budget.as_deref(),
            compared: axes.compared,
            scenarios: scenarios.short(),
            platforms,
            budgets: budget_names.map_or_else(|| vec![String::new()], |(_, names)| names.short()),
            series: series_names.short(),
            cells,
        })
    }

    /// The score of a scenario on a platform.
    pub(super) fn score(&self, platform: usize, scenario: usize) -> Option<Score> {
        self.cells.get(&(platform, scenario)).copied()
    }

    /// The scores of a platform on all scenarios; `None` where one is missing.
    fn complete(&self, platform: usize) -> Option<Vec<Score>> {
        (0..self.scenarios.len()).map(|scenario| self.score(platform, scenario)).collect()
    }

    /// Arithmetic mean over all scenarios; `None` where a score is missing.
    ///
    /// Its interval runs from the mean of the lower bounds to the mean of the upper ones. That
    /// is right for scenarios that vary together and wider than needed for independent ones.
    pub(super) fn mean(&self, platform: usize) -> Option<Score> {
        let scores = self.complete(platform)?;
        let mean = |of: &dyn Fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
        let sampled = scores.iter().any(|score| score.interval.is_some());
        Some(Score {
            mean: mean(&|score| score.mean),
            interval: sampled.then(|| Interval {
                lower: mean(&|score| score.interval.map_or(score.mean, |interval| interval.lower)),
                upper: mean(&|score| score.interval.map_or(score.mean, |interval| interval.upper)),
            }),
            n: scores.iter().map(|score| score.n).max().unwrap_or(0),
        })
    }

    /// Geometric mean over all scenarios; `None` where a score is missing or not positive.
    pub(super) fn geometric_mean(&self, platform: usize) -> Option<f64> {
        let scores = self.complete(platform)?;
        if scores.iter().any(|score| score.mean <= 0.0) {
            return None;
        }
        let sum: f64 = scores.iter().map(|score| libm::log(score.mean)).sum();
        Some(libm::exp(sum / scores.len() as f64))
    }

    /// A scenario, or the mean over all of them.
    pub(super) fn score_of(&self, platform: usize, column: Over) -> Option<Score> {
        match column {
            Over::Scenario(scenario) => self.score(platform, scenario),
            Over::Mean => self.mean(platform),
        }
    }

    /// All scenarios, then the mean over them.
    pub(super) fn columns(&self) -> impl Iterator<Item = Over> {
        (0..self.scenarios.len()).map(Over::Scenario).chain([Over::Mean])
    }

    /// Whether the first value is strictly better than the second.
    pub(super) fn is_better(&self, first: f64, second: f64) -> bool {
        match self.metric.better {
            Better::Higher => first > second,
            Better::Lower => first < second,
        }
    }

    /// The best of some values.
    pub(super) fn best_value(&self, values: impl IntoIterator<Item = f64>) -> Option<f64> {
        values.into_iter().reduce(|best, value| if self.is_better(value, best) { value } else { best })
    }

    /// The names of the groups of platforms, with the platforms of each.
    pub(super) fn groups(&self) -> Vec<(&str, Vec<usize>)> {
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
        for (index, platform) in self.platforms.iter().enumerate() {
            match groups.last_mut() {
                Some((name, members)) if *name == platform.group() => members.push(index),
                _ => groups.push((platform.group(), vec![index])),
            }
        }
        groups
    }

    /// The names of the compared axis in order of appearance, with the platforms of each.
    pub(super) fn compared_groups(&self) -> Vec<(&str, Vec<usize>)> {
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
        for (index, platform) in self.platforms.iter().enumerate() {
            let name = platform.names[self.compared].as_str();
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, members)) => members.push(index),
                None => groups.push((name, vec![index])),
            }
        }
        groups
    }

    /// The names of a platform on one line, without that of its budget where the budget is told.
    pub(super) fn name_within_budget(&self, platform: usize) -> String {
        let told = |axis: &String| self.budgets.len() > 1 && self.budget_axis == Some(axis.as_str());
        let names = self.platforms[platform].names.iter().zip(self.platform_axes);
        let rest: Vec<&str> = names.filter(|(_, axis)| !told(axis)).map(|(name, _)| name.as_str()).collect();
        if rest.is_empty() { self.platforms[platform].full_name() } else { rest.join(" ") }
    }

    /// Name and unit of the metric.
    pub(super) fn metric_label(&self) -> String {
        match &self.metric.unit {
            Some(unit) => format!("{} ({unit})", self.metric.name),
            None => self.metric.name.clone(),
        }
    }

    /// Whether any score was sampled.
    pub(super) fn is_sampled(&self) -> bool {
        self.cells.values().any(|score| score.interval.is_some())
    }
}

/// What a column of the grid is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Scenario(usize),
    Mean,
}

/// Indices of the axes that the layout names.
struct Axes {
    scenario: usize,
    platform: Vec<usize>,
    budget: Option<usize>,
    series: usize,
    /// Position among the platform axes.
    compared: usize,
}

impl Axes {
    fn find(data: &ScoreData, layout: &Layout) -> Result<Axes, ReportError> {
        let index = |name: &String| {
            data.axes
                .iter()
                .position(|axis| axis == name)
                .ok_or_else(|| ReportError::UnknownAxis { name: name.clone(), known: data.axes.clone() })
        };
        let scenario = index(&layout.scenario)?;
        let platform = layout.platform.iter().map(index).collect::<Result<Vec<_>, _>>()?;
        for (at, axis) in platform.iter().enumerate() {
            if *axis == scenario || platform[..at].contains(axis) {
                return Err(ReportError::RepeatedAxis { name: data.axes[*axis].clone() });
            }
        }
        let Some(&last) = platform.last() else {
            return Err(ReportError::NoPlatformAxis { known: data.axes.clone() });
        };
        let budget = layout.budget.as_ref().map(index).transpose()?;
        let series = layout.series.as_ref().map_or(Ok(last), index)?;
        let position = |name: &String| {
            let unknown = || ReportError::UnknownAxis { name: name.clone(), known: layout.platform.clone() };
            layout.platform.iter().position(|axis| axis == name).ok_or_else(unknown)
        };
        let compared = layout.compared.as_ref().map_or(Ok(0), position)?;
        Ok(Axes { scenario, platform, budget, series, compared })
    }

    /// A row's platform as indices of its names.
    fn platform_key(&self, row: &ScoreRow, names: &[Names<'_>]) -> Vec<usize> {
        self.platform.iter().zip(names).map(|(&axis, names)| names.index(&row.values[axis])).collect()
    }

    /// A row's platform for a message, with the full names.
    fn platform_label(&self, row: &ScoreRow) -> String {
        self.platform.iter().map(|&axis| row.values[axis].as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The values of an axis, numbered in order of appearance.
struct Names<'a> {
    names: Vec<&'a str>,
    indices: BTreeMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn of(data: &'a ScoreData, axis: usize) -> Names<'a> {
        let mut all = Names { names: Vec::new(), indices: BTreeMap::new() };
        for row in &data.rows {
            let name = row.values[axis].as_str();
            if !all.indices.contains_key(name) {
                all.indices.insert(name, all.names.len());
                all.names.push(name);
            }
        }
        all
    }

    fn index(&self, name: &str) -> usize {
        self.indices.get(name).copied().unwrap_or(0)
    }

    fn short(&self) -> Vec<String> {
        short_labels(&self.names)
    }
}

fn check_row(index: usize, row: &ScoreRow, axes: usize) -> Result<(), ReportError> {
    if row.values.len() != axes {
        return Err(ReportError::WrongLength { row: index, expected: axes, found: row.values.len() });
    }
    let bad = |value: String| ReportError::BadNumber { row: index, label: row.values.join(", "), value };
    if !row.mean.is_finite() {
        return Err(bad(format!("mean {}", row.mean)));
    }
    match row.interval {
        Some(Interval { lower, upper }) if !(lower.is_finite() && upper.is_finite() && lower <= upper) => {
            Err(bad(format!("interval from {lower} to {upper}")))
        }
        _ => Ok(()),
    }
}
