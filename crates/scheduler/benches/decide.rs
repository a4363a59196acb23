//! Time of one decision: four accelerators, five ready jobs.
//!
//! `dispatch` has two idle accelerators and says which job goes where; `stuck` has none, which is
//! what most calls of a loaded system find.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rtmm_scheduler::fixture::{Fixture, TaskSketch};
use rtmm_scheduler::{Decisions, Extent, registry};

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
    for row in registry::POLICIES {
        for (case, running) in [("dispatch", 2), ("stuck", 4)] {
            let fixture = state(running);
            let mut policy = row.build(&row.defaults()).expect("defaults are allowed");
            let mut out = Decisions::with_capacity(4);
            group.bench_function(BenchmarkId::new(row.name, case), |bencher| {
                let (view, truth) = (fixture.view(), fixture.truth());
                bencher.iter(|| {
                    out.clear();
                    policy.decide(black_box(&view), Some(&truth), &mut out);
                    black_box(&out);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
