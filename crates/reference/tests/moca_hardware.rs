//! The hardware throttle against recorded traces: every cycle.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

mod moca_cases;

use rtmm_reference::moca::Fixes;
use rtmm_reference::moca::case_file::{self, Case};
use rtmm_reference::moca::hardware_throttle::{Outcome, Run, run};
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
