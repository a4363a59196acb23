//! Tasks whose jobs wait for jobs of others, on one accelerator or on several.
//!
//! A job that waits is seen by the scheduler when the jobs before it are complete. They arrive no later than it does, so
//! that is within the longest of their responses after its own arrival: the bounds of the tasks before it are a jitter of
//! its release,
//!
//! ```text
//! J' = max(J, Rb of each task b that it waits for)
//! ```
//!
//! and with `J'` in the place of `J` it is a task like others on its accelerator. Bounds grow with jitters, and jitters
//! with bounds: the iteration from the jitters of arrivals upwards ends at a solution, or is stopped without one.
//!
//! Source: K. Tindell and J. Clark, "Holistic schedulability analysis for distributed hard real-time systems",
//! *Microprocessing and Microprogramming* 40(2-3), 1994, with the bounds of this crate on each accelerator.

use rtmm_workload::Duration;

use super::{RecurringTask, ResponseBound, Unbounded, edf_response, fixed_priority_response};
use crate::job_set::JobOrder;
use crate::method::{Claim, Method};

pub(crate) const CASCADES: Method = Method {
    name: "cascades-by-jitter",
    summary: "tasks that wait for others, each on one accelerator, by any of the four methods above",
    claim: Claim::Safe,
    theorem: "Tindell and Clark, Microprocessing and Microprogramming 40(2-3), 1994",
};

/// Rounds after which bounds that still grow are no longer followed.
const MAX_ROUNDS: u32 = 1_000;

/// A task of a system of accelerators, which may wait for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CascadeTask {
    /// Times of the task; its jitter is that of arrivals, without the waiting for others.
    pub task: RecurringTask,
    /// Number of the accelerator that runs its jobs.
    pub accelerator: usize,
    /// Positions of the tasks that its jobs wait for: a job of each, which arrives no later than the one that waits.
    pub after: Vec<usize>,
}

/// Bounds of the response times of all tasks, in their order. Responses count from a task's own arrivals.
///
/// # Errors
/// [`Unbounded`] for a task that has none, or for which none was found: [`Unbounded::Before`] where that is so of one that
/// it waits for, or that may go first. Of tasks with circles of waiting nothing ever runs; they have no bound.
///
/// # Panics
/// If there is no task at a position of `after`.
#[must_use]
pub fn cascade_responses(tasks: &[CascadeTask], order: JobOrder) -> Vec<Result<ResponseBound, Unbounded>> {
    let mut responses: Vec<Result<Duration, Unbounded>> = vec![Ok(Duration::ZERO); tasks.len()];
    let mut round = 0;
    loop {
        let jitters: Vec<_> = tasks.iter().map(|task| jitter(task, &responses)).collect();
        let bound = |place: usize| match responses[place] {
            Ok(_) => bound(tasks, &jitters, place, order),
            // Bounds never fall: what has none in one round has none in the next.
            Err(reason) => Err(reason),
        };
        let bounds: Vec<_> = (0..tasks.len()).map(bound).collect();
        let reached: Vec<_> = bounds.iter().map(|bound| bound.map(|bound| bound.response)).collect();
        if reached == responses {
            return bounds;
        }
        let grew = responses.iter_mut().zip(reached).filter(|(response, reached)| **response != *reached);
        for (response, reached) in grew {
            *response = if round < MAX_ROUNDS { reached } else { Err(Unbounded::Limit) };
        }
        round += 1;
    }
}

/// The longest time from an arrival until the scheduler sees the job.
fn jitter(task: &CascadeTask, responses: &[Result<Duration, Unbounded>]) -> Result<Duration, Unbounded> {
    let before = task.after.iter().map(|before| responses[*before]);
    before.into_iter().try_fold(task.task.jitter, |jitter, response| Ok(jitter.max(response?)))
}

/// The bound of a task, with these jitters.
fn bound(
    tasks: &[CascadeTask],
    jitters: &[Result<Duration, Unbounded>],
    place: usize,
    order: JobOrder,
) -> Result<ResponseBound, Unbounded> {
    let own = &tasks[place];
    let goes_first = |other: &CascadeTask| match order {
        JobOrder::EarliestDeadline => true,
        JobOrder::FixedPriority => other.task.urgency <= own.task.urgency,
    };
    let with_jitter = |place: usize| {
        let CascadeTask { task, .. } = &tasks[place];
        let jitter = match jitters[place] {
            Ok(jitter) => jitter,
            Err(_) if goes_first(&tasks[place]) => return Err(Unbounded::Before),
            // Of a task that goes last only the segments count.
            Err(_) => task.jitter,
        };
        Ok(RecurringTask { jitter, ..*task })
    };
    let others = || {
        let others = tasks.iter().enumerate();
        others.filter(|(other, task)| *other != place && task.accelerator == own.accelerator)
    };
    let mut on = vec![with_jitter(place)?];
    for (other, _) in others() {
        on.push(with_jitter(other)?);
    }
    let bound = match order {
        JobOrder::EarliestDeadline => edf_response(&on, 0)?,
        JobOrder::FixedPriority => fixed_priority_response(&on, 0)?,
    };
    let first = others().map(|(_, task)| task).filter(|other| goes_first(other));
    let waits = first.chain([own]).any(|task| !task.after.is_empty());
    let method = if waits { CASCADES } else { bound.method };
    Ok(ResponseBound { method, ..bound })
}
