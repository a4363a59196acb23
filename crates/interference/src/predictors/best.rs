//! The predictor that this project recommends, by the kind of the rows that it is fitted to.

use rtmm_workload::parameters::Schema;

use super::pair_table;
use crate::{FitError, Parameters, PredictorRow, QueryKind};

const NAME: &str = "best";

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    PredictorRow::new(NAME, Schema::default(), &[QueryKind::CoRun], |_, training| {
        if training.measurements.pairs.is_empty() {
            return Err(FitError::NoRows { predictor: NAME, wants: QueryKind::CoRun.rows() });
        }
        let row = pair_table::row();
        row.fit(&Parameters::defaults(row.schema()), training)
    })
    .with_summary("the predictor that is recommended for the kind of rows")
}
