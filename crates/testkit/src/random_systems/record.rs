//! All that a run tells: what observers see, and what policies hear and say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rtmm_hardware::{Energy, EnergyParts, PowerUnit, UnitSet};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Interests, Job, JobId, JobState, Notice, Policy, PolicyError, Preemption,
    Progress, Run, RunId, TaskCounters, Truth, View,
};
use rtmm_sim::{DropCause, EndRecord, JobRecord, Observer, PowerEvent, ResizeRecord, SegmentRecord};
use rtmm_workload::{Duration, TaskId, Time};

/// A job, by its task and its frame.
pub type Name = (usize, u64);

/// Layer, quantum and quanta.
pub type Reached = (u32, u32, u32);

/// Energy of a job: of its layers, of the context switches before them, and of its moves, with their number and time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    pub layers: Energy,
    pub switches: Energy,
    pub moves: Energy,
    pub move_count: u32,
    pub move_time: u64,
}

/// Call of an observer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    NotTriggered {
        task: usize,
    },
    Released {
        job: Name,
        arrival: u64,
        deadline: u64,
        priority: i32,
        is_waiting: bool,
    },
    Dispatched {
        job: Name,
        accelerator: usize,
        units: Vec<u32>,
        model: usize,
        from: Reached,
        stop: u32,
        started: u64,
    },
    /// A further job of a batch that is dispatched.
    Joined {
        job: Name,
    },
    /// A job leaves its batch.
    Left {
        job: Name,
        to: Reached,
    },
    /// Units that a run holds from now on; of a batch by its first job.
    Reserved {
        job: Name,
        units: Vec<u32>,
    },
    Resized {
        job: Name,
        to: Reached,
        units: Vec<u32>,
        started: u64,
    },
    Ended {
        job: Name,
        accelerator: usize,
        to: Reached,
        switched: bool,
        started: u64,
    },
    /// With what it takes by itself where it is fastest.
    Completed {
        job: Name,
        spent: Spent,
        isolated: u64,
    },
    Dropped {
        job: Name,
        cause: DropCause,
        spent: Spent,
    },
    Phase {
        phase: usize,
    },
    /// A change of power: of an accelerator, or of the memory, which is `usize::MAX`.
    Power {
        unit: usize,
        change: PowerChange,
    },
    InFlight {
        job: Name,
        spent: Spent,
    },
    Over {
        busy: Vec<u64>,
    },
}

/// Kind of a change of power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PowerChange {
    Changes { to: usize, at: u64 },
    InForce { point: usize },
    Gated,
    Wakes,
}

/// Calls of a run to its observer, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub events: Vec<(u64, Event)>,
    /// The predicted ends of segments, as they were dispatched.
    pub expected_ends: Vec<u64>,
    /// The energy of each component of each job that is over.
    pub parts: Vec<(Name, EnergyParts<Energy>)>,
    /// Jobs that ran.
    known: BTreeMap<JobId, Name>,
}

pub fn reached(progress: Progress) -> Reached {
    (progress.layer, progress.quantum, progress.quanta)
}

fn name(job: &Job) -> Name {
    (job.task.index(), job.frame)
}

impl Record {
    fn push(&mut self, now: Time, event: Event) {
        let now = now.picoseconds();
        if let Some((last, before)) = self.events.last() {
            assert!(*last <= now, "time fell from {last} to {now}: {before:?}, then {event:?}");
        }
        self.events.push((now, event));
    }

    fn first(&self, run: &Run) -> Name {
        self.known[&run.jobs.first().expect("a run has a job")]
    }

    fn spent(&mut self, record: &JobRecord<'_>) -> (Name, Spent) {
        let spent = Spent {
            layers: record.energy.total(),
            switches: record.switch_energy,
            moves: record.moves.energy,
            move_count: record.moves.count,
            move_time: record.moves.time.picoseconds(),
        };
        let whole = spent.layers + spent.switches + spent.moves;
        assert_eq!(record.job.energy, whole, "shown, and the sum of its parts");
        self.parts.push((name(record.job), *record.energy));
        (name(record.job), spent)
    }
}

impl Observer for Record {
    fn not_triggered(&mut self, now: Time, task: TaskId, _arrival: Time) {
        self.push(now, Event::NotTriggered { task: task.index() });
    }

    fn released(&mut self, now: Time, job: &Job) {
        let event = Event::Released {
            job: name(job),
            arrival: job.arrival.picoseconds(),
            deadline: job.deadline.picoseconds(),
            priority: job.priority,
            is_waiting: job.state == JobState::Waiting,
        };
        assert_eq!(job.release, now);
        self.push(now, event);
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        let event = Event::Dispatched {
            job: name(job),
            accelerator: run.accelerator.index(),
            units: run.units.iter().collect(),
            model: run.model.index(),
            from: reached(run.from),
            stop: run.stop,
            started: run.started.picoseconds(),
        };
        assert_eq!((run.dispatched, job.state), (now, JobState::Running(run.id)));
        self.known.insert(job.id, name(job));
        self.expected_ends.push(run.expected_end.picoseconds());
        self.push(now, event);
    }

    fn joined(&mut self, now: Time, run: &Run, job: &Job) {
        assert_eq!(job.state, JobState::Running(run.id));
        self.known.insert(job.id, name(job));
        self.push(now, Event::Joined { job: name(job) });
    }

    fn left(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.push(now, Event::Left { job: name(record.job), to: reached(record.to) });
    }

    fn units_reserved(&mut self, now: Time, run: &Run, _before: UnitSet) {
        let job = self.first(run);
        self.push(now, Event::Reserved { job, units: run.units.iter().collect() });
    }

    fn resized(&mut self, now: Time, record: &ResizeRecord<'_>) {
        let ResizeRecord { run, to, .. } = *record;
        let event = Event::Resized {
            job: self.first(run),
            to: reached(to),
            units: run.units.iter().collect(),
            started: run.started.picoseconds(),
        };
        self.push(now, event);
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        let event = Event::Ended {
            job: name(record.job),
            accelerator: record.run.accelerator.index(),
            to: reached(record.to),
            switched: record.switched,
            started: record.run.started.picoseconds(),
        };
        self.push(now, event);
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        let (job, spent) = self.spent(record);
        self.push(now, Event::Completed { job, spent, isolated: record.isolated.picoseconds() });
    }

    fn dropped(&mut self, now: Time, record: &JobRecord<'_>, cause: DropCause) {
        let (job, spent) = self.spent(record);
        self.push(now, Event::Dropped { job, cause, spent });
    }

    fn power_changed(&mut self, now: Time, event: PowerEvent) {
        let place = |on: PowerUnit| match on {
            PowerUnit::Accelerator(accelerator) => accelerator.index(),
            PowerUnit::Dram => usize::MAX,
        };
        let (unit, change) = match event {
            PowerEvent::Changes { on, to, at } => {
                (place(on), PowerChange::Changes { to: to.index(), at: at.picoseconds() })
            }
            PowerEvent::InForce { on, point } => (place(on), PowerChange::InForce { point: point.index() }),
            PowerEvent::Gated { on } => (on.index(), PowerChange::Gated),
            PowerEvent::Wakes { on } => (on.index(), PowerChange::Wakes),
        };
        self.push(now, Event::Power { unit, change });
    }

    fn phase_changed(&mut self, now: Time, phase: usize) {
        self.push(now, Event::Phase { phase });
    }

    fn in_flight(&mut self, now: Time, record: &JobRecord<'_>) {
        let (job, spent) = self.spent(record);
        self.push(now, Event::InFlight { job, spent });
    }

    fn ended(&mut self, now: Time, record: &EndRecord<'_>) {
        let busy = record.accelerators_busy.iter().map(|busy| busy.picoseconds()).collect();
        self.push(now, Event::Over { busy });
    }
}

/// A decision with jobs by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Dispatch { jobs: Vec<Name>, variant: Option<usize>, accelerator: usize, units: u32, layers: Option<u32> },
    Preempt { job: Name, mode: Preemption },
    Resize { job: Name, units: u32 },
    Drop { job: Name },
    Share { job: Name, millionths: u32 },
    Timer { at: u64, tag: u64 },
    Point { unit: usize, point: usize },
    Gate { accelerator: usize },
}

/// A notice with jobs by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Heard {
    Released(Name),
    InputsReady(Name),
    Completed(Name),
    Dropped(Name),
    Layer { job: Name, model: usize, layer: usize, accelerator: usize, latency: u64, sparsity: Option<f64> },
    Phase(usize),
    Timer(u64),
}

/// Events and decisions of a policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Every time that it was asked, with what it said.
    pub calls: Vec<(u64, Vec<Said>)>,
    pub heard: Vec<(u64, Heard)>,
    /// The counters that it was shown last.
    pub counters: Vec<TaskCounters>,
    /// Context switch that it was shown before each of its dispatches: energy, and time.
    pub switches: Vec<(Energy, u64)>,
}

/// A policy whose hearing and saying is recorded, and what it is shown checked.
#[derive(Debug)]
pub struct Recorder {
    inner: Box<dyn Policy>,
    log: Arc<Mutex<Log>>,
}

impl Recorder {
    /// The policy, and where its record will be.
    pub fn new(inner: Box<dyn Policy>) -> (Box<Self>, Arc<Mutex<Log>>) {
        let log = Arc::new(Mutex::new(Log::default()));
        (Box::new(Self { inner, log: Arc::clone(&log) }), log)
    }
}

fn job_name(view: &View<'_>, id: JobId) -> Name {
    name(view.job(id).expect("only live jobs are told of"))
}

/// The job of a run, or of one that is dispatched by the same list of decisions.
fn run_name(view: &View<'_>, run: RunId) -> Name {
    let run = view.run(run).expect("only runs that are not over are spoken of");
    job_name(view, run.jobs.first().expect("a job"))
}

fn said(view: &View<'_>, decision: &Decision, list: &Decisions) -> Said {
    match decision {
        Decision::Dispatch { jobs, variant, on, units, extent } => Said::Dispatch {
            jobs: (list.jobs_of(jobs).expect("jobs of this list").iter())
                .map(|job| job_name(view, *job))
                .collect(),
            variant: variant.map(|variant| variant.index()),
            accelerator: on.index(),
            units: units.of(view.accelerators[on.index()].units),
            layers: match extent {
                Extent::Layers(count) => Some(count.get()),
                Extent::Rest => None,
            },
        },
        Decision::Preempt { run, mode } => Said::Preempt { job: run_name(view, *run), mode: *mode },
        Decision::Resize { run, units } => {
            let accelerator = view.run(*run).expect("a run").accelerator;
            let units = units.of(view.accelerators[accelerator.index()].units);
            Said::Resize { job: run_name(view, *run), units }
        }
        Decision::Drop { job } => Said::Drop { job: job_name(view, *job) },
        Decision::SetShare { run, share } => {
            Said::Share { job: run_name(view, *run), millionths: share.millionths() }
        }
        Decision::SetTimer { at, tag } => Said::Timer { at: at.picoseconds(), tag: *tag },
        Decision::SetPoint { on, point } => {
            let unit = match on {
                PowerUnit::Accelerator(accelerator) => accelerator.index(),
                PowerUnit::Dram => usize::MAX,
            };
            Said::Point { unit, point: point.index() }
        }
        Decision::Gate { on } => Said::Gate { accelerator: on.index() },
        _ => panic!("a decision that these tests do not know: {decision:?}"),
    }
}

/// Cost of the context switch of a dispatch, as far as a policy can see.
fn switch(view: &View<'_>, decision: &Decision) -> Option<(Energy, u64)> {
    let Decision::Dispatch { jobs, variant, on: accelerator, units, .. } = decision else { return None };
    let accelerator = *accelerator;
    let is_whole = units.of(1) == view.accelerators[accelerator.index()].units;
    if !is_whole {
        return None;
    }
    let job = view.job(jobs.single()?).expect("it is dispatched");
    let variants = view.task(job.task).variants;
    let model = variant.map_or(job.model, |variant| variants[variant.index()]);
    let layer = job.progress.layer;
    let time = view.switch_time(model, layer, accelerator).picoseconds();
    Some((view.switch_energy(model, layer, accelerator), time))
}

fn heard(view: &View<'_>, notice: &Notice) -> Heard {
    match *notice {
        Notice::Released(job) => Heard::Released(job_name(view, job)),
        Notice::InputsReady(job) => Heard::InputsReady(job_name(view, job)),
        Notice::Completed(job) => Heard::Completed(job_name(view, job)),
        Notice::Dropped(job) => Heard::Dropped(job_name(view, job)),
        Notice::LayerCompleted { job, model, layer, run, latency, sparsity } => Heard::Layer {
            job: job_name(view, job),
            model: model.index(),
            layer: layer.index(),
            accelerator: view.run(run).expect("it runs").accelerator.index(),
            latency: latency.picoseconds(),
            sparsity,
        },
        Notice::PhaseChanged(phase) => Heard::Phase(phase),
        Notice::Timer(tag) => Heard::Timer(tag),
        _ => panic!("a notice that these tests do not know: {notice:?}"),
    }
}

/// Checks that hold for every view.
fn check(view: &View<'_>, log: &Log) {
    let now = view.now.picoseconds();
    assert!(log.calls.last().is_none_or(|(last, _)| *last <= now), "time fell");
    let free: Vec<usize> = view.free.iter().map(|accelerator| accelerator.index()).collect();
    let mut with_free = Vec::new();
    for (index, accelerator) in view.accelerators.iter().enumerate() {
        let of_runs = view.runs().filter(|run| run.accelerator.index() == index);
        let held = of_runs.fold(UnitSet::EMPTY, |held, run| {
            assert!(held.without(run.units) == held, "units are held once");
            held.union(run.units)
        });
        assert_eq!(accelerator.free, UnitSet::first(accelerator.units).without(held));
        if !accelerator.free.is_empty() {
            with_free.push(index);
        }
    }
    assert_eq!(free, with_free);
    let mut running = 0;
    for run in view.runs() {
        assert_eq!(view.run(run.id), Some(run));
        let jobs = view.jobs_of(run);
        assert_eq!((jobs.first().copied(), jobs.len() as u32), (run.jobs.first(), run.jobs.count()));
        assert_eq!(view.profile.class(run.class).batch, run.jobs.count());
        for id in jobs {
            let job = view.job(*id).expect("a job that runs");
            assert_eq!((job.state, job.model), (JobState::Running(run.id), run.model));
            running += 1;
        }
        let units = view.profile.class(run.next_class.unwrap_or(run.class)).units;
        let of_class = view.profile.class(run.class).units;
        // A run that is preempted holds what it was about to gain until it ends.
        let held = run.units.count();
        assert!(if run.is_ending { held >= of_class } else { held == units.max(of_class) });
        assert!(run.dispatched <= view.now && run.dispatched <= run.started);
    }
    let is_sorted = |jobs: Vec<&Job>| jobs.windows(2).all(|pair| pair[0].sequence < pair[1].sequence);
    assert!(view.ready().all(|job| job.state == JobState::Ready && view.job(job.id) == Some(job)));
    assert!(view.waiting().all(|job| job.state == JobState::Waiting && view.job(job.id) == Some(job)));
    assert!(is_sorted(view.ready().collect()) && is_sorted(view.waiting().collect()));
    let live = view.ready().len() + view.waiting().len() + running;
    let over: u64 = view.counters.iter().map(|of| of.completed + of.dropped).sum();
    let released: u64 = view.counters.iter().map(|of| of.released).sum();
    assert_eq!(released, over + live as u64, "a job is live or over");
    for (before, after) in log.counters.iter().zip(&view.counters) {
        let monotone = before.released <= after.released
            && before.completed <= after.completed
            && before.late <= after.late
            && before.dropped <= after.dropped
            && before.energy <= after.energy
            && before.worst_energy <= after.worst_energy;
        assert!(monotone, "{before:?} became {after:?}");
    }
}

impl Policy for Recorder {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        assert!(out.is_empty(), "the list is empty");
        self.inner.decide(view, truth, out)?;
        let mut log = self.log.lock().expect("no test panics while it writes");
        check(view, &log);
        log.counters = view.counters.to_vec();
        log.switches.extend(out.iter().filter_map(|one| switch(view, one)));
        log.calls.push((view.now.picoseconds(), out.iter().map(|one| said(view, one, out)).collect()));
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.inner.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        self.inner.notify(notice, view)?;
        let heard = heard(view, notice);
        self.log.lock().expect("no test panics while it writes").heard.push((view.now.picoseconds(), heard));
        Ok(())
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        self.inner.decision_time(view)
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        let log = self.log.lock().expect("no test panics while it writes").clone();
        Some(Box::new(Self { inner: self.inner.boxed_clone()?, log: Arc::new(Mutex::new(log)) }))
    }
}
