//! Order and names that must not matter: tasks and accelerators in another order, tasks of other names, other priorities.
//!
//! Where they must not:
//!
//! | permuted | must not matter | for |
//! |---|---|---|
//! | the order of tasks | where no tie is left to it: no two jobs are released at once, and no two costs or deadlines are equal | every policy |
//! | the order of accelerators | where no two are alike | every policy, but [`BY_ORDER_OF_ACCELERATORS`] |
//! | names of tasks | where nothing is drawn: draws are addressed by name | every policy |
//! | priorities of tasks | always | every policy, but [`BY_PRIORITY`] |
//!
//! What is excepted is held to be: an exception that shows in no case is a mistake in these tables.
//!
//! `RTMM_CASES` sets the number of random cases of each policy.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rtmm_hardware::Platform;
use rtmm_scheduler::{PolicyRegistry, PolicyRow};
use rtmm_sim::{EndOfRun, RunOptions, System};
use rtmm_testkit::random_systems::record::{Event, Name};
use rtmm_testkit::random_systems::systems::{self, ArrivalsSketch, Built, CostSketch, Sketch};
use rtmm_testkit::{cases, random_systems};
use rtmm_workload::{ModelId, Scenario, TaskId};

/// Random cases of each policy.
const DEFAULT_CASES: u32 = 60;

/// Policies that decide by the order of accelerators, by definition: a job takes the first group of tiles that is free.
const BY_ORDER_OF_ACCELERATORS: &[&str] = &["moca", "static-partition"];
/// Policies that decide by priorities.
const BY_PRIORITY: &[&str] = &[
    "moca",
    "planaria",
    "prema",
    "prema-sparse",
    "static-partition",
    "strait-reading",
    "strait-reading-oracle",
];

/// Units of time for one of a sketch: between two of them there is room for draws that make all times different.
const UNIT: u64 = 1_000_000;

/// The sketch in which nothing that counts is equal by chance: times and energies are drawn anew around their own, releases are
/// each at an instant of its own, and accelerators are of different types.
fn without_ties(mut sketch: Sketch) -> Sketch {
    let seed = sketch.seed;
    let mut drawn = 0;
    let mut draw = |below: u64| {
        drawn += 1;
        random_systems::hash(&[seed, drawn]) % below
    };
    let mut time = |of: u64| of * UNIT + draw(UNIT);
    let mut cost = |of: &mut CostSketch| {
        of.compute = time(of.compute);
        of.transfer = time(of.transfer);
        of.exposed = time(of.exposed);
        of.energy = of.energy * 1_000 + (time(0) % 1_000) as u32;
    };
    for model in &mut sketch.models {
        let of_samples = model.samples.iter_mut().flatten().map(|(costs, _)| costs);
        model.layers.iter_mut().chain(of_samples).flatten().for_each(&mut cost);
        // A network that is skipped in any case takes no time anywhere.
        model.block = model.block.map(|(first, length, chance)| (first, length, chance.min(7)));
    }
    let mut is_needed = BTreeSet::new();
    for (index, task) in sketch.tasks.iter_mut().enumerate() {
        task.deadline = task.deadline.map(&mut time);
        task.arrivals = match task.arrivals {
            ArrivalsSketch::Periodic { period, offset, jitter } => {
                ArrivalsSketch::Periodic { period: time(period), offset: time(offset), jitter: time(jitter) }
            }
            ArrivalsSketch::Poisson { mean } => ArrivalsSketch::Poisson { mean: time(mean) },
            ArrivalsSketch::Bursty { calm, burst, calm_time, burst_time } => ArrivalsSketch::Bursty {
                calm: time(calm),
                burst: time(burst),
                calm_time: time(calm_time),
                burst_time: time(burst_time),
            },
            ArrivalsSketch::Trace { distance, first } => {
                ArrivalsSketch::Trace { distance: time(distance), first: time(first) }
            }
            // With those that they follow they would be released at once.
            ArrivalsSketch::Follows { otherwise } => {
                ArrivalsSketch::Periodic { period: time(otherwise), offset: time(3), jitter: 0 }
            }
        };
        // So would be two that wait for the outcome of one.
        task.needs.retain(|(of, _)| is_needed.insert(of % index.max(1)));
    }
    sketch.duration *= UNIT;
    let accelerators = &mut sketch.machine.accelerators;
    accelerators.truncate(3);
    for (kind, accelerator) in accelerators.iter_mut().enumerate() {
        (accelerator.kind, accelerator.switch_time) = (kind, time(accelerator.switch_time));
        accelerator.moves = None;
    }
    sketch
}

/// The sketch in which nothing is drawn by the name of a task.
fn without_draws(mut sketch: Sketch) -> Sketch {
    for model in &mut sketch.models {
        (model.block, model.exit) = (None, None);
        model.samples.clear();
    }
    for task in &mut sketch.tasks {
        (task.trigger, task.draws_priorities) = (8, false);
        task.needs.iter_mut().for_each(|(_, chance)| *chance = None);
        task.arrivals = match task.arrivals {
            ArrivalsSketch::Periodic { period, offset, .. } => {
                ArrivalsSketch::Periodic { period, offset, jitter: 0 }
            }
            ArrivalsSketch::Poisson { mean } => {
                ArrivalsSketch::Periodic { period: mean, offset: mean / 3, jitter: 0 }
            }
            ArrivalsSketch::Bursty { calm, burst, .. } => {
                ArrivalsSketch::Periodic { period: calm, offset: burst, jitter: 0 }
            }
            stated @ (ArrivalsSketch::Trace { .. } | ArrivalsSketch::Follows { .. }) => stated,
        };
    }
    sketch
}

/// An order of so many.
fn order(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|of| random_systems::hash(&[seed, 77, *of as u64]));
    order
}

fn inverse(order: &[usize]) -> Vec<usize> {
    (0..order.len()).map(|of| order.iter().position(|one| *one == of).expect("an order")).collect()
}

/// The scenario with its tasks in another order.
fn reordered(scenario: &Scenario, order: &[usize]) -> Scenario {
    let place = inverse(order);
    let mut other = scenario.clone();
    other.tasks = order.iter().map(|task| scenario.tasks[*task].clone()).collect();
    for on in other.tasks.iter_mut().flat_map(|task| &mut task.depends_on) {
        on.task = TaskId::new(place[on.task.index()]);
    }
    for (phase, stated) in other.phases.iter_mut().zip(&scenario.phases) {
        phase.arrivals = order.iter().map(|task| stated.arrivals[*task].clone()).collect();
    }
    other
}

/// Events of a run in the numbers of `tasks` and `accelerators`, in an order of its own at each instant.
fn events(
    built: &Built,
    row: &PolicyRow,
    seed: u64,
    tasks: &[usize],
    accelerators: &[usize],
) -> Vec<(u64, String)> {
    let system = System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs");
    let policy = row.build(&row.defaults()).expect("its own defaults");
    let options = RunOptions { seed, end: EndOfRun::Drain, oracle: row.oracle };
    let record = random_systems::run(&system, policy, options);
    let named = |job: &mut Name| job.0 = tasks[job.0];
    let told = |(at, mut event): (u64, Event)| {
        match &mut event {
            Event::NotTriggered { task } => *task = tasks[*task],
            Event::Dispatched { job, accelerator, model, .. } => {
                named(job);
                *accelerator = accelerators[*accelerator];
                *model = system.profile.network(ModelId::new(*model)).index();
            }
            Event::Ended { job, accelerator, .. } => {
                named(job);
                *accelerator = accelerators[*accelerator];
            }
            Event::Over { busy } => {
                let place = inverse(accelerators);
                *busy = place.iter().map(|place| busy[*place]).collect();
            }
            // Which priority a job has is not asked here.
            Event::Released { job, priority, .. } => {
                named(job);
                *priority = 0;
            }
            Event::Joined { job }
            | Event::Left { job, .. }
            | Event::Reserved { job, .. }
            | Event::Resized { job, .. }
            | Event::Completed { job, .. }
            | Event::Dropped { job, .. }
            | Event::InFlight { job, .. } => named(job),
            Event::Phase { .. } | Event::Power { .. } => {}
        }
        (at, format!("{event:?}"))
    };
    let mut events: Vec<(u64, String)> = record.events.into_iter().map(told).collect();
    events.sort();
    events
}

/// Runs every policy on random systems and on the same ones `changed`; what differs may differ for `excepted` policies alone, and
/// does for each of them. `changed` says which task and which accelerator the first of the others is, and so on.
fn check(
    sketches: impl Strategy<Value = Sketch>,
    excepted: &[&str],
    changed: impl Fn(&Sketch, Built) -> (Built, Vec<usize>, Vec<usize>),
) {
    let config = cases::config(DEFAULT_CASES);
    let count = config.cases;
    let mut runner = TestRunner::new(config);
    let mut differing = BTreeMap::new();
    for case in 0..count {
        let sketch = sketches.new_tree(&mut runner).expect("a sketch").current();
        let built = sketch.build();
        let same: Vec<usize> =
            (0..built.scenario.tasks.len().max(built.platform.accelerators.len())).collect();
        let tasks = &same[..built.scenario.tasks.len()];
        let accelerators = &same[..built.platform.accelerators.len()];
        let (other, other_tasks, other_accelerators) = changed(&sketch, sketch.build());
        for row in PolicyRegistry::built_in() {
            let one = events(&built, row, sketch.seed, tasks, accelerators);
            let found = events(&other, row, sketch.seed, &other_tasks, &other_accelerators);
            if one != found {
                let first = one.iter().zip(&found).find(|(one, found)| one != found);
                differing.entry(row.name.clone()).or_insert_with(|| format!("in case {case}: {first:#?}"));
            }
        }
    }
    let unlike: BTreeMap<_, _> = differing.iter().filter(|(name, _)| !excepted.contains(&&***name)).collect();
    assert!(unlike.is_empty(), "policies for which it matters, with the first difference: {unlike:#?}");
    let alike = excepted.iter().filter(|name| !differing.contains_key(**name));
    assert_eq!(alike.collect::<Vec<_>>(), Vec::<&&str>::new(), "excepted, and it matters to none of these");
}

fn all(count: usize) -> Vec<usize> {
    (0..count).collect()
}

#[test]
fn the_order_of_tasks_matters_where_ties_are_left_to_it_alone() {
    check(systems::sketch().prop_map(without_ties), &[], |sketch, built| {
        let order = order(built.scenario.tasks.len(), sketch.seed);
        let scenario = reordered(&built.scenario, &order);
        let accelerators = all(built.platform.accelerators.len());
        (Built { scenario, ..built }, order, accelerators)
    });
}

#[test]
fn the_order_of_accelerators_matters_where_ties_are_left_to_it_alone() {
    check(systems::sketch().prop_map(without_ties), BY_ORDER_OF_ACCELERATORS, |sketch, built| {
        let order = order(built.platform.accelerators.len(), sketch.seed);
        let accelerators = order.iter().map(|one| built.platform.accelerators[*one].clone()).collect();
        let tasks = all(built.scenario.tasks.len());
        let platform = Platform { accelerators, ..built.platform.clone() };
        (Built { platform, ..built }, tasks, order)
    });
}

#[test]
fn names_of_tasks_matter_for_draws_alone() {
    check(systems::sketch().prop_map(without_draws), &[], |_, mut built| {
        let count = built.scenario.tasks.len();
        for (index, task) in built.scenario.tasks.iter_mut().enumerate() {
            task.name = format!("{} of another name", count - index);
        }
        let accelerators = all(built.platform.accelerators.len());
        (built, all(count), accelerators)
    });
}

#[test]
fn priorities_matter_to_policies_that_decide_by_them_alone() {
    let without_drawn = |mut sketch: Sketch| {
        sketch.tasks.iter_mut().for_each(|task| task.draws_priorities = false);
        sketch
    };
    check(systems::sketch().prop_map(without_drawn), BY_PRIORITY, |sketch, mut built| {
        let order = order(built.scenario.tasks.len(), sketch.seed);
        let priorities: Vec<i32> = built.scenario.tasks.iter().map(|task| task.priority).collect();
        for (task, of) in built.scenario.tasks.iter_mut().zip(&order) {
            task.priority = 2 * priorities[*of] + 1;
        }
        let (tasks, accelerators) = (all(order.len()), all(built.platform.accelerators.len()));
        (built, tasks, accelerators)
    });
}
