//! Earliest deadline first.
//!
//! Source: Liu and Layland, *Scheduling Algorithms for Multiprogramming in a Hard-Real-Time
//! Environment*, JACM 20(1), 1973, section 7: the job with the earliest absolute deadline runs.
//!
//! Deviations: there, one processor can be preempted at any instant. Here a job gives way at layer
//! boundaries (`granularity`, `preemption`), and of several idle accelerators the fastest for the
//! job is taken. Equal deadlines go by release. With several accelerators it is global, and no
//! longer optimal.

use rtmm_workload::parameters::{Parameters, Schema};
use rtmm_workload::{Duration, Time};

use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::Policy;
use crate::truth::Truth;
use crate::view::View;

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[])
}

/// The order of deadlines.
#[derive(Clone, Copy, Debug)]
pub struct Edf;

impl Ranking for Edf {
    type Key = Time;

    /// A job's deadline does not change while it waits.
    fn floor(&self, key: Self::Key, _elapsed: Duration) -> Option<Self::Key> {
        Some(key)
    }

    fn key(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        job.deadline
    }

    fn staying_key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some(self.key(view, truth, job))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(Edf, parameters)
}

#[cfg(test)]
mod tests {
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;

    #[test]
    fn the_earliest_deadline_comes_first_and_ties_go_by_release() {
        for (deadlines_us, expected) in
            [([30, 20, 10], "c0>1:1 b0>0:1"), ([10, 20, 30], "a0>1:1 b0>0:1"), ([9, 9, 9], "a0>1:1 b0>0:1")]
        {
            let sketch = |name| TaskSketch::new(name, &[&[5, 4], &[1, 1]]);
            let mut fixture = Fixture::new(&[sketch("a"), sketch("b"), sketch("c")]).unwrap();
            for (task, deadline_us) in deadlines_us.into_iter().enumerate() {
                fixture.ready(task, 0, deadline_us);
            }
            check(&fixture, "edf", "", expected);
        }
    }

    #[test]
    fn an_earlier_deadline_stops_the_latest_one_once() {
        let sketch = |name| TaskSketch::new(name, &[&[5, 5], &[5, 5], &[5, 5]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b"), sketch("c")]).unwrap();
        for (accelerator, deadline_us) in [40, 50].into_iter().enumerate() {
            let job = fixture.ready(accelerator, 0, deadline_us);
            fixture.run(job, accelerator, Extent::Rest);
        }
        fixture.set_now(3);
        fixture.ready(2, 3, 45);
        check(&fixture, "edf", "granularity=model", "");
        check(&fixture, "edf", "granularity=model preemption=layer", "preempt 1");
        check(&fixture, "edf", "granularity=model preemption=quantum", "preempt 1");
        // The last layers have begun: nothing can be stopped any more.
        fixture.set_now(10);
        check(&fixture, "edf", "granularity=model preemption=layer", "");
    }
}
