//! Scoring terms: the arithmetic that policies share, as pure functions of times.
//!
//! Times are whole picoseconds. Terms that can fall below zero are signed and 128 bits wide, so that
//! no difference of two instants can overflow.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

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

/// True if a deadline has passed. A job that completes at its deadline is in time.
#[must_use]
pub fn is_late(deadline: Time, now: Time) -> bool {
    now > deadline
}

/// True if the remaining latency fits before the deadline if it begins now and is never interrupted.
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
/// A quotient by 0 is infinite otherwise.
#[must_use]
pub fn ratio(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { part / whole }
}

/// The greatest [`ratio`] of a part to a whole, each within a range: without end where the whole may be 0.
#[must_use]
pub fn greatest_ratio(part: RangeInclusive<f64>, whole: RangeInclusive<f64>) -> f64 {
    if *part.start() == 0.0 && *part.end() == 0.0 {
        return 0.0;
    }
    if *whole.start() <= 0.0 && *whole.end() >= 0.0 {
        return f64::INFINITY;
    }
    let at = |part: &f64, whole: &f64| ratio(*part, *whole);
    let (low, high) = (whole.start(), whole.end());
    let of_least = at(part.start(), low).max(at(part.start(), high));
    of_least.max(at(part.end(), low)).max(at(part.end(), high))
}

/// Remaining latency of a job over the time that it has, `ToGo / Slack` in the words of DREAM, whose slack is
/// `deadline - now`: 1 where it must run without a break from now on. `late` says what it is once that time
/// is over.
///
/// Source: Kim et al., *DREAM: A Dynamic Scheduler for Dynamic Real-time Multi-model ML Workloads*, ASPLOS
/// 2023; the cap is that of the form in Fan et al., *Sparse-DySta*, MICRO 2023.
#[must_use]
pub fn urgency(to_go_s: f64, time_left_s: f64, cap: f64, late: LateUrgency) -> f64 {
    if time_left_s > 0.0 {
        return ratio(to_go_s, time_left_s).min(cap);
    }
    match late {
        LateUrgency::Negative => ratio(to_go_s, time_left_s).min(cap),
        LateUrgency::Zero => 0.0,
        LateUrgency::Greatest => cap,
    }
}

/// The greatest [`urgency`] of jobs whose remaining latencies and whose times to the deadline are within ranges.
#[must_use]
pub fn greatest_urgency(
    to_go_s: RangeInclusive<f64>,
    time_left_s: RangeInclusive<f64>,
    cap: f64,
    late: LateUrgency,
) -> f64 {
    let is_late = *time_left_s.end() <= 0.0;
    match late {
        LateUrgency::Zero if is_late => 0.0,
        LateUrgency::Greatest if *time_left_s.start() <= 0.0 => cap,
        // Where the time left may be 0, the cap.
        LateUrgency::Negative | LateUrgency::Zero | LateUrgency::Greatest => {
            greatest_ratio(to_go_s, time_left_s).min(cap)
        }
    }
}

/// The [`urgency`] of a job whose deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateUrgency {
    /// The quotient as it is: below zero, and the lower the shorter it is late.
    Negative,
    /// None: whatever comes of it is late.
    Zero,
    /// The cap: it comes before all that are in time.
    Greatest,
}

/// Preference of a layer for an accelerator over all of them together: the sum over accelerators
/// of its latency, or of its energy, over its own here. The number of accelerators where all are alike.
///
/// Source: Kim et al., DREAM, ASPLOS 2023.
#[must_use]
pub fn preference(sum: f64, here: f64) -> f64 {
    ratio(sum, here)
}

/// The time that a job has waited, in latencies of its next layer.
///
/// Source: Kim et al., DREAM, ASPLOS 2023; fairness in its first version, SDRM3.
#[must_use]
pub fn starvation(waited_s: f64, next_layer_s: f64) -> f64 {
    ratio(waited_s, next_layer_s)
}

/// The energy of turning to a job's model, in energies of its next layer.
///
/// Source: Kim et al., DREAM, ASPLOS 2023; what it is divided by is this project's reading.
#[must_use]
pub fn switch_cost(switch_pj: f64, layer_pj: f64) -> f64 {
    ratio(switch_pj, layer_pj)
}

/// The time that a decision takes: `base + per_job * jobs`; stays at the longest span rather than
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
    fn urgency_grows_to_its_cap_and_changes_when_it_is_late() {
        use LateUrgency::{Greatest, Negative, Zero};
        for (to_go_s, time_left_s, cap, late, expected) in [
            (2.0, 8.0, 1.0, Negative, 0.25),
            (2.0, 1.0, 1.0, Negative, 1.0),
            (2.0, 1.0, 3.0, Negative, 2.0),
            (2.0, -4.0, 1.0, Negative, -0.5),
            (2.0, -1.0, 1.0, Negative, -2.0),
            (2.0, -4.0, 1.0, Zero, 0.0),
            (2.0, -4.0, 3.0, Greatest, 3.0),
            (2.0, 0.0, 3.0, Zero, 0.0),
            (2.0, 0.0, 3.0, Negative, 3.0),
            (0.0, 0.0, 3.0, Negative, 0.0),
        ] {
            assert_eq!(urgency(to_go_s, time_left_s, cap, late), expected, "{to_go_s} / {time_left_s}");
        }
    }

    #[test]
    fn preferences_compare_an_accelerator_with_all() {
        // 2 s here and 6 s there; alike on three; the accelerator that takes nothing.
        assert_eq!((preference(8.0, 2.0), preference(8.0, 6.0)), (4.0, 8.0 / 6.0));
        assert_eq!(preference(3.0 * 0.7, 0.7), 3.0 * 0.7 / 0.7);
        assert_eq!((preference(0.0, 0.0), preference(1.0, 0.0)), (0.0, f64::INFINITY));
        assert_eq!((starvation(6.0, 4.0), starvation(0.0, 0.0)), (1.5, 0.0));
        assert_eq!((switch_cost(10.0, 40.0), switch_cost(0.0, 0.0)), (0.25, 0.0));
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

    #[test]
    fn the_greatest_ratio_of_two_ranges_is_at_one_of_their_ends() {
        for (part, whole, expected) in [
            ((0.0, 2.0), (1.0, 4.0), 2.0),
            ((0.0, 0.0), (0.0, 4.0), 0.0),
            ((1.0, 2.0), (0.0, 4.0), f64::INFINITY),
            // Below zero it is greatest over the greatest whole.
            ((-2.0, -1.0), (2.0, 4.0), -0.25),
            ((-2.0, 1.0), (2.0, 4.0), 0.5),
            ((-2.0, 1.0), (-4.0, -1.0), 2.0),
        ] {
            assert_eq!(
                greatest_ratio(part.0..=part.1, whole.0..=whole.1),
                expected,
                "{part:?} over {whole:?}"
            );
        }
    }
}
