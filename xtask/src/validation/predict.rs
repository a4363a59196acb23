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
use super::statistics::nearest_rank;

/// Bytes that a core moves in a microsecond if it has all of the memory: 10 bytes a cycle of 1,000 MHz. A scale alone: what
/// counts is which part of it a model takes.
const BYTES_A_MICROSECOND: f64 = 1e4;
/// Pairs that slow each other down by less say nothing about memory: it is within the drift of a machine.
const MIN_SLOWDOWN: f64 = 1.05;

/// Execution times of one kind, and what else a simulation is told of the machine.
pub(super) struct Predictor {
    pub(super) name: &'static str,
    /// Model with its execution time in microseconds, and the part of the memory's bandwidth that it takes alone.
    times: Vec<(String, f64, f64)>,
    overhead_us: f64,
    shares_memory: bool,
}

/// The predictor that targets are asked of.
pub(super) const MAIN: &str = "interleaved, overhead";
/// The predictor whose sensitivities choose cells.
pub(super) const PLAIN: &str = "interleaved";

/// The predictors that a session has the measurements for.
pub(super) fn predictors(session: &Session) -> Result<Vec<Predictor>, Problem> {
    let overhead_us = session.overhead_us()?;
    let times = |of: fn(&super::session::Model) -> f64| -> Vec<(String, f64, f64)> {
        session.models.iter().map(|model| (model.name.clone(), of(model), 0.0)).collect()
    };
    let row = |name, times, overhead_us| Predictor { name, times, overhead_us, shares_memory: false };
    let mut predictors = vec![
        row("tight loop", times(|model| model.tight_us), 0.0),
        row(PLAIN, times(|model| model.interleaved_us), 0.0),
        row(MAIN, times(|model| model.interleaved_us), overhead_us),
        row("both cores busy, overhead", times(|model| model.both_us), overhead_us),
    ];
    if tests_memory(session) {
        let parts = contention::fit(session);
        let times = session.models.iter().zip(parts);
        let times = times.map(|(model, part)| (model.name.clone(), model.interleaved_us, part)).collect();
        let name = "interleaved, overhead, shared memory";
        predictors.push(Predictor { name, times, overhead_us, shares_memory: true });
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
        let mut table = String::from("model,layer,latency_us,dram_bytes\n");
        for (model, time, part) in &self.times {
            let time = time * factor;
            let bytes = if self.shares_memory { part * time * BYTES_A_MICROSECOND } else { 0.0 };
            table.push_str(&format!("{model},whole,{time:.6},{bytes:.0}\n"));
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
        let mut jobs = Vec::new();
        engine.simulate(&system, &chosen, 1, JobRows::new(|row: &JobRow| jobs.push(*row)))?;
        Ok(figures(&workload, &jobs))
    }
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
