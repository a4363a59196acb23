//! Cases to run: tasks with calls of a planner, or a trace of requests to the throttle. JSON, one object a file.
//!
//! What a recorded case expects is passed over, and so is where it is from.

use std::ops::RangeInclusive;

use rtmm_workload::input::{Diagnostics, Document, Source, Table, Value, suggestion};

use super::hardware_throttle::{Request, Requests};
use super::nets::Net;
use super::scheduler::{Status, Task, TaskIndex};

/// The latest cycle of a plan: scores and clocks are exact up to there, in whatever type the program has them.
const MAX_CYCLE: u64 = 10_000_000_000;
const PRIORITIES: RangeInclusive<u32> = 0..=11;
/// The most tasks of a case, and calls.
const MAX_TASKS: usize = 10_000;
const MAX_CALLS: usize = 1_000;
const TRACE_CYCLES: RangeInclusive<u64> = 1..=10_000_000;
/// The most requests that a trace may offer.
const MAX_REQUESTS: u64 = 10_000_000;

/// The question of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Case {
    /// Plans of the scheduler.
    Plans(PlansCase),
    /// A trace of the throttle.
    Trace(TraceCase),
}

/// Which planner is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planner {
    /// A queue for each group.
    Multi,
    /// One queue for all.
    Single,
}

/// Tasks, and calls of a planner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlansCase {
    /// Its name.
    pub name: String,
    /// Which planner.
    pub planner: Planner,
    /// The tasks, in the order in which they are dispatched.
    pub tasks: Vec<Task>,
    /// The calls, one after the other.
    pub calls: Vec<Call>,
}

/// A call of a planner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it is called, in cycles.
    pub now_cycle: u64,
    /// Tasks that have come further since the last call, with their status.
    pub set_status: Vec<(TaskIndex, Status)>,
}

/// Requests to the throttle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceCase {
    /// Its name.
    pub name: String,
    /// Cycles that are simulated.
    pub cycles: u64,
    /// The requests, in their order.
    pub stream: Vec<Requests>,
}

/// Reads a case.
///
/// # Errors
/// Every problem of the text, with its place.
pub fn read(source: &Source) -> Result<Case, Diagnostics> {
    let document = Document::parse_json(source);
    let root = document.root().named("this case");
    let case = if root.has("trace") { trace(&root).map(Case::Trace) } else { plans(&root).map(Case::Plans) };
    document.finish(case)
}

fn plans(root: &Table<'_>) -> Option<PlansCase> {
    root.only(&["case", "source", "scheduler", "tasks", "calls"]);
    let name = root.required("case", Value::string);
    let planners = [("multi", Planner::Multi), ("single", Planner::Single)];
    let planner = root.required("scheduler", |value| value.choice(&planners));
    let tasks = root.required("tasks", tasks);
    let count = tasks.as_ref().map_or(MAX_TASKS, Vec::len);
    let calls = root.required("calls", |value| {
        let items = at_most(value, MAX_CALLS, "calls")?;
        all(&items, |item| call(item, count))
    });
    Some(PlansCase { name: name?.to_owned(), planner: planner?, tasks: tasks?, calls: calls? })
}

/// The items of a list that has at most so many.
fn at_most<'d>(value: &Value<'d>, most: usize, what: &str) -> Option<Vec<Value<'d>>> {
    let items = value.items()?;
    if items.len() > most {
        return value.reject(
            format!("there are {} {what}, and at most {most} are taken", items.len()),
            "split the case",
        );
    }
    Some(items)
}

/// The values of all items; none where one of them has a problem, after all have been read.
fn all<'d, T>(items: &[Value<'d>], read: impl FnMut(&Value<'d>) -> Option<T>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = items.iter().map(read).collect();
    read.into_iter().collect()
}

fn tasks(value: &Value<'_>) -> Option<Vec<Task>> {
    let items = at_most(value, MAX_TASKS, "tasks")?;
    if items.is_empty() {
        return value
            .reject("the case has no tasks", "add one, such as {\"task\": 0, \"model\": \"kws\", ...}");
    }
    let mut last = 0;
    let mut is_broken = false;
    let mut position = 0;
    all(&items, |item| {
        let table = item.table()?.named(format!("task {position}"));
        table.only(&["task", "model", "priority", "dispatch_cycle"]);
        let expected = position;
        position += 1;
        table.required("task", |value| {
            let number = value.integer(0..=MAX_TASKS as u64 - 1)?;
            if number == expected {
                return Some(());
            }
            let what = if number < expected { "stands twice" } else { "is out of order" };
            value.reject(
                format!("task {number} {what}"),
                format!("number the tasks from 0 on, in their order; here {expected} is due"),
            )
        });
        let net = table.required("model", net);
        let priority = table.required("priority", |value| value.integer(PRIORITIES));
        let dispatch_cycle = table.required("dispatch_cycle", |value| {
            let cycle = value.integer(0..=MAX_CYCLE)?;
            if cycle < last && !is_broken {
                is_broken = true;
                value.reject::<()>(
                    format!("this task is dispatched at {cycle}, before the one in front of it, at {last}"),
                    "sort the tasks by `dispatch_cycle`",
                );
            }
            last = cycle;
            Some(cycle)
        });
        Some(Task { net: net?, priority: priority?, dispatch_cycle: dispatch_cycle? })
    })
}

fn net(value: &Value<'_>) -> Option<Net> {
    let name = value.string()?;
    Net::of_name(name).or_else(|| {
        let names = Net::ALL.map(Net::name);
        value.reject(format!("there is no model `{name}`"), suggestion(name, "model", &names))
    })
}

fn call(item: &Value<'_>, tasks: usize) -> Option<Call> {
    let table = item.table()?.named("this call");
    table.only(&["now_cycle", "set_status", "expect"]);
    let now_cycle = table.required("now_cycle", |value| value.integer(0..=MAX_CYCLE));
    let set_status = match table.get("set_status") {
        None => Some(Vec::new()),
        Some(list) => list.items().and_then(|items| all(&items, |item| set_status(item, tasks))),
    };
    Some(Call { now_cycle: now_cycle?, set_status: set_status? })
}

fn set_status(item: &Value<'_>, tasks: usize) -> Option<(TaskIndex, Status)> {
    let items = item.items()?;
    let [task, status] = items.as_slice() else {
        return item.reject("a status is set by two numbers", "write [task, status]");
    };
    let (task, status) = (task.named("the task of a status"), status.named("the status"));
    let task = task.integer(0..=u32::try_from(tasks).unwrap_or(u32::MAX).saturating_sub(1));
    let number: Option<i32> = status.integer(-1..=100);
    let status = number.and_then(|number| {
        Status::of_number(number).or_else(|| {
            status.reject(
                format!("there is no status {number}"),
                "write -1 (not planned), 0 (planned), 1 to 3 (blocks that ran), 50 or 100 (finished)",
            )
        })
    });
    Some((TaskIndex::new(task?), status?))
}

fn trace(root: &Table<'_>) -> Option<TraceCase> {
    root.only(&["trace", "source", "cycles", "stream", "expect"]);
    let name = root.required("trace", Value::string);
    let cycles = root.required("cycles", |value| value.integer(TRACE_CYCLES));
    let (mut last, mut offered) = (0, 0);
    let stream = root.required("stream", |value| {
        all(&value.items()?, |item| {
            let requests = requests(item)?;
            if requests.first.offer_cycle < last {
                return item.reject(
                    format!(
                        "this request is offered at {}, before the one in front of it, at {last}",
                        requests.first.offer_cycle
                    ),
                    "sort the stream by offer cycle: requests are accepted in its order",
                );
            }
            last = requests.first.offer_cycle;
            offered += requests.count;
            if offered > MAX_REQUESTS {
                return item.reject(
                    format!("with this entry the trace offers {offered} requests, and at most {MAX_REQUESTS} are taken"),
                    "shorten the trace",
                );
            }
            Some(requests)
        })
    });
    Some(TraceCase { name: name?.to_owned(), cycles: cycles?, stream: stream? })
}

/// An entry of a stream: `["one", offer cycle, rows, window, threshold, mark]`, or
/// `["repeat", count, first offer cycle, step, rows, window, threshold]`.
fn requests(item: &Value<'_>) -> Option<Requests> {
    let items = item.items()?;
    let Some((kind, numbers)) = items.split_first() else {
        return item.reject("this entry is empty", "write [\"one\", ...] or [\"repeat\", ...]");
    };
    let cycle = |value: &Value<'_>, name: &str| value.named(name).integer(0..=*TRACE_CYCLES.end());
    match (kind.named("the kind of an entry").choice(&[("one", false), ("repeat", true)])?, numbers) {
        (false, [offer_cycle, setting @ .., mark]) if setting.len() == 3 => {
            let offer_cycle = cycle(offer_cycle, "the offer cycle");
            let setting = self::setting(setting);
            let mark = mark.named("the mark").integer(0..=1).map(|mark: u8| mark == 1);
            let first = Request { offer_cycle: offer_cycle?, mark: mark?, ..setting? };
            Some(Requests { first, count: 1, step: 0 })
        }
        (true, [count, offer_cycle, step, setting @ ..]) if setting.len() == 3 => {
            let count = count.named("the count").integer(1..=MAX_REQUESTS);
            let (offer_cycle, step) = (cycle(offer_cycle, "the offer cycle"), cycle(step, "the step"));
            let setting = self::setting(setting);
            let first = Request { offer_cycle: offer_cycle?, ..setting? };
            Some(Requests { first, count: count?, step: step? })
        }
        (is_repeat, _) => {
            let form = match is_repeat {
                false => "[\"one\", offer cycle, rows, window, threshold, mark]",
                true => "[\"repeat\", count, first offer cycle, step, rows, window, threshold]",
            };
            item.reject(format!("this entry has {} items", items.len()), format!("write {form}"))
        }
    }
}

/// Rows, window and threshold of a request.
fn setting(values: &[Value<'_>]) -> Option<Request> {
    let [rows, window, threshold] = values else { return None };
    let [rows, window, threshold] =
        [(rows, "the rows"), (window, "the window"), (threshold, "the threshold")]
            .map(|(value, name)| value.named(name));
    let rows = rows.integer(1..=4).and_then(|count: u8| match count {
        3 => rows.reject("a request has 1, 2 or 4 rows", "write one of these"),
        count => Some(count),
    });
    let (window, threshold) = (window.integer(0..=u16::MAX), threshold.integer(0..=u16::MAX));
    Some(Request { rows: rows?, window: window?, threshold: threshold?, ..Request::default() })
}
