//! The event engine: simulates a scenario on a platform under a policy, and measures it.
//!
//! A run is a loop over events in [`engine`]; how segments run on accelerators is in [`execution`];
//! what watches a run is an [`Observer`]. [`metrics`] holds observers that measure it: counts, times,
//! energies and scores, a row a job, and an audit of the engine itself.

pub mod engine;
pub mod execution;
pub mod metrics;

mod error;
mod events;
mod frames;
mod observer;
mod simulate;
mod system;

pub use engine::{EndOfRun, RunOptions, Simulation};
pub use error::{Illegal, SimulationError};
pub use metrics::{Metrics, MetricsOptions, Summary};
pub use observer::{DropCause, EndRecord, JobRecord, Observer, SegmentRecord};
pub use simulate::simulate;
pub use system::System;
