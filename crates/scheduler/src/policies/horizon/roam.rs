//! A piece that runs each layer on the accelerator that is fastest for it.
//!
//! Where accelerators suit different layers, a job may be in time on none of them alone, and on several of them in turn. Such a
//! piece waits at each layer for the accelerator that it goes on with; what it takes from each of them is the sum of its layers
//! there. It is planned where nothing else is in time, and only on platforms on which a job moves for nothing.

use super::pieces::{Known, Pieces};
use super::plan::{Placed, Plan, Shape};
use super::ways::Step;

impl Plan {
    /// The place in time for a piece that roams, behind all that is planned.
    pub(super) fn roam(
        &mut self,
        pieces: &Pieces,
        known: Known<'_, '_>,
        index: usize,
        release: u64,
    ) -> Option<Placed> {
        let piece = &pieces.list()[index];
        let row = piece.rows().last()?;
        let steps = known.ways.steps(pieces.model(row)?, piece.progress.layer);
        self.budget = self.budget.checked_sub(steps.len() as u32)?;
        let energy = steps.first()?.energy;
        let mut end = release;
        for Step { on, latency, .. } in steps {
            end = self.timelines[*on].end_of(end, *latency);
            if end > piece.due {
                return None;
            }
        }
        let on = steps.first()?.on;
        Some(Placed { on, row, release, end, energy, shape: Shape::Roams })
    }
}
