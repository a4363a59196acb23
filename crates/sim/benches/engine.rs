//! How many segments the engine simulates in a second, on one core.
//!
//! `VR_gaming` on four accelerators at layer granularity, under policies of the registry; the same on
//! accelerators that share memory; eight that run at once and compete. Throughput is in segments, one
//! layer each. `cells` are whole runs of a second of simulated time with metrics, as sweeps make them.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::{Mode, Platform};
use rtmm_scheduler::{Policy, registry};
use rtmm_sim::{Metrics, MetricsOptions, Observer, RunOptions, SegmentRecord, System, simulate};
use rtmm_workload::{Duration, Legality, Time, Workload};

#[derive(Clone, Default)]
struct Segments(u64);

impl Observer for Segments {
    fn segment_ended(&mut self, _now: Time, _record: &SegmentRecord<'_>) {
        self.0 += 1;
    }
}

fn workload(name: &str, load_millionths: u64, milliseconds: u64) -> Workload {
    let mut workload = rtmm_workload::load::workload(name, None, Legality::Strict).expect("built in");
    workload.scenario = workload.scenario.scaled(load_millionths).expect("a load");
    workload.scenario.duration = Duration::from_milliseconds(milliseconds).expect("a duration");
    workload
}

fn platform(name: &str) -> Platform {
    rtmm_hardware::load::platform(name, None, Mode::Corrected).expect("built in")
}

fn policy(name: &str) -> Box<dyn Policy> {
    let row = registry::policy(name).expect("registered");
    let mut parameters = row.defaults();
    parameters.set_text("granularity", "layer").expect("a granularity");
    row.build(&parameters).expect("a policy")
}

fn run<O: Observer>(system: &System, name: &str, observer: O) -> O {
    simulate(system, name, policy(name), observer, RunOptions { seed: 1, ..RunOptions::default() })
        .expect("a legal policy")
}

fn segments(criterion: &mut Criterion) {
    let cases = [
        ("vr_gaming on four", "xrbench/vr_gaming", 1_000_000, "xrbench/quad_4k_ws_os_ws_os"),
        ("vr_gaming on four, sharing", "xrbench/vr_gaming", 1_000_000, "shared/quad_4k_ws_os_ws_os"),
        ("ar_assistant x 12 on eight, sharing", "xrbench/ar_assistant", 12_000_000, "shared/octa_8k"),
    ];
    for (label, scenario, load, on) in cases {
        let (workload, platform) = (workload(scenario, load, 2_000), platform(on));
        let system = System::new(&workload.scenario, &workload.models, &platform).expect("costs");
        let mut group = criterion.benchmark_group(label);
        for name in ["fcfs", "edf", "least-slack"] {
            group.throughput(Throughput::Elements(run(&system, name, Segments::default()).0));
            group.bench_function(name, |bencher| bencher.iter(|| run(&system, name, Segments::default())));
        }
        group.finish();
    }
}

fn cells(criterion: &mut Criterion) {
    let (workload, platform) =
        (workload("xrbench/vr_gaming", 1_000_000, 1_000), platform("xrbench/quad_4k_ws_os_ws_os"));
    let system = System::new(&workload.scenario, &workload.models, &platform).expect("costs");
    let mut group = criterion.benchmark_group("cells of a second");
    group.throughput(Throughput::Elements(1));
    for name in ["fcfs", "edf"] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let metrics = Metrics::new(&system, MetricsOptions::default());
                black_box(run(&system, name, metrics).summary())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, segments, cells);
criterion_main!(benches);
