//! A small synthetic runner with inputs to match. The tests inside rtmm-sweep take this file as a module of their own.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses a part of it")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rtmm_hardware::{
    Accelerator, AcceleratorKind, Condition, Configuration, ConfigurationId, CostError, CostModel, LayerOf,
    Platform, Work,
};
use rtmm_sweep::plan::{Axes, Cell, Plan};
use rtmm_sweep::runner::{
    Better, CellResult, CellRunner, Column, ColumnKind, Parameters, Policy, PolicySchema, Prepared, Rule,
    RunError, RunnerSpec, Schema, SeriesColumn, SeriesPoint, Value,
};
use rtmm_workload::parameters::{Choice, Integer, Real, Span, Switch};
use rtmm_workload::{Duration, ModelId, Period, Scenario, Task, TaskId, Workload};

const fn column(name: &'static str, unit: &'static str, kind: ColumnKind, summarised: bool) -> Column {
    Column { unit, summarised, ..Column::new(name, kind, "synthetic, for tests") }
}

const CELL_COLUMNS: &[Column] = &[
    column("score_percent", "percent", ColumnKind::Real, true),
    column("late_jobs", "", ColumnKind::Integer, true),
    column("verdict", "", ColumnKind::Text, false),
];

const TASK_COLUMNS: &[Column] = &[
    column("requested_jobs", "", ColumnKind::Integer, false),
    column("completed_jobs", "", ColumnKind::Integer, false),
    column("latency_mean_ms", "milliseconds", ColumnKind::Real, false),
    column("real_time_score", "", ColumnKind::Real, false),
    column("energy_score", "", ColumnKind::Real, false),
    column("quality_score", "", ColumnKind::Real, false),
    column("task_score", "", ColumnKind::Real, false),
];

const ACCELERATOR_COLUMNS: &[Column] = &[
    column("accelerator_jobs", "", ColumnKind::Integer, false),
    column("is_busy", "", ColumnKind::Boolean, false),
];

/// The task columns with a mean for some of them.
const SUMMARISED_TASK_COLUMNS: &[Column] = &[
    TASK_COLUMNS[0],
    Column { summarised: true, better: Some(Better::Higher), ..TASK_COLUMNS[1] },
    Column { summarised: true, better: Some(Better::Lower), ..TASK_COLUMNS[2] },
    TASK_COLUMNS[3],
    TASK_COLUMNS[4],
    TASK_COLUMNS[5],
    TASK_COLUMNS[6],
];

/// Series, for a runner that records some; two have the names of parameters.
pub const SERIES: &[SeriesColumn] = &[
    SeriesColumn { name: "score", unit: "percent", meaning: "synthetic, for tests" },
    SeriesColumn { name: "k_per_ms", unit: "", meaning: "synthetic, for tests" },
    SeriesColumn { name: "depth", unit: "", meaning: "synthetic, for tests" },
];

/// So many milliseconds.
pub const fn milliseconds(count: u64) -> Duration {
    Duration::from_picoseconds(count * 1_000_000_000)
}

const WARM_UP: Span = Span::new(
    "warm_up",
    "jobs released before do not count",
    Duration::ZERO,
    Duration::ZERO..=milliseconds(10_000),
);
/// True if jobs that are due after the run are cut off.
const IS_CUT: Choice<bool> = Choice::new(
    "at_end",
    "what becomes of jobs that are due after the run",
    false,
    &[("drain", false), ("cut", true)],
);
const BONUS: Real = Real::new("bonus", "added to every score", 0.0, 0.0..=10.0);

/// Settings, for a runner that has some.
pub fn settings() -> Schema {
    Schema::of(&[&[&WARM_UP, &IS_CUT, &BONUS]])
}

const K_PER_MS: Real = Real::new("k_per_ms", "steepness", 15.0, 0.0..=100.0);
const DEPTH: Integer<u8> = Integer::new("depth", "how far it looks", 2, 1..=9);
const DROP: Switch = Switch::new("drop", "whether late jobs are dropped", true);
const ORDER: Choice<bool> =
    Choice::new("order", "what is first", true, &[("arrival", true), ("deadline", false)]);

/// The first policy, whose greatest depth needs steepness.
fn first() -> PolicySchema {
    let rule = Rule::new(|parameters| {
        if parameters.read(&K_PER_MS) == 0.0 && parameters.read(&DEPTH) == 9 {
            return Err("a depth of 9 needs `k_per_ms` above 0".to_owned());
        }
        Ok(())
    });
    PolicySchema { rule, ..PolicySchema::new("first", "the first", Schema::of(&[&[&K_PER_MS, &DEPTH]])) }
}

fn second() -> PolicySchema {
    PolicySchema::new("second", "the second", Schema::of(&[&[&DROP, &ORDER]]))
}

fn settings_rule() -> Rule {
    Rule::new(|settings| {
        if settings.read(&IS_CUT) && settings.read(&WARM_UP) > milliseconds(5_000) {
            return Err("a run that is cut has no time for such a warm-up".to_owned());
        }
        Ok(())
    })
}

/// Synthesises results that depend on everything that a cell names.
#[derive(Debug, Default)]
pub struct Synthetic {
    /// Rounds of useless arithmetic a cell.
    pub spin: u64,
    /// Fails once this many cells were run; 0 for never.
    pub fail_after: usize,
    /// Raises the result version.
    pub version: u32,
    /// Offers the first policy only.
    pub single_policy: bool,
    /// Gives a value that is not finite.
    pub impossible: bool,
    /// Goes by another name.
    pub called: Option<&'static str>,
    /// Has settings.
    pub settings: bool,
    /// Has a setting with the name of a parameter, and a default that is not allowed.
    pub clashing: bool,
    /// Summarises some task columns.
    pub task_means: bool,
    /// Fails on the platform of this position.
    pub unfit_platform: Option<usize>,
    /// Scores zero always.
    pub worthless: bool,
    /// Records series.
    pub records: bool,
    /// Specification of the runner; made when it is first asked for.
    pub spec: OnceLock<RunnerSpec>,
    /// Number of cells that were run.
    pub runs: AtomicUsize,
}

impl Synthetic {
    /// Number of cells that were run.
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }
}

impl Synthetic {
    fn describe(&self) -> RunnerSpec {
        const CLASHING: Integer<u8> = Integer::new("depth", "how far it looks", 0, 1..=9);
        let mut policies = vec![first(), second()];
        policies.truncate(if self.single_policy { 1 } else { 2 });
        let settings = match self {
            Self { clashing: true, .. } => Schema::of(&[&[&CLASHING]]),
            Self { settings: true, .. } => settings(),
            _ => Schema::default(),
        };
        let tasks = if self.task_means { SUMMARISED_TASK_COLUMNS } else { TASK_COLUMNS };
        RunnerSpec {
            summary: "synthetic, for tests".into(),
            result_version: self.version,
            largest_seed: u64::from(u32::MAX),
            settings,
            settings_rule: settings_rule(),
            task_columns: tasks.to_vec(),
            accelerator_columns: ACCELERATOR_COLUMNS.to_vec(),
            series_columns: if self.records { SERIES.to_vec() } else { Vec::new() },
            ..RunnerSpec::new(self.called.unwrap_or("synthetic"), policies, CELL_COLUMNS.to_vec())
        }
    }
}

impl CellRunner for Synthetic {
    fn spec(&self) -> &RunnerSpec {
        self.spec.get_or_init(|| self.describe())
    }

    fn prepare<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        pending: &[usize],
    ) -> Result<Box<dyn Prepared + 'p>, RunError> {
        assert!(!pending.is_empty());
        Ok(Box::new(Ready { runner: self, plan, sink: AtomicU64::new(0) }))
    }
}

struct Ready<'p> {
    runner: &'p Synthetic,
    plan: &'p Plan<'p>,
    sink: AtomicU64,
}

impl Prepared for Ready<'_> {
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
        let runs = self.runner.runs.fetch_add(1, Ordering::Relaxed);
        if self.runner.fail_after > 0 && runs >= self.runner.fail_after {
            return Err(RunError::Failed { reason: "it was to fail".to_owned() });
        }
        if self.runner.unfit_platform == Some(cell.platform.index()) {
            let reason = format!("`{}`, of all platforms", self.plan.platform(cell).name);
            return Err(RunError::Failed { reason });
        }
        let scenario = self.plan.scenario(cell);
        let mut state = cell.seed
            ^ (cell.platform.index() as u64) << 32
            ^ (cell.policy.index() as u64) << 40
            ^ scenario.relative_deadline(TaskId::new(0)).unwrap_or_default().picoseconds()
            ^ scenario
                .name
                .bytes()
                .fold(0, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))
            ^ scenario.tasks[0].trigger_probability.to_bits();
        for _ in 0..self.runner.spin {
            state = next(&mut state);
        }
        self.sink.fetch_xor(state, Ordering::Relaxed);
        let mut real = || (next(&mut state) % 1_000_003) as f64 / 1_000_003.0;
        let bonus = self.plan.axes().settings.read(&BONUS);
        let score = match self.runner {
            Synthetic { impossible: true, .. } => f64::NAN,
            Synthetic { worthless: true, .. } => 0.0,
            _ => real() * 100.0 + bonus,
        };
        let mut result = CellResult {
            cell: vec![
                Value::Real(score),
                Value::Integer((score * 7.0) as i64),
                if score > 30.0 { Value::Text("good, \"really\"".into()) } else { Value::Missing },
            ],
            tasks: Vec::with_capacity(scenario.tasks.len() * TASK_COLUMNS.len()),
            ..CellResult::default()
        };
        for position in 0..scenario.tasks.len() {
            let completed = (real() * 60.0) as i64;
            result.tasks.extend([
                Value::Integer(60),
                Value::Integer(completed),
                if completed == 0 { Value::Missing } else { Value::Real(real() * 16.0) },
                Value::Real(real()),
                Value::Real(if position == 0 { -0.0 } else { real() }),
                Value::Real(real()),
                Value::Real(real() * 1e-7),
            ]);
        }
        // Some cells have none, and some points have no value.
        if self.runner.records && !cell.seed.is_multiple_of(5) {
            let mut points = |count: u32| {
                (0..count)
                    .map(|point| SeriesPoint {
                        time_s: f64::from(point) * 0.25,
                        value: (point != 2).then(|| (real() * 1e3).round() / 1e3 * 10.0),
                    })
                    .collect::<Vec<_>>()
            };
            result.series = vec![points(6), points(3), points(4)];
        }
        for _ in &self.plan.platform(cell).accelerators {
            let jobs = (real() * 60.0) as i64;
            let is_busy = if jobs == 0 { Value::Missing } else { Value::Boolean(jobs > 30) };
            result.accelerators.extend([Value::Integer(jobs), is_busy]);
        }
        Ok(result)
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut value = *state;
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// A cost model that is never asked.
#[derive(Debug)]
struct Free;

impl CostModel for Free {
    fn work(&self, _layer: LayerOf<'_>, _condition: Condition) -> Result<Work, CostError> {
        Err(CostError::Unsupported { model: "free", what: "anything".to_owned() })
    }

    fn identity(&self) -> String {
        "free".to_owned()
    }
}

/// Tasks without models; the first has a trigger probability.
pub fn workload(name: &str, tasks: usize, probability: f64) -> Workload {
    let period = Period::new(Duration::from_picoseconds(16_666_666_667)).unwrap();
    let task = |index: usize| Task {
        trigger_probability: if index == 0 { probability } else { 1.0 },
        ..Task::periodic(format!("task_{index}"), ModelId::new(0), period)
    };
    let scenario = Scenario {
        name: name.to_owned(),
        source: "synthetic".to_owned(),
        duration: Duration::from_milliseconds(700).unwrap(),
        tasks: (0..tasks).map(task).collect(),
        phases: Vec::new(),
    };
    Workload { scenario, models: Vec::new() }
}

/// One accelerator, whose costs are never asked for.
pub fn platform(name: &str) -> Platform {
    Platform {
        name: name.to_owned(),
        source: "synthetic".to_owned(),
        labels: Default::default(),
        clock_hz: 1_000_000_000,
        technology: None,
        accelerators: vec![Accelerator {
            name: "one".to_owned(),
            kind: AcceleratorKind::default(),
            clock_hz: 1_000_000_000,
            configuration: ConfigurationId::new(0),
            dram_share: Default::default(),
            context_switch: Default::default(),
            division: None,
            max_batch: 1,
            power: None,
            co_location: None,
        }],
        configurations: vec![Configuration::new("free", Free)],
        shared_dram: None,
        shared_cache: None,
        transfers: None,
        power: Default::default(),
    }
}

/// Random scenarios with one deterministic one in between.
pub fn axes(scenarios: usize, platforms: usize, seeds: u64) -> Axes {
    Axes {
        name: "synthetic".to_owned(),
        command: "rtmm sweep synthetic".to_owned(),
        description: String::new(),
        content_hash: String::new(),
        folder: String::new(),
        workloads: (0..scenarios)
            .map(|index| {
                workload(&format!("scenario_{index}"), 3 + index % 3, if index == 1 { 1.0 } else { 0.5 })
            })
            .collect(),
        platforms: (0..platforms).map(|index| platform(&format!("platform_{index}"))).collect(),
        pairs: Vec::new(),
        policies: vec![Policy::with_defaults(&first())],
        variations: Vec::new(),
        seeds: (0..seeds).map(|index| 1_000 + 7_919 * index).collect(),
        duration: None,
        settings: Parameters::default(),
        baseline: None,
    }
}
