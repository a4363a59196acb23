//! Bounds of synthetic windows: both sides, and the lower bound alone, by number of jobs.
//!
//! Jobs of three tasks with 20 to 40 layers on two unlike accelerators, loaded so that some jobs must be late.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rtmm_bounds::{Accelerator, Chain, Cost, Job, Layer, Limits, Window, bound, late_bound};
use rtmm_hardware::Energy;
use rtmm_workload::{Duration, Time};

const MICROSECOND: u64 = 1_000_000;

/// A chain of a task: times in microseconds that change from layer to layer and from accelerator to accelerator.
fn chain(task: usize) -> Arc<Chain> {
    let layer = |index: usize| {
        let cost = |on: usize| {
            let time = 5 + (index * 7 + task * 3 + on * 11) % 23;
            let energy = 100 + (index * 13 + on * 57) % 91;
            Some(Cost::new(
                Duration::from_picoseconds(time as u64 * MICROSECOND),
                Energy::from_picojoules(energy as f64),
            ))
        };
        Layer { on: vec![cost(0), cost(1)] }
    };
    Arc::new(Chain { network: task, layers: (0..20 + 10 * task).map(layer).collect() })
}

fn window(jobs: usize) -> Window {
    let chains: Vec<Arc<Chain>> = (0..3).map(chain).collect();
    let of = |index: usize| {
        let task = index % 3;
        let release = (index / 3) as u64 * (500 + 30 * task as u64) * MICROSECOND;
        let at = |picoseconds| Time::from_picoseconds(picoseconds);
        Job {
            name: format!("{task} {index}"),
            release: at(release),
            deadline: at(release + (600 + 100 * task as u64) * MICROSECOND),
            weight: 1,
            needs: Vec::new(),
            chains: vec![Arc::clone(&chains[task])],
        }
    };
    let mut jobs: Vec<Job> = (0..jobs).map(of).collect();
    jobs.sort_by_key(|job| job.release);
    Window::new(["a", "b"].map(Accelerator::named).to_vec(), jobs).expect("a window")
}

fn bounds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bounds");
    group.sample_size(10);
    for jobs in [6, 24, 48] {
        let window = window(jobs);
        let limits = Limits::default();
        group.bench_with_input(BenchmarkId::new("both", jobs), &window, |bencher, window| {
            bencher.iter(|| black_box(bound(window, &limits, &|| false)));
        });
        group.bench_with_input(BenchmarkId::new("lower", jobs), &window, |bencher, window| {
            bencher.iter(|| black_box(late_bound(window, &limits, &|| false)));
        });
    }
    group.finish();
}

criterion_group!(benches, bounds);
criterion_main!(benches);
