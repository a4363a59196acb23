//! Units: the equal parts of an accelerator that runs hold.
//!
//! An exclusive accelerator has one unit. Subarrays of a fissioned array, tiles of a tiled SoC and
//! partitions of a GPU's multiprocessors are units of one accelerator.

use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;

/// The most units that an accelerator can have. A device with more equal parts is stated in groups of
/// them, such as the texture processing clusters of a GPU.
pub const MAX_UNITS: u32 = u64::BITS;

/// A set of units of one accelerator, each by its position from 0.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct UnitSet(u64);

impl UnitSet {
    /// No unit.
    pub const EMPTY: Self = Self(0);

    /// The first `count` units; all 64 for more.
    #[must_use]
    pub const fn first(count: u32) -> Self {
        if count >= MAX_UNITS { Self(u64::MAX) } else { Self((1 << count) - 1) }
    }

    /// One unit; none beyond [`MAX_UNITS`].
    #[must_use]
    pub const fn only(unit: u32) -> Self {
        if unit >= MAX_UNITS { Self::EMPTY } else { Self(1 << unit) }
    }

    /// The number of units in the set.
    #[must_use]
    pub const fn count(self) -> u32 {
        // Sets of one unit are common, and cheaper to tell than to count.
        if self.0 & self.0.wrapping_sub(1) == 0 { (self.0 != 0) as u32 } else { self.0.count_ones() }
    }

    /// True if no unit is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if a unit is in the set.
    #[must_use]
    pub const fn contains(self, unit: u32) -> bool {
        unit < MAX_UNITS && self.0 >> unit & 1 == 1
    }

    /// The lowest unit of the set; none of an empty one.
    #[must_use]
    pub const fn lowest(self) -> Option<u32> {
        if self.0 == 0 { None } else { Some(self.0.trailing_zeros()) }
    }

    /// Units that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Units of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The `count` lowest units of the set; all of it where it has fewer.
    #[must_use]
    pub fn lowest_of(self, count: u32) -> Self {
        // The only unit of most accelerators.
        if count == 1 {
            return Self(self.0 & self.0.wrapping_neg());
        }
        if count >= self.count() {
            return self;
        }
        let (mut rest, mut taken) = (self.0, 0);
        for _ in 0..count {
            let lowest = rest & rest.wrapping_neg();
            taken |= lowest;
            rest &= !lowest;
        }
        Self(taken)
    }

    /// The units, ascending.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let lowest = (rest != 0).then(|| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(lowest)
        })
    }
}

/// The positions of the units, such as `{0, 1, 5}`.
impl fmt::Debug for UnitSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The list of positions.
impl Serialize for UnitSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// A number of units of an accelerator that a run is to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Units {
    /// Every unit of the accelerator.
    #[default]
    All,
    /// So many of them.
    Count(NonZeroU32),
}

impl Units {
    /// So many units; none for zero.
    #[must_use]
    pub const fn exactly(count: u32) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(count) => Some(Self::Count(count)),
            None => None,
        }
    }

    /// The number of units, on an accelerator of `units`.
    #[must_use]
    pub const fn of(self, units: u32) -> u32 {
        match self {
            Self::All => units,
            Self::Count(count) => count.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_taken_from_the_lowest_unit_on() {
        let all = UnitSet::first(8);
        assert_eq!((all.count(), all.lowest(), all.contains(7), all.contains(8)), (8, Some(0), true, false));
        let taken = all.lowest_of(3);
        assert_eq!(format!("{taken:?}"), "{0, 1, 2}");
        let free = all.without(taken);
        assert_eq!(format!("{:?}", free.lowest_of(2)), "{3, 4}");
        assert_eq!(free.lowest_of(9), free);
        assert_eq!(free.union(taken), all);
        assert_eq!(UnitSet::first(MAX_UNITS).count(), MAX_UNITS);
        assert_eq!(UnitSet::first(MAX_UNITS).iter().last(), Some(MAX_UNITS - 1));
        assert_eq!(UnitSet::EMPTY.lowest(), None);
        assert_eq!(UnitSet::EMPTY.iter().next(), None);
    }
}
