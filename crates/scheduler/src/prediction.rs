//! Predictions of the ends of runs, as policies tell them to observers.

use rtmm_workload::Time;
use serde::Serialize;

use crate::ids::RunId;

/// The end of a run as its policy predicts it, to be held against the end that comes. It decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RunPrediction {
    /// The run, which the view shows.
    pub run: RunId,
    /// The instant at which it should end.
    pub end: Time,
    /// The instant by which it should have ended with what the policy adds for safety; none where it adds nothing.
    pub upper: Option<Time>,
}
