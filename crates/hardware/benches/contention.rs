//! Time of one answer of the contention models, for as many runs as platforms have accelerators.
//!
//! The demands are of all kinds: some are met, some are not. `fits` is the early exit, where the
//! bandwidth suffices for everybody; `rising` meets all demands but one, the longest way.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rtmm_hardware::{
    AcceleratorId, Bandwidth, ClassId, Contention, MaxMinFair, Rates, Running, Share, StaticPartition,
};
use rtmm_workload::{LayerId, ModelId, Time};

/// About 1 GB/s.
const UNIT: u64 = 1_000_000;
const BANDWIDTH: Bandwidth = Bandwidth::from_bytes_per_window(128 * UNIT);

fn runs(count: usize, demand: impl Fn(u64) -> u64) -> Vec<Running> {
    let share = Share::from_millionths(1_000_000 / count as u32).expect("a part of the whole");
    (0..count)
        .map(|position| Running {
            accelerator: AcceleratorId::new(position),
            model: ModelId::new(position),
            layer: LayerId::new(position),
            class: ClassId::new(0),
            demand: Bandwidth::from_bytes_per_window(demand(position as u64)),
            cache_demand: Bandwidth::ZERO,
            share,
            began: Time::ZERO,
            priority: 0,
            is_underway: false,
        })
        .collect()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("contention");
    for count in [2, 4, 8, 16] {
        let fair = 128 / count as u64;
        let mixed = runs(count, |position| (position * 7 % 5) * fair * UNIT);
        let fits = runs(count, |position| position * 7 % 5 * fair * UNIT / 5);
        let rising = runs(count, |position| if position == 0 { 512 * UNIT } else { fair * UNIT - position });
        let mut out = vec![Rates::default(); count];
        let mut fair_model = MaxMinFair::new(BANDWIDTH);
        for (name, running) in [("mixed", &mixed), ("fits", &fits), ("rising", &rising)] {
            group.bench_function(BenchmarkId::new(format!("max-min {name}"), count), |bencher| {
                bencher.iter(|| {
                    fair_model.rates(Time::ZERO, black_box(running), &mut out);
                    black_box(&mut out);
                });
            });
        }
        let mut static_model = StaticPartition::new(BANDWIDTH);
        group.bench_function(BenchmarkId::new("static mixed", count), |bencher| {
            bencher.iter(|| {
                static_model.rates(Time::ZERO, black_box(&mixed), &mut out);
                black_box(&mut out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
