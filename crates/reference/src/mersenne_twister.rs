//! The random numbers of the Python standard library: `random.Random(seed)`.
//!
//! Published tools in Python draw from it, so their random inputs can only be repeated with its
//! generator: MT19937 (Matsumoto and Nishimura, 1998), seeded by `init_by_array` with the 32-bit
//! digits of the seed, lowest first. Everything else in this project draws addressed numbers; see
//! `rtmm_workload::random`.

/// Words of state.
const WORDS: usize = 624;
/// Distance of the word that is mixed in.
const SHIFT: usize = 397;
const UPPER_BIT: u32 = 0x8000_0000;
/// The twist: the last row of the recurrence's matrix.
const MATRIX: u32 = 0x9908_b0df;

/// The state behind `random.Random`.
#[derive(Clone, Debug)]
pub struct MersenneTwister {
    words: [u32; WORDS],
    /// Number of used words of the current block.
    used: usize,
}

impl MersenneTwister {
    /// The generator after `random.seed(seed)` with a whole number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let digits = [seed as u32, (seed >> u32::BITS) as u32];
        let key = if digits[1] == 0 { &digits[..1] } else { &digits[..] };
        Self { words: initial_words(key), used: WORDS }
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == WORDS {
            self.next_block();
        }
        let mut word = self.words[self.used];
        self.used += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number in [0, 1) with 53 random bits: `random.random()`.
    pub fn unit(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// A whole number below `bound`, by rejection: what `random.choice` and `random.randrange` draw.
    /// A bound of 1 consumes numbers, too; a bound of 0 gives 0 and consumes none.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound == 0 {
            return 0;
        }
        loop {
            let drawn = self.next_u32() >> bound.leading_zeros();
            if drawn < bound {
                return drawn;
            }
        }
    }

    fn next_block(&mut self) {
        for index in 0..WORDS {
            let (this, next) = (self.words[index], self.words[(index + 1) % WORDS]);
            let mixed = (this & UPPER_BIT) | (next & !UPPER_BIT);
            let twist = if mixed & 1 == 0 { 0 } else { MATRIX };
            self.words[index] = self.words[(index + SHIFT) % WORDS] ^ (mixed >> 1) ^ twist;
        }
        self.used = 0;
    }
}

/// The state that `init_by_array` makes of a key.
fn initial_words(key: &[u32]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    words[0] = 19_650_218;
    for index in 1..WORDS {
        words[index] = scrambled(words[index - 1]).wrapping_mul(1_812_433_253).wrapping_add(index as u32);
    }
    let mut index = 1;
    for step in 0..WORDS.max(key.len()) {
        let digit = step % key.len();
        let mixed = words[index] ^ scrambled(words[index - 1]).wrapping_mul(1_664_525);
        words[index] = mixed.wrapping_add(key[digit]).wrapping_add(digit as u32);
        index = advance(&mut words, index);
    }
    for _ in 1..WORDS {
        let mixed = words[index] ^ scrambled(words[index - 1]).wrapping_mul(1_566_083_941);
        words[index] = mixed.wrapping_sub(index as u32);
        index = advance(&mut words, index);
    }
    words[0] = UPPER_BIT;
    words
}

const fn scrambled(word: u32) -> u32 {
    word ^ (word >> 30)
}

/// The index after `index`; the first word follows the last, and is then a copy of it.
fn advance(words: &mut [u32; WORDS], index: usize) -> usize {
    if index + 1 < WORDS {
        return index + 1;
    }
    words[0] = words[WORDS - 1];
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The authors' own test vector: `init_by_array({0x123, 0x234, 0x345, 0x456})`.
    #[test]
    fn numbers_are_those_of_the_published_generator() {
        let words = initial_words(&[0x123, 0x234, 0x345, 0x456]);
        let mut generator = MersenneTwister { words, used: WORDS };
        let first: Vec<u32> = (0..5).map(|_| generator.next_u32()).collect();
        assert_eq!(first, [1_067_595_299, 955_945_823, 477_289_528, 4_107_218_783, 4_228_976_476]);
    }

    /// Printed by Python: `random.seed(1)`, `random.random()`; the same of 2**40 + 3.
    #[test]
    fn seeds_and_fractions_are_those_of_python() {
        assert_eq!(MersenneTwister::new(1).unit(), 0.13436424411240122);
        assert_eq!(MersenneTwister::new((1 << 40) + 3).unit(), 0.21978710637116716);
    }

    #[test]
    fn bounds_hold_and_a_bound_of_one_consumes_numbers() {
        let mut generator = MersenneTwister::new(7);
        assert!((0..1000).map(|_| generator.below(7)).all(|drawn| drawn < 7));
        let before = generator.clone().next_u32();
        assert_eq!((generator.below(0), generator.clone().next_u32()), (0, before));
        assert_eq!(generator.below(1), 0);
        assert_ne!(generator.next_u32(), before);
    }
}
