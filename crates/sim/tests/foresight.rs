//! Foresight: what it says of jobs is what runs do, under whatever policy.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;

use rtmm_hardware::{Energy, Mode};
use rtmm_sim::metrics::{JobRow, JobRows};
use rtmm_sim::{EndOfRun, ForeseenJob, RunOptions, System};
use rtmm_testkit::by_hand::policy;
use rtmm_testkit::simulate;
use rtmm_workload::{Duration, Legality};

fn system(scenario: &str, platform: &str, duration_ms: u64) -> System {
    let workload = rtmm_workload::load::workload(scenario, None, Legality::Strict).expect("built in");
    let mut scenario = workload.scenario;
    scenario.duration = Duration::from_picoseconds(duration_ms * 1_000_000_000);
    let platform = rtmm_hardware::load::platform(platform, None, Mode::Corrected).expect("built in");
    System::new(&scenario, &workload.models, &platform).expect("all layers run")
}

/// The jobs of a run to its end, by task and frame.
fn run(system: &System, policy_text: &str, seed: u64) -> BTreeMap<(usize, u64), JobRow> {
    let (row, parameters) = policy(policy_text);
    let policy = row.build(&parameters).expect("parameters of this policy");
    let mut jobs = BTreeMap::new();
    let rows = JobRows::new(|job: &JobRow| {
        jobs.insert((job.task.index(), job.frame), *job);
    });
    let options = RunOptions { seed, end: EndOfRun::Drain, oracle: row.oracle };
    simulate(system, &row.name, policy, rows, options).expect("only legal decisions");
    jobs
}

fn by_frame(jobs: &[ForeseenJob]) -> BTreeMap<(usize, u64), &ForeseenJob> {
    jobs.iter().map(|job| ((job.task.index(), job.frame), job)).collect()
}

const SCENARIOS: [&str; 9] = [
    "xrbench/vr_gaming",
    "xrbench/ar_assistant",
    "xrbench/social_interaction_a",
    "dream/ar_social",
    "dream/ar_call",
    "dream/drone_outdoor",
    "dream/headset_phases",
    "examples/dynamic",
    "examples/hub",
];

#[test]
fn runs_have_the_jobs_that_are_foreseen() {
    for scenario in SCENARIOS {
        let system = system(scenario, "dream/dual_8k_ws_os", 400);
        for (seed, policy) in [(1, "edf"), (2, "edf drop=infeasible"), (3, "fcfs")] {
            let foreseen = system.foresee(seed, 100_000).expect("few");
            let foreseen = by_frame(&foreseen);
            let jobs = run(&system, policy, seed);
            let names: Vec<_> = jobs.keys().copied().collect();
            assert_eq!(names, foreseen.keys().copied().collect::<Vec<_>>(), "{scenario}, {policy}");
            for (name, job) in &jobs {
                let of = foreseen[name];
                assert_eq!((job.arrival, job.deadline), (of.arrival, of.deadline), "{scenario} {name:?}");
                assert!(job.release >= of.release, "{scenario} {name:?}");
            }
        }
    }
}

#[test]
fn jobs_take_what_is_foreseen_and_wait_for_what_they_need() {
    for scenario in SCENARIOS {
        // One accelerator that never switches, and whole models.
        let system = system(scenario, "xrbench/single_8k_ws", 400);
        let foreseen = system.foresee(5, 100_000).expect("few");
        let jobs = run(&system, "fcfs granularity=model", 5);
        for of in &foreseen {
            let job = &jobs[&(of.task.index(), of.frame)];
            let layers = || of.inferences[0].layers.iter().filter_map(|layer| layer.on[0]);
            let time = layers().map(|cost| cost.time.picoseconds()).sum::<u64>();
            let energy: Energy = layers().map(|cost| cost.energy).sum();
            let start = job.start.expect("it ran");
            assert_eq!(job.end.saturating_since(start).picoseconds(), time, "{scenario}");
            assert_eq!(job.energy.total(), energy, "{scenario}");
            for needed in &of.needs {
                let needed = &foreseen[*needed];
                assert!(jobs[&(needed.task.index(), needed.frame)].end <= start, "{scenario}");
            }
        }
    }
}

#[test]
fn more_jobs_than_asked_for_are_none() {
    let system = system("xrbench/vr_gaming", "xrbench/single_8k_ws", 400);
    let all = system.foresee(1, 1_000).expect("few").len();
    assert!(system.foresee(1, all - 1).is_none());
}
