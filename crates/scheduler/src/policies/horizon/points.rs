//! Accelerators at their operating points, as plans see them: when one is free there, what runs there takes, and what it draws.

use rtmm_hardware::{AcceleratorId, ClassId, PointId, PowerStates, PowerUnit};

use crate::parts::points::{class_at as class_of, highest as highest_of};
use crate::run::Run;
use crate::state::PointState;
use crate::view::View;

/// Zeptojoules in a femtojoule.
pub(super) const ZEPTO_PER_FEMTO: u128 = 1_000_000;

/// True if a platform states anything that clocks and gates change.
pub(super) fn are_stated(view: &View<'_>) -> bool {
    let mut states = (0..view.accelerators.len()).filter_map(|on| states(view, on));
    states.any(|states| states.points.len() > 1 || states.gating.is_some())
}

/// The power states of an accelerator; none where the platform does not state them.
pub(super) fn states<'v>(view: &View<'v>, on: usize) -> Option<&'v PowerStates> {
    view.profile.power_states(PowerUnit::Accelerator(AcceleratorId::new(on)))
}

/// The highest point of an accelerator; that of one that states none.
pub(super) fn highest(view: &View<'_>, on: usize) -> PointId {
    states(view, on).map_or(PointId::new(0), highest_of)
}

/// The class of all units of an accelerator at a point, with the memory as it is.
pub(super) fn class_at(view: &View<'_>, on: usize, point: PointId) -> ClassId {
    class_of(view, AcceleratorId::new(on), point)
}

/// The time, in picoseconds, that a change of the clock of an accelerator takes.
pub(super) fn change_time(view: &View<'_>, on: usize) -> u64 {
    let states = states(view, on).filter(|states| states.points.len() > 1);
    states.map_or(0, |states| states.switch.time.picoseconds())
}

/// The time, in picoseconds, that an accelerator takes to wake where it is gated.
pub(super) fn wake_time(view: &View<'_>, on: usize) -> u64 {
    let gating = states(view, on).and_then(|states| states.gating);
    gating.map_or(0, |gating| gating.wake_time.picoseconds())
}

/// Power, in nanowatts, of the memory while something runs over that while nothing does.
pub(super) fn memory_power(view: &View<'_>) -> u64 {
    let states = view.profile.power_states(PowerUnit::Dram);
    states
        .and_then(|states| states.point(view.dram.point))
        .map_or(0, |point| point.static_power.nanowatts().saturating_sub(point.idle_power.nanowatts()))
}

/// Power, in nanowatts, of an accelerator at a point: while it runs something, and while it does not.
pub(super) fn powers(view: &View<'_>, on: usize, point: PointId) -> (u64, u64) {
    let Some(states) = states(view, on) else { return (0, 0) };
    states.point(point).map_or((0, 0), |at| {
        let rest = states.gating.map_or(at.idle_power, |gating| gating.power);
        (at.static_power.nanowatts(), rest.nanowatts())
    })
}

/// Power, in nanowatts, that a platform draws more for that an accelerator runs something at a point.
pub(super) fn power_held(view: &View<'_>, on: usize, point: PointId) -> u64 {
    let (runs, rests) = powers(view, on, point);
    runs.saturating_sub(rests).saturating_add(memory_power(view))
}

/// Energy, in femtojoules, that a platform takes more for that an accelerator runs something for a time at a point.
pub(super) fn held(view: &View<'_>, on: usize, point: PointId, time_ps: u64) -> u64 {
    let held = u128::from(power_held(view, on, point)) * u128::from(time_ps);
    u64::try_from(held / ZEPTO_PER_FEMTO).unwrap_or(u64::MAX)
}

/// A part of a whole, rounded up.
fn scaled(value: u64, (to, from): (u64, u64)) -> u64 {
    if to == from || from == 0 {
        return value;
    }
    u64::try_from((u128::from(value) * u128::from(to)).div_ceil(u128::from(from))).unwrap_or(u64::MAX)
}

/// When an accelerator is free at a point, in picoseconds: behind what it runs, a wake-up, and what a change of the clock costs.
pub(super) fn free_at(view: &View<'_>, on: usize, point: PointId) -> u64 {
    let now = view.now.picoseconds();
    let accelerator = &view.accelerators[on];
    let Some(states) = states(view, on) else { return now.max(ends(view, on, point)) };
    let mut free = ends(view, on, point).max(now);
    if accelerator.is_gated && accelerator.is_idle() {
        free = free.saturating_add(states.gating.map_or(0, |gating| gating.wake_time.picoseconds()));
    }
    let PointState { point: now_at, change } = accelerator.power;
    if now_at != point {
        let hertz = |point| states.point(point).map_or(1, |at| at.hertz);
        let (slow, fast) = (hertz(now_at), hertz(point));
        // A change that is under way is nearer than one that is not.
        let under_way = change.filter(|change| change.to == point);
        let time = under_way.map_or(states.switch.time, |change| change.at.saturating_since(view.now));
        let time = time.picoseconds();
        free = free.saturating_add(match states.switch.stalls {
            true => time,
            false => time - scaled(time, (slow.min(fast), fast)),
        });
    }
    free
}

/// The last end of what an accelerator runs, were it at a point from now on.
fn ends(view: &View<'_>, on: usize, point: PointId) -> u64 {
    let runs = view.runs().filter(|run| run.accelerator.index() == on);
    runs.map(|run| end_of(view, run, point)).max().unwrap_or(0)
}

/// The end of a run, were its accelerator at a point from now on.
pub(super) fn end_of(view: &View<'_>, run: &Run, point: PointId) -> u64 {
    let (now, end) = (view.now.picoseconds(), run.expected_end.picoseconds());
    let on = run.accelerator.index();
    let segment = |class| {
        let behind = view.profile.remaining(run.model, run.stop, class);
        let all = view.profile.remaining(run.model, run.from.layer, class);
        all.saturating_sub(behind).picoseconds()
    };
    let at = |point| segment(class_at(view, on, point));
    let left = end.saturating_sub(now);
    let in_force = view.accelerators[on].power.point;
    if in_force == point { end } else { now.saturating_add(scaled(left, (at(point), at(in_force)))) }
}

/// The energy of what is left of a run at a point, in zeptojoules.
pub(super) fn rest_of(view: &View<'_>, run: &Run, point: PointId) -> u128 {
    let (now, end) = (view.now.picoseconds(), run.expected_end.picoseconds());
    let on = run.accelerator.index();
    let of = |point| {
        let class = class_at(view, on, point);
        let time = |layer| view.profile.remaining(run.model, layer, class).picoseconds();
        let energy = |layer| view.profile.remaining_energy(run.model, layer, class).femtojoules();
        let (from, stop) = (run.from.layer, run.stop);
        (time(from).saturating_sub(time(stop)), energy(from).saturating_sub(energy(stop)))
    };
    let (all, _) = of(view.accelerators[on].power.point);
    let (_, energy) = of(point);
    u128::from(scaled(energy, (end.saturating_sub(now).min(all), all))) * ZEPTO_PER_FEMTO
}
