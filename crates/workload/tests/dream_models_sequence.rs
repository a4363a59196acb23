//! The built-in models of DREAM's scenarios that are no plain vision networks against the numbers of
//! `docs/models/dream-models-sequence.md`, which this test reads, and through them against what the authors
//! of the networks publish.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use rtmm_testkit::pages::{assert_near, number, table};
use rtmm_workload::{Layer, Legality, Model, Operator, Shape, load};

const PAGE: &str = include_str!("../../../docs/models/dream-models-sequence.md");

fn model(short: &str) -> Model {
    load::model(&format!("dream/{}", short.trim_matches('`')), None, Legality::Strict)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn layer<'m>(model: &'m Model, name: &str) -> &'m Layer {
    model.layers.iter().find(|layer| layer.name == name).unwrap_or_else(|| panic!("a layer `{name}`"))
}

fn macs<'l>(layers: impl IntoIterator<Item = &'l Layer>) -> u64 {
    layers.into_iter().map(|layer| layer.macs().expect("a legal layer")).sum()
}

/// The convolutions of VGG-16, which are called `conv1_1` and so on.
fn encoder(model: &Model) -> impl Iterator<Item = &Layer> {
    model.layers.iter().filter(|layer| layer.name.starts_with("conv"))
}

/// Means over the ends of an inference, each counting as often as it happens: multiply-accumulates
/// and accuracy.
fn over_exits(model: &Model) -> [f64; 2] {
    let complete = model.accuracy.expect("an accuracy");
    let (mut reached, mut work, mut right) = (1.0, 0.0, 0.0);
    for exit in &model.exits {
        let share = reached * exit.probability;
        work += share * macs(&model.layers[..=exit.after.index()]) as f64;
        right += share * exit.accuracy.unwrap_or(complete);
        reached -= share;
    }
    [work + reached * macs(&model.layers) as f64, right + reached * complete]
}

#[test]
fn counts_are_those_of_the_page() {
    let rows = table(PAGE, &["model", "layers", "multiply-accumulates", "parameters"]);
    assert_eq!(rows.len(), 7);
    for row in rows {
        let model = model(&row[0]);
        let stated: Vec<u64> = row[1..].iter().map(|cell| number(cell)).collect();
        assert_eq!(stated, [model.layers.len() as u64, model.macs(), model.parameters()], "{}", row[0]);
    }
}

#[test]
fn counts_are_near_those_that_are_published() {
    let rows = table(PAGE, &["model", "quantity", "published", "left out here", "here", "tolerance"]);
    assert_eq!(rows.len(), 11);
    for row in rows {
        let model = model(&row[0]);
        let here = match row[1].as_str() {
            "parameters" => model.parameters(),
            "MACs" => model.macs(),
            "mean MACs by the backbone's, in thousandths" => {
                let backbone = model.layers.iter().filter(|layer| !layer.name.starts_with("exit"));
                (1e3 * over_exits(&model)[0] / macs(backbone) as f64).round() as u64
            }
            "mean accuracy, in thousandths" => (1e3 * over_exits(&model)[1]).round() as u64,
            "parameters of the encoder" => encoder(&model).map(Layer::parameters).sum(),
            "MACs of the encoder" => macs(encoder(&model)),
            "parameters of the convolutions" => {
                let is_convolution = |layer: &&Layer| matches!(layer.operator, Operator::Convolution(_));
                model.layers.iter().filter(is_convolution).map(Layer::parameters).sum()
            }
            "bytes of 32-bit weights without `fc8`" => {
                4 * (model.parameters() - layer(&model, "fc8").parameters())
            }
            other => panic!("this test knows no quantity `{other}`"),
        };
        assert_eq!(number(&row[4]), here, "{} {}", row[0], row[1]);
        let all = here + number(&row[3]);
        assert_near(all, number(&row[2]), &row[5], &format!("{} {}", row[0], row[1]));
    }
}

/// The publication's table: what every one of the nine inception modules gives.
#[test]
fn inception_modules_give_the_planes_of_the_table() {
    let model = model("googlenet_car");
    let table = [
        ("3a", 256, 28),
        ("3b", 480, 28),
        ("4a", 512, 14),
        ("4b", 512, 14),
        ("4c", 512, 14),
        ("4d", 528, 14),
        ("4e", 832, 14),
        ("5a", 832, 7),
        ("5b", 1_024, 7),
    ];
    for (name, channels, extent) in table {
        let output = layer(&model, name).output().expect("a legal layer");
        assert_eq!(output, Shape { channels, height: extent, width: extent }, "{name}");
    }
}

/// Both describe one network; the published table has no classifier, and 346 frames where there are 334.
#[test]
fn the_temporal_network_has_the_filters_of_the_published_table() {
    let published = load::model("xrbench/as_ed_tcn", None, Legality::Strict).expect("a built-in model");
    let ours = model("ed_tcn");
    let filters = |model: &Model| -> Vec<[u32; 4]> {
        let of_layer = |layer: &Layer| match layer.operator {
            Operator::Convolution(convolution) => Some([
                convolution.input.channels,
                convolution.output_channels,
                convolution.kernel[0],
                convolution.padding.before[0],
            ]),
            _ => None,
        };
        model.layers.iter().filter_map(of_layer).collect()
    };
    assert_eq!(filters(&ours), filters(&published));
}

#[test]
fn residual_blocks_of_the_keyword_spotter_keep_their_plane() {
    let model = model("kws_res8");
    for name in ["pool", "sum1", "sum2", "sum3"] {
        let output = layer(&model, name).output().expect("a legal layer");
        assert_eq!(output, Shape { channels: 45, height: 25, width: 13 }, "{name}");
    }
}
