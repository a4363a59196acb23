//! Timelines of runs: which job ran where and when, as a file that other programs open.
//!
//! A [`Timeline`] watches a run, or reads a record of one, and tells a [`TimelineForm`] of finished slices, of marks and of
//! counters. The forms are in a registry by the extension of a file: traces for Perfetto and for Chrome, and a Gantt
//! chart. A form writes as it is told, so that memory does not grow with the length of a run. Nothing here opens a file.
//!
//! ```
//! use rtmm_hardware::{Mode, load as hardware};
//! use rtmm_scheduler::registry;
//! use rtmm_sim::{RunOptions, System, simulate};
//! use rtmm_timeline::{Timeline, form_of};
//! use rtmm_workload::{Legality, load};
//!
//! let workload = load::workload("xrbench/vr_gaming", None, Legality::Strict)?;
//! let platform = hardware::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected)?;
//! let system = System::new(&workload.scenario, &workload.models, &platform)?;
//! let edf = registry::policy("edf").ok_or("no such policy")?;
//!
//! let mut trace = Vec::new();
//! let form = form_of("run.json".as_ref())?.open(&system, Box::new(&mut trace))?;
//! let policy = edf.build(&edf.defaults())?;
//! simulate(&system, "edf", policy, Timeline::new(&system, form), RunOptions::default())?.finish()?;
//! assert!(trace.starts_with(b"{\"displayTimeUnit\":\"ns\""));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod forms;

mod form;
mod level;
mod measured;
mod nanoseconds;
mod observer;
mod registry;

pub use form::{
    Counter, Hold, JobMark, JobRef, MarkKind, SegmentPart, SegmentPartKind, SegmentSlice, TimelineForm,
};
pub use measured::{MeasuredJob, read_jobs, tell_jobs};
pub use nanoseconds::nanoseconds;
pub use observer::Timeline;
pub use registry::{FormRow, UnknownForm, form_of};
