//! Measured nodes joined to the layers of a model.
//!
//! Names come first. Optimisers rename and fuse nodes: those left are joined by operator and size of the output, in
//! order. A layer that no node is left for was fused into the one before it and takes no time of its own. Nodes that
//! are no layer, such as transposes, are work all the same: their time goes to the layer before them.

use std::collections::BTreeMap;

use rtmm_workload::Duration;
use serde::Serialize;

use super::{MeasuredNode, MeasurementError, Measurements, microseconds};
use crate::layer::{ImportedLayer, ImportedOperator};

/// Layers with their measured times.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Mean time of each layer in a run, in the order of the layers, to the nearest picosecond.
    pub times: Vec<Duration>,
    /// Counts and times of the join.
    pub report: JoinReport,
}

/// Counts and times of nodes of a profile and layers of a model that went together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JoinReport {
    /// Layers of the model.
    pub layers: u64,
    /// Layers whose node has their name.
    pub by_name: u64,
    /// Layers whose node has their operator and as many elements in its output, in order.
    pub by_shape: u64,
    /// Layers without a node: they run as part of the layer before them.
    pub fused: u64,
    /// Groups of layers that run as one.
    pub fused_groups: u64,
    /// Mean time of a run, in microseconds.
    pub run_us: f64,
    /// The part of it in the nodes of layers.
    pub layers_us: f64,
    /// The part in other nodes, which stands with the layers before them.
    pub other_nodes_us: f64,
    /// The part outside all nodes, which stands nowhere.
    pub outside_us: f64,
}

/// Joins the nodes of a profile to the layers of a model.
///
/// # Errors
/// [`MeasurementError`] if no node is one of the layers.
pub fn join(layers: &[ImportedLayer], measured: &Measurements) -> Result<Joined, MeasurementError> {
    let nodes = &measured.nodes;
    let mut of_layer: Vec<Option<usize>> = vec![None; layers.len()];
    let mut uses: Vec<u64> = vec![0; nodes.len()];
    let mut by_name = 0;
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        names.entry(&node.name).or_insert(index);
    }
    for (layer, place) in layers.iter().zip(&mut of_layer) {
        let node = Some(layer.node_name.as_str()).filter(|name| !name.is_empty());
        if let Some(node) = node.and_then(|name| names.get(name)) {
            *place = Some(*node);
            uses[*node] += 1;
            by_name += 1;
        }
    }
    let by_shape = by_order(layers, nodes, &mut of_layer, &mut uses);
    if by_name + by_shape == 0 {
        return Err(MeasurementError::new(
            "no node of the profile is a layer of the model, by name or by operator and size",
            "name a profile of this model, with the same extents",
        ));
    }
    let mut first_layer: Vec<Option<usize>> = vec![None; nodes.len()];
    let mut sums: Vec<u128> = vec![0; layers.len()];
    for (layer, node) in of_layer.iter().enumerate() {
        let Some(node) = *node else { continue };
        first_layer[node].get_or_insert(layer);
        sums[layer] += u128::from(nodes[node].self_total.picoseconds()) / u128::from(uses[node]);
    }
    let in_layers: u128 = sums.iter().sum();
    let mut others = 0;
    // Nodes before all layers belong to the first one that runs.
    let mut before = first_layer.iter().find_map(|layer| *layer).unwrap_or_default();
    for (node, layer) in nodes.iter().zip(&first_layer) {
        match layer {
            Some(layer) => before = *layer,
            None => {
                let time = u128::from(node.self_total.picoseconds());
                sums[before] += time;
                others += time;
            }
        }
    }
    let runs = (measured.run_times.len() as u128).max(1);
    let mean =
        |sum: u128| Duration::from_picoseconds(u64::try_from((sum + runs / 2) / runs).unwrap_or(u64::MAX));
    let total: u128 = measured.run_times.iter().map(|time| u128::from(time.picoseconds())).sum();
    let is_fused = |layer: usize| of_layer[layer].is_none();
    let heads = (0..layers.len()).filter(|layer| is_fused(*layer) && (*layer == 0 || !is_fused(*layer - 1)));
    let fused_groups = heads.count() as u64;
    Ok(Joined {
        times: sums.iter().copied().map(mean).collect(),
        report: JoinReport {
            layers: layers.len() as u64,
            by_name,
            by_shape,
            fused: layers.len() as u64 - by_name - by_shape,
            fused_groups,
            run_us: microseconds(mean(total)),
            layers_us: microseconds(mean(in_layers)),
            other_nodes_us: microseconds(mean(others)),
            outside_us: microseconds(mean(total.saturating_sub(in_layers + others))),
        },
    })
}

/// Joins what has no name in common: each node to the next layer of its operator and size.
fn by_order(
    layers: &[ImportedLayer],
    nodes: &[MeasuredNode],
    of_layer: &mut [Option<usize>],
    uses: &mut [u64],
) -> u64 {
    let mut open: BTreeMap<(&str, u64), Vec<usize>> = BTreeMap::new();
    for (index, layer) in layers.iter().enumerate().rev().filter(|(index, _)| of_layer[*index].is_none()) {
        if let Some(elements) = elements(&layer.operator) {
            open.entry((layer.node_operator.as_str(), elements)).or_default().push(index);
        }
    }
    let mut joined = 0;
    for (index, node) in nodes.iter().enumerate().filter(|(_, node)| node.depth == 0) {
        let size = node.output.as_ref().and_then(|output| product(output));
        let (0, Some(size)) = (uses[index], size) else { continue };
        let operator = node.operator.strip_prefix("Fused").unwrap_or(&node.operator);
        if let Some(layer) = open.get_mut(&(operator, size)).and_then(Vec::pop) {
            of_layer[layer] = Some(index);
            uses[index] = 1;
            joined += 1;
        }
    }
    joined
}

fn product(extents: &[u64]) -> Option<u64> {
    extents.iter().try_fold(1_u64, |product, extent| product.checked_mul(*extent))
}

/// Elements of the output of a layer, where its form tells.
fn elements(operator: &ImportedOperator) -> Option<u64> {
    match operator {
        ImportedOperator::Convolution(convolution) => {
            product(&[convolution.batch, convolution.output_channels, product(&convolution.output)?])
        }
        ImportedOperator::Product(one) => product(&[one.products, one.rows, one.columns]),
        ImportedOperator::Pool(pool) => product(&[pool.batch, pool.channels, product(&pool.output)?]),
        ImportedOperator::Elementwise { output, .. }
        | ImportedOperator::Softmax { output }
        | ImportedOperator::Normalisation { output, .. }
        | ImportedOperator::Resize { output, .. } => product(output),
        ImportedOperator::Reduction { outputs, .. } => Some(*outputs),
        ImportedOperator::Recurrent(_)
        | ImportedOperator::Attention(_)
        | ImportedOperator::Concatenation { .. } => None,
    }
}
