//! One slowdown for all: the mean of those measured.

use rtmm_workload::parameters::Schema;

use crate::slowdowns::{overlapped, slowdowns};
use crate::{FitError, Prediction, Predictor, PredictorRow, Query, QueryKind};

const NAME: &str = "constant";

/// The mean slowdown of all pairs.
#[derive(Clone, Debug)]
struct Constant {
    slowdown: f64,
}

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    PredictorRow::new(NAME, Schema::default(), &[QueryKind::CoRun], |_, training| {
        let slowdowns: Vec<f64> = slowdowns(training.measurements).map(|(_, slowdown)| slowdown).collect();
        if slowdowns.is_empty() {
            return Err(FitError::NoRows { predictor: NAME, wants: QueryKind::CoRun.rows() });
        }
        let slowdown = slowdowns.iter().sum::<f64>() / slowdowns.len() as f64;
        Ok(Box::new(Constant { slowdown }))
    })
    .with_summary("the mean slowdown of all measured pairs, for any co-runner")
    .calibrated()
}

impl Predictor for Constant {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::CoRun(query) = query else { return None };
        let excess = (self.slowdown - 1.0) * overlapped(query);
        Some(Prediction::exactly(query.own.solo_us * (1.0 + excess)))
    }

    fn observe(&mut self, _: &Query<'_>, _: f64) {}

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
