//! Nodes and layers that have names in common.

use std::collections::{BTreeMap, BTreeSet};

use super::Layers;
use crate::layer::ImportedLayer;
use crate::measurements::{MeasuredNode, Part};

/// Layers by the names that a profile may call them.
struct Known<'l> {
    by_node: BTreeMap<&'l str, Vec<usize>>,
    by_output: BTreeMap<&'l str, usize>,
}

impl<'l> Known<'l> {
    fn new(layers: &'l [ImportedLayer]) -> Self {
        let mut by_node: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut by_output = BTreeMap::new();
        for (index, layer) in layers.iter().enumerate() {
            if !layer.node_name.is_empty() {
                by_node.entry(&layer.node_name).or_default().push(index);
            }
            by_output.insert(layer.name.as_str(), index);
        }
        Self { by_node, by_output }
    }

    /// Layers of a name: those of a node, which a loop may repeat, else the one of an output.
    fn find(&self, name: &str) -> Vec<usize> {
        match self.by_node.get(name) {
            Some(layers) => layers.clone(),
            None => self.by_output.get(name).copied().into_iter().collect(),
        }
    }
}

/// The layers of each node by its parts, or by its own name.
pub(super) fn join(layers: &[ImportedLayer], nodes: &[MeasuredNode]) -> Vec<Layers> {
    let known = Known::new(layers);
    let mut of_nodes: Vec<Layers> = nodes.iter().map(|node| named(&known, node)).collect();
    let mut free: BTreeSet<usize> = (0..layers.len()).collect();
    of_nodes.iter().flat_map(|node| node.heads.iter().chain(&node.members)).for_each(|layer| {
        free.remove(layer);
    });
    // The first layer of the next node that names one, behind each node.
    let mut next = layers.len();
    let mut after: Vec<usize> = of_nodes
        .iter()
        .rev()
        .map(|node| {
            let behind = next;
            next = first_of(node).unwrap_or(next);
            behind
        })
        .collect();
    after.reverse();
    let mut before = 0;
    for ((of_node, node), after) in of_nodes.iter_mut().zip(nodes).zip(after) {
        for part in &node.parts {
            let Part::Between(first, last) = part else { continue };
            // An end that is no layer, such as a shape, lies between the layers of the nodes around this one.
            let begin = known.find(first).first().copied().unwrap_or(before);
            let end = known.find(last).last().map_or(after, |last| last + 1);
            let inside: Vec<usize> = free.range(begin..end.max(begin)).copied().collect();
            for layer in &inside {
                free.remove(layer);
            }
            of_node.add(inside);
        }
        before = last_of(of_node).map_or(before, |last| last + 1);
    }
    of_nodes
}

fn first_of(node: &Layers) -> Option<usize> {
    node.heads.iter().chain(&node.members).min().copied()
}

fn last_of(node: &Layers) -> Option<usize> {
    node.heads.iter().chain(&node.members).max().copied()
}

/// The layers that a node names: those of the part that comes first in the model share its time.
fn named(known: &Known<'_>, node: &MeasuredNode) -> Layers {
    let own = [Part::Node(node.name.clone())];
    let parts = if node.parts.is_empty() { own.as_slice() } else { &node.parts };
    let of_parts = parts.iter().filter_map(|part| match part {
        Part::Node(name) => Some(known.find(name)).filter(|layers| !layers.is_empty()),
        Part::Between(..) => None,
    });
    let mut of_parts: Vec<Vec<usize>> = of_parts.collect();
    of_parts.sort();
    of_parts.dedup();
    let mut parts = of_parts.into_iter();
    let heads = parts.next().unwrap_or_default();
    let members = parts.flatten().filter(|layer| !heads.contains(layer)).collect();
    Layers { heads, members }
}

impl Layers {
    /// Adds layers in rising order to those of a node; the first one of all has its time.
    fn add(&mut self, layers: Vec<usize>) {
        let mut all = layers.into_iter();
        if self.heads.is_empty() {
            self.heads.extend(all.next());
        }
        self.members.extend(all);
    }
}
