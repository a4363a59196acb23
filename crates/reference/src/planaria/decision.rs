//! Decisions: how many subarrays each job gets.
//!
//! A job's least number is the smallest with which its estimate fits its slack; larger ones are not looked at again, even
//! where they are slower (quirk 13). If the least numbers of all jobs fit, each job gets its own and a share of what is
//! spare, by priority and work left. If they do not, jobs get theirs in the order of their scores until the subarrays are
//! used up, and jobs without a least number, which are late, get none (quirk 9). If all are late, all subarrays are shared
//! by how little is left.
//!
//! Doubles are computed in the program's order: sums from left to right, no operation fused.

use serde::Serialize;

use super::case::{MAX_PRIORITY, MAX_SUBARRAYS};
use super::error::{PlanariaError, Stop};
use super::fired::Fired;
use super::fixes::Fixes;
use crate::mersenne_twister::MersenneTwister;

/// A job as a decision knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The number by which errors name it.
    pub number: u32,
    /// Its priority, from 1 to 12.
    pub priority: u32,
    /// Cycles to its deadline; negative once that has passed.
    pub slack_cycles: f64,
    /// The estimate of all that is left of it, in cycles: on 1 subarray first, then on 2, up to all. In the program it may
    /// be 0 or negative, see quirks 2 and 6.
    pub left_cycles: Vec<i64>,
}

/// The outcome of a decision. Lists are in the order of the candidates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// True where the least numbers of all jobs fit together.
    pub fits: bool,
    /// Subarrays of each job; negative ones, which quirk 16 leads to, act as 0.
    pub allocation: Vec<i64>,
    /// The least number with which each is in time by its estimate; none where it is late on any.
    pub min_in_time: Vec<Option<u32>>,
}

/// The decision of the policy as it is meant, without a defect of the program: `jobs` in the order of their arrivals share
/// `subarrays`. The allocations add up to `subarrays`.
///
/// # Errors
/// [`PlanariaError::OutOfRange`] for numbers outside of their ranges: subarrays, priorities, a slack that is not finite, as
/// many estimates as subarrays, each above 0. [`PlanariaError::NoJobs`] without any job.
pub fn decide(jobs: &[Candidate], subarrays: u32) -> Result<Decision, PlanariaError> {
    let in_range = |what: &'static str, is_in_range: bool| {
        if is_in_range { Ok(()) } else { Err(PlanariaError::OutOfRange { what }) }
    };
    in_range("number of subarrays", (1..=MAX_SUBARRAYS).contains(&subarrays))?;
    if jobs.is_empty() {
        return Err(PlanariaError::NoJobs);
    }
    for job in jobs {
        in_range("priority", (1..=MAX_PRIORITY).contains(&job.priority))?;
        in_range("slack", job.slack_cycles.is_finite())?;
        let is_whole = job.left_cycles.len() == subarrays as usize;
        in_range("list of estimates", is_whole && job.left_cycles.iter().all(|cycles| *cycles > 0))?;
    }
    let (mut random, mut fired) = (MersenneTwister::new(0), Fired::default());
    let mut rules = Rules { subarrays, fixes: Fixes::all(), random: &mut random, fired: &mut fired };
    rules.decide(jobs).map_err(|stop| PlanariaError::Stopped { cycle: 0, stop })
}

impl Candidate {
    fn is_in_time_on(&self, subarrays: u32) -> bool {
        self.left_on(subarrays) as f64 <= self.slack_cycles
    }

    /// The estimate on a number of subarrays, which must be one that there is.
    fn left_on(&self, subarrays: u32) -> i64 {
        self.left_cycles[subarrays as usize - 1]
    }

    fn min_in_time(&self) -> Option<u32> {
        (1..=self.left_cycles.len() as u32).find(|subarrays| self.is_in_time_on(*subarrays))
    }

    /// The score of a job that is late on any number of subarrays.
    fn late_score(&self, all: u32) -> f64 {
        let priority = f64::from(self.priority);
        match self.left_on(all) {
            left @ 1.. => -priority / left as f64,
            _ => -priority,
        }
    }
}

/// The subarrays that are shared, and by which rules.
pub(super) struct Rules<'r> {
    pub subarrays: u32,
    pub fixes: Fixes,
    pub random: &'r mut MersenneTwister,
    pub fired: &'r mut Fired,
}

impl Rules<'_> {
    /// Subarrays for each job; without jobs, all of them fit.
    pub(super) fn decide(&mut self, jobs: &[Candidate]) -> Result<Decision, Stop> {
        let min_in_time: Vec<Option<u32>> = jobs.iter().map(Candidate::min_in_time).collect();
        let needed: Option<u64> = min_in_time.iter().map(|least| least.map(u64::from)).sum();
        let fits = needed.is_some_and(|needed| needed <= self.subarrays.into());
        let allocation = match needed {
            _ if jobs.is_empty() => Vec::new(),
            Some(_) if fits => self.all_fit(jobs, &min_in_time)?,
            None if min_in_time.iter().all(Option::is_none) => self.all_late(jobs),
            _ => self.some_fit(jobs, &min_in_time)?,
        };
        for (job, subarrays) in jobs.iter().zip(&allocation) {
            self.count(job, *subarrays, fits);
            if *subarrays > self.subarrays.into() {
                return Err(Stop::TooManySubarrays { number: job.number, subarrays: *subarrays });
            }
        }
        Ok(Decision { fits, allocation, min_in_time })
    }

    fn count(&mut self, job: &Candidate, subarrays: i64, fits: bool) {
        let is_unfinished = job.left_on(self.subarrays) > 0;
        self.fired.starved += u64::from(!fits && subarrays <= 0 && is_unfinished);
        let on = u32::try_from(subarrays).ok().filter(|on| (1..=self.subarrays).contains(on));
        self.fired.slowed += u64::from(fits && on.is_some_and(|on| !job.is_in_time_on(on)));
    }

    /// Each job gets its least number, and shares what is spare by priority and work left.
    fn all_fit(&mut self, jobs: &[Candidate], least: &[Option<u32>]) -> Result<Vec<i64>, Stop> {
        let mut allocation: Vec<i64> = least.iter().map(|least| least.map_or(0, i64::from)).collect();
        let spare = i64::from(self.subarrays) - allocation.iter().sum::<i64>();
        let score = |(job, least): (&Candidate, &Option<u32>)| match least.map_or(0, |on| job.left_on(on)) {
            0 => 0.0,
            left => f64::from(job.priority) / left as f64,
        };
        let scores: Vec<f64> = jobs.iter().zip(least).map(score).collect();
        let total = scores.iter().fold(0.0, |total, score| total + score);
        // Quirk 12: all jobs are finished, or by quirk 6 their scores cancel.
        if total == 0.0 && !self.fixes.zero_scores {
            return Err(Stop::NoScores);
        }
        for (subarrays, score) in allocation.iter_mut().zip(&scores) {
            *subarrays += self.share(*score, total, spare);
        }
        self.settle(jobs, least, &mut allocation)?;
        Ok(allocation)
    }

    /// Jobs get their least numbers in the order of their scores, as long as there are subarrays.
    fn some_fit(&mut self, jobs: &[Candidate], least: &[Option<u32>]) -> Result<Vec<i64>, Stop> {
        let mut scores = Vec::with_capacity(jobs.len());
        for (job, least) in jobs.iter().zip(least) {
            scores.push(match least {
                Some(least) => self.in_time_score(job, *least)?,
                None => job.late_score(self.subarrays),
            });
        }
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
        let mut allocation = vec![0; jobs.len()];
        let mut available = i64::from(self.subarrays);
        for &job in &order {
            let wanted = least[job].map_or(0, i64::from);
            // Quirk 9: the first job that does not fit any more gets what is left.
            allocation[job] = wanted.min(available);
            available -= allocation[job];
            self.fired.short += u64::from(allocation[job] < wanted);
        }
        let positive = || order.iter().copied().filter(|job| scores[*job] >= 0.0);
        let total = positive().fold(0.0, |total, job| total + scores[job]);
        for job in positive() {
            allocation[job] += self.share(scores[job], total, available);
        }
        self.settle(jobs, least, &mut allocation)?;
        Ok(allocation)
    }

    /// The score of a job that could be in time.
    fn in_time_score(&mut self, job: &Candidate, least: u32) -> Result<f64, Stop> {
        if job.left_on(least) <= 0 {
            // Quirk 7: the program's test for a finished job never holds.
            if self.fixes.finished_scores {
                return Ok(0.0);
            }
            self.fired.finished_scores += 1;
        }
        if job.slack_cycles == 0.0 {
            // Quirk 12.
            let stop = Stop::NoSlack { number: job.number };
            return if self.fixes.zero_scores { Ok(0.0) } else { Err(stop) };
        }
        Ok((f64::from(job.priority) * (1.0 / job.slack_cycles)) * (1.0 / f64::from(least)))
    }

    /// All subarrays are shared by how little is left of the jobs, the one with least first.
    fn all_late(&mut self, jobs: &[Candidate]) -> Vec<i64> {
        let scores: Vec<f64> = jobs.iter().map(|job| job.late_score(self.subarrays)).collect();
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by(|one, other| scores[*one].total_cmp(&scores[*other]));
        let total = order.iter().fold(0.0, |total, job| total + scores[*job]).abs();
        let mut allocation = vec![0; jobs.len()];
        let mut available = i64::from(self.subarrays);
        for &job in &order {
            allocation[job] = rounded((scores[job] / total).abs() * f64::from(self.subarrays)).min(available);
            available -= allocation[job];
        }
        if !self.fixes.shared_rest {
            // Quirk 8.
            self.fired.idle_rests += u64::from(available > 0);
            return allocation;
        }
        for &job in order.iter().cycle().take(usize::try_from(available).unwrap_or(0)) {
            allocation[job] += 1;
        }
        allocation
    }

    /// The part of what is spare that a score stands for.
    fn share(&self, score: f64, total: f64, spare: i64) -> i64 {
        if total == 0.0 {
            return 0;
        }
        let share = rounded((score / total) * spare as f64);
        // Quirk 16: with negative scores among them, parts may be of any size.
        if self.fixes.bounded_shares { share.clamp(0, spare) } else { share }
    }

    /// Compensates the rounding of shares.
    fn settle(
        &mut self,
        jobs: &[Candidate],
        least: &[Option<u32>],
        allocation: &mut [i64],
    ) -> Result<(), Stop> {
        let all = i64::from(self.subarrays);
        let used = |allocation: &[i64]| allocation.iter().fold(0, |sum: i64, next| sum.saturating_add(*next));
        if used(allocation) < all {
            self.fired.topped_up += 1;
            self.top_up(jobs, least, allocation);
            return Ok(());
        }
        if used(allocation) == all {
            return Ok(());
        }
        self.fired.taken_back += 1;
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by_key(|job| jobs[*job].priority);
        loop {
            let before = used(allocation);
            for &job in &order {
                if least[job].is_some_and(|least| allocation[job] > least.into()) {
                    allocation[job] -= 1;
                }
                if used(allocation) == all {
                    return Ok(());
                }
            }
            // One pass is enough unless scores are negative.
            if !self.fixes.bounded_shares || used(allocation) == before {
                return Err(Stop::NotTakenBack { subarrays: used(allocation) });
            }
        }
    }

    /// Hands what is left to the jobs of the highest priority, late and finished ones among them.
    fn top_up(&mut self, jobs: &[Candidate], least: &[Option<u32>], allocation: &mut [i64]) {
        let highest = jobs.iter().map(|job| job.priority).max();
        let top: Vec<usize> = (0..jobs.len()).filter(|job| Some(jobs[*job].priority) == highest).collect();
        let left = i64::from(self.subarrays) - allocation.iter().sum::<i64>();
        let (each, rest) = (left / top.len() as i64, left % top.len() as i64);
        for &job in &top {
            allocation[job] += each;
            let is_late_or_finished = least[job].is_none_or(|on| jobs[job].left_on(on) <= 0);
            self.fired.spare_to_late += u64::from(is_late_or_finished);
        }
        if rest == 0 {
            return;
        }
        if self.fixes.ordered_rest {
            for &job in top.iter().take(rest as usize) {
                allocation[job] += 1;
            }
        } else {
            // Quirk 10: the program draws by `random.choice`, and seeds nothing.
            self.fired.draws += 1;
            allocation[top[self.random.below(top.len() as u32) as usize]] += rest;
        }
    }
}

/// The nearest whole number, halves to even.
fn rounded(value: f64) -> i64 {
    value.round_ties_even() as i64
}
