//! Layer variants: jobs that turn between the layers of a model and their variants, one layer after the other, and the accuracy of
//! the set that they ran.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use rtmm_sim::{Metrics, MetricsOptions, RunOptions, Summary, System};
use rtmm_testkit::by_hand::{ByHand, check, policy};
use rtmm_testkit::simulate;

/// Both layers take 4, and 3 as their variants. Accuracies are those of none, of the first, of the second and of both. Turning an
/// accelerator to another model would take 1.
fn system(due: &str) -> String {
    format!(
        "for 10; switch 1
         task a every 20 due {due} layers 4 4 variant 3 3 accuracies 0.8 0.79 0.77 0.6"
    )
}

fn summary(text: &str, settings: &str) -> Summary {
    let ByHand { scenario, models, platform } = ByHand::parse(text);
    let system = System::new(&scenario, &models, &platform).unwrap();
    let metrics = Metrics::new(&system, MetricsOptions::default());
    let (row, parameters) = policy(settings);
    let policy = row.build(&parameters).unwrap();
    simulate(&system, &row.name, policy, metrics, RunOptions::default()).unwrap().summary()
}

#[track_caller]
fn check_accuracy(due: &str, policy: &str, schedule: &str, accuracy: f64) {
    check(&system(due), policy, schedule);
    assert_eq!(summary(&system(due), policy).accuracy, Some(accuracy), "{policy}");
}

#[test]
fn a_job_turns_between_layers_at_no_cost_and_has_the_accuracy_of_what_it_ran() {
    // Budgets are halves of 7. 0: the layer would end at 4, after 3.5; its variant ends at 3.
    // 3: the second layer ends at 7, when it is due. The units hold the same tensors: nothing is switched.
    check_accuracy("7", "terastal-reading", "0 a0>0 as 1 | 3 a0 at 1, a0>0 | 7 a0 done", 0.79);
    // 3: due at 6, the second layer would be late, and both variants keep 75 % of the accuracy alone.
    check_accuracy("6", "terastal-reading", "0 a0>0 as 1 | 3 a0 at 1, a0>0 | 7 a0 late", 0.79);
    let relaxed = "terastal-reading accuracy_limit=0.75";
    check_accuracy("6", relaxed, "0 a0>0 as 1 | 3 a0 at 1, a0>0 as 1 | 6 a0 done", 0.6);
    // Due at 8, no layer needs its variant.
    check_accuracy("8", "terastal-reading", "0 a0>0 | 4 a0 at 1, a0>0 | 8 a0 done", 0.8);
    check_accuracy("6", "terastal-reading layer_variants=never", "0 a0>0 | 4 a0 at 1, a0>0 | 8 a0 late", 0.8);
}

#[test]
fn policies_of_supernets_run_all_variants_or_none() {
    check_accuracy("6", "edf variants=lightest granularity=model", "0 a0>0 as 1 | 6 a0 done", 0.6);
    check_accuracy("6", "edf variants=lightest", "0 a0>0 as 1 | 3 a0 at 1, a0>0 as 1 | 6 a0 done", 0.6);
    check_accuracy("6", "edf", "0 a0>0 | 4 a0 at 1, a0>0 | 8 a0 late", 0.8);
}

#[test]
fn jobs_are_judged_by_the_model_without_variants() {
    // It takes 8 by itself; as its variants 6.
    for (policy, turnaround) in [("edf variants=lightest", 6.0), ("edf", 8.0), ("terastal-reading", 7.0)] {
        assert_eq!(summary(&system("7"), policy).antt, Some(turnaround / 8.0), "{policy}");
    }
}

#[test]
fn other_models_are_turned_to_at_a_cost() {
    // 0: a0's first layer is due at 3.5, b0 at 20. 3: a0's second layer is due at 7.
    // 7: b0 turns the accelerator to its model (1).
    let text = format!("{}; task b every 20 due 20 layers 2", system("7"));
    check(&text, "terastal-reading", "0 a0>0 as 1 | 3 a0 at 1, a0>0 | 7 a0 done, b0>0 from 8 | 10 b0 done");
}
