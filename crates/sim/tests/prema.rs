//! PREMA's time multiplexing, worked by hand: what each preemption mechanism costs, and when the dynamic choice takes which.
//!
//! `by_hand` says how systems and schedules are written. Times are milliseconds. A size of 1 is a hundred megabytes, which
//! move in 0.1 for a tenth of a millijoule.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use rtmm_hardware::Energy;
use rtmm_scheduler::registry;
use rtmm_sim::{JobRecord, Observer, RunOptions, SimulationError};
use rtmm_testkit::by_hand::{ByHand, check, check_seed};
use rtmm_testkit::simulate;
use rtmm_workload::Time;

/// One layer of 8 in steps of 2, which reads 10 and puts out 20; at 3 a short job of high priority comes.
const LONG_AND_SHORT: &str = "
    moves 1
    task a comes 0 due 50 priority 1 quanta 4 layers 8 sizes 10 20
    task b comes 3 due 50 priority 9 layers 1 sizes 1 1";

/// Energies of each job, in millijoules: of its layers, and of all that was moved for it.
#[derive(Clone, Debug, Default)]
struct Energies(Vec<(String, f64, f64)>);

impl Observer for Energies {
    fn completed(&mut self, _: Time, record: &JobRecord<'_>) {
        let name = ["a", "b"][record.job.task.index()];
        let millijoules = |energy: Energy| energy.picojoules() / 1e9;
        let (layers, moved) = (millijoules(record.energy.total()), millijoules(record.switch_energy));
        self.0.push((name.to_owned(), layers, moved));
    }
}

fn run(text: &str, mechanism: &str) -> Result<Energies, SimulationError> {
    let row = registry::policy("prema").expect("it is built in");
    let mut parameters = row.defaults();
    parameters.set_text("preemption_mechanism", mechanism).expect("a word");
    let policy = row.build(&parameters).expect("these values are allowed");
    simulate(&ByHand::parse(text).system(), "prema", policy, Energies::default(), RunOptions::default())
}

#[track_caller]
fn check_energies(mechanism: &str, expected: &[(&str, f64, f64)]) {
    let found = run(LONG_AND_SHORT, mechanism).expect("it runs").0;
    assert_eq!(found.len(), expected.len());
    for ((name, layers, moved), (expected_name, of_layers, of_moves)) in found.iter().zip(expected) {
        let is_near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert!(
            name == expected_name && is_near(*layers, *of_layers) && is_near(*moved, *of_moves),
            "{mechanism}: {found:?}"
        );
    }
}

#[test]
fn drain_lets_the_running_segment_end() {
    // 3: b0 comes and waits. 8: a0 is done.
    check(
        LONG_AND_SHORT,
        "prema preemption_mechanism=drain",
        "0 a0>0 | 8 a0 done, b0>0 from 10.1 | 11.1 b0 done",
    );
    // A microjoule for each layer; before b0 all 20 of a's output make room for its input of 1.
    check_energies("drain", &[("a", 1e-3, 0.0), ("b", 1e-3, 2.1)]);
    // A segment is what is dispatched at once: the layer, or the network.
    let two = "task a comes 0 due 50 priority 1 layers 4 4; task b comes 3 due 50 priority 9 layers 1";
    check(two, "prema preemption_mechanism=drain", "0 a0>0 | 4 a0 at 1, b0>0 | 5 b0 done, a0>0 | 9 a0 done");
    check(two, "prema preemption_mechanism=drain granularity=model", "0 a0>0 | 8 a0 done, b0>0 | 9 b0 done");
}

#[test]
fn a_checkpoint_writes_what_is_computed_and_reads_it_again() {
    // 3: b0 has a token of 9, which is the threshold, a0 one of 1.
    // 4: two of four tiles are done: 10 of 20 are written, which takes 1, and nothing else of a0 has to make room for b0's
    //    input of 1.
    // 6.1: a0 goes on: b0's output of 1, its layer's input of 10 and the 10 that were written take 2.1. Then two tiles are
    //    left.
    check(
        LONG_AND_SHORT,
        "prema preemption_mechanism=checkpoint",
        "0 a0>0 | 4 a0 at 0+2/4, b0>0 from 5.1 | 6.1 b0 done, a0>0 from 8.2 | 12.2 a0 done",
    );
    // a0 pays for 10 written, 10 read again, and a context switch of 11; b0 for its input.
    check_energies("checkpoint", &[("b", 1e-3, 0.1), ("a", 1e-3, 3.1)]);
}

#[test]
fn nothing_is_written_between_layers() {
    // 4: the first layer, which has no tiles, is done. a0 has no context: only the context switch moves its output of 6 and
    //    b0's input of 1. 5.7: 1 and 6 are moved for a0.
    check(
        "moves 1
         task a comes 0 due 50 priority 1 layers 4 4 sizes 3 6 3
         task b comes 3 due 50 priority 9 layers 1 sizes 1 1",
        "prema preemption_mechanism=checkpoint granularity=model",
        "0 a0>0 | 4 a0 at 1, b0>0 from 4.7 | 5.7 b0 done, a0>0 from 6.4 | 10.4 a0 done",
    );
}

#[test]
fn a_context_is_written_before_the_same_network_goes_on_with_another_job() {
    // Both jobs are of one network, so that no context switch is paid. By this seed a0 has priority 1, a1 has 9.
    // 1: the threshold is 9, which a0 does not reach. 2: one of four tiles is done: 5 are written to 2.5. 10.5: a1 is done;
    //    the 5 are read to 11; three tiles are left.
    check_seed(
        "moves 1; task a comes 0 1 due 50 draws 1 9 quanta 4 layers 8 sizes 10 20",
        "prema preemption_mechanism=checkpoint",
        3,
        "0 a0>0 | 2 a0 at 0+1/4, a1>0 from 2.5 | 10.5 a1 done, a0>0 from 11 | 17 a0 done",
    );
}

#[test]
fn kill_loses_the_layer_and_moves_nothing() {
    // 4: the two tiles that are done are lost, and nothing of them is moved. 5.1: b0's output of 1 makes room, a0 reads its
    //    input again, and does all of its layer.
    check(
        LONG_AND_SHORT,
        "prema preemption_mechanism=kill",
        "0 a0>0 | 4 a0 at 0, b0>0 from 4.1 | 5.1 b0 done, a0>0 from 6.2 | 14.2 a0 done",
    );
    // Half of the layer was spent for nothing.
    check_energies("kill", &[("b", 1e-3, 0.1), ("a", 1.5e-3, 1.1)]);
    // What is complete stays: only the second layer is begun anew.
    check(
        "task a comes 0 due 50 priority 1 quanta 2 layers 2 4; task b comes 3 due 50 priority 9 layers 1",
        "prema preemption_mechanism=kill granularity=model",
        "0 a0>0 | 4 a0 at 1, b0>0 | 5 b0 done, a0>0 | 9 a0 done",
    );
}

#[test]
fn the_dynamic_choice_takes_what_costs_the_array_less() {
    // b0 would slow a0 down by 1 / 8, a0 slows b0 down by 4 / 1: it is preempted. Writing 10 and reading them takes 2,
    // doing two tiles again 4.
    check(
        LONG_AND_SHORT,
        "prema preemption_mechanism=dynamic",
        "0 a0>0 | 4 a0 at 0+2/4, b0>0 from 5.1 | 6.1 b0 done, a0>0 from 8.2 | 12.2 a0 done",
    );
    // Of an output of 50, 25 there and back would take 5.
    check(
        &LONG_AND_SHORT.replace("sizes 10 20", "sizes 10 50"),
        "prema preemption_mechanism=dynamic",
        "0 a0>0 | 4 a0 at 0, b0>0 from 4.1 | 5.1 b0 done, a0>0 from 6.2 | 14.2 a0 done",
    );
}

/// Sixteen tiles of 1. b0 is longer than what is left of a0 when it comes, and its token is below 3.
const LONGER: &str = "
    for 60; moves 1
    task a comes 0 due 50 priority 1 quanta 16 layers 16 sizes 8 8
    task b comes 4.5 due 50 priority 2 layers 12 sizes 1 1";

#[test]
fn decisions_at_a_period_see_tokens_grow() {
    // 4.5: the threshold is 1, and b0 is longer than the 11 that a0 has left at 5: it waits.
    // 5 to 8: it is credited 2 x 0.5 / 12, 2 x 1.5 / 12 and so on: 2.75 at 7, 3.33 at 8. The threshold is 3, and a0 has 1:
    //    it stops with eight tiles done. 4 of 8 are written to 8.4, and b0's input is read. It is done before a0, whose token
    //    grows to 3.25 by 16, is the shorter one.
    // 20.5: b0's output of 1 makes room, and a0 reads 8 and 4, to 21.8.
    check(
        LONGER,
        "prema preemption_mechanism=checkpoint scheduling_period=1ms",
        "0 a0>0 | 8 a0 at 0+8/16, b0>0 from 8.5 | 20.5 b0 done, a0>0 from 21.8 | 29.8 a0 done",
    );
    // Without a period nothing happens before a0 is done.
    check(
        LONGER,
        "prema preemption_mechanism=checkpoint scheduling_period=0ms",
        "0 a0>0 | 16 a0 done, b0>0 from 16.9 | 28.9 b0 done",
    );
}

#[test]
fn the_dynamic_choice_drains_what_would_be_slowed_down_more() {
    // 8: b0 would slow a0 down by 12 / 16, a0 slows b0 down by 8 / 12, and less and less after that.
    check(
        LONGER,
        "prema preemption_mechanism=dynamic scheduling_period=1ms",
        "0 a0>0 | 16 a0 done, b0>0 from 16.9 | 28.9 b0 done",
    );
}

#[test]
fn contexts_need_a_bandwidth() {
    let text = LONG_AND_SHORT.replace("moves 1", "");
    for mechanism in ["checkpoint", "dynamic"] {
        match run(&text, mechanism) {
            Err(SimulationError::PolicyFailed { error, .. }) => {
                assert!(error.to_string().contains("no bandwidth for those of accelerator 0"), "{error}");
            }
            other => panic!("{mechanism}: {other:?}"),
        }
    }
    for mechanism in ["none", "drain", "kill"] {
        assert_eq!(run(&text, mechanism).expect("it runs").0.len(), 2, "{mechanism}");
    }
}
