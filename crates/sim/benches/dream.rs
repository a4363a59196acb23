//! How many segments of DREAM's `vr_gaming` the engine simulates in a second, on one core.
//!
//! Six tasks on four accelerators, a layer a segment but for `veltair` with its blocks, two seconds of
//! simulated time at the scenario's load and at three times as much, where jobs queue. Throughput is in
//! segments.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::Mode;
use rtmm_scheduler::registry;
use rtmm_sim::{Observer, RunOptions, SegmentRecord, System, simulate};
use rtmm_workload::{Duration, Legality, Time};

const POLICIES: [&str; 10] = [
    "fcfs",
    "edf",
    "veltair",
    "prema",
    "sdrm3",
    "dream-mapscore",
    "dream-drop",
    "dream-full",
    "dream-adaptive",
    "horizon",
];

#[derive(Clone, Default)]
struct Segments(u64);

impl Observer for Segments {
    fn segment_ended(&mut self, _now: Time, _record: &SegmentRecord<'_>) {
        self.0 += 1;
    }
}

fn run(system: &System, name: &str) -> u64 {
    let row = registry::policy(name).expect("registered");
    let mut parameters = row.defaults();
    if row.parameters.iter().any(|parameter| parameter.name == "granularity") {
        parameters.set_text("granularity", "layer").expect("a granularity");
    }
    let policy = row.build(&parameters).expect("a policy");
    let options = RunOptions { seed: 1, ..RunOptions::default() };
    simulate(system, name, policy, Segments::default(), options).expect("a legal policy").0
}

fn segments(criterion: &mut Criterion) {
    let platform = rtmm_hardware::load::platform("dream/quad_4k_ws_os_ws_os", None, Mode::Corrected);
    let platform = platform.expect("built in");
    for load in [1, 3] {
        let mut workload =
            rtmm_workload::load::workload("dream/vr_gaming", None, Legality::Strict).expect("built in");
        workload.scenario = workload.scenario.scaled(load * 1_000_000).expect("a load");
        workload.scenario.duration = Duration::from_milliseconds(2_000).expect("a duration");
        let system = System::new(&workload.scenario, &workload.models, &platform).expect("costs");
        let mut group = criterion.benchmark_group(format!("dream/vr_gaming x {load} on four"));
        for name in POLICIES {
            group.throughput(Throughput::Elements(run(&system, name)));
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| run(&system, name));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, segments);
criterion_main!(benches);
