//! Sizes of errors: whole hundredths of a percent, so that equal ones are one key.

use std::fmt;

use rtmm_workload::input::{parse_millionths, show_millionths};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// The size of an error, in hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u32);

/// Why a text is no size.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{text}` is no size of an error")]
pub struct SizeError {
    /// The text.
    pub text: String,
}

impl SizeError {
    /// A way out.
    #[must_use]
    pub fn help(&self) -> String {
        format!(
            "write percent above 0, up to {} and with two decimals at most, such as 20 or 7.5",
            Size::MAX.percent()
        )
    }
}

impl Size {
    /// No error at all.
    pub const ZERO: Self = Self(0);
    /// The greatest size that can be written: a hundredfold.
    pub const MAX: Self = Self(1_000_000);

    /// The size of so many percent.
    #[must_use]
    pub const fn of_percent(percent: u32) -> Self {
        Self(percent.saturating_mul(100))
    }

    /// The nearest size to a share, at least the least one above zero.
    #[must_use]
    pub(crate) fn near(share: f64) -> Self {
        Self(((share * 10_000.0).round() as u32).clamp(1, Self::MAX.0))
    }

    /// Reads percent, such as `20` or `7.5`.
    ///
    /// # Errors
    /// [`SizeError`] for what is no number, zero, negative, too large or too fine.
    pub fn parse(text: &str) -> Result<Self, SizeError> {
        let trimmed = text.trim().trim_end_matches('%').trim_end();
        let millionths = parse_millionths(trimmed).filter(|millionths| millionths.is_multiple_of(10_000));
        let size = millionths.and_then(|millionths| u32::try_from(millionths / 10_000).ok()).map(Self);
        size.filter(|size| (Self(1)..=Self::MAX).contains(size))
            .ok_or_else(|| SizeError { text: text.to_owned() })
    }

    /// The size as a share: 0.2 for 20 %.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// The size in percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// The size half-way between two in logarithms, to two significant digits; none where there is no other between them.
    #[must_use]
    pub(crate) fn between(low: Self, high: Self) -> Option<Self> {
        let middle = (f64::from(low.0) * f64::from(high.0)).sqrt();
        let digits = libm::pow(10.0, libm::floor(libm::log10(middle.max(1.0))) - 1.0).max(1.0);
        let found = Self(((middle / digits).round() * digits) as u32);
        (low < found && found < high).then_some(found)
    }
}

/// Percent without the sign, such as `7.5`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_millionths(u64::from(self.0) * 10_000))
    }
}

/// Percent.
impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.percent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_are_read_and_written() {
        for (text, hundredths) in
            [("20", 2_000), ("7.5", 750), ("0.01", 1), ("10000", 1_000_000), (" 3 % ", 300)]
        {
            assert_eq!(Size::parse(text), Ok(Size(hundredths)), "{text}");
        }
        assert_eq!([Size(2_000), Size(750), Size(1)].map(|size| size.to_string()), ["20", "7.5", "0.01"]);
        for text in ["0", "-3", "0.001", "10001", "a lot", "", "%", "1e3"] {
            let error = Size::parse(text).unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is no size of an error"));
            assert!(error.help().contains("up to 10000"));
        }
    }

    #[test]
    fn sizes_between_two_are_round_and_come_to_an_end() {
        let between = |low, high| Size::between(Size(low), Size(high)).map(|size| size.0);
        assert_eq!(between(1_000, 2_000), Some(1_400));
        assert_eq!(between(5_000, 40_000), Some(14_000));
        assert_eq!((between(7, 8), between(1, 3), between(1_400, 1_440)), (None, Some(2), None));
        let (mut low, high) = (Size(1), Size::MAX);
        for _ in 0..200 {
            let Some(next) = Size::between(low, high) else { return };
            assert!(low < next && next < high);
            low = next;
        }
        panic!("a bisection ends");
    }
}
