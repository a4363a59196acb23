//! Scheduling policies for real-time multi-model workloads, and what they decide on.
//!
//! A [`Policy`] reads a [`View`] and writes [`Decision`]s. It plans on estimates, the [`Profile`];
//! the truth is shown to oracles only. This crate decides; it neither simulates nor reads files.
//!
//! ```
//! use rtmm_scheduler::registry;
//!
//! let row = registry::policy("edf").expect("a registered policy");
//! let mut parameters = row.defaults();
//! parameters.set_text("granularity", "model")?;
//! let policy = row.build(&parameters)?;
//! assert!(!row.oracle && policy.boxed_clone().is_some());
//! // Parameters belong to the policy whose schema they were checked by.
//! assert!(row.build(&registry::policy("sjf").expect("another").defaults()).is_err());
//! # Ok::<(), rtmm_scheduler::ParameterError>(())
//! ```

pub mod number_format;
pub mod parts;
pub mod policies;
pub mod registry;
pub mod terms;

mod decision;
mod estimator;
mod expectations;
mod ids;
mod job;
mod live_jobs;
mod policy;
mod policy_error;
mod prediction;
mod profile;
mod run;
mod state;
mod truth;
mod tuning;
mod view;

pub use decision::{Decision, Decisions, Extent, Preemption, VariantId};
pub use estimator::{Estimator, Predictor};
pub use expectations::{Expectations, Knowledge, SplitLatency};
pub use ids::{JobId, RunId};
pub use job::{Job, JobState, Place, Progress, before_quantum};
pub use policy::{Interests, Notice, Policy};
pub use policy_error::PolicyError;
pub use prediction::RunPrediction;
pub use profile::{LayerRow, Preference, Profile};
pub use registry::{Behaviour, Capabilities, PolicyRegistry, PolicyRow};
pub use run::{Jobs, Pace, Run, Runs};
pub use state::{AcceleratorState, PointChange, PointState, SystemState, TaskCounters, UnitState};
pub use truth::Truth;
pub use tuning::TuningWindow;
pub use view::{TaskInfo, View};

pub use rtmm_workload::parameters::{ParameterError, Parameters, Schema};

// States by hand name the crate as other crates do.
#[cfg(test)]
extern crate self as rtmm_scheduler;
#[cfg(test)]
#[path = "../../testkit/src/fixture.rs"]
mod fixture;
