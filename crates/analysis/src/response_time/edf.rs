//! Earliest deadline first on one accelerator.
//!
//! For a job that arrives `a` after the beginning of a busy period of jobs that are due no later, `d = a + D`, at time `t`
//! task `j` has had `ceil((t + Jj) / Tj)` jobs released (`floor(...) + 1` with those of the instant), of which
//! `floor((d - Dj + Jj) / Tj) + 1` at most are due by `d`. With `Wj(a, t)` the smaller of the two, times `Cj`, `B(a)` the
//! longest segment of the tasks with `Dj > d`, and `n = floor((a + J) / T) + 1` jobs of the task itself,
//!
//! ```text
//! preemptive:    L(a) = B(a) + n C + sum over others of Wj(a, L(a)),            and the job ends by L(a)
//! by segments:   S(a) = B(a) + n C - F + sum over others of Wj(a, S(a)),        and the job ends by S(a) + F
//! ```
//!
//! The response is that less `a`, the worst over all `a` from `-J` to the end of the longest busy period at which `n` or
//! some count of jobs due by `d` grows.
//!
//! Sources: M. Spuri, "Analysis of Deadline Scheduled Real-Time Systems", INRIA RR-2772, 1996 (preemptive, jitter); L. George,
//! N. Rivierre and M. Spuri, "Preemptive and Non-Preemptive Real-Time Uni-Processor Scheduling", INRIA RR-2966, 1996
//! (blocking, not preemptive). Between segments, the argument of the latter holds for the last one.

use std::collections::BTreeSet;

use rtmm_workload::Duration;

use super::busy::{busy_period, few_enough, fixed_point, released_before, released_by, work};
use super::{RecurringTask, ResponseBound, Unbounded};
use crate::method::{Claim, Method};

pub(crate) const PREEMPTIVE: Method = Method {
    name: "edf-preemptive",
    summary: "earliest deadline first on one accelerator, preempted at any instant",
    claim: Claim::Safe,
    theorem: "Spuri, INRIA RR-2772, 1996",
};

pub(crate) const BY_SEGMENTS: Method = Method {
    name: "edf-by-segments",
    summary: "earliest deadline first on one accelerator, preempted between layers or not at all",
    claim: Claim::Safe,
    theorem: "George, Rivierre and Spuri, INRIA RR-2966, 1996, for the last segment of a job",
};

/// A bound of the response times of the task at a position.
///
/// # Errors
/// [`Unbounded`] where it has none, or none was found.
///
/// # Panics
/// If there is no task at the position.
pub fn response(tasks: &[RecurringTask], position: usize) -> Result<ResponseBound, Unbounded> {
    let task = &tasks[position];
    let longest = tasks.iter().map(|task| u128::from(task.longest_segment.picoseconds())).max().unwrap_or(0);
    let length = busy_period(tasks.iter(), longest)?;
    let jitter = i128::from(task.jitter.picoseconds());
    let mut worst = i128::from(task.cost.picoseconds()) + jitter;
    for arrival in arrivals(tasks, task, length)? {
        worst = worst.max(end(tasks, position, arrival)? - arrival);
    }
    let response = u64::try_from(worst).map_err(|_| Unbounded::Limit)?;
    let is_preemptive = task.last_segment.is_zero();
    let method = if is_preemptive { PREEMPTIVE } else { BY_SEGMENTS };
    Ok(ResponseBound { response: Duration::from_picoseconds(response), method })
}

/// Arrivals of a job at which more jobs are due no later than it, in a busy period of this length.
fn arrivals(
    tasks: &[RecurringTask],
    task: &RecurringTask,
    length: u128,
) -> Result<BTreeSet<i128>, Unbounded> {
    let first = -i128::from(task.jitter.picoseconds());
    let last = i128::try_from(length).map_err(|_| Unbounded::Limit)?;
    let mut arrivals = BTreeSet::from([first]);
    for other in tasks {
        let period = i128::from(other.period.picoseconds().max(1));
        let from = i128::from(other.deadline.picoseconds())
            - i128::from(other.jitter.picoseconds())
            - i128::from(task.deadline.picoseconds());
        // The first of the arrivals `from + k period` that is in the busy period.
        let skipped =
            (first - from).max(0).div_euclid(period) + i128::from((first - from).max(0) % period > 0);
        let from = from + skipped * period;
        let count = ((last - from).max(-period).div_euclid(period) + 1).max(0);
        few_enough(count.unsigned_abs())?;
        arrivals.extend((0..count).map(|job| from + job * period));
    }
    few_enough(arrivals.len() as u128)?;
    Ok(arrivals)
}

/// The latest end of a job that arrives at an instant of the busy period.
fn end(tasks: &[RecurringTask], position: usize, arrival: i128) -> Result<i128, Unbounded> {
    let task = &tasks[position];
    let due = arrival + i128::from(task.deadline.picoseconds());
    let others = || tasks.iter().enumerate().filter(|(other, _)| *other != position).map(|(_, other)| other);
    let later = others().filter(|other| i128::from(other.deadline.picoseconds()) > due);
    let blocking = later.map(|other| u128::from(other.longest_segment.picoseconds())).max().unwrap_or(0);
    let last = u128::from(task.last_segment.min(task.cost).picoseconds());
    let released = if task.last_segment.is_zero() { released_before } else { released_by };
    let own = blocking + work(task, jobs_until(task, arrival)) - last;
    let reached = fixed_point(own, |length| {
        let work = others().map(|other| {
            let due_by = jobs_until(other, due - i128::from(other.deadline.picoseconds()));
            work(other, released(other, length).min(due_by))
        });
        work.fold(own, u128::saturating_add)
    })?;
    i128::try_from(reached + last).map_err(|_| Unbounded::Limit)
}

/// Jobs of a task that arrived by an instant of the busy period, the first as long before its beginning as it can.
fn jobs_until(task: &RecurringTask, arrival: i128) -> u128 {
    let since = arrival + i128::from(task.jitter.picoseconds());
    let period = i128::from(task.period.picoseconds().max(1));
    u128::try_from(since.div_euclid(period) + 1).unwrap_or(0)
}
