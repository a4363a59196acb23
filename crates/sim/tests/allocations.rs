//! Memory: a run that is warm allocates nothing, and the most that it holds does not depend on how
//! long it is.
//!
//! Every allocation of the thread is counted by the allocator that `allocation_counter` puts in place
//! of the usual one.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use allocation_counter::measure;
use rtmm_hardware::{MaxMinFair, Mode};
use rtmm_scheduler::{Extent, Policy, registry};
use rtmm_sim::execution::{Exclusive, Execution, Shared};
use rtmm_sim::metrics::{Audit, JobRow, JobRows};
use rtmm_sim::{Metrics, MetricsOptions, Observer, RunOptions, Simulation, System, simulate};
use rtmm_testkit::by_hand::ByHand;
use rtmm_testkit::hand_made::{Fcfs, ms};
use rtmm_workload::{Legality, Time, Workload};

const PLAIN: &str = "xrbench/quad_4k_ws_os_ws_os";
const SHARED: &str = "shared/quad_4k_ws_os_ws_os";

fn workload(duration_ms: u64) -> Workload {
    let mut workload =
        rtmm_workload::load::workload("xrbench/vr_gaming", None, Legality::Strict).expect("built in");
    workload.scenario.duration = ms(duration_ms);
    workload
}

/// What watches: everything that this crate has.
fn observer(system: &System) -> impl Observer + Clone {
    fn ignore(_: &JobRow) {}
    let rows: JobRows<fn(&JobRow)> = JobRows::new(ignore);
    ((Metrics::new(system, MetricsOptions::default()), rows), Audit::new(system))
}

fn is_still<E: Execution>(system: &System, execution: &E) {
    for extent in [Extent::Rest, Extent::LAYER] {
        is_still_under(
            system,
            execution,
            Box::new(Fcfs { extent, ..Fcfs::default() }),
            &format!("{extent:?}"),
        );
    }
}

fn is_still_under<E: Execution>(system: &System, execution: &E, policy: Box<dyn Policy>, case: &str) {
    let mut run =
        Simulation::new(system, "test", policy, execution.clone(), observer(system), RunOptions::default());
    let until = |seconds: u64| Time::ZERO.saturating_add(ms(seconds * 1000));
    run.run_until(until(2)).expect("only legal decisions");
    let before = run.view().counters.iter().map(|task| task.completed).sum::<u64>();
    let counted = measure(|| run.run_until(until(60)).expect("only legal decisions"));
    let completed = run.view().counters.iter().map(|task| task.completed).sum::<u64>() - before;
    // 165 jobs a second.
    assert!(completed > 9_000, "{completed} jobs completed: the platform cannot keep up");
    assert_eq!(counted.count_total, 0, "{case}: {counted:?}");
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![1_u8; 1000])));
    assert_eq!((counted.count_total, counted.bytes_max), (1, 1000));
}

#[test]
fn a_warm_run_allocates_nothing() {
    let workload = workload(100_000);
    let platform = rtmm_hardware::load::platform(PLAIN, None, Mode::Corrected).expect("built in");
    let system = System::new(&workload.scenario, &workload.models, &platform).expect("all layers have costs");
    is_still(&system, &Exclusive::new(platform.accelerators.len()));
}

#[test]
fn a_warm_run_with_shared_memory_allocates_nothing() {
    let workload = workload(100_000);
    let platform = rtmm_hardware::load::platform(SHARED, None, Mode::Corrected).expect("built in");
    let system = System::new(&workload.scenario, &workload.models, &platform).expect("all layers have costs");
    let dram = platform.shared_dram.expect("shared");
    is_still(&system, &Shared::new(MaxMinFair::new(dram.bandwidth), platform.unit_owners()));
}

#[test]
fn a_warm_run_that_divides_an_accelerator_allocates_nothing() {
    let workload = workload(100_000);
    let platform =
        rtmm_hardware::load::platform("planaria/16x32x32", None, Mode::Corrected).expect("built in");
    let system = System::new(&workload.scenario, &workload.models, &platform).expect("all layers have costs");
    let row = registry::policy("planaria").expect("a registered policy");
    let policy = row.build(&row.defaults()).expect("its own defaults");
    is_still_under(&system, &Exclusive::new(platform.unit_owners().len()), policy, "planaria");
}

#[test]
fn a_warm_run_that_is_planned_allocates_nothing() {
    let workload = workload(100_000);
    for platform in [PLAIN, "xrbench/dual_4k_ws_os"] {
        let platform = rtmm_hardware::load::platform(platform, None, Mode::Corrected).expect("built in");
        let system =
            System::new(&workload.scenario, &workload.models, &platform).expect("all layers have costs");
        let row = registry::policy("horizon").expect("a registered policy");
        let policy = row.build(&row.defaults()).expect("its own defaults");
        is_still_under(&system, &Exclusive::new(platform.accelerators.len()), policy, "horizon");
    }
}

#[test]
fn a_warm_run_with_times_that_vary_allocates_nothing() {
    let by_hand = ByHand::parse(
        "accelerators 2; varies 0.5; for 100000; task a every 8 layers 1 2 1 1; task b every 10 layers 2 1 variant 1",
    );
    let system = by_hand.system();
    for extent in [Extent::Rest, Extent::LAYER] {
        let execution = Exclusive::new(2);
        let policy = Box::new(Fcfs { extent, ..Fcfs::default() });
        is_still_under(&system, &execution, policy, "varying");
    }
}

#[test]
fn peak_memory_does_not_depend_on_the_duration() {
    for platform in [PLAIN, SHARED] {
        let platform = rtmm_hardware::load::platform(platform, None, Mode::Corrected).expect("built in");
        let peak = |seconds: u64| {
            let workload = workload(seconds * 1000);
            let system =
                System::new(&workload.scenario, &workload.models, &platform).expect("all layers have costs");
            let policy = Box::new(Fcfs::default());
            let counted = measure(|| {
                let observer = observer(&system);
                simulate(&system, "test", policy, observer, RunOptions::default()).expect("legal");
            });
            counted.bytes_max
        };
        assert_eq!(peak(5), peak(60), "{}", platform.name);
    }
}
