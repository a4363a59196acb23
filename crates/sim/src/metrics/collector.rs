//! The observer that adds up.
//!
//! Memory is bounded for each task and each accelerator. Once warm no call allocates: only response times
//! beyond a factor of two of all before do, at most 30 times a task.

use rtmm_hardware::{Bandwidth, EnergyTotal, UnitSet};
use rtmm_scheduler::{Job, Run, RunPrediction};
use rtmm_workload::{Duration, ModelId, TaskId, Time};

use crate::execution::MemoryUse;
use crate::metrics::accelerator::{AcceleratorTally, Began, mean_batch};
use crate::metrics::firm::{FirmSummary, FirmTally};
use crate::metrics::histogram::Histogram;
use crate::metrics::memory::MemoryTally;
use crate::metrics::options::MetricsOptions;
use crate::metrics::power::PowerTally;
use crate::metrics::predictions::PredictionTally;
use crate::metrics::priority::PriorityTallies;
use crate::metrics::progress::{by_network, fairness_min_ratio, jain_index, system_throughput};
use crate::metrics::summary::{AcceleratorSummary, EnergySummary, JobCounts, Spent, Summary, TaskSummary};
use crate::metrics::task::{TaskTally, Turnaround, normalised_turnaround};
use crate::metrics::uxcost::{normalised_energy, ux_cost_factors};
use crate::metrics::xrbench::overall_percent;
use crate::observer::{DropCause, EndRecord, JobRecord, Observer, PowerEvent, ResizeRecord, SegmentRecord};
use crate::system::System;

/// Adds up a run, in memory that does not depend on its length.
///
/// Jobs that arrive at or after the end of the warm-up are *judged*; the others leave no trace in any
/// count, time, energy or score of jobs. Accelerators are watched from the end of the warm-up to the
/// end of the run: the *measured time*.
#[derive(Clone, Debug)]
pub struct Metrics {
    options: MetricsOptions,
    task_names: Vec<String>,
    /// By task: the network that it names. Variants of a supernet count under it.
    networks: Vec<ModelId>,
    accelerator_names: Vec<String>,
    tasks: Vec<TaskTally>,
    accelerators: Vec<AcceleratorTally>,
    /// By slot of runs.
    began: Vec<Began>,
    last_completion: Option<Time>,
    priorities: PriorityTallies,
    /// Normalised turnaround times of completed jobs, one counted as a millisecond.
    turnaround: Histogram,
    turnaround_mean: Turnaround,
    /// The first arrival and the last completion of judged jobs.
    first_arrival: Option<Time>,
    last_judged_completion: Time,
    scheduler_busy: Duration,
    end: Time,
    decisions: u64,
    rounds: u64,
    memory: MemoryTally,
    /// None on a platform that states no power.
    power: Option<PowerTally>,
    /// Of the DRAM that runs share; none where they share none.
    bandwidth: Option<Bandwidth>,
    /// True if runs share memory, be it a cache alone.
    shares: bool,
    /// None as long as the policy has predicted nothing.
    predictions: Option<PredictionTally>,
}

impl Metrics {
    /// Metrics of a run that is about to start.
    #[must_use]
    pub fn new(system: &System, options: MetricsOptions) -> Self {
        let (tasks, accelerators) = (&system.scenario.tasks, &system.platform.accelerators);
        Self {
            options,
            task_names: tasks.iter().map(|task| task.name.clone()).collect(),
            networks: tasks.iter().map(|task| task.model).collect(),
            accelerator_names: accelerators.iter().map(|accelerator| accelerator.name.clone()).collect(),
            tasks: vec![TaskTally::new(FirmTally::new(options.firm_window)); tasks.len()],
            accelerators: (accelerators.iter())
                .map(|one| AcceleratorTally::new(one.units(), system.platform.has_batches()))
                .collect(),
            began: vec![Began::default(); accelerators.iter().map(|one| one.units() as usize).sum()],
            last_completion: None,
            priorities: PriorityTallies::default(),
            turnaround: Histogram::default(),
            turnaround_mean: Turnaround::default(),
            first_arrival: None,
            last_judged_completion: Time::ZERO,
            scheduler_busy: Duration::ZERO,
            end: Time::ZERO,
            decisions: 0,
            rounds: 0,
            memory: MemoryTally::default(),
            power: PowerTally::new(&system.platform, Time::ZERO.saturating_add(options.warm_up)),
            bandwidth: system.platform.shared_dram.map(|dram| dram.bandwidth),
            shares: system.platform.shared_dram.is_some() || system.platform.shared_cache.is_some(),
            predictions: None,
        }
    }

    /// The end of the warm-up.
    fn from(&self) -> Time {
        Time::ZERO.saturating_add(self.options.warm_up)
    }

    /// The sums of a judged job's task.
    fn judged(&mut self, job: &Job) -> Option<&mut TaskTally> {
        (job.arrival >= self.from()).then(|| &mut self.tasks[job.task.index()])
    }

    /// The results. Of a run that has not ended, measured time and all that refers to it are missing.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let measured = self.end.saturating_since(self.from());
        let xrbench = &self.options.xrbench;
        let tasks: Vec<TaskSummary> = self
            .tasks
            .iter()
            .zip(&self.task_names)
            .map(|(task, name)| task.summary(name, measured, xrbench))
            .collect();
        let mut jobs = JobCounts::default();
        tasks.iter().for_each(|task| jobs += task.jobs);
        let mut energy = Spent::default();
        self.tasks.iter().for_each(|task| energy += task.energy());
        let (spent, worst) = self
            .tasks
            .iter()
            .map(TaskTally::decided_energy)
            .fold(Default::default(), |sum: (EnergyTotal, EnergyTotal), of| (sum.0 + of.0, sum.1 + of.1));
        let (accuracy, accurate) = self
            .tasks
            .iter()
            .map(TaskTally::accuracies)
            .fold((0.0, 0), |sum, of_task| (sum.0 + of_task.0, sum.1 + of_task.1));
        let (dlv_sum, normalised_energy_sum) =
            ux_cost_factors(tasks.iter().map(|task| (task.dlv, task.normalised_energy)));
        let networks =
            by_network(self.networks.iter().copied().zip(self.tasks.iter().map(TaskTally::progress)));
        let of_segments =
            self.accelerators.iter().fold(EnergyTotal::default(), |sum, one| sum + one.energy());
        Summary {
            warm_up_ms: self.options.warm_up.milliseconds(),
            end_ms: self.end.saturating_since(Time::ZERO).milliseconds(),
            measured_ms: measured.milliseconds(),
            makespan_ms: self.last_completion.map(|at| at.saturating_since(Time::ZERO).milliseconds()),
            decisions: self.decisions,
            rounds: self.rounds,
            scheduler_busy_ms: self.scheduler_busy.milliseconds(),
            jobs,
            deadline_violation_rate: jobs.deadline_violation_rate(),
            sla_satisfaction: jobs.sla_satisfaction(),
            mean_deadline_violation_rate: mean(tasks.iter().filter_map(|task| task.deadline_violation_rate)),
            throughput_per_s: jobs.throughput_per_s(measured),
            antt: self.turnaround_mean.mean(),
            normalised_turnaround_p99: self.turnaround.percentile(990).map(Duration::milliseconds),
            stp: self
                .first_arrival
                .and_then(|first| jobs.throughput_per_s(self.last_judged_completion.saturating_since(first))),
            stp_normalised: system_throughput(&networks),
            fairness_min_ratio: fairness_min_ratio(&networks),
            fairness_jain: jain_index(tasks.iter().filter_map(|task| task.normalised_progress)),
            energy: EnergySummary::of(&energy),
            normalised_energy: normalised_energy(spent.picojoules(), worst.picojoules()),
            // Picojoules a picosecond are watts.
            mean_power_w: (!measured.is_zero())
                .then(|| of_segments.picojoules() / measured.picoseconds() as f64),
            dram_bandwidth_utilisation: self
                .bandwidth
                .and_then(|bandwidth| self.memory.utilisation(bandwidth, measured)),
            throttled_ms: self.shares.then(|| self.memory.throttled_ms()),
            ux_cost: dlv_sum.zip(normalised_energy_sum).map(|(dlv, energy)| dlv * energy),
            dlv_sum,
            normalised_energy_sum,
            accuracy: (accurate > 0).then(|| accuracy / accurate as f64),
            xrbench_score_percent: overall_percent(tasks.iter().map(|task| task.xrbench)),
            priorities: self.priorities.summaries(),
            priority_classes: self.priorities.summaries_of_classes(self.options.priority_classes),
            platform: self.power.as_ref().map(|power| power.summary(of_segments)),
            accelerators: (self.accelerators.iter().zip(&self.accelerator_names).enumerate())
                .map(|(index, (accelerator, name))| AcceleratorSummary {
                    power: self.power.as_ref().and_then(|power| power.of_accelerator(index)),
                    ..accelerator.summary(name, measured)
                })
                .collect(),
            firm: tasks.iter().filter_map(|task| task.firm).reduce(FirmSummary::worse),
            tasks,
            batch_mean: (self.accelerators.iter().filter_map(AcceleratorTally::batches))
                .reduce(|sum, of| (sum.0 + of.0, sum.1 + of.1))
                .and_then(mean_batch),
            predictions: self.predictions.as_ref().map(PredictionTally::summary),
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

impl Observer for Metrics {
    fn not_triggered(&mut self, _now: Time, task: TaskId, arrival: Time) {
        if arrival >= self.from() {
            self.tasks[task.index()].not_triggered();
        }
    }

    fn released(&mut self, _now: Time, job: &Job) {
        if let Some(task) = self.judged(job) {
            task.released();
            self.priorities.released(job.priority);
            self.first_arrival = Some(self.first_arrival.map_or(job.arrival, |first| first.min(job.arrival)));
        }
    }

    #[inline(always)]
    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        // Of an accelerator with one unit nothing has to be counted.
        let units = self.accelerators[run.accelerator.index()].units();
        let held = if units == 1 { 1 } else { run.units.count() };
        let from = self.from();
        if self.accelerators[run.accelerator.index()].dispatched(run, from) {
            self.tasks[job.task.index()].dispatched(run.jobs.count());
        }
        self.began[run.id.slot()] = Began::new(now, held, job.energy);
        if let Some(power) = &mut self.power {
            power.held(now, run.accelerator, true);
        }
    }

    fn joined(&mut self, _now: Time, run: &Run, job: &Job) {
        if run.dispatched >= self.from() {
            self.tasks[job.task.index()].dispatched(run.jobs.count());
        }
    }

    fn predicted(&mut self, now: Time, prediction: &RunPrediction) {
        self.predictions.get_or_insert_default().predicted(now, prediction);
    }

    fn left(&mut self, _now: Time, record: &SegmentRecord<'_>) {
        let (from, accelerator) = (self.from(), record.run.accelerator);
        self.accelerators[accelerator.index()].left(record, from);
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        let (from, Run { id, accelerator, .. }) = (self.from(), record.run);
        self.accelerators[accelerator.index()].ended(now, record, &mut self.began[id.slot()], from);
        if let Some(power) = &mut self.power {
            power.held(now, *accelerator, false);
        }
        if let Some(predictions) = &mut self.predictions {
            predictions.ended(now, record, from);
        }
    }

    fn units_reserved(&mut self, now: Time, run: &Run, _before: UnitSet) {
        let (from, began) = (self.from(), &mut self.began[run.id.slot()]);
        self.accelerators[run.accelerator.index()].count_busy(now, began, run.units.count(), from);
    }

    fn resized(&mut self, now: Time, record: &ResizeRecord<'_>) {
        self.units_reserved(now, record.run, record.before);
    }

    fn power_changed(&mut self, now: Time, event: PowerEvent) {
        if let Some(power) = &mut self.power {
            power.changed(now, event);
        }
    }

    fn wants_memory(&self) -> bool {
        self.shares
    }

    fn memory_used(&mut self, from: Time, to: Time, used: MemoryUse) {
        self.memory.add_since(self.from(), from, to, used);
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        self.last_completion = Some(now);
        let constants = self.options.xrbench;
        if let Some(task) = self.judged(record.job) {
            task.completed(now, record, &constants);
            self.priorities.completed(now, record);
            self.last_judged_completion = now;
            let turnaround = normalised_turnaround(now, record);
            self.turnaround_mean.add(turnaround);
            if let Some(turnaround) = turnaround {
                self.turnaround.record(Duration::from_picoseconds((turnaround * 1e9) as u64));
            }
        }
    }

    fn dropped(&mut self, _now: Time, record: &JobRecord<'_>, cause: DropCause) {
        if let Some(task) = self.judged(record.job) {
            task.dropped(record, cause);
            self.priorities.dropped(record, cause);
        }
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        if let Some(task) = self.judged(record.job) {
            task.in_flight(now, record);
            self.priorities.in_flight(now, record);
        }
    }

    fn ended(&mut self, now: Time, record: &EndRecord<'_>) {
        self.end = now;
        (self.decisions, self.rounds) = (record.decisions, record.rounds);
        self.scheduler_busy = record.scheduler_busy;
        if let Some(power) = &mut self.power {
            power.ended(now);
        }
    }
}
