//! Robustness of rankings: how wrong inputs may be before a conclusion turns.
//!
//! A simulation says that one policy beats another on costs that a model computed, prices that a source guessed, estimates that
//! a profiler took and rates that a specification states. Here all of these are wrong on purpose: an *axis* draws errors of a
//! *size*, the policies run again in the same wrong worlds, and the shares of worlds in which the one still beats the other
//! are probabilities with intervals. The *flip margin* is the least size at which the probability falls below a level: "`a`
//! beats `b` unless layer costs are off by more than 23 %".
//!
//! - [`Study`]: systems, policies, seeds, metrics, and how errors are drawn;
//! - [`AxisRow`]: the axes by name, one row and one file each;
//! - [`analyse`]: runs a study along axes, in parallel; the same bytes for any number of threads and any order of policies;
//! - [`Outcome`]: contests of two policies in a metric, with their curves and margins;
//! - [`report`]: the outcome as a table, a figure, CSV and JSON;
//! - [`request`]: the table `[robust]` of sweep files.
//!
//! ```
//! use rtmm_hardware::{Mode, load as hardware};
//! use rtmm_robust::{AxisRow, Place, Study, analyse};
//! use rtmm_runners::engine::Engine;
//! use rtmm_sweep::execute::Silent;
//! use rtmm_sweep::runner::CellRunner;
//! use rtmm_workload::{Legality, load};
//!
//! let workload = load::workload("xrbench/vr_gaming", None, Legality::Strict)?;
//! let platform = hardware::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected)?;
//! let engine = Engine::built_in();
//! let policies = rtmm_robust::policies(engine.spec(), &["fcfs", "edf:drop=infeasible"], &[] as &[&str])?;
//! let study = Study { draws: 4, rounds: 0, ..Study::new(vec![Place::new(workload, platform)], policies) };
//! let outcome = analyse(engine, &study, &[AxisRow::named("costs").ok_or("no such axis")?], &Silent)?;
//! assert_eq!(outcome.policies, ["edf", "fcfs"]);
//! assert_eq!(outcome.axes[0].runs_per_policy, 1 + 4 * 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod analysis;
mod axes;
mod contest;
mod errors;
mod margin;
mod metric;
mod outcome;
mod place;
mod policies;
pub mod report;
pub mod request;
mod site;
mod size;
mod stated;
mod study;

pub use analysis::{AnalysisError, analyse};
pub use axes::AxisRow;
pub use contest::{Contest, Significance};
pub use errors::Spread;
pub use margin::{Level, Margin, Point};
pub use metric::Metric;
pub use outcome::{AxisOutcome, Outcome, Survivors};
pub use place::Place;
pub use policies::policies;
pub use size::{Size, SizeError};
pub use stated::Stated;
pub use study::{Study, StudyError};
