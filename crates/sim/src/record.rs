//! Run records: all that observers are told of a run, kept in order.
//!
//! A [`RunRecord`] is an observer that keeps what it is told. When the run is over, whatever observes runs
//! can read the record instead: [`RunRecord::replay`] tells it the same, in the same order. So rows of jobs,
//! the audit and timelines are made from one record, without simulating again. A run that is not recorded
//! pays nothing for it.
//!
//! Memory grows with the run: about 300 bytes a segment, 500 a job and 100 a layer. For sums over long runs
//! use [`crate::Metrics`], whose memory is bounded.

use rtmm_hardware::{Energy, EnergyParts, UnitSet};
use rtmm_scheduler::{Job, Preemption, Progress, Run, RunPrediction, TuningWindow};
use rtmm_workload::{Duration, TaskId, Time};

use crate::execution::MemoryUse;
use crate::metrics::{Audit, JobRow, JobRows};
use crate::observer::{
    ContextSwitchRecord, DropCause, EndRecord, JobMoves, JobRecord, LayerRecord, MoveRecord, Observer,
    PowerEvent, ResizeRecord, SegmentRecord,
};
use crate::system::System;

/// Events of a run, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRecord {
    entries: Vec<RecordEntry>,
}

/// Something that happened, with its instant.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordEntry {
    /// When it was told. Layers carry instants of their own, which may be earlier.
    pub at: Time,
    /// The event.
    pub event: RecordedEvent,
}

/// Events of a run: the calls of [`Observer`], with owned values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecordedEvent {
    /// A frame is no job.
    NotTriggered {
        /// Its task.
        task: TaskId,
        /// When it arrived.
        arrival: Time,
    },
    /// The scheduler sees a job for the first time.
    Released(Job),
    /// A segment was dispatched.
    Dispatched {
        /// The run.
        run: Run,
        /// Its job.
        job: Job,
    },
    /// A further job of the batch that was dispatched.
    Joined {
        /// The run.
        run: Run,
        /// The job.
        job: Job,
    },
    /// The policy has predicted the end of a run.
    Predicted(RunPrediction),
    /// A dispatch pays for a context switch.
    ContextSwitched {
        /// The run.
        run: Run,
        /// Cost of the switch.
        switch: ContextSwitchRecord,
    },
    /// A job that is about to be dispatched pays for the move of its activations.
    Moved(MoveRecord),
    /// A run holds more units.
    UnitsReserved {
        /// The run with the units that it holds from now on.
        run: Run,
        /// Those that it held before.
        before: UnitSet,
    },
    /// A run goes on with another number of units.
    Resized {
        /// The run as it goes on.
        run: Run,
        /// The units that it held before.
        before: UnitSet,
        /// Progress of its job.
        to: Progress,
    },
    /// A run has another share of the shared memory bandwidth.
    ShareSet(Run),
    /// A layer is complete.
    LayerCompleted(LayerRecord),
    /// A job leaves its batch.
    Left {
        /// The run as it goes on.
        run: Run,
        /// The job.
        job: Job,
        /// Where the job goes on.
        to: Progress,
        /// True if a context switch preceded the run.
        switched: bool,
        /// The mode in which it was preempted inside a layer.
        stopped: Option<Preemption>,
    },
    /// A segment is over.
    SegmentEnded {
        /// The run that it was.
        run: Run,
        /// Its job.
        job: Job,
        /// Where the job goes on.
        to: Progress,
        /// True if a context switch preceded it.
        switched: bool,
        /// The mode in which it was preempted inside a layer.
        stopped: Option<Preemption>,
    },
    /// A job is complete.
    Completed(RecordedJob),
    /// A job was dropped.
    Dropped(RecordedJob, DropCause),
    /// A job was not over when the run ended.
    InFlight(RecordedJob),
    /// An operating point changes, or an accelerator is gated or wakes.
    PowerChanged(PowerEvent),
    /// A phase of the scenario began.
    PhaseChanged(usize),
    /// Use of the memory that runs share, over a time without changes that ends now.
    MemoryUsed {
        /// Start of that time.
        from: Time,
        /// Bandwidth that was granted and demanded.
        used: MemoryUse,
    },
    /// The run is over.
    Ended(RecordedEnd),
}

/// A job that is over: [`JobRecord`] with owned values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordedJob {
    /// The job.
    pub job: Job,
    /// Its arrival, or the end of the last job that it needed where that is later.
    pub ready: Time,
    /// Energy of its layers, by component.
    pub energy: EnergyParts<Energy>,
    /// Energy of the context switches and migrations of its runs, in picojoules.
    pub switch_energy: Energy,
    /// Its moves from one accelerator to another.
    pub moves: JobMoves,
    /// The accuracy of its answer.
    pub accuracy: Option<f64>,
    /// The energy of its model had each layer run where it costs most.
    pub worst_energy: Energy,
    /// Its latency by itself, on the accelerator that is fastest for it.
    pub isolated: Duration,
}

/// The end of a run: [`EndRecord`] with owned values.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEnd {
    /// By accelerator: time in segments, in the mean over its units.
    pub accelerators_busy: Vec<Duration>,
    /// Decisions that the policy took.
    pub decisions: u64,
    /// Number of times that the policy was asked.
    pub rounds: u64,
    /// Time that the scheduler spent on decisions.
    pub scheduler_busy: Duration,
    /// Changes of the policy to its own parameters.
    pub tuning: Vec<TuningWindow>,
}

impl RecordedJob {
    fn new(record: &JobRecord<'_>) -> Self {
        let JobRecord { job, ready, energy, switch_energy, moves, accuracy, worst_energy, isolated } =
            *record;
        Self { job: *job, ready, energy: *energy, switch_energy, moves, accuracy, worst_energy, isolated }
    }

    fn as_record(&self) -> JobRecord<'_> {
        let Self { ref job, ready, ref energy, switch_energy, moves, accuracy, worst_energy, isolated } =
            *self;
        JobRecord { job, ready, energy, switch_energy, moves, accuracy, worst_energy, isolated }
    }
}

impl RunRecord {
    /// Everything that happened, in the order in which it was told.
    #[must_use]
    pub fn entries(&self) -> &[RecordEntry] {
        &self.entries
    }

    /// All layers that were completed, by their ends; of one instant in the order of accelerators.
    #[must_use]
    pub fn layers(&self) -> Vec<LayerRecord> {
        let of = |entry: &RecordEntry| match &entry.event {
            RecordedEvent::LayerCompleted(layer) => Some(*layer),
            _ => None,
        };
        let mut layers: Vec<LayerRecord> = self.entries.iter().filter_map(of).collect();
        layers.sort_by_key(|layer| (layer.ended, layer.run.slot(), layer.began, layer.layer));
        layers
    }

    /// A row for every job, in the order in which jobs end; those in flight last.
    #[must_use]
    pub fn job_rows(&self) -> Vec<JobRow> {
        let mut rows = Vec::new();
        self.replay(&mut JobRows::new(|row: &JobRow| rows.push(*row)));
        rows
    }

    /// An audit of the run.
    #[must_use]
    pub fn audit(&self, system: &System) -> Audit {
        let mut audit = Audit::new(system);
        self.replay(&mut audit);
        audit
    }

    /// Tells an observer all that happened, as the engine did.
    pub fn replay(&self, observer: &mut impl Observer) {
        let wants_layers = observer.wants_layers();
        let wants_memory = observer.wants_memory();
        for RecordEntry { at, event } in &self.entries {
            let now = *at;
            match event {
                RecordedEvent::NotTriggered { task, arrival } => observer.not_triggered(now, *task, *arrival),
                RecordedEvent::Released(job) => observer.released(now, job),
                RecordedEvent::Dispatched { run, job } => observer.dispatched(now, run, job),
                RecordedEvent::Joined { run, job } => observer.joined(now, run, job),
                RecordedEvent::Predicted(prediction) => observer.predicted(now, prediction),
                RecordedEvent::Left { run, job, to, switched, stopped } => {
                    let record = SegmentRecord { run, job, to: *to, switched: *switched, stopped: *stopped };
                    observer.left(now, &record);
                }
                RecordedEvent::ContextSwitched { run, switch } => observer.context_switched(now, run, switch),
                RecordedEvent::Moved(record) => observer.moved(now, record),
                RecordedEvent::UnitsReserved { run, before } => observer.units_reserved(now, run, *before),
                RecordedEvent::Resized { run, before, to } => {
                    observer.resized(now, &ResizeRecord { run, before: *before, to: *to });
                }
                RecordedEvent::ShareSet(run) => observer.share_set(now, run),
                RecordedEvent::PowerChanged(event) => observer.power_changed(now, *event),
                RecordedEvent::LayerCompleted(layer) if wants_layers => observer.layer_completed(now, layer),
                RecordedEvent::LayerCompleted(_) => {}
                RecordedEvent::SegmentEnded { run, job, to, switched, stopped } => {
                    let record = SegmentRecord { run, job, to: *to, switched: *switched, stopped: *stopped };
                    observer.segment_ended(now, &record);
                }
                RecordedEvent::Completed(job) => observer.completed(now, &job.as_record()),
                RecordedEvent::Dropped(job, cause) => observer.dropped(now, &job.as_record(), *cause),
                RecordedEvent::InFlight(job) => observer.in_flight(now, &job.as_record()),
                RecordedEvent::PhaseChanged(phase) => observer.phase_changed(now, *phase),
                RecordedEvent::MemoryUsed { from, used } if wants_memory => {
                    observer.memory_used(*from, now, *used);
                }
                RecordedEvent::MemoryUsed { .. } => {}
                RecordedEvent::Ended(end) => {
                    let RecordedEnd { accelerators_busy, decisions, rounds, scheduler_busy, tuning } = end;
                    let (decisions, rounds) = (*decisions, *rounds);
                    let scheduler_busy = *scheduler_busy;
                    let record = EndRecord { accelerators_busy, decisions, rounds, scheduler_busy, tuning };
                    observer.ended(now, &record);
                }
            }
        }
    }

    fn push(&mut self, at: Time, event: RecordedEvent) {
        self.entries.push(RecordEntry { at, event });
    }
}

impl Observer for RunRecord {
    fn wants_layers(&self) -> bool {
        true
    }

    fn wants_memory(&self) -> bool {
        true
    }

    fn memory_used(&mut self, from: Time, to: Time, used: MemoryUse) {
        self.push(to, RecordedEvent::MemoryUsed { from, used });
    }

    fn not_triggered(&mut self, now: Time, task: TaskId, arrival: Time) {
        self.push(now, RecordedEvent::NotTriggered { task, arrival });
    }

    fn released(&mut self, now: Time, job: &Job) {
        self.push(now, RecordedEvent::Released(*job));
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        self.push(now, RecordedEvent::Dispatched { run: *run, job: *job });
    }

    fn joined(&mut self, now: Time, run: &Run, job: &Job) {
        self.push(now, RecordedEvent::Joined { run: *run, job: *job });
    }

    fn predicted(&mut self, now: Time, prediction: &RunPrediction) {
        self.push(now, RecordedEvent::Predicted(*prediction));
    }

    fn left(&mut self, now: Time, record: &SegmentRecord<'_>) {
        let SegmentRecord { run, job, to, switched, stopped } = *record;
        self.push(now, RecordedEvent::Left { run: *run, job: *job, to, switched, stopped });
    }

    fn context_switched(&mut self, now: Time, run: &Run, switch: &ContextSwitchRecord) {
        self.push(now, RecordedEvent::ContextSwitched { run: *run, switch: *switch });
    }

    fn moved(&mut self, now: Time, record: &MoveRecord) {
        self.push(now, RecordedEvent::Moved(*record));
    }

    fn units_reserved(&mut self, now: Time, run: &Run, before: UnitSet) {
        self.push(now, RecordedEvent::UnitsReserved { run: *run, before });
    }

    fn resized(&mut self, now: Time, record: &ResizeRecord<'_>) {
        let ResizeRecord { run, before, to } = *record;
        self.push(now, RecordedEvent::Resized { run: *run, before, to });
    }

    fn share_set(&mut self, now: Time, run: &Run) {
        self.push(now, RecordedEvent::ShareSet(*run));
    }

    fn power_changed(&mut self, now: Time, event: PowerEvent) {
        self.push(now, RecordedEvent::PowerChanged(event));
    }

    fn layer_completed(&mut self, now: Time, record: &LayerRecord) {
        self.push(now, RecordedEvent::LayerCompleted(*record));
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        let SegmentRecord { run, job, to, switched, stopped } = *record;
        self.push(now, RecordedEvent::SegmentEnded { run: *run, job: *job, to, switched, stopped });
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        self.push(now, RecordedEvent::Completed(RecordedJob::new(record)));
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        self.push(now, RecordedEvent::Dropped(RecordedJob::new(record), cause));
    }

    fn phase_changed(&mut self, now: Time, phase: usize) {
        self.push(now, RecordedEvent::PhaseChanged(phase));
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        self.push(now, RecordedEvent::InFlight(RecordedJob::new(record)));
    }

    fn ended(&mut self, now: Time, record: &EndRecord<'_>) {
        let EndRecord { accelerators_busy, decisions, rounds, scheduler_busy, tuning } = *record;
        let (accelerators_busy, tuning) = (accelerators_busy.to_vec(), tuning.to_vec());
        let end = RecordedEnd { accelerators_busy, decisions, rounds, scheduler_busy, tuning };
        self.push(now, RecordedEvent::Ended(end));
    }
}
