//! Two shared levels at once: the on-chip cache in front of the off-chip memory.
//!
//! A layer's traffic crosses both levels at one pace. Each level is divided by its own rule, by what the layer
//! would use of it alone, and the layer goes at the pace of the level that grants it the smaller part of that.
//! Bandwidth of one level that a layer cannot use because the other is slower is not handed on.
//!
//! ```text
//! pace = min(granted / demanded at the cache, granted / demanded at the memory)
//! ```

use rtmm_workload::Time;

use super::bandwidth::{Bandwidth, Share};
use super::max_min::MaxMinFair;
use super::rates::{Contention, Rates, Running};
use super::throttle::Meter;

/// A rule of the off-chip memory, behind a cache that is shared by demand, max-min fair.
///
/// Does not allocate once it has seen its largest set of runs.
#[derive(Clone, Debug)]
pub struct BehindCache {
    memory: Box<dyn Contention>,
    cache: MaxMinFair,
    at_cache: Vec<Running>,
    of_cache: Vec<Rates>,
}

impl BehindCache {
    /// A memory behind a cache of `bandwidth`.
    #[must_use]
    pub fn new(memory: Box<dyn Contention>, bandwidth: Bandwidth) -> Self {
        Self { memory, cache: MaxMinFair::new(bandwidth), at_cache: Vec::new(), of_cache: Vec::new() }
    }
}

/// The part of `whole` that `granted` is of `demanded`, rounded down, so that no level is asked for more than it grants, but
/// to one at least, so that no layer that is granted anything stands still.
fn in_proportion(whole: Bandwidth, granted: Bandwidth, demanded: Bandwidth) -> Bandwidth {
    if granted == demanded {
        return whole;
    }
    let [whole, granted, demanded] =
        [whole, granted, demanded].map(|bandwidth| u128::from(bandwidth.bytes_per_window()));
    let part = (whole * granted / demanded.max(1)).max(u128::from(granted > 0 && whole > 0));
    Bandwidth::from_bytes_per_window(u64::try_from(part).unwrap_or(u64::MAX))
}

impl Contention for BehindCache {
    fn rates(&mut self, now: Time, running: &[Running], out: &mut [Rates]) {
        self.memory.rates(now, running, out);
        self.at_cache.clear();
        self.at_cache.extend(running.iter().map(|run| Running { demand: run.cache_demand, ..*run }));
        self.of_cache.clear();
        self.of_cache.resize(running.len(), Rates::default());
        self.cache.rates(now, &self.at_cache, &mut self.of_cache);
        for ((run, rates), of_cache) in running.iter().zip(out).zip(&self.of_cache) {
            // A layer without off-chip traffic goes at the pace of the cache alone.
            rates.transfer = if run.demand == Bandwidth::ZERO {
                of_cache.transfer
            } else {
                rates.transfer.min(in_proportion(run.demand, of_cache.transfer, run.cache_demand))
            };
        }
    }

    fn meter(&self, share: Share) -> Option<Meter> {
        self.memory.meter(share)
    }

    fn has_priorities(&self) -> bool {
        self.memory.has_priorities()
    }

    /// That of the memory: the cache keeps its own.
    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        self.memory.set_bandwidth(bandwidth);
    }

    fn boxed_clone(&self) -> Box<dyn Contention> {
        Box::new(self.clone())
    }
}
