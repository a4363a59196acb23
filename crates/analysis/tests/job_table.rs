//! What is told of tables of jobs that are none.

use rtmm_analysis::{JOB_COLUMNS, read_job_set};
use rtmm_workload::input::Source;

/// Line, column and message of the problems of rows.
#[track_caller]
fn problems(text: &str) -> Vec<String> {
    let problems = read_job_set(&Source::new("jobs.csv", text)).unwrap_err();
    let show = |(line, column), message| format!("{line}:{column} {message}");
    problems.iter().map(|one| show(one.place().map_or((0, 0), |at| (at.1, at.2)), one.message())).collect()
}

#[track_caller]
fn row_problems(rows: &str) -> Vec<String> {
    problems(&format!("{}\n{rows}", JOB_COLUMNS.join(", ")))
}

#[test]
fn spaces_and_the_order_of_columns_change_nothing() {
    let text =
        "Priority,Deadline,Cost max,Cost min,Arrival max,Arrival min,Job ID,Task ID\n7, 9,3,2,1,0,5,4\n";
    let jobs = read_job_set(&Source::new("jobs.csv", text)).unwrap();
    let same = format!("{}\r\n 4 ,5, 0, 1,2,3,9,7\r\n", JOB_COLUMNS.join(" , "));
    assert_eq!(jobs, read_job_set(&Source::new("jobs.csv", same)).unwrap());
    assert_eq!((jobs.jobs()[0].task.0, jobs.jobs()[0].priority), (4, 7));
}

#[test]
fn tables_without_jobs_or_columns_are_told() {
    assert_eq!(problems(""), ["1:1 the table is empty"]);
    assert_eq!(row_problems(""), ["1:1 the table has no jobs"]);
    assert_eq!(
        problems("Task ID, Job ID, Arrival min, Arrival max, Cost min, Deadline, Priority\n1,1,0,0,1,9,1\n"),
        ["1:1 the table has no column `Cost max`"]
    );
    let with_more = format!("{}, Colour\n1,1,0,0,1,1,9,1,3\n", JOB_COLUMNS.join(", "));
    assert_eq!(problems(&with_more), ["1:1 unknown column `Colour`"]);
}

#[test]
fn bad_cells_are_told_with_their_places() {
    assert_eq!(
        row_problems("1, 1, 5, 3, 1, 1, 9, 1\n1, 2, 0, 0, 4, 2, 9, 1"),
        ["2:9 `Arrival max` is 3, below `Arrival min`, 5", "3:15 `Cost max` is 2, below `Cost min`, 4",]
    );
    assert_eq!(
        row_problems("1, 1, -1, 0, 1, 1.5, 9, 1\n1, 2, 0, 0, 1, 1, 18446744073709551616, 1"),
        [
            "2:6 `-1` in column `Arrival min` is out of range",
            "2:16 `1.5` in column `Cost max` is no whole number",
            "3:18 `18446744073709551616` in column `Deadline` is out of range",
        ]
    );
}

#[test]
fn jobs_of_one_name_and_sums_beyond_the_clock_are_told() {
    assert_eq!(
        row_problems("3, 1, 0, 0, 1, 1, 9, 1\n3, 1, 5, 5, 1, 1, 9, 1"),
        ["3:1 task 3 has a job 1 already"]
    );
    let long = u64::MAX - 9;
    assert_eq!(
        row_problems(&format!("1, 1, 0, 4, 1, 5, 9, 1\n1, 2, 0, 0, {long}, {long}, 9, 1")),
        ["3:1 the jobs up to this one may end beyond 18446744073709551615"]
    );
}
