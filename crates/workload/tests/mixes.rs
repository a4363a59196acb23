//! Tasks that share a mix: what of it is theirs, and what mix tables are refused for.

use rtmm_workload::input::{Diagnostics, Source};
use rtmm_workload::{Duration, Frame, Frames, Legality, TaskId, Workload, load};

const MIX: &str = r#"
[[mix]]
name = "queries"
streams = 2
stagger = "1ms"
stretch = 1.5
shortening = { step = "100us", steps = 4 }
requests = 40
priorities = [{ priority = 2, weight = 1 }, { priority = 5, weight = 3 }]
"#;

fn task(name: &str, lines: &str) -> String {
    format!("[[task]]\nname = \"{name}\"\nmodel = \"xrbench/kd_res8_narrow\"\n{lines}\n")
}

fn joined(name: &str, lines: &str) -> String {
    let arrivals = "arrivals = { process = \"mix\", mix = \"queries\", weight = 2, spacing = \"20ms\" }";
    task(name, &format!("{arrivals}\ndeadline = \"50ms\"\n{lines}"))
}

fn decode(tables: &str) -> Result<Workload, Diagnostics> {
    let text = format!("source = \"a test\"\nduration = \"4s\"\n{tables}");
    load::workload_of(&Source::new("s.toml", text), Legality::Strict)
}

fn scenario(tables: &str) -> Workload {
    decode(tables).unwrap_or_else(|problems| panic!("{problems}"))
}

fn frames(workload: &Workload, task: usize, seed: u64) -> Vec<Frame> {
    let mut frames = Frames::new(&workload.scenario, TaskId::new(task), seed);
    std::iter::from_fn(|| frames.next_frame()).collect()
}

#[test]
fn the_tasks_of_a_mix_divide_its_requests() {
    let workload = scenario(&[MIX, &joined("a", ""), &joined("b", "")].concat());
    assert!(workload.is_random());
    let all: Vec<Vec<Frame>> = (0..2).map(|task| frames(&workload, task, 1)).collect();
    assert_eq!(all[0].len() + all[1].len(), 40);
    assert!(all.iter().all(|frames| frames.len() > 5));
    for frames in &all {
        assert!(frames.iter().zip(0..).all(|(frame, index)| (frame.index, frame.sample) == (index, index)));
        assert!(frames.iter().all(|frame| [2, 5].contains(&frame.priority) && frame.triggered));
        let deadline = |frame: &Frame| frame.deadline.saturating_since(frame.arrival).milliseconds();
        assert!(frames.iter().all(|frame| deadline(frame) == 50.0 && frame.release == frame.arrival));
    }
    assert_ne!(all[0], frames(&workload, 0, 2));
    // Another task beside them changes none of theirs.
    let other = task("other", "rate_hz = 10");
    let three = scenario(&[MIX, &joined("a", ""), &other, &joined("b", "")].concat());
    assert_eq!((&all[0], &all[1]), (&frames(&three, 0, 1), &frames(&three, 2, 1)));
}

#[test]
fn a_mix_without_priorities_leaves_them_to_its_tasks() {
    let mix = "[[mix]]\nname = \"queries\"\nrequests = 30\n";
    let workload = scenario(&[mix, &joined("a", "priority = 4"), &joined("b", "priority = [1, 3]")].concat());
    assert!(frames(&workload, 0, 1).iter().all(|frame| frame.priority == 4));
    assert!(frames(&workload, 1, 1).iter().all(|frame| [1, 3].contains(&frame.priority)));
}

#[test]
fn a_pause_leaves_out_the_requests_that_arrive_in_it() {
    let tasks = [MIX, &joined("a", ""), &joined("b", "")].concat();
    let phases = "[[phase]]\nstart = \"100ms\"\ntasks = [\"b\"]\n[[phase]]\nstart = \"300ms\"\n";
    let (whole, paused) = (scenario(&tasks), scenario(&format!("{tasks}{phases}")));
    let arrivals = |frames: Vec<Frame>| -> Vec<f64> {
        frames.iter().map(|frame| frame.arrival.picoseconds() as f64 / 1e9).collect()
    };
    let expected: Vec<f64> =
        arrivals(frames(&whole, 0, 1)).into_iter().filter(|at| !(100.0..300.0).contains(at)).collect();
    assert_eq!(arrivals(frames(&paused, 0, 1)), expected);
    assert_eq!(frames(&paused, 1, 1), frames(&whole, 1, 1));
}

#[test]
fn a_load_factor_brings_requests_closer_together() {
    let workload = scenario(&[MIX, &joined("a", ""), &joined("b", "")].concat());
    let fast = workload.scenario.clone().scaled(2_000_000).expect("times on the clock");
    let fast = Workload { scenario: fast, models: workload.models.clone() };
    let halves: Vec<u64> =
        frames(&workload, 1, 3).iter().map(|frame| frame.arrival.picoseconds() / 2).collect();
    let arrivals: Vec<u64> = frames(&fast, 1, 3).iter().map(|frame| frame.arrival.picoseconds()).collect();
    assert_eq!(arrivals, halves);
}

#[test]
fn a_mix_has_no_more_requests_than_a_run_can_draw() {
    let decoded = |of_mix: &str, duration: &str| {
        let arrivals = "arrivals = { process = \"mix\", mix = \"storm\", weight = 1, spacing = \"1us\" }";
        let tables = [
            "[[mix]]\nname = \"storm\"\nstreams = 2\n",
            of_mix,
            &task("a", &format!("{arrivals}\ndeadline = \"1ms\"")),
        ];
        let text = format!("source = \"a test\"\nduration = \"{duration}\"\n{}", tables.concat());
        load::workload_of(&Source::new("s.toml", text), Legality::Strict)
    };
    // Two requests every microsecond for two months.
    let problems = decoded("", "5000000s").expect_err("too many").to_string();
    insta::assert_snapshot!(problems, @r#"
    error: mix `storm` has about 10000000000000 requests within 5000000s, more than 100000000
     --> s.toml:4:8
      |
    4 | name = "storm"
      |        ^^^^^^^
      |
      = help: make `spacing` or `stretch` longer or the duration shorter, or state fewer `requests`
    "#);
    let scenario = decoded("requests = 5\n", "5000000s").expect("few").scenario;
    assert_eq!(scenario.check_mixes(), Ok(()));
    let mut longest = decoded("", "50s").expect("as many as a run can draw").scenario;
    longest.duration = Duration::parse("51s").expect("a duration");
    assert!(longest.check_mixes().is_err());
}

#[test]
fn bad_mixes_are_refused() {
    let member = |lines: &str| format!("arrivals = {{ process = \"mix\", {lines} }}\ndeadline = \"50ms\"");
    let all = [
        "[[mix]]\nname = \"queries\"\nstreams = 0\nstagger = \"1\"\nstretch = 0\npriorities = []\n",
        "[[mix]]\nname = \"queries\"\nshortening = { step = \"1ms\", steps = 0, least = 1 }\nrequests = 0\n",
        "[[mix]]\nname = \"idle\"\npriorities = [{ priority = 1, weight = 0 }, { weight = 2 }]\nrate = 2\n",
        "[[mix]]\nname = \"short\"\nshortening = { step = \"1ms\", steps = 11 }\n",
        &task("a", &member("mix = \"querys\", weight = 1, spacing = \"1ms\"")),
        &task("b", &member("mix = \"queries\", weight = -1")),
        &task(
            "c",
            &format!(
                "{}\npriority = 3\noffset = \"1ms\"",
                member("mix = \"queries\", weight = 1, spacing = 3")
            ),
        ),
        &task("d", &member("mix = \"short\", weight = 1, spacing = \"10ms\"")),
        &task(
            "e",
            "arrivals = { process = \"mix\", mix = \"short\", weight = 1, spacing = \"20ms\", rate_hz = 2 }",
        ),
        "[[phase]]\nstart = \"1s\"\nrate_hz = { d = 3 }\n",
    ];
    let problems = decode(&all.concat()).expect_err("many problems");
    insta::assert_snapshot!(problems.to_string());
}
