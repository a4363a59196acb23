//! Runs a second of the XRBench loop, and what its costs take to compute.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::{Mode, Platform};
use rtmm_reference::xrbench::{Parameters, Runtime, TaskCosts};
use rtmm_workload::{Legality, Workload};

fn load(platform: &str) -> (Workload, Platform) {
    let workload = rtmm_workload::load::workload("xrbench/vr_gaming", None, Legality::Published);
    let platform = rtmm_hardware::load::platform(platform, None, Mode::Reference);
    (workload.expect("a built-in scenario"), platform.expect("a built-in platform"))
}

fn vr_gaming(criterion: &mut Criterion) {
    for name in ["xrbench/single_4k_ws", "xrbench/quad_4k_ws_os_ws_os"] {
        let (workload, platform) = load(name);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(1));
        let costs = TaskCosts::of(&workload, &platform).expect("costs");
        let runtime = Runtime::new(&workload.scenario, &costs, &Parameters::default()).expect("a runtime");
        let mut seed = 0_u32;
        group.bench_function("run", |bencher| {
            bencher.iter(|| {
                seed = seed.wrapping_add(1);
                runtime.run(seed, |row| {
                    black_box(row);
                })
            });
        });
        group.bench_function("costs", |bencher| bencher.iter(|| TaskCosts::of(&workload, &platform)));
        group.finish();
    }
}

criterion_group!(benches, vr_gaming);
criterion_main!(benches);
