//! Exploration of job sets: every order in which jobs can start, and the instants at which they then do.
//!
//! Jobs are not preempted; a processor never idles while a job waits; the first job in the order of the set starts
//! first, releases of an instant before its starts. A late job goes on. A node of the schedule-abstraction graph is a
//! set of jobs that were started, with the ranges of the instants at which processors become free; an edge starts one
//! job more. Nodes of the same jobs whose ranges overlap are one.
//!
//! On one processor the results are exact over all whole arrivals and times: each instant of a range is reached, and
//! what is still to come depends on that instant alone, as what is not known yet of an arrival is whether it lies
//! before or after. Source: M. Nasri, B. B. Brandenburg, "An Exact and Sustainable Analysis of Non-Preemptive
//! Scheduling", RTSS 2017, sections III and IV. On several identical processors ranges of one node are independent of
//! each other, and what they allow together may not happen: bounds are safe. Source: M. Nasri, G. Nelissen, B. B.
//! Brandenburg, "A Response-Time Analysis for Non-Preemptive Job Sets under Global Scheduling", ECRTS 2018, section 4;
//! the same without precedence in "Response-Time Analysis of Limited-Preemptive Parallel DAG Tasks Under Global
//! Scheduling", ECRTS 2019.
//!
//! Time: a state costs a look at the jobs that may be released by the time that a processor is surely free. Memory:
//! the nodes of two numbers of jobs.

mod done;
mod states;

use std::collections::BTreeMap;

use rtmm_workload::{Duration, Time};

use crate::interval::Interval;
use crate::job_set::{Job, JobOrder, JobSet, Processors};
use crate::method::{Claim, Method};
use done::Done;
use states::States;

pub(crate) const ON_ONE_PROCESSOR: Method = Method {
    name: "job-set-on-one-processor",
    summary: "jobs with ranges of arrivals and times, not preempted, by priority or deadline",
    claim: Claim::Exact,
    theorem: "Nasri and Brandenburg, RTSS 2017: the schedule-abstraction graph holds all schedules, and no others",
};

pub(crate) const ON_SEVERAL_PROCESSORS: Method = Method {
    name: "job-set-on-identical-processors",
    summary: "the same on several identical processors",
    claim: Claim::Safe,
    theorem: "Nasri, Nelissen and Brandenburg, ECRTS 2018: the schedule-abstraction graph holds all schedules",
};

/// Limits of an exploration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most states in all; beyond that the results are unknown.
    pub states: u64,
    /// The most states of the same jobs on several processors; beyond that the nearest become one, which is safe and
    /// wider. On one processor, where results are exact, nothing is joined that does not overlap.
    pub states_of_a_set: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { states: 10_000_000, states_of_a_set: 64 }
    }
}

/// Best and worst case of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobBounds {
    /// The instants of its completion.
    pub completion: Interval<Time>,
    /// The same, counted from its first possible arrival.
    pub response: Interval<Duration>,
    /// True if it is always complete by its deadline.
    pub is_in_time: bool,
}

/// Results of an exploration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// Bounds of every job, in the order of the set; none if the exploration stopped at its limit.
    pub bounds: Option<Vec<JobBounds>>,
    /// The method that found them.
    pub method: Method,
    /// States that were visited; where the exploration stopped, those that were met.
    pub states: u64,
    /// The most states of one number of jobs.
    pub width: u64,
}

impl Explored {
    /// True if every job is always in time; none where that is not known.
    ///
    /// On several processors `false` says that the bounds do not show it.
    #[must_use]
    pub fn schedulable(&self) -> Option<bool> {
        self.bounds.as_ref().map(|bounds| bounds.iter().all(|bounds| bounds.is_in_time))
    }
}

/// Bounds of the completions of a job set on identical processors.
#[must_use]
pub fn explore(set: &JobSet, order: JobOrder, processors: Processors, limits: &Limits) -> Explored {
    let mut graph = Graph::new(set, order, processors, limits);
    let bounds = graph.explore().then(|| graph.bounds(set));
    let Graph { states, width, .. } = graph;
    let method = if processors == Processors::ONE { ON_ONE_PROCESSOR } else { ON_SEVERAL_PROCESSORS };
    Explored { bounds, method, states, width }
}

/// A job as the exploration sees it.
#[derive(Clone, Copy)]
struct Node {
    arrival: Interval<u64>,
    cost: Interval<u64>,
    /// Position in the order of starts.
    rank: usize,
}

/// Nodes of one number of started jobs.
type Level = BTreeMap<Done, States>;

struct Graph {
    /// Jobs in the order of their first arrivals.
    jobs: Vec<Node>,
    /// Position of each job of the set among those.
    positions: Vec<usize>,
    /// Completions of each job, in the order of `jobs`, as far as they are known.
    completions: Vec<Option<Interval<u64>>>,
    processors: usize,
    limits: Limits,
    states: u64,
    width: u64,
    /// Jobs that may be the next, in the order of starts; kept to save memory.
    candidates: Vec<usize>,
    /// The state that a start leads to; kept to save memory.
    next: Vec<Interval<u64>>,
}

impl Graph {
    fn new(set: &JobSet, order: JobOrder, processors: Processors, limits: &Limits) -> Self {
        let count = set.jobs().len();
        let mut by_order: Vec<usize> = (0..count).collect();
        by_order.sort_by_key(|job| order.key(&set.jobs()[*job]));
        let mut ranks = vec![0; count];
        for (rank, job) in by_order.iter().enumerate() {
            ranks[*job] = rank;
        }
        // Jobs of one first arrival stand in the order of starts.
        let mut by_arrival = by_order;
        by_arrival.sort_by_key(|job| set.jobs()[*job].arrival.min);
        let mut positions = vec![0; count];
        for (position, job) in by_arrival.iter().enumerate() {
            positions[*job] = position;
        }
        let node = |job: &usize| {
            let Job { arrival, cost, .. } = set.jobs()[*job];
            Node {
                arrival: Interval { min: arrival.min.picoseconds(), max: arrival.max.picoseconds() },
                cost: Interval { min: cost.min.picoseconds(), max: cost.max.picoseconds() },
                rank: ranks[*job],
            }
        };
        // More processors than jobs are idle ones.
        let processors = processors.count().min(count);
        let most = if processors == 1 { usize::MAX } else { limits.states_of_a_set.max(1) };
        Self {
            jobs: by_arrival.iter().map(node).collect(),
            positions,
            completions: vec![None; count],
            processors,
            limits: Limits { states_of_a_set: most, ..*limits },
            states: 0,
            width: 0,
            candidates: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Visits all nodes; false if there are too many.
    fn explore(&mut self) -> bool {
        let mut level = Level::from([(Done::default(), States::idle(self.processors))]);
        for _ in 0..self.jobs.len() {
            let mut next = Level::new();
            let mut width = 0;
            for (done, states) in &level {
                width += states.len(self.processors) as u64;
                self.expand(done, states, &mut next);
                // Each node to come has a state at least.
                let states = self.states + width + next.len() as u64;
                if states > self.limits.states {
                    self.states = states;
                    return false;
                }
            }
            self.states += width;
            self.width = self.width.max(width);
            level = next;
        }
        true
    }

    /// Starts every job that can be the next after `done`.
    fn expand(&mut self, done: &Done, states: &States, level: &mut Level) {
        // The instant by which some job is surely released.
        let mut sure = u64::MAX;
        for job in done.rest(self.jobs.len()) {
            let arrival = self.jobs[job].arrival;
            if arrival.min > sure {
                break;
            }
            sure = sure.min(arrival.max);
        }
        for free in states.iter(self.processors) {
            // By then a processor is surely free, and some job surely waits: one starts.
            let latest = free[0].max.max(sure);
            self.candidates.clear();
            let rest = done.rest(self.jobs.len());
            self.candidates.extend(rest.take_while(|job| self.jobs[*job].arrival.min <= latest));
            self.candidates.sort_unstable_by_key(|job| self.jobs[*job].rank);
            // The instant by which some job that goes first is surely released.
            let mut first = u64::MAX;
            for &job in &self.candidates {
                if first <= free[0].min {
                    break;
                }
                let Node { arrival, cost, .. } = self.jobs[job];
                let start = Interval { min: free[0].min.max(arrival.min), max: latest.min(first - 1) };
                first = first.min(arrival.max);
                if start.min > start.max {
                    continue;
                }
                let end = Interval { min: start.min + cost.min, max: start.max + cost.max };
                let known = &mut self.completions[job];
                *known = Some(known.map_or(end, |known| known.hull(end)));
                after(free, start.min, end, &mut self.next);
                let states = level.entry(done.with(job)).or_default();
                states.add(&mut self.next, self.limits.states_of_a_set);
            }
        }
    }

    fn bounds(&self, set: &JobSet) -> Vec<JobBounds> {
        let bounds = set.jobs().iter().zip(&self.positions).filter_map(|(job, position)| {
            let ends = self.completions[*position]?;
            let completion =
                Interval { min: Time::from_picoseconds(ends.min), max: Time::from_picoseconds(ends.max) };
            let response = Interval {
                min: completion.min.saturating_since(job.arrival.min),
                max: completion.max.saturating_since(job.arrival.min),
            };
            Some(JobBounds { completion, response, is_in_time: completion.max <= job.deadline })
        });
        bounds.collect()
    }
}

/// When processors are free after one job more was started: not before it started, and one of them when it ends.
fn after(free: &[Interval<u64>], start: u64, end: Interval<u64>, next: &mut Vec<Interval<u64>>) {
    next.clear();
    next.extend(
        free.iter().skip(1).map(|range| Interval { min: range.min.max(start), max: range.max.max(start) }),
    );
    // Of each end by itself: the ranges are of numbers of free processors, not of processors.
    let (mut earliest, mut latest) = (end.min, end.max);
    for range in next.iter_mut() {
        if range.min > earliest {
            std::mem::swap(&mut range.min, &mut earliest);
        }
        if range.max > latest {
            std::mem::swap(&mut range.max, &mut latest);
        }
    }
    next.push(Interval { min: earliest, max: latest });
}
