//! Timelines of random systems, read again as a viewer reads them: nothing overlaps, and sums are those of the run.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use prost::Message;
use rtmm_hardware::{Energy, Gating, OperatingPoint, PointId, PointSwitch, Power, PowerStates};
use rtmm_scheduler::{Interests, Policy};
use rtmm_sim::metrics::Summary;
use rtmm_sim::{EndOfRun, Metrics, MetricsOptions, RunOptions, RunRecord, System};
use rtmm_testkit::by_hand::{ByHand, policy as policy_of};
use rtmm_testkit::cases;
use rtmm_testkit::random_systems::policies::{Habits, Scripted};
use rtmm_testkit::random_systems::systems::{self, Sketch};
use rtmm_testkit::simulate;
use rtmm_timeline::forms::proto::{AnnotationValue, EventKind, Trace, TrackEvent};
use rtmm_timeline::{Timeline, form_of};
use rtmm_workload::Duration;

const DEFAULT_CASES: u32 = 60;
const HABITS: Habits =
    Habits { dispatch: 160, batch: 80, preempt: 60, context: 60, resize: 60, drop: 20, share: 40, timer: 20 };

fn policy(sketch: &Sketch) -> Box<dyn Policy> {
    let interests = Interests { jobs: true, layers: false, times: true };
    Scripted::new(
        sketch.seed,
        HABITS,
        interests,
        Duration::ZERO,
        sketch.scale,
        sketch.machine.memory.shares(),
    )
}

/// A run, told to a form of timelines.
fn written(system: &System, sketch: &Sketch, end: EndOfRun, file: &str) -> (Vec<u8>, Summary) {
    let mut bytes = Vec::new();
    let form = form_of(file.as_ref()).expect("a form").open(system, Box::new(&mut bytes)).expect("memory");
    let options = RunOptions { seed: sketch.seed, end, oracle: false };
    let observer = (Metrics::new(system, MetricsOptions::default()), Timeline::new(system, form));
    let (metrics, timeline) = simulate(system, "test", policy(sketch), observer, options).expect("legal");
    timeline.finish().expect("memory");
    (bytes, metrics.summary())
}

/// Systems of all features, and simpler ones.
fn systems() -> impl Strategy<Value = Sketch> {
    prop_oneof![systems::with_divisions().boxed(), systems::whole()]
}

/// A slice as a viewer sees it.
#[derive(Clone, Debug)]
struct Slice {
    track: u64,
    category: String,
    from: u64,
    to: u64,
    depth: usize,
    length_ps: Option<u64>,
}

/// What a viewer makes of a Perfetto trace: events by their instants, of equal ones in the order of the file; an end
/// closes the innermost slice of its track.
#[derive(Default)]
struct Viewed {
    slices: Vec<Slice>,
    /// By category and name.
    instants: BTreeMap<String, u64>,
    /// By flow, the events that it goes through, and whether it ended.
    flows: BTreeMap<u64, (u64, bool)>,
    /// Names of tracks, with their parents.
    tracks: BTreeMap<u64, (String, u64)>,
}

fn view(bytes: &[u8]) -> Viewed {
    let trace = Trace::decode(bytes).expect("a trace");
    let texts = trace.packet[0].interned_data.clone().expect("texts come first");
    let text = |of: &[rtmm_timeline::forms::proto::InternedText], iid: u64| {
        of.iter().find(|text| text.iid == iid).expect("a known text").name.clone()
    };
    let mut viewed = Viewed::default();
    let mut events: Vec<(u64, &TrackEvent)> = Vec::new();
    for packet in &trace.packet {
        if let Some(track) = &packet.track_descriptor {
            viewed.tracks.insert(track.uuid, (track.name.clone(), track.parent_uuid));
        }
        events.extend(packet.track_event.as_ref().map(|event| (packet.timestamp.expect("a time"), event)));
    }
    events.sort_by_key(|(at, _)| *at);
    let mut open: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, event) in events {
        assert!(viewed.tracks.contains_key(&event.track_uuid), "no such track: {event:?}");
        let stack = open.entry(event.track_uuid).or_default();
        for flow in event.flow_ids.iter().chain(&event.terminating_flow_ids) {
            let (count, ended) = viewed.flows.entry(*flow).or_default();
            assert!(!*ended, "flow {flow} goes on after its end");
            (*count, *ended) = (*count + 1, !event.terminating_flow_ids.is_empty());
        }
        match event.r#type() {
            EventKind::SliceBegin => {
                let length = event.debug_annotations.iter().find_map(|annotation| match annotation.value {
                    Some(AnnotationValue::Unsigned(value))
                        if text(&texts.debug_annotation_names, annotation.name_iid) == "length_ps" =>
                    {
                        Some(value)
                    }
                    _ => None,
                });
                let category = text(&texts.event_categories, event.category_iids[0]);
                let (track, depth) = (event.track_uuid, stack.len());
                stack.push(viewed.slices.len());
                let slice = Slice { track, category, from: at, to: u64::MAX, depth, length_ps: length };
                viewed.slices.push(slice);
            }
            EventKind::SliceEnd => {
                let closed = stack.pop().expect("an open slice");
                viewed.slices[closed].to = at;
            }
            EventKind::Instant => {
                *viewed.instants.entry(text(&texts.event_names, event.name_iid)).or_default() += 1;
            }
            EventKind::Counter => assert!(event.double_counter_value.is_some_and(|value| value >= 0.0)),
            EventKind::Unspecified => panic!("{event:?}"),
        }
    }
    assert!(open.values().all(Vec::is_empty), "slices without an end");
    viewed
}

proptest! {
    #![proptest_config(cases::config(DEFAULT_CASES))]

    #[test]
    fn perfetto_traces_add_up_to_the_run(
        sketch in systems(), drains in any::<bool>(),
    ) {
        let built = sketch.build();
        let system = System::new(&built.scenario, &built.models, &built.platform).expect("costs");
        let end = if drains { EndOfRun::Drain } else { EndOfRun::Cut };
        let (bytes, summary) = written(&system, &sketch, end, "run.pftrace");
        let viewed = view(&bytes);
        for slice in &viewed.slices {
            let is_outer = slice.category == "segment" || slice.category == "hold";
            prop_assert_eq!(slice.depth, usize::from(!is_outer), "{:?}", slice);
            prop_assert!(slice.from <= slice.to && slice.to < u64::MAX);
        }
        for (accelerator, stated) in summary.accelerators.iter().zip(&system.platform.accelerators) {
            let name = &accelerator.accelerator;
            let is_here = |slice: &&Slice| {
                viewed.tracks.get(&viewed.tracks[&slice.track].1).is_some_and(|parent| parent.0 == *name)
            };
            let outer: Vec<&Slice> = viewed.slices.iter().filter(is_here).filter(|slice| slice.depth == 0).collect();
            let segments = outer.iter().filter(|slice| slice.category == "segment").count() as u64;
            prop_assert_eq!(segments, accelerator.segments, "{}", name);
            let exact: u64 = outer.iter().filter_map(|slice| slice.length_ps).sum();
            let busy_ms = (exact / u64::from(stated.units())) as f64 / 1e9;
            prop_assert_eq!(busy_ms, accelerator.busy_ms, "{}", name);
            // What is rounded differs by half a nanosecond at each end.
            let rounded: u64 = outer.iter().map(|slice| slice.to - slice.from).sum();
            prop_assert!((rounded * 1_000).abs_diff(exact) <= outer.len() as u64 * 1_000);
        }
        let jobs = summary.jobs;
        let count = |name: &str| viewed.instants.get(name).copied().unwrap_or(0);
        prop_assert_eq!(count("released"), jobs.released);
        prop_assert_eq!(count("completed"), jobs.completed);
        prop_assert_eq!(count("dropped"), jobs.dropped - jobs.dropped_upstream);
        prop_assert_eq!(count("dropped upstream"), jobs.dropped_upstream);
        prop_assert_eq!(count("in flight"), jobs.in_flight);
        prop_assert_eq!(count("deadline missed"), jobs.late + jobs.overdue);
        prop_assert_eq!(viewed.flows.len() as u64, jobs.released);
        let segments: u64 = summary.accelerators.iter().map(|accelerator| accelerator.segments).sum();
        let steps: u64 = viewed.flows.values().map(|(count, _)| *count).sum();
        prop_assert_eq!(steps, 2 * jobs.released + segments);
        prop_assert!(viewed.flows.values().all(|(_, ended)| *ended));
    }

    #[test]
    fn chrome_traces_say_the_same_and_hold_no_complete_event_without_a_length(
        sketch in systems(),
    ) {
        let built = sketch.build();
        let system = System::new(&built.scenario, &built.models, &built.platform).expect("costs");
        let (bytes, _) = written(&system, &sketch, EndOfRun::Cut, "run.json");
        let trace: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        let nanoseconds =
            |event: &serde_json::Value, key: &str| (event[key].as_f64().expect("a time") * 1e3).round() as u64;
        let mut slices: Vec<(String, u64, u64)> = Vec::new();
        for event in trace["traceEvents"].as_array().expect("events") {
            let category = || event["cat"].as_str().expect("a category").to_owned();
            match event["ph"].as_str() {
                Some("X") => {
                    let (from, length) = (nanoseconds(event, "ts"), nanoseconds(event, "dur"));
                    prop_assert!(length > 0);
                    slices.push((category(), from, from + length));
                }
                Some("i") if event["cat"] != "job" => {
                    let at = nanoseconds(event, "ts");
                    slices.push((category(), at, at));
                }
                _ => {}
            }
        }
        let (bytes, _) = written(&system, &sketch, EndOfRun::Cut, "run.pftrace");
        let viewed = view(&bytes).slices.into_iter();
        let mut expected: Vec<_> = viewed.map(|slice| (slice.category, slice.from, slice.to)).collect();
        slices.sort();
        expected.sort();
        prop_assert_eq!(slices, expected);
    }

    #[test]
    fn a_record_gives_the_bytes_of_the_run(sketch in systems()) {
        let built = sketch.build();
        let system = System::new(&built.scenario, &built.models, &built.platform).expect("costs");
        let options = RunOptions { seed: sketch.seed, ..RunOptions::default() };
        let record = simulate(&system, "test", policy(&sketch), RunRecord::default(), options).expect("legal");
        for file in ["run.pftrace", "run.json", "run.svg"] {
            let (live, _) = written(&system, &sketch, EndOfRun::Cut, file);
            let mut read = Vec::new();
            let form = form_of(file.as_ref()).expect("a form").open(&system, Box::new(&mut read));
            let mut timeline = Timeline::new(&system, form.expect("memory"));
            record.replay(&mut timeline);
            timeline.finish().expect("memory");
            prop_assert!(live == read, "{file}");
        }
    }
}

/// An output that is full from some byte on.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_and_stops_no_run() {
    let workload = rtmm_workload::load::workload("xrbench/vr_gaming", None, rtmm_workload::Legality::Strict)
        .expect("built in");
    let platform =
        rtmm_hardware::load::platform("xrbench/dual_4k_ws_os", None, rtmm_hardware::Mode::Corrected)
            .expect("built in");
    let system = System::new(&workload.scenario, &workload.models, &platform).expect("costs");
    for (file, room) in [("run.pftrace", 500_000), ("run.json", 500_000), ("run.svg", 10)] {
        let row = rtmm_scheduler::registry::policy("edf").expect("a policy");
        let form = form_of(file.as_ref()).expect("a form").open(&system, Box::new(Full(room))).expect("room");
        let policy = row.build(&row.defaults()).expect("defaults");
        let timeline = Timeline::new(&system, form);
        let timeline = simulate(&system, "edf", policy, timeline, RunOptions::default()).expect("legal");
        let error = timeline.finish().expect_err("a full disk");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{file}");
    }
}

/// The value behind a key of a line of a Chrome trace.
fn field<'l>(line: &'l str, key: &str) -> &'l str {
    let value = &line[line.find(key).expect("a key") + key.len()..];
    &value[..value.find([',', '}']).expect("its end")]
}

/// Clocks are shown from the start on, where they change, and where an accelerator is gated and wakes.
#[test]
fn clocks_are_counters() {
    let mut by_hand = ByHand::parse("for 20; dram 1; task a every 10 layers 3");
    let point = |mhz: u64| OperatingPoint {
        hertz: mhz * 1_000_000,
        microvolts: 1_000_000,
        static_power: Power::from_nanowatts(1),
        idle_power: Power::from_nanowatts(1_000_000),
    };
    let states = PowerStates {
        points: vec![point(400), point(800)],
        nominal: PointId::new(1),
        switch: PointSwitch::default(),
        gating: None,
    };
    let gating =
        Gating { power: Power::ZERO, wake_time: Duration::from_picoseconds(1), wake_energy: Energy::ZERO };
    by_hand.platform.accelerators[0].power = Some(PowerStates { gating: Some(gating), ..states.clone() });
    by_hand.platform.power.dram = Some(states);
    let system = by_hand.system();
    let (row, parameters) = policy_of("edf governor=race-to-idle governor_dram=lowest");
    let mut bytes = Vec::new();
    let form =
        form_of("run.json".as_ref()).expect("a form").open(&system, Box::new(&mut bytes)).expect("memory");
    let policy = row.build(&parameters).expect("parameters of this policy");
    let timeline = simulate(&system, "edf", policy, Timeline::new(&system, form), RunOptions::default());
    timeline.expect("legal").finish().expect("memory");
    let text = String::from_utf8(bytes).expect("a text");
    let clocks = |name: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains(&format!("\"name\":\"{name}\",\"args\"")));
        lines.map(|line| format!("{} {}", field(line, "\"ts\":"), field(line, "\"Hz\":"))).collect()
    };
    assert_eq!(clocks("clock"), ["0.000 800000000", "3000.000 0", "10000.000 800000000", "13000.000 0"]);
    assert_eq!(clocks("DRAM clock"), ["0.000 400000000"]);
}

/// A move stands behind the context switch that precedes it, and before the layer.
#[test]
fn moves_are_parts_of_segments() {
    // The second layer runs on the other accelerator: half a millisecond to switch, and a move of half and two.
    let text = "accelerators 2; for 20; switch 0.5; links 1 0.5; task b every 20 layers -/1; task a every 20 at 2 layers 2/- -/3 sizes 1 20 1";
    let system = ByHand::parse(text).system();
    let (row, parameters) = policy_of("edf");
    let mut bytes = Vec::new();
    let form =
        form_of("run.json".as_ref()).expect("a form").open(&system, Box::new(&mut bytes)).expect("memory");
    let policy = row.build(&parameters).expect("parameters of this policy");
    let timeline = simulate(&system, "edf", policy, Timeline::new(&system, form), RunOptions::default());
    timeline.expect("legal").finish().expect("memory");
    let text = String::from_utf8(bytes).expect("a text");
    let slices =
        text.lines().filter(|line| line.contains("\"pid\":2,\"tid\":1,\"ts\"") && line.contains("\"dur\""));
    let parts: Vec<String> = slices
        .map(|line| {
            format!("{} {}+{}", field(line, "\"cat\":"), field(line, "\"ts\":"), field(line, "\"dur\":"))
        })
        .collect();
    assert_eq!(
        parts,
        [
            "\"segment\" 0.000+1000.000",
            "\"layer\" 0.000+1000.000",
            "\"segment\" 4000.000+6000.000",
            "\"context switch\" 4000.000+500.000",
            "\"move\" 4500.000+2500.000",
            "\"layer\" 7000.000+3000.000"
        ]
    );
}
