//! A table of ordered pairs of models: the mean slowdown of the first beside the second.
//!
//! An unseen pair takes the mean of its first model beside all others, and an unseen model the mean of all. With several
//! co-runners the excesses over 1 are added.

use std::collections::BTreeMap;

use rtmm_workload::parameters::Schema;

use crate::linear::unordered_sum;
use crate::slowdowns::{overlapped, slowdowns};
use crate::{FitError, ModelKey, Prediction, Predictor, PredictorRow, Query, QueryKind};

const NAME: &str = "pair-table";

/// Mean of some slowdowns.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn get(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// Means by models, a row for each first one.
#[derive(Clone, Debug)]
struct PairTable {
    /// Of pairs that were measured, by the positions of both.
    pairs: BTreeMap<(usize, usize), Mean>,
    first: Vec<Mean>,
    all: f64,
}

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    PredictorRow::new(NAME, Schema::default(), &[QueryKind::CoRun], |_, training| {
        let models = training.measurements.names.len();
        let mut table = PairTable { pairs: BTreeMap::new(), first: vec![Mean::default(); models], all: 1.0 };
        let mut all = Mean::default();
        for (query, slowdown) in slowdowns(training.measurements) {
            let own = query.own.model.index();
            for other in query.others {
                table.pairs.entry((own, other.model.index())).or_default().add(slowdown);
            }
            if let Some(mean) = table.first.get_mut(own) {
                mean.add(slowdown);
            }
            all.add(slowdown);
        }
        table.all = all.get().ok_or(FitError::NoRows { predictor: NAME, wants: QueryKind::CoRun.rows() })?;
        Ok(Box::new(table))
    })
    .with_summary("the mean slowdown of each model beside each other one")
    .calibrated()
}

impl PairTable {
    fn slowdown(&self, own: ModelKey, other: ModelKey) -> f64 {
        let (own, other) = (own.index(), other.index());
        let pair = self.pairs.get(&(own, other)).and_then(|mean| mean.get());
        let first = || self.first.get(own).and_then(|mean| mean.get());
        pair.or_else(first).unwrap_or(self.all)
    }
}

impl Predictor for PairTable {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::CoRun(query) = query else { return None };
        let others = query.others.iter();
        let excess = unordered_sum(others.map(|other| self.slowdown(query.own.model, other.model) - 1.0));
        Some(Prediction::exactly(query.own.solo_us * (1.0 + excess * overlapped(query))))
    }

    fn observe(&mut self, _: &Query<'_>, _: f64) {}

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
