//! Measured nodes and runs, whatever program measured them.

use rtmm_workload::Duration;

/// A part of the model that a measured node runs, by the names of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A node, by its own name or by that of an output.
    Node(String),
    /// All nodes from one to another.
    Between(String, String),
}

/// Quantiles of the time of an execution, as far as they are known. Nodes inside are included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// The shortest execution.
    pub min: Option<Duration>,
    /// The median.
    pub p50: Option<Duration>,
    /// Time that 90 % of the executions need at most.
    pub p90: Option<Duration>,
    /// Time that 99 % of the executions need at most.
    pub p99: Option<Duration>,
    /// The longest execution.
    pub max: Option<Duration>,
}

/// A node as a profiler saw it, over all runs but those of the warm-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeasuredNode {
    /// Name in the profile, which optimisers may have changed.
    pub name: String,
    /// Position within its graph as the profile states it, or that of its row.
    pub index: u64,
    /// Number of nodes around it: 0 in the main graph, 1 in a branch or a loop of it.
    pub depth: u32,
    /// Operator, such as `Conv`; empty where the profile states none.
    pub operator: String,
    /// Extents of the first output, where the profile states them.
    pub output: Option<Vec<u64>>,
    /// Nodes of the model that it runs; none where its name is that of the node.
    pub parts: Vec<Part>,
    /// Executions in all measured runs.
    pub calls: u64,
    /// Time of an execution.
    pub quantiles: Quantiles,
    /// Time of all executions together, without the nodes inside it; none where only quantiles are known.
    pub self_total: Option<Duration>,
    /// Multiply-accumulates of an execution, where the profile states them.
    pub macs: Option<u64>,
    /// Clock cycles of an execution, where the profile states them.
    pub cycles: Option<u64>,
    /// Off-chip bytes of an execution, where the profile states them.
    pub bytes: Option<u64>,
    /// Energy of an execution in microjoules, where the profile states it.
    pub energy_uj: Option<f64>,
}

/// Times of a network on a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurements {
    /// The format that they were read from.
    pub kind: &'static str,
    /// Runs in the file, those of the warm-up included.
    pub runs: u64,
    /// Runs that the executions of nodes are of.
    pub node_runs: u64,
    /// Times of the runs after the warm-up, in order; empty where the file has none.
    pub run_times: Vec<Duration>,
    /// True if these runs were measured without the profiler that measured the nodes.
    pub is_unprofiled: bool,
    /// True if each execution was measured, so that all quantiles are those of executions.
    pub has_executions: bool,
    /// Nodes, in the order of their first execution after the warm-up.
    pub nodes: Vec<MeasuredNode>,
    /// Nodes that ran outside every run, which do not count.
    pub outside_runs: u64,
    /// Parts of the file that were not read, as sentences.
    pub notes: Vec<String>,
}

impl Quantiles {
    /// Nearest ranks of times in rising order: each the smallest one that so many of all are not above.
    #[must_use]
    pub(crate) fn of_sorted(times: &[u64], time: impl Fn(u64) -> Duration) -> Self {
        let rank = |percent| nearest_rank(times, percent).map(&time);
        Self { min: rank(0), p50: rank(50), p90: rank(90), p99: rank(99), max: rank(100) }
    }

    /// Minimum, median, 90th and 99th percentile and maximum; none unless all are known.
    #[must_use]
    pub fn all(&self) -> Option<[Duration; 5]> {
        Some([self.min?, self.p50?, self.p90?, self.p99?, self.max?])
    }

    /// The first pair of known quantiles, by name, of which the larger one is below the smaller one.
    pub(crate) fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let all =
            [("min", self.min), ("p50", self.p50), ("p90", self.p90), ("p99", self.p99), ("max", self.max)];
        let known: Vec<_> = all.into_iter().filter_map(|(name, time)| Some((name, time?))).collect();
        known.windows(2).find(|pair| pair[0].1 > pair[1].1).map(|pair| (pair[0].0, pair[1].0))
    }
}

impl MeasuredNode {
    /// Mean time of an execution without the nodes inside it, to the nearest `unit`, ties to even. None where only
    /// quantiles are known.
    #[must_use]
    pub fn self_mean(&self, unit: Duration) -> Option<Duration> {
        let unit = u128::from(unit.picoseconds().max(1));
        let of_unit = unit * u128::from(self.calls.max(1));
        let total = u128::from(self.self_total?.picoseconds());
        let (whole, rest) = (total / of_unit, total % of_unit);
        let up = 2 * rest > of_unit || (2 * rest == of_unit && whole % 2 == 1);
        let units = whole + u128::from(up);
        // Not above the total by more than the rounding, so that it fits but at the very end of the range.
        Some(Duration::from_picoseconds(u64::try_from(units * unit).unwrap_or(u64::MAX)))
    }

    /// Adds the times of a node of the same name that runs as often; nothing is known of the quantiles of both.
    pub(super) fn add(&mut self, other: &Self) {
        self.self_total = self.self_total.zip(other.self_total).map(|(one, more)| one.saturating_add(more));
        self.quantiles = Quantiles::default();
    }

    /// Picoseconds of all executions: where their sum is not known, by the median, else by another quantile.
    pub(super) fn total(&self) -> u128 {
        let Quantiles { min, p50, p90, p99, max } = self.quantiles;
        match self.self_total {
            Some(total) => total.picoseconds().into(),
            None => {
                let typical = p50.or(p90).or(min).or(max).or(p99).unwrap_or_default();
                u128::from(typical.picoseconds()) * u128::from(self.calls)
            }
        }
    }
}

impl Measurements {
    /// Picoseconds of the runs together, and how many these are: measured ones, or all nodes of all their runs.
    pub(super) fn profiled(&self) -> (u128, u64) {
        if self.run_times.is_empty() || self.is_unprofiled {
            return (self.nodes.iter().map(MeasuredNode::total).sum(), self.node_runs.max(1));
        }
        let total = self.run_times.iter().map(|time| u128::from(time.picoseconds())).sum();
        (total, self.run_times.len() as u64)
    }
}

/// The value at a nearest rank: the smallest one that `percent` of all values are not above, the smallest of all at 0.
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
        assert_eq!(nearest_rank(&values, 0), Some(1));
        assert_eq!(nearest_rank(&values[..3], 50), Some(2));
        assert_eq!(nearest_rank(&values[..1], 99), Some(1));
        assert_eq!(nearest_rank(&[], 50), None);
    }
}
