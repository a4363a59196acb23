//! What each fix of the XRBench loop changes, worked out by hand.
//!
//! Every case is a small scenario with its log in the artifact's loop and with one fix; `by_hand`
//! says how to read a log.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use crate::by_hand;

use std::collections::BTreeSet;

use rtmm_hardware::Mode;
use rtmm_reference::xrbench::{FIXES, Fixes, JobEnd, Parameters, Runtime, TaskCosts};
use rtmm_workload::{Legality, ModelId, Period, Scenario, Task, TaskId};

use by_hand::{TaskOf, costs, log, milliseconds, scenario};

struct Case<'c> {
    fix: &'c str,
    run_ms: u64,
    tasks: &'c [TaskOf<'c>],
    adjust: fn(&mut Scenario),
    /// Log and overall score of the artifact.
    quirk: (&'c [&'c str], &'c str),
    /// The same with the fix; none where the log stays.
    fixed: (Option<&'c [&'c str]>, &'c str),
}

fn sixty_hertz(scenario: &mut Scenario) {
    let period = Period::from_rate(60, milliseconds(1_000)).expect("a rate");
    scenario.tasks[0] = Task::periodic("a", ModelId::new(0), period);
}

const CASES: &[Case<'_>] = &[
    // up0 is dropped. In the artifact up1 is then the first completion, and frame 1 asks for two.
    Case {
        fix: "frame-dependency",
        run_ms: 50,
        tasks: &[("up", 10, &[], &[4.0]), ("down", 10, &["up"], &[1.0]), ("big", 50, &[], &[15.0])],
        adjust: |_| {},
        quirk: (
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
            "52.08",
        ),
        fixed: (
            Some(&[
                "big0 seen 0 due 50: 0 from 0 to 15",
                "down0 seen 0 due 10: dropped at 15",
                "up0 seen 0 due 10: dropped at 15",
                "up1 seen 10 due 20: 0 from 15 to 19",
                "down1 seen 10 due 20: 0 from 19 to 20",
                "up2 seen 20 due 30: 0 from 20 to 24",
                "down2 seen 20 due 30: 0 from 24 to 25",
                "up3 seen 30 due 40: 0 from 30 to 34",
                "down3 seen 30 due 40: 0 from 34 to 35",
            ]),
            "67.71",
        ),
    },
    // up0 is dropped, and down0 with it, although it is not overdue. In the artifact the completion
    // of up1 lets it start.
    Case {
        fix: "drop-cascade",
        run_ms: 40,
        tasks: &[("up", 10, &[], &[4.0]), ("down", 20, &["up"], &[1.0]), ("big", 40, &[], &[15.0])],
        adjust: |_| {},
        quirk: (
            &[
                "big0 seen 0 due 40: 0 from 0 to 15",
                "up0 seen 0 due 10: dropped at 15",
                "up1 seen 10 due 20: 0 from 15 to 19",
                "down0 seen 0 due 20: 0 from 19 to 20",
                "up2 seen 20 due 30: 0 from 20 to 24",
                "down1 seen 20 due 40: 0 from 24 to 25",
            ],
            "73.15",
        ),
        fixed: (
            Some(&[
                "big0 seen 0 due 40: 0 from 0 to 15",
                "up0 seen 0 due 10: dropped at 15",
                "down0 seen 0 due 20: dropped at 15",
                "up1 seen 10 due 20: 0 from 15 to 19",
                "up2 seen 20 due 30: 0 from 20 to 24",
                "down1 seen 20 due 40: 0 from 24 to 25",
            ]),
            "56.48",
        ),
    },
    Case {
        fix: "own-releases",
        run_ms: 45,
        tasks: &[("a", 10, &[], &[1.0]), ("c", 15, &[], &[2.0])],
        adjust: |_| {},
        quirk: (
            &[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "c0 seen 0 due 15: 0 from 1 to 3",
                "a1 seen 10 due 20: 0 from 10 to 11",
                "a2 seen 20 due 30: 0 from 20 to 21",
                "c1 seen 20 due 30: 0 from 21 to 23",
            ],
            "100.00",
        ),
        fixed: (
            Some(&[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "c0 seen 0 due 15: 0 from 1 to 3",
                "a1 seen 10 due 20: 0 from 10 to 11",
                "c1 seen 15 due 30: 0 from 15 to 17",
                "a2 seen 20 due 30: 0 from 20 to 21",
            ]),
            "100.00",
        ),
    },
    // Three intervals of 16 ms fit 60 ms. At the exact rate four frames arrive before that, and
    // the last one ends the run.
    Case {
        fix: "exact-rates",
        run_ms: 60,
        tasks: &[("a", 1, &[], &[1.0])],
        adjust: sixty_hertz,
        quirk: (&["a0 seen 0 due 16: 0 from 0 to 1", "a1 seen 16 due 32: 0 from 16 to 17"], "100.00"),
        fixed: (
            Some(&[
                "a0 seen 0 due 16.667: 0 from 0 to 1",
                "a1 seen 16.667 due 33.333: 0 from 16.667 to 17.667",
                "a2 seen 33.333 due 50: 0 from 33.333 to 34.333",
            ]),
            "100.00",
        ),
    },
    // The last frame is generated at 30 ms; b1 and a3 complete after that.
    Case {
        fix: "whole-run",
        run_ms: 40,
        tasks: &[("a", 10, &[], &[1.0]), ("b", 20, &[], &[15.0])],
        adjust: |_| {},
        quirk: (
            &[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "b0 seen 0 due 20: 0 from 1 to 16",
                "a1 seen 10 due 20: 0 from 16 to 17",
                "a2 seen 20 due 30: 0 from 20 to 21",
            ],
            "100.00",
        ),
        fixed: (
            Some(&[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "b0 seen 0 due 20: 0 from 1 to 16",
                "a1 seen 10 due 20: 0 from 16 to 17",
                "a2 seen 20 due 30: 0 from 20 to 21",
                "b1 seen 20 due 40: 0 from 21 to 36",
                "a3 seen 30 due 40: 0 from 36 to 37",
            ]),
            "100.00",
        ),
    },
    // At the end, a3 waits and b1 runs; both are due by then.
    Case {
        fix: "whole-run",
        run_ms: 40,
        tasks: &[("a", 10, &[], &[1.0]), ("b", 20, &[], &[20.0])],
        adjust: |_| {},
        quirk: (
            &[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "b0 seen 0 due 20: 0 from 1 to 21",
                "a1 seen 10 due 20: dropped at 21",
                "a2 seen 20 due 30: 0 from 21 to 22",
            ],
            "22.22",
        ),
        fixed: (
            Some(&[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "b0 seen 0 due 20: 0 from 1 to 21",
                "a1 seen 10 due 20: dropped at 21",
                "a2 seen 20 due 30: 0 from 21 to 22",
                "a3 seen 30 due 40: dropped at 40",
                "b1 seen 20 due 40: dropped at 40",
            ]),
            "12.50",
        ),
    },
    // Two of three frames of a, none of b in time: 2/3 * 2/3 and 0, or 2/3 and 0.
    Case {
        fix: "single-penalty",
        run_ms: 40,
        tasks: &[("a", 10, &[], &[1.0]), ("b", 20, &[], &[20.0])],
        adjust: |_| {},
        quirk: (
            &[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "b0 seen 0 due 20: 0 from 1 to 21",
                "a1 seen 10 due 20: dropped at 21",
                "a2 seen 20 due 30: 0 from 21 to 22",
            ],
            "22.22",
        ),
        fixed: (None, "33.33"),
    },
    // z0 runs until after the end.
    Case {
        fix: "silent-tasks",
        run_ms: 40,
        tasks: &[("a", 10, &[], &[1.0, 99.0]), ("z", 40, &[], &[60.0, 60.0])],
        adjust: |_| {},
        quirk: (
            &[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "a1 seen 10 due 20: 0 from 10 to 11",
                "a2 seen 20 due 30: 0 from 20 to 21",
            ],
            "100.00",
        ),
        fixed: (None, "50.00"),
    },
    // At 12 ms d0 has waited since 0 ms, a1 since 10 ms. Whoever waits on is late.
    Case {
        fix: "oldest-first",
        run_ms: 40,
        tasks: &[("a", 10, &[], &[6.0]), ("c", 20, &[], &[6.0]), ("d", 20, &[], &[6.0])],
        adjust: |_| {},
        quirk: (
            &[
                "a0 seen 0 due 10: 0 from 0 to 6",
                "c0 seen 0 due 20: 0 from 6 to 12",
                "a1 seen 10 due 20: 0 from 12 to 18",
                "d0 seen 0 due 20: 0 from 18 to 24",
                "a2 seen 20 due 30: 0 from 24 to 30",
            ],
            "61.11",
        ),
        fixed: (
            Some(&[
                "a0 seen 0 due 10: 0 from 0 to 6",
                "c0 seen 0 due 20: 0 from 6 to 12",
                "d0 seen 0 due 20: 0 from 12 to 18",
                "a1 seen 10 due 20: 0 from 18 to 24",
                "a2 seen 20 due 30: 0 from 24 to 30",
            ]),
            "83.33",
        ),
    },
    // Heads of equal age start in the order of declaration.
    Case {
        fix: "oldest-first",
        run_ms: 40,
        tasks: &[("c", 20, &[], &[12.0]), ("a", 10, &[], &[4.0])],
        adjust: |_| {},
        quirk: (
            &[
                "a0 seen 0 due 10: 0 from 0 to 4",
                "c0 seen 0 due 20: 0 from 4 to 16",
                "a1 seen 10 due 20: 0 from 16 to 20",
                "a2 seen 20 due 30: 0 from 20 to 24",
            ],
            "91.67",
        ),
        fixed: (
            Some(&[
                "c0 seen 0 due 20: 0 from 0 to 12",
                "a0 seen 0 due 10: dropped at 12",
                "a1 seen 10 due 20: 0 from 12 to 16",
            ]),
            "62.50",
        ),
    },
    // b0 completes 0.005 ms after a1 is released. In the artifact a1 starts before that, and the event
    // that ends the run still sees b1.
    Case {
        fix: "exact-retirement",
        run_ms: 40,
        tasks: &[("a", 10, &[], &[1.0]), ("b", 20, &[], &[9.005])],
        adjust: |_| {},
        quirk: (
            &[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "b0 seen 0 due 20: 0 from 1 to 10.005",
                "a1 seen 10 due 20: 0 from 10 to 11",
                "a2 seen 20 due 30: 0 from 20 to 21",
                "b1 seen 20 due 40: 0 from 21 to 30.005",
            ],
            "100.00",
        ),
        fixed: (
            Some(&[
                "a0 seen 0 due 10: 0 from 0 to 1",
                "b0 seen 0 due 20: 0 from 1 to 10.005",
                "a1 seen 10 due 20: 0 from 10.005 to 11.005",
                "a2 seen 20 due 30: 0 from 20 to 21",
            ]),
            "100.00",
        ),
    },
];

#[test]
fn each_fix_changes_its_rule() {
    for case in CASES {
        let row = FIXES.iter().find(|row| row.name == case.fix).expect("a fix");
        let mut scenario = scenario(case.run_ms, case.tasks);
        (case.adjust)(&mut scenario);
        let check = |fixes, (expected, score): (&[&str], &str)| {
            let (log, outcome) = log(&scenario, &costs(case.tasks), fixes);
            assert_eq!(log, expected, "{}", case.fix);
            assert_eq!(format!("{:.2}", outcome.overall_score), score, "{}", case.fix);
        };
        check(Fixes::default(), case.quirk);
        check(Fixes::only(row), (case.fixed.0.unwrap_or(case.quirk.0), case.fixed.1));
    }
    let tested: BTreeSet<&str> = CASES.iter().map(|case| case.fix).collect();
    assert_eq!(tested, FIXES.iter().map(|row| row.name).collect(), "every fix has a case");
}

#[test]
fn frames_due_after_the_run_count_only_where_they_are_complete() {
    // a2 arrives at 40 ms and is due at 60, z0 is due at 70. The artifact's run of 50 ms has
    // neither frame.
    let tasks: [TaskOf<'_>; 2] = [("a", 20, &[], &[15.0, 99.0]), ("z", 70, &[], &[99.0, 99.0])];
    let fixes = Fixes { exact_rates: true, whole_run: true, silent_tasks: true, ..Fixes::default() };
    let (rows, outcome) = log(&scenario(50, &tasks), &costs(&tasks), fixes);
    assert_eq!(rows, ["a0 seen 0 due 20: 0 from 0 to 15", "a1 seen 20 due 40: 0 from 20 to 35"]);
    let counts: Vec<[u32; 2]> = outcome.tasks.iter().map(|task| [task.requested, task.logged]).collect();
    assert_eq!(counts, [[3, 2], [1, 0]]);
    assert_eq!(format!("{:.2}", outcome.overall_score), "100.00");

    let tasks: [TaskOf<'_>; 1] = [("a", 20, &[], &[9.0])];
    let (rows, _) = log(&scenario(50, &tasks), &costs(&tasks), fixes);
    assert_eq!(rows.last().map(String::as_str), Some("a2 seen 40 due 60: 0 from 40 to 49"));
}

#[test]
fn a_cascade_goes_on_to_the_next_task() {
    // At 15 ms up0 is dropped. mid waits for it, and end for mid; neither is due before 40 ms.
    let tasks: [TaskOf<'_>; 4] = [
        ("up", 10, &[], &[4.0]),
        ("mid", 40, &["up"], &[1.0]),
        ("end", 40, &["mid"], &[1.0]),
        ("big", 40, &[], &[15.0]),
    ];
    let fixes = Fixes { drop_cascade: true, ..Fixes::default() };
    let (rows, _) = log(&scenario(40, &tasks), &costs(&tasks), fixes);
    assert_eq!(
        rows[1..4],
        [
            "up0 seen 0 due 10: dropped at 15",
            "mid0 seen 0 due 40: dropped at 15",
            "end0 seen 0 due 40: dropped at 15"
        ]
    );
}

#[test]
fn triggers_may_be_decided_by_the_caller() {
    let tasks: [TaskOf<'_>; 1] = [("a", 10, &[], &[1.0])];
    let runtime = Runtime::new(&scenario(40, &tasks), &costs(&tasks), &Parameters::default());
    let mut completed = Vec::new();
    let outcome = runtime.expect("a legal scenario").run_where(
        |_, frame| frame % 2 == 1,
        |row| {
            if let JobEnd::Completed { .. } = row.end {
                completed.push(row.frame);
            }
        },
    );
    // Frame 3 ends the run.
    assert_eq!((completed, outcome.tasks[0].requested), (vec![1], 2));
}

#[test]
fn a_run_without_fixes_is_the_artifacts() {
    for case in CASES {
        let scenario = scenario(case.run_ms, case.tasks);
        let (costs, parameters) = (costs(case.tasks), Parameters::default());
        let published = Runtime::new(&scenario, &costs, &parameters).expect("a legal scenario");
        let unfixed = Runtime::with_fixes(&scenario, &costs, &parameters, Fixes::default());
        assert_eq!(published.run(1, |_| {}), unfixed.expect("a legal scenario").run(1, |_| {}));
    }
}

/// A scenario and a platform, whether uncertain frames are triggered, a fix, and for some tasks
/// completed, late and dropped frames without and with it.
type Example<'e> = (&'e str, &'e str, bool, &'e str, &'e [(&'e str, [u32; 3], [u32; 3])]);

/// What `docs/fidelity.md` says of single runs.
#[test]
fn the_examples_of_the_docs_hold() {
    let examples: [Example<'_>; 6] = [
        (
            "xrbench/vr_gaming",
            "xrbench/single_4k_os",
            true,
            "frame-dependency",
            &[
                ("GE_FBNet_C", [1, 0, 40], [29, 17, 12]),
                ("ES_RITNet", [35, 2, 7], [30, 0, 12]),
                ("HT_hand_graph_cnn_half", [30, 20, 0], [12, 11, 18]),
            ],
        ),
        (
            "xrbench/vr_gaming",
            "xrbench/dual_8k_littlebig_os_os",
            true,
            "own-releases",
            &[("GE_FBNet_C", [41, 21, 0], [42, 0, 0]), ("HT_hand_graph_cnn_half", [30, 16, 0], [30, 0, 0])],
        ),
        (
            "xrbench/outdoor_activity_a",
            "xrbench/dual_8k_biglittle_rs_rs",
            false,
            "own-releases",
            &[("SS_HRViT_b1", [6, 0, 0], [6, 2, 0]), ("OD_D2go_FasterRCNN", [20, 0, 0], [18, 2, 2])],
        ),
        (
            "xrbench/social_interaction_b",
            "xrbench/quad_8k_os_os_os_os",
            true,
            "exact-rates",
            &[("GE_FBNet_C", [41, 41, 0], [41, 0, 0])],
        ),
        (
            "xrbench/ar_assistant",
            "xrbench/dual_4k_os_os",
            true,
            "whole-run",
            &[("KD_res8_narrow", [1, 0, 0], [1, 0, 1])],
        ),
        (
            "xrbench/ar_assistant",
            "xrbench/dual_8k_biglittle_rs_rs",
            true,
            "oldest-first",
            &[("SS_HRViT_b1", [0, 0, 6], [6, 6, 0]), ("DE_midas_v21_small", [19, 8, 0], [4, 4, 15])],
        ),
    ];
    for (scenario, platform, triggered, fix, tasks) in examples {
        let workload = rtmm_workload::load::workload(scenario, None, Legality::Published).expect("built in");
        let platform = rtmm_hardware::load::platform(platform, None, Mode::Reference).expect("built in");
        let costs = TaskCosts::of(&workload, &platform).expect("costs");
        let counts = |fixes| {
            let runtime = Runtime::with_fixes(&workload.scenario, &costs, &Parameters::default(), fixes)
                .expect("legal");
            let certain = |task: TaskId| workload.scenario.tasks[task.index()].trigger_probability >= 1.0;
            let mut late = vec![0; workload.scenario.tasks.len()];
            let outcome = runtime.run_where(
                |task, _| triggered || certain(task),
                |row| {
                    if let JobEnd::Completed { completed_ms, .. } = row.end {
                        late[row.task.index()] += u32::from(completed_ms > row.deadline_ms);
                    }
                },
            );
            let of = |name: &str| {
                let task = workload.scenario.tasks.iter().position(|task| task.name == name).expect("a task");
                [outcome.tasks[task].completed, late[task], outcome.tasks[task].dropped]
            };
            tasks.iter().map(|(name, ..)| of(name)).collect::<Vec<_>>()
        };
        let row = FIXES.iter().find(|row| row.name == fix).expect("a fix");
        let (quirk, fixed): (Vec<_>, Vec<_>) = tasks.iter().map(|(_, quirk, fixed)| (*quirk, *fixed)).unzip();
        assert_eq!(
            (counts(Fixes::default()), counts(Fixes::only(row))),
            (quirk, fixed),
            "{fix} in {scenario}"
        );
    }
}
