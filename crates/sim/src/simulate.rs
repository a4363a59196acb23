//! One call for one run: the execution that the platform asks for, the policy by its name.

use rtmm_scheduler::Policy;

use crate::engine::{RunOptions, Simulation};
use crate::error::SimulationError;
use crate::execution::{Exclusive, Shared};
use crate::observer::Observer;
use crate::system::System;

/// Runs a system under a policy from start to end, with the execution that its platform asks for,
/// and gives back what watched. `name` is what errors call the policy.
///
/// # Errors
/// [`SimulationError`] where the policy fails or does what it may not.
pub fn simulate<O: Observer>(
    system: &System,
    name: &str,
    policy: Box<dyn Policy>,
    observer: O,
    options: RunOptions,
) -> Result<O, SimulationError> {
    let accelerators = system.platform.unit_owners();
    match system.contention() {
        None => {
            let execution = Exclusive::new(accelerators.len());
            Simulation::new(system, name, policy, execution, observer, options).run()
        }
        Some(contention) => {
            let execution = Shared::new(contention, accelerators);
            Simulation::new(system, name, policy, execution, observer, options).run()
        }
    }
}
