//! Policies for tests: one that takes random decisions, all of them legal, and plain ones.

use std::num::NonZeroU32;

use rtmm_hardware::{AcceleratorId, Class, ClassId, PointId, PowerUnit, Share, Shares, UnitSet, Units};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Interests, JobId, Notice, Policy, PolicyError, Preemption, Truth, VariantId,
    View,
};
use rtmm_workload::{Duration, Time};

use super::hash;

/// The first of a layer's equal steps at or after `elapsed` of its time, at least one after `from`, with
/// its distance from the layer's beginning there; none if that is the layer's end. Steps end at the
/// whole picosecond before or at their exact end. A layer that takes no time is not divided.
pub fn next_quantum(latency: u64, from: u32, quanta: u32, elapsed: u64) -> Option<(u32, u64)> {
    let until = |quantum: u32| latency * u64::from(quantum) / u64::from(quanta.max(1));
    (from + 1..quanta)
        .filter(|_| latency > 0)
        .map(|quantum| (quantum, until(quantum) - until(from)))
        .find(|(_, distance)| *distance >= elapsed)
}

/// Ready jobs in the order of release, each to the first idle accelerator that runs its next layer, and nothing else.
#[derive(Clone, Debug)]
pub struct Fcfs {
    /// Extent of its dispatches.
    pub extent: Extent,
    /// Decision time.
    pub time: Duration,
    /// Events that it is notified of.
    pub interests: Interests,
}

impl Fcfs {
    /// First come, first served, this much at once.
    pub fn new(extent: Extent) -> Box<Self> {
        Box::new(Self { extent, time: Duration::ZERO, interests: Interests::default() })
    }
}

impl Policy for Fcfs {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        let mut free: Vec<_> = view.free.clone();
        for job in view.ready() {
            if let Some(first) = free.iter().position(|accelerator| view.can_run(job, *accelerator)) {
                out.push(Decision::dispatch(job.id, None, free.remove(first), self.extent));
            }
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.interests
    }

    fn decision_time(&self, _: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.time)
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

/// Decisions after which the policy becomes calm: it dispatches all that it can and stops nothing any more. A run to the last job
/// would have no end where layers are lost, or clocks change, faster than they get done. Runs that end take a few thousand.
const CALM_AFTER: u64 = 20_000;
/// The habits of a calm policy.
const CALM: Habits =
    Habits { dispatch: 256, batch: 0, preempt: 0, context: 0, resize: 0, drop: 0, share: 0, timer: 0 };

/// Probability of a change of power, in 256ths of an opportunity: platforms that state none have none.
const POWER: u64 = 40;

/// Probability of each kind of decision, in 256ths of an opportunity.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    pub dispatch: u64,
    /// Of dispatches of jobs that have not started, where accelerators run batches.
    pub batch: u64,
    pub preempt: u64,
    /// Of preemptions inside a layer: those that write the context or lose the layer.
    pub context: u64,
    pub resize: u64,
    pub drop: u64,
    pub share: u64,
    pub timer: u64,
}

/// Takes random legal decisions, each a function of the seed, the instant in units of time and the round.
#[derive(Clone, Debug)]
pub struct Scripted {
    seed: u64,
    habits: Habits,
    interests: Interests,
    time: Duration,
    /// A unit of time, in picoseconds.
    scale: u64,
    /// Meaning of shares of memory.
    shares: Shares,
    last: Time,
    round: u64,
    /// Decisions so far.
    decided: u64,
    waking: Time,
    /// By slot.
    runs: Vec<Run>,
    /// Running jobs that were told to be dropped.
    dropped: Vec<JobId>,
}

/// State of a run, as the policy knows it.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// The layer that runs, for policies that are notified of layers.
    layer: u32,
    /// Steps of it that were done before.
    quantum: u32,
    /// When it began.
    began: u64,
    is_ending: bool,
}

/// State that a list of decisions leaves for those that follow in it.
struct Left {
    /// By accelerator.
    free: Vec<UnitSet>,
    millionths: u32,
}

impl Scripted {
    /// A policy of this seed, for a memory whose shares have a meaning.
    pub fn new(
        seed: u64,
        habits: Habits,
        interests: Interests,
        time: Duration,
        scale: u64,
        shares: Shares,
    ) -> Box<Self> {
        Box::new(Self {
            seed,
            habits,
            interests,
            time,
            scale,
            shares,
            last: Time::ZERO,
            round: 0,
            decided: 0,
            waking: Time::ZERO,
            runs: Vec::new(),
            dropped: Vec::new(),
        })
    }

    fn draw(&self, purpose: u64, index: u64) -> u64 {
        let at = self.last.picoseconds() / self.scale.max(1);
        hash(&[self.seed, at, self.round, purpose, index])
    }

    fn chance(&self, purpose: u64, index: u64, of_256: u64) -> bool {
        self.draw(purpose, index) >> 56 < of_256
    }

    fn pick(&self, purpose: u64, index: u64, below: usize) -> usize {
        ((self.draw(purpose, index) >> 8) % below.max(1) as u64) as usize
    }

    fn dispatches(&mut self, view: &View<'_>, left: &mut Left, out: &mut Decisions) {
        let mut ready: Vec<_> = view.ready().collect();
        for accelerator in &view.free {
            let index = accelerator.index() as u64;
            if ready.is_empty() || !self.chance(1, index, self.habits.dispatch) {
                continue;
            }
            let state = view.accelerators[accelerator.index()];
            let free = left.free[accelerator.index()];
            let fits = |class: &&ClassId| view.profile.class(**class).units <= free.count();
            let classes: Vec<&ClassId> = view.profile.classes_of(*accelerator).iter().filter(fits).collect();
            if classes.is_empty() {
                continue;
            }
            let class = *classes[self.pick(18, index, classes.len())];
            let Class { units, share, .. } = *view.profile.class(class);
            let chosen = self.pick(2, index, ready.len());
            let job = ready[chosen];
            let variants = &view.task(job.task).variants;
            let variant = match self.pick(3, index, 3) {
                0 => None,
                _ if job.started => variants.iter().position(|model| *model == job.model),
                _ => Some(self.pick(4, index, variants.len())),
            };
            let model = variant.map_or(job.model, |variant| variants[variant]);
            if !view.profile.supports(model, job.progress.layer, class) {
                continue;
            }
            if self.shares == Shares::Parts {
                let part = share.map_or(0, Share::millionths);
                let Some(rest) = left.millionths.checked_sub(part) else { continue };
                left.millionths = rest;
            }
            let taken = free.lowest_of(units);
            left.free[accelerator.index()] = free.without(taken);
            ready.swap_remove(chosen);
            let extent = match self.pick(5, index, 4) {
                0 => Extent::LAYER,
                1 => NonZeroU32::new(1 + self.pick(6, index, 4) as u32).map_or(Extent::Rest, Extent::Layers),
                _ => Extent::Rest,
            };
            let is_whole = units == state.units;
            let mut jobs = vec![job.id];
            if !job.started && self.chance(23, index, self.habits.batch) {
                let largest = view.profile.largest_batch(model, *accelerator, class) as usize;
                let most = 1 + self.pick(24, index, largest);
                ready.retain(|other| {
                    let as_one = variant.map_or(Some(other.model), |variant| {
                        view.task(other.task).variants.get(variant).copied()
                    });
                    let joins = jobs.len() < most && !other.started && as_one == Some(model);
                    if joins {
                        jobs.push(other.id);
                    }
                    !joins
                });
            }
            let jobs = out.batch(jobs);
            out.push(Decision::Dispatch {
                jobs,
                variant: variant.map(VariantId::new),
                on: *accelerator,
                units: Units::exactly(units).filter(|_| !is_whole).unwrap_or(Units::All),
                extent,
            });
            let quanta = view.profile.quanta(model, job.progress.layer, class);
            let done = job.progress;
            // The same progress in the steps that the layer has here, rounded down.
            let quantum = (u64::from(done.quantum) * u64::from(quanta)).checked_div(u64::from(done.quanta));
            let slot = state.first_unit + taken.lowest().expect("a unit");
            self.runs[slot as usize] = Run {
                layer: done.layer,
                quantum: quantum.unwrap_or(0) as u32,
                began: u64::MAX,
                is_ending: false,
            };
        }
    }

    fn preemptions(&mut self, view: &View<'_>, out: &mut Decisions) {
        for run in view.runs() {
            let slot = run.id.slot();
            let known = self.runs[slot];
            if known.is_ending
                || run.is_ending
                || !self.interests.layers
                || !self.chance(7, slot as u64, self.habits.preempt)
            {
                continue;
            }
            let mode = self.mode(view, slot as u64);
            let began = if known.began == u64::MAX { run.started.picoseconds() } else { known.began };
            let within = (mode != Preemption::Layer)
                .then(|| {
                    next_quantum(
                        view.profile.latency(run.model, known.layer, run.class).picoseconds(),
                        known.quantum,
                        view.profile.quanta(run.model, known.layer, run.class),
                        view.now.picoseconds().saturating_sub(began),
                    )
                })
                .flatten();
            // A layer that has just begun, not the segment's first, is a boundary itself.
            let at_boundary = known.began == view.now.picoseconds();
            if known.layer + 1 < run.stop || within.is_some() || at_boundary {
                out.push(Decision::Preempt { run: run.id, mode });
                self.runs[slot].is_ending = true;
            }
        }
    }

    fn mode(&self, view: &View<'_>, slot: u64) -> Preemption {
        if self.chance(8, slot, 128) {
            Preemption::Layer
        } else if !self.chance(21, slot, self.habits.context) {
            Preemption::Quantum
        } else if self.chance(22, slot, 96) || view.profile.without_context_moves().is_some() {
            Preemption::Kill
        } else {
            Preemption::Checkpoint
        }
    }

    fn resizes(&mut self, view: &View<'_>, left: &mut Left, out: &mut Decisions) {
        for run in view.runs() {
            let slot = run.id.slot() as u64;
            if self.runs[run.id.slot()].is_ending
                || run.is_ending
                || run.next_class.is_some()
                || !self.chance(19, slot, self.habits.resize)
            {
                continue;
            }
            let free = left.free[run.accelerator.index()];
            let most = free.count() + run.units.count();
            let jobs = run.jobs.count();
            let fits = |class: &&ClassId| {
                view.profile.class(**class).units != view.profile.class(run.class).units
                    && view.profile.class(**class).units <= most
                    && jobs <= view.profile.largest_batch(run.model, run.accelerator, **class)
            };
            let classes: Vec<&ClassId> =
                view.profile.classes_of(run.accelerator).iter().filter(fits).collect();
            if classes.is_empty() {
                continue;
            }
            let units = view.profile.class(*classes[self.pick(20, slot, classes.len())]).units;
            let gained = free.lowest_of(units.saturating_sub(run.units.count()));
            left.free[run.accelerator.index()] = free.without(gained);
            let all = view.accelerators[run.accelerator.index()].units;
            let units = Units::exactly(units).filter(|_| units < all).unwrap_or(Units::All);
            out.push(Decision::Resize { run: run.id, units });
        }
    }

    fn shares(&mut self, view: &View<'_>, left: &mut Left, out: &mut Decisions) {
        if self.shares == Shares::None || !self.chance(9, 0, self.habits.share) {
            return;
        }
        let runs: Vec<_> = view.runs().collect();
        if runs.is_empty() {
            return;
        }
        let run = runs[self.pick(10, 0, runs.len())];
        let free = match self.shares {
            Shares::Parts => left.millionths + run.share.millionths(),
            _ => 1_000_000,
        };
        // At least a little: without bandwidth nothing ever ends.
        let millionths = (self.pick(11, 0, free as usize + 1) as u32).max(free.min(10_000));
        if let Some(share) = Share::from_millionths(millionths) {
            out.push(Decision::SetShare { run: run.id, share });
        }
    }

    /// Changes of operating points, and accelerators that are gated.
    fn powers(&mut self, view: &View<'_>, left: &Left, out: &mut Decisions) {
        let accelerators = (0..view.accelerators.len()).map(AcceleratorId::new).map(PowerUnit::Accelerator);
        for (index, on) in (0..).zip(accelerators.chain([PowerUnit::Dram])) {
            let Some(states) = view.profile.power_states(on) else { continue };
            let state = match on {
                PowerUnit::Accelerator(accelerator) => view.accelerators[accelerator.index()].power,
                PowerUnit::Dram => view.dram,
            };
            if states.points.len() > 1 && state.change.is_none() && self.chance(23, index, POWER) {
                let others: Vec<PointId> = states.ids().filter(|point| *point != state.point).collect();
                let point = others[self.pick(24, index, others.len())];
                out.push(Decision::SetPoint { on, point });
            }
            let PowerUnit::Accelerator(accelerator) = on else { continue };
            let state = &view.accelerators[accelerator.index()];
            let is_idle = left.free[accelerator.index()] == UnitSet::first(state.units);
            if states.gating.is_some() && is_idle && !state.is_gated && self.chance(25, index, POWER) {
                out.push(Decision::Gate { on: accelerator });
            }
        }
    }

    /// A job to drop. What depends on it may go with it, so that nothing may follow.
    fn drop_one(&mut self, view: &View<'_>, out: &mut Decisions) {
        if !self.chance(12, 0, self.habits.drop) {
            return;
        }
        let is_going = |job: JobId| {
            out.iter().any(|decision| {
                let Decision::Dispatch { jobs, .. } = decision else { return false };
                out.jobs_of(jobs).expect("jobs of this list").contains(&job)
            })
        };
        let idle =
            view.ready().chain(view.waiting()).filter(|job| !is_going(job.id)).map(|job| (job.id, None));
        // What happens to a batch is for the engine to know.
        let running = view.runs().flat_map(|run| {
            let slot = run.jobs.single().map(|_| run.id.slot());
            view.jobs_of(run).iter().map(move |job| (*job, slot))
        });
        let running = running.filter(|(job, _)| !self.dropped.contains(job));
        let all: Vec<(JobId, Option<usize>)> = idle.chain(running).collect();
        if all.is_empty() {
            return;
        }
        let (job, slot) = all[self.pick(13, 0, all.len())];
        if let Some(slot) = slot {
            self.runs[slot].is_ending = true;
        }
        self.dropped.push(job);
        out.push(Decision::Drop { job });
    }
}

impl Policy for Scripted {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        let units: u32 = view.accelerators.iter().map(|accelerator| accelerator.units).sum();
        self.runs.resize(units as usize, Run::default());
        self.round = if view.now == self.last { self.round + 1 } else { 0 };
        self.last = view.now;
        let is_calm = self.decided >= CALM_AFTER;
        if is_calm {
            self.habits = CALM;
        }
        if self.round < 6 {
            let parts = view.runs().filter(|_| self.shares == Shares::Parts);
            let taken: u32 = parts.map(|run| run.share.millionths()).sum();
            let mut left = Left {
                free: view.accelerators.iter().map(|accelerator| accelerator.free).collect(),
                millionths: 1_000_000 - taken,
            };
            self.preemptions(view, out);
            self.resizes(view, &mut left, out);
            self.dispatches(view, &mut left, out);
            self.shares(view, &mut left, out);
            if !is_calm {
                self.powers(view, &left, out);
            }
            if self.chance(14, 0, self.habits.timer) {
                let at = view.now.saturating_add(Duration::from_picoseconds(
                    (1 + self.pick(15, 0, 9) as u64) * self.scale,
                ));
                out.push(Decision::SetTimer { at, tag: self.draw(16, 0) });
            }
            self.drop_one(view, out);
        }
        // A policy that idles while there is work has to be asked again.
        if out.is_empty() && !view.is_stuck() && self.waking <= view.now {
            self.waking = view
                .now
                .saturating_add(Duration::from_picoseconds((1 + self.pick(17, 0, 6) as u64) * self.scale));
            out.push(Decision::SetTimer { at: self.waking, tag: 0 });
        }
        self.decided += out.iter().count() as u64;
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.interests
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        let Notice::LayerCompleted { job, layer, run, .. } = notice else { return Ok(()) };
        let of_run = view.run(*run).map(|run| view.jobs_of(run));
        assert!(of_run.is_some_and(|jobs| jobs.contains(job)), "layers complete where they were dispatched");
        let run = &mut self.runs[run.slot()];
        *run = Run { layer: layer.index() as u32 + 1, quantum: 0, began: view.now.picoseconds(), ..*run };
        Ok(())
    }

    fn decision_time(&self, _: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.time)
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}
