//! Rankings: the order of jobs.

use std::fmt;

use rtmm_workload::{Duration, Time};

use crate::decision::{Extent, Preemption};
use crate::job::Job;
use crate::parts::tournament::Span;
use crate::policy::{Interests, Notice};
use crate::run::Run;
use crate::truth::Truth;
use crate::view::View;

/// The terms of a waiting job's score that do not depend on the clock: they stay until the job runs, or
/// until some job comes, ends or is dropped.
#[derive(Clone, Copy, Debug)]
pub struct ScoreTerms {
    /// When the job should be complete.
    pub deadline: Time,
    /// When it last ran.
    pub last_ran: Time,
    /// Its priority, or what else weighs it.
    pub weight: f64,
    /// Its remaining latency, in seconds.
    pub remaining_s: f64,
    /// The latency that its waiting is compared with, in seconds: all of it by itself, or its next layer.
    pub whole_s: f64,
}

/// The terms of several jobs, from the least of each to the greatest.
#[derive(Clone, Copy, Debug)]
pub struct TermsSpan {
    /// The least of each term.
    pub least: ScoreTerms,
    /// The greatest of each.
    pub greatest: ScoreTerms,
}

impl From<ScoreTerms> for TermsSpan {
    fn from(terms: ScoreTerms) -> Self {
        Self { least: terms, greatest: terms }
    }
}

#[cfg(test)]
impl TermsSpan {
    /// The span of the terms of some jobs.
    pub(crate) fn of(jobs: &[ScoreTerms]) -> Self {
        jobs.iter().map(|job| Self::from(*job)).reduce(Self::join).unwrap()
    }
}

impl Span for TermsSpan {
    fn join(self, other: Self) -> Self {
        let (one, two) = (self.least, other.least);
        let least = ScoreTerms {
            deadline: one.deadline.min(two.deadline),
            last_ran: one.last_ran.min(two.last_ran),
            weight: one.weight.min(two.weight),
            remaining_s: one.remaining_s.min(two.remaining_s),
            whole_s: one.whole_s.min(two.whole_s),
        };
        let (one, two) = (self.greatest, other.greatest);
        let greatest = ScoreTerms {
            deadline: one.deadline.max(two.deadline),
            last_ran: one.last_ran.max(two.last_ran),
            weight: one.weight.max(two.weight),
            remaining_s: one.remaining_s.max(two.remaining_s),
            whole_s: one.whole_s.max(two.whole_s),
        };
        Self { least, greatest }
    }
}

/// An order of jobs: the one with the smallest key comes first, and of equal keys the one that was
/// released first.
pub trait Ranking: Clone + fmt::Debug + Send + 'static {
    /// The key by which jobs are compared.
    type Key: Copy + fmt::Debug + Ord + Send;

    /// The notices that [`Ranking::notify`] needs.
    fn interests(&self) -> Interests {
        Interests::default()
    }

    /// Hears of something that happened.
    fn notify(&mut self, _notice: &Notice, _view: &View<'_>) {}

    /// Told of the view before keys are asked for, at every decision.
    fn begin(&mut self, _view: &View<'_>) {}

    /// The key of a job. It may be running: `progress` is then the layer boundary that it will next
    /// come to, as far as the profile says.
    ///
    /// `truth` is there for oracles only.
    fn key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Self::Key;

    /// The terms of a job's key, for rankings whose keys change with the clock alone as long as
    /// jobs wait: then all keys are computed from a table, without a look at the jobs. None for others.
    fn terms(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, _job: &Job) -> Option<ScoreTerms> {
        None
    }

    /// The key that [`Ranking::key`] gives a job with these terms; none where there are no terms.
    fn key_of(&self, _now: Time, _terms: &ScoreTerms) -> Option<Self::Key> {
        None
    }

    /// A key that [`Ranking::key_of`] gives no job below, whose terms are within a span. It must be computed by the
    /// operations of a key from operands that make it no greater, so that rounding cannot bring a job below it. None where
    /// there are no terms.
    ///
    /// With it the first of thousands of jobs is found without a look at each.
    fn least_key(&self, _now: Time, _span: &TermsSpan) -> Option<Self::Key> {
        None
    }

    /// A key that stays as long as the job waits, whatever else happens, and that [`Ranking::key`] never falls below: the
    /// key itself where it depends on the job alone. None where there is none.
    ///
    /// With it the first of thousands of jobs is found without a look at those behind it.
    fn staying_key(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, _job: &Job) -> Option<Self::Key> {
        None
    }

    /// A key that no job which only waits can have fallen below: it had `key`, and `elapsed` has passed in
    /// which no job came, ended or was dropped. None where nothing of the kind is known.
    ///
    /// It lets the first job stay first without a look at all others.
    fn floor(&self, _key: Self::Key, _elapsed: Duration) -> Option<Self::Key> {
        None
    }

    /// The extent of a dispatch, for rankings that choose it themselves; none where the granularity does.
    fn extent(&self, _view: &View<'_>, _job: &Job) -> Option<Extent> {
        None
    }

    /// The mode in which a run makes room for a job that comes before its own, for rankings that choose it themselves;
    /// none where it goes on. `running` is its job as it will be at the boundary of `mode`, which the parts of the policy
    /// state, and `other` the first of the jobs that come before it.
    fn preemption(
        &self,
        _view: &View<'_>,
        _run: &Run,
        _running: &Job,
        _other: &Job,
        mode: Preemption,
    ) -> Option<Preemption> {
        Some(mode)
    }

    /// The time of a decision by itself, beside that which the parameters of all policies state.
    fn decision_time(&self, _view: &View<'_>) -> Duration {
        Duration::ZERO
    }

    /// Told of every job that is dispatched.
    fn dispatched(&mut self, _view: &View<'_>, _job: &Job) {}
}
