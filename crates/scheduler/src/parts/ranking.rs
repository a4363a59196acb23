//! Who comes first.

use std::fmt;

use rtmm_workload::Duration;

use crate::job::Job;
use crate::policy::{Interests, Notice};
use crate::truth::Truth;
use crate::view::View;

/// An order of jobs: the one with the smallest key comes first, and of equal keys the one that was
/// released first.
pub trait Ranking: Clone + fmt::Debug + Send + 'static {
    /// What jobs are compared by.
    type Key: Copy + fmt::Debug + Ord + Send;

    /// What [`Ranking::notify`] should be told.
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

    /// A key that no job which only waits can have fallen below: it had `key`, and `elapsed` has passed in
    /// which no job came, ended or was given up. None where nothing of the kind is known.
    ///
    /// It lets one who is first stay first without a look at all others.
    fn floor(&self, _key: Self::Key, _elapsed: Duration) -> Option<Self::Key> {
        None
    }

    /// How long a decision takes by itself, beside what the parameters of all policies say.
    fn decision_time(&self, _view: &View<'_>) -> Duration {
        Duration::ZERO
    }

    /// Told of every job that is dispatched.
    fn dispatched(&mut self, _view: &View<'_>, _job: &Job) {}
}
