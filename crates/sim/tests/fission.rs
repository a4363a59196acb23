//! The policy `planaria` on accelerators that runs divide: what holds on random systems, and schedules worked by hand.
//!
//! `RTMM_CASES` sets the number of random cases.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use rtmm_hardware::{
    Accelerator, AcceleratorId, AcceleratorKind, Condition, Configuration, ConfigurationId, ContextSwitch,
    CostError, CostModel, Division, EnergyParts, LayerOf, Migration, Platform, SHARED_LEVELS, Share, Work,
};
use rtmm_scheduler::{Decision, Job, Run, registry};
use rtmm_sim::{EndOfRun, JobRecord, Observer, RunOptions, SegmentRecord, System};
use rtmm_testkit::by_hand::policy;
use rtmm_testkit::by_hand::watch::{Line, watch, watch_policy};
use rtmm_testkit::cases;
use rtmm_testkit::random_systems::systems::{self, Sketch};
use rtmm_testkit::simulate;
use rtmm_workload::{
    Arrivals, Deadline, Duration, Gemm, Layer, Model, ModelId, Operator, Period, Request, Scenario, Shapes,
    Task, Time,
};

const DEFAULT_CASES: u32 = 200;

/// Units in use when instants of dispatches are over, by accelerator.
#[derive(Debug)]
struct InUse<'s> {
    system: &'s System,
    units: Vec<u32>,
    /// Accelerators on which runs began at the last instant that any did.
    begun: (Time, Vec<AcceleratorId>),
}

impl<'s> InUse<'s> {
    fn new(system: &'s System) -> Self {
        let units = vec![0; system.platform.accelerators.len()];
        Self { system, units, begun: (Time::ZERO, Vec::new()) }
    }

    /// Holds what an instant left behind to what it must: all units of each accelerator that was divided then are in use.
    fn look(&mut self, now: Time) {
        if now == self.begun.0 {
            return;
        }
        for accelerator in std::mem::take(&mut self.begun.1) {
            let all = self.system.platform.accelerators[accelerator.index()].units();
            assert_eq!(self.units[accelerator.index()], all, "{accelerator:?} at {:?}", self.begun.0);
        }
    }
}

impl Observer for InUse<'_> {
    fn released(&mut self, now: Time, _: &Job) {
        self.look(now);
    }

    fn dispatched(&mut self, now: Time, run: &Run, _: &Job) {
        self.look(now);
        self.units[run.accelerator.index()] += run.units.count();
        self.begun.0 = now;
        self.begun.1.push(run.accelerator);
    }

    fn segment_ended(&mut self, now: Time, record: &SegmentRecord<'_>) {
        self.look(now);
        self.units[record.run.accelerator.index()] -= record.run.units.count();
        // What ends at once leaves nothing to look at.
        if now == self.begun.0 {
            self.begun.1.retain(|accelerator| *accelerator != record.run.accelerator);
        }
    }
}

fn system(sketch: &Sketch) -> System {
    let built = sketch.build();
    System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs")
}

/// True if runs may have any number of units of every accelerator.
fn states_all_numbers(platform: &Platform) -> bool {
    platform.accelerators.iter().all(|accelerator| {
        accelerator.division.as_ref().is_none_or(|division| division.parts.len() as u32 + 1 == division.units)
    })
}

const SETTINGS: [&str; 5] = [
    "planaria",
    "planaria placement=fastest",
    "planaria placement=assigned drop=late",
    "planaria drop=smart variants=largest-that-fits",
    "planaria drop=infeasible decision_base=2ps decision_per_job=1ps",
];

proptest! {
    #![proptest_config(cases::config(DEFAULT_CASES))]

    #[test]
    fn decisions_are_legal_audited_and_the_same_again(
        sketch in systems::divided(systems::scaled()), setting in prop::sample::select(&SETTINGS[..]),
    ) {
        let system = system(&sketch);
        let (row, parameters) = policy(setting);
        let options = RunOptions { seed: sketch.seed, end: EndOfRun::Drain, oracle: false };
        let run = |copies| watch(&system, row, &parameters, options, copies).expect("only legal decisions");
        let first = run(false);
        prop_assert_eq!(&first.faults, &Vec::<String>::new());
        prop_assert!(run(false) == first && run(true) == first);
        let forgetful = row.build(&parameters).expect("its own").without_memory().expect("it can be copied");
        prop_assert!(watch_policy(&system, (row, &parameters), forgetful, options, false).expect("legal") == first);
        // Everything ends: no job waits for a division that never comes.
        prop_assert_eq!(first.count(|line| matches!(line, Line::InFlight(_))), 0);
        let resizes = first.count(|line| matches!(line, Line::Decision(Decision::Resize { .. })));
        prop_assert_eq!(resizes, 0);
    }

    #[test]
    fn all_units_are_in_use_after_every_division(sketch in systems::divided(systems::scaled())) {
        let system = system(&sketch);
        prop_assume!(states_all_numbers(&system.platform));
        let (row, parameters) = policy("planaria");
        let policy = row.build(&parameters).expect("its own");
        let options = RunOptions { seed: sketch.seed, end: EndOfRun::Drain, oracle: false };
        let in_use = simulate(&system, &row.name, policy, InUse::new(&system), options).expect("legal decisions");
        prop_assert!(in_use.units.iter().all(|units| *units == 0));
    }
}

/// A millisecond.
const MS: u64 = 1_000_000_000;

/// Layers whose names are the time that they take on one unit, in milliseconds; in eight tiles.
#[derive(Debug)]
struct Divisible {
    units: u32,
}

impl CostModel for Divisible {
    fn work(&self, layer: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
        let work: u64 = layer.layer.name.parse().expect("a name that is a time");
        Ok(Work {
            compute: Duration::from_picoseconds(work * MS / u64::from(self.units)),
            traffic: [0; SHARED_LEVELS],
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: EnergyParts::default(),
            quanta: 8,
        })
    }

    fn identity(&self) -> String {
        format!("{} units", self.units)
    }

    fn depends_on_shape_only(&self) -> bool {
        false
    }
}

/// Accelerators of so many units.
fn machine(units: &[u32]) -> Platform {
    let most = units.iter().copied().max().expect("an accelerator");
    let configuration = |units: u32| ConfigurationId::new(units as usize - 1);
    let division = |units: u32| Division {
        units,
        parts: (1..units).map(|part| (part, configuration(part))).collect(),
        migration: Migration::default(),
    };
    let accelerator = |(index, units): (usize, &u32)| Accelerator {
        name: format!("a{index}"),
        kind: AcceleratorKind::default(),
        clock_hz: 1_000_000_000,
        configuration: configuration(*units),
        dram_share: Share::WHOLE,
        context_switch: ContextSwitch::default(),
        division: (*units > 1).then(|| division(*units)),
        max_batch: 1,
        power: None,
        co_location: None,
    };
    Platform {
        name: "machine".to_owned(),
        source: "a test".to_owned(),
        labels: BTreeMap::new(),
        clock_hz: 1_000_000_000,
        technology: None,
        accelerators: units.iter().enumerate().map(accelerator).collect(),
        configurations: (1..=most)
            .map(|units| Configuration::new(format!("{units} units"), Divisible { units }))
            .collect(),
        shared_dram: None,
        shared_cache: None,
        transfers: None,
        power: Default::default(),
    }
}

/// Writes down when runs begin and jobs end, in milliseconds: `0 a>0[4]` for job `a` on four units of accelerator 0.
#[derive(Default)]
struct Schedule(String);

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn ms(time: Time) -> f64 {
    time.picoseconds() as f64 / MS as f64
}

impl Observer for Schedule {
    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        let (name, on) = (NAMES[job.task.index()], run.accelerator.index());
        let _ = write!(self.0, "{} {name}>{on}[{}] ", ms(now), run.units.count());
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        let _ = write!(self.0, "{} {} ", ms(now), NAMES[record.job.task.index()]);
    }
}

/// The schedule of jobs that each arrive at a millisecond, take some on one unit, and are due some later.
#[track_caller]
fn check(units: &[u32], setting: &str, jobs: &[(u64, u64, u64)], expected: &str) {
    let time = |ms: u64| Duration::from_picoseconds(ms * MS);
    let model = |(index, (_, work, _)): (usize, &(u64, u64, u64))| {
        let operator = Operator::Gemm(Gemm { rows: 1, inner: 1, columns: 1 });
        let layer = Layer::new(work.to_string(), operator);
        Model::of_layers(NAMES[index].to_owned(), "a test".to_owned(), Shapes::Independent, vec![layer])
    };
    let models: Vec<Model> = jobs.iter().enumerate().map(model).collect();
    let task = |(index, (arrival, _, due)): (usize, &(u64, u64, u64))| {
        let arrival = Time::ZERO.saturating_add(time(*arrival));
        let request = Request { arrival, sample: None, priority: None, deadline: Some(time(*due)) };
        let period = Period::new(time(1_000)).expect("not zero");
        Task {
            arrivals: Arrivals::Trace(vec![request].into()),
            deadline: Deadline::After(time(1_000)),
            ..Task::periodic(NAMES[index], ModelId::new(index), period)
        }
    };
    let scenario = Scenario {
        name: "jobs".to_owned(),
        source: "a test".to_owned(),
        duration: time(1_000),
        tasks: jobs.iter().enumerate().map(task).collect(),
        phases: Vec::new(),
    };
    let system = System::new(&scenario, &models, &machine(units)).expect("every layer has a cost");
    let (row, parameters) = policy(setting);
    let policy = row.build(&parameters).expect("its own");
    let options = RunOptions { end: EndOfRun::Drain, ..RunOptions::default() };
    let schedule = simulate(&system, &row.name, policy, Schedule::default(), options);
    assert_eq!(schedule.expect("legal decisions").0.trim_end(), expected, "{setting} on {units:?}");
}

#[test]
fn runs_go_on_to_their_tile_ends_and_wait_there() {
    // Tiles of `a` take 2 on four units; at 5 it goes on to 6. With 3 of 8 tiles done it has 40 left on one unit, `b` 32.
    // Both are in time on one, and share the other two alike: 20 and 16 to go on two. `b` ends at 6 + 16 = 22, at which
    // `a`, in tiles of 4, stands at its end of the fourth, 7 of 8. The last takes 2 on four.
    check(&[4], "planaria", &[(0, 64, 900), (5, 32, 900)], "0 a>0[4] 6 a>0[2] 6 b>0[2] 22 b 22 a>0[4] 24 a");
    // At 3 `a` stands at a tile end, with 10 to go on one unit, in which `b` is through with 5 of its 8 tiles.
    check(&[2], "planaria", &[(0, 16, 900), (3, 16, 900)], "0 a>0[2] 3 a>0[1] 3 b>0[1] 13 a 13 b>0[2] 16 b");
}

#[test]
fn jobs_that_come_while_others_stop_take_part_in_the_same_decision() {
    // `b` at 1 and `c` at 7 both find `a` in its first tile, which takes 8.
    check(
        &[3],
        "planaria",
        &[(0, 192, 900), (1, 24, 900), (7, 24, 900)],
        "0 a>0[3] 8 a>0[1] 8 b>0[1] 8 c>0[1] 32 b 32 c 32 a>0[3] 80 a",
    );
}

#[test]
fn each_accelerator_is_divided_by_itself_and_jobs_stay_where_they_are() {
    // `a` goes to the first of two alike; `b` and `c` to where less work is: 16 against 32 less 3, then 32 less 5 and 16 less 2.
    check(
        &[2, 2],
        "planaria",
        &[(0, 64, 900), (3, 32, 900), (5, 16, 900)],
        "0 a>0[2] 3 b>1[2] 5 b>1[1] 5 c>1[1] 21 c 21 b>1[2] 27 b 32 a",
    );
    // Where all accelerators are alike any is the fastest; beside one of four units the one of a single unit is not.
    check(&[1, 4], "planaria placement=fastest", &[(0, 16, 900), (0, 16, 900)], "0 a>1[2] 0 b>1[2] 8 a 8 b");
    // With 40 on four units ahead of it, `b` is through sooner on the accelerator that runs do not divide.
    check(&[1, 4], "planaria", &[(0, 160, 900), (0, 8, 900)], "0 b>0[1] 0 a>1[4] 8 b 40 a");
}

#[test]
fn a_late_job_waits_until_those_that_can_be_in_time_are_through() {
    // `a` would need 8 of the 4 units; when `b` is through it has all.
    check(&[4], "planaria", &[(0, 32, 4), (0, 16, 8)], "0 b>0[4] 4 b 4 a>0[4] 12 a");
    // As `b` is dropped at 5, the run of `a` is left alone.
    check(&[4], "planaria drop=late", &[(0, 64, 20), (1, 32, 3)], "0 a>0[4] 2 a>0[4] 16 a");
}

#[test]
fn the_row_says_that_accelerators_may_idle_and_runs_be_stopped() {
    let row = registry::policy("planaria").expect("a registered policy");
    let able = |units: &str| {
        let mut parameters = row.defaults();
        parameters.set_text("units", units).expect("a word of the parameter");
        let able = row.capabilities(&parameters).expect("its own");
        (able.idles, able.preempts)
    };
    assert_eq!(able("fission"), (true, true));
    assert_eq!(able("all"), (false, false));
    assert_eq!(able("least-that-fits"), (false, false));
}
