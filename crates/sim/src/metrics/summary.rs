//! The results of a run, by task, by accelerator and as a whole.
//!
//! The names of the fields are those of the serialised form and of `docs/metrics.md`; units end them.

use rtmm_hardware::{EnergyParts, EnergyTotal};
use rtmm_workload::Duration;
use serde::Serialize;

use crate::metrics::classes::PriorityClass;
use crate::metrics::firm::FirmSummary;
use crate::metrics::power::{PlatformEnergy, UnitPowerSummary};
use crate::metrics::predictions::PredictionSummary;
use crate::metrics::xrbench::XrbenchScores;
use crate::observer::JobRecord;

/// Counts of the judged jobs by their fate: those that arrived at or after the end of the warm-up.
///
/// `released = completed + dropped + in_flight`, `completed = on_time + late` and
/// `in_flight = overdue + undecided`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobCounts {
    /// Judged jobs: the scheduler was shown them, or they failed with what they needed.
    pub released: u64,
    /// Frames that arrived and are no job: the trigger failed, or what they need does not exist.
    pub not_triggered: u64,
    /// Jobs that ended, in time or not.
    pub completed: u64,
    /// Those of them that ended at or before their deadline.
    pub on_time: u64,
    /// Those of them that ended after their deadline.
    pub late: u64,
    /// Jobs that were dropped.
    pub dropped: u64,
    /// Those of them that were dropped because a job was that they needed.
    pub dropped_upstream: u64,
    /// Jobs that were neither complete nor dropped when the run ended.
    pub in_flight: u64,
    /// Those of them whose deadline lay at or before the end: violated.
    pub overdue: u64,
    /// Those of them whose deadline lay beyond the end: their outcome is open, so no rate counts them.
    pub undecided: u64,
}

impl JobCounts {
    /// Jobs of which it is known whether they kept their deadline: `released - undecided`.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.released.saturating_sub(self.undecided)
    }

    /// Jobs that violated their deadline: `late + dropped + overdue`.
    #[must_use]
    pub fn violated(&self) -> u64 {
        self.late + self.dropped + self.overdue
    }

    /// `violated / decided`; none where nothing is decided.
    #[must_use]
    pub fn deadline_violation_rate(&self) -> Option<f64> {
        let decided = self.decided();
        (decided > 0).then(|| self.violated() as f64 / decided as f64)
    }

    /// `on_time / decided`, the complement of the violation rate; none where nothing is decided.
    #[must_use]
    pub fn sla_satisfaction(&self) -> Option<f64> {
        let decided = self.decided();
        (decided > 0).then(|| self.on_time as f64 / decided as f64)
    }

    /// Completed jobs a second of measured time; none without any time.
    #[must_use]
    pub fn throughput_per_s(&self, measured: Duration) -> Option<f64> {
        (!measured.is_zero()).then(|| self.completed as f64 * 1e12 / measured.picoseconds() as f64)
    }
}

impl std::ops::AddAssign for JobCounts {
    fn add_assign(&mut self, other: Self) {
        self.released += other.released;
        self.not_triggered += other.not_triggered;
        self.completed += other.completed;
        self.on_time += other.on_time;
        self.late += other.late;
        self.dropped += other.dropped;
        self.dropped_upstream += other.dropped_upstream;
        self.in_flight += other.in_flight;
        self.overdue += other.overdue;
        self.undecided += other.undecided;
    }
}

/// Where the energy of judged jobs went, in picojoules: all of them, whatever became of them.
///
/// Layers that a job had not completed when the run ended count for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct EnergySummary {
    /// All of it: the sum of the parts.
    pub energy_pj: f64,
    /// Multiply-accumulates and vector operations.
    pub energy_mac_pj: f64,
    /// Buffers beside the processing elements.
    pub energy_l1_pj: f64,
    /// The accelerators' own shared buffers.
    pub energy_l2_pj: f64,
    /// Off-chip memory.
    pub energy_dram_pj: f64,
    /// Static energy: leakage while layers run.
    pub energy_static_pj: f64,
    /// Context switches that the jobs' segments caused.
    pub energy_switch_pj: f64,
    /// Moves of jobs from one accelerator to another.
    pub energy_move_pj: f64,
    /// The number of these moves.
    pub moves: u64,
    /// Time that they took, summed over jobs.
    pub move_ms: f64,
}

impl EnergySummary {
    pub(crate) fn of(spent: &Spent) -> Self {
        let parts = spent.parts.map(EnergyTotal::picojoules);
        Self {
            energy_pj: spent.total().picojoules(),
            energy_mac_pj: parts.mac,
            energy_l1_pj: parts.l1,
            energy_l2_pj: parts.l2,
            energy_dram_pj: parts.dram,
            energy_static_pj: parts.static_energy,
            energy_switch_pj: spent.switches.picojoules(),
            energy_move_pj: spent.moves.picojoules(),
            moves: spent.move_count,
            move_ms: spent.move_time as f64 / 1e9,
        }
    }
}

/// Energy of any number of jobs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    parts: EnergyParts<EnergyTotal>,
    switches: EnergyTotal,
    moves: EnergyTotal,
    move_count: u64,
    /// In picoseconds.
    move_time: u128,
}

impl Spent {
    pub(crate) fn add(&mut self, record: &JobRecord<'_>) {
        self.parts += *record.energy;
        self.switches += record.switch_energy;
        self.moves += record.moves.energy;
        self.move_count += u64::from(record.moves.count);
        self.move_time += u128::from(record.moves.time.picoseconds());
    }

    fn total(&self) -> EnergyTotal {
        self.parts.total() + self.switches + self.moves
    }
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.parts += other.parts;
        self.switches += other.switches;
        self.moves += other.moves;
        self.move_count += other.move_count;
        self.move_time += other.move_time;
    }
}

/// The results of one task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskSummary {
    /// Name of the task.
    pub task: String,
    /// Counts of its jobs by their fate.
    #[serde(flatten)]
    pub jobs: JobCounts,
    /// `(late + dropped + overdue) / (released - undecided)`; missing where nothing is decided.
    pub deadline_violation_rate: Option<f64>,
    /// The same with `1 / (2 decided)` in place of 0: the factor of UXCost.
    pub dlv: Option<f64>,
    /// Completed jobs a second of measured time.
    pub throughput_per_s: Option<f64>,
    /// Completion less arrival, mean over completed jobs; exact.
    pub response_mean_ms: Option<f64>,
    /// Half of the completed jobs took no longer; within 0.1 %.
    pub response_p50_ms: Option<f64>,
    /// 95 of 100 completed jobs took no longer; within 0.1 %.
    pub response_p95_ms: Option<f64>,
    /// 99 of 100 completed jobs took no longer; within 0.1 %.
    pub response_p99_ms: Option<f64>,
    /// The longest of all completed jobs; exact.
    pub response_max_ms: Option<f64>,
    /// Average normalised turnaround time: completion less readiness, over the time that the job takes by itself
    /// on the accelerator that is fastest for it, mean over completed jobs. A job is ready from its arrival on, or
    /// from the end of the last job that it needed where that is later.
    pub antt: Option<f64>,
    /// Sum over completed jobs of the time that each takes by itself, over the sum of their turnarounds; 0 where
    /// jobs are decided and none was completed.
    pub normalised_progress: Option<f64>,
    /// `max(0, completion - deadline)`, mean over completed jobs.
    pub tardiness_mean_ms: Option<f64>,
    /// The greatest of all completed jobs.
    pub tardiness_max_ms: Option<f64>,
    /// Energy of its jobs.
    #[serde(flatten)]
    pub energy: EnergySummary,
    /// Energy of decided jobs, context switches included, as a share of their worst-case energy: that
    /// of whole models with each layer where it costs most. Missing where that is zero.
    pub normalised_energy: Option<f64>,
    /// Mean accuracy of the model, or of the exit, that completed jobs ended with, over those of
    /// which it is known; a fraction.
    pub accuracy_mean: Option<f64>,
    /// Jobs of a segment at its dispatch, mean over the segments that its jobs were in in the measured time; missing where no
    /// accelerator runs batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_mean: Option<f64>,
    /// Deadlines of consecutive jobs; missing where no `firm_window` asks for them.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub firm: Option<FirmSummary>,
    /// XRBench scores; missing where no job counts.
    pub xrbench: Option<XrbenchScores>,
}

/// The results of all jobs of one priority.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PrioritySummary {
    /// The priority: larger is more important.
    pub priority: i32,
    /// Counts of its jobs by their fate.
    #[serde(flatten)]
    pub jobs: JobCounts,
    /// `(late + dropped + overdue) / (released - undecided)`; missing where nothing is decided.
    pub deadline_violation_rate: Option<f64>,
    /// Average normalised turnaround time of its completed jobs.
    pub antt: Option<f64>,
}

/// The results of all jobs of a class of priorities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PriorityClassSummary {
    /// Which class.
    pub class: PriorityClass,
    /// Counts of its jobs by their fate.
    #[serde(flatten)]
    pub jobs: JobCounts,
    /// `(late + dropped + overdue) / (released - undecided)`; missing where nothing is decided.
    pub deadline_violation_rate: Option<f64>,
    /// `on_time / (released - undecided)`; missing where nothing is decided.
    pub sla_satisfaction: Option<f64>,
    /// Average normalised turnaround time of its completed jobs.
    pub antt: Option<f64>,
}

/// The results of one accelerator, over the measured time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AcceleratorSummary {
    /// Name of the accelerator.
    pub accelerator: String,
    /// `busy_ms / measured_ms`; missing without measured time.
    pub utilisation: Option<f64>,
    /// Time in segments, from dispatch to end: decision time and context switches are part of it.
    /// A segment that began before is counted from the end of the warm-up on.
    pub busy_ms: f64,
    /// Segments that were dispatched in the measured time.
    pub segments: u64,
    /// Those of them before which it ran another model.
    pub context_switches: u64,
    /// Those of them before which it ran another job; the first of all is none.
    pub job_switches: u64,
    /// Their energy, context switches included, in picojoules, whosever jobs they belong to.
    pub segment_energy_pj: f64,
    /// Jobs of a segment at its dispatch, mean over `segments`; missing where no accelerator runs batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_mean: Option<f64>,
    /// Power that it drew beside its work; missing where the platform does not state it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<UnitPowerSummary>,
}

/// The results of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Jobs that arrived before were not judged.
    pub warm_up_ms: f64,
    /// The last instant of the run.
    pub end_ms: f64,
    /// `end_ms - warm_up_ms`.
    pub measured_ms: f64,
    /// From the start of the run to the last completion, of whatever job; missing where nothing
    /// was completed.
    pub makespan_ms: Option<f64>,
    /// Decisions that the policy took, over the whole run.
    pub decisions: u64,
    /// Number of times that the policy was asked, over the whole run.
    pub rounds: u64,
    /// Time that the scheduler spent on decisions, over the whole run.
    pub scheduler_busy_ms: f64,
    /// Counts of all jobs by their fate.
    #[serde(flatten)]
    pub jobs: JobCounts,
    /// Over all jobs: a task weighs as much as it has decided jobs.
    pub deadline_violation_rate: Option<f64>,
    /// `on_time / (released - undecided)`: the share of jobs that keep their service level.
    pub sla_satisfaction: Option<f64>,
    /// Mean of the tasks' rates over those that have one: each weighs the same.
    pub mean_deadline_violation_rate: Option<f64>,
    /// Completed jobs a second of measured time.
    pub throughput_per_s: Option<f64>,
    /// Average normalised turnaround time, mean over all completed jobs.
    pub antt: Option<f64>,
    /// 99 of 100 completed jobs had no longer a normalised turnaround time; within 0.1 %.
    pub normalised_turnaround_p99: Option<f64>,
    /// System throughput: completed jobs a second from the first arrival to the last completion.
    pub stp: Option<f64>,
    /// System throughput as a sum of normalised progress over networks: the number of networks where each goes on
    /// as if alone.
    pub stp_normalised: Option<f64>,
    /// The least ratio of two networks' normalised progress, each over the mean of its jobs' priorities plus one.
    pub fairness_min_ratio: Option<f64>,
    /// Jain's index of the tasks' normalised progress.
    pub fairness_jain: Option<f64>,
    /// Energy of all jobs.
    #[serde(flatten)]
    pub energy: EnergySummary,
    /// Of all decided jobs together.
    pub normalised_energy: Option<f64>,
    /// Energy of the segments that were dispatched in the measured time, over that time.
    pub mean_power_w: Option<f64>,
    /// Energy of the whole platform, that of its work included; missing where the platform states no power.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformEnergy>,
    /// Mean DRAM bandwidth that runs were granted in the measured time, as a part of the platform's; missing where they
    /// share none.
    pub dram_bandwidth_utilisation: Option<f64>,
    /// Time in which runs were granted less shared memory bandwidth than they could use, summed over runs; missing
    /// where they share none.
    pub throttled_ms: Option<f64>,
    /// Sum over tasks of `dlv` times sum over tasks of `normalised_energy`.
    pub ux_cost: Option<f64>,
    /// The first factor of `ux_cost`.
    pub dlv_sum: Option<f64>,
    /// The second factor of `ux_cost`.
    pub normalised_energy_sum: Option<f64>,
    /// Mean accuracy that completed jobs of all tasks delivered, over those of which it is known; a fraction.
    pub accuracy: Option<f64>,
    /// 100 times the mean of the tasks' `task_score`.
    pub xrbench_score_percent: Option<f64>,
    /// One a task, in the order of the scenario.
    pub tasks: Vec<TaskSummary>,
    /// One a priority, the least first.
    pub priorities: Vec<PrioritySummary>,
    /// The classes low, mid and high.
    pub priority_classes: Vec<PriorityClassSummary>,
    /// One an accelerator, in the order of the platform.
    pub accelerators: Vec<AcceleratorSummary>,
    /// The worst of the tasks' deadlines of consecutive jobs; missing where no `firm_window` asks for them.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub firm: Option<FirmSummary>,
    /// Jobs of a segment at its dispatch, mean over the segments of all accelerators; missing where none runs batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_mean: Option<f64>,
    /// Predictions of the ends of runs; missing where the policy predicts none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predictions: Option<PredictionSummary>,
}
