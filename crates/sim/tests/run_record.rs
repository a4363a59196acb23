//! A run can leave a record of all that happened, and leaving it changes nothing.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rtmm_scheduler::{Interests, Policy, RunId};
use rtmm_sim::metrics::{JobRow, JobRows};
use rtmm_sim::{
    EndOfRun, LayerRecord, Metrics, MetricsOptions, RecordedEvent, RunOptions, RunRecord, System,
};
use rtmm_testkit::cases;
use rtmm_testkit::random_systems::policies::{Habits, Scripted};
use rtmm_testkit::random_systems::record::{Heard, Recorder};
use rtmm_testkit::random_systems::systems::{self, Sketch};
use rtmm_testkit::simulate;
use rtmm_workload::Duration;

const DEFAULT_CASES: u32 = 200;
const HABITS: Habits =
    Habits { dispatch: 160, batch: 80, preempt: 60, context: 60, resize: 60, drop: 20, share: 40, timer: 20 };

fn policy(sketch: &Sketch, layers: bool) -> Box<dyn Policy> {
    let shares = sketch.machine.memory.shares();
    let interests = Interests { jobs: true, layers, times: true };
    Scripted::new(sketch.seed, HABITS, interests, Duration::ZERO, sketch.scale, shares)
}

fn ends() -> impl Strategy<Value = EndOfRun> {
    prop::sample::select(vec![EndOfRun::Cut, EndOfRun::Drain])
}

/// The layers of each run, in their order.
fn by_run(record: &RunRecord) -> BTreeMap<RunId, Vec<LayerRecord>> {
    let mut layers: BTreeMap<RunId, Vec<LayerRecord>> = BTreeMap::new();
    for layer in record.layers() {
        layers.entry(layer.run).or_default().push(layer);
    }
    layers
}

proptest! {
    #![proptest_config(cases::config(DEFAULT_CASES))]

    #[test]
    fn recording_changes_nothing_and_is_read_as_the_run_is(
        sketch in prop_oneof![systems::with_divisions().boxed(), systems::whole()], layers in any::<bool>(), end in ends(),
    ) {
        let built = sketch.build();
        let system = System::new(&built.scenario, &built.models, &built.platform).expect("costs");
        let options = RunOptions { seed: sketch.seed, end, oracle: false };
        let metrics = || Metrics::new(&system, MetricsOptions::default());
        let run = |observer: &mut dyn FnMut() -> Metrics| {
            simulate(&system, "test", policy(&sketch, layers), observer(), options).expect("legal").summary()
        };
        let plain = run(&mut || metrics());
        let mut live: Vec<JobRow> = Vec::new();
        let rows = JobRows::new(|row: &JobRow| live.push(*row));
        let observer = (metrics(), (RunRecord::default(), rows));
        let (watched, (record, _)) =
            simulate(&system, "test", policy(&sketch, layers), observer, options).expect("legal");
        prop_assert_eq!(format!("{:?}", watched.summary()), format!("{plain:?}"));
        // Whatever observes runs reads the record as it would the run.
        let mut read = metrics();
        record.replay(&mut read);
        prop_assert_eq!(format!("{:?}", read.summary()), format!("{plain:?}"));
        prop_assert_eq!(record.job_rows(), live);
        let audit = record.audit(&system);
        prop_assert_eq!(audit.violations(), &[] as &[String]);
        let mut copy = RunRecord::default();
        record.replay(&mut copy);
        prop_assert_eq!(copy, record);
    }

    #[test]
    fn layers_follow_each_other_within_their_run(sketch in systems::with_divisions(), layers in any::<bool>()) {
        let built = sketch.build();
        let system = System::new(&built.scenario, &built.models, &built.platform).expect("costs");
        let options = RunOptions { seed: sketch.seed, ..RunOptions::default() };
        let (recorder, log) = Recorder::new(policy(&sketch, layers));
        let record = simulate(&system, "test", recorder, RunRecord::default(), options).expect("legal");
        let of_runs = by_run(&record);
        for layers in of_runs.values() {
            for pair in layers.windows(2) {
                prop_assert!(pair[0].layer < pair[1].layer && pair[0].ended <= pair[1].began);
                prop_assert!(pair[1].began <= pair[1].ended);
            }
        }
        for entry in record.entries() {
            match &entry.event {
                RecordedEvent::SegmentEnded { run, to, .. } => {
                    let layers = of_runs.get(&run.id).map_or(&[][..], Vec::as_slice);
                    let last = layers.iter().rfind(|layer| layer.ended <= entry.at);
                    prop_assert!(last.is_none_or(|last| (last.layer.index() as u32) < to.layer));
                    let is_in_time = |layer: &LayerRecord| layer.began >= run.dispatched && layer.ended <= entry.at;
                    prop_assert!(layers.iter().all(is_in_time));
                }
                RecordedEvent::ContextSwitched { run, switch } => {
                    prop_assert!(run.started >= run.dispatched.saturating_add(switch.time));
                }
                _ => {}
            }
        }
        // A policy that hears of layers hears of those that are recorded, with their latencies.
        let heard = log.lock().expect("no test panics while it writes").heard.clone();
        let heard: Vec<(u64, usize, u64)> = heard
            .iter()
            .filter_map(|(at, heard)| match heard {
                Heard::Layer { layer, latency, .. } => Some((*at, *layer, *latency)),
                _ => None,
            })
            .collect();
        if layers {
            let mut recorded: Vec<(u64, usize, u64)> = record
                .layers()
                .iter()
                .map(|one| {
                    let latency = one.ended.saturating_since(one.began).picoseconds();
                    (one.ended.picoseconds(), one.layer.index(), latency)
                })
                .collect();
            let mut heard = heard;
            recorded.sort_unstable();
            heard.sort_unstable();
            prop_assert_eq!(recorded, heard);
        }
    }
}
