//! Forms of timelines: what every one of them is told, whatever it writes.

use std::io;

use rtmm_hardware::{AcceleratorId, PowerUnit};
use rtmm_sim::DropCause;
use rtmm_workload::{LayerId, ModelId, TaskId, Time};

/// A job as timelines name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobRef {
    /// Its task.
    pub task: TaskId,
    /// The frame of the task that it processes.
    pub frame: u64,
    /// Its place in the order of releases over all tasks, from 0.
    pub sequence: u64,
}

/// A segment of a job from its dispatch to its end, on the unit that it holds all the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentSlice<'o> {
    /// The job; of a batch, the first.
    pub job: JobRef,
    /// The number of jobs that it was dispatched with.
    pub jobs: u32,
    /// The model that it runs as.
    pub model: ModelId,
    /// The accelerator.
    pub accelerator: AcceleratorId,
    /// The unit of the accelerator: the lowest that the segment was dispatched on.
    pub unit: u32,
    /// The units that the segment was dispatched on.
    pub units: u32,
    /// Its dispatch.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// True if a context switch preceded its first layer.
    pub switched: bool,
    /// Its parts in order, none of which overlaps another or reaches out of the segment.
    pub parts: &'o [SegmentPart],
}

/// A part of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPart {
    /// Its kind.
    pub kind: SegmentPartKind,
    /// Its start.
    pub from: Time,
    /// Its end.
    pub to: Time,
}

/// Kind of a part of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentPartKind {
    /// A layer, to its end.
    Layer(LayerId),
    /// A layer that the segment stopped in, or changed its units in.
    PartOfLayer(LayerId),
    /// A context switch.
    ContextSwitch,
    /// The move of the job's activations from the accelerator that it ran on last.
    Move,
    /// A change of the number of units, in which the run makes no progress.
    Migration,
}

/// A further unit that a segment holds beside the one that it is shown on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hold {
    /// The job.
    pub job: JobRef,
    /// The accelerator.
    pub accelerator: AcceleratorId,
    /// The unit.
    pub unit: u32,
    /// Start of the time in which it is held.
    pub from: Time,
    /// End of that time.
    pub to: Time,
}

/// Something that becomes of a job at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobMark {
    /// The job.
    pub job: JobRef,
    /// The instant.
    pub at: Time,
    /// Its deadline.
    pub deadline: Time,
    /// Kind of the mark.
    pub kind: MarkKind,
}

/// Kind of a mark of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// The scheduler sees it for the first time.
    Released,
    /// It is complete.
    Completed,
    /// Its deadline passes, and it is not complete: it will be late, or was not over when the run ended. Told when that is
    /// certain, for the instant of the deadline.
    Missed,
    /// It is dropped.
    Dropped(DropCause),
    /// It is not over, and the run is.
    InFlight,
}

impl MarkKind {
    /// True if nothing follows of the job.
    #[must_use]
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Completed | Self::Dropped(_) | Self::InFlight)
    }

    /// The word for it in a timeline.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Completed => "completed",
            Self::Missed => "deadline missed",
            Self::Dropped(DropCause::Policy) => "dropped",
            Self::Dropped(DropCause::Upstream) => "dropped upstream",
            Self::InFlight => "in flight",
        }
    }
}

/// A counter of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Released jobs that are not over and do not run.
    Queue,
    /// Bandwidth of the shared DRAM that is granted to runs, in bytes a second.
    Bandwidth,
    /// Units of an accelerator that runs hold, in percent of all of its units.
    Utilisation(AcceleratorId),
    /// Frequency of the operating point in force, of an accelerator or of the memory, in hertz; 0 while an accelerator is
    /// gated.
    Clock(PowerUnit),
}

/// A form of timelines, which writes what it is told.
///
/// What ends is told at its end, so that starts come late: slices of one unit in their order, none overlapping another;
/// marks of a deadline that was missed when that is certain. All else is told in order.
pub trait TimelineForm {
    /// A segment is over.
    ///
    /// # Errors
    /// [`io::Error`] where the output cannot be written; so with all methods.
    fn segment(&mut self, segment: &SegmentSlice<'_>) -> io::Result<()>;

    /// A further unit is held no longer.
    ///
    /// # Errors
    /// See [`TimelineForm::segment`].
    fn hold(&mut self, hold: &Hold) -> io::Result<()>;

    /// Something becomes of a job.
    ///
    /// # Errors
    /// See [`TimelineForm::segment`].
    fn mark(&mut self, mark: &JobMark) -> io::Result<()>;

    /// A counter has another value from an instant on.
    ///
    /// # Errors
    /// See [`TimelineForm::segment`].
    fn counter(&mut self, at: Time, counter: Counter, value: f64) -> io::Result<()>;

    /// The run is over; nothing follows.
    ///
    /// # Errors
    /// See [`TimelineForm::segment`].
    fn finish(&mut self, end: Time) -> io::Result<()>;
}
