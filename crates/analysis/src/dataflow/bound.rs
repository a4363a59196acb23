//! The bound of responses of a graph of operators.
//!
//! Items queue before the slowest part of the graph, one on each edge before it. With `C` the times of operators, `w(v)` the
//! time between two starts of operator `v` (its own time, or where items fork, that of the longest path to where all its
//! paths meet again, which is not counted), `h(v)` the operators on the path of fewest edges from the source to `v`, both
//! counted, `L(v)` the time of the longest path from `v` to the sink, both counted, and `P` a longest path of all,
//!
//! ```text
//! R(v) = h(v) w(v) + L(v)                                        on P
//! R(v) = h(v) w(v) + L(v) + L(source) - S(v)                     else,
//! ```
//!
//! where `S(v)` is the time of that path of fewest edges, without `v`. The bound is the largest `R(v)`.

use super::DataflowGraph;
use crate::method::{Claim, Method};

pub(crate) const DATAFLOW: Method = Method {
    name: "dataflow-graph",
    summary: "operators that pass items on, with room for one item on each edge, a processor for each",
    claim: Claim::Safe,
    theorem: "Schowitz, Sinha and Gujarati, RTSS 2024",
};

/// A bound of the responses of a graph, at any period.
#[must_use]
pub fn dataflow_response(graph: &DataflowGraph) -> u64 {
    let longest = longest_to_sink(graph);
    let between = between_starts(graph);
    let path = longest_path(graph, &longest);
    let (edges, least) = fewest_edges(graph);
    let of = |operator: &usize| {
        let operator = *operator;
        let queued = (edges[operator] + 1) * between[operator] + longest[operator];
        let beside = longest[graph.source()].saturating_sub(least[operator]);
        if path.contains(&operator) { queued } else { queued + beside }
    };
    graph.order.iter().map(of).max().unwrap_or(0)
}

/// By operator: time of the longest path to the sink, both ends counted.
fn longest_to_sink(graph: &DataflowGraph) -> Vec<u64> {
    let mut longest = vec![0; graph.costs.len()];
    for &operator in graph.order.iter().rev() {
        let after = graph.to[operator].iter().map(|end| longest[*end]).max().unwrap_or(0);
        longest[operator] = graph.cost(operator) + after;
    }
    longest
}

/// A longest path: of equal ones that of the smallest numbers.
fn longest_path(graph: &DataflowGraph, longest: &[u64]) -> Vec<usize> {
    let mut path = vec![graph.source()];
    let mut at = graph.source();
    while let Some(next) =
        graph.to[at].iter().copied().min_by_key(|end| (std::cmp::Reverse(longest[*end]), *end))
    {
        path.push(next);
        at = next;
    }
    path
}

/// By operator: edges of the path of fewest edges from the source, and the least time of such a path without the operator.
fn fewest_edges(graph: &DataflowGraph) -> (Vec<u64>, Vec<u64>) {
    let (mut edges, mut times) = (vec![0; graph.costs.len()], vec![0; graph.costs.len()]);
    for &operator in &graph.order {
        let before =
            graph.from[operator].iter().map(|begin| (edges[*begin] + 1, times[*begin] + graph.cost(*begin)));
        (edges[operator], times[operator]) = before.min().unwrap_or((0, 0));
    }
    (edges, times)
}

/// By operator: the longest time between two of its starts.
fn between_starts(graph: &DataflowGraph) -> Vec<u64> {
    let meets = meeting_points(graph);
    let between = |operator: usize| {
        if graph.to[operator].len() < 2 {
            return graph.cost(operator);
        }
        longest_until(graph, operator, meets[operator])
    };
    (0..graph.costs.len()).map(between).collect()
}

/// By operator: the first one behind it that all its paths to the sink go through; of the sink itself.
fn meeting_points(graph: &DataflowGraph) -> Vec<usize> {
    let mut place = vec![0; graph.costs.len()];
    for (at, &operator) in graph.order.iter().enumerate() {
        place[operator] = at;
    }
    let mut meets: Vec<usize> = (0..graph.costs.len()).collect();
    for &operator in graph.order.iter().rev() {
        // Where two paths meet: the one that is less far goes on to its own meeting point, until they are at one place.
        let meet = |mut one: usize, mut other: usize| {
            while one != other {
                if place[one] < place[other] { one = meets[one] } else { other = meets[other] }
            }
            one
        };
        let met = graph.to[operator].iter().copied().reduce(meet);
        meets[operator] = met.unwrap_or(operator);
    }
    meets
}

/// Time of the longest path from one operator to another, which is not counted.
fn longest_until(graph: &DataflowGraph, from: usize, until: usize) -> u64 {
    let mut longest: Vec<Option<u64>> = vec![None; graph.costs.len()];
    longest[until] = Some(0);
    for &operator in graph.order.iter().rev() {
        if operator == until {
            continue;
        }
        let after = graph.to[operator].iter().filter_map(|end| longest[*end]).max();
        longest[operator] = after.map(|after| after + graph.cost(operator));
    }
    longest[from].unwrap_or(0)
}
