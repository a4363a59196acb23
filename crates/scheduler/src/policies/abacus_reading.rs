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

use rtmm_workload::parameters::{Declared, Parameters};

use super::deadline_batching::ADMISSION;
use crate::decision::Decisions;
use crate::parts::{Batch, Candidate, Queues, RequestQueue, Serving, ServingRule};
use crate::truth::Truth;
use crate::view::View;

/// The rule of the policy.
#[derive(Clone, Debug)]
pub struct AbacusReading {
    admits: bool,
    /// The group so far, used again and again.
    group: Vec<Batch>,
    candidates: Vec<Candidate>,
}

impl ServingRule for AbacusReading {
    const PARAMETERS: &'static [&'static dyn Declared] = &[&ADMISSION];

    fn read(parameters: &Parameters) -> Self {
        Self { admits: parameters.read(&ADMISSION), group: Vec::new(), candidates: Vec::new() }
    }

    fn refuses(&self, _queue: &RequestQueue) -> bool {
        self.admits
    }

    fn dispatch(
        &mut self,
        serving: &mut Serving,
        queues: &Queues,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) {
        self.group.clear();
        self.candidates.clear();
        for at in 0..queues.count() {
            self.add(serving, queues, at, view, truth);
        }
        self.group.iter().for_each(|batch| Serving::dispatch(queues, batch, out));
    }
}

impl AbacusReading {
    /// Adds the largest batch of a queue that leaves all of the group in time; nothing where none does.
    fn add(
        &mut self,
        serving: &mut Serving,
        queues: &Queues,
        at: usize,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
    ) {
        let Some(first) = queues.at(at).and_then(|queue| queue.first(view)) else { return };
        let Some(room) = serving.room(view, first) else { return };
        let has_room =
            serving.is_idle_on(room.on) && serving.has_room_beside(view, room.on, &self.candidates);
        let batch = if has_room { serving.batch(view, truth, queues, at) } else { None };
        let Some(batch) = batch else { return };
        if self.group.is_empty() {
            self.group.push(batch);
            self.candidates.push(batch.candidate);
            return;
        }
        let mut requests = batch.requests;
        while batch.is_in_time && requests > 0 {
            let Some(candidate) = serving.candidate(view, first, &batch.room, requests) else { return };
            self.candidates.push(candidate);
            let due = self.group.iter().map(|of| of.due).min().unwrap_or(batch.due).min(batch.due);
            let end = serving.forecast(view, truth, &self.candidates);
            if end.is_some_and(|end| Serving::is_in_time(view, end, due)) {
                self.group.push(Batch { requests, candidate, ..batch });
                return;
            }
            self.candidates.pop();
            requests /= 2;
        }
    }
}
