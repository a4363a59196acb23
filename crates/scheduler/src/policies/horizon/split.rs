//! A piece in two parts: it begins on one accelerator, and goes on with another from some layer on.
//!
//! Whole pieces on accelerators leave room on each that is too short for a piece, and together long enough: of three pieces
//! that take two thirds of the time there is, two accelerators have two whole ones. Of all pairs of accelerators, and of some
//! layers at equal distances, the split is taken that is in time at the least energy.

use rtmm_hardware::AcceleratorId;

use super::pieces::{Cost, Known, NEVER, Pieces, rest};
use super::plan::{Placed, Plan, Shape, Split};
use crate::job::Progress;

/// The most layers at which a piece is split.
const POINTS: u32 = 8;

impl Plan {
    /// The best place in time for a piece in two parts, behind all that is planned.
    pub(super) fn split(
        &mut self,
        pieces: &Pieces,
        known: Known<'_, '_>,
        index: usize,
        release: u64,
    ) -> Option<Placed> {
        let piece = &pieces.list()[index];
        let row = piece.rows().last()?;
        let model = pieces.model(row)?;
        let (first_layer, layers) = (piece.progress.layer, known.view.profile.layers(model));
        let left = layers.saturating_sub(first_layer);
        let costs = pieces.costs(row);
        let of = (piece.kind, piece.release);
        let mut best: Option<((bool, u64), Placed)> = None;
        for point in 1..POINTS.min(left) {
            let layer = first_layer + left * point / POINTS.min(left);
            self.budget = self.budget.checked_sub(costs.len() as u32)?;
            for (on, of_first) in costs.iter().enumerate().filter(|(_, cost)| cost.time < NEVER) {
                let behind = rest(known, model, of, Progress::at(layer), AcceleratorId::new(on));
                let first = of_first.time.saturating_sub(behind.time);
                let first_end = self.timelines[on].end_of(release, first);
                if first_end >= piece.due {
                    continue;
                }
                for (to, of_all) in costs.iter().enumerate().filter(|(to, _)| *to != on) {
                    let accelerator = AcceleratorId::new(to);
                    if !known.view.profile.runs(model, layer, accelerator) {
                        continue;
                    }
                    let after = rest(known, model, of, Progress::at(layer), accelerator);
                    // What it pays before it begins there, as if it began with all of it.
                    let paid = match of_all.time {
                        NEVER => Cost { time: 0, energy: 0, risk: 0, spread: 0, held: 0 },
                        time => {
                            let all = rest(known, model, of, piece.progress, accelerator);
                            let energy = of_all.energy.saturating_sub(all.energy);
                            Cost { time: time.saturating_sub(all.time), energy, risk: 0, spread: 0, held: 0 }
                        }
                    };
                    let second = after.time.saturating_add(paid.time).min(NEVER - 1);
                    let end = self.timelines[to].end_of(first_end, second);
                    let before = of_first.energy.saturating_sub(behind.energy);
                    let energy = before.saturating_add(paid.energy).saturating_add(after.energy);
                    let key = (end > piece.target, energy);
                    if end <= piece.due && best.is_none_or(|(of_best, _)| key < of_best) {
                        let split = Split { on: to, layer, first, first_end, second };
                        let place = Placed { on, row, release, end, energy, shape: Shape::Split(split) };
                        best = Some((key, place));
                    }
                }
            }
        }
        best.map(|(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::horizon::on_busy::{US, on_busy};

    /// The place of a job of the layers on two accelerators that are busy in the spans, all in microseconds.
    fn place(layers: &[&[u64]], due_us: u64, busy_us: [(u64, u64); 2]) -> Option<Placed> {
        on_busy(layers, due_us, busy_us, |plan, pieces, known| plan.split(pieces, known, 0, 0))
    }

    #[test]
    fn a_piece_begins_on_one_accelerator_and_goes_on_with_another() {
        // 4 layers of 1 on either. The first accelerator is free until 2, the second from 4 on: together they have 4 by 6.
        let layers: &[&[u64]] = &[&[1, 1], &[1, 1], &[1, 1], &[1, 1]];
        let found = place(layers, 6, [(2, 6), (0, 4)]);
        let split = Split { on: 1, layer: 2, first: 2 * US, first_end: 2 * US, second: 2 * US };
        assert_eq!(
            found.map(|place| (place.on, place.end, place.shape)),
            Some((0, 6 * US, Shape::Split(split)))
        );
        assert_eq!(place(layers, 5, [(2, 6), (0, 4)]), None);
    }

    #[test]
    fn one_layer_is_not_split() {
        assert_eq!(place(&[&[4, 4]], 6, [(2, 6), (0, 4)]), None);
    }
}
