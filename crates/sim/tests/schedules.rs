//! Schedules that are worked out on paper: one of each policy, and one of each thing that a system or a
//! policy's parts can do.
//!
//! `by_hand` says how systems and schedules are written. Times are milliseconds. Every test says step by
//! step why the schedule is what it is.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use rtmm_scheduler::{PolicyRegistry, registry};
use rtmm_sim::{EndOfRun, JobRecord, Observer, RunOptions};
use rtmm_testkit::by_hand;
use rtmm_testkit::by_hand::{ByHand, at, check, check_seed};
use rtmm_testkit::simulate;
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Frames, TaskId, Time};

// One of each policy.

/// Accelerator 0 is the faster one. `a` takes 4 there and 8 on the other, `b` 3 and 6, `c` 2 and 3.
/// Jobs b0, b1 and b2 come at 0, 4 and 8; a0 and c0 at 0, and c0 needs what a0 puts out.
const THREE_TASKS: &str = "
    accelerators 2; for 10
    task a every 10 due 10 layers 2/4 2/4
    task b every 4 due 4 layers 3/6
    task c every 10 due 7 layers 2/3 needs a";

/// The policies that a test below stands for, in the order of the registry.
const WORKED: [&str; 31] = [
    "dream-adaptive",
    "dream-drop",
    "dream-full",
    "dream-halving",
    "dream-mapscore",
    "dysta",
    "dysta-corrected",
    "dysta-hardware",
    "dysta-naive",
    "dysta-oracle",
    "edf",
    "fcfs",
    "fixed-priority",
    "heft",
    "heft-reserved",
    "horizon",
    "latency-greedy",
    "least-slack",
    "moca",
    "planaria",
    "prema",
    "prema-sparse",
    "round-robin",
    "sdrm3",
    "sdrm3-sparse",
    "sjf",
    "sjf-oracle",
    "sjf-sparse",
    "static-partition",
    "terastal-reading",
    "veltair",
];

/// Policies of batches beside each other, whose schedules are worked by hand in `co_location`.
const WORKED_BESIDE: [&str; 7] = [
    "abacus-reading",
    "abacus-reading-oracle",
    "deadline-batching",
    "deadline-batching-oracle",
    "strait-reading",
    "strait-reading-oracle",
    "time-sharing",
];

#[test]
fn every_policy_has_a_schedule_worked_by_hand() {
    let names: Vec<&str> = PolicyRegistry::built_in().iter().map(|row| &*row.name).collect();
    let mut worked = [&WORKED[..], &WORKED_BESIDE].concat();
    worked.sort_unstable();
    assert_eq!(names, worked, "add a test to this file for each new policy, and its name to the list");
}

#[test]
fn edf_runs_the_nearest_deadline_on_the_faster_accelerator() {
    // 0: b0 is due at 4, a0 at 10. b0 chooses first and takes accelerator 0; a0 gets the other, one
    //    layer (4).
    // 3: b0 is done. a0 runs, c0 waits for it: accelerator 0 stays idle.
    // 4: a0 has a layer to go, and b1, due at 8, comes. b1 is first again: 0 for it, 1 for a0.
    // 7: b1 is done. c0 is due now; even on accelerator 0 it would take to 9, so it is given up. (At 4 it
    //    could still have ended at 6.)
    // 8: a0 is done. b2 comes and is alone.
    check(
        THREE_TASKS,
        "edf drop=infeasible",
        "0 b0>0, a0>1 | 3 b0 done | 4 a0 at 1, b1>0, a0>1 | 7 b1 done, c0 dropped
         | 8 a0 done, b2>0 | 11 b2 done",
    );
}

#[test]
fn fcfs_lets_nobody_overtake() {
    // 0: a0 and b0 come at once; a0 is of the first task, so it takes accelerator 0 for its whole
    //    network (4). b0 takes 6 on the other, though that is 2 too long.
    // 4: a0 is done, so c0 is ready. It was released at 0, before b1, and takes accelerator 0 (2).
    // 6: both end. b1 is due at 8 and takes 3 at least: given up.
    // 8: b2 is alone.
    check(
        THREE_TASKS,
        "fcfs drop=infeasible",
        "0 a0>0, b0>1 | 4 a0 done, c0>0 | 6 c0 done, b0 late, b1 dropped | 8 b2>0 | 11 b2 done",
    );
}

#[test]
fn fixed_priority_asks_for_the_task_alone() {
    // By rate, b (every 4) is before a and c (every 10): the jobs that have the nearest deadlines here, so
    // that all goes as under edf.
    let expected = "0 b0>0, a0>1 | 3 b0 done | 4 a0 at 1, b1>0, a0>1 | 7 b1 done, c0 dropped
                    | 8 a0 done, b2>0 | 11 b2 done";
    check(THREE_TASKS, "fixed-priority drop=infeasible", expected);
    // By the order of tasks, a is before b before c.
    // 0: a0 takes accelerator 0, one layer (2); b0 the other (6).
    // 2: a0 is the only ready job and goes on where it was.
    // 4: c0 is ready now, but b1 that just came is of an earlier task: it takes accelerator 0 (3).
    // 6: b0 ends, late. Accelerator 1 is free for c0, due at 7; it would take 2 on the faster one: given up.
    check(
        THREE_TASKS,
        "fixed-priority priority=task-order drop=infeasible",
        "0 a0>0, b0>1 | 2 a0 at 1, a0>0 | 4 a0 done, b1>0 | 6 b0 late, c0 dropped | 7 b1 done
         | 8 b2>0 | 11 b2 done",
    );
    // As declared, c is before b before a; within one priority it would go by release.
    // 0: c0 waits. b0 takes accelerator 0, a0 the other, one layer.
    // 4: b1 before a0, as by rate; 7: c0 is given up; 8: b2 finds accelerator 0.
    let declared =
        THREE_TASKS.replace("a every", "a priority -1 every").replace("c every 10", "c priority 5 every 10");
    check(&declared, "fixed-priority priority=declared drop=infeasible", expected);
}

#[test]
fn heft_runs_the_latest_of_the_earliest_finishes_where_it_has_that_finish() {
    // 0: a0 finishes at 4 at the earliest, b0 at 3, both on accelerator 0: a0 takes it, whole. b0 would then finish at 7
    //    there: at 6 on the other.
    // 4: a0 is done, so c0 is ready, and b1 comes. c0 would finish at 6, b1 at 7: b1 takes accelerator 0.
    // 6: b0 is late. c0, due at 7, would finish at 9 on either accelerator: of equal ones it takes the last.
    // 8: b2 finds accelerator 0.
    let expected = "0 a0>0, b0>1 | 4 a0 done, b1>0 | 6 b0 late, c0>1 | 7 b1 done | 8 b2>0 | 9 c0 late
                    | 11 b2 done";
    check(THREE_TASKS, "heft", expected);
    // Whole models have no next part to keep an accelerator for.
    check(THREE_TASKS, "heft-reserved", expected);
}

#[test]
fn heft_reserved_keeps_the_accelerator_of_the_next_layer() {
    // By layers. 0: a0 takes accelerator 0 for one layer (2). b0 would finish at 2 + 3 there and at 6 on the other: it waits.
    // 2: b0 finishes at 5 at the earliest, a0 at 4: b0 takes accelerator 0, and a0 would finish at 7 there: the other (4).
    // 4: b1 would finish at 8 on accelerator 0, which is busy until 5, and at 12 on the other.
    // 5: b0 is late; b1 (3). 6: a0 is done, and accelerator 0 is busy until 8: c0 on the other (3), too late.
    // 8: b1 is done, and b2 comes.
    check(
        THREE_TASKS,
        "heft granularity=layer",
        "0 a0>0 | 2 a0 at 1, b0>0, a0>1 | 5 b0 late, b1>0 | 6 a0 done, c0>1 | 8 b1 done, b2>0 | 9 c0 late
         | 11 b2 done",
    );
    // With accelerator 0 kept for a0's second layer, b0 would finish at 7 there: at 0 it takes the other (6), and a0 goes on
    // at 2 where it was. From 4 on all is as with whole models.
    check(
        THREE_TASKS,
        "heft-reserved granularity=layer",
        "0 a0>0, b0>1 | 2 a0 at 1, a0>0 | 4 a0 done, b1>0 | 6 b0 late, c0>1 | 7 b1 done | 8 b2>0 | 9 c0 late
         | 11 b2 done",
    );
}

#[test]
fn heft_cuts_models_where_the_accelerators_change() {
    // a's first layer runs on accelerator 0 alone. Its second takes 5 there, and 1 on the other: 2 + 1. b takes 4 and 3.
    // 0: both would finish at 3; a0 came first. b0 takes the other (3).
    // 2: a0 would finish at 3 + 1 on accelerator 1, which is busy until 3, and at 7 on the other. It waits.
    check(
        "accelerators 2; task a every 20 layers 2/- 5/1; task b every 20 layers 4/3",
        "heft",
        "0 a0>0, b0>1 | 2 a0 at 1 | 3 b0 done, a0>1 | 4 a0 done",
    );
}

#[test]
fn horizon_takes_the_accelerator_that_costs_least_where_there_is_time() {
    // On accelerator 1 a layer costs half as much.
    // 0: b0, due at 5, is planned first: on accelerator 1 by 4. a0, due at 12, is in time there behind it, by 10, and waits for it
    //    while accelerator 0 is idle.
    // 10: b1 comes, alone.
    let system = "
        accelerators 2; for 20
        task a every 20 due 12 layers 4/6
        task b every 10 due 5 layers 5/4";
    check(system, "horizon", "0 b0>1 | 4 b0 done, a0>1 | 10 a0 done, b1>1 | 14 b1 done");
    // Due at 9, a0 has to take accelerator 0.
    let hurried = system.replace("due 12", "due 9");
    check(&hurried, "horizon", "0 a0>0, b0>1 | 4 a0 done, b0 done | 10 b1>1 | 14 b1 done");
}

#[test]
fn horizon_counts_what_it_takes_to_turn_to_another_network() {
    // Where a0 ran, b0 takes 3 of switch and 4, for 0.5 and 0.1 microjoules; on the other accelerator 6, for 1.
    let system = |due: &str| {
        format!(
            "accelerators 2; switch 3; for 20; task a comes 0 due 10 layers -/4; task b comes 5 due {due} layers 6/4"
        )
    };
    check(&system("7.5"), "horizon", "0 a0>1 | 4 a0 done | 5 b0>1 from 8 | 12 b0 done");
    check(&system("6.5"), "horizon", "0 a0>1 | 4 a0 done | 5 b0>0 | 11 b0 done");
}

#[test]
fn horizon_keeps_an_accelerator_free_for_a_frame_that_it_expects() {
    // A layer of a takes 3, and between two frames of b there are 2.
    // 2: a0 comes, due at 20. b1 is expected at 4 and due at 6.5, so that it cannot begin at 5: the accelerator waits. a0 could
    //    still end at 9, with what is left between later frames. So it goes on at 6 and 10.
    // 14: a0 would end at 19 between the frames, at 21 if it waited once more, and comes ten times as seldom as a frame of b:
    //    it runs.
    // 16: b4 comes, due at 18.5. 17: it would end at 19, and is given up.
    check(
        "accelerators 1; for 20
         task a every 40 at 2 due 18 layers 3
         task b every 4 due 2.5 layers 2",
        "horizon sacrifice=period",
        "0 b0>0 | 2 b0 done | 4 b1>0 | 6 b1 done | 8 b2>0 | 10 b2 done | 12 b3>0 | 14 b3 done, a0>0
         | 17 a0 done, b4 dropped",
    );
}

#[test]
fn latency_greedy_takes_whole_networks_and_drops_what_is_late() {
    // c0 is due at 3 here, before a0 can be done.
    // 0: a0, released first, takes the faster accelerator, whole; b0 the other.
    // 4: a0 is done. c0 could begin, but 4 is after its deadline: given up. b1 takes accelerator 0 (3).
    //    At 2 or 3 nothing happened that would have made the policy look at c0.
    // 6: b0 is late, and it stays: it ran.
    let system = THREE_TASKS.replace("due 7", "due 3");
    check(
        &system,
        "latency-greedy",
        "0 a0>0, b0>1 | 4 a0 done, c0 dropped, b1>0 | 6 b0 late | 7 b1 done | 8 b2>0 | 11 b2 done",
    );
    // One job of every task in turn; each instant begins with the first task.
    // 4: a has no job; b1 is before c0, though c0 was released first: it takes accelerator 0.
    // 6: b0 ends; c0, due at 7, is not late yet and takes accelerator 1 (3).
    // 8: b2 finds accelerator 0 idle since 7.
    check(
        THREE_TASKS,
        "latency-greedy order=task-order",
        "0 a0>0, b0>1 | 4 a0 done, b1>0 | 6 b0 late, c0>1 | 7 b1 done | 8 b2>0 | 9 c0 late | 11 b2 done",
    );
}

#[test]
fn latency_greedy_stops_no_segment_for_a_task_that_comes_after_it() {
    // 0: a0 has the first turn. b0 would have the next one on another accelerator; it does not stop a0,
    //    which would come first again at the instant of its end.
    // 3: b0. 4: a1 comes, of an earlier task, and b0 gives way at its next layer, at 5. 8: b0 goes on.
    check(
        "for 8; task a every 4 due 20 layers 1 1 1; task b every 20 layers 2 2",
        "latency-greedy order=task-order preemption=layer",
        "0 a0>0 | 3 a0 done, b0>0 | 5 b0 at 1, a1>0 | 8 a1 done, b0>0 | 10 b0 done",
    );
}

#[test]
fn least_slack_prefers_the_longer_job_to_the_nearer_deadline() {
    let system = "
        accelerators 2; for 10
        task a every 20 due 12 layers 4/8 4/8
        task b every 20 due 9 layers 3/6
        task c every 20 due 7 layers 2/3 needs b";
    // Remaining counts on the faster accelerator.
    // 0: slack of a0 is 12 - 8 = 4, of b0 9 - 3 = 6. a0 takes accelerator 0, one layer (4); b0 the other.
    // 4: a0 is alone and goes on (4).
    // 6: b0 is done. c0 has 7 - 6 - 2 < 0: given up.
    check(
        system,
        "least-slack drop=infeasible",
        "0 a0>0, b0>1 | 4 a0 at 1, a0>0 | 6 b0 done, c0 dropped | 8 a0 done",
    );
    // edf begins with b0, due at 9, on accelerator 0; so c0 can run there at 3, and a0 gets through a layer
    // on the other by 8. Its second layer then ends on accelerator 0 at 12, when it is due.
    check(
        system,
        "edf drop=infeasible",
        "0 b0>0, a0>1 | 3 b0 done, c0>0 | 5 c0 done | 8 a0 at 1, a0>0 | 12 a0 done",
    );
}

#[test]
fn round_robin_gives_a_long_queue_no_more_turns() {
    let system = "
        accelerators 2; for 4
        task a every 1 due 4 layers 2/3
        task b every 3 due 5 layers 2/3
        task c every 10 due 5 layers 1/2 needs b";
    // Turns are numbered: the task whose last turn has the smallest number is next; none is 0.
    // 0: nobody was served; a0 was released first: a has turn 1 (accelerator 0, 2), b turn 2 (3).
    // 2: a0 is done; a1 and a2 are the only ready jobs: turn 3 for a1.
    // 3: b0 is done on accelerator 1; a3 and b1 come, c0 is ready. c was never served: turn 4, ends at 5.
    // 4: a1 is done, when it was due at 5. Of a2, a3 (turn 3) and b1 (turn 2), b1 has turn 5, although a2
    //    came before it. a2 is due at 6: it could just make it.
    // 5: c0 is done at its deadline. a2 cannot make it any more: given up. a3, due at 7, could on
    //    accelerator 0: turn 6, but accelerator 1 is what is idle (3).
    check(
        system,
        "round-robin drop=infeasible",
        "0 a0>0, b0>1 | 2 a0 done, a1>0 | 3 b0 done, c0>1 | 4 a1 done, b1>0 | 5 c0 done, a2 dropped, a3>1
         | 6 b1 done | 8 a3 late",
    );
    // fcfs takes a2 before b1 at 4, so that a2 is in time. a3 takes accelerator 1 at 5, and b1 has to wait
    // for the other until 6.
    check(
        system,
        "fcfs drop=infeasible",
        "0 a0>0, b0>1 | 2 a0 done, a1>0 | 3 b0 done, c0>1 | 4 a1 done, a2>0 | 5 c0 done, a3>1
         | 6 a2 done, b1>0 | 8 b1 done, a3 late",
    );
}

#[test]
fn sjf_runs_the_shortest_whole_network() {
    // Lengths are means over both accelerators: a (4 + 8) / 2 = 6, b 4.5, c 2.5.
    // 0: b0 takes accelerator 0 (3), a0 the other, whole (8).
    // 4: b1 finds accelerator 0 idle.
    // 7: c0 waits for a0 and cannot end by 7: given up at the first instant after 5 at which anything
    //    happens.
    // 8: a0 is done; b2.
    check(
        THREE_TASKS,
        "sjf drop=infeasible",
        "0 b0>0, a0>1 | 3 b0 done | 4 b1>0 | 7 b1 done, c0 dropped | 8 a0 done, b2>0 | 11 b2 done",
    );
}

/// `a` may end after its first layer.
const MAY_EXIT: &str = "
    accelerators 2; for 10
    task a every 10 due 10 layers 2/4 2/4 exit 0 0.5
    task b every 10 due 9 layers 3/5
    task c every 10 due 7 layers 2/3 needs a";

/// The first seed under which a0 exits, or does not: the draw of its sample in the stream of paths.
fn seed_where_a0(exits: bool) -> u64 {
    let model = &ByHand::parse(MAY_EXIT).models[0];
    let exit = |seed| model.realise(Draws::new(seed, Stream::Path, "a"), 0).exit;
    (0..).find(|seed| exit(*seed).is_some() == exits).expect("it exits under every other seed")
}

#[test]
fn sjf_oracle_knows_how_long_a_job_really_is() {
    // Expected: a has 2 + 2 / 2 = 3 on accelerator 0 and 6 on the other, 4.5 in the mean; b 4; c 2.5.
    // Under the first seed a0 ends after its first layer. The truth is a mean of 3, less than b0's 4.
    // 0: a0 takes accelerator 0 (2), b0 the other (5).
    // 2: a0 is done, c0 takes accelerator 0 (2). 4: c0 is done; 5: b0.
    let exits = seed_where_a0(true);
    check_seed(
        MAY_EXIT,
        "sjf-oracle drop=infeasible",
        exits,
        "0 a0>0, b0>1 | 2 a0 done, c0>0 | 4 c0 done | 5 b0 done",
    );
    // In the same world sjf begins with b0, 4 against 4.5. a0 turns out to be over at 4.
    check_seed(
        MAY_EXIT,
        "sjf drop=infeasible",
        exits,
        "0 b0>0, a0>1 | 3 b0 done | 4 a0 done, c0>0 | 6 c0 done",
    );
    // Under the other seed a0 runs to its end: 6, more than b0's 4. Both policies begin with b0.
    // 8: a0 ends; c0, due at 7, is given up. Nothing happened between 3 and 8.
    let stays = seed_where_a0(false);
    let expected = "0 b0>0, a0>1 | 3 b0 done | 8 a0 done, c0 dropped";
    check_seed(MAY_EXIT, "sjf-oracle drop=infeasible", stays, expected);
    check_seed(MAY_EXIT, "sjf drop=infeasible", stays, expected);
}

#[test]
fn moca_and_the_static_partition_go_by_priority_and_relative_waiting() {
    // 0: a0 has waited nothing: its priority is the largest. 3: b0 has waited 3 of its 4, 1 + 0.75; c0 none of
    //    its 2, 1. a1 comes at 6 with 3. 7: c0 has waited 4 of 2: 1 + 2, as a1 has with 1 of 3 and more: 3.33.
    let system = "for 12; task a every 6 priority 3 layers 3; task b every 12 priority 1 layers 4
                  task c every 12 at 3 priority 1 layers 2";
    for policy in ["moca", "static-partition"] {
        check(system, policy, "0 a0>0 | 3 a0 done, b0>0 | 7 b0 done, a1>0 | 10 a1 done, c0>0 | 12 c0 done");
    }
}

/// Schedules of scores, which weigh how much is left against deadlines and waiting: `a` is long and has
/// time, `b` is short, comes when `a` has begun, and has little.
const LONG_AND_URGENT: &str = "
    task a every 20 due 20 priority 3 layers 4 4
    task b every 20 at 3 due 6 priority 1 layers 2 2";

#[test]
fn dysta_runs_the_least_rest_with_slack_and_penalty() {
    // Scores in milliseconds; beta is 0.01, and a penalty of 1 counts as a second.
    // 4: 4 are left of both. a0 has a slack of 20 - 4 - 4 = 12, and ran just now: 4 + 0.12. b0 has a slack
    //    of 9 - 4 - 4 = 1 and has waited 1 of its 4, one of two jobs: 4 + 0.01 + 10 * 1/4/2 = 5.26.
    // 8: a0 is done, b0 is alone. It was due at 9.
    let published = "0 a0>0 | 4 a0 at 1, a0>0 | 8 a0 done, b0>0 | 10 b0 at 1, b0>0 | 12 b0 late";
    // 4: without the penalty b0 is first, 4.01 against 4.12; reversed, 4.01 - 1.25.
    // 6: b0 has 2 + 0.01. a0 has 4 + 0.1; reversed, it has waited 2 of 8: 4.1 - 10 * 2/8/2 = 2.85.
    let urgent_first = "0 a0>0 | 4 a0 at 1, b0>0 | 6 b0 at 1, b0>0 | 8 b0 done, a0>0 | 12 a0 done";
    // What is left alone is equal at 4; a0 came first. So it is with the slack ignored.
    for (settings, expected) in [
        ("", published),
        ("penalty=none", urgent_first),
        ("penalty=reversed", urgent_first),
        ("penalty=none slack=ignored", published),
        ("beta=0", published),
    ] {
        // No model has samples and none is dynamic: nothing is there to measure or to foresee.
        for name in ["dysta", "dysta-naive", "dysta-oracle"] {
            check(LONG_AND_URGENT, &format!("{name} {settings}"), expected);
        }
    }
}

#[test]
fn dysta_corrected_lets_others_go_before_who_is_late_anyway() {
    // 4: waiting is no penalty, and b0 can end at 8, before 9: 4.01 against 4.12.
    check(
        LONG_AND_URGENT,
        "dysta-corrected",
        "0 a0>0 | 4 a0 at 1, b0>0 | 6 b0 at 1, b0>0 | 8 b0 done, a0>0 | 12 a0 done",
    );
    // Due at 7.5 it cannot, and a0 goes on. It runs when nobody else is there.
    let hopeless = LONG_AND_URGENT.replace("due 6", "due 4.5");
    let last = "0 a0>0 | 4 a0 at 1, a0>0 | 8 a0 done, b0>0 | 10 b0 at 1, b0>0 | 12 b0 late";
    let ranked = "0 a0>0 | 4 a0 at 1, b0>0 | 6 b0 at 1, b0>0 | 8 b0 late, a0>0 | 12 a0 done";
    check(&hopeless, "dysta-corrected", last);
    check(&hopeless, "dysta-corrected hopeless=ranked", ranked);
    for name in ["dysta", "dysta-naive", "dysta-oracle"] {
        check(&hopeless, &format!("{name} penalty=none"), ranked);
        check(&hopeless, &format!("{name} penalty=none hopeless=last"), last);
    }
}

#[test]
fn dysta_oracle_knows_what_dysta_expects() {
    // Expected of a0 are 4 + 4 / 2 = 6, so that dysta begins with b0: 5 + 0.01 * 15 against 6 + 0.01 * 14.
    let system = "task a every 20 due 20 layers 4 4 exit 0 0.5; task b every 20 due 20 layers 5";
    let (exits, stays) = (seed_where_a0(true), seed_where_a0(false));
    for name in ["dysta", "dysta-naive"] {
        check_seed(system, name, exits, "0 b0>0 | 5 b0 done, a0>0 | 9 a0 done");
    }
    // Really a0 has 4, and a slack of 16: 4.16 against 5.15.
    check_seed(system, "dysta-oracle", exits, "0 a0>0 | 4 a0 done, b0>0 | 9 b0 done");
    // Or 8: all begin with b0.
    for name in ["dysta", "dysta-naive", "dysta-oracle"] {
        check_seed(system, name, stays, "0 b0>0 | 5 b0 done, a0>0 | 9 a0 at 1, a0>0 | 13 a0 done");
    }
}

#[test]
fn dysta_hardware_takes_cycles_to_decide() {
    // Scores in milliseconds. A decision takes 40 cycles and 2 for each ready job, 5 ns each.
    // 0: a0 alone: 210 ns. 4: two jobs are ready: 220 ns. 4 are left of both; a0 is due in 16, b0 in 5 and
    //    has waited 1 of 4: 4 + 0.01 * 16 against 4 + 0.01 * (5 + 1/4). Waiting counts a hundredth of what
    //    it does under dysta, and b0 is first.
    // 6: b0 has 2 left. 8: a0 is alone.
    check(
        LONG_AND_URGENT,
        "dysta-hardware",
        "0 a0>0 from 0.00021 | 4.00021 a0 at 1, b0>0 from 4.00043 | 6.00043 b0 at 1, b0>0 from 6.00065
         | 8.00065 b0 done, a0>0 from 8.00086 | 12.00086 a0 done",
    );
    // A clock of 100 kHz takes 0.42 and 0.44, and b0 is late.
    // 4.42: 4 + 0.01 * 15.58 against 4 + 0.01 * (4.58 + 1.42 / 4).
    check(
        LONG_AND_URGENT,
        "dysta-hardware clock_mhz=0.1",
        "0 a0>0 from 0.42 | 4.42 a0 at 1, b0>0 from 4.86 | 6.86 b0 at 1, b0>0 from 7.3
         | 9.3 b0 late, a0>0 from 9.72 | 13.72 a0 done",
    );
    // A table that holds one request has a0 alone, the first released, until it is done.
    check(
        LONG_AND_URGENT,
        "dysta-hardware depth=0 cycles_base=0 cycles_per_request=0",
        "0 a0>0 | 4 a0 at 1, a0>0 | 8 a0 done, b0>0 | 10 b0 at 1, b0>0 | 12 b0 late",
    );
}

#[test]
fn planaria_weighs_priority_against_the_time_left() {
    // 4: a0 has 3 / 16, b0 1 / 5. 6: 3 / 14 against 1 / 3.
    check(
        LONG_AND_URGENT,
        "planaria",
        "0 a0>0 | 4 a0 at 1, b0>0 | 6 b0 at 1, b0>0 | 8 b0 done, a0>0 | 12 a0 done",
    );
    // 4: 9 / 16 against 1 / 5.
    check(
        &LONG_AND_URGENT.replace("priority 3", "priority 9"),
        "planaria",
        "0 a0>0 | 4 a0 at 1, a0>0 | 8 a0 done, b0>0 | 10 b0 at 1, b0>0 | 12 b0 late",
    );
    // 4: a0 is late, and its priority counts against it: 9 / -1.
    check(
        &LONG_AND_URGENT.replace("due 20 priority 3", "due 3 priority 9"),
        "planaria",
        "0 a0>0 | 4 a0 at 1, b0>0 | 6 b0 at 1, b0>0 | 8 b0 done, a0>0 | 12 a0 late",
    );
}

#[test]
fn prema_lets_a_job_run_whose_token_has_grown() {
    // b keeps the accelerator busy, and is shorter than a.
    let system = "
        for 10
        task a every 40 priority 1 layers 4
        task b every 2 due 20 priority 1 layers 2";
    // Tokens are 1 at first, and no job was seen before: the threshold is 1, b0 is shortest.
    // 2: a0 has 1 + 2/4 = 1.5, 4: 1.5 + 4/4 = 2.5: the threshold is still 1.
    // 6: 2.5 + 6/4 = 4 reaches 3, and b3, which is new, does not.
    // 10: b3 has 1 + 4/2 = 3, since it was seen at 6; b4 is new. 12: b4.
    let squared = "0 b0>0 | 2 b0 done, b1>0 | 4 b1 done, b2>0 | 6 b2 done, a0>0 | 10 a0 done, b3>0
                   | 12 b3 done, b4>0 | 14 b4 done";
    // Each span once: 1.5, 2, 2.5, and 3 at 8.
    let once = "0 b0>0 | 2 b0 done, b1>0 | 4 b1 done, b2>0 | 6 b2 done, b3>0 | 8 b3 done, a0>0
                | 12 a0 done, b4>0 | 14 b4 done";
    // Of priority 9 a0 has a token of 9 at 0, but was not seen before: the threshold is 1.
    // 2: the threshold is 9. 6: b1 has 1 + 4/2 = 3; b2 and b3 are new, the policy was not asked at 4.
    // 8: b2 has 1 + 4/2 = 3, b3 1 + 2/2 = 2, b4 is new. 10: b3 has 2 + 4/2 = 4, b4 1 + 2/2 = 2.
    let important = "0 b0>0 | 2 b0 done, a0>0 | 6 a0 done, b1>0 | 8 b1 done, b2>0 | 10 b2 done, b3>0
                     | 12 b3 done, b4>0 | 14 b4 done";
    for name in ["prema", "prema-sparse"] {
        check(system, name, squared);
        check(system, &format!("{name} tokens=since-last-decision"), once);
        check(&system.replace("a every 40 priority 1", "a every 40 priority 9"), name, important);
    }
    // sjf leaves a0 to the end.
    check(
        system,
        "sjf",
        "0 b0>0 | 2 b0 done, b1>0 | 4 b1 done, b2>0 | 6 b2 done, b3>0 | 8 b3 done, b4>0
         | 10 b4 done, a0>0 | 14 a0 done",
    );
}

#[test]
fn sdrm3_adds_what_is_urgent_and_what_is_fair() {
    let system = "task a every 40 due 40 layers 4 4; task b every 40 due 10 layers 1 1 1";
    // 0: a0 has an urgency of 8/40, b0 of 3/10.
    // 1: a0 has 8/39 and waited a quarter of a layer: 0.455; b0 2/9.
    // 5: a0 has 4/35; b0 2/5, and waited four layers: 4.4.
    // 6: a0 has 4/34 + 1/4 = 0.368, b0 1/4. 10: b0 is left, and due now.
    let fair = "0 b0>0 | 1 b0 at 1, a0>0 | 5 a0 at 1, b0>0 | 6 b0 at 2, a0>0 | 10 a0 done, b0>0 | 11 b0 late";
    // 1: 8/39 = 0.205 against 2/9 = 0.222. 2: 8/38 = 0.211 against 1/8. 6: 4/34 against 1/4.
    let urgent =
        "0 b0>0 | 1 b0 at 1, b0>0 | 2 b0 at 2, a0>0 | 6 a0 at 1, b0>0 | 7 b0 done, a0>0 | 11 a0 done";
    for name in ["sdrm3", "sdrm3-sparse"] {
        check(system, name, fair);
        check(system, &format!("{name} alpha=0"), urgent);
    }
}

#[test]
fn sjf_sparse_goes_layer_by_layer() {
    // 0: b0 has a mean of 4.5, a0 6. 4: a0 has 3 left, b1 4.5: a0 goes on, on accelerator 0 now.
    // 6: c0 cannot end by 7. 10: b1 was due at 8; 4 + 3 would have been in time on accelerator 0.
    let expected = "0 b0>0, a0>1 | 3 b0 done | 4 a0 at 1, a0>0, b1>1 | 6 a0 done, c0 dropped | 8 b2>0
                    | 10 b1 late | 11 b2 done";
    check(THREE_TASKS, "sjf-sparse drop=infeasible", expected);
    check(THREE_TASKS, "sjf granularity=layer drop=infeasible", expected);
}

#[test]
fn dream_mapscore_says_who_goes_where_in_one_number() {
    // Layers cost 1 on accelerator 0 and 1/2 on the other: energy preferences are 1.5 and 3. Latency
    // preferences are 3 and 1.5 of a and b, 5/2 and 5/3 of c. Nobody was run before: switches cost nothing.
    // 0: a0 has 6 of 10 to go, b0 4.5 of 4, capped at 1. a0 has 0.6 x 3 + 1.5 = 3.3 and 0.6 x 1.5 + 3 = 3.9,
    //    b0 3 + 1.5 = 4.5 and 1.5 + 3 = 4.5: b0 on the first, a0 on the other.
    // 4: a0 has 3 of 6: 1.5 + 1.5 and 0.75 + 3; b1 again 4.5 on both.
    // 8: c0 is late by 1 with 2.5 to go, and has waited 8 of them: -2.5 x 2.5 + 3.2 + 1.5 = -1.55 and
    //    -2.5 x 5/3 + 3.2 + 3 = 2.03. b2 has 4.5 on both.
    let expected = "0 b0>0, a0>1 | 3 b0 done | 4 a0 at 1, b1>0, a0>1 | 7 b1 done
                    | 8 a0 done, b2>0, c0>1 | 11 b2 done, c0 late";
    check(THREE_TASKS, "dream-mapscore", expected);
    check(THREE_TASKS, "sdrm3", expected);
    // A late job that has the greatest urgency: 2.5 + 3.2 + 1.5 = 7.2 and 5/3 + 3.2 + 3 = 7.87.
    check(
        THREE_TASKS,
        "dream-mapscore late_urgency=greatest",
        "0 b0>0, a0>1 | 3 b0 done | 4 a0 at 1, b1>0, a0>1 | 7 b1 done
         | 8 a0 done, c0>1, b2>0 | 11 b2 done, c0 late",
    );
}

#[test]
fn sdrm3_on_two_accelerators_does_not_mind_turning_them() {
    // First layers suit different accelerators, second ones none. Energies are alike: 2 everywhere. A switch
    // takes 0.5, and a tenth of a layer's energy.
    // 0: both have 3.5 of 20. a0 has 0.175 x 1.5 and 0.175 x 3 beside its 2, b0 the same the other way
    //    round: a0 came first and takes accelerator 1.
    // 1: both have 2 of 19 on either. a0 goes to the first accelerator, b0 to the other: both turn.
    let system = "
        accelerators 2; for 10; switch 0.5
        task a every 20 layers 2@1/1@1 2@1/2@1
        task b every 20 layers 1@1/2@1 2@1/2@1";
    check(
        system,
        "sdrm3",
        "0 a0>1, b0>0 | 1 b0 at 1, a0 at 1, a0>0 from 1.5, b0>1 from 1.5 | 3.5 a0 done, b0 done",
    );
    // DREAM counts the switch: 2 - 0.1 on the other one's accelerator.
    let stay = "0 a0>1, b0>0 | 1 b0 at 1, a0 at 1, a0>1, b0>0 | 3 b0 done, a0 done";
    check(system, "dream-mapscore", stay);
    check(system, "sdrm3 switch_cost=true", stay);
}

/// `a` takes 3 of 4, `b` 3 of 5 and `c` 2 of 4.5, every 10: only one of the others can follow `a` in time.
const TOO_MUCH: &str = "
    task a every 10 due 4 layers 3
    task b every 10 due 5 layers 3
    task c every 10 due 4.5 layers 2";

#[test]
fn dream_drop_gives_up_what_is_lost_where_that_helps() {
    // 0: urgencies 3/4, 3/5 and 2/4.5; all else is equal.
    // 3: b0 would end at 6, c0 at 5: both are lost, by 1 and by 0.5. b0 goes. Then nobody is left to help by
    //    giving up c0.
    // 10: all the same. b has lost one of its frames by 13, and two are allowed.
    check(
        TOO_MUCH,
        "dream-drop",
        "0 a0>0 | 3 a0 done, b0 dropped, c0>0 | 5 c0 late
         | 10 a1>0 | 13 a1 done, b1 dropped, c1>0 | 15 c1 late",
    );
    // Were only one allowed, b1 would have to stay at 13, and c1 would go.
    check(
        TOO_MUCH,
        "dream-drop drop_cap=1",
        "0 a0>0 | 3 a0 done, b0 dropped, c0>0 | 5 c0 late
         | 10 a1>0 | 13 a1 done, c1 dropped, b1>0 | 16 b1 late",
    );
    // Over the time that is left: b0 3/2, c0 2/1.5 = 1.33.
    check(
        TOO_MUCH,
        "dream-drop drop_excess=ratio",
        "0 a0>0 | 3 a0 done, b0 dropped, c0>0 | 5 c0 late
         | 10 a1>0 | 13 a1 done, b1 dropped, c1>0 | 15 c1 late",
    );
    // Without drops. 3: b0 has 3/2 capped at 1, and waited 3 of 3; c0 capped, too, and 3 of 2.
    // 5: b0 is due: 1 + 5/3.
    check(
        TOO_MUCH,
        "dream-mapscore",
        "0 a0>0 | 3 a0 done, c0>0 | 5 c0 late, b0>0 | 8 b0 late
         | 10 a1>0 | 13 a1 done, c1>0 | 15 c1 late, b1>0 | 18 b1 late",
    );
}

#[test]
fn smart_drop_is_a_part_of_every_policy() {
    // As above: what decides who is given up is not the order of jobs.
    for name in ["edf", "fcfs", "sjf", "least-slack", "veltair"] {
        let system = if name == "sjf" { &TOO_MUCH.replace("layers 2", "layers 3.5") } else { TOO_MUCH };
        // Of c, 3.5 after 3 is lost by 2, b by 1 alone: c goes.
        let expected = if name == "sjf" {
            "0 a0>0 | 3 a0 done, c0 dropped, b0>0 | 6 b0 late
             | 10 a1>0 | 13 a1 done, c1 dropped, b1>0 | 16 b1 late"
        } else {
            "0 a0>0 | 3 a0 done, b0 dropped, c0>0 | 5 c0 late
             | 10 a1>0 | 13 a1 done, b1 dropped, c1>0 | 15 c1 late"
        };
        // Least slack: 4 - 3 = 1, 5 - 3 = 2 and 4.5 - 2 = 2.5.
        check(system, &format!("{name} drop=smart"), expected);
    }
    // Where one of them depends on b, b0 stays, and c0 goes.
    check(
        &TOO_MUCH.replace("10 due 4.5", "10 due 4.5 needs b"),
        "edf drop=smart",
        "0 a0>0 | 3 a0 done, c0 dropped, b0>0 | 6 b0 late
         | 10 a1>0 | 13 a1 done, c1 dropped, b1>0 | 16 b1 late",
    );
}

#[test]
fn dream_full_runs_a_lighter_network_while_there_is_more_to_do() {
    // 0: a0 has 8 of 8 to go, b0 2 of 6: a0 is first. b0 is due before it: 2 + 8 is more than 8, 2 + 4 is not:
    //    a0 runs as the lighter network.
    // 2: a0 has 2 of 6. b0 has 2 of 4, and has waited 2 of 2.
    // 10: a1 is alone, and 8 is just enough.
    let system = "
        task a every 10 due 8 layers 4 4 variant 2 2
        task b every 20 due 6 layers 2";
    check(
        system,
        "dream-full",
        "0 a0>0 as 1 | 2 a0 at 1, b0>0 | 4 b0 done, a0>0 as 1 | 6 a0 done
         | 10 a1>0 | 14 a1 at 1, a1>0 | 18 a1 done",
    );
    // Nobody's work counts: a0 fits as it is. 4: a0 has 4 of 4, b0 2 of 2 and has waited 4 of 2.
    check(
        system,
        "dream-full variant_queue=none",
        "0 a0>0 | 4 a0 at 1, b0>0 | 6 b0 done, a0>0 | 10 a0 late, a1>0 | 14 a1 at 1, a1>0 | 18 a1 done",
    );
    check(
        system,
        "dream-full variants=lightest",
        "0 a0>0 as 1 | 2 a0 at 1, b0>0 | 4 b0 done, a0>0 as 1 | 6 a0 done
         | 10 a1>0 as 1 | 12 a1 at 1, a1>0 as 1 | 14 a1 done",
    );
    // It is a part of every policy. edf begins with b0; at 2 a0 has 6 left.
    check(
        system,
        "edf variants=largest-that-fits granularity=model",
        "0 b0>0 | 2 b0 done, a0>0 as 1 | 6 a0 done | 10 a1>0 | 18 a1 done",
    );
}

#[test]
fn searches_try_other_weights_once_a_window_is_over() {
    // Weights begin at 0; one radius of 2 away are (2, 0) and (0, 2).
    // 0: a0 has 8 of 20, b0 3 of 10. 4: 4/16 against 3/6; 5: 4/15 against 2/5; 6: 4/14 against 1/4.
    // 10: b0 is due now. 11: it ends.
    // The window is over at 12; the next decision is at 20. a costs 1/2 for one frame in time, b 1, and both
    // spent all that they could: 3. From then on alpha is 2.
    // 20: nobody has waited: as at 0. 24: b1 has waited 4 of 1. 25: a1 has 4/15 + 2 x 1/4, b1 2/5.
    let system = "for 40; task a every 20 layers 4 4; task b every 20 due 10 layers 1 1 1";
    let settings = "alpha=0 beta=0 search_radius=2 search_window=12ms";
    let expected = "
        0 a0>0 | 4 a0 at 1, b0>0 | 5 b0 at 1, b0>0 | 6 b0 at 2, a0>0 | 10 a0 done, b0>0 | 11 b0 late
        | 20 a1>0 | 24 a1 at 1, b1>0 | 25 b1 at 1, a1>0 | 29 a1 done, b1>0 | 30 b1 at 2, b1>0 | 31 b1 late";
    check(system, &format!("dream-adaptive {settings}"), expected);
    // The lattice has (2, 0) next to the start, too.
    check(system, &format!("dream-halving {settings}"), expected);
    // Weights that stay, and a window that does not end in the run.
    let fixed = "
        0 a0>0 | 4 a0 at 1, b0>0 | 5 b0 at 1, b0>0 | 6 b0 at 2, a0>0 | 10 a0 done, b0>0 | 11 b0 late
        | 20 a1>0 | 24 a1 at 1, b1>0 | 25 b1 at 1, b1>0 | 26 b1 at 2, a1>0 | 30 a1 done, b1>0 | 31 b1 late";
    check(system, "dream-mapscore alpha=0 beta=0", fixed);
    check(system, "dream-adaptive alpha=0 beta=0 search_radius=2 search_window=32ms", fixed);
    check(system, "dream-halving alpha=0 beta=0 search_radius=2 search_steps=0", fixed);
    // A phase begins a search anew: at 20 alpha is 0 again.
    let phased = fixed.replace("| 20 a1", "| 20 phase 0, a1");
    let settings = format!("dream-adaptive {settings}");
    check(&format!("{system}; phase 20 b every 20"), &settings, &phased);
    // Unless it should not.
    let anew = expected.replace("| 20 a1", "| 20 phase 0, a1");
    check(&format!("{system}; phase 20 b every 20"), &format!("{settings} search_restart=never"), &anew);
}

#[test]
fn terastal_reading_gives_each_layer_a_budget_of_the_deadline() {
    // Without layer variants: the layer with the nearest virtual deadline, where it ends first. The layers of a are alike, whatever
    // the load: halves of 10 each. b0 is due at 4, c0 at 7.
    // 0: b0 takes accelerator 0 (3), a0's first layer, due at 5, the other (4).
    // 4: a0's second layer is due at 10, b1 at 8: accelerator 0 for b1 (3), and the other for a0 (4).
    // 8: a0 is done, so c0 is ready, late already: it comes before b2, due at 12, and takes accelerator 0 (2). b2 has the other.
    check(
        THREE_TASKS,
        "terastal-reading",
        "0 b0>0, a0>1 | 3 b0 done | 4 a0 at 1, b1>0, a0>1 | 7 b1 done | 8 a0 done, c0>0, b2>1 | 10 c0 late | 14 b2 late",
    );
    // What its layers can run as instead is in `layer_variants`.
}

#[test]
fn veltair_runs_blocks_of_layers_in_the_order_of_release() {
    // A layer of a has a quarter of its work: needs are 4 x 2 twice and 4 x 3 twice, 10 in the mean: blocks of
    // two. From the start a takes 10 on either accelerator, from its second block on 8 or 4.
    // 2: a0 came before b0, and takes accelerator 1.
    let system = "
        accelerators 2; for 10
        task a every 20 layers 1/3 1/3 4/2 4/2
        task b every 20 at 2 layers 2/9";
    check(system, "veltair", "0 a0>0 | 2 a0 at 2, a0>1, b0>0 | 4 b0 done | 6 a0 done");
    check(system, "fcfs", "0 a0>0 | 2 b0>1 | 10 a0 done | 11 b0 done");
    // Three jobs on two accelerators: the threshold is 10 x 1.5, above all needs. It is not where it stays.
    let system = "
        accelerators 2; for 10
        task a every 20 layers 1/3 1/3 4/2 4/2
        task c every 20 layers 5
        task d every 20 layers 5";
    check(system, "veltair", "0 a0>0, c0>1 | 5 c0 done, d0>1 | 10 a0 done, d0 done");
    check(
        system,
        "veltair block_growth=0",
        "0 a0>0, c0>1 | 2 a0 at 2, a0>0 | 5 c0 done, d0>1 | 10 a0 done, d0 done",
    );
}

#[test]
fn an_assigned_task_waits_for_its_accelerator() {
    // Utilisations are 4/10 and 8/10 of a, 3/4 and 6/4 of b, 2/10 and 3/10 of c. b chooses first: accelerator
    // 0. a would make it 1.15 there and has 0.8 on the other; c comes to 0.95 and 1.1: b and c share
    // accelerator 0.
    // 8: c0, due at 7, is before b2. b2 waits, though accelerator 1 is idle.
    let expected = "0 b0>0, a0>1 | 3 b0 done | 4 a0 at 1, b1>0, a0>1 | 7 b1 done | 8 a0 done, c0>0
                    | 10 c0 late, b2>0 | 13 b2 late";
    check(THREE_TASKS, "edf placement=assigned", expected);
    // First come, first served: c0 was released before b2, too. a0, in one block, takes its turn first.
    let expected = "0 a0>1, b0>0 | 3 b0 done | 4 b1>0 | 7 b1 done | 8 a0 done, c0>0
                    | 10 c0 late, b2>0 | 13 b2 late";
    check(THREE_TASKS, "veltair placement=assigned", expected);
}

// How much at once, and when it ends early.

#[test]
fn a_segment_is_a_layer_a_block_or_the_rest() {
    // b0 comes at 1, due at 6, when a0 has just begun; edf lets it in where a0's segment ends.
    let system = "task a every 20 layers 2 2 2; task b every 20 at 1 due 5 layers 1";
    // Layer by layer: at 2. What is left of a0 follows at 3, 5 and 7.
    check(
        system,
        "edf granularity=layer",
        "0 a0>0 | 2 a0 at 1, b0>0 | 3 b0 done, a0>0 | 5 a0 at 2, a0>0 | 7 a0 done",
    );
    // Groups of two layers: at 4, and the third layer is a group of its own.
    check(
        system,
        "edf granularity=block block_layers=2",
        "0 a0>0 | 4 a0 at 2, b0>0 | 5 b0 done, a0>0 | 7 a0 done",
    );
    // Blocks that the model states hold, whatever `block_layers` says: here layer 0 is in none, and
    // stands alone.
    check(
        &system.replace("2 2 2", "2 2 2 block 1-2 0"),
        "edf granularity=block block_layers=2",
        "0 a0>0 | 2 a0 at 1, b0>0 | 3 b0 done, a0>0 | 7 a0 done",
    );
    // Whole networks: at 6, too late.
    check(system, "edf granularity=model", "0 a0>0 | 6 a0 done, b0>0 | 7 b0 late");
}

#[test]
fn a_segment_ends_early_at_a_layer_or_a_quantum() {
    // b0 comes at 1.5, due at 6.5; a0's first layer has boundaries at 1, 2, 3 and 4.
    let system = "task a every 20 layers 4 2 quanta 4; task b every 20 at 1.5 due 5 layers 1";
    // Never: after 6.
    check(system, "edf granularity=model", "0 a0>0 | 6 a0 done, b0>0 | 7 b0 late");
    // At the next layer: at 4; then a0's second layer from 5 to 7.
    check(
        system,
        "edf granularity=model preemption=layer",
        "0 a0>0 | 4 a0 at 1, b0>0 | 5 b0 done, a0>0 | 7 a0 done",
    );
    // At the next quantum: at 2. Two quanta and a layer are left, from 3 to 7: nothing is lost.
    check(
        system,
        "edf granularity=model preemption=quantum",
        "0 a0>0 | 2 a0 at 0+2/4, b0>0 | 3 b0 done, a0>0 | 7 a0 done",
    );
    // A job that comes at a boundary is let in there.
    check(
        &system.replace("at 1.5", "at 1"),
        "edf granularity=model preemption=quantum",
        "0 a0>0 | 1 a0 at 0+1/4, b0>0 | 2 b0 done, a0>0 | 7 a0 done",
    );
    // A job that comes second stops nobody.
    check(
        &system.replace("due 5", "due 50"),
        "edf granularity=model preemption=quantum",
        "0 a0>0 | 6 a0 done, b0>0 | 7 b0 done",
    );
}

#[test]
fn a_job_is_stopped_only_for_one_that_comes_before_what_is_left_of_it() {
    // Slack of a0 is 16 - 12 = 4 at 0, of b0 8.5 - 3 = 5.5. a0 keeps its slack while it runs.
    // 5: c0 comes, so the policy looks: a0, a step into its second layer, has 16 - 5 - 7 = 4, b0 0.5. a0 is
    //    at a quantum just now, and gives way.
    // 8: b0 is done. a0 has 7 left and less slack than c0.
    check(
        "task a every 20 due 16 layers 4 4 4 quanta 4; task b every 20 due 8.5 layers 3;
         task c every 20 at 5 layers 1",
        "least-slack granularity=model preemption=quantum",
        "0 a0>0 | 5 a0 at 1+1/4, b0>0 | 8 b0 done, a0>0 | 15 a0 done, c0>0 | 16 c0 done",
    );
}

#[test]
fn quanta_that_are_done_of_a_layer_count_in_what_is_left() {
    let of_two = |a: &str, b: &str| format!("for 3000; task a {a} quanta 1000; task b {b} quanta 100");
    // 900: b0 is due first. 1000: 100 of a0 are left, and it is due at 1300: it is not dropped.
    check(
        &of_two("comes 0 due 1300 layers 1000", "comes 900 due 150 layers 100"),
        "edf granularity=model preemption=quantum drop=infeasible",
        "0 a0>0 | 900 a0 at 0+900/1000, b0>0 | 1000 b0 done, a0>0 | 1100 a0 done",
    );
    // 900: 100 of a0 are left, less than the 500 of b0.
    check(
        &of_two("comes 0 due 9999 layers 1000", "comes 900 due 9999 layers 500"),
        "sjf granularity=model preemption=quantum",
        "0 a0>0 | 1000 a0 done, b0>0 | 1500 b0 done",
    );
    // 600: 300 of a0 are left of the 500 until its deadline, so its slack is 200; that of b0 is 100.
    check(
        &of_two("comes 400 due 700 layers 500", "comes 600 due 200 layers 100").replace("1000;", "500;"),
        "least-slack granularity=model preemption=quantum",
        "400 a0>0 | 600 a0 at 0+200/500, b0>0 | 700 b0 done, a0>0 | 1000 a0 done",
    );
}

#[test]
fn of_equal_keys_the_job_that_was_released_last_makes_room() {
    // 500: c0 is due first, a0 and b0 at one instant: b0 came later.
    check(
        "accelerators 2; for 6000; task a comes 0 due 5000 layers 1000 quanta 1000;
         task b comes 100 due 4900 layers 1000 quanta 1000; task c comes 500 due 2000 layers 1000 quanta 1000",
        "edf granularity=model preemption=quantum",
        "0 a0>0 | 100 b0>1 | 500 b0 at 0+400/1000, c0>1 | 1000 a0 done, b0>0 | 1500 c0 done | 1600 b0 done",
    );
}

#[test]
fn an_accelerator_that_turns_to_another_network_begins_later() {
    // 0: the first network of an accelerator costs nothing.
    // 2: from a to b, 0.5. 3.5: nothing to do; what was run last is remembered.
    // 10: from b to a; 12.5: from a to b.
    // 14: c0 came at 11, after b1, and turns the accelerator once more.
    check(
        "switch 0.5; task a every 10 layers 2; task b every 10 layers 1; task c every 20 at 11 layers 1",
        "fcfs",
        "0 a0>0 | 2 a0 done, b0>0 from 2.5 | 3.5 b0 done | 10 a1>0 from 10.5
         | 12.5 a1 done, b1>0 from 13 | 14 b1 done, c0>0 from 14.5 | 15.5 c0 done",
    );
    // A network that goes on where it was turns to nothing: no switch between a0 and a1, nor within a0.
    check(
        "switch 0.5; for 8; task a every 4 layers 2 1",
        "edf",
        "0 a0>0 | 2 a0 at 1, a0>0 | 3 a0 done | 4 a1>0 | 6 a1 at 1, a1>0 | 7 a1 done",
    );
}

/// The energy of context switches of each job that is over, in millijoules.
#[derive(Default)]
struct SwitchEnergy(Vec<(usize, u64, f64)>);

impl Observer for SwitchEnergy {
    fn completed(&mut self, _: Time, record: &JobRecord<'_>) {
        self.0.push((record.job.task.index(), record.job.frame, record.switch_energy.picojoules() / 1e9));
    }
}

#[test]
fn an_accelerator_that_turns_to_another_network_moves_activations() {
    // A hundred megabytes take 0.1 and 0.1 mJ. Each layer of a reads 2 (the first) or 5 and puts out 5 or 1;
    // b reads 3 and puts out 4.
    // 0: the first network costs nothing. a runs its first layer only: b0 has the nearer deadline.
    // 2: a put out 5, b reads 3: 0.8, so that b0 begins at 2.8.
    // 3.8: b put out 4, the second layer of a reads 5: 0.9.
    // 5.7: a put out 1. Nothing to do until a1 comes at 10, for which nothing is switched; it goes on at 12,
    //      since b1 comes at 15 only. 13: a put out 1, and b1 reads 3 at 15: 0.4.
    let system = "moves 1; task a every 10 due 9 layers 2 1 sizes 2 5 1; task b every 14 at 1 due 4 layers 1 sizes 3 4";
    check(
        system,
        "edf",
        "0 a0>0 | 2 a0 at 1, b0>0 from 2.8 | 3.8 b0 done, a0>0 from 4.7 | 5.7 a0 done | 10 a1>0
         | 12 a1 at 1, a1>0 | 13 a1 done | 15 b1>0 from 15.4 | 16.4 b1 done",
    );
    let by_hand = ByHand::parse(system);
    let system = by_hand.system();
    let policy = registry::policy("edf").expect("a policy");
    let policy = policy.build(&policy.defaults()).expect("defaults");
    let options = RunOptions { seed: 0, end: EndOfRun::Drain, oracle: false };
    let observer = simulate(&system, "edf", policy, SwitchEnergy::default(), options).expect("legal");
    assert_eq!(observer.0, [(1, 0, 0.8), (0, 0, 0.9), (0, 1, 0.0), (1, 1, 0.4)]);
    // What a switch takes in any case comes on top; twice the bandwidth, half the time.
    check(
        "switch 0.5; moves 2; for 10; task a every 10 layers 2 sizes 2 5; task b every 10 layers 1 sizes 3 4",
        "fcfs",
        "0 a0>0 | 2 a0 done, b0>0 from 2.9 | 3.9 b0 done",
    );
}

#[test]
fn what_was_put_out_last_goes_out_where_layers_are_skipped() {
    // The first layer of a reads 1, and puts out 2, 3, 4 and 5 after the second to fourth. Layers 1 and 2 are
    // always skipped.
    // 0: a0 runs layer 0 and, with the block skipped, stands before layer 3. b0 has come and is nearer.
    // 1: what went out is what layer 0 put out, 2, and not what layer 2 would have: with 1 of b 0.3.
    // 2.3: layer 3 reads 4, after the 6 of b: 1.
    let system = "moves 1; for 10; task a every 10 layers 1 1 1 1 sizes 1 2 3 4 5 block 1-2 1;
                  task b every 10 due 5 at 0.5 layers 1 sizes 1 6";
    check(system, "edf", "0 a0>0 | 1 a0 at 3, b0>0 from 1.3 | 2.3 b0 done, a0>0 from 3.3 | 4.3 a0 done");
    // Where the skipped block comes last, a0 is done at once, and it is 2 again.
    let system = "moves 1; for 10; task a every 10 layers 1 1 1 sizes 1 2 3 4 block 1-2 1;
                  task b every 10 layers 1 sizes 1 6";
    check(system, "fcfs", "0 a0>0 | 1 a0 done, b0>0 from 1.3 | 2.3 b0 done");
    // An exit after layer 0 ends a0 there: 2 goes out.
    let system = "moves 1; for 10; task a every 10 layers 1 1 sizes 1 2 3 exit 0 1;
                  task b every 10 layers 1 sizes 1 6";
    check(system, "fcfs", "0 a0>0 | 1 a0 done, b0>0 from 1.3 | 2.3 b0 done");
}

#[test]
fn what_a_stopped_layer_puts_out_goes_out() {
    // Layer 0 of a has four steps of 1; it is stopped after two, and 7 goes out, with 1 of b: 0.8. When a0
    // goes on, it reads 1 again, after the 2 of b: 0.3.
    check(
        "moves 1; for 20; task a every 20 layers 4 sizes 1 7 quanta 4; task b every 20 at 1.5 due 5 layers 1 sizes 1 2",
        "edf granularity=model preemption=quantum",
        "0 a0>0 | 2 a0 at 0+2/4, b0>0 from 2.8 | 3.8 b0 done, a0>0 from 4.1 | 6.1 a0 done",
    );
}

#[test]
fn a_decision_takes_time_and_the_scheduler_makes_one_after_the_other() {
    // A decision takes 0.5 and 0.25 for each ready job.
    // 0: with a0 and b0 ready a0's takes 1: it begins at 1. b0's takes 0.75 more: from 1.75.
    // 3: a0 is done, and c0, ready since 2, begins after 0.75, at 3.75.
    check(
        "accelerators 2; task a every 20 layers 2; task b every 20 layers 2; task c every 20 at 2 layers 1",
        "fcfs decision_base=500us decision_per_job=250us",
        "0 a0>0 from 1, b0>1 from 1.75 | 3 a0 done, c0>0 from 3.75 | 3.75 b0 done | 4.75 c0 done",
    );
    // The decision comes first, then the switch. With b0 alone ready it is 3 + 0.75 + 1.
    check(
        "switch 1; task a every 20 layers 2; task b every 20 layers 2",
        "fcfs decision_base=500us decision_per_job=250us",
        "0 a0>0 from 1 | 3 a0 done, b0>0 from 4.75 | 6.75 b0 done",
    );
}

// What jobs need of each other.

#[test]
fn a_job_needs_the_latest_frame_of_another_rate() {
    // b comes at 0, 4, 8 and 12, a at 0 and 10: b0, b1 and b2 need a0, b3 needs a1.
    // 3: a0 is done and b0 ready. 4: b1 is ready when it comes, and so is b2 at 8.
    // 10: a1. 12: b3 comes and waits until 13.
    check(
        "for 16; task a every 10 due 20 layers 3; task b every 4 due 20 layers 1 needs a",
        "fcfs",
        "0 a0>0 | 3 a0 done, b0>0 | 4 b0 done, b1>0 | 5 b1 done | 8 b2>0 | 9 b2 done | 10 a1>0
         | 13 a1 done, b3>0 | 14 b3 done",
    );
    // b comes at 0 and 10, a at 0, 4 and 8: b0 needs a0, b1 needs a2, and nobody needs a1.
    // 3: a0 is done; b0 takes accelerator 0 to 5. 4: so a1 takes accelerator 1 to 7. 8: a2 takes 0 to 11.
    // 10: b1 comes and waits for a2, although accelerator 1 is idle.
    check(
        "accelerators 2; for 12; task a every 4 layers 3; task b every 10 layers 2 needs a",
        "fcfs",
        "0 a0>0 | 3 a0 done, b0>0 | 4 a1>1 | 5 b0 done | 7 a1 done | 8 a2>0 | 11 a2 done, b1>0 | 13 b1 done",
    );
    // a begins at 2: before that there is nothing that b0 could work on.
    check(
        "for 12; task a every 20 at 2 layers 3; task b every 10 layers 2 needs a",
        "fcfs",
        "0 b@0 void | 2 a0>0 | 5 a0 done | 10 b1>0 | 12 b1 done",
    );
    // A job that is given up takes along what needs it: a0 cannot end by 1.
    check(
        "task a every 20 due 1 layers 3; task b every 20 layers 2 needs a",
        "fcfs drop=infeasible",
        "0 a0 dropped, b0 lost",
    );
}

#[test]
fn an_outcome_triggers_a_job_or_not() {
    // b has the frames of a. Whether there is b0 shows when a0 is done; b0 is seen then, and due 5 after
    // its arrival at 0: in time at 4, and at 5.
    let system = "for 10; task a every 10 layers 3; task b due 5 layers 1 if a 1";
    check(system, "fcfs", "0 a0>0 | 3 a0 done, b0 comes, b0>0 | 4 b0 done");
    check(&system.replace("due 5", "due 3.5"), "fcfs", "0 a0>0 | 3 a0 done, b0 comes, b0>0 | 4 b0 late");
    check(&system.replace("if a 1", "if a 0"), "fcfs", "0 a0>0 | 3 a0 done, b@0 void");
    // What is not triggered triggers nothing, and puts nothing out.
    check(
        "for 10; task a every 10 layers 3; task b layers 1 if a 0; task c layers 1 if b 1;
         task d layers 1 needs b",
        "fcfs",
        "0 a0>0 | 3 a0 done, b@0 void, c@0 void, d@0 void",
    );
}

// When jobs come, and when they are given up.

#[test]
fn a_phase_begins_arrivals_anew() {
    // a comes every 5, at 0 and 5; from 10 on every 2, at 10, 12 and 14, due 2 later. b, every 4, pauses.
    // 5: b1 ends before a1 comes, and the policy decides after both.
    // 8: the last b. At 12 there would have been one.
    check(
        "for 15; task a every 5 layers 1; task b every 4 layers 1; phase 10 a every 2, b pauses",
        "fcfs",
        "0 a0>0 | 1 a0 done, b0>0 | 2 b0 done | 4 b1>0 | 5 b1 done, a1>0 | 6 a1 done | 8 b2>0 | 9 b2 done
         | 10 phase 0, a2>0 | 11 a2 done | 12 a3>0 | 13 a3 done | 14 a4>0 | 15 a4 done",
    );
    // A deadline of one period follows the phase: 3 of 5 are in time, 3 of 2 are not; a3, from 13 to 16,
    // was due at 14. Indices go on.
    check(
        "for 14; task a every 5 layers 3; phase 10 a every 2",
        "fcfs",
        "0 a0>0 | 3 a0 done | 5 a1>0 | 8 a1 done | 10 phase 0, a2>0 | 13 a2 late, a3>0 | 16 a3 late",
    );
}

#[test]
fn jitter_delays_what_the_scheduler_sees_and_no_deadline() {
    let system = "for 10; task a every 10 due 4 jitter 4 layers 2";
    let scenario = ByHand::parse(system).scenario;
    let mut outcomes = [0; 2];
    for seed in 0..8 {
        // The draw itself is the workload's; what follows from it is worked out here.
        let frame = Frames::new(&scenario, TaskId::new(0), seed).next_frame().expect("a frame at 0");
        let late_by = frame.release.saturating_since(Time::ZERO);
        assert!(!late_by.is_zero() && late_by <= by_hand::ms("4"), "seed {seed}");
        let end = frame.release.saturating_add(by_hand::ms("2"));
        // It is due at 4, not 4 after it was seen.
        let is_late = late_by > by_hand::ms("2");
        let word = if is_late { "late" } else { "done" };
        let expected = format!("{} a0 comes, a0>0 | {} a0 {word}", at(frame.release), at(end));
        check_seed(system, "fcfs", seed, &expected);
        outcomes[usize::from(is_late)] += 1;
    }
    assert!(outcomes.iter().all(|count| *count > 0), "one of the two did not happen: {outcomes:?}");
}

#[test]
fn jobs_are_given_up_late_or_when_infeasible() {
    // a0 runs from 0 to 4; b0 takes 3.
    let system = |due: &str| format!("task a every 20 layers 4; task b every 20 due {due} layers 3");
    let (runs_late, runs, dropped) = (
        "0 a0>0 | 4 a0 done, b0>0 | 7 b0 late",
        "0 a0>0 | 4 a0 done, b0>0 | 7 b0 done",
        "0 a0>0 | 4 a0 done, b0 dropped",
    );
    for (due, never, late, infeasible) in [
        // At 7 it ends in time.
        ("7", runs, runs, runs),
        // At 4 it is not late, but cannot end before 7.
        ("6", runs_late, runs_late, dropped),
        // At its deadline it is not late; after it, it is.
        ("4", runs_late, runs_late, dropped),
        ("3", runs_late, dropped, dropped),
    ] {
        check(&system(due), "fcfs drop=never", never);
        check(&system(due), "fcfs drop=late", late);
        check(&system(due), "fcfs drop=infeasible", infeasible);
    }
    // What could not even be done alone is given up as it comes.
    check(&system("2"), "fcfs drop=infeasible", "0 b0 dropped, a0>0 | 4 a0 done");
}

// Where jobs run.

#[test]
fn a_job_takes_an_idle_accelerator_or_waits_for_the_fastest() {
    let system = "accelerators 2; task a every 20 layers 2/5; task b every 20 layers 2/5";
    // Of those that are idle, the fastest: b0 has to do with accelerator 1.
    check(system, "fcfs placement=fastest-idle", "0 a0>0, b0>1 | 2 a0 done | 5 b0 done");
    // None but the fastest: b0 waits while accelerator 1 is idle, and is done sooner.
    check(system, "fcfs placement=fastest", "0 a0>0 | 2 a0 done, b0>0 | 4 b0 done");
    // The first that is idle, whatever is faster.
    let slow_first = system.replace("2/5", "5/2");
    check(&slow_first, "fcfs placement=first-idle", "0 a0>0, b0>1 | 2 b0 done | 5 a0 done");
    check(&slow_first, "fcfs placement=fastest-idle", "0 a0>1, b0>0 | 2 a0 done | 5 b0 done");
    // The one that costs least: a layer on accelerator 1 costs half of what it costs on 0.
    check(system, "fcfs placement=least-energy", "0 a0>1, b0>0 | 2 b0 done | 5 a0 done");
}

#[test]
fn jobs_that_share_memory_slow_each_other() {
    // All together move a gigabyte a millisecond.
    // a0: 4 gigabytes beside 2 of compute, 4 by itself; b0: 2 beside 1, 2 by itself. Both want all of it.
    // 0: each has half. 4: b0 has moved 2, and is late against its 2. a0 has moved 2 as well; the rest
    //    goes at full speed: 6.
    let system = "accelerators 2; dram 1; task a every 20 layers 2~4; task b every 20 due 2 layers 1~2";
    check(system, "fcfs", "0 a0>0, b0>1 | 4 b0 late | 6 a0 done");
    // With compute enough to hide it, sharing costs nothing: a0 computes for 6, and has moved its 2 at 4.
    check(&system.replace("2~4", "6~2"), "fcfs", "0 a0>0, b0>1 | 4 b0 late | 6 a0 done");
    // a0 can use a quarter, 1 gigabyte in 4; b0 gets the other three, and moves its 3 in 4.
    check(
        "accelerators 2; dram 1; task a every 20 layers 2~1~4; task b every 20 layers 1~3",
        "fcfs",
        "0 a0>0, b0>1 | 4 a0 done, b0 done",
    );
    // Layers of one segment are by themselves: b0 has 2 to move at first, then none.
    // 0: half each. 4: b0 has moved 2, a0 too; b0 computes for 3. a0 moves its other 2 alone: 6. 7: b0.
    check(
        "accelerators 2; dram 1; task a every 20 layers 2~4; task b every 20 layers 1~2 3",
        "fcfs",
        "0 a0>0, b0>1 | 6 a0 done | 7 b0 done",
    );
    // In fixed halves a0's 4 gigabytes take 8, whoever else runs, and b0's 2 take 4.
    check(&system.replace("dram 1", "dram 1 static"), "fcfs", "0 a0>0, b0>1 | 4 b0 late | 8 a0 done");
}
