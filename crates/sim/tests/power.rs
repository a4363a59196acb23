//! Operating points and power gating by hand: schedules to the picosecond, energies, and decisions that are illegal.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use rtmm_hardware::{
    AcceleratorId, Energy, Gating, OperatingPoint, PointId, PointSwitch, Power, PowerStates, PowerUnit,
};
use rtmm_scheduler::{Decision, Decisions, Extent, JobId, Policy, Preemption, RunId, View};
use rtmm_sim::metrics::Audit;
use rtmm_sim::{
    EndOfRun, Illegal, Metrics, MetricsOptions, RunOptions, RunRecord, SimulationError, Summary, System,
};
use rtmm_testkit::by_hand::{ByHand, Log, ms};
use rtmm_testkit::cases;
use rtmm_testkit::closures::deciding;
use rtmm_testkit::simulate;
use rtmm_workload::Time;

const NPU: PowerUnit = PowerUnit::Accelerator(AcceleratorId::new(0));

/// Points of so many megahertz at so many volts, with static and idle power in milliwatts; the last one is nominal.
fn states(points: &[(u64, f64, u64, u64)]) -> PowerStates {
    let milliwatts = |power: u64| Power::from_nanowatts(power * 1_000_000);
    let point = |(mhz, volts, run, idle): &(u64, f64, u64, u64)| OperatingPoint {
        hertz: mhz * 1_000_000,
        microvolts: (volts * 1e6) as u64,
        static_power: milliwatts(*run),
        idle_power: milliwatts(*idle),
    };
    PowerStates {
        points: points.iter().map(point).collect(),
        nominal: PointId::new(points.len() - 1),
        switch: PointSwitch::default(),
        gating: None,
    }
}

fn switching(time: &str, stalls: bool, states: PowerStates) -> PowerStates {
    PowerStates {
        switch: PointSwitch { time: ms(time), energy: Energy::from_femtojoules(7_000), stalls },
        ..states
    }
}

fn gated(wake: &str, states: PowerStates) -> PowerStates {
    let gating = Gating {
        power: Power::from_nanowatts(2_000_000),
        wake_time: ms(wake),
        wake_energy: Energy::from_femtojoules(3_000),
    };
    PowerStates { gating: Some(gating), ..states }
}

/// A system by hand with power states of its first accelerator and of the memory.
fn system(text: &str, own: Option<PowerStates>, dram: Option<PowerStates>) -> System {
    let mut by_hand = ByHand::parse(text);
    by_hand.platform.accelerators[0].power = own;
    by_hand.platform.power.dram = dram;
    by_hand.system()
}

/// Dispatches ready jobs to idle accelerators as they come, and says what the script says when it says it.
fn scripted(steps: &[(&str, Decision)], extent: Extent) -> Box<dyn Policy> {
    let mut steps: Vec<(Time, Decision)> =
        steps.iter().map(|(at, decision)| (Time::ZERO.saturating_add(ms(at)), *decision)).collect();
    let mut is_first = true;
    Box::new(deciding(move |view: &View<'_>, out: &mut Decisions| {
        if std::mem::replace(&mut is_first, false) {
            let later = steps.iter().filter(|(at, _)| *at > view.now);
            out.extend(later.map(|(at, _)| Decision::SetTimer { at: *at, tag: 0 }));
        }
        let dispatched = view.ready().zip(&view.free);
        out.extend(dispatched.map(|(job, on)| Decision::dispatch(job.id, None, *on, extent)));
        steps.retain(|(at, decision)| {
            if *at <= view.now {
                out.push(*decision);
            }
            *at > view.now
        });
    }))
}

fn to(on: PowerUnit, point: usize) -> Decision {
    Decision::SetPoint { on, point: PointId::new(point) }
}

fn ran(system: &System, steps: &[(&str, Decision)], end: EndOfRun) -> (String, Summary) {
    let observer = (
        Log::new(&system.scenario),
        (Audit::new(system), (Metrics::new(system, MetricsOptions::default()), RunRecord::default())),
    );
    let options = RunOptions { seed: 0, end, oracle: false };
    let run = simulate(system, "script", scripted(steps, Extent::Rest), observer, options);
    let (log, (audit, (metrics, record))) = run.expect("legal decisions");
    assert_eq!(audit.violations(), Vec::<String>::new());
    // The same from a record.
    let mut again = Metrics::new(system, MetricsOptions::default());
    record.replay(&mut again);
    assert_eq!(again.summary(), metrics.summary());
    (log.text(), metrics.summary())
}

#[track_caller]
fn check(system: &System, steps: &[(&str, Decision)], expected: &str) {
    assert_eq!(ran(system, steps, EndOfRun::Drain).0, expected);
}

#[track_caller]
fn refused(system: &System, steps: &[(&str, Decision)], expected: Illegal) {
    let options = RunOptions { seed: 0, end: EndOfRun::Drain, oracle: false };
    let outcome = simulate(system, "script", scripted(steps, Extent::Rest), (), options);
    match outcome {
        Err(SimulationError::IllegalDecision { reason, .. }) => assert_eq!(reason, expected),
        other => panic!("{other:?} is not {expected:?}"),
    }
}

const HALF: [(u64, f64, u64, u64); 2] = [(400, 0.5, 10, 4), (800, 1.0, 30, 12)];

#[test]
fn a_clock_change_within_a_layer_rescales_the_rest_of_it() {
    let ten = "for 50; task a every 50 layers 10 4";
    let half = system(ten, Some(states(&HALF)), None);
    // 3 of 10 are done, 7 take 14; the next layer takes 8.
    check(&half, &[("3", to(NPU, 0))], "0 a0>0 | 25 a0 done");
    // And up again at 9: 6 of the 14 are done, which is 3 of 10; 4 are left.
    check(&half, &[("3", to(NPU, 0)), ("9", to(NPU, 1))], "0 a0>0 | 17 a0 done");
    // At the boundary of the layers only the second one is slower.
    check(&half, &[("10", to(NPU, 0))], "0 a0>0 | 18 a0 done");
    // Before the run, and after it.
    check(&half, &[("0", to(NPU, 0))], "0 a0>0 | 28 a0 done");
    check(&half, &[("20", to(NPU, 0))], "0 a0>0 | 14 a0 done");
    // 10^10 ps at 3/7 of the clock are 23,333,333,334; of 7 tenths of them 16,333,333,333.8 are left, and then come
    // 9,333,333,334 of the second layer: each is rounded up.
    let sevenths = system(ten, Some(states(&[(300, 1.0, 0, 0), (700, 1.0, 0, 0)])), None);
    check(&sevenths, &[("3", to(NPU, 0))], "0 a0>0 | 28.666666668 a0 done");
}

#[test]
fn a_change_that_takes_time_is_in_force_when_it_is_complete() {
    let text = "for 50; task a every 50 layers 10; task b every 50 at 4 layers 2";
    let slow = system(text, Some(switching("2", false, states(&HALF))), None);
    // 5 are done when it is complete at 5, and 5 take 10; b takes 4.
    check(&slow, &[("3", to(NPU, 0))], "0 a0>0 | 15 a0 done, b0>0 | 19 b0 done");
    // A change that stalls stops the run: 3 are done, and 7 take 14 from 5 on.
    let stalling = system(text, Some(switching("2", true, states(&HALF))), None);
    check(&stalling, &[("3", to(NPU, 0))], "0 a0>0 | 19 a0 done, b0>0 | 23 b0 done");
    // What is dispatched in that time begins after it.
    check(&stalling, &[("9", to(NPU, 0))], "0 a0>0 | 13 a0 done, b0>0 | 17 b0 done");
    let idle = "for 50; task a every 50 layers 1; task b every 50 at 3 layers 10";
    check(
        &system(idle, Some(switching("2", true, states(&HALF))), None),
        &[("2", to(NPU, 0))],
        "0 a0>0 | 1 a0 done | 3 b0>0 from 4 | 24 b0 done",
    );
    check(
        &system(idle, Some(switching("2", false, states(&HALF))), None),
        &[("2", to(NPU, 0))],
        "0 a0>0 | 1 a0 done | 3 b0>0 | 22 b0 done",
    );
}

/// Once the engine forgot a stall where a run that had been stopped at a boundary was told to stop or to be dropped again,
/// if runs shared memory; and it ran a layer first where the stall came before the word, in one list of decisions.
#[test]
fn a_run_that_stands_still_at_a_boundary_stops_there_when_it_would_go_on() {
    let own = "for 50; task a every 50 layers 10 4 2";
    let sharing = "for 50; dram 1; task a every 50 layers 10~1 4~1 2~1";
    for text in [own, sharing] {
        let stalling = system(text, Some(switching("2", true, states(&HALF))), None);
        let (stop, slow) = (|mode| Decision::Preempt { run: RunId::new(0, 0), mode }, to(NPU, 0));
        let (layer, quantum) = (stop(Preemption::Layer), stop(Preemption::Quantum));
        let (drop, stopped) =
            (Decision::Drop { job: JobId::new(0, 0) }, "0 a0>0 | 12 a0 at 1, a0>0 | 24 a0 done");
        // Whatever is said first, how often, and while it stands there.
        for mode in [layer, quantum] {
            check(&stalling, &[("10", mode), ("10", slow)], stopped);
            check(&stalling, &[("10", slow), ("10", mode)], stopped);
            check(&stalling, &[("10", mode), ("10", slow), ("10", layer), ("11", quantum)], stopped);
            check(&stalling, &[("10", slow), ("11", mode)], stopped);
            check(&stalling, &[("10", slow), ("12", mode)], stopped);
            check(&stalling, &[("10", mode), ("10", slow), ("10", drop)], "0 a0>0 | 12 a0 dropped");
        }
        check(&stalling, &[("10", slow), ("11", drop)], "0 a0>0 | 12 a0 dropped");
        // Once it goes on, the next boundary is the end of the layer.
        check(&stalling, &[("10", slow), ("13", layer)], "0 a0>0 | 20 a0 at 2, a0>0 | 24 a0 done");
    }
}

#[test]
fn the_clock_of_the_memory_rescales_transfers() {
    // A gigabyte a millisecond: 8 gigabytes beside 6 of compute take 8.
    let text = "for 80; dram 1; task a every 80 layers 6~8";
    let half = system(text, None, Some(states(&HALF)));
    check(&half, &[], "0 a0>0 | 8 a0 done");
    check(&half, &[("0", to(PowerUnit::Dram, 0))], "0 a0>0 | 16 a0 done");
    // 4 are left at 4, and take 8.
    check(&half, &[("4", to(PowerUnit::Dram, 0))], "0 a0>0 | 12 a0 done");
    // Compute at half its clock: 4 of the 6 are left at 2, and take 8; the transfer is done at 8.
    let own = system(text, Some(states(&HALF)), None);
    check(&own, &[("2", to(NPU, 0))], "0 a0>0 | 10 a0 done");
    // A stall of the memory stops all that runs.
    let stalling = system(text, None, Some(switching("3", true, states(&HALF))));
    check(&stalling, &[("4", to(PowerUnit::Dram, 0))], "0 a0>0 | 15 a0 done");
    // Two that share it: 4 gigabytes each in the first 8, then 4 at a quarter.
    let two = "for 80; accelerators 2; dram 1; task a every 80 layers 1~8; task b every 80 layers 1~8";
    let shared = system(two, None, Some(states(&HALF)));
    check(&shared, &[("8", to(PowerUnit::Dram, 0))], "0 a0>0, b0>1 | 24 a0 done, b0 done");
}

#[test]
fn a_gated_accelerator_wakes_when_a_job_is_dispatched() {
    let text = "for 20; task a every 10 layers 3";
    let gating = system(text, Some(gated("1.5", states(&HALF))), None);
    let gate = Decision::Gate { on: AcceleratorId::new(0) };
    check(&gating, &[("5", gate)], "0 a0>0 | 3 a0 done | 10 a1>0 from 11.5 | 14.5 a1 done");
    let (schedule, run) = ran(&gating, &[("5", gate), ("16", gate)], EndOfRun::Cut);
    assert_eq!(schedule, "0 a0>0 | 3 a0 done | 10 a1>0 from 11.5 | 14.5 a1 done");
    let own = run.accelerators[0].power.clone().expect("power");
    // Gated from 5 to 10 and from 16 to 20 at 2 mW, idle from 3 to 5 and from 14.5 to 16 at 12 mW, held for 7.5 ms at
    // 30 mW: a milliwatt over a millisecond is a microjoule.
    assert_eq!(own.energy.gated_pj, 18e6);
    assert_eq!(own.energy.idle_pj, 42e6);
    assert_eq!(own.energy.static_pj, 225e6);
    assert_eq!((own.energy.switches_pj, own.wakes, own.point_changes), (3.0, 1, 0));
    assert_eq!((own.gated_ms, own.points[0].time_ms, own.points[1].time_ms), (9.0, 0.0, 11.0));
}

#[test]
fn energy_is_that_of_the_point_at_which_work_is_done() {
    // A layer of 5 uJ: 3 tenths at the nominal voltage, 7 at half of it.
    let text = "for 20; task a every 20 layers 10@5";
    let mut half = ByHand::parse(text);
    half.platform.accelerators[0].power = Some(switching("0", false, states(&HALF)));
    half.platform.power.background = Power::from_nanowatts(1_000_000);
    half.platform.power.dram = Some(states(&[(1_000, 1.0, 5, 2)]));
    let (schedule, run) = ran(&half.system(), &[("3", to(NPU, 0))], EndOfRun::Cut);
    assert_eq!(schedule, "0 a0>0 | 17 a0 done");
    let near =
        |value: f64, expected: f64| assert!((value - expected).abs() < 1e-2, "{value} is not {expected}");
    near(run.energy.energy_pj, 1.5e6 + 3.5e6 / 4.0);
    let all = run.platform.expect("power");
    near(all.platform_work_pj, run.energy.energy_pj);
    // 3 ms at 30 mW, 14 at 10, and the memory 17 at 5.
    assert_eq!(all.platform_static_pj, 90e6 + 140e6 + 85e6);
    assert_eq!(all.platform_idle_pj, 12e6 + 6e6);
    assert_eq!((all.platform_background_pj, all.platform_switches_pj), (20e6, 7.0));
    let parts = all.platform_work_pj
        + all.platform_static_pj
        + all.platform_idle_pj
        + all.platform_gated_pj
        + all.platform_switches_pj
        + all.platform_background_pj;
    near(all.platform_energy_pj, parts);
    let own = run.accelerators[0].power.clone().expect("power");
    assert_eq!((own.points[0].time_ms, own.points[1].time_ms), (17.0, 3.0));
}

#[test]
fn decisions_about_power_that_cannot_be_are_refused() {
    let text = "for 20; task a every 20 layers 10";
    let plain = system(text, None, None);
    let half = system(text, Some(switching("2", false, states(&HALF))), None);
    let gate = |index| Decision::Gate { on: AcceleratorId::new(index) };
    let other = PowerUnit::Accelerator(AcceleratorId::new(7));
    refused(&plain, &[("0", to(NPU, 0))], Illegal::NoPoints);
    refused(&half, &[("0", to(PowerUnit::Dram, 0))], Illegal::NoPoints);
    refused(&half, &[("0", to(other, 0))], Illegal::NoSuchAccelerator);
    refused(&half, &[("0", to(NPU, 2))], Illegal::NoSuchPoint);
    refused(&half, &[("0", to(NPU, 1))], Illegal::NothingToChange);
    refused(&half, &[("3", to(NPU, 0)), ("4", to(NPU, 1))], Illegal::PointChanges);
    refused(&half, &[("15", gate(0))], Illegal::NoGating);
    refused(&half, &[("15", gate(7))], Illegal::NoSuchAccelerator);
    let gating = system(text, Some(gated("1", states(&HALF))), None);
    refused(&gating, &[("5", gate(0))], Illegal::AcceleratorBusy);
    refused(&gating, &[("15", gate(0)), ("16", gate(0))], Illegal::GatedAlready);
}

proptest! {
    #![proptest_config(cases::config(200))]

    #[test]
    fn lowering_a_clock_never_ends_a_lone_job_earlier(
        layers in prop::collection::vec((1..9_u64, 0..9_u64), 1..5), at in 0..400_u64, memory in any::<bool>(),
        back in prop::option::of(1..400_u64),
    ) {
        let layer = |(compute, bytes): &(u64, u64)| format!("{compute}~{bytes}");
        let layers: Vec<String> = layers.iter().map(layer).collect();
        let text = format!("for 500; dram 1; task a every 500 layers {}", layers.join(" "));
        let own = states(&[(300, 0.5, 0, 0), (700, 1.0, 0, 0)]);
        let system = system(&text, Some(own.clone()), Some(own));
        let on = if memory { PowerUnit::Dram } else { NPU };
        let tenths = |tenths: u64| format!("{}.{}", tenths / 10, tenths % 10);
        let (at, back) = (tenths(at), back.map(|after| tenths(at + after)));
        let mut steps = vec![(at.as_str(), to(on, 0))];
        steps.extend(back.as_deref().map(|back| (back, to(on, 1))));
        let makespan = |steps: &[(&str, Decision)]| {
            ran(&system, steps, EndOfRun::Drain).1.makespan_ms.expect("a job that ends")
        };
        prop_assert!(makespan(&steps) >= makespan(&[]));
    }
}
