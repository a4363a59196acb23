//! Our reading of the kernel-interference predictor of Strait, of which only the abstract could be read (arXiv 2604.28175).
//!
//! It is no reproduction: features, rules and constants are our own. The features are gpulet's, weighted by the share of
//! the inference's own work in which each co-runner ran: with co-runners that change in steps, the slowdown of the whole is
//! exactly the mean of the intervals' slowdowns by work done, and the mean by wall time is biased upwards. Weights follow by
//! recursive least squares, by normalised gradient steps, or not at all.

use rtmm_workload::parameters::{Choice, Declared, Schema, Switch};

use super::feature_model::{
    BIAS_RATE, BiasRule, COVARIANCE, EWMA, EWMA_TICK, FORGETTING, FeatureModel, OVERLAP, RATE, Settings,
    UPDATE,
};
use crate::{PredictorRow, QueryKind};

const NAME: &str = "strait-reading";

const GATED: Switch =
    Switch::new("gated", "own terms and the constant count only while a co-runner runs", true);

const BIAS: Choice<BiasRule> = Choice::new(
    "bias",
    "key of corrections beside the linear model",
    BiasRule::None,
    &[("none", BiasRule::None), ("model", BiasRule::Model), ("pair", BiasRule::Pair)],
);

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let declared: &[&dyn Declared] =
        &[&OVERLAP, &GATED, &UPDATE, &EWMA, &EWMA_TICK, &RATE, &FORGETTING, &COVARIANCE, &BIAS, &BIAS_RATE];
    PredictorRow::new(NAME, Schema::of(&[declared]), &[QueryKind::CoRun], |parameters, training| {
        let settings = Settings {
            overlap: parameters.read(&OVERLAP),
            gated: parameters.read(&GATED),
            update: parameters.read(&UPDATE),
            bias: parameters.read(&BIAS),
            ..Settings::of(parameters)
        };
        Ok(Box::new(FeatureModel::fit(NAME, settings, training)?))
    })
    .with_summary("gpulet's features weighted by the overlap in work, weights that follow observations")
    .with_source("our reading of Strait, arXiv 2604.28175, of which only the abstract could be read")
    .calibrated()
}
