//! `rtmm run --compat xrbench`: the XRBench artifact's loop.

use std::io::Write;

use rtmm_hardware::{Mode, Platform};
use rtmm_reference::ReferenceError;
use rtmm_reference::xrbench::{JobEnd, JobRow, Outcome, Runtime, TaskCosts};
use rtmm_report::{Column, Row, TableCell, TextTable};
use rtmm_runners::xrbench::{XrbenchReference, parameters_of, policy as policy_schema};
use rtmm_sweep::runner::{CellRunner, Chosen, Policy};
use rtmm_workload::{Legality, Workload, load};
use serde::Serialize;
use tracing::debug;

use super::inputs;
use crate::args::{Format, Run};
use crate::commands::fit::{self, Sources};
use crate::failure::Failure;
use crate::output::{Unwritten, print_json, stdout, style, write_file};

/// The form of the JSON output; raised when a field changes its meaning or goes away.
const JSON_VERSION: u32 = 1;
const PICOSECONDS_PER_MILLISECOND: u64 = 1_000_000_000;

pub(super) fn run(arguments: &Run) -> Result<(), Failure> {
    let Some(scenario) = arguments.scenario.as_deref().filter(|_| arguments.requests.is_none()) else {
        return Err(Failure::usage(
            "the XRBench artifact runs scenarios, not request files",
            "leave `--requests` out, or leave `--compat` out",
        ));
    };
    let policy = policy(arguments)?;
    let workload = load::workload(scenario, None, Legality::Published);
    let (workload, platform) = inputs(arguments, workload, Mode::Reference)?;
    let Ok(seed) = u32::try_from(arguments.seed()) else {
        let message =
            format!("seed {} is beyond the {} of the C library's generator", arguments.seed(), u32::MAX);
        return Err(Failure::usage(message, "choose a smaller seed"));
    };
    if workload.scenario.duration.picoseconds() % PICOSECONDS_PER_MILLISECOND != 0 {
        let message =
            format!("a duration of {} is no whole number of milliseconds", workload.scenario.duration);
        return Err(Failure::usage(message, "the XRBench artifact's loop counts whole milliseconds"));
    }
    let failed = |error: ReferenceError| {
        // A length that the arguments state stands in no file.
        let is_stated = matches!(error, ReferenceError::RunLength { .. }) && arguments.duration.is_some();
        let scenario = arguments.scenario.as_deref().filter(|_| !is_stated);
        let sources = Sources::of(scenario, arguments.platform.as_deref(), None);
        fit::refused_by_artifact(&error, &sources)
    };
    let costs = TaskCosts::of(&workload, &platform).map_err(failed)?;
    debug!(
        tasks = workload.scenario.tasks.len(),
        accelerators = platform.accelerators.len(),
        "costs computed"
    );
    let runtime = Runtime::new(&workload.scenario, &costs, &parameters_of(&policy)).map_err(failed)?;
    let mut jobs = Vec::new();
    let outcome = runtime.run(seed, |job| {
        if arguments.jobs.is_some() {
            jobs.push(*job);
        }
    });
    let mut unwritten = Unwritten::default();
    if let Some(path) = &arguments.jobs {
        unwritten.note(write_file(path, jobs_csv(&workload, &platform, &jobs)?.as_bytes()));
    }
    unwritten.told_after(print(arguments, &workload, &platform, &policy, &outcome))
}

/// The policy with the parameters that `--set` gives it.
fn policy(arguments: &Run) -> Result<Policy, Failure> {
    let schema = policy_schema();
    if let Some(name) = &arguments.policy
        && *name != schema.name
    {
        return Err(Failure::usage(
            format!("the XRBench artifact cannot run the policy `{name}`"),
            format!("leave --policy out, or say `--policy {}`", schema.name),
        ));
    }
    let chosen = Chosen::read(XrbenchReference::new().spec(), &schema, &arguments.set)
        .map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    Ok(chosen.policy)
}

#[derive(Serialize)]
struct Report<'r> {
    version: u32,
    compat: &'static str,
    scenario: &'r str,
    platform: &'r str,
    policy: &'r str,
    parameters: serde_json::Value,
    seed: u64,
    duration_ms: f64,
    /// Percent; exactly the artifact's 32-bit number, of which it prints six decimals.
    overall_score: f64,
    tasks: Vec<TaskReport<'r>>,
}

#[derive(Serialize)]
struct TaskReport<'r> {
    task: &'r str,
    generated: u32,
    requested: u32,
    completed: u32,
    dropped: u32,
    logged: u32,
    real_time_score: Option<f64>,
    energy_score: Option<f64>,
    qoe_score: Option<f64>,
    score: Option<f64>,
}

fn print(
    arguments: &Run,
    workload: &Workload,
    platform: &Platform,
    policy: &Policy,
    outcome: &Outcome,
) -> Result<(), Failure> {
    let tasks: Vec<TaskReport<'_>> = outcome
        .tasks
        .iter()
        .map(|task| TaskReport {
            task: &workload.scenario.tasks[task.task.index()].name,
            generated: task.generated,
            requested: task.requested,
            completed: task.completed,
            dropped: task.dropped,
            logged: task.logged,
            real_time_score: task.scores.map(|scores| scores.real_time),
            energy_score: task.scores.map(|scores| scores.energy),
            qoe_score: task.scores.map(|scores| scores.qoe.into()),
            score: task.scores.map(|scores| scores.score.into()),
        })
        .collect();
    let mut out = stdout();
    match arguments.format {
        Format::Json => {
            let report = Report {
                version: JSON_VERSION,
                compat: "xrbench",
                scenario: &workload.scenario.name,
                platform: &platform.name,
                policy: &policy.name,
                parameters: serde_json::to_value(&policy.parameters)?,
                seed: arguments.seed(),
                duration_ms: workload.scenario.duration.milliseconds(),
                overall_score: outcome.overall_score.into(),
                tasks,
            };
            print_json(&mut out, &report)?;
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(&mut out);
            for task in &tasks {
                writer.serialize(task)?;
            }
            writer.flush()?;
        }
        Format::Table => {
            let title = format!(
                "{} on {}, XRBench reference mode, seed {}: overall score {:.6} %",
                workload.scenario.name,
                platform.name,
                arguments.seed(),
                outcome.overall_score
            );
            let counts = ["requested", "completed", "dropped"].map(Column::number);
            let scores = ["real-time", "energy", "QoE", "score"].map(Column::number);
            let columns = std::iter::once(Column::text("task")).chain(counts).chain(scores);
            let mut table = TextTable::new(title, columns.collect());
            for task in &tasks {
                let count = |value: u32| TableCell::text(value.to_string());
                let score = |value: Option<f64>| {
                    value.map_or_else(TableCell::missing, |value| TableCell::number(value, 6))
                };
                let cells = vec![
                    TableCell::text(task.task),
                    count(task.requested),
                    count(task.completed),
                    count(task.dropped),
                    score(task.real_time_score),
                    score(task.energy_score),
                    score(task.qoe_score),
                    score(task.score),
                ];
                table.rows.push(Row { cells, starts_group: false });
            }
            write!(out, "{}", table.to_terminal(&style()))?;
        }
    }
    out.flush()?;
    Ok(())
}

#[derive(Serialize)]
struct JobRecord<'r> {
    task: &'r str,
    frame: u32,
    status: &'static str,
    injected_ms: f32,
    deadline_ms: f32,
    accelerator: Option<&'r str>,
    dispatched_ms: Option<f32>,
    completed_ms: Option<f32>,
    dropped_ms: Option<f32>,
    real_time_score: Option<f32>,
    energy_mj: Option<f32>,
}

/// A row a logged job, in the order of the artifact's log.
fn jobs_csv(workload: &Workload, platform: &Platform, jobs: &[JobRow]) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for job in jobs {
        let mut record = JobRecord {
            task: &workload.scenario.tasks[job.task.index()].name,
            frame: job.frame,
            status: "dropped",
            injected_ms: job.injected_ms,
            deadline_ms: job.deadline_ms,
            accelerator: None,
            dispatched_ms: None,
            completed_ms: None,
            dropped_ms: None,
            real_time_score: None,
            energy_mj: None,
        };
        match job.end {
            JobEnd::Completed { accelerator, dispatched_ms, completed_ms, real_time_score, energy_mj } => {
                record.status = "completed";
                record.accelerator = Some(&platform.accelerators[accelerator.index()].name);
                record.dispatched_ms = Some(dispatched_ms);
                record.completed_ms = Some(completed_ms);
                record.real_time_score = Some(real_time_score);
                record.energy_mj = Some(energy_mj);
            }
            JobEnd::Dropped { at_ms } => record.dropped_ms = Some(at_ms),
        }
        writer.serialize(record)?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::Run(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Failure::Run(error.to_string()))
}
