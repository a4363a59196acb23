//! MapScore: one number for a job on an accelerator.
//!
//! Source: Kim et al., *DREAM: A Dynamic Scheduler for Dynamic Real-time Multi-model ML Workloads*, ASPLOS
//! 2023 (arXiv 2212.03414):
//!
//! ```text
//! MapScore(job, a) = Urgency LatPref(a) + alpha Starvation + beta (EnergyPref(a) - SwitchCost(a))
//!
//! Urgency       = ToGo / (deadline - now)
//! ToGo          = sum over remaining layers of the latency in the mean over accelerators
//! LatPref(a)    = sum over accelerators of the next layer's latency / its latency on a
//! Starvation    = (now - last ran) / unit, the mean latency of the next layer
//! EnergyPref(a) = sum over accelerators of the next layer's energy / its energy on a
//! SwitchCost(a) = energy of turning a to the job's model / energy of the next layer on a
//! ```
//!
//! Choices that the publication is not known to make are parameters: whether urgency has a cap, what it is of a late
//! job, whether ToGo is the mean or the least, and the unit of starvation. Each term can be taken away: `latency_preference = false`
//! makes LatPref 1, `alpha = 0` and `beta = 0` do the same to theirs, `switch_cost = false` to the last one.
//!
//! A layer that takes no energy on an accelerator, such as one that only renames its input, has no energy term
//! there: nothing could be divided by it.
//!
//! A score takes constant time: whatever does not depend on the clock is in tables.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::parameters::{Choice, Declared, Parameters, Real, Switch};
use rtmm_workload::{ModelId, Time};

use crate::estimator::{Estimator, seconds};
use crate::job::{Job, Progress};
use crate::parts::tournament::Span;
use crate::profile::LayerRow;
use crate::terms::{self, LateUrgency};
use crate::view::View;

/// The largest weight or cap.
const LARGEST: f64 = 1e6;

/// The remaining latency of a job, for its urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToGo {
    /// In the mean over accelerators.
    Mean,
    /// With each layer where it is fastest.
    Least,
}

/// The unit in which the time since a job ran counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StarvationUnit {
    /// The latency of its next layer, in the mean over accelerators: a long wait by short layers outweighs all other terms.
    NextLayer,
    /// Its remaining latency, as urgency has it.
    ToGo,
    /// All of its model by itself, in the mean over accelerators.
    Isolated,
    /// The time from its arrival to its deadline.
    Deadline,
}

/// Weights of starvation and energy beside urgency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Of starvation.
    pub alpha: f64,
    /// Of energy.
    pub beta: f64,
}

/// The score with its parameters.
#[derive(Clone, Debug)]
pub struct MapScore {
    /// The weights of its terms.
    pub weights: Weights,
    /// The most that urgency can be.
    pub urgency_cap: f64,
    /// The urgency of a late job.
    pub late_urgency: LateUrgency,
    /// The measure of a job's remaining latency.
    pub to_go: ToGo,
    /// The unit of starvation.
    pub starvation_unit: StarvationUnit,
    /// True if urgency counts by how well an accelerator suits the next layer.
    pub latency_preference: bool,
    /// True if energy counts the context switch.
    pub switch_cost: bool,
    /// The knowledge that expectations of jobs rest on.
    pub estimator: Estimator,
}

/// The terms of a job's scores that depend neither on the clock nor on an accelerator while the job waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapScoreTerms {
    /// Of the job, to know it again in its slot.
    generation: u32,
    model: ModelId,
    progress: Progress,
    /// Where the next layer stands in the tables of the profile.
    row: LayerRow,
    to_go_s: f64,
    /// The unit of starvation.
    unit_s: f64,
    /// The least and the greatest preference by latency, and the greatest by energy.
    least_suited: f64,
    best_suited: f64,
    best_energy: f64,
}

impl MapScoreTerms {
    /// True if it is that of a job where it is now.
    #[must_use]
    pub fn is_of(&self, job: &Job) -> bool {
        self.generation == job.id.generation() && self.progress == job.progress && self.model == job.model
    }
}

/// The terms of several jobs, as far as they bound their scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapScoreSpan {
    /// The first and the last.
    deadlines: [Time; 2],
    /// The earliest.
    last_ran: Time,
    /// The least and the greatest.
    to_go_s: [f64; 2],
    /// The least.
    unit_s: f64,
    least_suited: f64,
    best_suited: f64,
    best_energy: f64,
}

impl MapScoreSpan {
    /// The terms of one job.
    #[must_use]
    pub fn of(job: &Job, terms: &MapScoreTerms) -> Self {
        Self {
            deadlines: [job.deadline; 2],
            last_ran: job.last_ran,
            to_go_s: [terms.to_go_s; 2],
            unit_s: terms.unit_s,
            least_suited: terms.least_suited,
            best_suited: terms.best_suited,
            best_energy: terms.best_energy,
        }
    }
}

impl Span for MapScoreSpan {
    fn join(self, other: Self) -> Self {
        let [first, last] = self.deadlines;
        let [least, greatest] = self.to_go_s;
        Self {
            deadlines: [first.min(other.deadlines[0]), last.max(other.deadlines[1])],
            last_ran: self.last_ran.min(other.last_ran),
            to_go_s: [least.min(other.to_go_s[0]), greatest.max(other.to_go_s[1])],
            unit_s: self.unit_s.min(other.unit_s),
            least_suited: self.least_suited.min(other.least_suited),
            best_suited: self.best_suited.max(other.best_suited),
            best_energy: self.best_energy.max(other.best_energy),
        }
    }
}

/// The terms of a job's score that are the same on every accelerator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Common {
    urgency: f64,
    /// Weighed.
    starvation: f64,
}

impl MapScore {
    /// `alpha`.
    const ALPHA: Real =
        Real::new("alpha", "weight of starvation (fairness) against urgency", 1.0, 0.0..=LARGEST);

    /// `beta`.
    const BETA: Real =
        Real::new("beta", "weight of energy preference less switch cost against urgency", 1.0, 0.0..=LARGEST);

    /// `urgency_cap`.
    const URGENCY_CAP: Real = Real::new("urgency_cap", "the most that urgency can be", 1.0, 0.0..=LARGEST);

    /// `late_urgency`.
    const LATE_URGENCY: Choice<LateUrgency> = Choice::new(
        "late_urgency",
        "urgency of a late job: the quotient, below zero; none; or the cap",
        LateUrgency::Negative,
        &[
            ("negative", LateUrgency::Negative),
            ("zero", LateUrgency::Zero),
            ("greatest", LateUrgency::Greatest),
        ],
    );

    /// `to_go`.
    const TO_GO: Choice<ToGo> = Choice::new(
        "to_go",
        "what is left of a job: in the mean over accelerators, or each layer where it is fastest",
        ToGo::Mean,
        &[("mean", ToGo::Mean), ("least", ToGo::Least)],
    );

    /// `starvation_unit`.
    const STARVATION_UNIT: Choice<StarvationUnit> = Choice::new(
        "starvation_unit",
        "unit of the time since a job ran: its next layer, what is left of it, all of its model, or its deadline",
        StarvationUnit::NextLayer,
        &[
            ("next-layer", StarvationUnit::NextLayer),
            ("to-go", StarvationUnit::ToGo),
            ("isolated", StarvationUnit::Isolated),
            ("deadline", StarvationUnit::Deadline),
        ],
    );

    /// `latency_preference`.
    const LATENCY_PREFERENCE: Switch = Switch::new(
        "latency_preference",
        "whether urgency counts by how well an accelerator suits the next layer",
        true,
    );

    /// `switch_cost`.
    const SWITCH_COST: Switch =
        Switch::new("switch_cost", "whether the energy of a context switch counts", true);

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[
        &Self::ALPHA,
        &Self::BETA,
        &Self::URGENCY_CAP,
        &Self::LATE_URGENCY,
        &Self::TO_GO,
        &Self::STARVATION_UNIT,
        &Self::LATENCY_PREFERENCE,
        &Self::SWITCH_COST,
    ];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters, estimator: Estimator) -> Self {
        Self {
            weights: Weights { alpha: parameters.read(&Self::ALPHA), beta: parameters.read(&Self::BETA) },
            urgency_cap: parameters.read(&Self::URGENCY_CAP),
            late_urgency: parameters.read(&Self::LATE_URGENCY),
            to_go: parameters.read(&Self::TO_GO),
            starvation_unit: parameters.read(&Self::STARVATION_UNIT),
            latency_preference: parameters.read(&Self::LATENCY_PREFERENCE),
            switch_cost: parameters.read(&Self::SWITCH_COST),
            estimator,
        }
    }

    /// The terms of a job's scores that stay until it runs again.
    #[must_use]
    pub fn terms(&self, view: &View<'_>, job: &Job) -> MapScoreTerms {
        let Job { model, progress, .. } = *job;
        let row = view.profile.row(model, progress.layer);
        let preferences = || view.profile.classes().map(|class| view.profile.preference_in(row, class));
        let suits = || preferences().map(|one| if self.latency_preference { one.latency } else { 1.0 });
        let to_go_s = match self.to_go {
            ToGo::Mean => self.estimator.remaining_s(view, job),
            ToGo::Least => seconds(view.profile.fastest_remaining(model, progress)),
        };
        MapScoreTerms {
            generation: job.id.generation(),
            model,
            progress,
            row,
            least_suited: suits().fold(f64::INFINITY, f64::min),
            best_suited: suits().fold(f64::NEG_INFINITY, f64::max),
            best_energy: preferences()
                .filter(|one| one.layer_pj > 0.0)
                .map(|one| one.energy)
                .fold(0.0, f64::max),
            to_go_s,
            unit_s: match self.starvation_unit {
                StarvationUnit::NextLayer => self.estimator.next_layer_s(view, job),
                StarvationUnit::ToGo => to_go_s,
                StarvationUnit::Isolated => self.estimator.isolated_s(view, job),
                StarvationUnit::Deadline => seconds(job.deadline.saturating_since(job.arrival)),
            },
        }
    }

    /// The part of a job's scores that all accelerators share, now.
    #[must_use]
    pub fn common(&self, now: Time, job: &Job, terms: &MapScoreTerms) -> Common {
        let left_s = terms::time_left_s(job.deadline, now);
        let waited_s = seconds(now.saturating_since(job.last_ran));
        let starvation = terms::starvation(waited_s, terms.unit_s);
        Common {
            urgency: terms::urgency(terms.to_go_s, left_s, self.urgency_cap, self.late_urgency),
            starvation: weighed(self.weights.alpha, starvation),
        }
    }

    /// The most that the score of any job of a span can be on any accelerator, now.
    ///
    /// Each operation is that of the score on operands that are no less, so that the score as it is rounded
    /// never exceeds the bound as it is rounded.
    #[must_use]
    pub fn bound(&self, now: Time, span: &MapScoreSpan) -> f64 {
        let [first, last] = span.deadlines.map(|deadline| terms::time_left_s(deadline, now));
        let [least, greatest] = span.to_go_s;
        let urgency =
            terms::greatest_urgency(least..=greatest, first..=last, self.urgency_cap, self.late_urgency);
        let suits = if urgency < 0.0 { span.least_suited } else { span.best_suited };
        let waited_s = seconds(now.saturating_since(span.last_ran));
        let starvation = terms::starvation(waited_s, span.unit_s);
        let score = weighed(urgency, suits) + weighed(self.weights.alpha, starvation);
        if self.weights.beta == 0.0 { score } else { score.max(score + self.weights.beta * span.best_energy) }
    }

    /// The score of a job on an accelerator, if it is not below a floor.
    #[must_use]
    pub fn score_from(
        &self,
        view: &View<'_>,
        terms: &MapScoreTerms,
        common: Common,
        accelerator: AcceleratorId,
        floor: Option<f64>,
    ) -> Option<f64> {
        let is_above = |score: f64| floor.is_none_or(|floor| score >= floor);
        let MapScoreTerms { model, progress: Progress { layer, .. }, row, .. } = *terms;
        let preference = view.profile.preference_in(row, view.profile.whole(accelerator));
        let suits = if self.latency_preference { preference.latency } else { 1.0 };
        let score = weighed(common.urgency, suits) + common.starvation;
        let beta = self.weights.beta;
        if beta == 0.0 || preference.layer_pj == 0.0 {
            return is_above(score).then_some(score);
        }
        let without_switch = score + beta * preference.energy;
        if !self.switch_cost {
            return is_above(without_switch).then_some(without_switch);
        }
        // A switch only takes away: what does not reach the floor without it, need not ask for it.
        if !is_above(without_switch) {
            return None;
        }
        let switch_pj = view.switch_energy(model, layer, accelerator).picojoules();
        let score = score + beta * (preference.energy - terms::switch_cost(switch_pj, preference.layer_pj));
        is_above(score).then_some(score)
    }

    /// The score of a job on an accelerator.
    #[must_use]
    pub fn score(&self, view: &View<'_>, job: &Job, accelerator: AcceleratorId) -> f64 {
        let terms = self.terms(view, job);
        let common = self.common(view.now, job, &terms);
        self.score_from(view, &terms, common, accelerator, None).unwrap_or(f64::NEG_INFINITY)
    }
}

/// A term with its weight: nothing where either is 0, whatever the other.
fn weighed(weight: f64, term: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { weight * term }
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::ContextSwitch;

    use rtmm_workload::parameters::Schema;

    use super::*;
    use crate::estimator::Predictor;
    use crate::expectations::Knowledge;
    use crate::fixture::{Fixture, TaskSketch};

    fn map_score(settings: &str) -> MapScore {
        let mut parameters = Parameters::defaults(&Schema::of(&[MapScore::PARAMETERS]));
        for setting in settings.split_whitespace() {
            let (key, value) = setting.split_once('=').unwrap();
            parameters.set_text(key, value).unwrap();
        }
        MapScore::read(&parameters, Estimator::new(Knowledge::Pattern, Predictor::None, 1))
    }

    /// Three jobs at 4 us on two accelerators. Turning to another model takes 10 pJ; the first accelerator
    /// ran `b` last, the second none.
    fn three_jobs(deadlines_us: [u64; 3]) -> Fixture {
        let tasks = [
            TaskSketch::new("a", &[&[2, 6], &[4, 4]]).energy_pj(&[&[30.0, 10.0], &[20.0, 20.0]]),
            TaskSketch::new("b", &[&[8, 8]]).energy_pj(&[&[10.0, 30.0]]),
            TaskSketch::new("c", &[&[3, 1], &[1, 1]]).energy_pj(&[&[5.0, 20.0], &[1.0, 1.0]]),
        ];
        let mut fixture =
            Fixture::switching(&tasks, ContextSwitch { energy_pj: 10.0, ..ContextSwitch::default() })
                .unwrap();
        for (task, (arrival_us, deadline_us)) in [0, 0, 2].into_iter().zip(deadlines_us).enumerate() {
            fixture.ready(task, arrival_us, deadline_us);
        }
        fixture.set_now(4);
        fixture.set_last_model(0, 1);
        fixture
    }

    /// Holds the scores of `a`, `b` and `c` on both accelerators to what is expected.
    #[track_caller]
    fn check(fixture: &Fixture, settings: &str, expected: [[f64; 2]; 3]) {
        let score = map_score(settings);
        let view = fixture.view();
        for (job, expected) in view.ready().zip(expected) {
            let on = |index| score.score(&view, job, AcceleratorId::new(index));
            let found = [on(0), on(1)];
            let is_near = |(found, expected): (&f64, &f64)| (found - expected).abs() < 1e-12;
            assert!(found.iter().zip(&expected).all(is_near), "{settings}: {found:?}, not {expected:?}");
        }
    }

    #[test]
    fn urgency_is_what_is_left_over_the_time_left() {
        // Left of a: (2 + 6) / 2 + 4 = 8, and 24 to its deadline; of b 8 and 36; of c 2 + 1 = 3 and 4.
        let fixture = three_jobs([28, 40, 8]);
        let alone = "alpha=0 beta=0 latency_preference=false";
        check(&fixture, alone, [[1.0 / 3.0; 2], [2.0 / 9.0; 2], [0.75; 2]]);
        // Where each layer is fastest: a has 2 + 4 = 6, b 8, c 1 + 1 = 2.
        check(&fixture, &format!("{alone} to_go=least"), [[0.25; 2], [2.0 / 9.0; 2], [0.5; 2]]);
        // No more than the cap.
        check(&fixture, &format!("{alone} urgency_cap=0.25"), [[0.25; 2], [2.0 / 9.0; 2], [0.25; 2]]);
        check(&fixture, &format!("{alone} urgency_cap=0"), [[0.0; 2]; 3]);
        // c has 1 left for its 3: 1 is the cap by default.
        let tight = three_jobs([28, 40, 5]);
        check(&tight, alone, [[1.0 / 3.0; 2], [2.0 / 9.0; 2], [1.0; 2]]);
        check(&tight, &format!("{alone} urgency_cap=8"), [[1.0 / 3.0; 2], [2.0 / 9.0; 2], [3.0; 2]]);
    }

    #[test]
    fn late_jobs_have_an_urgency_below_zero_or_none_or_the_greatest() {
        // a is 2 late, b is due now, c 1 late: 8 / -2, 8 / 0 and 3 / -1.
        let fixture = three_jobs([2, 4, 3]);
        for (late, expected) in [
            ("negative urgency_cap=5", [[-4.0; 2], [5.0; 2], [-3.0; 2]]),
            ("zero urgency_cap=5", [[0.0; 2]; 3]),
            ("greatest urgency_cap=5", [[5.0; 2]; 3]),
        ] {
            let settings = format!("alpha=0 beta=0 latency_preference=false late_urgency={late}");
            check(&fixture, &settings, expected);
        }
        // Below zero, what suits an accelerator well is the least there: a has 8/2 and 8/6, c 4/3 and 4/1.
        let settings = "alpha=0 beta=0 urgency_cap=5 late_urgency=negative";
        check(&fixture, settings, [[-16.0, -16.0 / 3.0], [10.0; 2], [-4.0, -12.0]]);
    }

    #[test]
    fn latency_preference_is_the_sum_over_accelerators_over_one_of_them() {
        // The next layer of a takes 2 and 6: 8/2 and 8/6; of b 8 and 8: 2; of c 3 and 1: 4/3 and 4.
        let fixture = three_jobs([28, 40, 8]);
        let expected = [[4.0 / 3.0, 4.0 / 9.0], [4.0 / 9.0; 2], [1.0, 3.0]];
        check(&fixture, "alpha=0 beta=0", expected);
        // It multiplies the capped urgency.
        check(
            &fixture,
            "alpha=0 beta=0 urgency_cap=0.25",
            [[1.0, 1.0 / 3.0], [4.0 / 9.0; 2], [1.0 / 3.0, 1.0]],
        );
    }

    #[test]
    fn starvation_is_the_time_since_a_job_ran_in_latencies_of_its_next_layer() {
        // a and b have waited 4, c 2: 4/4, 4/8 and 2/2.
        let mut fixture = three_jobs([28, 40, 90]);
        let alone = "beta=0 urgency_cap=0";
        check(&fixture, alone, [[1.0; 2], [0.5; 2], [1.0; 2]]);
        check(&fixture, &format!("{alone} alpha=0.5"), [[0.5; 2], [0.25; 2], [0.5; 2]]);
        check(&fixture, &format!("{alone} alpha=0"), [[0.0; 2]; 3]);
        // It runs now and is ready again at 6, before its second layer, which takes 4 on either.
        let job = fixture.view().ready().next().unwrap().id;
        fixture.run(job, 0, crate::decision::Extent::LAYER);
        fixture.set_now(6);
        fixture.stop(0, 1);
        fixture.set_now(9);
        check(&fixture, alone, [[3.0 / 4.0; 2], [9.0 / 8.0; 2], [7.0 / 2.0; 2]]);
        // It grows beyond every bound.
        fixture.set_now(4_000_006);
        let view = fixture.view();
        let (score, job) = (map_score(alone), view.ready().next().unwrap());
        assert!(score.score(&view, job, AcceleratorId::new(1)) > 999_000.0);
    }

    #[test]
    fn starvation_counts_in_other_units() {
        // a and b have waited 4, c 2. Left of a: 8, of b 8, of c 3, and nothing has begun; deadlines are 28, 40 and 88 long.
        let mut fixture = three_jobs([28, 40, 90]);
        let alone = "beta=0 urgency_cap=0";
        check(&fixture, &format!("{alone} starvation_unit=to-go"), [[0.5; 2], [0.5; 2], [2.0 / 3.0; 2]]);
        let least = [[2.0 / 3.0; 2], [0.5; 2], [1.0; 2]];
        check(&fixture, &format!("{alone} starvation_unit=to-go to_go=least"), least);
        let isolated = [[0.5; 2], [0.5; 2], [2.0 / 3.0; 2]];
        check(&fixture, &format!("{alone} starvation_unit=isolated"), isolated);
        check(&fixture, &format!("{alone} starvation_unit=isolated to_go=least"), isolated);
        let by_deadline = [[1.0 / 7.0; 2], [0.1; 2], [1.0 / 44.0; 2]];
        check(&fixture, &format!("{alone} starvation_unit=deadline"), by_deadline);
        // After the first layer of a, 4 of its 8 are left; it ran until 6.
        let job = fixture.view().ready().next().unwrap().id;
        fixture.run(job, 0, crate::decision::Extent::LAYER);
        fixture.set_now(6);
        fixture.stop(0, 1);
        fixture.set_now(9);
        let left = [[3.0 / 4.0; 2], [9.0 / 8.0; 2], [7.0 / 3.0; 2]];
        check(&fixture, &format!("{alone} starvation_unit=to-go"), left);
        let whole = [[3.0 / 8.0; 2], [9.0 / 8.0; 2], [7.0 / 3.0; 2]];
        check(&fixture, &format!("{alone} starvation_unit=isolated"), whole);
    }

    #[test]
    fn energy_preference_is_less_by_the_switch_cost() {
        // a takes 30 and 10 pJ: 40/30 and 40/10; b 10 and 30: 4 and 4/3; c 5 and 20: 5 and 5/4.
        let mut fixture = three_jobs([28, 40, 8]);
        let alone = "alpha=0 urgency_cap=0";
        let preferences = [[4.0 / 3.0, 4.0], [4.0, 4.0 / 3.0], [5.0, 1.25]];
        check(&fixture, &format!("{alone} switch_cost=false"), preferences);
        // On the first accelerator all but b turn it: 10/30 of a, 10/5 of c.
        check(&fixture, alone, [[1.0, 4.0], [4.0, 4.0 / 3.0], [3.0, 1.25]]);
        check(&fixture, &format!("{alone} beta=0.5"), [[0.5, 2.0], [2.0, 2.0 / 3.0], [1.5, 0.625]]);
        check(&fixture, &format!("{alone} beta=0"), [[0.0; 2]; 3]);
        // The second one ran c last: 10/10 of a, 10/30 of b.
        fixture.set_last_model(1, 2);
        check(&fixture, alone, [[1.0, 3.0], [4.0, 1.0], [3.0, 1.25]]);
    }

    #[test]
    fn the_score_is_the_sum_of_its_terms_by_their_weights() {
        let fixture = three_jobs([28, 40, 8]);
        // a: 4/3 + 1 + 1 and 4/9 + 1 + 4; b: 4/9 + 1/2 + 4 and 4/9 + 1/2 + 4/3; c: 1 + 1 + 3 and 3 + 1 + 5/4.
        let all = [[10.0 / 3.0, 49.0 / 9.0], [89.0 / 18.0, 41.0 / 18.0], [5.0, 5.25]];
        check(&fixture, "", all);
        // a: 4/3 + 2 + 1/2 and 4/9 + 2 + 2; b: 4/9 + 1 + 2 and 4/9 + 1 + 2/3; c: 1 + 2 + 3/2 and 3 + 2 + 5/8.
        let weighed = [[23.0 / 6.0, 40.0 / 9.0], [31.0 / 9.0, 19.0 / 9.0], [4.5, 5.625]];
        check(&fixture, "alpha=2 beta=0.5", weighed);
    }
}
