//! Cell runners: the event engine and the reference loops as sweeps run them.
//!
//! `rtmm-sweep` plans, stores and summarises cells, and simulates none of them: that is what a
//! [`CellRunner`](rtmm_sweep::runner::CellRunner) does. Each module here is one: [`engine`] runs any
//! scenario, platform and policy on `rtmm-sim`, [`xrbench`] repeats the published program. Sweep files name
//! one of [`Runners`]. Runs outside of a sweep go through the same runners: they have the same policies,
//! settings and columns. [`bound`] makes windows for `rtmm-bounds`. [`recorded`] makes a workload of recorded requests and sample traces.
//!
//! ```
//! use rtmm_runners::Runners;
//! use rtmm_sweep::execute::{Options, Silent};
//! use rtmm_sweep::{file, sweep};
//! use rtmm_workload::input::Source;
//!
//! let text = r#"
//!     runner = "engine"
//!     scenarios = ["xrbench/vr_gaming"]
//!     platforms = ["xrbench/single_4k_ws"]
//!     seeds = [1]
//!     [[policy]]
//!     name = "edf"
//!     set = { drop = ["never", "infeasible"] }
//! "#;
//! let plan = file::plan_of(&Source::new("example.toml", text), &Runners::built_in().list())?;
//! let directory = tempfile::tempdir()?;
//! let outcome = sweep::run(&plan, directory.path(), &Options::default(), &Silent)?;
//! assert_eq!(outcome.executed.run, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bound;
pub mod engine;
pub mod recorded;
pub mod xrbench;

mod built_in;

pub use built_in::Runners;
