//! The scheduling simulator of Sparse-DySta (Fan et al., MICRO 2023).
//!
//! Requests to sparse models share one accelerator, which runs one layer after the other; before each
//! layer a policy chooses whose layer it is. Recorded traces say how long the layers of each input
//! sample really take and how sparse they were; policies know averages, and the better ones correct them
//! by what they have measured so far. This module repeats the published program in 64-bit floats,
//! operation by operation: every finish time is the same to the last bit.
//!
//! Read in this order: [`tables`] makes look-up tables of traces, with [`sanger`] for the latency of
//! attention layers; [`requests`] says what arrives, and draws what the program would draw, [`request_file`]
//! reads it; [`engine`] is the loop, [`policy`] the eleven policies, [`predictor`] what they make of measured sparsities,
//! [`metrics`] the results. [`sums`] holds the two orders in which the program adds.
//!
//! Quirks of the program are kept and named where they act, by the numbers of the list in
//! `docs/models/dysta-reference.md`. [`fixes`] takes them away one by one.
//!
//! ```
//! use rtmm_reference::dysta::{FileTable, Fixes, LookUpTables, Parameters, Policy, Request, run};
//! use rtmm_workload::{ModelId, SampleTrace, Schema};
//!
//! // Two samples of a model of two layers: sparsities, then seconds.
//! let (sparsities, latencies_s) = (vec![0.5, 0.4, 0.3, 0.2], vec![0.01, 0.02, 0.03, 0.02]);
//! let trace = SampleTrace::of_values("net_dense".into(), Schema::EyerissV2, 2, sparsities, latencies_s);
//! let tables = LookUpTables::merged(vec![FileTable::of(&trace, 512)?])?;
//! let first = Request {
//!     arrival_s: 0.0,
//!     model: ModelId::new(0),
//!     sample: 1,
//!     priority: 1.0,
//!     relative_deadline_s: 0.06,
//! };
//! let requests = [first, Request { arrival_s: 0.04, sample: 0, ..first }];
//! let parameters = Parameters { fixes: Fixes::all(), ..Parameters::of(Policy::Dysta) };
//! let outcome = run(&tables, &requests, &parameters)?;
//! assert_eq!(outcome.finish_order, [0, 1]);
//! assert_eq!(outcome.jobs[0].finish_s, 0.03 + 0.02);
//! assert_eq!(outcome.metrics().violation_rate, 0.0);
//! # Ok::<(), rtmm_reference::dysta::DystaError>(())
//! ```
//!
//! Not for new results: the clock can run backwards, and switching is free. The engine, `rtmm-sim`, has
//! none of this.

pub mod engine;
pub mod error;
pub mod fixes;
pub mod metrics;
pub mod policy;
pub mod predictor;
pub mod request_file;
pub mod requests;
pub mod sanger;
pub mod sums;
pub mod tables;

pub use engine::{run, run_observed};
pub use error::DystaError;
pub use fixes::{FIXES, FixRow, Fixes};
pub use metrics::{Job, Metrics, Outcome, Rates};
pub use policy::Parameters;
pub use policy::Policy;
pub use predictor::Predictor;
pub use requests::{Generator, Request, RequestPlan};
pub use tables::{DEFAULT_SEQUENCE_LENGTH, FileTable, LookUpTables, MergedTable};
