//! Slices of segments and layers that a run with a timeline makes in a second, on one core, and the same run without.
//!
//! `VR_gaming` on two accelerators at layer granularity: two slices a segment, which are four events of a Perfetto trace.
//! What is written goes nowhere.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]

use std::hint::black_box;
use std::io;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::Mode;
use rtmm_scheduler::{Policy, registry};
use rtmm_sim::{Metrics, MetricsOptions, Observer, RunOptions, Summary, System, simulate};
use rtmm_timeline::{FormRow, Timeline};
use rtmm_workload::{Duration, Legality};

fn policy() -> Box<dyn Policy> {
    let row = registry::policy("edf").expect("registered");
    row.build(&row.defaults()).expect("defaults")
}

/// A run with metrics, as the command line makes it.
fn run<O: Observer>(system: &System, watch: O) -> (Summary, O) {
    let observer = (Metrics::new(system, MetricsOptions::default()), watch);
    let (metrics, watch) =
        simulate(system, "edf", policy(), observer, RunOptions::default()).expect("a legal policy");
    (metrics.summary(), watch)
}

fn forms(criterion: &mut Criterion) {
    let mut workload =
        rtmm_workload::load::workload("xrbench/vr_gaming", None, Legality::Strict).expect("built in");
    workload.scenario.duration = Duration::from_milliseconds(2_000).expect("a duration");
    let platform =
        rtmm_hardware::load::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected).expect("built in");
    let system = System::new(&workload.scenario, &workload.models, &platform).expect("costs");
    let segments: u64 = run(&system, ()).0.accelerators.iter().map(|accelerator| accelerator.segments).sum();
    let mut group = criterion.benchmark_group("timelines");
    group.throughput(Throughput::Elements(2 * segments));
    group.bench_function("none", |bencher| bencher.iter(|| black_box(run(&system, ()).0)));
    for row in FormRow::built_in() {
        group.bench_function(row.extension, |bencher| {
            bencher.iter(|| {
                let form = row.open(&system, Box::new(io::sink())).expect("a sink");
                run(&system, Timeline::new(&system, form)).1.finish().expect("a sink");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, forms);
criterion_main!(benches);
