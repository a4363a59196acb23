//! Rankings: which policy, or which platform, is best by a metric, and which others are told apart from it.
//!
//! Competitors are compared over the same *places*: scenarios as they are run on platforms (of platforms: under policies).
//! A value is the mean over places of the mean over seeds; one that lacks a place is none, as it would not compare. Cells
//! that share a seed saw the same world, so that two competitors are compared seed by seed: what seeds have in common
//! cancels. Intervals are percentile bootstraps that resample seeds, the same for all places. Two competitors are told
//! apart where the interval of their difference excludes zero, and never by whether their own intervals overlap.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::figures::Dimension;
use crate::plan::{Cell, Plan};
use crate::results::Results;
use crate::runner::Better;
use crate::significance::{holm, signed_rank};
use crate::statistics::{Bootstrap, Interval, MINIMUM_SAMPLES, mean, over_seeds};

/// Part of cells that competes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Competitors {
    /// Policies with their parameters.
    Policies,
    /// Platforms.
    Platforms,
}

impl Competitors {
    /// Those of a plan: its policies where there are several, else its platforms; `None` where nothing competes.
    #[must_use]
    pub fn of(plan: &Plan<'_>) -> Option<Self> {
        let axes = plan.axes();
        match (axes.policies.len(), axes.platforms.len()) {
            (2.., _) => Some(Self::Policies),
            (_, 2..) => Some(Self::Platforms),
            _ => None,
        }
    }

    /// The dimension by which figures tell them apart.
    #[must_use]
    pub fn dimension(self) -> Dimension {
        match self {
            Self::Policies => Dimension::PolicyWithParameters,
            Self::Platforms => Dimension::Platform,
        }
    }

    /// Their number in a plan.
    #[must_use]
    pub fn count(self, plan: &Plan<'_>) -> usize {
        match self {
            Self::Policies => plan.axes().policies.len(),
            Self::Platforms => plan.axes().platforms.len(),
        }
    }

    /// Position of the competitor of a cell, and of the part that it does not choose.
    fn split(self, cell: &Cell) -> (usize, usize) {
        match self {
            Self::Policies => (cell.policy.index(), cell.platform.index()),
            Self::Platforms => (cell.platform.index(), cell.policy.index()),
        }
    }
}

/// Sampling behind a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Nothing is random: values are exact.
    Exact,
    /// So many seeds, too few for intervals.
    Few(usize),
    /// So many seeds at least, with intervals.
    Seeds(usize),
}

/// A value with its interval, if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimated {
    /// The value.
    pub value: f64,
    /// Its bootstrap interval; `None` where nothing is random, or over too few seeds.
    pub interval: Option<Interval>,
}

/// The values of a metric, by competitor, place and seed.
#[derive(Clone, Debug)]
pub struct Standings {
    /// By competitor, then by place: the values of the seeds.
    values: Vec<Vec<Vec<Option<f64>>>>,
    sampling: Sampling,
    bootstrap: Option<Bootstrap>,
}

impl Standings {
    /// The values of a cell column; `None` where there is no place that all competitors have, such as where each scenario
    /// has a platform of its own.
    #[must_use]
    pub fn of(results: &Results<'_>, competitors: Competitors, metric: usize) -> Option<Self> {
        let plan = results.plan();
        let count = competitors.count(plan);
        let mut places: BTreeMap<(usize, usize), Vec<Option<&[Cell]>>> = BTreeMap::new();
        for cells in plan.groups() {
            let (competitor, other) = competitors.split(&cells[0]);
            let place = places.entry((cells[0].scenario.index(), other)).or_insert_with(|| vec![None; count]);
            place[competitor] = Some(cells);
        }
        let shared: Vec<Vec<&[Cell]>> =
            places.into_values().filter_map(|cells| cells.into_iter().collect()).collect();
        if shared.is_empty() {
            return None;
        }
        let value = |cell: &Cell| results.cells().get(cell.index)?.as_ref()?.cell.get(metric)?.number();
        let of = |cells: &&[Cell]| cells.iter().map(value).collect::<Vec<Option<f64>>>();
        let values: Vec<Vec<Vec<Option<f64>>>> =
            (0..count).map(|one| shared.iter().map(|place| of(&place[one])).collect()).collect();
        let random = values.iter().filter(|values| is_complete(values)).flatten();
        let seeds = random.filter(|values| values.len() > 1).map(|values| values.iter().flatten().count());
        let sampling = match seeds.min() {
            None if shared.iter().flatten().all(|cells| !plan.varied_scenario(&cells[0]).random) => {
                Sampling::Exact
            }
            // A single seed of what is random.
            None => Sampling::Few(1),
            Some(seeds) if seeds < MINIMUM_SAMPLES => Sampling::Few(seeds),
            Some(seeds) => Sampling::Seeds(seeds),
        };
        let bootstrap = match sampling {
            Sampling::Seeds(_) => Some(Bootstrap::new(plan.axes().seeds.len())),
            Sampling::Exact | Sampling::Few(_) => None,
        };
        Some(Self { values, sampling, bootstrap })
    }

    /// Sampling behind the values.
    #[must_use]
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Number of places over which values are means.
    #[must_use]
    pub fn places(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// The value of a competitor without its interval; `None` where it lacks a place.
    #[must_use]
    pub fn value(&self, competitor: usize) -> Option<f64> {
        over_places(self.values.get(competitor)?, None)
    }

    /// The value of a competitor with its interval.
    #[must_use]
    pub fn estimate(&self, competitor: usize) -> Option<Estimated> {
        self.estimated(self.values.get(competitor)?)
    }

    /// The difference of a competitor from another, seed by seed; `None` where one lacks a place, or they share no seed
    /// of one.
    #[must_use]
    pub fn difference(&self, competitor: usize, from: usize) -> Option<Estimated> {
        self.estimated(&self.differences(competitor, from)?)
    }

    /// The difference of a competitor from another as a part of that one's value, both over the same seeds; `None` where
    /// one lacks a place, and where the other's value is zero.
    #[must_use]
    pub fn relative_difference(&self, competitor: usize, from: usize) -> Option<Estimated> {
        let (own, other) = (self.values.get(competitor)?, self.values.get(from)?);
        let of = |seeds: Option<&[u32]>| {
            let (own, other) = (over_places(own, seeds)?, over_places(other, seeds)?);
            (other != 0.0).then(|| (own - other) / other.abs())
        };
        let interval =
            self.bootstrap.as_ref().and_then(|bootstrap| bootstrap.interval_of(|seeds| of(Some(seeds))));
        Some(Estimated { value: of(None)?, interval })
    }

    /// Tests of pairs of competitors, each corrected for all of these. A pair of which one lacks a place has no test.
    #[must_use]
    pub fn tests(&self, pairs: &[(usize, usize)]) -> Vec<PairTest> {
        let mut tests: Vec<PairTest> =
            pairs.par_iter().filter_map(|(one, other)| self.test(*one, *other)).collect();
        let seeds: Vec<Option<f64>> = tests.iter().map(|test| test.seeds).collect();
        let places: Vec<Option<f64>> = tests.iter().map(|test| test.places).collect();
        for (test, (seeds, places)) in tests.iter_mut().zip(holm(&seeds).into_iter().zip(holm(&places))) {
            (test.seeds, test.places) = (seeds, places);
        }
        tests
    }

    fn test(&self, one: usize, other: usize) -> Option<PairTest> {
        let differences = self.differences(one, other)?;
        let places: Vec<f64> =
            differences.iter().map(|seeds| over_seeds(seeds, None)).collect::<Option<_>>()?;
        let count = differences.iter().map(Vec::len).max().unwrap_or(0);
        let at = |seed: usize| {
            // What is not random has one seed.
            let values = differences.iter().map(|seeds| seeds.get(seed).or(seeds.first()).copied().flatten());
            mean(&values.collect::<Option<Vec<f64>>>()?)
        };
        let seeds: Vec<f64> = (0..count).filter_map(at).collect();
        let several = |values: &[f64]| if values.len() > 1 { signed_rank(values) } else { None };
        Some(PairTest {
            one,
            other,
            difference: mean(&places)?,
            above: places.iter().filter(|difference| **difference > 0.0).count(),
            below: places.iter().filter(|difference| **difference < 0.0).count(),
            seeds: several(&seeds),
            places: several(&places),
        })
    }

    /// Relation of a competitor to another one, such as the best.
    #[must_use]
    pub fn verdict(&self, competitor: usize, best: usize) -> Verdict {
        if competitor == best {
            return Verdict::Best;
        }
        if self.are_equal(competitor, best) {
            return Verdict::Equal;
        }
        let Some(difference) = self.difference(competitor, best) else {
            let value = self.value(competitor).zip(self.value(best)).map_or(0.0, |(own, best)| own - best);
            return Verdict::Unknown(Estimated { value, interval: None });
        };
        match (self.sampling, difference.interval) {
            (Sampling::Exact, _) => Verdict::Behind(difference),
            (Sampling::Seeds(_), Some(interval)) if interval.low > 0.0 || interval.high < 0.0 => {
                Verdict::Behind(difference)
            }
            (Sampling::Seeds(_), Some(_)) => Verdict::NotToldApart(difference),
            (Sampling::Seeds(_) | Sampling::Few(_), _) => Verdict::Unknown(difference),
        }
    }

    /// True if two competitors have the same values in each place under each seed.
    #[must_use]
    pub fn are_equal(&self, competitor: usize, other: usize) -> bool {
        let differences = self.differences(competitor, other);
        differences
            .is_some_and(|places| places.iter().flatten().flatten().all(|difference| *difference == 0.0))
    }

    fn differences(&self, competitor: usize, from: usize) -> Option<Vec<Vec<Option<f64>>>> {
        let (own, other) = (self.values.get(competitor)?, self.values.get(from)?);
        let of_place = |(own, other): (&Vec<Option<f64>>, &Vec<Option<f64>>)| {
            own.iter().zip(other).map(|(own, other)| Some((*own)? - (*other)?)).collect()
        };
        Some(own.iter().zip(other).map(of_place).collect())
    }

    fn estimated(&self, places: &[Vec<Option<f64>>]) -> Option<Estimated> {
        let value = over_places(places, None)?;
        let interval = self
            .bootstrap
            .as_ref()
            .and_then(|bootstrap| bootstrap.interval_of(|seeds| over_places(places, Some(seeds))));
        Some(Estimated { value, interval })
    }
}

fn is_complete(places: &[Vec<Option<f64>>]) -> bool {
    places.iter().all(|seeds| seeds.iter().any(Option::is_some))
}

/// The mean over places of the means over seeds, or over those that a resample draws.
fn over_places(places: &[Vec<Option<f64>>], seeds: Option<&[u32]>) -> Option<f64> {
    let means: Vec<f64> = places.iter().map(|values| over_seeds(values, seeds)).collect::<Option<_>>()?;
    mean(&means)
}

/// Tests of the differences of a competitor from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairTest {
    /// The competitor.
    pub one: usize,
    /// The other one.
    pub other: usize,
    /// Mean over places of the mean difference over seeds.
    pub difference: f64,
    /// Places in which the competitor's mean is above the other's.
    pub above: usize,
    /// Places in which it is below.
    pub below: usize,
    /// Probability of the differences of the seeds, each the mean over places, if nothing tells the two apart; none of a single
    /// seed, and where there is no difference.
    pub seeds: Option<f64>,
    /// The same over places, each the mean over seeds.
    pub places: Option<f64>,
}

/// Relation of a competitor to the best one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It is the best one.
    Best,
    /// It has the same value in each place under each seed.
    Equal,
    /// The interval of the difference includes zero.
    NotToldApart(Estimated),
    /// The interval of the difference excludes zero, or nothing is random.
    Behind(Estimated),
    /// There are too few seeds to say.
    Unknown(Estimated),
}

/// A competitor of a ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Its position among the policies or platforms of the plan.
    pub competitor: usize,
    /// Its value.
    pub value: f64,
    /// Bootstrap interval of the value, as of [`Estimated`].
    pub interval: Option<Interval>,
    /// Relation to the best.
    pub verdict: Verdict,
}

/// Competitors by a metric, the best first.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// Part of cells that competes.
    pub competitors: Competitors,
    /// Position of the metric among the cell columns.
    pub metric: usize,
    /// Direction in which values are better.
    pub better: Better,
    /// The ranked ones; what is equal is in the order of the plan.
    pub ranked: Vec<Ranked>,
    /// Those that lack a value in a place, in the order of the plan.
    pub unranked: Vec<usize>,
    /// The values that they were ranked by.
    pub standings: Standings,
}

impl Ranking {
    /// Ranks by a cell column of which more or less is better, and equal values by what is spent, if that is known; `None`
    /// where nothing competes, the column has no such direction, or no competitor has a value.
    #[must_use]
    pub fn of(results: &Results<'_>, metric: usize, spending: Option<&Standings>) -> Option<Self> {
        let plan = results.plan();
        let competitors = Competitors::of(plan)?;
        let better = plan.spec().cell_columns.get(metric)?.better?;
        let standings = Standings::of(results, competitors, metric)?;
        let mut order: Vec<(usize, f64)> = Vec::new();
        let mut unranked = Vec::new();
        for competitor in 0..competitors.count(plan) {
            match standings.value(competitor) {
                Some(value) => order.push((competitor, value)),
                None => unranked.push(competitor),
            }
        }
        let spent = |competitor: usize| {
            spending.and_then(|spending| spending.value(competitor)).unwrap_or(f64::INFINITY)
        };
        order.sort_by(|(left, left_value), (right, right_value)| {
            let by_value = match better {
                Better::Lower => left_value.total_cmp(right_value),
                Better::Higher => right_value.total_cmp(left_value),
            };
            by_value.then_with(|| spent(*left).total_cmp(&spent(*right)))
        });
        let best = order.first()?.0;
        let ranked = |&(competitor, value): &(usize, f64)| {
            let interval = standings.estimate(competitor).and_then(|estimate| estimate.interval);
            Ranked { competitor, value, interval, verdict: standings.verdict(competitor, best) }
        };
        let ranked = order.par_iter().map(ranked).collect();
        Some(Self { competitors, metric, better, ranked, unranked, standings })
    }

    /// The best competitor.
    #[must_use]
    pub fn best(&self) -> Option<&Ranked> {
        self.ranked.first()
    }
}

/// For each point, true if no other is at least as small in both coordinates and smaller in one.
#[must_use]
pub fn front(points: &[(f64, f64)]) -> Vec<bool> {
    let beats = |other: &(f64, f64), point: &(f64, f64)| {
        other.0 <= point.0 && other.1 <= point.1 && (other.0 < point.0 || other.1 < point.1)
    };
    points.iter().map(|point| !points.iter().any(|other| beats(other, point))).collect()
}

/// The run with the worst value of a cell column of which more or less is better; of equal ones, the first.
#[must_use]
pub fn worst<'p>(results: &Results<'p>, metric: usize) -> Option<(&'p Cell, f64)> {
    let better = results.plan().spec().cell_columns.get(metric)?.better?;
    let is_worse = |value: f64, than: f64| match better {
        Better::Lower => value > than,
        Better::Higher => value < than,
    };
    let mut worst: Option<(&'p Cell, f64)> = None;
    for (cell, result) in results.iter() {
        let Some(value) = result.cell.get(metric).and_then(crate::runner::Value::number) else { continue };
        if worst.is_none_or(|(_, known)| is_worse(value, known)) {
            worst = Some((cell, value));
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_has_what_nothing_beats() {
        let points = [(1.0, 5.0), (2.0, 2.0), (2.0, 2.0), (2.0, 3.0), (5.0, 1.0), (6.0, 1.0)];
        assert_eq!(front(&points), [true, true, true, false, true, false]);
        assert_eq!(front(&[(0.0, 0.0)]), [true]);
        assert!(front(&[]).is_empty());
    }
}
