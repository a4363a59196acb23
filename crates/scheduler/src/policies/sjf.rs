//! Shortest job first.
//!
//! Source: Silberschatz, Galvin and Gagne, *Operating System Concepts*, 10th edition, 5.3.2; with
//! preemption it is shortest remaining processing time first (Schrage, *Operations Research* 16(3),
//! 1968).
//!
//! The length of a job is what is expected to be left of it, in the mean over all accelerators: a
//! length that does not depend on which accelerators are idle. Equal lengths go by release.
//!
//! Where models have sparsity patterns, `sjf` knows their architecture only, and `sjf-sparse` knows the
//! pattern and corrects what is left by measured sparsity, as the variants of Dysta's artifact do (Fan et
//! al., MICRO 2023). For models without patterns the two decide alike.

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Parameters, Schema};

use crate::estimator::Estimator;
use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::{Interests, Notice, Policy};
use crate::terms::Score;
use crate::truth::Truth;
use crate::view::View;

/// Defaults that differ from those of the parts.
pub const DEFAULTS: &[(&str, &str)] = &[("granularity", "model")];

/// Defaults of `sjf-sparse`, which knows patterns and measures sparsity.
pub const SPARSE: &[(&str, &str)] =
    &[("granularity", "layer"), ("estimate", "pattern"), ("predictor", "average-all")];

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[Estimator::PARAMETERS])
}

/// The order of expected remaining latencies.
#[derive(Clone, Debug)]
pub struct Sjf {
    estimator: Estimator,
}

impl Ranking for Sjf {
    type Key = Score;

    fn interests(&self) -> Interests {
        self.estimator.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        self.estimator.notify(notice, view);
    }

    /// The remaining latency of a job does not change while it waits.
    fn floor(&self, key: Self::Key, _elapsed: Duration) -> Option<Self::Key> {
        Some(key)
    }

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        Score(self.estimator.remaining_s(view, job))
    }

    fn staying_key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some(self.key(view, truth, job))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(Sjf { estimator: Estimator::read(parameters) }, parameters)
}

#[cfg(test)]
mod tests {
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::job::Progress;
    use crate::policies::check;

    #[test]
    fn the_least_rest_in_the_mean_comes_first() {
        let sketches = [
            TaskSketch::new("a", &[&[2, 10], &[1, 1]]),
            TaskSketch::new("b", &[&[5, 5]]),
            TaskSketch::new("c", &[&[4, 8]]),
        ];
        // Means are 7, 5 and 6; 1 for `a` when its first layer is done.
        for (layer, expected) in [(0, "b0>0 c0>1"), (1, "a0>0 b0>1")] {
            let mut fixture = Fixture::new(&sketches).unwrap();
            let first = fixture.ready(0, 0, 100);
            fixture.change(first, |job| job.progress = Progress::at(layer));
            fixture.ready(1, 0, 100);
            fixture.ready(2, 0, 1);
            check(&fixture, "sjf", "", expected);
        }
    }

    #[test]
    fn a_running_job_counts_as_what_it_will_have_left() {
        let sketches = [TaskSketch::new("a", &[&[8], &[2], &[2]]), TaskSketch::new("b", &[&[3]])];
        let mut fixture = Fixture::new(&sketches).unwrap();
        let running = fixture.ready(0, 0, 100);
        fixture.run(running, 0, Extent::Rest);
        fixture.ready(1, 0, 100);
        // 12 us at its start, 4 at the first boundary, 2 at the second.
        fixture.set_now(7);
        check(&fixture, "sjf", "preemption=layer", "preempt 0");
        fixture.set_now(8);
        check(&fixture, "sjf", "preemption=layer", "");
    }
}
