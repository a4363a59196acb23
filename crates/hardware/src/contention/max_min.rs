//! Max-min fair sharing by demand.
//!
//! An allocation is *max-min fair* if it is feasible, and no run's grant can rise without lowering that of a
//! run whose grant is equal or smaller (Bertsekas and Gallager, Data Networks, 2nd edition, 1992, section
//! 6.5.2). With one resource that is progressive filling: all grants rise together; a run stops where its
//! demand is met, the others stop where the resource is used up. So there is one level `L`, and every grant is
//!
//! ```text
//! grant = min(demand, L)    with the largest whole L for which the grants fit
//! ```

use rtmm_workload::Time;

use super::bandwidth::{Bandwidth, Share, Speed};
use super::rates::{Contention, Rates, Running};
use super::throttle::Meter;

/// Max-min fair sharing of DRAM bandwidth; shares of accelerators do not matter.
///
/// Does not allocate once it has seen its largest set of runs.
#[derive(Clone, Debug)]
pub struct MaxMinFair {
    bandwidth: Bandwidth,
    /// Demands in rising order, kept for its memory.
    sorted: Vec<u64>,
}

impl MaxMinFair {
    /// All runs share `bandwidth`.
    #[must_use]
    pub const fn new(bandwidth: Bandwidth) -> Self {
        Self { bandwidth, sorted: Vec::new() }
    }

    /// The largest grant for which all grants fit.
    fn level(&mut self, running: &[Running]) -> Bandwidth {
        // Saturation can only say "fits" to a bandwidth without limit, to which everything does.
        let wanted =
            running.iter().fold(0, |sum: u64, run| sum.saturating_add(run.demand.bytes_per_window()));
        if wanted <= self.bandwidth.bytes_per_window() {
            return Bandwidth::UNLIMITED;
        }
        self.sorted.clear();
        self.sorted.extend(running.iter().map(|run| run.demand.bytes_per_window()));
        self.sorted.sort_unstable();
        let mut free = self.bandwidth.bytes_per_window();
        for (met, demand) in self.sorted.iter().enumerate() {
            let left = (running.len() - met) as u64;
            // A product, not a quotient: one division in all.
            if u128::from(*demand) * u128::from(left) > u128::from(free) {
                return Bandwidth::from_bytes_per_window(free / left);
            }
            free -= demand;
        }
        Bandwidth::UNLIMITED
    }
}

impl Contention for MaxMinFair {
    fn rates(&mut self, _: Time, running: &[Running], out: &mut [Rates]) {
        debug_assert_eq!(running.len(), out.len());
        let level = self.level(running);
        for (run, rates) in running.iter().zip(out) {
            *rates = Rates { compute: Speed::FULL, transfer: run.demand.min(level) };
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
        Box::new(self.clone())
    }
}
