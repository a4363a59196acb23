//! Single rules of the XRBench loop, worked out by hand.
//!
//! Every case is a small scenario and the log that the rules lead to; `by_hand` says how to read it.

use crate::by_hand;

use rtmm_reference::ReferenceError;
use rtmm_reference::xrbench::{Fixes, Parameters, Runtime, TaskCosts};
use rtmm_workload::{
    Arrivals, Deadline, Dependency, DependencyKind, Duration, ModelId, Period, Phase, Scenario, Task, TaskId,
    Time,
};

use by_hand::{TaskOf, costs, milliseconds, scenario};

/// A change to a legal scenario, parameters, and what the refusal says.
type Refused<'r> = (&'r dyn Fn(&mut Scenario), Parameters, &'r str);

fn log(scenario: &Scenario, costs: &TaskCosts) -> Vec<String> {
    by_hand::log(scenario, costs, Fixes::default()).0
}

#[track_caller]
fn check(run_ms: u64, tasks: &[TaskOf<'_>], expected: &[&str]) {
    assert_eq!(log(&scenario(run_ms, tasks), &costs(tasks)), expected);
}

#[test]
fn overdue_heads_drop_and_ready_heads_start_in_alphabetical_order() {
    // Declared the other way round. At 25 ms the accelerator is free again: a1 and b1 are overdue,
    // a2 goes before b2. At 30 ms the last frames appear, and a2 is cut off while it runs.
    check(
        40,
        &[("b", 10, &[], &[1.0]), ("a", 10, &[], &[25.0])],
        &[
            "b0 seen 0 due 10: dropped at 20",
            "a0 seen 0 due 10: 0 from 0 to 25",
            "a1 seen 10 due 20: dropped at 25",
            "b1 seen 10 due 20: dropped at 25",
        ],
    );
}

#[test]
fn a_dependent_frame_starts_once_its_upstream_frame_is_complete() {
    check(
        30,
        &[("up", 10, &[], &[4.0]), ("down", 10, &["up"], &[1.0])],
        &[
            "up0 seen 0 due 10: 0 from 0 to 4",
            "down0 seen 0 due 10: 0 from 4 to 5",
            "up1 seen 10 due 20: 0 from 10 to 14",
            "down1 seen 10 due 20: 0 from 14 to 15",
        ],
    );
}

#[test]
fn after_one_upstream_drop_every_dependent_frame_waits_for_one_completion_too_many() {
    // up1 completes at 19 ms, and down1 could start; but that is one completion, and frame 1 asks
    // for two. The second comes at 24 ms, when down1 is overdue; so it goes on.
    check(
        50,
        &[("up", 10, &[], &[4.0]), ("down", 10, &["up"], &[1.0]), ("big", 50, &[], &[15.0])],
        &[
            "big0 seen 0 due 50: 0 from 0 to 15",
            "down0 seen 0 due 10: dropped at 15",
            "up0 seen 0 due 10: dropped at 15",
            "up1 seen 10 due 20: 0 from 15 to 19",
            "up2 seen 20 due 30: 0 from 20 to 24",
            "down1 seen 10 due 20: dropped at 24",
            "up3 seen 30 due 40: 0 from 30 to 34",
            "down2 seen 20 due 30: dropped at 34",
        ],
    );
}

#[test]
fn the_fastest_idle_accelerator_is_taken_and_the_first_of_equals() {
    // a: 1 and 2 are equal, so 1. b would be faster on 1, but that is busy: 2, without waiting.
    check(
        20,
        &[("a", 10, &[], &[8.0, 5.0, 5.0]), ("b", 10, &[], &[9.0, 2.0, 6.0])],
        &["a0 seen 0 due 10: 1 from 0 to 5", "b0 seen 0 due 10: 2 from 0 to 6"],
    );
}

#[test]
fn two_frames_of_one_task_may_run_at_once() {
    check(
        40,
        &[("a", 10, &[], &[15.0, 15.0])],
        &["a0 seen 0 due 10: 0 from 0 to 15", "a1 seen 10 due 20: 1 from 10 to 25"],
    );
}

#[test]
fn frames_are_noticed_at_ticks_of_the_fastest_task() {
    // c1 is due at 15 ms and seen at 20. It keeps its deadline.
    check(
        45,
        &[("a", 10, &[], &[1.0]), ("c", 15, &[], &[2.0])],
        &[
            "a0 seen 0 due 10: 0 from 0 to 1",
            "c0 seen 0 due 15: 0 from 1 to 3",
            "a1 seen 10 due 20: 0 from 10 to 11",
            "a2 seen 20 due 30: 0 from 20 to 21",
            "c1 seen 20 due 30: 0 from 21 to 23",
        ],
    );
}

#[test]
fn completions_up_to_a_hundredth_of_a_millisecond_ahead_are_retired() {
    // The event at 9.995 ms retires b0, which completes at 10 ms; d0 starts before that.
    check(
        40,
        &[("a", 20, &[], &[9.995, 99.0]), ("b", 20, &[], &[99.0, 10.0]), ("d", 20, &["b"], &[1.0, 2.0])],
        &[
            "a0 seen 0 due 20: 0 from 0 to 9.995",
            "b0 seen 0 due 20: 1 from 0 to 10",
            "d0 seen 0 due 20: 0 from 9.995 to 10.995",
        ],
    );
}

#[test]
fn the_event_that_generates_the_last_frame_ends_the_run() {
    // Frame 1 of a is dispatched by the last event and never logged. b has had its only frame
    // long before, which does not end the run.
    let tasks: [TaskOf<'_>; 2] = [("a", 10, &[], &[1.0]), ("b", 20, &[], &[2.0])];
    let runtime = Runtime::new(&scenario(29, &tasks), &costs(&tasks), &Parameters::default());
    let outcome = runtime.expect("a legal scenario").run(1, |_| {});
    let counts: Vec<[u32; 4]> = outcome
        .tasks
        .iter()
        .map(|task| [task.generated, task.requested, task.completed, task.logged])
        .collect();
    assert_eq!(counts, [[2, 2, 1, 1], [1, 1, 1, 1]]);
}

#[test]
fn each_event_draws_a_jitter_and_each_frame_a_trigger() {
    // srand(1) gives, as fractions: .84 .39 .78 .80 .91 .20 .34 .77 .28 .55
    // Event 0: jitter .84, trigger .39: a0. Event 1 (completion): jitter .78.
    // Event 10: jitter .80, trigger .91: none. Event 20: jitter .20, trigger .34: a2.
    // Event 21 (completion): jitter .77. Event 30: jitter .28, trigger .55: none.
    let tasks: [TaskOf<'_>; 1] = [("a", 10, &[], &[1.0])];
    let mut scenario = scenario(40, &tasks);
    scenario.tasks[0].trigger_probability = 0.5;
    assert_eq!(
        log(&scenario, &costs(&tasks)),
        ["a0 seen 0 due 10: 0 from 0 to 1", "a2 seen 20 due 30: 0 from 20 to 21"]
    );
}

#[test]
fn the_run_length_is_the_scenarios_unless_stated() {
    let tasks: [TaskOf<'_>; 1] = [("a", 16, &[], &[1.0])];
    let generated = |parameters| {
        let runtime = Runtime::new(&scenario(700, &tasks), &costs(&tasks), &parameters);
        runtime.expect("a legal scenario").run(1, |_| {}).tasks[0].generated
    };
    assert_eq!(generated(Parameters::default()), 43);
    assert_eq!(generated(Parameters { run_length_ms: Some(1_000), ..Parameters::default() }), 62);
}

#[test]
fn intervals_are_whole_milliseconds_of_the_rate() {
    // The published rates with their frames of a 700 ms run.
    for (rate_hz, frames) in [(60, 43), (45, 31), (30, 21), (15, 10), (10, 7), (3, 2), (1_000, 700)] {
        let tasks: [TaskOf<'_>; 1] = [("a", 1, &[], &[0.5])];
        let mut scenario = scenario(700, &tasks);
        let period = Period::from_rate(rate_hz, milliseconds(1_000)).expect("a rate");
        scenario.tasks[0] = Task::periodic("a", ModelId::new(0), period);
        let runtime = Runtime::new(&scenario, &costs(&tasks), &Parameters::default()).expect("legal");
        assert_eq!(runtime.run(1, |_| {}).tasks[0].generated, frames, "{rate_hz} Hz");
    }
}

#[test]
fn what_the_loop_cannot_express_is_refused() {
    let tasks: [TaskOf<'_>; 2] = [("a", 10, &[], &[1.0]), ("b", 20, &["a"], &[1.0])];
    let refusal = |change: &dyn Fn(&mut Scenario), parameters: Parameters| {
        let mut scenario = scenario(100, &tasks);
        change(&mut scenario);
        match Runtime::new(&scenario, &costs(&tasks), &parameters) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let standard = Parameters::default();
    let fast = Period::from_rate(1_001, milliseconds(1_000)).expect("a rate");
    let jittery = Arrivals::Periodic {
        period: Period::new(milliseconds(10)).expect("a period"),
        offset: Duration::ZERO,
        jitter: milliseconds(1),
    };
    let not_periodic = "task `b` does not arrive at a plain period: compat xrbench knows no jitter, offset or \
                        random arrivals, and no frames that follow another task's";
    let cases: [Refused<'_>; 11] = [
        (&|_| {}, standard, "accepted"),
        (&|scenario| scenario.tasks.clear(), standard, "the scenario has no tasks"),
        (
            &|scenario| scenario.tasks[0].deadline = Deadline::After(milliseconds(9)),
            standard,
            "task `a` has a deadline of 9ms and a period of 10ms: compat xrbench knows no deadline but the period",
        ),
        (
            &|scenario| scenario.tasks[1] = Task::periodic("b", ModelId::new(0), fast),
            standard,
            "task `b` is released every 999.000999us: compat xrbench counts whole milliseconds, at least 1",
        ),
        (
            &|scenario| scenario.tasks[0].depends_on = vec![Dependency::data(TaskId::new(2))],
            standard,
            "task `a` depends on task number 2, which the scenario does not have",
        ),
        (&|scenario| scenario.tasks[1].arrivals = jittery.clone(), standard, not_periodic),
        (&|scenario| scenario.tasks[1].arrivals = Arrivals::Follows, standard, not_periodic),
        (
            &|scenario| {
                scenario.tasks[1].depends_on[0].kind =
                    DependencyKind::Control { probability: 1.0, probability_after_exit: Vec::new() };
            },
            standard,
            "task `b` has a control dependency: compat xrbench knows only data dependencies",
        ),
        (
            &|scenario| {
                let name = "evening".to_owned();
                scenario.phases.push(Phase { name, start: Time::ZERO, arrivals: vec![None, None] });
            },
            standard,
            "the scenario has phases: compat xrbench knows none",
        ),
        (
            &|_| {},
            Parameters { run_length_ms: Some(0), ..standard },
            "a run of 0 ms: compat xrbench counts 1 to 16777216 whole milliseconds",
        ),
        (
            &|_| {},
            Parameters { k_per_ms: f32::INFINITY, ..standard },
            "parameter `k_per_ms` is inf: it must be finite and above zero",
        ),
    ];
    for (change, parameters, expected) in cases {
        assert_eq!(refusal(change, parameters), expected);
    }
    let refused = Runtime::new(&scenario(100, &tasks), &costs(&tasks[..1]), &standard).err();
    assert_eq!(refused, Some(ReferenceError::CostsDoNotFit { tasks: 2, rows: 1, accelerators: 1 }));
}
