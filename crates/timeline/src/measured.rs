//! Jobs of another run, read from a table as `rtmm run --jobs` writes it, and told to a form of timelines.
//!
//! The other run may be one of a real machine. It is of the same tasks, models and accelerators, so that the two can be shown
//! beside each other. A table has one row a job, and tells nothing of what a job does between its start and its end: jobs that
//! are stopped for others are no jobs that it could tell apart, and are refused.

use std::io;

use rtmm_hardware::AcceleratorId;
use rtmm_sim::{DropCause, System};
use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source, problem_with, suggestion};
use rtmm_workload::{Duration, ModelId, TaskId, Time};

use crate::form::{Counter, JobMark, JobRef, MarkKind, SegmentSlice, TimelineForm};

/// Decimals of a millisecond that a picosecond has.
const DECIMALS: u32 = 9;
/// Columns that a table must have; others are passed over.
const COLUMNS: [&str; 8] =
    ["task", "frame", "status", "model", "release_ms", "deadline_ms", "start_ms", "end_ms"];
/// The column of where a job ran.
const ACCELERATOR: &str = "accelerator";
/// The words of the column `status`, with the mark that a job of it ends with.
const STATUS: [(&str, MarkKind); 4] = [
    ("completed", MarkKind::Completed),
    ("dropped", MarkKind::Dropped(DropCause::Policy)),
    ("dropped-upstream", MarkKind::Dropped(DropCause::Upstream)),
    ("in-flight", MarkKind::InFlight),
];

/// A job of another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuredJob {
    task: TaskId,
    frame: u64,
    release: Time,
    deadline: Time,
    /// None if it never ran.
    ran: Option<Ran>,
    end: Time,
    last: MarkKind,
}

/// Where a job ran, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ran {
    model: ModelId,
    accelerator: AcceleratorId,
    unit: u32,
    start: Time,
}

/// Reads the jobs of another run of the tasks of a system.
///
/// # Errors
/// Every problem of the table: columns that it lacks, tasks, models and accelerators that the system does not have, times that are
/// none, jobs that end before they start; more jobs at once on an accelerator than it has units.
pub fn read_jobs(source: &Source, system: &System) -> Result<Vec<MeasuredJob>, Diagnostics> {
    let table = CsvTable::parse(source, &[&COLUMNS[..], &[ACCELERATOR]].concat());
    let places = COLUMNS.map(|name| table.column(name).unwrap_or(0));
    let accelerator = table.column(ACCELERATOR).unwrap_or(0);
    let mut jobs = Vec::new();
    let problems = table.each_row(|row| jobs.extend(read_job(row, places, accelerator, system)));
    let mut jobs = problems.into_result(Some(jobs))?;
    // In the order of releases, of which the order of the scenario decides equal ones.
    jobs.sort_by_key(|job| (job.release, job.task.index(), job.frame));
    take_units(&mut jobs, source, system)?;
    Ok(jobs)
}

/// Gives each job the lowest unit that is free while it runs.
fn take_units(jobs: &mut [MeasuredJob], source: &Source, system: &System) -> Result<(), Diagnostics> {
    let units = system.platform.accelerators.iter().map(|accelerator| accelerator.units() as usize);
    let mut free: Vec<Vec<Time>> = units.map(|units| vec![Time::ZERO; units]).collect();
    let mut in_order: Vec<&mut MeasuredJob> = jobs.iter_mut().filter(|job| job.ran.is_some()).collect();
    in_order.sort_by_key(|job| (job.ran.map(|ran| ran.start), job.end));
    for job in in_order {
        let Some(ran) = &mut job.ran else { continue };
        let units = &mut free[ran.accelerator.index()];
        let Some((unit, end)) = (0..).zip(units).find(|(_, end)| **end <= ran.start) else {
            let name = &system.platform.accelerators[ran.accelerator.index()].name;
            let task = &system.scenario.tasks[job.task.index()].name;
            let message = format!("`{task}` {} starts on `{name}` while other jobs run there", job.frame);
            let help = "take a run of whole models, such as `--set granularity=model`: jobs that are stopped for others overlap";
            return Err(problem_with(source, message).help(help).into());
        };
        (ran.unit, *end) = (unit, job.end);
    }
    Ok(())
}

fn read_job(
    row: &mut CsvRow<'_>,
    places: [usize; 8],
    accelerator: usize,
    system: &System,
) -> Option<MeasuredJob> {
    let [task, frame, status, model, release, deadline, start, end] = places;
    let tasks = system.scenario.tasks.iter().map(|task| task.name.as_str());
    let task = TaskId::new(named(row, task, "task", tasks)?);
    let frame = row.integer(frame, 0..=u64::MAX)?;
    let last = named(row, status, "status", STATUS.iter().map(|(word, _)| *word))?;
    let last = STATUS.get(last).map(|(_, kind)| *kind)?;
    let (release, deadline) = (time(row, release)?, time(row, deadline)?);
    let end_column = end;
    let end = time(row, end_column)?;
    let ran = if row.is_blank(start) {
        None
    } else {
        let models = system.models.iter().map(|model| model.name.as_str());
        let model = ModelId::new(named(row, model, "model", models)?);
        let accelerators = system.platform.accelerators.iter().map(|accelerator| accelerator.name.as_str());
        let accelerator = AcceleratorId::new(named(row, accelerator, "accelerator", accelerators)?);
        Some(Ran { model, accelerator, unit: 0, start: time(row, start)? })
    };
    let begin = ran.map_or(release, |ran| ran.start);
    if end < begin || begin < release {
        row.reject(
            end_column,
            "this job is not released, started and ended in this order",
            "correct the times of the row",
        );
        return None;
    }
    Some(MeasuredJob { task, frame, release, deadline, ran, end, last })
}

/// The position of a name among those of a system; another one is recorded.
fn named<'n>(
    row: &mut CsvRow<'_>,
    column: usize,
    kind: &'static str,
    names: impl Iterator<Item = &'n str>,
) -> Option<usize> {
    let names: Vec<&str> = names.collect();
    let text = row.text(column).to_owned();
    let found = names.iter().position(|name| *name == text);
    if found.is_none() {
        row.reject(column, format!("there is no {kind} `{text}`"), suggestion(&text, kind, &names));
    }
    found
}

/// A cell of milliseconds; anything else is recorded.
fn time(row: &mut CsvRow<'_>, column: usize) -> Option<Time> {
    match Duration::parse_nearest(row.text(column), DECIMALS) {
        Ok(span) => Some(Time::ZERO.saturating_add(span)),
        Err(error) => {
            let message = format!("`{}` is no time: {error}", row.text(column));
            row.reject(column, message, "write decimal milliseconds, such as 12.5");
            None
        }
    }
}

/// Tells a form of the jobs of another run: segments, marks, and how many jobs wait.
///
/// # Errors
/// [`io::Error`] where the output cannot be written.
pub fn tell_jobs(jobs: &[MeasuredJob], form: &mut dyn TimelineForm) -> io::Result<()> {
    let mut end = Time::ZERO;
    let mut queue: Vec<(Time, bool)> = Vec::with_capacity(2 * jobs.len());
    for (job, sequence) in jobs.iter().zip(0..) {
        let reference = JobRef { task: job.task, frame: job.frame, sequence };
        let mut mark = |at, kind| form.mark(&JobMark { job: reference, at, deadline: job.deadline, kind });
        mark(job.release, MarkKind::Released)?;
        if !matches!(job.last, MarkKind::Dropped(_)) && job.deadline < job.end {
            mark(job.deadline, MarkKind::Missed)?;
        }
        mark(job.end, job.last)?;
        queue.push((job.release, true));
        queue.push((job.ran.map_or(job.end, |ran| ran.start), false));
        if let Some(Ran { model, accelerator, unit, start }) = job.ran {
            form.segment(&SegmentSlice {
                job: reference,
                jobs: 1,
                model,
                accelerator,
                unit,
                units: 1,
                from: start,
                to: job.end,
                switched: false,
                parts: &[],
            })?;
        }
        end = end.max(job.end);
    }
    queue.sort_unstable();
    let mut waiting = 0_u64;
    let mut events = queue.iter().peekable();
    while let Some((at, is_released)) = events.next() {
        waiting = if *is_released { waiting + 1 } else { waiting.saturating_sub(1) };
        // The value after all that happens at an instant.
        if events.peek().is_none_or(|(next, _)| next != at) {
            form.counter(*at, Counter::Queue, waiting as f64)?;
        }
    }
    form.finish(end)
}
