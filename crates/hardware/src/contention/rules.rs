//! The registry of rules by which running layers share a resource.

use std::fmt;

use super::bandwidth::{Bandwidth, Share};
use super::capped::Capped;
use super::max_min::MaxMinFair;
use super::rates::Contention;
use super::static_partition::StaticPartition;
use super::throttle::Throttle;
use super::throttled::Throttled;
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
    /// Thresholds of throttles: the most that a run may take in the mean of a window, each by itself.
    Thresholds,
}

impl Shares {
    /// True if a share bounds its run alone, whatever it runs on and whatever others have.
    #[must_use]
    pub const fn are_limits(self) -> bool {
        matches!(self, Self::Caps | Self::Thresholds)
    }
}

/// A rule by which running layers share bandwidth.
pub struct ContentionRow {
    /// Its name in platform files.
    pub name: &'static str,
    /// One line for listings.
    pub meaning: &'static str,
    /// Meaning of shares.
    pub shares: Shares,
    /// The rates of runs that no throttle holds back.
    make: fn(Bandwidth) -> Box<dyn Contention>,
}

impl ContentionRow {
    /// All rules, in the order in which they are listed.
    #[must_use]
    pub fn built_in() -> &'static [Self] {
        &ROWS
    }
}

static ROWS: [ContentionRow; 5] = [
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
    ContentionRow {
        name: "throttle",
        meaning: "by demand, max-min fair; a run that moves too much in a window pauses",
        shares: Shares::Thresholds,
        make: |bandwidth| Box::new(MaxMinFair::new(bandwidth)),
    },
];

/// The rule by which a shared resource is divided: a row of [`ContentionRow::built_in`], with its settings if it has any.
#[derive(Clone, Copy)]
pub struct Sharing {
    row: &'static ContentionRow,
    throttle: Option<Throttle>,
}

impl Sharing {
    /// By demand, max-min fair.
    pub const MAX_MIN: Self = Self { row: &ROWS[0], throttle: None };
    /// By fixed parts.
    pub const STATIC: Self = Self { row: &ROWS[1], throttle: None };
    /// By demand and weight.
    pub const WEIGHTED: Self = Self { row: &ROWS[2], throttle: None };
    /// By demand, under caps.
    pub const CAPPED: Self = Self { row: &ROWS[3], throttle: None };

    /// By demand, each run with a throttle of these settings.
    #[must_use]
    pub const fn throttled(throttle: Throttle) -> Self {
        Self { row: &ROWS[4], throttle: Some(throttle) }
    }

    /// The rule of a name; none for an unknown one, and for `throttle`, which has settings.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let row = ROWS.iter().find(|row| row.name == name && row.shares != Shares::Thresholds)?;
        Some(Self { row, throttle: None })
    }

    /// Settings of the throttles of runs; none where runs have none.
    #[must_use]
    pub const fn throttle(self) -> Option<Throttle> {
        self.throttle
    }

    /// Its name in platform files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row.name
    }

    /// Meaning of shares under the rule.
    #[must_use]
    pub const fn shares(self) -> Shares {
        self.row.shares
    }

    /// The bandwidth that a run with a share can have if no other runs. A cap or a threshold does not
    /// count: policies set them while a layer runs, and its demand stays what it would use without one.
    #[must_use]
    pub fn alone(self, bandwidth: Bandwidth, share: Share) -> Bandwidth {
        match self.shares() {
            Shares::Parts => bandwidth.part(share),
            Shares::None | Shares::Weights | Shares::Caps | Shares::Thresholds => bandwidth,
        }
    }

    /// A model of the rule, for a resource of `bandwidth`.
    #[must_use]
    pub fn contention(self, bandwidth: Bandwidth) -> Box<dyn Contention> {
        let unthrottled = (self.row.make)(bandwidth);
        match self.throttle {
            None => unthrottled,
            Some(throttle) => Box::new(Throttled::new(unthrottled, bandwidth, throttle)),
        }
    }
}

impl Default for Sharing {
    fn default() -> Self {
        Self::MAX_MIN
    }
}

impl PartialEq for Sharing {
    fn eq(&self, other: &Self) -> bool {
        (self.name(), self.throttle) == (other.name(), other.throttle)
    }
}

impl Eq for Sharing {}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
