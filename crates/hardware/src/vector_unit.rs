//! The vector unit: what runs pooling, elementwise operations and normalisation beside an array
//! of multiply-accumulators.
//!
//! `cycles = max(ceil(operations / lanes), ceil((elements in + elements out) / bandwidth))`, one
//! operation a lane and cycle, operands streamed from and to the accelerator's shared buffer.

use rtmm_workload::VectorWork;

/// Lanes and the rate at which operands reach them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VectorUnit {
    /// Operations a cycle.
    pub lanes: u64,
    /// Elements a cycle between the unit and the shared buffer.
    pub bandwidth: u64,
}

impl VectorUnit {
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
