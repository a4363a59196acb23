//! The observer that makes a timeline of a run.
//!
//! It keeps what is open: of each run its parts so far, of each counter the value that is yet to be shown. Memory follows
//! the number of units and the layers of a model, and not the length of the run.

use std::io;

use rtmm_hardware::{AcceleratorId, PointId, PowerStates, PowerUnit, UnitSet};
use rtmm_scheduler::{Job, Run};
use rtmm_sim::execution::MemoryUse;
use rtmm_sim::{
    ContextSwitchRecord, DropCause, EndRecord, JobRecord, LayerRecord, MoveRecord, Observer, PowerEvent,
    ResizeRecord, SegmentRecord, System,
};
use rtmm_workload::{Duration, LayerId, ModelId, Time};

use crate::form::{
    Counter, Hold, JobMark, JobRef, MarkKind, SegmentPart, SegmentPartKind, SegmentSlice, TimelineForm,
};
use crate::level::Level;

/// Bytes in a second for each byte in 2^30 ps.
const BANDWIDTH_SCALE: f64 = 1e12 / (1_u64 << 30) as f64;

/// An observer that tells a form of all that happens in a run.
pub struct Timeline<'s> {
    system: &'s System,
    teller: Teller<'s>,
    /// By accelerator.
    accelerators: Vec<Occupied>,
    /// By slot of the run.
    open: Vec<OpenRun>,
    /// Jobs that were released and are not over.
    live: u64,
    /// Those of them that run.
    running: u64,
    queue: Level,
    bandwidth: Level,
    /// Time of the move of the job that is dispatched next.
    moving: Duration,
    /// Of hardware that states operating points.
    clocks: Vec<Clock<'s>>,
}

/// The clock of an accelerator, or of the memory.
#[derive(Clone, Copy, Debug)]
struct Clock<'s> {
    on: PowerUnit,
    states: &'s PowerStates,
    point: PointId,
    is_gated: bool,
    level: Level,
}

impl<'s> Clock<'s> {
    fn new(on: PowerUnit, states: &'s PowerStates) -> Self {
        let mut clock = Self { on, states, point: states.nominal, is_gated: false, level: Level::default() };
        // The value from the start on, which nothing is due before.
        clock.level.set(Time::ZERO, clock.hertz());
        clock
    }

    fn hertz(&self) -> u64 {
        self.states.point(self.point).filter(|_| !self.is_gated).map_or(0, |point| point.hertz)
    }
}

/// The form, until the first failure.
struct Teller<'s> {
    form: Box<dyn TimelineForm + 's>,
    failure: Option<io::Error>,
}

impl Teller<'_> {
    fn tell(&mut self, what: impl FnOnce(&mut dyn TimelineForm) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = what(self.form.as_mut()).err();
        }
    }

    fn counter(&mut self, due: Option<(Time, u64)>, counter: Counter, scale: f64) {
        if let Some((at, value)) = due {
            self.tell(|form| form.counter(at, counter, value as f64 * scale));
        }
    }
}

/// Units of an accelerator that runs hold.
#[derive(Clone, Copy, Debug)]
struct Occupied {
    /// The position of its first unit among all units of the platform.
    first_unit: usize,
    units: u32,
    held: u32,
    level: Level,
}

/// A run that is not over.
#[derive(Clone, Debug)]
struct OpenRun {
    job: JobRef,
    /// The number of jobs that it was dispatched with.
    jobs: u32,
    units: u32,
    from: Time,
    switched: bool,
    parts: Vec<SegmentPart>,
    /// The end of the last part; where the next layer begins, if there is none.
    covered: Time,
    /// Further units, each with the time since which it is held.
    held: Vec<(u32, Time)>,
}

impl OpenRun {
    fn new() -> Self {
        let job = JobRef { task: rtmm_workload::TaskId::new(0), frame: 0, sequence: 0 };
        let (from, covered) = (Time::ZERO, Time::ZERO);
        Self { job, jobs: 0, units: 0, from, switched: false, parts: Vec::new(), covered, held: Vec::new() }
    }

    fn push(&mut self, kind: SegmentPartKind, from: Time, to: Time) {
        let from = from.max(self.parts.last().map_or(self.from, |last| last.to));
        let to = to.max(from);
        self.parts.push(SegmentPart { kind, from, to });
        self.covered = to;
    }

    /// Ends the parts at `now`: what follows the last one is a part of the layer that is next, and what is yet to come of
    /// it does not.
    fn close(&mut self, now: Time, layer: u32, layers: usize) {
        while self.parts.last().is_some_and(|last| last.from > now) {
            self.parts.pop();
        }
        if let Some(last) = self.parts.last_mut() {
            last.to = last.to.min(now);
        }
        if self.covered < now && (layer as usize) < layers {
            self.push(SegmentPartKind::PartOfLayer(LayerId::new(layer as usize)), self.covered, now);
        }
        self.covered = now;
    }
}

impl From<&Job> for JobRef {
    fn from(job: &Job) -> Self {
        Self { task: job.task, frame: job.frame, sequence: job.sequence }
    }
}

impl<'s> Timeline<'s> {
    /// The timeline of a run of a system that is about to start.
    #[must_use]
    pub fn new(system: &'s System, form: Box<dyn TimelineForm + 's>) -> Self {
        let mut first_unit = 0;
        let mut accelerators = Vec::with_capacity(system.platform.accelerators.len());
        for accelerator in &system.platform.accelerators {
            let units = accelerator.units();
            accelerators.push(Occupied { first_unit, units, held: 0, level: Level::default() });
            first_unit += units as usize;
        }
        let own = (0..).zip(&system.platform.accelerators).filter_map(|(index, accelerator)| {
            let on = PowerUnit::Accelerator(AcceleratorId::new(index));
            Some(Clock::new(on, accelerator.power.as_ref()?))
        });
        let memory = system.platform.power.dram.iter().map(|states| Clock::new(PowerUnit::Dram, states));
        Self {
            clocks: own.chain(memory).collect(),
            system,
            teller: Teller { form, failure: None },
            accelerators,
            open: vec![OpenRun::new(); first_unit],
            live: 0,
            running: 0,
            queue: Level::default(),
            bandwidth: Level::default(),
            moving: Duration::ZERO,
        }
    }

    /// Ends the timeline of a run that is over.
    ///
    /// # Errors
    /// [`io::Error`] where something could not be written; what followed it was not.
    pub fn finish(self) -> io::Result<()> {
        self.teller.failure.map_or(Ok(()), Err)
    }

    fn unit(&self, run: &Run) -> u32 {
        (run.id.slot() - self.accelerators[run.accelerator.index()].first_unit) as u32
    }

    fn layers(&self, model: ModelId) -> usize {
        self.system.models[model.index()].layers.len()
    }

    /// Jobs were released, or began or ceased to run.
    fn count_jobs(&mut self, now: Time) {
        let due = self.queue.set(now, self.live.saturating_sub(self.running));
        self.teller.counter(due, Counter::Queue, 1.0);
    }

    /// Runs hold other units of an accelerator.
    fn occupy(&mut self, now: Time, accelerator: AcceleratorId, gained: u32, lost: u32) {
        let occupied = &mut self.accelerators[accelerator.index()];
        occupied.held = (occupied.held + gained).saturating_sub(lost);
        let due = occupied.level.set(now, u64::from(occupied.held));
        self.teller.counter(due, Counter::Utilisation(accelerator), percent_of(occupied.units));
    }

    /// A run holds further units from now on.
    fn gain(&mut self, now: Time, run: &Run, gained: UnitSet) {
        let home = UnitSet::only(self.unit(run));
        let further = gained.without(home).iter().map(|unit| (unit, now));
        self.open[run.id.slot()].held.extend(further);
        self.occupy(now, run.accelerator, gained.count(), 0);
    }

    /// A run no longer holds some of its units.
    fn lose(&mut self, now: Time, run: &Run, lost: UnitSet) {
        let (accelerator, teller) = (run.accelerator, &mut self.teller);
        let OpenRun { job, held, .. } = &mut self.open[run.id.slot()];
        held.retain(|(unit, from)| {
            let is_lost = lost.contains(*unit);
            if is_lost {
                teller.tell(|form| {
                    form.hold(&Hold { job: *job, accelerator, unit: *unit, from: *from, to: now })
                });
            }
            !is_lost
        });
        self.occupy(now, accelerator, 0, lost.count());
    }

    /// The clock of an accelerator or of the memory changes.
    fn change_clock(&mut self, now: Time, on: PowerUnit, change: impl FnOnce(&mut Clock<'_>)) {
        if let Some(clock) = self.clocks.iter_mut().find(|clock| clock.on == on) {
            change(clock);
            let due = clock.level.set(now, clock.hertz());
            self.teller.counter(due, Counter::Clock(on), 1.0);
        }
    }

    fn mark(&mut self, at: Time, job: &Job, kind: MarkKind) {
        let mark = JobMark { job: job.into(), at, deadline: job.deadline, kind };
        self.teller.tell(|form| form.mark(&mark));
    }

    /// A job is over.
    fn end_job(&mut self, now: Time, job: &Job, kind: MarkKind) {
        self.live = self.live.saturating_sub(1);
        self.count_jobs(now);
        self.mark(now, job, kind);
    }
}

/// An instant so long before another one.
fn before(at: Time, time: Duration) -> Time {
    Time::from_picoseconds(at.picoseconds().saturating_sub(time.picoseconds()))
}

/// The percentage that a unit is.
fn percent_of(units: u32) -> f64 {
    100.0 / f64::from(units.max(1))
}

impl Observer for Timeline<'_> {
    fn wants_layers(&self) -> bool {
        true
    }

    fn wants_memory(&self) -> bool {
        self.system.platform.shared_dram.is_some()
    }

    fn memory_used(&mut self, from: Time, _to: Time, used: MemoryUse) {
        let due = self.bandwidth.set(from, used.granted.bytes_per_window());
        self.teller.counter(due, Counter::Bandwidth, BANDWIDTH_SCALE);
    }

    fn released(&mut self, now: Time, job: &Job) {
        self.live += 1;
        self.count_jobs(now);
        self.mark(now, job, MarkKind::Released);
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        let open = &mut self.open[run.id.slot()];
        (open.job, open.units, open.from) = (job.into(), run.units.count(), now);
        (open.jobs, open.switched, open.covered) = (1, false, run.started);
        open.parts.clear();
        let moving = std::mem::take(&mut self.moving);
        if !moving.is_zero() {
            open.push(SegmentPartKind::Move, before(run.started, moving), run.started);
        }
        open.held.clear();
        self.running += 1;
        self.count_jobs(now);
        self.gain(now, run, run.units);
    }

    fn joined(&mut self, now: Time, run: &Run, _job: &Job) {
        self.open[run.id.slot()].jobs += 1;
        self.running += 1;
        self.count_jobs(now);
    }

    fn left(&mut self, now: Time, _record: &SegmentRecord<'_>) {
        self.running = self.running.saturating_sub(1);
        self.count_jobs(now);
    }

    fn context_switched(&mut self, _now: Time, run: &Run, switch: &ContextSwitchRecord) {
        let open = &mut self.open[run.id.slot()];
        open.switched = true;
        if !switch.time.is_zero() {
            // A move follows the switch.
            let moves = open.parts.pop();
            let end = moves.map_or(run.started, |moves| moves.from);
            open.push(SegmentPartKind::ContextSwitch, before(end, switch.time), end);
            open.parts.extend(moves);
            open.covered = run.started;
        }
    }

    fn moved(&mut self, _now: Time, record: &MoveRecord) {
        self.moving = record.time;
    }

    fn layer_completed(&mut self, _now: Time, record: &LayerRecord) {
        self.open[record.run.slot()].push(SegmentPartKind::Layer(record.layer), record.began, record.ended);
    }

    fn units_reserved(&mut self, now: Time, run: &Run, before: UnitSet) {
        self.gain(now, run, run.units.without(before));
    }

    fn resized(&mut self, now: Time, record: &ResizeRecord<'_>) {
        let ResizeRecord { run, before, to } = *record;
        let layers = self.layers(run.model);
        let open = &mut self.open[run.id.slot()];
        open.close(now, to.layer, layers);
        if run.started > now {
            open.push(SegmentPartKind::Migration, now, run.started);
        }
        self.lose(now, run, before.without(run.units));
    }

    fn power_changed(&mut self, now: Time, event: PowerEvent) {
        let accelerator = PowerUnit::Accelerator;
        match event {
            PowerEvent::InForce { on, point } => self.change_clock(now, on, |clock| clock.point = point),
            PowerEvent::Gated { on } => {
                self.change_clock(now, accelerator(on), |clock| clock.is_gated = true)
            }
            PowerEvent::Wakes { on } => {
                self.change_clock(now, accelerator(on), |clock| clock.is_gated = false)
            }
            PowerEvent::Changes { .. } => {}
        }
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        let SegmentRecord { run, to, .. } = *record;
        let (unit, layers, slot) = (self.unit(run), self.layers(run.model), run.id.slot());
        self.open[slot].close(now, to.layer, layers);
        self.lose(now, run, run.units);
        let OpenRun { job, jobs, units, from, switched, ref parts, .. } = self.open[slot];
        let (model, accelerator) = (run.model, run.accelerator);
        let segment =
            SegmentSlice { job, jobs, model, accelerator, unit, units, from, to: now, switched, parts };
        self.teller.tell(|form| form.segment(&segment));
        self.running = self.running.saturating_sub(1);
        self.count_jobs(now);
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        let job = record.job;
        if now > job.deadline {
            self.mark(job.deadline, job, MarkKind::Missed);
        }
        self.end_job(now, job, MarkKind::Completed);
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        self.end_job(now, record.job, MarkKind::Dropped(cause));
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        let job = record.job;
        if job.deadline <= now {
            self.mark(job.deadline, job, MarkKind::Missed);
        }
        // It stays in the queue, which the run leaves behind.
        self.mark(now, job, MarkKind::InFlight);
    }

    fn ended(&mut self, now: Time, _record: &EndRecord<'_>) {
        let due = self.queue.due();
        self.teller.counter(due, Counter::Queue, 1.0);
        if self.wants_memory() {
            for due in [self.bandwidth.set(now, 0), self.bandwidth.due()] {
                self.teller.counter(due, Counter::Bandwidth, BANDWIDTH_SCALE);
            }
        }
        for (index, occupied) in self.accelerators.iter_mut().enumerate() {
            let counter = Counter::Utilisation(AcceleratorId::new(index));
            self.teller.counter(occupied.level.due(), counter, percent_of(occupied.units));
        }
        for clock in &mut self.clocks {
            self.teller.counter(clock.level.due(), Counter::Clock(clock.on), 1.0);
        }
        self.teller.tell(|form| form.finish(now));
    }
}
