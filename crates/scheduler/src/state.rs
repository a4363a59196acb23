//! The state of a simulated system as far as a scheduler may know it: jobs, runs, units and counts.
//!
//! A simulation keeps one and changes it; a policy reads it through a [`View`](crate::View).

use std::ops::Range;

use rtmm_hardware::{Accelerator, AcceleratorId, EnergyTotal, Platform, PointId, Points, UnitSet};
use rtmm_workload::{ModelId, Time};
use serde::Serialize;

use crate::ids::{JobId, RunId};
use crate::job::{Job, JobState};
use crate::live_jobs::LiveJobs;
use crate::run::Runs;

/// The operating point of an accelerator, or of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PointState {
    /// The point in force.
    pub point: PointId,
    /// A change that is under way.
    pub change: Option<PointChange>,
}

/// A change of an operating point that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PointChange {
    /// The point to come; of a change that stalls, the one in force.
    pub to: PointId,
    /// When it is complete.
    pub at: Time,
}

impl PointState {
    /// A point that is in force.
    #[must_use]
    pub const fn at(point: PointId) -> Self {
        Self { point, change: None }
    }

    /// The point that is in force once a change that is under way is complete.
    #[must_use]
    pub fn last(&self) -> PointId {
        self.change.map_or(self.point, |change| change.to)
    }
}

impl Default for PointState {
    fn default() -> Self {
        Self::at(PointId::new(0))
    }
}

/// An accelerator in the course of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AcceleratorState {
    /// The number of its units.
    pub units: u32,
    /// Those that no run holds.
    pub free: UnitSet,
    /// The position of its first unit among all units of the platform.
    pub first_unit: u32,
    /// Its operating point.
    pub power: PointState,
    /// True if it is gated: the next dispatch has to wait until it is awake.
    pub is_gated: bool,
}

impl AcceleratorState {
    /// True if no run holds any of its units.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.free == UnitSet::first(self.units)
    }

    /// The positions of its units among all units of the platform.
    #[must_use]
    pub fn slots(&self) -> Range<usize> {
        self.first_unit as usize..self.first_unit as usize + self.units as usize
    }
}

/// A unit of an accelerator in the course of a simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnitState {
    /// The model that it ran last, or runs; the network of a pinned one, so that jobs which are pinned elsewhere turn it to
    /// no other.
    pub last_model: Option<ModelId>,
    /// The layer of that model that it ran last, completed or stopped in: its output is still there. While
    /// a segment runs, the last one that the segment was dispatched for. None if nothing ran.
    pub last_layer: Option<u32>,
    /// The number of units that the run had which ran it: each holds an equal part of the output.
    pub last_units: u32,
    /// The number of its jobs: as many outputs are there.
    pub last_jobs: u32,
}

/// Counts of a task since the simulation began. No count ever falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounters {
    /// Jobs that the scheduler was shown.
    pub released: u64,
    /// Jobs that ended, in time or not.
    pub completed: u64,
    /// Those of them that ended after their deadline.
    pub late: u64,
    /// Jobs that were dropped.
    pub dropped: u64,
    /// Energy of the task's segments that are over.
    pub energy: EnergyTotal,
    /// Worst-case energy of the jobs that are over, had each layer run where it costs most: whole
    /// models, whatever part of them ran.
    pub worst_energy: EnergyTotal,
}

/// The state of a simulated system as far as a scheduler may know it.
#[derive(Clone, Debug, Default)]
pub struct SystemState {
    /// The instant.
    pub now: Time,
    /// The phase in force, counted from 0 for the time before the first stated one.
    pub phase: usize,
    /// Jobs by slot, those included that are over until their slot is used again.
    pub jobs: Vec<Job>,
    /// Live jobs in the order of release.
    pub(crate) live: LiveJobs,
    /// All accelerators.
    pub accelerators: Vec<AcceleratorState>,
    /// Accelerators that have a free unit, ascending.
    pub free: Vec<AcceleratorId>,
    /// The operating point of the memory.
    pub dram: PointState,
    /// All runs.
    pub runs: Runs,
    /// All units, those of an accelerator side by side.
    pub units: Vec<UnitState>,
    /// Counts, a row a task.
    pub counters: Vec<TaskCounters>,
}

impl SystemState {
    /// The state before anything happens: of accelerators with so many units each, and of a number of tasks.
    #[must_use]
    pub fn new(units: impl Iterator<Item = u32>, tasks: usize) -> Self {
        let mut first_unit = 0;
        let of_units = |units: u32| {
            let free = UnitSet::first(units);
            let state =
                AcceleratorState { units, free, first_unit, power: PointState::default(), is_gated: false };
            first_unit += units;
            state
        };
        let accelerators: Vec<AcceleratorState> = units.map(of_units).collect();
        let slots = first_unit as usize;
        Self {
            free: (0..accelerators.len()).map(AcceleratorId::new).collect(),
            accelerators,
            runs: Runs::new(slots),
            units: vec![UnitState::default(); slots],
            counters: vec![TaskCounters::default(); tasks],
            ..Self::default()
        }
    }

    /// The same of a platform, at its nominal points.
    #[must_use]
    pub fn of_platform(platform: &Platform, tasks: usize) -> Self {
        let mut state = Self::new(platform.accelerators.iter().map(Accelerator::units), tasks);
        for (own, accelerator) in state.accelerators.iter_mut().zip(&platform.accelerators) {
            own.power = accelerator.power.as_ref().map_or(own.power, |states| PointState::at(states.nominal));
        }
        state.dram = PointState::at(platform.nominal_dram());
        state
    }

    /// The operating points in force for runs of an accelerator.
    #[inline]
    #[must_use]
    pub fn points(&self, accelerator: AcceleratorId) -> Points {
        let own = self.accelerators[accelerator.index()].power;
        Points { accelerator: own.point, dram: self.dram.point }
    }

    /// Gives units of an accelerator to a run.
    #[inline(always)]
    pub fn take_units(&mut self, accelerator: AcceleratorId, units: UnitSet) {
        let state = &mut self.accelerators[accelerator.index()];
        state.free = state.free.without(units);
        if state.free.is_empty()
            && let Some(position) = self.free.iter().position(|free| *free == accelerator)
        {
            self.free.remove(position);
        }
    }

    /// Takes units of an accelerator back.
    #[inline]
    pub fn free_units(&mut self, accelerator: AcceleratorId, units: UnitSet) {
        let state = &mut self.accelerators[accelerator.index()];
        let had_none = state.free.is_empty();
        state.free = state.free.union(units);
        if had_none && !units.is_empty() {
            let at = self.free.partition_point(|free| *free < accelerator);
            self.free.insert(at, accelerator);
        }
    }

    /// Records what units of an accelerator ran last.
    #[inline(always)]
    pub fn mark_units(&mut self, accelerator: AcceleratorId, units: UnitSet, last: UnitState) {
        let UnitState { last_model, last_layer, last_units, last_jobs } = last;
        // Field by field: a copy of what was just put together would have to wait for it.
        self.for_each_unit(accelerator, units, move |unit| {
            (unit.last_model, unit.last_layer) = (last_model, last_layer);
            (unit.last_units, unit.last_jobs) = (last_units, last_jobs);
        });
    }

    /// Corrects the layer that units of an accelerator ran last, of the model that is recorded.
    #[inline]
    pub fn set_last_layer(&mut self, accelerator: AcceleratorId, units: UnitSet, last_layer: Option<u32>) {
        self.for_each_unit(accelerator, units, |unit| unit.last_layer = last_layer);
    }

    #[inline(always)]
    fn for_each_unit(
        &mut self,
        accelerator: AcceleratorId,
        units: UnitSet,
        mut change: impl FnMut(&mut UnitState),
    ) {
        match &mut self.units[self.accelerators[accelerator.index()].slots()] {
            // The only unit of most accelerators.
            [only] => change(only),
            all => units.iter().for_each(|unit| change(&mut all[unit as usize])),
        }
    }

    /// Puts a job that is released now in its slot: that of one that is over, or the next new one. Sequences must rise.
    #[inline]
    pub fn release(&mut self, job: Job) {
        let slot = job.id.slot();
        self.live.push(slot as u32, job.state);
        match self.jobs.get_mut(slot) {
            Some(place) => *place = job,
            None => self.jobs.push(job),
        }
    }

    /// Changes the state of a live job. One that is over leaves the list of live jobs, if it has not been withdrawn.
    #[inline(always)]
    pub fn set_job_state(&mut self, slot: usize, state: JobState) {
        if state == JobState::Over {
            self.withdraw(slot);
        } else {
            self.live.recount(self.jobs[slot].state, state);
        }
        self.jobs[slot].state = state;
    }

    /// Puts a ready job into a run, as a model.
    #[inline(always)]
    pub fn start_job(&mut self, slot: usize, run: RunId, model: ModelId) {
        let job = &mut self.jobs[slot];
        (job.state, job.model, job.started) = (JobState::Running(run), model, true);
        self.live.recount(JobState::Ready, JobState::Running(run));
    }

    /// Takes a job that is about to end out of the list of live jobs. It keeps its state until it is over, so that it can
    /// be seen for the last time.
    #[inline]
    pub fn withdraw(&mut self, slot: usize) {
        if self.live.contains(slot as u32) {
            self.live.remove(slot as u32, self.jobs[slot].state);
        }
    }

    /// All live jobs, in the order of release.
    pub fn live_jobs(&self) -> impl Iterator<Item = JobId> {
        self.live.slots().map(|slot| self.jobs[slot as usize].id)
    }
}
