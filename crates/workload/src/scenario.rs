//! Tasks, their dependencies, and the scenarios that they make up.

use serde::Serialize;

use crate::ids::{ModelId, TaskId};
use crate::model::Model;
use crate::time::{Duration, Period, TimeError};

/// A recurring stream of inferences of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    /// Unique within the scenario.
    pub name: String,
    /// What runs.
    pub model: ModelId,
    /// The distance between releases.
    pub period: Period,
    /// How long after its release a job should be complete.
    pub deadline: Duration,
    /// Tasks whose job of the same index must be complete before this one starts.
    pub depends_on: Vec<TaskId>,
    /// The probability that a frame becomes a job at all, drawn for each frame.
    pub trigger_probability: f64,
}

/// Tasks over a duration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// The name that sweeps and commands use, such as `xrbench/vr_gaming`.
    pub name: String,
    /// Publication or repository that the scenario was taken from.
    pub source: String,
    /// How long a run lasts.
    pub duration: Duration,
    /// The tasks in the order of the file; at least one.
    pub tasks: Vec<Task>,
}

/// A scenario together with the models that its tasks run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Workload {
    /// Tasks over a duration.
    pub scenario: Scenario,
    /// The models, each once, in the order in which tasks first name them.
    pub models: Vec<Model>,
}

impl Scenario {
    /// Whether any outcome depends on a random draw.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.tasks.iter().any(|task| task.trigger_probability < 1.0)
    }

    /// The same scenario with every rate multiplied by `factor_millionths` / 1,000,000. Deadlines
    /// that equal the period follow it; others stay.
    ///
    /// # Errors
    /// [`TimeError`] where a period leaves the clock's range.
    pub fn scaled(mut self, factor_millionths: u64) -> Result<Self, TimeError> {
        for task in &mut self.tasks {
            let follows = task.deadline == task.period.duration();
            task.period = task.period.scaled(factor_millionths)?;
            if follows {
                task.deadline = task.period.duration();
            }
        }
        Ok(self)
    }

    /// A cycle of dependencies, if there is one, in the order of its arrows.
    #[must_use]
    pub fn dependency_cycle(&self) -> Option<Vec<TaskId>> {
        cycle(self.tasks.len(), |task| self.tasks[task].depends_on.iter().map(|id| id.index()).collect())
            .map(|tasks| tasks.into_iter().map(TaskId::new).collect())
    }
}

/// A cycle in a small graph, found depth first.
pub(crate) fn cycle(nodes: usize, successors: impl Fn(usize) -> Vec<usize>) -> Option<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; nodes];
    for start in 0..nodes {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        let mut path = vec![(start, successors(start))];
        while let Some((node, rest)) = path.last_mut() {
            let node = *node;
            match rest.pop() {
                None => {
                    marks[node] = Mark::Done;
                    path.pop();
                }
                Some(next) if marks[next] == Mark::Open => {
                    let nodes: Vec<usize> = path.iter().map(|(node, _)| *node).collect();
                    let from = nodes.iter().position(|node| *node == next).unwrap_or(0);
                    return Some(nodes[from..].to_vec());
                }
                Some(next) if marks[next] == Mark::New => {
                    marks[next] = Mark::Open;
                    path.push((next, successors(next)));
                }
                Some(_) => {}
            }
        }
    }
    None
}
