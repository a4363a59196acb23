//! Frames: the arrivals of tasks over a run, one at a time, in order.
//!
//! When a frame arrives, when it can be seen and whether it becomes a job are functions of the seed,
//! the task's name and the task's own arrivals. Another task, or a phase that leaves this one alone,
//! changes none of them.
//!
//! In each phase that states other arrivals than the one before, a task's arrivals begin again:
//! periods count from the beginning of the phase, random processes draw their first distance anew,
//! and bursty ones are calm. Recorded requests and those of a mix keep their instants. Indices go on over all phases.

use std::sync::Arc;

use serde::Serialize;

use crate::ids::TaskId;
use crate::mix::MixRequests;
use crate::random::{Draws, Stream};
use crate::scenario::{Arrivals, Deadline, Request, Scenario};
use crate::time::{Duration, Period, Time};

/// One arrival of a task, before it is known whether it becomes a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// Counted from 0 over the whole run; a task that follows another has that one's indices.
    pub index: u64,
    /// The nominal instant: deadlines and response times count from it.
    pub arrival: Time,
    /// When the scheduler can first see it: the arrival and its jitter.
    pub release: Time,
    /// When its job should be complete; the end of time for a task without any deadline.
    pub deadline: Time,
    /// The input that it brings.
    pub sample: u64,
    /// True if a recording says so: else it is the frame's index, and a model that has recorded
    /// samples draws one of them.
    pub is_recorded: bool,
    /// Its priority: larger is more important.
    pub priority: i32,
    /// True if it becomes a job, as far as the task itself says so.
    pub triggered: bool,
}

/// A stretch of the run in which a task's arrivals are of one kind.
#[derive(Clone, Debug, PartialEq)]
struct Span {
    start: Time,
    end: Time,
    /// None while the task pauses.
    arrivals: Option<Arrivals>,
    deadline: Duration,
}

/// The spans of a task over a run: phases that change nothing for it are no boundaries.
fn spans(scenario: &Scenario, task: TaskId) -> Vec<Span> {
    let leader = scenario.leader(task);
    let of_task = &scenario.tasks[task.index()];
    let deadline = |arrivals: Option<&Arrivals>| match (of_task.deadline, arrivals) {
        (Deadline::After(deadline), _) => deadline,
        // A platform resolves it to a span before anything arrives.
        (Deadline::Isolated { .. }, _) => Duration::MAX,
        (Deadline::Period, Some(arrivals)) => arrivals.period().map_or(Duration::MAX, Period::deadline),
        (Deadline::Period, None) => Duration::MAX,
    };
    let end = Time::ZERO.saturating_add(scenario.duration);
    let mut spans = vec![Span {
        start: Time::ZERO,
        end,
        arrivals: Some(of_task.arrivals.clone()),
        deadline: deadline(Some(&scenario.tasks[leader.index()].arrivals)),
    }];
    for phase in &scenario.phases {
        let arrivals = phase.arrivals.get(task.index()).cloned().flatten();
        let of_leader = phase.arrivals.get(leader.index()).and_then(Option::as_ref);
        let span = Span { start: phase.start, end, deadline: deadline(of_leader), arrivals };
        if let Some(last) = spans.last_mut() {
            if (&last.arrivals, last.deadline) == (&span.arrivals, span.deadline) {
                continue;
            }
            last.end = span.start.min(end);
        }
        spans.push(span);
    }
    spans.retain(|span| span.start < span.end);
    spans
}

/// Generator of the frame of an arrival.
#[derive(Clone, Debug)]
struct Maker {
    priority: i32,
    drawn_priorities: Vec<i32>,
    priorities: Draws,
    trigger_probability: f64,
    triggers: Draws,
}

impl Maker {
    fn new(scenario: &Scenario, task: TaskId, seed: u64) -> Self {
        let of_task = &scenario.tasks[task.index()];
        Self {
            priority: of_task.priority,
            drawn_priorities: of_task.drawn_priorities.clone(),
            priorities: Draws::new(seed, Stream::Priority, &of_task.name),
            trigger_probability: of_task.trigger_probability,
            triggers: Draws::new(seed, Stream::Trigger, &of_task.name),
        }
    }

    fn priority(&self, index: u64) -> i32 {
        if self.drawn_priorities.is_empty() {
            return self.priority;
        }
        let drawn = self.priorities.below(index, 0, self.drawn_priorities.len() as u64);
        self.drawn_priorities.get(drawn as usize).copied().unwrap_or(self.priority)
    }

    fn is_triggered(&self, index: u64) -> bool {
        self.trigger_probability >= 1.0 || self.triggers.happens(index, 0, self.trigger_probability)
    }
}

/// The frames of a task that follows no other. Making one allocates nothing.
#[derive(Clone, Debug)]
pub struct Frames {
    spans: Vec<Span>,
    maker: Maker,
    jitters: Draws,
    arrivals: Draws,
    seed: u64,
    /// Requests of all tasks of the mix that are not behind; none before a span that has one.
    mix: Option<MixRequests>,
    /// Arrival draws so far.
    drawn: u64,
    /// Frames so far.
    index: u64,
    span: usize,
    place: Place,
    next: Option<Arrival>,
}

/// Where the arrivals of a span stand.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Arrivals of this span so far; of a trace, requests that are behind.
    count: u64,
    /// The instant from which the next distance counts.
    from: Time,
    in_burst: bool,
    /// When the state of a bursty process ends.
    state_end: Time,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    at: Time,
    request: Option<Request>,
}

impl Frames {
    /// The frames of a task. For one that follows another, see [`Follower`]: here it has none.
    #[must_use]
    pub fn new(scenario: &Scenario, task: TaskId, seed: u64) -> Self {
        let name = &scenario.tasks[task.index()].name;
        let mut frames = Self {
            spans: spans(scenario, task),
            maker: Maker::new(scenario, task, seed),
            jitters: Draws::new(seed, Stream::Jitter, name),
            arrivals: Draws::new(seed, Stream::Arrivals, name),
            seed,
            mix: None,
            drawn: 0,
            index: 0,
            span: 0,
            place: Place::default(),
            next: None,
        };
        frames.enter();
        frames.find_next();
        frames
    }

    /// When the next frame arrives, if there is one before the end of the scenario.
    #[must_use]
    pub fn peek(&self) -> Option<Time> {
        self.next.map(|arrival| arrival.at)
    }

    /// The next frame.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let Arrival { at, request } = self.next?;
        let span = self.spans.get(self.span)?;
        let index = self.index;
        let jitter = match span.arrivals {
            Some(Arrivals::Periodic { jitter, .. }) if !jitter.is_zero() => {
                let bound = jitter.picoseconds().saturating_add(1);
                Duration::from_picoseconds(self.jitters.below(index, 0, bound))
            }
            _ => Duration::ZERO,
        };
        let deadline = request.and_then(|request| request.deadline).unwrap_or(span.deadline);
        let frame = Frame {
            index,
            arrival: at,
            release: at.saturating_add(jitter),
            deadline: at.saturating_add(deadline),
            sample: request.and_then(|request| request.sample).unwrap_or(index),
            is_recorded: request.is_some_and(|request| request.sample.is_some()),
            priority: request
                .and_then(|request| request.priority)
                .unwrap_or_else(|| self.maker.priority(index)),
            triggered: self.maker.is_triggered(index),
        };
        self.index += 1;
        self.find_next();
        Some(frame)
    }

    /// Begins the span that `self.span` names.
    fn enter(&mut self) {
        let Some(span) = self.spans.get(self.span) else { return };
        let (start, mean_calm) = match &span.arrivals {
            Some(Arrivals::Bursty { mean_calm, .. }) => (span.start, Some(*mean_calm)),
            _ => (span.start, None),
        };
        if let Some(Arrivals::Mix { mix, .. }) = &span.arrivals {
            match &mut self.mix {
                // A pause is over: the instants of requests count from the start of the run.
                Some(requests) if requests.is_of(mix) => requests.restart(),
                other => *other = Some(MixRequests::new(Arc::clone(mix), self.seed)),
            }
        }
        self.place = Place { count: 0, from: start, in_burst: false, state_end: start };
        if let Some(mean) = mean_calm {
            self.place.state_end = start.saturating_add(self.exponential(mean.picoseconds() as f64));
        }
    }

    /// The first arrival after those that were taken, over as many spans as it takes.
    fn find_next(&mut self) {
        self.next = None;
        while self.span < self.spans.len() {
            let end = self.spans[self.span].end;
            self.next = self.next_in_span().filter(|arrival| arrival.at < end);
            if self.next.is_some() {
                return;
            }
            self.span += 1;
            self.enter();
        }
    }

    fn next_in_span(&mut self) -> Option<Arrival> {
        let span = &self.spans[self.span];
        let start = span.start;
        match span.arrivals.as_ref()? {
            Arrivals::Periodic { period, offset, .. } => {
                let at = start.saturating_add(*offset).saturating_add(period.release(self.place.count));
                self.place.count += 1;
                Some(Arrival { at, request: None })
            }
            Arrivals::Poisson { mean } => {
                let mean = mean.mean_picoseconds();
                self.place.from = self.place.from.saturating_add(self.exponential(mean));
                Some(Arrival { at: self.place.from, request: None })
            }
            Arrivals::Bursty { calm, burst, mean_calm, mean_burst } => {
                let distances = [calm.mean_picoseconds(), burst.mean_picoseconds()];
                let states = [mean_calm.picoseconds() as f64, mean_burst.picoseconds() as f64];
                let end = span.end;
                // Both are memoryless: where the state ends first, the distance is drawn anew.
                while self.place.from < end {
                    let state = usize::from(self.place.in_burst);
                    let at = self.place.from.saturating_add(self.exponential(distances[state]));
                    if at <= self.place.state_end {
                        self.place.from = at;
                        return Some(Arrival { at, request: None });
                    }
                    self.place.from = self.place.state_end;
                    self.place.in_burst = !self.place.in_burst;
                    let lasts = self.exponential(states[1 - state]);
                    self.place.state_end = self.place.from.saturating_add(lasts);
                }
                None
            }
            Arrivals::Trace(requests) => {
                let mut behind = self.place.count as usize;
                while requests.get(behind).is_some_and(|request| request.arrival < start) {
                    behind += 1;
                }
                self.place.count = behind as u64 + 1;
                requests.get(behind).map(|request| Arrival { at: request.arrival, request: Some(*request) })
            }
            Arrivals::Mix { member, .. } => {
                let end = span.end;
                let requests = self.mix.as_mut()?;
                loop {
                    let request = requests.next_request().filter(|request| request.at < end)?;
                    if request.member == *member && request.at >= start {
                        let (arrival, priority) = (request.at, request.priority);
                        let request = Request { arrival, sample: None, priority, deadline: None };
                        return Some(Arrival { at: arrival, request: Some(request) });
                    }
                }
            }
            Arrivals::Follows => None,
        }
    }

    /// An exponentially distributed time of this mean, rounded to the nearest picosecond and at
    /// least one, so that time moves on.
    fn exponential(&mut self, mean_ps: f64) -> Duration {
        let unit = self.arrivals.unit(self.drawn, 0);
        self.drawn += 1;
        // 1 - u is in (0, 1], so that the logarithm is finite.
        let picoseconds = -libm::log(1.0 - unit) * mean_ps + 0.5;
        Duration::from_picoseconds((picoseconds as u64).max(1))
    }
}

/// The frames of a task that follows another: made of that one's.
#[derive(Clone, Debug)]
pub struct Follower {
    spans: Vec<Span>,
    maker: Maker,
}

impl Follower {
    /// Generator of the frames of `task`.
    #[must_use]
    pub fn new(scenario: &Scenario, task: TaskId, seed: u64) -> Self {
        Self { spans: spans(scenario, task), maker: Maker::new(scenario, task, seed) }
    }

    /// The frame that arrives with one of the task at the head of the chain; none while this task
    /// pauses.
    #[must_use]
    pub fn frame(&self, leader: &Frame) -> Option<Frame> {
        let after = self.spans.partition_point(|span| span.start <= leader.arrival);
        let span = self.spans.get(after.checked_sub(1)?)?;
        span.arrivals.as_ref()?;
        Some(Frame {
            deadline: leader.arrival.saturating_add(span.deadline),
            priority: self.maker.priority(leader.index),
            triggered: self.maker.is_triggered(leader.index),
            ..*leader
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ModelId;
    use crate::scenario::{Dependency, Phase, Task};

    const MS: u64 = 1_000_000_000;

    fn ms(count: u64) -> Duration {
        Duration::from_picoseconds(count * MS)
    }

    fn at(count: u64) -> Time {
        Time::ZERO.saturating_add(ms(count))
    }

    fn every(milliseconds: u64) -> Period {
        Period::new(ms(milliseconds)).expect("a period")
    }

    fn scenario(duration: Duration, tasks: Vec<Task>) -> Scenario {
        let (name, source) = ("s".to_owned(), "a test".to_owned());
        Scenario { name, source, duration, tasks, phases: Vec::new() }
    }

    fn task(name: &str, arrivals: Arrivals) -> Task {
        Task { arrivals, ..Task::periodic(name, ModelId::new(0), every(10)) }
    }

    fn periodic(period: u64, offset: u64, jitter: u64) -> Arrivals {
        Arrivals::Periodic { period: every(period), offset: ms(offset), jitter: ms(jitter) }
    }

    fn all(scenario: &Scenario, task: usize, seed: u64) -> Vec<Frame> {
        let mut frames = Frames::new(scenario, TaskId::new(task), seed);
        std::iter::from_fn(|| {
            let peeked = frames.peek();
            let frame = frames.next_frame();
            assert_eq!(peeked, frame.map(|frame| frame.arrival));
            frame
        })
        .collect()
    }

    fn arrivals(frames: &[Frame]) -> Vec<u64> {
        frames.iter().map(|frame| frame.arrival.picoseconds() / MS).collect()
    }

    #[test]
    fn periods_begin_at_the_offset_and_end_before_the_end() {
        let scenario = scenario(ms(30), vec![task("a", periodic(10, 3, 0)), task("b", periodic(10, 0, 0))]);
        assert_eq!(arrivals(&all(&scenario, 0, 1)), [3, 13, 23]);
        let frames = all(&scenario, 1, 1);
        assert_eq!(arrivals(&frames), [0, 10, 20]);
        assert_eq!((frames[2].index, frames[2].sample, frames[2].deadline), (2, 2, at(30)));
        assert_eq!(frames[2].release, frames[2].arrival);
    }

    #[test]
    fn jitter_delays_the_release_alone() {
        let scenario = scenario(ms(10_000), vec![task("a", periodic(10, 0, 4))]);
        let frames = all(&scenario, 0, 1);
        assert_eq!(frames.len(), 1_000);
        let jitters: Vec<u64> =
            frames.iter().map(|frame| frame.release.saturating_since(frame.arrival).picoseconds()).collect();
        assert!(jitters.iter().all(|jitter| *jitter <= 4 * MS));
        let mean = jitters.iter().sum::<u64>() / 1_000;
        assert!(mean.abs_diff(2 * MS) < MS / 5, "{mean}");
        assert!(frames.iter().all(|frame| frame.deadline == frame.arrival.saturating_add(ms(10))));
        assert_ne!(frames, all(&scenario, 0, 2));
    }

    #[test]
    fn phases_begin_arrivals_anew_for_those_that_they_change() {
        let mut scenario =
            scenario(ms(50), vec![task("a", periodic(10, 0, 0)), task("b", periodic(7, 0, 0))]);
        let phase = |start, of_a: Option<Arrivals>| Phase {
            name: "p".to_owned(),
            start: at(start),
            arrivals: vec![of_a, Some(periodic(7, 0, 0))],
        };
        let untouched = all(&scenario, 1, 1);
        scenario.phases =
            vec![phase(15, Some(periodic(5, 1, 0))), phase(30, None), phase(41, Some(periodic(4, 0, 0)))];
        let frames = all(&scenario, 0, 1);
        assert_eq!(arrivals(&frames), [0, 10, 16, 21, 26, 41, 45, 49]);
        assert_eq!(frames.iter().map(|frame| frame.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
        let deadlines: Vec<u64> = frames.iter().map(|frame| frame.deadline.picoseconds() / MS).collect();
        assert_eq!(deadlines, [10, 20, 21, 26, 31, 45, 49, 53]);
        assert_eq!(all(&scenario, 1, 1), untouched);
    }

    #[test]
    fn a_trace_is_replayed_with_what_it_states() {
        let request = |arrival, sample, priority, deadline| Request {
            arrival: at(arrival),
            sample,
            priority,
            deadline,
        };
        let requests = vec![
            request(1, Some(9), Some(-3), Some(ms(2))),
            request(1, None, None, None),
            request(12, None, None, None),
            request(99, None, None, None),
        ];
        let mut of_trace = task("a", Arrivals::Trace(requests.into()));
        of_trace.deadline = Deadline::After(ms(5));
        of_trace.priority = 4;
        let mut scenario = scenario(ms(50), vec![of_trace]);
        let seen = |scenario: &Scenario| -> Vec<(u64, u64, i32, u64)> {
            let short = |frame: &Frame| {
                (
                    frame.arrival.picoseconds() / MS,
                    frame.sample,
                    frame.priority,
                    frame.deadline.picoseconds() / MS,
                )
            };
            all(scenario, 0, 1).iter().map(short).collect()
        };
        assert_eq!(seen(&scenario), [(1, 9, -3, 3), (1, 1, 4, 6), (12, 2, 4, 17)]);
        let name = "p".to_owned();
        scenario.phases = vec![Phase { name, start: at(10), arrivals: vec![None] }];
        assert_eq!(seen(&scenario), [(1, 9, -3, 3), (1, 1, 4, 6)]);
    }

    /// Counts in windows of 100 ms: their mean, and their variance over the mean.
    fn windows(frames: &[Frame], count: usize) -> (f64, f64) {
        let mut counts = vec![0.0_f64; count];
        for frame in frames {
            counts[(frame.arrival.picoseconds() / (100 * MS)) as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / count as f64;
        let variance = counts.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / count as f64;
        (mean, variance / mean)
    }

    #[test]
    fn random_arrivals_have_their_means() {
        let duration = ms(1_000_000);
        let poisson = scenario(duration, vec![task("a", Arrivals::Poisson { mean: every(20) })]);
        let (mean, dispersion) = windows(&all(&poisson, 0, 3), 10_000);
        // 5 a window: five standard deviations of the mean are 0.11.
        assert!((mean - 5.0).abs() < 0.11, "{mean}");
        assert!((dispersion - 1.0).abs() < 0.08, "{dispersion}");

        let bursty =
            Arrivals::Bursty { calm: every(100), burst: every(5), mean_calm: ms(300), mean_burst: ms(100) };
        let bursty = scenario(duration, vec![task("a", bursty)]);
        let (mean, dispersion) = windows(&all(&bursty, 0, 3), 10_000);
        // 3/4 of the time at 1 a window, 1/4 at 20.
        assert!((mean - 5.75).abs() < 0.6, "{mean}");
        assert!(dispersion > 5.0, "{dispersion}");
        assert_eq!(all(&bursty, 0, 3), all(&bursty, 0, 3));
    }

    #[test]
    fn another_task_changes_nothing() {
        let random = || task("a", Arrivals::Poisson { mean: every(20) });
        let alone = scenario(ms(1_000), vec![random()]);
        let together = scenario(ms(1_000), vec![task("b", periodic(3, 0, 1)), random()]);
        assert_eq!(all(&alone, 0, 5), all(&together, 1, 5));
    }

    #[test]
    fn followers_come_with_their_leader() {
        let follower = Task {
            depends_on: vec![Dependency::data(TaskId::new(0))],
            priority: 2,
            trigger_probability: 0.5,
            ..task("b", Arrivals::Follows)
        };
        let mut scenario = scenario(ms(2_000), vec![task("a", periodic(10, 0, 3)), follower]);
        scenario.phases = vec![
            Phase {
                name: "fast".to_owned(),
                start: at(1_000),
                arrivals: vec![Some(periodic(5, 0, 3)), Some(Arrivals::Follows)],
            },
            Phase { name: "off".to_owned(), start: at(1_500), arrivals: vec![Some(periodic(5, 0, 3)), None] },
        ];
        let follower = Follower::new(&scenario, TaskId::new(1), 1);
        let frames: Vec<(Frame, Option<Frame>)> =
            all(&scenario, 0, 1).iter().map(|leader| (*leader, follower.frame(leader))).collect();
        let mut triggered = 0;
        for (leader, frame) in &frames {
            let Some(frame) = frame else {
                assert!(leader.arrival >= at(1_500));
                continue;
            };
            assert_eq!(
                (frame.index, frame.arrival, frame.release),
                (leader.index, leader.arrival, leader.release)
            );
            let period = if leader.arrival < at(1_000) { 10 } else { 5 };
            assert_eq!((frame.deadline, frame.priority), (leader.arrival.saturating_add(ms(period)), 2));
            triggered += u32::from(frame.triggered);
        }
        assert_eq!(frames.iter().filter(|(_, frame)| frame.is_some()).count(), 200);
        assert!((70..130).contains(&triggered), "{triggered}");
        assert!(all(&scenario, 1, 1).is_empty());
    }
}
