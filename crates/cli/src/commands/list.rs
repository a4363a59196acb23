//! `rtmm list`: what is built in.

use std::io::Write;

use rtmm_hardware::{CostModelRegistry, Mode, load as hardware};
use rtmm_runners::Runners;
use rtmm_sweep::runner::{Parameter, PolicySchema};
use rtmm_workload::input::{Diagnostics, Document, Value};
use rtmm_workload::load::{self, Kind, built_in_names};
use rtmm_workload::{Legality, Scenario};

use crate::args::{Format, List, Listing};
use crate::failure::Failure;
use crate::output::{Rows, stdout, width, wrap};

pub(crate) fn list(arguments: &List) -> Result<(), Failure> {
    if arguments.what == Listing::Policies && arguments.format == Format::Table {
        return print_policies();
    }
    let rows = match arguments.what {
        Listing::Scenarios => scenarios()?,
        Listing::Models => models()?,
        Listing::Platforms => platforms()?,
        Listing::Policies => policies(),
        Listing::CostModels => cost_models(),
        Listing::Dataflows => described("Dataflows", Kind::Dataflow)?,
        Listing::Technologies => described("Technologies", Kind::Technology)?,
        Listing::Sweeps => described("Sweeps", Kind::Sweep)?,
    };
    rows.print(arguments.format)
}

fn rows(title: &str, columns: &[(&'static str, bool)], rows: Vec<Vec<String>>) -> Rows {
    Rows {
        title: title.to_owned(),
        header: columns.iter().map(|(name, _)| *name).collect(),
        numbers: columns.iter().map(|(_, number)| *number).collect(),
        rows,
    }
}

fn scenarios() -> Result<Rows, Diagnostics> {
    let mut listed = Vec::new();
    for name in built_in_names(Kind::Scenario) {
        let workload = load::workload(&name, None, Legality::Published)?;
        let random = workload.is_random();
        let Scenario { duration, tasks, .. } = workload.scenario;
        let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
        let kind = if random { "random" } else { "fixed" };
        listed.push(vec![name, duration.to_string(), kind.to_owned(), names.join(", ")]);
    }
    let columns = [("scenario", false), ("duration", true), ("outcomes", false), ("tasks", false)];
    Ok(rows("Scenarios", &columns, listed))
}

fn models() -> Result<Rows, Diagnostics> {
    let mut listed = Vec::new();
    for name in built_in_names(Kind::Model) {
        let model = load::model(&name, None, Legality::Strict)?;
        let (layers, macs, parameters) = (model.layers.len(), model.macs(), model.parameters());
        let mut cells = vec![name, layers.to_string(), macs.to_string(), parameters.to_string()];
        // Networks of a supernet: the default and the others.
        let networks = model.variants.len() + 1;
        for count in [model.blocks.len(), model.exits.len(), networks] {
            cells.push(count.to_string());
        }
        cells.push(model.accuracy.map_or_else(String::new, |accuracy| accuracy.to_string()));
        listed.push(cells);
    }
    let columns = [
        ("model", false),
        ("layers", true),
        ("macs", true),
        ("parameters", true),
        ("blocks", true),
        ("exits", true),
        ("networks", true),
        ("accuracy", true),
    ];
    Ok(rows("Models", &columns, listed))
}

fn platforms() -> Result<Rows, Diagnostics> {
    let mut listed = Vec::new();
    for name in built_in_names(Kind::Platform) {
        let platform = hardware::platform(&name, None, Mode::Corrected)?;
        let label = |index: usize| platform.configurations[index].label.as_str();
        let accelerators: Vec<&str> =
            platform.accelerators.iter().map(|one| label(one.configuration.index())).collect();
        listed.push(vec![name, accelerators.len().to_string(), accelerators.join(", ")]);
    }
    let columns = [("platform", false), ("accelerators", true), ("cost models", false)];
    Ok(rows("Platforms", &columns, listed))
}

fn policies() -> Rows {
    let listed = |parameters: &[Parameter]| {
        let one = |parameter: &Parameter| format!("{}={}", parameter.name, parameter.default);
        parameters.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let mut rows_of = Vec::new();
    for runner in Runners::built_in().list() {
        let spec = runner.spec();
        for policy in &spec.policies {
            let cells = [&policy.name, &*spec.name, &policy.summary, &listed(&policy.parameters)];
            let mut cells: Vec<String> = cells.map(str::to_owned).into();
            cells.push(listed(&spec.settings));
            rows_of.push(cells);
        }
    }
    let columns = [
        ("policy", false),
        ("runner", false),
        ("summary", false),
        ("parameters", false),
        ("settings", false),
    ];
    rows("Policies", &columns, rows_of)
}

/// Policies for people: for each runner its policies, then each parameter and each setting once.
fn print_policies() -> Result<(), Failure> {
    let mut out = stdout();
    for (number, runner) in Runners::built_in().list().into_iter().enumerate() {
        let spec = runner.spec();
        if number > 0 {
            writeln!(out)?;
        }
        let policies = &spec.policies;
        writeln!(out, "Policies of the runner `{}` ({})", spec.name, spec.summary)?;
        let entries = policies.iter().map(|policy| (policy.name.to_string(), policy.summary.to_string()));
        definitions(&mut out, entries.collect())?;
        let entries = parameters_of(policies);
        if !entries.is_empty() {
            writeln!(out, "\nParameters, for --set and for `set` in sweep files")?;
            definitions(&mut out, entries)?;
        }
        if !spec.settings.is_empty() {
            writeln!(out, "\nSettings of the run, for --set and for [settings] in sweep files")?;
            let entry =
                |setting: &Parameter| (format!("{}={}", setting.name, setting.default), meaning_of(setting));
            definitions(&mut out, spec.settings.iter().map(entry).collect())?;
        }
    }
    out.flush()?;
    Ok(())
}

fn meaning_of(parameter: &Parameter) -> String {
    format!("{} [{}]", parameter.meaning, parameter.allowed_text())
}

/// Every parameter once for each of its meanings, with whose it is and whose defaults are others.
fn parameters_of(policies: &[PolicySchema]) -> Vec<(String, String)> {
    let mut all: Vec<Vec<(&str, &Parameter)>> = Vec::new();
    for policy in policies {
        for parameter in policy.parameters.iter() {
            let is_same = |owners: &&mut Vec<(&str, &Parameter)>| {
                owners.first().is_some_and(|(_, known)| {
                    (&known.name, &known.meaning) == (&parameter.name, &parameter.meaning)
                })
            };
            match all.iter_mut().find(is_same) {
                Some(owners) => owners.push((&policy.name, parameter)),
                None => all.push(vec![(&policy.name, parameter)]),
            }
        }
    }
    // What all have stands first.
    all.sort_by_key(|owners| owners.len() < policies.len());
    all.iter().filter_map(|owners| entry(owners, policies.len())).collect()
}

/// A parameter with the default that most of its owners have, and the owners that have another.
fn entry(owners: &[(&str, &Parameter)], policies: usize) -> Option<(String, String)> {
    let mut defaults: Vec<(String, Vec<&str>)> = Vec::new();
    for (owner, parameter) in owners {
        let default = parameter.default.to_string();
        match defaults.iter_mut().find(|(known, _)| *known == default) {
            Some((_, owners)) => owners.push(owner),
            None => defaults.push((default, vec![owner])),
        }
    }
    defaults.sort_by_key(|(_, owners)| std::cmp::Reverse(owners.len()));
    let ((default, _), others) = defaults.split_first()?;
    let (_, parameter) = owners.first()?;
    let mut text = meaning_of(parameter);
    for (default, owners) in others {
        text.push_str(&format!("; {default} in {}", owners.join(", ")));
    }
    if owners.len() < policies {
        let names: Vec<&str> = owners.iter().map(|(owner, _)| *owner).collect();
        text = format!("{} only: {text}", names.join(", "));
    }
    Some((format!("{}={default}", parameter.name), text))
}

/// Terms with what is to be said of each, in two columns.
fn definitions(out: &mut impl Write, entries: Vec<(String, String)>) -> Result<(), Failure> {
    let indent = entries.iter().map(|(term, _)| term.chars().count()).max().unwrap_or(0) + 4;
    let room = width().saturating_sub(indent).max(20);
    for (term, text) in &entries {
        for (number, line) in wrap(text, room).into_iter().enumerate() {
            let term = if number == 0 { term.as_str() } else { "" };
            writeln!(out, "{:indent$}{line}", format!("  {term}"))?;
        }
    }
    Ok(())
}

fn cost_models() -> Rows {
    let mut listed = Vec::new();
    for model in CostModelRegistry::built_in() {
        let keys: Vec<&str> = model.parameters.names().collect();
        let cells = [&*model.name, &*model.summary, &keys.join(", "), &*model.source];
        listed.push(cells.map(str::to_owned).into());
    }
    let columns = [("cost model", false), ("summary", false), ("keys", false), ("source", false)];
    rows("Cost models", &columns, listed)
}

fn described(title: &str, kind: Kind) -> Result<Rows, Diagnostics> {
    let mut listed = Vec::new();
    for name in built_in_names(kind) {
        let source = load::open(kind, &name, None)?;
        let document = Document::parse(&source);
        let root = document.root();
        let text = |key| root.optional(key, Value::string).unwrap_or_default().to_owned();
        let description = text("description");
        let source_text = text("source");
        listed.push(vec![name, if description.is_empty() { source_text } else { description }]);
    }
    Ok(rows(title, &[("name", false), ("description", false)], listed))
}
