//! Runs: what executes on accelerators, as a scheduler knows it.

use rtmm_hardware::{AcceleratorId, ClassId, Share, UnitSet};
use rtmm_workload::{Duration, ModelId, Time};
use serde::Serialize;

use crate::ids::{JobId, RunId};
use crate::job::Progress;

/// The jobs of a run: one, or a batch of several of one model.
///
/// Of a batch it is the first and the number of all; the list stands beside it, in [`Decisions`](crate::Decisions) for a
/// decision and in [`Runs`] for a run. So both are copied without a list to clone or to drop, and a run of one job has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Jobs {
    first: JobId,
    count: u32,
    /// Of a decision: where the batch begins among those of its list.
    #[serde(skip)]
    at: u32,
}

impl Jobs {
    /// Several jobs of which the list stands at a position of another one.
    pub(crate) fn batch(jobs: &[JobId], at: usize) -> Self {
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        let first = jobs.first().copied().unwrap_or(JobId::new(0, 0));
        Self { first, count: count(jobs.len()), at: count(at) }
    }

    /// Where the batch of a decision begins.
    pub(crate) const fn at(&self) -> usize {
        self.at as usize
    }

    /// The list of one job; none for a batch.
    pub(crate) const fn as_single(&self) -> Option<&[JobId]> {
        if self.count == 1 { Some(std::slice::from_ref(&self.first)) } else { None }
    }

    /// The first job; none of an empty batch.
    #[must_use]
    pub const fn first(&self) -> Option<JobId> {
        if self.count > 0 { Some(self.first) } else { None }
    }

    /// The number of jobs.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The job of a run that has one job; none for a batch.
    #[inline]
    #[must_use]
    pub const fn single(&self) -> Option<JobId> {
        if self.count == 1 { Some(self.first) } else { None }
    }
}

impl From<JobId> for Jobs {
    fn from(job: JobId) -> Self {
        Self { first: job, count: 1, at: 0 }
    }
}

/// The progress of a run that is expected by the profile: time in its class from where it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// Since when it has gone at the pace of its class: since it started, unless an operating point has changed.
    pub since: Time,
    /// Time in its class of what was done before.
    pub done: Duration,
}

impl Pace {
    /// The pace of a run that starts.
    #[must_use]
    pub const fn from(since: Time) -> Self {
        Self { since, done: Duration::ZERO }
    }

    /// Time in the class of what is done at an instant.
    #[must_use]
    pub fn done_at(self, now: Time) -> Duration {
        self.done.saturating_add(now.saturating_since(self.since))
    }

    /// The pace in another class from `since` on, in which all that takes `before` here takes `after`. Rounded down.
    #[must_use]
    pub fn changed(self, now: Time, since: Time, before: Duration, after: Duration) -> Self {
        let done = u128::from(self.done_at(now).picoseconds()) * u128::from(after.picoseconds());
        let done = done / u128::from(before.picoseconds().max(1));
        Self { since, done: Duration::from_picoseconds(u64::try_from(done).unwrap_or(u64::MAX)) }
    }
}

/// A segment that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its identity.
    pub id: RunId,
    /// The accelerator.
    pub accelerator: AcceleratorId,
    /// The units of the accelerator that it holds, those included that it is about to gain.
    pub units: UnitSet,
    /// The class that it runs in: the configuration that the units which it uses form, with as many jobs as it has. A layer
    /// that fewer of its jobs run is one of as many.
    pub class: ClassId,
    /// The class that it changes to at its next boundary; none where it is not resized.
    pub next_class: Option<ClassId>,
    /// Its share of the shared memory bandwidth; the whole where that is not partitioned.
    pub share: Share,
    /// The jobs: see [`Runs::jobs_of`].
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
    /// Its expected progress, by the profile.
    pub pace: Pace,
    /// When it should end, by the profile, if it runs as dispatched and resized.
    pub expected_end: Time,
    /// True if it was told to end at its next boundary: preempted, or its job dropped.
    pub is_ending: bool,
}

/// All runs of a platform, by [`RunId::slot`]: by accelerator, then by the lowest unit that they were
/// dispatched on.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    slots: Vec<Slot>,
    /// By slot: the jobs of its batch; without meaning for a run of one job. As long as the last slot that had a batch.
    batches: Vec<Vec<JobId>>,
}

/// A place for a run. What was there last stays until the next one begins: a run is large, and is written
/// only once.
#[derive(Clone, Debug)]
struct Slot {
    is_live: bool,
    run: Run,
}

impl Runs {
    /// No runs, in as many slots as the platform has units.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        let none = Run {
            id: RunId::new(0, 0),
            accelerator: AcceleratorId::new(0),
            units: UnitSet::EMPTY,
            class: ClassId::new(0),
            next_class: None,
            share: Share::ZERO,
            jobs: JobId::new(0, 0).into(),
            model: ModelId::new(0),
            from: Progress::default(),
            stop: 0,
            dispatched: Time::ZERO,
            started: Time::ZERO,
            pace: Pace::from(Time::ZERO),
            expected_end: Time::ZERO,
            is_ending: false,
        };
        Self { slots: vec![Slot { is_live: false, run: none }; slots], batches: Vec::new() }
    }

    /// The number of slots.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The run in a slot; none where it is over.
    #[inline]
    #[must_use]
    pub fn at(&self, slot: usize) -> Option<&Run> {
        self.slots.get(slot).filter(|slot| slot.is_live).map(|slot| &slot.run)
    }

    /// The run in a slot, to be changed.
    #[inline]
    pub fn at_mut(&mut self, slot: usize) -> Option<&mut Run> {
        self.slots.get_mut(slot).filter(|slot| slot.is_live).map(|slot| &mut slot.run)
    }

    /// A run; none if it is over.
    #[inline]
    #[must_use]
    pub fn get(&self, id: RunId) -> Option<&Run> {
        self.at(id.slot()).filter(|run| run.id == id)
    }

    /// A run, to be changed.
    #[inline]
    pub fn get_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.at_mut(id.slot()).filter(|run| run.id == id)
    }

    /// Puts a run in its slot, which must be one of the platform's.
    #[inline]
    pub fn begin(&mut self, run: Run) -> &Run {
        let slot = &mut self.slots[run.id.slot()];
        slot.is_live = true;
        slot.run = run;
        &slot.run
    }

    /// Puts a run of these jobs in its slot, which must be one of the platform's.
    pub fn begin_batch(&mut self, mut run: Run, jobs: &[JobId]) -> &Run {
        let slot = run.id.slot();
        if self.batches.len() <= slot {
            self.batches.resize_with(slot + 1, Vec::new);
        }
        self.batches[slot].clear();
        self.batches[slot].extend_from_slice(jobs);
        run.jobs = Jobs::batch(jobs, 0);
        self.begin(run)
    }

    /// Takes a job out of the batch of the run in a slot, whose other jobs keep their order.
    pub fn remove_job(&mut self, slot: usize, job: JobId) {
        let Some(batch) = self.batches.get_mut(slot) else { return };
        batch.retain(|other| *other != job);
        if let Some(slot) = self.slots.get_mut(slot).filter(|slot| slot.is_live) {
            slot.run.jobs = Jobs::batch(batch, 0);
        }
    }

    /// The jobs of a run, in the order of its dispatch.
    #[inline]
    #[must_use]
    pub fn jobs_of<'r>(&'r self, run: &'r Run) -> &'r [JobId] {
        if run.jobs.count == 1 {
            return std::slice::from_ref(&run.jobs.first);
        }
        self.batches.get(run.id.slot()).map_or(&[], Vec::as_slice)
    }

    /// Ends the run in a slot.
    #[inline]
    pub fn end(&mut self, slot: usize) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.is_live = false;
        }
    }

    /// All runs that are not over.
    pub fn iter(&self) -> impl Iterator<Item = &Run> {
        self.slots.iter().filter(|slot| slot.is_live).map(|slot| &slot.run)
    }
}
