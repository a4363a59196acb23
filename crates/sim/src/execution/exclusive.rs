//! Runs that have their units, and all that they need, to themselves.
//!
//! The end of a run is known when it begins: the sum of its layers' latencies. So a run is one event,
//! however many layers it has, unless layers are to be told of.

use rtmm_hardware::Share;
use rtmm_scheduler::{Preemption, Progress};
use rtmm_workload::{LayerId, Time};

use crate::execution::{Completed, Execution, Instants, ResolvedSegment, Step, Stop, before_quantum};
use crate::system::System;

/// Each run by itself.
#[derive(Clone, Debug)]
pub struct Exclusive {
    events: Instants,
    runs: Vec<Option<Run>>,
    tells_layers: bool,
}

#[derive(Clone, Debug)]
struct Run {
    segment: ResolvedSegment,
    /// The layer that the segment was dispatched to end before: `segment.stop` is earlier once the run is
    /// to stop.
    stop: u32,
    next_stop: NextStop,
    /// True if it stops to be resized.
    resizes: bool,
}

/// The next event of a run.
#[derive(Clone, Copy, Debug, Default)]
struct NextStop {
    /// Where it stood when this was computed: the segment's beginning, or the last boundary that was told of.
    stood: Progress,
    /// Where the next event finds it.
    to: Progress,
    /// When what leads there began.
    began: Time,
    /// The layer that is complete then.
    completes: Option<u32>,
}

impl NextStop {
    fn completed(&self, layer: u32) -> Completed {
        Completed { layer: LayerId::new(layer as usize), began: self.began, stretch: 1.0 }
    }
}

impl Exclusive {
    /// No runs, in as many slots as the platform has units.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { events: Instants::new(slots), runs: vec![None; slots], tells_layers: false }
    }
}

/// The latency of a layer, in picoseconds.
fn layer_latency(system: &System, segment: &ResolvedSegment, layer: u32) -> u64 {
    system.costs.sample_latency(segment.model, segment.realisation.row, layer, segment.class)
}

/// The latency of a layer from a quantum on, in picoseconds.
fn rest_of_layer(system: &System, segment: &ResolvedSegment, at: Progress) -> u64 {
    let full = layer_latency(system, segment, at.layer);
    full - before_quantum(full, at.quantum, at.quanta)
}

/// From where the next layer runs: progress inside a layer counts only if that is the layer.
fn next_from(system: &System, segment: &ResolvedSegment, from: Progress) -> Progress {
    let layer = system.next_layer(segment.model, &segment.realisation, from.layer);
    if layer == from.layer {
        system.in_steps_of(segment.model, segment.class, from)
    } else {
        Progress::at(layer)
    }
}

impl Run {
    /// Plans the next event of a run that stands at `stood` at instant `began`, and says when it is.
    fn plan(&mut self, tells_layers: bool, system: &System, stood: Progress, began: Time) -> Time {
        let (layer, completes, at) = next_event(tells_layers, system, &self.segment, stood, began);
        self.next_stop.stood = stood;
        self.next_stop.to = Progress::at(layer);
        self.next_stop.began = began;
        self.next_stop.completes = if completes { Some(layer - 1) } else { None };
        at
    }
}

/// The layer before which the next event of a run finds it that stands at `stood` at instant `began`, whether
/// the layer before that one is complete then and to be told of, and the instant.
fn next_event(
    tells_layers: bool,
    system: &System,
    segment: &ResolvedSegment,
    stood: Progress,
    began: Time,
) -> (u32, bool, Time) {
    let end = segment.end();
    let at = next_from(system, segment, stood);
    if at.layer >= end {
        return (end, false, began);
    }
    let first = rest_of_layer(system, segment, at);
    if tells_layers {
        return (at.layer + 1, true, later(began, first));
    }
    let rest = if system.is_dynamic[segment.model.index()] {
        let mut total = 0_u64;
        let mut layer = system.next_layer(segment.model, &segment.realisation, at.layer + 1);
        while layer < end {
            total = total.saturating_add(layer_latency(system, segment, layer));
            layer = system.next_layer(segment.model, &segment.realisation, layer + 1);
        }
        total
    } else {
        let row = segment.realisation.row;
        system.costs.sample_latency_between(segment.model, row, at.layer + 1, end, segment.class)
    };
    (end, false, later(began, first.saturating_add(rest)))
}

impl Exclusive {
    /// Stops a run at its next boundary at or after `now`; false if that is its end anyway.
    fn stop(&mut self, system: &System, slot: usize, now: Time, mode: Preemption) -> bool {
        let Some(run) = &mut self.runs[slot] else { return false };
        let Run { segment, next_stop, .. } = run;
        let end = segment.end();
        let mut began = next_stop.began;
        // Between two layers that are told of: the boundary is now.
        if next_stop.stood != segment.from && began == now {
            (next_stop.to, next_stop.completes, segment.stop) =
                (next_stop.stood, None, next_stop.stood.layer);
            self.events.set(slot, now);
            return true;
        }
        let mut at = next_from(system, segment, next_stop.stood);
        while at.layer < end {
            let boundary = later(began, rest_of_layer(system, segment, at));
            if mode == Preemption::Quantum
                && began.max(now) < boundary
                && let Some((to, instant)) = next_quantum(system, segment, at, began, now)
            {
                (next_stop.to, next_stop.completes) = (to, None);
                segment.stop = to.layer;
                self.events.set(slot, instant);
                return true;
            }
            if boundary >= now {
                let next = at.layer + 1;
                if next >= end {
                    return false;
                }
                next_stop.to = Progress::at(next);
                next_stop.completes = self.tells_layers.then_some(at.layer);
                segment.stop = next;
                self.events.set(slot, boundary);
                return true;
            }
            began = boundary;
            at = Progress::at(system.next_layer(segment.model, &segment.realisation, at.layer + 1));
        }
        false
    }
}

fn later(time: Time, picoseconds: u64) -> Time {
    Time::from_picoseconds(time.picoseconds().saturating_add(picoseconds))
}

impl Execution for Exclusive {
    fn tell_layers(&mut self, tell: bool) {
        self.tells_layers = tell;
    }

    fn tells_layers(&self) -> bool {
        self.tells_layers
    }

    #[inline]
    fn begin(&mut self, system: &System, slot: usize, segment: ResolvedSegment) {
        let ResolvedSegment { from, stop, start, .. } = segment;
        // Built in its place, then planned: a copy of what was just written would have to wait for it.
        let run =
            self.runs[slot].insert(Run { segment, stop, next_stop: NextStop::default(), resizes: false });
        let at = run.plan(self.tells_layers, system, from, start);
        self.events.set(slot, at);
    }

    fn next(&self) -> Option<(Time, usize)> {
        self.events.first()
    }

    #[inline]
    fn step(&mut self, system: &System, slot: usize, now: Time) -> Step {
        let Some(run) = &mut self.runs[slot] else { return Step::Internal };
        let (next_stop, resizes) = (run.next_stop, run.resizes);
        if next_stop.to.quantum == 0
            && next_stop.to.layer < run.segment.end()
            && let Some(layer) = next_stop.completes
        {
            let at = run.plan(self.tells_layers, system, next_stop.to, now);
            self.events.set(slot, at);
            return Step::Layer(next_stop.completed(layer));
        }
        self.runs[slot] = None;
        self.events.set(slot, Time::MAX);
        let last = next_stop.completes.map(|layer| next_stop.completed(layer));
        let stop = Stop { to: next_stop.to, last, stretch: 1.0 };
        if resizes { Step::Resizes(stop) } else { Step::Ended(stop) }
    }

    fn preempt(&mut self, system: &System, slot: usize, now: Time, mode: Preemption) {
        if let Some(run) = &mut self.runs[slot]
            && std::mem::replace(&mut run.resizes, false)
        {
            // It was to stop at its next quantum for another reason.
            if mode == Preemption::Quantum {
                return;
            }
            run.segment.stop = run.stop;
            let NextStop { stood, began, .. } = run.next_stop;
            let at = run.plan(self.tells_layers, system, stood, began);
            self.events.set(slot, at);
        }
        self.stop(system, slot, now, mode);
    }

    fn resize(&mut self, system: &System, slot: usize, now: Time) {
        let stops = self.stop(system, slot, now, Preemption::Quantum);
        if let Some(run) = &mut self.runs[slot] {
            run.resizes = stops;
        }
    }

    fn halt(&mut self, system: &System, slot: usize, now: Time) -> Option<Progress> {
        let Run { segment, next_stop, .. } = self.runs[slot].take()?;
        self.events.set(slot, Time::MAX);
        let mut began = next_stop.began;
        let mut reached = next_stop.stood;
        loop {
            let at = next_from(system, &segment, reached);
            if at.layer >= segment.end() {
                return Some(reached);
            }
            let boundary = later(began, rest_of_layer(system, &segment, at));
            if boundary > now {
                return Some(reached);
            }
            (began, reached) = (boundary, Progress::at(at.layer + 1));
        }
    }

    /// Nothing is shared.
    fn set_share(&mut self, _now: Time, _slot: usize, _share: Share) {}
}

/// The first quantum boundary of a layer at or after `now`, at least one step after `at`, with its
/// instant; none if that is the layer's end.
fn next_quantum(
    system: &System,
    segment: &ResolvedSegment,
    at: Progress,
    began: Time,
    now: Time,
) -> Option<(Progress, Time)> {
    let quanta = system.costs.quanta(segment.model, at.layer, segment.class);
    let full = layer_latency(system, segment, at.layer);
    let done = before_quantum(full, at.quantum, at.quanta);
    // Instants are later(began, before_quantum(q) - done): search the first that is not before now.
    let wanted = u128::from(now.saturating_since(began).picoseconds()) + u128::from(done);
    let by_time = (wanted * u128::from(quanta)).div_ceil(u128::from(full.max(1)));
    let mut quantum = u32::try_from(by_time).unwrap_or(quanta).max(at.quantum + 1);
    while quantum < quanta && u128::from(before_quantum(full, quantum, quanta)) < wanted {
        quantum += 1;
    }
    (quantum < quanta).then(|| {
        let instant = later(began, before_quantum(full, quantum, quanta) - done);
        (Progress { layer: at.layer, quantum, quanta }, instant)
    })
}
