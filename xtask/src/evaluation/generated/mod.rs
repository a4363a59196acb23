//! `cargo xtask evaluation generated [SEED] [--hardware]`: policies on systems that are drawn, which no policy was made for.
//!
//! Policies and settings are those of the sweep `frontier`. A policy is changed no more before the systems are drawn: the seed
//! is chosen afterwards, and what comes out is reported as it comes. Means over the seeds of each system are written to
//! `docs/evaluation/data/generated_systems.csv`, of systems of another family to its own table.

pub(crate) mod draw;

use std::path::Path;

use rtmm_runners::Runners;
use rtmm_sweep::execute::{Options, Silent};
use rtmm_sweep::file;
use rtmm_sweep::plan::{Axes, Plan, PlatformId, WorkloadId};
use rtmm_sweep::runner::CellRunner;
use rtmm_sweep::sweep::{self, Finished};

use super::frontier::{METRICS, means};
use super::{DATA, Problem, complete, groups};
use crate::project_root;
use draw::{Family, System};

/// The sweep whose policies are compared.
pub(crate) const POLICIES: &str = "frontier";
/// Seeds of the runs of a system: of outcomes and arrivals.
pub(crate) const RUNS: u64 = 3;

/// Draws the systems of a family with a seed, or with that of the page, runs them and writes the table: for the page that of its own
/// seed, of any other one beside its results.
pub(crate) fn run(family: &Family, seed: Option<u64>) -> Result<(), Problem> {
    let seed = seed.unwrap_or(family.seed);
    let root = project_root();
    println!("{} systems of seed {seed}", family.systems);
    let systems = draw::systems(family, seed, family.systems)?;
    let runners = Runners::built_in();
    let runners = runners.list();
    let plan = plan(&systems, &runners)?;
    let store = root.join("results").join(family.table.trim_end_matches(".csv")).join(seed.to_string());
    let outcome = sweep::run(&plan, &store, &Options::default(), &Silent)?;
    let finished = outcome.finished.ok_or("a whole sweep has results")?;
    complete(&finished.results)?;
    let folder = if seed == family.seed { root.join(DATA) } else { store };
    let table = folder.join(family.table);
    write(&finished, family, &systems, &table)?;
    println!("Written to {}", table.display());
    Ok(())
}

/// The systems, each a scenario with a platform of its own, under the policies of the sweep.
fn plan<'r>(systems: &[System], runners: &[&'r dyn CellRunner]) -> Result<Plan<'r>, Problem> {
    let compared = file::plan(POLICIES, runners)?;
    let place = |index: usize| (WorkloadId::new(index), PlatformId::new(index));
    let drawn = Axes {
        name: "generated_systems".to_owned(),
        command: "cargo xtask evaluation generated".to_owned(),
        description: "Systems that are drawn".to_owned(),
        content_hash: String::new(),
        folder: String::new(),
        workloads: systems.iter().map(|system| system.workload.clone()).collect(),
        platforms: systems.iter().map(|system| system.platform.clone()).collect(),
        pairs: (0..systems.len()).map(place).collect(),
        policies: compared.axes().policies.clone(),
        variations: Vec::new(),
        seeds: (1..=RUNS).collect(),
        duration: None,
        settings: compared.axes().settings.clone(),
        baseline: None,
    };
    Plan::new(compared.runner(), drawn)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ").into())
}

fn write(finished: &Finished<'_>, family: &Family, systems: &[System], path: &Path) -> Result<(), Problem> {
    let mut writer = csv::Writer::from_path(path)?;
    let fixed = ["system", "platform", family.column, "tasks", "load", "policy"];
    writer.write_record(fixed.iter().chain(&METRICS))?;
    for seeds in groups(&finished.results, &finished.summary) {
        let system = systems.iter().find(|system| system.workload.scenario.name == seeds.scenario);
        let system = system.ok_or("a scenario that was not drawn")?;
        let mut row = vec![
            system.workload.scenario.name.clone(),
            system.platform_name.clone(),
            system.kind.to_owned(),
            system.workload.scenario.tasks.len().to_string(),
            format!("{:.3}", system.load),
            seeds.short_name(),
        ];
        row.extend(means(finished, seeds.group));
        writer.write_record(row)?;
    }
    writer.flush()?;
    Ok(())
}
