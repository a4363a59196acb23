//! Fixed priorities on one accelerator.
//!
//! With `hep` the tasks that are at least as urgent, the task itself left out, `B` the longest segment of the others, `C`
//! times, `T` periods, `J` jitters and `F` the last segment of the task, job `q` of its busy period ends by
//!
//! ```text
//! preemptive:    w(q)     = B + (q + 1) C + sum over hep of ceil((w + Jj) / Tj) Cj
//! by segments:   w(q)     = B + (q + 1) C - F + sum over hep of (floor((w + Jj) / Tj) + 1) Cj,   and ends at w(q) + F
//! ```
//!
//! and responds within that time less `q T`, plus `J`. The busy period is the least `L` with `L = B + sum over hep and the
//! task of ceil((L + Jj) / Tj) Cj`; it has `ceil((L + J) / T)` jobs of the task, of which the first is not always the worst.
//!
//! Sources: M. Joseph and P. Pandya, *The Computer Journal* 29(5), 1986; J. P. Lehoczky, RTSS 1990 (deadlines beyond
//! periods); K. W. Tindell, A. Burns and A. J. Wellings, *Real-Time Systems* 6(2), 1994 (jitter, blocking); R. I. Davis, A.
//! Burns, R. J. Bril and J. J. Lukkien, *Real-Time Systems* 35(3), 2007 (not preemptive); R. J. Bril, J. J. Lukkien and
//! W. F. J. Verhaegh, *Real-Time Systems* 42, 2009 (by segments).

use rtmm_workload::Duration;

use super::busy::{busy_period, few_enough, fixed_point, released_before, released_by, work};
use super::{RecurringTask, ResponseBound, Unbounded};
use crate::method::{Claim, Method};

pub(crate) const PREEMPTIVE: Method = Method {
    name: "fixed-priority-preemptive",
    summary: "fixed priorities on one accelerator, preempted at any instant",
    claim: Claim::Safe,
    theorem: "Lehoczky, RTSS 1990; with jitter and blocking Tindell, Burns and Wellings, Real-Time Systems 6(2), 1994",
};

pub(crate) const BY_SEGMENTS: Method = Method {
    name: "fixed-priority-by-segments",
    summary: "fixed priorities on one accelerator, preempted between layers or not at all",
    claim: Claim::Safe,
    theorem: "Davis, Burns, Bril and Lukkien, Real-Time Systems 35(3), 2007; \
              between segments Bril, Lukkien and Verhaegh, Real-Time Systems 42, 2009",
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
    let others = || tasks.iter().enumerate().filter(|(other, _)| *other != position).map(|(_, other)| other);
    let first = || others().filter(|other| other.urgency <= task.urgency);
    let later = others().filter(|other| other.urgency > task.urgency);
    let blocking = later.map(|other| u128::from(other.longest_segment.picoseconds())).max().unwrap_or(0);
    let cost = u128::from(task.cost.picoseconds());
    let last = u128::from(task.last_segment.picoseconds()).min(cost);
    let busy: Vec<RecurringTask> = first().copied().chain([*task]).collect();
    let length = busy_period(busy.iter(), blocking)?;
    let is_preemptive = task.last_segment.is_zero();
    let released = if is_preemptive { released_before } else { released_by };
    let mut worst = 0;
    let mut reached = blocking;
    for job in 0..few_enough(released_before(task, length).max(1))? {
        let own = blocking + (job + 1).saturating_mul(cost) - last;
        // The start of the last segment of a job is no earlier than that of the job before it.
        reached = fixed_point(reached.max(own), |length| {
            first().map(|other| work(other, released(other, length))).fold(own, u128::saturating_add)
        })?;
        let arrived = job * u128::from(task.period.picoseconds());
        worst = worst.max((reached + last).saturating_sub(arrived));
    }
    let response = u64::try_from(worst + u128::from(task.jitter.picoseconds()));
    let response = Duration::from_picoseconds(response.map_err(|_| Unbounded::Limit)?);
    Ok(ResponseBound { response, method: if is_preemptive { PREEMPTIVE } else { BY_SEGMENTS } })
}
