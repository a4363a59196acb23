//! Scenario files: TOML to [`Workload`].
//!
//! Tables are decoded one by one into drafts; what they say of each other, by name, is resolved when
//! all are read, so that every unknown name can be reported with the known ones.

mod mix;
mod phase;
mod task;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::ids::{ModelId, TaskId};
use crate::input::{At, Diagnostic, Diagnostics, Document, Source, Table, Value, suggestion};
use crate::model::Model;
use crate::model_file::ParameterSetting;
use crate::scenario::{
    Arrivals, Deadline, Dependency, DependencyKind, Request, Scenario, Task, Workload, cycle,
};

use self::mix::decode_mixes;
use self::phase::decode_phases;
use self::task::{Draft, DraftDependency, decode_task};

/// A scenario's reference to a model whose parameters it sets.
pub(crate) type OpenModel<'o> = dyn Fn(&str, &[ParameterSetting]) -> Result<Model, Diagnostics> + 'o;

/// A scenario file's references to others: found by the loader of files.
pub(crate) struct Files<'o> {
    /// A model by its name or path, with its parameters set.
    pub model: &'o OpenModel<'o>,
    /// A CSV table by its path.
    pub table: &'o dyn Fn(&str) -> Result<Source, Diagnostic>,
}

/// Decodes a scenario with its models; records every problem in `document`.
pub(crate) fn decode_workload(name: &str, document: &Document<'_>, files: &Files<'_>) -> Option<Workload> {
    let root = document.root().named("this scenario");
    root.only(&["source", "description", "duration", "task", "phase", "mix"]);
    let source = root.required("source", Value::string);
    let _description = root.optional("description", Value::string);
    let duration = root.required("duration", Value::duration);
    let mut models = Models::default();
    let tables = root.tables("task", "a task");
    if tables.is_empty() && !document.has_problems() {
        root.report(root.problem("the scenario has no tasks").help("add at least one [[task]] table"));
    }
    let mixes = decode_mixes(&root, &tables, duration);
    let drafts: Vec<Draft> = tables
        .iter()
        .zip(mixes)
        .filter_map(|(table, of_mix)| decode_task(table, of_mix, &mut models, files))
        .collect();
    let tasks = Tasks::resolve(&root, drafts);
    tasks.report_missing_deadlines(&root);
    tasks.report_unknown_exits(&root, &models.loaded);
    let phases = decode_phases(&root, duration, &tasks);
    let mut workload = Workload {
        scenario: Scenario {
            name: name.to_owned(),
            source: source?.to_owned(),
            duration: duration?,
            tasks: tasks.finish()?,
            phases: phases?,
        },
        models: models.loaded,
    };
    leave_out_idle_models(&mut workload);
    Some(workload)
}

/// Models that no task may run are no part of a workload: variants that every task excludes.
fn leave_out_idle_models(workload: &mut Workload) {
    let tasks = &mut workload.scenario.tasks;
    let mut places: Vec<Option<ModelId>> = Vec::with_capacity(workload.models.len());
    let mut kept = 0;
    let mut uses = vec![false; workload.models.len()];
    for id in tasks.iter().flat_map(|task| &task.variants) {
        uses[id.index()] = true;
    }
    for is_used in uses {
        places.push(is_used.then(|| ModelId::new(kept)));
        kept += usize::from(is_used);
    }
    let place = |id: &ModelId| places.get(id.index()).copied().flatten();
    for task in tasks {
        task.model = place(&task.model).unwrap_or(task.model);
        task.variants = task.variants.iter().filter_map(place).collect();
    }
    let mut used = places.iter().map(Option::is_some);
    workload.models.retain(|_| used.next().unwrap_or(true));
}

/// Lists a model and, of a supernet, the variants that can run in its place; the default comes first.
pub(crate) fn add_model(models: &mut Vec<Model>, mut model: Model) -> Vec<ModelId> {
    let others = std::mem::take(&mut model.variants);
    std::iter::once(model)
        .chain(others)
        .map(|network| {
            models.push(network);
            ModelId::new(models.len() - 1)
        })
        .collect()
}

/// The models that tasks name.
#[derive(Default)]
struct Models {
    loaded: Vec<Model>,
    /// In the order of loading.
    references: Vec<Reference>,
}

/// A task's name of a model, and the model that it stands for.
struct Reference {
    text: String,
    settings: Vec<ParameterSetting>,
    /// None where the model cannot be read.
    networks: Option<Vec<ModelId>>,
}

impl Reference {
    fn is_same(&self, text: &str, settings: &[ParameterSetting]) -> bool {
        let are_same = |(one, other): (&ParameterSetting, &ParameterSetting)| one.is_same(other);
        self.text == text
            && self.settings.len() == settings.len()
            && self.settings.iter().zip(settings).all(are_same)
    }
}

impl Models {
    fn find(
        &mut self,
        value: &Value<'_>,
        settings: Vec<ParameterSetting>,
        files: &Files<'_>,
    ) -> Option<Vec<ModelId>> {
        let text = value.string()?;
        if let Some(known) = self.references.iter().find(|known| known.is_same(text, &settings)) {
            return known.networks.clone();
        }
        let networks = match (files.model)(text, &settings) {
            Ok(model) => self.networks_of(value, text, model),
            Err(problems) => report_from(value, &problems),
        };
        self.references.push(Reference { text: text.to_owned(), settings, networks: networks.clone() });
        networks
    }

    /// The variants of a model, which is listed unless it was before: neither another spelling of its path nor a
    /// parameter that is set to its default makes another model. Two models of one name are recorded.
    fn networks_of(&mut self, value: &Value<'_>, text: &str, model: Model) -> Option<Vec<ModelId>> {
        let known = self.references.iter().find_map(|known| {
            let networks = known.networks.as_ref()?;
            let first = self.loaded.get(networks.first()?.index())?;
            (first.name == model.name).then_some((known, networks))
        });
        let Some((known, networks)) = known else { return Some(add_model(&mut self.loaded, model)) };
        if self.is_equal(networks, &model) {
            return Some(networks.clone());
        }
        let message = format!("`{text}` and `{}` are different models named `{}`", known.text, model.name);
        value.reject(message, "state another `name` in the file of one of them, or rename the file")
    }

    /// True if listed variants are those of a model.
    fn is_equal(&self, networks: &[ModelId], model: &Model) -> bool {
        let listed = networks.iter().filter_map(|id| self.loaded.get(id.index()));
        let first = Model { variants: Vec::new(), ..model.clone() };
        networks.len() == 1 + model.variants.len()
            && listed.zip(std::iter::once(&first).chain(&model.variants)).all(|(one, other)| one == other)
    }
}

/// Records the problems of a file that `value` names.
fn report_from<T>(value: &Value<'_>, problems: &Diagnostics) -> Option<T> {
    let source = value.document().source().clone();
    let mut located = Diagnostics::default();
    for problem in problems.iter() {
        located.push(problem.clone().see(&source, value.range(), "named here"));
    }
    value.document().report_all(located);
    None
}

/// The tasks of a scenario, with the names in their dependencies resolved.
struct Tasks {
    drafts: Vec<Draft>,
    /// For each task, those that it depends on: position, and what the file says.
    arrows: Vec<Vec<(usize, DraftDependency)>>,
}

impl Tasks {
    fn resolve(root: &Table<'_>, mut drafts: Vec<Draft>) -> Self {
        let dependencies: Vec<Vec<DraftDependency>> =
            drafts.iter_mut().map(|draft| std::mem::take(&mut draft.depends_on)).collect();
        let mut tasks = Self { drafts, arrows: Vec::new() };
        let names = tasks.names();
        let mut arrows = Vec::new();
        for (index, (draft, dependencies)) in tasks.drafts.iter().zip(dependencies).enumerate() {
            let name = &draft.name.value;
            if names.positions.get(name.as_str()).is_some_and(|first| *first < index) {
                root.report(
                    root.problem_at(&draft.name.range, format!("there are two tasks named `{name}`"))
                        .help("give every task a name of its own"),
                );
            }
            let mut upstream: Vec<(usize, DraftDependency)> = Vec::new();
            for dependency in dependencies {
                let At { value: wanted, range } = &dependency.task;
                match names.position(root, "to depend on", wanted, range) {
                    Some(index) if upstream.iter().any(|(known, _)| *known == index) => root.report(
                        root.problem_at(range, format!("task `{name}` depends on `{wanted}` twice"))
                            .help("keep one of the two"),
                    ),
                    Some(index) => upstream.push((index, dependency)),
                    None => {}
                }
            }
            arrows.push(upstream);
        }
        tasks.arrows = arrows;
        tasks.report_circle(root);
        tasks
    }

    fn names(&self) -> Names<'_> {
        Names::new(self.drafts.iter().map(|draft| draft.name.value.as_str()).collect())
    }

    fn report_circle(&self, root: &Table<'_>) {
        let successors = |task: usize| self.arrows[task].iter().map(|(to, _)| *to).collect();
        let Some(circle) = cycle(self.drafts.len(), successors) else { return };
        let names = self.names();
        let mut path: Vec<&str> = circle.iter().map(|task| names.names[*task]).collect();
        path.push(path[0]);
        let next = circle.get(1).unwrap_or(&circle[0]);
        let arrow = self.arrows[circle[0]].iter().find(|(to, _)| to == next);
        let range = arrow.map_or(0..0, |(_, dependency)| dependency.task.range.clone());
        root.report(
            root.problem_at(&range, format!("tasks depend on each other in a circle: {}", path.join(" -> ")))
                .help("remove one of these dependencies"),
        );
    }

    /// The position of the task whose arrivals a task has: its own, unless it follows another.
    fn leader(&self, task: usize) -> usize {
        let mut leader = task;
        // Longer than there are tasks is a circle, which was reported.
        for _ in 0..self.drafts.len() {
            match (&self.drafts[leader].arrivals, self.arrows[leader].first()) {
                (Some(Arrivals::Follows), Some((first, _))) => leader = *first,
                _ => break,
            }
        }
        leader
    }

    /// A deadline that is the period needs one; so does a recorded request that states none.
    fn report_missing_deadlines(&self, root: &Table<'_>) {
        for (index, draft) in self.drafts.iter().enumerate() {
            if draft.deadline != Some(Deadline::Period) {
                continue;
            }
            let has_one = |request: &Request| request.deadline.is_some();
            let why = match &self.drafts[self.leader(index)].arrivals {
                Some(Arrivals::Poisson { .. } | Arrivals::Bursty { .. } | Arrivals::Mix { .. }) => {
                    "random arrivals have no period"
                }
                // A task's own trace may say it for every request; a task that follows another has none of that.
                Some(Arrivals::Trace(requests)) if draft.follows() || !requests.iter().all(has_one) => {
                    "recorded requests have no period"
                }
                Some(Arrivals::Trace(_) | Arrivals::Periodic { .. } | Arrivals::Follows) | None => continue,
            };
            root.report(
                root.problem_at(&draft.range, format!("task `{}` has no deadline: {why}", draft.name.value))
                    .help("add one, such as `deadline = \"50ms\"`"),
            );
        }
    }

    /// Exits that dependencies name must be exits of what the other task may run.
    fn report_unknown_exits(&self, root: &Table<'_>, models: &[Model]) {
        for (upstream, dependency) in self.arrows.iter().flatten() {
            let upstream = &self.drafts[*upstream];
            // Without the model there is nothing to compare with, and a problem already.
            let Some(networks) = &upstream.networks else { continue };
            let exits =
                networks.iter().filter_map(|id| models.get(id.index())).flat_map(|model| &model.exits);
            let known: Vec<&str> = exits.map(|exit| exit.name.as_str()).collect();
            let stated = dependency.control.iter().flat_map(|control| &control.after_exit);
            for (At { value: wanted, range }, _) in stated {
                if !known.contains(&wanted.as_str()) {
                    let message =
                        format!("the model of task `{}` has no exit `{wanted}`", upstream.name.value);
                    root.report(root.problem_at(range, message).help(suggestion(wanted, "exit", &known)));
                }
            }
        }
    }

    /// The tasks, unless one of them lacks something; that is reported already.
    fn finish(self) -> Option<Vec<Task>> {
        self.drafts
            .into_iter()
            .zip(self.arrows)
            .map(|(draft, arrows)| {
                let variants = draft.networks?;
                Some(Task {
                    name: draft.name.value,
                    model: *variants.first()?,
                    variants,
                    arrivals: draft.arrivals?,
                    deadline: draft.deadline?,
                    priority: draft.priority,
                    drawn_priorities: draft.drawn_priorities,
                    depends_on: arrows.into_iter().map(dependency).collect(),
                    trigger_probability: draft.trigger_probability,
                    pins: draft.pins,
                })
            })
            .collect()
    }
}

fn dependency((task, draft): (usize, DraftDependency)) -> Dependency {
    let kind = draft.control.map_or(DependencyKind::Data, |control| DependencyKind::Control {
        probability: control.probability,
        probability_after_exit: control
            .after_exit
            .into_iter()
            .map(|(exit, probability)| (exit.value, probability))
            .collect(),
    });
    Dependency { task: TaskId::new(task), kind }
}

/// The names of all tasks, in the order of the file.
struct Names<'t> {
    names: Vec<&'t str>,
    /// The first position of each.
    positions: BTreeMap<&'t str, usize>,
}

impl<'t> Names<'t> {
    fn new(names: Vec<&'t str>) -> Self {
        let mut positions = BTreeMap::new();
        for (position, name) in names.iter().enumerate() {
            positions.entry(*name).or_insert(position);
        }
        Self { names, positions }
    }

    /// The position of a task that the file names; an unknown one is recorded.
    fn position(&self, root: &Table<'_>, purpose: &str, wanted: &str, range: &Range<usize>) -> Option<usize> {
        let found = self.positions.get(wanted).copied();
        if found.is_none() {
            root.report(
                root.problem_at(range, format!("there is no task `{wanted}` {purpose}")).help(suggestion(
                    wanted,
                    "task",
                    &self.names,
                )),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LayerId;
    use crate::model::{Exit, Shapes};

    /// A supernet of two variants with different exits; any other name is a plain model.
    fn open_model(reference: &str, _: &[ParameterSetting]) -> Result<Model, Diagnostics> {
        let plain = |name: &str| Model::of_layers(name.into(), "t".into(), Shapes::Chained, Vec::new());
        let exit = |name: &str| Exit {
            name: name.to_owned(),
            after: LayerId::new(0),
            probability: 0.5,
            accuracy: None,
        };
        let mut model = plain(reference);
        if reference == "super" {
            let mut small = plain("super/small");
            small.exits = vec![exit("early"), exit("middle")];
            model.exits = vec![exit("early")];
            model.variants = vec![small, plain("super/tiny")];
        }
        Ok(model)
    }

    fn decode(tasks: &str) -> Result<Workload, Diagnostics> {
        let text = format!("source = \"t\"\nduration = \"1s\"\n{tasks}");
        let source = Source::new("s.toml", text);
        let document = Document::parse(&source);
        let table = |_: &str| Err(Diagnostic::without_place("no tables"));
        let workload = decode_workload("s", &document, &Files { model: &open_model, table: &table });
        document.finish(workload)
    }

    fn triggered(exits: &str) -> String {
        format!(
            "[[task]]\nname = \"a\"\nmodel = \"super\"\nrate_hz = 30\n\
             [[task]]\nname = \"b\"\nmodel = \"plain\"\n\
             depends_on = [{{ task = \"a\", kind = \"control\", probability_after_exit = {exits} }}]\n\
             [[task]]\nname = \"c\"\nmodel = \"super\"\nrate_hz = 30\n"
        )
    }

    #[test]
    fn networks_of_a_supernet_are_models_of_their_own() {
        let workload = decode(&triggered("{}")).expect("a scenario");
        let names: Vec<&str> = workload.models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["super", "super/small", "super/tiny", "plain"]);
        assert!(workload.models.iter().all(|model| model.variants.is_empty()));
        let variants: Vec<Vec<usize>> = workload
            .scenario
            .tasks
            .iter()
            .map(|task| task.variants.iter().map(|id| id.index()).collect())
            .collect();
        assert_eq!(variants, [vec![0, 1, 2], vec![3], vec![0, 1, 2]]);
        assert_eq!(workload.scenario.tasks[2].model, ModelId::new(0));
    }

    #[test]
    fn exits_are_those_of_any_network() {
        let workload = decode(&triggered("{ middle = 0.1, early = 0 }")).expect("a scenario");
        let DependencyKind::Control { probability, probability_after_exit } =
            &workload.scenario.tasks[1].depends_on[0].kind
        else {
            panic!("no control dependency");
        };
        assert_eq!(*probability, 1.0);
        let expected = [("early".to_owned(), 0.0), ("middle".to_owned(), 0.1)];
        assert_eq!(probability_after_exit.as_slice(), expected);

        let problems = decode(&triggered("{ midle = 0.1 }")).expect_err("no such exit").to_string();
        assert!(problems.contains("the model of task `a` has no exit `midle`"), "{problems}");
        assert!(problems.contains("did you mean `middle`?"), "{problems}");
    }
}
