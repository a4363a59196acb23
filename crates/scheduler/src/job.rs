//! Jobs as a scheduler knows them.

use rtmm_workload::{ModelId, TaskId, Time};
use serde::Serialize;

use crate::ids::{JobId, RunId};

/// Progress of a job: the next layer that it may run, and the quanta of that layer that are done.
///
/// Layers before `layer` are complete or skipped. Whether the first block is skipped shows when the
/// job is first dispatched; whether any other is, when the layer before it is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Progress {
    /// The next layer, in execution order.
    pub layer: u32,
    /// Steps of it that are done.
    pub quantum: u32,
    /// The steps that it has where they were done; 0 with no step done.
    pub quanta: u32,
}

impl Progress {
    /// About to run `layer`, with nothing of it done.
    #[must_use]
    pub const fn at(layer: u32) -> Self {
        Self { layer, quantum: 0, quanta: 0 }
    }

    /// The same progress where the layer has `quanta` steps, rounded down.
    #[inline]
    #[must_use]
    pub fn in_steps(self, quanta: u32) -> Self {
        if self.quantum == 0 {
            return Self::at(self.layer);
        }
        let quantum = u64::from(self.quantum) * u64::from(quanta) / u64::from(self.quanta.max(1));
        Self { layer: self.layer, quantum: quantum as u32, quanta }
    }

    /// The part of its layer that is done, of 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.quantum) / f64::from(self.quanta.max(1))
    }

    /// The part of the layer's latency that the steps took which are done, in the unit of `latency`, rounded
    /// down.
    #[inline]
    #[must_use]
    pub fn done_of(self, latency: u64) -> u64 {
        before_quantum(latency, self.quantum, self.quanta)
    }
}

/// The start of a layer.
impl From<u32> for Progress {
    fn from(layer: u32) -> Self {
        Self::at(layer)
    }
}

/// The time of the first `quantum` of `quanta` equal steps of a layer that takes `latency`, rounded down.
#[inline]
#[must_use]
pub fn before_quantum(latency: u64, quantum: u32, quanta: u32) -> u64 {
    if quantum == 0 || quanta == 0 {
        return 0;
    }
    (u128::from(latency) * u128::from(quantum) / u128::from(quanta)) as u64
}

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// It needs the output of a job that is not complete.
    Waiting,
    /// It can be dispatched.
    Ready,
    /// It is part of that run.
    Running(RunId),
    /// It is complete or was dropped: it is no longer live.
    Over,
}

/// One release of a task, as far as it was observed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Job {
    /// Its identifier.
    pub id: JobId,
    /// Its task.
    pub task: TaskId,
    /// The frame of the task that it processes.
    pub frame: u64,
    /// When the frame arrived, nominally: deadlines and response times count from here.
    pub arrival: Time,
    /// When the scheduler could first see the job.
    pub release: Time,
    /// When it should be complete.
    pub deadline: Time,
    /// Larger is more important.
    pub priority: i32,
    /// The variant that it runs as; the task's default until the first dispatch.
    pub model: ModelId,
    /// True if it was dispatched before, so that the variant is fixed.
    pub started: bool,
    /// Its progress.
    pub progress: Progress,
    /// Its state.
    pub state: JobState,
    /// Its place in the order of releases, over all tasks.
    pub sequence: u64,
    /// When its last segment ended; its release before the first.
    pub last_ran: Time,
    /// Energy spent on it so far, in picojoules.
    pub energy_pj: f64,
}
