//! Reports as files: the page, its figures, and the timeline of a run.

use std::path::Path;

use rtmm_report::{Report, ReportRun, worst_run};
use rtmm_runners::engine::Engine;
use rtmm_sim::System;
use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{CellRunner, Chosen, RunError};
use rtmm_timeline::Timeline;
use rtmm_timeline::forms::Gantt;
use rtmm_workload::Workload;
use tracing::warn;

use crate::failure::Failure;
use crate::folders::create;
use crate::output::replace_file;

/// Writes a report into a folder, which is there; returns the paths of its files below it.
pub(crate) fn write(report: &Report, directory: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for (name, text) in report.files() {
        let path = directory.join(&name);
        if let Some(folder) = path.parent() {
            create(folder)?;
        }
        replace_file(&path, text.as_bytes())?;
        names.push(name);
    }
    Ok(names)
}

/// The workload, the policy with the settings of the run, and the system of a cell on the engine.
pub(crate) fn cell_on_engine(plan: &Plan<'_>, cell: &Cell) -> Result<(Chosen, System), RunError> {
    let chosen = Chosen { policy: plan.policy(cell).clone(), settings: plan.axes().settings.clone() };
    let workload = Workload { scenario: plan.scenario(cell).clone(), models: plan.models(cell).to_vec() };
    let system = Engine::built_in().system_for(&chosen.policy, &workload, plan.platform(cell))?;
    Ok((chosen, system))
}

/// The timeline of the worst run of a sweep; nothing where its runner leaves none.
pub(crate) fn worst(results: &Results<'_>) -> Option<ReportRun> {
    let plan = results.plan();
    if plan.spec().name != Engine::built_in().spec().name {
        return None;
    }
    let run = worst_run(results)?;
    let name = "worst_run";
    let command = format!("{} --timeline {name}.svg", command(plan, run.cell));
    match chart(plan, run.cell) {
        Ok(svg) => Some(ReportRun {
            name: name.to_owned(),
            title: if plan.len() > 1 { "The worst run" } else { "The run" }.to_owned(),
            caption: run.sentence,
            command,
            svg,
        }),
        Err(reason) => {
            warn!(cell = run.cell.index, reason, "the worst run has no timeline");
            None
        }
    }
}

/// Command that runs a cell again.
pub(crate) fn command(plan: &Plan<'_>, cell: &Cell) -> String {
    format!("rtmm run --sweep {} --cell {}", quoted(&plan.axes().name), cell.index)
}

/// A run as a Gantt chart.
fn chart(plan: &Plan<'_>, cell: &Cell) -> Result<String, String> {
    let (chosen, system) = cell_on_engine(plan, cell).map_err(|error| error.to_string())?;
    let mut svg = Vec::new();
    let timeline = Timeline::new(&system, Box::new(Gantt::new(&system, Box::new(&mut svg))));
    let watched = Engine::built_in().simulate(&system, &chosen, cell.seed, timeline);
    let (_, timeline) = watched.map_err(|error| error.to_string())?;
    timeline.finish().map_err(|error| error.to_string())?;
    String::from_utf8(svg).map_err(|error| error.to_string())
}

/// A word of a command, in quotes where a shell would take it for something else.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+%@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted("mine/a.toml"), "mine/a.toml");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
