//! Planaria's score alone: the job with the most priority for its slack runs.
//!
//! Source: Ghodrati et al., *Planaria: Dynamic Architecture Fission for Spatial Multi-Tenant
//! Acceleration of Deep Neural Networks*, MICRO 2020, as Dysta's artifact (Fan et al., MICRO 2023) has
//! it on one accelerator:
//!
//! ```text
//! score = priority / (deadline - now)
//! ```
//!
//! Deviations from Planaria: accelerators are not fissioned, which is what the paper is about; only
//! the order in which it serves tasks is here. What differs from the artifact: the largest score always
//! wins, the earliest release among equals, where the artifact takes the last job once all are late.

use rtmm_workload::Time;
use rtmm_workload::parameters::{Parameters, Schema};

use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking, ScoreTerms};
use crate::policy::Policy;
use crate::terms::{self, Score};
use crate::truth::Truth;
use crate::view::View;

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema(&[])
}

/// The order of priority over slack.
#[derive(Clone, Copy, Debug)]
pub struct Planaria;

impl Planaria {
    fn score(self, now: Time, priority: f64, deadline: Time) -> Score {
        Score(-terms::ratio(priority, terms::time_left_s(deadline, now)))
    }
}

impl Ranking for Planaria {
    /// The score with its sign changed.
    type Key = Score;

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        self.score(view.now, f64::from(job.priority), job.deadline)
    }

    fn terms(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Option<ScoreTerms> {
        let Job { deadline, last_ran, priority, .. } = *job;
        Some(ScoreTerms { deadline, last_ran, weight: f64::from(priority), remaining_s: 0.0, whole_s: 0.0 })
    }

    fn key_of(&self, now: Time, terms: &ScoreTerms) -> Option<Self::Key> {
        Some(self.score(now, terms.weight, terms.deadline))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(Planaria, parameters)
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;

    #[test]
    fn priority_weighs_against_slack() {
        let sketches =
            [TaskSketch::new("high", &[&[5]]).priority(9), TaskSketch::new("low", &[&[5]]).priority(1)];
        // 9 / 90 against 1 / 11, 1 / 10 and 1 / 9; then 9 / -10 against 1 / 1 and 1 / -100.
        for (now_us, high_us, low_us, expected) in [
            (0, 90, 11, "high0>0"),
            (0, 90, 10, "high0>0"),
            (0, 90, 9, "low0>0"),
            (100, 90, 101, "low0>0"),
            (100, 90, 100, "low0>0"),
            (200, 190, 100, "low0>0"),
        ] {
            let mut fixture = Fixture::new(&sketches).unwrap();
            fixture.ready(0, 0, high_us);
            fixture.ready(1, 0, low_us);
            fixture.set_now(now_us);
            check(&fixture, "planaria", "granularity=model", expected);
        }
    }
}
