//! Graphs of operators: the published example, and random graphs of which no response exceeds the bound.
//!
//! `RTMM_CASES` sets the number of random graphs.

use std::num::NonZeroU64;

use proptest::prelude::*;
use rtmm_analysis::{DataflowError, DataflowGraph, Item, dataflow_response, dataflow_schedule};

use crate::exploration::config;

/// The example of nvidia-holoscan/holohub, `examplegraph.dot`: A to B and C, both to D.
fn example() -> DataflowGraph {
    DataflowGraph::new(&[200, 300, 150, 400], &[(0, 1), (0, 2), (1, 3), (2, 3)]).unwrap()
}

/// `computeWCRT.py` gives 1600, and 1612 with its 3 units for each operator; `runsimulation.py` the items.
#[test]
fn the_published_example_has_its_bound_and_reaches_it() {
    let graph = example();
    assert_eq!(dataflow_response(&graph), 1600);
    let with_overhead = [200, 300, 150, 400].len() as u64 * 3 + dataflow_response(&graph);
    assert_eq!(with_overhead, 1612);
    let items = dataflow_schedule(&graph, NonZeroU64::new(10).unwrap(), 3_000);
    let expected = [(0, 900), (10, 1300), (200, 1700), (500, 2100), (900, 2500), (1300, 2900)];
    assert_eq!(items, expected.map(|(arrived, finished)| Item { arrived, finished }));
    assert_eq!(items[1].response(), 1290);
    let at_5 = dataflow_schedule(&graph, NonZeroU64::new(5).unwrap(), 3_000);
    assert_eq!((at_5[1].response(), at_5[5].response()), (1295, 1600));
}

#[test]
fn an_operator_alone_is_source_and_sink() {
    let alone = DataflowGraph::new(&[7], &[]).unwrap();
    // An item waits while the one before it runs.
    assert_eq!(dataflow_response(&alone), 14);
    let responses = dataflow_schedule(&alone, NonZeroU64::MIN, 40).into_iter().map(Item::response);
    assert_eq!(responses.max(), Some(14));
}

#[test]
fn what_is_no_graph_is_told() {
    let graph = |costs: &[u64], edges: &[(usize, usize)]| DataflowGraph::new(costs, edges).unwrap_err();
    assert_eq!(graph(&[1], &[(0, 1)]), DataflowError::NoSuchOperator { from: 0, to: 1, operators: 1 });
    assert_eq!(graph(&[1, 1, 1], &[(0, 1), (1, 2), (2, 1)]), DataflowError::Circle { operator: 2 });
    assert_eq!(graph(&[1, 1], &[(0, 0), (0, 1)]), DataflowError::Circle { operator: 0 });
    assert_eq!(graph(&[1, 1], &[]), DataflowError::Ends { sources: 2, sinks: 2 });
    assert_eq!(graph(&[], &[]), DataflowError::Ends { sources: 0, sinks: 0 });
    assert_eq!(graph(&[u64::MAX / 2], &[]), DataflowError::Overflow);
}

/// Graphs of up to nine operators between a source and a sink.
fn graphs() -> impl Strategy<Value = (DataflowGraph, NonZeroU64)> {
    let operators = prop::collection::vec(1_u64..50, 2..10);
    (operators, any::<u64>(), 1_u64..80).prop_map(|(costs, edges, period)| {
        let (last, mut drawn) = (costs.len() - 1, edges);
        let mut edges = Vec::new();
        for to in 1..=last {
            for from in 0..to {
                drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Each has an edge from an earlier one, and one to a later one.
                if drawn >> 62 == 0 || from + 1 == to {
                    edges.push((from, to));
                }
            }
        }
        (DataflowGraph::new(&costs, &edges).unwrap(), NonZeroU64::new(period).unwrap())
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_response_of_a_schedule_exceeds_the_bound((graph, period) in graphs()) {
        let bound = dataflow_response(&graph);
        for item in dataflow_schedule(&graph, period, 5_000) {
            prop_assert!(item.response() <= bound, "{item:?} of {graph:?}, bounded by {bound}");
        }
    }
}
