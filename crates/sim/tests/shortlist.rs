//! A shortlist of many waiting jobs finds what a look at all of them finds.
//!
//! DREAM's scenarios at loads far beyond what the platform bears, so that hundreds of jobs wait, under scores of
//! every form; the same run twice, once with a policy that remembers nothing.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use rtmm_hardware::{AcceleratorId, Mode};
use rtmm_scheduler::{Job, Policy, Run};
use rtmm_sim::{EndOfRun, Observer, RunOptions, System};
use rtmm_testkit::by_hand::policy;
use rtmm_testkit::simulate;
use rtmm_workload::{Duration, Legality, Time};

/// Who was dispatched where and when, and how many jobs were ready or running at the most.
#[derive(Default, PartialEq, Debug)]
struct Dispatches {
    all: Vec<(Time, AcceleratorId, u64, u32)>,
    live: i64,
    most: i64,
}

impl Observer for Dispatches {
    fn released(&mut self, _now: Time, _job: &Job) {
        self.live += 1;
        self.most = self.most.max(self.live);
    }

    fn dispatched(&mut self, now: Time, run: &Run, job: &Job) {
        self.all.push((now, run.accelerator, job.sequence, run.from.layer));
    }

    fn completed(&mut self, _now: Time, _record: &rtmm_sim::JobRecord<'_>) {
        self.live -= 1;
    }

    fn dropped(&mut self, _now: Time, _record: &rtmm_sim::JobRecord<'_>, _cause: rtmm_sim::DropCause) {
        self.live -= 1;
    }
}

fn run(system: &System, name: &str, policy: Box<dyn Policy>) -> Dispatches {
    let options = RunOptions { seed: 3, end: EndOfRun::Cut, oracle: false };
    simulate(system, name, policy, Dispatches::default(), options).expect("only legal decisions")
}

#[test]
fn a_shortlist_finds_what_a_look_at_all_jobs_finds() {
    let mut most = 0;
    for (scenario, platform, load) in [
        ("dream/ar_social", "dream/dual_4k_os_os", 4),
        ("dream/vr_gaming", "dream/triple_4k_ws_os_os", 12),
        ("dream/drone_indoor", "dream/dual_4k_biglittle_ws_os", 8),
    ] {
        let platform = rtmm_hardware::load::platform(platform, None, Mode::Corrected).expect("built in");
        let mut workload = rtmm_workload::load::workload(scenario, None, Legality::Strict).expect("built in");
        workload.scenario = workload.scenario.scaled(load * 1_000_000).expect("a load");
        workload.scenario.duration = Duration::from_milliseconds(200).expect("a duration");
        let system = System::new(&workload.scenario, &workload.models, &platform).expect("costs");
        for text in [
            "dream-mapscore",
            "dream-mapscore alpha=0",
            "dream-mapscore beta=0",
            "dream-mapscore alpha=0 beta=0 urgency_cap=1000000",
            "dream-mapscore late_urgency=zero urgency_cap=1000000",
            "dream-mapscore late_urgency=greatest alpha=0.001",
            "dream-mapscore late_urgency=greatest alpha=0 wait=true",
            "dream-mapscore switch_cost=false to_go=least",
            "dream-mapscore latency_preference=false wait=true",
            "dream-mapscore starvation_unit=deadline urgency_cap=1000000",
            "dream-mapscore starvation_unit=to-go to_go=least",
            "dream-full starvation_unit=isolated",
            "dream-drop alpha=0.01",
            "dream-full granularity=block",
            "dream-adaptive search_window=5ms",
            "sdrm3 alpha=0.1",
        ] {
            let (row, parameters) = policy(text);
            let build = || row.build(&parameters).expect("parameters of this policy");
            let listed = run(&system, &row.name, build());
            let plain = build().without_memory().expect("a policy that can be copied");
            let plain = run(&system, &row.name, plain);
            assert!(listed == plain, "{text} in {scenario}");
            most = most.max(plain.most);
        }
    }
    assert!(most > 200, "only {most} jobs were live at once");
}
