//! DREAM: the pair of a job and an accelerator with the greatest MapScore, lost frames dropped, supernets
//! switched, weights searched online.
//!
//! Source: Kim et al., *DREAM: A Dynamic Scheduler for Dynamic Real-time Multi-model ML Workloads*, ASPLOS
//! 2023 (arXiv 2212.03414). Its versions are one policy with other defaults:
//!
//! | policy | `drop` | `variants` | weights |
//! | --- | --- | --- | --- |
//! | `dream-mapscore` | `never` | `default` | fixed |
//! | `dream-drop` | `smart` | `default` | fixed |
//! | `dream-full` | `smart` | `largest-that-fits` | fixed |
//! | `dream-adaptive` | `smart` | `largest-that-fits` | searched: neighbours |
//! | `dream-halving` | `smart` | `largest-that-fits` | searched: halving, this project's |
//!
//! The parts are [`crate::parts::MapScore`], [`crate::parts::SmartDrop`], [`crate::parts::VariantChoice`] and
//! [`crate::parts::Tuner`]; each says what of it is the publication's.
//!
//! What differs: neither text nor code of the publication could be read in full; what is not known of it is a
//! parameter. Defaults follow the only code there is of a part of it, SDRM3 in Dysta's artifact (urgency is
//! capped at 1 and goes below zero for late frames), and begin with weights of 1, the middle of their range.
//! The lattice of halving reaches the ends of that range, since what is best often is a weight of 0.
//! Whoever waits for a busy accelerator is nobody by default.

use crate::estimator::{Estimator, Predictor};
use crate::expectations::Knowledge;
use crate::parameters::{Parameter, ParameterError, Parameters};
use crate::parts::{MapScore, Mapped, MappedParts, Tuner, mapped_schema};
use crate::policy::Policy;

/// What can be set of MapScore alone.
pub const MAPSCORE_PARAMETERS: &[Parameter] =
    mapped_schema!(alpha: 1.0, beta: 1.0, switch_cost: true, drop: "never", variants: "default");

/// What can be set with smart frame drop.
pub const DROP_PARAMETERS: &[Parameter] =
    mapped_schema!(alpha: 1.0, beta: 1.0, switch_cost: true, drop: "smart", variants: "default");

/// What can be set with supernet switching too.
pub const FULL_PARAMETERS: &[Parameter] =
    mapped_schema!(alpha: 1.0, beta: 1.0, switch_cost: true, drop: "smart", variants: "largest-that-fits");

/// What can be set where weights are searched.
pub const ADAPTIVE_PARAMETERS: &[Parameter] = mapped_schema!(
    alpha: 1.0, beta: 1.0, switch_cost: true, drop: "smart", variants: "largest-that-fits",
    Tuner::method("neighbours"),
    Tuner::WINDOW,
    Tuner::STEPS,
    Tuner::radius(0.5),
    Tuner::SHRINK,
    Tuner::GREATEST,
    Tuner::RESTART
);

/// What can be set where they are searched by halving.
pub const HALVING_PARAMETERS: &[Parameter] = mapped_schema!(
    alpha: 1.0, beta: 1.0, switch_cost: true, drop: "smart", variants: "largest-that-fits",
    Tuner::method("halving"),
    Tuner::WINDOW,
    Tuner::STEPS,
    Tuner::radius(1.0),
    Tuner::SHRINK,
    Tuner::GREATEST,
    Tuner::RESTART
);

fn score(parameters: &Parameters) -> Result<MapScore, ParameterError> {
    MapScore::read(parameters, Estimator::new(Knowledge::Pattern, Predictor::None, 1))
}

/// The policy with these parameters, its weights as they state.
///
/// # Errors
/// [`ParameterError`] where one of [`FULL_PARAMETERS`] is missing.
pub fn build(parameters: &Parameters) -> Result<Box<dyn Policy>, ParameterError> {
    Ok(Box::new(Mapped::new(score(parameters)?, MappedParts::read(parameters)?, None)))
}

/// The policy with these parameters, its weights searched while it runs.
///
/// # Errors
/// [`ParameterError`] where one of [`ADAPTIVE_PARAMETERS`] is missing.
pub fn build_adaptive(parameters: &Parameters) -> Result<Box<dyn Policy>, ParameterError> {
    let score = score(parameters)?;
    let tuner = Tuner::read(parameters, score.weights)?;
    Ok(Box::new(Mapped::new(score, MappedParts::read(parameters)?, Some(tuner))))
}
