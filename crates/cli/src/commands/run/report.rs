//! `rtmm run --report`: a run as a page with its timeline, and as tables of results.
//!
//! A run is a sweep of one cell: its tables and its page are those of sweeps.

use std::path::Path;

use rtmm_hardware::Platform;
use rtmm_report::{Report, ReportRun, worst_run};
use rtmm_runners::engine::{Engine, result};
use rtmm_sim::metrics::Summary;
use rtmm_sweep::output::write_all;
use rtmm_sweep::plan::{Axes, Cell, Plan};
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::Chosen;
use rtmm_sweep::summary::Summary as OverSeeds;
use rtmm_workload::Workload;

use crate::args::Run;
use crate::failure::{Failure, say};
use crate::folders::TIMELINE;
use crate::reports::{self, quoted};

/// Writes the report of a run of a scenario on a platform.
pub(super) fn of_run(
    arguments: &Run,
    directory: &Path,
    workload: Workload,
    platform: Platform,
    chosen: &Chosen,
    summary: &Summary,
    chart: String,
) -> Result<(), Failure> {
    let command = command(arguments);
    let axes = axes(workload, vec![platform], chosen, arguments.seed(), command.clone());
    write(directory, axes, summary, &command, chart)
}

/// Writes the report of a run of a cell of a sweep.
pub(super) fn of_cell(
    directory: &Path,
    plan: &Plan<'_>,
    cell: &Cell,
    summary: &Summary,
    chart: String,
) -> Result<(), Failure> {
    let command = reports::command(plan, cell);
    let workload = Workload { scenario: plan.scenario(cell).clone(), models: plan.models(cell).to_vec() };
    let chosen = Chosen { policy: plan.policy(cell).clone(), settings: plan.axes().settings.clone() };
    let platform = plan.platform(cell).clone();
    let axes = axes(workload, vec![platform], &chosen, cell.seed, command.clone());
    write(directory, axes, summary, &command, chart)
}

fn write(
    directory: &Path,
    axes: Axes,
    summary: &Summary,
    command: &str,
    chart: String,
) -> Result<(), Failure> {
    let failed = |reason: String| Failure::Run(format!("the report: {reason}"));
    let plan = Plan::new(Engine::built_in(), axes).map_err(|problems| {
        failed(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let results = Results::of_one_run(&plan, result(summary)).map_err(failed)?;
    let over_seeds = OverSeeds::of(&results);
    let files =
        write_all(&results, &over_seeds, directory).map_err(|error| Failure::Run(error.to_string()))?;
    let mut report = Report::new(&results, &over_seeds, &[]);
    let caption = worst_run(&results).map_or_else(String::new, |run| run.sentence);
    report.run = Some(ReportRun {
        name: TIMELINE.to_owned(),
        title: "Timeline".to_owned(),
        caption,
        command: format!("{command} --timeline {TIMELINE}.svg"),
        svg: chart,
    });
    report.files_beside = files;
    reports::write(&report, directory)?;
    say!("report: {}", directory.join("index.html").display());
    Ok(())
}

/// The axes of a single run.
fn axes(workload: Workload, platforms: Vec<Platform>, chosen: &Chosen, seed: u64, command: String) -> Axes {
    Axes {
        name: workload.scenario.name.clone(),
        command,
        description: String::new(),
        content_hash: String::new(),
        folder: String::new(),
        workloads: vec![workload],
        platforms,
        pairs: Vec::new(),
        policies: vec![chosen.policy.clone()],
        variations: Vec::new(),
        seeds: vec![seed],
        duration: None,
        settings: chosen.settings.clone(),
        baseline: None,
    }
}

/// The call that does the run again, without what it writes.
fn command(arguments: &Run) -> String {
    let mut words = vec!["rtmm run".to_owned()];
    let mut option = |name: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("--{name} {}", quoted(&value))));
    };
    option("scenario", arguments.scenario.clone());
    option("requests", arguments.requests.as_ref().map(|path| path.display().to_string()));
    option("platform", arguments.platform.clone());
    option("policy", arguments.policy.clone());
    arguments.set.iter().for_each(|set| option("set", Some(set.clone())));
    option("seed", Some(arguments.seed().to_string()));
    option("duration", arguments.duration.clone());
    words.join(" ")
}
