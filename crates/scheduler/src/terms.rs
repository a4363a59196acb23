//! Scoring terms: the arithmetic that policies share, as pure functions of times.
//!
//! Times are whole picoseconds. Terms that can fall below zero are signed and 128 bits wide, so that
//! no difference of two instants can overflow.

use std::cmp::Ordering;

use rtmm_workload::{Duration, Time};

/// Slack, also called laxity: how long a job can wait until it must run without a break,
/// `deadline - now - remaining`, in picoseconds. Below zero the deadline is out of reach.
///
/// Source: Mok, *Fundamental Design Problems of Distributed Systems for the Hard Real-Time
/// Environment*, MIT 1983, where it is called laxity.
#[must_use]
pub fn slack_ps(deadline: Time, now: Time, remaining: Duration) -> i128 {
    i128::from(deadline.picoseconds()) - i128::from(now.picoseconds()) - i128::from(remaining.picoseconds())
}

/// Whether a deadline has passed. A job that completes at its deadline is in time.
#[must_use]
pub fn is_late(deadline: Time, now: Time) -> bool {
    now > deadline
}

/// Whether what remains fits before the deadline if it begins now and is never interrupted.
#[must_use]
pub fn is_feasible(deadline: Time, now: Time, remaining: Duration) -> bool {
    slack_ps(deadline, now, remaining) >= 0
}

/// A score of real numbers as a key: orders as the numbers do, and in one total order in any case.
#[derive(Clone, Copy, Debug)]
pub struct Score(pub f64);

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Score {}

/// Time from now to a deadline, in seconds; below zero once it has passed.
#[must_use]
pub fn time_left_s(deadline: Time, now: Time) -> f64 {
    // Signed integers of 128 bits would hold the difference, and are slow to make a float of.
    let picoseconds = if deadline >= now {
        deadline.saturating_since(now).picoseconds() as f64
    } else {
        -(now.saturating_since(deadline).picoseconds() as f64)
    };
    picoseconds * 1e-12
}

/// A quotient of terms: 0 where the first is 0, whatever the second, so that no score is undefined.
/// What is divided by 0 otherwise is infinite.
#[must_use]
pub fn ratio(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { part / whole }
}

/// How long a decision takes: `base + per_job * jobs`; stays at the longest span rather than
/// wrapping.
#[must_use]
pub fn decision_time(base: Duration, per_job: Duration, jobs: usize) -> Duration {
    let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
    base.saturating_add(Duration::from_picoseconds(per_job.picoseconds().saturating_mul(jobs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(picoseconds: u64) -> Time {
        Time::from_picoseconds(picoseconds)
    }

    fn span(picoseconds: u64) -> Duration {
        Duration::from_picoseconds(picoseconds)
    }

    #[test]
    fn slack_falls_below_zero_and_never_wraps() {
        let cases = [
            (at(10), at(4), span(5), 1),
            (at(10), at(4), span(6), 0),
            (at(10), at(4), span(7), -1),
            (at(0), Time::MAX, Duration::MAX, -2 * i128::from(u64::MAX)),
            (Time::MAX, at(0), span(0), i128::from(u64::MAX)),
        ];
        for (deadline, now, remaining, expected) in cases {
            assert_eq!(slack_ps(deadline, now, remaining), expected);
            assert_eq!(is_feasible(deadline, now, remaining), expected >= 0);
        }
    }

    #[test]
    fn scores_are_in_one_order() {
        let mut scores = [2.0, f64::INFINITY, -1.0, 0.0, f64::NEG_INFINITY].map(Score);
        scores.sort();
        assert_eq!(scores.map(|score| score.0), [f64::NEG_INFINITY, -1.0, 0.0, 2.0, f64::INFINITY]);
        assert_eq!(Score(f64::NAN), Score(f64::NAN));
    }

    #[test]
    fn quotients_are_defined() {
        assert_eq!((ratio(1.0, 4.0), ratio(0.0, 0.0), ratio(1.0, 0.0)), (0.25, 0.0, f64::INFINITY));
        assert_eq!(time_left_s(at(1_500_000_000_000), at(500_000_000_000)), 1.0);
        assert_eq!(time_left_s(at(0), at(500_000_000_000)), -0.5);
    }

    #[test]
    fn the_deadline_itself_is_in_time() {
        assert!(!is_late(at(10), at(10)));
        assert!(is_late(at(10), at(11)));
    }

    #[test]
    fn decisions_take_a_base_and_a_part_a_job() {
        assert_eq!(decision_time(span(5), span(2), 3), span(11));
        assert_eq!(decision_time(span(5), Duration::ZERO, 3), span(5));
        assert_eq!(decision_time(span(5), Duration::MAX, 3), Duration::MAX);
    }
}
