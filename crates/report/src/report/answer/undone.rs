//! Metrics that leaving work undone wins, as data: who is first by one and completes far fewer jobs than another.
//!
//! Energies, and products of them such as UXCost, fall with every job that is not run; means over completed jobs say nothing
//! of the others. So the first by such a metric is held against the completions of the rest.

use rtmm_sweep::ranking::{Competitors, Standings};
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{Better, Column};

/// Completing fewer jobs than this part of the most is leaving work undone.
pub(in super::super) const ENOUGH: f64 = 0.9;

/// A competitor that is first by some metrics and leaves work undone.
pub(in super::super) struct Undone {
    pub competitor: usize,
    /// Its completions, as a share.
    pub completed: f64,
    pub metrics: Vec<Won>,
}

/// A metric that it is first by.
pub(in super::super) struct Won {
    pub column: Column,
    pub value: f64,
    /// The first of those that complete enough, with its value.
    pub next: Option<(usize, f64)>,
}

/// Competitors that leave work undone, in the order of the columns that they are first by, and who completes the most.
pub(in super::super) struct Completions {
    pub column: Column,
    pub most: (usize, f64),
    pub undone: Vec<Undone>,
}

/// A competitor by a metric.
#[derive(Clone, Copy)]
struct Standing {
    competitor: usize,
    value: f64,
    completed: f64,
}

impl Completions {
    /// The completions of some results; `None` where the runner has no column of them, and where no competitor leaves work undone.
    pub(in super::super) fn of(results: &Results<'_>, competitors: Competitors) -> Option<Self> {
        let (plan, position) = (results.plan(), results.completions()?);
        let count = competitors.count(plan);
        let completions = Standings::of(results, competitors, position)?;
        let all = (0..count).filter_map(|one| Some((one, completions.value(one)?)));
        // Of equal ones the first.
        let most = all.reduce(|most, one| if one.1 > most.1 { one } else { most })?;
        let columns = &plan.spec().cell_columns;
        let mut undone: Vec<Undone> = Vec::new();
        for (metric, better) in judged(results) {
            let Some(standings) = Standings::of(results, competitors, metric) else { continue };
            let standing = |competitor: usize| {
                let (value, completed) = (standings.value(competitor)?, completions.value(competitor)?);
                Some(Standing { competitor, value, completed })
            };
            let ranked: Vec<Standing> = (0..count).filter_map(standing).collect();
            let Some(first) = first(&ranked, better, |_| true) else { continue };
            let is_enough = |one: &Standing| one.completed >= ENOUGH * most.1;
            if is_enough(&first) {
                continue;
            }
            let next = self::first(&ranked, better, is_enough).map(|next| (next.competitor, next.value));
            let won = Won { column: columns[metric], value: first.value, next };
            match undone.iter_mut().find(|known| known.competitor == first.competitor) {
                Some(known) => known.metrics.push(won),
                None => {
                    let (competitor, completed) = (first.competitor, first.completed);
                    undone.push(Undone { competitor, completed, metrics: vec![won] });
                }
            }
        }
        (!undone.is_empty()).then(|| Self { column: columns[position], most, undone })
    }
}

/// Positions of the columns that competitors are judged by, and of what they spend.
fn judged(results: &Results<'_>) -> Vec<(usize, Better)> {
    let columns = results.plan().spec().cell_columns.iter().enumerate();
    let judged = columns.filter(|(_, column)| column.summarised);
    let mut all: Vec<(usize, Better)> =
        judged.filter_map(|(position, column)| Some((position, column.better?))).collect();
    let expense = results.expense().filter(|expense| all.iter().all(|(known, _)| known != expense));
    all.extend(expense.map(|expense| (expense, Better::Lower)));
    all
}

/// The best of those that are admitted; of equal values the one that completes the most, else the first.
fn first(ranked: &[Standing], better: Better, admits: impl Fn(&Standing) -> bool) -> Option<Standing> {
    let admitted = ranked.iter().copied().filter(admits);
    admitted.reduce(|best, one| {
        let by_value = match better {
            Better::Lower => one.value.total_cmp(&best.value),
            Better::Higher => best.value.total_cmp(&one.value),
        };
        if by_value.then(best.completed.total_cmp(&one.completed)).is_lt() { one } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_values_the_one_that_completes_more_is_first() {
        let ranked = [(2.0, 0.9), (1.0, 0.1), (1.0, 0.8), (1.0, 0.8), (3.0, 1.0)];
        let ranked: Vec<Standing> = (0..)
            .zip(ranked)
            .map(|(competitor, (value, completed))| Standing { competitor, value, completed })
            .collect();
        let best = |better, enough: f64| {
            first(&ranked, better, |one| one.completed >= enough).map(|one| one.competitor)
        };
        assert_eq!(best(Better::Lower, 0.0), Some(2));
        assert_eq!(best(Better::Higher, 0.0), Some(4));
        assert_eq!(best(Better::Lower, 0.85), Some(0));
        assert_eq!(best(Better::Lower, 2.0), None);
    }
}
