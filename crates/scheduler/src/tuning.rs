//! Tuning windows: how a policy that tunes itself changed its parameters, as observers see it.

use rtmm_workload::Time;
use serde::Serialize;

/// A window of a run in which a policy had two parameters at fixed values, to measure their cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TuningWindow {
    /// The search that it belongs to, counted from 0: a change of the workload begins a new one.
    pub search: u32,
    /// The step of the search, counted from 0.
    pub step: u32,
    /// When it began.
    pub from: Time,
    /// When it ended; none if it is in force.
    pub to: Option<Time>,
    /// Weight of starvation.
    pub alpha: f64,
    /// Weight of energy.
    pub beta: f64,
    /// The window's cost; none while it is open, where nothing was measured, and once the search is over.
    pub cost: Option<f64>,
    /// True once the search is over: these are the values that it chose.
    pub is_result: bool,
}
