//! Jobs that go on on another accelerator move their activations: schedules by hand, what is counted, and what policies make of
//! it.
//!
//! `by_hand` says how systems and schedules are written. Times are milliseconds.

use rtmm_hardware::{Bandwidth, Link, Transfers};
use rtmm_sim::metrics::{JobRow, JobRows, MetricsOptions};
use rtmm_sim::{EndOfRun, Metrics, RunOptions, SimulationError};
use rtmm_testkit::by_hand::{ByHand, check, policy};
use rtmm_testkit::simulate;
use rtmm_workload::Duration;

/// A layer that accelerator 0 alone runs, and one that accelerator 1 alone runs: between them a gigabyte is live.
const FORCED: &str = "accelerators 2; for 20; links 1 0.5; task a every 20 layers 2/- -/3 sizes 1 10 1";

#[test]
fn a_job_that_goes_on_elsewhere_moves_what_its_last_layer_leaves() {
    // 0.5 of latency, and a gigabyte at one a millisecond.
    check(FORCED, "edf", "0 a0>0 | 2 a0 at 1, a0>1 from 3.5 | 6.5 a0 done");
    // Without links nothing moves.
    check(&FORCED.replace("links 1 0.5; ", ""), "edf", "0 a0>0 | 2 a0 at 1, a0>1 | 5 a0 done");
    // A switch comes on top: accelerator 1 ran b.
    let switched = FORCED.replace("links", "switch 0.25; links");
    let both = format!("{switched}; task b every 20 layers -/1");
    check(&both, "edf", "0 a0>0, b0>1 | 1 b0 done | 2 a0 at 1, a0>1 from 3.75 | 6.75 a0 done");
}

#[test]
fn a_job_that_stays_and_one_that_begins_move_nothing() {
    let system = "accelerators 2; for 20; links 1 0.5; task a every 20 layers 2/9 4/9 sizes 1 10 1";
    check(system, "edf", "0 a0>0 | 2 a0 at 1, a0>0 | 6 a0 done");
}

#[test]
fn inside_of_a_layer_what_is_computed_of_it_moves_too() {
    // b comes at 3, in the midst of the layer of a that leaves two gigabytes: half of it is one. Before it a gigabyte is live.
    let system = "accelerators 2; for 40; links 1 0.5; \
                  task a every 40 due 39 layers 1/- 4/4 quanta 4 sizes 1 10 20; \
                  task b every 40 at 3 due 9 layers 9/-; \
                  task c every 40 due 3 layers -/2";
    check(
        system,
        "edf granularity=layer preemption=quantum",
        "0 c0>1, a0>0 | 1 a0 at 1, a0>0 | 2 c0 done | 3 a0 at 1+2/4, b0>0, a0>1 from 5.5 | 7.5 a0 done | 12 b0 done",
    );
}

#[test]
fn a_move_counts_in_the_choice_unless_it_is_not_to() {
    // From the second layer on 4 here, or 3 there after a move of 1.5.
    let system = "accelerators 2; for 20; links 1 0.5; task a every 20 layers 2/9 4/3 sizes 1 10 1";
    check(system, "edf", "0 a0>0 | 2 a0 at 1, a0>0 | 6 a0 done");
    check(system, "edf count_switches=always", "0 a0>0 | 2 a0 at 1, a0>0 | 6 a0 done");
    check(system, "edf count_switches=never", "0 a0>0 | 2 a0 at 1, a0>1 from 3.5 | 6.5 a0 done");
    check(system, "edf placement=fastest", "0 a0>0 | 2 a0 at 1, a0>0 | 6 a0 done");
    // Without links switches count where they are to: the other accelerator saves 3 of 9, and a switch there takes 5.
    let switching =
        "accelerators 2; for 20; switch 5; task b every 20 layers 9/1; task a every 20 at 2 layers 9/6";
    check(switching, "edf", "0 b0>1 | 1 b0 done | 2 a0>1 from 7 | 13 a0 done");
    check(switching, "edf count_switches=always", "0 b0>1 | 1 b0 done | 2 a0>0 | 11 a0 done");
}

#[test]
fn a_job_roams_where_its_layers_and_moves_together_are_in_time() {
    // On accelerator 0 it takes 11. The second layer takes 2 on the other one, and a move 1.5 there and 1.5 back.
    let system = |due: &str| {
        format!(
            "accelerators 2; for 20; links 1 0.5; task a every 20 due {due} layers 2/9 7/2 2/9 sizes 1 10 10 1"
        )
    };
    let whole = "0 a0>0 | 2 a0 at 1, a0>0 | 9 a0 at 2, a0>0 | 11 a0 done";
    let roams = "0 a0>0 | 2 a0 at 1, a0>1 from 3.5 | 5.5 a0 at 2, a0>0 from 7 | 9 a0 done";
    let horizon = "horizon layer_energy=false split=false";
    check(&system("11"), horizon, whole);
    check(&system("10"), horizon, roams);
    check(&system("9"), horizon, roams);
    check(&system("9"), &format!("{horizon} roam=false"), "0 a0>0 | 2 a0 at 1, a0>0 | 9 a0 dropped");
}

#[test]
fn moves_are_counted_apart() {
    let system = ByHand::parse(FORCED).system();
    let (row, parameters) = policy("edf");
    let mut rows = Vec::new();
    let observer =
        (Metrics::new(&system, MetricsOptions::default()), JobRows::new(|job: &JobRow| rows.push(*job)));
    let options = RunOptions { end: EndOfRun::Drain, ..RunOptions::default() };
    let policy = row.build(&parameters).expect("its own");
    let (metrics, _) = simulate(&system, &row.name, policy, observer, options).expect("only legal decisions");
    let energy = metrics.summary().energy;
    // A gigabyte for a picojoule a byte, beside a microjoule and a half of layers.
    assert_eq!((energy.moves, energy.move_ms, energy.energy_move_pj), (1, 1.5, 1e9));
    assert_eq!(energy.energy_switch_pj, 0.0);
    assert_eq!(energy.energy_pj, 1e9 + 1e6 + 5e5);
    let moves = rows[0].moves;
    assert_eq!((moves.count, moves.energy.picojoules(), moves.time.picoseconds()), (1, 1e9, 1_500_000_000));
}

#[test]
fn a_drained_run_whose_moves_outlast_the_clock_fails_and_leaves_no_job_undecided() {
    let mut by_hand = ByHand::parse(FORCED);
    let endless =
        Link { bandwidth: Bandwidth::UNLIMITED, latency: Duration::MAX, pj_per_byte: 0.0, crossings: 1 };
    by_hand.platform.transfers = Some(Transfers::new(1, 2, |_, _| endless));
    let system = by_hand.system();
    let (row, parameters) = policy("edf");
    let run = |end| {
        let policy = row.build(&parameters).expect("its own");
        simulate(&system, &row.name, policy, (), RunOptions { end, ..RunOptions::default() })
    };
    let error = run(EndOfRun::Drain).expect_err("it never ends");
    assert_eq!(error, SimulationError::BeyondClock { runs: 1 });
    assert!(error.to_string().contains("213 days"), "{error}");
    run(EndOfRun::Cut).expect("what has not ended by the duration is in flight");
}
