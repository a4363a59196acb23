//! Times that vary: every job takes what it drew, policies know the mean, and nobody's draw depends on what is decided.
//!
//! `by_hand` says how systems and schedules are written. Times are milliseconds.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use rtmm_hardware::{
    Condition, Configuration, Correlation, CostError, CostModel, LayerOf, Platform, Quantiles, Variation,
    Work,
};
use rtmm_scheduler::{Extent, PolicyRegistry};
use rtmm_sim::metrics::Audit;
use rtmm_sim::{EndOfRun, JobRecord, Observer, RunOptions, System};
use rtmm_testkit::by_hand::{ByHand, policy, schedule};
use rtmm_testkit::random_systems::policies::Fcfs;
use rtmm_testkit::random_systems::systems::{self, Sketch};
use rtmm_testkit::simulate;
use rtmm_testkit::{cases, random_systems};
use rtmm_workload::Time;
use rtmm_workload::random::{Draws, Stream};

const DRAIN: RunOptions = RunOptions { seed: 0, end: EndOfRun::Drain, oracle: false };

/// What each job that completed takes by itself, in picoseconds, by task and frame.
#[derive(Clone, Debug, Default)]
struct Taken(BTreeMap<(usize, u64), u64>);

impl Observer for Taken {
    fn completed(&mut self, _now: Time, record: &JobRecord<'_>) {
        self.0.insert((record.job.task.index(), record.job.frame), record.isolated.picoseconds());
    }
}

fn taken(system: &System, policy_text: &str, seed: u64) -> BTreeMap<(usize, u64), u64> {
    let (row, parameters) = policy(policy_text);
    let options = RunOptions { seed, oracle: row.oracle, ..DRAIN };
    let policy = row.build(&parameters).expect("parameters of this policy");
    let observer = (Taken::default(), Audit::new(system));
    let (taken, audit) =
        simulate(system, &row.name, policy, observer, options).expect("only legal decisions");
    assert_eq!(audit.violations(), Vec::<String>::new(), "{policy_text}");
    taken.0
}

/// What a layer of 1 takes: half of it and the part of all jobs that its rank is, in picoseconds.
fn drawn(seed: u64, task: &str, frame: u64, layer: u64, correlation: f64) -> f64 {
    let draws = Draws::new(seed, Stream::Latency, task);
    let number = correlation.sqrt() * draws.normal(frame, 0)
        + (1.0 - correlation).sqrt() * draws.normal(frame, layer + 1);
    1e9 * (0.5 + 0.5 * libm::erfc(-number / std::f64::consts::SQRT_2))
}

#[test]
fn a_job_takes_what_its_layers_drew() {
    let by_hand = ByHand::parse("varies 0.25; for 400; task a every 4 layers 1 1 1; task b every 5 layers 1");
    let all = taken(&by_hand.system(), "fcfs", 3);
    assert_eq!(all.len(), 100 + 80);
    for ((task, frame), took) in all {
        let (name, layers) = [("a", 3), ("b", 1)][task];
        let expected: f64 = (0..layers).map(|layer| drawn(3, name, frame, layer, 0.25)).sum();
        // Ranks are steps, times whole picoseconds.
        assert!((took as f64 - expected).abs() <= 2.0, "{name}{frame}: {took} is not {expected}");
    }
}

#[test]
fn draws_are_the_same_under_every_policy_and_on_every_accelerator() {
    // The second accelerator takes twice as long for everything, and nothing else is different there.
    let text = "accelerators 2; varies 0.5; for 200; task a every 5 due 900 layers 1/2 0.5/1 quanta 3
                task b every 7 due 900 layers 0.25/0.5 variant 1/2";
    let by_hand = ByHand::parse(text);
    let system = by_hand.system();
    let expected = taken(&system, "fcfs", 5);
    assert_eq!(expected.len(), 40 + 29);
    for row in PolicyRegistry::built_in() {
        let own = taken(&system, &row.name, 5);
        for (job, took) in &own {
            // A job of `b` may run as the other variant, which takes four times as long at the same rank.
            let usual = expected[job];
            let is_usual = *took == usual || (job.0 == 1 && took.abs_diff(4 * usual) <= 4);
            assert!(is_usual, "{}: {job:?} takes {took} and not {usual}", row.name);
        }
    }
    // A task before them, which draws, too, changes nothing; another seed does.
    let more = ByHand::parse(&text.replace("task a", "task z every 3 layers 1/1\ntask a"));
    for ((task, frame), took) in taken(&more.system(), "fcfs", 5) {
        assert!(task == 0 || took == expected[&(task - 1, frame)], "{task} {frame}");
    }
    assert_ne!(taken(&system, "fcfs", 6), expected);
}

#[test]
fn quanta_of_a_layer_stretch_with_it() {
    // The layer takes 8 of what it is said to take, times its draw; b comes at 1, and stops it at a quarter of it.
    let system = "varies 1; task a comes 0 due 30 layers 8 quanta 4; task b comes 1 due 5 layers 1";
    let factor = |task: &str| drawn(0, task, 0, 0, 1.0) / 1e9;
    let (a, b) = (8.0 * factor("a"), factor("b"));
    let told = schedule(system, "edf preemption=quantum granularity=model", 0);
    let quarters =
        (1..4).find(|quarter| f64::from(*quarter) * a / 4.0 >= 1.0).expect("a boundary after b comes");
    let stop = f64::from(quarters) * a / 4.0;
    assert!(told.contains(&format!("a0 at 0+{quarters}/4, b0>0")), "{told}");
    // Instants of the schedule, to the nanosecond.
    let at = |event: &str| -> f64 {
        let instant = told.split(" | ").find(|instant| instant.contains(event)).expect("it happens");
        instant.split(' ').next().expect("an instant").parse().expect("a number")
    };
    for (event, expected) in [("a0 at", stop), ("b0 done", stop + b), ("a0 done", a + b)] {
        assert!((at(event) - expected).abs() < 1e-6, "{event} at {expected}: {told}");
    }
}

#[test]
fn policies_plan_with_the_mean_and_oracles_with_the_draw() {
    // By the mean a is shorter. Under some seed it is longer.
    let system = "varies 0; task a comes 0 due 30 layers 4; task b comes 0 due 30 layers 5";
    let factor = |seed, task: &str| drawn(seed, task, 0, 0, 0.0) / 1e9;
    let is_longer = |seed: &u64| 4.0 * factor(*seed, "a") > 5.0 * factor(*seed, "b");
    let seed = (0..).find(is_longer).expect("a seed");
    for (name, first) in [
        ("sjf", "0 a0>0"),
        ("dysta beta=0", "0 a0>0"),
        ("sjf-oracle", "0 b0>0"),
        ("dysta-oracle beta=0", "0 b0>0"),
    ] {
        assert!(schedule(system, name, seed).starts_with(first), "{name}");
    }
}

/// A cost model whose layers vary from what they take to what they take.
#[derive(Debug)]
struct Degenerate(Configuration);

impl CostModel for Degenerate {
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError> {
        self.0.cost_model.work(layer, condition)
    }

    fn identity(&self) -> String {
        self.0.identity()
    }

    fn depends_on_shape_only(&self) -> bool {
        self.0.cost_model.depends_on_shape_only()
    }

    fn depends_on_input(&self) -> bool {
        self.0.cost_model.depends_on_input()
    }

    fn variation(&self) -> Option<&dyn Variation> {
        Some(self)
    }
}

impl Variation for Degenerate {
    fn quantiles(&self, layer: LayerOf<'_>, _: u32) -> Option<Quantiles> {
        let compute = self.work(layer, Condition::Profile).ok()?.compute;
        Quantiles::new([compute; 5]).ok()
    }

    fn correlation(&self) -> Correlation {
        Correlation::new(0.5)
    }
}

fn degenerate(mut platform: Platform) -> Platform {
    let of = |one: &Configuration| Configuration::new(one.label.clone(), Degenerate(one.clone()));
    platform.configurations = platform.configurations.iter().map(of).collect();
    platform
}

fn same_as_constant(sketch: &Sketch, extent: Extent, end: EndOfRun) -> Result<(), TestCaseError> {
    let built = sketch.build();
    let run = |platform: &Platform| {
        let system = System::new(&built.scenario, &built.models, platform).expect("all layers have costs");
        random_systems::run(&system, Fcfs::new(extent), RunOptions { seed: sketch.seed, end, oracle: false })
    };
    let constant = run(&built.platform);
    prop_assert_eq!(run(&degenerate(built.platform)), constant);
    Ok(())
}

proptest! {
    #![proptest_config(cases::config(150))]

    #[test]
    fn times_that_do_not_vary_after_all_are_constant_times_to_the_bit(
        sketch in systems::with_divisions(), is_whole in any::<bool>(), drains in any::<bool>(),
    ) {
        let extent = if is_whole { Extent::Rest } else { Extent::LAYER };
        same_as_constant(&sketch, extent, if drains { EndOfRun::Drain } else { EndOfRun::Cut })?;
    }
}

/// Mean and correlation of what two layers of many jobs take.
#[test]
fn times_have_the_stated_mean_and_correlation() {
    const JOBS: usize = 20_000;
    // Jobs of `one` take a layer, those of `two` take two.
    let text = "varies 0.5; for 100000; task one every 5 layers 1; task two every 5 layers 1 1";
    let all = taken(&ByHand::parse(text).system(), "fcfs", 11);
    let of = |task| all.iter().filter(move |((of, _), _)| *of == task).map(|(_, took)| *took as f64 / 1e9);
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / JOBS as f64;
    let variance = |task: usize, mean_of: f64| mean(&mut of(task).map(|took| (took - mean_of).powi(2)));
    let (one, two) = (mean(&mut of(0)), mean(&mut of(1)));
    // Uniform between half and one and a half: of variance 1/12. Two of correlation r: 2/12 (1 + r).
    let correlation = 0.482_584;
    let (of_one, of_two) = (1.0 / 12.0, (1.0 + correlation) / 6.0);
    assert!((one - 1.0).abs() < 4.0 * (of_one / JOBS as f64).sqrt(), "{one}");
    assert!((two - 2.0).abs() < 4.0 * (of_two / JOBS as f64).sqrt(), "{two}");
    // Of ranks the copula of 0.5 has 6 / pi asin(0.25).
    assert!((variance(0, one) / of_one - 1.0).abs() < 0.03, "{}", variance(0, one));
    assert!((variance(1, two) / of_two - 1.0).abs() < 0.04, "{}", variance(1, two));
}

#[test]
fn a_schedule_with_times_that_vary_stays_as_it_is() {
    let system = "accelerators 2; varies 0.5; for 12
                  task a every 4 layers 1/2 2/1; task b every 6 due 3 layers 1.5/3 quanta 3";
    let told = schedule(system, "edf preemption=quantum", 1).replace(" | ", "\n");
    insta::assert_snapshot!(told, @"
    0 b0>0, a0>1
    1.531244147 b0 done
    2.982252824 a0 at 1, a0>1
    4 a1>0
    4.416303926 a0 late
    5.368580106 a1 at 1, a1>1
    6 b1>0
    6.515551935 a1 done
    7.44151014 b1 done
    8 a2>0
    9.429491836 a2 at 1, a2>1
    10.487301197 a2 done
    ");
}
