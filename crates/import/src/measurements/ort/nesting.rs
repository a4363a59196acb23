//! Nodes inside nodes, from intervals.
//!
//! Starts and lengths are cut to whole microseconds, so that a node may end a microsecond behind the one around it,
//! and a short one may touch its neighbour from either side. Only where intervals leave two readings does the order of
//! the file decide: ONNX Runtime writes a node when it ends, so that a node stands before the one around it.

use super::super::MeasurementError;
use super::events::{KindId, NodeEvent, NodeKind, Span};

/// The most nodes that may run at an instant.
pub const MAX_OPEN: usize = 256;

/// An execution of a node, in microseconds.
pub(super) struct Execution {
    pub kind: KindId,
    pub depth: u32,
    /// Time with the nodes inside it.
    pub time: u64,
    /// Time without them.
    pub self_time: u64,
}

/// A node that may still contain others.
struct Open {
    span: Span,
    position: u32,
    holds_graphs: bool,
    execution: usize,
}

/// The executions of a run, in the order of their starts, each behind the one that it is inside.
pub(super) fn nested(
    mut events: Vec<NodeEvent>,
    kinds: &[NodeKind],
) -> Result<Vec<Execution>, MeasurementError> {
    let holds_graphs = |event: &NodeEvent| kinds[event.kind.index()].holds_graphs();
    events.sort_unstable_by_key(|event| {
        let holds = holds_graphs(event);
        // Of nodes with one interval the outer one is written last; neighbours are written in their order.
        let position = i64::from(event.position);
        let order = if holds { -position } else { position };
        (event.span.start, std::cmp::Reverse(event.span.end), !holds, order)
    });
    let mut executions: Vec<Execution> = Vec::with_capacity(events.len());
    let mut open: Vec<Open> = Vec::new();
    for event in &events {
        open.retain(|outer| outer.span.end >= event.span.start);
        if open.len() >= MAX_OPEN {
            return Err(MeasurementError::new(
                format!("more than {MAX_OPEN} nodes run at {} us", event.span.start),
                "name a profile that ONNX Runtime wrote",
            ));
        }
        let outer = open.iter().rev().find(|outer| outer.contains(event)).map(|outer| outer.execution);
        let time = event.span.length();
        let depth = outer.map_or(0, |outer| executions[outer].depth + 1);
        if let Some(outer) = outer {
            // Bodies that run on several threads may sum up to more than the node around them.
            let outer = &mut executions[outer].self_time;
            *outer = outer.saturating_sub(time);
        }
        open.push(Open {
            span: event.span,
            position: event.position,
            holds_graphs: holds_graphs(event),
            execution: executions.len(),
        });
        executions.push(Execution { kind: event.kind, depth, time, self_time: time });
    }
    Ok(executions)
}

impl Open {
    fn contains(&self, inner: &NodeEvent) -> bool {
        if !self.span.contains(&inner.span) {
            return false;
        }
        let touches = inner.span.start == self.span.end;
        if self.holds_graphs {
            !touches || inner.position < self.position
        } else {
            // A node of another thread only runs beside this one.
            !touches && inner.span.end <= self.span.end && inner.span.thread == self.span.thread
        }
    }
}
