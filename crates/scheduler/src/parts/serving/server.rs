//! A policy that dispatches batches beside each other by a rule: what all of these policies do alike.

use std::fmt;

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Declared, Parameters, Schema};

use super::{Queue, Queues, Serving, Slowdowns};
use crate::decision::Decisions;
use crate::parts::DecisionTime;
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::truth::Truth;
use crate::view::View;

/// Rule by which waiting requests become batches beside those that run.
pub trait ServingRule: Clone + fmt::Debug + Send + 'static {
    /// Its own parameters.
    const PARAMETERS: &'static [&'static dyn Declared];
    /// True if requests of one model wait by priority, and not in one queue.
    const BY_PRIORITY: bool = false;

    /// Reads its own parameters.
    fn read(parameters: &Parameters) -> Self;

    /// True if requests of a queue are dropped that are late even alone.
    fn refuses(&self, queue: &Queue) -> bool;

    /// Says which batches begin now, at a view in which requests wait and units are free. Queues are in the order of their
    /// first deadlines.
    fn dispatch(
        &mut self,
        serving: &mut Serving,
        queues: &Queues,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    );
}

/// The policy of a rule.
#[derive(Clone, Debug)]
pub struct Server<R> {
    rule: R,
    serving: Serving,
    queues: Queues,
    decision_time: DecisionTime,
}

impl<R: ServingRule> Server<R> {
    /// The parameters of the policy.
    #[must_use]
    pub fn schema() -> Schema {
        Schema::of(&[R::PARAMETERS, Serving::PARAMETERS, Slowdowns::PARAMETERS, DecisionTime::PARAMETERS])
    }

    /// The parameters of its oracle: those of predictions have no meaning.
    #[must_use]
    pub fn oracle_schema() -> Schema {
        Schema::of(&[R::PARAMETERS, Serving::PARAMETERS, DecisionTime::PARAMETERS])
    }

    /// The policy with these parameters.
    #[must_use]
    pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
        Box::new(Self::new(parameters, Slowdowns::read(parameters)))
    }

    /// The policy that is told true slowdowns.
    #[must_use]
    pub fn build_oracle(parameters: &Parameters) -> Box<dyn Policy> {
        Box::new(Self::new(parameters, Slowdowns::oracle()))
    }

    fn new(parameters: &Parameters, slowdowns: Slowdowns) -> Self {
        Self {
            rule: R::read(parameters),
            serving: Serving::new(parameters, slowdowns),
            queues: Queues::default(),
            decision_time: DecisionTime::read(parameters),
        }
    }
}

impl<R: ServingRule> Policy for Server<R> {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        let Self { rule, serving, queues, .. } = self;
        serving.begin(view, truth, out);
        if view.is_stuck() {
            return Ok(());
        }
        queues.fill(view, R::BY_PRIORITY);
        for queue in queues.iter().filter(|queue| rule.refuses(queue)) {
            serving.refuse(view, queue, out);
        }
        // What is dropped changes what waits: the rule is asked at the next round.
        if out.is_empty() {
            rule.dispatch(serving, queues, view, truth, out);
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
