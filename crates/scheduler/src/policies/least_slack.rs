//! Least slack first, also called least laxity first.
//!
//! Source: Mok, *Fundamental Design Problems of Distributed Systems for the Hard-Real-Time
//! Environment*, PhD thesis, MIT 1983: the job with the least laxity runs,
//!
//! ```text
//! slack = deadline - now - remaining
//! ```
//!
//! Deviations: `remaining` is an estimate, the expected latency of the rest of the job on the
//! accelerator that is fastest for it, since accelerators are not alike. Slack is looked at when
//! something happens and acted on at layer boundaries, so that two jobs of equal slack do not
//! thrash. Equal slack goes by release.

use rtmm_workload::Time;
use rtmm_workload::parameters::{Parameters, Schema};

use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::Policy;
use crate::terms;
use crate::truth::Truth;
use crate::view::View;

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[])
}

/// The order of slack.
#[derive(Clone, Copy, Debug)]
pub struct LeastSlack;

impl Ranking for LeastSlack {
    /// The last instant at which the job can begin, in picoseconds: of all jobs the slack falls by the time that passes.
    type Key = i128;

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        terms::slack_ps(job.deadline, Time::ZERO, view.least_remaining(job))
    }

    fn staying_key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some(self.key(view, truth, job))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(LeastSlack, parameters)
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::job::Progress;
    use crate::policies::check;

    #[test]
    fn the_least_slack_comes_first() {
        let sketches =
            [TaskSketch::new("long", &[&[30, 20], &[20, 20]]), TaskSketch::new("short", &[&[5, 9]])];
        for (now_us, deadline_us, layer, expected) in [
            // Slack of the long one is 60 - 40 = 20, of the short one its deadline - 5.
            (0, 26, 0, "long0>1:1 short0>0:1"),
            (0, 24, 0, "short0>0:1 long0>1:1"),
            (0, 25, 0, "long0>1:1 short0>0:1"),
            (50, 26, 0, "long0>1:1 short0>0:1"),
            // Half of the long one is done.
            (0, 26, 1, "short0>0:1 long0>1:1"),
        ] {
            let mut fixture = Fixture::new(&sketches).unwrap();
            let long = fixture.ready(0, 0, 60);
            fixture.change(long, |job| job.progress = Progress::at(layer));
            fixture.ready(1, 0, deadline_us);
            fixture.set_now(now_us);
            check(&fixture, "least-slack", "", expected);
        }
    }
}
