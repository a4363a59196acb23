//! No prediction of interference: the solo latency.

use rtmm_workload::parameters::Schema;

use crate::{Prediction, Predictor, PredictorRow, Query, QueryKind};

#[derive(Clone, Debug)]
struct Unchanged;

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    PredictorRow::new("none", Schema::default(), &[QueryKind::CoRun], |_, _| Ok(Box::new(Unchanged)))
        .with_summary("the solo latency, whatever runs beside")
}

impl Predictor for Unchanged {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        match query {
            Query::CoRun(query) => Some(Prediction::exactly(query.own.solo_us)),
            Query::Group(_) => None,
        }
    }

    fn observe(&mut self, _: &Query<'_>, _: f64) {}

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
