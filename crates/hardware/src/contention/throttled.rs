//! Sharing among runs that have throttles: by another rule among those that do not pause.
//!
//! ```text
//! grant = what the other rule grants     among the runs that do not pause
//! ```

use rtmm_workload::Time;

use super::bandwidth::{Bandwidth, Share};
use super::rates::{Contention, Rates, Running};
use super::throttle::{Meter, Throttle};

/// A rule under which each run has a throttle. A run's share is its threshold: the part of the bandwidth that it may take
/// in the mean of a window.
///
/// Rates are those of runs that do not pause; the caller keeps the throttle of each run, and shows one that does as one
/// without demand.
#[derive(Clone, Debug)]
pub struct Throttled {
    unthrottled: Box<dyn Contention>,
    bandwidth: Bandwidth,
    throttle: Throttle,
}

impl Throttled {
    /// Runs share `bandwidth` by the rule `unthrottled`.
    #[must_use]
    pub fn new(unthrottled: Box<dyn Contention>, bandwidth: Bandwidth, throttle: Throttle) -> Self {
        Self { unthrottled, bandwidth, throttle }
    }
}

impl Contention for Throttled {
    fn rates(&mut self, now: Time, running: &[Running], out: &mut [Rates]) {
        self.unthrottled.rates(now, running, out);
    }

    fn meter(&self, share: Share) -> Option<Meter> {
        // No more than all of the bandwidth can be moved: such a threshold is never exceeded.
        (share < Share::WHOLE).then(|| self.throttle.meter(self.bandwidth.part(share)))
    }

    fn has_priorities(&self) -> bool {
        self.unthrottled.has_priorities()
    }

    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        self.bandwidth = bandwidth;
        self.unthrottled.set_bandwidth(bandwidth);
    }

    fn boxed_clone(&self) -> Box<dyn Contention> {
        Box::new(self.clone())
    }
}
