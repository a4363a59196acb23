//! Phase tables: from when other tasks run, or at other rates.

use crate::input::{At, Table, Value};
use crate::scenario::{Arrivals, Phase};
use crate::time::{Duration, Time};

use super::Tasks;
use super::task::{decode_rate, jitter_fits};

/// Decodes the phases of a scenario; none where one of them, or a task, is bad.
pub(super) fn decode_phases(
    root: &Table<'_>,
    duration: Option<Duration>,
    tasks: &Tasks,
) -> Option<Vec<Phase>> {
    let mut phases: Vec<Option<Phase>> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    // The phase before, as far as its beginning could be read.
    let mut before: Option<(String, At<Duration>)> = None;
    for (index, table) in root.tables("phase", "a phase").iter().enumerate() {
        table.only(&["name", "start", "tasks", "rate_hz"]);
        let default = format!("phase {}", index + 1);
        let stated = table.optional("name", |value| value.at(Value::string));
        let name = stated.as_ref().map_or(default, |name| name.value.to_owned());
        if names.contains(&name) {
            let range = stated.map_or_else(|| table.range(), |name| name.range);
            root.report(
                root.problem_at(&range, format!("there are two phases named `{name}`"))
                    .help("give every phase a name of its own"),
            );
        }
        let start = table.required("start", |value| {
            let start = value.at(Value::duration)?;
            report_start(value, &name, start.value, duration, before.as_ref());
            Some(start)
        });
        if let Some(start) = &start {
            before = Some((name.clone(), start.clone()));
        }
        let runs = decode_tasks(root, table, tasks);
        let arrivals = decode_all_arrivals(root, table, tasks, &runs);
        names.push(name.clone());
        phases.push(start.zip(arrivals).map(|(start, arrivals)| Phase {
            name,
            start: Time::ZERO.saturating_add(start.value),
            arrivals,
        }));
    }
    phases.into_iter().collect()
}

fn report_start(
    value: &Value<'_>,
    name: &str,
    start: Duration,
    duration: Option<Duration>,
    before: Option<&(String, At<Duration>)>,
) {
    if let Some(duration) = duration.filter(|duration| start >= *duration) {
        let message = format!("phase `{name}` begins at {start}, when the scenario of {duration} is over");
        value.reject::<()>(message, "begin the phase earlier, or make `duration` longer");
    }
    if let Some((other, at)) = before.filter(|(_, at)| start <= at.value) {
        let message = format!("phase `{name}` begins at {start}, not after phase `{other}` at {}", at.value);
        let problem = value
            .problem(message)
            .see(value.document().source(), at.range.clone(), format!("`{other}` begins here"))
            .help("list phases in the order in which they begin, each at a time of its own");
        value.document().report(problem);
    }
}

/// True if each task runs in a phase.
fn decode_tasks(root: &Table<'_>, table: &Table<'_>, tasks: &Tasks) -> Vec<bool> {
    let names = tasks.names();
    if !table.has("tasks") {
        return vec![true; tasks.drafts.len()];
    }
    let mut runs = vec![false; tasks.drafts.len()];
    for At { value: wanted, range } in table.list("tasks", |value| value.at(Value::string)) {
        let Some(index) = names.position(root, "to run", wanted, &range) else { continue };
        if runs[index] {
            root.report(
                root.problem_at(&range, format!("the phase lists task `{wanted}` twice"))
                    .help("keep one of the two"),
            );
        }
        runs[index] = true;
    }
    runs
}

/// Arrivals of each task in a phase; none where that of a task cannot be known.
fn decode_all_arrivals(
    root: &Table<'_>,
    table: &Table<'_>,
    tasks: &Tasks,
    runs: &[bool],
) -> Option<Vec<Option<Arrivals>>> {
    let names = tasks.names();
    let mut arrivals: Vec<Option<Arrivals>> =
        tasks.drafts.iter().map(|draft| draft.arrivals.clone()).collect();
    if let Some(rates) = table.optional("rate_hz", Value::table) {
        for At { value: name, range } in rates.keys() {
            let (Some(index), Some(value)) =
                (names.position(root, "whose rate could change", name, &range), rates.get(name))
            else {
                continue;
            };
            if !runs[index] {
                let message = format!("task `{name}` does not run in this phase");
                value.reject::<()>(message, "add it to `tasks`, or remove its rate");
            }
            if let Some(arrivals) = &mut arrivals[index] {
                override_rate(&value, name, arrivals, names.names[tasks.leader(index)]);
            }
        }
    }
    let known = arrivals.iter().all(Option::is_some);
    let paused = arrivals.into_iter().zip(runs).map(|(arrivals, runs)| arrivals.filter(|_| *runs));
    known.then(|| paused.collect())
}

/// Gives arrivals another rate, where they have one.
fn override_rate(value: &Value<'_>, name: &str, arrivals: &mut Arrivals, leader: &str) {
    let (why, help) = match arrivals {
        Arrivals::Periodic { period, jitter, .. } => {
            if let Some(rate) = decode_rate(value)
                && jitter_fits(value, *jitter, rate)
            {
                *period = rate;
            }
            return;
        }
        Arrivals::Poisson { mean } => {
            if let Some(rate) = decode_rate(value) {
                *mean = rate;
            }
            return;
        }
        Arrivals::Bursty { .. } => (
            "has bursty arrivals of two rates".to_owned(),
            "remove it here; for other bursts, add a second task and list in `tasks` which of them runs"
                .to_owned(),
        ),
        Arrivals::Trace(_) => (
            "replays recorded requests".to_owned(),
            "remove it here, and edit the recorded instants instead".to_owned(),
        ),
        Arrivals::Mix { mix, .. } => (
            format!("has the requests of mix `{}` that are its own", mix.name),
            "remove it here; for another load, let other tasks join another mix, and list in `tasks` which of them run"
                .to_owned(),
        ),
        Arrivals::Follows => {
            (format!("follows task `{leader}`"), format!("remove it here, and change the rate of `{leader}`"))
        }
    };
    value.reject::<()>(format!("task `{name}` has no rate to change: it {why}"), help);
}
