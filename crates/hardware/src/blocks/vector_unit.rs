//! The vector unit: what runs pooling, elementwise operations and normalisation beside an array
//! of multiply-accumulators.
//!
//! `cycles = max(ceil(operations / lanes), ceil((elements in + elements out) / bandwidth))`, one
//! operation a lane and cycle, operands streamed from and to the accelerator's shared buffer.

use rtmm_workload::VectorWork;
use rtmm_workload::input::Table;
use rtmm_workload::parameters::{Integer, Typed};
use serde::Serialize;

use super::add;
use crate::cost::CostError;

/// The most lanes, and elements a cycle to and from them, that a file can state.
pub const MAX_LANES: u64 = 1 << 24;

/// Lanes and the rate at which operands reach them. Identities have both under the keys of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VectorUnit {
    /// Operations a cycle.
    #[serde(rename = "vector_lanes")]
    pub lanes: u64,
    /// Elements a cycle between the unit and the shared buffer.
    #[serde(rename = "vector_bandwidth")]
    pub bandwidth: u64,
}

impl VectorUnit {
    /// A unit whose lanes get two operands a cycle each.
    #[must_use]
    pub const fn with_lanes(lanes: u64) -> Self {
        Self { lanes, bandwidth: 2 * lanes }
    }

    /// The key `vector_bandwidth`.
    pub const BANDWIDTH: Integer<u64> = Integer::derived(
        "vector_bandwidth",
        "bandwidth to and from the vector unit",
        "2 x vector_lanes",
        1..=MAX_LANES,
    )
    .in_unit("elements a cycle");

    /// The key `vector_lanes`; `otherwise` says how many there are where it is not stated.
    #[must_use]
    pub const fn lanes_key(meaning: &'static str, otherwise: &'static str) -> Integer<u64> {
        Integer::derived("vector_lanes", meaning, otherwise, 1..=MAX_LANES)
    }

    /// Reads `lanes` and [`VectorUnit::BANDWIDTH`] from an accelerator's table. Without a bandwidth it is that of
    /// [`VectorUnit::with_lanes`], and at most `widest`.
    pub fn decode(table: &Table<'_>, lanes: &Integer<u64>, usual_lanes: u64, widest: u64) -> Self {
        let usual = Self::with_lanes(lanes.stated(table).unwrap_or(usual_lanes));
        let bandwidth = Self::BANDWIDTH.stated(table).unwrap_or(usual.bandwidth.min(widest));
        Self { bandwidth, ..usual }
    }

    /// Cycles for `work`; at least 1 where there is any work at all.
    #[must_use]
    pub fn cycles(&self, work: &VectorWork) -> u64 {
        let elements = work.elements_in.saturating_add(work.elements_out);
        if work.moves_nothing() {
            return 0;
        }
        work.operations.div_ceil(self.lanes.max(1)).max(elements.div_ceil(self.bandwidth.max(1)))
    }
}

/// Sums over the vector kernels of a layer. Kernels that move nothing count nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VectorTotals {
    /// Kernels, each as often as it runs.
    pub runs: u64,
    /// Cycles of the unit.
    pub cycles: u64,
    /// Operations.
    pub operations: u64,
    /// Elements in and out.
    pub elements: u64,
    /// Elements in.
    pub elements_in: u64,
}

impl VectorTotals {
    /// Adds `work`, which takes `cycles`, `times` times.
    ///
    /// # Errors
    /// [`CostError::Overflow`] names the count that leaves 64 bits.
    pub fn add(&mut self, work: &VectorWork, cycles: u64, times: u64) -> Result<(), CostError> {
        if cycles == 0 {
            return Ok(());
        }
        add(&mut self.runs, 1, times, "vector operations")?;
        add(&mut self.cycles, cycles, times, "cycles")?;
        add(&mut self.operations, work.operations, times, "vector operations")?;
        add(&mut self.elements_in, work.elements_in, times, "vector operands")?;
        add(&mut self.elements, work.elements_in.saturating_add(work.elements_out), times, "vector operands")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_lanes_and_operands_decides() {
        let unit = VectorUnit { lanes: 8, bandwidth: 4 };
        let work =
            |elements_in, elements_out, operations| VectorWork { elements_in, elements_out, operations };
        assert_eq!(unit.cycles(&work(8, 8, 1_000)), 125);
        assert_eq!(unit.cycles(&work(8, 8, 1)), 4);
        assert_eq!(unit.cycles(&work(9, 8, 0)), 5);
        assert_eq!(unit.cycles(&work(0, 100, 0)), 0);
    }
}
