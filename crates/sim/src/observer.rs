//! Observers: what watches a run. Metrics, rows of jobs and timelines are observers; the engine
//! calls them at fixed places and knows nothing of what they do.
//!
//! An observer is a type parameter of the run, so that what is not watched costs nothing. A pair of
//! observers is one, and so is a mutable reference.

use rtmm_hardware::{AcceleratorId, ClassId, Energy, EnergyParts, Moved, PointId, PowerUnit, UnitSet};
use rtmm_scheduler::{Job, JobId, Preemption, Progress, Run, RunId, RunPrediction, TuningWindow};
use rtmm_workload::{Duration, LayerId, ModelId, TaskId, Time};

use crate::execution::MemoryUse;

/// Why a job was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropCause {
    /// The policy said so.
    Policy,
    /// A job that it needed the output of was dropped.
    Upstream,
}

/// Moves of a job that went on on another accelerator than the one of its last segment, where the platform says what lies
/// between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct JobMoves {
    /// Their number.
    pub count: u32,
    /// Time that they took.
    pub time: Duration,
    /// Their energy.
    pub energy: Energy,
}

/// Report on a job when it is over, beside what a scheduler could see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JobRecord<'j> {
    /// The job.
    pub job: &'j Job,
    /// Its arrival, or the end of the last job that it needed where that is later; of a job that still lacks
    /// inputs, of those that it has. Normalised turnaround counts from here: the isolated latency
    /// is that of the job alone.
    pub ready: Time,
    /// Energy of its layers, by component.
    pub energy: &'j EnergyParts<Energy>,
    /// Energy of the context switches and migrations of its runs, in picojoules.
    pub switch_energy: Energy,
    /// Its moves from one accelerator to another.
    pub moves: JobMoves,
    /// Accuracy of its answer: that of its model, or of the exit that it took.
    pub accuracy: Option<f64>,
    /// The energy of its model had each layer run where it costs most.
    pub worst_energy: Energy,
    /// Isolated latency, from its first layer to its real end, on the accelerator that is
    /// fastest for it.
    pub isolated: Duration,
}

impl JobRecord<'_> {
    /// Energy of its layers, context switches, migrations and moves.
    #[must_use]
    pub fn spent(&self) -> Energy {
        self.energy.total() + self.switch_energy + self.moves.energy
    }
}

/// Report on a segment when it is over, or on a job that leaves its batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentRecord<'s> {
    /// The run that it was, with the units that it held last; of a job that leaves a batch, the run as it goes on.
    pub run: &'s Run,
    /// Its job, as it was while it ran but for the energy.
    pub job: &'s Job,
    /// Where its job goes on.
    pub to: Progress,
    /// True if a unit of the run had run another model before.
    pub switched: bool,
    /// The mode in which it was preempted inside a layer; none where it ended between layers. Killed, its job goes on from
    /// the beginning of that layer.
    pub stopped: Option<Preemption>,
}

/// Report on a context switch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContextSwitchRecord {
    /// Its time: a move of the job follows it if there is one, and then the first layer of the run.
    pub time: Duration,
    /// Its energy.
    pub energy: Energy,
    /// The activations that it moves.
    pub moved: Moved,
}

/// Report on the activations of a job that goes on on another accelerator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoveRecord {
    /// The job.
    pub job: JobId,
    /// The accelerator that it leaves.
    pub from: AcceleratorId,
    /// The accelerator that it is dispatched on.
    pub to: AcceleratorId,
    /// Time of the move, after a context switch: the first layer of the run starts when it is over.
    pub time: Duration,
    /// Its energy.
    pub energy: Energy,
}

/// Report on a layer when it is complete, or when its run stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerRecord {
    /// The run that it was part of.
    pub run: RunId,
    /// The job; of a batch, the first of those that ran the layer.
    pub job: JobId,
    /// The model.
    pub model: ModelId,
    /// The layer.
    pub layer: LayerId,
    /// The class that it ran in, of as many jobs as ran it.
    pub class: ClassId,
    /// When it began, or went on in this run.
    pub began: Time,
    /// When it was complete.
    pub ended: Time,
}

/// Report on a run that goes on with another number of units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResizeRecord<'s> {
    /// The run as it goes on.
    pub run: &'s Run,
    /// The units that it held before.
    pub before: UnitSet,
    /// Progress of its job, in the steps of the class that it leaves.
    pub to: Progress,
}

/// Something that changes the power of hardware beside its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerEvent {
    /// A change of an operating point begins, and is paid for.
    Changes {
        /// The accelerator, or the memory.
        on: PowerUnit,
        /// The point to come.
        to: PointId,
        /// When it is complete.
        at: Time,
    },
    /// A point is in force from now on.
    InForce {
        /// The accelerator, or the memory.
        on: PowerUnit,
        /// The point.
        point: PointId,
    },
    /// An accelerator is gated.
    Gated {
        /// Which one.
        on: AcceleratorId,
    },
    /// A gated accelerator begins to wake, and pays for it.
    Wakes {
        /// Which one.
        on: AcceleratorId,
    },
}

/// Report on a run when it is over. All of it counts from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndRecord<'r> {
    /// By accelerator: time in segments, from dispatch to end; in the mean over its units.
    pub accelerators_busy: &'r [Duration],
    /// Decisions that the policy took.
    pub decisions: u64,
    /// Number of times that the policy was asked, the last time of each instant, when it has no more to say,
    /// included.
    pub rounds: u64,
    /// Time that the scheduler spent on decisions.
    pub scheduler_busy: Duration,
    /// Changes of the policy to its own parameters.
    pub tuning: &'r [TuningWindow],
}

/// Something that watches a run. Instants never fall from one call to the next.
pub trait Observer {
    /// True if [`Observer::layer_completed`] should be called. Asked once, before the run.
    fn wants_layers(&self) -> bool {
        false
    }

    /// A frame that arrived at `arrival` is no job: its trigger failed, or what it needs does not exist.
    fn not_triggered(&mut self, _now: Time, _task: TaskId, _arrival: Time) {}

    /// The scheduler sees a job for the first time.
    fn released(&mut self, _now: Time, _job: &Job) {}

    /// A segment was dispatched; `job` shows it already. Of a batch, it is the first job.
    fn dispatched(&mut self, _now: Time, _run: &Run, _job: &Job) {}

    /// A further job of the batch that was just dispatched, in their order.
    fn joined(&mut self, _now: Time, _run: &Run, _job: &Job) {}

    /// The policy has predicted the end of a run that goes on.
    fn predicted(&mut self, _now: Time, _prediction: &RunPrediction) {}

    /// The run that was just dispatched pays for a context switch first.
    fn context_switched(&mut self, _now: Time, _run: &Run, _switch: &ContextSwitchRecord) {}

    /// A job is about to be dispatched on another accelerator than the one that it ran on last, and pays for its activations:
    /// told before [`Observer::dispatched`].
    fn moved(&mut self, _now: Time, _record: &MoveRecord) {}

    /// A layer is complete. It may be told later than its own instant: when its run stops, at the latest.
    /// Told only to observers that want layers.
    fn layer_completed(&mut self, _now: Time, _record: &LayerRecord) {}

    /// A run has another share of the shared memory bandwidth.
    fn share_set(&mut self, _now: Time, _run: &Run) {}

    /// True if [`Observer::memory_used`] should be called. Asked once, before the run.
    fn wants_memory(&self) -> bool {
        false
    }

    /// From one instant to the next that anything happened at, runs used the memory that they share so. Told where
    /// they share some, and only to observers that want it.
    fn memory_used(&mut self, _from: Time, _to: Time, _used: MemoryUse) {}

    /// A run that is to be resized holds more units from now on, and `before` until now; it uses them from
    /// its next boundary on.
    fn units_reserved(&mut self, _now: Time, _run: &Run, _before: UnitSet) {}

    /// A run goes on with another number of units.
    fn resized(&mut self, _now: Time, _record: &ResizeRecord<'_>) {}

    /// A job leaves a batch: the run goes on with the other jobs, or ends now, for which [`Observer::segment_ended`] is told
    /// of the last of them.
    fn left(&mut self, _now: Time, _record: &SegmentRecord<'_>) {}

    /// A segment is over; of a batch, for the last of its jobs.
    fn segment_ended(&mut self, _now: Time, _record: &SegmentRecord<'_>) {}

    /// A job is complete.
    fn completed(&mut self, _now: Time, _record: &JobRecord<'_>) {}

    /// A job was dropped.
    fn dropped(&mut self, _now: Time, _record: &JobRecord<'_>, _cause: DropCause) {}

    /// An operating point changes, or an accelerator is gated or wakes.
    fn power_changed(&mut self, _now: Time, _event: PowerEvent) {}

    /// A phase of the scenario began.
    fn phase_changed(&mut self, _now: Time, _phase: usize) {}

    /// A job was not over when the run ended. Segments that still run are told as ended before.
    fn in_flight(&mut self, _now: Time, _record: &JobRecord<'_>) {}

    /// The run is over; nothing follows. `now` is its last instant.
    fn ended(&mut self, _now: Time, _record: &EndRecord<'_>) {}
}

/// Nothing is observed.
impl Observer for () {}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn not_triggered(&mut self, now: Time, task: TaskId, arrival: Time) {
        (**self).not_triggered(now, task, arrival);
    }

    fn released(&mut self, now: Time, job: &Job) {
        (**self).released(now, job);
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        (**self).dispatched(now, run, job);
    }

    fn joined(&mut self, now: Time, run: &Run, job: &Job) {
        (**self).joined(now, run, job);
    }

    fn predicted(&mut self, now: Time, prediction: &RunPrediction) {
        (**self).predicted(now, prediction);
    }

    fn left(&mut self, now: Time, record: &SegmentRecord<'_>) {
        (**self).left(now, record);
    }

    fn wants_layers(&self) -> bool {
        (**self).wants_layers()
    }

    fn context_switched(&mut self, now: Time, run: &Run, switch: &ContextSwitchRecord) {
        (**self).context_switched(now, run, switch);
    }

    fn moved(&mut self, now: Time, record: &MoveRecord) {
        (**self).moved(now, record);
    }

    fn layer_completed(&mut self, now: Time, record: &LayerRecord) {
        (**self).layer_completed(now, record);
    }

    fn share_set(&mut self, now: Time, run: &Run) {
        (**self).share_set(now, run);
    }

    fn wants_memory(&self) -> bool {
        (**self).wants_memory()
    }

    fn memory_used(&mut self, from: Time, to: Time, used: MemoryUse) {
        (**self).memory_used(from, to, used);
    }

    fn units_reserved(&mut self, now: Time, run: &Run, before: UnitSet) {
        (**self).units_reserved(now, run, before);
    }

    fn resized(&mut self, now: Time, record: &ResizeRecord<'_>) {
        (**self).resized(now, record);
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        (**self).segment_ended(now, record);
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        (**self).completed(now, record);
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        (**self).dropped(now, record, cause);
    }

    fn power_changed(&mut self, now: Time, event: PowerEvent) {
        (**self).power_changed(now, event);
    }

    fn phase_changed(&mut self, now: Time, phase: usize) {
        (**self).phase_changed(now, phase);
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        (**self).in_flight(now, record);
    }

    fn ended(&mut self, now: Time, record: &EndRecord<'_>) {
        (**self).ended(now, record);
    }
}

/// Both watch, the first one first.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn not_triggered(&mut self, now: Time, task: TaskId, arrival: Time) {
        self.0.not_triggered(now, task, arrival);
        self.1.not_triggered(now, task, arrival);
    }

    fn released(&mut self, now: Time, job: &Job) {
        self.0.released(now, job);
        self.1.released(now, job);
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        self.0.dispatched(now, run, job);
        self.1.dispatched(now, run, job);
    }

    fn joined(&mut self, now: Time, run: &Run, job: &Job) {
        self.0.joined(now, run, job);
        self.1.joined(now, run, job);
    }

    fn predicted(&mut self, now: Time, prediction: &RunPrediction) {
        self.0.predicted(now, prediction);
        self.1.predicted(now, prediction);
    }

    fn left(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.0.left(now, record);
        self.1.left(now, record);
    }

    fn wants_layers(&self) -> bool {
        self.0.wants_layers() || self.1.wants_layers()
    }

    fn context_switched(&mut self, now: Time, run: &Run, switch: &ContextSwitchRecord) {
        self.0.context_switched(now, run, switch);
        self.1.context_switched(now, run, switch);
    }

    fn moved(&mut self, now: Time, record: &MoveRecord) {
        self.0.moved(now, record);
        self.1.moved(now, record);
    }

    fn layer_completed(&mut self, now: Time, record: &LayerRecord) {
        if self.0.wants_layers() {
            self.0.layer_completed(now, record);
        }
        if self.1.wants_layers() {
            self.1.layer_completed(now, record);
        }
    }

    fn share_set(&mut self, now: Time, run: &Run) {
        self.0.share_set(now, run);
        self.1.share_set(now, run);
    }

    fn wants_memory(&self) -> bool {
        self.0.wants_memory() || self.1.wants_memory()
    }

    fn memory_used(&mut self, from: Time, to: Time, used: MemoryUse) {
        if self.0.wants_memory() {
            self.0.memory_used(from, to, used);
        }
        if self.1.wants_memory() {
            self.1.memory_used(from, to, used);
        }
    }

    fn units_reserved(&mut self, now: Time, run: &Run, before: UnitSet) {
        self.0.units_reserved(now, run, before);
        self.1.units_reserved(now, run, before);
    }

    fn resized(&mut self, now: Time, record: &ResizeRecord<'_>) {
        self.0.resized(now, record);
        self.1.resized(now, record);
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.0.segment_ended(now, record);
        self.1.segment_ended(now, record);
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        self.0.completed(now, record);
        self.1.completed(now, record);
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        self.0.dropped(now, record, cause);
        self.1.dropped(now, record, cause);
    }

    fn power_changed(&mut self, now: Time, event: PowerEvent) {
        self.0.power_changed(now, event);
        self.1.power_changed(now, event);
    }

    fn phase_changed(&mut self, now: Time, phase: usize) {
        self.0.phase_changed(now, phase);
        self.1.phase_changed(now, phase);
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        self.0.in_flight(now, record);
        self.1.in_flight(now, record);
    }

    fn ended(&mut self, now: Time, record: &EndRecord<'_>) {
        self.0.ended(now, record);
        self.1.ended(now, record);
    }
}
