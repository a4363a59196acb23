//! The throttle of the engine's contention rule beside the hardware's, cycle by cycle: what the rule leaves out of
//! registers, and how much that is on recorded traces and at a steady rate.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use crate::moca_cases;

use rtmm_hardware::{Bandwidth, Meter, Throttle};
use rtmm_reference::moca::Fixes;
use rtmm_reference::moca::case_file::{self, Case};
use rtmm_reference::moca::hardware_throttle::{Outcome, Request, Requests, run};
use rtmm_workload::Duration;
use rtmm_workload::input::Source;
use serde_json::Value;

/// Course of a trace: requests that were accepted, the cycle of the last one, pauses, and cycles in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Course {
    accepted: u64,
    last: u64,
    pauses: u64,
    paused: u64,
}

const CYCLE: Duration = Duration::from_picoseconds(1);

/// The rule's throttle on requests that are taken one a cycle while it does not pause. A picosecond stands for a cycle.
fn by_rule(trace: &[Requests], cycles: u64) -> Course {
    let each = |of: &Requests| {
        let of = *of;
        (0..of.count)
            .map(move |index| Request { offer_cycle: of.first.offer_cycle + index * of.step, ..of.first })
    };
    let mut offered = trace.iter().flat_map(each).peekable();
    let (mut course, mut meter, mut window) = (Course::default(), None::<Meter>, 1);
    let mut is_new = false;
    for cycle in 0..cycles {
        let was_paused = meter.is_some_and(|meter| meter.is_paused());
        course.paused += u64::from(was_paused);
        let taken = offered.next_if(|request| !was_paused && request.offer_cycle <= cycle);
        if let Some(request) = taken {
            (course.accepted, course.last) = (course.accepted + 1, cycle);
            // A setting comes with a marked request, and holds from the next one on.
            if is_new {
                window = u64::from(request.window);
                let half = Throttle::HALF_MILLIONTHS;
                let throttle = Throttle {
                    window: Duration::from_picoseconds(window),
                    overflow_millionths: half,
                    pause_millionths: half,
                };
                // Rows are counted in as many parts as a window has cycles, so that any threshold is a whole rate.
                let allowed = Bandwidth::from_bytes_per_window(request.threshold.into());
                meter = (window > 0).then(|| throttle.meter(allowed));
            }
            is_new = request.mark;
        }
        let rows = taken.map_or(0, |request| u64::from(request.rows));
        if let Some(meter) = &mut meter {
            meter.advance(Bandwidth::from_bytes_per_window(rows * window), CYCLE);
            course.pauses += u64::from(meter.is_paused() && !was_paused);
        }
    }
    course
}

fn by_hardware(outcome: &Outcome) -> Course {
    Course {
        accepted: outcome.accepted_requests,
        last: outcome.accepted.last().map_or(0, |run| run.start + run.length - 1),
        pauses: outcome.pauses.len() as u64,
        paused: outcome.stalled_cycles,
    }
}

/// Of each trace: its name, the course of the hardware, and that of the rule.
fn courses() -> Vec<(String, Course, Course)> {
    let traces: Vec<Value> = serde_json::from_str(&moca_cases::text("traces.json.gz")).expect("traces");
    let courses = traces.iter().map(|recorded| {
        let Ok(Case::Trace(case)) = case_file::read(&Source::new("case", recorded.to_string())) else {
            panic!("{} is no trace", recorded["trace"]);
        };
        let hardware = by_hardware(&run(&case.stream, case.cycles, &Fixes::default()));
        (case.name, hardware, by_rule(&case.stream, case.cycles))
    });
    courses.collect()
}

/// Windows are of 33 to 200 cycles, in which the cycles that hardware takes to see things count. It accepts some more
/// requests than the rule: those in the cycle after a window, and in the one between two pauses, which the rule has as one.
/// `threshold_zero` and `window_one` are settings that platforms cannot state.
#[test]
fn the_rule_beside_the_hardware_on_recorded_traces() {
    let table: Vec<String> = courses()
        .iter()
        .map(|(name, hardware, rule)| {
            let shown = |of: &Course| format!("{}/{}/{}/{}", of.accepted, of.last, of.pauses, of.paused);
            format!("{name}: {}, {}", shown(hardware), shown(rule))
        })
        .collect();
    let expected = [
        "off: 151/150/0/0, 151/150/0/0",
        "below: 251/500/0/0, 251/500/0/0",
        "full_rate: 828/1499/12/672, 769/1472/12/731",
        "wide_rows: 412/1173/9/788, 401/1062/4/799",
        "bursts: 754/2481/58/1746, 632/2499/19/1868",
        "credit_then_burst: 931/2099/0/0, 931/2099/0/0",
        "reconfigure: 1402/2415/9/1014, 1402/2494/8/1093",
        "reconfigure_lost: 1010/2499/24/1490, 961/2420/12/1539",
        "disable: 602/1305/12/704, 602/1369/4/768",
        "threshold_zero: 55/684/22/645, 31/30/1/669",
        "window_one: 801/800/0/0, 226/897/225/674",
        "random_1: 701/2205/5/496, 701/2200/5/496",
    ];
    assert_eq!(table, expected, "requests accepted, cycle of the last, pauses, cycles paused");
}

/// At a steady rate the hardware accepts some requests more for each of its pauses, however long windows are: the longer
/// they are, the smaller the part of the rate that this is.
#[test]
fn at_a_steady_rate_the_difference_is_some_cycles_a_pause() {
    let mut excess = Vec::new();
    for window in [64_u16, 512, 4_096] {
        for percent in [25_u64, 50, 75] {
            let threshold = (u64::from(window) * percent / 100) as u16;
            let request = Request { offer_cycle: 0, rows: 1, window, threshold, mark: true };
            let busy = Request { offer_cycle: 1, mark: false, ..request };
            let cycles = 240 * u64::from(window);
            let trace = [
                Requests { first: request, count: 1, step: 0 },
                Requests { first: busy, count: cycles, step: 1 },
            ];
            let hardware = by_hardware(&run(&trace, cycles, &Fixes::default()));
            let rule = by_rule(&trace, cycles);
            let more = hardware.accepted - rule.accepted;
            // And up to a window at the end, where the rule pauses and the hardware does not yet.
            let most = 5 * hardware.pauses + u64::from(window);
            assert!(more <= most, "{window} {percent}: {hardware:?}, {rule:?}");
            excess.push((1_000 * more).div_ceil(rule.accepted));
        }
    }
    // In thousandths of the rate, for thresholds of a quarter, a half and three quarters of the rows of a window.
    assert_eq!(excess, [113, 76, 43, 23, 11, 7, 5, 3, 2]);
}
