//! Decisions: all that a policy can say.

use std::num::NonZeroU32;
use std::ops::{Deref, DerefMut};

use rtmm_hardware::{AcceleratorId, PointId, PowerUnit, Share, Units};
use rtmm_workload::{Time, define_index};
use serde::Serialize;

use crate::ids::JobId;
use crate::ids::RunId;
use crate::prediction::RunPrediction;
use crate::run::Jobs;

define_index!(
    /// One of the variants that a task's jobs may run as: a position in the task's `variants`.
    VariantId
);

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Decision {
    /// Starts a run: a segment of ready jobs on free units of an accelerator. It takes the lowest.
    Dispatch {
        /// The jobs: one, or a [batch](Decisions::batch) of jobs of one model that have not started.
        jobs: Jobs,
        /// The variant to run them as, at the first dispatch; none for the default, or for the one that
        /// they began with.
        variant: Option<VariantId>,
        /// The accelerator.
        on: AcceleratorId,
        /// The number of units; the platform must state what that many are.
        units: Units,
        /// The part of the jobs that is run.
        extent: Extent,
    },
    /// Ends a run early. Its jobs are ready again from there.
    Preempt {
        /// The run.
        run: RunId,
        /// The boundary at which it ends.
        mode: Preemption,
    },
    /// Changes the number of units of a run, from its next quantum on; from its next layer on where the
    /// layer has no quanta. Units to gain must be free and are held at once; units to lose are free from
    /// the change on. The change costs what the accelerator's migration costs.
    Resize {
        /// The run.
        run: RunId,
        /// The number of units; the platform must state what that many are.
        units: Units,
    },
    /// Drops a job: at once, or at its next layer boundary where it is running. The others of its batch go on.
    Drop {
        /// The job.
        job: JobId,
    },
    /// Gives a run another share of the shared memory bandwidth, where shares count. It has it until it
    /// ends or is resized.
    SetShare {
        /// The run.
        run: RunId,
        /// Its share from now on.
        share: Share,
    },
    /// Changes the operating point of an accelerator or of the memory: at once, or after the time that the platform states
    /// for a change. What runs goes on at the new point from then on; where a change stalls, it stands still until then.
    SetPoint {
        /// The accelerator, or the memory.
        on: PowerUnit,
        /// One of its points.
        point: PointId,
    },
    /// Gates an accelerator that no run holds a unit of. It wakes at the next dispatch, which waits for that and pays for it.
    Gate {
        /// The accelerator.
        on: AcceleratorId,
    },
    /// Asks to be asked again.
    SetTimer {
        /// When; later than now.
        at: Time,
        /// The tag that the notice will carry.
        tag: u64,
    },
}

impl Decision {
    /// A dispatch of one job on all units of an accelerator.
    #[must_use]
    pub fn dispatch(job: JobId, variant: Option<VariantId>, on: AcceleratorId, extent: Extent) -> Self {
        Self::Dispatch { jobs: job.into(), variant, on, units: Units::All, extent }
    }
}

/// The part of a job that a segment runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Extent {
    /// As many layers of the model from the next one that runs on, counting those that turn out to be
    /// skipped between them; or up to the end.
    Layers(NonZeroU32),
    /// The rest of the job.
    Rest,
}

impl Extent {
    /// The next layer alone.
    pub const LAYER: Self = Self::Layers(NonZeroU32::MIN);
}

/// The boundary at which a preempted segment ends, and what becomes of the layer that it is in. A segment runs at least
/// one layer, or one quantum. Of several modes that a run was told the last one says what becomes of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preemption {
    /// At the next layer boundary.
    Layer,
    /// At the next quantum of the layer. What is done of the layer stays done, and costs nothing to keep.
    Quantum,
    /// At the next quantum of the layer, and what has been computed of its output is written to memory: the units begin
    /// nothing before that is done, and the job reads it again before it goes on. The platform must state of
    /// every accelerator the bandwidth at which it moves activations.
    Checkpoint,
    /// At the next quantum of the layer, and what was done of the layer is lost: the job begins it again.
    Kill,
}

impl Preemption {
    /// True if the segment may end inside a layer.
    #[must_use]
    pub const fn is_inside_layers(self) -> bool {
        !matches!(self, Self::Layer)
    }
}

/// The list that a policy writes its decisions to, used again and again, with the jobs of the batches among them and what it
/// predicts of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    list: Vec<Decision>,
    /// The jobs of all batches, one after the other.
    batched: Vec<JobId>,
    /// Told beside the decisions.
    predictions: Vec<RunPrediction>,
}

impl Decisions {
    /// No decisions.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: Vec::new(), batched: Vec::new(), predictions: Vec::new() }
    }

    /// No decisions, with room for some.
    #[must_use]
    pub fn with_capacity(decisions: usize) -> Self {
        Self { list: Vec::with_capacity(decisions), ..Self::new() }
    }

    /// Jobs for a dispatch of this list: one, or a batch in this order.
    pub fn batch(&mut self, jobs: impl IntoIterator<Item = JobId>) -> Jobs {
        let at = self.batched.len();
        self.batched.extend(jobs);
        Jobs::batch(&self.batched[at..], at)
    }

    /// The jobs of a decision of this list; none for a batch of another list.
    #[must_use]
    pub fn jobs_of<'d>(&'d self, jobs: &'d Jobs) -> Option<&'d [JobId]> {
        if let Some(one) = jobs.as_single() {
            return Some(one);
        }
        let listed = self.batched.get(jobs.at()..)?.get(..jobs.count() as usize)?;
        (listed.first().copied() == jobs.first()).then_some(listed)
    }

    /// Tells what is predicted of a run that the view shows. Nothing depends on it: observers hold it against what comes.
    pub fn predict(&mut self, prediction: RunPrediction) {
        self.predictions.push(prediction);
    }

    /// Predictions of runs.
    #[must_use]
    pub fn predictions(&self) -> &[RunPrediction] {
        &self.predictions
    }

    /// Takes all decisions out, and all predictions.
    pub fn clear(&mut self) {
        self.list.clear();
        self.batched.clear();
        self.predictions.clear();
    }
}

impl Deref for Decisions {
    type Target = Vec<Decision>;

    fn deref(&self) -> &Vec<Decision> {
        &self.list
    }
}

impl DerefMut for Decisions {
    fn deref_mut(&mut self) -> &mut Vec<Decision> {
        &mut self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_knows_the_jobs_of_its_batches_and_of_no_other() {
        let jobs = [3, 1, 2, 7].map(|slot| JobId::new(slot, 0));
        let mut list = Decisions::new();
        let (first, second) = (list.batch(jobs), list.batch([jobs[1], jobs[3]]));
        let (single, empty) = (list.batch([jobs[2]]), list.batch([]));
        assert_eq!((first.count(), first.first(), first.single()), (4, Some(jobs[0]), None));
        assert_eq!(list.jobs_of(&first), Some(&jobs[..]));
        assert_eq!(list.jobs_of(&second), Some(&[jobs[1], jobs[3]][..]));
        assert_eq!((single.single(), list.jobs_of(&single)), (Some(jobs[2]), Some(&jobs[2..3])));
        assert_eq!((empty.first(), list.jobs_of(&empty)), (None, Some(&[][..])));
        let mut other = Decisions::new();
        assert_eq!(other.jobs_of(&first), None);
        other.batch([jobs[1], jobs[0], jobs[2], jobs[3]]);
        assert_eq!(other.jobs_of(&first), None);
        list.clear();
        assert_eq!(list.jobs_of(&first), None);
        assert!(list.is_empty());
        assert_eq!(list.jobs_of(&jobs[0].into()), Some(&jobs[..1]));
    }
}
