//! Time of one decision: four accelerators, five ready jobs.
//!
//! `dispatch` has two idle accelerators and says which job goes where; `stuck` has none, which is
//! what most calls of a loaded system find. `queue` has one accelerator and from 1 to 256 jobs, of networks of
//! 8 or of 512 layers, and asks as if nothing were remembered: what a decision costs in the number of
//! unfinished jobs, and that the layers that are left do not matter. `pairs` is of policies that score pairs of a
//! job and an accelerator: four accelerators, all idle, and from 6 to 256 jobs of six tasks, one of them a supernet of
//! two networks; each without memory too. Nobody has run yet, so that no switch is looked up. `plan` is of `horizon` in the
//! same states but for the job that is late, which it would drop before it plans: with a plan made anew for each decision, of the
//! jobs and of the frames that are expected (up to four a task), and with one that is followed.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rtmm_scheduler::{Decisions, Extent, Notice, PolicyRegistry, registry};
use rtmm_testkit::fixture::{Fixture, TaskSketch};
use rtmm_workload::ModelId;

/// Four accelerators of which `running` run a job, and five ready jobs.
fn state(running: usize) -> Fixture {
    let names = ["a", "b", "c", "d", "e"];
    let sketches = names.map(|name| TaskSketch::new(name, &[&[5, 7, 6, 9][..]; 50]));
    let mut fixture = Fixture::new(&sketches).expect("the sketches fit together");
    for accelerator in 0..running {
        let job = fixture.ready(accelerator, 0, 1_000);
        fixture.run(job, accelerator, Extent::Rest);
    }
    for (task, deadline_us) in [900, 700, 600, 650, 800].into_iter().enumerate() {
        fixture.ready(task, task as u64, deadline_us);
    }
    fixture.set_now(7);
    fixture
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    for row in PolicyRegistry::built_in() {
        for (case, running) in [("dispatch", 2), ("stuck", 4)] {
            let fixture = state(running);
            let mut policy = row.build(&row.defaults()).expect("defaults are allowed");
            let mut out = Decisions::with_capacity(4);
            group.bench_function(BenchmarkId::new(row.name.as_ref(), case), |bencher| {
                let (view, truth) = (fixture.view(), fixture.truth());
                bencher.iter(|| {
                    out.clear();
                    policy.decide(black_box(&view), Some(&truth), &mut out).expect("a built-in policy");
                    black_box(&out);
                });
            });
        }
    }
    group.finish();
}

/// One accelerator, and jobs of networks of so many layers.
fn queue(jobs: u64, layers: usize) -> Fixture {
    let latency_us = vec![&[7][..]; layers];
    let sample = |zeros: f64| vec![(zeros, 14.0 * (1.0 - zeros)); layers];
    let sketch = TaskSketch::new("a", &latency_us).sample(&sample(0.4)).sample(&sample(0.6)).priority(1);
    let mut fixture = Fixture::new(&[sketch]).expect("the sketch fits");
    for job in 0..jobs {
        fixture.ready(0, job, 10_000 + job);
    }
    fixture.set_now(500);
    fixture
}

fn queues(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    for name in ["sjf", "prema", "planaria", "sdrm3", "dysta", "dysta-oracle", "dysta-hardware"] {
        let row = registry::policy(name).expect("registered");
        for (jobs, layers) in [(1, 8), (16, 8), (16, 512), (64, 8), (256, 8), (256, 512)] {
            let fixture = queue(jobs, layers);
            let policy = row.build(&row.defaults()).expect("defaults are allowed");
            let mut policy = policy.without_memory().expect("a copy");
            let mut out = Decisions::with_capacity(4);
            group.throughput(Throughput::Elements(jobs));
            group.bench_function(
                BenchmarkId::new(name, format!("{jobs} jobs, {layers} layers")),
                |bencher| {
                    let (view, truth) = (fixture.view(), fixture.truth());
                    bencher.iter(|| {
                        out.clear();
                        policy.decide(black_box(&view), Some(&truth), &mut out).expect("a built-in policy");
                        black_box(&out);
                    });
                },
            );
        }
    }
    group.finish();
}

/// Four idle accelerators that are not alike, and jobs of six tasks that wait.
fn pairs_of(jobs: u64, first_due_us: u64) -> Fixture {
    let light = TaskSketch::new("f", &[&[3, 4, 3, 5][..]; 20]);
    let names = ["a", "b", "c", "d", "e", "whole f"];
    let whole = names.into_iter().zip(0_u64..).map(|(name, task)| {
        let latency_us = [5 + task, 9 - task, 6, 7 + task % 2];
        TaskSketch::new(name, &[&latency_us[..]; 50])
    });
    let sketches: Vec<TaskSketch> = whole.chain([light]).collect();
    let mut fixture = Fixture::new(&sketches).expect("the sketches fit together");
    fixture.change_task(5, |task| task.variants = vec![ModelId::new(5), ModelId::new(6)]);
    for job in 0..jobs {
        let deadline_us = if job == 0 { first_due_us } else { 800 + 90 * job };
        fixture.ready((job % 6) as usize, job, deadline_us);
    }
    fixture.set_now(300);
    fixture
}

fn pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pairs");
    for name in ["sdrm3", "dream-mapscore", "dream-full", "dream-adaptive"] {
        let row = registry::policy(name).expect("registered");
        for jobs in [6, 16, 64, 256] {
            // One frame is lost, and nobody could be helped: drops are looked for to the end, and there is none.
            let fixture = pairs_of(jobs, 400);
            let policy = row.build(&row.defaults()).expect("defaults are allowed");
            for (case, policy) in [("", policy.boxed_clone()), (", no memory", policy.without_memory())] {
                let mut policy = policy.expect("a copy");
                let mut out = Decisions::with_capacity(4);
                group.throughput(Throughput::Elements(jobs));
                group.bench_function(BenchmarkId::new(name, format!("{jobs} jobs{case}")), |bencher| {
                    let (view, truth) = (fixture.view(), fixture.truth());
                    bencher.iter(|| {
                        out.clear();
                        policy.decide(black_box(&view), Some(&truth), &mut out).expect("a built-in policy");
                        black_box(&out);
                    });
                });
            }
        }
    }
    group.finish();
}

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    let row = registry::policy("horizon").expect("registered");
    for jobs in [6, 16, 64] {
        let fixture = pairs_of(jobs, 800);
        let mut policy = row.build(&row.defaults()).expect("defaults are allowed");
        let mut out = Decisions::with_capacity(4);
        let (view, truth) = (fixture.view(), fixture.truth());
        let ready = view.ready().next().expect("a ready job").id;
        for (case, is_new) in [("", true), (", followed", false)] {
            group.bench_function(BenchmarkId::from_parameter(format!("{jobs} jobs{case}")), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    if is_new {
                        policy.notify(&Notice::InputsReady(ready), &view).expect("a built-in policy");
                    }
                    policy.decide(black_box(&view), Some(&truth), &mut out).expect("a built-in policy");
                    black_box(&out);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench, queues, pairs, plans);
criterion_main!(benches);
