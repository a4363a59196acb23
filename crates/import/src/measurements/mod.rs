//! Measurements that profilers of other programs wrote: times of the runs of a network, and of its nodes.
//!
//! Each format has a file of its own and a row in [`FORMATS`]; all end in the neutral [`Measurements`].

mod error;
mod join;
mod ort;
mod registry;

pub use error::{MeasurementError, Place};
pub use join::{JoinReport, Joined, join};
pub use ort::{MAX_EVENT_BYTES, MAX_EVENTS, MAX_NAME_BYTES, MAX_OPEN};
pub use registry::{FORMATS, Format, format};

use rtmm_workload::Duration;
use serde::Serialize;

/// A node as a profiler saw it, over all runs but those of the warm-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredNode {
    /// Name in the profile, which optimisers may have changed.
    pub name: String,
    /// Position within its graph as the profile states it.
    pub index: u64,
    /// Number of nodes around it: 0 in the main graph, 1 in a branch or a loop of it.
    pub depth: u32,
    /// Operator, such as `Conv`; empty where the profile states none.
    pub operator: String,
    /// Extents of the first output, where the profile states them.
    pub output: Option<Vec<u64>>,
    /// Executions in all measured runs.
    pub calls: u64,
    /// Median time of an execution, nodes inside it included: the nearest rank.
    pub p50: Duration,
    /// Time that 99 % of the executions need at most, nodes inside it included: the nearest rank.
    pub p99: Duration,
    /// Time of all executions together, without the nodes inside it.
    pub self_total: Duration,
}

/// Times of a network on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurements {
    /// The format that they were read from.
    pub kind: &'static str,
    /// Runs in the file, those of the warm-up included.
    pub runs: u64,
    /// Times of the runs after the warm-up, in order.
    pub run_times: Vec<Duration>,
    /// Nodes, in the order of their first execution after the warm-up.
    pub nodes: Vec<MeasuredNode>,
    /// Nodes that ran outside every run, which do not count.
    pub outside_runs: u64,
}

/// Options of a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeasurementOptions {
    /// Runs at the beginning that do not count.
    pub warm_up: u64,
}

/// Measurements as the command line prints them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasurementSummary<'m> {
    /// The format that they were read from.
    pub kind: &'static str,
    /// Runs in the file, those of the warm-up included.
    pub runs: u64,
    /// Times of the runs after the warm-up, in microseconds.
    pub runs_us: Vec<f64>,
    /// Nodes after the warm-up.
    pub layers: Vec<NodeSummary<'m>>,
}

/// A node as the command line prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeSummary<'m> {
    /// Name in the profile.
    pub node: &'m str,
    /// Position within its graph.
    pub node_index: u64,
    /// Number of nodes around it.
    pub depth: u32,
    /// Executions.
    pub calls: u64,
    /// Median time of an execution in microseconds, the nearest rank.
    pub p50_us: f64,
    /// 99th percentile in microseconds, the nearest rank.
    pub p99_us: f64,
    /// Mean time without the nodes inside it, in microseconds to the nearest nanosecond, ties to even.
    pub self_mean_us: f64,
}

impl MeasuredNode {
    /// Mean time of an execution without the nodes inside it, to the nearest nanosecond, ties to even: finer than any
    /// profile that is read.
    #[must_use]
    pub fn self_mean(&self) -> Duration {
        const NANOSECOND: u128 = 1_000;
        let unit = NANOSECOND * u128::from(self.calls.max(1));
        let total = u128::from(self.self_total.picoseconds());
        let (whole, rest) = (total / unit, total % unit);
        let up = 2 * rest > unit || (2 * rest == unit && whole % 2 == 1);
        let nanoseconds = whole + u128::from(up);
        // Not above the total by more than the rounding, so that it fits but at the very end of the range.
        Duration::from_picoseconds(u64::try_from(nanoseconds * NANOSECOND).unwrap_or(u64::MAX))
    }
}

impl Measurements {
    /// Measurements in the form that the command line prints.
    #[must_use]
    pub fn summary(&self) -> MeasurementSummary<'_> {
        let layer = |node: &'_ MeasuredNode| (node.calls, node.p50, node.p99, node.self_mean());
        MeasurementSummary {
            kind: self.kind,
            runs: self.runs,
            runs_us: self.run_times.iter().copied().map(microseconds).collect(),
            layers: self
                .nodes
                .iter()
                .map(|node| {
                    let (calls, p50, p99, self_mean) = layer(node);
                    NodeSummary {
                        node: &node.name,
                        node_index: node.index,
                        depth: node.depth,
                        calls,
                        p50_us: microseconds(p50),
                        p99_us: microseconds(p99),
                        self_mean_us: microseconds(self_mean),
                    }
                })
                .collect(),
        }
    }
}

/// A time in microseconds, as close as a binary number comes.
#[must_use]
pub fn microseconds(time: Duration) -> f64 {
    time.picoseconds() as f64 / 1e6
}

/// The value at a nearest rank: the smallest one that `percent` of all values are not above.
///
/// `sorted` must be in rising order; an empty list has none.
fn nearest_rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest_from_above() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(nearest_rank(&values, 50), Some(100));
        assert_eq!(nearest_rank(&values, 99), Some(198));
        assert_eq!(nearest_rank(&values[..3], 50), Some(2));
        assert_eq!(nearest_rank(&values[..1], 99), Some(1));
        assert_eq!(nearest_rank(&[], 50), None);
    }
}
