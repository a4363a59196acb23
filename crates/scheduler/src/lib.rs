//! Scheduling policies for real-time multi-model workloads, and what they decide on.
//!
//! A [`Policy`] reads a [`View`] and writes [`Decision`]s. It plans on estimates, the [`Profile`];
//! the truth is shown to oracles only. This crate decides; it neither simulates nor reads files.
//!
//! ```
//! use rtmm_scheduler::fixture::{Fixture, TaskSketch};
//! use rtmm_scheduler::registry;
//!
//! let row = registry::policy("edf").expect("a registered policy");
//! let mut parameters = row.defaults();
//! parameters.set_text("granularity", "model")?;
//! let mut policy = row.build(&parameters)?;
//!
//! // Two tasks of one layer each, on two accelerators: latencies and deadlines in microseconds.
//! let tasks = [TaskSketch::new("eyes", &[&[4, 6]]), TaskSketch::new("hands", &[&[3, 5]])];
//! let mut state = Fixture::new(&tasks)?;
//! state.ready(0, 0, 20);
//! state.ready(1, 0, 10);
//! assert_eq!(state.settle(policy.as_mut()), "hands0>0 eyes0>1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod fixture;
pub mod number_format;
pub mod parts;
pub mod policies;
pub mod registry;
pub mod terms;

mod decision;
mod estimator;
mod expectations;
mod job;
mod policy;
mod policy_error;
mod profile;
mod sample_costs;
mod truth;
mod tuning;
mod view;

pub use decision::{Decision, Decisions, Extent, Placement, Preemption, VariantId};
pub use estimator::{Estimator, Predictor};
pub use expectations::{Expectations, Knowledge, SplitLatency};
pub use job::{Job, JobId, JobState, Progress};
pub use policy::{Interests, Notice, Policy};
pub use policy_error::PolicyError;
pub use profile::Profile;
pub use rtmm_workload::parameters::{ParameterError, Parameters, Schema};

pub use registry::{Behaviour, Capabilities, PolicyRegistry, PolicyRow};
pub use sample_costs::SampleCosts;
pub use truth::Truth;
pub use tuning::TuningWindow;
pub use view::{AcceleratorState, JobLists, Segment, TaskCounters, TaskInfo, View};
