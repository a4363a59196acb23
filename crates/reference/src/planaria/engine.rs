//! The loop: decide, let all jobs go on to the next end or arrival and then to their tile ends, until all have ended.
//!
//! One accelerator, whose subarrays are divided anew at every decision. Time is whole cycles. A decision is taken at the
//! barrier, where the last job has reached its tile end; the others wait for it (quirk 17).

use super::case::{Case, Job};
use super::decision::{Candidate, Decision, Rules};
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
    /// The job, by its position in the case.
    pub job: usize,
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
    /// The job, by its position in the case.
    pub job: usize,
    /// Subarrays that it got; less than none, by quirk 16, acts as none.
    pub subarrays: i64,
    /// The least number with which it is in time by its estimate; none where it is late on any.
    pub min_in_time: Option<u32>,
    /// The layer that it was in.
    pub layer: usize,
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
        let decision = state.decide()?;
        state.step(&decision)?;
    }
    Ok(Outcome { ends: state.ends, timeline: state.timeline, fired: state.fired })
}

/// A job that is there.
struct Present {
    job: usize,
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
        if let Some(job) = self.pending.next() {
            let place = self.networks[self.case.jobs()[job].model.index()].start();
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
        &self.case.jobs()[present.job]
    }

    fn network(&self, present: &Present) -> &Network<'c> {
        &self.networks[self.job(present).model.index()]
    }

    fn candidate(&self, present: &Present) -> Result<Candidate, PlanariaError> {
        let (job, network) = (self.job(present), self.network(present));
        let left = |position| network.left(&present.place, position, self.fixes);
        Ok(Candidate {
            number: job.number,
            priority: job.priority,
            slack_cycles: self.case.relative_deadline_cycles(job) - (present.clock - present.arrival) as f64,
            left_cycles: (0..self.case.subarrays() as usize).map(left).collect::<Result<_, _>>()?,
        })
    }

    /// Decides, and keeps what was decided.
    fn decide(&mut self) -> Result<Decision, PlanariaError> {
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
            layer: present.place.layer,
            fraction: self.network(present).fraction(&present.place, self.fixes),
            slack_cycles: candidates[index].slack_cycles,
            left_cycles: position(decision.allocation[index])
                .map(|position| candidates[index].left_cycles[position]),
        };
        let jobs = self.queue.iter().enumerate().map(entry).collect();
        self.timeline.push(Entry { cycle: self.now, fits: decision.fits, jobs });
        Ok(decision)
    }

    /// Lets all jobs go on to the next end or arrival, and then to the barrier.
    fn step(&mut self, decision: &Decision) -> Result<(), PlanariaError> {
        let left: Vec<Option<i64>> = self
            .timeline
            .last()
            .map_or_else(Vec::new, |entry| entry.jobs.iter().map(|job| job.left_cycles).collect());
        let first_end = left.iter().flatten().copied().min();
        let arrival = self.next_arrival().map(|arrival| arrival - self.now);
        let Some(cycles) = [first_end, arrival].into_iter().flatten().min() else {
            return Err(self.stopped(self.nothing_goes_on(decision)));
        };
        // An end and an arrival at the same time count as an end.
        let is_end = first_end == Some(cycles);
        let steps = self.steps(decision, cycles)?;
        let barrier = steps.iter().map(|step| step.used).max().unwrap_or(self.last_step);
        if !self.fixes.overlapping_events {
            self.check_overlap(is_end, barrier, first_end, arrival)?;
        }
        if !is_end {
            self.fired.past_arrivals +=
                u64::from(arrival.is_some_and(|arrival| arrival <= 0) && !left.is_empty());
        }
        self.fired.undone += steps.iter().filter(|step| step.undoes).count() as u64;
        self.fired.undone += u64::from(barrier < 0 && !steps.is_empty());
        let old_now = self.now;
        self.now = sum(self.now, barrier)?;
        self.last_step = barrier;
        let was_empty = self.queue.is_empty();
        let first = left.iter().position(|left| is_end && *left == first_end);
        let ended: Vec<bool> = (0..steps.len())
            .map(|index| {
                let is_done = left[index].is_some_and(|left| steps[index].used >= left);
                first == Some(index) || (self.fixes.all_ends && is_done)
            })
            .collect();
        self.apply(steps, barrier, &ended, &left)?;
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
    fn nothing_goes_on(&self, decision: &Decision) -> Stop {
        let negative = self.queue.iter().zip(&decision.allocation).find(|(_, subarrays)| **subarrays < 0);
        negative.map_or(Stop::AllIdle, |(present, subarrays)| Stop::Negative {
            number: self.job(present).number,
            subarrays: *subarrays,
        })
    }

    /// Lets each job go on for some cycles.
    fn steps(&mut self, decision: &Decision, cycles: i64) -> Result<Vec<Step>, PlanariaError> {
        let stay = |present: &Present, used| Step { used, place: present.place.clone(), undoes: false };
        let mut steps = Vec::with_capacity(self.queue.len());
        let mut excess = 0;
        for (present, subarrays) in self.queue.iter().zip(&decision.allocation) {
            let network = self.network(present);
            steps.push(match position(*subarrays) {
                _ if cycles < 0 && self.fixes.no_undoing => stay(present, 0),
                None => stay(present, cycles),
                Some(position) => {
                    excess += u64::from(network.has_excess(&present.place, position, self.fixes));
                    network.advance(&present.place, position, cycles, self.fixes)?
                }
            });
        }
        self.fired.excess += excess;
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

    /// Takes the steps, and the jobs that have ended out of the queue.
    fn apply(
        &mut self,
        steps: Vec<Step>,
        barrier: i64,
        ended: &[bool],
        left: &[Option<i64>],
    ) -> Result<(), PlanariaError> {
        let first_end = self.ends.len();
        let mut queue = Vec::with_capacity(self.queue.len());
        for (index, (mut present, step)) in std::mem::take(&mut self.queue).into_iter().zip(steps).enumerate()
        {
            // A job ends with its last tile, which is not before the decision.
            let own_end = left[index].unwrap_or(0).max(0);
            if ended[index] {
                // Quirk 1.
                self.fired.late_ends += u64::from(!self.fixes.own_ends && barrier != own_end);
                let after = if self.fixes.own_ends { own_end } else { barrier };
                self.ends.push(End { job: present.job, finish_cycle: sum(present.clock, after)? });
                continue;
            }
            present.clock = sum(present.clock, barrier)?;
            present.place = step.place;
            queue.push(present);
        }
        self.queue = queue;
        let jobs = self.case.jobs();
        self.ends[first_end..].sort_by_key(|end| (end.finish_cycle, jobs[end.job].number));
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
