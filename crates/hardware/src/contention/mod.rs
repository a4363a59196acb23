//! Contention: layers that run at the same time share off-chip memory.
//!
//! A [`Contention`] model is told which layers run and what each could use, and says how fast each
//! part of each of them goes until the set of running layers changes. It knows no time, no policy and
//! no history: equal runs get equal rates, in whatever order they are listed. Each rule is a file here and a
//! row of [`ContentionRow::built_in`].
//!
//! Everything is counted in whole units and rounded down, so that grants never exceed the bandwidth
//! and do not depend on an order. What rounding leaves unused is below one unit of [`Bandwidth`]
//! (931 bytes a second) for each run.

mod bandwidth;
mod capped;
pub mod co_location;
mod levels;
mod max_min;
mod rates;
mod rules;
mod static_partition;
mod throttle;
mod throttled;
mod weighted;

pub use bandwidth::{Bandwidth, Share, Speed};
pub use capped::Capped;
pub use co_location::{
    CoLocated, CoLocation, CoLocationRow, CoLocationRule, CoLocations, Copies, CopyOrder, Decoding,
    PairTable, Phase, RateModel, Resident, SegmentTable, Slowdowns, Unmeasured, Utilisation, WEIGHTS,
    Weights,
};
pub(crate) use co_location::{decode_file, decode_weights};
pub use levels::BehindCache;
pub use max_min::MaxMinFair;
pub use rates::{Contention, Rates, Running};
pub use rules::{ContentionRow, Shares, Sharing};
pub use static_partition::StaticPartition;
pub use throttle::{Meter, Throttle};
pub use throttled::Throttled;
pub use weighted::WeightedFair;
