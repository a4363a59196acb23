//! The timelines of a run that is watched: the file that `rtmm run --timeline` names, and the chart of a report.

use std::io::Write;

use rtmm_sim::{Observer, System};
use rtmm_timeline::forms::Gantt;
use rtmm_timeline::{FormRow, Timeline, form_of, read_jobs, tell_jobs};
use rtmm_workload::load;

use crate::args::Run;
use crate::failure::Failure;
use crate::output::{Streamed, Unwritten};

/// Refuses a file whose extension names no form, or one that has no room for another run.
pub(super) fn check(arguments: &Run) -> Result<(), Failure> {
    match arguments.timeline.as_deref().map(form_of) {
        Some(Err(error)) => Err(Failure::usage(error.to_string(), error.help())),
        Some(Ok(form)) if arguments.beside.is_some() && !form.takes_another_run() => Err(Failure::usage(
            format!("{} has no room for another run", form.summary),
            "let the name of the timeline end in `.pftrace`, for a Perfetto trace",
        )),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// The part of a trace that is about the jobs of another run, if one is asked for.
fn beside(arguments: &Run, system: &System, form: &FormRow) -> Result<Vec<u8>, Failure> {
    let Some(path) = arguments.beside.as_deref() else { return Ok(Vec::new()) };
    let jobs = read_jobs(&load::read(path)?, system)?;
    let mut part = Vec::new();
    let failed = |error: std::io::Error| Failure::Run(format!("{}: {error}", path.display()));
    let label = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut other = form.open_beside(system, &label, Box::new(&mut part)).map_err(failed)?;
    tell_jobs(&jobs, other.as_mut()).map_err(failed)?;
    drop(other);
    Ok(part)
}

/// Does a run, which is to tell the observer that it is given, if any: the timeline that is asked for.
pub(super) fn watched<T>(
    arguments: &Run,
    system: &System,
    unwritten: &mut Unwritten,
    run: impl FnOnce(Option<&mut dyn Observer>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(path) = arguments.timeline.as_deref() else { return run(None) };
    let form = form_of(path).map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    let part = beside(arguments, system, form)?;
    let (streamed, mut file) = Streamed::create(path)?;
    file.write_all(&part).map_err(|error| streamed.failed(&error))?;
    let form = form.open(system, Box::new(file)).map_err(|error| streamed.failed(&error))?;
    let mut timeline = Timeline::new(system, form);
    let result = run(Some(&mut timeline))?;
    unwritten.note(streamed.finish(timeline.finish()));
    Ok(result)
}

/// The same with a Gantt chart of the run, as SVG, where a report is asked for.
pub(super) fn watched_for_report<T>(
    arguments: &Run,
    system: &System,
    unwritten: &mut Unwritten,
    run: impl FnOnce(Option<&mut dyn Observer>) -> Result<T, Failure>,
) -> Result<(T, Option<String>), Failure> {
    if arguments.report.is_none() {
        return Ok((watched(arguments, system, unwritten, run)?, None));
    }
    let mut svg = Vec::new();
    let mut chart = Timeline::new(system, Box::new(Gantt::new(system, Box::new(&mut svg))));
    let result = watched(arguments, system, unwritten, |timeline| {
        let mut both;
        let watch: &mut dyn Observer = match timeline {
            None => &mut chart,
            Some(timeline) => {
                both = (&mut chart, timeline);
                &mut both
            }
        };
        run(Some(watch))
    })?;
    let failed = |reason: String| Failure::Run(format!("the timeline of the report: {reason}"));
    chart.finish().map_err(|error| failed(error.to_string()))?;
    let svg = String::from_utf8(svg).map_err(|error| failed(error.to_string()))?;
    Ok((result, Some(svg)))
}
