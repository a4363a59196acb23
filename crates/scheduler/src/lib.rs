//! Scheduling policies for real-time multi-model workloads, and what they decide on.
//!
//! A [`Policy`] reads a [`View`] and writes [`Decision`]s. It plans on estimates, the [`Profile`];
//! the truth is shown to oracles only.

pub mod fixture;
pub mod terms;

mod decision;
mod job;
mod parameters;
mod policy;
mod profile;
mod truth;
mod view;

pub use decision::{Decision, Decisions, Extent, Placement, Preemption, VariantId};
pub use job::{Job, JobId, JobState, Progress};
pub use parameters::{Allowed, Assignment, Parameter, ParameterError, ParameterValue, Parameters};
pub use policy::{Interests, Notice, Policy};
pub use profile::Profile;
pub use truth::Truth;
pub use view::{AcceleratorState, JobLists, Segment, TaskCounters, View};
