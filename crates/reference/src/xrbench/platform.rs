//! Platforms that the loop knows: accelerators of one clock, each by itself.

use rtmm_hardware::{Accelerator, ContextSwitch, Platform};

use crate::error::ReferenceError;

/// The artifact's clock, in hertz: every latency in milliseconds is cycles by a million.
pub const CLOCK_HZ: u64 = 1_000_000_000;

/// Refuses a platform with anything that the loop would pass over in silence: another clock, what accelerators share or pay
/// for, parts of them, batches, power.
///
/// # Errors
/// [`ReferenceError::Clock`], [`ReferenceError::Unknown`] with the first key that the loop has no words for.
pub fn check(platform: &Platform) -> Result<(), ReferenceError> {
    let clocks = platform.accelerators.iter().map(|one| one.clock_hz);
    if let Some(clock_hz) = clocks.chain([platform.clock_hz]).find(|&clock_hz| clock_hz != CLOCK_HZ) {
        return Err(ReferenceError::Clock { platform: platform.name.clone(), clock_hz });
    }
    let unknown = |accelerator: Option<&Accelerator>, key| {
        let (platform, accelerator) = (platform.name.clone(), accelerator.map(|one| one.name.clone()));
        Err(ReferenceError::Unknown { platform, accelerator, key })
    };
    let of_platform = [
        ("technology", platform.technology.is_some()),
        ("shared_dram", platform.shared_dram.is_some()),
        ("shared_cache", platform.shared_cache.is_some()),
        ("transfers", platform.transfers.is_some()),
        ("power", platform.has_power() && platform.accelerators.iter().all(|one| one.power.is_none())),
    ];
    if let Some((key, _)) = of_platform.into_iter().find(|(_, is_there)| *is_there) {
        return unknown(None, key);
    }
    for accelerator in &platform.accelerators {
        let of_accelerator = [
            ("context_switch", accelerator.context_switch != ContextSwitch::default()),
            ("division", accelerator.division.is_some()),
            ("max_batch", accelerator.max_batch > 1),
            ("power", accelerator.power.is_some()),
            ("co_location", accelerator.co_location.is_some()),
        ];
        if let Some((key, _)) = of_accelerator.into_iter().find(|(_, is_there)| *is_there) {
            return unknown(Some(accelerator), key);
        }
    }
    Ok(())
}
