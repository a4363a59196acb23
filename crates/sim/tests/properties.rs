//! What is true of every run, on random systems under random decisions.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use rtmm_testkit::{cases, random_systems};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use proptest::prelude::*;
use rtmm_hardware::{
    AcceleratorId, Bandwidth, ClassId, Energy, EnergyParts, MaxMinFair, SharedDram, Sharing,
};
use rtmm_scheduler::{Decisions, Extent, Interests, Policy, View};
use rtmm_sim::execution::{Exclusive, Execution, Shared};
use rtmm_sim::{DropCause, EndOfRun, RunOptions, Simulation, System};
use rtmm_testkit::closures::revised;
use rtmm_testkit::random_systems::policies::{Fcfs, Habits, Scripted};
use rtmm_testkit::random_systems::record::{Event, Log, Name, Record, Recorder};
use rtmm_testkit::random_systems::systems::{self, ArrivalsSketch, Built, Memory, Sketch};
use rtmm_testkit::random_systems::{Checking, Use};
use rtmm_workload::{DependencyKind, Duration, Follower, Frames, LayerId, ModelId, TaskId, Time};

const DEFAULT_CASES: u32 = 200;

fn system(built: &Built) -> System {
    System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs")
}

fn options(sketch: &Sketch, end: EndOfRun) -> RunOptions {
    RunOptions { seed: sketch.seed, end, oracle: false }
}

/// Every n layers, or all that is left for 0.
fn extent(layers: u32) -> Extent {
    NonZeroU32::new(layers).map_or(Extent::Rest, Extent::Layers)
}

const CHAOS: Habits =
    Habits { dispatch: 160, batch: 120, preempt: 80, context: 0, resize: 40, drop: 20, share: 60, timer: 20 };

/// A policy for a system: random decisions, or first come first served.
fn policy(sketch: &Sketch, chaos: bool, habits: Habits, layers: u32) -> Box<dyn Policy> {
    if !chaos {
        return Fcfs::new(extent(layers));
    }
    let shares = sketch.machine.memory.shares();
    let interests = Interests { jobs: true, layers: layers > 0, times: true };
    let time = Duration::from_picoseconds(if layers == 2 { sketch.scale } else { 0 });
    Scripted::new(sketch.seed, habits, interests, time, sketch.scale, shares)
}

fn run(sketch: &Sketch, policy: Box<dyn Policy>, end: EndOfRun) -> (Record, Log) {
    let built = sketch.build();
    let (recorder, log) = Recorder::new(policy);
    let record = random_systems::run(&system(&built), recorder, options(sketch, end));
    let log = log.lock().expect("no test panics while it writes").clone();
    (record, log)
}

/// The arrivals of all frames of all tasks.
fn arrivals(built: &Built, seed: u64) -> Vec<BTreeMap<u64, u64>> {
    let of = |task| {
        let task = TaskId::new(task);
        let leader = built.scenario.leader(task);
        let mut frames = Frames::new(&built.scenario, leader, seed);
        let follower = Follower::new(&built.scenario, task, seed);
        let mut arrivals = BTreeMap::new();
        while let Some(frame) = frames.next_frame() {
            let frame = if leader == task { Some(frame) } else { follower.frame(&frame) };
            arrivals.extend(frame.map(|frame| (frame.index, frame.arrival.picoseconds())));
        }
        arrivals
    };
    (0..built.scenario.tasks.len()).map(of).collect()
}

/// How far a job has got.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Waiting,
    Idle,
    /// In the run of this number.
    Runs(usize),
    Completed,
    Dropped,
    InFlight,
}

/// Follows every job through what was told of it.
fn lives(built: &Built, seed: u64, record: &Record) -> Result<BTreeMap<Name, Stage>, TestCaseError> {
    let arrivals = arrivals(built, seed);
    // The frame of each task that a frame depends on: the latest that arrived no later than itself.
    let needs = |(task, frame): Name| -> Vec<Option<Name>> {
        let arrival = arrivals[task][&frame];
        let latest =
            |of: usize| arrivals[of].iter().filter(|(_, at)| **at <= arrival).map(|(index, _)| *index);
        let on = built.scenario.tasks[task].depends_on.iter();
        on.map(|on| on.task.index()).map(|of| latest(of).max().map(|index| (of, index))).collect()
    };
    let mut stages: BTreeMap<Name, Stage> = BTreeMap::new();
    // Runs by number, each with its accelerator, its units and its jobs.
    let mut runs: BTreeMap<usize, (usize, Vec<u32>, usize)> = BTreeMap::new();
    let mut dispatched = 0;
    let is_held = |runs: &BTreeMap<usize, (usize, Vec<u32>, usize)>, of: usize, but: usize, unit: &u32| {
        runs.iter()
            .any(|(run, (accelerator, units, _))| *run != but && *accelerator == of && units.contains(unit))
    };
    for (now, event) in &record.events {
        match event {
            Event::Released { job, arrival, deadline, is_waiting, .. } => {
                prop_assert_eq!(*arrival, arrivals[job.0][&job.1]);
                prop_assert!(arrival <= now && arrival <= deadline);
                for (need, on) in needs(*job).into_iter().zip(&built.scenario.tasks[job.0].depends_on) {
                    let need = need.expect("a job has all that it depends on");
                    let has_outcome = matches!(stages.get(&need), Some(Stage::Completed | Stage::Dropped));
                    prop_assert!(on.kind == DependencyKind::Data || has_outcome || *is_waiting);
                }
                let stage = if *is_waiting { Stage::Waiting } else { Stage::Idle };
                prop_assert_eq!(stages.insert(*job, stage), None, "released twice");
            }
            Event::Dispatched { job, accelerator, units, started, .. } => {
                prop_assert!(matches!(stages[job], Stage::Waiting | Stage::Idle), "{:?}", stages[job]);
                let count = built.platform.accelerators[*accelerator].units();
                prop_assert!(!units.is_empty() && units.iter().all(|unit| *unit < count));
                dispatched += 1;
                let is_free = !units.iter().any(|unit| is_held(&runs, *accelerator, dispatched, unit));
                prop_assert!(is_free, "one run a unit");
                prop_assert!(started >= now);
                for need in needs(*job) {
                    let need = need.expect("a job has all that it depends on");
                    prop_assert_eq!(stages.get(&need), Some(&Stage::Completed), "{:?} starts early", job);
                }
                runs.insert(dispatched, (*accelerator, units.clone(), 1));
                stages.insert(*job, Stage::Runs(dispatched));
            }
            Event::Joined { job } => {
                let before = stages.insert(*job, Stage::Runs(dispatched));
                prop_assert!(matches!(before, Some(Stage::Waiting | Stage::Idle)), "{before:?}");
                runs.get_mut(&dispatched).expect("a run").2 += 1;
            }
            Event::Left { job, .. } => {
                let Some(Stage::Runs(run)) = stages.insert(*job, Stage::Idle) else {
                    panic!("{job:?} leaves and does not run")
                };
                runs.get_mut(&run).expect("a run").2 -= 1;
            }
            Event::Reserved { job, units } | Event::Resized { job, units, .. } => {
                let Stage::Runs(run) = stages[job] else { panic!("{job:?} is resized and does not run") };
                let (accelerator, before, jobs) = runs[&run].clone();
                prop_assert!(
                    !units.iter().any(|unit| is_held(&runs, accelerator, run, unit)),
                    "one run a unit"
                );
                let is_reserved = matches!(event, Event::Reserved { .. });
                prop_assert!(!is_reserved || before.iter().all(|unit| units.contains(unit)));
                runs.insert(run, (accelerator, units.clone(), jobs));
            }
            Event::Ended { job, accelerator, .. } => {
                let Some(Stage::Runs(run)) = stages.insert(*job, Stage::Idle) else {
                    panic!("{job:?} ends and does not run")
                };
                let (on, _, jobs) = runs.remove(&run).expect("a run");
                prop_assert_eq!((on, jobs), (*accelerator, 1));
            }
            Event::Completed { job, .. } => {
                prop_assert_eq!(stages.insert(*job, Stage::Completed), Some(Stage::Idle));
            }
            Event::Dropped { job, cause, .. } => {
                let before = stages.insert(*job, Stage::Dropped);
                prop_assert!(matches!(before, Some(Stage::Waiting | Stage::Idle)), "{before:?}");
                // A job goes with one that it needs, and only with one.
                if *cause == DropCause::Upstream {
                    let is_over =
                        |need: &Name| !matches!(stages.get(need), Some(Stage::Completed | Stage::Idle));
                    prop_assert!(needs(*job).iter().flatten().any(is_over));
                }
            }
            Event::InFlight { job, .. } => {
                let before = stages.insert(*job, Stage::InFlight);
                prop_assert!(matches!(before, Some(Stage::Waiting | Stage::Idle)), "{before:?}");
            }
            Event::NotTriggered { .. } | Event::Phase { .. } | Event::Power { .. } | Event::Over { .. } => {}
        }
    }
    // Whatever needs a job that was given up is given up.
    for job in stages.keys() {
        let lost = needs(*job).iter().flatten().any(|need| stages.get(need) == Some(&Stage::Dropped));
        prop_assert!(!lost || stages[job] == Stage::Dropped, "{job:?} outlives what it needs");
    }
    Ok(stages)
}

/// Checks that no accelerator idles while there is work.
fn is_work_conserving(view: &View<'_>, out: &mut Decisions) {
    assert_eq!(out.len(), view.ready().len().min(view.free.len()));
}

/// Goes through a run in pieces.
struct InPieces(Vec<u64>);

impl<'s> Use<'s> for InPieces {
    type Output = Record;

    fn with<E: Execution>(self, mut simulation: Simulation<'s, E, Record>) -> Record {
        for last in self.0 {
            simulation.run_until(Time::from_picoseconds(last)).expect("a legal policy");
        }
        simulation.run().expect("a legal policy")
    }
}

/// Goes on twice from some instant.
struct Twice(u64);

impl<'s> Use<'s> for Twice {
    type Output = (Record, Record);

    fn with<E: Execution>(self, mut simulation: Simulation<'s, E, Record>) -> (Record, Record) {
        simulation.run_until(Time::from_picoseconds(self.0)).expect("a legal policy");
        let copy = simulation.try_clone().expect("a policy that can be copied");
        let first = simulation.run().expect("a legal policy");
        (first, copy.run().expect("a legal policy"))
    }
}

fn ends() -> impl Strategy<Value = EndOfRun> {
    prop::sample::select(vec![EndOfRun::Cut, EndOfRun::Drain])
}

/// Events in which policies had a hand, without what nobody can see.
fn of_jobs(record: &Record) -> Vec<&(u64, Event)> {
    let is_of_job = |event: &Event| !matches!(event, Event::Over { .. });
    record.events.iter().filter(|(_, event)| is_of_job(event)).collect()
}

/// Completions with their energy.
fn completions(record: &Record) -> Vec<(u64, Name, EnergyParts<Energy>)> {
    let parts: BTreeMap<Name, _> = record.parts.iter().copied().collect();
    let completions = record.events.iter().filter_map(|(at, event)| match event {
        Event::Completed { job, .. } => Some((*at, *job, parts[job])),
        _ => None,
    });
    completions.collect()
}

fn plain_or_whole() -> impl Strategy<Value = Sketch> {
    prop_oneof![2 => systems::scaled().boxed(), 1 => systems::whole()]
}

/// The system with one accelerator, and tasks that need nothing of each other.
fn plain(mut sketch: Sketch) -> Sketch {
    sketch.machine.accelerators.truncate(1);
    sketch.tasks.iter_mut().for_each(|task| task.needs.clear());
    sketch
}

proptest! {
    #![proptest_config(cases::config(DEFAULT_CASES))]

    #[test]
    fn jobs_are_conserved_and_wait_for_what_they_need(
        sketch in prop_oneof![2 => systems::scaled().boxed(), 1 => systems::batched(systems::scaled()).boxed(), 1 => systems::whole()],
        chaos in any::<bool>(), layers in 0..4_u32, end in ends(),
    ) {
        let built = sketch.build();
        let (record, log) = run(&sketch, policy(&sketch, chaos, CHAOS, layers), end);
        let stages = lives(&built, sketch.seed, &record)?;
        for (task, counters) in log.counters.iter().enumerate() {
            let count = |stage: Stage| {
                stages.iter().filter(|((of, _), at)| *of == task && **at == stage).count() as u64
            };
            let in_flight = count(Stage::InFlight);
            let (completed, dropped) = (count(Stage::Completed), count(Stage::Dropped));
            let shown = (counters.released, counters.completed, counters.dropped);
            let told = (completed + dropped + in_flight, completed, dropped);
            // A policy is not asked any more at the last instant of a run that is cut.
            let is_shown = |shown: u64, told: u64| if end == EndOfRun::Cut { shown <= told } else { shown == told };
            let all_shown = is_shown(shown.0, told.0) && is_shown(shown.1, told.1) && is_shown(shown.2, told.2);
            prop_assert!(all_shown, "{shown:?} shown, {told:?} told");
            prop_assert!(chaos || end == EndOfRun::Cut || in_flight == 0, "a drained run leaves nothing");
        }
    }

    #[test]
    fn nothing_idles_under_a_policy_that_conserves_work(
        sketch in systems::scaled(), layers in 0..3_u32, end in ends(),
    ) {
        run(&sketch, Box::new(revised(Fcfs::new(extent(layers)), is_work_conserving)), end);
    }

    #[test]
    fn a_lone_job_takes_its_isolated_latency(sketch in systems::scaled(), layers in 0..4_u32) {
        let mut sketch = plain(sketch);
        sketch.tasks.truncate(1);
        sketch.tasks[0].arrivals =
            ArrivalsSketch::Periodic { period: sketch.duration, offset: 0, jitter: 0 };
        sketch.tasks[0].trigger = 8;
        sketch.models.iter_mut().for_each(|model| (model.block, model.exit) = (None, None));
        sketch.phases.clear();
        let built = sketch.build();
        let system = system(&built);
        let model = built.scenario.tasks[0].model;
        let isolated: u64 = (0..system.profile.layers(model))
            .map(|layer| system.profile.latency(model, layer, ClassId::new(0)).picoseconds())
            .sum();
        let (record, _) = run(&sketch, Fcfs::new(extent(layers)), EndOfRun::Drain);
        let all = completions(&record);
        prop_assert_eq!(all.len(), 1);
        let told = record.events.iter().find_map(|(_, event)| match event {
            Event::Completed { isolated, .. } => Some(*isolated),
            _ => None,
        });
        prop_assert_eq!(Some(all[0].0), told);
        if !built.models[model.index()].is_sampled() {
            prop_assert_eq!(all[0].0, isolated);
            let last = record.expected_ends.last();
            prop_assert_eq!(last, Some(&isolated), "the expected end is exact");
        }
    }

    #[test]
    fn segments_end_when_expected_where_nobody_competes(
        sketch in systems::sketch_with(Just(Memory::Own)), layers in 0..4_u32,
    ) {
        let mut sketch = sketch;
        for model in &mut sketch.models {
            model.samples = Vec::new();
            // A segment of one layer runs it, whatever may be skipped before and behind; but whether a model skips its first layers is
            // open before it has begun.
            let first = model.block.map(|(first, ..)| first % model.layers.len());
            if layers != 1 || first == Some(0) {
                (model.block, model.exit) = (None, None);
            }
        }
        let (record, _) = run(&sketch, Fcfs::new(extent(layers)), EndOfRun::Drain);
        let mut expected = record.expected_ends.iter();
        let mut running = BTreeMap::new();
        for (now, event) in &record.events {
            match event {
                Event::Dispatched { accelerator, .. } => {
                    running.insert(*accelerator, *expected.next().expect("one a dispatch"));
                }
                Event::Ended { accelerator, .. } => {
                    prop_assert_eq!(running.remove(accelerator), Some(*now));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_switch_costs_what_the_view_says(
        sketch in systems::scaled(), chaos in any::<bool>(), layers in 0..4_u32, end in ends(),
    ) {
        let (record, log) = run(&sketch, policy(&sketch, chaos, CHAOS, layers), end);
        let mut shown = log.switches.iter();
        let mut energies: BTreeMap<Name, Energy> = BTreeMap::new();
        let mut scheduler_free = 0;
        for (now, event) in &record.events {
            match event {
                Event::Dispatched { job, started, .. } => {
                    let (energy, time) = *shown.next().expect("one a dispatch");
                    *energies.entry(*job).or_default() += energy;
                    let decision_time = if chaos && layers == 2 { sketch.scale } else { 0 };
                    scheduler_free = scheduler_free.max(*now) + decision_time;
                    prop_assert_eq!(*started, scheduler_free + time);
                }
                Event::Completed { job, spent, .. }
                | Event::Dropped { job, spent, .. }
                | Event::InFlight { job, spent } => {
                    prop_assert_eq!(spent.switches, energies.get(job).copied().unwrap_or_default());
                }
                _ => {}
            }
        }
        prop_assert_eq!(shown.next(), None);
    }

    #[test]
    fn how_layers_are_grouped_changes_nothing(sketch in systems::scaled(), layers in 1..4_u32) {
        let sketch = plain(sketch);
        let (whole, _) = run(&sketch, Fcfs::new(Extent::Rest), EndOfRun::Drain);
        let (parts, _) = run(&sketch, Fcfs::new(extent(layers)), EndOfRun::Drain);
        prop_assert_eq!(completions(&whole), completions(&parts));
    }

    #[test]
    fn hearing_of_things_changes_nothing(sketch in plain_or_whole(), layers in 0..4_u32, end in ends()) {
        let deaf = Fcfs::new(extent(layers));
        let all = Interests { jobs: true, layers: true, times: true };
        let hearing = Fcfs { interests: all, ..*deaf.clone() };
        let (one, _) = run(&sketch, deaf, end);
        let (other, _) = run(&sketch, Box::new(hearing), end);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn another_task_changes_no_release(
        sketch in systems::scaled(), other in systems::sketch(), chaos in any::<bool>(),
    ) {
        let mut sketch = sketch;
        // Outcomes show when jobs complete, which another task may delay.
        sketch.tasks.iter_mut().flat_map(|task| &mut task.needs).for_each(|need| need.1 = None);
        sketch.is_reversed = false;
        sketch.phases.clear();
        let mut more = sketch.clone();
        more.tasks.extend(other.tasks.into_iter().take(1));
        let habits = Habits { drop: 0, ..CHAOS };
        let releases = |sketch: &Sketch| {
            let (record, _) = run(sketch, policy(sketch, chaos, habits, 1), EndOfRun::Cut);
            let released = record.events.into_iter().filter_map(|(at, event)| match event {
                Event::Released { job, arrival, deadline, priority, .. } => {
                    Some((at, job, arrival, deadline, priority))
                }
                _ => None,
            });
            let mut released: Vec<_> = released.collect();
            released.sort_unstable();
            released
        };
        let count = sketch.tasks.len();
        let mut with = releases(&more);
        with.retain(|(_, (task, _), ..)| *task < count);
        prop_assert_eq!(releases(&sketch), with);
    }

    #[test]
    fn nobody_is_faster_in_company(
        sketch in systems::sketch_with(systems::shared_memory()), chaos in any::<bool>(), layers in 0..4_u32,
    ) {
        let mut sketch = sketch;
        sketch.models.iter_mut().for_each(|model| (model.block, model.exit) = (None, None));
        let built = sketch.build();
        let system = system(&built);
        let habits = Habits { share: 0, ..CHAOS };
        let (record, _) = run(&sketch, policy(&sketch, chaos, habits, layers), EndOfRun::Cut);
        let (mut begun, mut released) = (BTreeMap::new(), BTreeMap::new());
        for (now, event) in &record.events {
            match event {
                Event::Dispatched { accelerator, model, from, .. } => {
                    // Of a layer that is done in part, the rest takes less than all of it.
                    begun.insert(*accelerator, (*model, from.0 + u32::from(from.1 > 0)));
                }
                Event::Released { job, .. } => {
                    released.insert(*job, *now);
                }
                // Between unlike accelerators each layer may run where it is fastest.
                Event::Completed { job, isolated, .. } if system.profile.classes().count() == 1 => {
                    prop_assert!(now - released[job] >= *isolated, "{isolated} ps alone, for {job:?}");
                }
                // What a segment of a recorded sample takes alone is not told.
                Event::Ended { accelerator, to, started, .. }
                    if !built.models[begun[accelerator].0].is_sampled() =>
                {
                    let (model, from) = begun[accelerator];
                    let alone: u64 = (from..to.0)
                        .map(|layer| {
                            let accelerator = AcceleratorId::new(*accelerator);
                            let class = system.profile.whole(accelerator);
                            let model = ModelId::new(model);
                            let latency = system.profile.latency(model, layer, class);
                            assert!(LayerId::new(layer as usize).index() < built.models[model.index()].layers.len());
                            latency.picoseconds()
                        })
                        .sum();
                    prop_assert!(now.saturating_sub(*started) >= alone, "{alone} ps alone");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn memory_without_limit_is_memory_of_its_own(
        sketch in systems::sketch_with(Just(Memory::Own)), chaos in any::<bool>(), layers in 0..4_u32,
        end in ends(),
    ) {
        let mut sketch = sketch;
        // Where accelerators compete for memory, a layer has no quanta.
        for model in &mut sketch.models {
            let of_samples = model.samples.iter_mut().flatten().map(|(costs, _)| costs);
            model.layers.iter_mut().chain(of_samples).flatten().for_each(|cost| cost.quanta = 1);
        }
        // Traffic that takes no time at all would not move where there is no limit either.
        let mut built = sketch.build();
        let layers = if chaos { layers.max(1) } else { layers };
        let (recorder, log) = Recorder::new(policy(&sketch, chaos, CHAOS, layers));
        let exclusive = {
            let system = system(&built);
            let execution = Exclusive::new(built.platform.accelerators.len());
            let options = options(&sketch, end);
            Simulation::new(&system, "test", recorder, execution, Record::default(), options)
                .run()
                .expect("a legal policy")
        };
        let bandwidth = Bandwidth::UNLIMITED;
        built.platform.shared_dram = Some(SharedDram { bandwidth, sharing: Sharing::MAX_MIN });
        let (recorder, other_log) = Recorder::new(policy(&sketch, chaos, CHAOS, layers));
        let shared = {
            let system = system(&built);
            let contention = Checking { inner: MaxMinFair::new(bandwidth), whole: None, is_fair: true };
            let execution = Shared::new(contention, system.platform.unit_owners());
            let options = options(&sketch, end);
            Simulation::new(&system, "test", recorder, execution, Record::default(), options)
                .run()
                .expect("a legal policy")
        };
        for (one, other) in exclusive.events.iter().zip(&shared.events) {
            prop_assert_eq!(one, other, "exclusive, then shared");
        }
        prop_assert_eq!(of_jobs(&exclusive), of_jobs(&shared));
        let log = log.lock().expect("no test panics while it writes").clone();
        let other_log = other_log.lock().expect("no test panics while it writes").clone();
        prop_assert_eq!(log, other_log);
    }

    #[test]
    fn runs_repeat_themselves(
        sketch in plain_or_whole(), chaos in any::<bool>(), layers in 0..4_u32, end in ends(),
    ) {
        let once = run(&sketch, policy(&sketch, chaos, CHAOS, layers), end);
        let again = run(&sketch, policy(&sketch, chaos, CHAOS, layers), end);
        prop_assert_eq!(once, again);
    }

    #[test]
    fn a_copy_goes_on_like_the_original(
        sketch in plain_or_whole(), chaos in any::<bool>(), layers in 0..4_u32, end in ends(), at in 0..300_u64,
    ) {
        let (whole, _) = run(&sketch, policy(&sketch, chaos, CHAOS, layers), end);
        let built = sketch.build();
        let system = system(&built);
        let (recorder, _) = Recorder::new(policy(&sketch, chaos, CHAOS, layers));
        // Both an instant of the grid on which most happens and those between.
        let at = (at * sketch.scale).min((sketch.duration * sketch.scale).saturating_sub(1));
        let (one, other) = random_systems::simulation(&system, recorder, options(&sketch, end), Twice(at));
        prop_assert_eq!(&one, &whole);
        prop_assert_eq!(&other, &whole);
    }

    #[test]
    fn what_is_given_up_changes_no_release(sketch in systems::scaled(), layers in 0..4_u32) {
        let mut sketch = sketch;
        // As another network, an inference ends in another way.
        sketch.tasks.iter_mut().for_each(|task| task.variant = None);
        let releases = |chaos: bool| {
            let habits = Habits { drop: 120, ..CHAOS };
            let (record, _) = run(&sketch, policy(&sketch, chaos, habits, layers), EndOfRun::Drain);
            let released = record.events.into_iter().filter_map(|(_, event)| match event {
                Event::Released { job, arrival, deadline, priority, .. } => Some((job, arrival, deadline, priority)),
                _ => None,
            });
            let mut released: Vec<_> = released.collect();
            released.sort_unstable();
            released
        };
        // Whoever goes through everything learns of everything.
        prop_assert_eq!(releases(false), releases(true));
    }

    #[test]
    fn pieces_make_the_whole(
        sketch in plain_or_whole(), chaos in any::<bool>(), layers in 0..4_u32, end in ends(),
        lasts in prop::collection::vec(0..300_u64, 0..6),
    ) {
        let (whole, _) = run(&sketch, policy(&sketch, chaos, CHAOS, layers), end);
        let built = sketch.build();
        let system = system(&built);
        let (recorder, _) = Recorder::new(policy(&sketch, chaos, CHAOS, layers));
        let mut lasts: Vec<u64> =
            lasts.into_iter().map(|last| (last * sketch.scale).min((sketch.duration * sketch.scale).saturating_sub(1))).collect();
        lasts.sort_unstable();
        let pieces = random_systems::simulation(&system, recorder, options(&sketch, end), InPieces(lasts));
        prop_assert_eq!(pieces, whole);
    }
}
