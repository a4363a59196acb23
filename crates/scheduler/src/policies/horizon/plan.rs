//! A plan: for each piece the accelerator, the network and the end, in the order of pieces.
//!
//! ```text
//! for each piece p, in order:
//!   release(p) = now, or the end of what runs, or the arrival, or the end of what it needs
//!   ends       = for each network, from the largest: end(p, a) on each accelerator a behind all that is planned there
//!   in time    = accelerators with end(p, a) + risk(p, a) <= target(p); where there are none, with end(p, a) <= target(p);
//!                where there are none, with end(p, a) <= due(p)
//!   place      = of those in time, by the aim: least energy, earliest end or least latency
//! ```
//!
//! Where no network is in time anywhere, the plan is repaired ([`super::repair`]), and the piece is left out where that fails. If
//! pieces of any weight are left out, or at risk, the plan is made anew in other orders and with other aims, and the one is taken that leaves out least weight, of equal ones the one with least at risk,
//! of equal ones the one that takes least energy. If nothing is left out or at risk, a plan is made in which pieces may run each layer where it
//! takes least energy ([`super::roam`]). If pieces are left out, and a rule for single layers has all in time, that is followed instead
//! ([`super::layer_rule`]). At last pieces are moved where they take less energy ([`super::improve`]).
//!
//! A plan takes a step a piece, network and accelerator; a change that is tried one step a piece of an accelerator, and there
//! are at most `budget` of them. Nothing is allocated once warm.

use super::layer_rule::{Layers, Rule};
use super::pieces::{Cost, Known, NEVER, Piece, Pieces};
use super::settings::{Aim, Order, Weight};
use super::timeline::Timeline;
use super::ways::stays;
use crate::terms::Score;

/// The place of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// The position of the accelerator.
    pub on: usize,
    pub row: u32,
    pub release: u64,
    pub end: u64,
    /// Femtojoules.
    pub energy: u64,
    pub shape: Shape,
}

/// The accelerators that a piece runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One.
    Whole,
    /// One, and another one from some layer on.
    Split(Split),
    /// That on which the next layer runs on a way.
    Roams { way: u32 },
}

/// The two parts of a piece that moves from one accelerator to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// The position of the second accelerator.
    pub on: usize,
    /// The first layer there.
    pub layer: u32,
    /// Latency of the first part, and when it ends.
    pub first: u64,
    pub first_end: u64,
    /// Latency of the second part.
    pub second: u64,
}

/// The part of a piece that is planned on one accelerator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub release: u64,
    pub time: u64,
    /// True if another part follows it.
    pub is_first: bool,
}

impl Placed {
    /// The part of it that is planned on an accelerator.
    pub(super) fn part(&self, pieces: &Pieces, on: usize) -> Option<Part> {
        let Self { release, row, .. } = *self;
        let is_on = self.on == on;
        match self.shape {
            Shape::Whole => {
                is_on.then(|| Part { release, time: pieces.costs(row)[on].time, is_first: false })
            }
            Shape::Split(split) if is_on => Some(Part { release, time: split.first, is_first: true }),
            Shape::Split(split) => (split.on == on).then_some(Part {
                release: split.first_end,
                time: split.second,
                is_first: false,
            }),
            Shape::Roams { way } => {
                let time = pieces.share(row, way, on);
                (time > 0).then_some(Part { release, time, is_first: false })
            }
        }
    }

    /// Time by which it may end later.
    pub(super) fn risk(&self, pieces: &Pieces) -> u64 {
        if self.is_whole() { pieces.costs(self.row)[self.on].risk } else { 0 }
    }

    /// The probability that it ends late, roughly: one where it does not end so early that nothing may make it late, and for what
    /// it may skip a line that falls from a half at the deadline to zero 2.5 standard deviations before it.
    fn is_late(&self, pieces: &Pieces, due: u64) -> f64 {
        let Cost { risk, spread, .. } = pieces.costs(self.row)[self.on];
        let slack = due.saturating_sub(self.end);
        match self.shape {
            Shape::Whole if slack >= risk => 0.0,
            Shape::Whole | Shape::Roams { .. } if spread > 0 => {
                (0.5 - slack as f64 / spread as f64 / 5.0).max(0.0)
            }
            Shape::Whole => 1.0,
            Shape::Roams { .. } | Shape::Split(_) => 0.0,
        }
    }

    /// True if all of it is planned on one accelerator.
    pub(super) fn is_whole(&self) -> bool {
        self.shape == Shape::Whole
    }
}

/// Orders and aims of plans, as they are tried behind the first.
const OTHERS: [(Order, Aim); 6] = [
    (Order::Slack, Aim::Energy),
    (Order::Deadline, Aim::Energy),
    (Order::Deadline, Aim::End),
    (Order::Slack, Aim::End),
    (Order::Deadline, Aim::Latency),
    (Order::Slack, Aim::Latency),
];

/// A plan, and what it is made with.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// By piece; none for one that is left out.
    pub(super) placed: Vec<Option<Placed>>,
    /// The best plan so far.
    best: Vec<Option<Placed>>,
    /// By accelerator: all that is planned.
    pub(super) timelines: Vec<Timeline>,
    scratch: Timeline,
    /// Changes that may still be tried.
    pub(super) budget: u32,
    /// True while pieces may roam for energy.
    by_layer: bool,
    layers: Layers,
    /// The rule that is followed in place of the plan.
    pub(super) rule: Option<Rule>,
    /// True if nothing is left out or at risk.
    pub(super) is_perfect: bool,
}

/// The worth of a plan: less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Worth {
    left_out: Score,
    /// Weight of what may be late, times the probability.
    at_risk: Score,
    energy: u128,
}

impl Worth {
    /// True if nothing is left out or at risk.
    fn is_perfect(&self) -> bool {
        self.left_out <= Score(0.0) && self.at_risk <= Score(0.0)
    }
}

/// The least part of its energy that a plan has to save for that its pieces roam: a fiftieth.
const MIN_SAVED: u128 = 50;

impl Plan {
    /// Plans all pieces, which are in the first order of the parameters.
    pub(super) fn make(&mut self, pieces: &mut Pieces, known: Known<'_, '_>) {
        let settings = known.settings;
        let first = (settings.order, settings.aim);
        let others = OTHERS.into_iter().filter(|other| *other != first);
        let mut sorted_by = settings.order;
        let mut best: Option<(Worth, Order)> = None;
        for (order, aim) in std::iter::once(first).chain(others).take(settings.plans as usize) {
            if order != sorted_by {
                pieces.sort(known, order);
                sorted_by = order;
            }
            self.list(pieces, known, aim);
            let worth = self.worth(pieces);
            if best.is_none_or(|(of_best, _)| worth < of_best) {
                best = Some((worth, order));
                std::mem::swap(&mut self.placed, &mut self.best);
            }
            if worth.is_perfect() {
                break;
            }
        }
        let is_perfect = best.is_some_and(|(worth, _)| worth.is_perfect());
        if is_perfect
            && settings.layer_energy
            // Lower clocks save more, and an accelerator that pieces come back to is not gated.
            && known.points.is_none()
            && let Some((worth, order)) = best.filter(|_| pieces.saves_by_layer())
        {
            if order != sorted_by {
                pieces.sort(known, order);
                sorted_by = order;
            }
            self.by_layer = true;
            self.list(pieces, known, Aim::Energy);
            self.by_layer = false;
            let by_layer = self.worth(pieces);
            if by_layer.is_perfect() && by_layer.energy < worth.energy - worth.energy / MIN_SAVED {
                best = Some((by_layer, order));
                std::mem::swap(&mut self.placed, &mut self.best);
            }
        }
        self.is_perfect = is_perfect;
        self.rule = None;
        if settings.layer_rule
            && known.knows_ways()
            && best.is_some_and(|(worth, _)| worth.left_out > Score(0.0))
        {
            self.rule = self.layers.rule(pieces, known);
        }
        std::mem::swap(&mut self.placed, &mut self.best);
        if let Some((_, order)) = best.filter(|(_, order)| *order != sorted_by) {
            pieces.sort(known, order);
        }
        if settings.improves {
            self.budget = settings.budget;
            self.improve(pieces);
        }
    }

    /// Plans the pieces one after the other.
    fn list(&mut self, pieces: &Pieces, known: Known<'_, '_>, aim: Aim) {
        self.timelines.resize_with(pieces.free().len(), Timeline::default);
        for (timeline, free) in self.timelines.iter_mut().zip(pieces.free()) {
            timeline.reset(*free);
        }
        self.placed.clear();
        self.budget = known.settings.budget;
        for (index, piece) in pieces.list().iter().enumerate() {
            self.placed.push(None);
            let Some(release) = self.release(pieces, piece) else { continue };
            if let Some(place) = self.find(pieces, known, piece, release, aim) {
                self.take(pieces, index, place);
            } else if known.settings.weight == Weight::None {
                if let Some(place) = self.soonest(pieces, piece, release) {
                    self.take(pieces, index, place);
                }
            } else {
                self.repair(pieces, known, index, release);
            }
        }
        if known.settings.weight != Weight::None {
            self.bring_back(pieces);
        }
    }

    /// Plans pieces after all that were left out, where later changes have made room for them.
    fn bring_back(&mut self, pieces: &Pieces) {
        for (index, piece) in pieces.list().iter().enumerate() {
            if self.placed[index].is_some() || piece.is_lost() {
                continue;
            }
            let Some(release) = self.release(pieces, piece) else { continue };
            let row = self.row_of(pieces, index);
            let mut best: Option<Placed> = None;
            for (on, cost) in pieces.costs(row).iter().enumerate() {
                if cost.time < NEVER
                    && best.is_none_or(|best| cost.energy < best.energy)
                    && let Some(end) = self.has_room(pieces, on, index, None)
                {
                    best = Some(Placed { on, row, release, end, energy: cost.energy, shape: Shape::Whole });
                }
            }
            if let Some(place) = best {
                self.placed[index] = Some(place);
                self.rebuild(pieces, place.on);
            }
        }
    }

    /// When a piece can begin; never where what it needs is left out.
    pub(super) fn release(&self, pieces: &Pieces, piece: &Piece) -> Option<u64> {
        let mut release = piece.release;
        for needed in pieces.needed_by(piece) {
            release = release.max(self.placed.get(*needed)?.as_ref()?.end);
        }
        Some(release)
    }

    /// The best place in time for a piece behind all that is planned.
    fn find(
        &self,
        pieces: &Pieces,
        known: Known<'_, '_>,
        piece: &Piece,
        release: u64,
        aim: Aim,
    ) -> Option<Placed> {
        let mut best: Option<((Tier, u64, u64), Placed)> = None;
        for row in piece.rows() {
            for (on, cost) in pieces.costs(row).iter().enumerate() {
                if cost.time == NEVER {
                    continue;
                }
                let end = self.timelines[on].end_of(release, cost.time);
                if end > piece.due {
                    continue;
                }
                let key = key(aim, piece, cost, end);
                // A lighter network is for where the larger one is in time nowhere, or by its virtual deadline at a risk alone.
                let is_better = |(of_best, placed): (_, Placed)| match placed.row == row {
                    true => key < of_best,
                    false => key.0 < of_best.0,
                };
                if best.is_none_or(is_better) {
                    let place = Placed { on, row, release, end, energy: cost.energy, shape: Shape::Whole };
                    best = Some((key, place));
                }
            }
            if self.by_layer
                && let Some(place) = self.cheapest_way(pieces, known, piece, row, release)
                && best.is_none_or(|(_, of_best)| of_best.row == row && place.energy < of_best.energy)
            {
                best = Some(((Tier::Safe, place.energy, place.end), place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// The place where a piece ends first as its lightest network, however late.
    fn soonest(&self, pieces: &Pieces, piece: &Piece, release: u64) -> Option<Placed> {
        let row = piece.rows().last()?;
        let costs = pieces.costs(row).iter().enumerate().filter(|(_, cost)| cost.time < NEVER);
        let places = costs.map(|(on, cost)| {
            let end = self.timelines[on].end_of(release, cost.time);
            Placed { on, row, release, end, energy: cost.energy, shape: Shape::Whole }
        });
        places.min_by_key(|place| place.end)
    }

    /// Plans a piece behind all that is planned.
    pub(super) fn take(&mut self, pieces: &Pieces, index: usize, place: Placed) {
        if let Shape::Roams { way } = place.shape {
            let mut at = place.release;
            for (on, time) in stays(pieces.steps(place.row, way)) {
                at = self.timelines[on].place(at, time);
            }
        } else {
            for on in 0..self.timelines.len() {
                if let Some(Part { release, time, .. }) = place.part(pieces, on) {
                    self.timelines[on].place(release, time);
                }
            }
        }
        self.placed[index] = Some(place);
    }

    fn worth(&self, pieces: &Pieces) -> Worth {
        let mut worth = Worth { left_out: Score(0.0), at_risk: Score(0.0), energy: 0 };
        for (piece, placed) in pieces.list().iter().zip(&self.placed) {
            match placed {
                Some(place) => {
                    worth.energy += u128::from(place.energy);
                    worth.at_risk.0 += piece.weight * place.is_late(pieces, piece.due);
                }
                // What is lost already weighs nothing.
                None if piece.is_lost() => {}
                None => worth.left_out.0 += piece.weight,
            }
        }
        worth
    }

    /// The end of a piece on an accelerator, if it and all that is planned there is in time, but for one piece that goes.
    pub(super) fn has_room(
        &mut self,
        pieces: &Pieces,
        on: usize,
        piece: usize,
        gone: Option<usize>,
    ) -> Option<u64> {
        self.budget = self.budget.checked_sub(self.placed.len() as u32)?;
        let mut end_of_piece = None;
        self.scratch.reset(pieces.free()[on]);
        for (index, other) in pieces.list().iter().enumerate().take(self.placed.len()) {
            let part = match self.placed[index] {
                _ if index == piece => {
                    let time = pieces.costs(self.row_of(pieces, index))[on].time;
                    Part { release: self.release(pieces, other)?, time, is_first: false }
                }
                Some(placed) if gone != Some(index) => match placed.part(pieces, on) {
                    Some(part) => part,
                    None => continue,
                },
                _ => continue,
            };
            if part.time == NEVER {
                return None;
            }
            let end = self.scratch.place(part.release, part.time);
            let limit = match self.placed[index].map(|placed| placed.shape) {
                Some(Shape::Split(split)) if part.is_first => split.first_end,
                _ => self.limit(pieces, index),
            };
            if end > limit {
                return None;
            }
            if index == piece {
                // What is safe where it is has to be safe there.
                let risk = pieces.costs(self.row_of(pieces, index))[on].risk;
                let is_safe = |placed: Placed| placed.end.saturating_add(placed.risk(pieces)) <= limit;
                if end.saturating_add(risk) > limit && self.placed[index].is_some_and(is_safe) {
                    return None;
                }
                end_of_piece = Some(end);
            }
        }
        end_of_piece
    }

    /// The latest end of a piece that changes nothing for others: what would end by its virtual deadline still has to, and what
    /// planned work waits for must not end later.
    fn limit(&self, pieces: &Pieces, index: usize) -> u64 {
        let piece = &pieces.list()[index];
        let Some(placed) = self.placed[index] else { return piece.due };
        if self.is_needed(pieces, index) {
            placed.end
        } else if placed.end <= piece.target {
            piece.target
        } else {
            piece.due
        }
    }

    /// True if planned work waits for a piece.
    fn is_needed(&self, pieces: &Pieces, index: usize) -> bool {
        let mut others = pieces.list().iter().zip(&self.placed).skip(index + 1);
        pieces.list()[index].leads
            && others.any(|(other, placed)| placed.is_some() && pieces.needed_by(other).contains(&index))
    }

    /// The row of a piece: the one that it is planned as, or its lightest.
    fn row_of(&self, pieces: &Pieces, index: usize) -> u32 {
        let piece = &pieces.list()[index];
        self.placed[index].map_or(piece.rows().end - 1, |placed| placed.row)
    }

    /// Plans all of an accelerator again, after what is planned there has changed.
    pub(super) fn rebuild(&mut self, pieces: &Pieces, on: usize) {
        self.timelines[on].reset(pieces.free()[on]);
        for placed in self.placed.iter_mut().flatten() {
            let Some(part) = placed.part(pieces, on) else { continue };
            let end = self.timelines[on].place(part.release, part.time);
            match &mut placed.shape {
                Shape::Split(split) if part.is_first => split.first_end = end,
                Shape::Whole | Shape::Split(_) => placed.end = end,
                // It ends with its last layer, wherever that is.
                Shape::Roams { .. } => placed.end = placed.end.max(end),
            }
        }
    }
}

/// Ends of a piece by what they promise, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// By the virtual deadline, even if it takes as long as it may.
    Safe,
    /// By the virtual deadline.
    Early,
    /// By the deadline.
    Late,
}

/// Measure by which an aim compares accelerators. Behind the virtual deadline what follows is the later the later the piece ends.
fn key(aim: Aim, piece: &Piece, cost: &Cost, end: u64) -> (Tier, u64, u64) {
    if end > piece.target {
        return (Tier::Late, end, cost.energy);
    }
    let tier = if end.saturating_add(cost.risk) <= piece.target { Tier::Safe } else { Tier::Early };
    match aim {
        Aim::Energy => (tier, cost.energy, end),
        Aim::End => (tier, end, cost.energy),
        Aim::Latency => (tier, cost.time, end),
    }
}

#[cfg(test)]
mod tests {
    use rtmm_workload::random::{Draws, Stream};

    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::horizon::arrivals::Arrivals;
    use crate::policies::horizon::pace::Pace;
    use crate::policies::horizon::settings::Settings;
    use crate::policies::horizon::tasks;

    /// Up to six jobs of tasks of one layer, some of which run, on two or three accelerators.
    fn fixture(case: u64) -> Fixture {
        let draws = Draws::new(1, Stream::Bootstrap, "plans");
        let mut thrown = 0;
        let mut below = |bound: u64| {
            thrown += 1;
            draws.below(case, thrown, bound)
        };
        let accelerators = 2 + below(2) as usize;
        let names = ["a", "b", "c", "d"];
        let sketches = names.map(|name| {
            let latency_us: Vec<u64> = (0..accelerators).map(|_| 1 + below(9)).collect();
            let energy_pj: Vec<f64> = (0..accelerators).map(|_| (1 + below(9)) as f64).collect();
            let sketch = TaskSketch::new(name, &[&latency_us, &latency_us]);
            sketch.energy_pj(&[&energy_pj, &energy_pj]).every(10 + below(30))
        });
        let mut fixture = Fixture::new(&sketches).unwrap();
        for job in 0..3 + below(4) {
            let id = fixture.ready(below(4) as usize, job, 6 + below(18));
            if job < 2 && below(2) == 0 {
                fixture.run(id, job as usize, Extent::LAYER);
            }
        }
        fixture.set_now(1);
        fixture
    }

    /// The end of each piece that has a place, one picosecond of none of them beside another: the earliest in the order of
    /// pieces that is there runs, a microsecond at a time.
    fn replay(pieces: &Pieces, placed: &[Option<Placed>]) -> Vec<Option<u64>> {
        const SLOT: u64 = 1_000_000;
        let mut left: Vec<u64> = (pieces.list().iter().zip(placed))
            .map(|(_, placed)| placed.map_or(0, |placed| pieces.costs(placed.row)[placed.on].time / SLOT))
            .collect();
        let mut ends = vec![None; placed.len()];
        for slot in 0..400 {
            for on in 0..pieces.free().len() {
                if pieces.free()[on] / SLOT > slot {
                    continue;
                }
                let is_there = |index: &usize| {
                    let begins = |placed: Placed| placed.on == on && placed.release / SLOT <= slot;
                    placed[*index].is_some_and(begins) && left[*index] > 0
                };
                if let Some(index) = (0..placed.len()).find(is_there) {
                    left[index] -= 1;
                    ends[index] = (left[index] == 0).then_some((slot + 1) * SLOT);
                }
            }
        }
        ends
    }

    /// The least weight that any choice of accelerators leaves out, in the order of pieces.
    fn least_left_out(pieces: &Pieces) -> usize {
        let (count, width) = (pieces.list().len(), pieces.free().len() + 1);
        let all = width.pow(count as u32);
        let left_out = |mut choice: usize| {
            let mut timelines = vec![Timeline::default(); width - 1];
            for (timeline, free) in timelines.iter_mut().zip(pieces.free()) {
                timeline.reset(*free);
            }
            let mut left_out = 0;
            for piece in pieces.list() {
                let on = choice % width;
                choice /= width;
                if on == width - 1 {
                    left_out += 1;
                } else {
                    let time = pieces.costs(piece.rows().start)[on].time;
                    if timelines[on].place(piece.release, time) > piece.due {
                        return usize::MAX;
                    }
                }
            }
            left_out
        };
        (0..all).map(left_out).min().unwrap_or(0)
    }

    #[test]
    fn plans_keep_what_they_promise_and_leave_out_little_more_than_they_must() {
        let (mut left_out, mut least, mut exact) = (0, 0, 0);
        for case in 0..400 {
            let fixture = fixture(case);
            let view = fixture.view();
            let settings = Settings::of("sacrifice=job lookahead=0 split=false");
            let facts = tasks::facts(&view, &settings);
            let (mut pieces, mut plan) = (Pieces::default(), Plan::default());
            let known = Known {
                view: &view,
                settings: &settings,
                facts: &facts,
                pace: &Pace::default(),
                points: None,
            };
            pieces.gather(known, &mut Arrivals::default());
            plan.make(&mut pieces, known);
            let ends = replay(&pieces, &plan.placed);
            let mut count = 0;
            for ((piece, placed), end) in pieces.list().iter().zip(&plan.placed).zip(ends) {
                let Some(placed) = placed else {
                    count += 1;
                    continue;
                };
                let is_over = pieces.costs(placed.row)[placed.on].time == 0;
                assert!(is_over || end == Some(placed.end), "case {case}: {end:?} {placed:?}");
                assert!(placed.end <= piece.due, "case {case}");
            }
            let of_this = least_left_out(&pieces);
            assert!(count >= of_this, "case {case}");
            left_out += count;
            least += of_this;
            exact += usize::from(count == of_this);
        }
        assert!(least > 300 && left_out <= least + least / 50 && exact >= 390, "{left_out} {least} {exact}");
    }
}
