//! Tasks that wait for others: answers worked out by hand, and schedules of random systems of two accelerators.

use proptest::prelude::*;
use rtmm_analysis::{CascadeTask, JobOrder, RecurringTask, Unbounded, cascade_responses};
use rtmm_workload::Duration;

use crate::exploration::config;

/// Units of time that are simulated.
const HORIZON: u64 = 500;

/// A task in whole units of time, which is preempted at any instant, or runs in one segment.
#[derive(Clone, Debug)]
struct Sketch {
    cost: u64,
    period: u64,
    jitter: u64,
    offset: u64,
    deadline: u64,
    urgency: u64,
    accelerator: usize,
    /// The task before it that it waits for, job by job, at the arrivals of that one.
    after: Option<usize>,
}

fn task(cost: u64, period: u64, urgency: u64, accelerator: usize, after: Option<usize>) -> Sketch {
    Sketch { cost, period, jitter: 0, offset: 0, deadline: period, urgency, accelerator, after }
}

fn analysed(sketches: &[Sketch], is_preemptive: bool) -> Vec<CascadeTask> {
    let span = Duration::from_picoseconds;
    let segment = |cost| if is_preemptive { Duration::ZERO } else { span(cost) };
    let task = |sketch: &Sketch| CascadeTask {
        task: RecurringTask {
            cost: span(sketch.cost),
            longest_segment: segment(sketch.cost),
            last_segment: segment(sketch.cost),
            period: span(sketch.period),
            jitter: span(sketch.jitter),
            deadline: span(sketch.deadline),
            urgency: sketch.urgency,
        },
        accelerator: sketch.accelerator,
        after: sketch.after.into_iter().collect(),
    };
    sketches.iter().map(task).collect()
}

fn responses(sketches: &[Sketch], order: JobOrder) -> Vec<Result<u64, Unbounded>> {
    let bounds = cascade_responses(&analysed(sketches, true), order);
    bounds.into_iter().map(|bound| bound.map(|bound| bound.response.picoseconds())).collect()
}

/// On accelerator 0 `a` takes 2 of 10, on 1 `b` 4 after it, and again on 0 `c` 1 after that, less urgent than `a`.
#[test]
fn the_end_of_one_is_the_jitter_of_the_next() {
    let chain = [task(2, 10, 0, 0, None), task(4, 10, 0, 1, Some(0)), task(1, 10, 1, 0, Some(1))];
    // `c` comes within 6 of its arrival, and waits for a job of `a`: 6 + 2 + 1.
    assert_eq!(responses(&chain, JobOrder::FixedPriority), [Ok(2), Ok(6), Ok(9)]);
    let bounds = cascade_responses(&analysed(&chain, true), JobOrder::FixedPriority);
    let methods: Vec<&str> = bounds.iter().map(|bound| bound.unwrap().method.name).collect();
    // `a` goes first, and waits for nothing.
    assert_eq!(methods, ["fixed-priority-preemptive", "cascades-by-jitter", "cascades-by-jitter"]);
}

#[test]
fn a_task_behind_one_without_a_bound_has_none() {
    let chain = [task(11, 10, 0, 0, None), task(1, 10, 0, 1, Some(0)), task(1, 10, 1, 1, None)];
    let none = [Err(Unbounded::Overload), Err(Unbounded::Before), Err(Unbounded::Before)];
    assert_eq!(responses(&chain, JobOrder::FixedPriority), none);
    let mut first = chain;
    (first[1].urgency, first[2].urgency) = (1, 0);
    assert_eq!(responses(&first, JobOrder::FixedPriority)[2], Ok(1));
    assert_eq!(responses(&first, JobOrder::EarliestDeadline)[2], Err(Unbounded::Before));
}

/// Two chains that cross: each delays the second half of the other more, the later its own first half is.
#[test]
fn jitters_that_raise_each_other_without_end_are_given_up() {
    let crossing = |cost| {
        [
            task(cost, 10, 1, 0, None),
            task(cost, 10, 0, 1, Some(0)),
            task(cost, 10, 1, 1, None),
            task(cost, 10, 0, 0, Some(2)),
        ]
    };
    assert!(responses(&crossing(1), JobOrder::FixedPriority).iter().all(Result::is_ok));
    assert!(responses(&crossing(5), JobOrder::FixedPriority).iter().all(Result::is_err));
    let circle = [Sketch { after: Some(0), ..task(1, 10, 0, 0, None) }];
    assert_eq!(responses(&circle, JobOrder::FixedPriority), [Err(Unbounded::Limit)]);
}

struct Job {
    task: usize,
    number: usize,
    arrival: u64,
    /// None before the job that it waits for is complete.
    released: Option<u64>,
    left: u64,
}

/// The longest response of each task in a schedule, unit by unit.
fn observed(sketches: &[Sketch], seed: u64, order: JobOrder, is_preemptive: bool) -> Vec<u64> {
    let mut drawn = seed;
    let mut draw = |bound: u64| {
        // A linear congruential generator: Knuth, MMIX.
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (drawn >> 33) % (bound + 1)
    };
    let mut jobs: Vec<Job> = Vec::new();
    for (task, sketch) in sketches.iter().enumerate() {
        let of_leader = sketch.after.map(|after| {
            let arrivals = jobs.iter().filter(|job| job.task == after);
            arrivals.map(|job| job.arrival).collect::<Vec<_>>()
        });
        let own = (0..).map(|number| sketch.offset + number * sketch.period);
        let arrivals = of_leader.unwrap_or_else(|| own.take_while(|arrival| *arrival < HORIZON).collect());
        for (number, arrival) in arrivals.into_iter().enumerate() {
            let released = sketch.after.is_none().then(|| arrival + draw(sketch.jitter));
            jobs.push(Job { task, number, arrival, released, left: sketch.cost });
        }
    }
    let mut longest = vec![0; sketches.len()];
    let mut running: [Option<usize>; 2] = [None, None];
    for now in 0..HORIZON {
        for (accelerator, running) in running.iter_mut().enumerate() {
            if running.is_none() || is_preemptive {
                let key = |job: &Job| {
                    let sketch = &sketches[job.task];
                    let first = match order {
                        JobOrder::FixedPriority => sketch.urgency,
                        JobOrder::EarliestDeadline => job.arrival + sketch.deadline,
                    };
                    (first, job.arrival, job.task)
                };
                let ready = (0..jobs.len()).filter(|index| {
                    let job = &jobs[*index];
                    let is_here = sketches[job.task].accelerator == accelerator;
                    is_here && job.left > 0 && job.released.is_some_and(|released| released <= now)
                });
                *running = ready.min_by_key(|index| key(&jobs[*index]));
            }
        }
        for running in &mut running {
            let Some(index) = *running else { continue };
            jobs[index].left -= 1;
            if jobs[index].left > 0 {
                continue;
            }
            *running = None;
            let (task, number) = (jobs[index].task, jobs[index].number);
            longest[task] = longest[task].max(now + 1 - jobs[index].arrival);
            for job in
                jobs.iter_mut().filter(|job| sketches[job.task].after == Some(task) && job.number == number)
            {
                job.released = Some(now + 1);
            }
        }
    }
    longest
}

fn systems() -> impl Strategy<Value = Vec<Sketch>> {
    let times = (1_u64..6, 8_u64..30, 0_u64..6, 0_u64..12, 1_u64..50, 0_u64..3);
    let task = (times, 0_usize..2, 0_usize..6).prop_map(|(times, accelerator, after)| {
        let (cost, period, jitter, offset, deadline, urgency) = times;
        Sketch { cost, period, jitter, offset, deadline, urgency, accelerator, after: Some(after) }
    });
    prop::collection::vec(task, 2..6).prop_map(|mut tasks| {
        for place in 0..tasks.len() {
            let after = tasks[place].after.filter(|after| *after < place);
            tasks[place].after = after;
            if let Some(after) = after {
                // The arrivals of the other one.
                let Sketch { period, jitter, offset, .. } = tasks[after];
                (tasks[place].period, tasks[place].jitter, tasks[place].offset) = (period, jitter, offset);
            }
        }
        tasks
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_schedule_exceeds_a_bound_of_cascades((tasks, seed) in (systems(), any::<u64>())) {
        for order in [JobOrder::FixedPriority, JobOrder::EarliestDeadline] {
            for is_preemptive in [true, false] {
                let bounds = cascade_responses(&analysed(&tasks, is_preemptive), order);
                let observed = observed(&tasks, seed, order, is_preemptive);
                for (place, (bound, observed)) in bounds.into_iter().zip(observed).enumerate() {
                    if let Ok(bound) = bound {
                        let bound = bound.response.picoseconds();
                        prop_assert!(observed <= bound, "task {place} took {observed}, bounded by {bound}");
                    }
                }
            }
        }
    }
}
