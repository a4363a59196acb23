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
use rtmm_workload::parameters::{Declared, Integer, Parameters, Switch};

use crate::decision::Decisions;
use crate::parts::{Batch, Lateness, Queues, RequestQueue, Serving, ServingRule, Tracked, lateness};
use crate::truth::Truth;
use crate::view::View;

const HIGH: Integer<i32> =
    Integer::new("high_priority", "the least priority that is high", 2, -1_000..=1_000);
const RESERVED: Integer<u32> =
    Integer::new("reserved_slots", "batches at once that low requests leave room for", 0, 0..=8);
const REFUSE_LOW: Switch =
    Switch::new("refuse_low", "whether low requests are dropped that are late even alone", true);
const REFUSE_HIGH: Switch =
    Switch::new("refuse_high", "whether high requests are dropped that are late even alone", false);

/// The rule of the policy.
#[derive(Clone, Debug)]
pub struct StraitReading {
    high: i32,
    reserved: u32,
    refuses_low: bool,
    refuses_high: bool,
}

impl ServingRule for StraitReading {
    const PARAMETERS: &'static [&'static dyn Declared] = &[&HIGH, &RESERVED, &REFUSE_LOW, &REFUSE_HIGH];
    const BY_PRIORITY: bool = true;

    fn read(parameters: &Parameters) -> Self {
        Self {
            high: parameters.read(&HIGH),
            reserved: parameters.read(&RESERVED),
            refuses_low: parameters.read(&REFUSE_LOW),
            refuses_high: parameters.read(&REFUSE_HIGH),
        }
    }

    fn refuses(&self, queue: &RequestQueue) -> bool {
        if self.is_high(queue.priority) { self.refuses_high } else { self.refuses_low }
    }

    fn dispatch(
        &mut self,
        serving: &mut Serving,
        queues: &Queues,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) {
        if let Some(batch) = self.first(true, serving, queues, view, truth)
            && self.goes_now(&batch, serving, view, truth)
        {
            Serving::dispatch(queues, &batch, out);
            return;
        }
        let Some(batch) = self.first(false, serving, queues, view, truth) else { return };
        let counts = |run: &Tracked| self.counts(run);
        if serving.leaves(batch.room.on, self.reserved)
            && serving.harm(view, truth, &batch.candidate, counts).is_none()
        {
            Serving::dispatch(queues, &batch, out);
        }
    }
}

impl StraitReading {
    const fn is_high(&self, priority: i32) -> bool {
        priority >= self.high
    }

    /// True if the lateness of a run counts.
    const fn counts(&self, run: &Tracked) -> bool {
        self.is_high(run.priority)
    }

    /// The next batch of high or of low requests.
    fn first(
        &self,
        high: bool,
        serving: &mut Serving,
        queues: &Queues,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
    ) -> Option<Batch> {
        // What is not refused has to run at some time: where nothing else does, at the latest.
        let runs_late = !self.refuses_low || serving.is_idle();
        let mut best: Option<Batch> = None;
        for (at, queue) in queues.iter().enumerate() {
            // No batch of this queue, or of those behind it, has an earlier deadline than its first request.
            if best.is_some_and(|best| best.is_in_time && Some(best.due) < queue.due()) {
                break;
            }
            let is_of = self.is_high(queue.priority) == high;
            let batch = if is_of { serving.batch(view, truth, queues, at) } else { None };
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
    fn goes_now(
        &self,
        batch: &Batch,
        serving: &mut Serving,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
    ) -> bool {
        let counts = |run: &Tracked| self.counts(run);
        let Some(harm) = serving.harm(view, truth, &batch.candidate, counts) else { return true };
        // Of what was forecast beside it, the sooner end is what it would wait for.
        serving.forecast(view, truth, &[]);
        let next = serving.forecasts().map(|(_, end)| end).min().unwrap_or(Duration::ZERO);
        let waited = lateness(view, next.saturating_add(batch.end), batch.due);
        let now: Lateness = harm + lateness(view, batch.end, batch.due);
        waited > 0 && now < waited
    }
}
