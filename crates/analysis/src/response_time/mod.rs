//! Response times of recurring tasks on one accelerator, and of cascades of them on several.
//!
//! A task releases jobs at least a period apart, each up to `jitter` after its arrival, from which deadline and response
//! count. Deadlines are arbitrary. A job runs in segments, which nothing preempts; one that can be preempted at any instant
//! has none. Offsets are not used: the bounds hold for all of them, and so do they for releases further apart, shorter
//! times, and runs that end early.
//!
//! The bounds are of dense time: a segment of another job counts in full where whole units would let it begin one unit
//! earlier at the latest.

mod busy;
mod cascade;
mod edf;
mod fixed_priority;

use rtmm_workload::Duration;
use thiserror::Error;

use crate::method::Method;

pub(crate) use cascade::CASCADES;
pub use cascade::{CascadeTask, cascade_responses};
pub use edf::response as edf_response;
pub(crate) use edf::{BY_SEGMENTS as EDF_BY_SEGMENTS, PREEMPTIVE as EDF_PREEMPTIVE};
pub use fixed_priority::response as fixed_priority_response;
pub(crate) use fixed_priority::{
    BY_SEGMENTS as FIXED_PRIORITY_BY_SEGMENTS, PREEMPTIVE as FIXED_PRIORITY_PREEMPTIVE,
};

/// A task that shares an accelerator with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurringTask {
    /// The longest time that a job takes by itself, with all that its start and its end cost others.
    pub cost: Duration,
    /// The longest of its segments; zero where it can be preempted at any instant.
    pub longest_segment: Duration,
    /// The last segment of its jobs, at most `cost`; zero where they can be preempted until they end.
    pub last_segment: Duration,
    /// The least distance between arrivals, above zero.
    pub period: Duration,
    /// The longest time from an arrival until the scheduler sees the job.
    pub jitter: Duration,
    /// The time from an arrival by which the job should be complete.
    pub deadline: Duration,
    /// Fixed priority: smaller is more urgent. Jobs of equal ones may go in any order.
    pub urgency: u64,
}

/// A bound of the response times of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseBound {
    /// No job takes longer from its arrival to its end.
    pub response: Duration,
    /// The method that found it.
    pub method: Method,
}

/// Reasons why there is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unbounded {
    /// More is asked of the accelerator than it can do.
    #[error(
        "the tasks that go first and this one ask for more time than there is: responses grow without bound"
    )]
    Overload,
    /// The busy period is longer than what is followed.
    #[error("the accelerator may be busy for so long without a pause that the analysis stopped")]
    Limit,
    /// A task that jobs wait for, or that may go first on their accelerator, has no bound.
    #[error("a task that it waits for, or that may go first, has no bound")]
    Before,
}
