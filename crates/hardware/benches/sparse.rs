//! Layers a second of the cost models that depend on the input, one thread, with shares of zeros: the
//! path that cost tables and sample traces take.
//!
//! The layers are all distinct rows of the built-in XRBench tables for `eyeriss_v2`, and attention of the
//! lengths of a golden for `sanger`.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::eyeriss_v2::{Operands, Organisation, cost};
use rtmm_hardware::{Condition, LayerOf, Mode, Sparse, load};
use rtmm_workload::load::{Kind, built_in_names, model};
use rtmm_workload::{Attention, Layer, Legality, Nest, Operator};

fn distinct_layers() -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for name in built_in_names(Kind::Model).iter().filter(|name| name.starts_with("xrbench/")) {
        layers.extend(model(name, None, Legality::Strict).expect("a built-in model").layers);
    }
    layers.sort_by_key(|layer| layer.operator);
    layers.dedup_by_key(|layer| layer.operator);
    layers
}

fn attention_layers() -> Vec<Layer> {
    let layer = |tokens| {
        Layer::new(
            "attention",
            Operator::Attention(Attention { embedding: 768, heads: 12, queries: tokens, keys: tokens }),
        )
    };
    [64, 128, 384, 512, 1024, 2048].map(layer).into()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sparse");
    let condition =
        Condition::Sparse(Sparse { weights: 0.6, activations: 0.45, balance: 0.8, recorded: None });
    for (name, clock_hz, layers) in
        [("eyeriss_v2", 200_000_000, distinct_layers()), ("sanger", 1_000_000_000, attention_layers())]
    {
        let text = format!("{{ model = \"{name}\" }}");
        let decoded = load::accelerator(&text, clock_hz, Mode::Corrected).expect("an accelerator");
        group.throughput(Throughput::Elements(layers.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for layer in &layers {
                    let layer = LayerOf::from(black_box(layer));
                    black_box(decoded.cost_model.work(layer, condition).expect("a cost"));
                }
            });
        });
    }
    let nests: Vec<Nest> = distinct_layers()
        .iter()
        .flat_map(|layer| layer.kernels().expect("a legal layer"))
        .filter_map(|repeated| repeated.kernel.nest().copied())
        .collect();
    let organisation = Organisation::default();
    let operands = Operands::Density { weights: 0.4, activations: 0.55 };
    group.throughput(Throughput::Elements(nests.len() as u64));
    group.bench_function("eyeriss_v2 nests", |bencher| {
        bencher.iter(|| {
            for nest in &nests {
                black_box(cost(&organisation, black_box(nest), operands, Mode::Corrected).expect("a cost"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
