//! Jobs of another run in the trace of a run: two sets of tracks, and each slice on its own.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use prost::Message;
use rtmm_sim::metrics::{JobRow, JobRows};
use rtmm_sim::{RunOptions, System};
use rtmm_testkit::by_hand::{ByHand, policy as policy_of};
use rtmm_testkit::simulate;
use rtmm_timeline::forms::proto::{EventKind, Trace};
use rtmm_timeline::{Timeline, form_of, read_jobs, tell_jobs};
use rtmm_workload::input::Source;

const HEADER: &str = "task,frame,status,model,release_ms,deadline_ms,start_ms,end_ms,accelerator,segments\n";

fn system() -> System {
    ByHand::parse("for 20; task a every 10 layers 3; task b every 20 at 1 layers 4").system()
}

/// The model of a task and the accelerator, as the system names them.
fn names(system: &System) -> [String; 3] {
    let model = |place: usize| system.models[place].name.clone();
    [model(0), model(1), system.platform.accelerators[0].name.clone()]
}

fn written(system: &System, jobs: &str) -> Vec<u8> {
    let row = form_of("run.pftrace".as_ref()).expect("a form");
    let mut bytes = Vec::new();
    let jobs = read_jobs(&Source::new("jobs.csv", jobs), system).expect("sound jobs");
    {
        let mut form =
            row.open_beside(system, "measured", Box::new(&mut bytes)).expect("room for another run");
        tell_jobs(&jobs, form.as_mut()).expect("memory");
    }
    let form = row.open(system, Box::new(&mut bytes)).expect("memory");
    let (policy, parameters) = policy_of("edf");
    let policy = policy.build(&parameters).expect("parameters of this policy");
    let timeline = simulate(system, "edf", policy, Timeline::new(system, form), RunOptions::default());
    timeline.expect("legal").finish().expect("memory");
    bytes
}

/// Slices of whole jobs by track: begin and end in microseconds.
type Slices = BTreeMap<String, Vec<(u64, u64)>>;

/// Slices, and instants with their tracks and names.
fn read(bytes: &[u8]) -> (Slices, Vec<String>) {
    let trace = Trace::decode(bytes).expect("a trace");
    let tracks: BTreeMap<u64, (String, u64)> = trace
        .packet
        .iter()
        .filter_map(|packet| packet.track_descriptor.clone())
        .map(|track| (track.uuid, (track.name, track.parent_uuid)))
        .collect();
    let name_of = |uuid: u64| {
        let (name, parent) = &tracks[&uuid];
        tracks.get(parent).map_or_else(|| name.clone(), |(parent, _)| format!("{parent}/{name}"))
    };
    // Numbers of texts are those of a sequence.
    let mut texts: BTreeMap<(u32, u64), String> = BTreeMap::new();
    let mut open: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let (mut slices, mut instants) = (Slices::new(), Vec::new());
    for packet in trace.packet {
        let sequence = packet.trusted_packet_sequence_id;
        for text in packet.interned_data.into_iter().flat_map(|data| data.event_names) {
            texts.insert((sequence, text.iid), text.name);
        }
        let Some(event) = packet.track_event else { continue };
        let at = packet.timestamp.expect("an instant") / 1_000;
        match event.r#type() {
            EventKind::SliceBegin => open.entry(event.track_uuid).or_default().push(at),
            EventKind::SliceEnd => {
                let stack = open.entry(event.track_uuid).or_default();
                let from = stack.pop().expect("a slice");
                if stack.is_empty() {
                    slices.entry(name_of(event.track_uuid)).or_default().push((from, at));
                }
            }
            EventKind::Instant => {
                let name = &texts[&(sequence, event.name_iid)];
                instants.push(format!("{} {name} {at}", name_of(event.track_uuid)));
            }
            EventKind::Counter | EventKind::Unspecified => {}
        }
    }
    (slices, instants)
}

#[test]
fn both_runs_have_tracks_of_their_own() {
    let system = system();
    let [a, b, on] = names(&system);
    let jobs = format!(
        "{HEADER}a,0,completed,{a},0,10,0.02,3.52,{on},1\nb,0,completed,{b},1,21,3.6,8.1,{on},1\n\
         a,1,dropped,{a},10,20,,10,,0\n"
    );
    let (slices, instants) = read(&written(&system, &jobs));
    assert_eq!(slices[&format!("{on}/unit 0")], [(0, 3_000), (3_000, 7_000), (10_000, 13_000)]);
    assert_eq!(slices[&format!("{on} (measured)/unit 0")], [(20, 3_520), (3_600, 8_100)]);
    assert_eq!(slices.len(), 2);
    let of_a: Vec<&String> = instants.iter().filter(|mark| mark.starts_with("jobs (measured)/a")).collect();
    let wanted = ["released 0", "completed 3520", "released 10000", "dropped 10000"];
    assert_eq!(of_a, wanted.map(|mark| format!("jobs (measured)/a {mark}")).iter().collect::<Vec<_>>());
    assert!(instants.contains(&"jobs/b completed 7000".to_owned()), "{instants:?}");
}

/// The table that a run writes of itself gives the slices that the run has.
#[test]
fn a_run_beside_itself_has_the_same_slices_twice() {
    let system = system();
    let [_, _, on] = names(&system);
    let (policy, parameters) = policy_of("edf");
    let policy = policy.build(&parameters).expect("parameters of this policy");
    let mut jobs = HEADER.to_owned();
    let watch = JobRows::new(|row: &JobRow| {
        let ms = |time: rtmm_workload::Time| time.picoseconds() as f64 / 1e9;
        let task = &system.scenario.tasks[row.task.index()].name;
        let model = &system.models[row.model.index()].name;
        let [release, deadline, end] = [row.release, row.deadline, row.end].map(ms);
        let start = row.start.map_or(String::new(), |start| ms(start).to_string());
        jobs.push_str(&format!(
            "{task},{},completed,{model},{release},{deadline},{start},{end},{on},1\n",
            row.frame
        ));
    });
    simulate(&system, "edf", policy, watch, RunOptions::default()).expect("legal");
    let (slices, _) = read(&written(&system, &jobs));
    assert_eq!(slices[&format!("{on}/unit 0")], slices[&format!("{on} (measured)/unit 0")]);
}

#[test]
fn bad_tables_are_told_with_line_and_column() {
    let system = system();
    let [a, b, on] = names(&system);
    let told = |rows: &str| {
        let source = Source::new("jobs.csv", format!("{HEADER}{rows}"));
        read_jobs(&source, &system).expect_err("a bad table").render(false)
    };
    for (rows, message, place) in [
        (format!("c,0,completed,{a},0,10,0,3,{on},1\n"), "there is no task `c`", "jobs.csv:2:1"),
        (format!("a,0,lost,{a},0,10,0,3,{on},1\n"), "there is no status `lost`", "jobs.csv:2:5"),
        (format!("a,0,completed,{a},0,10,0,soon,{on},1\n"), "`soon` is no time", "jobs.csv:2:"),
        (format!("a,0,completed,{a},0,10,0,3,far,1\n"), "there is no accelerator `far`", "jobs.csv:2:"),
        (format!("a,0,completed,{a},0,10,4,3,{on},1\n"), "not released, started and ended", "jobs.csv:2:"),
        (
            format!("a,0,completed,{a},0,10,0,3,{on},1\nb,0,completed,{b},1,21,2,6,{on},2\n"),
            "`b` 0 starts on",
            "granularity=model",
        ),
    ] {
        let text = told(&rows);
        assert!(text.contains(message) && text.contains(place), "{text}");
    }
    let source = Source::new("jobs.csv", "task,frame\na,0\n");
    let text = read_jobs(&source, &system).expect_err("a bad table").render(false);
    assert!(text.contains("start_ms"), "{text}");
    assert!(form_of("run.svg".as_ref()).is_ok_and(|form| !form.takes_another_run()));
}
