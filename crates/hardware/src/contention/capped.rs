//! Max-min fair sharing under a cap of each run: a run's share is the most of the bandwidth that it may take.
//!
//! Caps need not sum to the whole. A cap holds a memory-hungry run back for the others, as MoCA (Kim et al.,
//! HPCA 2023) throttles the loads of a tile; without a cap below the whole it is
//! [`MaxMinFair`](super::MaxMinFair).
//!
//! ```text
//! grant = min(demand, floor(bandwidth * share), L)    with the largest whole L for which the grants fit
//! ```

use rtmm_workload::Time;

use super::bandwidth::{Bandwidth, Share};
use super::max_min::MaxMinFair;
use super::rates::{Contention, Rates, Running};
use super::throttle::Meter;

/// Max-min fair sharing of DRAM bandwidth under caps.
///
/// Does not allocate once it has seen its largest set of runs.
#[derive(Clone, Debug)]
pub struct Capped {
    bandwidth: Bandwidth,
    fair: MaxMinFair,
    /// Runs that demand no more than their caps, kept for its memory.
    capped: Vec<Running>,
}

impl Capped {
    /// All runs share `bandwidth`.
    #[must_use]
    pub const fn new(bandwidth: Bandwidth) -> Self {
        Self { bandwidth, fair: MaxMinFair::new(bandwidth), capped: Vec::new() }
    }
}

impl Contention for Capped {
    fn rates(&mut self, now: Time, running: &[Running], out: &mut [Rates]) {
        self.capped.clear();
        let under_cap =
            |run: &Running| Running { demand: run.demand.min(self.bandwidth.part(run.share)), ..*run };
        self.capped.extend(running.iter().map(under_cap));
        self.fair.rates(now, &self.capped, out);
    }

    fn meter(&self, _share: Share) -> Option<Meter> {
        None
    }

    fn has_priorities(&self) -> bool {
        false
    }

    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        self.bandwidth = bandwidth;
        self.fair.set_bandwidth(bandwidth);
    }

    fn boxed_clone(&self) -> Box<dyn Contention> {
        Box::new(self.clone())
    }
}
