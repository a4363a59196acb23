//! Layers that run on an accelerator, as rules of co-location see them.

use rtmm_workload::{LayerId, ModelId};

/// A layer that runs on an accelerator, as a rule of co-location sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Of which model it is.
    pub model: ModelId,
    /// Which layer of the model it is.
    pub layer: LayerId,
    /// The number of units that its run holds.
    pub units: u32,
    /// The number of inferences at once.
    pub batch: u32,
}
