//! `cargo xtask evaluation frontier`: the sweeps behind docs/evaluation/frontier.md.
//!
//! Means over the seeds of each scenario, platform, load and policy are written to `docs/evaluation/data/frontier_cells.csv`, and
//! those of a sweep over more platforms to `frontier_platforms_cells.csv`.

use std::path::Path;

use rtmm_sweep::sweep::Finished;

use super::{DATA, Problem, complete, groups, with_sweep};
use crate::project_root;

/// The sweep.
pub(crate) const SWEEP: &str = "frontier";
/// The table.
pub(crate) const TABLE: &str = "frontier_cells.csv";
/// The sweep over more platforms, with fewer seeds and policies.
pub(crate) const WIDE: &str = "frontier_platforms";
/// Its table.
pub(crate) const WIDE_TABLE: &str = "frontier_platforms_cells.csv";
/// Metrics of the tables of this page and of that on drawn systems.
pub(crate) const METRICS: [&str; 4] =
    ["deadline_violation_rate", "completion_rate", "energy_per_completed_pj", "ux_cost"];

/// Runs the sweeps, and writes what the page needs.
pub(crate) fn run() -> Result<(), Problem> {
    let root = project_root();
    for (sweep, table) in [(SWEEP, TABLE), (WIDE, WIDE_TABLE)] {
        println!("sweep {sweep}");
        with_sweep(sweep, &root.join("results").join(sweep), |finished, _| {
            complete(&finished.results)?;
            write(finished, &root.join(DATA).join(table))
        })?;
    }
    Ok(())
}

fn write(finished: &Finished<'_>, path: &Path) -> Result<(), Problem> {
    let mut writer = csv::Writer::from_path(path)?;
    let fixed = ["scenario", "platform", "costs", "load", "policy"];
    writer.write_record(fixed.iter().chain(&METRICS))?;
    for seeds in groups(&finished.results, &finished.summary) {
        let (platform, costs) = seeds.platform.split_once('@').unwrap_or((seeds.platform, "corrected"));
        let mut row = vec![
            seeds.scenario.to_owned(),
            platform.to_owned(),
            costs.to_owned(),
            seeds.load(),
            seeds.short_name(),
        ];
        row.extend(means(finished, seeds.group));
        writer.write_record(row)?;
    }
    writer.flush()?;
    Ok(())
}

/// The means of [`METRICS`] over the seeds of a group; empty where there is none.
pub(super) fn means(finished: &Finished<'_>, group: &rtmm_sweep::summary::Group) -> Vec<String> {
    let mean = |wanted: &&str| {
        let at = finished.summary.metrics.iter().position(|metric| metric.column.name == *wanted);
        let statistics = at.and_then(|at| group.statistics[at]);
        statistics.map_or_else(String::new, |statistics| statistics.mean.to_string())
    };
    METRICS.iter().map(mean).collect()
}
