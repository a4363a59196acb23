//! The running sums of one task.

use rtmm_hardware::EnergyTotal;
use rtmm_scheduler::Job;
use rtmm_workload::{Duration, Time};

use crate::metrics::accelerator::mean_batch;
use crate::metrics::firm::FirmTally;
use crate::metrics::histogram::Histogram;
use crate::metrics::progress::Progress;
use crate::metrics::summary::{EnergySummary, JobCounts, Spent, TaskSummary};
use crate::metrics::uxcost::{normalised_energy, violation_with_floor};
use crate::metrics::xrbench::{Tally, XrbenchConstants};
use crate::observer::{DropCause, JobRecord};

/// The turnaround of a completed job, from when it had its inputs, over its isolated latency; none for one that
/// takes no time.
pub(crate) fn normalised_turnaround(now: Time, record: &JobRecord<'_>) -> Option<f64> {
    let isolated = record.isolated.picoseconds();
    let turnaround = now.saturating_since(record.ready).picoseconds();
    (isolated > 0).then(|| turnaround as f64 / isolated as f64)
}

/// A mean of normalised turnaround times; jobs that take no time have none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turnaround {
    sum: f64,
    jobs: u64,
}

impl Turnaround {
    pub(crate) fn add(&mut self, turnaround: Option<f64>) {
        self.sum += turnaround.unwrap_or(0.0);
        self.jobs += u64::from(turnaround.is_some());
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        (self.jobs > 0).then(|| self.sum / self.jobs as f64)
    }
}

impl std::ops::AddAssign for Turnaround {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.jobs += other.jobs;
    }
}

/// Sums over the judged jobs of a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskTally {
    counts: JobCounts,
    response: Histogram,
    /// Over completed jobs, in picoseconds.
    tardiness: u128,
    tardiness_max: Duration,
    energy: Spent,
    /// Of decided jobs alone: spent, and at worst.
    decided_energy: EnergyTotal,
    decided_worst: EnergyTotal,
    /// Over completed jobs whose accuracy is known.
    accuracy: f64,
    accurate: u64,
    scores: Tally,
    /// Over completed jobs.
    turnaround: Turnaround,
    progress: Progress,
    /// Segments that its jobs were in, and the jobs that these had at their dispatch, where accelerators run batches.
    batches: (u64, u64),
    firm: FirmTally,
}

impl TaskTally {
    pub(crate) fn new(firm: FirmTally) -> Self {
        Self { firm, ..Self::default() }
    }

    pub(crate) fn not_triggered(&mut self) {
        self.counts.not_triggered += 1;
    }

    pub(crate) fn released(&mut self) {
        self.counts.released += 1;
    }

    /// Counts a segment of so many jobs that one of its jobs is in.
    pub(crate) fn dispatched(&mut self, jobs: u32) {
        self.batches = (self.batches.0 + 1, self.batches.1 + u64::from(jobs));
    }

    pub(crate) fn completed(&mut self, now: Time, record: &JobRecord<'_>, constants: &XrbenchConstants) {
        let Job { arrival, deadline, .. } = *record.job;
        self.counts.completed += 1;
        if now > deadline {
            self.counts.late += 1;
        } else {
            self.counts.on_time += 1;
        }
        self.firm.decide(record.job.frame, now <= deadline);
        self.response.record(now.saturating_since(arrival));
        self.turnaround.add(normalised_turnaround(now, record));
        self.progress.complete(now, record);
        let tardiness = now.saturating_since(deadline);
        self.tardiness += u128::from(tardiness.picoseconds());
        self.tardiness_max = self.tardiness_max.max(tardiness);
        if let Some(accuracy) = record.accuracy {
            self.accuracy += accuracy;
            self.accurate += 1;
        }
        let spent = record.spent().picojoules();
        self.scores.complete(
            constants.real_time_score(now, deadline),
            constants.energy_score(spent),
            constants.accuracy_score(record.accuracy),
        );
        self.spend(record, true);
    }

    pub(crate) fn dropped(&mut self, record: &JobRecord<'_>, cause: DropCause) {
        self.counts.dropped += 1;
        self.counts.dropped_upstream += u64::from(cause == DropCause::Upstream);
        self.firm.decide(record.job.frame, false);
        self.spend(record, true);
    }

    pub(crate) fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        self.counts.in_flight += 1;
        let is_overdue = record.job.deadline <= now;
        if is_overdue {
            self.counts.overdue += 1;
            self.firm.decide(record.job.frame, false);
        } else {
            self.counts.undecided += 1;
        }
        self.spend(record, is_overdue);
    }

    fn spend(&mut self, record: &JobRecord<'_>, is_decided: bool) {
        self.energy.add(record);
        if is_decided {
            self.progress.decide(record.job.priority);
            self.decided_energy += record.spent();
            self.decided_worst += record.worst_energy;
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// Energy of decided jobs, spent and at worst.
    pub(crate) fn decided_energy(&self) -> (EnergyTotal, EnergyTotal) {
        (self.decided_energy, self.decided_worst)
    }

    /// Energy of all of them.
    pub(crate) fn energy(&self) -> Spent {
        self.energy
    }

    /// Of completed jobs: the sum of known accuracies, and how many there are.
    pub(crate) fn accuracies(&self) -> (f64, u64) {
        (self.accuracy, self.accurate)
    }

    pub(crate) fn summary(
        &self,
        task: &str,
        measured: Duration,
        constants: &XrbenchConstants,
    ) -> TaskSummary {
        let counts = self.counts;
        let of_completed = |sum: f64| (counts.completed > 0).then(|| sum / counts.completed as f64);
        let percentile = |per_mille| self.response.percentile(per_mille).map(Duration::milliseconds);
        TaskSummary {
            task: task.to_owned(),
            jobs: counts,
            deadline_violation_rate: counts.deadline_violation_rate(),
            dlv: violation_with_floor(counts.violated(), counts.decided()),
            throughput_per_s: counts.throughput_per_s(measured),
            response_mean_ms: self.response.mean_ms(),
            response_p50_ms: percentile(500),
            response_p95_ms: percentile(950),
            response_p99_ms: percentile(990),
            response_max_ms: self.response.max().map(Duration::milliseconds),
            antt: self.turnaround.mean(),
            normalised_progress: self.progress.value(),
            tardiness_mean_ms: of_completed(self.tardiness as f64 / 1e9),
            tardiness_max_ms: (counts.completed > 0).then(|| self.tardiness_max.milliseconds()),
            energy: EnergySummary::of(&self.energy),
            normalised_energy: normalised_energy(
                self.decided_energy.picojoules(),
                self.decided_worst.picojoules(),
            ),
            accuracy_mean: (self.accurate > 0).then(|| self.accuracy / self.accurate as f64),
            batch_mean: mean_batch(self.batches),
            firm: self.firm.summary(),
            xrbench: self.scores.scores(constants, counts.dropped, counts.overdue),
        }
    }
}
