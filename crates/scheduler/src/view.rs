//! The view that a policy decides on: the state of a run as far as it is known, and the profile.

use std::ops::Deref;

use rtmm_hardware::{AcceleratorId, ClassId, Energy, Moved};
use rtmm_workload::{Dependency, Duration, ModelId, Period, Scenario, Task, TaskId};

use crate::ids::JobId;
use crate::ids::RunId;
use crate::job::{Job, JobState};
use crate::live_jobs::JobsIn;
use crate::profile::Profile;
use crate::run::Run;
use crate::state::{SystemState, UnitState};

/// A task as it is known before its first frame arrives.
#[derive(Clone, Copy, Debug)]
pub struct TaskInfo<'v> {
    /// Its name.
    pub name: &'v str,
    /// The model that it runs by default.
    pub model: ModelId,
    /// The variants that its jobs may run as.
    pub variants: &'v [ModelId],
    /// Its priority: larger is more important. Jobs of traces may have their own.
    pub priority: i32,
    /// The jobs of other tasks that its own depend on.
    pub depends_on: &'v [Dependency],
    /// The period outside of phases, of it or of the task that it follows; none without any.
    pub period: Option<Period>,
    /// Its relative deadline outside of phases; none if only jobs have one.
    pub deadline: Option<Duration>,
}

/// The state of a run, read only: a [`SystemState`] with what is known beforehand. It holds nothing that a
/// scheduler could not know.
#[derive(Clone, Copy, Debug)]
pub struct View<'v> {
    state: &'v SystemState,
    /// The scenario: private, since it holds the arrivals to come.
    scenario: &'v Scenario,
    /// Costs as they are known beforehand.
    pub profile: &'v Profile,
}

impl Deref for View<'_> {
    type Target = SystemState;

    fn deref(&self) -> &SystemState {
        self.state
    }
}

impl<'v> View<'v> {
    /// A view of a state.
    #[must_use]
    pub const fn new(state: &'v SystemState, scenario: &'v Scenario, profile: &'v Profile) -> Self {
        Self { state, scenario, profile }
    }

    /// Jobs that can be dispatched, in the order of release.
    #[inline(always)]
    pub fn ready(&self) -> impl ExactSizeIterator<Item = &'v Job> + use<'v> {
        self.in_state(JobState::Ready, self.state.live.ready())
    }

    /// Jobs that wait for the output of others, in the order of release.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &'v Job> + use<'v> {
        self.in_state(JobState::Waiting, self.state.live.waiting())
    }

    fn in_state(&self, state: JobState, count: usize) -> JobsIn<'v> {
        JobsIn::new(&self.state.live, &self.state.jobs, state, count)
    }

    /// All runs: by accelerator, then by the lowest unit that they were dispatched on.
    pub fn runs(&self) -> impl Iterator<Item = &'v Run> + use<'v> {
        self.state.runs.iter()
    }

    /// All runs in the same order, each with its job; of a batch, with its first.
    pub fn running(&self) -> impl Iterator<Item = (&'v Run, &'v Job)> + use<'v> {
        let jobs = &self.state.jobs;
        self.runs().filter_map(move |run| Some((run, &jobs[run.jobs.first()?.slot()])))
    }

    /// The jobs of a run, in the order of its dispatch.
    #[must_use]
    pub fn jobs_of(&self, run: &'v Run) -> &'v [JobId] {
        self.state.runs.jobs_of(run)
    }

    /// A run; none if it is over.
    #[must_use]
    pub fn run(&self, id: RunId) -> Option<&'v Run> {
        self.state.runs.get(id)
    }

    /// True if runs can divide any accelerator: whether one has more than one unit.
    #[must_use]
    pub fn is_divided(&self) -> bool {
        self.state.units.len() != self.accelerators.len()
    }

    /// The units of an accelerator, ascending.
    #[must_use]
    pub fn units(&self, accelerator: AcceleratorId) -> &'v [UnitState] {
        &self.state.units[self.accelerators[accelerator.index()].slots()]
    }

    /// True if nothing can be dispatched: no job is ready, or no unit is free.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.state.live.ready() == 0 || self.free.is_empty()
    }

    /// A live job; none if it is over.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&'v Job> {
        self.state.jobs.get(id.slot()).filter(|job| job.id == id && job.state != JobState::Over)
    }

    /// The number of tasks.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.scenario.tasks.len()
    }

    /// A task as it is known beforehand.
    #[must_use]
    pub fn task(&self, task: TaskId) -> TaskInfo<'v> {
        let Task { name, model, variants, priority, depends_on, .. } = &self.scenario.tasks[task.index()];
        let leader = &self.scenario.tasks[self.scenario.leader(task).index()];
        TaskInfo {
            name,
            model: *model,
            variants,
            priority: *priority,
            depends_on,
            period: leader.arrivals.period(),
            deadline: self.scenario.relative_deadline(task),
        }
    }

    /// True if an accelerator runs the next layer of a job, and the job may run there: it can be dispatched there once there
    /// are free units.
    #[inline]
    #[must_use]
    pub fn can_run(&self, job: &Job, accelerator: AcceleratorId) -> bool {
        self.profile.runs(job.model, job.progress.layer, accelerator)
    }

    /// The least expected remaining latency of a job over accelerators that it can run on.
    #[inline]
    #[must_use]
    pub fn least_remaining_here(&self, job: &Job) -> Duration {
        if !self.profile.is_partial() {
            return self.least_remaining(job);
        }
        let accelerators = (0..self.accelerators.len()).map(AcceleratorId::new);
        let here = accelerators.filter(|accelerator| self.can_run(job, *accelerator));
        here.map(|accelerator| self.remaining(job, accelerator)).min().unwrap_or(Duration::MAX)
    }

    /// The class of a run that would hold all units of an accelerator now, at the operating points in force.
    #[inline]
    #[must_use]
    pub fn whole(&self, accelerator: AcceleratorId) -> ClassId {
        let nominal = self.profile.whole(accelerator);
        if self.profile.has_points() { self.class_now(accelerator, nominal) } else { nominal }
    }

    /// The class at the operating points in force of as many units of an accelerator as another class of it has.
    #[must_use]
    pub fn class_now(&self, accelerator: AcceleratorId, class: ClassId) -> ClassId {
        if !self.profile.has_points() {
            return class;
        }
        let points = self.state.points(accelerator);
        self.profile.class_at(accelerator, self.profile.class(class).units, points).unwrap_or(class)
    }

    /// The latency of what is left of a job's next layer on all units of an accelerator, in isolation, at the operating
    /// points in force.
    #[inline]
    #[must_use]
    pub fn next_layer(&self, job: &Job, accelerator: AcceleratorId) -> Duration {
        self.profile.rest_of_layer(job.model, job.progress, self.whole(accelerator))
    }

    /// The expected remaining latency of a job on all units of an accelerator, at the operating points in force.
    #[inline]
    #[must_use]
    pub fn remaining(&self, job: &Job, accelerator: AcceleratorId) -> Duration {
        self.profile.remaining(job.model, job.progress, self.whole(accelerator))
    }

    /// The expected remaining latency of a job on the accelerator that is fastest for all of it, at the nominal points.
    #[inline]
    #[must_use]
    pub fn least_remaining(&self, job: &Job) -> Duration {
        self.profile.least_remaining(job.model, job.progress)
    }

    /// The expected remaining latency of a job, in the mean over accelerators, at the nominal points.
    #[inline]
    #[must_use]
    pub fn mean_remaining(&self, job: &Job) -> Duration {
        self.profile.mean_remaining(job.model, job.progress)
    }

    /// The energy of the context switch that an accelerator would make to run `model` from `layer` on, on
    /// all of its units; nothing where they ran that model last. For a job that is
    /// dispatched where it stands, exactly what is charged; of an accelerator that has runs, what it would
    /// be after them.
    #[must_use]
    pub fn switch_energy(&self, model: ModelId, layer: u32, accelerator: AcceleratorId) -> Energy {
        let moved = self.switched(model, layer, accelerator, 1);
        moved.map_or(Energy::ZERO, |moved| self.profile.switch_energy(accelerator, moved))
    }

    /// The latency of that context switch.
    #[must_use]
    pub fn switch_time(&self, model: ModelId, layer: u32, accelerator: AcceleratorId) -> Duration {
        let moved = self.switched(model, layer, accelerator, 1);
        moved.map_or(Duration::ZERO, |moved| self.profile.switch_time(accelerator, moved))
    }

    /// The latency and the energy of that context switch; none where the accelerator would make none.
    #[must_use]
    pub fn switch(
        &self,
        model: ModelId,
        layer: u32,
        accelerator: AcceleratorId,
    ) -> Option<(Duration, Energy)> {
        let moved = self.switched(model, layer, accelerator, 1)?;
        Some(self.profile.switch_cost(accelerator, moved))
    }

    /// The latency of the context switch that an accelerator would make to run a batch of `model`, on all of its units.
    #[must_use]
    pub fn switch_time_of_batch(&self, model: ModelId, accelerator: AcceleratorId, jobs: u32) -> Duration {
        let moved = self.switched(model, 0, accelerator, jobs);
        moved.map_or(Duration::ZERO, |moved| self.profile.switch_time(accelerator, moved))
    }

    /// The activations that the switch of a whole accelerator would move.
    #[inline]
    fn switched(&self, model: ModelId, layer: u32, accelerator: AcceleratorId, jobs: u32) -> Option<Moved> {
        self.profile.switched(self.units(accelerator).iter().copied(), model, layer, jobs)
    }

    /// The time and the energy that a job pays if it goes on on an accelerator where it did not run last: of moving its
    /// activations there. Exactly what is charged if it is dispatched there now.
    #[must_use]
    pub fn transfer(&self, job: &Job, accelerator: AcceleratorId) -> Option<(Duration, Energy)> {
        self.profile.transfer(job.model, job.progress, job.place, accelerator)
    }

    /// True if a job can be dispatched now.
    #[must_use]
    pub fn is_ready(&self, job: &Job) -> bool {
        job.state == JobState::Ready
    }
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::{ActivationMoves, Bandwidth, ContextSwitch};

    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};

    #[test]
    fn a_switch_moves_what_the_last_layer_put_out_and_what_the_next_one_reads() {
        let tasks = [
            TaskSketch::new("a", &[&[10, 10], &[10, 10], &[10, 10]]).sizes(&[1, 20, 300, 4_000]),
            TaskSketch::new("b", &[&[10, 10], &[10, 10]]).sizes(&[5, 60, 7]),
        ];
        // Two bytes an element, two picojoules a byte; a byte takes 1024 ps.
        let bandwidth = Bandwidth::from_bytes_per_window(1 << 20);
        let moves = ActivationMoves { pj_per_byte: 2.0, element_bytes: 2, bandwidth };
        let (time, energy_pj) = (Duration::from_picoseconds(7_000_000), 0.5);
        let context_switch = ContextSwitch { time, energy_pj, activations: Some(moves) };
        let mut fixture = Fixture::switching(&tasks, context_switch).expect("a sound fixture");
        let (a, b) = (ModelId::new(0), ModelId::new(1));
        let of = |fixture: &Fixture, model, layer| {
            let (view, accelerator) = (fixture.view(), AcceleratorId::new(0));
            let time = view.switch_time(model, layer, accelerator).picoseconds();
            (view.switch_energy(model, layer, accelerator).picojoules(), time)
        };
        let moved = |elements: u64| (0.5 + 4.0 * elements as f64, 7_000_000 + 2_048 * elements);
        assert_eq!(of(&fixture, a, 0), (0.0, 0), "the first network costs nothing");
        let job = fixture.ready(0, 0, 100);
        fixture.run(job, 0, Extent::Rest);
        assert_eq!(of(&fixture, b, 0), moved(4_000 + 5), "after all that was dispatched");
        for (before, put_out) in [(1, 20), (2, 300), (3, 4_000)] {
            fixture.stop(0, before);
            assert_eq!(of(&fixture, b, 0), moved(put_out + 5));
            assert_eq!(of(&fixture, b, 1), moved(put_out + 60));
            assert_eq!(of(&fixture, a, before), (0.0, 0), "the same network");
            if before < 3 {
                fixture.run(job, 0, Extent::LAYER);
            }
        }
        let view = fixture.view();
        assert_eq!(
            view.switch_energy(b, 0, AcceleratorId::new(1)).picojoules(),
            0.0,
            "another accelerator ran nothing"
        );
        // Behind the last layer nothing is read.
        assert_eq!(of(&fixture, b, 2), moved(4_000));
    }
}
