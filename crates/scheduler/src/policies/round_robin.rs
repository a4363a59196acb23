//! Round robin: tasks take turns.
//!
//! Source: Silberschatz, Galvin and Gagne, *Operating System Concepts*, 10th edition, 5.3.3.
//!
//! Deviations: the turn is a segment, by default one layer, and not a span of time, since a layer
//! cannot be cut anywhere. Tasks take turns and not jobs, so that a task with a long queue gets no
//! more than one with a short one: the task that was served least recently comes first. Tasks that
//! were never served come before all others; they, and jobs of one task, go by release.

use rtmm_workload::parameters::{Parameters, Schema};

use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::Policy;
use crate::truth::Truth;
use crate::view::View;

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[])
}

/// The order of last turns.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    turns: u64,
    /// By task: the number of its last turn, counted from 1; 0 before the first.
    last_turn: Vec<u64>,
}

impl Ranking for RoundRobin {
    /// The last turn of the job's task.
    type Key = u64;

    fn begin(&mut self, view: &View<'_>) {
        self.last_turn.resize(view.tasks(), 0);
    }

    fn key(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        self.last_turn.get(job.task.index()).copied().unwrap_or(0)
    }

    fn dispatched(&mut self, _view: &View<'_>, job: &Job) {
        self.turns += 1;
        if let Some(last) = self.last_turn.get_mut(job.task.index()) {
            *last = self.turns;
        }
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(RoundRobin::default(), parameters)
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::{check, policy};

    #[test]
    fn tasks_take_turns_whatever_the_length_of_their_queues() {
        let sketch = |name| TaskSketch::new(name, &[&[1], &[1], &[1]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b"), sketch("c")]).unwrap();
        for task in [0, 0, 1, 2, 0] {
            fixture.ready(task, 0, 100);
        }
        let mut policy = policy("round-robin", "");
        let mut turns = Vec::new();
        for layer in [1, 1, 1, 2, 2, 2] {
            turns.push(fixture.settle(policy.as_mut()));
            fixture.stop(0, layer);
        }
        assert_eq!(turns, ["a0>0:1", "b0>0:1", "c0>0:1", "a0>0:1", "b0>0:1", "c0>0:1"]);
    }

    #[test]
    fn several_accelerators_serve_several_tasks() {
        let sketch = |name| TaskSketch::new(name, &[&[1, 1, 1]]);
        let mut fixture = Fixture::new(&[sketch("a"), sketch("b")]).unwrap();
        for task in [0, 0, 0, 1] {
            fixture.ready(task, 0, 100);
        }
        check(&fixture, "round-robin", "", "a0>0:1 b0>1:1 a1>2:1");
    }
}
