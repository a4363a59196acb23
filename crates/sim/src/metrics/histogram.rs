//! A collection of durations, in constant memory.
//!
//! Count, sum, least and greatest are exact. For percentiles the durations are counted in buckets
//! whose width grows with the duration: 512 of them in each factor of two. A percentile is the middle
//! of its bucket, so it is off by at most 1/1024 (0.1 %) from 2.1 us on, and by at most 2.1 ns below.
//! It never leaves the range from the least to the greatest, so that equal durations have exact
//! percentiles.
//!
//! The buckets of a factor of two are made when a duration first falls there: at most 30 times,
//! however many durations there are. A sweep makes a histogram a task for each of its thousands of short
//! runs; making all buckets at once takes longer than simulating a second does, and so would a
//! general-purpose histogram of three digits.

use rtmm_workload::Duration;

/// Buckets in each factor of two, as a power of two.
const STEP_BITS: u32 = 9;
/// The narrowest bucket in picoseconds, as a power of two: 4.1 ns.
const UNIT_BITS: u32 = 12;
/// Durations from here on share the last bucket: 2^50 ps are 18.8 minutes.
const RANGE_BITS: u32 = 50;
/// Pages of buckets: one for everything below `2^(UNIT_BITS + STEP_BITS)`, then one a factor of two.
const PAGES: usize = (RANGE_BITS - UNIT_BITS - STEP_BITS + 1) as usize;
/// Buckets of a page.
const STEPS: usize = 1 << STEP_BITS;
/// Buckets of all pages.
const BUCKETS: usize = PAGES * STEPS;

/// Durations: how many, their sum and extremes exactly, their percentiles within 0.1 %.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    pages: [Option<Box<[u32]>>; PAGES],
    count: u64,
    sum: u128,
    least: u64,
    greatest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { pages: std::array::from_fn(|_| None), count: 0, sum: 0, least: u64::MAX, greatest: 0 }
    }
}

impl Histogram {
    /// Adds a duration.
    pub fn record(&mut self, duration: Duration) {
        let picoseconds = duration.picoseconds();
        let bucket = bucket_of(picoseconds);
        let page = self.pages[bucket / STEPS].get_or_insert_with(|| vec![0; STEPS].into_boxed_slice());
        let count = &mut page[bucket % STEPS];
        *count = count.saturating_add(1);
        self.count += 1;
        self.sum += u128::from(picoseconds);
        self.least = self.least.min(picoseconds);
        self.greatest = self.greatest.max(picoseconds);
    }

    /// Number of durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean in milliseconds, rounded once from the exact sum; none without any.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / (self.count as f64 * 1e9))
    }

    /// The longest; none without any.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_picoseconds(self.greatest))
    }

    /// The shortest duration that at least `per_mille` / 1000 of all do not exceed (nearest rank), to
    /// within 0.1 %; none without any.
    #[must_use]
    pub fn percentile(&self, per_mille: u32) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let rank = (u128::from(self.count) * u128::from(per_mille)).div_ceil(1000).max(1);
        let mut seen = 0_u128;
        for (page, counts) in self.pages.iter().enumerate() {
            for (step, count) in counts.iter().flatten().enumerate() {
                seen += u128::from(*count);
                let bucket = page * STEPS + step;
                if seen >= rank && bucket < BUCKETS - 1 {
                    let middle = middle_of(bucket).clamp(self.least, self.greatest);
                    return Some(Duration::from_picoseconds(middle));
                }
            }
        }
        // Of the last bucket nothing is known but that the greatest is in it.
        self.max()
    }
}

fn bucket_of(picoseconds: u64) -> usize {
    let units = picoseconds >> UNIT_BITS;
    // How many times narrower than its bucket a unit is, as a power of two.
    let width_bits = units.checked_ilog2().unwrap_or(0).saturating_sub(STEP_BITS);
    let bucket = (u64::from(width_bits) << STEP_BITS) + (units >> width_bits);
    (bucket as usize).min(BUCKETS - 1)
}

/// The middle of a bucket, in picoseconds.
fn middle_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let width_bits = (bucket >> STEP_BITS).saturating_sub(1);
    let first = (bucket - (width_bits << STEP_BITS)) << width_bits;
    (2 * first + (1 << width_bits)) << (UNIT_BITS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(picoseconds: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        picoseconds.iter().for_each(|ps| histogram.record(Duration::from_picoseconds(*ps)));
        histogram
    }

    #[test]
    fn buckets_adjoin_and_hold_their_middle() {
        assert_eq!((bucket_of(0), bucket_of(4_095), bucket_of(4_096)), (0, 0, 1));
        for bucket in 0..BUCKETS - 1 {
            let middle = middle_of(bucket);
            assert_eq!(bucket_of(middle), bucket, "middle {middle}");
            assert!(middle_of(bucket + 1) > middle);
        }
        assert_eq!(bucket_of((1 << RANGE_BITS) - 1), BUCKETS - 1);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_middle_is_within_a_thousandth() {
        let mut picoseconds = 1_u64;
        while picoseconds < 1 << RANGE_BITS {
            let middle = middle_of(bucket_of(picoseconds));
            let error = middle.abs_diff(picoseconds);
            let allowed = if picoseconds < 1 << (UNIT_BITS + STEP_BITS) { 2_048 } else { picoseconds >> 10 };
            assert!(error <= allowed, "{picoseconds} became {middle}");
            picoseconds += 1 + picoseconds / 97;
        }
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        // 1 ms to 100 ms: the 50th of 100 is 50 ms, the 95th 95 ms, the 99th 99 ms.
        let histogram = of(&(1..=100).map(|ms| ms * 1_000_000_000).collect::<Vec<u64>>());
        for (per_mille, expected) in [(500, 50.0), (950, 95.0), (990, 99.0), (0, 1.0), (1000, 100.0)] {
            let found = histogram.percentile(per_mille).map(Duration::milliseconds).expect("not empty");
            assert!((found / expected - 1.0).abs() < 0.001, "{per_mille}: {found}");
        }
        assert_eq!(histogram.mean_ms(), Some(50.5));
        assert_eq!(histogram.max().map(Duration::milliseconds), Some(100.0));
    }

    #[test]
    fn few_and_enormous_durations() {
        let empty = of(&[]);
        assert_eq!((empty.mean_ms(), empty.max(), empty.percentile(500)), (None, None, None));
        // All the same: exact, whatever the bucket.
        let same = of(&[16_666_666_667; 3]);
        assert_eq!(same.percentile(990), Some(Duration::from_picoseconds(16_666_666_667)));
        // Beyond the range: the last bucket answers with the greatest.
        let large = of(&[u64::MAX, u64::MAX, 1]);
        assert_eq!(large.percentile(990), Some(Duration::MAX));
        assert_eq!(large.mean_ms(), Some((2.0 * u64::MAX as f64 + 1.0) / 3e9));
    }
}
