//! Blocks that cost models have in common: a vector unit, energies of events, and sums that may not overflow.

mod energy;
mod vector_unit;

use std::fmt;

use rtmm_workload::Duration;
use serde::Serialize;

use crate::cost::{CostError, DRAM, SHARED_LEVELS};
use crate::decode::Mode;

pub use energy::{
    EnergyTable, Events, STATIC, VECTOR, derived_energy_key, energy_key, horowitz, picojoules, vector_pj,
};
pub use vector_unit::{MAX_LANES, VectorTotals, VectorUnit};

/// Adds `one * times` to `sum`.
///
/// # Errors
/// [`CostError::Overflow`] names the count `what`.
pub fn add(sum: &mut u64, one: u64, times: u64, what: &'static str) -> Result<(), CostError> {
    let all = one.checked_mul(times).and_then(|all| sum.checked_add(all));
    *sum = all.ok_or(CostError::Overflow { what })?;
    Ok(())
}

/// The time of `cycles`, to the nearest picosecond.
///
/// # Errors
/// [`CostError::Overflow`] where it leaves 64 bits.
pub fn time(cycles: u64, clock_hz: u64) -> Result<Duration, CostError> {
    Duration::from_cycles(cycles, clock_hz).ok_or(CostError::Overflow { what: "cycles" })
}

/// Traffic of off-chip memory alone, in bytes a level.
#[must_use]
pub const fn off_chip(bytes: u64) -> [u64; SHARED_LEVELS] {
    let mut traffic = [0; SHARED_LEVELS];
    traffic[DRAM] = bytes;
    traffic
}

/// The quanta of a layer of so many steps; at least 1.
#[must_use]
pub fn quanta(steps: u64) -> u32 {
    u32::try_from(steps).unwrap_or(u32::MAX).max(1)
}

/// The identity of a cost model that its parameters, its clock and its mode determine, in JSON.
pub fn identity(
    model: &'static str,
    clock_hz: u64,
    mode: Mode,
    parameters: &(impl Serialize + fmt::Debug),
) -> String {
    #[derive(Debug, Serialize)]
    struct Identity<'p, P> {
        model: &'static str,
        mode: &'static str,
        clock_hz: u64,
        parameters: &'p P,
    }
    let mode = match mode {
        Mode::Corrected => "corrected",
        Mode::Reference => "reference",
    };
    let identity = Identity { model, mode, clock_hz, parameters };
    // Plain numbers always serialise; the other text would serve as well.
    serde_json::to_string(&identity).unwrap_or_else(|_| format!("{identity:?}"))
}
