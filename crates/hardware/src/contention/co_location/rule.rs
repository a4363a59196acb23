//! The rule of contention on accelerators whose runs slow each other down, over the rule of the memory that all share.

use std::sync::Arc;

use rtmm_workload::Time;

use super::copies::{CopyOrder, Phase};
use super::residence::CoLocations;
use super::resident::Resident;
use crate::contention::bandwidth::{Bandwidth, Share, Speed};
use crate::contention::rates::{Contention, Rates, Running};
use crate::contention::throttle::Meter;

/// Runs that slow each other down on their accelerators, beside what they do to each other in shared memory. Co-location holds
/// back the compute of a layer, the memory its traffic.
///
/// Does not allocate once it has seen its largest set of runs.
#[derive(Clone, Debug)]
pub struct CoLocated {
    /// The rule of the memory; none where accelerators share none.
    memory: Option<Box<dyn Contention>>,
    co_locations: Arc<CoLocations>,
    /// Units and batch by class.
    classes: Arc<[(u32, u32)]>,
    others: Vec<Resident>,
}

impl CoLocated {
    /// The rule for runs of classes of so many units and inferences, in the order of the classes.
    #[must_use]
    pub fn new(
        memory: Option<Box<dyn Contention>>,
        co_locations: Arc<CoLocations>,
        classes: impl Iterator<Item = (u32, u32)>,
    ) -> Self {
        Self { memory, co_locations, classes: classes.collect(), others: Vec::new() }
    }

    fn resident(&self, run: &Running) -> Resident {
        let (units, batch) = self.classes.get(run.class.index()).copied().unwrap_or((1, 1));
        Resident { model: run.model, layer: run.layer, units, batch }
    }

    fn phase(&self, run: &Running) -> Phase {
        self.co_locations.phase(run.accelerator, run.model, run.layer)
    }

    /// The rate of kernels beside those of the other runs on their accelerator.
    fn of_kernels(&mut self, now: Time, running: &[Running], at: usize) -> Speed {
        let own = &running[at];
        let mut others = std::mem::take(&mut self.others);
        others.clear();
        for (position, run) in running.iter().enumerate() {
            let is_beside = position != at && run.accelerator == own.accelerator;
            if is_beside && self.phase(run) == Phase::Kernels {
                others.push(self.resident(run));
            }
        }
        let slowdown = self.co_locations.slowdown(now, own.accelerator, &self.resident(own), &others);
        self.others = others;
        Speed::of_slowdown(slowdown)
    }

    /// The rate of a copy beside those that go the same way.
    fn of_copy(&self, running: &[Running], at: usize, phase: Phase) -> Speed {
        let own = &running[at];
        let goes_along = |run: &Running| run.accelerator == own.accelerator && self.phase(run) == phase;
        let copies = running.iter().enumerate().filter(|(_, run)| goes_along(run));
        let first = match self.co_locations.copy_order(own.accelerator) {
            CopyOrder::Fifo => copies.min_by_key(|(position, run)| (run.began, *position)),
            CopyOrder::Priority => copies.min_by_key(|(position, run)| {
                (!run.is_underway, std::cmp::Reverse(run.priority), run.began, *position)
            }),
            CopyOrder::Share => {
                let count = u32::try_from(copies.count()).unwrap_or(u32::MAX).max(1);
                return Speed::from_parts((Speed::FULL.parts() / count).max(1));
            }
        };
        if first.is_some_and(|(first, _)| first == at) { Speed::FULL } else { Speed::ZERO }
    }
}

impl Contention for CoLocated {
    fn rates(&mut self, now: Time, running: &[Running], out: &mut [Rates]) {
        debug_assert_eq!(running.len(), out.len());
        match &mut self.memory {
            Some(memory) => memory.rates(now, running, out),
            None => {
                for (run, rates) in running.iter().zip(&mut *out) {
                    *rates = Rates { compute: Speed::FULL, transfer: run.demand };
                }
            }
        }
        for (at, rates) in out.iter_mut().enumerate() {
            if self.co_locations.is_stated(running[at].accelerator) {
                rates.compute = match self.phase(&running[at]) {
                    Phase::Kernels => self.of_kernels(now, running, at),
                    phase => self.of_copy(running, at, phase),
                };
            }
        }
    }

    fn meter(&self, share: Share) -> Option<Meter> {
        self.memory.as_ref()?.meter(share)
    }

    fn has_priorities(&self) -> bool {
        let of_memory = self.memory.as_ref().is_some_and(|memory| memory.has_priorities());
        of_memory || self.co_locations.has_priorities()
    }

    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        if let Some(memory) = &mut self.memory {
            memory.set_bandwidth(bandwidth);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Contention> {
        Box::new(self.clone())
    }
}
