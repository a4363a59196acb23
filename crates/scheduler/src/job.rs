//! Jobs as a scheduler knows them.

use rtmm_hardware::AcceleratorId;
use rtmm_hardware::Energy;
use rtmm_workload::{ModelId, TaskId, Time};
use serde::Serialize;

use crate::ids::{JobId, RunId};

/// Progress of a job: the next layer that it may run, and the quanta of that layer that are done.
///
/// Where a layer has other steps in one class than in another, a job that ran in several has a part of it done that
/// is no whole number of steps in either: `quanta` is then a common multiple of both.
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

    /// The progress of a run that began here and stopped at `stop`, which counts in whole steps of the run's class. What of
    /// a step was done before the run is kept: the run did what lies between, counted from this progress rounded down.
    /// Exact where its least denominator has 32 bits; else `stop`, which is no more.
    #[must_use]
    pub fn carried_to(self, stop: Self) -> Self {
        if self.quantum == 0 || stop.quantum == 0 || self.layer != stop.layer || stop.quanta == self.quanta {
            return stop;
        }
        let begun = self.in_steps(stop.quanta).quantum;
        let [before, of, did, steps] =
            [self.quantum, self.quanta.max(1), stop.quantum.saturating_sub(begun), stop.quanta.max(1)]
                .map(u64::from);
        // Both denominators have 32 bits: neither the common multiple nor the sum, which is no more than it, has more than 64.
        let (of_scale, steps_scale) = (steps / divisor(of, steps), of / divisor(of, steps));
        let (done, whole) = (before * of_scale + did * steps_scale, of * of_scale);
        let common = divisor(done, whole);
        match (u32::try_from(done / common), u32::try_from(whole / common)) {
            // In the steps of the class where it is a whole number of them.
            (Ok(_), Ok(quanta)) if u64::from(stop.quanta) % u64::from(quanta) == 0 => stop,
            (Ok(quantum), Ok(quanta)) => Self { layer: stop.layer, quantum, quanta },
            _ => stop,
        }
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

/// The greatest common divisor of two numbers, not both of which are 0.
const fn divisor(mut one: u64, mut other: u64) -> u64 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
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

/// Place of what a job has computed so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The accelerator that its last segment ran on.
    pub accelerator: AcceleratorId,
    /// The last layer that it completed; none where it has completed none.
    pub layer: Option<u32>,
    /// True if what it has computed of the next layer was written to memory, from where any accelerator reads it.
    pub is_written: bool,
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
    /// Where its last segment ran; none before the first, and on platforms that do not say what lies between accelerators.
    pub place: Option<Place>,
    /// Energy spent on it so far.
    pub energy: Energy,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(quantum: u32, quanta: u32) -> Progress {
        Progress { layer: 3, quantum, quanta }
    }

    #[test]
    fn what_was_done_of_a_step_before_a_run_is_kept() {
        for (from, stop, expected) in [
            // An eighth, which is no step of four, and one step: 3/8.
            (done(1, 8), done(1, 4), done(3, 8)),
            // Three of six are two of four: nothing to keep.
            (done(3, 6), done(3, 4), done(3, 4)),
            (done(1, 4), done(3, 4), done(3, 4)),
            // 2/3 is two of four, and a sixth: with one more 11/12.
            (done(2, 3), done(3, 4), done(11, 12)),
            // Back where eighths are: 3/8 is three steps, and one more 4/8.
            (done(3, 8), done(4, 8), done(4, 8)),
            // A sixth, no step of two, and one of them: 2/3.
            (done(1, 6), done(1, 2), done(2, 3)),
            // Another layer, and its start.
            (
                done(1, 8),
                Progress { layer: 4, quantum: 1, quanta: 4 },
                Progress { layer: 4, quantum: 1, quanta: 4 },
            ),
            (done(1, 8), Progress::at(4), Progress::at(4)),
            (Progress::at(3), done(1, 4), done(1, 4)),
            // Too many bits: rounded down to steps.
            (done(1, u32::MAX), done(1, u32::MAX - 1), done(1, u32::MAX - 1)),
        ] {
            let found = from.carried_to(stop);
            assert_eq!(found, expected, "{from:?} {stop:?}");
            // The run itself did whole steps.
            assert_eq!(found.in_steps(stop.quanta), stop, "{from:?} {stop:?}");
        }
    }
}
