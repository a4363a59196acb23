//! The log of the published run: its queries, which of them cannot have been, and the metrics that follow.
//!
//! A query of the log has a dispatch and a target, a latency from its dispatch, and a runtime: the cycles in which it ran. The
//! program plans queries before they are dispatched and counts queries as done that never ran all of their layers
//! (docs/models/moca-reference.md, quirks 7 and 12). So a row can be such as no causal scheduler leaves behind.

use std::collections::BTreeSet;
use std::path::Path;

use flate2::read::GzDecoder;
use rtmm_reference::moca::Net;
use rtmm_reference::moca::load_generator::{Qos, WorkloadSet};

use super::super::Problem;

/// Where recordings of the program are.
const RECORDINGS: &str = "crates/reference/tests/golden/moca";
/// A query that takes less than this part of what its network takes alone is too fast to be true.
pub(crate) const TOO_FAST: f64 = 0.95;

/// A policy of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logged {
    /// Groups of two tiles without pairing and throttle.
    Static,
    /// MoCA.
    Moca,
}

impl Logged {
    /// Both, in the order of the log.
    pub(crate) const ALL: [Self; 2] = [Self::Static, Self::Moca];

    /// Its name in the log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Moca => "moca",
        }
    }

    /// Ours of the kind.
    pub(crate) const fn policy(self) -> &'static str {
        match self {
            Self::Static => "static-partition",
            Self::Moca => "moca",
        }
    }
}

/// A query of the log. Instants and times are in cycles of 1 GHz.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// Its place among those of the cell, from 0, in the order of dispatch.
    pub id: u64,
    pub net: Net,
    pub priority: u32,
    pub dispatch: u64,
    pub target: u64,
    pub latency: u64,
    pub runtime: u64,
    /// True where it never completed its layers.
    pub is_unfinished: bool,
}

impl Query {
    /// True where the log counts its target as met.
    pub(crate) fn is_met(&self) -> bool {
        self.latency < self.target
    }

    /// True of a query that is counted as run, and never ran.
    pub(crate) fn never_ran(&self) -> bool {
        self.runtime == 0
    }

    /// Cycles by which it ran before it was dispatched.
    pub(crate) fn head_start(&self) -> u64 {
        self.runtime.saturating_sub(self.latency)
    }

    /// True where it took less than its network alone.
    pub(crate) fn is_too_fast(&self) -> bool {
        (self.latency as f64) < TOO_FAST * self.net.facts().isolated_cycles as f64
    }

    /// True where no causal scheduler leaves such a row.
    pub(crate) fn is_not_causal(&self) -> bool {
        self.never_ran() || self.head_start() > 0 || self.is_too_fast()
    }
}

/// A cell of the log: one set at one level under one policy.
#[derive(Clone, Debug)]
pub(crate) struct LogCell {
    pub set: WorkloadSet,
    pub qos: Qos,
    pub policy: Logged,
    pub queries: Vec<Query>,
}

impl LogCell {
    fn share(&self, holds: impl Fn(&Query) -> bool) -> f64 {
        let count = self.queries.iter().filter(|query| holds(query)).count();
        count as f64 / self.queries.len().max(1) as f64
    }

    /// SLA satisfaction as logged.
    pub(crate) fn sla(&self) -> f64 {
        self.share(Query::is_met)
    }

    /// SLA satisfaction where what never completed is missed.
    pub(crate) fn sla_corrected(&self) -> f64 {
        self.share(|query| query.is_met() && !query.is_unfinished)
    }

    /// Normalised progress of each net with its mean weight of priority; of a net without counted queries 0.
    fn progress(&self, counts: impl Fn(&Query) -> bool) -> Vec<(f64, f64)> {
        let of_net = |net: &Net| {
            let queries = || self.queries.iter().filter(|query| query.net == *net);
            let all = queries().count().max(1) as f64;
            let weight = queries().map(|query| f64::from(query.priority) + 1.0).sum::<f64>() / all;
            let counted = queries().filter(|query| counts(query)).count() as f64;
            let latency: u64 = queries().filter(|query| counts(query)).map(|query| query.latency).sum();
            let progress = match latency {
                0 => 0.0,
                latency => net.facts().isolated_cycles as f64 * counted / latency as f64,
            };
            (progress, weight)
        };
        self.set.nets().iter().map(of_net).collect()
    }

    /// Throughput: the sum of the nets' normalised progress; and fairness, the least ratio of progress by priority. `corrected`
    /// leaves out what never completed.
    pub(crate) fn throughput_and_fairness(&self, corrected: bool) -> (f64, f64) {
        let progress = self.progress(|query| !corrected || !query.is_unfinished);
        let by_priority = progress.iter().map(|(progress, weight)| progress / weight);
        let least = by_priority.clone().fold(f64::INFINITY, f64::min);
        let most = by_priority.fold(0.0, f64::max);
        (progress.iter().map(|(progress, _)| progress).sum(), if most > 0.0 { least / most } else { 0.0 })
    }
}

fn table(root: &Path, name: &str) -> Result<csv::Reader<GzDecoder<std::fs::File>>, Problem> {
    let path = root.join(RECORDINGS).join(name);
    let file = std::fs::File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(csv::Reader::from_reader(GzDecoder::new(file)))
}

/// The cells of the log, by set, level and policy.
pub(crate) fn queries(root: &Path) -> Result<Vec<LogCell>, Problem> {
    let mut unfinished: BTreeSet<[String; 4]> = BTreeSet::new();
    for record in table(root, "unfinished.csv.gz")?.records() {
        let record = record?;
        unfinished.insert(std::array::from_fn(|index| record[index].to_owned()));
    }
    let mut cells = Vec::new();
    for set in WorkloadSet::ALL {
        for qos in Qos::ALL {
            cells.extend(Logged::ALL.map(|policy| LogCell { set, qos, policy, queries: Vec::new() }));
        }
    }
    for record in table(root, "queries.csv.gz")?.records() {
        let record = record?;
        let key: [String; 4] = std::array::from_fn(|index| record[index].to_owned());
        let number = |index: usize| record[index].parse::<u64>();
        let net = Net::of_name(&record[4]).ok_or_else(|| format!("there is no net `{}`", &record[4]))?;
        let is_of = |cell: &&mut LogCell| {
            [cell.set.name(), cell.qos.name(), cell.policy.name()] == [&record[0], &record[1], &record[2]]
        };
        let cell = cells.iter_mut().find(is_of).ok_or("a query is of no cell")?;
        cell.queries.push(Query {
            id: number(3)?,
            net,
            priority: record[5].parse()?,
            dispatch: number(6)?,
            target: number(7)?,
            latency: number(8)?,
            runtime: number(9)?,
            is_unfinished: unfinished.contains(&key),
        });
    }
    for cell in &mut cells {
        cell.queries.sort_by_key(|query| query.id);
    }
    Ok(cells)
}

/// Writes the rows that no causal scheduler leaves behind.
pub(super) fn write_not_causal(cells: &[LogCell], path: &Path) -> Result<(), Problem> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record([
        "workload_set",
        "qos",
        "policy",
        "query",
        "network",
        "dispatch_cycle",
        "latency_cycles",
        "runtime_cycles",
        "isolated_cycles",
        "never_ran",
        "head_start_cycles",
        "too_fast",
        "unfinished",
    ])?;
    for cell in cells {
        for query in cell.queries.iter().filter(|query| query.is_not_causal()) {
            let facts = query.net.facts();
            writer.write_record([
                cell.set.name(),
                cell.qos.name(),
                cell.policy.name(),
                &query.id.to_string(),
                facts.name,
                &query.dispatch.to_string(),
                &query.latency.to_string(),
                &query.runtime.to_string(),
                &facts.isolated_cycles.to_string(),
                &query.never_ran().to_string(),
                &query.head_start().to_string(),
                &query.is_too_fast().to_string(),
                &query.is_unfinished.to_string(),
            ])?;
        }
    }
    writer.flush()?;
    Ok(())
}
