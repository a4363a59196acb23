//! A policy that gives the pair of a job and an accelerator with the greatest score what it asks for.
//!
//! A round says one thing: give a frame up, or dispatch the best pair of a ready job and an idle
//! accelerator; the engine asks until nothing more is said. Of equal scores the earliest release wins, then
//! the accelerator that the platform states first.
//!
//! A round computes a score for every ready job on every idle accelerator, each in constant time: the order
//! of cost of a decision is their product, and with a tuner one comparison more. Nothing is allocated once
//! warm but the tuner's record of its windows.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::Duration;

use crate::decision::{Decision, Decisions, Placement};
use crate::job::Job;
use crate::parameters::{Allowed, Parameter, ParameterError, ParameterValue, Parameters};
use crate::parts::map_score::{MapScore, Standing};
use crate::parts::{DecisionTime, DropRule, Granularity, Tuner, VariantChoice};
use crate::policy::{Interests, Notice, Policy};
use crate::truth::Truth;
use crate::tuning::TuningWindow;
use crate::view::View;

/// What mapped policies are made of beside their score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedParts {
    /// How much of a job is dispatched at once.
    pub granularity: Granularity,
    /// When it is given up.
    pub drop: DropRule,
    /// As which network of a supernet it runs.
    pub variants: VariantChoice,
    /// Whether a job waits for an accelerator that is busy, where its next layer would end sooner there than
    /// on the one that it is offered.
    pub waits: bool,
    /// How long it takes to decide this.
    pub decision_time: DecisionTime,
}

impl MappedParts {
    /// `wait`.
    pub const WAIT: Parameter = Parameter {
        name: "wait",
        meaning: "whether a job waits for a busy accelerator where its next layer would end sooner",
        default: ParameterValue::Boolean(false),
        allowed: Allowed::Boolean,
    };

    /// Reads the parameters of all parts.
    ///
    /// # Errors
    /// [`ParameterError`] where one is missing.
    pub fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        Ok(Self {
            granularity: Granularity::read(parameters)?,
            drop: DropRule::read(parameters)?,
            variants: VariantChoice::read(parameters)?,
            waits: parameters.boolean("wait")?,
            decision_time: DecisionTime::read(parameters)?,
        })
    }
}

/// The schema of a mapped policy: parameters of its own, then those of its parts.
macro_rules! mapped_schema {
    (
        alpha: $alpha:literal, beta: $beta:literal, switch_cost: $switch_cost:literal,
        drop: $drop:literal, variants: $variants:literal $(, $own:expr)* $(,)?
    ) => {
        &[
            $crate::parts::MapScore::alpha($alpha),
            $crate::parts::MapScore::beta($beta),
            $crate::parts::MapScore::URGENCY_CAP,
            $crate::parts::MapScore::LATE_URGENCY,
            $crate::parts::MapScore::TO_GO,
            $crate::parts::MapScore::LATENCY_PREFERENCE,
            $crate::parts::MapScore::switch_cost($switch_cost),
            $($own,)*
            $crate::parts::MappedParts::WAIT,
            $crate::parts::Granularity::parameter("layer"),
            $crate::parts::Granularity::BLOCK_LAYERS,
            $crate::parts::DropRule::parameter($drop),
            $crate::parts::SmartDrop::WINDOW,
            $crate::parts::SmartDrop::CAP,
            $crate::parts::SmartDrop::EXCESS,
            $crate::parts::SmartDrop::UPSTREAM,
            $crate::parts::VariantChoice::parameter($variants),
            $crate::parts::VariantChoice::QUEUE,
            $crate::parts::DecisionTime::BASE,
            $crate::parts::DecisionTime::PER_JOB,
        ]
    };
}
pub(crate) use mapped_schema;

/// A policy of a score over pairs.
#[derive(Clone, Debug)]
pub struct Mapped {
    score: MapScore,
    parts: MappedParts,
    tuner: Option<Tuner>,
    /// By slot: what was computed of the job that was seen there last.
    standings: Vec<Option<Standing>>,
    remembers: bool,
}

impl Mapped {
    /// A policy of its parts.
    #[must_use]
    pub fn new(score: MapScore, parts: MappedParts, tuner: Option<Tuner>) -> Self {
        Self { score, parts, tuner, standings: Vec::new(), remembers: true }
    }

    /// The standing of a job, from before if nothing of it has changed.
    fn standing(&mut self, view: &View<'_>, job: &Job) -> Standing {
        let slot = job.id.slot();
        if self.standings.len() <= slot {
            self.standings.resize(slot + 1, None);
        }
        match self.standings[slot] {
            Some(standing) if self.remembers && standing.is_of(job) => standing,
            _ => *self.standings[slot].insert(self.score.standing(view, job)),
        }
    }

    /// The pair with the greatest score.
    fn best<'v>(&mut self, view: &View<'v>) -> Option<(&'v Job, AcceleratorId)> {
        let mut best: Option<(f64, &Job, AcceleratorId)> = None;
        for job in view.ready() {
            let standing = self.standing(view, job);
            let common = self.score.common(view.now, job, &standing);
            for accelerator in view.idle.iter().copied() {
                let other = best.map(|(score, _, _)| score);
                let score = self.score.score_above(view, &standing, common, accelerator, other);
                let Some(score) = score else { continue };
                if !(self.parts.waits && ends_sooner_elsewhere(view, job, accelerator)) {
                    best = Some((score, job, accelerator));
                }
            }
        }
        best.map(|(_, job, accelerator)| (job, accelerator))
    }
}

/// Whether the next layer of a job would end sooner on an accelerator that is busy now than on an idle one.
fn ends_sooner_elsewhere(view: &View<'_>, job: &Job, idle: AcceleratorId) -> bool {
    let here = view.now.saturating_add(view.next_layer(job, idle));
    view.running().any(|(busy, segment, _)| {
        segment.expected_end.max(view.now).saturating_add(view.next_layer(job, busy)) < here
    })
}

impl Policy for Mapped {
    fn decide(&mut self, view: &View<'_>, _truth: Option<&Truth<'_>>, out: &mut Decisions) {
        if let Some(tuner) = &mut self.tuner {
            self.score.weights = tuner.weights(view);
        }
        self.parts.drop.begin(view);
        self.parts.variants.begin(view);
        if let Some(job) = self.parts.drop.next(view, &self.parts.variants) {
            out.push(Decision::Drop { job });
            return;
        }
        if view.is_stuck() {
            return;
        }
        let Some((job, accelerator)) = self.best(view) else { return };
        let chosen = self.parts.variants.choose(view, job);
        let as_chosen = Job { model: chosen.map_or(job.model, |(_, model)| model), ..*job };
        out.push(Decision::Dispatch {
            job: job.id,
            variant: chosen.map(|(variant, _)| variant),
            placement: Placement::Whole(accelerator),
            extent: self.parts.granularity.extent(view, &as_chosen),
        });
    }

    fn interests(&self) -> Interests {
        let Interests { layers, .. } = self.score.estimator.interests();
        let jobs = matches!(self.parts.drop, DropRule::Smart(_));
        Interests { jobs, layers, times: self.tuner.is_some() }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        self.score.estimator.notify(notice, view);
        self.parts.drop.notify(notice, view);
        if let Some(tuner) = &mut self.tuner {
            tuner.notify(notice, view);
        }
    }

    fn decision_time(&self, view: &View<'_>) -> Duration {
        self.parts.decision_time.of(view)
    }

    fn tuning(&self) -> &[TuningWindow] {
        self.tuner.as_ref().map_or(&[], Tuner::windows)
    }

    fn without_memory(&self) -> Box<dyn Policy> {
        Box::new(Self { remembers: false, ..self.clone() })
    }

    fn boxed_clone(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}
