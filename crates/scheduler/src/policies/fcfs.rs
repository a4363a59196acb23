//! First come, first served.
//!
//! Source: Silberschatz, Galvin and Gagne, *Operating System Concepts*, 10th edition, 5.3.1: jobs
//! run in the order in which they came, each to its end.
//!
//! What the book leaves open: jobs that came at one instant run in the order of their nominal
//! arrivals, then in the order of tasks. A job that waited for the output of another keeps the
//! place of its release. Of several idle accelerators the fastest for the job is taken.

use rtmm_workload::parameters::{Parameters, Schema};
use rtmm_workload::{Duration, TaskId, Time};

use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::Policy;
use crate::truth::Truth;
use crate::view::View;

/// Defaults that differ from those of the parts.
pub const DEFAULTS: &[(&str, &str)] = &[("granularity", "model")];

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[])
}

/// The order of release.
#[derive(Clone, Copy, Debug)]
pub struct Fcfs;

impl Ranking for Fcfs {
    type Key = (Time, Time, TaskId);

    /// A job's release does not change while it waits.
    fn floor(&self, key: Self::Key, _elapsed: Duration) -> Option<Self::Key> {
        Some(key)
    }

    fn key(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        (job.release, job.arrival, job.task)
    }

    fn staying_key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some(self.key(view, truth, job))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(Fcfs, parameters)
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;
    use rtmm_workload::Time;

    #[test]
    fn jobs_run_whole_in_the_order_of_release() {
        let mut fixture =
            Fixture::new(&[TaskSketch::new("a", &[&[9, 8]]), TaskSketch::new("b", &[&[1, 2], &[1, 2]])])
                .unwrap();
        fixture.ready(1, 3, 4);
        fixture.ready(0, 4, 50);
        fixture.ready(1, 5, 6);
        check(&fixture, "fcfs", "", "b0>0 a0>1");
        check(&fixture, "fcfs", "placement=fastest", "b0>0 a0>1");
        check(&fixture, "fcfs", "placement=first-idle granularity=layer", "b0>0:1 a0>1:1");
    }

    #[test]
    fn ties_go_by_arrival_then_by_task() {
        let sketch = |name| TaskSketch::new(name, &[&[1]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b"), sketch("c")]).unwrap();
        let late = fixture.ready(2, 5, 9);
        let same = fixture.ready(1, 5, 9);
        fixture.ready(0, 6, 9);
        check(&fixture, "fcfs", "", "b0>0");
        fixture.change(late, |job| job.arrival = Time::ZERO);
        check(&fixture, "fcfs", "", "c0>0");
        for job in [late, same] {
            fixture.change(job, |job| job.release = Time::MAX);
        }
        check(&fixture, "fcfs", "", "a0>0");
    }
}
