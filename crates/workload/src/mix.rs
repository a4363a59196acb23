//! Mixes: one process of arrivals that several tasks share.
//!
//! A mix is a number of streams. Each is a chain of requests: a request is of a task drawn by weight, has a priority
//! drawn by weight, and comes after the one before it by a fixed multiple of what that one's task states as its service
//! time, less a random number of equal steps. So a stream offers the next request about when a server of its own would
//! have done with the last, and a multiple below one is too much load for it. The load generator of MoCA (Kim et al.,
//! HPCA 2023; its software artifact) is of this kind.
//!
//! Draws are addressed by the seed, the name of the mix, the stream and the position in it. Every task of a mix goes
//! through the same sequence and takes what is its own.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use crate::random::{Draws, Stream};
use crate::time::{Duration, Time, TimeError};

/// A process of arrivals that several tasks share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mix {
    /// Unique within the scenario; draws depend on it.
    pub name: String,
    /// The tasks whose requests are drawn, in the order of the scenario.
    pub members: Vec<MixMember>,
    /// Priorities with their weights; empty where requests have those of their tasks.
    pub priorities: Vec<(i32, u32)>,
    /// Streams, at least one: stream `s` begins at `s` times `stagger`.
    pub streams: u32,
    /// Time from the beginning of one stream to that of the next.
    pub stagger: Duration,
    /// Distance between two requests of a stream, in millionths of the spacing of the first of them.
    pub stretch_millionths: u64,
    /// One step by which a distance is shortened.
    pub shortening_step: Duration,
    /// Numbers of steps that are equally probable: 0 up to one less than this.
    pub shortening_steps: u32,
    /// Requests of all tasks together, the earliest ones; none for as many as the duration of a run has.
    pub requests: Option<u64>,
}

/// More requests of a mix than a run can have.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("mix `{mix}` has about {requests} requests within {duration}, more than {}", Mix::MAX_REQUESTS)]
pub struct TooManyRequests {
    /// The name of the mix.
    pub mix: String,
    /// Requests that are to be expected.
    pub requests: u64,
    /// The duration of the run.
    pub duration: Duration,
}

impl TooManyRequests {
    /// A way out.
    #[must_use]
    pub fn help(&self) -> &'static str {
        "make `spacing` or `stretch` longer or the duration shorter, or state fewer `requests`"
    }
}

/// A task's part of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MixMember {
    /// Weight of the task in the draws, at least 1.
    pub weight: u32,
    /// Service time that the distance to the next request follows from.
    pub spacing: Duration,
}

/// A request of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MixRequest {
    /// When it arrives.
    pub at: Time,
    /// Its task, by position among the members.
    pub member: usize,
    /// None where it has that of its task.
    pub priority: Option<i32>,
}

/// Draws for each request of a stream: its task, its priority, and the step behind it.
const DRAWS: u64 = 3;

impl Mix {
    /// The most requests that a run may expect of a mix: every one is drawn.
    pub const MAX_REQUESTS: u64 = 100_000_000;

    /// Requests of all tasks together that are to be expected within a duration: each stream has them at its mean distance,
    /// rounded down.
    #[must_use]
    pub fn expected_requests(&self, duration: Duration) -> u64 {
        if self.members.is_empty() {
            return 0;
        }
        let steps = u64::from(self.shortening_steps.max(1));
        let weights: u128 = self.members.iter().map(|member| u128::from(member.weight)).sum();
        // Of the first and the last number of steps: where distances are a picosecond at least, the mean is no less.
        let ends = |member: &MixMember| {
            let distance = |steps| u128::from(self.distance(member, steps).picoseconds());
            u128::from(member.weight) * (distance(0) + distance(steps - 1))
        };
        let mean = self.members.iter().map(ends).fold(0, u128::saturating_add) / (2 * weights).max(1);
        let of_stream = |stream: u64| {
            let rest = duration.picoseconds().checked_sub(self.stagger.picoseconds().saturating_mul(stream));
            rest.map_or(0, |rest| u64::try_from(u128::from(rest) / mean.max(1)).unwrap_or(u64::MAX))
        };
        let all = (0..u64::from(self.streams)).map(of_stream).fold(0, u64::saturating_add);
        self.requests.map_or(all, |requests| requests.min(all))
    }

    /// Checks that a run of this duration can have the requests.
    ///
    /// # Errors
    /// [`TooManyRequests`] where it is to expect more than [`Mix::MAX_REQUESTS`].
    pub fn check(&self, duration: Duration) -> Result<(), TooManyRequests> {
        let requests = self.expected_requests(duration);
        if requests <= Self::MAX_REQUESTS {
            return Ok(());
        }
        Err(TooManyRequests { mix: self.name.clone(), requests, duration })
    }

    /// The shortest distance between two requests of a stream, the first of them of `member`.
    #[must_use]
    pub fn shortest_distance(&self, member: &MixMember) -> Duration {
        self.distance(member, u64::from(self.shortening_steps.saturating_sub(1)))
    }

    /// At least a picosecond, so that time moves on.
    fn distance(&self, member: &MixMember, steps: u64) -> Duration {
        let stretched =
            u128::from(member.spacing.picoseconds()) * u128::from(self.stretch_millionths) / 1_000_000;
        let shortening = u128::from(self.shortening_step.picoseconds()) * u128::from(steps);
        let distance = stretched.saturating_sub(shortening).max(1);
        u64::try_from(distance).map_or(Duration::MAX, Duration::from_picoseconds)
    }

    /// The same mix at `factor_millionths` / 1,000,000 times the rate.
    ///
    /// # Errors
    /// [`TimeError`] where a time leaves the clock's range.
    pub(crate) fn scale(&mut self, factor_millionths: u64) -> Result<(), TimeError> {
        let spacings = self.members.iter_mut().map(|member| &mut member.spacing);
        for span in spacings.chain([&mut self.stagger, &mut self.shortening_step]) {
            *span = span.at_rate(factor_millionths)?;
        }
        Ok(())
    }
}

/// The requests of a mix under a seed, in the order of their arrival; of equal ones, the lower stream first.
#[derive(Clone, Debug)]
pub(crate) struct MixRequests {
    mix: Arc<Mix>,
    draws: Draws,
    /// The next request of each stream.
    heads: Vec<MixRequest>,
    /// Requests that each stream has had.
    counts: Vec<u64>,
    left: u64,
}

impl MixRequests {
    pub(crate) fn new(mix: Arc<Mix>, seed: u64) -> Self {
        let draws = Draws::new(seed, Stream::Mix, &mix.name);
        let mut requests = Self { mix, draws, heads: Vec::new(), counts: Vec::new(), left: 0 };
        requests.restart();
        requests
    }

    /// Goes back to the first request. Allocates nothing the second time.
    pub(crate) fn restart(&mut self) {
        let Self { mix, draws, heads, counts, left } = self;
        let stagger = mix.stagger.picoseconds();
        heads.clear();
        heads.extend((0..u64::from(mix.streams)).map(|stream| {
            let at = Time::from_picoseconds(stagger.saturating_mul(stream));
            request(mix, *draws, stream, 0, at)
        }));
        counts.clear();
        counts.resize(mix.streams as usize, 0);
        *left = mix.requests.unwrap_or(u64::MAX);
    }

    /// True if the requests are those of this mix.
    pub(crate) fn is_of(&self, mix: &Mix) -> bool {
        *self.mix == *mix
    }

    /// The next request of any task; none after the last one.
    pub(crate) fn next_request(&mut self) -> Option<MixRequest> {
        self.left = self.left.checked_sub(1)?;
        let (stream, next) = self.heads.iter().copied().enumerate().min_by_key(|(_, head)| head.at)?;
        let count = self.counts.get_mut(stream)?;
        let address = stream as u64;
        let steps = u64::from(self.mix.shortening_steps);
        let step = self.draws.below(address, DRAWS.wrapping_mul(*count) + 2, steps);
        let distance = self.mix.distance(self.mix.members.get(next.member)?, step);
        *count += 1;
        self.heads[stream] =
            request(&self.mix, self.draws, address, *count, next.at.saturating_add(distance));
        Some(next)
    }
}

fn request(mix: &Mix, draws: Draws, stream: u64, count: u64, at: Time) -> MixRequest {
    let first = DRAWS.wrapping_mul(count);
    let weights = mix.members.iter().map(|member| member.weight);
    let member = weighted(draws, stream, first, weights).unwrap_or(0);
    let weights = mix.priorities.iter().map(|(_, weight)| *weight);
    let priority = weighted(draws, stream, first + 1, weights)
        .and_then(|position| mix.priorities.get(position))
        .map(|(priority, _)| *priority);
    MixRequest { at, member, priority }
}

/// The position of one of the weights, drawn in proportion to it; none without any.
fn weighted(
    draws: Draws,
    stream: u64,
    index: u64,
    weights: impl Iterator<Item = u32> + Clone,
) -> Option<usize> {
    let total = weights.clone().map(u64::from).fold(0, u64::saturating_add);
    let mut draw = draws.below(stream, index, total);
    for (position, weight) in weights.enumerate() {
        match draw.checked_sub(u64::from(weight)) {
            Some(rest) => draw = rest,
            None => return Some(position),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000_000;

    fn us(count: u64) -> Duration {
        Duration::from_picoseconds(count * US)
    }

    fn mix() -> Mix {
        let member = |weight, spacing| MixMember { weight, spacing: us(spacing) };
        Mix {
            name: "queries".to_owned(),
            members: vec![member(1, 1_000), member(3, 400)],
            priorities: vec![(0, 1), (7, 4)],
            streams: 3,
            stagger: us(50),
            stretch_millionths: 1_500_000,
            shortening_step: us(10),
            shortening_steps: 5,
            requests: None,
        }
    }

    fn take(mix: &Mix, seed: u64, count: usize) -> Vec<MixRequest> {
        let mut requests = MixRequests::new(Arc::new(mix.clone()), seed);
        std::iter::from_fn(|| requests.next_request()).take(count).collect()
    }

    #[test]
    fn one_stream_is_spaced_by_what_came_before() {
        let one = Mix { streams: 1, ..mix() };
        let requests = take(&one, 1, 1_000);
        assert_eq!(requests[0].at, Time::ZERO);
        let mut steps_seen = [0_u32; 5];
        for pair in requests.windows(2) {
            let full = [1_500, 600][pair[0].member] * US;
            let short = full - pair[1].at.saturating_since(pair[0].at).picoseconds();
            assert_eq!(short % (10 * US), 0);
            steps_seen[(short / (10 * US)) as usize] += 1;
        }
        // 200 each: five standard deviations are 63.
        assert!(steps_seen.iter().all(|count| count.abs_diff(200) < 63), "{steps_seen:?}");
        assert_eq!(one.shortest_distance(&one.members[1]), us(560));
    }

    #[test]
    fn about_as_many_requests_are_drawn_as_are_expected() {
        // Distances are (1480 + 3 x 580) / 4 = 805 us in the mean; streams begin 50 us apart.
        assert_eq!(mix().expected_requests(us(80_500)), 100 + 99 + 99);
        assert_eq!(mix().expected_requests(us(40)), 0);
        assert_eq!(Mix { requests: Some(7), ..mix() }.expected_requests(us(80_500)), 7);
        assert_eq!(Mix { members: Vec::new(), ..mix() }.expected_requests(us(80_500)), 0);
        let drawn = take(&mix(), 2, 30_000).last().expect("a request").at;
        let expected = mix().expected_requests(drawn.saturating_since(Time::ZERO));
        assert!(expected.abs_diff(30_000) < 300, "{expected} are expected");
        let error = mix().check(us(1 << 40)).expect_err("too many");
        assert_eq!((error.mix.as_str(), error.requests), ("queries", 3 * ((1 << 40) / 805)));
        assert_eq!(Mix { requests: Some(Mix::MAX_REQUESTS), ..mix() }.check(us(1 << 40)), Ok(()));
    }

    #[test]
    fn tasks_and_priorities_have_their_weights() {
        let requests = take(&mix(), 2, 10_000);
        let share = |is: &dyn Fn(&MixRequest) -> bool| {
            requests.iter().filter(|request| is(request)).count() as f64 / 10_000.0
        };
        // Five standard deviations.
        assert!((share(&|request| request.member == 1) - 0.75).abs() < 0.022);
        assert!((share(&|request| request.priority == Some(7)) - 0.8).abs() < 0.02);
        assert!((share(&|request| request.priority == Some(7) && request.member == 1) - 0.6).abs() < 0.025);
        let plain = Mix { priorities: Vec::new(), ..mix() };
        let without = take(&plain, 2, 10_000);
        assert!(without.iter().all(|request| request.priority.is_none()));
        assert!(
            without
                .iter()
                .zip(&requests)
                .all(|(one, other)| (one.at, one.member) == (other.at, other.member))
        );
    }

    #[test]
    fn streams_are_merged_by_time_and_do_not_disturb_each_other() {
        let merged = take(&mix(), 3, 3_000);
        assert!(merged.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let begins: Vec<u64> = merged[..3].iter().map(|request| request.at.picoseconds() / US).collect();
        assert_eq!(begins, [0, 50, 100]);
        let alone = take(&Mix { streams: 1, ..mix() }, 3, 500);
        assert!(alone.iter().all(|request| merged.contains(request)));
        assert_eq!(merged, take(&mix(), 3, 3_000));
        assert_ne!(merged, take(&mix(), 4, 3_000));
        let named = Mix { name: "other".to_owned(), ..mix() };
        assert_ne!(merged, take(&named, 3, 3_000));
    }

    #[test]
    fn the_number_of_requests_is_of_all_tasks_together() {
        let few = Mix { requests: Some(250), ..mix() };
        let requests = take(&few, 1, 1_000);
        assert_eq!(requests.len(), 250);
        assert_eq!(requests, take(&mix(), 1, 250));
        let mut again = MixRequests::new(Arc::new(few), 1);
        assert!((0..100).all(|_| again.next_request().is_some()));
        again.restart();
        assert_eq!(std::iter::from_fn(|| again.next_request()).collect::<Vec<_>>(), requests);
    }

    #[test]
    fn twice_the_rate_takes_half_the_time() {
        let mut fast = mix();
        fast.scale(2_000_000).expect("times on the clock");
        let halves = take(&mix(), 5, 100).into_iter().map(|request| request.at.picoseconds() / 2);
        assert!(take(&fast, 5, 100).iter().map(|request| request.at.picoseconds()).eq(halves));
        assert_eq!(mix().scale(1).map_err(|error| error == TimeError::TooLong), Ok(()));
        let mut long = Mix { stagger: Duration::MAX, ..mix() };
        assert_eq!(long.scale(1), Err(TimeError::TooLong));
    }
}
