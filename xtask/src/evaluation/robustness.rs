//! `cargo xtask evaluation robustness`: how far the rankings of the evaluations of DREAM, Dysta and MoCA carry.
//!
//! Systems, policies and settings are those of the built-in sweeps, under their first seed; scenarios of DREAM are cut to two
//! seconds. What the analysis finds is written to `docs/evaluation/data/robustness_NAME.csv`, a row for each contest and
//! size, and figures to `docs/evaluation/figures`.

use std::path::Path;
use std::process::ExitCode;

use rtmm_report::Report;
use rtmm_robust::{Study, analyse, report, request};
use rtmm_runners::Runners;
use rtmm_runners::engine::Engine;
use rtmm_sweep::execute::Silent;
use rtmm_workload::Duration;

use super::{DATA, FIGURES, Problem, write_figure};
use crate::project_root;

/// An evaluation of a publication.
pub(crate) struct Evaluation {
    /// Name of the sweep, and of the data.
    pub name: &'static str,
    /// Title for readers.
    pub title: &'static str,
    /// Metrics of the publication, by their columns.
    pub metrics: &'static [&'static str],
    /// The policy of the publication as the sweep names it, and those that it is compared with.
    pub own: &'static str,
    pub others: &'static [&'static str],
    /// Length of runs in milliseconds; none for that of the scenarios.
    duration_ms: Option<u64>,
    seeds: usize,
}

pub(crate) const EVALUATIONS: [Evaluation; 3] = [
    Evaluation {
        name: "dream",
        title: "DREAM",
        metrics: &["ux_cost", "deadline_violation_rate", "energy_pj"],
        own: "dream-full",
        others: &["fcfs placement=fastest-idle", "fcfs placement=assigned", "veltair", "planaria"],
        duration_ms: Some(2_000),
        seeds: 1,
    },
    Evaluation {
        name: "dysta",
        title: "Dysta",
        metrics: &["antt", "deadline_violation_rate", "stp"],
        own: "dysta",
        others: &["fcfs", "sjf", "prema", "planaria", "sdrm3"],
        duration_ms: None,
        seeds: 1,
    },
    Evaluation {
        name: "moca",
        title: "MoCA",
        metrics: &["sla_satisfaction", "stp_normalised", "fairness_min_ratio"],
        own: "moca pairing=true throttle=true",
        others: &["prema", "static-partition", "planaria"],
        duration_ms: None,
        seeds: 1,
    },
];

/// The axes of the page: errors that cost models can have.
pub(crate) const AXES: [&str; 2] = ["costs", "estimates"];
/// Sizes that bisection adds.
const ROUNDS: u32 = 1;

/// Runs the analyses, or the one of this name, and writes what the page needs.
pub(crate) fn run(only: Option<&str>) -> ExitCode {
    match evaluate(only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn evaluate(only: Option<&str>) -> Result<(), Problem> {
    let is_wanted = |one: &&Evaluation| only.is_none_or(|only| one.name == only);
    if !EVALUATIONS.iter().any(|one| is_wanted(&one)) {
        let names: Vec<&str> = EVALUATIONS.iter().map(|one| one.name).collect();
        return Err(format!("there is no such evaluation: there are {}", names.join(", ")).into());
    }
    EVALUATIONS.iter().filter(is_wanted).try_for_each(|one| write(&project_root(), one))
}

/// The study of an evaluation.
pub(crate) fn study(evaluation: &Evaluation) -> Result<Study, Problem> {
    let runners = Runners::built_in();
    let runners = runners.list();
    let plan = rtmm_sweep::file::plan(evaluation.name, &runners).map_err(|problems| problems.to_string())?;
    let mut study = request::study(&plan, evaluation.seeds);
    study.rounds = ROUNDS;
    if let Some(duration) = evaluation.duration_ms.and_then(Duration::from_milliseconds) {
        study.places.iter_mut().for_each(|place| place.workload.scenario.duration = duration);
    }
    study.metrics = evaluation.metrics.iter().map(|name| (*name).to_owned()).collect();
    Ok(study)
}

fn write(root: &Path, evaluation: &Evaluation) -> Result<(), Problem> {
    println!("robustness of {}", evaluation.title);
    let outcome = analyse(Engine::built_in(), &study(evaluation)?, &Study::axes(&AXES)?, &Silent)?;
    let name = |rest: &str| format!("robustness_{}{rest}", evaluation.name);
    write_figure(&root.join(DATA), &name(".csv"), &report::csv(&outcome))?;
    let mut drawn = Report::default();
    report::add(&mut drawn, &outcome);
    for figure in &drawn.figures {
        let rest = figure.name.trim_start_matches("robustness");
        write_figure(&root.join(FIGURES), &name(&format!("{rest}.svg")), figure.svg.as_str())?;
    }
    Ok(())
}
