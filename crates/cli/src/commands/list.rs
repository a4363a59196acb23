//! `rtmm list`: what is built in.

use rtmm_hardware::registry::COST_MODELS;
use rtmm_hardware::{Mode, load as hardware};
use rtmm_workload::input::{Diagnostics, Document, Value};
use rtmm_workload::load::{self, Kind, built_in_names};
use rtmm_workload::{Legality, Scenario};

use crate::args::{List, Listing};
use crate::failure::Failure;
use crate::output::Rows;
use crate::runners::RUNNERS;

pub(crate) fn list(arguments: &List) -> Result<(), Failure> {
    let rows = match arguments.what {
        Listing::Scenarios => scenarios()?,
        Listing::Models => models()?,
        Listing::Platforms => platforms()?,
        Listing::Policies => policies(),
        Listing::CostModels => cost_models(),
        Listing::Dataflows => described("Dataflows", Kind::Dataflow)?,
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
        let scenario = load::workload(&name, None, Legality::Published)?.scenario;
        let random = scenario.is_random();
        let Scenario { duration, tasks, .. } = scenario;
        let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
        let kind = if random { "random" } else { "fixed" };
        listed.push(vec![name, duration.to_string(), kind.to_owned(), names.join(", ")]);
    }
    let columns = [("scenario", false), ("duration", true), ("triggers", false), ("tasks", false)];
    Ok(rows("Scenarios", &columns, listed))
}

fn models() -> Result<Rows, Diagnostics> {
    let mut listed = Vec::new();
    for name in built_in_names(Kind::Model) {
        let model = load::model(&name, None, Legality::Strict)?;
        let (layers, macs, parameters) = (model.layers.len(), model.macs(), model.parameters());
        listed.push(vec![name, layers.to_string(), macs.to_string(), parameters.to_string()]);
    }
    let columns = [("model", false), ("layers", true), ("macs", true), ("parameters", true)];
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
    let mut listed = Vec::new();
    for runner in RUNNERS {
        for policy in runner.policies() {
            let parameters: Vec<String> = policy
                .parameters
                .iter()
                .map(|parameter| format!("{}={} ({})", parameter.name, parameter.default, parameter.meaning))
                .collect();
            let cells = [policy.name, runner.name(), policy.summary, &parameters.join("; ")];
            listed.push(cells.map(str::to_owned).into());
        }
    }
    let columns = [("policy", false), ("runner", false), ("summary", false), ("parameters", false)];
    rows("Policies", &columns, listed)
}

fn cost_models() -> Rows {
    let mut listed = Vec::new();
    for model in COST_MODELS {
        let keys: Vec<&str> = model.parameters.iter().map(|parameter| parameter.name).collect();
        let cells = [model.name, model.summary, &keys.join(", "), model.source];
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
