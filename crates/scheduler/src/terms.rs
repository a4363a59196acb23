//! Scoring terms: the arithmetic that policies share, as pure functions of times.
//!
//! Times are whole picoseconds. Terms that can fall below zero are signed and 128 bits wide, so that
//! no difference of two instants can overflow.

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
