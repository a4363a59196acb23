//! Sweep files: what good ones plan, and what bad ones are told.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these are tests, and the helpers of tests"
)]

use rtmm_sweep::file::{plan, plan_of};
use rtmm_sweep::plan::{Baseline, Plan, PlatformId, PolicyId};
use rtmm_sweep::runner::{CellRunner, Chosen, ParameterError, Policy};
use rtmm_testkit::synthetic_runner::Synthetic;
use rtmm_workload::input::Source;
use rtmm_workload::{Deadline, DependencyKind, Duration, Scenario};

const INPUTS: &str = r#"
scenarios = ["xrbench/vr_gaming"]
platforms = ["xrbench/single_4k_ws"]
seeds = [1]
"#;

#[track_caller]
fn good<'r>(runners: &'r [&'r dyn CellRunner], text: &str) -> Plan<'r> {
    match plan_of(&Source::new("sweep.toml", format!("runner = \"synthetic\"\n{text}")), runners) {
        Ok(plan) => plan,
        Err(problems) => panic!("{problems}"),
    }
}

/// What a bad sweep is told.
#[track_caller]
fn bad(text: &str) -> String {
    let runner = Synthetic::default();
    plan_of(&Source::new("sweep.toml", text.trim_start()), &[&runner]).unwrap_err().to_string()
}

/// What a sweep with good inputs and a bad rest is told.
#[track_caller]
fn bad_rest(rest: &str) -> String {
    bad(&format!("runner = \"synthetic\"{INPUTS}{rest}"))
}

#[test]
fn the_synthetic_runner_is_sound() {
    assert_eq!(Synthetic::default().spec().faults(), Vec::<String>::new());
    let rich = Synthetic { settings: true, task_means: true, ..Synthetic::default() };
    assert_eq!(rich.spec().faults(), Vec::<String>::new());
    let clashing = Synthetic { clashing: true, ..Synthetic::default() };
    insta::assert_snapshot!(clashing.spec().faults().join("\n"), @r#"
settings: the default of `depth` is not allowed
policy `first`: `depth` is the name of a setting, too
"#);
}

#[test]
fn axes_multiply_in_a_fixed_order() {
    let runner = Synthetic::default();
    let runners: &[&dyn CellRunner] = &[&runner];
    let plan = good(
        runners,
        r#"
        scenarios = ["xrbench/ar_assistant", "xrbench/vr_*"]
        platforms = ["xrbench/single_4k_ws", "xrbench/single_4k_*"]
        load_factors = [1, 1.5]
        seeds = { first = 1000, step = 7919, count = 3 }
        duration = "100ms"
        baseline = { policy = "first", set = { depth = 3 } }
        [[policy]]
        name = "first"
        set = { depth = [1, 3], k_per_ms = 0.5 }
        [[policy]]
        name = "second"
        "#,
    );
    let names: Vec<&str> = plan.axes().platforms.iter().map(|platform| platform.name.as_str()).collect();
    assert_eq!(names, ["xrbench/single_4k_ws", "xrbench/single_4k_os", "xrbench/single_4k_rs"]);
    assert_eq!(plan.axes().seeds, [1000, 8919, 16838]);
    assert_eq!(plan.axes().baseline, Some(Baseline::Policy(PolicyId::new(1))));
    assert_eq!(plan.len(), (3 + 1) * 2 * 3 * 3);
    let told: Vec<String> = [0, 3, 6, 9, 27, 54, 55].map(|index| plan.describe(&plan.cells()[index])).into();
    insta::assert_snapshot!(told.join("\n"), @r#"
`xrbench/ar_assistant` on `xrbench/single_4k_ws` under `first k_per_ms=0.5 depth=1` with seed 1000
`xrbench/ar_assistant` on `xrbench/single_4k_ws` under `first k_per_ms=0.5 depth=3` with seed 1000
`xrbench/ar_assistant` on `xrbench/single_4k_ws` under `second drop=true order=arrival` with seed 1000
`xrbench/ar_assistant` on `xrbench/single_4k_os` under `first k_per_ms=0.5 depth=1` with seed 1000
`xrbench/ar_assistant` on `xrbench/single_4k_ws` under `first k_per_ms=0.5 depth=1` with seed 1000 at load 1.5
`xrbench/vr_gaming` on `xrbench/single_4k_ws` under `first k_per_ms=0.5 depth=1` with seed 1000
`xrbench/vr_gaming` on `xrbench/single_4k_ws` under `first k_per_ms=0.5 depth=3` with seed 1000
"#);
    assert_eq!(plan.scenario(&plan.cells()[0]).duration, Duration::from_milliseconds(100).unwrap());
}

#[test]
fn levels_of_a_technology_are_variants_of_platforms() {
    let runner = Synthetic::default();
    let runners: &[&dyn CellRunner] = &[&runner];
    let plan = good(
        runners,
        r#"
        scenarios = ["xrbench/vr_gaming"]
        platforms = ["technology/dual_4k_ws_*"]
        technology_levels = ["low", "high"]
        seeds = [1]
        [[policy]]
        name = "first"
        [[figure]]
        name = "levels"
        kind = "bars"
        metric = "score_percent"
        groups = "technology_level"
        series = "policy"
        where = { technology_level = "high" }
        "#,
    );
    let platforms = &plan.axes().platforms;
    let told: Vec<String> = platforms
        .iter()
        .map(|platform| format!("{} {}", platform.name, platform.labels["technology_level"]))
        .collect();
    assert_eq!(
        told,
        [
            "technology/dual_4k_ws_os@low low",
            "technology/dual_4k_ws_os@high high",
            "technology/dual_4k_ws_ws@low low",
            "technology/dual_4k_ws_ws@high high",
        ]
    );
    let hashes: std::collections::BTreeSet<String> =
        (0..platforms.len()).map(|index| plan.platform_hash(PlatformId::new(index))).collect();
    assert_eq!(hashes.len(), platforms.len());
}

#[test]
fn pairs_leave_out_the_rest_of_the_grid() {
    let runner = Synthetic::default();
    let runners: &[&dyn CellRunner] = &[&runner];
    let rest = "load_factors = [1, 2]\nseeds = [1, 2]\n[[policy]]\nname = \"first\"";
    let pairs = r#"
        pairs = [
            ["xrbench/vr_gaming", "xrbench/single_4k_os"],
            ["xrbench/ar_assistant", "xrbench/single_4k_ws"],
            ["xrbench/vr_gaming", "xrbench/single_4k_ws"],
        ]
    "#;
    let plan = good(runners, &format!("{pairs}\n{rest}"));
    let told: Vec<String> = plan.cells().iter().map(|cell| plan.describe(cell)).collect();
    let short: Vec<String> = told
        .iter()
        .map(|text| text.replace("xrbench/", "").replace(" under `first k_per_ms=15 depth=2`", ""))
        .collect();
    // Scenario, load factor, platform, seed, each in the order of its first mention.
    insta::assert_snapshot!(short.join("\n"), @r#"
`vr_gaming` on `single_4k_os` with seed 1
`vr_gaming` on `single_4k_ws` with seed 1
`vr_gaming` on `single_4k_os` with seed 1 at load 2
`vr_gaming` on `single_4k_ws` with seed 1 at load 2
`ar_assistant` on `single_4k_ws` with seed 1
`ar_assistant` on `single_4k_ws` with seed 2
`ar_assistant` on `single_4k_ws` with seed 1 at load 2
`ar_assistant` on `single_4k_ws` with seed 2 at load 2
"#);
    // Cells are those of the grid: the same identities.
    let grid = good(
        runners,
        &format!(
            "scenarios = [\"xrbench/vr_gaming\", \"xrbench/ar_assistant\"]\n\
             platforms = [\"xrbench/single_4k_os\", \"xrbench/single_4k_ws\"]\n{rest}"
        ),
    );
    assert_eq!(grid.len() - plan.len(), 4);
    assert!(plan.identities().iter().all(|identity| grid.find(identity).is_some()));
}

#[test]
fn bad_pairs_are_told() {
    let of = |lines: &str| bad(&format!("runner = \"synthetic\"\nseeds = [1]\n{lines}"));
    insta::assert_snapshot!(
        of("scenarios = [\"xrbench/*\"]\npairs = [[\"xrbench/vr_gaming\", \"xrbench/single_4k_ws\"]]"), @r#"
error: the sweep has both `pairs` and `scenarios`
 --> sweep.toml:3:13
  |
3 | scenarios = ["xrbench/*"]
  |             ^^^^^^^^^^^^^
  |
  = help: remove `scenarios`: the pairs name them, or remove `pairs`

error: the sweep names no policy, and the runner `synthetic` has several
 --> sweep.toml:1:1
  |
1 | runner = "synthetic"
  | ^
  |
  = help: add a [[policy]] table with one of: first, second
"#);
    insta::assert_snapshot!(
        of("pairs = [\n[\"xrbench/vr_gaming\", \"xrbench/single_4k_ws\"],\n\
            [\"xrbench/vr_gaming\", \"xrbench/single_4k_ws\"]]"), @r#"
error: the axis `pairs` has this value twice
 --> sweep.toml:5:1
  |
4 | ["xrbench/vr_gaming", "xrbench/single_4k_ws"],
  | --------------------------------------------- first here
5 | ["xrbench/vr_gaming", "xrbench/single_4k_ws"]]
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: remove one of them

error: the sweep names no policy, and the runner `synthetic` has several
 --> sweep.toml:1:1
  |
1 | runner = "synthetic"
  | ^
  |
  = help: add a [[policy]] table with one of: first, second
"#);
    insta::assert_snapshot!(of("pairs = []"), @r#"
error: the axis `pairs` is empty
 --> sweep.toml:3:9
  |
3 | pairs = []
  |         ^^
  |
  = help: list at least one value

error: the sweep names no policy, and the runner `synthetic` has several
 --> sweep.toml:1:1
  |
1 | runner = "synthetic"
  | ^
  |
  = help: add a [[policy]] table with one of: first, second
"#);
    insta::assert_snapshot!(of("pairs = [[\"xrbench/vr_gaming\"], \"xrbench/single_4k_ws\", [1, 2]]"), @r#"
error: a pair is a scenario and a platform, not 1 values
 --> sweep.toml:3:10
  |
3 | pairs = [["xrbench/vr_gaming"], "xrbench/single_4k_ws", [1, 2]]
  |          ^^^^^^^^^^^^^^^^^^^^^
  |
  = help: such as `["dysta/multi_cnn", "dysta/eyeriss_v2"]`

error: this item of `pairs` must be a list in brackets
 --> sweep.toml:3:33
  |
3 | pairs = [["xrbench/vr_gaming"], "xrbench/single_4k_ws", [1, 2]]
  |                                 ^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: this is of type string

error: this item of this item of `pairs` must be a text in quotes
 --> sweep.toml:3:58
  |
3 | pairs = [["xrbench/vr_gaming"], "xrbench/single_4k_ws", [1, 2]]
  |                                                          ^
  |
  = help: this is of type integer

error: the sweep names no policy, and the runner `synthetic` has several
 --> sweep.toml:1:1
  |
1 | runner = "synthetic"
  | ^
  |
  = help: add a [[policy]] table with one of: first, second
"#);
    insta::assert_snapshot!(
        of("pairs = [[\"xrbench/*\", \"xrbench/single_4k_ws\"], [\"xrbench/vr_gamin\", \"xrbench/none\"]]"), @r#"
error: `xrbench/*` is a pattern, and pairs have names
 --> sweep.toml:3:11
  |
3 | pairs = [["xrbench/*", "xrbench/single_4k_ws"], ["xrbench/vr_gamin", "xrbench/none"]]
  |           ^^^^^^^^^^^
  |
  = help: list pairs one by one, or give `scenarios` and `platforms`

error: the sweep names no policy, and the runner `synthetic` has several
 --> sweep.toml:1:1
  |
1 | runner = "synthetic"
  | ^
  |
  = help: add a [[policy]] table with one of: first, second
"#);
}

#[test]
fn settings_are_values_of_the_runner() {
    let runner = Synthetic { settings: true, ..Synthetic::default() };
    let runners: &[&dyn CellRunner] = &[&runner];
    let policy = "[[policy]]\nname = \"second\"\n";
    let plan = good(runners, &format!("{INPUTS}{policy}"));
    assert_eq!(plan.axes().settings.to_string(), "warm_up=0ps at_end=drain bonus=0");
    let set = "[settings]\nat_end = \"cut\"\nwarm_up = \"100ms\"\n";
    let plan = good(runners, &format!("{INPUTS}{policy}{set}"));
    assert_eq!(plan.axes().settings.to_string(), "warm_up=100ms at_end=cut bonus=0");

    let told = |settings: &str| {
        let text = format!("runner = \"synthetic\"{INPUTS}{policy}[settings]\n{settings}");
        plan_of(&Source::new("sweep.toml", text), runners).unwrap_err().to_string()
    };
    insta::assert_snapshot!(told("warm_up = [\"1ms\"]\nat_end = \"drains\"\nbonus = 11\nwarmup = 1\n"), @r#"
error: the runner `synthetic` has no setting `warmup`
  --> sweep.toml:11:1
   |
11 | warmup = 1
   | ^^^^^^
   |
   = help: did you mean `warm_up`?

error: the setting `warm_up` has one value in a sweep
 --> sweep.toml:8:11
  |
8 | warm_up = ["1ms"]
  |           ^^^^^^^
  |
  = help: write a value instead of the list; another value is another sweep

error: `at_end` cannot be `drains`
 --> sweep.toml:9:10
  |
9 | at_end = "drains"
  |          ^^^^^^^^
  |
  = help: did you mean `drain`?

error: `bonus` is out of range
  --> sweep.toml:10:9
   |
10 | bonus = 11
   |         ^^
   |
   = help: allowed: finite numbers from 0 to 10
"#);
    insta::assert_snapshot!(told("warm_up = 5\n"), @r#"
error: `warm_up` must be a duration such as "16ms"
 --> sweep.toml:8:11
  |
8 | warm_up = 5
  |           ^
  |
  = help: units are ps, ns, us, ms and s, such as "16.5ms"
"#);
    insta::assert_snapshot!(told("warm_up = \"11s\"\n"), @r#"
error: `warm_up` is out of range
 --> sweep.toml:8:11
  |
8 | warm_up = "11s"
  |           ^^^^^
  |
  = help: allowed: 0ps to 10s
"#);
    insta::assert_snapshot!(told("warm_up = \"5\"\n"), @r#"
error: `warm_up` is no duration: expected a number and a unit, such as "16ms"
 --> sweep.toml:8:11
  |
8 | warm_up = "5"
  |           ^^^
  |
  = help: units are ps, ns, us, ms and s, such as "16.5ms"
"#);
    insta::assert_snapshot!(told("warm_up = \"6s\"\nat_end = \"cut\"\n"), @r#"
error: the settings are refused: a run that is cut has no time for such a warm-up
 --> sweep.toml:7:1
  |
7 | [settings]
  | ^^^^^^^^^^
  |
  = help: change them
"#);
    insta::assert_snapshot!(bad_rest(&format!("{policy}[settings]\nwarm_up = \"1ms\"\n")), @r#"
error: the runner `synthetic` has no setting `warm_up`
 --> sweep.toml:8:1
  |
8 | warm_up = "1ms"
  | ^^^^^^^
  |
  = help: remove it
"#);
}

#[test]
fn command_lines_set_parameters_and_settings() {
    let runner = Synthetic { settings: true, ..Synthetic::default() };
    let schema = &runner.spec().policies[0];
    let chosen = Chosen::read(runner.spec(), schema, &["warm_up=16.5ms", " depth = 9 "]).unwrap();
    assert_eq!(chosen.policy.to_string(), "first k_per_ms=15 depth=9");
    assert_eq!(chosen.settings.to_string(), "warm_up=16.5ms at_end=drain bonus=0");
    let told = |texts: &[&str]| {
        let error = Chosen::read(runner.spec(), schema, texts).unwrap_err();
        format!("{error}; {}", error.help())
    };
    let told = [
        told(&["depth"]),
        told(&["dept=3"]),
        told(&["warmup=3ms"]),
        told(&["depth=3", "depth=3"]),
        told(&["depth=10"]),
        told(&["warm_up=11s"]),
        told(&["at_end=never"]),
        told(&["warm_up=6s", "at_end=cut"]),
        told(&["k_per_ms=0", "depth=9"]),
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
`--set depth` has no `=`; write --set KEY=VALUE
policy `first` has no parameter `dept`; did you mean `depth`?
policy `first` has no parameter `warmup`; did you mean `warm_up`?
parameter `depth` is set twice; keep one of the two
parameter `depth` cannot be `10`; allowed: whole numbers from 1 to 9
parameter `warm_up` cannot be `11s`; allowed: durations from 0ps to 10s, such as 16.5ms
parameter `at_end` cannot be `never`; allowed: drain, cut
the parameters are refused: a run that is cut has no time for such a warm-up; change the parameters
the parameters are refused: the policy `first`: a depth of 9 needs `k_per_ms` above 0; change the parameters
"#);

    let mut policy = Policy::with_defaults(schema);
    policy.parameters.set_text("depth", "3").unwrap();
    assert_eq!(policy.parameters_text(), "k_per_ms=15 depth=3");
    let error = policy.parameters.set_text("warm_up", "1ms").unwrap_err();
    assert!(matches!(error, ParameterError::Unknown { .. }), "{error}");
}

#[test]
fn probabilities_of_one_make_a_scenario_deterministic() {
    let runner = Synthetic { single_policy: true, ..Synthetic::default() };
    let runners: &[&dyn CellRunner] = &[&runner];
    let plan = good(
        runners,
        r#"
        scenarios = ["xrbench/vr_gaming"]
        platforms = ["xrbench/single_4k_ws"]
        seeds = [1, 2, 3]
        baseline = { platform = "xrbench/single_4k_ws" }
        trigger_probability = { task = "GE_FBNet_C", values = [0.5, 1] }
        "#,
    );
    assert_eq!(plan.len(), 3 + 1);
    assert_eq!(plan.axes().baseline, Some(Baseline::Platform(PlatformId::new(0))));
}

/// The probability of each control dependency of a scenario.
fn cascades(scenario: &Scenario) -> Vec<f64> {
    let dependencies = scenario.tasks.iter().flat_map(|task| &task.depends_on);
    let probability = |kind: &DependencyKind| match kind {
        DependencyKind::Data => None,
        DependencyKind::Control { probability, .. } => Some(*probability),
    };
    dependencies.filter_map(|dependency| probability(&dependency.kind)).collect()
}

#[test]
fn probabilities_of_all_cascades_are_an_axis() {
    let runner = Synthetic::default();
    let runners: &[&dyn CellRunner] = &[&runner];
    let inputs = r#"
        scenarios = ["examples/hub", "dream/vr_gaming"]
        platforms = ["xrbench/single_4k_ws"]
        seeds = [1]
        policy = [{ name = "first" }]
    "#;
    let plan =
        good(runners, &format!("{inputs}trigger_probability = {{ cascades = true, values = [0.5, 1] }}"));
    let told: Vec<(Vec<f64>, Option<f64>)> = (plan.varied_scenarios().iter())
        .map(|varied| (cascades(&varied.scenario), varied.number("trigger_probability")))
        .collect();
    let expected = [
        (vec![0.5], Some(0.5)),
        (vec![1.0], Some(1.0)),
        (vec![0.5, 0.5], Some(0.5)),
        (vec![1.0, 1.0], Some(1.0)),
    ];
    assert_eq!(told, expected);
    // Whether a frame of a task becomes a job at all is another matter.
    let mut tasks = plan.varied_scenarios().iter().flat_map(|varied| &varied.scenario.tasks);
    assert!(tasks.all(|task| task.trigger_probability == 1.0));
    let described = plan.describe(&plan.cells()[1]);
    assert!(described.ends_with("with seed 1 with cascades triggered at 1"), "{described}");

    // A cell has the identity of what it runs: the scenario as resolved, wherever its probabilities are from.
    let plain = good(runners, inputs);
    assert_eq!(cascades(&plain.varied_scenarios()[0].scenario), [0.2]);
    assert_eq!(cascades(&plain.varied_scenarios()[1].scenario), [0.5, 0.5]);
    let (varied, plain) = (plan.identities(), plain.identities());
    assert_eq!(varied[2], plain[1]);
    assert!(!varied[..2].contains(&plain[0]) && varied[0] != varied[1] && varied[2] != varied[3]);
}

/// Deadlines of ten times the isolated latency.
const ISOLATED: &str = r#"
scenarios = ["dysta/multi_attnn"]
platforms = ["xrbench/single_4k_ws"]
seeds = [1]
policy = [{ name = "first" }]
"#;

#[test]
fn deadline_factors_replace_multiples_of_the_isolated_latency() {
    let runner = Synthetic::default();
    let runners: &[&dyn CellRunner] = &[&runner];
    let axes = "deadline_factors = [10, 2.5]\nload_factors = [1, 2]\n";
    let plan = good(runners, &format!("{axes}{ISOLATED}"));
    // Loads change more slowly than deadlines.
    let told: Vec<[Option<f64>; 2]> = (plan.cells().iter().map(|cell| plan.varied_scenario(cell)))
        .map(|varied| ["load_factor", "deadline_factor"].map(|axis| varied.number(axis)))
        .collect();
    assert_eq!(told, [[1.0, 10.0], [1.0, 2.5], [2.0, 10.0], [2.0, 2.5]].map(|pair| pair.map(Some)));
    for (cell, factor_millionths) in plan.cells().iter().zip([10_000_000, 2_500_000].iter().cycle()) {
        let expected = Deadline::Isolated { factor_millionths: *factor_millionths };
        assert!(plan.scenario(cell).tasks.iter().all(|task| task.deadline == expected));
    }
    let text = "`dysta/multi_attnn` on `xrbench/single_4k_ws` under `first k_per_ms=15 depth=2` with seed 1 \
                with deadlines of 2.5 times the isolated latency";
    assert_eq!(plan.describe(&plan.cells()[1]), text);
    // What is computed is what a scenario says: with its own factor, a cell is the same as without any.
    let plain = good(runners, ISOLATED);
    assert_eq!(plan.identities()[0], plain.identities()[0]);
    assert_ne!(plan.identities()[1], plain.identities()[0]);
    assert_eq!(plain.varied_scenario(&plain.cells()[0]).number("deadline_factor"), None);
}

#[test]
fn a_load_may_scale_the_duration() {
    let runner = Synthetic::default();
    let runners: &[&dyn CellRunner] = &[&runner];
    let durations = |text: &str| -> Vec<Duration> {
        let plan = good(runners, &format!("load_factors = [0.5, 1, 3]\n{text}{ISOLATED}"));
        plan.cells().iter().map(|cell| plan.scenario(cell).duration).collect()
    };
    let picoseconds = |of: [u64; 3]| of.map(Duration::from_picoseconds);
    let whole = 33_333_000_000_000;
    assert_eq!(durations(""), picoseconds([whole; 3]));
    assert_eq!(durations("load_scales_duration = false\n"), picoseconds([whole; 3]));
    let scaled = durations("load_scales_duration = true\n");
    assert_eq!(scaled, picoseconds([66_666_000_000_000, whole, 11_111_000_000_000]));
    // Of a duration that the sweep states, too; rounded down.
    let scaled = durations("load_scales_duration = true\nduration = \"1us\"\n");
    assert_eq!(scaled, picoseconds([2_000_000, 1_000_000, 333_333]));
}

#[test]
fn identities_depend_on_all_that_matters_and_on_nothing_else() {
    let runner = Synthetic::default();
    let runners: &[&dyn CellRunner] = &[&runner];
    let policy = "[[policy]]\nname = \"first\"\n";
    let base = good(runners, &format!("{INPUTS}{policy}")).identities()[0];
    let same = good(runners, &format!("description = \"other\"\n{INPUTS}{policy}set = {{ depth = 2 }}"));
    assert_eq!(same.identities()[0], base);
    // Stored results are found by it: it changes with `rtmm cell 1` alone.
    insta::assert_snapshot!(base, @"487aac121b731eff0b6ec44359a484070a837099c1977804936826f5406b3d13");
    let newer = Synthetic { version: 1, ..Synthetic::default() };
    let newer: &[&dyn CellRunner] = &[&newer];
    let others = [
        good(newer, &format!("{INPUTS}{policy}")).identities()[0],
        good(runners, &format!("{INPUTS}{policy}set = {{ depth = 3 }}")).identities()[0],
        good(runners, &format!("duration = \"1s\"\n{INPUTS}{policy}")).identities()[0],
        good(runners, &format!("load_factors = [2]\n{INPUTS}{policy}")).identities()[0],
        good(runners, &format!("{}{policy}", INPUTS.replace("[1]", "[2]"))).identities()[0],
        good(runners, &format!("{}{policy}", INPUTS.replace("4k_ws", "8k_ws"))).identities()[0],
        good(runners, &format!("{}{policy}", INPUTS.replace("vr_gaming", "ar_gaming"))).identities()[0],
    ];
    for (index, other) in others.iter().enumerate() {
        assert_ne!(*other, base, "{index}");
        assert!(!others[..index].contains(other), "{index}");
    }
}

/// The networks of a supernet that a task may run are part of what a cell runs; the order in which the file
/// lists them is not, where the default is the same.
#[test]
fn identities_follow_the_networks_of_a_task() {
    let runner = Synthetic::default();
    let runners: &[&dyn CellRunner] = &[&runner];
    let folder = tempfile::tempdir().unwrap();
    let identity = |lines: &str| {
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "scenario.toml",
            &format!(
                "source = \"a test\"\nduration = \"1s\"\n[[task]]\nname = \"a\"\n\
                 model = \"examples/supernet\"\nrate_hz = 30\n{lines}\n"
            ),
        );
        let axes = "runner = \"synthetic\"\nscenarios = [\"scenario.toml\"]\n\
                    platforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\npolicy = [{ name = \"first\" }]\n";
        write("sweep.toml", axes);
        plan(folder.path().join("sweep.toml").to_str().unwrap(), runners).unwrap().identities()[0]
    };
    let plain = identity("");
    for same in ["variant = \"large\"", "variants = [\"small\", \"medium\", \"large\"]"] {
        assert_eq!(identity(same), plain, "{same}");
    }
    let others = [
        "variant = \"small\"",
        "variant = \"medium\"",
        "variants = [\"large\"]",
        "variants = [\"small\"]",
        "variants = [\"large\", \"small\"]",
        "variants = [\"medium\", \"small\"]",
        "variants = [\"small\", \"medium\"]",
    ]
    .map(identity);
    for (index, other) in others.iter().enumerate() {
        assert!(*other != plain && !others[..index].contains(other), "{index}");
    }
}

#[test]
fn built_in_sweeps_can_be_asked_for() {
    let runner = Synthetic { called: Some("xrbench"), single_policy: true, ..Synthetic::default() };
    for (name, cells) in [
        ("xrbench", (4 + 3 * 60) * 38),
        ("xrbench_once", 7 * 38),
        ("xrbench_cascade_probability", (3 * 60 + 1) * 2),
        ("smoke", (1 + 2) * 2),
    ] {
        match plan(name, &[&runner]) {
            Ok(plan) => assert_eq!((plan.axes().name.as_str(), plan.len()), (name, cells)),
            Err(problems) => panic!("{problems}"),
        }
    }
    let problems = plan("xrbench_onc", &[&runner]).unwrap_err().to_string();
    insta::assert_snapshot!(problems, @r#"
error: there is no built-in sweep `xrbench_onc`
 |
 = help: did you mean `xrbench_once`? (a path ends in .toml)
"#);
}

#[test]
fn folders_can_be_moved() {
    let runner = Synthetic { single_policy: true, ..Synthetic::default() };
    let runners: &[&dyn CellRunner] = &[&runner];
    let identities: Vec<_> = ["here", "there"]
        .into_iter()
        .map(|name| {
            let directory = tempfile::Builder::new().prefix(name).tempdir().unwrap();
            let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
            write(
                "scenario.toml",
                "source = \"a\"\nduration = \"1s\"\n[[task]]\nname = \"t\"\nmodel = \"model.toml\"\nrate_hz = 30",
            );
            write(
                "model.toml",
                "source = \"a\"\ninput = [3, 8, 8]\n[[layer]]\nname = \"l\"\noperator = \"fully-connected\"\n\
                 features = 10\nflatten = true",
            );
            write(
                "sweep.toml",
                "runner = \"synthetic\"\nscenarios = [\"scenario.toml\"]\n\
                 platforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]",
            );
            let path = directory.path().join("sweep.toml");
            match plan(&path.display().to_string(), runners) {
                Ok(plan) => (plan.identities()[0], plan.axes().name.clone()),
                Err(problems) => panic!("{problems}"),
            }
        })
        .collect();
    assert_eq!(identities[0], identities[1]);
    assert_eq!(identities[0].1, "sweep.toml");
}

#[test]
fn all_errors_of_a_file_come_at_once() {
    insta::assert_snapshot!(bad(r#"
runer = "synthetic"
runner = "synthetc"
scenarios = []
platforms = ["xrbench/pentuple_*", "xrbench/single_4k_ws", "xrbench/single_4k_ws"]
load_factors = [0, 1, "2"]
seeds = { first = -1, step = 0, count = 0 }
duration = "0ms"
trigger_probability = { task = "a", values = [0.5, 2, nan] }
"#), @r#"
error: unknown key `runer` in this sweep
 --> sweep.toml:1:1
  |
1 | runer = "synthetic"
  | ^^^^^
  |
  = help: did you mean `runner`?

error: there is no runner `synthetc`
 --> sweep.toml:2:10
  |
2 | runner = "synthetc"
  |          ^^^^^^^^^^
  |
  = help: did you mean `synthetic`?

error: the axis `scenarios` is empty
 --> sweep.toml:3:13
  |
3 | scenarios = []
  |             ^^
  |
  = help: list at least one value

error: the axis `platforms` has this value twice
 --> sweep.toml:4:60
  |
4 | platforms = ["xrbench/pentuple_*", "xrbench/single_4k_ws", "xrbench/single_4k_ws"]
  |                                    ----------------------  ^^^^^^^^^^^^^^^^^^^^^^
  |                                    |
  |                                    first here
  |
  = help: remove one of them

error: this item of `load_factors` is out of range
 --> sweep.toml:5:17
  |
5 | load_factors = [0, 1, "2"]
  |                 ^
  |
  = help: allowed: 0.000001 to 1000000, with at most six decimals and no exponent

error: this item of `load_factors` must be a number
 --> sweep.toml:5:23
  |
5 | load_factors = [0, 1, "2"]
  |                       ^^^
  |
  = help: this is of type string

error: this item of `values` is out of range
 --> sweep.toml:8:52
  |
8 | trigger_probability = { task = "a", values = [0.5, 2, nan] }
  |                                                    ^
  |
  = help: allowed: finite numbers from 0 to 1

error: this item of `values` is out of range
 --> sweep.toml:8:55
  |
8 | trigger_probability = { task = "a", values = [0.5, 2, nan] }
  |                                                       ^^^
  |
  = help: allowed: finite numbers from 0 to 1

error: `first` is out of range
 --> sweep.toml:6:19
  |
6 | seeds = { first = -1, step = 0, count = 0 }
  |                   ^^
  |
  = help: allowed: 0 to 9223372036854775807

error: `step` is out of range
 --> sweep.toml:6:30
  |
6 | seeds = { first = -1, step = 0, count = 0 }
  |                              ^
  |
  = help: allowed: 1 to 9223372036854775807

error: `count` is out of range
 --> sweep.toml:6:41
  |
6 | seeds = { first = -1, step = 0, count = 0 }
  |                                         ^
  |
  = help: allowed: 1 to 1000000

error: `duration` is zero
 --> sweep.toml:7:12
  |
7 | duration = "0ms"
  |            ^^^^^
  |
  = help: write a duration above zero, such as "16ms"

error: no built-in platform matches `xrbench/pentuple_*`
 --> sweep.toml:4:14
  |
4 | platforms = ["xrbench/pentuple_*", "xrbench/single_4k_ws", "xrbench/single_4k_ws"]
  |              ^^^^^^^^^^^^^^^^^^^^
  |
  = help: there are 97 of them, such as `boards/gs101`
"#);
}

#[test]
fn unknown_inputs_are_told_with_the_nearest() {
    insta::assert_snapshot!(bad(r#"
runner = "synthetic"
scenarios = ["xrbench/vr_gamin", "nowhere.toml"]
platforms = ["xrbench/single_4k_wz"]
seeds = [1]
[[policy]]
name = "first"
"#), @r#"
error: there is no built-in scenario `xrbench/vr_gamin`
 --> sweep.toml:2:14
  |
2 | scenarios = ["xrbench/vr_gamin", "nowhere.toml"]
  |              ^^^^^^^^^^^^^^^^^^ named here
  |
  = help: did you mean `xrbench/vr_gaming`? (a path ends in .toml)

error: nowhere.toml: cannot be read: No such file or directory (os error 2)
 --> sweep.toml:2:34
  |
2 | scenarios = ["xrbench/vr_gamin", "nowhere.toml"]
  |                                  ^^^^^^^^^^^^^^ named here
  |
  = help: check the path and the permissions

error: there is no built-in platform `xrbench/single_4k_wz`
 --> sweep.toml:3:14
  |
3 | platforms = ["xrbench/single_4k_wz"]
  |              ^^^^^^^^^^^^^^^^^^^^^^ named here
  |
  = help: did you mean `xrbench/single_4k_ws`? (a path ends in .toml)
"#);
}

#[test]
fn bad_policies_are_told() {
    insta::assert_snapshot!(bad_rest(r#"
[[policy]]
name = "frist"
[[policy]]
name = "first"
set = { k_per_m = 1.0, depth = [] }
[[policy]]
name = "first"
set = { k_per_ms = [0.0, 101.0], depth = 0 }
[[policy]]
name = "second"
set = { order = "size", drop = 1 }
"#), @r#"
error: there is no policy `frist`
 --> sweep.toml:7:8
  |
7 | name = "frist"
  |        ^^^^^^^
  |
  = help: did you mean `first`?

error: the policy `first` has no parameter `k_per_m`
  --> sweep.toml:10:9
   |
10 | set = { k_per_m = 1.0, depth = [] }
   |         ^^^^^^^
   |
   = help: did you mean `k_per_ms`?

error: the axis `depth` is empty
  --> sweep.toml:10:32
   |
10 | set = { k_per_m = 1.0, depth = [] }
   |                                ^^
   |
   = help: list at least one value

error: this item of `k_per_ms` is out of range
  --> sweep.toml:13:26
   |
13 | set = { k_per_ms = [0.0, 101.0], depth = 0 }
   |                          ^^^^^
   |
   = help: allowed: finite numbers from 0 to 100

error: `depth` is out of range
  --> sweep.toml:13:42
   |
13 | set = { k_per_ms = [0.0, 101.0], depth = 0 }
   |                                          ^
   |
   = help: allowed: 1 to 9

error: `drop` must be true or false
  --> sweep.toml:16:32
   |
16 | set = { order = "size", drop = 1 }
   |                                ^
   |
   = help: this is of type integer

error: `order` cannot be `size`
  --> sweep.toml:16:17
   |
16 | set = { order = "size", drop = 1 }
   |                 ^^^^^^
   |
   = help: known: arrival, deadline
"#);
    insta::assert_snapshot!(bad_rest(r#"
[[policy]]
name = "first"
set = { k_per_ms = [0, 15], depth = [2, 9] }
[[policy]]
name = "second"
[[policy]]
name = "second"
set = { drop = [true, false] }
"#), @r#"
error: the policy `first k_per_ms=0 depth=9` is refused: a depth of 9 needs `k_per_ms` above 0
 --> sweep.toml:6:1
  |
6 | [[policy]]
  | ^^^^^^^^^^
  |
  = help: change its parameters

error: the sweep has the policy `second drop=true order=arrival` twice
  --> sweep.toml:11:1
   |
11 | [[policy]]
   | ^^^^^^^^^^
   |
   = help: remove one of them, or set other parameters
"#);
    insta::assert_snapshot!(bad_rest(""), @r#"
error: the sweep names no policy, and the runner `synthetic` has several
 --> sweep.toml:1:1
  |
1 | runner = "synthetic"
  | ^
  |
  = help: add a [[policy]] table with one of: first, second
"#);
}

#[test]
fn bad_seeds_are_told() {
    let seeds = |seeds: &str| {
        bad(&format!("runner = \"synthetic\"{}", INPUTS.replace("[1]", seeds))
            .replace("seeds", "policy = [{ name = \"first\" }]\nseeds"))
    };
    insta::assert_snapshot!(seeds("[]"), @r#"
error: the axis `seeds` is empty
 --> sweep.toml:5:9
  |
5 | seeds = []
  |         ^^
  |
  = help: list at least one value
"#);
    insta::assert_snapshot!(seeds("[1, 2, 1]"), @r#"
error: the axis `seeds` has this value twice
 --> sweep.toml:5:16
  |
5 | seeds = [1, 2, 1]
  |          -     ^
  |          |
  |          first here
  |
  = help: remove one of them
"#);
    insta::assert_snapshot!(seeds("4"), @r#"
error: `seeds` must be a list or a table
 --> sweep.toml:5:9
  |
5 | seeds = 4
  |         ^
  |
  = help: write `seeds = [1, 2, 3]`, or `seeds = { first = 1000, step = 7919, count = 60 }`
"#);
    insta::assert_snapshot!(seeds("[4294967296]"), @r#"
error: this item of `seeds` is out of range
 --> sweep.toml:5:10
  |
5 | seeds = [4294967296]
  |          ^^^^^^^^^^
  |
  = help: allowed: 0 to 4294967295
"#);
    insta::assert_snapshot!(seeds("{ first = 4294967290, count = 7 }"), @r#"
error: the seeds are out of range
 --> sweep.toml:5:9
  |
5 | seeds = { first = 4294967290, count = 7 }
  |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: the last one, first + step x (count - 1), can be 4294967295 at most
"#);
    insta::assert_snapshot!(seeds("{ first = 1, step = 99999999999999999999, count = 1 }"), @r#"
error: `step` is out of range
 --> sweep.toml:5:29
  |
5 | seeds = { first = 1, step = 99999999999999999999, count = 1 }
  |                             ^^^^^^^^^^^^^^^^^^^^
  |
  = help: allowed: 1 to 4294967295
"#);
}

#[test]
fn bad_axes_over_cascades_are_told() {
    let of =
        |axis: &str| bad_rest(&format!("policy = [{{ name = \"first\" }}]\ntrigger_probability = {axis}\n"));
    let axes = [
        "{ task = \"GE_FBNet_C\", cascades = true, values = [1] }",
        "{ values = [1] }",
        "{ cascades = false, values = [1] }",
        "{ cascades = 1, values = [-0.1, 0.5, 1.2] }",
        "{ cascades = true }",
        "{ cascades = true, values = [0.5, 1] }",
    ];
    insta::assert_snapshot!(axes.map(of).join("\n\n"), @r#"
error: probabilities of one task or of all cascades are varied, not both
 --> sweep.toml:6:57
  |
6 | trigger_probability = { task = "GE_FBNet_C", cascades = true, values = [1] }
  |                                                         ^^^^
  |
  = help: remove `task` or `cascades`

error: `trigger_probability` does not say whose probabilities are varied
 --> sweep.toml:6:23
  |
6 | trigger_probability = { values = [1] }
  |                       ^^^^^^^^^^^^^^^^
  |
  = help: add `task = "..."`, or `cascades = true` for all control dependencies

error: `cascades` is false, and no task is named
 --> sweep.toml:6:36
  |
6 | trigger_probability = { cascades = false, values = [1] }
  |                                    ^^^^^
  |
  = help: write `cascades = true`, or name a `task`

error: `cascades` must be true or false
 --> sweep.toml:6:36
  |
6 | trigger_probability = { cascades = 1, values = [-0.1, 0.5, 1.2] }
  |                                    ^
  |
  = help: this is of type integer

error: this item of `values` is out of range
 --> sweep.toml:6:49
  |
6 | trigger_probability = { cascades = 1, values = [-0.1, 0.5, 1.2] }
  |                                                 ^^^^
  |
  = help: allowed: finite numbers from 0 to 1

error: this item of `values` is out of range
 --> sweep.toml:6:60
  |
6 | trigger_probability = { cascades = 1, values = [-0.1, 0.5, 1.2] }
  |                                                            ^^^
  |
  = help: allowed: finite numbers from 0 to 1

error: `trigger_probability` has no `values`
 --> sweep.toml:6:23
  |
6 | trigger_probability = { cascades = true }
  |                       ^^^^^^^^^^^^^^^^^^^
  |
  = help: add `values = ...`

error: scenario `xrbench/vr_gaming` has no control dependency whose probability could be varied
 --> sweep.toml:6:23
  |
6 | trigger_probability = { cascades = true, values = [0.5, 1] }
  |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: give one of its tasks `depends_on = [{ task = "...", kind = "control" }]`, or remove the scenario
"#);
}

#[test]
fn bad_variations_are_told() {
    insta::assert_snapshot!(bad_rest(r#"
load_factors = [0.000001, 1000000]
policy = [{ name = "first" }]
trigger_probability = { task = "GE_FBNet", values = [1] }
"#), @r#"
error: scenario `xrbench/vr_gaming` has no task `GE_FBNet` whose trigger probability could be varied
 --> sweep.toml:8:23
  |
8 | trigger_probability = { task = "GE_FBNet", values = [1] }
  |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: did you mean `GE_FBNet_C`?
"#);
    insta::assert_snapshot!(bad_rest(r#"
load_factors = [1.0000001]
policy = [{ name = "first" }]
"#), @r#"
error: this item of `load_factors` is out of range
 --> sweep.toml:6:17
  |
6 | load_factors = [1.0000001]
  |                 ^^^^^^^^^
  |
  = help: allowed: 0.000001 to 1000000, with at most six decimals and no exponent
"#);
    insta::assert_snapshot!(bad_rest(r#"
deadline_factors = [5, 10]
policy = [{ name = "first" }]
"#), @r#"
error: scenario `xrbench/vr_gaming` has no deadline that is a multiple of the isolated latency
 --> sweep.toml:6:20
  |
6 | deadline_factors = [5, 10]
  |                    ^^^^^^^
  |
  = help: give its tasks `deadline = { isolated = 10 }`, or remove the axis
"#);
    insta::assert_snapshot!(bad_rest(r#"
deadline_factors = [0, 5, 5]
load_scales_duration = 1
policy = [{ name = "first" }]
"#), @r#"
error: `load_scales_duration` must be true or false
 --> sweep.toml:7:24
  |
7 | load_scales_duration = 1
  |                        ^
  |
  = help: this is of type integer

error: this item of `deadline_factors` is out of range
 --> sweep.toml:6:21
  |
6 | deadline_factors = [0, 5, 5]
  |                     ^
  |
  = help: allowed: 0.000001 to 1000000, with at most six decimals and no exponent

error: the axis `deadline_factors` has this value twice
 --> sweep.toml:6:27
  |
6 | deadline_factors = [0, 5, 5]
  |                        -  ^
  |                        |
  |                        first here
  |
  = help: remove one of them
"#);
}

#[test]
fn bad_baselines_are_told() {
    let baseline = |baseline: &str| {
        bad_rest(&format!(
            "baseline = {baseline}\n[[policy]]\nname = \"first\"\nset = {{ depth = [1, 2] }}\n"
        ))
    };
    insta::assert_snapshot!(baseline("{ policy = \"first\" }"), @r#"
error: 2 policies `first` of this sweep could be the baseline
 --> sweep.toml:5:23
  |
5 | baseline = { policy = "first" }
  |                       ^^^^^^^
  |
  = help: set the parameters that tell them apart, such as `set = { ... }`
"#);
    insta::assert_snapshot!(baseline("{ policy = \"first\", set = { depth = 7 } }"), @r#"
error: no `first` of this sweep has these parameters
 --> sweep.toml:5:23
  |
5 | baseline = { policy = "first", set = { depth = 7 } }
  |                       ^^^^^^^
  |
  = help: set parameters to values that the sweep has
"#);
    insta::assert_snapshot!(baseline("{ policy = \"second\" }"), @r#"
error: the baseline `second` is no policy of this sweep
 --> sweep.toml:5:23
  |
5 | baseline = { policy = "second" }
  |                       ^^^^^^^^
  |
  = help: known: first
"#);
    insta::assert_snapshot!(baseline("{ platform = \"xrbench/single_4k_os\" }"), @r#"
error: the baseline `xrbench/single_4k_os` is no platform of this sweep
 --> sweep.toml:5:25
  |
5 | baseline = { platform = "xrbench/single_4k_os" }
  |                         ^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: did you mean `xrbench/single_4k_ws`?
"#);
    insta::assert_snapshot!(baseline("{}"), @r#"
error: the baseline must be a platform or a policy
 --> sweep.toml:5:12
  |
5 | baseline = {}
  |            ^^
  |
  = help: write `baseline = { platform = "..." }`, or `baseline = { policy = "...", set = { ... } }`
"#);
}

/// A cell is another one if a task's model has another value of a parameter, and no other one if the
/// task merely states the default.
#[test]
fn parameters_of_models_are_part_of_the_identity() {
    let runner = Synthetic::default();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phrases.toml");
    let identity = |parameters: &str| {
        let text = format!(
            "source = \"a test\"\nduration = \"1s\"\n[[task]]\nname = \"a\"\nmodel = \"dream/gnmt\"\n\
             rate_hz = 2\n{parameters}\n"
        );
        std::fs::write(&path, text).unwrap();
        let scenario = path.display().to_string().replace('\\', "/");
        let text = format!(
            "scenarios = [\"{scenario}\"]\nplatforms = [\"xrbench/single_4k_ws\"]\nseeds = [1]\n\
             [[policy]]\nname = \"first\"\n"
        );
        *good(&[&runner], &text).identities().first().unwrap()
    };
    let unset = identity("");
    assert_eq!(unset, identity("model_parameters = { sequence_length = 20 }"));
    let forty = identity("model_parameters = { sequence_length = 40 }");
    assert_ne!(unset, forty);
    assert_ne!(forty, identity("model_parameters = { sequence_length = 41 }"));
}
