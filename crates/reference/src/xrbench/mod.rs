//! The runtime and the scores of the XRBench artifact (Kwon et al., MLSys 2023).
//!
//! XRBench replays a scenario of concurrent models on one to four accelerators and scores each
//! model for meeting its deadlines, for energy and for dropped frames. This module repeats the
//! published program float by float: what it prints, this prints.
//!
//! Read in this order: [`costs`] sums published layers into whole models, [`runtime`] generates
//! load and dispatches it, [`scoring`] turns what happened into scores. The program's layer costs
//! are the `maestro` cost model's in reference mode, in `rtmm-hardware`.
//!
//! Quirks of the program are kept and named where they act. They bear the numbers of the list in
//! `docs/models/xrbench-reference.md`. [`fixes`] takes those of the runtime away one by one, to
//! measure what each does to the published scores.
//!
//! Not for new results: frames are noticed late, one dropped frame starves every later dependent
//! frame, and service follows the alphabet. The engine, `rtmm-sim`, has none of these quirks.

pub mod costs;
pub mod fixes;
pub mod platform;
pub mod runtime;
pub mod scoring;

pub use costs::{CostMatrix, ModelCost, TaskCosts};
pub use fixes::{FIXES, FixRow, Fixes};
pub use platform::CLOCK_HZ;
pub use runtime::{JobEnd, JobRow, LONGEST_RUN_MS, Outcome, Runtime, TaskOutcome};
pub use scoring::{Parameters, TaskScores};
