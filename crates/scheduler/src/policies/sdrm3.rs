//! SDRM3, DREAM's first version: MapScore without drops.
//!
//! Source: Kim et al., *SDRM3: A Dynamic Scheduler for Dynamic Real-time Multi-model ML Workloads*, 2022
//! (arXiv 2212.03414, first version), and on one accelerator Dysta's artifact (Fan et al., MICRO 2023):
//!
//! ```text
//! score = urgency LatPref + alpha fairness + beta EnergyPref          MapScore of DREAM without switch cost
//!
//! urgency  = min(1, remaining / (deadline - now))        below zero for a late job
//! fairness = (now - last ran) / next layer
//! ```
//!
//! The largest score runs. Priorities have no part in it. On one accelerator preferences are 1 for every job
//! and are left out: what is left is the artifact's form. The sparse variant corrects estimates by measured
//! sparsity.
//!
//! Deviations: the publication's switching of supernets and its search of alpha and beta are parameters
//! that are off (`variants`; `dream-adaptive` searches). Of equal scores the earliest release wins.

use rtmm_workload::parameters::{Parameters, Schema};
use rtmm_workload::{Duration, Time};

use crate::decision::Decisions;
use crate::estimator::{Estimator, seconds};
use crate::job::Job;
use crate::parts::{
    Composed, CountSwitches, MapScore, Mapped, MappedParts, Parts, Placement, PlacementRule, PreemptionRule,
    Ranking, ScoreTerms, SerialTasks, StarvationUnit, TermsSpan, ToGo, UnitRule,
};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::terms::{self, LateUrgency, Score};
use crate::truth::Truth;
use crate::view::View;

/// Defaults that differ from those of DREAM's MapScore.
pub const DEFAULTS: &[(&str, &str)] = &[("switch_cost", "false")];

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    MappedParts::schema(&[Estimator::PARAMETERS])
}

/// The score where there is but one accelerator, as an order of jobs: its terms are remembered.
#[derive(Clone, Debug)]
struct OnOneAccelerator {
    estimator: Estimator,
    alpha: f64,
    urgency_cap: f64,
    late_urgency: LateUrgency,
}

impl OnOneAccelerator {
    fn of(&self, view: &View<'_>, job: &Job) -> ScoreTerms {
        let remaining_s = self.estimator.remaining_s(view, job);
        let whole_s = self.estimator.next_layer_s(view, job);
        let Job { deadline, last_ran, .. } = *job;
        ScoreTerms { deadline, last_ran, weight: self.alpha, remaining_s, whole_s }
    }

    fn score(&self, now: Time, terms: &ScoreTerms) -> Score {
        let ScoreTerms { deadline, last_ran, weight, remaining_s, whole_s } = *terms;
        let left_s = terms::time_left_s(deadline, now);
        let urgency = terms::urgency(remaining_s, left_s, self.urgency_cap, self.late_urgency);
        let fairness = terms::starvation(seconds(now.saturating_since(last_ran)), whole_s);
        Score(-(urgency + weight * fairness))
    }
}

impl Ranking for OnOneAccelerator {
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

    fn terms(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Option<ScoreTerms> {
        Some(self.of(view, job))
    }

    fn key_of(&self, now: Time, terms: &ScoreTerms) -> Option<Self::Key> {
        Some(self.score(now, terms))
    }

    fn least_key(&self, now: Time, TermsSpan { least, greatest }: &TermsSpan) -> Option<Self::Key> {
        let left = |terms: &ScoreTerms| terms::time_left_s(terms.deadline, now);
        let urgency = terms::greatest_urgency(
            least.remaining_s..=greatest.remaining_s,
            left(least)..=left(greatest),
            self.urgency_cap,
            self.late_urgency,
        );
        let fairness = terms::starvation(seconds(now.saturating_since(least.last_ran)), least.whole_s);
        Some(Score(-(urgency + greatest.weight * fairness)))
    }
}

/// The policy: on one accelerator an order of jobs, elsewhere a score of pairs.
#[derive(Clone, Debug)]
struct Sdrm3 {
    /// None where the score depends on more than the order can say.
    on_one: Option<Composed<OnOneAccelerator>>,
    mapped: Mapped,
}

impl Sdrm3 {
    fn on_one(&mut self, view: &View<'_>) -> Option<&mut Composed<OnOneAccelerator>> {
        self.on_one.as_mut().filter(|_| view.accelerators.len() == 1)
    }
}

impl Policy for Sdrm3 {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        match self.on_one(view) {
            Some(on_one) => on_one.decide(view, truth, out),
            None => self.mapped.decide(view, truth, out),
        }
    }

    fn interests(&self) -> Interests {
        Interests { jobs: true, ..self.mapped.interests() }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        match self.on_one(view) {
            Some(on_one) => on_one.notify(notice, view),
            None => self.mapped.notify(notice, view),
        }
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        self.mapped.decision_time(view)
    }

    fn without_memory(&self) -> Option<Box<dyn Policy>> {
        let on_one = self.on_one.clone().map(Composed::forgetful);
        Some(Box::new(Self { on_one, mapped: self.mapped.clone().forgetful() }))
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    let estimator = Estimator::read(parameters);
    let score = MapScore::read(parameters, estimator.clone());
    let parts = MappedParts::read(parameters);
    let has_order =
        !score.switch_cost && score.to_go == ToGo::Mean && score.starvation_unit == StarvationUnit::NextLayer;
    let on_one = has_order.then(|| {
        let ranking = OnOneAccelerator {
            estimator,
            alpha: score.weights.alpha,
            urgency_cap: score.urgency_cap,
            late_urgency: score.late_urgency,
        };
        let MappedParts { granularity, drop, variants, batching, decision_time, governor, .. } =
            parts.clone();
        let placement = Placement::new(PlacementRule::FirstIdle, CountSwitches::Never);
        let preemption = PreemptionRule::Never;
        Composed::new(
            ranking,
            Parts {
                granularity,
                placement,
                units: UnitRule::All,
                drop,
                variants,
                preemption,
                batching,
                decision_time,
                governor,
                serial: SerialTasks::default(),
            },
        )
    });
    Box::new(Sdrm3 { on_one, mapped: Mapped::new(score, parts, None) })
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
            // 20 / 30 and 40 / 100; no job has waited.
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

    #[test]
    fn preferences_say_who_goes_where() {
        // a: 4 / 2 = 2 on either; b: (2 + 6) / 2 = 4 on the first, 8 / 6 on the second.
        let sketches = [TaskSketch::new("a", &[&[2, 2]]), TaskSketch::new("b", &[&[2, 6]])];
        let mut fixture = Fixture::new(&sketches).unwrap();
        fixture.ready(0, 0, 20);
        fixture.ready(1, 0, 40);
        // Urgencies 2 / 20 and 4 / 40 are alike: a has 0.2 on both, b 0.4 and 0.13.
        check(&fixture, "sdrm3", "alpha=0 beta=0", "b0>0:1 a0>1:1");
        // Without preferences all four scores are 0.1: the earliest release, the first accelerator.
        check(&fixture, "sdrm3", "alpha=0 beta=0 latency_preference=false", "a0>0:1 b0>1:1");
    }
}
