//! Running layers, their rates, and the trait of the rules that say them.

use std::fmt::Debug;

use rtmm_workload::{LayerId, ModelId, Time};

use super::bandwidth::{Bandwidth, Share, Speed};
use super::throttle::Meter;
use crate::ids::{AcceleratorId, ClassId};

/// A layer that runs, as a contention model sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Where it runs.
    pub accelerator: AcceleratorId,
    /// Of which model it is.
    pub model: ModelId,
    /// Which layer of the model it is.
    pub layer: LayerId,
    /// The class that it runs in.
    pub class: ClassId,
    /// The most DRAM bandwidth that it can use; zero if it has no traffic left.
    pub demand: Bandwidth,
    /// The most bandwidth of the shared cache that it can use; zero if it has no traffic left, and where no
    /// cache is shared.
    pub cache_demand: Bandwidth,
    /// The run's share of the DRAM's bandwidth: its part, weight, cap or threshold, as the rule has it.
    pub share: Share,
    /// When the layer began.
    pub began: Time,
    /// Priority of its run: the highest of its jobs. Told only where the rule [asks for it](Contention::has_priorities); 0 elsewhere.
    pub priority: i32,
    /// True if some of its compute is done. Told only where the rule asks for priorities.
    pub is_underway: bool,
}

/// Rates of the parts of a running layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Progress of the compute part.
    pub compute: Speed,
    /// Pace of its traffic, as the DRAM bandwidth that it takes: at most its demand. Of a layer without
    /// off-chip traffic, the bandwidth of the shared cache.
    pub transfer: Bandwidth,
}

/// A model of how running layers slow each other down.
///
/// Implementations keep nothing between two calls but memory to work in: the same runs, the same
/// rates, in whatever order they are listed.
pub trait Contention: Debug + Send {
    /// Writes the rates of `running[i]` from an instant on to `out[i]`; both have the same length.
    fn rates(&mut self, now: Time, running: &[Running], out: &mut [Rates]);

    /// The throttle of a run with a share whose layer begins; none where the rule has none, and for a share that
    /// holds nothing back. The caller keeps its
    /// history, and shows a run that it holds back as one without demand. A rule that is made of another hands this on.
    fn meter(&self, share: Share) -> Option<Meter>;

    /// True if rates depend on priorities, and on what is underway. Asked once. A rule that is made of another hands this on;
    /// there is no default, so that none forgets to.
    fn has_priorities(&self) -> bool;

    /// The resource has another bandwidth from now on: its clock has changed.
    fn set_bandwidth(&mut self, bandwidth: Bandwidth);

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Contention>;
}

impl Clone for Box<dyn Contention> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

impl Contention for Box<dyn Contention> {
    fn rates(&mut self, now: Time, running: &[Running], out: &mut [Rates]) {
        (**self).rates(now, running, out);
    }

    fn meter(&self, share: Share) -> Option<Meter> {
        (**self).meter(share)
    }

    fn has_priorities(&self) -> bool {
        (**self).has_priorities()
    }

    fn set_bandwidth(&mut self, bandwidth: Bandwidth) {
        (**self).set_bandwidth(bandwidth);
    }

    fn boxed_clone(&self) -> Box<dyn Contention> {
        (**self).boxed_clone()
    }
}
