//! Tasks, their dependencies, and the scenarios that they form.

use std::sync::Arc;

use serde::Serialize;

use crate::ids::{ModelId, TaskId};
use crate::mix::{Mix, TooManyRequests};
use crate::model::Model;
use crate::pins::Pins;
use crate::time::{Duration, Period, Time, TimeError};

/// A recurring stream of inferences of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    /// Unique within the scenario.
    pub name: String,
    /// The model that runs: the default of `variants`.
    pub model: ModelId,
    /// The variants that a job may run as, `model` first and the others in the order of the model file: one
    /// for an ordinary model, for a supernet all of its variants or those that the task allows.
    pub variants: Vec<ModelId>,
    /// When frames arrive, where no phase says otherwise.
    pub arrivals: Arrivals,
    /// The relative deadline: the time from a frame's arrival by which it should be complete.
    pub deadline: Deadline,
    /// Priority: larger is more important. Requests of a trace may have their own.
    pub priority: i32,
    /// Priorities of which each frame draws one, all equally probable; empty where all frames have
    /// `priority`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drawn_priorities: Vec<i32>,
    /// Tasks whose jobs this one's jobs need, each at most once.
    pub depends_on: Vec<Dependency>,
    /// The probability that a frame becomes a job at all, drawn for each frame.
    pub trigger_probability: f64,
    /// Accelerators that its jobs may run on.
    #[serde(skip_serializing_if = "Pins::is_empty")]
    pub pins: Pins,
}

/// When the frames of a task arrive.
///
/// The instants are nominal: deadlines and response times count from them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Frame `k` arrives `offset` and `k` periods after the phase began.
    Periodic {
        /// The distance between arrivals.
        period: Period,
        /// The first arrival, counted from the beginning of the phase.
        offset: Duration,
        /// The scheduler sees a frame up to this long after its arrival: uniform, drawn for each.
        jitter: Duration,
    },
    /// Independent, exponentially distributed distances.
    Poisson {
        /// The mean distance.
        mean: Period,
    },
    /// A Poisson process whose rate switches between two states, each lasting an exponentially
    /// distributed time: a Markov-modulated Poisson process of two states. It begins calm.
    Bursty {
        /// The mean distance in the calm state.
        calm: Period,
        /// The mean distance in a burst.
        burst: Period,
        /// Mean duration of the calm state.
        mean_calm: Duration,
        /// Mean duration of a burst.
        mean_burst: Duration,
    },
    /// Recorded requests, by their arrival; instants count from the start of the run.
    Trace(Arc<[Request]>),
    /// The requests of a mix that are the task's.
    Mix {
        /// The process, of which every task of it has a copy.
        mix: Arc<Mix>,
        /// The task, by position among the members of the mix.
        member: usize,
    },
    /// One frame for each frame of the task's first dependency, at the same instant, with the same
    /// jitter.
    Follows,
}

/// A recorded request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// When it arrives.
    pub arrival: Time,
    /// The input that it brings; none for its own position among the task's frames.
    pub sample: Option<u64>,
    /// Its priority; none for the task's.
    pub priority: Option<i32>,
    /// Its relative deadline; none for the task's.
    pub deadline: Option<Duration>,
}

/// The relative deadline of a task's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deadline {
    /// The task's period, whatever phase and load make it. A task that follows another has the
    /// period of that one.
    Period,
    /// Always this long.
    After(Duration),
    /// This many times as long as the task's architecture takes by itself in the mean over samples, on
    /// the accelerator that is fastest for it: a service level objective of the kind "ten times the
    /// isolated latency". What it is in milliseconds shows on a platform.
    Isolated {
        /// The factor, in millionths.
        factor_millionths: u64,
    },
}

/// A dependency of a task's jobs on another task.
///
/// Jobs are matched by nominal arrival: a frame needs the latest frame of the other task that
/// arrived no later than itself. Between tasks of one rate that is the frame of the same index.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dependency {
    /// The other task.
    pub task: TaskId,
    /// The kind of the dependency.
    pub kind: DependencyKind,
}

/// Kinds of dependencies.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DependencyKind {
    /// The output: the job is known when its frame arrives, and can start when the other job is
    /// complete.
    Data,
    /// The outcome: whether there is a job at all shows when the other job completes.
    Control {
        /// The probability that a completed job of the other task triggers this one, drawn for
        /// each frame.
        probability: f64,
        /// The same where the other job left its model by the exit of this name.
        probability_after_exit: Vec<(String, f64)>,
    },
}

/// A time from which other tasks run, or at other rates. It lasts until the next phase begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    /// For people.
    pub name: String,
    /// When it begins.
    pub start: Time,
    /// Arrivals of each task in it, in the order of the tasks; none for a task that pauses.
    pub arrivals: Vec<Option<Arrivals>>,
}

/// Tasks over a duration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// The name that sweeps and commands use, such as `xrbench/vr_gaming`.
    pub name: String,
    /// Publication or repository that the scenario was taken from.
    pub source: String,
    /// Duration of a run.
    pub duration: Duration,
    /// The tasks in the order of the file; at least one.
    pub tasks: Vec<Task>,
    /// Phases in the order of their beginnings, all different; empty where the scenario has none.
    /// Before the first one, every task does what it says itself.
    pub phases: Vec<Phase>,
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
    /// True if when and whether frames arrive depends on random draws. What happens inside models
    /// is for [`Workload::is_random`] to say.
    #[must_use]
    pub fn is_random(&self) -> bool {
        let uncertain = |probability: f64| probability > 0.0 && probability < 1.0;
        let of_phases = self.phases.iter().flat_map(|phase| phase.arrivals.iter().flatten());
        self.tasks.iter().map(|task| &task.arrivals).chain(of_phases).any(Arrivals::is_random)
            || self.tasks.iter().any(|task| {
                uncertain(task.trigger_probability)
                    || task.drawn_priorities.len() > 1
                    || task.depends_on.iter().any(|dependency| match &dependency.kind {
                        DependencyKind::Data => false,
                        DependencyKind::Control { probability, probability_after_exit } => {
                            uncertain(*probability)
                                || probability_after_exit
                                    .iter()
                                    .any(|(_, probability)| uncertain(*probability))
                        }
                    })
            })
    }

    /// The same scenario with every deadline that is a multiple of the isolated latency at
    /// `factor_millionths` / 1,000,000 of it. Other deadlines stay.
    #[must_use]
    pub fn with_deadline_factor(mut self, factor_millionths: u64) -> Self {
        for task in &mut self.tasks {
            if let Deadline::Isolated { .. } = task.deadline {
                task.deadline = Deadline::Isolated { factor_millionths };
            }
        }
        self
    }

    /// True if the outcome of a task decides anywhere whether another one has a job.
    #[must_use]
    pub fn has_cascades(&self) -> bool {
        let mut dependencies = self.tasks.iter().flat_map(|task| &task.depends_on);
        dependencies.any(|dependency| matches!(dependency.kind, DependencyKind::Control { .. }))
    }

    /// The same scenario with this probability in every control dependency. Those after exits stay.
    #[must_use]
    pub fn with_cascade_probability(mut self, replacement: f64) -> Self {
        for dependency in self.tasks.iter_mut().flat_map(|task| &mut task.depends_on) {
            if let DependencyKind::Control { probability, .. } = &mut dependency.kind {
                *probability = replacement;
            }
        }
        self
    }

    /// The same scenario with every rate multiplied by `factor_millionths` / 1,000,000. Deadlines
    /// that are the period follow it, and so do offset and jitter; other deadlines stay. Traces keep
    /// their instants.
    ///
    /// # Errors
    /// [`TimeError`] where a period leaves the clock's range.
    pub fn scaled(mut self, factor_millionths: u64) -> Result<Self, TimeError> {
        let of_phases = self.phases.iter_mut().flat_map(|phase| phase.arrivals.iter_mut().flatten());
        for arrivals in self.tasks.iter_mut().map(|task| &mut task.arrivals).chain(of_phases) {
            arrivals.scale(factor_millionths)?;
        }
        Ok(self)
    }

    /// Multiplies the rates of each task by a factor of its own, in millionths, as [`Scenario::scaled`] does with one for all.
    /// It is asked for the name of the stream of arrivals: that of the mix for tasks whose requests are drawn together, else
    /// that of the task.
    ///
    /// # Errors
    /// [`TimeError`] where a period leaves the clock's range.
    pub fn scaled_each(mut self, factor_millionths: impl Fn(&str) -> u64) -> Result<Self, TimeError> {
        let names: Vec<String> = self.tasks.iter().map(|task| task.stream_name().to_owned()).collect();
        for (index, (task, name)) in self.tasks.iter_mut().zip(&names).enumerate() {
            let of_phases =
                self.phases.iter_mut().filter_map(|phase| phase.arrivals.get_mut(index)?.as_mut());
            for arrivals in std::iter::once(&mut task.arrivals).chain(of_phases) {
                arrivals.scale(factor_millionths(name))?;
            }
        }
        Ok(self)
    }

    /// True if any task has a rate that can be scaled: recorded requests have none.
    #[must_use]
    pub fn has_rates(&self) -> bool {
        let of_phases = self.phases.iter().flat_map(|phase| phase.arrivals.iter().flatten());
        let mut all = self.tasks.iter().map(|task| &task.arrivals).chain(of_phases);
        all.any(|arrivals| !matches!(arrivals, Arrivals::Trace(_) | Arrivals::Follows))
    }

    /// Checks that the scenario lasts no longer than its mixes can be drawn.
    ///
    /// # Errors
    /// [`TooManyRequests`] of the first mix of which a run is to expect too many.
    pub fn check_mixes(&self) -> Result<(), TooManyRequests> {
        self.tasks.iter().try_for_each(|task| match &task.arrivals {
            Arrivals::Mix { mix, .. } => mix.check(self.duration),
            _ => Ok(()),
        })
    }

    /// The task whose arrivals a task has: itself, unless it follows another.
    #[must_use]
    pub fn leader(&self, task: TaskId) -> TaskId {
        let mut leader = task;
        // A chain is no longer than there are tasks; more would be a circle, which no file can hold.
        for _ in 0..self.tasks.len() {
            let of = &self.tasks[leader.index()];
            match (&of.arrivals, of.depends_on.first()) {
                (Arrivals::Follows, Some(first)) => leader = first.task,
                _ => break,
            }
        }
        leader
    }

    /// The relative deadline of a task outside of phases; none for a deadline of one period where
    /// arrivals have no period, and for one that follows from latencies, before the platform is known.
    #[must_use]
    pub fn relative_deadline(&self, task: TaskId) -> Option<Duration> {
        match self.tasks[task.index()].deadline {
            Deadline::After(deadline) => Some(deadline),
            Deadline::Isolated { .. } => None,
            Deadline::Period => self.tasks[self.leader(task).index()].arrivals.period().map(Period::deadline),
        }
    }

    /// A cycle of dependencies, if there is one, in the order of its arrows.
    #[must_use]
    pub fn dependency_cycle(&self) -> Option<Vec<TaskId>> {
        cycle(self.tasks.len(), |task| {
            self.tasks[task].depends_on.iter().map(|other| other.task.index()).collect()
        })
        .map(|tasks| tasks.into_iter().map(TaskId::new).collect())
    }
}

impl Task {
    /// The name of the stream that its frames arrive in: that of its mix, or its own.
    #[must_use]
    pub fn stream_name(&self) -> &str {
        match &self.arrivals {
            Arrivals::Mix { mix, .. } => &mix.name,
            _ => &self.name,
        }
    }

    /// A task of one model with a frame every `period`, due by the next: no offset, no jitter, no
    /// dependencies.
    #[must_use]
    pub fn periodic(name: impl Into<String>, model: ModelId, period: Period) -> Self {
        let (offset, jitter) = (Duration::ZERO, Duration::ZERO);
        Self {
            name: name.into(),
            model,
            variants: vec![model],
            arrivals: Arrivals::Periodic { period, offset, jitter },
            deadline: Deadline::Period,
            priority: 0,
            drawn_priorities: Vec::new(),
            depends_on: Vec::new(),
            trigger_probability: 1.0,
            pins: Pins::default(),
        }
    }
}

impl Dependency {
    /// A dependency on the output of `task`.
    #[must_use]
    pub const fn data(task: TaskId) -> Self {
        Self { task, kind: DependencyKind::Data }
    }
}

impl Arrivals {
    /// The period, of periodic arrivals.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        match self {
            Self::Periodic { period, .. } => Some(*period),
            Self::Poisson { .. }
            | Self::Bursty { .. }
            | Self::Trace(_)
            | Self::Mix { .. }
            | Self::Follows => None,
        }
    }

    fn is_random(&self) -> bool {
        match self {
            Self::Periodic { jitter, .. } => !jitter.is_zero(),
            Self::Poisson { .. } | Self::Bursty { .. } | Self::Mix { .. } => true,
            Self::Trace(_) | Self::Follows => false,
        }
    }

    fn scale(&mut self, factor_millionths: u64) -> Result<(), TimeError> {
        match self {
            Self::Periodic { period, offset, jitter } => {
                *period = period.scaled(factor_millionths)?;
                for span in [offset, jitter] {
                    *span = span.at_rate(factor_millionths)?;
                }
            }
            Self::Poisson { mean } => *mean = mean.scaled(factor_millionths)?,
            Self::Bursty { calm, burst, .. } => {
                *calm = calm.scaled(factor_millionths)?;
                *burst = burst.scaled(factor_millionths)?;
            }
            Self::Mix { mix, .. } => Arc::make_mut(mix).scale(factor_millionths)?,
            Self::Trace(_) | Self::Follows => {}
        }
        Ok(())
    }
}

impl Workload {
    /// True if any outcome depends on a random draw: arrivals, triggers, what models skip, or
    /// which samples they are.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.scenario.is_random() || self.models.iter().any(|model| model.is_dynamic() || model.is_sampled())
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
