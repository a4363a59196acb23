//! Bounds of the tasks of a scenario on a platform, beside what a simulation saw.

mod obstacle;
mod policy;
mod tasks;

use std::io::Write;

use rtmm_analysis::ResponseBound;
use rtmm_hardware::{Mode, load as hardware};
use rtmm_runners::engine::{Engine, RunSettings};
use rtmm_sim::System;
use rtmm_sim::metrics::Summary;
use rtmm_workload::{Duration, Legality, TaskId, load};
use serde::Serialize;

use super::{FORMAT, VERSION};
use crate::args::{Analyse, Format};
use crate::commands::fit;
use crate::commands::run::chosen;
use crate::failure::Failure;
use crate::output::{Rows, print_json, stdout};
use obstacle::Obstacle;
use policy::Analysed;
use tasks::Tasks;

/// Bounds of a scenario's tasks as JSON.
#[derive(Serialize)]
struct Report<'r> {
    format: &'static str,
    version: u32,
    schedulable: Option<bool>,
    scenario: &'r str,
    platform: &'r str,
    policy: &'r str,
    parameters: serde_json::Value,
    seed: u64,
    tasks: Vec<TaskReport>,
}

/// A task as JSON: a bound with what proves it, or the reason why there is none.
#[derive(Serialize)]
struct TaskReport {
    task: String,
    accelerator: Option<String>,
    bound_ms: Option<f64>,
    observed_ms: Option<f64>,
    deadline_ms: Option<f64>,
    in_time: Option<bool>,
    method: Option<&'static str>,
    theorem: Option<&'static str>,
    reason: Option<String>,
}

pub(super) fn analyse(arguments: &Analyse, scenario: &str, platform: &str) -> Result<(), Failure> {
    let chosen = chosen(Some(&arguments.policy), &arguments.set)?;
    let workload = load::workload(scenario, None, Legality::Strict)?;
    let platform = hardware::platform(platform, None, Mode::Corrected)?;
    let file = || fit::Sources::of(Some(scenario), None, None).scenario;
    let system = Engine::built_in()
        .system_for(&chosen.policy, &workload, &platform)
        .map_err(|error| fit::failed(file().as_ref(), &workload, &platform, error))?;
    RunSettings::of(&chosen.settings)
        .check(system.scenario.duration)
        .map_err(|error| Failure::usage(error.to_string(), "change --set, or lengthen the scenario"))?;
    let (summary, ()) = Engine::built_in().simulate(&system, &chosen, arguments.seed, ())?;
    let tasks = reports(&system, Analysed::of(&chosen.policy), &summary);
    match arguments.format {
        Format::Json => print_json(
            &mut stdout(),
            &Report {
                format: FORMAT,
                version: VERSION,
                schedulable: schedulable(&tasks),
                scenario: &system.scenario.name,
                platform: &system.platform.name,
                policy: &chosen.policy.name,
                parameters: serde_json::to_value(&chosen.policy.parameters)?,
                seed: arguments.seed,
                tasks,
            },
        )?,
        format => print_rows(&system, &chosen.policy.name, arguments.seed, &tasks, format)?,
    }
    Ok(())
}

fn reports(system: &System, policy: Result<Analysed, Obstacle>, summary: &Summary) -> Vec<TaskReport> {
    let known = policy.map(|policy| Tasks::new(system, policy));
    let bounds = match &known {
        Ok(tasks) => tasks.bounds(),
        Err(reason) => vec![Err(reason.clone()); system.scenario.tasks.len()],
    };
    let report =
        |((index, task), bound): ((usize, &rtmm_workload::Task), Result<ResponseBound, Obstacle>)| {
            let id = TaskId::new(index);
            let tasks = known.as_ref().ok();
            let accelerator = tasks.and_then(|tasks| Some(tasks.name(tasks.accelerator(id)?)));
            let deadline = system.scenario.relative_deadline(id);
            let of = summary.tasks.get(index);
            let was_late = of.is_some_and(|of| of.jobs.violated() > 0);
            let in_time = match (&bound, deadline) {
                _ if was_late => Some(false),
                (Ok(bound), Some(deadline)) if bound.response <= deadline => Some(true),
                _ => None,
            };
            let method = bound.as_ref().ok().map(|bound: &ResponseBound| bound.method);
            TaskReport {
                task: task.name.clone(),
                accelerator,
                bound_ms: bound.as_ref().ok().map(|bound| bound.response.milliseconds()),
                observed_ms: of.and_then(|of| of.response_max_ms),
                deadline_ms: deadline.map(Duration::milliseconds),
                in_time,
                method: method.map(|method| method.name),
                theorem: method.map(|method| method.theorem),
                reason: bound.err().map(|reason| reason.to_string()),
            }
        };
    system.scenario.tasks.iter().enumerate().zip(bounds).map(report).collect()
}

/// True if every job of every task is in time, false if one was late; none where neither is known.
fn schedulable(tasks: &[TaskReport]) -> Option<bool> {
    if tasks.iter().any(|task| task.in_time == Some(false)) {
        return Some(false);
    }
    tasks.iter().all(|task| task.in_time == Some(true)).then_some(true)
}

fn print_rows(
    system: &System,
    policy: &str,
    seed: u64,
    tasks: &[TaskReport],
    format: Format,
) -> Result<(), Failure> {
    let shown = |ms: Option<f64>| ms.map_or_else(String::new, |ms| format!("{ms:.6}"));
    let row = |task: &TaskReport| {
        let in_time = task.in_time.map_or("unknown", |in_time| if in_time { "yes" } else { "no" });
        vec![
            task.task.clone(),
            task.accelerator.clone().unwrap_or_default(),
            shown(task.bound_ms),
            shown(task.observed_ms),
            shown(task.deadline_ms),
            in_time.to_owned(),
            task.method.unwrap_or_default().to_owned(),
            task.reason.clone().unwrap_or_default(),
        ]
    };
    let mut rows = Rows {
        title: format!(
            "{} on {} under {policy}, observed at seed {seed}",
            system.scenario.name, system.platform.name
        ),
        header: vec![
            "task",
            "accelerator",
            "bound_ms",
            "observed_ms",
            "deadline_ms",
            "in_time",
            "method",
            "reason",
        ],
        numbers: vec![false, false, true, true, true, false, false, false],
        rows: tasks.iter().map(row).collect(),
    };
    if matches!(format, Format::Csv) {
        return rows.print(format);
    }
    // Reasons are sentences: they stand below.
    rows.header.pop();
    rows.numbers.pop();
    rows.rows.iter_mut().for_each(|row| row.truncate(7));
    rows.print(Format::Table)?;
    let mut out = stdout();
    for task in tasks {
        if let Some(reason) = &task.reason {
            writeln!(out, "{}: no bound, since {reason}", task.task)?;
        }
    }
    writeln!(
        out,
        "{}",
        match schedulable(tasks) {
            Some(true) => "schedulable: no job misses its deadline",
            Some(false) => "not schedulable: a job missed its deadline",
            None => "unknown whether every job is in time",
        }
    )?;
    out.flush()?;
    Ok(())
}
