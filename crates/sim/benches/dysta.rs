//! How many requests of sparse networks the engine schedules in a second, on one core.
//!
//! The built-in attention networks at 55 requests a second on a Sanger accelerator, and the CNNs under
//! their patterns at 4 on an Eyeriss v2: about a thousand requests a run, a layer a segment, to the last
//! one's end, with metrics. Throughput is in requests.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use rtmm_hardware::Mode;
use rtmm_scheduler::registry;
use rtmm_sim::{EndOfRun, Metrics, MetricsOptions, RunOptions, Summary, System, simulate};
use rtmm_workload::{Duration, Legality};

const POLICIES: [&str; 13] = [
    "fcfs",
    "sjf",
    "sjf-sparse",
    "prema",
    "prema-sparse",
    "planaria",
    "sdrm3",
    "sdrm3-sparse",
    "dysta-naive",
    "dysta",
    "dysta-oracle",
    "dysta-corrected",
    "dysta-hardware",
];

fn run(system: &System, name: &str) -> Summary {
    let row = registry::policy(name).expect("registered");
    let mut parameters = row.defaults();
    parameters.set_text("granularity", "layer").expect("a granularity");
    let policy = row.build(&parameters).expect("a policy");
    let options = RunOptions { seed: 1, end: EndOfRun::Drain, oracle: row.oracle };
    simulate(system, name, policy, Metrics::new(system, MetricsOptions::default()), options)
        .expect("a legal policy")
        .summary()
}

fn requests(criterion: &mut Criterion) {
    // Rates of the scenarios are 30 and 3 a second.
    let cases = [
        ("attention at 55/s", "dysta/multi_attnn", "dysta/sanger", 55, 30),
        ("CNN at 4/s", "dysta/multi_cnn", "dysta/eyeriss_v2", 4, 3),
    ];
    for (label, scenario, platform, rate, base) in cases {
        let mut workload = rtmm_workload::load::workload(scenario, None, Legality::Strict).expect("built in");
        workload.scenario = workload.scenario.scaled(rate * 1_000_000 / base).expect("a load");
        workload.scenario.duration = Duration::from_milliseconds(1_000_000 / rate).expect("a duration");
        let platform = rtmm_hardware::load::platform(platform, None, Mode::Corrected).expect("built in");
        let system = System::new(&workload.scenario, &workload.models, &platform).expect("costs");
        let mut group = criterion.benchmark_group(label);
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        for name in POLICIES {
            group.throughput(Throughput::Elements(run(&system, name).jobs.released));
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| black_box(run(&system, name).jobs.completed));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, requests);
criterion_main!(benches);
