//! Layers a second of the systolic cost model, over the distinct layers of the SCALE-Sim golden.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Read;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::systolic::{Array, Dataflow, MatrixProduct};
use rtmm_hardware::{Condition, LayerOf, Mode, load};
use rtmm_workload::input::Source;
use rtmm_workload::{Kernel, Layer, Legality, Operator, read_layer_table};

const GOLDEN: &[u8] = include_bytes!("../tests/golden/scalesim.csv.gz");

fn layers() -> Vec<Layer> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(GOLDEN).read_to_string(&mut text).expect("the golden decompresses");
    let mut layers: BTreeMap<Operator, Layer> = BTreeMap::new();
    let problems = read_layer_table(&Source::new("golden", text), Legality::Strict, |row| {
        layers.insert(row.layer.operator, row.layer);
    });
    assert!(problems.is_empty(), "{problems}");
    layers.into_values().collect()
}

fn products(layers: &[Layer]) -> Vec<MatrixProduct> {
    let kernels = layers.iter().flat_map(|layer| layer.kernels().expect("a legal layer"));
    kernels
        .filter_map(|repeated| match repeated.kernel {
            Kernel::Nest(nest) => MatrixProduct::of_nest(&nest),
            Kernel::Vector(_) => None,
        })
        .collect()
}

fn benchmarks(criterion: &mut Criterion) {
    let layers = layers();
    let products = products(&layers);
    let mut group = criterion.benchmark_group("systolic");
    group.throughput(Throughput::Elements(layers.len() as u64));
    let array = Array::new(32, 32, Dataflow::WeightStationary).expect("an array");
    group.bench_function("array", |bencher| {
        bencher.iter(|| {
            for product in &products {
                black_box(array.cost(black_box(*product)));
            }
        });
    });
    group.bench_function("kernels", |bencher| {
        bencher.iter(|| {
            for layer in &layers {
                black_box(black_box(layer).kernels().expect("a legal layer"));
            }
        });
    });
    let memory = "sram_ifmap_bytes = 65536, sram_filter_bytes = 65536, sram_ofmap_bytes = 65536, \
                  dram_bandwidth = 16";
    for (name, keys) in [("work", ""), ("work_with_memory", memory)] {
        let text = format!("{{ model = \"systolic\", dataflow = \"ws\", rows = 32, cols = 32, {keys} }}");
        let accelerator =
            load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect("an accelerator");
        let model = accelerator.cost_model.as_ref();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for layer in &layers {
                    black_box(model.work(LayerOf::from(black_box(layer)), Condition::Profile))
                        .expect("a cost");
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
