//! Recorded requests in CSV: the trace of one task, or a request file, whose rows name models.
//!
//! Instants are decimal seconds, read digit by digit and rounded to the nearest picosecond: no float comes
//! near them. Rows are sorted by
//! arrival, so that a run can take them in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decimal::Decimal;
use crate::ids::{ModelId, TaskId};
use crate::input::{CsvRow, CsvTable, Diagnostics, Source, problem_with, suggestion};
use crate::model::{Model, model_name};
use crate::pins::Pins;
use crate::sample_trace::SampleTrace;
use crate::scenario::{Arrivals, Deadline, Request, Scenario, Task, Workload};
use crate::scenario_file::add_model;
use crate::time::{Duration, Time, TimeError};

const ARRIVAL: &str = "arrival_s";
const MODEL: &str = "model";
const SAMPLE: &str = "sample";
const PRIORITY: &str = "priority";
const DEADLINE: &str = "relative_deadline_s";
/// Decimals of a second that a picosecond has.
const DECIMALS: u32 = 12;

/// The columns of a request file; the trace of a task has the same but for the model.
const KEYS: [&str; 5] = ["arrival_s", "model", "sample", "priority", "relative_deadline_s"];

/// Positions of the columns; `None` for an optional one that is absent.
#[derive(Clone, Copy)]
struct Columns {
    arrival: usize,
    sample: Option<usize>,
    priority: Option<usize>,
    deadline: Option<usize>,
}

/// Reads the requests of one task.
pub(crate) fn read_trace(source: &Source) -> Result<Vec<Request>, Diagnostics> {
    let mut table = CsvTable::parse(source, &[ARRIVAL]);
    if table.column(MODEL).is_some() {
        let help = "remove the column, or replay the table as a request file";
        table.reject_header("the trace of a task has no column `model`: the task names it", help);
    }
    table.only(&KEYS);
    let mut requests = Vec::new();
    let problems = each_request(source, table, |_, _, request| requests.push(request));
    problems.into_result(Some(requests))
}

/// Reads a request file as a scenario of its own: a task for each name in the column `model`, in the
/// order of their first requests. Names are those of tasks or models of `scenario`, where one is
/// given, or of models that `open_model` finds.
pub(crate) fn read_requests(
    name: &str,
    source: &Source,
    scenario: Option<&Workload>,
    open_model: &dyn Fn(&str) -> Result<Model, Diagnostics>,
) -> Result<Workload, Diagnostics> {
    let mut table = CsvTable::parse(source, &[ARRIVAL, MODEL]);
    table.only(&KEYS);
    let model_column = table.column(MODEL).unwrap_or(0);
    let mut streams = Streams::new(scenario, open_model);
    let mut duration = Duration::ZERO;
    let problems = each_request(source, table, |row, columns, request| {
        let Some(stream) = streams.find(row, model_column) else { return };
        if let Some(samples) = stream.samples.clone() {
            check_sampled(row, columns, &request, &samples);
        }
        let Some(deadline) = request.deadline.or(stream.deadline) else {
            stream.report_no_deadline(row, columns.deadline);
            return;
        };
        match request.arrival.picoseconds().checked_add(deadline.picoseconds()) {
            Some(end) => duration = duration.max(Duration::from_picoseconds(end)),
            None => row.reject(
                columns.deadline.unwrap_or(columns.arrival),
                "this request is due after the 213 days that the simulated clock can hold",
                "let it arrive earlier, or give it a shorter deadline",
            ),
        }
        stream.requests.push(request);
    });
    problems.into_result(Some(()))?;
    let (tasks, models) = streams.finish();
    let of_path = source.name().rsplit(['/', '\\']).next().unwrap_or_default();
    let scenario = Scenario {
        name: name.to_owned(),
        source: format!("requests of {of_path}"),
        duration,
        tasks,
        phases: Vec::new(),
    };
    Ok(Workload { scenario, models })
}

/// Records what a model with recorded samples cannot have: a sample that was not recorded, and a priority
/// that is no weight.
fn check_sampled(row: &mut CsvRow<'_>, columns: Columns, request: &Request, samples: &SampleTrace) {
    if let (Some(sample), Some(column)) = (request.sample, columns.sample)
        && samples.position(sample).is_none()
    {
        let message = format!("the trace `{}` has no sample {sample}", samples.name);
        let last = samples.len().checked_sub(1).map_or(0, |last| samples.id(last));
        let help = format!("it has {} samples, {} to {last}", samples.len(), samples.id(0));
        row.reject(column, message, help);
    }
    if let (Some(priority), Some(column)) = (request.priority, columns.priority)
        && priority < 1
    {
        let message = format!("a priority of {priority} gives this request no weight");
        row.reject(column, message, "write 1 or more, such as 1, 3 or 9");
    }
}

/// Calls `each` for every request that makes sense.
fn each_request(
    source: &Source,
    table: CsvTable<'_>,
    mut each: impl FnMut(&mut CsvRow<'_>, Columns, Request),
) -> Diagnostics {
    let columns = Columns {
        // Where the header lacks it, no row is read.
        arrival: table.column(ARRIVAL).unwrap_or(0),
        sample: table.column(SAMPLE),
        priority: table.column(PRIORITY),
        deadline: table.column(DEADLINE),
    };
    let mut order = Order::default();
    let mut is_empty = true;
    let mut problems = table.each_row(|row| {
        is_empty = false;
        if let Some(request) = read_request(row, columns, &mut order) {
            each(row, columns, request);
        }
    });
    if is_empty && problems.is_empty() {
        problems.push(problem_with(source, "the table has no requests").help("add a row for each request"));
    }
    problems
}

/// Where the arrivals of a table stand.
#[derive(Default)]
struct Order {
    last: Time,
    /// True if an earlier one came after a later one: said once, since sorting mends all of them.
    is_broken: bool,
}

fn read_request(row: &mut CsvRow<'_>, columns: Columns, order: &mut Order) -> Option<Request> {
    let arrival = seconds(row, columns.arrival, ARRIVAL).map(|span| Time::ZERO.saturating_add(span));
    if let Some(arrival) = arrival {
        if arrival < order.last && !order.is_broken {
            order.is_broken = true;
            let before = order.last.saturating_since(Time::ZERO);
            let message = format!(
                "this request arrives at {}, before the one in the row above it, at {before}",
                arrival.saturating_since(Time::ZERO)
            );
            row.reject(columns.arrival, message, "sort the rows by `arrival_s`");
        }
        order.last = arrival;
    }
    let stated = |row: &CsvRow<'_>, column: Option<usize>| column.filter(|column| !row.is_blank(*column));
    // A bad cell is recorded, and what it should have said does not matter any more.
    let sample = stated(row, columns.sample).and_then(|column| row.integer(column, 0..=u64::MAX));
    let priority = stated(row, columns.priority).and_then(|column| row.integer(column, i32::MIN..=i32::MAX));
    let deadline = match stated(row, columns.deadline) {
        None => None,
        Some(column) => match seconds(row, column, DEADLINE)? {
            Duration::ZERO => {
                row.reject(column, "a deadline is above zero", "write a longer one, or leave the cell empty");
                return None;
            }
            deadline => Some(deadline),
        },
    };
    Some(Request { arrival: arrival?, sample, priority, deadline })
}

/// A cell of decimal seconds; anything else is recorded.
fn seconds(row: &mut CsvRow<'_>, column: usize, name: &str) -> Option<Duration> {
    let text = row.text(column);
    let error = match parse_seconds(text) {
        Ok(duration) => return Some(duration),
        Err(error) => error,
    };
    let is_negative = text.strip_prefix('-').is_some_and(|rest| parse_seconds(rest).is_ok());
    let (why, help) = match error {
        TimeError::TooLong => (error.to_string(), "write seconds, such as 0.0125"),
        _ if is_negative => (
            "negative".to_owned(),
            "write seconds without a sign: from the start of the run or, for deadlines, from the arrival",
        ),
        _ => (
            "no decimal number of seconds".to_owned(),
            "write a decimal number without a unit, such as 0.0125 or 1.25e-2",
        ),
    };
    let message = match text {
        "" => format!("the cell in column `{name}` is blank"),
        text => format!("`{text}` in column `{name}` is {why}"),
    };
    row.reject(column, message, help);
    None
}

/// Decimal seconds as picoseconds, to the nearest; halves upwards. Recorded times often have more digits than that.
fn parse_seconds(text: &str) -> Result<Duration, TimeError> {
    let seconds = Decimal::parse(text).ok_or(TimeError::Malformed)?;
    let parts = seconds.parts(DECIMALS).ok_or(TimeError::TooLong)?;
    let picoseconds = parts.whole.checked_add(u64::from(parts.rounds_up)).ok_or(TimeError::TooLong)?;
    Ok(Duration::from_picoseconds(picoseconds))
}

/// The requests that name one task or model.
struct Stream {
    name: String,
    /// The models that may run, the default first.
    networks: Vec<ModelId>,
    priority: i32,
    drawn_priorities: Vec<i32>,
    /// Of requests that state none.
    deadline: Option<Duration>,
    /// True if the task's deadline follows from latencies, which a table of instants knows nothing of.
    is_isolated: bool,
    /// Of the scenario's task.
    pins: Pins,
    requests: Vec<Request>,
    lacks_deadline: bool,
    /// Of its default variant.
    samples: Option<Arc<SampleTrace>>,
}

impl Stream {
    /// Records that nothing says when a request is due: for each blank cell, and once where there is
    /// no column.
    fn report_no_deadline(&mut self, row: &mut CsvRow<'_>, column: Option<usize>) {
        let (message, help) = if self.is_isolated {
            (
                "this request has no deadline, and that of its task is a multiple of a latency",
                "write `relative_deadline_s`: the duration of a replay follows from it",
            )
        } else {
            (
                "this request has no deadline, and no scenario states one",
                "write `relative_deadline_s`, or give a scenario whose tasks have deadlines",
            )
        };
        match column {
            Some(_) => row.reject_row(message, help),
            None if !self.lacks_deadline => row.reject_row(message, help),
            None => {}
        }
        self.lacks_deadline = true;
    }
}

/// The streams of a request file, and the models that they run.
struct Streams<'o> {
    scenario: Option<&'o Workload>,
    open_model: &'o dyn Fn(&str) -> Result<Model, Diagnostics>,
    streams: Vec<Stream>,
    models: Vec<Model>,
    /// Positions of the streams by name; none for a name that stands for nothing.
    positions: BTreeMap<String, Option<usize>>,
    /// For each model of the scenario, where it stands among `models`.
    taken: Vec<Option<ModelId>>,
}

impl<'o> Streams<'o> {
    fn new(
        scenario: Option<&'o Workload>,
        open_model: &'o dyn Fn(&str) -> Result<Model, Diagnostics>,
    ) -> Self {
        let taken = scenario.map_or_else(Vec::new, |workload| vec![None; workload.models.len()]);
        let (streams, models) = (Vec::new(), Vec::new());
        Self { scenario, open_model, streams, models, positions: BTreeMap::new(), taken }
    }

    /// The stream that a row names; a name that stands for nothing is recorded, the first time.
    fn find(&mut self, row: &mut CsvRow<'_>, column: usize) -> Option<&mut Stream> {
        if row.is_blank(column) {
            row.reject(column, "this request names no model", "write the name or the path of a model");
            return None;
        }
        let position = match self.positions.get(row.text(column)) {
            Some(known) => *known,
            None => {
                let name = row.text(column).to_owned();
                let stream = match self.scenario {
                    Some(scenario) => self.of_scenario(scenario, &name, row, column),
                    None => self.of_model(&name, row, column),
                };
                let position = stream.map(|mut stream| {
                    let network = stream.networks.first().and_then(|id| self.models.get(id.index()));
                    stream.samples = network.and_then(|model| model.samples.clone());
                    self.streams.push(stream);
                    self.streams.len() - 1
                });
                self.positions.insert(name, position);
                position
            }
        };
        self.streams.get_mut(position?)
    }

    fn of_model(&mut self, name: &str, row: &mut CsvRow<'_>, column: usize) -> Option<Stream> {
        match (self.open_model)(name) {
            Ok(model) => {
                let networks = add_model(&mut self.models, model);
                Some(Stream::new(name, networks))
            }
            Err(problems) => {
                row.report_from(column, &problems);
                None
            }
        }
    }

    /// The task of this name, else the first one that runs the model of this name.
    fn of_scenario(
        &mut self,
        workload: &Workload,
        name: &str,
        row: &mut CsvRow<'_>,
        column: usize,
    ) -> Option<Stream> {
        let Workload { scenario, models } = workload;
        let written = name;
        let name = if scenario.tasks.iter().any(|task| task.name == written) {
            written
        } else {
            model_name(written)
        };
        let network_of = |task: &Task| models.get(task.model.index());
        let model_of = |task: &Task| network_of(task).map_or("", |model| model.name.as_str());
        let by_name = scenario.tasks.iter().position(|task| task.name == name);
        let is_of = |task: &Task| {
            network_of(task).is_some_and(|model| model.name == name || model.supernet() == Some(name))
        };
        let by_model = || scenario.tasks.iter().position(is_of);
        let Some(position) = by_name.or_else(by_model) else {
            let tasks = scenario.tasks.iter().map(|task| task.name.as_str());
            let known: Vec<&str> = tasks.chain(scenario.tasks.iter().map(model_of)).collect();
            let message = format!("the scenario has no task `{written}`, and no model of this name");
            row.reject(column, message, suggestion(name, "task", &known));
            return None;
        };
        let task = &scenario.tasks[position];
        let networks = task.variants.iter().filter_map(|id| self.take(models, *id)).collect();
        let deadline = scenario.relative_deadline(TaskId::new(position));
        Some(Stream {
            priority: task.priority,
            drawn_priorities: task.drawn_priorities.clone(),
            deadline,
            is_isolated: matches!(task.deadline, Deadline::Isolated { .. }),
            pins: task.pins.clone(),
            ..Stream::new(name, networks)
        })
    }

    /// Lists a model of the scenario, once.
    fn take(&mut self, models: &[Model], id: ModelId) -> Option<ModelId> {
        let taken = self.taken.get_mut(id.index())?;
        if taken.is_none() {
            self.models.push(models.get(id.index())?.clone());
            *taken = Some(ModelId::new(self.models.len() - 1));
        }
        *taken
    }

    fn finish(self) -> (Vec<Task>, Vec<Model>) {
        let tasks = self.streams.into_iter().filter_map(Stream::into_task).collect();
        (tasks, self.models)
    }
}

impl Stream {
    fn new(name: &str, networks: Vec<ModelId>) -> Self {
        Self {
            name: name.to_owned(),
            networks,
            priority: 0,
            drawn_priorities: Vec::new(),
            deadline: None,
            is_isolated: false,
            pins: Pins::default(),
            requests: Vec::new(),
            lacks_deadline: false,
            samples: None,
        }
    }

    fn into_task(self) -> Option<Task> {
        Some(Task {
            name: self.name,
            model: *self.networks.first()?,
            variants: self.networks,
            arrivals: Arrivals::Trace(self.requests.into()),
            // Without a deadline of the task, every request has its own.
            deadline: self.deadline.map_or(Deadline::Period, Deadline::After),
            priority: self.priority,
            drawn_priorities: self.drawn_priorities,
            depends_on: Vec::new(),
            trigger_probability: 1.0,
            pins: self.pins,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_picoseconds_exactly() {
        let cases = [
            ("0", Ok(0)),
            ("1", Ok(1_000_000_000_000)),
            ("0.1", Ok(100_000_000_000)),
            ("0.000000000001", Ok(1)),
            ("12.34567890123400000", Ok(12_345_678_901_234)),
            ("18446744.073709551615", Ok(u64::MAX)),
            ("18446744.073709551616", Err(TimeError::TooLong)),
            ("99999999999999999999", Err(TimeError::TooLong)),
            ("0.0000000000004", Ok(0)),
            ("0.0000000000005", Ok(1)),
            ("0.9999999999995", Ok(1_000_000_000_000)),
            ("0.008695885427440096", Ok(8_695_885_427)),
            ("", Err(TimeError::Malformed)),
            (".5", Err(TimeError::Malformed)),
            ("1.", Err(TimeError::Malformed)),
            ("1.2.3", Err(TimeError::Malformed)),
            ("-1", Err(TimeError::Malformed)),
            ("+1", Err(TimeError::Malformed)),
            ("1e3", Ok(1_000_000_000_000_000)),
            ("5e-05", Ok(50_000_000)),
            ("1e", Err(TimeError::Malformed)),
            ("nan", Err(TimeError::Malformed)),
            ("1s", Err(TimeError::Malformed)),
            ("1_000", Err(TimeError::Malformed)),
            ("\u{661}", Err(TimeError::Malformed)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_seconds(text).map(Duration::picoseconds), expected, "{text}");
        }
    }
}
