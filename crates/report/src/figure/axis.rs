//! Nice ticks, and the mapping from values to places.

use crate::text::typeset;

/// A numeric axis: a range that starts and ends at a tick.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Tick values and how to write them.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis that covers `low` to `high` with about `count` steps of 1, 2 or 5 times a power
    /// of ten.
    ///
    /// With `exact`, the axis ends where it was told to and only the ticks inside are kept.
    pub(crate) fn new(low: f64, high: f64, count: usize, exact: bool) -> Axis {
        let (low, high) = spread(low, high);
        let (step, exponent) = nice_step((high - low) / count.max(1) as f64);
        // Indices of ticks instead of repeated sums: the tick at zero is exactly zero.
        let tolerance = 1e-9;
        let (first, last) = if exact {
            ((low / step - tolerance).ceil(), (high / step + tolerance).floor())
        } else {
            ((low / step + tolerance).floor(), (high / step - tolerance).ceil())
        };
        let decimals = u8::try_from(-exponent).unwrap_or(0).min(12);
        let ticks: Vec<(f64, String)> = (first as i64..=last as i64)
            .take(200)
            .map(|index| {
                let value = index as f64 * step;
                (value, typeset(value, decimals))
            })
            .collect();
        if exact { Axis { low, high, ticks } } else { Axis { low: first * step, high: last * step, ticks } }
    }

    /// The place of a value, from 0 at the low end to 1 at the high end.
    pub(crate) fn place(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// Replaces an empty or meaningless range by one that can be drawn.
fn spread(low: f64, high: f64) -> (f64, f64) {
    let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
    // Beyond this the difference of the ends would lose all digits or overflow.
    let (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
    let (low, high) = if low <= high { (low, high) } else { (high, low) };
    let size = low.abs().max(high.abs());
    if high - low > size * 1e-9 {
        (low, high)
    } else if size == 0.0 {
        (0.0, 1.0)
    } else {
        (low - size * 0.1, high + size * 0.1)
    }
}

/// The least step of 1, 2 or 5 times a power of ten that is at least `raw`, and its exponent.
///
/// Reads the exponent from the decimal notation, which is exact on every machine, unlike a
/// logarithm.
fn nice_step(raw: f64) -> (f64, i32) {
    let exponent: i32 =
        format!("{raw:e}").split_once('e').and_then(|(_, digits)| digits.parse().ok()).unwrap_or(0);
    for (factor, exponent) in [(1, exponent), (2, exponent), (5, exponent), (1, exponent + 1)] {
        let step: f64 = format!("{factor}e{exponent}").parse().unwrap_or(1.0);
        if step >= raw * (1.0 - 1e-9) {
            return (step, exponent);
        }
    }
    (raw, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(low: f64, high: f64, expect: &str) {
        let axis = Axis::new(low, high, 5, false);
        let ticks: Vec<&str> = axis.ticks.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(ticks.join(" "), expect);
        assert!(axis.low <= low && high <= axis.high);
    }

    #[test]
    fn ticks_are_round_numbers() {
        check(0.0, 100.0, "0 20 40 60 80 100");
        check(0.0, 98.6, "0 20 40 60 80 100");
        check(-3.2, 7.9, "\u{2212}5 0 5 10");
        check(0.0, 0.37, "0.0 0.1 0.2 0.3 0.4");
        check(0.0, 1234.0, "0 500 1000 1500");
        check(5.0, 5.0, "4.4 4.6 4.8 5.0 5.2 5.4 5.6");
        check(0.0, 0.0, "0.0 0.2 0.4 0.6 0.8 1.0");
    }

    #[test]
    fn an_exact_axis_ends_where_it_is_told() {
        let axis = Axis::new(12.0, 98.6, 4, true);
        assert_eq!((axis.low, axis.high), (12.0, 98.6));
        assert_eq!(axis.ticks.iter().map(|(value, _)| *value).collect::<Vec<_>>(), [50.0]);
    }

    #[test]
    fn meaningless_ranges_still_make_an_axis() {
        for (low, high) in [(f64::NAN, 1.0), (f64::NEG_INFINITY, f64::INFINITY), (1e308, -1e308), (3.0, 1.0)]
        {
            let axis = Axis::new(low, high, 5, false);
            assert!(axis.low < axis.high && (2..200).contains(&axis.ticks.len()), "{low} {high}: {axis:?}");
        }
    }
}
