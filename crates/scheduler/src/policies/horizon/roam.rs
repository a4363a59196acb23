//! A piece that runs each layer on another accelerator: where that is fastest, or where it is no dear one.
//!
//! Where accelerators suit different layers, a job may be in time on none of them alone, and on several of them in turn. Such a
//! piece waits at each layer for the accelerator that it goes on with; what it takes from each of them is the sum of its layers
//! there, and of its moves where these take time. Where the fastest way is too late for what is planned on it, others are tried that
//! leave an accelerator to the layers that lose most elsewhere ([`super::ways`]). A piece roams where nothing else is in time.
//!
//! Where all is in time and there is time to spare, a piece may roam for energy, too: on the way on which it takes least.

use rtmm_hardware::AcceleratorId;

use super::pieces::{Known, Piece, Pieces};
use super::plan::{Placed, Plan, Shape};
use super::ways::stays;

impl Plan {
    /// The place in time for a piece that roams, behind all that is planned: on the first way that is by its virtual deadline, else on
    /// the first that is by its deadline.
    pub(super) fn roam(
        &mut self,
        pieces: &Pieces,
        known: Known<'_, '_>,
        index: usize,
        release: u64,
    ) -> Option<Placed> {
        let piece = &pieces.list()[index];
        let row = piece.rows().last()?;
        let mut first = None;
        for way in 0..pieces.ways.count() {
            if let Some(place) = self.way(pieces, known, piece, (row, way), release) {
                if place.end <= piece.target {
                    return Some(place);
                }
                first = first.or(Some(place));
            }
        }
        first
    }

    /// The place of a piece on the way of least energy, behind all that is planned, if half of the time that it has is enough there: others
    /// may hold it up at every accelerator that it comes to.
    pub(super) fn cheapest_way(
        &self,
        pieces: &Pieces,
        known: Known<'_, '_>,
        piece: &Piece,
        row: u32,
        release: u64,
    ) -> Option<Placed> {
        let way = pieces.ways.cheapest()? as u32;
        let steps = pieces.steps(row, way);
        let first = *steps.first()?;
        // Where it stays on one accelerator it is planned whole.
        if steps.iter().all(|step| step.on == first.on) {
            return None;
        }
        let limit = release.midpoint(piece.target);
        let paid = known.view.switch(pieces.model(row)?, piece.progress.layer, AcceleratorId::new(first.on));
        let paid = paid.map_or((0, 0), |(time, energy)| (time.picoseconds(), energy.femtojoules()));
        let moved = moved(known, piece, first.on);
        let (mut paid_time, paid) = (paid.0.saturating_add(moved.0), paid.1.saturating_add(moved.1));
        let mut end = release;
        for (on, time) in stays(steps) {
            let time = time.saturating_add(std::mem::take(&mut paid_time));
            end = self.timelines[on].end_of(end, time);
            if end > limit {
                return None;
            }
        }
        let energy = first.energy.saturating_add(paid);
        Some(Placed { on: first.on, row, release, end, energy, shape: Shape::Roams { way } })
    }

    /// The place of a piece on a way, if that is in time and there is budget to find out.
    fn way(
        &mut self,
        pieces: &Pieces,
        known: Known<'_, '_>,
        piece: &Piece,
        (row, way): (u32, usize),
        release: u64,
    ) -> Option<Placed> {
        let steps = pieces.steps(row, way as u32);
        let first = *steps.first()?;
        if release.saturating_add(first.left) > piece.due {
            return None;
        }
        self.budget = self.budget.checked_sub(steps.len() as u32 / 8 + 1)?;
        let (mut moves, moved) = moved(known, piece, first.on);
        let mut end = release;
        for (on, time) in stays(steps) {
            let time = time.saturating_add(std::mem::take(&mut moves));
            end = self.timelines[on].end_of(end, time);
            if end > piece.due {
                return None;
            }
        }
        let shape = Shape::Roams { way: way as u32 };
        let energy = first.energy.saturating_add(moved);
        Some(Placed { on: first.on, row, release, end, energy, shape })
    }
}

/// The time and the energy of the move with which a job goes on elsewhere than where it is.
fn moved(known: Known<'_, '_>, piece: &Piece, on: usize) -> (u64, u64) {
    let job = piece.job().filter(|_| known.view.profile.has_transfers()).and_then(|job| known.view.job(job));
    let moved = job.and_then(|job| known.view.transfer(job, AcceleratorId::new(on)));
    moved.map_or((0, 0), |(time, energy)| (time.picoseconds(), energy.femtojoules()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::horizon::on_busy::{US, on_busy};

    /// The place of a job of the layers on two accelerators that are busy in the spans, all in microseconds.
    fn place(layers: &[&[u64]], due_us: u64, busy_us: [(u64, u64); 2]) -> Option<Placed> {
        on_busy(layers, due_us, busy_us, |plan, pieces, known| plan.roam(pieces, known, 0, 0))
    }

    #[test]
    fn layers_wait_for_the_accelerators_on_which_they_are_fastest() {
        // 1 on the first accelerator, 1 on the second, 1 on the first again.
        let layers: &[&[u64]] = &[&[1, 9], &[9, 1], &[1, 9]];
        let end = |due_us, busy_us| place(layers, due_us, busy_us).map(|place| (place.on, place.end / US));
        assert_eq!(end(9, [(0, 0), (0, 0)]), Some((0, 3)));
        // The second layer waits until 4, the third runs behind it.
        assert_eq!(end(9, [(0, 0), (0, 4)]), Some((0, 6)));
        assert_eq!(end(6, [(0, 0), (0, 4)]), Some((0, 6)));
        assert_eq!(end(5, [(0, 0), (0, 4)]), None);
        // What is busy on the first one when the third layer could begin delays it, too.
        assert_eq!(end(9, [(2, 5), (0, 0)]), Some((0, 6)));
        assert_eq!(
            place(layers, 9, [(0, 0), (0, 0)]).map(|place| place.shape),
            Some(Shape::Roams { way: 0 })
        );
    }
}
