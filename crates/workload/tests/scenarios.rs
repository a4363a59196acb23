//! What scenario files and recorded requests become; what they are refused for is in the command
//! line's `bad_input` test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "these tests write their inputs")]

use std::fs;

use rtmm_workload::input::{Diagnostics, Source};
use rtmm_workload::load::{self, TableKind};
use rtmm_workload::{
    Arrivals, Deadline, Dependency, DependencyKind, Duration, Frames, Legality, Period, Request, TaskId,
    Time, Workload,
};
use tempfile::TempDir;

const MS: u64 = 1_000_000_000;

fn ms(count: u64) -> Duration {
    Duration::from_picoseconds(count * MS)
}

fn at(count: u64) -> Time {
    Time::ZERO.saturating_add(ms(count))
}

fn hertz(rate: u64) -> Period {
    Period::from_rate(rate, ms(1_000)).expect("a rate")
}

fn request(arrival: Time) -> Request {
    Request { arrival, sample: None, priority: None, deadline: None }
}

/// A scenario of 4 s; tasks run `xrbench/kd_res8_narrow` unless they name a model.
fn scenario(tables: &str) -> Workload {
    decode(tables).unwrap_or_else(|problems| panic!("{problems}"))
}

fn decode(tables: &str) -> Result<Workload, Diagnostics> {
    let text = format!("source = \"a test\"\nduration = \"4s\"\n{tables}");
    load::workload_of(&Source::new("s.toml", text), Legality::Strict)
}

fn task(name: &str, lines: &str) -> String {
    format!("[[task]]\nname = \"{name}\"\nmodel = \"xrbench/kd_res8_narrow\"\n{lines}\n")
}

fn written(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("files can be written");
    }
    folder
}

fn requests(text: &str, scenario: Option<&Workload>) -> Result<Workload, Diagnostics> {
    load::requests_of(&Source::new("folder/burst.csv", text), scenario, Legality::Strict)
}

fn trace(arrivals: &Arrivals) -> &[Request] {
    match arrivals {
        Arrivals::Trace(requests) => requests,
        other => panic!("no trace: {other:?}"),
    }
}

fn messages(problems: &Diagnostics) -> Vec<String> {
    problems.iter().map(|problem| problem.message().to_owned()).collect()
}

#[test]
fn tasks_say_when_their_frames_arrive() {
    let bursty = "arrivals = { process = \"bursty\", calm_rate_hz = 5, burst_rate_hz = 50, \
                  mean_calm = \"1s\", mean_burst = \"200ms\" }\ndeadline = \"9ms\"\npriority = -3";
    let workload = scenario(
        &[
            task("plain", "rate_hz = 30"),
            task("late", "period = \"10ms\"\noffset = \"0ms\"\njitter = \"10ms\"\npriority = 7"),
            task("poisson", "arrivals = { process = \"poisson\", rate_hz = 20 }\ndeadline = \"9ms\""),
            task("bursty", bursty),
            task("after", "depends_on = [\"plain\", \"late\"]"),
            task("own", "depends_on = [\"plain\"]\nrate_hz = 10\noffset = \"3ms\""),
        ]
        .concat(),
    );
    let scenario = &workload.scenario;
    let (offset, jitter) = (Duration::ZERO, Duration::ZERO);
    let expected = [
        (Arrivals::Periodic { period: hertz(30), offset, jitter }, Deadline::Period, 1),
        (Arrivals::Periodic { period: hertz(100), offset, jitter: ms(10) }, Deadline::Period, 7),
        (Arrivals::Poisson { mean: hertz(20) }, Deadline::After(ms(9)), 1),
        (
            Arrivals::Bursty { calm: hertz(5), burst: hertz(50), mean_calm: ms(1_000), mean_burst: ms(200) },
            Deadline::After(ms(9)),
            -3,
        ),
        (Arrivals::Follows, Deadline::Period, 1),
        (Arrivals::Periodic { period: hertz(10), offset: ms(3), jitter }, Deadline::Period, 1),
    ];
    for (task, (arrivals, deadline, priority)) in scenario.tasks.iter().zip(expected) {
        assert_eq!((&task.arrivals, task.deadline, task.priority), (&arrivals, deadline, priority));
    }
    let upstream: Vec<Dependency> = [0, 1].map(|task| Dependency::data(TaskId::new(task))).into();
    assert_eq!(scenario.tasks[4].depends_on, upstream);
    assert_eq!(scenario.leader(TaskId::new(4)), TaskId::new(0));
    assert_eq!(scenario.relative_deadline(TaskId::new(4)), Some(hertz(30).deadline()));
    // One model, however many tasks run it.
    assert_eq!(workload.models.len(), 1);
}

#[test]
fn deadlines_may_follow_from_latencies_and_priorities_from_draws() {
    let workload = scenario(
        &[
            task("ten", "rate_hz = 30\ndeadline = { isolated = 10 }\npriority = [1, 3, 9]"),
            task("half", "rate_hz = 30\ndeadline = { isolated = 0.5 }\npriority = [-2147483648]"),
            task("least", "depends_on = [\"ten\"]\ndeadline = { isolated = 0.000001 }"),
            task(
                "random",
                "arrivals = { process = \"poisson\", rate_hz = 5 }\ndeadline = { isolated = 1000000 }",
            ),
        ]
        .concat(),
    );
    let tasks = &workload.scenario.tasks;
    let millionths = [10_000_000, 500_000, 1, 1_000_000_000_000];
    let deadlines: Vec<Deadline> = tasks.iter().map(|task| task.deadline).collect();
    let isolated = |factor_millionths| Deadline::Isolated { factor_millionths };
    assert_eq!(deadlines, millionths.map(isolated));
    // What it is in milliseconds shows on a platform.
    assert_eq!(workload.scenario.relative_deadline(TaskId::new(0)), None);
    let drawn: Vec<&[i32]> = tasks.iter().map(|task| &task.drawn_priorities[..]).collect();
    assert_eq!(drawn, [&[1, 3, 9][..], &[i32::MIN], &[], &[]]);
    assert_eq!(tasks[0].priority, 1);
    let mut frames = Frames::new(&workload.scenario, TaskId::new(1), 1);
    assert_eq!(frames.next_frame().map(|frame| frame.priority), Some(i32::MIN));

    // All deadlines of this kind become the factor, and no other.
    let scaled = workload.scenario.with_deadline_factor(2_500_000);
    assert!(scaled.tasks.iter().all(|task| task.deadline == isolated(2_500_000)));
    let other = scenario(&task("a", "rate_hz = 30\ndeadline = \"3ms\"")).scenario;
    assert_eq!(other.clone().with_deadline_factor(2_500_000), other);
}

#[test]
fn one_of_several_priorities_is_random() {
    let is_random = |priority: &str| {
        scenario(&task("a", &format!("rate_hz = 30\npriority = {priority}"))).scenario.is_random()
    };
    assert_eq!([is_random("3"), is_random("[3]"), is_random("[3, 1]")], [false, false, true]);
}

#[test]
fn deadlines_and_priorities_that_make_no_sense_are_refused_where_they_stand() {
    for (lines, message, place) in [
        ("deadline = { isolated = 0 }", "`isolated` is out of range", "{ isolated = "),
        ("deadline = { isolated = -1 }", "`isolated` is out of range", "{ isolated = "),
        ("deadline = { isolated = 1000001 }", "`isolated` is out of range", "{ isolated = "),
        ("deadline = { isolated = 0.0000001 }", "`isolated` is out of range", "{ isolated = "),
        ("deadline = { isolated = \"10\" }", "`isolated` must be a number", "{ isolated = "),
        ("deadline = { isolated = 1, times = 2 }", "unknown key `times` in `deadline`", "{ isolated = 1, "),
        ("deadline = { }", "`deadline` has no `isolated`", ""),
        ("deadline = 10", "`deadline` must be a duration such as \"16ms\"", ""),
        ("priority = []", "the list of priorities is empty", ""),
        ("priority = [1, \"high\"]", "this item of `priority` must be a whole number", "[1, "),
        ("priority = [1, 2.5]", "this item of `priority` must be a whole number", "[1, "),
        ("priority = [1, 2147483648]", "this item of `priority` is out of range", "[1, "),
        ("priority = { high = 1 }", "`priority` must be a whole number", ""),
    ] {
        let problems = decode(&task("a", &format!("rate_hz = 30\n{lines}"))).expect_err(lines);
        let told: Vec<String> = messages(&problems);
        let column = lines.find("= ").expect("a value") + 3 + place.len();
        let places: Vec<_> =
            problems.iter().map(|one| one.place().map(|(_, line, column)| (line, column))).collect();
        assert_eq!(
            (told.as_slice(), places),
            (&[message.to_owned()][..], vec![Some((7, column))]),
            "{lines}"
        );
    }
}

#[test]
fn a_task_may_come_before_the_one_that_it_follows() {
    let workload = scenario(&[task("b", "depends_on = [\"a\"]"), task("a", "rate_hz = 30")].concat());
    assert_eq!(workload.scenario.leader(TaskId::new(0)), TaskId::new(1));
}

#[test]
fn dependencies_carry_data_or_control() {
    let lines = "depends_on = [{ task = \"a\" }, { task = \"b\", kind = \"control\", probability = 0.25 }, \
                 { task = \"c\", kind = \"control\" }]";
    let workload = scenario(
        &[task("a", "rate_hz = 30"), task("b", "rate_hz = 30"), task("c", "rate_hz = 30"), task("d", lines)]
            .concat(),
    );
    let control = |probability| DependencyKind::Control { probability, probability_after_exit: Vec::new() };
    let kinds: Vec<DependencyKind> =
        workload.scenario.tasks[3].depends_on.iter().map(|dependency| dependency.kind.clone()).collect();
    assert_eq!(kinds, [DependencyKind::Data, control(0.25), control(1.0)]);
    assert!(workload.scenario.is_random());
}

#[test]
fn phases_pause_tasks_and_change_rates() {
    let workload = scenario(
        &[
            task("a", "rate_hz = 30\noffset = \"1ms\"\njitter = \"2ms\""),
            task("b", "arrivals = { process = \"poisson\", rate_hz = 20 }\ndeadline = \"9ms\""),
            task("c", "depends_on = [\"a\"]"),
            "[[phase]]\nstart = \"1s\"\nrate_hz = { b = 40, a = 60 }\n".to_owned(),
            "[[phase]]\nname = \"quiet\"\nstart = \"2s\"\ntasks = [\"c\", \"b\"]\n".to_owned(),
            "[[phase]]\nstart = \"3s\"\ntasks = []\n".to_owned(),
        ]
        .concat(),
    );
    let phases = &workload.scenario.phases;
    let names: Vec<(&str, Time)> = phases.iter().map(|phase| (phase.name.as_str(), phase.start)).collect();
    assert_eq!(names, [("phase 1", at(1_000)), ("quiet", at(2_000)), ("phase 3", at(3_000))]);
    let (offset, jitter) = (ms(1), ms(2));
    assert_eq!(
        phases[0].arrivals,
        [
            Some(Arrivals::Periodic { period: hertz(60), offset, jitter }),
            Some(Arrivals::Poisson { mean: hertz(40) }),
            Some(Arrivals::Follows),
        ]
    );
    let poisson = Some(Arrivals::Poisson { mean: hertz(20) });
    assert_eq!(phases[1].arrivals, [None, poisson, Some(Arrivals::Follows)]);
    assert_eq!(phases[2].arrivals, [None, None, None]);
}

#[test]
fn a_scenario_replays_the_traces_beside_it() {
    let csv = "sample,arrival_s,priority,relative_deadline_s\n\
               5,0,,\n,0.001,-2,0.0005\r\n,0.001,,\n18446744073709551615,12.000000000001,2147483647,1\n";
    let tasks = task("a", "arrivals = { process = \"trace\", file = \"a.csv\" }\ndeadline = \"5ms\"");
    let folder =
        written(&[("a.csv", csv), ("s.toml", &format!("source = \"a test\"\nduration = \"4s\"\n{tasks}"))]);
    let path = folder.path().join("s.toml");
    let workload = load::workload(&path.to_string_lossy(), None, Legality::Strict).expect("a scenario");
    let expected = [
        Request { sample: Some(5), ..request(at(0)) },
        Request { priority: Some(-2), deadline: Some(Duration::from_picoseconds(MS / 2)), ..request(at(1)) },
        request(at(1)),
        Request {
            sample: Some(u64::MAX),
            priority: Some(i32::MAX),
            deadline: Some(ms(1_000)),
            ..request(Time::from_picoseconds(12_000 * MS + 1))
        },
    ];
    assert_eq!(trace(&workload.scenario.tasks[0].arrivals), expected);
    // The last one arrives when the scenario is over.
    let mut frames = Frames::new(&workload.scenario, TaskId::new(0), 1);
    assert_eq!(std::iter::from_fn(|| frames.next_frame()).count(), 3);
}

#[test]
fn a_trace_whose_requests_all_have_deadlines_needs_no_other() {
    let tasks = task("a", "arrivals = { process = \"trace\", file = \"a.csv\" }");
    let follower = task("b", "depends_on = [\"a\"]");
    let open = |csv: &str, tasks: &str| {
        let text = format!("source = \"a test\"\nduration = \"4s\"\n{tasks}");
        let folder = written(&[("a.csv", csv), ("s.toml", &text)]);
        load::workload(&folder.path().join("s.toml").to_string_lossy(), None, Legality::Strict)
    };
    let all = "arrival_s,relative_deadline_s\n0,1\n1,1\n";
    assert!(open(all, &tasks).is_ok());
    let some = "arrival_s,relative_deadline_s\n0,1\n1,\n";
    let expected = ["task `a` has no deadline: recorded requests have no period"];
    assert_eq!(messages(&open(some, &tasks).expect_err("no deadline")), expected);
    let expected = ["task `b` has no deadline: recorded requests have no period"];
    assert_eq!(messages(&open(all, &format!("{tasks}{follower}")).expect_err("no deadline")), expected);
}

#[test]
fn a_request_file_is_a_workload_of_its_own() {
    let text = "arrival_s,model,relative_deadline_s\n\
                0.004,xrbench/kd_res8_narrow,0.1\n0.004,xrbench/es_ritnet,0.016\n\
                0.020,xrbench/kd_res8_narrow,0.01\n";
    let workload = requests(text, None).expect("requests");
    let scenario = &workload.scenario;
    assert_eq!((scenario.name.as_str(), scenario.source.as_str()), ("burst", "requests of burst.csv"));
    assert_eq!(scenario.duration, ms(104));
    let names: Vec<&str> = scenario.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["xrbench/kd_res8_narrow", "xrbench/es_ritnet"]);
    let models: Vec<&str> = workload.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(models, names);
    let arrivals: Vec<Vec<Time>> = scenario
        .tasks
        .iter()
        .map(|task| trace(&task.arrivals).iter().map(|request| request.arrival).collect())
        .collect();
    assert_eq!(arrivals, [vec![at(4), at(20)], vec![at(4)]]);
    assert!(!workload.is_random());
}

#[test]
fn models_of_a_request_file_stand_relative_to_it() {
    let model =
        "source = \"a test\"\ninput = [3, 8, 8]\n[[layer]]\nname = \"a\"\noperator = \"activation\"\n";
    let csv = "model,arrival_s,relative_deadline_s\nmine.toml,0,1\n";
    let folder = written(&[("mine.toml", model), ("r.csv", csv), ("s.toml", "")]);
    let from = load::read(&folder.path().join("s.toml")).expect("a file");
    let workload = load::requests("r.csv", Some(&from), None, Legality::Strict).expect("requests");
    assert_eq!(
        (workload.scenario.name.as_str(), workload.scenario.tasks[0].name.as_str()),
        ("r", "mine.toml")
    );
    assert_eq!(workload.models[0].name, "mine");
}

#[test]
fn requests_of_a_scenario_have_its_tasks_priorities_and_deadlines() {
    let eyes = task("eyes", "period = \"20ms\"\npriority = 4\ntrigger_probability = 0.5")
        .replace("kd_res8_narrow", "es_ritnet");
    let scenario = scenario(
        &[eyes, task("words", "rate_hz = 5\ndeadline = \"7ms\""), task("gaze", "depends_on = [\"eyes\"]")]
            .concat(),
    );
    let text = "arrival_s,model,relative_deadline_s\n\
                0,words,\n0,gaze,\n0.001,xrbench/es_ritnet,\n0.5,words,0.25\n";
    let workload = requests(text, Some(&scenario)).expect("requests");
    let tasks: Vec<(&str, usize, Deadline, i32)> = workload
        .scenario
        .tasks
        .iter()
        .map(|task| (task.name.as_str(), task.model.index(), task.deadline, task.priority))
        .collect();
    let expected = [
        ("words", 0, Deadline::After(ms(7)), 1),
        // Follows the eyes, and has their period.
        ("gaze", 0, Deadline::After(ms(20)), 1),
        ("xrbench/es_ritnet", 1, Deadline::After(ms(20)), 4),
    ];
    assert_eq!(tasks, expected);
    assert_eq!(workload.models.len(), 2);
    assert_eq!(workload.models[1].name, "xrbench/es_ritnet");
    assert_eq!(workload.scenario.duration, ms(750));
    let recorded = |task: &rtmm_workload::Task| task.depends_on.is_empty() && task.trigger_probability == 1.0;
    assert!(workload.scenario.tasks.iter().all(recorded));

    let problems = requests("arrival_s,model\n0,wrds\n", Some(&scenario)).expect_err("no such task");
    assert_eq!(messages(&problems), ["the scenario has no task `wrds`, and no model of this name"]);
    assert!(problems.to_string().contains("did you mean `words`?"), "{problems}");
}

#[test]
fn requests_of_a_scenario_draw_its_tasks_priorities_and_need_deadlines_in_time() {
    let lines = "rate_hz = 30\ndeadline = { isolated = 10 }\npriority = [1, 3, 9]";
    let scenario = scenario(&task("a", lines));
    let text = "arrival_s,model,priority,relative_deadline_s\n0,a,,0.5\n1,a,7,0.5\n2,a,,0.5\n";
    let workload = requests(text, Some(&scenario)).expect("requests").scenario;
    assert_eq!(workload.tasks[0].drawn_priorities, [1, 3, 9]);
    let mut frames = Frames::new(&workload, TaskId::new(0), 1);
    let priorities: Vec<i32> = std::iter::from_fn(|| frames.next_frame()).map(|of| of.priority).collect();
    assert!([1, 3, 9].contains(&priorities[0]) && [1, 3, 9].contains(&priorities[2]), "{priorities:?}");
    assert_eq!(priorities[1], 7, "what a request states holds");

    let problems = requests("arrival_s,model\n0,a\n1,a\n", Some(&scenario)).expect_err("no deadlines");
    let expected = ["this request has no deadline, and that of its task is a multiple of a latency"];
    assert_eq!(messages(&problems), expected);
}

#[test]
fn tables_are_known_by_their_columns() {
    let kind = |header: &str| TableKind::of(&Source::new("t.csv", header));
    assert_eq!(kind("K,C,R,S,Y,X\n"), Some(TableKind::Layers));
    assert_eq!(kind("sample,arrival_s\n"), Some(TableKind::Trace));
    assert_eq!(kind("arrival_s , model\n"), Some(TableKind::Requests));
    assert_eq!(kind(""), Some(TableKind::Layers));
}

#[test]
fn the_example_hub_has_what_it_is_there_to_show() {
    let workload = load::workload("examples/hub", None, Legality::Strict).expect("the example");
    let scenario = &workload.scenario;
    let has = |wanted: fn(&Arrivals) -> bool| scenario.tasks.iter().any(|task| wanted(&task.arrivals));
    assert!(has(|arrivals| matches!(arrivals, Arrivals::Periodic { jitter, .. } if !jitter.is_zero())));
    assert!(has(|arrivals| matches!(arrivals, Arrivals::Poisson { .. })));
    assert!(has(|arrivals| matches!(arrivals, Arrivals::Bursty { .. })));
    assert!(has(|arrivals| matches!(arrivals, Arrivals::Follows)));
    let is_control = |dependency: &Dependency| matches!(dependency.kind, DependencyKind::Control { .. });
    assert!(scenario.tasks.iter().flat_map(|task| &task.depends_on).any(is_control));
    assert_eq!((scenario.phases.len(), scenario.duration), (2, ms(2_000)));
}

/// Rows are read one by one: nothing grows but the requests themselves.
#[test]
fn long_tables_are_read() {
    let mut text = String::from("arrival_s,sample\n");
    for index in 0..100_000 {
        text.push_str(&format!("{}.{:06},{index}\n", index / 1_000, index % 1_000));
    }
    let requests = load::trace_of(&Source::new("long.csv", text)).expect("a trace");
    assert_eq!(requests.len(), 100_000);
    assert_eq!(requests[1_001].arrival, Time::from_picoseconds(1_000_001_000_000));
}

/// A run goes through every state of a bursty process, however many there are.
#[test]
fn states_of_bursty_arrivals_last_a_microsecond_at_least() {
    let bursty = |mean: &str| {
        let process = "process = \"bursty\", calm_rate_hz = 1, burst_rate_hz = 9, mean_burst = \"1s\"";
        let lines = format!("arrivals = {{ {process}, mean_calm = \"{mean}\" }}\ndeadline = \"1ms\"");
        decode(&task("a", &lines)).map_err(|problems| messages(&problems))
    };
    assert!(bursty("1us").is_ok());
    assert_eq!(bursty("1ps"), Err(vec!["a state of 1ps in the mean is too short".to_owned()]));
}

/// Else a jitter could be longer than the period, which no file can state.
#[test]
fn a_load_factor_scales_offset_and_jitter_with_the_period() {
    let scenario = scenario(&task("a", "period = \"30ms\"\noffset = \"8ms\"\njitter = \"20ms\"")).scenario;
    let scaled = scenario.scaled(4_000_000).expect("a load");
    let period = Period::new(Duration::from_picoseconds(7_500_000_000)).expect("a period");
    assert_eq!(scaled.tasks[0].arrivals, Arrivals::Periodic { period, offset: ms(2), jitter: ms(5) });
}

#[test]
fn requests_may_name_the_supernet_of_a_scenario() {
    let scenario = load::workload("examples/dynamic", None, Legality::Strict).expect("built in");
    let replayed = requests("arrival_s,model\n0.1,examples/supernet\n", Some(&scenario)).expect("a request");
    assert_eq!(replayed.scenario.tasks[0].variants.len(), 3);
}

/// The networks that each task may run, its default first, and all models of the workload. `tasks` has
/// the lines of each, next to its model, `examples/supernet`.
fn networks(tasks: &[&str]) -> (Vec<Vec<String>>, Vec<String>) {
    let table = |(index, lines): (usize, &&str)| {
        format!("[[task]]\nname = \"{index}\"\nmodel = \"examples/supernet\"\nrate_hz = 10\n{lines}\n")
    };
    let Workload { scenario, models } =
        scenario(&tasks.iter().enumerate().map(table).collect::<Vec<String>>().concat());
    let short = |model: &rtmm_workload::Model| model.variant.clone().expect("of a supernet");
    let of_task = |task: &rtmm_workload::Task| {
        assert_eq!(task.model, task.variants[0]);
        task.variants.iter().map(|id| short(&models[id.index()])).collect()
    };
    (scenario.tasks.iter().map(of_task).collect(), models.iter().map(short).collect())
}

#[test]
fn tasks_choose_among_the_networks_of_a_supernet() {
    for (lines, expected) in [
        ("", vec!["large", "small", "medium"]),
        ("variant = \"large\"", vec!["large", "small", "medium"]),
        ("variant = \"medium\"", vec!["medium", "large", "small"]),
        ("variants = [\"small\", \"large\"]", vec!["large", "small"]),
        ("variants = [\"medium\", \"small\"]", vec!["medium", "small"]),
        ("variants = [\"small\", \"medium\"]", vec!["small", "medium"]),
        ("variant = \"small\"\nvariants = [\"medium\", \"small\"]", vec!["small", "medium"]),
        ("variants = [\"small\"]", vec!["small"]),
    ] {
        let (of_tasks, models) = networks(&[lines]);
        // A network that no task may run is no model of the workload: nothing costs it.
        assert_eq!(models.len(), expected.len(), "{lines}");
        assert_eq!(of_tasks, [expected], "{lines}");
    }
    let (of_tasks, models) = networks(&["variants = [\"medium\"]", "variants = [\"large\", \"medium\"]"]);
    assert_eq!(of_tasks, [vec!["medium"], vec!["large", "medium"]]);
    assert_eq!(models, ["large", "medium"]);
}

#[test]
fn tasks_choose_networks_that_there_are() {
    let told = |model: &str, lines: &str| {
        let text = format!("[[task]]\nname = \"a\"\nmodel = \"{model}\"\nrate_hz = 10\n{lines}\n");
        decode(&text).expect_err(lines).to_string()
    };
    let mut text = String::new();
    for lines in [
        "variant = \"larg\"",
        "variant = \"tiny\"\nvariants = [\"smal\", \"large\", \"large\", 3]",
        "variant = \"large\"\nvariants = [\"small\", \"medium\"]",
        "variants = []",
        "variants = \"small\"",
    ] {
        text += &told("examples/supernet", lines);
        text += "\n\n";
    }
    text += &told("examples/supernet_large", "variant = \"large\"\nvariants = [\"large\"]");
    insta::assert_snapshot!("task_variants", text);
}

/// Requests find the task by the supernet's name where it may run just one of its networks, too.
#[test]
fn requests_may_name_the_supernet_of_a_task_with_one_network() {
    let one = scenario(
        "[[task]]\nname = \"a\"\nmodel = \"examples/supernet\"\nvariants = [\"small\"]\nrate_hz = 10\n",
    );
    let replayed = requests("arrival_s,model\n0.1,examples/supernet\n", Some(&one)).expect("a request");
    assert_eq!(replayed.scenario.tasks[0].variants.len(), 1);
    assert_eq!(replayed.models[0].name, "examples/supernet/small");
    requests("arrival_s,model\n0.1,examples\n", Some(&one)).expect_err("a folder is no supernet");
}

#[test]
fn probabilities_of_cascades_are_replaced_and_those_after_exits_stay() {
    let eyes = "[[task]]\nname = \"eyes\"\nmodel = \"examples/early_exit_cnn\"\nrate_hz = 10\n";
    let after = |name: &str, kind: &str| task(name, &format!("depends_on = [{{ task = \"eyes\", {kind} }}]"));
    let tables = [
        eyes.to_owned(),
        after("a", "kind = \"control\", probability = 0.25, probability_after_exit = { early = 0.125 }"),
        after("b", "kind = \"control\""),
        after("c", "kind = \"data\""),
    ]
    .concat();
    let before = scenario(&tables).scenario;
    assert!(before.has_cascades());
    let changed = before.clone().with_cascade_probability(0.75);
    let expected = tables
        .replace("probability = 0.25", "probability = 0.75")
        .replace("kind = \"control\" }", "kind = \"control\", probability = 0.75 }");
    assert_eq!(changed, scenario(&expected).scenario);
    let without = scenario(&[eyes, &after("c", "kind = \"data\"")].concat()).scenario;
    assert!(!without.has_cascades());
    assert_eq!(without.clone().with_cascade_probability(0.75), without);
}
