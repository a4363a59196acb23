//! Use of the memory, and demands of networks on it: why a throttle has little to gain.

use std::path::Path;

use super::super::{Problem, table};
use super::data::{Cells, MOCA, Named, SETS, STATIC, name, scenario, share};
use super::replay;

/// Mean of the part that the load generator takes off the distance of two queries: 9.5 steps of 45,000 cycles.
const MEAN_SHORTENING_MS: f64 = 0.4275;
/// Groups of two tiles.
const GROUPS: f64 = 4.0;
/// The part of the bandwidth that each of four runs has at the least.
const PART: f64 = 0.25;
/// The part of the bandwidth above which a job's average demand is memory-intensive.
const INTENSIVE: f64 = 0.5;

fn percent(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}

/// The networks by themselves.
pub(in crate::docs) fn networks(root: &Path) -> Result<String, Problem> {
    let networks = Named::rows(root, "moca_networks.csv")?;
    let mut rows = Vec::new();
    let (mut most, mut greediest) = (0.0, "");
    for network in &networks {
        let demand = network.number("demand")?;
        if demand > most {
            (most, greediest) = (demand, network.text("network")?);
        }
        rows.push(vec![
            format!("`{}`", network.text("network")?),
            format!("{:.2}", network.number("on_two_tiles_ms")?),
            format!("{:.2}", network.number("measured_ms")?),
            format!("{:.2}", network.number("spacing_ms")?),
            format!("{:.2}", network.number("on_all_tiles_ms")?),
            percent(demand),
            percent(network.number("within_a_quarter")?),
        ]);
    }
    let header = [
        "network",
        "two tiles, predicted (ms)",
        "two tiles, the authors' measurement (ms)",
        "spacing of the load generator (ms)",
        "eight tiles, predicted (ms)",
        "mean demand on two tiles",
        "time in layers of at most a quarter",
    ];
    let mark = if most > INTENSIVE { "above" } else { "below" };
    Ok(format!(
        "{}\nThe largest mean demand is that of `{greediest}`: {} of the bandwidth, {mark} the {} from which a job is \
         memory-intensive.",
        table(&header, &rows),
        percent(most),
        percent(INTENSIVE)
    ))
}

/// Load that the sets offer to four groups, as parts of their time, under several accounts of how long queries run.
pub(in crate::docs) fn offered(root: &Path) -> Result<String, Problem> {
    let networks = Named::rows(root, "moca_networks.csv")?;
    let log = Named::rows(root, "moca_replay.csv")?;
    let mut rows = Vec::new();
    for set in SETS {
        let scenario =
            rtmm_workload::load::workload(&scenario(set, ""), None, rtmm_workload::Legality::Strict)
                .map_err(|problems| problems.to_string())?;
        let tasks = &scenario.scenario.tasks;
        let mix = tasks.iter().find_map(|task| match &task.arrivals {
            rtmm_workload::Arrivals::Mix { mix, .. } => Some(mix),
            _ => None,
        });
        let mix = mix.ok_or("a set is a mix")?;
        let total: f64 = mix.members.iter().map(|member| f64::from(member.weight)).sum();
        let mean = |column: &str| -> Result<f64, Problem> {
            let mut sum = 0.0;
            for (task, member) in tasks.iter().zip(&mix.members) {
                let is_it = |network: &&Named| network.text("network").is_ok_and(|name| name == task.name);
                let network = networks.iter().find(is_it).ok_or("a network has a row")?;
                sum += f64::from(member.weight) * network.number(column)?;
            }
            Ok(sum / total)
        };
        let stretch = mix.stretch_millionths as f64 / 1e6;
        let distance = stretch * mean("spacing_ms")? - MEAN_SHORTENING_MS;
        let of_log = |policy: &str, column: &str| -> Result<f64, Problem> {
            let row = replay::row(&log, set, "M", policy)?;
            Ok(row.number(column)? / (GROUPS * row.number("last_dispatch_cycle")?))
        };
        rows.push(vec![
            set.to_owned(),
            share(mean("spacing_ms")? / distance),
            share(mean("measured_ms")? / distance),
            share(of_log("static", "runtime_logged_cycles")?),
            share(of_log("moca", "runtime_logged_cycles")?),
            share(mean("on_two_tiles_ms")? / distance),
            share(of_log("static", "runtime_ours_cycles")?),
            share(of_log("moca", "runtime_ours_cycles")?),
        ]);
    }
    let header = [
        "set",
        "by the generator's spacings",
        "by the authors' measurements, alone",
        "run times of their log, static",
        "run times of their log, MoCA",
        "by our predictions, alone",
        "our run times, static",
        "our run times, MoCA",
    ];
    Ok(table(&header, &rows))
}

/// Use of the memory and of the tiles at QoS-M.
pub(in crate::docs) fn memory(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let mut rows = Vec::new();
    for set in SETS {
        for policy in ["prema", STATIC, "planaria", MOCA] {
            let of = |metric: &str| cells.mean(&scenario(set, ""), policy, metric);
            rows.push(vec![
                set.to_owned(),
                name(policy),
                percent(of("dram_in_use")?),
                percent(of("tiles_in_use")?),
                format!("{:.1}", of("throttled_ms")?),
                format!("{:.1}", of("makespan_ms")?),
            ]);
        }
    }
    let header = [
        "set",
        "policy",
        "DRAM bandwidth in use",
        "tiles in use",
        "time that runs were held back, summed (ms)",
        "until the last query ended (ms)",
    ];
    let mut statements = Vec::new();
    for set in SETS {
        let of = |policy: &str, metric: &str| cells.mean(&scenario(set, ""), policy, metric);
        let (with, without) = (of(MOCA, "throttled_ms")?, of(STATIC, "throttled_ms")?);
        statements.push(format!("{:.2} times in set {set}", with / without));
    }
    Ok(format!(
        "{}\nThe throttle does not shorten the time in which runs are held back, it makes it longer: {}. One of four runs \
         has {} of the bandwidth at the least, whatever the others do.",
        table(&header, &rows),
        statements.join(", "),
        percent(PART)
    ))
}
