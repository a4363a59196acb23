//! `rtmm analyse`: bounds in every format, what the page shows, and what is said of bad input.
#![expect(clippy::disallowed_methods, reason = "this test reads the repository's own files")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use crate::common::Workspace;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/analysis.md");
const HEADER: &str = "Task ID, Job ID, Arrival min, Arrival max, Cost min, Cost max, Deadline, Priority\n";

fn page() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

/// The first job set of the page.
fn jobs_of_the_page() -> String {
    let page = page();
    let block = page.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap().to_owned()
}

fn workspace() -> Workspace {
    let workspace = systems();
    workspace.write("jobs.csv", jobs_of_the_page());
    workspace
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = page();
    let shown: Vec<&str> =
        page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!shown.is_empty());
    for shown in shown {
        let (command, expected) = shown.split_once('\n').unwrap();
        let arguments: Vec<&str> = command.trim_start_matches("$ rtmm ").split(' ').collect();
        assert_eq!(workspace().rtmm(&arguments).success(), expected, "{command}");
    }
}

#[test]
fn the_page_lists_every_method_with_its_theorem() {
    let page = page();
    let rows = rtmm_analysis::METHODS.iter().map(|method| {
        let (name, claim) = (method.name, method.claim.word());
        format!("| `{name}` | {} | {claim} | {} |\n", method.summary, method.theorem)
    });
    let table: String = rows.collect();
    assert!(page.contains(&format!("| --- | --- | --- | --- |\n{table}\n")), "{table}");
}

#[test]
fn json_says_who_is_late_and_what_proves_it() {
    let analyse = |policy, processors| {
        let arguments = [
            "analyse",
            "--jobs",
            "jobs.csv",
            "--policy",
            policy,
            "--processors",
            processors,
            "--format",
            "json",
        ];
        let printed = workspace().rtmm(&arguments).success();
        serde_json::from_str::<serde_json::Value>(&printed).unwrap()
    };
    let one = analyse("fp", "1");
    assert_eq!((&one["schedulable"], &one["claim"]), (&true.into(), &"exact".into()));
    assert_eq!((&one["jobs"][0]["wcrt"], &one["jobs"][0]["in_time"]), (&8.into(), &true.into()));
    let two = analyse("edf", "2");
    assert_eq!(two["method"], "job-set-on-identical-processors");
}

#[test]
fn a_job_that_can_be_late_is_an_answer() {
    let workspace = workspace();
    workspace.write("late.csv", format!("{HEADER}1, 1, 0, 0, 2, 9, 5, 1\n"));
    let late = ["analyse", "--jobs", "late.csv", "--policy", "edf"];
    let table = workspace.rtmm(&late).success();
    assert!(table.contains("not schedulable: some job misses its deadline in some schedule"), "{table}");
    let json = workspace.rtmm(&[&late[..], &["--format", "json"]].concat()).success();
    assert!(json.contains("\"schedulable\": false"), "{json}");
}

#[test]
fn an_exploration_that_stops_says_so() {
    let workspace = workspace();
    let stopped = ["analyse", "--jobs", "jobs.csv", "--policy", "edf", "--max-states", "1", "--format"];
    let outcome = workspace.rtmm(&[&stopped[..], &["csv"]].concat());
    assert!(outcome.stderr.contains("nothing is known; --max-states allows more"), "{}", outcome.stderr);
    assert!(outcome.success().ends_with("\n3, 1, , , , \n"));
    let json = workspace.rtmm(&[&stopped[..], &["json"]].concat()).success();
    assert!(json.contains("\"schedulable\": null"), "{json}");
}

#[test]
fn bad_input_is_told_with_its_place_and_a_remedy() {
    let workspace = workspace();
    workspace.write("empty.csv", "");
    workspace.write("lacks.csv", "Task ID, Job ID\n1, 1\n");
    workspace.write("reversed.csv", format!("{HEADER}1, 1, 3, 2, 1, 1, 9, 1\n1, 1, 0, 0, 1, -1, 9, 1\n"));
    workspace.write("twice.csv", format!("{HEADER}1, 1, 0, 0, 1, 1, 9, 1\n1, 1, 0, 0, 1, 1, 9, 1\n"));
    workspace.write("long.csv", format!("{HEADER}1, 1, {0}, {0}, {0}, {0}, 9, 1\n", u64::MAX));
    for (jobs, extra, expected) in [
        ("empty.csv", &["--policy", "edf"][..], &["empty.csv:1:1", "the table is empty"][..]),
        ("lacks.csv", &["--policy", "edf"], &["no column `Arrival min`", "lacks.csv:1:1"]),
        ("reversed.csv", &["--policy", "edf"], &["reversed.csv:2:9", "`Arrival max` is 2, below", "`-1`"]),
        ("twice.csv", &["--policy", "edf"], &["twice.csv:3:1", "task 1 has a job 1 already"]),
        ("long.csv", &["--policy", "edf"], &["long.csv:2:1", "choose a larger unit of time"]),
        ("gone.csv", &["--policy", "edf"], &["gone.csv", "check the path"]),
        ("jobs.csv", &["--policy", "edff"], &["job sets have no policy `edff`", "did you mean `edf`?"]),
        ("jobs.csv", &["--policy", "edf", "--processors", "0"], &["0 is not in 1..=4096"]),
        ("jobs.csv", &["--policy", "edf", "--max-states", "0"], &["0 is not in 1..", "--max-states"]),
        ("jobs.csv", &[], &["--policy"]),
    ] {
        let outcome = workspace.rtmm(&[&["analyse", "--jobs", jobs][..], extra].concat());
        assert_eq!(outcome.code, 2, "{jobs} {extra:?}");
        for expected in expected {
            assert!(outcome.stderr.contains(expected), "{jobs} {extra:?}: {}", outcome.stderr);
        }
    }
}

/// Two tasks on one accelerator, of two layers of 0.5 ms and of 2 ms.
const SCENARIO: &str = "source = \"by hand\"\nduration = \"60ms\"\n\
    [[task]]\nname = \"fast\"\nmodel = \"fast.toml\"\nperiod = \"6ms\"\n\
    [[task]]\nname = \"slow\"\nmodel = \"slow.toml\"\nperiod = \"20ms\"\n";
/// A third one, which comes at random.
const RANDOM: &str = "[[task]]\nname = \"asked\"\nmodel = \"asked.toml\"\narrivals = { process = \"poisson\", rate_hz = 5 }\n\
    deadline = \"30ms\"\n";
const PLATFORM: &str = "source = \"by hand\"\nclock_mhz = 1000\n[context_switch]\ntime = \"100us\"\n\
    [[accelerator]]\nname = \"npu\"\nmodel = \"table\"\nfile = \"costs.csv\"\n";

fn systems() -> Workspace {
    let workspace = Workspace::new();
    let mut costs = "model,layer,latency_us\n".to_owned();
    for (model, latency) in [("fast", 500), ("slow", 2_000), ("asked", 1_500)] {
        workspace
            .write(&format!("{model}.toml"), "source = \"by hand\"\nmeasured_layers = [\"l0\", \"l1\"]\n");
        costs.push_str(&format!("{model}.toml,l0,{latency}\n{model}.toml,l1,{latency}\n"));
    }
    workspace.write("costs.csv", costs);
    workspace.write("scenario.toml", SCENARIO);
    workspace.write("random.toml", format!("{SCENARIO}{RANDOM}"));
    workspace.write("platform.toml", PLATFORM);
    workspace.write(
        "two.toml",
        format!("{PLATFORM}[[accelerator]]\nname = \"npu2\"\nmodel = \"table\"\nfile = \"costs.csv\"\n"),
    );
    workspace
}

fn tasks(scenario: &str, platform: &str, extra: &[&str]) -> serde_json::Value {
    let arguments = ["analyse", "--scenario", scenario, "--platform", platform, "--format", "json"];
    let printed = systems().rtmm(&[&arguments[..], extra].concat()).success();
    serde_json::from_str(&printed).unwrap()
}

#[test]
fn bounds_of_a_scenario_stand_beside_what_was_observed() {
    let report = tasks("scenario.toml", "platform.toml", &["--policy", "fixed-priority"]);
    let us = |report: &serde_json::Value, task: usize, key: &str| {
        (report["tasks"][task][key].as_f64().unwrap() * 1e3).round() as u64
    };
    // A layer of the other with its switch holds up; two switches of its own are charged.
    assert_eq!(us(&report, 0, "bound_ms"), 2_100 + 1_200);
    // One job of `fast` before the last layer begins: its time, two switches for each.
    assert_eq!(us(&report, 1, "bound_ms"), 4_200 + 1_200);
    assert_eq!(report["schedulable"], true);
    for task in [0, 1] {
        assert!(us(&report, task, "observed_ms") <= us(&report, task, "bound_ms"), "{report}");
    }
    let whole = tasks("scenario.toml", "platform.toml", &["--policy", "edf", "--set", "granularity=model"]);
    assert_eq!(whole["tasks"][0]["method"], "edf-by-segments");
    assert_eq!(us(&whole, 0, "bound_ms"), 4_100 + 1_100);
}

#[test]
fn what_a_task_lacks_for_a_bound_is_said_for_each() {
    let reasons = |scenario, platform, extra: &[&str]| {
        let report = tasks(scenario, platform, extra);
        assert!(!report["tasks"][0]["observed_ms"].is_null());
        let reasons = report["tasks"].as_array().unwrap().iter().map(|task| task["reason"].to_string());
        reasons.collect::<Vec<_>>().join("\n")
    };
    // The random task goes last: only its segments count.
    let fixed = reasons("random.toml", "platform.toml", &["--policy", "fixed-priority"]);
    assert_eq!(fixed, "null\nnull\n\"its arrivals have no least distance: they are a Poisson process\"");
    for (scenario, platform, extra, expected) in [
        (
            "random.toml",
            "platform.toml",
            &["--policy", "edf"][..],
            "task `asked` on the same accelerator may go first",
        ),
        ("scenario.toml", "two.toml", &["--policy", "edf"], "it may run on 2 accelerators: pin it to one"),
        ("scenario.toml", "platform.toml", &["--policy", "sjf"], "policy `sjf` is no order of deadlines"),
        (
            "scenario.toml",
            "platform.toml",
            &["--policy", "edf", "--set", "drop=late"],
            "`drop=late` is not analysed",
        ),
        (
            "scenario.toml",
            "platform.toml",
            &["--policy", "edf", "--set", "preemption=quantum"],
            "`preemption=quantum` is not analysed",
        ),
    ] {
        let reasons = reasons(scenario, platform, extra);
        assert!(reasons.contains(expected), "{extra:?}: {reasons}");
    }
}

#[test]
fn a_scenario_needs_its_platform_and_no_processors() {
    for (arguments, expected) in [
        (&["--scenario", "scenario.toml"][..], "--platform"),
        (
            &["--scenario", "scenario.toml", "--platform", "platform.toml", "--processors", "2"],
            "--processors",
        ),
        (&["--jobs", "jobs.csv", "--set", "granularity=model"], "--set"),
        (&["--jobs", "jobs.csv", "--platform", "platform.toml"], "--platform"),
        (&["--scenario", "gone.toml", "--platform", "platform.toml"], "gone.toml"),
        (&["--platform", "platform.toml"], "--scenario"),
        (&["--scenario", "scenario.toml", "--platform", "platform.toml", "--set", "prio=1"], "prio"),
    ] {
        let outcome = systems().rtmm(&[&["analyse", "--policy", "edf"][..], arguments].concat());
        assert_eq!(outcome.code, 2, "{arguments:?}");
        assert!(outcome.stderr.contains(expected), "{arguments:?}: {}", outcome.stderr);
    }
}

/// A task of random systems: microseconds of its layers, period, jitter, offset and deadline; the accelerator that it is pinned
/// to, the task before it that it waits for, if there are so many, and whether it has the arrivals of that one.
type Sketch = ((Vec<u64>, u64, u64, u64, u64), usize, usize, bool);

/// The files of a random system.
fn drawn(workspace: &Workspace, tasks: &[Sketch], switch: u64) {
    let mut scenario = "source = \"drawn\"\nduration = \"60ms\"\n".to_owned();
    let mut costs = "model,layer,latency_us\n".to_owned();
    for (place, ((layers, period, jitter, offset, deadline), on, after, follows)) in tasks.iter().enumerate()
    {
        let names: Vec<String> = (0..layers.len()).map(|layer| format!("\"l{layer}\"")).collect();
        let model = format!("source = \"drawn\"\nmeasured_layers = [{}]\n", names.join(", "));
        workspace.write(&format!("m{place}.toml"), model);
        for (layer, latency) in layers.iter().enumerate() {
            costs.push_str(&format!("m{place}.toml,l{layer},{latency}\n"));
        }
        scenario.push_str(&format!(
            "[[task]]\nname = \"t{place}\"\nmodel = \"m{place}.toml\"\nrun_on = [\"npu{on}\"]\n\
             deadline = \"{deadline}us\"\n"
        ));
        let waits = *after < place;
        if waits {
            scenario.push_str(&format!("depends_on = [\"t{after}\"]\n"));
        }
        if !(waits && *follows) {
            scenario.push_str(&format!(
                "period = \"{period}us\"\njitter = \"{jitter}us\"\noffset = \"{offset}us\"\n"
            ));
        }
    }
    workspace.write("scenario.toml", scenario);
    workspace.write("costs.csv", costs);
    let mut platform = PLATFORM.replace("100us", &format!("{switch}us")).replace("\"npu\"", "\"npu0\"");
    if tasks.iter().any(|(_, on, ..)| *on == 1) {
        platform.push_str("[[accelerator]]\nname = \"npu1\"\nmodel = \"table\"\nfile = \"costs.csv\"\n");
    }
    workspace.write("platform.toml", platform);
}

/// Runs of the engine on random systems of one and two accelerators, with cascades: the bounds hold in them, whatever jitter
/// was drawn.
#[test]
fn no_run_of_the_engine_exceeds_a_bound() {
    use proptest::prelude::*;
    let policies = prop::sample::select(vec![
        &["edf"][..],
        &["edf", "ties=declared"],
        &["edf", "granularity=model"],
        &["edf", "granularity=model", "preemption=layer"],
        &["fixed-priority"],
        &["fixed-priority", "priority=task-order", "granularity=model", "serial_tasks=true"],
        &["fixed-priority", "priority=deadline-monotonic", "granularity=model", "preemption=layer"],
    ]);
    let times =
        (prop::collection::vec(1_u64..900, 1..4), 500_u64..6_000, 0_u64..400, 0_u64..2_000, 300_u64..9_000);
    let task = (times, 0_usize..2, 0_usize..8, any::<bool>());
    let on_one = prop::collection::vec(task.clone(), 1..5).prop_map(|mut tasks| {
        tasks.iter_mut().for_each(|task| task.1 = 0);
        tasks
    });
    let on_two = prop::collection::vec(task, 2..6).prop_map(|mut tasks| {
        tasks[0].1 = 0;
        tasks
    });
    let systems = (prop_oneof![on_one, on_two], 0_u64..60, 1_u64..1_000, policies);
    let cases = std::env::var("RTMM_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let bounded = |(tasks, switch, seed, policy): (Vec<Sketch>, u64, u64, &[&str])| {
        let workspace = Workspace::new();
        drawn(&workspace, &tasks, switch);
        let seed = seed.to_string();
        let mut arguments =
            vec!["analyse", "--scenario", "scenario.toml", "--platform", "platform.toml", "--format", "json"];
        arguments.extend(["--seed", &seed, "--policy", policy[0]]);
        policy[1..].iter().for_each(|set| arguments.extend(["--set", set]));
        let report: serde_json::Value = serde_json::from_str(&workspace.rtmm(&arguments).success()).unwrap();
        for task in report["tasks"].as_array().unwrap() {
            if let (Some(bound), Some(observed)) = (task["bound_ms"].as_f64(), task["observed_ms"].as_f64()) {
                prop_assert!(observed <= bound, "{report}");
            } else {
                let reason = task["reason"].as_str().unwrap_or_default();
                let known = ["more time than there is", "has no bound", "the analysis stopped"];
                prop_assert!(
                    known.iter().any(|known| reason.contains(known)) || task["observed_ms"].is_null(),
                    "{report}"
                );
            }
        }
        Ok(())
    };
    proptest::test_runner::TestRunner::new(config).run(&systems, bounded).unwrap();
}

/// `fast` is alone on one accelerator, `slow` follows it on another: 1 ms, then 4 ms.
#[test]
fn a_task_that_waits_for_another_has_its_bound_as_jitter() {
    let workspace = systems();
    let pinned = SCENARIO.replace("period = \"6ms\"", "period = \"6ms\"\nrun_on = [\"npu\"]");
    let follows = "depends_on = [\"fast\"]\ndeadline = \"9ms\"\nrun_on = [\"npu2\"]";
    workspace.write("cascade.toml", pinned.replace("period = \"20ms\"", follows));
    let arguments = ["analyse", "--scenario", "cascade.toml", "--platform", "two.toml", "--policy", "edf"];
    let printed = workspace.rtmm(&[&arguments[..], &["--format", "json"]].concat()).success();
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let ms = |task: usize, key: &str| report["tasks"][task][key].as_f64().unwrap();
    assert_eq!((ms(0, "bound_ms"), ms(0, "observed_ms")), (1.0, 1.0));
    assert_eq!((ms(1, "bound_ms"), ms(1, "observed_ms")), (5.0, 5.0));
    assert_eq!(report["tasks"][1]["method"], "cascades-by-jitter");
    assert_eq!(report["schedulable"], true);
    // Of a task that comes at random too little is known for those that wait for it.
    let random = "deadline = \"6ms\"\narrivals = { process = \"poisson\", rate_hz = 5 }";
    let waits = format!("period = \"20ms\"\n{follows}");
    let asked = pinned.replace("period = \"20ms\"", &waits).replace("period = \"6ms\"", random);
    workspace.write("asked.toml", asked);
    let arguments = ["analyse", "--scenario", "asked.toml", "--platform", "two.toml", "--policy", "edf"];
    let table = workspace.rtmm(&arguments).success();
    let reason = "slow: no bound, since it waits for task `fast`, of which too little is known";
    assert!(table.contains(reason), "{table}");
}

/// `slow` takes 4 ms and has 3: all of its three jobs are late.
#[test]
fn a_run_counts_misses_in_a_row_where_it_is_asked_to() {
    let workspace = systems();
    workspace
        .write("late.toml", SCENARIO.replace("period = \"20ms\"", "period = \"20ms\"\ndeadline = \"3ms\""));
    let run = ["run", "--scenario", "late.toml", "--platform", "platform.toml", "--format", "json"];
    let json = |extra: &[&str]| {
        let printed = workspace.rtmm(&[&run[..], extra].concat()).success();
        serde_json::from_str::<serde_json::Value>(&printed).unwrap()
    };
    assert!(json(&[])["longest_miss_run"].is_null());
    let counted = json(&["--set", "firm_window=2"]);
    assert_eq!((&counted["longest_miss_run"], &counted["firm_met_min"]), (&3.into(), &0.into()));
    let fast = &counted["tasks"][0];
    assert_eq!((&fast["longest_miss_run"], &fast["firm_met_min"]), (&0.into(), &2.into()));
}
