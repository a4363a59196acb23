//! Quantiles of a time, and the distribution that they stand for.

use rtmm_workload::Duration;
use serde::Serialize;
use thiserror::Error;

use super::ranks::Rank;

/// The pieces between neighbouring quantiles: the hundredths of all jobs that each holds.
const PARTS: [u64; 4] = [50, 40, 9, 1];

/// A distribution of a time: its quantile function is a straight line from each of these to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantiles {
    /// The times that 0, 50, 90, 99 and 100 of 100 jobs do not exceed.
    at: [Duration; 5],
}

/// The reason why five times are no quantiles: one is below the one before it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{} is below {}", Quantiles::NAMES[*.0], Quantiles::NAMES[.0 - 1])]
pub struct Descending(
    /// Position of the one that is below the one before it.
    pub usize,
);

impl Quantiles {
    /// The names of the quantiles, in their order.
    pub const NAMES: [&'static str; 5] = ["min", "p50", "p90", "p99", "max"];

    /// The distribution with this minimum, median, 90th and 99th percentile and maximum.
    ///
    /// # Errors
    /// [`Descending`] where a later one is less than an earlier one.
    pub fn new(at: [Duration; 5]) -> Result<Self, Descending> {
        match (1..at.len()).find(|index| at[*index] < at[index - 1]) {
            Some(index) => Err(Descending(index)),
            None => Ok(Self { at }),
        }
    }

    /// The times that 0, 50, 90, 99 and 100 of 100 jobs do not exceed.
    #[must_use]
    pub fn values(&self) -> [Duration; 5] {
        self.at
    }

    /// True if every job takes the same.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.at[0] == self.at[4]
    }

    /// The same distribution after `change`, which must keep the order of times.
    #[must_use]
    pub fn map(&self, change: impl Fn(Duration) -> Duration) -> Self {
        Self { at: self.at.map(change) }
    }

    /// The mean, to the nearest picosecond:
    ///
    /// ```text
    /// (50 min + 90 p50 + 49 p90 + 10 p99 + max) / 200
    /// ```
    #[must_use]
    pub fn mean(&self) -> Duration {
        self.mean_at_least(Duration::ZERO)
    }

    /// The mean of the time or `least`, whichever is longer, to the nearest picosecond.
    ///
    /// A piece from `a` to `b` that holds the part `p` of all jobs contributes `p (a + b) / 2` where it is above `least`,
    /// `p least` where it is below, and `p (least + (b - least)^2 / (2 (b - a)))` where it crosses it.
    #[must_use]
    pub fn mean_at_least(&self, least: Duration) -> Duration {
        let least = u128::from(least.picoseconds());
        let mut sum = 0_u128;
        for (piece, part) in self.at.windows(2).zip(PARTS) {
            let [from, to] = [0, 1].map(|end| u128::from(piece[end].picoseconds()));
            let part = u128::from(part);
            // In two hundredths of a picosecond.
            sum += if least <= from {
                part * (from + to)
            } else if least >= to {
                2 * part * least
            } else {
                let (above, width) = (to - least, to - from);
                let square = above * above;
                2 * part * least + part * (square / width) + part * (square % width) / width
            };
        }
        Duration::from_picoseconds(u64::try_from((sum + 100) / 200).unwrap_or(u64::MAX))
    }

    /// The standard deviation in picoseconds: the root of the mean of squares less the square of the mean. A piece from `a` to `b`
    /// that holds the part `p` of all jobs contributes `p (a^2 + a b + b^2) / 3` to the mean of squares.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let (mut mean, mut squares) = (0.0, 0.0);
        for (piece, part) in self.at.windows(2).zip(PARTS) {
            // From the least time on, so that nothing is lost where times are long beside their differences.
            let [from, to] = [0, 1].map(|end| piece[end].saturating_sub(self.at[0]).picoseconds() as f64);
            let part = part as f64 / 100.0;
            mean += part * (from + to) / 2.0;
            squares += part * (from * from + from * to + to * to) / 3.0;
        }
        (squares - mean * mean).max(0.0).sqrt()
    }

    /// The time at a rank, to the nearest picosecond.
    #[must_use]
    pub fn at(&self, rank: Rank) -> Duration {
        // In hundredths of all jobs.
        let mut rest = rank.steps() * 100;
        for (piece, part) in self.at.windows(2).zip(PARTS) {
            let width = part * Rank::STEPS;
            if rest > width {
                rest -= width;
                continue;
            }
            let [from, to] = [0, 1].map(|end| piece[end].picoseconds());
            let way = u128::from(to - from) * u128::from(rest);
            let nearest = ((way + u128::from(width / 2)) / u128::from(Rank::STEPS)) / u128::from(part);
            // Never above the width of the piece.
            return Duration::from_picoseconds(from + u64::try_from(nearest).unwrap_or(to - from));
        }
        self.at[4]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(at: [u64; 5]) -> Quantiles {
        Quantiles::new(at.map(Duration::from_picoseconds)).unwrap()
    }

    fn at(quantiles: &Quantiles, part: f64) -> u64 {
        quantiles.at(Rank::of(part)).picoseconds()
    }

    #[test]
    fn the_deviation_is_that_of_the_lines() {
        // Half of all jobs are uniform on 0 to 100, and so is the rest: 100 / sqrt(12).
        let uniform = of([1_000, 1_050, 1_090, 1_099, 1_100]);
        assert!((uniform.deviation() - 100.0 / 12.0_f64.sqrt()).abs() < 1e-9);
        assert_eq!(of([70; 5]).deviation(), 0.0);
        // Nothing but the tail: one of a hundred from 0 to 300, which is 1.5 in the mean and 300 in squares.
        let tail = of([0, 0, 0, 0, 300]);
        assert!((tail.deviation() - (300.0_f64 - 1.5 * 1.5).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn the_mean_is_that_of_the_lines() {
        // By hand: 0.5 * 150 + 0.4 * 250 + 0.09 * 350 + 0.01 * 700 = 75 + 100 + 31.5 + 7 = 213.5, rounded up.
        assert_eq!(of([100, 200, 300, 400, 1_000]).mean().picoseconds(), 214);
        // 50 + 90 * 2 + 49 * 3 + 10 * 5 + 9 = 436 of 200ths: 2.18.
        assert_eq!(of([1, 2, 3, 5, 9]).mean().picoseconds(), 2);
        assert_eq!(of([7; 5]).mean().picoseconds(), 7);
        assert_eq!(of([u64::MAX; 5]).mean().picoseconds(), u64::MAX);
        assert_eq!(of([0, 0, 0, 0, u64::MAX]).mean().picoseconds(), u64::MAX / 200);
    }

    #[test]
    fn the_mean_above_a_least_time_cuts_the_lines() {
        let quantiles = of([100, 200, 300, 400, 1_000]);
        let mean = |least| quantiles.mean_at_least(Duration::from_picoseconds(least)).picoseconds();
        assert_eq!([mean(0), mean(100)], [214, 214]);
        // The first piece: 0.5 * (150 + 50 * 50 / 200) = 81.25 in the place of 75.
        assert_eq!(mean(150), 220);
        // The first three: 0.99 * 400; the last as it was: 403.
        assert_eq!(mean(400), 403);
        // 0.99 * 700 + 0.01 * (700 + 300 * 300 / 1200) = 700.75.
        assert_eq!(mean(700), 701);
        assert_eq!([mean(1_000), mean(2_000)], [1_000, 2_000]);
        let widest = of([0, 0, 0, 0, u64::MAX]);
        let half = Duration::from_picoseconds(u64::MAX / 2);
        // One of 100 jobs is above half in the half of its cases, by a quarter in the mean.
        let expected = u64::MAX / 2 + u64::MAX / 800;
        assert!(widest.mean_at_least(half).picoseconds().abs_diff(expected) <= 1);
    }

    #[test]
    fn times_lie_on_the_lines() {
        let quantiles = of([100, 200, 300, 400, 1_000]);
        for (part, time) in [
            (0.0, 100),
            (0.25, 150),
            (0.5, 200),
            (0.7, 250),
            (0.9, 300),
            (0.945, 350),
            (0.99, 400),
            (0.995, 700),
            (1.0, 1_000),
        ] {
            assert_eq!(at(&quantiles, part), time, "{part}");
        }
        // To the nearest: 2.5 of 5 ps are 3, 0.499 of 1 ps is none.
        assert_eq!([at(&of([0, 10, 10, 10, 10]), 0.125), at(&of([0, 1, 1, 1, 1]), 0.249)], [3, 0]);
        let widest = of([0, 0, 0, 0, u64::MAX]);
        assert_eq!([at(&widest, 0.99), at(&widest, 1.0)], [0, u64::MAX]);
        assert_eq!(at(&of([9; 5]), 0.3), 9);
    }

    #[test]
    fn times_never_fall_with_the_rank() {
        let quantiles = of([3, 3, 1_000, 1_001, 50_000]);
        let times: Vec<u64> = (0..=10_000).map(|step| at(&quantiles, f64::from(step) / 10_000.0)).collect();
        assert!(times.is_sorted());
        let mean = times.iter().sum::<u64>() as f64 / times.len() as f64;
        assert!((mean - quantiles.mean().picoseconds() as f64).abs() < 3.0, "{mean}");
    }

    #[test]
    fn falling_quantiles_are_refused_by_name() {
        let error = Quantiles::new([1, 2, 3, 2, 5].map(Duration::from_picoseconds)).unwrap_err();
        assert_eq!((error, error.to_string().as_str()), (Descending(3), "p99 is below p90"));
    }
}
