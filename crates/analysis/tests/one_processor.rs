//! Schedules of recurring tasks on one processor, unit by unit: slow and literal.

use rtmm_analysis::RecurringTask;
use rtmm_workload::Duration;

/// Units of time that are simulated.
const HORIZON: u64 = 600;

/// A task in whole units of time.
#[derive(Clone, Debug)]
pub(crate) struct TaskSketch {
    pub(crate) segments: Vec<u64>,
    pub(crate) period: u64,
    pub(crate) jitter: u64,
    pub(crate) deadline: u64,
    pub(crate) urgency: u64,
    pub(crate) offset: u64,
}

/// Tasks, and what decides when their jobs come.
#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) tasks: Vec<TaskSketch>,
    pub(crate) seed: u64,
    /// True if jobs come as often as they can, and the first as late after its arrival as it can.
    pub(crate) is_tight: bool,
}

/// The order of jobs; equal ones go by arrival, and then by task.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    FixedPriority,
    EarliestDeadline,
}

impl TaskSketch {
    pub(crate) fn recurring(&self, is_preemptive: bool) -> RecurringTask {
        let span = Duration::from_picoseconds;
        let segment = |segment: Option<&u64>| span(segment.filter(|_| !is_preemptive).copied().unwrap_or(0));
        RecurringTask {
            cost: span(self.segments.iter().sum()),
            longest_segment: segment(self.segments.iter().max()),
            last_segment: segment(self.segments.last()),
            period: span(self.period),
            jitter: span(self.jitter),
            deadline: span(self.deadline),
            urgency: self.urgency,
        }
    }
}

struct Job {
    task: usize,
    arrival: u64,
    released: u64,
    /// Units done of the segment, and the segment.
    done: u64,
    segment: usize,
}

/// The longest response of each task.
pub(crate) fn observed(system: &System, rule: Rule, is_preemptive: bool) -> Vec<u64> {
    let mut jobs = arrivals(system);
    let mut longest = vec![0; system.tasks.len()];
    let mut running: Option<usize> = None;
    for now in 0..HORIZON {
        if running.is_none() || is_preemptive {
            let key = |job: &Job| {
                let task = &system.tasks[job.task];
                let first = match rule {
                    Rule::FixedPriority => task.urgency,
                    Rule::EarliestDeadline => job.arrival + task.deadline,
                };
                (first, job.arrival, job.task)
            };
            let ready = (0..jobs.len()).filter(|index| jobs[*index].released <= now);
            running = ready.min_by_key(|index| key(&jobs[*index]));
        }
        let Some(index) = running else { continue };
        let job = &mut jobs[index];
        let segments = &system.tasks[job.task].segments;
        job.done += 1;
        if job.done == segments[job.segment] {
            (job.done, job.segment, running) = (0, job.segment + 1, None);
        }
        if job.segment == segments.len() {
            let job = jobs.swap_remove(index);
            longest[job.task] = longest[job.task].max(now + 1 - job.arrival);
        }
    }
    longest
}

fn arrivals(system: &System) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut drawn = system.seed;
    let mut draw = |bound: u64| {
        // A linear congruential generator: Knuth, MMIX.
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if bound == 0 { 0 } else { (drawn >> 33) % (bound + 1) }
    };
    for (task, sketch) in system.tasks.iter().enumerate() {
        let mut arrival = sketch.offset;
        let mut is_first = true;
        while arrival < HORIZON {
            let jitter = match (system.is_tight, is_first) {
                (true, true) => sketch.jitter,
                (true, false) => 0,
                (false, _) => draw(sketch.jitter),
            };
            jobs.push(Job { task, arrival, released: arrival + jitter, done: 0, segment: 0 });
            is_first = false;
            let pause = if system.is_tight || draw(3) > 0 { 0 } else { draw(sketch.period) };
            arrival += sketch.period + pause;
        }
    }
    jobs
}
