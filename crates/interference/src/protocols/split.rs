//! Splits of measurements.

use std::collections::BTreeSet;

use rtmm_workload::random::{Draws, Stream};

use crate::ModelKey;
use crate::measurements::{Group, Measurements, Pair};

/// Measurements in two parts.
#[derive(Clone, Debug)]
pub struct Split {
    /// The combination that is left out, or another name of the part.
    pub name: String,
    /// Rows to fit to.
    pub fit: Measurements,
    /// Rows that are left out.
    pub left_out: Measurements,
}

/// A row of either kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row<'m> {
    Pair(&'m Pair),
    Group(&'m Group),
}

impl Row<'_> {
    /// The models, sorted.
    pub(crate) fn combination(self) -> Vec<ModelKey> {
        match self {
            Self::Pair(pair) => {
                let mut models = vec![pair.a.model, pair.b.model];
                models.sort_unstable();
                models
            }
            Self::Group(group) => group.models(),
        }
    }

    fn batches(self) -> Vec<u32> {
        match self {
            Self::Pair(pair) => vec![pair.a.batch, pair.b.batch],
            Self::Group(group) => group.segments.iter().map(|segment| segment.batch).collect(),
        }
    }
}

/// All combinations of models that rows have, each once, in the order of their keys.
pub(crate) fn combinations(measurements: &Measurements) -> Vec<Vec<ModelKey>> {
    let pairs = measurements.pairs.iter().map(|pair| Row::Pair(pair).combination());
    let groups = measurements.groups.iter().map(Group::models);
    pairs.chain(groups).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Parts of the rows: a row is left out of the parts that `left_out` says, by the row and its position among its kind.
pub(crate) fn partition(
    measurements: &Measurements,
    name: String,
    mut left_out: impl FnMut(Row<'_>, usize) -> bool,
) -> Split {
    let (mut fit, mut out) = (measurements.without_rows(), measurements.without_rows());
    for (position, pair) in measurements.pairs.iter().enumerate() {
        let part = if left_out(Row::Pair(pair), position) { &mut out } else { &mut fit };
        part.pairs.push(*pair);
    }
    for (position, group) in measurements.groups.iter().enumerate() {
        let part = if left_out(Row::Group(group), position) { &mut out } else { &mut fit };
        part.groups.push(group.clone());
    }
    Split { name, fit, left_out: out }
}

/// A split for each combination of models, which leaves out all of its rows.
#[must_use]
pub fn leave_one_combination_out(measurements: &Measurements) -> Vec<Split> {
    combinations(measurements).iter().map(|models| of_combination(measurements, models)).collect()
}

/// The split that leaves out the rows of some models together.
#[must_use]
pub fn of_combination(measurements: &Measurements, models: &[ModelKey]) -> Split {
    let names: Vec<&str> = models.iter().map(|model| measurements.names.name(*model)).collect();
    partition(measurements, names.join("+"), |row, _| row.combination() == models)
}

/// A split for each model, which leaves out all rows that it is a member of.
#[must_use]
pub fn leave_one_model_out(measurements: &Measurements) -> Vec<Split> {
    let models: BTreeSet<ModelKey> = combinations(measurements).into_iter().flatten().collect();
    let without = |model: ModelKey| {
        let name = measurements.names.name(model).to_owned();
        partition(measurements, name, |row, _| row.combination().contains(&model))
    };
    models.into_iter().map(without).collect()
}

/// Random parts of nearly equal size, each left out once.
#[must_use]
pub fn random_folds(measurements: &Measurements, folds: u32, seed: u64) -> Vec<Split> {
    let draws = Draws::new(seed, Stream::Bootstrap, "random folds");
    let folds = u64::from(folds.max(1));
    let fold = |row: Row<'_>, position: usize| {
        let kind = u64::from(matches!(row, Row::Group(_)));
        draws.below(kind, position as u64, folds)
    };
    (0..folds)
        .map(|wanted| {
            partition(measurements, format!("fold {}", wanted + 1), |row, position| {
                fold(row, position) == wanted
            })
        })
        .collect()
}

/// The split that fits to rows whose batches are all below a bound, and leaves out those of which any reaches it.
#[must_use]
pub fn at_batches_from(measurements: &Measurements, bound: u32) -> Split {
    partition(measurements, format!("batches from {bound}"), |row, _| {
        row.batches().iter().any(|batch| *batch >= bound)
    })
}

/// The same rows with labels of others: slowdowns of pairs, and times of groups, in a random order. A predictor that is
/// fitted to them knows nothing.
#[must_use]
pub fn shuffled_labels(measurements: &Measurements, seed: u64) -> Measurements {
    let mut shuffled = measurements.clone();
    let slowdown = |observed: Option<f64>, solo_us: f64| observed.map(|observed| observed / solo_us);
    let slowdowns: Vec<[Option<f64>; 2]> = measurements
        .pairs
        .iter()
        .map(|pair| {
            [slowdown(pair.observed_a_us, pair.a.solo_us), slowdown(pair.observed_b_us, pair.b.solo_us)]
        })
        .collect();
    for (pair, from) in shuffled.pairs.iter_mut().zip(order(slowdowns.len(), seed, "pairs")) {
        let [a, b] = slowdowns[from];
        pair.observed_a_us = a.map(|slowdown| slowdown * pair.a.solo_us);
        pair.observed_b_us = b.map(|slowdown| slowdown * pair.b.solo_us);
    }
    for (group, from) in shuffled.groups.iter_mut().zip(order(measurements.groups.len(), seed, "groups")) {
        group.observed_us = measurements.groups[from].observed_us;
    }
    shuffled
}

/// A random order of so many rows, by the method of Fisher and Yates.
pub(crate) fn order(count: usize, seed: u64, name: &str) -> Vec<usize> {
    let draws = Draws::new(seed, Stream::Bootstrap, name);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, draws.below(0, last as u64, last as u64 + 1) as usize);
    }
    order
}
