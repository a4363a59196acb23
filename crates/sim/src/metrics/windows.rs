//! Metrics over simulated time: the observer that adds up by windows.
//!
//! A job belongs to the window in which it is *settled*: at the first instant at which it is known whether
//! it keeps its deadline. That is its completion or its end as a dropped job, or its deadline if that comes
//! first. Each decided job is so in one window, with all of its energy, and the windows of a run add up to
//! the run: a single window has the run's own `ux_cost`.
//!
//! Memory follows the number of windows times the number of tasks.

use rtmm_hardware::{Bandwidth, EnergyTotal};
use rtmm_scheduler::Job;
use rtmm_scheduler::{RunPrediction, TuningWindow};
use rtmm_workload::{Duration, Time};
use serde::Serialize;

use crate::execution::MemoryUse;
use crate::metrics::memory::MemoryTally;
use crate::metrics::predictions::{PredictionSummary, PredictionWindows};
use crate::metrics::uxcost::{normalised_energy, ux_cost, violation_with_floor};
use crate::observer::{DropCause, EndRecord, JobRecord, Observer, SegmentRecord};
use crate::system::System;

/// Counts of a window. Windows are half open: what is settled at the very end of one belongs to it,
/// and not to the next; jobs that are due at the end of a period so belong to that period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Window {
    /// When it began.
    pub from: Time,
    /// Judged jobs that were settled in it.
    pub decided: u64,
    /// Of them, those that violated their deadline: late, dropped, or overdue at the end of the run.
    pub violated: u64,
    /// Of them, those that were dropped.
    pub dropped: u64,
    /// `violated / decided`; missing where nothing is decided.
    pub deadline_violation_rate: Option<f64>,
    /// Energy of the decided jobs as a share of their worst case; missing where that is zero.
    pub normalised_energy: Option<f64>,
    /// Mean DRAM bandwidth that runs were granted in it, judged or not, as a part of the platform's; missing where
    /// they share none.
    pub dram_bandwidth_utilisation: Option<f64>,
    /// Sum over tasks of DLV times sum over tasks of NE, each over the jobs that were settled in the window;
    /// missing where nothing is decided.
    pub ux_cost: Option<f64>,
    /// Predictions of the runs that ended in it; missing where the policy predicts none.
    pub predictions: Option<PredictionSummary>,
}

/// Sums over the jobs of a task that were settled in a window.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    decided: u64,
    violated: u64,
    dropped: u64,
    energy: EnergyTotal,
    worst: EnergyTotal,
}

/// Adds up a run by windows of one length.
#[derive(Clone, Debug)]
pub struct Windows {
    length: u64,
    warm_up: Time,
    tasks: usize,
    /// By window, then by task.
    tallies: Vec<Tally>,
    /// By window.
    memory: Vec<MemoryTally>,
    /// Of the DRAM that runs share; none where they share none.
    bandwidth: Option<Bandwidth>,
    phases: Vec<(Time, usize)>,
    tuning: Vec<TuningWindow>,
    predictions: PredictionWindows,
    end: Time,
}

impl Windows {
    /// Windows of a run that is about to start; a length of zero is taken as a picosecond. Jobs that arrive
    /// before the end of the warm-up are not judged.
    #[must_use]
    pub fn new(system: &System, length: Duration, warm_up: Duration) -> Self {
        Self {
            length: length.picoseconds().max(1),
            warm_up: Time::ZERO.saturating_add(warm_up),
            tasks: system.scenario.tasks.len(),
            tallies: Vec::new(),
            memory: Vec::new(),
            bandwidth: system.platform.shared_dram.map(|dram| dram.bandwidth),
            phases: Vec::new(),
            tuning: Vec::new(),
            predictions: PredictionWindows::default(),
            end: Time::ZERO,
        }
    }

    /// The windows of a run that has ended, up to its last instant.
    #[must_use]
    pub fn windows(&self) -> Vec<Window> {
        let count = usize::try_from(self.end.picoseconds().div_ceil(self.length)).unwrap_or(usize::MAX);
        (0..count).map(|index| self.window(index)).collect()
    }

    /// The phases that began, each with its position among those of the scenario.
    #[must_use]
    pub fn phases(&self) -> &[(Time, usize)] {
        &self.phases
    }

    /// Changes of the policy to its own parameters.
    #[must_use]
    pub fn tuning(&self) -> &[TuningWindow] {
        &self.tuning
    }

    fn window(&self, index: usize) -> Window {
        let from = Time::from_picoseconds((index as u64).saturating_mul(self.length));
        let tallies = self.tallies.get(index * self.tasks..).unwrap_or_default();
        let tallies = &tallies[..self.tasks.min(tallies.len())];
        let all = tallies.iter().fold(Tally::default(), |all, task| Tally {
            decided: all.decided + task.decided,
            violated: all.violated + task.violated,
            dropped: all.dropped + task.dropped,
            energy: all.energy + task.energy,
            worst: all.worst + task.worst,
        });
        Window {
            from,
            decided: all.decided,
            violated: all.violated,
            dropped: all.dropped,
            deadline_violation_rate: (all.decided > 0).then(|| all.violated as f64 / all.decided as f64),
            normalised_energy: normalised_energy(all.energy.picojoules(), all.worst.picojoules()),
            dram_bandwidth_utilisation: self.bandwidth.and_then(|bandwidth| {
                let length = self.length.min(self.end.saturating_since(from).picoseconds());
                let memory = self.memory.get(index).copied().unwrap_or_default();
                memory.utilisation(bandwidth, Duration::from_picoseconds(length))
            }),
            ux_cost: ux_cost(tallies.iter().map(|task| {
                let violation = violation_with_floor(task.violated, task.decided);
                (violation, normalised_energy(task.energy.picojoules(), task.worst.picojoules()))
            })),
            predictions: self.predictions.window(index),
        }
    }

    /// Counts a job where it was settled.
    fn settle(&mut self, over: Time, record: &JobRecord<'_>, violated: bool, dropped: bool) {
        let Job { arrival, deadline, task, .. } = *record.job;
        if arrival < self.warm_up {
            return;
        }
        let at = over.min(deadline).picoseconds();
        let index = usize::try_from(at.saturating_sub(1) / self.length).unwrap_or(usize::MAX);
        let place = index.saturating_mul(self.tasks).saturating_add(task.index());
        if place >= self.tallies.len() {
            self.tallies.resize((index + 1) * self.tasks, Tally::default());
        }
        let tally = &mut self.tallies[place];
        tally.decided += 1;
        tally.violated += u64::from(violated);
        tally.dropped += u64::from(dropped);
        tally.energy += record.spent();
        tally.worst += record.worst_energy;
    }
}

impl Observer for Windows {
    fn wants_memory(&self) -> bool {
        self.bandwidth.is_some()
    }

    fn memory_used(&mut self, from: Time, to: Time, used: MemoryUse) {
        let (mut from, to) = (from.picoseconds(), to.picoseconds());
        while from < to {
            let window = from / self.length;
            let until = (window + 1).saturating_mul(self.length).min(to);
            let index = usize::try_from(window).unwrap_or(usize::MAX);
            if index >= self.memory.len() {
                self.memory.resize(index + 1, MemoryTally::default());
            }
            self.memory[index].add(Duration::from_picoseconds(until - from), used);
            from = until;
        }
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        self.settle(now, record, now > record.job.deadline, false);
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, _cause: DropCause) {
        self.settle(now, record, true, true);
    }

    fn predicted(&mut self, now: Time, prediction: &RunPrediction) {
        self.predictions.predicted(now, prediction);
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        let length = Duration::from_picoseconds(self.length);
        self.predictions.ended(now, record, self.warm_up, length);
    }

    fn phase_changed(&mut self, now: Time, phase: usize) {
        self.phases.push((now, phase));
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        // Of a job that is due after the run the outcome is open.
        if record.job.deadline <= now {
            self.settle(now, record, true, false);
        }
    }

    fn ended(&mut self, now: Time, record: &EndRecord<'_>) {
        self.end = now;
        self.tuning = record.tuning.to_vec();
    }
}
