//! Explorations of job sets against exhaustive ones, published ones, and ones worked out by hand.
//!
//! `RTMM_CASES` sets the number of random job sets of each test.

use std::num::NonZeroU32;

use proptest::prelude::*;
use proptest::test_runner::Config;
use rtmm_analysis::{Claim, Explored, JobOrder, JobSet, Limits, Processors, explore, read_job_set};
use rtmm_workload::input::Source;

use crate::exhaustive::{Completions, exhaustive};

const ORDERS: [JobOrder; 2] = [JobOrder::EarliestDeadline, JobOrder::FixedPriority];

pub(crate) fn config() -> Config {
    let cases = std::env::var("RTMM_CASES").ok().and_then(|cases| cases.parse().ok());
    Config { cases: cases.unwrap_or(128), failure_persistence: None, ..Config::default() }
}

fn processors(number: u32) -> Processors {
    Processors(NonZeroU32::new(number).unwrap())
}

/// A set of jobs: a row each, of numbers with spaces between.
pub(crate) fn set(rows: &str) -> JobSet {
    let mut text = rtmm_analysis::JOB_COLUMNS.join(", ");
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        text.push('\n');
        text.push_str(&row.split_whitespace().collect::<Vec<_>>().join(", "));
    }
    read_job_set(&Source::new("jobs.csv", text)).unwrap()
}

/// Instants of completion of each job: the first and the last.
fn ends(explored: &Explored) -> Vec<(u64, u64)> {
    let bounds = explored.bounds.as_ref().unwrap().iter();
    bounds.map(|one| (one.completion.min.picoseconds(), one.completion.max.picoseconds())).collect()
}

/// Explores rows of `job | best worst`.
#[track_caller]
fn check(number: u32, order: JobOrder, schedulable: bool, rows: &str) {
    let rows: Vec<(&str, &str)> = rows.lines().filter_map(|row| row.split_once('|')).collect();
    let jobs = set(&rows.iter().map(|(job, _)| *job).collect::<Vec<_>>().join("\n"));
    let explored = explore(&jobs, order, processors(number), &Limits::default());
    let expected = rows.iter().map(|(_, ends)| {
        let mut numbers = ends.split_whitespace().map(|number| number.parse().unwrap());
        (numbers.next().unwrap(), numbers.next().unwrap())
    });
    assert_eq!(ends(&explored), expected.collect::<Vec<_>>());
    assert_eq!(explored.schedulable(), Some(schedulable));
    assert_eq!(explored.method.claim == Claim::Exact, number == 1);
}

/// Jobs small enough to try all arrivals and times.
fn small_sets(jobs: usize) -> impl Strategy<Value = JobSet> {
    let job = (0_u64..8, 0_u64..4, 0_u64..5, 0_u64..3, 0_u64..16, 0_u64..4);
    prop::collection::vec(job, 1..=jobs).prop_map(|jobs| {
        let rows = jobs.iter().enumerate().map(|(index, (from, jitter, cost, more, deadline, priority))| {
            let (task, number) = (index / 2, index);
            format!("{task} {number} {from} {} {cost} {} {deadline} {priority}", from + jitter, cost + more)
        });
        set(&rows.collect::<Vec<_>>().join("\n"))
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn on_one_processor_bounds_are_those_of_all_arrivals_and_times(jobs in small_sets(4)) {
        for order in ORDERS {
            let explored = explore(&jobs, order, Processors::ONE, &Limits::default());
            let Completions { ends: expected, in_time } = exhaustive(&jobs, order, 1);
            prop_assert_eq!(ends(&explored), expected);
            prop_assert_eq!(explored.schedulable(), Some(in_time));
        }
    }

    #[test]
    fn on_several_processors_no_arrivals_and_times_leave_the_bounds(
        jobs in small_sets(4),
        number in 2_u32..4,
        most in 1_usize..4,
    ) {
        for order in ORDERS {
            let limits = Limits { states_of_a_set: most, ..Limits::default() };
            let explored = explore(&jobs, order, processors(number), &limits);
            let Completions { ends: met, in_time } = exhaustive(&jobs, order, number as usize);
            for (bound, met) in ends(&explored).iter().zip(met) {
                prop_assert!(bound.0 <= met.0 && met.1 <= bound.1, "{met:?} is not within {bound:?}");
            }
            prop_assert!(in_time || explored.schedulable() == Some(false));
        }
    }
}

/// The facts of this test and the next are jobs and bounds that the public tool for schedule-abstraction graphs
/// (`nptest`, github.com/brandenburg/np-schedulability-analysis) printed for sets of periodic tasks of known load.
#[test]
fn bounds_on_one_processor_are_those_of_the_public_tool() {
    check(
        1,
        JobOrder::FixedPriority,
        false,
        "1 1 0 800 17290 18861 80000 3 | 17302 33522
         2 2 0 0 12 24 20000 1 | 12 24
         2 3 20000 20000 12 24 40000 1 | 20012 33546
         2 4 40000 40000 12 24 60000 1 | 40012 40024
         2 5 60000 60000 12 24 80000 1 | 60012 60024
         3 6 0 200 1584 2133 20000 2 | 1596 21018
         3 7 20000 20200 1584 2133 40000 2 | 21596 35679
         3 8 40000 40200 1584 2133 60000 2 | 41596 42333
         3 9 60000 60200 1584 2133 80000 2 | 61596 62333
         4 10 0 0 11228 12504 80000 4 | 11240 35679",
    );
    check(
        1,
        JobOrder::EarliestDeadline,
        false,
        "1 1 0 0 1585 2139 80000 80000 | 13170 16766
         2 2 0 0 9700 12608 40000 40000 | 9700 14627
         2 3 40000 40000 9700 12608 80000 80000 | 49700 52608
         3 4 0 0 13355 14544 80000 80000 | 26525 33329
         4 5 0 800 1885 2019 16000 16000 | 1885 14627
         4 6 16000 16800 1885 2019 32000 32000 | 17885 33329
         4 7 32000 32800 1885 2019 48000 48000 | 33885 35348
         4 8 48000 48800 1885 2019 64000 64000 | 51585 54627
         4 9 64000 64800 1885 2019 80000 80000 | 65885 66819",
    );
}

#[test]
fn bounds_on_two_processors_are_those_of_the_public_tool() {
    check(
        2,
        JobOrder::FixedPriority,
        true,
        "1 1 0 0 34561 42474 80000 3 | 34561 43328
         2 2 0 160 1715 2702 16000 1 | 1715 3556
         2 3 16000 16160 1715 2702 32000 1 | 17715 25360
         2 4 32000 32160 1715 2702 48000 1 | 33715 35556
         2 5 48000 48160 1715 2702 64000 1 | 49715 50862
         2 6 64000 64160 1715 2702 80000 1 | 65715 66862
         3 7 0 0 7431 12238 80000 4 | 9146 15794
         4 8 0 0 4920 6864 80000 5 | 14066 22658
         5 9 0 0 466 854 16000 2 | 466 854
         5 10 16000 16000 466 854 32000 2 | 16466 26214
         5 11 32000 32000 466 854 48000 2 | 32466 35556
         5 12 48000 48000 466 854 64000 2 | 48466 48854
         5 13 64000 64000 466 854 80000 2 | 64466 64854
         6 14 0 800 576 640 80000 6 | 14642 26854",
    );
}

#[test]
fn a_job_starts_one_unit_before_a_more_urgent_one_has_surely_come() {
    // The first may come at 5: the second starts at 4 at the latest, and the first ends at 9 + 2. The second, if it
    // waits for the first, waits for one that came at 4: it ends at 6 + 5.
    check(1, JobOrder::FixedPriority, true, "1 1 3 5 2 2 20 1 | 5 11\n2 1 2 4 5 5 20 2 | 7 11");
}

#[test]
fn of_equal_deadlines_the_smaller_task_goes_first() {
    let rows = "2 1 0 0 3 3 9 0 | 7 7\n1 7 0 0 4 4 9 0 | 4 4";
    check(1, JobOrder::EarliestDeadline, true, rows);
    check(1, JobOrder::FixedPriority, true, rows);
}

#[test]
fn more_processors_than_jobs_serve_each_at_once() {
    check(9, JobOrder::EarliestDeadline, false, "1 1 0 4 3 5 9 0 | 3 9\n1 2 1 1 2 2 2 0 | 3 3");
}

#[test]
fn global_deadline_order_needs_three_processors_for_three_long_jobs() {
    let rows = "1 1 0 0 2 2 3 1\n2 1 0 0 2 2 3 1\n3 1 0 0 2 2 3 1";
    for (number, expected) in [(2, false), (3, true)] {
        let explored =
            explore(&set(rows), JobOrder::EarliestDeadline, processors(number), &Limits::default());
        assert_eq!(explored.schedulable(), Some(expected), "{number} processors");
    }
}

#[test]
fn an_exploration_that_stops_knows_nothing() {
    let rows: Vec<String> = (0..12).map(|job| format!("1 {job} 0 50 1 9 99 {job}")).collect();
    let jobs = set(&rows.join("\n"));
    let limits = Limits { states: 20, ..Limits::default() };
    let explored = explore(&jobs, JobOrder::FixedPriority, Processors::ONE, &limits);
    assert_eq!((explored.bounds.as_ref(), explored.schedulable()), (None, None));
    assert!((21..500).contains(&explored.states), "{} states", explored.states);
}

#[test]
fn instants_near_the_end_of_the_clock_do_not_wrap() {
    let last = u64::MAX - 1;
    check(
        2,
        JobOrder::EarliestDeadline,
        true,
        &format!("1 1 0 {} 4 4 {last} 1 | 4 {}\n1 2 0 0 5 5 {last} 1 | 5 5", last - 9, last - 5),
    );
}
