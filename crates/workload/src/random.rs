//! Addressed randomness: a draw is a function of its address, not of the draws before it.
//!
//! `draw(seed, stream, name, job, index)` gives the same 64 bits wherever and whenever it is asked,
//! so two policies on one seed see the same world, and adding a task does not change the others.
//! The generator is Philox 4x32-10 (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*,
//! SC 2011), keyed by a hash of the seed, the stream and the name; job and index are its counter.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The purpose of a draw. Streams are independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stream {
    /// Resampling of results for confidence intervals.
    Bootstrap,
    /// Distances between random arrivals, and how long the states of bursty ones last.
    Arrivals,
    /// The delay from a frame's arrival until the scheduler sees it.
    Jitter,
    /// Draw that decides if a frame becomes a job.
    Trigger,
    /// Draw that decides if a completed job triggers another: the outcome of a control dependency.
    Control,
    /// The blocks that an inference skips, and the exit that it takes.
    Path,
    /// The priority that a frame draws from those of its task.
    Priority,
    /// The recorded sample of its model that a frame brings.
    Sample,
    /// The times that the layers of a job take where they vary from job to job.
    Latency,
    /// The tasks, priorities and distances of the requests of a mix.
    Mix,
    /// The order in which a fit takes its measurements.
    Fit,
    /// Errors of costs, prices, estimates and rates in an analysis of how far a ranking carries.
    Error,
    /// Systems that are drawn for an evaluation.
    Generated,
    /// Synthesised samples: how sparse each layer is on average.
    SampleProfile,
    /// Synthesised samples: how sparse each input is in all of its layers.
    SampleInput,
    /// Synthesised samples: where the layers of an input differ from it.
    SampleLayer,
    /// Synthesised samples: how evenly the work of a layer falls.
    SampleBalance,
    /// Synthesised samples: what a pattern of sparse weights changes in a layer.
    SamplePattern,
}

impl Stream {
    const fn tag(self) -> u64 {
        match self {
            Self::Bootstrap => 1,
            Self::Arrivals => 2,
            Self::Jitter => 3,
            Self::Trigger => 4,
            Self::Control => 5,
            Self::Path => 6,
            Self::Priority => 12,
            Self::Sample => 13,
            Self::Mix => 14,
            Self::Latency => 15,
            Self::Fit => 16,
            Self::Error => 17,
            Self::Generated => 18,
            Self::SampleProfile => 7,
            Self::SampleInput => 8,
            Self::SampleLayer => 9,
            Self::SampleBalance => 10,
            Self::SamplePattern => 11,
        }
    }
}

/// The draws of one seed, stream and name.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    key: [u32; 2],
}

impl Draws {
    /// The draws that `name` makes for the purpose of `stream` under `seed`.
    #[must_use]
    pub fn new(seed: u64, stream: Stream, name: &str) -> Self {
        // FNV-1a over the name, then two rounds of Philox to mix it with seed and stream.
        let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        let mixed = philox([low(seed), high(seed), low(hash), high(hash)], [low(stream.tag()), 0x7274_6D6D]);
        Self { key: [mixed[0] ^ mixed[2], mixed[1] ^ mixed[3]] }
    }

    /// 64 random bits of draw `index` of job `job`.
    #[must_use]
    pub fn bits(self, job: u64, index: u64) -> u64 {
        let [a, b, ..] = philox([low(job), high(job), low(index), high(index)], self.key);
        u64::from(a) | u64::from(b) << 32
    }

    /// A number in 0..1: a multiple of 2^-53, never 1.
    #[must_use]
    pub fn unit(self, job: u64, index: u64) -> f64 {
        (self.bits(job, index) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True if an event of this probability happens: always for 1, never for 0.
    #[must_use]
    pub fn happens(self, job: u64, index: u64, probability: f64) -> bool {
        self.unit(job, index) < probability
    }

    /// A number of the standard normal distribution, by the method of Box and Muller from the draws
    /// `2 index` and `2 index + 1`; the same bits on every platform.
    #[must_use]
    pub fn normal(self, job: u64, index: u64) -> f64 {
        let first = index.wrapping_mul(2);
        // Above 0, so that the logarithm is finite; at most 8.6 standard deviations follow.
        let radius = (-2.0 * libm::log(1.0 - self.unit(job, first))).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit(job, first.wrapping_add(1)))
    }

    /// A number in `0..bound` (0 for a bound of 0), by Lemire's multiplication; its bias is below
    /// `bound` / 2^64.
    #[must_use]
    pub fn below(self, job: u64, index: u64, bound: u64) -> u64 {
        ((u128::from(self.bits(job, index)) * u128::from(bound)) >> 64) as u64
    }
}

/// The probability that a number of the standard normal distribution is at most `number`: (1 + erf(number / √2)) / 2, to
/// within three units in the last place of the smaller of it and its complement; the same bits on every platform.
#[must_use]
pub fn normal_probability(number: f64) -> f64 {
    0.5 * libm::erfc(number * -std::f64::consts::FRAC_1_SQRT_2)
}

const fn low(value: u64) -> u32 {
    value as u32
}

const fn high(value: u64) -> u32 {
    (value >> 32) as u32
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter =
            [high(second) ^ counter[1] ^ key[0], low(second), high(first) ^ counter[3] ^ key[1], low(first)];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors of Philox publish with Random123.
    #[test]
    fn philox_gives_its_published_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
        );
        assert_eq!(
            philox([0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0]),
            [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
        );
    }

    #[test]
    fn addresses_do_not_disturb_each_other() {
        let draws = Draws::new(1, Stream::Bootstrap, "a");
        assert_eq!(draws.bits(3, 4), Draws::new(1, Stream::Bootstrap, "a").bits(3, 4));
        assert_ne!(draws.bits(3, 4), Draws::new(1, Stream::Bootstrap, "b").bits(3, 4));
        assert_ne!(draws.bits(3, 4), Draws::new(2, Stream::Bootstrap, "a").bits(3, 4));
        assert_ne!(draws.bits(3, 4), draws.bits(4, 3));
        assert!((0..1_000).all(|index| draws.below(0, index, 7) < 7));
    }

    #[test]
    fn normal_draws_have_the_moments_of_the_normal_distribution() {
        let draws = Draws::new(3, Stream::SampleLayer, "a");
        let count = 100_000_u64;
        let (mut sum, mut squares, mut fourths, mut products, mut last) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for index in 0..count {
            let value = draws.normal(1, index);
            sum += value;
            squares += value * value;
            fourths += value * value * value * value;
            products += value * last;
            last = value;
        }
        let of = |sum: f64| sum / count as f64;
        // Five standard errors.
        assert!(of(sum).abs() < 0.016 && of(products).abs() < 0.016, "{} {}", of(sum), of(products));
        assert!((of(squares) - 1.0).abs() < 0.023, "{}", of(squares));
        assert!((of(fourths) - 3.0).abs() < 0.16, "{}", of(fourths));
    }

    /// Values of tables of the distribution, to their last digit.
    #[test]
    fn normal_probabilities_are_those_of_published_tables() {
        for (number, probability) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_543),
            (-1.0, 0.158_655_253_931_457),
            (1.281_551_565_544_6, 0.9),
            (2.326_347_874_040_841, 0.99),
            (-3.0, 0.001_349_898_031_630_095),
            (-6.0, 9.865_876_450_376_98e-10),
        ] {
            let given = normal_probability(number);
            assert!((given / probability - 1.0).abs() < 1e-14, "{number}: {given} is not {probability}");
        }
        assert_eq!([-40.0, 40.0].map(normal_probability), [0.0, 1.0]);
        // Bits, which no platform may change.
        assert_eq!(normal_probability(0.7).to_bits(), 0x3FE8_41D5_715C_32A8);
    }
}
