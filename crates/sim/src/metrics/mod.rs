//! Observers that measure a run.
//!
//! [`Metrics`] adds everything up while the run goes on, in memory that does not depend on the run's
//! length, and gives a [`Summary`]. [`JobRows`] calls back with a row for every job. [`Audit`] checks
//! that what the engine tells is consistent.
//!
//! | file | holds |
//! | --- | --- |
//! | `options.rs` | what is counted, and the constants of the scores |
//! | `collector.rs` | [`Metrics`]: which call counts where |
//! | `task.rs`, `accelerator.rs`, `priority.rs` | running sums of a task, of an accelerator, of a priority |
//! | `memory.rs` | use of the shared memory |
//! | `power.rs` | energy beside that of work: static, idle and gated power, changes of operating points |
//! | `classes.rs` | classes of priorities |
//! | `predictions.rs` | predicted ends of runs against the ends that came |
//! | `progress.rs` | normalised progress: system throughput and fairness |
//! | `firm.rs` | deadlines missed in a row, and kept among consecutive jobs |
//! | `histogram.rs` | times: exact sums and extremes, percentiles within 0.1 % |
//! | `xrbench.rs`, `uxcost.rs` | the published scores, as pure functions |
//! | `summary.rs` | the results |
//! | `jobs.rs`, `audit.rs` | two more observers |
//! | `windows.rs` | the last one: [`Windows`], the same by windows of simulated time |
//!
//! Every formula, with its symbols, stands in `docs/metrics.md`.
//!
//! What must stay true: a number is either exact or its error is stated. What cannot be told, such
//! as the mean of nothing, is missing, never zero. Jobs are judged by their arrival alone, so that
//! two policies on one seed are judged on the same frames.

pub mod uxcost;
pub mod xrbench;

mod accelerator;
mod audit;
mod classes;
mod collector;
mod firm;
mod histogram;
mod jobs;
mod memory;
mod options;
mod power;
mod predictions;
mod priority;
mod progress;
mod summary;
mod task;
mod windows;

pub use audit::Audit;
pub use classes::{PriorityClass, PriorityClasses};
pub use collector::Metrics;
pub use firm::FirmSummary;
pub use histogram::Histogram;
pub use jobs::{JobRow, JobRows, JobStatus};
pub use options::{MetricsOptions, OptionsError};
pub use power::{PlatformEnergy, PointSummary, StandingEnergy, UnitPowerSummary};
pub use predictions::PredictionSummary;
pub use summary::{
    AcceleratorSummary, EnergySummary, JobCounts, PriorityClassSummary, PrioritySummary, Summary, TaskSummary,
};
pub use windows::{Window, Windows};
pub use xrbench::{XrbenchConstants, XrbenchScores};
