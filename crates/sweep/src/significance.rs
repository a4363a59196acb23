//! Significance of paired differences: a test of each, a correction for many, and intervals of shares.
//!
//! The test is Wilcoxon's signed-rank test (*Individual comparisons by ranking methods*, Biometrics Bulletin 1945), two-sided:
//! pairs without a difference are left out, equal ones have the mean of their ranks. Its distribution is exact, given the
//! ties, up to [`EXACT_PAIRS`] differences, and normal beyond. It asks for nothing of the differences but that they are as
//! probable with the one sign as with the other if nothing tells the two apart.
//!
//! Many tests are corrected by Holm's procedure (*A simple sequentially rejective multiple test procedure*, Scandinavian
//! Journal of Statistics 1979), which bounds the probability of any false claim among all of them, however they depend on
//! each other. Intervals of shares are Wilson's (*Probable inference*, JASA 1927).

use rtmm_workload::random::normal_probability;

use crate::statistics::Interval;

/// The most differences whose distribution is computed exactly.
pub const EXACT_PAIRS: usize = 200;

/// The two-sided quantile of the normal distribution that intervals of 95 % reach to.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// Probability, if the two signs of each difference are equally probable, of a sum of signed ranks as far from its mean as
/// that of these differences. `None` where none differs from zero.
#[must_use]
pub fn signed_rank(differences: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = differences
        .iter()
        .copied()
        .filter(|difference| difference.is_finite() && *difference != 0.0)
        .collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_unstable_by(|one, other| one.abs().total_cmp(&other.abs()));
    // Twice the ranks, which are whole numbers where ties share theirs.
    let mut ranks: Vec<(usize, bool)> = Vec::with_capacity(sorted.len());
    for equal in sorted.chunk_by(|one, other| one.abs() == other.abs()) {
        let rank = 2 * ranks.len() + equal.len() + 1;
        ranks.extend(equal.iter().map(|difference| (rank, *difference > 0.0)));
    }
    let positive: usize = ranks.iter().filter(|(_, is_positive)| *is_positive).map(|(rank, _)| rank).sum();
    let all: usize = ranks.iter().map(|(rank, _)| rank).sum();
    let least = positive.min(all - positive);
    let tail =
        if ranks.len() <= EXACT_PAIRS { exact_tail(&ranks, least) } else { normal_tail(&ranks, least, all) };
    Some((2.0 * tail).min(1.0))
}

/// The probability that the ranks with a positive sign add up to `least` or less.
fn exact_tail(ranks: &[(usize, bool)], least: usize) -> f64 {
    let mut probabilities = vec![0.0; least + 1];
    probabilities[0] = 1.0;
    for (rank, _) in ranks {
        for sum in (0..=least).rev() {
            let with = sum.checked_sub(*rank).map_or(0.0, |rest| probabilities[rest]);
            probabilities[sum] = 0.5 * (probabilities[sum] + with);
        }
    }
    probabilities.iter().sum()
}

/// The same by the normal distribution of the same mean and variance, half a step further.
fn normal_tail(ranks: &[(usize, bool)], least: usize, all: usize) -> f64 {
    let variance: f64 = ranks.iter().map(|(rank, _)| (*rank as f64) * (*rank as f64)).sum::<f64>() / 4.0;
    normal_probability((least as f64 + 1.0 - all as f64 / 2.0) / variance.sqrt())
}

/// Probabilities of several tests, corrected so that those below a level are all true claims with the probability that the
/// level leaves: Holm's procedure. Tests without a probability are none.
#[must_use]
pub fn holm(probabilities: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(f64, usize)> =
        probabilities.iter().enumerate().filter_map(|(index, p)| Some(((*p)?, index))).collect();
    order.sort_unstable_by(|(one, at), (other, place)| one.total_cmp(other).then(at.cmp(place)));
    let mut corrected = vec![None; probabilities.len()];
    let mut greatest = 0.0_f64;
    for (rank, (probability, index)) in order.iter().enumerate() {
        greatest = greatest.max(probability * (order.len() - rank) as f64).min(1.0);
        corrected[*index] = Some(greatest);
    }
    corrected
}

/// The 95 % interval of a probability of which `successes` of `trials` are known: Wilson's. All of 0 to 1 where there are no
/// trials.
#[must_use]
pub fn wilson(successes: u32, trials: u32) -> Interval {
    if trials == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (count, square) = (f64::from(trials), QUANTILE * QUANTILE);
    let share = f64::from(successes) / count;
    let middle = share + square / (2.0 * count);
    let reach = QUANTILE * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
    let of = |end: f64| (end / (1.0 + square / count)).clamp(0.0, 1.0);
    Interval {
        low: if successes == 0 { 0.0 } else { of(middle - reach) },
        high: if successes >= trials { 1.0 } else { of(middle + reach) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sign vectors, one by one.
    fn literally(differences: &[f64]) -> f64 {
        let rank = |value: f64| {
            let below = differences.iter().filter(|other| other.abs() < value.abs()).count() as f64;
            let equal = differences.iter().filter(|other| other.abs() == value.abs()).count() as f64;
            below + (equal + 1.0) / 2.0
        };
        let ranks: Vec<f64> = differences.iter().map(|value| rank(*value)).collect();
        let mean = ranks.iter().sum::<f64>() / 2.0;
        let sum = |signs: u32| -> f64 {
            ranks.iter().enumerate().filter(|(bit, _)| signs >> bit & 1 == 1).map(|(_, rank)| rank).sum()
        };
        let own =
            differences.iter().enumerate().filter(|(_, value)| **value > 0.0).map(|(bit, _)| 1 << bit).sum();
        let all = 1_u32 << ranks.len();
        let far = |signs: &u32| (sum(*signs) - mean).abs() >= (sum(own) - mean).abs() - 1e-9;
        (0..all).filter(far).count() as f64 / f64::from(all)
    }

    #[test]
    fn exact_probabilities_are_those_of_all_signs() {
        for differences in [
            &[1.0, 2.0, 3.0, 4.0, 5.0][..],
            &[1.0, -2.0, 3.0, -4.0, 5.0, 6.0, 7.0],
            &[1.0, 1.0, -1.0, 2.0, 2.0, -5.0, 5.0, 0.5, 9.0],
            &[-1.0],
        ] {
            let found = signed_rank(differences).unwrap();
            assert!((found - literally(differences)).abs() < 1e-12, "{differences:?}: {found}");
        }
        // The least probability of five pairs is 2 / 32.
        assert_eq!(signed_rank(&[1.0, 2.0, 3.0, 4.0, 5.0]), Some(0.0625));
    }

    #[test]
    fn pairs_without_a_difference_say_nothing() {
        assert_eq!(signed_rank(&[0.0, 0.0]), None);
        assert_eq!(signed_rank(&[]), None);
        assert_eq!(signed_rank(&[0.0, 3.0, 0.0, -1.0]), signed_rank(&[3.0, -1.0]));
        let differences = [3.0, -1.0, 2.0, 7.0];
        assert_eq!(signed_rank(&differences), signed_rank(&differences.map(|value| -value)), "two-sided");
    }

    #[test]
    fn the_normal_distribution_takes_over_without_a_jump() {
        let differences = |count: usize| -> Vec<f64> {
            (0..count).map(|index| (index + 1) as f64 * if index % 5 < 2 { -1.0 } else { 1.0 }).collect()
        };
        let [exact, normal] =
            [EXACT_PAIRS, EXACT_PAIRS + 5].map(|count| signed_rank(&differences(count)).unwrap());
        assert!((exact - normal).abs() < 0.002, "{exact} {normal}");
    }

    /// By hand: 0.01 x 4, 0.02 x 3, 0.03 x 2 (0.06), 0.04 x 1 is raised to the one before.
    #[test]
    fn holm_multiplies_by_the_tests_that_are_left() {
        let corrected = holm(&[Some(0.04), Some(0.01), None, Some(0.03), Some(0.02)]);
        let expected = [Some(0.06), Some(0.04), None, Some(0.06), Some(0.06)];
        for (found, expected) in corrected.iter().zip(expected) {
            assert_eq!(found.is_some(), expected.is_some());
            assert!(found.zip(expected).is_none_or(|(found, expected)| (found - expected).abs() < 1e-15));
        }
        assert_eq!(holm(&[Some(0.9), Some(0.8)]), [Some(1.0), Some(1.0)]);
    }

    /// Against the formula's published values for 0 and 10 of 10, and 5 of 10.
    #[test]
    fn intervals_of_shares_stay_within_0_and_1() {
        let near = |found: Interval, low: f64, high: f64| {
            assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
        };
        near(wilson(0, 10), 0.0, 0.27753);
        near(wilson(10, 10), 0.72247, 1.0);
        near(wilson(5, 10), 0.23659, 0.76341);
        near(wilson(0, 0), 0.0, 1.0);
    }
}
