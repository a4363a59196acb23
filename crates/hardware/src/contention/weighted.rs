//! Max-min fair sharing by weight: a run's share is its weight.
//!
//! Grants rise in proportion to weights; a run stops where its demand is met, and what it leaves is for the
//! others. With equal weights it is [`MaxMinFair`](super::MaxMinFair), but for rounding.
//!
//! ```text
//! grant = min(demand, floor(weight * F / W))    F, W: the bandwidth and the weights that met demands leave
//! ```
//!
//! Weighted fair queueing in memory controllers, such as Nesbit et al., "Fair queuing memory systems",
//! MICRO 2006, aims at these rates.

use rtmm_workload::Time;

use super::bandwidth::{Bandwidth, Share, Speed};
use super::rates::{Contention, Rates, Running};
use super::throttle::Meter;

/// Max-min fair sharing of DRAM bandwidth by weight.
///
/// Does not allocate once it has seen its largest set of runs.
#[derive(Clone, Debug)]
pub struct WeightedFair {
    bandwidth: Bandwidth,
    /// Positions of runs by demand over weight, kept for its memory.
    order: Vec<usize>,
}

impl WeightedFair {
    /// All runs share `bandwidth`.
    #[must_use]
    pub const fn new(bandwidth: Bandwidth) -> Self {
        Self { bandwidth, order: Vec::new() }
    }
}

/// The weight of a run: no run is without.
fn weight(run: &Running) -> u64 {
    u64::from(run.share.millionths().max(1))
}

impl Contention for WeightedFair {
    fn rates(&mut self, _: Time, running: &[Running], out: &mut [Rates]) {
        debug_assert_eq!(running.len(), out.len());
        for (run, rates) in running.iter().zip(&mut *out) {
            *rates = Rates { compute: Speed::FULL, transfer: run.demand };
        }
        let wanted =
            running.iter().fold(0, |sum: u64, run| sum.saturating_add(run.demand.bytes_per_window()));
        if wanted <= self.bandwidth.bytes_per_window() {
            return;
        }
        self.order.clear();
        self.order.extend(0..running.len());
        // By demand over weight, as products.
        let product = |one: &Running, other: &Running| {
            u128::from(one.demand.bytes_per_window()) * u128::from(weight(other))
        };
        self.order.sort_unstable_by(|one, other| {
            let (one, other) = (&running[*one], &running[*other]);
            product(one, other).cmp(&product(other, one))
        });
        let mut free = self.bandwidth.bytes_per_window();
        let mut weights: u64 = running.iter().map(weight).sum();
        for (met, position) in self.order.iter().enumerate() {
            let run = &running[*position];
            let demand = run.demand.bytes_per_window();
            if u128::from(demand) * u128::from(weights) > u128::from(free) * u128::from(weight(run)) {
                // Those that follow want at least as much for their weights.
                for position in &self.order[met..] {
                    let part =
                        u128::from(free) * u128::from(weight(&running[*position])) / u128::from(weights);
                    let part = Bandwidth::from_bytes_per_window(u64::try_from(part).unwrap_or(u64::MAX));
                    out[*position].transfer = running[*position].demand.min(part);
                }
                return;
            }
            free -= demand;
            weights -= weight(run);
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

#[cfg(test)]
mod tests {
    use rtmm_workload::{LayerId, ModelId};

    use super::*;
    use crate::contention::{MaxMinFair, Share};
    use crate::ids::{AcceleratorId, ClassId};

    fn running(of: &[(u64, u32)]) -> Vec<Running> {
        let run = |(index, (demand, share)): (usize, &(u64, u32))| Running {
            accelerator: AcceleratorId::new(index),
            model: ModelId::new(0),
            layer: LayerId::new(0),
            class: ClassId::new(0),
            demand: Bandwidth::from_bytes_per_window(*demand),
            cache_demand: Bandwidth::ZERO,
            share: Share::from_millionths(*share).expect("a share"),
            began: Time::ZERO,
            priority: 0,
            is_underway: false,
        };
        of.iter().enumerate().map(run).collect()
    }

    fn granted(mut rule: impl Contention, of: &[(u64, u32)]) -> Vec<u64> {
        let running = running(of);
        let mut out = vec![Rates::default(); running.len()];
        rule.rates(Time::ZERO, &running, &mut out);
        out.iter().map(|rates| rates.transfer.bytes_per_window()).collect()
    }

    #[test]
    fn grants_are_in_proportion_to_weights_until_demands_are_met() {
        let rule = || WeightedFair::new(Bandwidth::from_bytes_per_window(120));
        assert_eq!(granted(rule(), &[(100, 250_000), (100, 750_000)]), [30, 90]);
        // The second wants less than its part: the rest is for the first.
        assert_eq!(granted(rule(), &[(100, 250_000), (40, 750_000)]), [80, 40]);
        assert_eq!(granted(rule(), &[(50, 1), (70, 1_000_000)]), [50, 70], "all fit");
        assert_eq!(granted(rule(), &[(0, 500_000), (200, 1), (200, 2)]), [0, 40, 80]);
        assert_eq!(granted(rule(), &[]), [0; 0]);
    }

    #[test]
    fn equal_weights_are_max_min_fair() {
        for bandwidth in [7, 100, 101, 300] {
            for demands in [[10, 50, 90], [34, 33, 33], [0, 99, 100], [200, 200, 200]] {
                let equal: Vec<(u64, u32)> = demands.iter().map(|demand| (*demand, 400_000)).collect();
                let bandwidth = Bandwidth::from_bytes_per_window(bandwidth);
                assert_eq!(
                    granted(WeightedFair::new(bandwidth), &equal),
                    granted(MaxMinFair::new(bandwidth), &equal)
                );
            }
        }
    }
}
