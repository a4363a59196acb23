//! Frames that are linked to others: what each needs, and what became of it.
//!
//! A frame needs, of each task that its own depends on, the latest frame that arrived no later than
//! itself. This table holds the frames of linked tasks from their arrival until nothing can need
//! them any more: memory follows what is in flight, not the length of the run.

use std::collections::VecDeque;

use rtmm_scheduler::JobId;
use rtmm_workload::{Frame, ModelId, Time};

/// Fate of a frame, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// It needs outcomes or its release; there is no job yet.
    Hidden,
    /// Its job is live.
    Live(JobId),
    /// Its job is complete: what it ran as, and the exit that it took.
    Completed { model: ModelId, exit: Option<u8> },
    /// Its job was dropped: what it ran as, or would have, and the exit that it would have taken.
    Dropped { model: ModelId, exit: Option<u8> },
    /// It was not triggered: there is no job.
    NotTriggered,
}

impl Fate {
    pub(crate) fn is_settled(self) -> bool {
        matches!(self, Self::Completed { .. } | Self::Dropped { .. } | Self::NotTriggered)
    }
}

/// A frame of a linked task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linked {
    pub frame: Frame,
    pub fate: Fate,
    /// Outcomes that are not known yet, and outputs of which it is not known whether they will be.
    pub unknown_left: u32,
    /// Outputs that are not there yet.
    pub data_left: u32,
    /// True if a job that it needs was dropped, so that its own will be too.
    pub dropped_upstream: bool,
    /// Its arrival, or the end of the last job that it needed where that is later.
    pub ready: Time,
    /// True if an event tells when its jitter has passed.
    pub is_queued: bool,
}

/// The frames of one task.
#[derive(Clone, Debug, Default)]
pub(crate) struct FrameTable {
    frames: VecDeque<Linked>,
    /// For each frame, the frame that it needs of each dependency.
    needs: VecDeque<u64>,
    dependencies: usize,
}

impl FrameTable {
    pub(crate) fn new(dependencies: usize) -> Self {
        Self { dependencies, ..Self::default() }
    }

    /// Adds the next frame. `needs` has an entry a dependency.
    pub(crate) fn push(&mut self, linked: Linked, needs: impl Iterator<Item = u64>) {
        self.frames.push_back(linked);
        self.needs.extend(needs);
    }

    /// The index of the latest frame.
    pub(crate) fn latest(&self) -> Option<u64> {
        self.frames.back().map(|latest| latest.frame.index)
    }

    /// Indices rise, but not always by one: a task that pauses leaves a gap.
    fn position(&self, index: u64) -> Option<usize> {
        self.frames.binary_search_by_key(&index, |linked| linked.frame.index).ok()
    }

    pub(crate) fn get(&self, index: u64) -> Option<&Linked> {
        self.frames.get(self.position(index)?)
    }

    pub(crate) fn get_mut(&mut self, index: u64) -> Option<&mut Linked> {
        let position = self.position(index)?;
        self.frames.get_mut(position)
    }

    /// The first frame at or after `from` that needs frame `needed` of dependency `position` and is
    /// not settled.
    pub(crate) fn dependent(&self, position: usize, needed: u64, from: u64) -> Option<u64> {
        let start = self.frames.partition_point(|linked| linked.frame.index < from);
        let found = (start..self.frames.len()).find(|offset| {
            self.needs[offset * self.dependencies + position] == needed
                && !self.frames[*offset].fate.is_settled()
        });
        found.map(|offset| self.frames[offset].frame.index)
    }

    /// Forgets frames that nothing can need any more: all that are settled before the latest one,
    /// which frames that have yet to arrive may need.
    pub(crate) fn forget(&mut self) {
        while self.frames.len() > 1 && self.frames.front().is_some_and(|front| front.fate.is_settled()) {
            self.frames.pop_front();
            self.needs.drain(..self.dependencies);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(index: u64) -> Linked {
        let at = Time::from_picoseconds(index);
        let frame = Frame {
            index,
            arrival: at,
            release: at,
            deadline: at,
            sample: index,
            is_recorded: false,
            priority: 0,
            triggered: true,
        };
        Linked {
            frame,
            fate: Fate::Hidden,
            unknown_left: 0,
            data_left: 1,
            dropped_upstream: false,
            ready: at,
            is_queued: false,
        }
    }

    #[test]
    fn frames_are_kept_while_they_can_be_needed() {
        let mut table = FrameTable::new(1);
        assert_eq!(table.latest(), None);
        for index in 0..4 {
            table.push(frame(index), std::iter::once(index / 2));
        }
        assert_eq!(table.dependent(0, 1, 0), Some(2));
        assert_eq!(table.dependent(0, 1, 3), Some(3));
        assert_eq!(table.dependent(0, 1, 4), None);
        // A frame that settles before an older one stays until that one does.
        table.get_mut(1).expect("kept").fate = Fate::Dropped { model: ModelId::new(0), exit: None };
        table.forget();
        assert!(table.get(1).is_some());
        table.get_mut(0).expect("kept").fate = Fate::NotTriggered;
        table.forget();
        assert!(table.get(0).is_none() && table.get(1).is_none());
        assert_eq!(table.dependent(0, 1, 0), Some(2));
        // The latest one stays whatever became of it.
        for index in 2..4 {
            table.get_mut(index).expect("kept").fate = Fate::NotTriggered;
        }
        table.forget();
        assert_eq!(table.latest(), Some(3));
    }
}
