//! Tasks that stay on one accelerator each, settled before anything runs.
//!
//! The assignment balances load as the longest-processing-time rule does (Graham, SIAM Journal on Applied
//! Mathematics 1969), on accelerators that differ: tasks in descending order of their utilisation, latency of
//! the task's default variant over its period, each to the accelerator whose utilisation is then least.
//! Equal tasks go in the order of the scenario, equal accelerators in that of the platform. A task without a
//! period counts as one with its deadline for a period; trigger probabilities and phases are not counted.
//!
//! A task chooses among the accelerators that run all layers of all of its variants; where none does, among those that run
//! some layer of its default variant, and the layers that its accelerator does not run go to any other.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::{ModelId, TaskId};

use crate::estimator::seconds;
use crate::job::Job;
use crate::terms::{self, Score};
use crate::view::View;

/// Each task's accelerator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticAssignment {
    of_task: Vec<AcceleratorId>,
}

impl StaticAssignment {
    /// Settles it, at the first look at the tasks.
    pub fn begin(&mut self, view: &View<'_>) {
        if self.of_task.len() != view.tasks() {
            self.of_task = assign(view);
        }
    }

    /// True if a job may be dispatched on an accelerator, which must run its next layer: its task's, or any other where that
    /// one does not run it.
    #[must_use]
    pub fn admits(&self, view: &View<'_>, job: &Job, accelerator: AcceleratorId) -> bool {
        let Some(assigned) = self.of(job.task) else { return false };
        assigned == accelerator || !view.can_run(job, assigned)
    }

    /// Where a task's jobs run; none before the first [`StaticAssignment::begin`].
    #[must_use]
    pub fn of(&self, task: TaskId) -> Option<AcceleratorId> {
        self.of_task.get(task.index()).copied()
    }
}

fn assign(view: &View<'_>) -> Vec<AcceleratorId> {
    let accelerators: Vec<AcceleratorId> = (0..view.accelerators.len()).map(AcceleratorId::new).collect();
    let utilisation = |task: TaskId, accelerator: AcceleratorId| {
        let info = view.task(task);
        let latency = view.profile.remaining(info.model, 0, view.profile.whole(accelerator));
        let period_s = info.period.map(|period| seconds(period.deadline())).or(info.deadline.map(seconds));
        terms::ratio(seconds(latency), period_s.unwrap_or(1.0))
    };
    let mut tasks: Vec<TaskId> = (0..view.tasks()).map(TaskId::new).collect();
    let candidates: Vec<Vec<AcceleratorId>> =
        tasks.iter().map(|task| candidates(view, *task, &accelerators)).collect();
    let sum = |task: &TaskId| {
        let candidates = &candidates[task.index()];
        let sum = candidates.iter().fold(0.0, |sum, one| sum + utilisation(*task, *one));
        // The others count as the mean of these.
        let (all, some) = (accelerators.len(), candidates.len());
        if some == all { sum } else { sum * all as f64 / some.max(1) as f64 }
    };
    tasks.sort_by_key(|task| std::cmp::Reverse(Score(sum(task))));
    let mut load = vec![0.0_f64; accelerators.len()];
    let mut of_task = vec![AcceleratorId::new(0); view.tasks()];
    for task in tasks {
        let with = |accelerator: &AcceleratorId| load[accelerator.index()] + utilisation(task, *accelerator);
        let candidates = candidates[task.index()].iter().copied();
        let Some(least) = candidates.min_by_key(|one| Score(with(one))) else { continue };
        load[least.index()] = with(&least);
        of_task[task.index()] = least;
    }
    of_task
}

/// The accelerators that a task chooses among.
fn candidates(view: &View<'_>, task: TaskId, accelerators: &[AcceleratorId]) -> Vec<AcceleratorId> {
    if !view.profile.is_partial() {
        return accelerators.to_vec();
    }
    let info = view.task(task);
    let runs = |model: ModelId, one: AcceleratorId| {
        (0..view.profile.layers(model)).filter(move |layer| view.profile.runs(model, *layer, one)).count()
    };
    let runs_all =
        |model: ModelId, one: AcceleratorId| runs(model, one) == view.profile.layers(model) as usize;
    let of_all = |one: &AcceleratorId| info.variants.iter().all(|variant| runs_all(*variant, *one));
    let all: Vec<AcceleratorId> = accelerators.iter().copied().filter(of_all).collect();
    if !all.is_empty() {
        return all;
    }
    accelerators.iter().copied().filter(|one| runs(info.model, *one) > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, NONE, TaskSketch};
    use rtmm_workload::{Arrivals, Deadline, Duration};

    fn assigned(fixture: &Fixture) -> Vec<usize> {
        let mut assignment = StaticAssignment::default();
        assert_eq!(assignment.of(TaskId::new(0)), None);
        assignment.begin(&fixture.view());
        let of = |task| assignment.of(TaskId::new(task)).map(AcceleratorId::index);
        (0..fixture.view().tasks()).filter_map(of).collect()
    }

    #[test]
    fn the_heaviest_tasks_choose_first_where_least_load_comes_of_it() {
        // Utilisations of a: 0.6 and 0.9, of b: 0.5 and 0.4, of c: 0.3 and 0.1; sums 1.5, 0.9 and 0.4.
        // a takes the first accelerator: 0.6 and 0. b would make it 1.1 there and 0.4 here. c: 0.9 and 0.5.
        let a = TaskSketch::new("a", &[&[40, 60], &[20, 30]]);
        let b = TaskSketch::new("b", &[&[50, 40]]);
        let c = TaskSketch::new("c", &[&[30, 10]]);
        let fixture = Fixture::new(&[c.clone(), b.clone(), a.clone()]).unwrap();
        assert_eq!(assigned(&fixture), [1, 1, 0]);
        // Twice as often, c has 0.6 and 0.2: 0.6 + 0.6 and 0.4 + 0.2.
        let fixture = Fixture::new(&[a.clone(), b.clone(), c.clone().every(50)]).unwrap();
        assert_eq!(assigned(&fixture), [0, 1, 1]);
        // Five times as often, c has 1.5 and 0.5, and chooses first: the second; then a the first, 0.6.
        // b: 0.6 + 0.5 = 1.1 and 0.5 + 0.4 = 0.9.
        let fixture = Fixture::new(&[a.clone(), b.clone(), c.every(20)]).unwrap();
        assert_eq!(assigned(&fixture), [0, 1, 1]);
        // Ten times as often, b would come to 0.6 + 0.5 and 1 + 0.4.
        let often = TaskSketch::new("c", &[&[30, 10]]).every(10);
        let fixture = Fixture::new(&[a, b, often]).unwrap();
        assert_eq!(assigned(&fixture), [0, 0, 1]);
    }

    #[test]
    fn equal_tasks_go_in_their_order_to_equal_accelerators_in_theirs() {
        let task = |name| TaskSketch::new(name, &[&[10, 10, 10]]);
        let fixture = Fixture::new(&["a", "b", "c", "d"].map(task)).unwrap();
        assert_eq!(assigned(&fixture), [0, 1, 2, 0]);
    }

    #[test]
    fn a_task_without_a_period_counts_by_its_deadline() {
        // a comes in a trace, due after 20: 0.5 on both. b has 0.4 and c 0.3.
        let tasks = [
            TaskSketch::new("a", &[&[10, 10]]),
            TaskSketch::new("b", &[&[40, 40]]),
            TaskSketch::new("c", &[&[30, 30]]),
        ];
        let mut fixture = Fixture::new(&tasks).unwrap();
        // With its period of 100 it would have 0.1, and choose last.
        assert_eq!(assigned(&fixture), [1, 0, 1]);
        fixture.change_task(0, |task| {
            task.arrivals = Arrivals::Trace(Vec::new().into());
            task.deadline = Deadline::After(Duration::from_picoseconds(20_000_000));
        });
        assert_eq!(assigned(&fixture), [0, 1, 1]);
    }

    #[test]
    fn tasks_choose_among_accelerators_that_run_all_of_them() {
        // a: 0.1 on the first accelerator, which does not run its second layer; b runs anywhere, and chooses first.
        let a = TaskSketch::new("a", &[&[5, 20], &[NONE, 20]]);
        let b = TaskSketch::new("b", &[&[60, 50]]);
        let fixture = Fixture::new(&[a, b]).unwrap();
        assert_eq!(assigned(&fixture), [1, 1]);
        // None runs all of c: to the one with less load, and what that does not run goes to the other.
        let c = TaskSketch::new("c", &[&[5, NONE], &[NONE, 20]]);
        let mut fixture = Fixture::new(&[c]).unwrap();
        assert_eq!(assigned(&fixture), [0]);
        let mut assignment = StaticAssignment::default();
        let job = fixture.ready(0, 0, 100);
        assignment.begin(&fixture.view());
        for (layer, expected) in [(0, [true, false]), (1, [false, true])] {
            fixture.change(job, |job| job.progress = crate::job::Progress::at(layer));
            let view = fixture.view();
            let job = view.job(job).unwrap();
            let admits = |one| {
                let accelerator = AcceleratorId::new(one);
                view.can_run(job, accelerator) && assignment.admits(&view, job, accelerator)
            };
            assert_eq!([0, 1].map(admits), expected, "layer {layer}");
        }
    }
}
