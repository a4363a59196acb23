//! Execution of segments: alone on their accelerator, or in competition for what accelerators share.
//!
//! The engine is generic over this, so that platforms that share nothing pay nothing for it.

mod batch;
mod exclusive;
mod shared;

pub use batch::{Batch, LayerOfBatch};
pub use exclusive::Exclusive;
pub use shared::Shared;

use rtmm_hardware::{Bandwidth, ClassId, Outcome, Rank, Share};
use rtmm_scheduler::{Job, JobId, Preemption, Progress, Run};
use rtmm_workload::{LayerId, Realisation, Time};

use crate::system::System;

/// A run with what its inference really does: what an execution is shown of it.
///
/// It is read where it stands. A copy of what was just written would have to wait for it.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'r> {
    /// The run.
    pub run: &'r Run,
    /// The layers that the inference skips, and its end; of a batch, those of its first job.
    pub realisation: &'r Realisation,
    /// The ranks that its layers drew; none where no time varies.
    pub ranks: &'r [Rank],
    /// The inferences of a run of several jobs; none for a run of one.
    pub batch: Option<Batch<'r>>,
    /// All jobs, by their slots.
    pub jobs: &'r [Job],
}

impl<'r> Segment<'r> {
    /// Differences of the inference from others that matter to its costs.
    #[inline]
    fn outcome(&self) -> Outcome<'r> {
        Outcome { row: self.realisation.row, ranks: self.ranks }
    }

    /// The highest priority of its jobs.
    fn priority(&self) -> i32 {
        let of = |job: JobId| self.jobs.get(job.slot()).map_or(0, |job| job.priority);
        match self.batch {
            None => self.run.jobs.first().map_or(0, of),
            Some(batch) => batch.jobs.iter().map(|job| of(*job)).max().unwrap_or(0),
        }
    }

    /// The layer before which its inference is over; of a batch, the first one before which any is.
    #[inline]
    fn inference_end(&self) -> u32 {
        self.batch.map_or(self.realisation.end, |batch| batch.end())
    }

    /// The layer before which the segment really ends, if it is to stop before layer `stop`.
    #[inline]
    fn end(&self, stop: u32) -> u32 {
        stop.min(self.inference_end()).max(self.run.from.layer)
    }

    /// The class that a layer runs in, and the inference whose costs it has.
    #[inline]
    fn layer(&self, system: &System, layer: u32) -> (ClassId, Outcome<'r>) {
        match self.batch {
            None => (self.run.class, self.outcome()),
            Some(batch) => {
                let LayerOfBatch { class, outcome, .. } =
                    batch.layer(system, self.run.model, self.run.class, layer);
                (class, outcome)
            }
        }
    }

    /// The latency of a layer, in picoseconds.
    #[inline(always)]
    pub(crate) fn layer_latency(&self, system: &System, layer: u32) -> u64 {
        let (class, outcome) = self.layer(system, layer);
        system.costs.true_latency(self.run.model, outcome, layer, class)
    }

    /// The next layer at or after `layer` that runs.
    #[inline]
    pub(crate) fn next_layer(&self, system: &System, layer: u32) -> u32 {
        match self.batch {
            None => system.next_layer(self.run.model, self.realisation, layer),
            Some(batch) => batch.next_layer(system, self.run.model, layer),
        }
    }

    /// From where the next layer runs: progress inside a layer counts only if that is the layer.
    #[inline(always)]
    pub(crate) fn next_from(&self, system: &System, from: Progress) -> Progress {
        let layer = self.next_layer(system, from.layer);
        if layer != from.layer || from.quantum == 0 {
            return Progress::at(layer);
        }
        system.in_steps_of(self.run.model, self.layer(system, layer).0, from)
    }
}

/// Kind of an event of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// An event of the execution alone, which the engine does not act on.
    Internal,
    /// A layer is complete, and the run goes on.
    Layer(Completed),
    /// The run stops: its segment is over.
    Ended(Stop),
    /// The run stops to be resized: it goes on in another class once that is begun.
    Resizes(Stop),
}

/// Up to where a run has come, for the account of its energy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// The layer, and the quanta of it that are done.
    pub to: Progress,
    /// The part of the layer that is done, where it is not told in quanta.
    pub part: LayerPart,
    /// Slowdown of what was done since the last account, relative to isolation.
    pub stretch: f64,
}

impl Reach {
    /// A progress, reached without competition.
    #[inline]
    #[must_use]
    pub const fn at(to: Progress) -> Self {
        Self { to, part: LayerPart::NONE, stretch: 1.0 }
    }
}

/// A part of a layer: of its compute, and of its traffic, each in 2^-32 of the whole and rounded down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerPart {
    /// Of the compute.
    pub compute: u64,
    /// Of the traffic.
    pub traffic: u64,
}

impl LayerPart {
    /// Nothing.
    pub const NONE: Self = Self { compute: 0, traffic: 0 };

    /// All of it.
    pub const WHOLE: u64 = 1 << 32;

    /// This part where it is one of `layer`, and a run stands there at `at`; nothing of any other layer.
    #[must_use]
    pub fn of_layer(self, at: Progress, layer: u32) -> Self {
        if at.layer == layer { self } else { Self::NONE }
    }

    /// The same part of both.
    #[must_use]
    pub fn of(done: u128, whole: u128) -> Self {
        let part = Self::ratio(done, whole);
        Self { compute: part, traffic: part }
    }

    /// `done` of `whole`; nothing of nothing.
    #[must_use]
    pub fn ratio(done: u128, whole: u128) -> u64 {
        // What does not fit loses digits that do not count.
        let spare = (whole >> 90).checked_ilog2().map_or(0, |bits| bits + 1);
        let (done, whole) = (done >> spare, whole >> spare);
        let part = (done << 32).checked_div(whole).unwrap_or(0);
        u64::try_from(part).unwrap_or(Self::WHOLE).min(Self::WHOLE)
    }
}

/// Where a layer stands in the midst of which an operating point changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// For the account of energy.
    pub reach: Reach,
    /// The last boundary before: layers that are skipped may lie between it and the layer.
    pub boundary: Progress,
    /// When the layer began, or went on in this run; none where that is now: nothing of it has run, and it begins anew in the
    /// other class.
    pub began: Option<Time>,
    /// Time that the layer takes as things are, and the rest of it, where nothing competes.
    pub whole: u64,
    /// See `whole`.
    pub rest: u64,
}

/// `amount * after / before`, rounded up: what an amount becomes whose whole becomes `after`. All of it is never exceeded.
#[must_use]
pub(crate) fn rescaled(amount: u128, before: u128, after: u128) -> u128 {
    if before == after {
        return amount;
    }
    match amount.checked_mul(after) {
        Some(product) => product.checked_div(before).map_or(0, |_| product.div_ceil(before)).min(after),
        // Of amounts beyond all reason the lowest digits do not count.
        None => {
            let scaled = (amount >> 40).saturating_mul(after >> 40) / (before >> 40).max(1);
            (scaled << 40).min(after)
        }
    }
}

/// Where a run stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// Where its job goes on.
    pub to: Progress,
    /// The layer that just completed; none for a run that completed no layer here, and where layers are
    /// not told of.
    pub last: Option<Completed>,
    /// Slowdown of the quanta that were done of a layer which is not complete, relative to isolation:
    /// 1 where nothing competed.
    pub stretch: f64,
}

/// Use of the memory that runs share, while their rates stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// DRAM bandwidth that all runs together are granted.
    pub granted: Bandwidth,
    /// Runs that are granted less than they could use.
    pub throttled: u32,
}

/// A layer that is complete.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Completed {
    /// Which one.
    pub layer: LayerId,
    /// When it began.
    pub began: Time,
    /// Slowdown relative to isolation: 1 where no other segment competed.
    pub stretch: f64,
}

/// The next event of each slot of runs, and the earliest of all.
#[derive(Clone, Debug)]
struct Instants {
    /// [`Time::MAX`] for none.
    events: Vec<Time>,
    /// The least of them, with the first slot that has it.
    first: (Time, usize),
}

impl Instants {
    fn new(slots: usize) -> Self {
        Self { events: vec![Time::MAX; slots], first: (Time::MAX, 0) }
    }

    /// Few slots are searched faster than a heap of them is kept in order.
    fn set(&mut self, slot: usize, at: Time) {
        self.events[slot] = at;
        if self.first.1 == slot {
            self.first = (Time::MAX, 0);
            for (index, event) in self.events.iter().enumerate() {
                if *event < self.first.0 {
                    self.first = (*event, index);
                }
            }
        } else if (at, slot) < self.first {
            self.first = (at, slot);
        }
    }

    fn first(&self) -> Option<(Time, usize)> {
        (self.first.0 < Time::MAX).then_some(self.first)
    }
}

/// Executes runs. A run is named by its slot: the position of a unit of its accelerator among all units of
/// the platform, so that slots are in the order of accelerators.
pub trait Execution: Clone {
    /// True if layers must be told of, each at its own instant. An execution may tell of them in any
    /// case; layers that it does not tell of took as long as in isolation.
    fn tell_layers(&mut self, tell: bool);

    /// True if layers are told of.
    fn tells_layers(&self) -> bool;

    /// Begins a run in a slot that has none, or that has one which stopped to be resized, or for a job to leave its batch.
    fn begin(&mut self, system: &System, slot: usize, segment: &Segment<'_>);

    /// The earliest event, the lowest slot first.
    fn next(&self) -> Option<(Time, usize)>;

    /// Takes the event of a slot that is due.
    fn step(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) -> Step;

    /// Ends a run at its next boundary at or after `now`. Nothing changes if that is its end anyway, or if
    /// it was told before. A resize that has not taken effect is cancelled.
    fn preempt(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>, mode: Preemption);

    /// Stops a run at its next quantum at or after `now`, at its next layer where the layer has no quanta,
    /// so that it can go on in another class: [`Step::Resizes`]. Nothing changes if that is its end anyway.
    fn resize(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>);

    /// Ends a run at once, wherever it is: the simulation is over. Layers that are not complete count for
    /// nothing.
    fn halt(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) -> Option<Progress>;

    /// Use of shared memory from the last event on; none where nothing is shared.
    fn memory_use(&self) -> Option<MemoryUse> {
        None
    }

    /// Where a run stands, before an operating point changes; none of one whose first layer has not begun.
    fn stand(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) -> Option<Standing>;

    /// Has a run go on in another class from `resumes` on, from where it stood; nothing of it runs before. Gives the time
    /// that the rest of its layer takes then, where nothing competes.
    fn rescale(
        &mut self,
        system: &System,
        slot: usize,
        resumes: Time,
        segment: &Segment<'_>,
        standing: Option<&Standing>,
    ) -> Option<u64>;

    /// The memory that runs share has another bandwidth: between [`Execution::stand`] and [`Execution::rescale`].
    fn set_bandwidth(&mut self, _bandwidth: Bandwidth) {}

    /// All runs go on as they were rescaled.
    fn go_on(&mut self, _now: Time) {}

    /// Gives a run another share of partitioned memory bandwidth.
    fn set_share(&mut self, now: Time, slot: usize, share: Share);
}
