//! Improvement of a plan: pieces move where they take less energy, as far as all that is planned stays in time.
//!
//! **Move.** A piece goes to the accelerator of least energy of those where it has room.
//!
//! **Exchange.** Where it has none on an accelerator on which it takes less, it takes the place of a piece there that loses less
//! elsewhere than it gains. Time on an accelerator that takes little energy is given out by deadline at first, and so comes to the
//! pieces that save most in it.

use super::pieces::{NEVER, Pieces};
use super::plan::{Placed, Plan};

/// Two pieces of which one takes the place of the other.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    gain: u64,
    /// The accelerator that changes hands.
    on: usize,
    /// The piece that is there, and its new place.
    other: usize,
    place: Placed,
}

impl Plan {
    /// Moves and exchanges pieces until nothing is gained or the budget is spent.
    pub(super) fn improve(&mut self, pieces: &Pieces) {
        let mut is_better = true;
        while std::mem::take(&mut is_better) {
            for index in 0..self.placed.len() {
                is_better |= self.move_to_less(pieces, index) || self.exchange(pieces, index);
            }
        }
    }

    /// Moves a piece to the accelerator on which it takes least energy of those where it has room.
    fn move_to_less(&mut self, pieces: &Pieces, index: usize) -> bool {
        let Some(place) = self.placed[index].filter(Placed::is_whole) else { return false };
        let costs = pieces.costs(place.row);
        let (mut least, mut to) = (place.energy, None);
        for (on, cost) in costs.iter().enumerate() {
            if on != place.on && cost.energy < least && self.has_room(pieces, on, index, None).is_some() {
                (least, to) = (cost.energy, Some(on));
            }
        }
        let Some(on) = to else { return false };
        self.placed[index] = Some(Placed { on, energy: least, ..place });
        self.rebuild(pieces, place.on);
        self.rebuild(pieces, on);
        true
    }

    /// Moves a piece to an accelerator on which it takes less energy, and one that is planned there to another one that takes
    /// less more than that saves.
    fn exchange(&mut self, pieces: &Pieces, index: usize) -> bool {
        let Some(place) = self.placed[index].filter(Placed::is_whole) else { return false };
        let costs = pieces.costs(place.row);
        let mut best: Option<Exchange> = None;
        for (on, cost) in costs.iter().enumerate() {
            let saved = place.energy.saturating_sub(cost.energy);
            if on == place.on || saved == 0 {
                continue;
            }
            for other in 0..self.placed.len() {
                let of_other = self.placed[other].filter(|placed| placed.is_whole() && placed.on == on);
                let Some(of_other) =
                    of_other.filter(|placed| other != index && pieces.costs(placed.row)[on].time > 0)
                else {
                    continue;
                };
                let mut has_room = None;
                for (to, cost) in pieces.costs(of_other.row).iter().enumerate() {
                    let lost = cost.energy.saturating_sub(of_other.energy);
                    let gain = saved.saturating_sub(lost);
                    if to == on || cost.time == NEVER || gain <= best.map_or(0, |best| best.gain) {
                        continue;
                    }
                    let has_room = *has_room
                        .get_or_insert_with(|| self.has_room(pieces, on, index, Some(other)).is_some());
                    if !has_room {
                        break;
                    }
                    let gone = (to == place.on).then_some(index);
                    if self.has_room(pieces, to, other, gone).is_some() {
                        let place = Placed { on: to, energy: cost.energy, ..of_other };
                        best = Some(Exchange { gain, on, other, place });
                    }
                }
            }
        }
        let Some(Exchange { on, other, place: of_other, .. }) = best else { return false };
        self.placed[other] = Some(of_other);
        self.placed[index] = Some(Placed { on, energy: costs[on].energy, ..place });
        (0..pieces.free().len()).for_each(|on| self.rebuild(pieces, on));
        true
    }
}
