//! The number formats of a hardware scheduler: fixed point for times, floating point for scores.
//!
//! Source: the RTL of Sparse-DySta (Fan et al., MICRO 2023): 16-bit scores are FP16 beside fixed point of
//! 7 bits before and 8 behind the point (Q7.8), 32-bit ones FP32 beside Q13.18. Both are signed. `Exact`
//! stands for double precision without fixed point, to see what the formats alone change.
//!
//! Fixed-point numbers are cut off below, as a shifter does it, and stay at the largest or the least
//! value rather than wrap. Floating-point results are rounded to nearest, ties to even, after every
//! operation: one in single precision and rounded again to half is the half-precision result for sums and
//! products, since single has more than twice the digits.

use half::f16;

/// The formats of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFormat {
    /// FP16 and Q7.8.
    Half,
    /// FP32 and Q13.18.
    Single,
    /// Double precision for everything.
    Exact,
}

/// A fixed-point number: a count of steps, or the number itself where nothing is cut off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed {
    format: NumberFormat,
    steps: i64,
    exact: f64,
}

impl NumberFormat {
    /// Bits behind the point, and the largest count of steps.
    const fn fixed(self) -> (u32, i64) {
        match self {
            Self::Half => (8, (1 << 15) - 1),
            Self::Single => (18, (1 << 31) - 1),
            Self::Exact => (0, i64::MAX),
        }
    }

    /// Bits of a score, as the storage of the RTL counts them.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Half => 16,
            Self::Single => 32,
            Self::Exact => 64,
        }
    }

    fn saturate(self, steps: i128) -> i64 {
        let (_, most) = self.fixed();
        steps.clamp(-i128::from(most) - 1, i128::from(most)) as i64
    }

    /// A number in fixed point.
    #[must_use]
    pub fn to_fixed(self, value: f64) -> Fixed {
        let (fraction, _) = self.fixed();
        let steps = match self {
            Self::Exact => 0,
            // The conversion from a float stays within the range of 128 bits.
            _ => self.saturate((value * f64::from(1_u32 << fraction)).floor() as i128),
        };
        Fixed { format: self, steps, exact: value }
    }

    /// A number in floating point.
    #[must_use]
    pub fn round(self, value: f64) -> f64 {
        match self {
            Self::Half => f16::from_f32(value as f32).to_f64(),
            Self::Single => f64::from(value as f32),
            Self::Exact => value,
        }
    }

    /// The product of two numbers of the format.
    #[must_use]
    pub fn multiply(self, one: f64, other: f64) -> f64 {
        self.round(one * other)
    }

    /// The sum of two numbers of the format.
    #[must_use]
    pub fn add(self, one: f64, other: f64) -> f64 {
        self.round(one + other)
    }
}

impl Fixed {
    fn of(self, steps: i128, exact: f64) -> Self {
        Self { steps: self.format.saturate(steps), exact, ..self }
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.of(i128::from(self.steps) - i128::from(other.steps), self.exact - other.exact)
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.of(i128::from(self.steps) + i128::from(other.steps), self.exact + other.exact)
    }

    /// The product, cut off below.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let (fraction, _) = self.format.fixed();
        let product = i128::from(self.steps) * i128::from(other.steps);
        self.of(product >> fraction, self.exact * other.exact)
    }

    /// The number, or 0 if it is below.
    #[must_use]
    pub fn at_least_zero(self) -> Self {
        Self { steps: self.steps.max(0), exact: self.exact.max(0.0), ..self }
    }

    /// The number in the floating-point format beside.
    #[must_use]
    pub fn to_float(self) -> f64 {
        let (fraction, _) = self.format.fixed();
        match self.format {
            NumberFormat::Exact => self.exact,
            format => format.round(self.steps as f64 / f64::from(1_u32 << fraction)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_is_cut_off_and_stays_in_range() {
        let of = |format: NumberFormat, value| format.to_fixed(value).to_float();
        for (value, half, single) in [
            (1.0, 1.0, 1.0),
            (0.005, 1.0 / 256.0, 1310.0 / 262_144.0),
            (-0.001, -1.0 / 256.0, -263.0 / 262_144.0),
            (127.999, 32767.0 / 256.0, 127.999),
            (1e6, 32767.0 / 256.0, 8192.0),
            (-1e6, -128.0, -8192.0),
        ] {
            // To a half of 11 digits, and a single of 24.
            let near = |got: f64, want: f64| (got - want).abs() <= want.abs() / 2048.0;
            assert!(near(of(NumberFormat::Half, value), half), "{value}");
            assert!(near(of(NumberFormat::Single, value), single), "{value}");
            assert_eq!(of(NumberFormat::Exact, value), value);
        }
    }

    #[test]
    fn fixed_point_arithmetic_is_that_of_integers() {
        let at = |steps: i64| NumberFormat::Half.to_fixed(steps as f64 / 256.0);
        assert_eq!(at(300).minus(at(1000)).at_least_zero().steps, 0);
        assert_eq!(at(300).minus(at(1000)).steps, -700);
        assert_eq!(at(32_000).plus(at(32_000)).steps, 32_767);
        // 300 x 200 / 256 is 234.4, and -234.4 is cut off below.
        assert_eq!((at(300).times(at(200)).steps, at(-300).times(at(200)).steps), (234, -235));
    }

    #[test]
    fn floats_are_rounded_after_every_operation() {
        let (half, single) = (NumberFormat::Half, NumberFormat::Single);
        assert_eq!(half.add(2048.0, 1.0), 2048.0);
        assert_eq!(half.add(2048.0, 3.0), 2052.0);
        assert_eq!(half.multiply(half.round(0.1), 3.0), f64::from(f16::from_f64(0.299_926_757_812_5)));
        assert_eq!(single.add(16_777_216.0, 1.0), 16_777_216.0);
        assert_eq!(half.round(1e6), f64::INFINITY);
    }
}
