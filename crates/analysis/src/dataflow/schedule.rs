//! Schedules of graphs of operators that take their whole times.

use std::collections::BTreeSet;

use super::DataflowGraph;

/// An item that went through a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The instant at which it came to the source.
    pub arrived: u64,
    /// The end of the sink's run for it.
    pub finished: u64,
}

impl Item {
    /// Time from its arrival to its end.
    #[must_use]
    pub const fn response(self) -> u64 {
        self.finished - self.arrived
    }
}

/// The items that are through by an instant, if one comes to the source every `period` units from instant zero on, and is lost
/// where the one before it still waits.
///
/// At one instant operators end first, those that can start then do, and the item comes after that.
#[must_use]
pub fn dataflow_schedule(graph: &DataflowGraph, period: std::num::NonZeroU64, until: u64) -> Vec<Item> {
    let mut state = State {
        graph,
        waiting: graph.to.iter().map(|to| vec![false; to.len()]).collect(),
        at_source: None,
        running: vec![None; graph.costs.len()],
        arrivals: Vec::new(),
        items: Vec::new(),
    };
    let mut ends: BTreeSet<(u64, usize)> = BTreeSet::new();
    let mut next_arrival = Some(0_u64);
    loop {
        let now = match (ends.first().map(|(end, _)| *end), next_arrival) {
            (Some(end), Some(arrival)) => end.min(arrival),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => break,
        };
        if now > until {
            break;
        }
        while let Some(&(end, operator)) = ends.first().filter(|(end, _)| *end == now) {
            ends.pop_first();
            state.end(operator, end);
        }
        state.start(now, &mut ends);
        if next_arrival == Some(now) {
            // What still waits is older; the new one is lost.
            state.at_source.get_or_insert(now);
            next_arrival = now.checked_add(period.get());
            state.start(now, &mut ends);
        }
    }
    state.items
}

struct State<'g> {
    graph: &'g DataflowGraph,
    /// By operator and outgoing edge: true where an item waits.
    waiting: Vec<Vec<bool>>,
    /// Arrival of the item that waits at the source.
    at_source: Option<u64>,
    /// By operator: the end of its run.
    running: Vec<Option<u64>>,
    /// Arrivals of items that the source took, in their order, which is that of ends.
    arrivals: Vec<u64>,
    items: Vec<Item>,
}

impl State<'_> {
    fn end(&mut self, operator: usize, now: u64) {
        self.running[operator] = None;
        self.waiting[operator].iter_mut().for_each(|waits| *waits = true);
        if operator == self.graph.sink() {
            let arrived = self.arrivals[self.items.len()];
            self.items.push(Item { arrived, finished: now });
        }
    }

    /// Starts what can start; a start makes room on edges, so that operators before it may follow.
    fn start(&mut self, now: u64, ends: &mut BTreeSet<(u64, usize)>) {
        // Operators of no time come back at once, in the next round of the loop outside.
        for &operator in self.graph.order.iter().rev() {
            if !self.can_start(operator) {
                continue;
            }
            if operator == self.graph.source() {
                self.arrivals.extend(self.at_source.take());
            }
            for &before in &self.graph.from[operator] {
                let edge = self.graph.to[before].iter().position(|end| *end == operator);
                if let Some(edge) = edge {
                    self.waiting[before][edge] = false;
                }
            }
            let end = now.saturating_add(self.graph.cost(operator));
            self.running[operator] = Some(end);
            ends.insert((end, operator));
        }
    }

    fn can_start(&self, operator: usize) -> bool {
        let has_items = |before: &usize| {
            let edge = self.graph.to[*before].iter().position(|end| *end == operator);
            edge.is_some_and(|edge| self.waiting[*before][edge])
        };
        let has_input = match operator == self.graph.source() {
            true => self.at_source.is_some(),
            false => self.graph.from[operator].iter().all(has_items),
        };
        self.running[operator].is_none() && has_input && self.waiting[operator].iter().all(|waits| !waits)
    }
}
