//! Fixed priorities: the same task comes first all the time.
//!
//! Source: rate-monotonic, Liu and Layland, *Scheduling Algorithms for Multiprogramming in a
//! Hard-Real-Time Environment*, JACM 20(1), 1973, section 4; deadline-monotonic, Leung and
//! Whitehead, *Performance Evaluation* 2(4), 1982.
//!
//! | `priority` | the order of jobs |
//! | --- | --- |
//! | `rate-monotonic` | the shorter period |
//! | `deadline-monotonic` | the shorter relative deadline |
//! | `declared` | the larger priority of the scenario, or of the recorded request |
//! | `task-order` | the task that the scenario states first |
//!
//! What the sources leave open: the period is the task's own, outside of phases, or that of the
//! task whose arrivals it follows; phases change no priority. A task whose arrivals have no period
//! stands where its relative deadline would. The relative deadline is the job's, since recorded
//! requests may each have their own. Equal priorities go by release. Jobs give way at layer
//! boundaries, not at any instant.

use rtmm_workload::parameters::{Choice, Parameters, Schema};
use rtmm_workload::{Duration, Period, TaskId};

use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::Policy;
use crate::truth::Truth;
use crate::view::View;

const PRIORITY: Choice<Priority> = Choice::new(
    "priority",
    "what a task's priority follows from",
    Priority::RateMonotonic,
    &[
        ("rate-monotonic", Priority::RateMonotonic),
        ("deadline-monotonic", Priority::DeadlineMonotonic),
        ("declared", Priority::Declared),
        ("task-order", Priority::TaskOrder),
    ],
);

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[&[&PRIORITY]])
}

/// The source of a task's priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Its period.
    RateMonotonic,
    /// Its relative deadline.
    DeadlineMonotonic,
    /// The scenario.
    Declared,
    /// Its place in the scenario.
    TaskOrder,
}

/// The order of priorities.
#[derive(Clone, Debug)]
pub struct FixedPriority {
    priority: Priority,
    /// By task; none without one. Empty before the first decision.
    periods: Vec<Option<Duration>>,
}

impl FixedPriority {
    /// Priorities of a kind.
    #[must_use]
    pub fn new(priority: Priority) -> Self {
        Self { priority, periods: Vec::new() }
    }
}

impl Ranking for FixedPriority {
    /// Picoseconds, a place, or a priority with its sign turned.
    type Key = i128;

    fn begin(&mut self, view: &View<'_>) {
        let tasks = view.tasks();
        if self.periods.len() == tasks {
            return;
        }
        let period = |task| view.task(task).period.map(Period::duration);
        self.periods = (0..tasks).map(TaskId::new).map(period).collect();
    }

    /// A job's priority does not change while it waits.
    fn floor(&self, key: Self::Key, _elapsed: Duration) -> Option<Self::Key> {
        Some(key)
    }

    fn key(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        let relative_deadline = || job.deadline.saturating_since(job.arrival);
        let span = match self.priority {
            Priority::RateMonotonic => {
                let period = self.periods.get(job.task.index()).copied().flatten();
                period.unwrap_or_else(relative_deadline)
            }
            Priority::DeadlineMonotonic => relative_deadline(),
            Priority::Declared => return -i128::from(job.priority),
            Priority::TaskOrder => return job.task.index() as i128,
        };
        i128::from(span.picoseconds())
    }

    fn staying_key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some(self.key(view, truth, job))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(FixedPriority::new(parameters.read(&PRIORITY)), parameters)
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;
    use rtmm_workload::{Arrivals, Dependency, Duration, Period, TaskId};

    fn fixture() -> Fixture {
        let sketch = |name, period_us| TaskSketch::new(name, &[&[1]]).every(period_us);
        let sketches =
            [sketch("a", 30).priority(2), sketch("b", 20).priority(-1), sketch("c", 25).priority(3)];
        Fixture::new(&sketches).unwrap()
    }

    #[test]
    fn priorities_follow_from_what_the_parameter_says() {
        for (priority, expected) in [
            ("rate-monotonic", "b0>0:1"),
            ("deadline-monotonic", "a0>0:1"),
            ("declared", "c0>0:1"),
            ("task-order", "a0>0:1"),
        ] {
            let mut fixture = fixture();
            fixture.ready(2, 0, 25);
            fixture.ready(1, 0, 24);
            fixture.ready(0, 0, 23);
            check(&fixture, "fixed-priority", &format!("priority={priority}"), expected);
        }
    }

    #[test]
    fn jobs_of_equal_priority_go_by_release() {
        let mut fixture = fixture();
        fixture.ready(1, 5, 25);
        fixture.ready(1, 0, 20);
        check(&fixture, "fixed-priority", "", "b0>0:1");
    }

    #[test]
    fn followers_have_the_period_of_their_leader_and_others_their_relative_deadline() {
        for (deadline_us, expected) in [(29, "c0>0:1"), (31, "a0>0:1")] {
            let mut fixture = fixture();
            fixture.change_task(1, |task| {
                task.arrivals = Arrivals::Follows;
                task.depends_on = vec![Dependency::data(TaskId::new(0))];
            });
            fixture.change_task(2, |task| {
                let mean = Period::new(Duration::from_picoseconds(1)).unwrap();
                task.arrivals = Arrivals::Poisson { mean };
            });
            fixture.ready(0, 0, 90);
            fixture.ready(1, 0, 90);
            fixture.ready(2, 0, deadline_us);
            check(&fixture, "fixed-priority", "", expected);
        }
    }
}
