//! Runs: what executes on accelerators, as a scheduler knows it.

use rtmm_hardware::{AcceleratorId, ClassId, Share, UnitSet};
use rtmm_workload::{ModelId, Time};
use serde::Serialize;

use crate::ids::{JobId, RunId};
use crate::job::Progress;

/// The jobs of a run: one, or a batch.
///
/// Batches are not simulated yet. Of one, its first job and its size are kept, which is enough to refuse it;
/// decisions and runs are copied without a list to clone or to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Jobs {
    first: JobId,
    count: u32,
}

impl Jobs {
    /// Several jobs of one model, run at once.
    #[must_use]
    pub const fn batch(jobs: &[JobId]) -> Self {
        match jobs {
            [] => Self { first: JobId::new(0, 0), count: 0 },
            [first, ..] => Self { first: *first, count: jobs.len() as u32 },
        }
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
        Self { first: job, count: 1 }
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

/// All runs of a platform, by [`RunId::slot`]: by accelerator, then by the lowest unit that they were
/// dispatched on.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    slots: Vec<Slot>,
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
            expected_end: Time::ZERO,
            is_ending: false,
        };
        Self { slots: vec![Slot { is_live: false, run: none }; slots] }
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
