//! The cost of a layer on a configuration, whichever cost model states it.

use rtmm_workload::{Duration, Layer, ShapeError};
use serde::Serialize;
use thiserror::Error;

use crate::energy::EnergyParts;

/// Memory levels that accelerators of a platform may share.
pub const SHARED_LEVELS: usize = 2;
/// The shared on-chip cache, in [`Work::traffic`].
pub const SHARED_CACHE: usize = 0;
/// Off-chip memory, in [`Work::traffic`].
pub const DRAM: usize = 1;

/// Demands of a layer on a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Work {
    /// Time that the accelerator needs if memory never makes it wait.
    pub compute: Duration,
    /// Bytes that cross each shared memory level.
    pub traffic: [u64; SHARED_LEVELS],
    /// Time for all off-chip traffic at the accelerator's own bandwidth; overlaps with `compute`.
    pub transfer: Duration,
    /// Time that overlaps with nothing: first fill, last drain, uneven tiles.
    pub exposed: Duration,
    /// Energy in isolation, in picojoules.
    pub energy: EnergyParts,
    /// Equal steps that the layer can be stopped between; at least 1.
    pub quanta: u32,
}

impl Work {
    /// No work: takes no time, no memory and no energy. In sums it stands for a layer that does not run.
    pub const NOTHING: Self = Self {
        compute: Duration::ZERO,
        traffic: [0; SHARED_LEVELS],
        transfer: Duration::ZERO,
        exposed: Duration::ZERO,
        energy: EnergyParts { mac: 0.0, l1: 0.0, l2: 0.0, dram: 0.0, static_energy: 0.0 },
        quanta: 1,
    };

    /// Latency of the layer with the accelerator and its memory bandwidth to itself.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.compute.max(self.transfer).saturating_add(self.exposed)
    }
}

/// Condition of a layer's cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// The profile: what an estimate without knowledge of the input says.
    #[default]
    Profile,
    /// An input of known sparsity: a sample of a trace, or a stated density.
    Sparse(Sparse),
}

/// Sparsity of a layer's operands for one input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sparse {
    /// The share of weights that are zero, in 0..=1.
    pub weights: f64,
    /// The share of zeros in the input activation, or in the attention map, in 0..=1.
    pub activations: f64,
    /// Balance of the work over the hardware, above 0 and up to 1.
    pub balance: f64,
    /// Latency of the layer on the device that recorded the input; none where it was not recorded.
    pub recorded: Option<Duration>,
}

impl Sparse {
    /// Nothing is zero.
    pub const DENSE: Self = Self { weights: 0.0, activations: 0.0, balance: 1.0, recorded: None };
}

/// A layer together with the name of its model, for models that look costs up by name.
#[derive(Clone, Copy, Debug)]
pub struct LayerOf<'l> {
    /// Name of the model.
    pub model: &'l str,
    /// The layer.
    pub layer: &'l Layer,
}

/// Rows of costs by name that match no layer of some models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmatched {
    /// Number of all rows.
    pub rows: usize,
    /// Rows of models that are none of these.
    pub of_other_models: usize,
    /// Rows of layers that their model does not have.
    pub of_no_layer: usize,
    /// Names of model and layer of the first of the latter, and its line.
    pub first: Option<(String, String, usize)>,
}

/// Why a layer has no cost on a configuration.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum CostError {
    /// The layer's own dimensions make no sense.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A buffer cannot hold even the smallest tile of the mapping.
    #[error(
        "the {buffer} buffer of {capacity} bytes is too small: the mapping's smallest tile needs {demand} \
         bytes (inputs {input}, weights {weight}, outputs {output}, times {copies} for double buffering)"
    )]
    BufferTooSmall {
        /// L1 or L2.
        buffer: &'static str,
        /// Its capacity, in bytes.
        capacity: u64,
        /// The capacity that the layer needs, in bytes.
        demand: u64,
        /// Bytes of the input tile.
        input: u64,
        /// Bytes of the weight tile.
        weight: u64,
        /// Bytes of the output tile.
        output: u64,
        /// 2 with double buffering, 1 without.
        copies: u64,
    },
    /// The model has no rule for such a layer.
    #[error("the `{model}` cost model has no rule for {what}")]
    Unsupported {
        /// The cost model.
        model: &'static str,
        /// The part that it lacks.
        what: String,
    },
    /// A table of measured costs lacks the layer.
    #[error("the cost table has no row for layer `{layer}` of model `{model}`")]
    NotMeasured {
        /// Name of the model.
        model: String,
        /// Name of the layer.
        layer: String,
    },
    /// A table of measured costs has rows of the layer, but none of so large a batch.
    #[error("the cost table has no row for layer `{layer}` of model `{model}` in a batch of {batch} or more")]
    BatchNotMeasured {
        /// Name of the model.
        model: String,
        /// Name of the layer.
        layer: String,
        /// The number of inferences at once.
        batch: u32,
    },
    /// The platform file lists the operators that the accelerator runs, and this is none of them.
    #[error("the accelerator runs no `{operator}`: `operators` lists {}", .listed.join(", "))]
    OperatorNotListed {
        /// The word for the layer's operator.
        operator: &'static str,
        /// The words that are listed.
        listed: Vec<&'static str>,
    },
    /// The platform file lists the precisions that the accelerator computes in, and the layer's is none of them.
    #[error("the accelerator computes nothing in `{precision}`: `precisions` lists {}", .listed.join(", "))]
    PrecisionNotListed {
        /// The word for the layer's precision.
        precision: &'static str,
        /// The words that are listed.
        listed: Vec<&'static str>,
    },
    /// A model that answers with recordings was asked for a layer without one.
    #[error(
        "nothing was recorded of the layer: only inputs of a sample trace with latencies have a cost on \
         the `traced` cost model"
    )]
    NotRecorded,
    /// The published tool gives a latency below zero: its quirk for filters larger than the input.
    #[error("the published tool gives the layer {cycles} cycles, which no accelerator can take")]
    NegativeLatency {
        /// The value that it gives.
        cycles: i64,
    },
    /// A count left 64 bits.
    #[error("the layer's {what} leave the range of 64 bits")]
    Overflow {
        /// Which count.
        what: &'static str,
    },
}
