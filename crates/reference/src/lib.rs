//! The loops of published tools, small, faithful and with their quirks, for validation.
//!
//! A number of a published tool is only reproduced by doing what the tool does, including what it
//! does wrong. This crate does that and nothing else: it is no simulator to build on, and the
//! engine knows none of its quirks. Each loop is written to be read beside the tool it follows,
//! and tests hold it to numbers that the tool itself printed.
//!
//! ```
//! use rtmm_hardware::Mode;
//! use rtmm_reference::xrbench::{Parameters, Runtime, TaskCosts};
//! use rtmm_workload::Legality;
//!
//! let workload = rtmm_workload::load::workload("xrbench/vr_gaming", None, Legality::Published)?;
//! let platform = rtmm_hardware::load::platform("xrbench/single_4k_ws", None, Mode::Reference)?;
//! let costs = TaskCosts::of(&workload, &platform)?;
//! let runtime = Runtime::new(&workload.scenario, &costs, &Parameters::default())?;
//! let outcome = runtime.run(1, |_row| {});
//! // The score that the XRBench artifact prints for this scenario on this system.
//! assert_eq!(format!("{:.6}", outcome.overall_score), "86.466141");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod dysta;
pub mod glibc_random;
pub mod mersenne_twister;
pub mod moca;
pub mod planaria;
pub mod xrbench;

mod error;
mod fix_row;
mod logarithm;

pub use error::ReferenceError;
pub use fix_row::FixRow;
