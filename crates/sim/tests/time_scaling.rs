//! Time scaling: with every clock at half its rate, and all periods, deadlines and durations twice as long, a run is the same but
//! for the unit of time. Every time doubles, every rate halves, and everything else is what it was, to the last bit.
//!
//! It is exact where times are whole picoseconds at both scales. What is rounded to a picosecond does not double: grants of shared
//! memory, slowdowns beside others, moves over links, times that are drawn. Real scenarios on shared memory are therefore held
//! to a millionth.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use proptest::prelude::*;
use rtmm_hardware::{
    Bandwidth, Condition, Configuration, CostError, CostModel, LayerOf, Mode, Platform, SharedDram, Work,
};
use rtmm_scheduler::{Interests, Policy, PolicyRegistry, PolicyRow};
use rtmm_sim::metrics::XrbenchConstants;
use rtmm_sim::{EndOfRun, Metrics, MetricsOptions, RunOptions, System};
use rtmm_testkit::cases;
use rtmm_testkit::random_systems::policies::{Habits, Scripted};
use rtmm_testkit::random_systems::record::{Event, Record};
use rtmm_testkit::random_systems::systems::{self, ArrivalsSketch, Memory, Sketch};
use rtmm_testkit::simulate;
use rtmm_workload::parameters::{ParameterValue, Parameters};
use rtmm_workload::{
    Arrivals, Deadline, Duration, Follower, Frame, Frames, Legality, Request, Scenario, TaskId, Time,
    Workload,
};
use serde_json::Value;

const DEFAULT_CASES: u32 = 400;

/// Picoseconds of a unit of time in random systems: so many that each of up to seven equal steps of a layer, on some of up to four
/// units, halves of batches and sixteenths of runs are whole.
const UNIT: u64 = 10_080;

/// Picoseconds by which expectations over the paths of a model may be rounded: one a layer.
const ROUNDED: u64 = 6;

/// Policies whose decisions depend on the unit of time, by definition.
const BY_UNITS: &[&str] = &[
    // They add seconds to the ones of a penalty, as published.
    "dysta",
    "dysta-naive",
    "dysta-oracle",
    // The same, in few bits; and it has a clock of its own.
    "dysta-hardware",
];

/// The sketch without what is rounded to a picosecond.
fn exact(mut sketch: Sketch) -> Sketch {
    sketch.scale = UNIT;
    for accelerator in &mut sketch.machine.accelerators {
        accelerator.moves = None;
    }
    for task in &mut sketch.tasks {
        task.arrivals = match task.arrivals {
            ArrivalsSketch::Periodic { period, offset, .. } => {
                ArrivalsSketch::Periodic { period, offset, jitter: 0 }
            }
            ArrivalsSketch::Poisson { mean } => ArrivalsSketch::Trace { distance: mean, first: mean % 7 },
            ArrivalsSketch::Bursty { calm, burst, .. } => {
                ArrivalsSketch::Periodic { period: calm, offset: burst, jitter: 0 }
            }
            stated @ (ArrivalsSketch::Trace { .. } | ArrivalsSketch::Follows { .. }) => stated,
        };
    }
    sketch
}

fn exact_sketch() -> impl Strategy<Value = Sketch> {
    let own = || systems::sketch_with(Just(Memory::Own));
    let some = prop_oneof![
        2 => own().boxed(), 1 => systems::divided(own()).boxed(), 1 => systems::batched(own()).boxed(),
        1 => systems::partial(systems::batched(systems::divided(own()))).boxed(),
    ];
    some.prop_map(exact)
}

/// The event as an observer is told of it at half the clock.
fn slower((at, event): &(u64, Event)) -> (u64, Event) {
    let mut event = event.clone();
    match &mut event {
        Event::Released { arrival, deadline, .. } => (*arrival, *deadline) = (2 * *arrival, 2 * *deadline),
        Event::Dispatched { started, .. } | Event::Resized { started, .. } | Event::Ended { started, .. } => {
            *started *= 2;
        }
        Event::Completed { spent, isolated, .. } => {
            (spent.move_time, *isolated) = (2 * spent.move_time, 2 * *isolated);
        }
        Event::Dropped { spent, .. } | Event::InFlight { spent, .. } => spent.move_time *= 2,
        Event::Over { busy } => busy.iter_mut().for_each(|busy| *busy *= 2),
        Event::NotTriggered { .. }
        | Event::Joined { .. }
        | Event::Left { .. }
        | Event::Reserved { .. }
        | Event::Phase { .. }
        | Event::Power { .. } => {}
    }
    (2 * at, event)
}

/// Runs a sketch at its scale and at twice that, and compares. Ends that were expected may be off by what expectations are rounded
/// by.
fn compare(
    sketch: &Sketch,
    end: EndOfRun,
    row: Option<&PolicyRow>,
    policy: impl Fn(&Sketch) -> Box<dyn Policy>,
) -> Result<(), TestCaseError> {
    let oracle = row.is_some_and(|row| row.oracle);
    let run = |sketch: &Sketch| {
        let built = sketch.build();
        let system =
            System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs");
        let options = RunOptions { seed: sketch.seed, end, oracle };
        simulate(&system, "test", policy(sketch), Record::default(), options)
    };
    let (one, other) = (run(sketch), run(&Sketch { scale: 2 * sketch.scale, ..sketch.clone() }));
    // What a policy cannot run on it cannot run on at any clock.
    prop_assert_eq!(one.is_err(), other.is_err());
    let (Ok(one), Ok(other)) = (one, other) else { return Ok(()) };
    for (index, (event, found)) in one.events.iter().zip(&other.events).enumerate() {
        let expected = slower(event);
        let before = &one.events[index.saturating_sub(3)..index];
        prop_assert!(expected == *found, "event {index}: {expected:?},\nnot {found:?}\nafter {before:?}");
    }
    prop_assert_eq!(one.events.len(), other.events.len());
    for (end, found) in one.expected_ends.iter().zip(&other.expected_ends) {
        prop_assert!((2 * end).abs_diff(*found) <= ROUNDED, "{} and not {found}", 2 * end);
    }
    prop_assert_eq!(one.parts, other.parts);
    Ok(())
}

/// The parameters with all durations so many times as long.
fn stretched(parameters: &Parameters, factor: u64) -> Parameters {
    let mut stretched = parameters.clone();
    for (name, value) in parameters.all() {
        if let ParameterValue::Duration(span) = value {
            let span = Duration::from_picoseconds(span.picoseconds() * factor);
            stretched.set(name, ParameterValue::Duration(span)).expect("twice a default is allowed");
        }
    }
    stretched
}

/// Parameters of a policy with words of its parts, where it has them.
fn settings(row: &PolicyRow, words: [Option<&'static str>; 3]) -> Parameters {
    let mut parameters = row.defaults();
    for (name, word) in ["granularity", "preemption", "drop"].into_iter().zip(words) {
        if let Some(word) = word.filter(|_| row.parameters.get(name).is_some()) {
            parameters.set_text(name, word).expect("a word of the parameter");
        }
    }
    parameters
}

fn without_units() -> Vec<&'static PolicyRow> {
    PolicyRegistry::built_in().into_iter().filter(|row| !BY_UNITS.contains(&&*row.name)).collect()
}

fn words(of: &[&'static str]) -> impl Strategy<Value = Option<&'static str>> + use<> {
    prop::option::of(prop::sample::select(of.to_vec()))
}

proptest! {
    #![proptest_config(cases::config(DEFAULT_CASES))]

    #[test]
    fn random_decisions_scale(
        sketch in exact_sketch(), often in 60..256_u64, batch in 0..256_u64, jobs in any::<bool>(),
        layers in any::<bool>(), time in 0..3_u64, end in prop::sample::select(vec![EndOfRun::Cut, EndOfRun::Drain]),
    ) {
        let habits =
            Habits { dispatch: often, batch, preempt: 80, context: 60, resize: 60, drop: 20, share: 0, timer: 20 };
        let interests = Interests { jobs, layers, times: true };
        compare(&sketch, end, None, |sketch| {
            let time = Duration::from_picoseconds(time * sketch.scale);
            Scripted::new(sketch.seed, habits, interests, time, sketch.scale, sketch.machine.memory.shares())
        })?;
    }

    #[test]
    fn every_policy_scales(
        sketch in exact_sketch(),
        row in prop::sample::select(without_units()),
        words in [
            words(&["layer", "block", "model"]), words(&["never", "layer", "quantum"]),
            words(&["never", "late", "infeasible", "smart"]),
        ],
        end in prop::sample::select(vec![EndOfRun::Cut, EndOfRun::Drain]),
    ) {
        // Policies count with expectations.
        let mut sketch = sketch;
        sketch.models.iter_mut().for_each(|model| (model.block, model.exit) = (None, None));
        let parameters = settings(row, words);
        compare(&sketch, end, Some(row), |sketch| {
            row.build(&stretched(&parameters, sketch.scale / UNIT)).expect("its own parameters")
        })?;
    }
}

/// A cost model at half its clock.
#[derive(Debug)]
struct Slower(Arc<dyn CostModel>);

fn twice(span: Duration) -> Duration {
    span.saturating_add(span)
}

impl Slower {
    fn of(work: Work) -> Work {
        let Work { compute, transfer, exposed, .. } = work;
        Work { compute: twice(compute), transfer: twice(transfer), exposed: twice(exposed), ..work }
    }
}

impl CostModel for Slower {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        self.0.work(layer, condition).map(Self::of)
    }

    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, condition: Condition) -> Result<Work, CostError> {
        self.0.work_of_batch(layer, batch, condition).map(Self::of)
    }

    fn identity(&self) -> String {
        format!("half of {}", self.0.identity())
    }

    fn depends_on_shape_only(&self) -> bool {
        self.0.depends_on_shape_only()
    }

    fn depends_on_input(&self) -> bool {
        self.0.depends_on_input()
    }
}

/// The platform at half its clocks.
fn slower_platform(mut platform: Platform) -> Platform {
    let half = |bandwidth: Bandwidth| Bandwidth::from_bytes_per_window(bandwidth.bytes_per_window() / 2);
    assert!(platform.transfers.is_none() && platform.power.dram.is_none(), "a platform without these");
    platform.clock_hz /= 2;
    for configuration in &mut platform.configurations {
        *configuration =
            Configuration::new(configuration.label.clone(), Slower(Arc::clone(&configuration.cost_model)));
    }
    for accelerator in &mut platform.accelerators {
        accelerator.clock_hz /= 2;
        let switch = &mut accelerator.context_switch;
        switch.time = twice(switch.time);
        if let Some(moves) = &mut switch.activations {
            moves.bandwidth = half(moves.bandwidth);
        }
    }
    platform.shared_dram =
        platform.shared_dram.map(|dram| SharedDram { bandwidth: half(dram.bandwidth), ..dram });
    platform.shared_cache = platform.shared_cache.map(half);
    platform
}

/// All frames of a task.
fn frames(scenario: &Scenario, task: TaskId, seed: u64) -> Vec<Frame> {
    let leader = scenario.leader(task);
    let follower = Follower::new(scenario, task, seed);
    let mut leading = Frames::new(scenario, leader, seed);
    let all = std::iter::from_fn(|| leading.next_frame());
    all.filter_map(|frame| if leader == task { Some(frame) } else { follower.frame(&frame) }).collect()
}

/// The scenario with its frames as recorded requests, `factor` times as far apart: periods are fractions of a second, and their
/// multiples are rounded.
fn recorded(scenario: &Scenario, seed: u64, factor: u64) -> Scenario {
    assert!(scenario.phases.is_empty(), "a scenario without phases");
    let stretched = |span: Duration| Duration::from_picoseconds(span.picoseconds() * factor);
    let mut recorded = scenario.clone();
    recorded.duration = stretched(scenario.duration);
    for (index, task) in recorded.tasks.iter_mut().enumerate() {
        let frames = frames(scenario, TaskId::new(index), seed);
        let due = |frame: &Frame| frame.deadline.saturating_since(frame.arrival);
        let longest = frames.iter().map(due).max().unwrap_or(Duration::ZERO);
        task.deadline = Deadline::After(stretched(longest.max(Duration::from_picoseconds(1))));
        if task.arrivals == Arrivals::Follows {
            continue;
        }
        let request = |frame: &Frame| Request {
            arrival: Time::ZERO.saturating_add(stretched(frame.arrival.saturating_since(Time::ZERO))),
            sample: frame.is_recorded.then_some(frame.sample),
            priority: None,
            deadline: Some(stretched(due(frame))),
        };
        task.arrivals = Arrivals::Trace(frames.iter().map(request).collect());
    }
    recorded
}

/// The factor by which a number of a summary changes at half the clock, by the unit that ends its name.
fn factor(name: &str) -> f64 {
    match name {
        _ if name.ends_with("_ms") => 2.0,
        "stp" => 0.5,
        _ if name.ends_with("_per_s") || name.ends_with("_w") => 0.5,
        _ => 1.0,
    }
}

/// Compares two summaries, number by number; the names of those that changed.
fn differences(path: &str, name: &str, one: &Value, other: &Value, tolerance: f64) -> Vec<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            assert!(one.keys().eq(other.keys()), "{path}");
            let of = |(key, value): (&String, &Value)| {
                differences(&format!("{path}.{key}"), key, value, &other[key], tolerance)
            };
            one.iter().flat_map(of).collect()
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let of = |(index, (one, other)): (usize, (&Value, &Value))| {
                differences(&format!("{path}.{index}"), name, one, other, tolerance)
            };
            one.iter().zip(other).enumerate().flat_map(of).collect()
        }
        (Value::Number(one), Value::Number(other)) => {
            let [one, other] = [one, other].map(|number| number.as_f64().expect("a number"));
            let expected = one * factor(name);
            let is_as_expected = expected == other || (other / expected - 1.0).abs() <= tolerance;
            (!is_as_expected).then(|| format!("{path}: {other}, not {expected}")).into_iter().collect()
        }
        _ => (one != other).then(|| format!("{path}: {other}, not {one}")).into_iter().collect(),
    }
}

/// The summary of a run at its clocks, or at half of them.
fn summary(workload: &Workload, platform: &Platform, row: &PolicyRow, factor: u64) -> Value {
    let scenario = recorded(&workload.scenario, 3, factor);
    let platform = if factor == 1 { platform.clone() } else { slower_platform(platform.clone()) };
    let system = System::new(&scenario, &workload.models, &platform).expect("every layer has a cost");
    // The steepness of this score is stated per millisecond.
    let xrbench = XrbenchConstants { k_per_ms: 15.0 / factor as f64, ..XrbenchConstants::default() };
    let metrics = Metrics::new(&system, MetricsOptions { xrbench, ..MetricsOptions::default() });
    let policy = row.build(&stretched(&row.defaults(), factor)).expect("its own defaults");
    let options = RunOptions { seed: 3, oracle: row.oracle, ..RunOptions::default() };
    let summary =
        simulate(&system, &row.name, policy, metrics, options).expect("only legal decisions").summary();
    serde_json::to_value(&summary).expect("numbers and texts")
}

/// Differences of the summaries of a built-in workload at six times its rates, at half the clock.
fn of_half(name: &str, platform: &str, milliseconds: u64, row: &PolicyRow, tolerance: f64) -> Vec<String> {
    let platform =
        rtmm_hardware::load::platform(platform, None, Mode::Corrected).expect("a built-in platform");
    let mut workload =
        rtmm_workload::load::workload(name, None, Legality::Strict).expect("a built-in workload");
    workload.scenario = workload.scenario.scaled(6_000_000).expect("a period");
    workload.scenario.duration = Duration::from_milliseconds(milliseconds).expect("no long time");
    let [one, other] = [1, 2].map(|factor| summary(&workload, &platform, row, factor));
    assert!(one["completed"].as_u64() > Some(0), "{} on {name}", row.name);
    differences("", "", &one, &other, tolerance)
}

fn check(workloads: &[&str], platform: &str, milliseconds: u64, tolerance: f64) {
    for name in workloads {
        for row in without_units() {
            let different = of_half(name, platform, milliseconds, row, tolerance);
            assert!(different.is_empty(), "{} on {name}: {different:#?}", row.name);
        }
    }
}

const REAL: [&str; 3] = ["xrbench/vr_gaming", "xrbench/ar_assistant", "xrbench/social_interaction_a"];

#[test]
fn summaries_of_real_scenarios_scale_to_the_last_bit() {
    check(&REAL, "xrbench/dual_4k_ws_os", 60, 0.0);
    check(&["dream/drone_outdoor"], "xrbench/quad_4k_ws_os_ws_os", 30, 0.0);
}

#[test]
fn summaries_scale_on_shared_memory_but_for_rounded_picoseconds() {
    check(&["xrbench/vr_gaming", "xrbench/ar_gaming"], "shared/quad_4k_ws_os_ws_os", 60, 1e-6);
}

#[test]
fn policies_that_add_seconds_to_ones_do_not_scale() {
    for name in BY_UNITS {
        let row = PolicyRegistry::built_in().get(name).expect("a built-in policy");
        let differs = |on: &&str| !of_half(on, "xrbench/dual_4k_ws_os", 60, row, 0.0).is_empty();
        assert!(REAL.iter().any(differs), "{name} scales");
    }
}
