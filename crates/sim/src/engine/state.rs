//! The state of a run: what the view shows, and by slot what it hides.

use rtmm_hardware::{AcceleratorId, EnergyParts};
use rtmm_scheduler::{AcceleratorState, Job, JobLists, Progress, TaskCounters, View};
use rtmm_workload::{Duration, Realisation, Time};

use crate::system::System;

/// What the view shows, and by slot what it hides.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub now: Time,
    pub phase: usize,
    pub jobs: Vec<Job>,
    pub ready: Vec<u32>,
    pub waiting: Vec<u32>,
    pub free: Vec<u32>,
    pub accelerators: Vec<AcceleratorState>,
    pub idle: Vec<AcceleratorId>,
    pub counters: Vec<TaskCounters>,
    pub hidden: Vec<Hidden>,
    /// By slot, apart from `hidden` so that oracles can be shown them.
    pub realisations: Vec<Realisation>,
    /// By accelerator: time in segments that are over.
    pub busy: Vec<Duration>,
}

/// What is not shown of a job.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hidden {
    pub sample: u64,
    /// Whether a recording names the sample.
    pub is_recorded: bool,
    pub energy: EnergyParts,
    pub switch_energy_pj: f64,
    /// Whether its running segment was preceded by a context switch.
    pub switched: bool,
    /// It is given up at its next boundary.
    pub is_doomed: bool,
    /// Up to where its energy is counted.
    pub booked: Progress,
}

impl State {
    pub(super) fn view<'v>(&'v self, system: &'v System<'_>) -> View<'v> {
        let lists = JobLists { jobs: &self.jobs, ready: &self.ready, waiting: &self.waiting };
        View::new(
            self.now,
            &system.scenario,
            &system.profile,
            &self.accelerators,
            &self.idle,
            &self.counters,
            self.phase,
            lists,
        )
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
