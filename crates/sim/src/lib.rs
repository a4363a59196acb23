//! The event engine: simulates a scenario on a platform under a policy, and measures it.
//!
//! A run is a loop over events in [`engine`]; how segments run on accelerators is in [`execution`];
//! what watches a run is an [`Observer`]. [`metrics`] holds observers that measure it: counts, times,
//! energies and scores, a row a job, and an audit of the engine itself.
//!
//! ```
//! use rtmm_hardware::Mode;
//! use rtmm_scheduler::registry;
//! use rtmm_sim::{Metrics, MetricsOptions, RunOptions, System, simulate};
//! use rtmm_workload::Legality;
//!
//! let workload = rtmm_workload::load::workload("xrbench/vr_gaming", None, Legality::Strict)?;
//! let platform = rtmm_hardware::load::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected)?;
//! let system = System::new(&workload.scenario, &workload.models, &platform)?;
//! let edf = registry::policy("edf").expect("a registered policy");
//! let policy = edf.build(&edf.defaults())?;
//! let metrics = Metrics::new(&system, MetricsOptions::default());
//! let summary = simulate(&system, &edf.name, policy, metrics, RunOptions::default())?.summary();
//! // Frames of 700 ms at 60, 60 and 45 Hz.
//! assert_eq!(summary.jobs.released, 42 + 42 + 32);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod engine;
pub mod execution;
pub mod metrics;

mod error;
mod events;
mod foresight;
mod frames;
mod observer;
mod partial_support;
mod pins;
mod record;
mod simulate;
mod system;

pub use engine::{EndOfRun, RunOptions, Simulation};
pub use error::{Illegal, SimulationError};
pub use foresight::{ForeseenJob, Inference, InferenceLayer, TrueCost};
pub use metrics::{Metrics, MetricsOptions, Summary};
pub use observer::{
    ContextSwitchRecord, DropCause, EndRecord, JobMoves, JobRecord, LayerRecord, MoveRecord, Observer,
    PowerEvent, ResizeRecord, SegmentRecord,
};
pub use partial_support::PartialSupport;
pub use pins::{MisspeltPin, PinFault};
pub use record::{RecordEntry, RecordedEnd, RecordedEvent, RecordedJob, RunRecord};
pub use simulate::simulate;
pub use system::System;
