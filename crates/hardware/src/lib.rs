//! Accelerators, platforms, cost models and cost tables for multi-model workloads.
//!
//! This crate says what each layer costs on each way of running it: time, memory traffic, energy.
//! It knows nothing of tasks, deadlines or policies.
//!
//! ```
//! use rtmm_hardware::{LayerOf, Mode, load};
//! use rtmm_workload::{Legality, load as workload};
//!
//! let model = workload::model("xrbench/es_ritnet", None, Legality::Strict)?;
//! let array = load::accelerator(
//!     r#"{ model = "systolic", dataflow = "ws", rows = 32, cols = 32 }"#,
//!     load::DEFAULT_CLOCK_HZ,
//!     Mode::Corrected,
//! )?;
//! let layer = LayerOf { model: &model.name, layer: &model.layers[0] };
//! let work = array.cost_model.work(layer, Default::default()).expect("an ordinary layer");
//! assert!(work.latency() >= work.compute);
//! # Ok::<(), rtmm_workload::input::Diagnostics>(())
//! ```

pub mod blocks;
pub mod calibration;
pub mod contention;
pub mod eyeriss_v2;
pub mod fission;
pub mod gemmini;
mod granted_division;
pub mod load;
pub mod maestro;
pub mod registry;
mod restricted;
pub mod sanger;
pub mod systolic;
pub mod table;
pub mod technology;
pub mod traced;
pub mod varying;

mod co_location_file;
mod cost;
mod cost_model;
mod cost_table;
mod decode;
mod division_file;
mod energy;
mod explain;
mod ids;
mod isolated_costs;
mod memory_file;
mod platform;
mod platform_choice;
mod power;
mod power_file;
mod transfers;
mod transfers_file;
mod units;

pub use blocks::VectorUnit;
pub use contention::{
    Bandwidth, BehindCache, Capped, CoLocated, CoLocation, CoLocationRow, CoLocationRule, CoLocations,
    Contention, ContentionRow, Copies, CopyOrder, MaxMinFair, Meter, PairTable, Phase, RateModel, Rates,
    Resident, Running, SegmentTable, Share, Shares, Sharing, Slowdowns, Speed, StaticPartition, Throttle,
    Throttled, Unmeasured, Utilisation, WEIGHTS, WeightedFair, Weights,
};
pub use cost::{Condition, CostError, DRAM, LayerOf, SHARED_CACHE, SHARED_LEVELS, Sparse, Unmatched, Work};
pub use cost_model::{ByWork, CostModel, Decoded, Explainer, StatedError};
pub use cost_table::{CostTable, Lack, NoCost, Rescaling};
pub use decode::{Indivisible, Mode, Surroundings};
pub use energy::{Energy, EnergyParts, EnergyTotal};
pub use explain::{Explain, Explanation, Quantity, Section};
pub use granted_division::GrantError;
pub use ids::{AcceleratorId, ClassId, ConfigurationId};
pub use isolated_costs::{Class, IsolatedCosts, Outcome, PinnedModel};
pub use platform::{
    Accelerator, AcceleratorKind, ActivationMoves, Available, Configuration, ContextSwitch, Division,
    Isolated, MAX_BATCH, Migration, Moved, Platform, SharedDram,
};
pub use power::{
    Gating, MAX_POINTS, OperatingPoint, PlatformPower, PointId, PointSwitch, Points, Power, PowerStates,
    PowerUnit, Scaling,
};
pub use registry::{CostModelRegistry, CostModelRow};
pub use table::MeasuredTable;
pub use technology::{Level, Price, PriceOf, Prices, Technology};
pub use transfers::{Link, Transfers};
pub use units::{MAX_UNITS, UnitSet, Units};
pub use varying::{Correlation, JobRanks, Quantiles, Rank, Variation};
