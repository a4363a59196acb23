//! Runs that have their units, and all that they need, to themselves.
//!
//! The end of a run is known when it begins: the sum of its layers' latencies. So a run is one event,
//! however many layers it has, unless layers are to be told of.

use rtmm_hardware::Share;
use rtmm_scheduler::{Preemption, Progress, before_quantum};
use rtmm_workload::{LayerId, Time};

use crate::execution::{
    Completed, Execution, Instants, LayerPart, Reach, Segment, Standing, Step, Stop, rescaled,
};
use crate::system::System;

/// Each run by itself.
#[derive(Clone, Debug)]
pub struct Exclusive {
    events: Instants,
    /// By slot. What a slot without a run holds has no meaning: plans are written in place.
    plans: Vec<Plan>,
    tells_layers: bool,
}

/// The next stop of a run, and the layer that it is to end before.
#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    is_live: bool,
    /// The layer that it ends before: that of the dispatch, or an earlier one once it is to stop.
    stop: u32,
    /// Where it stood when this was computed: the segment's beginning, the last boundary that was told of, or where an
    /// operating point changed.
    stood: Progress,
    /// Time of the layer there that was done then; none where that follows from its quanta.
    done: Option<u64>,
    /// Where the next event finds it.
    to: Progress,
    /// When what leads there began.
    began: Time,
    /// When the layer began, or went on in this run.
    layer_began: Time,
    /// True if it is past a layer.
    has_passed: bool,
    /// The layer that is complete then.
    completes: Option<u32>,
    /// True if it stops to be resized.
    resizes: bool,
}

impl Exclusive {
    /// No runs, in as many slots as the platform has units.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { events: Instants::new(slots), plans: vec![Plan::default(); slots], tells_layers: false }
    }

    /// Stops a run at its next boundary at or after `now`; false if that is its end anyway.
    fn stop(
        &mut self,
        system: &System,
        slot: usize,
        now: Time,
        segment: &Segment<'_>,
        mode: Preemption,
    ) -> bool {
        let Some(plan) = self.plans.get_mut(slot).filter(|plan| plan.is_live) else { return false };
        let end = segment.end(plan.stop);
        let mut began = plan.began;
        // Between two layers that are told of: the boundary is now. A run that stands still there stops when it would go on.
        if plan.has_passed && plan.layer_began >= now {
            (plan.to, plan.completes, plan.stop) = (plan.stood, None, plan.stood.layer);
            let at = plan.began.max(now);
            self.events.set(slot, at);
            return true;
        }
        let mut at = segment.next_from(system, plan.stood);
        let mut done = plan.done;
        while at.layer < end {
            let boundary = later(began, rest_of_layer(system, segment, at, done));
            if mode.is_inside_layers()
                && began.max(now) < boundary
                && let Some((to, instant)) = next_quantum(system, segment, at, done, began, now)
            {
                (plan.to, plan.completes, plan.stop) = (to, None, to.layer);
                self.events.set(slot, instant);
                return true;
            }
            if boundary >= now {
                let next = at.layer + 1;
                if next >= end {
                    return false;
                }
                plan.to = Progress::at(next);
                plan.completes = self.tells_layers.then_some(at.layer);
                plan.stop = next;
                self.events.set(slot, boundary);
                return true;
            }
            began = boundary;
            done = None;
            at = Progress::at(segment.next_layer(system, at.layer + 1));
        }
        false
    }
}

impl Plan {
    /// Plans the next event of a run that stands at `stood` at instant `began`; its instant.
    #[inline(always)]
    fn next(
        &mut self,
        tells_layers: bool,
        system: &System,
        segment: &Segment<'_>,
        stood: Progress,
        began: Time,
    ) -> Time {
        (self.stood, self.began, self.layer_began, self.done) = (stood, began, began, None);
        let end = segment.end(self.stop);
        let at = segment.next_from(system, stood);
        if at.layer >= end {
            (self.to, self.completes) = (Progress::at(end), None);
            return began;
        }
        let first = rest_of_layer(system, segment, at, None);
        if tells_layers {
            (self.to, self.completes) = (Progress::at(at.layer + 1), Some(at.layer));
            return later(began, first);
        }
        (self.to, self.completes) = (Progress::at(end), None);
        let (model, class) = (segment.run.model, segment.run.class);
        let rest = if at.layer + 1 >= end {
            0
        } else if system.is_dynamic[model.index()]
            || (segment.batch.is_some() && !system.is_alike[model.index()])
        {
            let mut total = 0_u64;
            let mut layer = segment.next_layer(system, at.layer + 1);
            while layer < end {
                total = total.saturating_add(segment.layer_latency(system, layer));
                layer = segment.next_layer(system, layer + 1);
            }
            total
        } else {
            system.costs.true_latency_between(model, segment.outcome(), at.layer + 1, end, class)
        };
        later(began, first.saturating_add(rest))
    }

    /// True if it runs some of a layer, of a segment that ends before layer `end`.
    fn reaches(&self, layer: u32, end: u32) -> bool {
        layer < end || (self.to.quantum > 0 && layer == self.to.layer)
    }

    /// The instant at which it gets to where its next event finds it.
    fn arrival(&self, system: &System, segment: &Segment<'_>) -> Time {
        let (mut time, mut done) = (self.began, self.done);
        let mut at = segment.next_from(system, self.stood);
        loop {
            if at.layer == self.to.layer && self.to.quantum > 0 {
                let full = segment.layer_latency(system, at.layer);
                let before = done.unwrap_or_else(|| before_quantum(full, at.quantum, at.quanta));
                let until = before_quantum(full, self.to.quantum, self.to.quanta);
                return later(time, until.saturating_sub(before));
            }
            if at.layer >= self.to.layer {
                return time;
            }
            time = later(time, rest_of_layer(system, segment, at, done));
            at = Progress::at(segment.next_layer(system, at.layer + 1));
            done = None;
        }
    }

    /// The layer that an event finds complete.
    fn completed(&self) -> Option<Completed> {
        let began = self.layer_began;
        self.completes.map(|layer| Completed { layer: LayerId::new(layer as usize), began, stretch: 1.0 })
    }
}

/// The latency of a layer from a quantum on, in picoseconds, or from where so much of it is done.
#[inline(always)]
fn rest_of_layer(system: &System, segment: &Segment<'_>, at: Progress, done: Option<u64>) -> u64 {
    let full = segment.layer_latency(system, at.layer);
    full - done.unwrap_or_else(|| before_quantum(full, at.quantum, at.quanta))
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
    fn begin(&mut self, system: &System, slot: usize, segment: &Segment<'_>) {
        let plan = &mut self.plans[slot];
        (plan.is_live, plan.stop, plan.resizes, plan.has_passed) = (true, segment.run.stop, false, false);
        let at = plan.next(self.tells_layers, system, segment, segment.run.from, segment.run.started);
        self.events.set(slot, at);
    }

    fn next(&self) -> Option<(Time, usize)> {
        self.events.first()
    }

    #[inline]
    fn step(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) -> Step {
        let Some(plan) = self.plans.get_mut(slot).filter(|plan| plan.is_live) else { return Step::Internal };
        let (last, to) = (plan.completed(), plan.to);
        if to.quantum == 0
            && to.layer < segment.end(plan.stop)
            && let Some(completed) = last
        {
            let at = plan.next(self.tells_layers, system, segment, to, now);
            plan.has_passed = true;
            self.events.set(slot, at);
            return Step::Layer(completed);
        }
        plan.is_live = false;
        self.events.set(slot, Time::MAX);
        let stop = Stop { to, last, stretch: 1.0 };
        if plan.resizes { Step::Resizes(stop) } else { Step::Ended(stop) }
    }

    fn preempt(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>, mode: Preemption) {
        if let Some(plan) = self.plans.get_mut(slot).filter(|plan| plan.is_live)
            && std::mem::replace(&mut plan.resizes, false)
        {
            // It was to stop at its next quantum for another reason.
            if mode.is_inside_layers() {
                return;
            }
            plan.stop = segment.run.stop;
            let Plan { stood, began, layer_began, done, .. } = *plan;
            let mut at = plan.next(self.tells_layers, system, segment, stood, began);
            if done.is_some() {
                (plan.layer_began, plan.done) = (layer_began, done);
                at = plan.arrival(system, segment);
            }
            self.events.set(slot, at);
        }
        self.stop(system, slot, now, segment, mode);
    }

    fn resize(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) {
        self.plans[slot].resizes = self.stop(system, slot, now, segment, Preemption::Quantum);
    }

    fn halt(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) -> Option<Progress> {
        let plan = self.plans.get_mut(slot).filter(|plan| plan.is_live)?;
        plan.is_live = false;
        self.events.set(slot, Time::MAX);
        let (mut began, mut reached, mut done) = (plan.began, plan.stood, plan.done);
        loop {
            let at = segment.next_from(system, reached);
            if at.layer >= segment.end(plan.stop) {
                return Some(reached);
            }
            let boundary = later(began, rest_of_layer(system, segment, at, done.take()));
            if boundary > now {
                return Some(reached);
            }
            (began, reached) = (boundary, Progress::at(at.layer + 1));
        }
    }

    fn stand(&mut self, system: &System, slot: usize, now: Time, segment: &Segment<'_>) -> Option<Standing> {
        let plan = self.plans.get(slot).filter(|plan| plan.is_live)?;
        // A run that stands still goes on later, but has begun.
        if plan.began > now && plan.done.is_none() {
            return None;
        }
        let end = segment.end(plan.stop);
        let (mut began, mut layer_began, mut done) = (plan.began, plan.layer_began, plan.done);
        let mut passed = plan.stood;
        loop {
            let at = segment.next_from(system, passed);
            if !plan.reaches(at.layer, end) {
                let reach = Reach::at(at);
                return Some(Standing {
                    reach,
                    boundary: passed,
                    began: Some(layer_began),
                    whole: 0,
                    rest: 0,
                });
            }
            let whole = segment.layer_latency(system, at.layer);
            let boundary = later(began, rest_of_layer(system, segment, at, done));
            // A layer that is told of ends with an event of its own.
            if boundary > now || self.tells_layers {
                if layer_began >= now {
                    let reach = Reach::at(at);
                    return Some(Standing { reach, boundary: passed, began: None, whole, rest: whole });
                }
                let rest = boundary.saturating_since(now.max(began)).picoseconds();
                let part = LayerPart::of(u128::from(whole.saturating_sub(rest)), u128::from(whole));
                let reach = Reach { part, ..Reach::at(at) };
                return Some(Standing { reach, boundary: passed, began: Some(layer_began), whole, rest });
            }
            (began, layer_began, done) = (boundary, boundary, None);
            passed = Progress::at(at.layer + 1);
        }
    }

    fn rescale(
        &mut self,
        system: &System,
        slot: usize,
        resumes: Time,
        segment: &Segment<'_>,
        standing: Option<&Standing>,
    ) -> Option<u64> {
        let plan = self.plans.get_mut(slot).filter(|plan| plan.is_live)?;
        let mut left = None;
        match standing {
            Some(standing) => {
                let at = standing.reach.to;
                plan.has_passed |= standing.boundary != plan.stood;
                (plan.stood, plan.began) = (standing.boundary, resumes);
                (plan.layer_began, plan.done) = (standing.began.unwrap_or(resumes), None);
                if standing.began.is_some() && plan.reaches(at.layer, segment.end(plan.stop)) {
                    let whole = segment.layer_latency(system, at.layer);
                    let [rest, before, after] = [standing.rest, standing.whole, whole].map(u128::from);
                    // Never above the whole, so that it fits.
                    let rest = u64::try_from(rescaled(rest, before, after)).unwrap_or(whole);
                    (plan.done, left) = (Some(whole - rest), Some(rest));
                }
            }
            // It has not begun.
            None => {
                let began = plan.began.max(resumes);
                (plan.began, plan.layer_began) = (began, began);
            }
        }
        let at = plan.arrival(system, segment);
        self.events.set(slot, at);
        left
    }

    /// Nothing is shared.
    fn set_share(&mut self, _now: Time, _slot: usize, _share: Share) {}
}

/// The first quantum boundary of a layer at or after `now`, at least one step after `at`, with its
/// instant; none if that is the layer's end.
fn next_quantum(
    system: &System,
    segment: &Segment<'_>,
    at: Progress,
    done: Option<u64>,
    began: Time,
    now: Time,
) -> Option<(Progress, Time)> {
    let quanta = system.costs.quanta(segment.run.model, at.layer, segment.layer(system, at.layer).0);
    let full = segment.layer_latency(system, at.layer);
    let done = done.unwrap_or_else(|| before_quantum(full, at.quantum, at.quanta));
    // Instants are later(began, before_quantum(q) - done): search the first that is not before now.
    let wanted = u128::from(now.saturating_since(began).picoseconds()) + u128::from(done);
    let by_time = (wanted * u128::from(quanta)).div_ceil(u128::from(full.max(1)));
    let mut quantum = u32::try_from(by_time).unwrap_or(quanta).max(at.quantum + 1);
    // What is done of it already is none to stop at.
    while quantum < quanta && u128::from(before_quantum(full, quantum, quanta)) < wanted {
        quantum += 1;
    }
    (quantum < quanta).then(|| {
        let instant = later(began, before_quantum(full, quantum, quanta) - done);
        (Progress { layer: at.layer, quantum, quanta }, instant)
    })
}
