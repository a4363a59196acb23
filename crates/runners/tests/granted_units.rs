//! Platforms that are divided for a policy which needs that: the same hardware for all, judged by one measure.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use rtmm_hardware::{Mode, Platform, load as hardware};
use rtmm_runners::engine::{Engine, system};
use rtmm_sim::System;
use rtmm_sweep::runner::{CellRunner, Chosen};
use rtmm_workload::{Duration, Legality, ModelId, Workload, load};

fn inputs() -> (Workload, Platform) {
    let mut workload = load::workload("dream/drone_outdoor", None, Legality::Strict).unwrap();
    workload.scenario.duration = Duration::parse("200ms").unwrap();
    (workload, hardware::platform("dream/triple_4k_ws_os_os", None, Mode::Corrected).unwrap())
}

fn chosen(policy: &str, settings: &[&str]) -> Chosen {
    let engine = Engine::built_in();
    Chosen::read(engine.spec(), engine.spec().policy(policy).unwrap(), settings).unwrap()
}

fn made(policy: &str, settings: &[&str]) -> System {
    let (workload, platform) = inputs();
    Engine::built_in().system_for(&chosen(policy, settings).policy, &workload, &platform).unwrap()
}

fn units(system: &System) -> Vec<u32> {
    system.platform.accelerators.iter().map(|accelerator| accelerator.units()).collect()
}

#[test]
fn a_policy_finds_the_platform_divided_if_it_asks_for_that() {
    assert_eq!(units(&made("edf", &[])), [1, 1, 1]);
    assert_eq!(units(&made("planaria", &[])), [1, 1, 1]);
    assert_eq!(units(&made("planaria", &["subarrays=16"])), [6, 5, 5]);
}

#[test]
fn energies_of_a_divided_platform_are_judged_by_the_whole_one() {
    let (whole, divided) = (made("edf", &[]), made("planaria", &["subarrays=16"]));
    for model in (0..whole.models.len()).map(ModelId::new) {
        assert_eq!(whole.profile.worst_energy(model), divided.profile.worst_energy(model));
    }
    // By themselves some parts would cost more.
    let (workload, _) = inputs();
    let by_itself = system(&workload, &divided.platform).unwrap();
    let more = |model| by_itself.profile.worst_energy(model) > whole.profile.worst_energy(model);
    assert!((0..whole.models.len()).map(ModelId::new).any(more));
}

#[test]
fn who_uses_all_units_finds_nothing_changed() {
    let engine = Engine::built_in();
    let edf = chosen("edf", &[]);
    let simulated = |system: &System| engine.simulate(system, &edf, 1, ()).unwrap().0;
    let (on_whole, on_divided) =
        (simulated(&made("edf", &[])), simulated(&made("planaria", &["subarrays=16"])));
    assert_eq!(format!("{on_whole:?}"), format!("{on_divided:?}"));
}

#[test]
fn a_platform_that_cannot_be_divided_so_is_refused() {
    let (workload, platform) = inputs();
    let policy = chosen("planaria", &["subarrays=5"]).policy;
    let error = Engine::built_in().system_for(&policy, &workload, &platform).unwrap_err();
    assert!(error.to_string().contains("1536 of 4096 processing elements"), "{error}");
}
