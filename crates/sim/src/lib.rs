//! The event engine: simulates a scenario on a platform under a policy, and measures it.
//!
//! A run is a loop over events in [`engine`]; how segments run on accelerators is in [`execution`];
//! what watches a run is an [`Observer`].
//!
//! ```
//! use rtmm_hardware::Mode;
//! use rtmm_sim::System;
//! use rtmm_workload::Legality;
//!
//! let workload = rtmm_workload::load::workload("xrbench/vr_gaming", None, Legality::Strict)?;
//! let platform = rtmm_hardware::load::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected)?;
//! let system = System::new(&workload.scenario, &workload.models, &platform)?;
//! assert_eq!(system.profile.accelerators(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod engine;
pub mod execution;

mod error;
mod events;
mod frames;
mod observer;
mod simulate;
mod system;

pub use engine::{EndOfRun, RunOptions, Simulation};
pub use error::{Illegal, SimulationError};
pub use observer::{DropCause, JobRecord, Observer, SegmentRecord};
pub use simulate::simulate;
pub use system::System;
