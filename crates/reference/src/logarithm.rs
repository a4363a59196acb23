//! The natural logarithm, rounded to the nearest double.
//!
//! Published tools take the logarithm of the GNU C library, which is off by at most 0.52 of a last
//! place: nearly always the nearest double. `libm::log` can be off by almost a whole one, and gives a
//! neighbour of the nearest double for 756 of the 9,999 arguments 0.0001, 0.0002 and so on. Here the logarithm is computed to
//! about 100 bits and then rounded, with nothing but additions, products and quotients, so that it is
//! the same on every machine.

/// ln 2 as the sum of two doubles.
const LN_2: Double = Double { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };
/// Terms of the series: each is below the one before it by a factor of 33 at least.
const TERMS: u32 = 22;

/// The natural logarithm of a positive, finite, normal number; [`libm::log`] says what others have.
#[must_use]
pub fn natural(x: f64) -> f64 {
    if !(x.is_normal() && x > 0.0) {
        return libm::log(x);
    }
    let (fraction, exponent) = libm::frexp(x);
    // Around 1, so that nothing cancels: the fraction is then in sqrt(1/2)..sqrt(2).
    let is_low = fraction < std::f64::consts::FRAC_1_SQRT_2;
    let (fraction, exponent) = if is_low { (2.0 * fraction, exponent - 1) } else { (fraction, exponent) };
    // ln f = 2 artanh s, with s = (f - 1) / (f + 1); f - 1 is exact.
    let s = Double::of(fraction - 1.0).divided_by(Double::sum(fraction, 1.0));
    let square = s.times(s);
    let mut series = Double::of(0.0);
    for term in (0..TERMS).rev() {
        let coefficient = Double::of(1.0).divided_by(Double::of(f64::from(2 * term + 1)));
        series = series.times(square).plus(coefficient);
    }
    let of_fraction = s.times(series).times(Double::of(2.0));
    let of_exponent = LN_2.times(Double::of(f64::from(exponent)));
    let sum = of_exponent.plus(of_fraction);
    sum.high + sum.low
}

/// A number as the sum of two doubles, of which the second is below half a last place of the first.
#[derive(Clone, Copy)]
struct Double {
    high: f64,
    low: f64,
}

impl Double {
    const fn of(high: f64) -> Self {
        Self { high, low: 0.0 }
    }

    /// The exact sum of two numbers.
    fn sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let part = high - a;
        Self { high, low: (a - (high - part)) + (b - part) }
    }

    fn plus(self, other: Self) -> Self {
        let high = Self::sum(self.high, other.high);
        let low = Self::sum(self.low, other.low);
        let middle = Self::sum(high.high, high.low + low.high);
        Self::sum(middle.high, middle.low + low.low)
    }

    fn times(self, other: Self) -> Self {
        let high = self.high * other.high;
        let error = self.high.mul_add(other.high, -high);
        Self::sum(high, error + (self.high * other.low + self.low * other.high))
    }

    fn divided_by(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self.plus(other.times(Self::of(-first)));
        let second = rest.high / other.high;
        let rest = rest.plus(other.times(Self::of(-second)));
        Self::sum(first, second).plus(Self::of(rest.high / other.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From 60 decimals of each logarithm, rounded once.
    #[test]
    fn logarithms_are_the_nearest_doubles() {
        let cases = [
            (5.94045348062231e-07, -14.336310176958676),
            (0.9999996580738909, -3.419261675498612e-07),
            (8.987906301279548e-07, -13.92221572155834),
            (0.9796240094764332, -0.020586444734863162),
            (0.014502614141807368, -4.233426360163224),
            (0.2240414325642831, -1.4959242774265122),
            (0.6489745531369242, -0.4323617723889349),
            (0.9433970176734279, -0.05826806939049397),
            (0.43422272893254765, -0.8341976762185623),
            (0.9830074731488772, -0.017138556474369886),
            (2.3778029865521108e-07, -15.251918704501952),
            (0.7832701995361518, -0.2442775600969288),
            (1.6171567531999885e-16, -36.360691971253736),
            (0.23427454837085826, -1.4512615677476293),
            (0.761925427594386, -0.27190659213385154),
            (0.9956635181750343, -0.004345911633611795),
            (0.44483568613752145, -0.8100503096382661),
            (4.719013841121802e-18, -39.8949318280904),
            (0.7845188307752677, -0.2426847035595039),
            (0.8724077654368019, -0.13649834345998046),
            (0.6863486322650464, -0.3763695700524679),
            (5.142435730655772e-07, -14.480568806176269),
            (0.37426980432287227, -0.9827783397200894),
            (8.973846445922843e-07, -13.923781254546817),
        ];
        for (x, expected) in cases {
            assert_eq!(natural(x), expected, "ln {x}");
        }
    }

    #[test]
    fn special_arguments_have_the_usual_logarithms() {
        assert_eq!(natural(1.0), 0.0);
        assert_eq!(natural(0.0), f64::NEG_INFINITY);
        assert_eq!(natural(f64::INFINITY), f64::INFINITY);
        assert!(natural(-1.0).is_nan());
    }

    #[test]
    fn the_usual_logarithm_is_a_neighbour() {
        let mut differ = 0;
        for index in 1..10_000 {
            let x = f64::from(index) / 10_000.0;
            let (usual, nearest) = (libm::log(x), natural(x));
            assert!(usual == nearest || usual == nearest.next_up() || usual == nearest.next_down(), "ln {x}");
            differ += u32::from(usual != nearest);
        }
        assert_eq!(differ, 756, "as the head of this file says");
    }
}
