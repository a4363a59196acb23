//! Scheduling policies for real-time multi-model workloads, and what they decide on.
//!
//! A [`Policy`] reads a [`View`] and writes [`Decision`]s. It plans on estimates, the [`Profile`];
//! the truth is shown to oracles only.
//!
//! ```
//! use rtmm_hardware::{CostTable, Mode};
//! use rtmm_scheduler::Profile;
//! use rtmm_workload::{Legality, ModelId};
//!
//! let workload = rtmm_workload::load::workload("xrbench/vr_gaming", None, Legality::Strict)?;
//! let platform = rtmm_hardware::load::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected)?;
//! let costs = CostTable::new(&platform, &workload.models).expect("every layer has a cost");
//! let profile = Profile::new(&workload.models, &platform, &costs);
//! // What is left of the first model before its first layer: on the faster accelerator, and in the mean.
//! assert!(profile.least_remaining(ModelId::new(0), 0) <= profile.mean_remaining(ModelId::new(0), 0));
//! # Ok::<(), rtmm_workload::input::Diagnostics>(())
//! ```

mod decision;
mod job;
mod policy;
mod profile;
mod truth;
mod view;

pub use decision::{Decision, Decisions, Extent, Placement, Preemption, VariantId};
pub use job::{Job, JobId, JobState, Progress};
pub use policy::{Interests, Notice, Policy};
pub use profile::Profile;
pub use truth::Truth;
pub use view::{AcceleratorState, JobLists, Segment, TaskCounters, View};
