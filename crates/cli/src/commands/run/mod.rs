//! `rtmm run`: one scenario, or recorded requests, on one platform or on sample traces; or a case of a published tool.

mod dysta;
mod engine;
mod moca;
mod planaria;
mod recorded;
mod report;
mod timeline;
mod xrbench;

use std::path::{Path, PathBuf};

use rtmm_hardware::{Mode, Platform, load as hardware};
use rtmm_workload::input::Diagnostics;
use rtmm_workload::{Duration, Workload};
use tracing::info;

use crate::args::{Compat, Run};
use crate::failure::Failure;
use crate::folders;
use crate::output::reserve;

pub(crate) use engine::{chosen, refuse_idle_settings};

pub(crate) fn run(arguments: &Run) -> Result<(), Failure> {
    timeline::check(arguments)?;
    if let Some(directory) = &arguments.report {
        folders::refuse_sweep(directory)?;
        folders::create(directory)?;
        folders::refuse_foreign(directory)?;
    }
    let outputs = outputs(arguments);
    let _reserved = reserve(&outputs, &input_files(arguments))?;
    if let Some(directory) = &arguments.report {
        folders::refuse_outputs_in(directory, &outputs)?;
    }
    match arguments.compat {
        Some(Compat::Moca) => moca::run(arguments),
        Some(Compat::Planaria) => planaria::run(arguments),
        Some(Compat::Dysta | Compat::Xrbench) if arguments.case.is_some() => Err(Failure::usage(
            "this artifact runs no case files",
            "leave `--case` out, or say `--compat planaria` or `--compat moca`",
        )),
        Some(Compat::Dysta) => dysta::run(arguments),
        Some(Compat::Xrbench) if !arguments.traces.is_empty() => Err(Failure::usage(
            "the XRBench artifact knows no sample traces",
            "leave `--traces` out, or say `--compat dysta`",
        )),
        Some(Compat::Xrbench) => xrbench::run(arguments),
        None if !arguments.traces.is_empty() => recorded::run(arguments),
        None => engine::run(arguments),
    }
}

fn outputs(arguments: &Run) -> Vec<&Path> {
    let outputs = [&arguments.jobs, &arguments.series, &arguments.timeline];
    outputs.into_iter().flatten().map(PathBuf::as_path).collect()
}

/// Refuses to write over what was read, once all is.
fn spare_inputs(arguments: &Run) -> Result<(), Failure> {
    folders::refuse_inputs(&outputs(arguments))?;
    arguments.report.as_deref().map_or(Ok(()), folders::refuse_inputs_in)
}

/// The files that the arguments name to be read.
fn input_files(arguments: &Run) -> Vec<&Path> {
    let by_name =
        [&arguments.scenario, &arguments.platform, &arguments.sweep].into_iter().flatten().map(Path::new);
    let by_path =
        [&arguments.requests, &arguments.case, &arguments.beside].into_iter().flatten().map(PathBuf::as_path);
    by_name.chain(by_path).chain(arguments.traces.iter().map(PathBuf::as_path)).collect()
}

/// The workload with the duration that is asked for, and the platform; problems of both come out
/// together.
fn inputs(
    arguments: &Run,
    mut workload: Result<Workload, Diagnostics>,
    mode: Mode,
) -> Result<(Workload, Platform), Failure> {
    let Some(reference) = &arguments.platform else {
        return Err(Failure::usage("the run needs a platform", "name one with --platform"));
    };
    let platform = hardware::platform(reference, None, mode);
    if let (Err(problems), Err(more)) = (&mut workload, &platform) {
        problems.extend(more.clone());
    }
    let (mut workload, platform) = (workload?, platform?);
    spare_inputs(arguments)?;
    info!(scenario = workload.scenario.name, platform = platform.name, seed = arguments.seed(), "loaded");
    if let Some(text) = &arguments.duration {
        workload.scenario.duration = duration(text)?;
        workload.scenario.check_mixes().map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    }
    Ok((workload, platform))
}

fn duration(text: &str) -> Result<Duration, Failure> {
    let bad = |reason: String| {
        Failure::usage(
            format!("`--duration {text}` is no duration: {reason}"),
            "write a number and a unit, such as 700ms",
        )
    };
    match Duration::parse(text) {
        Ok(duration) if duration.is_zero() => Err(bad("it is zero".to_owned())),
        Ok(duration) => Ok(duration),
        Err(error) => Err(bad(error.to_string())),
    }
}
