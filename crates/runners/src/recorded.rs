//! Recorded requests on sample traces, on the event engine: what the Sparse-DySta artifact's loop runs.
//!
//! Every trace is a model, and every model a task. Each request names a task and is a job of it. On the device that
//! recorded the traces, a layer takes as long as it was recorded to take.

use std::sync::Arc;

use rtmm_hardware::{Mode, Platform, load as hardware};
use rtmm_reference::dysta::DEFAULT_SEQUENCE_LENGTH;
use rtmm_scheduler::{Job, Run};
use rtmm_sim::Observer;
use rtmm_workload::input::problem_with;
use rtmm_workload::input::{CsvTable, Diagnostic, Diagnostics, Source};
use rtmm_workload::load::{TraceFile, requests_of};
use rtmm_workload::parameters::Integer;
use rtmm_workload::{
    Arrivals, Duration, Legality, Model, ModelId, Period, Scenario, Task, TaskId, Time, Workload,
};

/// Tokens of attention layers; the default is the artifact's.
pub const SEQUENCE_LENGTH: Integer<u32> = Integer::new(
    "seq_len",
    "sequence length of attention models, in tokens",
    DEFAULT_SEQUENCE_LENGTH,
    1..=1_000_000,
);

const SECOND: Duration = Duration::from_picoseconds(1_000_000_000_000);

/// Platform of one accelerator, on which layers take as long as traces recorded.
///
/// # Errors
/// A defect of this crate alone: the platform is built in.
pub fn recording_device() -> Result<Platform, Diagnostics> {
    const DEVICE: &str = "source = \"the device that recorded the traces\"\n[[accelerator]]\nname = \"recorded\"\nmodel = \"traced\"\n";
    hardware::platform_of(&Source::new("recorded", DEVICE), Mode::Corrected)
}

/// Workload of a request file on sample traces, with attention layers of so many tokens.
///
/// # Errors
/// Traces of one name, and every problem of the request file.
pub fn workload(
    requests: &Source,
    traces: Vec<TraceFile>,
    sequence_length: u32,
) -> Result<Workload, Diagnostics> {
    let mut problems = Diagnostics::default();
    for (position, file) in traces.iter().enumerate() {
        if traces[..position].iter().any(|other| other.trace.name == file.trace.name) {
            let message = format!("there are two traces named `{}`", file.trace.name);
            let help = "rename one of the files: requests name them up to the first dot";
            problems.push(problem_with(&file.source, message).help(help));
        }
    }
    problems.into_result(Some(()))?;
    let models: Vec<Model> =
        traces.into_iter().map(|file| Model::of_trace(Arc::new(file.trace), sequence_length)).collect();
    // Requests state their arrivals and deadlines: nothing of the period is taken.
    let period = Period::new(SECOND).map_err(|error| Diagnostic::without_place(error.to_string()))?;
    let task = |(index, model): (usize, &Model)| {
        let arrivals = Arrivals::Trace(Vec::new().into());
        Task { arrivals, ..Task::periodic(&model.name, ModelId::new(index), period) }
    };
    let scenario = Scenario {
        name: "sample traces".to_owned(),
        source: "recorded".to_owned(),
        duration: SECOND,
        tasks: models.iter().enumerate().map(task).collect(),
        phases: Vec::new(),
    };
    requests_of(requests, Some(&Workload { scenario, models }), Legality::Strict)
}

/// Positions of jobs in the request file that they are from.
#[derive(Clone, Debug)]
pub struct RequestOrder {
    /// By task, then frame.
    requests: Vec<Vec<u32>>,
    count: u32,
}

impl RequestOrder {
    /// The order of a request file's rows. Every problem of the file was reported when its workload was read.
    #[must_use]
    pub fn of(requests: &Source, scenario: &Scenario) -> Self {
        let tasks = &scenario.tasks;
        let mut order = Self { requests: vec![Vec::new(); tasks.len()], count: 0 };
        let table = CsvTable::parse(requests, &[]);
        let column = table.column("model").unwrap_or(0);
        let _ = table.each_row(|row| {
            if let Some(task) = tasks.iter().position(|task| task.name == row.text(column)) {
                order.requests[task].push(order.count);
            }
            order.count += 1;
        });
        order
    }

    /// Number of requests.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Row of the request that a frame of a task is; none for a frame that no request is.
    #[must_use]
    pub fn row(&self, task: TaskId, frame: u64) -> Option<u32> {
        let frame = usize::try_from(frame).ok()?;
        self.requests.get(task.index())?.get(frame).copied()
    }
}

/// FNV-1a over the rows of the requests that are dispatched, four bytes each, little-endian. Equal decisions have
/// equal hashes; the artifact's goldens have the same.
#[derive(Clone, Debug)]
pub struct DecisionHash<'o> {
    order: &'o RequestOrder,
    hash: u64,
}

impl<'o> DecisionHash<'o> {
    /// The hash of no decision.
    #[must_use]
    pub fn new(order: &'o RequestOrder) -> Self {
        Self { order, hash: 0xCBF2_9CE4_8422_2325 }
    }

    /// The hash of all dispatches so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.hash
    }
}

impl Observer for DecisionHash<'_> {
    fn dispatched(&mut self, _now: Time, _run: &Run, job: &Job) {
        for byte in self.order.row(job.task, job.frame).unwrap_or(u32::MAX).to_le_bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}
