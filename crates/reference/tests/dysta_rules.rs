//! Single rules of the loop, worked out by hand: with the quirk and with its fix.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_reference::dysta::{
    DystaError, FileTable, Fixes, Generator, LookUpTables, Outcome, Parameters, Policy, Request, RequestPlan,
    run, run_observed,
};
use rtmm_workload::{ModelId, Schema};

/// A table of layers that are expected to take a second each, with an average sparsity of a half. A
/// sample is what each layer really takes, and its sparsity.
fn table(name: &str, layers: usize, samples: &[(f64, f64)]) -> FileTable {
    let rows = |value: fn(&(f64, f64)) -> f64| {
        samples.iter().flat_map(|sample| std::iter::repeat_n(value(sample), layers)).collect()
    };
    FileTable {
        name: name.to_owned(),
        schema: Schema::EyerissV2,
        layers,
        averaged_samples: samples.len(),
        latency_s: rows(|sample| sample.0),
        sparsity: rows(|sample| sample.1),
        average_latency_s: vec![1.0; layers],
        average_sparsity: vec![0.5; layers],
        isolated_latency_s: layers as f64,
    }
}

fn request(arrival_s: f64, sample: usize, priority: f64, relative_deadline_s: f64) -> Request {
    Request { arrival_s, model: ModelId::new(0), sample, priority, relative_deadline_s }
}

/// What a run decides, and what comes out.
fn decisions(
    tables: Vec<FileTable>,
    requests: &[Request],
    policy: Policy,
    fixes: Fixes,
) -> (Vec<usize>, Outcome) {
    let tables = LookUpTables::merged(tables).expect("tables");
    let mut decisions = Vec::new();
    let parameters = Parameters { fixes, ..Parameters::of(policy) };
    let outcome = run_observed(&tables, requests, &parameters, |request| decisions.push(request));
    (decisions, outcome.expect("a run"))
}

fn finishes(outcome: &Outcome) -> Vec<f64> {
    outcome.jobs.iter().map(|job| job.finish_s).collect()
}

#[test]
fn the_clock_runs_back_unless_fixed() {
    let requests = [0.0, 1.0, 1.5].map(|arrival_s| request(arrival_s, 0, 1.0, 10.0));
    let run = |fixes| decisions(vec![table("a", 1, &[(2.0, 0.5)])], &requests, Policy::Fcfs, fixes).1;
    let quirk = run(Fixes::default());
    assert_eq!(finishes(&quirk), [2.0, 3.0, 3.5]);
    assert_eq!((quirk.clock_rollbacks, quirk.clock_rollback_total_s), (2, 1.0 + 1.5));
    let fixed = run(Fixes { monotonic_clock: true, ..Fixes::default() });
    assert_eq!(finishes(&fixed), [2.0, 4.0, 6.0]);
    assert_eq!((fixed.clock_rollbacks, fixed.clock_rollback_total_s), (0, 0.0));
}

/// The second request arrives exactly when the first layer ends.
#[test]
fn who_arrives_right_now_waits_unless_the_clock_is_fixed() {
    let samples = [(2.0, 0.5), (1.0, 0.5)];
    let requests = [request(0.0, 0, 1.0, 10.0), request(2.0, 1, 9.0, 1.0)];
    let run = |fixes| decisions(vec![table("a", 2, &samples)], &requests, Policy::Planaria, fixes).0;
    assert_eq!(run(Fixes::default()), [0, 0, 1, 1]);
    assert_eq!(run(Fixes { monotonic_clock: true, ..Fixes::default() }), [0, 1, 1, 0]);
}

#[test]
fn prema_sparse_takes_the_gamma_of_the_last_task_unless_fixed() {
    // The first sample is twice as dense as the average one: gamma is 2 after a layer.
    let samples = [(1.0, 0.0), (1.0, 0.5)];
    let requests = [request(0.0, 0, 1.0, 100.0), request(0.5, 1, 1.0, 100.0)];
    let run = |fixes| decisions(vec![table("a", 3, &samples)], &requests, Policy::PremaSparse, fixes).0;
    assert_eq!(run(Fixes::default()), [0, 0, 0, 1, 1, 1]);
    assert_eq!(run(Fixes { own_gamma: true, ..Fixes::default() }), [0, 1, 1, 1, 0, 0]);
}

#[test]
fn late_tasks_are_served_last_in_first_out_unless_fixed() {
    let requests = [request(0.0, 0, 1.0, 0.5), request(0.0, 0, 9.0, 0.5)];
    let run = |fixes| decisions(vec![table("a", 2, &[(1.0, 0.5)])], &requests, Policy::Planaria, fixes).0;
    assert_eq!(run(Fixes::default()), [0, 1, 1, 0]);
    assert_eq!(run(Fixes { plain_maximum: true, ..Fixes::default() }), [0, 0, 1, 1]);
}

#[test]
fn only_seven_samples_are_drawn_unless_fixed() {
    let tables = LookUpTables::merged(vec![table("a", 1, &[(1.0, 0.5); 40])]).expect("tables");
    let largest = |all_samples| {
        let plan = RequestPlan { requests: 500, rate_per_s: 1.0, deadline_multiplier: 10.0, all_samples };
        let requests = Generator::new(3).requests(&tables, &plan);
        assert!(requests.iter().all(|request| request.relative_deadline_s == 10.0));
        requests.iter().map(|request| request.sample).max()
    };
    assert_eq!((largest(false), largest(true)), (Some(6), Some(39)));
}

#[test]
fn architectures_are_averaged_by_samples_unless_the_first_file_is_sangers() {
    let mut files = vec![
        table("net_dense", 2, &[(1.0, 0.5)]),
        table("net_sparse", 2, &[(1.0, 0.5); 3]),
        table("other_dense", 1, &[(1.0, 0.5)]),
    ];
    files[1].average_latency_s = vec![3.0, 5.0];
    files[1].isolated_latency_s = 8.0;
    let merged = LookUpTables::merged(files.clone()).expect("tables");
    let of = |tables: &LookUpTables, index: usize| {
        let table = &tables.tables()[index];
        (table.model_latency_s.clone(), table.model_isolated_latency_s, table.model_remaining_s.clone())
    };
    let average = (vec![2.5, 4.0], 6.5, vec![6.5, 4.0]);
    assert_eq!((of(&merged, 0), of(&merged, 1)), (average.clone(), average));
    assert_eq!(of(&merged, 2), (vec![1.0], 1.0, vec![1.0]));
    assert_eq!(merged.tables()[1].remaining_s, [8.0, 5.0]);
    files[0].schema = Schema::Sanger;
    let separate = LookUpTables::merged(files).expect("tables");
    assert_eq!(of(&separate, 1), (vec![3.0, 5.0], 8.0, vec![8.0, 5.0]));
}

#[test]
fn groups_have_rates_of_their_own() {
    let requests = [request(0.0, 0, 1.0, 3.0), request(0.0, 0, 9.0, 3.0)];
    let (_, outcome) = decisions(vec![table("a", 1, &[(2.0, 0.5)])], &requests, Policy::Fcfs, Fixes::all());
    let metrics = outcome.metrics();
    assert_eq!((metrics.violation_rate, metrics.antt, metrics.stp), (0.5, 1.5, 0.5));
    let rates = outcome.rates(|index| requests[index].priority == 9.0);
    assert_eq!((rates.requests, rates.violation_rate, rates.antt), (1, 1.0, 2.0));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let tables = LookUpTables::merged(vec![table("a", 2, &[(1.0, 0.5)])]).expect("tables");
    let refused = |requests: &[Request]| {
        run(&tables, requests, &Parameters::of(Policy::Dysta)).expect_err("an error").to_string()
    };
    let good = request(1.0, 0, 1.0, 1.0);
    let messages = [
        refused(&[]),
        refused(&[Request { model: ModelId::new(1), ..good }]),
        refused(&[Request { sample: 1, ..good }]),
        refused(&[good, Request { arrival_s: 0.5, ..good }]),
        refused(&[Request { arrival_s: f64::NAN, ..good }]),
        refused(&[Request { priority: 0.5, ..good }]),
        refused(&[Request { relative_deadline_s: 0.0, ..good }]),
    ];
    assert_eq!(
        messages,
        [
            "there are no requests",
            "request 0 is to trace number 1, but there are 1",
            "request 0 is for sample number 1, but `a` has 1",
            "request 1 arrives before the one in front of it",
            "the arrival of request 0 is NaN: it must be finite and at least 0",
            "the priority of request 0 is 0.5: it must be finite and at least 1",
            "the relative deadline of request 0 is 0: it must be finite and above 0",
        ]
    );
    let parameters = Parameters { beta: f64::INFINITY, ..Parameters::of(Policy::Dysta) };
    assert!(matches!(run(&tables, &[good], &parameters), Err(DystaError::Parameter { name: "beta", .. })));
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let refused = |files| LookUpTables::merged(files).expect_err("an error").to_string();
    let good = || table("net_a", 2, &[(1.0, 0.5)]);
    assert_eq!(refused(vec![]), "there are no traces");
    assert_eq!(refused(vec![good(), good()]), "two traces are called `net_a`");
    assert_eq!(
        refused(vec![good(), table("net_b", 3, &[(1.0, 0.5)])]),
        "`net_a` has 2 layers and `net_b` 3, but both are of the architecture `net`, whose layers are averaged \
         over its traces"
    );
    let mut broken = good();
    broken.average_sparsity.pop();
    assert_eq!(refused(vec![broken]), "the table of `net_a` does not fit its 2 layers: averages are missing");
}
