//! Judgement of scenarios on platforms in the XRBench artifact's loop, with the place of what it has no words for.

use rtmm_hardware::Platform;
use rtmm_reference::ReferenceError;
use rtmm_reference::xrbench::{Runtime, TaskCosts};
use rtmm_runners::xrbench::{parameters_of, policy};
use rtmm_sweep::runner::Policy;
use rtmm_workload::Workload;
use rtmm_workload::input::Diagnostic;

use super::places::{Sources, Spot};
use crate::failure::Failure;

const HELP: &str = "the XRBench artifact's loop cannot express this; change the scenario or the platform";

/// Judges a scenario on a platform.
///
/// # Errors
/// Why the loop cannot run it there.
pub(crate) fn check(workload: &Workload, platform: &Platform, sources: &Sources) -> Result<(), Diagnostic> {
    let parameters = parameters_of(&Policy::with_defaults(&policy()));
    let runs = TaskCosts::of(workload, platform)
        .and_then(|costs| Runtime::new(&workload.scenario, &costs, &parameters));
    runs.map(|_| ()).map_err(|error| located(&error, sources))
}

/// The failure of a run: layers that cannot run, or input that the artifact has no words for.
pub(crate) fn refused(error: &ReferenceError, sources: &Sources) -> Failure {
    located(error, sources).into()
}

fn located(error: &ReferenceError, Sources { scenario, platform }: &Sources) -> Diagnostic {
    let of_file = |keys| Spot { table: None, keys, item: None };
    let (file, spot) = match error {
        ReferenceError::NoCost { .. } | ReferenceError::TooManyCycles { .. } => {
            return Diagnostic::without_place(error.to_string()).help(HELP);
        }
        ReferenceError::Unknown { accelerator: Some(name), key, .. } => {
            let table = Some(("accelerator", name.as_str()));
            (platform, Spot { table, keys: std::slice::from_ref(key), item: None })
        }
        ReferenceError::Unknown { accelerator: None, key, .. } => {
            (platform, of_file(std::slice::from_ref(key)))
        }
        ReferenceError::Clock { .. } => (platform, of_file(&["clock_mhz"][..])),
        ReferenceError::Pinned { task, key } => (scenario, Spot::task(task, std::slice::from_ref(key))),
        ReferenceError::IntervalBelowMillisecond { task, .. } => {
            (scenario, Spot::task(task, &["rate_hz", "period"]))
        }
        ReferenceError::DeadlineIsNotThePeriod { task, .. } | ReferenceError::IsolatedDeadline { task } => {
            (scenario, Spot::task(task, &["deadline"]))
        }
        ReferenceError::NotPeriodic { task } => {
            (scenario, Spot::task(task, &["arrivals", "jitter", "offset"]))
        }
        ReferenceError::ControlDependency { task } => (scenario, Spot::task(task, &["depends_on"])),
        ReferenceError::Phases => (scenario, of_file(&["phase"][..])),
        ReferenceError::RunLength { .. } => (scenario, of_file(&["duration"][..])),
        _ => (&None, of_file(&[])),
    };
    spot.problem(file.as_ref(), error.to_string()).help(HELP)
}
