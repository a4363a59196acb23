//! Operating points and power gating: decisions that change them, and what becomes of the runs that they change.
//!
//! A run that a change finds in the midst of a layer goes on at the new pace from where it stands: what is left of the layer
//! takes as much longer as the whole layer does in the new class. Its energy is split there, too.

use rtmm_hardware::{AcceleratorId, Class, ClassId, PointId, PointSwitch, PowerUnit};
use rtmm_scheduler::{PointChange, PointState};
use rtmm_workload::{Duration, Time};

use super::Simulation;
use super::decisions::expected_latency;
use super::state::Anchor;
use crate::error::Illegal;
use crate::execution::{Execution, Standing, rescaled};
use crate::observer::{Observer, PowerEvent};

impl<E: Execution, O: Observer> Simulation<'_, E, O> {
    /// The class of a run that would hold so many units of an accelerator now; none where no run may.
    #[inline(always)]
    pub(super) fn class_now(&self, accelerator: AcceleratorId, units: u32) -> Option<ClassId> {
        let profile = &self.system.profile;
        if profile.has_points() {
            profile.class_at(accelerator, units, self.state.points(accelerator))
        } else {
            profile.class_with(accelerator, units)
        }
    }

    /// The operating point of an accelerator, or of the memory.
    fn point_of(&mut self, on: PowerUnit) -> Option<&mut PointState> {
        match on {
            PowerUnit::Accelerator(accelerator) => {
                Some(&mut self.state.accelerators.get_mut(accelerator.index())?.power)
            }
            PowerUnit::Dram => Some(&mut self.state.dram),
        }
    }

    pub(super) fn set_point(&mut self, on: PowerUnit, to: PointId) -> Result<(), Illegal> {
        let system = self.system;
        if let PowerUnit::Accelerator(accelerator) = on
            && accelerator.index() >= self.state.accelerators.len()
        {
            return Err(Illegal::NoSuchAccelerator);
        }
        let states = system.profile.power_states(on).ok_or(Illegal::NoPoints)?;
        states.point(to).ok_or(Illegal::NoSuchPoint)?;
        let now = self.state.now;
        let PointSwitch { time, stalls, .. } = states.switch;
        let at = now.saturating_add(time);
        let state = self.point_of(on).ok_or(Illegal::NoPoints)?;
        if state.change.is_some() {
            return Err(Illegal::PointChanges);
        }
        if state.point == to {
            return Err(Illegal::NothingToChange);
        }
        if at > now {
            state.change = Some(PointChange { to, at });
            self.events.add_point(at, on);
        }
        self.observer.power_changed(now, PowerEvent::Changes { on, to, at });
        if at == now || stalls {
            self.enforce(on, to, at);
        }
        Ok(())
    }

    /// A change of a point is complete.
    pub(super) fn complete_change(&mut self, on: PowerUnit) {
        self.events.take_point();
        self.must_decide = true;
        let now = self.state.now;
        let Some(state) = self.point_of(on) else { return };
        if let Some(PointChange { to, .. }) = state.change.take()
            && to != state.point
        {
            self.enforce(on, to, now);
        }
    }

    /// Puts a point in force: runs go on at its pace from `resumes` on.
    fn enforce(&mut self, on: PowerUnit, point: PointId, resumes: Time) {
        let now = self.state.now;
        if let Some(state) = self.point_of(on) {
            state.point = point;
        }
        let is_changed = |accelerator| match on {
            PowerUnit::Accelerator(changed) => accelerator == changed,
            PowerUnit::Dram => true,
        };
        let runs = self.state.runs.iter().filter(|run| is_changed(run.accelerator));
        let slots: Vec<usize> = runs.map(|run| run.id.slot()).collect();
        let standings: Vec<Option<Standing>> = slots.iter().map(|slot| self.stand(*slot)).collect();
        if on == PowerUnit::Dram
            && let Some(bandwidth) = self.system.platform.shared_bandwidth_at(point)
        {
            self.execution.set_bandwidth(bandwidth);
        }
        for (slot, standing) in slots.iter().zip(&standings) {
            self.rescale(*slot, standing.as_ref(), resumes);
        }
        self.execution.go_on(now);
        self.observer.power_changed(now, PowerEvent::InForce { on, point });
    }

    /// Books what a run has done so far.
    fn stand(&mut self, slot: usize) -> Option<Standing> {
        let (system, now) = (self.system, self.state.now);
        let segment = self.hidden.segment(&self.state, slot)?;
        let standing = self.execution.stand(system, slot, now, &segment)?;
        let run = self.state.runs.at(slot)?;
        let (class, model, job) = (run.class, run.model, run.jobs.single());
        if self.observes_layers && !self.execution.tells_layers() {
            self.report_layers(slot, standing.reach.to);
        }
        let first = self.state.runs.jobs_of(self.state.runs.at(slot)?).first()?.slot();
        if standing.began.is_none() && standing.reach.to.layer <= self.hidden.jobs[first].booked.layer {
            // Nothing has run since it was booked.
            return Some(standing);
        }
        match job {
            Some(job) => self.spend(job.slot(), class, model, standing.reach),
            None => self.spend_batch(slot, standing.reach),
        }
        Some(standing)
    }

    /// Has a run go on from where it stood in the class that the points in force give it.
    fn rescale(&mut self, slot: usize, standing: Option<&Standing>, resumes: Time) {
        let (system, now) = (self.system, self.state.now);
        let Some(mut run) = self.state.runs.at(slot).copied() else { return };
        // Another change may have it stand still for longer.
        let resumes = resumes.max(self.stalled_until(run.accelerator));
        let before = run.class;
        let at_points = |class: ClassId| {
            let Class { units, batch, .. } = *system.costs.class(class);
            let single = self.class_now(run.accelerator, units);
            single.and_then(|single| system.costs.in_batch(single, batch)).unwrap_or(class)
        };
        let (class, next_class) = (at_points(before), run.next_class.map(at_points));
        (run.class, run.next_class) = (class, next_class);
        let all = |class| {
            let from = system.in_steps_of(run.model, class, run.from);
            expected_latency(system, run.model, from, run.stop, class)
        };
        let (all_before, all_after) = (all(before), all(class));
        let since = run.pace.since.max(resumes);
        let done = run.pace.done_at(now);
        run.pace = run.pace.changed(now, since, all_before, all_after);
        let [done, before, after] = [done, all_before, all_after].map(|time| u128::from(time.picoseconds()));
        let left = u64::try_from(rescaled(before.saturating_sub(done), before, after));
        run.expected_end = since.saturating_add(left.map_or(Duration::MAX, Duration::from_picoseconds));
        if let Some(own) = self.state.runs.at_mut(slot) {
            *own = run;
        }
        let Some(segment) = self.hidden.segment(&self.state, slot) else { return };
        let rest = self.execution.rescale(system, slot, resumes, &segment, standing);
        let anchor = &mut self.hidden.runs[slot].anchor;
        match standing {
            Some(standing) => {
                let from = standing.reach.to;
                *anchor = Anchor { from, began: standing.began.unwrap_or(resumes), at: resumes, rest };
            }
            // It has not begun.
            None => {
                let at = anchor.at.max(resumes);
                (anchor.began, anchor.at) = (at, at);
            }
        }
    }

    /// The end of changes that stall an accelerator, or the memory; the start of the run where there are none.
    pub(super) fn stalled_until(&self, accelerator: AcceleratorId) -> Time {
        let profile = &self.system.profile;
        let own = PowerUnit::Accelerator(accelerator);
        let states =
            [(own, self.state.accelerators[accelerator.index()].power), (PowerUnit::Dram, self.state.dram)];
        let stalls = |on| profile.power_states(on).is_some_and(|states| states.switch.stalls);
        let ends = states.into_iter().filter(|(on, _)| stalls(*on));
        ends.filter_map(|(_, state)| Some(state.change?.at)).max().unwrap_or(Time::ZERO)
    }

    pub(super) fn gate(&mut self, on: AcceleratorId) -> Result<(), Illegal> {
        let states = self.system.profile.power_states(PowerUnit::Accelerator(on));
        let state = self.state.accelerators.get_mut(on.index()).ok_or(Illegal::NoSuchAccelerator)?;
        if states.is_none_or(|states| states.gating.is_none()) {
            return Err(Illegal::NoGating);
        }
        if !state.is_idle() {
            return Err(Illegal::AcceleratorBusy);
        }
        if std::mem::replace(&mut state.is_gated, true) {
            return Err(Illegal::GatedAlready);
        }
        self.observer.power_changed(self.state.now, PowerEvent::Gated { on });
        Ok(())
    }

    /// Wakes a gated accelerator; the time that this takes.
    pub(super) fn wake(&mut self, on: AcceleratorId) -> Duration {
        self.state.accelerators[on.index()].is_gated = false;
        self.observer.power_changed(self.state.now, PowerEvent::Wakes { on });
        let states = self.system.profile.power_states(PowerUnit::Accelerator(on));
        let gating = states.and_then(|states| states.gating);
        gating.map_or(Duration::ZERO, |gating| gating.wake_time)
    }
}
