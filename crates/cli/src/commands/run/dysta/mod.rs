//! `rtmm run --compat dysta`: the Sparse-DySta artifact's loop on sample traces.

mod report;

use std::path::Path;

use rtmm_reference::dysta::{
    DystaError, LookUpTables, Outcome, Parameters, Policy, Predictor, Request, request_file,
};
use rtmm_runners::recorded::SEQUENCE_LENGTH;
use rtmm_sweep::runner;
use rtmm_workload::SampleTrace;
use rtmm_workload::input::problem_with;
use rtmm_workload::input::suggestion;
use rtmm_workload::load::{self, TraceFile};
use rtmm_workload::parameters::{Choice, Declared, ParameterError, Real, Schema, assign};
use tracing::debug;

use super::spare_inputs;
use crate::args::Run;
use crate::failure::Failure;
use crate::output::{Unwritten, write_file};

/// The policy where none is named.
const DEFAULT_POLICY: Policy = Policy::Dysta;

const ALPHA: Real = Real::new("alpha", "weight of fairness in sdrm3", 1.0, -1e9..=1e9);
const BETA: Real = Real::new("beta", "weight of slack and waiting in dysta", 0.01, -1e9..=1e9);
const PREDICTOR: Choice<Predictor> = Choice::new(
    "predictor",
    "what measured sparsities say of what remains",
    Predictor::AverageAll,
    &[
        (Predictor::AverageAll.name(), Predictor::AverageAll),
        (Predictor::LastN.name(), Predictor::LastN),
        (Predictor::LastOne.name(), Predictor::LastOne),
    ],
);
/// Parameters that `--set` can state; the artifact gives all of it to every policy.
const PARAMETERS: &[&dyn Declared] = &[&ALPHA, &BETA, &SEQUENCE_LENGTH, &PREDICTOR];

/// All that a run is and gives, for its report.
struct Finished<'r> {
    request_file: &'r Path,
    traces: &'r [&'r SampleTrace],
    requests: &'r [Request],
    chosen: &'r runner::Policy,
    outcome: &'r Outcome,
}

pub(super) fn run(arguments: &Run) -> Result<(), Failure> {
    let request_file = request_file(arguments)?;
    let policy = policy(arguments)?;
    let chosen =
        chosen(policy, &arguments.set).map_err(|error| Failure::usage(error.to_string(), error.help()))?;
    let files = load::sample_traces(&arguments.traces)?;
    let sequence_length = chosen.parameters.read(&SEQUENCE_LENGTH);
    let traces: Vec<&SampleTrace> = files.iter().map(|file| &file.trace).collect();
    let tables =
        LookUpTables::of(traces.iter().copied(), sequence_length).map_err(|error| refused(&error, &files))?;
    let requests = request_file::read(&load::read(request_file)?, &traces)?;
    spare_inputs(arguments)?;
    debug!(traces = traces.len(), requests = requests.len(), "loaded");
    let outcome = rtmm_reference::dysta::run(&tables, &requests, &parameters(policy, &chosen))
        .map_err(|error| Failure::Run(error.to_string()))?;
    let finished =
        Finished { request_file, traces: &traces, requests: &requests, chosen: &chosen, outcome: &outcome };
    let mut unwritten = Unwritten::default();
    if let Some(path) = &arguments.jobs {
        unwritten.note(write_file(path, report::jobs_csv(&finished)?.as_bytes()));
    }
    unwritten.told_after(report::print(arguments.format, &finished))
}

/// The request file; arguments that the loop has no use for are refused.
fn request_file(arguments: &Run) -> Result<&Path, Failure> {
    let unused = [
        ("--scenario", arguments.scenario.is_some()),
        ("--platform", arguments.platform.is_some()),
        ("--duration", arguments.duration.is_some()),
        ("--seed", arguments.seed.is_some()),
    ];
    if let Some((name, _)) = unused.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::usage(
            format!("the Sparse-DySta artifact has no use for `{name}`: it runs sample traces to their end"),
            format!("leave `{name}` out"),
        ));
    }
    match &arguments.requests {
        Some(path) if !arguments.traces.is_empty() => Ok(path),
        Some(_) => Err(Failure::usage(
            "the Sparse-DySta artifact runs sample traces",
            "name the traces of the models that the requests are to, with --traces FILE,... or --traces DIR",
        )),
        None => Err(Failure::usage(
            "the Sparse-DySta artifact runs recorded requests",
            "name a request file with --requests FILE",
        )),
    }
}

fn policy(arguments: &Run) -> Result<Policy, Failure> {
    let Some(name) = arguments.policy.as_deref() else { return Ok(DEFAULT_POLICY) };
    Policy::of_name(name).ok_or_else(|| {
        let names = Policy::ALL.map(Policy::name);
        Failure::usage(
            format!("the Sparse-DySta artifact has no policy `{name}`"),
            suggestion(name, "policy", &names),
        )
    })
}

/// The policy with the parameters that `--set` gives it.
fn chosen(policy: Policy, texts: &[String]) -> Result<runner::Policy, ParameterError> {
    let mut parameters = runner::Parameters::defaults(&Schema::of(&[PARAMETERS]));
    assign(&format!("policy `{}`", policy.name()), &mut [&mut parameters], texts)?;
    Ok(runner::Policy { name: policy.name().into(), parameters })
}

fn parameters(policy: Policy, chosen: &runner::Policy) -> Parameters {
    Parameters {
        alpha: chosen.parameters.read(&ALPHA),
        beta: chosen.parameters.read(&BETA),
        predictor: chosen.parameters.read(&PREDICTOR),
        ..Parameters::of(policy)
    }
}

/// Traces that do not go together, with their place.
fn refused(error: &DystaError, files: &[TraceFile]) -> Failure {
    let (name, help) = match error {
        DystaError::SameName { name } => {
            (name, "rename one of the files: requests name them up to the first dot")
        }
        DystaError::LayersDiffer { other, .. } => {
            (other, "give traces of different models names that differ before the first underscore")
        }
        _ => return Failure::Run(error.to_string()),
    };
    match files.iter().rfind(|file| file.trace.name == *name) {
        Some(file) => problem_with(&file.source, error.to_string()).help(help).into(),
        None => Failure::usage(error.to_string(), help),
    }
}
