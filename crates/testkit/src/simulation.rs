//! Runs whose observer is not known to the compiler.

use rtmm_scheduler::Policy;
use rtmm_sim::{Observer, RunOptions, SimulationError, System};

/// Runs a system as [`rtmm_sim::simulate`] does, and gives back what watched.
///
/// The engine is compiled anew for every type of observer, and tests have dozens of them: here it is compiled once, for an
/// observer behind a pointer, so that the tests of the engine compile in a small part of the time.
///
/// # Errors
/// [`SimulationError`] where the policy fails or does what it may not.
pub fn simulate<O: Observer>(
    system: &System,
    name: &str,
    policy: Box<dyn Policy>,
    mut observer: O,
    options: RunOptions,
) -> Result<O, SimulationError> {
    watched(system, name, policy, &mut observer, options)?;
    Ok(observer)
}

fn watched(
    system: &System,
    name: &str,
    policy: Box<dyn Policy>,
    observer: &mut dyn Observer,
    options: RunOptions,
) -> Result<(), SimulationError> {
    rtmm_sim::simulate(system, name, policy, observer, options).map(|_| ())
}
