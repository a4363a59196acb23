//! Busy time of one accelerator in a plan.
//!
//! Work that is planned earlier comes first, and gives way at layer boundaries: work that is planned later fills what is left
//! free from its release on. So the end of it is the instant by which so much free time has passed, and all free time between
//! its release and its end is taken. Times are picoseconds since the run began.

/// A span in which an accelerator is busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    start: u64,
    end: u64,
}

/// Spans in which an accelerator is busy: apart from each other, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    blocks: Vec<Block>,
}

impl Timeline {
    /// Forgets all that is planned: busy until `free`.
    pub(super) fn reset(&mut self, free: u64) {
        self.blocks.clear();
        self.blocks.push(Block { start: 0, end: free });
    }

    /// The end of work that takes `length` and can begin at `release`, behind all that is planned.
    pub(super) fn end_of(&self, release: u64, length: u64) -> u64 {
        if length == 0 {
            return release;
        }
        let (mut at, mut left) = (release, length);
        for block in &self.blocks {
            if block.end <= at {
                continue;
            }
            let gap = block.start.saturating_sub(at);
            if gap >= left {
                break;
            }
            left -= gap;
            at = block.end;
        }
        at.saturating_add(left)
    }

    /// Spans in which it is busy from an instant on.
    pub(super) fn busy(&self, from: u64) -> impl Iterator<Item = (u64, u64)> {
        self.blocks
            .iter()
            .map(move |block| (block.start.max(from), block.end))
            .filter(|(start, end)| start < end)
    }

    /// Plans work, and returns its end.
    pub(super) fn place(&mut self, release: u64, length: u64) -> u64 {
        let end = self.end_of(release, length);
        if length == 0 {
            return end;
        }
        let first = self.blocks.iter().take_while(|block| block.end < release).count();
        let touched = self.blocks[first..].iter().take_while(|block| block.start <= end).count();
        let Some(last) = touched.checked_sub(1).map(|last| first + last) else {
            self.blocks.insert(first, Block { start: release, end });
            return end;
        };
        let start = self.blocks[first].start.min(release);
        let joined = Block { start, end: self.blocks[last].end.max(end) };
        self.blocks[first] = joined;
        self.blocks.drain(first + 1..=last);
        end
    }
}

#[cfg(test)]
mod tests {
    use rtmm_workload::random::{Draws, Stream};

    use super::*;

    #[test]
    fn later_work_fills_what_earlier_work_leaves() {
        let mut timeline = Timeline::default();
        timeline.reset(14);
        // What comes at 20 keeps its place, and what is planned behind it runs before and after.
        assert_eq!(timeline.place(20, 5), 25);
        assert_eq!(timeline.end_of(10, 6), 20);
        assert_eq!(timeline.end_of(10, 7), 26);
        assert_eq!(timeline.place(10, 8), 27);
        assert_eq!(timeline.blocks, [Block { start: 0, end: 27 }]);
        assert_eq!(timeline.place(12, 1), 28);
        assert_eq!(timeline.place(40, 0), 40);
        assert_eq!(timeline.blocks.len(), 1);
    }

    /// The same by single instants: a slot is busy or free.
    #[test]
    fn ends_are_those_of_a_search_slot_by_slot() {
        let draws = Draws::new(1, Stream::Bootstrap, "timelines");
        for case in 0..2_000 {
            let mut thrown = 0;
            let mut below = |bound: u64| {
                thrown += 1;
                draws.below(case, thrown, bound)
            };
            let free = below(8);
            let mut timeline = Timeline::default();
            timeline.reset(free);
            let mut busy = [false; 200];
            (0..free as usize).for_each(|at| busy[at] = true);
            for _ in 0..8 {
                let (release, length) = (below(40), below(9));
                let mut at = release as usize;
                for _ in 0..length {
                    while busy[at] {
                        at += 1;
                    }
                    busy[at] = true;
                    at += 1;
                }
                assert_eq!(timeline.end_of(release, length), timeline.clone().place(release, length));
                assert_eq!(timeline.place(release, length), at as u64, "case {case}");
                assert!(timeline.blocks.is_sorted_by(|one, next| one.end < next.start), "case {case}");
            }
        }
    }
}
