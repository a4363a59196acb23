//! Job sets in CSV, with the columns that tools of schedule-abstraction graphs read.

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostic, Diagnostics, Source, problem_with};
use rtmm_workload::{Duration, Time};

use crate::interval::Interval;
use crate::job_set::{Job, JobNumber, JobSet, JobSetError, TaskNumber};

const ARRIVAL: [usize; 2] = [2, 3];
const COST: [usize; 2] = [4, 5];

/// Columns of a job set, in the order in which this module knows them.
pub const JOB_COLUMNS: [&str; 8] =
    ["Task ID", "Job ID", "Arrival min", "Arrival max", "Cost min", "Cost max", "Deadline", "Priority"];

/// A job, and the row that states it.
struct Row {
    job: Job,
    range: std::ops::Range<usize>,
}

/// Reads a table of jobs: whole numbers of one unit, in the columns [`JOB_COLUMNS`], in any order.
///
/// # Errors
/// Every problem of the table, each with its place.
pub fn read_job_set(source: &Source) -> Result<JobSet, Diagnostics> {
    let mut table = CsvTable::parse(source, &JOB_COLUMNS);
    table.only(&JOB_COLUMNS);
    // Where the header lacks one, no row is read.
    let columns = JOB_COLUMNS.map(|name| table.column(name).unwrap_or(0));
    let mut rows = Vec::new();
    let mut problems = table.each_row(|row| {
        if let Some(job) = read_job(row, &columns) {
            rows.push(Row { job, range: row.range() });
        }
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    match JobSet::new(rows.iter().map(|row| row.job).collect()) {
        Ok(jobs) => Ok(jobs),
        Err(error) => {
            problems.push(located(&error, source, &rows));
            Err(problems)
        }
    }
}

fn read_job(row: &mut CsvRow<'_>, columns: &[usize; 8]) -> Option<Job> {
    let numbers = columns.map(|column| row.integer(column, 0..=u64::MAX));
    let arrival = ordered(row, columns, &numbers, ARRIVAL);
    let cost = ordered(row, columns, &numbers, COST);
    let [task, job, .., deadline, priority] = numbers;
    let (arrival, cost) = (arrival?, cost?);
    Some(Job {
        task: TaskNumber(task?),
        job: JobNumber(job?),
        arrival: Interval {
            min: Time::from_picoseconds(arrival.min),
            max: Time::from_picoseconds(arrival.max),
        },
        cost: Interval {
            min: Duration::from_picoseconds(cost.min),
            max: Duration::from_picoseconds(cost.max),
        },
        deadline: Time::from_picoseconds(deadline?),
        priority: priority?,
    })
}

/// The range that two cells state; one that ends before it begins is recorded.
fn ordered(
    row: &mut CsvRow<'_>,
    columns: &[usize; 8],
    numbers: &[Option<u64>; 8],
    [first, last]: [usize; 2],
) -> Option<Interval<u64>> {
    let (min, max) = (numbers[first]?, numbers[last]?);
    if min <= max {
        return Some(Interval { min, max });
    }
    let message = format!("`{}` is {max}, below `{}`, {min}", JOB_COLUMNS[last], JOB_COLUMNS[first]);
    row.reject(columns[last], message, "write the smaller one first, or the same twice");
    None
}

/// A problem of the set as a whole, at the row that shows it.
fn located(error: &JobSetError, source: &Source, rows: &[Row]) -> Diagnostic {
    let at = |position: usize| rows.get(position).map_or(0..0, |row| row.range.clone());
    match *error {
        JobSetError::Empty => problem_with(source, "the table has no jobs").help("add a row for each job"),
        JobSetError::Twice { position, earlier, .. } => {
            Diagnostic::new(error.to_string(), source, at(position))
                .see(source, at(earlier), "the earlier one")
                .help("number the jobs of a task differently")
        }
        JobSetError::Reversed { position, .. } => {
            Diagnostic::new(error.to_string(), source, at(position)).help("write the smaller one first")
        }
        JobSetError::TooLong { position } => {
            Diagnostic::new(error.to_string(), source, at(position)).help("choose a larger unit of time")
        }
    }
}
