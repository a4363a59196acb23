//! Contests: two policies in one metric, without errors and with them.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rtmm_sweep::significance::{holm, signed_rank};

use crate::margin::{Level, Margin, Point, rises};
use crate::metric::{Across, Metric};
use crate::size::Size;
use crate::stated::Stated;

/// Values of a policy in each draw, by metric.
pub(crate) type Draws = Vec<Vec<Option<f64>>>;

/// Values of each policy at each size that was simulated; none of policies that were not run at it.
pub(crate) type BySize = BTreeMap<Size, Vec<Option<Draws>>>;

/// Two policies in a metric. Which of the two wins is what the runs without errors say.
#[derive(Clone, Debug, PartialEq)]
pub struct Contest {
    /// Position of the policy that is better without errors; where both are equal, of the first.
    pub winner: usize,
    /// Position of the other one.
    pub loser: usize,
    /// Position of the metric.
    pub metric: usize,
    /// The values of the two without errors; none of one that has no value.
    pub values: [Option<f64>; 2],
    /// True if neither beats the other without errors: there is no conclusion that could turn.
    pub is_tied: bool,
    /// Contests with errors, by ascending size.
    pub points: Vec<Point>,
    /// The flip margin at each level; none of a tie.
    pub margins: Vec<Margin>,
    /// True if the probability rises from one size to a greater one: the margin is of the first fall.
    pub rises: bool,
}

impl Contest {
    /// All contests of some policies, by metric.
    pub(crate) fn all(
        metrics: &[Metric],
        base: &[Vec<Option<f64>>],
        sizes: &BySize,
        levels: &[Level],
    ) -> Vec<Self> {
        let pairs = pairs(base.len());
        let all = (0..metrics.len()).flat_map(|metric| pairs.iter().map(move |pair| (metric, *pair)));
        let all: Vec<(usize, (usize, usize))> = all.collect();
        all.par_iter().map(|(metric, pair)| Self::new(metrics, *metric, *pair, base, sizes, levels)).collect()
    }

    fn new(
        metrics: &[Metric],
        metric: usize,
        (first, second): (usize, usize),
        base: &[Vec<Option<f64>>],
        sizes: &BySize,
        levels: &[Level],
    ) -> Self {
        let beats = |one: Option<f64>, other: Option<f64>| {
            one.zip(other).is_some_and(|(one, other)| metrics[metric].beats(one, other))
        };
        let value = |policy: usize| base[policy][metric];
        let (winner, loser) =
            if beats(value(second), value(first)) { (second, first) } else { (first, second) };
        let is_tied = !beats(value(winner), value(loser));
        let point = |(size, of_size): (&Size, &Vec<Option<Draws>>)| {
            let (winners, losers) = (of_size[winner].as_ref()?, of_size[loser].as_ref()?);
            let mut point = Point { size: *size, wins: 0, losses: 0, ties: 0 };
            for (winner, loser) in winners.iter().zip(losers) {
                let (winner, loser) = (winner[metric], loser[metric]);
                let count = match (beats(winner, loser), beats(loser, winner)) {
                    (true, _) => &mut point.wins,
                    (_, true) => &mut point.losses,
                    _ => &mut point.ties,
                };
                *count += 1;
            }
            Some(point)
        };
        let points: Vec<Point> = sizes.iter().filter_map(point).collect();
        let margins = match is_tied {
            true => Vec::new(),
            false => levels.iter().map(|level| Margin::of(*level, &points)).collect(),
        };
        let rises = !is_tied && rises(&points);
        Self { winner, loser, metric, values: [value(winner), value(loser)], is_tied, points, margins, rises }
    }

    /// The point of a size, if it was simulated.
    #[must_use]
    pub fn point(&self, size: Size) -> Option<&Point> {
        self.points.iter().find(|point| point.size == size)
    }

    /// True if the conclusion holds up to a size at the greatest level; none for a tie, or where that is not known.
    #[must_use]
    pub fn survives(&self, size: Size) -> Option<bool> {
        let margin = self.margins.first()?;
        if margin.flips.is_some_and(|flips| flips <= size) {
            return Some(false);
        }
        (margin.holds >= size).then_some(true)
    }

    /// True if the conclusion may turn within the error that the cost models state; none where they state none, and for a
    /// tie.
    #[must_use]
    pub fn is_within(&self, stated: &Stated) -> Option<bool> {
        let error = stated.error?;
        self.margins.first().map(|margin| margin.holds < error)
    }
}

/// All pairs of so many policies.
fn pairs(count: usize) -> Vec<(usize, usize)> {
    (0..count).flat_map(|first| (first + 1..count).map(move |second| (first, second))).collect()
}

/// Tests of two policies in a metric without errors, each corrected for all pairs of the metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Significance {
    /// Position of the first policy.
    pub first: usize,
    /// Position of the second.
    pub second: usize,
    /// Position of the metric.
    pub metric: usize,
    /// Probability of the differences over seeds if nothing tells the two apart; none where there is none, or one seed.
    pub seeds: Option<f64>,
    /// The same over systems.
    pub systems: Option<f64>,
}

/// Values without errors: by policy, place, seed, metric.
pub(crate) type Base = Vec<Vec<Vec<Vec<Option<f64>>>>>;

impl Significance {
    /// The tests of all pairs.
    pub(crate) fn all(metrics: &[Metric], base: &Base) -> Vec<Self> {
        let pairs = pairs(base.len());
        let mut all = Vec::with_capacity(pairs.len() * metrics.len());
        for (metric, of) in metrics.iter().enumerate() {
            let seeds: Vec<Option<f64>> =
                pairs.iter().map(|pair| over_seeds(of, metric, *pair, base)).collect();
            let systems: Vec<Option<f64>> =
                pairs.iter().map(|pair| over_systems(of, metric, *pair, base)).collect();
            let corrected = holm(&seeds).into_iter().zip(holm(&systems));
            all.extend(pairs.iter().zip(corrected).map(|(&(first, second), (seeds, systems))| Self {
                first,
                second,
                metric,
                seeds,
                systems,
            }));
        }
        all
    }
}

/// The difference of two values: of those whose scale differs between systems, of their logarithms.
fn difference(metric: &Metric, one: f64, other: f64) -> f64 {
    match metric.across {
        Across::Geometric if one > 0.0 && other > 0.0 => libm::log(one) - libm::log(other),
        _ => one - other,
    }
}

fn over_seeds(of: &Metric, metric: usize, (first, second): (usize, usize), base: &Base) -> Option<f64> {
    let seeds = base[first].iter().map(Vec::len).max().filter(|seeds| *seeds > 1)?;
    let value = |policy: usize, seed: usize| {
        // What is not random has one seed.
        let values: Vec<Option<f64>> =
            base[policy].iter().map(|place| place.get(seed).or(place.first())?[metric]).collect();
        of.over_systems(&values)
    };
    let differences: Option<Vec<f64>> =
        (0..seeds).map(|seed| Some(difference(of, value(first, seed)?, value(second, seed)?))).collect();
    signed_rank(&differences?)
}

fn over_systems(of: &Metric, metric: usize, (first, second): (usize, usize), base: &Base) -> Option<f64> {
    if base[first].len() < 2 {
        return None;
    }
    let places = base[first].iter().zip(&base[second]);
    let differences: Option<Vec<f64>> =
        places.map(|(one, other)| Some(difference(of, over(one, metric)?, over(other, metric)?))).collect();
    signed_rank(&differences?)
}

/// The mean of a metric over the seeds that have a value.
pub(crate) fn over(seeds: &[Vec<Option<f64>>], metric: usize) -> Option<f64> {
    let values: Vec<f64> = seeds.iter().filter_map(|seed| seed[metric]).collect();
    rtmm_sweep::statistics::mean(&values)
}

#[cfg(test)]
mod tests {
    use rtmm_runners::engine::Engine;
    use rtmm_sweep::runner::CellRunner;

    use super::*;

    fn metrics() -> Vec<Metric> {
        ["deadline_violation_rate", "energy_pj"]
            .map(|name| Metric::find(Engine::built_in().spec(), name).unwrap())
            .into()
    }

    fn of(values: [f64; 2]) -> Vec<Option<f64>> {
        values.map(Some).into()
    }

    #[test]
    fn wins_losses_and_ties_add_up_from_either_side() {
        let base = [of([0.1, 5.0]), of([0.2, 5.0])];
        let draws = |values: [f64; 3]| Some(values.map(|value| of([value, 5.0])).to_vec());
        let size = Size::of_percent(10);
        let sizes = |order: [usize; 2]| {
            let all = [draws([0.1, 0.3, 0.2]), draws([0.2, 0.2, 0.2])];
            BySize::from([(size, order.map(|index| all[index].clone()).to_vec())])
        };
        let contests = Contest::all(&metrics(), &base, &sizes([0, 1]), &[Level::HIGH]);
        let Contest { winner, loser, is_tied, points, margins, .. } = &contests[0];
        assert_eq!((*winner, *loser, *is_tied), (0, 1, false));
        assert_eq!(points[0], Point { size, wins: 1, losses: 1, ties: 1 });
        assert_eq!(margins[0], Margin { level: Level::HIGH, holds: Size::ZERO, flips: Some(size) });
        // The other way round: the same contest.
        let swapped = [base[1].clone(), base[0].clone()];
        let other = Contest::all(&metrics(), &swapped, &sizes([1, 0]), &[Level::HIGH]);
        assert_eq!((other[0].winner, other[0].loser), (1, 0));
        assert_eq!((&other[0].points, &other[0].margins), (points, margins));
        // Equal energies are no conclusion.
        assert!(
            contests[1].is_tied && contests[1].margins.is_empty() && contests[1].survives(size).is_none()
        );
    }

    #[test]
    fn a_conclusion_survives_what_its_margin_holds() {
        let size = Size::of_percent;
        let margin = Margin { level: Level::HIGH, holds: size(20), flips: Some(size(50)) };
        let contest = Contest {
            winner: 0,
            loser: 1,
            metric: 0,
            values: [Some(0.1), Some(0.2)],
            is_tied: false,
            points: Vec::new(),
            margins: vec![margin],
            rises: false,
        };
        assert_eq!(
            [10, 20, 30, 50, 60].map(|percent| contest.survives(size(percent))),
            [Some(true), Some(true), None, Some(false), Some(false)]
        );
        let stated = |percent| Stated::by_user(size(percent));
        assert_eq!(contest.is_within(&stated(20)), Some(false));
        assert_eq!(contest.is_within(&stated(21)), Some(true));
        assert_eq!(contest.is_within(&Stated::default()), None);
    }

    #[test]
    fn tests_are_of_seeds_and_of_systems() {
        let metrics = metrics();
        // Six systems of one seed: the first policy is better everywhere.
        let system = |value: f64| vec![of([value, 5.0])];
        let base: Base = vec![
            (1..=6).map(|at| system(f64::from(at))).collect(),
            (1..=6).map(|at| system(2.0 * f64::from(at))).collect(),
        ];
        let tests = Significance::all(&metrics, &base);
        assert_eq!((tests[0].seeds, tests[0].systems), (None, Some(2.0 / 64.0)));
        assert_eq!((tests[1].seeds, tests[1].systems), (None, None), "equal energies");
        // One system of six seeds.
        let seeds = |factor: f64| vec![(1..=6).map(|at| of([factor * f64::from(at), 5.0])).collect()];
        let tests = Significance::all(&metrics, &vec![seeds(1.0), seeds(2.0)]);
        assert_eq!((tests[0].seeds, tests[0].systems), (Some(2.0 / 64.0), None));
    }
}
