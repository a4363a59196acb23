//! Scenarios on platforms: whether each of the ones can run on each of the others, and what of them runs where.

use std::io::Write;
use std::path::Path;

use rtmm_hardware::Platform;
use rtmm_runners::engine::system;
use rtmm_sim::{PinFault, SimulationError, System};
use rtmm_workload::Workload;
use rtmm_workload::input::{Diagnostic, Diagnostics, Document, Source, Table, Value};

use crate::commands::unmatched;
use crate::failure::Failure;

/// Scenarios and platforms that are checked together.
#[derive(Default)]
pub(super) struct Pairs {
    scenarios: Vec<Scenario>,
    platforms: Vec<(String, Platform)>,
}

struct Scenario {
    name: String,
    source: Source,
    workload: Workload,
}

impl Pairs {
    pub(super) fn add_scenario(&mut self, path: &Path, source: Source, workload: Workload) {
        self.scenarios.push(Scenario { name: path.display().to_string(), source, workload });
    }

    pub(super) fn add_platform(&mut self, path: &Path, platform: Platform) {
        self.platforms.push((path.display().to_string(), platform));
    }

    /// Says of each pair whether it can run, and of accelerators that run some layers alone which those are.
    pub(super) fn check(&self, out: &mut impl Write, problems: &mut Diagnostics) -> Result<(), Failure> {
        for scenario in &self.scenarios {
            for (on, platform) in &self.platforms {
                let Scenario { name, source, workload } = scenario;
                unmatched::warn(platform, &workload.models);
                match System::new(&workload.scenario, &workload.models, platform) {
                    Ok(system) => tell(out, &format!("{name} on {on}"), &system)?,
                    Err(SimulationError::Pins(faults)) => {
                        faults.iter().for_each(|fault| problems.push(located(source, fault)));
                    }
                    // With the layers that no accelerator runs, as runs tell it.
                    Err(_) => {
                        let told = system(workload, platform).err().map(|error| error.to_string());
                        let message = format!("{name} on {on}: {}", told.unwrap_or_default());
                        problems.push(Diagnostic::without_place(message));
                    }
                }
            }
        }
        Ok(())
    }
}

fn tell(out: &mut impl Write, pair: &str, system: &System) -> Result<(), Failure> {
    let partial = system.partial_support();
    if partial.is_empty() {
        writeln!(out, "{pair}: every layer has a cost")?;
    } else {
        writeln!(out, "{pair}: every layer has an accelerator that runs it")?;
    }
    for support in partial {
        writeln!(out, "{pair}: {support}")?;
    }
    for task in system.scenario.tasks.iter().filter(|task| !task.pins.is_empty()) {
        let accelerators = system.platform.accelerators.iter();
        let allowed = accelerators.filter(|one| task.pins.allow(&one.name, &one.kind.word));
        let names: Vec<String> = allowed.map(|one| format!("`{}`", one.name)).collect();
        writeln!(out, "{pair}: task `{}` may run on {}", task.name, names.join(", "))?;
    }
    Ok(())
}

/// A fault with the place of the pins that it is of, in the file that was read before.
fn located(source: &Source, fault: &PinFault) -> Diagnostic {
    let document = Document::parse(source);
    let tables = document.root().tables("task", "a task");
    let (task, key, word, help) = match fault {
        PinFault::UnknownWord { task, key, word, help, .. } => (task, Some(*key), Some(word), help.as_str()),
        PinFault::NothingLeft { task, .. } => {
            (task, Some("avoid"), None, "list fewer accelerators in `avoid`, or more in `run_on`")
        }
        PinFault::NoCost { task, .. } => {
            (task, None, None, "let the task run on an accelerator that runs the layer")
        }
        _ => return Diagnostic::without_place(fault.to_string()),
    };
    let is_named = |table: &&Table<'_>| {
        table.get("name").is_some_and(|name| name.is_string() && name.string() == Some(task.as_str()))
    };
    let keys: &[&str] = key.as_ref().map_or(&["run_on", "avoid"], std::slice::from_ref);
    let found = tables.iter().find(is_named);
    let value = found.and_then(|table| keys.iter().find_map(|key| table.get(key)));
    let item = |value: &Value<'_>| {
        let items = value.items()?;
        let position = items.iter().position(|item| item.string() == word.map(String::as_str))?;
        items.get(position).map(|item| item.problem(fault.to_string()))
    };
    let problem = value.as_ref().map(|value| item(value).unwrap_or_else(|| value.problem(fault.to_string())));
    problem.unwrap_or_else(|| Diagnostic::without_place(fault.to_string())).help(help)
}
