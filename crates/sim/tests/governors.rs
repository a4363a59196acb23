//! Governors: schedules by hand, and what must hold whatever a governor does.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use rtmm_hardware::{
    Energy, Gating, Mode, OperatingPoint, PlatformPower, PointId, PointSwitch, Power, PowerStates,
};
use rtmm_sim::metrics::Audit;
use rtmm_sim::{EndOfRun, Metrics, MetricsOptions, RunOptions, Summary, System};
use rtmm_testkit::by_hand::{ByHand, Log, ms, policy};
use rtmm_testkit::cases;
use rtmm_testkit::simulate;
use rtmm_workload::Legality;
use rtmm_workload::input::Source;

/// Points of so many megahertz at so many millivolts, the last one nominal: 30 mW where it runs, 12 mW where it does not,
/// and that times the voltage at the others.
fn states(points: &[(u64, u64)]) -> PowerStates {
    let point = |(mhz, millivolts): &(u64, u64)| OperatingPoint {
        hertz: mhz * 1_000_000,
        microvolts: millivolts * 1_000,
        static_power: Power::from_nanowatts(30_000 * millivolts),
        idle_power: Power::from_nanowatts(12_000 * millivolts),
    };
    PowerStates {
        points: points.iter().map(point).collect(),
        nominal: PointId::new(points.len() - 1),
        switch: PointSwitch::default(),
        gating: None,
    }
}

fn gating(wake: &str) -> Option<Gating> {
    Some(Gating {
        power: Power::from_nanowatts(2_000_000),
        wake_time: ms(wake),
        wake_energy: Energy::from_femtojoules(3_000),
    })
}

const HALF: [(u64, u64); 2] = [(400, 500), (800, 1_000)];

fn system(text: &str, own: &PowerStates) -> System {
    let mut by_hand = ByHand::parse(text);
    by_hand.platform.accelerators.iter_mut().for_each(|one| one.power = Some(own.clone()));
    by_hand.system()
}

fn ran(system: &System, policy_text: &str, end: EndOfRun, seed: u64) -> (String, Summary) {
    let (row, parameters) = policy(policy_text);
    let policy = row.build(&parameters).expect("parameters of this policy");
    let metrics = Metrics::new(system, MetricsOptions::default());
    let observer = (Log::new(&system.scenario), (Audit::new(system), metrics));
    let options = RunOptions { seed, end, oracle: false };
    let (log, (audit, metrics)) =
        simulate(system, &row.name, policy, observer, options).expect("legal decisions");
    assert_eq!(audit.violations(), Vec::<String>::new());
    (log.text(), metrics.summary())
}

#[track_caller]
fn check(text: &str, own: &PowerStates, policy_text: &str, expected: &str) {
    assert_eq!(ran(&system(text, own), policy_text, EndOfRun::Drain, 0).0, expected, "{policy_text}");
}

#[test]
fn governors_choose_points() {
    let half = states(&HALF);
    let lone = "for 20; task a every 20 layers 6";
    check(lone, &half, "edf", "0 a0>0 | 6 a0 done");
    check(lone, &half, "edf governor=max", "0 a0>0 | 6 a0 done");
    check(lone, &half, "edf governor=fixed", "0 a0>0 | 12 a0 done");
    check(lone, &half, "edf governor=fixed governor_point=7", "0 a0>0 | 6 a0 done");
    check(lone, &half, "fcfs governor=slowest-that-fits", "0 a0>0 | 12 a0 done");
    check(lone, &half, "dream-full governor=fixed", "0 a0>0 | 12 a0 done");
    // Due at 10 it has to be done in 6; from 9 on only 5 of 12 are left if it begins slowly, which fits in 12.
    let due = "for 20; task a every 20 due 10 layers 6";
    check(due, &half, "edf governor=slowest-that-fits", "0 a0>0 | 6 a0 done");
    // Two that wait: 6 and 3 by 16 are too much at half the clock; when b is done, a alone is not.
    let two = "for 20; task a every 20 due 17 layers 6; task b every 20 due 10 layers 3";
    check(two, &half, "edf governor=slowest-that-fits", "0 b0>0 | 3 b0 done, a0>0 | 15 a0 done");
    // The highest is not the nominal one.
    let low = PowerStates { nominal: PointId::new(0), ..states(&HALF) };
    check(lone, &low, "edf", "0 a0>0 | 6 a0 done");
    check(lone, &low, "edf governor=max", "0 a0>0 | 3 a0 done");
}

#[test]
fn horizon_slows_down_as_far_as_its_plan_is_in_time() {
    let half = states(&HALF);
    let lone = "for 20; task a every 20 layers 6";
    // 6 ms at 30 mW and 14 at 12, or 12 at 15 and 8 at 6.
    check(lone, &half, "horizon", "0 a0>0 | 12 a0 done");
    check(lone, &half, "horizon plan_clocks=false", "0 a0>0 | 6 a0 done");
    check(lone, &half, "horizon governor=max", "0 a0>0 | 6 a0 done");
    // 12 and a fifth of that to spare.
    for (due, expected) in [("14.4", "0 a0>0 | 12 a0 done"), ("14", "0 a0>0 | 6 a0 done")] {
        check(&format!("for 20; task a every 20 due {due} layers 6"), &half, "horizon", expected);
    }
    // Two are too much at half the clock; when b is done, a has 12 and a fifth by 18, and not by 17.
    for (due, expected) in
        [(18, "0 b0>0 | 3 b0 done, a0>0 | 15 a0 done"), (17, "0 b0>0 | 3 b0 done, a0>0 | 9 a0 done")]
    {
        let two = format!("for 20; task a every 20 due {due} layers 6; task b every 20 due 10 layers 3");
        check(&two, &half, "horizon", expected);
    }
    // Beside a frame of b that comes at 10, and is planned at the full clock, a has time for half the clock from 3 on. When it has
    // come there is not, and 5 of 12 are 2.5 of 6. What is left then has time again.
    let later = "for 20; task a every 20 layers 6; task b every 10 layers 3";
    check(later, &half, "horizon", "0 b0>0 | 3 b0 done, a0>0 | 12.5 a0 done, b1>0 | 18.5 b1 done");
}

#[test]
fn horizon_counts_what_hardware_draws_for_that_work_runs() {
    // 6 ms at 30 mW are 180 uJ, and so are 12 ms at 15. With as much power at both points the lower clock saves nothing.
    let rest = |nanowatts| {
        let mut own = states(&HALF);
        own.points.iter_mut().for_each(|point| point.idle_power = Power::from_nanowatts(nanowatts));
        own
    };
    let lone = "for 20; task a every 20 layers 6";
    check(lone, &rest(5_000_000), "horizon", "0 a0>0 | 12 a0 done");
    let mut alike = rest(5_000_000);
    alike.points[0].static_power = alike.points[1].static_power;
    check(lone, &alike, "horizon", "0 a0>0 | 6 a0 done");
    // Nothing is changed for less than the change takes: 6 ms at 5 mW, in which nothing would run, are 30 uJ.
    for (saved, expected) in [(29, "0 a0>0 | 12 a0 done"), (31, "0 a0>0 | 6 a0 done")] {
        let mut own = rest(5_000_000);
        own.switch.energy = Energy::from_femtojoules(saved * 1_000_000_000);
        check(lone, &own, "horizon", expected);
    }
}

#[test]
fn horizon_gates_until_its_plan_begins_something() {
    let gated = PowerStates { gating: gating("1.5"), ..states(&HALF) };
    let text = "for 40; task a every 20 layers 6";
    let (schedule, run) = ran(&system(text, &gated), "horizon", EndOfRun::Cut, 0);
    assert_eq!(schedule, "0 a0>0 | 12 a0 done | 20 a1>0 from 21.5 | 33.5 a1 done");
    let own = run.accelerators[0].power.clone().expect("power");
    assert_eq!((own.gated_ms, own.wakes), (8.0 + 6.5, 1));
    // A wake-up may take a fifth of the 10 ms that a has to spare, for what comes unexpectedly.
    let text = "for 40; task a every 20 due 16 layers 6";
    for (wake, wakes) in [("2", 1), ("2.1", 0)] {
        let own = PowerStates { gating: gating(wake), ..states(&HALF) };
        let (_, run) = ran(&system(text, &own), "horizon", EndOfRun::Cut, 0);
        assert_eq!(run.accelerators[0].power.clone().expect("power").wakes, wakes, "{wake}");
    }
}

#[test]
fn horizon_keeps_clocks_that_cannot_be_raised_in_time() {
    // A fifth of the 14 ms that a has to spare. Until the change is over a runs at the full clock: 2.8 of its 6, and the rest in 6.4.
    let lone = "for 20; task a every 20 layers 6";
    for (time, expected) in [("2.8", "0 a0>0 | 9.2 a0 done"), ("2.9", "0 a0>0 | 6 a0 done")] {
        let mut own = states(&HALF);
        own.switch.time = ms(time);
        check(lone, &own, "horizon", expected);
    }
}

#[test]
fn the_race_ends_in_a_gate_where_the_gap_allows_it() {
    let gated = PowerStates { gating: gating("1.5"), ..states(&HALF) };
    let text = "for 40; task a every 20 layers 6";
    let (schedule, run) = ran(&system(text, &gated), "edf governor=race-to-idle", EndOfRun::Cut, 0);
    assert_eq!(schedule, "0 a0>0 | 6 a0 done | 20 a1>0 from 21.5 | 27.5 a1 done");
    let own = run.accelerators[0].power.clone().expect("power");
    assert_eq!((own.gated_ms, own.wakes), (26.5, 1));
    // A wake-up longer than the gap, and one that takes more than being idle does: 14 ms at 10 mW are saved.
    let slow = PowerStates { gating: gating("15"), ..states(&HALF) };
    let dear = gating("1.5")
        .map(|gating| Gating { wake_energy: Energy::from_femtojoules(96_000_000_000), ..gating });
    for never in [slow, PowerStates { gating: dear, ..states(&HALF) }] {
        check(text, &never, "edf governor=race-to-idle", "0 a0>0 | 6 a0 done | 20 a1>0 | 26 a1 done");
    }
}

#[test]
fn cycle_conserving_clocks_follow_what_jobs_really_take() {
    // 6 of 20, 8 of 40, and a quantum of 1 in 20: 0.55 of the clock. a takes 3 of its 6, and asks for 0.15 then.
    let text = "for 40; task a every 20 layers 3 3 quanta 3 exit 0 1; task b every 40 layers 8 quanta 8";
    let governed = "edf preemption=quantum granularity=model governor=cycle-conserving";
    check(text, &states(&HALF), governed, "0 a0>0 | 3 a0 done, b0>0 | 19 b0 done | 20 a1>0 | 23 a1 done");
    // Where nothing preempts, a model of 8 blocks: 0.3 + 0.2 + 0.4 is 0.9, and 0.75 after a.
    let never = "edf granularity=model governor=cycle-conserving";
    check(text, &states(&HALF), never, "0 a0>0 | 3 a0 done, b0>0 | 11 b0 done | 20 a1>0 | 23 a1 done");
}

#[test]
fn points_without_a_governor_change_nothing() {
    for text in [
        "for 60; accelerators 2; switch 0.5; task a every 7 jitter 2 layers 2/3@4 1@2; task b every 9 layers 3@1/2 needs a",
        "for 60; accelerators 2; dram 1; task a every 7 layers 2~3@4 1~4; task b every 9 layers 3~6 quanta 3",
    ] {
        for policy_text in ["edf preemption=quantum", "dream-full", "least-slack drop=infeasible"] {
            let plain = ran(&ByHand::parse(text).system(), policy_text, EndOfRun::Cut, 7);
            let (schedule, mut run) = ran(&system(text, &states(&HALF)), policy_text, EndOfRun::Cut, 7);
            let standing = run.platform.take().expect("power");
            assert!(standing.platform_static_pj > 0.0);
            run.accelerators.iter_mut().for_each(|one| one.power = None);
            assert_eq!((schedule, run), plain);
        }
    }
}

/// A system of tasks, with all times and frequencies times or over a factor.
fn scaled(tasks: &[(u64, u64, u64)], factor: u64, shares: bool, stalls: bool) -> System {
    let mut text = format!("accelerators 2; for {}", 120 * factor);
    if shares {
        text += &format!("; dram {}", 4 / factor);
    }
    for (index, (period, compute, bytes)) in tasks.iter().enumerate() {
        let (period, compute) = (8 * period * factor, compute * factor);
        let layer = if shares { format!("{compute}~{bytes}@3") } else { format!("{compute}@3") };
        text += &format!("; task t{index} every {period} layers {layer} {layer} quanta 2");
    }
    let mut by_hand = ByHand::parse(&text);
    let clocks = |points: &[(u64, u64)]| {
        let points: Vec<(u64, u64)> = points.iter().map(|(mhz, volts)| (mhz / factor, *volts)).collect();
        let switch =
            PointSwitch { time: ms(&factor.to_string()), energy: Energy::from_femtojoules(9_000), stalls };
        PowerStates { switch, ..states(&points) }
    };
    for one in &mut by_hand.platform.accelerators {
        one.power = Some(PowerStates {
            gating: gating(&(2 * factor).to_string()),
            ..clocks(&[(400, 500), (800, 1_000)])
        });
    }
    by_hand.platform.power = PlatformPower {
        background: Power::from_nanowatts(5_000_000),
        dram: Some(clocks(&[(1_000, 500), (2_000, 1_000)])),
    };
    by_hand.system()
}

/// A task whose layers, at either clock of its accelerator and with the memory at its lowest, take times in ratios of twos and
/// fives, of which a millisecond in picoseconds is a product.
fn without_rests((period, compute, bytes): (u64, u64, u64)) -> (u64, u64, u64) {
    let nearest = |of: u64, allowed: &[u64]| {
        allowed.iter().copied().filter(|allowed| *allowed <= of).max().unwrap_or(1)
    };
    (period, nearest(compute, &[1, 2, 4, 5]), nearest(bytes, &[1, 2, 4, 5, 8]))
}

const GOVERNORS: [&str; 5] = ["max", "fixed", "race-to-idle", "slowest-that-fits", "cycle-conserving"];

/// The bytes of a layer take 3.5 at the memory's lowest clock, and 4 of compute at the slower clock are 8 sevenths of that: the
/// rest of a run is rounded when the clock changes, and of an end that is expected at a deadline a picosecond is left over.
#[test]
fn where_times_are_rounded_a_deadline_that_is_met_to_the_picosecond_may_be_missed_by_one() {
    let text = "edf preemption=quantum granularity=model governor=slowest-that-fits governor_dram=lowest";
    let energies = |tasks: &[(u64, u64, u64)]| {
        [1, 2]
            .map(|factor| ran(&scaled(tasks, factor, true, false), text, EndOfRun::Cut, 3).1.energy.energy_pj)
    };
    let [one, two] = energies(&[(2, 3, 7), (2, 5, 2), (2, 2, 4)]);
    assert!((one - two).abs() > 0.03 * one, "{one} {two}");
    let [one, two] = energies(&[(2, 3, 7), (2, 5, 2), (2, 2, 4)].map(without_rests));
    assert_eq!(one, two);
}

proptest! {
    #![proptest_config(cases::config(60))]

    #[test]
    fn halving_every_clock_and_doubling_every_time_scales_every_number(
        tasks in prop::collection::vec((1..6_u64, 1..6_u64, 1..9_u64), 1..4),
        governor in prop::sample::select(GOVERNORS.to_vec()), shares in any::<bool>(), stalls in any::<bool>(),
    ) {
        // Where a governor compares expected ends with deadlines, only times without a rest: thirds and sevenths of a
        // layer are rounded to a picosecond, and a deadline that is met to the picosecond is met no more.
        let tasks = match (shares, governor) {
            (true, "slowest-that-fits") => tasks.iter().map(|task| without_rests(*task)).collect(),
            _ => tasks,
        };
        let policy_text =
            format!("edf preemption=quantum granularity=model governor={governor} governor_dram=lowest");
        let (_, one) = ran(&scaled(&tasks, 1, shares, stalls), &policy_text, EndOfRun::Cut, 3);
        let (_, two) = ran(&scaled(&tasks, 2, shares, stalls), &policy_text, EndOfRun::Cut, 3);
        prop_assert_eq!(one.jobs, two.jobs);
        prop_assert_eq!(one.energy, two.energy);
        for (one, two) in one.tasks.iter().zip(&two.tasks) {
            let double = |value: Option<f64>| value.map(|value| 2.0 * value);
            prop_assert_eq!(double(one.response_mean_ms), two.response_mean_ms);
            prop_assert_eq!(double(one.response_max_ms), two.response_max_ms);
            prop_assert_eq!(double(one.tardiness_max_ms), two.tardiness_max_ms);
        }
        let (before, after) = (one.platform.expect("power"), two.platform.expect("power"));
        prop_assert_eq!(before.platform_work_pj, after.platform_work_pj);
        prop_assert_eq!(before.platform_switches_pj, after.platform_switches_pj);
        for (one, two) in [
            (before.platform_static_pj, after.platform_static_pj),
            (before.platform_idle_pj, after.platform_idle_pj),
            (before.platform_gated_pj, after.platform_gated_pj),
            (before.platform_background_pj, after.platform_background_pj),
        ] {
            prop_assert_eq!(2.0 * one, two);
        }
        for (one, two) in one.accelerators.iter().zip(&two.accelerators) {
            let (one, two) = (one.power.as_ref().expect("power"), two.power.as_ref().expect("power"));
            prop_assert_eq!((one.wakes, one.point_changes), (two.wakes, two.point_changes));
            for (one, two) in one.points.iter().zip(&two.points) {
                prop_assert_eq!(2.0 * one.time_ms, two.time_ms);
            }
        }
    }

    #[test]
    fn parts_of_platform_energy_add_up(
        tasks in prop::collection::vec((1..6_u64, 1..6_u64, 1..9_u64), 1..4),
        governor in prop::option::of(prop::sample::select(GOVERNORS.to_vec())),
        shares in any::<bool>(), stalls in any::<bool>(),
    ) {
        let policy_text = match governor {
            Some(governor) => format!("least-slack preemption=quantum governor={governor}"),
            None => "horizon".to_owned(),
        };
        let (_, run) = ran(&scaled(&tasks, 1, shares, stalls), &policy_text, EndOfRun::Drain, 3);
        let all = run.platform.expect("power");
        let femtojoules = |picojoules: f64| (picojoules * 1e3).round() as u128;
        let parts = [
            all.platform_work_pj,
            all.platform_static_pj,
            all.platform_idle_pj,
            all.platform_gated_pj,
            all.platform_switches_pj,
            all.platform_background_pj,
        ];
        prop_assert_eq!(femtojoules(all.platform_energy_pj), parts.map(femtojoules).iter().sum::<u128>());
        let of_units = |of: fn(&rtmm_sim::metrics::StandingEnergy) -> f64| -> u128 {
            let accelerators = run.accelerators.iter().filter_map(|one| one.power.as_ref());
            accelerators.chain(&all.dram).map(|unit| femtojoules(of(&unit.energy))).sum()
        };
        prop_assert_eq!(femtojoules(all.platform_static_pj), of_units(|energy| energy.static_pj));
        prop_assert_eq!(femtojoules(all.platform_idle_pj), of_units(|energy| energy.idle_pj));
        prop_assert_eq!(femtojoules(all.platform_gated_pj), of_units(|energy| energy.gated_pj));
        prop_assert_eq!(femtojoules(all.platform_switches_pj), of_units(|energy| energy.switches_pj));
        for unit in run.accelerators.iter().filter_map(|one| one.power.as_ref()).chain(&all.dram) {
            let time: f64 = unit.points.iter().map(|point| point.time_ms).sum();
            prop_assert!((time + unit.gated_ms - run.measured_ms).abs() < 1e-6);
        }
    }

    /// Deadlines equal to periods, preemption at quanta, layers bound by compute, free changes of clocks, and
    /// sum C/T + B / min T at most 1.
    #[test]
    fn cycle_conserving_edf_misses_nothing(
        tasks in prop::collection::vec((1..7_u64, 1..40_u64, 1..6_u64, any::<bool>()), 1..5), seed in any::<u64>(),
    ) {
        let periods = [10, 12, 20, 25, 40, 50];
        let mut text = "for 1000".to_owned();
        let (mut load, mut longest) = (0.0, 0.0_f64);
        let mut least = f64::MAX;
        for (index, (period, share, quanta, exits)) in tasks.iter().enumerate() {
            let period = periods[*period as usize % periods.len()];
            // Two layers, in hundredths of the period each.
            let layer = period as f64 * *share as f64 / 100.0;
            let exit = if *exits { "exit 0 0.5" } else { "" };
            text += &format!("; task t{index} every {period} layers {layer} {layer} quanta {quanta} {exit}");
            load += 2.0 * *share as f64 / 100.0;
            longest = longest.max(layer / *quanta as f64);
            least = least.min(period as f64);
        }
        prop_assume!(load + longest / least <= 1.0);
        let clocks = states(&[(250, 500), (500, 700), (800, 900), (1_000, 1_000)]);
        let system = system(&text, &clocks);
        let governed = "edf preemption=quantum granularity=layer governor=cycle-conserving";
        let (schedule, run) = ran(&system, governed, EndOfRun::Drain, seed);
        prop_assert_eq!((run.jobs.late, run.jobs.dropped), (0, 0), "{}: {}", text, schedule);
        // What it saves: no more work than at the highest point, and most often less.
        let (_, fast) = ran(&system, "edf preemption=quantum granularity=layer governor=max", EndOfRun::Drain, seed);
        prop_assert!(run.energy.energy_pj <= fast.energy.energy_pj + 1.0);
    }
}

#[test]
fn a_governor_comes_to_an_end_in_every_instant_where_changes_take_no_time() {
    // Layers that wait for memory stretch less at a low clock than others: by what is left of the run at one point, the other
    // fits, and the other way round.
    let platform = "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"systolic\"\ndataflow = \"os\"\n\
                    rows = 32\ncols = 32\ndram_bandwidth = 2\n[accelerator.power]\npoints = [\n\
                    { frequency_mhz = 150, voltage_v = 0.833, static_mw = 285, idle_mw = 117 },\n\
                    { frequency_mhz = 1450, voltage_v = 1.182, static_mw = 76, idle_mw = 102 } ]\n";
    let task = |name: &str, model: &str| {
        format!(
            "[[task]]\nname = \"{name}\"\nmodel = \"{model}\"\ndeadline = \"20ms\"\n\
             arrivals = {{ process = \"poisson\", rate_hz = 50 }}\n"
        )
    };
    let tasks = [task("t0", "examples/supernet"), task("t2", "examples/early_exit_cnn")].concat();
    let scenario = format!("source = \"a test\"\nduration = \"100ms\"\n{tasks}");
    let platform = rtmm_hardware::load::platform_of(&Source::new("p", platform), Mode::Corrected);
    let workload = rtmm_workload::load::workload_of(&Source::new("s", scenario), Legality::Strict);
    let (platform, workload) = (platform.expect("a platform"), workload.expect("a scenario"));
    let system = System::new(&workload.scenario, &workload.models, &platform).expect("costs");
    for policy_text in ["dream-mapscore governor=slowest-that-fits", "horizon", "horizon replan=layer"] {
        let (_, summary) = ran(&system, policy_text, EndOfRun::Cut, 0);
        assert!(summary.decisions > 0);
    }
}
