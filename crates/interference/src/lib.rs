//! Interference of inferences that share a GPU: measured co-locations, predictors of latency, and their scores.
//!
//! A predictor is fitted to measurements, asked how long an inference or a group of segments takes beside others, and
//! told what was observed. [`PredictorRegistry`] has every predictor by name; [`load`] reads measurements, built-in ones
//! and a user's own.
//!
//! ```
//! use rtmm_interference::{Parameters, PredictorRegistry, Training, load};
//!
//! let measurements = load::measurements(&["igniter/v100-pairs"])?;
//! let row = PredictorRegistry::built_in().find("constant").unwrap();
//! let parameters = Parameters::defaults(row.schema());
//! let predictor = row.fit(&parameters, &Training::of(&measurements)).unwrap();
//! let pair = &measurements.pairs[0];
//! let predicted = predictor.predict(&pair.first().into()).unwrap();
//! assert!(predicted.mean_us() > pair.a.solo_us && predicted.upper_us() >= predicted.mean_us());
//! # Ok::<(), rtmm_workload::input::Diagnostics>(())
//! ```

pub mod kernel_summary;
pub mod load;
pub mod protocols;
pub mod replay;
pub mod score;

mod calibration;
mod fit_error;
mod linear;
mod measurements;
mod names;
mod predictor;
mod predictors;
mod profile;
mod query;
mod ratios;
mod registry;
mod share;
mod slowdowns;

pub use fit_error::FitError;
pub use linear::{Recursive, RecursiveOptions};
pub use measurements::{
    Bound, Coefficient, FileKind, Group, KernelUse, LinearCoefficients, Measurements, Pair, PowerPoint,
    Purpose, Rows, Solo, SoloLatencies, Utilisation,
};
pub use names::{ModelKey, Names};
pub use predictor::{Prediction, Predictor};
pub use query::{CoRun, Inference, Interval, Overlap, Query, QueryKind, Running, Segment};
pub use ratios::Ratios;
pub use registry::{Device, Fitted, PredictorRegistry, PredictorRow, Training};
pub use rtmm_workload::parameters::Parameters;
pub use share::Share;
