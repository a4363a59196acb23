//! `rtmm run --compat planaria`: the Planaria artifact's scheduler on a case file.

use std::io::Write;
use std::path::Path;

use rtmm_reference::planaria::{
    Case, Entry, FIXES, Fixes, JobIndex, Outcome, Parameters, PlanariaError, case_file, run as run_case,
};
use rtmm_report::{Column, Row, TableCell, TextTable};
use rtmm_workload::input::suggestion;
use rtmm_workload::load;
use serde::ser::{Serialize, SerializeMap, Serializer};
use tracing::debug;

use crate::args::{Format, Run};
use crate::failure::Failure;
use crate::output::{Unwritten, print_json, stdout, style, write_file};

/// The one policy that the artifact has.
const POLICY: &str = "planaria";
/// The one key of `--set`, and its value for all fixes.
const KEY: &str = "fix";
const ALL: &str = "all";

pub(super) fn run(arguments: &Run) -> Result<(), Failure> {
    let path = case_path(arguments)?;
    let parameters = Parameters { fixes: fixes(&arguments.set)?, seed: arguments.seed() };
    let case = case_file::read(&load::read(path)?)?;
    debug!(models = case.models().len(), jobs = case.jobs().len(), "loaded");
    let outcome = run_case(&case, &parameters).map_err(|error| Failure::Run(told(&error)))?;
    let mut unwritten = Unwritten::default();
    if let Some(path) = &arguments.jobs {
        unwritten.note(write_file(path, jobs_csv(&case, &outcome)?.as_bytes()));
    }
    unwritten.told_after(print(arguments.format, path, &case, &outcome))
}

/// The case file; arguments that the loop has no use for are refused.
fn case_path(arguments: &Run) -> Result<&Path, Failure> {
    let unused = [
        ("--platform", arguments.platform.is_some()),
        ("--traces", !arguments.traces.is_empty()),
        ("--duration", arguments.duration.is_some()),
    ];
    if let Some((name, _)) = unused.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::usage(
            format!("the Planaria artifact has no use for `{name}`: a case says all, and is run to its end"),
            format!("leave `{name}` out"),
        ));
    }
    if let Some(name) = arguments.policy.as_deref().filter(|name| *name != POLICY) {
        return Err(Failure::usage(
            format!("the Planaria artifact has no policy `{name}`"),
            format!("leave --policy out, or say `--policy {POLICY}`"),
        ));
    }
    arguments.case.as_deref().ok_or_else(|| {
        Failure::usage("the Planaria artifact runs case files", "name a case with --case FILE")
    })
}

/// The fixes that `--set fix=NAME` states, once or several times.
fn fixes(texts: &[String]) -> Result<Fixes, Failure> {
    let mut fixes = Fixes::default();
    for text in texts {
        let Some((KEY, name)) = text.split_once('=') else {
            return Err(Failure::usage(
                format!("the Planaria artifact has no parameter of `--set {text}`"),
                format!("write `--set {KEY}=NAME`, with the name of a fix, or `--set {KEY}={ALL}`"),
            ));
        };
        match FIXES.iter().find(|row| row.name == name) {
            Some(row) => (row.set)(&mut fixes),
            None if name == ALL => fixes = Fixes::all(),
            None => {
                let names: Vec<&str> = FIXES.iter().map(|row| row.name).chain([ALL]).collect();
                return Err(Failure::usage(
                    format!("there is no fix `{name}` of the Planaria artifact"),
                    suggestion(name, KEY, &names),
                ));
            }
        }
    }
    Ok(fixes)
}

/// The reason of a failed run; where the program stops by a quirk, with the fix that goes on.
fn told(error: &PlanariaError) -> String {
    let PlanariaError::Stopped { stop, .. } = error else { return error.to_string() };
    let fixes = FIXES.iter().filter(|row| row.quirk == stop.quirk());
    let settings: Vec<String> = fixes.map(|row| format!("`--set {KEY}={}`", row.name)).collect();
    format!("{error}; {} goes on without this quirk, `--set {KEY}={ALL}` without any", settings.join(" or "))
}

/// The result in the form of recordings of the artifact.
#[derive(serde::Serialize)]
struct Report {
    finish: Vec<Finish>,
    timeline: Vec<Decision>,
}

#[derive(serde::Serialize)]
struct Finish {
    task: u32,
    finish_cycle: i64,
}

#[derive(serde::Serialize)]
struct Decision {
    cycle: i64,
    fits: bool,
    allocation: Allocation,
}

/// Subarrays by the number of the task: an object whose entries have the order of arrivals.
struct Allocation(Vec<(u32, i64)>);

impl Serialize for Allocation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (task, subarrays) in &self.0 {
            map.serialize_entry(task, subarrays)?;
        }
        map.end()
    }
}

fn number(case: &Case, job: JobIndex) -> u32 {
    case.job(job).number
}

fn allocation(case: &Case, entry: &Entry) -> Vec<(u32, i64)> {
    entry.jobs.iter().map(|job| (number(case, job.job), job.subarrays)).collect()
}

fn report(case: &Case, outcome: &Outcome) -> Report {
    let finish =
        outcome.ends.iter().map(|end| Finish { task: number(case, end.job), finish_cycle: end.finish_cycle });
    let decision = |entry: &Entry| Decision {
        cycle: entry.cycle,
        fits: entry.fits,
        allocation: Allocation(allocation(case, entry)),
    };
    Report { finish: finish.collect(), timeline: outcome.timeline.iter().map(decision).collect() }
}

fn print(format: Format, path: &Path, case: &Case, outcome: &Outcome) -> Result<(), Failure> {
    let mut out = stdout();
    match format {
        Format::Json => print_json(&mut out, &report(case, outcome))?,
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(&mut out);
            let header = ["cycle", "fits", "task", "subarrays", "min_subarrays_in_time", "layer", "progress"];
            writer.write_record(header)?;
            for entry in &outcome.timeline {
                for job in &entry.jobs {
                    let layers = &case.model_of(case.job(job.job)).layers;
                    writer.write_record([
                        entry.cycle.to_string(),
                        entry.fits.to_string(),
                        number(case, job.job).to_string(),
                        job.subarrays.to_string(),
                        job.min_in_time.map(|least| least.to_string()).unwrap_or_default(),
                        layers[job.layer.index()].name.clone(),
                        job.fraction.to_string(),
                    ])?;
                }
            }
            writer.flush()?;
        }
        Format::Table => print_tables(&mut out, path, case, outcome)?,
    }
    out.flush()?;
    Ok(())
}

fn print_tables(out: &mut impl Write, path: &Path, case: &Case, outcome: &Outcome) -> Result<(), Failure> {
    let number_column = |name: &str| Column::number(name);
    let title = format!("{}, {} subarrays, Planaria reference mode", path.display(), case.subarrays());
    let columns = ["task", "network", "arrival", "priority", "finish", "deadline"].map(number_column);
    let mut jobs = TextTable::new(title, columns.into_iter().chain([Column::text("in time")]).collect());
    for row in job_rows(case, outcome) {
        let due = row.arrival_cycle as f64 + row.relative_deadline_cycles;
        let cells = vec![
            TableCell::text(row.task.to_string()),
            TableCell::text(row.network),
            TableCell::text(row.arrival_cycle.to_string()),
            TableCell::text(row.priority.to_string()),
            TableCell::text(row.finish_cycle.to_string()),
            TableCell::number(due, 1),
            TableCell::text(if row.finish_cycle as f64 <= due { "yes" } else { "no" }),
        ];
        jobs.rows.push(Row { cells, starts_group: false });
    }
    writeln!(out, "{}", jobs.to_terminal(&style()))?;
    let columns = vec![Column::number("cycle"), Column::text("fits"), Column::text("task:subarrays")];
    let mut decisions = TextTable::new("Decisions", columns);
    for entry in &outcome.timeline {
        let shares: Vec<String> =
            allocation(case, entry).iter().map(|(task, subarrays)| format!("{task}:{subarrays}")).collect();
        let cells = vec![
            TableCell::text(entry.cycle.to_string()),
            TableCell::text(if entry.fits { "yes" } else { "no" }),
            TableCell::text(shares.join(" ")),
        ];
        decisions.rows.push(Row { cells, starts_group: false });
    }
    writeln!(out, "{}", decisions.to_terminal(&style()))?;
    let fired: Vec<String> = outcome
        .fired
        .by_quirk()
        .into_iter()
        .filter(|(_, times)| *times > 0)
        .map(|(quirk, times)| format!("{quirk} ({times}x)"))
        .collect();
    match fired.is_empty() {
        true => writeln!(out, "no quirk fired")?,
        false => writeln!(out, "quirks that fired: {}", fired.join(", "))?,
    }
    Ok(())
}

/// A job and its end.
#[derive(serde::Serialize)]
struct JobRow<'c> {
    task: u32,
    network: &'c str,
    arrival_cycle: u64,
    priority: u32,
    relative_deadline_cycles: f64,
    finish_cycle: i64,
}

/// The jobs in the order of their ends.
fn job_rows<'c>(case: &'c Case, outcome: &Outcome) -> Vec<JobRow<'c>> {
    let row = |job: JobIndex, finish_cycle| {
        let job = case.job(job);
        JobRow {
            task: job.number,
            network: &case.model_of(job).name,
            arrival_cycle: job.arrival_cycle,
            priority: job.priority,
            relative_deadline_cycles: case.relative_deadline_cycles(job),
            finish_cycle,
        }
    };
    outcome.ends.iter().map(|end| row(end.job, end.finish_cycle)).collect()
}

fn jobs_csv(case: &Case, outcome: &Outcome) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in job_rows(case, outcome) {
        writer.serialize(row)?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::Run(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Failure::Run(error.to_string()))
}
