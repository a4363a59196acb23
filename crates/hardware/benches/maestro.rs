//! Distinct layer shapes a second of the `maestro` cost model, one thread, in either mode.
//!
//! The shapes are all distinct rows of the built-in XRBench tables; the accelerators are those of
//! the 8K and 4K systems with one array.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::{Condition, Decoded, LayerOf, Mode, load};
use rtmm_workload::load::{Kind, built_in_names, model};
use rtmm_workload::{Layer, Legality};

fn distinct_layers() -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for name in built_in_names(Kind::Model).iter().filter(|name| name.starts_with("xrbench/")) {
        layers.extend(model(name, None, Legality::Strict).expect("a built-in model").layers);
    }
    layers.sort_by_key(|layer| (layer.operator, layer.published.map(|row| [row.k, row.c, row.r, row.y])));
    layers.dedup_by_key(|layer| (layer.operator, layer.published.map(|row| [row.k, row.c, row.r, row.y])));
    layers
}

fn accelerators(mode: Mode) -> Vec<Decoded> {
    ["WS", "OS", "RS"]
        .iter()
        .flat_map(|dataflow| [4096, 8192].map(|pes| (dataflow, pes)))
        .map(|(dataflow, pes)| {
            let text = format!(
                "{{ model = \"maestro\", dataflow = \"{dataflow}\", pes = {pes}, noc_bandwidth = 256, \
                 l2_bytes = {}, l1_bytes = 8192, dram_bandwidth = 128 }}",
                pes * 1024
            );
            load::accelerator(&text, load::DEFAULT_CLOCK_HZ, mode).expect("an accelerator")
        })
        .collect()
}

fn bench(criterion: &mut Criterion) {
    let layers = distinct_layers();
    let mut group = criterion.benchmark_group("maestro");
    for (name, mode) in [("reference", Mode::Reference), ("corrected", Mode::Corrected)] {
        let accelerators = accelerators(mode);
        group.throughput(Throughput::Elements((layers.len() * accelerators.len()) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for accelerator in &accelerators {
                    for layer in &layers {
                        let layer = LayerOf::from(black_box(layer));
                        black_box(accelerator.cost_model.work(layer, Condition::Profile).is_ok());
                    }
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
