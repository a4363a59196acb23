//! Scenario files: TOML to [`Workload`].

use crate::ids::{ModelId, TaskId};
use crate::input::{At, Diagnostics, Document, Table, Value, suggestion};
use crate::model::Model;
use crate::scenario::{Arrivals, Deadline, Dependency, DependencyKind, Scenario, Task, Workload, cycle};
use crate::time::{Duration, Period};

/// How a scenario file refers to a model: found by whoever reads files.
pub(crate) type OpenModel<'o> = dyn FnMut(&str) -> Result<Model, Diagnostics> + 'o;

/// A task before the names that it uses are resolved.
struct Draft {
    name: At<String>,
    model: Option<ModelId>,
    period: Option<Period>,
    deadline: Option<Duration>,
    depends_on: Vec<At<String>>,
    trigger_probability: f64,
}

/// Decodes a scenario with its models; records every problem in `document`.
pub(crate) fn decode_workload(
    name: &str,
    document: &Document<'_>,
    open_model: &mut OpenModel<'_>,
) -> Option<Workload> {
    let root = document.root().named("this scenario");
    root.only(&["source", "description", "duration", "task"]);
    let source = root.required("source", Value::string);
    let _description = root.optional("description", Value::string);
    let duration = root.required("duration", Value::duration);
    let mut models = Models::default();
    let tables = root.tables("task", "a task");
    if tables.is_empty() && !document.has_problems() {
        root.report(root.problem("the scenario has no tasks").help("add at least one [[task]] table"));
    }
    let drafts: Vec<Draft> =
        tables.iter().filter_map(|table| decode_task(table, &mut models, open_model)).collect();
    let tasks = resolve(&root, drafts);
    Some(Workload {
        scenario: Scenario {
            name: name.to_owned(),
            source: source?.to_owned(),
            duration: duration?,
            tasks: tasks?,
            phases: Vec::new(),
        },
        models: models.loaded,
    })
}

#[derive(Default)]
struct Models {
    loaded: Vec<Model>,
    /// References in the order of loading, with what became of them.
    references: Vec<(String, Option<ModelId>)>,
}

impl Models {
    fn find(&mut self, value: &Value<'_>, open_model: &mut OpenModel<'_>) -> Option<ModelId> {
        let reference = value.string()?;
        if let Some((_, id)) = self.references.iter().find(|(known, _)| known == reference) {
            return *id;
        }
        let id = match open_model(reference) {
            Ok(model) => {
                self.loaded.push(model);
                Some(ModelId::new(self.loaded.len() - 1))
            }
            Err(problems) => {
                let source = value.document().source().clone();
                let mut located = Diagnostics::default();
                for problem in problems.iter() {
                    located.push(problem.clone().see(&source, value.range(), "named here"));
                }
                value.document().report_all(located);
                None
            }
        };
        self.references.push((reference.to_owned(), id));
        id
    }
}

fn decode_task(table: &Table<'_>, models: &mut Models, open_model: &mut OpenModel<'_>) -> Option<Draft> {
    table.only(&["name", "model", "rate_hz", "period", "deadline", "depends_on", "trigger_probability"]);
    let name = table.required("name", |value| value.at(|value| value.string().map(str::to_owned)));
    let model = table.required("model", |value| models.find(value, open_model));
    let period = decode_period(table);
    let deadline = table.optional("deadline", Value::duration);
    let depends_on = table.list("depends_on", |value| value.at(|value| value.string().map(str::to_owned)));
    let trigger_probability = table.or("trigger_probability", 1.0, Value::probability);
    Some(Draft { name: name?, model, period, deadline, depends_on, trigger_probability })
}

fn decode_period(table: &Table<'_>) -> Option<Period> {
    match (table.get("rate_hz"), table.get("period")) {
        (Some(value), None) => {
            // A millionth of a hertz to a megahertz, exactly.
            let rate = value.millionths(1..=1_000_000_000_000)?;
            let span = Duration::from_milliseconds(1_000_000_000)?;
            Period::from_rate(rate, span).ok()
        }
        (None, Some(value)) => value.duration().and_then(|duration| Period::new(duration).ok()),
        (Some(_), Some(value)) => {
            value.reject("a task has a rate or a period, not both", "remove `rate_hz` or `period`")
        }
        (None, None) => {
            table.report(
                table
                    .problem("the task says neither how often nor when it is released")
                    .help("add `rate_hz = 30`, or `period = \"33ms\"`"),
            );
            None
        }
    }
}

fn resolve(root: &Table<'_>, drafts: Vec<Draft>) -> Option<Vec<Task>> {
    let names: Vec<&str> = drafts.iter().map(|draft| draft.name.value.as_str()).collect();
    for (index, draft) in drafts.iter().enumerate() {
        if names[..index].contains(&draft.name.value.as_str()) {
            root.report(
                root.problem_at(
                    &draft.name.range,
                    format!("there are two tasks named `{}`", draft.name.value),
                )
                .help("give every task a name of its own"),
            );
        }
    }
    let mut arrows = Vec::new();
    for draft in &drafts {
        let mut upstream = Vec::new();
        for At { value: wanted, range } in &draft.depends_on {
            match names.iter().position(|name| name == wanted) {
                Some(index) => upstream.push((index, range.clone())),
                None => root.report(
                    root.problem_at(range, format!("there is no task `{wanted}` to depend on"))
                        .help(suggestion(wanted, "task", &names)),
                ),
            }
        }
        arrows.push(upstream);
    }
    if let Some(circle) = cycle(drafts.len(), |task| arrows[task].iter().map(|(to, _)| *to).collect()) {
        let mut path: Vec<&str> = circle.iter().map(|task| names[*task]).collect();
        path.push(path[0]);
        let next = circle.get(1).unwrap_or(&circle[0]);
        let range =
            arrows[circle[0]].iter().find(|(to, _)| to == next).map_or(0..0, |(_, range)| range.clone());
        root.report(
            root.problem_at(&range, format!("tasks depend on each other in a circle: {}", path.join(" -> ")))
                .help("remove one of these dependencies"),
        );
    }
    drafts
        .into_iter()
        .zip(arrows)
        .map(|(draft, arrows)| {
            let model = draft.model?;
            Some(Task {
                name: draft.name.value,
                model,
                variants: vec![model],
                arrivals: Arrivals::Periodic {
                    period: draft.period?,
                    offset: Duration::ZERO,
                    jitter: Duration::ZERO,
                },
                deadline: draft.deadline.map_or(Deadline::Period, Deadline::After),
                priority: 0,
                depends_on: arrows
                    .into_iter()
                    .map(|(task, _)| Dependency { task: TaskId::new(task), kind: DependencyKind::Data })
                    .collect(),
                trigger_probability: draft.trigger_probability,
            })
        })
        .collect()
}
