//! What each fix changes on recorded workloads: the table of `docs/models/dysta-reference.md`.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use crate::dysta_cases;

use dysta_cases::{Case, Goldens};
use rtmm_reference::dysta::{
    FIXES, Fixes, Generator, Metrics, Parameters, Policy, Predictor, Request, RequestPlan, run,
};

const PAGE: &str = include_str!("../../../docs/models/dysta-reference.md");

fn metrics(goldens: &Goldens, case: &Case, policy: Policy, predictor: Predictor, fixes: Fixes) -> Metrics {
    let tables = goldens.tables(&case.config);
    let requests: Vec<Request> = if fixes.all_samples {
        let plan = RequestPlan {
            requests: case.config.num_requests,
            rate_per_s: case.config.arrival_rate,
            deadline_multiplier: case.config.slo_mult,
            all_samples: true,
        };
        Generator::new(case.config.seed).requests(&tables, &plan)
    } else {
        case.requests()
    };
    let parameters = Parameters { predictor, fixes, ..Parameters::of(policy) };
    run(&tables, &requests, &parameters).expect("a run").metrics()
}

/// Samples beyond the seventh are drawn on attention traces only: those are here as a whole.
#[test]
fn the_page_states_what_the_fixes_change() {
    let goldens = Goldens::open();
    let average = Predictor::AverageAll;
    let rows = [
        ("all-samples", "attnn_r55_slo10_s1", Policy::Fcfs, average),
        ("monotonic-clock", "attnn_r40_slo10_s2", Policy::Dysta, average),
        ("own-gamma", "attnn_r55_slo10_s1", Policy::PremaSparse, average),
        ("plain-maximum", "cnn28_r4_slo5_s3", Policy::Planaria, average),
        ("divide-by-count", "attnn_r55_slo10_s1", Policy::Dysta, Predictor::LastN),
    ];
    assert_eq!(rows.len(), FIXES.len());
    let mut missing = Vec::new();
    for (fix, (name, id, policy, predictor)) in FIXES.iter().zip(rows) {
        assert_eq!(fix.name, name);
        let case = goldens.cases.iter().find(|case| case.config.id == id).expect("a case");
        let of = |fixes| {
            let found = metrics(&goldens, case, policy, predictor, fixes);
            format!("{:.3} | {:.3}", found.violation_rate, found.antt)
        };
        let (quirk, fixed) = (of(Fixes::default()), of(Fixes::only(fix)));
        let row = format!("| `{name}` | `{id}` | {} | {quirk} | {fixed} |", policy.name());
        if !PAGE.contains(&row) {
            missing.push(row);
        }
    }
    assert!(missing.is_empty(), "the page lacks\n{}", missing.join("\n"));
}
