//! gpulet's linear model made to follow: co-runners by a running average, or weights that learn from observations.
//!
//! The variants that a publication compares ("ML inference scheduling with predictable latency", arXiv 2512.18725), as far as
//! its abstract and summaries of it say; rates and forgetting factors are our own. Each variant is a row.

use rtmm_workload::parameters::{Choice, Declared, Schema, Switch};

use super::feature_model::{
    BIAS_RATE, BiasRule, COVARIANCE, EWMA, EWMA_TICK, FORGETTING, FeatureModel, OverlapRule, RATE, Settings,
    UpdateRule,
};
use crate::{PredictorRow, QueryKind};

const INDICATORS: Switch = Switch::new(
    "indicators",
    "a weight for each model as itself and as co-runner, beside the utilisations",
    false,
);

const BIAS: Choice<BiasRule> = Choice::new(
    "bias",
    "key of the corrections",
    BiasRule::Model,
    &[("model", BiasRule::Model), ("pair", BiasRule::Pair)],
);

/// The source of the variants.
const SOURCE: &str = "gpulet's model; variants named in arXiv 2512.18725, parameters our own";

/// The rows of the registry.
pub(super) fn rows() -> [PredictorRow; 4] {
    let ewma: &[&dyn Declared] = &[&EWMA, &EWMA_TICK];
    let sgd: &[&dyn Declared] = &[&RATE];
    let rls: &[&dyn Declared] = &[&FORGETTING, &COVARIANCE, &INDICATORS];
    let bias: &[&dyn Declared] = &[&BIAS, &BIAS_RATE];
    [
        variant("gpulet-ewma", ewma, |settings, _| Settings { overlap: OverlapRule::Ewma, ..settings })
            .with_summary(
                "gpulet's model with co-runners by a running average over the changes of their set, static",
            ),
        variant("gpulet-sgd", sgd, |settings, _| Settings { update: UpdateRule::Sgd, ..settings })
            .with_summary("gpulet's model whose weights follow by normalised gradient steps"),
        variant("gpulet-rls", rls, |settings, parameters| Settings {
            update: UpdateRule::Rls,
            indicators: parameters.read(&INDICATORS),
            ..settings
        })
        .with_summary("gpulet's model whose weights follow by recursive least squares with forgetting"),
        variant("gpulet-bias", bias, |settings, parameters| Settings {
            bias: parameters.read(&BIAS),
            ..settings
        })
        .with_summary(
            "gpulet's model, static, with a correction for each model or pair that follows its errors",
        ),
    ]
}

fn variant(
    name: &'static str,
    declared: &[&dyn Declared],
    settings: fn(Settings, &crate::Parameters) -> Settings,
) -> PredictorRow {
    PredictorRow::new(name, Schema::of(&[declared]), &[QueryKind::CoRun], move |parameters, training| {
        let settings = settings(Settings::of(parameters), parameters);
        Ok(Box::new(FeatureModel::fit(name, settings, training)?))
    })
    .with_source(SOURCE)
    .calibrated()
}
