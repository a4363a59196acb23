//! The random numbers of the GNU C library: `srand` and `rand`.
//!
//! The published tools draw from the C library, so their random runs can only be repeated with
//! its generator: an additive feedback generator of degree 31 with separation 3 (`TYPE_3` in the
//! library's `random_r.c`), seeded by the minimal standard generator of Park and Miller.
//! Everything else in this project draws addressed numbers; see `rtmm_workload::random`.

/// Words of state: the degree of the feedback polynomial x^31 + x^3 + 1.
const DEGREE: usize = 31;
/// Distance between the two words that are added.
const SEPARATION: usize = 3;
/// Outputs that seeding throws away.
const DISCARDED: usize = 10 * DEGREE;

/// The state behind `rand()`.
#[derive(Clone, Debug)]
pub struct GlibcRandom {
    words: [u32; DEGREE],
    front: usize,
    rear: usize,
}

impl GlibcRandom {
    /// The largest number that [`GlibcRandom::rand`] returns: `RAND_MAX`.
    pub const MAX: u32 = 0x7fff_ffff;

    /// The state after `srand(seed)`. Seed 0 counts as seed 1.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut words = [0; DEGREE];
        // The library computes in signed words: a seed above 2^31 starts out negative.
        let mut word = i64::from(seed.max(1).cast_signed());
        for slot in &mut words {
            // The first word is the seed itself; its bit pattern survives the cast.
            *slot = word as u32;
            // 16807 * word mod (2^31 - 1) without overflow, as the library spells it.
            word = 16_807 * (word % 127_773) - 2_836 * (word / 127_773);
            if word < 0 {
                word += i64::from(Self::MAX);
            }
        }
        let mut state = Self { words, front: SEPARATION, rear: 0 };
        for _ in 0..DISCARDED {
            state.rand();
        }
        state
    }

    /// The next number, from 0 to [`GlibcRandom::MAX`].
    pub fn rand(&mut self) -> u32 {
        let sum = self.words[self.front].wrapping_add(self.words[self.rear]);
        self.words[self.front] = sum;
        self.front = if self.front + 1 == DEGREE { 0 } else { self.front + 1 };
        self.rear = if self.rear + 1 == DEGREE { 0 } else { self.rear + 1 };
        // The lowest bit is the least random one and is shifted out.
        sum >> 1
    }

    /// The next number as a 32-bit float from 0 to 1: `(float)rand() / (float)RAND_MAX`.
    ///
    /// Both ends are possible, since 24 bits of mantissa round the 64 largest numbers up to 1.
    pub fn unit(&mut self) -> f32 {
        // RAND_MAX itself rounds up to 2^31.
        self.rand() as f32 / Self::MAX as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_c_library() {
        // Seed, the first five numbers, and the one after 10,000 more.
        let cases: [(u32, [u32; 5], u32); 5] = [
            (1, [1_804_289_383, 846_930_886, 1_681_692_777, 1_714_636_915, 1_957_747_793], 1_447_032_062),
            (0, [1_804_289_383, 846_930_886, 1_681_692_777, 1_714_636_915, 1_957_747_793], 1_447_032_062),
            (42, [71_876_166, 708_592_740, 1_483_128_881, 907_283_241, 442_951_012], 1_425_076_016),
            (
                3_000_000_000,
                [2_058_147_116, 854_483_408, 922_419_988, 286_396_165, 2_068_523_933],
                854_778_289,
            ),
            (u32::MAX, [254_925_627, 1_205_188_300, 366_127_624, 1_401_405_153, 76_053_476], 1_473_520_224),
        ];
        for (seed, first, late) in cases {
            let mut random = GlibcRandom::new(seed);
            assert_eq!([0; 5].map(|_| random.rand()), first, "seed {seed}");
            for _ in 0..10_000 {
                random.rand();
            }
            assert_eq!(random.rand(), late, "seed {seed}, after 10,000 more");
        }
    }

    #[test]
    fn floats_span_zero_to_one() {
        let mut random = GlibcRandom::new(1);
        assert_eq!(random.unit(), 1_804_289_383_f32 / 2_147_483_648_f32);
        assert!((0..10_000).all(|_| (0.0..=1.0).contains(&random.unit())));
    }
}
