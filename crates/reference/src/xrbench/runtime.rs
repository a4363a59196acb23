//! The artifact's runtime: load generation, dispatch, retirement.
//!
//! One run is a loop over events. Time is `f32` milliseconds, as in the published program: one
//! step of the float is 6e-5 ms at 700 ms, and near-ties go the way that rounding sends them.
//!
//! An event at time `t` does, in this order:
//!
//! 1. generate: each task, in the order of declaration, releases its next frame if that is due;
//! 2. retire: jobs that are complete are logged and scored;
//! 3. drop: each queue, in alphabetical order, loses its head while that is overdue;
//! 4. dispatch: each queue, in alphabetical order, may start its head on the fastest idle
//!    accelerator, over and over until nothing starts.
//!
//! The next event is the next tick of the fastest task, or the next completion if that is sooner.
//! The run ends with the event that generates the last frame of the last task.
//!
//! That is the artifact. [`Fixes`] change single rules; each stands beside the quirk that it fixes.
//!
//! A run makes about (ticks + completions) events of a few dozen steps a task: microseconds. The
//! queues are allocated once a run, nothing in the loop but their growth.

use std::borrow::Cow;
use std::collections::VecDeque;

use rtmm_hardware::AcceleratorId;
use rtmm_workload::{Arrivals, Deadline, DependencyKind, Duration, Period, Scenario, Task, TaskId};
use serde::Serialize;

use crate::error::ReferenceError;
use crate::glibc_random::GlibcRandom;
use crate::xrbench::costs::{ModelCost, TaskCosts};
use crate::xrbench::fixes::Fixes;
use crate::xrbench::scoring::{Parameters, Tally, TaskScores, overall_percent};

/// The longest run: beyond it `f32` no longer counts single milliseconds.
pub const LONGEST_RUN_MS: u32 = 1 << f32::MANTISSA_DIGITS;

/// Distance ahead of the event at which a completion may lie to be retired by it, in milliseconds.
const RETIRE_AHEAD_MS: f32 = 0.01;
/// Cycles in a millisecond of the artifact's 1 GHz clock.
const CYCLES_PER_MS: f32 = 1e6;
/// Nanojoules in a millijoule.
const NJ_PER_MJ: f64 = 1e6;
const PICOSECONDS_PER_MS: u64 = 1_000_000_000;

/// A scenario on a platform, resolved to what the loop needs. Reusable for any number of seeds.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// In the order of declaration.
    tasks: Vec<TaskPlan>,
    /// The tasks by name: the order of service.
    ///
    /// Quirk 12 (alphabetical service): the artifact keeps its queues in a map keyed by the
    /// model's name, so that the alphabet is a hidden priority.
    alphabetical: Vec<usize>,
    accelerators: usize,
    /// The ticks: multiples of the shortest frame interval.
    ticks: Interval,
    run_length_ms: u32,
    parameters: Parameters,
    fixes: Fixes,
}

#[derive(Clone, Debug)]
struct TaskPlan {
    /// Distance of the frames, and their relative deadline.
    interval: Interval,
    /// Frames of the run.
    frames: u32,
    trigger_probability: f32,
    /// Positions of the tasks that this one waits for.
    depends_on: Vec<usize>,
    /// An entry an accelerator.
    costs: Vec<FrameCost>,
}

/// The distance of frames or ticks.
#[derive(Clone, Copy, Debug)]
enum Interval {
    /// Quirk 10 (integer intervals): floor(1000 / fps) ms, so that 60 fps is really 62.5.
    Milliseconds(u32),
    /// Quirk 10, fixed: the rate itself.
    Exact(Period),
}

/// Cost of a frame on an accelerator.
#[derive(Clone, Copy, Debug)]
struct FrameCost {
    cycles: u64,
    latency_ms: f32,
    energy_mj: f32,
}

/// A frame that waits.
#[derive(Clone, Copy, Debug)]
struct Request {
    frame: u32,
    /// Nominal.
    released_ms: f32,
    injected_ms: f32,
    deadline_ms: f32,
}

/// A frame that runs.
#[derive(Clone, Copy, Debug)]
struct Running {
    task: usize,
    request: Request,
    dispatched_ms: f32,
    completes_ms: f32,
    energy_mj: f32,
}

/// A frame that the artifact logs, as it is logged: in the order of events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct JobRow {
    /// The task.
    pub task: TaskId,
    /// The frame, counted from 0.
    pub frame: u32,
    /// The event that noticed the frame, in milliseconds; its nominal release only with
    /// [`Fixes::own_releases`].
    pub injected_ms: f32,
    /// Absolute deadline, in milliseconds: the nominal release of the next frame.
    pub deadline_ms: f32,
    /// Its fate.
    pub end: JobEnd,
}

/// Fate of a logged frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobEnd {
    /// It ran from `dispatched_ms` to `completed_ms`.
    Completed {
        /// Where it ran.
        accelerator: AcceleratorId,
        /// Start, in milliseconds.
        dispatched_ms: f32,
        /// End, in milliseconds.
        completed_ms: f32,
        /// Its real-time score.
        real_time_score: f32,
        /// Its energy, in millijoules.
        energy_mj: f32,
    },
    /// It was dropped before it started; with [`Fixes::whole_run`] also where the end of the run
    /// found it due and unfinished.
    Dropped {
        /// The event that dropped it, in milliseconds.
        at_ms: f32,
    },
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The artifact's score, in percent; 0 where nothing was logged.
    pub overall_score: f32,
    /// In the order of declaration.
    pub tasks: Vec<TaskOutcome>,
}

/// The result of a run for one task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TaskOutcome {
    /// The task.
    pub task: TaskId,
    /// Frames of the run: run length by frame interval, rounded down; with [`Fixes::exact_rates`],
    /// frames that arrive before the run's end.
    pub generated: u32,
    /// Frames whose trigger held and which were queued.
    pub requested: u32,
    /// Frames that completed before the run ended.
    pub completed: u32,
    /// Frames that were dropped.
    pub dropped: u32,
    /// Completed and dropped frames; what else was requested was cut off by the run's end.
    pub logged: u32,
    /// The scores; none where nothing was logged.
    pub scores: Option<TaskScores>,
}

impl Runtime {
    /// Resolves a scenario for the artifact's loop, quirks and all. The run lasts as long as the parameters say, else as the scenario does,
    /// rounded down to whole milliseconds.
    ///
    /// # Errors
    /// [`ReferenceError`] where the artifact's loop cannot express the scenario: no tasks, an
    /// interval below a millisecond, a deadline that is not the period, pins, a run of no whole
    /// milliseconds or beyond [`LONGEST_RUN_MS`], parameters out of range; or where `costs` are
    /// another scenario's.
    pub fn new(
        scenario: &Scenario,
        costs: &TaskCosts,
        parameters: &Parameters,
    ) -> Result<Self, ReferenceError> {
        Self::with_fixes(scenario, costs, parameters, Fixes::default())
    }

    /// Resolves a scenario for a loop without some of the quirks.
    ///
    /// # Errors
    /// Those of [`Runtime::new`].
    pub fn with_fixes(
        scenario: &Scenario,
        costs: &TaskCosts,
        parameters: &Parameters,
        fixes: Fixes,
    ) -> Result<Self, ReferenceError> {
        parameters.validate()?;
        let count = scenario.tasks.len();
        if count == 0 {
            return Err(ReferenceError::NoTasks);
        }
        if !scenario.phases.is_empty() {
            return Err(ReferenceError::Phases);
        }
        if costs.tasks() != count || costs.accelerators() == 0 {
            return Err(ReferenceError::CostsDoNotFit {
                tasks: count,
                rows: costs.tasks(),
                accelerators: costs.accelerators(),
            });
        }
        let run_length_ms =
            parameters.run_length_ms.map_or_else(|| whole_milliseconds(scenario.duration), u64::from);
        let run_length_ms = u32::try_from(run_length_ms)
            .ok()
            .filter(|length| (1..=LONGEST_RUN_MS).contains(length))
            .ok_or(ReferenceError::RunLength { milliseconds: run_length_ms, longest: LONGEST_RUN_MS })?;

        let mut tasks = Vec::with_capacity(count);
        for (position, task) in scenario.tasks.iter().enumerate() {
            let exact = plain_period(task)?;
            let period = exact.duration();
            let name = || task.name.clone();
            match task.deadline {
                Deadline::After(deadline) if deadline != period => {
                    return Err(ReferenceError::DeadlineIsNotThePeriod { task: name(), deadline, period });
                }
                Deadline::Isolated { .. } => return Err(ReferenceError::IsolatedDeadline { task: name() }),
                Deadline::After(_) | Deadline::Period => {}
            }
            if !task.pins.is_empty() {
                let key = if task.pins.run_on.is_empty() { "avoid" } else { "run_on" };
                return Err(ReferenceError::Pinned { task: name(), key });
            }
            // The period is a ratio, rounded down to a picosecond; rounding it down once more to a
            // millisecond is rounding the ratio down. Beyond a run it does not matter how far.
            let interval_ms = u32::try_from(whole_milliseconds(period)).unwrap_or(u32::MAX);
            if interval_ms == 0 {
                return Err(ReferenceError::IntervalBelowMillisecond { task: task.name.clone(), period });
            }
            let depends_on: Vec<usize> =
                task.depends_on.iter().map(|upstream| upstream.task.index()).collect();
            if let Some(&upstream) = depends_on.iter().find(|upstream| **upstream >= count) {
                return Err(ReferenceError::NoSuchTask { task: task.name.clone(), upstream });
            }
            // Quirk 10 (integer intervals): a frame counts where it is due by the end of the run.
            // Fixed: where it arrives before the end.
            let (interval, frames) = if fixes.exact_rates {
                (Interval::Exact(exact), arrivals_before(run_length_ms, exact))
            } else {
                (Interval::Milliseconds(interval_ms), run_length_ms / interval_ms)
            };
            tasks.push(TaskPlan {
                interval,
                frames,
                trigger_probability: task.trigger_probability as f32,
                depends_on,
                costs: costs.row(TaskId::new(position)).iter().map(FrameCost::new).collect(),
            });
        }
        let mut alphabetical: Vec<usize> = (0..count).collect();
        // By bytes, as a C++ map of strings orders them: capitals before underscores before small.
        alphabetical.sort_by_key(|task| scenario.tasks[*task].name.as_bytes());
        let intervals = tasks.iter().map(|task| task.interval);
        let ticks = intervals.min_by(|one, other| one.at_ms(1).total_cmp(&other.at_ms(1)));
        Ok(Self {
            ticks: ticks.ok_or(ReferenceError::NoTasks)?,
            tasks,
            alphabetical,
            accelerators: costs.accelerators(),
            run_length_ms,
            parameters: *parameters,
            fixes,
        })
    }

    /// One run. `on_job` sees each logged frame, in the order of the log.
    ///
    /// The seed is that of the C library's `srand`. Scenarios whose triggers are all certain give
    /// the same outcome for every seed.
    pub fn run(&self, seed: u32, on_job: impl FnMut(&JobRow)) -> Outcome {
        // The artifact seeds twice with the same value before the first draw, which is to seed
        // once. Quirk 8 (unrepeatable seeds): its value is the wall clock; here it is given.
        self.run_with(GlibcRandom::new(seed), on_job)
    }

    /// One run in which `triggered` says of each frame whether it is queued, instead of a draw: for
    /// each outcome of the draws, say, where there are few of them.
    pub fn run_where(
        &self,
        triggered: impl FnMut(TaskId, u32) -> bool,
        on_job: impl FnMut(&JobRow),
    ) -> Outcome {
        self.run_with(Decided(triggered), on_job)
    }

    fn run_with(&self, triggers: impl Triggers, mut on_job: impl FnMut(&JobRow)) -> Outcome {
        let mut state = State::new(self, triggers);
        let mut now_ms = 0.0_f32;
        let mut tick = 0_u32;
        loop {
            state.generate(now_ms);
            state.retire(now_ms, &mut on_job);
            state.drop_overdue(now_ms, &mut on_job);
            state.dispatch(now_ms);
            if state.is_over(now_ms) {
                break;
            }
            let next_tick_ms = state.next_tick_ms(tick);
            now_ms = state.first_completion_ms().map_or(next_tick_ms, |first| first.min(next_tick_ms));
            if now_ms == next_tick_ms {
                tick += 1;
            }
        }
        state.close(now_ms, &mut on_job);
        state.outcome()
    }
}

impl Interval {
    /// When frame or tick `index` is due.
    fn at_ms(self, index: u32) -> f32 {
        match self {
            Self::Milliseconds(interval_ms) => (index * interval_ms) as f32,
            Self::Exact(period) => period.release(index.into()).milliseconds() as f32,
        }
    }
}

/// Frames of a period that arrive before the end of a run.
fn arrivals_before(run_length_ms: u32, period: Period) -> u32 {
    let end_ps = u64::from(run_length_ms) * PICOSECONDS_PER_MS;
    // A period is at least a millisecond, so that no run has more frames than milliseconds.
    let (mut before, mut after) = (0, run_length_ms);
    while before < after {
        let middle = before + (after - before) / 2;
        if period.release(middle.into()).picoseconds() < end_ps {
            before = middle + 1;
        } else {
            after = middle;
        }
    }
    before
}

/// State that decides whether frames are queued.
trait Triggers {
    /// Called for every task at every event, before [`Triggers::holds`].
    fn draw_jitter(&mut self);

    /// True if the frame is queued; called once for each.
    fn holds(&mut self, task: TaskId, frame: u32, probability: f32) -> bool;
}

/// As in the artifact.
impl Triggers for GlibcRandom {
    /// Quirk 8 (unused jitter): drawn and forgotten. It only moves the draws that follow.
    fn draw_jitter(&mut self) {
        let _jitter = self.rand();
    }

    fn holds(&mut self, _: TaskId, _: u32, probability: f32) -> bool {
        probability > self.unit()
    }
}

/// As the caller says.
struct Decided<F>(F);

impl<F: FnMut(TaskId, u32) -> bool> Triggers for Decided<F> {
    fn draw_jitter(&mut self) {}

    fn holds(&mut self, task: TaskId, frame: u32, _: f32) -> bool {
        self.0(task, frame)
    }
}

impl FrameCost {
    fn new(cost: &ModelCost) -> Self {
        Self {
            cycles: cost.cycles,
            // Cycles become a float first and are divided as floats: dividing in 64 bits rounds
            // some completions the other way.
            latency_ms: cost.cycles as f32 / CYCLES_PER_MS,
            // Energy is divided in 64 bits, then rounded.
            energy_mj: (cost.energy_nj / NJ_PER_MJ) as f32,
        }
    }
}

/// The period of a task that the artifact can express: nothing but a rate and data dependencies.
fn plain_period(task: &Task) -> Result<Period, ReferenceError> {
    if task.depends_on.iter().any(|dependency| dependency.kind != DependencyKind::Data) {
        return Err(ReferenceError::ControlDependency { task: task.name.clone() });
    }
    match &task.arrivals {
        Arrivals::Periodic { period, offset, jitter } if offset.is_zero() && jitter.is_zero() => Ok(*period),
        _ => Err(ReferenceError::NotPeriodic { task: task.name.clone() }),
    }
}

fn whole_milliseconds(duration: Duration) -> u64 {
    duration.picoseconds() / PICOSECONDS_PER_MS
}

/// Everything that changes during a run.
struct State<'r, T> {
    runtime: &'r Runtime,
    triggers: T,
    /// In the order of declaration.
    tasks: Vec<TaskState>,
    /// An entry an accelerator.
    running: Vec<Option<Running>>,
    /// The tasks in the order of their first log entries: the order of the overall sum.
    logged: Vec<usize>,
}

#[derive(Default)]
struct TaskState {
    /// The next frame to generate.
    next_frame: u32,
    requested: u32,
    /// Requests that are due within the run.
    due: u32,
    queue: VecDeque<Request>,
    tally: Tally,
    /// An entry a generated frame.
    fates: Vec<Fate>,
}

/// State of a frame.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It waits or runs, or was not triggered.
    Open,
    Completed,
    Dropped,
}

impl TaskState {
    /// True if a frame has this fate; none has before it is generated.
    fn has(&self, frame: u32, fate: Fate) -> bool {
        self.fates.get(frame as usize) == Some(&fate)
    }
}

impl<'r, T: Triggers> State<'r, T> {
    fn new(runtime: &'r Runtime, triggers: T) -> Self {
        Self {
            runtime,
            triggers,
            tasks: runtime.tasks.iter().map(|_| TaskState::default()).collect(),
            running: vec![None; runtime.accelerators],
            logged: Vec::with_capacity(runtime.tasks.len()),
        }
    }

    /// Step 1: each task releases at most one frame, its next, if that is due.
    fn generate(&mut self, now_ms: f32) {
        for (position, (plan, task)) in self.runtime.tasks.iter().zip(&mut self.tasks).enumerate() {
            // Quirk 8 (unused jitter): drawn for every task at every event, due or not.
            self.triggers.draw_jitter();
            let frame = task.next_frame;
            if frame == plan.frames || plan.interval.at_ms(frame) > now_ms {
                continue;
            }
            task.next_frame += 1;
            task.fates.push(Fate::Open);
            // The trigger is a draw of the frame's own. Downstream tasks are not conditioned on
            // what became of the upstream frame; a frame that is not triggered leaves no trace.
            if self.triggers.holds(TaskId::new(position), frame, plan.trigger_probability) {
                let deadline_ms = plan.interval.at_ms(frame + 1);
                task.requested += 1;
                task.due += u32::from(deadline_ms <= self.runtime.run_length_ms as f32);
                task.queue.push_back(Request {
                    frame,
                    released_ms: plan.interval.at_ms(frame),
                    // Quirk 9 (global ticks): the event, not the nominal release. With an event of
                    // its own for each release, the two are the same.
                    injected_ms: now_ms,
                    deadline_ms,
                });
            }
        }
    }

    /// Step 2: jobs that complete by now, or a moment later, are logged with their own completion.
    fn retire(&mut self, now_ms: f32, on_job: &mut impl FnMut(&JobRow)) {
        let parameters = self.runtime.parameters;
        // Quirk 17 (early retirement): what completes a moment later frees its accelerator now, and
        // the next job starts there before this one is complete.
        let ahead_ms = if self.runtime.fixes.exact_retirement { 0.0 } else { RETIRE_AHEAD_MS };
        for accelerator in 0..self.running.len() {
            let due = |job: &mut Running| job.completes_ms <= now_ms + ahead_ms;
            let Some(job) = self.running[accelerator].take_if(due) else {
                continue;
            };
            let real_time_score = parameters.real_time_score(job.completes_ms, job.request.deadline_ms);
            let energy_score = parameters.energy_score(job.energy_mj);
            self.tally(job.task).complete(real_time_score, energy_score);
            self.tasks[job.task].fates[job.request.frame as usize] = Fate::Completed;
            on_job(&job.request.row(
                job.task,
                JobEnd::Completed {
                    accelerator: AcceleratorId::new(accelerator),
                    dispatched_ms: job.dispatched_ms,
                    completed_ms: job.completes_ms,
                    real_time_score,
                    energy_mj: job.energy_mj,
                },
            ));
        }
    }

    /// Step 3: queued frames whose deadline has passed are dropped, heads first, in rounds over
    /// the queues. Running jobs are never dropped.
    ///
    /// The order of the queues decides nothing but the order of the log.
    fn drop_overdue(&mut self, now_ms: f32, on_job: &mut impl FnMut(&JobRow)) {
        loop {
            let mut changed = false;
            for &task in &self.runtime.alphabetical {
                let dropped = self.first_to_drop(task, now_ms);
                if let Some(request) = dropped.and_then(|position| self.tasks[task].queue.remove(position)) {
                    self.drop_one(task, &request, now_ms, on_job);
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// Where in a queue there is a frame to drop: the head if it is overdue.
    ///
    /// Quirk 7 (no cascade): a dropped frame was meant to take the frames that depend on it along,
    /// but the program compares them with the request's own name, so that none ever matches.
    /// Fixed: any frame, head or not, of which an upstream frame was dropped.
    fn first_to_drop(&self, task: usize, now_ms: f32) -> Option<usize> {
        let queue = &self.tasks[task].queue;
        if queue.front()?.deadline_ms < now_ms {
            return Some(0);
        }
        if !self.runtime.fixes.drop_cascade {
            return None;
        }
        let upstream = &self.runtime.tasks[task].depends_on;
        queue.iter().position(|request| {
            upstream.iter().any(|&upstream| self.tasks[upstream].has(request.frame, Fate::Dropped))
        })
    }

    fn drop_one(&mut self, task: usize, request: &Request, now_ms: f32, on_job: &mut impl FnMut(&JobRow)) {
        self.tally(task).drop_one();
        self.tasks[task].fates[request.frame as usize] = Fate::Dropped;
        on_job(&request.row(task, JobEnd::Dropped { at_ms: now_ms }));
    }

    /// The sums of a task that is about to be logged.
    fn tally(&mut self, task: usize) -> &mut Tally {
        let tally = &mut self.tasks[task].tally;
        if tally.logged() == 0 {
            self.logged.push(task);
        }
        tally
    }

    /// Step 4: in rounds over the queues, each head that may start does, at most one a queue and
    /// round. A task may have several frames running.
    fn dispatch(&mut self, now_ms: f32) {
        loop {
            let mut changed = false;
            for &index in self.order_of_service().iter() {
                let plan = &self.runtime.tasks[index];
                // Only the head is looked at, whatever waits behind it.
                let Some(&request) = self.tasks[index].queue.front() else {
                    continue;
                };
                if !self.dependencies_are_met(plan, request.frame) {
                    continue;
                }
                let Some(accelerator) = self.fastest_idle(plan) else {
                    // Every accelerator is busy; so it is for the queues that follow.
                    return;
                };
                let cost = &plan.costs[accelerator];
                self.tasks[index].queue.pop_front();
                self.running[accelerator] = Some(Running {
                    task: index,
                    request,
                    dispatched_ms: now_ms,
                    completes_ms: now_ms + cost.latency_ms,
                    energy_mj: cost.energy_mj,
                });
                changed = true;
                // The next head of this queue may be older than the other heads.
                if self.runtime.fixes.oldest_first {
                    break;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// The queues in the order in which a round of dispatch looks at them.
    ///
    /// Quirk 12 (alphabetical service): by name. Fixed: by the nominal release of the head; of
    /// equals, in the order of declaration.
    fn order_of_service(&self) -> Cow<'r, [usize]> {
        if !self.runtime.fixes.oldest_first {
            return Cow::Borrowed(&self.runtime.alphabetical);
        }
        let released_ms = |task: &usize| self.tasks[*task].queue.front().map_or(0.0, |head| head.released_ms);
        let mut order: Vec<usize> = (0..self.tasks.len()).collect();
        order.sort_by(|one, other| released_ms(one).total_cmp(&released_ms(other)));
        Cow::Owned(order)
    }

    /// True if every task that this one waits for has completed enough frames.
    ///
    /// Quirk 6 (completion count): the artifact compares the *number* of upstream completions,
    /// less one, with this frame's index, and not which frames they were. After one upstream drop
    /// every later frame here waits for one upstream frame too many, and mostly misses.
    /// Fixed: the upstream frame of the same index must have completed.
    fn dependencies_are_met(&self, plan: &TaskPlan, frame: u32) -> bool {
        let mut upstream = plan.depends_on.iter().map(|&upstream| &self.tasks[upstream]);
        if self.runtime.fixes.frame_dependency {
            return upstream.all(|upstream| upstream.has(frame, Fate::Completed));
        }
        // completions - 1 >= frame, without the sign.
        upstream.all(|upstream| upstream.tally.completed > frame)
    }

    /// The idle accelerator on which the whole model takes the fewest cycles, the first of equals.
    /// A faster one that is busy is never waited for.
    fn fastest_idle(&self, plan: &TaskPlan) -> Option<usize> {
        let idle = (0..self.running.len()).filter(|accelerator| self.running[*accelerator].is_none());
        idle.min_by_key(|accelerator| plan.costs[*accelerator].cycles)
    }

    fn first_completion_ms(&self) -> Option<f32> {
        self.running.iter().flatten().map(|job| job.completes_ms).reduce(f32::min)
    }

    /// The next event that is no completion.
    ///
    /// Quirk 9 (global ticks): there is no event at a task's own release unless a tick or a
    /// completion falls on it, so that frames are noticed late. They keep their deadlines.
    /// Fixed: the next release of any task, infinite after the last one.
    fn next_tick_ms(&self, tick: u32) -> f32 {
        let Runtime { fixes, ticks, run_length_ms, .. } = self.runtime;
        let next_ms = if fixes.own_releases {
            let plans = self.runtime.tasks.iter().zip(&self.tasks);
            let next_ms = plans.filter(|(plan, task)| task.next_frame < plan.frames).map(|(plan, task)| {
                // Not generated yet, so that it lies ahead.
                plan.interval.at_ms(task.next_frame)
            });
            next_ms.fold(f32::INFINITY, f32::min)
        } else {
            ticks.at_ms(tick + 1)
        };
        if fixes.whole_run { next_ms.min(*run_length_ms as f32) } else { next_ms }
    }

    /// True if the event was the last.
    ///
    /// Quirk 11 (end of the run): the event that generates the last frame is the last, and is
    /// processed whole. Fixed: the event at the run's length is.
    fn is_over(&self, now_ms: f32) -> bool {
        if self.runtime.fixes.whole_run {
            return now_ms >= self.runtime.run_length_ms as f32;
        }
        self.runtime.tasks.iter().zip(&self.tasks).all(|(plan, task)| task.next_frame == plan.frames)
    }

    /// Logs what the run cut off.
    ///
    /// Quirk 11 (end of the run): what still runs or waits is neither logged nor scored. Fixed:
    /// what was due by now is missed, and counts as dropped whether it waits or runs; what is due
    /// later could still have been on time, and counts nowhere.
    fn close(&mut self, now_ms: f32, on_job: &mut impl FnMut(&JobRow)) {
        if !self.runtime.fixes.whole_run {
            return;
        }
        for task in 0..self.tasks.len() {
            while let Some(request) =
                self.tasks[task].queue.pop_front_if(|request| request.deadline_ms <= now_ms)
            {
                self.drop_one(task, &request, now_ms, on_job);
            }
        }
        for accelerator in 0..self.running.len() {
            let due = |job: &mut Running| job.request.deadline_ms <= now_ms;
            if let Some(job) = self.running[accelerator].take_if(due) {
                self.drop_one(job.task, &job.request, now_ms, on_job);
            }
        }
    }

    fn outcome(&self) -> Outcome {
        let fixes = self.runtime.fixes;
        let scores_of = |task: &TaskState| task.tally.scores(fixes.single_penalty);
        let scores = self.logged.iter().filter_map(|task| scores_of(&self.tasks[*task]));
        // Quirk 11 (untriggered models): a task that logged nothing is left out of the mean.
        // Fixed: only where nothing of it was due.
        let silent = self.tasks.iter().filter(|task| task.tally.logged() == 0 && task.due > 0).count();
        let zeros = if fixes.silent_tasks { silent } else { 0 };
        let tasks = self.tasks.iter().enumerate().map(|(position, task)| TaskOutcome {
            task: TaskId::new(position),
            generated: task.next_frame,
            requested: task.requested,
            completed: task.tally.completed,
            dropped: task.tally.dropped,
            logged: task.tally.logged(),
            scores: scores_of(task),
        });
        Outcome { overall_score: overall_percent(scores, zeros), tasks: tasks.collect() }
    }
}

impl Request {
    fn row(&self, task: usize, end: JobEnd) -> JobRow {
        JobRow {
            task: TaskId::new(task),
            frame: self.frame,
            injected_ms: self.injected_ms,
            deadline_ms: self.deadline_ms,
            end,
        }
    }
}
