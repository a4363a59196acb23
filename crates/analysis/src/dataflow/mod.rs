//! Graphs of operators that pass items on, with room for one item on each edge.
//!
//! Each operator has a thread of its own, and processors are enough for all. It starts when there is an item on each of its
//! incoming edges and none on its outgoing ones, takes the items, runs for its time, and puts one on each outgoing edge.
//! The source has a new item once in a period, which is lost where the one before still waits. A response is the time from
//! when an item comes to the source to the end of the sink's run for it. This is the model of applications of NVIDIA's Holoscan
//! SDK.
//!
//! Source: P. Schowitz, S. Sinha and A. Gujarati, "Response-Time Analysis of a Soft Real-Time NVIDIA Holoscan Application",
//! RTSS 2024; nvidia-holoscan/holohub, `tutorials/holoscan_response_time_analysis`.

mod bound;
mod schedule;

use thiserror::Error;

pub(crate) use bound::DATAFLOW;
pub use bound::dataflow_response;
pub use schedule::{Item, dataflow_schedule};

/// Operators, numbered from zero, and edges between them, without circles: one source, from which each can be reached, and one
/// sink, which each reaches. Times are whole numbers of any one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataflowGraph {
    costs: Vec<u64>,
    /// By operator: those that its items go to, each once, in ascending order.
    to: Vec<Vec<usize>>,
    /// By operator: those that its items come from.
    from: Vec<Vec<usize>>,
    /// All operators, each after those that its items come from.
    order: Vec<usize>,
}

/// Reasons why operators and edges are no such graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DataflowError {
    /// An edge names an operator that there is not.
    #[error("an edge leads from {from} to {to}: there are {operators} operators, numbered from 0")]
    NoSuchOperator {
        /// Beginning of the edge.
        from: usize,
        /// End of the edge.
        to: usize,
        /// Number of operators.
        operators: usize,
    },
    /// Edges form a circle.
    #[error("operator {operator} is on a circle of edges: nothing on it could ever start")]
    Circle {
        /// An operator on it.
        operator: usize,
    },
    /// There is not exactly one operator without incoming edges, and one without outgoing ones.
    #[error(
        "the graph has {sources} sources and {sinks} sinks: it needs one of each; join several by one that takes no time"
    )]
    Ends {
        /// Operators without incoming edges.
        sources: usize,
        /// Operators without outgoing edges.
        sinks: usize,
    },
    /// Times add up to more than the clock holds.
    #[error(
        "times of all operators, as often as a bound counts them, are beyond the clock: choose a larger unit"
    )]
    Overflow,
}

impl DataflowGraph {
    /// The graph of operators with these times, and of these edges; an edge that stands twice counts once.
    ///
    /// # Errors
    /// [`DataflowError`] where there is no such graph.
    pub fn new(costs: &[u64], edges: &[(usize, usize)]) -> Result<Self, DataflowError> {
        let operators = costs.len();
        let (mut to, mut from) = (vec![Vec::new(); operators], vec![Vec::new(); operators]);
        for &(first, second) in edges {
            if first.max(second) >= operators {
                return Err(DataflowError::NoSuchOperator { from: first, to: second, operators });
            }
            to[first].push(second);
            from[second].push(first);
        }
        for ends in to.iter_mut().chain(&mut from) {
            ends.sort_unstable();
            ends.dedup();
        }
        let order = order(&to, &from)?;
        let without = |ends: &[Vec<usize>]| ends.iter().filter(|ends| ends.is_empty()).count();
        let (sources, sinks) = (without(&from), without(&to));
        if (sources, sinks) != (1, 1) {
            return Err(DataflowError::Ends { sources, sinks });
        }
        // A bound counts a longest path for each operator at the most, and some paths more.
        let total = costs.iter().try_fold(0_u64, |total, cost| total.checked_add(*cost));
        let all = total.and_then(|total| total.checked_mul(operators as u64 + 3));
        all.ok_or(DataflowError::Overflow)?;
        Ok(Self { costs: costs.to_vec(), to, from, order })
    }

    /// Time of an operator.
    fn cost(&self, operator: usize) -> u64 {
        self.costs[operator]
    }

    fn source(&self) -> usize {
        self.order.first().copied().unwrap_or(0)
    }

    fn sink(&self) -> usize {
        self.order.last().copied().unwrap_or(0)
    }
}

/// Operators in an order in which edges lead forward; of those that may come next the one of the smallest number.
fn order(to: &[Vec<usize>], from: &[Vec<usize>]) -> Result<Vec<usize>, DataflowError> {
    let mut missing: Vec<usize> = from.iter().map(Vec::len).collect();
    let mut next: std::collections::BTreeSet<usize> =
        (0..to.len()).filter(|operator| missing[*operator] == 0).collect();
    let mut order = Vec::with_capacity(to.len());
    while let Some(operator) = next.pop_first() {
        order.push(operator);
        for &end in &to[operator] {
            missing[end] -= 1;
            if missing[end] == 0 {
                next.insert(end);
            }
        }
    }
    match missing.iter().position(|missing| *missing > 0) {
        // It is behind a circle, if not on one; those before it are what it waits for, and so on.
        Some(mut operator) => {
            for _ in 0..to.len() {
                operator =
                    from[operator].iter().copied().find(|before| missing[*before] > 0).unwrap_or(operator);
            }
            Err(DataflowError::Circle { operator })
        }
        None => Ok(order),
    }
}
