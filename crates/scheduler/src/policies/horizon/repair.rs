//! Repairs of a plan in which a piece has no place in time.
//!
//! **Spill.** One piece that is planned moves to another accelerator, so that it, the new piece and all others are in time; of
//! all such moves the one that takes least energy.
//!
//! **Split.** Where there is no such move, the new piece begins on one accelerator and goes on with another
//! ([`super::split`]), or runs each layer where it is fastest ([`super::roam`]).
//!
//! **Sacrifice.** Where that is not in time either, one piece has to go. As in the algorithm of Moore and Hodgson (Moore, *An n job,
//! one machine sequencing algorithm for minimizing the number of late jobs*, Management Science 15(1), 1968), which is optimal for
//! one machine and equal weights and releases, it is the longest: of those whose place the new piece could take, the one that
//! frees most time per unit of weight, or the new piece itself. Time is what is left, so that what is nearly done stays.

use super::pieces::{Known, NEVER, Pieces};
use super::plan::{Placed, Plan, Shape};

/// A move of a planned piece that makes room.
#[derive(Clone, Copy, Debug)]
struct Move {
    piece: usize,
    to: usize,
    /// The end of the piece there.
    end: u64,
    /// The accelerator that the new piece takes, and its end there.
    taken: usize,
    end_of_new: u64,
    /// Energy that is added.
    energy: i128,
}

impl Plan {
    /// Finds a place for a piece that has none, or leaves it out.
    pub(super) fn repair(&mut self, pieces: &Pieces, known: Known<'_, '_>, new: usize, release: u64) {
        let piece = &pieces.list()[new];
        if piece.is_lost() {
            return;
        }
        let Some(row) = piece.rows().last() else { return };
        if known.settings.spill
            && let Some(found) = self.best_move(pieces, new, row)
        {
            let Some(moved) = self.placed[found.piece] else { return };
            let energy = |of: u32, on: usize| pieces.costs(of)[on].energy;
            let (to, taken) = (found.to, found.taken);
            let moved = Placed { on: to, end: found.end, energy: energy(moved.row, to), ..moved };
            let of_new = Placed {
                on: taken,
                row,
                release,
                end: found.end_of_new,
                energy: energy(row, taken),
                shape: Shape::Whole,
            };
            (self.placed[found.piece], self.placed[new]) = (Some(moved), Some(of_new));
            self.rebuild(pieces, found.taken);
            self.rebuild(pieces, found.to);
            return;
        }
        let mut place = None;
        if known.settings.splits {
            place = self.split(pieces, known, new, release);
        }
        if known.settings.roams && known.knows_ways() && place.is_none() {
            place = self.roam(pieces, known, new, release);
        }
        if let Some(place) = place {
            self.take(pieces, new, place);
        } else if let Some((gone, on, end)) = self.longest(pieces, new, row, release) {
            self.placed[gone] = None;
            let energy = pieces.costs(row)[on].energy;
            self.placed[new] = Some(Placed { on, row, release, end, energy, shape: Shape::Whole });
            (0..pieces.free().len()).for_each(|on| self.rebuild(pieces, on));
        }
    }

    /// The move of one planned piece that makes room for a new one at the least energy.
    fn best_move(&mut self, pieces: &Pieces, new: usize, row: u32) -> Option<Move> {
        let mut best: Option<Move> = None;
        for index in 0..new {
            let Some(placed) = self.placed[index].filter(Placed::is_whole) else { continue };
            let taken = placed.on;
            let (costs, of_new) = (pieces.costs(placed.row), pieces.costs(row)[taken]);
            if of_new.time == NEVER || costs[taken].time == 0 {
                continue;
            }
            let before = i128::from(of_new.energy) - i128::from(costs[taken].energy);
            let mut end_of_new = None;
            for (to, cost) in costs.iter().enumerate() {
                let energy = before + i128::from(cost.energy);
                let is_less = best.is_none_or(|best| energy < best.energy);
                if to == taken || cost.time == NEVER || !is_less {
                    continue;
                }
                if end_of_new.is_none() {
                    end_of_new = Some(self.has_room(pieces, taken, new, Some(index)));
                }
                let Some(end_of_new) = end_of_new.flatten() else { break };
                if let Some(end) = self.has_room(pieces, to, index, None) {
                    best = Some(Move { piece: index, to, end, taken, end_of_new, energy });
                }
            }
        }
        best
    }

    /// The planned piece that frees most time per unit of weight and whose place a new one can take, unless the new one does
    /// itself; the accelerator and the end of the new one there.
    fn longest(
        &mut self,
        pieces: &Pieces,
        new: usize,
        row: u32,
        release: u64,
    ) -> Option<(usize, usize, u64)> {
        let piece = pieces.list()[new];
        let alone = pieces.costs(row).iter().map(|cost| cost.time).filter(|time| *time < NEVER);
        let alone = alone.filter(|time| release.saturating_add(*time) <= piece.due).min()?;
        let mut longest = alone as f64 / piece.weight;
        let mut found = None;
        for index in 0..new {
            let Some(placed) = self.placed[index] else { continue };
            let parts = (0..pieces.free().len()).filter_map(|on| placed.part(pieces, on));
            let time: u64 = parts.map(|part| part.time).fold(0, u64::saturating_add);
            let freed = time as f64 / pieces.list()[index].weight;
            if freed > longest
                && let Some(end) = self.has_room(pieces, placed.on, new, Some(index))
            {
                (longest, found) = (freed, Some((index, placed.on, end)));
            }
        }
        found
    }
}
