//! The engine against a second simulator that shares nothing with it but the definitions: it goes from
//! picosecond to picosecond, looks at everything in each, and moves every byte by itself. It is slow, and
//! so literal that one can check it against the definitions by reading.
//!
//! It takes no decisions: it is given those that a policy took in the engine, with their instants, and
//! must arrive at the same events at the same instants.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

mod simulator;

use proptest::prelude::*;
use rtmm_hardware::{AcceleratorId, Units};
use rtmm_scheduler::{Decision, Decisions, Extent, Interests, Policy, View};
use rtmm_sim::{EndOfRun, RunOptions, System};
use rtmm_testkit::closures::deciding;
use rtmm_testkit::random_systems::policies::{Fcfs, Habits, Scripted};
use rtmm_testkit::random_systems::record::{Event, Heard, Record, Recorder};
use rtmm_testkit::random_systems::systems::{
    self, AcceleratorSketch, ArrivalsSketch, CostSketch, DivisionSketch, MachineSketch, Memory, ModelSketch,
    Sketch, TaskSketch,
};
use rtmm_testkit::{cases, random_systems};
use rtmm_workload::{Duration, ModelId};

use simulator::Oracle;

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
    // The models of pinned tasks are copies, which the second simulator has no use for.
    let network = |model: &mut usize| *model = system.profile.network(ModelId::new(*model)).index();
    let mut told = record.events;
    for (_, event) in &mut told {
        if let Event::Dispatched { model, .. } = event {
            network(model);
        }
    }
    let mut heard = log.heard.clone();
    for (_, notice) in &mut heard {
        if let Heard::Layer { model, .. } = notice {
            network(model);
        }
    }
    let engine = with_sorted_rest(told);
    let events = with_sorted_rest(std::mem::take(&mut oracle.events));
    for (index, (one, other)) in engine.iter().zip(&events).enumerate() {
        let before = &engine[index.saturating_sub(4)..index];
        prop_assert!(one == other, "event {index}: engine {one:?}\noracle {other:?}\nafter {before:?}");
    }
    prop_assert_eq!(engine.len(), events.len());
    for (one, other) in heard.iter().zip(&oracle.heard) {
        // Of a run that is long all events are gone through for this.
        let recent = || engine.iter().filter(|(at, _)| *at <= one.0).rev().take(9).collect::<Vec<_>>();
        prop_assert!(one == other, "engine heard {one:?}\noracle {other:?}\nafter {:?}", recent());
    }
    prop_assert_eq!(heard.len(), oracle.heard.len());
    Ok(())
}

fn habits() -> impl Strategy<Value = Habits> {
    let some = |often: u64| prop_oneof![Just(0), 1..often];
    (20..256_u64, some(200), some(256), some(120), some(60), some(200), some(60)).prop_map(
        |(dispatch, preempt, context, resize, drop, share, timer)| Habits {
            dispatch,
            batch: 0,
            preempt,
            context,
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
    let shares = sketch.machine.memory.shares();
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
    fn chaos_under_throttles(
        sketch in systems::sketch_with(systems::throttled_memory()), habits in habits(),
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
    fn chaos_where_runs_slow_each_other_down(
        sketch in systems::co_located(systems::batched(systems::divided(prop_oneof![
            3 => systems::sketch(), 1 => systems::varying(systems::sketch()), 1 => systems::partial(systems::sketch()),
        ]))),
        habits in habits(), batch in prop_oneof![Just(0), 60..256_u64], interests in interests(), end in ends(),
        time in thinking(),
    ) {
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, Habits { batch, ..habits }, interests, time), end, time)?;
    }

    #[test]
    fn chaos_where_times_vary(
        sketch in systems::varying(prop_oneof![systems::sketch(), systems::divided(systems::sketch())]),
        habits in habits(), interests in interests(), end in ends(), time in thinking(),
    ) {
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, habits, interests, time), end, time)?;
    }

    #[test]
    fn chaos_on_accelerators_that_run_batches(
        sketch in systems::batched(prop_oneof![
            2 => systems::sketch(), 1 => systems::divided(systems::sketch()), 1 => systems::varying(systems::sketch()),
        ]),
        habits in habits(), batch in 60..256_u64, interests in interests(), end in ends(), time in thinking(),
    ) {
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, Habits { batch, ..habits }, interests, time), end, time)?;
    }

    #[test]
    fn chaos_at_changing_clocks(
        sketch in systems::powered(prop_oneof![
            systems::sketch_with(Just(Memory::Own)), systems::sketch(), systems::divided(systems::sketch()),
            systems::varying(systems::sketch()),
        ]),
        habits in habits(), interests in interests(), end in ends(), time in thinking(),
    ) {
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, habits, interests, time), end, time)?;
    }

    #[test]
    fn chaos_where_accelerators_run_some_layers_and_tasks_are_pinned(
        sketch in systems::partial(prop_oneof![
            2 => systems::sketch(), 1 => systems::divided(systems::sketch()), 1 => systems::varying(systems::sketch())
        ]),
        habits in habits(), interests in interests(), end in ends(), time in thinking(),
    ) {
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, habits, interests, time), end, time)?;
    }

    #[test]
    fn chaos_where_jobs_move(
        sketch in systems::linked(prop_oneof![
            1 => systems::sketch(), 1 => systems::divided(systems::sketch()), 1 => systems::partial(systems::sketch())
        ]),
        habits in habits(), interests in interests(), end in ends(), time in thinking(),
    ) {
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, habits, interests, time), end, time)?;
    }

    #[test]
    fn chaos_on_the_whole(
        sketch in systems::whole(), habits in habits(), batch in 60..256_u64, interests in interests(),
        end in ends(), time in thinking(),
    ) {
        let sketch = if interests.layers { sketch } else { sketch.without_empty_layers() };
        compare(&sketch, chaos(&sketch, Habits { batch, ..habits }, interests, time), end, time)?;
    }

    #[test]
    fn first_come_first_served(
        sketch in prop_oneof![2 => systems::sketch(), 1 => systems::partial(systems::sketch())],
        interests in interests(), end in ends(), time in thinking(),
        is_whole in any::<bool>(),
    ) {
        let extent = if is_whole { Extent::Rest } else { Extent::LAYER };
        compare(&sketch, fcfs(extent, interests, time), end, time)?;
    }
}

/// The seed under which copies go by priority.
const BY_PRIORITY: u64 = 1 + (2 << 3);

/// Two copies of a picosecond to one device behind a shared cache, released at once: first that of priority 0, then that of 1.
fn two_copies() -> Sketch {
    let cost = CostSketch { compute: 1, bytes: 0, transfer: 0, exposed: 0, energy: 0, quanta: 1 };
    let model = ModelSketch { layers: vec![[cost; 3]], samples: Vec::new(), block: None, exit: None };
    let task = |priority| TaskSketch {
        model: 0,
        variant: None,
        arrivals: ArrivalsSketch::Periodic { period: 40, offset: 0, jitter: 0 },
        deadline: None,
        priority,
        draws_priorities: false,
        needs: Vec::new(),
        trigger: 8,
    };
    let division =
        DivisionSketch { units: 2, kinds: [Some(0), None, None], migration_time: 0, migration_energy: 0 };
    let device = AcceleratorSketch {
        kind: 0,
        weight: 1,
        switch_time: 0,
        switch_energy: 0,
        moves: None,
        division: Some(division),
        max_batch: 1,
    };
    Sketch {
        models: vec![model],
        tasks: vec![task(0), task(1)],
        machine: MachineSketch {
            accelerators: vec![device],
            memory: Memory::Cached { memory: 1 << 30, cache: 1 << 30 },
        },
        phases: Vec::new(),
        duration: 40,
        is_reversed: false,
        scale: 1,
        seed: 1,
        varies: None,
        power: None,
        partial: None,
        links: None,
        co_location: Some(BY_PRIORITY),
    }
}

/// Each ready job on a unit of the first accelerator.
fn a_unit_each() -> Box<dyn Policy> {
    Box::new(deciding(|view: &View<'_>, out: &mut Decisions| {
        let (on, units) = (AcceleratorId::new(0), Units::exactly(1).expect("not zero"));
        let free = view.accelerators[0].free.count() as usize;
        out.extend(view.ready().take(free).map(|job| Decision::Dispatch {
            jobs: job.id.into(),
            variant: None,
            on,
            units,
            extent: Extent::Rest,
        }));
    }))
}

#[test]
fn of_copies_that_begin_at_once_the_higher_priority_goes_first() {
    let sketch = two_copies();
    compare(&sketch, a_unit_each(), EndOfRun::Drain, 0).expect("one schedule");
    let built = sketch.build();
    let system = System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs");
    let options = RunOptions { end: EndOfRun::Drain, ..RunOptions::default() };
    let record = random_systems::run(&system, a_unit_each(), options);
    let ends = record.events.iter().filter_map(|(at, event)| match event {
        Event::Completed { job, .. } => Some((*at, job.0)),
        _ => None,
    });
    assert_eq!(ends.collect::<Vec<_>>(), [(1, 1), (2, 0)]);
}
