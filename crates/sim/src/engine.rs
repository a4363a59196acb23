//! The event loop: one run of a scenario on a platform under a policy.
//!
//! A run is single-threaded; runs are what is parallel. The loop takes the earliest event, and when
//! all events of an instant are taken in, asks the policy what to do, until it has no more to say.
//!
//! Events of one instant are taken in this order: segments and layers that end, by accelerator;
//! frames that arrive, tasks that others depend on first; frames that become visible after their
//! jitter, in the same order of tasks; phases that begin; timers, in the order in which they were set.
//!
//! What must stay true: time never falls. The policy sees nothing that it could not know: hidden
//! jobs and realisations stand in [`Simulation`], never in its [`View`]. Once warm, the loop
//! allocates nothing. Memory follows the number of live jobs, not the length of the run.

use rtmm_hardware::{AcceleratorId, EnergyParts};
use rtmm_scheduler::{
    AcceleratorState, Decision, Decisions, Extent, Interests, Job, JobId, JobLists, JobState, Notice,
    Placement, Policy, Progress, Segment, TaskCounters, Truth, VariantId, View,
};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Duration, Follower, Frame, Frames, ModelId, Realisation, TaskId, Time};

use crate::error::{Illegal, SimulationError};
use crate::events::{Event, Events};
use crate::execution::{Completed, Course, Execution, Step};
use crate::frames::{Fate, FrameTable, Linked};
use crate::observer::{DropCause, EndRecord, JobRecord, Observer, SegmentRecord};
use crate::system::System;

/// Rounds of decisions in one instant after which a policy is taken to be endless.
const MOST_ROUNDS: u32 = 1_000_000;

/// How a run ends.
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

/// What a run is told beside its system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Of every random draw.
    pub seed: u64,
    /// How it ends.
    pub end: EndOfRun,
    /// Whether the policy is handed the truth.
    pub oracle: bool,
}

/// A run, from its start to its end.
#[derive(Clone, Debug)]
pub struct Simulation<'s, E, O> {
    system: &'s System<'s>,
    options: RunOptions,
    policy: Box<dyn Policy>,
    policy_name: String,
    interests: Interests,
    execution: E,
    observer: O,
    events: Events,
    state: State,
    /// By task.
    sources: Vec<Frames>,
    followers: Vec<Option<Follower>>,
    /// By task; only those of linked tasks are used.
    frames: Vec<FrameTable>,
    control_draws: Vec<Draws>,
    path_draws: Vec<Draws>,
    decisions: Decisions,
    /// Jobs that were given up with others since the policy was last asked.
    gone: Vec<JobId>,
    needs: Vec<u64>,
    next_sequence: u64,
    /// When the scheduler has made its decisions of before.
    scheduler_free: Time,
    decisions_taken: u64,
    rounds: u64,
    started: bool,
    /// Whether anything happened that the policy can see and was not asked about.
    is_news: bool,
}

/// What the view shows, and by slot what it hides.
#[derive(Clone, Debug, Default)]
struct State {
    now: Time,
    phase: usize,
    jobs: Vec<Job>,
    ready: Vec<u32>,
    waiting: Vec<u32>,
    free: Vec<u32>,
    accelerators: Vec<AcceleratorState>,
    idle: Vec<AcceleratorId>,
    counters: Vec<TaskCounters>,
    hidden: Vec<Hidden>,
    /// By slot, apart from `hidden` so that oracles can be shown them.
    realisations: Vec<Realisation>,
    /// By accelerator: time in segments that are over.
    busy: Vec<Duration>,
}

/// What is not shown of a job.
#[derive(Clone, Copy, Debug, Default)]
struct Hidden {
    sample: u64,
    energy: EnergyParts,
    switch_energy_pj: f64,
    /// Whether its running segment was preceded by a context switch.
    switched: bool,
    /// It is given up at its next boundary.
    is_doomed: bool,
    /// Up to where its energy is counted.
    booked: Progress,
}

impl State {
    fn view<'v>(&'v self, system: &'v System<'_>) -> View<'v> {
        let lists = JobLists { jobs: &self.jobs, ready: &self.ready, waiting: &self.waiting };
        View::new(
            self.now,
            system.scenario,
            &system.profile,
            &self.accelerators,
            &self.idle,
            &self.counters,
            self.phase,
            lists,
        )
    }

    fn insert(list: &mut Vec<u32>, jobs: &[Job], slot: u32) {
        let sequence = jobs[slot as usize].sequence;
        // Most jobs are among the latest.
        let position = list
            .iter()
            .rposition(|other| jobs[*other as usize].sequence < sequence)
            .map_or(0, |last| last + 1);
        list.insert(position, slot);
    }

    fn remove(list: &mut Vec<u32>, slot: u32) {
        if let Some(position) = list.iter().position(|other| *other == slot) {
            list.remove(position);
        }
    }
}

impl<'s, E: Execution, O: Observer> Simulation<'s, E, O> {
    /// A run that is about to start. `name` is what errors call the policy.
    pub fn new(
        system: &'s System<'s>,
        name: &str,
        policy: Box<dyn Policy>,
        mut execution: E,
        observer: O,
        options: RunOptions,
    ) -> Self {
        let (scenario, seed) = (system.scenario, options.seed);
        let interests = policy.interests();
        execution.tell_layers(interests.layers);
        let tasks = || (0..scenario.tasks.len()).map(TaskId::new);
        let follows = |task: TaskId| scenario.leader(task) != task;
        let draws = |stream| {
            tasks().map(|task| Draws::new(seed, stream, &scenario.tasks[task.index()].name)).collect()
        };
        let accelerators = system.platform.accelerators.len();
        Self {
            system,
            options,
            policy,
            policy_name: name.to_owned(),
            interests,
            execution,
            observer,
            events: Events::default(),
            state: State {
                accelerators: vec![AcceleratorState::default(); accelerators],
                idle: (0..accelerators).map(AcceleratorId::new).collect(),
                counters: vec![TaskCounters::default(); scenario.tasks.len()],
                busy: vec![Duration::ZERO; accelerators],
                ..State::default()
            },
            sources: tasks().map(|task| Frames::new(scenario, scenario.leader(task), seed)).collect(),
            followers: tasks()
                .map(|task| follows(task).then(|| Follower::new(scenario, task, seed)))
                .collect(),
            frames: scenario.tasks.iter().map(|task| FrameTable::new(task.depends_on.len())).collect(),
            control_draws: draws(Stream::Control),
            path_draws: draws(Stream::Path),
            decisions: Decisions::new(),
            gone: Vec::new(),
            needs: Vec::new(),
            next_sequence: 0,
            scheduler_free: Time::ZERO,
            decisions_taken: 0,
            rounds: 0,
            started: false,
            is_news: false,
        }
    }

    /// The instant that the run has reached.
    #[must_use]
    pub fn now(&self) -> Time {
        self.state.now
    }

    /// The state as the policy sees it.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        self.state.view(self.system)
    }

    /// What watches the run.
    pub fn observer(&mut self) -> &mut O {
        &mut self.observer
    }

    /// Runs to the end, tells the observer of what is in flight then, and gives it back.
    ///
    /// # Errors
    /// [`SimulationError`] where the policy does what it may not.
    pub fn run(mut self) -> Result<O, SimulationError> {
        let end = self.duration_end();
        let last = match self.options.end {
            EndOfRun::Cut => end,
            EndOfRun::Drain => Time::MAX,
        };
        self.advance(last, self.options.end == EndOfRun::Drain)?;
        let now = match self.options.end {
            EndOfRun::Cut => end,
            EndOfRun::Drain => self.state.now.max(end),
        };
        self.finish(now);
        Ok(self.observer)
    }

    /// Runs all that happens up to and at an instant.
    ///
    /// # Errors
    /// [`SimulationError`] where the policy does what it may not.
    pub fn run_until(&mut self, last: Time) -> Result<(), SimulationError> {
        self.advance(last, true)
    }

    /// The loop. Whether decisions of the last instant still matter is for the caller to say.
    fn advance(&mut self, last: Time, decides_at_last: bool) -> Result<(), SimulationError> {
        self.start();
        loop {
            let next = self.next_event();
            if self.is_news && next.is_none_or(|(time, _)| time > self.state.now) {
                if self.state.now >= last && !decides_at_last {
                    break;
                }
                self.decide()?;
                // The decisions may have brought something sooner.
                continue;
            }
            let Some((time, event)) = next else { break };
            // What happens at the instant of the last job's end is taken in with it.
            if time > last || (time > self.duration_end() && !self.is_news && self.is_drained()) {
                break;
            }
            self.state.now = time;
            match event {
                Event::Accelerator(accelerator) => self.step(accelerator),
                Event::Arrival => self.arrive(),
                Event::Release => self.release_hidden(),
                Event::Phase(phase) => self.change_phase(phase),
                Event::Timer(tag) => self.tick(tag),
            }
        }
        Ok(())
    }

    fn duration_end(&self) -> Time {
        Time::ZERO.saturating_add(self.system.scenario.duration)
    }

    /// Whether a run that ends with its last job is there: timers do not keep it alive.
    fn is_drained(&self) -> bool {
        self.options.end == EndOfRun::Drain
            && self.state.free.len() == self.state.jobs.len()
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
            Some((time, accelerator)) if other.is_none_or(|(at, _)| time <= at) => {
                Some((time, Event::Accelerator(accelerator)))
            }
            _ => other,
        }
    }

    fn notify(&mut self, notice: Notice) {
        self.policy.notify(&notice, &self.state.view(self.system));
    }

    // Frames and jobs.

    /// Takes the next frame of the source that is due.
    fn arrive(&mut self) {
        let Some(rank) = self.events.due_source() else { return };
        let task = self.system.order[rank];
        let source = &mut self.sources[task.index()];
        let frame = source.next_frame();
        self.events.replace_source(source.peek());
        // A follower has a copy of its leader's source, and so a place of its own among the tasks.
        let frame = match &self.followers[task.index()] {
            Some(follower) => frame.and_then(|frame| follower.frame(&frame)),
            None => frame,
        };
        if let Some(frame) = frame {
            self.take_frame(task, frame);
        }
    }

    /// Takes in a frame: looks up what it needs, and shows its job if that is known by now.
    fn take_frame(&mut self, task: TaskId, frame: Frame) {
        let system = self.system;
        let depends_on = &system.scenario.tasks[task.index()].depends_on;
        let links = &system.tasks[task.index()];
        let released = frame.release <= self.state.now;
        // A table holds frames without a gap, so that none that follows one in it can pass it by.
        let is_apart = depends_on.is_empty()
            && links.dependents.is_empty()
            && self.frames[task.index()].latest().is_none();
        if is_apart && released {
            if frame.triggered {
                let slot = self.show(task, &frame, JobState::Ready);
                self.tell_released(slot);
            } else {
                self.observer.not_triggered(self.state.now, task, frame.arrival);
            }
            return;
        }
        let mut linked = Linked { frame, fate: Fate::Hidden, unknown_left: 0, data_left: 0 };
        let mut exists = frame.triggered;
        let mut fails = false;
        self.needs.clear();
        for (position, (dependency, control)) in depends_on.iter().zip(&links.control).enumerate() {
            let table = &self.frames[dependency.task.index()];
            let needed = table.latest();
            self.needs.push(needed.unwrap_or(u64::MAX));
            let upstream = needed.and_then(|index| table.get(index));
            match (upstream.map(|upstream| (upstream.fate, upstream.frame)), control) {
                // Before the first frame of the other task there is nothing to work on.
                (None | Some((Fate::Void, _)), _) => exists = false,
                (Some((Fate::Completed { .. }, _)), None) => {}
                (Some((Fate::Completed { model, exit }, _)), Some(table)) => {
                    exists &= self.happens(task, frame.index, position, table.probability(model, exit));
                }
                (Some((Fate::Failed, _)), _) => fails = true,
                (Some((Fate::Live(_), _)), None) => linked.data_left += 1,
                // Whether there will be an output is not known either.
                (Some((Fate::Hidden, _)), None) => {
                    linked.data_left += 1;
                    linked.unknown_left += 1;
                }
                (Some((Fate::Hidden | Fate::Live(_), _)), Some(_)) => linked.unknown_left += 1,
            }
        }
        self.frames[task.index()].push(linked, self.needs.iter().copied());
        if !released {
            self.events.add_release(frame.release, links.rank, frame.index);
        }
        if !exists {
            self.void(task, frame.index);
        } else if fails {
            self.fail(task, frame.index);
        } else {
            self.show_if_known(task, frame.index);
        }
        self.frames[task.index()].forget();
    }

    /// The frame whose jitter has passed.
    fn release_hidden(&mut self) {
        let Some((rank, index)) = self.events.take_release() else { return };
        let task = self.system.order[rank];
        self.show_if_known(task, index);
        self.frames[task.index()].forget();
    }

    /// Shows the job of a hidden frame once its outcomes and its release are there.
    fn show_if_known(&mut self, task: TaskId, index: u64) {
        let Some(linked) = self.frames[task.index()].get(index) else { return };
        if linked.fate != Fate::Hidden || linked.unknown_left > 0 || linked.frame.release > self.state.now {
            return;
        }
        let (frame, state) =
            (linked.frame, if linked.data_left > 0 { JobState::Waiting } else { JobState::Ready });
        let slot = self.show(task, &frame, state);
        self.tell_released(slot);
        self.settle(task, index, Fate::Live(self.state.jobs[slot].id));
    }

    /// Makes the job of a frame, in a free slot.
    fn show(&mut self, task: TaskId, frame: &Frame, state: JobState) -> usize {
        let system = self.system;
        let model = system.scenario.tasks[task.index()].model;
        let slot = match self.state.free.pop() {
            Some(slot) => slot,
            None => self.state.jobs.len() as u32,
        };
        let generation = self.state.jobs.get(slot as usize).map_or(0, |job| job.id.generation());
        let job = Job {
            id: JobId::new(slot, generation),
            task,
            frame: frame.index,
            arrival: frame.arrival,
            release: self.state.now,
            deadline: frame.deadline,
            priority: frame.priority,
            model,
            started: false,
            progress: Progress::default(),
            state,
            sequence: self.next_sequence,
            last_ran: self.state.now,
            energy_pj: 0.0,
        };
        self.next_sequence += 1;
        let hidden = Hidden { sample: frame.sample, ..Hidden::default() };
        let realisation = self.realise(task, model, frame.sample);
        if (slot as usize) < self.state.jobs.len() {
            self.state.jobs[slot as usize] = job;
            self.state.hidden[slot as usize] = hidden;
            self.state.realisations[slot as usize] = realisation;
        } else {
            self.state.jobs.push(job);
            self.state.hidden.push(hidden);
            self.state.realisations.push(realisation);
        }
        let list = if state == JobState::Ready { &mut self.state.ready } else { &mut self.state.waiting };
        list.push(slot);
        slot as usize
    }

    fn realise(&self, task: TaskId, model: ModelId, sample: u64) -> Realisation {
        self.system.models[model.index()].realise(self.path_draws[task.index()], sample)
    }

    fn tell_released(&mut self, slot: usize) {
        self.is_news = true;
        let job = self.state.jobs[slot];
        self.state.counters[job.task.index()].released += 1;
        self.observer.released(self.state.now, &job);
        if self.interests.jobs {
            self.notify(Notice::Released(job.id));
        }
    }

    /// Whether the outcome of another job triggers a frame, by the position of the dependency: each
    /// has a draw of its own.
    fn happens(&self, task: TaskId, frame: u64, position: usize, probability: f64) -> bool {
        self.control_draws[task.index()].happens(frame, position as u64, probability)
    }

    /// Whether all outcomes that a frame needs would have triggered it, had the jobs that it needs
    /// been run: so that what is released does not depend on what a policy gives up.
    fn would_exist(&self, task: TaskId, index: u64) -> bool {
        let system = self.system;
        let depends_on = &system.scenario.tasks[task.index()].depends_on;
        depends_on.iter().zip(&system.tasks[task.index()].control).enumerate().all(
            |(position, (dependency, control))| {
                let table = &self.frames[dependency.task.index()];
                let needed =
                    self.frames[task.index()].needed(index, position).and_then(|index| table.get(index));
                // A frame that is forgotten did trigger this one, or it would not be here.
                let (Some(control), Some(needed)) = (control, needed) else { return true };
                let (model, exit) = match needed.fate {
                    Fate::Completed { model, exit } => (model, exit),
                    _ => self.would_be(dependency.task, &needed.frame),
                };
                self.happens(task, index, position, control.probability(model, exit))
            },
        )
    }

    /// How an inference that never ended would have ended.
    fn would_be(&self, task: TaskId, frame: &Frame) -> (ModelId, Option<u8>) {
        let model = self.system.scenario.tasks[task.index()].model;
        (model, self.realise(task, model, frame.sample).exit)
    }

    /// There is no job for a frame.
    fn void(&mut self, task: TaskId, index: u64) {
        let Some(linked) = self.frames[task.index()].get(index) else { return };
        self.observer.not_triggered(self.state.now, task, linked.frame.arrival);
        self.settle(task, index, Fate::Void);
    }

    /// A job will never have what it needs. One that is not shown yet is shown and given up at once,
    /// so that it counts, if it would ever have been.
    fn fail(&mut self, task: TaskId, index: u64) {
        let Some(linked) = self.frames[task.index()].get(index) else { return };
        let frame = linked.frame;
        if let Fate::Live(id) = linked.fate {
            self.drop_job(id.slot(), DropCause::Upstream);
            return;
        }
        if !self.would_exist(task, index) {
            self.void(task, index);
            return;
        }
        let slot = self.show(task, &frame, JobState::Waiting);
        self.tell_released(slot);
        self.drop_job(slot, DropCause::Upstream);
    }

    /// Records the fate of a frame, and passes it on to the frames that need it.
    fn settle(&mut self, task: TaskId, index: u64, fate: Fate) {
        let Some(linked) = self.frames[task.index()].get_mut(index) else { return };
        linked.fate = fate;
        let system = self.system;
        for &(dependent, position) in &system.tasks[task.index()].dependents {
            let mut from = 0;
            while let Some(found) = self.frames[dependent.index()].dependent(position, index, from) {
                self.pass_on(dependent, found, position, fate);
                from = found + 1;
            }
            self.frames[dependent.index()].forget();
        }
        self.frames[task.index()].forget();
    }

    /// Tells a frame what became of one that it needs.
    fn pass_on(&mut self, task: TaskId, index: u64, position: usize, fate: Fate) {
        let control = self.system.tasks[task.index()].control[position].as_ref();
        if let Fate::Live(_) = fate {
            // Its output will be there; its outcome is not.
            if control.is_none()
                && let Some(linked) = self.frames[task.index()].get_mut(index)
            {
                linked.unknown_left = linked.unknown_left.saturating_sub(1);
                self.show_if_known(task, index);
            }
            return;
        }
        let triggers = match (control, fate) {
            (Some(table), Fate::Completed { model, exit }) => {
                self.happens(task, index, position, table.probability(model, exit))
            }
            _ => true,
        };
        let Some(linked) = self.frames[task.index()].get_mut(index) else { return };
        if control.is_some() {
            linked.unknown_left = linked.unknown_left.saturating_sub(1);
        } else {
            linked.data_left = linked.data_left.saturating_sub(1);
        }
        let (own, data_left) = (linked.fate, linked.data_left);
        match (fate, own) {
            (Fate::Failed, _) | (Fate::Void, Fate::Live(_)) => self.fail(task, index),
            (Fate::Void, _) => self.void(task, index),
            _ if !triggers => self.void(task, index),
            (_, Fate::Live(id)) if data_left == 0 => self.become_ready(id),
            (_, Fate::Live(_)) => {}
            (_, _) => self.show_if_known(task, index),
        }
    }

    fn become_ready(&mut self, id: JobId) {
        self.is_news = true;
        let slot = id.slot() as u32;
        State::remove(&mut self.state.waiting, slot);
        self.state.jobs[id.slot()].state = JobState::Ready;
        State::insert(&mut self.state.ready, &self.state.jobs, slot);
        if self.interests.jobs {
            self.notify(Notice::InputsReady(id));
        }
    }

    // Segments.

    /// Takes the event of an accelerator.
    fn step(&mut self, accelerator: AcceleratorId) {
        match self.execution.step(self.system, accelerator, self.state.now) {
            Step::Internal => {}
            Step::Layer(completed) => self.complete_layer(accelerator, &completed),
            Step::Ended { to, last } => {
                if let Some(completed) = &last {
                    self.complete_layer(accelerator, completed);
                }
                self.end_segment(accelerator, to);
            }
        }
    }

    /// Books a layer, and tells of it whoever wants to know.
    fn complete_layer(&mut self, accelerator: AcceleratorId, completed: &Completed) {
        let Some(segment) = self.state.accelerators[accelerator.index()].segment else { return };
        let Completed { layer, began, stretch } = *completed;
        let to = Progress::at(layer.index() as u32 + 1);
        self.spend(segment.job.slot(), accelerator, segment.model, to, stretch);
        if self.interests.layers {
            self.is_news = true;
            let latency = self.state.now.saturating_since(began);
            let Segment { job, model, .. } = segment;
            self.notify(Notice::LayerCompleted { job, model, layer, accelerator, latency });
        }
    }

    /// Books a segment that is over, and lets its job go on, end, or be given up.
    fn end_segment(&mut self, accelerator: AcceleratorId, to: Progress) {
        self.is_news = true;
        let index = accelerator.index();
        let Some(segment) = self.state.accelerators[index].segment.take() else { return };
        let at = self.state.idle.partition_point(|idle| *idle < accelerator);
        self.state.idle.insert(at, accelerator);
        let now = self.state.now;
        let took = now.saturating_since(segment.dispatched);
        self.state.busy[index] = self.state.busy[index].saturating_add(took);
        let slot = segment.job.slot();
        self.spend(slot, accelerator, segment.model, to, 1.0);
        self.show_energy(slot);
        let job = &mut self.state.jobs[slot];
        job.progress = to;
        job.last_ran = now;
        let switched = self.state.hidden[slot].switched;
        let record = SegmentRecord { accelerator, segment: &segment, job, to, switched };
        self.observer.segment_ended(now, &record);
        let realisation = &self.state.realisations[slot];
        if self.system.next_layer(segment.model, realisation, to.layer) >= realisation.end {
            self.complete(slot);
        } else if self.state.hidden[slot].is_doomed {
            job.state = JobState::Waiting;
            self.drop_job(slot, DropCause::Policy);
        } else {
            job.state = JobState::Ready;
            State::insert(&mut self.state.ready, &self.state.jobs, slot as u32);
        }
    }

    /// Adds the energy of what a job has done since it was last booked: layer by layer in order, so
    /// that how layers are grouped into segments changes no digit. Layers that took `stretch` times
    /// as long as in isolation spent as much more of what flows whether anything happens or not.
    fn spend(&mut self, slot: usize, accelerator: AcceleratorId, model: ModelId, to: Progress, stretch: f64) {
        let system = self.system;
        let column = system.profile.column(accelerator);
        let hidden = &mut self.state.hidden[slot];
        // What of a step is done where steps are smaller counts for nothing where it is done again.
        let booked = std::mem::replace(&mut hidden.booked, to);
        let from = if to == booked { to } else { system.in_steps_of(model, column, booked) };
        let is_whole = from == Progress::default() && to.quantum == 0 && stretch == 1.0;
        if is_whole && !system.is_dynamic[model.index()] {
            hidden.energy = *system.energy_before(model, to.layer, column);
        } else {
            let realisation = &self.state.realisations[slot];
            let mut layer = system.next_layer(model, realisation, from.layer);
            while layer < to.layer || (layer == to.layer && to.quantum > 0) {
                let mut energy = *system.profile.energy(model, layer, column);
                let share = |progress: Progress| match progress.quantum {
                    done if done > 0 && progress.layer == layer => {
                        f64::from(done) / f64::from(progress.quanta)
                    }
                    _ => 0.0,
                };
                let until = if layer == to.layer { share(to) } else { 1.0 };
                let part = until - share(from);
                if part != 1.0 || stretch != 1.0 {
                    energy = energy.scaled(part);
                    energy.r#static *= stretch;
                }
                hidden.energy += energy;
                layer = system.next_layer(model, realisation, layer + 1);
            }
        }
    }

    /// Shows what a job has spent, now that a segment of it is over.
    fn show_energy(&mut self, slot: usize) {
        let hidden = &self.state.hidden[slot];
        let job = &mut self.state.jobs[slot];
        let spent = hidden.energy.total() + hidden.switch_energy_pj;
        self.state.counters[job.task.index()].energy_pj += spent - job.energy_pj;
        job.energy_pj = spent;
    }

    fn complete(&mut self, slot: usize) {
        let job = self.state.jobs[slot];
        let counters = &mut self.state.counters[job.task.index()];
        counters.completed += 1;
        counters.late += u64::from(self.state.now > job.deadline);
        counters.worst_energy_pj += self.system.profile.worst_energy_pj(job.model);
        self.tell(slot, |observer, now, record| observer.completed(now, record));
        if self.interests.jobs {
            self.notify(Notice::Completed(job.id));
        }
        self.free(slot);
        let exit = self.state.realisations[slot].exit;
        self.settle(job.task, job.frame, Fate::Completed { model: job.model, exit });
    }

    /// Gives up a job that does not run.
    fn drop_job(&mut self, slot: usize, cause: DropCause) {
        self.is_news = true;
        let job = self.state.jobs[slot];
        match job.state {
            JobState::Ready => State::remove(&mut self.state.ready, slot as u32),
            JobState::Waiting => State::remove(&mut self.state.waiting, slot as u32),
            JobState::Running(_) => return,
        }
        let counters = &mut self.state.counters[job.task.index()];
        counters.dropped += 1;
        counters.worst_energy_pj += self.system.profile.worst_energy_pj(job.model);
        self.tell(slot, |observer, now, record| observer.dropped(now, record, cause));
        if self.interests.jobs {
            self.notify(Notice::Dropped(job.id));
        }
        self.free(slot);
        if cause == DropCause::Upstream {
            self.gone.push(job.id);
        }
        self.settle(job.task, job.frame, Fate::Failed);
    }

    fn tell(&mut self, slot: usize, tell: impl FnOnce(&mut O, Time, &JobRecord<'_>)) {
        let job = &self.state.jobs[slot];
        let hidden = &self.state.hidden[slot];
        let model = &self.system.models[job.model.index()];
        let exit = self.state.realisations[slot].exit.and_then(|exit| model.exits.get(usize::from(exit)));
        let record = JobRecord {
            job,
            energy: &hidden.energy,
            switch_energy_pj: hidden.switch_energy_pj,
            accuracy: exit.and_then(|exit| exit.accuracy).or(model.accuracy),
            worst_energy_pj: self.system.profile.worst_energy_pj(job.model),
        };
        tell(&mut self.observer, self.state.now, &record);
    }

    /// Makes a slot free: its id names nothing from now on.
    fn free(&mut self, slot: usize) {
        let id = self.state.jobs[slot].id;
        self.state.jobs[slot].id = JobId::new(id.slot() as u32, id.generation().wrapping_add(1));
        self.state.free.push(slot as u32);
    }

    // Phases and timers.

    fn change_phase(&mut self, phase: usize) {
        self.is_news = true;
        self.events.take_phase();
        self.state.phase = phase + 1;
        self.observer.phase_changed(self.state.now, phase);
        if self.interests.times {
            self.notify(Notice::PhaseChanged(phase));
        }
    }

    fn tick(&mut self, tag: u64) {
        self.is_news = true;
        self.events.take_timer();
        if self.interests.times {
            self.notify(Notice::Timer(tag));
        }
    }

    // Decisions.

    /// Asks the policy until it has no more to say.
    fn decide(&mut self) -> Result<(), SimulationError> {
        for _ in 0..MOST_ROUNDS {
            let view = self.state.view(self.system);
            let truth = self
                .options
                .oracle
                .then(|| Truth::new(&self.system.profile, self.system.models, &self.state.realisations));
            let mut decisions = std::mem::take(&mut self.decisions);
            decisions.clear();
            self.gone.clear();
            self.policy.decide(&view, truth.as_ref(), &mut decisions);
            self.rounds += 1;
            self.decisions_taken += decisions.len() as u64;
            let is_done = decisions.is_empty();
            let outcome = decisions.iter().try_for_each(|decision| {
                self.apply(decision).map_err(|reason| SimulationError::IllegalDecision {
                    policy: self.policy_name.clone(),
                    now: self.state.now,
                    decision: *decision,
                    reason,
                })
            });
            self.decisions = decisions;
            outcome?;
            if is_done {
                // What the policy did itself is no news to it.
                self.is_news = false;
                return Ok(());
            }
        }
        Err(SimulationError::EndlessDecisions {
            policy: self.policy_name.clone(),
            now: self.state.now,
            rounds: MOST_ROUNDS,
        })
    }

    fn apply(&mut self, decision: &Decision) -> Result<(), Illegal> {
        match *decision {
            Decision::Dispatch { job, variant, placement, extent } => {
                self.dispatch(job, variant, placement, extent)
            }
            Decision::Preempt { accelerator, mode } => {
                let known = self.state.accelerators.get(accelerator.index());
                known.ok_or(Illegal::NoSuchAccelerator)?;
                let segment = &mut self.state.accelerators[accelerator.index()].segment;
                segment.as_mut().ok_or(Illegal::NothingToPreempt)?.is_ending = true;
                self.execution.preempt(self.system, accelerator, self.state.now, mode);
                Ok(())
            }
            Decision::Drop { job } => {
                // A drop of the same list may have taken it along.
                if self.gone.contains(&job) {
                    return Ok(());
                }
                let slot = self.slot(job)?;
                if let JobState::Running(accelerator) = self.state.jobs[slot].state {
                    if std::mem::replace(&mut self.state.hidden[slot].is_doomed, true) {
                        return Err(Illegal::AlreadyDropped);
                    }
                    if let Some(segment) = &mut self.state.accelerators[accelerator.index()].segment {
                        segment.is_ending = true;
                    }
                    let mode = rtmm_scheduler::Preemption::Layer;
                    self.execution.preempt(self.system, accelerator, self.state.now, mode);
                } else {
                    self.drop_job(slot, DropCause::Policy);
                }
                Ok(())
            }
            Decision::SetShare { accelerator, share } => {
                let known = self.state.accelerators.get(accelerator.index());
                known.ok_or(Illegal::NoSuchAccelerator)?;
                self.execution.set_share(self.state.now, accelerator, share)
            }
            Decision::SetTimer { at, tag } => {
                if at <= self.state.now {
                    return Err(Illegal::TimerNotInFuture);
                }
                self.events.add_timer(at, tag);
                Ok(())
            }
            _ => Err(Illegal::NoSuchPlacement),
        }
    }

    fn slot(&self, id: JobId) -> Result<usize, Illegal> {
        let known = self.state.jobs.get(id.slot()).is_some_and(|job| job.id == id);
        if known { Ok(id.slot()) } else { Err(Illegal::NoSuchJob) }
    }

    fn dispatch(
        &mut self,
        id: JobId,
        variant: Option<VariantId>,
        placement: Placement,
        extent: Extent,
    ) -> Result<(), Illegal> {
        let system = self.system;
        let slot = self.slot(id)?;
        let job = self.state.jobs[slot];
        match job.state {
            JobState::Ready => {}
            JobState::Waiting => return Err(Illegal::InputsNotReady),
            JobState::Running(_) => return Err(Illegal::JobRuns),
        }
        let Placement::Whole(accelerator) = placement else { return Err(Illegal::NoSuchPlacement) };
        let index = accelerator.index();
        let state = *self.state.accelerators.get(index).ok_or(Illegal::NoSuchAccelerator)?;
        if state.segment.is_some() {
            return Err(Illegal::AcceleratorBusy);
        }
        let model = match variant {
            None => job.model,
            Some(variant) => {
                let variants = &system.scenario.tasks[job.task.index()].variants;
                *variants.get(variant.index()).ok_or(Illegal::NoSuchVariant)?
            }
        };
        if job.started && model != job.model {
            return Err(Illegal::VariantIsFixed);
        }
        if model != job.model {
            self.state.realisations[slot] = self.realise(job.task, model, self.state.hidden[slot].sample);
        }

        let now = self.state.now;
        let decision_time = self.policy.decision_time(&self.state.view(system));
        self.scheduler_free = self.scheduler_free.max(now).saturating_add(decision_time);
        let mut start = self.scheduler_free;
        let switched = state.last_model.is_some_and(|last| last != model);
        if switched {
            let context_switch = &system.platform.accelerators[index].context_switch;
            start = start.saturating_add(context_switch.time);
            self.state.hidden[slot].switch_energy_pj += context_switch.energy_pj;
        }
        self.state.hidden[slot].switched = switched;

        let column = system.profile.column(accelerator);
        let layers = system.profile.layers(model);
        let from = job.progress;
        let stop = match extent {
            Extent::Layers(count) => from.layer.saturating_add(count.get()).min(layers),
            Extent::Rest => layers,
        };
        let expected = expected_latency(system, model, system.in_steps_of(model, column, from), stop, column);
        let segment = Segment {
            job: id,
            model,
            from,
            stop,
            dispatched: now,
            started: start,
            expected_end: start.saturating_add(expected),
            is_ending: false,
        };
        State::remove(&mut self.state.ready, slot as u32);
        if let Ok(position) = self.state.idle.binary_search(&accelerator) {
            self.state.idle.remove(position);
        }
        self.state.accelerators[index] = AcceleratorState { segment: Some(segment), last_model: Some(model) };
        let job = &mut self.state.jobs[slot];
        (job.model, job.started, job.state) = (model, true, JobState::Running(accelerator));
        let realisation = self.state.realisations[slot];
        let configuration = system.platform.accelerators[index].configuration;
        let course = Course { model, column, configuration, from, stop, start, realisation };
        self.execution.begin(system, accelerator, &course);
        self.observer.dispatched(now, accelerator, &segment, &self.state.jobs[slot]);
        Ok(())
    }

    // The end.

    /// Ends all that still runs, and tells of every job that is not over.
    fn finish(&mut self, now: Time) {
        self.state.now = now;
        for index in 0..self.state.accelerators.len() {
            let accelerator = AcceleratorId::new(index);
            let Some(to) = self.execution.halt(self.system, accelerator, now) else { continue };
            let Some(segment) = self.state.accelerators[index].segment.take() else { continue };
            let slot = segment.job.slot();
            let took = now.saturating_since(segment.dispatched);
            self.state.busy[index] = self.state.busy[index].saturating_add(took);
            self.spend(slot, accelerator, segment.model, to, 1.0);
            self.show_energy(slot);
            let job = &mut self.state.jobs[slot];
            job.progress = to;
            let switched = self.state.hidden[slot].switched;
            self.observer
                .segment_ended(now, &SegmentRecord { accelerator, segment: &segment, job, to, switched });
            job.state = JobState::Waiting;
            self.state.waiting.push(slot as u32);
        }
        let mut live = std::mem::take(&mut self.state.waiting);
        live.append(&mut self.state.ready);
        live.sort_unstable_by_key(|slot| self.state.jobs[*slot as usize].sequence);
        for slot in live {
            self.tell(slot as usize, |observer, now, record| observer.in_flight(now, record));
        }
        let record = EndRecord {
            accelerators_busy: &self.state.busy,
            decisions: self.decisions_taken,
            rounds: self.rounds,
        };
        self.observer.ended(now, &record);
    }
}

/// How long a segment should take by the profile: exactly so where nothing is skipped.
fn expected_latency(
    system: &System<'_>,
    model: ModelId,
    from: Progress,
    stop: u32,
    column: usize,
) -> Duration {
    let profile = &system.profile;
    let all = profile.remaining(model, from.layer, column).picoseconds();
    let after = profile.remaining(model, stop, column).picoseconds();
    let mut expected = all.saturating_sub(after);
    if from.quantum > 0 {
        let layer = u128::from(profile.latency(model, from.layer, column).picoseconds());
        let done = layer * u128::from(from.quantum) / u128::from(from.quanta.max(1));
        expected = expected.saturating_sub(u64::try_from(done).unwrap_or(u64::MAX));
    }
    Duration::from_picoseconds(expected)
}
