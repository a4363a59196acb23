//! Curves of probabilities over sizes of errors, and the margins at which they fall below a level.
//!
//! With the sizes that were simulated in ascending order, the *flip margin* of a contest at a level lies between two of them: the
//! first at which the winner beats the loser in fewer of the draws than the level says, and the one before it. Bisection, in
//! logarithms of the size, narrows it. All sizes have the same draws, scaled, so that a curve mostly falls; where it rises
//! from one size to the next, it is said so, and the margin is of the first fall.

use rtmm_sweep::significance::wilson;
use rtmm_sweep::statistics::Interval;
use serde::Serialize;

use crate::size::Size;

/// Margins that are known to within this ratio are not narrowed further.
const NARROW: f64 = 1.1;
/// The least size that is looked for.
const SMALLEST: Size = Size::of_percent(1);

/// A probability in percent that a winner is to beat a loser with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Level(u8);

impl Level {
    /// Almost certainly.
    pub const HIGH: Self = Self(95);
    /// More probably than not.
    pub const EVEN: Self = Self(50);

    /// A level of 1 to 100 percent.
    #[must_use]
    pub fn of_percent(percent: u8) -> Option<Self> {
        (1..=100).contains(&percent).then_some(Self(percent))
    }

    /// The level in percent.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// True if so many successes are as many as the level asks for.
    fn is_held(self, point: &Point) -> bool {
        u64::from(point.wins) * 100 >= u64::from(self.0) * u64::from(point.draws())
    }
}

/// Contests of two policies in all draws of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// The size of the errors.
    #[serde(rename = "size_percent")]
    pub size: Size,
    /// Draws in which the winner without errors beats the loser.
    pub wins: u32,
    /// Draws in which it is beaten.
    pub losses: u32,
    /// Draws in which neither beats the other: both have the same value, or one has none.
    pub ties: u32,
}

impl Point {
    /// The number of draws.
    #[must_use]
    pub const fn draws(&self) -> u32 {
        self.wins + self.losses + self.ties
    }

    /// The share of draws that are won.
    #[must_use]
    pub fn probability(&self) -> f64 {
        f64::from(self.wins) / f64::from(self.draws().max(1))
    }

    /// The 95 % interval of the probability of a win.
    #[must_use]
    pub fn interval(&self) -> Interval {
        wilson(self.wins, self.draws())
    }
}

/// The place of a flip margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Margin {
    /// The level that the probability falls below.
    #[serde(rename = "level_percent")]
    pub level: Level,
    /// The greatest size that was simulated up to which the level holds; zero where it holds at none.
    #[serde(rename = "holds_percent")]
    pub holds: Size,
    /// The least size that was simulated at which it does not hold; none where it holds at all.
    #[serde(rename = "flips_percent")]
    pub flips: Option<Size>,
}

impl Margin {
    /// The margin of a curve, whose points ascend in size.
    #[must_use]
    pub(crate) fn of(level: Level, points: &[Point]) -> Self {
        let mut holds = Size::ZERO;
        for point in points {
            if !level.is_held(point) {
                return Self { level, holds, flips: Some(point.size) };
            }
            holds = point.size;
        }
        Self { level, holds, flips: None }
    }

    /// The size that halves what is not known of the margin; none where that is little, or where sizes end at `greatest`.
    #[must_use]
    pub(crate) fn next(&self, greatest: Size) -> Option<Size> {
        let low = self.holds.max(SMALLEST);
        let high = self.flips.unwrap_or(greatest);
        if high.share() <= low.share() * NARROW {
            return None;
        }
        Size::between(low, high)
    }

    /// True if a size lies where the margin is not known.
    #[must_use]
    pub(crate) fn is_narrowed_by(&self, size: Size) -> bool {
        self.holds < size && self.flips.is_none_or(|flips| size < flips)
    }
}

/// True if a curve rises from one size to the next.
pub(crate) fn rises(points: &[Point]) -> bool {
    points.windows(2).any(|pair| pair[1].wins > pair[0].wins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(wins: &[(u32, u32)]) -> Vec<Point> {
        let point = |(percent, wins): &(u32, u32)| Point {
            size: Size::of_percent(*percent),
            wins: *wins,
            losses: 20 - wins,
            ties: 0,
        };
        wins.iter().map(point).collect()
    }

    fn margin(level: Level, wins: &[(u32, u32)]) -> (f64, Option<f64>) {
        let Margin { holds, flips, .. } = Margin::of(level, &curve(wins));
        (holds.percent(), flips.map(Size::percent))
    }

    #[test]
    fn a_margin_is_where_the_curve_first_falls_below_the_level() {
        let wins = [(10, 20), (20, 19), (50, 18), (100, 9)];
        assert_eq!(margin(Level::HIGH, &wins), (20.0, Some(50.0)), "19 of 20 are 95 %");
        assert_eq!(margin(Level::EVEN, &wins), (50.0, Some(100.0)));
        assert_eq!(margin(Level::HIGH, &[(10, 18), (20, 20)]), (0.0, Some(10.0)));
        assert_eq!(margin(Level::HIGH, &[(10, 20), (20, 20)]), (20.0, None));
        assert_eq!(margin(Level::HIGH, &[]), (0.0, None));
    }

    #[test]
    fn curves_that_rise_are_found() {
        assert!(!rises(&curve(&[(10, 20), (20, 20), (50, 3)])));
        assert!(rises(&curve(&[(10, 20), (20, 17), (50, 18)])));
    }

    #[test]
    fn bisection_ends_where_a_margin_is_narrow() {
        let greatest = Size::of_percent(400);
        let mut points = curve(&[(10, 20), (50, 0)]);
        for _ in 0..10 {
            let margin = Margin::of(Level::HIGH, &points);
            let Some(next) = margin.next(greatest) else {
                assert!(margin.flips.unwrap().share() <= margin.holds.share() * NARROW);
                // The truth is 23 %.
                assert!(margin.holds <= Size::of_percent(23) && Size::of_percent(23) < margin.flips.unwrap());
                return;
            };
            assert!(margin.is_narrowed_by(next));
            let wins = if next <= Size::of_percent(23) { 20 } else { 3 };
            points.push(Point { size: next, wins, losses: 20 - wins, ties: 0 });
            points.sort_by_key(|point| point.size);
        }
        panic!("a bisection ends");
    }

    #[test]
    fn levels_are_percent() {
        assert_eq!(
            [0, 1, 100, 101].map(|percent| Level::of_percent(percent).is_some()),
            [false, true, true, false]
        );
    }
}
