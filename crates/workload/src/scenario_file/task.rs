//! Task tables: what runs, when frames arrive, and what jobs need.

use std::ops::Range;

use crate::ids::ModelId;
use crate::input::{At, Table, Value, suggestion};
use crate::model::Model;
use crate::model_file::ParameterSetting;
use crate::pins::Pins;
use crate::requests::read_trace;
use crate::scenario::{Arrivals, Deadline};
use crate::time::{Duration, Period};

use super::mix::MIX;
use super::{Files, Models, report_from};

/// The priority of a task that states none: policies that multiply by priorities treat such tasks alike, and not as nothing.
const DEFAULT_PRIORITY: i32 = 1;

/// A task before the names that it uses are resolved. What is none was there, but bad.
pub(super) struct Draft {
    pub name: At<String>,
    /// The bytes of the whole table.
    pub range: Range<usize>,
    /// The models that may run, the default first.
    pub networks: Option<Vec<ModelId>>,
    pub arrivals: Option<Arrivals>,
    pub deadline: Option<Deadline>,
    pub priority: i32,
    pub drawn_priorities: Vec<i32>,
    pub depends_on: Vec<DraftDependency>,
    pub trigger_probability: f64,
    pub pins: Pins,
}

impl Draft {
    pub(super) const fn follows(&self) -> bool {
        matches!(self.arrivals, Some(Arrivals::Follows))
    }
}

/// A dependency before its names are resolved.
pub(super) struct DraftDependency {
    pub task: At<String>,
    /// None for a dependency on data.
    pub control: Option<Control>,
}

/// The probability that a completed job triggers another.
pub(super) struct Control {
    pub probability: f64,
    pub after_exit: Vec<(At<String>, f64)>,
}

/// The processes of arrivals.
#[derive(Clone, Copy)]
enum Process {
    Poisson,
    Bursty,
    Trace,
    Mix,
}

/// Decodes a task; `of_mix` are its arrivals if they are those of a mix, none if that is bad.
pub(super) fn decode_task(
    table: &Table<'_>,
    of_mix: Option<Arrivals>,
    models: &mut Models,
    files: &Files<'_>,
) -> Option<Draft> {
    table.only(&[
        "name",
        "model",
        "model_parameters",
        "variant",
        "variants",
        "rate_hz",
        "period",
        "offset",
        "jitter",
        "arrivals",
        "deadline",
        "priority",
        "depends_on",
        "trigger_probability",
        "run_on",
        "avoid",
    ]);
    let name = table.required("name", owned_text);
    let settings = match table.get("model_parameters") {
        Some(value) => ParameterSetting::of_table(&value),
        None => Some(Vec::new()),
    };
    // Where settings are bad, the model is looked into all the same.
    let has_settings = settings.is_some();
    let networks = table
        .required("model", |value| models.find(value, settings.unwrap_or_default(), files))
        .filter(|_| has_settings);
    let networks = networks.and_then(|networks| allowed_networks(table, networks, &models.loaded));
    let arrivals = decode_arrivals(table, of_mix, files);
    let deadline = match table.get("deadline") {
        Some(value) if value.is_table() => decode_isolated(&value),
        Some(value) => value.duration().map(Deadline::After),
        None => Some(Deadline::Period),
    };
    let of_range = |value: &Value<'_>| value.integer(i32::MIN..=i32::MAX);
    let (priority, drawn_priorities) = match table.get("priority") {
        Some(value) if value.is_array() => {
            if value.items().is_some_and(|items| items.is_empty()) {
                value.reject::<()>("the list of priorities is empty", "list at least one, or remove it");
            }
            (DEFAULT_PRIORITY, table.list("priority", of_range))
        }
        _ => (table.or("priority", DEFAULT_PRIORITY, of_range), Vec::new()),
    };
    let depends_on = table.list("depends_on", decode_dependency);
    let trigger_probability = table.or("trigger_probability", 1.0, Value::probability);
    let pins = decode_pins(table);
    let range = table.range();
    Some(Draft {
        name: name?,
        range,
        networks,
        arrivals,
        deadline,
        priority,
        drawn_priorities,
        depends_on,
        trigger_probability,
        pins: pins?,
    })
}

/// Names and kinds of accelerators, which a platform knows; none where a list says nothing or contradicts the other one.
fn decode_pins(table: &Table<'_>) -> Option<Pins> {
    let run_on = decode_pinned(table, "run_on", &[]);
    let avoid = decode_pinned(table, "avoid", run_on.as_deref().unwrap_or_default());
    Some(Pins { run_on: run_on?, avoid: avoid? })
}

/// The words of a list, each once, and none that another list has.
fn decode_pinned(table: &Table<'_>, key: &str, others: &[String]) -> Option<Vec<String>> {
    let Some(value) = table.get(key) else { return Some(Vec::new()) };
    let items = value.items()?;
    if items.is_empty() {
        let help = "list names or kinds of accelerators, or remove it";
        return value.reject(format!("the list `{key}` is empty"), help);
    }
    let mut words: Vec<String> = Vec::new();
    let mut is_sound = true;
    for item in &items {
        let Some(word) = item.string() else {
            is_sound = false;
            continue;
        };
        if words.iter().any(|known| known == word) {
            item.reject::<()>(format!("`{word}` is listed twice"), "keep one of the two");
            is_sound = false;
        }
        if others.iter().any(|other| other == word) {
            let message = format!("the task is to run on `{word}`, and to avoid it");
            item.reject::<()>(message, "remove it from `run_on` or from `avoid`");
            is_sound = false;
        }
        words.push(word.to_owned());
    }
    is_sound.then_some(words)
}

/// The variants of a model that a task's jobs may run as, the default first: all of them in their order,
/// unless `variant` names another default or `variants` leaves some out.
fn allowed_networks(table: &Table<'_>, networks: Vec<ModelId>, models: &[Model]) -> Option<Vec<ModelId>> {
    let name_of = |id: &ModelId| models.get(id.index()).and_then(|model| model.variant.as_deref());
    let known: Vec<&str> = networks.iter().filter_map(name_of).collect();
    let stated = ["variant", "variants"].map(|key| table.get(key).map(|value| (key, value)));
    if known.is_empty() {
        let mut stated = stated.into_iter().flatten().peekable();
        let is_sound = stated.peek().is_none();
        for (key, value) in stated {
            let message = format!("`{key}` is for supernets: this model has one network alone");
            value.reject::<()>(message, format!("remove `{key}`, or name a supernet as the `model`"));
        }
        return is_sound.then_some(networks);
    }
    let network = |value: &Value<'_>| {
        let wanted = value.string()?;
        networks.iter().find(|id| name_of(id) == Some(wanted)).copied().or_else(|| {
            value.reject(
                format!("the model of this task has no variant `{wanted}`"),
                suggestion(wanted, "variant", &known),
            )
        })
    };
    let [default, listed] = stated.map(|stated| stated.map(|(_, value)| value));
    let listed = listed.map(|value| decode_variants(&value, network));
    let chosen = match &default {
        Some(value) => Some(network(value)?),
        None => None,
    };
    let allowed = match listed {
        Some(listed) => listed?,
        None => networks.clone(),
    };
    if let (Some(chosen), Some(value)) = (chosen, &default)
        && !allowed.contains(&chosen)
    {
        return value.reject(
            "the default of this task is not among its `variants`",
            "add it to `variants`, or choose one of them",
        );
    }
    let of_supernet = || networks.first().filter(|first| allowed.contains(first)).copied();
    let default = chosen.or_else(of_supernet).or(allowed.first().copied())?;
    let others = networks.iter().copied().filter(|id| *id != default && allowed.contains(id));
    Some(std::iter::once(default).chain(others).collect())
}

/// The variants that a list names, each once; at least one.
fn decode_variants(
    value: &Value<'_>,
    network: impl Fn(&Value<'_>) -> Option<ModelId>,
) -> Option<Vec<ModelId>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.reject("the list of variants is empty", "list at least one, or remove it");
    }
    let mut listed: Vec<ModelId> = Vec::new();
    let mut is_sound = true;
    for item in &items {
        match network(item) {
            Some(id) if listed.contains(&id) => {
                item.reject::<()>("this variant is listed twice", "keep one of the two");
                is_sound = false;
            }
            Some(id) => listed.push(id),
            None => is_sound = false,
        }
    }
    is_sound.then_some(listed)
}

/// A multiple of the isolated latency, a millionth to a million, exactly.
fn decode_isolated(value: &Value<'_>) -> Option<Deadline> {
    let table = value.table()?.named("`deadline`");
    table.only(&["isolated"]);
    let factor_millionths = table.required("isolated", |value| value.millionths(1..=1_000_000_000_000))?;
    Some(Deadline::Isolated { factor_millionths })
}

fn owned_text(value: &Value<'_>) -> Option<At<String>> {
    value.at(|value| value.string().map(str::to_owned))
}

fn decode_arrivals(table: &Table<'_>, of_mix: Option<Arrivals>, files: &Files<'_>) -> Option<Arrivals> {
    let stated: Vec<(&str, Value<'_>)> = ["rate_hz", "period", "arrivals"]
        .into_iter()
        .filter_map(|key| table.get(key).map(|value| (key, value)))
        .collect();
    if let [(first, _), (second, value), ..] = stated.as_slice() {
        return value.reject(
            "a task has a rate, a period or a process of arrivals, not two of them",
            format!("remove `{first}` or `{second}`"),
        );
    }
    match stated.first() {
        Some(("rate_hz", value)) => decode_periodic(table, decode_rate(value)?),
        Some(("period", value)) => decode_periodic(table, value.duration().and_then(period)?),
        Some((_, value)) => {
            report_periodic_keys(table, "random and recorded arrivals have none");
            decode_process(value, of_mix, files)
        }
        None => {
            let follows = table.get("depends_on").is_some_and(|value| !value.is_empty_array());
            if !follows {
                table.report(
                    table.problem("the task says neither how often nor when its frames arrive").help(
                        "add `rate_hz = 30`, `period = \"33ms\"` or `arrivals = { ... }`; a task with \
                         `depends_on` follows the first task that it names",
                    ),
                );
                return None;
            }
            report_periodic_keys(table, "a task that follows another has that one's");
            Some(Arrivals::Follows)
        }
    }
}

/// `offset` and `jitter` belong to a period of the task's own.
fn report_periodic_keys(table: &Table<'_>, why: &str) {
    for key in ["offset", "jitter"] {
        if let Some(value) = table.get(key) {
            let help = "remove it, or give the task a rate or a period";
            value.reject::<()>(format!("`{key}` needs a period: {why}"), help);
        }
    }
}

fn decode_periodic(table: &Table<'_>, period: Period) -> Option<Arrivals> {
    let offset = table.or("offset", Duration::ZERO, Value::duration_or_zero);
    let jitter = table.or("jitter", Duration::ZERO, |value| {
        let jitter = value.duration_or_zero()?;
        jitter_fits(value, jitter, period).then_some(jitter)
    });
    Some(Arrivals::Periodic { period, offset, jitter })
}

/// True if no frame comes after the next one; a longer jitter is recorded.
pub(super) fn jitter_fits(value: &Value<'_>, jitter: Duration, period: Period) -> bool {
    let most = period.duration();
    if jitter > most {
        let message = format!("a jitter of {jitter} is longer than the period, {most}");
        value.reject::<()>(message, "a jitter is at most one period");
    }
    jitter <= most
}

/// A rate, a millionth of a hertz to a megahertz, exactly.
pub(super) fn decode_rate(value: &Value<'_>) -> Option<Period> {
    let rate = value.millionths(1..=1_000_000_000_000)?;
    let span = Duration::from_milliseconds(1_000_000_000)?;
    Period::from_rate(rate, span).ok()
}

fn period(duration: Duration) -> Option<Period> {
    Period::new(duration).ok()
}

/// The shortest mean of a state of a bursty process: a run goes through every state, however many.
const SHORTEST_STATE: Duration = Duration::from_picoseconds(1_000_000);

fn state_duration(value: &Value<'_>) -> Option<Duration> {
    let mean = value.duration()?;
    if mean < SHORTEST_STATE {
        return value.reject(
            format!("a state of {mean} in the mean is too short"),
            format!("write {SHORTEST_STATE} or more, or use the process \"poisson\""),
        );
    }
    Some(mean)
}

fn decode_process(value: &Value<'_>, of_mix: Option<Arrivals>, files: &Files<'_>) -> Option<Arrivals> {
    let table = value.table()?.named("`arrivals`");
    let processes = [
        ("poisson", Process::Poisson),
        ("bursty", Process::Bursty),
        ("trace", Process::Trace),
        (MIX, Process::Mix),
    ];
    match table.required("process", |value| value.choice(&processes))? {
        Process::Poisson => {
            table.only(&["process", "rate_hz"]);
            Some(Arrivals::Poisson { mean: table.required("rate_hz", decode_rate)? })
        }
        Process::Bursty => {
            table.only(&["process", "calm_rate_hz", "burst_rate_hz", "mean_calm", "mean_burst"]);
            let calm = table.required("calm_rate_hz", decode_rate);
            let burst = table.required("burst_rate_hz", decode_rate);
            let mean_calm = table.required("mean_calm", state_duration);
            let mean_burst = table.required("mean_burst", state_duration);
            Some(Arrivals::Bursty {
                calm: calm?,
                burst: burst?,
                mean_calm: mean_calm?,
                mean_burst: mean_burst?,
            })
        }
        // Read together with all tasks of the mix.
        Process::Mix => of_mix,
        Process::Trace => {
            table.only(&["process", "file"]);
            table.required("file", |value| {
                let requests =
                    (files.table)(value.string()?).map_err(Into::into).and_then(|source| read_trace(&source));
                match requests {
                    Ok(requests) => Some(Arrivals::Trace(requests.into())),
                    Err(problems) => report_from(value, &problems),
                }
            })
        }
    }
}

fn decode_dependency(value: &Value<'_>) -> Option<DraftDependency> {
    if value.is_string() {
        return Some(DraftDependency { task: owned_text(value)?, control: None });
    }
    if !value.is_table() {
        return value.reject(
            "a dependency must be the name of a task, or a table",
            "write `\"A\"`, or `{ task = \"A\", kind = \"control\", probability = 0.5 }`",
        );
    }
    let table = value.table()?.named("a dependency");
    table.only(&["task", "kind", "probability", "probability_after_exit"]);
    let task = table.required("task", owned_text);
    let is_control = match table.get("kind") {
        Some(kind) => kind.choice(&[("data", false), ("control", true)]),
        None => Some(false),
    };
    let probability = table.or("probability", 1.0, Value::probability);
    let after_exit = table.optional("probability_after_exit", decode_exits).unwrap_or_default();
    let control = is_control?.then_some(Control { probability, after_exit });
    if control.is_none() {
        for key in ["probability", "probability_after_exit"] {
            if let Some(value) = table.get(key) {
                let help = format!("add `kind = \"control\"`, or remove `{key}`");
                value.reject::<()>("only a control dependency has a probability", help);
            }
        }
    }
    Some(DraftDependency { task: task?, control })
}

fn decode_exits(value: &Value<'_>) -> Option<Vec<(At<String>, f64)>> {
    let exits = value.table()?;
    let decode = |At { value: exit, range }: At<&str>| {
        let probability = exits.get(exit)?.probability()?;
        Some((At { value: exit.to_owned(), range }, probability))
    };
    Some(exits.keys().filter_map(decode).collect())
}
