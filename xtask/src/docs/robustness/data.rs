//! The data of the page: contests of pairs of policies, in means over systems and on each of them.

use std::path::Path;

use super::super::Problem;
use super::{COUNTED, percent};
use crate::evaluation::DATA;
use crate::evaluation::robustness::{RUNS, Set, rows};
use crate::markdown::MISSING;

pub(super) use crate::evaluation::robustness::MEAN;

/// A row of what was run.
pub(super) struct Run {
    pub set: String,
    pub axis: String,
    /// Digest of the inputs.
    pub inputs: String,
    /// Sizes of errors in percent, ascending.
    pub sizes: Vec<f64>,
    pub draws: u32,
    pub runs_per_policy: u32,
    pub runs: u64,
    /// Processor time; none where it is not known.
    pub seconds: Option<f64>,
}

/// Runs of the sets along their axes.
pub(super) fn runs(root: &Path) -> Result<Vec<Run>, Problem> {
    let of = |row: Vec<String>| -> Result<Run, Problem> {
        Ok(Run {
            set: row[0].clone(),
            axis: row[1].clone(),
            inputs: row[2].clone(),
            sizes: numbers(&row[3])?,
            draws: row[4].parse()?,
            runs_per_policy: row[5].parse()?,
            runs: row[6].parse()?,
            seconds: row[7].parse().ok(),
        })
    };
    rows(&root.join(DATA).join(RUNS))?.into_iter().map(of).collect()
}

fn numbers(text: &str) -> Result<Vec<f64>, std::num::ParseFloatError> {
    text.split(' ').map(str::parse).collect()
}

/// Two policies in a metric.
pub(super) struct Contest {
    axis: String,
    place: String,
    pub metric: String,
    /// The better one without errors.
    pub better: String,
    pub than: String,
    pub values: [Option<f64>; 2],
    /// The greatest size in percent up to which the better one stays better; none of a tie.
    pub holds: Option<f64>,
}

/// The contests of a set.
pub(super) struct Contests {
    /// Sizes of errors in percent, ascending.
    pub sizes: Vec<f64>,
    rows: Vec<Contest>,
}

impl Contests {
    pub(super) fn read(root: &Path, set: &Set) -> Result<Self, Problem> {
        let runs = runs(root)?;
        let own = runs.iter().find(|run| run.set == set.name);
        let of = |row: Vec<String>| -> Result<Contest, Problem> {
            Ok(Contest {
                axis: row[0].clone(),
                place: row[1].clone(),
                metric: row[2].clone(),
                better: row[3].clone(),
                than: row[4].clone(),
                values: [row[5].parse().ok(), row[6].parse().ok()],
                holds: if row[8].is_empty() { None } else { Some(row[8].parse()?) },
            })
        };
        let rows: Result<Vec<Contest>, Problem> =
            rows(&root.join(DATA).join(set.table()))?.into_iter().map(of).collect();
        Ok(Self { sizes: own.map(|run| run.sizes.clone()).unwrap_or_default(), rows: rows? })
    }

    /// Metrics in their order.
    pub(super) fn metrics(&self) -> Vec<&str> {
        different(self.rows.iter().map(|contest| contest.metric.as_str()))
    }

    /// True if the set was run along an axis.
    pub(super) fn has(&self, axis: &str) -> bool {
        self.rows.iter().any(|contest| contest.axis == axis)
    }

    /// Systems in their order.
    pub(super) fn places(&self) -> Vec<&str> {
        different(self.rows.iter().map(|contest| contest.place.as_str()).filter(|place| *place != MEAN))
    }

    fn of<'c>(&'c self, axis: &'c str, metric: &'c str) -> impl Iterator<Item = &'c Contest> {
        self.rows.iter().filter(move |contest| contest.axis == axis && contest.metric == metric)
    }

    /// Contests in means over systems.
    pub(super) fn in_means<'c>(
        &'c self,
        axis: &'c str,
        metric: &'c str,
    ) -> impl Iterator<Item = &'c Contest> {
        self.of(axis, metric).filter(|contest| contest.place == MEAN)
    }

    /// Contests on systems by themselves.
    pub(super) fn at_places<'c>(
        &'c self,
        axis: &'c str,
        metric: &'c str,
    ) -> impl Iterator<Item = &'c Contest> {
        self.of(axis, metric).filter(|contest| contest.place != MEAN)
    }

    /// Policies in means without errors, the best first: that of the most contests that are won, of equal ones by name.
    pub(super) fn ranking<'c>(&'c self, axis: &'c str, metric: &'c str) -> Vec<&'c str> {
        let all = self.in_means(axis, metric).flat_map(|contest| [&*contest.better, &*contest.than]);
        let mut policies = different(all);
        policies.sort_unstable();
        let won = |policy: &str| {
            let contests = self.in_means(axis, metric);
            contests.filter(|contest| contest.better == policy && contest.holds.is_some()).count()
        };
        policies.sort_by_cached_key(|policy| std::cmp::Reverse(won(policy)));
        policies
    }

    /// The contest of two policies at a place, whichever of them is better.
    pub(super) fn pair(
        &self,
        axis: &str,
        place: &str,
        metric: &str,
        one: &str,
        other: &str,
    ) -> Option<&Contest> {
        self.rows.iter().find(|contest| {
            let of_pair = (contest.better == one && contest.than == other)
                || (contest.better == other && contest.than == one);
            of_pair && contest.axis == axis && contest.place == place && contest.metric == metric
        })
    }
}

/// A policy against another one on all systems.
pub(super) struct OverPlaces {
    /// Margins on systems that tell the two apart, ascending: zero where the other one is better.
    margins: Vec<f64>,
}

impl OverPlaces {
    pub(super) fn of(contests: &Contests, axis: &str, metric: &str, better: &str, than: &str) -> Self {
        let at = |place: &str| {
            let contest = contests.pair(axis, place, metric, better, than)?;
            let holds = contest.holds?;
            Some(if contest.better == better { holds } else { 0.0 })
        };
        let mut margins: Vec<f64> = contests.places().into_iter().filter_map(at).collect();
        margins.sort_by(f64::total_cmp);
        Self { margins }
    }

    /// Systems that tell the two apart.
    pub(super) fn count(&self) -> usize {
        self.margins.len()
    }

    /// The least margin and the median, such as `0, 10`.
    pub(super) fn margins(&self) -> String {
        match (self.margins.first(), median(&self.margins)) {
            (Some(least), Some(median)) => format!("{least}, {median}"),
            _ => "no system tells them apart".to_owned(),
        }
    }

    /// Percent of the systems on which the order survives each of the counted sizes, such as `80, 40, 0`.
    pub(super) fn shares(&self) -> String {
        if self.margins.is_empty() {
            return MISSING.to_owned();
        }
        let surviving = |size: f64| self.margins.iter().filter(|holds| **holds >= size).count();
        COUNTED.map(|size| percent(surviving(size), self.count())).join(", ")
    }
}

/// The lower one of the two in the middle where the number is even, so that it is a size that was simulated; none of nothing.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

fn different<'t>(values: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut different: Vec<&str> = Vec::new();
    for value in values {
        if !different.contains(&value) {
            different.push(value);
        }
    }
    different
}

#[cfg(test)]
impl Contests {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Contests in ANTT along the axis of costs: place, the better policy, the other one, margin.
    pub(super) fn by_hand(sizes: &[f64], contests: &[(&str, &str, &str, Option<f64>)]) -> Self {
        let row = |(place, better, than, holds): &(&str, &str, &str, Option<f64>)| Contest {
            axis: "costs".to_owned(),
            place: (*place).to_owned(),
            metric: "antt".to_owned(),
            better: (*better).to_owned(),
            than: (*than).to_owned(),
            values: [Some(1.0), Some(2.0)],
            holds: *holds,
        };
        Self { sizes: sizes.to_vec(), rows: contests.iter().map(row).collect() }
    }
}
