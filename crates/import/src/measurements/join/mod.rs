//! Measured nodes joined to the layers of a model.
//!
//! Names come first ([`names`]): a node may run several layers, which an optimiser fused, and several nodes may run one.
//! Nodes that are left are joined by operator and size, or by order alone ([`shapes`]). The time of a node stands with
//! the first of its layers; the others are fused into that one and take no time of their own, and so does a layer that no
//! node is left for, into the one before it. Nodes that are no layer, such as transposes, are work all the same: their
//! time goes to the layer before them.
//!
//! Profilers slow down what they measure. Where the time of a run without one is known, all times are scaled to it.

mod names;
mod shapes;

use rtmm_workload::Duration;
use serde::Serialize;

use super::{MeasuredNode, MeasurementError, Measurements, microseconds};
use crate::layer::ImportedLayer;

/// Costs of a layer in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerCost {
    /// Mean time, to the nearest picosecond.
    pub time: Duration,
    /// Off-chip bytes; none where the profile states none.
    pub bytes: Option<u64>,
    /// Energy in microjoules; none where the profile states none.
    pub energy_uj: Option<f64>,
    /// Minimum, median, 90th and 99th percentile and maximum of the time, where all are known of a node in the layer: those
    /// of its nodes together, which are slow in the same runs. A node that tells none, that does not run once in a run,
    /// or that has others inside it, takes its mean.
    pub quantiles: Option<[Duration; 5]>,
}

/// Layers with their measured costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Cost of each layer, in the order of the layers.
    pub costs: Vec<LayerCost>,
    /// Counts and times of the join.
    pub report: JoinReport,
}

/// Counts and times of nodes of a profile and layers of a model that went together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JoinReport {
    /// Layers of the model.
    pub layers: u64,
    /// Layers with a node that has their name.
    pub by_name: u64,
    /// Layers with a node of their operator and size, in order.
    pub by_shape: u64,
    /// Layers with a node of their kind of operator, of which there are as many nodes as layers.
    pub by_order: u64,
    /// Layers without a time of their own: they run as part of another one.
    pub fused: u64,
    /// Layers that others are fused into.
    pub fused_groups: u64,
    /// Mean time of a run in microseconds, to which all times below are scaled.
    pub run_us: f64,
    /// The part of it in the nodes of layers.
    pub layers_us: f64,
    /// The part in other nodes, which stands with the layers before them.
    pub other_nodes_us: f64,
    /// The part outside all nodes, which stands nowhere.
    pub outside_us: f64,
    /// Mean time of a run under the profiler, where one without it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profiled_us: Option<f64>,
    /// Factor that all measured times were multiplied by for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

/// Layers of each node, by their indices.
#[derive(Clone, Debug, Default)]
struct Layers {
    /// Layers that share the time of the node evenly.
    heads: Vec<usize>,
    /// Layers that are fused into the first of these.
    members: Vec<usize>,
}

/// Joins the nodes of a profile to the layers of a model. `total` is the time of a run without the profiler, where it
/// is known and the measurements have none.
///
/// # Errors
/// [`MeasurementError`] if no node is one of the layers.
pub fn join(
    layers: &[ImportedLayer],
    measured: &Measurements,
    total: Option<Duration>,
) -> Result<Joined, MeasurementError> {
    let nodes = &measured.nodes;
    let mut of_nodes = names::join(layers, nodes);
    let timed = |of_nodes: &[Layers]| {
        let mut timed = vec![false; layers.len()];
        of_nodes.iter().flat_map(|node| &node.heads).for_each(|layer| timed[*layer] = true);
        timed
    };
    let count = |timed: &[bool]| timed.iter().filter(|timed| **timed).count() as u64;
    let by_name = count(&timed(&of_nodes));
    let by_shape = shapes::by_size(layers, nodes, &mut of_nodes);
    let by_order = shapes::by_order(layers, nodes, &mut of_nodes);
    let timed = timed(&of_nodes);
    let Some(first) = timed.iter().position(|timed| *timed) else {
        return Err(MeasurementError::new(
            "no node of the profile is a layer of the model, by name or by operator and size",
            "name a profile of this model, with the same extents",
        ));
    };
    let scale = Scale::of(measured, total);
    let sums = Sums::of(nodes, &of_nodes, layers.len(), first);
    let mean = |sum: u128| scale.mean(sum, measured.node_runs);
    let (profiled, runs) = measured.profiled();
    let run = scale.mean(profiled, runs);
    let joined = count(&timed);
    let costs = sums.layers.iter().map(|sum| sum.cost(nodes, measured.node_runs, &scale)).collect();
    let (in_layers, others) = (mean(sums.in_layers), mean(sums.others));
    let outside = run.picoseconds().saturating_sub(in_layers.picoseconds() + others.picoseconds());
    let is_scaled = scale.is_scaled();
    Ok(Joined {
        costs,
        report: JoinReport {
            layers: layers.len() as u64,
            by_name,
            by_shape,
            by_order,
            fused: layers.len() as u64 - joined,
            fused_groups: fused_groups(&of_nodes, &timed, first),
            run_us: microseconds(run),
            layers_us: microseconds(in_layers),
            other_nodes_us: microseconds(others),
            outside_us: microseconds(Duration::from_picoseconds(outside)),
            profiled_us: is_scaled.then(|| microseconds(Scale::NONE.mean(profiled, runs))),
            scale: is_scaled.then(|| scale.factor()),
        },
    })
}

/// The number of layers that others are fused into: by name, or as the last one before them with a time.
fn fused_groups(of_nodes: &[Layers], timed: &[bool], first: usize) -> u64 {
    let mut head: Vec<Option<usize>> = vec![None; timed.len()];
    for node in of_nodes {
        for member in &node.members {
            head[*member] = node.heads.first().copied();
        }
    }
    let mut before = first;
    let mut heads = Vec::new();
    for (layer, timed) in timed.iter().enumerate() {
        if *timed {
            before = layer;
        } else {
            heads.push(head[layer].unwrap_or(before));
        }
    }
    heads.sort_unstable();
    heads.dedup();
    heads.len() as u64
}

/// A ratio of times: that of a run without the profiler to one with it.
struct Scale {
    to: u128,
    from: u128,
}

impl Scale {
    const NONE: Self = Self { to: 1, from: 1 };

    fn of(measured: &Measurements, total: Option<Duration>) -> Self {
        let (profiled, runs) = measured.profiled();
        let (total, of_runs) = match total {
            Some(total) => (u128::from(total.picoseconds()), 1),
            None if measured.is_unprofiled && !measured.run_times.is_empty() => {
                let total = measured.run_times.iter().map(|time| u128::from(time.picoseconds())).sum();
                (total, measured.run_times.len() as u64)
            }
            None => return Self::NONE,
        };
        // Both sides below 2^96, so that products with numbers of runs stay within 128 bits.
        match profiled {
            0 => Self::NONE,
            _ => Self { to: total * u128::from(runs), from: profiled * u128::from(of_runs) },
        }
    }

    fn is_scaled(&self) -> bool {
        (self.to, self.from) != (1, 1)
    }

    fn factor(&self) -> f64 {
        self.to as f64 / self.from as f64
    }

    /// The scaled mean of picoseconds of so many runs, to the nearest picosecond; the longest time beyond it.
    fn mean(&self, sum: u128, runs: u64) -> Duration {
        let runs = u128::from(runs.max(1));
        if !self.is_scaled() {
            let mean = (sum + runs / 2) / runs;
            return Duration::from_picoseconds(u64::try_from(mean).unwrap_or(u64::MAX));
        }
        // A product beyond 128 bits is of times that no board measures; the nearest binary number serves there.
        let mean = match (sum.checked_mul(self.to), self.from.checked_mul(runs)) {
            (Some(scaled), Some(by)) => scaled.saturating_add(by / 2) / by,
            _ => (sum as f64 * self.factor() / runs as f64).round() as u128,
        };
        Duration::from_picoseconds(u64::try_from(mean).unwrap_or(u64::MAX))
    }
}

/// Sums over the runs.
struct Sums {
    layers: Vec<LayerSum>,
    in_layers: u128,
    others: u128,
}

/// Sums of a layer over the runs.
#[derive(Clone, Debug, Default)]
struct LayerSum {
    time: u128,
    bytes: Option<u128>,
    energy_uj: Option<f64>,
    /// Nodes with a part in it, and the number of layers that share each.
    nodes: Vec<(usize, usize)>,
}

impl Sums {
    fn of(nodes: &[MeasuredNode], of_nodes: &[Layers], layers: usize, first: usize) -> Self {
        let mut sums = Self { layers: vec![LayerSum::default(); layers], in_layers: 0, others: 0 };
        // Nodes before all layers belong to the first one that runs.
        let first_run = of_nodes.iter().find_map(|node| node.heads.first().copied());
        let mut before = first_run.unwrap_or(first);
        for (index, (node, of_node)) in nodes.iter().zip(of_nodes).enumerate() {
            let time = node.total();
            match of_node.heads.first() {
                None => {
                    sums.others += time;
                    sums.layers[before].add(index, node, 1);
                }
                Some(head) => {
                    sums.in_layers += time;
                    for layer in &of_node.heads {
                        sums.layers[*layer].add(index, node, of_node.heads.len());
                    }
                    before = *head;
                }
            }
        }
        sums
    }
}

/// The quantiles of a node that runs once in each run, if they are those of its own time: of a node with others inside it,
/// they hold these, too.
fn varying(node: &MeasuredNode, runs: u64) -> Option<[Duration; 5]> {
    let all = node.quantiles.all()?;
    let is_own = node.total() >= u128::from(all[0].picoseconds()) * u128::from(node.calls);
    (node.calls == runs && is_own).then_some(all)
}

impl LayerSum {
    /// Adds the share of one of so many layers in a node.
    fn add(&mut self, index: usize, node: &MeasuredNode, of: usize) {
        self.time += node.total() / of as u128;
        self.nodes.push((index, of));
        if let Some(bytes) = node.bytes {
            let all = u128::from(bytes) * u128::from(node.calls) / of as u128;
            self.bytes = Some(self.bytes.unwrap_or_default() + all);
        }
        if let Some(energy) = node.energy_uj {
            let all = energy * node.calls as f64 / of as f64;
            self.energy_uj = Some(self.energy_uj.unwrap_or_default() + all);
        }
    }

    fn cost(&self, nodes: &[MeasuredNode], runs: u64, scale: &Scale) -> LayerCost {
        let runs = runs.max(1);
        let mut has_quantiles = false;
        let mut quantiles = [Duration::ZERO; 5];
        for (index, of) in &self.nodes {
            let node = &nodes[*index];
            let own = varying(node, runs).filter(|_| *of == 1);
            has_quantiles |= own.is_some();
            let mean = || [scale.mean(node.total() / *of as u128, runs); 5];
            let own = own.map(|own| own.map(|time| scale.mean(time.picoseconds().into(), 1)));
            for (sum, time) in quantiles.iter_mut().zip(own.unwrap_or_else(mean)) {
                *sum = sum.saturating_add(time);
            }
        }
        let bytes = self.bytes.map(|bytes| (bytes + u128::from(runs / 2)) / u128::from(runs));
        LayerCost {
            time: scale.mean(self.time, runs),
            bytes: bytes.map(|bytes| u64::try_from(bytes).unwrap_or(u64::MAX)),
            energy_uj: self.energy_uj.map(|energy| energy / runs as f64),
            quantiles: has_quantiles.then_some(quantiles),
        }
    }
}
