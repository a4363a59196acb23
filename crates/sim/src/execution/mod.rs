//! How segments run: alone on their accelerator, or in competition for what accelerators share.
//!
//! The engine is generic over this, so that platforms that share nothing pay nothing for it.

mod exclusive;
mod shared;

pub use exclusive::Exclusive;
pub use shared::Shared;

use rtmm_hardware::{AcceleratorId, ConfigurationId, Share};
use rtmm_scheduler::{Preemption, Progress};
use rtmm_workload::{LayerId, ModelId, Realisation, Time};

use crate::error::Illegal;
use crate::system::System;

impl Course {
    /// The layer before which the segment really ends.
    fn end(&self) -> u32 {
        self.stop.min(self.realisation.end).max(self.from.layer)
    }
}

/// A segment as it will really run.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// What it runs as.
    pub model: ModelId,
    /// Column of the accelerator in the profile.
    pub column: usize,
    /// Configuration of the accelerator.
    pub configuration: ConfigurationId,
    /// Where it begins.
    pub from: Progress,
    /// The layer that it ends before, or earlier if the inference ends.
    pub stop: u32,
    /// When its first layer begins.
    pub start: Time,
    /// What the inference skips, and where it ends.
    pub realisation: Realisation,
}

/// What an event of an accelerator is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Nothing that anybody else need know of.
    Internal,
    /// A layer is complete, and the segment goes on.
    Layer(Completed),
    /// The segment is over.
    Ended {
        /// Where its job goes on.
        to: Progress,
        /// The layer that just completed; none for a segment that ran no layer to its end, and where
        /// layers are not told of.
        last: Option<Completed>,
    },
}

/// A layer that is complete.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Completed {
    /// Which one.
    pub layer: LayerId,
    /// When it began.
    pub began: Time,
    /// How much longer it took than in isolation: 1 where nobody competed.
    pub stretch: f64,
}

/// The next event of each accelerator, and the earliest of all.
#[derive(Clone, Debug)]
struct Instants {
    /// [`Time::MAX`] for none.
    events: Vec<Time>,
    /// The least of them, with the first accelerator that has it.
    first: (Time, usize),
}

impl Instants {
    fn new(accelerators: usize) -> Self {
        Self { events: vec![Time::MAX; accelerators], first: (Time::MAX, 0) }
    }

    /// Few accelerators are searched faster than a heap of them is kept in order.
    fn set(&mut self, accelerator: usize, at: Time) {
        self.events[accelerator] = at;
        if self.first.1 == accelerator {
            self.first = (Time::MAX, 0);
            for (index, event) in self.events.iter().enumerate() {
                if *event < self.first.0 {
                    self.first = (*event, index);
                }
            }
        } else if (at, accelerator) < self.first {
            self.first = (at, accelerator);
        }
    }

    fn first(&self) -> Option<(Time, AcceleratorId)> {
        (self.first.0 < Time::MAX).then(|| (self.first.0, AcceleratorId::new(self.first.1)))
    }
}

/// Runs segments.
pub trait Execution: Clone {
    /// Whether layers must be told of, each at its own instant. An execution may tell of them in any
    /// case; layers that it does not tell of took as long as in isolation.
    fn tell_layers(&mut self, tell: bool);

    /// Begins a segment on an accelerator that runs none.
    fn begin(&mut self, system: &System<'_>, accelerator: AcceleratorId, course: &Course);

    /// The earliest event, the lowest accelerator first.
    fn next(&self) -> Option<(Time, AcceleratorId)>;

    /// Takes the event of an accelerator that is due.
    fn step(&mut self, system: &System<'_>, accelerator: AcceleratorId, now: Time) -> Step;

    /// Ends the segment of an accelerator at its next boundary at or after `now`. Nothing changes if
    /// that is its end anyway, or if it was told before.
    fn preempt(&mut self, system: &System<'_>, accelerator: AcceleratorId, now: Time, mode: Preemption);

    /// Ends all segments at once, wherever they are, in the order of accelerators: the run is over.
    /// Layers that are not complete count for nothing.
    fn halt(&mut self, system: &System<'_>, accelerator: AcceleratorId, now: Time) -> Option<Progress>;

    /// Gives an accelerator another share.
    ///
    /// # Errors
    /// [`Illegal`] where nothing is divided by shares, for a share of nothing, and for shares that
    /// are more than the whole together.
    fn set_share(&mut self, now: Time, accelerator: AcceleratorId, share: Share) -> Result<(), Illegal>;
}
