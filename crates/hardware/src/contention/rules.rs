//! The registry of rules by which running layers share a resource.

use std::fmt;

use super::bandwidth::{Bandwidth, Share};
use super::capped::Capped;
use super::max_min::MaxMinFair;
use super::rates::Contention;
use super::static_partition::StaticPartition;
use super::weighted::WeightedFair;

/// Meaning of the shares that accelerators state and policies set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shares {
    /// None: the rule has no shares.
    None,
    /// Fixed parts of the bandwidth, which sum to at most the whole.
    Parts,
    /// Weights, which count in proportion to each other.
    Weights,
    /// Caps: the most of the bandwidth that a run may take, each by itself.
    Caps,
}

/// A rule by which running layers share bandwidth.
pub struct ContentionRow {
    /// Its name in platform files.
    pub name: &'static str,
    /// One line for listings.
    pub meaning: &'static str,
    /// Meaning of shares.
    pub shares: Shares,
    make: fn(Bandwidth) -> Box<dyn Contention>,
}

impl ContentionRow {
    /// All rules, in the order in which they are listed.
    #[must_use]
    pub fn built_in() -> &'static [Self] {
        &ROWS
    }
}

static ROWS: [ContentionRow; 4] = [
    ContentionRow {
        name: "max-min",
        meaning: "by demand, max-min fair",
        shares: Shares::None,
        make: |bandwidth| Box::new(MaxMinFair::new(bandwidth)),
    },
    ContentionRow {
        name: "static",
        meaning: "by fixed parts, used or not",
        shares: Shares::Parts,
        make: |bandwidth| Box::new(StaticPartition::new(bandwidth)),
    },
    ContentionRow {
        name: "weighted",
        meaning: "by demand, max-min fair in proportion to weights",
        shares: Shares::Weights,
        make: |bandwidth| Box::new(WeightedFair::new(bandwidth)),
    },
    ContentionRow {
        name: "capped",
        meaning: "by demand, max-min fair below a cap of each run",
        shares: Shares::Caps,
        make: |bandwidth| Box::new(Capped::new(bandwidth)),
    },
];

/// The rule by which a shared resource is divided: a row of [`ContentionRow::built_in`].
#[derive(Clone, Copy)]
pub struct Sharing(&'static ContentionRow);

impl Sharing {
    /// By demand, max-min fair.
    pub const MAX_MIN: Self = Self(&ROWS[0]);
    /// By fixed parts.
    pub const STATIC: Self = Self(&ROWS[1]);
    /// By demand and weight.
    pub const WEIGHTED: Self = Self(&ROWS[2]);
    /// By demand, under caps.
    pub const CAPPED: Self = Self(&ROWS[3]);

    /// The rule of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(Self)
    }

    /// Its name in platform files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Meaning of shares under the rule.
    #[must_use]
    pub const fn shares(self) -> Shares {
        self.0.shares
    }

    /// The bandwidth that a run with a share can have if no other runs. A cap does not count: policies set
    /// caps while a layer runs, and its demand stays what it would use without one.
    #[must_use]
    pub fn alone(self, bandwidth: Bandwidth, share: Share) -> Bandwidth {
        match self.shares() {
            Shares::Parts => bandwidth.part(share),
            Shares::None | Shares::Weights | Shares::Caps => bandwidth,
        }
    }

    /// A model of the rule, for a resource of `bandwidth`.
    #[must_use]
    pub fn contention(self, bandwidth: Bandwidth) -> Box<dyn Contention> {
        (self.0.make)(bandwidth)
    }
}

impl Default for Sharing {
    fn default() -> Self {
        Self::MAX_MIN
    }
}

impl PartialEq for Sharing {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Sharing {}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
