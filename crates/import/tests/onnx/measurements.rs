//! Profiles of ONNX Runtime: real ones against what another program computed of them, and ones by hand.

use std::io::{BufReader, Read};

use flate2::read::GzDecoder;
use rtmm_import::measurements::{
    MAX_EVENT_BYTES, MAX_OPEN, MeasurementError, MeasurementOptions, Measurements, Place, format, join,
};

use crate::builder::Graph;

fn read(text: &mut dyn Read, warm_up: u64) -> Result<Measurements, MeasurementError> {
    format("ort")
        .expect("a format")
        .read(&mut BufReader::new(text), &MeasurementOptions { warm_up, ..MeasurementOptions::default() })
}

/// The profile of these events, one a line.
fn of(events: &[String]) -> String {
    format!("[\n{}\n]\n", events.join(",\n"))
}

fn run(start: u64, length: u64) -> String {
    format!(r#"{{"cat":"Session","ts":{start},"dur":{length},"name":"model_run","args":{{}}}}"#)
}

fn node(name: &str, operator: &str, thread: u64, start: u64, length: u64) -> String {
    let args = format!(r#"{{"op_name":"{operator}","node_index":"0"}}"#);
    format!(
        r#"{{"cat":"Node","tid":{thread},"ts":{start},"dur":{length},"name":"{name}_kernel_time","args":{args}}}"#
    )
}

/// Name, depth, calls and the sum of self times of all nodes, in microseconds.
fn shown(measured: &Measurements) -> Vec<String> {
    let node = |node: &rtmm_import::measurements::MeasuredNode| {
        let total = node.self_total.map_or(0, |total| total.picoseconds() / 1_000_000);
        format!("{} {} {}x {total}", node.name, node.depth, node.calls)
    };
    measured.nodes.iter().map(node).collect()
}

#[track_caller]
fn refused(text: &str) -> MeasurementError {
    read(&mut text.as_bytes(), 0).expect_err("no profile")
}

/// Columns of a small CSV without quotes.
fn rows(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

#[track_caller]
fn equals_the_truth(profile: &[u8], nodes: &str, runs: &str) {
    let measured = read(&mut GzDecoder::new(profile), 5).expect("a profile");
    let summary = measured.summary();
    let found: Vec<Vec<String>> = summary
        .layers
        .iter()
        .map(|node| {
            let numbers = [node.p50_us, node.p99_us, node.self_mean_us]
                .map(|time| time.map(|time| time.to_string()).unwrap_or_default());
            let whole = [node.node_index, node.depth.into(), node.calls].map(|number| number.to_string());
            [vec![node.node.to_owned()], whole.to_vec(), numbers.to_vec()].concat()
        })
        .collect();
    let number = |cell: &str| cell.parse::<f64>().map_or_else(|_| cell.to_owned(), |value| value.to_string());
    let truth: Vec<Vec<String>> =
        rows(nodes).into_iter().map(|row| row.into_iter().map(number).collect()).collect();
    assert_eq!(found, truth);
    let all = rows(runs);
    let truth: Vec<f64> =
        all.iter().filter(|row| row[0] == "0").map(|row| row[1].parse().expect("a number")).collect();
    assert_eq!((summary.kind, summary.runs, summary.runs_us), ("ort", all.len() as u64, truth));
    assert_eq!(measured.outside_runs, 0);
}

#[test]
fn a_network_is_as_another_program_computed_it() {
    equals_the_truth(
        include_bytes!("../profiles/pnet.json.gz"),
        include_str!("../profiles/pnet.nodes.csv"),
        include_str!("../profiles/pnet.runs.csv"),
    );
}

#[test]
fn loops_in_branches_are_as_another_program_computed_them() {
    equals_the_truth(
        include_bytes!("../profiles/tiny_control_flow.json.gz"),
        include_str!("../profiles/tiny_control_flow.nodes.csv"),
        include_str!("../profiles/tiny_control_flow.runs.csv"),
    );
}

#[test]
fn the_order_of_the_file_does_not_matter() {
    let mut text = String::new();
    let profile: &[u8] = include_bytes!("../profiles/tiny_control_flow.json.gz");
    GzDecoder::new(profile).read_to_string(&mut text).expect("a text");
    let ordered = read(&mut text.as_bytes(), 0).expect("a profile");
    let mut events: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| line.trim_end_matches(',').to_owned())
        .collect();
    events.sort_by_key(|event| {
        let start = event.split("\"ts\":").nth(1).and_then(|rest| rest.split(',').next());
        start.and_then(|start| start.parse::<u64>().ok())
    });
    assert_eq!(read(&mut of(&events).as_bytes(), 0).expect("a profile"), ordered);
}

#[test]
fn nodes_nest_by_intervals_with_a_microsecond_of_slack() {
    let profile = of(&[
        node("before", "Add", 1, 10, 0),
        node("body", "Mul", 1, 12, 3),
        // Cut to microseconds, the end of the body lies behind the one of the node around it.
        node("last", "Mul", 1, 15, 5),
        node("branch", "If", 1, 10, 9),
        node("after", "Add", 1, 20, 1),
        // Both begin where the loop ends: the one that ended before it is inside.
        node("inner", "Add", 1, 25, 0),
        node("loop", "Loop", 1, 21, 4),
        node("next", "Add", 1, 25, 1),
        // Work of another thread at the same time is beside the node, not inside it.
        node("beside", "Add", 2, 30, 2),
        node("wide", "Conv", 1, 30, 8),
        run(10, 30),
    ]);
    let measured = read(&mut profile.as_bytes(), 0).expect("a profile");
    assert_eq!(
        shown(&measured),
        [
            "branch 0 1x 1",
            "before 1 1x 0",
            "body 1 1x 3",
            "last 1 1x 5",
            "after 0 1x 1",
            "loop 0 1x 4",
            "next 0 1x 1",
            "inner 1 1x 0",
            "wide 0 1x 8",
            "beside 0 1x 2"
        ]
    );
}

#[test]
fn warm_up_and_what_lies_outside_runs_do_not_count() {
    let profile = of(&[
        node("a", "Add", 0, 1, 5),
        run(10, 10),
        node("a", "Add", 0, 11, 5),
        run(30, 10),
        node("a", "Add", 0, 31, 7),
        node("a", "Add", 0, 38, 2),
    ]);
    let all = read(&mut profile.as_bytes(), 0).expect("a profile");
    assert_eq!((shown(&all), all.outside_runs, all.run_times.len()), (vec!["a 0 3x 14".to_owned()], 1, 2));
    let warm = read(&mut profile.as_bytes(), 1).expect("a profile");
    assert_eq!((shown(&warm), warm.runs, warm.run_times.len()), (vec!["a 0 2x 9".to_owned()], 2, 1));
    assert_eq!(
        read(&mut profile.as_bytes(), 2).expect_err("no run is left").problem,
        "all of the 2 runs are warm-up"
    );
}

#[test]
fn layers_are_joined_by_name_then_by_operator_and_size() {
    let mut model = Graph::default()
        .image("x", &[1, 4])
        .output("d")
        .node("Relu", &["x"], &["a"])
        .node("Tanh", &["a"], &["b"])
        .node("Exp", &["b"], &["c"])
        .node("Sin", &["c"], &["d"])
        .import();
    for (layer, name) in model.layers.iter_mut().zip(["first", "second", "third", "fourth"]) {
        layer.node_name = name.to_owned();
    }
    let shaped = node("renamed", "Tanh", 0, 17, 3)
        .replace(r#""node_index""#, r#""output_type_shape":[{"float":[1,4]}],"node_index""#);
    let profile = of(&[
        node("moved", "Transpose", 0, 10, 1),
        node("first", "Relu", 0, 11, 5),
        shaped,
        node("moved again", "Transpose", 0, 20, 2),
        node("fourth", "Sin", 0, 22, 4),
        run(10, 20),
    ]);
    let measured = read(&mut profile.as_bytes(), 0).expect("a profile");
    let joined = join(&model.layers, &measured, None).expect("layers");
    let times: Vec<u64> = joined.costs.iter().map(|cost| cost.time.picoseconds() / 1_000_000).collect();
    assert_eq!(times, [6, 5, 0, 4]);
    let report = joined.report;
    assert_eq!((report.layers, report.by_name, report.by_shape), (4, 2, 1));
    assert_eq!((report.fused, report.fused_groups), (1, 1));
    assert_eq!((report.run_us, report.layers_us), (20.0, 12.0));
    assert_eq!((report.other_nodes_us, report.outside_us), (3.0, 5.0));
    assert!(join(&[], &measured, None).is_err());
}

#[test]
fn damaged_profiles_are_refused_with_their_place() {
    let at = |line, column| Some(Place { line, column });
    let cases = [
        (String::new(), None, "the file is empty"),
        ("[]".to_owned(), at(1, 2), "the profile has no events"),
        ("{\"a\":1}".to_owned(), at(1, 1), "invalid type: map, expected the list of events of a profile"),
        (
            "[{\"count\":3}]".to_owned(),
            at(1, 13),
            "an event has no `cat`: this is no profile of ONNX Runtime",
        ),
        ("[\n{\"cat\":\"Node\",\"dur\":-4}]".to_owned(), at(2, 23), "-4 us is a negative time"),
        (
            "[\n{\"cat\":\"Node\",\"ts\":1.5}]".to_owned(),
            at(2, 23),
            "invalid type: floating point `1.5`, expected a whole number of microseconds",
        ),
        (of(&[node("a", "Add", 0, 1, 2)]), None, "the profile has no `model_run`, so that no run is whole"),
        (of(&[run(1, 2)]), None, "no node ran within the runs after the warm-up"),
    ];
    for (text, place, problem) in cases {
        let error = refused(&text);
        assert_eq!((error.place, error.problem.as_str()), (place, problem), "{text}");
    }
}

#[test]
fn every_beginning_of_a_profile_is_refused() {
    let profile = of(&[node("a", "Add", 0, 11, 5), run(10, 10)]);
    for length in 0..profile.trim_end().len() {
        refused(&profile[..length]);
    }
}

#[test]
fn memory_is_bounded() {
    let long = format!("[{{\"cat\":\"{}", "a".repeat(MAX_EVENT_BYTES as usize + 100));
    assert!(refused(&long).problem.contains("an event has more than 1048576 bytes"));
    let mut open: Vec<String> = (0..=MAX_OPEN).map(|_| node("a", "If", 0, 1, 100)).collect();
    open.push(run(0, 200));
    assert_eq!(refused(&of(&open)).problem, "more than 256 nodes run at 1 us");
}
