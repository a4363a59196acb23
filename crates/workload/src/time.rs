//! Integer time: instants, durations and periods on the simulated clock.
//!
//! Everything is counted in picoseconds, so that orders and sums are exact and equal on every
//! machine. A clock such as 700 MHz is no whole number of picoseconds; cycles become time once a
//! layer, rounded to the nearest picosecond (see [`Duration::from_cycles`]).

use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::decimal::Decimal;

const PICOSECONDS_PER_SECOND: u64 = 1_000_000_000_000;

/// An instant on the simulated clock, in picoseconds since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Time(u64);

/// A span of simulated time, in picoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Duration(u64);

/// The distance between two releases of a periodic task, kept as a ratio so that 60 Hz neither
/// drifts nor is rounded: release `k` happens at `floor(k * numerator / denominator)` ps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Period {
    numerator_ps: u64,
    denominator: u64,
}

/// Why a text or a number is no span of time.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeError {
    /// The text has no number, no unit, or another unit.
    #[error("expected a number and a unit, such as \"16ms\"")]
    Malformed,
    /// A sign in front of the number.
    #[error("it is negative: write it without a sign")]
    Negative,
    /// More decimals than picoseconds can hold.
    #[error("finer than a picosecond")]
    TooFine,
    /// Beyond the 213 days that 64 bits of picoseconds hold.
    #[error("longer than the 213 days that the simulated clock can hold")]
    TooLong,
    /// A period or a rate of zero.
    #[error("must be above zero")]
    Zero,
}

impl Time {
    /// The start of a run.
    pub const ZERO: Self = Self(0);
    /// The last instant that the clock can hold.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `picoseconds` after the start.
    #[must_use]
    pub const fn from_picoseconds(picoseconds: u64) -> Self {
        Self(picoseconds)
    }

    /// Picoseconds since the start.
    #[must_use]
    pub const fn picoseconds(self) -> u64 {
        self.0
    }

    /// The instant `duration` later; stays at [`Time::MAX`] rather than wrapping.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.0))
    }

    /// Time from `earlier` to this instant; zero if it is not after it.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span that the clock can hold.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of `picoseconds`.
    #[must_use]
    pub const fn from_picoseconds(picoseconds: u64) -> Self {
        Self(picoseconds)
    }

    /// A span of `milliseconds`; `None` beyond the clock's range.
    #[must_use]
    pub const fn from_milliseconds(milliseconds: u64) -> Option<Self> {
        match milliseconds.checked_mul(1_000_000_000) {
            Some(picoseconds) => Some(Self(picoseconds)),
            None => None,
        }
    }

    /// `cycles` of a clock of `clock_hz`, rounded to the nearest picosecond; `None` beyond the
    /// clock's range or for a clock of 0 Hz.
    #[must_use]
    pub fn from_cycles(cycles: u64, clock_hz: u64) -> Option<Self> {
        if clock_hz == 0 {
            return None;
        }
        let scaled = u128::from(cycles) * u128::from(PICOSECONDS_PER_SECOND);
        let rounded = (scaled + u128::from(clock_hz / 2)) / u128::from(clock_hz);
        u64::try_from(rounded).ok().map(Self)
    }

    /// Parses a decimal number with a unit (`ps`, `ns`, `us`, `ms`, `s`), exactly.
    ///
    /// # Errors
    /// [`TimeError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('-') {
            return Err(Self::parse(rest).err().unwrap_or(TimeError::Negative));
        }
        let split =
            text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).ok_or(TimeError::Malformed)?;
        let (number, unit) = text.split_at(split);
        let decimals = match unit.trim() {
            "ps" => 0,
            "ns" => 3,
            "us" | "µs" => 6,
            "ms" => 9,
            "s" => 12,
            _ => return Err(TimeError::Malformed),
        };
        let number = number.replace('_', "");
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        if whole.is_empty() || fraction.contains('.') || (number.contains('.') && fraction.is_empty()) {
            return Err(TimeError::Malformed);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > decimals {
            return Err(TimeError::TooFine);
        }
        let digits = format!("{whole}{fraction}{}", "0".repeat(decimals - fraction.len()));
        digits.parse().map(Self).map_err(|_| TimeError::TooLong)
    }

    /// Parses a decimal number of microseconds without a unit, plain or with an exponent, exactly.
    ///
    /// # Errors
    /// [`TimeError`] says what is wrong with the text.
    pub fn parse_microseconds(text: &str) -> Result<Self, TimeError> {
        let number = Decimal::parse(text).ok_or(TimeError::Malformed)?;
        match number.parts(6) {
            None => Err(TimeError::TooLong),
            Some(parts) if parts.has_rest => Err(TimeError::TooFine),
            Some(parts) => Ok(Self(parts.whole)),
        }
    }

    /// Parses a decimal number of a unit that has ten to the power of `decimals` picoseconds, plain or with an exponent,
    /// to the nearest picosecond, ties up: means of other programs have more digits than what they measured.
    ///
    /// # Errors
    /// [`TimeError`] says what is wrong with the text.
    pub fn parse_nearest(text: &str, decimals: u32) -> Result<Self, TimeError> {
        let number = Decimal::parse(text).ok_or(TimeError::Malformed)?;
        let parts = number.parts(decimals).ok_or(TimeError::TooLong)?;
        let nearest = parts.whole.checked_add(parts.rounds_up.into());
        nearest.map(Self).ok_or(TimeError::TooLong)
    }

    /// Picoseconds in this span.
    #[must_use]
    pub const fn picoseconds(self) -> u64 {
        self.0
    }

    /// The span in milliseconds, for display and for scores; never for clocks.
    #[must_use]
    pub fn milliseconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// True if this is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The span that becomes of it at `factor_millionths` / 1,000,000 times the rate, rounded down; nothing is at a
    /// rate of zero.
    pub(crate) fn at_rate(self, factor_millionths: u64) -> Result<Self, TimeError> {
        let scaled = (u128::from(self.0) * 1_000_000).checked_div(u128::from(factor_millionths));
        u64::try_from(scaled.ok_or(TimeError::Zero)?).map(Self).map_err(|_| TimeError::TooLong)
    }

    /// The sum; stays at [`Duration::MAX`] rather than wrapping.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; zero if the other is not shorter.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The shortest exact form, such as `16.5ms`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, decimals) = match self.0 {
            0..1_000 => ("ps", 0),
            1_000..1_000_000 => ("ns", 3),
            1_000_000..1_000_000_000 => ("us", 6),
            1_000_000_000..PICOSECONDS_PER_SECOND => ("ms", 9),
            _ => ("s", 12),
        };
        let scale = 10_u64.pow(decimals);
        let (whole, fraction) = (self.0 / scale, self.0 % scale);
        if fraction == 0 {
            return write!(f, "{whole}{unit}");
        }
        let digits = format!("{fraction:0width$}", width = decimals as usize);
        write!(f, "{whole}.{}{unit}", digits.trim_end_matches('0'))
    }
}

impl Period {
    /// A period of exactly `duration`.
    ///
    /// # Errors
    /// [`TimeError::Zero`] for a period of no time.
    pub fn new(duration: Duration) -> Result<Self, TimeError> {
        if duration.is_zero() {
            return Err(TimeError::Zero);
        }
        Ok(Self { numerator_ps: duration.0, denominator: 1 })
    }

    /// The period of `releases` releases in every `span`.
    ///
    /// # Errors
    /// [`TimeError::Zero`] where either is zero or the period would be below a picosecond.
    pub fn from_rate(releases: u64, span: Duration) -> Result<Self, TimeError> {
        if releases == 0 || releases > span.0 {
            return Err(TimeError::Zero);
        }
        let divisor = greatest_common_divisor(span.0, releases);
        Ok(Self { numerator_ps: span.0 / divisor, denominator: releases / divisor })
    }

    /// When release `index` (counted from 0) happens, relative to the first; saturating.
    #[must_use]
    pub fn release(self, index: u64) -> Duration {
        let exact = u128::from(index) * u128::from(self.numerator_ps) / u128::from(self.denominator);
        Duration(u64::try_from(exact).unwrap_or(u64::MAX))
    }

    /// The period as a span, rounded down to a picosecond.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.release(1)
    }

    /// The period as a span, rounded up to a picosecond: a release and this never lie before the
    /// next release, as they could if both were rounded down.
    #[must_use]
    pub fn deadline(self) -> Duration {
        let ceiling = self.numerator_ps.div_ceil(self.denominator);
        Duration(ceiling)
    }

    /// The period in picoseconds, unrounded but for the float: the mean of a random distance.
    #[must_use]
    pub fn mean_picoseconds(self) -> f64 {
        self.numerator_ps as f64 / self.denominator as f64
    }

    /// Releases a second, for display.
    #[must_use]
    pub fn rate_hz(self) -> f64 {
        PICOSECONDS_PER_SECOND as f64 * self.denominator as f64 / self.numerator_ps as f64
    }

    /// Releases a second, rounded to the nearest millionth: the exact rate for whatever was
    /// stated as a rate.
    #[must_use]
    pub fn rate_microhertz(self) -> u64 {
        let numerator = u128::from(PICOSECONDS_PER_SECOND) * 1_000_000 * u128::from(self.denominator);
        let ps = u128::from(self.numerator_ps);
        u64::try_from((numerator + ps / 2) / ps).unwrap_or(u64::MAX)
    }

    /// The period of a task whose load is scaled by `factor_millionths` / 1,000,000: twice the
    /// factor, half the period. Where the exact ratio leaves 64 bits, it is the nearest below it that does not:
    /// less than a part in 2^63 away.
    ///
    /// # Errors
    /// [`TimeError::Zero`] for a factor of zero, or one that shortens the period below a
    /// picosecond; [`TimeError::TooLong`] for a period beyond the clock.
    pub fn scaled(self, factor_millionths: u64) -> Result<Self, TimeError> {
        if factor_millionths == 0 {
            return Err(TimeError::Zero);
        }
        let numerator = u128::from(self.numerator_ps) * 1_000_000;
        let denominator = u128::from(self.denominator) * u128::from(factor_millionths);
        if numerator < denominator {
            return Err(TimeError::Zero);
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let (mut numerator, mut denominator) = (numerator / a, denominator / a);
        if numerator > u128::from(u64::MAX) && denominator <= u128::from(u64::MAX) {
            let shorter = u128::from(u64::MAX) * denominator / numerator;
            if shorter == 0 {
                return Err(TimeError::TooLong);
            }
            (numerator, denominator) = (numerator * shorter / denominator, shorter);
        }
        Ok(Self {
            numerator_ps: u64::try_from(numerator).map_err(|_| TimeError::TooLong)?,
            denominator: u64::try_from(denominator).map_err(|_| TimeError::TooLong)?,
        })
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates and factors of six digits leave 64 bits together; what is rounded then cannot be seen.
    #[test]
    fn factors_of_many_digits_scale_any_rate() {
        let span = Duration::from_milliseconds(1_000_000_000).expect("a duration");
        for (rate_millionths, factor_millionths) in
            [(107_143, 1_333_333), (535_714, 333_333), (35_714, 1_666_667), (999_983, 999_979)]
        {
            let period = Period::from_rate(rate_millionths, span).expect("a rate");
            let scaled = period.scaled(factor_millionths).expect("any such rate can be scaled");
            let exact = 1e24 / (rate_millionths as f64 * factor_millionths as f64);
            let distance = (scaled.mean_picoseconds() / exact - 1.0).abs();
            assert!(distance < 1e-12, "{rate_millionths} x {factor_millionths}: {distance}");
        }
    }

    #[test]
    fn texts_become_picoseconds_exactly() {
        let cases = [
            ("700ms", Ok(700_000_000_000)),
            ("16.666667 ms", Ok(16_666_667_000)),
            ("1s", Ok(1_000_000_000_000)),
            ("0.5ns", Ok(500)),
            ("1_000us", Ok(1_000_000_000)),
            ("0.0001ns", Err(TimeError::TooFine)),
            ("99999999999s", Err(TimeError::TooLong)),
            ("12", Err(TimeError::Malformed)),
            ("ms", Err(TimeError::Malformed)),
            ("-1ms", Err(TimeError::Negative)),
            ("-1", Err(TimeError::Malformed)),
            ("1.2.3ms", Err(TimeError::Malformed)),
            ("1e3ms", Err(TimeError::Malformed)),
        ];
        for (text, expected) in cases {
            assert_eq!(Duration::parse(text).map(Duration::picoseconds), expected, "{text}");
        }
    }

    #[test]
    fn display_is_exact_and_parses_back() {
        for picoseconds in [0, 7, 1_500, 16_666_666_667, 700_000_000_000, 1_234_567_890_123_456] {
            let duration = Duration(picoseconds);
            assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        }
    }

    #[test]
    fn sixty_hertz_does_not_drift() -> Result<(), TimeError> {
        let period = Period::from_rate(60, Duration(PICOSECONDS_PER_SECOND))?;
        assert_eq!(period.release(1).picoseconds(), 16_666_666_666);
        assert_eq!(period.release(60).picoseconds(), PICOSECONDS_PER_SECOND);
        assert_eq!(period.release(216_000).picoseconds(), 3_600 * PICOSECONDS_PER_SECOND);
        assert_eq!(period.deadline().picoseconds(), 16_666_666_667);
        for index in 0..60 {
            let due = period.release(index).saturating_add(period.deadline());
            assert!(period.release(index + 1) <= due, "frame {index} is due before frame {}", index + 1);
        }
        assert_eq!(period.rate_microhertz(), 60_000_000);
        assert_eq!(period.scaled(2_000_000)?.rate_microhertz(), 120_000_000);
        Ok(())
    }

    #[test]
    fn cycles_round_to_the_nearest_picosecond() {
        assert_eq!(Duration::from_cycles(7, 700_000_000), Some(Duration(10_000)));
        assert_eq!(Duration::from_cycles(1, 700_000_000), Some(Duration(1_429)));
        assert_eq!(Duration::from_cycles(u64::MAX, 1), None);
        assert_eq!(Duration::from_cycles(1, 0), None);
    }
}
