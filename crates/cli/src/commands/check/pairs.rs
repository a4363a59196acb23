//! Scenarios on platforms: whether each of the ones can run on each of the others, and what of them runs where.

use std::io::Write;
use std::path::Path;

use rtmm_hardware::Platform;
use rtmm_sim::System;
use rtmm_workload::Workload;
use rtmm_workload::input::{Diagnostics, Source};

use crate::args::LayerCompat;
use crate::commands::fit::{self, Sources};
use crate::commands::unmatched;
use crate::failure::Failure;

/// Scenarios and platforms that are checked together.
#[derive(Default)]
pub(super) struct Pairs {
    scenarios: Vec<Named<Workload>>,
    platforms: Vec<Named<Platform>>,
}

/// An input with its name on the command line and its file.
struct Named<T> {
    name: String,
    source: Source,
    input: T,
}

impl Pairs {
    pub(super) fn add_scenario(&mut self, path: &Path, source: Source, input: Workload) {
        self.scenarios.push(Named { name: path.display().to_string(), source, input });
    }

    pub(super) fn add_platform(&mut self, path: &Path, source: Source, input: Platform) {
        self.platforms.push(Named { name: path.display().to_string(), source, input });
    }

    /// Says of each pair whether it can run, and of accelerators that run some layers alone which those are.
    pub(super) fn check(
        &self,
        compat: Option<LayerCompat>,
        out: &mut impl Write,
        problems: &mut Diagnostics,
    ) -> Result<(), Failure> {
        for scenario in &self.scenarios {
            for platform in &self.platforms {
                let (workload, on) = (&scenario.input, &platform.input);
                let pair = format!("{} on {}", scenario.name, platform.name);
                if let Some(LayerCompat::Xrbench) = compat {
                    let (scenario, platform) = (Some(&scenario.source), Some(&platform.source));
                    let sources = Sources { scenario: scenario.cloned(), platform: platform.cloned() };
                    match fit::check_on_artifact(workload, on, &sources) {
                        Ok(()) => writeln!(out, "{pair}: the artifact's loop runs it")?,
                        Err(problem) => problems.push(problem),
                    }
                    continue;
                }
                unmatched::warn(on, &workload.models);
                match fit::on_engine(Some(&scenario.source), workload, on) {
                    Ok(system) => tell(out, &pair, &system)?,
                    Err(found) => problems.extend(found),
                }
                fit::warn_of_pins(|| Some(scenario.source.clone()), &workload.scenario, on);
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
