//! Prices, and what they prove: the bound that any prices give, in integers.
//!
//! With `y` the price of time of an interval, `v` that of a job's own span and `l` that of a link, all at least 0,
//!
//! ```text
//! L = constant - sum y |interval| + sum over jobs of the least of
//!       late:                    its price
//!       chain by target e:       its price, if e is behind its deadline
//!                                + sum over layers of the least over kinds of energy + (v + sum of y around the layer) time
//!                                - v span - sum of l that wait for it by e + sum of l of what it waits for by e
//! ```
//!
//! is at most what any schedule costs: for that schedule, the least over choices is at most the one that it takes, and what
//! has been added is not positive since the schedule keeps all limits.

use super::{Interval, Pattern, Relaxation};
use crate::relaxation::NEVER;

/// Prices in units of an objective's, times its scale.
#[derive(Clone, Debug, Default)]
pub(super) struct Prices {
    /// By interval: of a picosecond.
    pub intervals: Vec<u64>,
    /// By job, then target: of a picosecond of the job's span.
    pub spans: Vec<Vec<u64>>,
    /// By link, in units of the objective.
    pub links: Vec<i128>,
}

/// Objective in scaled units.
#[derive(Clone, Debug)]
pub(super) struct Objective {
    /// By job: the price of not being in time.
    pub late: Vec<i128>,
    /// By job: false where being in time is no choice.
    pub may_be_in_time: Vec<bool>,
    /// The price of a femtojoule.
    pub energy: u64,
    /// Part of the objective that no job decides.
    pub constant: i128,
}

/// The bound of some prices, with the choice of each job that gives it; none where that is not to run.
pub(super) struct Evaluation {
    pub bound: i128,
    pub choices: Vec<Option<Pattern>>,
}

pub(super) fn evaluate(
    relaxation: &Relaxation,
    intervals: &[Interval],
    prices: &Prices,
    objective: &Objective,
) -> Evaluation {
    let priced: Vec<(&Interval, u64)> = intervals
        .iter()
        .zip(&prices.intervals)
        .filter(|(_, price)| **price > 0)
        .map(|(one, price)| (one, *price))
        .collect();
    let mut bound = objective.constant;
    for (interval, price) in &priced {
        bound -= i128::from(*price) * capacity(relaxation, interval);
    }
    let mut choices = Vec::with_capacity(relaxation.jobs.len());
    for index in 0..relaxation.jobs.len() {
        let (least, choice) = cheapest(relaxation, index, &priced, prices, objective);
        bound += least;
        choices.push(choice);
    }
    Evaluation { bound, choices }
}

/// Time of all accelerators of an interval's kind.
pub(super) fn capacity(relaxation: &Relaxation, interval: &Interval) -> i128 {
    i128::from(interval.to - interval.from) * i128::from(relaxation.kinds.size(interval.kind))
}

/// The least price of a job, and how it is run for that.
fn cheapest(
    relaxation: &Relaxation,
    index: usize,
    priced: &[(&Interval, u64)],
    prices: &Prices,
    objective: &Objective,
) -> (i128, Option<Pattern>) {
    let job = &relaxation.jobs[index];
    let mut least = (objective.late[index], None);
    for target in 0..job.targets.len() {
        let is_in_time = target <= job.own;
        if is_in_time && !objective.may_be_in_time[index] {
            continue;
        }
        let own_time = prices.spans[index][target];
        let of_span = job.span(target).map_or(0, |span| i128::from(own_time) * i128::from(span));
        let mut of_target = if is_in_time { 0 } else { objective.late[index] } - of_span;
        for (link, price) in relaxation.links.iter().zip(&prices.links) {
            if link.of == index && target <= link.of_target {
                of_target -= *price;
            }
            if link.by == index && target <= link.by_target {
                of_target += *price;
            }
        }
        for chain in 0..job.chains.len() {
            if !job.fits(chain, target) {
                continue;
            }
            let (of_layers, kinds) =
                layers(relaxation, index, target, chain, own_time, priced, objective.energy);
            let price = of_target + of_layers;
            if price < least.0 {
                least = (price, Some((target, chain, kinds)));
            }
        }
    }
    let (price, choice) = least;
    let pattern = choice.map(|(target, chain, kinds)| Pattern::new(relaxation, index, target, chain, kinds));
    (price, pattern)
}

/// The least price of the layers of a chain, and the kind of each for that.
fn layers(
    relaxation: &Relaxation,
    index: usize,
    target: usize,
    chain: usize,
    own_time: u64,
    priced: &[(&Interval, u64)],
    energy_price: u64,
) -> (i128, Vec<u8>) {
    let job = &relaxation.jobs[index];
    let (of, count) = (&job.chains[chain], relaxation.kinds.count());
    let span = (job.release, job.targets[target]);
    // By layer and the end, then kind: what the price of time changes by there.
    let mut changes = vec![0_i128; (of.layers + 1) * count];
    if span.1 != NEVER {
        for (interval, price) in priced {
            let (first, behind) = of.layers_within(span, (interval.from, interval.to));
            changes[first * count + interval.kind] += i128::from(*price);
            changes[behind * count + interval.kind] -= i128::from(*price);
        }
    }
    let mut of_time = vec![i128::from(own_time); count];
    let (mut total, mut kinds) = (0_i128, Vec::with_capacity(of.layers));
    for layer in 0..of.layers {
        let mut least: Option<(i128, usize)> = None;
        for kind in 0..count {
            of_time[kind] += changes[layer * count + kind];
            let Some((time, energy)) = of.costs[layer * count + kind] else { continue };
            let price = i128::from(time) * of_time[kind] + i128::from(energy) * i128::from(energy_price);
            // Of equal ones the fastest.
            let is_better = least.is_none_or(|(known, at)| {
                let fastest = of.costs[layer * count + at].map_or(u64::MAX, |(time, _)| time);
                (price, time) < (known, fastest)
            });
            if is_better {
                least = Some((price, kind));
            }
        }
        let (price, kind) = least.unwrap_or_default();
        total += price;
        kinds.push(kind as u8);
    }
    (total, kinds)
}
