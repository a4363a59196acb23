//! Judgement of scenarios on platforms: why they cannot run, with the place in the file that says so, and what may be meant.

mod artifact;
mod lacks;
mod places;

use rtmm_hardware::Platform;
use rtmm_sim::{MisspeltPin, PinFault, SimulationError, System};
use rtmm_sweep::runner::RunError;
use rtmm_workload::input::{Diagnostic, Diagnostics, Source};
use rtmm_workload::{Scenario, Workload};

use crate::failure::{Failure, say};
use places::Spot;

pub(crate) use artifact::{check as check_on_artifact, refused as refused_by_artifact};
pub(crate) use places::Sources;

/// The system of a workload on a platform on the event engine.
///
/// # Errors
/// Why there is none; pins with their place in `scenario`, the file that they are from.
pub(crate) fn on_engine(
    scenario: Option<&Source>,
    workload: &Workload,
    platform: &Platform,
) -> Result<System, Diagnostics> {
    match System::new(&workload.scenario, &workload.models, platform) {
        Ok(system) => Ok(system),
        Err(error) => Err(of_system(scenario, workload, platform, &error)),
    }
}

/// The problems of a scenario on a platform that it cannot run on.
fn of_system(
    scenario: Option<&Source>,
    workload: &Workload,
    platform: &Platform,
    error: &SimulationError,
) -> Diagnostics {
    match error {
        SimulationError::Pins(faults) => of_pins(scenario, faults),
        SimulationError::NoCost(layers) => lacks::problem(scenario, workload, platform, layers).into(),
        other => Diagnostic::without_place(other.to_string()).into(),
    }
}

/// A problem at the settings of a sweep.
pub(crate) fn at_settings(sweep: &Source, message: String) -> Diagnostic {
    Spot { table: None, keys: &["settings"], item: None }.problem(Some(sweep), message)
}

/// The failure of a run that could not be made: what keeps a scenario from a platform is bad input.
pub(crate) fn failed(
    scenario: Option<&Source>,
    workload: &Workload,
    platform: &Platform,
    error: RunError,
) -> Failure {
    // Of the platform as it is, or as the policy divides it.
    if let RunError::NoCost { layers, .. } = &error {
        return Failure::Input(lacks::problem(scenario, workload, platform, layers).into());
    }
    match System::new(&workload.scenario, &workload.models, platform) {
        Err(error) => Failure::Input(of_system(scenario, workload, platform, &error)),
        Ok(_) => error.into(),
    }
}

/// Names the words of pins that may be misspelt, each with its place, in a line.
pub(crate) fn warn_of_pins(file: impl Fn() -> Option<Source>, scenario: &Scenario, platform: &Platform) {
    for pin in MisspeltPin::all(scenario, platform) {
        let spot = Spot { item: Some(&pin.word), ..Spot::task(&pin.task, &["avoid"]) };
        let problem = spot.problem(file().as_ref(), pin.to_string());
        match problem.place() {
            Some((file, line, column)) => say!("warning: {file}:{line}:{column}: {pin}"),
            None => say!("warning: {pin}"),
        }
    }
}

/// Faults with the place of the pins that they are of.
fn of_pins(source: Option<&Source>, faults: &[PinFault]) -> Diagnostics {
    let mut problems = Diagnostics::default();
    for fault in faults {
        problems.push(of_pin(source, fault));
    }
    problems
}

fn of_pin(source: Option<&Source>, fault: &PinFault) -> Diagnostic {
    let (spot, help) = match fault {
        PinFault::UnknownWord { task, word, help, .. } => {
            (Spot { item: Some(word), ..Spot::task(task, &["run_on"]) }, help.as_str())
        }
        PinFault::Ambiguous { task, key, word, .. } => {
            let spot = Spot { item: Some(word), ..Spot::task(task, std::slice::from_ref(key)) };
            return spot.problem(source, fault.to_string()).help(
                "name accelerators that no kind is called like, or state another `kind` on the platform",
            );
        }
        PinFault::NothingLeft { task, .. } => {
            (Spot::task(task, &["avoid"]), "list fewer accelerators in `avoid`, or more in `run_on`")
        }
        PinFault::NoCost { task, .. } => (
            Spot::task(task, &["run_on", "avoid"]),
            "let the task run on an accelerator that runs the layers",
        ),
        _ => return Diagnostic::without_place(fault.to_string()),
    };
    spot.problem(source, fault.to_string()).help(help)
}
