//! Places: scenarios on platforms, in which policies compete.

use rtmm_hardware::Platform;
use rtmm_workload::Workload;

/// A scenario with its models on a platform.
#[derive(Clone, Debug)]
pub struct Place {
    /// The scenario as it is run, with its models.
    pub workload: Workload,
    /// The platform.
    pub platform: Platform,
    /// The platform at the low and at the high level of its technology, where errors of prices are asked for.
    pub levels: Option<[Platform; 2]>,
    /// End of its name where several places have one scenario and platform, such as ` at load 1.5`.
    pub suffix: String,
}

impl Place {
    /// A workload on a platform, without other levels of its technology.
    #[must_use]
    pub fn new(workload: Workload, platform: Platform) -> Self {
        Self { workload, platform, levels: None, suffix: String::new() }
    }

    /// For people, such as `xrbench/vr_gaming on boards/phone`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} on {}{}", self.workload.scenario.name, self.platform.name, self.suffix)
    }

    /// True if the outcome of a run depends on its seed.
    #[must_use]
    pub(crate) fn is_random(&self) -> bool {
        self.workload.is_random() || self.platform.varies()
    }
}
