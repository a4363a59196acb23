//! Profiles of TensorRT engines.

use rtmm_import::measurements::{Attachment, MeasurementOptions, join};
use rtmm_import::{ImportedLayer, ImportedOperator};

use crate::common::{layer, read, refused, shown};

const PROFILE: &str = r#"[
  { "count" : 4 }
, { "name" : "Reformatting CopyNode for Input Tensor 0 to conv1 + relu1", "timeMs" : 0.02, "averageMs" : 0.005, "medianMs" : 0.0049, "percentage" : 4.5 }
, { "name" : "conv1 + relu1", "timeMs" : 0.24, "averageMs" : 0.06, "medianMs" : 0.059, "percentage" : 54.5 }
, { "name" : "conv2 || conv3", "timeMs" : 0.12, "averageMs" : 0.03, "medianMs" : 0.0301, "percentage" : 27.3 }
, { "name" : "__myl_Soft_myl0_0", "timeMs" : 0.06, "averageMs" : 0.015, "medianMs" : 0.015, "percentage" : 13.6 }
, { "name" : "shuffle", "timeMs" : 0, "averageMs" : 0, "medianMs" : 0, "percentage" : 0 }
]
"#;

const LAYERS: &str = r#"{"Layers": [
  {"Name": "conv1 + relu1", "LayerType": "CaskConvolution", "Inputs": [],
   "Outputs": [{"Name": "t", "Location": "Device", "Dimensions": [1,8,4,4], "Format/Datatype": "Half"}],
   "TacticName": "x", "StreamId": 0, "Metadata": "[ONNX Layer: conv1]\u001e[ONNX Layer: relu1]"},
  {"Name": "__myl_Soft_myl0_0", "LayerType": "kgen",
   "Outputs": [{"Name": "u", "Dimensions": [1,10]}], "Metadata": "[ONNX Layer: soft]"}
], "Bindings": ["x"]}"#;

const TIMES: &str = r#"[
  { "startEnqMs" : 0.1, "startComputeMs" : 0.3, "endComputeMs" : 0.5, "h2dMs" : 0.1, "computeMs" : 0.2, "latencyMs" : 0.35 }
, { "startEnqMs" : 0.6, "startComputeMs" : 0.8, "endComputeMs" : 0.88, "h2dMs" : 0.1, "computeMs" : 0.08, "latencyMs" : 0.2 }
, { "startComputeMs" : 1.0, "endComputeMs" : 1.096 }
]"#;

fn options(layer_info: Option<&str>, times: Option<&str>) -> MeasurementOptions {
    let attachment = |file: &str, text: &str| Attachment { file: file.to_owned(), text: text.to_owned() };
    MeasurementOptions {
        layer_info: layer_info.map(|text| attachment("layers.json", text)),
        times: times.map(|text| attachment("times.json", text)),
        ..MeasurementOptions::default()
    }
}

fn model() -> Vec<ImportedLayer> {
    let soft = ImportedLayer {
        operator: ImportedOperator::Softmax { output: vec![1, 10] },
        ..layer("soft", "Softmax", &[1, 10])
    };
    let mut model: Vec<ImportedLayer> =
        ["conv1", "relu1", "conv2", "conv3"].map(|name| layer(name, "Relu", &[1, 8, 4, 4])).into();
    model.push(soft);
    model
}

#[test]
fn layers_have_means_and_since_some_version_medians() {
    let measured = read("trtexec", PROFILE, &options(None, None)).expect("a profile");
    assert_eq!(
        shown(&measured),
        [
            "Reformatting CopyNode for Input Tensor 0 to conv1 + relu1 4x p50=4.9 mean=5",
            "conv1 + relu1 4x p50=59 mean=60",
            "conv2 || conv3 4x p50=30.1 mean=30",
            "__myl_Soft_myl0_0 4x p50=15 mean=15",
            "shuffle 4x p50=0 mean=0"
        ]
    );
    assert_eq!((measured.runs, measured.summary().runs_us), (4, vec![]));
    let older =
        r#"[ { "count" : 2 }, { "name" : "a", "timeMs" : 3, "averageMs" : 1.5, "percentage" : 100 } ]"#;
    let measured = read("trtexec", older, &options(None, None)).expect("a profile");
    assert_eq!(shown(&measured), ["a 2x mean=1500"]);
}

#[test]
fn layer_info_tells_operators_and_times_tell_runs() {
    let measured = read("trtexec", PROFILE, &options(Some(LAYERS), Some(TIMES))).expect("a profile");
    assert_eq!(shown(&measured)[1], "conv1 + relu1 4x p50=59 mean=60 CaskConvolution");
    assert_eq!(measured.nodes[1].output, Some(vec![1, 8, 4, 4]));
    assert_eq!(measured.notes, ["3 of 5 layers are not in the file of --layer-info"]);
    assert_eq!(measured.summary().runs_us, [200.0, 80.0, 96.0]);
    let warm = MeasurementOptions { warm_up: 1, ..options(None, Some(TIMES)) };
    assert_eq!(read("trtexec", PROFILE, &warm).expect("a profile").summary().runs_us, [80.0, 96.0]);
    let table = "startComputeMs,endComputeMs,computeMs\n0.3,0.5,0.2\n0.8,0.88,0.08\n";
    let measured = read("trtexec", PROFILE, &options(None, Some(table))).expect("a profile");
    assert_eq!(measured.summary().runs_us, [200.0, 80.0]);
}

#[test]
fn layers_are_joined_by_the_names_of_their_parts_and_scaled_to_whole_runs() {
    let warm = MeasurementOptions { warm_up: 1, ..options(Some(LAYERS), Some(TIMES)) };
    let measured = read("trtexec", PROFILE, &warm).expect("a profile");
    let joined = join(&model(), &measured, None).expect("layers");
    let report = &joined.report;
    // 110 us of layers stand for the 88 us that a run takes in the mean.
    assert_eq!((report.profiled_us, report.scale, report.run_us), (Some(110.0), Some(0.8), 88.0));
    let times: Vec<u64> = joined.costs.iter().map(|cost| cost.time.picoseconds() / 1_000_000).collect();
    assert_eq!(times, [52, 0, 24, 0, 12]);
    assert_eq!((report.by_name, report.fused, report.fused_groups), (3, 2, 2));
    assert_eq!((report.layers_us, report.other_nodes_us, report.outside_us), (88.0, 0.0, 0.0));
}

#[test]
fn an_engine_of_one_foreign_node_has_all_layers() {
    let profile =
        r#"[ { "count" : 2 }, { "name" : "{ForeignNode[onnx::Gather_1...relu9]}", "averageMs" : 0.5 } ]"#;
    let measured = read("trtexec", profile, &options(None, None)).expect("a profile");
    let joined = join(&model(), &measured, None).expect("layers");
    let times: Vec<u64> = joined.costs.iter().map(|cost| cost.time.picoseconds() / 1_000_000).collect();
    assert_eq!((times, joined.report.fused), (vec![500, 0, 0, 0, 0], 4));
}

#[test]
fn bad_profiles_are_refused_with_their_reason() {
    let none = options(None, None);
    for (text, problem) in [
        ("", "the file is empty"),
        ("[", "1:1 the text ends in the middle of its JSON"),
        ("{}", "1:1 invalid type: map, expected a sequence"),
        ("[]", "the profile has no layers"),
        (r#"[{"count":0}]"#, "item 1 has no `count` of runs before all layers"),
        (r#"[{"count":-1}]"#, "item 1 has no `count` of runs before all layers"),
        (r#"[{"name":"a","averageMs":1},{"count":5}]"#, "item 2 has no `count` of runs before all layers"),
        (r#"[{"averageMs":1}]"#, "item 1 is no layer: it has no `name`"),
        (r#"[{"name":"a"}]"#, "layer `a` has neither `averageMs` nor `timeMs`"),
        (r#"[{"name":"a","averageMs":-1}]"#, "`averageMs` of layer `a` is negative"),
        (r#"[{"name":"a","averageMs":"1"}]"#, "`averageMs` of layer `a` is no number"),
        (
            r#"[{"name":"a","averageMs":1e300}]"#,
            "`averageMs` of layer `a` is no time: longer than the 213 days that the simulated clock can hold",
        ),
        (
            r#"[{"count":4000000000},{"name":"a","averageMs":1e9}]"#,
            "`averageMs` of layer `a` is beyond 213 days in 4000000000 runs",
        ),
        (r#"[{"cat":"Node","name":"a"}]"#, "layer `a` has neither `averageMs` nor `timeMs`"),
    ] {
        assert_eq!(refused("trtexec", text, &none), problem, "{text}");
    }
    let one = r#"[{"name":"a","averageMs":1}]"#;
    for (times, problem) in [
        ("[]", "times.json:the file has no runs"),
        (
            r#"[{"latencyMs":1}]"#,
            "times.json:run 1: there is neither `computeMs` nor `startComputeMs` and `endComputeMs`",
        ),
        (
            r#"[{"startComputeMs":2,"endComputeMs":1}]"#,
            "times.json:run 1: `endComputeMs` is before `startComputeMs`",
        ),
        (r#"[{"computeMs":-2}]"#, "times.json:run 1: `computeMs` is negative"),
        ("computeMs\n1\nx\n", "times.json:3:1 `computeMs` is no number"),
    ] {
        assert_eq!(refused("trtexec", one, &options(None, Some(times))), problem, "{times}");
    }
    for (layers, problem) in [
        (r#"{"Layers":[]}"#, "layers.json:the file has no layers"),
        (r#"{"Layers":["a","b"]}"#, "layers.json:the layers of the file have names alone"),
        (
            r#"{"Layers":[{"Name":3}]}"#,
            "layers.json:layer 1 of the file: invalid type: integer `3`, expected a string",
        ),
        ("[", "layers.json:1:1 the text ends in the middle of its JSON"),
        ("3", "layers.json:1:1 this is no JSON, which begins with `[` or `{`"),
        (r#"{"Layers":3}"#, "layers.json:1:11 invalid type: integer `3`, expected a sequence"),
    ] {
        assert_eq!(refused("trtexec", one, &options(Some(layers), None)), problem, "{layers}");
    }
    let warm = MeasurementOptions { warm_up: 1, ..options(None, None) };
    assert_eq!(
        refused("trtexec", one, &warm),
        "the profile has sums of all runs, so that none can be left out"
    );
}

#[test]
fn ten_thousand_layers_are_read_and_beginnings_are_refused() {
    let layers: Vec<String> =
        (0..10_000).map(|layer| format!(r#"{{"name":"l{layer}","averageMs":0.001}}"#)).collect();
    let text = format!("[{{\"count\":7}},{}]", layers.join(","));
    let measured = read("trtexec", &text, &options(None, None)).expect("a profile");
    assert_eq!(measured.nodes.len(), 10_000);
    // As many ranges, all of which are of all layers: the first has them.
    let ranges = text.replace("\"name\":\"l", "\"name\":\"{ForeignNode[x...y]}\",\"l\":\"");
    let measured = read("trtexec", ranges, &options(None, None)).expect("a profile");
    let names: Vec<String> = (0..10_000).map(|layer| format!("n{layer}")).collect();
    let model: Vec<ImportedLayer> = names.iter().map(|name| layer(name, "Relu", &[1])).collect();
    let joined = join(&model, &measured, None).expect("layers");
    assert_eq!((joined.report.by_name, joined.report.fused), (1, 9_999));
    for length in 0..PROFILE.trim_end().len() {
        refused("trtexec", &PROFILE.as_bytes()[..length], &options(None, None));
    }
}

#[test]
fn sums_that_contradict_means_and_layers_that_stand_twice_are_told() {
    let profile = r#"[{"count":4},{"name":"a","timeMs":0.24,"averageMs":0.06,"medianMs":0.05},
        {"name":"b","timeMs":0.9,"averageMs":0.06},{"name":"a","timeMs":0.0401,"averageMs":0.01,"medianMs":0.01}]"#;
    let measured = read("trtexec", profile, &options(None, None)).expect("a profile");
    assert_eq!(shown(&measured), ["a 4x mean=70", "b 4x mean=60"]);
    assert_eq!(
        measured.notes,
        [
            "`timeMs` of 1 of 2 layers is not `averageMs` in 4 runs, first of `b`; `averageMs` counts",
            "1 layers stand there several times, such as `a`: their times add up",
        ]
    );
    assert!(read("trtexec", PROFILE, &options(None, None)).expect("a profile").notes.is_empty());
}
