//! Bounds of a job set on identical processors.

use std::io::Write;
use std::num::NonZeroU32;
use std::path::Path;

use rtmm_analysis::{
    Claim, Explored, Job, JobBounds, JobOrder, JobSet, Limits, Processors, explore, read_job_set,
};
use rtmm_workload::input::suggestion;
use rtmm_workload::load;
use serde::Serialize;

use super::{FORMAT, VERSION};
use crate::args::{Analyse, Format};
use crate::failure::{Failure, say};
use crate::output::{Rows, print_json, stdout};

/// Columns of the bounds of jobs: best and worst completion, best and worst response.
const COLUMNS: [&str; 6] = ["Task ID", "Job ID", "BCCT", "WCCT", "BCRT", "WCRT"];

/// Orders of jobs by their names.
const POLICIES: [(&str, JobOrder); 2] =
    [("edf", JobOrder::EarliestDeadline), ("fp", JobOrder::FixedPriority)];

/// Bounds of a job set as JSON.
#[derive(Serialize)]
struct Report<'a> {
    format: &'static str,
    version: u32,
    schedulable: Option<bool>,
    method: &'static str,
    claim: &'static str,
    theorem: &'static str,
    policy: &'a str,
    processors: u32,
    states: u64,
    jobs: Vec<JobReport>,
}

/// Bounds of a job as JSON; all but its numbers are missing where they are unknown.
#[derive(Serialize)]
struct JobReport {
    task: u64,
    job: u64,
    bcct: Option<u64>,
    wcct: Option<u64>,
    bcrt: Option<u64>,
    wcrt: Option<u64>,
    deadline: u64,
    in_time: Option<bool>,
}

pub(super) fn analyse(arguments: &Analyse, path: &Path) -> Result<(), Failure> {
    let names = POLICIES.map(|(name, _)| name);
    let Some((policy, order)) = POLICIES.into_iter().find(|(name, _)| *name == arguments.policy) else {
        let message = format!("job sets have no policy `{}`", arguments.policy);
        return Err(Failure::usage(message, suggestion(&arguments.policy, "policy", &names)));
    };
    let processors = Processors(arguments.processors.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN));
    let set = read_job_set(&load::read(path)?)?;
    let defaults = Limits::default();
    let limits = Limits { states: arguments.max_states.unwrap_or(defaults.states), ..defaults };
    let explored = explore(&set, order, processors, &limits);
    let jobs = reports(&set, &explored);
    match arguments.format {
        Format::Csv => print_csv(&jobs)?,
        Format::Json => print_json(
            &mut stdout(),
            &Report {
                format: FORMAT,
                version: VERSION,
                schedulable: explored.schedulable(),
                method: explored.method.name,
                claim: explored.method.claim.word(),
                theorem: explored.method.theorem,
                policy,
                processors: processors.0.get(),
                states: explored.states,
                jobs,
            },
        )?,
        Format::Table => print_table(path, &jobs, &explored)?,
    }
    if explored.bounds.is_none() {
        say!(
            "warning: the exploration stopped after {} states and nothing is known; --max-states allows more",
            explored.states
        );
    }
    Ok(())
}

fn reports(set: &JobSet, explored: &Explored) -> Vec<JobReport> {
    let report = |(index, job): (usize, &Job)| {
        let bounds: Option<&JobBounds> = explored.bounds.as_ref().and_then(|bounds| bounds.get(index));
        JobReport {
            task: job.task.0,
            job: job.job.0,
            bcct: bounds.map(|bounds| bounds.completion.min.picoseconds()),
            wcct: bounds.map(|bounds| bounds.completion.max.picoseconds()),
            bcrt: bounds.map(|bounds| bounds.response.min.picoseconds()),
            wcrt: bounds.map(|bounds| bounds.response.max.picoseconds()),
            deadline: job.deadline.picoseconds(),
            in_time: bounds.map(|bounds| bounds.is_in_time),
        }
    };
    set.jobs().iter().enumerate().map(report).collect()
}

impl JobReport {
    /// The row of a job under [`COLUMNS`]; an unknown bound is an empty cell.
    fn cells(&self) -> [String; 6] {
        let shown = |bound: Option<u64>| bound.map_or_else(String::new, |bound| bound.to_string());
        let bounds = [self.bcct, self.wcct, self.bcrt, self.wcrt].map(shown);
        let [bcct, wcct, bcrt, wcrt] = bounds;
        [self.task.to_string(), self.job.to_string(), bcct, wcct, bcrt, wcrt]
    }
}

/// The rows as tools of schedule-abstraction graphs print them: a space behind each comma.
fn print_csv(jobs: &[JobReport]) -> Result<(), Failure> {
    let mut out = stdout();
    writeln!(out, "{}", COLUMNS.join(", "))?;
    for job in jobs {
        writeln!(out, "{}", job.cells().join(", "))?;
    }
    out.flush()?;
    Ok(())
}

fn print_table(path: &Path, jobs: &[JobReport], explored: &Explored) -> Result<(), Failure> {
    let row = |job: &JobReport| {
        let mut cells = job.cells().to_vec();
        let in_time = job.in_time.map_or("unknown", |in_time| if in_time { "yes" } else { "no" });
        cells.extend([job.deadline.to_string(), in_time.to_owned()]);
        cells
    };
    let rows = Rows {
        title: path.display().to_string(),
        header: COLUMNS.into_iter().chain(["Deadline", "In time"]).collect(),
        numbers: vec![true, true, true, true, true, true, true, false],
        rows: jobs.iter().map(row).collect(),
    };
    rows.print(Format::Table)?;
    let verdict = match (explored.schedulable(), explored.method.claim) {
        (Some(true), _) => "schedulable: no job misses its deadline",
        (Some(false), Claim::Exact) => "not schedulable: some job misses its deadline in some schedule",
        (Some(false), Claim::Safe) => "not shown to be schedulable: a bound is beyond its deadline",
        (None, _) => "unknown: the exploration stopped",
    };
    let mut out = stdout();
    writeln!(out, "\n{verdict}\nBounds are {}: {}", explored.method.claim.word(), explored.method.theorem)?;
    out.flush()?;
    Ok(())
}
