//! Statistics over seeds: means with bootstrap confidence intervals, paired differences, geometric
//! means.
//!
//! Resampling is a pure function of sample size and resample count: the draws are addressed, and
//! every series of one size is resampled at the same places. That makes results independent of
//! what else is summarised, and fast: the places are drawn once (2,000 x 60 draws take about two
//! milliseconds), and several series are summed in one pass over them, a few microseconds each.

use rtmm_workload::random::{Draws, Stream};
use thiserror::Error;

/// Resamples of a bootstrap where nothing else is asked for.
pub const RESAMPLES: usize = 2_000;
/// Confidence level of intervals where nothing else is asked for.
pub const CONFIDENCE: f64 = 0.95;

/// Fewer values have no confidence interval: of 95 % intervals over so few, far more than one in
/// twenty miss the mean (about half of them over two values).
pub const MINIMUM_SAMPLES: usize = 10;

/// Series that are summed together: enough that additions need not wait for each other.
const LANES: usize = 16;
/// The most places that are kept; beyond, they are drawn again for every few series.
const KEPT_PLACES: usize = 1 << 24;
/// The seed of all bootstrap draws.
const SEED: u64 = 0;

/// The arithmetic mean; `None` of nothing. Exact where all values are equal.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    let shifted: f64 = values.iter().map(|value| value - first).sum();
    Some(first + shifted / values.len() as f64)
}

/// The mean over the seeds that have a value, each as often as it was drawn; what is not random has one
/// value.
#[must_use]
pub fn over_seeds(values: &[Option<f64>], places: Option<&[u32]>) -> Option<f64> {
    if let [only] = values {
        return *only;
    }
    let (mut first, mut sum, mut count) = (None, 0.0, 0_u32);
    let mut add = |value: Option<f64>| {
        if let Some(value) = value {
            sum += value - *first.get_or_insert(value);
            count += 1;
        }
    };
    match places {
        None => values.iter().copied().for_each(&mut add),
        Some(places) => {
            places.iter().map(|place| values.get(*place as usize).copied().flatten()).for_each(&mut add);
        }
    }
    Some(first? + sum / f64::from(count))
}

/// The standard deviation of the values themselves (divided by their number); `None` of nothing.
#[must_use]
pub fn population_deviation(values: &[f64]) -> Option<f64> {
    Some((squares(values)? / values.len() as f64).sqrt())
}

/// The estimated standard deviation of what the values are a sample of (divided by their number
/// less one); `None` of fewer than two.
#[must_use]
pub fn sample_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    Some((squares(values)? / (values.len() - 1) as f64).sqrt())
}

fn squares(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    Some(values.iter().map(|value| (value - mean) * (value - mean)).sum())
}

/// Why values have no geometric mean.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum NoGeometricMean {
    /// There are no values.
    #[error("there are no values")]
    Empty,
    /// A value is zero or negative.
    #[error("a value is {value}, not above zero")]
    NotPositive {
        /// Position of the first such value.
        position: usize,
        /// The value.
        value: f64,
    },
}

/// The geometric mean: the n-th root of the product.
///
/// # Errors
/// [`NoGeometricMean`] where there is none.
pub fn geometric_mean(values: &[f64]) -> Result<f64, NoGeometricMean> {
    if values.is_empty() {
        return Err(NoGeometricMean::Empty);
    }
    if let Some((position, &value)) = values.iter().enumerate().find(|(_, value)| **value <= 0.0) {
        return Err(NoGeometricMean::NotPositive { position, value });
    }
    let logarithms: Vec<f64> = values.iter().map(|value| libm::log(*value)).collect();
    mean(&logarithms).map(libm::exp).ok_or(NoGeometricMean::Empty)
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower bound.
    pub low: f64,
    /// Its upper bound.
    pub high: f64,
}

/// Percentile bootstrap of the mean, for samples of one size.
///
/// Each of the resamples draws as many values as there are, with replacement; the interval runs
/// between the percentiles of the resamples' means, linearly interpolated.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    size: usize,
    resamples: usize,
    confidence: f64,
    /// Which values each resample draws: all of the first, then all of the second, ...; empty
    /// where there are too many to keep.
    places: Vec<u32>,
}

impl Bootstrap {
    /// A bootstrap for samples of `size` values, with the default resamples and confidence.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self::with(size, RESAMPLES, CONFIDENCE)
    }

    /// A bootstrap with `resamples` resamples and intervals of `confidence` (0 to 1).
    #[must_use]
    pub fn with(size: usize, resamples: usize, confidence: f64) -> Self {
        let places = match size.checked_mul(resamples) {
            Some(places) if places <= KEPT_PLACES => {
                (0..resamples).flat_map(|resample| places_of(resample, size)).collect()
            }
            _ => Vec::new(),
        };
        Self { size, resamples, confidence: confidence.clamp(0.0, 1.0), places }
    }

    /// The size of the samples that this bootstrap is for.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// An interval for the mean of each series; `None` for a series of another size than
    /// [`Bootstrap::size`] and for empty ones.
    #[must_use]
    pub fn intervals(&self, series: &[&[f64]]) -> Vec<Option<Interval>> {
        let mut intervals = vec![None; series.len()];
        let mut lanes: Vec<(usize, &[f64])> = Vec::with_capacity(LANES);
        let mut sums = Vec::new();
        for (index, values) in series.iter().enumerate() {
            let Some(first) = values.first().filter(|_| values.len() == self.size) else { continue };
            if values.iter().all(|value| value == first) {
                intervals[index] = Some(Interval { low: *first, high: *first });
                continue;
            }
            lanes.push((index, values));
            if lanes.len() == LANES {
                self.fill(&lanes, &mut sums, &mut intervals);
                lanes.clear();
            }
        }
        self.fill(&lanes, &mut sums, &mut intervals);
        intervals
    }

    /// An interval for any statistic of a sample: `statistic` is told which values a resample draws.
    /// Several statistics of one size see the same resamples, so that what is computed from several
    /// series stays paired. `None` where the statistic is undefined for a resample, and for a sample of
    /// nothing.
    pub fn interval_of(&self, mut statistic: impl FnMut(&[u32]) -> Option<f64>) -> Option<Interval> {
        if self.size == 0 {
            return None;
        }
        let mut found = Vec::with_capacity(self.resamples);
        let mut drawn = Vec::new();
        for resample in 0..self.resamples {
            let value = match self.places.get(resample * self.size..) {
                Some(places) if !places.is_empty() => statistic(&places[..self.size]),
                _ => {
                    drawn.clear();
                    drawn.extend(places_of(resample, self.size));
                    statistic(&drawn)
                }
            };
            found.push(Ordered::new(value.filter(|value| value.is_finite())?));
        }
        let tail = (1.0 - self.confidence) / 2.0;
        let (low, high) = (percentile(&mut found, tail)?, percentile(&mut found, 1.0 - tail)?);
        Some(Interval { low, high })
    }

    /// Resamples up to [`LANES`] series at once.
    fn fill(&self, lanes: &[(usize, &[f64])], sums: &mut Vec<Ordered>, intervals: &mut [Option<Interval>]) {
        if lanes.is_empty() {
            return;
        }
        // Values less the first one of their series, all lanes of a place side by side.
        let mut values = vec![[0.0; LANES]; self.size];
        for (lane, (_, series)) in lanes.iter().enumerate() {
            for (to, value) in values.iter_mut().zip(*series) {
                to[lane] = value - series[0];
            }
        }
        // The sums of all resamples of a lane stand together.
        sums.clear();
        sums.resize(lanes.len() * self.resamples, Ordered::new(0.0));
        for resample in 0..self.resamples {
            let of_lanes = match self.places.get(resample * self.size..) {
                Some(places) if !places.is_empty() => sum(places[..self.size].iter().copied(), &values),
                _ => sum(places_of(resample, self.size), &values),
            };
            for (lane, sum) in of_lanes.iter().enumerate().take(lanes.len()) {
                sums[lane * self.resamples + resample] = Ordered::new(*sum);
            }
        }
        let tail = (1.0 - self.confidence) / 2.0;
        for ((index, series), sums) in lanes.iter().zip(sums.chunks_exact_mut(self.resamples.max(1))) {
            let low = percentile(sums, tail);
            let high = percentile(sums, 1.0 - tail);
            intervals[*index] = low.zip(high).map(|(low, high)| Interval {
                low: series[0] + low / self.size as f64,
                high: series[0] + high / self.size as f64,
            });
        }
    }
}

/// A number as an integer of the same order, which is faster to select by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ordered(i64);

impl Ordered {
    fn new(value: f64) -> Self {
        Self(Self::fold(value.to_bits() as i64))
    }

    fn value(self) -> f64 {
        f64::from_bits(Self::fold(self.0) as u64)
    }

    /// Turns the order of negative numbers around; its own inverse.
    const fn fold(bits: i64) -> i64 {
        bits ^ (((bits >> 63) as u64) >> 1) as i64
    }
}

/// Which values a resample draws.
fn places_of(resample: usize, size: usize) -> impl Iterator<Item = u32> {
    let (resample, bound) = (resample as u64, size as u64);
    let draws = Draws::new(SEED, Stream::Bootstrap, "mean");
    (0..bound).map(move |draw| draws.below(resample, draw, bound) as u32)
}

/// The sums of the values at some places, lane by lane.
fn sum(places: impl Iterator<Item = u32>, values: &[[f64; LANES]]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for place in places {
        for (sum, value) in sums.iter_mut().zip(&values[place as usize]) {
            *sum += value;
        }
    }
    sums
}

/// The value below which `fraction` of the values lie, between neighbours linearly interpolated;
/// reorders the values.
fn percentile(values: &mut [Ordered], fraction: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = fraction * last as f64;
    let below = (position.floor() as usize).min(last);
    let (_, lower, above) = values.select_nth_unstable(below);
    let lower = lower.value();
    let upper = above.iter().min().map_or(lower, |upper| upper.value());
    Some(lower + (upper - lower) * (position - below as f64))
}

/// A paired comparison: what changes from the baseline, seed by seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedDifference {
    /// Mean of (value - baseline).
    pub mean: f64,
    /// Its confidence interval; `None` for fewer than [`MINIMUM_SAMPLES`] pairs.
    pub interval: Option<Interval>,
    /// Mean of the baseline over the pairs.
    pub baseline_mean: f64,
    /// Number of pairs.
    pub pairs: usize,
    /// In how many of them the value was above the baseline.
    pub above: usize,
    /// In how many it was below.
    pub below: usize,
}

/// Compares values with a baseline, pair by pair; `None` unless there are as many of both as
/// [`Bootstrap::size`] says, and at least one.
#[must_use]
pub fn paired_difference(
    values: &[f64],
    baseline: &[f64],
    bootstrap: &Bootstrap,
) -> Option<PairedDifference> {
    if values.len() != baseline.len() || values.len() != bootstrap.size() {
        return None;
    }
    let differences: Vec<f64> = values.iter().zip(baseline).map(|(value, base)| value - base).collect();
    let interval = bootstrap.intervals(&[&differences]).into_iter().next().flatten();
    Some(PairedDifference {
        mean: mean(&differences)?,
        interval: interval.filter(|_| differences.len() >= MINIMUM_SAMPLES),
        baseline_mean: mean(baseline)?,
        pairs: differences.len(),
        above: differences.iter().filter(|difference| **difference > 0.0).count(),
        below: differences.iter().filter(|difference| **difference < 0.0).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_deviations_of_a_known_sample() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&values), Some(5.0));
        assert_eq!(population_deviation(&values), Some(2.0));
        assert_eq!(sample_deviation(&values), Some((32.0_f64 / 7.0).sqrt()));
        assert_eq!(mean(&[]), None);
        assert_eq!(population_deviation(&[]), None);
        assert_eq!(sample_deviation(&[1.0]), None);
    }

    #[test]
    fn equal_values_have_exactly_that_mean() {
        assert_eq!(mean(&[0.1; 60]), Some(0.1));
        assert_eq!(population_deviation(&[0.1; 60]), Some(0.0));
        let interval = Bootstrap::new(60).intervals(&[&[0.1; 60]]);
        assert_eq!(interval, [Some(Interval { low: 0.1, high: 0.1 })]);
    }

    #[test]
    fn geometric_means_exist_above_zero_only() {
        let mean = geometric_mean(&[1.0, 10.0, 100.0]).unwrap();
        assert!((mean - 10.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), Err(NoGeometricMean::Empty));
        let expected = NoGeometricMean::NotPositive { position: 1, value: 0.0 };
        assert_eq!(geometric_mean(&[1.0, 0.0, -1.0]), Err(expected));
    }

    #[test]
    fn percentiles_interpolate_between_neighbours() {
        let mut values = [40.0, 10.0, 30.0, 20.0].map(Ordered::new);
        assert_eq!(percentile(&mut values, 0.0), Some(10.0));
        assert_eq!(percentile(&mut values, 0.5), Some(25.0));
        assert_eq!(percentile(&mut values, 1.0), Some(40.0));
        assert_eq!(percentile(&mut [], 0.5), None);
    }

    #[test]
    fn numbers_keep_their_order_as_integers() {
        let values = [-1e300, -2.0, -1e-300, 0.0, 1e-300, 2.0, 1e300];
        let ordered = values.map(Ordered::new);
        assert!(ordered.is_sorted());
        assert_eq!(ordered.map(Ordered::value), values);
    }

    /// The direct way: resample, average, sort.
    fn slowly(values: &[f64], resamples: u64, confidence: f64) -> Interval {
        let draws = Draws::new(SEED, Stream::Bootstrap, "mean");
        let size = values.len() as u64;
        let mut means: Vec<f64> = (0..resamples)
            .map(|resample| {
                (0..size).map(|draw| values[draws.below(resample, draw, size) as usize]).sum::<f64>()
                    / size as f64
            })
            .collect();
        means.sort_unstable_by(f64::total_cmp);
        let at = |fraction: f64| {
            let position = fraction * (means.len() - 1) as f64;
            let (low, high) = (means[position.floor() as usize], means[position.ceil() as usize]);
            low + (high - low) * position.fract()
        };
        Interval { low: at((1.0 - confidence) / 2.0), high: at((1.0 + confidence) / 2.0) }
    }

    #[test]
    fn fast_bootstrap_agrees_with_the_direct_one() {
        let series: Vec<Vec<f64>> = (0..11)
            .map(|series| (0..60).map(|value| f64::from((value * 37 + series * 11) % 97)).collect())
            .collect();
        let views: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
        let bootstrap = Bootstrap::with(60, 500, 0.9);
        for (interval, values) in bootstrap.intervals(&views).into_iter().zip(&series) {
            let (interval, slow) = (interval.unwrap(), slowly(values, 500, 0.9));
            assert!((interval.low - slow.low).abs() < 1e-9, "{interval:?} {slow:?}");
            assert!((interval.high - slow.high).abs() < 1e-9, "{interval:?} {slow:?}");
        }
    }

    /// For a sample of 0 and 1 the resampled mean is a binomial share: its 2.5 % and 97.5 %
    /// quantiles for n = 100, p = 0.5 are 0.40 and 0.60.
    #[test]
    fn bootstrap_finds_the_quantiles_of_a_binomial() {
        let values: Vec<f64> = (0..100).map(|index| f64::from(index % 2)).collect();
        let interval = Bootstrap::with(100, 20_000, 0.95).intervals(&[&values])[0].unwrap();
        assert!((interval.low - 0.40).abs() <= 0.0101, "{interval:?}");
        assert!((interval.high - 0.60).abs() <= 0.0101, "{interval:?}");
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_any_statistic() {
        let values: Vec<f64> = (0..20).map(|seed| f64::from((seed * 7) % 20)).collect();
        for bootstrap in [Bootstrap::new(20), Bootstrap { places: Vec::new(), ..Bootstrap::new(20) }] {
            let [expected] = bootstrap.intervals(&[&values])[..] else { panic!("one series") };
            let expected = expected.unwrap();
            let statistic = |places: &[u32]| {
                mean(&places.iter().map(|place| values[*place as usize]).collect::<Vec<f64>>())
            };
            let found = bootstrap.interval_of(statistic).unwrap();
            assert!((found.low - expected.low).abs() < 1e-12, "{found:?} {expected:?}");
            assert!((found.high - expected.high).abs() < 1e-12, "{found:?} {expected:?}");
            assert_eq!(bootstrap.interval_of(|places| (places[0] > 0).then_some(1.0)), None);
        }
        assert_eq!(Bootstrap::new(0).interval_of(|_| Some(1.0)), None);
    }

    #[test]
    fn series_of_another_size_have_no_interval() {
        let bootstrap = Bootstrap::new(3);
        assert_eq!(bootstrap.intervals(&[&[1.0, 2.0], &[]]), [None, None]);
        assert_eq!(Bootstrap::new(0).intervals(&[&[]]), [None]);
    }

    #[test]
    fn pairs_cancel_what_they_share() {
        let baseline: Vec<f64> = (0..20).map(|seed| f64::from(seed * seed)).collect();
        let values: Vec<f64> = baseline.iter().map(|value| value + 2.0).collect();
        let difference = paired_difference(&values, &baseline, &Bootstrap::new(20)).unwrap();
        assert_eq!(difference.mean, 2.0);
        assert_eq!(difference.interval, Some(Interval { low: 2.0, high: 2.0 }));
        assert_eq!((difference.pairs, difference.above, difference.below), (20, 20, 0));
        assert_eq!(paired_difference(&values, &baseline[1..], &Bootstrap::new(20)), None);
        let single = paired_difference(&[3.0], &[1.0], &Bootstrap::new(1)).unwrap();
        assert_eq!((single.mean, single.interval), (2.0, None));
    }
}
