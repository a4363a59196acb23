//! SDRM3's urgency and fairness: what DREAM began with, on accelerators that are all alike.
//!
//! Source: Kim et al., *SDRM3: A Dynamic Scheduler for Dynamic Real-time Multi-model ML Workloads*, 2022
//! (arXiv 2212.03414), as Dysta's artifact (Fan et al., MICRO 2023) has it on one accelerator:
//!
//! ```text
//! urgency  = min(1, remaining / (deadline - now))        below zero for a late job
//! fairness = (now - last ran) / next layer
//! score    = urgency + alpha fairness
//! ```
//!
//! The largest score runs. Priorities have no part in it. The sparse variant corrects both estimates by
//! measured sparsity.
//!
//! What differs: preference for accelerators and energy, which the publication has, are no part of this
//! form. Of equal scores the earliest release wins.

use rtmm_workload::Time;

use crate::estimator::{Estimator, seconds};
use crate::job::Job;
use crate::parameters::{Allowed, Parameter, ParameterError, ParameterValue, Parameters};
use crate::parts::{Composed, Ranking, Standing, schema};
use crate::policy::{Interests, Notice, Policy};
use crate::terms::{self, Score};
use crate::truth::Truth;
use crate::view::View;

const ALPHA: Parameter = Parameter {
    name: "alpha",
    meaning: "weight of fairness against urgency",
    default: ParameterValue::Real(1.0),
    allowed: Allowed::Real(0.0, 1e6),
};

/// What can be set.
pub const PARAMETERS: &[Parameter] = schema!(
    granularity: "layer",
    drop: "never",
    ALPHA,
    Estimator::knowledge_parameter("architecture"),
    Estimator::predictor_parameter("none"),
    Estimator::LAST_N
);

/// What can be set of the variant that knows patterns and measures sparsity.
pub const SPARSE_PARAMETERS: &[Parameter] = schema!(
    granularity: "layer",
    drop: "never",
    ALPHA,
    Estimator::knowledge_parameter("pattern"),
    Estimator::predictor_parameter("average-all"),
    Estimator::LAST_N
);

/// The order of urgency and fairness.
#[derive(Clone, Debug)]
pub struct Sdrm3 {
    estimator: Estimator,
    alpha: f64,
}

impl Sdrm3 {
    fn of(&self, view: &View<'_>, job: &Job) -> Standing {
        let remaining_s = self.estimator.remaining_s(view, job);
        let whole_s = self.estimator.next_layer_s(view, job);
        let Job { deadline, last_ran, .. } = *job;
        Standing { deadline, last_ran, weight: self.alpha, remaining_s, whole_s }
    }

    fn score(&self, now: Time, standing: &Standing) -> Score {
        let Standing { deadline, last_ran, weight, remaining_s, whole_s } = *standing;
        let urgency = terms::ratio(remaining_s, terms::time_left_s(deadline, now)).min(1.0);
        let fairness = terms::ratio(seconds(now.saturating_since(last_ran)), whole_s);
        Score(-(urgency + weight * fairness))
    }
}

impl Ranking for Sdrm3 {
    /// The score with its sign changed.
    type Key = Score;

    fn interests(&self) -> Interests {
        self.estimator.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        self.estimator.notify(notice, view);
    }

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        self.score(view.now, &self.of(view, job))
    }

    fn standing(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Option<Standing> {
        Some(self.of(view, job))
    }

    fn key_of(&self, now: Time, standing: &Standing) -> Option<Self::Key> {
        Some(self.score(now, standing))
    }
}

/// The policy with these parameters.
///
/// # Errors
/// [`ParameterError`] where one of [`PARAMETERS`] is missing.
pub fn build(parameters: &Parameters) -> Result<Box<dyn Policy>, ParameterError> {
    let (estimator, alpha) = (Estimator::read(parameters)?, parameters.real("alpha")?);
    Composed::boxed(Sdrm3 { estimator, alpha }, parameters)
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;

    #[test]
    fn urgency_and_fairness_add_up() {
        let sketches = [TaskSketch::new("a", &[&[10], &[10]]), TaskSketch::new("b", &[&[40]])];
        for (now_us, deadline_a, deadline_b, alpha, expected) in [
            // 20 / 100 and 40 / 100.
            (0, 100, 100, "alpha=1", "b0>0:1"),
            // 20 / 30 and 40 / 100; nobody has waited.
            (0, 30, 100, "alpha=1", "a0>0:1"),
            // 20 / 80 + 20 / 10 and 40 / 80 + 20 / 40.
            (20, 100, 100, "alpha=1", "a0>0:1"),
            (20, 100, 100, "alpha=0", "b0>0:1"),
            // Both urgencies are capped at 1: the first one wins.
            (0, 10, 10, "alpha=0", "a0>0:1"),
            // A late job has an urgency below zero: -20 / 5 against 40 / 100.
            (15, 10, 115, "alpha=0", "b0>0:1"),
        ] {
            let mut fixture = Fixture::new(&sketches).unwrap();
            fixture.ready(0, 0, deadline_a);
            fixture.ready(1, 0, deadline_b);
            fixture.set_now(now_us);
            check(&fixture, "sdrm3", alpha, expected);
        }
    }
}
