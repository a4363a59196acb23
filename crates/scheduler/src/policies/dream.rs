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
//! Deviations: neither text nor code of the publication could be read in full; what is not known of it is a
//! parameter. Defaults follow the only code there is of a part of it, SDRM3 in Dysta's artifact (urgency is
//! capped at 1 and goes below zero for late frames), and begin with weights of 1, the middle of their range.
//! The lattice of halving reaches the ends of that range, since what is best often is a weight of 0.
//! By default no job waits for a busy accelerator.

use rtmm_workload::parameters::{Parameters, Schema};

use crate::estimator::{Estimator, Predictor};
use crate::expectations::Knowledge;
use crate::parts::{MapScore, Mapped, MappedParts, Tuner};
use crate::policy::Policy;

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    MappedParts::schema(&[])
}

/// The parameters of a version whose weights are searched.
#[must_use]
pub fn adaptive_schema() -> Schema {
    MappedParts::schema(&[Tuner::PARAMETERS])
}

/// Defaults of `dream-drop`: smart frame drop.
pub const DROP: &[(&str, &str)] = &[("drop", "smart")];

/// Defaults of `dream-full`, and where weights are searched: supernet switching too.
pub const FULL: &[(&str, &str)] = &[("drop", "smart"), ("variants", "largest-that-fits")];

/// Defaults of `dream-halving` that differ from those of `dream-adaptive`.
pub const HALVING: &[(&str, &str)] = &[("search", "halving"), ("search_radius", "1")];

fn score(parameters: &Parameters) -> MapScore {
    MapScore::read(parameters, Estimator::new(Knowledge::Pattern, Predictor::None, 1))
}

/// The policy with these parameters, its weights as they state.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(Mapped::new(score(parameters), MappedParts::read(parameters), None))
}

/// The policy with these parameters, its weights searched while it runs.
#[must_use]
pub fn build_adaptive(parameters: &Parameters) -> Box<dyn Policy> {
    let score = score(parameters);
    let tuner = Tuner::read(parameters, score.weights);
    Box::new(Mapped::new(score, MappedParts::read(parameters), Some(tuner)))
}
