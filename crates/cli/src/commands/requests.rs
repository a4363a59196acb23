//! `rtmm requests`: what arrives, as a request file: under a seed, or as a published tool drew it.

use std::path::{Path, PathBuf};

use rtmm_reference::moca::load_generator::{self, Qos, WorkloadSet};
use rtmm_reference::moca::scheduler::Task as Query;
use rtmm_workload::{
    Arrivals, Deadline, Duration, Frame, Frames, Legality, Scenario, Task, TaskId, Time, Workload, load,
};

use crate::args::{QosLevel, RequestCompat, Requests, SetOfNets};
use crate::failure::{Failure, say};
use crate::folders::refuse_inputs;
use crate::output::{replace_file, reserve, stdout};

const PICOSECONDS_PER_SECOND: u64 = 1_000_000_000_000;
/// Cycles of the MoCA evaluation are nanoseconds.
const MOCA_CLOCK_HZ: u64 = 1_000_000_000;

/// A row of a request file.
struct Row {
    arrival: Time,
    model: String,
    /// None where the model draws one, or has none.
    sample: Option<u64>,
    /// None for the default, 0, which some models cannot have stated.
    priority: Option<i32>,
    /// None where the scenario says it.
    deadline: Option<Duration>,
}

pub(crate) fn requests(arguments: &Requests) -> Result<(), Failure> {
    let outputs: Vec<&Path> = arguments.output.iter().map(PathBuf::as_path).collect();
    let inputs: Vec<&Path> = arguments.scenario.iter().map(Path::new).collect();
    let _reserved = reserve(&outputs, &inputs)?;
    let rows = match (&arguments.scenario, arguments.compat) {
        (Some(scenario), _) => {
            let workload = load::workload(scenario, None, Legality::Strict)?;
            refuse_inputs(&outputs)?;
            rows_of_scenario(&workload, arguments.seed)?
        }
        (None, Some(RequestCompat::Moca)) => rows_of_moca(arguments.workload, arguments.qos)?,
        (None, None) => return Err(Failure::usage("nothing says which requests", "add --scenario NAME")),
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["arrival_s", "model", "sample", "priority", "relative_deadline_s"])?;
    for row in &rows {
        let arrival = seconds(row.arrival.saturating_since(Time::ZERO));
        let deadline = row.deadline.map(seconds).unwrap_or_default();
        let sample = row.sample.map(|sample| sample.to_string()).unwrap_or_default();
        let priority = row.priority.map(|priority| priority.to_string()).unwrap_or_default();
        writer.write_record([&arrival, &row.model, &sample, &priority, &deadline])?;
    }
    let text = writer.into_inner().map_err(|error| Failure::Output(error.into_error()))?;
    match &arguments.output {
        Some(path) => {
            replace_file(path, &text)?;
            say!("{} requests in {}", rows.len(), path.display());
        }
        None => std::io::Write::write_all(&mut stdout(), &text)?,
    }
    Ok(())
}

/// The requests of a scenario under a seed, by arrival; of equal ones, the first task's first.
fn rows_of_scenario(workload: &Workload, seed: u64) -> Result<Vec<Row>, Failure> {
    let scenario = &workload.scenario;
    let mut rows: Vec<(Time, usize, Row)> = Vec::new();
    for (index, task) in scenario.tasks.iter().enumerate() {
        check_task(scenario, task)?;
        let mut frames = Frames::new(scenario, TaskId::new(index), seed);
        let of_task =
            std::iter::from_fn(|| frames.next_frame()).map(|frame| (frame.arrival, index, row(task, &frame)));
        rows.extend(of_task);
    }
    if rows.is_empty() {
        return Err(Failure::usage(
            format!("no request of scenario `{}` arrives before it is over", scenario.name),
            "make its `duration` longer",
        ));
    }
    rows.sort_by_key(|(arrival, index, _)| (*arrival, *index));
    Ok(rows.into_iter().map(|(_, _, row)| row).collect())
}

/// Refuses what a request file cannot say of a task.
fn check_task(scenario: &Scenario, task: &Task) -> Result<(), Failure> {
    let arrivals = || {
        let of_phases = scenario.phases.iter().flat_map(|phase| phase.arrivals.iter().flatten());
        std::iter::once(&task.arrivals).chain(of_phases)
    };
    let has_jitter =
        |arrivals: &Arrivals| matches!(arrivals, Arrivals::Periodic { jitter, .. } if !jitter.is_zero());
    let has = if !task.depends_on.is_empty() {
        "depends on others"
    } else if task.trigger_probability < 1.0 {
        "has frames that become no jobs"
    } else if arrivals().any(has_jitter) {
        "has jitter"
    } else if matches!(task.deadline, Deadline::Isolated { .. }) {
        "has a deadline that follows from latencies"
    } else {
        return Ok(());
    };
    Err(Failure::usage(
        format!(
            "task `{}` of scenario `{}` {has}, which a request file cannot say",
            task.name, scenario.name
        ),
        "run the scenario itself, under the seed that you want",
    ))
}

fn row(task: &Task, frame: &Frame) -> Row {
    // Without a deadline in time, a frame is due at the end of time.
    let deadline = (frame.deadline < Time::MAX).then(|| frame.deadline.saturating_since(frame.arrival));
    let is_default = frame.priority == 0 && task.priority == 0 && task.drawn_priorities.is_empty();
    Row {
        arrival: frame.arrival,
        model: task.name.clone(),
        sample: frame.is_recorded.then_some(frame.sample),
        priority: (!is_default).then_some(frame.priority),
        deadline,
    }
}

/// The queries of a cell of the MoCA evaluation, as its load generator draws them.
fn rows_of_moca(set: Option<SetOfNets>, qos: Option<QosLevel>) -> Result<Vec<Row>, Failure> {
    let (Some(set), Some(qos)) = (set, qos) else {
        return Err(Failure::usage(
            "the queries of MoCA are of a workload set at a level of service",
            "add --workload a, b or c, and --qos low, medium or high",
        ));
    };
    let set = match set {
        SetOfNets::A => WorkloadSet::A,
        SetOfNets::B => WorkloadSet::B,
        SetOfNets::C => WorkloadSet::C,
    };
    let qos = match qos {
        QosLevel::Low => Qos::Low,
        QosLevel::Medium => Qos::Medium,
        QosLevel::High => Qos::High,
    };
    let span = |cycles: u64| {
        Duration::from_cycles(cycles, MOCA_CLOCK_HZ)
            .ok_or_else(|| Failure::Run("a query is beyond the 213 days of the simulated clock".to_owned()))
    };
    let row = |task: Query| {
        Ok(Row {
            arrival: Time::ZERO.saturating_add(span(task.dispatch_cycle)?),
            model: format!("moca/{}", task.net.name().replace('-', "_")),
            sample: None,
            priority: i32::try_from(task.priority).ok(),
            deadline: Some(span(qos.target_cycles(task.net))?),
        })
    };
    load_generator::tasks(set).into_iter().map(row).collect()
}

/// Decimal seconds, exactly.
pub(super) fn seconds(span: Duration) -> String {
    let picoseconds = span.picoseconds();
    let (whole, fraction) = (picoseconds / PICOSECONDS_PER_SECOND, picoseconds % PICOSECONDS_PER_SECOND);
    let digits = format!("{fraction:012}");
    match digits.trim_end_matches('0') {
        "" => whole.to_string(),
        digits => format!("{whole}.{digits}"),
    }
}
