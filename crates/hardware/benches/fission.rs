//! Layers a second of the fission cost model, over the layers of a built-in network.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::{Condition, LayerOf, Mode, load};
use rtmm_workload::{Legality, load as workload};

fn benchmarks(criterion: &mut Criterion) {
    let model = workload::model("xrbench/ge_fbnet_c", None, Legality::Strict).expect("built in");
    let mut group = criterion.benchmark_group("fission");
    group.throughput(Throughput::Elements(model.layers.len() as u64));
    for subarrays in [1, 4, 16] {
        let text = format!(
            "{{ model = \"fission\", dataflow = \"ws\", subarrays = {subarrays}, rows = 32, cols = 32, \
             sram_ifmap_bytes = 4194304, sram_filter_bytes = 4194304, sram_ofmap_bytes = 4194304, \
             dram_bandwidth = 358 }}"
        );
        let array =
            load::accelerator(&text, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect("an accelerator");
        group.bench_function(format!("{subarrays}_subarrays"), |bencher| {
            bencher.iter(|| {
                for layer in &model.layers {
                    let layer = LayerOf { model: &model.name, layer: black_box(layer) };
                    black_box(array.cost_model.work(layer, Condition::Profile).expect("a cost"));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
