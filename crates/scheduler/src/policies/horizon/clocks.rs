//! Clocks and gates by the plan: each accelerator at the operating point at which all that is planned stays in time and the platform
//! takes least energy.
//!
//! Where a platform states power, what a piece takes includes the power that its accelerator and the memory draw for that the
//! piece runs, over what they draw without it ([`super::points::held`]). A plan is made with all accelerators at their highest points. If nothing is
//! left out or at risk there, plans are made with one accelerator at the next lower point, and with all of them, and the one of least
//!
//! ```text
//! energy = sum of what pieces take + sum over accelerators of static(point) * busy + rest(point) * (end - now - busy)
//!          + (static - idle) of the memory * the time in which any is busy + changes of points
//! ```
//!
//! is taken, and so on from there until none takes less. `end` is the last deadline, and rest is the power of the gated
//! accelerator, or its idle power where it cannot be gated. Where not all is in time at lower points, frames that come no sooner
//! than a clock can be raised are planned at the next higher ones. No plan at lower points may leave out more, run
//! lighter networks, or put anything at risk, and what runs below the highest point has a fifth of the time until its end to spare:
//! what comes unexpectedly, and what shared memory costs, is in no plan. Jobs roam at the highest points alone.
//!
//! A clock whose change, and a gate whose wake-up, takes longer than a fifth of the time that the tightest task has to spare stays as
//! it is: what comes unexpectedly would be late for it.
//!
//! Where nothing has come or ended since the last plan, a new one is made at the same points, as long as all is in time.
//!
//! An accelerator for which there is nothing to begin is gated if that saves energy until the plan begins something there.

use rtmm_hardware::{AcceleratorId, PointId, PowerUnit};
use rtmm_workload::Duration;

use super::arrivals::Arrivals;
use super::pieces::{At, Known, Piece, Pieces};
use super::plan::{Placed, Plan};
use super::points::{
    ZEPTO_PER_FEMTO, change_time, highest, memory_power, power_held, powers, rest_of, states, wake_time,
};
use super::timeline::Timeline;
use crate::decision::Decision;
use crate::parts::points::saves_by_gating;
use crate::view::View;

/// A plan to make, and all that it is made of.
pub(super) struct Planned<'p, 'k, 'v> {
    pub plan: &'p mut Plan,
    pub pieces: &'p mut Pieces,
    pub arrivals: &'p mut Arrivals,
    pub known: Known<'k, 'v>,
}

/// Which points a plan is made at.
#[derive(Clone, Copy, Debug)]
enum Points {
    Chosen,
    Tried,
}

/// Worth of a plan.
#[derive(Clone, Copy, Debug)]
struct Made {
    given_up: u32,
    /// Zeptojoules; none where work is left out or at risk, or has no time to spare.
    energy: Option<u128>,
}

impl Planned<'_, '_, '_> {
    fn make(&mut self, clocks: &mut Clocks, points: Points) -> Made {
        let Self { plan, pieces, arrivals, known } = self;
        let at = match points {
            Points::Chosen => At { now: &clocks.points, later: &clocks.later, raised: &clocks.raised },
            Points::Tried => At { now: &clocks.tried, later: &clocks.tried_later, raised: &clocks.raised },
        };
        let known = Known { points: Some(at), ..*known };
        pieces.gather(known, arrivals);
        plan.make(pieces, known);
        let holds = plan.is_perfect && plan.rule.is_none() && has_spare(plan, pieces, known);
        let energy = holds.then(|| clocks.busy.energy(plan, pieces, known));
        Made { given_up: given_up(plan, pieces), energy }
    }
}

/// Lowers a point by one, as far as there is a lower one.
fn lower(point: &mut PointId) {
    *point = PointId::new(point.index().saturating_sub(1));
}

/// Raises the point of each accelerator by one, as far as there is a higher one.
fn raise(view: &View<'_>, points: &mut [PointId]) {
    for (on, point) in points.iter_mut().enumerate() {
        *point = PointId::new(point.index() + 1).min(highest(view, on));
    }
}

/// The part of the time from its release to its end that a piece has to have to spare at a point below the highest.
const SPARE: u64 = 5;
/// The most plans of an instant.
const PLANS: u32 = 32;

/// Points and gates of accelerators, as the plan has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Clocks {
    /// By accelerator; empty where clocks are not planned.
    points: Vec<PointId>,
    /// The points that frames which have not come are planned at.
    later: Vec<PointId>,
    /// Points that are tried.
    tried: Vec<PointId>,
    tried_later: Vec<PointId>,
    /// By accelerator: whether its clock can be raised, and whether it wakes, soon enough for a job that is not expected.
    may_slow: Vec<bool>,
    may_gate: Vec<bool>,
    /// By accelerator: when a clock that is raised now is.
    raised: Vec<u64>,
    /// By accelerator: when the plan begins something there.
    begins: Vec<u64>,
    busy: Busy,
}

impl Clocks {
    /// Makes a plan, with the points that it is to be carried out at: where nothing has come or ended since the last one, those of
    /// that, as long as all is in time.
    pub(super) fn plan(&mut self, mut planned: Planned<'_, '_, '_>, is_new: bool) {
        let view = planned.known.view;
        let now = view.now.picoseconds();
        if self.may_slow.is_empty() {
            let longest = least_slack(planned.known) / SPARE;
            let accelerators = 0..view.accelerators.len();
            self.may_slow = accelerators.clone().map(|on| change_time(view, on) <= longest).collect();
            self.may_gate = accelerators.map(|on| wake_time(view, on) <= longest).collect();
        }
        self.raised.clear();
        self.raised.extend((0..view.accelerators.len()).map(|on| now.saturating_add(change_time(view, on))));
        if is_new || self.points.is_empty() || planned.make(self, Points::Chosen).energy.is_none() {
            self.choose(&mut planned);
        }
        let (plan, pieces) = (&*planned.plan, &*planned.pieces);
        self.begins.clear();
        let last = last_due(pieces).unwrap_or(u64::MAX);
        self.begins.extend((0..view.accelerators.len()).map(|on| {
            let parts = plan.placed.iter().flatten().filter_map(|placed| placed.part(pieces, on));
            parts.filter(|part| part.time > 0).map(|part| part.release).min().unwrap_or(last)
        }));
    }

    /// Chooses points, from the highest ones down, and makes the plan at them.
    fn choose(&mut self, planned: &mut Planned<'_, '_, '_>) {
        let view = planned.known.view;
        let width = view.accelerators.len();
        self.points.clear();
        // A change that is under way is waited for.
        let under_way = |on: usize| view.accelerators[on].power.change.map(|change| change.to);
        self.points.extend((0..width).map(|on| under_way(on).unwrap_or_else(|| highest(view, on))));
        self.later.clone_from(&self.points);
        let Made { given_up, energy } = planned.make(self, Points::Chosen);
        let Some(mut least) = energy else { return };
        let mut left = PLANS;
        let mut is_made = true;
        loop {
            // One accelerator at its next lower point; at last all of them.
            let mut found = None;
            for slower in (0..width).map(|on| on..on + 1).chain(std::iter::once(0..width)) {
                self.tried.clone_from(&self.points);
                for on in slower.filter(|on| self.may_slow[*on] && under_way(*on).is_none()) {
                    lower(&mut self.tried[on]);
                }
                if self.tried == self.points {
                    continue;
                }
                // What comes later at the same points; if that is too slow, at the next higher ones.
                for raises in [false, true] {
                    self.tried_later.clone_from(&self.tried);
                    if raises {
                        raise(view, &mut self.tried_later);
                    }
                    let Some(rest) = left.checked_sub(1) else { break };
                    (left, is_made) = (rest, false);
                    let made = planned.make(self, Points::Tried);
                    let Some(energy) = made.energy.filter(|_| made.given_up <= given_up) else { continue };
                    if energy < least {
                        (least, found) = (energy, Some((self.tried.clone(), self.tried_later.clone())));
                    }
                    break;
                }
            }
            let Some((points, later)) = found else { break };
            (self.points, self.later) = (points, later);
        }
        if !is_made {
            planned.make(self, Points::Chosen);
        }
    }

    /// The next change of a clock; none where each is as planned, or is about to be.
    pub(super) fn next(&self, view: &View<'_>) -> Option<Decision> {
        self.points.iter().enumerate().find_map(|(on, point)| {
            let state = &view.accelerators[on].power;
            let is_due = state.change.is_none() && state.point != *point && states(view, on).is_some();
            let on = PowerUnit::Accelerator(AcceleratorId::new(on));
            is_due.then_some(Decision::SetPoint { on, point: *point })
        })
    }

    /// The next accelerator to gate.
    pub(super) fn gate(&self, view: &View<'_>) -> Option<Decision> {
        self.begins.iter().enumerate().find_map(|(on, begins)| {
            let state = &view.accelerators[on];
            let states = states(view, on)?;
            let gap = Duration::from_picoseconds(begins.saturating_sub(view.now.picoseconds()));
            let gates = self.may_gate[on]
                && state.is_idle()
                && !state.is_gated
                && saves_by_gating(states, state.power.point, gap);
            gates.then_some(Decision::Gate { on: AcceleratorId::new(on) })
        })
    }
}

/// The number of pieces without a place, also of those that are lost at the points that work is planned at, and of lighter
/// networks that others run as.
fn given_up(plan: &Plan, pieces: &Pieces) -> u32 {
    let of = |(piece, placed): (&Piece, &Option<Placed>)| match placed {
        Some(placed) => placed.row - piece.rows().start,
        None => piece.rows().end - piece.rows().start,
    };
    pieces.list().iter().zip(&plan.placed).map(of).sum()
}

/// True if all that is planned at points below the highest has time to spare.
fn has_spare(plan: &Plan, pieces: &Pieces, known: Known<'_, '_>) -> bool {
    let Some(points) = known.points else { return true };
    pieces.list().iter().zip(&plan.placed).all(|(piece, placed)| {
        let Some(placed) = placed else { return true };
        let is_slow = points.point((piece.kind, piece.release), placed.on) != highest(known.view, placed.on);
        let spare = if is_slow { placed.end.saturating_sub(placed.release) / SPARE } else { 0 };
        placed.end.saturating_add(spare) <= if placed.end <= piece.target { piece.target } else { piece.due }
    })
}

/// Spans in which accelerators are busy, used again and again.
#[derive(Clone, Debug, Default)]
struct Busy {
    timeline: Timeline,
    spans: Vec<(u64, u64)>,
}

impl Busy {
    /// The energy of the platform until the last deadline if a plan is carried out, in zeptojoules.
    fn energy(&mut self, plan: &Plan, pieces: &Pieces, known: Known<'_, '_>) -> u128 {
        let Self { timeline, spans } = self;
        let view = known.view;
        let Some(points) = known.points else { return 0 };
        let now = view.now.picoseconds();
        let last = last_due(pieces).unwrap_or(now).max(now);
        let works = pieces.list().iter().zip(&plan.placed).filter_map(|(piece, placed)| {
            let placed = placed.as_ref()?;
            let held = (0..points.now.len()).map(|on| {
                let time = placed.part(pieces, on).map_or(0, |part| part.time);
                u128::from(power_held(view, on, points.point((piece.kind, piece.release), on)))
                    * u128::from(time)
            });
            Some((u128::from(placed.energy) * ZEPTO_PER_FEMTO).saturating_sub(held.sum()))
        });
        let mut energy: u128 = works.sum();
        let ends = view.runs().map(|run| rest_of(view, run, points.now[run.accelerator.index()]));
        energy += ends.sum::<u128>();
        spans.clear();
        for (on, point) in points.now.iter().enumerate() {
            timeline.reset(pieces.free()[on]);
            for part in plan.placed.iter().flatten().filter_map(|placed| placed.part(pieces, on)) {
                timeline.place(part.release, part.time);
            }
            let before = spans.len();
            // An accelerator that runs nothing is not busy until it is free.
            let state = &view.accelerators[on];
            spans.extend(timeline.busy(if state.is_idle() { pieces.free()[on] } else { now }));
            let busy: u64 = spans[before..].iter().map(|(start, end)| end - start).sum();
            let (runs, rests) = powers(view, on, *point);
            energy += u128::from(runs) * u128::from(busy);
            energy += u128::from(rests) * u128::from((last - now).saturating_sub(busy));
            if let Some(states) = states(view, on).filter(|_| state.power.last() != *point) {
                energy += u128::from(states.switch.energy.femtojoules()) * ZEPTO_PER_FEMTO;
            }
        }
        energy + u128::from(memory_power(view)) * u128::from(covered(spans))
    }
}

/// The least slack of a job of some task at its arrival, where it is fastest, in picoseconds. Tasks that cannot be in time do not count.
fn least_slack(known: Known<'_, '_>) -> u64 {
    let spare = known.facts.iter().filter_map(|of| {
        let (_, lightest) = *of.networks.last()?;
        let least = known.view.profile.fastest_remaining(lightest, 0_u32).picoseconds();
        of.deadline?.saturating_sub(of.reserve).checked_sub(least)
    });
    spare.min().unwrap_or(u64::MAX)
}

fn last_due(pieces: &Pieces) -> Option<u64> {
    pieces.list().iter().map(|piece| piece.due).max()
}

/// The time that spans cover.
fn covered(spans: &mut [(u64, u64)]) -> u64 {
    spans.sort_unstable();
    let (mut sum, mut until) = (0, 0);
    for (start, end) in spans {
        let start = until.max(*start);
        sum += end.saturating_sub(start);
        until = until.max(*end);
    }
    sum
}
