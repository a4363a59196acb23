//! Nodes and layers without a name in common: joined by operator and size, or by order alone.

use std::collections::BTreeMap;

use super::Layers;
use crate::layer::{ImportedLayer, ImportedOperator};
use crate::measurements::MeasuredNode;

/// Kinds of operators, whatever a program calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Convolution,
    Product,
    Recurrent,
    /// Pooling, and reductions, which are pooling over a whole axis.
    Pool,
    Softmax,
    Normalisation,
    Resize,
    Concatenation,
}

/// Words within operators' names, in small letters without `_`, the first that fits deciding.
const WORDS: [(&str, Class); 21] = [
    ("conv", Class::Convolution),
    ("fullyconnected", Class::Product),
    ("innerproduct", Class::Product),
    ("matmul", Class::Product),
    ("matrixmultiply", Class::Product),
    ("gemm", Class::Product),
    ("dense", Class::Product),
    ("lstm", Class::Recurrent),
    ("gru", Class::Recurrent),
    ("rnn", Class::Recurrent),
    ("pool", Class::Pool),
    ("softmax", Class::Softmax),
    ("norm", Class::Normalisation),
    ("reduce", Class::Pool),
    ("mean", Class::Pool),
    ("argm", Class::Pool),
    ("resize", Class::Resize),
    ("upsample", Class::Resize),
    ("interp", Class::Resize),
    ("concat", Class::Concatenation),
    ("lrn", Class::Normalisation),
];

/// Joins each node to the next layer of its operator and as many elements of output, or of its kind of operator and
/// size; gives the number of joined layers.
pub(super) fn by_size(layers: &[ImportedLayer], nodes: &[MeasuredNode], of_nodes: &mut [Layers]) -> u64 {
    let same_operator = Open::new(layers, of_nodes, |layer| {
        Some((layer.node_operator.to_ascii_lowercase(), elements(&layer.operator)?))
    });
    let named = same_operator.join(nodes, of_nodes, |node| {
        let operator = node.operator.strip_prefix("Fused").unwrap_or(&node.operator);
        Some((operator.to_ascii_lowercase(), product(node.output.as_ref()?)?))
    });
    let same_class = Open::new(layers, of_nodes, |layer| {
        Some((class_of_layer(&layer.operator)?, elements(&layer.operator)?))
    });
    let classed = same_class
        .join(nodes, of_nodes, |node| Some((class_of(&node.operator)?, product(node.output.as_ref()?)?)));
    let same_work = Open::new(layers, of_nodes, |layer| {
        Some((class_of_layer(&layer.operator)?, layer.macs)).filter(|(_, macs)| *macs > 0)
    });
    let worked = same_work.join(nodes, of_nodes, |node| Some((class_of(&node.operator)?, node.macs?)));
    named + classed + worked
}

/// Joins nodes to layers of the same kind of operator one by one, where as many nodes are left as layers and nothing
/// tells their sizes; gives the number of joined layers.
pub(super) fn by_order(layers: &[ImportedLayer], nodes: &[MeasuredNode], of_nodes: &mut [Layers]) -> u64 {
    let key = |node: &MeasuredNode| {
        class_of(&node.operator).filter(|_| node.output.is_none() && node.macs.is_none())
    };
    let open = Open::new(layers, of_nodes, |layer| class_of_layer(&layer.operator));
    let mut left: BTreeMap<Class, usize> = BTreeMap::new();
    for node in is_open(nodes, of_nodes).filter_map(|index| key(&nodes[index])) {
        *left.entry(node).or_default() += 1;
    }
    let is_even = |class: &Class| open.0.get(class).map(Vec::len) == left.get(class).copied();
    let even: Vec<Class> = open.0.keys().copied().filter(is_even).collect();
    open.join(nodes, of_nodes, |node| key(node).filter(|class| even.contains(class)))
}

/// Layers that no node has yet, by a key, the next one last.
struct Open<K>(BTreeMap<K, Vec<usize>>);

impl<K: Ord> Open<K> {
    fn new(layers: &[ImportedLayer], of_nodes: &[Layers], key: impl Fn(&ImportedLayer) -> Option<K>) -> Self {
        let mut taken = vec![false; layers.len()];
        of_nodes
            .iter()
            .flat_map(|node| node.heads.iter().chain(&node.members))
            .for_each(|one| taken[*one] = true);
        let mut open: BTreeMap<K, Vec<usize>> = BTreeMap::new();
        for (index, layer) in layers.iter().enumerate().rev().filter(|(index, _)| !taken[*index]) {
            if let Some(key) = key(layer) {
                open.entry(key).or_default().push(index);
            }
        }
        Self(open)
    }

    fn join(
        mut self,
        nodes: &[MeasuredNode],
        of_nodes: &mut [Layers],
        key: impl Fn(&MeasuredNode) -> Option<K>,
    ) -> u64 {
        let mut joined = 0;
        let open: Vec<usize> = is_open(nodes, of_nodes).collect();
        for index in open {
            let key = key(&nodes[index]);
            if let Some(layer) = key.and_then(|key| self.0.get_mut(&key)).and_then(Vec::pop) {
                of_nodes[index].heads.push(layer);
                joined += 1;
            }
        }
        joined
    }
}

/// Nodes of the main graph that have no layer yet.
fn is_open<'n>(nodes: &'n [MeasuredNode], of_nodes: &'n [Layers]) -> impl Iterator<Item = usize> + 'n {
    let open = nodes.iter().zip(of_nodes).enumerate();
    open.filter(|(_, (node, layers))| node.depth == 0 && layers.heads.is_empty()).map(|(index, _)| index)
}

fn class_of(operator: &str) -> Option<Class> {
    let name: String = operator.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let name = name.to_ascii_lowercase();
    WORDS.iter().find(|(word, _)| name.contains(word)).map(|(_, class)| *class)
}

fn class_of_layer(operator: &ImportedOperator) -> Option<Class> {
    match operator {
        ImportedOperator::Convolution(_) => Some(Class::Convolution),
        ImportedOperator::Product(_) => Some(Class::Product),
        ImportedOperator::Recurrent(_) => Some(Class::Recurrent),
        ImportedOperator::Softmax { .. } => Some(Class::Softmax),
        ImportedOperator::Normalisation { .. } => Some(Class::Normalisation),
        ImportedOperator::Pool(_) | ImportedOperator::Reduction { .. } => Some(Class::Pool),
        ImportedOperator::Resize { .. } => Some(Class::Resize),
        ImportedOperator::Concatenation { .. } => Some(Class::Concatenation),
        ImportedOperator::Elementwise { .. } | ImportedOperator::Attention(_) => None,
    }
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
