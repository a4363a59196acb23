//! What a policy that tunes itself did to its parameters, for those who watch.

use rtmm_workload::Time;
use serde::Serialize;

/// A window of a run in which a policy had two parameters at fixed values, to see what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TuningWindow {
    /// Which search it belongs to, counted from 0: a change of the workload begins a new one.
    pub search: u32,
    /// Which step of the search, counted from 0.
    pub step: u32,
    /// When it began.
    pub from: Time,
    /// When it ended; none if it is in force.
    pub to: Option<Time>,
    /// Weight of starvation.
    pub alpha: f64,
    /// Weight of energy.
    pub beta: f64,
    /// What the window cost; none while it is open, where nothing was measured, and once the search is over.
    pub cost: Option<f64>,
    /// Whether the search is over, and these are the values that it came to.
    pub is_result: bool,
}
