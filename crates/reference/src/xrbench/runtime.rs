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
//! A run makes about (ticks + completions) events of a few dozen steps a task: microseconds. The
//! queues are allocated once a run, nothing in the loop but their growth.

use std::collections::VecDeque;

use rtmm_hardware::AcceleratorId;
use rtmm_workload::{Arrivals, Deadline, DependencyKind, Duration, Scenario, Task, TaskId};
use serde::Serialize;

use crate::error::ReferenceError;
use crate::glibc_random::GlibcRandom;
use crate::xrbench::costs::{ModelCost, TaskCosts};
use crate::xrbench::scoring::{Parameters, Tally, TaskScores, overall_percent};

/// The longest run: beyond it `f32` no longer counts single milliseconds.
pub const LONGEST_RUN_MS: u32 = 1 << f32::MANTISSA_DIGITS;

/// How far ahead of the event a completion may lie to be retired by it, in milliseconds.
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
    /// Distance of the ticks: the shortest frame interval.
    tick_ms: u32,
    parameters: Parameters,
}

#[derive(Clone, Debug)]
struct TaskPlan {
    /// Distance of the frames, and their relative deadline.
    interval_ms: u32,
    /// Frames of the run.
    frames: u32,
    trigger_probability: f32,
    /// Positions of the tasks that this one waits for.
    depends_on: Vec<usize>,
    /// An entry an accelerator.
    costs: Vec<FrameCost>,
}

/// What a frame costs on an accelerator.
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
    /// The event that noticed the frame, in milliseconds; not its nominal release.
    pub injected_ms: f32,
    /// Absolute deadline, in milliseconds: the nominal release of the next frame.
    pub deadline_ms: f32,
    /// What became of it.
    pub end: JobEnd,
}

/// What became of a logged frame.
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
    /// It was dropped before it started.
    Dropped {
        /// The event that found its deadline passed, in milliseconds.
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
    /// Frames of the run: run length by frame interval, rounded down.
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
    /// Resolves a scenario. The run lasts as long as the parameters say, else as the scenario does,
    /// rounded down to whole milliseconds.
    ///
    /// # Errors
    /// [`ReferenceError`] where the artifact's loop cannot express the scenario: no tasks, an
    /// interval below a millisecond, a deadline that is not the period, a run of no whole
    /// milliseconds or beyond [`LONGEST_RUN_MS`], parameters out of range; or where `costs` are
    /// another scenario's.
    pub fn new(
        scenario: &Scenario,
        costs: &TaskCosts,
        parameters: &Parameters,
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
            let period = plain_period(task)?;
            if let Deadline::After(deadline) = task.deadline
                && deadline != period
            {
                let task = task.name.clone();
                return Err(ReferenceError::DeadlineIsNotThePeriod { task, deadline, period });
            }
            // Quirk 10 (integer intervals): floor(1000 / fps) ms, so that 60 fps is really 62.5.
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
            tasks.push(TaskPlan {
                interval_ms,
                frames: run_length_ms / interval_ms,
                trigger_probability: task.trigger_probability as f32,
                depends_on,
                costs: costs.row(TaskId::new(position)).iter().map(FrameCost::new).collect(),
            });
        }
        let mut alphabetical: Vec<usize> = (0..count).collect();
        // By bytes, as a C++ map of strings orders them: capitals before underscores before small.
        alphabetical.sort_by_key(|task| scenario.tasks[*task].name.as_bytes());
        Ok(Self {
            tick_ms: tasks.iter().map(|task| task.interval_ms).min().unwrap_or(1),
            tasks,
            alphabetical,
            accelerators: costs.accelerators(),
            parameters: *parameters,
        })
    }

    /// One run. `on_job` sees each logged frame, in the order of the log.
    ///
    /// The seed is that of the C library's `srand`. Scenarios whose triggers are all certain give
    /// the same outcome for every seed.
    pub fn run(&self, seed: u32, mut on_job: impl FnMut(&JobRow)) -> Outcome {
        let mut state = State::new(self, seed);
        let mut now_ms = 0.0_f32;
        let mut tick = 0_u32;
        loop {
            state.generate(now_ms);
            state.retire(now_ms, &mut on_job);
            state.drop_overdue(now_ms, &mut on_job);
            state.dispatch(now_ms);
            // Quirk 11 (end of the run): the event that generates the last frame is the last, and
            // is processed whole. What still runs or waits is neither logged nor scored.
            if state.everything_is_generated() {
                break;
            }
            // Quirk 9 (global ticks): there is no event at a task's own release unless a tick or a
            // completion falls on it, so that frames are noticed late. They keep their deadlines.
            let next_tick_ms = ((tick + 1) * self.tick_ms) as f32;
            now_ms = state.first_completion_ms().map_or(next_tick_ms, |first| first.min(next_tick_ms));
            if now_ms == next_tick_ms {
                tick += 1;
            }
        }
        state.outcome()
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
fn plain_period(task: &Task) -> Result<Duration, ReferenceError> {
    if task.depends_on.iter().any(|dependency| dependency.kind != DependencyKind::Data) {
        return Err(ReferenceError::ControlDependency { task: task.name.clone() });
    }
    match &task.arrivals {
        Arrivals::Periodic { period, offset, jitter } if offset.is_zero() && jitter.is_zero() => {
            Ok(period.duration())
        }
        _ => Err(ReferenceError::NotPeriodic { task: task.name.clone() }),
    }
}

fn whole_milliseconds(duration: Duration) -> u64 {
    duration.picoseconds() / PICOSECONDS_PER_MS
}

/// Everything that changes during a run.
struct State<'r> {
    runtime: &'r Runtime,
    random: GlibcRandom,
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
    queue: VecDeque<Request>,
    tally: Tally,
}

impl<'r> State<'r> {
    fn new(runtime: &'r Runtime, seed: u32) -> Self {
        Self {
            runtime,
            // The artifact seeds twice with the same value before the first draw, which is to seed
            // once. Quirk 8 (unrepeatable seeds): its value is the wall clock; here it is given.
            random: GlibcRandom::new(seed),
            tasks: runtime.tasks.iter().map(|_| TaskState::default()).collect(),
            running: vec![None; runtime.accelerators],
            logged: Vec::with_capacity(runtime.tasks.len()),
        }
    }

    /// Step 1: each task releases at most one frame, its next, if that is due.
    fn generate(&mut self, now_ms: f32) {
        for (plan, task) in self.runtime.tasks.iter().zip(&mut self.tasks) {
            // Quirk 8 (unused jitter): drawn for every task at every event, due or not, then
            // forgotten. It only moves the draws that follow.
            let _jitter = self.random.rand();
            let frame = task.next_frame;
            if frame == plan.frames || (frame * plan.interval_ms) as f32 > now_ms {
                continue;
            }
            task.next_frame += 1;
            // The trigger is a draw of the frame's own. Downstream tasks are not conditioned on
            // what became of the upstream frame; a frame that is not triggered leaves no trace.
            let draw = self.random.unit();
            if plan.trigger_probability > draw {
                task.requested += 1;
                task.queue.push_back(Request {
                    frame,
                    // Quirk 9 (global ticks): the event, not the nominal release.
                    injected_ms: now_ms,
                    deadline_ms: ((frame + 1) * plan.interval_ms) as f32,
                });
            }
        }
    }

    /// Step 2: jobs that complete by now, or a moment later, are logged with their own completion.
    fn retire(&mut self, now_ms: f32, on_job: &mut impl FnMut(&JobRow)) {
        let parameters = self.runtime.parameters;
        for accelerator in 0..self.running.len() {
            let due = |job: &mut Running| job.completes_ms <= now_ms + RETIRE_AHEAD_MS;
            let Some(job) = self.running[accelerator].take_if(due) else {
                continue;
            };
            let real_time_score = parameters.real_time_score(job.completes_ms, job.request.deadline_ms);
            let energy_score = parameters.energy_score(job.energy_mj);
            self.tally(job.task).complete(real_time_score, energy_score);
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
    /// Quirk 7 (no cascade): a dropped frame was meant to take the frames that depend on it along,
    /// but the program compares them with the request's own name, so that none ever matches.
    fn drop_overdue(&mut self, now_ms: f32, on_job: &mut impl FnMut(&JobRow)) {
        loop {
            let mut changed = false;
            for &task in &self.runtime.alphabetical {
                let overdue = |head: &mut Request| head.deadline_ms < now_ms;
                if let Some(request) = self.tasks[task].queue.pop_front_if(overdue) {
                    self.tally(task).drop_one();
                    on_job(&request.row(task, JobEnd::Dropped { at_ms: now_ms }));
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
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
            for &index in &self.runtime.alphabetical {
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
            }
            if !changed {
                return;
            }
        }
    }

    /// Whether every task that this one waits for has completed enough frames.
    ///
    /// Quirk 6 (completion count): the artifact compares the *number* of upstream completions,
    /// less one, with this frame's index, and not which frames they were. After one upstream drop
    /// every later frame here waits for one upstream frame too many, and mostly misses.
    fn dependencies_are_met(&self, plan: &TaskPlan, frame: u32) -> bool {
        // completions - 1 >= frame, without the sign.
        plan.depends_on.iter().all(|&upstream| self.tasks[upstream].tally.completed > frame)
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

    fn everything_is_generated(&self) -> bool {
        self.runtime.tasks.iter().zip(&self.tasks).all(|(plan, task)| task.next_frame == plan.frames)
    }

    fn outcome(&self) -> Outcome {
        let scores = self.logged.iter().filter_map(|task| self.tasks[*task].tally.scores());
        let tasks = self.tasks.iter().enumerate().map(|(position, task)| TaskOutcome {
            task: TaskId::new(position),
            generated: task.next_frame,
            requested: task.requested,
            completed: task.tally.completed,
            dropped: task.tally.dropped,
            logged: task.tally.logged(),
            scores: task.tally.scores(),
        });
        Outcome { overall_score: overall_percent(scores), tasks: tasks.collect() }
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
