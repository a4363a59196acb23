//! Runs: what executes on accelerators, as a scheduler knows it.

use std::sync::Arc;

use rtmm_hardware::{AcceleratorId, ClassId, Share, UnitSet};
use rtmm_workload::{ModelId, Time};
use serde::Serialize;

use crate::job::{JobId, Progress};

/// A run: a segment of a job, or of a batch of jobs of one model, on units of an accelerator.
///
/// Its slot is used again when it is over; the generation tells the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RunId {
    slot: u32,
    generation: u32,
}

impl RunId {
    /// The run in `slot`, which had `generation` runs before it.
    #[must_use]
    pub const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    /// Its place in the table of runs: the position, among all units of the platform, of the lowest unit
    /// that it was dispatched on.
    #[must_use]
    pub const fn slot(self) -> usize {
        self.slot as usize
    }

    /// The number of runs that had the slot before.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

/// The jobs of a run: one, or a batch.
///
/// A single job is held in place. A batch is shared, so that copies of a decision or a run are cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs(Held);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    One(JobId),
    Batch(Arc<[JobId]>),
}

impl Jobs {
    /// Several jobs of one model, run at once.
    #[must_use]
    pub fn batch(jobs: &[JobId]) -> Self {
        match jobs {
            [job] => Self(Held::One(*job)),
            _ => Self(Held::Batch(jobs.into())),
        }
    }

    /// All jobs, in the order that was stated.
    #[must_use]
    pub fn as_slice(&self) -> &[JobId] {
        match &self.0 {
            Held::One(job) => std::slice::from_ref(job),
            Held::Batch(jobs) => jobs,
        }
    }

    /// The job of a run that has one job; none for a batch.
    #[must_use]
    pub fn single(&self) -> Option<JobId> {
        match self.0 {
            Held::One(job) => Some(job),
            Held::Batch(_) => None,
        }
    }
}

impl From<JobId> for Jobs {
    fn from(job: JobId) -> Self {
        Self(Held::One(job))
    }
}

/// The list of jobs.
impl Serialize for Jobs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.as_slice())
    }
}

/// A segment that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its identity.
    pub id: RunId,
    /// The accelerator.
    pub accelerator: AcceleratorId,
    /// The units of the accelerator that it holds, those included that it is about to gain.
    pub units: UnitSet,
    /// The class that it runs in: the configuration that the units which it uses form.
    pub class: ClassId,
    /// The class that it changes to at its next boundary; none where it is not resized.
    pub next_class: Option<ClassId>,
    /// Its share of the shared memory bandwidth; the whole where that is not partitioned.
    pub share: Share,
    /// The jobs.
    pub jobs: Jobs,
    /// The model that they run as.
    pub model: ModelId,
    /// Where it began, or where it was last resized.
    pub from: Progress,
    /// The layer that it ends before.
    pub stop: u32,
    /// When it was dispatched. Its first layer begins when the decision is made and the context is
    /// switched.
    pub dispatched: Time,
    /// When the layer that it began with, or was last resized in, started or will.
    pub started: Time,
    /// When it should end, by the profile, if it runs as dispatched and resized.
    pub expected_end: Time,
    /// True if it was told to end at its next boundary: preempted, or its job dropped.
    pub is_ending: bool,
}
