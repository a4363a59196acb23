//! The state of a run: what the view shows, and by slot what it hides.

use rtmm_hardware::{AcceleratorId, EnergyParts, UnitSet};
use rtmm_scheduler::{
    AcceleratorState, Hardware, Job, JobLists, Progress, Run, RunId, TaskCounters, UnitState, View,
};
use rtmm_workload::{Duration, ModelId, Realisation, Time};

use crate::system::System;

/// State that the view shows, and by slot the state that it hides.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub now: Time,
    pub phase: usize,
    pub jobs: Vec<Job>,
    pub ready: Vec<u32>,
    pub waiting: Vec<u32>,
    /// Slots of jobs that are over.
    pub vacant: Vec<u32>,
    pub accelerators: Vec<AcceleratorState>,
    /// Accelerators that have a free unit, ascending.
    pub free: Vec<AcceleratorId>,
    /// By slot, which is the position of a unit among all units.
    pub runs: Vec<Option<Run>>,
    pub hidden_runs: Vec<HiddenRun>,
    pub units: Vec<UnitState>,
    pub counters: Vec<TaskCounters>,
    pub hidden: Vec<Hidden>,
    /// By slot, apart from `hidden` so that oracles can be shown them.
    pub realisations: Vec<Realisation>,
    /// By accelerator: time in runs that are over, times the units that they held, in picoseconds.
    pub busy: Vec<u128>,
}

/// Hidden state of a slot of runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HiddenRun {
    /// Number of runs that the slot had.
    pub generation: u32,
    /// The number of units that the run holds, and since when.
    pub held: u32,
    pub since: Time,
    /// True if it was preceded by a context switch.
    pub switched: bool,
}

/// Hidden state of a job.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hidden {
    pub sample: u64,
    /// True if a recording names the sample.
    pub is_recorded: bool,
    pub energy: EnergyParts,
    pub switch_energy_pj: f64,
    /// It is dropped at its next boundary.
    pub drops_at_boundary: bool,
    /// Up to where its energy is counted.
    pub booked: Progress,
}

impl State {
    /// The state before anything happened.
    pub(super) fn new(system: &System) -> Self {
        let mut first_unit = 0;
        let accelerators: Vec<AcceleratorState> = system
            .platform
            .accelerators
            .iter()
            .map(|accelerator| {
                let units = accelerator.units();
                let state = AcceleratorState { units, free: UnitSet::first(units), first_unit };
                first_unit += units;
                state
            })
            .collect();
        let units = first_unit as usize;
        Self {
            free: (0..accelerators.len()).map(AcceleratorId::new).collect(),
            busy: vec![0; accelerators.len()],
            accelerators,
            runs: vec![None; units],
            hidden_runs: vec![HiddenRun::default(); units],
            units: vec![UnitState::default(); units],
            counters: vec![TaskCounters::default(); system.scenario.tasks.len()],
            ..Self::default()
        }
    }

    pub(super) fn view<'v>(&'v self, system: &'v System) -> View<'v> {
        let lists = JobLists { jobs: &self.jobs, ready: &self.ready, waiting: &self.waiting };
        let hardware = Hardware {
            accelerators: &self.accelerators,
            free: &self.free,
            runs: &self.runs,
            units: &self.units,
        };
        View::new(self.now, &system.scenario, &system.profile, hardware, &self.counters, self.phase, lists)
    }

    /// A run that is not over.
    pub(super) fn run_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.runs.get_mut(id.slot())?.as_mut().filter(|run| run.id == id)
    }

    /// Gives units of an accelerator to a run.
    #[inline]
    pub(super) fn take_units(&mut self, accelerator: AcceleratorId, units: UnitSet) {
        let state = &mut self.accelerators[accelerator.index()];
        state.free = state.free.without(units);
        if state.free.is_empty()
            && let Ok(position) = self.free.binary_search(&accelerator)
        {
            self.free.remove(position);
        }
    }

    /// Takes units of an accelerator back.
    #[inline]
    pub(super) fn free_units(&mut self, accelerator: AcceleratorId, units: UnitSet) {
        let state = &mut self.accelerators[accelerator.index()];
        let had_none = state.free.is_empty();
        state.free = state.free.union(units);
        if had_none && !units.is_empty() {
            let at = self.free.partition_point(|free| *free < accelerator);
            self.free.insert(at, accelerator);
        }
    }

    /// Says what units of an accelerator ran last, as part of a run on `count` units.
    #[inline]
    pub(super) fn mark_units(
        &mut self,
        accelerator: AcceleratorId,
        units: UnitSet,
        model: ModelId,
        last_layer: Option<u32>,
        count: u32,
    ) {
        let last = UnitState { last_model: Some(model), last_layer, last_units: count };
        let states = &mut self.units[self.accelerators[accelerator.index()].slots()];
        if let [only] = states {
            *only = last;
            return;
        }
        for unit in units.iter() {
            states[unit as usize] = last;
        }
    }

    /// Corrects which layer units of an accelerator ran last, of the model that is known.
    #[inline]
    pub(super) fn set_last_layer(
        &mut self,
        accelerator: AcceleratorId,
        units: UnitSet,
        last_layer: Option<u32>,
    ) {
        let states = &mut self.units[self.accelerators[accelerator.index()].slots()];
        if let [only] = states {
            only.last_layer = last_layer;
            return;
        }
        for unit in units.iter() {
            states[unit as usize].last_layer = last_layer;
        }
    }

    /// Counts the time of a run in the units that it held, up to now.
    #[inline]
    pub(super) fn count_busy(&mut self, slot: usize, accelerator: AcceleratorId) {
        let HiddenRun { held, since, .. } = &mut self.hidden_runs[slot];
        let took = u128::from(self.now.saturating_since(*since).picoseconds());
        *since = self.now;
        self.busy[accelerator.index()] += took * u128::from(*held);
    }

    /// Time in runs that are over, by accelerator: in the mean over its units, rounded down.
    pub(super) fn busy_times(&self) -> Vec<Duration> {
        let mean = |(busy, state): (&u128, &AcceleratorState)| {
            let mean = busy / u128::from(state.units.max(1));
            Duration::from_picoseconds(u64::try_from(mean).unwrap_or(u64::MAX))
        };
        self.busy.iter().zip(&self.accelerators).map(mean).collect()
    }

    pub(super) fn insert(list: &mut Vec<u32>, jobs: &[Job], slot: u32) {
        let sequence = jobs[slot as usize].sequence;
        // Most jobs are among the latest.
        let position = list
            .iter()
            .rposition(|other| jobs[*other as usize].sequence < sequence)
            .map_or(0, |last| last + 1);
        list.insert(position, slot);
    }

    pub(super) fn remove(list: &mut Vec<u32>, slot: u32) {
        if let Some(position) = list.iter().position(|other| *other == slot) {
            list.remove(position);
        }
    }
}
