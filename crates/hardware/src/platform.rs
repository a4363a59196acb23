//! Platforms: accelerators and what they share.

use std::collections::BTreeMap;

use rtmm_workload::define_index;

use crate::cost::CostModel;

define_index!(
    /// An accelerator of a platform.
    AcceleratorId
);
define_index!(
    /// A way of running on hardware that has a cost of its own.
    ConfigurationId
);

/// One unit that executes layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accelerator {
    /// Unique within the platform.
    pub name: String,
    /// What layers cost on it.
    pub configuration: ConfigurationId,
}

/// An accelerator type, with its cost model. Identical accelerators share one.
#[derive(Debug)]
pub struct Configuration {
    /// For people: cost model and size, such as `maestro WS 4096`.
    pub label: String,
    /// What layers cost.
    pub cost_model: Box<dyn CostModel>,
}

/// Accelerators with their configurations.
#[derive(Debug)]
pub struct Platform {
    /// The name that sweeps and commands use, such as `xrbench/quad_4k_ws_os_ws_os`.
    pub name: String,
    /// Publication or repository that the platform was taken from.
    pub source: String,
    /// What reports group platforms by, such as `budget` and `hardware`; no part of the identity.
    pub labels: BTreeMap<String, String>,
    /// Clock of all accelerators, in hertz.
    pub clock_hz: u64,
    /// The accelerators in the order of the file; at least one.
    pub accelerators: Vec<Accelerator>,
    /// The distinct configurations, in the order of first use.
    pub configurations: Vec<Configuration>,
}

impl Platform {
    /// Everything that determines costs and schedules on the platform, in one canonical text.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut text = format!("clock_hz={}", self.clock_hz);
        for accelerator in &self.accelerators {
            let configuration = &self.configurations[accelerator.configuration.index()];
            text.push_str(&format!("|{}:{}", accelerator.name, configuration.cost_model.identity()));
        }
        text
    }
}
