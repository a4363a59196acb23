//! gpulet's linear model: the slowdown from the utilisations of L2 and DRAM of an inference and its co-runners.
//!
//! Choi et al., *Serving Heterogeneous Machine Learning Models on Multi-GPU Servers with Spatio-Temporal Sharing*, USENIX
//! ATC 2022, and its repository. The weights are fitted to the pairs, or those that the repository ships for two GPUs, whose
//! utilisations `gpulet/utilisation` has. Utilisations are those measured at the share of the inference, or in proportion to
//! it those of the whole GPU; co-runners count from its start to its end, however long
//! they really run.

use rtmm_workload::parameters::{Choice, Declared, Schema};

use super::feature_model::{FeatureModel, Settings};
use crate::measurements::Measurements;
use crate::{FitError, PredictorRow, QueryKind, load};

const NAME: &str = "gpulet";

/// The GPU whose published weights are taken; none for weights that are fitted.
const COEFFICIENTS: Choice<Option<&'static str>> = Choice::new(
    "coefficients",
    "weights of the utilisations: fitted to the pairs, or published for a GPU",
    None,
    &[("fitted", None), ("2080ti", Some("2080ti")), ("3080", Some("3080"))],
);

/// Built-in table of the published weights.
const PUBLISHED: &str = "gpulet/coefficients";

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let declared: &[&dyn Declared] = &[&COEFFICIENTS];
    PredictorRow::new(NAME, Schema::of(&[declared]), &[QueryKind::CoRun], |parameters, training| {
        let gpu = parameters.read(&COEFFICIENTS);
        let settings = Settings { gpu, ..Settings::of(parameters) };
        let model = FeatureModel::fit(NAME, settings, training)?;
        Ok(Box::new(match gpu {
            Some(gpu) => model.with_weights(published(gpu, training.measurements)?),
            None => model,
        }))
    })
    .with_summary("linear in the utilisations of L2 and DRAM, co-runners from start to end, static")
    .with_source("Choi et al., gpulet, USENIX ATC 2022")
    .calibrated()
}

/// The weights of a GPU, from a table that is fitted to or else from the built-in one.
fn published(gpu: &str, measurements: &Measurements) -> Result<[f64; 5], FitError> {
    let of = |measurements: &Measurements| {
        measurements.linear.iter().find(|row| row.gpu == gpu).map(|row| row.weights)
    };
    let built_in = || of(&load::measurements(&[PUBLISHED]).ok()?);
    of(measurements).or_else(built_in).ok_or_else(|| FitError::Missing {
        predictor: NAME,
        what: format!("the coefficients of GPU `{gpu}`"),
        help: format!("give a table that has them, such as {PUBLISHED}"),
    })
}
