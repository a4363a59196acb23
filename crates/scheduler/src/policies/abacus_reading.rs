//! Groups of batches that begin together, as many as the tightest deadline among them allows: a reading of Abacus.
//!
//! Source: Cui et al., *Abacus: Enabling Precise Tail Latency for DNN Inference Services*, SC 2021: a controller launches segments
//! of several queries at once, so that what overlaps is determined, waits until all of them are through, and picks how far each
//! query may go so that the predicted time of the group fits the tightest headroom.
//!
//! ```text
//! first    = the batch of the earliest deadline, as large as is in time
//! others   : in the order of deadlines, as large as leaves every batch of the group in time; `max_concurrent` in all
//! group    : begins on accelerators on which nothing runs
//! ```
//!
//! Deviations: queries go to their ends, since a batch that stops is no longer one here; the time of a group is forecast from
//! slowdowns, not from features of segments.

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Declared, Parameters, Schema, Switch};

use crate::decision::Decisions;
use crate::parts::{Batch, Candidate, DecisionTime, Queues, Serving, Slowdowns};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::truth::Truth;
use crate::view::View;

const ADMISSION: Switch =
    Switch::new("admission", "whether requests are dropped that are predicted to be late even alone", true);

const OWN: &[&dyn Declared] = &[&ADMISSION];

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

/// The policy.
#[derive(Clone, Debug)]
pub struct AbacusReading {
    admits: bool,
    serving: Serving,
    queues: Queues,
    /// The group so far, used again and again.
    group: Vec<Batch>,
    candidates: Vec<Candidate>,
    decision_time: DecisionTime,
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(AbacusReading::new(parameters, Slowdowns::read(parameters)))
}

/// The policy that is told true slowdowns.
#[must_use]
pub fn build_oracle(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(AbacusReading::new(parameters, Slowdowns::oracle()))
}

impl AbacusReading {
    fn new(parameters: &Parameters, slowdowns: Slowdowns) -> Self {
        Self {
            admits: parameters.read(&ADMISSION),
            serving: Serving::new(parameters, slowdowns),
            queues: Queues::default(),
            group: Vec::new(),
            candidates: Vec::new(),
            decision_time: DecisionTime::read(parameters),
        }
    }

    /// Adds the largest batch of a queue that leaves all of the group in time; nothing where none does.
    fn add(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>, at: usize) {
        let Some(first) = self.queues.at(at).and_then(|queue| queue.first(view)) else { return };
        let Some(room) = self.serving.room(view, first) else { return };
        let has_room =
            self.serving.is_idle_on(room.on) && self.serving.has_room_beside(view, room.on, &self.candidates);
        let batch = if has_room { self.serving.batch(view, truth, &self.queues, at) } else { None };
        let Some(batch) = batch else { return };
        if self.group.is_empty() {
            self.group.push(batch);
            self.candidates.push(batch.candidate);
            return;
        }
        let mut requests = batch.requests;
        while batch.is_in_time && requests > 0 {
            let Some(candidate) = self.serving.candidate(view, first, &batch.room, requests) else { return };
            self.candidates.push(candidate);
            let due = self.group.iter().map(|of| of.due).min().unwrap_or(batch.due).min(batch.due);
            let end = self.serving.forecast(view, truth, &self.candidates);
            if end.is_some_and(|end| Serving::is_in_time(view, end, due)) {
                self.group.push(Batch { requests, candidate, ..batch });
                return;
            }
            self.candidates.pop();
            requests /= 2;
        }
    }
}

impl Policy for AbacusReading {
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
        self.group.clear();
        self.candidates.clear();
        for at in 0..self.queues.count() {
            self.add(view, truth, at);
        }
        self.group.iter().for_each(|batch| Serving::dispatch(&self.queues, batch, out));
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
