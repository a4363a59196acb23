//! Buffers of a prediction, kept from one to the next on each thread: once warm, a prediction allocates nothing.

use std::cell::RefCell;

use super::derivatives::{Derivatives, Slopes};
use super::residual::{FEATURES, features};
use super::timeline::{self, Lane, Module};
use crate::Segment;

/// Group of segments as a prediction needs it.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// The segments in their own order.
    pub segments: Vec<Segment>,
    /// For each segment the position in `modules` behind its last one.
    pub ends: Vec<usize>,
    /// The modules of all segments, one after another.
    pub modules: Vec<Module>,
    lanes: Vec<Lane>,
    derivatives: Derivatives,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Result of a function that uses the buffers of this thread, and that makes no other prediction.
pub(super) fn with<T>(of: impl FnOnce(&mut Buffers) -> T) -> T {
    BUFFERS.with_borrow_mut(of)
}

impl Buffers {
    /// Sorted segments whose modules are not known as yet.
    pub(super) fn start(&mut self, segments: &[Segment]) {
        self.segments.clear();
        self.segments.extend_from_slice(segments);
        self.segments.sort_unstable();
        self.ends.clear();
        self.modules.clear();
    }

    /// Time until all segments have ended, in microseconds.
    pub(super) fn time(&mut self) -> f64 {
        timeline::time(&self.ends, &self.modules, &mut self.lanes)
    }

    /// The same, and its derivatives in [`Self::slopes`].
    pub(super) fn derive(&mut self) -> f64 {
        self.derivatives.of(&self.ends, &self.modules)
    }

    /// Derivatives by each module.
    pub(super) fn slopes(&self) -> &[Slopes] {
        &self.derivatives.modules
    }

    /// The features of the group, whose time by the walk has a part that is fixed.
    pub(super) fn features(&self, time: f64, fixed: f64) -> [f64; FEATURES] {
        features(&self.segments, &self.ends, &self.modules, time, fixed)
    }
}
