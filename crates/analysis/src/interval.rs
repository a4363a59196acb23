//! Closed ranges of instants and of durations.

/// A closed range: both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval<T> {
    /// The first value.
    pub min: T,
    /// The last value, not below the first.
    pub max: T,
}

impl<T: Copy + Ord> Interval<T> {
    /// The range of one value.
    pub const fn point(value: T) -> Self {
        Self { min: value, max: value }
    }

    /// True if some value is in both.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.min <= other.max && other.min <= self.max
    }

    /// The least range that holds both.
    pub(crate) fn hull(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}
