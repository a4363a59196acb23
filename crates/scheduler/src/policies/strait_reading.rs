//! Two priorities on one device, with predicted ends of copies and kernels: a reading of Strait, not a reproduction.
//!
//! Source: *Strait* (Zhao and Georgantas, arXiv 2604.28175, 2026), of which the abstract and the opening of the introduction
//! could be read: it estimates latency from contention of transfers and an adaptive model of the interference of kernels, and
//! schedules two priorities by that. All rules here are this project's:
//!
//! ```text
//! high     : of the batches of all models, as large as is in time; those in time first, then the earliest deadline, then the
//!            larger one
//! guard    : it waits if a high batch that runs would be late beside it, unless it would itself be late after the next batch
//!            that ends; then the smaller sum of lateness decides
//! low      : where no high batch is dispatched, `reserved_slots` stay free, it is in time itself, and every high batch that runs
//!            stays in time
//! dropped  : low requests that are late even alone (`refuse_low`), high ones with `refuse_high`
//! ```
//!
//! Priorities from `high_priority` on are high. Batches are dispatched as soon as there is room; they are never stopped.

use std::cmp::Reverse;

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Declared, Integer, Parameters, Schema, Switch};

use crate::decision::Decisions;
use crate::parts::{Batch, DecisionTime, Lateness, Queues, RequestQueue, Serving, Slowdowns, lateness};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::truth::Truth;
use crate::view::View;

const HIGH: Integer<i32> =
    Integer::new("high_priority", "the least priority that is high", 1, -1_000..=1_000);
const RESERVED: Integer<u32> =
    Integer::new("reserved_slots", "batches at once that low requests leave room for", 0, 0..=8);
const REFUSE_LOW: Switch =
    Switch::new("refuse_low", "whether low requests are dropped that are late even alone", true);
const REFUSE_HIGH: Switch =
    Switch::new("refuse_high", "whether high requests are dropped that are late even alone", false);

const OWN: &[&dyn Declared] = &[&HIGH, &RESERVED, &REFUSE_LOW, &REFUSE_HIGH];

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
pub struct StraitReading {
    high: i32,
    reserved: u32,
    refuses_low: bool,
    refuses_high: bool,
    serving: Serving,
    queues: Queues,
    decision_time: DecisionTime,
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(StraitReading::new(parameters, Slowdowns::read(parameters)))
}

/// The policy that is told true slowdowns.
#[must_use]
pub fn build_oracle(parameters: &Parameters) -> Box<dyn Policy> {
    Box::new(StraitReading::new(parameters, Slowdowns::oracle()))
}

impl StraitReading {
    fn new(parameters: &Parameters, slowdowns: Slowdowns) -> Self {
        Self {
            high: parameters.read(&HIGH),
            reserved: parameters.read(&RESERVED),
            refuses_low: parameters.read(&REFUSE_LOW),
            refuses_high: parameters.read(&REFUSE_HIGH),
            serving: Serving::new(parameters, slowdowns),
            queues: Queues::default(),
            decision_time: DecisionTime::read(parameters),
        }
    }

    /// The next batch of high or of low requests.
    fn next(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>, high: bool) -> Option<Batch> {
        // What is not refused has to run at some time: where nothing else does, at the latest.
        let runs_late = !self.refuses_low || self.serving.is_idle();
        let mut best: Option<Batch> = None;
        for at in 0..self.queues.count() {
            // No batch of this queue, or of those behind it, has an earlier deadline than its first request.
            let is_first = |best: Batch| {
                best.is_in_time && Some(best.due) < self.queues.at(at).and_then(RequestQueue::due)
            };
            if best.is_some_and(is_first) {
                break;
            }
            let is_of = self.queues.at(at).is_some_and(|queue| (queue.priority >= self.high) == high);
            let batch = if is_of { self.serving.batch(view, truth, &self.queues, at) } else { None };
            let Some(batch) = batch.filter(|batch| high || batch.is_in_time || runs_late) else {
                continue;
            };
            let key = |of: &Batch| (!of.is_in_time, of.due, Reverse(of.requests));
            if best.as_ref().is_none_or(|best| key(&batch) < key(best)) {
                best = Some(batch);
            }
        }
        best
    }

    /// True if a high batch is better dispatched now than after the next batch that ends.
    fn goes_now(&mut self, view: &View<'_>, truth: Option<&Truth<'_>>, batch: &Batch) -> bool {
        let high = self.high;
        let Some(harm) = self.serving.harm(view, truth, &batch.candidate, |run| run.priority >= high) else {
            return true;
        };
        // Of what was forecast beside it, the sooner end is what it would wait for.
        self.serving.forecast(view, truth, &[]);
        let next = self.serving.forecasts().map(|(_, end)| end).min().unwrap_or(Duration::ZERO);
        let waited = lateness(view, next.saturating_add(batch.end), batch.due);
        let now: Lateness = harm + lateness(view, batch.end, batch.due);
        waited > 0 && now < waited
    }
}

impl Policy for StraitReading {
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
        self.queues.fill(view, true);
        for at in 0..self.queues.count() {
            let is_high = self.queues.at(at).is_some_and(|queue| queue.priority >= self.high);
            if if is_high { self.refuses_high } else { self.refuses_low } {
                self.serving.refuse(view, &self.queues, at, out);
            }
        }
        if !out.is_empty() {
            return Ok(());
        }
        if let Some(batch) = self.next(view, truth, true)
            && self.goes_now(view, truth, &batch)
        {
            Serving::dispatch(&self.queues, &batch, out);
            return Ok(());
        }
        let Some(batch) = self.next(view, truth, false) else { return Ok(()) };
        let high = self.high;
        if self.serving.leaves(batch.room.on, self.reserved)
            && self.serving.harm(view, truth, &batch.candidate, |run| run.priority >= high).is_none()
        {
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
