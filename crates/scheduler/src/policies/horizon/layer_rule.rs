//! Rules for single layers, for what no plan has in time.
//!
//! A plan of pieces counts on times that interleaved layers do not always keep, and so it leaves margins. What a rule does is known, as
//! far as latencies are: here it is carried out on all pieces, layer by layer. The job with least slack that the rule has a place for
//! comes first. Where a rule has everything in time and the plan has not, it is followed until jobs come or end. So whatever
//! least slack by layers has in time is in time here, too. There is no such rule for models that skip or exit, nor where moves
//! between accelerators cost time.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::ModelId;

use super::pieces::{Known, Piece, Pieces};

/// The accelerator that a layer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Of those that are idle the one on which it takes least.
    FastestIdle,
    /// That on which it ends first: the layer waits where that is busy.
    EarliestEnd,
}

/// A piece in the course of a schedule.
#[derive(Clone, Copy, Debug)]
struct State {
    model: ModelId,
    layer: u32,
    /// When it can go on.
    ready: u64,
    /// Latency of what is left, each layer where it is fastest.
    left: u64,
    is_over: bool,
}

/// A schedule of single layers; used again and again.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    states: Vec<State>,
    /// By accelerator: when it is free.
    free: Vec<u64>,
}

/// A layer that is about to begin.
struct Next {
    slack: i128,
    index: usize,
    on: usize,
    time: u64,
}

impl Layers {
    /// The first rule that has all pieces in time that are not lost; none where more layers are left than the budget has steps.
    pub(super) fn rule(&mut self, pieces: &Pieces, known: Known<'_, '_>) -> Option<Rule> {
        let is_free = !known.view.profile.has_transfers();
        let is_known = pieces.ways.count() > 0 && !pieces.is_uncertain() && is_free;
        let rules = [Rule::FastestIdle, Rule::EarliestEnd];
        rules.into_iter().find(|rule| is_known && self.is_in_time(pieces, known, *rule))
    }

    fn is_in_time(&mut self, pieces: &Pieces, known: Known<'_, '_>, rule: Rule) -> bool {
        if !self.begin(pieces, known) {
            return false;
        }
        let profile = known.view.profile;
        let mut now = self.states.iter().map(|state| state.ready).min().unwrap_or(0);
        loop {
            let Ok((next, comes)) = self.next(pieces, known, rule, now) else { return false };
            if let Some(Next { index, on, time, .. }) = next {
                let end = now.saturating_add(time);
                let state = &mut self.states[index];
                (state.ready, state.layer) = (end, state.layer + 1);
                state.left = profile.fastest_remaining(state.model, state.layer).picoseconds();
                state.is_over = state.layer == profile.layers(state.model);
                self.free[on] = end;
                if state.is_over && end > pieces.list()[index].due {
                    return false;
                }
            } else {
                // Nothing begins before an accelerator is free or something comes.
                let ends = self.free.iter().copied().filter(|end| *end > now);
                let Some(then) = ends.chain(comes).min() else {
                    return self.states.iter().all(|state| state.is_over);
                };
                now = then;
            }
        }
    }

    /// Sets all pieces to where they stand; false where that is more than the budget allows.
    fn begin(&mut self, pieces: &Pieces, known: Known<'_, '_>) -> bool {
        let profile = known.view.profile;
        self.free.clear();
        self.free.extend_from_slice(pieces.free());
        self.states.clear();
        let mut layers_left = 0_u32;
        for piece in pieces.list() {
            let model = piece.rows().last().and_then(|row| pieces.model(row));
            let Some(model) = model else { return false };
            let (layer, layers) = (piece.progress.layer, profile.layers(model));
            let left = profile.fastest_remaining(model, layer).picoseconds();
            let is_over = layer >= layers || piece.is_lost();
            layers_left = layers_left.saturating_add(if is_over { 0 } else { layers - layer });
            self.states.push(State { model, layer, ready: piece.release, left, is_over });
        }
        layers_left <= known.settings.budget
    }

    /// The layer that begins now, if one does, and when the next piece can go on; an error where a piece cannot be in time any more.
    fn next(
        &self,
        pieces: &Pieces,
        known: Known<'_, '_>,
        rule: Rule,
        now: u64,
    ) -> Result<(Option<Next>, Option<u64>), ()> {
        let mut best: Option<Next> = None;
        let mut comes: Option<u64> = None;
        for (index, piece) in pieces.list().iter().enumerate() {
            let state = self.states[index];
            let mut needed = pieces.needed_by(piece).iter().map(|needed| self.states[*needed]);
            if state.is_over || needed.clone().any(|needed| !needed.is_over) {
                continue;
            }
            let ready = needed.by_ref().map(|needed| needed.ready).fold(state.ready, u64::max);
            if ready > now {
                comes = Some(comes.map_or(ready, |comes| comes.min(ready)));
                continue;
            }
            if now.saturating_add(state.left) > piece.due {
                return Err(());
            }
            let slack = slack(piece, state.left);
            if best.as_ref().is_some_and(|best| best.slack <= slack) {
                continue;
            }
            if let Some((on, time)) = rule.place(known, state.model, state.layer, now, |on| self.free[on]) {
                best = Some(Next { slack, index, on, time });
            }
        }
        Ok((best, comes))
    }
}

/// Slack of a piece, but for the instant, which is the same for all.
pub(super) fn slack(piece: &Piece, left_ps: u64) -> i128 {
    i128::from(piece.target) - i128::from(left_ps)
}

impl Rule {
    /// The accelerator for a layer that can begin now, and its latency there; none where it waits. `free` is when an accelerator is
    /// free.
    pub(super) fn place(
        self,
        known: Known<'_, '_>,
        model: ModelId,
        layer: u32,
        now: u64,
        free: impl Fn(usize) -> u64,
    ) -> Option<(usize, u64)> {
        let profile = known.view.profile;
        let mut best: Option<((u64, u64), usize, u64)> = None;
        for on in 0..known.view.accelerators.len() {
            let (accelerator, free) = (AcceleratorId::new(on), free(on));
            if !profile.runs(model, layer, accelerator) || (self == Self::FastestIdle && free > now) {
                continue;
            }
            let time = profile.latency(model, layer, profile.whole(accelerator)).picoseconds();
            let time = known.pace.stretched(accelerator, time);
            let key = match self {
                Self::FastestIdle => (time, 0),
                Self::EarliestEnd => (free.max(now).saturating_add(time), time),
            };
            if best.is_none_or(|(of_best, ..)| key < of_best) {
                best = Some((key, on, time));
            }
        }
        best.filter(|(_, on, _)| free(*on) <= now).map(|(_, on, time)| (on, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::horizon::on_busy::with_pieces;

    fn rule_of(fixture: &Fixture) -> Option<Rule> {
        with_pieces(fixture, |pieces, known| Layers::default().rule(pieces, known))
    }

    #[test]
    fn layers_of_three_jobs_fill_two_accelerators() {
        // Three times 4 by 6: no two whole jobs fit on one.
        for (due_us, expected) in [(6, Some(Rule::FastestIdle)), (5, None)] {
            let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[2, 2], &[2, 2]])]).unwrap();
            for _ in 0..3 {
                fixture.ready(0, 0, due_us);
            }
            assert_eq!(rule_of(&fixture), expected, "{due_us}");
        }
    }

    #[test]
    fn a_layer_waits_for_an_accelerator_on_which_it_ends_earlier() {
        // The first accelerator runs b until 1; a takes 2 there and 9 on the second one, which is idle.
        for (due_us, expected) in [(9, Rule::FastestIdle), (8, Rule::EarliestEnd), (3, Rule::EarliestEnd)] {
            let tasks = [TaskSketch::new("a", &[&[2, 9]]), TaskSketch::new("b", &[&[1, 1]])];
            let mut fixture = Fixture::new(&tasks).unwrap();
            let b0 = fixture.ready(1, 0, 40);
            fixture.run(b0, 0, Extent::Rest);
            fixture.ready(0, 0, due_us);
            assert_eq!(rule_of(&fixture), Some(expected), "{due_us}");
        }
    }

    #[test]
    fn there_is_no_rule_for_models_that_exit() {
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[2, 2], &[2, 2]]).exit(0, 0.5)]).unwrap();
        fixture.ready(0, 0, 20);
        assert_eq!(rule_of(&fixture), None);
    }
}
