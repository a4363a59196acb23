//! The built-in models of the Dysta benchmark against the numbers of `docs/models/sample-traces.md`,
//! which this test reads, and through them against what the authors of the networks publish.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use rtmm_testkit::pages::{assert_near, number, table};
use rtmm_workload::{Convolution, Layer, Legality, Model, Operator, Schema, load};

const PAGE: &str = include_str!("../../../docs/models/sample-traces.md");

fn model(short: &str) -> Model {
    load::model(&format!("dysta/{short}"), None, Legality::Strict)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn convolution(layer: &Layer) -> Convolution {
    match layer.operator {
        Operator::Convolution(convolution) => convolution,
        _ => panic!("layer `{}` is no convolution", layer.name),
    }
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
    assert_eq!(rows.len(), 10);
    for row in rows {
        let model = model(&row[0]);
        let here = match row[1].as_str() {
            "parameters" => model.parameters(),
            "MACs" => model.macs(),
            "parameters of the backbone" => model.layers[..15].iter().map(Layer::parameters).sum(),
            other => panic!("this test knows no quantity `{other}`"),
        };
        assert_eq!(number(&row[4]), here, "{} {}", row[0], row[1]);
        let all = here + number(&row[3]);
        assert_near(all, number(&row[2]), &row[5], &format!("{} {}", row[0], row[1]));
    }
}

/// Where planes come from, but for pools: an odd extent is halved upwards.
#[test]
fn planes_follow_from_strides_and_paddings() {
    for (short, pools) in [("resnet50", 2), ("vgg16", 5), ("mobilenet", 1), ("ssd300_resnet18", 1)] {
        let model = model(short);
        // Stems and classifiers stand before and behind pools; heads of SSD read earlier maps.
        let chain = model.layers.iter().take_while(|layer| !layer.name.starts_with("location"));
        let chain: Vec<&Layer> = chain.filter(|layer| !layer.name.ends_with("downsample")).collect();
        let mut breaks = 0;
        for pair in chain.windows(2) {
            let (output, input) = (pair[0].output().expect("a legal layer"), convolution(pair[1]).input);
            breaks += usize::from(output != input);
        }
        assert_eq!(breaks, pools, "{short}");
    }
}

#[test]
fn a_down_sampling_convolution_comes_after_the_last_one_of_its_block() {
    let model = model("resnet50");
    let names: Vec<&str> = model.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names[3..6], ["layer1.0.conv3", "layer1.0.downsample", "layer1.1.conv1"]);
    assert_eq!(names.iter().filter(|name| name.ends_with("downsample")).count(), 4);
    assert_eq!(names.last(), Some(&"fc"));
}

/// Latency in milliseconds that the benchmark gives an attention layer of 512 tokens with this density
/// and load balance on Sanger.
fn on_sanger(density: f64, balance: f64) -> f64 {
    let (tokens, width, rate) = (512.0, 768.0, 2_048.0);
    let rows = density / balance / 0.25 * tokens;
    let linear = tokens * width * width * 2.0 / 1e9 / rate;
    let tile = (width + 64.0) + (rows + 64.0);
    let attention = rows / 64.0 * tile * (tokens / 64.0) / 1e9;
    1e3 * (3.0 * linear + linear * density / balance + attention)
}

/// Mean, spread within layers, correlation of neighbouring layers, longest by shortest sample.
fn moments(model: &Model) -> [f64; 4] {
    let trace = model.samples.as_ref().expect("a model with samples");
    let (samples, layers) = (trace.len(), trace.layers());
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let logits = |layer: usize| -> Vec<f64> {
        let logit = |value: f64| (value / (1.0 - value)).log(std::f64::consts::E);
        (0..samples).map(|sample| logit(trace.stated(sample, layer).clamp(1e-6, 1.0 - 1e-6))).collect()
    };
    let (mut spreads, mut deviations) = (Vec::new(), Vec::new());
    for layer in 0..layers {
        let logits = logits(layer);
        let middle = mean(&logits);
        let squares: Vec<f64> = logits.iter().map(|value| (value - middle) * (value - middle)).collect();
        let spread = mean(&squares).sqrt();
        spreads.push(spread);
        deviations.push(logits.iter().map(|value| (value - middle) / spread).collect::<Vec<f64>>());
    }
    let neighbours: Vec<f64> = deviations
        .windows(2)
        .map(|pair| {
            let products: Vec<f64> = pair[0].iter().zip(&pair[1]).map(|(one, other)| one * other).collect();
            mean(&products)
        })
        .collect();
    let total = |sample: usize| -> f64 {
        let of_layer = |layer: usize| match trace.schema {
            Schema::Sanger => on_sanger(trace.stated(sample, layer), trace.balance(sample, layer)),
            Schema::EyerissV2 => {
                let macs = model.layers[layer].macs().expect("a legal layer");
                macs as f64 * (1.0 - trace.sparsity(sample, layer))
            }
        };
        (0..layers).map(of_layer).sum()
    };
    let totals: Vec<f64> = (0..samples).map(total).collect();
    let [least, largest] = [f64::min, f64::max].map(|of| totals.iter().copied().reduce(of).expect("samples"));
    let stated: Vec<f64> = trace.values()[0].to_vec();
    [mean(&stated), mean(&spreads), mean(&neighbours), largest / least]
}

#[test]
fn moments_are_those_of_the_page_and_near_those_of_the_reference_set() {
    let columns =
        ["trace", "mean", "ref.", "spread", "ref.", "neighbours", "ref.", "longest/shortest", "ref."];
    let rows = table(PAGE, &columns);
    assert_eq!(rows.len(), 11);
    // How far from the reference set a moment may be.
    let tolerances = [0.04, 0.05, 0.05, 0.35];
    for row in rows {
        let name = row[0].as_str();
        for (index, here) in moments(&model(name)).into_iter().enumerate() {
            let [stated, reference] = [1, 2].map(|offset| row[2 * index + offset].as_str());
            let decimals = stated.len() - stated.find('.').expect("a decimal point") - 1;
            assert_eq!(stated, format!("{here:.decimals$}"), "{name}: {}", columns[2 * index + 1]);
            let reference: f64 = reference.parse().expect("a number");
            let difference = (here - reference).abs();
            assert!(difference <= tolerances[index], "{name}: {} {here}", columns[2 * index + 1]);
        }
    }
}
