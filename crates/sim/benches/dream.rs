//! How many segments of DREAM's `vr_gaming` the engine simulates in a second, on one core.
//!
//! Six tasks on four accelerators, a layer a segment but for `veltair` with its blocks, two seconds of
//! simulated time at the scenario's load and at three times as much, where jobs queue. Throughput is in
//! segments. `decisions` is the time that a policy takes in these runs, with what it hears of, and nothing of the engine;
//! throughput is in decisions, those that dispatch nothing too. Of it two looks at the clock a decision are some 40 ns.

#![expect(clippy::expect_used, reason = "benches fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench looks at the clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration as RealDuration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rtmm_hardware::Mode;
use rtmm_scheduler::{Decisions, Interests, Notice, Policy, PolicyError, Truth, View, registry};
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

/// Nanoseconds that a policy took, and its decisions.
#[derive(Debug, Default)]
struct Spent {
    nanoseconds: AtomicU64,
    decisions: AtomicU64,
}

impl Spent {
    fn add(&self, began: Instant) {
        let nanoseconds = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

/// A policy that is watched.
#[derive(Debug)]
struct Watched {
    policy: Box<dyn Policy>,
    spent: Arc<Spent>,
}

impl Policy for Watched {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        let began = Instant::now();
        let decided = self.policy.decide(view, truth, out);
        self.spent.add(began);
        self.spent.decisions.fetch_add(1, Ordering::Relaxed);
        decided
    }

    fn interests(&self) -> Interests {
        self.policy.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        let began = Instant::now();
        let heard = self.policy.notify(notice, view);
        self.spent.add(began);
        heard
    }
}

fn policy(name: &str) -> Box<dyn Policy> {
    let row = registry::policy(name).expect("registered");
    let mut parameters = row.defaults();
    if row.parameters.iter().any(|parameter| parameter.name == "granularity") {
        parameters.set_text("granularity", "layer").expect("a granularity");
    }
    row.build(&parameters).expect("a policy")
}

fn run(system: &System, name: &str, policy: Box<dyn Policy>) -> u64 {
    let options = RunOptions { seed: 1, ..RunOptions::default() };
    simulate(system, name, policy, Segments::default(), options).expect("a legal policy").0
}

/// Time that a policy takes in a run, and its decisions.
fn watch(system: &System, name: &str) -> (RealDuration, u64) {
    let spent = Arc::new(Spent::default());
    run(system, name, Box::new(Watched { policy: policy(name), spent: Arc::clone(&spent) }));
    let Spent { nanoseconds, decisions } = &*spent;
    (RealDuration::from_nanos(nanoseconds.load(Ordering::Relaxed)), decisions.load(Ordering::Relaxed))
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
            group.throughput(Throughput::Elements(run(&system, name, policy(name))));
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| run(&system, name, policy(name)));
            });
        }
        group.finish();
        let mut group = criterion.benchmark_group(format!("decisions of dream/vr_gaming x {load} on four"));
        for name in ["edf", "dream-full", "horizon"] {
            group.throughput(Throughput::Elements(watch(&system, name).1));
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter_custom(|runs| (0..runs).map(|_| watch(&system, name).0).sum());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, segments);
criterion_main!(benches);
