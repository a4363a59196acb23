//! `rtmm check`: every problem of every file.

mod measured;
mod pairs;
mod sweep;

use std::io::Write;
use std::path::Path;

use rtmm_hardware::{MeasuredTable, Mode, Technology, load as hardware, maestro::dataflow::Dataflow};
use rtmm_reference::{moca, planaria};
use rtmm_runners::Runners;
use rtmm_workload::input::{Diagnostic, Diagnostics, Document, Source, nearest};
use rtmm_workload::load::{self, Kind, TableKind};
use rtmm_workload::{Arrivals, Legality, Time, Workload, read_layer_table};

use super::cost::no_rows;
use super::priced;
use crate::args::{Check, LayerCompat};
use crate::failure::Failure;
use crate::idle::warn_of_sweep;
use crate::output::stdout;
use pairs::Pairs;

/// The reading of layer shapes and of cost models that a published tool asks for.
pub(crate) fn readings(compat: Option<LayerCompat>) -> (Legality, Mode) {
    match compat {
        Some(LayerCompat::Xrbench) => (Legality::Published, Mode::Reference),
        None => (Legality::Strict, Mode::Corrected),
    }
}

pub(crate) fn check(arguments: &Check) -> Result<(), Failure> {
    let (legality, mode) = readings(arguments.compat);
    // Without the scenario that they name, nothing can be said of request files.
    let scenario = match &arguments.scenario {
        Some(reference) => Some(load::workload(reference, None, legality)?),
        None => None,
    };
    let mut problems = Diagnostics::default();
    let mut out = stdout();
    let mut pairs = Pairs::default();
    let solos = measured::solos(&arguments.files);
    let mut uses = Uses::default();
    for path in &arguments.files {
        let sources = match sources(path) {
            Ok(sources) => sources,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        for source in sources {
            uses.add(&source);
            // Measurements of a GPU have tables of their own.
            let checked = match measured::check(&source, &solos) {
                Some(checked) => checked,
                None => check_file(path, source, scenario.as_ref(), legality, mode, &mut pairs),
            };
            match checked {
                Ok(what) => writeln!(out, "{}: {what}", path.display())?,
                Err(found) => problems.extend(found),
            }
        }
    }
    for (option, is_idle, help) in [
        (
            "--scenario",
            scenario.is_some() && !uses.scenario,
            "leave it out, or name a request file (.csv), whose tasks it states",
        ),
        (
            "--compat",
            arguments.compat.is_some() && !uses.compat,
            "leave it out, or name files with layers or accelerators: a sweep names its own runner",
        ),
    ] {
        if is_idle {
            let problem = format!("`{option}` has no effect: none of the files has a use for it");
            problems.push(Diagnostic::without_place(problem).help(help));
        }
    }
    pairs.check(arguments.compat, &mut out, &mut problems)?;
    out.flush()?;
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// Options that some file has a use for.
#[derive(Default)]
struct Uses {
    scenario: bool,
    compat: bool,
}

impl Uses {
    fn add(&mut self, source: &Source) {
        let extension = Path::new(source.name()).extension();
        if extension.is_some_and(|extension| extension == "csv") {
            // A table that is none is told of by itself.
            let table = TableKind::of(source);
            self.scenario |= matches!(table, Some(TableKind::Requests) | None);
            self.compat |= matches!(table, Some(TableKind::Requests | TableKind::Layers) | None);
        } else if extension.is_none_or(|extension| extension != "json") {
            let kind = Kind::of(&Document::parse(source));
            self.compat |= !matches!(kind, Some(Kind::Technology | Kind::Sweep));
        }
    }
}

/// The file of a path, or those built-in files that have it for a name.
fn sources(path: &Path) -> Result<Vec<Source>, Diagnostic> {
    let name = path.to_string_lossy();
    if is_chosen(path) {
        return hardware::open_platform(&name, None).map(|source| vec![source]);
    }
    if path.extension().is_none() && !path.is_file() {
        let kinds =
            [Kind::Model, Kind::Scenario, Kind::Platform, Kind::Dataflow, Kind::Technology, Kind::Sweep];
        let of_kind = |kind| load::built_in_names(kind).into_iter().map(move |one| (kind, one));
        let names: Vec<(Kind, String)> = kinds.into_iter().flat_map(of_kind).collect();
        let named = names.iter().filter(|(_, one)| *one == name);
        let sources =
            named.map(|(kind, _)| load::open(*kind, &name, None)).collect::<Result<Vec<Source>, _>>()?;
        if !sources.is_empty() {
            return Ok(sources);
        }
        if let Some(near) = nearest(&name, names.iter().map(|(_, one)| one.as_str())) {
            let problem = format!("there is no file and nothing built in called `{name}`");
            let help = format!("did you mean `{near}`? (a file is named with its extension)");
            return Err(Diagnostic::without_place(problem).help(help));
        }
    }
    load::read(path).map(|source| vec![source])
}

/// True for a platform with a choice of its costs, such as `boards/rk3588@high`.
fn is_chosen(path: &Path) -> bool {
    !path.is_file() && hardware::choice_of(&path.to_string_lossy()).1.is_some()
}

/// Kind of a sound file, with its counts.
fn check_file(
    path: &Path,
    source: Source,
    scenario: Option<&Workload>,
    legality: Legality,
    mode: Mode,
    pairs: &mut Pairs,
) -> Result<String, Diagnostics> {
    if path.extension().is_some_and(|extension| extension == "csv") {
        return check_table(&source, scenario, legality);
    }
    if path.extension().is_some_and(|extension| extension == "json") {
        return check_case(&source);
    }
    match kind_of(&source)? {
        Kind::Model => {
            let model = load::model_of(&source, legality)?;
            let mut what = format!(
                "model, {}, {} multiply-accumulates, {} parameters",
                count_of(model.layers.len(), "layer"),
                model.macs(),
                model.parameters()
            );
            let others = [
                (model.blocks.len(), "block"),
                (model.exits.len(), "exit"),
                (model.variants.len(), "more network"),
            ];
            for (count, noun) in others.into_iter().filter(|(count, _)| *count > 0) {
                what.push_str(&format!(", {}", count_of(count, noun)));
            }
            if let Some(samples) = &model.samples {
                let kind = if samples.synthesis().is_some() { "synthetic sample" } else { "sample" };
                what.push_str(&format!(", {}", count_of(samples.len(), kind)));
            }
            Ok(what)
        }
        Kind::Scenario => {
            let workload = load::workload_of(&source, legality)?;
            let (tasks, models) = (workload.scenario.tasks.len(), workload.models.len());
            let what = format!(
                "scenario, {} of {} over {}",
                count_of(tasks, "task"),
                count_of(models, "model"),
                workload.scenario.duration
            );
            pairs.add_scenario(path, source, workload);
            Ok(what)
        }
        Kind::Platform => {
            let platform = match is_chosen(path) {
                true => hardware::platform(&path.to_string_lossy(), None, mode)?,
                false => hardware::platform_of(&source, mode)?,
            };
            priced::warn(source.name(), &platform);
            let (accelerators, kinds) = (platform.accelerators.len(), platform.configurations.len());
            let what = format!(
                "platform, {} of {}",
                count_of(accelerators, "accelerator"),
                count_of(kinds, "configuration")
            );
            pairs.add_platform(path, source, platform);
            Ok(what)
        }
        Kind::Dataflow => {
            let dataflow = Dataflow::parse(source.name(), &source, mode)?;
            let elements = dataflow.cluster_elements();
            Ok(format!("dataflow, {}, clusters of {elements}", count_of(dataflow.levels.len(), "level")))
        }
        Kind::Technology => {
            let technology = Technology::of(&source)?;
            let (precisions, kinds) = (technology.precisions().count(), technology.drams().count());
            let nodes = technology
                .nodes_nm()
                .map_or_else(String::new, |nodes| format!(", {} to {} nm", nodes.start(), nodes.end()));
            Ok(format!(
                "technology, {}, {} of off-chip memory{nodes}",
                count_of(precisions, "precision"),
                count_of(kinds, "kind")
            ))
        }
        Kind::Sweep => {
            let plan = rtmm_sweep::file::plan_of(&source, &Runners::built_in().list())?;
            rtmm_robust::request::of(&source, &plan)?;
            warn_of_sweep(source.name(), &plan);
            sweep::check(&source, &plan)?;
            Ok(format!("sweep, {}", count_of(plan.len(), "cell")))
        }
    }
}

/// A count with its noun, such as `1 task` and `2 tasks`.
fn count_of(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Kind of a sound CSV table, with its counts.
fn check_table(
    source: &Source,
    scenario: Option<&Workload>,
    legality: Legality,
) -> Result<String, Diagnostics> {
    let Some(kind) = TableKind::of(source) else {
        let problem = rtmm_workload::input::problem_with(source, "this is no table that rtmm knows");
        let help = "a layer table has columns K, C, R, S, Y, X, those of SCALE-Sim's topologies, or M, N, K; a cost table \
                    model, layer, latency_us or quantiles of it; requests have arrival_s; a sample trace has \
                    overall-sparsity; co-located models have model_a and model_b, segment groups combo; measurements and arrivals of other programs are read by `rtmm import --kind`";
        return Err(problem.help(help).into());
    };
    match kind {
        TableKind::Costs => {
            let table = MeasuredTable::parse(source)?;
            Ok(format!(
                "cost table, {} of {}",
                count_of(table.layers(), "layer"),
                count_of(table.models(), "model")
            ))
        }
        TableKind::Layers => {
            let mut layers = 0;
            let problems = read_layer_table(source, legality, |_| layers += 1);
            if layers == 0 && problems.is_empty() {
                return Err(no_rows(source).into());
            }
            problems.into_result(Some(format!("layer table, {}", count_of(layers, "layer"))))
        }
        TableKind::Trace => {
            let requests = load::trace_of(source)?;
            let last = requests.last().map_or(Time::ZERO, |request| request.arrival);
            let over = last.saturating_since(Time::ZERO);
            Ok(format!("trace, {}, the last one at {over}", count_of(requests.len(), "request")))
        }
        TableKind::Requests => {
            let Workload { scenario, models } = load::requests_of(source, scenario, legality)?;
            let requests: usize = scenario
                .tasks
                .iter()
                .map(|task| match &task.arrivals {
                    Arrivals::Trace(requests) => requests.len(),
                    _ => 0,
                })
                .sum();
            let (models, over) = (models.len(), scenario.duration);
            Ok(format!(
                "request file, {} of {} over {over}",
                count_of(requests, "request"),
                count_of(models, "model")
            ))
        }
        TableKind::Samples => {
            let trace = load::sample_trace_of(source)?;
            let (samples, layers) = (trace.len(), trace.layers());
            Ok(format!(
                "sample trace ({}), {} of {}",
                trace.schema.name(),
                count_of(samples, "sample"),
                count_of(layers, "layer")
            ))
        }
    }
}

/// The kind and size of a sound case of a published tool.
fn check_case(source: &Source) -> Result<String, Diagnostics> {
    let document = Document::parse_json(source);
    let root = document.root();
    let has_any = |keys: &[&str]| keys.iter().any(|key| root.has(key));
    if has_any(&["tables", "subarrays"]) {
        let case = planaria::case_file::read(source)?;
        let (jobs, models, subarrays) = (case.jobs().len(), case.models().len(), case.subarrays());
        return Ok(format!("case of Planaria, {jobs} tasks of {models} networks on {subarrays} subarrays"));
    }
    if has_any(&["trace", "scheduler", "calls"]) {
        return Ok(match moca::case_file::read(source)? {
            moca::case_file::Case::Plans(case) => {
                format!(
                    "case of MoCA, {} calls of a planner for {} tasks",
                    case.calls.len(),
                    case.tasks.len()
                )
            }
            moca::case_file::Case::Trace(case) => format!("case of MoCA, a trace of {} cycles", case.cycles),
        });
    }
    document.report(rtmm_workload::input::problem_with(source, "this is no case that rtmm knows").help(
        "a case of Planaria has tables and subarrays, one of MoCA a scheduler with tasks and calls, or a trace",
    ));
    document.finish(None)
}

fn kind_of(source: &Source) -> Result<Kind, Diagnostics> {
    let document = Document::parse(source);
    let kind = Kind::of(&document);
    if kind.is_none() && !document.has_problems() {
        document.report(rtmm_workload::input::problem_with(source, "this is no file that rtmm knows").help(
            "a model has [[layer]], layer_table, layers_of, measured_layers, [samples] or [[variant]], a scenario [[task]], a platform [[accelerator]], a dataflow \
             [[level]], a technology [[mac]] and [[dram]], a sweep scenarios and platforms, or pairs",
        ));
    }
    document.finish(kind)
}
