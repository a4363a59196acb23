//! Fixed parts of the bandwidth, whatever else runs, as throttling hardware beside each accelerator enforces
//! them.
//!
//! ```text
//! grant = min(demand, floor(bandwidth * share))
//! ```

use rtmm_workload::Time;

use super::bandwidth::{Bandwidth, Share, Speed};
use super::rates::{Contention, Rates, Running};
use super::throttle::Meter;

/// Every accelerator has its own part of the DRAM's bandwidth, used or not.
///
/// Grants fit as long as the shares of the runs sum to at most the whole.
#[derive(Clone, Copy, Debug)]
pub struct StaticPartition {
    bandwidth: Bandwidth,
}

impl StaticPartition {
    /// Accelerators have parts of `bandwidth`.
    #[must_use]
    pub const fn new(bandwidth: Bandwidth) -> Self {
        Self { bandwidth }
    }
}

impl Contention for StaticPartition {
    fn rates(&mut self, _: Time, running: &[Running], out: &mut [Rates]) {
        debug_assert_eq!(running.len(), out.len());
        for (run, rates) in running.iter().zip(out) {
            *rates = Rates { compute: Speed::FULL, transfer: run.demand.min(self.bandwidth.part(run.share)) };
        }
    }

    fn meter(&self, _share: Share) -> Option<Meter> {
        None
    }

    fn has_priorities(&self) -> bool {
        false
    }

    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        self.bandwidth = bandwidth;
    }

    fn boxed_clone(&self) -> Box<dyn Contention> {
        Box::new(*self)
    }
}
