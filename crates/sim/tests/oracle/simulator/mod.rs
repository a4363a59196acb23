//! The second simulator: its state, and the order in which it looks at everything in a picosecond.

use rtmm_hardware::{Condition, Configuration, LayerOf, PowerStates, Share, Work};
use rtmm_scheduler::{Interests, Preemption};
use rtmm_sim::{EndOfRun, RunOptions};
use rtmm_testkit::random_systems::record::{Event, Heard, Log, Name, Reached, Spent};
use rtmm_testkit::random_systems::systems::{self, Built};
use rtmm_workload::{Follower, Frame, Frames, Realisation, TaskId};

mod decisions;
mod frames;
mod memory;
mod power;
mod segments;
mod throttle;

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
    /// The layer that it completed last, and where its last segment ran, with whether what it had computed of the next layer was
    /// written to memory there.
    completed: Option<u32>,
    place: Option<(usize, bool)>,
    drops_at_boundary: bool,
    /// Elements, and stated bytes, of a context in memory, which it reads before it goes on.
    context: [u64; 2],
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
    all_exposed: u64,
    demand: u64,
    cache_demand: u64,
    throttle: Option<throttle::Counter>,
    /// The parts of its compute and traffic whose energy is booked, in 2^-32, once an operating point has changed.
    counted: Option<(u128, u128)>,
    /// Since when its slowdown counts, and the latency alone that was done then, once a point has changed.
    paced: (u64, Option<u64>),
}

/// What a unit ran last: the model, the layer of it that its jobs had run last when they left the unit, and the numbers
/// of units and of jobs that it had.
type Last = (usize, Option<u32>, u32, u64);

/// A job in a segment.
#[derive(Clone, Copy, Debug)]
struct Member {
    one: usize,
    realisation: Realisation,
}

/// A segment on units of its accelerator.
#[derive(Clone, Debug)]
struct Seg {
    /// In the order of its dispatch.
    members: Vec<Member>,
    model: usize,
    accelerator: usize,
    /// Ascending, each by its position on the accelerator.
    units: Vec<u32>,
    /// Since when it has held these.
    since: u64,
    /// It stands still until then, because a change of an operating point stalls it.
    stands: u64,
    /// The units that its layers run on, and what they are.
    used: u32,
    configuration: usize,
    share: Share,
    /// The number of units that it is to have from its next boundary on.
    next: Option<u32>,
    /// Whether it was for that that it was told to stop.
    stops_to_resize: bool,
    from: Reached,
    started: u64,
    switched: bool,
    /// The layer that it was dispatched up to, and the first before which one of its jobs is over if that is earlier.
    stop: u32,
    end: u32,
    /// Whether it was told to end at its next boundary, and its batch to dissolve.
    is_ending: bool,
    running: Option<Running>,
    /// The last layer that it completed.
    previous: Option<u32>,
    /// A preemption: where it ends, and when if that is inside a layer or now.
    cut: Option<(Reached, Option<u64>)>,
    /// What it was told of the layer that it is in, last.
    mode: Option<Preemption>,
}

pub(crate) struct Oracle<'o> {
    built: &'o Built,
    log: &'o Log,
    options: RunOptions,
    interests: Interests,
    decision_time: u64,
    /// By model, sample, layer and configuration. A model without samples has one row. None where there is no cost.
    work: Vec<Vec<Vec<Vec<Option<Work>>>>>,
    order: Vec<usize>,
    ones: Vec<One>,
    /// By slot: the position of the lowest unit that it was dispatched on, among all units.
    segments: Vec<Option<Seg>>,
    /// By unit.
    last: Vec<Option<Last>>,
    /// By unit: when a context that was to be written from it is written.
    written: Vec<u64>,
    /// By accelerator: time in segments times the units that they held.
    busy: Vec<u64>,
    /// By accelerator, and of the memory.
    clocks: Vec<power::Clock>,
    memory_clock: power::Clock,
    gated: Vec<bool>,
    scheduler_free: u64,
    timers: Vec<(u64, u64)>,
    now: u64,
    /// Calls of the policy that have been followed.
    called: usize,
    pub(crate) events: Vec<(u64, Event)>,
    pub(crate) heard: Vec<(u64, Heard)>,
    /// Whether anything happened in this instant that the policy has not been asked about.
    must_decide: bool,
}

impl<'o> Oracle<'o> {
    pub(crate) fn new(
        built: &'o Built,
        log: &'o Log,
        options: RunOptions,
        interests: Interests,
        decision_time: u64,
    ) -> Self {
        let Built { scenario, models, platform, .. } = built;
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
                    one.cost_model.work(of, condition).ok()
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
                    completed: None,
                    place: None,
                    drops_at_boundary: false,
                    context: [0, 0],
                    spent: Spent::default(),
                }));
            }
        }
        let accelerators = platform.accelerators.len();
        let nominal = |states: Option<&PowerStates>| power::Clock {
            point: states.map_or(0, |states| states.nominal.index()),
            change: None,
        };
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
            written: vec![0; units],
            busy: vec![0; accelerators],
            clocks: platform.accelerators.iter().map(|one| nominal(one.power.as_ref())).collect(),
            memory_clock: nominal(platform.power.dram.as_ref()),
            gated: vec![false; accelerators],
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
    pub(crate) fn run(&mut self, last: u64) {
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
                self.points_change();
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
                    self.obey(decision.clone());
                }
                if decisions.is_empty() {
                    break;
                }
            }
        }
    }

    fn finish(&mut self) {
        for slot in 0..self.segments.len() {
            if let Some(segment) = self.segments[slot].clone() {
                // Layers that are not complete count for nothing.
                let to = segment.previous.map_or(segment.from, |layer| (layer + 1, 0, 0));
                self.count_busy(slot);
                let (last, others) = segment.members.split_last().expect("a job");
                for member in others {
                    self.tell(Event::Left { job: self.name(member.one), to });
                }
                let (job, started, accelerator) = (self.name(last.one), segment.started, segment.accelerator);
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
