//! The engine against the reference loop: where no quirk of the published program fires, the two give
//! the same schedule, job by job.
//!
//! The loop counts time in 32-bit milliseconds and the engine in whole picoseconds. So times agree up
//! to rounding, for which there is a bound ([`allowed_ms`]); and where two events lie closer together
//! than that, the loop may take them in the other order, or as one. Runs in which that changes the
//! schedule are listed in a snapshot, each with the first job that differs and the distance of the two
//! events; any other difference fails.
//!
//! `RTMM_CASES` sets the number of random cases.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestCaseResult, TestRunner};

use rtmm_hardware::{
    Accelerator, AcceleratorId, AcceleratorKind, Condition, Configuration, ConfigurationId, ContextSwitch,
    CostError, CostModel, EnergyParts, LayerOf, Mode, Platform, SHARED_LEVELS, Share, Work,
};
use rtmm_reference::xrbench::{Fixes, JobEnd, ModelCost, Parameters, Runtime, TaskCosts};
use rtmm_scheduler::registry;
use rtmm_sim::metrics::{JobRow, JobRows, JobStatus};
use rtmm_sim::{RunOptions, System};
use rtmm_testkit::cases::config;
use rtmm_testkit::simulate;
use rtmm_workload::load::{Kind, built_in_names, workload};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{
    Dependency, Duration, Gemm, Layer, Legality, Model, ModelId, Operator, Period, Scenario, Shapes, Task,
    TaskId, Time,
};

// ---------------------------------------------------------------------------------------------
// What is compared.

/// A job that is over, with instants of the engine or of the loop.
#[derive(Clone, Copy, Debug)]
struct Job<T> {
    /// Where it ran, and from when on; none of a job that was dropped.
    ran: Option<(AcceleratorId, T)>,
    /// When it was completed or dropped.
    end: T,
}

/// By task and frame.
type Jobs<T> = BTreeMap<(TaskId, u64), Job<T>>;

impl<T: Copy> Job<T> {
    /// When it was decided what becomes of it: its start, or when it was dropped.
    fn decided(&self) -> T {
        self.ran.map_or(self.end, |(_, start)| start)
    }
}

fn milliseconds(time: Time) -> f64 {
    time.picoseconds() as f64 / 1e9
}

/// A run of the engine under `latency-greedy`. What the run's end finds due and unfinished is dropped
/// then, as the loop has it; what is due later is left out.
fn by_engine(system: &System, order: &str, seed: u64) -> Jobs<Time> {
    let row = registry::policy("latency-greedy").expect("a registered policy");
    let mut parameters = row.defaults();
    let same = [
        ("order", order),
        ("granularity", "model"),
        ("placement", "fastest-idle"),
        ("drop", "late"),
        ("preemption", "never"),
    ];
    for (name, value) in same {
        parameters.set_text(name, value).expect("a parameter");
    }
    let policy = row.build(&parameters).expect("legal parameters");
    let mut jobs = Jobs::new();
    let rows = JobRows::new(|job: &JobRow| {
        let ran = match job.status {
            JobStatus::Completed => job.accelerator.zip(job.start),
            JobStatus::InFlight if job.deadline > job.end => return,
            JobStatus::Dropped | JobStatus::DroppedUpstream | JobStatus::InFlight => None,
        };
        jobs.insert((job.task, job.frame), Job { ran, end: job.end });
    });
    let options = RunOptions { seed, ..RunOptions::default() };
    simulate(system, &row.name, policy, rows, options).expect("legal decisions");
    jobs
}

/// A run of the loop in which the frames are triggered that the engine's draws trigger.
fn by_loop(scenario: &Scenario, costs: &TaskCosts, fixes: Fixes, seed: u64) -> Jobs<f32> {
    let draws: Vec<Draws> =
        scenario.tasks.iter().map(|task| Draws::new(seed, Stream::Trigger, &task.name)).collect();
    let triggered = |task: TaskId, frame: u32| {
        let probability = scenario.tasks[task.index()].trigger_probability;
        probability >= 1.0 || draws[task.index()].happens(frame.into(), 0, probability)
    };
    let runtime = Runtime::with_fixes(scenario, costs, &Parameters::default(), fixes);
    let mut jobs = Jobs::new();
    runtime.expect("a scenario that the loop knows").run_where(triggered, |row| {
        let job = match row.end {
            JobEnd::Completed { accelerator, dispatched_ms, completed_ms, .. } => {
                Job { ran: Some((accelerator, dispatched_ms)), end: completed_ms }
            }
            JobEnd::Dropped { at_ms } => Job { ran: None, end: at_ms },
        };
        jobs.insert((row.task, row.frame.into()), job);
    });
    jobs
}

// ---------------------------------------------------------------------------------------------
// Every fix, on the built-in scenarios and platforms.

const SCENARIOS: [&str; 7] = [
    "xrbench/ar_assistant",
    "xrbench/ar_gaming",
    "xrbench/outdoor_activity_a",
    "xrbench/outdoor_activity_b",
    "xrbench/social_interaction_a",
    "xrbench/social_interaction_b",
    "xrbench/vr_gaming",
];

/// Of random scenarios; of others one is enough.
const SEEDS: [u64; 3] = [1, 2, 3];

/// A step of a 32-bit float between 512 and 1024, in which runs of 700 ms end.
const STEP_MS: f64 = 1.0 / 16_384.0;

/// For each instant at which jobs complete, the most jobs one after the other without a pause that
/// lead to it.
fn chains(jobs: &Jobs<Time>) -> BTreeMap<Time, u32> {
    let mut by_start: Vec<(Time, Time)> =
        jobs.values().filter_map(|job| job.ran.map(|(_, start)| (start, job.end))).collect();
    by_start.sort_unstable();
    let mut chains = BTreeMap::new();
    for (start, end) in by_start {
        let links = chains.get(&start).copied().unwrap_or(0) + 1;
        let known = chains.entry(end).or_insert(links);
        *known = links.max(*known);
    }
    chains
}

/// How far an instant of the loop may be off: by a step for each job of the chain that leads to it,
/// half for its latency and half for the sum, and half a step for the release that the chain begins
/// with.
fn allowed_ms(chains: &BTreeMap<Time, u32>, instant: Time) -> f64 {
    STEP_MS * (f64::from(chains.get(&instant).copied().unwrap_or(0)) + 0.5)
}

/// What was compared of some runs.
#[derive(Default)]
struct Tally {
    runs: u32,
    jobs: u64,
    completed: u64,
    dropped: u64,
    /// Runs that a near-tie splits, and their jobs from there on.
    split: u32,
    not_compared: u64,
    longest_chain: u32,
    largest_ms: f64,
}

/// The first difference of a run.
struct Split {
    job: (TaskId, u64),
    at_ms: f64,
}

fn first_difference(engine: &Jobs<Time>, by_loop: &Jobs<f32>, chains: &BTreeMap<Time, u32>) -> Option<Split> {
    let mut first: Option<Split> = None;
    let keys = engine.keys().chain(by_loop.keys().filter(|key| !engine.contains_key(key)));
    for key in keys {
        let (one, other) = (engine.get(key), by_loop.get(key));
        let is_same = one.zip(other).is_some_and(|(one, other)| {
            let near = |time, ms: f32| (milliseconds(time) - f64::from(ms)).abs() <= allowed_ms(chains, time);
            let ran = match (one.ran, other.ran) {
                (Some((here, start)), Some((there, start_ms))) => here == there && near(start, start_ms),
                (None, None) => true,
                _ => false,
            };
            ran && near(one.end, other.end)
        });
        if is_same {
            continue;
        }
        let decided = one.map(|job| milliseconds(job.decided()));
        let at_ms = decided.into_iter().chain(other.map(|job| job.decided().into())).fold(f64::MAX, f64::min);
        if first.as_ref().is_none_or(|first| at_ms < first.at_ms) {
            first = Some(Split { job: *key, at_ms });
        }
    }
    first
}

/// The distance in picoseconds of the two events that lie closest together, not further than
/// `near_ms` from an instant: a completion, and a completion or an arrival.
fn nearest_tie_ps(scenario: &Scenario, engine: &Jobs<Time>, at_ms: f64, near_ms: f64) -> u64 {
    let mut events: Vec<(u64, bool)> =
        engine.values().filter(|job| job.ran.is_some()).map(|job| (job.end.picoseconds(), true)).collect();
    for task in &scenario.tasks {
        let period = task.arrivals.period().expect("a period");
        let arrivals = (0..).map(|index| period.release(index)).take_while(|at| *at < scenario.duration);
        events.extend(arrivals.map(|at| (at.picoseconds(), false)));
    }
    events.sort_unstable();
    let is_near = |ps: u64| (ps as f64 / 1e9 - at_ms).abs() <= near_ms;
    let pairs = events.windows(2).filter(|pair| (pair[0].1 || pair[1].1) && is_near(pair[0].0));
    pairs.map(|pair| pair[1].0 - pair[0].0).min().unwrap_or(u64::MAX)
}

/// Where layer costs come from.
#[derive(Clone, Copy)]
enum Costs {
    /// The reference mode of `maestro`: what the artifact prints.
    Published,
    Corrected,
}

#[test]
fn with_every_fix_the_loop_is_the_engine() {
    let mut counts = String::from(
        "costs,load,runs,jobs,completed,dropped,longest_chain,largest_difference_ms,split_runs,not_compared\n",
    );
    let mut ties = String::from("costs,load,scenario,platform,seed,task,frame,at_ms,near_tie_ps\n");
    for (costs, name, loads) in
        [(Costs::Corrected, "corrected", &[1, 4, 8, 16][..]), (Costs::Published, "published", &[1, 4])]
    {
        for load in loads {
            let tally = compare(costs, *load, |row| writeln!(ties, "{name},{load},{row}").expect("text"));
            let Tally { runs, jobs, completed, dropped, longest_chain, .. } = tally;
            let largest = format!("{:.1e}", tally.largest_ms);
            writeln!(
                counts,
                "{name},{load},{runs},{jobs},{completed},{dropped},{longest_chain},{largest},{},{}",
                tally.split, tally.not_compared
            )
            .expect("text");
        }
    }
    insta::assert_snapshot!("counts", counts);
    insta::assert_snapshot!("near_ties", ties);
}

/// Compares every scenario on every platform.
fn compare(kind: Costs, load: u64, mut split: impl FnMut(&str)) -> Tally {
    let (legality, mode) = match kind {
        Costs::Published => (Legality::Published, Mode::Reference),
        Costs::Corrected => (Legality::Strict, Mode::Corrected),
    };
    let mut tally = Tally::default();
    for name in SCENARIOS {
        let workload = workload(name, None, legality).expect("a scenario");
        let scenario = workload.scenario.clone().scaled(load * 1_000_000).expect("a load");
        let seeds = if scenario.is_random() { &SEEDS[..] } else { &SEEDS[..1] };
        for of_platform in built_in_names(Kind::Platform).iter().filter(|name| name.starts_with("xrbench/")) {
            let platform = rtmm_hardware::load::platform(of_platform, None, mode).expect("a platform");
            let costs = match kind {
                Costs::Published => TaskCosts::of(&workload, &platform),
                Costs::Corrected => TaskCosts::corrected(&workload, &platform),
            };
            let costs = costs.expect("costs");
            let system = System::new(&scenario, &workload.models, &platform).expect("costs");
            for &seed in seeds {
                let engine = by_engine(&system, "release", seed);
                let of_loop = by_loop(&scenario, &costs, Fixes::all(), seed);
                let chains = chains(&engine);
                let first = first_difference(&engine, &of_loop, &chains);
                let until_ms = first.as_ref().map_or(f64::MAX, |first| first.at_ms);
                let of_run = Tally::of(&engine, &of_loop, &chains, until_ms);
                if let Some(first) = &first {
                    // Both events may be off by as much as the loop is off in this run, and by what
                    // that grows by in one more step.
                    let near_ms = 2.0 * (of_run.largest_ms + STEP_MS);
                    let tie_ps = nearest_tie_ps(&scenario, &engine, first.at_ms, near_ms);
                    let task = &scenario.tasks[first.job.0.index()].name;
                    let row =
                        format!("{name},{of_platform},{seed},{task},{},{until_ms:.3},{tie_ps}", first.job.1);
                    assert!(tie_ps as f64 <= near_ms * 1e9, "a difference that is no near-tie: {row}");
                    split(&row);
                }
                tally.add(&of_run);
            }
        }
    }
    tally
}

impl Tally {
    /// Of the jobs of a run that were decided before an instant.
    fn of(engine: &Jobs<Time>, by_loop: &Jobs<f32>, chains: &BTreeMap<Time, u32>, until_ms: f64) -> Self {
        let mut tally = Self { runs: 1, split: u32::from(until_ms < f64::MAX), ..Self::default() };
        for (key, one) in engine {
            let other = by_loop.get(key).filter(|_| milliseconds(one.decided()) < until_ms);
            let Some(other) = other else {
                tally.not_compared += 1;
                continue;
            };
            tally.jobs += 1;
            *(if one.ran.is_some() { &mut tally.completed } else { &mut tally.dropped }) += 1;
            tally.longest_chain = tally.longest_chain.max(chains.get(&one.end).copied().unwrap_or(0));
            let starts = one.ran.zip(other.ran).map(|((_, start), (_, start_ms))| (start, start_ms));
            for (time, ms) in starts.into_iter().chain([(one.end, other.end)]) {
                tally.largest_ms = tally.largest_ms.max((milliseconds(time) - f64::from(ms)).abs());
            }
        }
        tally
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.jobs += other.jobs;
        self.completed += other.completed;
        self.dropped += other.dropped;
        self.split += other.split;
        self.not_compared += other.not_compared;
        self.longest_chain = self.longest_chain.max(other.longest_chain);
        self.largest_ms = self.largest_ms.max(other.largest_ms);
    }
}

// ---------------------------------------------------------------------------------------------
// No fix, on scenarios in which no quirk fires.

/// Latencies are multiples of this, and so are releases: a 32-bit float holds every sum exactly, and
/// nothing completes within the 0.01 ms after an event in which the artifact retires jobs early.
const GRAIN_CYCLES: u64 = 15_625;
const GRAINS_IN_MS: u64 = 64;

/// So that it takes a second.
const DEFAULT_CASES: u32 = 200;

/// What a random scenario is made of.
#[derive(Clone, Debug)]
struct Sketch {
    /// The shortest period.
    fastest_ms: u64,
    tasks: Vec<TaskSketch>,
    /// Which task has the shortest period.
    fastest: usize,
    accelerators: usize,
    seed: u64,
}

#[derive(Clone, Debug)]
struct TaskSketch {
    /// Of the shortest period.
    multiple: u64,
    /// Latency by accelerator, in grains.
    grains: Vec<u64>,
    /// The task before it that it depends on.
    after: Option<prop::sample::Index>,
    is_random: bool,
}

fn sketches() -> impl Strategy<Value = Sketch> {
    let task = (1..=4_u64, prop::collection::vec(1..=12 * GRAINS_IN_MS, 3), any::<bool>()).prop_flat_map(
        |(multiple, grains, is_random)| {
            let after = prop::option::weighted(0.3, any::<prop::sample::Index>());
            after.prop_map(move |after| TaskSketch { multiple, grains: grains.clone(), after, is_random })
        },
    );
    let tasks = prop::collection::vec(task, 2..=5);
    (5..=20_u64, tasks, 0..5_usize, 1..=3_usize, any::<u64>()).prop_map(
        |(fastest_ms, tasks, fastest, accelerators, seed)| {
            let fastest = fastest % tasks.len();
            Sketch { fastest_ms, tasks, fastest, accelerators, seed }
        },
    )
}

impl Sketch {
    /// Tasks `a`, `b` and so on, so that the order of declaration is that of the alphabet; periods of
    /// whole milliseconds, so that none is rounded, and multiples of the shortest, so that no release
    /// is noticed late; a run that is a multiple of all of them.
    fn scenario(&self) -> Scenario {
        let mut multiples: Vec<u64> = self.tasks.iter().map(|task| task.multiple).collect();
        multiples[self.fastest] = 1;
        let upstream: Vec<Option<usize>> = self
            .tasks
            .iter()
            .enumerate()
            .map(|(index, task)| task.after.filter(|_| index > 0).map(|after| after.index(index)))
            .collect();
        // Frames of linked tasks have the same indices.
        for index in 0..multiples.len() {
            if let Some(upstream) = upstream[index] {
                multiples[index] = multiples[upstream];
            }
        }
        // The fastest task may have taken on another's period.
        let fastest = multiples.iter().copied().min().unwrap_or(1);
        let rounded = multiples.iter().map(|multiple| multiple / fastest);
        let ms = |count| Duration::from_milliseconds(count).expect("a short time");
        let tasks = rounded.enumerate().map(|(index, multiple)| {
            let name = char::from(b'a' + index as u8).to_string();
            let period = Period::new(ms(self.fastest_ms * multiple)).expect("a period");
            let is_upstream = upstream.contains(&Some(index));
            let is_random = self.tasks[index].is_random && !is_upstream;
            Task {
                depends_on: upstream[index].map(|on| Dependency::data(TaskId::new(on))).into_iter().collect(),
                trigger_probability: if is_random { 0.5 } else { 1.0 },
                ..Task::periodic(name, ModelId::new(index), period)
            }
        });
        Scenario {
            name: "sketch".to_owned(),
            source: "this test".to_owned(),
            duration: ms(self.fastest_ms * 24),
            tasks: tasks.collect(),
            phases: Vec::new(),
        }
    }

    fn cycles(&self, task: usize, accelerator: usize) -> u64 {
        self.tasks[task].grains[accelerator] * GRAIN_CYCLES
    }

    fn models(&self) -> Vec<Model> {
        let operator = Operator::Gemm(Gemm { rows: 1, inner: 1, columns: 1 });
        let layer = Layer::new("all", operator);
        let model = |index: usize| {
            let layers = vec![layer.clone()];
            Model::of_layers(index.to_string(), "this test".to_owned(), Shapes::Independent, layers)
        };
        (0..self.tasks.len()).map(model).collect()
    }

    fn platform(&self) -> Platform {
        let accelerator = |index: usize| Accelerator {
            name: format!("acc{index}"),
            kind: AcceleratorKind::default(),
            clock_hz: 1_000_000_000,
            configuration: ConfigurationId::new(index),
            dram_share: Share::WHOLE,
            context_switch: ContextSwitch::default(),
            division: None,
            max_batch: 1,
            power: None,
            co_location: None,
        };
        let configuration = |index: usize| {
            let cycles = (0..self.tasks.len()).map(|task| self.cycles(task, index)).collect();
            Configuration::new(index.to_string(), Stated { cycles })
        };
        Platform {
            name: "sketch".to_owned(),
            source: "this test".to_owned(),
            labels: BTreeMap::new(),
            clock_hz: 1_000_000_000,
            technology: None,
            accelerators: (0..self.accelerators).map(accelerator).collect(),
            configurations: (0..self.accelerators).map(configuration).collect(),
            shared_dram: None,
            shared_cache: None,
            transfers: None,
            power: Default::default(),
        }
    }
}

/// Costs as a test states them, by the model, whose name is its index.
#[derive(Debug)]
struct Stated {
    cycles: Vec<u64>,
}

impl CostModel for Stated {
    fn work(&self, layer: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
        let cycles = self.cycles[layer.model.parse::<usize>().expect("an index")];
        Ok(Work {
            compute: Duration::from_picoseconds(cycles * 1_000),
            traffic: [0; SHARED_LEVELS],
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: EnergyParts::default(),
            quanta: 1,
        })
    }

    fn identity(&self) -> String {
        format!("{:?}", self.cycles)
    }

    fn depends_on_shape_only(&self) -> bool {
        false
    }
}

/// Whether all frames that others depend on complete, and in order: else the artifact's count of
/// completions says something else than which frames they were.
fn upstream_is_in_order(scenario: &Scenario, jobs: &Jobs<Time>) -> bool {
    let upstream = scenario.tasks.iter().flat_map(|task| &task.depends_on).map(|dependency| dependency.task);
    upstream.into_iter().all(|task| {
        let of_task: Vec<&Job<Time>> =
            jobs.iter().filter(|((of, _), _)| *of == task).map(|(_, job)| job).collect();
        of_task.iter().all(|job| job.ran.is_some()) && of_task.is_sorted_by_key(|job| job.end)
    })
}

/// Completed and dropped jobs that were compared.
fn compare_without_fixes(sketch: &Sketch) -> Result<[usize; 2], TestCaseError> {
    let (scenario, models, platform) = (sketch.scenario(), sketch.models(), sketch.platform());
    let system = System::new(&scenario, &models, &platform).expect("costs");
    let mut engine = by_engine(&system, "task-order", sketch.seed);
    // The artifact ends with the event that generates the last frame.
    let fastest = Duration::from_milliseconds(sketch.fastest_ms).expect("a short time");
    let last = Time::from_picoseconds(scenario.duration.picoseconds() - fastest.picoseconds());
    engine.retain(|_, job| job.end <= last);
    if !upstream_is_in_order(&scenario, &engine) {
        return Err(TestCaseError::reject("quirk 6 fires"));
    }
    let costs = TaskCosts::from_fn(scenario.tasks.len(), sketch.accelerators, |task, accelerator| {
        ModelCost { cycles: sketch.cycles(task.index(), accelerator.index()), energy_nj: 0.0 }
    });
    let of_loop = by_loop(&scenario, &costs, Fixes::default(), sketch.seed);
    // Nothing is rounded, so that nothing is tolerated.
    let in_ms = |job: &Job<Time>| {
        let ran = job.ran.map(|(accelerator, start)| (accelerator.index(), milliseconds(start)));
        (ran, milliseconds(job.end))
    };
    let of_engine: Vec<_> = engine.iter().map(|(key, job)| (*key, in_ms(job))).collect();
    let as_is = |job: &Job<f32>| {
        let ran = job.ran.map(|(accelerator, start)| (accelerator.index(), f64::from(start)));
        (ran, f64::from(job.end))
    };
    let of_loop: Vec<_> = of_loop.iter().map(|(key, job)| (*key, as_is(job))).collect();
    prop_assert_eq!(&of_engine, &of_loop);
    let completed = engine.values().filter(|job| job.ran.is_some()).count();
    Ok([completed, engine.len() - completed])
}

#[test]
fn where_no_quirk_fires_the_artifact_is_the_engine() {
    let config = config(DEFAULT_CASES);
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let compared = std::cell::Cell::new([0, 0]);
    let outcome = runner.run(&sketches(), |sketch| -> TestCaseResult {
        let [completed, dropped] = compare_without_fixes(&sketch)?;
        let [all_completed, all_dropped] = compared.get();
        compared.set([all_completed + completed, all_dropped + dropped]);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    // The cases are worth something: they have drops as well.
    let [completed, dropped] = compared.get();
    assert!(completed > 20 * cases as usize && dropped > cases as usize, "{completed} and {dropped}");
}
