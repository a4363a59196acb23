//! gpulet's linear model: the slowdown from the utilisations of L2 and DRAM of an inference and its co-runners.
//!
//! Choi et al., *Serving Heterogeneous Machine Learning Models on Multi-GPU Servers with Spatio-Temporal Sharing*, USENIX
//! ATC 2022, and its repository. The weights are fitted to the pairs, or those that the repository ships for two GPUs.
//! Utilisations are those measured at the share of the inference; co-runners count from its start to its end, however long
//! they really run.

use rtmm_workload::parameters::{Choice, Declared, Schema};

use super::feature_model::{FeatureModel, Settings};
use crate::{PredictorRow, QueryKind};

const NAME: &str = "gpulet";

/// Weights that the repository ships: own L2, co-runners' L2, own DRAM, co-runners' DRAM, constant.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shipped(Option<[f64; 5]>);

const RTX_2080_TI: Shipped = Shipped(Some([
    0.112_908_387_642_464_96,
    0.715_959_871_875_542_4,
    0.354_865_919_560_228_95,
    0.088_203_825_988_806_5,
    0.895_369_391_727_734_3,
]));
const RTX_3080: Shipped = Shipped(Some([
    -0.179_887_460_889_093_4,
    0.038_409_119_934_405_545,
    0.125_518_333_083_180_63,
    -0.056_482_059_371_735_89,
    1.018_427_067_906_819,
]));

const COEFFICIENTS: Choice<Shipped> = Choice::new(
    "coefficients",
    "weights of the utilisations: fitted to the pairs, or published for a GPU",
    Shipped(None),
    &[("fitted", Shipped(None)), ("2080ti", RTX_2080_TI), ("3080", RTX_3080)],
);

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let declared: &[&dyn Declared] = &[&COEFFICIENTS];
    PredictorRow::new(NAME, Schema::of(&[declared]), &[QueryKind::CoRun], |parameters, training| {
        let model = FeatureModel::fit(NAME, Settings::of(parameters), training)?;
        Ok(Box::new(match parameters.read(&COEFFICIENTS) {
            Shipped(Some(weights)) => model.with_weights(weights),
            Shipped(None) => model,
        }))
    })
    .with_summary("linear in the utilisations of L2 and DRAM, co-runners from start to end, static")
    .with_source("Choi et al., gpulet, USENIX ATC 2022")
    .calibrated()
}
