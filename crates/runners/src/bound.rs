//! Windows of scenarios: what `rtmm-bounds` bounds, made of the jobs of a run as they will be, and what runs come to
//! beside their bounds.
//!
//! ```
//! use rtmm_bounds::{Limits, bound};
//! use rtmm_hardware::{Mode, load as hardware};
//! use rtmm_runners::bound::{WindowOptions, window};
//! use rtmm_runners::engine::system;
//! use rtmm_workload::{Duration, Legality, load};
//!
//! let mut workload = load::workload("xrbench/vr_gaming", None, Legality::Strict)?;
//! workload.scenario.duration = Duration::parse("40ms")?;
//! let platform = hardware::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected)?;
//! let window = window(&system(&workload, &platform)?, 1, &WindowOptions::default())?;
//! let bounds = bound(&window, &Limits::default(), &|| false);
//! assert_eq!((bounds.late_lower, bounds.late_upper), (0, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use rtmm_bounds::{
    Accelerator, Chain, Cost, Job, JobIndex, Layer, Limits, Window, WindowError, energy_bound, late_bound,
};
use rtmm_hardware::{AcceleratorId, Energy};
use rtmm_sim::metrics::{JobRow, JobRows};
use rtmm_sim::{EndOfRun, ForeseenJob, Inference, Summary, System};
use rtmm_sweep::runner::{Chosen, RunError};
use rtmm_workload::{Duration, Period, TaskId, Time};
use thiserror::Error;

use crate::engine::{Engine, RunSettings};

/// The most jobs of a window.
const MAX_JOBS: usize = 20_000;

/// Weights of late jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// Each as much.
    #[default]
    Equal,
    /// Its priority, and nothing below zero.
    Priority,
    /// The period of its task in those of the shortest, to the nearest, at least 1: a task that is late always counts as
    /// much as any other.
    Period,
}

impl Weights {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("equal", Self::Equal), ("priority", Self::Priority), ("period", Self::Period)];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, weights)| *weights == self).map_or("", |(name, _)| name)
    }
}

/// Choices in the making of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowOptions {
    /// Weights of late jobs.
    pub weights: Weights,
    /// True if jobs may run as any variant of their task, and not only as its own model.
    pub variants: bool,
    /// Leaves out jobs that arrive earlier, which a run with a warm-up does not judge.
    pub from: Time,
    /// Leaves out jobs whose deadline is later, which a run that is cut there does not judge.
    pub due_by: Option<Time>,
}

impl Default for WindowOptions {
    fn default() -> Self {
        Self { weights: Weights::default(), variants: false, from: Time::ZERO, due_by: None }
    }
}

/// Reasons why a scenario on a platform has no window.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoWindow {
    /// Several runs share an accelerator.
    #[error("accelerator `{accelerator}` is divided among runs")]
    Divided {
        /// Its name.
        accelerator: String,
    },
    /// Runs carry several jobs.
    #[error("accelerator `{accelerator}` runs batches")]
    Batches {
        /// Its name.
        accelerator: String,
    },
    /// A layer takes what its operating point says, or waits for the accelerator to wake up.
    #[error("accelerator `{accelerator}` has operating points, or is power-gated")]
    Points {
        /// Its name.
        accelerator: String,
    },
    /// Layers take longer beside others.
    #[error("accelerators share memory: times depend on what runs beside")]
    SharedMemory,
    /// Jobs that go on elsewhere move what they left.
    #[error("jobs that go on on another accelerator pay for what they move")]
    Transfers,
    /// There are too many jobs.
    #[error("the window has more than {MAX_JOBS} jobs")]
    TooManyJobs,
    /// The jobs make no window.
    #[error(transparent)]
    Jobs(#[from] WindowError),
}

impl NoWindow {
    /// A way out.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::TooManyJobs | Self::Jobs(_) => "shorten the window, or lower the load",
            _ => {
                "bounds are of accelerators that run one layer at a time, in a time that it has of itself: name such a platform"
            }
        }
    }
}

/// The window of all jobs that arrive within the scenario's duration under a seed.
///
/// # Errors
/// [`NoWindow`] where the platform does what bounds do not know, or there are too many jobs.
pub fn window(system: &System, seed: u64, options: &WindowOptions) -> Result<Window, NoWindow> {
    check(system)?;
    let foreseen = system.foresee(seed, MAX_JOBS).ok_or(NoWindow::TooManyJobs)?;
    let weights: Vec<u32> = weights_of_periods(system);
    let accelerators = system.platform.accelerators.iter().enumerate().map(|(index, of)| Accelerator {
        name: of.name.clone(),
        switch: system.bare_switch(AcceleratorId::new(index)),
    });
    let mut chains = Chains::default();
    let is_judged = |job: &ForeseenJob| {
        job.arrival >= options.from && options.due_by.is_none_or(|end| job.deadline <= end)
    };
    // By foreseen job: its position in the window. What is not judged is left out, also where a judged job needs it.
    let mut positions: Vec<Option<JobIndex>> = vec![None; foreseen.len()];
    let mut jobs: Vec<Job> = Vec::with_capacity(foreseen.len());
    for (index, job) in foreseen.iter().enumerate().filter(|(_, job)| is_judged(job)) {
        positions[index] = Some(JobIndex::new(jobs.len()));
        let most = if options.variants { job.inferences.len() } else { 1 };
        jobs.push(Job {
            name: name(system, job.task, job.frame),
            release: job.release,
            deadline: job.deadline,
            weight: match options.weights {
                Weights::Equal => 1,
                Weights::Priority => u32::try_from(job.priority).unwrap_or(0),
                Weights::Period => weights[job.task.index()],
            },
            needs: job.needs.iter().filter_map(|needed| positions[*needed]).collect(),
            chains: job.inferences.iter().take(most).map(|inference| chains.of(inference)).collect(),
        });
    }
    Ok(Window::new(accelerators.collect(), jobs)?)
}

/// Refuses platforms on which a layer takes what others, or decisions, say.
fn check(system: &System) -> Result<(), NoWindow> {
    for of in &system.platform.accelerators {
        let accelerator = || of.name.clone();
        if of.division.is_some() || of.co_location.is_some() {
            return Err(NoWindow::Divided { accelerator: accelerator() });
        }
        if of.max_batch > 1 {
            return Err(NoWindow::Batches { accelerator: accelerator() });
        }
        if of.power.as_ref().is_some_and(|states| states.points.len() > 1 || states.gating.is_some()) {
            return Err(NoWindow::Points { accelerator: accelerator() });
        }
    }
    if system.contention().is_some() {
        return Err(NoWindow::SharedMemory);
    }
    if system.platform.transfers.is_some() {
        return Err(NoWindow::Transfers);
    }
    Ok(())
}

/// By task: its period in those of the shortest.
fn weights_of_periods(system: &System) -> Vec<u32> {
    let scenario = &system.scenario;
    let period = |task: usize| {
        let leader = &scenario.tasks[scenario.leader(TaskId::new(task)).index()];
        leader.arrivals.period().map(Period::duration).map(Duration::picoseconds)
    };
    let periods: Vec<Option<u64>> = (0..scenario.tasks.len()).map(period).collect();
    let shortest = periods.iter().flatten().copied().min().unwrap_or(1).max(1);
    let weight = |period: Option<u64>| {
        let nearest = period.map_or(1, |period| period.saturating_add(shortest / 2) / shortest);
        u32::try_from(nearest.max(1)).unwrap_or(u32::MAX)
    };
    periods.into_iter().map(weight).collect()
}

/// Chains of inferences; those that jobs share are made once.
#[derive(Default)]
struct Chains {
    known: Vec<(Arc<Inference>, Arc<Chain>)>,
}

impl Chains {
    fn of(&mut self, inference: &Arc<Inference>) -> Arc<Chain> {
        // The latest ones are the likeliest.
        let known = self.known.iter().rev().find(|(other, _)| Arc::ptr_eq(other, inference));
        if let Some((_, chain)) = known {
            return Arc::clone(chain);
        }
        let layer = |of: &rtmm_sim::InferenceLayer| Layer {
            on: of
                .on
                .iter()
                .map(|cost| {
                    cost.map(|cost| Cost {
                        time: cost.time,
                        energy: cost.energy,
                        enter: cost.enter,
                        leave: cost.leave,
                    })
                })
                .collect(),
        };
        let network = inference.network.index();
        let chain = Arc::new(Chain { network, layers: inference.layers.iter().map(layer).collect() });
        self.known.push((Arc::clone(inference), Arc::clone(&chain)));
        chain
    }
}

/// Lower bounds of all runs of a system under a seed, whatever the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBounds {
    /// The fewest late jobs, of those that runs judge.
    pub late: u64,
    /// The least energy of runs in which none is late; none where some must be.
    pub energy: Option<Energy>,
}

/// Bounds all runs with some settings: of the jobs that are judged, behind the warm-up, and due by the end of runs that are
/// cut there. Jobs may run as any variant of their task, as policies may have them.
///
/// # Errors
/// [`NoWindow`] where the platform does what bounds do not know, or there are too many jobs.
pub fn of_runs(system: &System, seed: u64, settings: &RunSettings) -> Result<RunBounds, NoWindow> {
    let options = WindowOptions {
        variants: true,
        from: Time::ZERO.saturating_add(settings.metrics.warm_up),
        due_by: (settings.end == EndOfRun::Cut).then(|| Time::ZERO.saturating_add(system.scenario.duration)),
        ..WindowOptions::default()
    };
    let window = window(system, seed, &options)?;
    let limits = Limits::default();
    let late = late_bound(&window, &limits, &|| false);
    let energy = (late == 0).then(|| energy_bound(&window, 0, &limits, &|| false));
    Ok(RunBounds { late, energy })
}

/// Results of a run that stand beside a window's bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The weight of its late jobs, as the window weighs them.
    pub late: u64,
    /// Everything that the run measured.
    pub summary: Summary,
}

/// Simulates a system to its end under a policy and weighs the jobs that are late as `window` does, which is of the same
/// system and seed.
///
/// # Errors
/// [`RunError::Failed`] where the policy does what it may not.
pub fn measure(
    engine: &Engine,
    system: &System,
    chosen: &Chosen,
    seed: u64,
    window: &Window,
) -> Result<Measured, RunError> {
    let weights: BTreeMap<&str, u32> =
        window.jobs().iter().map(|job| (job.name.as_str(), job.weight)).collect();
    let mut late = 0_u64;
    let rows = JobRows::new(|row: &JobRow| {
        if row.is_violated() == Some(true) {
            let name = name(system, row.task, row.frame);
            late += u64::from(weights.get(name.as_str()).copied().unwrap_or(0));
        }
    });
    let (summary, _) = engine.simulate(system, chosen, seed, rows)?;
    Ok(Measured { late, summary })
}

fn name(system: &System, task: TaskId, frame: u64) -> String {
    format!("{} {frame}", system.scenario.tasks[task.index()].name)
}
