//! Governors: which operating points accelerators run at, and when they are gated.
//!
//! A governor is a part that any composed policy takes. It is asked before the policy dispatches anything, and says one
//! change at a time. The memory has one point for the whole run.
//!
//! | governor | rule |
//! | --- | --- |
//! | `max` | the highest point |
//! | `fixed` | one point, by its position |
//! | `race-to-idle` | the highest point; gates idle accelerators where that saves energy before the next frame is expected |
//! | `slowest-that-fits` | the lowest point at which what runs and what waits meets its deadlines |
//! | `cycle-conserving` | ccEDF of Pillai and Shin, *Real-Time Dynamic Voltage Scaling for Low-Power Embedded Operating Systems*, SOSP 2001 |
//!
//! Cycle-conserving EDF keeps a utilisation of each task, `C / P` with the worst case at the highest point from its release
//! on, and with what the job really took, scaled by the clock, from its completion on:
//!
//! ```text
//! f >= f_max * (sum of U_i / accelerators + B / min P)
//! ```
//!
//! `B` is the longest time for which a job of lower rank can block one: a quantum, a layer or a model, as the policy preempts.
//! The publication assumes that nothing blocks. Of several accelerators each is taken to serve an equal part of all tasks. A
//! task without a period counts with its deadline, and one without either asks for the highest point.

use rtmm_hardware::{AcceleratorId, ClassId, PointId, PowerStates, PowerUnit};
use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters};
use rtmm_workload::{Duration, ModelId, TaskId, Time};

use crate::decision::Decision;
use crate::ids::JobId;
use crate::parts::points::{class_at, highest, saves_by_gating};
use crate::policy::Notice;
use crate::state::PointState;
use crate::view::View;

/// The most positions of points that `governor_point` counts.
const MAX_POINT: u32 = rtmm_hardware::MAX_POINTS as u32 - 1;
/// One, in the units in which utilisations are summed.
const ONE: u128 = 1 << 32;

/// Governors by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    None,
    Max,
    Fixed,
    RaceToIdle,
    SlowestThatFits,
    CycleConserving,
}

/// The point of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MemoryPoint {
    Nominal,
    Lowest,
    Highest,
}

/// The longest that a job can be blocked by one that a policy ranks behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// Until the end of a quantum.
    Quantum,
    /// Until the end of a layer.
    Layer,
    /// Until the end of a model.
    Model,
}

/// A part of policies that sets operating points and gates accelerators; none where clocks stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governor(Option<Box<Governing>>);

/// A governor that governs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Governing {
    aim: Aim,
    memory: MemoryPoint,
    /// The last arrival of each task; none before the first.
    arrivals: Vec<Option<Time>>,
    /// Deadlines and remaining work of what waits, used again and again.
    waiting: Vec<(Time, JobId)>,
    /// By accelerator: the instant of the last change of its point.
    changed: Vec<Option<Time>>,
}

/// Rule by which points are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Aim {
    Highest { gates: bool },
    Fixed(u32),
    Deadlines,
    Utilisation(Box<CycleConserving>),
}

/// Knowledge of cycle-conserving EDF about tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CycleConserving {
    blocking: Blocking,
    /// By task: the part of its worst case that its last job took, in 2^-32; the whole from its release to its completion.
    taken: Vec<u64>,
    /// By accelerator and task: the worst case over the period, in 2^-32 and rounded up; none before the first look.
    worst: Vec<Vec<u128>>,
    /// By accelerator: the longest blocking over the least period, in the same units.
    blocked: Vec<u128>,
    /// By slot of jobs: time at the highest point that the job took so far, in picoseconds.
    took: Vec<u64>,
    /// Jobs that ran when the governor was last asked, each with its accelerator and the clock since then.
    running: Vec<Ran>,
}

/// A job that runs at a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ran {
    job: JobId,
    task: TaskId,
    accelerator: AcceleratorId,
    since: Time,
    hertz: (u64, u64),
}

impl Governor {
    /// `governor`.
    const WORD: Choice<Rule> = Choice::new(
        "governor",
        "which operating points accelerators run at, and when they are gated",
        Rule::None,
        &[
            ("none", Rule::None),
            ("max", Rule::Max),
            ("fixed", Rule::Fixed),
            ("race-to-idle", Rule::RaceToIdle),
            ("slowest-that-fits", Rule::SlowestThatFits),
            ("cycle-conserving", Rule::CycleConserving),
        ],
    );

    /// `governor_point`.
    const POINT: Integer<u32> = Integer::new(
        "governor_point",
        "the operating point of `fixed`, from 0 for the lowest; the highest where there are fewer",
        0,
        0..=MAX_POINT,
    );

    /// `governor_dram`.
    const DRAM: Choice<MemoryPoint> = Choice::new(
        "governor_dram",
        "the operating point of the memory under a governor",
        MemoryPoint::Nominal,
        &[
            ("nominal", MemoryPoint::Nominal),
            ("lowest", MemoryPoint::Lowest),
            ("highest", MemoryPoint::Highest),
        ],
    );

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::WORD, &Self::POINT, &Self::DRAM];

    /// Reads its parameters, for a policy under which jobs are blocked so long.
    #[must_use]
    pub fn read(parameters: &Parameters, blocking: Blocking) -> Self {
        let aim = match parameters.read(&Self::WORD) {
            Rule::None => return Self(None),
            Rule::Max => Aim::Highest { gates: false },
            Rule::RaceToIdle => Aim::Highest { gates: true },
            Rule::Fixed => Aim::Fixed(parameters.read(&Self::POINT)),
            Rule::SlowestThatFits => Aim::Deadlines,
            Rule::CycleConserving => Aim::Utilisation(Box::new(CycleConserving::new(blocking))),
        };
        let memory = parameters.read(&Self::DRAM);
        Self(Some(Box::new(Governing {
            aim,
            memory,
            arrivals: Vec::new(),
            waiting: Vec::new(),
            changed: Vec::new(),
        })))
    }

    /// True if it sets points or gates anything.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// The next change; none where everything is as it is to be, or is about to be.
    #[inline]
    pub fn next(&mut self, view: &View<'_>) -> Option<Decision> {
        self.0.as_mut()?.next(view)
    }

    /// Takes in what happened.
    #[inline]
    pub fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        if let Some(governing) = &mut self.0 {
            governing.notify(notice, view);
        }
    }
}

impl Governing {
    fn next(&mut self, view: &View<'_>) -> Option<Decision> {
        if let Aim::Utilisation(conserving) = &mut self.aim {
            conserving.look(view);
        }
        let dram = view.profile.power_states(PowerUnit::Dram).map(|states| match self.memory {
            MemoryPoint::Nominal => states.nominal,
            MemoryPoint::Lowest => PointId::new(0),
            MemoryPoint::Highest => highest(states),
        });
        if let Some(change) = dram.and_then(|to| change(PowerUnit::Dram, view.dram, to)) {
            return Some(change);
        }
        for index in 0..view.accelerators.len() {
            let accelerator = AcceleratorId::new(index);
            let on = PowerUnit::Accelerator(accelerator);
            let Some(states) = view.profile.power_states(on) else { continue };
            let state = &view.accelerators[index];
            let to = match &self.aim {
                _ if state.power.change.is_some() || states.points.len() == 1 => state.power.point,
                Aim::Highest { .. } => highest(states),
                Aim::Fixed(point) => PointId::new(*point as usize).min(highest(states)),
                Aim::Deadlines => {
                    let to = slowest_that_fits(view, accelerator, states, &mut self.waiting);
                    // What fits is judged from the point in force, so that two of them may each call for the other where
                    // a change takes no time: within one instant the second change and all later ones only raise.
                    let has_changed = self.changed.get(index) == Some(&Some(view.now));
                    if has_changed { to.max(state.power.point) } else { to }
                }
                Aim::Utilisation(conserving) => conserving.point(accelerator, states),
            };
            if let Some(change) = change(on, state.power, to) {
                self.changed.resize(view.accelerators.len(), None);
                self.changed[index] = Some(view.now);
                return Some(change);
            }
            if matches!(self.aim, Aim::Highest { gates: true })
                && state.is_idle()
                && !state.is_gated
                && view.ready().len() == 0
                && saves_by_gating(states, state.power.point, self.gap(view))
            {
                return Some(Decision::Gate { on: accelerator });
            }
        }
        None
    }

    /// Time until the next frame is expected: from the last arrival of each task and its period. The longest where no task
    /// that has a period has come yet.
    fn gap(&self, view: &View<'_>) -> Duration {
        let next = self.arrivals.iter().enumerate().filter_map(|(task, last)| {
            let period = view.task(TaskId::new(task)).period?;
            Some(last.as_ref()?.saturating_add(period.duration()))
        });
        next.min().map_or(Duration::MAX, |at| at.saturating_since(view.now))
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        if let Notice::Released(job) = *notice
            && let Some(job) = view.job(job)
        {
            self.arrivals.resize(view.tasks(), None);
            self.arrivals[job.task.index()] = Some(job.arrival);
        }
        if let Aim::Utilisation(conserving) = &mut self.aim {
            conserving.notify(notice, view);
        }
    }
}

/// The change to a point; none where it is in force, or where a change is under way.
fn change(on: PowerUnit, state: PointState, to: PointId) -> Option<Decision> {
    (state.change.is_none() && state.point != to).then_some(Decision::SetPoint { on, point: to })
}

/// The lowest point at which an accelerator does what it runs, and its part of what waits, by earliest deadline in time; the
/// highest where it cannot. Of several accelerators each is taken to do an equal part of what waits.
fn slowest_that_fits(
    view: &View<'_>,
    accelerator: AcceleratorId,
    states: &PowerStates,
    waiting: &mut Vec<(Time, JobId)>,
) -> PointId {
    waiting.clear();
    waiting.extend(view.ready().map(|job| (job.deadline, job.id)));
    waiting.sort_unstable_by_key(|(deadline, job)| (*deadline, job.slot()));
    let among = view.accelerators.len().max(1) as u128;
    let fits = |point: PointId| {
        let class = class_at(view, accelerator, point);
        let mut ends = view.now;
        if states.switch.stalls && view.accelerators[accelerator.index()].power.point != point {
            ends = ends.saturating_add(states.switch.time);
        }
        for (run, job) in view.running().filter(|(run, _)| run.accelerator == accelerator) {
            let (of_run, at_point) =
                (run_remaining(view, run.model, run.class), run_remaining(view, run.model, class));
            let left = run.expected_end.saturating_since(view.now).picoseconds();
            // The rest of the segment in proportion, then the rest of the job.
            let left = u128::from(left) * at_point / of_run.max(1);
            let after = view.profile.remaining(run.model, run.stop, class);
            ends = later(ends, left).saturating_add(after);
            if ends > job.deadline {
                return false;
            }
        }
        let mut work = 0_u128;
        waiting.iter().all(|(deadline, job)| {
            let left = view.job(*job).map(|job| view.profile.remaining(job.model, job.progress, class));
            work += u128::from(left.unwrap_or_default().picoseconds());
            later(ends, work.div_ceil(among)) <= *deadline
        })
    };
    states.ids().find(|point| fits(*point)).unwrap_or_else(|| highest(states))
}

/// All of a model in a class, in picoseconds.
fn run_remaining(view: &View<'_>, model: ModelId, class: ClassId) -> u128 {
    u128::from(view.profile.worst_remaining(model, 0, class).picoseconds())
}

fn later(time: Time, picoseconds: u128) -> Time {
    time.saturating_add(Duration::from_picoseconds(u64::try_from(picoseconds).unwrap_or(u64::MAX)))
}

impl CycleConserving {
    const fn new(blocking: Blocking) -> Self {
        Self {
            blocking,
            taken: Vec::new(),
            worst: Vec::new(),
            blocked: Vec::new(),
            took: Vec::new(),
            running: Vec::new(),
        }
    }

    /// Counts what ran since the last look, and sees what runs now.
    fn look(&mut self, view: &View<'_>) {
        if self.worst.is_empty() {
            self.begin(view);
        }
        self.settle(view.now);
        self.running.clear();
        self.running.extend(view.running().map(|(run, job)| Ran {
            job: job.id,
            task: job.task,
            accelerator: run.accelerator,
            since: view.now.max(run.started),
            hertz: clock(view, run.accelerator),
        }));
    }

    /// Worst cases of all tasks on all accelerators.
    fn begin(&mut self, view: &View<'_>) {
        let tasks = || (0..view.tasks()).map(TaskId::new);
        self.taken = tasks().map(|_| u64::try_from(ONE).unwrap_or(u64::MAX)).collect();
        for accelerator in (0..view.accelerators.len()).map(AcceleratorId::new) {
            let class = fastest_class(view, accelerator);
            let least = tasks().filter_map(|task| period(view, task)).min();
            let of_task = |task| match period(view, task) {
                Some(period) => share(worst_case(view, task, class), period),
                None => ONE,
            };
            let longest = tasks().map(|task| self.blocking.of_task(view, task, class)).max();
            self.worst.push(tasks().map(of_task).collect());
            self.blocked.push(least.map_or(ONE, |least| share(longest.unwrap_or_default(), least)));
        }
    }

    fn settle(&mut self, now: Time) {
        for ran in &mut self.running {
            let (at, of) = ran.hertz;
            let took = u128::from(now.saturating_since(ran.since).picoseconds()) * u128::from(at);
            let took = took.div_ceil(u128::from(of.max(1)));
            if self.took.len() <= ran.job.slot() {
                self.took.resize(ran.job.slot() + 1, 0);
            }
            let sum = &mut self.took[ran.job.slot()];
            *sum = sum.saturating_add(u64::try_from(took).unwrap_or(u64::MAX));
            ran.since = ran.since.max(now);
        }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        match *notice {
            Notice::Released(id) => {
                if let Some(task) = view.job(id).map(|job| job.task.index()) {
                    if let Some(taken) = self.taken.get_mut(task) {
                        *taken = u64::try_from(ONE).unwrap_or(u64::MAX);
                    }
                    if let Some(took) = self.took.get_mut(id.slot()) {
                        *took = 0;
                    }
                }
            }
            Notice::Completed(id) => {
                self.settle(view.now);
                let Some(ran) = self.running.iter().find(|ran| ran.job == id).copied() else { return };
                let class = fastest_class(view, ran.accelerator);
                let worst = worst_case(view, ran.task, class);
                let took = Duration::from_picoseconds(self.took.get(id.slot()).copied().unwrap_or(0));
                let part = share(took.min(worst), worst.max(Duration::from_picoseconds(1)));
                self.taken[ran.task.index()] = u64::try_from(part.min(ONE)).unwrap_or(u64::MAX);
            }
            Notice::Dropped(id) => {
                if let Some(task) = view.job(id).map(|job| job.task.index())
                    && let Some(taken) = self.taken.get_mut(task)
                {
                    *taken = 0;
                }
            }
            _ => {}
        }
    }

    /// The lowest point whose clock is as fast as the utilisation asks for; the highest where none is.
    fn point(&self, accelerator: AcceleratorId, states: &PowerStates) -> PointId {
        let (Some(worst), Some(blocked)) =
            (self.worst.get(accelerator.index()), self.blocked.get(accelerator.index()))
        else {
            return highest(states);
        };
        let of_tasks = worst.iter().zip(&self.taken);
        let sum: u128 = of_tasks.map(|(worst, taken)| (worst * u128::from(*taken)).div_ceil(ONE)).sum();
        let asked = sum.div_ceil(self.worst.len() as u128) + blocked;
        let most = states.point(highest(states)).map_or(1, |point| u128::from(point.hertz));
        let is_enough = |point: &PointId| {
            states.point(*point).is_some_and(|at| u128::from(at.hertz) * ONE >= asked.saturating_mul(most))
        };
        states.ids().find(is_enough).unwrap_or_else(|| highest(states))
    }
}

impl Blocking {
    /// The longest that a job of a task can block another one, on all units of a class.
    fn of_task(self, view: &View<'_>, task: TaskId, class: ClassId) -> Duration {
        let profile = view.profile;
        let of_layer = |model: ModelId, layer: u32| {
            let latency = profile.latency(model, layer, class).picoseconds();
            match self {
                Self::Quantum => latency.div_ceil(u64::from(profile.quanta(model, layer, class))),
                Self::Layer | Self::Model => latency,
            }
        };
        let of_model = |model: ModelId| {
            let layers = (0..profile.layers(model)).map(|layer| of_layer(model, layer));
            match self {
                Self::Quantum | Self::Layer => layers.max().unwrap_or(0),
                Self::Model => layers.fold(0, u64::saturating_add),
            }
        };
        models(view, task).map(of_model).max().map_or(Duration::ZERO, Duration::from_picoseconds)
    }
}

/// The model that a task runs, and those that it may run in its place.
fn models<'v>(view: &View<'v>, task: TaskId) -> impl Iterator<Item = ModelId> + use<'v> {
    let info = view.task(task);
    std::iter::once(info.model).chain(info.variants.iter().copied())
}

/// The worst case of a task in a class: of all models that it may run, with nothing skipped.
fn worst_case(view: &View<'_>, task: TaskId, class: ClassId) -> Duration {
    models(view, task).map(|model| view.profile.worst_remaining(model, 0, class)).max().unwrap_or_default()
}

fn period(view: &View<'_>, task: TaskId) -> Option<Duration> {
    let info = view.task(task);
    info.period.map(|period| period.duration()).or(info.deadline)
}

/// The class of all units of an accelerator at its highest point, with the memory as it is.
fn fastest_class(view: &View<'_>, accelerator: AcceleratorId) -> ClassId {
    match view.profile.power_states(PowerUnit::Accelerator(accelerator)) {
        Some(states) => class_at(view, accelerator, highest(states)),
        None => view.profile.whole(accelerator),
    }
}

/// The clock of an accelerator now, and its highest, in hertz.
fn clock(view: &View<'_>, accelerator: AcceleratorId) -> (u64, u64) {
    let states = view.profile.power_states(PowerUnit::Accelerator(accelerator));
    let hertz = |point| states.and_then(|states| states.point(point)).map_or(1, |point| point.hertz);
    let highest = states.map_or(PointId::new(0), highest);
    (hertz(view.accelerators[accelerator.index()].power.point), hertz(highest))
}

/// One time over another, in 2^-32 and rounded up.
fn share(part: Duration, whole: Duration) -> u128 {
    (u128::from(part.picoseconds()) * ONE).div_ceil(u128::from(whole.picoseconds().max(1)))
}
