//! Use of the shared DRAM: how much of its bandwidth runs were granted, and how long they were held back.

use rtmm_hardware::Bandwidth;
use rtmm_workload::{Duration, Time};

use crate::execution::MemoryUse;

/// Sums over the intervals between events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MemoryTally {
    /// Granted bandwidth times picoseconds.
    moved: u128,
    /// Time in picoseconds, times the runs that were held back.
    throttled: u128,
}

impl MemoryTally {
    pub(crate) fn add(&mut self, took: Duration, used: MemoryUse) {
        let took = u128::from(took.picoseconds());
        self.moved = self.moved.saturating_add(took * u128::from(used.granted.bytes_per_window()));
        self.throttled = self.throttled.saturating_add(took * u128::from(used.throttled));
    }

    /// The same from `from` on.
    pub(crate) fn add_since(&mut self, from: Time, began: Time, ended: Time, used: MemoryUse) {
        self.add(ended.saturating_since(began.max(from)), used);
    }

    /// Mean granted bandwidth over `measured` as a part of `bandwidth`; none without time or bandwidth.
    pub(crate) fn utilisation(&self, bandwidth: Bandwidth, measured: Duration) -> Option<f64> {
        let whole = u128::from(bandwidth.bytes_per_window()) * u128::from(measured.picoseconds());
        (whole > 0).then(|| self.moved as f64 / whole as f64)
    }

    pub(crate) fn throttled_ms(&self) -> f64 {
        self.throttled as f64 / 1e9
    }
}
