//! Windows: jobs with their release times, deadlines and layers, and the accelerators that they may run on.

use std::sync::Arc;

use rtmm_hardware::{AcceleratorId, Energy};
use rtmm_workload::{Duration, Time};
use thiserror::Error;

/// The last instant that bounds count with, about 53 days in picoseconds: sums of two stay within their integers. A
/// deadline beyond it is none.
const LAST: u64 = 1 << 62;
/// The most alternative chains of a job, and the most accelerators.
const MAX_COUNT: usize = 255;

/// Position of a job in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobIndex(u32);

impl JobIndex {
    /// The job at a position.
    #[must_use]
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Position of the job.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Hardware that executes one layer at a time, to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accelerator {
    /// For people.
    pub name: String,
    /// Time that passes before a layer of another network than the one before it, beside what leaving and entering
    /// layers cost. Before the first layer none does.
    pub switch: Duration,
}

impl Accelerator {
    /// An accelerator that changes networks in no time.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), switch: Duration::ZERO }
    }
}

/// Cost of a layer on an accelerator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time that it takes.
    pub time: Duration,
    /// Energy that it takes.
    pub energy: Energy,
    /// Time to bring in what it reads, where the accelerator comes from another network.
    pub enter: Duration,
    /// Time to take out what it leaves, where the accelerator goes on to another network.
    pub leave: Duration,
}

impl Cost {
    /// The cost of a layer that is entered and left in no time.
    #[must_use]
    pub const fn new(time: Duration, energy: Energy) -> Self {
        Self { time, energy, enter: Duration::ZERO, leave: Duration::ZERO }
    }
}

/// A layer: its cost on each accelerator, none where it may not run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// By accelerator.
    pub on: Vec<Option<Cost>>,
}

/// The layers of an inference, one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// The network that an accelerator has run when it ran one of them: between layers of one network it does not switch.
    pub network: usize,
    /// In their order; none where everything is skipped.
    pub layers: Vec<Layer>,
}

/// A job: one of its chains is run, or it is late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// For people.
    pub name: String,
    /// The instant before which none of its layers begins.
    pub release: Time,
    /// The instant by which it should be over: one that ends there is in time. [`Time::MAX`] for a job that is never late.
    pub deadline: Time,
    /// Its count where it is late.
    pub weight: u32,
    /// Jobs that must be complete before it begins; they stand before it.
    pub needs: Vec<JobIndex>,
    /// Alternatives, such as variants of a model; at least one.
    pub chains: Vec<Arc<Chain>>,
}

/// Reasons why jobs are no window.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WindowError {
    /// Costs are stated for other numbers of accelerators than there are.
    #[error(
        "job `{job}`: layer {layer} states costs on {stated} accelerators, of which there are {accelerators}"
    )]
    Costs {
        /// Its name.
        job: String,
        /// Position of the layer in its chain.
        layer: usize,
        /// Number of costs.
        stated: usize,
        /// Number of accelerators.
        accelerators: usize,
    },
    /// A layer may run nowhere.
    #[error("job `{job}`: layer {layer} runs on no accelerator")]
    Nowhere {
        /// Its name.
        job: String,
        /// Position of the layer in its chain.
        layer: usize,
    },
    /// A job needs one that does not stand before it.
    #[error("job `{job}` needs job {needed}, which does not stand before it")]
    Order {
        /// Its name.
        job: String,
        /// Position of the job that it needs.
        needed: usize,
    },
    /// A job has no chain, or there are too many chains or accelerators.
    #[error("{what}: {count}, which is not in 1 to {MAX_COUNT}")]
    Count {
        /// Name of what is counted.
        what: String,
        /// Its count.
        count: usize,
    },
    /// Jobs together take longer than can be counted.
    #[error("the jobs of the window end after more than {} days", LAST / 86_400_000_000_000_000)]
    TooLong,
}

/// Jobs and accelerators, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    accelerators: Vec<Accelerator>,
    jobs: Vec<Job>,
}

impl Window {
    /// A window of jobs, each behind those that it needs.
    ///
    /// # Errors
    /// [`WindowError`] for the first fault.
    pub fn new(accelerators: Vec<Accelerator>, jobs: Vec<Job>) -> Result<Self, WindowError> {
        check_count("accelerators", accelerators.len())?;
        let mut end = 0_u64;
        let slowest_switch = accelerators.iter().map(|one| one.switch.picoseconds()).max().unwrap_or(0);
        for (index, job) in jobs.iter().enumerate() {
            check_count(&format!("chains of job `{}`", job.name), job.chains.len())?;
            if let Some(needed) = job.needs.iter().find(|needed| needed.index() >= index) {
                return Err(WindowError::Order { job: job.name.clone(), needed: needed.index() });
            }
            end = end.max(picoseconds(job.release));
            for chain in &job.chains {
                for (layer, of) in chain.layers.iter().enumerate() {
                    let job = || job.name.clone();
                    if of.on.len() != accelerators.len() {
                        let (stated, accelerators) = (of.on.len(), accelerators.len());
                        return Err(WindowError::Costs { job: job(), layer, stated, accelerators });
                    }
                    let slowest = of.on.iter().flatten().map(|cost| {
                        [cost.time, cost.enter, cost.leave]
                            .iter()
                            .fold(slowest_switch, |sum, time| sum.saturating_add(time.picoseconds()))
                    });
                    let slowest = slowest.max().ok_or_else(|| WindowError::Nowhere { job: job(), layer })?;
                    end = end.saturating_add(slowest);
                }
            }
        }
        if end >= LAST { Err(WindowError::TooLong) } else { Ok(Self { accelerators, jobs }) }
    }

    /// Accelerators.
    #[must_use]
    pub fn accelerators(&self) -> &[Accelerator] {
        &self.accelerators
    }

    /// Jobs, each behind those that it needs.
    #[must_use]
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The weight of all jobs together.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.jobs.iter().map(|job| u64::from(job.weight)).sum()
    }

    /// The same accelerators with some of the jobs, which need none but each other.
    pub(crate) fn with_jobs(&self, jobs: Vec<Job>) -> Self {
        Self { accelerators: self.accelerators.clone(), jobs }
    }

    pub(crate) fn accelerator_ids(&self) -> impl Iterator<Item = AcceleratorId> + use<> {
        (0..self.accelerators.len()).map(AcceleratorId::new)
    }
}

fn check_count(what: &str, count: usize) -> Result<(), WindowError> {
    let is_right = (1..=MAX_COUNT).contains(&count);
    if is_right { Ok(()) } else { Err(WindowError::Count { what: what.to_owned(), count }) }
}

/// An instant in picoseconds from the beginning of time.
pub(crate) fn picoseconds(time: Time) -> u64 {
    time.saturating_since(Time::ZERO).picoseconds()
}

/// The deadline of a job in picoseconds; none where it has none that bounds count with.
pub(crate) fn deadline_of(job: &Job) -> Option<u64> {
    Some(picoseconds(job.deadline)).filter(|deadline| *deadline < LAST)
}
