//! Ids of jobs and runs: a slot of a table, and the number of those that had it before.

use serde::Serialize;

/// A job of a run. Its slot is used again when the job is over; the generation tells the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct JobId {
    slot: u32,
    generation: u32,
}

impl JobId {
    /// The job in `slot`, which had `generation` jobs before it.
    #[must_use]
    pub const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    /// Its place in the table of live jobs.
    #[must_use]
    pub const fn slot(self) -> usize {
        self.slot as usize
    }

    /// The number of jobs that had the slot before.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

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
