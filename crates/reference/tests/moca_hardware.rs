//! The hardware throttle against recorded traces: every cycle.
//!
//! `RTMM_CASES` sets the number of random traces.

use crate::moca_cases;

use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_reference::moca::Fixes;
use rtmm_reference::moca::case_file::{self, Case};
use rtmm_reference::moca::hardware_throttle::{Outcome, Request, Requests, Run, State, run, run_literally};
use rtmm_testkit::cases::at_least;
use rtmm_workload::input::Source;
use serde_json::{Value, json};

fn shown(outcome: &Outcome) -> Value {
    let runs = |runs: &[Run]| runs.iter().map(|run| json!([run.start, run.length])).collect::<Vec<_>>();
    let registers = &outcome.registers;
    json!({
        "accepted": runs(&outcome.accepted),
        "stalls": runs(&outcome.stalls),
        "pauses": outcome.pauses.iter().map(|pause| json!([pause.cycle, pause.overflow_before, pause.length, pause.overflow_after])).collect::<Vec<_>>(),
        "final": {
            "state": registers.state,
            "counter": registers.counter,
            "loads": registers.loads,
            "overflow": registers.overflow,
            "window": registers.window,
            "threshold": registers.threshold,
            "accepted": outcome.accepted_requests,
            "stalled_cycles": outcome.stalled_cycles,
        },
    })
}

#[test]
fn every_recorded_trace_is_reproduced() {
    let traces: Vec<Value> = serde_json::from_str(&moca_cases::text("traces.json.gz")).expect("traces");
    for recorded in &traces {
        let Ok(Case::Trace(case)) = case_file::read(&Source::new("case", recorded.to_string())) else {
            panic!("{} is no trace", recorded["trace"]);
        };
        assert_eq!(
            shown(&run(&case.stream, case.cycles, &Fixes::default())),
            recorded["expect"],
            "{}",
            case.name
        );
    }
    assert_eq!(traces.len(), 12, "as the page says");
}

/// Random requests: bursts, gaps, new settings with and without their mark.
fn random_trace(random: &mut MersenneTwister) -> Vec<Requests> {
    let mut cycle = 0;
    let mut setting = (50, 30);
    (0..2 + random.below(30))
        .map(|index| {
            let is_new = index == 0 || random.below(5) == 0;
            if is_new {
                let window = [0, 1, 2, 3, 7, 64, 1_000, 65_535][random.below(8) as usize];
                let threshold = [0, 1, 2, 5, 40, 300, 65_535][random.below(7) as usize];
                setting = (window, threshold);
            }
            let first = Request {
                offer_cycle: cycle,
                rows: [1, 2, 4][random.below(3) as usize],
                window: setting.0,
                threshold: setting.1,
                mark: is_new && random.below(4) != 0,
            };
            let (count, step) = if first.mark { (1, 0) } else { (1 + random.below(400), random.below(9)) };
            let gap = [0, 1, 30, 900, 200_000][random.below(5) as usize];
            cycle += u64::from(count * step) + gap;
            Requests { first, count: count.into(), step: step.into() }
        })
        .collect()
}

/// The form that skips idle cycles is the literal one, with the quirks and without.
#[test]
fn skipping_idle_cycles_changes_nothing() {
    let random = &mut MersenneTwister::new(12);
    for case in 0..at_least(60) {
        let trace = random_trace(random);
        let cycles = trace.last().map_or(0, |last| last.first.offer_cycle) + 5_000;
        for fixes in [Fixes::default(), Fixes::all()] {
            assert_eq!(
                run(&trace, cycles, &fixes),
                run_literally(&trace, cycles, &fixes),
                "case {case}: {trace:?}"
            );
        }
    }
}

/// Quiet windows are no work, until the overflow leaves its 25 bits and the throttle takes it for a burst.
#[test]
fn an_idle_throttle_wraps_after_a_quiet_while() {
    let setting = Request { offer_cycle: 0, rows: 1, window: 1_000, threshold: 1_000, mark: true };
    let next = Requests { first: Request { mark: false, ..setting }, count: 1, step: 0 };
    let trace = [Requests { first: setting, count: 1, step: 0 }, next];
    // 16,777 windows of 1,000 fit 24 bits below zero.
    let quiet = run(&trace, 16_777_000, &Fixes::default());
    assert_eq!((quiet.pauses.len(), quiet.accepted_requests), (0, 2));
    let wrapped = run(&trace, 16_780_000, &Fixes::default());
    let first = wrapped.pauses[0];
    assert_eq!(
        (wrapped.pauses.len(), first.length, first.overflow_before),
        (2, 1_000, (1 << 25) - 16_778_000 + 2)
    );
    let fixed = run(&trace, 1_000_000_000, &Fixes { no_credit: true, ..Fixes::default() });
    assert_eq!((fixed.pauses.len(), fixed.registers.overflow), (0, 0));
}

fn one(offer_cycle: u64, rows: u8, window: u16, threshold: u16, mark: bool) -> Requests {
    let first = Request { offer_cycle, rows, window, threshold, mark };
    Requests { first, count: 1, step: 0 }
}

/// Without a mark the old setting stays in force; with it the counter goes on where it was.
#[test]
fn a_setting_without_its_mark_is_lost() {
    let lost = run(
        &[one(0, 1, 50, 30, true), one(1, 1, 50, 30, false), one(20, 1, 90, 7, false)],
        60,
        &Fixes::default(),
    );
    assert_eq!((lost.registers.window, lost.registers.threshold), (50, 30));
    // A marked request holds the throttle in reset until the next one is accepted.
    let held = run(&[one(0, 1, 50, 30, true)], 60, &Fixes::default());
    assert_eq!((held.registers.state, held.registers.window), (State::Reset, 50));
    let taken = [
        one(0, 1, 50, 30, true),
        one(1, 1, 50, 30, false),
        one(20, 1, 90, 7, true),
        one(30, 1, 90, 7, false),
    ];
    let taken = run(&taken, 40, &Fixes::default());
    assert_eq!((taken.registers.window, taken.registers.state), (90, State::Watch));
}

/// Rows that go out in the last cycle of a window are not counted; the fix counts them.
#[test]
fn the_last_cycle_of_a_window_is_not_counted() {
    let busy = Requests {
        first: Request { offer_cycle: 1, rows: 4, window: 10, threshold: 36, mark: false },
        count: 400,
        step: 1,
    };
    let trace = [one(0, 4, 10, 36, true), busy];
    // Nine of ten cycles are 36 rows a window: never above the threshold.
    assert_eq!(run(&trace, 300, &Fixes::default()).pauses.len(), 0);
    assert_ne!(run(&trace, 300, &Fixes { counted_last_cycle: true, ..Fixes::default() }).pauses.len(), 0);
}
