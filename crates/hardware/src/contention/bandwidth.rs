//! Bandwidths, speeds and shares, in whole units.

use rtmm_workload::Duration;
use serde::Serialize;

use crate::power::Scaling;

/// The window in which bandwidth is counted is 2^30 ps, a power of two so that progress needs no
/// division.
const WINDOW_BITS: u32 = 30;

/// Millionths in the whole of a shared resource.
const MILLIONTHS: u32 = 1_000_000;

/// Bytes in every 2^30 ps (1.07 ms).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Bandwidth(u64);

impl Bandwidth {
    /// Nothing moves.
    pub const ZERO: Self = Self(0);
    /// Everything moves at once.
    pub const UNLIMITED: Self = Self(u64::MAX);

    /// `bytes` in every 2^30 ps.
    #[must_use]
    pub const fn from_bytes_per_window(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Millionths of a byte in every cycle of a clock of `clock_hz`; `None` beyond what 64 bits
    /// count.
    ///
    /// Rounded up to a unit, so that an accelerator which reaches exactly this bandwidth by itself
    /// is not slowed by the rounding, and no bandwidth above zero becomes zero.
    #[must_use]
    pub fn from_bytes_per_cycle_millionths(millionths: u64, clock_hz: u64) -> Option<Self> {
        // Per second: millionths * clock / 10^6. A window is 2^30 / 10^12 seconds, and
        // 2^30 / 10^18 = 2^12 / 5^18.
        let scaled = (u128::from(millionths) * u128::from(clock_hz)).checked_mul(1 << 12)?;
        let bytes = u64::try_from(scaled.div_ceil(5_u128.pow(18))).ok()?;
        Some(Self(bytes)).filter(|bandwidth| *bandwidth != Self::UNLIMITED)
    }

    /// The bandwidth that moves `bytes` within `over`, rounded up to a unit.
    ///
    /// Zero where there is nothing to move; [`Bandwidth::UNLIMITED`] where there is no time for it,
    /// or beyond 64 bits.
    #[must_use]
    pub fn of(bytes: u64, over: Duration) -> Self {
        Self(windows_ceil(bytes, over.picoseconds()))
    }

    /// Time that `bytes` take, rounded up to a picosecond.
    ///
    /// No time where there is nothing to move or no limit; [`Duration::MAX`] where nothing moves, or
    /// beyond the clock's range.
    #[must_use]
    pub fn time_for(self, bytes: u64) -> Duration {
        if self == Self::UNLIMITED {
            return Duration::ZERO;
        }
        Duration::from_picoseconds(windows_ceil(bytes, self.0))
    }

    /// Whole bytes that move within `over`; saturates at `u64::MAX`.
    #[must_use]
    pub fn bytes_in(self, over: Duration) -> u64 {
        if self == Self::UNLIMITED && !over.is_zero() {
            return u64::MAX;
        }
        let bytes = (u128::from(self.0) * u128::from(over.picoseconds())) >> WINDOW_BITS;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The part of this bandwidth that `share` is, rounded down to a unit. Any part of
    /// [`Bandwidth::UNLIMITED`] but none is unlimited.
    #[must_use]
    pub fn part(self, share: Share) -> Self {
        if share == Share::WHOLE || (self == Self::UNLIMITED && share != Share::ZERO) {
            return self;
        }
        let part = u128::from(self.0) * u128::from(share.0) / u128::from(MILLIONTHS);
        Self(u64::try_from(part).unwrap_or(u64::MAX))
    }

    /// This bandwidth at an operating point of what it is of, rounded down, but to a unit at least; what has no limit has
    /// none there.
    #[must_use]
    pub fn at(self, scaling: Scaling) -> Self {
        if self == Self::UNLIMITED || self == Self::ZERO { self } else { Self(scaling.rate(self.0).max(1)) }
    }

    /// Bytes in every 2^30 ps.
    #[must_use]
    pub const fn bytes_per_window(self) -> u64 {
        self.0
    }

    /// Bytes a second, for display; infinite where there is no limit.
    #[must_use]
    pub fn bytes_per_second(self) -> f64 {
        if self == Self::UNLIMITED {
            return f64::INFINITY;
        }
        self.0 as f64 * 1e12 / (1_u64 << WINDOW_BITS) as f64
    }
}

/// `bytes * 2^30 / divisor`, rounded up and saturating; 0 of nothing is nothing.
///
/// With a time as divisor it is a bandwidth, with a bandwidth it is a time.
fn windows_ceil(bytes: u64, divisor: u64) -> u64 {
    if bytes == 0 {
        0
    } else if divisor == 0 {
        u64::MAX
    } else if bytes >> (u64::BITS - WINDOW_BITS) == 0 {
        // Below 16 GiB; division of 128 bits costs several times as much.
        (bytes << WINDOW_BITS).div_ceil(divisor)
    } else {
        let exact = (u128::from(bytes) << WINDOW_BITS).div_ceil(u128::from(divisor));
        u64::try_from(exact).unwrap_or(u64::MAX)
    }
}

/// Progress as a fraction of full speed, in 2^-20; never above full speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Speed(u32);

impl Speed {
    const BITS: u32 = 20;
    /// No progress.
    pub const ZERO: Self = Self(0);
    /// As fast as alone.
    pub const FULL: Self = Self(1 << Self::BITS);

    /// `parts` of 2^20; whatever is above full speed is full speed.
    #[must_use]
    pub const fn from_parts(parts: u32) -> Self {
        if parts > Self::FULL.0 { Self::FULL } else { Self(parts) }
    }

    /// The rate of work that takes `slowdown` times as long as alone, to the nearest part; never none.
    #[must_use]
    pub fn of_slowdown(slowdown: f64) -> Self {
        let parts = f64::from(Self::FULL.0) / slowdown;
        // A conversion of what is no number, or beyond the range, saturates.
        Self::from_parts(((parts + 0.5) as u32).max(1))
    }

    /// Parts of 2^20.
    #[must_use]
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// The part of the time that the work takes alone which is done within `elapsed`, rounded down to a
    /// picosecond.
    #[must_use]
    pub fn progress(self, elapsed: Duration) -> Duration {
        let done = (u128::from(elapsed.picoseconds()) * u128::from(self.0)) >> Self::BITS;
        // At most full speed, so it fits.
        Duration::from_picoseconds(u64::try_from(done).unwrap_or(u64::MAX))
    }

    /// Time of work that alone takes `work`, rounded up to a picosecond; [`Duration::MAX`]
    /// where there is no progress, or beyond the clock's range.
    #[must_use]
    pub fn time_for(self, work: Duration) -> Duration {
        if self == Self::FULL || work.is_zero() {
            return work;
        }
        if self == Self::ZERO {
            return Duration::MAX;
        }
        let exact = (u128::from(work.picoseconds()) << Self::BITS).div_ceil(u128::from(self.0));
        Duration::from_picoseconds(u64::try_from(exact).unwrap_or(u64::MAX))
    }
}

/// Millionths of a shared resource, at most all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Share(u32);

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const WHOLE: Self = Self(MILLIONTHS);

    /// A share of `millionths`; `None` above the whole.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if millionths > MILLIONTHS { None } else { Some(Self(millionths)) }
    }

    /// Millionths of the whole.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }
}

/// All of it: what an accelerator has where nothing divides the resource.
impl Default for Share {
    fn default() -> Self {
        Self::WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bandwidths_are_counted_by_hand() {
        // 128 B/ns in 1,073,741.824 ns are 137,438,953.472 bytes.
        let bandwidth = Bandwidth::from_bytes_per_cycle_millionths(128_000_000, 1_000_000_000);
        assert_eq!(bandwidth, Some(Bandwidth(137_438_954)));
        // 0.5 bytes at 2 MHz are a megabyte a second.
        let slow = Bandwidth::from_bytes_per_cycle_millionths(500_000, 2_000_000);
        assert_eq!(slow, Some(Bandwidth(1_074)));
        assert_eq!(Bandwidth::from_bytes_per_cycle_millionths(1, 1), Some(Bandwidth(1)), "never zero");
        assert_eq!(Bandwidth::from_bytes_per_cycle_millionths(0, 1_000), Some(Bandwidth::ZERO));
        assert_eq!(Bandwidth::from_bytes_per_cycle_millionths(u64::MAX, u64::MAX), None);
        let fast = Bandwidth::from_bytes_per_cycle_millionths(1_000_000_000_000, 1_000_000_000_000);
        assert_eq!(fast, Some(Bandwidth(1_073_741_824_000_000)));

        assert_eq!(Bandwidth(1 << 30).bytes_per_second(), 1e12);
        assert_eq!(Bandwidth::UNLIMITED.bytes_per_second(), f64::INFINITY);
    }

    #[test]
    fn times_and_bandwidths_are_inverse_and_round_up() {
        let ps = Duration::from_picoseconds;
        assert_eq!(Bandwidth::of(128, ps(1_000)), Bandwidth(137_438_954));
        assert_eq!(Bandwidth(137_438_954).time_for(128), ps(1_000));
        assert_eq!(Bandwidth(3).time_for(1), ps(357_913_942));
        assert_eq!(Bandwidth::of(0, Duration::ZERO), Bandwidth::ZERO);
        assert_eq!(Bandwidth::of(1, Duration::ZERO), Bandwidth::UNLIMITED);
        assert_eq!(Bandwidth::of(u64::MAX, ps(1)), Bandwidth::UNLIMITED);
        assert_eq!(Bandwidth::ZERO.time_for(0), Duration::ZERO);
        assert_eq!(Bandwidth::ZERO.time_for(1), Duration::MAX);
        assert_eq!(Bandwidth::UNLIMITED.time_for(u64::MAX), Duration::ZERO);
        assert_eq!(Bandwidth(1).time_for(u64::MAX), Duration::MAX);
        // Both sides of the bound between 64 and 128 bits.
        for bytes in [(1 << 34) - 1, 1 << 34, (1 << 34) + 1] {
            assert_eq!(Bandwidth(1 << 30).time_for(bytes), ps(bytes));
            assert_eq!(Bandwidth::of(bytes, ps(1 << 30)), Bandwidth(bytes));
        }
        assert_eq!(Bandwidth(3).bytes_in(ps(1 << 30)), 3);
        assert_eq!(Bandwidth(3).bytes_in(ps((1 << 30) - 1)), 2);
        assert_eq!(Bandwidth::UNLIMITED.bytes_in(ps(1)), u64::MAX);
        assert_eq!(Bandwidth::UNLIMITED.bytes_in(Duration::ZERO), 0);
    }

    #[test]
    fn parts_round_down() {
        let third = Share::from_millionths(333_333).expect("below the whole");
        assert_eq!(Share::from_millionths(1_000_001), None);
        assert_eq!(Bandwidth(1_000_000).part(third), Bandwidth(333_333));
        assert_eq!(Bandwidth(2).part(third), Bandwidth::ZERO);
        assert_eq!(Bandwidth(7).part(Share::default()), Bandwidth(7));
        assert_eq!(Bandwidth(7).part(Share::ZERO), Bandwidth::ZERO);
        assert_eq!(Bandwidth::UNLIMITED.part(third), Bandwidth::UNLIMITED);
        assert_eq!(Bandwidth::UNLIMITED.part(Share::ZERO), Bandwidth::ZERO);
    }

    #[test]
    fn speeds_scale_time() {
        let ps = Duration::from_picoseconds;
        let third = Speed::from_parts((1 << 20) / 3);
        assert_eq!(third.parts(), 349_525);
        assert_eq!(Speed::from_parts(u32::MAX), Speed::FULL);
        assert_eq!(third.time_for(ps(349_525)), ps(1 << 20));
        assert_eq!(third.progress(ps(1 << 20)), ps(349_525));
        assert_eq!(third.time_for(ps(1)), ps(4));
        assert_eq!(third.progress(ps(2)), Duration::ZERO);
        assert_eq!(Speed::FULL.progress(Duration::MAX), Duration::MAX);
        assert_eq!(Speed::FULL.time_for(Duration::MAX), Duration::MAX);
        assert_eq!(third.time_for(Duration::MAX), Duration::MAX);
        assert_eq!(Speed::ZERO.time_for(ps(1)), Duration::MAX);
        assert_eq!(Speed::ZERO.time_for(Duration::ZERO), Duration::ZERO);
        assert_eq!(Speed::ZERO.progress(Duration::MAX), Duration::ZERO);
    }
}
