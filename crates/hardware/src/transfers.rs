//! Transfers: what it costs that a job goes on on another accelerator.
//!
//! The bytes that are live after the last layer of the job go over the link between the two accelerators, or through the
//! memory that all of them share, where they are written and read again:
//!
//! ```text
//! time   = latency + crossings x bytes / bandwidth, each crossing rounded up to a picosecond
//! energy = crossings x bytes x pj_per_byte
//! ```
//!
//! Crossings are 1 for a link and 2 for the memory. Nothing else is on the link at that time.

use rtmm_workload::Duration;

use crate::contention::Bandwidth;
use crate::energy::Energy;
use crate::ids::AcceleratorId;

/// A way between two accelerators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The rate at which bytes move.
    pub bandwidth: Bandwidth,
    /// Time before the first byte.
    pub latency: Duration,
    /// Energy of a byte that crosses it, in picojoules; at least zero.
    pub pj_per_byte: f64,
    /// The number of times that bytes cross it: once, or twice where they are written to memory and read again.
    pub crossings: u32,
}

impl Link {
    /// The time and the energy of moving bytes.
    #[must_use]
    pub fn cost(&self, bytes: u64) -> (Duration, Energy) {
        let crossing = self.bandwidth.time_for(bytes).picoseconds();
        let crossings = u64::from(self.crossings);
        let moving = Duration::from_picoseconds(crossing.saturating_mul(crossings));
        let crossed = bytes.saturating_mul(crossings);
        let energy = Energy::from_picojoules(self.pj_per_byte * crossed as f64);
        (self.latency.saturating_add(moving), energy)
    }
}

/// The ways between all accelerators of a platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfers {
    /// Bytes of an element of a layer that does not state its live bytes.
    pub element_bytes: u64,
    /// By accelerator, then by the other one: what lies between an accelerator and itself has no meaning.
    links: Vec<Vec<Link>>,
}

impl Transfers {
    /// The ways that `between` says for each two accelerators of `count`, which are the same in both directions.
    #[must_use]
    pub fn new(element_bytes: u64, count: usize, between: impl Fn(usize, usize) -> Link) -> Self {
        let of = |from: usize| (0..count).map(|to| between(from.min(to), from.max(to))).collect();
        Self { element_bytes, links: (0..count).map(of).collect() }
    }

    /// The way from one accelerator to another.
    #[must_use]
    pub fn between(&self, from: AcceleratorId, to: AcceleratorId) -> &Link {
        &self.links[from.index()][to.index()]
    }

    /// The time and the energy of a job that takes so many elements, and bytes besides, from one accelerator to another.
    #[must_use]
    pub fn cost(
        &self,
        from: AcceleratorId,
        to: AcceleratorId,
        elements: u64,
        bytes: u64,
    ) -> (Duration, Energy) {
        let of_elements = elements.saturating_mul(self.element_bytes);
        self.between(from, to).cost(of_elements.saturating_add(bytes))
    }

    /// Everything that determines costs, in one canonical text.
    #[must_use]
    pub(crate) fn identity(&self) -> String {
        let mut text = format!("{}B", self.element_bytes);
        for (from, row) in self.links.iter().enumerate() {
            for Link { bandwidth, latency, pj_per_byte, crossings } in &row[from + 1..] {
                let (bytes, latency) = (bandwidth.bytes_per_window(), latency.picoseconds());
                text.push_str(&format!(",{crossings}x{bytes}+{latency}ps+{pj_per_byte}pJ"));
            }
        }
        text
    }
}
