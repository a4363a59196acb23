//! Job sets: what is released when, for how long it runs, and in which order it goes.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use rtmm_workload::{Duration, Time};
use thiserror::Error;

use crate::interval::Interval;

/// Number of a task, as a table of jobs has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskNumber(pub u64);

/// Number of a job among those of its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobNumber(pub u64);

/// Number of identical processors, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Processors(pub NonZeroU32);

impl Processors {
    /// One processor.
    pub const ONE: Self = Self(NonZeroU32::MIN);

    /// The number.
    #[must_use]
    pub const fn count(self) -> usize {
        self.0.get() as usize
    }
}

/// A job that is released once, at some instant of a range, and runs for some time of a range without preemption.
///
/// Instants and times are whole numbers of one unit, which is the table's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The task.
    pub task: TaskNumber,
    /// The job, unique within the task.
    pub job: JobNumber,
    /// The instants at which it may be released.
    pub arrival: Interval<Time>,
    /// The times that it may run for.
    pub cost: Interval<Duration>,
    /// The instant by which it should be complete.
    pub deadline: Time,
    /// Smaller is more urgent; only an order by priorities asks for it.
    pub priority: u64,
}

/// Orders of waiting jobs: the first one starts when a processor is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOrder {
    /// The earliest absolute deadline first, then the smaller task, then the smaller job.
    EarliestDeadline,
    /// The smaller priority first, then the smaller task, then the smaller job.
    FixedPriority,
}

impl JobOrder {
    /// The key that jobs are sorted by; no two jobs of a set have the same.
    pub(crate) fn key(self, job: &Job) -> (u64, TaskNumber, JobNumber) {
        let first = match self {
            Self::EarliestDeadline => job.deadline.picoseconds(),
            Self::FixedPriority => job.priority,
        };
        (first, job.task, job.job)
    }
}

/// Jobs to explore; at least one, no two of the same numbers, all times within the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSet(Vec<Job>);

/// Reasons why jobs are no set to explore; positions count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JobSetError {
    /// There is nothing to explore.
    #[error("there are no jobs")]
    Empty,
    /// Two jobs have the same numbers.
    #[error("task {} has a job {} already", task.0, number.0)]
    Twice {
        /// Position of the later one.
        position: usize,
        /// Position of the earlier one.
        earlier: usize,
        /// Their task.
        task: TaskNumber,
        /// Their number.
        number: JobNumber,
    },
    /// The last arrival is before the first, or the longest time below the shortest.
    #[error("the {what} ends before it begins")]
    Reversed {
        /// Position of the job.
        position: usize,
        /// The range: `arrival` or `cost`.
        what: &'static str,
    },
    /// The jobs, one after the other, do not end within 64 bits.
    #[error("the jobs up to this one may end beyond {}", u64::MAX)]
    TooLong {
        /// Position of the job at which the sum of the longest times leaves the clock.
        position: usize,
    },
}

impl JobSet {
    /// Checks jobs.
    ///
    /// # Errors
    /// The first [`JobSetError`].
    pub fn new(jobs: Vec<Job>) -> Result<Self, JobSetError> {
        if jobs.is_empty() {
            return Err(JobSetError::Empty);
        }
        let mut known = BTreeMap::new();
        // No schedule ends after the last arrival and all the longest times, one after the other.
        let mut end = jobs.iter().map(|job| job.arrival.max.picoseconds()).max().unwrap_or(0);
        for (position, job) in jobs.iter().enumerate() {
            if let Some(earlier) = known.insert((job.task, job.job), position) {
                return Err(JobSetError::Twice { position, earlier, task: job.task, number: job.job });
            }
            if job.arrival.min > job.arrival.max {
                return Err(JobSetError::Reversed { position, what: "arrival" });
            }
            if job.cost.min > job.cost.max {
                return Err(JobSetError::Reversed { position, what: "cost" });
            }
            end = end
                .checked_add(job.cost.max.picoseconds())
                .filter(|end| *end < u64::MAX)
                .ok_or(JobSetError::TooLong { position })?;
        }
        Ok(Self(jobs))
    }

    /// The jobs, in the order in which they were given.
    #[must_use]
    pub fn jobs(&self) -> &[Job] {
        &self.0
    }
}
