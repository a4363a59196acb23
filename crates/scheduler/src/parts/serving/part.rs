//! Parts of a batch: copies, and kernels between them.

use std::ops::Range;

use rtmm_hardware::{AcceleratorId, ClassId, Phase, Resident};
use rtmm_workload::{Duration, LayerId, ModelId, Time};

use crate::view::View;

/// The part of a batch that is left of what it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub model: ModelId,
    pub class: ClassId,
    pub units: u32,
    pub batch: u32,
    /// The first layer of what it is in, and what that is.
    pub layer: u32,
    pub phase: Phase,
    /// Time alone that is left of it.
    pub left: Duration,
    /// True if some of it is done.
    pub is_underway: bool,
    /// The highest priority of its requests, as far as it is known.
    pub priority: i32,
    /// When it began: copies wait for those before them.
    pub began: Time,
    /// Time until it begins at all.
    pub wait: Duration,
}

impl Part {
    /// The layer as a rule of co-location sees it.
    pub(super) fn resident(&self) -> Resident {
        let Self { model, units, batch, layer, .. } = *self;
        Resident { model, layer: LayerId::new(layer as usize), units, batch }
    }

    /// The time of what begins with a layer, alone: of all kernels together, unless layers are told apart.
    fn stretch(&self, view: &View<'_>, kernels: &Range<u32>, layer: u32, by_layer: bool) -> Duration {
        if by_layer || !kernels.contains(&layer) {
            return view.profile.latency(self.model, layer, self.class);
        }
        let rest = |from: u32| view.profile.remaining(self.model, from, self.class);
        rest(layer).saturating_sub(rest(kernels.end))
    }

    /// The part that begins with a layer; none behind the last one.
    pub(super) fn at(
        self,
        view: &View<'_>,
        on: AcceleratorId,
        kernels: &Range<u32>,
        layer: u32,
        by_layer: bool,
        began: Time,
    ) -> Option<Self> {
        if layer >= view.profile.layers(self.model) {
            return None;
        }
        let left = self.stretch(view, kernels, layer, by_layer);
        let phase = view.profile.phase(on, self.model, layer);
        Some(Self { layer, phase, left, is_underway: false, began, wait: Duration::ZERO, ..self })
    }

    /// Has so much of it done.
    pub(super) fn advance(&mut self, done: Duration) {
        self.is_underway |= !done.is_zero();
        self.left = self.left.saturating_sub(done);
    }

    /// The layer behind what it is in.
    pub(super) fn next(&self, kernels: &Range<u32>, by_layer: bool) -> u32 {
        if kernels.contains(&self.layer) && !by_layer { kernels.end } else { self.layer + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_underway_once_some_of_it_is_done() {
        let mut part = Part {
            model: ModelId::new(0),
            class: ClassId::new(0),
            units: 1,
            batch: 1,
            layer: 0,
            phase: Phase::ToDevice,
            left: Duration::from_picoseconds(5),
            is_underway: false,
            priority: 0,
            began: Time::ZERO,
            wait: Duration::ZERO,
        };
        // A copy that waits for another one has begun, and nothing of it is done.
        for (done, left, is_underway) in [(0, 5, false), (2, 3, true), (0, 3, true), (9, 0, true)] {
            part.advance(Duration::from_picoseconds(done));
            assert_eq!((part.left.picoseconds(), part.is_underway), (left, is_underway));
        }
    }
}
