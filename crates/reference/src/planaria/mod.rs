//! The scheduler of Planaria (Ghodrati et al., MICRO 2020).
//!
//! An accelerator of equal subarrays is divided among jobs anew whenever one arrives or ends: as many subarrays as each
//! needs to be in time, and shares of what is spare. Jobs go on to the end of a tile before they are divided anew. This
//! module repeats the published program in whole cycles and 64-bit floats, operation by operation: every decision and
//! every finish cycle is the same.
//!
//! Read in this order: [`case`] is what a run needs, [`case_file`] reads it; [`engine`] is the loop; [`decision`] says
//! how subarrays are divided. `step` says where a job stands after some cycles, by its `progress`.
//!
//! Quirks of the program are kept and named where they act, by the numbers of the list in
//! `docs/models/planaria-reference.md`; [`fired`] counts them. [`fixes`] takes the defects among them away one by one;
//! without all of them, [`decision::decide`] is the decision of the policy as it is meant.
//!
//! ```
//! use rtmm_reference::planaria::{Case, Fixes, Job, Layer, Model, Parameters, Tiles, run};
//! use rtmm_workload::ModelId;
//!
//! // Four tiles of 60 cycles on one subarray, of 30 on two; 240 cycles at 1 MHz are 0.24 ms.
//! let tiles = vec![Tiles { count: 4, cycles: 60 }, Tiles { count: 4, cycles: 30 }];
//! let layers = vec![Layer { name: "conv".into(), tiles }];
//! let models = vec![Model { name: "net".into(), deadline_ms: 0.25, layers }];
//! let first = Job { number: 0, model: ModelId::new(0), arrival_cycle: 0, priority: 1 };
//! let jobs = vec![first, Job { number: 1, arrival_cycle: 50, ..first }];
//! let case = Case::new(1.0, 2, models, jobs)?;
//! let outcome = run(&case, &Parameters { fixes: Fixes::all(), seed: 0 })?;
//! // The first job has both subarrays until its tile ends at cycle 60, then both have one.
//! assert_eq!(outcome.timeline[1].cycle, 60);
//! assert_eq!(outcome.timeline[1].jobs.iter().map(|job| job.subarrays).collect::<Vec<_>>(), [1, 1]);
//! assert_eq!(outcome.ends.iter().map(|end| end.finish_cycle).collect::<Vec<_>>(), [180, 240]);
//! # Ok::<(), rtmm_reference::planaria::PlanariaError>(())
//! ```
//!
//! Not for new results: there is no memory, and dividing the accelerator anew costs nothing.

pub mod case;
pub mod case_file;
pub mod decision;
pub mod engine;
pub mod error;
pub mod fired;
pub mod fixes;

mod progress;
mod step;

pub use case::{Case, Job, JobIndex, Layer, Model, Tiles};
pub use decision::{Candidate, Decision, decide};
pub use engine::{End, Entry, EntryJob, Outcome, Parameters, run};
pub use error::{PlanariaError, Stop};
pub use fired::Fired;
pub use fixes::{FIXES, FixRow, Fixes};
