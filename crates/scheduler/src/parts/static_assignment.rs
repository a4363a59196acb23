//! Tasks that stay on one accelerator each, settled before anything runs.
//!
//! The assignment balances load as the longest-processing-time rule does (Graham, SIAM Journal on Applied
//! Mathematics 1969), on accelerators that differ: tasks in descending order of their utilisation, latency of
//! the task's default network over its period, each to the accelerator whose utilisation is then least.
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
        let latency = view.profile.remaining(info.model, 0, view.profile.column(accelerator));
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
