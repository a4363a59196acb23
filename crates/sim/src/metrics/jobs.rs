//! A row for every job.
//!
//! Memory follows the number of live jobs: a row is handed out when its job is over, and forgotten.

use rtmm_hardware::{AcceleratorId, Energy, EnergyParts};
use rtmm_scheduler::{Job, Run};
use rtmm_workload::{ModelId, TaskId, Time};
use serde::Serialize;

use crate::observer::{DropCause, JobMoves, JobRecord, Observer, SegmentRecord};

/// Status of a job at its end, or at the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// It was completed, in time or not.
    Completed,
    /// The policy dropped it.
    Dropped,
    /// It was dropped because a job that it needed was.
    DroppedUpstream,
    /// It was live when the run ended.
    InFlight,
}

/// A job that is over, or was in flight at the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct JobRow {
    /// Its task.
    pub task: TaskId,
    /// Which frame of the task.
    pub frame: u64,
    /// When the frame arrived, nominally.
    pub arrival: Time,
    /// When the scheduler could first see the job.
    pub release: Time,
    /// When it should have been complete.
    pub deadline: Time,
    /// When it was first dispatched; none if it never was.
    pub start: Option<Time>,
    /// When it was completed or dropped, or when the run ended.
    pub end: Time,
    /// Its status at that time.
    pub status: JobStatus,
    /// The model that it ran as; the task's default if it was never dispatched.
    pub model: ModelId,
    /// Energy of its layers, by component.
    pub energy: EnergyParts<Energy>,
    /// Energy of the context switches and migrations of its runs, in picojoules.
    pub switch_energy: Energy,
    /// Its moves from one accelerator to another.
    pub moves: JobMoves,
    /// Segments that it ran in.
    pub segments: u32,
    /// Number of them that found another model on the accelerator.
    pub context_switches: u32,
    /// Where its last segment ran; none without any.
    pub accelerator: Option<AcceleratorId>,
    /// Jobs of the segment that it began in, itself one of them: its batch. None without any segment.
    pub batch: Option<u32>,
}

impl JobRow {
    /// True if it is known, or will be, to violate its deadline: dropped, or not complete by then.
    /// None for a job in flight whose deadline lies beyond the end of the run.
    #[must_use]
    pub fn is_violated(&self) -> Option<bool> {
        match self.status {
            JobStatus::Completed => Some(self.end > self.deadline),
            JobStatus::Dropped | JobStatus::DroppedUpstream => Some(true),
            JobStatus::InFlight => (self.deadline <= self.end).then_some(true),
        }
    }
}

/// Calls `write` with a row for every job, in the order in which jobs end; those in flight last, in
/// the order of release. All jobs have one, also those that arrive in a warm-up.
#[derive(Clone, Debug)]
pub struct JobRows<W> {
    write: W,
    /// By slot of the job.
    live: Vec<Live>,
}

/// Facts of a job that its record at the end lacks.
#[derive(Clone, Copy, Debug, Default)]
struct Live {
    start: Option<Time>,
    segments: u32,
    context_switches: u32,
    accelerator: Option<AcceleratorId>,
    batch: Option<u32>,
}

impl<W: FnMut(&JobRow)> JobRows<W> {
    /// Rows for `write`.
    pub fn new(write: W) -> Self {
        Self { write, live: Vec::new() }
    }

    /// Gives back what took the rows.
    pub fn into_inner(self) -> W {
        self.write
    }

    fn of(&mut self, job: &Job) -> &mut Live {
        let slot = job.id.slot();
        if slot >= self.live.len() {
            self.live.resize(slot + 1, Live::default());
        }
        &mut self.live[slot]
    }

    fn row(&mut self, end: Time, record: &JobRecord<'_>, status: JobStatus) {
        let JobRecord { job, energy, switch_energy, moves, .. } = *record;
        let live = std::mem::take(self.of(job));
        (self.write)(&JobRow {
            task: job.task,
            frame: job.frame,
            arrival: job.arrival,
            release: job.release,
            deadline: job.deadline,
            start: live.start,
            end,
            status,
            model: job.model,
            energy: *energy,
            switch_energy,
            moves,
            segments: live.segments,
            context_switches: live.context_switches,
            accelerator: live.accelerator,
            batch: live.batch,
        });
    }
}

impl<W: FnMut(&JobRow)> Observer for JobRows<W> {
    fn released(&mut self, _now: Time, job: &Job) {
        *self.of(job) = Live::default();
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        let live = self.of(job);
        live.start = live.start.or(Some(now));
        live.batch = live.batch.or(Some(run.jobs.count()));
        live.segments += 1;
        live.accelerator = Some(run.accelerator);
    }

    fn joined(&mut self, now: Time, run: &Run, job: &Job) {
        self.dispatched(now, run, job);
    }

    fn left(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.segment_ended(now, record);
    }

    fn segment_ended(&mut self, _now: Time, record: &SegmentRecord<'_>) {
        self.of(record.job).context_switches += u32::from(record.switched);
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        self.row(now, record, JobStatus::Completed);
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        let status = match cause {
            DropCause::Policy => JobStatus::Dropped,
            DropCause::Upstream => JobStatus::DroppedUpstream,
        };
        self.row(now, record, status);
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        self.row(now, record, JobStatus::InFlight);
    }
}
