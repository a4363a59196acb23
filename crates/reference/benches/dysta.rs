//! Requests a second under each policy, on workloads like the published ones: attention models at 55
//! requests a second, CNNs at 4. The traces are drawn here.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtmm_reference::dysta::{
    DEFAULT_SEQUENCE_LENGTH, Generator, LookUpTables, Parameters, Policy, Request, RequestPlan, run,
};
use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_workload::{SampleTrace, Schema};

const SAMPLES: usize = 50;
const REQUESTS: usize = 1_000;

/// Layers of independent densities and balances.
fn attention(random: &mut MersenneTwister, name: &str, layers: usize) -> SampleTrace {
    let mut draw = |low: f64, high: f64| low + (high - low) * random.unit();
    let (densities, balances) = (0..SAMPLES * layers).map(|_| (draw(0.05, 0.5), draw(0.5, 0.9))).unzip();
    SampleTrace::of_values(name.to_owned(), Schema::Sanger, layers, densities, balances)
}

/// Layers of independent sparsities that take about `layer_s`.
fn cnn(random: &mut MersenneTwister, name: &str, layers: usize, layer_s: f64) -> SampleTrace {
    let mut draw = |low: f64, high: f64| low + (high - low) * random.unit();
    let (sparsities, latencies) =
        (0..SAMPLES * layers).map(|_| (draw(0.2, 0.8), draw(0.6, 1.4) * layer_s)).unzip();
    SampleTrace::of_values(name.to_owned(), Schema::EyerissV2, layers, sparsities, latencies)
}

fn workload(traces: &[SampleTrace], rate_per_s: f64) -> (LookUpTables, Vec<Request>) {
    let tables = LookUpTables::of(traces, DEFAULT_SEQUENCE_LENGTH).expect("tables");
    let plan = RequestPlan { requests: REQUESTS, rate_per_s, deadline_multiplier: 10.0, all_samples: false };
    let requests = Generator::new(1).requests(&tables, &plan);
    (tables, requests)
}

fn policies(criterion: &mut Criterion) {
    let random = &mut MersenneTwister::new(1);
    let attention = [("bert", 12), ("gpt2", 12), ("bart", 18)].map(|(name, l)| attention(random, name, l));
    let cnns: Vec<SampleTrace> = [("resnet50", 54, 5e-3), ("vgg16", 16, 30e-3), ("mobilenet", 28, 0.7e-3)]
        .into_iter()
        .flat_map(|(name, layers, layer_s)| {
            ["dense", "sparse"].map(|pattern| (name, pattern, layers, layer_s))
        })
        .map(|(name, pattern, layers, layer_s)| cnn(random, &format!("{name}_{pattern}"), layers, layer_s))
        .collect();
    for (name, traces, rate_per_s) in
        [("attention_55_per_s", &attention[..], 55.0), ("cnn_4_per_s", &cnns, 4.0)]
    {
        let (tables, requests) = workload(traces, rate_per_s);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(REQUESTS as u64));
        for policy in Policy::ALL {
            let parameters = Parameters::of(policy);
            group.bench_function(policy.name(), |bencher| {
                bencher.iter(|| run(&tables, &requests, &parameters));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, policies);
criterion_main!(benches);
