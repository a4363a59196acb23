//! Timelines of accelerators: pieces, and gaps between them.

use rtmm_hardware::AcceleratorId;

use super::blocks::{Piece, PieceCost};
use crate::window::Window;

/// A piece on an accelerator.
#[derive(Clone, Copy, Debug)]
struct Slot {
    start: u64,
    end: u64,
    /// When all that it waits for is there.
    ready: u64,
    network: usize,
    enter: u64,
    leave: u64,
}

/// Slots of all accelerators, by start.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    slots: Vec<Vec<Slot>>,
    switches: Vec<u64>,
}

impl Timeline {
    pub(super) fn new(window: &Window) -> Self {
        let switches: Vec<u64> = window.accelerators().iter().map(|one| one.switch.picoseconds()).collect();
        Self { slots: vec![Vec::new(); switches.len()], switches }
    }

    pub(super) fn clear(&mut self) {
        self.slots.iter_mut().for_each(Vec::clear);
    }

    /// The first instant at which a piece that is ready can begin on an accelerator; one at which it ends behind `limit` where it
    /// cannot end by then.
    pub(super) fn earliest(
        &self,
        on: AcceleratorId,
        (network, cost): (usize, &PieceCost),
        ready: u64,
        limit: u64,
    ) -> u64 {
        let (slots, switch) = (&self.slots[on.index()], self.switches[on.index()]);
        let mut gap = slots.partition_point(|slot| slot.end <= ready);
        loop {
            let mut start = ready;
            if let Some(before) = gap.checked_sub(1).map(|before| &slots[before]) {
                start = start.max(before.end);
                if before.network != network {
                    start += switch + before.leave + cost.enter;
                }
            }
            let end = start + cost.time;
            let Some(after) = slots.get(gap).filter(|_| end <= limit) else { return start };
            let mut from = end;
            if after.network != network {
                from = end.max(after.ready) + switch + cost.leave + after.enter;
            }
            if from <= after.start {
                return start;
            }
            gap += 1;
        }
    }

    /// Puts a piece where [`Timeline::earliest`] found room for it.
    pub(super) fn put(
        &mut self,
        on: AcceleratorId,
        piece: &Piece,
        cost: &PieceCost,
        (start, ready): (u64, u64),
    ) {
        let PieceCost { time, enter, leave, .. } = *cost;
        let slot = Slot { start, end: start + time, ready, network: piece.network, enter, leave };
        let slots = &mut self.slots[on.index()];
        let at = slots.partition_point(|known| (known.start, known.end) <= (slot.start, slot.end));
        slots.insert(at, slot);
    }

    /// Takes out a piece that was put in last.
    pub(super) fn take(&mut self, on: AcceleratorId, piece: &Piece, cost: &PieceCost, start: u64) {
        let slots = &mut self.slots[on.index()];
        let (end, network) = (start + cost.time, piece.network);
        let behind = slots.partition_point(|slot| (slot.start, slot.end) <= (start, end));
        // Pieces without length can lie at one instant.
        let own = slots[..behind].iter().rposition(|slot| {
            (slot.start, slot.end, slot.network) == (start, end, network)
                && (slot.enter, slot.leave) == (cost.enter, cost.leave)
        });
        if let Some(own) = own {
            slots.remove(own);
        }
    }
}
