//! Batches beside each other on a device, as large as predicted ends allow, the earliest deadline first.
//!
//! ```text
//! size       = the largest batch of the requests of a model, in the order of deadlines, that is predicted to end by the
//!              earliest deadline among them which one request alone could meet now
//! next       = of the batches of all models the one with the earliest deadline, then the larger one
//! protect    : it waits if a batch that runs, and is predicted to be in time, would be late beside it
//! admission  : a request that is predicted to be late even alone is dropped when it is looked at
//! ```
//!
//! Predictions are those of [`Serving`](crate::parts::Serving). Batching by deadlines is that of Clockwork (Gujarati et al., OSDI
//! 2020) and Nexus (Shen et al., SOSP 2019), which run one batch at a time; admission by predicted ends is Clockwork's. What is
//! beside it, prediction of what runs at the same time, is this project's.
//!
//! With `max_concurrent = 1` it shares a device in time: `time-sharing` is that preset. A device whose runs do not slow each other
//! down is one of which nothing has to be predicted.

use std::cmp::Reverse;

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Declared, Parameters, Schema, Switch};

use crate::decision::Decisions;
use crate::parts::{Batch, DecisionTime, Queues, RequestQueue, Serving, Slowdowns};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::truth::Truth;
use crate::view::View;

const PROTECT: Switch =
    Switch::new("protect", "whether a batch waits that would make one late which runs", true);
const ADMISSION: Switch =
    Switch::new("admission", "whether requests are dropped that are predicted to be late even alone", true);

const OWN: &[&dyn Declared] = &[&PROTECT, &ADMISSION];

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Schema::of(&[OWN, Serving::PARAMETERS, Slowdowns::PARAMETERS, DecisionTime::PARAMETERS])
}

/// The parameters of its oracle: those of predictions have no meaning.
#[must_use]
pub fn oracle_schema() -> Schema {
    Schema::of(&[OWN, Serving::PARAMETERS, DecisionTime::PARAMETERS])
}

/// Defaults that differ in `time-sharing`.
pub const TIME_SHARING: &[(&str, &str)] = &[("max_concurrent", "1"), ("predictor", "none")];

/// The policy.
#[derive(Clone, Debug)]
pub struct DeadlineBatching {
    protects: bool,
    admits: bool,
    serving: Serving,
    queues: Queues,
    decision_time: DecisionTime,
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(DeadlineBatching::new(parameters, Slowdowns::read(parameters)))
}

/// The policy that is told true slowdowns.
#[must_use]
pub fn build_oracle(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(DeadlineBatching::new(parameters, Slowdowns::oracle()))
}

impl DeadlineBatching {
    fn new(parameters: &Parameters, slowdowns: Slowdowns) -> Self {
        Self {
            protects: parameters.read(&PROTECT),
            admits: parameters.read(&ADMISSION),
            serving: Serving::new(parameters, slowdowns),
            queues: Queues::default(),
            decision_time: DecisionTime::read(parameters),
        }
    }

    /// The batch to dispatch next; none where there is no room for any.
    fn next(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>) -> Option<Batch> {
        let mut best: Option<Batch> = None;
        for at in 0..self.queues.count() {
            // No batch of this queue, or of those behind it, has an earlier deadline than its first request.
            if best.is_some_and(|best| Some(best.due) < self.queues.at(at).and_then(RequestQueue::due)) {
                break;
            }
            let Some(batch) = self.serving.batch(view, truth, &self.queues, at) else { continue };
            let key = |of: &Batch| (of.due, Reverse(of.requests));
            if best.as_ref().is_none_or(|best| key(&batch) < key(best)) {
                best = Some(batch);
            }
        }
        best
    }
}

impl Policy for DeadlineBatching {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.serving.begin(view, truth);
        if view.is_stuck() {
            return Ok(());
        }
        self.queues.fill(view, false);
        if self.admits {
            (0..self.queues.count()).for_each(|at| self.serving.refuse(view, &self.queues, at, out));
            if !out.is_empty() {
                return Ok(());
            }
        }
        let Some(batch) = self.next(view, truth) else { return Ok(()) };
        let waits = self.protects && batch.is_in_time;
        if !waits || self.serving.harm(view, truth, &batch.candidate, |_| true).is_none() {
            Serving::dispatch(&self.queues, &batch, out);
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        Serving::interests()
    }

    fn notify(&mut self, notice: &Notice, _view: &View<'_>) -> Result<(), PolicyError> {
        self.serving.notify(notice);
        Ok(())
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.decision_time.of(view))
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}
