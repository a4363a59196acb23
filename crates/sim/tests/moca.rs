//! MoCA's policy in the engine: schedules by hand, and what its throttle must not change.

use rtmm_testkit::by_hand::{self, check};
use rtmm_testkit::cases::at_least;
use rtmm_testkit::random_systems::hash;

/// The schedule of a system under a policy with settings.
fn schedule(text: &str, policy: &str) -> String {
    by_hand::schedule(text, policy, 0)
}

#[test]
fn a_run_of_less_score_is_held_below_its_cap() {
    // Each layer computes for 2 and moves 6 gigabytes, a gigabyte a millisecond: alone it demands 100 percent.
    let system = "dram 1 capped; for 60; accelerators 2
                  task a every 60 layers 2~6 quanta 4; task b every 60 priority 9 layers 2~6 quanta 4";
    // Both ask for 200 of 150 percent: they are held to 50.5 and 99.5, and have a half each.
    check(system, "moca", "0 b0>0, a0>1 | 12 b0 done, a0 done");
    // Of 100 percent: a0 scores 0.1, b0 9.1. b0 is held to 100 - 100 x 10 / 920 = 98.9, a0 to the least, 25.
    // b0 has 75 and moves 6 in 8. a0 has moved 2, and stays below its cap until its layer ends: 4 more in 16.
    check(system, "moca demand_limit=100", "0 b0>0, a0>1 | 8 b0 done | 24 a0 done");
    // The artifact's scores cancel: 50 each.
    check(system, "moca demand_limit=100 scores=artifact", "0 b0>0, a0>1 | 12 b0 done, a0 done");
    // A layer of few steps is not held back, nor is any without a throttle.
    check(
        &system.replace("quanta 4", "quanta 3"),
        "moca demand_limit=100",
        "0 b0>0, a0>1 | 12 b0 done, a0 done",
    );
    check(system, "static-partition", "0 b0>0, a0>1 | 12 b0 done, a0 done");
}

#[test]
fn caps_follow_layers() {
    // The second layer of a0 demands 20 percent in the mean.
    let system = "dram 1 capped; for 60; accelerators 2
                  task a every 60 priority 9 layers 1~3 10~2 quanta 4; task b every 60 layers 1~3 1~6 quanta 4";
    // 0: b0 is held to 25, a0 to 98.6: it has 75. 4: a0 has moved 3, b0 1, and 2 more in 8 below its cap.
    // 12: b0 asks for 100 beside the 20 of a0, which has moved all of it. b0 scores 6/48, a0 9 + 10/48: b0 is held
    //     to 100 - 20 x 184.167 / (12.5 + 184.167) = 81.2712. 6 gigabytes take 7.382689.
    check(system, "moca demand_limit=100", "0 a0>0, b0>1 | 14 a0 done | 19.382689073 b0 done");
    check(system, "static-partition", &schedule(system, "moca throttle=false"));
}

#[test]
fn beside_a_memory_intensive_run_a_job_that_is_not_goes_first() {
    // `a` and `b` demand 100 percent, `c` 20. Without pairing b0 and a0 run first, by priority.
    let system = "dram 1; for 100; accelerators 2
                  task a every 100 priority 3 layers 1~4; task b every 100 priority 2 layers 1~4
                  task c every 100 priority 1 layers 5~1";
    check(system, "static-partition", "0 a0>0, b0>1 | 8 a0 done, b0 done, c0>0 | 13 c0 done");
    // a0 has 80 percent beside c0 until that has moved its traffic at 5.
    check(system, "moca throttle=false", "0 a0>0, c0>1 | 5 a0 done, c0 done, b0>0 | 9 b0 done");
}

/// Systems of a few tasks with memory traffic, by seed.
fn generated(seed: u64, memory: &str) -> String {
    let draw = |purpose: u64, below: u64| hash(&[seed, purpose]) % below;
    let mut text = format!("dram {} {memory}; for 120; accelerators {}", 1 + draw(0, 3), 2 + draw(1, 3));
    for task in 0..4 {
        let at = |purpose: u64| 100 * task + purpose;
        let layers: Vec<String> = (0..1 + draw(at(2), 4))
            .map(|layer| format!("{}~{}", 1 + draw(at(10 + layer), 5), draw(at(20 + layer), 9)))
            .collect();
        let (period, priority) = (11 + draw(at(3), 20), draw(at(4), 12));
        text += &format!(
            "\ntask t{task} every {period} priority {priority} layers {} quanta 5",
            layers.join(" ")
        );
    }
    text
}

#[test]
fn a_limit_that_is_never_reached_throttles_nothing() {
    for seed in 0..at_least(300) {
        let plain = schedule(&generated(seed, ""), "moca throttle=false");
        for memory in ["capped", "throttle 1.5 1"] {
            assert_eq!(schedule(&generated(seed, memory), "moca demand_limit=1e9"), plain, "{seed}");
            assert_eq!(schedule(&generated(seed, memory), "moca throttle=false"), plain, "{seed}");
        }
    }
}

#[test]
fn without_pairing_and_throttle_it_is_the_static_partition() {
    let mut differs = 0;
    let seeds = at_least(300);
    for seed in 0..seeds {
        for memory in ["capped", "throttle 1.5 0.4"] {
            let system = generated(seed, memory);
            let partition = schedule(&system, "static-partition");
            assert_eq!(schedule(&system, "moca pairing=false throttle=false"), partition, "{seed}");
            differs += u64::from(schedule(&system, "moca demand_limit=60") != partition);
        }
    }
    assert!(3 * differs > 2 * seeds, "{differs} schedules differ with pairing and throttle");
}
