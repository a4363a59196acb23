//! Queries: what a predictor is asked, and all that it may know of an inference.

use crate::{ModelKey, Share};

/// Inference of a batch: the model, its batch, the SMs that it may use, and its latency alone on them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inference {
    /// The model.
    pub model: ModelKey,
    /// Inputs of the batch.
    pub batch: u32,
    /// The share of the SMs that it may use.
    pub share: Share,
    /// Latency without co-runners, in microseconds: finite, above 0.
    pub solo_us: f64,
}

/// Co-runners that run in an interval: a bit for each position of [`CoRun::others`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running(u64);

impl Running {
    /// No co-runner.
    pub const NONE: Self = Self(0);

    /// The most co-runners that are told apart; those beyond count as never running.
    pub const MAX: usize = u64::BITS as usize;

    /// The first `count` co-runners.
    #[must_use]
    pub const fn first(count: usize) -> Self {
        Self(if count >= Self::MAX { u64::MAX } else { (1 << count) - 1 })
    }

    /// The same with one co-runner more.
    #[must_use]
    pub const fn with(self, position: usize) -> Self {
        if position < Self::MAX { Self(self.0 | 1 << position) } else { self }
    }

    /// True if the co-runner of a position runs.
    #[must_use]
    pub const fn has(self, position: usize) -> bool {
        position < Self::MAX && self.0 >> position & 1 == 1
    }

    /// True if no co-runner runs.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// Part of the time from the start of an inference to its end in which the co-runners are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Length in microseconds of wall time, as it was observed or as it is planned: finite, from 0.
    pub wall_us: f64,
    /// The co-runners in it.
    pub running: Running,
}

/// Overlap of an inference with its co-runners.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Overlap<'q> {
    /// All co-runners run from its start to its end.
    #[default]
    Whole,
    /// Intervals from its start to its end, in order; together its whole latency, or that which is planned.
    Intervals(&'q [Interval]),
}

/// Query for the latency of an inference beside others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoRun<'q> {
    /// The inference whose latency is asked for.
    pub own: Inference,
    /// Its co-runners, in any order.
    pub others: &'q [Inference],
    /// The time in which each of them runs.
    pub overlap: Overlap<'q>,
}

impl CoRun<'_> {
    /// True if no co-runner runs at any time of it.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        match self.overlap {
            Overlap::Whole => self.others.is_empty(),
            Overlap::Intervals(intervals) => intervals.iter().all(|interval| {
                interval.wall_us <= 0.0 || (0..self.others.len()).all(|other| !interval.running.has(other))
            }),
        }
    }
}

/// Segment of a group: modules `start` to before `end` of a model, for one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment {
    /// The model.
    pub model: ModelKey,
    /// Its first module.
    pub start: u32,
    /// The module behind its last; equal to `start` for a segment without modules.
    pub end: u32,
    /// Inputs of the batch.
    pub batch: u32,
    /// Tokens of a sequence; 0 for models without.
    pub sequence: u32,
}

/// Query of a predictor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Query<'q> {
    /// The latency of one inference beside others.
    CoRun(CoRun<'q>),
    /// The time from the common start of segments until all of them have ended; at least one segment, in any order.
    Group(&'q [Segment]),
}

/// Kinds of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueryKind {
    /// [`Query::CoRun`].
    CoRun,
    /// [`Query::Group`].
    Group,
}

impl QueryKind {
    /// Noun for rows of measurements that answer such a query.
    #[must_use]
    pub const fn rows(self) -> &'static str {
        match self {
            Self::CoRun => "pairs",
            Self::Group => "segment groups",
        }
    }
}

impl Query<'_> {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> QueryKind {
        match self {
            Self::CoRun(_) => QueryKind::CoRun,
            Self::Group(_) => QueryKind::Group,
        }
    }
}

impl<'q> From<CoRun<'q>> for Query<'q> {
    fn from(query: CoRun<'q>) -> Self {
        Self::CoRun(query)
    }
}

impl<'q> From<&'q [Segment]> for Query<'q> {
    fn from(segments: &'q [Segment]) -> Self {
        Self::Group(segments)
    }
}
