//! The queries of the published log, replayed causally: by the engine, and by a queue that has the run times of the log.
//!
//! The engine predicts how long queries run. The queue takes that from the log instead, so that the two of them tell what is
//! due to run times from what is due to the order and the instants in which queries were run.

use std::path::Path;

use rayon::prelude::*;
use rtmm_hardware::{Mode, load as hardware};
use rtmm_reference::moca::load_generator::Qos;
use rtmm_runners::engine::{Engine, system};
use rtmm_sim::metrics::{JobRow, JobRows};
use rtmm_sweep::runner::{CellRunner, Chosen};
use rtmm_workload::input::Source;
use rtmm_workload::{Legality, load};

use super::super::Problem;
use super::PLATFORM;
use super::log::{LogCell, Logged, Query};

/// Groups of two tiles on the chip.
const GROUPS: usize = 4;
/// Cycles from the present to the instant that the program plans for.
const HEAD_START_CYCLES: u64 = 5_000_000;

/// A cell of the log as the engine ran it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Replayed {
    /// Share of queries that met their targets.
    pub sla: f64,
    /// Sum of the times from first dispatch to end, in cycles.
    pub runtime_cycles: f64,
    /// Estimate of the same queries, each alone on two tiles.
    pub isolated_cycles: f64,
}

/// The queries of a cell as a request file.
fn requests(cell: &LogCell) -> String {
    let mut text = String::from("arrival_s,model,sample,priority,relative_deadline_s\n");
    let seconds = |cycles: u64| format!("{}.{:09}", cycles / 1_000_000_000, cycles % 1_000_000_000);
    for query in &cell.queries {
        let model = query.net.name().replace('-', "_");
        let (arrival, target) = (seconds(query.dispatch), seconds(query.target));
        text.push_str(&format!("{arrival},moca/{model},,{},{target}\n", query.priority));
    }
    text
}

/// Replays a cell under the policy of its kind.
pub(crate) fn engine(cell: &LogCell) -> Result<Replayed, Problem> {
    let level = match cell.qos {
        Qos::Low => "_low",
        Qos::Medium => "",
        Qos::High => "_high",
    };
    let scenario = format!("moca/set_{}{level}", cell.set.name().to_lowercase());
    let scenario = load::workload(&scenario, None, Legality::Strict).map_err(|error| error.to_string())?;
    let source = Source::new("queries.csv", requests(cell));
    let workload =
        load::requests_of(&source, Some(&scenario), Legality::Strict).map_err(|error| error.to_string())?;
    let platform = hardware::platform(PLATFORM, None, Mode::Corrected).map_err(|error| error.to_string())?;
    let system = system(&workload, &platform)?;
    let runner = Engine::built_in();
    let schema = runner.spec().policy(cell.policy.policy()).ok_or("no such policy")?;
    let chosen = Chosen::read(runner.spec(), schema, &["end_of_run=drain"])?;
    let (mut met, mut runtime, mut isolated, mut jobs) = (0_usize, 0_u64, 0_u64, 0_usize);
    let rows = JobRows::new(|row: &JobRow| {
        jobs += 1;
        met += usize::from(row.is_violated() == Some(false));
        let began = row.start.unwrap_or(row.end);
        runtime += row.end.saturating_since(began).picoseconds();
        if let Some(class) = row.accelerator.and_then(|on| system.profile.class_with(on, 2)) {
            isolated += system.profile.remaining(row.model, 0, class).picoseconds();
        }
    });
    runner.simulate(&system, &chosen, 1, rows)?;
    Ok(Replayed {
        sla: met as f64 / jobs.max(1) as f64,
        runtime_cycles: runtime as f64 / 1e3,
        isolated_cycles: isolated as f64 / 1e3,
    })
}

/// SLA satisfaction of a causal queue before four groups that never wait for each other: whenever one is free it takes, of the
/// queries that are there, the one of the largest priority + waited / isolated, and runs it as long as the log says. Queries
/// are there `ahead` cycles before their dispatch.
pub(crate) fn queue(queries: &[Query], runtimes: &[u64], ahead: u64) -> f64 {
    let arrival = |query: &Query| query.dispatch as i64 - ahead as i64;
    let mut free = [0_i64; GROUPS];
    let mut waiting: Vec<usize> = (0..queries.len()).collect();
    let mut met = 0_usize;
    while let Some(first) = waiting.iter().map(|index| arrival(&queries[*index])).min() {
        let group = (0..GROUPS).min_by_key(|group| free[*group]).unwrap_or(0);
        let now = free[group].max(first);
        let score = |index: usize| {
            let query = &queries[index];
            let waited = (now - arrival(query)) as f64;
            f64::from(query.priority) + waited / query.net.facts().isolated_cycles as f64
        };
        // Of equal ones the first to arrive: `max_by` would take the last.
        let there = waiting.iter().copied().filter(|index| arrival(&queries[*index]) <= now).rev();
        let Some(next) = there.max_by(|one, other| score(*one).total_cmp(&score(*other))) else { break };
        waiting.retain(|index| *index != next);
        free[group] = now + runtimes[next] as i64;
        met += usize::from(free[group] - (queries[next].dispatch as i64) < queries[next].target as i64);
    }
    met as f64 / queries.len().max(1) as f64
}

/// Run times of a cell of the log; of queries that never completed, those that they have under the static partition.
pub(crate) fn runtimes(cell: &LogCell, of_static: &LogCell) -> Vec<u64> {
    let pairs = cell.queries.iter().zip(&of_static.queries);
    pairs.map(|(query, other)| if query.is_unfinished { other.runtime } else { query.runtime }).collect()
}

/// Writes a row for each cell of the log.
pub(super) fn write(cells: &[LogCell], path: &Path) -> Result<(), Problem> {
    let replayed: Vec<Result<Replayed, String>> =
        cells.par_iter().map(|cell| engine(cell).map_err(|problem| problem.to_string())).collect();
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record([
        "workload_set",
        "qos",
        "policy",
        "queries",
        "unfinished",
        "unfinished_met",
        "never_ran",
        "before_dispatch",
        "head_start_cycles",
        "too_fast",
        "not_causal",
        "sla_logged",
        "sla_corrected",
        "stp_logged",
        "stp_corrected",
        "fairness_logged",
        "fairness_corrected",
        "last_dispatch_cycle",
        "isolated_measured_cycles",
        "runtime_logged_cycles",
        "sla_queue",
        "sla_queue_ahead",
        "isolated_ours_cycles",
        "runtime_ours_cycles",
        "sla_ours",
    ])?;
    for (cell, ours) in cells.iter().zip(replayed) {
        let ours = ours?;
        let is_static =
            |other: &&LogCell| (other.set, other.qos, other.policy) == (cell.set, cell.qos, Logged::Static);
        let of_static = cells.iter().find(is_static).ok_or("the log lacks a static partition")?;
        let runtimes = runtimes(cell, of_static);
        let count = |holds: &dyn Fn(&Query) -> bool| {
            cell.queries.iter().filter(|query| holds(query)).count().to_string()
        };
        let (stp, fairness) = cell.throughput_and_fairness(false);
        let (stp_corrected, fairness_corrected) = cell.throughput_and_fairness(true);
        let ratio = |value: f64| format!("{value:.6}");
        let measured: u64 = cell.queries.iter().map(|query| query.net.facts().isolated_cycles).sum();
        let head_start: u64 = cell.queries.iter().map(Query::head_start).sum();
        let last = cell.queries.iter().map(|query| query.dispatch).max().unwrap_or(0);
        writer.write_record([
            cell.set.name().to_owned(),
            cell.qos.name().to_owned(),
            cell.policy.name().to_owned(),
            cell.queries.len().to_string(),
            count(&|query| query.is_unfinished),
            count(&|query| query.is_unfinished && query.is_met()),
            count(&Query::never_ran),
            count(&|query| query.head_start() > 0),
            head_start.to_string(),
            count(&Query::is_too_fast),
            count(&Query::is_not_causal),
            ratio(cell.sla()),
            ratio(cell.sla_corrected()),
            ratio(stp),
            ratio(stp_corrected),
            ratio(fairness),
            ratio(fairness_corrected),
            last.to_string(),
            measured.to_string(),
            runtimes.iter().sum::<u64>().to_string(),
            ratio(queue(&cell.queries, &runtimes, 0)),
            ratio(queue(&cell.queries, &runtimes, HEAD_START_CYCLES)),
            format!("{:.0}", ours.isolated_cycles),
            format!("{:.0}", ours.runtime_cycles),
            ratio(ours.sla),
        ])?;
    }
    writer.flush()?;
    Ok(())
}
