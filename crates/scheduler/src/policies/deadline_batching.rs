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
//! Predictions are those of [`Serving`]. Batching by deadlines is that of Clockwork (Gujarati et al., OSDI
//! 2020) and Nexus (Shen et al., SOSP 2019), which run one batch at a time; admission by predicted ends is Clockwork's. What is
//! beside it, prediction of what runs at the same time, is this project's.
//!
//! With `max_concurrent = 1` it shares a device in time: `time-sharing` is that preset. A device whose runs do not slow each other
//! down is one of which nothing has to be predicted.

use std::cmp::Reverse;

use rtmm_workload::parameters::{Declared, Parameters, Switch};

use crate::decision::Decisions;
use crate::parts::{Batch, Queues, RequestQueue, Serving, ServingRule};
use crate::truth::Truth;
use crate::view::View;

const PROTECT: Switch =
    Switch::new("protect", "whether a batch waits that would make one late which runs", true);
/// Admission, as in all policies of batches beside each other whose requests have no priorities.
pub(super) const ADMISSION: Switch =
    Switch::new("admission", "whether requests are dropped that are predicted to be late even alone", true);

/// Defaults that differ in `time-sharing`.
pub const TIME_SHARING: &[(&str, &str)] = &[("max_concurrent", "1"), ("predictor", "none")];

/// The rule of the policy.
#[derive(Clone, Debug)]
pub struct DeadlineBatching {
    protects: bool,
    admits: bool,
}

impl ServingRule for DeadlineBatching {
    const PARAMETERS: &'static [&'static dyn Declared] = &[&PROTECT, &ADMISSION];

    fn read(parameters: &Parameters) -> Self {
        Self { protects: parameters.read(&PROTECT), admits: parameters.read(&ADMISSION) }
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
        let Some(batch) = first(serving, queues, view, truth) else { return };
        let waits = self.protects && batch.is_in_time;
        if !waits || serving.harm(view, truth, &batch.candidate, |_| true).is_none() {
            Serving::dispatch(queues, &batch, out);
        }
    }
}

/// The batch to dispatch next; none where there is no room for any.
fn first(
    serving: &mut Serving,
    queues: &Queues,
    view: &View<'_>,
    truth: Option<&Truth<'_>>,
) -> Option<Batch> {
    let mut best: Option<Batch> = None;
    for (at, queue) in queues.iter().enumerate() {
        // No batch of this queue, or of those behind it, has an earlier deadline than its first request.
        if best.is_some_and(|best| Some(best.due) < queue.due()) {
            break;
        }
        let Some(batch) = serving.batch(view, truth, queues, at) else { continue };
        let key = |of: &Batch| (of.due, Reverse(of.requests));
        if best.as_ref().is_none_or(|best| key(&batch) < key(best)) {
            best = Some(batch);
        }
    }
    best
}
