//! Jobs of a task one after the other, as the theory of schedulability has them.
//!
//! A job that is late is still there when the next one of its task comes: with several accelerators both could run at once.
//! Where tasks are serial the later one waits, whatever its rank, until all earlier ones are over. A round then looks at every
//! live job once.

use rtmm_workload::parameters::{Declared, Parameters, Switch};

use crate::job::Job;
use crate::view::View;

/// The rule by which jobs of a task run one after the other, if it is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SerialTasks {
    is_on: bool,
    /// By task: the earliest frame that is not over. Empty where jobs of a task may run at once.
    earliest: Vec<u64>,
}

impl SerialTasks {
    /// `serial_tasks`.
    const SWITCH: Switch = Switch::new(
        "serial_tasks",
        "a job waits until all earlier ones of its task are over, also where several accelerators could run them at once",
        false,
    )
    .unstated_at_default();

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::SWITCH];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        Self { is_on: parameters.read(&Self::SWITCH), earliest: Vec::new() }
    }

    /// True if jobs may have to wait for others of their task.
    #[inline(always)]
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Learns which jobs there are.
    #[inline(always)]
    pub(super) fn begin(&mut self, view: &View<'_>) {
        if self.is_on {
            self.look(view);
        }
    }

    fn look(&mut self, view: &View<'_>) {
        self.earliest.clear();
        self.earliest.resize(view.tasks(), u64::MAX);
        let running = view.runs().flat_map(|run| view.jobs_of(run)).filter_map(|job| view.job(*job));
        for job in view.ready().chain(view.waiting()).chain(running) {
            let earliest = &mut self.earliest[job.task.index()];
            *earliest = job.frame.min(*earliest);
        }
    }

    /// True if all earlier jobs of the task of a job are over.
    #[inline(always)]
    pub(super) fn admits(&self, job: &Job) -> bool {
        !self.is_on || self.earliest.get(job.task.index()).is_none_or(|earliest| job.frame <= *earliest)
    }
}

#[cfg(test)]
mod tests {
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::check;

    #[test]
    fn a_job_waits_for_the_earlier_one_of_its_task_and_leaves_its_place_to_others() {
        let sketch = |name| TaskSketch::new(name, &[&[5, 5], &[5, 5]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b")]).unwrap();
        let late = fixture.ready(0, 0, 10);
        fixture.run(late, 0, Extent::Rest);
        fixture.set_now(3);
        fixture.ready(0, 3, 15);
        check(&fixture, "edf", "", "a1>1:1");
        check(&fixture, "edf", "serial_tasks=true", "");
        fixture.ready(1, 3, 90);
        check(&fixture, "edf", "serial_tasks=true", "b0>1:1");
    }

    #[test]
    fn of_waiting_jobs_of_a_task_the_earliest_runs_whatever_their_ranks() {
        let sketch = |name| TaskSketch::new(name, &[&[5, 5]]);
        let mut fixture = Fixture::new(&[sketch("a")]).unwrap();
        fixture.ready(0, 0, 90);
        fixture.ready(0, 1, 20);
        check(&fixture, "edf", "", "a1>0:1 a0>1:1");
        check(&fixture, "edf", "serial_tasks=true", "a0>0:1");
    }

    #[test]
    fn a_job_that_has_to_wait_preempts_none_of_another_task() {
        let sketch = |name| TaskSketch::new(name, &[&[5, 5], &[5, 5]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b")]).unwrap();
        for (task, deadline_us) in [(0, 10), (1, 90)] {
            let job = fixture.ready(task, 0, deadline_us);
            fixture.run(job, task, Extent::Rest);
        }
        fixture.set_now(2);
        fixture.ready(0, 2, 20);
        let settings = "granularity=model preemption=layer";
        check(&fixture, "edf", settings, "preempt 1");
        check(&fixture, "edf", &format!("{settings} serial_tasks=true"), "");
    }
}
