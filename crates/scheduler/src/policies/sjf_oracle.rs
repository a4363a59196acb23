//! Shortest job first on the truth: a bound for what better estimates could bring to [`super::sjf`].
//!
//! Source: as [`super::sjf`]; Dysta (Fan et al., MICRO 2023) bounds its predictor by an oracle in
//! the same way.
//!
//! The length of a job is what will really be left of it, in the mean over all accelerators: layers
//! that it skips, or that stand after its exit, do not count. Where models have neither, it decides
//! as `sjf` does. In a run that hands it no truth it decides by estimates.

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Parameters, Schema};

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

/// The order of real remaining latencies.
#[derive(Clone, Copy, Debug)]
pub struct SjfOracle;

impl Ranking for SjfOracle {
    type Key = Duration;

    fn key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        let Some(truth) = truth else { return view.mean_remaining(job) };
        truth.mean_remaining(job)
    }

    fn staying_key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some(self.key(view, truth, job))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(SjfOracle, parameters)
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;

    #[test]
    fn layers_after_the_exit_do_not_count() {
        let sketches =
            [TaskSketch::new("exits", &[&[2], &[9]]).exit(0, 0.001), TaskSketch::new("plain", &[&[5]])];
        let mut fixture = Fixture::new(&sketches).unwrap();
        let exits = fixture.ready(0, 0, 100);
        fixture.ready(1, 0, 100);
        fixture.change_hidden(exits, |hidden| hidden.end = 2);
        check(&fixture, "sjf-oracle", "", "plain0>0");
        fixture.change_hidden(exits, |hidden| hidden.end = 1);
        check(&fixture, "sjf-oracle", "", "exits0>0");
        check(&fixture, "sjf", "", "plain0>0");
    }

    #[test]
    fn without_dynamics_it_decides_as_sjf() {
        let sketches = [
            TaskSketch::new("a", &[&[2, 9], &[1, 1]]),
            TaskSketch::new("b", &[&[5, 5]]),
            TaskSketch::new("c", &[&[4, 7]]),
        ];
        let mut fixture = Fixture::new(&sketches).unwrap();
        for task in [2, 0, 1] {
            fixture.ready(task, 0, 100);
        }
        // Means are 6.5, 5 and 5.5: the last two are not equal in picoseconds.
        check(&fixture, "sjf", "", "b0>0 c0>1");
        check(&fixture, "sjf-oracle", "", "b0>0 c0>1");
    }
}
