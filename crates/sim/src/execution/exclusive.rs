//! Segments that have their accelerator, and all that it needs, to themselves.
//!
//! The end of a segment is known when it begins: the sum of its layers' latencies. So a segment is
//! one event, however many layers it has, unless somebody asked to be told of each.

use rtmm_hardware::{AcceleratorId, Share};
use rtmm_scheduler::{Preemption, Progress};
use rtmm_workload::{LayerId, Time};

use crate::error::Illegal;
use crate::execution::{Completed, Course, Execution, Instants, Step};
use crate::system::System;

/// Each accelerator by itself.
#[derive(Clone, Debug)]
pub struct Exclusive {
    events: Instants,
    runs: Vec<Option<Run>>,
    tells_layers: bool,
}

#[derive(Clone, Debug)]
struct Run {
    course: Course,
    plan: Plan,
}

/// The next event of a run.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Where it stood when it was planned: the segment's beginning, or the last boundary that was told of.
    stood: Progress,
    /// Where the next event finds it.
    to: Progress,
    /// When what leads there began.
    began: Time,
    /// The layer that is complete then.
    completes: Option<u32>,
}

impl Plan {
    fn completed(&self, layer: u32) -> Completed {
        Completed { layer: LayerId::new(layer as usize), began: self.began, stretch: 1.0 }
    }
}

impl Exclusive {
    /// Idle accelerators.
    #[must_use]
    pub fn new(accelerators: usize) -> Self {
        Self { events: Instants::new(accelerators), runs: vec![None; accelerators], tells_layers: false }
    }
}

/// The latency of a layer from a quantum on, in picoseconds.
fn rest_of_layer(system: &System<'_>, course: &Course, at: Progress) -> u64 {
    let full = system.layer_latency(course.model, &course.realisation, at.layer, course.column);
    full - before_quantum(full, at.quantum, at.quanta)
}

/// How long the first `quantum` of `quanta` equal steps take, rounded down.
fn before_quantum(latency: u64, quantum: u32, quanta: u32) -> u64 {
    if quanta == 0 {
        return 0;
    }
    (u128::from(latency) * u128::from(quantum) / u128::from(quanta)) as u64
}

/// From where the next layer runs: progress inside a layer counts only if that is the layer.
fn next_from(system: &System<'_>, course: &Course, from: Progress) -> Progress {
    let layer = system.next_layer(course.model, &course.realisation, from.layer);
    if layer == from.layer {
        system.in_steps_of(course.model, course.column, from)
    } else {
        Progress::at(layer)
    }
}

impl Exclusive {
    /// Plans the next event of a run that stands at `from` at instant `began`.
    fn plan(&self, system: &System<'_>, course: &Course, from: Progress, began: Time) -> (Plan, Time) {
        let end = course.end();
        let at = next_from(system, course, from);
        if at.layer >= end {
            let to = Progress::at(end);
            return (Plan { stood: from, to, began, completes: None }, began);
        }
        let first = rest_of_layer(system, course, at);
        if self.tells_layers {
            let (to, completes) = (Progress::at(at.layer + 1), Some(at.layer));
            return (Plan { stood: from, to, began, completes }, later(began, first));
        }
        let rest = if system.is_dynamic[course.model.index()] {
            let mut total = 0_u64;
            let mut layer = system.next_layer(course.model, &course.realisation, at.layer + 1);
            while layer < end {
                let latency = system.layer_latency(course.model, &course.realisation, layer, course.column);
                total = total.saturating_add(latency);
                layer = system.next_layer(course.model, &course.realisation, layer + 1);
            }
            total
        } else {
            system.latency_between(course.model, &course.realisation, at.layer + 1, end, course.column)
        };
        let plan = Plan { stood: from, to: Progress::at(end), began, completes: None };
        (plan, later(began, first.saturating_add(rest)))
    }
}

fn later(time: Time, picoseconds: u64) -> Time {
    Time::from_picoseconds(time.picoseconds().saturating_add(picoseconds))
}

impl Execution for Exclusive {
    fn tell_layers(&mut self, tell: bool) {
        self.tells_layers = tell;
    }

    fn begin(&mut self, system: &System<'_>, accelerator: AcceleratorId, course: &Course) {
        let (plan, at) = self.plan(system, course, course.from, course.start);
        self.runs[accelerator.index()] = Some(Run { course: *course, plan });
        self.events.set(accelerator.index(), at);
    }

    fn next(&self) -> Option<(Time, AcceleratorId)> {
        self.events.first()
    }

    fn step(&mut self, system: &System<'_>, accelerator: AcceleratorId, now: Time) -> Step {
        let index = accelerator.index();
        let Some(run) = &self.runs[index] else { return Step::Internal };
        let plan = run.plan;
        if plan.to.quantum == 0
            && plan.to.layer < run.course.end()
            && let Some(layer) = plan.completes
        {
            let (next, at) = self.plan(system, &run.course, plan.to, now);
            if let Some(run) = &mut self.runs[index] {
                run.plan = next;
            }
            self.events.set(index, at);
            return Step::Layer(plan.completed(layer));
        }
        self.runs[index] = None;
        self.events.set(index, Time::MAX);
        Step::Ended { to: plan.to, last: plan.completes.map(|layer| plan.completed(layer)) }
    }

    fn preempt(&mut self, system: &System<'_>, accelerator: AcceleratorId, now: Time, mode: Preemption) {
        let index = accelerator.index();
        let Some(run) = &mut self.runs[index] else { return };
        let Run { course, plan } = run;
        let end = course.end();
        let mut began = plan.began;
        // Between two layers that are told of: the boundary is now.
        if plan.stood != course.from && began == now {
            (plan.to, plan.completes, course.stop) = (plan.stood, None, plan.stood.layer);
            self.events.set(index, now);
            return;
        }
        let mut at = next_from(system, course, plan.stood);
        while at.layer < end {
            let boundary = later(began, rest_of_layer(system, course, at));
            if mode == Preemption::Quantum
                && began.max(now) < boundary
                && let Some((to, instant)) = next_quantum(system, course, at, began, now)
            {
                (plan.to, plan.completes) = (to, None);
                course.stop = to.layer;
                self.events.set(index, instant);
                return;
            }
            if boundary >= now {
                let next = at.layer + 1;
                if next >= end {
                    return;
                }
                plan.to = Progress::at(next);
                plan.completes = self.tells_layers.then_some(at.layer);
                course.stop = next;
                self.events.set(index, boundary);
                return;
            }
            began = boundary;
            at = Progress::at(system.next_layer(course.model, &course.realisation, at.layer + 1));
        }
    }

    fn halt(&mut self, system: &System<'_>, accelerator: AcceleratorId, now: Time) -> Option<Progress> {
        let index = accelerator.index();
        let run = self.runs[index].take()?;
        self.events.set(index, Time::MAX);
        let Run { course, plan } = run;
        let mut began = plan.began;
        let mut reached = plan.stood;
        loop {
            let at = next_from(system, &course, reached);
            if at.layer >= course.end() {
                return Some(reached);
            }
            let boundary = later(began, rest_of_layer(system, &course, at));
            if boundary > now {
                return Some(reached);
            }
            (began, reached) = (boundary, Progress::at(at.layer + 1));
        }
    }

    fn set_share(&mut self, _now: Time, _accelerator: AcceleratorId, _share: Share) -> Result<(), Illegal> {
        Err(Illegal::NoShares)
    }
}

/// The first quantum boundary of a layer at or after `now`, at least one step after `at`, with its
/// instant; none if that is the layer's end.
fn next_quantum(
    system: &System<'_>,
    course: &Course,
    at: Progress,
    began: Time,
    now: Time,
) -> Option<(Progress, Time)> {
    let quanta = system.profile.quanta(course.model, at.layer, course.column);
    let full = system.layer_latency(course.model, &course.realisation, at.layer, course.column);
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
