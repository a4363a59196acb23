//! The loop against the published program: every decision and every time, to the last bit.
//!
//! `golden/dysta/` holds thinned recordings; its README says from where and how. The directory that
//! `RTMM_DYSTA_REFERENCE` names is taken instead where the variable is set: whole traces in `traces/`,
//! whole recordings in `golden/`.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use crate::dysta_cases;

use dysta_cases::{Case, Digest, Goldens, Recorded, fnv1a64};
use rtmm_reference::dysta::{
    Generator, Outcome, Parameters, Policy, Predictor, RequestPlan, run, run_observed,
};

/// How recordings name a policy: `dysta@last_one`, say.
fn parameters(name: &str, case: &Case) -> Parameters {
    let (policy, predictor) = name.split_once('@').unwrap_or((name, "average_all"));
    Parameters {
        alpha: case.config.alpha,
        beta: case.config.beta,
        predictor: Predictor::of_name(predictor).expect("a predictor"),
        ..Parameters::of(Policy::of_name(policy).expect("a policy"))
    }
}

#[test]
fn every_decision_and_every_time_is_the_programs() {
    let goldens = Goldens::open();
    let (mut runs, mut requests) = (0, 0);
    for case in &goldens.cases {
        let tables = goldens.tables(&case.config);
        for (name, recorded) in &case.results {
            let place = format!("{} {name}", case.config.id);
            let mut decisions = Vec::new();
            let outcome = run_observed(&tables, &case.requests(), &parameters(name, case), |request| {
                decisions.push(request);
            })
            .expect("a run");
            compare(&place, &outcome, recorded);
            assert_eq!(decisions.len() as u64, recorded.decisions, "{place}");
            if let Some(first) = &recorded.first_decisions {
                assert_eq!(&decisions[..first.len()], first, "{place}");
            }
            (runs, requests) = (runs + 1, requests + outcome.jobs.len());
        }
    }
    assert_eq!((goldens.cases.len(), runs, requests), (11, 133, 92_300), "as the pages say");
    println!("{runs} runs, {requests} finish times: all equal");
}

fn compare(place: &str, outcome: &Outcome, recorded: &Recorded) {
    let counts = (outcome.decisions, outcome.switches, outcome.clock_rollbacks);
    assert_eq!(counts, (recorded.decisions, recorded.switches, recorded.clock_rollbacks), "{place}");
    let hash = format!("{:016x}", outcome.decision_fnv1a64);
    assert_eq!(hash, recorded.decision_fnv1a64, "{place}");
    assert_eq!(outcome.clock_rollback_total_s, recorded.clock_rollback_total_s, "{place}");
    let starts: Vec<f64> = outcome.jobs.iter().map(|job| job.start_s).collect();
    let finishes: Vec<f64> = outcome.jobs.iter().map(|job| job.finish_s).collect();
    match &recorded.digest {
        Digest::Whole { finish, first_start, finish_order } => {
            assert_eq!(&finishes, finish, "{place}");
            assert_eq!(&starts, first_start, "{place}");
            assert_eq!(&outcome.finish_order, finish_order, "{place}");
        }
        Digest::Thinned { every_20th, finish, first_start, finish_order } => {
            let thinned: Vec<f64> = finishes.iter().step_by(20).copied().collect();
            assert_eq!(&thinned, every_20th, "{place}");
            assert_eq!(&fnv1a64(finishes.iter().flat_map(|time| time.to_le_bytes())), finish, "{place}");
            assert_eq!(&fnv1a64(starts.iter().flat_map(|time| time.to_le_bytes())), first_start, "{place}");
            let order = outcome.finish_order.iter().flat_map(|index| (*index as u32).to_le_bytes());
            assert_eq!(&fnv1a64(order), finish_order, "{place}");
        }
    }
    let metrics = outcome.metrics();
    let metrics = [metrics.violation_rate, metrics.stp, metrics.antt];
    for (found, wanted) in metrics.into_iter().zip(recorded.metrics) {
        assert!((found - wanted).abs() <= 1e-9, "{place}: {found}, not {wanted}");
    }
    assert_eq!(metrics, recorded.metrics, "{place}: exactly");
}

#[test]
fn deadlines_and_isolated_latencies_are_the_programs() {
    let goldens = Goldens::open();
    for case in &goldens.cases {
        let tables = goldens.tables(&case.config);
        let of_files: Vec<f64> = tables.tables().iter().map(|table| table.file.isolated_latency_s).collect();
        let of_models: Vec<f64> =
            tables.tables().iter().map(|table| table.model_isolated_latency_s).collect();
        assert_eq!(of_files, case.isolated_s, "{}", case.config.id);
        assert_eq!(of_models, case.model_isolated_s, "{}", case.config.id);
    }
}

#[test]
fn drawn_requests_are_the_programs() {
    let goldens = Goldens::open();
    let mut requests = 0;
    for case in &goldens.cases {
        let tables = goldens.tables(&case.config);
        let drawn = Generator::new(case.config.seed).requests(&tables, &plan(case));
        for (index, (drawn, recorded)) in drawn.iter().zip(&case.requests()).enumerate() {
            assert_eq!(drawn, recorded, "{}, request {index}", case.config.id);
        }
        requests += drawn.len();
    }
    assert_eq!(requests, 7_300, "as the pages say");
}

fn plan(case: &Case) -> RequestPlan {
    RequestPlan {
        requests: case.config.num_requests,
        rate_per_s: case.config.arrival_rate,
        deadline_multiplier: case.config.slo_mult,
        all_samples: false,
    }
}

#[test]
fn a_second_table_goes_on_with_the_stream() {
    let goldens = Goldens::open();
    let case = &goldens.cases[0];
    let tables = goldens.tables(&case.config);
    let (mut one, mut two) = (Generator::new(1), Generator::new(1));
    let first = one.requests(&tables, &plan(case));
    assert_eq!(first, two.requests(&tables, &plan(case)));
    assert_ne!(first, one.requests(&tables, &plan(case)));
}

#[test]
fn isolated_latencies_do_not_depend_on_the_policy() {
    let goldens = Goldens::open();
    let case = &goldens.cases[1];
    let tables = goldens.tables(&case.config);
    let isolated = |policy| -> Vec<f64> {
        let outcome = run(&tables, &case.requests(), &Parameters::of(policy)).expect("a run");
        outcome.jobs.iter().map(|job| job.isolated_s).collect()
    };
    let fcfs = isolated(Policy::Fcfs);
    assert!(Policy::ALL.into_iter().all(|policy| isolated(policy) == fcfs));
}
