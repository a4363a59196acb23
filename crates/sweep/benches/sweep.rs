//! What a sweep costs beside its cells, and how well it fills two threads.
//!
//! - `plan`, `store`, `read`, `summary`, `output`: the parts, for 6,878 cells that cost nothing
//!   (4 scenarios of 3 to 5 tasks, 38 platforms, 60 seeds), on one thread;
//! - `threads`: the same cells at some ten microseconds each, on one thread and on two. Efficiency
//!   is the time of one thread over twice the time of two; measure it on an idle machine.

#![expect(clippy::expect_used, reason = "these are benches, and the helpers of benches")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rtmm_sweep::execute::{Options, Silent, execute};
use rtmm_sweep::output::write_all;
use rtmm_sweep::plan::Plan;
use rtmm_sweep::runner::CellRunner;
use rtmm_sweep::store::Store;
use rtmm_sweep::summary::Summary;
use rtmm_testkit::synthetic_runner::{Synthetic, axes};

fn sweep_plan(runner: &Synthetic) -> Plan<'_> {
    Plan::new(runner, axes(4, 38, 60)).expect("these axes are sound")
}

fn new_store(runner: &Synthetic) -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&directory.path().join("store.sqlite"), runner.spec()).expect("a store");
    (directory, store)
}

fn parts(criterion: &mut Criterion) {
    let runner = Synthetic::default();
    let plan = sweep_plan(&runner);
    let one = Options { threads: Some(1), shard: None };
    let mut group = criterion.benchmark_group("sweep");
    group.sample_size(20).throughput(Throughput::Elements(plan.len() as u64));
    group.bench_function("plan", |bencher| {
        bencher.iter_batched(
            || axes(4, 38, 60),
            |axes| Plan::new(&runner, axes).expect("these axes are sound").len(),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("store", |bencher| {
        bencher.iter_batched(
            || new_store(&runner),
            |(directory, mut store)| {
                execute(&plan, &mut store, &one, &Silent).expect("cells run");
                (directory, store)
            },
            BatchSize::PerIteration,
        );
    });
    let (directory, mut store) = new_store(&runner);
    execute(&plan, &mut store, &one, &Silent).expect("cells run");
    group.bench_function("read", |bencher| {
        bencher.iter(|| store.results(&plan).expect("all cells are there"));
    });
    let results = store.results(&plan).expect("all cells are there");
    group.bench_function("summary", |bencher| bencher.iter(|| Summary::of(black_box(&results))));
    let summary = Summary::of(&results);
    group.bench_function("output", |bencher| {
        bencher.iter(|| write_all(&results, &summary, directory.path()).expect("files are written"));
    });
    group.finish();
}

fn threads(criterion: &mut Criterion) {
    let runner = Synthetic { spin: 10_000, ..Synthetic::default() };
    let plan = sweep_plan(&runner);
    let mut group = criterion.benchmark_group("threads");
    group.sample_size(10).throughput(Throughput::Elements(plan.len() as u64));
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::from_parameter(threads), |bencher| {
            bencher.iter_batched(
                || new_store(&runner),
                |(directory, mut store)| {
                    let options = Options { threads: Some(threads), shard: None };
                    execute(&plan, &mut store, &options, &Silent).expect("cells run");
                    (directory, store)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, parts, threads);
criterion_main!(benches);
