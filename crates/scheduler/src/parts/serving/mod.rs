//! Batches of several models beside each other on one device: who runs there, how far it is, and when it will be through.
//!
//! What a server sees is when it dispatched a batch, when a copy and a batch are complete, and what a profiler measured of each
//! model alone. How far a batch is in between follows from what is predicted of its slowdown ([`Slowdowns`]). A [`Serving`]
//! keeps that of every run, and forecasts when runs end and when one more would ([`Serving::forecast`]).
//!
//! The forecast walks from event to event over what is known: copies wait for each other, kernels go at the rate that is
//! predicted beside those that run then, and no more requests come. With coarse predictions there is nothing to walk over: what
//! runs now is taken to run beside a batch from its beginning to its end.

mod batch;
mod forecast;
mod others;
mod part;
mod queues;
mod server;
mod slowdowns;
mod tracked;

use std::ops::Range;

use rtmm_hardware::{AcceleratorId, ClassId, MAX_BATCH, Speed, Units};
use rtmm_workload::parameters::{Declared, Integer, Parameters};
use rtmm_workload::{Duration, ModelId, Time};

use crate::decision::Decisions;
use crate::ids::RunId;
use crate::job::{Job, Progress};
use crate::policy::{Interests, Notice};
use crate::truth::Truth;
use crate::view::View;

pub use batch::{Batch, Lateness, lateness};
use others::MOST;
use part::Part;
pub use queues::{Queue, Queues};
pub use server::{Server, ServingRule};
pub use slowdowns::Slowdowns;
pub use tracked::Tracked;

/// Units that a batch runs on.
const UNITS: Integer<u32> =
    Integer::new("stream_units", "units of an accelerator that a batch runs on", 1, 1..=64);
/// Batches at once.
const CONCURRENT: Integer<u32> =
    Integer::new("max_concurrent", "most batches at once on an accelerator", 2, 1..=MOST);
/// Requests of a batch.
const LIMIT: Integer<u32> = Integer::new(
    "largest_batch",
    "most requests of a batch, where accelerators run as many",
    8,
    1..=MAX_BATCH,
);

/// A batch that could be dispatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The accelerator.
    pub on: AcceleratorId,
    /// The class of the batch.
    pub class: ClassId,
    /// The model.
    pub model: ModelId,
    /// Where it begins.
    pub from: Progress,
    /// The priority of its first request.
    pub priority: i32,
}

/// Room for one more batch.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The accelerator.
    pub on: AcceleratorId,
    /// The units that the batch takes.
    pub units: Units,
    /// The class of a batch of one.
    pub class: ClassId,
}

/// Batches that run, and predictions of their ends.
#[derive(Clone, Debug)]
pub struct Serving {
    units: u32,
    concurrent: u32,
    limit: u32,
    slowdowns: Slowdowns,
    /// Runs as they are known, by accelerator and slot.
    tracked: Vec<Tracked>,
    /// Up to when their progress is counted.
    since: Time,
    /// Layers that were told of since.
    told: Vec<(RunId, u32)>,
    /// By accelerator and model: its layers that run kernels.
    kernels: Vec<Vec<Range<u32>>>,
    /// Ends that were forecast last, from now on: of runs in their order, and of candidates behind them.
    ends: Vec<Duration>,
    /// Parts of a forecast, used again and again, and the place of each among all.
    parts: Vec<(AcceleratorId, Part)>,
    places: Vec<usize>,
    speeds: Vec<Speed>,
    /// By run: whether it was in time before a candidate, used again and again.
    in_time: Vec<bool>,
}

impl Serving {
    /// Parameters of what runs at once.
    pub const PARAMETERS: &[&dyn Declared] = &[&UNITS, &CONCURRENT, &LIMIT];

    /// Reads the parameters, of [`Serving::PARAMETERS`] and of slowdowns.
    #[must_use]
    pub fn new(parameters: &Parameters, slowdowns: Slowdowns) -> Self {
        Self {
            units: parameters.read(&UNITS),
            concurrent: parameters.read(&CONCURRENT),
            limit: parameters.read(&LIMIT),
            slowdowns,
            tracked: Vec::new(),
            since: Time::ZERO,
            told: Vec::new(),
            kernels: Vec::new(),
            ends: Vec::new(),
            parts: Vec::new(),
            places: Vec::new(),
            speeds: Vec::new(),
            in_time: Vec::new(),
        }
    }

    /// Copies that are complete tell when kernels begin and end.
    #[must_use]
    pub const fn interests() -> Interests {
        Interests { jobs: false, layers: true, times: true }
    }

    /// Takes in what was told.
    pub fn notify(&mut self, notice: &Notice) {
        if let Notice::LayerCompleted { run, layer, .. } = *notice {
            let complete = (run, layer.index() as u32 + 1);
            if self.told.last() != Some(&complete) {
                self.told.push(complete);
            }
        }
    }

    /// Takes in what runs now, and predicts the ends of runs that have begun; before anything is decided.
    pub fn begin(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>, out: &mut Decisions) {
        let is_same = self.told.is_empty()
            && self.tracked.iter().all(|run| view.run(run.id).is_some())
            && view.runs().count() == self.tracked.len();
        if is_same {
            return;
        }
        self.advance(view, truth);
        self.take_layers(view);
        self.take_ends(view);
        self.take_begins(view, truth, out);
    }

    /// Room for one more batch that a request is the first of: on the accelerator that is fastest for the rest of it, of these on
    /// the one with the fewest batches, and of these on the first.
    #[must_use]
    pub fn room(&self, view: &View<'_>, job: &Job) -> Option<Room> {
        let running = |on: AcceleratorId| self.tracked.iter().filter(|run| run.on == on).count();
        let class = |on: &AcceleratorId| units_of(view, *on, self.units);
        let has_room = |on: &AcceleratorId| {
            view.can_run(job, *on)
                && (running(*on) as u32) < self.concurrent
                && class(on).is_some_and(|class| {
                    view.profile.class(class).units <= view.accelerators[on.index()].free.count()
                })
        };
        let rest = |on: &AcceleratorId| {
            class(on).map(|class| view.profile.remaining(job.model, job.progress, class))
        };
        let on = view.free.iter().copied().filter(has_room).min_by_key(|on| (rest(on), running(*on)))?;
        let class = class(&on)?;
        let units = view.profile.class(class).units;
        let all = units == view.accelerators[on.index()].units;
        Some(Room { on, units: if all { Units::All } else { Units::exactly(units)? }, class })
    }

    /// The most requests of a batch that a request is the first of, where there is room.
    #[must_use]
    pub fn most(&self, view: &View<'_>, job: &Job, room: &Room) -> u32 {
        if job.started || !view.profile.has_batches() {
            return 1;
        }
        self.limit.min(view.profile.largest_batch(job.model, room.on, room.class)).max(1)
    }

    /// A batch of so many requests of which a request is the first, where there is room; none where the accelerator runs none.
    #[must_use]
    pub fn candidate(&self, view: &View<'_>, job: &Job, room: &Room, requests: u32) -> Option<Candidate> {
        let class = if requests == 1 { room.class } else { view.profile.in_batch(room.class, requests)? };
        Some(Candidate { on: room.on, class, model: job.model, from: job.progress, priority: job.priority })
    }

    /// True if a candidate that ends so long from now is in time for a deadline.
    #[must_use]
    pub fn is_in_time(view: &View<'_>, end: Duration, deadline: Time) -> bool {
        view.now.saturating_add(end) <= deadline
    }

    /// The runs, each with the end that was forecast last.
    pub fn forecasts(&self) -> impl Iterator<Item = (&Tracked, Duration)> {
        self.tracked.iter().zip(self.ends.iter().copied())
    }

    /// True if nothing runs on an accelerator.
    #[must_use]
    pub fn is_idle_on(&self, on: AcceleratorId) -> bool {
        self.tracked.iter().all(|run| run.on != on)
    }

    /// True if nothing runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.tracked.is_empty()
    }

    /// True if one more batch on an accelerator leaves room for so many others, or for all but one where that is more.
    #[must_use]
    pub fn leaves(&self, on: AcceleratorId, slots: u32) -> bool {
        let running = self.tracked.iter().filter(|run| run.on == on).count() as u32;
        running < self.concurrent - slots.min(self.concurrent - 1)
    }

    /// True if there is room on an accelerator beside candidates that are to begin now, and what runs.
    #[must_use]
    pub fn has_room_beside(&self, view: &View<'_>, on: AcceleratorId, candidates: &[Candidate]) -> bool {
        let begin = candidates.iter().filter(|candidate| candidate.on == on);
        let (count, units) = begin.fold((0, 0), |(count, units), candidate| {
            (count + 1, units + view.profile.class(candidate.class).units)
        });
        let needed = units_of(view, on, self.units).map_or(u32::MAX, |class| view.profile.class(class).units);
        let running = self.tracked.iter().filter(|run| run.on == on).count() as u32;
        running + count < self.concurrent && view.accelerators[on.index()].free.count() >= units + needed
    }

    /// Latency of a request by itself with nothing beside it, on the units of a batch where these are fastest.
    fn alone(view: &View<'_>, job: &Job, units: u32) -> Duration {
        let accelerators = (0..view.accelerators.len()).map(AcceleratorId::new);
        let here = accelerators.filter(|on| view.can_run(job, *on));
        let classes = here.filter_map(|on| units_of(view, on, units));
        classes
            .map(|class| view.profile.remaining(job.model, job.progress, class))
            .min()
            .unwrap_or(Duration::MAX)
    }
}

/// The class of so many units of an accelerator, or of the next larger number that it states; all of it where it has fewer.
fn units_of(view: &View<'_>, on: AcceleratorId, units: u32) -> Option<ClassId> {
    let classes = view.profile.classes_of(on);
    let fits = |class: &&ClassId| view.profile.class(**class).units >= units;
    classes.iter().find(fits).or(classes.last()).map(|class| view.class_now(on, *class))
}
