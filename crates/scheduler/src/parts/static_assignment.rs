//! Tasks that stay on one accelerator each, settled before anything runs.
//!
//! The assignment balances load as the longest-processing-time rule does (Graham, SIAM Journal on Applied
//! Mathematics 1969), on accelerators that differ: tasks in descending order of their utilisation, latency of
//! the task's default variant over its period, each to the accelerator whose utilisation is then least.
//! Equal tasks go in the order of the scenario, equal accelerators in that of the platform. A task without a
//! period counts as one with its deadline for a period; trigger probabilities and phases are not counted.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::TaskId;

use crate::estimator::seconds;
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
    let sum = |task: &TaskId| accelerators.iter().fold(0.0, |sum, one| sum + utilisation(*task, *one));
    tasks.sort_by_key(|task| std::cmp::Reverse(Score(sum(task))));
    let mut load = vec![0.0_f64; accelerators.len()];
    let mut of_task = vec![AcceleratorId::new(0); view.tasks()];
    for task in tasks {
        let with = |accelerator: &AcceleratorId| load[accelerator.index()] + utilisation(task, *accelerator);
        let Some(least) = accelerators.iter().copied().min_by_key(|one| Score(with(one))) else { continue };
        load[least.index()] = with(&least);
        of_task[task.index()] = least;
    }
    of_task
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};
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
}
