//! Bandwidth to and from off-chip memory.

use rtmm_workload::input::show_millionths;
use serde::{Serialize, Serializer};

const MILLION: u64 = 1_000_000;

/// Bandwidth in millionths of a byte a cycle, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffChipBandwidth(u64);

impl OffChipBandwidth {
    /// A bandwidth; none of zero.
    pub(super) const fn from_millionths(millionths: u64) -> Option<Self> {
        if millionths == 0 { None } else { Some(Self(millionths)) }
    }

    pub(super) const fn millionths(self) -> u64 {
        self.0
    }

    /// Cycles that so many bytes take, rounded up; the most that there are where it is more.
    pub(super) fn cycles(self, bytes: u64) -> u64 {
        let cycles = (u128::from(bytes) * u128::from(MILLION)).div_ceil(self.0.into());
        u64::try_from(cycles).unwrap_or(u64::MAX)
    }
}

/// A whole number of bytes as such, any other as decimal text: a float would not be exact.
impl Serialize for OffChipBandwidth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(MILLION) {
            serializer.serialize_u64(self.0 / MILLION)
        } else {
            serializer.serialize_str(&show_millionths(self.0))
        }
    }
}
