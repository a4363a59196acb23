//! Response times against answers of textbooks and against schedules of random systems.
//!
//! `RTMM_CASES` sets the number of random systems of each test.

use proptest::prelude::*;
use rtmm_analysis::{
    JobOrder, Limits, METHODS, Processors, RecurringTask, Unbounded, edf_response, explore,
    fixed_priority_response,
};
use rtmm_workload::Duration;

use crate::exploration::{config, set};
use crate::one_processor::{Rule, System, TaskSketch, observed};

/// A task of a textbook: time and period, due by the end of the period, as urgent as its place says.
fn task(cost: u64, period: u64, urgency: u64) -> RecurringTask {
    let span = Duration::from_picoseconds;
    RecurringTask {
        cost: span(cost),
        longest_segment: Duration::ZERO,
        last_segment: Duration::ZERO,
        period: span(period),
        jitter: Duration::ZERO,
        deadline: span(period),
        urgency,
    }
}

fn tasks(rows: &[(u64, u64)]) -> Vec<RecurringTask> {
    let rows = rows.iter().enumerate();
    rows.map(|(place, &(cost, period))| task(cost, period, place as u64)).collect()
}

/// The same, not preempted.
fn whole(rows: &[(u64, u64)]) -> Vec<RecurringTask> {
    let whole =
        |task: RecurringTask| RecurringTask { longest_segment: task.cost, last_segment: task.cost, ..task };
    tasks(rows).into_iter().map(whole).collect()
}

#[track_caller]
fn fixed(tasks: &[RecurringTask]) -> Vec<u64> {
    let response = |place| fixed_priority_response(tasks, place).unwrap().response.picoseconds();
    (0..tasks.len()).map(response).collect()
}

#[track_caller]
fn by_deadline(tasks: &[RecurringTask]) -> Vec<u64> {
    (0..tasks.len()).map(|place| edf_response(tasks, place).unwrap().response.picoseconds()).collect()
}

#[test]
fn fixed_priorities_have_the_answers_of_textbooks() {
    assert_eq!(fixed(&tasks(&[(1, 4), (1, 5), (3, 9), (3, 18)])), [1, 2, 7, 18]);
    assert_eq!(fixed(&tasks(&[(3, 7), (3, 12), (5, 20)])), [3, 6, 20]);
}

/// Lehoczky, RTSS 1990: the worst job of the second task is not the first of its busy period.
#[test]
fn a_later_job_of_the_busy_period_may_be_the_worst() {
    assert_eq!(fixed(&tasks(&[(26, 70), (62, 100)])), [26, 118]);
}

/// Davis et al. 2007, section 3.2, in units of half a bit time: three messages of time 1 with periods 2.5, 3.5 and 3.5.
#[test]
fn without_preemption_the_second_message_is_pushed_through() {
    assert_eq!(fixed(&whole(&[(2, 5), (2, 7), (2, 7)])), [4, 6, 7]);
}

#[test]
fn jitter_and_segments_delay_as_worked_out_by_hand() {
    let mut tasks = tasks(&[(2, 10), (3, 20)]);
    // The first may come 4 after it arrived; the second runs in segments of 2 and 1.
    tasks[0].jitter = Duration::from_picoseconds(4);
    tasks[1].longest_segment = Duration::from_picoseconds(2);
    tasks[1].last_segment = Duration::from_picoseconds(1);
    assert_eq!(fixed(&tasks), [4 + 2 + 2, 2 + 3]);
    // Due after 10 and 20: a job of the second that arrives 10 before one of the first is due with it.
    assert_eq!(by_deadline(&tasks), [4 + 2 + 2, 2 + 3]);
}

#[test]
fn by_deadline_a_full_accelerator_misses_nothing_and_a_fuller_one_has_no_bound() {
    let full = tasks(&[(2, 4), (3, 6)]);
    assert!(by_deadline(&full).iter().zip([4, 6]).all(|(response, deadline)| *response <= deadline));
    assert_eq!(by_deadline(&tasks(&[(1, 2), (2, 4)])), [2, 4]);
    let fuller = tasks(&[(2, 4), (4, 6)]);
    assert_eq!(edf_response(&fuller, 0), Err(Unbounded::Overload));
    assert_eq!(fixed_priority_response(&fuller, 1), Err(Unbounded::Overload));
    assert_eq!(fixed_priority_response(&fuller, 0).unwrap().response.picoseconds(), 2);
}

/// Dhall's effect: two short tasks and a long one on two processors, which are hardly busy.
#[test]
fn two_short_jobs_make_a_long_one_late_on_two_processors() {
    let rows = "1 1 0 0 2 2 100 1\n2 1 0 0 2 2 100 1\n3 1 0 0 100 100 101 1";
    for (number, expected) in [(2, false), (3, true)] {
        let processors = Processors(std::num::NonZeroU32::new(number).unwrap());
        let explored = explore(&set(rows), JobOrder::EarliestDeadline, processors, &Limits::default());
        assert_eq!(explored.schedulable(), Some(expected));
    }
}

#[test]
fn tasks_that_take_no_time_or_nearly_all_of_the_clock_have_answers() {
    assert_eq!(fixed(&whole(&[(0, 5), (2, 7)])), [2, 2]);
    assert_eq!(by_deadline(&tasks(&[(0, 5)])), [0]);
    let long = tasks(&[(u64::MAX / 2, u64::MAX), (u64::MAX / 2 + 9, u64::MAX)]);
    assert_eq!(fixed_priority_response(&long, 1), Err(Unbounded::Overload));
    let many = tasks(&[(999_999_999_999, 1_000_000_000_000), (1, u64::MAX)]);
    assert!(fixed_priority_response(&many, 1).is_ok());
}

#[test]
fn names_of_methods_are_unique() {
    let mut names: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), METHODS.len());
}

/// Systems of up to four tasks; a system may be overloaded.
fn systems() -> impl Strategy<Value = System> {
    let segments = prop::collection::vec(1_u64..5, 1..4);
    let task = (segments, 4_u64..30, 0_u64..6, 1_u64..50, 0_u64..3, 0_u64..12);
    let task = task.prop_map(|(segments, period, jitter, deadline, urgency, offset)| TaskSketch {
        segments,
        period,
        jitter: jitter.min(period),
        deadline,
        urgency,
        offset,
    });
    (prop::collection::vec(task, 1..5), any::<u64>(), any::<bool>())
        .prop_map(|(tasks, seed, is_tight)| System { tasks, seed, is_tight })
}

#[track_caller]
fn bounded(system: &System, rule: Rule, is_preemptive: bool) -> Result<(), TestCaseError> {
    let tasks: Vec<RecurringTask> = system.tasks.iter().map(|task| task.recurring(is_preemptive)).collect();
    let observed = observed(system, rule, is_preemptive);
    for (place, observed) in observed.into_iter().enumerate() {
        let bound = match rule {
            Rule::FixedPriority => fixed_priority_response(&tasks, place),
            Rule::EarliestDeadline => edf_response(&tasks, place),
        };
        if let Ok(bound) = bound {
            let bound = bound.response.picoseconds();
            prop_assert!(observed <= bound, "task {place} took {observed}, bounded by {bound}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_schedule_exceeds_a_bound_of_fixed_priorities(system in systems()) {
        bounded(&system, Rule::FixedPriority, true)?;
        bounded(&system, Rule::FixedPriority, false)?;
    }

    #[test]
    fn no_schedule_exceeds_a_bound_of_deadlines(system in systems()) {
        bounded(&system, Rule::EarliestDeadline, true)?;
        bounded(&system, Rule::EarliestDeadline, false)?;
    }

    /// Preemptive, without jitter, all released at once and as often as they can: the bound is what happens.
    #[test]
    fn synchronous_releases_reach_the_bound_of_fixed_priorities(mut system in systems()) {
        system.is_tight = true;
        for (place, task) in system.tasks.iter_mut().enumerate() {
            (task.jitter, task.offset, task.urgency) = (0, 0, place as u64);
        }
        let tasks: Vec<RecurringTask> = system.tasks.iter().map(|task| task.recurring(true)).collect();
        let observed = observed(&system, Rule::FixedPriority, true);
        for (place, observed) in observed.into_iter().enumerate() {
            // Longer busy periods than the schedule are no business of this test.
            let share: f64 = tasks[..=place].iter().map(|task| {
                task.cost.picoseconds() as f64 / task.period.picoseconds() as f64
            }).sum();
            if share < 0.9 {
                let bound = fixed_priority_response(&tasks, place).unwrap().response.picoseconds();
                prop_assert_eq!(observed, bound);
            }
        }
    }
}
