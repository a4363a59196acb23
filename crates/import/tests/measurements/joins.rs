//! Nodes of a profile and layers of a model that go together.

use rtmm_import::measurements::{Joined, MeasuredNode, Measurements, Part, join};
use rtmm_import::{ImportedLayer, ImportedOperator};
use rtmm_workload::Duration;

use crate::common::{columns, layer, read};

const MICROSECOND: u64 = 1_000_000;

fn node(name: &str, parts: &[Part], microseconds: u64) -> MeasuredNode {
    MeasuredNode {
        name: name.to_owned(),
        parts: parts.to_vec(),
        calls: 1,
        self_total: Some(Duration::from_picoseconds(microseconds * MICROSECOND)),
        ..MeasuredNode::default()
    }
}

fn part(name: &str) -> Part {
    Part::Node(name.to_owned())
}

fn of(nodes: Vec<MeasuredNode>) -> Measurements {
    Measurements { kind: "csv", runs: 1, node_runs: 1, nodes, ..Measurements::default() }
}

fn times(joined: &Joined) -> Vec<u64> {
    joined.costs.iter().map(|cost| cost.time.picoseconds() / MICROSECOND).collect()
}

fn layers(names: &[&str]) -> Vec<ImportedLayer> {
    names.iter().map(|name| layer(name, "Relu", &[1, 4])).collect()
}

#[test]
fn fused_nodes_have_their_time_at_the_first_of_their_layers() {
    let model = layers(&["conv", "bn", "relu", "fc", "soft"]);
    let measured = of(vec![
        node("reformat for conv", &[part("conv")], 2),
        node("conv + relu", &[part("relu"), part("weights"), part("conv")], 10),
        node("unknown", &[part("shape")], 3),
        node("fc", &[], 5),
    ]);
    let joined = join(&model, &measured, None).expect("layers");
    // `bn` has no node and runs as part of `conv`, as `relu` does by name; `soft` runs as part of `fc`.
    assert_eq!(times(&joined), [15, 0, 0, 5, 0]);
    let report = &joined.report;
    assert_eq!((report.by_name, report.by_shape, report.fused, report.fused_groups), (2, 0, 3, 2));
    assert_eq!((report.layers_us, report.other_nodes_us, report.run_us), (17.0, 3.0, 20.0));
    assert_eq!((report.outside_us, report.scale), (0.0, None));
}

#[test]
fn a_range_of_nodes_has_the_layers_between_its_ends() {
    let model = layers(&["a", "b", "c", "d", "e"]);
    let between = |first: &str, last: &str| Part::Between(first.to_owned(), last.to_owned());
    let measured = of(vec![node("a", &[], 1), node("rest", &[between("b", "d")], 9), node("e", &[], 2)]);
    let joined = join(&model, &measured, None).expect("layers");
    assert_eq!((times(&joined), joined.report.fused_groups), (vec![1, 9, 0, 0, 2], 1));
    // Ends that are no layers of the model reach up to the layers of the nodes around.
    let measured =
        of(vec![node("a", &[], 1), node("rest", &[between("shape", "cast")], 9), node("e", &[], 2)]);
    assert_eq!(times(&join(&model, &measured, None).expect("layers")), [1, 9, 0, 0, 2]);
    let measured = of(vec![node("all", &[between("shape", "cast")], 9)]);
    assert_eq!(times(&join(&model, &measured, None).expect("layers")), [9, 0, 0, 0, 0]);
}

#[test]
fn layers_of_one_name_share_the_time_of_its_node() {
    let model = layers(&["body", "other", "body", "body"]);
    let joined = join(&model, &of(vec![node("body", &[], 9)]), None).expect("layers");
    assert_eq!(times(&joined), [3, 0, 3, 3]);
}

#[test]
fn outputs_of_nodes_are_names_too() {
    let joined = join(&layers(&["a"]), &of(vec![node("a_output_0", &[], 4)]), None).expect("layers");
    assert_eq!((times(&joined), joined.report.by_name), (vec![4], 1));
}

#[test]
fn kinds_of_operators_join_by_size_and_by_order_where_counts_agree() {
    let soft = |name: &str, extents: &[u64]| ImportedLayer {
        operator: ImportedOperator::Softmax { output: extents.to_vec() },
        ..layer(name, "Softmax", extents)
    };
    let pool = |name: &str| ImportedLayer {
        operator: ImportedOperator::Reduction { inputs: 64, outputs: 4 },
        ..layer(name, "ReduceMean", &[4])
    };
    let model = [soft("s1", &[1, 4]), pool("p1"), soft("s2", &[1, 8]), pool("p2")];
    let typed = |name: &str, operator: &str, output: Option<Vec<u64>>, time| MeasuredNode {
        operator: operator.to_owned(),
        output,
        ..node(name, &[], time)
    };
    let measured = of(vec![
        typed("x", "exSoftmax13", Some(vec![8]), 1),
        typed("y", "AVERAGE_POOL_2D", None, 2),
        typed("z", "MEAN", None, 3),
    ]);
    let joined = join(&model, &measured, None).expect("layers");
    assert_eq!(times(&joined), [0, 2, 1, 3]);
    assert_eq!((joined.report.by_shape, joined.report.by_order, joined.report.fused), (1, 2, 1));
    // One pooling more than the model has: which is which is not known.
    let measured = of(vec![
        typed("x", "exSoftmax13", Some(vec![8]), 1),
        typed("y", "MEAN", None, 2),
        typed("z", "MEAN", None, 3),
        typed("w", "MEAN", None, 4),
    ]);
    let joined = join(&model, &measured, None).expect("layers");
    assert_eq!((joined.report.by_order, joined.report.other_nodes_us), (0, 9.0));
}

#[test]
fn times_are_scaled_to_a_run_without_the_profiler() {
    let model = layers(&["a", "b"]);
    let mut measured = of(vec![node("a", &[], 30), node("b", &[], 10)]);
    let joined = join(&model, &measured, Some(Duration::from_picoseconds(20 * MICROSECOND))).expect("layers");
    assert_eq!(times(&joined), [15, 5]);
    let report = joined.report;
    assert_eq!((report.profiled_us, report.scale, report.run_us), (Some(40.0), Some(0.5), 20.0));
    measured.run_times = [7, 8, 9].map(|time| Duration::from_picoseconds(time * MICROSECOND)).to_vec();
    measured.is_unprofiled = true;
    let joined = join(&model, &measured, None).expect("layers");
    assert_eq!((times(&joined), joined.report.scale), (vec![6, 2], Some(0.2)));
}

#[test]
fn costs_are_means_of_a_run_with_bytes_energy_and_quantiles() {
    let options = columns("name=n,mean=m,p50=p,p99=q,calls=c,bytes=b,energy_uj=e,runs=4");
    let table = "n,m,p,q,c,b,e\na,10,8,12,4,100,1.5\nb,3,2,4,8,7,0.25\n";
    let measured = read("csv", table, &options).expect("a table");
    let joined = join(&layers(&["a", "b"]), &measured, None).expect("layers");
    assert_eq!(times(&joined), [10, 6]);
    let [a, b] = &joined.costs[..] else { panic!("two layers") };
    assert_eq!((a.bytes, a.energy_uj, b.bytes, b.energy_uj), (Some(100), Some(1.5), Some(14), Some(0.5)));
    // Two of five quantiles are no distribution.
    assert_eq!((a.quantiles, b.quantiles), (None, None));
}

#[test]
fn quantiles_of_the_nodes_of_a_layer_add_up() {
    let table = "n,r,t\na,0,10\nmove,0,1\nb,0,4\nb,0,4\na,1,14\nmove,1,3\nb,1,4\nb,1,6\n";
    let measured = read("csv", table, &columns("name=n,run=r,time=t")).expect("a table");
    let joined = join(&layers(&["a", "b"]), &measured, None).expect("layers");
    let microseconds = |times: [Duration; 5]| times.map(|time| time.picoseconds() / MICROSECOND);
    // Of two runs the median is the first, and both nodes of `a` are slow in the second one.
    assert_eq!(joined.costs[0].quantiles.map(microseconds), Some([11, 11, 17, 17, 17]));
    // Two executions in a run: nothing says how their times go together.
    assert_eq!((joined.costs[1].quantiles, times(&joined)), (None, vec![14, 9]));
    let joined = join(&layers(&["a", "b"]), &measured, Some(Duration::from_picoseconds(46 * MICROSECOND)))
        .expect("layers");
    assert_eq!(joined.costs[0].quantiles.map(microseconds), Some([22, 22, 34, 34, 34]));
}
