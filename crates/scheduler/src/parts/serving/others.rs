//! Runs beside a batch: few, kept without memory of their own.

use rtmm_hardware::{AcceleratorId, Phase, Resident};
use rtmm_workload::{LayerId, ModelId};

use super::part::Part;

/// The most batches at once on an accelerator.
pub(super) const MOST: u32 = 8;

/// The runs beside one of at most [`MOST`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Others {
    list: [Resident; MOST as usize],
    count: usize,
}

impl Others {
    /// Those of several parts that are on the accelerator of one of them, and that count.
    fn that(parts: &[(AcceleratorId, Part)], at: usize, counts: impl Fn(&Part) -> bool) -> Self {
        let none = Resident { model: ModelId::new(0), layer: LayerId::new(0), units: 0, batch: 0 };
        let mut others = Self { list: [none; MOST as usize], count: 0 };
        let own = parts.get(at).map(|(on, _)| *on);
        for (position, (on, part)) in parts.iter().enumerate() {
            if position != at && Some(*on) == own && counts(part) && others.count < others.list.len() {
                others.list[others.count] = part.resident();
                others.count += 1;
            }
        }
        others
    }

    /// Those whose kernels run now.
    pub(super) fn of(parts: &[(AcceleratorId, Part)], at: usize) -> Self {
        Self::that(parts, at, |part| part.phase == Phase::Kernels && part.wait.is_zero())
    }

    /// All that are there, whatever they do now.
    pub(super) fn all(parts: &[(AcceleratorId, Part)], at: usize) -> Self {
        Self::that(parts, at, |_| true)
    }

    /// As a list.
    pub(super) fn list(&self) -> &[Resident] {
        &self.list[..self.count]
    }
}
