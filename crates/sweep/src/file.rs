//! Sweep files: TOML to a [`Plan`], with every problem of the file and of its inputs at once.

mod figures;
pub(crate) mod lists;

use std::collections::BTreeSet;
use std::ops::Range;

use rtmm_hardware::Level;
use rtmm_hardware::Platform;
use rtmm_hardware::load::{choice_of, platform_with};
use rtmm_workload::input::{At, Diagnostic, Diagnostics, Document, Origin, Source, Table, Value, suggestion};
use rtmm_workload::load::{Kind, built_in_names, name_of, open};
use rtmm_workload::{Workload, load};
use tracing::info;

use self::lists::items;
use crate::axes::{self, AXES, Variation};
use crate::figures::Figure;
use crate::plan::{Axes, Baseline, Plan, PlanError, PlatformId, PolicyId, WorkloadId};
use crate::runner::{CellRunner, ParameterValue, Parameters, Policy, PolicySchema, RunnerSpec, Schema, find};

/// The keys of a sweep file that belong to no axis. The table `robust` is for what judges results, and is not read here.
const KEYS: &[&str] = &[
    "description",
    "source",
    "runner",
    "pairs",
    "technology_levels",
    "settings",
    "baseline",
    "figure",
    "robust",
];

/// The most seeds that one sweep can have.
const MAX_SEEDS: u64 = 1_000_000;
/// The most combinations that the parameters of one policy table can make.
const MAX_POLICIES: usize = 100_000;

/// Content of a sweep file: cells, and figures of their results.
#[derive(Debug)]
pub struct SweepFile<'r> {
    /// The cells.
    pub plan: Plan<'r>,
    /// The figures that the file declares, in its order.
    pub figures: Vec<Figure>,
}

/// Reads a sweep by its built-in name or by a path, with all that it names, and plans it.
///
/// # Errors
/// Every problem of the sweep file and of the scenarios, models and platforms that it names.
pub fn read<'r>(reference: &str, runners: &[&'r dyn CellRunner]) -> Result<SweepFile<'r>, Diagnostics> {
    read_source(&open(Kind::Sweep, reference, None)?, runners)
}

/// Plans a sweep whose text was read already.
///
/// # Errors
/// Every problem of the sweep file and of the scenarios, models and platforms that it names.
pub fn read_source<'r>(
    source: &Source,
    runners: &[&'r dyn CellRunner],
) -> Result<SweepFile<'r>, Diagnostics> {
    let document = Document::parse(source);
    let sweep = decode(&document, runners);
    document.finish(sweep)
}

/// The cells of [`read`].
///
/// # Errors
/// As [`read`].
pub fn plan<'r>(reference: &str, runners: &[&'r dyn CellRunner]) -> Result<Plan<'r>, Diagnostics> {
    Ok(read(reference, runners)?.plan)
}

/// The cells of [`read_source`].
///
/// # Errors
/// As [`read_source`].
pub fn plan_of<'r>(source: &Source, runners: &[&'r dyn CellRunner]) -> Result<Plan<'r>, Diagnostics> {
    Ok(read_source(source, runners)?.plan)
}

/// Every key of a sweep file.
fn keys() -> Vec<&'static str> {
    let of_axes = AXES.iter().map(|axis| axis.key);
    let options = axes::changes().flat_map(|(_, change)| change.options.iter().copied());
    KEYS.iter().copied().chain(of_axes).chain(options).collect()
}

fn decode<'r>(document: &Document<'_>, runners: &[&'r dyn CellRunner]) -> Option<SweepFile<'r>> {
    let source = document.source();
    let root = document.root().named("this sweep");
    root.only(&keys());
    let description = root.optional("description", Value::string).unwrap_or_default();
    let _source = root.optional("source", Value::string);
    let runner = root.required("runner", |value| decode_runner(value, runners));
    let pairs = root.optional("pairs", decode_pairs);
    let (scenarios, platforms) = if root.has("pairs") {
        refuse_beside_pairs(&root);
        (pairs.as_deref().map(|pairs| distinct(pairs, 0)), pairs.as_deref().map(|pairs| distinct(pairs, 1)))
    } else {
        (required_axis(&root, "scenarios", reference_text), required_axis(&root, "platforms", reference_text))
    };
    let changes = axes::changes().map(|(_, change)| (change.decode)(&root));
    let changes: Vec<Option<Variation>> = changes.collect();
    let complete = changes.iter().all(Option::is_some);
    let variations: Vec<Variation> = changes.into_iter().flatten().collect();
    // Without a runner, any seed that a store can keep will do.
    let largest_seed =
        runner.map_or(i64::MAX as u64, |runner| runner.spec().largest_seed).min(i64::MAX as u64);
    let seeds = root.required("seeds", |value| decode_seeds(value, largest_seed));
    let duration = root.optional("duration", Value::duration);
    let settings = runner.and_then(|runner| decode_settings(&root, runner.spec()));
    let policies = runner.and_then(|runner| decode_policies(&root, runner.spec()));

    let mut seen = BTreeSet::new();
    let scenarios = scenarios.map(|references| expand(&root, Kind::Scenario, references));
    let levels = root.optional("technology_levels", |value| {
        items(value, "technology_levels", |level| level.choice(&Level::ALL))
    });
    let platforms = platforms.map(|references| {
        let references = expand(&root, Kind::Platform, references);
        levels.as_deref().map_or_else(|| references.clone(), |levels| at_levels(&root, &references, levels))
    });
    // Which shapes are legal and how platforms are read is the runner's to say.
    let runner = runner?;
    let spec = runner.spec();
    let workloads: Option<Vec<Workload>> = scenarios.and_then(|references| {
        load_all(&root, &mut seen, references, |reference| {
            let mut workload = load::workload(reference, Some(source), spec.legality)?;
            reference.clone_into(&mut workload.scenario.name);
            Ok(workload)
        })
    });
    let platforms: Option<Vec<Platform>> = platforms.and_then(|references| {
        load_all(&root, &mut seen, references, |reference| {
            let mut platform = platform_with(&spec.cost_models, reference, Some(source), spec.mode)?;
            reference.clone_into(&mut platform.name);
            Ok(platform)
        })
    });
    let baseline =
        root.optional("baseline", |value| decode_baseline(value, policies.as_deref(), platforms.as_deref()));
    let seeds = seeds.as_deref();
    let scope = figures::Scope {
        runner: spec,
        scenarios: workloads.as_deref().map(figures::scenario_names),
        platforms: platforms.as_deref(),
        policies: policies.as_deref(),
        variations: &variations,
        seeds,
    };
    let figures = figures::decode_figures(&root, &scope);
    let (workloads, platforms) = (workloads?, platforms?);
    let pairs = pairs.map_or_else(Vec::new, |pairs| positions(&pairs, &workloads, &platforms));
    let axes = Axes {
        command: format!("rtmm sweep {}", sweep_name(source)),
        name: sweep_name(source),
        description: description.to_owned(),
        content_hash: blake3::hash(source.text().as_bytes()).to_hex().to_string(),
        folder: folder(source),
        workloads,
        platforms,
        pairs,
        policies: policies?,
        variations,
        seeds: seeds?.to_vec(),
        duration,
        settings: settings?,
        baseline,
    };
    if document.has_problems() || !complete {
        return None;
    }
    match Plan::new(runner, axes) {
        Ok(plan) => {
            info!(sweep = plan.axes().name, cells = plan.len(), "sweep planned");
            Some(SweepFile { plan, figures })
        }
        Err(problems) => {
            problems.iter().for_each(|problem| root.report(locate(&root, problem)));
            None
        }
    }
}

/// The name by which outputs speak of a sweep: no folders, so that it can be moved.
fn sweep_name(source: &Source) -> String {
    match source.origin() {
        Origin::File(path) => match path.file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => source.name().to_owned(),
        },
        Origin::BuiltIn(_) | Origin::Text => name_of(Kind::Sweep, source),
    }
}

fn folder(source: &Source) -> String {
    match source.origin() {
        Origin::File(path) => match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                format!("{}{}", parent.display(), std::path::MAIN_SEPARATOR)
            }
            _ => String::new(),
        },
        Origin::BuiltIn(_) | Origin::Text => String::new(),
    }
}

fn required_axis<T: PartialEq>(
    root: &Table<'_>,
    key: &str,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Option<Vec<At<T>>> {
    root.required(key, |value| items(value, key, read))
}

fn reference_text(value: &Value<'_>) -> Option<String> {
    value.string().map(str::to_owned)
}

/// A scenario and a platform, with the place of both.
type Pair = At<[String; 2]>;

fn decode_pairs(value: &Value<'_>) -> Option<Vec<Pair>> {
    items(value, "pairs", |item| {
        let parts = item.items()?;
        let [scenario, platform] = parts.as_slice() else {
            return item.reject(
                format!("a pair is a scenario and a platform, not {} values", parts.len()),
                "such as `[\"dysta/multi_cnn\", \"dysta/eyeriss_v2\"]`",
            );
        };
        let name = |part: &Value<'_>| {
            let text = part.string()?;
            if text.contains('*') {
                return part.reject(
                    format!("`{text}` is a pattern, and pairs have names"),
                    "list pairs one by one, or give `scenarios` and `platforms`",
                );
            }
            Some(text.to_owned())
        };
        Some([name(scenario)?, name(platform)?])
    })
}

/// A sweep has pairs, or two axes that multiply.
fn refuse_beside_pairs(root: &Table<'_>) {
    for key in ["scenarios", "platforms", "technology_levels"] {
        if let Some(value) = root.get(key) {
            root.report(
                root.problem_at(&value.range(), format!("the sweep has both `pairs` and `{key}`"))
                    .help(format!("remove `{key}`: the pairs name them, or remove `pairs`")),
            );
        }
    }
}

/// The scenarios (0) or platforms (1) of pairs, each once, in the order of their first mention.
fn distinct(pairs: &[Pair], part: usize) -> Vec<At<String>> {
    let mut found: Vec<At<String>> = Vec::new();
    for At { value, range } in pairs {
        if !found.iter().any(|known| known.value == value[part]) {
            found.push(At { value: value[part].clone(), range: range.clone() });
        }
    }
    found
}

/// The pairs as positions; inputs go by the names that the pairs give them.
fn positions(
    pairs: &[Pair],
    workloads: &[Workload],
    platforms: &[Platform],
) -> Vec<(WorkloadId, PlatformId)> {
    let position = |At { value: [scenario, platform], .. }: &Pair| {
        let workload = workloads.iter().position(|known| known.scenario.name == *scenario)?;
        let platform = platforms.iter().position(|known| known.name == *platform)?;
        Some((WorkloadId::new(workload), PlatformId::new(platform)))
    };
    pairs.iter().filter_map(position).collect()
}

fn decode_runner<'r>(value: &Value<'_>, runners: &[&'r dyn CellRunner]) -> Option<&'r dyn CellRunner> {
    let name = value.string()?;
    find(runners, name).or_else(|| {
        let names: Vec<&str> = runners.iter().map(|runner| &*runner.spec().name).collect();
        value.reject(format!("there is no runner `{name}`"), suggestion(name, "runner", &names))
    })
}

fn decode_seeds(value: &Value<'_>, largest: u64) -> Option<Vec<u64>> {
    if value.is_array() {
        let seeds = items(value, "seeds", |item| item.integer(0..=largest))?;
        return Some(seeds.into_iter().map(|seed| seed.value).collect());
    }
    if !value.is_table() {
        return value.reject(
            "`seeds` must be a list or a table",
            "write `seeds = [1, 2, 3]`, or `seeds = { first = 1000, step = 7919, count = 60 }`",
        );
    }
    let table = value.table()?.named("`seeds`");
    table.only(&["first", "step", "count"]);
    let first = table.required("first", |value| value.integer(0..=largest));
    let step = table.or("step", 1, |value| value.integer(1..=largest.max(1)));
    let count = table.required("count", |value| value.integer(1..=MAX_SEEDS));
    let (first, count) = (first?, count?);
    let last = (count - 1).checked_mul(step).and_then(|span| first.checked_add(span));
    if last.is_none_or(|last| last > largest) {
        return value.reject(
            "the seeds are out of range",
            format!("the last one, first + step x (count - 1), can be {largest} at most"),
        );
    }
    Some((0..count).map(|index| first + index * step).collect())
}

/// The references of an axis with patterns replaced by the built-in names that they match; an input
/// that was named before is left out.
fn expand(root: &Table<'_>, kind: Kind, references: Vec<At<String>>) -> Vec<At<String>> {
    let mut expanded: Vec<At<String>> = Vec::new();
    let mut add = |value: &str, range: &Range<usize>| {
        if !expanded.iter().any(|known| known.value == value) {
            expanded.push(At { value: value.to_owned(), range: range.clone() });
        }
    };
    for At { value: reference, range } in references {
        if !reference.contains('*') {
            add(&reference, &range);
            continue;
        }
        let names = built_in_names(kind);
        // The choice of a pattern is that of every platform that it names.
        let (pattern, choice) = match kind {
            Kind::Platform => choice_of(&reference),
            _ => (reference.as_str(), None),
        };
        let choice = choice.map_or_else(String::new, |word| format!("@{word}"));
        let mut matching = names.iter().filter(|name| matches(pattern, name)).peekable();
        if matching.peek().is_none() {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let help = if pattern.ends_with(".toml") {
                "patterns are for built-in names; list files one by one".to_owned()
            } else {
                suggestion(&reference, kind.noun(), &names)
            };
            let message = format!("no built-in {} matches `{reference}`", kind.noun());
            root.report(root.problem_at(&range, message).help(help));
        }
        matching.for_each(|name| add(&format!("{name}{choice}"), &range));
    }
    expanded
}

/// Each platform at each level of its technology, under names such as `boards/phone@low`. A name that ends in a choice already
/// is a problem.
fn at_levels(root: &Table<'_>, platforms: &[At<String>], levels: &[At<Level>]) -> Vec<At<String>> {
    for At { value: name, range } in platforms.iter().filter(|one| choice_of(&one.value).1.is_some()) {
        let message =
            format!("`{name}` names its choice of costs already, and `technology_levels` lists levels");
        let help = format!("write `{}`, or remove `technology_levels`", choice_of(name).0);
        root.report(root.problem_at(range, message).help(help));
    }
    let platforms = platforms.iter().filter(|one| choice_of(&one.value).1.is_none());
    let variants = platforms.flat_map(|At { value: name, range }| {
        levels
            .iter()
            .map(move |level| At { value: format!("{name}@{}", level.value.name()), range: range.clone() })
    });
    variants.collect()
}

/// True if a name matches a pattern, in which `*` stands for any characters but `/`.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(before) else { return false };
    let segment = rest.find('/').unwrap_or(rest.len());
    (0..=segment).any(|skip| rest.is_char_boundary(skip) && matches(after, &rest[skip..]))
}

/// Loads every input of an axis; problems that several inputs share are reported once.
fn load_all<T>(
    root: &Table<'_>,
    seen: &mut BTreeSet<(String, String)>,
    references: Vec<At<String>>,
    load: impl Fn(&str) -> Result<T, Diagnostics>,
) -> Option<Vec<T>> {
    let source = root.document().source();
    let mut loaded = Vec::with_capacity(references.len());
    let mut complete = true;
    for At { value: reference, range } in &references {
        match load(reference) {
            Ok(input) => loaded.push(input),
            Err(problems) => {
                complete = false;
                for problem in problems.iter() {
                    let place = problem.place().map(|place| format!("{place:?}")).unwrap_or_default();
                    if seen.insert((place, problem.message().to_owned())) {
                        root.report(problem.clone().see(source, range.clone(), "named here"));
                    }
                }
            }
        }
    }
    complete.then_some(loaded)
}

/// Parameters with the values that are stated of each.
type Choices<'s> = Vec<(&'s str, Vec<ParameterValue>)>;

/// Every setting of the runner, in its order; defaults where the file says nothing.
fn decode_settings(root: &Table<'_>, runner: &RunnerSpec) -> Option<Parameters> {
    let known = &runner.settings;
    let table = match root.get("settings") {
        None => None,
        Some(value) => Some(value.table()?.named("`settings`")),
    };
    let owner = format!("the runner `{}` has no setting", runner.name);
    let choices = decode_parameters(table.as_ref(), known, &owner, "setting", false)?;
    let refuse = |reason: String| {
        let range = table.as_ref().map_or(0..0, Table::range);
        let message = format!("the settings are refused: {reason}");
        root.report(root.problem_at(&range, message).help("change them"));
    };
    // One value each: one combination.
    let settings = Parameters::combinations(known, &choices).map_err(|error| error.to_string());
    let settings = settings.map_err(refuse).ok()?.into_iter().next()?;
    runner.settings_rule.check(&settings).map_err(refuse).ok()?;
    Some(settings)
}

fn decode_policies(root: &Table<'_>, runner: &RunnerSpec) -> Option<Vec<Policy>> {
    let schemas = &runner.policies;
    if !root.has("policy") {
        let [only] = schemas.as_slice() else {
            let names: Vec<&str> = schemas.iter().map(|schema| schema.name.as_ref()).collect();
            root.report(
                root.problem(format!(
                    "the sweep names no policy, and the runner `{}` has several",
                    runner.name
                ))
                .help(format!("add a [[policy]] table with one of: {}", names.join(", "))),
            );
            return None;
        };
        return Some(vec![Policy::with_defaults(only)]);
    }
    let tables = root.tables("policy", "a policy");
    if tables.is_empty() && root.get("policy").is_some_and(|value| value.is_array()) {
        root.report(
            root.problem("the axis `policy` is empty").help("add a [[policy]] table, or remove the key"),
        );
        return None;
    }
    let mut policies: Vec<Policy> = Vec::new();
    let mut known = BTreeSet::new();
    let mut complete = true;
    for table in &tables {
        let Some(found) = decode_policy(table, schemas) else {
            complete = false;
            continue;
        };
        for policy in found {
            if !known.insert(policy.to_string()) {
                table.report(
                    table
                        .problem(format!("the sweep has the policy `{policy}` twice"))
                        .help("remove one of them, or set other parameters"),
                );
                break;
            }
            policies.push(policy);
        }
    }
    (complete && !policies.is_empty()).then_some(policies)
}

/// Every combination of the parameters of one `[[policy]]` table; the last parameter of the schema
/// changes fastest.
fn decode_policy(table: &Table<'_>, schemas: &[PolicySchema]) -> Option<Vec<Policy>> {
    table.only(&["name", "set"]);
    let schema = table.required("name", |value| decode_schema(value, schemas))?;
    let choices = decode_set(table, schema)?;
    let combinations: usize =
        choices.iter().fold(1, |product: usize, (_, values)| product.saturating_mul(values.len()));
    if combinations > MAX_POLICIES {
        table.report(
            table
                .problem(format!("the parameters of `{}` make {combinations} combinations", schema.name))
                .help(format!("list fewer values: {MAX_POLICIES} combinations at most")),
        );
        return None;
    }
    let policies = match Parameters::combinations(&schema.parameters, &choices) {
        Ok(all) => all.into_iter().map(|parameters| Policy { name: schema.name.clone(), parameters }),
        Err(error) => {
            table.report(table.problem(error.to_string()).help(error.help()));
            return None;
        }
    };
    let policies: Vec<Policy> = policies.collect();
    let mut sound = true;
    for policy in &policies {
        if let Err(reason) = schema.rule.check(&policy.parameters) {
            table.report(
                table
                    .problem(format!("the policy `{policy}` is refused: {reason}"))
                    .help("change its parameters"),
            );
            sound = false;
        }
    }
    sound.then_some(policies)
}

fn decode_schema<'s>(value: &Value<'_>, schemas: &'s [PolicySchema]) -> Option<&'s PolicySchema> {
    let name = value.string()?;
    schemas.iter().find(|schema| schema.name == name).or_else(|| {
        let names: Vec<&str> = schemas.iter().map(|schema| schema.name.as_ref()).collect();
        value.reject(format!("there is no policy `{name}`"), suggestion(name, "policy", &names))
    })
}

/// The values that a table states of a policy's parameters, in the order of the schema.
fn decode_set<'s>(table: &Table<'_>, schema: &'s PolicySchema) -> Option<Choices<'s>> {
    let set = match table.get("set") {
        None => None,
        Some(value) => Some(value.table()?.named(format!("`set` of the policy `{}`", schema.name))),
    };
    let owner = format!("the policy `{}` has no parameter", schema.name);
    decode_parameters(set.as_ref(), &schema.parameters, &owner, "parameter", true)
}

/// The values that a table states, in the order of the parameters.
fn decode_parameters<'s>(
    set: Option<&Table<'_>>,
    parameters: &'s Schema,
    unknown: &str,
    kind: &str,
    lists: bool,
) -> Option<Choices<'s>> {
    let names: Vec<&str> = parameters.names().collect();
    if let Some(set) = set {
        for key in set.keys().filter(|key| !names.contains(&key.value)) {
            let help = match names.as_slice() {
                [] => "remove it".to_owned(),
                names => suggestion(key.value, kind, names),
            };
            set.report(set.problem_at(&key.range, format!("{unknown} `{}`", key.value)).help(help));
        }
    }
    let mut choices = Vec::with_capacity(parameters.len());
    let mut complete = true;
    for parameter in parameters.iter() {
        let values = match set.and_then(|set| set.get(&parameter.name)) {
            // It stays at its default.
            None => continue,
            Some(value) if value.is_array() && lists => {
                items(&value, &parameter.name, |item| parameter.decode(item))
                    .map(|values| values.into_iter().map(|value| value.value).collect())
            }
            Some(value) if value.is_array() => value.reject(
                format!("the {kind} `{}` has one value in a sweep", parameter.name),
                "write a value instead of the list; another value is another sweep",
            ),
            Some(value) => parameter.decode(&value).map(|value| vec![value]),
        };
        match values {
            Some(values) => choices.push((parameter.name.as_ref(), values)),
            None => complete = false,
        }
    }
    complete.then_some(choices)
}

fn decode_baseline(
    value: &Value<'_>,
    policies: Option<&[Policy]>,
    platforms: Option<&[Platform]>,
) -> Option<Baseline> {
    let table = value.table()?.named("`baseline`");
    table.only(&["platform", "policy", "set"]);
    match (table.get("platform"), table.get("policy")) {
        (Some(platform), None) => {
            if let Some(set) = table.get("set") {
                return set.reject("`set` goes with a policy", "remove it, or name a policy as the baseline");
            }
            let name = platform.string()?;
            // Without platforms there are other problems to solve first.
            let platforms = platforms?;
            let position = platforms.iter().position(|known| known.name == name);
            let names: Vec<&str> = platforms.iter().map(|platform| platform.name.as_str()).collect();
            position.map(|position| Baseline::Platform(PlatformId::new(position))).or_else(|| {
                platform.reject(
                    format!("the baseline `{name}` is no platform of this sweep"),
                    suggestion(name, "platform", &names),
                )
            })
        }
        (None, Some(policy)) => decode_baseline_policy(&table, &policy, policies?),
        _ => value.reject(
            "the baseline must be a platform or a policy",
            "write `baseline = { platform = \"...\" }`, or `baseline = { policy = \"...\", set = { ... } }`",
        ),
    }
}

fn decode_baseline_policy(table: &Table<'_>, value: &Value<'_>, policies: &[Policy]) -> Option<Baseline> {
    let name = value.string()?;
    let mut names: Vec<&str> = policies.iter().map(|policy| policy.name.as_ref()).collect();
    names.dedup();
    if !names.contains(&name) {
        return value.reject(
            format!("the baseline `{name}` is no policy of this sweep"),
            suggestion(name, "policy", &names),
        );
    }
    let set = match table.get("set") {
        Some(set) => Some(set.table()?),
        None => None,
    };
    let agrees = |policy: &Policy| {
        let Some(set) = &set else { return true };
        set.keys().all(|key| {
            let parameter = policy.parameters.schema().get(key.value);
            let wanted =
                set.get(key.value).zip(parameter).and_then(|(value, parameter)| parameter.decode(&value));
            wanted.is_some() && wanted.as_ref() == policy.parameter(key.value)
        })
    };
    let matching: Vec<usize> = policies
        .iter()
        .enumerate()
        .filter(|(_, policy)| policy.name == name && agrees(policy))
        .map(|(position, _)| position)
        .collect();
    match matching.as_slice() {
        [only] => Some(Baseline::Policy(PolicyId::new(*only))),
        [] => value.reject(
            format!("no `{name}` of this sweep has these parameters"),
            "set parameters to values that the sweep has",
        ),
        several => value.reject(
            format!("{} policies `{name}` of this sweep could be the baseline", several.len()),
            "set the parameters that tell them apart, such as `set = { ... }`",
        ),
    }
}

/// Where in the file a problem of the axes comes from, and what to do.
fn locate(root: &Table<'_>, problem: &PlanError) -> Diagnostic {
    let at = |key: &str| root.get(key).map_or(0..0, |value| value.range());
    match problem {
        PlanError::EmptyAxis { axis } => {
            root.problem_at(&at(axis), problem.to_string()).help("list at least one value")
        }
        PlanError::Unfit { axis, unfit } => {
            root.problem_at(&at(axis), problem.to_string()).help(unfit.help.clone())
        }
        PlanError::TooManyCells { .. } => {
            root.problem_at(&at("seeds"), problem.to_string()).help("shorten an axis, or split the sweep")
        }
        PlanError::SeedTooLarge { .. } => {
            root.problem_at(&at("seeds"), problem.to_string()).help("choose smaller seeds")
        }
        PlanError::Settings { .. } => {
            root.problem_at(&at("settings"), problem.to_string()).help("begin with the runner's own settings")
        }
        PlanError::Repeated { .. } => root.problem_at(&at("seeds"), problem.to_string()),
        PlanError::NotCanonical { .. } => {
            let key = if root.has("pairs") { "pairs" } else { "scenarios" };
            root.problem_at(&at(key), problem.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_within_a_folder() {
        assert!(matches("xrbench/*", "xrbench/single_4k_ws"));
        assert!(matches("*/single_*_ws", "xrbench/single_4k_ws"));
        assert!(matches("xrbench/quad_*k_*os", "xrbench/quad_8k_ws_os_ws_os"));
        assert!(matches("*", "plain"));
        assert!(!matches("*", "xrbench/single_4k_ws"));
        assert!(!matches("xrbench/*_rs", "xrbench/single_4k_ws"));
        assert!(!matches("single_*", "xrbench/single_4k_ws"));
    }
}
