//! Measurements as the command line prints them.

use rtmm_workload::Duration;
use serde::Serialize;

use super::{MeasuredNode, Measurements};

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

/// A node as the command line prints it. What the file does not tell is left out.
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
    /// Median time of an execution in microseconds: the nearest rank, or as the file states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<f64>,
    /// 99th percentile in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<f64>,
    /// Mean time without the nodes inside it, in microseconds: of measured executions to the nearest nanosecond, ties to
    /// even, which is finer than what they are measured in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_mean_us: Option<f64>,
    /// Shortest time in microseconds, where the file states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_us: Option<f64>,
    /// 90th percentile in microseconds, where the file states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90_us: Option<f64>,
    /// Longest time in microseconds, where the file states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_us: Option<f64>,
    /// Operator, where only the file tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<&'m str>,
    /// Clock cycles of an execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<u64>,
    /// Multiply-accumulates of an execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macs: Option<u64>,
    /// Off-chip bytes of an execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Energy of an execution, in microjoules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_uj: Option<f64>,
}

impl Measurements {
    /// Measurements in the form that the command line prints.
    #[must_use]
    pub fn summary(&self) -> MeasurementSummary<'_> {
        MeasurementSummary {
            kind: self.kind,
            runs: self.runs,
            runs_us: self.run_times.iter().copied().map(microseconds).collect(),
            layers: self.nodes.iter().map(|node| self.node(node)).collect(),
        }
    }

    fn node<'m>(&self, node: &'m MeasuredNode) -> NodeSummary<'m> {
        // Those of executions follow from what is printed of them elsewhere; p50 and p99 stand for all.
        let stated = |time: Option<Duration>| time.filter(|_| !self.has_executions).map(microseconds);
        let quantiles = &node.quantiles;
        let operator = node.operator.as_str();
        let unit = Duration::from_picoseconds(if self.has_executions { 1_000 } else { 1 });
        NodeSummary {
            node: &node.name,
            node_index: node.index,
            depth: node.depth,
            calls: node.calls,
            p50_us: quantiles.p50.map(microseconds),
            p99_us: quantiles.p99.map(microseconds),
            self_mean_us: node.self_mean(unit).map(microseconds),
            min_us: stated(quantiles.min),
            p90_us: stated(quantiles.p90),
            max_us: stated(quantiles.max),
            operator: Some(operator).filter(|operator| !self.has_executions && !operator.is_empty()),
            cycles: node.cycles,
            macs: node.macs,
            bytes: node.bytes,
            energy_uj: node.energy_uj,
        }
    }
}

/// A time in microseconds, as close as a binary number comes.
#[must_use]
pub fn microseconds(time: Duration) -> f64 {
    time.picoseconds() as f64 / 1e6
}
