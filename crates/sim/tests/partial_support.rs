//! Accelerators that run some layers, and tasks that are pinned to some accelerators: schedules by hand, what is told of
//! scenarios and platforms that do not fit, and what is refused.
//!
//! `by_hand` says how systems and schedules are written. Times are milliseconds.

use rtmm_hardware::AcceleratorId;
use rtmm_scheduler::{Decision, Extent};
use rtmm_sim::{EndOfRun, Illegal, MisspeltPin, PinFault, RunOptions, SimulationError, System};
use rtmm_testkit::by_hand::{ByHand, check, policy, run};
use rtmm_testkit::closures::deciding;
use rtmm_testkit::simulate;
use rtmm_workload::{ModelId, Pins};

#[test]
fn a_segment_ends_where_support_ends_and_the_job_goes_on_elsewhere() {
    // Accelerator 0 takes 2 + 2 and is helped by 3; accelerator 1 takes 6 + 3 + 6.
    let system = "accelerators 2; for 20; task a every 20 layers 2/6 -/3 2/6";
    check(system, "edf granularity=model", "0 a0>0 | 2 a0 at 1, a0>1 | 11 a0 done");
    check(system, "edf granularity=layer", "0 a0>0 | 2 a0 at 1, a0>1 | 5 a0 at 2, a0>0 | 7 a0 done");
    // As many layers as fit.
    check(
        system,
        "edf granularity=block block_layers=2",
        "0 a0>0 | 2 a0 at 1, a0>1 | 5 a0 at 2, a0>0 | 7 a0 done",
    );
}

#[test]
fn who_needs_a_busy_accelerator_waits_for_it() {
    let system = "accelerators 2; for 10; task a every 10 layers 1/- -/3; task b every 10 layers 1/- -/2";
    check(system, "edf", "0 a0>0 | 1 a0 at 1, a0>1, b0>0 | 2 b0 at 1 | 4 a0 done, b0>1 | 6 b0 done");
    // Others that come later go first where they can.
    let system = "accelerators 2; for 10; task a every 10 layers 4/-; task b every 10 layers 2/-; task c every 10 layers 5/1";
    check(system, "fcfs", "0 a0>0, c0>1 | 1 c0 done | 4 a0 done, b0>0 | 6 b0 done");
}

#[test]
fn a_pinned_task_goes_nowhere_else() {
    let system = "accelerators 2; for 10; task a every 10 off 0 layers 1/4; task b every 10 layers 2/2";
    check(system, "edf", "0 a0>1, b0>0 | 2 b0 done | 4 a0 done");
    let system = "accelerators 2; for 10; task a every 10 on 0 layers 3; task b every 10 on 0 layers 1";
    check(system, "edf", "0 a0>0 | 3 a0 done, b0>0 | 4 b0 done");
    // An urgent job stops what runs where it is pinned, and nothing else.
    let system = "accelerators 2; for 20; task a every 20 layers 4 4/4; task b every 20 layers 4 4/4; \
                  task c every 20 at 1 due 5 on 1 layers 1/1";
    check(
        system,
        "edf granularity=model preemption=layer",
        "0 a0>0, b0>1 | 4 b0 at 1, c0>1 | 5 c0 done, b0>1 | 8 a0 done | 9 b0 done",
    );
}

#[test]
fn deadlines_in_isolation_count_layers_where_they_are_fastest() {
    // 2 + 3 + 2 on accelerator 0 with the help of the other; twice that is 14.
    let system = "accelerators 2; for 20; task a every 20 isolated 2 layers 2/6 -/3 2/6";
    let by_hand = ByHand::parse(system).system();
    let deadline = by_hand.scenario.tasks[0].deadline;
    assert_eq!(format!("{deadline:?}"), "After(Duration(14000000000))");
    // Pinned to accelerator 1 alone: 6 + 3 + 6.
    let pinned = ByHand::parse(&system.replace("isolated", "on 1 isolated")).system();
    assert_eq!(format!("{:?}", pinned.scenario.tasks[0].deadline), "After(Duration(30000000000))");
}

#[test]
fn a_pinned_copy_of_a_model_is_the_same_network() {
    let mut by_hand = ByHand::parse(
        "accelerators 2; for 10; switch 0.5; task a every 10 layers 1; task b every 10 at 5 on 0 layers 1",
    );
    // Both run the model of `a`, one of them pinned.
    let tasks = &mut by_hand.scenario.tasks;
    (tasks[1].model, tasks[1].variants) = (ModelId::new(0), vec![ModelId::new(0)]);
    let (row, parameters) = policy("fcfs");
    let options = RunOptions { end: EndOfRun::Drain, ..RunOptions::default() };
    let told = run(&by_hand.system(), row, &parameters, options).expect("only legal decisions");
    assert_eq!(told, "0 a0>0 | 1 a0 done | 5 b0>0 | 6 b0 done");
}

fn refused(system: &str, accelerator: usize) -> Illegal {
    let by_hand = ByHand::parse(system);
    let dispatches = deciding(move |view, out| {
        let job = view.ready().next().map(|job| job.id);
        out.extend(
            job.map(|job| Decision::dispatch(job, None, AcceleratorId::new(accelerator), Extent::Rest)),
        );
    });
    match simulate(&by_hand.system(), "test", Box::new(dispatches), (), RunOptions::default()) {
        Err(SimulationError::IllegalDecision { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dispatch_where_a_layer_does_not_run_is_illegal() {
    assert_eq!(refused("accelerators 2; task a every 10 layers 1/- 1", 1), Illegal::LayerNotSupported);
    assert_eq!(refused("accelerators 2; task a every 10 on 0 layers 1 1", 1), Illegal::PinnedElsewhere);
    // Both at once: that it is pinned comes first.
    assert_eq!(refused("accelerators 2; task a every 10 on 0 layers 1/- 1", 1), Illegal::PinnedElsewhere);
}

fn faults(by_hand: &ByHand) -> Vec<PinFault> {
    match System::new(&by_hand.scenario, &by_hand.models, &by_hand.platform) {
        Err(SimulationError::Pins(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pins_that_do_not_fit_a_platform_are_told() {
    let mut by_hand = ByHand::parse("accelerators 3; task a every 10 layers 1/-/2; task b every 10 layers 1");
    for (accelerator, (name, kind)) in
        by_hand.platform.accelerators.iter_mut().zip([("npu0", "npu"), ("npu1", "npu"), ("big", "gpu")])
    {
        (accelerator.name, accelerator.kind.word) = (name.to_owned(), kind.to_owned());
    }
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let mut told = |run_on: &[&str], avoid: &[&str]| {
        by_hand.scenario.tasks[0].pins = Pins { run_on: words(run_on), avoid: words(avoid) };
        faults(&by_hand).iter().map(PinFault::told).collect::<Vec<String>>().join("; ")
    };
    assert_eq!(
        told(&["npu2"], &[]),
        "`run_on` of task `a` names `npu2`, and platform `by hand` has no accelerator of this name or kind: \
         did you mean `npu`?"
    );
    assert_eq!(
        told(&["npu"], &["npu0", "npu1"]),
        "task `a` avoids every accelerator of platform `by hand` that it is to run on"
    );
    assert_eq!(
        told(&["npu1"], &[]),
        "task `a` is pinned away from what runs one of its layers: layer `0` of model `a` cannot run on `1`: \
         the cost table has no row for layer `0` of model `a`"
    );
    assert_eq!(
        told(&["npu1"], &["npu1", "npu2"]),
        "task `a` avoids every accelerator of platform `by hand` that it is to run on"
    );
    // Any of a kind that runs it will do.
    by_hand.scenario.tasks[0].pins = Pins { run_on: words(&["npu"]), avoid: Vec::new() };
    let system = System::new(&by_hand.scenario, &by_hand.models, &by_hand.platform).expect("pins that fit");
    let told: Vec<String> = system.partial_support().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["`npu1` runs 0 of 1 layers of `a`, not `0`: the cost table has no row for layer `0` of model `a`"]
    );
}

#[test]
fn one_wrong_pin_is_one_fault_however_many_layers_and_hides_no_other() {
    let mut by_hand =
        ByHand::parse("accelerators 2; task a every 10 layers 1/- 1/- 1; task b every 10 layers 1 1");
    let word = |word: &str| vec![word.to_owned()];
    by_hand.scenario.tasks[0].pins.run_on = word("1");
    by_hand.scenario.tasks[1].pins = Pins { run_on: word("0"), avoid: word("0") };
    let told: Vec<String> = faults(&by_hand).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "task `a` is pinned away from what runs 2 of its layers, the first: layer `0` of model `a` cannot run on `1`: the \
             cost table has no row for layer `0` of model `a`",
            "task `b` avoids every accelerator of platform `by hand` that it is to run on",
        ]
    );
    // A word that is a name and a kind says two things.
    by_hand.platform.accelerators[1].kind.word = "0".to_owned();
    by_hand.scenario.tasks[0].pins = Pins { run_on: Vec::new(), avoid: word("0") };
    by_hand.scenario.tasks[1].pins = Pins::default();
    let told: Vec<String> = faults(&by_hand).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "`avoid` of task `a` names `0`, which on platform `by hand` is the name of one accelerator and the kind of `1`"
        ]
    );
}

#[test]
fn nothing_runs_on_what_is_not_there_and_misspelt_words_are_told() {
    let mut by_hand = ByHand::parse("accelerators 2; for 10; task a every 10 layers 1/4");
    for (accelerator, (name, kind)) in
        by_hand.platform.accelerators.iter_mut().zip([("npu0", "neural"), ("big", "graphics")])
    {
        (accelerator.name, accelerator.kind.word) = (name.to_owned(), kind.to_owned());
    }
    let mut near = |word: &str| {
        by_hand.scenario.tasks[0].pins.avoid = vec![word.to_owned()];
        let system =
            System::new(&by_hand.scenario, &by_hand.models, &by_hand.platform).expect("nothing to avoid");
        assert!(
            system
                .platform
                .accelerators
                .iter()
                .all(|one| by_hand.scenario.tasks[0].pins.allow(&one.name, ""))
        );
        let found = MisspeltPin::all(&by_hand.scenario, &by_hand.platform);
        found.first().map(|pin| pin.near.clone())
    };
    for absent in ["dsp", "npu1", "bug", "cpu"] {
        assert_eq!(near(absent), None, "{absent}");
    }
    for (word, meant) in [("nueral", "neural"), ("graphic", "graphics"), ("NPU0", "npu0")] {
        assert_eq!(near(word).as_deref(), Some(meant));
    }
}

#[test]
fn a_layer_that_no_accelerator_runs_is_told_with_the_reasons_of_all() {
    let by_hand = ByHand::parse("accelerators 2; task a every 10 layers 1/2 -/-");
    let told =
        System::new(&by_hand.scenario, &by_hand.models, &by_hand.platform).expect_err("it runs nowhere");
    assert_eq!(
        told.to_string(),
        "1 layers cannot run on the platform, the first: layer `1` of model `a` cannot run on any accelerator: \
         `0` (0): the cost table has no row for layer `1` of model `a`; \
         `1` (1): the cost table has no row for layer `1` of model `a`"
    );
}

#[test]
fn other_pins_of_one_scenario_are_another_system() {
    let by_hand = ByHand::parse("accelerators 2; for 10; task a every 10 layers 1/4");
    let system = by_hand.system();
    let mut scenario = by_hand.scenario.clone();
    scenario.tasks[0].pins.avoid = vec!["0".to_owned()];
    let pinned = system.with_scenario(&scenario).expect("pins that fit");
    let again = pinned.with_scenario(&scenario).expect("pins that fit");
    let free = pinned.with_scenario(&by_hand.scenario).expect("no pins");
    let (row, parameters) = policy("fcfs");
    let told = |system: &System| {
        let options = RunOptions { end: EndOfRun::Drain, ..RunOptions::default() };
        run(system, row, &parameters, options).expect("only legal decisions")
    };
    assert_eq!((told(&pinned), told(&again)), ("0 a0>1 | 4 a0 done".to_owned(), told(&pinned)));
    assert_eq!((told(&system), told(&free)), ("0 a0>0 | 1 a0 done".to_owned(), told(&system)));
}
