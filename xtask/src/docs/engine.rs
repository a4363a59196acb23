//! Scores of the engine on the XRBench scenarios and platforms, and their comparison with the loop.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use rtmm_hardware::{CostTable, Mode, Platform, load as hardware};
use rtmm_scheduler::{PolicyRow, registry};
use rtmm_sim::metrics::XrbenchConstants;
use rtmm_sim::{Metrics, MetricsOptions, RunOptions, System, simulate};
use rtmm_workload::load::{Kind, built_in_names, workload};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Legality, Model, Scenario, Workload};

use super::{Problem, table};

/// Scenarios of the table, in the order of its columns.
pub(super) const SCENARIOS: [(&str, &str); 7] = [
    ("xrbench/ar_assistant", "AR assistant"),
    ("xrbench/ar_gaming", "AR gaming"),
    ("xrbench/outdoor_activity_a", "outdoor A"),
    ("xrbench/outdoor_activity_b", "outdoor B"),
    ("xrbench/social_interaction_a", "social A"),
    ("xrbench/social_interaction_b", "social B"),
    ("xrbench/vr_gaming", "VR gaming"),
];

/// Loads of the table of policies: the published one, and one at which policies differ.
const LOADS: [u64; 2] = [1, 4];
/// Seeds of random scenarios at other loads than 1, where outcomes are too many to run them all.
const SEEDS: u64 = 2;
/// The most frames with uncertain triggers whose outcomes are all run.
const MAX_UNCERTAIN: usize = 6;
/// Seeds that are searched for one of each outcome.
const MAX_SEEDS: u64 = 1 << 20;

/// Counts of the test that compares engine and loop, as text of comma-separated values.
fn snapshot(root: &Path, name: &str) -> Result<String, Problem> {
    let path = root.join(format!("crates/cli/tests/snapshots/suite__engine_and_loop__{name}.snap"));
    let text = std::fs::read_to_string(path)?;
    // Before it stands what the snapshot says of itself, between two lines of dashes.
    let body = text.splitn(3, "---\n").nth(2).ok_or("a snapshot has no body")?;
    Ok(body.to_owned())
}

fn rows_of(text: &str) -> Result<Vec<csv::StringRecord>, Problem> {
    Ok(csv::Reader::from_reader(text.as_bytes()).records().collect::<Result<_, _>>()?)
}

/// Number of jobs that the test compares, and their differences.
pub(super) fn compared(root: &Path) -> Result<String, Problem> {
    let rows = rows_of(&snapshot(root, "counts")?)?;
    let cells = |row: &csv::StringRecord| row.iter().map(str::to_owned).collect::<Vec<String>>();
    let header = [
        "costs",
        "load",
        "runs",
        "jobs compared",
        "completed",
        "dropped",
        "longest chain of jobs",
        "largest difference in time, ms",
        "runs that a near-tie splits",
        "their jobs after it",
    ];
    let sum = |column: usize| -> Result<u64, Problem> {
        rows.iter().map(|row| Ok(row.get(column).unwrap_or_default().parse::<u64>()?)).sum()
    };
    Ok(format!(
        "{}\nJobs compared: {}, in {} runs; 0 differ. Runs that a near-tie splits: {}, with {} jobs after it.\n",
        table(&header, &rows.iter().map(cells).collect::<Vec<_>>()),
        sum(3)?,
        sum(2)?,
        sum(8)?,
        sum(9)?,
    ))
}

/// The near-ties that the two decide otherwise.
pub(super) fn near_ties(root: &Path) -> Result<String, Problem> {
    let mut rows = Vec::new();
    for row in rows_of(&snapshot(root, "near_ties")?)? {
        let [costs, load, scenario, platform, seed, task, frame, at_ms, ps] =
            std::array::from_fn(|column| row.get(column).unwrap_or_default());
        let short = |name: &str| format!("`{}`", name.trim_start_matches("xrbench/"));
        let apart = match ps.parse::<u64>()? {
            0 => "none: both complete at the same instant".to_owned(),
            ps => format!("{:.1} ns", ps as f64 / 1e3),
        };
        rows.push(vec![
            format!("{costs}, {load}"),
            short(scenario),
            short(platform),
            seed.to_owned(),
            format!("`{task}` {frame}"),
            at_ms.to_owned(),
            apart,
        ]);
    }
    let header = [
        "costs, load",
        "scenario",
        "platform",
        "seed",
        "first job that differs",
        "at, ms",
        "distance of the events",
    ];
    Ok(table(&header, &rows))
}

/// The policies that the page compares. Those of Dysta and variants that measure sparsity are left out: they decide as
/// others do where models have no recorded samples, and take long to do so.
const COMPARED: [&str; 17] = [
    "dream-adaptive",
    "dream-drop",
    "dream-full",
    "dream-halving",
    "dream-mapscore",
    "edf",
    "fcfs",
    "fixed-priority",
    "latency-greedy",
    "least-slack",
    "planaria",
    "prema",
    "round-robin",
    "sdrm3",
    "sjf",
    "sjf-oracle",
    "veltair",
];

/// The scores of [`COMPARED`] with their defaults, in the mean over the platforms.
pub(super) fn policy_scores() -> Result<String, Problem> {
    let engine = Engine::new()?;
    let options = MetricsOptions::default();
    let mut rows = Vec::new();
    for load in LOADS {
        let scenarios = engine.scaled(load)?;
        for name in COMPARED {
            let row = registry::policy(name).ok_or_else(|| format!("there is no policy {name}"))?;
            let scores = engine.scores(&scenarios, row, options)?;
            let means: Vec<f64> = scores.chunks(engine.platforms.len()).map(mean).collect();
            let mut cells = vec![load.to_string(), format!("`{}`", row.name)];
            cells.extend(means.iter().copied().chain([mean(&means)]).map(|score| format!("{score:.2}")));
            rows.push(cells);
        }
    }
    let mut header = vec!["load", "policy"];
    header.extend(SCENARIOS.map(|(_, short)| short));
    header.push("mean");
    Ok(table(&header, &rows))
}

/// The scenarios and platforms with corrected costs.
pub(super) struct Engine {
    workloads: Vec<Workload>,
    /// The models of each scenario, as systems share them.
    models: Vec<Arc<[Model]>>,
    platforms: Vec<Arc<Platform>>,
    /// Scenario-major.
    costs: Vec<Arc<CostTable>>,
}

impl Engine {
    pub(super) fn new() -> Result<Self, Problem> {
        let workloads: Vec<Workload> = SCENARIOS
            .iter()
            .map(|(name, _)| workload(name, None, Legality::Strict))
            .collect::<Result<_, _>>()?;
        let names = built_in_names(Kind::Platform);
        let names = names.iter().filter(|name| name.starts_with("xrbench/"));
        let platforms: Vec<Arc<Platform>> = names
            .map(|name| hardware::platform(name, None, Mode::Corrected).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let models = workloads.iter().map(|workload| workload.models.as_slice().into()).collect();
        let mut costs = Vec::new();
        for workload in &workloads {
            for platform in &platforms {
                let table = CostTable::new(platform, &workload.models);
                costs
                    .push(Arc::new(table.map_err(|_| format!("{} has layers without cost", platform.name))?));
            }
        }
        Ok(Self { workloads, models, platforms, costs })
    }

    /// Scores under `latency-greedy` with its defaults, at the published load.
    pub(super) fn latency_greedy(&self, xrbench: XrbenchConstants) -> Result<Vec<f64>, Problem> {
        let row = registry::policy("latency-greedy").ok_or("there is no such policy")?;
        let options = MetricsOptions { xrbench, ..MetricsOptions::default() };
        self.scores(&self.scaled(1)?, row, options)
    }

    fn scaled(&self, load: u64) -> Result<Vec<Weighted>, Problem> {
        let scaled = |workload: &Workload| Weighted::of(workload.scenario.clone().scaled(load * 1_000_000)?);
        self.workloads.iter().map(scaled).collect()
    }

    /// The overall score of each pair, scenario-major.
    fn scores(
        &self,
        scenarios: &[Weighted],
        row: &PolicyRow,
        options: MetricsOptions,
    ) -> Result<Vec<f64>, Problem> {
        let platforms = self.platforms.len();
        let score = |pair: usize| -> Result<f64, String> {
            let (models, of) = (&self.models[pair / platforms], &scenarios[pair / platforms]);
            let platform = Arc::clone(&self.platforms[pair % platforms]);
            let costs = Arc::clone(&self.costs[pair]);
            let system = System::with_costs(&of.scenario, Arc::clone(models), platform, costs)
                .map_err(|error| error.to_string())?;
            let mut expected = 0.0;
            for (seed, weight) in &of.seeds {
                let policy = row.build(&row.defaults()).map_err(|error| error.to_string())?;
                let metrics = Metrics::new(&system, options);
                let run = RunOptions { seed: *seed, oracle: row.oracle, ..RunOptions::default() };
                let metrics =
                    simulate(&system, &row.name, policy, metrics, run).map_err(|error| error.to_string())?;
                expected += weight * metrics.summary().xrbench_score_percent.unwrap_or(0.0);
            }
            Ok(expected)
        };
        let scores: Result<Vec<f64>, String> = (0..self.costs.len()).into_par_iter().map(score).collect();
        Ok(scores?)
    }
}

/// A scenario with seeds and their weights in the mean.
struct Weighted {
    scenario: Scenario,
    seeds: Vec<(u64, f64)>,
}

impl Weighted {
    /// Of few uncertain frames, a seed for each outcome of their triggers with its probability: exact,
    /// as the loop's lines are. Of many, some seeds.
    fn of(scenario: Scenario) -> Result<Self, Problem> {
        let mut uncertain: Vec<(&str, u64, f64)> = Vec::new();
        for task in scenario.tasks.iter().filter(|task| task.trigger_probability < 1.0) {
            let period = task.arrivals.period().ok_or("a task has no period")?;
            let frames = (0..).take_while(|frame| period.release(*frame) < scenario.duration);
            uncertain.extend(frames.map(|frame| (task.name.as_str(), frame, task.trigger_probability)));
        }
        if uncertain.len() > MAX_UNCERTAIN {
            let seeds = (1..=SEEDS).map(|seed| (seed, 1.0 / SEEDS as f64)).collect();
            return Ok(Self { scenario, seeds });
        }
        let mut found: BTreeMap<Vec<bool>, (u64, f64)> = BTreeMap::new();
        for seed in 1..MAX_SEEDS {
            let holds = |(name, frame, probability): &(&str, u64, f64)| {
                Draws::new(seed, Stream::Trigger, name).happens(*frame, 0, *probability)
            };
            let outcome: Vec<bool> = uncertain.iter().map(holds).collect();
            let of_each = outcome.iter().zip(&uncertain);
            let weight = of_each.map(|(holds, (_, _, p))| if *holds { *p } else { 1.0 - p }).product();
            found.entry(outcome).or_insert((seed, weight));
            if found.len() == 1 << uncertain.len() {
                let seeds = found.into_values().collect();
                return Ok(Self { scenario, seeds });
            }
        }
        Err(format!("no seed gives some outcome of the triggers of {}", scenario.name).into())
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
