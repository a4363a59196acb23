//! Profiles that ONNX Runtime writes (`SessionOptions.enable_profiling`).
//!
//! A profile is a JSON list of events with whole microseconds. [`events`] reads it, [`nesting`] finds which node runs
//! inside which: the event of a node with branches or loops contains those of their nodes. Runs are told apart by the
//! intervals of `model_run` alone, whatever the order of the file. Shapes of inputs are not used: ONNX Runtime leaves
//! constant inputs out of them that it has packed for a kernel.

mod events;
mod nesting;

use std::collections::BTreeMap;
use std::io::BufRead;

use rtmm_workload::Duration;

use super::{MeasuredNode, MeasurementError, MeasurementOptions, Measurements, Quantiles};
use events::{KindId, Log, NodeEvent, Span};
use nesting::nested;

pub use events::{MAX_EVENT_BYTES, MAX_EVENTS, MAX_NAME_BYTES};
pub use nesting::MAX_OPEN;

/// Executions of a node, in microseconds.
struct Executions {
    kind: KindId,
    depth: u32,
    times: Vec<u64>,
    self_total: u64,
}

/// Reads a profile.
pub(super) fn read(
    text: &mut dyn BufRead,
    options: &MeasurementOptions,
) -> Result<Measurements, MeasurementError> {
    let mut log = Log::read(text)?;
    log.runs.sort_unstable_by_key(|run| (run.start, run.end));
    if log.runs.is_empty() {
        return Err(MeasurementError::new(
            "the profile has no `model_run`, so that no run is whole",
            "profile at least one run of the model, and end the session before you read the file",
        ));
    }
    let runs = log.runs.len();
    let warm_up = options.warm_up_of(runs)?;
    let (by_run, outside_runs) = by_run(&log);
    let mut all: Vec<Executions> = Vec::new();
    let mut places: BTreeMap<(KindId, u32), usize> = BTreeMap::new();
    for events in by_run.into_iter().skip(warm_up) {
        for node in nested(events, &log.kinds)? {
            let place = *places.entry((node.kind, node.depth)).or_insert_with(|| {
                all.push(Executions { kind: node.kind, depth: node.depth, times: Vec::new(), self_total: 0 });
                all.len() - 1
            });
            let executions = &mut all[place];
            executions.times.push(node.time);
            executions.self_total = executions.self_total.saturating_add(node.self_time);
        }
    }
    if all.is_empty() {
        return Err(MeasurementError::new(
            "no node ran within the runs after the warm-up",
            "name a profile of ONNX Runtime with events of nodes",
        ));
    }
    Ok(Measurements {
        kind: "ort",
        runs: runs as u64,
        node_runs: (runs - warm_up) as u64,
        has_executions: true,
        run_times: log.runs[warm_up..].iter().map(|run| duration(run.length())).collect(),
        nodes: all.into_iter().map(|executions| executions.measured(&log)).collect(),
        outside_runs,
        ..Measurements::default()
    })
}

/// A time of a profile: the bounds of its events keep it within range.
fn duration(microseconds: u64) -> Duration {
    Duration::from_picoseconds(microseconds.saturating_mul(1_000_000))
}

impl Executions {
    fn measured(mut self, log: &Log) -> MeasuredNode {
        self.times.sort_unstable();
        let kind = &log.kinds[self.kind.index()];
        MeasuredNode {
            name: kind.name.clone(),
            index: kind.node_index,
            depth: self.depth,
            operator: kind.operator.clone(),
            output: kind.output.clone(),
            calls: self.times.len() as u64,
            quantiles: Quantiles::of_sorted(&self.times, duration),
            self_total: Some(duration(self.self_total)),
            ..MeasuredNode::default()
        }
    }
}

/// The events of nodes by the run that contains them, and how many no run contains.
///
/// Runs of several threads may overlap: a run of the event's own thread comes first.
fn by_run(log: &Log) -> (Vec<Vec<NodeEvent>>, u64) {
    let mut of_thread: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    for (index, run) in log.runs.iter().enumerate() {
        of_thread.entry(run.thread).or_default().push(index);
    }
    let all: Vec<usize> = (0..log.runs.len()).collect();
    let find = |runs: &[usize], event: &Span| {
        let later = runs.partition_point(|run| log.runs[*run].start <= event.start);
        runs[..later].last().copied().filter(|run| log.runs[*run].contains(event))
    };
    let mut by_run: Vec<Vec<NodeEvent>> = vec![Vec::new(); log.runs.len()];
    let mut outside = 0;
    for event in &log.nodes {
        let own = of_thread.get(&event.span.thread).and_then(|runs| find(runs, &event.span));
        match own.or_else(|| find(&all, &event.span)) {
            Some(run) => by_run[run].push(*event),
            None => outside += 1,
        }
    }
    (by_run, outside)
}
