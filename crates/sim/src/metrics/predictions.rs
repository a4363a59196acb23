//! Predicted ends of runs, held against the ends that came.
//!
//! What is compared is the time from the prediction to the end. The first prediction of a run counts, and only if the run comes to
//! where it was dispatched to: of one that is preempted, or that goes on when the simulation ends, nothing can be said.

use rtmm_scheduler::{RunId, RunPrediction};
use rtmm_workload::{Duration, Time};
use serde::Serialize;

use crate::observer::SegmentRecord;

/// Part of the actual time from which on a prediction that falls short is one that breaks deadlines.
const UNDER: f64 = 0.1;

/// Predictions of a run's policy against what came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PredictionSummary {
    /// Runs whose end was predicted, and which came to it in the measured time.
    pub predicted_runs: u64,
    /// `|predicted - actual| / actual` of the time to the end, mean over these runs.
    pub prediction_error: Option<f64>,
    /// Those of them that took more than a ninth longer than predicted, as a share: the prediction is more than 10 % below.
    pub under_predicted: Option<f64>,
    /// Those that ended by their upper bound, as a share of those that have one; missing where the policy states none.
    pub within_bound: Option<f64>,
}

/// A prediction against what came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    error: f64,
    is_under: bool,
    is_within: Option<bool>,
}

/// Predictions of runs that go on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    /// By slot of runs.
    slots: Vec<Option<(RunPrediction, Time)>>,
}

impl Pending {
    /// Keeps a prediction until its run ends.
    pub(crate) fn predicted(&mut self, now: Time, prediction: &RunPrediction) {
        let slot = prediction.run.slot();
        if slot >= self.slots.len() {
            self.slots.resize(slot + 1, None);
        }
        if self.of(prediction.run).is_none() {
            self.slots[slot] = Some((*prediction, now));
        }
    }

    fn of(&self, run: RunId) -> Option<(RunPrediction, Time)> {
        self.slots.get(run.slot()).copied().flatten().filter(|(prediction, _)| prediction.run == run)
    }

    /// Outcome of the prediction of a run that is over; none where it had none, or did not come to its end.
    pub(crate) fn ended(&mut self, now: Time, record: &SegmentRecord<'_>) -> Option<Outcome> {
        let (prediction, since) = self.of(record.run.id)?;
        self.slots[record.run.id.slot()] = None;
        let took = |until: Time| until.saturating_since(since).picoseconds() as f64;
        let actual = took(now);
        if record.to.layer < record.run.stop || actual <= 0.0 {
            return None;
        }
        let predicted = took(prediction.end);
        Some(Outcome {
            error: (predicted - actual).abs() / actual,
            is_under: predicted < (1.0 - UNDER) * actual,
            is_within: prediction.upper.map(|upper| now <= upper),
        })
    }
}

/// Sums over predictions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PredictionSums {
    runs: u64,
    error: f64,
    under: u64,
    bounded: u64,
    within: u64,
}

impl PredictionSums {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.runs += 1;
        self.error += outcome.error;
        self.under += u64::from(outcome.is_under);
        if let Some(is_within) = outcome.is_within {
            self.bounded += 1;
            self.within += u64::from(is_within);
        }
    }

    pub(crate) fn summary(&self) -> PredictionSummary {
        let share = |part: f64, whole: u64| (whole > 0).then(|| part / whole as f64);
        PredictionSummary {
            predicted_runs: self.runs,
            prediction_error: share(self.error, self.runs),
            under_predicted: share(self.under as f64, self.runs),
            within_bound: share(self.within as f64, self.bounded),
        }
    }
}

/// Predictions of a whole run.
#[derive(Clone, Debug, Default)]
pub(crate) struct PredictionTally {
    pending: Pending,
    sums: PredictionSums,
}

impl PredictionTally {
    pub(crate) fn predicted(&mut self, now: Time, prediction: &RunPrediction) {
        self.pending.predicted(now, prediction);
    }

    /// Counts a run that was dispatched at or after the end of the warm-up.
    pub(crate) fn ended(&mut self, now: Time, record: &SegmentRecord<'_>, from: Time) {
        let outcome = self.pending.ended(now, record);
        if let Some(outcome) = outcome.filter(|_| record.run.dispatched >= from) {
            self.sums.add(outcome);
        }
    }

    pub(crate) fn summary(&self) -> PredictionSummary {
        self.sums.summary()
    }
}

/// Predictions by windows of time: each counts where its run ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct PredictionWindows {
    pending: Pending,
    sums: Vec<PredictionSums>,
}

impl PredictionWindows {
    pub(crate) fn predicted(&mut self, now: Time, prediction: &RunPrediction) {
        self.pending.predicted(now, prediction);
    }

    /// Counts a run that was dispatched at or after the end of the warm-up.
    pub(crate) fn ended(&mut self, now: Time, record: &SegmentRecord<'_>, from: Time, length: Duration) {
        let outcome = self.pending.ended(now, record);
        let Some(outcome) = outcome.filter(|_| record.run.dispatched >= from) else { return };
        let window = now.picoseconds().saturating_sub(1) / length.picoseconds().max(1);
        let index = usize::try_from(window).unwrap_or(usize::MAX);
        if index >= self.sums.len() {
            self.sums.resize(index + 1, PredictionSums::default());
        }
        self.sums[index].add(outcome);
    }

    /// The predictions of a window; none where nothing was ever predicted.
    pub(crate) fn window(&self, index: usize) -> Option<PredictionSummary> {
        let has_any = !self.sums.is_empty();
        has_any.then(|| self.sums.get(index).copied().unwrap_or_default().summary())
    }
}
