//! Illegal decisions are errors that say who decided what, and nothing that a policy says is a panic.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use rtmm_testkit::cases;
use rtmm_testkit::closures::deciding;
use std::num::NonZeroU32;

use proptest::prelude::*;
use rtmm_hardware::{AcceleratorId, Share, Units};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Interests, JobId, Notice, Policy, PolicyError, Preemption, RunId, Truth,
    VariantId, View,
};
use rtmm_sim::execution::Execution;
use rtmm_sim::{EndOfRun, Illegal, RunOptions, Simulation, SimulationError, System};
use rtmm_testkit::random_systems::record::Record;
use rtmm_testkit::random_systems::systems::{
    self, AcceleratorSketch, ArrivalsSketch, CostSketch, DivisionSketch, MachineSketch, Memory, ModelSketch,
    Sketch, TaskSketch,
};
use rtmm_testkit::random_systems::{Use, hash, simulation};
use rtmm_testkit::simulate;
use rtmm_workload::{Duration, Time};

const DEFAULT_CASES: u32 = 1000;

/// Two accelerators; a task with two networks of two layers of 4 ps, and one that needs its output.
fn sketch(memory: Memory) -> Sketch {
    let cost = CostSketch { compute: 4, bytes: 0, transfer: 0, exposed: 0, energy: 1, quanta: 2 };
    let model = ModelSketch { layers: vec![[cost; 3]; 2], samples: Vec::new(), block: None, exit: None };
    let task = TaskSketch {
        model: 0,
        variant: Some(1),
        arrivals: ArrivalsSketch::Periodic { period: 100, offset: 0, jitter: 0 },
        deadline: None,
        priority: 0,
        draws_priorities: false,
        needs: Vec::new(),
        trigger: 8,
    };
    let second = TaskSketch { needs: vec![(0, None)], ..task.clone() };
    let accelerator = AcceleratorSketch {
        kind: 0,
        weight: 1,
        switch_time: 0,
        switch_energy: 0,
        moves: None,
        division: None,
        max_batch: 1,
    };
    Sketch {
        models: vec![model; 2],
        tasks: vec![task, second],
        machine: MachineSketch { accelerators: vec![accelerator; 2], memory },
        phases: Vec::new(),
        duration: 100,
        is_reversed: false,
        scale: 1,
        seed: 0,
        varies: None,
        partial: None,
        links: None,
        power: None,
        co_location: None,
    }
}

type Say = fn(&View<'_>) -> Decision;

/// A policy that says one thing after the other: the first when it is asked first, the next when it is asked again.
fn says(says: &[Say]) -> Box<dyn Policy> {
    let mut left: Vec<Say> = says.iter().rev().copied().collect();
    Box::new(deciding(move |view, out| out.extend(left.pop().map(|say| say(view)))))
}

fn run(sketch: &Sketch, name: &str, policy: Box<dyn Policy>) -> Result<Record, SimulationError> {
    let built = sketch.build();
    let system = System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs");
    let options = RunOptions { seed: sketch.seed, end: EndOfRun::Cut, oracle: false };
    simulate(&system, name, policy, Record::default(), options)
}

fn accelerator(index: usize) -> AcceleratorId {
    AcceleratorId::new(index)
}

fn dispatch(job: JobId, variant: Option<usize>, at: usize) -> Decision {
    Decision::dispatch(job, variant.map(VariantId::new), accelerator(at), Extent::LAYER)
}

fn first(view: &View<'_>) -> JobId {
    let mut live = view.ready().map(|job| job.id).chain(view.running().map(|(_, job)| job.id));
    live.next().expect("a job is live")
}

/// The first run of an accelerator that has one unit.
fn run_on(index: u32) -> RunId {
    RunId::new(index, 0)
}

fn share(index: u32, millionths: u32) -> Decision {
    let share = Share::from_millionths(millionths).expect("a share");
    Decision::SetShare { run: run_on(index), share }
}

fn preempt(index: u32) -> Decision {
    Decision::Preempt { run: run_on(index), mode: Preemption::Layer }
}

/// What comes last is illegal for this reason.
fn is_illegal(memory: Memory, says: &[Say], expected: Illegal) {
    let count = says.len();
    let error = run(&sketch(memory), "the mad hatter", self::says(says));
    let error = error.expect_err("the last decision is illegal");
    let SimulationError::IllegalDecision { policy, reason, decision, .. } = &error else {
        panic!("another error: {error}")
    };
    assert_eq!((policy.as_str(), *reason), ("the mad hatter", expected), "after {count} decisions");
    let text = error.to_string();
    for part in ["the mad hatter", &format!("{decision:?}"), &expected.to_string()] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn every_illegal_decision_says_why() {
    let own = Memory::Own;
    let fixed = Memory::Static(1 << 30);
    let start: Say = |view| dispatch(first(view), None, 0);
    let drop_first: Say = |view| Decision::Drop { job: first(view) };
    is_illegal(own, &[|_| dispatch(JobId::new(77, 0), None, 0)], Illegal::NoSuchJob);
    is_illegal(own, &[|_| dispatch(JobId::new(0, 7), None, 0)], Illegal::NoSuchJob);
    is_illegal(own, &[drop_first, |_| Decision::Drop { job: JobId::new(0, 0) }], Illegal::NoSuchJob);
    // The slot is free, and nothing is in it yet.
    is_illegal(own, &[drop_first, |_| Decision::Drop { job: JobId::new(0, 1) }], Illegal::NoSuchJob);
    is_illegal(
        own,
        &[|view| dispatch(view.waiting().next().expect("the second task's").id, None, 0)],
        Illegal::InputsNotReady,
    );
    is_illegal(own, &[start, |view| dispatch(first(view), None, 1)], Illegal::JobRuns);
    is_illegal(own, &[|view| dispatch(first(view), None, 2)], Illegal::NoSuchAccelerator);
    is_illegal(own, &[|_| preempt(2)], Illegal::NoSuchRun);
    is_illegal(fixed, &[|_| share(2, 0)], Illegal::NoSuchRun);
    is_illegal(own, &[|_| preempt(1)], Illegal::NoSuchRun);
    let later: Say = |_| Decision::Preempt { run: RunId::new(0, 1), mode: Preemption::Layer };
    is_illegal(own, &[start, later], Illegal::NoSuchRun);
    let checkpoint: Say = |_| Decision::Preempt { run: run_on(0), mode: Preemption::Checkpoint };
    is_illegal(own, &[start, checkpoint], Illegal::NoContextMoves);
    let resize: Say = |_| Decision::Resize { run: run_on(0), units: Units::All };
    is_illegal(own, &[resize], Illegal::NoSuchRun);
    is_illegal(own, &[start, resize], Illegal::NothingToResize);
    is_illegal(own, &[start, |_| preempt(0), resize], Illegal::RunEnds);
    let two: Say = |_| Decision::Resize { run: run_on(0), units: Units::exactly(2).expect("units") };
    is_illegal(own, &[start, two], Illegal::NoSuchUnits);
    is_illegal(own, &[|view| on_units(first(view), 2)], Illegal::NoSuchUnits);
    is_illegal(own, &[|view| dispatch(first(view), Some(2), 0)], Illegal::NoSuchVariant);
    is_illegal(
        own,
        &[
            |view| dispatch(first(view), Some(1), 0),
            // The layer is over at 4 ps.
            |view| dispatch(view.ready().next().map_or(JobId::new(9, 9), |job| job.id), Some(0), 0),
        ],
        Illegal::NoSuchJob,
    );
    is_illegal(own, &[start, drop_first, drop_first], Illegal::AlreadyDropped);
    is_illegal(own, &[|view| Decision::SetTimer { at: view.now, tag: 0 }], Illegal::TimerNotInFuture);
    is_illegal(fixed, &[start, |_| share(0, 0)], Illegal::EmptyShare);
    is_illegal(own, &[start, |_| share(0, 1)], Illegal::NoShares);
    is_illegal(Memory::MaxMin(1 << 30), &[start, |_| share(0, 1)], Illegal::NoShares);
}

fn on_units(job: JobId, units: u32) -> Decision {
    Decision::Dispatch {
        jobs: job.into(),
        variant: None,
        on: accelerator(0),
        units: Units::exactly(units).expect("units"),
        extent: Extent::Rest,
    }
}

/// Two runs may have all of the bandwidth between them, and a run takes the share that its units come with.
#[test]
fn shares_of_runs_are_at_most_the_whole() {
    let mut sketch = sketch(Memory::Static(1 << 30));
    sketch.tasks[1].needs.clear();
    let start: Say = |view| dispatch(first(view), None, 0);
    let other: Say = |view| dispatch(view.ready().next().expect("the second task's").id, None, 1);
    let outcome = |says: &[Say]| match run(&sketch, "a glutton", self::says(says)) {
        Ok(_) => None,
        Err(SimulationError::IllegalDecision { reason, .. }) => Some(reason),
        Err(error) => panic!("another error: {error}"),
    };
    assert_eq!(outcome(&[start, other, |_| share(0, 500_000)]), None);
    assert_eq!(outcome(&[start, other, |_| share(0, 500_001)]), Some(Illegal::SharesAboveWhole));
    assert_eq!(outcome(&[start, other, |_| share(1, 200_000), |_| share(0, 800_000)]), None);
    assert_eq!(outcome(&[start, |_| share(0, 1_000_000)]), None);
    assert_eq!(outcome(&[start, |_| share(0, 500_001), other]), Some(Illegal::SharesAboveWhole));
}

/// An accelerator of four units, of which runs may hold one, two or four.
#[test]
fn runs_hold_units_that_are_free_and_stated() {
    let mut sketch = sketch(Memory::Own);
    sketch.tasks[1].needs.clear();
    sketch.machine.accelerators[0].division = Some(DivisionSketch {
        units: 4,
        kinds: [Some(0), Some(0), None],
        migration_time: 0,
        migration_energy: 0,
    });
    let outcome = |says: &[Say]| match run(&sketch, "a tenant", self::says(says)) {
        Ok(_) => None,
        Err(SimulationError::IllegalDecision { reason, .. }) => Some(reason),
        Err(error) => panic!("another error: {error}"),
    };
    let one: Say = |view| on_units(first(view), 1);
    let two: Say = |view| on_units(first(view), 2);
    assert_eq!(outcome(&[|view| on_units(first(view), 3)]), Some(Illegal::NoSuchUnits));
    assert_eq!(outcome(&[|view| on_units(first(view), 5)]), Some(Illegal::NoSuchUnits));
    let other_two: Say = |view| on_units(view.ready().next().expect("the second task's").id, 2);
    let all: Say = |view| on_units(view.ready().next().expect("the second task's").id, 4);
    assert_eq!(outcome(&[two, other_two]), None);
    assert_eq!(outcome(&[one, all]), Some(Illegal::AcceleratorBusy));
    let grow: Say = |_| Decision::Resize { run: run_on(0), units: Units::exactly(2).expect("units") };
    let fill: Say = |_| Decision::Resize { run: run_on(0), units: Units::All };
    assert_eq!(outcome(&[one, grow]), None);
    assert_eq!(outcome(&[one, grow, fill]), Some(Illegal::ResizesAlready));
    assert_eq!(outcome(&[one, other_two, fill]), Some(Illegal::AcceleratorBusy));
    // What is to be gained is held from the decision on.
    assert_eq!(outcome(&[one, fill, other_two]), Some(Illegal::AcceleratorBusy));
}

/// What ends at its next boundary anyway, or was told so, is not changed by being told again.
#[test]
fn preempting_what_is_ending_changes_nothing() {
    let start: Say = |view| dispatch(first(view), None, 0);
    let rest: Say = |view| Decision::dispatch(first(view), None, accelerator(0), Extent::Rest);
    let again: Say = |view| {
        assert!(view.runs().all(|run| run.is_ending));
        preempt(0)
    };
    let says = |memory, says: &[Say]| run(&sketch(memory), "twice", self::says(says)).expect("legal");
    for memory in [Memory::Own, Memory::Static(1 << 30), Memory::MaxMin(1 << 30)] {
        assert_eq!(says(memory, &[start, |_| preempt(0)]), says(memory, &[start]));
        assert_eq!(says(memory, &[rest, |_| preempt(0), again]), says(memory, &[rest, |_| preempt(0)]));
    }
}

#[test]
fn a_job_stays_the_network_that_it_began_as() {
    // It waits for the end of a segment, and turns the job into another variant.
    let changes_its_mind = deciding(|view, out| {
        out.extend(view.ready().take(1).map(|job| dispatch(job.id, Some(usize::from(!job.started)), 0)));
    });
    let error = run(&sketch(Memory::Own), "fickle", Box::new(changes_its_mind)).expect_err("illegal");
    let SimulationError::IllegalDecision { reason, now, .. } = error else {
        panic!("another error: {error}")
    };
    assert_eq!((reason, now), (Illegal::VariantIsFixed, Time::from_picoseconds(4)));
}

#[test]
fn two_jobs_do_not_share_an_accelerator() {
    let mut sketch = sketch(Memory::Own);
    sketch.tasks[1].needs.clear();
    let policy = says(&[
        |view| dispatch(first(view), None, 0),
        |view| dispatch(view.ready().next().expect("the second task's").id, None, 0),
    ]);
    let error = run(&sketch, "a crowd", policy).expect_err("illegal");
    let SimulationError::IllegalDecision { reason, .. } = error else { panic!("another error: {error}") };
    assert_eq!(reason, Illegal::AcceleratorBusy);
}

#[test]
fn decisions_without_an_end_are_refused() {
    // There is always one more thing to say.
    let endless = deciding(|view, out| {
        let at = view.now.saturating_add(Duration::from_picoseconds(1));
        out.push(Decision::SetTimer { at, tag: 0 });
    });
    let error = run(&sketch(Memory::Static(1 << 30)), "a brook", Box::new(endless)).expect_err("endless");
    let SimulationError::EndlessDecisions { policy, now, .. } = &error else {
        panic!("another error: {error}")
    };
    assert_eq!((policy.as_str(), *now), ("a brook", Time::ZERO));
}

#[test]
fn releases_that_outpace_the_accelerators_end_with_the_task_at_fault() {
    let mut sketch = sketch(Memory::Static(1 << 30));
    sketch.tasks.truncate(1);
    sketch.duration = 10_000_000;
    // Two layers of 4 ps every picosecond, on two accelerators: four times what there is.
    sketch.tasks[0].arrivals = ArrivalsSketch::Periodic { period: 1, offset: 0, jitter: 0 };
    let error = run(&sketch, "edf", Box::new(deciding(|_, _| {}))).expect_err("too many");
    let message = error.to_string();
    let SimulationError::TooManyJobs { live, of_task, utilisation, .. } = error else {
        panic!("another error: {message}")
    };
    assert_eq!((live, of_task), (1_000_001, 1_000_001));
    assert!((utilisation - 4.0).abs() < 0.001, "{utilisation}");
    assert!(message.contains("which asks for 4.00 times what all accelerators can do"), "{message}");
}

/// A hook of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hook {
    Decide,
    Notify,
    DecisionTime,
}

/// Dispatches what is ready, until one of its hooks fails.
#[derive(Debug)]
struct Failing(Hook);

impl Failing {
    fn says(&self, hook: Hook) -> Result<(), PolicyError> {
        let source = "no answer";
        if self.0 == hook { Err(PolicyError::from_source("the solver stopped", source)) } else { Ok(()) }
    }
}

impl Policy for Failing {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        if view.now > Time::ZERO {
            self.says(Hook::Decide)?;
        }
        out.extend(view.ready().take(1).map(|job| dispatch(job.id, None, 0)));
        Ok(())
    }

    fn interests(&self) -> Interests {
        Interests { layers: true, ..Interests::default() }
    }

    fn notify(&mut self, _: &Notice, _: &View<'_>) -> Result<(), PolicyError> {
        self.says(Hook::Notify)
    }

    fn decision_time(&self, _: &View<'_>) -> Result<Duration, PolicyError> {
        self.says(Hook::DecisionTime).map(|()| Duration::ZERO)
    }
}

#[test]
fn a_hook_that_fails_ends_the_run_and_is_named() {
    // A layer takes 4 ps, and is what is dispatched at once.
    for (hook, instant) in [(Hook::Decide, 4), (Hook::Notify, 4), (Hook::DecisionTime, 0)] {
        let error = run(&sketch(Memory::Own), "frail", Box::new(Failing(hook))).expect_err("a failure");
        let text = format!("policy `frail` failed at {instant} ps: the solver stopped: no answer");
        assert_eq!(error.to_string(), text, "{hook:?}");
        assert!(matches!(error, SimulationError::PolicyFailed { .. }), "{error:?}");
    }
}

/// Asks whether a run under a policy can be copied.
struct Copies;

impl<'s> Use<'s> for Copies {
    type Output = bool;

    fn with<E: Execution>(self, simulation: Simulation<'s, E, Record>) -> bool {
        simulation.try_clone().is_some()
    }
}

#[test]
fn a_run_is_copied_only_with_its_policy() {
    let built = sketch(Memory::Own).build();
    let system = System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs");
    let copied = |policy: Box<dyn Policy>| simulation(&system, policy, RunOptions::default(), Copies);
    assert!(copied(Box::new(deciding(|_, _| {}))));
    assert!(!copied(Box::new(Failing(Hook::Decide))));
}

/// Says random things, most of them illegal.
#[derive(Clone, Debug)]
struct Garbage {
    seed: u64,
    said: u64,
    interests: Interests,
}

impl Garbage {
    fn pick(&self, purpose: u64, below: usize) -> usize {
        (hash(&[self.seed, self.said, purpose]) % below as u64) as usize
    }

    fn job(&self, view: &View<'_>) -> JobId {
        let live: Vec<JobId> = (view.ready().map(|job| job.id))
            .chain(view.waiting().map(|job| job.id))
            .chain(view.running().map(|(_, job)| job.id))
            .collect();
        match self.pick(1, 8) {
            0 => JobId::new(self.pick(2, 5) as u32, self.pick(3, 5) as u32),
            1 => JobId::new(u32::MAX, u32::MAX),
            _ if live.is_empty() => JobId::new(0, 0),
            _ => live[self.pick(4, live.len())],
        }
    }

    fn number(&self, purpose: u64) -> usize {
        match self.pick(purpose, 12) {
            0 => usize::MAX,
            1 => self.pick(purpose + 100, 8),
            _ => self.pick(purpose + 200, 3),
        }
    }

    fn decision(&self, view: &View<'_>, out: &mut Decisions) -> Decision {
        let run = RunId::new(self.number(10) as u32, self.pick(22, 3) as u32);
        let units = match self.pick(23, 3) {
            0 => Units::exactly(self.number(24) as u32).unwrap_or(Units::All),
            _ => Units::All,
        };
        match self.pick(0, 9) {
            0..4 => Decision::Dispatch {
                jobs: match self.pick(25, 9) {
                    0 => out.batch((0..self.pick(26, 4)).map(|_| self.job(view))),
                    _ => self.job(view).into(),
                },
                variant: (self.pick(11, 3) == 0).then(|| VariantId::new(self.number(12))),
                on: AcceleratorId::new(self.number(10)),
                units,
                extent: match self.pick(13, 4) {
                    0 => Extent::Layers(NonZeroU32::MAX),
                    1 => Extent::LAYER,
                    2 => Extent::Layers(NonZeroU32::MIN.saturating_add(self.pick(14, 4) as u32)),
                    _ => Extent::Rest,
                },
            },
            4 => {
                let mode = if self.pick(15, 2) == 0 { Preemption::Layer } else { Preemption::Quantum };
                Decision::Preempt { run, mode }
            }
            5 => Decision::Drop { job: self.job(view) },
            6 => {
                let share = Share::from_millionths(self.pick(16, 1_000_001) as u32).unwrap_or(Share::ZERO);
                Decision::SetShare { run, share }
            }
            7 => Decision::Resize { run, units },
            _ => {
                let at = match self.pick(17, 5) {
                    0 => Time::MAX,
                    1 => Time::ZERO,
                    _ => view.now.saturating_add(Duration::from_picoseconds(self.pick(18, 20) as u64)),
                };
                Decision::SetTimer { at, tag: self.said }
            }
        }
    }
}

impl Policy for Garbage {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        let count = self.pick(20, 3);
        for _ in 0..count {
            self.said += 1;
            let decision = self.decision(view, out);
            out.push(decision);
        }
        self.said += 1;
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.interests
    }

    fn decision_time(&self, _: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(Duration::from_picoseconds(match self.pick(21, 9) {
            0 => u64::MAX,
            other => other as u64,
        }))
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

proptest! {
    #![proptest_config(cases::config(DEFAULT_CASES))]

    #[test]
    fn nothing_that_is_said_is_a_panic(sketch in systems::scaled(), seed in any::<u64>(), layers in any::<bool>()) {
        let interests = Interests { jobs: layers, layers, times: layers };
        match run(&sketch, "noise", Box::new(Garbage { seed, said: 0, interests })) {
            Ok(_) => {}
            Err(SimulationError::IllegalDecision { policy, .. }) => prop_assert_eq!(policy, "noise"),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
