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
    Void,
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
    is_doomed: bool,
    spent: Spent,
}

/// A layer on its accelerator.
#[derive(Clone, Copy, Debug)]
struct Running {
    layer: u32,
    began: u64,
    /// The quantum that it began with, in the steps that the layer has here.
    quantum: u32,
    /// Alone: when it ends.
    end: u64,
    /// In competition: what is left of it. Traffic is in units of bandwidth times picoseconds.
    compute: u64,
    traffic: u128,
    exposed: u64,
    demand: u64,
}

/// A segment on its accelerator.
#[derive(Clone, Copy, Debug)]
struct Seg {
    one: usize,
    model: usize,
    from: Reached,
    dispatched: u64,
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
    segments: Vec<Option<Seg>>,
    last_models: Vec<Option<usize>>,
    /// By accelerator: the layer that its last segment's job had run last when that ended.
    last_layers: Vec<Option<u32>>,
    shares: Vec<Share>,
    busy: Vec<u64>,
    scheduler_free: u64,
    timers: Vec<(u64, u64)>,
    now: u64,
    /// Calls of the policy that have been followed.
    called: usize,
    events: Vec<(u64, Event)>,
    heard: Vec<(u64, Heard)>,
    /// Whether anything happened in this instant that the policy has not been asked about.
    is_news: bool,
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
                    is_doomed: false,
                    spent: Spent::default(),
                }));
            }
        }
        let accelerators = platform.accelerators.len();
        Self {
            built,
            log,
            options,
            interests,
            decision_time,
            work: work.collect(),
            order,
            ones,
            segments: vec![None; accelerators],
            last_models: vec![None; accelerators],
            last_layers: vec![None; accelerators],
            shares: platform.accelerators.iter().map(|one| one.dram_share).collect(),
            busy: vec![0; accelerators],
            scheduler_free: 0,
            timers: Vec::new(),
            now: 0,
            called: 0,
            events: Vec::new(),
            heard: Vec::new(),
            is_news: false,
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
            self.is_news = false;
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
                is_asked || is_over || !self.is_news,
                "the policy was not asked at {} ps: {recent:?}",
                self.now
            );
            assert!(
                !is_asked || (self.is_news && !is_over),
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
            (Fate::Void, _) => Some(false),
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
        let on = |accelerator: usize| -> u64 {
            let available = self.built.platform.dram_bandwidth(AcceleratorId::new(accelerator));
            (0..realisation.end)
                .filter(|layer| self.built.models[model].next_layer(&realisation, *layer) == *layer)
                .map(|layer| self.work(accelerator, model, realisation.row, layer))
                .map(|work| Isolated::of(&work, available).latency.picoseconds())
                .sum()
        };
        (0..self.segments.len()).map(on).min().expect("an accelerator")
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
        self.is_news = true;
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
        self.ones[one].fate = Fate::Void;
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
        self.is_news = true;
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
            Fate::Waiting if matches!(need, Fate::Void | Fate::Dropped) => {
                self.drop(one, DropCause::Upstream)
            }
            Fate::Waiting if self.has_inputs(one) => {
                self.is_news = true;
                self.ones[one].fate = Fate::Ready;
                self.hear(Heard::InputsReady(self.name(one)));
            }
            _ => {}
        }
    }

    fn phases_begin(&mut self) {
        for phase in 0..self.built.scenario.phases.len() {
            if self.built.scenario.phases[phase].start.picoseconds() == self.now {
                self.is_news = true;
                self.tell(Event::Phase { phase });
                self.hear(Heard::Phase(phase));
            }
        }
    }

    fn timers_ring(&mut self) {
        for (at, tag) in self.timers.clone() {
            if at == self.now {
                self.is_news = true;
                self.hear(Heard::Timer(tag));
            }
        }
    }

    // Segments.

    fn is_shared(&self) -> bool {
        self.built.platform.shared_dram.is_some()
    }

    fn work(&self, accelerator: usize, model: usize, sample: u32, layer: u32) -> Work {
        let configuration = self.built.platform.accelerators[accelerator].configuration;
        self.work[model][sample as usize][layer as usize][configuration.index()]
    }

    /// The steps that a layer has on an accelerator: as many as every sample of it has.
    fn quanta(&self, accelerator: usize, model: usize, layer: u32) -> u32 {
        let samples = 0..self.work[model].len() as u32;
        let of = samples.map(|sample| self.work(accelerator, model, sample, layer).quanta);
        of.min().expect("a row")
    }

    /// A layer that has everything to itself.
    fn isolated(&self, accelerator: usize, segment: &Seg, layer: u32) -> Isolated {
        let available = match self.built.platform.shared_dram {
            Some(dram) if dram.sharing == Sharing::Static => dram.bandwidth.part(self.shares[accelerator]),
            _ => self.built.platform.dram_bandwidth(AcceleratorId::new(accelerator)),
        };
        Isolated::of(&self.work(accelerator, segment.model, segment.realisation.row, layer), available)
    }

    /// Begins the next layer of a segment at or after `layer` now; false if there is none.
    fn begin(&mut self, accelerator: usize, layer: u32) -> bool {
        let mut segment = self.segments[accelerator].expect("a segment begins");
        let layer = self.built.models[segment.model].next_layer(&segment.realisation, layer);
        if layer >= segment.end {
            return false;
        }
        let isolated = self.isolated(accelerator, &segment, layer);
        let latency = isolated.latency.picoseconds();
        let quanta = self.quanta(accelerator, segment.model, layer);
        // Progress inside the layer, in the steps that it has here, rounded down.
        let (of, quantum, of_quanta) = segment.from;
        let quantum = if of == layer { (quantum * quanta).checked_div(of_quanta).unwrap_or(0) } else { 0 };
        let done = latency * u64::from(quantum) / u64::from(quanta);
        let units = u128::from(isolated.demand.bytes_per_window());
        segment.running = Some(Running {
            layer,
            began: self.now,
            quantum,
            end: self.now + latency - done,
            compute: isolated.compute.picoseconds(),
            traffic: units * u128::from(isolated.transfer.picoseconds()),
            exposed: isolated.exposed.picoseconds(),
            demand: isolated.demand.bytes_per_window(),
        });
        self.segments[accelerator] = Some(segment);
        true
    }

    fn segments_end(&mut self) {
        for accelerator in 0..self.segments.len() {
            while self.step(accelerator) {}
        }
    }

    /// What happens on an accelerator now; whether anything did.
    fn step(&mut self, accelerator: usize) -> bool {
        let Some(segment) = self.segments[accelerator] else { return false };
        if segment.started > self.now {
            return false;
        }
        let Some(running) = segment.running else {
            if !self.begin(accelerator, segment.from.0) {
                self.end(accelerator, (segment.end, 0, 0));
            }
            return true;
        };
        if let Some((to, Some(at))) = segment.cut
            && at == self.now
        {
            self.end(accelerator, to);
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
        let quanta = self.quanta(accelerator, segment.model, running.layer);
        self.spend(accelerator, running.layer, quanta - running.quantum);
        self.ones[segment.one].last_layer = Some(running.layer);
        let job = self.name(segment.one);
        let samples = self.built.models[segment.model].samples.as_ref();
        let row = segment.realisation.row as usize;
        let sparsity = samples.map(|samples| samples.sparsity(row, running.layer as usize));
        self.hear(Heard::Layer {
            job,
            model: segment.model,
            layer: running.layer as usize,
            accelerator,
            latency: self.now - running.began,
            sparsity,
        });
        self.is_news |= self.interests.layers;
        let segment = self.segments[accelerator].as_mut().expect("it runs");
        segment.previous = Some(running.layer);
        let after = (running.layer + 1, 0, 0);
        if segment.cut.is_some_and(|(to, _)| to == after) {
            self.end(accelerator, after);
        } else if !self.begin(accelerator, running.layer + 1) {
            let end = self.segments[accelerator].as_ref().map_or(0, |segment| segment.end);
            self.end(accelerator, (end, 0, 0));
        }
        true
    }

    /// Books the energy of some steps of a layer.
    fn spend(&mut self, accelerator: usize, layer: u32, quanta: u32) {
        let segment = self.segments[accelerator].expect("it runs");
        let work = self.work(accelerator, segment.model, segment.realisation.row, layer);
        let part = f64::from(quanta) / f64::from(self.quanta(accelerator, segment.model, layer));
        // What flows whether anything happens or not flows as long as the layer takes.
        let mut steady = work.energy.r#static;
        let available = self.built.platform.dram_bandwidth(AcceleratorId::new(accelerator));
        let alone = Isolated::of(&work, available).latency.picoseconds();
        let own = work.latency().picoseconds();
        if own > 0 {
            steady *= alone as f64 / own as f64;
        }
        let stretch = match segment.running {
            Some(running) if self.is_shared() && alone > 0 => {
                (self.now - running.began) as f64 / alone as f64
            }
            _ => 1.0,
        };
        self.ones[segment.one].spent.layers +=
            (work.energy.total() - work.energy.r#static + steady * stretch) * part;
    }

    fn end(&mut self, accelerator: usize, to: Reached) {
        let segment = self.segments[accelerator].expect("it runs");
        if let (Some(running), true) = (segment.running, to.1 > 0) {
            self.spend(accelerator, running.layer, to.1 - running.quantum);
            self.ones[segment.one].last_layer = Some(running.layer);
        }
        self.last_layers[accelerator] = self.ones[segment.one].last_layer;
        self.is_news = true;
        self.segments[accelerator] = None;
        self.busy[accelerator] += self.now - segment.dispatched;
        let one = segment.one;
        // What is skipped next shows now.
        let next = self.built.models[segment.model].next_layer(&segment.realisation, to.0);
        let to = if next == to.0 { to } else { (next, 0, 0) };
        self.ones[one].reached = to;
        self.tell(Event::Ended {
            job: self.name(one),
            accelerator,
            to,
            switched: segment.switched,
            started: segment.started,
        });
        if to.0 >= segment.realisation.end {
            self.complete(one);
        } else if self.ones[one].is_doomed {
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
            running.compute = running.compute.saturating_sub(1);
            running.traffic = running.traffic.saturating_sub(u128::from(grant));
        }
    }

    /// The bandwidth that each accelerator is granted now, by filling.
    fn grants(&self) -> Vec<u64> {
        let demands: Vec<u64> = self
            .segments
            .iter()
            .map(|segment| segment.and_then(|segment| segment.running))
            .map(|running| running.filter(|running| running.traffic > 0).map_or(0, |running| running.demand))
            .collect();
        let Some(dram) = self.built.platform.shared_dram else { return demands };
        if dram.sharing == Sharing::Static {
            let parts = self.shares.iter().map(|share| dram.bandwidth.part(*share).bytes_per_window());
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
            Said::Dispatch { job, variant, accelerator, layers } => {
                self.dispatch(job, variant, accelerator, layers);
            }
            Said::Preempt { accelerator, mode } => {
                // Preempting what ends at its next boundary anyway changes nothing.
                self.preempt(accelerator, mode);
            }
            Said::Drop { job } => {
                let one = self.find(job);
                if let Fate::Running(accelerator) = self.ones[one].fate {
                    self.ones[one].is_doomed = true;
                    self.preempt(accelerator, Preemption::Layer);
                } else {
                    self.drop(one, DropCause::Policy);
                }
            }
            Said::Share { accelerator, millionths } => {
                self.shares[accelerator] = Share::from_millionths(millionths).expect("a share");
            }
            Said::Timer { at, tag } => self.timers.push((at, tag)),
        }
    }

    /// What goes out when an accelerator turns to a job, and what comes in.
    fn moved_elements(&self, accelerator: usize, one: usize, model: usize) -> u64 {
        let models = &self.built.models;
        let last = self.last_models[accelerator].zip(self.last_layers[accelerator]);
        let out = last.map_or(0, |(model, layer)| {
            models[model].layers[layer as usize].output_elements().expect("it has dimensions")
        });
        out + models[model].layers[self.ones[one].reached.0 as usize].input_elements()
    }

    fn dispatch(&mut self, job: Name, variant: Option<usize>, accelerator: usize, layers: Option<u32>) {
        let one = self.find(job);
        assert_eq!(self.ones[one].fate, Fate::Ready, "the engine accepted a job that is not ready");
        assert!(self.segments[accelerator].is_none(), "the engine accepted a busy accelerator");
        let variants = &self.built.scenario.tasks[self.ones[one].task].variants;
        let model = variant.map_or(self.ones[one].model, |variant| variants[variant].index());
        assert!(!self.ones[one].is_started || self.ones[one].model == model, "the network is fixed");
        self.scheduler_free = self.scheduler_free.max(self.now) + self.decision_time;
        let mut started = self.scheduler_free;
        let switched = self.last_models[accelerator].is_some_and(|last| last != model);
        if switched {
            let switch = self.built.platform.accelerators[accelerator].context_switch;
            started += switch.time.picoseconds();
            self.ones[one].spent.switches += switch.energy_pj;
            if let Some(moves) = switch.activations {
                let bytes = self.moved_elements(accelerator, one, model) * moves.element_bytes;
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
        self.last_models[accelerator] = Some(model);
        let all = self.built.models[model].layers.len() as u32;
        let from = self.ones[one].reached;
        let realisation = self.realise(&self.ones[one], model);
        let first = self.built.models[model].next_layer(&realisation, from.0);
        let stop = layers.map_or(all, |layers| all.min(first + layers));
        (self.ones[one].model, self.ones[one].is_started) = (model, true);
        self.ones[one].fate = Fate::Running(accelerator);
        let end = stop.min(realisation.end);
        self.segments[accelerator] = Some(Seg {
            one,
            model,
            from,
            dispatched: self.now,
            started,
            switched,
            end,
            realisation,
            running: None,
            previous: None,
            cut: None,
        });
        self.tell(Event::Dispatched { job, accelerator, model, from, stop, started });
    }

    /// Ends a segment at its next boundary, not before it has run a layer, or a quantum; whether that is
    /// before its end anyway.
    fn preempt(&mut self, accelerator: usize, mode: Preemption) -> bool {
        let Some(segment) = self.segments[accelerator] else { return false };
        // A segment that is about to begin stands at its first layer.
        let now = self.now.max(segment.started);
        let (layer, began, quantum) = match segment.running {
            Some(running) => (running.layer, running.began, running.quantum),
            None => {
                if segment.started == self.now || segment.from.1 > 0 || segment.from.0 < segment.end {
                    let model = &self.built.models[segment.model];
                    let layer = model.next_layer(&segment.realisation, segment.from.0);
                    if layer >= segment.end {
                        return false;
                    }
                    let quanta = self.quanta(accelerator, segment.model, layer);
                    let (of, quantum, of_quanta) = segment.from;
                    let quantum = (quantum * quanta).checked_div(of_quanta).unwrap_or(0);
                    (layer, segment.started, if of == layer { quantum } else { 0 })
                } else {
                    return false;
                }
            }
        };
        let cut = match segment.previous {
            // A layer begins now, so that this is a boundary.
            Some(previous) if began == self.now => ((previous + 1, 0, 0), Some(self.now)),
            _ => {
                let quanta = self.quanta(accelerator, segment.model, layer);
                let latency = self.isolated(accelerator, &segment, layer).latency.picoseconds();
                let within = (mode == Preemption::Quantum && !self.is_shared())
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
        if let Some(segment) = self.segments[accelerator].as_mut() {
            segment.cut = Some(cut);
        }
        true
    }

    // The end.

    fn finish(&mut self) {
        for accelerator in 0..self.segments.len() {
            if let Some(segment) = self.segments[accelerator] {
                // Layers that are not complete count for nothing.
                let to = segment.previous.map_or(segment.from, |layer| (layer + 1, 0, 0));
                self.busy[accelerator] += self.now - segment.dispatched;
                let (job, started) = (self.name(segment.one), segment.started);
                self.tell(Event::Ended { job, accelerator, to, switched: segment.switched, started });
            }
        }
        for one in 0..self.ones.len() {
            if matches!(self.ones[one].fate, Fate::Waiting | Fate::Ready | Fate::Running(_)) {
                let (job, spent) = (self.name(one), self.ones[one].spent);
                self.tell(Event::InFlight { job, spent });
            }
        }
        let busy = self.busy.clone();
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
    (20..256_u64, some(200), some(60), some(200), some(60))
        .prop_map(|(dispatch, preempt, drop, share, timer)| Habits { dispatch, preempt, drop, share, timer })
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
    let is_exclusive = matches!(sketch.machine.memory, Memory::Own);
    let time = Duration::from_picoseconds(time);
    Scripted::new(sketch.seed, habits, interests, time, sketch.scale, shares, is_exclusive)
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
    fn first_come_first_served(
        sketch in systems::sketch(), interests in interests(), end in ends(), time in thinking(),
        is_whole in any::<bool>(),
    ) {
        let extent = if is_whole { Extent::Rest } else { Extent::LAYER };
        compare(&sketch, fcfs(extent, interests, time), end, time)?;
    }
}
