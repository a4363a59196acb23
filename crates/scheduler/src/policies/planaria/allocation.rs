//! Planaria's allocation: how many units of an accelerator each of its jobs gets.
//!
//! Source: Ghodrati et al., *Planaria*, MICRO 2020, Section V, as its artifact's scheduler computes it, without the
//! defects of that program (`docs/models/planaria-reference.md` numbers them; no numbers of units are left idle, none are
//! drawn at random, and nothing divides by zero).
//!
//! ```text
//! least(j) = the fewest units with which estimate(j) <= slack(j); none where j is late with any
//! all fit  : the least numbers add up to at most all units
//!            each its least number, and a share of the rest by w(j) / estimate(j, least(j))
//! some fit : in the order of w(j) / slack(j) / least(j), largest first: each its least number as long as there are
//!            units, the first that does not fit what is left (quirk 9), late jobs none; shares of what is then spare by
//!            the same score
//! all late : shares of all units by w(j) / estimate(j, all), largest first; what rounding leaves over one each in that order
//! ```
//!
//! A share is rounded to the nearest whole number, halves to even. Of the first two, where shares add up to more than there
//! is, jobs give one back that have more than their least number, those of low priority first; where they add up
//! to less, the rest goes to the jobs of the highest priority in equal parts, late ones among them, and what
//! cannot be divided one each in their order. Units always add up to all.
//!
//! Estimates and slack are compared as integers. Scores are doubles, computed in the program's order: sums from left to
//! right, no operation fused. They are ratios of times, so that the unit of time is none of their business but for
//! rounding; a power of two times another unit changes no bit.

/// A job as an allocation sees it. Times are in any one unit, such as picoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    priority: i32,
    slack: i128,
    /// The fewest units with which it is in time by its estimate, with that estimate.
    least: Option<(u32, u64)>,
    on_all: u64,
}

impl Candidate {
    /// A job with a priority (larger is more important), the time from now to its deadline (below zero once that has
    /// passed), and the time that it is estimated to take yet: by number of units, ascending, the last with all units.
    pub fn new(priority: i32, slack: i128, estimates: impl IntoIterator<Item = (u32, u64)>) -> Self {
        let (mut least, mut on_all) = (None, 0);
        for (units, estimate) in estimates {
            // Larger numbers are not looked at again, even where they are slower (quirk 13).
            if least.is_none() && i128::from(estimate) <= slack {
                least = Some((units, estimate));
            }
            on_all = estimate;
        }
        Self { priority, slack, least, on_all }
    }

    /// The fewest units with which it is in time by its estimate; none where it is late with any.
    #[must_use]
    pub fn least_in_time(&self) -> Option<u32> {
        self.least.map(|(units, _)| units)
    }

    fn weight(&self) -> f64 {
        weight(self.priority)
    }

    /// The score where the least numbers of all jobs fit.
    fn score_where_all_fit(&self) -> f64 {
        match self.least {
            Some((_, estimate @ 1..)) => self.weight() / estimate as f64,
            _ => 0.0,
        }
    }

    /// The score where they do not fit: below zero for jobs that are late in any case.
    fn score(&self) -> f64 {
        match self.least {
            // Nothing is left of it.
            Some((_, 0)) => 0.0,
            // The estimate is above zero, and the slack no less.
            Some((units, _)) => (self.weight() * (1.0 / self.slack as f64)) * (1.0 / f64::from(units)),
            None if self.on_all > 0 => -self.weight() / self.on_all as f64,
            None => -self.weight(),
        }
    }
}

/// The weight of a priority. Planaria's are 1 to 12. Those that are not above 0 follow on below, in their order: 0 weighs a
/// half, -1 a third.
#[must_use]
pub fn weight(priority: i32) -> f64 {
    let priority = f64::from(priority);
    if priority > 0.0 { priority } else { 1.0 / (2.0 - priority) }
}

/// The outcome of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation<'a> {
    /// True where the least numbers of all jobs fit together.
    pub fits: bool,
    /// Units of each job, in the order of the candidates.
    pub units: &'a [u32],
}

/// Allocates units, with lists that are used again.
#[derive(Clone, Debug, Default)]
pub struct Allocator {
    units: Vec<u32>,
    scores: Vec<f64>,
    order: Vec<usize>,
}

impl Allocator {
    /// The allocation of all `all` units of an accelerator to `jobs`, which are in the order of their arrivals. Without jobs
    /// there is nothing to allocate, which fits.
    pub fn allocate(&mut self, jobs: &[Candidate], all: u32) -> Allocation<'_> {
        let needed: Option<u64> = jobs.iter().map(|job| job.least_in_time().map(u64::from)).sum();
        let fits = needed.is_some_and(|needed| needed <= all.into());
        self.units.clear();
        self.units.resize(jobs.len(), 0);
        if jobs.is_empty() {
            // Nothing to do.
        } else if fits {
            self.all_fit(jobs, all);
        } else if jobs.iter().all(|job| job.least.is_none()) {
            self.all_late(jobs, all);
        } else {
            self.some_fit(jobs, all);
        }
        Allocation { fits, units: &self.units }
    }

    fn all_fit(&mut self, jobs: &[Candidate], all: u32) {
        for (units, job) in self.units.iter_mut().zip(jobs) {
            *units = job.least_in_time().unwrap_or(0);
        }
        let spare = all.saturating_sub(self.used());
        self.scores.clear();
        self.scores.extend(jobs.iter().map(Candidate::score_where_all_fit));
        let total = self.scores.iter().fold(0.0, |total, score| total + score);
        for (units, score) in self.units.iter_mut().zip(&self.scores) {
            *units += share(*score, total, spare);
        }
        self.settle(jobs, all);
    }

    fn some_fit(&mut self, jobs: &[Candidate], all: u32) {
        self.scores.clear();
        self.scores.extend(jobs.iter().map(Candidate::score));
        self.sort_by_score(|one, other| other.total_cmp(&one));
        let mut spare = all;
        for &job in &self.order {
            let given = jobs[job].least_in_time().unwrap_or(0).min(spare);
            self.units[job] = given;
            spare -= given;
        }
        let shares = || self.order.iter().copied().filter(|job| self.scores[*job] >= 0.0);
        let total = shares().fold(0.0, |total, job| total + self.scores[job]);
        for job in shares() {
            self.units[job] += share(self.scores[job], total, spare);
        }
        self.settle(jobs, all);
    }

    fn all_late(&mut self, jobs: &[Candidate], all: u32) {
        self.scores.clear();
        self.scores.extend(jobs.iter().map(Candidate::score));
        self.sort_by_score(|one, other| one.total_cmp(&other));
        let total = self.order.iter().fold(0.0, |total, job| total + self.scores[*job]).abs();
        let mut spare = all;
        for &job in &self.order {
            let given = share((self.scores[job] / total).abs(), 1.0, all).min(spare);
            self.units[job] = given;
            spare -= given;
        }
        for &job in self.order.iter().cycle().take(spare as usize) {
            self.units[job] += 1;
        }
    }

    /// Corrects the sum for the rounding of shares.
    fn settle(&mut self, jobs: &[Candidate], all: u32) {
        let mut used = self.used();
        if used < all {
            self.top_up(jobs, all - used);
            return;
        }
        self.order.clear();
        self.order.extend(0..jobs.len());
        self.order.sort_unstable_by_key(|job| (jobs[*job].priority, *job));
        // There are no more units too many than units that jobs have beyond their least numbers.
        while used > all {
            let before = used;
            for &job in &self.order {
                if used > all && jobs[job].least.is_some_and(|(least, _)| self.units[job] > least) {
                    self.units[job] -= 1;
                    used -= 1;
                }
            }
            if used == before {
                break;
            }
        }
    }

    /// Hands what is left to the jobs of the highest priority.
    fn top_up(&mut self, jobs: &[Candidate], left: u32) {
        let highest = jobs.iter().map(|job| job.priority).max();
        let is_top = |job: &Candidate| Some(job.priority) == highest;
        let count = jobs.iter().filter(|job| is_top(job)).count() as u32;
        let (each, mut rest) = (left / count.max(1), left % count.max(1));
        for (units, _) in self.units.iter_mut().zip(jobs).filter(|(_, job)| is_top(job)) {
            let one_more = rest.min(1);
            *units += each + one_more;
            rest -= one_more;
        }
    }

    /// The last allocation in numbers that a run may have: `largest` is the largest of them that is at most another number,
    /// 0 where none is. Each job's is rounded down, but to no less than its least number where it had that; what is left over
    /// lets others have more again, jobs of high priority first. Without a number that no run may have nothing changes.
    pub fn in_stated_numbers(
        &mut self,
        jobs: &[Candidate],
        all: u32,
        largest: impl Fn(u32) -> u32,
    ) -> &[u32] {
        self.units.iter_mut().for_each(|units| *units = largest(*units));
        let mut left = all.saturating_sub(self.used());
        if left > 0 {
            self.order.clear();
            self.order.extend(0..jobs.len());
            self.order.sort_unstable_by_key(|job| (std::cmp::Reverse(jobs[*job].priority), *job));
            for &job in &self.order {
                let more = largest(self.units[job] + left);
                left -= more - self.units[job];
                self.units[job] = more;
            }
        }
        &self.units
    }

    fn used(&self) -> u32 {
        self.units.iter().sum()
    }

    /// Puts all jobs in an order of their scores, those with equal scores in their own.
    fn sort_by_score(&mut self, compare: impl Fn(f64, f64) -> std::cmp::Ordering) {
        let Self { scores, order, .. } = self;
        order.clear();
        order.extend(0..scores.len());
        order.sort_unstable_by(|one, other| compare(scores[*one], scores[*other]).then(one.cmp(other)));
    }
}

/// The part of what is spare that a score stands for, to the nearest whole number, halves to even.
fn share(score: f64, total: f64, spare: u32) -> u32 {
    if total == 0.0 {
        return 0;
    }
    let share = ((score / total) * f64::from(spare)).round_ties_even();
    // A conversion that goes to the nearest number within the bounds of its type.
    (share as u32).min(spare)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job with its slack, whose estimates fall from `work` on one unit as units grow.
    fn job(priority: i32, slack: i128, work: u64, all: u32) -> Candidate {
        Candidate::new(priority, slack, (1..=all).map(|units| (units, work.div_ceil(units.into()))))
    }

    #[track_caller]
    fn check(jobs: &[Candidate], all: u32, fits: bool, expected: &[u32]) {
        let mut allocator = Allocator::default();
        assert_eq!(allocator.allocate(jobs, all), Allocation { fits, units: expected }, "{jobs:?}");
        let is_used_up = expected.iter().sum::<u32>() == all;
        assert!(is_used_up || jobs.is_empty());
    }

    #[test]
    fn where_all_fit_spare_units_go_by_priority_and_work_left() {
        check(&[], 4, true, &[]);
        check(&[job(1, 1_000, 10, 16)], 16, true, &[16]);
        // One each, and of the other 14 parts by 1/120 and 3/120: 3.5 to 4, and 10.5 to 10.
        check(&[job(1, 120, 120, 16), job(3, 120, 120, 16)], 16, true, &[5, 11]);
        // Three and two at the least, parts of 11 by 1/40 and 1/60: 6.6 and 4.4.
        check(&[job(1, 40, 120, 16), job(1, 60, 120, 16)], 16, true, &[10, 6]);
        // Halves to even, all to 0: the three units left over go one each to the first of the highest priority.
        let alike = [job(2, 60, 60, 9); 6];
        check(&alike, 9, true, &[2, 2, 2, 1, 1, 1]);
        // 1.5 to 2 each: the first of the lowest priority gives one back.
        check(&[job(5, 60, 60, 5), job(5, 60, 60, 5)], 5, true, &[2, 3]);
        // A number that is larger and slower is not looked at.
        let slower = Candidate::new(1, 50, [(1, 40), (2, 90)]);
        assert_eq!(slower.least_in_time(), Some(1));
        check(&[slower], 2, true, &[2]);
    }

    #[test]
    fn where_some_fit_late_jobs_get_none_and_the_first_that_is_too_large_what_is_left() {
        // Six units each at the least, of ten; the more urgent one first.
        check(&[job(1, 20, 120, 10), job(2, 20, 120, 10)], 10, false, &[4, 6]);
        // The first is late with any number.
        check(&[job(9, 11, 120, 10), job(2, 60, 120, 10)], 10, false, &[0, 10]);
        // What rounding leaves over goes to the highest priority, though that is late: 3 of 7 by three equal scores are 2.33.
        let urgent = job(1, 120, 120, 10);
        check(&[job(9, 11, 120, 10), urgent, urgent, urgent], 10, false, &[1, 3, 3, 3]);
    }

    #[test]
    fn where_all_are_late_units_go_by_how_little_is_left() {
        // Scores of 1 and 3 parts; of 10 units 2.5 to 2 and 7.5 to 8.
        check(&[job(1, 0, 1_200, 10), job(3, -5, 1_200, 10)], 10, false, &[2, 8]);
        // 5.33 to 5 each, and one left over, for the first of the order.
        check(&[job(1, -1, 480, 16); 3], 16, false, &[6, 5, 5]);
        check(&[job(1, -1, 480, 2); 5], 2, false, &[1, 1, 0, 0, 0]);
    }

    #[test]
    fn priorities_below_one_keep_their_order() {
        assert_eq!([12, 1, 0, -1, -2].map(weight), [12.0, 1.0, 0.5, 1.0 / 3.0, 0.25]);
        assert!(weight(i32::MIN) > 0.0);
        // Equal priorities of any value are equal shares.
        for priority in [1, 0, -7] {
            check(&[job(priority, 400, 120, 16), job(priority, 400, 120, 16)], 16, true, &[8, 8]);
        }
    }

    #[test]
    fn jobs_of_which_nothing_is_left_divide_nothing_by_zero() {
        let done = |slack| Candidate::new(1, slack, [(1, 0), (2, 0)]);
        check(&[done(0), done(5)], 2, true, &[1, 1]);
        check(&[done(0), done(0), job(1, 9, 9, 2)], 2, false, &[1, 0, 1]);
        check(&[done(-1)], 2, false, &[2]);
    }

    #[test]
    fn numbers_that_no_run_may_have_are_rounded_down_and_the_rest_goes_to_high_priorities() {
        let mut allocator = Allocator::default();
        let powers = |units: u32| if units == 0 { 0 } else { 1 << units.ilog2() };
        let jobs = [job(1, 120, 120, 16), job(3, 120, 120, 16)];
        assert_eq!(allocator.allocate(&jobs, 16).units, [5, 11]);
        // 4 and 8; the four left over are too few for another 8.
        assert_eq!(allocator.in_stated_numbers(&jobs, 16, powers), [8, 8]);
        // All or nothing.
        allocator.allocate(&jobs, 16);
        let whole = |units: u32| if units < 16 { 0 } else { 16 };
        assert_eq!(allocator.in_stated_numbers(&jobs, 16, whole), [0, 16]);
    }
}
