//! The engine's policy `planaria` by fission against the loop of the Planaria artifact without its defects: the same
//! allocations, the same decisions, and the same ends, to the cycle.
//!
//! Cases run in the engine on one accelerator whose units are the subarrays: the tiles of a layer are its quanta, and
//! each job is the one request of a task of its own, so that jobs arrive in the order of the case.
//!
//! A cycle is 2^20 ps ([`CYCLE_PS`]). So every tile end is a whole number of picoseconds, estimates are compared exactly, and
//! since scores of times in picoseconds are those of cycles times a power of two, they round alike: no decision
//! depends on the unit. Deadlines, which the artifact does not round, are rounded down to a picosecond. Where estimates are
//! whole cycles, that changes no comparison with them; it changes the slack in a score by less than a millionth of a
//! cycle, and of random cases, which have deadlines that are quarters of cycles, nothing.
//!
//! `crates/reference/tests/planaria_golden.rs` holds the ends of the loop to those of the published program, less what its
//! first defect adds. `RTMM_CASES` sets the number of random cases.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;
use std::io::Read as _;

use rtmm_hardware::{
    Accelerator, AcceleratorKind, Condition, Configuration, ConfigurationId, ContextSwitch, CostError,
    CostModel, Division, EnergyParts, LayerOf, Migration, Platform, SHARED_LEVELS, Share, Work,
};
use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_reference::planaria::{
    self as reference, Case, Fixes, Job, Layer, Model, Outcome, Parameters, Tiles, case_file, decide,
};
use rtmm_scheduler::policies::planaria::allocation::{Allocator, Candidate};
use rtmm_scheduler::{Run, registry};
use rtmm_sim::{EndOfRun, JobRecord, Observer, RunOptions, System};
use rtmm_testkit::cases::at_least;
use rtmm_testkit::simulate;
use rtmm_workload::input::Source;
use rtmm_workload::{
    Arrivals, Deadline, Duration, Gemm, ModelId, Operator, Period, Request, Scenario, Shapes, Task, Time,
};
use serde_json::Value;

/// Picoseconds of a cycle.
const CYCLE_PS: u64 = 1 << 20;

/// Recordings of the published scheduler, a line each: a name, a tab, and a case file.
const RECORDINGS: &[u8] = include_bytes!("../../reference/tests/golden/planaria/cases.tsv.gz");

/// Recordings in which no defect changes a decision.
const CLEAN: [&str; 10] = [
    "clean_mix_1445",
    "clean_mix_1449",
    "clean_mix_tiles_1445",
    "clean_over_1001",
    "clean_over_1016",
    "clean_tight_1042",
    "clean_tight_1086",
    "clean_tight_1130",
    "fit_134",
    "over_73",
];

/// Decisions and ends, by the positions of jobs.
#[derive(Debug, Default, PartialEq)]
struct Course {
    /// By cycle: the subarrays of each job that has any.
    decisions: BTreeMap<u64, BTreeMap<usize, i64>>,
    ends: BTreeMap<usize, u64>,
}

impl Course {
    fn of_loop(outcome: &Outcome) -> Self {
        let shares = |entry: &reference::Entry| {
            let all = entry.jobs.iter().map(|job| (job.job.index(), job.subarrays));
            (entry.cycle as u64, all.filter(|(_, subarrays)| *subarrays > 0).collect())
        };
        Self {
            decisions: outcome.timeline.iter().map(shares).collect(),
            ends: outcome.ends.iter().map(|end| (end.job.index(), end.finish_cycle as u64)).collect(),
        }
    }

    fn of_recording(case: &Case, recorded: &Value) -> BTreeMap<u64, BTreeMap<usize, i64>> {
        let position = |number: &str| {
            case.jobs().iter().position(|job| job.number.to_string() == number).expect("a job of the case")
        };
        let entry = |entry: &Value| {
            let shares = entry["allocation"].as_object().expect("an allocation").iter();
            let shares = shares.map(|(number, share)| (position(number), share.as_i64().expect("subarrays")));
            (entry["cycle"].as_u64().expect("a cycle"), shares.filter(|(_, share)| *share > 0).collect())
        };
        recorded["timeline"].as_array().expect("a timeline").iter().map(entry).collect()
    }
}

/// The costs of a case's layers on some number of subarrays.
#[derive(Debug)]
struct OnSubarrays {
    position: usize,
    models: Vec<Model>,
}

impl CostModel for OnSubarrays {
    fn work(&self, layer: LayerOf<'_>, _condition: Condition) -> Result<Work, CostError> {
        let index = |name: &str| name.parse::<usize>().expect("names are positions");
        let tiles = self.models[index(layer.model)].layers[index(&layer.layer.name)].tiles[self.position];
        Ok(Work {
            compute: Duration::from_picoseconds(tiles.count * tiles.cycles * CYCLE_PS),
            traffic: [0; SHARED_LEVELS],
            transfer: Duration::ZERO,
            exposed: Duration::ZERO,
            energy: EnergyParts::default(),
            quanta: u32::try_from(tiles.count).expect("few tiles"),
        })
    }

    fn identity(&self) -> String {
        format!("{} subarrays of a case", self.position + 1)
    }

    fn depends_on_shape_only(&self) -> bool {
        false
    }
}

/// One accelerator of as many units as the case has subarrays.
fn platform(case: &Case) -> Platform {
    let (all, id) = (case.subarrays(), ConfigurationId::new);
    let parts = (1..all).map(|units| (units, id(units as usize - 1))).collect();
    let accelerator = Accelerator {
        name: "array".to_owned(),
        kind: AcceleratorKind::default(),
        clock_hz: 1_000_000_000,
        configuration: id(all as usize - 1),
        dram_share: Share::WHOLE,
        max_batch: 1,
        context_switch: ContextSwitch::default(),
        division: Some(Division { units: all, parts, migration: Migration::default() }),
        power: None,
        co_location: None,
    };
    let configuration = |position: usize| {
        let cost_model = OnSubarrays { position, models: case.models().to_vec() };
        Configuration::new(format!("{} subarrays", position + 1), cost_model)
    };
    Platform {
        name: "case".to_owned(),
        source: "a test".to_owned(),
        labels: BTreeMap::new(),
        clock_hz: 1_000_000_000,
        technology: None,
        accelerators: vec![accelerator],
        configurations: (0..all as usize).map(configuration).collect(),
        shared_dram: None,
        shared_cache: None,
        transfers: None,
        power: Default::default(),
    }
}

fn model(index: usize, model: &Model) -> rtmm_workload::Model {
    let layer = |index: usize| {
        rtmm_workload::Layer::new(index.to_string(), Operator::Gemm(Gemm { rows: 1, inner: 1, columns: 1 }))
    };
    let layers = (0..model.layers.len()).map(layer).collect();
    rtmm_workload::Model::of_layers(index.to_string(), "a case".to_owned(), Shapes::Independent, layers)
}

/// A task of one request for each job, in the order of the jobs.
fn scenario(case: &Case) -> Scenario {
    let second = Duration::from_picoseconds(1_000_000_000_000);
    let task = |(index, job): (usize, &Job)| {
        let deadline_ps = (case.relative_deadline_cycles(job) * CYCLE_PS as f64).floor() as u64;
        let request = Request {
            arrival: Time::from_picoseconds(job.arrival_cycle * CYCLE_PS),
            sample: None,
            priority: Some(i32::try_from(job.priority).expect("a low number")),
            deadline: Some(Duration::from_picoseconds(deadline_ps)),
        };
        let period = Period::new(second).expect("not zero");
        Task {
            arrivals: Arrivals::Trace(vec![request].into()),
            deadline: Deadline::After(second),
            ..Task::periodic(format!("job{index}"), job.model, period)
        }
    };
    let last = case.jobs().last().expect("a job").arrival_cycle + 1;
    Scenario {
        name: "case".to_owned(),
        source: "a test".to_owned(),
        duration: Duration::from_picoseconds(last * CYCLE_PS),
        tasks: case.jobs().iter().enumerate().map(task).collect(),
        phases: Vec::new(),
    }
}

/// Writes down decisions and ends, and holds jobs to what their last decision promises.
#[derive(Default)]
struct Watch {
    course: Course,
    /// By job: the expected end of its last run, and whether that is in time.
    promised: BTreeMap<usize, (Time, bool)>,
    kept: u64,
}

fn cycle(time: Time) -> u64 {
    assert_eq!(time.picoseconds() % CYCLE_PS, 0, "{time:?} is a whole number of cycles");
    time.picoseconds() / CYCLE_PS
}

impl Observer for Watch {
    fn dispatched(&mut self, now: Time, run: &Run, job: &rtmm_scheduler::Job) {
        let shares = self.course.decisions.entry(cycle(now)).or_default();
        let before = shares.insert(job.task.index(), run.units.count().into());
        assert_eq!(before, None, "one run a job and decision");
        self.promised.insert(job.task.index(), (run.expected_end, run.expected_end <= job.deadline));
    }

    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        let job = record.job;
        let (expected_end, is_in_time) = self.promised[&job.task.index()];
        assert_eq!(now, expected_end, "nothing holds it up after its last decision");
        assert!(!is_in_time || now <= job.deadline);
        self.kept += u64::from(is_in_time);
        self.course.ends.insert(job.task.index(), cycle(now));
    }
}

/// The case under the engine's policy. Subarrays of each decision add up to all.
fn by_engine(case: &Case) -> Watch {
    let models: Vec<_> = case.models().iter().enumerate().map(|(index, of)| model(index, of)).collect();
    let system = System::new(&scenario(case), &models, &platform(case)).expect("every layer has a cost");
    let row = registry::policy("planaria").expect("a registered policy");
    let policy = row.build(&row.defaults()).expect("defaults are allowed");
    let options = RunOptions { end: EndOfRun::Drain, ..RunOptions::default() };
    let watch =
        simulate(&system, &row.name, policy, Watch::default(), options).expect("only legal decisions");
    for shares in watch.course.decisions.values() {
        assert_eq!(shares.values().sum::<i64>(), i64::from(case.subarrays()), "{shares:?}");
    }
    assert_eq!(watch.course.ends.len(), case.jobs().len());
    watch
}

fn without_defects(case: &Case) -> Outcome {
    reference::run(case, &Parameters { fixes: Fixes::all(), seed: 0 }).expect("nothing stops it")
}

#[test]
fn recorded_cases_run_in_the_engine_as_in_the_loop_without_defects_and_clean_ones_as_recorded() {
    let mut text = String::new();
    flate2::read::GzDecoder::new(RECORDINGS).read_to_string(&mut text).expect("the golden decompresses");
    let (mut clean, mut recordings) = (Vec::new(), 0);
    for line in text.lines() {
        let (name, json) = line.split_once('\t').expect("a name and a case");
        let case = case_file::read(&Source::new(name, json)).expect("a sound case");
        let of_engine = by_engine(&case).course;
        assert_eq!(of_engine, Course::of_loop(&without_defects(&case)), "{name}");
        if CLEAN.contains(&name) {
            let recorded = serde_json::from_str(json).expect("JSON");
            assert_eq!(of_engine.decisions, Course::of_recording(&case, &recorded), "{name}");
            clean.push(name);
        }
        recordings += 1;
    }
    assert_eq!((clean.as_slice(), recordings), (&CLEAN[..], 25));
}

struct Random(MersenneTwister);

impl Random {
    fn within(&mut self, low: u32, high: u32) -> u32 {
        low + self.0.below(high - low + 1)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.below(choices.len() as u32) as usize]
    }

    /// Up to three networks of up to three layers, up to eight jobs: light and heavy loads, tile counts that are equal or differ
    /// from one number of subarrays to another, arrivals together, close to each other and far apart.
    fn case(&mut self) -> Case {
        let subarrays = self.of(&[2, 3, 5, 7, 16, 16]);
        let models: Vec<Model> = (0..self.within(1, 3)).map(|index| self.model(index, subarrays)).collect();
        let span = self.of(&[0, 100, 2_000, 20_000, 100_000]);
        let mut arrival_cycle = self.of(&[0, 0, 300]);
        let jobs = (0..self.within(1, 8)).map(|number| {
            let priority = self.within(1, 12);
            let model = ModelId::new(self.0.below(models.len() as u32) as usize);
            let job = Job { number, model, arrival_cycle, priority: self.of(&[5, 5, priority]) };
            let distance = self.within(0, span);
            arrival_cycle += u64::from(self.of(&[0, distance, distance]));
            job
        });
        let jobs = jobs.collect();
        Case::new(1.0, subarrays, models, jobs).expect("a sound case")
    }

    fn model(&mut self, index: u32, subarrays: u32) -> Model {
        let differs = self.within(0, 1) == 1;
        let layer = |layer: u32, random: &mut Self| {
            let (same, work) = (random.within(1, 14), random.within(20, 20_000));
            let tiles = (1..=subarrays).map(|on| {
                let count = if differs { random.within(1, 14) } else { same };
                let cycles = work / on / count + random.within(1, 9);
                Tiles { count: count.into(), cycles: cycles.into() }
            });
            Layer { name: format!("l{layer}"), tiles: tiles.collect() }
        };
        let layers: Vec<Layer> = (0..self.within(1, 3)).map(|index| layer(index, self)).collect();
        let fastest: u64 =
            layers.iter().filter_map(|layer| layer.tiles.last()).map(|of| of.count * of.cycles).sum();
        // Quarters of a cycle that are exact as the loop computes them: else a part that is a half in one may not be in the other.
        let about = (fastest as f64 * self.of(&[0.8, 1.5, 3.0, 8.0, 30.0])).round();
        let quarters = (1..).map(|quarters: u32| about + f64::from(quarters) / 4.0);
        let is_exact = |cycles: &f64| (cycles / 1e3 * 1e-3) * (1.0 * 1e6) == *cycles;
        let deadline_cycles = { quarters }.find(is_exact).expect("most of them are");
        Model { name: format!("n{index}"), deadline_ms: deadline_cycles / 1e3, layers }
    }

    /// A job as a decision knows it: in time on some number of subarrays or on none, estimates that fall or do not.
    fn candidate(&mut self, number: u32, subarrays: u32) -> reference::Candidate {
        let work = self.of(&[1, 10, 240, 5_040, 1_000_000]);
        let left = |on: u32, random: &mut Self| {
            let noise = if random.within(0, 3) == 0 { random.within(0, work) } else { 0 };
            i64::from((work / on).max(1) + noise)
        };
        let left_cycles: Vec<i64> = (1..=subarrays).map(|on| left(on, self)).collect();
        let any = left_cycles[self.0.below(subarrays) as usize];
        let slack = match self.within(0, 5) {
            0 => -i64::from(self.within(0, work)),
            1 => i64::from(self.within(0, 2 * work)),
            2 => 4 * any,
            _ => any,
        };
        let priority = self.within(1, 12);
        let priority = self.of(&[priority, priority, 5]);
        reference::Candidate { number, priority, slack_cycles: slack as f64, left_cycles }
    }
}

#[test]
fn random_cases_run_in_the_engine_as_in_the_loop_without_defects() {
    let (mut decisions, mut kept, mut parted) = (0, 0, 0);
    for seed in 0..at_least(3_000) {
        let case = Random(MersenneTwister::new(seed)).case();
        let (of_engine, outcome) = (by_engine(&case), without_defects(&case));
        assert_eq!(of_engine.course, Course::of_loop(&outcome), "{case:?}");
        decisions += outcome.timeline.len();
        kept += of_engine.kept;
        parted += outcome.timeline.iter().filter(|entry| entry.jobs.len() > 2).count();
    }
    assert!(decisions > 10_000 && kept > 3_000 && parted > 3_000, "{decisions} {kept} {parted}");
}

#[test]
fn a_job_alone_has_all_subarrays() {
    for seed in 0..at_least(200) {
        let mut random = Random(MersenneTwister::new(seed));
        let case = random.case();
        let alone = vec![case.jobs()[0]];
        let case = Case::new(1.0, case.subarrays(), case.models().to_vec(), alone).expect("a sound case");
        let shares: Vec<i64> =
            by_engine(&case).course.decisions.values().flat_map(BTreeMap::values).copied().collect();
        assert_eq!(shares, [i64::from(case.subarrays())]);
    }
}

#[test]
fn allocations_are_those_of_the_loop_without_defects() {
    let mut allocator = Allocator::default();
    let mut kinds = [0; 3];
    for seed in 0..at_least(20_000) {
        let mut random = Random(MersenneTwister::new(seed));
        let subarrays = random.of(&[1, 2, 3, 4, 7, 16, 16, 64]);
        let count = random.of(&[1, 2, 3, 5, 8, 20, 70]);
        let jobs: Vec<_> = (0..count).map(|number| random.candidate(number, subarrays)).collect();
        let candidate = |job: &reference::Candidate| {
            let estimates = (1..).zip(job.left_cycles.iter().map(|left| *left as u64));
            Candidate::new(job.priority as i32, job.slack_cycles as i128, estimates)
        };
        let candidates: Vec<Candidate> = jobs.iter().map(candidate).collect();
        let expected = decide(&jobs, subarrays).expect("sound candidates");
        let least: Vec<_> = candidates.iter().map(Candidate::least_in_time).collect();
        assert_eq!(least, expected.min_in_time, "{jobs:?}");
        let found = allocator.allocate(&candidates, subarrays);
        assert_eq!(found.fits, expected.fits, "{jobs:?}");
        assert_eq!(found.units.iter().sum::<u32>(), subarrays, "{jobs:?}");
        let units: Vec<i64> = found.units.iter().copied().map(i64::from).collect();
        assert_eq!(units, expected.allocation, "{jobs:?}");
        let all_late = least.iter().all(Option::is_none);
        kinds[if all_late { 2 } else { usize::from(!expected.fits) }] += 1;
        // Where runs may have any number, none is changed.
        assert_eq!(allocator.in_stated_numbers(&candidates, subarrays, |units| units), {
            units.iter().map(|units| *units as u32).collect::<Vec<_>>()
        });
    }
    assert!(kinds.iter().all(|kind| *kind > 500), "{kinds:?}");
}
