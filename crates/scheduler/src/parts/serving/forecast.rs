//! Forecasts: when runs end, and when one more would, as far as is known now.

use std::cmp::Reverse;

use rtmm_hardware::{AcceleratorId, CopyOrder, Phase, Speed};
use rtmm_workload::Duration;

use super::others::Others;
use super::part::Part;
use super::slowdowns::Slowdowns;
use super::{Candidate, Serving};
use crate::truth::Truth;
use crate::view::View;

impl Serving {
    /// Forecasts the ends of all runs, and of candidates if they were dispatched now: the last of theirs from now on, none
    /// without one. Those of runs are in [`Serving::forecasts`]. Takes a step an event and two runs.
    pub fn forecast(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        candidates: &[Candidate],
    ) -> Option<Duration> {
        let margin = self.slowdowns.margin().unwrap_or(1.0);
        self.forecast_with(view, truth, candidates, margin);
        self.ends[self.tracked.len().min(self.ends.len())..].iter().copied().max()
    }

    /// The same with a stated margin above predicted slowdowns.
    pub(super) fn forecast_with(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        candidates: &[Candidate],
        margin: f64,
    ) {
        let mut parts = self.take_parts();
        // What should have gone on since it was last counted.
        let elapsed = view.now.saturating_since(self.since);
        if !elapsed.is_zero() {
            for at in 0..parts.len() {
                let speed = self.speed(view, truth, &parts, at, 1.0);
                let part = &mut parts[at].1;
                let ran = elapsed.saturating_sub(part.wait);
                part.wait = part.wait.saturating_sub(elapsed);
                part.advance(speed.progress(ran));
            }
        }
        for candidate in candidates {
            parts.extend(self.first_part(view, candidate).map(|part| (candidate.on, part)));
        }
        if self.slowdowns.is_coarse() {
            self.at_once(view, &parts, margin, elapsed);
        } else {
            self.walk(view, truth, &mut parts, margin);
        }
        self.parts = parts;
    }

    /// The rate of one of several parts beside the others.
    pub(super) fn speed(
        &self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        parts: &[(AcceleratorId, Part)],
        at: usize,
        margin: f64,
    ) -> Speed {
        let (on, part) = &parts[at];
        if part.phase == Phase::Kernels {
            let others = Others::of(parts, at);
            if others.list().is_empty() {
                return Speed::FULL;
            }
            let slowdown = self.slowdowns().predict(view, truth, *on, &part.resident(), others.list());
            return Slowdowns::speed(slowdown, margin);
        }
        let goes_along = |(other_on, other): &(AcceleratorId, Part)| {
            other_on == on && other.phase == part.phase && other.wait.is_zero() && !other.left.is_zero()
        };
        // One after the other: a server that copies in small chunks is through at the same time in the mean.
        let along = parts.iter().enumerate().filter(|(_, other)| goes_along(other));
        let first = match view.profile.copy_order(*on) {
            CopyOrder::Fifo | CopyOrder::Share => {
                along.min_by_key(|(position, (_, other))| (other.began, *position))
            }
            CopyOrder::Priority => along.min_by_key(|(position, (_, other))| {
                (!other.is_underway, Reverse(other.priority), other.began, *position)
            }),
        };
        if first.is_none_or(|(first, _)| first == at) { Speed::FULL } else { Speed::ZERO }
    }

    /// Ends as they follow from one slowdown for all kernels of each batch, beside all that is there now.
    fn at_once(&mut self, view: &View<'_>, parts: &[(AcceleratorId, Part)], margin: f64, elapsed: Duration) {
        self.ends.clear();
        for (at, (on, part)) in parts.iter().enumerate() {
            let kernels = self.kernels(*on, part.model);
            let others = Others::all(parts, at);
            let slowdown = self.slowdowns().predict(view, None, *on, &part.resident(), others.list());
            let speed = Slowdowns::speed(slowdown, if others.list().is_empty() { 1.0 } else { margin });
            let rest = |from: u32| view.profile.remaining(part.model, from, part.class);
            let alone = rest(kernels.start).saturating_sub(rest(kernels.end));
            let copied = rest(0).saturating_sub(alone);
            let end = match part.phase {
                // What of its time is left, and the copy behind it.
                Phase::Kernels => {
                    let run = self.tracked.get(at);
                    let ran = run.map_or(Duration::ZERO, |run| run.wall().saturating_add(elapsed));
                    speed.time_for(alone).saturating_sub(ran).saturating_add(rest(kernels.end))
                }
                Phase::ToDevice => {
                    let copied = copied.saturating_sub(rest(0).saturating_sub(rest(kernels.start)));
                    part.left.saturating_add(speed.time_for(alone)).saturating_add(copied)
                }
                Phase::FromDevice => part.left,
            };
            self.ends.push(end.saturating_add(part.wait));
        }
    }

    /// Ends as they follow from event to event.
    fn walk(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        parts: &mut Vec<(AcceleratorId, Part)>,
        margin: f64,
    ) {
        let by_layer = self.slowdowns.knows_layers();
        let count = parts.len();
        self.ends.clear();
        self.ends.resize(count, Duration::ZERO);
        // The position among all of each part that is still on its way.
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        places.extend(0..count);
        let mut speeds = std::mem::take(&mut self.speeds);
        let mut passed = Duration::ZERO;
        while !parts.is_empty() {
            speeds.clear();
            speeds.extend((0..parts.len()).map(|at| self.speed(view, truth, parts, at, margin)));
            let until = |(speed, (_, part)): (&Speed, &(AcceleratorId, Part))| {
                if part.wait.is_zero() { speed.time_for(part.left) } else { part.wait }
            };
            let step = speeds.iter().zip(&*parts).map(until).min().unwrap_or(Duration::MAX);
            passed = passed.saturating_add(step);
            let now = view.now.saturating_add(passed);
            let mut at = 0;
            for speed in &speeds {
                let speed = *speed;
                let (on, part) = &mut parts[at];
                if !part.wait.is_zero() {
                    part.wait = part.wait.saturating_sub(step);
                    at += 1;
                    continue;
                }
                part.advance(speed.progress(step));
                if !part.left.is_zero() || speed == Speed::ZERO {
                    at += 1;
                    continue;
                }
                let kernels = self.kernels(*on, part.model);
                let next = part.next(&kernels, by_layer);
                match part.at(view, *on, &kernels, next, by_layer, now) {
                    Some(following) => {
                        *part = following;
                        at += 1;
                    }
                    None => {
                        self.ends[places[at]] = passed;
                        parts.remove(at);
                        places.remove(at);
                    }
                }
            }
        }
        (self.places, self.speeds) = (places, speeds);
    }
}
