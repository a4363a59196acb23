//! Events to come with their instants, apart from segments: those are the execution's to know.
//!
//! Each kind of event has a lane that suits it: arrivals a heap with one head a source, replaced in
//! place; releases and timers heaps of what was announced; phases a list. The earliest of all is
//! known without a search.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use rtmm_hardware::PowerUnit;
use rtmm_workload::Time;

/// Something that happens. Of one instant, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A run or a layer of it ends, in a slot.
    Run(usize),
    /// A frame arrives.
    Arrival,
    /// A frame can be seen after its jitter.
    Release,
    /// A phase begins.
    Phase(usize),
    /// A timer of the policy.
    Timer(u64),
    /// A change of an operating point is complete.
    Point(PowerUnit),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    /// When each source has its next frame, with the source's rank.
    arrivals: BinaryHeap<Reverse<(Time, usize)>>,
    /// When frames become visible, with the ranks of their tasks.
    releases: BinaryHeap<Reverse<(Time, usize, u64)>>,
    /// Number of them that are of frames that may still become jobs.
    awaited_releases: usize,
    /// The phases to come, the next one last.
    phases: Vec<(Time, usize)>,
    timers: BinaryHeap<Reverse<(Time, u64, u64)>>,
    timers_set: u64,
    /// When changes of operating points are complete, at most one of each unit.
    points: BinaryHeap<Reverse<(Time, PowerUnit)>>,
    next: Option<(Time, Event)>,
}

impl Events {
    /// The earliest event.
    pub(crate) fn next(&self) -> Option<(Time, Event)> {
        self.next
    }

    fn find_next(&mut self) {
        let arrival = self.arrivals.peek().map(|Reverse((time, _))| (*time, Event::Arrival));
        let mut first = arrival;
        // On ties the earlier lane stays.
        let mut consider = |other: Option<(Time, Event)>| {
            if let Some((time, event)) = other
                && first.is_none_or(|(earliest, _)| time < earliest)
            {
                first = Some((time, event));
            }
        };
        consider(self.releases.peek().map(|Reverse((time, ..))| (*time, Event::Release)));
        consider(self.phases.last().map(|(time, phase)| (*time, Event::Phase(*phase))));
        consider(self.timers.peek().map(|Reverse((time, _, tag))| (*time, Event::Timer(*tag))));
        consider(self.points.peek().map(|Reverse((time, unit))| (*time, Event::Point(*unit))));
        self.next = first;
    }

    /// True if frames are to come, or to become visible.
    pub(crate) fn brings_frames(&self) -> bool {
        !self.arrivals.is_empty() || self.awaited_releases > 0
    }

    /// A source with its first frame.
    pub(crate) fn add_source(&mut self, at: Time, rank: usize) {
        self.arrivals.push(Reverse((at, rank)));
        self.find_next();
    }

    /// The source whose frame is due.
    pub(crate) fn due_source(&self) -> Option<usize> {
        self.arrivals.peek().map(|Reverse((_, rank))| *rank)
    }

    /// Replaces the head of the source that is due.
    pub(crate) fn replace_source(&mut self, next: Option<Time>) {
        if let Some(mut head) = self.arrivals.peek_mut() {
            match next {
                Some(at) => head.0.0 = at,
                None => {
                    PeekMut::pop(head);
                }
            }
        }
        self.find_next();
    }

    pub(crate) fn add_release(&mut self, at: Time, rank: usize, frame: u64) {
        self.releases.push(Reverse((at, rank, frame)));
        self.awaited_releases += 1;
        self.find_next();
    }

    /// A frame will not become a job, or has become one.
    pub(crate) fn await_no_more(&mut self) {
        self.awaited_releases = self.awaited_releases.saturating_sub(1);
    }

    pub(crate) fn take_release(&mut self) -> Option<(usize, u64)> {
        let taken = self.releases.pop().map(|Reverse((_, rank, frame))| (rank, frame));
        self.find_next();
        taken
    }

    /// The beginnings of the phases, ascending.
    pub(crate) fn set_phases(&mut self, starts: impl DoubleEndedIterator<Item = Time> + ExactSizeIterator) {
        self.phases = starts.enumerate().map(|(phase, start)| (start, phase)).rev().collect();
        self.find_next();
    }

    pub(crate) fn take_phase(&mut self) {
        self.phases.pop();
        self.find_next();
    }

    pub(crate) fn add_timer(&mut self, at: Time, tag: u64) {
        self.timers.push(Reverse((at, self.timers_set, tag)));
        self.timers_set += 1;
        self.find_next();
    }

    pub(crate) fn take_timer(&mut self) {
        self.timers.pop();
        self.find_next();
    }

    pub(crate) fn add_point(&mut self, at: Time, unit: PowerUnit) {
        self.points.push(Reverse((at, unit)));
        self.find_next();
    }

    pub(crate) fn take_point(&mut self) {
        self.points.pop();
        self.find_next();
    }
}
