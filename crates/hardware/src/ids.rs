//! Dense indices of hardware, one type each.

use rtmm_workload::define_index;

define_index!(
    /// An accelerator of a platform.
    AcceleratorId
);
define_index!(
    /// A way of running on hardware that has a cost of its own.
    ConfigurationId
);
define_index!(
    /// A class: a configuration with a number of units, and a share of partitioned memory.
    ClassId
);
