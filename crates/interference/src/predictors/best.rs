//! The predictor that this project recommends, by the kind of the rows that it is fitted to.

use rtmm_workload::parameters::Schema;

use super::{module_rate, pair_posterior};
use crate::registry::Fitted;
use crate::{FitError, Parameters, Prediction, Predictor, PredictorRow, Query, QueryKind, Training};

const NAME: &str = "best";

/// A predictor for each kind of query.
#[derive(Clone, Debug)]
struct Best {
    pairs: Option<Box<dyn Predictor>>,
    groups: Option<Box<dyn Predictor>>,
}

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let kinds = &[QueryKind::CoRun, QueryKind::Group];
    PredictorRow::new(NAME, Schema::default(), kinds, |_, training| {
        let measurements = training.measurements;
        let best = Best {
            pairs: fitted(&pair_posterior::row(), training, measurements.pairs.len())?,
            groups: fitted(&module_rate::recommended(), training, measurements.groups.len())?,
        };
        if best.pairs.is_none() && best.groups.is_none() {
            return Err(FitError::NoRows { predictor: NAME, wants: "pairs or segment groups" });
        }
        Ok(Box::new(best))
    })
    .with_summary("the predictor that is recommended for the kind of rows")
}

/// A row's predictor at its defaults; none where there is nothing to fit it to.
fn fitted(
    row: &PredictorRow,
    training: &Training<'_>,
    rows: usize,
) -> Result<Option<Box<dyn Predictor>>, FitError> {
    let fit = || -> Fitted { row.fit(&Parameters::defaults(row.schema()), training) };
    (rows > 0).then(fit).transpose()
}

impl Predictor for Best {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        match query.kind() {
            QueryKind::CoRun => self.pairs.as_ref(),
            QueryKind::Group => self.groups.as_ref(),
        }?
        .predict(query)
    }

    fn observe(&mut self, query: &Query<'_>, observed_us: f64) {
        let predictor = match query.kind() {
            QueryKind::CoRun => self.pairs.as_mut(),
            QueryKind::Group => self.groups.as_mut(),
        };
        if let Some(predictor) = predictor {
            predictor.observe(query, observed_us);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
