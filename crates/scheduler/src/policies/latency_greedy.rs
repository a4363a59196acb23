//! The dispatcher of XRBench: whole models, each on the idle accelerator on which it is fastest.
//!
//! Source: Kwon et al., *XRBench: An Extended Reality (XR) Machine Learning Benchmark Suite for the
//! Metaverse*, MLSys 2023, and its artifact. Overdue jobs that do not run are dropped; nothing is
//! preempted, and a faster but busy accelerator is never waited for.
//!
//! | `order` | the order of jobs |
//! | --- | --- |
//! | `release` | the first release first |
//! | `task-order` | one job of every task in turn, beginning with the first task at every instant |
//!
//! Deviations: the artifact takes tasks in the alphabetical order of their names, `task-order`
//! takes them in the order of the scenario, and the default gives no task an advantage. In the
//! artifact a job that needs the output of another holds back all later jobs of its task; here it
//! holds back none. The reference loop of `rtmm-reference` repeats the artifact as it is.

use rtmm_workload::parameters::{Choice, Parameters, Schema};
use rtmm_workload::{TaskId, Time};

use crate::job::{Job, JobState};
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::Policy;
use crate::truth::Truth;
use crate::view::View;

const ORDER: Choice<Order> = Choice::new(
    "order",
    "who comes first among ready jobs",
    Order::Release,
    &[("release", Order::Release), ("task-order", Order::TaskOrder)],
);

/// Defaults that differ from those of the parts.
pub const DEFAULTS: &[(&str, &str)] = &[("granularity", "model"), ("drop", "late")];

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[&[&ORDER]])
}

/// The order of ready jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The one that was released first.
    Release,
    /// One job of every task in turn.
    TaskOrder,
}

/// The order of service.
#[derive(Clone, Copy, Debug)]
pub struct LatencyGreedy {
    order: Order,
    /// When something was last dispatched, and of which task.
    last: Option<(Time, TaskId)>,
}

impl LatencyGreedy {
    /// Service in an order.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self { order, last: None }
    }
}

impl Ranking for LatencyGreedy {
    /// True where the task had its turn in this scan over all tasks, then the task; nothing for the
    /// order of release, which ties have.
    type Key = Option<(bool, TaskId)>;

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        if self.order == Order::Release {
            return None;
        }
        // A job that runs has its turn now; only jobs of an earlier task come before it.
        let runs = matches!(job.state, JobState::Running(_));
        let had_turn = !runs && self.last.is_some_and(|(at, last)| at == view.now && job.task <= last);
        Some((had_turn, job.task))
    }

    fn staying_key(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, _job: &Job) -> Option<Self::Key> {
        (self.order == Order::Release).then_some(None)
    }

    fn dispatched(&mut self, view: &View<'_>, job: &Job) {
        self.last = Some((view.now, job.task));
    }
}

/// Starvation freedom: by the order of tasks the first one may hold back all others.
pub(crate) fn is_starvation_free(parameters: &Parameters) -> bool {
    parameters.read(&ORDER) == Order::Release
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(LatencyGreedy::new(parameters.read(&ORDER)), parameters)
}

#[cfg(test)]
mod tests {
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;

    fn fixture() -> Fixture {
        let sketch = |name| TaskSketch::new(name, &[&[3, 2, 4], &[1, 1, 1]]);
        Fixture::new(&[sketch("a"), sketch("b")]).unwrap()
    }

    #[test]
    fn whole_models_take_the_fastest_idle_accelerators_by_release_or_by_task() {
        let mut fixture = fixture();
        for task in [1, 1, 0, 0] {
            fixture.ready(task, 0, 9);
        }
        check(&fixture, "latency-greedy", "", "b0>1 b1>0 a0>2");
        check(&fixture, "latency-greedy", "order=task-order", "a0>1 b0>0 a1>2");
    }

    #[test]
    fn overdue_jobs_are_given_up_unless_they_run() {
        let mut fixture = fixture();
        let running = fixture.ready(0, 0, 5);
        fixture.run(running, 1, Extent::Rest);
        fixture.ready(0, 0, 5);
        fixture.waiting(1, 0, 5);
        fixture.ready(1, 0, 6);
        fixture.set_now(6);
        check(&fixture, "latency-greedy", "", "drop a1 drop b0 b1>0");
        check(&fixture, "latency-greedy", "drop=never", "a1>0 b1>2");
        check(&fixture, "latency-greedy", "drop=infeasible", "drop a1 drop b1 drop b0");
    }
}
