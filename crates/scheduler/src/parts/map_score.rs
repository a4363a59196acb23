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
//! Starvation    = (now - last ran) / mean latency of the next layer
//! EnergyPref(a) = sum over accelerators of the next layer's energy / its energy on a
//! SwitchCost(a) = energy of turning a to the job's model / energy of the next layer on a
//! ```
//!
//! What the publication is not known to say is a parameter: whether urgency has a cap, what it is of a late
//! job, and whether ToGo is the mean or the least. Each term can be taken away: `latency_preference = false`
//! makes LatPref 1, `alpha = 0` and `beta = 0` do the same to theirs, `switch_cost = false` to the last one.
//!
//! A score takes constant time: whatever does not depend on the clock is in tables.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::{ModelId, Time};

use crate::estimator::{Estimator, seconds};
use crate::job::{Job, Progress};
use crate::parameters::{Allowed, Parameter, ParameterError, ParameterValue, Parameters};
use crate::terms::{self, LateUrgency};
use crate::view::View;

/// The largest weight or cap.
const LARGEST: f64 = 1e6;

/// What is left of a job, for its urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToGo {
    /// In the mean over accelerators.
    Mean,
    /// With each layer where it is fastest.
    Least,
}

/// How much starvation and energy count beside urgency.
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
    /// How much its terms count.
    pub weights: Weights,
    /// The most that urgency can be.
    pub urgency_cap: f64,
    /// What urgency is of a late job.
    pub late_urgency: LateUrgency,
    /// What is left of a job.
    pub to_go: ToGo,
    /// Whether urgency counts by how well an accelerator suits the next layer.
    pub latency_preference: bool,
    /// Whether energy counts the context switch.
    pub switch_cost: bool,
    /// What is expected of jobs.
    pub estimator: Estimator,
}

/// What of a job's scores depends neither on the clock nor on an accelerator, as long as the job waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Of the job, to know it again in its slot.
    generation: u32,
    model: ModelId,
    layer: u32,
    /// Where the next layer stands in the tables of the profile.
    cell: usize,
    to_go_s: f64,
    next_layer_s: f64,
}

impl Standing {
    /// Whether it is that of a job where it is now.
    #[must_use]
    pub fn is_of(&self, job: &Job) -> bool {
        self.generation == job.id.generation() && self.layer == job.progress.layer && self.model == job.model
    }
}

/// What the score of a job is on every accelerator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Common {
    urgency: f64,
    /// Weighed.
    starvation: f64,
}

impl MapScore {
    /// `alpha`, with the default of a policy.
    #[must_use]
    pub const fn alpha(default: f64) -> Parameter {
        let meaning = "weight of starvation (fairness) against urgency";
        let default = ParameterValue::Real(default);
        Parameter { name: "alpha", meaning, default, allowed: Allowed::Real(0.0, LARGEST) }
    }

    /// `beta`, with the default of a policy.
    #[must_use]
    pub const fn beta(default: f64) -> Parameter {
        let meaning = "weight of energy preference less switch cost against urgency";
        let default = ParameterValue::Real(default);
        Parameter { name: "beta", meaning, default, allowed: Allowed::Real(0.0, LARGEST) }
    }

    /// `urgency_cap`.
    pub const URGENCY_CAP: Parameter = Parameter {
        name: "urgency_cap",
        meaning: "the most that urgency can be",
        default: ParameterValue::Real(1.0),
        allowed: Allowed::Real(0.0, LARGEST),
    };

    /// `late_urgency`.
    pub const LATE_URGENCY: Parameter = super::word(
        "late_urgency",
        "urgency of a late job: the quotient, below zero; none; or the cap",
        "negative",
        &["negative", "zero", "greatest"],
    );

    /// `to_go`.
    pub const TO_GO: Parameter = super::word(
        "to_go",
        "what is left of a job: in the mean over accelerators, or each layer where it is fastest",
        "mean",
        &["mean", "least"],
    );

    /// `latency_preference`.
    pub const LATENCY_PREFERENCE: Parameter = Parameter {
        name: "latency_preference",
        meaning: "whether urgency counts by how well an accelerator suits the next layer",
        default: ParameterValue::Boolean(true),
        allowed: Allowed::Boolean,
    };

    /// `switch_cost`, with the default of a policy.
    #[must_use]
    pub const fn switch_cost(default: bool) -> Parameter {
        let meaning = "whether the energy of a context switch counts";
        let default = ParameterValue::Boolean(default);
        Parameter { name: "switch_cost", meaning, default, allowed: Allowed::Boolean }
    }

    /// Reads its parameters.
    ///
    /// # Errors
    /// [`ParameterError`] where one is missing.
    pub fn read(parameters: &Parameters, estimator: Estimator) -> Result<Self, ParameterError> {
        let late = [
            ("negative", LateUrgency::Negative),
            ("zero", LateUrgency::Zero),
            ("greatest", LateUrgency::Greatest),
        ];
        Ok(Self {
            weights: Weights { alpha: parameters.real("alpha")?, beta: parameters.real("beta")? },
            urgency_cap: parameters.real("urgency_cap")?,
            late_urgency: parameters.meaning("late_urgency", &late)?,
            to_go: parameters.meaning("to_go", &[("mean", ToGo::Mean), ("least", ToGo::Least)])?,
            latency_preference: parameters.boolean("latency_preference")?,
            switch_cost: parameters.boolean("switch_cost")?,
            estimator,
        })
    }

    /// What of a job's scores stays until it runs again.
    #[must_use]
    pub fn standing(&self, view: &View<'_>, job: &Job) -> Standing {
        let Job { model, progress: Progress { layer, .. }, .. } = *job;
        Standing {
            generation: job.id.generation(),
            model,
            layer,
            cell: view.profile.cell(model, layer, 0),
            to_go_s: match self.to_go {
                ToGo::Mean => self.estimator.remaining_s(view, job),
                ToGo::Least => seconds(view.profile.fastest_remaining(model, layer)),
            },
            next_layer_s: self.estimator.next_layer_s(view, job),
        }
    }

    /// The part of a job's scores that all accelerators share, now.
    #[must_use]
    pub fn common(&self, now: Time, job: &Job, standing: &Standing) -> Common {
        let left_s = terms::time_left_s(job.deadline, now);
        let waited_s = seconds(now.saturating_since(job.last_ran));
        let starvation = terms::starvation(waited_s, standing.next_layer_s);
        Common {
            urgency: terms::urgency(standing.to_go_s, left_s, self.urgency_cap, self.late_urgency),
            starvation: weighed(self.weights.alpha, starvation),
        }
    }

    /// The score of a job on an accelerator, if it is above another one.
    #[must_use]
    pub fn score_above(
        &self,
        view: &View<'_>,
        standing: &Standing,
        common: Common,
        accelerator: AcceleratorId,
        other: Option<f64>,
    ) -> Option<f64> {
        let is_above = |score: f64| other.is_none_or(|other| score > other);
        let Standing { model, layer, cell, .. } = *standing;
        let preference = view.profile.preference_at(cell + view.profile.column(accelerator));
        let suits = if self.latency_preference { preference.latency } else { 1.0 };
        let score = weighed(common.urgency, suits) + common.starvation;
        let beta = self.weights.beta;
        if beta == 0.0 {
            return is_above(score).then_some(score);
        }
        let without_switch = score + beta * preference.energy;
        if !self.switch_cost {
            return is_above(without_switch).then_some(without_switch);
        }
        // A switch only takes away: what does not reach the other one without it, need not ask for it.
        if !is_above(without_switch) {
            return None;
        }
        let switch_pj = view.switch_energy_pj(model, layer, accelerator);
        let score = score + beta * (preference.energy - terms::switch_cost(switch_pj, preference.layer_pj));
        is_above(score).then_some(score)
    }

    /// The score of a job on an accelerator.
    #[must_use]
    pub fn score(&self, view: &View<'_>, job: &Job, accelerator: AcceleratorId) -> f64 {
        let standing = self.standing(view, job);
        let common = self.common(view.now, job, &standing);
        self.score_above(view, &standing, common, accelerator, None).unwrap_or(f64::NEG_INFINITY)
    }
}

/// A term with its weight: nothing where either is 0, whatever the other.
fn weighed(weight: f64, term: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { weight * term }
}
