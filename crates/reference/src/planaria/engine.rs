//! The loop: decide, let all jobs go on to the next end or arrival and then to their tile ends, until all have ended.
//!
//! One accelerator, whose subarrays are divided anew at every decision. Time is whole cycles. A decision is taken at the
//! barrier, where the last job has reached its tile end; the others wait for it (quirk 17).

use rtmm_workload::LayerId;

use super::case::{Case, Job, JobIndex};
use super::decision::{Candidate, Rules};
use super::error::{PlanariaError, Stop};
use super::fired::Fired;
use super::fixes::Fixes;
use super::step::{Network, Place, Step};
use crate::mersenne_twister::MersenneTwister;

/// Settings of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Quirks that are fixed.
    pub fixes: Fixes,
    /// Seed of the draw of quirk 10: what the program does after `random.seed` with this number. It seeds nothing itself,
    /// so that there no two runs need to be the same.
    pub seed: u64,
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The ends of the jobs, in order.
    pub ends: Vec<End>,
    /// All decisions, in order.
    pub timeline: Vec<Entry>,
    /// Counts of the quirks that fired.
    pub fired: Fired,
}

/// The end of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The job.
    pub job: JobIndex,
    /// End, in cycles.
    pub finish_cycle: i64,
}

/// A decision of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Instant at which it was taken, in cycles.
    pub cycle: i64,
    /// True where the least numbers of all jobs fit together.
    pub fits: bool,
    /// The jobs that were there, in the order of their arrivals.
    pub jobs: Vec<EntryJob>,
}

/// A job as a decision saw it, and its share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntryJob {
    /// The job.
    pub job: JobIndex,
    /// Subarrays that it got; less than none, by quirk 16, acts as none.
    pub subarrays: i64,
    /// The least number with which it is in time by its estimate; none where it is late on any.
    pub min_in_time: Option<u32>,
    /// The layer that it was in.
    pub layer: LayerId,
    /// The part of that layer that was done.
    pub fraction: f64,
    /// Cycles to its deadline.
    pub slack_cycles: f64,
    /// The estimate of what was left of it on the subarrays that it got, in cycles; none without subarrays.
    pub left_cycles: Option<i64>,
}

/// Runs a case.
///
/// # Errors
/// [`PlanariaError::Stopped`] where the program stops, unless the quirk is fixed; [`PlanariaError::TooManyCycles`] for
/// runs that 64 bits do not count.
pub fn run(case: &Case, parameters: &Parameters) -> Result<Outcome, PlanariaError> {
    let mut state = State::new(case, parameters);
    state.start()?;
    while !(state.queue.is_empty() && state.pending.is_empty()) {
        if state.queue.is_empty() && state.fixes.one_clock {
            state.wait_for_arrival();
            continue;
        }
        let entry = state.decide()?;
        state.step(&entry)?;
        state.timeline.push(entry);
    }
    Ok(Outcome { ends: state.ends, timeline: state.timeline, fired: state.fired })
}

/// A job that is there.
struct Present {
    job: JobIndex,
    arrival: i64,
    /// Its own clock, which differs from that of the run by quirk 15 alone.
    clock: i64,
    place: Place,
}

struct State<'c> {
    case: &'c Case,
    fixes: Fixes,
    networks: Vec<Network<'c>>,
    now: i64,
    /// Jobs that are there, in the order of their arrivals.
    queue: Vec<Present>,
    /// Jobs that are to arrive, by position, in the same order.
    pending: std::ops::Range<usize>,
    /// Length of the last step.
    last_step: i64,
    random: MersenneTwister,
    ends: Vec<End>,
    timeline: Vec<Entry>,
    fired: Fired,
}

fn difference(one: i64, other: i64) -> Result<i64, PlanariaError> {
    one.checked_sub(other).ok_or(PlanariaError::TooManyCycles)
}

fn sum(one: i64, other: i64) -> Result<i64, PlanariaError> {
    one.checked_add(other).ok_or(PlanariaError::TooManyCycles)
}

impl<'c> State<'c> {
    fn new(case: &'c Case, parameters: &Parameters) -> Self {
        Self {
            case,
            fixes: parameters.fixes,
            networks: case.models().iter().map(|model| Network::of(&model.layers)).collect(),
            now: 0,
            queue: Vec::new(),
            pending: 0..case.jobs().len(),
            last_step: 0,
            random: MersenneTwister::new(parameters.seed),
            ends: Vec::new(),
            timeline: Vec::new(),
            fired: Fired::default(),
        }
    }

    /// Takes in the first job.
    fn start(&mut self) -> Result<(), PlanariaError> {
        if self.fixes.stated_tasks {
            self.wait_for_arrival();
            return Ok(());
        }
        // Quirk 14.
        if let Some(stop) = same_key(self.case) {
            return Err(PlanariaError::Stopped { cycle: 0, stop });
        }
        self.join_at(0, 0);
        self.join_arrived();
        Ok(())
    }

    fn next_arrival(&self) -> Option<i64> {
        let next = self.case.jobs().get(self.pending.start);
        next.map(|job| job.arrival_cycle as i64)
    }

    /// Sets the clock to the next arrival, unless that is past.
    fn wait_for_arrival(&mut self) {
        self.now = self.next_arrival().map_or(self.now, |arrival| arrival.max(self.now));
        self.join_next();
        self.join_arrived();
    }

    /// The next job arrives, at its own arrival.
    fn join_next(&mut self) {
        if let Some(arrival) = self.next_arrival() {
            self.join_at(arrival, self.now);
        }
    }

    fn join_at(&mut self, arrival: i64, clock: i64) {
        if let Some(job) = self.pending.next().map(JobIndex::new) {
            let place = self.networks[self.case.job(job).model.index()].start();
            self.queue.push(Present { job, arrival, clock, place });
        }
    }

    /// Takes in all others that have arrived by now, unless by quirk 3 they wait for further decisions.
    fn join_arrived(&mut self) {
        while self.fixes.all_arrivals && self.next_arrival().is_some_and(|arrival| arrival <= self.now) {
            self.join_next();
        }
    }

    fn job(&self, present: &Present) -> &'c Job {
        self.case.job(present.job)
    }

    fn network(&self, present: &Present) -> &Network<'c> {
        &self.networks[self.job(present).model.index()]
    }

    fn candidate(&self, present: &Present) -> Result<Candidate, PlanariaError> {
        let (job, network) = (self.job(present), self.network(present));
        let left = |position| network.left(&present.place, position, self.fixes);
        let waited = difference(present.clock, present.arrival)?;
        Ok(Candidate {
            number: job.number,
            priority: job.priority,
            slack_cycles: self.case.relative_deadline_cycles(job) - waited as f64,
            left_cycles: (0..self.case.subarrays() as usize).map(left).collect::<Result<_, _>>()?,
        })
    }

    fn decide(&mut self) -> Result<Entry, PlanariaError> {
        let candidates: Vec<Candidate> =
            self.queue.iter().map(|present| self.candidate(present)).collect::<Result<_, _>>()?;
        let inexact = self.queue.iter().filter(|present| self.network(present).is_inexact(&present.place));
        if !self.fixes.exact_progress {
            self.fired.inexact += inexact.count() as u64;
        }
        self.fired.empty_queues += u64::from(candidates.is_empty());
        let mut rules = Rules {
            subarrays: self.case.subarrays(),
            fixes: self.fixes,
            random: &mut self.random,
            fired: &mut self.fired,
        };
        let stopped = |stop| PlanariaError::Stopped { cycle: self.now, stop };
        let decision = rules.decide(&candidates).map_err(stopped)?;
        let entry = |(index, present): (usize, &Present)| EntryJob {
            job: present.job,
            subarrays: decision.allocation[index],
            min_in_time: decision.min_in_time[index],
            layer: LayerId::new(present.place.layer),
            fraction: self.network(present).fraction(&present.place, self.fixes),
            slack_cycles: candidates[index].slack_cycles,
            left_cycles: position(decision.allocation[index])
                .map(|position| candidates[index].left_cycles[position]),
        };
        let jobs = self.queue.iter().enumerate().map(entry).collect();
        Ok(Entry { cycle: self.now, fits: decision.fits, jobs })
    }

    /// Lets all jobs go on to the next end or arrival, and then to the barrier.
    fn step(&mut self, entry: &Entry) -> Result<(), PlanariaError> {
        let first_end = entry.jobs.iter().filter_map(|job| job.left_cycles).min();
        let arrival = self.next_arrival().map(|arrival| difference(arrival, self.now)).transpose()?;
        let Some(cycles) = [first_end, arrival].into_iter().flatten().min() else {
            return Err(self.stopped(self.nothing_goes_on(entry)));
        };
        // An end and an arrival at the same time count as an end.
        let is_end = first_end == Some(cycles);
        let steps = self.steps(entry, cycles)?;
        let barrier = steps.iter().map(|step| step.used).max().unwrap_or(self.last_step);
        if !self.fixes.overlapping_events {
            self.check_overlap(is_end, barrier, first_end, arrival)?;
        }
        let was_empty = steps.is_empty();
        if !was_empty {
            self.fired.past_arrivals += u64::from(!is_end && arrival.is_some_and(|arrival| arrival <= 0));
            self.fired.undone += u64::from(barrier < 0);
        }
        let old_now = self.now;
        self.now = sum(self.now, barrier)?;
        self.last_step = barrier;
        self.apply(entry, steps, barrier, first_end.filter(|_| is_end))?;
        if was_empty {
            // Quirk 15: the job's own times are too late by the clock, and the clock goes on by what was last.
            let arrival = sum(self.next_arrival().unwrap_or(0), old_now)?;
            self.join_at(arrival, arrival);
        } else if !is_end && !self.fixes.all_arrivals {
            self.join_next();
        }
        self.join_arrived();
        Ok(())
    }

    fn stopped(&self, stop: Stop) -> PlanariaError {
        PlanariaError::Stopped { cycle: self.now, stop }
    }

    /// The reason for which no job goes on although none arrives.
    fn nothing_goes_on(&self, entry: &Entry) -> Stop {
        let negative = entry.jobs.iter().find(|job| job.subarrays < 0);
        negative.map_or(Stop::AllIdle, |job| Stop::Negative {
            number: self.case.job(job.job).number,
            subarrays: job.subarrays,
        })
    }

    /// Lets each job go on for some cycles.
    fn steps(&mut self, entry: &Entry, cycles: i64) -> Result<Vec<Step>, PlanariaError> {
        let stay = |present: &Present, used| Step { used, place: present.place.clone(), undoes: false };
        let mut steps = Vec::with_capacity(self.queue.len());
        let (mut excess, mut undone) = (0, 0);
        for (present, job) in self.queue.iter().zip(&entry.jobs) {
            let network = self.network(present);
            let step = match position(job.subarrays) {
                // Quirk 4.
                _ if cycles < 0 && self.fixes.no_undoing => stay(present, 0),
                None => stay(present, cycles),
                Some(position) => {
                    excess += u64::from(network.has_excess(&present.place, position, self.fixes));
                    network.advance(&present.place, position, cycles, self.fixes)?
                }
            };
            undone += u64::from(step.undoes);
            steps.push(step);
        }
        self.fired.excess += excess;
        self.fired.undone += undone;
        Ok(steps)
    }

    /// Quirk 11: the program asserts that the barrier comes before the other kind of event.
    fn check_overlap(
        &self,
        is_end: bool,
        barrier: i64,
        first_end: Option<i64>,
        arrival: Option<i64>,
    ) -> Result<(), PlanariaError> {
        let at = |cycles| sum(self.now, cycles);
        match (is_end, first_end, arrival) {
            (true, _, Some(arrival)) if barrier >= arrival => {
                let (barrier, arrival) = (at(barrier)?, at(arrival)?);
                Err(self.stopped(Stop::EndReachesArrival { barrier, arrival }))
            }
            (false, Some(end), _) if barrier >= end => {
                let (barrier, end) = (at(barrier)?, at(end)?);
                Err(self.stopped(Stop::ArrivalReachesEnd { barrier, end }))
            }
            _ => Ok(()),
        }
    }

    /// Takes the steps, and the jobs that have ended out of the queue: the first with `end` cycles left, if there is an end, and
    /// without quirk 2 all whose last tile has ended.
    fn apply(
        &mut self,
        entry: &Entry,
        steps: Vec<Step>,
        barrier: i64,
        end: Option<i64>,
    ) -> Result<(), PlanariaError> {
        let first = entry.jobs.iter().position(|job| end.is_some() && job.left_cycles == end);
        let ends_before = self.ends.len();
        let queue = std::mem::take(&mut self.queue);
        for (index, (mut present, step)) in queue.into_iter().zip(steps).enumerate() {
            let left = entry.jobs[index].left_cycles;
            let is_done = self.fixes.all_ends && left.is_some_and(|left| step.used >= left);
            if is_done || first == Some(index) {
                // Quirk 1. By quirk 6 less than nothing may be left of a job, which does not end before the decision.
                let own_end = left.unwrap_or(0).max(0);
                let after = if self.fixes.own_ends { own_end } else { barrier };
                self.fired.late_ends += u64::from(after != own_end);
                self.ends.push(End { job: present.job, finish_cycle: sum(present.clock, after)? });
                continue;
            }
            present.clock = sum(present.clock, barrier)?;
            present.place = step.place;
            self.queue.push(present);
        }
        self.ends[ends_before..].sort_by_key(|end| (end.finish_cycle, self.case.job(end.job).number));
        self.fired.waiting_finished += self.count_finished()?;
        Ok(())
    }

    /// Quirk 2: jobs that stay although nothing is left of them.
    fn count_finished(&self) -> Result<u64, PlanariaError> {
        let all = self.case.subarrays() as usize - 1;
        let mut finished = 0;
        for present in &self.queue {
            finished += u64::from(self.network(present).left(&present.place, all, self.fixes)? <= 0);
        }
        Ok(finished)
    }
}

/// The position of a number of subarrays in lists that begin with one subarray; none for no subarray, or less.
fn position(subarrays: i64) -> Option<usize> {
    usize::try_from(subarrays).ok()?.checked_sub(1)
}

/// Two jobs that the program takes for one: the first is called after its network, the others after network and number.
fn same_key(case: &Case) -> Option<Stop> {
    let mut keys = std::collections::BTreeMap::new();
    for (index, job) in case.jobs().iter().enumerate() {
        let name = &case.model_of(job).name;
        let key = if index == 0 { name.clone() } else { format!("{name}{}", job.number) };
        if let Some(first) = keys.insert(key, job.number) {
            return Some(Stop::SameKey { first, second: job.number });
        }
    }
    None
}
