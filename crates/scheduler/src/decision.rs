//! What a policy can say.

use std::num::NonZeroU32;

use rtmm_hardware::{AcceleratorId, Share};
use rtmm_workload::{Time, define_index};
use serde::Serialize;

use crate::job::JobId;

define_index!(
    /// One of the networks that a task's jobs may run as: a position in the task's `variants`.
    VariantId
);

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Decision {
    /// Runs a segment of a ready job on idle hardware.
    Dispatch {
        /// The job.
        job: JobId,
        /// The network to run it as, at its first dispatch; none for the default, or for the one
        /// that it began with.
        variant: Option<VariantId>,
        /// Where.
        placement: Placement,
        /// How much of it.
        extent: Extent,
    },
    /// Ends a running segment early. Its job is ready again from there.
    Preempt {
        /// Where the segment runs.
        accelerator: AcceleratorId,
        /// How soon.
        mode: Preemption,
    },
    /// Gives a job up: at once, or at its next layer boundary where it is running.
    Drop {
        /// The job.
        job: JobId,
    },
    /// Gives an accelerator another share of the shared memory bandwidth, where shares count.
    SetShare {
        /// The accelerator.
        accelerator: AcceleratorId,
        /// Its share from now on.
        share: Share,
    },
    /// Asks to be asked again.
    SetTimer {
        /// When; later than now.
        at: Time,
        /// What the notice will carry.
        tag: u64,
    },
}

/// Where a segment runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Placement {
    /// All of an accelerator.
    Whole(AcceleratorId),
}

/// How much of a job a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Extent {
    /// As many layers of the model from the next one that runs on, counting those that turn out to be
    /// skipped between them; or up to the end.
    Layers(NonZeroU32),
    /// All that is left.
    Rest,
}

impl Extent {
    /// The next layer alone.
    pub const LAYER: Self = Self::Layers(NonZeroU32::MIN);
}

/// How soon a segment ends that is preempted. A segment runs at least one layer, or one quantum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preemption {
    /// At the next layer boundary.
    Layer,
    /// At the next quantum of the layer. Where accelerators compete for memory a layer has no
    /// quanta, and this is the next layer boundary.
    Quantum,
}

/// The list that a policy writes its decisions to, used again and again.
pub type Decisions = Vec<Decision>;
