//! Means of the sweeps, with their intervals: a row for cells that differ in the seed only.

use std::io::Write;

use rtmm_sweep::plan::Cell;
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::short_names;
use rtmm_sweep::statistics::{Bootstrap, MINIMUM_SAMPLES, mean};

use super::super::Problem;
use super::networks::Network;

/// Cell columns of the engine that the page shows.
const COLUMNS: [&str; 10] = [
    "sla_satisfaction",
    "sla_satisfaction_low",
    "sla_satisfaction_mid",
    "sla_satisfaction_high",
    "stp_normalised",
    "fairness_min_ratio",
    "fairness_jain",
    "antt",
    "throttled_ms",
    MAKESPAN,
];

const MAKESPAN: &str = "makespan_ms";

/// Parts of the DRAM bandwidth and of the tiles that are in use until the last query ends. The columns behind them are
/// of the whole run, which goes on to the scenario's duration where that is later.
const IN_USE: [(&str, &str); 2] =
    [("dram_in_use", "dram_bandwidth_utilisation"), ("tiles_in_use", "utilisation_mean")];

/// Throughput relative to networks alone on two tiles, as the artifact counts it, instead of on all.
const ON_TWO_TILES: &str = "stp_on_two_tiles";

/// Names of the columns.
pub(super) fn header() -> Vec<String> {
    let keys = ["sweep", "scenario", "load_factor", "platform", "policy"].map(str::to_owned);
    let in_use = IN_USE.map(|(name, _)| name);
    let metrics = COLUMNS.into_iter().chain(in_use).chain([ON_TWO_TILES]);
    let of_metric = |name: &str| [name.to_owned(), format!("{name}_low"), format!("{name}_high")];
    keys.into_iter().chain(metrics.flat_map(of_metric)).collect()
}

/// Writes the rows of a sweep.
pub(super) fn write(
    sweep: &str,
    results: &Results<'_>,
    networks: &[Network],
    writer: &mut csv::Writer<impl Write>,
) -> Result<(), Problem> {
    let plan = results.plan();
    let names = short_names(&plan.axes().policies);
    for cells in plan.groups() {
        let cell = &cells[0];
        let load = plan.varied_scenario(cell).number("load_factor").unwrap_or(1.0);
        let policy = plan.axes().policies.iter().position(|policy| policy == plan.policy(cell));
        let name = policy.and_then(|index| names.get(index)).ok_or("a cell has a policy of the plan")?;
        let mut row = vec![
            sweep.to_owned(),
            plan.scenario(cell).name.clone(),
            load.to_string(),
            plan.platform(cell).name.clone(),
            name.clone(),
        ];
        for column in COLUMNS {
            let value = |cell: &Cell| results.cell_value(cell, column)?.number();
            estimate(&cells.iter().filter_map(value).collect::<Vec<f64>>(), &mut row);
        }
        let duration_ms = plan.scenario(cell).duration.milliseconds();
        for (_, column) in IN_USE {
            let value = |cell: &Cell| {
                let of = |column: &str| results.cell_value(cell, column)?.number();
                let makespan = of(MAKESPAN)?;
                Some(of(column)? * makespan.max(duration_ms) / makespan)
            };
            estimate(&cells.iter().filter_map(value).collect::<Vec<f64>>(), &mut row);
        }
        let on_two_tiles = |cell: &Cell| {
            let of_task = |network: &Network| {
                let progress = results.task_value(cell, &network.task, "normalised_progress")?.number()?;
                Some(progress * network.on_two_tiles_ms / network.on_all_tiles_ms)
            };
            networks.iter().filter_map(of_task).sum::<f64>()
        };
        estimate(&cells.iter().map(on_two_tiles).collect::<Vec<f64>>(), &mut row);
        writer.write_record(&row)?;
    }
    Ok(())
}

/// The mean and its interval, as texts; nothing where there is none.
fn estimate(values: &[f64], row: &mut Vec<String>) {
    let text = |value: f64| format!("{value:.6}");
    let interval = match values.len() {
        size if size >= MINIMUM_SAMPLES => Bootstrap::new(size).intervals(&[values])[0],
        _ => None,
    };
    row.push(mean(values).map(text).unwrap_or_default());
    row.push(interval.map(|one| text(one.low)).unwrap_or_default());
    row.push(interval.map(|one| text(one.high)).unwrap_or_default());
}
