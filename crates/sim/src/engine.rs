//! The event loop: one run of a scenario on a platform under a policy.
//!
//! A run is single-threaded; runs are what is parallel. The loop takes the earliest event, and when
//! all events of an instant are taken in, asks the policy what to do, until it has no more to say.
//!
//! Events of one instant are taken in this order: runs and layers that end, by accelerator, then by the
//! lowest unit that the run was dispatched on;
//! frames that arrive, tasks that others depend on first; frames that become visible after their
//! jitter, in the same order of tasks; phases that begin; timers, in the order in which they were set; changes of operating
//! points that are complete, by accelerator, that of the memory last.
//!
//! What must stay true: time never falls. The policy sees nothing that it could not know: hidden
//! jobs and realisations stand in [`Simulation`], never in its [`View`]. Once warm, the loop
//! allocates nothing. Memory follows the number of live jobs, not the length of the run.
//!
//! The loop is [`Simulation::run_until`]. What events do is beside it: frames become jobs in `jobs`,
//! layers and segments end in `segments`, the policy is asked and obeyed in `decisions`, runs of several jobs are in
//! `batches`, and operating points change in `points`.

mod batches;
mod decisions;
mod jobs;
mod points;
mod segments;
mod state;

use rtmm_scheduler::{Decisions, Interests, JobId, JobState, Notice, Policy, PolicyError, SystemState, View};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Duration, Follower, Frames, TaskId, Time};

use crate::error::SimulationError;
use crate::events::{Event, Events};
use crate::execution::{Execution, Reach};
use crate::frames::FrameTable;
use crate::observer::{EndRecord, Observer, SegmentRecord};
use crate::system::System;
use state::HiddenState;

/// The most jobs that are live at a time. Each takes about half a kilobyte, so that a run stays below a gigabyte.
const MAX_LIVE_JOBS: usize = 1_000_000;

/// End of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndOfRun {
    /// At the scenario's duration, whatever is in flight then.
    #[default]
    Cut,
    /// When every job that arrived within the scenario's duration is over, or nothing happens any
    /// more; not before the scenario's duration.
    Drain,
}

/// Options of a run beside its system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Of every random draw.
    pub seed: u64,
    /// End of the run.
    pub end: EndOfRun,
    /// True if the policy is handed the truth.
    pub oracle: bool,
}

/// A run, from its start to its end.
#[derive(Debug)]
pub struct Simulation<'s, E, O> {
    system: &'s System,
    options: RunOptions,
    policy: Box<dyn Policy>,
    policy_name: String,
    interests: Interests,
    observes_layers: bool,
    observes_memory: bool,
    execution: E,
    observer: O,
    events: Events,
    state: SystemState,
    hidden: HiddenState,
    /// By task.
    sources: Vec<Frames>,
    followers: Vec<Option<Follower>>,
    /// By task; only those of linked tasks are used.
    frames: Vec<FrameTable>,
    control_draws: Vec<Draws>,
    path_draws: Vec<Draws>,
    sample_draws: Vec<Draws>,
    latency_draws: Vec<Draws>,
    /// Decisions of the policy, taken out while they are obeyed.
    decisions: Option<Box<Decisions>>,
    /// Jobs that were dropped with others since the policy was last asked.
    dropped_upstream: Vec<JobId>,
    needs: Vec<u64>,
    /// The jobs of the batch that stops, used again and again.
    members: Vec<JobId>,
    next_sequence: u64,
    /// When the scheduler has made its decisions of before.
    scheduler_free: Time,
    /// Time spent on decisions so far.
    scheduler_busy: Duration,
    decisions_taken: u64,
    rounds: u64,
    started: bool,
    /// True if anything happened that the policy can see and was not asked about.
    must_decide: bool,
    /// The failure of a hook that was called in the midst of an event or a decision.
    failure: Option<PolicyError>,
}

impl<'s, E: Execution, O: Observer> Simulation<'s, E, O> {
    /// A run that is about to start. `name` is what errors call the policy.
    pub fn new(
        system: &'s System,
        name: &str,
        policy: Box<dyn Policy>,
        mut execution: E,
        observer: O,
        options: RunOptions,
    ) -> Self {
        let (scenario, seed) = (&system.scenario, options.seed);
        let interests = policy.interests();
        execution.tell_layers(interests.layers);
        let tasks = || (0..scenario.tasks.len()).map(TaskId::new);
        let follows = |task: TaskId| scenario.leader(task) != task;
        let state = SystemState::of_platform(&system.platform, scenario.tasks.len());
        let draws = |stream| {
            tasks().map(|task| Draws::new(seed, stream, &scenario.tasks[task.index()].name)).collect()
        };
        Self {
            system,
            options,
            policy,
            policy_name: name.to_owned(),
            interests,
            observes_layers: observer.wants_layers(),
            observes_memory: observer.wants_memory(),
            execution,
            observer,
            events: Events::default(),
            hidden: HiddenState::new(&state, system.costs.ranks()),
            state,
            sources: tasks().map(|task| Frames::new(scenario, scenario.leader(task), seed)).collect(),
            followers: tasks()
                .map(|task| follows(task).then(|| Follower::new(scenario, task, seed)))
                .collect(),
            frames: scenario.tasks.iter().map(|task| FrameTable::new(task.depends_on.len())).collect(),
            control_draws: draws(Stream::Control),
            path_draws: draws(Stream::Path),
            sample_draws: draws(Stream::Sample),
            latency_draws: draws(Stream::Latency),
            decisions: None,
            dropped_upstream: Vec::new(),
            needs: Vec::new(),
            members: Vec::new(),
            next_sequence: 0,
            scheduler_free: Time::ZERO,
            scheduler_busy: Duration::ZERO,
            decisions_taken: 0,
            rounds: 0,
            started: false,
            must_decide: false,
            failure: None,
        }
    }

    /// A copy of the run in the state that it has reached; none where its policy cannot be copied.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self>
    where
        E: Clone,
        O: Clone,
    {
        Some(Self {
            system: self.system,
            options: self.options,
            policy: self.policy.boxed_clone()?,
            policy_name: self.policy_name.clone(),
            interests: self.interests,
            observes_layers: self.observes_layers,
            observes_memory: self.observes_memory,
            execution: self.execution.clone(),
            observer: self.observer.clone(),
            events: self.events.clone(),
            state: self.state.clone(),
            hidden: self.hidden.clone(),
            sources: self.sources.clone(),
            followers: self.followers.clone(),
            frames: self.frames.clone(),
            control_draws: self.control_draws.clone(),
            path_draws: self.path_draws.clone(),
            sample_draws: self.sample_draws.clone(),
            latency_draws: self.latency_draws.clone(),
            decisions: self.decisions.clone(),
            dropped_upstream: self.dropped_upstream.clone(),
            needs: self.needs.clone(),
            members: self.members.clone(),
            next_sequence: self.next_sequence,
            scheduler_free: self.scheduler_free,
            scheduler_busy: self.scheduler_busy,
            decisions_taken: self.decisions_taken,
            rounds: self.rounds,
            started: self.started,
            must_decide: self.must_decide,
            failure: self.failure.clone(),
        })
    }

    /// The instant that the run has reached.
    #[must_use]
    pub fn now(&self) -> Time {
        self.state.now
    }

    /// The state as the policy sees it.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        self.system.view(&self.state)
    }

    /// Observer of the run.
    pub fn observer(&mut self) -> &mut O {
        &mut self.observer
    }

    /// Runs to the end, tells the observer of what is in flight then, and gives it back.
    ///
    /// # Errors
    /// [`SimulationError`] where the policy fails or does what it may not.
    pub fn run(mut self) -> Result<O, SimulationError> {
        let end = self.duration_end();
        let last = match self.options.end {
            EndOfRun::Cut => end,
            EndOfRun::Drain => Time::MAX,
        };
        self.advance(last, self.options.end == EndOfRun::Drain)?;
        if self.options.end == EndOfRun::Drain {
            self.refuse_endless_runs()?;
        }
        self.finish(end.max(self.state.now));
        Ok(self.observer)
    }

    /// Refuses to end a run in which jobs run that will never be over: times saturate at the last instant of the clock.
    fn refuse_endless_runs(&self) -> Result<(), SimulationError> {
        let runs = (0..self.state.runs.slots()).filter(|index| self.state.runs.at(*index).is_some()).count();
        if runs == 0 { Ok(()) } else { Err(SimulationError::BeyondClock { runs }) }
    }

    /// Runs all that happens up to and at an instant.
    ///
    /// # Errors
    /// [`SimulationError`] where the policy fails or does what it may not.
    pub fn run_until(&mut self, last: Time) -> Result<(), SimulationError> {
        self.advance(last, true)
    }

    /// The loop. Whether decisions of the last instant still matter is for the caller to say.
    fn advance(&mut self, last: Time, decides_at_last: bool) -> Result<(), SimulationError> {
        self.start();
        loop {
            let next = self.next_event();
            if self.must_decide && next.is_none_or(|(time, _)| time > self.state.now) {
                if self.state.now >= last && !decides_at_last {
                    break;
                }
                self.decide()?;
                // The decisions may have brought something sooner.
                continue;
            }
            let Some((time, event)) = next else { break };
            // What happens at the instant of the last job's end is taken in with it.
            let is_over = time > self.duration_end() && time > self.state.now && self.is_drained();
            if time > last || is_over {
                break;
            }
            self.go_on_to(time);
            match event {
                Event::Run(slot) => self.step(slot),
                Event::Arrival => self.arrive(),
                Event::Release => self.release_hidden(),
                Event::Phase(phase) => self.change_phase(phase),
                Event::Timer(tag) => self.tick(tag),
                Event::Point(on) => self.complete_change(on),
            }
            // As many slots as were ever needed at a time.
            if self.state.jobs.len() > MAX_LIVE_JOBS {
                return Err(self.too_many_jobs());
            }
            self.check_policy()?;
        }
        Ok(())
    }

    /// Lets time pass up to `to`: rates are as they are until then.
    #[inline]
    fn go_on_to(&mut self, to: Time) {
        if self.observes_memory
            && to > self.state.now
            && let Some(used) = self.execution.memory_use()
        {
            self.observer.memory_used(self.state.now, to, used);
        }
        self.state.now = to;
    }

    fn duration_end(&self) -> Time {
        Time::ZERO.saturating_add(self.system.scenario.duration)
    }

    /// True if a run that ends with its last job is there: timers do not keep it alive.
    fn is_drained(&self) -> bool {
        self.options.end == EndOfRun::Drain
            && self.hidden.vacant.len() == self.state.jobs.len()
            && !self.events.brings_frames()
    }

    fn start(&mut self) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        for (rank, task) in self.system.order.iter().enumerate() {
            if let Some(at) = self.sources[task.index()].peek() {
                self.events.add_source(at, rank);
            }
        }
        self.events.set_phases(self.system.scenario.phases.iter().map(|phase| phase.start));
    }

    fn next_event(&self) -> Option<(Time, Event)> {
        let other = self.events.next();
        match self.execution.next() {
            Some((time, slot)) if other.is_none_or(|(at, _)| time <= at) => Some((time, Event::Run(slot))),
            _ => other,
        }
    }

    /// Tells the policy of something. A failure is kept until [`Simulation::check_policy`].
    fn notify(&mut self, notice: Notice) {
        if let Err(error) = self.policy.notify(&notice, &self.system.view(&self.state)) {
            self.failure.get_or_insert(error);
        }
    }

    /// Ends the run where a hook of the policy has failed.
    #[inline(always)]
    fn check_policy(&mut self) -> Result<(), SimulationError> {
        if self.failure.is_none() {
            return Ok(());
        }
        self.failure.take().map_or(Ok(()), |error| Err(self.policy_failed(error)))
    }

    #[cold]
    fn too_many_jobs(&self) -> SimulationError {
        let System { scenario, profile, .. } = self.system;
        let mut live = vec![0_usize; scenario.tasks.len()];
        for job in self.state.live_jobs() {
            live[self.state.jobs[job.slot()].task.index()] += 1;
        }
        // Of equal ones the task that is stated first.
        let (task, of_task) = live
            .iter()
            .enumerate()
            .fold((0, 0), |most, (task, of)| if *of > most.1 { (task, *of) } else { most });
        let latency = profile.mean_remaining(scenario.tasks[task].model, 0).picoseconds() as f64;
        let asked = self.state.counters[task].released as f64 * latency;
        let available = self.state.now.picoseconds().max(1) as f64 * self.state.accelerators.len() as f64;
        SimulationError::TooManyJobs {
            now: self.state.now,
            live: live.iter().sum(),
            task: scenario.tasks[task].name.clone(),
            of_task,
            utilisation: asked / available,
        }
    }

    #[cold]
    fn policy_failed(&self, error: PolicyError) -> SimulationError {
        SimulationError::PolicyFailed { policy: self.policy_name.clone(), now: self.state.now, error }
    }

    fn change_phase(&mut self, phase: usize) {
        self.must_decide = true;
        self.events.take_phase();
        self.state.phase = phase + 1;
        self.observer.phase_changed(self.state.now, phase);
        if self.interests.times {
            self.notify(Notice::PhaseChanged(phase));
        }
    }

    fn tick(&mut self, tag: u64) {
        self.must_decide = true;
        self.events.take_timer();
        if self.interests.times {
            self.notify(Notice::Timer(tag));
        }
    }

    /// Ends all that still runs, and tells of every job that is not over.
    fn finish(&mut self, now: Time) {
        self.go_on_to(now);
        for index in 0..self.state.runs.slots() {
            let Some(segment) = self.hidden.segment(&self.state, index) else { continue };
            let Some(to) = self.execution.halt(self.system, index, now, &segment) else { continue };
            if self.observes_layers && !self.execution.tells_layers() {
                self.report_layers(index, to);
            }
            let Some(run) = self.state.runs.at(index).copied() else { continue };
            let Some(slot) = run.jobs.single().map(JobId::slot) else {
                self.halt_batch(index, to);
                continue;
            };
            self.state.runs.end(index);
            self.hidden.count_busy(index, run.accelerator, now);
            // What was booked of a layer that is not complete, where an operating point changed, stays booked, and nothing of it
            // has been done since that counts: where the run came from may lie within a step that it has here.
            if to.layer > self.hidden.jobs[slot].booked.layer {
                self.spend(slot, run.class, run.model, Reach::at(to));
            }
            self.show_energy(slot);
            let job = &mut self.state.jobs[slot];
            job.progress = to;
            let switched = self.hidden.runs[index].switched;
            self.observer.segment_ended(now, &SegmentRecord { run: &run, job, to, switched, stopped: None });
            self.state.set_job_state(slot, JobState::Waiting);
        }
        let live: Vec<JobId> = self.state.live_jobs().collect();
        for job in live {
            self.tell(job.slot(), |observer, now, record| observer.in_flight(now, record));
        }
        let busy = self.hidden.busy_times(&self.state);
        let record = EndRecord {
            accelerators_busy: &busy,
            decisions: self.decisions_taken,
            rounds: self.rounds,
            scheduler_busy: self.scheduler_busy,
            tuning: self.policy.tuning(),
        };
        self.observer.ended(now, &record);
    }
}
