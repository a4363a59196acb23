//! Slowdown of each ordered pair of models, as a quadratic whose weights start from those of other pairs.
//!
//! The logarithm of the slowdown of a model beside another is linear in the features of `features`. Each ordered pair has
//! weights of its own; over the pairs they are distributed normally, with means, variances and noise that make the
//! measurements most likely (empirical Bayes). A pair that was never seen starts at the means, and an observation moves its
//! weights by how much they are known to vary between pairs: exact Bayesian regression, one step an observation.
//!
//! Beside several co-runners the excesses over 1 are added, and over intervals the rates are averaged by wall time, which
//! is exact where slowdowns are constant within intervals. The form is our own.

mod features;
mod normal;

use std::sync::Arc;

use libm::{exp, log};
use rtmm_workload::parameters::Schema;

use self::features::{FEATURES, Ranges};
use self::normal::{Normal, Prior, Sums};
use super::margin::{Margin, score};
use crate::linear::{dot, unordered_sum};
use crate::{
    CoRun, Device, FitError, Inference, ModelKey, Overlap, Prediction, Predictor, PredictorRow, Query,
    QueryKind, Running,
};

const NAME: &str = "pair-posterior";

/// Bounds of the logarithm of a slowdown: nothing is 20 times as slow beside one other, and nothing twice as fast.
const LOGARITHMS: (f64, f64) = (-0.7, 3.0);

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    PredictorRow::new(NAME, Schema::default(), &[QueryKind::CoRun], |_, training| {
        let mut rows = Vec::new();
        for pair in &training.measurements.pairs {
            for (query, observed) in pair.queries() {
                if let ([other], Some(observed)) = (query.others, observed) {
                    rows.push(Row {
                        own: query.own,
                        other: *other,
                        observed: log(observed / query.own.solo_us),
                    });
                }
            }
        }
        if rows.is_empty() {
            return Err(FitError::NoRows { predictor: NAME, wants: QueryKind::CoRun.rows() });
        }
        Ok(Box::new(PairPosterior::fit(&rows, training.device)))
    })
    .with_summary(
        "a quadratic slowdown of each pair, which starts from those of other pairs and follows observations",
    )
}

/// Measured inference beside another, with the logarithm of its slowdown.
#[derive(Clone, Copy, Debug)]
struct Row {
    own: Inference,
    other: Inference,
    observed: f64,
}

impl Row {
    const fn pair(&self) -> (ModelKey, ModelKey) {
        (self.own.model, self.other.model)
    }
}

/// A fitted predictor.
#[derive(Clone, Debug)]
struct PairPosterior {
    ranges: Ranges,
    prior: Arc<Prior>,
    unseen: Arc<Normal>,
    /// Weights by ordered pair, sorted.
    pairs: Vec<((ModelKey, ModelKey), Normal)>,
    margin: Margin,
}

/// Sums of each ordered pair, sorted.
fn sums(rows: &[Row], ranges: &Ranges) -> Vec<((ModelKey, ModelKey), Sums)> {
    let mut pairs: Vec<_> = rows.iter().map(Row::pair).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut sums: Vec<_> = pairs.into_iter().map(|pair| (pair, Sums::new(FEATURES))).collect();
    for row in rows {
        if let Ok(place) = sums.binary_search_by_key(&row.pair(), |(pair, _)| *pair) {
            sums[place].1.add(&ranges.features(&row.own, &row.other), row.observed);
        }
    }
    sums
}

impl PairPosterior {
    fn fit(rows: &[Row], device: Device) -> Self {
        let ranges = Ranges::of(rows.iter().map(|row| (&row.own, &row.other)));
        let sums = sums(rows, &ranges);
        let prior = Prior::of(&sums.iter().map(|(_, sums)| sums).collect::<Vec<_>>(), FEATURES);
        let unseen = prior.normal();
        let of_pair = |sums: &Sums| {
            let posterior = prior.posterior(sums);
            match device {
                Device::Same => posterior,
                // A first guess, as uncertain as that of a pair of which nothing is known.
                Device::New => Normal { covariance: unseen.covariance.clone(), ..posterior },
            }
        };
        let pairs = sums.iter().map(|(pair, sums)| (*pair, of_pair(sums))).collect();
        let margin = Margin::of_scores(left_out(rows, &sums, &ranges));
        Self { ranges, unseen: Arc::new(unseen), prior: Arc::new(prior), pairs, margin }
    }

    fn weights(&self, pair: (ModelKey, ModelKey)) -> &Normal {
        let place = self.pairs.binary_search_by_key(&pair, |(pair, _)| *pair);
        place.map_or(self.unseen.as_ref(), |place| &self.pairs[place].1)
    }

    /// The slowdown beside each co-runner alone.
    fn each(&self, query: &CoRun<'_>) -> Vec<Beside> {
        let beside = |other: &Inference| {
            let features = self.ranges.features(&query.own, other);
            let weights = self.weights((query.own.model, other.model));
            let logarithm = dot(&weights.mean, &features).clamp(LOGARITHMS.0, LOGARITHMS.1);
            Beside { features, slowdown: exp(logarithm), variance: weights.variance(&features) }
        };
        query.others.iter().map(beside).collect()
    }

    fn answer(&self, query: &CoRun<'_>) -> Answer {
        let each = self.each(query);
        let together = |running: Running| {
            let excesses = each.iter().enumerate().filter(|(other, _)| running.has(*other));
            (1.0 + unordered_sum(excesses.map(|(_, beside)| beside.slowdown - 1.0))).max(exp(LOGARITHMS.0))
        };
        let whole = [crate::Interval { wall_us: 1.0, running: Running::first(each.len()) }];
        let intervals = match query.overlap {
            Overlap::Whole => &whole[..],
            Overlap::Intervals(intervals) => intervals,
        };
        let wall: f64 = intervals.iter().map(|interval| interval.wall_us).sum();
        let work: f64 = intervals.iter().map(|interval| interval.wall_us / together(interval.running)).sum();
        let slowdown = if work > 0.0 && wall > 0.0 { wall / work } else { 1.0 };
        // The derivative of the logarithm of the slowdown by that beside each co-runner.
        let parts = (0..each.len())
            .map(|other| {
                let beside = intervals.iter().filter(|interval| interval.running.has(other));
                let lost = beside.map(|interval| {
                    let together = together(interval.running);
                    interval.wall_us / (together * together)
                });
                if work > 0.0 { each[other].slowdown * lost.sum::<f64>() / work } else { 0.0 }
            })
            .collect::<Vec<f64>>();
        let variance =
            unordered_sum(each.iter().zip(&parts).map(|(beside, part)| part * part * beside.variance));
        Answer { slowdown, deviation: (variance + self.prior.noise).sqrt(), each, parts }
    }
}

/// An inference beside one co-runner.
#[derive(Clone, Copy, Debug)]
struct Beside {
    features: [f64; FEATURES],
    slowdown: f64,
    /// Variance of the logarithm of the slowdown.
    variance: f64,
}

/// Slowdown of a query, the standard deviation of its logarithm, and what it is made of.
#[derive(Clone, Debug)]
struct Answer {
    slowdown: f64,
    deviation: f64,
    each: Vec<Beside>,
    parts: Vec<f64>,
}

/// Errors of each pair, over their expected deviations, by a prior that its combination was left out of.
fn left_out(rows: &[Row], sums: &[((ModelKey, ModelKey), Sums)], ranges: &Ranges) -> Vec<f64> {
    let combination = |(one, other): (ModelKey, ModelKey)| (one.min(other), one.max(other));
    let mut combinations: Vec<_> = sums.iter().map(|(pair, _)| combination(*pair)).collect();
    combinations.sort_unstable();
    combinations.dedup();
    let mut scores = Vec::with_capacity(rows.len());
    for left_out in combinations {
        let others = sums.iter().filter(|(pair, _)| combination(*pair) != left_out).map(|(_, sums)| sums);
        let others: Vec<&Sums> = others.collect();
        if others.is_empty() {
            continue;
        }
        let prior = Prior::of(&others, FEATURES);
        let normal = prior.normal();
        for row in rows.iter().filter(|row| combination(row.pair()) == left_out) {
            let features = ranges.features(&row.own, &row.other);
            let deviation = (normal.variance(&features) + prior.noise).sqrt();
            scores.push(score(exp(dot(&normal.mean, &features)), deviation, exp(row.observed)));
        }
    }
    scores
}

impl Predictor for PairPosterior {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::CoRun(query) = query else { return None };
        if query.is_alone() {
            return Some(Prediction::exactly(query.own.solo_us));
        }
        let Answer { slowdown, deviation, .. } = self.answer(query);
        let mean = query.own.solo_us * slowdown;
        Some(Prediction::new(mean, self.margin.upper(mean, deviation)))
    }

    fn observe(&mut self, query: &Query<'_>, observed_us: f64) {
        let Query::CoRun(query) = query else { return };
        if query.is_alone() || !(observed_us.is_finite() && observed_us > 0.0) {
            return;
        }
        let answer = self.answer(query);
        let mean = query.own.solo_us * answer.slowdown;
        self.margin.observe(mean, answer.deviation, observed_us);
        let error = log(observed_us / mean);
        // What the weights of the other co-runners may be wrong by counts as noise.
        let variance = answer.deviation * answer.deviation;
        // Two co-runners of one model move the same weights, in an order that is theirs.
        let mut others: Vec<usize> =
            (0..query.others.len()).filter(|other| answer.parts[*other] > 0.0).collect();
        others.sort_unstable_by_key(|other| {
            let Inference { model, batch, share, solo_us } = query.others[*other];
            (model, batch, share, solo_us.to_bits(), answer.parts[*other].to_bits())
        });
        for other in others {
            let (beside, part) = (&answer.each[other], answer.parts[other]);
            let pair = (query.own.model, query.others[other].model);
            let place = match self.pairs.binary_search_by_key(&pair, |(pair, _)| *pair) {
                Ok(place) => place,
                Err(place) => {
                    self.pairs.insert(place, (pair, self.unseen.as_ref().clone()));
                    place
                }
            };
            let features = beside.features.map(|feature| part * feature);
            let noise = variance - part * part * beside.variance;
            self.pairs[place].1.observe(&features, error, noise.max(self.prior.noise));
        }
    }

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
