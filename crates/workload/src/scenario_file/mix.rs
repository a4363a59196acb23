//! Mix tables: processes of arrivals that several tasks share, and the tasks that join them.

use std::ops::Range;
use std::sync::Arc;

use crate::input::{At, Table, Value, suggestion};
use crate::mix::{Mix, MixMember};
use crate::scenario::Arrivals;
use crate::time::Duration;

/// The name of the process that a task of a mix has.
pub(super) const MIX: &str = "mix";

/// The shortest distance between two requests of a stream: a run goes through all of them.
const SHORTEST_DISTANCE: Duration = Duration::from_picoseconds(1_000_000);
/// More weight than any table of shares needs, and no sum of it is too large.
const MAX_WEIGHT: u32 = 1_000_000_000;
const MAX_STREAMS: u32 = 1_024;
const MAX_STEPS: u32 = 1_000_000;

/// A mix before its tasks are known.
struct Draft<'d> {
    table: Table<'d>,
    name: At<String>,
    /// None where something in the table is bad.
    mix: Option<Mix>,
    /// True if requests have priorities of the mix.
    has_priorities: bool,
    /// True if a task names it, or none can since another mix has its name.
    is_joined: bool,
}

/// Part of a task in a mix, as the task states it.
struct Membership {
    /// The mix, by position.
    mix: usize,
    member: Option<MixMember>,
    /// The value that spaces requests, for problems that show once all is read.
    spacing: Range<usize>,
}

/// Decodes the mixes of a scenario and joins to each the tasks that name it.
///
/// For each task its arrivals, where they are those of a mix; none for other tasks, and where something is bad, which is
/// recorded.
pub(super) fn decode_mixes(
    root: &Table<'_>,
    tasks: &[Table<'_>],
    duration: Option<Duration>,
) -> Vec<Option<Arrivals>> {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for table in root.tables("mix", "a mix") {
        if let Some(draft) = decode_mix(table, &drafts) {
            drafts.push(draft);
        }
    }
    let memberships: Vec<Option<Membership>> =
        tasks.iter().map(|task| decode_membership(task, &mut drafts)).collect();
    for draft in drafts.iter().filter(|draft| !draft.is_joined) {
        let message = format!("no task has arrivals of mix `{}`", draft.name.value);
        let help = "remove it, or give a task `arrivals = { process = \"mix\", mix = ..., ... }`";
        draft.table.report(draft.table.problem_at(&draft.name.range, message).help(help));
    }
    let mixes: Vec<Option<Arc<Mix>>> = drafts
        .into_iter()
        .enumerate()
        .map(|(index, draft)| close(root, draft, index, &memberships, duration).map(Arc::new))
        .collect();
    let mut joined = vec![0; mixes.len()];
    memberships
        .into_iter()
        .map(|membership| {
            let index = membership?.mix;
            let member = joined[index];
            joined[index] += 1;
            Some(Arrivals::Mix { mix: Arc::clone(mixes[index].as_ref()?), member })
        })
        .collect()
}

fn decode_mix<'d>(table: Table<'d>, before: &[Draft<'_>]) -> Option<Draft<'d>> {
    table.only(&["name", "streams", "stagger", "stretch", "shortening", "requests", "priorities"]);
    let name = table.required("name", |value| value.at(|value| value.string().map(str::to_owned)))?;
    let is_second = before.iter().any(|other| other.name.value == name.value);
    if is_second {
        let message = format!("there are two mixes named `{}`", name.value);
        table.report(table.problem_at(&name.range, message).help("give every mix a name of its own"));
    }
    let streams = stated(&table, "streams", 1, |value| value.integer(1..=MAX_STREAMS));
    let stagger = stated(&table, "stagger", Duration::ZERO, Value::duration_or_zero);
    let stretch = stated(&table, "stretch", 1_000_000, |value| value.millionths(1..=1_000_000_000_000));
    let shortening = stated(&table, "shortening", (Duration::ZERO, 1), decode_shortening);
    let requests = stated(&table, "requests", None, |value| value.integer(1..=u64::MAX).map(Some));
    let priorities = stated(&table, "priorities", Vec::new(), decode_priorities);
    let has_priorities = table.has("priorities");
    let mix = || {
        let (shortening_step, shortening_steps) = shortening?;
        Some(Mix {
            name: name.value.clone(),
            members: Vec::new(),
            priorities: priorities?,
            streams: streams?,
            stagger: stagger?,
            stretch_millionths: stretch?,
            shortening_step,
            shortening_steps,
            requests: requests?,
        })
    };
    Some(Draft { mix: mix(), table, name, has_priorities, is_joined: is_second })
}

/// Reads a key that has a default; none where its value is bad, which is recorded.
fn stated<'d, T>(
    table: &Table<'d>,
    key: &str,
    default: T,
    read: impl FnOnce(&Value<'d>) -> Option<T>,
) -> Option<T> {
    match table.get(key) {
        Some(value) => read(&value),
        None => Some(default),
    }
}

fn decode_shortening(value: &Value<'_>) -> Option<(Duration, u32)> {
    let table = value.table()?.named("`shortening`");
    table.only(&["step", "steps"]);
    let step = table.required("step", Value::duration);
    let steps = table.required("steps", |value| value.integer(1..=MAX_STEPS));
    Some((step?, steps?))
}

fn decode_priorities(value: &Value<'_>) -> Option<Vec<(i32, u32)>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.reject("the list of priorities is empty", "list at least one, or remove it");
    }
    let priority = |item: &Value<'_>| {
        let table = item.table()?.named("a priority of a mix");
        table.only(&["priority", "weight"]);
        let priority = table.required("priority", |value| value.integer(i32::MIN..=i32::MAX));
        let weight = table.required("weight", decode_weight);
        Some((priority?, weight?))
    };
    let priorities: Vec<Option<(i32, u32)>> = items.iter().map(priority).collect();
    priorities.into_iter().collect()
}

fn decode_weight(value: &Value<'_>) -> Option<u32> {
    value.integer(1..=MAX_WEIGHT)
}

/// Reads the part of a task in a mix; none for a task with other arrivals.
fn decode_membership(task: &Table<'_>, drafts: &mut [Draft<'_>]) -> Option<Membership> {
    let arrivals = task.get("arrivals").filter(Value::is_table)?.table()?;
    let is_mix = arrivals.get("process").filter(Value::is_string)?.string()? == MIX;
    if !is_mix {
        return None;
    }
    let table = arrivals.named("`arrivals`");
    table.only(&["process", "mix", "weight", "spacing"]);
    let mix = table.required("mix", |value| {
        let wanted = value.string()?;
        let found = drafts.iter().position(|draft| draft.name.value == wanted);
        if found.is_none() {
            let known: Vec<&str> = drafts.iter().map(|draft| draft.name.value.as_str()).collect();
            let message = format!("there is no mix `{wanted}` to draw requests from");
            value.reject::<()>(message, suggestion(wanted, "mix", &known));
        }
        found
    });
    let weight = table.required("weight", decode_weight);
    let spacing = table.required("spacing", |value| value.at(Value::duration));
    let mix = mix?;
    let draft = drafts.get_mut(mix)?;
    draft.is_joined = true;
    if draft.has_priorities
        && let Some(value) = task.get("priority")
    {
        let message = format!("mix `{}` draws the priorities of its requests", draft.name.value);
        value.reject::<()>(message, "remove `priority` here, or `priorities` from the mix");
    }
    let range = spacing.as_ref().map_or(0..0, |spacing| spacing.range.clone());
    let member = weight.zip(spacing).map(|(weight, spacing)| MixMember { weight, spacing: spacing.value });
    Some(Membership { mix, member, spacing: range })
}

/// The mix with its tasks; none where one of them is bad. Distances that are too short, and more requests than a run can
/// have, are recorded.
fn close(
    root: &Table<'_>,
    draft: Draft<'_>,
    index: usize,
    memberships: &[Option<Membership>],
    duration: Option<Duration>,
) -> Option<Mix> {
    let mut mix = draft.mix?;
    let joined: Vec<&Membership> =
        memberships.iter().flatten().filter(|membership| membership.mix == index).collect();
    for membership in &joined {
        let Some(member) = membership.member else { continue };
        let shortest = mix.shortest_distance(&member);
        if shortest < SHORTEST_DISTANCE {
            let message = format!(
                "the next request of mix `{}` could follow in less than {SHORTEST_DISTANCE}",
                mix.name
            );
            root.report(
                root.problem_at(&membership.spacing, message)
                    .see(root.document().source(), draft.name.range.clone(), "of this mix")
                    .help("make `spacing` or `stretch` longer, or `shortening` shorter"),
            );
        }
    }
    mix.members = joined.into_iter().map(|membership| membership.member).collect::<Option<_>>()?;
    if let Some(duration) = duration
        && let Err(error) = mix.check(duration)
    {
        root.report(root.problem_at(&draft.name.range, error.to_string()).help(error.help()));
    }
    Some(mix)
}
