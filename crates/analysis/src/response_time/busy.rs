//! Busy periods: how long an accelerator can be busy with the jobs of some tasks.

use super::{RecurringTask, Unbounded};

/// The most steps of one fixed point, and the most jobs of a task that are looked at.
const MAX_STEPS: u32 = 1_000_000;
/// One, as utilisations are summed: 64 binary places.
const ONE: u128 = 1 << 64;

/// Jobs of a task that can be released in a time of this length, its end not included.
pub(super) fn released_before(task: &RecurringTask, length: u128) -> u128 {
    (length + u128::from(task.jitter.picoseconds())).div_ceil(u128::from(task.period.picoseconds().max(1)))
}

/// The same, its end included.
pub(super) fn released_by(task: &RecurringTask, length: u128) -> u128 {
    (length + u128::from(task.jitter.picoseconds())) / u128::from(task.period.picoseconds().max(1)) + 1
}

/// The longest time of so many jobs.
pub(super) fn work(task: &RecurringTask, jobs: u128) -> u128 {
    jobs.saturating_mul(u128::from(task.cost.picoseconds()))
}

/// The least value that `next` maps to itself, from `from` upwards; `next` never falls, and neither does it as its
/// argument grows.
pub(super) fn fixed_point(from: u128, next: impl Fn(u128) -> u128) -> Result<u128, Unbounded> {
    let mut value = from;
    for _ in 0..MAX_STEPS {
        let reached = next(value);
        if reached == value {
            return Ok(value);
        }
        if reached > u128::from(u64::MAX) {
            break;
        }
        value = reached;
    }
    Err(Unbounded::Limit)
}

/// The longest busy period of tasks that begins with a segment of another one.
pub(super) fn busy_period<'t>(
    tasks: impl Iterator<Item = &'t RecurringTask> + Clone,
    blocking: u128,
) -> Result<u128, Unbounded> {
    let share = |task: &RecurringTask| {
        u128::from(task.cost.picoseconds()) * ONE / u128::from(task.period.picoseconds().max(1))
    };
    // Rounded down: above one only where the sum really is.
    if tasks.clone().map(share).sum::<u128>() > ONE {
        return Err(Unbounded::Overload);
    }
    let from = blocking + tasks.clone().map(|task| u128::from(task.cost.picoseconds())).sum::<u128>();
    fixed_point(from, |length| {
        let work = tasks.clone().map(|task| work(task, released_before(task, length)));
        work.fold(blocking, u128::saturating_add)
    })
}

/// Checks that so many jobs are few enough to look at each.
pub(super) fn few_enough(jobs: u128) -> Result<u128, Unbounded> {
    if jobs <= u128::from(MAX_STEPS) { Ok(jobs) } else { Err(Unbounded::Limit) }
}
