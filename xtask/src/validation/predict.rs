//! Predictions: the simulator with execution times of one kind, on the releases of the measured runs.

#![expect(
    clippy::disallowed_methods,
    reason = "writes the platforms that it simulates into a temporary folder"
)]

use std::path::Path;

use rtmm_hardware::{Mode, Platform, load as hardware};
use rtmm_runners::engine::Engine;
use rtmm_sim::metrics::{JobRow, JobRows, JobStatus};
use rtmm_sweep::runner::{CellRunner, Chosen};
use rtmm_workload::{Legality, Workload, load};

use super::Problem;
use super::contention;
use super::session::{ALL, Cell, Session, TaskFigures};
use super::statistics::{median, nearest_rank};

/// Bytes that a core moves in a microsecond if it has all of the memory: 10 bytes a cycle of 1,000 MHz. A scale alone: what
/// counts is which part of it a model takes.
const BYTES_A_MICROSECOND: f64 = 1e4;
/// Pairs that slow each other down by less say nothing about memory: it is within the drift of a machine.
const MIN_SLOWDOWN: f64 = 1.05;

/// Execution times of one kind, and what else a simulation is told of the machine.
pub(super) struct Predictor {
    pub(super) name: &'static str,
    models: Vec<Times>,
    overhead_us: f64,
    shares_memory: bool,
    /// Runs of the simulator, of whose figures the median counts: one, but where times vary.
    seeds: u64,
}

/// Execution times of a model.
struct Times {
    model: String,
    /// The time in microseconds; of one that varies the quantiles that [`QUANTILES`] names.
    us: Vec<f64>,
    /// Part of the memory's bandwidth that the model takes alone.
    part: f64,
}

/// The predictor that targets are asked of.
pub(super) const MAIN: &str = "interleaved, overhead";
/// The predictor whose sensitivities choose cells.
pub(super) const PLAIN: &str = "interleaved";
/// The predictor that knows most of what was measured of models by themselves.
pub(super) const VARYING: &str = "both cores busy, overhead, varying";

/// Columns of one time, and of a time that varies.
const ONE: &str = "latency_us";
const QUANTILES: &str = "latency_min_us,latency_p50_us,latency_p90_us,latency_p99_us,latency_max_us";
/// Seeds with which times that vary are drawn.
const SEEDS: u64 = 7;

/// The predictors that a session has the measurements for.
pub(super) fn predictors(session: &Session) -> Result<Vec<Predictor>, Problem> {
    let overhead_us = session.overhead_us()?;
    let times = |of: fn(&super::session::Model) -> Vec<f64>| -> Vec<Times> {
        let times = session.models.iter();
        times.map(|model| Times { model: model.name.clone(), us: of(model), part: 0.0 }).collect()
    };
    let row =
        |name, models, overhead_us| Predictor { name, models, overhead_us, shares_memory: false, seeds: 1 };
    let mut predictors = vec![
        row("tight loop", times(|model| vec![model.tight_us]), 0.0),
        row(PLAIN, times(|model| vec![model.interleaved_us]), 0.0),
        row(MAIN, times(|model| vec![model.interleaved_us]), overhead_us),
        row("both cores busy, overhead", times(|model| vec![model.both_us]), overhead_us),
    ];
    let varying = row(VARYING, times(|model| model.both_quantiles_us.to_vec()), overhead_us);
    predictors.push(Predictor { seeds: SEEDS, ..varying });
    if tests_memory(session) {
        let mut models = times(|model| vec![model.interleaved_us]);
        for (times, part) in models.iter_mut().zip(contention::fit(session)) {
            times.part = part;
        }
        let shared = row("interleaved, overhead, shared memory", models, overhead_us);
        predictors.push(Predictor { shares_memory: true, ..shared });
    }
    Ok(predictors)
}

/// True if some pair slows down so much that a rule of contention can be tested.
pub(super) fn tests_memory(session: &Session) -> bool {
    session.pairs.iter().any(|pair| pair.slowdown >= MIN_SLOWDOWN)
}

impl Predictor {
    /// The platform of two cores with all times multiplied by a factor.
    fn platform(&self, folder: &Path, factor: f64) -> Result<Platform, Problem> {
        let columns = if self.seeds > 1 { QUANTILES } else { ONE };
        let mut table = format!("model,layer,{columns},dram_bytes\n");
        for Times { model, us, part } in &self.models {
            let times: Vec<f64> = us.iter().map(|time| time * factor).collect();
            let bytes =
                if self.shares_memory { part * times.iter().sum::<f64>() * BYTES_A_MICROSECOND } else { 0.0 };
            let times: Vec<String> = times.iter().map(|time| format!("{time:.6}")).collect();
            table.push_str(&format!("{model},whole,{},{bytes:.0}\n", times.join(",")));
        }
        let memory =
            if self.shares_memory { "clock_mhz = 1000\n[shared_dram]\nbandwidth = 10\n" } else { "" };
        let core = |index: usize| {
            format!("[[accelerator]]\nname = \"core{index}\"\nmodel = \"table\"\nfile = \"cores.csv\"\n")
        };
        let text = format!("source = \"measured\"\n{memory}{}{}", core(0), core(1));
        std::fs::write(folder.join("cores.csv"), table)?;
        let path = folder.join("cores.toml");
        std::fs::write(&path, text)?;
        Ok(hardware::platform(&path.to_string_lossy(), None, Mode::Corrected)?)
    }

    /// Figures of a cell with all times multiplied by a factor, in the order of [`Session`]: tasks, then [`ALL`].
    ///
    /// # Errors
    /// A problem of the scenario, of a policy that is none of the dispatcher's, or of the run.
    pub(super) fn simulate(
        &self,
        session: &Session,
        cell: &Cell,
        factor: f64,
    ) -> Result<Vec<TaskFigures>, Problem> {
        let folder = tempfile::tempdir()?;
        let platform = self.platform(folder.path(), factor)?;
        let path = session.scenario_of(cell);
        let workload = load::workload(&path.to_string_lossy(), None, Legality::Strict)?;
        let chosen = chosen(&cell.policy, self.overhead_us)?;
        let engine = Engine::built_in();
        let system = engine.system_for(&chosen.policy, &workload, &platform)?;
        let run = |seed| -> Result<Vec<TaskFigures>, Problem> {
            let mut jobs = Vec::new();
            engine.simulate(&system, &chosen, seed, JobRows::new(|row: &JobRow| jobs.push(*row)))?;
            Ok(figures(&workload, &jobs))
        };
        Ok(medians(&(1..=self.seeds).map(run).collect::<Result<Vec<_>, _>>()?))
    }
}

/// The median of each figure over runs of the same tasks.
fn medians(runs: &[Vec<TaskFigures>]) -> Vec<TaskFigures> {
    let of = |place: usize| {
        let values = |of: &dyn Fn(&TaskFigures) -> Option<f64>| {
            let values: Vec<f64> = runs.iter().filter_map(|run| of(run.get(place)?)).collect();
            median(&values)
        };
        let first = runs.first().and_then(|run| run.get(place));
        TaskFigures {
            task: first.map(|first| first.task.clone()).unwrap_or_default(),
            jobs: values(&|figures| Some(figures.jobs)).unwrap_or_default(),
            miss_rate: values(&|figures| Some(figures.miss_rate)).unwrap_or_default(),
            percentiles_ms: [0, 1, 2].map(|percentile| values(&|figures| figures.percentiles_ms[percentile])),
        }
    };
    (0..runs.first().map_or(0, Vec::len)).map(of).collect()
}

/// The policy of the dispatcher by its name there, with the settings of its runs.
fn chosen(policy: &str, overhead_us: f64) -> Result<Chosen, Problem> {
    let (name, drop) = match policy {
        "fcfs" | "edf" | "sjf" => (policy, "never"),
        "edf+drop" => ("edf", "infeasible"),
        _ => {
            return Err(format!(
                "no policy `{policy}` of the dispatcher: it has fcfs, edf, edf+drop and sjf"
            )
            .into());
        }
    };
    let spec = Engine::built_in().spec();
    let schema = spec.policy(name).ok_or("the engine lacks a policy of the dispatcher")?;
    let set = [
        "granularity=model".to_owned(),
        "end_of_run=drain".to_owned(),
        format!("drop={drop}"),
        format!("decision_base={overhead_us}us"),
    ];
    Ok(Chosen::read(spec, schema, &set)?)
}

/// Figures of tasks, then of all jobs.
fn figures(workload: &Workload, jobs: &[JobRow]) -> Vec<TaskFigures> {
    let of = |task: &str, jobs: &[&JobRow]| {
        let missed = jobs.iter().filter(|job| job.is_violated() == Some(true)).count();
        let completed = jobs.iter().filter(|job| job.status == JobStatus::Completed);
        let responses: Vec<f64> =
            completed.map(|job| job.end.saturating_since(job.arrival).milliseconds()).collect();
        TaskFigures {
            task: task.to_owned(),
            jobs: jobs.len() as f64,
            miss_rate: missed as f64 / jobs.len().max(1) as f64,
            percentiles_ms: [50, 95, 99].map(|percent| nearest_rank(&responses, percent)),
        }
    };
    let tasks = workload.scenario.tasks.iter().enumerate().map(|(index, task)| {
        let jobs: Vec<&JobRow> = jobs.iter().filter(|job| job.task.index() == index).collect();
        of(&task.name, &jobs)
    });
    tasks.chain([of(ALL, &jobs.iter().collect::<Vec<_>>())]).collect()
}
