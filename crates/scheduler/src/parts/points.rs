//! Operating points and gates of accelerators: the highest point, the class of a point, and whether gating saves energy.

use rtmm_hardware::{AcceleratorId, ClassId, PointId, Points, PowerStates};
use rtmm_workload::Duration;

use crate::view::View;

/// The highest point.
#[must_use]
pub fn highest(states: &PowerStates) -> PointId {
    PointId::new(states.points.len().saturating_sub(1))
}

/// The class of all units of an accelerator at one of its points, with the memory as it is.
#[must_use]
pub fn class_at(view: &View<'_>, accelerator: AcceleratorId, point: PointId) -> ClassId {
    let whole = view.profile.whole(accelerator);
    let points = Points { accelerator: point, dram: view.dram.point };
    view.profile.class_at(accelerator, view.profile.class(whole).units, points).unwrap_or(whole)
}

/// True if gating an accelerator for a gap takes less energy than that it is idle at a point, and the gap is as long as a
/// wake-up. False where it cannot be gated.
#[must_use]
pub fn saves_by_gating(states: &PowerStates, point: PointId, gap: Duration) -> bool {
    let (Some(gating), Some(point)) = (states.gating, states.point(point)) else { return false };
    if gap < gating.wake_time {
        return false;
    }
    let [gap, wake] = [gap, gating.wake_time].map(|time| u128::from(time.picoseconds()));
    let idle = point.idle_power.zeptojoules(gap);
    // While it wakes, the job that woke it holds it.
    let waking = point.static_power.zeptojoules(wake);
    let paid = u128::from(gating.wake_energy.femtojoules()).saturating_mul(1_000_000);
    let gated = gating.power.zeptojoules(gap);
    idle > gated.saturating_add(waking).saturating_add(paid)
}
