//! The order of jobs that a ranking gives equal keys.

use rtmm_workload::parameters::{Choice, Declared};
use rtmm_workload::{Duration, TaskId};

use crate::decision::{Extent, Preemption};
use crate::job::Job;
use crate::parts::ranking::Ranking;
use crate::policy::{Interests, Notice};
use crate::run::Run;
use crate::truth::Truth;
use crate::view::View;

/// Rules that decide between jobs of equal keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// The job that was released first.
    Release,
    /// The task that the scenario states first, then the job that was released first.
    Declared,
}

impl Ties {
    /// `ties`.
    pub(super) const WORD: Choice<Self> = Choice::new(
        "ties",
        "which of two jobs comes first that the policy ranks alike: the one released first, or that of the task declared first",
        Self::Release,
        &[("release", Self::Release), ("declared", Self::Declared)],
    )
    .unstated_at_default();

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::WORD];
}

/// A ranking in which equal jobs go by the order of their tasks in the scenario.
///
/// Everything else is the ranking's own. Keys say more than its terms do, so that jobs of a ranking whose keys change with
/// the clock are looked at one by one.
#[derive(Clone, Debug)]
pub struct DeclaredTies<R>(pub R);

impl<R: Ranking> Ranking for DeclaredTies<R> {
    type Key = (R::Key, TaskId);

    fn interests(&self) -> Interests {
        self.0.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        self.0.notify(notice, view);
    }

    fn begin(&mut self, view: &View<'_>) {
        self.0.begin(view);
    }

    fn key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        (self.0.key(view, truth, job), job.task)
    }

    fn staying_key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some((self.0.staying_key(view, truth, job)?, job.task))
    }

    /// Two keys may fall to one, and any task may have it.
    fn floor(&self, key: Self::Key, elapsed: Duration) -> Option<Self::Key> {
        Some((self.0.floor(key.0, elapsed)?, TaskId::new(0)))
    }

    fn extent(&self, view: &View<'_>, job: &Job) -> Option<Extent> {
        self.0.extent(view, job)
    }

    fn preemption(
        &self,
        view: &View<'_>,
        run: &Run,
        running: &Job,
        other: &Job,
        mode: Preemption,
    ) -> Option<Preemption> {
        self.0.preemption(view, run, running, other, mode)
    }

    fn decision_time(&self, view: &View<'_>) -> Duration {
        self.0.decision_time(view)
    }

    fn dispatched(&mut self, view: &View<'_>, job: &Job) {
        self.0.dispatched(view, job);
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;

    #[test]
    fn of_equal_deadlines_the_job_released_first_comes_first_or_that_of_the_task_declared_first() {
        let sketch = |name| TaskSketch::new(name, &[&[5, 5]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b")]).unwrap();
        fixture.ready(1, 0, 20);
        fixture.ready(0, 0, 20);
        fixture.ready(0, 0, 20);
        check(&fixture, "edf", "", "b0>0:1 a0>1:1");
        check(&fixture, "edf", "ties=declared", "a0>0:1 a1>1:1");
    }

    #[test]
    fn an_equal_job_of_a_task_declared_earlier_preempts() {
        let sketch = |name| TaskSketch::new(name, &[&[5], &[5]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b")]).unwrap();
        let job = fixture.ready(1, 0, 20);
        fixture.run(job, 0, crate::decision::Extent::Rest);
        fixture.set_now(2);
        fixture.ready(0, 2, 20);
        check(&fixture, "edf", "granularity=model preemption=layer", "");
        check(&fixture, "edf", "granularity=model preemption=layer ties=declared", "preempt 0");
    }
}
