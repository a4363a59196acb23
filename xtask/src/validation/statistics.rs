//! Medians, quantiles and nearest ranks of a few numbers.

/// The numbers in ascending order.
fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The median: of an even count the mean of the two in the middle. None of no numbers.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// A quantile, linear between neighbours. None of no numbers.
pub(super) fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let sorted = sorted(values);
    let place = part * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(low + (high - low) * (place - place.floor()))
}

/// The smallest number that so many of a hundred do not exceed. None of no numbers.
pub(super) fn nearest_rank(values: &[f64], percent: usize) -> Option<f64> {
    let rank = (percent * values.len()).div_ceil(100);
    sorted(values).get(rank.saturating_sub(1)).copied()
}

/// The smallest and the largest number. None of no numbers.
pub(super) fn range(values: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(values);
    Some((*sorted.first()?, *sorted.last()?))
}

/// Part of the numbers that are at most a bound. None of no numbers.
pub(super) fn share_within(values: &[f64], bound: f64) -> Option<f64> {
    let within = values.iter().filter(|value| **value <= bound).count();
    (!values.is_empty()).then(|| within as f64 / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_hand() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!((median(&values), median(&values[..3]), median(&[])), (Some(2.5), Some(3.0), None));
        assert_eq!(quantile(&values, 0.9), Some(3.7));
        // Of four, the second covers 50 %, and the fourth 95 and 99 %.
        assert_eq!([50, 95, 99].map(|percent| nearest_rank(&values, percent)), [2.0, 4.0, 4.0].map(Some));
        assert_eq!((range(&values), nearest_rank(&[], 50)), (Some((1.0, 4.0)), None));
        assert_eq!((share_within(&values, 3.0), share_within(&[], 1.0)), (Some(0.75), None));
    }
}
