//! Co-location: runs that hold units of one accelerator at the same time slow each other down.
//!
//! A layer whose time alone is `t` goes at a rate of `1 / s`, where its slowdown `s` follows from the layers that run beside it on
//! the accelerator, until one of them ends or another one begins. Work is counted as it is under the rules of memory: what a
//! layer has done is kept when its rate changes, in whole units.
//!
//! ```text
//! rate = floor(2^20 / s + 1/2) / 2^20         s >= 1; 1 without another layer on the accelerator
//! ```
//!
//! A [`CoLocationRule`] says the slowdowns: replayed from measured pairs ([`PairTable`]), composed of measured segments
//! ([`SegmentTable`]), or synthesised by a model whose weights no scheduler knows ([`RateModel`]). Rules are named in platform
//! files; each is one file here and one row of [`CoLocationRow::built_in`]. The copies of a batch to and from the device are layers
//! that slow no kernel down, and that share the link of their direction ([`Copies`]).

mod copies;
mod doubts;
mod features;
mod grid;
mod pairs;
mod rate_model;
mod residence;
mod resident;
mod rows;
mod rule;
mod segments;
mod utilisation;

pub use copies::{Copies, CopyOrder, Phase};
pub use features::{WEIGHTS, Weights};
pub use pairs::PairTable;
pub use rate_model::RateModel;
pub use residence::{CoLocations, Unmeasured};
pub use resident::Resident;
pub use rows::{CoLocationRow, Decoding};
pub(crate) use rows::{decode_file, decode_weights};
pub use rule::CoLocated;
pub use segments::SegmentTable;
pub use utilisation::Utilisation;

use std::fmt::Debug;
use std::sync::Arc;

use rtmm_workload::{Model, Time};

/// A rule of slowdowns, as a platform file states it: it knows models by their names.
pub trait CoLocationRule: Debug + Send + Sync {
    /// The rule for models of these names, on an accelerator of so many units.
    fn resolve(&self, models: &[&str], units: u32) -> Box<dyn Slowdowns>;

    /// Doubts of the rule, a sentence each: measurements that no run of these models on an accelerator of so many units matches, and models
    /// that it measured nothing of; where that is an error, it is told elsewhere.
    fn doubts(&self, _models: &[Model], _units: u32) -> Vec<String> {
        Vec::new()
    }

    /// Everything that determines its slowdowns, in one canonical text.
    fn identity(&self) -> String;
}

/// The slowdowns of layers that run at the same time.
///
/// A pure function: the order in which others are listed changes nothing but the last bits of sums.
pub trait Slowdowns: Debug + Send + Sync {
    /// The slowdown of a layer beside others, of which there is at least one.
    fn slowdown(&self, now: Time, own: &Resident, others: &[Resident]) -> f64;

    /// True if the rule has nothing to say of a layer beside another one, and states no slowdown in its place.
    fn lacks(&self, _own: &Resident, _other: &Resident) -> bool {
        false
    }
}

/// Co-location on an accelerator, as its table in a platform file states it.
#[derive(Clone, Debug)]
pub struct CoLocation {
    /// The slowdowns.
    pub rule: Arc<dyn CoLocationRule>,
    /// Utilisation of the device by model, batch and share, as a profiler measures it of each model alone; none where
    /// it was not measured. Schedulers know it.
    pub utilisation: Option<Arc<Utilisation>>,
    /// Weights that were fitted before anything runs: all that a scheduler knows of slowdowns then.
    pub prior: Weights,
    /// Layers that are copies; none where batches are not copied.
    pub copies: Option<Copies>,
}

impl CoLocation {
    /// Everything that determines schedules, in one canonical text.
    #[must_use]
    pub fn identity(&self) -> String {
        let Self { rule, utilisation, prior, copies } = self;
        let mut text = rule.identity();
        if let Some(utilisation) = utilisation {
            text.push_str(&format!(" utilisation={}", utilisation.identity()));
        }
        if *prior != [0.0; WEIGHTS] {
            text.push_str(&format!(" prior={prior:?}"));
        }
        if let Some(copies) = copies {
            text.push_str(&format!(" copies={}", copies.identity()));
        }
        text
    }
}

impl PartialEq for CoLocation {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}
