//! The engine against a second simulator that shares nothing with it but the definitions: it goes from
//! picosecond to picosecond, looks at everything in each, and moves every byte by itself. It is slow, and
//! so literal that one can check it against the definitions by reading.
//!
//! It takes no decisions: it is given those that a policy took in the engine, with their instants, and
//! must arrive at the same events at the same instants.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use rtmm_hardware::{
    AcceleratorId, Bandwidth, Condition, Configuration, Isolated, LayerOf, Share, Sharing, Work,
};
use rtmm_scheduler::{Extent, Interests, Policy, Preemption};
use rtmm_sim::{DropCause, EndOfRun, RunOptions, System};
use rtmm_testkit::random_systems::policies::{Fcfs, Habits, Scripted, next_quantum};
use rtmm_testkit::random_systems::record::{Event, Heard, Log, Name, Reached, Record, Recorder, Said, Spent};
use rtmm_testkit::random_systems::systems::{self, Built, Memory, Sketch};
use rtmm_testkit::{cases, random_systems};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{DependencyKind, Duration, Follower, Frame, Frames, Realisation, TaskId};

// ---------------------------------------------------------------------------------------------
// The oracle.

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It has not arrived.
    Future,
    /// It arrived, and nobody has seen its job.
    Hidden,
    Waiting,
    Ready,
    Running(usize),
    /// There is no job.
    NotTriggered,
    Completed,
    Dropped,
}

/// A frame, and its job if it has one.
#[derive(Clone, Debug)]
struct One {
    task: usize,
    frame: Frame,
    fate: Fate,
    /// The frame of each task that it depends on, in their order; known when it arrives.
    needs: Vec<usize>,
    /// Of each of them, whether what must be known of it is not known yet: of one whose output is
    /// needed, that there is a job; of one whose outcome is needed, what became of it.
    open: Vec<bool>,
    /// Whether it was told that something that it needs was given up.
    is_lost: bool,
    model: usize,
    is_started: bool,
    reached: Reached,
    /// The layer that it completed last, or stopped in.
    last_layer: Option<u32>,
    drops_at_boundary: bool,
    spent: Spent,
}

/// A layer that runs.
#[derive(Clone, Copy, Debug)]
struct Running {
    layer: u32,
    began: u64,
    /// The quantum that it began with, in the steps that the layer has here.
    quantum: u32,
    /// Alone: when it ends.
    end: u64,
    /// In competition: the whole of it, and what is left. Compute is in 2^-20 picoseconds, traffic in units
    /// of bandwidth times picoseconds.
    all_compute: u128,
    all_traffic: u128,
    compute: u128,
    traffic: u128,
    exposed: u64,
    demand: u64,
}

/// A segment on units of its accelerator.
#[derive(Clone, Debug)]
struct Seg {
    one: usize,
    model: usize,
    accelerator: usize,
    /// Ascending, each by its position on the accelerator.
    units: Vec<u32>,
    /// Since when it has held these.
    since: u64,
    /// The units that its layers run on, and what they are.
    used: u32,
    configuration: usize,
    share: Share,
    /// The number of units that it is to have from its next boundary on.
    next: Option<u32>,
    from: Reached,
    started: u64,
    switched: bool,
    end: u32,
    realisation: Realisation,
    running: Option<Running>,
    /// The last layer that it completed.
    previous: Option<u32>,
    /// A preemption: where it ends, and when if that is inside a layer or now.
    cut: Option<(Reached, Option<u64>)>,
}

struct Oracle<'o> {
    built: &'o Built,
    log: &'o Log,
    options: RunOptions,
    interests: Interests,
    decision_time: u64,
    /// By model, sample, layer and configuration. A model without samples has one row.
    work: Vec<Vec<Vec<Vec<Work>>>>,
    order: Vec<usize>,
    ones: Vec<One>,
    /// By slot: the position of the lowest unit that it was dispatched on, among all units.
    segments: Vec<Option<Seg>>,
    /// By unit: the model that ran last, the layer of it that its job had run last when it left the unit, and
    /// the number of units that it had.
    last: Vec<Option<(usize, Option<u32>, u32)>>,
    /// By accelerator: time in segments times the units that they held.
    busy: Vec<u64>,
    scheduler_free: u64,
    timers: Vec<(u64, u64)>,
    now: u64,
    /// Calls of the policy that have been followed.
    called: usize,
    events: Vec<(u64, Event)>,
    heard: Vec<(u64, Heard)>,
    /// Whether anything happened in this instant that the policy has not been asked about.
    must_decide: bool,
}

impl<'o> Oracle<'o> {
    fn new(
        built: &'o Built,
        log: &'o Log,
        options: RunOptions,
        interests: Interests,
        decision_time: u64,
    ) -> Self {
        let Built { scenario, models, platform } = built;
        let work = models.iter().map(|model| {
            let of_layer = |sample: usize, index: usize| {
                let of = LayerOf { model: &model.name, layer: &model.layers[index] };
                let condition = match &model.samples {
                    Some(samples) => systems::condition_of(samples.sparsity(sample, index), sample),
                    None => Condition::Profile,
                };
                let on = |one: &Configuration| {
                    let is_asked = one.cost_model.depends_on_input();
                    let condition = if is_asked { condition } else { Condition::Profile };
                    one.cost_model.work(of, condition).expect("a cost")
                };
                platform.configurations.iter().map(on).collect()
            };
            let samples = model.samples.as_ref().map_or(1, |samples| samples.len());
            let of_sample =
                |sample| (0..model.layers.len()).map(|index| of_layer(sample, index)).collect::<Vec<_>>();
            (0..samples).map(of_sample).collect()
        });
        // Tasks that others depend on stand before them; else they stand in the order of the file.
        let mut order: Vec<usize> = Vec::new();
        while order.len() < scenario.tasks.len() {
            for (index, task) in scenario.tasks.iter().enumerate() {
                let has_all = task.depends_on.iter().all(|on| order.contains(&on.task.index()));
                if has_all && !order.contains(&index) {
                    order.push(index);
                }
            }
        }
        let mut ones = Vec::new();
        for task in 0..scenario.tasks.len() {
            let leader = scenario.leader(TaskId::new(task));
            let mut frames = Frames::new(scenario, leader, options.seed);
            let follower = Follower::new(scenario, TaskId::new(task), options.seed);
            while let Some(frame) = frames.next_frame() {
                let frame = if leader.index() == task { Some(frame) } else { follower.frame(&frame) };
                ones.extend(frame.map(|frame| One {
                    task,
                    frame,
                    fate: Fate::Future,
                    needs: Vec::new(),
                    open: Vec::new(),
                    is_lost: false,
                    model: scenario.tasks[task].model.index(),
                    is_started: false,
                    reached: (0, 0, 0),
                    last_layer: None,
                    drops_at_boundary: false,
                    spent: Spent::default(),
                }));
            }
        }
        let accelerators = platform.accelerators.len();
        let units = platform.accelerators.iter().map(|one| one.units() as usize).sum();
        Self {
            built,
            log,
            options,
            interests,
            decision_time,
            work: work.collect(),
            order,
            ones,
            segments: vec![None; units],
            last: vec![None; units],
            busy: vec![0; accelerators],
            scheduler_free: 0,
            timers: Vec::new(),
            now: 0,
            called: 0,
            events: Vec::new(),
            heard: Vec::new(),
            must_decide: false,
        }
    }

    /// Goes through the whole run. `last` is the last instant of the engine, for runs that go on until
    /// nothing is left to do.
    fn run(&mut self, last: u64) {
        let duration = self.built.scenario.duration.picoseconds();
        let end = if self.options.end == EndOfRun::Cut { duration } else { last };
        loop {
            self.instant();
            if self.now == end {
                break;
            }
            self.pass_a_picosecond();
            self.now += 1;
        }
        assert_eq!(self.called, self.log.calls.len(), "the policy was asked after the end");
        self.finish();
    }

    fn tell(&mut self, event: Event) {
        self.events.push((self.now, event));
    }

    fn hear(&mut self, heard: Heard) {
        let wants = match heard {
            Heard::Layer { .. } => self.interests.layers,
            Heard::Phase(_) | Heard::Timer(_) => self.interests.times,
            _ => self.interests.jobs,
        };
        if wants {
            self.heard.push((self.now, heard));
        }
    }

    fn name(&self, one: usize) -> Name {
        (self.ones[one].task, self.ones[one].frame.index)
    }

    fn find(&self, name: Name) -> usize {
        (0..self.ones.len()).find(|one| self.name(*one) == name).expect("decisions are about real jobs")
    }

    /// All that happens now, and all that is decided.
    fn instant(&mut self) {
        let mut is_first = true;
        loop {
            self.must_decide = false;
            self.segments_end();
            if is_first {
                self.frames_arrive();
                self.frames_show();
                self.phases_begin();
                self.timers_ring();
                is_first = false;
            }
            // Decisions at the last instant of a run that is cut could do nothing.
            let is_over =
                self.options.end == EndOfRun::Cut && self.now >= self.built.scenario.duration.picoseconds();
            let is_asked = self.log.calls.get(self.called).is_some_and(|(at, _)| *at == self.now);
            let recent = &self.events[self.events.len().saturating_sub(4)..];
            assert!(
                is_asked || is_over || !self.must_decide,
                "the policy was not asked at {} ps: {recent:?}",
                self.now
            );
            assert!(
                !is_asked || (self.must_decide && !is_over),
                "the policy was asked at {} ps, where nothing happened",
                self.now
            );
            if !is_asked {
                return;
            }
            // Until it has no more to say.
            while let Some((at, decisions)) = self.log.calls.get(self.called) {
                assert_eq!(*at, self.now, "the policy was not asked again");
                self.called += 1;
                for decision in decisions {
                    self.obey(*decision);
                }
                if decisions.is_empty() {
                    break;
                }
            }
        }
    }

    // Frames.

    fn frames_arrive(&mut self) {
        for task in self.order.clone() {
            for one in 0..self.ones.len() {
                let is_due = self.ones[one].frame.arrival.picoseconds() == self.now;
                if self.ones[one].task == task && self.ones[one].fate == Fate::Future && is_due {
                    self.arrive(one);
                }
            }
        }
    }

    /// The latest frame of a task that arrived by now.
    fn latest(&self, task: usize) -> Option<usize> {
        (0..self.ones.len())
            .filter(|one| self.ones[*one].task == task)
            .filter(|one| self.ones[*one].frame.arrival.picoseconds() <= self.now)
            .max_by_key(|one| self.ones[*one].frame.index)
    }

    fn arrive(&mut self, one: usize) {
        self.ones[one].fate = Fate::Hidden;
        let task = &self.built.scenario.tasks[self.ones[one].task];
        let needs: Vec<Option<usize>> =
            task.depends_on.iter().map(|on| self.latest(on.task.index())).collect();
        let mut exists = self.ones[one].frame.triggered && needs.iter().all(Option::is_some);
        self.ones[one].needs = needs.into_iter().flatten().collect();
        if exists {
            for position in 0..self.ones[one].needs.len() {
                exists &= self.outcome(one, position) != Some(false);
            }
        }
        self.ones[one].open = (0..self.ones[one].needs.len()).map(|need| self.is_open(one, need)).collect();
        self.ones[one].is_lost =
            self.ones[one].needs.iter().any(|need| self.ones[*need].fate == Fate::Dropped);
        if !exists {
            self.void(one);
        } else {
            self.show_if_known(one);
        }
    }

    /// Whether a dependency makes that there is a job; none while that is open.
    fn outcome(&self, one: usize, position: usize) -> Option<bool> {
        let need = &self.ones[self.ones[one].needs[position]];
        let task = &self.built.scenario.tasks[self.ones[one].task];
        let kind = &task.depends_on[position].kind;
        match (need.fate, kind) {
            (Fate::NotTriggered, _) => Some(false),
            (Fate::Completed | Fate::Dropped, DependencyKind::Data) => Some(true),
            (Fate::Completed | Fate::Dropped, DependencyKind::Control { .. }) => {
                Some(self.would_trigger(one, position))
            }
            _ => None,
        }
    }

    /// Whether the outcome of a dependency triggers a job. A job that was given up triggers what it would have.
    fn would_trigger(&self, one: usize, position: usize) -> bool {
        let need = &self.ones[self.ones[one].needs[position]];
        let task = &self.built.scenario.tasks[self.ones[one].task];
        let DependencyKind::Control { probability, probability_after_exit } = &task.depends_on[position].kind
        else {
            return true;
        };
        let model = need.model;
        let taken = self.realise(need, model).exit;
        let exit = taken.map(|exit| &self.built.models[model].exits[usize::from(exit)].name);
        let stated = probability_after_exit.iter().find(|(name, _)| Some(name) == exit);
        let probability = stated.map_or(*probability, |(_, probability)| *probability);
        let draws = Draws::new(self.options.seed, Stream::Control, &task.name);
        draws.happens(self.ones[one].frame.index, position as u64, probability)
    }

    fn realise(&self, one: &One, model: usize) -> Realisation {
        let name = &self.built.scenario.tasks[one.task].name;
        let draws = Draws::new(self.options.seed, Stream::Path, name);
        let row = self.row(one, model);
        Realisation { row, ..self.built.models[model].realise(draws, one.frame.sample) }
    }

    /// The recorded sample that a frame brings: the one that its request names, else one by a draw.
    fn row(&self, one: &One, model: usize) -> u32 {
        let Some(samples) = &self.built.models[model].samples else { return 0 };
        let count = samples.len() as u64;
        if one.frame.is_recorded && one.frame.sample < count {
            return one.frame.sample as u32;
        }
        let name = &self.built.scenario.tasks[one.task].name;
        let draws = Draws::new(self.options.seed, Stream::Sample, name);
        draws.below(one.frame.sample, 0, count) as u32
    }

    /// What a job takes by itself where it is fastest: the layers that it runs, one after the other.
    fn alone(&self, one: usize) -> u64 {
        let model = self.ones[one].model;
        let realisation = self.realise(&self.ones[one], model);
        let on = |(accelerator, units, configuration): (usize, u32, usize)| -> u64 {
            let available = self.available(accelerator, self.own_share(accelerator, units));
            (0..realisation.end)
                .filter(|layer| self.built.models[model].next_layer(&realisation, *layer) == *layer)
                .map(|layer| self.work(configuration, model, realisation.row, layer))
                .map(|work| Isolated::of(&work, available).latency().picoseconds())
                .sum()
        };
        let accelerators = self.built.platform.accelerators.iter().enumerate();
        let ways = accelerators.map(|(index, one)| (index, one.units(), one.configuration.index()));
        ways.map(on).min().expect("an accelerator")
    }

    fn frames_show(&mut self) {
        for task in self.order.clone() {
            for one in 0..self.ones.len() {
                let of = &self.ones[one];
                let is_due =
                    of.frame.release.picoseconds() == self.now && of.frame.arrival < of.frame.release;
                if of.task == task && is_due {
                    self.show_if_known(one);
                }
            }
        }
    }

    fn is_open(&self, one: usize, position: usize) -> bool {
        let of = &self.ones[one];
        match self.built.scenario.tasks[of.task].depends_on[position].kind {
            // What is not known itself makes what needs it unknown.
            DependencyKind::Data => matches!(self.ones[of.needs[position]].fate, Fate::Future | Fate::Hidden),
            DependencyKind::Control { .. } => self.outcome(one, position).is_none(),
        }
    }

    /// Shows a job that is visible by now, and that exists by all that is known.
    fn show_if_known(&mut self, one: usize) {
        let of = &self.ones[one];
        if of.fate != Fate::Hidden || of.frame.release.picoseconds() > self.now {
            return;
        }
        if of.open.contains(&true) {
            return;
        }
        let fate = if self.has_inputs(one) { Fate::Ready } else { Fate::Waiting };
        let is_lost = self.ones[one].is_lost;
        self.show(one, if is_lost { Fate::Waiting } else { fate });
        self.tell_dependents(one);
        // It will never have what it needs.
        if is_lost {
            self.drop(one, DropCause::Upstream);
        }
    }

    fn has_inputs(&self, one: usize) -> bool {
        self.ones[one].needs.iter().all(|need| self.ones[*need].fate == Fate::Completed)
    }

    fn show(&mut self, one: usize, fate: Fate) {
        self.must_decide = true;
        self.ones[one].fate = fate;
        let job = self.name(one);
        let frame = self.ones[one].frame;
        self.tell(Event::Released {
            job,
            arrival: frame.arrival.picoseconds(),
            deadline: frame.deadline.picoseconds(),
            priority: frame.priority,
            is_waiting: fate == Fate::Waiting,
        });
        self.hear(Heard::Released(job));
    }

    fn void(&mut self, one: usize) {
        self.ones[one].fate = Fate::NotTriggered;
        self.tell(Event::NotTriggered { task: self.ones[one].task });
        self.tell_dependents(one);
    }

    fn complete(&mut self, one: usize) {
        self.ones[one].fate = Fate::Completed;
        let (job, spent, isolated) = (self.name(one), self.ones[one].spent, self.alone(one));
        self.tell(Event::Completed { job, spent, isolated });
        self.hear(Heard::Completed(job));
        self.tell_dependents(one);
    }

    fn drop(&mut self, one: usize, cause: DropCause) {
        self.must_decide = true;
        self.ones[one].fate = Fate::Dropped;
        let (job, spent) = (self.name(one), self.ones[one].spent);
        self.tell(Event::Dropped { job, cause, spent });
        self.hear(Heard::Dropped(job));
        self.tell_dependents(one);
    }

    /// Tells the frames that need one of its fate: that it is known, or what became of it.
    fn tell_dependents(&mut self, one: usize) {
        for task in self.order.clone() {
            for other in 0..self.ones.len() {
                for position in 0..self.ones[other].needs.len() {
                    if self.ones[other].task == task && self.ones[other].needs[position] == one {
                        self.settled(other, position);
                    }
                }
            }
        }
    }

    fn settled(&mut self, one: usize, position: usize) {
        self.ones[one].open[position] = self.is_open(one, position);
        self.ones[one].is_lost |= self.ones[self.ones[one].needs[position]].fate == Fate::Dropped;
        let need = self.ones[self.ones[one].needs[position]].fate;
        match self.ones[one].fate {
            Fate::Hidden => {
                if self.outcome(one, position) == Some(false) {
                    self.void(one);
                } else {
                    self.show_if_known(one);
                }
            }
            Fate::Waiting if matches!(need, Fate::NotTriggered | Fate::Dropped) => {
                self.drop(one, DropCause::Upstream)
            }
            Fate::Waiting if self.has_inputs(one) => {
                self.must_decide = true;
                self.ones[one].fate = Fate::Ready;
                self.hear(Heard::InputsReady(self.name(one)));
            }
            _ => {}
        }
    }

    fn phases_begin(&mut self) {
        for phase in 0..self.built.scenario.phases.len() {
            if self.built.scenario.phases[phase].start.picoseconds() == self.now {
                self.must_decide = true;
                self.tell(Event::Phase { phase });
                self.hear(Heard::Phase(phase));
            }
        }
    }

    fn timers_ring(&mut self) {
        for (at, tag) in self.timers.clone() {
            if at == self.now {
                self.must_decide = true;
                self.hear(Heard::Timer(tag));
            }
        }
    }

    // Segments.

    fn is_shared(&self) -> bool {
        self.built.platform.shared_dram.is_some()
    }

    fn work(&self, configuration: usize, model: usize, sample: u32, layer: u32) -> Work {
        self.work[model][sample as usize][layer as usize][configuration]
    }

    /// The steps that a layer has on a configuration: as many as every sample of it has.
    fn quanta(&self, configuration: usize, model: usize, layer: u32) -> u32 {
        let samples = 0..self.work[model].len() as u32;
        let of = samples.map(|sample| self.work(configuration, model, sample, layer).quanta);
        of.min().expect("a row")
    }

    fn is_static(&self) -> bool {
        self.built.platform.shared_dram.is_some_and(|dram| dram.sharing == Sharing::Static)
    }

    /// The share of the memory that so many units of an accelerator come with.
    fn own_share(&self, accelerator: usize, units: u32) -> Share {
        if !self.is_static() {
            return Share::WHOLE;
        }
        let one = &self.built.platform.accelerators[accelerator];
        let part = u64::from(one.dram_share.millionths()) * u64::from(units) / u64::from(one.units());
        Share::from_millionths(part as u32).expect("a share")
    }

    /// The bandwidth that a run of an accelerator can have, if no other runs.
    fn available(&self, accelerator: usize, share: Share) -> Bandwidth {
        match self.built.platform.shared_dram {
            Some(dram) if dram.sharing == Sharing::Static => dram.bandwidth.part(share),
            _ => self.built.platform.dram_bandwidth(AcceleratorId::new(accelerator)),
        }
    }

    /// A layer that has everything to itself.
    fn isolated(&self, segment: &Seg, layer: u32) -> Isolated {
        let work = self.work(segment.configuration, segment.model, segment.realisation.row, layer);
        Isolated::of(&work, self.available(segment.accelerator, segment.share))
    }

    /// The slot of a job's segment.
    fn slot_of(&self, job: Name) -> usize {
        match self.ones[self.find(job)].fate {
            Fate::Running(slot) => slot,
            other => panic!("{job:?} does not run but is {other:?}"),
        }
    }

    fn segment(&mut self, slot: usize) -> &mut Seg {
        self.segments[slot].as_mut().expect("it runs")
    }

    /// The first unit of an accelerator among all units.
    fn first_unit(&self, accelerator: usize) -> usize {
        let before = &self.built.platform.accelerators[..accelerator];
        before.iter().map(|one| one.units() as usize).sum()
    }

    /// The units of an accelerator that nothing holds, ascending.
    fn free_units(&self, accelerator: usize) -> Vec<u32> {
        let all = 0..self.built.platform.accelerators[accelerator].units();
        let holds = |unit: &u32| {
            self.segments.iter().flatten().any(|of| of.accelerator == accelerator && of.units.contains(unit))
        };
        all.filter(|unit| !holds(unit)).collect()
    }

    /// Counts the time that a segment has held its units.
    fn count_busy(&mut self, slot: usize) {
        let now = self.now;
        let segment = self.segment(slot);
        let (accelerator, held) = (segment.accelerator, segment.units.len() as u64);
        let took = now - std::mem::replace(&mut segment.since, now);
        self.busy[accelerator] += took * held;
    }

    /// Begins the next layer of a segment at or after `layer` now; false if there is none.
    fn begin(&mut self, slot: usize, layer: u32) -> bool {
        let segment = self.segments[slot].clone().expect("a segment begins");
        let layer = self.built.models[segment.model].next_layer(&segment.realisation, layer);
        if layer >= segment.end {
            return false;
        }
        let isolated = self.isolated(&segment, layer);
        let latency = isolated.latency().picoseconds();
        let quanta = self.quanta(segment.configuration, segment.model, layer);
        // Progress inside the layer, in the steps that it has here, rounded down.
        let (of, quantum, of_quanta) = segment.from;
        let quantum = if of == layer { (quantum * quanta).checked_div(of_quanta).unwrap_or(0) } else { 0 };
        let done = latency * u64::from(quantum) / u64::from(quanta);
        let units = u128::from(isolated.demand.bytes_per_window());
        let all_compute = u128::from(isolated.compute.picoseconds()) << 20;
        let all_traffic = units * u128::from(isolated.transfer.picoseconds());
        let rest = |all: u128| all - all * u128::from(quantum) / u128::from(quanta);
        let began = self.now;
        self.segment(slot).running = Some(Running {
            layer,
            began,
            quantum,
            end: began + latency - done,
            all_compute,
            all_traffic,
            compute: rest(all_compute),
            traffic: rest(all_traffic),
            exposed: isolated.exposed.picoseconds(),
            demand: isolated.demand.bytes_per_window(),
        });
        true
    }

    fn segments_end(&mut self) {
        for slot in 0..self.segments.len() {
            while self.step(slot) {}
        }
    }

    /// Whether so many quanta of a layer are done, in competition.
    fn is_reached(&self, running: &Running, quantum: u32, quanta: u32) -> bool {
        let is_done = |all: u128, left: u128| all - left >= all * u128::from(quantum) / u128::from(quanta);
        is_done(running.all_compute, running.compute) && is_done(running.all_traffic, running.traffic)
    }

    /// What happens to a segment now; whether anything did.
    fn step(&mut self, slot: usize) -> bool {
        let Some(segment) = self.segments[slot].clone() else { return false };
        if segment.started > self.now {
            return false;
        }
        let Some(running) = segment.running else {
            if !self.begin(slot, segment.from.0) {
                self.stop(slot, (segment.end, 0, 0));
            }
            return true;
        };
        let is_cut = match segment.cut {
            Some((_, Some(at))) => at == self.now,
            Some(((_, quantum, quanta), None)) if quantum > 0 => self.is_reached(&running, quantum, quanta),
            _ => false,
        };
        if let (true, Some((to, _))) = (is_cut, segment.cut) {
            self.stop(slot, to);
            return true;
        }
        let is_done = if self.is_shared() {
            (running.compute, running.traffic, running.exposed) == (0, 0, 0)
        } else {
            running.end == self.now
        };
        if !is_done {
            return false;
        }
        let quanta = self.quanta(segment.configuration, segment.model, running.layer);
        self.spend(slot, running.layer, quanta - running.quantum);
        self.ones[segment.one].last_layer = Some(running.layer);
        let job = self.name(segment.one);
        let samples = self.built.models[segment.model].samples.as_ref();
        let row = segment.realisation.row as usize;
        let sparsity = samples.map(|samples| samples.sparsity(row, running.layer as usize));
        self.hear(Heard::Layer {
            job,
            model: segment.model,
            layer: running.layer as usize,
            accelerator: segment.accelerator,
            latency: self.now - running.began,
            sparsity,
        });
        self.must_decide |= self.interests.layers;
        self.segment(slot).previous = Some(running.layer);
        let after = (running.layer + 1, 0, 0);
        if segment.cut.is_some_and(|(to, _)| to == after) {
            self.stop(slot, after);
        } else if !self.begin(slot, running.layer + 1) {
            let end = segment.end;
            self.stop(slot, (end, 0, 0));
        }
        true
    }

    /// Books the energy of some steps of the layer that runs.
    fn spend(&mut self, slot: usize, layer: u32, steps: u32) {
        let segment = self.segments[slot].clone().expect("it runs");
        let work = self.work(segment.configuration, segment.model, segment.realisation.row, layer);
        let quanta = self.quanta(segment.configuration, segment.model, layer);
        let part = f64::from(steps) / f64::from(quanta);
        // Static energy accrues as long as the layer takes.
        let mut steady = work.energy.static_energy;
        let share = self.own_share(segment.accelerator, segment.used);
        let alone = Isolated::of(&work, self.available(segment.accelerator, share)).latency().picoseconds();
        let own = work.latency().picoseconds();
        if own > 0 {
            steady *= alone as f64 / own as f64;
        }
        let stretch = match segment.running {
            Some(running) if self.is_shared() => {
                let before = |quantum: u32| alone * u64::from(quantum) / u64::from(quanta);
                let alone = before(running.quantum + steps) - before(running.quantum);
                if alone == 0 { 1.0 } else { (self.now - running.began) as f64 / alone as f64 }
            }
            _ => 1.0,
        };
        self.ones[segment.one].spent.layers +=
            (work.energy.total() - work.energy.static_energy + steady * stretch) * part;
    }

    /// Says of units what ran on them last.
    fn leave(&mut self, slot: usize, units: &[u32]) {
        let segment = self.segments[slot].clone().expect("it runs");
        let first = self.first_unit(segment.accelerator);
        for unit in units {
            self.last[first + *unit as usize] =
                Some((segment.model, self.ones[segment.one].last_layer, segment.used));
        }
    }

    /// A segment has got to where it ends, or where it is resized.
    fn stop(&mut self, slot: usize, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        if let (Some(running), true) = (segment.running, to.1 > 0) {
            self.spend(slot, running.layer, to.1 - running.quantum);
            self.ones[segment.one].last_layer = Some(running.layer);
        }
        self.must_decide = true;
        self.count_busy(slot);
        match segment.next {
            Some(units) if to.0 < segment.end => self.resize(slot, units, to),
            _ => self.end(slot, to),
        }
    }

    fn resize(&mut self, slot: usize, units: u32, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        let one = &self.built.platform.accelerators[segment.accelerator];
        let (_, configuration) = one.configurations().find(|(count, _)| *count == units).expect("it exists");
        let migration = one.migration();
        // The lowest stay, and the one that it was dispatched on.
        let home = (slot - self.first_unit(segment.accelerator)) as u32;
        let others = segment.units.iter().copied().filter(|unit| *unit != home);
        let mut kept: Vec<u32> = others.take(units as usize - 1).chain([home]).collect();
        kept.sort_unstable();
        let lost: Vec<u32> = segment.units.iter().copied().filter(|unit| !kept.contains(unit)).collect();
        self.leave(slot, &lost);
        self.ones[segment.one].spent.switches += migration.energy_pj;
        let started = self.now + migration.time.picoseconds();
        // More units bring more bandwidth, if others have left it, and fewer take it away.
        let others: u32 = (0..self.segments.len())
            .filter(|other| *other != slot)
            .filter_map(|other| self.segments[other].as_ref())
            .map(|other| other.share.millionths())
            .sum();
        let own = self.own_share(segment.accelerator, units).millionths();
        let current = segment.share.millionths();
        let share = match segment.used < units {
            true if self.is_static() => current.max(own.min(1_000_000 - others)),
            _ => current.min(own),
        };
        let share = Share::from_millionths(share).expect("a share");
        let changed = self.segment(slot);
        (changed.units, changed.used, changed.configuration) = (kept.clone(), units, configuration.index());
        (changed.share, changed.next, changed.from, changed.started) = (share, None, to, started);
        (changed.running, changed.previous, changed.cut) = (None, None, None);
        self.tell(Event::Resized { job: self.name(segment.one), to, units: kept, started });
    }

    fn end(&mut self, slot: usize, to: Reached) {
        let segment = self.segments[slot].clone().expect("it runs");
        self.leave(slot, &segment.units);
        self.segments[slot] = None;
        let one = segment.one;
        // What is skipped next shows now.
        let next = self.built.models[segment.model].next_layer(&segment.realisation, to.0);
        let to = if next == to.0 { to } else { (next, 0, 0) };
        self.ones[one].reached = to;
        self.tell(Event::Ended {
            job: self.name(one),
            accelerator: segment.accelerator,
            to,
            switched: segment.switched,
            started: segment.started,
        });
        if to.0 >= segment.realisation.end {
            self.complete(one);
        } else if self.ones[one].drops_at_boundary {
            self.drop(one, DropCause::Policy);
        } else {
            self.ones[one].fate = Fate::Ready;
        }
    }

    /// What is done between this picosecond and the next, in competition.
    fn pass_a_picosecond(&mut self) {
        if !self.is_shared() {
            return;
        }
        let grants = self.grants();
        for (segment, grant) in self.segments.iter_mut().zip(grants) {
            let Some(running) = segment.as_mut().and_then(|segment| segment.running.as_mut()) else {
                continue;
            };
            if (running.compute, running.traffic) == (0, 0) {
                running.exposed = running.exposed.saturating_sub(1);
            }
            running.compute = running.compute.saturating_sub(1 << 20);
            running.traffic = running.traffic.saturating_sub(u128::from(grant));
        }
    }

    /// The bandwidth that each segment is granted now, by filling.
    fn grants(&self) -> Vec<u64> {
        let running = |segment: &Option<Seg>| segment.as_ref().and_then(|segment| segment.running);
        let demands: Vec<u64> = self
            .segments
            .iter()
            .map(running)
            .map(|running| running.filter(|running| running.traffic > 0).map_or(0, |running| running.demand))
            .collect();
        let Some(dram) = self.built.platform.shared_dram else { return demands };
        if dram.sharing == Sharing::Static {
            let part = |share: Share| dram.bandwidth.part(share).bytes_per_window();
            let parts = self.segments.iter().map(|of| of.as_ref().map_or(0, |of| part(of.share)));
            return demands.iter().zip(parts).map(|(demand, part)| *demand.min(&part)).collect();
        }
        let whole = u128::from(dram.bandwidth.bytes_per_window());
        let filled =
            |level: u64| -> u128 { demands.iter().map(|demand| u128::from(*demand.min(&level))).sum() };
        // The largest level for which the grants fit, bit by bit from above.
        let mut level = 0;
        for bit in (0..u64::BITS).rev() {
            if filled(level | 1 << bit) <= whole {
                level |= 1 << bit;
            }
        }
        demands.iter().map(|demand| *demand.min(&level)).collect()
    }

    // Decisions.

    fn obey(&mut self, said: Said) {
        match said {
            Said::Dispatch { job, variant, accelerator, units, layers } => {
                self.dispatch(job, variant, accelerator, units, layers);
            }
            Said::Preempt { job, mode } => {
                // Preempting what ends at its next boundary anyway changes nothing.
                let slot = self.slot_of(job);
                self.preempt(slot, mode);
            }
            Said::Resize { job, units } => self.want(job, units),
            Said::Drop { job } => {
                let one = self.find(job);
                if let Fate::Running(slot) = self.ones[one].fate {
                    self.ones[one].drops_at_boundary = true;
                    self.preempt(slot, Preemption::Layer);
                } else {
                    self.drop(one, DropCause::Policy);
                }
            }
            Said::Share { job, millionths } => {
                let slot = self.slot_of(job);
                self.segment(slot).share = Share::from_millionths(millionths).expect("a share");
            }
            Said::Timer { at, tag } => self.timers.push((at, tag)),
        }
    }

    /// A segment is to have another number of units.
    fn want(&mut self, job: Name, units: u32) {
        let slot = self.slot_of(job);
        let (accelerator, held) = (self.segment(slot).accelerator, self.segment(slot).units.len());
        let gained: Vec<u32> =
            self.free_units(accelerator).into_iter().take((units as usize).saturating_sub(held)).collect();
        assert_eq!(gained.len(), (units as usize).saturating_sub(held), "too few units are free");
        if !gained.is_empty() {
            self.count_busy(slot);
            let segment = self.segment(slot);
            segment.units.extend(gained);
            segment.units.sort_unstable();
            let units = segment.units.clone();
            self.tell(Event::Reserved { job, units });
        }
        if self.cut(slot, Preemption::Quantum) {
            self.segment(slot).next = Some(units);
        }
    }

    fn dispatch(
        &mut self,
        job: Name,
        variant: Option<usize>,
        accelerator: usize,
        count: u32,
        layers: Option<u32>,
    ) {
        let one = self.find(job);
        assert_eq!(self.ones[one].fate, Fate::Ready, "the engine accepted a job that is not ready");
        let units: Vec<u32> = self.free_units(accelerator).into_iter().take(count as usize).collect();
        assert_eq!(units.len(), count as usize, "the engine accepted a busy accelerator");
        let variants = &self.built.scenario.tasks[self.ones[one].task].variants;
        let model = variant.map_or(self.ones[one].model, |variant| variants[variant].index());
        assert!(!self.ones[one].is_started || self.ones[one].model == model, "the network is fixed");
        self.scheduler_free = self.scheduler_free.max(self.now) + self.decision_time;
        let mut started = self.scheduler_free;
        let first = self.first_unit(accelerator);
        let lasts = units.iter().filter_map(|unit| self.last[first + *unit as usize]);
        let others: Vec<(usize, Option<u32>, u32)> = lasts.filter(|(last, ..)| *last != model).collect();
        let switched = !others.is_empty();
        if switched {
            let switch = self.built.platform.accelerators[accelerator].context_switch;
            started += switch.time.picoseconds();
            self.ones[one].spent.switches += switch.energy_pj;
            if let Some(moves) = switch.activations {
                // What goes out is what each unit holds; what comes in is the input of the next layer.
                let models = &self.built.models;
                let mut elements = models[model].layers[self.ones[one].reached.0 as usize].input_elements();
                for (last, layer, held_by) in others {
                    let output = layer.map_or(0, |layer| {
                        models[last].layers[layer as usize].output_elements().expect("it has dimensions")
                    });
                    elements += output.div_ceil(u64::from(held_by));
                }
                let bytes = elements * moves.element_bytes;
                self.ones[one].spent.switches += moves.pj_per_byte * bytes as f64;
                // Picosecond by picosecond, until all of it is moved.
                let (mut time, mut moved) = (0_u64, 0_u128);
                let speed = moves.bandwidth;
                while speed != Bandwidth::UNLIMITED && moved < u128::from(bytes) << 30 {
                    moved += u128::from(speed.bytes_per_window());
                    time += 1;
                }
                started += time;
            }
        }
        let all = self.built.models[model].layers.len() as u32;
        let from = self.ones[one].reached;
        let realisation = self.realise(&self.ones[one], model);
        let next = self.built.models[model].next_layer(&realisation, from.0);
        let stop = layers.map_or(all, |layers| all.min(next + layers));
        let slot = first + units[0] as usize;
        (self.ones[one].model, self.ones[one].is_started) = (model, true);
        self.ones[one].fate = Fate::Running(slot);
        let end = stop.min(realisation.end);
        let platform = &self.built.platform.accelerators[accelerator];
        let (_, configuration) = platform.configurations().find(|(of, _)| *of == count).expect("it exists");
        self.segments[slot] = Some(Seg {
            one,
            model,
            accelerator,
            units: units.clone(),
            since: self.now,
            used: count,
            configuration: configuration.index(),
            share: self.own_share(accelerator, count),
            next: None,
            from,
            started,
            switched,
            end,
            realisation,
            running: None,
            previous: None,
            cut: None,
        });
        self.tell(Event::Dispatched { job, accelerator, units, model, from, stop, started });
    }

    /// Ends a segment at its next boundary, not before it has run a layer, or a quantum. A resize that is
    /// still to come does not.
    fn preempt(&mut self, slot: usize, mode: Preemption) {
        let now = self.now;
        let segment = self.segment(slot);
        let is_to_resize = segment.next.take().is_some();
        // A boundary between layers that is now is one for either reason.
        let is_now = matches!(segment.cut, Some(((_, 0, _), Some(at))) if at == now);
        if is_to_resize && mode == Preemption::Layer && !is_now {
            segment.cut = None;
        }
        self.cut(slot, mode);
    }

    /// Has a segment stop at its next boundary; whether that is before its end anyway.
    fn cut(&mut self, slot: usize, mode: Preemption) -> bool {
        let Some(segment) = self.segments[slot].clone() else { return false };
        // A segment that is about to begin stands at its first layer.
        let now = self.now.max(segment.started);
        let of_layer = |layer: u32| self.quanta(segment.configuration, segment.model, layer);
        let (layer, began, quantum) = match segment.running {
            Some(running) => (running.layer, running.began, running.quantum),
            None => {
                let layer = self.built.models[segment.model].next_layer(&segment.realisation, segment.from.0);
                if layer >= segment.end {
                    return false;
                }
                let (of, quantum, of_quanta) = segment.from;
                let quantum = (quantum * of_layer(layer)).checked_div(of_quanta).unwrap_or(0);
                (layer, segment.started, if of == layer { quantum } else { 0 })
            }
        };
        let quanta = of_layer(layer);
        let cut = match segment.previous {
            // A layer begins now, so that this is a boundary.
            Some(previous) if began == self.now => ((previous + 1, 0, 0), Some(self.now)),
            _ if mode == Preemption::Quantum && self.is_shared() => {
                // The first that is not done.
                let is_done =
                    |one: u32| segment.running.is_some_and(|running| self.is_reached(&running, one, quanta));
                let next = (quantum + 1..quanta).find(|one| !is_done(*one));
                next.map_or(((layer + 1, 0, 0), None), |one| ((layer, one, quanta), None))
            }
            _ => {
                let latency = self.isolated(&segment, layer).latency().picoseconds();
                let within = (mode == Preemption::Quantum)
                    .then(|| next_quantum(latency, quantum, quanta, now - began))
                    .flatten();
                match within {
                    Some((quantum, distance)) => ((layer, quantum, quanta), Some(began + distance)),
                    None => ((layer + 1, 0, 0), None),
                }
            }
        };
        let planned = segment.cut.map_or((segment.end, 0, 0), |(to, _)| to);
        if cut.0 >= planned {
            return false;
        }
        self.segment(slot).cut = Some(cut);
        true
    }

    // The end.

    fn finish(&mut self) {
        for slot in 0..self.segments.len() {
            if let Some(segment) = self.segments[slot].clone() {
                // Layers that are not complete count for nothing.
                let to = segment.previous.map_or(segment.from, |layer| (layer + 1, 0, 0));
                self.count_busy(slot);
                let (job, started, accelerator) =
                    (self.name(segment.one), segment.started, segment.accelerator);
                self.tell(Event::Ended { job, accelerator, to, switched: segment.switched, started });
            }
        }
        for one in 0..self.ones.len() {
            if matches!(self.ones[one].fate, Fate::Waiting | Fate::Ready | Fate::Running(_)) {
                let (job, spent) = (self.name(one), self.ones[one].spent);
                self.tell(Event::InFlight { job, spent });
            }
        }
        let accelerators = &self.built.platform.accelerators;
        let busy = self.busy.iter().zip(accelerators).map(|(busy, one)| busy / u64::from(one.units()));
        let busy = busy.collect();
        self.tell(Event::Over { busy });
    }
}

// ---------------------------------------------------------------------------------------------
// The comparison.

/// Whether two events are the same, with energy to within rounding.
fn is_same(engine: &Event, oracle: &Event) -> bool {
    let near = |a: &Spent, b: &Spent| {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(1.0);
        near(a.layers, b.layers) && near(a.switches, b.switches)
    };
    match (engine, oracle) {
        (
            Event::Completed { job, spent, isolated },
            Event::Completed { job: other, spent: also, isolated: alone },
        ) => (job, isolated) == (other, alone) && near(spent, also),
        (Event::InFlight { job, spent }, Event::InFlight { job: other, spent: also }) => {
            job == other && near(spent, also)
        }
        (
            Event::Dropped { job, cause, spent },
            Event::Dropped { job: other, cause: other_cause, spent: also },
        ) => job == other && cause == other_cause && near(spent, also),
        (one, other) => one == other,
    }
}

/// Jobs in flight are told in no particular order.
fn with_sorted_rest(mut events: Vec<(u64, Event)>) -> Vec<(u64, Event)> {
    events.sort_by_key(|(at, event)| match event {
        Event::InFlight { job, .. } => (*at, 1, *job),
        Event::Over { .. } => (*at, 2, (0, 0)),
        _ => (*at, 0, (0, 0)),
    });
    events
}

fn compare(
    sketch: &Sketch,
    policy: Box<dyn Policy>,
    end: EndOfRun,
    decision_time: u64,
) -> Result<(), TestCaseError> {
    let built = sketch.build();
    let system = System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs");
    let options = RunOptions { seed: sketch.seed, end, oracle: false };
    let interests = policy.interests();
    let (recorder, log) = Recorder::new(policy);
    let record: Record = random_systems::run(&system, recorder, options);
    let log = log.lock().expect("no test panics while it writes").clone();
    let last = record.events.last().map_or(0, |(at, _)| *at);

    let mut oracle = Oracle::new(&built, &log, options, interests, decision_time);
    oracle.run(last);
    let engine = with_sorted_rest(record.events);
    let events = with_sorted_rest(std::mem::take(&mut oracle.events));
    for (index, (one, other)) in engine.iter().zip(&events).enumerate() {
        let is_same = one.0 == other.0 && is_same(&one.1, &other.1);
        let before = &engine[index.saturating_sub(4)..index];
        prop_assert!(is_same, "event {index}: engine {one:?}\noracle {other:?}\nafter {before:?}");
    }
    prop_assert_eq!(engine.len(), events.len());
    for (one, other) in log.heard.iter().zip(&oracle.heard) {
        prop_assert_eq!(one, other, "the engine's notice, then the oracle's");
    }
    prop_assert_eq!(log.heard.len(), oracle.heard.len());
    Ok(())
}

fn habits() -> impl Strategy<Value = Habits> {
    let some = |often: u64| prop_oneof![Just(0), 1..often];
    (20..256_u64, some(200), some(120), some(60), some(200), some(60)).prop_map(
        |(dispatch, preempt, resize, drop, share, timer)| Habits {
            dispatch,
            preempt,
            resize,
            drop,
            share,
            timer,
        },
    )
}

fn interests() -> impl Strategy<Value = Interests> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(jobs, layers, times)| Interests {
        jobs,
        layers,
        times,
    })
}

fn ends() -> impl Strategy<Value = EndOfRun> {
    prop::sample::select(vec![EndOfRun::Cut, EndOfRun::Drain])
}

fn chaos(sketch: &Sketch, habits: Habits, interests: Interests, time: u64) -> Box<dyn Policy> {
    let built = sketch.build();
    let shares = match sketch.machine.memory {
        Memory::Static(_) => built.platform.accelerators.iter().map(|one| one.dram_share).collect(),
        _ => Vec::new(),
    };
    let time = Duration::from_picoseconds(time);
    Scripted::new(sketch.seed, habits, interests, time, sketch.scale, shares)
}

fn fcfs(extent: Extent, interests: Interests, time: u64) -> Box<dyn Policy> {
    Box::new(Fcfs { interests, time: Duration::from_picoseconds(time), ..*Fcfs::new(extent) })
}

fn thinking() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0), 1 => 1..6_u64]
}

const DEFAULT_CASES: u32 = 400;

proptest! {
    #![proptest_config(cases::config(DEFAULT_CASES))]

    #[test]
    fn chaos_on_accelerators_with_memory_of_their_own(
        sketch in systems::sketch_with(Just(Memory::Own)), habits in habits(), interests in interests(),
        end in ends(), time in thinking(),
    ) {
        // Layers that take no time have run by now if somebody hears of them, and may have if nobody does:
        // a difference that takes no time, but that shows in where a job is given up.
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, habits, interests, time), end, time)?;
    }

    #[test]
    fn chaos_on_accelerators_that_share_memory(
        sketch in systems::sketch_with(systems::shared_memory()), habits in habits(),
        interests in interests(), end in ends(), time in thinking(),
    ) {
        compare(&sketch, chaos(&sketch, habits, interests, time), end, time)?;
    }

    #[test]
    fn chaos_on_accelerators_that_runs_divide(
        sketch in systems::divided(systems::sketch()), habits in habits(), interests in interests(),
        end in ends(), time in thinking(),
    ) {
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, habits, interests, time), end, time)?;
    }

    #[test]
    fn first_come_first_served(
        sketch in systems::sketch(), interests in interests(), end in ends(), time in thinking(),
        is_whole in any::<bool>(),
    ) {
        let extent = if is_whole { Extent::Rest } else { Extent::LAYER };
        compare(&sketch, fcfs(extent, interests, time), end, time)?;
    }
}
