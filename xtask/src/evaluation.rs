//! `cargo xtask evaluation dream [SWEEP]`, `cargo xtask evaluation moca` and `cargo xtask evaluation interference`: the sweeps
//! behind pages of docs/evaluation that take too long for every check of them; of the first also one by itself. `cargo xtask
//! evaluation claims` measures what publications say, `cargo xtask evaluation robustness` how far rankings carry.
//!
//! The sweeps run as `rtmm sweep` would run them, with their stores in a directory that is kept, so that what was run
//! once is not run again. What the page needs of their results, as they are in memory, is written to `docs/evaluation/data`, and figures to
//! `docs/evaluation/figures`; `cargo xtask docs` makes the page from there, without running anything.

#![expect(clippy::disallowed_methods, reason = "writes data and figures of the repository")]

pub(crate) mod claims;
pub(crate) mod frontier;
pub(crate) mod generated;
pub(crate) mod horizon;
pub(crate) mod interference;
pub(crate) mod moca;
pub(crate) mod robustness;
mod search;

use std::path::Path;

use rtmm_report::Report;
use rtmm_runners::Runners;
use rtmm_sweep::execute::{Options, Silent};
use rtmm_sweep::figures::Figure;
use rtmm_sweep::file::{self, SweepFile};
use rtmm_sweep::plan::Plan;
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{Policy, short_names};
use rtmm_sweep::summary::{Group, Summary};
use rtmm_sweep::sweep::{self, Finished};

use crate::project_root;

/// Reason why there is no evaluation.
pub(crate) type Problem = Box<dyn std::error::Error>;

/// The main comparison.
const MAIN: &str = "dream";
/// The landscape that searches are held to.
const LANDSCAPE: &str = "dream_landscape";

/// The sweeps with those of their figures that the page shows.
pub(crate) const SWEEPS: [(&str, &[&str]); 9] = [
    (MAIN, &["uxcost_by_scenario", "uxcost_by_platform", "violations_by_scenario", "energy_by_scenario"]),
    ("dream_ablation", &["ablation_uxcost", "ablation_violations"]),
    ("dream_cascades", &["cascades_uxcost", "cascades_violations"]),
    (LANDSCAPE, &["landscape_neighbours", "landscape_halving"]),
    ("dream_adaptation", &["adaptation_uxcost", "adaptation_miss_rate", "adaptation_alpha"]),
    ("dream_drop_cap", &["drop_cap_uxcost", "drop_cap_violations"]),
    ("dream_load", &["load_uxcost", "load_violations"]),
    ("dream_fragile", &["fragile_uxcost"]),
    (
        "dream_regimes",
        &["regimes_uxcost", "regimes_violations", "regimes_completions", "regimes_energy", "regimes_units"],
    ),
];
/// Figures of which the page has the values alone, in tables: they have too many bars to look at.
const VALUES_ALONE: [&str; 4] =
    ["regimes_uxcost", "regimes_violations", "regimes_completions", "regimes_energy"];

/// Folder of the data of pages under docs/evaluation.
pub(crate) const DATA: &str = "docs/evaluation/data";
/// Folder of their figures.
const FIGURES: &str = "docs/evaluation/figures";

/// Runs the sweeps of the evaluation of DREAM, or the one of this name, and writes what the page needs.
pub(crate) fn dream(only: Option<&str>) -> Result<(), Problem> {
    let root = project_root();
    let stores = root.join("results/dream_evaluation");
    let data = root.join(DATA);
    for (name, shown) in SWEEPS.into_iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        println!("sweep {name}");
        with_sweep(name, &stores.join(name), |finished, figures| {
            publish(&root, &Report::new(&finished.results, &finished.summary, figures), shown)?;
            match name {
                MAIN => write_cases(finished, &data.join("dream_cases.csv")),
                LANDSCAPE => search::write(finished, &data.join("dream_search.csv")),
                _ => Ok(()),
            }
        })?;
    }
    Ok(())
}

/// Runs what is missing of a sweep, and hands its results over.
fn with_sweep(
    name: &str,
    directory: &Path,
    take: impl FnOnce(&Finished<'_>, &[Figure]) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let runners = Runners::built_in();
    let runners = runners.list();
    let SweepFile { plan, figures } = file::read(name, &runners)?;
    let outcome = sweep::run(&plan, directory, &Options::default(), &Silent)?;
    let finished = outcome.finished.ok_or("a whole sweep has results")?;
    complete(&finished.results)?;
    take(&finished, &figures)
}

/// Cells that failed are a problem: the page is about all of them.
pub(crate) fn complete(results: &Results<'_>) -> Result<(), Problem> {
    let Some(failure) = results.failures().first() else { return Ok(()) };
    let plan = results.plan();
    Err(format!("{} failed: {}", plan.describe(&plan.cells()[failure.cell]), failure.reason).into())
}

/// Writes figures with their values: `NAME.csv`, and `NAME.svg` or one a facet.
fn publish(root: &Path, report: &Report, figures: &[&str]) -> Result<(), Problem> {
    let write = |folder: &str, name: &str, text: &str| {
        write_figure(&root.join(folder), &format!("dream_{name}"), text)
    };
    for name in figures {
        let (_, values) =
            report.values.iter().find(|(known, _)| known == name).ok_or("the sweep lacks a figure")?;
        write(DATA, &format!("{name}.csv"), values)?;
        for figure in report.figures.iter().filter(|_| !VALUES_ALONE.contains(name)) {
            let is_facet = figure.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
            if figure.name == *name || is_facet {
                write(FIGURES, &format!("{}.svg", figure.name), figure.svg.as_str())?;
            }
        }
    }
    Ok(())
}

/// Writes a figure, or its values, into a folder.
fn write_figure(folder: &Path, name: &str, text: &str) -> Result<(), Problem> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(name), text)?;
    Ok(())
}

/// Cells that differ in the seed only.
struct Seeds<'r> {
    plan: &'r Plan<'r>,
    group: &'r Group,
    scenario: &'r str,
    platform: &'r str,
    policy: &'r Policy,
}

impl Seeds<'_> {
    /// A parameter of the policy; nothing where it has none of this name.
    fn parameter(&self, name: &str) -> String {
        self.policy.parameter(name).map(ToString::to_string).unwrap_or_default()
    }

    /// The policy with the parameters that differ among those of its name in the sweep.
    fn short_name(&self) -> String {
        let policies = &self.plan.axes().policies;
        let place = policies.iter().position(|policy| policy == self.policy);
        place.map_or_else(|| self.policy.to_string(), |place| short_names(policies).swap_remove(place))
    }

    /// The load factor as results have it.
    fn load(&self) -> String {
        let load = self.plan.varied_scenarios()[self.group.scenario.index()].number("load_factor");
        format!("{:?}", load.unwrap_or(1.0))
    }
}

/// The groups of a sweep, in its order.
fn groups<'r>(results: &'r Results<'_>, summary: &'r Summary) -> impl Iterator<Item = Seeds<'r>> {
    let plan = results.plan();
    summary.groups.iter().map(move |group| {
        let cell = &plan.cells()[group.cells.start];
        Seeds {
            plan,
            group,
            scenario: &plan.scenario(cell).name,
            platform: &plan.platform(cell).name,
            policy: plan.policy(cell),
        }
    })
}

/// The main comparison by scenario and platform.
fn write_cases(finished: &Finished<'_>, path: &Path) -> Result<(), Problem> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(["scenario", "platform", "policy", "metric", "mean"])?;
    for seeds in groups(&finished.results, &finished.summary) {
        let policy = match seeds.parameter("placement") {
            placement if seeds.policy.name == "fcfs" => format!("fcfs placement={placement}"),
            _ => seeds.policy.name.to_string(),
        };
        for (metric, statistics) in finished.summary.metrics.iter().zip(&seeds.group.statistics) {
            let name = metric.column.name;
            let is_shown = ["ux_cost", "deadline_violation_rate", "normalised_energy"].contains(&name);
            if let Some(statistics) = statistics.filter(|_| is_shown) {
                let mean = statistics.mean.to_string();
                writer.write_record([seeds.scenario, seeds.platform, &policy, name, &mean])?;
            }
        }
    }
    writer.flush()?;
    Ok(())
}
