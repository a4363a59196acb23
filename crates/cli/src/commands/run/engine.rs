//! `rtmm run`: the event engine.

use std::io::Write;

use rtmm_hardware::{Mode, Platform};
use rtmm_report::{Column, Row, TableCell, TextTable};
use rtmm_runners::Runners;
use rtmm_runners::engine::{Engine, RunSettings, SettingsError, points, result};
use rtmm_sim::metrics::{JobRow, JobRows, Summary, Windows};
use rtmm_sim::{Observer, System};
use rtmm_sweep::runner::{CellRunner, Chosen, PolicySchema, SeriesPoint, Value};
use rtmm_workload::input::{Diagnostics, suggestion};
use rtmm_workload::{Legality, Workload, load};
use serde::Serialize;

use super::{inputs, report, spare_inputs, timeline};
use crate::args::{Format, Run};
use crate::commands::{fit, unmatched};
use crate::failure::Failure;
use crate::idle::{warn_of_platform, warn_of_run};
use crate::output::{Unwritten, print_json, stdout, style, width, write_file};
use crate::progress::Simulated;
use crate::reports::cell_on_engine;

/// The form of the JSON output; raised when a field changes its meaning or goes away.
const JSON_VERSION: u32 = 1;
/// The policy where none is named: it needs nothing but deadlines.
const DEFAULT_POLICY: &str = "edf";
const PJ_PER_MJ: f64 = 1e9;
/// Between numbers of one line.
const SPACE: &str = "   ";

/// A run that is to be done.
struct Wanted {
    system: System,
    chosen: Chosen,
    seed: u64,
    /// Scenario and platform as they are, for a report; none of a cell of a sweep.
    inputs: Option<(Workload, Platform)>,
}

pub(super) fn run(arguments: &Run) -> Result<(), Failure> {
    match (&arguments.sweep, arguments.cell) {
        (Some(sweep), Some(cell)) => run_cell(arguments, sweep, cell),
        _ => run_scenario(arguments),
    }
}

fn run_scenario(arguments: &Run) -> Result<(), Failure> {
    let mut set = arguments.set.clone();
    // The setting of sweeps, by a shorter name.
    set.extend(arguments.window.iter().map(|window| format!("window={window}")));
    let chosen = read(arguments.policy.as_deref(), &set)?;
    refuse_idle_settings(&chosen, arguments.series.is_some())?;
    warn_of_run(&chosen.policy);
    let (workload, platform) = inputs(arguments, workload(arguments), Mode::Corrected)?;
    unmatched::warn(&platform, &workload.models);
    let file = || fit::Sources::of(arguments.scenario.as_deref(), None, None).scenario;
    let system = Engine::built_in()
        .system_for(&chosen.policy, &workload, &platform)
        .map_err(|error| fit::failed(file().as_ref(), &workload, &platform, error))?;
    fit::warn_of_pins(file, &workload.scenario, &platform);
    warn_of_platform(&chosen.policy, &system.platform);
    let inputs = arguments.report.is_some().then_some((workload, platform));
    let wanted = Wanted { system, chosen, seed: arguments.seed(), inputs };
    let mut unwritten = Unwritten::default();
    let (summary, chart) = simulate(arguments, &wanted, &mut unwritten)?;
    if let (Some(directory), Some(chart), Some((workload, platform))) =
        (&arguments.report, chart, wanted.inputs)
    {
        let chosen = &wanted.chosen;
        unwritten.note(report::of_run(arguments, directory, workload, platform, chosen, &summary, chart));
    }
    unwritten.told_after(print(arguments, wanted.seed, &wanted.system, &wanted.chosen, &summary, None::<()>))
}

/// Runs a cell of a sweep again.
fn run_cell(arguments: &Run, sweep: &str, number: usize) -> Result<(), Failure> {
    let plan = rtmm_sweep::file::plan(sweep, &Runners::built_in().list())?;
    spare_inputs(arguments)?;
    let runner = &plan.spec().name;
    if *runner != Engine::built_in().spec().name {
        return Err(Failure::usage(
            format!("the cells of this sweep are run by `{runner}`"),
            "run them with `rtmm sweep`, or by `rtmm run --compat`",
        ));
    }
    let Some(cell) = plan.cells().get(number) else {
        return Err(Failure::usage(
            format!("there is no cell {number}: the sweep has {}, numbered from 0", plan.len()),
            "take the number from the column `cell` of its results",
        ));
    };
    let (chosen, system) = cell_on_engine(&plan, cell).map_err(|error| {
        let workload = &plan.axes().workloads[cell.workload.index()];
        let from = load::open(load::Kind::Sweep, sweep, None).ok();
        let file = fit::Sources::of(Some(&workload.scenario.name), None, from.as_ref()).scenario;
        fit::failed(file.as_ref(), workload, plan.platform(cell), error)
    })?;
    let wanted = Wanted { system, chosen, seed: cell.seed, inputs: None };
    let mut unwritten = Unwritten::default();
    let (summary, chart) = simulate(arguments, &wanted, &mut unwritten)?;
    if let (Some(directory), Some(chart)) = (&arguments.report, chart) {
        unwritten.note(report::of_cell(directory, &plan, cell, &summary, chart));
    }
    unwritten.told_after(print(arguments, wanted.seed, &wanted.system, &wanted.chosen, &summary, None::<()>))
}

/// Does a run with all that watches it, and writes the tables that are asked for; the chart is that of a report.
fn simulate(
    arguments: &Run,
    wanted: &Wanted,
    unwritten: &mut Unwritten,
) -> Result<(Summary, Option<String>), Failure> {
    let Wanted { system, chosen, seed, .. } = wanted;
    let mut jobs = Vec::new();
    let keep = arguments.jobs.is_some().then_some(&mut jobs);
    let mut series = Ok(());
    let watched = timeline::watched_for_report(arguments, system, unwritten, |timeline| {
        let Some(path) = &arguments.series else {
            return match timeline {
                None => simulated(*seed, chosen, system, keep, ()),
                Some(timeline) => simulated(*seed, chosen, system, keep, timeline),
            };
        };
        let settings = RunSettings::of(&chosen.settings);
        if settings.window.is_zero() {
            return Err(Failure::usage("windows of no length", "write a length such as --window 250ms"));
        }
        let mut windows = Windows::new(system, settings.window, settings.metrics.warm_up);
        let mut both;
        let watch: &mut dyn Observer = match timeline {
            None => &mut windows,
            Some(timeline) => {
                both = (&mut windows, timeline);
                &mut both
            }
        };
        let summary = simulated(*seed, chosen, system, keep, watch)?;
        series = write_file(path, series_csv(&windows)?.as_bytes());
        Ok(summary)
    })?;
    unwritten.note(series);
    if let Some(path) = &arguments.jobs {
        unwritten.note(write_file(path, jobs_csv(system, &jobs)?.as_bytes()));
    }
    Ok(watched)
}

/// Runs a system under a policy; `keep` takes a row a job, and `watch` sees the run.
pub(super) fn simulated(
    seed: u64,
    chosen: &Chosen,
    system: &System,
    mut keep: Option<&mut Vec<JobRow>>,
    watch: impl Observer,
) -> Result<Summary, Failure> {
    RunSettings::of(&chosen.settings).check(system.scenario.duration).map_err(|error| {
        let help = match error {
            SettingsError::PriorityClasses { .. } => {
                "raise `priority_high_from`, or lower `priority_mid_from`"
            }
            SettingsError::WarmUp { .. } => "shorten `warm_up`, or lengthen the run with --duration",
            _ => "write a greater length, such as --window 250ms",
        };
        Failure::usage(error.to_string(), help)
    })?;
    let rows = JobRows::new(|row: &JobRow| {
        if let Some(jobs) = &mut keep {
            jobs.push(*row);
        }
    });
    let watch = (watch, Simulated::new(system.scenario.duration));
    let (summary, _) = Engine::built_in().simulate(system, chosen, seed, (rows, watch))?;
    Ok(summary)
}

fn workload(arguments: &Run) -> Result<Workload, Diagnostics> {
    let scenario =
        arguments.scenario.as_deref().map(|name| load::workload(name, None, Legality::Strict)).transpose()?;
    match (&arguments.requests, scenario) {
        (Some(path), scenario) => {
            load::requests(&path.to_string_lossy(), None, scenario.as_ref(), Legality::Strict)
        }
        (None, Some(scenario)) => Ok(scenario),
        // The arguments require one of the two.
        (None, None) => Err(Diagnostics::default()),
    }
}

/// The policy and the settings of a run that records no series, with what `--set` gives them.
pub(crate) fn chosen(name: Option<&str>, set: &[String]) -> Result<Chosen, Failure> {
    let chosen = read(name, set)?;
    refuse_idle_settings(&chosen, false)?;
    Ok(chosen)
}

fn read(name: Option<&str>, set: &[String]) -> Result<Chosen, Failure> {
    let schema = schema(name.unwrap_or(DEFAULT_POLICY))?;
    Chosen::read(Engine::built_in().spec(), schema, set)
        .map_err(|error| Failure::usage(error.to_string(), error.help()))
}

/// Refuses settings that sweeps have a use for and a single run has none.
pub(crate) fn refuse_idle_settings(chosen: &Chosen, has_series: bool) -> Result<(), Failure> {
    let settings = RunSettings::of(&chosen.settings);
    if settings.bounds {
        let help = "put it into the `[settings]` of a sweep file, or see `rtmm bound`";
        return Err(Failure::usage("`bounds` is a setting of sweeps", help));
    }
    if !settings.window.is_zero() && !has_series {
        let help = "leave it out, or let `rtmm run` write a series with --series FILE --window 250ms";
        return Err(Failure::usage("`window` has no effect: no series is recorded", help));
    }
    Ok(())
}

/// The policy of a name; underscores stand for hyphens.
pub(super) fn schema(name: &str) -> Result<&'static PolicySchema, Failure> {
    let spec = Engine::built_in().spec();
    spec.policy(&name.replace('_', "-")).ok_or_else(|| {
        let names: Vec<&str> = spec.policies.iter().map(|schema| schema.name.as_ref()).collect();
        Failure::usage(
            format!("there is no policy `{name}`"),
            format!("{}; see `rtmm list policies`", suggestion(name, "policy", &names)),
        )
    })
}

#[derive(Serialize)]
struct Report<'r, X: Serialize> {
    format: &'static str,
    version: u32,
    scenario: &'r str,
    platform: &'r str,
    policy: &'r str,
    parameters: serde_json::Value,
    settings: serde_json::Value,
    seed: u64,
    duration_ms: f64,
    #[serde(flatten)]
    summary: &'r Summary,
    #[serde(flatten)]
    extra: Option<X>,
}

/// Prints a run; `extra` is what the JSON form says beside the summary.
pub(super) fn print<X: Serialize>(
    arguments: &Run,
    seed: u64,
    system: &System,
    chosen: &Chosen,
    summary: &Summary,
    extra: Option<X>,
) -> Result<(), Failure> {
    let mut out = stdout();
    match arguments.format {
        Format::Json => {
            let report = Report {
                format: "rtmm-run",
                version: JSON_VERSION,
                scenario: &system.scenario.name,
                platform: &system.platform.name,
                policy: &chosen.policy.name,
                parameters: serde_json::to_value(&chosen.policy.parameters)?,
                settings: serde_json::to_value(&chosen.settings)?,
                seed,
                duration_ms: system.scenario.duration.milliseconds(),
                summary,
                extra,
            };
            print_json(&mut out, &report)?;
        }
        Format::Csv => print_csv(&mut out, summary)?,
        Format::Table => {
            let title = format!(
                "{} on {} under {}, seed {seed}",
                system.scenario.name, system.platform.name, chosen.policy.name
            );
            let has_moves = system.platform.transfers.is_some();
            write!(out, "{}", tasks_table(title, summary, has_moves).to_terminal(&style()))?;
            writeln!(out)?;
            write!(out, "{}", accelerators_table(summary).to_terminal(&style()))?;
            writeln!(out)?;
            for line in totals(summary, has_moves, width()) {
                writeln!(out, "{line}")?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// A row a task, in the columns of sweeps.
fn print_csv(out: &mut impl Write, summary: &Summary) -> Result<(), Failure> {
    let columns = &Engine::built_in().spec().task_columns;
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(std::iter::once("task").chain(columns.iter().map(|column| column.name)))?;
    let values = result(summary).tasks;
    for (task, values) in summary.tasks.iter().zip(values.chunks(columns.len())) {
        let text = |value: &Value| match value {
            Value::Missing => String::new(),
            Value::Integer(value) => value.to_string(),
            Value::Real(value) => value.to_string(),
            Value::Boolean(value) => value.to_string(),
            Value::Text(text) => text.to_string(),
        };
        writer.write_record(std::iter::once(task.task.clone()).chain(values.iter().map(text)))?;
    }
    writer.flush()?;
    Ok(())
}

fn cell(value: Option<f64>, decimals: u8) -> TableCell {
    value.map_or_else(TableCell::missing, |value| TableCell::number(value, decimals))
}

fn count(value: u64) -> TableCell {
    TableCell::text(value.to_string())
}

fn tasks_table(title: String, summary: &Summary, has_moves: bool) -> TextTable {
    let numbers = [
        "released",
        "on time",
        "late",
        "dropped",
        "in flight",
        "violated (%)",
        "mean (ms)",
        "p95 (ms)",
        "energy (mJ)",
    ];
    let columns = std::iter::once(Column::text("task")).chain(numbers.map(Column::number));
    let columns = columns.chain(has_moves.then(|| Column::number("moves")));
    let mut table = TextTable::new(title, columns.collect());
    for task in &summary.tasks {
        let mut cells = vec![
            TableCell::text(&task.task),
            count(task.jobs.released),
            count(task.jobs.on_time),
            count(task.jobs.late),
            count(task.jobs.dropped),
            count(task.jobs.in_flight),
            cell(task.deadline_violation_rate.map(|rate| 100.0 * rate), 2),
            cell(task.response_mean_ms, 3),
            cell(task.response_p95_ms, 3),
            cell(Some(task.energy.energy_pj / PJ_PER_MJ), 3),
        ];
        cells.extend(has_moves.then(|| count(task.energy.moves)));
        table.rows.push(Row { cells, starts_group: false });
    }
    table
}

fn accelerators_table(summary: &Summary) -> TextTable {
    let numbers = ["utilisation (%)", "segments", "context switches", "energy (mJ)"];
    let columns = std::iter::once(Column::text("accelerator")).chain(numbers.map(Column::number));
    let mut table = TextTable::new("Accelerators", columns.collect());
    for accelerator in &summary.accelerators {
        let cells = vec![
            TableCell::text(&accelerator.accelerator),
            cell(accelerator.utilisation.map(|share| 100.0 * share), 2),
            count(accelerator.segments),
            count(accelerator.context_switches),
            cell(Some(accelerator.segment_energy_pj / PJ_PER_MJ), 3),
        ];
        table.rows.push(Row { cells, starts_group: false });
    }
    table
}

/// Energy of the whole platform by its parts, where the platform states power.
fn of_platform(summary: &Summary) -> Vec<String> {
    let Some(of) = &summary.platform else { return Vec::new() };
    let part = |name: &str, picojoules: f64| format!("{name}: {:.3} mJ", picojoules / PJ_PER_MJ);
    vec![
        part("energy of the platform", of.platform_energy_pj),
        part("work", of.platform_work_pj),
        part("static", of.platform_static_pj),
        part("idle", of.platform_idle_pj),
        part("gated", of.platform_gated_pj),
        part("switches", of.platform_switches_pj),
        part("background", of.platform_background_pj),
    ]
}

/// Costs of the moves of jobs between accelerators, where the platform says what lies between them.
fn of_moves(summary: &Summary) -> Vec<String> {
    let energy = &summary.energy;
    vec![
        format!("moves: {}", energy.moves),
        format!("time of moves: {:.3} ms", energy.move_ms),
        format!("energy of moves: {:.3} mJ", energy.energy_move_pj / PJ_PER_MJ),
    ]
}

/// Lines on the whole run, in as few lines as fit.
fn totals(summary: &Summary, has_moves: bool, width: usize) -> Vec<String> {
    let or_dash = |value: Option<f64>, decimals: usize, unit: &str| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}{unit}"))
    };
    let violated = summary.deadline_violation_rate.map(|rate| 100.0 * rate);
    let parts = [
        format!("deadlines violated: {}", or_dash(violated, 2, " %")),
        format!("ANTT from readiness: {}", or_dash(summary.antt, 3, "")),
        format!("normalised STP: {}", or_dash(summary.stp_normalised, 3, "")),
        format!("Jain's fairness: {}", or_dash(summary.fairness_jain, 3, "")),
        format!("UXCost: {}", or_dash(summary.ux_cost, 4, "")),
        format!("XRBench score: {}", or_dash(summary.xrbench_score_percent, 2, " %")),
        format!("energy: {:.3} mJ", summary.energy.energy_pj / PJ_PER_MJ),
        format!("decisions: {}", summary.decisions),
    ]
    .into_iter()
    .chain(has_moves.then(|| of_moves(summary)).into_iter().flatten())
    .chain(of_platform(summary));
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + SPACE.len() + part.len() <= width => {
                line.push_str(SPACE);
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    lines
}

#[derive(Serialize)]
struct JobRecord<'r> {
    task: &'r str,
    frame: u64,
    status: rtmm_sim::metrics::JobStatus,
    model: &'r str,
    arrival_ms: f64,
    release_ms: f64,
    deadline_ms: f64,
    start_ms: Option<f64>,
    end_ms: f64,
    accelerator: Option<&'r str>,
    segments: u32,
    context_switches: u32,
    energy_pj: f64,
    batch: Option<u32>,
    moves: u32,
    move_ms: f64,
    energy_move_pj: f64,
}

/// A row a point, series by series.
fn series_csv(windows: &Windows) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["series", "time_s", "value"])?;
    for (column, points) in Engine::built_in().spec().series_columns.iter().zip(points(windows)) {
        for SeriesPoint { time_s, value } in points {
            let value = value.map_or_else(String::new, |value| value.to_string());
            writer.write_record([column.name, &time_s.to_string(), &value])?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| Failure::Run(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Failure::Run(error.to_string()))
}

/// A row a job, in the order in which jobs end.
fn jobs_csv(system: &System, jobs: &[JobRow]) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let ms = |time: rtmm_workload::Time| time.saturating_since(rtmm_workload::Time::ZERO).milliseconds();
    for job in jobs {
        writer.serialize(JobRecord {
            task: &system.scenario.tasks[job.task.index()].name,
            frame: job.frame,
            status: job.status,
            model: &system.models[job.model.index()].name,
            arrival_ms: ms(job.arrival),
            release_ms: ms(job.release),
            deadline_ms: ms(job.deadline),
            start_ms: job.start.map(ms),
            end_ms: ms(job.end),
            accelerator: job.accelerator.map(|id| system.platform.accelerators[id.index()].name.as_str()),
            segments: job.segments,
            context_switches: job.context_switches,
            energy_pj: (job.energy.total() + job.switch_energy + job.moves.energy).picojoules(),
            batch: job.batch,
            moves: job.moves.count,
            move_ms: job.moves.time.milliseconds(),
            energy_move_pj: job.moves.energy.picojoules(),
        })?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::Run(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Failure::Run(error.to_string()))
}
