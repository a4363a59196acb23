//! The built-in vision models of DREAM's scenarios against the numbers of `docs/models/dream-models.md`, which this
//! test reads, and through them against what the authors of the networks publish.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;

use rtmm_testkit::pages::{assert_near, number, table};
use rtmm_workload::{Convolution, Layer, Legality, Model, Operator, Shapes, load};

const PAGE: &str = include_str!("../../../docs/models/dream-models.md");

fn model(short: &str) -> Model {
    load::model(&format!("dream/{short}"), None, Legality::Strict)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn convolutions(model: &Model) -> impl Iterator<Item = (&Layer, Convolution)> {
    model.layers.iter().filter_map(|layer| match layer.operator {
        Operator::Convolution(convolution) => Some((layer, convolution)),
        _ => None,
    })
}

fn macs(layers: &[Layer]) -> u64 {
    layers.iter().map(|layer| layer.macs().expect("a legal layer")).sum()
}

/// The layers of a gate of SkipNet.
fn is_gate(layer: &Layer) -> bool {
    layer.name.contains(".gate_")
}

/// What an inference computes on average: each block by the probability that it runs.
fn expected_macs(model: &Model) -> f64 {
    let skipped = |block: &rtmm_workload::Block| {
        let layers = &model.layers[block.first.index()..=block.last.index()];
        block.skip_probability * macs(layers) as f64
    };
    macs(&model.layers) as f64 - model.blocks.iter().map(skipped).sum::<f64>()
}

#[test]
fn counts_are_those_of_the_page() {
    let rows = table(PAGE, &["model", "layers", "multiply-accumulates", "parameters"]);
    assert_eq!(rows.len(), 11);
    for row in rows {
        let model = model(&row[0]);
        assert_eq!(model.shapes, Shapes::Chained, "{}", row[0]);
        let stated: Vec<u64> = row[1..].iter().map(|cell| number(cell)).collect();
        assert_eq!(stated, [model.layers.len() as u64, model.macs(), model.parameters()], "{}", row[0]);
    }
}

#[test]
fn counts_are_near_those_that_are_published() {
    let rows = table(PAGE, &["model", "quantity", "published", "left out here", "here", "tolerance"]);
    assert_eq!(rows.len(), 17);
    for row in rows {
        let model = model(&row[0]);
        let plain =
            || -> Vec<Layer> { model.layers.iter().filter(|layer| !is_gate(layer)).cloned().collect() };
        let here = match row[1].as_str() {
            "parameters" => model.parameters(),
            "MACs" => model.macs(),
            "parameters without gates" => plain().iter().map(Layer::parameters).sum(),
            "MACs without gates" => macs(&plain()),
            "expected share, in millionths" => {
                (1e6 * expected_macs(&model) / macs(&plain()) as f64).round() as u64
            }
            other => panic!("this test knows no quantity `{other}`"),
        };
        assert_eq!(number(&row[4]), here, "{} {}", row[0], row[1]);
        let all = here + number(&row[3]);
        assert_near(all, number(&row[2]), &row[5], &format!("{} {}", row[0], row[1]));
    }
}

/// A chained model has every plane from the layer before; what is left to say is that paddings keep extents.
#[test]
fn planes_follow_from_strides() {
    let rows = table(PAGE, &["model", "planes"]);
    assert_eq!(rows.len(), 11);
    for row in rows {
        let model = model(&row[0]);
        let mut planes = BTreeSet::new();
        let mut exceptions = Vec::new();
        for (layer, convolution) in convolutions(&model) {
            let output = layer.output().expect("a legal layer");
            planes.insert([output.height, output.width]);
            let [rows, columns] = convolution.stride;
            let halved = [convolution.input.height.div_ceil(rows), convolution.input.width.div_ceil(columns)];
            if halved != [output.height, output.width] {
                exceptions.push(layer.name.as_str());
            }
        }
        let planes: Vec<String> =
            planes.iter().rev().map(|[rows, columns]| format!("{rows} x {columns}")).collect();
        assert_eq!(planes.join(", "), row[1], "{}", row[0]);
        // The one convolution of stride 2 without padding.
        let allowed: &[&str] = if row[0] == "trail_net" { &["conv1"] } else { &[] };
        assert_eq!(exceptions, allowed, "{}", row[0]);
    }
}

#[test]
fn networks_of_the_supernet_are_ordered() {
    let supernet = model("once_for_all");
    assert_eq!(supernet.name, "dream/once_for_all/full");
    let rows = table(PAGE, &["model", "resolution", "accuracy"]);
    let networks: Vec<&Model> = supernet.variants.iter().chain([&supernet]).collect();
    assert_eq!(networks.len(), rows.len());
    for (network, row) in networks.iter().zip(&rows) {
        assert_eq!(network.layers, model(&row[0]).layers, "{}", row[0]);
        let (_, stem) = convolutions(network).next().expect("a convolution");
        let resolution = u32::try_from(number(&row[1])).expect("a small number");
        assert_eq!([stem.input.height, stem.input.width], [resolution; 2], "{}", row[0]);
        assert_eq!(
            network.accuracy.map(|accuracy| format!("{accuracy:.3}")),
            Some(row[2].clone()),
            "{}",
            row[0]
        );
    }
    for pair in networks.windows(2) {
        assert!(pair[0].macs() < pair[1].macs(), "{}", pair[1].name);
        assert!(pair[0].accuracy < pair[1].accuracy, "{}", pair[1].name);
    }
}

#[test]
fn gates_stand_before_the_blocks_that_they_decide_on() {
    let skipping = model("skip_net");
    assert_eq!(skipping.blocks.len(), 33);
    assert_eq!(skipping.blocks.iter().filter(|block| block.skip_probability > 0.0).count(), 29);
    let mut behind = 2;
    for block in &skipping.blocks {
        let (first, last) = (block.first.index(), block.last.index());
        // The stem has two layers, a gate has four; nothing else is outside of blocks.
        assert_eq!(first - behind, if behind == 2 { 0 } else { 4 }, "{}", block.name);
        assert!(skipping.layers[behind..first].iter().all(is_gate), "{}", block.name);
        assert!(!skipping.layers[first..=last].iter().any(is_gate), "{}", block.name);
        behind = last + 1;
    }
    let rest: Vec<&str> = skipping.layers[behind..].iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(rest, ["avgpool", "fc"]);
}

/// 150 patches cost 150 times one, but for weights.
#[test]
fn stacked_patches_are_a_batch() {
    let stack = model("sos_net");
    let (mut batch, mut weights) = (0, 0);
    for (_, mut layer) in convolutions(&stack) {
        let patches = 150;
        assert_eq!(layer.input.height % patches, 0);
        layer.input.height /= patches;
        let operator = Operator::Convolution(layer);
        let one = Layer::new("one patch", operator);
        batch += u64::from(patches) * one.macs().expect("a legal layer");
        weights += one.parameters();
    }
    assert_eq!((batch, weights), (stack.macs(), 1_334_560));
    assert_eq!(batch / 150, 39_092_224);
}
