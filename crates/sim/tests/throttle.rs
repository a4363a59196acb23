//! Throttles of runs in the engine: schedules by hand, what counts as throttled, and a threshold that is out of reach.
//!
//! `crates/sim/tests/oracle/` holds the engine to a simulator that counts every window; `RTMM_CASES` sets the number of
//! random cases here.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use rtmm_hardware::{Share, Sharing};
use rtmm_scheduler::{Extent, Interests, Policy};
use rtmm_sim::metrics::{Metrics, MetricsOptions};
use rtmm_sim::{EndOfRun, RunOptions, System};
use rtmm_testkit::by_hand::{ByHand, check};
use rtmm_testkit::random_systems::policies::{Fcfs, Habits, Scripted};
use rtmm_testkit::random_systems::record::{Event, Record};
use rtmm_testkit::random_systems::systems::{self, Memory, Sketch};
use rtmm_testkit::simulate;
use rtmm_testkit::{cases, random_systems};
use rtmm_workload::Duration;

/// Windows of 2 ms, in which 1 gigabyte is not too much; half of that is an overflow which takes a pause of 1 ms.
const ALONE: &str = "dram 1 throttle 2 0.5; for 60; accelerators 1
                     task a every 60 layers 2~8";

#[test]
fn a_run_pauses_where_it_moved_too_much() {
    // 2 gigabytes in each window: one too many, for a pause of 2.
    check(ALONE, "fcfs", "0 a0>0 | 14 a0 done");
    // Compute goes on meanwhile.
    check(&ALONE.replace("2~8", "13~8"), "fcfs", "0 a0>0 | 14 a0 done");
    check(&ALONE.replace("2~8", "15~8"), "fcfs", "0 a0>0 | 15 a0 done");
    // A layer begins a window: what the one before was ahead is forgotten.
    check(&ALONE.replace("2~8", "1~3 1~3"), "fcfs", "0 a0>0 | 10 a0 done");
    // What is allowed is not held back; 8 million windows are no work.
    for settings in ["2 1", "0.000001 1"] {
        check(&ALONE.replace("2 0.5", settings), "fcfs", "0 a0>0 | 8 a0 done");
    }
}

#[test]
fn a_run_that_pauses_leaves_the_memory_to_others() {
    // Both have a half, which is what both may take. 4: b0 is done, and a0 could have all.
    let both = "dram 1 throttle 2 0.5; for 60; accelerators 2
                task a every 60 layers 1~8; task b every 60 layers 1~2";
    check(both, "fcfs", "0 a0>0, b0>1 | 4 b0 done | 14 a0 done");
    // MoCA lets a0 take a quarter of it, and b0 nearly all: 0.5 in a window is the threshold of a0, 0.25 an overflow.
    // 2: a0 has moved 1, and pauses for 2; b0 has all of the memory. The same again, until b0 is done at 8.
    // 10: a0 has moved 2 in a window: 1.5 too many, for three pauses of 2. It moves the last 2 gigabytes from 16 on.
    let moca = "dram 1 throttle 2 1; for 60; accelerators 2
                task a every 60 layers 2~6 quanta 4; task b every 60 priority 9 layers 2~6 quanta 4";
    check(moca, "moca demand_limit=100", "0 b0>0, a0>1 | 8 b0 done | 18 a0 done");
    check(moca, "moca throttle=false", "0 b0>0, a0>1 | 12 b0 done, a0 done");
}

#[test]
fn pauses_count_as_throttled() {
    let throttled = |text: &str| {
        let system = ByHand::parse(text).system();
        let options = MetricsOptions::default();
        let metrics = Metrics::new(&system, options);
        let metrics = simulate(&system, "test", Fcfs::new(Extent::Rest), metrics, RunOptions::default());
        metrics.expect("only legal decisions").summary()
    };
    let alone = throttled(ALONE);
    assert_eq!(alone.throttled_ms, Some(6.0));
    assert_eq!(alone.dram_bandwidth_utilisation, Some(8.0 / 60.0));
    assert_eq!(throttled(&ALONE.replace("2 0.5", "2 1")).throttled_ms, Some(0.0));
}

const HABITS: Habits =
    Habits { dispatch: 200, batch: 0, preempt: 60, context: 40, resize: 40, drop: 20, share: 0, timer: 60 };

/// The course of a system, whose memory is shared by a rule with shares of the whole.
fn course(sketch: &Sketch, chaos: bool, sharing: Sharing) -> Record {
    let mut built = sketch.build();
    let memory = built.platform.shared_dram.as_mut().expect("shared memory");
    memory.sharing = sharing;
    built.platform.accelerators.iter_mut().for_each(|one| one.dram_share = Share::WHOLE);
    let system = System::new(&built.scenario, &built.models, &built.platform).expect("all layers have costs");
    let interests = Interests { jobs: true, layers: true, times: true };
    let policy: Box<dyn Policy> = if chaos {
        let shares = sketch.machine.memory.shares();
        Scripted::new(sketch.seed, HABITS, interests, Duration::ZERO, sketch.scale, shares)
    } else {
        Fcfs::new(Extent::Rest)
    };
    let options = RunOptions { seed: sketch.seed, end: EndOfRun::Drain, oracle: false };
    random_systems::run(&system, policy, options)
}

proptest! {
    #![proptest_config(cases::config(300))]

    #[test]
    fn a_limit_of_the_whole_changes_nothing(
        sketch in systems::sketch_with(systems::throttled_memory()), chaos in any::<bool>(),
    ) {
        let Memory::Throttled { throttle, .. } = sketch.machine.memory else {
            return Err(TestCaseError::fail("throttled memory"));
        };
        let plain = course(&sketch, chaos, Sharing::MAX_MIN);
        prop_assert_eq!(&course(&sketch, chaos, Sharing::throttled(throttle)), &plain);
        prop_assert_eq!(&course(&sketch, chaos, Sharing::CAPPED), &plain);
    }

    /// A run alone moves no more in the mean than its threshold, but for one overflow and one window.
    #[test]
    fn a_lone_run_is_held_to_its_threshold(
        window in 1..40_u64, percent in 1..100_u64, gigabytes in 1..60_u64,
    ) {
        let text = format!(
            "dram 1 throttle {window} {}; for 60; accelerators 1
             task a every 60 layers 1~{gigabytes}",
            percent as f64 / 100.0
        );
        let built = ByHand::parse(&text);
        let system = built.system();
        let options = RunOptions { seed: 0, end: EndOfRun::Drain, oracle: false };
        let record = random_systems::run(&system, Fcfs::new(Extent::Rest), options);
        let completed = record.events.iter().find(|(_, event)| matches!(event, Event::Completed { .. }));
        let took = completed.expect("it ends").0 as f64 / 1e9;
        let threshold = (window * percent) as f64 / 100.0;
        let ahead = gigabytes as f64 - threshold / window as f64 * took;
        prop_assert!(took >= gigabytes as f64);
        prop_assert!(ahead <= 0.5 * threshold + window as f64 + 1e-6, "{ahead} ahead after {took} ms");
        prop_assert!(ahead >= -1e-6 || took <= gigabytes as f64 + 1e-6, "{ahead} ahead after {took} ms");
    }
}
