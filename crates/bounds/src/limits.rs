//! Limits of the work that goes into bounds.

/// Work that may go into bounds. The same limits give the same bounds on every machine, unless what tells to stop stops
/// the work before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Jobs of a window that is bounded as a whole from below; longer ones are cut into slices of as many.
    pub whole: usize,
    /// Blocks of layers that the chains of jobs are divided into at first, where accelerators that run all of them allow so few;
    /// into more where that is not enough.
    pub blocks: usize,
    /// Sets of late jobs that the lower bound looks into.
    pub branches: u32,
    /// Rounds of prices and columns for each of them.
    pub rounds: u32,
    /// Steps of the search among lists, for each number of blocks.
    pub repairs: u32,
    /// Partial schedules that the search looks into.
    pub nodes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { whole: 160, blocks: 4, branches: 40, rounds: 40, repairs: 6_000, nodes: 50_000 }
    }
}

impl Limits {
    /// So many times the work, in slices and blocks as they are.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        Self {
            whole: self.whole,
            blocks: self.blocks,
            branches: self.branches.saturating_mul(factor),
            rounds: self.rounds,
            repairs: self.repairs.saturating_mul(factor),
            nodes: self.nodes.saturating_mul(factor),
        }
    }
}
