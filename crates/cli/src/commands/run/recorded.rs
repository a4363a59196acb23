//! `rtmm run --traces`: recorded requests on sample traces, on the event engine.
//!
//! The call is that of `--compat dysta`, and what it prints and writes has the same names, so that the two
//! can be laid side by side. Every trace is a model, and every model a task; one accelerator that takes
//! what traces recorded is the platform where none is named.

use std::sync::Arc;

use rtmm_hardware::{AcceleratorId, Mode, load as hardware};
use rtmm_runners::engine::system;
use rtmm_scheduler::{Job, Segment};
use rtmm_sim::metrics::{JobOutcome, JobRow};
use rtmm_sim::{Observer, System};
use rtmm_workload::input::{CsvTable, Diagnostics, Source};
use rtmm_workload::{Duration, Model, ModelId, Period, Scenario, Task, Time, Workload, load};
use serde::Serialize;

use super::engine;
use super::traces;
use crate::args::Run;
use crate::failure::Failure;
use crate::output::write_file;

/// The policy where none is named, as under `--compat dysta`.
const DEFAULT_POLICY: &str = "dysta";
/// Tokens of attention layers where nobody says otherwise, as the artifact has it.
const SEQUENCE_LENGTH: u32 = 512;
const LONGEST_SEQUENCE: u32 = 1_000_000;
/// Where no platform is named: the device that recorded the traces.
const PLATFORM: &str = "source = \"the device that recorded the traces\"\n[[accelerator]]\nname = \"recorded\"\nmodel = \"traced\"\n";
/// What the artifact gives to every policy, whether it has a use for it or not.
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
    let (set, sequence_length) = settings(arguments)?;
    let policy = arguments.policy.as_deref().unwrap_or(DEFAULT_POLICY);
    let chosen = engine::chosen(Some(policy), &set)?;
    let source = load::read(request_file)?;
    let recorded = workload(arguments, sequence_length)?;
    let requests = load::requests_of(&source, Some(&recorded), rtmm_workload::Legality::Strict);
    let platform = match &arguments.platform {
        Some(reference) => hardware::platform(reference, None, Mode::Corrected),
        None => hardware::platform_of(&Source::new("recorded", PLATFORM), Mode::Corrected),
    };
    let (workload, platform) = match (requests, platform) {
        (Ok(workload), Ok(platform)) => (workload, platform),
        (Err(mut problems), Err(more)) => {
            problems.extend(more);
            return Err(problems.into());
        }
        (Err(problems), _) | (_, Err(problems)) => return Err(problems.into()),
    };
    let system = system(&workload, &platform)?;
    let order = Order::of(&source, &system);
    let mut jobs = Vec::new();
    let mut hash = DecisionHash::new(&order);
    let summary = engine::simulated(arguments.seed, &chosen, &system, Some(&mut jobs), &mut hash)?;
    if let Some(path) = &arguments.jobs {
        write_file(path, jobs_csv(&system, &order, &jobs)?.as_bytes())?;
    }
    let extra = Compared {
        violation_rate: summary.deadline_violation_rate,
        switches: summary.accelerators.iter().map(|accelerator| accelerator.job_switches).sum(),
        decision_fnv1a64: format!("{:016x}", hash.hash),
    };
    engine::print(arguments, &system, &chosen, &summary, Some(extra))
}

/// What `--set` says to the engine, and the sequence length: layers one by one and to the last request,
/// unless it says otherwise.
fn settings(arguments: &Run) -> Result<(Vec<String>, u32), Failure> {
    let name = arguments.policy.as_deref().unwrap_or(DEFAULT_POLICY);
    let has = |key: &str| {
        engine::schema(name)
            .is_some_and(|schema| schema.parameters.iter().any(|parameter| parameter.name == key))
    };
    let mut sequence_length = SEQUENCE_LENGTH;
    let mut set = Vec::new();
    for text in &arguments.set {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        match key.trim() {
            "seq_len" => {
                let length = value.trim().parse().ok();
                sequence_length =
                    length.filter(|length| (1..=LONGEST_SEQUENCE).contains(length)).ok_or_else(|| {
                        let message = format!("`seq_len` cannot be `{}`", value.trim());
                        let help = format!("allowed: whole numbers from 1 to {LONGEST_SEQUENCE}");
                        Failure::usage(message, help)
                    })?;
            }
            key if GIVEN_TO_ALL.contains(&key) && !has(key) => {
                tracing::warn!(policy = name, parameter = key, "the policy has no such parameter");
            }
            _ => set.push(text.clone()),
        }
    }
    for (key, value) in [("granularity", "layer"), ("end_of_run", "drain")] {
        if !set.iter().any(|text| text.split_once('=').is_some_and(|(known, _)| known.trim() == key)) {
            set.push(format!("{key}={value}"));
        }
    }
    Ok((set, sequence_length))
}

/// A task for each trace, for requests to name.
fn workload(arguments: &Run, sequence_length: u32) -> Result<Workload, Failure> {
    let files = traces::read(&arguments.traces)?;
    let mut problems = Diagnostics::default();
    for (position, file) in files.iter().enumerate() {
        if files[..position].iter().any(|other| other.trace.name == file.trace.name) {
            let message = format!("there are two traces named `{}`", file.trace.name);
            let help = "rename one of the files: requests name them up to the first dot";
            problems.push(load::problem_with(&file.source, message).help(help));
        }
    }
    problems.into_result(Some(()))?;
    let models: Vec<Model> =
        files.into_iter().map(|file| Model::of_trace(Arc::new(file.trace), sequence_length)).collect();
    // Requests state their arrivals and deadlines: nothing of the period is taken.
    let period = Period::new(SECOND).map_err(|error| Failure::Run(error.to_string()))?;
    let task = |(index, model): (usize, &Model)| {
        let trace = rtmm_workload::Arrivals::Trace(Vec::new().into());
        Task { arrivals: trace, ..Task::periodic(&model.name, ModelId::new(index), period) }
    };
    let scenario = Scenario {
        name: "sample traces".to_owned(),
        source: "recorded".to_owned(),
        duration: SECOND,
        tasks: models.iter().enumerate().map(task).collect(),
        phases: Vec::new(),
    };
    Ok(Workload { scenario, models })
}

const SECOND: Duration = Duration::from_picoseconds(1_000_000_000_000);

/// Where the frames of each task stand in the request file.
struct Order {
    /// By task, then frame.
    requests: Vec<Vec<u32>>,
    count: usize,
}

impl Order {
    fn of(source: &Source, system: &System<'_>) -> Self {
        let tasks = &system.scenario.tasks;
        let mut requests = vec![Vec::new(); tasks.len()];
        let mut count = 0_u32;
        let table = CsvTable::parse(source, &[]);
        let column = table.column("model").unwrap_or(0);
        // Every problem of the file was reported before.
        let _ = table.each_row(|row| {
            if let Some(task) = tasks.iter().position(|task| task.name == row.text(column)) {
                requests[task].push(count);
            }
            count += 1;
        });
        Self { requests, count: count as usize }
    }

    fn request(&self, task: rtmm_workload::TaskId, frame: u64) -> u32 {
        let of_task = self.requests.get(task.index());
        of_task.and_then(|requests| requests.get(frame as usize)).copied().unwrap_or(u32::MAX)
    }
}

/// FNV-1a over the requests that are dispatched, four bytes each: the artifact's goldens have the same.
struct DecisionHash<'o> {
    order: &'o Order,
    hash: u64,
}

impl<'o> DecisionHash<'o> {
    fn new(order: &'o Order) -> Self {
        Self { order, hash: 0xCBF2_9CE4_8422_2325 }
    }
}

impl Observer for DecisionHash<'_> {
    fn dispatched(&mut self, _now: Time, _accelerator: AcceleratorId, _segment: &Segment, job: &Job) {
        for byte in self.order.request(job.task, job.frame).to_le_bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}

/// What the JSON form says under the names of `--compat dysta`, beside `antt`, `stp` and `decisions`.
#[derive(Serialize)]
struct Compared {
    violation_rate: Option<f64>,
    switches: u64,
    decision_fnv1a64: String,
}

/// A row a request, in the order of the request file.
fn jobs_csv(system: &System<'_>, order: &Order, jobs: &[JobRow]) -> Result<String, Failure> {
    let mut rows: Vec<Option<&JobRow>> = vec![None; order.count];
    for job in jobs {
        if let Some(row) = rows.get_mut(order.request(job.task, job.frame) as usize) {
            *row = Some(job);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["request", "model", "arrival_s", "deadline_s", "start_s", "finish_s"])?;
    for (request, job) in rows.iter().enumerate() {
        let Some(job) = job else { continue };
        let finish = (job.outcome == JobOutcome::Completed).then_some(job.end);
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
