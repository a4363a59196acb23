//! Models, layers, tasks and scenarios of real-time multi-model workloads, and the input layer
//! that reads them.
//!
//! This crate says *what* is to be computed and when; it knows nothing of hardware or policies.
//!
//! ```
//! use rtmm_workload::{Legality, load};
//!
//! let workload = load::workload("xrbench/vr_gaming", None, Legality::Strict)?;
//! let macs: u64 = workload.models.iter().map(|model| model.macs()).sum();
//! assert_eq!(workload.scenario.tasks.len(), 3);
//! assert!(macs > 1_000_000);
//! # Ok::<(), rtmm_workload::input::Diagnostics>(())
//! ```

pub mod input;
pub mod load;
pub mod parameters;
pub mod random;
pub mod synthesis;

mod decimal;
mod frames;
mod ids;
mod kernel;
mod layer;
mod layer_table;
mod layer_variants;
mod lowering;
mod mix;
mod model;
mod model_file;
mod operator_kind;
mod pins;
mod precision;
mod realisation;
mod registry;
mod requests;
mod sample_trace;
mod scenario;
mod scenario_file;
mod shape_error;
mod time;
mod trace_model;
mod window;

pub use frames::{Follower, Frame, Frames};
pub use ids::{LayerId, ModelId, TaskId};
pub use kernel::{Kernel, Nest, Repeated, VectorWork};
pub use layer::{
    Attention, Convolution, Elementwise, Gemm, Layer, Normalisation, Operator, Pool, PublishedShape,
    Recurrent, RecurrentCell, Shape,
};
pub use layer_table::{Legality, TableRow, is_layer_table, read_layer_table};
pub use layer_variants::{LayerVariants, VariantSet};
pub use mix::{Mix, MixMember, TooManyRequests};
pub use model::{Block, Exit, Model, Pattern, Shapes, Sparsity, model_name, originals};
pub use model_file::ParameterSetting;
pub use operator_kind::OperatorKind;
pub use pins::Pins;
pub use precision::Precision;
pub use realisation::{MAX_BLOCKS, Realisation};
pub use registry::{Registered, Registry, RegistryError, UnknownName};
pub use sample_trace::{LayerSample, SampleTrace, Schema};
pub use scenario::{
    Arrivals, Deadline, Dependency, DependencyKind, Phase, Request, Scenario, Task, Workload,
};
pub use shape_error::{MAX_DIMENSION, MAX_LAYER_WORK, ShapeError};
pub use time::{Duration, Period, Time, TimeError};
pub use window::{Padding, touched_positions};
