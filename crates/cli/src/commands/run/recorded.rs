//! `rtmm run --traces`: recorded requests on sample traces, on the event engine.
//!
//! The call is that of `--compat dysta`, and what it prints and writes has the same names, so that the two
//! can be laid side by side. Every trace is a model, and every model a task; one accelerator that takes
//! what traces recorded is the platform where none is named.

use rtmm_hardware::{Mode, load as hardware};
use rtmm_runners::engine::Engine;
use rtmm_runners::recorded::{self, DecisionHash, RequestOrder, SEQUENCE_LENGTH};
use rtmm_sim::metrics::{JobRow, JobStatus};
use rtmm_sim::{Observer, System};
use rtmm_sweep::runner::{CellRunner, Chosen, ParameterError, Parameters, Schema};
use rtmm_workload::{Time, load};
use serde::Serialize;

use super::{engine, spare_inputs, timeline};
use crate::args::Run;
use crate::commands::fit;
use crate::failure::Failure;
use crate::output::{Unwritten, write_file};

/// The policy where none is named, as under `--compat dysta`.
const DEFAULT_POLICY: &str = "dysta";
/// Parameters that the artifact gives to every policy, used or not.
const GIVEN_TO_ALL: [&str; 3] = ["alpha", "beta", "predictor"];

pub(super) fn run(arguments: &Run) -> Result<(), Failure> {
    let Some(request_file) = &arguments.requests else {
        return Err(Failure::usage(
            "sample traces are run by recorded requests",
            "name a request file with --requests FILE",
        ));
    };
    let unused = [("--scenario", arguments.scenario.is_some()), ("--duration", arguments.duration.is_some())];
    if let Some((name, _)) = unused.iter().find(|(_, is_given)| *is_given) {
        let message =
            format!("`--traces` has no use for `{name}`: models are the traces, and all requests run");
        return Err(Failure::usage(message, format!("leave `{name}` out")));
    }
    let (chosen, sequence_length) = chosen(arguments)?;
    let source = load::read(request_file)?;
    let traces = load::sample_traces(&arguments.traces)?;
    let workload = recorded::workload(&source, traces, sequence_length);
    let platform = match &arguments.platform {
        Some(reference) => hardware::platform(reference, None, Mode::Corrected),
        None => recorded::recording_device(),
    };
    let (workload, platform) = match (workload, platform) {
        (Ok(workload), Ok(platform)) => (workload, platform),
        (Err(mut problems), Err(more)) => {
            problems.extend(more);
            return Err(problems.into());
        }
        (Err(problems), _) | (_, Err(problems)) => return Err(problems.into()),
    };
    spare_inputs(arguments)?;
    let system = Engine::built_in()
        .system_for(&chosen.policy, &workload, &platform)
        .map_err(|error| fit::failed(None, &workload, &platform, error))?;
    let order = RequestOrder::of(&source, &workload.scenario);
    let mut jobs = Vec::new();
    let mut hash = DecisionHash::new(&order);
    let mut unwritten = Unwritten::default();
    let summary = timeline::watched(arguments, &system, &mut unwritten, |timeline| {
        let mut both;
        let watch: &mut dyn Observer = match timeline {
            None => &mut hash,
            Some(timeline) => {
                both = (&mut hash, timeline);
                &mut both
            }
        };
        engine::simulated(arguments.seed(), &chosen, &system, Some(&mut jobs), watch)
    })?;
    if let Some(path) = &arguments.jobs {
        unwritten.note(write_file(path, jobs_csv(&system, &order, &jobs)?.as_bytes()));
    }
    let extra = Compared {
        violation_rate: summary.deadline_violation_rate,
        switches: summary.accelerators.iter().map(|accelerator| accelerator.job_switches).sum(),
        decision_fnv1a64: format!("{:016x}", hash.value()),
    };
    let printed = engine::print(arguments, arguments.seed(), &system, &chosen, &summary, Some(extra));
    unwritten.told_after(printed)
}

/// Parameters of the engine that `--set` states, and the sequence length: layers one by one and to the last request,
/// unless it says otherwise.
fn chosen(arguments: &Run) -> Result<(Chosen, u32), Failure> {
    let schema = engine::schema(arguments.policy.as_deref().unwrap_or(DEFAULT_POLICY))?;
    let runner = Engine::built_in().spec();
    let refused = |error: ParameterError| Failure::usage(error.to_string(), error.help());
    let mut chosen = Chosen::with_defaults(runner, schema);
    if schema.parameters.get("granularity").is_some() {
        chosen.policy.parameters.set_text("granularity", "layer").map_err(refused)?;
    }
    chosen.settings.set_text("end_of_run", "drain").map_err(refused)?;
    let has_use = |text: &&String| {
        let key = text.split_once('=').map_or("", |(key, _)| key.trim());
        let is_useless = GIVEN_TO_ALL.contains(&key) && schema.parameters.get(key).is_none();
        if is_useless {
            tracing::warn!(policy = %schema.name, parameter = key, "the policy has no such parameter");
        }
        !is_useless
    };
    let texts: Vec<&String> = arguments.set.iter().filter(has_use).collect();
    let mut own = Parameters::defaults(&Schema::of(&[&[&SEQUENCE_LENGTH]]));
    chosen.set(runner, schema, &mut own, &texts).map_err(refused)?;
    engine::refuse_idle_settings(&chosen, false)?;
    Ok((chosen, own.read(&SEQUENCE_LENGTH)))
}

/// Fields of the JSON form under the names of `--compat dysta`, beside `antt`, `stp` and `decisions`.
#[derive(Serialize)]
struct Compared {
    violation_rate: Option<f64>,
    switches: u64,
    decision_fnv1a64: String,
}

/// A row a request, in the order of the request file.
fn jobs_csv(system: &System, order: &RequestOrder, jobs: &[JobRow]) -> Result<String, Failure> {
    let mut rows: Vec<Option<&JobRow>> = vec![None; order.len()];
    for job in jobs {
        let row = order.row(job.task, job.frame).and_then(|row| rows.get_mut(row as usize));
        if let Some(row) = row {
            *row = Some(job);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["request", "model", "arrival_s", "deadline_s", "start_s", "finish_s"])?;
    for (request, job) in rows.iter().enumerate() {
        let Some(job) = job else { continue };
        let finish = (job.status == JobStatus::Completed).then_some(job.end);
        let start = job.start.map(seconds).unwrap_or_default();
        let model = &system.models[job.model.index()].name;
        writer.write_record([
            request.to_string(),
            model.clone(),
            seconds(job.arrival),
            seconds(job.deadline),
            start,
            finish.map(seconds).unwrap_or_default(),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::Run(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Failure::Run(error.to_string()))
}

/// An instant in decimal seconds, exactly.
fn seconds(time: Time) -> String {
    let picoseconds = time.picoseconds();
    let text = format!("{}.{:012}", picoseconds / 1_000_000_000_000, picoseconds % 1_000_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
