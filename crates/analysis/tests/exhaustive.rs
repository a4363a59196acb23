//! Schedules of a job set under all whole arrivals and times: slow and literal.

use rtmm_analysis::{Job, JobOrder, JobSet};

/// What happened over all schedules.
pub(crate) struct Completions {
    /// First and last completion of each job.
    pub(crate) ends: Vec<(u64, u64)>,
    /// True if no job was ever late.
    pub(crate) in_time: bool,
}

/// Tries all arrivals and times.
pub(crate) fn exhaustive(set: &JobSet, order: JobOrder, processors: usize) -> Completions {
    let jobs = set.jobs();
    let mut order_of: Vec<usize> = (0..jobs.len()).collect();
    order_of.sort_by_key(|index| {
        let job = &jobs[*index];
        let first = match order {
            JobOrder::EarliestDeadline => job.deadline.picoseconds(),
            JobOrder::FixedPriority => job.priority,
        };
        (first, job.task, job.job)
    });
    let mut completions = Completions { ends: vec![(u64::MAX, 0); jobs.len()], in_time: true };
    let first = |job: &Job| (job.arrival.min.picoseconds(), job.cost.min.picoseconds());
    let mut chosen: Vec<(u64, u64)> = jobs.iter().map(first).collect();
    loop {
        schedule(&chosen, &order_of, processors, jobs, &mut completions);
        // The next choice, as an odometer counts.
        let step = (0..jobs.len()).find(|&index| {
            let job = &jobs[index];
            if chosen[index].0 < job.arrival.max.picoseconds() {
                chosen[index].0 += 1;
                return true;
            }
            chosen[index].0 = job.arrival.min.picoseconds();
            if chosen[index].1 < job.cost.max.picoseconds() {
                chosen[index].1 += 1;
                return true;
            }
            chosen[index].1 = job.cost.min.picoseconds();
            false
        });
        if step.is_none() {
            return completions;
        }
    }
}

/// One schedule, instant by instant.
fn schedule(
    chosen: &[(u64, u64)],
    order: &[usize],
    processors: usize,
    jobs: &[Job],
    completions: &mut Completions,
) {
    let mut busy_until = vec![0_u64; processors];
    let mut waits: Vec<usize> = order.to_vec();
    let mut now = 0;
    while !waits.is_empty() {
        let free = busy_until.iter().position(|until| *until <= now);
        let next = waits.iter().position(|job| chosen[*job].0 <= now);
        let (Some(free), Some(next)) = (free, next) else {
            now += 1;
            continue;
        };
        let job = waits.remove(next);
        let end = now + chosen[job].1;
        busy_until[free] = end;
        let known = &mut completions.ends[job];
        *known = (known.0.min(end), known.1.max(end));
        completions.in_time &= end <= jobs[job].deadline.picoseconds();
    }
}
